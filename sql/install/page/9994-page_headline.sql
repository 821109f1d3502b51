--
-- The headline of map_html: what leaks most, what has changed, what is below target
--

CREATE FUNCTION cjm_internal.page_leak(words jsonb, data jsonb) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
BEGIN ATOMIC
	WITH steps AS (
		SELECT s.* FROM jsonb_to_recordset(data -> 'funnel') s(step integer, stage text, optional boolean, customers bigint, overall_rate float8, dropped bigint, drop_rate float8)
	), worst AS (
		SELECT s.* FROM steps s WHERE s.dropped > 0 ORDER BY s.dropped DESC, s.step LIMIT 1
	), last_event AS (
		SELECT d.by_value, d.customers FROM jsonb_to_recordset(data -> 'drop_off') d(step integer, by_value text, customers bigint) JOIN worst w USING (step) WHERE d.customers > 0 ORDER BY d.customers DESC, d.by_value COLLATE "C" LIMIT 1
	)
	SELECT CASE WHEN coalesce(began.customers, 0) = 0 THEN format('<li>%s</li>', cjm_internal.page_word(words, 'page_nobody'))
		ELSE concat((SELECT format(E'<li>%s</li>\n', cjm_internal.page_say(words, 'page_reached', cjm_internal.svg_escape(cjm_internal.draw_count(e.customers, words)), cjm_internal.svg_escape(cjm_internal.draw_count(began.customers, words)), cjm_internal.page_label(words, e.stage), cjm_internal.svg_rate(e.overall_rate, words)))
				FROM steps e WHERE NOT e.optional AND e.step > 1 ORDER BY e.step DESC LIMIT 1),
			coalesce((SELECT format(E'<li class="leak">%s%s</li>\n', cjm_internal.page_say(words, 'page_leak', cjm_internal.page_label(words, w.stage), cjm_internal.svg_escape(cjm_internal.draw_count(w.dropped, words)), cjm_internal.svg_escape(cjm_internal.draw_count(w.customers, words)), cjm_internal.svg_rate(w.drop_rate, words)),
					(SELECT cjm_internal.page_say(words, 'page_leak_last', cjm_internal.svg_escape(cjm_internal.draw_count(l.customers, words)), cjm_internal.page_label(words, l.by_value)) FROM last_event l)) FROM worst w),
				format('<li>%s</li>', cjm_internal.page_word(words, 'page_no_leak')))) END
	FROM (SELECT max(s.customers) AS customers FROM steps s WHERE s.step = 1) began;
END;
COMMENT ON FUNCTION cjm_internal.page_leak(jsonb, jsonb) IS 'how many come to the end, and where most are lost, in sentences';

-- What differs for sure, as compare_report has it; and that nothing does, or that nobody can know, is said, too.
CREATE FUNCTION cjm_internal.page_changed(words jsonb, data jsonb) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
BEGIN ATOMIC
	SELECT CASE WHEN count(*) = 0 THEN format('<li>%s</li>', cjm_internal.page_word(words, 'page_too_few'))
		ELSE coalesce(string_agg(format(E'<li class="changed">%s</li>\n', cjm_internal.page_say(words, CASE WHEN c.value < c.usual THEN 'page_below' ELSE 'page_above' END, cjm_internal.page_metric(words, c.metric, c.stage, NULL, NULL),
				cjm_internal.page_shown(words, k.kind, c.value), cjm_internal.page_day(words, c.week), cjm_internal.page_shown(words, k.kind, c.usual_low), cjm_internal.page_shown(words, k.kind, c.usual_high))), ''
				ORDER BY c.adjusted_p_value, k.place, c.step) FILTER (WHERE c.adjusted_p_value <= 0.05), format('<li>%s</li>', cjm_internal.page_word(words, 'page_as_usual'))) END
	FROM jsonb_to_recordset(data -> 'compared') c(metric text, step integer, stage text, week date, value float8, usual float8, usual_low float8, usual_high float8, adjusted_p_value float8) JOIN cjm_internal.map_metrics() k ON k.metric = c.metric;
END;
COMMENT ON FUNCTION cjm_internal.page_changed(jsonb, jsonb) IS 'what has changed in the last week that is over, in sentences';

CREATE FUNCTION cjm_internal.page_missed(words jsonb, data jsonb) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
BEGIN ATOMIC
	SELECT coalesce(string_agg(format(E'<li class="missed">%s</li>\n', cjm_internal.page_say(words, CASE c.direction WHEN 'at least' THEN 'page_missed_least' ELSE 'page_missed_most' END, cjm_internal.page_metric(words, c.metric, c.stage, c.by, c.by_value),
			cjm_internal.page_shown(words, k.kind, c.actual), cjm_internal.page_day(words, c.week), cjm_internal.page_shown(words, k.kind, c.target))), ''
			ORDER BY k.place, c.step, c.by COLLATE "C" NULLS FIRST, c.by_value COLLATE "C") FILTER (WHERE NOT c.met),
		format('<li>%s</li>', cjm_internal.page_say(words, 'page_targets_met', count(*)::text)))
	FROM jsonb_to_recordset(data -> 'kpis') c(metric text, step integer, stage text, by text, by_value text, week date, actual float8, direction text, target float8, met boolean) JOIN cjm_internal.map_metrics() k ON k.metric = c.metric
	HAVING count(*) > 0;
END;
COMMENT ON FUNCTION cjm_internal.page_missed(jsonb, jsonb) IS 'which targets are missed, in sentences; NULL where there are none';
