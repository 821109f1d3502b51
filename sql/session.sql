-- sessions and session_stats.
SET search_path = cjm, public;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';

CREATE FUNCTION public.refusal(gap interval) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
BEGIN
	RETURN 'accepted: ' || (SELECT count(*) FROM cjm.sessions('{2026-01-01T10:00Z a, 2026-01-01T11:00Z b}', gap)) || ' sessions';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', SQLSTATE || ' ' || SQLERRM, nullif(detail, ''), nullif(hint, ''));
END
$$;

-- A gap longer than the timeout, 30 minutes if nothing is said, begins the next session; exactly the timeout does not.
SELECT * FROM sessions('{2026-01-01T10:00Z view, 2026-01-01T10:30Z cart@email=5, 2026-01-01T11:00:00.000001Z view@ads, 2026-01-01T12:00Z pay=19.9, 2026-01-01T12:00Z pay@ads=0.1, 2026-01-01T12:30Z thanks}');
SELECT session_number, started_at, touch_count, bounced FROM sessions('{2026-01-01T10:00Z a, 2026-01-01T10:30Z b, 2026-01-01T11:00:00.000001Z c}', '00:30:00.000001');
SELECT session_number, started_at, touch_count, bounced FROM sessions('{2026-01-01T10:00Z a, 2026-01-01T10:30Z b, 2026-01-01T11:00:00.000001Z c}', '00:29:59.999999');
-- the channel is that of the first touchpoint that has one; the value is the sum; touchpoints of one time are in canonical order
SELECT entry_event, exit_event, channel, value, touch_count FROM sessions('{2026-01-01T10:00Z z@x=1, 2026-01-01T10:00Z a, 2026-01-01T10:00Z a=2, 2026-01-01T10:05Z m@b=-4}');
SELECT channel IS NULL AS no_channel, value FROM sessions('{2026-01-01T10:00Z a, 2026-01-01T12:00Z a=0, 2026-01-01T14:00Z a=NaN, 2026-01-01T14:00Z a=1, 2026-01-01T16:00Z a=Infinity, 2026-01-01T16:01Z a=-Infinity}');
-- no gap at all: only touchpoints of one time are together
SELECT session_number, started_at, touch_count FROM sessions('{2026-01-01T10:00Z a, 2026-01-01T10:00Z b, 2026-01-01T10:00:00.000001Z c}', '0');
-- days have 24 hours, whatever the zone does to its clocks; parts of an interval add up
SET TimeZone = 'Europe/Riga';
SELECT gap, (SELECT count(*) FROM sessions('{2026-03-28T10:00Z a, 2026-03-29T10:00Z b}', gap)) AS sessions
FROM unnest(ARRAY['1 day', '24 hours', '23:59:59.999999', '1 day -1 us', '2 days -24 hours', '-1 day 48 hours', '1 week']::interval[]) AS gap;
SET TimeZone = 'UTC';
SELECT count(*) AS all_of_time FROM sessions('{-4713-11-24T00:00Z first, +294276-12-31T23:59:59.999999Z last}', '106751991 days');
SELECT count(*) AS all_of_time, bool_and(bounced) AS bounced FROM sessions('{-4713-11-24T00:00Z first, +294276-12-31T23:59:59.999999Z last}');
-- nothing
SELECT count(*) AS of_empty FROM sessions('{}');
SELECT count(*) AS of_nothing FROM sessions(NULL);
SELECT count(*) AS without_gap FROM sessions('{2026-01-01T10:00Z a}', NULL);

SELECT gap, public.refusal(gap)
FROM unnest(ARRAY['0', '1 us', '1 hour', '-1 us', '-30 minutes', '1 day -25 hours', '1 month', '-1 month', '1 year', '1 month -30 days', '200000000 days', '106751991 days 5 hours']::interval[]) AS gap;
SELECT session_stats('{2026-01-01T10:00Z a}', '1 month');

