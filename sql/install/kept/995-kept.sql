--
-- Kept journeys: the journeys of a map, stored, and exact in every snapshot.
--
-- A map that keeps its journeys has in its schema, beside its views,
--
--   kept_journeys  the store: a journey of each customer
--   kept_deciders  what decides the dimensions of those customers whose rows differ in them
--   kept_changes   touchpoints that came since, and that went
--   kept_marks     what happened that makes the store of no use
--   kept_pieces    of what is being built: which parts of the customers are
--   kept_state     one row: what the store was made under, and when
--   kept_rows      a view: the rows as the view "events" reads them, or none where the store tells
--   kept           a view: how all this stands
--
-- In every snapshot store + changes = rows.  Triggers on the source write the changes,
-- in the transaction of the rows (src/kept/write.c); a refresh moves them into the
-- store, in one statement; and as in any snapshot either both are seen or none, it
-- does not matter who does what at the same time.  What triggers do not see is told
-- by the catalogs (src/kept/guard.c): then the view "journeys" reads the rows.
--

CREATE FUNCTION cjm_internal.kept_is_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'kept_is_support'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.kept_is_support(internal) IS 'planner support of kept_is: puts what there is when a query is planned into the plan';

CREATE FUNCTION cjm_internal.kept_is(state regclass, answer integer, planned text) RETURNS boolean
	AS 'MODULE_PATHNAME', 'kept_is'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1 SUPPORT cjm_internal.kept_is_support;
COMMENT ON FUNCTION cjm_internal.kept_is(regclass, integer, text) IS
	'whether the store of kept journeys is all (0), it and the changes beside it are (1), or only the rows tell (2), in the snapshot of the query; planned is empty, and the planner puts there what it found';

CREATE FUNCTION cjm_internal.kept_parts(state regclass) RETURNS text[]
	AS 'MODULE_PATHNAME', 'kept_parts'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.kept_parts(regclass) IS 'what kept journeys stand on: tables and their files, partitions, triggers, functions, labels of enums; a line each';

CREATE FUNCTION cjm_internal.kept_fingerprint(parts text[]) RETURNS text
	AS 'MODULE_PATHNAME', 'kept_fingerprint'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.kept_fingerprint(text[]) IS 'a hash of what kept journeys stand on';

CREATE FUNCTION cjm_internal.kept_check(events regclass) RETURNS void
	AS 'MODULE_PATHNAME', 'kept_check'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.kept_check(regclass) IS 'an error that says why, if the journeys of a map cannot be kept';

CREATE FUNCTION cjm_internal.kept_check_idle(source regclass) RETURNS void
	AS 'MODULE_PATHNAME', 'kept_check_idle'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION cjm_internal.kept_check_idle(regclass) IS
	'an error if a statement of this session is in the middle of reading or writing a table, or of a trigger: its rows may be there before their changes';

CREATE FUNCTION cjm_internal.kept_refresh_as(map text, owner oid) RETURNS text
	AS 'MODULE_PATHNAME', 'kept_refresh_as'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION cjm_internal.kept_refresh_as(text, oid) IS 'calls kept_refresh as a role whose rights one has';

CREATE FUNCTION cjm_internal.kept_write() RETURNS trigger
	AS 'MODULE_PATHNAME', 'kept_write'
	LANGUAGE C;
COMMENT ON FUNCTION cjm_internal.kept_write() IS 'writes down what comes to the source of a map and what goes; does nothing unless kept_bind has said for whom';

CREATE FUNCTION cjm_internal.kept_bind(source regclass, trigger name, changes regclass, marks regclass, events regclass) RETURNS void
	AS 'MODULE_PATHNAME', 'kept_bind'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION cjm_internal.kept_bind(regclass, name, regclass, regclass, regclass) IS 'lets a trigger of one''s own work for tables and a view of one''s own, by dependencies, so that renaming them changes nothing';

CREATE FUNCTION cjm_internal.kept_scan(internal) RETURNS tsm_handler
	AS 'MODULE_PATHNAME', 'kept_scan'
	LANGUAGE C VOLATILE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.kept_scan(internal) IS 'TABLESAMPLE kept_scan(wanted, expected): all rows or none; the planner expects all, or next to none';

