-- Funnels against an oracle in plain SQL, which enumerates every walk of small random journeys (test/prove/oracle.sql):
-- step, times, conversions, entry ranges, the window functions and what funnel_agg adds up, in every combination of
-- rules.  "make prove" does the same with 100,000 journeys of each.
SET client_min_messages = warning;
\getenv source PG_ABS_SRCDIR
\set oracle :source '/test/prove/oracle.sql'
\set ECHO none
\i :oracle
\set ECHO all

-- The oracle itself, on answers that were found by hand: a definition, a journey, the step, the times, conversions.
CREATE FUNCTION prove.by_hand(rules text[], first integer, seconds integer[], events text[], entered tstzrange DEFAULT NULL,
	OUT step integer, OUT times integer[], OUT conversions bigint) LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO journeys (id, funnel, entered) VALUES (1, first, by_hand.entered);
	INSERT INTO touches SELECT row_number() OVER (), 1, first, at, event, NULL, prove.is_one_of(event, NULL, excluding) FROM unnest(seconds, events) AS t (at, event), funnels WHERE funnel = first;
	PERFORM prove.find_walks('unordered' = ANY (rules));
	PERFORM prove.answer('unordered' = ANY (rules));
	SELECT a.step, a.times, a.conversions INTO step, times, conversions FROM answers AS a;
	TRUNCATE journeys, touches, fits, walks, answers, spent;
END
$$;
SELECT prove.create_tables();
INSERT INTO funnels (funnel, nstages, within, strict, excluding, last_mandatory) VALUES
	(1, 3, NULL, false, NULL, 3), (2, 3, NULL, false, NULL, 3), (3, 3, 3, false, NULL, 3), (4, 3, NULL, true, NULL, 3), (5, 3, NULL, false, '{x}', 3), (6, 3, NULL, false, NULL, 3),
	(7, 3, NULL, false, NULL, 1), (8, 2, NULL, false, NULL, 2), (9, 3, 8, false, NULL, 3), (10, 3, NULL, false, '{x}', 3);
INSERT INTO stages
SELECT f, s, CASE WHEN f = 8 THEN (ARRAY['{a,b}', '{a}'])[s]::text[] ELSE ARRAY[chr(96 + s)] END, (f, s) IN ((6, 2), (7, 2), (7, 3)), CASE WHEN (f, s) = (2, 3) THEN 2 END,
       CASE WHEN (f, s) IN ((6, 3), (7, 2), (7, 3)) THEN 1 ELSE s - 1 END
FROM generate_series(1, 10) AS f, generate_series(1, 3) AS s WHERE f <> 8 OR s < 3;
SELECT * FROM prove.by_hand('{}', 1, '{1,2,3,4}', '{a,b,b,c}');
SELECT * FROM prove.by_hand('{[D]}', 2, '{1,2,10,11}', '{a,b,b,c}');
SELECT * FROM prove.by_hand('{within}', 3, '{1,2,4,5,9}', '{a,b,a,c,c}');
SELECT * FROM prove.by_hand('{strict}', 4, '{1,2,2,3,4,5}', '{a,x,b,a,c,b}');
SELECT * FROM prove.by_hand('{excluding}', 5, '{1,2,3,4,5,6}', '{a,b,x,a,b,c}');
SELECT * FROM prove.by_hand('{optional}', 6, '{1,2,3,4,5}', '{a,c,a,b,c}');
SELECT * FROM prove.by_hand('{optional}', 7, '{1,2,3}', '{a,c,a}');
SELECT * FROM prove.by_hand('{}', 8, '{1,1,1,1}', '{a,b,a,b}');
SELECT * FROM prove.by_hand('{unordered,within}', 9, '{1,5,9,12}', '{c,a,b,c}');
SELECT * FROM prove.by_hand('{unordered,excluding}', 10, '{1,2,3,4}', '{c,x,b,a}');
SELECT * FROM prove.by_hand('{}', 1, '{1,2,3,4}', '{a,a,b,c}', '[2026-01-01 00:00:01Z,2026-01-01 00:00:02Z)');

CREATE TEMP TABLE proof AS SELECT n, c.* FROM prove.combinations(), prove.combination(n, 300, 1) AS c;
SELECT mode, tried, ties > 150 AS many_ties, begun > 100 AS many_begun, complete > 10 AS many_complete, wrong FROM proof ORDER BY n;
SELECT sum(repeated) > 300 AS many_repeated FROM proof;

DROP TABLE proof;
DROP SCHEMA prove CASCADE;
