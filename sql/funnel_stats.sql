-- The type funnel_stats and the aggregates that make it.
SET search_path = cjm, public;
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\pset null -

-- Five customers: one goes through, one stops at the cart, two at the view, one never begins.
CREATE TABLE stats_customers (customer integer, journey journey);
INSERT INTO stats_customers VALUES
	(1, '{2026-01-01T10:00:00Z view, 2026-01-01T10:05:00Z cart, 2026-01-02T11:00:00Z pay}'),
	(2, '{2026-01-01T10:00:00Z view, 2026-01-01T10:00:00Z cart, 2026-01-20T10:00:00Z pay}'),
	(3, '{2026-01-01T10:00:00Z view}'),
	(4, '{2026-01-05T10:00:00Z view, 2026-01-05T10:00:00Z view}'),
	(5, '{2026-01-01T10:00:00Z cart}');

SELECT funnel_agg(journey, 'view -> cart -> pay within 7 days') AS stats FROM stats_customers \gset
SELECT jsonb_pretty(:'stats'::funnel_stats::jsonb);

-- Text, JSON and value are the same thing.
SELECT s::text = :'stats' AS text, s::text::funnel_stats = s AS from_text,
       s::jsonb::funnel_stats = s AS from_jsonb, s::jsonb = s::text::jsonb AS jsonb
FROM CAST(:'stats' AS funnel_stats) AS s;

-- Empty statistics of a funnel.
SELECT funnel_stats('view -> "add to cart" -> оплата@почта');
SELECT funnel_stats('a -> b'::funnel) = 'a->b'::funnel_stats AS same;
SELECT funnel_stats('a ->');

-- NULL is nobody: no rows, no journey, no funnel.
SELECT funnel_agg(journey, 'a') IS NULL AS no_rows FROM stats_customers WHERE false;
SELECT funnel_agg(NULL::journey, 'a') IS NULL AS no_journey, funnel_agg(journey, NULL) IS NULL AS no_funnel
FROM stats_customers;
SELECT funnel_agg(CASE WHEN customer <> 2 THEN journey END, CASE WHEN customer <> 3 THEN funnel 'view -> cart' END)
FROM stats_customers;
SELECT rollup(s) IS NULL AS nothing FROM (VALUES (NULL::funnel_stats)) v(s);
SELECT rollup(s) = funnel_stats('a -> b') AS same FROM (VALUES (NULL), (funnel_stats('a -> b')), (NULL)) v(s);

-- An empty journey is a customer at step 0.
SELECT funnel_agg('{}', 'view -> cart');

-- Statistics of different funnels do not mix, however alike they are.
SELECT funnel_agg(journey, CASE WHEN customer = 1 THEN funnel 'view -> cart' ELSE 'view -> pay' END)
FROM (SELECT * FROM stats_customers ORDER BY customer) c;
SELECT rollup(s) FROM (VALUES (funnel_stats('a -> b within 1 day')), (funnel_stats('a -> b within 2 days'))) v(s);

-- Equality and hashing.
SELECT a = b AS eq, a <> b AS ne, funnel_stats_eq(a, b), funnel_stats_ne(a, b),
       cjm_internal.funnel_stats_hash(a) = cjm_internal.funnel_stats_hash(b) AS hash,
       cjm_internal.funnel_stats_hash_extended(a, 42) = cjm_internal.funnel_stats_hash_extended(b, 42) AS hash_extended,
       cjm_internal.funnel_stats_hash_extended(a, 0)::bit(32) = cjm_internal.funnel_stats_hash(a)::bit(32) AS hash_low
FROM (VALUES (:'stats'::funnel_stats, :'stats'::funnel_stats), (:'stats', funnel_stats('a'))) v(a, b);
SELECT s ->> 'funnel' AS funnel, count FROM
	(SELECT s::jsonb AS s, count(*) FROM (VALUES (funnel_stats('a')), (funnel_stats('b')), (funnel_stats('a'))) v(s)
	 GROUP BY v.s) g
ORDER BY 1;

