-- purchases and purchase_stats: what a customer bought.
SET search_path = cjm, public;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET IntervalStyle = 'postgres';

SELECT * FROM purchases('{2026-01-01T10:00Z buy=3, 2026-01-01T10:01Z view, 2026-01-03T09:00Z buy, 2026-01-03T09:00Z buy=0.5, 2026-01-04T00:00Z view}', 'view -> buy');
-- The last stage that is not optional, through one channel and under two names, whatever came before.
SELECT number, at, value FROM purchases('{2026-01-01T10:00Z buy@web=3, 2026-01-01T10:01Z buy@shop=4, 2026-01-01T10:02Z order=5, 2026-01-01T10:03Z rate=6}',
	'view -> buy@web | order -> optional rate');
SELECT count(*) FROM purchases('{2026-01-01T10:00Z buy@web, 2026-01-01T10:00Z x@web}', 'view -> *@web');
SELECT count(*), count(since) FROM purchases('{2026-01-01T10:00Z a, 2026-01-01T10:00Z b}', '*');
-- Of a range of time, in which they are numbered anew.
SELECT number, at, since FROM purchases('{2026-01-01T00:00Z buy, 2026-01-02T00:00Z buy, 2026-01-03T00:00Z buy, 2026-01-04T00:00Z buy}', 'buy', '2026-01-02Z', '2026-01-04Z');
SELECT count(*) FROM purchases('{2026-01-01T00:00Z buy}', 'buy', 'infinity', '-infinity');
SELECT (purchase_stats(j, 'view -> buy')).* FROM unnest('{"{}", "{2026-01-01T00:00Z view=2}", "{2026-01-01T00:00Z buy}", "{2026-01-01T00:00Z buy=1, 2026-01-02T00:00Z buy=2, 2026-01-03T00:00Z buy}"}'::journey[]) j;
SELECT purchase_stats(NULL, 'buy') IS NULL AS of_null, (SELECT count(*) FROM purchases(NULL, 'buy')) AS rows_of_null;

-- The same from touchpoints; several funnels at one call site.
CREATE TEMP TABLE bought AS
SELECT n, journey_agg(timestamptz '2026-01-01Z' + (hashint4(n * 100 + i) & 1023) * interval '1 hour', 'e' || (hashint4(n + i * 5) & 7), nullif('c' || (hashint4(i) & 3), 'c0'),
	nullif(hashint4(i) & 7, 3)) AS j
FROM generate_series(1, 300) n, generate_series(1, n % 30) i GROUP BY n;
WITH asked AS (
	SELECT * FROM bought, (VALUES ('e1 -> e2'::funnel, ARRAY['e2'], NULL::text), ('e1 -> e2 | e3 -> optional e4', '{e2,e3}', NULL), ('e2@c1', '{e2}', 'c1')) f(funnel, events, channel),
		(VALUES ('-infinity'::timestamptz, 'infinity'::timestamptz), ('2026-01-10Z', '2026-01-30 12:00Z')) r(from_time, to_time)
), got AS (
	SELECT n, funnel::text, from_time, p.* FROM asked, purchases(j, funnel, from_time, to_time) p
), expected AS (
	SELECT n, funnel::text, from_time, row_number() OVER w, t.at, t.value, t.at - lag(t.at) OVER w
	FROM asked, touchpoints(j) WITH ORDINALITY t(at, event, "by", value, session, place)
	WHERE t.event = ANY (events) AND (channel IS NULL OR t."by" = channel) AND t.at >= from_time AND t.at < to_time
	WINDOW w AS (PARTITION BY n, funnel::text, from_time ORDER BY t.place)
)
SELECT (SELECT count(*) FROM got) AS purchases, (SELECT count(*) FROM (TABLE got EXCEPT ALL TABLE expected) d) AS too_many,
	(SELECT count(*) FROM (TABLE expected EXCEPT ALL TABLE got) d) AS missing,
	(SELECT count(*) FROM asked, purchase_stats(j, funnel) s
		WHERE s IS DISTINCT FROM (SELECT ROW(count(p.number), max(p.at) FILTER (WHERE p.number IS NOT NULL), sum(p.value), sum(p.value) FILTER (WHERE p.number IS NOT NULL)) FROM purchases(j, funnel) p)) AS wrong_stats;
