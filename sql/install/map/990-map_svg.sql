--
-- The journey map as SVG: stages across, what is known of them down
--
-- A row for each thing that is known of stages (987-map_wall.sql).  Touchpoints are
-- rows of dots: the area of one is how many customers of the stage met it, its colour
-- whether more of them went on than of those they are compared with.
--

-- Only what is surely a difference has a colour.
CREATE FUNCTION cjm_internal.difference_class(difference float8, sure boolean) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN NOT sure THEN 'even'
	WHEN difference > 0 THEN CASE WHEN difference >= 0.1 THEN 'better2' ELSE 'better1' END
	ELSE CASE WHEN difference <= -0.1 THEN 'worse2' ELSE 'worse1' END END;
COMMENT ON FUNCTION cjm_internal.difference_class(float8, boolean) IS 'the colour of a difference; NULL if there is none';

CREATE FUNCTION cjm_internal.touch_said(touch cjm_internal.map_drawn_touch, w jsonb, brief boolean) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 500
RETURN CASE WHEN brief THEN concat_ws(', ', cjm_internal.draw_plural(w, 'n_customers', (touch).customers), CASE WHEN (touch).sure THEN cjm_internal.draw_say(w, 'difference', cjm_internal.draw_points((touch).difference, w)) END)
	ELSE concat_ws(', ', cjm_internal.draw_plural(w, 'n_customers', (touch).customers), cjm_internal.draw_say(w, 'went_on_with', cjm_internal.draw_rate((touch).with_rate, w)),
	cjm_internal.draw_say(w, 'went_on_without', cjm_internal.draw_rate((touch).without_rate, w)), cjm_internal.draw_say(w, 'difference', cjm_internal.draw_points((touch).difference, w)) ||
		coalesce(cjm_internal.draw_say(w, 'difference_interval', cjm_internal.draw_points((touch).difference_low, w), cjm_internal.draw_points((touch).difference_high, w)), '')) END;
COMMENT ON FUNCTION cjm_internal.touch_said(cjm_internal.map_drawn_touch, jsonb, boolean) IS 'what is known of a touchpoint at a stage, in words; brief: what its dot shows';

-- Touchpoints that differ for sure come first, by how much they do, and then those that most customers met.
CREATE FUNCTION cjm_internal.touches_chosen(touches cjm_internal.map_drawn_touch[], most integer) RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 500
RETURN (SELECT coalesce(array_agg(e.event ORDER BY e.n), '{}')
	FROM (SELECT t.event, row_number() OVER (ORDER BY max(abs(t.difference)) FILTER (WHERE t.sure) DESC NULLS LAST, sum(t.customers) DESC, t.event COLLATE "C") AS n FROM unnest(touches) t GROUP BY t.event) e
	WHERE e.n <= most);
COMMENT ON FUNCTION cjm_internal.touches_chosen(cjm_internal.map_drawn_touch[], integer) IS 'the touchpoints that are drawn, in the order in which they stand';

-- The size of dots, and what their colours are, go beneath.  In drawings of groups, of which a page has many, only the sentence of the stage tells what a dot shows.
CREATE FUNCTION cjm_internal.map_row_touches(steps cjm_internal.funnel_drawn_step[], touches cjm_internal.map_drawn_touch[], most integer, at cjm_internal.map_place, y float8, look jsonb) RETURNS cjm_internal.map_row
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 10000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	w CONSTANT jsonb := look -> 'w';
	row_height CONSTANT float8 := 28;
	radius CONSTANT float8 := 11;				-- of the largest dot
	roomy boolean;							-- whether a difference has room beside a number
	events text[] := cjm_internal.touches_chosen(touches, most);
	others integer;
	most_met float8;
	front text := cjm_internal.map_row_front(at, y, w ->> 'touchpoints', w ->> 'touchpoints_note');
	cells text[] := array_fill(''::text, ARRAY[cardinality(steps) + 1]);	-- of each stage, and before the first
	says text[] := array_fill(NULL::text, ARRAY[cardinality(steps) + 1]);
	place integer;
	x float8;
	bottom float8 := y + greatest(cjm_internal.map_front_height(at, w ->> 'touchpoints', w ->> 'touchpoints_note'), 40);
	class text;
	word text;
	one record;
	line text;