SELECT * FROM session_stats('{2026-01-01T10:00Z view, 2026-01-01T10:30Z cart, 2026-01-01T11:00:00.000001Z view, 2026-01-01T12:00Z pay, 2026-01-01T12:00Z pay, 2026-01-01T12:30Z thanks}');
SELECT * FROM session_stats('{2026-01-01T10:00Z a, 2026-01-03T12:00Z b, 2026-01-10T12:00Z c}', '3 days');
SELECT * FROM session_stats('{2026-01-01T10:00Z a, 2026-01-01T10:00:00.000001Z b, 2026-01-01T12:00Z c}', '1 s');
SELECT * FROM session_stats('{}');
SELECT * FROM session_stats(NULL);
SELECT session_stats('{2026-01-01T10:00Z a}', NULL) IS NULL AS without_gap;
SELECT * FROM session_stats('{-4713-11-24T00:00Z first, +294276-12-31T23:59:59.999999Z last}', '106751991 days');

-- Against window functions over the rows; distances of exactly the timeout are frequent.
SELECT setseed(0.2);
CREATE TABLE public.rows AS
SELECT k, ('00:30'::interval * (k % 4)) / 2 AS gap, '2026-01-01T00:00Z'::timestamptz + floor(random() * 2 * n) * interval '15 min' + (CASE WHEN random() < 0.2 THEN floor(random() * 3) - 1 ELSE 0 END) * interval '1 us' AS at,
       'e' || floor(random() * 5) AS event, (ARRAY['x', 'y', NULL])[ceil(random() * 3)] AS channel, (ARRAY[1, 2.5, NULL])[ceil(random() * 3)]::float8 AS value
FROM generate_series(1, 1000) AS k, LATERAL (SELECT 1 + (random() * 12)::integer) AS s (n), LATERAL generate_series(1, n);
CREATE TABLE public.built AS SELECT k, gap, journey_agg(at, event, channel, value) AS j FROM public.rows GROUP BY k, gap;
CREATE TABLE public.expected AS
WITH ordered AS (SELECT *, row_number() OVER w AS n, at - lag(at) OVER w > gap AS breaks FROM public.rows WINDOW w AS (PARTITION BY k ORDER BY at, event, channel NULLS FIRST, value NULLS FIRST)),
     numbered AS (SELECT *, 1 + count(*) FILTER (WHERE breaks) OVER (PARTITION BY k ORDER BY n) AS session_number FROM ordered)
SELECT k, session_number, min(at) AS started_at, max(at) AS ended_at, count(*) AS touch_count, (array_agg(event ORDER BY n))[1] AS entry_event, (array_agg(event ORDER BY n DESC))[1] AS exit_event,
       (array_agg(channel ORDER BY n) FILTER (WHERE channel IS NOT NULL))[1] AS channel, sum(value) AS value, count(*) = 1 AS bounced, sum(value) FILTER (WHERE value >= 0) AS gross_value, NULL::text AS session
FROM numbered GROUP BY k, session_number;
SELECT count(*) > 2000 AS many, count(*) FILTER (WHERE bounced) > 500 AS bounces, count(*) FILTER (WHERE touch_count > 3) > 200 AS long FROM public.expected;
(SELECT k, s.* FROM public.built, sessions(j, gap) AS s EXCEPT ALL SELECT * FROM public.expected) LIMIT 5;
(SELECT * FROM public.expected EXCEPT ALL SELECT k, s.* FROM public.built, sessions(j, gap) AS s) LIMIT 5;
SELECT count(*) AS journeys, count(*) FILTER (WHERE s.session_count <> e.sessions OR s.bounce_count <> e.bounces OR s.bounce_rate <> e.bounces::float8 / e.sessions OR s.touch_count <> e.touches OR
                                                    s.total_time <> e.total OR abs(extract(epoch FROM s.mean_time - e.mean)) > 0.000001 OR s.longest_time <> e.longest) AS wrong
FROM public.built, session_stats(j, gap) AS s, LATERAL (SELECT count(*) AS sessions, count(*) FILTER (WHERE bounced) AS bounces, sum(touch_count) AS touches, sum(ended_at - started_at) AS total, avg(ended_at - started_at) AS mean, max(ended_at - started_at) AS longest FROM public.expected AS x WHERE x.k = built.k) AS e;
DROP TABLE public.rows, public.built, public.expected;

-- Nobody needs cjm on the search_path.
SET search_path = public;
SELECT (s).session_number, (s).entry_event FROM (SELECT cjm.sessions('{2026-01-01T10:00Z a, 2026-01-01T11:00Z b}')) AS t (s);
SELECT session_count FROM cjm.session_stats('{2026-01-01T10:00Z a, 2026-01-01T11:00Z b}', gap => '1 hour');

DROP FUNCTION public.refusal(interval);
