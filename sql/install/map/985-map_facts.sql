--
-- What a journey map is drawn of: what its views and reports say of each stage.
--
-- Each fact is read from the view, or asked as its report is where a range or
-- customers are asked for, with the rights of whoever asks: the drawing has no
-- number that they have not.  Shares and means travel as numeric, which jsonb prints
-- the same whatever extra_float_digits says.
--

CREATE TYPE cjm_internal.map_drawn_touch AS (
	step integer,
	event text,
	customers bigint,
	with_rate float8,
	without_rate float8,
	difference float8,
	difference_low float8,
	difference_high float8,
	sure boolean
);
COMMENT ON TYPE cjm_internal.map_drawn_touch IS 'what a drawing of a map says of a touchpoint at a stage';
COMMENT ON COLUMN cjm_internal.map_drawn_touch.step IS 'number of the stage, 0 before the first one';
COMMENT ON COLUMN cjm_internal.map_drawn_touch.event IS 'the touchpoint';
COMMENT ON COLUMN cjm_internal.map_drawn_touch.customers IS 'customers who met it there';
COMMENT ON COLUMN cjm_internal.map_drawn_touch.with_rate IS 'share of them that went on, as in the view touchpoints, like all that follow';
COMMENT ON COLUMN cjm_internal.map_drawn_touch.without_rate IS 'the same of those whom they are compared with';
COMMENT ON COLUMN cjm_internal.map_drawn_touch.difference IS 'with_rate - without_rate; NULL where there is nothing to compare with';
COMMENT ON COLUMN cjm_internal.map_drawn_touch.difference_low IS 'lower end of its interval';
COMMENT ON COLUMN cjm_internal.map_drawn_touch.difference_high IS 'upper end of it';
COMMENT ON COLUMN cjm_internal.map_drawn_touch.sure IS 'whether it is surely one';

CREATE FUNCTION cjm_internal.map_row_names() RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '{customers,kpi,channels,touchpoints,mood,voice,leaks,actions}'::text[];
COMMENT ON FUNCTION cjm_internal.map_row_names() IS 'the rows that a map can be drawn with, in the order in which they stand if nothing is said';

CREATE FUNCTION cjm_internal.map_may_read(def cjm_internal.map, VARIADIC names text[]) RETURNS boolean
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT bool_and(coalesce(has_table_privilege(c.oid, 'SELECT'), false)) FROM unnest(names) n(name) LEFT JOIN pg_class c ON c.relnamespace = (def).map AND c.relname = n.name);
COMMENT ON FUNCTION cjm_internal.map_may_read(cjm_internal.map, text[]) IS 'whether a map has these views and tables and the caller may read all of them';

-- Of those that were chosen, or of all that the map has and the caller may read.  A report that does not know a word of where_is is left out, unless it was chosen.
CREATE FUNCTION cjm_internal.map_drawn_rows(def cjm_internal.map, rows text[], by text) RETURNS text[]
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	wrong text;
	of_customers boolean := def.where_is IS NULL OR cjm_internal.map_words(def) ?& ARRAY(SELECT jsonb_object_keys(def.where_is));
	of_groups CONSTANT text[] := '{customers,kpi,touchpoints,voice,actions}';
BEGIN
	SELECT r.name INTO wrong FROM unnest(rows) WITH ORDINALITY r(name, place) WHERE r.name IS NULL OR r.name <> ALL (cjm_internal.map_row_names()) OR by IS NOT NULL AND r.name <> ALL (of_groups) ORDER BY r.place LIMIT 1;
	IF FOUND THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('a map has no row "%s"%s', coalesce(left(wrong, 100), 'NULL'), CASE WHEN wrong = ANY (cjm_internal.map_row_names()) THEN ' of each group' END),
			HINT = format('Its rows are %s.', array_to_string(CASE WHEN by IS NULL THEN cjm_internal.map_row_names() ELSE of_groups END, ', '));
	ELSIF rows IS NOT NULL THEN
		RETURN ARRAY(SELECT r.name FROM unnest(rows) WITH ORDINALITY r(name, place) GROUP BY r.name ORDER BY min(r.place));
	END IF;
	RETURN ARRAY(SELECT r.name FROM unnest(cjm_internal.map_row_names()) WITH ORDINALITY r(name, place)
		WHERE CASE WHEN by IS NOT NULL AND r.name <> ALL (of_groups) THEN false
			WHEN r.name = 'channels' THEN def.channel IS NOT NULL AND coalesce(has_column_privilege(to_regclass(cjm_internal.map_schema(def) || '.journeys'), 'journey', 'SELECT'), false)
			WHEN r.name = 'mood' THEN cjm_internal.map_answer_events(def) <> '{}' AND of_customers AND cjm_internal.map_may_read(def, 'feedback')
			WHEN r.name = 'leaks' THEN cjm_internal.map_may_read(def, 'drop_off')
			ELSE true END
		ORDER BY r.place);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_drawn_rows(cjm_internal.map, text[], text) IS 'the rows that are drawn of a map; an error if one of those that were chosen is none';

