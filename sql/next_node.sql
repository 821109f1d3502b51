-- sequence_next_node(direction, base, at, event, base_condition, VARIADIC chain)
SET search_path = cjm, public;

CREATE TEMP TABLE page (visitor int, at timestamptz, page text);
INSERT INTO page SELECT v, timestamptz '2024-05-01Z' + i * interval '1 second', nullif(substr(pages, i, 1), '-')
FROM (VALUES (1, 'ABCD'), (2, 'BBDC'), (3, 'AB'), (4, 'AAAB'), (5, 'A-BA'), (6, 'A')) AS x(v, pages), generate_series(1, length(pages)) AS i;

SELECT visitor, string_agg(coalesce(page, '-'), '' ORDER BY at) AS pages,
       sequence_next_node('forward', 'head', at, page, page = 'A', page = 'A') AS "head A",
       sequence_next_node('forward', 'head', at, page, true, page = 'A', page = 'B') AS "head A B",
       sequence_next_node('forward', 'first_match', at, page, true, page = 'B') AS "first B",
       sequence_next_node('forward', 'last_match', at, page, true, page = 'B') AS "last B",
       sequence_next_node('backward', 'tail', at, page, true, page IN ('B', 'C', 'D')) AS "before the tail",
       sequence_next_node('backward', 'first_match', at, page, true, page = 'B', page = 'A') AS "before A B",
       sequence_next_node('backward', 'last_match', at, page, page <> 'A', page IN ('B', 'D')) AS "before B or D"
FROM page GROUP BY visitor ORDER BY visitor;

-- Without a chain: the head or the tail itself
SELECT visitor, sequence_next_node('forward', 'head', at, page, page = 'A') AS head, sequence_next_node('backward', 'tail', at, page, page <> 'B') AS tail
FROM page GROUP BY visitor ORDER BY visitor;

-- Equal times go by event, then those that meet an earlier condition first; NULLs are false, rows without time or event none.
SELECT sequence_next_node('forward', 'head', at, e, true, e = 'A') AS tie, sequence_next_node('forward', 'first_match', at, e, b, NULL OR e = 'C') AS c
FROM (VALUES (timestamptz '2024-05-01Z', 'B', true), ('2024-05-01Z', 'A', NULL), ('2024-05-01 00:01Z', 'C', true), (NULL, 'C', true), ('2024-05-01 00:02Z', NULL, true), ('2024-05-01 00:03Z', 'D', NULL)) AS v(at, e, b);
SELECT sequence_next_node('forward', 'head', now(), 'x', true, true) FROM generate_series(1, 0);
SELECT sequence_next_node('forward', 'first_match', to_timestamp(i), 'page ' || i, true, VARIADIC (SELECT array_agg(k = i) FROM generate_series(1, 70) AS k)) FROM generate_series(1, 80) AS i;

SELECT sequence_next_node('up', 'head', now(), 'x', true, true);
SELECT sequence_next_node('forward', 'start', now(), 'x', true, true);
SELECT sequence_next_node('forward', 'tail', now(), 'x', true, true);
SELECT sequence_next_node('backward', 'head', now(), 'x', true, true);
SELECT sequence_next_node('forward', 'last_match', now(), 'x', true);
SELECT sequence_next_node(NULL, 'head', now(), 'x', true, true);
SELECT sequence_next_node('forward', 'head', now(), 'x', true, VARIADIC '{}'::boolean[]);
SELECT sequence_next_node('forward', 'head', 'infinity', 'x', true, true);
SELECT sequence_next_node('forward', base, now(), 'x', true, true) FROM unnest(array['head', 'first_match']) AS base;
SELECT sequence_next_node('forward', 'head', now(), 'x', true, VARIADIC array_fill(true, array[i])) FROM generate_series(1, 2) AS i;

-- An event may be empty, and comes before all others of its time.
SELECT sequence_next_node('forward', 'head', now(), e, true, e = '', e = 'a') AS next, sequence_next_node('backward', 'tail', now(), e, true, e = 'b', e = 'a') AS before
FROM unnest(array['b', '', 'a']) AS e;

-- Against plain SQL: rows beyond the end of a chain are not kept, in whatever order they come; the chain of 9 takes two bytes.
CREATE TEMP TABLE trip AS
	SELECT i % 40 AS c, to_timestamp(abs(hashint4(i * 7) % 60)) AS at, substr('AAAABC', 1 + abs(hashint4(i) % 6), 1) AS e, abs(hashint4(i * 11) % 8) <> 0 AS b
	FROM generate_series(1, 4500) AS i;
CREATE FUNCTION pg_temp.next_of(e text[], b boolean[], direction text, base text, chain text[]) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	step integer := CASE direction WHEN 'forward' THEN 1 ELSE -1 END;
	i integer := CASE base
		WHEN 'head' THEN CASE WHEN b[1] THEN 1 END
		WHEN 'tail' THEN CASE WHEN b[cardinality(b)] THEN cardinality(b) END
		WHEN 'first_match' THEN (SELECT min(k) FROM generate_subscripts(e, 1) AS k WHERE b[k] AND e[k] = chain[1])
		ELSE (SELECT max(k) FROM generate_subscripts(e, 1) AS k WHERE b[k] AND e[k] = chain[1]) END;
	want text;
