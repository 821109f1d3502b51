--
-- The page that drawings stand on: fonts and colours, the frame of an SVG, and the
-- shapes that more than one drawing is made of.
--

-- Plain rules with plain colours, no variables: what a word processor imports is right, too.  Text has 4.5 times the contrast
-- of what it stands on and shapes 3 times, in both schemes; the tests compute it.  Paper is light.
CREATE FUNCTION cjm_internal.svg_style(chosen jsonb DEFAULT '{}') RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 500
RETURN (
	WITH colours(place, selector, property, name, light, dark) AS (VALUES
		(1, '.paper', 'fill', NULL, '#ffffff', '#14181d'),
		(2, 'text', 'fill', NULL, '#1f2328', '#e6e8eb'),
		(3, '.soft', 'fill', NULL, '#57606a', '#a3abb5'),
		(4, '.lost', 'fill', NULL, '#9a4410', '#f0a676'),
		(5, '.rule', 'stroke', NULL, '#d0d7de', '#343b44'),
		(6, '.bar', 'fill', 'customers', '#2f6fb5', '#5b9bdf'),
		(7, '.part', 'fill', NULL, '#d5e4f4', '#24405e'),
		(8, '.part', 'stroke', 'customers', '#2f6fb5', '#5b9bdf'),
		(9, '.flow', 'fill', 'gone_on', '#d5e4f4', '#24405e'),
		(11, '.drop', 'fill', 'dropped', '#b35806', '#f0a676'),
		(12, '.wait', 'fill', 'open', '#8a6fc4', '#9d83d6'),
		(13, '.waits', 'fill', NULL, '#6541a5', '#c3aef2'),
		(14, '.no', 'fill', 'refused', '#6e7781', '#8b949e'),
		(15, '.hatch', 'stroke', NULL, '#ffffff', '#14181d'),
		(16, '.chevron', 'fill', NULL, '#e8eef7', '#222b36'),
		(17, '.channel', 'fill', 'channels', '#5f86b3', '#7fa6d3'),
		(18, '.mood', 'fill', 'mood', '#7a5c00', '#d9b44a'),
		(19, '.curve', 'stroke', 'mood', '#7a5c00', '#d9b44a'),
		(20, '.heat0', 'fill', NULL, '#eef4fb', '#1b2631'),
		(21, '.heat1', 'fill', NULL, '#d6e4f3', '#1c3a57'),
		(22, '.heat2', 'fill', NULL, '#b3cfea', '#1f4c77'),
		(23, '.heat3', 'fill', NULL, '#86b3dc', '#245f98'),
		(24, '.heat4', 'fill', NULL, '#5a94cb', '#4a8bcf'),
		(25, '.heat5', 'fill', NULL, '#2b6cae', '#79b0ea'),
		(26, '.heat6', 'fill', NULL, '#17548d', '#b3d6fa'),
		(27, '.growing', 'stroke', NULL, '#1f2328', '#e6e8eb'),
		(28, '.grow4', 'stroke', NULL, '#1f2328', '#0d1117'),
		(29, '.grow5', 'stroke', NULL, '#ffffff', '#0d1117'),
		(30, '.grow6', 'stroke', NULL, '#ffffff', '#0d1117'),
		(31, '.on4', 'fill', NULL, '#1f2328', '#0d1117'),
		(32, '.on5', 'fill', NULL, '#ffffff', '#0d1117'),
		(33, '.on6', 'fill', NULL, '#ffffff', '#0d1117'),
		(34, '.heatfew', 'fill', NULL, '#ffffff', '#14181d'),
		(35, '.onfew', 'fill', NULL, '#57606a', '#a3abb5'),
		(36, '.heatfew', 'stroke', NULL, '#d0d7de', '#343b44'),
		(40, '.worse2', 'fill', 'worse', '#b35806', '#f79a4b'),
		(41, '.worse1', 'fill', 'worse', '#d97b2b', '#b86a2c'),
		(42, '.even', 'fill', NULL, '#eceff2', '#2a3038'),
		(43, '.even', 'stroke', NULL, '#7a828b', '#8b949e'),
		(44, '.better1', 'fill', 'better', '#4d8fc4', '#3f7fc0'),
		(45, '.better2', 'fill', 'better', '#17548d', '#8cc4ff'),
		(46, '.plain', 'fill', NULL, '#7a828b', '#8b949e'),
		(47, '.good', 'fill', NULL, '#1a6b41', '#6fcf97'),
		(48, '.bad', 'fill', NULL, '#a32d17', '#ff9a85'))
	SELECT '<style>' || E'\n.cjm{max-width:100%;height:auto}\n' ||
		'.cjm text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}' ||
		E'\n.cjm .title{font-size:20px;font-weight:600}.cjm .strong{font-weight:600}.cjm .large{font-size:15px}.cjm .small{font-size:11px}.cjm .said{font-style:italic}' ||
		E'\n.cjm .mid{text-anchor:middle}.cjm .end{text-anchor:end}.cjm .rule,.cjm .growing,.cjm .hatch,.cjm .curve{fill:none}.cjm .part,.cjm .even,.cjm .hatch{stroke-width:1.5}.cjm .curve{stroke-width:2.5}.cjm .part,.cjm .growing{stroke-dasharray:4 3}' ||
		E'\n.cjm g:focus{outline:2px solid #2f6fb5}\n' ||
		string_agg(format('.cjm %s{%s:%s}', selector, property, coalesce(chosen -> name ->> 'light', light)), '' ORDER BY place) ||
		E'\n@media screen and (prefers-color-scheme:dark){\n' ||
		string_agg(format('.cjm %s{%s:%s}', selector, property, coalesce(chosen -> name ->> 'dark', dark)), '' ORDER BY place) ||
		E'\n}\n@media print{.cjm{width:100%;max-height:100vh}.cjm *{print-color-adjust:exact;-webkit-print-color-adjust:exact}}\n</style>'
	FROM colours);
