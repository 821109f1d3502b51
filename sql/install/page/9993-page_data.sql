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

CREATE FUNCTION cjm_internal.page_data(map text, by text, from_time timestamptz, to_time timestamptz, where_is jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	data jsonb := jsonb_build_object('map', cjm_internal.map_title(def), 'by', by, 'time_zone', def.time_zone, 'attribution', def.attribution, 'spend', def.spend IS NOT NULL, 'money', def.value IS NOT NULL,
		'asked', array_remove(ARRAY[CASE WHEN def.nps IS NOT NULL THEN 'nps' END, CASE WHEN def.csat IS NOT NULL THEN 'csat' END, CASE WHEN def.ces IS NOT NULL THEN 'ces' END], NULL));
	split_by boolean := by IS NOT NULL AND cjm_internal.map_words(def) ? by;		-- whether all reports can be by that
	rows jsonb;
	groups jsonb := '[]';
BEGIN
	SELECT jsonb_agg(to_jsonb(r) ORDER BY r.step) INTO rows
	FROM (SELECT f.step, f.stage, coalesce(s.optional, false) AS optional, f.customers, f.step_rate, f.overall_rate, f.rate_low, f.rate_high, f.dropped, f.drop_rate, f.open_customers, f.refused, f.median_time_seconds, f.median_total_seconds
		FROM cjm.funnel_report(map, NULL::text, NULL::text, from_time, to_time, where_is, 'customers'::text, false) f LEFT JOIN (SELECT DISTINCT d.step, d.optional FROM cjm.funnel_stages(def.stages) d) s USING (step)) r;
	data := data || jsonb_build_object('funnel', coalesce(rows, '[]'));
	IF by IS NOT NULL THEN
		SELECT jsonb_agg(to_jsonb(r) ORDER BY r.step) INTO rows
		FROM (SELECT f.by_value, f.step, f.stage, coalesce(s.optional, false) AS optional, f.customers, f.step_rate, f.overall_rate, f.rate_low, f.rate_high, f.dropped, f.drop_rate, f.open_customers, f.refused
			FROM cjm.funnel_report(map, by, NULL::text, from_time, to_time, where_is, 'customers'::text, false) f LEFT JOIN (SELECT DISTINCT d.step, d.optional FROM cjm.funnel_stages(def.stages) d) s USING (step)) r;
		rows := coalesce(rows, '[]');
		groups := cjm_internal.page_groups(rows);
		data := data || jsonb_build_object('groups', groups, 'funnel_by', cjm_internal.page_of_groups(rows, groups),
			'more_groups', (SELECT count(DISTINCT r.by_value) > 6 FROM jsonb_to_recordset(rows) r(by_value text, customers bigint) WHERE r.customers > 0));
	END IF;

	SELECT jsonb_agg(to_jsonb(r) ORDER BY r.week) INTO rows
	FROM (SELECT m.metric, m.step, m.stage, (m.bucket_start AT TIME ZONE def.time_zone)::date AS week, m.n, m.value, m.low, m.high, m.closed, max(m.bucket_start) OVER () - m.bucket_start AS ago
		FROM cjm.metric_report(map, NULL::text, 'week'::text, from_time, to_time, NULL::text, where_is) m) r WHERE r.ago < '25.5 weeks';
	data := data || jsonb_build_object('weeks', coalesce(rows, '[]'));
	IF by IS NOT NULL THEN
		SELECT jsonb_agg(to_jsonb(r) ORDER BY r.week) INTO rows
		FROM (SELECT m.by_value, m.metric, m.step, m.stage, (m.bucket_start AT TIME ZONE def.time_zone)::date AS week, m.n, m.value, m.low, m.high, m.closed, max(m.bucket_start) OVER () - m.bucket_start AS ago
			FROM cjm.metric_report(map, 'conversion'::text, 'week'::text, from_time, to_time, by, where_is) m) r WHERE r.ago < '25.5 weeks';
		data := data || jsonb_build_object('weeks_by', cjm_internal.page_of_groups(coalesce(rows, '[]'), groups));
	END IF;
	IF cjm_internal.map_may_read(def, 'notes') THEN
		EXECUTE format('SELECT jsonb_agg(jsonb_build_object(''at'', n.at, ''day'', (n.at AT TIME ZONE $1)::date, ''text'', n.text) ORDER BY n.at) FROM %s.notes n', cjm_internal.map_schema(def)) INTO rows USING def.time_zone;
		data := data || jsonb_build_object('notes', coalesce(rows, '[]'));
	END IF;
	SELECT jsonb_agg(to_jsonb(r) ORDER BY r.adjusted_p_value, r.metric, r.step) INTO rows
	FROM (SELECT c.metric, c.step, c.stage, (c.bucket_start AT TIME ZONE def.time_zone)::date AS week, c.value, c.usual, c.usual_low, c.usual_high, c.adjusted_p_value
		FROM cjm.compare_report(map, NULL::text, 'week'::text, from_time, to_time, NULL::text, where_is, 8, NULL::interval) c WHERE c.p_value IS NOT NULL) r;
	data := data || jsonb_build_object('compared', coalesce(rows, '[]'));
	-- What steers a map stands in relations that not everybody may read who reads reports.  Targets are of the week that is over now, and of all customers.
	IF where_is IS NULL AND coalesce(to_time, 'infinity') = 'infinity' AND cjm_internal.map_may_read(def, 'kpis') THEN
		EXECUTE format('SELECT jsonb_agg(to_jsonb(k) ORDER BY k.metric, k.step, k.by COLLATE "C", k.by_value COLLATE "C")
			FROM (SELECT k.metric, k.step, k.stage, k.by, k.by_value, k.week, k.actual, k.direction, k.target, k.met FROM %s.kpis k) k', cjm_internal.map_schema(def)) INTO rows;
		data := data || jsonb_build_object('kpis', coalesce(rows, '[]'));
	END IF;

	SELECT jsonb_agg(to_jsonb(r) ORDER BY r.cohort, r.number) INTO rows
	FROM (SELECT c.cohort, c.number, c.cohort_size, c.retained, c.rate, c.period_over, dense_rank() OVER (ORDER BY c.cohort DESC) AS place
		FROM cjm.retention_report(map, 'month'::text, from_time, to_time, 'in'::text, NULL::text, where_is, NULL::cjm.funnel, NULL::cjm.funnel, 1, NULL::integer[], 'monday'::text, false, false) c) r WHERE r.place <= 24 AND r.number <= 24;
	data := data || jsonb_build_object('retention', coalesce(rows, '[]'));
	IF by IS NOT NULL AND cjm_internal.map_customer_words(def) ? by THEN
		SELECT jsonb_agg(to_jsonb(r) ORDER BY r.cohort, r.number) INTO rows
		FROM (SELECT c.by_value, c.cohort, c.number, c.cohort_size, c.retained, c.rate, c.period_over, dense_rank() OVER (ORDER BY c.cohort DESC) AS place
			FROM cjm.retention_report(map, 'month'::text, from_time, to_time, 'in'::text, by, where_is, NULL::cjm.funnel, NULL::cjm.funnel, 1, NULL::integer[], 'monday'::text, false, false) c) r WHERE r.place <= 12 AND r.number <= 12;
		data := data || jsonb_build_object('retention_by', cjm_internal.page_of_groups(coalesce(rows, '[]'), groups));
	END IF;

	IF def.channel IS NOT NULL THEN
		SELECT jsonb_agg(to_jsonb(r)) INTO rows
		FROM (SELECT c.channel, c.visits, c.conversions, c.revenue, c.cost, c.cpa, c.roas, c.impressions, c.clicks, c.ctr
			FROM cjm.channels_report(map, NULL::text, from_time, to_time, where_is, NULL::text, 'conversion'::text, NULL::text, NULL::boolean, NULL::text) c ORDER BY c.conversions DESC, c.visits DESC LIMIT 30) r;
		data := data || jsonb_build_object('channels', coalesce(rows, '[]'));
		IF split_by THEN
			SELECT jsonb_agg(to_jsonb(r)) INTO rows
			FROM (SELECT c.by_value, c.channel, c.visits, c.conversions, c.revenue, c.cost, c.cpa, c.roas, row_number() OVER (PARTITION BY c.by_value ORDER BY c.conversions DESC, c.visits DESC) AS place
				FROM cjm.channels_report(map, NULL::text, from_time, to_time, where_is, NULL::text, 'conversion'::text, NULL::text, NULL::boolean, by) c) r WHERE r.place <= 12;
			data := data || jsonb_build_object('channels_by', cjm_internal.page_of_groups(coalesce(rows, '[]'), groups));
		END IF;
	END IF;

	SELECT jsonb_agg(to_jsonb(r)) INTO rows
	FROM (SELECT d.step, d.stage, d.by_value, d.customers, d.share, d.open_customers, d.refused, d.median_days_since, d.next_event, d.next_customers,
			row_number() OVER (PARTITION BY d.step ORDER BY d.customers + d.open_customers + coalesce(d.refused, 0) DESC, d.by_value COLLATE "C") AS place
		FROM cjm.drop_off_report(map, 'last_event'::text, from_time, to_time, where_is) d) r WHERE r.place <= 5;
	data := data || jsonb_build_object('drop_off', coalesce(rows, '[]'));
	SELECT jsonb_agg(to_jsonb(r)) INTO rows
	FROM (SELECT t."position", t.source, t.target, t.value FROM cjm.transition_report(map, 'event'::text, from_time, to_time, where_is, 5, false, 'customer'::text) t) r;
	data := data || jsonb_build_object('paths', coalesce(rows, '[]'));

	IF jsonb_array_length(data -> 'asked') > 0 THEN
		SELECT jsonb_agg(to_jsonb(r)) INTO rows
		FROM (SELECT f.step, f.stage, f.event, f.answers, f.nps, f.nps_low, f.nps_high, f.csat, f.csat_low, f.csat_high, f.ces, f.ces_low, f.ces_high, f.unhappy_drop_rate, f.happy_drop_rate
			FROM cjm.feedback_report(map, NULL::text, from_time, to_time, where_is) f ORDER BY f.answers DESC, f.step, f.event COLLATE "C" LIMIT 40) r;
		data := data || jsonb_build_object('feedback', coalesce(rows, '[]'));
		IF split_by THEN
			SELECT jsonb_agg(to_jsonb(r)) INTO rows
			FROM (SELECT f.by_value, f.step, f.stage, f.event, f.answers, f.nps, f.nps_low, f.nps_high, f.csat, f.csat_low, f.csat_high, f.ces, f.ces_low, f.ces_high, f.unhappy_drop_rate, f.happy_drop_rate,
					row_number() OVER (PARTITION BY f.by_value ORDER BY f.answers DESC, f.step, f.event COLLATE "C") AS place
				FROM cjm.feedback_report(map, by, from_time, to_time, where_is) f) r WHERE r.place <= 12;
			data := data || jsonb_build_object('feedback_by', cjm_internal.page_of_groups(coalesce(rows, '[]'), groups));
		END IF;
	END IF;
	RETURN data;
END
$$;
COMMENT ON FUNCTION cjm_internal.page_data(text, text, timestamptz, timestamptz, jsonb) IS 'all that the page of a map says, by sections: rows of the reports';
