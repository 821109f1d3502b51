--
-- The rows of a journey map: stages across, and beneath each what is known of it.
--
-- Each row is a function of the facts and of where it stands.  It returns how high
-- it is, what stands at its left end and across all stages, and of each stage its
-- cell and a sentence for those who do not see it; a row of which the map has
-- nothing returns NULL.  990-map_svg.sql puts rows together, a stage at a time, so
-- that what reads the drawing aloud goes from stage to stage.
--

CREATE TYPE cjm_internal.map_place AS (
	margin float8,
	labels float8,
	left_end float8,
	column_width float8,
	width float8
);
COMMENT ON TYPE cjm_internal.map_place IS 'where things stand in a drawing of a map';
COMMENT ON COLUMN cjm_internal.map_place.margin IS 'left and right of all';
COMMENT ON COLUMN cjm_internal.map_place.labels IS 'the width of the names on the left';
COMMENT ON COLUMN cjm_internal.map_place.left_end IS 'where the first stage begins';
COMMENT ON COLUMN cjm_internal.map_place.column_width IS 'the width of a stage';
COMMENT ON COLUMN cjm_internal.map_place.width IS 'the width of the page';

CREATE TYPE cjm_internal.map_row AS (
	height float8,
	front text,
	cells text[],
	says text[]
);
COMMENT ON TYPE cjm_internal.map_row IS 'a row of a drawing of a map';
COMMENT ON COLUMN cjm_internal.map_row.height IS 'how high it is';
COMMENT ON COLUMN cjm_internal.map_row.front IS 'SVG of what stands at its left end or across all stages';
COMMENT ON COLUMN cjm_internal.map_row.cells IS 'SVG of each stage';
COMMENT ON COLUMN cjm_internal.map_row.says IS 'a sentence of each stage, NULL where there is nothing';

CREATE FUNCTION cjm_internal.map_place_x(at cjm_internal.map_place, step integer) RETURNS float8
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (at).left_end + (step - 1) * (at).column_width;
COMMENT ON FUNCTION cjm_internal.map_place_x(cjm_internal.map_place, integer) IS 'where a stage begins';

-- Lines of one class.
CREATE FUNCTION cjm_internal.svg_lines_at(x float8, y float8, class text, lines text[], step float8 DEFAULT 15) RETURNS text
	AS 'MODULE_PATHNAME', 'svg_lines_at'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm_internal.svg_lines_at(float8, float8, text, text[], float8) IS 'lines of text, one beneath another';

-- How high a row is, at least, for what stands at its left end.
CREATE FUNCTION cjm_internal.map_front_height(at cjm_internal.map_place, name text, note text) RETURNS float8
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN 18 + 15 * cardinality(cjm_internal.svg_lines(name, (at).labels / 13.5, 2)) + 14 * cardinality(cjm_internal.svg_lines(note, (at).labels / 11, 4));
COMMENT ON FUNCTION cjm_internal.map_front_height(cjm_internal.map_place, text, text) IS 'the height of the left end of a row';

-- What a row is called, and what its numbers are, in small.
CREATE FUNCTION cjm_internal.map_row_front(at cjm_internal.map_place, y float8, name text, note text DEFAULT '') RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 100
RETURN (SELECT cjm_internal.svg_lines_at((at).margin, y + 18, 'strong soft', n.lines) ||
		cjm_internal.svg_lines_at((at).margin, y + 18 + 15 * cardinality(n.lines), 'small soft', cjm_internal.svg_lines(note, (at).labels / 11, 4), 14)
	FROM (SELECT cjm_internal.svg_lines(name, (at).labels / 13.5, 2) AS lines) n);
COMMENT ON FUNCTION cjm_internal.map_row_front(cjm_internal.map_place, float8, text, text) IS 'the left end of a row';

