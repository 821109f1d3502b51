--
-- The journey map as SVG: stages across, touchpoints down
--
-- Above, a river of customers: its bars are the stages, its height is how many
-- there are, what drops runs out of it downwards, and who may yet go on or has
-- refused stands beside the bar.  Below, a dot where customers of a stage met a
-- touchpoint: its area is how many did, its colour whether more of them went on
-- than of those they are compared with.
--

CREATE TYPE cjm_internal.map_drawn_touch AS (
	step integer,
	event text,
	customers bigint,
	with_rate float8,
	without_rate float8,
	difference float8,
	difference_low float8,
	difference_high float8,
	sure boolean
);
COMMENT ON TYPE cjm_internal.map_drawn_touch IS 'what a drawing of a map says of a touchpoint at a stage';
COMMENT ON COLUMN cjm_internal.map_drawn_touch.step IS 'number of the stage, 0 before the first one';
COMMENT ON COLUMN cjm_internal.map_drawn_touch.event IS 'the touchpoint';
COMMENT ON COLUMN cjm_internal.map_drawn_touch.customers IS 'customers who met it there';
COMMENT ON COLUMN cjm_internal.map_drawn_touch.with_rate IS 'share of them that went on, as in the view touchpoints, like all that follow';
COMMENT ON COLUMN cjm_internal.map_drawn_touch.without_rate IS 'the same of those whom they are compared with';
COMMENT ON COLUMN cjm_internal.map_drawn_touch.difference IS 'with_rate - without_rate; NULL where there is nothing to compare with';
COMMENT ON COLUMN cjm_internal.map_drawn_touch.difference_low IS 'lower end of its interval';
COMMENT ON COLUMN cjm_internal.map_drawn_touch.difference_high IS 'upper end of it';
COMMENT ON COLUMN cjm_internal.map_drawn_touch.sure IS 'whether it is surely one';

-- Only what is surely a difference has a colour.
CREATE FUNCTION cjm_internal.difference_class(difference float8, sure boolean) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN NOT sure THEN 'even'
	WHEN difference > 0 THEN CASE WHEN difference >= 0.1 THEN 'better2' ELSE 'better1' END
	ELSE CASE WHEN difference <= -0.1 THEN 'worse2' ELSE 'worse1' END END;
COMMENT ON FUNCTION cjm_internal.difference_class(float8, boolean) IS 'the colour of a difference; NULL if there is none';

CREATE FUNCTION cjm_internal.draw_points(difference float8) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN difference < 0 THEN '-' ELSE '+' END || round(abs(difference * 100)::numeric, 1);
COMMENT ON FUNCTION cjm_internal.draw_points(float8) IS 'a difference of shares in percentage points, with its sign';

-- The bars of the stages and what flows between and out of them, over one height; x is where a bar begins.
CREATE FUNCTION cjm_internal.map_svg_river(steps cjm_internal.funnel_drawn_step[], left_end float8, column_width float8, top float8, height float8) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 5000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	bar CONSTANT float8 := 9;
	most float8;
	one cjm_internal.funnel_drawn_step;
	next cjm_internal.funnel_drawn_step;
	x float8;
	pipe float8;				-- the width of a leak where it runs down, from pipe_left to pipe_right
	pipe_left float8;
	pipe_right float8;
	turn_inner float8;			-- how far down it has turned
	turn_outer float8;
	deep float8;
	deep_next float8;
	deep_open float8;			-- how far down those who went on and those who may yet go on reach
	deep_refused float8;		-- and those who refused
	flows text := '';
	bars text := '';
