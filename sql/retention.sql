-- retention(VARIADIC conditions)
SET search_path = cjm, public;

SELECT customer, retention(day = 1, day = 2, day = 3)
FROM (VALUES (0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (2, 1), (2, 3), (3, 2), (3, 3), (4, NULL)) AS v(customer, day) GROUP BY customer ORDER BY customer;

-- Neither order nor row matters; NULL is false; one condition is enough.
SELECT retention(a, b) FROM (VALUES (false, true), (true, false)) AS v(a, b);
SELECT retention(a, b), retention(b, a) FROM (VALUES (NULL, true), (true, NULL), (NULL, NULL)) AS v(a, b);
SELECT retention(true), retention(false), retention(NULL);
SELECT cardinality(r), r[100], r[99] FROM (SELECT retention(VARIADIC (SELECT array_agg(k = i OR k = 1) FROM generate_series(1, 100) AS k)) AS r FROM generate_series(100, 101) AS i) AS v;
-- No rows, and rows of which nothing is known
SELECT retention(true, false) FROM generate_series(1, 0);
SELECT retention(VARIADIC c) FROM (VALUES (NULL::boolean[]), ('{t,f}'), (NULL)) AS v(c);
SELECT retention(VARIADIC '{}'::boolean[]);
SELECT retention(VARIADIC array_fill(true, array[i])) FROM generate_series(1, 2) AS i;

-- Against plain SQL, in one process and in several
CREATE TABLE public.retention_rows AS SELECT i % 500 AS c, hashint4(i) % 4 = 0 AS a, nullif(hashint4(i + 7) % 5, 1) = 0 AS b, hashint4(i * 3) % 3 = 0 AS d FROM generate_series(1, 2000) AS i;
ALTER TABLE public.retention_rows SET (parallel_workers = 3);
CREATE VIEW public.retention_check AS
	SELECT count(*) AS customers, count(*) FILTER (WHERE r[2]) AS retained,
	       count(*) FILTER (WHERE r IS DISTINCT FROM array[a, a AND coalesce(b, false), a AND d]) AS differ
	FROM (SELECT retention(a, b, d) AS r, bool_or(a) AS a, bool_or(b) AS b, bool_or(d) AS d FROM public.retention_rows GROUP BY c) AS v;
SELECT customers, retained > 0 AS some, differ FROM public.retention_check;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 3;
SET enable_sort = off;
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
SELECT pg_temp.is_split($$ SELECT retention(a, b, d) FROM public.retention_rows GROUP BY c $$);
SELECT customers, retained > 0 AS some, differ FROM public.retention_check;
DROP VIEW public.retention_check;
DROP TABLE public.retention_rows;