-- A row of cells of text.  paragraphs: of each stage an array of [class, text, lines at most, what stands before it (SVG)], NULL for an empty cell.  Where
-- two that are cut would look the same, all but the first have a number behind the ellipsis.
CREATE FUNCTION cjm_internal.map_row_text(at cjm_internal.map_place, y float8, name text, note text, paragraphs jsonb[], says text[]) RETURNS cjm_internal.map_row
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 500
BEGIN ATOMIC
	WITH wrapped AS (
		SELECT p.n, o.k, o.one ->> 0 AS class, o.one ->> 1 AS content, (o.one ->> 2)::integer AS most, coalesce(o.one ->> 3, '') AS mark, r.room, cjm_internal.svg_lines(o.one ->> 1, r.room, (o.one ->> 2)::integer) AS lines
		FROM unnest(paragraphs) WITH ORDINALITY p(paragraphs, n) CROSS JOIN LATERAL jsonb_array_elements(p.paragraphs) WITH ORDINALITY o(one, k)
			CROSS JOIN LATERAL (SELECT ((at).column_width - CASE WHEN o.one ->> 3 IS NULL THEN 14 ELSE 28 END) / CASE WHEN o.one ->> 0 ~ '\mstrong\M' THEN 13.5 WHEN o.one ->> 0 ~ '\msmall\M' THEN 11 ELSE 12 END AS room) r
	), distinct_lines AS (
		SELECT w.n, w.k, w.class, w.mark, CASE WHEN w.same = 1 THEN w.lines ELSE cjm_internal.svg_lines(w.content, w.room, w.most, w.same::text || ' ') END AS lines
		FROM (SELECT v.*, dense_rank() OVER (PARTITION BY v.class, v.lines ORDER BY v.content COLLATE "C") AS same FROM wrapped v) w
	), placed AS (
		SELECT d.n, d.k, d.class, ARRAY[d.mark || d.lines[1]] || d.lines[2:] AS lines, y + 18 + 15 * (sum(cardinality(d.lines)) OVER (PARTITION BY d.n ORDER BY d.k) - cardinality(d.lines)) AS top, 18 + 15 * sum(cardinality(d.lines)) OVER (PARTITION BY d.n) AS height
		FROM distinct_lines d
	), cells AS (
		SELECT p.n, string_agg(cjm_internal.svg_lines_at(cjm_internal.map_place_x(at, p.n::integer) + 8, p.top, p.class, p.lines), '' ORDER BY p.k) AS cell, max(p.height) AS height FROM placed p GROUP BY p.n
	)
	SELECT (greatest(max(c.height), cjm_internal.map_front_height(at, name, note)), cjm_internal.map_row_front(at, y, name, note), array_agg(coalesce(c.cell, '') ORDER BY u.n), says)::cjm_internal.map_row
	FROM generate_series(1, cardinality(paragraphs)) u(n) LEFT JOIN cells c ON c.n = u.n HAVING count(c.n) > 0;
END;
COMMENT ON FUNCTION cjm_internal.map_row_text(cjm_internal.map_place, float8, text, text, jsonb[], text[]) IS 'a row of text; NULL where all cells are empty';

-- Customers: a bar of the stage, the band of those who went on to the next, and beside the bar, beneath the band, who is still under way, refused, or dropped.
CREATE FUNCTION cjm_internal.map_row_customers(steps cjm_internal.funnel_drawn_step[], at cjm_internal.map_place, y float8, look jsonb) RETURNS cjm_internal.map_row
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 5000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	w CONSTANT jsonb := look -> 'w';
	height CONSTANT float8 := 110;
	bar CONSTANT float8 := 9;
	top CONSTANT float8 := y + 34;
	most float8;
	flows text := '';
	cells text[] := '{}';
	says text[] := '{}';
	cell text;
	front text;
	one cjm_internal.funnel_drawn_step;
	next cjm_internal.funnel_drawn_step;
	gone bigint;
	x float8;
	down float8;
	deep float8;
	part record;
	has record;
	line_y float8;
