--
-- The funnel as SVG
--
-- A bar for each step from one line on the left, so that lengths compare; what
-- goes on is a band from bar to bar, and the numbers stand in columns.
--

-- A sentence for each step, for those who do not see the drawing.
CREATE FUNCTION cjm_internal.funnel_description(steps cjm_internal.funnel_drawn_step[]) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
RETURN (
	SELECT string_agg(format('%s. %s%s: %s', s.step, s.stage, CASE WHEN s.optional THEN ' (optional)' ELSE '' END,
		concat_ws(', ', cjm_internal.draw_count(s.customers) || CASE WHEN s.customers = 1 THEN ' customer' ELSE ' customers' END,
			CASE WHEN s.step > 1 THEN cjm_internal.draw_rate(s.overall_rate) || ' of all' END,
			CASE WHEN s.step > 1 THEN cjm_internal.draw_rate(s.step_rate) || ' of the step before' ||
				coalesce(' (95% interval ' || cjm_internal.draw_rate(s.rate_low) || ' to ' || cjm_internal.draw_rate(s.rate_high) || ')', '') END,
			'median time ' || cjm_internal.draw_time(s.median_seconds),
			cjm_internal.draw_count(s.dropped) || ' dropped after it', cjm_internal.draw_count(nullif(s.open_customers, 0)) || ' may yet go on', cjm_internal.draw_count(nullif(s.refused, 0)) || ' refused')), '. ' ORDER BY s.step) || '.'
	FROM unnest(steps) s);
COMMENT ON FUNCTION cjm_internal.funnel_description(cjm_internal.funnel_drawn_step[]) IS 'a funnel in sentences';

CREATE FUNCTION cjm_internal.funnel_summary(steps cjm_internal.funnel_drawn_step[]) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
RETURN (
	SELECT concat(cjm_internal.draw_count(steps[1].customers), ' began', CASE WHEN last.step > 1 THEN
		concat(', ', cjm_internal.draw_count(last.customers), ' came to the end', ' (' || cjm_internal.draw_rate(last.overall_rate) || ')', ', median time ' || cjm_internal.draw_time(last.total_seconds)) END)
	FROM unnest(steps) last WHERE NOT last.optional ORDER BY last.step DESC LIMIT 1);
COMMENT ON FUNCTION cjm_internal.funnel_summary(cjm_internal.funnel_drawn_step[]) IS 'the beginning and the end of a funnel in one line';

CREATE FUNCTION cjm_internal.funnel_svg_drawn(steps cjm_internal.funnel_drawn_step[], title text) RETURNS cjm_internal.svg_drawing
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 5000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	width CONSTANT float8 := 960;
	margin CONSTANT float8 := 28;
	many boolean := cardinality(steps) > 8;
	bar float8 := CASE WHEN many THEN 24 ELSE 34 END;
	gap float8 := CASE WHEN many THEN 30 ELSE 42 END;
	top CONSTANT float8 := 100;					-- of the first bar
	size CONSTANT float8 := 15;					-- of the names of stages
	labels float8;								-- their width
	left_end float8;							-- where bars begin
	right_end float8;							-- and end at most
	most float8;
	one cjm_internal.funnel_drawn_step;
	before cjm_internal.funnel_drawn_step;
	next cjm_internal.funnel_drawn_step;
	y float8 := top;
	y_before float8;
	length float8;
	length_before float8;
	flows text := '';
	bars text := '';
