--
-- Which customers a report is about, and what it can be by.
--
-- Both are said by names: each dimension of the map, and the words that a report
-- knows beside them, as first_channel.  What a name stands for is SQL over a
-- journey j, or over whatever else the report's query has; an object of names and
-- SQL is called words here.  A report is given
--
--   def cjm_internal.map := cjm_internal.map_of(map, where_is);
--
-- which carries where_is with the definition, and says to the query that is made of it
--
--   format('SELECT %s AS label ... FROM %s.journeys j%s GROUP BY 1', cjm_internal.map_split(words, by), cjm_internal.map_schema(def),
--       cjm_internal.map_where(def, 'WHERE', words));
--
-- with words as map_words, map_walk_words or one of its own has them.  Names are looked up
-- and never printed, values are quoted constants of type text[]: nothing in where_is can
-- become SQL, whoever wrote it.  Without where_is nothing is added to the query.
--

-- A value or a list of values for each name; what is a number or true is compared as it is written.
CREATE FUNCTION cjm_internal.map_check_where(where_is jsonb) RETURNS void
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	given record;
BEGIN
	IF jsonb_typeof(where_is) <> 'object' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('where_is must be an object, not %s', left(where_is::text, 40)),
			HINT = 'Give a value, or a list of them, for each name: {"segment": ["LV", "EE"], "first_channel": null}.';
	END IF;
	SELECT w.key, w.value INTO given
	FROM jsonb_each(where_is) w
	WHERE jsonb_typeof(w.value) = 'object' OR jsonb_typeof(w.value) = 'array' AND EXISTS (
		SELECT FROM jsonb_array_elements(CASE jsonb_typeof(w.value) WHEN 'array' THEN w.value ELSE '[]' END) e WHERE jsonb_typeof(e) = ANY ('{object,array}'::text[]))
	ORDER BY w.key COLLATE "C" LIMIT 1;
	IF FOUND THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('"%s" of where_is must be a value or a list of values, not %s', left(given.key, 100), left(given.value::text, 40)),
			HINT = 'It is what the customers have there, or all that they may have: "LV", ["LV", "EE", null].';
	END IF;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_check_where(jsonb) IS 'an error if a where_is is nothing that customers can be asked for';

-- The one place that knows where dimensions are.
CREATE FUNCTION cjm_internal.map_dimensions_sql(map cjm_internal.map) RETURNS jsonb
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT jsonb_object_agg(d.name, CASE d.name WHEN 'segment' THEN 'j.segment' ELSE format('(j.dimensions ->> %L::text)', d.name) END)
	FROM unnest('{segment}'::text[] || cjm_internal.map_dimension_names(map)) d(name));
COMMENT ON FUNCTION cjm_internal.map_dimensions_sql(cjm_internal.map) IS 'SQL of each dimension of a customer, by its name, over a row j of the view journeys';

-- Names and values apart: a list of names that knows nothing of the journey is read once, where values of each journey would be a list for each.
CREATE FUNCTION cjm_internal.map_values_sql(map cjm_internal.map, dimensions text[], OUT names text, OUT value text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT ROW(coalesce('VALUES ' || string_agg(format('(%s, %L::text)', w.place, w.name), ', ' ORDER BY w.place), 'SELECT NULL::integer, NULL::text WHERE false'),
		coalesce('CASE d.place ' || string_agg(format('WHEN %s THEN %s', w.place, w.expression), ' ' ORDER BY w.place) || ' END', 'NULL::text'))
	FROM (SELECT row_number() OVER (ORDER BY e.name COLLATE "C") AS place, e.name, e.expression
		FROM jsonb_each_text(cjm_internal.map_dimensions_sql(map)) e(name, expression) WHERE e.name = ANY (dimensions)) w);
COMMENT ON FUNCTION cjm_internal.map_values_sql(cjm_internal.map, text[]) IS 'SQL: the places and names of these dimensions, as d, and the value that a journey j has of each';

CREATE FUNCTION cjm_internal.map_words(map cjm_internal.map) RETURNS jsonb
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN cjm_internal.map_dimensions_sql(map) || '{"first_channel": "cjm.first_channel(j.journey)"}'::jsonb;
COMMENT ON FUNCTION cjm_internal.map_words(cjm_internal.map) IS 'SQL of what is known of every customer, by names: dimensions, and first_channel';

-- Of a report about walks, which has channels of three kinds, and channel alone is the walk's.  entered: SQL, the range that walks begin in, or NULL.
CREATE FUNCTION cjm_internal.map_walk_words(map cjm_internal.map, entered text) RETURNS jsonb
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT cjm_internal.map_words(map) || jsonb_build_object('channel', format('cjm.entry_channel(%s)', w.arguments), 'entry_channel', format('cjm.entry_channel(%s)', w.arguments),
		'session_channel', cjm_internal.map_session_channel_sql(map, cjm_internal.map_began_sql(map, format('cjm.funnel_times(%s)', w.arguments))))
	FROM (SELECT format('j.journey, %L::cjm.funnel', (map).stages) || coalesce(', ' || entered, '') AS arguments) w);
COMMENT ON FUNCTION cjm_internal.map_walk_words(cjm_internal.map, text) IS
	'SQL of what a report about walks knows, by names: map_words, entry_channel or channel, and session_channel (of the session in which the walk began)';