BEGIN
	SELECT greatest(max(s.customers), 1, (look ->> 'scale')::float8) INTO most FROM unnest(steps) s;
	SELECT bool_or(s.open_customers > 0) AS open, bool_or(s.refused > 0) AS refused, bool_or(s.dropped > 0) AS dropped INTO has FROM unnest(steps) s;
	FOREACH one IN ARRAY steps
	LOOP
		x := cjm_internal.map_place_x(at, one.step);
		SELECT s.* INTO next FROM unnest(steps) s WHERE s.step > one.step AND NOT s.optional ORDER BY s.step LIMIT 1;
		gone := CASE WHEN NOT one.optional AND next.step IS NOT NULL THEN greatest(one.customers - coalesce(one.dropped, 0) - coalesce(one.open_customers, 0) - coalesce(one.refused, 0), 0) END;
		cell := cjm_internal.svg_text(x + 8, y + 20, 'large strong', cjm_internal.svg_escape(cjm_internal.draw_count(one.customers, w))) ||
			cjm_internal.svg_rect(x, top, bar, greatest(one.customers / most * height, CASE WHEN one.customers > 0 THEN 1.5 ELSE 0 END), CASE WHEN one.optional THEN 'part' ELSE 'bar' END, 1);
		down := top;
		line_y := top + height + 20;
		FOR part IN SELECT * FROM (VALUES ('flow', gone, true, NULL::text, ''), ('wait', one.open_customers, coalesce(has.open, false), NULL, ' waits'), ('no', one.refused, coalesce(has.refused, false), NULL, ' soft'),
			('drop', one.dropped, coalesce(has.dropped, false), cjm_internal.draw_rate(one.drop_rate, w), ' lost')) p(class, customers, shown, rate, colour)
		LOOP
			CONTINUE WHEN NOT part.shown;
			IF part.customers > 0 AND NOT one.optional THEN
				deep := greatest(part.customers / most * height, 2);
				IF part.class = 'flow' THEN
					flows := flows || cjm_internal.svg_rect(x + bar, down, (next.step - one.step) * at.column_width - bar, deep, 'flow', 0);
				ELSE
					cell := cell || cjm_internal.svg_hatched(x + bar, down, least(at.column_width * 0.45, 90), deep, part.class);
				END IF;
				down := down + deep;
			END IF;
			IF part.customers > 0 OR part.class IN ('flow', 'drop') AND part.customers = 0 THEN
				cell := cell || cjm_internal.svg_text(x + 8, line_y, 'strong' || part.colour, cjm_internal.svg_escape(cjm_internal.draw_count(part.customers, w)) ||
					coalesce('<tspan class="small' || part.colour || '" dx="6">' || cjm_internal.svg_escape(part.rate) || '</tspan>', ''));
			END IF;
			line_y := line_y + 16;
		END LOOP;
		cells := cells || cell;
		-- The rest is in the sentence of the funnel.
		says := says || nullif(concat_ws(', ', (w ->> 'gone_on') || ': ' || cjm_internal.draw_count(gone, w), (w ->> 'dropped') || ': ' || CASE WHEN has.dropped THEN cjm_internal.draw_rate(one.drop_rate, w) END), '');
	END LOOP;
	front := cjm_internal.map_row_front(at, y, w ->> 'customers') ||
		cjm_internal.svg_lines_at(at.margin, top + 26, 'small soft', cjm_internal.svg_lines(cjm_internal.draw_plural(w, 'bar_is', ceil(most)::bigint), at.labels / 11, 3), 14);
	line_y := top + height + 20;
	FOR part IN SELECT * FROM (VALUES ('flow', 'gone_on', true, ''), ('wait', 'still_open', coalesce(has.open, false), ' waits'), ('no', 'refused', coalesce(has.refused, false), ' soft'), ('drop', 'dropped', coalesce(has.dropped, false), ' lost')) p(class, word, shown, colour)
	LOOP
		CONTINUE WHEN NOT part.shown;
		front := front || CASE part.class WHEN 'flow' THEN cjm_internal.svg_rect(at.margin, line_y - 10, 16, 11, 'flow', 0) ELSE cjm_internal.svg_hatched(at.margin, line_y - 10, 16, 11, part.class) END ||
			cjm_internal.svg_text(at.margin + 22, line_y, 'small' || part.colour, (cjm_internal.svg_lines(w ->> part.word, (at.labels - 22) / 11))[1]);
		line_y := line_y + 16;
	END LOOP;
	RETURN (line_y - y, flows || front, cells, says);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_row_customers(cjm_internal.funnel_drawn_step[], cjm_internal.map_place, float8, jsonb) IS 'the row customers';

