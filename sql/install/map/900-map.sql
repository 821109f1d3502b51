--
-- Journey maps: what a map is, and how its definition is read.
--
-- A map is a schema of views that belong to its maker.  Its definition is the view
-- "map" in it, one row of constants, so that dump, rename, GRANT and DROP work as
-- for any view.  Nothing is kept anywhere else.
--

CREATE TYPE cjm_internal.map AS (
	map regnamespace,
	source regclass,
	customer text,
	at text,
	event text,
	channel text,
	value text,
	segment text,
	segment_at text,
	filter text,
	stages cjm.funnel,
	session_gap interval,
	time_zone text,
	access text,
	spend regclass,
	attribution text,
	nps text,
	csat text,
	ces text,
	refusal cjm.funnel,
	purchase cjm.funnel,
	visit cjm.funnel,
	sequence text,
	attribution_per text,
	only_channels boolean,
	source_name text,
	dimensions jsonb,
	session_rule text,
	session text,
	comment text,
	where_is jsonb,
	groups text[]
);
COMMENT ON TYPE cjm_internal.map IS 'the definition of a journey map, as its view "map" has it';
COMMENT ON COLUMN cjm_internal.map.map IS 'its schema';
COMMENT ON COLUMN cjm_internal.map.source IS 'the table or view that the events are in';
COMMENT ON COLUMN cjm_internal.map.customer IS 'expression: whose event a row is';
COMMENT ON COLUMN cjm_internal.map.at IS 'expression: when it happened';
COMMENT ON COLUMN cjm_internal.map.event IS 'expression: what happened';
COMMENT ON COLUMN cjm_internal.map.channel IS 'expression: where it came from, or NULL';
COMMENT ON COLUMN cjm_internal.map.value IS 'expression: what it was worth, or NULL';
COMMENT ON COLUMN cjm_internal.map.segment IS 'expression: the segment of the customer, or NULL';
COMMENT ON COLUMN cjm_internal.map.segment_at IS 'which segment, or other dimension, a customer with several has, the first or the last';
COMMENT ON COLUMN cjm_internal.map.filter IS 'condition: which rows count, or NULL for all';
COMMENT ON COLUMN cjm_internal.map.stages IS 'the funnel';
COMMENT ON COLUMN cjm_internal.map.session_gap IS 'what is longer ends a session';
COMMENT ON COLUMN cjm_internal.map.time_zone IS 'where days, weeks and months begin';
COMMENT ON COLUMN cjm_internal.map.access IS 'owner: the views read the source with the rights of the map''s owner; reader: with those of whoever asks';
COMMENT ON COLUMN cjm_internal.map.spend IS 'the table or view of what the channels cost, or NULL';
COMMENT ON COLUMN cjm_internal.map.attribution IS 'the attribution model that the view channels credits conversions by';
COMMENT ON COLUMN cjm_internal.map.nps IS 'the event whose value is an answer from 0 to 10, or NULL';
COMMENT ON COLUMN cjm_internal.map.csat IS 'the event whose value is an answer from 1 to 5, or NULL';
COMMENT ON COLUMN cjm_internal.map.ces IS 'the event whose value is an answer from 1 to 7, or NULL';
COMMENT ON COLUMN cjm_internal.map.refusal IS 'the events that say no, a funnel of one stage, or NULL';
COMMENT ON COLUMN cjm_internal.map.purchase IS 'the events that are a purchase, or NULL: the last stage that is not optional';
COMMENT ON COLUMN cjm_internal.map.visit IS 'the events that are a visit, or NULL: all';
COMMENT ON COLUMN cjm_internal.map.sequence IS 'expression: the order of events of one time, or NULL';
COMMENT ON COLUMN cjm_internal.map.attribution_per IS 'what has a share of a conversion in the views attribution and channels: touchpoint or session';
COMMENT ON COLUMN cjm_internal.map.only_channels IS 'whether touchpoints without a channel earn nothing in these views';
COMMENT ON COLUMN cjm_internal.map.source_name IS 'what the source was called when the map was made';
COMMENT ON COLUMN cjm_internal.map.dimensions IS 'expressions: other properties of the customer, by their names, or NULL';
COMMENT ON COLUMN cjm_internal.map.session_rule IS 'what else ends a session: channel, day, or channel | day; NULL for the gap alone';
COMMENT ON COLUMN cjm_internal.map.session IS 'expression: the session of an event, or NULL';
COMMENT ON COLUMN cjm_internal.map.comment IS 'expression: what a customer wrote, or NULL';
COMMENT ON COLUMN cjm_internal.map.where_is IS 'no part of a definition: which customers a report is asked of, NULL for all; see 905-map_where.sql';
COMMENT ON COLUMN cjm_internal.map.groups IS 'no part of a definition: what is shown by itself of that which a drawing is by, all else being one; NULL for all';

