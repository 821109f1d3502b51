-- walks(journey, funnel [, entered]): tries; that they are the rule's, test/fuzz proves with touchpoints at one time too.
SET search_path = cjm, public;
SET TimeZone = 'UTC';

CREATE FUNCTION public.tries(text, funnel, entered tstzrange DEFAULT '(,)') RETURNS TABLE (n bigint, step integer, started numeric, ended numeric, times text, converted boolean) LANGUAGE sql AS $$
	SELECT w.walk_number, w.step, extract(second FROM w.started_at)::integer, extract(second FROM w.ended_at)::integer,
		(SELECT string_agg(coalesce(extract(second FROM t)::integer::text, '-'), ' ' ORDER BY n) FROM unnest(w.times) WITH ORDINALITY u (t, n)), w.converted
	FROM cjm.walks((SELECT cjm.journey_agg('2026-01-01Z'::timestamptz + substring(t from '[0-9]+$')::int * interval '1 s', substring(t from '^[^0-9@]+'), substring(t from '@([a-z0-9]+)!')) FROM string_to_table($1, ' ') t), $2, $3) w
$$;
SELECT j, f, w.* FROM (VALUES
	('a1 b2 a3 b4 a5', 'a -> b within 1 day'),			-- two that were completed and one that began
	('a1 b2 a20 b21 c22', 'a -> b -> c within 10 s'),	-- an earlier one that stopped on the way
	('a1 a2 b3 b4', 'a -> b'), ('a1 b1 a1 b1', 'a -> b'), ('a1 b2 c3 a4 c5', 'a -> optional b -> c'), ('a1 b2 a3', 'a -> b -> optional c'),
	('b1 a2 c3 a4', 'a -> b unordered'), ('b1 a2 b3 c9', 'a -> b -> c from any stage'), ('a1 b9 a20 b21', 'a -> b within session (5 s)'),
	('a1 x2 b3 a4 b5', 'a -> b excluding x'), ('a1 x2 b3 a4 b5', 'a -> b strict'), ('b1', 'a'), ('a@p!1 a@q!2 b@q!3 b@p!4', 'a@(v) -> b@(v)')) v (j, f), tries(j, f::funnel) w;
SELECT * FROM tries('a1 b2 a20 b21 a40 b41', 'a -> b', '[2026-01-01 00:00:05Z,2026-01-01 00:00:30Z)');
SELECT count(*) FROM walks('{}', 'a -> b');
SELECT count(*) FROM walks(NULL, 'a -> b');

-- Where no two touchpoints share a time, by the winning walk alone: what is before it, it, and what is after it.
CREATE FUNCTION public.tries_in(j journey, f funnel) RETURNS SETOF timestamptz[] LANGUAGE plpgsql AS $$
DECLARE
	t timestamptz[] := cjm.funnel_times(j, f);
	began timestamptz := (SELECT min(u) FROM unnest(t) u);
BEGIN
	IF began IS NULL THEN
		RETURN;
	END IF;
	RETURN QUERY SELECT public.tries_in(cjm.slice(j, '-infinity', began), f);
	RETURN NEXT t;
	RETURN QUERY SELECT public.tries_in(cjm.slice(j, (SELECT max(u) FROM unnest(t) u) + interval '1 microsecond', 'infinity'), f);
END
$$;
CREATE TABLE public.walk_rows AS
SELECT c, '2026-01-01Z'::timestamptz + i * interval '1 min' + (hashint4(i + c) & 3) * interval '10 s' AS at, (ARRAY['a', 'a', 'b', 'c', 'x'])[1 + (hashint4(i * 101 + c) & 65535) % 5] AS e, (ARRAY['p', 'q'])[1 + (hashint4(i + 7 * c) & 1)] AS ch
FROM generate_series(1, 200) c, generate_series(1, 25) i;
CREATE TABLE public.walk_journeys AS SELECT c, journey_agg(at, e, ch) AS j FROM public.walk_rows GROUP BY c;
CREATE TABLE public.walk_funnels AS
SELECT f::funnel FROM unnest(ARRAY['a -> b -> c', 'a -> b -> c within 4 min', 'a -> b [2 min] -> c', 'a -> b -> c strict', 'a -> b -> c excluding x within 10 min', 'a -> optional b -> c', 'a -> b -> c unordered within 5 min',
	'a -> b -> c from any stage', 'a -> b -> c within session (70 s)', 'a@(v) -> b@(v) -> c']) f;
