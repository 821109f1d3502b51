--
-- The funnel of a map straight from its rows is that of its journeys, to the byte.
--
SET search_path = cjm, public;
SET client_min_messages = warning;

-- Of few customers, so that they do everything: at equal times, again, after the limits, after now, with segments that come late, and nothing but an unknown event.
SELECT setseed(0.21);
CREATE TABLE log AS
SELECT c.customer, date_trunc('second', now()) - interval '20 days' + CASE WHEN random() < 0.1 THEN interval '20 days' ELSE interval '0' END
		+ floor(random() * 24) * CASE WHEN c.customer % 3 = 0 THEN interval '20 hours' WHEN c.customer % 3 = 1 THEN interval '1 day' ELSE interval '1 hour' END AS at,
	(ARRAY['view', 'cart', 'pay', 'no', 'odd', 'help', 'help', 'help'])[1 + floor(random() * CASE WHEN c.customer % 7 = 0 THEN 4 ELSE 8 END)::integer] AS event,
	(ARRAY['email', 'ads', NULL])[1 + floor(random() * 3)::integer] AS channel,
	CASE WHEN random() < 0.3 THEN (ARRAY['LV', 'EE', '', 'a longer name than sixteen bytes'])[1 + floor(random() * 4)::integer] END AS country
FROM generate_series(1, 400) c(customer), LATERAL generate_series(1, 1 + c.customer % 9) n;
INSERT INTO log VALUES (401, now() - interval '1 day', 'help', NULL, NULL), (402, now() - interval '1 day', 'help', NULL, 'EE'), (NULL, now(), 'view', NULL, 'LV'),
	(403, NULL, 'view', NULL, 'LV'), (404, now(), NULL, NULL, 'LV'), (405, now(), '', NULL, 'LV');

-- A map of the same rows whose view of journeys is written otherwise, so that its funnels are those of journeys; and what differs in any of them.
CREATE FUNCTION differs(stages funnel, refusal funnel, segment_at text, customer text DEFAULT 'customer') RETURNS TABLE (difference text)
	LANGUAGE plpgsql AS $$
