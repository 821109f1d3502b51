--
-- Whom a refresh asks: over kept journeys, those alone who may have come or gone since the refresh before.
--
-- In each snapshot a journey is what the store has and the changes beside it, so what an
-- audience says of a customer changes for three reasons: changes wait, which are asked
-- for; they have been folded since, of which kept_fold writes down whose they were
-- (audience_touched); or time went by.  Time changes who is quiet, who came too long ago,
-- and who may yet go on, and all of that goes by when they were seen last, for which the
-- store has an index, or by the time that members have come at.
--
-- That holds as long as views, map, store and condition are what they were.  What cannot
-- be told for sure is no reason to guess: then all are asked.
--
-- Conditions over what changes with the clock or with other customers, now() for instance, are
-- asked of all each time, but of nobody else than that: since when, how far and which
-- dimensions go by journeys alone.  So it is keys alone that are compared with those of the
-- members, by sums of hashes in many places (differing_agg), which tell who differs, and
-- rows of those.
--

CREATE FUNCTION cjm_internal.view_is(map_view regclass, query text) RETURNS boolean
	AS 'MODULE_PATHNAME', 'view_is'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION cjm_internal.view_is(regclass, text) IS 'whether a view selects what a query does, which is read and not run';

CREATE FUNCTION cjm_internal.condition_is_steady(query text, columns text[]) RETURNS boolean
	AS 'MODULE_PATHNAME', 'condition_is_steady'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION cjm_internal.condition_is_steady(text, text[]) IS 'whether the condition of a query over one view is the same at all times for a row of it, asks for these columns alone, and calls nothing that somebody could replace';

CREATE FUNCTION cjm_internal.differing_add(state bytea, customer "any", written boolean, seed bigint) RETURNS bytea
	AS 'MODULE_PATHNAME', 'differing_add'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.differing_add(bytea, "any", boolean, bigint) IS 'transition function of differing_agg';

CREATE FUNCTION cjm_internal.differing_combine(state bytea, other bytea) RETURNS bytea
	AS 'MODULE_PATHNAME', 'differing_combine'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION cjm_internal.differing_combine(bytea, bytea) IS 'combine function of differing_agg';

CREATE FUNCTION cjm_internal.differing_final(state bytea) RETURNS bytea
	AS 'MODULE_PATHNAME', 'differing_final'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION cjm_internal.differing_final(bytea) IS 'final function of differing_agg';