CREATE FUNCTION cjm_internal.map_words_hint(words text[], name text, lead text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN concat('Did you mean "' || cjm_internal.map_nearest(name, words) || '"? ', lead, (SELECT string_agg(w, ', ' ORDER BY w COLLATE "C") FROM unnest(words) w), '.');
COMMENT ON FUNCTION cjm_internal.map_words_hint(text[], text, text) IS 'what to do where a name is none of those that a report knows';

CREATE FUNCTION cjm_internal.map_split(words jsonb, by text, groups text[] DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	split text := coalesce(words ->> by, 'NULL::text');
	shown text[] := array_remove(groups, NULL) || NULL::text;
BEGIN
	IF by IS NOT NULL AND NOT words ? by THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('this report cannot be split by "%s"', left(by, 100)),
			HINT = cjm_internal.map_words_hint(ARRAY(SELECT jsonb_object_keys(words)), by, 'It can by ');
	END IF;
	-- Looked up among those that are shown, NULL being one of them, so that it is worked out once.
	RETURN CASE WHEN by IS NULL OR groups IS NULL THEN split
		ELSE format('(%L::text[])[coalesce(array_position(%L::text[], (%s) COLLATE "C"), %s)]', shown || 'others'::text, shown, split, cardinality(shown) + 1) END;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_split(jsonb, text, text[]) IS 'SQL: what the rows of a report are split by, all that are not among the groups, if these are given, being others; an error if this report knows no such word';

-- What stands in braces is there where rows are split.
CREATE FUNCTION cjm_internal.map_if_split(query text, split boolean) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN regexp_replace(query, '\{([^{}]*)\}', CASE WHEN split THEN '\1' ELSE '' END, 'g');
COMMENT ON FUNCTION cjm_internal.map_if_split(text, boolean) IS 'SQL with or without what stands in braces';

-- elsewhere: names that the report asks for in another part of its query.  Bytes are compared, whatever the collation.
CREATE FUNCTION cjm_internal.map_where(map cjm_internal.map, lead text, words jsonb, elsewhere text[] DEFAULT '{}') RETURNS text
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	given record;
	conditions text[] := '{}';
BEGIN
	FOR given IN
		SELECT w.key AS name, w.value IS NULL OR w.value = 'null' OR w.value @> '[null]' AS missing, words ->> w.key AS expression,
			ARRAY(SELECT v FROM jsonb_array_elements_text(CASE jsonb_typeof(w.value) WHEN 'array' THEN w.value ELSE jsonb_build_array(w.value) END) v WHERE v IS NOT NULL) AS texts
		FROM jsonb_each((map).where_is) w ORDER BY w.key COLLATE "C"
	LOOP
		CONTINUE WHEN given.name = ANY (elsewhere);
		IF given.expression IS NULL THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('this report cannot ask for "%s"', left(given.name, 100)),
				HINT = cjm_internal.map_words_hint(elsewhere || ARRAY(SELECT jsonb_object_keys(words)), given.name, 'where_is may have ');
		END IF;
		conditions := conditions || concat('(', CASE WHEN given.missing THEN format('(%s) IS NULL OR ', given.expression) END,
			format('(%s) COLLATE "C" = ANY (%L::text[])', given.expression, given.texts), ')');
	END LOOP;
	RETURN CASE WHEN conditions = '{}' THEN '' ELSE concat(' ', lead, ' ', array_to_string(conditions, ' AND ')) END;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_where(cjm_internal.map, text, jsonb, text[]) IS
	'SQL: the condition of where_is on what the words stand for, after WHERE or AND; empty without one, and an error if a name is no word';

-- Where a journey has many rows, its group is worked out once.  For the offset see 906-map_views.sql; Citus would fetch all journeys for it.
CREATE FUNCTION cjm_internal.map_journeys_by(map cjm_internal.map, split text, condition text) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN format(CASE WHEN cjm_internal.map_distributed((map).source) THEN '(SELECT j.customer, j.journey, %s AS label FROM %s.journeys j%s) j'
		ELSE '(SELECT j.journey, %s AS label FROM %s.journeys j%s OFFSET ''0'') j' END, split, cjm_internal.map_schema(map), condition);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_journeys_by(cjm_internal.map, text, text) IS 'SQL: the journeys j of a map that meet a condition, each with the group that its customer is in, of which SQL is given, as label';

-- What is drawn for each group: more of them are no picture.
CREATE FUNCTION cjm_internal.map_with_groups(map cjm_internal.map, words jsonb, by text, condition text, from_time timestamptz, to_time timestamptz) RETURNS cjm_internal.map
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	most CONSTANT integer := 6;
BEGIN
	EXECUTE format('SELECT coalesce(array_agg(g.label ORDER BY g.customers DESC, g.label COLLATE "C"), ''{}'')
		FROM (SELECT l.label, l.customers, row_number() OVER (PARTITION BY l.label IS NULL ORDER BY l.customers DESC, l.label COLLATE "C") AS place
			FROM (SELECT %s AS label, count(*) AS customers FROM %s.journeys j WHERE %s%s GROUP BY 1) l) g WHERE g.place <= %s',
		cjm_internal.map_split(words, by), cjm_internal.map_schema(map), condition, cjm_internal.map_where(map, 'AND', words), most)
		INTO map.groups USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
	RETURN map;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_with_groups(cjm_internal.map, jsonb, text, text, timestamptz, timestamptz) IS
	'a map of which the groups that most customers are in, of those who meet a condition, are shown by themselves, the largest first, NULL beside them';
