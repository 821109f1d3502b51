-- window_funnel(within, [mode,] at, VARIADIC steps)
SET search_path = cjm, public;

-- One column a step: the row's letters are the steps that it meets, a is 1, "-" is none.
CREATE FUNCTION pg_temp.level(mode text, rows text, within interval DEFAULT '10 seconds') RETURNS int LANGUAGE sql AS
$$
	SELECT window_funnel(within, mode, timestamptz '2024-05-01Z' + part[1]::int * interval '1 second',
	                     part[2] ~ 'a', part[2] ~ 'b', part[2] ~ 'c')
	FROM regexp_split_to_table(rows, ' ') AS row, regexp_match(row, '(\d+)(.*)') AS part
$$;
-- The same of letters one second apart
CREATE FUNCTION pg_temp.level_of(mode text, letters text) RETURNS int LANGUAGE sql AS
	$$ SELECT pg_temp.level(mode, string_agg(i || substr(letters, i, 1), ' ')) FROM generate_series(1, length(letters)) AS i $$;

-- The window is from the first step, both ends included.
SELECT pg_temp.level('', '0a 10b') AS "10 s", pg_temp.level('', '0a 11b') AS "11 s", pg_temp.level('', '0a 9b 11c') AS "from the first",
       pg_temp.level('', '0a 3a 9b 12c') AS "the later start", pg_temp.level('', '0a 0b', '0') AS "at once", pg_temp.level('', '5b') AS "no first";
SELECT window_funnel('1 hour', at, e = 'a', e = 'b', e = 'c') AS "abc", window_funnel('1 hour', at, e = 'c') AS "c",
       window_funnel('1 hour', at, VARIADIC array[e = 'a', e = 'c']) AS "ac", window_funnel('1 hour', at, e = 'c', e = 'a') AS "ca"
FROM (VALUES (timestamptz '2024-05-01 10:00Z', 'a'), ('2024-05-01 10:10Z', 'b'), ('2024-05-01 11:01Z', 'c')) AS v(at, e);

-- One row may stand for several steps, or for one; equal times have any order.
SELECT mode, pg_temp.level(mode, '0abc') AS abc, pg_temp.level(mode, '0abc 1abc') AS "abc abc", pg_temp.level(mode, '0abc 1abc 2abc') AS "abc abc abc",
       pg_temp.level(mode, '5b 5a') AS tie, pg_temp.level(mode, '5ab 5ab 5c') AS "tie of several", pg_temp.level(mode, '5a 8b 8a') AS "a, b and a",
       pg_temp.level(mode, '3a 5abc') AS "a abc", pg_temp.level(mode, '5ab 5a') AS "ab and a"
FROM unnest('{"",strict_once,strict_increase,"strict_once, strict_increase",strict_deduplication,strict_order}'::text[]) AS mode;

-- The strict modes (d is a row that meets no condition)
SELECT letters, pg_temp.level_of('', letters) AS "default", pg_temp.level_of('strict_order', letters) AS "order",
       pg_temp.level_of('strict_order,allow_reentry', letters) AS reentry, pg_temp.level_of('strict_deduplication', letters) AS dedup,
       pg_temp.level_of('strict_deduplication, strict_order', letters) AS both
FROM unnest('{abc,adbc,aabbcc,aabbdcc,acb,adabc,abdabc,abcab,acabc,abac,abcbd,ababc,abcabc,cabc}'::text[]) AS letters;

-- Equal times in the strict modes: no step first, then by step; two rows for a step reached there repeat it.
SELECT rows, pg_temp.level('strict_order', rows) AS "order", pg_temp.level('strict_deduplication', rows) AS dedup,
       pg_temp.level('strict_deduplication,strict_once', rows) AS "dedup once"
FROM unnest('{0a 0d 1b,0a 1d 1b,0a 1b 1b 2c,0a 1c 1b,0a 1b 1b 1c,0ab 0b 1c,0b 0ab 1c,0a 1bc 1b 2c}'::text[]) AS rows;