CREATE AGGREGATE cjm_internal.differing_agg(customer "any", written boolean, seed bigint) (
	SFUNC = cjm_internal.differing_add,
	STYPE = bytea,
	SSPACE = 524304,
	COMBINEFUNC = cjm_internal.differing_combine,
	FINALFUNC = cjm_internal.differing_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm_internal.differing_agg("any", boolean, bigint) IS
	'customers who are either written down or not: their keys, for differing_keys, where these are numbers, uuids or short texts, and of others the places, by a hash of keys with a seed, for may_differ; NULL if there are none. Each customer is once among each';

CREATE FUNCTION cjm_internal.differing_add(state bytea, customer "any", written boolean, seed bigint, "row" bigint) RETURNS bytea
	AS 'MODULE_PATHNAME', 'differing_add'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.differing_add(bytea, "any", boolean, bigint, bigint) IS 'transition function of differing_agg';

CREATE AGGREGATE cjm_internal.differing_agg(customer "any", written boolean, seed bigint, "row" bigint) (
	SFUNC = cjm_internal.differing_add,
	STYPE = bytea,
	SSPACE = 786448,
	COMBINEFUNC = cjm_internal.differing_combine,
	FINALFUNC = cjm_internal.differing_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm_internal.differing_agg("any", boolean, bigint, bigint) IS
	'the same of customers and of all else that is known of them, of which a hash is given: who is written down with another has a key that is read twice, and nobody whose is not read is found by may_differ';

CREATE FUNCTION cjm_internal.differing_keys(places bytea, example anyarray) RETURNS anyarray
	AS 'MODULE_PATHNAME', 'differing_keys'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.differing_keys(bytea, anyarray) IS 'the customers whose keys differing_agg has read; the example decides the type';

CREATE FUNCTION cjm_internal.differing_left(places bytea) RETURNS boolean
	AS 'MODULE_PATHNAME', 'differing_left'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm_internal.differing_left(bytea) IS 'whether differing_agg has found customers whose keys it has not read, for whom may_differ asks';

-- So cheap that it is asked before anything of the journeys is.
CREATE FUNCTION cjm_internal.may_differ(places bytea, customer "any") RETURNS boolean
	AS 'MODULE_PATHNAME', 'may_differ'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 0.1;
COMMENT ON FUNCTION cjm_internal.may_differ(bytea, "any") IS 'whether a customer may be one of those that differing_agg has found and not read: most that it is true of are';

-- The type of the keys of a map's customers, or of arrays of them.
CREATE FUNCTION cjm_internal.audience_key(def cjm_internal.map, suffix text) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT format_type(a.atttypid, a.atttypmod) || suffix || coalesce((SELECT format(' COLLATE %I.%I', n.nspname, l.collname) FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace
		WHERE l.oid = a.attcollation AND l.collname <> 'default'), '')
	FROM pg_attribute a WHERE a.attrelid = format('%s.journeys', cjm_internal.map_schema(def))::regclass AND a.attname = 'customer');
COMMENT ON FUNCTION cjm_internal.audience_key(cjm_internal.map, text) IS 'SQL: the type of the keys of a map''s customers, with a suffix such as [] and its collation';

-- The table that folds write to; not one that somebody else has put there, nor that of other keys that the map had before.
CREATE FUNCTION cjm_internal.audience_touched(def cjm_internal.map) RETURNS regclass
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspowner = c.relowner
	WHERE c.relnamespace = (def).map AND c.relname = 'audience_touched' AND c.relkind = 'r' AND obj_description(c.oid, 'pg_class') =
		(SELECT s.comment FROM cjm_internal.audience_comments() s WHERE s.relation_name = 'audience_touched' AND s.column_name IS NULL)
	AND (SELECT a.atttypid FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'customers') =
		(SELECT t.typarray FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = format('%s.journeys', cjm_internal.map_schema(def))::regclass AND a.attname = 'customer'));
COMMENT ON FUNCTION cjm_internal.audience_touched(cjm_internal.map) IS 'the table of those whose journeys were folded since audiences were refreshed; NULL if there is none';