CREATE FUNCTION cjm_internal.map_definition(map_view oid) RETURNS SETOF cjm_internal.map
	AS 'MODULE_PATHNAME', 'map_definition'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50 ROWS 1;
COMMENT ON FUNCTION cjm_internal.map_definition(oid) IS
	'the definition that a view of constants holds, read without running it; no row if it is not a map''s';

CREATE FUNCTION cjm_internal.map_lock_schema(map regnamespace) RETURNS boolean
	AS 'MODULE_PATHNAME', 'map_lock_schema'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION cjm_internal.map_lock_schema(regnamespace) IS
	'whether a schema is still there, now that nobody else makes, replaces or drops a map in it until the transaction ends; an error for who does not own it';

CREATE FUNCTION cjm_internal.map_lock_views(map regnamespace, views text[], patience float8) RETURNS void
	AS 'MODULE_PATHNAME', 'map_lock_views'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION cjm_internal.map_lock_views(regnamespace, text[], float8) IS
	'locks views of one''s own, in that order, or gives up after so many seconds, or where a reader waits for one of them with another in hand; then a subtransaction has to end';

CREATE FUNCTION cjm_internal.map_expression(source regclass, expression text, argument text, time_zone text) RETURNS text
	AS 'MODULE_PATHNAME', 'map_expression'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.map_expression(regclass, text, text, text) IS
	'an expression over a row of the source, checked, converted to what an argument of create_map has to be, and printed so that it means the same in every search_path';

CREATE FUNCTION cjm_internal.map_expressions(map_view oid) RETURNS text[]
	AS 'MODULE_PATHNAME', 'map_expressions'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 500;
COMMENT ON FUNCTION cjm_internal.map_expressions(oid) IS
	'what the view events of a map reads as customer, at, event, channel, value, segment, its filter, its sequence, its session and its dimensions, as they would be written now; NULL if it is another view';

-- What is quoted is a label.
CREATE FUNCTION cjm_internal.map_within_session(stages cjm.funnel) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 50
	SET search_path = pg_catalog, pg_temp
RETURN regexp_replace(stages::text, '"(?:[^"]|"")*"', '', 'g') ~ '\mwithin session\M';
COMMENT ON FUNCTION cjm_internal.map_within_session(cjm.funnel) IS 'whether the walks of a funnel lie within a session';

CREATE FUNCTION cjm_internal.map_nearest(name text, names text[]) RETURNS text
	AS 'MODULE_PATHNAME', 'map_nearest'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm_internal.map_nearest(text, text[]) IS 'the one of the names that somebody may have meant, or NULL';

-- In the order in which they are made: each reads none but earlier ones.
CREATE FUNCTION cjm_internal.map_view_names() RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '{map,events,journeys,customers,funnel,funnel_by_segment,funnel_by_week,funnel_by_dimension,drop_off,sessions,bounce,retention,lifecycle,touchpoints,stages,transitions,paths,attribution,spend,channels,feedback,metrics}'::text[];
COMMENT ON FUNCTION cjm_internal.map_view_names() IS 'the views of a map in the order in which they are made';

CREATE FUNCTION cjm_internal.kept_names() RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '{kept_rows,kept,kept_journeys,kept_deciders,kept_changes,kept_marks,kept_pieces,kept_state}'::text[];
COMMENT ON FUNCTION cjm_internal.kept_names() IS 'what a map with kept journeys has beside its views, which the first two of these are';

-- In the order in which they are dropped.
CREATE FUNCTION cjm_internal.steering_names() RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '{kpis,comments,customer_journeys,alerts_told,targets,stage_notes,notes,audience_changes,audience_consumers,audience_members,audience_touched,audience_state,audiences}'::text[];
COMMENT ON FUNCTION cjm_internal.steering_names() IS 'what a map that is steered has beside its views: tables of what it remembers, and views of these';