BEGIN
	PERFORM cjm.drop_map(m.map::text) FROM cjm.maps m WHERE m.map::text IN ('by_rows', 'by_journeys');
	PERFORM cjm.create_map(m, 'log', customer, 'at', 'event', stages, channel => 'channel', segment => 'country', dimensions => '{"where from": "channel", "where": "nullif(country, '''')"}', segment_at => differs.segment_at,
		refusal => differs.refusal, time_zone => 'Europe/Riga') FROM unnest('{by_rows,by_journeys}'::text[]) m;
	EXECUTE 'CREATE OR REPLACE VIEW by_journeys.journeys AS SELECT * FROM (' || rtrim(pg_get_viewdef('by_journeys.journeys'), ';') || ') j';
	IF NOT cjm_internal.map_makes_journeys('by_rows') THEN
		RETURN QUERY VALUES ('reads journeys');
	ELSIF  cjm_internal.map_makes_journeys('by_journeys') THEN
		RETURN QUERY VALUES ('not what is to be compared');
	END IF;
	RETURN QUERY EXECUTE (SELECT string_agg(format('SELECT %1$L || d::text FROM ((TABLE by_rows.%2$s EXCEPT ALL TABLE by_journeys.%2$s) UNION ALL (TABLE by_journeys.%2$s EXCEPT ALL TABLE by_rows.%2$s)) d',
		v || ': ', v), ' UNION ALL ') FROM unnest('{funnel,funnel_by_segment,funnel_by_week}'::text[]) v);
	RETURN QUERY EXECUTE (SELECT string_agg(format('SELECT %1$L || d::text FROM ((SELECT * FROM cjm.funnel_report(''by_rows'', %2$s) EXCEPT ALL SELECT * FROM cjm.funnel_report(''by_journeys'', %2$s))
			UNION ALL (SELECT * FROM cjm.funnel_report(''by_journeys'', %2$s) EXCEPT ALL SELECT * FROM cjm.funnel_report(''by_rows'', %2$s))) d', a || ': ', a), ' UNION ALL ')
		FROM unnest(ARRAY['NULL', '''segment'', ''day''', 'NULL, ''month''', 'NULL, NULL, now() - interval ''15 days'', now() - interval ''8 days''',
			'''segment'', ''week'', now() - interval ''15 days'', now() - interval ''8 days''', '''segment'', NULL, now()', '''channel''', '''where''', '''where from'', ''month''']) a);
END
$$;

SELECT stages, refusal, segment_at, d.difference
FROM (VALUES ('view -> cart -> pay within 3 days', 'no', 'first'), ('view -> cart -> pay within 3 days', NULL, 'last'), ('view -> cart -> pay', 'no', 'first'),
		('view -> optional cart -> pay within 2 days', 'no | odd@ads', 'last'), ('view -> cart [1 day] -> pay within 5 days', 'no', 'first'),
		('view@email -> cart -> pay strict within 5 days', NULL, 'first'), ('view -> cart -> pay strict within 9 days', 'no', 'last'),
		('view -> cart -> pay within 4 days excluding odd', 'no@email', 'first'), ('view -> cart -> pay unordered within 1 day', 'no', 'last'),
		('* -> pay within 1 hour', 'no', 'first'), ('view within 1 day', 'no', 'first'), ('view -> view -> view within 3 days', 'no', 'last'),
		('view -> cart -> pay within session (21 hours)', 'no', 'first'), ('view -> cart -> pay within 3 days within session (1 day)', 'no', 'last'),
		('view -> cart -> pay within 3 days from any stage', 'no', 'first'), ('view@(x) -> cart@(x) -> pay within 5 days', 'no', 'first'),
		('view -> cart -> pay unordered within session (1 day)', NULL, 'first')) f(stages, refusal, segment_at)
	CROSS JOIN LATERAL differs(stages::funnel, refusal::funnel, segment_at) d;
CREATE COLLATION alike (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
-- customers of other types: by their bytes, or by journeys where that is not enough
SELECT customer, d.difference
FROM unnest(ARRAY['customer::integer', 'customer::smallint', 'customer::text', 'customer::varchar(9)', 'md5(customer::text)::uuid', '(''\x'' || md5(customer::text))::bytea',
		'''2026-01-01''::date + customer::integer', 'customer::text::name', 'customer::oid', 'substr(customer::text, 1, 1)::"char"', 'customer > 200', 'customer::numeric', 'customer::float8', 'ARRAY[customer]', '(customer::text || ''a'') COLLATE alike', '(customer::text || ''a'') COLLATE "C"']) customer
	CROSS JOIN LATERAL differs('view -> cart -> pay within 3 days', 'no', 'first', customer) d;
-- in parallel, on disk, and by processes that help to read
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET work_mem = '64kB';
SELECT segment_at, d.difference FROM unnest('{first,last}'::text[]) segment_at CROSS JOIN LATERAL differs('view -> cart -> pay within 3 days', 'no', segment_at) d;
RESET ALL;
SET search_path = cjm, public;
SET client_min_messages = warning;
-- of no rows a funnel, and no groups
DELETE FROM log;
SELECT count(*) AS steps, sum(customers) AS customers, (SELECT count(*) FROM by_rows.funnel_by_segment) AS segments, (SELECT count(*) FROM by_rows.funnel_by_week) AS weeks FROM by_rows.funnel;
SELECT * FROM differs('view -> cart -> pay within 3 days', 'no', 'first');
-- by a role that may read the views and nothing else, and by one that may read journeys but no rows
INSERT INTO log VALUES (1, now(), 'view', NULL, 'LV');
CREATE ROLE rows_reader;
GRANT USAGE ON SCHEMA by_rows TO rows_reader;
GRANT SELECT ON by_rows.funnel, by_rows.map, by_rows.journeys TO rows_reader;
SET ROLE rows_reader;
SELECT step, customers FROM by_rows.funnel WHERE step = 1;
SELECT step, customers FROM cjm.funnel_report('by_rows') WHERE step = 1;
RESET ROLE;
-- kept journeys are read, and rows again when they are no longer
SELECT keep_journeys('by_rows');
SELECT cjm_internal.map_makes_journeys('by_rows');
SELECT unkeep_journeys('by_rows');
SELECT cjm_internal.map_makes_journeys('by_rows');
ALTER SCHEMA by_rows RENAME TO "By e. Rows";
ALTER TABLE log RENAME TO "other log";
ALTER TABLE "other log" RENAME COLUMN customer TO "the customer";
SELECT cjm_internal.map_makes_journeys('"By e. Rows"');
SELECT step, customers FROM "By e. Rows".funnel WHERE step = 1;
SELECT drop_map('By e. Rows'), drop_map('by_journeys');
-- what is looked up where a reader has no right stays unread
CREATE SCHEMA rows_hidden;
CREATE TABLE rows_hidden.people AS SELECT 1::bigint AS id, 'LV'::text AS country;
SELECT create_map('by_rows', '"other log"', '"the customer"', 'at', 'event', 'view -> cart', segment => '(SELECT p.country FROM rows_hidden.people p WHERE p.id = "the customer")');
GRANT USAGE ON SCHEMA by_rows TO rows_reader;
GRANT SELECT ON by_rows.funnel, by_rows.funnel_by_segment, by_rows.map, by_rows.journeys, by_rows.events TO rows_reader;
SET ROLE rows_reader;
SELECT segment, step, customers FROM by_rows.funnel_by_segment WHERE step = 1;
SELECT step, customers FROM by_rows.funnel WHERE step = 1;
SELECT by_value, step, customers FROM cjm.funnel_report('by_rows', 'segment') WHERE step = 1;
RESET ROLE;
SELECT drop_map('by_rows');
DROP SCHEMA rows_hidden CASCADE;
DROP OWNED BY rows_reader;
DROP ROLE rows_reader;
DROP FUNCTION differs;
DROP TABLE "other log";
DROP COLLATION alike;
-- what no view asks
SELECT cjm_internal.map_funnel_agg(1, now(), 'a', NULL, NULL, 'a', NULL, now(), 'middle', NULL, 'UTC', '(,)');
SELECT cjm_internal.map_funnel_agg(1, now(), 'a', NULL, NULL, NULL, NULL, now(), NULL, NULL, 'UTC', '(,)');
SELECT cjm_internal.map_funnel_agg(1, now(), 'a', NULL, NULL, 'a', NULL, now(), NULL, 'decade', 'UTC', '(,)');
SELECT cjm_internal.map_funnel_agg(1, 'infinity', 'a', NULL, NULL, 'a', NULL, now(), NULL, NULL, 'UTC', '(,)');
SELECT cjm_internal.map_funnel_agg(NULL::integer, now(), 'a', NULL, NULL, 'a', NULL, now(), NULL, NULL, 'UTC', '(,)') IS NULL AS nothing;
