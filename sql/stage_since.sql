-- stage_since(journey, funnel, step, from_time, quiet_since [, not_after]): since when a customer stands at a stage.
SET search_path = cjm, public;
SET TimeZone = 'UTC';

CREATE FUNCTION public.since(text, funnel, step integer, from_second integer DEFAULT 0, quiet integer DEFAULT 60, not_after funnel DEFAULT NULL) RETURNS integer LANGUAGE sql AS $$
	SELECT extract(second FROM CASE WHEN not_after IS NULL THEN cjm_internal.stage_since(j, $2, step, t + from_second * s, t + quiet * s)
		ELSE cjm_internal.stage_since(j, $2, step, t + from_second * s, t + quiet * s, not_after) END)::integer
	FROM (SELECT timestamptz '2026-01-01Z', interval '1 s') z(t, s), LATERAL (
		SELECT cjm.journey_agg(t + substring(w from '[0-9]+$')::int * s, substring(w from '^[^0-9@]+'), substring(w from '@([a-z0-9]+)!')) FROM string_to_table($1, ' ') w) x(j)
$$;
-- Whoever comes to a stage again has come to it again, though the winning walk is another one.
SELECT j, f, step, public.since(j, f::funnel, step) FROM (VALUES
	('a1 b2 b5', 'a -> b', 2), ('a1 b2 a7', 'a -> b', 1), ('b2 a3', 'a -> b', 2), ('a1 b2 c3 b9', 'a -> b -> c', 2), ('a1 b2 c3 b9', 'a -> b -> c', 3), ('a1 b20', 'a -> b within 10 s', 2),
	('a1 b3 b20', 'a -> b within 10 s', 2), ('a1 b2 b9', 'a -> b [5 s]', 2), ('a1 x2 b3 a4 b5 x6 b7', 'a -> b strict', 2), ('a1 b3 x4 b5', 'a -> b excluding x', 2), ('a1 c3', 'a -> optional b -> c', 3),
	('a1 c3', 'a -> optional b -> c', 2), ('b1 a2 b3', 'a -> b unordered', 1), ('b1 a2 b3', 'a -> b unordered', 2), ('b4', 'a -> b -> c from any stage', 2), ('a1 b3 b20', 'a -> b within session (5 s)', 2),
	('a@p!1 b@p!2 b@q!3', 'a@(v) -> b@(v)', 2), ('a@p!1 b@p!2 b@q!3', 'a@(v) -> b', 2), ('a1 a1', 'a -> a', 2), ('a1', 'a -> a', 2), ('a1', 'a', 0), ('a1', 'a', 2), ('', 'a', 1)) v (j, f, step);
-- The ends are included.
SELECT a.from_second, a.quiet, public.since('a1 b5 x9', 'a -> b', 2, a.from_second, a.quiet) FROM (VALUES (5, 9), (6, 9), (5, 8), (0, 60), (10, 60)) a(from_second, quiet);
-- What lies at the same time may have come after it; touchpoints of the stage itself have not.
SELECT j, n, public.since(j, 'a -> b', 2, not_after => n::funnel) FROM (VALUES ('a1 b5 c6', 'c'), ('a1 b5 c5', 'c'), ('a1 c4 b5', 'c'), ('a1 b5', '*'), ('a1 b5 b5', 'b'), ('a1 b5 x6', '*'), ('a1 b5 c6', 'd | e'), ('a1 b5 c6 b7', 'c'),
	('a1 b5 c@mail!6', 'c@mail'), ('a1 b5 c@ads!6', 'c@mail')) v (j, n);
SELECT cjm_internal.stage_since(NULL, 'a', 1, '-infinity', 'infinity'), cjm_internal.stage_since('{2026-01-01T00:00:00Z a}', 'a', 1, '-infinity', 'infinity', NULL);

