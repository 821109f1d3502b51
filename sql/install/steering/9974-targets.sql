--
-- Targets: what figures are to reach, and the view kpis: whether they do.
--
-- A target is of a line: a figure, a stage where the figure has stages, and a value
-- of what it is split by, if it is.  A line may have several, one after another
-- (from_day); of a week that one counts which was in force when it began.  The
-- view reads the figures that have targets and no others, so it is made anew when
-- these change, or the map.
--

CREATE FUNCTION cjm_internal.steering_direction(metric text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN metric IN ('refusal_rate', 'median_time', 'median_total', 'bounce_rate', 'cpa') THEN 'at most' ELSE 'at least' END;
COMMENT ON FUNCTION cjm_internal.steering_direction(text) IS 'on which side of its target a figure is good, if nothing is said';

CREATE FUNCTION cjm_internal.steering_has_table(def cjm_internal.map, name text) RETURNS boolean
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relnamespace = (def).map AND c.relname = name AND c.relkind = 'r' AND c.relowner = n.nspowner);
COMMENT ON FUNCTION cjm_internal.steering_has_table(cjm_internal.map, text) IS 'whether a map has a table of that name that is its owner''s';

-- Of each line that has targets its last weeks that are over.  what: for each word to split by, or none, the figures.
CREATE FUNCTION cjm_internal.steering_kpis_sql(def cjm_internal.map, what jsonb) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	figures text;
BEGIN
	SELECT string_agg(format('SELECT %L::text AS by, m.metric, m.step, m.stage, m.by_value, (m.bucket_start AT TIME ZONE %L)::date AS week, m.n, m.value, m.low, m.high FROM (%s) m WHERE m.closed',
			w ->> 'by', def.time_zone, cjm_internal.map_metrics_sql(def, ARRAY(SELECT jsonb_array_elements_text(w -> 'metrics')), 'week', w ->> 'by', false)), ' UNION ALL ') INTO figures
	FROM jsonb_array_elements(what) w;
	figures := coalesce(figures, 'SELECT NULL::text AS by, NULL::text AS metric, NULL::integer AS step, NULL::text AS stage, NULL::text AS by_value, NULL::date AS week, NULL::bigint AS n,
		NULL::float8 AS value, NULL::float8 AS low, NULL::float8 AS high WHERE false');
	RETURN format('WITH lines AS (
			SELECT DISTINCT t.metric, t.step, t.stage, t.by, t.by_value FROM %1$s.targets t
		), weeks AS (
			SELECT l.metric, l.step, l.stage, l.by, l.by_value, f.week, f.n, f.value, f.low, f.high, k.value AS target, k.direction, k.from_day,
				CASE k.direction WHEN ''at least'' THEN f.value >= k.value ELSE f.value <= k.value END AS met,
				row_number() OVER (PARTITION BY l.metric, l.step, l.stage, l.by, l.by_value ORDER BY f.week DESC) AS back
			FROM lines l LEFT JOIN (%2$s) f ON f.metric = l.metric AND f.step IS NOT DISTINCT FROM l.step AND f.stage IS NOT DISTINCT FROM l.stage
					AND f.by IS NOT DISTINCT FROM l.by AND f.by_value IS NOT DISTINCT FROM l.by_value
				LEFT JOIN LATERAL (SELECT t.value, t.direction, t.from_day FROM %1$s.targets t
					WHERE t.metric = l.metric AND t.step IS NOT DISTINCT FROM l.step AND t.stage IS NOT DISTINCT FROM l.stage AND t.by IS NOT DISTINCT FROM l.by AND t.by_value IS NOT DISTINCT FROM l.by_value
						AND t.from_day <= coalesce(f.week, ''infinity''::date) ORDER BY t.from_day DESC LIMIT 1) k ON true
		)
		SELECT w.metric, w.step, w.stage, w.by, w.by_value, w.week, w.n, w.value AS actual, w.low, w.high, w.target, w.direction, w.from_day, w.value - w.target AS gap, w.met,
			p.trend, CASE WHEN w.met IS NOT NULL THEN p.since END AS since
		FROM weeks w CROSS JOIN LATERAL (SELECT regr_slope(v.value, -v.back::float8 ORDER BY v.week) FILTER (WHERE v.back <= 8) AS trend,
				min(v.week) FILTER (WHERE v.back < coalesce((SELECT min(u.back) FROM weeks u WHERE u.metric = w.metric AND u.step IS NOT DISTINCT FROM w.step AND u.stage IS NOT DISTINCT FROM w.stage
					AND u.by IS NOT DISTINCT FROM w.by AND u.by_value IS NOT DISTINCT FROM w.by_value AND u.met IS DISTINCT FROM w.met), 9223372036854775807)) AS since
			FROM weeks v WHERE v.metric = w.metric AND v.step IS NOT DISTINCT FROM w.step AND v.stage IS NOT DISTINCT FROM w.stage
				AND v.by IS NOT DISTINCT FROM w.by AND v.by_value IS NOT DISTINCT FROM w.by_value) p
		WHERE w.back = 1
		ORDER BY (SELECT k.place FROM cjm_internal.map_metrics() k WHERE k.metric = w.metric), w.step, w.by COLLATE "C", w.by_value COLLATE "C"', cjm_internal.map_schema(def), figures);
END
$$;
COMMENT ON FUNCTION cjm_internal.steering_kpis_sql(cjm_internal.map, jsonb) IS 'SQL of the view kpis';

-- Which figures have targets, by what they are split by, as far as the map still has them.
CREATE FUNCTION cjm_internal.steering_targeted(def cjm_internal.map) RETURNS jsonb
	LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	what jsonb;
BEGIN
	EXECUTE format('SELECT jsonb_agg(jsonb_build_object(''by'', g.by, ''metrics'', g.metrics) ORDER BY g.by COLLATE "C")
		FROM (SELECT t.by, jsonb_agg(DISTINCT t.metric) AS metrics FROM %s.targets t JOIN cjm_internal.map_metrics() k ON k.metric = t.metric
			WHERE cjm_internal.map_has_metric($1, t.metric) AND (t.by IS NULL OR t.by = ANY (cjm_internal.map_metric_words($1, k.family, true))) GROUP BY t.by) g', cjm_internal.map_schema(def)) INTO what USING def;
	RETURN what;
END
$$;
COMMENT ON FUNCTION cjm_internal.steering_targeted(cjm_internal.map) IS 'which figures of a map have targets: an array of objects, by and metrics; NULL if none has';

-- A task, of set_target and of whoever makes the map anew.
CREATE FUNCTION cjm_internal.steering_kpis(arguments jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_in((arguments ->> 'map')::oid);
	what jsonb;
BEGIN
	IF NOT cjm_internal.steering_has_table(def, 'targets') THEN
		RETURN '{}';
	END IF;
	-- What the map has no more is NULL in the view, which must not go on by what it had.
	what := coalesce(cjm_internal.steering_targeted(def), '[]');
	IF cjm_internal.steering_has(def, 'kpis') THEN
		EXECUTE format('CREATE OR REPLACE VIEW %s.kpis%s AS %s', cjm_internal.map_schema(def), CASE WHEN def.access = 'reader' THEN ' WITH (security_invoker = true)' END,
			cjm_internal.steering_kpis_sql(def, what));
	ELSE
		PERFORM cjm_internal.steering_make(def, 'kpis', cjm_internal.steering_kpis_sql(def, what));
	END IF;
	RETURN '{}';
END
$$;
COMMENT ON FUNCTION cjm_internal.steering_kpis(jsonb) IS 'task: makes the view kpis of a map that has targets, or makes it anew';

-- The line that is meant; an error says what is wrong with it.
CREATE FUNCTION cjm_internal.steering_line(def cjm_internal.map, metric text, stage text, by text, by_value text) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	place integer;
	split text := coalesce(by, CASE WHEN by_value IS NOT NULL THEN 'segment' END);
BEGIN
	IF metric IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'metric of a target must not be NULL', HINT = 'Such as ''conversion'': metric_report has all of them.';
	END IF;
	PERFORM cjm_internal.map_metrics_of(def, metric, split);
	IF metric IN ('step_rate', 'median_time') THEN
		IF stage IS NULL THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('%s is of a stage: which one?', metric),
				HINT = 'Give its name, or the number of the step: stage => ''2''.';
		END IF;
		place := cjm_internal.map_step_of(def, stage);
	ELSIF stage IS NOT NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('%s is of no stage, and cannot be of "%s"', metric, left(stage, 100)),
			HINT = 'Of the stages are step_rate and median_time.';
	ELSIF metric IN ('conversion', 'median_total') THEN
		place := cjm_internal.map_completed_step(def);
	END IF;
	RETURN jsonb_build_object('metric', metric, 'step', place, 'stage', (SELECT r.stage FROM cjm.report(cjm.funnel_stats(def.stages)) r WHERE r.step = place), 'by', split, 'by_value', by_value);
END
$$;
COMMENT ON FUNCTION cjm_internal.steering_line(cjm_internal.map, text, text, text, text) IS 'the line that a target is of; an error if there is no such';

CREATE FUNCTION cjm_internal.steering_set_target(arguments jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_in((arguments ->> 'map')::oid);
	changed bigint;
BEGIN
	-- Two at a time would make the view at a time.
	PERFORM cjm_internal.map_lock_schema(def.map);
	PERFORM cjm_internal.steering_make(def, 'targets', 'metric text NOT NULL, step integer, stage text, by text, by_value text, direction text NOT NULL CHECK (direction IN (''at least'', ''at most'')),
		value float8 NOT NULL, from_day date NOT NULL DEFAULT ''-infinity'', set_at timestamptz NOT NULL DEFAULT now(), UNIQUE NULLS NOT DISTINCT (metric, step, stage, by, by_value, from_day)');
	IF arguments ? 'value' THEN
		EXECUTE format('INSERT INTO %s.targets AS t (metric, step, stage, by, by_value, direction, value, from_day)
			SELECT $1 ->> ''metric'', ($1 ->> ''step'')::integer, $1 ->> ''stage'', $1 ->> ''by'', $1 ->> ''by_value'', $1 ->> ''direction'', ($1 ->> ''value'')::float8, ($1 ->> ''from_day'')::date
			ON CONFLICT (metric, step, stage, by, by_value, from_day) DO UPDATE SET direction = excluded.direction, value = excluded.value, set_at = excluded.set_at', cjm_internal.map_schema(def)) USING arguments;
		changed := 1;
	ELSE
		EXECUTE format('DELETE FROM %s.targets t WHERE t.metric = $1 ->> ''metric'' AND t.step IS NOT DISTINCT FROM ($1 ->> ''step'')::integer AND t.stage IS NOT DISTINCT FROM $1 ->> ''stage''
			AND t.by IS NOT DISTINCT FROM $1 ->> ''by'' AND t.by_value IS NOT DISTINCT FROM $1 ->> ''by_value''', cjm_internal.map_schema(def)) USING arguments;
		GET DIAGNOSTICS changed = ROW_COUNT;
	END IF;
	PERFORM cjm_internal.steering_kpis(arguments);
	RETURN jsonb_build_object('changed', changed);
END
$$;
COMMENT ON FUNCTION cjm_internal.steering_set_target(jsonb) IS 'task of set_target and, without a value, of drop_target';

CREATE FUNCTION cjm.set_target(map text, metric text, value float8, stage text DEFAULT NULL, by_value text DEFAULT NULL, direction text DEFAULT NULL, from_day date DEFAULT NULL, by text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.steering_map(map);
	line jsonb := cjm_internal.steering_line(def, metric, stage, by, by_value);
	kind text := (SELECT m.kind FROM cjm_internal.map_metrics() m WHERE m.metric = set_target.metric);
	lowest float8 := CASE metric WHEN 'nps' THEN -100 WHEN 'ces' THEN 1 WHEN 'revenue' THEN '-Infinity'::float8 ELSE 0 END;
	highest float8 := CASE WHEN kind = 'rate' THEN 1 WHEN metric = 'nps' THEN 100 WHEN metric = 'ces' THEN 7 ELSE 'Infinity'::float8 END;
BEGIN
	direction := coalesce(direction, cjm_internal.steering_direction(metric));
	IF value IS NULL OR value = 'NaN' OR NOT value BETWEEN lowest AND highest OR value IN ('Infinity', '-Infinity') THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('a target of %s cannot be %s', metric, coalesce(value::text, 'NULL')),
			HINT = CASE WHEN kind = 'rate' THEN 'It is a share from 0 to 1.' WHEN kind = 'time' THEN 'It is a number of seconds.' WHEN metric = 'nps' THEN 'It is from -100 to 100.'
				WHEN metric = 'ces' THEN 'It is from 1 to 7.' ELSE 'It is a number, as metric_report has it.' END;
	ELSIF direction NOT IN ('at least', 'at most') THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('direction cannot be "%s"', left(direction, 100)),
			HINT = 'It is at least, where more is better, or at most.';
	END IF;
	PERFORM cjm_internal.steering_call(map, 'cjm_internal.steering_set_target'::regproc, line || jsonb_build_object('value', value, 'direction', direction, 'from_day', coalesce(from_day, '-infinity')));
	RETURN format('%s%s%s: %s %s%s', metric, ' at ' || (line ->> 'stage'), ', ' || (line ->> 'by') || ' ' || coalesce(line ->> 'by_value', 'unknown'), direction, value, ' from ' || from_day || ' on');
END
$$;
COMMENT ON FUNCTION cjm.set_target(text, text, float8, text, text, text, date, text) IS
'says what a figure of a map of one''s own is to reach, in its table "targets"; the view "kpis", which the first target makes, says whether it does. Says what it set.
metric, value: a figure as metric_report has it; times are in seconds. stage: of step_rate and median_time, the name of the stage or the number of its step
by, by_value: for a part, such as by => ''country'', by_value => ''LV''; of a by_value alone by is segment
direction: at least, or at most; NULL: at most of refusal_rate, median_time, median_total, bounce_rate and cpa, and at least of all others
from_day: of weeks that begin on it or later, until the day of another target of the same; NULL: of all. What was said of the same and the same day before is no more';

CREATE FUNCTION cjm.drop_target(map text, metric text, stage text DEFAULT NULL, by_value text DEFAULT NULL, by text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.steering_map(map);
	line jsonb := cjm_internal.steering_line(def, metric, stage, by, by_value);
	dropped bigint := 0;
BEGIN
	IF cjm_internal.steering_has_table(def, 'targets') THEN
		dropped := (cjm_internal.steering_call(map, 'cjm_internal.steering_set_target'::regproc, line) ->> 'changed')::bigint;
	END IF;
	IF dropped = 0 THEN
		RAISE undefined_object USING
			MESSAGE = format('%s has no target%s', metric, CASE WHEN line ->> 'by' IS NOT NULL THEN format(' for %s %s', line ->> 'by', coalesce(format('"%s"', left(by_value, 100)), 'unknown')) END),
			HINT = 'All targets are in the table "targets" of the map.';
	END IF;
	RETURN format('%s%s%s: %s dropped', metric, ' at ' || (line ->> 'stage'), ', ' || (line ->> 'by') || ' ' || coalesce(line ->> 'by_value', 'unknown'), CASE dropped WHEN 1 THEN 'one target' ELSE dropped || ' targets' END);
END
$$;
COMMENT ON FUNCTION cjm.drop_target(text, text, text, text, text) IS 'takes all targets of a figure away, or of a part of it, that set_target has set with the same arguments; says how many';