COMMENT ON FUNCTION cjm_internal.svg_style(jsonb) IS 'the fonts and colours of all drawings, light, dark and printed; chosen: what draw_colours gives';

-- What is drawn, before it is on paper: by itself, or among others.
CREATE TYPE cjm_internal.svg_drawing AS (
	kind text,
	width float8,
	height float8,
	title text,
	description text,
	body text
);
COMMENT ON TYPE cjm_internal.svg_drawing IS 'a drawing';
COMMENT ON COLUMN cjm_internal.svg_drawing.kind IS 'of what it is';
COMMENT ON COLUMN cjm_internal.svg_drawing.width IS 'its width';
COMMENT ON COLUMN cjm_internal.svg_drawing.height IS 'its height';
COMMENT ON COLUMN cjm_internal.svg_drawing.title IS 'its title, a text';
COMMENT ON COLUMN cjm_internal.svg_drawing.description IS 'a text for those who do not see it';
COMMENT ON COLUMN cjm_internal.svg_drawing.body IS 'SVG of what is drawn';

-- The ids differ between drawings that stand in one page.  A drawing that is read part by part is a group, others are an image.
CREATE FUNCTION cjm_internal.svg_frame(attributes text, drawing cjm_internal.svg_drawing, look jsonb, before text, place text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000
RETURN format('<svg %7$s viewBox="0 0 %1$s %2$s" width="%1$s" height="%2$s" role="%10$s" lang="%9$s" aria-labelledby="%3$s-title %3$s-desc">
<title id="%3$s-title">%4$s</title>
<desc id="%3$s-desc">%5$s</desc>
%8$s%6$s
</svg>', cjm_internal.svg_number((drawing).width), cjm_internal.svg_number((drawing).height),
	'cjm-' || left(md5(cjm_internal.svg_escape(concat_ws(' ', (drawing).kind, (drawing).title, (drawing).description, nullif(place, '')))), 8),
	cjm_internal.svg_escape((drawing).title), cjm_internal.svg_escape((drawing).description), (drawing).body, attributes, before, look ->> 'language',
	CASE WHEN strpos((drawing).body, ' role="') > 0 THEN 'group' ELSE 'img' END);
COMMENT ON FUNCTION cjm_internal.svg_frame(text, cjm_internal.svg_drawing, jsonb, text, text) IS 'an SVG element of a drawing, with attributes and what stands before its body; place tells it from others in a page';

CREATE FUNCTION cjm_internal.svg_page(drawing cjm_internal.svg_drawing, look jsonb DEFAULT cjm_internal.draw_look(), style text DEFAULT '') RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000
RETURN cjm_internal.svg_frame('xmlns="http://www.w3.org/2000/svg" class="cjm' || CASE (drawing).kind WHEN 'maps' THEN ' many' ELSE '' END || '"', drawing, look,
	format(E'%s\n%s<rect class="paper" width="%s" height="%s"/>\n', cjm_internal.svg_style(look -> 'colours'), CASE style WHEN '' THEN '' ELSE format(E'<style>%s</style>\n', style) END,
		cjm_internal.svg_number((drawing).width), cjm_internal.svg_number((drawing).height)), '');
COMMENT ON FUNCTION cjm_internal.svg_page(cjm_internal.svg_drawing, jsonb, text) IS
	'a whole SVG: what is drawn, on paper of that size, with a title and a description for those who do not see it; style: more of it, in CSS';

-- A whole map, and drawings of groups, lie on paper that is broader than it is high, larger paper if they are large.  Within its
-- margins either is broader by svg_sheet(), to a part in two thousand: 279 by 194 mm, and 404 by 281.
CREATE FUNCTION cjm_internal.svg_landscape(width float8, height float8) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN format('@page{size:%s}', CASE WHEN greatest(width, height * 1.414) > 1400 THEN 'A3 landscape;margin:8mm' ELSE 'A4 landscape;margin:8mm 9mm' END);
COMMENT ON FUNCTION cjm_internal.svg_landscape(float8, float8) IS 'CSS: the paper that a drawing of a size is printed on';

CREATE FUNCTION cjm_internal.svg_sheet() RETURNS float8
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN 1.4378;
COMMENT ON FUNCTION cjm_internal.svg_sheet() IS 'how much broader than high a sheet is, within its margins';

-- content is SVG already: what svg_lines, svg_escape, svg_rate and the numbers above give.
CREATE FUNCTION cjm_internal.svg_text(x float8, y float8, class text, content text) RETURNS text
	AS 'MODULE_PATHNAME', 'svg_text'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.svg_text(float8, float8, text, text) IS 'a line of text; content is escaped already';

-- As wide as the page lets it be.  Lines of the summary that are NULL are none.
CREATE FUNCTION cjm_internal.svg_heading(margin float8, width float8, title text, VARIADIC summary text[]) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN cjm_internal.svg_text(margin, margin + 16, 'title', coalesce((cjm_internal.svg_lines(title, (width - 2 * margin) / 22))[1], '')) ||
	coalesce((SELECT string_agg(cjm_internal.svg_text(margin, margin + 20 + 18 * l.place, 'soft', (cjm_internal.svg_lines(l.line, (width - 2 * margin) / 12))[1]), '' ORDER BY l.place)
		FROM (SELECT u.line, row_number() OVER (ORDER BY u.place) AS place FROM unnest(summary) WITH ORDINALITY u(line, place) WHERE u.line <> '') l), '');
COMMENT ON FUNCTION cjm_internal.svg_heading(float8, float8, text, text[]) IS 'what stands above a drawing: its title, and lines';

-- Small multiples, each of a group: side by side, as many as there is room for, and those that do not fit beneath.  Each line of them
-- is whole on one sheet: where it would go over the end of a sheet, it begins the next one.
CREATE FUNCTION cjm_internal.svg_pages(kind text, title text, summary text, look jsonb, drawings cjm_internal.svg_drawing[]) RETURNS text
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 5000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	margin CONSTANT float8 := 28;
	width float8;
	beside integer;								-- how many stand side by side
	left_end float8;
	top float8 := margin + CASE WHEN look ->> 'subtitle' IS NULL THEN 56 ELSE 74 END;
	sheet float8;								-- how high one is
	deep float8;								-- the highest drawing
	one cjm_internal.svg_drawing;
	place integer := 0;
	body text := '';
	shown text := coalesce(look ->> 'title', title);
BEGIN
	-- Two of them at least, unless one alone is as wide as a page; and as wide as a sheet on which as many lines are whole as nearly are, and something is to spare.
	SELECT greatest(max(d.width) * CASE WHEN count(*) > 1 AND max(d.width) <= 1300 THEN 2 ELSE 1 END, 1120), coalesce(max(d.height), 0), max(d.width) INTO width, deep, left_end FROM unnest(drawings) d;
	width := greatest(width, (top + deep * least(greatest(floor(width / cjm_internal.svg_sheet() / nullif(deep, 0) + 0.25), 1), ceil(cardinality(drawings) / greatest(floor(width / left_end), 1))) + 8) * cjm_internal.svg_sheet());
	beside := greatest(floor(width / left_end), 1);
	sheet := width / cjm_internal.svg_sheet();
	FOREACH one IN ARRAY drawings
	LOOP
		left_end := place % beside * width / beside;
		IF left_end = 0 THEN
			IF place > 0 THEN
				top := top + deep;
			END IF;
			IF floor((top + deep) / sheet) > floor(top / sheet) THEN
				top := ceil(top / sheet) * sheet + 3;
			END IF;
			body := body || format(E'<path d="M%s %sH%s" class="rule"/>\n', cjm_internal.svg_number(margin), cjm_internal.svg_number(top), cjm_internal.svg_number(width - margin));
		END IF;
		body := body || cjm_internal.svg_frame(format('x="%s" y="%s"', cjm_internal.svg_number(left_end), cjm_internal.svg_number(top)), one, look, '', concat_ws(' ', cjm_internal.svg_number(left_end), cjm_internal.svg_number(top))) || E'\n';
		place := place + 1;
	END LOOP;
	one := (kind, width, top + greatest(deep, 28), shown, summary, cjm_internal.svg_heading(margin, width, shown, look ->> 'subtitle', summary) || body);
	RETURN cjm_internal.svg_page(one, look, cjm_internal.svg_landscape(width, 0) || '.cjm svg .title{font-size:16px}@media print{.cjm{max-height:none}}');
END
$$;
COMMENT ON FUNCTION cjm_internal.svg_pages(text, text, text, jsonb, cjm_internal.svg_drawing[]) IS 'a whole SVG of several drawings';

-- Of whom a drawing among others is.
CREATE FUNCTION cjm_internal.draw_group(w jsonb, label text, groups text[]) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN coalesce(label, '') = '' THEN w ->> 'not_known' WHEN label = 'others' AND array_position(groups, label) IS NULL THEN w ->> 'others' ELSE label END;
COMMENT ON FUNCTION cjm_internal.draw_group(jsonb, text, text[]) IS 'what a group is called in a drawing; groups: those that have a name of their own';

-- Above a small drawing there is room for a few words.  Where two names are cut to the same there, all but the first have a number before them.
CREATE FUNCTION cjm_internal.draw_group_title(w jsonb, label text, groups text[], room float8) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
	SELECT CASE WHEN t.same = 1 THEN t.title ELSE t.same::text || '. ' || t.title END
	FROM (SELECT g.label, g.title, dense_rank() OVER (PARTITION BY (cjm_internal.svg_lines(g.title, room))[1] ORDER BY g.title COLLATE "C") AS same
		FROM (SELECT u.label, cjm_internal.draw_group(w, u.label, groups) AS title FROM unnest(groups || draw_group_title.label) u(label)) g) t
	WHERE t.label IS NOT DISTINCT FROM draw_group_title.label LIMIT 1);