-- The same as the rows say one by one: a walk through the stages up to this one ends with a row.  Many rows of a customer have one time.
CREATE TABLE public.since_rows AS
SELECT c, '2026-01-01Z'::timestamptz + (hashint4(i * 7 + c) & 31) * interval '20 s' AS at, (ARRAY['a', 'a', 'b', 'c', 'x'])[1 + (hashint4(i * 101 + c) & 65535) % 5] AS e, (ARRAY['p', 'q', NULL])[1 + (hashint4(i + 7 * c) & 65535) % 3] AS ch
FROM generate_series(1, 300) c, generate_series(1, 3 + c % 12) i;
CREATE TABLE public.since_journeys AS SELECT c, journey_agg(at, e, ch) AS j FROM public.since_rows GROUP BY c;
CREATE TABLE public.since_funnels AS
SELECT rules, f.step, ('a -> ' || CASE f.step WHEN 3 THEN 'b -> c' ELSE 'b' END || ' ' || rules)::funnel AS part, ('a -> b -> c ' || rules)::funnel AS whole
FROM unnest(ARRAY['', 'within 2 min', 'strict', 'excluding x', 'excluding x within 3 min', 'within session (30 s)', 'within session (1 min) within 3 min']) rules, generate_series(2, 3) f(step)
UNION ALL
SELECT 'gap', f.step, CASE f.step WHEN 3 THEN 'a -> b [1 min] -> c' ELSE 'a -> b [1 min]' END::funnel, 'a -> b [1 min] -> c' FROM generate_series(2, 3) f(step)
UNION ALL
SELECT 'optional', 3, 'a -> optional b -> c', 'a -> optional b -> c -> x'
UNION ALL
SELECT 'variable', f.step, CASE f.step WHEN 3 THEN 'a@(v) -> b -> c@(v)' ELSE 'a@(v) -> b' END::funnel, 'a@(v) -> b -> c@(v)' FROM generate_series(2, 3) f(step)
UNION ALL
SELECT 'any', f.step, CASE f.step WHEN 3 THEN 'a -> b -> c from any stage' ELSE 'a -> b from any stage' END::funnel, 'a -> b -> c from any stage' FROM generate_series(2, 3) f(step);
SELECT f.rules, f.step, count(*) FILTER (WHERE s.since IS DISTINCT FROM w.since) AS wrong, count(w.since) > 10 AS some
FROM public.since_funnels f CROSS JOIN public.since_journeys j
	CROSS JOIN LATERAL (SELECT cjm_internal.stage_since(j.j, f.whole, f.step, '-infinity', 'infinity') AS since) s
	LEFT JOIN LATERAL (SELECT max(r.at) FILTER (WHERE r.reached = f.step) AS since FROM (
		SELECT r.at, funnel_step(r.at, r.e, r.ch, f.part) OVER (ORDER BY r.at) AS reached FROM public.since_rows r WHERE r.c = j.c) r) w ON true
GROUP BY f.rules, f.step ORDER BY 1, 2;
-- In plain SQL: three rows in time order.
CREATE TABLE public.since_numbered AS SELECT row_number() OVER () AS id, r.* FROM public.since_rows r;
SELECT count(*) FILTER (WHERE cjm_internal.stage_since(j.j, 'a -> b [1 min] -> c within 2 min', 2, '-infinity', 'infinity') IS DISTINCT FROM w.second) AS wrong_second,
	count(*) FILTER (WHERE cjm_internal.stage_since(j.j, 'a -> b [1 min] -> c within 2 min', 3, '-infinity', 'infinity') IS DISTINCT FROM w.third) AS wrong_third, count(w.second) > 20 AS some, count(w.third) > 20 AS more
FROM public.since_journeys j LEFT JOIN LATERAL (
	SELECT max(b.at) AS second, max(d.at) AS third FROM public.since_numbered a JOIN public.since_numbered b ON b.c = a.c AND b.e = 'b' AND b.at >= a.at AND b.at - a.at <= '1 min'
		LEFT JOIN public.since_numbered d ON d.c = a.c AND d.e = 'c' AND d.at >= b.at AND d.at - a.at <= '2 min'
	WHERE a.c = j.c AND a.e = 'a') w ON true;
DROP TABLE public.since_rows, public.since_journeys, public.since_funnels, public.since_numbered;
DROP FUNCTION public.since;