-- The function that aggregates are made of leaves its arguments alone.
DO $$
DECLARE
	none cjm.funnel_stats := cjm.funnel_stats('view -> cart');
	one cjm_internal.aggregate_state := cjm_internal.funnel_state_rollup(NULL, none);
	two cjm_internal.aggregate_state;
	three cjm_internal.aggregate_state;
	six cjm.funnel_stats;
BEGIN
	two := cjm_internal.funnel_agg_step(one, '{2026-01-01T10:00:00Z view}', 'view -> cart');
	three := cjm_internal.funnel_agg_step(two, '{2026-01-01T10:00:00Z view}', 'view -> cart');
	three := cjm_internal.funnel_state_combine(three, two);
	three := cjm_internal.funnel_state_combine(three, three);
	six := cjm_internal.funnel_state_final(three);
	six := cjm.funnel_stats_combine(six, none);
	RAISE NOTICE '% % % %', none::jsonb -> 'customers', cjm_internal.funnel_state_final(one)::jsonb -> 'customers',
		cjm_internal.funnel_state_final(two)::jsonb -> 'customers', six::jsonb -> 'customers';
END $$;

--
-- Any order, any split, any tree of merges gives the same bytes.
--

-- 3000 customers of up to 12 touchpoints, with times from the same moment to years apart.
CREATE TABLE stats_random AS
SELECT customer, customer % 7 AS segment, journey_agg(at, event) AS journey
FROM (SELECT customer,
             timestamptz '2026-01-01 00:00Z' +
             make_interval(secs => CASE WHEN r % 5 = 0 THEN 0 ELSE 1e-6 * (2.0 ^ (r % 47)) * (1 + r % 1000 / 1e3) END) AS at,
             (ARRAY['view', 'cart', 'pay', 'other'])[1 + r / 1000 % 4] AS event
      FROM generate_series(1, 3000) AS customer,
           generate_series(1, 1 + customer % 12) AS touch,
           LATERAL (SELECT abs(hashint8(customer * 1000 + touch)::bigint) AS r) h) e
GROUP BY customer;

SELECT funnel_agg(journey, 'view -> cart -> pay') AS want FROM stats_random \gset
SELECT (:'want'::jsonb) - 'steps', jsonb_path_query_array(:'want', '$.steps[*].customers') AS customers,
       jsonb_path_query_array(:'want', '$.steps[*].time.buckets.size()') AS buckets;

-- 20 shuffles.
SELECT count(*), bool_and(s = :'want') AS same FROM generate_series(1, 20) AS seed,
	LATERAL (SELECT funnel_agg(journey, 'view -> cart -> pay') AS s
	         FROM (SELECT journey FROM stats_random ORDER BY hashint8(customer * 31 + seed)) c) x;

-- 20 random splits into up to 40 parts, merged by a random tree of three levels, in random order.
SELECT count(*), bool_and(s = :'want') AS same FROM generate_series(1, 20) AS seed, LATERAL (
	SELECT rollup(s) AS s FROM (
		SELECT rollup(s) AS s FROM (
			SELECT part, s FROM (
				SELECT hashint8(customer + seed) % 40 AS part, funnel_agg(journey, 'view -> cart -> pay') AS s
				FROM stats_random GROUP BY 1) p
			ORDER BY hashint8(part * 77 + seed)) p
		GROUP BY hashint8(part * 13 + seed) % 6) p) x;

-- Plans: hashed, sorted, with grouping sets, in parallel, by partition.
CREATE TABLE stats_parts (LIKE stats_random) PARTITION BY HASH (segment);
CREATE TABLE stats_parts_0 PARTITION OF stats_parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE stats_parts_1 PARTITION OF stats_parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO stats_parts SELECT * FROM stats_random;
ANALYZE stats_random, stats_parts;
CREATE TABLE stats_want AS
SELECT segment, funnel_agg(journey, 'view -> cart -> pay') AS want FROM stats_random GROUP BY segment;
CREATE VIEW stats_by_plan AS
SELECT count(*), bool_and(s = want) AS same
FROM (SELECT segment, funnel_agg(journey, 'view -> cart -> pay') AS s FROM stats_parts GROUP BY segment) p
JOIN stats_want USING (segment);