SELECT f, sum(n) AS walks, count(*) FILTER (WHERE walks IS DISTINCT FROM expected) AS wrong, count(*) FILTER (WHERE converted <> conversions(j, f)) AS not_conversions,
	count(*) FILTER (WHERE deepest IS DISTINCT FROM nullif(funnel_step(j, f), 0)) AS not_deepest, count(*) FILTER (WHERE (latest_walk).step IS DISTINCT FROM last_step) AS not_latest, count(*) FILTER (WHERE w.overlapping) AS overlapping
FROM public.walk_funnels, public.walk_journeys, LATERAL (SELECT array_agg(w.times::text ORDER BY walk_number) AS walks, count(*) AS n, count(*) FILTER (WHERE w.converted) AS converted, max(step) AS deepest,
		(array_agg(step ORDER BY walk_number DESC))[1] AS last_step, bool_or(started_at <= before) AS overlapping
	FROM (SELECT *, lag(ended_at) OVER (ORDER BY walk_number) AS before FROM walks(j, f)) w) w, LATERAL (SELECT array_agg(t::text ORDER BY n) AS expected FROM public.tries_in(j, f) WITH ORDINALITY t (t, n)) e,
	cjm_internal.latest_walk(j, f) latest_walk
GROUP BY f ORDER BY f::text;

-- A map counts them, and knows how far each customer has come this time.
SELECT create_map('walk_map', 'public.walk_rows', 'c', 'at', 'e', 'a -> b -> c within 4 min', channel => 'ch', segment => 'ch', refusal => 'x');
SELECT step, stage, customers, step_rate, dropped, open_customers, refused, median_time FROM funnel_report('walk_map', count => 'walks');
SELECT step, customers, step_rate FROM funnel_report('walk_map', count => 'customers');
WITH tries AS (SELECT w.* FROM public.walk_journeys, walks(j, 'a -> b -> c within 4 min') w)
SELECT r.step, r.customers = (SELECT count(*) FROM tries t WHERE t.step >= r.step) AS counted,
	r.median_time IS NOT DISTINCT FROM CASE WHEN r.step > 1 THEN (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY t.times[r.step] - t.times[r.step - 1]) FROM tries t WHERE t.step >= r.step) END OR
		abs(extract(epoch FROM r.median_time) / (SELECT extract(epoch FROM percentile_disc(0.5) WITHIN GROUP (ORDER BY t.times[r.step] - t.times[r.step - 1])) FROM tries t WHERE t.step >= r.step) - 1) < 0.01 AS times
FROM funnel_report('walk_map', count => 'walks') r;
SELECT by_value, sum(customers) FILTER (WHERE step = 1) AS tries FROM funnel_report('walk_map', 'segment', count => 'walks') GROUP BY 1 ORDER BY 1;
SELECT count(*) AS wrong FROM (
	SELECT r.bucket_start, r.customers, (SELECT count(*) FROM public.walk_journeys, walks(j, 'a -> b -> c within 4 min', tstzrange(r.bucket_start, r.bucket_start + interval '1 hour')) w WHERE w.step >= r.step) AS expected
	FROM funnel_report('walk_map', bucket => 'hour', count => 'walks') r) r WHERE customers <> expected;
SELECT sum(customers) FROM funnel_report('walk_map', where_is => '{"segment": "p"}', from_time => '2026-01-01 00:10Z', count => 'walks') WHERE step = 1;
SELECT * FROM funnel_report('walk_map', count => 'tries');
SELECT count(*) FILTER (WHERE (c.current_step, c.current_at) IS DISTINCT FROM (w.step, w.ended_at)) AS wrong, count(*) FILTER (WHERE current_stage <> (ARRAY['a', 'b', 'c'])[current_step]) AS otherwise_called,
	count(*) FILTER (WHERE current_step < c.step) > 20 AS less_than_the_deepest
FROM walk_map.customers c JOIN public.walk_journeys j ON j.c::text = c.customer::text LEFT JOIN LATERAL (SELECT * FROM walks(j.j, 'a -> b -> c within 4 min') ORDER BY walk_number DESC LIMIT 1) w ON true;
SET client_min_messages = warning;
SELECT drop_map('walk_map');
DROP TABLE public.walk_rows, public.walk_journeys, public.walk_funnels;
DROP FUNCTION public.tries, public.tries_in;
