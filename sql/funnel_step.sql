-- funnel_step and funnel_times of a journey.
SET search_path = cjm, public;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';

-- 'a1 b2@email' is a journey of an a one second into 2026 and a b one second later; times are read back as seconds.
CREATE FUNCTION public.seconds(touches text) RETURNS journey LANGUAGE sql AS $$
	SELECT coalesce(cjm.journey_agg('2026-01-01T00:00Z'::timestamptz + m[2]::numeric * interval '1 s', m[1], m[4]), '{}')
	FROM regexp_split_to_table(touches, ' +') AS word, regexp_match(word, '^([^0-9@]+)([0-9.]+)(@(.*))?$') AS m
$$;
CREATE FUNCTION public.seconds(times timestamptz[]) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(coalesce(trim_scale(extract(epoch FROM at - '2026-01-01T00:00Z'))::text, '-'), ' ' ORDER BY n) FROM unnest(times) WITH ORDINALITY AS t (at, n)
$$;

-- A walk: distinct touchpoints, stages of rising number, times that never fall.
SELECT j, f, funnel_step(public.seconds(j), f::funnel) AS step, public.seconds(funnel_times(public.seconds(j), f::funnel)) AS times
FROM (VALUES
	-- the examples of the documentation
	(1, 'a1 b2 b3 c4', 'a -> b -> c'),
	(2, 'a0 b1 b9 c10', 'a -> b -> c'),
	(3, 'v1 v2 v3', 'v -> v -> v'),
	(4, 'v1 v2', 'v -> v -> v'),
	(5, 'v1', 'v -> v -> v'),
	-- nothing, not begun, out of order
	(10, '', 'a -> b'),
	(11, 'x1 y2', 'a -> b'),
	(12, 'b1 c2', 'a -> b -> c'),
	(13, 'b1 a2', 'a -> b'),
	(14, 'c1 b2 a3', 'a -> b -> c'),
	(15, 'a1 c2', 'a -> b -> c'),
	(16, 'a1 x2 b3 x4 c5', 'a -> b -> c'),
	(17, 'a1', 'a'),
	-- the earliest end, then the latest start, then each step as early as can be
	(20, 'a1 a2 b3 a4 b5', 'a -> b'),
	(21, 'a1 a2 b3 b4 c5 a6 b7 c8', 'a -> b -> c'),
	(22, 'a1 b2 a3 b4 b5 c6', 'a -> b -> c'),
	(23, 'a1 b2 a3 c4', 'a -> b -> c'),
	(24, 'a1 b2 c3 a4 b5', 'a -> b -> c'),
	-- equal times may be taken in any order, and each touchpoint once
	(30, 'b1 a1', 'a -> b'),
	(31, 'c1 b1 a1', 'a -> b -> c'),
	(32, 'v1 v1 v1', 'v -> v -> v'),
	(33, 'v1 v1', 'v -> v -> v'),
	(34, 'a0 b1 a1 b1', 'a -> b -> b'),
	(35, 'c2 b2 a1', 'a -> b -> c'),
	(36, 'a0 c1 b1 d1 e2', 'a -> b -> c -> d -> e'),
	(37, 'a1 a1 b1', 'a -> a -> b'),
	-- stages that overlap: a touchpoint goes where it leads furthest
	(40, 'a1 b1', 'a | b -> a'),
	(41, 'a1 b1', 'b | a -> b'),
	(42, 'a1 b1 c1', 'a | b -> b | c -> a'),
	(43, 'a1 b1 c1', 'a | b | c -> a | b -> a'),
	(44, 'b1 c2', 'a | b -> b | c -> *'),
	(45, 'b1 c2 c3', 'a | b -> b | c -> *'),
	(46, 'a1 b2 a3', 'a -> a | b -> b | a'),
	(47, 'a1 b2', 'a -> a | b -> b'),
	-- any event, any event of a channel
	(50, 'x1 y2 z3', '* -> * -> *'),
	(51, 'x1 y2 z3', '* -> * -> * -> *'),
	(52, 'x1', '*'),
	(53, 'x1 x1@email y2 y3@email', '*@email -> *@email'),
	(54, 'a1 a2@ads a3@email b4@ads', 'a@email -> b@ads'),
	(55, 'a1 a2@ads b4', 'a@email -> b'),
	(56, 'a1 a2@email b4@ads b5', 'a | x@ads -> b@email | b@ads'),
	(57, 'a1 b2', 'a -> b@email'),
	(58, 'a1@x b1 b1@x', 'a -> b@x -> b'),
	-- within: the whole walk, its ends included
	(60, 'a0 b5 c10', 'a -> b -> c within 10 s'),
	(61, 'a0 b5 c10.000001', 'a -> b -> c within 10 s'),
	(62, 'a0 b5 c10.000001', 'a -> b -> c within 10000001 us'),
	(63, 'a0 b5 a6 c10', 'a -> b -> c within 9 s'),
	(64, 'a0 a1 b5 c10', 'a -> b -> c within 9 s'),
	(65, 'a0 b6 a7 b12 c13', 'a -> b -> c within 6 s'),
	(66, 'a0 b1 a5 b8 c9', 'a -> b -> c within 4 s'),
	(67, 'a0 b1 a5 b8 c12', 'a -> b -> c within 4 s'),
	(68, 'b0 a0', 'a -> b within 1 us'),
	(69, 'a0 b1', 'a -> b within 1 us'),
	-- [D]: since the touchpoint before in the walk, ends included; what is passed over does not matter
	(70, 'a0 b1 b9 c10', 'a -> b -> c [2 s]'),
	(71, 'a0 b2', 'a -> b [2 s]'),
	(72, 'a0 b2.000001', 'a -> b [2 s]'),
	(73, 'a0 a3 b4 c6', 'a -> b [1 s] -> c [2 s]'),
	(74, 'a0 b1 c4 b5 c6', 'a -> b -> c [1 s] within 5 s'),
	(75, 'a0 c9', 'a -> optional b [1 s] -> c [9 s]'),
	-- strict: nothing strictly between two neighbours
	(80, 'a1 b2 c3', 'a -> b -> c strict'),
	(81, 'a1 x2 b3 c4', 'a -> b -> c strict'),
	(82, 'a1 x1 x2 b2 c3', 'a -> b -> c strict'),
	(83, 'a1 a2 b3 b4 c5', 'a -> b -> c strict'),
	(84, 'a1 x2 a3 b4 c5 x6', 'a -> b -> c strict'),
	(85, 'a1 b2 c3', 'a -> c strict'),
	-- excluding: none strictly between the first and the last, but for those in the walk
	(90, 'a1 x2 b3', 'a -> b excluding x'),
	(91, 'a1 x1 b3', 'a -> b excluding x'),
	(92, 'a1 x3 b3', 'a -> b excluding x'),
	(93, 'a1 x2 a3 b4', 'a -> b excluding x'),
	(94, 'a1 b2 c3', 'a -> b -> c excluding b'),
	(95, 'a1 b2 b2 c3', 'a -> b -> c excluding b'),
	(96, 'a1 x2@spam b3 x4 b5', 'a -> b -> b excluding x@spam | y'),
	(97, 'a1 x2 b3 c4', 'a -> b | x -> c excluding *'),
	-- optional: most of them, of the walks that end earliest and start latest
	(100, 'a1 c3', 'a -> optional b -> c'),
	(101, 'a1 b2 c3', 'a -> optional b -> c'),
	(102, 'a1 b2 a3 c4', 'a -> optional b -> c'),
	(103, 'a1 c2 d3 b4 e5', 'a -> optional b -> optional c -> optional d -> e'),
	(104, 'a1 c2 b3 d4', 'a -> optional b -> optional c -> d'),
	(105, 'a1 b2 c3', 'a -> b -> optional x -> optional c'),
	(106, 'a1 b2', 'a -> optional b'),
	-- unordered: distinct touchpoints for as many stages as can be, wherever it begins
	(110, 'c1 a5 b9', 'a -> b -> c unordered within 10 s'),
	(111, 'c1 a5 b12', 'a -> b -> c unordered within 10 s'),
	(112, 'b1 b2 b3', 'a -> b -> c unordered'),
	(113, 'b1 a2', 'a | b -> a unordered'),
	(114, 'a1 b2', 'a | b -> a unordered'),
	(115, 'a1 a2 c3', 'a -> a | b -> b | c -> c unordered'),
	(116, 'c1 a20 b25 c29', 'a -> b -> c unordered within 10 s'),
	(117, 'a1 x2 b3 c4 a5', 'a -> b -> c unordered excluding x'),
	(118, 'b1 b1', 'b -> b -> b unordered')) AS t (n, j, f)
