-- funnel_open: who may yet go on.
SET search_path = cjm, public;
SET TimeZone = 'UTC';

-- 'a1 b2 b3' is event a at second 1, b at seconds 2 and 3.
CREATE FUNCTION public.seconds(text) RETURNS journey LANGUAGE sql IMMUTABLE AS $$
	SELECT coalesce(cjm.journey_agg('2026-01-01 00:00Z'::timestamptz + substring(t from '[0-9]+$')::int * interval '1 second', substring(t from '^[^0-9]+')), '{}')
	FROM string_to_table($1, ' ') t
$$;
CREATE FUNCTION public.second(integer) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$ SELECT '2026-01-01 00:00Z'::timestamptz + $1 * interval '1 second' $$;

SELECT f AS funnel, j AS journey, string_agg(CASE WHEN funnel_open(seconds(j), f::funnel, second(now)) THEN 'o' ELSE '-' END, '' ORDER BY now) AS open_from_0_to_12
FROM (VALUES
	('a -> b -> c', 'a1'),								-- without a limit nobody
	('a -> b -> c within 5 seconds', 'a1'),				-- the end is included
	('a -> b -> c within 5 seconds', 'b1'),				-- not begun
	('a -> b -> c within 5 seconds', ''),
	('a -> b -> c within 5 seconds', 'a1 b2'),
	('a -> b -> c within 5 seconds', 'a1 b2 c3'),		-- completed
	('a -> b -> c within 5 seconds', 'a1 b2 c3 a4'),
	('a -> b -> c within 5 seconds', 'a1 b2 a4'),		-- the second try may come as far
	('a -> b -> c within 5 seconds', 'a1 c9'),			-- it is 9 o'clock already, though c leads nowhere
	('a -> b -> c within 5 seconds', 'a1 x9'),
	('a -> b [2s] -> c within 5 seconds', 'a1'),
	('a -> b [2s] -> c within 5 seconds', 'a1 b2'),
	('a -> b [2s] -> c [1s] within 5 seconds', 'a1 b2'),
	('a -> b -> c within 5 seconds strict', 'a1'),
	('a -> b -> c within 5 seconds strict', 'a1 x2'),	-- it spoils the walk from the next second on
	('a -> b -> c within 5 seconds strict', 'a1 b2'),
	('a -> b -> c within 5 seconds excluding x', 'a1 y2'),
	('a -> b -> c within 5 seconds excluding x', 'a1 x2'),
	('a -> b -> c within 5 seconds excluding x', 'a1 x2 a3'),
	('a -> b -> c within 5 seconds excluding c', 'a1 c2'),	-- what nothing leads to is not lost on the way
	('a -> optional b -> c within 5 seconds', 'a1 b2'),
	('a -> b -> optional c within 5 seconds', 'a1 b2'),	-- completed: the rest is not required
	('a -> b -> c unordered within 5 seconds', 'c1'),
	('a -> b -> c unordered within 5 seconds', 'c1 a2 b3')) v(f, j), generate_series(0, 12) now
GROUP BY f, j ORDER BY min(array_position(ARRAY[f], f)), f, j;
-- walks that began in a range
SELECT funnel_open(seconds('a1 a6'), 'a -> b within 5 seconds', second(8)), funnel_open(seconds('a1 a6'), 'a -> b within 5 seconds', second(8), tstzrange(second(0), second(6))),
	funnel_open(seconds('a1 a6'), 'a -> b within 5 seconds', second(8), tstzrange(second(6), NULL)), funnel_open(NULL, 'a -> b', second(8)) IS NULL;

-- The definition by trying it: with a touchpoint of every kind yet to come, which no walk begins with, the funnel would be completed;
-- and it is not yet.  Times of the past and of the future never coincide here.
CREATE TABLE public.random_journeys AS
SELECT n, journey_agg(second(2 * (abs(hashint4(n * 31 + i)) % 12)), (ARRAY['a', 'b', 'c', 'd', 'x', 'y'])[1 + abs(hashint4(n * 17 + i * 3)) % 6]) AS journey,
	second(2 * (abs(hashint4(n)) % 14) + 23) AS now
FROM generate_series(1, 3000) n, generate_series(1, 1 + n % 7) i GROUP BY n;
CREATE TABLE public.funnels AS SELECT f::funnel AS funnel, done FROM (VALUES
	('a -> b -> c -> d within 20 seconds', 4), ('a -> b -> a -> d within 12 seconds', 4), ('a -> b [8s] -> c [12s] -> d within 20 seconds', 4),
	('a -> b -> c within 25 seconds strict', 3), ('a -> b -> c within 25 seconds excluding x | c', 3), ('a -> optional b -> c -> optional d within 25 seconds', 3),
	('a -> b | c -> d [10s] within 15 seconds excluding y', 3), ('a -> b -> c unordered within 14 seconds', 3),
	('a -> b -> c unordered within 14 seconds excluding x', 3)) f(f, done);
SELECT funnel, count(*) FILTER (WHERE open) AS open, count(*) FILTER (WHERE NOT open) AS not_open,
	count(*) FILTER (WHERE open <> (step < done AND coming >= done)) AS wrong
FROM random_journeys, funnels,
	LATERAL (SELECT funnel_open(journey, funnel, now) AS open, funnel_step(journey, funnel) AS step,
		funnel_step(journey || (SELECT journey_agg(now, e) FROM unnest(ARRAY['a', 'b', 'c', 'd', 'a', 'b', 'c', 'd']) e), funnel, tstzrange(NULL, now)) AS coming) t
GROUP BY funnel ORDER BY funnel;

DROP TABLE random_journeys, funnels;
DROP FUNCTION seconds, second;
