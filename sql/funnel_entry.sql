-- Reports by entry period: entry_buckets, and conversions in SQL.
SET search_path = cjm, public;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';

-- Units, each with the touchpoints that begin a walk at both its ends.
CREATE FUNCTION public.starts(VARIADIC times text[]) RETURNS journey LANGUAGE sql AS $$
	SELECT journey_agg(t::timestamptz, 'a') FROM unnest(times) AS t
$$;
SELECT unit, zone, bucket
FROM (VALUES ('hour'), ('day'), ('week'), ('month'), ('quarter'), ('year')) AS u (unit), (VALUES ('UTC'), ('Europe/Riga'), ('Asia/Kathmandu')) AS z (zone),
     entry_buckets(public.starts('2025-12-31 21:59:59.999999Z', '2025-12-31 22:00Z', '2025-12-31 23:59:59.999999Z', '2026-01-01 00:00Z'), 'a -> b', unit, zone) AS bucket
ORDER BY unit, zone, bucket;
-- Weeks are ISO: from Monday, over the turn of the year.
SELECT bucket, to_char(lower(bucket), 'Dy IYYY-IW') FROM entry_buckets(public.starts('2026-01-04 23:59Z', '2026-01-05 00:00Z', '2026-12-31 12:00Z', '2027-01-03 12:00Z', '2027-01-04 12:00Z'), 'a', 'week', 'UTC') AS bucket;
-- The session's time zone by default; names of units in any case.
SET TimeZone = 'America/New_York';
SELECT * FROM entry_buckets(public.starts('2026-07-01 02:00Z', '2026-07-01 05:00Z'), 'a', 'DAY');
SET TimeZone = 'UTC';

-- Clocks go forward: a day of 23 hours, an hour that is left out.  And back: a day of 25, an hour that comes twice.
SELECT unit, bucket, upper(bucket) - lower(bucket) AS length
FROM (VALUES (1, 'day'), (2, 'hour'), (3, 'week'), (4, 'month')) AS u (n, unit),
     entry_buckets(public.starts('2024-03-30 22:00Z', '2024-03-31 00:59Z', '2024-03-31 01:00Z', '2024-03-31 20:59Z', '2024-03-31 21:00Z'), 'a', unit, 'Europe/Riga') AS bucket
ORDER BY n, bucket;
SELECT unit, bucket, upper(bucket) - lower(bucket) AS length
FROM (VALUES (1, 'day'), (2, 'hour'), (3, 'week'), (4, 'month')) AS u (n, unit),
     entry_buckets(public.starts('2024-10-26 21:00Z', '2024-10-27 00:30Z', '2024-10-27 01:30Z', '2024-10-27 21:59Z', '2024-10-27 22:00Z'), 'a', unit, 'Europe/Riga') AS bucket
ORDER BY n, bucket;
-- At midnight: a day that begins at one o'clock, and one whose midnight comes twice.
SELECT zone, bucket, upper(bucket) - lower(bucket) AS length
FROM (VALUES ('Asia/Beirut', public.starts('2018-03-24 21:59Z', '2018-03-24 22:00Z', '2018-03-25 20:59Z', '2018-03-25 21:00Z')),
             ('America/Havana', public.starts('2018-11-04 03:59Z', '2018-11-04 04:30Z', '2018-11-04 05:30Z', '2018-11-05 05:00Z')),
             ('America/Sao_Paulo', public.starts('2018-11-04 02:59Z', '2018-11-04 03:00Z', '2018-11-05 01:59Z', '2018-11-05 02:00Z'))) AS v (zone, j),
     entry_buckets(j, 'a', 'day', zone) AS bucket ORDER BY zone, bucket;
-- By half an hour.
SELECT bucket, upper(bucket) - lower(bucket) AS length
FROM entry_buckets(public.starts('2018-03-31 14:45Z', '2018-03-31 15:15Z', '2018-03-31 15:45Z', '2018-10-06 15:15Z', '2018-10-06 15:45Z'), 'a', 'hour', 'Australia/Lord_Howe') AS bucket;
-- Clocks put forward by half an hour: the hour before ends with the change.
SELECT zone, bucket, lower(bucket) AT TIME ZONE zone AS local
FROM (VALUES ('America/Caracas', '2016-05-01 06:45Z'::timestamptz, '2016-05-01 07:10Z'::timestamptz), ('Asia/Pyongyang', '2018-05-04 14:45Z', '2018-05-04 15:10Z')) v (zone, before, after),
     entry_buckets(public.starts(before::text, after::text), 'a', 'hour', zone) AS bucket ORDER BY bucket;