BEGIN
	SELECT greatest(max(s.customers), 1)::float8 INTO most FROM unnest(steps) s;
	FOREACH one IN ARRAY steps
	LOOP
		x := left_end + (one.step - 1) * column_width;
		deep := greatest(one.customers / most * height, CASE WHEN one.customers > 0 THEN 1.5 ELSE 0 END);
		bars := bars || cjm_internal.svg_rect(x, top, bar, deep, CASE WHEN one.optional THEN 'part' ELSE 'bar' END, 1);
		CONTINUE WHEN one.optional;
		SELECT s.* INTO next FROM unnest(steps) s WHERE s.step > one.step AND NOT s.optional ORDER BY s.step LIMIT 1;
		CONTINUE WHEN NOT FOUND;
		deep_next := greatest(next.customers / most * height, CASE WHEN next.customers > 0 THEN 1.5 ELSE 0 END);
		IF next.customers > 0 THEN
			flows := flows || cjm_internal.svg_rect(x + bar, top, (next.step - one.step) * column_width - bar, deep_next, 'flow', 0);
		END IF;
		deep_open := least(deep_next + greatest(one.open_customers / most * height, CASE WHEN one.open_customers > 0 THEN 2 ELSE 0 END), deep);
		IF one.open_customers > 0 THEN
			flows := flows || cjm_internal.svg_rect(x + bar, top + deep_next, least(column_width / 4, 30), greatest(deep_open - deep_next, 1.5), 'wait', 1);
		END IF;
		deep_refused := least(deep_open + greatest(one.refused / most * height, CASE WHEN one.refused > 0 THEN 2 ELSE 0 END), deep);
		IF one.refused > 0 THEN
			flows := flows || cjm_internal.svg_rect(x + bar, top + deep_open, least(column_width / 4, 30), greatest(deep_refused - deep_open, 1.5), 'plain', 1);
		END IF;
		IF one.dropped > 0 THEN
			-- As wide as it is deep, or all of them narrower, so that widths compare.
			pipe := greatest(one.dropped / most * least(height, column_width - 36), 3);
			pipe_left := x + bar + 8;
			pipe_right := pipe_left + pipe;
			turn_outer := least(pipe_right - x - bar, height + 8 - deep_refused);
			turn_inner := least(pipe_left - x - bar, height + 8 - deep);
			flows := flows || cjm_internal.svg_path('M%s %sC%s %s %s %s %s %sV%sH%sV%sC%s %s %s %s %s %sZ', 'leak', x + bar, top + deep_refused,
					x + bar + 0.55 * (pipe_right - x - bar), top + deep_refused, pipe_right, top + deep_refused + 0.45 * turn_outer, pipe_right, top + deep_refused + turn_outer,
					top + height + 10, pipe_left, top + deep + turn_inner,
					pipe_left, top + deep + 0.45 * turn_inner, x + bar + 0.55 * (pipe_left - x - bar), top + deep, x + bar, top + deep) ||
				cjm_internal.svg_path('M%s %sH%sL%s %sZ', 'drop', pipe_left - 4, top + height + 10, pipe_right + 4, (pipe_left + pipe_right) / 2, top + height + 20);
		END IF;
	END LOOP;
	RETURN flows || bars;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_svg_river(cjm_internal.funnel_drawn_step[], float8, float8, float8, float8) IS 'the river of map_svg';

CREATE FUNCTION cjm_internal.map_svg_drawn(steps cjm_internal.funnel_drawn_step[], touches cjm_internal.map_drawn_touch[], most integer, title text) RETURNS cjm_internal.svg_drawing
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 20000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	margin CONSTANT float8 := 28;
	page CONSTANT float8 := 1120;				-- at least so wide
	heads_top float8;							-- of the numbers under the names of stages
	top float8;									-- of the river
	height CONSTANT float8 := 120;
	row_height CONSTANT float8 := 27;
	radius CONSTANT float8 := 11;				-- of the largest dot
	labels float8;								-- the width of the names on the left
	left_end float8;							-- where stages begin
	column_width float8;
	width float8;
	roomy boolean;								-- whether there is room for more than the numbers
	open_top float8;							-- of the numbers of those who may yet go on, NULL where nobody may
	refused_top float8;							-- the same of those who refused
	has_before boolean;							-- whether anybody was met before the first stage
	rows_top float8;
	bottom float8;
	most_met float8;
	events text[];
	others integer;
	x float8;
	y float8;
	class text;
	line text;
	place integer;
	one cjm_internal.funnel_drawn_step;
	met cjm_internal.map_drawn_touch;
	heads text := '';
	grid text := '';
	rows text := '';
	description text;
	sentence text;
