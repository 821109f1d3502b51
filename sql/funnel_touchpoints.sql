-- funnel_touchpoints(journey, funnel [, entered]), walks(…).touchpoints and funnel_report(…, value => true): what walks took; that
-- it is the rule's for every kind of funnel, test/fuzz proves.
SET search_path = cjm, public;
SET TimeZone = 'UTC';
SET client_min_messages = warning;

-- Touchpoints in words: event, second, @channel and =value.
CREATE FUNCTION public.told(text) RETURNS journey LANGUAGE sql AS $$
	SELECT cjm.journey_agg('2026-01-01Z'::timestamptz + substring(t from '^[a-z]([0-9]+)')::int * interval '1 s', left(t, 1), substring(t from '@([a-z]+)'), substring(t from '=(.+)$')::float8) FROM string_to_table($1, ' ') t
$$;
CREATE FUNCTION public.said(touchpoint[]) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(coalesce(concat(u.event, extract(epoch FROM u.at - '2026-01-01Z')::int, '@' || u.channel, '=' || u.value), '-'), ' ' ORDER BY n) FROM unnest($1) WITH ORDINALITY u(at, event, channel, value, session, n)
$$;
SELECT j, f, public.said(funnel_touchpoints(public.told(j), f::funnel)) AS took
FROM (VALUES ('a1=5 b2=6', 'a -> b -> c'), ('b2=6', 'a -> b'),
	-- of one time: the first by event, channel and value that leaves the walk possible
	('a1=9 a1=5 a1', 'a'), ('a1@q=1 a1@p=2 a1=3', 'a'), ('b1 a1', 'b | a'),
	('a1=1 a1=2 a1=3', 'a -> a -> a'), ('a1 b1 c1', 'c | a -> a'), ('a1 b1', 'a | b -> a | b'), ('a1 b1', 'a | b -> a'),
	-- what is excluded between the ends has to be taken
	('a1 b2=1 b2=2 x2 c3', 'a -> b | x -> c excluding x'), ('a1 x2 c2 c3', 'a -> x | c -> c excluding x'), ('a1 b2 b3 c4', 'a -> optional b -> c'), ('a1 c4', 'a -> optional b -> c'),
	('a1 b2 b2@e c3', 'a -> b strict -> c'::text),
	-- an unordered funnel has one for each step
	('c1=1 c1=2 a2=3 c2 b3', 'a -> b -> c unordered'), ('b2=1 c9', 'a -> b -> c from any stage'), ('a1@p a1@q b2@q', 'a@(v) -> b@(v)'), ('a1=1 a100=2 b101=3', 'a -> b within session (10 s)')) v(j, f)
WHERE f !~ 'strict ->';
SELECT public.said(funnel_touchpoints(public.told('a1 b2 a5 b6'), 'a -> b', '[2026-01-01 00:00:03Z,)'));
SELECT funnel_touchpoints(public.told('a1 b2'), 'a -> b', 'empty'), funnel_touchpoints('{}', 'a -> b'), funnel_touchpoints(NULL, 'a -> b');

-- Tries take no touchpoint twice: of one time those that match fewest stages, and of these the first ones.
SELECT j, f, w.walk_number, public.said(w.touchpoints)
FROM (VALUES ('a1=1 b2=2 a3=3 b4=4 a5=5', 'a -> b'), ('a1=3 a1=1 a1=2', 'a'), ('a1=1 a1=2 b1=3 b1=4 a2=5', 'a -> b'), ('a1=1 b1=2 b3=3', 'a | b -> b'), ('a1@p=1 a1@q=2 b2@q=3 b2@p=4', 'a@(v) -> b@(v)'),
	('b1=1 a2=2 a2=3 b3=4', 'a -> b unordered')) v(j, f), walks(public.told(j), f::funnel) w;

-- Of random journeys: the touchpoints have the times of the walk and are in the journey; walks take none of them twice.
CREATE TABLE public.valued AS
SELECT c, '2026-01-04Z'::timestamptz + (hashint4(i + 31 * c) & 63) * interval '1 min' + (c % 3) * interval '6 days' + (i % 4) * interval '1 day' AS at, (ARRAY['a', 'b', 'c', 'x'])[1 + (hashint4(i * 101 + c) & 65535) % 4] AS e,
	(ARRAY['p', 'q', NULL])[1 + (hashint4(i + 7 * c) & 65535) % 3] AS ch, CASE WHEN (c + i) % 4 > 0 THEN (hashint4(i * c) & 15) / 10.0 - 0.5 END AS v, (ARRAY['LV', 'EE', NULL])[1 + c % 3] AS country, (ARRAY['m', 'd'])[1 + c % 2] AS device