BEGIN
	IF touches = '{}' THEN
		RETURN NULL;
	END IF;
	SELECT count(DISTINCT t.event) - cardinality(events), greatest(max(t.customers), 1, (look ->> 'dots')::float8) INTO others, most_met FROM unnest(touches) t;
	roomy := at.column_width >= 80 + cjm_internal.svg_width(cjm_internal.draw_count(ceil(most_met)::bigint, w)) * 11;
	FOR one IN SELECT l.label, l.lines, l.place FROM cjm_internal.svg_distinct_lines(events, at.labels / 12, 2) l ORDER BY l.place
	LOOP
		front := front || cjm_internal.svg_path('M%s %sH%s', 'rule', at.margin, bottom + (one.place - 1) * row_height, at.width - at.margin) || format(E'<g><title>%s</title>%s</g>\n', cjm_internal.svg_escape(one.label),
			cjm_internal.svg_lines_at(at.margin, bottom + (one.place - 0.5) * row_height + 4 - (cardinality(one.lines) - 1) * 6.5, '', one.lines, 13));
	END LOOP;
	FOR one IN
		SELECT t.*, e.n, coalesce(cjm_internal.difference_class(t.difference, t.sure), 'plain') AS class, cjm_internal.touch_said(t, w, look ? 'dots') AS said
		FROM unnest(events) WITH ORDINALITY e(event, n) JOIN unnest(touches) t ON t.event = e.event ORDER BY t.step, e.n
	LOOP
		place := CASE one.step WHEN 0 THEN cardinality(steps) + 1 ELSE one.step END;
		x := cjm_internal.map_place_x(at, one.step) + 8;
		says[place] := coalesce(says[place] || '; ', (w ->> 'touchpoints') || ': ') || one.event || ': ' || one.said;
		cells[place] := cells[place] || format(E'<g>%s<circle cx="%s" cy="%s" r="%s" class="%s"/>%s</g>\n',
			CASE WHEN look ? 'dots' THEN '' ELSE '<title>' || cjm_internal.svg_escape(concat(one.event, ', ', coalesce(steps[one.step].stage, w ->> 'before'), ': ', one.said)) || '</title>' END,
			cjm_internal.svg_number(x + radius), cjm_internal.svg_number(bottom + (one.n - 0.5) * row_height), cjm_internal.svg_number(greatest(sqrt(one.customers / most_met) * radius, 2.5)), one.class,
			cjm_internal.svg_text(x + 2 * radius + 6, bottom + (one.n - 0.5) * row_height + 4, 'small',
				cjm_internal.svg_escape(cjm_internal.draw_count(one.customers, w)) ||
				CASE WHEN one.class IN ('plain', 'even') THEN '' WHEN roomy THEN format('<tspan class="soft" dx="6">%s</tspan>', replace(cjm_internal.draw_points(one.difference, w), '-', '&#8722;'))
					WHEN one.difference > 0 THEN ' +' ELSE ' &#8722;' END));
	END LOOP;
	bottom := bottom + cardinality(events) * row_height;
	IF others > 0 THEN
		front := front || cjm_internal.svg_text(at.margin, bottom + 14, 'small soft', cjm_internal.svg_escape(cjm_internal.draw_say(w, 'n_more', others::text)));
		bottom := bottom + 18;
	END IF;
	IF events <> '{}' THEN
		front := front || cjm_internal.svg_path('M%s %sH%s', 'rule', at.margin, bottom, at.width - at.margin) ||
			cjm_internal.svg_lines_at(at.margin, bottom + 16, 'small soft', cjm_internal.svg_lines(w ->> 'dots_are', (at.width - 2 * at.margin) / 11, 6), 14);
		bottom := bottom + 22 + 14 * cardinality(cjm_internal.svg_lines(w ->> 'dots_are', (at.width - 2 * at.margin) / 11, 6));
		x := at.margin;
		FOR class, word, line IN SELECT * FROM (SELECT 'plain', cjm_internal.svg_number(r.r), cjm_internal.draw_plural(w, 'n_customers', greatest(round(most_met * r.share), 1)::bigint) FROM (VALUES (radius, 1.0), (radius / 2, 0.25)) r(r, share)
			WHERE r.share = 1 OR most_met >= 4 ORDER BY r.share) s(class, word, line)
			UNION ALL SELECT k.class, '6', w ->> k.class FROM (VALUES ('worse2'), ('worse1'), ('even'), ('better1'), ('better2'), ('plain')) k(class)
		LOOP
			IF x > at.margin AND x + 24 + cjm_internal.svg_width(line) * 11 > at.width - at.margin THEN
				x := at.margin;
				bottom := bottom + 22;
			END IF;
			front := front || format('<circle cx="%s" cy="%s" r="%s" class="%s"/>', cjm_internal.svg_number(x + radius), cjm_internal.svg_number(bottom + 4), word, class) || cjm_internal.svg_text(x + 2 * radius + 6, bottom + 8, 'small soft', (cjm_internal.svg_lines(line, (at.width - 2 * at.margin - 30) / 11))[1]);
			x := x + 2 * radius + 24 + cjm_internal.svg_width(line) * 11;
		END LOOP;
		bottom := bottom + 20;
	END IF;
	RETURN (bottom - y, front, cells, says);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_row_touches(cjm_internal.funnel_drawn_step[], cjm_internal.map_drawn_touch[], integer, cjm_internal.map_place, float8, jsonb) IS 'the row touchpoints; its last cell is of those before the first stage';

