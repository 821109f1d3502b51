-- active_periods: in which periods a customer has touchpoints.
SET search_path = cjm, public;
SET timezone = 'UTC';
SET datestyle = 'ISO';

SELECT active_periods('{2026-01-31T22:30:00Z a, 2026-01-31T22:30:00Z b, 2026-02-28T23:00:00Z a, 2026-12-31T23:59:59.999999Z a}', period, zone), period, zone
FROM unnest('{day,week,month,quarter,year}'::text[]) period, unnest('{UTC,Europe/Riga,America/New_York}'::text[]) zone;
SELECT active_periods('{2026-01-31T22:30:00Z a}', 'MONTH');
SELECT active_periods('{}', 'day'), active_periods(NULL, 'day') IS NULL AS of_null;
-- A day that begins at one o'clock, and one that was left out.
SELECT active_periods('{2018-11-04T02:59:59Z a, 2018-11-04T03:00:00Z a, 2018-11-05T01:59:59Z a}', 'day', 'America/Sao_Paulo');
SELECT active_periods('{2011-12-30T09:59:59Z a, 2011-12-30T10:00:00Z a}', 'day', 'Pacific/Apia');

SELECT active_periods('{}', 'hour');
SELECT active_periods('{}', 'fortnight');
SELECT active_periods('{2026-01-31T22:30:00Z a}', 'day', 'Mars/Olympus');

-- The same as plain SQL, with several units and zones at one call site, and days enough for what it knows to be forgotten.
CREATE TEMP TABLE walks AS
SELECT n, journey_agg(timestamptz '2020-01-01Z' + (hashint4(n * 1000 + i) & 2147483647) * interval '0.1 s' * (1 + n % 40), 'a') AS j
FROM generate_series(1, 300) n, generate_series(1, 40) i GROUP BY n;
SELECT count(*), count(*) FILTER (WHERE p <> expected) AS wrong, count(DISTINCT p)
FROM walks, unnest('{day,week,month,quarter,year}'::text[]) unit, unnest('{UTC,Asia/Kathmandu,America/New_York}'::text[]) zone,
	LATERAL (SELECT active_periods(j, unit, zone) AS p,
		ARRAY(SELECT DISTINCT date_trunc(unit, at AT TIME ZONE zone)::date AS d FROM touchpoints(j) ORDER BY d) AS expected) x;
