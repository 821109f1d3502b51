--
-- keep_journeys, refresh_journeys, unkeep_journeys, kept, check_journeys
--

-- The definition of a map with the expressions as its views have them now: those follow a column that is renamed.
CREATE FUNCTION cjm_internal.kept_definition(def cjm_internal.map) RETURNS cjm_internal.map
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	reads text[] := cjm_internal.map_expressions(format('%s.events', cjm_internal.map_schema(def))::regclass);
BEGIN
	def.customer := reads[1];
	def.at := reads[2];
	def.event := reads[3];
	def.channel := CASE WHEN def.channel IS NOT NULL THEN reads[4] END;
	def.value := CASE WHEN def.value IS NOT NULL THEN reads[5] END;
	def.segment := CASE WHEN def.segment IS NOT NULL THEN reads[6] END;
	def.filter := reads[7];
	def.sequence := reads[8];
	def.session := CASE WHEN def.session IS NOT NULL THEN reads[9] END;
	def.dimensions := (SELECT jsonb_object_agg(k.name, reads[9 + k.place]) FROM jsonb_object_keys(def.dimensions) WITH ORDINALITY k(name, place));
	RETURN def;
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_definition(cjm_internal.map) IS 'a definition with the expressions that the view events of the map has now';

-- The map of a name, for whoever may change it.
CREATE FUNCTION cjm_internal.kept_map(map text, keeps boolean) RETURNS cjm_internal.map
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map);
	holder regrole := (SELECT n.nspowner FROM pg_namespace n WHERE n.oid = def.map);
BEGIN
	IF NOT pg_has_role(holder, 'USAGE') THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('the map "%s" belongs to %s', map, holder),
			HINT = 'Its owner keeps journeys and refreshes them.';
	ELSIF keeps AND cjm_internal.kept_state(def.map) IS NULL THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('the map "%s" keeps no journeys', map),
			HINT = format('SELECT cjm.keep_journeys(%L) makes it.', map);
	ELSIF keeps AND current_setting('transaction_isolation') <> 'read committed' THEN
		RAISE active_sql_transaction USING
			MESSAGE = format('kept journeys cannot be built or refreshed at the isolation level %s', current_setting('transaction_isolation')),
			HINT = 'Each step has to see what the one before has waited for: use READ COMMITTED.';
	END IF;
	RETURN cjm_internal.kept_definition(def);
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_map(text, boolean) IS 'the definition of a map of one''s own that keeps journeys, or is to keep them; an error if there is none';

-- The source and all that is under it.
CREATE FUNCTION cjm_internal.kept_tables(source regclass) RETURNS TABLE (relation regclass)
	LANGUAGE sql STABLE STRICT PARALLEL SAFE ROWS 10
	SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT source UNION SELECT t.relid FROM pg_partition_tree(source) t;
END;
COMMENT ON FUNCTION cjm_internal.kept_tables(regclass) IS 'the source of a map and its partitions';

-- A partition that never had a row: nobody has vacuumed it, which could have made its file short, or emptied it.
CREATE FUNCTION cjm_internal.kept_is_untouched(relation regclass) RETURNS boolean
	LANGUAGE sql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT c.relkind = 'p' OR c.relkind = 'r' AND c.relfilenode = c.oid AND c.reltuples = -1 AND pg_relation_size(c.oid) = 0
	FROM pg_class c WHERE c.oid = relation);
COMMENT ON FUNCTION cjm_internal.kept_is_untouched(regclass) IS 'whether a table has never had a row';

-- Triggers on a table that write for a map, where they are not there as they have to be.  The name begins with a space, so that
-- they go before those of others, which may read views of the map.
CREATE FUNCTION cjm_internal.kept_make_triggers(def cjm_internal.map, relation regclass) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(def);
	changes regclass := format('%s.kept_changes', schema);
	made record;
BEGIN
	-- One that was renamed, or is none of ours any more but is bound as ours are, goes: it would write what ours write.
	FOR made IN
		SELECT w.name, w.definition, w.enabled, t.name AS other
		FROM (SELECT format(' kept_%s_%s', changes::oid, v.kind) AS name, v.shape || '  true' AS shape, v.definition, v.enabled
			FROM (VALUES
				('insert', '4  new_rows', 'AFTER INSERT ON %s REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT', 'O'),
				('update', '16 old_rows new_rows', 'AFTER UPDATE ON %s REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT', 'O'),
				('delete', '8 old_rows ', 'AFTER DELETE ON %s REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT', 'O'),
				('truncate', '32  ', 'AFTER TRUNCATE ON %s FOR EACH STATEMENT', 'A'),
				('merge', '18  ', 'BEFORE UPDATE ON %s FOR EACH STATEMENT', 'O'),
				('row', '29  ', 'AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW', 'R')) v(kind, shape, definition, enabled)
			WHERE (v.kind <> 'row' OR relation = (def).source) AND (v.kind <> 'merge' OR (SELECT c.relkind FROM pg_class c WHERE c.oid = relation) = 'p')) w
			FULL JOIN (SELECT t.tgname::text AS name, format('%s %s %s %s %s', t.tgtype, t.tgoldtable, t.tgnewtable, t.tgattr, (t.tgqual IS NULL)::text) AS shape, t.tgenabled AS enabled
				FROM pg_trigger t JOIN pg_depend d ON d.classid = 'pg_trigger'::regclass AND d.objid = t.oid
				WHERE t.tgrelid = relation AND d.refclassid = 'pg_class'::regclass AND d.refobjid = changes) t ON t.name = w.name AND t.shape = w.shape
		WHERE w.enabled IS DISTINCT FROM t.enabled::text
		ORDER BY w.name IS NOT NULL
	LOOP
		IF made.name IS NULL THEN
			EXECUTE format('DROP TRIGGER %I ON %s', made.other, relation);
			CONTINUE;
		END IF;
		EXECUTE format('CREATE OR REPLACE TRIGGER %I %s EXECUTE FUNCTION cjm_internal.kept_write()', made.name, format(made.definition, relation));
		IF made.enabled <> 'O' THEN
			EXECUTE format('ALTER TABLE %s ENABLE %s TRIGGER %I', relation, CASE made.enabled WHEN 'A' THEN 'ALWAYS' ELSE 'REPLICA' END, made.name);
		END IF;
		EXECUTE format('COMMENT ON TRIGGER %I ON %s IS %L', made.name, relation,
			format('writes down for the map %s what comes and what goes; cjm.unkeep_journeys takes it away', schema));
		PERFORM cjm_internal.kept_bind(relation, made.name, changes, format('%s.kept_marks', schema), format('%s.events', schema));
	END LOOP;
	-- Copies for partitions are switched with the one that they were made from, and by hand.
	FOR made IN
		SELECT t.tgname AS name, t.tgrelid::regclass AS part FROM pg_trigger t
		WHERE t.tgrelid IN (SELECT k.relation FROM cjm_internal.kept_tables(kept_make_triggers.relation) k)
			AND t.tgname = format(' kept_%s_row', changes::oid)::name AND t.tgenabled <> 'R'
	LOOP
		EXECUTE format('ALTER TABLE %s ENABLE REPLICA TRIGGER %I', made.part, made.name);
	END LOOP;
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_make_triggers(cjm_internal.map, regclass) IS 'makes the triggers on a table that write for a map that keeps journeys, where they are not there';