ORDER BY n;

-- The order of the rows, and that within one time, never matters: there is one journey.
SELECT bool_and(funnel_step(j, 'b -> a -> c') = 3) AS same FROM (SELECT journey_agg('2026-01-01Z', e ORDER BY random()) FROM generate_series(1, 20) AS i, unnest(ARRAY['a', 'b', 'c']) AS e GROUP BY i) AS t (j);

-- A row's NULL is an answer of NULL; an empty journey has no walk.
SELECT funnel_step(NULL, 'a') IS NULL AS step_of_nothing, funnel_step('{}', NULL) IS NULL AS step_of_no_funnel, funnel_step('{}'::journey, 'a', NULL) IS NULL AS step_of_no_range,
       funnel_times(NULL, 'a') IS NULL AS times_of_nothing, funnel_times('{}', NULL) IS NULL AS times_of_no_funnel, funnel_times('{}', 'a', NULL) IS NULL AS times_of_no_range;
SELECT funnel_step('{}', 'a -> b'), funnel_times('{}', 'a -> b'), array_dims(funnel_times('{}', 'a -> b -> c')) AS dims, pg_typeof(funnel_times('{}', 'a'));
SELECT funnel_times('{2026-01-01T10:00:00.5Z a, 2026-01-01T10:00:01Z b}', 'a -> b -> c -> d') AS times,
       array_dims(funnel_times('{2026-01-01T10:00:00.5Z a}', 'a -> b -> c -> d')) AS dims, funnel_times('{2026-01-01T10:00:00.5Z a}', 'x -> y') AS none;
