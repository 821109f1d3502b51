--
-- What drawings have in common: numbers as people read them, text that fits,
-- colours, and the frame of an SVG.
--
-- An SVG here is printable ASCII and nothing else: every other character is
-- written by its number, so that the file is right whatever the encodings of
-- the database and of the client are.  Labels become part of it by svg_lines
-- and svg_escape alone.  Colours and fonts stand in svg_style and nowhere else.
-- The same data give the same bytes.
--

CREATE FUNCTION cjm_internal.svg_escape(label text) RETURNS text
	AS 'MODULE_PATHNAME', 'svg_escape'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.svg_escape(text) IS
	'a text as character data of XML, in ASCII; control characters become visible';

CREATE FUNCTION cjm_internal.svg_lines(label text, room float8, max_lines integer DEFAULT 1) RETURNS text[]
	AS 'MODULE_PATHNAME', 'svg_lines'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.svg_lines(text, float8, integer) IS
	'the same in lines that are at most so wide, in sizes of the font, whatever the font; what does not fit is cut with an ellipsis, never inside a character';

CREATE FUNCTION cjm_internal.svg_width(label text) RETURNS float8
	AS 'MODULE_PATHNAME', 'svg_width'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.svg_width(text) IS 'how wide a text is at most, in sizes of the font';

CREATE FUNCTION cjm_internal.chart_cells(label text) RETURNS integer
	AS 'MODULE_PATHNAME', 'chart_cells'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.chart_cells(text) IS 'how many cells of a terminal a text takes';

CREATE FUNCTION cjm_internal.chart_label(label text, cells integer, plain boolean) RETURNS text
	AS 'MODULE_PATHNAME', 'chart_label'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.chart_label(text, integer, boolean) IS
	'a text in exactly so many cells of a terminal, cut or filled up; plain: without characters that an encoding may lack';

CREATE FUNCTION cjm_internal.chart_bar(length float8, before float8, cells integer, plain boolean, open float8 DEFAULT 0) RETURNS text
	AS 'MODULE_PATHNAME', 'chart_bar'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.chart_bar(float8, float8, integer, boolean, float8) IS
	'a bar of block characters, lighter up to where the bar before it ends, and not as light for the length open; lengths are shares of the cells; plain: in ASCII';

--
-- Numbers as people read them
--

CREATE FUNCTION cjm_internal.draw_count(count bigint) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN to_char(count, 'FM999,999,999,999,999,999,990');
COMMENT ON FUNCTION cjm_internal.draw_count(bigint) IS 'a number in groups of three digits';

-- Three digits that count, and at most five characters: 999, 1.23k, 45.6M.
CREATE FUNCTION cjm_internal.draw_short(count bigint) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN count < 1000 THEN count::text ELSE
	(SELECT round(count / s.unit, CASE WHEN count / s.unit < 9.995 THEN 2 WHEN count / s.unit < 99.95 THEN 1 ELSE 0 END)::text || s.letter
	FROM (VALUES (1e3, 'k', 0.9995e6), (1e6, 'M', 0.9995e9), (1e9, 'G', 0.9995e12), (1e12, 'T', 1e18), (1e15, 'P', 1e20)) s(unit, letter, below)
	WHERE count < s.below ORDER BY s.unit LIMIT 1) END;
COMMENT ON FUNCTION cjm_internal.draw_short(bigint) IS 'a number in at most five characters';

CREATE FUNCTION cjm_internal.draw_fitting(count bigint, room float8) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN CASE WHEN cjm_internal.svg_width(cjm_internal.draw_count(count)) <= room THEN cjm_internal.draw_count(count) ELSE cjm_internal.draw_short(count) END;
COMMENT ON FUNCTION cjm_internal.draw_fitting(bigint, float8) IS 'a number in full if it is at most so wide, in sizes of the font, else in at most five characters';

-- Nobody is not almost nobody, and all are not almost all.
CREATE FUNCTION cjm_internal.draw_rate(rate float8) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN rate > 0 AND rate < 0.0005 THEN '<0.1%'
	WHEN rate < 1 AND rate >= 0.9995 THEN '>99.9%'
	WHEN rate = 1 THEN '100%'
	ELSE round((rate * 100)::numeric, 1)::text || '%' END;
