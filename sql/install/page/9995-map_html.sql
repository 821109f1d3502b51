--
-- A map as one page: map_html
--
-- One file that needs nothing else: its style and its script stand in it, it opens
-- from a disk, from a mail or behind any server, and its own policy, by the digests of
-- what stands in it, lets a browser run and load nothing else.  All of it can be read
-- without the script.
--

-- What a browser may use: the styles and the script that stand in the page, by their digests.  No label can have made one: all are escaped.
CREATE FUNCTION cjm_internal.page_policy(page text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
	SELECT concat('default-src ''none''; base-uri ''none''; form-action ''none''', string_agg(format('; %s-src%s', d.element, d.digests), '' ORDER BY d.element))
	FROM (SELECT e.element, string_agg(DISTINCT format(' ''sha256-%s''', encode(sha256(convert_to(m.inside[1], 'UTF8')), 'base64')), '') AS digests
		FROM (VALUES ('style'), ('script')) e(element) CROSS JOIN LATERAL regexp_matches(page, format('<%1$s>(.*?)</%1$s>', e.element), 'g') m(inside) GROUP BY e.element) d);
COMMENT ON FUNCTION cjm_internal.page_policy(text) IS 'a content security policy for a page';

-- Of when and of whom the page is, in a line.
CREATE FUNCTION cjm_internal.page_about(words jsonb, time_zone text, from_time timestamptz, to_time timestamptz, where_is jsonb, subtitle text) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
	SELECT concat_ws(' &#183; ',
		coalesce(cjm_internal.svg_escape(nullif(subtitle, '')), nullif(concat_ws(' &#183; ', cjm_internal.svg_escape(cjm_internal.draw_period(words, from_time, to_time, time_zone)),
			(SELECT string_agg(format('%s: %s', cjm_internal.page_label(words, w.key),
					(SELECT string_agg(cjm_internal.page_label(words, v.value #>> '{}'), ', ' ORDER BY v.place) FROM jsonb_array_elements(CASE jsonb_typeof(w.value) WHEN 'array' THEN w.value ELSE jsonb_build_array(w.value) END) WITH ORDINALITY v(value, place))), ' &#183; ' ORDER BY w.key COLLATE "C")
				FROM jsonb_each(where_is) w)), '')),
		cjm_internal.page_say(words, 'page_as_of', cjm_internal.svg_escape(to_char(now() AT TIME ZONE time_zone, coalesce(words ->> 'date', 'YYYY-MM-DD') || ' HH24:MI')), cjm_internal.svg_escape(time_zone))));
COMMENT ON FUNCTION cjm_internal.page_about(jsonb, text, timestamptz, timestamptz, jsonb, text) IS 'the time and the customers of a page, or what the caller says instead, and when it was made';

-- all_only: the sections that have nothing of groups, in words.
CREATE FUNCTION cjm_internal.page_switch(words jsonb, data jsonb, all_only text) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN (
	SELECT format(E'<fieldset class="switch" hidden><legend>%s: %s</legend>\n<label><input type="radio" name="group" value="" checked>%s</label>\n<label><input type="radio" name="group" value="0">%s</label>\n%s</fieldset>\n<p class="soft">%s%s</p>\n',
		cjm_internal.page_word(words, 'page_show'), cjm_internal.page_label(words, data ->> 'by'), cjm_internal.page_word(words, 'page_everything'), cjm_internal.page_word(words, 'page_all'),
		string_agg(format(E'<label><input type="radio" name="group" value="%s">%s</label>\n', g.place, cjm_internal.page_label(words, g.label)), '' ORDER BY g.place),
		CASE WHEN (data ->> 'more_groups')::boolean THEN cjm_internal.page_say(words, 'page_largest', cjm_internal.page_label(words, data ->> 'by'), '6') || ' ' END,
		cjm_internal.page_say(words, 'page_all_only', all_only))
	FROM jsonb_array_elements_text(data -> 'groups') WITH ORDINALITY g(label, place) HAVING count(*) > 0);
COMMENT ON FUNCTION cjm_internal.page_switch(jsonb, jsonb, text) IS 'the switch for the groups of a page, which its script shows, and what it does not change; NULL where there are none';

-- The sections of a page in their order, those of which there is something.
CREATE FUNCTION cjm_internal.page_sections(words jsonb, wall text, walls text[], data jsonb) RETURNS TABLE (place integer, id text, html text)
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 20000 ROWS 9
BEGIN ATOMIC
	SELECT s.place, s.id, s.html
	FROM (VALUES (1, 'headline', cjm_internal.page_section(words, 'headline', format(E'<ul class="facts">\n%s%s%s</ul>\n', cjm_internal.page_leak(words, data), cjm_internal.page_changed(words, data), cjm_internal.page_missed(words, data)))),
			(2, 'wall', cjm_internal.page_wall(words, data, wall, walls)),
			(3, 'funnel', cjm_internal.page_funnel(words, data)),
			(4, 'weeks', cjm_internal.page_weeks(words, data)),
			(5, 'retention', cjm_internal.page_retention(words, data)),
			(6, 'channels', cjm_internal.page_channels(words, data)),
			(7, 'drop_off', cjm_internal.page_drop_off(words, data)),
			(8, 'paths', cjm_internal.page_paths(words, data)),
			(9, 'feedback', cjm_internal.page_feedback(words, data))) s(place, id, html)
	WHERE s.html IS NOT NULL;
END;
COMMENT ON FUNCTION cjm_internal.page_sections(jsonb, text, text[], jsonb) IS 'the sections of a page';

-- wall and walls are SVG of ours.
CREATE FUNCTION cjm_internal.page_html(words jsonb, language text, title text, about text, wall text, data jsonb, walls text[] DEFAULT '{}') RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE COST 20000
	SET search_path = pg_catalog, pg_temp
	SET extra_float_digits = 1
AS $$
DECLARE
	named CONSTANT text := cjm_internal.svg_escape(coalesce(nullif(title, ''), format(words ->> 'page_of', data ->> 'map')));
	body text;
	page text;
BEGIN
	SELECT format(E'<a class="skip" href="#main">%s</a>\n<header>\n<h1>%s</h1>\n<p class="about">%s</p>\n<nav aria-label="%s"><ul>%s</ul></nav>\n%s</header>\n<main id="main">\n%s</main>\n<footer>%s</footer>\n',
			cjm_internal.page_word(words, 'page_skip'), named, about, cjm_internal.page_word(words, 'page_sections'),
			string_agg(format('<li><a href="#%s">%s</a></li>', s.id, cjm_internal.page_word(words, 'page_' || s.id)), '' ORDER BY s.place),
			cjm_internal.page_switch(words, data, string_agg(cjm_internal.page_word(words, 'page_' || s.id), ', ' ORDER BY s.place) FILTER (WHERE s.html !~ ' data-g="[1-9]')), string_agg(s.html, '' ORDER BY s.place),
			cjm_internal.page_say(words, 'page_footer', cjm_internal.svg_escape(data ->> 'time_zone')))
		INTO body
	FROM cjm_internal.page_sections(words, wall, walls, data) s;
	page := format(E'<style>%s</style>\n</head>\n<body>\n%s<script>%s</script>\n</body>\n</html>', cjm_internal.page_style(), body, cjm_internal.page_script());
	RETURN format(E'<!DOCTYPE html>\n<html lang="%s">\n<head>\n<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="%s">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="color-scheme" content="light dark">\n<title>%s</title>\n',
		cjm_internal.svg_escape(language), cjm_internal.page_policy(page), named) || page;
END
$$;
COMMENT ON FUNCTION cjm_internal.page_html(jsonb, text, text, text, text, jsonb, text[]) IS 'a page of data that page_data has read, and of the drawings of the map and of its groups';

-- Rows of funnel_report as drawings have them.
CREATE FUNCTION cjm_internal.page_steps(rows jsonb) RETURNS cjm_internal.funnel_drawn_step[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (SELECT array_agg((r.step, r.stage, r.optional, r.customers, r.step_rate, r.overall_rate, r.dropped, r.drop_rate, r.open_customers, r.refused, r.rate_low, r.rate_high, r.median_time_seconds, r.median_total_seconds)::cjm_internal.funnel_drawn_step ORDER BY r.step)
	FROM jsonb_to_recordset(rows) r(step integer, stage text, optional boolean, customers bigint, step_rate float8, overall_rate float8, dropped bigint, drop_rate float8, open_customers bigint, refused bigint, rate_low float8, rate_high float8, median_time_seconds float8, median_total_seconds float8));
COMMENT ON FUNCTION cjm_internal.page_steps(jsonb) IS 'the steps of a funnel that page_data has read';

-- Of what page_data has read nothing is read again.
CREATE FUNCTION cjm_internal.page_map(def cjm_internal.map, data jsonb, look jsonb, from_time timestamptz, to_time timestamptz) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 40000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	w CONSTANT jsonb := look -> 'w';
	rows text[] := cjm_internal.map_drawn_rows(def, NULL, NULL);
BEGIN
	RETURN cjm_internal.svg_page(cjm_internal.map_drawing(def, cjm_internal.page_steps(data -> 'funnel'), rows, cjm_internal.map_facts_drawn(def, rows, NULL, from_time, to_time, data -> 'facts'), 15,
		cjm_internal.draw_say(w, 'map_of', cjm_internal.map_title(def)), coalesce(look ->> 'subtitle', cjm_internal.draw_asked(w, def, from_time, to_time), ''), look, from_time, to_time), look);
END
$$;
COMMENT ON FUNCTION cjm_internal.page_map(cjm_internal.map, jsonb, jsonb, timestamptz, timestamptz) IS 'the drawing of a map for its page';

-- Fonts and colours stand in the page by the drawing of the whole map already, and what each stage says aloud in the drawings is not said twice.  Of many stages
-- and groups fewer touchpoints are drawn, so that a page of fourteen stages and seven groups is less than 1 MB.
CREATE FUNCTION cjm_internal.page_maps(def cjm_internal.map, data jsonb, look jsonb, from_time timestamptz, to_time timestamptz) RETURNS text[]
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 80000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	split_by CONSTANT text := data ->> 'by';
	groups CONSTANT text[] := ARRAY(SELECT g.label FROM jsonb_array_elements_text(data -> 'groups') WITH ORDINALITY g(label, place) ORDER BY g.place);
	funnels CONSTANT cjm_internal.funnel_drawn_group[] := ARRAY(SELECT (g.label, cjm_internal.page_steps((SELECT jsonb_agg(r) FROM jsonb_array_elements(data -> 'funnel_by') r WHERE r ->> 'by_value' IS NOT DISTINCT FROM g.label)))::cjm_internal.funnel_drawn_group
		FROM unnest(groups) WITH ORDINALITY g(label, place) ORDER BY g.place);
	rows text[];
BEGIN
	IF groups = '{}' THEN
		RETURN '{}';
	END IF;
	def.groups := groups;
	rows := cjm_internal.map_drawn_rows(def, NULL, split_by);
	RETURN ARRAY(SELECT cjm_internal.svg_frame('class="cjm"', ((d.drawing).kind, (d.drawing).width, (d.drawing).height, (d.drawing).title, cjm_internal.funnel_summary(funnels[d.place].steps, look -> 'w'), (d.drawing).body)::cjm_internal.svg_drawing, look, format(E'<rect class="paper" width="%s" height="%s"/>\n', cjm_internal.svg_number((d.drawing).width), cjm_internal.svg_number((d.drawing).height)), d.place::text) || E'\n'
		FROM cjm_internal.map_group_drawings(def, split_by, funnels, rows, cjm_internal.map_facts_drawn(def, rows, split_by, from_time, to_time, data -> 'facts_by'), least(greatest(300 / (cardinality(groups) * cardinality(funnels[1].steps)), 3), 8), look, from_time, to_time) WITH ORDINALITY d(label, drawing, place) ORDER BY d.place);
END
$$;
COMMENT ON FUNCTION cjm_internal.page_maps(cjm_internal.map, jsonb, jsonb, timestamptz, timestamptz) IS 'the drawings of the groups of a map for its page, in their order';

CREATE FUNCTION cjm.map_html(
	map text,
	title text DEFAULT NULL,
	by text DEFAULT NULL,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL,
	language text DEFAULT 'en',
	words jsonb DEFAULT NULL,
	subtitle text DEFAULT NULL)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 200000
	SET search_path = pg_catalog, pg_temp
	SET extra_float_digits = 1
AS $$
DECLARE
	look jsonb := cjm_internal.draw_look(NULL, subtitle, language, words, NULL, NULL, NULL);
	w jsonb := look -> 'w';
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	data jsonb := cjm_internal.page_data(map, by, from_time, to_time, where_is);
BEGIN
	RETURN cjm_internal.page_html(w, look ->> 'language', title, cjm_internal.page_about(w, data ->> 'time_zone', from_time, to_time, where_is, subtitle),
		cjm_internal.page_map(def, data, look, from_time, to_time), data, cjm_internal.page_maps(def, data, look, from_time, to_time));
END
$$;
COMMENT ON FUNCTION cjm.map_html(text, text, text, timestamptz, timestamptz, jsonb, text, jsonb, text) IS
'a map as one page that needs nothing else, for a browser, a mail or paper: psql -At -c "SELECT cjm.map_html(''shop'')" > shop.html
title, subtitle: above it; NULL for the map, and for the range and the customers that are asked for; by: a dimension of the map, or first_channel, whose six largest values are shown beside all customers, and by themselves by a switch
from_time, to_time, where_is: of when and of whom, as in funnel_report
language: en, ru, lv, or another one with its words; words: what to say instead, by the keys of cjm_internal.draw_words(''en'')
It says what the reports say: funnel_report, metric_report of the last 26 weeks, compare_report, retention_report, channels_report, drop_off_report, transition_report and feedback_report, and what the tables notes and targets remember, where the map has them and the reader may read them.';