-- A stage's own event is no touchpoint of it: everybody there has met it.
CREATE FUNCTION cjm_internal.map_own_event_sql(stages cjm.funnel) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT coalesce(string_agg(DISTINCT format('(t.step = %s AND t.touchpoint = %L)', s.step, s.event), ' OR '), 'false') FROM cjm.funnel_stages(stages) s WHERE s.step IS NOT NULL AND s.event IS NOT NULL AND s.channel IS NULL);
COMMENT ON FUNCTION cjm_internal.map_own_event_sql(cjm.funnel) IS 'SQL: whether a touchpoint t is what brings its customers to the stage that it was met at';

CREATE FUNCTION cjm_internal.map_touches_drawn(def cjm_internal.map, from_time timestamptz, to_time timestamptz) RETURNS cjm_internal.map_drawn_touch[]
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ranged boolean := cjm_internal.map_ranged(from_time, to_time);
	touches cjm_internal.map_drawn_touch[];
BEGIN
	EXECUTE format('SELECT array_agg((t.step, t.touchpoint, t.customers, t.with_rate, t.without_rate, t.difference, t.difference_low, t.difference_high, t.sure)::cjm_internal.map_drawn_touch
		ORDER BY t.step, t.touchpoint COLLATE "C") FROM (SELECT v.*, v.event AS touchpoint FROM %s v) t WHERE NOT (%s)',
		CASE WHEN ranged OR def.where_is IS NOT NULL THEN format('(%s)', cjm_internal.map_touchpoints_sql(def, 'event', 'event', ranged, false)) ELSE cjm_internal.map_schema(def) || '.touchpoints' END,
		cjm_internal.map_own_event_sql(def.stages))
		INTO touches USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
	RETURN coalesce(touches, '{}');
END
$$;
COMMENT ON FUNCTION cjm_internal.map_touches_drawn(cjm_internal.map, timestamptz, timestamptz) IS 'what a drawing says of the touchpoints of a map, without the events of the stages themselves';

-- What has been set for weeks that begin now: of the part that is asked for, if it is one and has a target, else of all.
CREATE FUNCTION cjm_internal.map_targets_drawn(def cjm_internal.map) RETURNS jsonb
	LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	targets jsonb;
BEGIN
	IF cjm_internal.map_may_read(def, 'targets') THEN
		EXECUTE format('SELECT jsonb_agg(to_jsonb(t)) FROM (SELECT DISTINCT ON (t.metric, t.step) t.metric, t.step, t.direction, t.value::numeric AS value FROM %s.targets t
			WHERE t.metric IN (''step_rate'', ''median_time'') AND (t.by IS NULL OR $2 IN (jsonb_build_object(t.by, t.by_value), jsonb_build_object(t.by, jsonb_build_array(t.by_value)))) AND t.from_day <= (now() AT TIME ZONE $1)::date AND t.stage IS NOT DISTINCT FROM (%s)[t.step]
			ORDER BY t.metric, t.step, t.by IS NULL, t.from_day DESC) t', cjm_internal.map_schema(def), cjm_internal.map_stage_names(def)) INTO targets USING def.time_zone, def.where_is;
	END IF;
	RETURN coalesce(targets, '[]');
END
$$;
COMMENT ON FUNCTION cjm_internal.map_targets_drawn(cjm_internal.map) IS 'the targets of the stages of a map that are in force, an array of objects';

CREATE FUNCTION cjm_internal.map_channels_drawn(def cjm_internal.map, from_time timestamptz, to_time timestamptz) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	channels jsonb;
BEGIN
	EXECUTE format('SELECT jsonb_agg(jsonb_build_object(''step'', t.step, ''channel'', t.channel, ''customers'', t.customers, ''share'', t.share::numeric) ORDER BY t.step, t.customers DESC, t.channel COLLATE "C") FROM (%s) t WHERE t.step > 0',
		cjm_internal.map_touchpoints_sql(def, 'channel', 'channel', cjm_internal.map_ranged(from_time, to_time), false)) INTO channels USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
	RETURN coalesce(channels, '[]');