-- From now on the journeys stand on what is there now, which the caller has locked, and are to be built.
CREATE FUNCTION cjm_internal.kept_note_parts(def cjm_internal.map) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format('DELETE FROM %s.kept_pieces', cjm_internal.map_schema(def));
	EXECUTE format('UPDATE %1$s.kept_state SET view = %2$L::regclass, changes = %3$L::regclass, marks = %4$L::regclass, built_at = NULL',
		cjm_internal.map_schema(def), format('%s.events', cjm_internal.map_schema(def)), format('%s.kept_changes', cjm_internal.map_schema(def)),
		format('%s.kept_marks', cjm_internal.map_schema(def)));
	EXECUTE format('UPDATE %1$s.kept_state s SET fingerprint = cjm_internal.kept_fingerprint(p.parts), parts = p.parts
		FROM (SELECT cjm_internal.kept_parts(%2$L::regclass) AS parts) p', cjm_internal.map_schema(def), cjm_internal.kept_state(def.map));
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_note_parts(cjm_internal.map) IS 'notes what kept journeys stand on from now on, and that they are to be built';

-- Triggers on tables that are not of the source any more do nothing, nor do those that a dump has brought, which are bound to nothing.
-- If such a table is in use, they stay until the next time.
CREATE FUNCTION cjm_internal.kept_drop_strays(def cjm_internal.map) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	stray record;
BEGIN
	FOR stray IN
		SELECT t.tgname AS name, t.tgrelid::regclass AS relation
		FROM pg_trigger t
			LEFT JOIN pg_depend d ON d.classid = 'pg_trigger'::regclass AND d.objid = t.oid AND d.refclassid = 'pg_class'::regclass
				AND d.refobjid <> t.tgrelid AND d.deptype = 'a'
		WHERE t.tgfoid = 'cjm_internal.kept_write()'::regprocedure AND t.tgparentid = 0
			AND t.tgrelid IN (SELECT k.relation FROM cjm_internal.kept_tables(def.source) k)
		GROUP BY t.oid HAVING count(d.objid) = 0
		UNION
		SELECT t.tgname, t.tgrelid::regclass
		FROM pg_depend d JOIN pg_trigger t ON t.oid = d.objid
		WHERE d.classid = 'pg_trigger'::regclass AND d.refclassid = 'pg_class'::regclass
			AND d.refobjid = format('%s.kept_changes', cjm_internal.map_schema(def))::regclass
			AND t.tgrelid NOT IN (SELECT k.relation FROM cjm_internal.kept_tables(def.source) k)
	LOOP
		BEGIN
			EXECUTE format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE NOWAIT; DROP TRIGGER %I ON %s', stray.relation, stray.name, stray.relation);
		EXCEPTION WHEN lock_not_available OR insufficient_privilege THEN
			CONTINUE;
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_drop_strays(cjm_internal.map) IS 'drops triggers that work for nobody on the source of a map, and those that work for it on other tables';

-- A map was made anew whose rows say the same: if what was kept was right before, and nothing but the view is another, it is right.
CREATE FUNCTION cjm_internal.kept_follow(def cjm_internal.map, before text[]) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format('UPDATE %s.kept_state s SET fingerprint = cjm_internal.kept_fingerprint(p.parts), parts = p.parts
		FROM (SELECT cjm_internal.kept_parts(%L::regclass) AS parts) p
		WHERE s.parts = $1
			AND ARRAY(SELECT l FROM unnest(p.parts) WITH ORDINALITY l(l, n) WHERE l NOT LIKE ''view %%'' ORDER BY n)
				= ARRAY(SELECT l FROM unnest($1) WITH ORDINALITY l(l, n) WHERE l NOT LIKE ''view %%'' ORDER BY n)',
		cjm_internal.map_schema(def), cjm_internal.kept_state(def.map)) USING before;
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_follow(cjm_internal.map, text[]) IS 'lets kept journeys stay that were right when a map was made anew with the same rows';

-- Whoever has written before is over, and whoever writes from now on fires the triggers: that is what the lock is for.
CREATE FUNCTION cjm_internal.kept_arm(def cjm_internal.map) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	pending text;
BEGIN
	EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', def.source);
	PERFORM cjm_internal.kept_check(format('%s.events', cjm_internal.map_schema(def)));
	SELECT i.inhrelid::regclass::text INTO pending FROM pg_inherits i
	WHERE i.inhdetachpending AND i.inhparent IN (SELECT t.relation FROM cjm_internal.kept_tables(def.source) t) LIMIT 1;
	IF FOUND THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('the partition %s is being detached', pending),
			HINT = 'Try again when that is over; if it was interrupted, ALTER TABLE ... DETACH PARTITION ... FINALIZE ends it.';
	END IF;
	PERFORM cjm_internal.kept_make_triggers(def, t.relation) FROM cjm_internal.kept_tables(def.source) t;
	PERFORM cjm_internal.kept_drop_strays(def);
	PERFORM cjm_internal.kept_note_parts(def);
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_arm(cjm_internal.map) IS 'makes all triggers of a map that keeps journeys, and notes what the journeys stand on, which are to be built after that';

-- Done with the views of the map locked (map_lock).
CREATE FUNCTION cjm_internal.kept_install(map regnamespace) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := map::text;
	def cjm_internal.map := cjm_internal.kept_definition(cjm_internal.map_in(map));
BEGIN
	PERFORM cjm_internal.kept_arm(def);
	PERFORM cjm_internal.kept_make_views(def);
	EXECUTE format('CREATE OR REPLACE VIEW %s.journeys AS %s', schema, cjm_internal.map_journeys_sql(def));
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_install(regnamespace) IS 'lets the views of a map read kept journeys, and triggers write for it';

CREATE FUNCTION cjm_internal.kept_make_views(def cjm_internal.map) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(def);
	made record;
BEGIN
	EXECUTE format('CREATE OR REPLACE VIEW %s.kept_rows%s AS %s', schema, CASE WHEN def.filter IS NOT NULL THEN ' WITH (security_barrier = true)' END,
		cjm_internal.kept_rows_sql(def));
	EXECUTE format('CREATE OR REPLACE VIEW %s.kept AS %s', schema, cjm_internal.kept_view_sql(def));
	FOR made IN SELECT c.*, r.relkind FROM cjm_internal.kept_comments() c JOIN pg_class r ON r.relnamespace = def.map AND r.relname = c.relation_name
	LOOP
		IF made.column_name IS NOT NULL THEN
			EXECUTE format('COMMENT ON COLUMN %s.%I.%I IS %L', schema, made.relation_name, made.column_name, made.comment);
		ELSE
			EXECUTE format('COMMENT ON %s %s.%I IS %L', CASE made.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, schema, made.relation_name, made.comment);
		END IF;
	END LOOP;
	-- All are the owner's of the schema, as all views of a map.
	FOR made IN SELECT c.oid::regclass AS relation, n.nspowner::regrole AS holder, c.relkind
		FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid AND c.relowner <> n.nspowner
		WHERE n.oid = def.map AND c.relname = ANY (cjm_internal.kept_names()::name[])
	LOOP
		EXECUTE format('ALTER %s %s OWNER TO %s', CASE made.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, made.relation, made.holder);
	END LOOP;
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_make_views(cjm_internal.map) IS 'the views kept and kept_rows of a map, and all comments';

CREATE FUNCTION cjm.keep_journeys(map text, pieces integer DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.kept_map(map, false);
	schema text := cjm_internal.map_schema(def);
	source pg_class;
	holder regrole := (SELECT n.nspowner FROM pg_namespace n WHERE n.oid = def.map);
BEGIN
	IF NOT coalesce(pieces, 1) BETWEEN 1 AND 1024 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('pieces must be 1 to 1024, not %s', pieces),
			HINT = 'It is into how many parts a build is divided; NULL goes by the size of the source.';
	ELSIF cjm_internal.kept_state(def.map) IS NOT NULL THEN
		RAISE duplicate_object USING
			MESSAGE = format('the map "%s" keeps its journeys already', map),
			HINT = format('SELECT cjm.refresh_journeys(%L) brings them up to date.', map);
	ELSIF current_setting('transaction_isolation') <> 'read committed' THEN
		RAISE active_sql_transaction USING
			MESSAGE = format('journeys cannot be kept from a transaction of the isolation level %s on', current_setting('transaction_isolation')),
			HINT = 'Use READ COMMITTED.';
	ELSIF def.access = 'reader' THEN
		RAISE feature_not_supported USING
			MESSAGE = format('journeys of the map "%s" cannot be kept: each reader sees the rows that they may read', map),
			HINT = 'A map with access => ''owner'' can keep them.';
	ELSIF cjm_internal.map_distributed(def.source) THEN
		RAISE feature_not_supported USING
			MESSAGE = format('journeys of the map "%s" cannot be kept: %s is distributed, and Citus takes no triggers on it', map, def.source),
			HINT = 'A table of journeys that a scheduler fills, distributed by customer with it, is as fast, and as old as its last filling: see doc/scale.md.';
	END IF;
	PERFORM cjm_internal.kept_check(format('%s.events', schema));
	SELECT c.* INTO source FROM pg_class c WHERE c.oid = def.source;
	IF NOT pg_has_role(holder, source.relowner, 'USAGE') OR NOT pg_has_role(source.relowner, 'USAGE') THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('%s belongs to %s, and the map "%s" to %s', def.source, source.relowner::regrole, map, holder),
			HINT = 'Keeping journeys takes triggers on the source: its owner, or a role that is a member of that one, has to own the map.';
	END IF;
	IF NOT cjm_internal.map_lock_schema(def.map) OR cjm_internal.kept_state(def.map) IS NOT NULL THEN
		RAISE object_in_use USING MESSAGE = format('another session has changed the map "%s" at the same time', map), HINT = 'Try again.';
	END IF;

	EXECUTE format('CREATE TABLE %1$s.kept_journeys AS SELECT j.customer, j.dimensions, j.journey FROM %1$s.journeys j WITH NO DATA', schema);
	EXECUTE format('CREATE TABLE %1$s.kept_deciders AS SELECT j.customer, j.journey AS deciders FROM %1$s.journeys j WITH NO DATA', schema);
	BEGIN
		EXECUTE format('ALTER TABLE %1$s.kept_journeys ADD PRIMARY KEY (customer); ALTER TABLE %1$s.kept_deciders ADD PRIMARY KEY (customer)', schema);
	EXCEPTION WHEN undefined_object THEN
		RAISE feature_not_supported USING
			MESSAGE = format('journeys of the map "%s" cannot be kept: its customers cannot be ordered', map), DETAIL = SQLERRM,
			HINT = 'Make the map with a key that can, the text of it if need be.';
	END;
	-- Journeys stay in their rows as long as they fit a page: whoever reads them reads them all.
	EXECUTE format('ALTER TABLE %s.kept_journeys ADD segment text GENERATED ALWAYS AS (dimensions ->> ''segment'') STORED, ALTER journey SET NOT NULL, ALTER journey SET STORAGE MAIN,
		SET (fillfactor = 90, toast_tuple_target = 8160, autovacuum_vacuum_scale_factor = 0.05)', schema);
	EXECUTE format('ALTER TABLE %s.kept_deciders ALTER deciders SET NOT NULL, SET (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05)', schema);
	EXECUTE format('CREATE TABLE %1$s.kept_changes AS SELECT e.customer, e.at, false AS removed, e.event, e.channel, e.value, e.segment, e.session, e.dimensions, now() AS written_at FROM %1$s.events e WITH NO DATA', schema);
	-- The planner is not to take what it saw of a short list for what a long one is like; and no workers are to read the changes for one part of
	-- the view "journeys", since a part that has its own leaves all others without.
	EXECUTE format('ALTER TABLE %s.kept_changes ALTER customer SET (n_distinct = -0.2),
		SET (parallel_workers = 0, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_insert_threshold = -1)', schema);
	EXECUTE format('CREATE TABLE %s.kept_marks (at timestamptz, reason text, parts text[])', schema);
	EXECUTE format('CREATE TABLE %s.kept_pieces (piece integer, began_at timestamptz, built_at timestamptz, journeys bigint)', schema);
	EXECUTE format('CREATE TABLE %s.kept_state (fingerprint text, built_at timestamptz, view oid, changes oid, marks oid,
		refreshed_at timestamptz, took interval, folded bigint NOT NULL DEFAULT 0, parts text[], pieces integer)', schema);
	EXECUTE format('INSERT INTO %s.kept_state (pieces) VALUES ($1)', schema) USING pieces;
	PERFORM cjm_internal.map_lock(def.map, format('SELECT cjm_internal.kept_install(%L::regnamespace)', schema));
	RAISE NOTICE 'the journeys of "%" are kept from the next refresh on; until then its views read the rows', map
		USING HINT = format('SELECT cjm.refresh_journeys(%L) in a transaction of its own, and then from time to time.', map);
END
$$;
COMMENT ON FUNCTION cjm.keep_journeys(text, integer) IS
	'stores the journeys of a map and keeps them up to date: all its views and reports read them, and say what the rows say. Triggers on the source note what comes and goes; refresh_journeys builds the store and brings it up to date';

CREATE FUNCTION cjm.unkeep_journeys(map text) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.kept_map(map, false);
BEGIN
	PERFORM cjm_internal.map_lock_schema(def.map);
	def := cjm_internal.kept_map(map, false);
	IF cjm_internal.kept_state(def.map) IS NULL THEN
		RAISE object_not_in_prerequisite_state USING MESSAGE = format('the map "%s" keeps no journeys', map);
	END IF;
	PERFORM cjm_internal.map_lock(def.map, format('CREATE OR REPLACE VIEW %1$s.journeys AS %2$s; %3$s%4$s',
		cjm_internal.map_schema(def), cjm_internal.map_journeys_from_sql(def, 'events'), cjm_internal.kept_drop_sql(def, 'RESTRICT'), cjm_internal.audience_unkeep_sql(def)));
END
$$;
COMMENT ON FUNCTION cjm.unkeep_journeys(text) IS 'takes the kept journeys of a map away, with their triggers: its views read the rows again';

-- Dropping the tables drops the triggers that write into them.
CREATE FUNCTION cjm_internal.kept_drop_sql(def cjm_internal.map, behavior text) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN coalesce((SELECT string_agg(format('DROP %s IF EXISTS %s.%I %s; ', CASE WHEN c.relkind = 'v' THEN 'VIEW' ELSE 'TABLE' END,
		cjm_internal.map_schema(def), c.relname, behavior), '' ORDER BY array_position(cjm_internal.kept_names(), c.relname::text))
	FROM pg_class c WHERE c.relnamespace = (def).map AND c.relname = ANY (cjm_internal.kept_names()::name[])), '');
COMMENT ON FUNCTION cjm_internal.kept_drop_sql(cjm_internal.map, text) IS 'SQL that drops what a map with kept journeys has beside its views; empty if it has nothing';

-- Each piece reads the whole source, so there are few of them, and of a small source one.  A key without a hash cannot be dealt out.
CREATE FUNCTION cjm_internal.kept_pieces_for(def cjm_internal.map) RETURNS integer
	LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	pieces integer;
BEGIN
	EXECUTE format('SELECT coalesce(s.pieces, least(64, greatest(1, ceil(sqrt((
			SELECT sum(pg_table_size(t.relation)) FROM cjm_internal.kept_tables(%L::regclass) t) / 2::numeric ^ 30))))) FROM %s.kept_state s',
		def.source, cjm_internal.map_schema(def)) INTO pieces;
	EXECUTE format('SELECT hash_record_extended(ROW((SELECT k.customer FROM %s.kept_journeys k WHERE false)), 0)', cjm_internal.map_schema(def));
	RETURN pieces;