-- Wherever it is and however often: every moment lies in just one bucket, and the clock shows the beginning of one.
SELECT setseed(0.4);
WITH journeys AS (SELECT n, journey_agg('2018-01-01Z'::timestamptz + floor(random() * 3600 * 24 * 365 * 9) * interval '1 s', 'a') AS j FROM generate_series(1, 60) AS n, generate_series(1, 200) GROUP BY n),
     changes AS (SELECT 0, public.starts(VARIADIC array_agg(t::text)) FROM generate_series('2018-01-01 00:15Z'::timestamptz, '2019-12-31', '6 hours 30 minutes') AS t),
     tried AS (SELECT j, unit, zone FROM (SELECT * FROM journeys UNION ALL SELECT * FROM changes) AS js (n, j), unnest(ARRAY['hour', 'day', 'week', 'month', 'quarter', 'year']) AS unit,
                    unnest(ARRAY['UTC', 'Europe/Riga', 'America/New_York', 'America/Sao_Paulo', 'America/Havana', 'Africa/Cairo', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'Atlantic/Azores', 'Asia/Beirut']) AS zone),
     held AS (SELECT unit, zone, touch_count(j) AS touches, b.n AS buckets, range_agg AS covered, (SELECT count(*) FROM touchpoints(j) AS t WHERE t.at <@ range_agg) AS held, lengths = (SELECT sum(upper(r) - lower(r)) FROM unnest(range_agg) AS r) AS apart, empty
              FROM tried, LATERAL (SELECT count(*) AS n, range_agg(bucket), sum(upper(bucket) - lower(bucket)) AS lengths, count(*) FILTER (WHERE funnel_step(j, 'a', bucket) = 0) AS empty FROM entry_buckets(j, 'a', unit, zone) AS bucket) AS b)
SELECT unit, count(*) AS journeys, sum(buckets) > 60 AS many, count(*) FILTER (WHERE held <> touches) AS left_out, count(*) FILTER (WHERE NOT apart) AS overlapping, sum(empty) AS empty FROM held GROUP BY unit ORDER BY unit;

-- Only what can begin a walk counts: the first stage, with its channel; of an unordered funnel any stage.
SELECT funnel, array_agg(lower(bucket)::date ORDER BY bucket) AS days
FROM (VALUES ('{2026-01-01T00:00Z a@x, 2026-01-02T00:00Z b, 2026-01-03T00:00Z c, 2026-01-04T00:00Z a, 2026-01-05T00:00Z x}'::journey)) AS v (j),
     unnest(ARRAY['a -> b', 'a@x -> b', 'b -> a', 'a | c -> b', 'c -> b -> a unordered', 'c -> a@x unordered', 'a -> b excluding x', 'a -> b strict', '*', 'nothing -> a']) AS funnel
LEFT JOIN LATERAL entry_buckets(j, funnel::funnel, 'day', 'UTC') AS bucket ON true
GROUP BY funnel ORDER BY funnel COLLATE "C";
SELECT * FROM entry_buckets('{}', 'a', 'day');
SELECT * FROM entry_buckets(NULL, 'a', 'day');
SELECT * FROM entry_buckets('{}', 'a', NULL);

-- A customer counts in every bucket in which a walk of theirs begins, with the deepest walk begun there.
CREATE TABLE public.customers (n integer, j journey);
INSERT INTO public.customers VALUES
	(1, '{2026-01-01T10:00Z a, 2026-01-02T10:00Z b, 2026-01-02T11:00Z a, 2026-01-03T10:00Z c}'), (2, '{2026-01-01T10:00Z a, 2026-01-01T11:00Z a, 2026-01-05T10:00Z b}'),
	(3, '{2026-01-02T10:00Z a}'), (4, '{2026-01-02T10:00Z b, 2026-01-03T10:00Z c}');
