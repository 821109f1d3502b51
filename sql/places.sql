-- Whose changes wait: keys of all sorts, few customers and many, beside a store
SET search_path = cjm, public;
SET TimeZone = 'UTC';
SET client_min_messages = warning;

-- For keys of a type: a store, changes of few of its customers, of a new one and of one who goes, and then of many.  How the store is asked for
-- those who have changes, in how many customers the views and the rows differ, also where one process reads for all, and how many there are.
CREATE FUNCTION public.tried(type text, key text, other text, OUT keys text, OUT few text, OUT few_different bigint, OUT many text, OUT many_different bigint, OUT alone_different bigint, OUT customers bigint)
LANGUAGE plpgsql AS $$
DECLARE
	ways CONSTANT text := 'SELECT CASE WHEN cjm_internal.kept_goes(p, 2, NULL::text) THEN ''looked up'' WHEN cjm_internal.kept_goes(p, 3, NULL::text) THEN ''read'' END
		FROM (SELECT cjm_internal.kept_places_agg(g.customer, ''keyed.kept_journeys'') AS p FROM keyed.kept_changes g) a';
BEGIN
	keys := type;
	EXECUTE format('CREATE TABLE public.keyed_events (who %s, at timestamptz, what text, land text)', type);
	EXECUTE format('INSERT INTO public.keyed_events SELECT %s, timestamptz ''2026-01-01Z'' + i * interval ''1 minute'', (ARRAY[''view'', ''cart'', ''pay''])[1 + i %% 3], ''l'' || i %% 2
		FROM (SELECT i, 1 + i %% 1500 AS n FROM generate_series(1, 4500) i) s', key);
	PERFORM cjm.create_map('keyed', 'keyed_events', 'who', 'at', 'what', 'view -> cart -> pay', segment => 'land', keep => true);
	PERFORM cjm.refresh_journeys('keyed');
	-- The same customers, by keys that look otherwise where there are such.
	EXECUTE format('INSERT INTO public.keyed_events SELECT %s, ''2026-02-01Z'', ''view'', ''l9'' FROM (VALUES (1), (2), (2000)) v(n)', other);
	EXECUTE format('DELETE FROM public.keyed_events e WHERE e.who IN (SELECT %s FROM (VALUES (2), (7)) v(n))', key);
	EXECUTE ways INTO few;
	SELECT count(*) INTO few_different FROM cjm.check_journeys('keyed');
	EXECUTE format('INSERT INTO public.keyed_events SELECT %s, ''2025-02-01Z'', ''cart'', ''l9'' FROM (SELECT n * 2 AS n FROM generate_series(1, 850) n) v', other);
	EXECUTE ways INTO many;
	SELECT count(*) INTO many_different FROM cjm.check_journeys('keyed');
	SET LOCAL max_parallel_workers_per_gather = 0;
	SELECT count(*) INTO alone_different FROM cjm.check_journeys('keyed');
	RESET max_parallel_workers_per_gather;
	EXECUTE 'SELECT count(*) FROM keyed.journeys' INTO customers;
	PERFORM cjm.drop_map('keyed');
	DROP TABLE public.keyed_events;
END $$;

CREATE DOMAIN public.person AS bigint;
CREATE COLLATION public.any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
SELECT t.* FROM (VALUES
	('smallint', 'n', 'n'),
	('bigint', 'n - 700', 'n - 700'),
	('public.person', 'n', 'n'),
	('text', '''customer '' || n', '''customer '' || n'),
	('text COLLATE public.any_case', '''customer '' || n', '''CUSTOMER '' || n'),
	('varchar(20)', '''c'' || n', '''c'' || n'),
	('bpchar', '(''c'' || n)::bpchar', '(''c'' || n || ''  '')::bpchar'),
	('char(9)', '''c'' || n', '''c'' || n || ''  '''),
	('name', '''c'' || n', '''c'' || n'),
	('uuid', 'md5(n::text)::uuid', 'md5(n::text)::uuid'),
	('numeric', 'n + 0.5', '(n + 0.5)::numeric(10, 4)'),
	('float8', 'CASE n WHEN 2 THEN 0.0 ELSE n END', 'CASE n WHEN 2 THEN ''-0''::float8 ELSE n END'),
	('timestamptz', 'timestamptz ''2026-01-01Z'' + n * interval ''1 second''', 'timestamptz ''2026-01-01Z'' + n * interval ''1 second'''),
	('interval', 'n * interval ''1 day''', 'n * interval ''24 hours'''),
	('bytea', 'convert_to(repeat(n::text, 100), ''UTF8'')', 'convert_to(repeat(n::text, 100), ''UTF8'')'),
	('money', 'n::money', 'n::money'),
	('inet', 'inet ''10.0.0.0'' + n', 'inet ''10.0.0.0'' + n'),
	('int[]', 'ARRAY[n, 1]', 'ARRAY[n, 1]'),
	('jsonb', 'to_jsonb(n)', 'to_jsonb(n + 0.0)')) v(type, key, other), tried(v.type, v.key, v.other) t;

-- What the planner makes of it: the index for one customer, workers for all, nothing asked of each that is the same for all.
CREATE TABLE public.placed_events (who int, at timestamptz, what text);
INSERT INTO public.placed_events SELECT i % 5000, timestamptz '2026-01-01Z' + i * interval '1 minute', 'view' FROM generate_series(1, 20000) i;
SELECT create_map('placed', 'placed_events', 'who', 'at', 'what', 'view -> cart', keep => true);
SELECT refresh_journeys('placed');
INSERT INTO public.placed_events VALUES (1, '2026-03-01Z', 'cart'), (-1, '2026-03-01Z', 'view');
ANALYZE placed.kept_journeys;
CREATE FUNCTION public.planned(query text, part text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	line text;
	found bigint := 0;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query
	LOOP
		found := found + (line ~ part)::int;
	END LOOP;
	RETURN found;
END $$;
SELECT p.part, planned('SELECT journey FROM placed.journeys WHERE customer = 1', p.part) AS times
FROM (VALUES ('Index.* Scan .*kept_journeys'), ('Seq Scan on kept_journeys'), ('Index Cond: \(customer = 1'), ('Gather'), ('^ *InitPlan '), ('One-Time Filter: .*kept_is.*AND.*kept_goes')) p(part);
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SELECT p.part, planned('SELECT funnel_agg(journey, ''view -> cart'') FROM placed.journeys', p.part) AS times
FROM (VALUES ('Gather'), ('Parallel Append'), ('Parallel Seq Scan on kept_journeys'), (' Seq Scan on kept_journeys'), ('Filter: .*kept_goes.* 1, customer'), ('^ *InitPlan ')) p(part);
SELECT customers FROM placed.funnel;
RESET min_parallel_table_scan_size;
RESET parallel_setup_cost;
-- One process reads the store once less.
SELECT n AS workers, planned(format('/* %s */ SELECT count(*) FROM placed.journeys', set_config('max_parallel_workers_per_gather', n::text, false)), 'Seq Scan on kept_journeys') AS scans FROM (VALUES (0), (2)) v(n) ORDER BY n;
RESET max_parallel_workers_per_gather;
SELECT customer, touch_count(journey) FROM placed.journeys WHERE customer IN (-1, 1, 2) ORDER BY 1;
-- Once for a query, not for each row of another that asks
SELECT i, (SELECT touch_count(j.journey) FROM placed.journeys j WHERE j.customer = i) FROM generate_series(-2, 2) i;
-- All have changes, and one waits of whom the store knows nothing.
INSERT INTO public.placed_events SELECT i, '2026-03-02Z', 'view' FROM generate_series(-9, 4999) i;
SELECT count(*) AS customers, sum(touch_count(journey)) AS touchpoints FROM placed.journeys;
SELECT count(*) FROM check_journeys('placed');
-- The first change of a statement says for all when they were written down.
SELECT count(*) AS changes, count(DISTINCT written_at) AS times, count(written_at) AS said FROM placed.kept_changes;
SELECT drop_map('placed');

-- By hand
SELECT length(cjm_internal.kept_places_agg(n, 0)) AS none FROM generate_series(1, 0) n;
SELECT length(cjm_internal.kept_places_agg(NULL::int, 0)) AS nobody;
SELECT w, cjm_internal.kept_goes(p, w, 1) AS one, cjm_internal.kept_goes(p, w, 2) AS two, cjm_internal.kept_goes(p, w, 3) AS three, cjm_internal.kept_goes(p, w, NULL::int) AS any, cjm_internal.kept_goes('', w, 1) AS none, cjm_internal.kept_goes(NULL, w, 1) AS "null"
FROM (SELECT cjm_internal.kept_places_agg(n, 0) AS p FROM (VALUES (1), (3)) v(n)) a, generate_series(-1, 9) w ORDER BY w;
-- Those for whom the store is read are dealt out to two parts, a quarter to the second.
SELECT count(*) AS all_of_them, count(*) FILTER (WHERE one AND two) AS both, count(*) FILTER (WHERE NOT one AND NOT two) AS neither, round(avg(two::int), 2) AS second
FROM (SELECT cjm_internal.kept_goes(p, 7, n) AS one, cjm_internal.kept_goes(p, 8, n) AS two
	FROM (SELECT cjm_internal.kept_places_agg(n, 0) AS p FROM generate_series(1, 10000) n) a, generate_series(1, 10000) n) t;
SELECT count(*) FILTER (WHERE cjm_internal.kept_goes(p, 5, n)) AS taken, count(*) FILTER (WHERE cjm_internal.kept_goes(p, 5, -n)) BETWEEN 1 AND 1000 AS others
FROM (SELECT cjm_internal.kept_places_agg(n, 0) AS p FROM generate_series(1, 10000) n) a, generate_series(1, 10000) n;
-- Keys that are known are told from others that have their places; so are they after more have come than there is room for at first.
CREATE TABLE public.paged (filler text) WITH (fillfactor = 10);
ALTER TABLE public.paged ALTER filler SET STORAGE PLAIN;
INSERT INTO public.paged SELECT repeat('x', 1000) FROM generate_series(1, 3000);
SELECT count(*) AS all_of_them, count(*) FILTER (WHERE NOT cjm_internal.kept_goes(p, 1, n)) AS known, count(*) FILTER (WHERE NOT cjm_internal.kept_goes(p, 1, n) AND n % 100 = 0) AS known_of_them,
	bool_and(cjm_internal.kept_goes(p, 2, NULL::int)) AS looked_up
FROM (SELECT cjm_internal.kept_places_agg(n * 100, 'public.paged') AS p FROM generate_series(1, 3000) n) a, generate_series(1, 300000) n;
SELECT count(*) FILTER (WHERE NOT cjm_internal.kept_goes(p, 1, 'key ' || n)) AS known FROM (SELECT cjm_internal.kept_places_agg('key ' || n * 100, 'public.paged') AS p FROM generate_series(1, 3000) n) a, generate_series(1, 300000) n;
SELECT cjm_internal.kept_goes(cjm_internal.kept_places_agg(n, 'public.paged'), 2, NULL::int) AS looked_up, cjm_internal.kept_goes(cjm_internal.kept_places_agg(n, 'public.paged'), 3, NULL::int) AS read FROM generate_series(1, 3001) n;
-- A store that is larger than the cache is asked for fewer, as random_page_cost has it.
SET effective_cache_size = '16MB';
SELECT m, cjm_internal.kept_goes((SELECT cjm_internal.kept_places_agg(n, 'public.paged') FROM generate_series(1, m) n), 2, NULL::int) AS looked_up FROM (VALUES (750), (751)) v(m);
SET random_page_cost = 1;
SELECT cjm_internal.kept_goes(cjm_internal.kept_places_agg(n, 'public.paged'), 2, NULL::int) AS looked_up FROM generate_series(1, 3000) n;
RESET random_page_cost;
RESET effective_cache_size;
-- Nor does it take more memory than a join would.
SET work_mem = '64kB';
SET hash_mem_multiplier = 1;
SELECT m, cjm_internal.kept_goes((SELECT cjm_internal.kept_places_agg(n, 'public.paged') FROM generate_series(1, m) n), 2, NULL::int) AS looked_up FROM (VALUES (1000), (3000)) v(m);
RESET work_mem;
RESET hash_mem_multiplier;
-- A relation that is no table has no pages.
SELECT cjm_internal.kept_goes(cjm_internal.kept_places_agg(1, 'pg_class_oid_index'), 2, NULL::int) AS looked_up;
SELECT cjm_internal.kept_goes('\x00', 1, 1);
SELECT cjm_internal.kept_goes(('\x00000000ffffffff' || repeat('00', 131072))::bytea, 1, 1);
-- Keys that are not there: wrong, and nothing worse
SELECT cjm_internal.kept_goes(('\x010000000100000003000000' || repeat('ff', 131072) || 'ffffffffffffffff' || 'ababab')::bytea, 1, n) FROM generate_series(1, 2) n;
SELECT cjm_internal.kept_goes(('\x010000000100000003000000' || repeat('ff', 131072) || 'ffffffff01000000' || 'ababab')::bytea, 1, repeat('a', n)) FROM generate_series(1, 2) n;