-- A figure against its target: the colour that it has, a sentence, a line, and the mark before it.
CREATE FUNCTION cjm_internal.map_target_said(targets jsonb, metric text, step integer, actual float8, w jsonb, OUT colour text, OUT line text, OUT mark text)
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT CASE WHEN m.met THEN ' good' ELSE ' bad' END, concat_ws(', ', t.said, w ->> CASE WHEN m.met THEN 'met' WHEN actual < g.value THEN 'below' ELSE 'above' END), CASE WHEN m.met THEN '&#10003; ' ELSE '&#9660; ' END
	FROM jsonb_to_recordset(targets) g(metric text, step integer, direction text, value float8)
		CROSS JOIN LATERAL (SELECT cjm_internal.draw_say(w, 'target', CASE WHEN g.metric = 'step_rate' THEN cjm_internal.draw_rate(g.value, w) ELSE cjm_internal.draw_time(g.value, w) END) AS said) t
		CROSS JOIN LATERAL (SELECT CASE g.direction WHEN 'at least' THEN actual >= g.value ELSE actual <= g.value END AS met) m
	WHERE g.metric = map_target_said.metric AND g.step = map_target_said.step
	LIMIT 1;
END;
COMMENT ON FUNCTION cjm_internal.map_target_said(jsonb, text, integer, float8, jsonb) IS 'how a figure of a stage stands to its target, no row if it has none';

-- Rates and times, and the targets that they have.
CREATE FUNCTION cjm_internal.map_row_kpi(steps cjm_internal.funnel_drawn_step[], facts jsonb, at cjm_internal.map_place, y float8, look jsonb) RETURNS cjm_internal.map_row
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 5000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	w CONSTANT jsonb := look -> 'w';
	paragraphs jsonb[];
	says text[];
BEGIN
	SELECT array_agg(CASE WHEN s.step > 1 THEN jsonb_build_array(jsonb_build_array('large strong' || coalesce(r.colour, ''), coalesce(cjm_internal.draw_rate(s.step_rate, w), '-'), 1)) ||
			CASE WHEN r.line IS NULL THEN '[]' ELSE jsonb_build_array(jsonb_build_array('small' || r.colour, r.line, 3, r.mark)) END ||
			CASE WHEN s.median_seconds IS NULL THEN '[]' ELSE jsonb_build_array(jsonb_build_array('small', cjm_internal.draw_say(w, 'median', cjm_internal.draw_time(s.median_seconds, w)), 2)) END ||
			CASE WHEN m.line IS NULL THEN '[]' ELSE jsonb_build_array(jsonb_build_array('small' || m.colour, m.line, 3, m.mark)) END END ORDER BY s.step),
		array_agg(nullif(concat_ws('; ', cjm_internal.draw_rate(s.step_rate, w) || ': ' || r.line, cjm_internal.draw_time(s.median_seconds, w) || ': ' || m.line), '') ORDER BY s.step)
		INTO paragraphs, says
	FROM unnest(steps) s
		LEFT JOIN LATERAL cjm_internal.map_target_said(facts -> 'targets', 'step_rate', s.step, s.step_rate, w) r ON true
		LEFT JOIN LATERAL cjm_internal.map_target_said(facts -> 'targets', 'median_time', s.step, s.median_seconds, w) m ON true;
	RETURN cjm_internal.map_row_text(at, y, w ->> 'kpi', concat(w ->> 'rate_row', '; ', w ->> 'time_row'), paragraphs, says);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_row_kpi(cjm_internal.funnel_drawn_step[], jsonb, cjm_internal.map_place, float8, jsonb) IS 'the row kpi';