EXCEPTION WHEN undefined_function THEN
	RETURN 1;
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_pieces_for(cjm_internal.map) IS 'into how many pieces a build of kept journeys is divided';

-- What made the store of no use happened before now, and so before anything that a piece reads.
CREATE FUNCTION cjm_internal.kept_divide(def cjm_internal.map) RETURNS integer
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(def);
	pieces integer := cjm_internal.kept_pieces_for(def);
BEGIN
	EXECUTE format('UPDATE %s.kept_state SET built_at = NULL', schema);
	EXECUTE format('DELETE FROM %s.kept_marks', schema);
	EXECUTE format('DELETE FROM %s.kept_journeys', schema);
	EXECUTE format('DELETE FROM %s.kept_deciders', schema);
	EXECUTE format('DELETE FROM %s.kept_pieces', schema);
	EXECUTE format('INSERT INTO %s.kept_pieces (piece) SELECT generate_series(1, $1)', schema) USING pieces;
	RETURN pieces;
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_divide(cjm_internal.map) IS 'begins a build of the store of a map''s journeys; how many pieces there are to build';

-- What the index of the store does not take, though the source does; any other limit says itself what it is.
CREATE FUNCTION cjm_internal.kept_limit(def cjm_internal.map, message text, detail text, hint text) RETURNS void
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF message !~ '^(journey|event|channel|session|a value|the dimensions) of ' THEN
		RAISE program_limit_exceeded USING
			MESSAGE = format('the journeys of "%s" cannot be kept: a customer has a key that is too long for an index', cjm_internal.map_schema(def)),
			DETAIL = message,
			HINT = 'Make the map with a shorter key: an expression that cuts it, or hashes it. Until then its views read the rows.';
	END IF;
	RAISE program_limit_exceeded USING MESSAGE = message, DETAIL = detail, HINT = hint;
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_limit(cjm_internal.map, text, text, text) IS 'an error that says which limit a refresh of kept journeys has met';

