-- first_touch(at, value), last_touch(at, value)
SET search_path = cjm, public;

CREATE TEMP TABLE touch (customer int, at timestamptz, channel text, value numeric);
INSERT INTO touch VALUES (1, '2024-05-02Z', 'email', 2), (1, '2024-05-01Z', 'ads', 30), (1, '2024-05-03Z', NULL, -1), (1, NULL, 'none', 0),
	(2, '2024-05-01Z', 'b', 1), (2, '2024-05-01Z', 'B', 2), (2, '2024-05-01Z', NULL, 3), (3, NULL, 'x', 1), (4, '2024-05-01Z', NULL, NULL);
SELECT customer, first_touch(at, channel), last_touch(at, channel), first_touch(at, value), last_touch(at, value),
       last_touch(at, channel) FILTER (WHERE channel IS NOT NULL) AS last_known
FROM touch GROUP BY customer ORDER BY customer;

-- Any type; the answer has it.
SELECT pg_typeof(first_touch(at, value)), first_touch(at, at), first_touch(at, array[value]), first_touch(at, customer > 1), first_touch(at, customer),
       first_touch(at, touch), last_touch(at, channel::"char"), first_touch(at, channel::name), last_touch(at, value::float8), last_touch(at, 'x'::text),
       length(last_touch(at, repeat(channel, 5000))), first_touch(at, '5b3cd2e2-64f1-4e3c-a4d6-6d0a5b7a3c11'::uuid), first_touch(at, point(customer, 1))
FROM touch WHERE customer = 1;
SELECT first_touch(at, 1) FROM touch WHERE at IS NULL;
SELECT first_touch(now(), 1) FROM generate_series(1, 0);
SELECT first_touch('infinity', 1);

-- Equal times: the smallest bytes, whatever the order of the rows and the collation; NULL after all others
SELECT first_touch(at, v), last_touch(at, v), first_touch(at, v COLLATE "C") FROM (SELECT timestamptz '2024-05-01Z', v FROM unnest(array['b', 'a', 'Z', 'aa', NULL]) AS v) AS t(at, v);
SELECT first_touch(at, v), last_touch(at, v) FROM (SELECT timestamptz '2024-05-01Z', v FROM unnest(array[NULL, 'aa', 'Z', 'a', 'b']) AS v) AS t(at, v);
SELECT first_touch(at, v), last_touch(at, v) FROM (SELECT timestamptz '2024-05-01Z', v FROM unnest(array[256, 3, 7]) AS v) AS t(at, v);
-- A value out of line or compressed is the same value.
CREATE TEMP TABLE long_touch (at timestamptz, v text);
INSERT INTO long_touch SELECT '2024-05-01Z', repeat(x, 20000) FROM unnest(array['c', 'b', 'a', 'd']) AS x;
ALTER TABLE long_touch ALTER v SET STORAGE external;
INSERT INTO long_touch SELECT '2024-05-01Z', repeat(x, 20000) || 'z' FROM unnest(array['a', 'b']) AS x;
SELECT left(first_touch(at, v), 2), length(first_touch(at, v)), length(last_touch(at, v)) FROM long_touch;

-- Against plain SQL, in one process and in several, for values passed in every way
CREATE TABLE public.touch_rows AS
	SELECT i % 700 AS c, CASE WHEN hashint4(i) % 20 <> 1 THEN timestamptz '2024-05-01Z' + abs(hashint4(i * 7) % 9) * interval '1 s' END AS at,
	       CASE WHEN hashint4(i + 1) % 10 <> 1 THEN repeat(chr(97 + abs(hashint4(i * 3) % 5)), 1 + abs(hashint4(i * 5) % 40)) END AS v
	FROM generate_series(1, 4000) AS i;
ALTER TABLE public.touch_rows SET (parallel_workers = 3);
CREATE VIEW public.touch_check AS
	WITH ours AS (
		SELECT c, first_touch(at, v) AS f, last_touch(at, v) AS l, first_touch(at, length(v)) AS n, first_touch(at, v::name) AS fixed
		FROM public.touch_rows GROUP BY c
	), plain AS (
		SELECT c, (array_agg(v ORDER BY at, v COLLATE "C") FILTER (WHERE at IS NOT NULL))[1] AS f, (array_agg(v ORDER BY at DESC, v COLLATE "C") FILTER (WHERE at IS NOT NULL))[1] AS l,
		       (array_agg(length(v) ORDER BY at, length(v)) FILTER (WHERE at IS NOT NULL))[1] AS n
		FROM public.touch_rows GROUP BY c
	)
	SELECT count(*) AS customers, count(DISTINCT ours.f) > 10 AS several,
	       count(*) FILTER (WHERE (ours.f, ours.l, ours.n, ours.fixed::text) IS DISTINCT FROM (plain.f, plain.l, plain.n, plain.f)) AS differ
	FROM ours JOIN plain USING (c);
SELECT * FROM public.touch_check;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 3;
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
SELECT pg_temp.is_split($$ SELECT first_touch(at, v) FROM public.touch_rows $$);
SELECT f IS NOT DISTINCT FROM g AS same FROM (SELECT first_touch(at, v) AS f FROM public.touch_rows) AS a,
	(SELECT v AS g FROM public.touch_rows WHERE at IS NOT NULL ORDER BY at, v COLLATE "C" LIMIT 1) AS b;
SET enable_sort = off;
SELECT * FROM public.touch_check;
DROP VIEW public.touch_check;
DROP TABLE public.touch_rows;
RESET ALL;
SET search_path = cjm, public;

-- As a window aggregate
SELECT at AT TIME ZONE 'UTC' AS at, channel, last_touch(at, channel) OVER (ORDER BY at ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM touch WHERE customer = 1 ORDER BY touch.at;
