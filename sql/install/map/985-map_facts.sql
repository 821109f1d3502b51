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

CREATE FUNCTION cjm_internal.map_surveyed(def cjm_internal.map, by text) RETURNS boolean
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT cjm_internal.map_answer_events(def) <> '{}' AND ((def).where_is IS NULL OR w.words ?& ARRAY(SELECT jsonb_object_keys((def).where_is))) AND (by IS NULL OR w.words ? by)
	FROM (SELECT cjm_internal.map_words(def) AS words) w);
COMMENT ON FUNCTION cjm_internal.map_surveyed(cjm_internal.map, text) IS 'whether a map has answers, and they can be told by customers and groups that are asked for';

-- Of those that were chosen, or of all that the map has and the caller may read.  A report that does not know a word of where_is, or by, is left out, unless it was chosen.
CREATE FUNCTION cjm_internal.map_drawn_rows(def cjm_internal.map, rows text[], by text) RETURNS text[]
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	wrong text;
BEGIN
	SELECT r.name INTO wrong FROM unnest(rows) WITH ORDINALITY r(name, place) WHERE r.name IS NULL OR r.name <> ALL (cjm_internal.map_row_names()) ORDER BY r.place LIMIT 1;
	IF FOUND THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('a map has no row "%s"', coalesce(left(wrong, 100), 'NULL')), HINT = format('Its rows are %s.', array_to_string(cjm_internal.map_row_names(), ', '));
	ELSIF rows IS NOT NULL THEN
		RETURN ARRAY(SELECT r.name FROM unnest(rows) WITH ORDINALITY r(name, place) GROUP BY r.name ORDER BY min(r.place));
	END IF;
	RETURN ARRAY(SELECT r.name FROM unnest(cjm_internal.map_row_names()) WITH ORDINALITY r(name, place)
		WHERE CASE r.name WHEN 'channels' THEN def.channel IS NOT NULL AND coalesce(has_column_privilege(to_regclass(cjm_internal.map_schema(def) || '.journeys'), 'journey', 'SELECT'), false)
			WHEN 'mood' THEN cjm_internal.map_surveyed(def, by) AND cjm_internal.map_may_read(def, 'feedback')
			WHEN 'leaks' THEN cjm_internal.map_may_read(def, 'drop_off')
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

-- What has been set for weeks that begin now, of the part that is asked for, if it is one and has a target, else of all.  part: the value of by that a group has.
CREATE FUNCTION cjm_internal.map_targets_drawn(def cjm_internal.map, by text, part text) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	of_part jsonb := coalesce(def.where_is, CASE WHEN part IS NOT NULL THEN jsonb_build_object(by, part) END);
	targets jsonb;
BEGIN
	IF cjm_internal.map_may_read(def, 'targets') THEN
		EXECUTE format('SELECT jsonb_agg(to_jsonb(t)) FROM (SELECT DISTINCT ON (t.metric, t.step) t.metric, t.step, t.direction, t.value::numeric AS value FROM %s.targets t
			WHERE t.metric IN (''step_rate'', ''median_time'') AND (t.by IS NULL OR $2 IN (jsonb_build_object(t.by, t.by_value), jsonb_build_object(t.by, jsonb_build_array(t.by_value)))) AND t.from_day <= (now() AT TIME ZONE $1)::date AND t.stage IS NOT DISTINCT FROM (%s)[t.step]
			ORDER BY t.metric, t.step, t.by IS NULL, t.from_day DESC) t', cjm_internal.map_schema(def), cjm_internal.map_stage_names(def)) INTO targets USING def.time_zone, of_part;
	END IF;
	RETURN coalesce(targets, '[]');
END
$$;
COMMENT ON FUNCTION cjm_internal.map_targets_drawn(cjm_internal.map, text, text) IS 'the targets of the stages of a map that are in force, an array of objects';

-- As touchpoint_report has them by channel, and nothing of what it compares.
CREATE FUNCTION cjm_internal.map_channels_drawn(def cjm_internal.map, by text, from_time timestamptz, to_time timestamptz) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ranged boolean := cjm_internal.map_ranged(from_time, to_time);
	words jsonb := cjm_internal.map_walk_words(def, CASE WHEN ranged THEN 'tstzrange($1, $2)' END);
	channels jsonb;
BEGIN
	EXECUTE format('SELECT jsonb_agg(jsonb_build_object(''part'', t.part, ''step'', t.step, ''channel'', t.channel, ''customers'', t.customers, ''share'', (t.customers::float8 / t.all_customers::float8)::numeric)
			ORDER BY t.part, t.step, t.customers DESC, t.channel)
		FROM (SELECT g.*, max(g.customers) FILTER (WHERE g.channel IS NULL) OVER (PARTITION BY g.part, g.step) AS all_customers
			FROM (SELECT j.label AS part, e.step, e.label COLLATE "C" AS channel, count(*) AS customers
				FROM %s CROSS JOIN LATERAL cjm.stage_touches(j.journey, %L::cjm.funnel, ''channel'', %s) e WHERE e.step > 0 GROUP BY 1, 2, 3) g) t
		WHERE t.channel IS NOT NULL',
		cjm_internal.map_journeys_by(def, cjm_internal.map_split(words, by, def.groups), cjm_internal.map_where(def, 'WHERE', words - 'channel')), def.stages, CASE WHEN ranged THEN 'tstzrange($1, $2)' ELSE 'tstzrange(NULL, NULL)' END)
		INTO channels USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
	RETURN coalesce(channels, '[]');