BEGIN
	-- What most customers met, in the order in which the journey meets it.
	SELECT coalesce(array_agg(e.event ORDER BY e.middle, e.customers DESC, e.event COLLATE "C"), '{}'), coalesce(max(e.width), 0)
		INTO events, labels
	FROM (SELECT t.event, cjm_internal.svg_width(t.event) AS width, sum(t.customers) AS customers, sum(t.step * t.customers) / sum(t.customers) AS middle
		FROM unnest(touches) t GROUP BY t.event ORDER BY customers DESC, t.event COLLATE "C" LIMIT most) e;
	SELECT count(DISTINCT t.event) - cardinality(events), coalesce(max(t.customers), 1), coalesce(bool_or(t.step = 0 AND t.event = ANY (events)), false)
		INTO others, most_met, has_before FROM unnest(touches) t;
	labels := least(greatest(labels * 12, 110), 190);
	left_end := margin + labels + 16;
	column_width := greatest((page - left_end - margin) / (cardinality(steps) + has_before::integer), 84);
	roomy := column_width >= 132;
	width := left_end + (cardinality(steps) + has_before::integer) * column_width + margin;
	IF has_before THEN
		left_end := left_end + column_width;
	END IF;
	SELECT 104 + 16 * max(cardinality(cjm_internal.svg_lines(s.stage, (column_width - 12) / 13.5, 2))) INTO heads_top FROM unnest(steps) s;
	top := heads_top + 72;
	rows_top := top + height + 78;
	IF EXISTS (SELECT FROM unnest(steps) s WHERE s.open_customers > 0) THEN
		open_top := rows_top - 4;
		rows_top := rows_top + 26;
	END IF;
	IF EXISTS (SELECT FROM unnest(steps) s WHERE s.refused > 0) THEN
		refused_top := rows_top - CASE WHEN open_top IS NULL THEN 4 ELSE 11 END;
		rows_top := refused_top + 30;
	END IF;
	bottom := rows_top + cardinality(events) * row_height;

	FOREACH one IN ARRAY steps
	LOOP
		x := left_end + (one.step - 1) * column_width;
		place := 0;
		grid := grid || cjm_internal.svg_path('M%s %sV%s', 'rule', x, 92, bottom);
		heads := heads || format(E'<g><title>%s</title>\n', cjm_internal.svg_escape(cjm_internal.funnel_description(ARRAY[one]))) ||
			cjm_internal.svg_text(x + 8, 104, 'small soft', one.step || CASE WHEN one.optional THEN ' optional' ELSE '' END);
		FOREACH line IN ARRAY cjm_internal.svg_lines(one.stage, (column_width - 12) / 13.5, 2)
		LOOP
			heads := heads || cjm_internal.svg_text(x + 8, 121 + 16 * place, 'strong', line);
			place := place + 1;
		END LOOP;
		heads := heads || cjm_internal.svg_text(x + 8, heads_top + 22, CASE WHEN roomy THEN 'large strong' ELSE 'strong' END,
			cjm_internal.draw_fitting(one.customers, (column_width - 12) / CASE WHEN roomy THEN 17 ELSE 13.5 END));
		IF one.step > 1 THEN
			heads := heads || cjm_internal.svg_text(x + 8, heads_top + 40, 'small', coalesce(cjm_internal.svg_rate(one.step_rate), '&#8211;')) ||
				coalesce(cjm_internal.svg_text(x + 8, heads_top + 56, 'small', cjm_internal.draw_time(one.median_seconds)), '');
		END IF;
		heads := heads || E'</g>\n';
		IF one.dropped > 0 THEN
			heads := heads || cjm_internal.svg_text(x + 8, top + height + 40, 'strong lost', cjm_internal.draw_fitting(one.dropped, (column_width - 12) / 13.5)) ||
				cjm_internal.svg_text(x + 8, top + height + 55, 'small lost', cjm_internal.svg_rate(one.drop_rate));
		END IF;
		IF one.open_customers > 0 THEN
			heads := heads || cjm_internal.svg_text(x + 8, open_top, 'strong waits', cjm_internal.draw_fitting(one.open_customers, (column_width - 12) / 13.5));
		END IF;
		IF one.refused > 0 THEN
			heads := heads || cjm_internal.svg_text(x + 8, refused_top, 'strong soft', cjm_internal.draw_fitting(one.refused, (column_width - 12) / 13.5));
		END IF;
	END LOOP;
	IF has_before THEN
		heads := heads || cjm_internal.svg_text(left_end - column_width + 8, 121, 'strong soft', 'before');
		grid := grid || cjm_internal.svg_path('M%s %sV%s', 'rule', left_end - column_width, 92, bottom);
	END IF;
	heads := heads || cjm_internal.svg_text(margin, heads_top + 22, 'soft', 'customers') || cjm_internal.svg_text(margin, heads_top + 40, 'small soft', 'of the step before') ||
		cjm_internal.svg_text(margin, heads_top + 56, 'small soft', 'median time') || cjm_internal.svg_text(margin, top + height + 40, 'lost', 'dropped') ||
		CASE WHEN open_top IS NOT NULL THEN cjm_internal.svg_text(margin, open_top, 'waits', 'may yet go on') ELSE '' END ||
		CASE WHEN refused_top IS NOT NULL THEN cjm_internal.svg_text(margin, refused_top, 'soft', 'refused') ELSE '' END;

	description := cjm_internal.funnel_description(steps);
	FOR place IN 1 .. cardinality(events)
	LOOP
		y := rows_top + (place - 0.5) * row_height;
		sentence := '';
		grid := grid || cjm_internal.svg_path('M%s %sH%s', 'rule', margin, y - row_height / 2, width - margin);
		rows := rows || format(E'<g><title>%s</title>%s</g>\n', cjm_internal.svg_escape(events[place]), cjm_internal.svg_text(margin, y + 4, '', (cjm_internal.svg_lines(events[place], labels / 12))[1]));
		FOR met IN
			SELECT t.* FROM unnest(touches) t WHERE t.event = events[place] ORDER BY t.step
		LOOP
			x := left_end + (met.step - 1) * column_width + 8;
			class := coalesce(cjm_internal.difference_class(met.difference, met.sure), 'plain');
			line := concat(cjm_internal.draw_count(met.customers), CASE WHEN met.customers = 1 THEN ' customer' ELSE ' customers' END,
				', ' || cjm_internal.draw_rate(met.with_rate) || ' went on with it', ', ' || cjm_internal.draw_rate(met.without_rate) || ' without it',
				', difference ' || cjm_internal.draw_points(met.difference) || ' points' ||
				coalesce(' (interval ' || cjm_internal.draw_points(met.difference_low) || ' to ' || cjm_internal.draw_points(met.difference_high) || ')', ''));
			sentence := concat_ws('; ', nullif(sentence, ''), coalesce(steps[met.step].stage, 'before') || ': ' || line);
			rows := rows || format(E'<g><title>%s</title><circle cx="%s" cy="%s" r="%s" class="%s"/>%s</g>\n',
				cjm_internal.svg_escape(concat(events[place], ', ', coalesce(steps[met.step].stage, 'before'), ': ', line)),
				cjm_internal.svg_number(x + radius), cjm_internal.svg_number(y), cjm_internal.svg_number(greatest(sqrt(met.customers / most_met) * radius, 2.5)), class,
				cjm_internal.svg_text(x + 2 * radius + 6, y + 4, 'small',
					CASE WHEN roomy THEN cjm_internal.draw_fitting(met.customers, (column_width - 80) / 11) ELSE cjm_internal.draw_short(met.customers) END ||
					CASE WHEN class IN ('plain', 'even') THEN '' WHEN roomy THEN format('<tspan class="soft" dx="6">%s</tspan>', replace(cjm_internal.draw_points(met.difference), '-', '&#8722;'))
						WHEN met.difference > 0 THEN ' +' ELSE ' &#8722;' END));
		END LOOP;
		description := description || format(' %s: %s.', events[place], sentence);
	END LOOP;
	grid := grid || cjm_internal.svg_path('M%s %sH%s', 'rule', margin, bottom, width - margin);

	IF cardinality(events) > 0 THEN
		heads := heads || cjm_internal.svg_text(margin, rows_top - 9, 'small soft', 'touchpoints');
		y := bottom + 28;
		IF others > 0 THEN
			rows := rows || cjm_internal.svg_text(margin, bottom + 18, 'small soft', format('and %s more', others));
			y := y + 16;
		END IF;
		rows := rows || cjm_internal.svg_text(margin, y, 'small soft',
			'area: customers who met the touchpoint at the stage; colour: whether more of them went on than of others who had been there as long, corrected for all that is compared');
		x := margin + 6;
		y := y + 20;
		FOR class, line IN VALUES ('worse2', 'fewer, by 10 points or more'), ('worse1', 'fewer'), ('even', 'no sure difference'), ('better1', 'more'), ('better2', 'more, by 10 points or more'),
			('plain', 'nothing to compare with')
		LOOP
			rows := rows || format('<circle cx="%s" cy="%s" r="6" class="%s"/>', cjm_internal.svg_number(x), cjm_internal.svg_number(y), class) || cjm_internal.svg_text(x + 11, y + 4, 'small soft', line);
			x := x + 32 + cjm_internal.svg_width(line) * 11;
		END LOOP;
		bottom := y + 8;
	END IF;
	RETURN ('map'::text, width, bottom + margin, title, description,
		cjm_internal.svg_heading(margin, width, title, cjm_internal.funnel_summary(steps)) ||
		grid || cjm_internal.map_svg_river(steps, left_end, column_width, top, height) || heads || rows);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_svg_drawn(cjm_internal.funnel_drawn_step[], cjm_internal.map_drawn_touch[], integer, text) IS 'the drawing of map_svg';