-- The channels of most customers, three of them: a bar beneath each name is its share of the column.
CREATE FUNCTION cjm_internal.map_row_channels(steps cjm_internal.funnel_drawn_step[], facts jsonb, at cjm_internal.map_place, y float8, look jsonb) RETURNS cjm_internal.map_row
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 5000
	SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH shown AS (
		SELECT c.*, row_number() OVER (PARTITION BY c.step ORDER BY c.place) AS n, cjm_internal.map_place_x(at, c.step) + 8 AS x
		FROM ROWS FROM (jsonb_to_recordset(facts -> 'channels') AS (step integer, channel text, customers bigint, share float8)) WITH ORDINALITY c(step, channel, customers, share, place)
	), named AS (
		SELECT l.label AS channel, min(l.lines[1]) AS line
		FROM cjm_internal.svg_distinct_lines(ARRAY(SELECT DISTINCT s.channel FROM shown s WHERE s.n <= 3 ORDER BY 1), ((at).column_width - 16) / 11, 1) l GROUP BY l.label
	), cells AS (
		SELECT u.step, coalesce(string_agg(format(E'<g><title>%s</title>%s%s%s</g>\n',
				cjm_internal.svg_escape(format('%s: %s, %s', c.channel, cjm_internal.draw_rate(c.share, look -> 'w'), cjm_internal.draw_plural(look -> 'w', 'n_customers', c.customers))),
				cjm_internal.svg_text(c.x, y + 16 + (c.n - 1) * 29, 'small', d.line),
				cjm_internal.svg_text(c.x + (at).column_width - 16, y + 28 + (c.n - 1) * 29, 'small soft end', cjm_internal.svg_rate(c.share, look -> 'w')),
				cjm_internal.svg_rect(c.x, y + 21 + (c.n - 1) * 29, greatest(c.share * ((at).column_width - 16 - 52), 1.5), 6, 'channel', 1)), '' ORDER BY c.n) FILTER (WHERE c.n <= 3), '') ||
				coalesce(cjm_internal.svg_text(min(c.x), y + 16 + 87, 'small soft', cjm_internal.svg_escape(cjm_internal.draw_say(look -> 'w', 'n_more', nullif(greatest(count(c.n) - 3, 0), 0)::text))), '') AS cell,
			string_agg(format('%s %s', c.channel, cjm_internal.draw_rate(c.share, look -> 'w')), ', ' ORDER BY c.n) AS says, coalesce(max(c.n), 0) AS n
		FROM unnest(steps) u LEFT JOIN shown c ON c.step = u.step LEFT JOIN named d ON d.channel = c.channel GROUP BY u.step
	)
	SELECT (greatest(least(max(c.n), 3) * 29 + CASE WHEN max(c.n) > 3 THEN 18 ELSE 0 END + 6, cjm_internal.map_front_height(at, look -> 'w' ->> 'channels', look -> 'w' ->> 'channels_note')), cjm_internal.map_row_front(at, y, look -> 'w' ->> 'channels', look -> 'w' ->> 'channels_note'),
		array_agg(c.cell ORDER BY c.step), array_agg(CASE WHEN c.says IS NOT NULL THEN (look -> 'w' ->> 'channels') || ': ' || c.says END ORDER BY c.step))::cjm_internal.map_row
	FROM cells c HAVING max(c.n) > 0;
END;
COMMENT ON FUNCTION cjm_internal.map_row_channels(cjm_internal.funnel_drawn_step[], jsonb, cjm_internal.map_place, float8, jsonb) IS 'the row channels';