FROM generate_series(1, 240) c, generate_series(1, 3 + c % 12) i;
SELECT f, sum(n) AS taken, count(*) FILTER (WHERE NOT right_times) AS wrong, bool_and(twice IS NOT TRUE) AS once
FROM unnest(ARRAY['a | x -> b | x -> c | x', 'a -> b [2 min] -> c', 'a -> b -> c strict', 'a | x -> b -> c excluding x', 'a -> optional b | x -> c', 'a -> b -> c unordered within 1 day',
		'a -> b -> c from any stage', 'a -> b -> c within session (30 min)', 'a@(v) -> b@(v) -> c', 'a@p -> * -> *']) f,
	(SELECT c, journey_agg(at, e, ch, v::float8) AS j FROM public.valued GROUP BY c) j,
	LATERAL (SELECT funnel_touchpoints(j.j, f::funnel) AS taken) t,
	LATERAL (SELECT array_agg(u.at ORDER BY u.n) IS NOT DISTINCT FROM funnel_times(j.j, f::funnel) AS right_times, count(u.at) AS n FROM unnest(taken) WITH ORDINALITY u(at, event, channel, value, session, n)) u,
	LATERAL (SELECT bool_or(w.times > j.times) AS twice FROM (SELECT p::text, count(*) AS times FROM walks(j.j, f::funnel) w, unnest(w.touchpoints) p WHERE p IS NOT NULL GROUP BY 1) w
		LEFT JOIN (SELECT p::text, count(*) AS times FROM touchpoints(j.j) p GROUP BY 1) j USING (p)) w
GROUP BY f ORDER BY f COLLATE "C";

-- What a map reports, against every walk there is in plain SQL: of the best one in its bucket the touchpoints, stage by stage the first ones.
SELECT create_map('values_map', 'public.valued', 'c', 'at', 'e', 'a | x -> b | x -> c | x within 1 day', channel => 'ch', value => 'v', segment => 'country', dimensions => '{"device": "device"}', time_zone => 'Europe/Riga');
SELECT create_map('values_kept', 'public.valued', 'c', 'at', 'e', 'a | x -> b | x -> c | x within 1 day', channel => 'ch', value => 'v', segment => 'country', dimensions => '{"device": "device"}', time_zone => 'Europe/Riga');
CREATE FUNCTION public.plain(bucket text, from_time timestamptz, to_time timestamptz) RETURNS TABLE (c integer, started timestamptz, step integer, n bigint, value numeric) LANGUAGE sql AS $$
	WITH t AS MATERIALIZED (SELECT *, row_number() OVER (PARTITION BY c ORDER BY at, e COLLATE "C", ch COLLATE "C" NULLS FIRST, v NULLS FIRST) AS n FROM public.valued),
	w AS MATERIALIZED (
		SELECT t.c, ARRAY[t.n] AS ns, ARRAY[t.at] AS ats FROM t WHERE t.e IN ('a', 'x') AND t.at >= from_time AND t.at < to_time),
	w2 AS MATERIALIZED (SELECT w.c, ns || t.n AS ns, ats || t.at AS ats FROM w JOIN t USING (c) WHERE t.e IN ('b', 'x') AND t.at >= ats[1] AND t.at <= ats[1] + interval '24 hours' AND t.n <> ns[1]),
	w3 AS (SELECT w2.c, ns || t.n AS ns, ats || t.at AS ats FROM w2 JOIN t USING (c) WHERE t.e IN ('c', 'x') AND t.at >= ats[2] AND t.at <= ats[1] + interval '24 hours' AND t.n <> ALL (ns)),
	best AS (
		SELECT DISTINCT ON (c, started) * FROM (SELECT *, date_trunc(bucket, ats[1], 'Europe/Riga') AS started FROM (TABLE w UNION ALL TABLE w2 UNION ALL TABLE w3) a) a
		ORDER BY c, started, cardinality(ns) DESC, ats[cardinality(ns)], ats[1] DESC, ats, ns)
	SELECT b.c, b.started, u.step::integer, u.n, t.v FROM best b CROSS JOIN LATERAL unnest(b.ns) WITH ORDINALITY u(n, step) JOIN t ON t.c = b.c AND t.n = u.n