BEGIN
	SELECT least(greatest(max(cjm_internal.svg_width(s.stage)) * size, 70), 250), greatest(max(s.customers), 1)::float8,
			width - margin - 68 - greatest(max(cjm_internal.svg_width(cjm_internal.draw_count(s.customers))) * 17, 106) - 16
		INTO labels, most, right_end FROM unnest(steps) s;
	left_end := margin + 26 + labels + 18;
	FOREACH one IN ARRAY steps
	LOOP
		length := one.customers / most * (right_end - left_end);
		SELECT s.* INTO next FROM unnest(steps) s WHERE s.step > one.step AND NOT s.optional ORDER BY s.step LIMIT 1;
		IF before.step IS NOT NULL AND NOT one.optional THEN
			flows := flows || cjm_internal.svg_path('M%s %sH%sL%s %sH%sZ', 'flow', left_end, y_before + bar, left_end + length_before, left_end + length, y, left_end);
		END IF;
		bars := bars || format(E'<g><title>%s</title>\n', cjm_internal.svg_escape(cjm_internal.funnel_description(ARRAY[one]))) ||
			cjm_internal.svg_text(margin + 16, y + bar / 2 + 5, 'soft end', one.step::text) ||
			coalesce(cjm_internal.svg_text(margin + 26, y + bar / 2 + 5, 'large', (cjm_internal.svg_lines(one.stage, labels / size))[1]), '') ||
			cjm_internal.svg_rect(left_end, y, greatest(length, CASE WHEN one.customers > 0 THEN 1.5 ELSE 0 END), bar, CASE WHEN one.optional THEN 'part' ELSE 'bar' END) ||
			CASE WHEN one.open_customers > 0 THEN cjm_internal.svg_rect(left_end + next.customers / most * (right_end - left_end), y, greatest(one.open_customers / most * (right_end - left_end), 1.5), bar, 'wait', 0)
				ELSE '' END ||
			CASE WHEN one.refused > 0 THEN cjm_internal.svg_rect(left_end + (next.customers + one.open_customers) / most * (right_end - left_end), y, greatest(one.refused / most * (right_end - left_end), 1.5), bar, 'plain', 0)
				ELSE '' END ||
			cjm_internal.svg_text(width - margin - 68, y + bar / 2 + 5, 'large strong end', cjm_internal.draw_count(one.customers)) ||
			cjm_internal.svg_text(width - margin, y + bar / 2 + 5, 'large end', coalesce(cjm_internal.svg_rate(one.overall_rate), '&#8211;')) || E'</g>\n';
		IF one.step > 1 THEN
			bars := bars || cjm_internal.svg_text(left_end + 10, y - gap / 2 + 4, 'small', concat_ws(' &#183; ',
				'<tspan class="strong">' || cjm_internal.svg_rate(one.step_rate) || CASE WHEN one.optional THEN '</tspan> passed this optional step' ELSE '</tspan> went on' END,
				'median ' || cjm_internal.draw_time(one.median_seconds)));
		END IF;
		IF one.dropped IS NOT NULL THEN
			bars := bars || cjm_internal.svg_text(width - margin, y + bar + gap / 2 + 4, 'small lost end',
				cjm_internal.draw_count(one.dropped) || ' dropped' || coalesce(', ' || cjm_internal.svg_rate(one.drop_rate), '') ||
				coalesce('<tspan class="waits"> &#183; ' || cjm_internal.draw_count(nullif(one.open_customers, 0)) || ' open</tspan>', '') ||
				coalesce('<tspan class="soft"> &#183; ' || cjm_internal.draw_count(nullif(one.refused, 0)) || ' refused</tspan>', ''));
		END IF;
		IF NOT one.optional THEN
			before := one;
			y_before := y;
			length_before := length;
		END IF;
		y := y + bar + gap;
	END LOOP;
	RETURN ('funnel'::text, width, y - gap + margin, title, cjm_internal.funnel_description(steps),
		cjm_internal.svg_heading(margin, width, title, cjm_internal.funnel_summary(steps)) ||
		cjm_internal.svg_text(width - margin - 68, top - 12, 'small soft end', 'customers') || cjm_internal.svg_text(width - margin, top - 12, 'small soft end', 'of all') ||
		flows || cjm_internal.svg_path('M%s %sV%s', 'rule', left_end, top - 6, y - gap + 6) || bars);
END
$$;
COMMENT ON FUNCTION cjm_internal.funnel_svg_drawn(cjm_internal.funnel_drawn_step[], text) IS 'the drawing of funnel_svg';

CREATE FUNCTION cjm.funnel_svg(stats cjm.funnel_stats, title text DEFAULT 'Funnel') RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE COST 5000
RETURN cjm_internal.svg_page(cjm_internal.funnel_svg_drawn(cjm_internal.funnel_drawn_steps(stats), coalesce(nullif(title, ''), 'Funnel')));

CREATE FUNCTION cjm.funnel_svg(
	map text,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL,
	by text DEFAULT NULL)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 20000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	title text := 'Funnel of ' || cjm_internal.map_title(def);
BEGIN
	IF by IS NULL THEN
		RETURN cjm_internal.svg_page(cjm_internal.funnel_svg_drawn(cjm_internal.funnel_drawn_steps(def, from_time, to_time), title));
	END IF;
	def := cjm_internal.map_began_groups(def, by, from_time, to_time);
	RETURN (SELECT cjm_internal.svg_pages('funnels', concat(title, ' by ', by), cjm_internal.draw_groups(by, coalesce(array_agg(g.label ORDER BY g.n), '{}'), def.groups),
			coalesce(array_agg(cjm_internal.funnel_svg_drawn(g.steps, cjm_internal.draw_group(g.label)) ORDER BY g.n), '{}'))
		FROM cjm_internal.funnel_drawn_groups(def, by, from_time, to_time) WITH ORDINALITY g(label, steps, n));
END
$$;

COMMENT ON FUNCTION cjm.funnel_svg(cjm.funnel_stats, text) IS
'a funnel as one SVG that needs nothing else: bars of customers, what went on and what dropped, median times since the step before.
title: above it
Statistics know no time: who may yet go on is among those who dropped.';
COMMENT ON FUNCTION cjm.funnel_svg(text, timestamptz, timestamptz, jsonb, text) IS
'the funnel of a map as one SVG that needs nothing else, from its view funnel or, where a range or customers are asked for, as funnel_report has it: psql -At -c "SELECT cjm.funnel_svg(''shop'')" > funnel.svg
where_is: which customers, as in funnel_report
by: NULL, or as in funnel_report, for one drawing beneath another, the bars of each being shares of its own customers: of the six groups in which most customers began, of those of whom it is not known, and of all others together';