SELECT funnel_times('{-4713-11-24T00:00Z a, +294276-12-31T23:59:59.999999Z b}', 'a -> b') AS all_of_time, funnel_step('{-4713-11-24T00:00Z a, +294276-12-31T23:59:59.999999Z b}', 'a -> b within 106751991 days') AS too_far;
SELECT funnel_step('{}', 'a -> '::text::funnel);

-- Entry ranges: the first touchpoint lies in it, the others where they will.
SELECT entered, funnel_step(j, 'a -> b -> c', entered) AS step, public.seconds(funnel_times(j, 'a -> b -> c', entered)) AS times
FROM public.seconds('a0 b1 c2 a10 b11 a20 b21 c30') AS j, (VALUES
	(1, '(,)'), (2, 'empty'),
	(3, '[2026-01-01 00:00:00Z, 2026-01-01 00:00:00Z]'), (4, '[2026-01-01 00:00:00Z, 2026-01-01 00:00:00Z)'), (5, '(2026-01-01 00:00:00Z,)'), (6, '[2026-01-01 00:00:00Z,)'),
	(7, '[2026-01-01 00:00:10Z, 2026-01-01 00:00:20Z)'), (8, '[2026-01-01 00:00:10Z, 2026-01-01 00:00:20Z]'), (9, '(2026-01-01 00:00:10Z, 2026-01-01 00:00:20Z)'), (10, '(2026-01-01 00:00:10Z, 2026-01-01 00:00:20Z]'),
	(11, '(2026-01-01 00:00:09.999999Z, 2026-01-01 00:00:20Z)'), (12, '[2026-01-01 00:00:10.000001Z, 2026-01-01 00:00:19.999999Z]'), (13, '(2026-01-01 00:00:09.999999Z, 2026-01-01 00:00:10.000001Z)'),
	(14, '[2026-01-01 00:00:20Z,)'), (15, '(2026-01-01 00:00:20Z,)'), (16, '(,2026-01-01 00:00:00Z)'), (17, '(,2026-01-01 00:00:00Z]'), (18, '[2026-01-01 00:00:01Z, 2026-01-01 00:00:09Z]'),
	(19, '[-infinity, infinity]'), (20, '(-infinity, infinity)'), (21, '[-infinity, 2026-01-01 00:00:05Z)'), (22, '[2026-01-01 00:00:05Z, infinity)'), (23, '[infinity, infinity]'), (24, '[-infinity, -infinity]')) AS r (n, text),
	LATERAL (SELECT text::tstzrange) AS e (entered)
