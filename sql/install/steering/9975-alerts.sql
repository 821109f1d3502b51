--
-- Alerts: what is below target or unlike itself, for sure
--
-- One list of tests for all figures of a map: whether the last week that is over is as
-- usual, and whether what has a target misses it by more than weeks are off by
-- themselves.  All are corrected together (Holm): where nothing is wrong 19 of 20
-- lists are empty.
--

CREATE FUNCTION cjm_internal.steering_figure(kind text, value float8) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE kind WHEN 'rate' THEN round((100 * value)::numeric, 1) || ' %'
	WHEN 'time' THEN CASE WHEN value < 120 THEN round(value::numeric, 1) || ' s' WHEN value < 7200 THEN round((value / 60)::numeric, 1) || ' min' WHEN value < 172800 THEN round((value / 3600)::numeric, 1) || ' h'
		ELSE round((value / 86400)::numeric, 1) || ' days' END
	WHEN 'score' THEN round(value::numeric, 1)::text WHEN 'count' THEN round(value)::text ELSE trim_scale(round(value::numeric, 2))::text END;
COMMENT ON FUNCTION cjm_internal.steering_figure(text, float8) IS 'a figure of a kind, as a sentence has it';

CREATE FUNCTION cjm_internal.steering_title(metric text, stage text, by text, by_value text) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN concat(replace(CASE WHEN metric IN ('cpa', 'roas', 'nps', 'csat', 'ces') THEN upper(metric) ELSE metric END, '_', ' '),
	CASE WHEN metric IN ('step_rate', 'median_time') THEN format(' to "%s"', left(stage, 100)) END, CASE WHEN by IS NOT NULL THEN format(' of %s %s', by, coalesce(format('"%s"', left(by_value, 100)), 'unknown')) END);
COMMENT ON FUNCTION cjm_internal.steering_title(text, text, text, text) IS 'what a sentence calls a line';

CREATE FUNCTION cjm_internal.steering_alerts(map text, wanted_to_time timestamptz, against integer, age interval)
	RETURNS TABLE (kind text, metric text, step integer, stage text, by text, by_value text, week date, n bigint, value float8, target float8, usual_low float8, usual_high float8, p_value float8, adjusted_p_value float8, sentence text)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 10
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.steering_aged(cjm_internal.map_of(map), 'week', age);
	targets text := 'SELECT NULL::text AS metric, NULL::integer AS step, NULL::text AS stage, NULL::text AS by, NULL::text AS by_value, NULL::text AS direction, NULL::float8 AS value, NULL::date AS from_day WHERE false';
	what jsonb;
	series text;
BEGIN
	against := coalesce(against, 8);
	IF NOT against BETWEEN 3 AND 1000 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('against must be 3 to 1000, not %s', against),
			HINT = 'It is how many weeks before the last one are compared with it; of fewer than three nobody knows how much they differ.';
	END IF;
	IF cjm_internal.steering_has_table(def, 'targets') THEN
		targets := format('SELECT t.metric, t.step, t.stage, t.by, t.by_value, t.direction, t.value, t.from_day FROM %s.targets t', cjm_internal.map_schema(def));
		what := cjm_internal.steering_targeted(def);
	END IF;
	SELECT string_agg(format('SELECT %L::text AS by, s.* FROM (%s) s', w.by, cjm_internal.steering_series_sql(def, cjm_internal.map_metrics_sql(def, w.metrics, 'week', w.by, false), 'week', against, '-infinity', coalesce(wanted_to_time, 'infinity'))), ' UNION ALL ') INTO series
	FROM (SELECT NULL::text AS by, cjm_internal.map_metrics_of(def, NULL::text, NULL::text) AS metrics
		UNION ALL SELECT j ->> 'by', ARRAY(SELECT jsonb_array_elements_text(j -> 'metrics')) FROM jsonb_array_elements(what) j WHERE j ->> 'by' IS NOT NULL) w;
	RETURN QUERY EXECUTE format('WITH targets AS (%2$s), series AS (%1$s), lines AS (
			SELECT s.by, s.metric, s.kind, s.place, s.step, s.stage, s.by_value, s.last, max(s.n) FILTER (WHERE s.day = s.last) AS n, k.target, k.direction,
				(cjm_internal.periods_compared(s.kind, array_agg(s.day = s.last ORDER BY s.day), array_agg(s.n ORDER BY s.day), array_agg(s.value ORDER BY s.day), array_agg(s.low ORDER BY s.day), array_agg(s.high ORDER BY s.day), k.target)).*
			FROM series s LEFT JOIN LATERAL (SELECT t.value AS target, t.direction FROM targets t
				WHERE t.metric = s.metric AND t.step IS NOT DISTINCT FROM s.step AND t.stage IS NOT DISTINCT FROM s.stage AND t.by IS NOT DISTINCT FROM s.by AND t.by_value IS NOT DISTINCT FROM s.by_value AND t.from_day <= s.last
				ORDER BY t.from_day DESC LIMIT 1) k ON true
			WHERE s.by IS NULL OR k.target IS NOT NULL
			GROUP BY s.by, s.metric, s.kind, s.place, s.step, s.stage, s.by_value, s.last, k.target, k.direction HAVING bool_or(s.day = s.last)
		), tested AS (
			SELECT ''unusual'' AS alert, l.*, l.p_value AS p FROM lines l WHERE l.by IS NULL AND l.p_value IS NOT NULL
			UNION ALL
			SELECT ''target'', l.*, CASE l.direction WHEN ''at least'' THEN l.p_below ELSE l.p_above END FROM lines l WHERE l.target IS NOT NULL AND l.p_below IS NOT NULL
		)
		SELECT a.alert, a.metric, a.step, a.stage, a.by, a.by_value, a.last::date, a.n, a.value, a.target, a.usual_low, a.usual_high, a.p, a.adjusted,
			format(''%%s: %%s in the week of %%s, %%s'', cjm_internal.steering_title(a.metric, a.stage, a.by, a.by_value), cjm_internal.steering_figure(a.kind, a.value), to_char(a.last, ''YYYY-MM-DD''),
				CASE a.alert WHEN ''target'' THEN format(''%%s the target of %%s'', CASE a.direction WHEN ''at least'' THEN ''below'' ELSE ''above'' END, cjm_internal.steering_figure(a.kind, a.target))
					ELSE format(''%%s its usual range of %%s to %%s'', CASE WHEN a.value < a.usual THEN ''below'' ELSE ''above'' END, cjm_internal.steering_figure(a.kind, a.usual_low), cjm_internal.steering_figure(a.kind, a.usual_high)) END)
		FROM (SELECT c.*, %3$s AS adjusted FROM (SELECT t.*, count(*) OVER () AS tests, row_number() OVER (ORDER BY t.p, t.alert, t.place, t.step, t.by COLLATE "C", t.by_value COLLATE "C") AS rank FROM tested t) c) a
		WHERE a.adjusted <= 0.05 ORDER BY a.rank', series, targets, cjm_internal.steering_holm_sql('c.p'));