$$;
SELECT count(*) AS wrong FROM values_map.journeys j JOIN LATERAL (SELECT array_agg(p.value ORDER BY p.step) AS value, count(*) FROM public.plain(NULL, '-infinity', 'infinity') p WHERE p.c = j.customer) p ON p.count > 0
WHERE (SELECT array_agg(u.value::numeric ORDER BY u.n) FILTER (WHERE u.at IS NOT NULL) FROM unnest(funnel_touchpoints(j.journey, 'a | x -> b | x -> c | x within 1 day')) WITH ORDINALITY u(at, event, channel, value, session, n)) IS DISTINCT FROM p.value;
CREATE FUNCTION public.wrong(map text) RETURNS TABLE (asked text, compared bigint, wrong bigint) LANGUAGE sql AS $$
	WITH asked AS (
		SELECT * FROM (VALUES (NULL), ('segment'), ('device')) b(by), (VALUES (NULL), ('week'), ('day')) u(bucket), (VALUES (NULL, NULL::jsonb), ('of some', '{"device": "d", "segment": ["LV", null]}')) w(chosen, where_is),
			(VALUES (NULL, '-infinity'::timestamptz, 'infinity'::timestamptz), ('ranged', '2026-01-05 00:20+02', '2026-01-12 00:00+02')) r(ranged, from_time, to_time)
	), plain AS MATERIALIZED (
		SELECT a.bucket, a.ranged, p.*, c.country, c.device FROM (SELECT DISTINCT bucket, ranged, from_time, to_time FROM asked) a, public.plain(a.bucket, a.from_time, a.to_time) p JOIN (SELECT DISTINCT c, country, device FROM public.valued) c USING (c)
	), expected AS MATERIALIZED (
		SELECT a.by, a.bucket, a.chosen, a.ranged, CASE a.by WHEN 'segment' THEN p.country WHEN 'device' THEN p.device END AS label, p.started, p.step, sum(p.value) AS value, trim_scale(avg(p.value)) AS mean, count(p.value) AS valued
		FROM asked a JOIN plain p ON ROW(p.bucket, p.ranged) IS NOT DISTINCT FROM ROW(a.bucket, a.ranged) AND (a.chosen IS NULL OR p.device = 'd' AND coalesce(p.country, 'LV') = 'LV') GROUP BY 1, 2, 3, 4, 5, 6, 7
	)
	SELECT concat_ws(' ', a.by, a.bucket, a.ranged, a.chosen), count(e.step), count(*) FILTER (WHERE (f.value_sum, f.value_mean, f.valued_customers) IS DISTINCT FROM (coalesce(e.value, 0), e.mean, coalesce(e.valued, 0)))
	FROM asked a CROSS JOIN LATERAL cjm.funnel_report(map, a.by, a.bucket, a.from_time, a.to_time, a.where_is, value => true) f
		LEFT JOIN expected e ON ROW(e.by, e.bucket, e.chosen, e.ranged, e.label, e.started, e.step) IS NOT DISTINCT FROM ROW(a.by, a.bucket, a.chosen, a.ranged, f.by_value, f.bucket_start, f.step)
	GROUP BY 1 ORDER BY 1
$$;
SELECT * FROM public.wrong('values_map');
SELECT keep_journeys('values_kept');
SELECT refresh_journeys('values_kept') IS NOT NULL AS folded;
SELECT sum(compared), sum(wrong) FROM public.wrong('values_kept');
DELETE FROM public.valued WHERE c % 5 = 0;
UPDATE public.valued SET v = v + 1, e = CASE e WHEN 'a' THEN 'x' ELSE e END WHERE c % 5 = 1;
INSERT INTO public.valued SELECT c + 1000, at, e, ch, v, country, device FROM public.valued WHERE c % 5 = 2;
SELECT state FROM values_kept.kept;
SELECT sum(compared), sum(wrong) FROM public.wrong('values_kept');
SELECT sum(compared), sum(wrong) FROM public.wrong('values_map');

-- By the channel of the walk; tries are those of walks; without the argument, or a value in the map, there is nothing; a score is none.
SELECT f.by_value, f.step, f.value_sum = e.value AS same FROM funnel_report('values_map', 'entry_channel', value => true) f JOIN (
	SELECT entry_channel(j.journey, 'a | x -> b | x -> c | x within 1 day') AS channel, u.step, sum(u.value::numeric) AS value FROM values_map.journeys j, unnest(funnel_touchpoints(j.journey, 'a | x -> b | x -> c | x within 1 day')) WITH ORDINALITY u(at, event, ch, value, session, step)
	GROUP BY 1, 2) e ON e.step = f.step AND e.channel IS NOT DISTINCT FROM f.by_value ORDER BY 1, 2;
