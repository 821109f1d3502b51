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
	ces text
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
COMMENT ON COLUMN cjm_internal.map.segment_at IS 'which segment a customer with several has, the first or the last';
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

CREATE FUNCTION cjm_internal.map_definition(map_view oid) RETURNS SETOF cjm_internal.map
	AS 'MODULE_PATHNAME', 'map_definition'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50 ROWS 1;
COMMENT ON FUNCTION cjm_internal.map_definition(oid) IS
	'the definition that a view of constants holds, read without running it; no row if it is not a map''s';

CREATE FUNCTION cjm_internal.map_expression(source regclass, expression text, argument text, time_zone text) RETURNS text
	AS 'MODULE_PATHNAME', 'map_expression'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.map_expression(regclass, text, text, text) IS
	'an expression over a row of the source, checked, converted to what an argument of create_map has to be, and printed so that it means the same in every search_path';

CREATE FUNCTION cjm_internal.map_expressions(map_view oid) RETURNS text[]
	AS 'MODULE_PATHNAME', 'map_expressions'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 500;
COMMENT ON FUNCTION cjm_internal.map_expressions(oid) IS
	'what the view events of a map reads as customer, at, event, channel, value, segment, and its filter, as they would be written now; NULL if it is another view';

CREATE FUNCTION cjm_internal.map_nearest(name text, names text[]) RETURNS text
	AS 'MODULE_PATHNAME', 'map_nearest'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm_internal.map_nearest(text, text[]) IS 'the one of the names that somebody may have meant, or NULL';

-- The catalogs alone are asked: whoever lists the maps runs no view of somebody else's.
CREATE VIEW cjm.maps AS
SELECT d.map, pg_catalog.pg_get_userbyid(c.relowner) AS owner, d.source, d.stages, d.customer, d.at, d.event, d.channel,
	d.value, d.segment, d.segment_at, d.filter, d.session_gap, d.time_zone, d.access, d.spend, d.attribution, d.nps, d.csat, d.ces
FROM pg_catalog.pg_class c
	JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	CROSS JOIN LATERAL cjm_internal.map_definition(c.oid) d
WHERE c.relname = 'map' AND c.relkind = 'v' AND d.map = n.oid
	AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT');
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
COMMENT ON COLUMN cjm.maps.segment_at IS 'which segment a customer with several has, the first or the last';
COMMENT ON COLUMN cjm.maps.filter IS 'condition: which rows count, or NULL for all';
COMMENT ON COLUMN cjm.maps.session_gap IS 'what is longer ends a session';
COMMENT ON COLUMN cjm.maps.time_zone IS 'where days, weeks and months begin';
COMMENT ON COLUMN cjm.maps.access IS 'owner: the views read the source with the rights of the map''s owner; reader: with those of whoever asks';
COMMENT ON COLUMN cjm.maps.spend IS 'the table or view of what the channels cost, or NULL';
COMMENT ON COLUMN cjm.maps.attribution IS 'the attribution model that the view channels credits conversions by';
COMMENT ON COLUMN cjm.maps.nps IS 'the event whose value is an answer from 0 to 10, or NULL';
COMMENT ON COLUMN cjm.maps.csat IS 'the event whose value is an answer from 1 to 5, or NULL';
COMMENT ON COLUMN cjm.maps.ces IS 'the event whose value is an answer from 1 to 7, or NULL';
GRANT SELECT ON cjm.maps TO PUBLIC;

-- A name is taken as it is; one in double quotes, as regnamespace prints it, is read.
CREATE FUNCTION cjm_internal.map_of(name text) RETURNS cjm_internal.map
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 200
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found cjm_internal.map;
	wanted text[] := ARRAY[name];
BEGIN
	IF name ~ '^"(?:[^"]|"")+"$' THEN
		wanted := wanted || replace(substr(name, 2, length(name) - 2), '""', '"');
	END IF;
	SELECT d.* INTO found
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL cjm_internal.map_definition(c.oid) d
	WHERE n.nspname = ANY (wanted) AND c.relname = 'map' AND c.relkind = 'v' AND d.map = n.oid
	ORDER BY array_position(wanted, n.nspname::text)
	LIMIT 1;
	IF found.map IS NULL THEN
		RAISE undefined_object USING
			MESSAGE = format('there is no map "%s"', name),
			HINT = coalesce(
				(SELECT format('Did you mean "%s"? ', near) FROM cjm_internal.map_nearest(name, (SELECT array_agg(n.nspname::text)
					FROM cjm.maps m JOIN pg_namespace n ON n.oid = m.map)) near WHERE near IS NOT NULL), '') ||
				'All maps that you may read are in cjm.maps.';
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_of(text) IS 'the definition of a map by its name; an error if there is none';