END
$$;
COMMENT ON FUNCTION cjm_internal.map_channels_drawn(cjm_internal.map, timestamptz, timestamptz) IS 'the channels that customers met at each stage of a map, as touchpoint_report has them by channel';

-- Of the survey with most answers.  Means of the rows of a stage are added up by how many answers they are of.
CREATE FUNCTION cjm_internal.map_mood_drawn(def cjm_internal.map, feedback text) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('SELECT jsonb_agg(jsonb_build_object(''step'', m.step, ''n'', m.n, ''mean'', m.mean::numeric, ''low'', m.low, ''high'', m.high) ORDER BY m.step)
	FROM (SELECT u.step, u.low, u.high, u.n, u.sum / u.n::float8 AS mean, dense_rank() OVER (ORDER BY u.answers DESC, u.place) AS rank
		FROM (SELECT f.step, s.place, s.low, s.high, sum(s.n)::bigint AS n, sum(s.mean * s.n::float8) AS sum, sum(sum(s.n)) OVER (PARTITION BY s.place) AS answers
			FROM %s f CROSS JOIN LATERAL (VALUES (1, 0, 10, f.nps_answers, f.nps_mean), (2, 1, 5, f.csat_answers, f.csat_mean), (3, 1, 7, f.ces_answers, f.ces)) s(place, low, high, n, mean)
			WHERE f.step > 0 AND s.n > 0 GROUP BY 1, 2, 3, 4) u) m
	WHERE m.rank = 1', feedback);
COMMENT ON FUNCTION cjm_internal.map_mood_drawn(cjm_internal.map, text) IS 'SQL: the mean answer at each stage, of SQL of what the view feedback has';

CREATE FUNCTION cjm_internal.map_feedback_drawn(def cjm_internal.map, from_time timestamptz, to_time timestamptz) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ranged boolean := cjm_internal.map_ranged(from_time, to_time);
	facts jsonb;
BEGIN
	EXECUTE format('WITH f AS MATERIALIZED (SELECT * FROM %s v) SELECT jsonb_build_object(''mood'', coalesce((%s), ''[]''), ''happiness'', coalesce((SELECT jsonb_agg(to_jsonb(h) ORDER BY h.step) FROM (
			SELECT f.step, sum(f.unhappy)::bigint AS unhappy, (sum(f.unhappy_drop_rate * f.unhappy::float8) / nullif(sum(f.unhappy), 0)::float8)::numeric AS unhappy_rate,
				sum(f.happy)::bigint AS happy, (sum(f.happy_drop_rate * f.happy::float8) / nullif(sum(f.happy), 0)::float8)::numeric AS happy_rate
			FROM f WHERE f.step > 0 GROUP BY f.step) h), ''[]''))',
		CASE WHEN ranged OR def.where_is IS NOT NULL THEN format('(%s)', cjm_internal.map_feedback_sql(def, '', NULL, ranged)) ELSE cjm_internal.map_schema(def) || '.feedback' END, cjm_internal.map_mood_drawn(def, ''))
		INTO facts USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
	RETURN facts;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_feedback_drawn(cjm_internal.map, timestamptz, timestamptz) IS 'what a drawing says of answers at each stage: mood, the mean, and happiness, who of the unhappy and of the happy dropped';

CREATE FUNCTION cjm_internal.map_leaks_drawn(def cjm_internal.map, from_time timestamptz, to_time timestamptz) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ranged boolean := cjm_internal.map_ranged(from_time, to_time);
	leaks jsonb;
BEGIN
	EXECUTE format('SELECT jsonb_agg(to_jsonb(l) ORDER BY l.step) FROM (
			SELECT DISTINCT ON (d.step) d.step, d.last_event AS event, d.customers, sum(d.customers) OVER (PARTITION BY d.step)::bigint AS "of" FROM %s d WHERE d.customers > 0 ORDER BY d.step, d.customers DESC, d.last_event COLLATE "C") l',
		CASE WHEN ranged OR def.where_is IS NOT NULL THEN format('(%s)', cjm_internal.map_drop_off_sql(def, 'last_event', 'last_event', ranged)) ELSE cjm_internal.map_schema(def) || '.drop_off' END)
		INTO leaks USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
	RETURN coalesce(leaks, '[]');
