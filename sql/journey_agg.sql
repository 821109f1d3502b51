-- journey_agg in its six forms.
SET search_path = cjm, public;

CREATE FUNCTION public.refusal(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	detail text;
	hint text;
BEGIN
	EXECUTE query INTO result;
	RETURN 'accepted: ' || coalesce(result, 'NULL');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', SQLSTATE || ' ' || SQLERRM, nullif(detail, ''), nullif(hint, ''));
END
$$;

CREATE TYPE public.shop_stage AS ENUM ('смотрит', 'add to cart', 'paid');
CREATE TABLE public.events (customer integer, at timestamptz, event text, channel text, value float8, stage public.shop_stage);
INSERT INTO public.events VALUES
	(1, '2026-01-01 10:05Z', 'cart', 'email', NULL, 'add to cart'),
	(1, '2026-01-01 10:00Z', 'view', NULL, NULL, 'смотрит'),
	(1, '2026-01-01 10:10Z', 'pay', 'email', 19.9, 'paid'),
	(2, '2026-01-01 10:00Z', 'view', 'ads', 1, 'смотрит'),
	(2, '2026-01-01 10:00Z', 'view', 'ads', 1, 'смотрит'),
	(3, NULL, 'view', 'ads', 1, 'смотрит'),
	(3, '2026-01-01 10:00Z', NULL, 'ads', 1, NULL),
	(4, NULL, NULL, NULL, NULL, NULL),
	(4, '2026-01-01 10:00Z', 'view', NULL, -0.0, 'paid'),
	(NULL, '2026-01-01 10:00Z', 'nobody', NULL, NULL, NULL);

-- The forms; rows without a time or an event are ignored, NULL where none is left.
SELECT customer, journey_agg(at, event) FROM public.events GROUP BY customer ORDER BY customer;
SELECT customer, journey_agg(at, event, channel) FROM public.events GROUP BY customer ORDER BY customer;
SELECT customer, journey_agg(at, event, channel, value) FROM public.events GROUP BY customer ORDER BY customer;
SELECT customer, journey_agg(at, stage) FROM public.events GROUP BY customer ORDER BY customer;
SELECT customer, journey_agg(at, stage, channel) FROM public.events GROUP BY customer ORDER BY customer;
SELECT customer, journey_agg(at, stage, channel, value) FROM public.events GROUP BY customer ORDER BY customer;
SELECT journey_agg(at, event), journey_agg(at, event, channel), journey_agg(at, event, channel, value),
       journey_agg(at, stage), journey_agg(at, stage, channel), journey_agg(at, stage, channel, value) FROM public.events WHERE false;

-- Literals are text; times, labels and values of other types are cast as PostgreSQL casts them.
SELECT journey_agg('2026-01-01 10:00Z', 'view'), journey_agg('2026-01-01 10:00Z', 'view', NULL), journey_agg('2026-01-01 10:00Z', 'view', 'email', '1.5'), journey_agg(NULL, NULL, NULL, NULL);
SET TimeZone = 'Europe/Riga';
SELECT journey_agg('2026-01-01'::date, 'view'::varchar(10), 'x'::name, 1.5::numeric), journey_agg('2026-07-01 10:00'::timestamp, 'view'::char(6), 'y', 7) FROM (VALUES (1)) AS t;
RESET TimeZone;

-- A renamed stage: what was built keeps the old name, what is built has the new one.
CREATE TABLE public.kept AS SELECT journey_agg(at, stage) AS j FROM public.events WHERE customer = 1;
ALTER TYPE public.shop_stage RENAME VALUE 'add to cart' TO 'в корзине';
ALTER TYPE public.shop_stage ADD VALUE 'returned' AFTER 'paid';
SELECT j FROM public.kept UNION ALL SELECT journey_agg(at, stage) FROM public.events WHERE customer = 1;
INSERT INTO public.events VALUES (5, '2026-01-01 10:00Z', NULL, NULL, NULL, 'returned');
SELECT journey_agg(at, stage) FROM public.events WHERE customer = 5;
SELECT journey_agg('2026-01-01 10:00Z', 'desire'::aida) AS ready_made;

-- DISTINCT, FILTER, ORDER BY.
SELECT journey_agg(DISTINCT at, event) AS distinct_pairs, journey_agg(at, event) FILTER (WHERE event <> 'view') AS filtered,
       journey_agg(at, event) FILTER (WHERE false) AS none, journey_agg(at, event ORDER BY at DESC, event) = journey_agg(at, event) AS any_order
FROM public.events WHERE customer IN (1, 2);

-- As a window aggregate it grows row by row; what it gave before stays what it was.
SELECT customer, event, journey_agg(at, event) OVER w, touch_count(journey_agg(at, event) OVER (PARTITION BY customer))
FROM public.events WHERE customer < 3 WINDOW w AS (PARTITION BY customer ORDER BY at) ORDER BY customer, at;
SELECT count(*) AS rows, count(*) FILTER (WHERE grown IS DISTINCT FROM (SELECT journey_agg(at, 'e' || i % 40) FROM (SELECT i, '2026-01-01Z'::timestamptz - i * interval '1 s' FROM generate_series(1, n) AS i) AS t (i, at))) AS wrong
FROM (SELECT n, journey_agg('2026-01-01Z'::timestamptz - n * interval '1 s', 'e' || n % 40) OVER (ORDER BY n) AS grown FROM generate_series(1, 300) AS n) AS w;
SELECT count(*) AS rows, count(*) FILTER (WHERE touch_count(j) <> least(n, 6)) AS wrong
FROM (SELECT n, journey_agg('2026-01-01Z', 'e') OVER (ORDER BY n ROWS 5 PRECEDING) AS j FROM generate_series(1, 50) AS n) AS w;

-- Errors.
SELECT query || E'\n  ' || public.refusal(query) AS refused
FROM unnest(ARRAY[
	$$ SELECT cjm.journey_agg('infinity', 'a') $$,
	$$ SELECT cjm.journey_agg('-infinity', 'a', 'c', 1) $$,
	$$ SELECT cjm.journey_agg('-infinity', 'action'::cjm.aida) $$,
	$$ SELECT cjm.journey_agg('infinity', NULL) $$,
	$$ SELECT cjm.journey_agg('2026-01-01Z', '') $$,
	$$ SELECT cjm.journey_agg('2026-01-01Z', 'a', '') $$,
	$$ SELECT cjm.journey_agg('2026-01-01Z', repeat('ы', 2048)) IS NULL $$,
	$$ SELECT cjm.journey_agg('2026-01-01Z', repeat('ы', 2048) || 'x') $$,
	$$ SELECT cjm.journey_agg('2026-01-01Z', 'a', repeat('c', 4096)) IS NULL $$,
	$$ SELECT cjm.journey_agg('2026-01-01Z', 'a', repeat('c', 4097)) $$
	]) WITH ORDINALITY AS t (query, n)
ORDER BY n;

-- Dictionaries beyond every width: 16 labels are searched one by one, ids take 1, 2 and 4 bytes.
SELECT n AS labels, touch_count(j), (SELECT count(DISTINCT event) FROM touchpoints(j)) AS events, (SELECT count(DISTINCT channel) FROM touchpoints(j)) AS channels,
       get_byte(cjm_internal.journey_send(j), 2) & 3 AS event_width, get_byte(cjm_internal.journey_send(j), 2) >> 2 & 3 AS channel_width,
       (SELECT count(*) FROM touchpoints(j) AS t WHERE right(t.event, -1) IS DISTINCT FROM right(t.channel, -1)) AS wrong,
       has_event(j, 'e' || n) AND NOT has_event(j, 'e' || n + 1) AS found
FROM unnest(ARRAY[1, 16, 17, 255, 256, 257, 65535, 65536, 65537]) AS n,
     LATERAL (SELECT journey_agg('2026-01-01Z'::timestamptz + (i * 7919 % 65537) * interval '1 ms', 'e' || i, 'c' || i) FROM generate_series(1, n) AS i) AS a (j);

-- Times: the largest unit that divides all distances, the smallest width that holds them.
SELECT unit, steps, 16 * (get_byte(cjm_internal.journey_send(j), 1) >> 4) + (get_byte(cjm_internal.journey_send(j), 1) & 15) = 16 * code + bytes AS as_expected,
       pg_column_size(cjm_internal.journey_send(j)) - 4 AS size, (last_touch(j)).at - (first_touch(j)).at AS span
FROM (VALUES ('1 us'::interval, 0), ('1 ms', 1), ('1 s', 2), ('1 min', 3), ('1 h', 3), ('61 s', 2), ('0.101 s', 1)) AS u (unit, code),
     (VALUES (1, 1), (255, 1), (256, 2), (65535, 2), (65536, 3), (16777215, 3), (16777216, 4)) AS w (steps, bytes),
     LATERAL (SELECT journey_agg('2026-01-01 00:00:00.123456Z'::timestamptz + s * unit, 'e') FROM unnest(ARRAY[steps, 0]) AS s) AS a (j)
WHERE unit IN ('1 us', '1 ms', '1 s', '1 min') OR steps = 1
ORDER BY unit, steps;
SELECT get_byte(cjm_internal.journey_send(journey_agg(at, 'e')), 1) AS all_of_timestamptz, journey_agg(at, 'e')::text::journey = journey_agg(at, 'e') AS read_back
FROM unnest(ARRAY['4714-11-24 00:00:00 BC Z', '294276-12-31 23:59:59.999999Z']::timestamptz[]) AS at;
SELECT get_byte(cjm_internal.journey_send(journey_agg('2026-01-01Z', 'e')), 1) AS one_time FROM generate_series(1, 100);

-- A thousand touchpoints of a few events take a few bytes each.
SELECT pg_column_size(journey_agg('2026-01-01Z'::timestamptz + i * interval '83 s', 'event ' || i % 7)) AS bytes_1000,
       pg_column_size(journey_agg('2026-01-01Z'::timestamptz + i * interval '83 s', 'event ' || i % 7, 'channel ' || i % 3)) AS with_channels,
       pg_column_size(journey_agg('2026-01-01Z'::timestamptz + i * interval '83 s', 'event ' || i % 7, 'channel ' || i % 3, i)) AS with_values
FROM generate_series(1, 1000) AS i;

-- Groups in a hash table, spilled to disk and sorted are the same.
CREATE TABLE public.many AS
SELECT i % 5000 AS customer, '2026-01-01Z'::timestamptz + (i * 48271::bigint % 1000003) * interval '1 s' AS at, 'event ' || i % 11 AS event, CASE WHEN i % 3 > 0 THEN 'c' || i % 4 END AS channel, nullif(i % 6, 0) AS value
FROM generate_series(1, 100000) AS i;
ANALYZE public.many;
CREATE TABLE public.grouped AS SELECT customer, journey_agg(at, event, channel, value) AS j FROM public.many GROUP BY customer;
SELECT count(*), sum(touch_count(j)) FROM public.grouped;
SET work_mem = '64kB';
SET hash_mem_multiplier = 1;
SET enable_sort = off;
SELECT count(*) AS spilled, count(*) FILTER (WHERE g.j = m.j) AS same FROM public.grouped AS g JOIN (SELECT customer, journey_agg(at, event, channel, value) AS j FROM public.many GROUP BY customer) AS m USING (customer);
RESET enable_sort;
SET enable_hashagg = off;
SELECT count(*) AS sorted, count(*) FILTER (WHERE g.j = m.j) AS same FROM public.grouped AS g JOIN (SELECT customer, journey_agg(at, event, channel, value) AS j FROM public.many GROUP BY customer) AS m USING (customer);
RESET enable_hashagg;
RESET work_mem;
RESET hash_mem_multiplier;
-- partial states, merged by the leader
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SELECT count(*) AS in_parallel, count(*) FILTER (WHERE g.j = m.j) AS same FROM public.grouped AS g JOIN (SELECT customer, journey_agg(at, event, channel, value) AS j FROM public.many GROUP BY customer) AS m USING (customer);
SELECT journey_agg(at, event, channel, value) = (SELECT rollup(j) FROM public.grouped) AS one_group FROM public.many;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;

-- The labels of all states are known by a pool that takes a thousand: with few labels, with as many as it takes,
-- with more, of which some customers have none, and with long ones it makes no difference.  The same rows by way of text are
-- the oracle, since each text has labels of its own.
CREATE TABLE public.labels AS
SELECT kind, i % 97 AS customer, '2026-01-01Z'::timestamptz + (i * 48271::bigint % 1000003) * interval '1 ms' AS at,
       CASE kind WHEN 'few' THEN 'e' || i % 5 WHEN 'a thousand' THEN 'e' || i % 1000 WHEN 'thousands' THEN 'e' || i * 31 % 7001
            WHEN 'of some' THEN CASE WHEN i % 97 < 9 THEN 'own ' || i ELSE 'e' || i % 3 END
            WHEN 'long' THEN repeat(chr(97 + i % 23), 4000 + i % 97) WHEN 'alike' THEN 'https://example/' || i % 300 || '/of/one/end' END AS event,
       CASE WHEN i % 3 > 0 THEN CASE kind WHEN 'few' THEN 'e' || i % 7 WHEN 'long' THEN repeat('c', 4080 + i % 17) WHEN 'of some' THEN 'c' ELSE 'c' || i % 2003 END END AS channel,
       nullif(i % 6, 0) AS value
FROM unnest(ARRAY['few', 'a thousand', 'thousands', 'of some', 'long', 'alike']) AS kind, generate_series(1, 6000) AS i;
CREATE TABLE public.labelled AS
SELECT kind, customer, ('{' || string_agg(to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US"Z"') || ' "' || event || '"' || coalesce('@"' || channel || '"', '') || coalesce('=' || value, ''), ',') || '}')::journey AS j
FROM public.labels GROUP BY kind, customer;
SELECT kind, count(*) AS customers, count(*) FILTER (WHERE cjm_internal.journey_send(l.j) = cjm_internal.journey_send(a.j)) AS same
FROM public.labelled AS l JOIN (SELECT kind, customer, journey_agg(at, event, channel, value) AS j FROM public.labels GROUP BY kind, customer) AS a USING (kind, customer) GROUP BY kind ORDER BY kind;
SELECT count(*) AS all_at_once, count(*) FILTER (WHERE cjm_internal.journey_send(l.j) = cjm_internal.journey_send(a.j)) AS same
FROM public.labelled AS l JOIN (SELECT kind, customer, journey_agg(at, event, channel, value ORDER BY value, at DESC) AS j FROM public.labels GROUP BY GROUPING SETS ((kind, customer), (kind), ())) AS a USING (kind, customer);
SELECT kind, cjm_internal.journey_send(journey_agg(at, event, channel, value)) = cjm_internal.journey_send((SELECT rollup(j) FROM public.labelled AS l WHERE l.kind = e.kind)) AS one_customer FROM public.labels AS e GROUP BY kind ORDER BY kind;
SELECT count(*) AS growing, count(*) FILTER (WHERE touch_count(g.j) <> n) AS wrong, count(*) FILTER (WHERE last AND cjm_internal.journey_send(g.j) <> cjm_internal.journey_send(l.j)) AS wrong_at_last
FROM (SELECT kind, customer, journey_agg(at, event, channel, value) OVER w AS j, row_number() OVER w AS n, lead(at) OVER w IS NULL AS last FROM public.labels WINDOW w AS (PARTITION BY kind, customer ORDER BY at, event ROWS UNBOUNDED PRECEDING)) AS g
JOIN public.labelled AS l USING (kind, customer);
SET work_mem = '64kB';
SET hash_mem_multiplier = 1;
SET enable_sort = off;
SELECT count(*) AS spilled, count(*) FILTER (WHERE cjm_internal.journey_send(l.j) = cjm_internal.journey_send(a.j)) AS same
FROM public.labelled AS l JOIN (SELECT kind, customer, journey_agg(at, event, channel, value) AS j FROM public.labels GROUP BY kind, customer) AS a USING (kind, customer);
RESET enable_sort;
RESET work_mem;
RESET hash_mem_multiplier;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ANALYZE public.labels;
SELECT count(*) AS in_parallel, count(*) FILTER (WHERE cjm_internal.journey_send(l.j) = cjm_internal.journey_send(a.j)) AS same
FROM public.labelled AS l JOIN (SELECT kind, customer, journey_agg(at, event, channel, value) AS j FROM public.labels GROUP BY kind, customer) AS a USING (kind, customer);
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

-- A label is the same however it is stored: with a short or a long header, compressed, out of line.
CREATE TABLE public.stored (way text, label text COMPRESSION pglz);
ALTER TABLE public.stored ALTER label SET STORAGE EXTENDED;
INSERT INTO public.stored SELECT 'extended', repeat('ab', n) FROM unnest(ARRAY[5, 70, 2048]) AS n;
ALTER TABLE public.stored ALTER label SET STORAGE EXTERNAL;
INSERT INTO public.stored SELECT 'external', repeat('ab', n) FROM unnest(ARRAY[5, 70, 2048]) AS n;
ALTER TABLE public.stored ALTER label SET STORAGE PLAIN;
INSERT INTO public.stored SELECT 'plain', repeat('ab', n) FROM unnest(ARRAY[5, 70, 2048]) AS n;
SELECT 2 * n AS size, stored, touch_count(j), (SELECT array_agg(DISTINCT octet_length(event)) FROM touchpoints(j)) AS events, get_byte(cjm_internal.journey_send(j), 4) AS in_dictionary
FROM unnest(ARRAY[5, 70, 2048]) AS n,
     LATERAL (SELECT array_agg(pg_column_size(label) ORDER BY ctid) AS stored, journey_agg('2026-01-01Z', label, label) AS j FROM public.stored WHERE octet_length(label) = 2 * n) AS s;

-- Nobody needs cjm on the search_path.
SET search_path = public;
SELECT cjm.journey_agg(at, event) AS text_events, cjm.journey_agg(at, stage) AS stages FROM events WHERE customer = 2;

DROP TABLE public.events, public.kept, public.many, public.grouped, public.labels, public.labelled, public.stored;
DROP TYPE public.shop_stage;
DROP FUNCTION public.refusal(text);