ORDER BY n;
-- within and ties with a range: a walk begun earlier does not count, however deep
SELECT public.seconds(funnel_times(public.seconds('a0 a5 b6 c9'), 'a -> b -> c within 4 s', '[2026-01-01 00:00:00Z, 2026-01-01 00:00:05Z)')) AS too_early,
       public.seconds(funnel_times(public.seconds('a0 b1 c2 a5 b6'), 'a -> b -> c', '[2026-01-01 00:00:05Z,)')) AS begun_later,
       public.seconds(funnel_times(public.seconds('b5 a5 c5'), 'a -> b -> c', '[2026-01-01 00:00:05Z, 2026-01-01 00:00:05Z]')) AS at_one_time,
       public.seconds(funnel_times(public.seconds('a0 b5 a5 c6'), 'a | b -> c', '[2026-01-01 00:00:01Z,)')) AS other_event;

-- One call site, one funnel after another; a funnel and a journey out of line.
SELECT string_agg(funnel_step(public.seconds('a1 b2 c3'), f::funnel)::text, ' ' ORDER BY n) AS steps
FROM unnest(ARRAY['a -> b -> c', 'c -> b', 'b -> c', 'a -> b -> c', 'x', 'x', 'a', 'a within 1 s', 'a@x', NULL, 'b -> c']) WITH ORDINALITY AS t (f, n);
CREATE TABLE public.toasted (f funnel, j journey);
ALTER TABLE public.toasted ALTER COLUMN f SET STORAGE EXTERNAL, ALTER COLUMN j SET STORAGE EXTERNAL;
INSERT INTO public.toasted
SELECT (SELECT ('a -> ' || string_agg('e' || i, ' | ') || ' -> c' || n)::funnel FROM generate_series(1, 1000) AS i), (SELECT journey_agg('2026-01-01Z'::timestamptz + i * interval '1 s', CASE WHEN i = 5000 THEN 'a' WHEN i = 9999 THEN 'c2' ELSE 'e' || i % 2000 END) FROM generate_series(1, 10000) AS i)
FROM generate_series(1, 3) AS n;
SELECT funnel_step(j, f), public.seconds(funnel_times(j, f)) FROM public.toasted;
DROP TABLE public.toasted;
-- 64 stages
SELECT funnel_step(j, f) AS all, funnel_step(slice(j, '-infinity', '2026-01-01 00:01:00Z'), f) AS some, public.seconds(funnel_times(j, f)) = (SELECT string_agg(i::text, ' ' ORDER BY i) FROM generate_series(1, 64) AS i) AS times
FROM (SELECT journey_agg('2026-01-01Z'::timestamptz + i * interval '1 s', 'e' || i), string_agg('e' || i, '->' ORDER BY i)::funnel FROM generate_series(1, 64) AS i) AS t (j, f);
SELECT funnel_step(journey_agg('2026-01-01Z', 'e'), (SELECT string_agg('*', '->')::funnel FROM generate_series(1, 64))) AS at_one_time FROM generate_series(1, 63);

-- That these are the rules: funnel_oracle.sql.

SELECT setseed(0.3);
-- The entry range splits the walks: the whole is the best of its parts, on journeys too long for brute force.
SELECT count(*) AS journeys, count(*) FILTER (WHERE funnel_step(j, f) = 4) > 50 AS many_complete,
       count(*) FILTER (WHERE funnel_step(j, f) <> greatest(funnel_step(j, f, r1), funnel_step(j, f, r2), funnel_step(j, f, r3))) AS wrong,
       count(*) FILTER (WHERE funnel_step(j, f) > 0 AND funnel_step(j, f, tstzrange((funnel_times(j, f))[1], (funnel_times(j, f))[1], '[]')) <> funnel_step(j, f)) AS not_begun_there
FROM (SELECT journey_agg('2026-01-01Z'::timestamptz + floor(random() * 1000) * interval '1 s', 'e' || floor(random() * 8)) AS j FROM generate_series(1, 300) AS k, generate_series(1, 100 + k * 0) GROUP BY k) AS t,
     (SELECT 'e0 -> e1 | e2 -> e0 | e3 -> e1 within 90 s'::funnel, '[,2026-01-01 00:05Z)'::tstzrange, '[2026-01-01 00:05Z,2026-01-01 00:10Z]'::tstzrange, '(2026-01-01 00:10Z,]'::tstzrange) AS c (f, r1, r2, r3);

-- Nobody needs cjm on the search_path.
SET search_path = public;
SELECT cjm.funnel_step('{2026-01-01T00:00Z a, 2026-01-01T00:01Z b}', 'a -> b'), cjm.funnel_times('{2026-01-01T00:00Z a, 2026-01-01T00:01Z b}', 'a -> b', '[2026-01-01,)');

DROP FUNCTION public.seconds(text), public.seconds(timestamptz[]);
