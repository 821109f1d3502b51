--
-- Steering: what a map remembers.
--
-- A map measures; what its owner wants to reach, and what happened, stands in tables
-- of its schema (steering_names), made when they are first needed.  They are the
-- owner's, whoever writes, so they are dumped, renamed, granted and dropped with the
-- map, and stay when it is made anew.  Parts 9970 to 9979 are figures over time,
-- targets and alerts, 9980 to 9989 audiences.
--
-- Who writes does so as the owner (map_call_as), by a task: a function of
-- cjm_internal that takes its arguments as one object and returns one.
--

CREATE FUNCTION cjm_internal.map_call_as(task regproc, owner oid, arguments jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'map_call_as'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION cjm_internal.map_call_as(regproc, oid, jsonb) IS 'calls a task of cjm_internal as a role whose rights one has; nobody lends rights to what a role has put on its tables';

CREATE FUNCTION cjm_internal.steering_map(map text) RETURNS cjm_internal.map
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
			HINT = 'Its owner steers it.';
	END IF;
	RETURN def;
END
$$;
COMMENT ON FUNCTION cjm_internal.steering_map(text) IS 'the definition of a map of one''s own; an error if there is none';

-- Calls a task for whoever may change the map; the task finds the map by the number of its schema, which no rename changes.
CREATE FUNCTION cjm_internal.steering_call(map text, task regproc, arguments jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.steering_map(map);
BEGIN
	RETURN cjm_internal.map_call_as(task, (SELECT n.nspowner FROM pg_namespace n WHERE n.oid = def.map),
		arguments || jsonb_build_object('map', def.map::oid::bigint));
END
$$;
COMMENT ON FUNCTION cjm_internal.steering_call(text, regproc, jsonb) IS 'calls a task as the owner of a map, who one has to be or have the rights of; map of its arguments is the number of the schema';

-- A relation of that name that is none of ours is somebody's who put it there.
CREATE FUNCTION cjm_internal.steering_has(def cjm_internal.map, name text) RETURNS boolean
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found pg_class;
BEGIN
	SELECT c.* INTO found FROM pg_class c WHERE c.relnamespace = def.map AND c.relname = name;
	IF found.oid IS NOT NULL AND (obj_description(found.oid, 'pg_class') IS DISTINCT FROM
			(SELECT c.comment FROM cjm_internal.steering_comments() c WHERE c.relation_name = name AND c.column_name IS NULL)) THEN
		RAISE duplicate_table USING
			MESSAGE = format('%s.%I is there, but is not what the map has under that name', cjm_internal.map_schema(def), name),
			HINT = 'Rename it or put it into another schema: it was not made by cjm, or its comment was changed.';
	END IF;
	RETURN found.oid IS NOT NULL;
END
$$;
COMMENT ON FUNCTION cjm_internal.steering_has(cjm_internal.map, text) IS 'whether a map has a table or view of those that are made when they are needed; an error if it is another of that name';

-- Called by a task, that is, as the owner.  definition: the columns of a table, or the query of a view.
CREATE FUNCTION cjm_internal.steering_make(def cjm_internal.map, name text, definition text) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(def);
	is_view boolean := definition ~* '^\s*(SELECT|WITH)\M';
	made record;
BEGIN
	IF cjm_internal.steering_has(def, name) THEN
		RETURN;
	ELSIF NOT cjm_internal.map_lock_schema(def.map) THEN
		RAISE object_in_use USING MESSAGE = 'another session has dropped the map at the same time';
	ELSIF cjm_internal.steering_has(def, name) THEN
		RETURN;
	END IF;
	EXECUTE format(CASE WHEN is_view THEN 'CREATE VIEW %s.%I%s AS %s' ELSE 'CREATE TABLE %s.%I%s (%s)' END, schema, name,
		CASE WHEN is_view AND def.access = 'reader' THEN ' WITH (security_invoker = true)' END, definition);
	FOR made IN SELECT c.column_name, c.comment FROM cjm_internal.steering_comments() c WHERE c.relation_name = name
	LOOP
		IF made.column_name IS NOT NULL THEN
			EXECUTE format('COMMENT ON COLUMN %s.%I.%I IS %L', schema, name, made.column_name, made.comment);
		ELSE
			EXECUTE format('COMMENT ON %s %s.%I IS %L', CASE WHEN is_view THEN 'VIEW' ELSE 'TABLE' END, schema, name, made.comment);
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cjm_internal.steering_make(cjm_internal.map, text, text) IS 'makes a table or a view of a map with its comments, where it is not there yet';

CREATE FUNCTION cjm_internal.steering_drop_sql(def cjm_internal.map, behavior text) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN coalesce((SELECT string_agg(format('DROP %s IF EXISTS %s.%I %s; ', CASE WHEN c.relkind = 'v' THEN 'VIEW' ELSE 'TABLE' END,
		cjm_internal.map_schema(def), c.relname, behavior), '' ORDER BY c.relkind <> 'v', array_position(cjm_internal.steering_names(), c.relname::text) NULLS FIRST, c.relname)
	FROM pg_class c WHERE c.relnamespace = (def).map AND c.relname = ANY (cjm_internal.steering_names()::name[] || cjm_internal.audience_view_names((def).map)::name[])), '');
COMMENT ON FUNCTION cjm_internal.steering_drop_sql(cjm_internal.map, text) IS 'SQL that drops what a map remembers, views first; empty if there is nothing';
