--
-- The sections of map_html, each made of rows that page_data has read
--
-- A section of which there are no rows is NULL, and not there.  Rows of groups stand
-- beside those of all customers; groups are in the order of page_groups.
--

-- A drawing in the page.  One that is as large as svg_landscape has it is printed on larger paper, and two that are narrow on one sheet.
CREATE FUNCTION cjm_internal.page_drawing(place bigint, label text, drawing text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (SELECT format(E'<div class="wide wall%s%s" data-g="%s" tabindex="0" role="group" aria-label="%s">\n%s</div>\n', CASE WHEN greatest(d.width, d.height * 1.414) > 1400 THEN ' large' END, CASE WHEN place > 0 AND d.width < d.height * 0.8 THEN ' half' END, place, label, drawing)
	FROM (SELECT substring(drawing FROM ' width="([\d.]+)"')::float8 AS width, substring(drawing FROM ' height="([\d.]+)"')::float8 AS height) d);
COMMENT ON FUNCTION cjm_internal.page_drawing(bigint, text, text) IS 'a drawing of a map in the page; label: character data';

-- wall and walls are SVG of ours: of all customers, and of each group.
CREATE FUNCTION cjm_internal.page_wall(words jsonb, data jsonb, wall text, walls text[]) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
RETURN cjm_internal.page_section(words, 'wall', cjm_internal.page_drawing(0, cjm_internal.page_word(words, 'page_wall'), wall) ||
	coalesce((SELECT format(E'<div class="walls">\n%s</div>\n', string_agg(cjm_internal.page_drawing(g.place,
			concat(cjm_internal.page_word(words, 'page_wall'), ', ', coalesce(cjm_internal.svg_escape(g.label), cjm_internal.page_word(words, 'not_known'))), walls[g.place]), '' ORDER BY g.place))
		FROM jsonb_array_elements_text(data -> 'groups') WITH ORDINALITY g(label, place) WHERE walls[g.place] IS NOT NULL), ''));
COMMENT ON FUNCTION cjm_internal.page_wall(jsonb, jsonb, text, text[]) IS 'the section of the map drawn';

CREATE FUNCTION cjm_internal.page_funnel_table(words jsonb, rows jsonb, caption text, brief boolean) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
BEGIN ATOMIC
	WITH steps AS (
		SELECT s.*, s.customers - coalesce(s.dropped, 0) - coalesce(s.open_customers, 0) - coalesce(s.refused, 0) AS gone_on, greatest(max(s.customers) OVER (), 1)::float8 AS most
		FROM jsonb_to_recordset(rows) s(step integer, stage text, optional boolean, customers bigint, step_rate float8, overall_rate float8, rate_low float8, rate_high float8,
			dropped bigint, open_customers bigint, refused bigint, median_time_seconds float8, median_total_seconds float8)
	)
	SELECT cjm_internal.page_table(words, 'sort funnel', caption, CASE WHEN brief THEN '{<stage,customers,=page_bar,metric_step_rate,page_overall_rate,dropped}'::text[]
			ELSE '{page_step,<stage,customers,=page_bar,metric_step_rate,page_overall_rate,dropped,still_open,refused,metric_median_time,metric_median_total}'::text[] END,
		string_agg(concat('<tr>', CASE WHEN NOT brief THEN cjm_internal.page_cell(s.step::text, s.step::text) END,
			format('<th scope="row"><bdi>%s</bdi>%s</th>', cjm_internal.svg_escape(s.stage), CASE WHEN s.optional THEN ' <small>' || cjm_internal.page_word(words, 'optional') || '</small>' END),
			cjm_internal.page_count(words, s.customers),
			cjm_internal.page_bar('{gone,open,refused,dropped}'::text[], ARRAY[s.gone_on / s.most, s.open_customers / s.most, s.refused / s.most, s.dropped / s.most]),
			cjm_internal.page_rate(words, s.step_rate, s.rate_low, s.rate_high), cjm_internal.page_rate(words, s.overall_rate), cjm_internal.page_count(words, s.dropped),
			CASE WHEN NOT brief THEN concat(cjm_internal.page_count(words, s.open_customers), cjm_internal.page_count(words, s.refused),
				cjm_internal.page_number(words, 'time', s.median_time_seconds), cjm_internal.page_number(words, 'time', s.median_total_seconds)) END, '</tr>'), E'\n' ORDER BY s.step))
	FROM steps s;
END;
COMMENT ON FUNCTION cjm_internal.page_funnel_table(jsonb, jsonb, text, boolean) IS 'a funnel of rows of funnel_report; brief: for one beside others';

CREATE FUNCTION cjm_internal.page_funnel(words jsonb, data jsonb) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
RETURN cjm_internal.page_section(words, 'funnel', concat(
	cjm_internal.page_key(words, '{gone,open,refused,dropped}'::text[], '{gone_on,still_open,refused,dropped}'::text[]),
	format('<div data-g="0">%s</div>', cjm_internal.page_funnel_table(words, data -> 'funnel', cjm_internal.page_word(words, 'page_all'), false)),
	(SELECT format('<div class="tiles broad">%s</div>', string_agg(cjm_internal.page_group(words, g.place::integer, '', cjm_internal.page_label(words, g.label),
			cjm_internal.page_funnel_table(words, (SELECT jsonb_agg(r) FROM jsonb_array_elements(data -> 'funnel_by') r WHERE r ->> 'by_value' IS NOT DISTINCT FROM g.label), cjm_internal.page_label(words, g.label), true)), '' ORDER BY g.place))
		FROM jsonb_array_elements_text(data -> 'groups') WITH ORDINALITY g(label, place))));
COMMENT ON FUNCTION cjm_internal.page_funnel(jsonb, jsonb) IS 'the section of the funnel';

-- Notes are numbered in the order of their times.
CREATE FUNCTION cjm_internal.page_weeks(words jsonb, data jsonb) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 5000
BEGIN ATOMIC
	WITH rows AS (
		SELECT 0 AS place, NULL::text AS by_value, w.*
		FROM jsonb_to_recordset(data -> 'weeks') w(metric text, step integer, stage text, week date, n bigint, value float8, low float8, high float8, closed boolean)
		UNION ALL
		SELECT g.place, g.label, w.metric, w.step, w.stage, w.week, w.n, w.value, w.low, w.high, w.closed
		FROM jsonb_array_elements_text(data -> 'groups') WITH ORDINALITY g(label, place)
			JOIN jsonb_to_recordset(data -> 'weeks_by') w(metric text, step integer, stage text, week date, n bigint, value float8, low float8, high float8, closed boolean, by_value text) ON w.by_value IS NOT DISTINCT FROM g.label
	), time AS (
		SELECT min(r.week) AS first, max(r.week) AS last FROM rows r
	), notes AS (
		SELECT coalesce(jsonb_agg(jsonb_build_object('number', n.number, 'day', n.day) ORDER BY n.number), '[]') AS marks,
			string_agg(format('<li>%s: <bdi>%s</bdi></li>', cjm_internal.page_day(words, n.day), cjm_internal.svg_escape(n.text)), '' ORDER BY n.number) AS list
		FROM (SELECT j.*, row_number() OVER (ORDER BY j.at, j.text COLLATE "C") AS number FROM jsonb_to_recordset(data -> 'notes') j(at timestamptz, day date, text text) CROSS JOIN time t WHERE j.day BETWEEN t.first AND t.last + 6) n
	), series AS (
		SELECT r.place, r.by_value, r.metric, r.step, r.stage, k.place AS metric_place, k.kind, array_agg((r.week, r.n, r.value, r.low, r.high, r.closed)::cjm_internal.page_week ORDER BY r.week) AS weeks,
			CASE WHEN k.kind = 'score' THEN min(least(r.value, r.low)) WHEN k.kind = 'rate' THEN min(least(r.value, r.low)) ELSE least(0, min(r.value)) END AS bottom,
			greatest(max(r.value), CASE WHEN k.kind IN ('rate', 'score') THEN max(r.high) WHEN max(r.high) IS NOT NULL THEN least(max(r.high), 1.5 * max(r.value)) END) AS top
		FROM rows r JOIN cjm_internal.map_metrics() k ON k.metric = r.metric
		GROUP BY r.place, r.by_value, r.metric, r.step, r.stage, k.place, k.kind
	), scaled AS (
		SELECT s.place, s.by_value, s.metric, s.step, s.stage, s.metric_place, s.kind, s.weeks, CASE WHEN s.place = 0 THEN s.bottom ELSE min(s.bottom) OVER (PARTITION BY s.place > 0, s.metric, s.step) END AS bottom,
			CASE WHEN s.place = 0 THEN s.top ELSE max(s.top) OVER (PARTITION BY s.place > 0, s.metric, s.step) END AS top
		FROM series s
	), charts AS (
		SELECT s.place, s.metric_place, s.step, cjm_internal.page_series(words, s.kind, cjm_internal.page_metric(words, s.metric, s.stage, CASE WHEN s.place > 0 THEN data ->> 'by' END, s.by_value), s.weeks, t.first, t.last, s.bottom, s.top, n.marks) AS chart
		FROM scaled s CROSS JOIN time t CROSS JOIN notes n
	)
	SELECT cjm_internal.page_section(words, 'weeks', concat('<p class="soft">', cjm_internal.page_say(words, 'page_weeks_are'), E'</p>\n',
		(SELECT format(E'<ol class="notes">%s</ol>\n', n.list) FROM notes n WHERE n.list IS NOT NULL),
		format(E'<div class="tiles" data-g="0">\n%s</div>\n', string_agg(c.chart, '' ORDER BY c.metric_place, c.step) FILTER (WHERE c.place = 0)),
		format(E'<div class="tiles">\n%s</div>\n', string_agg(format(E'<div data-g="%s">%s</div>\n', c.place, c.chart), '' ORDER BY c.place, c.metric_place, c.step) FILTER (WHERE c.place > 0))))
	FROM charts c HAVING count(*) > 0;
END;
COMMENT ON FUNCTION cjm_internal.page_weeks(jsonb, jsonb) IS 'the section of the figures of weeks';

-- Colours as in retention_svg: seven, up to the highest rate of at least 30 customers, and none of fewer.
CREATE FUNCTION cjm_internal.page_retention_table(words jsonb, rows jsonb, caption text, full_rate float8) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE COST 1000
BEGIN ATOMIC
	WITH cells AS (
		SELECT c.* FROM jsonb_to_recordset(rows) c(cohort date, number integer, cohort_size bigint, retained bigint, rate float8, period_over boolean)
	), lines AS (
		SELECT c.cohort, max(c.cohort_size) AS size, string_agg(cell.html, '' ORDER BY n.number) AS html
		FROM (SELECT d.cohort, max(d.cohort_size) AS cohort_size FROM cells d GROUP BY d.cohort) c
			CROSS JOIN LATERAL generate_series(1, (SELECT max(d.number) FROM cells d)) n(number)
			LEFT JOIN cells v ON v.cohort = c.cohort AND v.number = n.number
			CROSS JOIN LATERAL (SELECT CASE WHEN v.cohort IS NULL THEN '<td></td>' ELSE format('<td class="%s%s" data-v="%s" title="%s / %s">%s</td>',
				CASE WHEN v.cohort_size < cjm_internal.map_few() THEN 'few' ELSE concat('h', least(floor(v.rate / nullif(full_rate, 0) * 7), 6)) END, CASE WHEN NOT v.period_over THEN ' grows' END,
				v.rate, v.retained, v.cohort_size, cjm_internal.svg_rate(v.rate, words)) END AS html) cell
		GROUP BY c.cohort
	)
	SELECT format(E'<div class="wide" tabindex="0" role="group" aria-label="%s"><table class="heat"><caption>%s</caption><thead><tr><th scope="col">%s</th><th scope="col">%s</th>%s</tr></thead>\n<tbody>%s</tbody></table></div>\n',
		regexp_replace(caption, '<[^>]*>', '', 'g'), caption, cjm_internal.page_word(words, 'page_cohort'), cjm_internal.page_word(words, 'customers'),
		(SELECT string_agg(format('<th scope="col">%s</th>', n.number), '' ORDER BY n.number) FROM generate_series(1, (SELECT max(c.number) FROM cells c)) n(number)),
		string_agg(concat('<tr><th scope="row">', cjm_internal.svg_escape(to_char(l.cohort, words ->> 'month_date')), '</th>', cjm_internal.page_count(words, l.size), l.html, '</tr>'), E'\n' ORDER BY l.cohort))
	FROM lines l HAVING count(*) > 0;
END;
COMMENT ON FUNCTION cjm_internal.page_retention_table(jsonb, jsonb, text, float8) IS 'a heat map of rows of retention_report';

CREATE FUNCTION cjm_internal.page_retention(words jsonb, data jsonb) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
BEGIN ATOMIC
	WITH full_rate AS (
		SELECT max(c.rate) AS rate FROM jsonb_to_recordset((data -> 'retention') || coalesce(data -> 'retention_by', '[]')) c(number integer, cohort_size bigint, rate float8) WHERE c.number > 0 AND c.cohort_size >= cjm_internal.map_few()
	)
	SELECT cjm_internal.page_section(words, 'retention', format(E'<p class="soft">%s</p>\n<div data-g="0">%s</div>\n', cjm_internal.page_say(words, 'page_retention_is', cjm_internal.map_few()::text), cjm_internal.page_retention_table(words, data -> 'retention', cjm_internal.page_word(words, 'page_all'), f.rate)) ||
		coalesce((SELECT format('<div class="tiles broad">%s</div>', string_agg(cjm_internal.page_group(words, g.place::integer, '', cjm_internal.page_label(words, g.label), t.html), '' ORDER BY g.place))
			FROM jsonb_array_elements_text(data -> 'groups') WITH ORDINALITY g(label, place)
				CROSS JOIN LATERAL (SELECT cjm_internal.page_retention_table(words, (SELECT jsonb_agg(r) FROM jsonb_array_elements(data -> 'retention_by') r WHERE r ->> 'by_value' IS NOT DISTINCT FROM g.label), cjm_internal.page_label(words, g.label), f.rate) AS html) t
			WHERE t.html IS NOT NULL), ''))
	FROM full_rate f WHERE EXISTS (SELECT FROM jsonb_to_recordset(data -> 'retention') c(number integer) WHERE c.number > 0);
END;
COMMENT ON FUNCTION cjm_internal.page_retention(jsonb, jsonb) IS 'the section of retention';

-- Only columns that say something; what is spent where the map has it.
CREATE FUNCTION cjm_internal.page_channels_table(words jsonb, rows jsonb, caption text, spend boolean, money boolean, brief boolean) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
BEGIN ATOMIC
	SELECT cjm_internal.page_table(words, 'sort', caption,
		'{<page_channel,metric_visits,page_conversions}'::text[] || CASE WHEN brief THEN '{}'::text[] ELSE '{=page_bar}'::text[] END || CASE WHEN money THEN '{metric_revenue}'::text[] ELSE '{}'::text[] END ||
			CASE WHEN spend THEN CASE WHEN money THEN '{page_cost,metric_cpa,metric_roas}'::text[] ELSE '{page_cost,metric_cpa}'::text[] END ELSE '{}'::text[] END || CASE WHEN spend AND NOT brief THEN '{page_impressions,page_clicks,page_ctr}'::text[] ELSE '{}'::text[] END,
		string_agg(concat('<tr><th scope="row">', cjm_internal.page_label(words, c.channel), '</th>', cjm_internal.page_count(words, c.visits), cjm_internal.page_cell(c.conversions::text, cjm_internal.page_decimal(words, c.conversions, CASE WHEN c.whole THEN 0 ELSE 1 END)),
			CASE WHEN NOT brief THEN cjm_internal.page_bar('{gone}'::text[], ARRAY[greatest(c.conversions, 0) / nullif(c.most, 0)]) END,
			CASE WHEN money THEN cjm_internal.page_cell(c.revenue::text, cjm_internal.page_figure(words, 'money', c.revenue::float8)) END,
			CASE WHEN spend THEN concat(cjm_internal.page_cell(c.cost::text, cjm_internal.page_figure(words, 'money', c.cost::float8)), cjm_internal.page_cell(c.cpa::text, cjm_internal.page_figure(words, 'money', c.cpa::float8)),
				CASE WHEN money THEN cjm_internal.page_number(words, 'money', c.roas) END, CASE WHEN NOT brief THEN concat(cjm_internal.page_count(words, c.impressions), cjm_internal.page_count(words, c.clicks), cjm_internal.page_rate(words, c.ctr)) END) END, '</tr>'),
			E'\n' ORDER BY c.conversions DESC, c.visits DESC, c.channel COLLATE "C"))
	FROM (SELECT r.*, max(r.conversions) OVER () AS most, bool_and(r.conversions = floor(r.conversions)) OVER () AS whole FROM jsonb_to_recordset(rows) r(channel text, visits bigint, conversions float8, revenue numeric, cost numeric, cpa numeric, roas float8, impressions bigint, clicks bigint, ctr float8)) c
	HAVING count(*) > 0;
END;
COMMENT ON FUNCTION cjm_internal.page_channels_table(jsonb, jsonb, text, boolean, boolean, boolean) IS 'rows of channels_report; brief: for one beside others';

CREATE FUNCTION cjm_internal.page_channels(words jsonb, data jsonb) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
RETURN cjm_internal.page_section(words, 'channels', format(E'<p class="soft">%s</p>\n', cjm_internal.page_say(words, 'page_channels_are', cjm_internal.svg_escape(data ->> 'attribution'))) ||
	'<div data-g="0">' || cjm_internal.page_channels_table(words, data -> 'channels', cjm_internal.page_word(words, 'page_all'), (data ->> 'spend')::boolean, (data ->> 'money')::boolean, false) || E'</div>\n' ||
	coalesce((SELECT format('<div class="tiles broad">%s</div>', string_agg(cjm_internal.page_group(words, g.place::integer, '', cjm_internal.page_label(words, g.label), t.html), '' ORDER BY g.place))
		FROM jsonb_array_elements_text(data -> 'groups') WITH ORDINALITY g(label, place)
			CROSS JOIN LATERAL (SELECT cjm_internal.page_channels_table(words, (SELECT jsonb_agg(r) FROM jsonb_array_elements(data -> 'channels_by') r WHERE r ->> 'by_value' IS NOT DISTINCT FROM g.label), cjm_internal.page_label(words, g.label),
				(data ->> 'spend')::boolean, (data ->> 'money')::boolean, true) AS html) t WHERE t.html IS NOT NULL), ''));
COMMENT ON FUNCTION cjm_internal.page_channels(jsonb, jsonb) IS 'the section of channels; NULL where there is none';

CREATE FUNCTION cjm_internal.page_drop_off_table(words jsonb, rows jsonb, caption text, brief boolean) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
BEGIN ATOMIC
	SELECT cjm_internal.page_table(words, 'sort', caption, CASE WHEN brief THEN '{<stage,<page_last_event,page_stopped,page_share,still_open,refused}'::text[]
			ELSE '{page_step,<stage,<page_last_event,page_stopped,page_share,still_open,refused,page_days_since,<page_next_event,page_next_customers}'::text[] END,
		string_agg(concat('<tr>', CASE WHEN NOT brief THEN cjm_internal.page_cell(d.step::text, d.step::text) END, '<th scope="row" class="l">', cjm_internal.page_label(words, d.stage), '</th><td class="l">', cjm_internal.page_label(words, d.last_event), '</td>',
			cjm_internal.page_count(words, d.customers), cjm_internal.page_rate(words, d.share), cjm_internal.page_count(words, d.open_customers), cjm_internal.page_count(words, d.refused),
			CASE WHEN NOT brief THEN concat(cjm_internal.page_number(words, 'score', d.median_days_since),
				'<td class="l">', CASE WHEN d.next_event IS NOT NULL THEN cjm_internal.page_label(words, d.next_event) ELSE '&#8211;' END, '</td>', cjm_internal.page_count(words, d.next_customers)) END, '</tr>'), E'\n' ORDER BY d.step, d.customers DESC, d.last_event COLLATE "C"))
	FROM (SELECT r.*, CASE WHEN brief THEN r.event ELSE r.by_value END AS last_event
		FROM ROWS FROM (jsonb_to_recordset(rows) AS (step integer, stage text, by_value text, customers bigint, share float8, open_customers bigint, refused bigint, median_days_since float8, next_event text, next_customers bigint, last_event text))
			r(step, stage, by_value, customers, share, open_customers, refused, median_days_since, next_event, next_customers, event)) d
	HAVING count(*) > 0;
END;
COMMENT ON FUNCTION cjm_internal.page_drop_off_table(jsonb, jsonb, text, boolean) IS 'rows of drop_off_report by last event; brief: for one beside others, where by_value is the group';

CREATE FUNCTION cjm_internal.page_drop_off(words jsonb, data jsonb) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
RETURN cjm_internal.page_section(words, 'drop_off', format(E'<p class="soft">%s</p>\n', cjm_internal.page_word(words, 'page_drop_off_is')) || '<div data-g="0">' || cjm_internal.page_drop_off_table(words, data -> 'drop_off', cjm_internal.page_word(words, 'page_all'), false) || E'</div>\n' ||
	coalesce((SELECT format('<div class="tiles broad">%s</div>', string_agg(cjm_internal.page_group(words, g.place::integer, '', cjm_internal.page_label(words, g.label), t.html), '' ORDER BY g.place))
		FROM jsonb_array_elements_text(data -> 'groups') WITH ORDINALITY g(label, place)
			CROSS JOIN LATERAL (SELECT cjm_internal.page_drop_off_table(words, (SELECT jsonb_agg(r) FROM jsonb_array_elements(data -> 'drop_off_by') r WHERE r ->> 'by_value' IS NOT DISTINCT FROM g.label), cjm_internal.page_label(words, g.label), true) AS html) t
		WHERE t.html IS NOT NULL), ''));
COMMENT ON FUNCTION cjm_internal.page_drop_off(jsonb, jsonb) IS 'the section of where customers stop';

CREATE FUNCTION cjm_internal.page_paths(words jsonb, data jsonb) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
RETURN cjm_internal.page_section(words, 'paths', format(E'<p class="soft">%s</p>\n', cjm_internal.page_word(words, 'page_paths_are')) || '<div data-g="0">' || cjm_internal.page_flows(words, data -> 'paths', cjm_internal.page_word(words, 'page_all'), 6) || E'</div>\n' ||
	coalesce((SELECT format('<div class="tiles broad">%s</div>', string_agg(cjm_internal.page_group(words, g.place::integer, '', cjm_internal.page_label(words, g.label), t.html), '' ORDER BY g.place))
		FROM jsonb_array_elements_text(data -> 'groups') WITH ORDINALITY g(label, place)
			CROSS JOIN LATERAL (SELECT cjm_internal.page_flows(words, (SELECT jsonb_agg(r) FROM jsonb_array_elements(data -> 'paths_by') r WHERE r ->> 'by_value' IS NOT DISTINCT FROM g.label), cjm_internal.page_label(words, g.label), CASE WHEN jsonb_array_length(data -> 'groups') > 4 THEN 3 ELSE 4 END) AS html) t
		WHERE t.html IS NOT NULL), ''));
COMMENT ON FUNCTION cjm_internal.page_paths(jsonb, jsonb) IS 'the section of paths';

CREATE FUNCTION cjm_internal.page_feedback_table(words jsonb, rows jsonb, caption text, asked text[]) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
BEGIN ATOMIC
	SELECT cjm_internal.page_table(words, 'sort', caption, '{<stage,<page_event,page_answers}'::text[] || ARRAY(SELECT 'metric_' || a FROM unnest(asked) WITH ORDINALITY u(a, place) ORDER BY place) || '{page_unhappy_drop,page_happy_drop}'::text[],
		string_agg(concat('<tr><th scope="row">', CASE WHEN f.stage IS NULL THEN cjm_internal.page_word(words, 'before') ELSE cjm_internal.page_label(words, f.stage) END, '</th><td class="l">', cjm_internal.page_label(words, f.event), '</td>', cjm_internal.page_count(words, f.answers),
			CASE WHEN 'nps' = ANY (asked) THEN cjm_internal.page_number(words, 'score', f.nps, f.nps_low, f.nps_high) END, CASE WHEN 'csat' = ANY (asked) THEN cjm_internal.page_rate(words, f.csat, f.csat_low, f.csat_high) END,
			CASE WHEN 'ces' = ANY (asked) THEN cjm_internal.page_number(words, 'score', f.ces, f.ces_low, f.ces_high) END,
			cjm_internal.page_rate(words, f.unhappy_drop_rate), cjm_internal.page_rate(words, f.happy_drop_rate), '</tr>'), E'\n' ORDER BY f.step, f.answers DESC, f.event COLLATE "C"))
	FROM jsonb_to_recordset(rows) f(step integer, stage text, event text, answers bigint, nps float8, nps_low float8, nps_high float8, csat float8, csat_low float8, csat_high float8, ces float8, ces_low float8, ces_high float8,
		unhappy_drop_rate float8, happy_drop_rate float8)
	HAVING count(*) > 0;
END;
COMMENT ON FUNCTION cjm_internal.page_feedback_table(jsonb, jsonb, text, text[]) IS 'rows of feedback_report; asked: which of nps, csat and ces the map has';

CREATE FUNCTION cjm_internal.page_feedback(words jsonb, data jsonb) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
BEGIN ATOMIC
	WITH asked AS (
		SELECT ARRAY(SELECT jsonb_array_elements_text(data -> 'asked')) AS scores
	)
	SELECT cjm_internal.page_section(words, 'feedback', format('<div data-g="0">%s</div>', cjm_internal.page_feedback_table(words, data -> 'feedback', cjm_internal.page_word(words, 'page_all'), a.scores)) ||
		coalesce((SELECT format('<div class="tiles broad">%s</div>', string_agg(cjm_internal.page_group(words, g.place::integer, '', cjm_internal.page_label(words, g.label), t.html), '' ORDER BY g.place))
			FROM jsonb_array_elements_text(data -> 'groups') WITH ORDINALITY g(label, place)
				CROSS JOIN LATERAL (SELECT cjm_internal.page_feedback_table(words, (SELECT jsonb_agg(r) FROM jsonb_array_elements(data -> 'feedback_by') r WHERE r ->> 'by_value' IS NOT DISTINCT FROM g.label), cjm_internal.page_label(words, g.label), a.scores) AS html) t
			WHERE t.html IS NOT NULL), ''))
	FROM asked a WHERE jsonb_array_length(data -> 'feedback') > 0;
END;
COMMENT ON FUNCTION cjm_internal.page_feedback(jsonb, jsonb) IS 'the section of answers; NULL where there are none';