-- The mean answer, on a curve from stage to stage; of fewer answers than say something there is nothing, and no curve leads over it.
CREATE FUNCTION cjm_internal.map_row_mood(steps cjm_internal.funnel_drawn_step[], facts jsonb, at cjm_internal.map_place, y float8, look jsonb) RETURNS cjm_internal.map_row
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 5000
	SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH moods AS (
		SELECT u.step, m.n, m.low, m.high, cjm_internal.map_place_x(at, u.step) + (at).column_width / 2 AS x, y + 20 + (m.high - m.mean) / (m.high - m.low) * 56 AS y, (m.mean - m.low) / (m.high - m.low) AS level,
			cjm_internal.draw_say(look -> 'w', 'mood_is', replace(round(m.mean::numeric, 1)::text, '.', look -> 'w' ->> 'decimal'), m.high::text) AS mean, cjm_internal.draw_plural(look -> 'w', 'answers', m.n) AS answers
		FROM unnest(steps) u LEFT JOIN jsonb_to_recordset(facts -> 'mood') m(step integer, n bigint, mean float8, low integer, high integer) ON m.step = u.step AND m.n >= cjm_internal.map_few()
	)
	SELECT (118, cjm_internal.map_row_front(at, map_row_mood.y, look -> 'w' ->> 'mood', cjm_internal.draw_say(look -> 'w', 'mood_of', min(m.low)::text, max(m.high)::text)) ||
			cjm_internal.svg_path('M%s %sH%s', 'rule', (at).left_end, map_row_mood.y + 48, (at).width - (at).margin) ||
			coalesce(string_agg(cjm_internal.svg_path('M%s %sC%s %s %s %s %s %s', 'curve', m.x, m.y, (m.x + m.next_x) / 2, m.y, (m.x + m.next_x) / 2, m.next_y, m.next_x, m.next_y), '' ORDER BY m.step) FILTER (WHERE m.y IS NOT NULL AND m.next_y IS NOT NULL), ''),
		array_agg(coalesce(format(E'<circle cx="%s" cy="%s" r="11" class="mood"/>', cjm_internal.svg_number(m.x), cjm_internal.svg_number(m.y)) ||
			cjm_internal.svg_path('M%s %sv2M%s %sv2M%s %sq5 %s 10 0', 'hatch', m.x - 4, m.y - 4, m.x + 4, m.y - 4, m.x - 5, m.y + 5 - 3 * (2 * m.level - 1), 8 * (2 * m.level - 1)) ||
			cjm_internal.svg_text(m.x, map_row_mood.y + 100, 'mid strong', cjm_internal.svg_escape(m.mean)) || cjm_internal.svg_text(m.x, map_row_mood.y + 114, 'mid small soft', cjm_internal.svg_escape(m.answers)), '') ORDER BY m.step),
		array_agg((look -> 'w' ->> 'mood') || ': ' || m.mean || ', ' || m.answers ORDER BY m.step))::cjm_internal.map_row
	FROM (SELECT m.*, lead(m.x) OVER s AS next_x, lead(m.y) OVER s AS next_y FROM moods m WINDOW s AS (ORDER BY m.step)) m
	HAVING count(m.n) > 0;
END;
COMMENT ON FUNCTION cjm_internal.map_row_mood(cjm_internal.funnel_drawn_step[], jsonb, cjm_internal.map_place, float8, jsonb) IS 'the row mood';

-- What somebody wrote down of a stage goes before what customers wrote.
CREATE FUNCTION cjm_internal.map_row_voice(steps cjm_internal.funnel_drawn_step[], facts jsonb, at cjm_internal.map_place, y float8, look jsonb) RETURNS cjm_internal.map_row
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 5000
	SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT cjm_internal.map_row_text(at, y, look -> 'w' ->> 'voice', '', array_agg(CASE WHEN v.said IS NOT NULL THEN jsonb_build_array(jsonb_build_array('said', v.said, 4)) ||
			CASE WHEN v.persona IS NULL THEN '[]' ELSE jsonb_build_array(jsonb_build_array('small soft', v.persona, 2)) END END ORDER BY v.step),
		array_agg((look -> 'w' ->> 'voice') || ': ' || v.said || coalesce(', ' || v.persona, '') ORDER BY v.step))
	FROM (SELECT u.step, cjm_internal.draw_say(look -> 'w', 'quote', coalesce(n.quote, c.comment)) AS said, CASE WHEN n.quote IS NOT NULL THEN n.persona END AS persona
		FROM unnest(steps) u LEFT JOIN jsonb_to_recordset(facts -> 'notes') n(stage text, persona text, quote text) ON n.stage = u.stage
			LEFT JOIN jsonb_to_recordset(facts -> 'words') c(step integer, comment text) ON c.step = u.step) v;
END;
COMMENT ON FUNCTION cjm_internal.map_row_voice(cjm_internal.funnel_drawn_step[], jsonb, cjm_internal.map_place, float8, jsonb) IS 'the row voice';

