--
-- What customers wrote with their answers: the view comments, which a map has that
-- says where they are, and feedback_words, which offers some of them.
--

-- What customers wrote is in a view of its own, where the map says where it is: nobody else reads it, and journeys have none of it.
CREATE FUNCTION cjm_internal.map_make_comments(map cjm_internal.map) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(map);
	there boolean := cjm_internal.steering_has(map, 'comments');
	detail text;
	made record;
BEGIN
	IF (map).comment IS NULL THEN
		IF there THEN
			EXECUTE format('DROP VIEW %s.comments', schema);
		END IF;
		RETURN;
	END IF;
	BEGIN
		EXECUTE format('CREATE OR REPLACE VIEW %1$s.comments%2$s AS SELECT %3$s AS customer, %4$s AS at, %5$s AS event, %6$s AS value, %7$s AS comment FROM %8$s WHERE %9$s(%7$s) <> '''' COLLATE "C"',
			schema, CASE WHEN (map).access = 'reader' THEN ' WITH (security_invoker = true)' WHEN (map).filter IS NOT NULL THEN ' WITH (security_barrier = true)' END,
			(map).customer, CASE WHEN (map).sequence IS NULL THEN (map).at ELSE format('cjm_internal.map_in_sequence(%s, %s)', (map).at, (map).sequence) END, (map).event, coalesce((map).value, 'NULL::float8'), (map).comment,
			(map).source, '(' || (map).filter || ') AND ');
	EXCEPTION WHEN invalid_table_definition THEN
		GET STACKED DIAGNOSTICS detail = MESSAGE_TEXT;
		RAISE invalid_table_definition USING
			MESSAGE = format('the view "comments" of the map cannot be replaced: %s', detail),
			HINT = 'Views that read it hold its columns as they are: keep the type, or use cjm.drop_map and make the map again.';
	END;
	FOR made IN SELECT c.column_name, c.comment FROM cjm_internal.steering_comments() c WHERE c.relation_name = 'comments'
	LOOP
		IF made.column_name IS NULL THEN
			EXECUTE format('COMMENT ON VIEW %s.comments IS %L', schema, made.comment);
		ELSE
			EXECUTE format('COMMENT ON COLUMN %s.comments.%I IS %L', schema, made.column_name, made.comment);
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_make_comments(cjm_internal.map) IS 'makes the view comments of a map that says where comments are, or makes it anew; of another one it takes it away';

-- Each comment is of the answer that it came with.  A score of one survey is held against those of another by where it lies between the lowest and the highest.
CREATE FUNCTION cjm_internal.map_words_sql(map cjm_internal.map, by text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	answers text[] := cjm_internal.map_answer_events(map);
BEGIN
	RETURN format('WITH said AS MATERIALIZED (
			SELECT %5$s AS label, t.step, t.at, t.event, t.value, c.comment, CASE t.event WHEN %9$L THEN t.value / 10 WHEN %10$L THEN (t.value - 1) / 4 ELSE (t.value - 1) / 6 END AS level
			FROM %3$s.journeys j CROSS JOIN LATERAL unnest(cjm_internal.map_answers(j.journey, %1$L::cjm.funnel, %2$L::text[], now())) t
				JOIN %3$s.comments c ON c.customer = j.customer AND c.at = t.at AND c.event::text COLLATE "C" = t.event AND c.value::float8 = t.value
			WHERE (%4$s) AND %6$s%7$s
		)
		SELECT s.label, s.step, %8$s[s.step] AS stage, k.kind, s.at, s.event, s.value, s.comment
		FROM (VALUES (1, ''latest''), (2, ''best''), (3, ''worst'')) k(place, kind) CROSS JOIN LATERAL (
			SELECT DISTINCT ON (w.label, w.step) w.* FROM said w
			ORDER BY w.label, w.step, CASE k.kind WHEN ''best'' THEN w.level WHEN ''worst'' THEN 1 - w.level END DESC, w.at DESC, w.level DESC, w.comment COLLATE "C", w.event COLLATE "C") s
		ORDER BY s.label COLLATE "C", s.step, k.place',
		(map).stages, answers, cjm_internal.map_schema(map),
		(SELECT coalesce(string_agg(format('cjm.has_event(j.journey, %L::text)', a.event), ' OR '), 'false') FROM unnest(answers) a(event)),
		cjm_internal.map_split(cjm_internal.map_words(map), by, (map).groups), cjm_internal.map_is_score(map),
		concat(CASE WHEN ranged THEN ' AND t.at >= $1 AND t.at < $2' END, cjm_internal.map_where(map, 'AND', cjm_internal.map_words(map))),
		cjm_internal.map_stage_names(map), (map).nps, (map).csat);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_words_sql(cjm_internal.map, text, boolean) IS 'SQL of feedback_words';

CREATE FUNCTION cjm.feedback_words(
	map text,
	by text DEFAULT NULL,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL)
	RETURNS TABLE (by_value text, step integer, stage text, kind text, at timestamptz, event text, score float8, comment text)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 30
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
BEGIN
	IF def.comment IS NULL OR cjm_internal.map_answer_events(def) = '{}' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('the map "%s" has no %s', map, CASE WHEN def.comment IS NULL THEN 'comments' ELSE 'answers that comments belong to' END),
			HINT = CASE WHEN def.comment IS NULL THEN 'Say where customers'' words are: cjm.create_map(..., comment => ''...'', replace => true).' ELSE 'Say which event is one: cjm.create_map(..., nps => ''...'', replace => true), or csat, or ces.' END;
	END IF;
	RETURN QUERY EXECUTE cjm_internal.map_words_sql(def, by, cjm_internal.map_ranged(from_time, to_time)) USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;
COMMENT ON FUNCTION cjm.feedback_words(text, text, timestamptz, timestamptz, jsonb) IS
'what customers wrote with their answers, of a map with a comment: of each stage the latest comment, and that of the best and of the worst score, the latest of several.
by: NULL, a dimension of the map (segment), or first_channel
where_is: which customers, as in feedback_report
step, stage: where the customer stood; 0 is before the first. kind: latest, best or worst; event, score: the answer that it came with';