BEGIN
	FOREACH want IN ARRAY chain LOOP
		IF e[i] IS DISTINCT FROM want THEN
			RETURN NULL;
		END IF;
		i := i + step;
	END LOOP;
	RETURN e[i];
END
$$;
CREATE TEMP TABLE trip_answer (direction text, base text, chain text, arrival text, customers bigint, found bigint, differ bigint);
DO $$
DECLARE
	way text[];
	chain text;
	arrival text;
BEGIN
	FOREACH way SLICE 1 IN ARRAY ARRAY[['forward', 'head'], ['forward', 'first_match'], ['forward', 'last_match'], ['backward', 'tail'], ['backward', 'first_match'], ['backward', 'last_match']] LOOP
		FOREACH chain IN ARRAY ARRAY['', 'A', 'AB', 'AAA', 'AAAABAAAA'] LOOP
			CONTINUE WHEN chain = '' AND way[2] LIKE '%match';
			FOREACH arrival IN ARRAY ARRAY['at', 'at DESC', 'hashint4(extract(epoch FROM at)::int + ascii(e))'] LOOP
				EXECUTE format($sql$
					INSERT INTO trip_answer
					SELECT %1$L, %2$L, %3$L, %5$L, count(*), count(ours), count(*) FILTER (WHERE ours IS DISTINCT FROM pg_temp.next_of(e, b, %1$L, %2$L, string_to_array(%3$L, NULL)))
					FROM (
						SELECT sequence_next_node(%1$L, %2$L, at, e, b%4$s) AS ours,
						       array_agg(e ORDER BY at, e COLLATE "C", NOT b) AS e, array_agg(b ORDER BY at, e COLLATE "C", NOT b) AS b
						FROM (SELECT * FROM trip ORDER BY %5$s) AS r GROUP BY c
					) AS c $sql$,
					way[1], way[2], chain, (SELECT string_agg(format(', e = %L', s), '' ORDER BY n) FROM string_to_table(chain, NULL) WITH ORDINALITY AS t(s, n)), arrival);
			END LOOP;
		END LOOP;
	END LOOP;
END
$$;
SELECT direction, base, chain, min(customers) AS customers, min(found) = max(found) AS same_found, max(found) AS found, sum(differ) AS differ
FROM trip_answer GROUP BY direction, base, chain ORDER BY 1, 2, length(chain), 3;

-- Against plain SQL, in one process and in several
CREATE TABLE public.node_rows AS
	SELECT i % 100 AS c, timestamptz '2024-05-01Z' + abs(hashint4(i * 7) % 25) * interval '1 s' AS at, substr('ABC', 1 + abs(hashint4(i) % 3), 1) AS e, hashint4(i * 11) % 3 <> 0 AS b
	FROM generate_series(1, 3000) AS i;
ALTER TABLE public.node_rows SET (parallel_workers = 3);
CREATE VIEW public.node_check AS
	WITH ours AS (
		SELECT c, sequence_next_node('forward', 'first_match', at, e, b, e = 'A', e = 'B') AS f, sequence_next_node('backward', 'last_match', at, e, b, e = 'A', e = 'B') AS l,
		       sequence_next_node('forward', 'head', at, e, b, e = 'A') AS h, sequence_next_node('backward', 'tail', at, e, b, e = 'C') AS t
		FROM public.node_rows GROUP BY c
	), numbered AS (
		SELECT *, row_number() OVER w AS n, count(*) OVER (PARTITION BY c) AS rows, lead(e) OVER w AS e1, lead(e, 2) OVER w AS e2, lag(e) OVER w AS d1, lag(e, 2) OVER w AS d2
		FROM public.node_rows WINDOW w AS (PARTITION BY c ORDER BY at, e COLLATE "C", NOT b)
	), plain AS (
		SELECT c, (array_agg(CASE WHEN e1 = 'B' THEN e2 END ORDER BY n) FILTER (WHERE b AND e = 'A'))[1] AS f,
		       (array_agg(CASE WHEN d1 = 'B' THEN d2 END ORDER BY n DESC) FILTER (WHERE b AND e = 'A'))[1] AS l,
		       max(e1) FILTER (WHERE n = 1 AND b AND e = 'A') AS h, max(d1) FILTER (WHERE n = rows AND b AND e = 'C') AS t
		FROM numbered GROUP BY c
	)
	SELECT count(*) AS customers, least(count(ours.f), count(ours.l), count(ours.h), count(ours.t)) > 10 AS several,
	       count(*) FILTER (WHERE (ours.f, ours.l, ours.h, ours.t) IS DISTINCT FROM (plain.f, plain.l, plain.h, plain.t)) AS differ
	FROM ours JOIN plain USING (c);
SELECT * FROM public.node_check;
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
SELECT pg_temp.is_split($$ SELECT sequence_next_node('forward', 'head', at, e, b, e = 'A') FROM public.node_rows GROUP BY c $$);
SELECT * FROM public.node_check;
DROP VIEW public.node_check;
DROP TABLE public.node_rows;