SELECT count(*) AS compared, count(*) FILTER (WHERE (f.customers, f.value_sum, f.valued_customers) IS DISTINCT FROM (e.n, coalesce(e.value, 0), e.valued)) AS wrong
FROM funnel_report('values_map', 'segment', 'week', '2026-01-03Z', count => 'walks', value => true) f, LATERAL (
	SELECT count(w.touchpoints[f.step]) AS n, sum((w.touchpoints[f.step]).value::numeric) AS value, count((w.touchpoints[f.step]).value) AS valued
	FROM values_map.journeys j, walks(j.journey, 'a | x -> b | x -> c | x within 1 day', tstzrange(f.bucket_start, f.bucket_start + interval '7 days') * '[2026-01-03Z,)') w WHERE j.segment IS NOT DISTINCT FROM f.by_value) e;
SELECT count(*), count(value_sum), count(value_mean), count(valued_customers) FROM funnel_report('values_map');
SELECT count(*), count(value_sum), count(value_mean), count(valued_customers) FROM funnel_report('values_map', value => NULL);
SELECT create_map('values_scored', 'public.valued', 'c', 'at', 'e', 'a -> b -> c', value => 'v', csat => 'b');
SELECT step, value_sum <> 0 AS has_value, valued_customers > 0 AS valued FROM funnel_report('values_scored', value => true);
SELECT create_map('values_none', 'public.valued', 'c', 'at', 'e', 'a -> b -> c');
SELECT count(*), count(value_sum), count(valued_customers) FROM funnel_report('values_none', value => true);

-- One customer viewed for 10, put 20 into the cart and bought for 30; another viewed for 5.
CREATE TABLE public.spent AS SELECT * FROM (VALUES (1, '2026-01-01 10:00Z'::timestamptz, 'view', 10), (1, '2026-01-01 10:05Z', 'cart', 20), (1, '2026-01-01 10:09Z', 'purchase', 30), (2, '2026-01-01 11:00Z', 'view', 5)) v(c, at, e, v);
SELECT create_map('values_spent', 'public.spent', 'c', 'at', 'e', 'view -> cart -> purchase', value => 'v');
SELECT step, stage, customers, value_sum, value_mean, valued_customers FROM funnel_report('values_spent', value => true);
-- What cannot be added up is no value; a row with a NULL is nobody; sums are of one funnel, and other bytes are none.
CREATE TABLE public.hardly AS SELECT * FROM (VALUES (1, journey '{2026-01-01T10:00Z a=0.1, 2026-01-01T10:01Z b=1e18}'), (2, '{2026-01-01T10:00Z a=0.2, 2026-01-01T10:01Z b=-9999999999999.35, 2026-01-01T10:02Z a=7, 2026-01-01T10:03Z b=8}'),
	(3, '{2026-01-01T10:00Z a=NaN, 2026-01-01T10:02Z b=Infinity}'), (4, '{2026-01-01T10:00Z a, 2026-01-01T10:02Z b}'), (5, '{2026-01-01T10:00Z a=12345678.91}'), (6, '{2026-01-01T10:00Z a=123456789012.34}'), (7, '{}'), (8, NULL)) v(k, j);
SELECT every_walk, v.* FROM unnest('{t,f}'::boolean[]) every_walk, LATERAL (SELECT cjm_internal.step_values_agg(j, 'a -> b -> c', '(,)', every_walk) AS sums FROM public.hardly) s, cjm_internal.step_values(s.sums) v;
SELECT cjm_internal.step_values_agg(j, 'a -> b -> c', '(,)', false) FILTER (WHERE k > 7) IS NULL AS nobody, octet_length(cjm_internal.step_values_agg(j, 'a -> b -> c', '(,)', NULL)) AS unasked,
	(SELECT count(*) FROM cjm_internal.step_values(cjm_internal.step_values_agg(j, 'a -> b -> c', '(,)', false) FILTER (WHERE k = 4))) AS without FROM public.hardly;
SELECT cjm_internal.step_values_agg(j, CASE WHEN k = 1 THEN funnel 'a -> b' ELSE 'a -> b -> c' END, '(,)', false ORDER BY k) FROM public.hardly;
SELECT cjm_internal.step_values_agg(journey '{2026-01-01T10:00Z a=9e17}', 'a', '(,)', false) IS NOT NULL FROM generate_series(1, 200);
SELECT cjm_internal.step_values('\x00');
SELECT cjm_internal.step_values(decode(repeat('ff', 28), 'hex'));
SELECT cjm_internal.step_values_agg_combine(NULL, NULL);
DROP TABLE public.hardly;

SELECT drop_map(m) FROM unnest('{values_map,values_kept,values_scored,values_none,values_spent}'::text[]) m;
DROP TABLE public.valued, public.spent;
DROP FUNCTION public.told, public.said, public.plain, public.wrong;