-- As wide as the longest word of a stage's name, up to a measure, and as any number of customers, which stand in full; narrower in maps that stand side by side.  What was met before the first stage has a column before it.
CREATE FUNCTION cjm_internal.map_placed(steps cjm_internal.funnel_drawn_step[], has_before boolean, several boolean, look jsonb) RETURNS cjm_internal.map_place
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	w CONSTANT jsonb := look -> 'w';
	columns CONSTANT integer := cardinality(steps) + has_before::integer;
	small CONSTANT boolean := several AND columns <= 8;
	page CONSTANT float8 := coalesce((look ->> 'width')::float8, CASE WHEN several THEN 0 ELSE 1120 END);
	at cjm_internal.map_place;
BEGIN
	at.margin := 28;
	at.labels := CASE WHEN small THEN 112 ELSE 150 END;
	at.left_end := at.margin + at.labels + 16;
	SELECT greatest((page - at.left_end - at.margin) / columns, CASE WHEN small THEN 96 ELSE 128 END,
			least(max(cjm_internal.svg_width(p.word)) * 13.5 + 31, CASE WHEN small THEN 160 ELSE 220 END),
			max(cjm_internal.svg_width(cjm_internal.draw_count(s.customers, w))) * 17 + 16, max(cjm_internal.svg_width(cjm_internal.draw_count(s.customers, w))) * 11 + CASE WHEN small THEN 52 ELSE 80 END, max(cjm_internal.svg_width(cjm_internal.draw_count(s.dropped, w)) * 13.5 + cjm_internal.svg_width(cjm_internal.draw_rate(s.drop_rate, w)) * 11 + 22)) INTO at.column_width
	FROM unnest(steps) s CROSS JOIN LATERAL regexp_split_to_table(s.stage, '[ -]') p(word);
	at.width := at.left_end + columns * at.column_width + at.margin;
	IF has_before THEN
		at.left_end := at.left_end + at.column_width;
	END IF;
	RETURN at;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_placed(cjm_internal.funnel_drawn_step[], boolean, boolean, jsonb) IS 'where things stand in the drawing of a map';

-- Stages as chevrons, each of which points at the next.
CREATE FUNCTION cjm_internal.map_row_stages(steps cjm_internal.funnel_drawn_step[], has_before boolean, at cjm_internal.map_place, y float8, look jsonb) RETURNS cjm_internal.map_row
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 5000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	w CONSTANT jsonb := look -> 'w';
	sentences CONSTANT text[] := cjm_internal.funnel_sentences(steps, w);
	names jsonb[];
	deep float8;
	x float8;
	one cjm_internal.funnel_drawn_step;
	cells text[];
	says text[];
