--
-- What the page of map_html is made of, read from the reports
--
-- Each report is asked once, and once more by groups where there are any; all that
-- the page says is made of what comes back, so that a page can be made of any rows.
--

-- The largest groups that began, as drawings have them; those of whom it is not known beside them.
CREATE FUNCTION cjm_internal.page_groups(rows jsonb) RETURNS jsonb
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
	SELECT coalesce(jsonb_agg(g.by_value ORDER BY g.customers DESC, g.by_value COLLATE "C"), '[]')
	FROM (SELECT r.by_value, max(r.customers) AS customers, row_number() OVER (PARTITION BY r.by_value IS NULL ORDER BY max(r.customers) DESC, r.by_value COLLATE "C") AS place
		FROM jsonb_to_recordset(rows) r(by_value text, customers bigint) GROUP BY r.by_value HAVING max(r.customers) > 0) g
	WHERE g.place <= 6);
COMMENT ON FUNCTION cjm_internal.page_groups(jsonb) IS 'which groups of rows of funnel_report are shown, the largest first';

CREATE FUNCTION cjm_internal.page_of_groups(rows jsonb, groups jsonb) RETURNS jsonb
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (SELECT coalesce(jsonb_agg(r.one ORDER BY r.place), '[]') FROM jsonb_array_elements(rows) WITH ORDINALITY r(one, place)
	WHERE EXISTS (SELECT FROM jsonb_array_elements_text(groups) g(label) WHERE g.label IS NOT DISTINCT FROM r.one ->> 'by_value'));
COMMENT ON FUNCTION cjm_internal.page_of_groups(jsonb, jsonb) IS 'of rows with by_value those of these groups';