-- What kept_fold adds to its statement, which has gone, the changes, and new, the customers.  Nothing that is missing here is missed: a
-- refresh adds up the changes.  So nothing is written where it would be a burden, because it is too much, or because nobody refreshes.
CREATE FUNCTION cjm_internal.audience_touched_sql(def cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN coalesce((SELECT format(',
		touched AS (INSERT INTO %1$s (folded, changes, customers)
			SELECT s.folded + g.changes, g.changes, ARRAY(SELECT n.customer FROM new n)
			FROM %2$s.kept_state s CROSS JOIN (SELECT count(*) AS changes FROM gone) g
			WHERE g.changes BETWEEN 1 AND 100000 AND (SELECT coalesce(sum(t.changes), 0) FROM %1$s t) < 1000000)', t.relation, cjm_internal.map_schema(def))
	FROM (SELECT cjm_internal.audience_touched(def) AS relation) t WHERE t.relation IS NOT NULL), '');
COMMENT ON FUNCTION cjm_internal.audience_touched_sql(cjm_internal.map) IS 'SQL: what lets a fold write down for the audiences of a map whose journeys it changes; empty if none asks';

-- What a refresh of an audience needs, made where it is not there: false if it cannot be had without waiting for a fold.  Some are asked by the last three.
CREATE FUNCTION cjm_internal.audience_index_make(def cjm_internal.map, asks boolean, by_seen boolean, by_since boolean) RETURNS boolean
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
	SET lock_timeout = '300ms'
AS $$
DECLARE
	schema text := cjm_internal.map_schema(def);
	made record;
BEGIN
	FOR made IN SELECT i.name, i.what FROM (VALUES (true, 'audience_members_audience_idx', 'audience_members (audience) WHERE left_at IS NULL'),
			(asks, 'audience_members_customer', 'audience_members (customer) WHERE left_at IS NULL'),
			(by_since, 'audience_members_since', 'audience_members (audience, since) WHERE left_at IS NULL'),
			(by_seen, 'audience_seen', 'kept_journeys ((cjm_internal.last_at(journey)))')) i(needed, name, what)
		WHERE i.needed AND to_regclass(format('%s.%I', schema, i.name)) IS NULL
	LOOP
		EXECUTE format('CREATE INDEX %I ON %s.%s', made.name, schema, made.what);
	END LOOP;
	RETURN true;
EXCEPTION WHEN lock_not_available OR deadlock_detected OR object_in_use OR program_limit_exceeded THEN
	RETURN false;
END
$$;
COMMENT ON FUNCTION cjm_internal.audience_index_make(cjm_internal.map, boolean, boolean, boolean) IS
	'makes the index on the members of audiences, and if asked for those that a refresh needs to ask some, by when customers were seen and members came; false if that is not possible now';

-- Made when all audiences are refreshed: what is put into an index row by row costs twice as much as the rows.
CREATE FUNCTION cjm_internal.audience_indexes(def cjm_internal.map) RETURNS text[]
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	audience record;
	without text[] := '{}';
BEGIN
	PERFORM cjm_internal.audience_index_make(def, false, false, false);
	FOR audience IN EXECUTE format('SELECT a.name, a.asked_under NOT LIKE ''%%, by the clock'' AS by_time, a.quiet_for IS NOT NULL OR NOT a.include_open OR a.since IS NOT NULL AND a.at_stage IS NULL AS by_seen,
			a.since IS NOT NULL AND a.at_stage IS NOT NULL AS by_since
		FROM %s.audiences a WHERE a.asked_under IS NOT NULL AND a.asked IS NULL ORDER BY a.name COLLATE "C"', cjm_internal.map_schema(def))
	LOOP
		IF NOT cjm_internal.audience_index_make(def, true, audience.by_time AND audience.by_seen, audience.by_time AND audience.by_since) THEN
			without := without || audience.name::text;
		END IF;
	END LOOP;
	RETURN without;
END
$$;
COMMENT ON FUNCTION cjm_internal.audience_indexes(cjm_internal.map) IS 'makes the indexes that the audiences of a map need which were asked of all; says of which some cannot be asked, since there was no making one';

CREATE FUNCTION cjm_internal.audience_index_drop_sql(def cjm_internal.map, index text, relation text) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT format('DROP INDEX %s', c.oid::regclass) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace AND n.nspowner = t.relowner
	WHERE c.relname = audience_index_drop_sql.index AND c.relnamespace = (def).map AND t.relname = audience_index_drop_sql.relation);
COMMENT ON FUNCTION cjm_internal.audience_index_drop_sql(cjm_internal.map, text, text) IS 'SQL: drops an index of a relation of a map, where there is one';

-- It takes no longer keys than the store does, and those that come later may be.
CREATE FUNCTION cjm_internal.audience_unkeep_sql(def cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN cjm_internal.audience_index_drop_sql(def, 'audience_members_customer', 'audience_members');
COMMENT ON FUNCTION cjm_internal.audience_unkeep_sql(cjm_internal.map) IS 'SQL: drops the index on the keys of the members of audiences, where there is one, of a map whose journeys are kept no more';

-- Each fold pays for it, so it goes with the last audience that asks by it; not for the price of waiting for whoever reads the store.
CREATE FUNCTION cjm_internal.audience_unseen(def cjm_internal.map) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
	SET lock_timeout = '300ms'
AS $$
DECLARE
	command text := cjm_internal.audience_index_drop_sql(def, 'audience_seen', 'kept_journeys');
	asks boolean;
BEGIN
	EXECUTE format('SELECT EXISTS (SELECT FROM %s.audiences a WHERE a.quiet_for IS NOT NULL OR NOT a.include_open OR (a.since IS NOT NULL AND a.at_stage IS NULL))', cjm_internal.map_schema(def)) INTO asks;
	IF NOT asks AND command IS NOT NULL THEN
		EXECUTE command;
	END IF;
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
	NULL;
END
$$;
COMMENT ON FUNCTION cjm_internal.audience_unseen(cjm_internal.map) IS 'drops the index on when customers were seen if no audience of a map asks by it, where nobody reads';

-- All that what was asked stands on, but the journeys: if it is another, all are asked.  Servers that start anew may know other time zones.
CREATE FUNCTION cjm_internal.audience_under(def cjm_internal.map, name text) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	SET TimeZone = 'UTC' SET DateStyle = 'ISO, MDY' SET IntervalStyle = 'postgres' SET extra_float_digits = 1
AS $$
DECLARE
	schema text := cjm_internal.map_schema(def);
	under text;
BEGIN
	EXECUTE format('SELECT md5(ROW(pg_postmaster_start_time(), s.built_at, s.fingerprint, a.at_stage, a.condition, a.not_after, a.after_stage, a.quiet_for, a.since, a.where_is, a.include_open, a.holdout, a.salt,
			(SELECT array_agg(ROW(r.ev_class, r.oid, r.xmin)::text ORDER BY r.oid) FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
				WHERE c.relnamespace = $2 AND c.relname = ANY (ARRAY[''map'', ''events'', ''journeys'', ''customers'', ''customer_journeys'', ''meets_'' || a.name]::name[])),
			(SELECT array_agg(ROW(c.oid, c.relfilenode)::text ORDER BY c.oid) FROM pg_class c
				WHERE c.relnamespace = $2 AND c.relname = ANY (''{kept_journeys,kept_deciders,kept_changes,kept_state,audience_touched,audience_members}''::name[])))::text)
		FROM %1$s.audiences a CROSS JOIN %1$s.kept_state s WHERE a.name = $1', schema) INTO under USING name, def.map::oid;
	RETURN under;
END
$$;
COMMENT ON FUNCTION cjm_internal.audience_under(cjm_internal.map, text) IS 'a hash of what the answers of an audience stand on beside the journeys, of a map that keeps them';

-- What a view or a table says that somebody has put in the place of ours, or altered, nobody knows here.
CREATE FUNCTION cjm_internal.audience_goes_by(def cjm_internal.map, audience jsonb) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	SET TimeZone = 'UTC' SET DateStyle = 'ISO, MDY' SET IntervalStyle = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex'
	SET lc_monetary = 'C' SET quote_all_identifiers = off SET xmloption = content SET array_nulls = on SET transform_null_equals = off
	SET standard_conforming_strings = on
AS $$
DECLARE
	schema text := cjm_internal.map_schema(def);
	at_once boolean := cjm_internal.steering_has(def, 'customer_journeys');
	a record;
	steady boolean;
BEGIN
	SELECT r.* INTO a FROM jsonb_to_record(audience) r(name text, at_stage text, condition text, not_after text, after_stage boolean, quiet_for interval, since interval, where_is jsonb, include_open boolean, holdout float8, salt bigint);
	IF NOT cjm_internal.view_is(format('%s.journeys', schema)::regclass, cjm_internal.map_journeys_sql(cjm_internal.kept_definition(def))) OR a.condition IS NOT NULL AND NOT (
			cjm_internal.view_is(format('%s.customers', schema)::regclass, cjm_internal.map_customers_sql(def))
			AND (NOT at_once OR cjm_internal.view_is(format('%s.customer_journeys', schema)::regclass, cjm_internal.audience_customers_sql(def)))) THEN
		RETURN NULL;
	END IF;
	steady := (a.include_open OR cjm.funnel_within(def.stages) IS NOT NULL) AND (a.condition IS NULL OR cjm_internal.condition_is_steady(format('SELECT FROM %s.customers WHERE %s', schema, a.condition),
			'{customer,segment,step,stage,entered_at,reached_at,step_times,converted,sessions,conversions,touches,value,gross_value,first_seen,last_seen,last_event,last_purchase_at,frequency,monetary,gross_monetary,current_step,current_stage,current_at,dimensions}'));
	def.where_is := nullif(a.where_is, 'null');
	RETURN CASE WHEN cjm_internal.view_is(format('%s.%I', schema, 'meets_' || a.name)::regclass, cjm_internal.audience_sql(def, a.at_stage, a.condition, a.not_after, coalesce(a.after_stage, false), a.quiet_for, a.since, a.include_open,
		cjm_internal.audience_held_out_sql(def, a.holdout, a.salt), at_once)) THEN CASE WHEN steady THEN 'seen' ELSE 'clock' END END;
EXCEPTION WHEN OTHERS THEN
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cjm_internal.audience_goes_by(cjm_internal.map, jsonb) IS
	'what beside journeys changes who is in an audience, a row of audiences: "seen" if it is time, by when they were seen and came alone, "clock" if it may be anything; NULL if nobody knows what its views say';

-- Called in the statement that writes what is found, and so in its snapshot.  So many that reading all would take no longer are all.
CREATE FUNCTION cjm_internal.audience_asked(map oid, name text, example anyarray) RETURNS anyarray
	LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_in(map);
	schema text := cjm_internal.map_schema(def);
	view text := format('%s.%I', schema, 'meets_' || name);
	seen CONSTANT text := ' UNION ALL SELECT k.customer FROM %1$s.kept_journeys k WHERE cjm_internal.last_at(k.journey) ';
	asked text := 'SELECT unnest(t.customers) AS customer FROM %1$s.audience_touched t WHERE t.folded > $3 UNION ALL SELECT g.customer FROM %1$s.kept_changes g';
	a record;
	by_clock boolean;
	quiet tstzrange;
	came tstzrange;
	complete boolean;
	places bytea;
	found example%TYPE := '{}';
	customers example%TYPE;
BEGIN
	EXECUTE format('SELECT a.* FROM %s.audiences a WHERE a.name = $1', schema) INTO a USING name;
	by_clock := a.asked_under LIKE '%, by the clock';
	IF split_part(a.asked_under, ',', 1) IS DISTINCT FROM cjm_internal.audience_under(def, name) OR to_regclass(format('%s.audience_members_customer', schema)) IS NULL OR now() < a.asked_at OR cjm_internal.kept_is(cjm_internal.kept_state(def.map), 2, '') THEN
		RETURN NULL;
	END IF;
	EXECUTE format('SELECT s.folded - $1 = (SELECT coalesce(sum(t.changes), 0) FROM %1$s.audience_touched t WHERE t.folded > $1) FROM %1$s.kept_state s', schema) INTO complete USING a.asked_folded;
	IF NOT complete THEN
		RETURN NULL;
	END IF;
	-- Days and months are the calendar's, by which an hour later may be further back.
	came := cjm_internal.audience_between(a.asked_at, now(), a.since, def.time_zone);
	quiet := cjm_internal.audience_between(a.asked_at, now(), a.quiet_for, def.time_zone);
	IF by_clock THEN
		EXECUTE format('SELECT cjm_internal.differing_agg(u.customer, u.written, %3$s) FROM (SELECT v.customer, false AS written FROM %2$s v UNION ALL SELECT m.customer, true FROM %1$s.audience_members m WHERE m.audience = $1 AND m.left_at IS NULL) u',
			schema, view, hashtextextended(gen_random_uuid()::text, 0)) INTO places USING name;
		IF places IS NOT NULL THEN
			found := cjm_internal.differing_keys(places, example);
			asked := asked || ' UNION ALL SELECT unnest($8)';
		END IF;
		IF cjm_internal.differing_left(places) THEN
			asked := asked || ' UNION ALL SELECT d.customer FROM (SELECT v.customer FROM %2$s v WHERE cjm_internal.may_differ($7, v.customer)
				UNION ALL SELECT m.customer FROM %1$s.audience_members m WHERE m.audience = $1 AND m.left_at IS NULL AND cjm_internal.may_differ($7, m.customer)) d GROUP BY d.customer HAVING count(*) = 1';
		END IF;
	ELSIF isempty(came) OR isempty(quiet) THEN
		RETURN NULL;
	ELSE
		IF quiet IS NOT NULL THEN
			asked := asked || seen || 'BETWEEN lower($4) AND upper($4)';
		END IF;
		IF came IS NOT NULL AND a.at_stage IS NULL THEN
			asked := asked || seen || 'BETWEEN lower($5) AND upper($5)';
		ELSIF came IS NOT NULL THEN
			asked := asked || ' UNION ALL SELECT m.customer FROM %1$s.audience_members m WHERE m.audience = $1 AND m.left_at IS NULL AND m.since BETWEEN lower($5) AND upper($5)';
		END IF;
		IF NOT a.include_open THEN
			asked := asked || seen || '>= $6';
		END IF;
	END IF;
	EXECUTE format('SELECT array_agg(u.customer) FROM (SELECT DISTINCT w.customer FROM (' || asked || ') w LIMIT (SELECT 1000 + c.reltuples / 16 FROM pg_class c WHERE c.oid = $2)) u', schema, view)
		INTO customers USING name, format('%s.kept_journeys', schema)::regclass, a.asked_folded, quiet, came, a.asked_at - make_interval(secs => 1 + extract(epoch FROM cjm.funnel_within(def.stages))::float8), places, found;
	RETURN CASE WHEN cardinality(customers) < 1000 + (SELECT c.reltuples / 16 FROM pg_class c WHERE c.oid = format('%s.kept_journeys', schema)::regclass) THEN customers WHEN customers IS NULL THEN '{}' END;
END
$$;
COMMENT ON FUNCTION cjm_internal.audience_asked(oid, text, anyarray) IS 'the customers who may have come into an audience or left it since it was refreshed; NULL if all have to be asked. The example is an array that decides the type';

CREATE FUNCTION cjm_internal.audience_between(before timestamptz, after timestamptz, span interval, time_zone text) RETURNS tstzrange
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT CASE WHEN s.first <= s.last THEN tstzrange(s.first, s.last, '[]') ELSE 'empty' END
	FROM (SELECT cjm_internal.map_shift(before, -span, time_zone) AS first, cjm_internal.map_shift(after, -span, time_zone) AS last) s);