BEGIN
	SELECT array_agg(l.lines ORDER BY l.place), max(jsonb_array_length(l.lines)) * 16 + 20 INTO names, deep
	FROM (SELECT d.place, to_jsonb(d.lines) AS lines FROM cjm_internal.svg_distinct_lines(ARRAY(SELECT s.stage FROM unnest(steps) s ORDER BY s.step), (at.column_width - 30) / 13.5, 4) d) l;
	deep := deep + CASE WHEN EXISTS (SELECT FROM unnest(steps) s WHERE s.optional) THEN 14 ELSE 0 END;
	FOREACH one IN ARRAY steps
	LOOP
		x := cjm_internal.map_place_x(at, one.step);
		says[one.step] := left(sentences[one.step], -1);
		cells[one.step] := cjm_internal.svg_path('M%s %sH%sL%s %sL%s %sH%sL%s %sZ', 'chevron', x, y, x + at.column_width - 12, x + at.column_width, y + deep / 2, x + at.column_width - 12, y + deep, x, x + 12, y + deep / 2) ||
			cjm_internal.svg_lines_at(x + 16, y + deep / 2 + 5 - (jsonb_array_length(names[one.step]) - 1) * 8 - CASE WHEN one.optional THEN 7 ELSE 0 END, 'strong', ARRAY(SELECT jsonb_array_elements_text(names[one.step])), 16) ||
			CASE WHEN one.optional THEN cjm_internal.svg_text(x + 16, y + deep / 2 + 6 + jsonb_array_length(names[one.step]) * 8, 'small soft', (cjm_internal.svg_lines(w ->> 'optional', (at.column_width - 30) / 11))[1]) ELSE '' END;
	END LOOP;
	IF has_before THEN
		cells := cells || cjm_internal.svg_text(at.left_end - at.column_width + 8, y + deep / 2 + 5, 'strong soft', (cjm_internal.svg_lines(w ->> 'before', (at.column_width - 16) / 13.5))[1]);
	END IF;
	RETURN (deep + 8, cjm_internal.svg_text(at.margin, y + deep / 2 + 5, 'strong soft', cjm_internal.svg_escape(w ->> 'stage')), cells, says);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_row_stages(cjm_internal.funnel_drawn_step[], boolean, cjm_internal.map_place, float8, jsonb) IS 'the row of stages; its last cell is what stands above those before the first stage, if there are any';

-- facts: an object of what 985-map_facts.sql has, notes being those that are shown.  small: one of several, side by side.
CREATE FUNCTION cjm_internal.map_svg_drawn(steps cjm_internal.funnel_drawn_step[], touches cjm_internal.map_drawn_touch[], facts jsonb, rows text[], most integer, title text, subtitle text, small boolean, look jsonb) RETURNS cjm_internal.svg_drawing
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 20000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	w CONSTANT jsonb := look -> 'w';
	stages CONSTANT integer := cardinality(steps);
	has_before CONSTANT boolean := 'touchpoints' = ANY (rows) AND EXISTS (SELECT FROM unnest(touches) t WHERE t.step = 0 AND t.event = ANY (cjm_internal.touches_chosen(touches, most)));
	at CONSTANT cjm_internal.map_place := cjm_internal.map_placed(steps, has_before, small, look);
	top CONSTANT float8 := CASE subtitle WHEN '' THEN 84 ELSE 102 END;
	row cjm_internal.map_row := cjm_internal.map_row_stages(steps, has_before, at, top, look);
	first CONSTANT float8 := top + row.height;		-- where the rows begin
	y float8 := first;
	kind text;
	grid text := '';
	front text := row.front;
	cells text[] := row.cells[:stages];
	says text[] := row.says;
	before text := coalesce(row.cells[stages + 1], '');
	before_says text;
	open bigint := (SELECT sum(s.open_customers) FROM unnest(steps) s WHERE NOT s.optional);
BEGIN
	FOREACH kind IN ARRAY rows
	LOOP
		row := CASE kind WHEN 'customers' THEN cjm_internal.map_row_customers(steps, at, y, look)
			WHEN 'kpi' THEN cjm_internal.map_row_kpi(steps, facts, at, y, look)
			WHEN 'channels' THEN cjm_internal.map_row_channels(steps, facts, at, y, look)
			WHEN 'touchpoints' THEN cjm_internal.map_row_touches(steps, touches, most, at, y, look)
			WHEN 'mood' THEN cjm_internal.map_row_mood(steps, facts, at, y, look)
			WHEN 'voice' THEN cjm_internal.map_row_voice(steps, facts, at, y, look)
			WHEN 'leaks' THEN cjm_internal.map_row_leaks(steps, facts, at, y, look)
			ELSE cjm_internal.map_row_actions(steps, facts, at, y, look) END;
		CONTINUE WHEN row.height IS NULL;
		IF y > first THEN
			grid := grid || cjm_internal.svg_path('M%s %sH%s', 'rule', at.margin, y, at.width - at.margin);
		END IF;
		front := front || row.front;
		FOR place IN 1 .. stages
		LOOP
			cells[place] := cells[place] || row.cells[place];
			says[place] := concat_ws('. ', says[place], row.says[place]);
		END LOOP;
		IF kind = 'touchpoints' THEN
			before := before || row.cells[stages + 1];
			before_says := row.says[stages + 1];
		END IF;
		y := y + row.height + 6;
	END LOOP;

	RETURN ('map'::text, at.width, y + at.margin - 6, title, concat_ws(' ', (w ->> 'before') || '. ' || before_says || '.', (SELECT string_agg(s || '.', ' ' ORDER BY n) FROM unnest(says) WITH ORDINALITY u(s, n))),
		cjm_internal.svg_heading(at.margin, at.width, title, nullif(subtitle, ''), concat_ws(', ', cjm_internal.funnel_summary(steps, w), cjm_internal.draw_say(w, 'n_may_go_on', cjm_internal.draw_count(nullif(open, 0), w)))) || grid || front || before ||
		(SELECT string_agg(format(E'<g role="img" tabindex="0"><title>%s.</title>\n%s</g>\n', cjm_internal.svg_escape(s), c), '' ORDER BY n) FROM unnest(says, cells) WITH ORDINALITY u(s, c, n)));