SELECT lower(bucket)::date AS day, array_agg((n, funnel_step(j, 'a -> b -> c', bucket), conversions(j, 'a -> b', bucket))::text ORDER BY n) AS customers
FROM public.customers, entry_buckets(j, 'a -> b -> c', 'day', 'UTC') AS bucket GROUP BY bucket ORDER BY day;
SELECT day, string_agg(customers::text, ' ' ORDER BY step) AS customers
FROM (SELECT lower(bucket)::date AS day, funnel_agg(j, 'a -> b -> c', bucket) AS stats FROM public.customers, entry_buckets(j, 'a -> b -> c', 'day', 'UTC') AS bucket GROUP BY day) AS d, report(stats)
GROUP BY day ORDER BY day;
-- A closed bucket never changes: what comes later belongs to others, but for walks that began in it.
UPDATE public.customers SET j = j || '{2026-02-01T10:00Z a, 2026-02-01T11:00Z b}' WHERE n <> 2;
SELECT lower(bucket)::date AS day, array_agg((n, funnel_step(j, 'a -> b -> c within 5 days', bucket))::text ORDER BY n) AS customers
FROM public.customers, entry_buckets(j, 'a -> b -> c', 'day', 'UTC') AS bucket GROUP BY bucket ORDER BY day;
DROP TABLE public.customers;

-- Errors.
SELECT * FROM entry_buckets('{}', 'a', 'fortnight');
SELECT * FROM entry_buckets('{}', 'a', '');
SELECT * FROM entry_buckets('{}', 'a', 'days');
SELECT * FROM entry_buckets('{2026-01-01T00:00Z a}', 'a', 'day', 'Nowhere/Land');

-- conversions: the earliest completion, then on with the touchpoints at or after its time that it did not use.
CREATE FUNCTION public.seconds(touches text) RETURNS journey LANGUAGE sql AS $$
	SELECT coalesce(cjm.journey_agg('2026-01-01T00:00Z'::timestamptz + m[2]::numeric * interval '1 s', m[1]), '{}')
	FROM regexp_split_to_table(touches, ' +') AS word, regexp_match(word, '^([^0-9]+)([0-9.]+)$') AS m
$$;
SELECT j, f, conversions(public.seconds(j), f::funnel)
FROM (VALUES
	(1, 'a1 a2 b3 b4', 'a -> b'),
	(2, 'a1 b2 a3 b4 a5', 'a -> b'),
	(3, '', 'a'),
	(4, 'a1 a2 a3', 'a'),
	(5, 'b1 a2', 'a -> b'),
	-- at one time: what is not used goes on, and what is of use for more is kept
	(10, 'a1 b1 a1 b1', 'a -> b'),
	(11, 'a1 a1 b1 b2', 'a -> b'),
	(12, 'a1 b1 a1 b1', 'a | b -> a'),
	(13, 'a1 a1 a1 b1 b1', '* -> a'),
	(14, 'v1 v1 v1 v1 v1', 'v -> v'),
	(15, 'a1 b2 a2 b2', 'a -> b'),
	-- the last mandatory stage completes
	(20, 'a1 c2 a3 b4 c5', 'a -> optional b -> c'),
	(21, 'a1 b2 a3 b4', 'a -> optional b'),
	(22, 'a1 b2 c3 c4', 'a -> b -> optional c'),
	-- with rules
	(30, 'a1 b5 a6 b7', 'a -> b within 2 s'),
	(31, 'a1 b5 a6 b7', 'a -> b [2 s]'),
	(32, 'a1 x2 b3 a4 b5', 'a -> b strict'),
	(33, 'a1 x2 b3 a4 b5', 'a -> b excluding x'),
	(34, 'b1 a2 a3 b4 b5', 'a -> b unordered'),
	(35, 'b1 a5 a6 b9', 'a -> b unordered within 3 s'),
	(36, 'b1 a1 c1 c1 a1 b1', 'a -> b -> c unordered')) AS t (n, j, f)
ORDER BY n;
SELECT conversions(public.seconds('a1 b2 a3 b4'), 'a -> b', '[2026-01-01 00:00:02Z,)') AS later, conversions(public.seconds('a1 b2 a3 b4'), 'a -> b', '(,2026-01-01 00:00:01Z]') AS first,
       conversions(public.seconds('a1 b2 a3 b4'), 'a -> b', 'empty') AS never, conversions(NULL, 'a') IS NULL AS of_nothing, conversions('{}', 'a', NULL) IS NULL AS no_range;

-- Nobody needs cjm on the search_path.
SET search_path = public;
SELECT * FROM cjm.entry_buckets('{2026-01-01T00:00Z a}', 'a', 'day', 'UTC');

DROP FUNCTION public.starts(text[]), public.seconds(text);