CREATE FUNCTION cjm_internal.page_data_funnel(def cjm_internal.map, map text, by text, from_time timestamptz, to_time timestamptz, where_is jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	data jsonb;
	rows jsonb;
	groups jsonb;
BEGIN
	SELECT jsonb_build_object('funnel', coalesce(jsonb_agg(to_jsonb(r) ORDER BY r.step), '[]')) INTO data
	FROM (SELECT f.step, f.stage, coalesce(s.optional, false) AS optional, f.customers, f.step_rate, f.overall_rate, f.rate_low, f.rate_high, f.dropped, f.drop_rate, f.open_customers, f.refused, f.median_time_seconds, f.median_total_seconds
		FROM cjm.funnel_report(map, NULL::text, NULL::text, from_time, to_time, where_is, 'customers'::text, false) f LEFT JOIN (SELECT DISTINCT d.step, d.optional FROM cjm.funnel_stages(def.stages) d) s USING (step)) r;
	IF by IS NULL THEN
		RETURN data || '{"groups": []}';
	END IF;
	SELECT coalesce(jsonb_agg(to_jsonb(r) ORDER BY r.step), '[]') INTO rows
	FROM (SELECT f.by_value, f.step, f.stage, coalesce(s.optional, false) AS optional, f.customers, f.step_rate, f.overall_rate, f.rate_low, f.rate_high, f.dropped, f.drop_rate, f.open_customers, f.refused, f.median_time_seconds, f.median_total_seconds
		FROM cjm.funnel_report(map, by, NULL::text, from_time, to_time, where_is, 'customers'::text, false) f LEFT JOIN (SELECT DISTINCT d.step, d.optional FROM cjm.funnel_stages(def.stages) d) s USING (step)) r;
	groups := cjm_internal.page_groups(rows);
	RETURN data || jsonb_build_object('groups', groups, 'funnel_by', cjm_internal.page_of_groups(rows, groups),
		'more_groups', (SELECT count(DISTINCT r.by_value) > 6 FROM jsonb_to_recordset(rows) r(by_value text, customers bigint) WHERE r.customers > 0));
END
$$;
COMMENT ON FUNCTION cjm_internal.page_data_funnel(cjm_internal.map, text, text, timestamptz, timestamptz, jsonb) IS 'what the page of a map says of its funnel, and which groups it shows';

-- What is compared is read with the weeks, unless it is of other walks: of a range, or of those that have had a week where the funnel has no limit.
CREATE FUNCTION cjm_internal.page_data_weeks(def cjm_internal.map, from_time timestamptz, to_time timestamptz) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ranged boolean := cjm_internal.map_ranged(from_time, to_time);
	aged cjm_internal.map := cjm_internal.steering_aged(def, 'week', NULL);
	metrics text[] := cjm_internal.map_metrics_of(def, NULL, NULL);
	data jsonb;
BEGIN
	EXECUTE format('WITH m AS MATERIALIZED (%s), weeks AS (
			SELECT m.metric, m.step, m.stage, (m.bucket_start AT TIME ZONE $3)::date AS week, m.n, m.value, m.low, m.high, m.closed, max(m.bucket_start) OVER () - m.bucket_start AS ago FROM m
		), compared AS (
			SELECT c.metric, c.step, c.stage, (c.bucket_start AT TIME ZONE $3)::date AS week, c.value, c.usual, c.usual_low, c.usual_high, c.adjusted_p_value FROM (%s) c WHERE c.p_value IS NOT NULL
		)
		SELECT jsonb_build_object(''weeks'', coalesce((SELECT jsonb_agg(to_jsonb(w) ORDER BY w.week) FROM weeks w WHERE w.ago < ''25.5 weeks''), ''[]''),
			''compared'', coalesce((SELECT jsonb_agg(to_jsonb(c) ORDER BY c.adjusted_p_value, c.metric, c.step) FROM compared c), ''[]''))',
		cjm_internal.map_metrics_sql(def, metrics, 'week', NULL, ranged),
		cjm_internal.steering_compare_sql(aged, CASE WHEN ranged OR aged.stages::text <> def.stages::text THEN cjm_internal.map_metrics_sql(aged, metrics, 'week', NULL, false) ELSE 'SELECT m.* FROM m' END, 'week', 8, coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity')))
		INTO data USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity'), def.time_zone;
	RETURN data;
END
$$;
COMMENT ON FUNCTION cjm_internal.page_data_weeks(cjm_internal.map, timestamptz, timestamptz) IS 'what the page of a map says of its weeks, as metric_report and compare_report have it';

CREATE FUNCTION cjm_internal.page_data_weeks_by(def cjm_internal.map, map text, by text, groups jsonb, from_time timestamptz, to_time timestamptz, where_is jsonb) RETURNS jsonb
	LANGUAGE sql STABLE PARALLEL RESTRICTED COST 10000
RETURN (
	SELECT jsonb_build_object('weeks_by', cjm_internal.page_of_groups(coalesce(jsonb_agg(to_jsonb(r) ORDER BY r.week), '[]'), groups))
	FROM (SELECT m.by_value, m.metric, m.step, m.stage, (m.bucket_start AT TIME ZONE (def).time_zone)::date AS week, m.n, m.value, m.low, m.high, m.closed, max(m.bucket_start) OVER () - m.bucket_start AS ago
		FROM cjm.metric_report(map, 'conversion'::text, 'week'::text, from_time, to_time, by, where_is) m) r WHERE r.ago < '25.5 weeks');
COMMENT ON FUNCTION cjm_internal.page_data_weeks_by(cjm_internal.map, text, text, jsonb, timestamptz, timestamptz, jsonb) IS 'the conversion of groups week by week';

-- What steers a map stands in relations that not everybody may read who reads reports.  Targets are of the week that is over now, and of all customers.
CREATE FUNCTION cjm_internal.page_data_steering(def cjm_internal.map, to_time timestamptz) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	data jsonb := '{}';
	rows jsonb;
BEGIN
	IF cjm_internal.map_may_read(def, 'notes') THEN
		EXECUTE format('SELECT jsonb_agg(jsonb_build_object(''at'', n.at, ''day'', (n.at AT TIME ZONE $1)::date, ''text'', n.text) ORDER BY n.at) FROM %s.notes n', cjm_internal.map_schema(def)) INTO rows USING def.time_zone;
		data := data || jsonb_build_object('notes', coalesce(rows, '[]'));
	END IF;
	IF def.where_is IS NULL AND coalesce(to_time, 'infinity') = 'infinity' AND cjm_internal.map_may_read(def, 'kpis') THEN
		EXECUTE format('SELECT jsonb_agg(to_jsonb(k) ORDER BY k.metric, k.step, k.by COLLATE "C", k.by_value COLLATE "C")
			FROM (SELECT k.metric, k.step, k.stage, k.by, k.by_value, k.week, k.actual, k.direction, k.target, k.met FROM %s.kpis k) k', cjm_internal.map_schema(def)) INTO rows;
		data := data || jsonb_build_object('kpis', coalesce(rows, '[]'));
	END IF;
	RETURN data;
END
$$;
COMMENT ON FUNCTION cjm_internal.page_data_steering(cjm_internal.map, timestamptz) IS 'the notes and the targets of a map, as far as the caller may read them';

CREATE FUNCTION cjm_internal.page_data_retention(def cjm_internal.map, map text, by text, groups jsonb, from_time timestamptz, to_time timestamptz, where_is jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	data jsonb;
	rows jsonb;
BEGIN
	SELECT jsonb_build_object('retention', coalesce(jsonb_agg(to_jsonb(r) ORDER BY r.cohort, r.number), '[]')) INTO data
	FROM (SELECT c.cohort, c.number, c.cohort_size, c.retained, c.rate, c.period_over, dense_rank() OVER (ORDER BY c.cohort DESC) AS place
		FROM cjm.retention_report(map, 'month'::text, from_time, to_time, 'in'::text, NULL::text, where_is, NULL::cjm.funnel, NULL::cjm.funnel, 1, NULL::integer[], 'monday'::text, false, false) c) r WHERE r.place <= 24 AND r.number <= 24;
	IF by IS NOT NULL AND cjm_internal.map_customer_words(def) ? by THEN
		SELECT jsonb_agg(to_jsonb(r) ORDER BY r.cohort, r.number) INTO rows
		FROM (SELECT c.by_value, c.cohort, c.number, c.cohort_size, c.retained, c.rate, c.period_over, dense_rank() OVER (ORDER BY c.cohort DESC) AS place
			FROM cjm.retention_report(map, 'month'::text, from_time, to_time, 'in'::text, by, where_is, NULL::cjm.funnel, NULL::cjm.funnel, 1, NULL::integer[], 'monday'::text, false, false) c) r WHERE r.place <= 12 AND r.number <= 12;
		data := data || jsonb_build_object('retention_by', cjm_internal.page_of_groups(coalesce(rows, '[]'), groups));
	END IF;
	RETURN data;
END
$$;
COMMENT ON FUNCTION cjm_internal.page_data_retention(cjm_internal.map, text, text, jsonb, timestamptz, timestamptz, jsonb) IS 'what the page of a map says of retention';

CREATE FUNCTION cjm_internal.page_data_channels(def cjm_internal.map, map text, by text, groups jsonb, from_time timestamptz, to_time timestamptz, where_is jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	data jsonb;
	rows jsonb;
BEGIN
	SELECT jsonb_build_object('channels', coalesce(jsonb_agg(to_jsonb(r)), '[]')) INTO data
	FROM (SELECT c.channel, c.visits, c.conversions, c.revenue, c.cost, c.cpa, c.roas, c.impressions, c.clicks, c.ctr
		FROM cjm.channels_report(map, NULL::text, from_time, to_time, where_is, NULL::text, 'conversion'::text, NULL::text, NULL::boolean, NULL::text) c ORDER BY c.conversions DESC, c.visits DESC LIMIT 30) r;
	IF cjm_internal.map_words(def) ? by THEN
		SELECT jsonb_agg(to_jsonb(r)) INTO rows
		FROM (SELECT c.by_value, c.channel, c.visits, c.conversions, c.revenue, c.cost, c.cpa, c.roas, row_number() OVER (PARTITION BY c.by_value ORDER BY c.conversions DESC, c.visits DESC) AS place
			FROM cjm.channels_report(map, NULL::text, from_time, to_time, where_is, NULL::text, 'conversion'::text, NULL::text, NULL::boolean, by) c) r WHERE r.place <= 12;
		data := data || jsonb_build_object('channels_by', cjm_internal.page_of_groups(coalesce(rows, '[]'), groups));
	END IF;
	RETURN data;
END
$$;
COMMENT ON FUNCTION cjm_internal.page_data_channels(cjm_internal.map, text, text, jsonb, timestamptz, timestamptz, jsonb) IS 'what the page of a map says of channels';

-- Of each stage the most frequent are told; the drawing of the map tells what most did last, of all that there are.
CREATE FUNCTION cjm_internal.page_data_stopped(def cjm_internal.map, map text, by text, groups jsonb, from_time timestamptz, to_time timestamptz, where_is jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	data jsonb;
	rows jsonb;
	facts jsonb;
BEGIN
	WITH d AS MATERIALIZED (
		SELECT d.step, d.stage, d.by_value, d.customers, d.share, d.open_customers, d.refused, d.median_days_since, d.next_event, d.next_customers,
			row_number() OVER (PARTITION BY d.step ORDER BY d.customers + d.open_customers + coalesce(d.refused, 0) DESC, d.by_value COLLATE "C") AS place
		FROM cjm.drop_off_report(map, 'last_event'::text, from_time, to_time, where_is) d)
	SELECT jsonb_build_object('drop_off', coalesce(jsonb_agg(to_jsonb(d)) FILTER (WHERE d.place <= 5), '[]'),
		'facts', jsonb_build_object('leaks', cjm_internal.map_leaks_of(coalesce(jsonb_agg(jsonb_build_object('step', d.step, 'last_event', d.by_value, 'customers', d.customers)), '[]')))) INTO data FROM d;
	IF groups = '[]' THEN
		RETURN data;
	END IF;
	def.groups := ARRAY(SELECT g.label FROM jsonb_array_elements_text(groups) WITH ORDINALITY g(label, place) ORDER BY g.place);
	EXECUTE format('WITH d AS MATERIALIZED (
			SELECT s.part AS by_value, s.step, (%s)[s.step] AS stage, s.last_event, s.customers, s.customers::float8 / nullif(sum(s.customers) OVER (PARTITION BY s.part), 0)::float8 AS share, s.open_customers, s.refused,
				row_number() OVER (PARTITION BY s.part, s.step ORDER BY s.customers + s.open_customers + s.refused DESC, s.last_event COLLATE "C") AS place
			FROM (%s) s)
		SELECT jsonb_agg(to_jsonb(d)) FILTER (WHERE d.place <= 3), jsonb_build_object(''leaks'', cjm_internal.map_leaks_of(coalesce(jsonb_agg(jsonb_build_object(''part'', d.by_value, ''step'', d.step, ''last_event'', d.last_event, ''customers'', d.customers)), ''[]''))) FROM d',
		cjm_internal.map_stage_names(def), cjm_internal.map_stopped_sql(def, by, cjm_internal.map_ranged(from_time, to_time))) INTO rows, facts USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
	RETURN data || jsonb_build_object('drop_off_by', cjm_internal.page_of_groups(coalesce(rows, '[]'), groups), 'facts_by', facts);
END
$$;
COMMENT ON FUNCTION cjm_internal.page_data_stopped(cjm_internal.map, text, text, jsonb, timestamptz, timestamptz, jsonb) IS 'what the page of a map says of where customers stop';

CREATE FUNCTION cjm_internal.page_data_paths(def cjm_internal.map, map text, by text, groups jsonb, from_time timestamptz, to_time timestamptz, where_is jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	data jsonb;
	rows jsonb;
BEGIN
	SELECT jsonb_build_object('paths', coalesce(jsonb_agg(to_jsonb(r)), '[]')) INTO data
	FROM (SELECT t."position", t.source, t.target, t.value FROM cjm.transition_report(map, 'event'::text, from_time, to_time, where_is, 5, false, 'customer'::text) t) r;
	IF groups <> '[]' AND cjm_internal.map_words(def) ? by THEN
		SELECT jsonb_agg(to_jsonb(r)) INTO rows
		FROM (SELECT t.by_value, t."position", t.source, t.target, t.value FROM cjm.transition_report(map, by, from_time, to_time, where_is, 5, false, 'customer'::text) t) r;
		data := data || jsonb_build_object('paths_by', cjm_internal.page_of_groups(coalesce(rows, '[]'), groups));
	END IF;
	RETURN data;
END
$$;
COMMENT ON FUNCTION cjm_internal.page_data_paths(cjm_internal.map, text, text, jsonb, timestamptz, timestamptz, jsonb) IS 'what the page of a map says of paths';

CREATE FUNCTION cjm_internal.page_data_feedback(def cjm_internal.map, map text, by text, groups jsonb, from_time timestamptz, to_time timestamptz, where_is jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	data jsonb;
	rows jsonb;
	facts jsonb;
BEGIN
	WITH f AS MATERIALIZED (SELECT f.*, row_number() OVER (ORDER BY f.answers DESC, f.step, f.event COLLATE "C") AS place FROM cjm.feedback_report(map, NULL::text, from_time, to_time, where_is) f)
	SELECT jsonb_build_object('feedback', coalesce(jsonb_agg(to_jsonb(f) ORDER BY f.place) FILTER (WHERE f.place <= 40), '[]'), 'facts', cjm_internal.map_moods_of(coalesce(jsonb_agg(to_jsonb(f)), '[]'))) INTO data FROM f;
	IF groups <> '[]' AND cjm_internal.map_words(def) ? by THEN
		WITH f AS MATERIALIZED (SELECT f.by_value AS part, f.*, row_number() OVER (PARTITION BY f.by_value ORDER BY f.answers DESC, f.step, f.event COLLATE "C") AS place FROM cjm.feedback_report(map, by, from_time, to_time, where_is) f)
		SELECT jsonb_agg(to_jsonb(f)) FILTER (WHERE f.place <= 12), cjm_internal.map_moods_of(coalesce(jsonb_agg(to_jsonb(f)), '[]')) INTO rows, facts FROM f;
		data := data || jsonb_build_object('feedback_by', cjm_internal.page_of_groups(coalesce(rows, '[]'), groups), 'facts_by', facts);
	END IF;
	RETURN data;
END
$$;
COMMENT ON FUNCTION cjm_internal.page_data_feedback(cjm_internal.map, text, text, jsonb, timestamptz, timestamptz, jsonb) IS 'what the page of a map says of answers';

-- facts, facts_by: what the drawings of the map, and of its groups, are made of that has been read for a section.
CREATE FUNCTION cjm_internal.page_data(map text, by text, from_time timestamptz, to_time timestamptz, where_is jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	data jsonb := jsonb_build_object('map', cjm_internal.map_title(def), 'by', by, 'time_zone', def.time_zone, 'attribution', def.attribution, 'spend', def.spend IS NOT NULL, 'money', def.value IS NOT NULL,
		'asked', array_remove(ARRAY[CASE WHEN def.nps IS NOT NULL THEN 'nps' END, CASE WHEN def.csat IS NOT NULL THEN 'csat' END, CASE WHEN def.ces IS NOT NULL THEN 'ces' END], NULL));
	groups jsonb;
	answers jsonb := '{}';
BEGIN
	data := data || cjm_internal.page_data_funnel(def, map, by, from_time, to_time, where_is);
	groups := data -> 'groups';
	data := data || cjm_internal.page_data_weeks(def, from_time, to_time) || cjm_internal.page_data_steering(def, to_time);
	IF by IS NOT NULL THEN
		data := data || cjm_internal.page_data_weeks_by(def, map, by, groups, from_time, to_time, where_is);
	END IF;
	data := data || cjm_internal.page_data_retention(def, map, by, groups, from_time, to_time, where_is);
	IF def.channel IS NOT NULL THEN
		data := data || cjm_internal.page_data_channels(def, map, by, groups, from_time, to_time, where_is);
	END IF;
	data := data || cjm_internal.page_data_stopped(def, map, by, groups, from_time, to_time, where_is) || cjm_internal.page_data_paths(def, map, by, groups, from_time, to_time, where_is);
	IF jsonb_array_length(data -> 'asked') > 0 THEN
		answers := cjm_internal.page_data_feedback(def, map, by, groups, from_time, to_time, where_is);
	END IF;
	RETURN data || answers || jsonb_build_object('facts', coalesce(data -> 'facts', '{}') || coalesce(answers -> 'facts', '{}'), 'facts_by', coalesce(data -> 'facts_by', '{}') || coalesce(answers -> 'facts_by', '{}'));
END
$$;
COMMENT ON FUNCTION cjm_internal.page_data(text, text, timestamptz, timestamptz, jsonb) IS 'all that the page of a map says, by sections: rows of the reports';
