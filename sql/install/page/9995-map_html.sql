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
		cjm_internal.page_say(words, 'page_as_of', cjm_internal.svg_escape(to_char(now() AT TIME ZONE time_zone, (words ->> 'date') || ' HH24:MI')), cjm_internal.svg_escape(time_zone))));
COMMENT ON FUNCTION cjm_internal.page_about(jsonb, text, timestamptz, timestamptz, jsonb, text) IS 'the time and the customers of a page, or what the caller says instead, and when it was made';

CREATE FUNCTION cjm_internal.page_switch(words jsonb, data jsonb) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN (
	SELECT format(E'<fieldset class="switch" hidden><legend>%s: %s</legend>\n<label><input type="radio" name="group" value="" checked>%s</label>\n<label><input type="radio" name="group" value="0">%s</label>\n%s</fieldset>\n%s',
		cjm_internal.page_word(words, 'page_show'), cjm_internal.page_label(words, data ->> 'by'), cjm_internal.page_word(words, 'page_everything'), cjm_internal.page_word(words, 'page_all'),
		string_agg(format(E'<label><input type="radio" name="group" value="%s">%s</label>\n', g.place, cjm_internal.page_label(words, g.label)), '' ORDER BY g.place),
		CASE WHEN (data ->> 'more_groups')::boolean THEN format(E'<p class="soft">%s</p>\n', cjm_internal.page_say(words, 'page_largest', cjm_internal.page_label(words, data ->> 'by'), '6')) END)
	FROM jsonb_array_elements_text(data -> 'groups') WITH ORDINALITY g(label, place) HAVING count(*) > 0);
COMMENT ON FUNCTION cjm_internal.page_switch(jsonb, jsonb) IS 'the switch for the groups of a page, which its script shows; NULL where there are none';

-- wall is SVG of ours.
CREATE FUNCTION cjm_internal.page_html(words jsonb, language text, title text, about text, wall text, data jsonb) RETURNS text
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
			string_agg(format('<li><a href="#%s">%s</a></li>', s.id, cjm_internal.page_word(words, 'page_' || s.id)), '' ORDER BY s.place), cjm_internal.page_switch(words, data), string_agg(s.html, '' ORDER BY s.place),
			cjm_internal.page_say(words, 'page_footer', cjm_internal.svg_escape(data ->> 'time_zone')))
		INTO body
	FROM (VALUES (1, 'headline', cjm_internal.page_section(words, 'headline', format(E'<ul class="facts">\n%s%s%s</ul>\n', cjm_internal.page_leak(words, data), cjm_internal.page_changed(words, data), cjm_internal.page_missed(words, data)))),
			(2, 'wall', cjm_internal.page_section(words, 'wall', format(E'<div class="wide" tabindex="0" role="group" aria-label="%s">\n%s</div>\n', cjm_internal.page_word(words, 'page_wall'), wall))),
			(3, 'funnel', cjm_internal.page_funnel(words, data)),
			(4, 'weeks', cjm_internal.page_weeks(words, data)),
			(5, 'retention', cjm_internal.page_retention(words, data)),
			(6, 'channels', cjm_internal.page_channels(words, data)),
			(7, 'drop_off', cjm_internal.page_drop_off(words, data)),
			(8, 'paths', cjm_internal.page_paths(words, data)),
			(9, 'feedback', cjm_internal.page_feedback(words, data))) s(place, id, html)
	WHERE s.html IS NOT NULL;
	page := format(E'<style>%s</style>\n</head>\n<body>\n%s<script>%s</script>\n</body>\n</html>', cjm_internal.page_style(), body, cjm_internal.page_script());
	RETURN format(E'<!DOCTYPE html>\n<html lang="%s">\n<head>\n<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="%s">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="color-scheme" content="light dark">\n<title>%s</title>\n',
		cjm_internal.svg_escape(language), cjm_internal.page_policy(page), named) || page;
END
$$;
COMMENT ON FUNCTION cjm_internal.page_html(jsonb, text, text, text, text, jsonb) IS 'a page of data that page_data has read, and of the drawing of the map';

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
	w jsonb := cjm_internal.draw_language(language, words);
	data jsonb := cjm_internal.page_data(map, by, from_time, to_time, where_is);
BEGIN
	-- The paper is the page's, not the drawing's.
	RETURN cjm_internal.page_html(w, coalesce(language, 'en'), title, cjm_internal.page_about(w, data ->> 'time_zone', from_time, to_time, where_is, subtitle),
		regexp_replace(cjm.map_svg(map, from_time, to_time, where_is, 15, NULL::text, NULL::text[], NULL::text, subtitle, language, words, NULL::float8, NULL::integer, NULL::jsonb), '<style>@page[^<]*</style>', '', 'g'), data);
END
$$;
COMMENT ON FUNCTION cjm.map_html(text, text, text, timestamptz, timestamptz, jsonb, text, jsonb, text) IS
'a map as one page that needs nothing else, for a browser, a mail or paper: psql -At -c "SELECT cjm.map_html(''shop'')" > shop.html
title, subtitle: above it; NULL for the map, and for the range and the customers that are asked for; by: a dimension of the map, or first_channel, whose six largest values are shown beside all customers, and by themselves by a switch
from_time, to_time, where_is: of when and of whom, as in funnel_report
language: en, ru, lv, or another one with its words; words: what to say instead, by the keys of cjm_internal.draw_words(''en'')
It says what the reports say: funnel_report, metric_report of the last 26 weeks, compare_report, retention_report, channels_report, drop_off_report, transition_report and feedback_report, and what the tables notes and targets remember, where the map has them and the reader may read them.';