COMMENT ON FUNCTION cjm_internal.draw_group_title(jsonb, text, text[], float8) IS 'the title of the drawing of a group, so that none two look the same; groups: as of draw_group; room: in sizes of the font';

CREATE FUNCTION cjm_internal.draw_groups(w jsonb, by text, labels text[], groups text[]) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN labels = '{}' THEN w ->> 'nobody'
	WHEN array_position(groups, labels[cardinality(labels)]) IS NOT NULL THEN cjm_internal.draw_plural(w, 'groups', cardinality(labels), by)
	ELSE cjm_internal.draw_say(w, 'largest_groups', (cardinality(labels) - 1)::text, by) END;
COMMENT ON FUNCTION cjm_internal.draw_groups(jsonb, text, text[], text[]) IS 'which groups are drawn, in a line';

-- The ends that are open, of what they are asked: days of the map's time zone, the last one included.
-- Without a form of dates there is one all the same, so that a time zone which is none is told in every plan.
CREATE FUNCTION cjm_internal.draw_period(w jsonb, from_time timestamptz, to_time timestamptz, time_zone text) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT CASE WHEN d.first IS NOT NULL AND d.last IS NOT NULL THEN cjm_internal.draw_say(w, 'period', d.first, d.last)
		ELSE coalesce(cjm_internal.draw_say(w, 'since', d.first), cjm_internal.draw_say(w, 'until', d.last)) END
	FROM (SELECT to_char(CASE WHEN isfinite(from_time) THEN from_time AT TIME ZONE time_zone END, coalesce(w ->> 'date', 'YYYY-MM-DD')) AS first,
		to_char(CASE WHEN isfinite(to_time) THEN (to_time - interval '1 microsecond') AT TIME ZONE time_zone END, coalesce(w ->> 'date', 'YYYY-MM-DD')) AS last) d);