-- NULL conditions are false, rows without a time are none, nobody is 0.
SELECT window_funnel('1 day', at, a, b), window_funnel('1 day', 'strict_order', at, a, b)
FROM (VALUES (timestamptz '2024-05-01Z', true, NULL), ('2024-05-01 00:01Z', NULL, NULL), ('2024-05-01 00:02Z', false, true), (NULL, true, true)) AS v(at, a, b);
SELECT window_funnel('1 day', at, at IS NULL) AS "no time", window_funnel('1 day', now(), NULL, NULL) AS "no condition",
       window_funnel('1 day', now(), VARIADIC NULL::boolean[]) AS "no array"
FROM (VALUES (NULL::timestamptz)) AS v(at);
SELECT window_funnel('1 day', now(), true) FROM generate_series(1, 0);

-- There is no limit of 32 steps.
SELECT window_funnel('1 day', to_timestamp(i), VARIADIC (SELECT array_agg(k = i) FROM generate_series(1, 100) AS k)) AS "100",
       window_funnel('1 day', 'strict_increase', to_timestamp(i), VARIADIC (SELECT array_agg(true) FROM generate_series(1, 200) AS k)) AS "100 of 200",
       window_funnel('1 day', 'strict_order, strict_deduplication', to_timestamp(i), VARIADIC (SELECT array_agg(k = i OR k > 70 AND k - 70 = i) FROM generate_series(1, 150) AS k)) AS jump,
       window_funnel('1 day', 'strict_once', to_timestamp(0), VARIADIC (SELECT array_agg(true) FROM generate_series(1, 64) AS k)) AS "64"
FROM generate_series(1, 100) AS i;
SELECT window_funnel('1 day', 'strict_once, strict_increase', to_timestamp(i), VARIADIC (SELECT array_agg(true) FROM generate_series(1, 200) AS k)) AS "100 of 200"
FROM generate_series(1, 100) AS i;

-- What is not allowed
SELECT window_funnel('1 month', now(), true);
SELECT window_funnel('-1 s', now(), true);
SELECT window_funnel(NULL, now(), true);
SELECT window_funnel('1 s', NULL, now(), true);
SELECT window_funnel('1 s', 'strict', now(), true);
SELECT window_funnel('1 s', 'strict_order,', now(), true);
SELECT window_funnel('1 s', 'strict_once allow_reentry', now(), true);
SELECT window_funnel('1 s', 'allow_reentry', now(), true);
SELECT window_funnel('1 s', now(), VARIADIC '{}'::boolean[]);
SELECT window_funnel('1 s', now(), VARIADIC '{{t,f}}'::boolean[]);
SELECT window_funnel('1 s', 'infinity', true);
SELECT window_funnel('1 s', 'infinity', false);
SELECT window_funnel(i * interval '1 s', now(), true) FROM generate_series(1, 2) AS i;
SELECT window_funnel('1 s', CASE i WHEN 1 THEN '' ELSE 'strict_once' END, now(), true) FROM generate_series(1, 2) AS i;
SELECT window_funnel('1 s', now(), VARIADIC array_fill(true, array[i])) FROM generate_series(1, 2) AS i;
SELECT window_funnel('1 s', 'strict_once', now(), VARIADIC array_fill(true, array[65]));

-- Random rows with ties, overlaps and NULLs against all chains.
CREATE FUNCTION pg_temp.chance(VARIADIC seed int[]) RETURNS int LANGUAGE sql IMMUTABLE AS
	$$ SELECT ('x' || substr(md5(array_to_string(seed, ',')), 1, 6))::bit(24)::int $$;