COMMENT ON FUNCTION cjm_internal.audience_between(timestamptz, timestamptz, interval, text) IS 'from what was so long ago before to what was so long ago after; empty if that goes backwards';

-- How the customers differ from the members that are written down: all of them, or those of an array $2.
-- The offset lets the view be planned by itself: beside a FULL JOIN the planner leaves in it what nobody asks for.
CREATE FUNCTION cjm_internal.audience_differ_sql(def cjm_internal.map, view text, asked boolean) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('SELECT w.place, n.customer IS NOT NULL AS is_member, n.customer, n.since, n.stage, n.dimensions, n.held_out
		FROM (SELECT v.customer, v.since, v.stage, v.dimensions, v.held_out FROM %2$s v%4$s OFFSET ''0'') n
			FULL JOIN (SELECT m.ctid AS place, m.customer, m.since, m.stage, m.dimensions FROM %1$s.audience_members m WHERE m.audience = $1 AND m.left_at IS NULL%5$s) w ON n.customer %3$s w.customer
		WHERE w.place IS NULL OR n.customer IS NULL OR n.since IS DISTINCT FROM w.since OR n.stage IS DISTINCT FROM w.stage OR NOT coalesce(cjm_internal.map_dimensions_same(n.dimensions, w.dimensions), n.dimensions IS NOT DISTINCT FROM w.dimensions)',
	cjm_internal.map_schema(def), view, cjm_internal.kept_equals(def), CASE WHEN asked THEN format(' WHERE v.customer %s ANY ($2)', cjm_internal.kept_equals(def)) END,
	CASE WHEN asked THEN format(' AND m.customer %s ANY ($2)', cjm_internal.kept_equals(def)) END);