CREATE FUNCTION cjm_internal.kept_progress(what text) RETURNS boolean
	AS 'MODULE_PATHNAME', 'kept_progress'
	LANGUAGE C VOLATILE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION cjm_internal.kept_progress(text) IS 'true; a NOTICE every some seconds says how many rows it has been called for';

CREATE FUNCTION cjm_internal.journey_changed(journey cjm.journey, added cjm.journey, removed cjm.journey) RETURNS cjm.journey
	AS 'MODULE_PATHNAME', 'journey_changed'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1;
COMMENT ON FUNCTION cjm_internal.journey_changed(cjm.journey, cjm.journey, cjm.journey) IS
	'a stored journey after what came and what went, each of which may be NULL; NULL if nothing is left';

--
-- What is in the schema
--

CREATE FUNCTION cjm_internal.kept_comments() RETURNS TABLE (relation_name text, column_name text, comment text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 40
BEGIN ATOMIC
	SELECT v.relation_name, v.column_name, v.comment
	FROM (VALUES
		('kept_journeys', NULL, 'kept journeys: those of this map without the changes that wait'),
		('kept_journeys', 'customer', 'the key of the customer'),
		('kept_journeys', 'segment', 'the segment, which is the dimension of that name'),
		('kept_journeys', 'journey', 'all touchpoints of the customer'),
		('kept_journeys', 'dimensions', 'the dimensions of the customer'),
		('kept_deciders', NULL, 'what decides the dimensions of kept journeys, where their touchpoints differ in them'),
		('kept_deciders', 'customer', 'the key of the customer'),
		('kept_deciders', 'deciders', 'numbers and values of dimensions, as events of a journey, but for dimensions of which all touchpoints have the same value, and for channels'),
		('kept_changes', NULL, 'what came to the source since the last refresh, and what went'),
		('kept_changes', 'customer', 'whose event it is'),
		('kept_changes', 'at', 'when it happened'),
		('kept_changes', 'event', 'what happened'),
		('kept_changes', 'channel', 'where it came from, or NULL'),
		('kept_changes', 'value', 'what it was worth, or NULL'),
		('kept_changes', 'segment', 'the segment of the customer that the row tells, or NULL'),
		('kept_changes', 'dimensions', 'the other dimensions of the customer that the row tells, or NULL'),
		('kept_changes', 'session', 'the session of the event, or NULL'),
		('kept_changes', 'removed', 'whether it went'),
		('kept_changes', 'written_at', 'when that was written down, said by the first of a statement''s changes'),
		('kept_marks', NULL, 'what makes the store of no use until it is built anew'),
		('kept_marks', 'at', 'when it happened'),
		('kept_marks', 'reason', 'what it was'),
		('kept_marks', 'parts', 'the partitions it was about, NULL if a refresh cannot take them in'),
		('kept_state', NULL, 'what the kept journeys were made under: one row'),
		('kept_state', 'fingerprint', 'hash of what the store stands on'),
		('kept_state', 'built_at', 'when it was built, NULL before'),
		('kept_state', 'view', 'number of the view "events"'),
		('kept_state', 'changes', 'number of the table of changes'),
		('kept_state', 'marks', 'number of the table of marks'),
		('kept_state', 'refreshed_at', 'when the last refresh was over'),
		('kept_state', 'took', 'how long it took'),
		('kept_state', 'folded', 'how many changes have been moved into the store in all'),
		('kept_state', 'parts', 'what the store stands on, a line each'),
		('kept_state', 'pieces', 'into how many pieces a build is divided, NULL: by the size of the source'),
		('kept_pieces', NULL, 'the pieces of the store that are being built, or were, a part of the customers each'),
		('kept_pieces', 'piece', 'its number, from 1'),
		('kept_pieces', 'began_at', 'when a refresh began with it'),
		('kept_pieces', 'built_at', 'when it was built, NULL before'),
		('kept_pieces', 'journeys', 'how many there were in it'),
		('kept_rows', NULL, 'the rows as the view "events" reads them, where kept journeys do not tell; else none'),
		('kept_rows', 'customer', 'whose event it is'),
		('kept_rows', 'at', 'when it happened'),
		('kept_rows', 'event', 'what happened'),
		('kept_rows', 'channel', 'where it came from, or NULL'),
		('kept_rows', 'value', 'what it was worth, or NULL'),
		('kept_rows', 'segment', 'the segment of the customer that the row tells, or NULL'),
		('kept_rows', 'dimensions', 'the other dimensions of the customer that the row tells, or NULL'),
		('kept_rows', 'session', 'the session of the event, or NULL'),
		('kept', NULL, 'how the kept journeys of this map stand: one row'),
		('kept', 'state', 'folded: the views read the store; changed: the store and the changes beside it; rows: the rows of the source'),
		('kept', 'reason', 'why they read the rows, NULL if they do not'),
		('kept', 'customers', 'journeys in the store'),
		('kept', 'touchpoints', 'touchpoints in them'),
		('kept', 'changes', 'touchpoints that came or went since the last refresh'),
		('kept', 'oldest_change', 'when the oldest of them was written, NULL if there is none'),
		('kept', 'bytes', 'size of the store and the changes, with indexes'),
		('kept', 'built_at', 'when the store was built'),
		('kept', 'refreshed_at', 'when the last refresh was over'),
		('kept', 'took', 'how long the last refresh took'),
		('kept', 'folded', 'changes that have been moved into the store in all')) v(relation_name, column_name, comment);
END;
COMMENT ON FUNCTION cjm_internal.kept_comments() IS 'the comments of what a map with kept journeys has beside its views';

CREATE FUNCTION cjm_internal.kept_state(map regnamespace) RETURNS regclass
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE c.relnamespace = map AND c.relname = 'kept_state' AND c.relkind = 'r' AND c.relowner = n.nspowner);
COMMENT ON FUNCTION cjm_internal.kept_state(regnamespace) IS 'the state of the kept journeys of a map, NULL if it keeps none';