END
$$;
COMMENT ON FUNCTION cjm_internal.map_leaks_drawn(cjm_internal.map, timestamptz, timestamptz) IS 'what most of those who dropped at each stage of a map did last, as the view drop_off has it';

-- What people wrote down, all of it: whose words are shown depends on who is drawn.
CREATE FUNCTION cjm_internal.map_notes_drawn(def cjm_internal.map) RETURNS jsonb
	LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	notes jsonb;
BEGIN
	IF cjm_internal.map_may_read(def, 'stage_notes') THEN
		EXECUTE format('SELECT jsonb_agg(to_jsonb(n)) FROM (SELECT n.stage, n.persona, n.quote, n.pain, n.action, n.owner FROM %s.stage_notes n) n', cjm_internal.map_schema(def)) INTO notes;
	END IF;
	RETURN coalesce(notes, '[]');
END
$$;
COMMENT ON FUNCTION cjm_internal.map_notes_drawn(cjm_internal.map) IS 'the table stage_notes of a map, an array of objects; empty if there is none, or none that the caller may read';

-- Of each stage what is said of the persona that is drawn, else of everybody, and where everybody is drawn, of the first persona of whom anything is.
CREATE FUNCTION cjm_internal.map_notes_of(notes jsonb, personas text[]) RETURNS jsonb
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (
	SELECT coalesce(jsonb_agg(jsonb_build_object('stage', s.stage, 'quote', s.quotes[1], 'persona', s.quoted[1], 'pain', s.pains[1], 'action', s.actions[1], 'owner', s.owners[1]) ORDER BY s.stage COLLATE "C"), '[]')
	FROM (SELECT n.stage, array_agg(n.quote ORDER BY n.place, n.persona COLLATE "C") FILTER (WHERE n.quote IS NOT NULL) AS quotes, array_agg(n.persona ORDER BY n.place, n.persona COLLATE "C") FILTER (WHERE n.quote IS NOT NULL) AS quoted,
			array_agg(n.pain ORDER BY n.place, n.persona COLLATE "C") FILTER (WHERE n.pain IS NOT NULL) AS pains, array_agg(n.action ORDER BY n.place, n.persona COLLATE "C") FILTER (WHERE coalesce(n.action, n.owner) IS NOT NULL) AS actions,
			array_agg(n.owner ORDER BY n.place, n.persona COLLATE "C") FILTER (WHERE coalesce(n.action, n.owner) IS NOT NULL) AS owners
		FROM (SELECT r.*, CASE WHEN r.persona = ANY (personas) THEN 1 WHEN r.persona IS NULL THEN 2 ELSE 3 END AS place
			FROM jsonb_to_recordset(notes) r(stage text, persona text, quote text, pain text, action text, owner text)) n
		WHERE n.place < 3 OR personas = '{}' GROUP BY n.stage) s);
COMMENT ON FUNCTION cjm_internal.map_notes_of(jsonb, text[]) IS 'what is shown of the notes of a map where these personas are drawn, a row of each stage; {} for everybody';

-- A value of a dimension may be the name of a persona.
CREATE FUNCTION cjm_internal.map_personas(where_is jsonb) RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN ARRAY(SELECT v.value #>> '{}' FROM jsonb_each(where_is) e CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(e.value) WHEN 'array' THEN e.value ELSE jsonb_build_array(e.value) END) v(value) WHERE jsonb_typeof(v.value) = 'string');
COMMENT ON FUNCTION cjm_internal.map_personas(jsonb) IS 'the values that customers are asked for by';

-- The latest comment of each stage.
CREATE FUNCTION cjm_internal.map_voice_drawn(def cjm_internal.map, from_time timestamptz, to_time timestamptz) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	words jsonb;
BEGIN
	EXECUTE format('SELECT jsonb_agg(jsonb_build_object(''step'', w.step, ''comment'', left(w.comment, 1000)) ORDER BY w.step) FROM (%s) w WHERE w.kind = ''latest'' AND w.step > 0', cjm_internal.map_words_sql(def, NULL, cjm_internal.map_ranged(from_time, to_time)))
		INTO words USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
	RETURN coalesce(words, '[]');
END
$$;
COMMENT ON FUNCTION cjm_internal.map_voice_drawn(cjm_internal.map, timestamptz, timestamptz) IS 'the latest comment at each stage of a map, as feedback_words has it';