-- What a schema may hold and be a map's: all of it has one owner.
CREATE FUNCTION cjm_internal.map_names() RETURNS name[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (cjm_internal.map_view_names() || cjm_internal.kept_names() || cjm_internal.steering_names())::name[];
COMMENT ON FUNCTION cjm_internal.map_names() IS 'all that a map can have in its schema';

-- The definition in a schema, all NULL if there is none.
CREATE FUNCTION cjm_internal.map_in(schema oid) RETURNS cjm_internal.map
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map;
BEGIN
	SELECT d.* INTO def FROM pg_class c CROSS JOIN LATERAL cjm_internal.map_definition(c.oid) d
	WHERE c.relnamespace = schema AND c.relname = 'map' AND c.relkind = 'v' AND d.map = schema;
	RETURN def;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_in(oid) IS 'the definition of the map that a schema is, all NULL if it is none';

-- The catalogs alone are asked, and no view is opened: whoever lists the maps runs no view of somebody else's, and waits for nobody.
-- A view "map" in a schema of another owner is no map: its reports are refused, too.
CREATE VIEW cjm.maps AS
SELECT d.map, pg_catalog.pg_get_userbyid(c.relowner) AS owner, d.source, d.stages, d.customer, d.at, d.event, d.channel,
	d.value, d.segment, d.segment_at, d.filter, d.session_gap, d.time_zone, d.access, d.spend, d.attribution, d.nps, d.csat, d.ces,
	d.refusal, d.purchase, d.visit, d.attribution_per, d.only_channels, d.sequence, d.dimensions, d.session_rule, d.session, d.comment,
	d.stages::pg_catalog.text AS stages_text, d.refusal::pg_catalog.text AS refusal_text, d.purchase::pg_catalog.text AS purchase_text, d.visit::pg_catalog.text AS visit_text
FROM pg_catalog.pg_class c
	JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	CROSS JOIN LATERAL cjm_internal.map_definition(
		CASE WHEN pg_catalog.has_schema_privilege(c.relnamespace, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT') THEN c.oid END) d
WHERE c.relname = 'map' AND c.relkind = 'v' AND c.relowner = n.nspowner AND d.map = n.oid;
COMMENT ON VIEW cjm.maps IS 'the journey maps that you may read';
COMMENT ON COLUMN cjm.maps.map IS 'its schema';
COMMENT ON COLUMN cjm.maps.owner IS 'whose it is';
COMMENT ON COLUMN cjm.maps.source IS 'the table or view that the events are in';
COMMENT ON COLUMN cjm.maps.stages IS 'the funnel';
COMMENT ON COLUMN cjm.maps.customer IS 'expression: whose event a row is';
COMMENT ON COLUMN cjm.maps.at IS 'expression: when it happened';
COMMENT ON COLUMN cjm.maps.event IS 'expression: what happened';
COMMENT ON COLUMN cjm.maps.channel IS 'expression: where it came from, or NULL';
COMMENT ON COLUMN cjm.maps.value IS 'expression: what it was worth, or NULL';
COMMENT ON COLUMN cjm.maps.segment IS 'expression: the segment of the customer, or NULL';
COMMENT ON COLUMN cjm.maps.segment_at IS 'which segment, or other dimension, a customer with several has, the first or the last';
COMMENT ON COLUMN cjm.maps.filter IS 'condition: which rows count, or NULL for all';
COMMENT ON COLUMN cjm.maps.session_gap IS 'what is longer ends a session';
COMMENT ON COLUMN cjm.maps.time_zone IS 'where days, weeks and months begin';
COMMENT ON COLUMN cjm.maps.access IS 'owner: the views read the source with the rights of the map''s owner; reader: with those of whoever asks';
COMMENT ON COLUMN cjm.maps.spend IS 'the table or view of what the channels cost, or NULL';
COMMENT ON COLUMN cjm.maps.attribution IS 'the attribution model that the view channels credits conversions by';
COMMENT ON COLUMN cjm.maps.nps IS 'the event whose value is an answer from 0 to 10, or NULL';
COMMENT ON COLUMN cjm.maps.csat IS 'the event whose value is an answer from 1 to 5, or NULL';
COMMENT ON COLUMN cjm.maps.ces IS 'the event whose value is an answer from 1 to 7, or NULL';
COMMENT ON COLUMN cjm.maps.refusal IS 'the events that say no, or NULL';
COMMENT ON COLUMN cjm.maps.purchase IS 'the events that are a purchase, or NULL: the last stage that is not optional';
COMMENT ON COLUMN cjm.maps.visit IS 'the events that are a visit, or NULL: all';
COMMENT ON COLUMN cjm.maps.sequence IS 'expression: the order of events of one time, or NULL';
COMMENT ON COLUMN cjm.maps.attribution_per IS 'what has a share of a conversion in the views attribution and channels: touchpoint or session';
COMMENT ON COLUMN cjm.maps.only_channels IS 'whether touchpoints without a channel earn nothing in these views';
COMMENT ON COLUMN cjm.maps.dimensions IS 'expressions: other properties of the customer, by their names, or NULL';
COMMENT ON COLUMN cjm.maps.session_rule IS 'what else ends a session: channel, day, or channel | day; NULL for the gap alone';
COMMENT ON COLUMN cjm.maps.session IS 'expression: the session of an event, or NULL';
COMMENT ON COLUMN cjm.maps.comment IS 'expression: what a customer wrote with an answer, or NULL';
COMMENT ON COLUMN cjm.maps.stages_text IS 'stages as text';
COMMENT ON COLUMN cjm.maps.refusal_text IS 'refusal as text';
COMMENT ON COLUMN cjm.maps.purchase_text IS 'purchase as text';
COMMENT ON COLUMN cjm.maps.visit_text IS 'visit as text';
GRANT SELECT ON cjm.maps TO PUBLIC;

-- Who may create in a schema of somebody else's could put a view there that is taken for one of a map.
CREATE FUNCTION cjm_internal.map_check_owner(map regnamespace) RETURNS void
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 100
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	other record;
BEGIN
	SELECT c.relname, c.oid::regclass AS view, c.relowner::regrole AS owner, n.nspname, n.nspowner::regrole AS holder INTO other
	FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid AND c.relowner <> n.nspowner
	WHERE n.oid = map_check_owner.map AND c.relname = ANY (cjm_internal.map_names())
	ORDER BY c.relname <> 'map', c.relname LIMIT 1;
	IF FOUND THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('the view "%s" of the map "%s" belongs to %s, and its schema to %s', other.relname, other.nspname, other.owner, other.holder),
			DETAIL = 'Whoever reads a view runs what its owner wrote, so all of a map has one owner.',
			HINT = format('If what the view says can be trusted: ALTER VIEW %s OWNER TO %s.', other.view, other.holder);
	END IF;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_check_owner(regnamespace) IS 'an error if a view of a map belongs to another role than its schema';

-- What came last to the views that all others read.
CREATE FUNCTION cjm_internal.map_is_older(map regnamespace) RETURNS boolean
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = map AND c.relname = 'events' AND c.relkind = 'v'
	AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'session'));
COMMENT ON FUNCTION cjm_internal.map_is_older(regnamespace) IS 'whether a map has the views that an older version of cjm has made';

-- A name is taken as it is; one in double quotes, as regnamespace prints it, is read.  The schema is looked for first, so that
-- no other is looked at.  Whatever the view says, where_is is what was asked.
CREATE FUNCTION cjm_internal.map_of(name text, where_is jsonb DEFAULT NULL, of_any_version boolean DEFAULT false) RETURNS cjm_internal.map
	LANGUAGE plpgsql STABLE PARALLEL SAFE COST 200
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map;
	wanted text[] := ARRAY[name];
	home oid;
BEGIN
	IF name IS NULL THEN
		RAISE null_value_not_allowed USING
			MESSAGE = 'the name of the map is NULL',
			HINT = 'All maps that you may read are in cjm.maps.';
	END IF;
	IF name ~ '^"(?:[^"]|"")+"$' THEN
		wanted := wanted || replace(substr(name, 2, length(name) - 2), '""', '"');
	END IF;
	FOR home IN SELECT n.oid FROM pg_namespace n WHERE n.nspname = ANY (wanted) ORDER BY array_position(wanted, n.nspname::text)
	LOOP
		SELECT d.* INTO def
		FROM pg_class c CROSS JOIN LATERAL cjm_internal.map_definition(c.oid) d
		WHERE c.relnamespace = home AND c.relname = 'map' AND c.relkind = 'v' AND d.map = home;
		EXIT WHEN FOUND;
	END LOOP;
	IF def.map IS NULL THEN
		RAISE undefined_object USING
			MESSAGE = format('there is no map "%s"', name),
			HINT = coalesce(
				(SELECT format('Did you mean "%s"? ', near) FROM cjm_internal.map_nearest(name, (SELECT array_agg(n.nspname::text)
					FROM cjm.maps m JOIN pg_namespace n ON n.oid = m.map)) near WHERE near IS NOT NULL), '') ||
				'All maps that you may read are in cjm.maps.';
	ELSIF NOT has_schema_privilege(def.map, 'USAGE') THEN
		RAISE insufficient_privilege USING MESSAGE = format('permission denied for schema %s', cjm_internal.map_schema(def));
	END IF;
	PERFORM cjm_internal.map_check_owner(def.map);
	IF NOT of_any_version AND cjm_internal.map_is_older(def.map) THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('the map "%s" was made by an older version of cjm', name),
			DETAIL = 'Its views say what they said; reports, drawings and kept journeys need the views that maps have now.',
			HINT = format('SELECT cjm.upgrade_map(%L) makes them anew.', name);
	END IF;
	PERFORM cjm_internal.map_check_where(where_is);
	def.where_is := where_is;
	def.groups := NULL;
	RETURN def;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_of(text, jsonb, boolean) IS
	'the definition of a map by its name, and which customers are asked for; an error if there is none, if it is not to be trusted, or, unless maps of any version will do, if an older version has made it';