-- Of those who dropped, what most did last; the unhappy against the happy, where both are enough to say something; and what hurts.
CREATE FUNCTION cjm_internal.map_row_leaks(steps cjm_internal.funnel_drawn_step[], facts jsonb, at cjm_internal.map_place, y float8, look jsonb) RETURNS cjm_internal.map_row
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 5000
	SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH leaks AS (
		SELECT u.step, CASE WHEN u.dropped > 0 AND u.dropped = max(u.dropped) OVER () THEN look -> 'w' ->> 'largest' END AS largest,
			cjm_internal.draw_say(look -> 'w', 'last_event', l.event) AS last,
			cjm_internal.draw_say(look -> 'w', 'part_of', cjm_internal.draw_count(l.customers, look -> 'w'), cjm_internal.draw_count(l."of", look -> 'w')) AS part,
			CASE WHEN h.unhappy >= cjm_internal.map_few() AND h.happy >= cjm_internal.map_few() THEN cjm_internal.draw_say(look -> 'w', 'unhappy', cjm_internal.draw_rate(h.unhappy_rate, look -> 'w')) || ', ' ||
				cjm_internal.draw_say(look -> 'w', 'happy', cjm_internal.draw_rate(h.happy_rate, look -> 'w')) END AS moods, n.pain
		FROM unnest(steps) u LEFT JOIN jsonb_to_recordset(facts -> 'leaks') l(step integer, event text, customers bigint, "of" bigint) ON l.step = u.step
			LEFT JOIN jsonb_to_recordset(facts -> 'happiness') h(step integer, unhappy bigint, unhappy_rate float8, happy bigint, happy_rate float8) ON h.step = u.step
			LEFT JOIN jsonb_to_recordset(facts -> 'notes') n(stage text, pain text) ON n.stage = u.stage
	)
	SELECT cjm_internal.map_row_text(at, y, look -> 'w' ->> 'leaks', '', array_agg(nullif(
			CASE WHEN l.largest IS NULL THEN '[]' ELSE jsonb_build_array(jsonb_build_array('small strong lost', l.largest, 3, '&#9660; ')) END ||
			CASE WHEN l.last IS NULL THEN '[]' ELSE jsonb_build_array(jsonb_build_array('small', l.last, 3), jsonb_build_array('small lost', l.part, 1)) END ||
			CASE WHEN l.moods IS NULL THEN '[]' ELSE jsonb_build_array(jsonb_build_array('small', l.moods, 4)) END ||
			CASE WHEN l.pain IS NULL THEN '[]' ELSE jsonb_build_array(jsonb_build_array('', l.pain, 4)) END, '[]') ORDER BY l.step),
		array_agg(nullif(concat_ws('; ', l.largest, l.last || ' (' || l.part || ')', l.moods, l.pain), '') ORDER BY l.step))
	FROM leaks l;
END;
COMMENT ON FUNCTION cjm_internal.map_row_leaks(cjm_internal.funnel_drawn_step[], jsonb, cjm_internal.map_place, float8, jsonb) IS 'the row leaks';

CREATE FUNCTION cjm_internal.map_row_actions(steps cjm_internal.funnel_drawn_step[], facts jsonb, at cjm_internal.map_place, y float8, look jsonb) RETURNS cjm_internal.map_row
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 5000
	SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT cjm_internal.map_row_text(at, y, look -> 'w' ->> 'actions', '', array_agg(nullif(
			CASE WHEN n.owner IS NULL THEN '[]' ELSE jsonb_build_array(jsonb_build_array('strong', n.owner, 2)) END ||
			CASE WHEN n.action IS NULL THEN '[]' ELSE jsonb_build_array(jsonb_build_array('', n.action, 4)) END, '[]') ORDER BY u.step),
		array_agg(nullif(concat_ws(': ', n.owner, n.action), '') ORDER BY u.step))
	FROM unnest(steps) u LEFT JOIN jsonb_to_recordset(facts -> 'notes') n(stage text, action text, owner text) ON n.stage = u.stage;
END;
COMMENT ON FUNCTION cjm_internal.map_row_actions(cjm_internal.funnel_drawn_step[], jsonb, cjm_internal.map_place, float8, jsonb) IS 'the row actions';