-- The operator of the type, by which its keys are unique, and not one that the search_path happens to have.
CREATE FUNCTION cjm_internal.kept_equals(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (WITH RECURSIVE base(type) AS (
		SELECT a.atttypid FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
		WHERE c.relnamespace = (map).map AND c.relname = 'journeys' AND a.attname = 'customer'
		UNION ALL
		SELECT t.typbasetype FROM base b JOIN pg_type t ON t.oid = b.type WHERE t.typtype = 'd')
	SELECT coalesce((SELECT format('%s(%I.%s)', 'OPERATOR', n.nspname, o.oprname)
		FROM base b
			JOIN pg_type t ON t.oid = b.type AND t.typtype <> 'd'
			JOIN pg_opclass c ON c.opcintype = b.type AND c.opcdefault AND c.opcmethod = (SELECT m.oid FROM pg_am m WHERE m.amname = 'btree')
			JOIN pg_amop a ON a.amopfamily = c.opcfamily AND a.amopstrategy = 3 AND a.amoplefttype = c.opcintype AND a.amoprighttype = c.opcintype
			JOIN pg_operator o ON o.oid = a.amopopr
			JOIN pg_namespace n ON n.oid = o.oprnamespace), 'OPERATOR(pg_catalog.=)'));
COMMENT ON FUNCTION cjm_internal.kept_equals(cjm_internal.map) IS 'SQL: the operator that says whether two keys of a map''s customers are equal';

CREATE FUNCTION cjm_internal.kept_rows_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN cjm_internal.map_events_sql(map,
	format(' TABLESAMPLE cjm_internal.kept_scan(cjm_internal.kept_is(%L::regclass, 2, ''''::text), false)', cjm_internal.kept_state((map).map)));
COMMENT ON FUNCTION cjm_internal.kept_rows_sql(cjm_internal.map) IS 'SQL of the view kept_rows';

CREATE FUNCTION cjm_internal.kept_deciders_step(internal, at timestamptz, "values" text[]) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm_internal.kept_deciders_step(internal, timestamptz, text[]) IS 'transition function of kept_deciders_agg';

CREATE AGGREGATE cjm_internal.kept_deciders_agg(at timestamptz, "values" text[]) (
	SFUNC = cjm_internal.kept_deciders_step,
	STYPE = internal,
	SSPACE = 200,
	FINALFUNC = cjm_internal.journey_agg_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.journey_agg_combine,
	SERIALFUNC = cjm_internal.journey_agg_serialize,
	DESERIALFUNC = cjm_internal.journey_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm_internal.kept_deciders_agg(timestamptz, text[]) IS
	'a journey of all values that rows have: an event is the place of a value, a colon, and the value';

CREATE FUNCTION cjm_internal.kept_values(deciders cjm.journey, journey cjm.journey, by_channel boolean[], last boolean) RETURNS text[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.kept_values(cjm.journey, cjm.journey, boolean[], boolean) IS
	'what map_first_touches or map_last_touches would say of the rows that both journeys were made of, where by_channel says of which dimensions the channels tell; nothing but NULL of none';

CREATE FUNCTION cjm_internal.kept_brief(deciders cjm.journey, journey cjm.journey) RETURNS cjm.journey
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.kept_brief(cjm.journey, cjm.journey) IS
	'what decides the dimensions of a customer, as it is stored: without those of which all touchpoints have the same value; NULL if nothing is left';

CREATE FUNCTION cjm_internal.kept_whole(deciders cjm.journey, journey cjm.journey, "values" text[]) RETURNS cjm.journey
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.kept_whole(cjm.journey, cjm.journey, text[]) IS
	'what kept_brief made its result of, from the journey and the values of the dimensions, NULL of those that the channels tell';

-- Whether a row's value of a dimension is its channel, as both are the same expression.
CREATE FUNCTION cjm_internal.kept_by_channel(map cjm_internal.map) RETURNS boolean[]
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN ARRAY(SELECT d.expression IS NOT DISTINCT FROM (map).channel
	FROM (SELECT 0 AS place, (map).segment AS expression WHERE (map).segment IS NOT NULL
		UNION ALL SELECT e.place, e.expression FROM jsonb_each_text((map).dimensions) WITH ORDINALITY e(name, expression, place)) d ORDER BY d.place);
COMMENT ON FUNCTION cjm_internal.kept_by_channel(cjm_internal.map) IS 'of each dimension of a map, segment first if it has one, whether it is the channel';

-- Of a dimension that is the channel a row need say nothing but that it is empty, which no channel of a journey is.
CREATE FUNCTION cjm_internal.kept_deciders_sql(map cjm_internal.map, row_name text) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT format('cjm_internal.kept_deciders_agg(%s.at, %s)', row_name,
		CASE WHEN NOT bool_or(d.by_channel) AND (map).segment IS NULL THEN row_name || '.dimensions'
			ELSE format('ARRAY[%s]', string_agg(CASE WHEN d.by_channel THEN format('CASE WHEN octet_length(%1$s) = 0 THEN %1$s END', d.value) ELSE d.value END, ', ' ORDER BY d.n)) END)
	FROM (SELECT b.n, b.by_channel, CASE WHEN (map).segment IS NOT NULL AND b.n = 1 THEN row_name || '.segment'
				ELSE format('%s.dimensions[%s]', row_name, b.n - ((map).segment IS NOT NULL)::integer) END AS value
		FROM unnest(cjm_internal.kept_by_channel(map)) WITH ORDINALITY b(by_channel, n)) d);
COMMENT ON FUNCTION cjm_internal.kept_deciders_sql(cjm_internal.map, text) IS 'SQL: what decides the dimensions of a customer, from rows of that name';

CREATE FUNCTION cjm_internal.kept_values_sql(map cjm_internal.map, deciders text, journey text) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('cjm_internal.kept_values(%s, %s, %L::boolean[], %L::boolean)', deciders,
	CASE WHEN true = ANY (cjm_internal.kept_by_channel(map)) THEN journey ELSE 'NULL::cjm.journey' END, cjm_internal.kept_by_channel(map), (map).segment_at = 'last');
COMMENT ON FUNCTION cjm_internal.kept_values_sql(cjm_internal.map, text, text) IS 'SQL: the values of a customer''s dimensions, from what decides them and the journey';

-- Over a row k of the journey and the dimensions as they were, and what came and went, and what is stored of the deciders.
CREATE FUNCTION cjm_internal.kept_deciders_now_sql(map cjm_internal.map, deciders text) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN cjm_internal.map_dimension_names(map) = '{}' THEN 'NULL::cjm.journey' ELSE format('cjm_internal.journey_changed(cjm_internal.kept_whole(%s, k.journey, ARRAY[%s]), k.added_deciders, k.removed_deciders)', deciders,
		(SELECT string_agg(format(CASE WHEN d.by_channel THEN 'CASE WHEN octet_length(k.dimensions ->> %1$L) = 0 THEN k.dimensions ->> %1$L END' ELSE 'k.dimensions ->> %1$L' END, d.name), ', ' ORDER BY d.n)
		FROM unnest(cjm_internal.kept_by_channel(map), cjm_internal.map_dimension_names(map)) WITH ORDINALITY d(by_channel, name, n))) END;
COMMENT ON FUNCTION cjm_internal.kept_deciders_now_sql(cjm_internal.map, text) IS 'SQL: what decides the dimensions of a customer with changes';

-- Whose changes wait, in one pass over them.
CREATE FUNCTION cjm_internal.kept_places_add(state internal, customer "any", store regclass) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE COST 1;
COMMENT ON FUNCTION cjm_internal.kept_places_add(internal, "any", regclass) IS 'transition function of kept_places_agg';

CREATE FUNCTION cjm_internal.kept_places_final(state internal) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm_internal.kept_places_final(internal) IS 'final function of kept_places_agg';

CREATE AGGREGATE cjm_internal.kept_places_agg(customer "any", store regclass) (
	SFUNC = cjm_internal.kept_places_add,
	STYPE = internal,
	SSPACE = 262144,
	FINALFUNC = cjm_internal.kept_places_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm_internal.kept_places_agg("any", regclass) IS
	'by a hash of keys the places where customers are that have changes, for kept_goes; and where they are few beside the pages of the store, their keys';

CREATE FUNCTION cjm_internal.kept_goes_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.kept_goes_support(internal) IS 'planner support of kept_goes: what is the same for all customers is asked once';

-- So cheap that it is asked before anything of the journeys is.
CREATE FUNCTION cjm_internal.kept_goes(places bytea, way integer, customer "any") RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 0.1 SUPPORT cjm_internal.kept_goes_support;
COMMENT ON FUNCTION cjm_internal.kept_goes(bytea, integer, "any") IS
	'whether a customer is of a part of the view journeys of a map: of those of the store without changes (1); of those with changes, if the store is asked for their keys (2); or of those who may have some, if it is read for them, most of them (3) and the rest (4)';

CREATE FUNCTION cjm_internal.kept_stored_step(stored anyelement, more anyelement) RETURNS anyelement
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION cjm_internal.kept_stored_step(anyelement, anyelement) IS 'transition function of kept_stored_agg';

-- Without a function that combines: a part of the view that has workers of its own leaves all others without.
CREATE AGGREGATE cjm_internal.kept_stored_agg(stored anyelement) (
	SFUNC = cjm_internal.kept_stored_step,
	STYPE = anyelement,
	SSPACE = 512,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm_internal.kept_stored_agg(anyelement) IS 'what the store has of a customer, among rows of changes, which have NULL there';

-- Changes by customer: what came and what went, as journeys, and more.
CREATE FUNCTION cjm_internal.kept_grouped_sql(map cjm_internal.map, relation text, more text DEFAULT '') RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('SELECT g.customer, cjm.journey_agg(%1$s) FILTER (WHERE NOT g.removed) AS added, cjm.journey_agg(%1$s) FILTER (WHERE g.removed) AS removed, %2$s%4$s FROM %3$s GROUP BY g.customer',
	cjm_internal.map_touch_sql(map, 'g'),
	CASE WHEN cjm_internal.map_dimension_names(map) = '{}' THEN 'NULL::cjm.journey AS added_deciders, NULL::cjm.journey AS removed_deciders'
		ELSE format('%1$s FILTER (WHERE NOT g.removed) AS added_deciders, %1$s FILTER (WHERE g.removed) AS removed_deciders', cjm_internal.kept_deciders_sql(map, 'g')) END,
	relation, more);
COMMENT ON FUNCTION cjm_internal.kept_grouped_sql(cjm_internal.map, text, text) IS 'SQL: the changes of each customer, from a relation g of them, and more that is worked out of it';

-- Which arms give rows is known when the query runs: the store; or the store without those who have changes, and they with what the store
-- has of them; or the rows.  Each arm is asked by itself, so that the planner sees no more than some scans, and workers take part in them.
-- It is asked above them, from where the planner brings it into each, since an arm with a condition of its own is one more step for each row.
-- There are two ways to what the store has of those with changes, of which one is gone (kept/places.c): it is looked up for each, where the
-- planner is told that they are few; or all is read for those who may have some, and grouped with the changes, in two parts that two processes
-- can be at.
CREATE FUNCTION cjm_internal.kept_journeys_sql(map cjm_internal.map) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(map);
	state text := quote_literal(cjm_internal.kept_state((map).map)::text) || '::regclass';
	waiting text := schema || '.kept_changes g';
	now_journey text := 'cjm_internal.journey_changed(k.journey, k.added, k.removed)';
	-- Looked up, and not joined, which would be done where nobody asks for it, too.
	now_values text := cjm_internal.kept_values_sql(map, cjm_internal.kept_deciders_now_sql(map,
		format('(SELECT d.deciders FROM %s.kept_deciders d WHERE d.customer %s k.customer)', schema, cjm_internal.kept_equals(map))), now_journey);
	-- Around the SQL of those rows: names that are in it may have a percent sign.
	changed text := format('k.customer, %s AS segment, %s AS journey, %s AS dimensions FROM (',
		CASE WHEN (map).segment IS NULL THEN 'NULL::text' ELSE format('(%s)[1]', now_values) END, now_journey,
		cjm_internal.map_object_sql(cjm_internal.map_dimension_names(map), now_values));
	left_over text := format(') k WHERE k.removed IS NULL OR %s IS NOT NULL', now_journey);
BEGIN
	RETURN format('SELECT j.customer, j.segment, j.journey, j.dimensions
		FROM (SELECT 0 AS arm, 0 AS way, k.customer, k.segment, k.journey, k.dimensions
			FROM %1$s.kept_journeys k
			UNION ALL
			SELECT 1, 1, k.customer, k.segment, k.journey, k.dimensions
			FROM %1$s.kept_journeys k
			UNION ALL
			SELECT 1, 2, %3$s
			UNION ALL
			SELECT 1, 3, %4$s
			UNION ALL
			SELECT 1, 4, %4$s
			UNION ALL
			SELECT 2, 0, r.customer, r.segment, r.journey, r.dimensions FROM (%5$s) r) j
		WHERE cjm_internal.kept_is(%2$s, j.arm, ''''::text)
			AND cjm_internal.kept_goes((SELECT cjm_internal.kept_places_agg(g.customer, %6$L::regclass) FROM %7$s), j.way, j.customer)', schema, state,
		changed || format('SELECT c.*, k.journey, k.dimensions FROM (%s) c LEFT JOIN %s.kept_journeys k ON k.customer %s c.customer',
			cjm_internal.kept_grouped_sql(map, waiting), schema, cjm_internal.kept_equals(map)) || left_over,
		changed || cjm_internal.kept_grouped_sql(map,
			format('(SELECT g.customer, g.at, g.event, g.channel, g.value, g.segment, g.dimensions, g.session, g.removed, NULL::cjm.journey AS journey, NULL::jsonb AS known
				FROM %s
				UNION ALL
				SELECT k.customer, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, k.journey, k.dimensions FROM %s.kept_journeys k) g', waiting, schema),
			', cjm_internal.kept_stored_agg(g.journey) AS journey, cjm_internal.kept_stored_agg(g.known) AS dimensions') || left_over,
		cjm_internal.map_journeys_from_sql(map, 'kept_rows'), schema || '.kept_journeys', waiting);
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_journeys_sql(cjm_internal.map) IS 'SQL of the view journeys of a map that keeps them';

-- Why the views read the rows.  The arguments are what the view "kept" reads, so that it takes no right but to read that.
CREATE FUNCTION cjm_internal.kept_reason(built_at timestamptz, was text[], is_now text[], mark text, building text) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	line text[];
	object text;
BEGIN
	IF was IS DISTINCT FROM is_now AND coalesce(built_at::text, building) IS NOT NULL THEN
		SELECT string_to_array(l, ' ') INTO line FROM (
			(SELECT unnest(is_now) EXCEPT SELECT unnest(was)) UNION ALL (SELECT unnest(was) EXCEPT SELECT unnest(is_now))) d(l)
		ORDER BY array_position('{version,store,view,part,above,table,trigger,function,labels}'::text[], split_part(l, ' ', 1)), l LIMIT 1;
		object := CASE line[1] WHEN 'function' THEN line[2]::oid::regprocedure::text WHEN 'labels' THEN line[2]::oid::regtype::text
			WHEN 'version' THEN '' ELSE line[2]::oid::regclass::text END;
		RETURN CASE coalesce(line[1], 'view')
			WHEN 'version' THEN 'they were built by another version of cjm'
			WHEN 'store' THEN format('the table %s of the store was altered', object)
			WHEN 'view' THEN 'the map was made anew since they were built'
			WHEN 'part' THEN format('the partition %s was attached or detached', object)
			WHEN 'above' THEN format('%s became a part of another table, or is none any more', object)
			WHEN 'table' THEN format('the table %s was emptied, written anew or altered', object)
			WHEN 'trigger' THEN format('a trigger of kept journeys on %s was switched, dropped or altered', object)
			WHEN 'function' THEN format('the function %s was replaced', object)
			WHEN 'labels' THEN format('the labels of %s were altered', object)
		END;
	END IF;
	RETURN coalesce(mark, CASE WHEN built_at IS NULL THEN coalesce(building, 'they are not built yet') END);
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_reason(timestamptz, text[], text[], text, text) IS 'why kept journeys cannot be read, from what they stood on and what is now; NULL if they can';

CREATE FUNCTION cjm_internal.kept_view_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('SELECT CASE WHEN cjm_internal.kept_is(%2$L::regclass, 0, ''''::text) THEN ''folded'' WHEN cjm_internal.kept_is(%2$L::regclass, 1, ''''::text) THEN ''changed'' ELSE ''rows'' END AS state,
		CASE WHEN cjm_internal.kept_is(%2$L::regclass, 2, ''''::text) THEN cjm_internal.kept_reason(s.built_at, s.parts, cjm_internal.kept_parts(%2$L::regclass),
			(SELECT m.reason FROM %1$s.kept_marks m ORDER BY m.at LIMIT 1),
			(SELECT format(''they are being built: %%s of %%s pieces are'', count(p.built_at), count(*)) FROM %1$s.kept_pieces p HAVING count(*) > 1)) END AS reason,
		j.customers, j.touchpoints, c.changes, c.oldest_change,
		pg_total_relation_size(%3$L::regclass) + pg_total_relation_size(%4$L::regclass) + pg_total_relation_size(%5$L::regclass) AS bytes,
		s.built_at, s.refreshed_at, s.took, s.folded
	FROM %1$s.kept_state s CROSS JOIN (SELECT count(*) AS customers, coalesce(sum(cjm.touch_count(k.journey)), 0)::bigint AS touchpoints FROM %1$s.kept_journeys k) j
		CROSS JOIN (SELECT count(*) AS changes, min(g.written_at) AS oldest_change FROM %1$s.kept_changes g) c',
	cjm_internal.map_schema(map), cjm_internal.kept_state((map).map), cjm_internal.map_schema(map) || '.kept_journeys', cjm_internal.map_schema(map) || '.kept_deciders', cjm_internal.map_schema(map) || '.kept_changes');
COMMENT ON FUNCTION cjm_internal.kept_view_sql(cjm_internal.map) IS 'SQL of the view kept';
