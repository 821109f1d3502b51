--
-- What the sections of map_html are made of: words, numbers, cells, tables, charts
--
-- As in drawings, all is printable ASCII: every other character is written by its
-- number.  Whatever is a text, a label or a word, becomes part of the page by
-- svg_escape, here and nowhere else.  A number stands in the page as people read it
-- and, in data-v, in full: scripts and tests read that.
--

CREATE FUNCTION cjm_internal.page_word(words jsonb, key text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN cjm_internal.svg_escape(words ->> key);
COMMENT ON FUNCTION cjm_internal.page_word(jsonb, text) IS 'a word of the page''s language, as character data';

-- Arguments are character data already.
CREATE FUNCTION cjm_internal.page_say(words jsonb, key text, VARIADIC arguments text[] DEFAULT '{}') RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN format(cjm_internal.page_word(words, key), VARIADIC arguments);
COMMENT ON FUNCTION cjm_internal.page_say(jsonb, text, text[]) IS 'a sentence of the page''s language about these';

-- Apart from its surroundings: one that is read from the right turns nothing around it.
CREATE FUNCTION cjm_internal.page_label(words jsonb, label text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN format('<bdi>%s</bdi>', coalesce(cjm_internal.svg_escape(label), cjm_internal.page_word(words, 'not_known')));
COMMENT ON FUNCTION cjm_internal.page_label(jsonb, text) IS 'a label; NULL is not known';

CREATE FUNCTION cjm_internal.page_decimal(words jsonb, value float8, digits integer) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN CASE WHEN abs(value) < 1e15 THEN (
		SELECT replace(replace(replace(to_char(round(value::numeric, digits), concat('FM999,999,999,999,990', '.' || nullif(repeat('0', digits), ''))), ',', E'\x01'), '.', words ->> 'decimal'), E'\x01', words ->> 'group'))
	ELSE value::text END;
COMMENT ON FUNCTION cjm_internal.page_decimal(jsonb, float8, integer) IS 'a number with so many digits after its point';

-- Money is not in any currency, and a day not in any zone but the map's.
CREATE FUNCTION cjm_internal.page_figure(words jsonb, kind text, value float8) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN CASE kind WHEN 'rate' THEN cjm_internal.draw_rate(value, words)
	WHEN 'time' THEN cjm_internal.draw_time(value, words)
	WHEN 'count' THEN cjm_internal.page_decimal(words, value, 0)
	WHEN 'score' THEN cjm_internal.page_decimal(words, value, 1)
	WHEN 'amount' THEN cjm_internal.page_decimal(words, value, 0)
	ELSE cjm_internal.page_decimal(words, value, 2) END;
COMMENT ON FUNCTION cjm_internal.page_figure(jsonb, text, float8) IS 'a figure of a kind that map_metrics() has, as people read it';

-- In a sentence, whose line may not end between a number and its unit.
CREATE FUNCTION cjm_internal.page_shown(words jsonb, kind text, value float8) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN replace(cjm_internal.svg_escape(cjm_internal.page_figure(words, kind, value)), ' ', '&#160;');
COMMENT ON FUNCTION cjm_internal.page_shown(jsonb, text, float8) IS 'the same as character data, in one piece';

CREATE FUNCTION cjm_internal.page_day(words jsonb, day date) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN cjm_internal.svg_escape(to_char(day, words ->> 'date'));
COMMENT ON FUNCTION cjm_internal.page_day(jsonb, date) IS 'a day, as character data';

CREATE FUNCTION cjm_internal.page_metric(words jsonb, metric text, stage text, by text, by_value text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
	SELECT CASE WHEN by IS NULL THEN m.name ELSE cjm_internal.page_say(words, 'page_metric_value', m.name, cjm_internal.page_label(words, by), cjm_internal.page_label(words, by_value)) END
	FROM (SELECT CASE WHEN metric IN ('step_rate', 'median_time') AND stage IS NOT NULL THEN cjm_internal.page_say(words, 'page_metric_stage', cjm_internal.page_word(words, 'metric_' || metric), cjm_internal.page_label(words, stage))
		ELSE cjm_internal.page_word(words, 'metric_' || metric) END AS name) m);
COMMENT ON FUNCTION cjm_internal.page_metric(jsonb, text, text, text, text) IS 'what a figure is called';

--
-- Tables
--

CREATE FUNCTION cjm_internal.page_cell(exact text, shown text, more text DEFAULT NULL) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN exact IS NULL THEN '<td class="n">&#8211;</td>'
	ELSE concat('<td data-v="', exact, '">', cjm_internal.svg_escape(shown), '<small>' || more || '</small>', '</td>') END;
COMMENT ON FUNCTION cjm_internal.page_cell(text, text, text) IS 'a cell with a number: in full, as people read it, and what stands beneath it, character data, if anything';

CREATE FUNCTION cjm_internal.page_between(low text, high text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN cjm_internal.svg_escape(low) || ' &#8211; ' || cjm_internal.svg_escape(high);
COMMENT ON FUNCTION cjm_internal.page_between(text, text) IS 'an interval, as character data';

CREATE FUNCTION cjm_internal.page_count(words jsonb, count bigint) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
RETURN cjm_internal.page_cell(count::text, cjm_internal.draw_count(count, words));
COMMENT ON FUNCTION cjm_internal.page_count(jsonb, bigint) IS 'a cell with a number of customers or the like';

CREATE FUNCTION cjm_internal.page_rate(words jsonb, rate float8, low float8 DEFAULT NULL, high float8 DEFAULT NULL) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
RETURN cjm_internal.page_cell(rate::text, cjm_internal.draw_rate(rate, words), cjm_internal.page_between(cjm_internal.draw_rate(low, words), cjm_internal.draw_rate(high, words)));
COMMENT ON FUNCTION cjm_internal.page_rate(jsonb, float8, float8, float8) IS 'a cell with a share, and its interval, if it has one';

CREATE FUNCTION cjm_internal.page_number(words jsonb, kind text, value float8, low float8 DEFAULT NULL, high float8 DEFAULT NULL) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
RETURN cjm_internal.page_cell(value::text, cjm_internal.page_figure(words, kind, value), cjm_internal.page_between(cjm_internal.page_figure(words, kind, low), cjm_internal.page_figure(words, kind, high)));
COMMENT ON FUNCTION cjm_internal.page_number(jsonb, text, float8, float8, float8) IS 'a cell with a figure of a kind, and its interval, if it has one';

-- A head that begins with < is of labels, which are sorted as texts, and one that begins with = of what is not sorted.
CREATE FUNCTION cjm_internal.page_table(words jsonb, class text, caption text, heads text[], rows text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN format(E'<div class="wide" tabindex="0" role="group" aria-label="%s"><table class="%s"><caption>%s</caption><thead><tr>%s</tr></thead>\n<tbody>%s</tbody></table></div>\n',
	regexp_replace(caption, '<[^>]*>', '', 'g'), class, caption,
	(SELECT string_agg(format('<th scope="col"%s>%s</th>', CASE left(h.key, 1) WHEN '=' THEN ' class="fixed"' WHEN '<' THEN ' class="l"' END, cjm_internal.page_word(words, ltrim(h.key, '=<'))), '' ORDER BY h.place) FROM unnest(heads) WITH ORDINALITY h(key, place)), rows);
COMMENT ON FUNCTION cjm_internal.page_table(jsonb, text, text, text[], text) IS 'a table: its caption, character data; the words above its columns; its rows';

-- Parts of a whole, one beside the other; lengths are shares of the widest bar.
CREATE FUNCTION cjm_internal.page_bar(classes text[], lengths float8[]) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
	SELECT concat('<td class="bar"><svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">', string_agg(format('<rect x="%s" width="%s" height="10" class="%s"/>',
		trim_scale(round((b.ends - b.length)::numeric, 2)), trim_scale(round(b.length::numeric, 2)), b.class), '' ORDER BY b.place) FILTER (WHERE b.length > 0), '</svg></td>')
	FROM (SELECT u.class, u.place, 100 * u.length AS length, 100 * sum(u.length) OVER (ORDER BY u.place) AS ends FROM unnest(classes, lengths) WITH ORDINALITY u(class, length, place)) b);
COMMENT ON FUNCTION cjm_internal.page_bar(text[], float8[]) IS 'a cell with a bar of parts';

CREATE FUNCTION cjm_internal.page_key(words jsonb, classes text[], keys text[]) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
	SELECT format(E'<ul class="key">%s</ul>\n', string_agg(format('<li><svg viewBox="0 0 10 10" aria-hidden="true"><rect width="10" height="10" class="%s"/></svg>%s</li>', k.class, cjm_internal.page_word(words, k.key)), '' ORDER BY k.place))
	FROM unnest(classes, keys) WITH ORDINALITY k(class, key, place));
COMMENT ON FUNCTION cjm_internal.page_key(jsonb, text[], text[]) IS 'what colours mean';

CREATE FUNCTION cjm_internal.page_section(words jsonb, id text, content text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN format(E'<section id="%s" aria-labelledby="%1$s-title">\n<h2 id="%1$s-title">%s</h2>\n%s</section>\n', id, cjm_internal.page_word(words, 'page_' || id), content);
COMMENT ON FUNCTION cjm_internal.page_section(jsonb, text, text) IS 'a section of the page; NULL where there is nothing in it';

-- Which group a part of the page is of, for the switch: empty for all customers.
CREATE FUNCTION cjm_internal.page_group(words jsonb, place integer, class text, label text, content text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN format(E'<div class="card %s" data-g="%s"><h3>%s</h3>\n%s</div>\n', class, place, label, content);
COMMENT ON FUNCTION cjm_internal.page_group(jsonb, integer, text, text, text) IS 'a card of a group; the switch shows it by its place, 0 being all customers';

--
-- Charts
--

CREATE TYPE cjm_internal.page_week AS (
	week date,
	n bigint,
	value float8,
	low float8,
	high float8,
	closed boolean
);
COMMENT ON TYPE cjm_internal.page_week IS 'a figure of a week';
COMMENT ON COLUMN cjm_internal.page_week.week IS 'the week''s Monday';
COMMENT ON COLUMN cjm_internal.page_week.n IS 'what it is a share or a mean of, as in metric_report, like all that follow';
COMMENT ON COLUMN cjm_internal.page_week.value IS 'the figure';
COMMENT ON COLUMN cjm_internal.page_week.low IS 'lower end of its interval';
COMMENT ON COLUMN cjm_internal.page_week.high IS 'upper end of it';
COMMENT ON COLUMN cjm_internal.page_week.closed IS 'whether the week is over, with all that belongs to it';

-- Both ends of an axis are as precise as each other: in full where both fit beside it, and else short.
CREATE FUNCTION cjm_internal.page_tick(words jsonb, kind text, value float8, other float8) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN cjm_internal.svg_escape(CASE WHEN value = 0 AND kind <> 'rate' THEN '0' WHEN kind IN ('count', 'amount', 'money') AND greatest(abs(value), abs(other)) BETWEEN 10000 AND 1e18 THEN concat(CASE WHEN value < 0 THEN '-' END, cjm_internal.draw_short(abs(value)::bigint, words, abs(other)::bigint))
	ELSE cjm_internal.page_figure(words, kind, value) END);
COMMENT ON FUNCTION cjm_internal.page_tick(jsonb, text, float8, float8) IS 'the end of an axis, as character data; other: its other end';

-- Charts beside one another have one axis of time, and those that are to be compared one of the figure.
CREATE FUNCTION cjm_internal.page_series(words jsonb, kind text, name text, weeks cjm_internal.page_week[], first date, last date, bottom float8, top float8, notes jsonb) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE COST 1000
BEGIN ATOMIC
	WITH points AS (
		SELECT w.*, 64 + 248 * coalesce((w.week - first)::float8 / nullif(last - first, 0), 0.5) AS x,
			104 - 88 * coalesce((w.value - bottom) / nullif(top - bottom, 0), 0.5) AS y,
			104 - 88 * coalesce((least(greatest(w.low, bottom), top) - bottom) / nullif(top - bottom, 0), 0.5) AS y_low,
			104 - 88 * coalesce((least(greatest(w.high, bottom), top) - bottom) / nullif(top - bottom, 0), 0.5) AS y_high,
			coalesce(w.week - lag(w.week) OVER (ORDER BY w.week) = 7, false) AS goes_on
		FROM unnest(weeks) w
	), pieces AS (
		SELECT p.*, count(*) FILTER (WHERE NOT p.goes_on) OVER (ORDER BY p.week) AS piece FROM points p
	), bands AS (
		SELECT string_agg(b.shape, '') AS shapes
		FROM (SELECT format('<path class="band" d="M%sL%sZ"/>', string_agg(concat(cjm_internal.svg_number(p.x), ' ', cjm_internal.svg_number(p.y_high)), 'L' ORDER BY p.week),
				string_agg(concat(cjm_internal.svg_number(p.x), ' ', cjm_internal.svg_number(p.y_low)), 'L' ORDER BY p.week DESC)) AS shape
			FROM pieces p WHERE p.low IS NOT NULL GROUP BY p.piece HAVING count(*) > 1) b
	), newest AS (
		SELECT p.* FROM points p ORDER BY p.closed DESC, p.week DESC LIMIT 1
	)
	SELECT format(E'<figure class="card series"><h3>%1$s</h3>\n<p><span class="now">%2$s</span> <span class="soft">%3$s</span></p>\n<svg class="chart" viewBox="0 0 320 128" role="img" aria-label="%4$s">%5$s%6$s%7$s%8$s%9$s</svg>\n<p class="readout"></p>\n<details class="weeks"><summary>%10$s</summary>%11$s</details></figure>\n',
		name, cjm_internal.svg_escape(cjm_internal.page_figure(words, kind, (SELECT value FROM newest))), cjm_internal.page_day(words, (SELECT week FROM newest)),
		regexp_replace(concat_ws(', ', name, cjm_internal.page_day(words, min(p.week)) || ' - ' || cjm_internal.page_day(words, max(p.week)),
			cjm_internal.svg_escape(cjm_internal.page_figure(words, kind, (SELECT value FROM newest)))), '<[^>]*>', '', 'g'),
		(SELECT shapes FROM bands),
		concat('<path class="axis" d="M64 104H312"/>', (SELECT string_agg(format('<path class="note" d="M%1$s 14V104"/><text x="%1$s" y="11" text-anchor="middle">%2$s</text>', cjm_internal.svg_number(greatest(64, least(312, 64 + 248 * coalesce(((m.mark ->> 'day')::date - first)::float8 / nullif(last - first, 0), 0.5)))), m.mark ->> 'number'), '')
			FROM jsonb_array_elements(notes) m(mark))),
		format('<path class="line" d="%s"/>', string_agg(concat(CASE WHEN p.goes_on THEN 'L' ELSE 'M' END, cjm_internal.svg_number(p.x), ' ', cjm_internal.svg_number(p.y)), '' ORDER BY p.week)),
		string_agg(format('<circle cx="%s" cy="%s" r="%s"%s/>', cjm_internal.svg_number(p.x), cjm_internal.svg_number(p.y), CASE WHEN first = last THEN 4 ELSE 2.5 END, CASE WHEN p.closed THEN '' ELSE ' class="o"' END), '' ORDER BY p.week),
		format('<text x="58" y="20" text-anchor="end">%s</text><text x="58" y="107" text-anchor="end">%s</text><text x="64" y="122">%s</text><text x="312" y="122" text-anchor="end">%s</text>',
			cjm_internal.page_tick(words, kind, top, bottom), cjm_internal.page_tick(words, kind, nullif(bottom, top), top), cjm_internal.page_day(words, first), cjm_internal.page_day(words, nullif(last, first))),
		cjm_internal.page_word(words, 'page_numbers'),
		cjm_internal.page_table(words, 'weeks', name, CASE WHEN bool_or(p.low IS NOT NULL) THEN '{<page_week,page_value,page_low,page_high,page_n}'::text[] ELSE '{<page_week,page_value,page_n}'::text[] END,
			string_agg(concat('<tr><th scope="row">', cjm_internal.page_day(words, p.week), '</th>', cjm_internal.page_number(words, kind, p.value),
				CASE WHEN has.intervals THEN concat(cjm_internal.page_number(words, kind, p.low), cjm_internal.page_number(words, kind, p.high)) END, cjm_internal.page_count(words, p.n), '</tr>'), '' ORDER BY p.week)))
	FROM points p CROSS JOIN (SELECT bool_or(w.low IS NOT NULL) AS intervals FROM unnest(weeks) w) has;
END;
COMMENT ON FUNCTION cjm_internal.page_series(jsonb, text, text, cjm_internal.page_week[], date, date, float8, float8, jsonb) IS
	'a chart of a figure over weeks with its intervals, the notes of the time, and its table; bottom and top are the ends of its axis';

-- The largest that each place has, so many of them, and all others as one, from left to right; a flow is as thick as it is large.  caption: character data.
CREATE FUNCTION cjm_internal.page_flows(words jsonb, links jsonb, caption text, most integer) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 5000
BEGIN ATOMIC
	WITH raw AS (
		SELECT l."position", regexp_replace(l.source, '^\d+\. ', '') AS source, regexp_replace(l.target, '^\d+\. ', '') AS target, l.value
		FROM jsonb_to_recordset(links) l("position" integer, source text, target text, value bigint)
	), passed AS (
		SELECT e.place, e.label, greatest(sum(e.goes), sum(e.comes)) AS value
		FROM raw r CROSS JOIN LATERAL (VALUES (r."position", r.source, r.value, 0), (r."position" + 1, r.target, 0, r.value)) e(place, label, goes, comes)
		GROUP BY e.place, e.label
	), named AS (
		SELECT p.place, p.label, row_number() OVER (PARTITION BY p.place ORDER BY p.value DESC, p.label COLLATE "C") <= most AS own FROM passed p
	), flows AS (
		SELECT r."position" AS place, CASE WHEN s.own THEN s.label END AS source, CASE WHEN t.own THEN t.label END AS target, sum(r.value)::float8 AS value
		FROM raw r JOIN named s ON s.place = r."position" AND s.label = r.source JOIN named t ON t.place = r."position" + 1 AND t.label = r.target
		GROUP BY 1, 2, 3
	), sized AS (
		SELECT e.place, e.label, greatest(sum(e.goes), sum(e.comes)) AS value
		FROM flows f CROSS JOIN LATERAL (VALUES (f.place, f.source, f.value, 0), (f.place + 1, f.target, 0, f.value)) e(place, label, goes, comes)
		GROUP BY e.place, e.label
	), scale AS (
		SELECT 300 / max(c.value) AS one FROM (SELECT sum(s.value) AS value FROM sized s GROUP BY s.place) c
	), nodes AS (
		SELECT s.place, s.label, s.value, s.value * k.one AS height, 10 + (s.place - 1) * 170 AS x,
			8 + coalesce(sum(greatest(s.value * k.one, 16) + 6) OVER (PARTITION BY s.place ORDER BY s.label IS NULL, s.value DESC, s.label COLLATE "C" ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS y
		FROM sized s CROSS JOIN scale k
	), named_nodes AS (
		SELECT c.*, CASE WHEN c.same = 1 THEN c.line ELSE (cjm_internal.svg_lines(c.shown, c.room, 1, c.same::text || ' '))[1] END AS name
		FROM (SELECT l.*, dense_rank() OVER (PARTITION BY l.place, l.line ORDER BY l.shown COLLATE "C") AS same
			FROM (SELECT n.*, r.shown, r.room, (cjm_internal.svg_lines(r.shown, r.room))[1] AS line
				FROM nodes n CROSS JOIN LATERAL (SELECT coalesce(n.label, words ->> 'others') AS shown, 12.5 - cjm_internal.svg_width(cjm_internal.draw_count(n.value::bigint, words)) AS room) r) l) c
	), drawn AS (
		SELECT f.*, f.value * k.one AS thick, s.x + 10 AS x1, t.x AS x2, s.label IS NULL OR t.label IS NULL AS rest,
			s.y + sum(f.value * k.one) OVER (PARTITION BY f.place, f.source ORDER BY t.y) - f.value * k.one / 2 AS y1,
			t.y + sum(f.value * k.one) OVER (PARTITION BY f.place, f.target ORDER BY s.y) - f.value * k.one / 2 AS y2
		FROM flows f CROSS JOIN scale k
			JOIN nodes s ON s.place = f.place AND s.label IS NOT DISTINCT FROM f.source JOIN nodes t ON t.place = f.place + 1 AND t.label IS NOT DISTINCT FROM f.target
	), said AS (
		SELECT d.*, coalesce(cjm_internal.svg_escape(d.source), cjm_internal.page_word(words, 'others')) AS from_label, coalesce(cjm_internal.svg_escape(d.target), cjm_internal.page_word(words, 'others')) AS to_label FROM drawn d
	)
	SELECT concat(format(E'<div class="wide" tabindex="0" role="group" aria-label="%s"><svg class="flows" viewBox="0 0 %s %s" role="img" aria-label="%1$s">\n', regexp_replace(caption, '<[^>]*>', '', 'g'),
			(SELECT 20 + max(n.place) * 170 FROM nodes n), (SELECT cjm_internal.svg_number(max(n.y + greatest(n.height, 16)) + 8) FROM nodes n)),
		(SELECT string_agg(format(E'<path%s d="M%s %sC%s %s %s %s %s %s" stroke-width="%s"><title>%s &#8594; %s: %s</title></path>\n', CASE WHEN s.rest THEN ' class="rest"' END, cjm_internal.svg_number(s.x1), cjm_internal.svg_number(s.y1),
				cjm_internal.svg_number((s.x1 + s.x2) / 2), cjm_internal.svg_number(s.y1), cjm_internal.svg_number((s.x1 + s.x2) / 2), cjm_internal.svg_number(s.y2), cjm_internal.svg_number(s.x2), cjm_internal.svg_number(s.y2),
				cjm_internal.svg_number(greatest(s.thick, 0.5)), s.from_label, s.to_label, cjm_internal.svg_escape(cjm_internal.draw_count(s.value::bigint, words))), '' ORDER BY s.place, s.y1) FROM said s),
		(SELECT string_agg(format(E'<g><title>%s: %s</title><rect x="%s" y="%s" width="10" height="%s"%s/><text x="%s" y="%s">%s</text></g>\n', coalesce(cjm_internal.svg_escape(n.label), cjm_internal.page_word(words, 'others')), cjm_internal.svg_escape(cjm_internal.draw_count(n.value::bigint, words)),
				n.x, cjm_internal.svg_number(n.y), cjm_internal.svg_number(greatest(n.height, 1)), CASE WHEN n.label IS NULL THEN ' class="rest"' END, n.x + 14, cjm_internal.svg_number(n.y + greatest(n.height, 16) / 2 + 4),
				concat(coalesce(n.name, ''), ' <tspan class="soft">', cjm_internal.svg_escape(cjm_internal.draw_count(n.value::bigint, words)), '</tspan>')), '' ORDER BY n.place, n.y) FROM named_nodes n),
		E'</svg></div>\n',
		format('<details><summary>%s</summary>', cjm_internal.page_word(words, 'page_numbers')),
		cjm_internal.page_table(words, 'sort', caption, '{page_place,<page_source,<page_target,page_times}',
			(SELECT string_agg(format('<tr>%s<td class="l"><bdi>%s</bdi></td><td class="l"><bdi>%s</bdi></td>%s</tr>', cjm_internal.page_cell(s.place::text, s.place::text), s.from_label, s.to_label, cjm_internal.page_count(words, s.value::bigint)), E'\n' ORDER BY s.place, s.value DESC, s.source COLLATE "C", s.target COLLATE "C") FROM said s)),
		'</details>')
	WHERE jsonb_array_length(links) > 0;
END;
COMMENT ON FUNCTION cjm_internal.page_flows(jsonb, jsonb, text, integer) IS 'a Sankey chart of rows of transition_report by places, and its table; NULL of none';