COMMENT ON FUNCTION cjm_internal.draw_rate(float8) IS 'a share in percent';

-- Two digits that count, in the largest unit of which there is one, as rounded.
CREATE FUNCTION cjm_internal.draw_time(seconds float8) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN seconds <= 0 THEN 'at once' ELSE
	(SELECT trim_scale(round((seconds / u.length)::numeric, CASE WHEN seconds / u.length < 9.95 THEN 1 ELSE 0 END))::text || u.name
	FROM (VALUES (1e-6, ' us', 0.9995e-3), (1e-3, ' ms', 0.9995), (1, ' s', 59.5), (60, ' min', 3570), (3600, ' h', 84600), (86400, ' d', 'infinity'))
		u(length, name, below)
	WHERE seconds < u.below ORDER BY u.length LIMIT 1) END;
COMMENT ON FUNCTION cjm_internal.draw_time(float8) IS 'a length of time';

CREATE FUNCTION cjm_internal.svg_rate(rate float8) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN cjm_internal.svg_escape(cjm_internal.draw_rate(rate));
COMMENT ON FUNCTION cjm_internal.svg_rate(float8) IS 'a share in percent, as character data of XML';

CREATE FUNCTION cjm_internal.svg_number(x float8) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN trim_scale(round(x::numeric, 1))::text;
COMMENT ON FUNCTION cjm_internal.svg_number(float8) IS 'a coordinate';

--
-- The page
--

-- Plain rules with plain colours, no variables: what a word processor imports is right, too.  Text has 4.5 times the contrast
-- of what it stands on and shapes 3 times, in both schemes; the tests compute it.  Paper is light.
CREATE FUNCTION cjm_internal.svg_style() RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 500
RETURN (
	WITH colours(place, selector, property, light, dark) AS (VALUES
		(1, '.paper', 'fill', '#ffffff', '#14181d'),
		(2, 'text', 'fill', '#1f2328', '#e6e8eb'),
		(3, '.soft', 'fill', '#57606a', '#a3abb5'),
		(4, '.lost', 'fill', '#9a4410', '#f0a676'),
		(5, '.rule', 'stroke', '#d0d7de', '#343b44'),
		(6, '.bar', 'fill', '#2f6fb5', '#5b9bdf'),
		(7, '.part', 'fill', '#d5e4f4', '#24405e'),
		(8, '.part', 'stroke', '#2f6fb5', '#5b9bdf'),
		(9, '.flow', 'fill', '#d5e4f4', '#24405e'),
		(10, '.leak', 'fill', '#f8e3d3', '#4a3223'),
		(11, '.drop', 'fill', '#b35806', '#f0a676'),
		(12, '.wait', 'fill', '#8a6fc4', '#9d83d6'),
		(13, '.waits', 'fill', '#6541a5', '#c3aef2'),
		(20, '.heat0', 'fill', '#eef4fb', '#1b2631'),
		(21, '.heat1', 'fill', '#d6e4f3', '#1c3a57'),
		(22, '.heat2', 'fill', '#b3cfea', '#1f4c77'),
		(23, '.heat3', 'fill', '#86b3dc', '#245f98'),
		(24, '.heat4', 'fill', '#5a94cb', '#4a8bcf'),
		(25, '.heat5', 'fill', '#2b6cae', '#79b0ea'),
		(26, '.heat6', 'fill', '#17548d', '#b3d6fa'),
		(27, '.growing', 'stroke', '#1f2328', '#e6e8eb'),
		(34, '.heatfew', 'fill', '#ffffff', '#14181d'),
		(36, '.heatfew', 'stroke', '#d0d7de', '#343b44'),
		(35, '.onfew', 'fill', '#57606a', '#a3abb5'),
		(28, '.grow4', 'stroke', '#1f2328', '#0d1117'),
		(29, '.grow5', 'stroke', '#ffffff', '#0d1117'),
		(30, '.grow6', 'stroke', '#ffffff', '#0d1117'),
		(31, '.on4', 'fill', '#1f2328', '#0d1117'),
		(32, '.on5', 'fill', '#ffffff', '#0d1117'),
		(33, '.on6', 'fill', '#ffffff', '#0d1117'),
		(40, '.worse2', 'fill', '#b35806', '#f79a4b'),
		(41, '.worse1', 'fill', '#d97b2b', '#b86a2c'),
		(42, '.even', 'fill', '#eceff2', '#2a3038'),
		(43, '.even', 'stroke', '#7a828b', '#8b949e'),
		(44, '.better1', 'fill', '#4d8fc4', '#3f7fc0'),
		(45, '.better2', 'fill', '#17548d', '#8cc4ff'),
		(46, '.plain', 'fill', '#7a828b', '#8b949e'))
	SELECT '<style>' || E'\n.cjm{max-width:100%;height:auto}\n' ||
		'.cjm text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}' ||
		E'\n.cjm .title{font-size:20px;font-weight:600}.cjm .strong{font-weight:600}.cjm .large{font-size:15px}.cjm .small{font-size:11px}' ||
		E'\n.cjm .mid{text-anchor:middle}.cjm .end{text-anchor:end}.cjm .rule,.cjm .growing{fill:none}.cjm .part,.cjm .even{stroke-width:1.5}.cjm .part,.cjm .growing{stroke-dasharray:4 3}\n' ||
		string_agg(format('.cjm %s{%s:%s}', selector, property, light), '' ORDER BY place) ||
		E'\n@media screen and (prefers-color-scheme:dark){\n' ||
		string_agg(format('.cjm %s{%s:%s}', selector, property, dark), '' ORDER BY place) ||
		E'\n}\n@media print{.cjm{max-height:100vh}.cjm *{print-color-adjust:exact;-webkit-print-color-adjust:exact}}\n</style>'
	FROM colours);