SET max_parallel_workers_per_gather = 0;
SET enable_sort = off;
TABLE stats_by_plan;
RESET enable_sort;
SET enable_hashagg = off;
TABLE stats_by_plan;
RESET enable_hashagg;
SET work_mem = '64kB';
SET enable_sort = off;
SELECT count(*), rollup(s) = :'want' AS same
FROM (SELECT customer, funnel_agg(journey, 'view -> cart -> pay') AS s FROM stats_random GROUP BY customer) p;
RESET enable_sort;
RESET work_mem;
SELECT count(*), bool_and(s = coalesce(want, :'want')) AS same
FROM (SELECT segment, funnel_agg(journey, 'view -> cart -> pay') AS s FROM stats_random
      GROUP BY GROUPING SETS ((segment), ())) p
LEFT JOIN stats_want USING (segment);
SET enable_partitionwise_aggregate = on;
TABLE stats_by_plan;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
TABLE stats_by_plan;
SELECT rollup(want) = :'want' AS same FROM stats_want;
RESET enable_partitionwise_aggregate;
TABLE stats_by_plan;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

-- As window aggregates, with a growing and with a sliding frame.
SELECT count(*), bool_and(running = (SELECT funnel_agg(journey, 'view -> cart -> pay') FROM stats_random
                                     WHERE customer <= w.customer)) AS running,
       bool_and(sliding = (SELECT funnel_agg(journey, 'view -> cart -> pay') FROM stats_random
                           WHERE customer BETWEEN w.customer - 1 AND w.customer + 1)) AS sliding
