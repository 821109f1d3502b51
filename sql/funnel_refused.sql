-- funnel_refused: who has said no, and when.
SET search_path = cjm, public;
SET TimeZone = 'UTC';

-- 'a1 b2 b3' is event a at second 1, b at seconds 2 and 3; answers are seconds, too.
CREATE FUNCTION public.said(text) RETURNS journey LANGUAGE sql IMMUTABLE AS $$
	SELECT coalesce(cjm.journey_agg('2026-01-01 00:00Z'::timestamptz + substring(t from '[0-9]+$')::int * interval '1 second', substring(t from '^[^0-9]+')), '{}')
	FROM string_to_table($1, ' ') t
$$;
CREATE FUNCTION public.clock(integer) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$ SELECT '2026-01-01 00:00Z'::timestamptz + $1 * interval '1 second' $$;

SELECT f AS funnel, j AS journey, extract(second FROM funnel_refused(said(j), f::funnel, 'no | never', clock(9)))::int AS refused_at, funnel_open(said(j), f::funnel, clock(9)) AS open
FROM (VALUES
	('a -> b -> c', 'a1 b2 no3 never4'),				-- the first one
	('a -> b -> c', 'never3 a4'),						-- before the walk began it is none
	('a -> b -> c', 'no1 b2'),							-- no walk
	('a -> b -> c', ''),
	('a -> b -> c', 'a1 b2 no3 c4'),					-- converted all the same
	('a -> b -> c', 'a1 b2 c3 no4'),
	('a -> b -> c', 'a1 no1'),							-- at the time of the beginning
	('a -> b -> c', 'a1 no3 b4'),						-- went on, and did not convert
	('a -> b -> c', 'a1 no2 a3 b4'),					-- the winning walk began after it
	('a -> b -> c', 'a1 b2 no3 a4'),					-- without a limit nobody is open
	('a -> b -> c within 6 seconds', 'a4 b5 no6'),		-- the walk that could go on is over
	('a -> b -> c within 6 seconds', 'a4 b5 no6 a7'),	-- and another one has begun
	('a -> b -> c within 6 seconds', 'a1 b2 no6 a6'),	-- which does not do at the same time
	('a -> b -> c within 6 seconds', 'a1 b2 no6 a7 never8'),
	('a -> b -> c within 6 seconds', 'a0 b1 no2 a2'),
	('a -> b [1s] -> c within 6 seconds', 'a4 no5 a6'),
	('a -> b [3s] -> c within 6 seconds', 'a4 no5 a6'),
	('a -> b -> c within 6 seconds strict', 'a4 no5 a6 x7'),
	('a -> b -> optional c', 'a1 b2 no3'),				-- completed
	('a -> optional b -> c', 'a1 b2 no3'),
	('a -> b -> c unordered within 9 seconds', 'b2 no3 c4'),
	('a -> b -> c unordered within 9 seconds', 'no2 b3 c4')) v(f, j);
-- walks that began in a range
SELECT e, extract(second FROM funnel_refused(said('a1 no2 a5 b6 no7 a8'), 'a -> b -> c within 5 seconds', 'no', clock(9), e))::int AS refused_at
FROM unnest(ARRAY[NULL, tstzrange(NULL, NULL), tstzrange(clock(0), clock(5)), tstzrange(clock(1), clock(6)), tstzrange(clock(8), NULL), 'empty']) e;
-- a channel may be asked for, and what is called otherwise is no refusal
SELECT funnel_refused(journey_agg(clock(n), e, c), 'a -> b', 'no@phone', clock(9)) FROM (VALUES (1, 'a', NULL), (2, 'no', 'mail'), (3, 'no', 'phone')) v(n, e, c);
SELECT count(funnel_refused(said('a1 no2'), 'a -> b', r::funnel, clock(9))) AS one_call_site_two_refusals FROM unnest(ARRAY['no', 'other', 'no', 'no | other']) r;

-- The rule in plain SQL, of the touchpoints and the winning walk; of a plain funnel a walk that has begun may go on for as long as "within".
CREATE TABLE public.refusing AS
SELECT n, clock(abs(hashint4(n * 31 + i)) % 24) AS at, (ARRAY['a', 'b', 'c', 'no', 'x'])[1 + abs(hashint4(n * 17 + i * 3)) % 5] AS event
FROM generate_series(1, 3000) n, generate_series(1, 1 + n % 7) i;
WITH of AS (
	SELECT n, w, journey_agg(at, event) AS journey, ('a -> b -> c within ' || w || ' seconds')::funnel AS funnel, clock(24) AS now FROM refusing CROSS JOIN unnest(ARRAY[5, 12]) w GROUP BY n, w
), walked AS (
	SELECT o.*, funnel_step(journey, funnel) AS step, (funnel_times(journey, funnel))[1] AS began FROM of o
), answers AS (
	SELECT w.*, funnel_refused(journey, funnel, 'no', now) AS refused_at,
		(SELECT min(at) FROM refusing r WHERE r.n = w.n AND r.event = 'no' AND r.at >= w.began AND w.step < 3 AND NOT EXISTS (
			SELECT FROM refusing a WHERE a.n = w.n AND a.event = 'a' AND a.at + w.w * interval '1 second' >= w.now
				AND a.at > (SELECT max(at) FROM refusing l WHERE l.n = w.n AND l.event = 'no'))) AS expected
	FROM walked w)
SELECT w AS within, count(refused_at) AS refused, count(*) FILTER (WHERE refused_at IS NOT NULL AND funnel_open(journey, funnel, now)) AS open_but_for_it, count(*) FILTER (WHERE refused_at IS DISTINCT FROM expected) AS wrong
FROM answers GROUP BY w ORDER BY w;
DROP TABLE public.refusing;
DROP FUNCTION public.said, public.clock;
