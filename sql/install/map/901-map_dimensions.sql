--
-- Dimensions: properties of customers, one value each, the first or the last that is known.
--
-- segment is the dimension of that name, and all are had in the same way.  The view
-- "events" has what a row says of them, the segment in a column of its own and the others
-- in an array, in the order in which jsonb has their names; so the columns of the view
-- are the same whatever dimensions a map has.  The view "journeys" takes one pass over the rows
-- for all of them, and has them as an object.  A subquery that asks for nothing of a row
-- but its customer is not asked there, but once for each customer.
--

CREATE FUNCTION cjm_internal.map_touches_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.map_touches_serialize(internal) IS 'serialization function of map_first_touches and map_last_touches';

CREATE FUNCTION cjm_internal.map_touches_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.map_touches_deserialize(bytea, internal) IS 'deserialization function of map_first_touches and map_last_touches';

CREATE FUNCTION cjm_internal.map_touches_final(internal) RETURNS text[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.map_touches_final(internal) IS 'final function of map_first_touches and map_last_touches';

CREATE FUNCTION cjm_internal.map_touches_first(internal, at timestamptz, VARIADIC "any") RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION cjm_internal.map_touches_first(internal, timestamptz, "any") IS 'transition function of map_first_touches';

CREATE FUNCTION cjm_internal.map_touches_first_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.map_touches_first_combine(internal, internal) IS 'combine function of map_first_touches';

CREATE AGGREGATE cjm_internal.map_first_touches(at timestamptz, VARIADIC "any") (
	SFUNC = cjm_internal.map_touches_first,
	STYPE = internal,
	SSPACE = 192,
	FINALFUNC = cjm_internal.map_touches_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.map_touches_first_combine,
	SERIALFUNC = cjm_internal.map_touches_serialize,
	DESERIALFUNC = cjm_internal.map_touches_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm_internal.map_first_touches(timestamptz, "any") IS
	'of each of several texts the first that is not NULL, of several at one time the one whose bytes are smallest: the dimensions of the journeys of a map';

CREATE FUNCTION cjm_internal.map_touches_last(internal, at timestamptz, VARIADIC "any") RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION cjm_internal.map_touches_last(internal, timestamptz, "any") IS 'transition function of map_last_touches';

CREATE FUNCTION cjm_internal.map_touches_last_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.map_touches_last_combine(internal, internal) IS 'combine function of map_last_touches';

CREATE AGGREGATE cjm_internal.map_last_touches(at timestamptz, VARIADIC "any") (
	SFUNC = cjm_internal.map_touches_last,
	STYPE = internal,
	SSPACE = 192,
	FINALFUNC = cjm_internal.map_touches_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.map_touches_last_combine,
	SERIALFUNC = cjm_internal.map_touches_serialize,
	DESERIALFUNC = cjm_internal.map_touches_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm_internal.map_last_touches(timestamptz, "any") IS
	'of each of several texts the last that is not NULL, of several at one time the one whose bytes are smallest: the dimensions of the journeys of a map';

CREATE FUNCTION cjm_internal.map_part_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.map_part_support(internal) IS 'planner support of map_part: takes the part of an array that is being made';

CREATE FUNCTION cjm_internal.map_part("values" text[], place integer) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 SUPPORT cjm_internal.map_part_support;
COMMENT ON FUNCTION cjm_internal.map_part(text[], integer) IS 'a value by its place, as a subscript, but that no array is made for it alone';

CREATE FUNCTION cjm_internal.map_dimensions(names text[], "values" text[]) RETURNS jsonb
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION cjm_internal.map_dimensions(text[], text[]) IS 'an object of values by their names, null for those that are not there; NULL without names';

CREATE FUNCTION cjm_internal.map_dimensions_same(object jsonb, other jsonb) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.map_dimensions_same(jsonb, jsonb) IS 'whether objects of dimensions are the same, as = says, which takes ten times as long';

CREATE FUNCTION cjm_internal.map_of_customer(source regclass, customer text, expression text) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 200;
COMMENT ON FUNCTION cjm_internal.map_of_customer(regclass, text, text) IS
	'SQL: an expression with a subquery that asks for nothing of a row but its customer, over a row e that has the customer; NULL if it is no such expression';

--
-- What a map has
--

-- What reports can be asked by beside dimensions, and what others have as a column of theirs.
CREATE FUNCTION cjm_internal.map_taken_names() RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '{channel,entry_channel,first_channel,session_channel,event,entry_event,exit_event,last_event,next_event,visitor,none,driver,step,stage,customer}'::text[];
COMMENT ON FUNCTION cjm_internal.map_taken_names() IS 'names that mean something else in reports, and that no dimension can have';

CREATE FUNCTION cjm_internal.map_check_dimensions(dimensions jsonb) RETURNS boolean
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found record;
	most CONSTANT integer := 64;
BEGIN
	IF jsonb_typeof(dimensions) <> 'object' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('dimensions must be an object of names and expressions, not %s', left(dimensions::text, 40)),
			HINT = 'Such as {"country": "country", "device": "payload ->> ''device''"}.';
	END IF;
	FOR found IN SELECT d.key AS name, d.value FROM jsonb_each(dimensions) d
	LOOP
		IF found.name = '' OR octet_length(found.name) > 63 OR found.name ~ '[[:cntrl:]]' THEN
			RAISE invalid_name USING
				MESSAGE = format('a dimension cannot be called "%s"', left(found.name, 64)),
				HINT = 'The name of a dimension has 1 to 63 bytes, and no control characters.';
		ELSIF found.name = ANY (cjm_internal.map_taken_names()) THEN
			RAISE reserved_name USING
				MESSAGE = format('a dimension cannot be called "%s"', found.name),
				HINT = format('Reports know %s as something else.', array_to_string(cjm_internal.map_taken_names(), ', '));
		ELSIF jsonb_typeof(found.value) <> 'string' THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('dimension "%s" must be an expression in a string, not %s', found.name, left(found.value::text, 40)),
				HINT = 'Such as {"country": "country", "device": "payload ->> ''device''"}.';
		END IF;
	END LOOP;
	IF (SELECT count(*) FROM jsonb_object_keys(dimensions)) > most THEN
		RAISE program_limit_exceeded USING
			MESSAGE = format('a map cannot have more than %s dimensions', most),
			HINT = 'What is seldom asked for can be joined to the view journeys by its customer.';
	END IF;
	RETURN true;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_check_dimensions(jsonb) IS 'true; an error if an argument of create_map is no object of names and expressions of dimensions';

-- In the caller's search_path, as all expressions of create_map.
CREATE FUNCTION cjm_internal.map_read_dimensions(source regclass, dimensions jsonb, time_zone text) RETURNS jsonb
	LANGUAGE sql STABLE PARALLEL SAFE
RETURN (SELECT pg_catalog.jsonb_object_agg(d.key, cjm_internal.map_expression(source, d.value, 'dimension ' OPERATOR(pg_catalog.||) d.key, time_zone))
	FROM pg_catalog.jsonb_each_text(CASE WHEN cjm_internal.map_check_dimensions(dimensions) THEN dimensions END) d);
COMMENT ON FUNCTION cjm_internal.map_read_dimensions(regclass, jsonb, text) IS 'dimensions of a map, each expression as map_expression has it; NULL for none';

CREATE TYPE cjm_internal.map_dimension AS (place integer, name text, by_customer text);
COMMENT ON TYPE cjm_internal.map_dimension IS 'a dimension of a map';
COMMENT ON COLUMN cjm_internal.map_dimension.place IS 'its place in the array that a row of the view events has; 0: it is the segment';
COMMENT ON COLUMN cjm_internal.map_dimension.name IS 'its name';
COMMENT ON COLUMN cjm_internal.map_dimension.by_customer IS 'SQL of it over a row e that has the customer, NULL if that is not all it asks for';

CREATE FUNCTION cjm_internal.map_dimension_list(map cjm_internal.map) RETURNS SETOF cjm_internal.map_dimension
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE ROWS 5
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY SELECT d.place::integer, d.name,
			CASE WHEN d.expression ~* 'select' THEN cjm_internal.map_of_customer((map).source, (map).customer, d.expression) END
		FROM (SELECT 0 AS place, 'segment' AS name, (map).segment AS expression WHERE (map).segment IS NOT NULL
			UNION ALL SELECT e.place, e.name, e.expression FROM jsonb_each_text((map).dimensions) WITH ORDINALITY e(name, expression, place)) d
		ORDER BY d.place;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_dimension_list(cjm_internal.map) IS 'the dimensions of a map, segment first if it has one';

CREATE FUNCTION cjm_internal.map_dimension_names(map cjm_internal.map) RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN (map).segment IS NOT NULL THEN '{segment}'::text[] ELSE '{}'::text[] END
	|| ARRAY(SELECT d.name FROM jsonb_object_keys((map).dimensions) WITH ORDINALITY d(name, place) ORDER BY d.place);
COMMENT ON FUNCTION cjm_internal.map_dimension_names(cjm_internal.map) IS 'the names of the dimensions of a map, segment first if it has one';

CREATE FUNCTION cjm_internal.map_dimensions_of_row_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN coalesce((SELECT 'ARRAY[' || string_agg(d.expression, ', ' ORDER BY d.place) || ']::text[]'
	FROM jsonb_each_text((map).dimensions) WITH ORDINALITY d(name, expression, place)), 'NULL::text[]');
COMMENT ON FUNCTION cjm_internal.map_dimensions_of_row_sql(cjm_internal.map) IS 'SQL: an array of what a row of the source says of the dimensions of a map, without the segment';

CREATE FUNCTION cjm_internal.map_part_sql(place integer) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE place WHEN 0 THEN 'e.segment' ELSE format('cjm_internal.map_part(e.dimensions, %s)', place) END;
COMMENT ON FUNCTION cjm_internal.map_part_sql(integer) IS 'SQL: what a row e of the view events says of the dimension in a place';

CREATE FUNCTION cjm_internal.map_object_sql(names text[], "values" text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN names = '{}' THEN '''{}''::jsonb' ELSE format('cjm_internal.map_dimensions(%L::text[], %s)', names, "values") END;
COMMENT ON FUNCTION cjm_internal.map_object_sql(text[], text) IS 'SQL: an object of values, an array of which SQL is given, by their names';

-- The aggregate takes what rows say as it is, and not as an array, which would have to be made for each of them.  It is NULL where no row
-- says anything, so it stands last: what is put after NULL would come into the places of what is not there.
CREATE FUNCTION cjm_internal.map_grouped_sql(map cjm_internal.map, OUT segment text, OUT dimensions text)
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	by_row cjm_internal.map_dimension[] := ARRAY(SELECT d FROM cjm_internal.map_dimension_list(map) d WHERE d.by_customer IS NULL ORDER BY d.place);
	by_customer cjm_internal.map_dimension[] := ARRAY(SELECT d FROM cjm_internal.map_dimension_list(map) d WHERE d.by_customer IS NOT NULL ORDER BY d.place);
	touched text;
BEGIN
	SELECT format('cjm_internal.map_%s_touches(e.at, %s)', (map).segment_at, string_agg(
			cjm_internal.map_part_sql(d.place), ', ' ORDER BY d.place))
		INTO touched FROM unnest(by_row) d HAVING count(*) > 0;
	segment := CASE WHEN (map).segment IS NULL THEN 'NULL::text' ELSE coalesce((SELECT d.by_customer FROM unnest(by_customer) d WHERE d.place = 0), format('(%s)[1]', touched)) END;
	dimensions := cjm_internal.map_object_sql(ARRAY(SELECT d.name FROM unnest(by_customer || by_row) WITH ORDINALITY d(place, name, by_customer, n) ORDER BY d.n),
		concat_ws(' || ', (SELECT format('ARRAY[%s]::text[]', string_agg(d.by_customer, ', ' ORDER BY d.place)) FROM unnest(by_customer) d HAVING count(*) > 0), touched));
END
$$;
COMMENT ON FUNCTION cjm_internal.map_grouped_sql(cjm_internal.map) IS 'SQL: the segment and all dimensions of a customer, over rows e of the view events that are grouped by customer';