CREATE FUNCTION cjm.map_svg(
	map text,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL,
	touchpoints integer DEFAULT 15,
	by text DEFAULT NULL)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 40000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	ranged boolean := cjm_internal.map_ranged(from_time, to_time);
	title text := 'Journey map of ' || cjm_internal.map_title(def);
	touches cjm_internal.map_drawn_touch[];
	labels text[];
	drawings cjm_internal.svg_drawing[];
BEGIN
	touchpoints := coalesce(touchpoints, 15);
	IF touchpoints NOT BETWEEN 0 AND 100 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('a map of %s touchpoints cannot be drawn', touchpoints), HINT = 'Choose 0 to 100.';
	END IF;
	IF by IS NULL THEN
		EXECUTE format('SELECT array_agg((t.step, t.event, t.customers, t.with_rate, t.without_rate, t.difference, t.difference_low, t.difference_high, t.sure)::cjm_internal.map_drawn_touch
			ORDER BY t.step, t.event COLLATE "C") FROM %s t',
			CASE WHEN ranged OR where_is IS NOT NULL THEN format('(%s)', cjm_internal.map_touchpoints_sql(def, 'event', 'event', ranged, false)) ELSE cjm_internal.map_schema(def) || '.touchpoints' END)
			INTO touches USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
		RETURN cjm_internal.svg_page(cjm_internal.map_svg_drawn(cjm_internal.funnel_drawn_steps(def, from_time, to_time), coalesce(touches, '{}'), touchpoints, title));
	END IF;
	def := cjm_internal.map_began_groups(def, by, from_time, to_time);
	EXECUTE format('SELECT coalesce(array_agg(g.label ORDER BY g.n), ''{}''), coalesce(array_agg(cjm_internal.map_svg_drawn(g.steps, coalesce(m.touches, ''{}''), $3, cjm_internal.draw_group(g.label)) ORDER BY g.n), ''{}'')
		FROM cjm_internal.funnel_drawn_groups($4, $5, $1, $2) WITH ORDINALITY g(label, steps, n)
			LEFT JOIN (SELECT t.part, array_agg((t.step, t.touchpoint, t.customers, t.with_rate, t.without_rate, t.difference, t.difference_low, t.difference_high, t.sure)::cjm_internal.map_drawn_touch
				ORDER BY t.step, t.touchpoint COLLATE "C") AS touches FROM (%s) t GROUP BY t.part) m ON m.part IS NOT DISTINCT FROM g.label',
		cjm_internal.map_touchpoints_sql(def, 'part', by, ranged, true))
		INTO labels, drawings USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity'), touchpoints, def, by;
	RETURN cjm_internal.svg_pages('maps', concat(title, ' by ', by), cjm_internal.draw_groups(by, labels, def.groups), drawings);
END
$$;
COMMENT ON FUNCTION cjm.map_svg(text, timestamptz, timestamptz, jsonb, integer, text) IS
'a journey map as one SVG that needs nothing else, from its views funnel and touchpoints or, where a range or customers are asked for, as funnel_report and touchpoint_report have them: psql -At -c "SELECT cjm.map_svg(''shop'')" > map.svg
where_is: which customers, as in touchpoint_report; touchpoints: how many of them at most, those that most customers met
by: NULL, or a dimension of the map (segment), first_channel, entry_channel or session_channel, for one map beneath another: of the six groups in which most customers began, of those of whom it is not known, and of all others together';