END
$$;
COMMENT ON FUNCTION cjm_internal.map_svg_drawn(cjm_internal.funnel_drawn_step[], cjm_internal.map_drawn_touch[], jsonb, text[], integer, text, text, boolean, jsonb) IS 'the drawing of map_svg';

-- How the whole map is drawn.
CREATE FUNCTION cjm_internal.map_drawing(def cjm_internal.map, steps cjm_internal.funnel_drawn_step[], rows text[], facts jsonb, most integer, heading text, subtitle text, look jsonb, from_time timestamptz, to_time timestamptz)
	RETURNS cjm_internal.svg_drawing
	LANGUAGE sql STABLE PARALLEL RESTRICTED COST 20000
	SET search_path = pg_catalog, pg_temp
RETURN cjm_internal.map_svg_drawn(steps, CASE WHEN 'touchpoints' = ANY (rows) THEN cjm_internal.map_touches_drawn(def, from_time, to_time) ELSE '{}' END,
	facts || jsonb_build_object('notes', cjm_internal.map_notes_of(facts -> 'notes', cjm_internal.map_personas(coalesce((def).where_is, '{}')))), rows, most, heading, subtitle, false, look);
COMMENT ON FUNCTION cjm_internal.map_drawing(cjm_internal.map, cjm_internal.funnel_drawn_step[], text[], jsonb, integer, text, text, jsonb, timestamptz, timestamptz) IS 'the drawing of a map, whose touchpoints are read';