COMMENT ON FUNCTION cjm_internal.draw_period(jsonb, timestamptz, timestamptz, text) IS 'a time range in days; NULL if it is everything';

-- What of it stands in a line: the range, the customers, and the words they are asked by.
CREATE FUNCTION cjm_internal.draw_asked(w jsonb, def cjm_internal.map, from_time timestamptz, to_time timestamptz) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN nullif(concat_ws(', ', cjm_internal.draw_period(w, from_time, to_time, (def).time_zone) || ' (' || (def).time_zone || ')', (SELECT string_agg(format('%s: %s', e.key,
		CASE jsonb_typeof(e.value) WHEN 'array' THEN (SELECT string_agg(coalesce(v.value, w ->> 'not_known'), ' | ') FROM jsonb_array_elements_text(e.value) v(value)) ELSE coalesce(e.value #>> '{}', w ->> 'not_known') END),
		', ' ORDER BY e.key COLLATE "C") FROM jsonb_each((def).where_is) e)), '');
COMMENT ON FUNCTION cjm_internal.draw_asked(jsonb, cjm_internal.map, timestamptz, timestamptz) IS 'what a drawing is asked of, in a line; NULL if it is everything';

CREATE FUNCTION cjm_internal.svg_rect(x float8, y float8, width float8, height float8, class text, rounded float8 DEFAULT 2) RETURNS text
	AS 'MODULE_PATHNAME', 'svg_rect'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.svg_rect(float8, float8, float8, float8, text, float8) IS 'a rectangle';

-- Coordinates in pairs stand for the %s of a path.
CREATE FUNCTION cjm_internal.svg_path(shape text, class text, VARIADIC numbers float8[]) RETURNS text
	AS 'MODULE_PATHNAME', 'svg_path'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.svg_path(text, text, float8[]) IS 'a path: its commands, with %s for each number';

CREATE FUNCTION cjm_internal.map_title(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN (SELECT n.nspname::text FROM pg_namespace n WHERE n.oid = (map).map);
COMMENT ON FUNCTION cjm_internal.map_title(cjm_internal.map) IS 'the name of a map';

-- What lies over a rectangle so that it is told from others without its colour: lines from top to bottom for who is still under way, from
-- corner to corner for who dropped, and both ways for who refused.  A path, since what is filled with a pattern needs an id.
CREATE FUNCTION cjm_internal.svg_hatch(x float8, y float8, width float8, height float8, kind text) RETURNS text
	AS 'MODULE_PATHNAME', 'svg_hatch'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm_internal.svg_hatch(float8, float8, float8, float8, text) IS 'the pattern of a rectangle of class wait, drop or no; NULL if there is no room for a line';

CREATE FUNCTION cjm_internal.svg_hatched(x float8, y float8, width float8, height float8, class text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN cjm_internal.svg_rect(x, y, width, height, class, 0) || coalesce(cjm_internal.svg_hatch(x, y, width, height, class), '');
COMMENT ON FUNCTION cjm_internal.svg_hatched(float8, float8, float8, float8, text) IS 'a rectangle with its pattern';