COMMENT ON FUNCTION cjm_internal.audience_differ_sql(cjm_internal.map, text, boolean) IS 'SQL: who meets the condition of an audience $1 and is no member, or a member with other columns, or is a member and does not; of all customers, or of some, $2';

-- The planner knows how many are asked, since it plans for them.
CREATE FUNCTION cjm_internal.audience_differ(map oid, name text, asked anyarray)
	RETURNS TABLE (place tid, is_member boolean, customer anyelement, since timestamptz, stage text, dimensions jsonb, held_out boolean)
	LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF cardinality(asked) = 0 THEN
		RETURN;
	END IF;
	RETURN QUERY EXECUTE cjm_internal.audience_differ_sql(cjm_internal.map_in(map), format('%s.%I', cjm_internal.map_schema(cjm_internal.map_in(map)), 'meets_' || name), true) USING name, asked;
END
$$;
COMMENT ON FUNCTION cjm_internal.audience_differ(oid, text, anyarray) IS 'how some customers differ from the members of an audience that are written down';

-- All are asked, but those alone are set beside each other of whom a sum tells that they differ: a FULL JOIN takes twice as long as both that it joins.
-- A sum of so many that not all are read tells nothing, nor does one of keys that never are; who is a member knows which these are.
CREATE FUNCTION cjm_internal.audience_rows_asked(map oid, name text, example anyarray) RETURNS anyarray
	LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(cjm_internal.map_in(map));
	members text := format('%s.audience_members m WHERE m.audience = $1 AND m.left_at IS NULL', schema);
	seed bigint := hashtextextended(gen_random_uuid()::text, 0);
	unread boolean;
	places bytea;
BEGIN
	EXECUTE format('SELECT cjm_internal.differing_left(cjm_internal.differing_agg(m.customer, true, $2)) FROM (SELECT m.customer FROM %s LIMIT 1) m', members) INTO unread USING name, seed;
	IF unread THEN
		RETURN NULL;
	END IF;
	EXECUTE format('SELECT cjm_internal.differing_agg(u.customer, u.written, %3$s, u.hash)
		FROM (SELECT v.customer, false AS written, hash_record_extended(ROW(v.since, v.stage, v.dimensions), %3$s) AS hash FROM %1$s v
			UNION ALL SELECT m.customer, true, hash_record_extended(ROW(m.since, m.stage, m.dimensions), %3$s) FROM %2$s) u', format('%s.%I', schema, 'meets_' || name), members, seed) INTO places USING name;
	RETURN CASE WHEN places IS NULL THEN '{}' WHEN NOT cjm_internal.differing_left(places) THEN cjm_internal.differing_keys(places, example) END;
END
$$;
COMMENT ON FUNCTION cjm_internal.audience_rows_asked(oid, text, anyarray) IS 'the customers who are members of an audience and do not meet its condition, or the other way round, or with other columns; NULL if these are many, or nobody knows. The example is an array that decides the type';