END
$$;
COMMENT ON FUNCTION cjm_internal.map_channels_drawn(cjm_internal.map, text, timestamptz, timestamptz) IS 'the channels that customers met at each stage of a map, by groups';

-- Of the survey with most answers, one for all groups.  Means of the rows of a stage are added up by how many answers they are of.
CREATE FUNCTION cjm_internal.map_moods_of(rows jsonb) RETURNS jsonb
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH f AS (
		SELECT r.* FROM jsonb_to_recordset(rows) r(part text, step integer, nps_answers bigint, nps_mean float8, csat_answers bigint, csat_mean float8, ces_answers bigint, ces float8,
			unhappy bigint, unhappy_drop_rate float8, happy bigint, happy_drop_rate float8) WHERE r.step > 0
	), surveys AS (
		SELECT u.*, dense_rank() OVER (ORDER BY u.answers DESC, u.place) AS rank
		FROM (SELECT f.part, f.step, s.place, s.low, s.high, sum(s.n)::bigint AS n, sum(s.mean * s.n::float8) / sum(s.n)::float8 AS mean, sum(sum(s.n)) OVER (PARTITION BY s.place) AS answers
			FROM f CROSS JOIN LATERAL (VALUES (1, 0, 10, f.nps_answers, f.nps_mean), (2, 1, 5, f.csat_answers, f.csat_mean), (3, 1, 7, f.ces_answers, f.ces)) s(place, low, high, n, mean)
			WHERE s.n > 0 GROUP BY 1, 2, 3, 4, 5) u
	)
	SELECT jsonb_build_object(
		'mood', coalesce((SELECT jsonb_agg(jsonb_build_object('part', m.part, 'step', m.step, 'n', m.n, 'mean', m.mean::numeric, 'low', m.low, 'high', m.high) ORDER BY m.part, m.step) FROM surveys m WHERE m.rank = 1), '[]'),
		'happiness', coalesce((SELECT jsonb_agg(to_jsonb(h) ORDER BY h.part, h.step) FROM (
			SELECT f.part, f.step, sum(f.unhappy)::bigint AS unhappy, (sum(f.unhappy_drop_rate * f.unhappy::float8) / nullif(sum(f.unhappy), 0)::float8)::numeric AS unhappy_rate,
				sum(f.happy)::bigint AS happy, (sum(f.happy_drop_rate * f.happy::float8) / nullif(sum(f.happy), 0)::float8)::numeric AS happy_rate
			FROM f GROUP BY f.part, f.step) h), '[]'));
END;
COMMENT ON FUNCTION cjm_internal.map_moods_of(jsonb) IS 'what a drawing says of answers at each stage, of rows of the view feedback, with their part: mood, the mean, and happiness, who of the unhappy and of the happy dropped';

CREATE FUNCTION cjm_internal.map_feedback_drawn(def cjm_internal.map, by text, from_time timestamptz, to_time timestamptz) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ranged boolean := cjm_internal.map_ranged(from_time, to_time);
	rows jsonb;