FROM (SELECT customer,
             funnel_agg(journey, 'view -> cart -> pay') OVER (ORDER BY customer) AS running,
             funnel_agg(journey, 'view -> cart -> pay')
             	OVER (ORDER BY customer ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS sliding
      FROM stats_random) w
WHERE customer <= 50;

-- Counts against plain accessors; seen are all.
SELECT jsonb_path_query_array(:'want', '$.steps[*].customers') =
       jsonb_build_array(count(*) FILTER (WHERE step >= 1), count(*) FILTER (WHERE step >= 2),
                         count(*) FILTER (WHERE step >= 3)) AS customers,
       (:'want'::jsonb -> 'customers')::bigint = count(*) AS seen,
       (:'want'::jsonb #> '{steps,1,time,sum}')::numeric =
       sum(1000000 * extract(epoch FROM times[2] - times[1])) AS times_2,
       (:'want'::jsonb #> '{steps,2,time,sum}')::numeric =
       sum(1000000 * extract(epoch FROM times[3] - times[2])) AS times_3,
       (:'want'::jsonb #> '{steps,2,total,sum}')::numeric =
       sum(1000000 * extract(epoch FROM times[3] - times[1])) AS totals_3
FROM (SELECT funnel_step(journey, 'view -> cart -> pay') AS step, funnel_times(journey, 'view -> cart -> pay') AS times
      FROM stats_random) c;

-- By entry: walks that begin in a range, which end when they end.
SELECT entered, jsonb_path_query_array(s, '$.steps[*].customers') AS customers, s -> 'customers' AS seen
FROM (VALUES (tstzrange '[2026-01-01 00:00Z, 2026-01-02 00:00Z)'), ('[2026-01-05 10:00Z, 2026-01-05 10:00Z]'),
             ('(2026-01-05 10:00Z,)'), ('(,)'), ('empty')) e(entered),
     LATERAL (SELECT funnel_agg(journey, 'view -> cart -> pay within 30 days', entered)::jsonb AS s FROM stats_customers) a;
SELECT funnel_agg(journey, 'view', NULL) IS NULL AS nobody FROM stats_customers;

--
-- Limits.
--

-- Doubled 62 times, all counters go through all their widths; the sum passes 2^64.
SELECT jsonb_path_query_array(s::jsonb, '$.steps[*].customers') AS customers, s::jsonb #> '{steps,1,time}' AS time
FROM (WITH RECURSIVE doubled(n, s) AS (
		SELECT 0, funnel_agg('{2026-01-01T10:00:00Z a, 2026-01-01T10:05:00Z b}', 'a -> b')
		UNION ALL
		SELECT n + 1, funnel_stats_combine(s, s) FROM doubled WHERE n < 62)
	SELECT n, s FROM doubled WHERE n IN (1, 7, 8, 15, 16, 31, 32, 62)) d
ORDER BY n;
SELECT funnel_stats_combine(s, s)
FROM CAST('{"funnel": "a", "customers": 4611686018427387904, "steps": [{"customers": 7}]}' AS funnel_stats) AS s;
SELECT cjm_internal.funnel_agg_step(cjm_internal.funnel_state_rollup(NULL, s), '{2026-01-01T10:00:00Z a}', 'a')
FROM CAST('{"funnel": "a", "customers": 9223372036854775807, "steps": [{"customers": 7}]}' AS funnel_stats) AS s;

-- From the first to the last moment there is.
SELECT funnel_agg(journey_agg, 'a -> b')::jsonb #> '{steps,1}' AS step
FROM (SELECT journey_agg(at, event)
      FROM (VALUES (timestamptz '4714-11-24 00:00:00Z BC', 'a'), ('294276-12-31 23:59:59.999999Z', 'b')) v(at, event)) j;

-- 64 stages.
SELECT funnel_agg(journey, string_agg)::jsonb #>> '{steps,63,customers}' AS customers
FROM (SELECT string_agg('s' || i, ' -> ')::funnel AS string_agg,
             journey_agg('2026-01-01 00:00Z'::timestamptz + i * interval '1 hour', 's' || i) AS journey
      FROM generate_series(1, 64) i) x;

--
-- JSON that is not right says where.
--
CREATE FUNCTION pg_temp.try(bad text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN bad::cjm.funnel_stats;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;

SELECT pg_temp.try(bad) FROM (VALUES
	('{"funnel": "a"'),
	('{}'),
	('{"funnel": 1, "customers": 1, "steps": []}'),
	('{"funnel": "a ->", "customers": 1, "steps": []}'),
	('{"funnel": "a", "steps": [{"customers": 0}]}'),
	('{"funnel": "a", "customers": 1}'),
	('{"funnel": "a", "customers": 1, "steps": {}}'),
	('{"funnel": "a", "customers": 1, "steps": []}'),
	('{"funnel": "a", "customers": 1, "steps": [1]}'),
	('{"funnel": "a", "customers": 1, "steps": [{}]}'),
	('{"funnel": "a", "customers": 1, "steps": [{"customers": 1}], "visitors": 1}'),
	('{"funnel": "a", "customers": "1", "steps": [{"customers": 1}]}'),
	('{"funnel": "a", "customers": -1, "steps": [{"customers": 1}]}'),
	('{"funnel": "a", "customers": 1.5, "steps": [{"customers": 1}]}'),
	('{"funnel": "a", "customers": 9223372036854775808, "steps": [{"customers": 1}]}'),
	('{"funnel": "a", "customers": 1e40, "steps": [{"customers": 1}]}'),
	('{"funnel": "a", "customers": 1, "steps": [{"customers": 2}]}'),
	('{"funnel": "a", "customers": 1, "steps": [{"customers": 1, "stage": "b"}]}'),
	('{"funnel": "a", "customers": 1, "steps": [{"customers": 1, "time": {}}]}'),
	('{"funnel": "a -> b", "customers": 3, "steps": [{"customers": 1}, {"customers": 1}]}'),
	('{"funnel": "a -> b", "customers": 3, "steps": [{"customers": 1}, {"customers": 1, "time": 5}]}'),
	('{"funnel": "a -> b", "customers": 3, "steps": [{"customers": 1}, {"customers": 1, "time": {"sum": 5}}]}'),
	('{"funnel": "a -> b", "customers": 3, "steps": [{"customers": 1}, {"customers": 1, "time": {"sum": "5", "buckets": []}}]}'),
	('{"funnel": "a -> b", "customers": 3, "steps": [{"customers": 1}, {"customers": 1, "time": {"sum": 5, "buckets": []}}]}'),
	('{"funnel": "a -> b", "customers": 3, "steps": [{"customers": 1}, {"customers": 1, "time": {"sum": 5, "buckets": 5}}]}'),
	('{"funnel": "a -> b", "customers": 3, "steps": [{"customers": 1}, {"customers": 1, "time": {"sum": 5, "buckets": [[5]]}}]}'),
	('{"funnel": "a -> b", "customers": 3, "steps": [{"customers": 1}, {"customers": 1, "time": {"sum": 5, "buckets": [[5, 0]]}}]}'),
	('{"funnel": "a -> b", "customers": 3, "steps": [{"customers": 1}, {"customers": 1, "time": {"sum": 5, "buckets": [[5, 2]]}}]}'),
	('{"funnel": "a -> b", "customers": 3, "steps": [{"customers": 1}, {"customers": 1, "time": {"sum": 5, "buckets": [[257, 1]]}}]}'),
	('{"funnel": "a -> b", "customers": 3, "steps": [{"customers": 1}, {"customers": 1, "time": {"sum": 6, "buckets": [[5, 1]]}}]}'),
	('{"funnel": "a -> b", "customers": 3, "steps": [{"customers": 1}, {"customers": 1, "time": {"sum": 130, "buckets": [[128, 1]]}}]}'),
	('{"funnel": "a -> b", "customers": 3, "steps": [{"customers": 1}, {"customers": 1, "time": {"sum": 5, "buckets": [[5, 1]], "max": 5}}]}'),
	('{"funnel": "a -> b", "customers": 3, "steps": [{"customers": 1}, {"customers": 1, "time": {"sum": 5, "buckets": [[5, 1]]}, "total": {"sum": 5, "buckets": [[5, 1]]}}]}'),
	('{"funnel": "a -> b", "customers": 3, "steps": [{"customers": 1}, {"customers": 2, "time": {"sum": 10, "buckets": [[5, 2]]}}]}'),
	('{"funnel": "a -> b", "customers": 3, "steps": [{"customers": 1}, {"customers": 1, "time": {"sum": 340282366920938463463374607431768211456, "buckets": [[5, 1]]}}]}')
) v(bad);
SELECT '[1]'::jsonb::funnel_stats;
SELECT '{"funnel": "a -> b", "customers": 3, "steps": [{"customers": 1}, {"time": {"buckets": [[256, 1]], "sum": 257.0}, "customers": 1}]}'::funnel_stats;
SELECT '{"funnel": "a->b", "customers": 3, "steps": [{"customers": 1}, {"time": {"buckets": [[256, 1]], "sum": 257}, "customers": 1}]}'::jsonb::funnel_stats;

-- All groups share one memory context: a hash aggregate walks over all contexts for each new group.
SET enable_sort = off;
SET work_mem = '1GB';
SELECT (SELECT count(*) FROM pg_backend_memory_contexts) < 1000 AS few_contexts, s <> funnel_stats('a -> b') AS counted
FROM (SELECT k, funnel_agg(j, 'a -> b') FROM (VALUES ('{2026-01-01T00:00Z a, 2026-01-01T00:01Z b}'::journey)) v(j), generate_series(1, 3000) k GROUP BY k OFFSET 0) q(k, s) LIMIT 1;
SELECT (SELECT count(*) FROM pg_backend_memory_contexts) < 1000 AS few_contexts, s <> funnel_stats('a -> b') AS counted
FROM (SELECT k, rollup(s) FROM (SELECT funnel_agg('{2026-01-01T00:00Z a}', 'a -> b')) v(s), generate_series(1, 2), generate_series(1, 3000) k GROUP BY k OFFSET 0) q(k, s) LIMIT 1;
RESET work_mem;
RESET enable_sort;

DROP VIEW stats_by_plan;
DROP TABLE stats_customers, stats_random, stats_parts, stats_want;