CREATE TABLE public.window_funnel_rows AS
	SELECT c, i, pg_temp.chance(c, i, 0) % (1 + c % 11) AS t,
	       (SELECT array_agg(CASE WHEN pg_temp.chance(c, i, k, 2) % 20 > 0 THEN pg_temp.chance(c, i, k) % (2 + c % 3) = 0 END ORDER BY k) FROM generate_series(1, 3) AS k) AS met
	FROM generate_series(1, 600) AS c, generate_series(1, 6) AS i WHERE i <= 1 + pg_temp.chance(c) % 6;
WITH RECURSIVE chain(kind, c, step, t, start, used) AS (
	SELECT kind, c, 1, t, t, array[i] FROM public.window_funnel_rows, unnest('{"",strict_increase,strict_once}'::text[]) AS kind WHERE met[1]
	UNION ALL
	SELECT kind, r.c, step + 1, r.t, start, used || r.i FROM chain JOIN public.window_funnel_rows AS r USING (c)
	WHERE met[step + 1] AND r.t >= chain.t AND r.t <= start + 5
	AND (kind <> 'strict_increase' OR r.t > chain.t) AND (kind <> 'strict_once' OR r.i <> ALL (used))
), longest AS (
	SELECT kind, c, max(step) AS step FROM chain GROUP BY kind, c
), ours AS (
	SELECT kind, c, window_funnel('5 s', kind, to_timestamp(t), VARIADIC met) AS step
	FROM public.window_funnel_rows, unnest('{"",strict_increase,strict_once}'::text[]) AS kind GROUP BY kind, c
)
SELECT kind, count(*), count(*) FILTER (WHERE ours.step = 3) AS reached, count(*) FILTER (WHERE ours.step <> coalesce(longest.step, 0)) AS differ
FROM ours LEFT JOIN longest USING (kind, c) GROUP BY kind ORDER BY kind;

-- Any split of the rows, and none, give the same.
CREATE TEMP TABLE alone AS
	SELECT c, mode, window_funnel('5 s', mode, to_timestamp(t), VARIADIC met) AS step
	FROM public.window_funnel_rows, unnest('{strict_once,"strict_once,strict_deduplication","strict_order,allow_reentry"}'::text[]) AS mode GROUP BY c, mode;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 3;
SET enable_sort = off;
ALTER TABLE public.window_funnel_rows SET (parallel_workers = 3);
CREATE FUNCTION pg_temp.is_split(query text) RETURNS boolean LANGUAGE plpgsql AS
$$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		IF line ~ 'Partial .*Aggregate' THEN
			RETURN true;
		END IF;
	END LOOP;
	RETURN false;
END
$$;
SELECT pg_temp.is_split($$ SELECT c, window_funnel('5 s', 'strict_once', to_timestamp(t), VARIADIC met) FROM public.window_funnel_rows GROUP BY c $$);
SELECT count(*) FROM alone JOIN (
	SELECT c, window_funnel('5 s', 'strict_once', to_timestamp(t), VARIADIC met) AS o, window_funnel('5 s', 'strict_once,strict_deduplication', to_timestamp(t), VARIADIC met) AS d,
	       window_funnel('5 s', 'strict_order,allow_reentry', to_timestamp(t), VARIADIC met) AS r
	FROM public.window_funnel_rows GROUP BY c) AS together USING (c)
WHERE step <> CASE mode WHEN 'strict_once' THEN o WHEN 'strict_order,allow_reentry' THEN r ELSE d END;
RESET ALL;
SET search_path = cjm, public;
DROP TABLE public.window_funnel_rows;

-- As a window aggregate: how far until now
SELECT at - timestamptz '2024-05-01Z' AS at, e, window_funnel('1 hour', at, e = 'a', e = 'b', e = 'c') OVER (ORDER BY at) AS level
FROM (VALUES (timestamptz '2024-05-01 00:00Z', 'a'), ('2024-05-01 00:10Z', 'b'), ('2024-05-01 00:20Z', 'a'), ('2024-05-01 00:30Z', 'c')) AS v(at, e) ORDER BY at;