BEGIN
	EXECUTE format('SELECT jsonb_agg(jsonb_build_object(''part'', f.part, ''step'', f.step, ''nps_answers'', f.nps_answers, ''nps_mean'', f.nps_mean::numeric, ''csat_answers'', f.csat_answers, ''csat_mean'', f.csat_mean::numeric,
			''ces_answers'', f.ces_answers, ''ces'', f.ces::numeric, ''unhappy'', f.unhappy, ''unhappy_drop_rate'', f.unhappy_drop_rate::numeric, ''happy'', f.happy, ''happy_drop_rate'', f.happy_drop_rate::numeric)) FROM %s f',
		CASE WHEN by IS NOT NULL THEN format('(%s)', cjm_internal.map_feedback_sql(def, 's.label AS part,', by, ranged))
			WHEN ranged OR def.where_is IS NOT NULL THEN format('(%s)', cjm_internal.map_feedback_sql(def, 'NULL::text AS part,', NULL, ranged))
			ELSE format('(SELECT NULL::text AS part, v.* FROM %s.feedback v)', cjm_internal.map_schema(def)) END)
		INTO rows USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
	RETURN cjm_internal.map_moods_of(coalesce(rows, '[]'));
END
$$;
COMMENT ON FUNCTION cjm_internal.map_feedback_drawn(cjm_internal.map, text, timestamptz, timestamptz) IS 'what a drawing says of answers at each stage of a map, by groups, as map_moods_of has it';

-- What drop_off_report has by last event, of groups, and nothing of what came next.
CREATE FUNCTION cjm_internal.map_stopped_sql(map cjm_internal.map, by text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	entered text := CASE WHEN ranged THEN 'tstzrange($1, $2)' END;
	words jsonb := cjm_internal.map_walk_words(map, entered);
BEGIN
	RETURN format('SELECT s.part, s.step, s.last_event, count(*) FILTER (WHERE s.refused_at IS NULL AND NOT s.open) AS customers, count(*) FILTER (WHERE s.refused_at IS NULL AND s.open) AS open_customers, count(s.refused_at) AS refused
		FROM (SELECT j.label AS part, j.step, (cjm.last_touch(j.journey)).event AS last_event, %s AS refused_at, cjm.funnel_open(j.journey, %L::cjm.funnel, now()%s) AS open
			FROM (SELECT j.journey, j.label, cjm.funnel_step(j.journey, %2$L::cjm.funnel%3$s) AS step FROM %s OFFSET 0) j
			WHERE j.step > 0 AND j.step < %s) s
		GROUP BY 1, 2, 3',
		cjm_internal.map_refused_sql(map, entered), (map).stages, ', ' || entered,
		cjm_internal.map_journeys_by(map, cjm_internal.map_split(words, by, (map).groups), cjm_internal.map_where(map, 'WHERE', words || '{"last_event": "(cjm.last_touch(j.journey)).event"}')), cjm_internal.map_completed_step(map));
END
$$;
COMMENT ON FUNCTION cjm_internal.map_stopped_sql(cjm_internal.map, text, boolean) IS 'SQL: how many stopped at each stage, by groups (part) and by what they did last';

CREATE FUNCTION cjm_internal.map_leaks_of(rows jsonb) RETURNS jsonb
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT coalesce(jsonb_agg(to_jsonb(l) ORDER BY l.part, l.step), '[]')
	FROM (SELECT DISTINCT ON (d.part, d.step) d.part, d.step, d.last_event AS event, d.customers, sum(d.customers) OVER (PARTITION BY d.part, d.step)::bigint AS "of"
		FROM jsonb_to_recordset(rows) d(part text, step integer, last_event text, customers bigint) WHERE d.customers > 0 ORDER BY d.part, d.step, d.customers DESC, d.last_event COLLATE "C") l);
COMMENT ON FUNCTION cjm_internal.map_leaks_of(jsonb) IS 'what most of those who dropped at each stage did last, of rows of the view drop_off, with their part';

CREATE FUNCTION cjm_internal.map_leaks_drawn(def cjm_internal.map, by text, from_time timestamptz, to_time timestamptz) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ranged boolean := cjm_internal.map_ranged(from_time, to_time);
	rows jsonb;
BEGIN
	EXECUTE format('SELECT jsonb_agg(jsonb_build_object(''part'', d.part, ''step'', d.step, ''last_event'', d.last_event, ''customers'', d.customers)) FROM %s d WHERE d.customers > 0',
		CASE WHEN by IS NOT NULL OR ranged OR def.where_is IS NOT NULL THEN format('(%s)', cjm_internal.map_stopped_sql(def, by, ranged))
			ELSE format('(SELECT NULL::text AS part, v.* FROM %s.drop_off v)', cjm_internal.map_schema(def)) END)
		INTO rows USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
	RETURN cjm_internal.map_leaks_of(coalesce(rows, '[]'));