END
$$;
COMMENT ON FUNCTION cjm_internal.steering_alerts(text, timestamptz, integer, interval) IS 'alerts';

CREATE FUNCTION cjm.alerts(map text, to_time timestamptz DEFAULT 'infinity', against integer DEFAULT 8, age interval DEFAULT NULL)
	RETURNS TABLE (kind text, metric text, step integer, stage text, by text, by_value text, week date, n bigint, value float8, target float8, usual_low float8, usual_high float8, p_value float8, adjusted_p_value float8, sentence text)
	LANGUAGE sql STABLE PARALLEL RESTRICTED COST 10000 ROWS 10
BEGIN ATOMIC
	SELECT a.kind, a.metric, a.step, a.stage, a.by, a.by_value, a.week, a.n, a.value, a.target, a.usual_low, a.usual_high, a.p_value, a.adjusted_p_value, a.sentence FROM cjm_internal.steering_alerts($1, $2, $3, $4) a;
END;
COMMENT ON FUNCTION cjm.alerts(text, timestamptz, integer, interval) IS
'what of the figures of a map is below target or outside its usual range in the last week that is over, with enough evidence, one sentence each, the surest first.
to_time, against, age: as of compare_report
kind: unusual, for a figure that differs from the weeks before by more than weeks do, or target, for one that misses its target by more than weeks are off by themselves
p_value: of that, two-sided for unusual, one-sided for target; adjusted_p_value: for as many tests as there are (Holm), at most 0.05: where nothing is wrong 19 of 20 lists are empty
For a target that is missed by less there is the view kpis.';

CREATE FUNCTION cjm_internal.steering_tell(arguments jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_in((arguments ->> 'map')::oid);
	name text := (SELECT n.nspname FROM pg_namespace n WHERE n.oid = def.map);
	alert record;
	is_new boolean;
	told jsonb := '[]';
BEGIN
	PERFORM cjm_internal.steering_make(def, 'alerts_told', 'kind text NOT NULL, metric text NOT NULL, step integer, by text, by_value text, week date NOT NULL, sentence text NOT NULL, told_at timestamptz NOT NULL DEFAULT now(),
		UNIQUE NULLS NOT DISTINCT (kind, metric, step, by, by_value, week)');
	FOR alert IN SELECT a.kind, a.metric, a.step, a.stage, a.by AS split, a.by_value AS part, a.week, a.value, a.target, a.sentence FROM cjm.alerts(name, 'infinity'::timestamptz, (arguments ->> 'against')::integer, (arguments ->> 'age')::interval) a
	LOOP
		-- Who tells the same at the same time is waited for, and then it is told.
		EXECUTE format('INSERT INTO %s.alerts_told AS t (kind, metric, step, by, by_value, week, sentence) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING true', cjm_internal.map_schema(def))
			INTO is_new USING alert.kind, alert.metric, alert.step, alert.split, left(alert.part, 500), alert.week, alert.sentence;
		CONTINUE WHEN is_new IS NULL;
		PERFORM pg_notify('cjm_alert', json_build_object('map', name, 'kind', alert.kind, 'metric', alert.metric, 'step', alert.step, 'stage', left(alert.stage, 100), 'by', alert.split, 'by_value', left(alert.part, 100),
			'week', alert.week, 'value', alert.value, 'target', alert.target, 'sentence', alert.sentence)::text);
		told := told || to_jsonb(alert.sentence);
	END LOOP;
	RETURN told;
END
$$;
COMMENT ON FUNCTION cjm_internal.steering_tell(jsonb) IS 'task of check_alerts';

CREATE FUNCTION cjm.check_alerts(map text, against integer DEFAULT 8, age interval DEFAULT NULL) RETURNS SETOF text
	LANGUAGE plpgsql VOLATILE ROWS 5
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY SELECT t FROM jsonb_array_elements_text(cjm_internal.steering_call(map, 'cjm_internal.steering_tell'::regproc, jsonb_build_object('against', against, 'age', age::text))) t;
END
$$;
COMMENT ON FUNCTION cjm.check_alerts(text, integer, interval) IS
'tells the alerts of a map of one''s own that have not been told yet: each is sent as NOTIFY cjm_alert, with its fields as JSON, noted in the table "alerts_told", which the first call makes, and its sentence returned. Of a week each is told once. For a scheduler';