-- Of each of the map's groups, in their order, on one scale.
CREATE FUNCTION cjm_internal.map_group_drawings(def cjm_internal.map, by text, funnels cjm_internal.funnel_drawn_group[], rows text[], facts jsonb, most integer, look jsonb, from_time timestamptz, to_time timestamptz)
	RETURNS TABLE (label text, drawing cjm_internal.svg_drawing)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 40000 ROWS 8
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT d.label, cjm_internal.map_svg_drawn(d.steps, d.touches, cjm_internal.map_facts_of($4, $9, $8, $5, d.label), $8, $3, cjm_internal.draw_group_title($7 -> ''w'', d.label, ($4).groups, ((cjm_internal.map_placed(d.steps, false, true, $7)).width - 56) / 22), '''', true,
				$7 || jsonb_build_object(''scale'', d.most::numeric, ''dots'', d.dots))
		FROM (SELECT g.n, g.label, g.steps, coalesce(m.touches, ''{}'') AS touches, greatest(max((SELECT max(s.customers) FROM unnest(g.steps) s)) OVER (), $6) AS most, max((SELECT max(t.customers) FROM unnest(m.touches) t)) OVER () AS dots
			FROM unnest($10) WITH ORDINALITY g(label, steps, n)
				LEFT JOIN (SELECT t.part, array_agg((t.step, t.touchpoint, t.customers, t.with_rate, t.without_rate, t.difference, t.difference_low, t.difference_high, t.sure)::cjm_internal.map_drawn_touch
					ORDER BY t.step, t.touchpoint COLLATE "C") AS touches FROM (%s) t WHERE NOT (%s) GROUP BY t.part) m ON m.part IS NOT DISTINCT FROM g.label) d ORDER BY d.n',
		CASE WHEN 'touchpoints' = ANY (rows) THEN cjm_internal.map_touchpoints_sql(def, 'part', by, cjm_internal.map_ranged(from_time, to_time), true)
			ELSE 'SELECT NULL::text AS part, v.*, v.event AS touchpoint FROM unnest(''{}''::cjm_internal.map_drawn_touch[]) v' END, cjm_internal.map_own_event_sql(def.stages))
		USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity'), most, def, by, (look ->> 'scale')::float8, look, rows, facts, funnels;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_group_drawings(cjm_internal.map, text, cjm_internal.funnel_drawn_group[], text[], jsonb, integer, jsonb, timestamptz, timestamptz) IS 'small drawings of the groups of a map, whose touchpoints are read';

CREATE FUNCTION cjm.map_svg(
	map text,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL,
	touchpoints integer DEFAULT 15,
	by text DEFAULT NULL,
	rows text[] DEFAULT NULL,
	title text DEFAULT NULL,
	subtitle text DEFAULT NULL,
	language text DEFAULT 'en',
	words jsonb DEFAULT NULL,
	scale_to float8 DEFAULT NULL,
	width integer DEFAULT NULL,
	colours jsonb DEFAULT NULL)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 40000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	look jsonb := cjm_internal.draw_look(title, subtitle, language, words, scale_to, width, colours);
	w jsonb := look -> 'w';
	heading text := coalesce(nullif(title, ''), cjm_internal.draw_say(w, 'map_of', cjm_internal.map_title(def)));
	summary text := coalesce(nullif(subtitle, ''), cjm_internal.draw_asked(w, def, from_time, to_time), '');
	shown text[] := cjm_internal.map_drawn_rows(def, rows, by);
	drawing cjm_internal.svg_drawing;
	labels text[];
	drawings cjm_internal.svg_drawing[];
BEGIN
	touchpoints := coalesce(touchpoints, 15);
	IF touchpoints NOT BETWEEN 0 AND 100 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('a map of %s touchpoints cannot be drawn', touchpoints), HINT = 'Choose 0 to 100.';
	END IF;
	IF by IS NULL THEN
		drawing := cjm_internal.map_drawing(def, cjm_internal.funnel_drawn_steps(def, from_time, to_time), shown, cjm_internal.map_facts_drawn(def, shown, NULL, from_time, to_time), touchpoints, heading, summary, look, from_time, to_time);
		RETURN cjm_internal.svg_page(drawing, look, cjm_internal.svg_landscape(drawing.width, drawing.height));
	END IF;
	def := cjm_internal.map_began_groups(def, by, from_time, to_time);
	SELECT coalesce(array_agg(d.label ORDER BY d.n), '{}'), coalesce(array_agg(d.drawing ORDER BY d.n), '{}') INTO labels, drawings
	FROM cjm_internal.map_group_drawings(def, by, ARRAY(SELECT (g.label, g.steps)::cjm_internal.funnel_drawn_group FROM cjm_internal.funnel_drawn_groups(def, by, from_time, to_time) WITH ORDINALITY g(label, steps, n) ORDER BY g.n), shown, cjm_internal.map_facts_drawn(def, shown, by, from_time, to_time), touchpoints, look, from_time, to_time) WITH ORDINALITY d(label, drawing, n);
	RETURN cjm_internal.svg_pages('maps', CASE WHEN look ->> 'title' IS NULL THEN cjm_internal.draw_say(w, 'title_by', heading, by) ELSE heading END,
		cjm_internal.draw_groups(w, by, labels, def.groups), look || jsonb_build_object('subtitle', nullif(summary, '')), drawings);
END
$$;
COMMENT ON FUNCTION cjm.map_svg(text, timestamptz, timestamptz, jsonb, integer, text, text[], text, text, text, jsonb, float8, integer, jsonb) IS
'a journey map as one SVG that needs nothing else, from its views or, where a range or customers are asked for, as its reports have them: psql -At -c "SELECT cjm.map_svg(''shop'')" > map.svg
where_is: which customers, as in touchpoint_report; touchpoints: how many of them at most, those that differ for sure first, and then those that most customers met
by: NULL, or a dimension of the map (segment), first_channel, entry_channel or session_channel, for small maps side by side, on one scale: of the six groups in which most customers began, of those of whom it is not known, and of all others together
rows: which, and in which order: customers, kpi, channels, touchpoints, mood, voice, leaks, actions; NULL for all that the map has and the caller may read; by entry_channel and session_channel, which answers do not know, without mood
title, subtitle: what stands above; NULL for the map, and for the range and the customers that are asked for
language: en, ru or lv, or another one whose words are given; words: an object, of any of the keys of cjm_internal.draw_words(''en'')
scale_to: how many customers the full height stands for, if that is more than there are, so that drawings compare; width: of the page, at least; of each map where there are several
colours: such as {"open": "#6541a5"}, of customers, gone_on, open, refused, dropped, channels, mood, better and worse; or {"open": {"light": "#6541a5", "dark": "#c3aef2"}}';