END
$$;
COMMENT ON FUNCTION cjm_internal.map_leaks_drawn(cjm_internal.map, text, timestamptz, timestamptz) IS 'what most of those who dropped at each stage of a map did last, by groups, as map_leaks_of has it';

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
CREATE FUNCTION cjm_internal.map_voice_drawn(def cjm_internal.map, by text, from_time timestamptz, to_time timestamptz) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	words jsonb;
BEGIN
	EXECUTE format('SELECT jsonb_agg(jsonb_build_object(''part'', w.label, ''step'', w.step, ''comment'', left(w.comment, 1000)) ORDER BY w.label, w.step) FROM (%s) w WHERE w.kind = ''latest'' AND w.step > 0', cjm_internal.map_words_sql(def, by, cjm_internal.map_ranged(from_time, to_time)))
		INTO words USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
	RETURN coalesce(words, '[]');
END
$$;
COMMENT ON FUNCTION cjm_internal.map_voice_drawn(cjm_internal.map, text, timestamptz, timestamptz) IS 'the latest comment at each stage of a map, by groups, as feedback_words has it';

-- What a map says beside its funnel and its touchpoints, as far as it is drawn: arrays of objects, each with the part that it is of.  known: what has been read already.
CREATE FUNCTION cjm_internal.map_facts_drawn(def cjm_internal.map, rows text[], by text, from_time timestamptz, to_time timestamptz, known jsonb DEFAULT '{}') RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 20000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	facts jsonb := known;
	surveyed boolean := cjm_internal.map_surveyed(def, by);
BEGIN
	IF 'kpi' = ANY (rows) AND by IS NULL THEN
		facts := facts || jsonb_build_object('targets', cjm_internal.map_targets_drawn(def, NULL, NULL));
	END IF;
	IF 'channels' = ANY (rows) THEN
		facts := facts || jsonb_build_object('channels', cjm_internal.map_channels_drawn(def, by, from_time, to_time));
	END IF;
	IF NOT facts ? 'mood' AND ('mood' = ANY (rows) OR 'leaks' = ANY (rows) AND surveyed AND cjm_internal.map_may_read(def, 'feedback')) THEN
		facts := facts || cjm_internal.map_feedback_drawn(def, by, from_time, to_time);
	END IF;
	IF NOT facts ? 'leaks' AND 'leaks' = ANY (rows) THEN
		facts := facts || jsonb_build_object('leaks', cjm_internal.map_leaks_drawn(def, by, from_time, to_time));
	END IF;
	IF rows && '{voice,leaks,actions}'::text[] THEN
		facts := facts || jsonb_build_object('notes', cjm_internal.map_notes_drawn(def));
	END IF;
	IF 'voice' = ANY (rows) AND surveyed AND def.comment IS NOT NULL AND cjm_internal.map_may_read(def, 'journeys', 'comments') THEN
		facts := facts || jsonb_build_object('words', cjm_internal.map_voice_drawn(def, by, from_time, to_time));
	END IF;
	RETURN '{"targets": [], "channels": [], "mood": [], "happiness": [], "leaks": [], "notes": [], "words": []}'::jsonb || facts;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_facts_drawn(cjm_internal.map, text[], text, timestamptz, timestamptz, jsonb) IS 'the facts that rows of a map are drawn of, an object';

-- Of the facts of all groups those of one, with its targets and what was written down of it.
CREATE FUNCTION cjm_internal.map_facts_of(def cjm_internal.map, facts jsonb, rows text[], by text, part text) RETURNS jsonb
	LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000
	SET search_path = pg_catalog, pg_temp
RETURN facts || (SELECT jsonb_object_agg(f.key, (SELECT coalesce(jsonb_agg(e.value ORDER BY e.place), '[]') FROM jsonb_array_elements(f.value) WITH ORDINALITY e(value, place) WHERE e.value ->> 'part' IS NOT DISTINCT FROM part))
		FROM jsonb_each(facts) f WHERE f.key = ANY ('{channels,mood,happiness,leaks,words}'::text[])) ||
	jsonb_build_object('notes', cjm_internal.map_notes_of(facts -> 'notes', ARRAY[coalesce(part, '')]),
		'targets', CASE WHEN 'kpi' = ANY (rows) THEN cjm_internal.map_targets_drawn(def, by, part) ELSE '[]' END);
COMMENT ON FUNCTION cjm_internal.map_facts_of(cjm_internal.map, jsonb, text[], text, text) IS 'the facts that a group of a map is drawn of; part: its value of by';