COMMENT ON FUNCTION cjm_internal.svg_style() IS 'the fonts and colours of all drawings, light, dark and printed';

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

-- The ids differ between drawings that stand in one page.
CREATE FUNCTION cjm_internal.svg_frame(attributes text, drawing cjm_internal.svg_drawing, before text, place text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000
RETURN format('<svg %7$s viewBox="0 0 %1$s %2$s" width="%1$s" height="%2$s" role="img" lang="en" aria-labelledby="%3$s-title %3$s-desc">
<title id="%3$s-title">%4$s</title>
<desc id="%3$s-desc">%5$s</desc>
%8$s%6$s
</svg>', cjm_internal.svg_number((drawing).width), cjm_internal.svg_number((drawing).height),
	'cjm-' || left(md5(cjm_internal.svg_escape(concat_ws(' ', (drawing).kind, (drawing).title, (drawing).description, nullif(place, '')))), 8),
	cjm_internal.svg_escape((drawing).title), cjm_internal.svg_escape((drawing).description), (drawing).body, attributes, before);
COMMENT ON FUNCTION cjm_internal.svg_frame(text, cjm_internal.svg_drawing, text, text) IS 'an SVG element of a drawing, with attributes and what stands before its body; place tells it from others in a page';

CREATE FUNCTION cjm_internal.svg_page(drawing cjm_internal.svg_drawing) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000
RETURN cjm_internal.svg_frame('xmlns="http://www.w3.org/2000/svg" class="cjm"', drawing, format(E'%s\n<rect class="paper" width="%s" height="%s"/>\n',
	cjm_internal.svg_style(), cjm_internal.svg_number((drawing).width), cjm_internal.svg_number((drawing).height)), '');
COMMENT ON FUNCTION cjm_internal.svg_page(cjm_internal.svg_drawing) IS
	'a whole SVG: what is drawn, on paper of that size, with a title and a description for those who do not see it';

-- content is SVG already: what svg_lines, svg_escape, svg_rate and the numbers above give.
CREATE FUNCTION cjm_internal.svg_text(x float8, y float8, class text, content text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN format(E'<text x="%s" y="%s" class="%s">%s</text>\n', cjm_internal.svg_number(x), cjm_internal.svg_number(y), class, content);
COMMENT ON FUNCTION cjm_internal.svg_text(float8, float8, text, text) IS 'a line of text; content is escaped already';

-- As wide as the page lets it be.
CREATE FUNCTION cjm_internal.svg_heading(margin float8, width float8, title text, summary text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN cjm_internal.svg_text(margin, margin + 16, 'title', coalesce((cjm_internal.svg_lines(title, (width - 2 * margin) / 22))[1], '')) ||
	cjm_internal.svg_text(margin, margin + 38, 'soft', cjm_internal.svg_escape(summary));
COMMENT ON FUNCTION cjm_internal.svg_heading(float8, float8, text, text) IS 'what stands above a drawing';

-- Small multiples: one drawing beneath another, each of a group and as large as if it stood alone.  Printed they may take several pages.
CREATE FUNCTION cjm_internal.svg_pages(kind text, title text, summary text, drawings cjm_internal.svg_drawing[]) RETURNS text
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 5000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	margin CONSTANT float8 := 28;
	width float8;
	y float8 := margin + 56;
	one cjm_internal.svg_drawing;
	body text := '';
BEGIN
	SELECT greatest(max(d.width), 640) INTO width FROM unnest(drawings) d;
	FOREACH one IN ARRAY drawings
	LOOP
		body := body || format(E'<path d="M%s %sH%s" class="rule"/>\n', cjm_internal.svg_number(margin), cjm_internal.svg_number(y), cjm_internal.svg_number(width - margin)) ||
			cjm_internal.svg_frame(format('y="%s"', cjm_internal.svg_number(y)), one, '', y::text) || E'\n';
		y := y + one.height;
	END LOOP;
	one := (kind, width, greatest(y, margin + 84), title, summary, cjm_internal.svg_heading(margin, width, title, summary) || body);
	RETURN cjm_internal.svg_frame('xmlns="http://www.w3.org/2000/svg" class="cjm many"', one, format(E'%s\n<style>.many svg .title{font-size:16px}@media print{.cjm.many{max-height:none}}</style>\n<rect class="paper" width="%s" height="%s"/>\n',
		cjm_internal.svg_style(), cjm_internal.svg_number(one.width), cjm_internal.svg_number(one.height)), '');
END
$$;
COMMENT ON FUNCTION cjm_internal.svg_pages(text, text, text, cjm_internal.svg_drawing[]) IS 'a whole SVG of several drawings';

-- Of whom a drawing among others is.
CREATE FUNCTION cjm_internal.draw_group(label text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(nullif(label, ''), 'not known');
COMMENT ON FUNCTION cjm_internal.draw_group(text) IS 'what a group is called in a drawing';

CREATE FUNCTION cjm_internal.draw_groups(by text, labels text[], groups text[]) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN labels = '{}' THEN 'nobody' WHEN array_position(groups, labels[cardinality(labels)]) IS NOT NULL THEN format('%s by %s, the largest first', CASE cardinality(labels) WHEN 1 THEN '1 group' ELSE cardinality(labels) || ' groups' END, by)
	ELSE format('the %s largest groups by %s, and all others together', cardinality(labels) - 1, by) END;
COMMENT ON FUNCTION cjm_internal.draw_groups(text, text[], text[]) IS 'which groups are drawn, in a line';

CREATE FUNCTION cjm_internal.svg_rect(x float8, y float8, width float8, height float8, class text, rounded float8 DEFAULT 2) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN format(E'<rect x="%s" y="%s" width="%s" height="%s" rx="%s" class="%s"/>\n', cjm_internal.svg_number(x), cjm_internal.svg_number(y), cjm_internal.svg_number(width), cjm_internal.svg_number(height),
	cjm_internal.svg_number(rounded), class);
COMMENT ON FUNCTION cjm_internal.svg_rect(float8, float8, float8, float8, text, float8) IS 'a rectangle';

-- Coordinates in pairs stand for the %s of a path.
CREATE FUNCTION cjm_internal.svg_path(shape text, class text, VARIADIC numbers float8[]) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN format(E'<path d="%s" class="%s"/>\n', format(shape, VARIADIC (SELECT array_agg(cjm_internal.svg_number(n) ORDER BY place)
	FROM unnest(numbers) WITH ORDINALITY u(n, place))), class);
COMMENT ON FUNCTION cjm_internal.svg_path(text, text, float8[]) IS 'a path: its commands, with %s for each number';

CREATE FUNCTION cjm_internal.map_title(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN (SELECT n.nspname::text FROM pg_namespace n WHERE n.oid = (map).map);
COMMENT ON FUNCTION cjm_internal.map_title(cjm_internal.map) IS 'the name of a map';