-- The rows of a piece of the customers, without what they hold already: one statement sees both.
CREATE FUNCTION cjm_internal.kept_build(def cjm_internal.map, piece integer) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(def);
	began CONSTANT timestamptz := clock_timestamp();
	pieces integer;
	of_piece text := 'true';
	what text := format('journeys of %s', schema);
	names CONSTANT text[] := cjm_internal.map_dimension_names(def);
	journey CONSTANT text := format('cjm.journey_agg(%s)', cjm_internal.map_touch_sql(def, 'e'));
	deciders CONSTANT text := cjm_internal.kept_deciders_sql(def, 'e');
	made text;
	journeys bigint;
	message text;
	detail text;
	hint text;
BEGIN
	PERFORM cjm_internal.kept_check_idle(t.relation) FROM cjm_internal.kept_tables(def.source) t;
	EXECUTE format('SELECT count(*) FROM %s.kept_pieces', schema) INTO pieces;
	IF pieces > 1 THEN
		of_piece := format('(hash_record_extended(ROW(e.customer), 0) & 2147483647) %% %s = %s', pieces, piece - 1);
		what := format('%s, piece %s of %s', what, piece, pieces);
	END IF;
	-- Journeys go from the rows into the store on their way, and with what decides dimensions wait until it is written, too.
	made := format('SELECT e.customer, %2$s AS dimensions, %3$s AS journey%4$s FROM %1$s.events e
		WHERE cjm_internal.kept_progress(%5$L::text) AND e.customer IS NOT NULL AND e.at IS NOT NULL AND e.event COLLATE "C" <> '''' AND %6$s GROUP BY e.customer', schema,
		cjm_internal.map_object_sql(names, cjm_internal.kept_values_sql(def, deciders, journey)), journey,
		CASE WHEN names <> '{}' THEN format(', cjm_internal.kept_brief(%s, %s) AS deciders', deciders, journey) END, what, of_piece);
	EXECUTE format('WITH gone AS (DELETE FROM %1$s.kept_changes e WHERE %2$s), mended AS (DELETE FROM %1$s.kept_marks WHERE %3$s)%4$s
		INSERT INTO %1$s.kept_journeys (customer, dimensions, journey) SELECT m.customer, m.dimensions, m.journey FROM %5$s m', schema, of_piece, (pieces = 1)::text,
		CASE WHEN names <> '{}' THEN format(', made AS MATERIALIZED (%1$s), apart AS (INSERT INTO %2$s.kept_deciders (customer, deciders) SELECT m.customer, m.deciders FROM made m WHERE m.deciders IS NOT NULL)', made, schema) END,
		CASE WHEN names <> '{}' THEN 'made' ELSE format('(%s)', made) END);
	GET DIAGNOSTICS journeys = ROW_COUNT;
	EXECUTE format('UPDATE %s.kept_pieces SET began_at = $1, built_at = clock_timestamp(), journeys = $2 WHERE piece = $3', schema) USING began, journeys, piece;
EXCEPTION WHEN program_limit_exceeded THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	PERFORM cjm_internal.kept_limit(def, message, detail, hint);
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_build(cjm_internal.map, integer) IS 'builds a piece of the store of a map''s journeys from its rows';

-- Done by whoever has the state alone: nobody is at a piece.
CREATE FUNCTION cjm_internal.kept_finish(def cjm_internal.map) RETURNS text
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	journeys bigint;
BEGIN
	EXECUTE format('UPDATE %1$s.kept_state s SET built_at = clock_timestamp(), refreshed_at = clock_timestamp(), took = clock_timestamp() - p.began_at
		FROM (SELECT min(p.began_at) AS began_at, sum(p.journeys)::bigint AS journeys FROM %1$s.kept_pieces p HAVING bool_and(p.built_at IS NOT NULL)) p
		RETURNING p.journeys', cjm_internal.map_schema(def)) INTO journeys;
	RETURN format('%s journeys built', journeys);
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_finish(cjm_internal.map) IS 'says that the store of a map''s journeys is built, if all of its pieces are';

-- Those who build pieces share the state, so none of them waits, and nobody else changes anything meanwhile.
CREATE FUNCTION cjm_internal.kept_build_next(def cjm_internal.map) RETURNS text
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(def);
	next integer;
	found integer;
	answer text;
BEGIN
	EXECUTE format('SELECT p.piece FROM %s.kept_pieces p WHERE p.built_at IS NULL ORDER BY p.piece LIMIT 1 FOR UPDATE SKIP LOCKED', schema) INTO next;
	IF next IS NULL THEN
		RETURN 'another refresh is at it';
	END IF;
	PERFORM cjm_internal.kept_build(def, next);
	EXECUTE format('SELECT 1 FROM %1$s.kept_state s WHERE NOT EXISTS (SELECT FROM %1$s.kept_pieces p WHERE p.built_at IS NULL) FOR UPDATE SKIP LOCKED', schema) INTO found;
	IF found IS NOT NULL THEN
		RETURN cjm_internal.kept_finish(def);
	END IF;
	EXECUTE format('SELECT format(''piece %%s of %%s built: %%s journeys'', $1, count(*), sum(p.journeys) FILTER (WHERE p.piece = $1)) FROM %s.kept_pieces p', schema)
		INTO answer USING next;
	RETURN answer;
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_build_next(cjm_internal.map) IS 'builds the next piece of the store of a map''s journeys that nobody is at; says what it did';

-- The first time that there are changes: how many customers a number of them concerns has to be known, and no table is looked at while it is empty.
CREATE FUNCTION cjm_internal.kept_look_at_changes(def cjm_internal.map) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(def);
	waits boolean;
BEGIN
	EXECUTE format('SELECT EXISTS (SELECT FROM %s.kept_changes)', schema) INTO waits;
	IF waits AND NOT EXISTS (SELECT FROM pg_stats s WHERE s.schemaname = (SELECT n.nspname FROM pg_namespace n WHERE n.oid = def.map) AND s.tablename = 'kept_changes') THEN
		EXECUTE format('LOCK TABLE %s.kept_changes IN SHARE UPDATE EXCLUSIVE MODE NOWAIT', schema);
		EXECUTE format('ANALYZE %s.kept_changes', schema);
	END IF;
EXCEPTION WHEN lock_not_available THEN
	NULL;
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_look_at_changes(cjm_internal.map) IS 'lets the planner know what the changes of a map are like';

-- What is deleted from the changes goes into the store, in one statement, so whoever sees the one sees the other.
CREATE FUNCTION cjm_internal.kept_fold(def cjm_internal.map) RETURNS bigint
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(def);
	names CONSTANT text[] := cjm_internal.map_dimension_names(def);
	changes bigint;
BEGIN
	EXECUTE format('WITH gone AS MATERIALIZED (DELETE FROM %1$s.kept_changes RETURNING *),
		c AS (%2$s),
		k AS (SELECT c.*, k.customer IS NOT NULL AS known, k.journey, k.dimensions, %8$s
			FROM c LEFT JOIN %1$s.kept_journeys k ON k.customer %3$s c.customer LEFT JOIN %1$s.kept_deciders d ON d.customer %3$s c.customer),
		n AS %9$s (SELECT k.customer, k.known, k.apart, %4$s AS deciders, cjm_internal.journey_changed(k.journey, k.added, k.removed) AS journey FROM k),
		new AS MATERIALIZED (SELECT n.customer, n.known, n.apart, n.journey, %5$s AS dimensions, cjm_internal.kept_brief(n.deciders, n.journey) AS deciders FROM n),
		vanished AS (DELETE FROM %1$s.kept_journeys k USING new n WHERE k.customer %3$s n.customer AND n.journey IS NULL),
		changed AS (UPDATE %1$s.kept_journeys k SET dimensions = n.dimensions, journey = n.journey FROM new n
			WHERE k.customer %3$s n.customer AND n.journey IS NOT NULL AND n.known),
		fresh AS (INSERT INTO %1$s.kept_journeys (customer, dimensions, journey)
			SELECT n.customer, n.dimensions, n.journey FROM new n WHERE NOT n.known AND n.journey IS NOT NULL)%6$s%7$s
		SELECT count(*) FROM gone', schema, cjm_internal.kept_grouped_sql(def, 'gone g'), cjm_internal.kept_equals(def),
		cjm_internal.kept_deciders_now_sql(def, 'k.deciders'), cjm_internal.map_object_sql(names, cjm_internal.kept_values_sql(def, 'n.deciders', 'n.journey')),
		CASE WHEN names <> '{}' THEN format(',
			agreed AS (DELETE FROM %1$s.kept_deciders d USING new n WHERE d.customer %2$s n.customer AND n.apart AND n.deciders IS NULL),
			decided AS (UPDATE %1$s.kept_deciders d SET deciders = n.deciders FROM new n WHERE d.customer %2$s n.customer AND n.apart AND d.deciders OPERATOR(cjm.<>) n.deciders),
			differing AS (INSERT INTO %1$s.kept_deciders (customer, deciders) SELECT n.customer, n.deciders FROM new n WHERE NOT n.apart AND n.deciders IS NOT NULL)',
			schema, cjm_internal.kept_equals(def)) END,
		cjm_internal.audience_touched_sql(def),
		CASE WHEN names = '{}' THEN 'false AS apart' ELSE 'd.customer IS NOT NULL AS apart, d.deciders' END, CASE WHEN names <> '{}' THEN 'MATERIALIZED' END) INTO changes;
	RETURN changes;
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_fold(cjm_internal.map) IS 'moves the changes of a map into its store; how many there were';

CREATE FUNCTION cjm_internal.kept_is_more(was text[], is_now text[], partitions oid[]) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN NOT EXISTS (SELECT unnest(was) EXCEPT SELECT unnest(is_now)) AND NOT EXISTS (
	SELECT FROM (SELECT unnest(is_now) EXCEPT SELECT unnest(was)) d(l)
	WHERE split_part(d.l, ' ', 1) <> ALL ('{part,table,trigger}'::text[]) OR split_part(d.l, ' ', 2)::oid <> ALL (partitions));
COMMENT ON FUNCTION cjm_internal.kept_is_more(text[], text[], oid[]) IS 'whether kept journeys stand on all that they stood on, and beside it on these partitions alone';

-- Takes partitions in that have come without a row, so that nothing has to be built for them; true if that is all that is new.
CREATE FUNCTION cjm_internal.kept_adopt(def cjm_internal.map, was text[], is_now text[]) RETURNS boolean
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	state regclass := cjm_internal.kept_state(def.map);
	fresh oid[] := ARRAY(SELECT DISTINCT split_part(d.l, ' ', 2)::oid FROM (SELECT unnest(is_now) EXCEPT SELECT unnest(was)) d(l) WHERE d.l LIKE 'part %');
	found text[];
	part oid;
BEGIN
	IF NOT cjm_internal.kept_is_more(was, is_now, fresh) THEN
		RETURN false;
	END IF;
	FOREACH part IN ARRAY fresh
	LOOP
		EXECUTE format('LOCK TABLE ONLY %s IN SHARE ROW EXCLUSIVE MODE', part::regclass);
		IF NOT cjm_internal.kept_is_untouched(part) THEN
			RETURN false;
		END IF;
		PERFORM cjm_internal.kept_make_triggers(def, part);
	END LOOP;
	PERFORM cjm_internal.kept_check(format('%s.events', cjm_internal.map_schema(def)));
	-- Nothing else may have happened since; and if something happens now, it is not in what is noted.
	found := cjm_internal.kept_parts(state);
	IF NOT cjm_internal.kept_is_more(was, found, fresh) THEN
		RETURN false;
	END IF;
	EXECUTE format('UPDATE %s.kept_state SET fingerprint = cjm_internal.kept_fingerprint($1), parts = $1', cjm_internal.map_schema(def)) USING found;
	RETURN true;
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_adopt(cjm_internal.map, text[], text[]) IS 'takes new partitions that never had a row in among what kept journeys stand on; false if there is more that is new';

CREATE FUNCTION cjm_internal.kept_refresh(map text) RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.kept_map(map, true);
	schema text := cjm_internal.map_schema(def);
	began CONSTANT timestamptz := clock_timestamp();
	waits CONSTANT text := current_setting('lock_timeout');
	building boolean;
	state record;
	marked boolean;
	counted bigint;
	answer text;
	message text;
	detail text;
	hint text;
BEGIN
	EXECUTE format('SELECT s.built_at IS NULL AND s.parts IS NOT DISTINCT FROM cjm_internal.kept_parts(%2$L::regclass) AND NOT EXISTS (SELECT FROM %1$s.kept_marks)
			AND EXISTS (SELECT FROM %1$s.kept_pieces p WHERE p.built_at IS NULL) FROM %1$s.kept_state s', schema, cjm_internal.kept_state(def.map)) INTO building;
	EXECUTE format('SELECT s.* FROM %1$s.kept_state s FOR %2$s SKIP LOCKED', schema, CASE WHEN building THEN 'SHARE' ELSE 'UPDATE' END) INTO state;
	IF state.folded IS NULL THEN
		-- A dump without rows has left none of it.
		EXECUTE format('INSERT INTO %1$s.kept_state (folded) SELECT 0 WHERE NOT EXISTS (SELECT FROM %1$s.kept_state) RETURNING *', schema) INTO state;
	END IF;
	IF state.folded IS NULL THEN
		RETURN 'another refresh is at it';
	ELSIF building THEN
		RETURN cjm_internal.kept_build_next(def);
	END IF;
	-- A restored dump may bring another row, and a store that is none of these rows'.
	EXECUTE format('DELETE FROM %1$s.kept_state s WHERE s.ctid <> (SELECT min(f.ctid) FROM %1$s.kept_state f)', schema);
	GET DIAGNOSTICS counted = ROW_COUNT;
	IF counted > 0 THEN
		state.parts := NULL;
	END IF;
	IF state.parts IS DISTINCT FROM cjm_internal.kept_parts(cjm_internal.kept_state(def.map)) THEN
		PERFORM cjm_internal.kept_check_idle(t.relation) FROM cjm_internal.kept_tables(def.source) t;
		-- A lock that has to wait holds up who writes, so it waits for moments only.
		FOR attempt IN 1 .. 10
		LOOP
			BEGIN
				PERFORM set_config('lock_timeout', '300ms', true);
				IF cjm_internal.kept_adopt(def, state.parts, cjm_internal.kept_parts(cjm_internal.kept_state(def.map))) THEN
					answer := format('new partitions are taken in; the next refresh %s', CASE WHEN state.built_at IS NULL THEN 'goes on building' ELSE 'folds' END);
				ELSE
					PERFORM cjm_internal.kept_arm(def);
					answer := 'triggers are made anew; the next refresh builds the journeys';
				END IF;
				PERFORM set_config('lock_timeout', waits, true);
				EXIT;
			EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
				IF attempt = 10 THEN
					RETURN 'the source is written to without a pause, and could not be locked for a moment; its rows are read until that works';
				END IF;
				PERFORM pg_sleep(0.2 + 0.3 * random());
			WHEN feature_not_supported THEN
				-- What stands in the way may go again, and leave no trace of what was written meanwhile.
				GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
				EXECUTE format('INSERT INTO %1$s.kept_marks (at, reason) SELECT now(), $1 WHERE NOT EXISTS (SELECT FROM %1$s.kept_marks WHERE reason = $1)', schema) USING message;
				RAISE WARNING USING MESSAGE = message, DETAIL = detail, HINT = hint;
				RETURN 'the rows are read for as long as that is so';
			END;
		END LOOP;
		-- The locks are let go before anything that takes long.
		RETURN answer;
	END IF;
	-- What came to a partition before it was taken in is in the changes.
	EXECUTE format('DELETE FROM %s.kept_marks m WHERE m.parts <@ $1', schema) USING state.parts;
	EXECUTE format('SELECT EXISTS (SELECT FROM %s.kept_marks)', schema) INTO marked;
	IF state.built_at IS NOT NULL AND NOT marked THEN
		BEGIN
			PERFORM cjm_internal.kept_look_at_changes(def);
			counted := cjm_internal.kept_fold(def);
			EXECUTE format('UPDATE %s.kept_state SET folded = folded + $1, refreshed_at = clock_timestamp(), took = clock_timestamp() - $2', schema) USING counted, began;
			RETURN format('%s changes folded', counted);
		EXCEPTION WHEN data_corrupted OR data_exception OR unique_violation THEN
			RAISE WARNING 'the kept journeys of "%" are built anew: %', map, SQLERRM;
		WHEN program_limit_exceeded THEN
			GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
			PERFORM cjm_internal.kept_limit(def, message, detail, hint);
		END;
	END IF;
	EXECUTE format('SELECT count(*) FILTER (WHERE p.built_at IS NULL) FROM %1$s.kept_pieces p WHERE $1 HAVING count(*) > 0', schema)
		INTO counted USING state.built_at IS NULL AND NOT marked;
	IF counted > 0 THEN
		RETURN cjm_internal.kept_build_next(def);
	ELSIF counted IS NULL THEN
		counted := cjm_internal.kept_divide(def);
		IF counted > 1 THEN
			RETURN format('the journeys are built in %s pieces: each refresh builds one, and several may at a time', counted);
		END IF;
		PERFORM cjm_internal.kept_build(def, 1);
	END IF;
	RETURN cjm_internal.kept_finish(def);
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_refresh(text) IS 'refresh_journeys, called as the owner of the map';

CREATE FUNCTION cjm.refresh_journeys(map text) RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.kept_map(map, true);
BEGIN
	RETURN cjm_internal.kept_refresh_as(map, (SELECT n.nspowner FROM pg_namespace n WHERE n.oid = def.map));
END
$$;
COMMENT ON FUNCTION cjm.refresh_journeys(text) IS
	'brings the kept journeys of a map up to date, or builds them; says what it did. Skips if another refresh is at it, and waits for no writer; but after something that triggers do not see it tries for moments to lock the source. For a scheduler, each minute or so, in a transaction of its own';

CREATE FUNCTION cjm.kept(map text) RETURNS TABLE (state text, reason text, customers bigint, touchpoints bigint, changes bigint, oldest_change timestamptz, bytes bigint,
	built_at timestamptz, refreshed_at timestamptz, took interval, folded bigint)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 1
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map);
BEGIN
	IF cjm_internal.kept_state(def.map) IS NULL THEN
		RETURN;
	END IF;
	RETURN QUERY EXECUTE format('SELECT k.state, k.reason, k.customers, k.touchpoints, k.changes, k.oldest_change, k.bytes, k.built_at, k.refreshed_at, k.took, k.folded FROM %s.kept k',
		cjm_internal.map_schema(def));
END
$$;
COMMENT ON FUNCTION cjm.kept(text) IS
	'how the kept journeys of a map stand: folded, changed or rows, and why its views read the rows; no row for a map that keeps none';

CREATE FUNCTION cjm.check_journeys(map text, share float8 DEFAULT 1) RETURNS TABLE (customer text, kept cjm.journey, counted cjm.journey)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 10
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map);
	schema text := cjm_internal.map_schema(def);
BEGIN
	share := coalesce(share, 1);
	IF NOT (share > 0 AND share <= 1) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('share must be more than 0 and at most 1, not %s', share),
			HINT = 'It is the part of the customers that are compared.';
	END IF;
	-- The text of a key may differ where keys are equal, so it is asked of the keys which customers are compared.
	RETURN QUERY EXECUTE format('SELECT coalesce(k.customer, r.customer)::text, k.journey, r.journey
		FROM (SELECT j.customer, j.segment, j.journey, j.dimensions FROM %1$s.journeys j WHERE %3$s) k
			FULL JOIN (SELECT j.customer, j.segment, j.journey, j.dimensions FROM (%2$s) j WHERE %3$s) r ON r.customer %4$s k.customer
		WHERE NOT coalesce(k.journey OPERATOR(cjm.=) r.journey, false) OR k.segment IS DISTINCT FROM r.segment OR k.dimensions IS DISTINCT FROM r.dimensions
		ORDER BY coalesce(k.customer, r.customer)::text COLLATE "C"', schema, cjm_internal.map_journeys_from_sql(cjm_internal.kept_definition(def), 'events'),
		CASE WHEN share = 1 THEN 'true'
			ELSE format('(hash_record_extended(ROW(j.customer), 0) & 1048575) < %s::float8 * 1048576', share) END,
		cjm_internal.kept_equals(def));
END
$$;
COMMENT ON FUNCTION cjm.check_journeys(text, float8) IS
	'compares the journeys that the views of a map read with its rows, for a share of the customers: those that differ, none if all is well';
