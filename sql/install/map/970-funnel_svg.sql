--
-- The funnel as SVG
--
-- A bar for each step from one line on the left, so that lengths compare; what
-- goes on is a band from bar to bar, and the numbers stand in columns.  Behind the
-- bar of a step's next are those who may yet go on or have refused, in patterns.
--

-- A sentence for each step, for those who do not see the drawing.
CREATE FUNCTION cjm_internal.funnel_sentences(steps cjm_internal.funnel_drawn_step[], w jsonb) RETURNS text[]
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
RETURN (
	SELECT array_agg(format('%s. %s%s: %s.', s.step, s.stage, CASE WHEN s.optional THEN format(' (%s)', w ->> 'optional') ELSE '' END,
		concat_ws(', ', cjm_internal.draw_plural(w, 'n_customers', s.customers),
			CASE WHEN s.step > 1 THEN cjm_internal.draw_say(w, 'n_of_all', cjm_internal.draw_rate(s.overall_rate, w)) END,
			CASE WHEN s.step > 1 THEN cjm_internal.draw_say(w, 'n_of_before', cjm_internal.draw_rate(s.step_rate, w)) ||
				coalesce(cjm_internal.draw_say(w, 'interval', cjm_internal.draw_rate(s.rate_low, w), cjm_internal.draw_rate(s.rate_high, w)), '') END,
			cjm_internal.draw_say(w, 'median_time', cjm_internal.draw_time(s.median_seconds, w)),
			cjm_internal.draw_say(w, 'n_dropped_after', cjm_internal.draw_count(s.dropped, w)), cjm_internal.draw_say(w, 'n_may_go_on', cjm_internal.draw_count(nullif(s.open_customers, 0), w)),
			cjm_internal.draw_say(w, 'n_refused', cjm_internal.draw_count(nullif(s.refused, 0), w)))) ORDER BY s.step)
	FROM unnest(steps) s);
COMMENT ON FUNCTION cjm_internal.funnel_sentences(cjm_internal.funnel_drawn_step[], jsonb) IS 'a funnel in sentences, one of each step';

CREATE FUNCTION cjm_internal.funnel_description(steps cjm_internal.funnel_drawn_step[], w jsonb DEFAULT cjm_internal.draw_words('en')) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
RETURN array_to_string(cjm_internal.funnel_sentences(steps, w), ' ');
COMMENT ON FUNCTION cjm_internal.funnel_description(cjm_internal.funnel_drawn_step[], jsonb) IS 'a funnel in sentences';

CREATE FUNCTION cjm_internal.funnel_summary(steps cjm_internal.funnel_drawn_step[], w jsonb DEFAULT cjm_internal.draw_words('en')) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
RETURN (
	SELECT concat(cjm_internal.draw_say(w, 'began', cjm_internal.draw_count(steps[1].customers, w)), CASE WHEN last.step > 1 THEN
		concat(', ', cjm_internal.draw_say(w, 'came_to_end', cjm_internal.draw_count(last.customers, w)), ' (' || cjm_internal.draw_rate(last.overall_rate, w) || ')',
			', ' || cjm_internal.draw_say(w, 'median_time', cjm_internal.draw_time(last.total_seconds, w))) END)
	FROM unnest(steps) last WHERE NOT last.optional ORDER BY last.step DESC LIMIT 1);
COMMENT ON FUNCTION cjm_internal.funnel_summary(cjm_internal.funnel_drawn_step[], jsonb) IS 'the beginning and the end of a funnel in one line';

CREATE FUNCTION cjm_internal.funnel_svg_drawn(steps cjm_internal.funnel_drawn_step[], title text, look jsonb, summary text DEFAULT '') RETURNS cjm_internal.svg_drawing
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 5000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	w CONSTANT jsonb := look -> 'w';
	width CONSTANT float8 := coalesce((look ->> 'width')::float8, 960);
	margin CONSTANT float8 := 28;
	heading CONSTANT text := CASE WHEN title = '' THEN w ->> 'funnel' ELSE title END;
	many boolean := cardinality(steps) > 8;
	bar float8 := CASE WHEN many THEN 24 ELSE 34 END;
	narrow boolean := width < 800;				-- what went on and what dropped have no room in one line
	tiny CONSTANT boolean := width < 520;				-- nor have bars beside names: these stand above them
	gap float8 := CASE WHEN tiny THEN 90 WHEN narrow THEN 44 WHEN many THEN 30 ELSE 42 END;
	rise CONSTANT float8 := CASE WHEN width < 520 THEN 40 ELSE 0 END;		-- how much names are above the middle of bars
	top CONSTANT float8 := CASE summary WHEN '' THEN 100 ELSE 118 END + rise;		-- of the first bar
	size CONSTANT float8 := 15;					-- of the names of stages
	labels float8;								-- their width
	left_end float8;							-- where bars begin
	right_end float8;							-- and end at most
	most float8;
	names jsonb[];								-- of stages, in lines
	sentences CONSTANT text[] := cjm_internal.funnel_sentences(steps, w);
	one cjm_internal.funnel_drawn_step;
	before cjm_internal.funnel_drawn_step;
	next cjm_internal.funnel_drawn_step;
	y float8 := top;
	y_before float8;
	length float8;
	length_before float8;
	flows text := '';
	bars text := '';
	went text;
	took text;
BEGIN
	SELECT least(greatest(max(cjm_internal.svg_width(s.stage)) * size, 70), greatest(width * 0.26, 70)), greatest(max(s.customers), 1, coalesce((look ->> 'scale')::float8, 0)),
			width - margin - 68 - greatest(max(cjm_internal.svg_width(cjm_internal.draw_count(s.customers, w))) * 17, 106) - 16
		INTO labels, most, right_end FROM unnest(steps) s;
	SELECT array_agg(l.lines ORDER BY l.place) INTO names FROM (SELECT d.place, to_jsonb(d.lines) AS lines FROM cjm_internal.svg_distinct_lines(ARRAY(SELECT s.stage FROM unnest(steps) s ORDER BY s.step), labels / size, 2) d) l;
	left_end := margin + 26 + labels + 18;
	IF tiny THEN
		left_end := margin;
		right_end := width - margin;
	END IF;
	FOREACH one IN ARRAY steps
	LOOP
		length := one.customers / most * (right_end - left_end);
		SELECT s.* INTO next FROM unnest(steps) s WHERE s.step > one.step AND NOT s.optional ORDER BY s.step LIMIT 1;
		IF before.step IS NOT NULL AND NOT one.optional THEN
			flows := flows || cjm_internal.svg_path('M%s %sH%sL%s %sH%sZ', 'flow', left_end, y_before + bar, left_end + length_before, left_end + length, y, left_end);
		END IF;
		bars := bars || format(E'<g><title>%s</title>\n', cjm_internal.svg_escape(sentences[one.step])) ||
			cjm_internal.svg_text(margin + 16, y + bar / 2 + 5 - rise, 'soft end', one.step::text) ||
			coalesce((SELECT string_agg(cjm_internal.svg_text(margin + 26, y + bar / 2 + 5 - rise + (n - 0.5 - jsonb_array_length(names[one.step]) / 2.0) * 16, 'large', line), '' ORDER BY n)
				FROM jsonb_array_elements_text(names[one.step]) WITH ORDINALITY l(line, n)), '') ||
			cjm_internal.svg_rect(left_end, y, greatest(length, CASE WHEN one.customers > 0 THEN 1.5 ELSE 0 END), bar, CASE WHEN one.optional THEN 'part' ELSE 'bar' END) ||
			CASE WHEN one.open_customers > 0 THEN cjm_internal.svg_hatched(left_end + next.customers / most * (right_end - left_end), y, greatest(one.open_customers / most * (right_end - left_end), 1.5), bar, 'wait')
				ELSE '' END ||
			CASE WHEN one.refused > 0 THEN cjm_internal.svg_hatched(left_end + (next.customers + one.open_customers) / most * (right_end - left_end), y, greatest(one.refused / most * (right_end - left_end), 1.5), bar, 'no')
				ELSE '' END ||
			cjm_internal.svg_text(width - margin - 68, y + bar / 2 + 5 - rise, 'large strong end', cjm_internal.svg_escape(cjm_internal.draw_count(one.customers, w))) ||
			cjm_internal.svg_text(width - margin, y + bar / 2 + 5 - rise, 'large end', coalesce(cjm_internal.svg_rate(one.overall_rate, w), '&#8211;')) || E'</g>\n';
		IF one.step > 1 THEN
			went := '<tspan class="strong">' || cjm_internal.svg_rate(one.step_rate, w) || '</tspan> ' || cjm_internal.svg_escape(w ->> CASE WHEN one.optional THEN 'passed_optional' ELSE 'went_on' END);
			took := cjm_internal.svg_escape(cjm_internal.draw_say(w, 'median', cjm_internal.draw_time(one.median_seconds, w)));
			bars := bars || cjm_internal.svg_text(left_end + 10, y - CASE WHEN tiny THEN 63 WHEN narrow THEN 28 ELSE gap / 2 - 4 END, 'small', CASE WHEN tiny THEN coalesce(went, '') ELSE concat_ws(' &#183; ', went, took) END) ||
				CASE WHEN tiny AND took IS NOT NULL THEN cjm_internal.svg_text(left_end + 10, y - 49, 'small', took) ELSE '' END;
		END IF;
		IF one.dropped IS NOT NULL THEN
			bars := bars || cjm_internal.svg_text(width - margin, y + bar + CASE WHEN tiny THEN 13 WHEN narrow THEN 31 ELSE gap / 2 + 4 END, 'small lost end',
				cjm_internal.svg_escape(cjm_internal.draw_say(w, 'n_dropped', cjm_internal.draw_count(one.dropped, w))) || coalesce(', ' || cjm_internal.svg_rate(one.drop_rate, w), '') ||
				coalesce('<tspan class="waits"> &#183; ' || cjm_internal.svg_escape(cjm_internal.draw_say(w, 'n_open', cjm_internal.draw_count(nullif(one.open_customers, 0), w))) || '</tspan>', '') ||
				coalesce('<tspan class="soft"> &#183; ' || cjm_internal.svg_escape(cjm_internal.draw_say(w, 'n_refused', cjm_internal.draw_count(nullif(one.refused, 0), w))) || '</tspan>', ''));
		END IF;
		IF NOT one.optional THEN
			before := one;
			y_before := y;
			length_before := length;
		END IF;
		y := y + bar + gap;
	END LOOP;
	RETURN ('funnel'::text, width, y - gap + margin, heading, array_to_string(sentences, ' '),
		cjm_internal.svg_heading(margin, width, heading, nullif(summary, ''), cjm_internal.funnel_summary(steps, w)) ||
		cjm_internal.svg_text(width - margin - 68, top - 12 - rise, 'small soft end', cjm_internal.svg_escape(w ->> 'customers')) || cjm_internal.svg_text(width - margin, top - 12 - rise, 'small soft end', cjm_internal.svg_escape(w ->> 'of_all')) ||
		flows || cjm_internal.svg_path('M%s %sV%s', 'rule', left_end, top - 6, y - gap + 6) || bars);
END
$$;
COMMENT ON FUNCTION cjm_internal.funnel_svg_drawn(cjm_internal.funnel_drawn_step[], text, jsonb, text) IS 'the drawing of funnel_svg';

-- It has no more arguments: with three literals the other one is meant, whose second is a time.
CREATE FUNCTION cjm.funnel_svg(stats cjm.funnel_stats, title text DEFAULT NULL) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE COST 5000
RETURN cjm_internal.svg_page(cjm_internal.funnel_svg_drawn(cjm_internal.funnel_drawn_steps(stats), coalesce(title, ''), cjm_internal.draw_look()));

CREATE FUNCTION cjm.funnel_svg(
	map text,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL,
	by text DEFAULT NULL,
	title text DEFAULT NULL,
	subtitle text DEFAULT NULL,
	language text DEFAULT 'en',
	words jsonb DEFAULT NULL,
	scale_to float8 DEFAULT NULL,
	width integer DEFAULT NULL,
	colours jsonb DEFAULT NULL)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 20000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	look jsonb := cjm_internal.draw_look(title, subtitle, language, words, scale_to, width, colours);
	w jsonb := look -> 'w';
	heading text := coalesce(nullif(title, ''), cjm_internal.draw_say(w, 'funnel_of', cjm_internal.map_title(def)));
	drawings cjm_internal.svg_drawing[];
	labels text[];
	large float8;
	summary text := coalesce(nullif(subtitle, ''), cjm_internal.draw_asked(w, def, from_time, to_time), '');
BEGIN
	IF by IS NULL THEN
		RETURN cjm_internal.svg_page(cjm_internal.funnel_svg_drawn(cjm_internal.funnel_drawn_steps(def, from_time, to_time), heading, look, summary), look);
	END IF;
	def := cjm_internal.map_began_groups(def, by, from_time, to_time);
	SELECT coalesce(array_agg(d.label ORDER BY d.n), '{}'), coalesce(array_agg(cjm_internal.funnel_svg_drawn(d.steps, cjm_internal.draw_group_title(w, d.label, def.groups, (coalesce(width, 560) - 56) / 22.0), look || jsonb_build_object('scale', greatest(d.most, scale_to)::numeric, 'width', coalesce(width, 560))) ORDER BY d.n), '{}')
		INTO labels, drawings
	FROM (SELECT g.n, g.label, g.steps, max((SELECT max(s.customers) FROM unnest(g.steps) s)) OVER () AS most
		FROM cjm_internal.funnel_drawn_groups(def, by, from_time, to_time) WITH ORDINALITY g(label, steps, n)) d;
	RETURN cjm_internal.svg_pages('funnels', CASE WHEN look ->> 'title' IS NULL THEN cjm_internal.draw_say(w, 'title_by', heading, by) ELSE heading END,
		cjm_internal.draw_groups(w, by, labels, def.groups), look || jsonb_build_object('subtitle', nullif(summary, '')), drawings);
END
$$;

COMMENT ON FUNCTION cjm.funnel_svg(cjm.funnel_stats, text) IS
'a funnel as one SVG that needs nothing else: bars of customers, what went on and what dropped, median times since the step before.
In English; the drawing of a map takes a language, and how it is to look.
Statistics know no time: who may yet go on is among those who dropped.';
COMMENT ON FUNCTION cjm.funnel_svg(text, timestamptz, timestamptz, jsonb, text, text, text, text, jsonb, float8, integer, jsonb) IS
'the funnel of a map as one SVG that needs nothing else, from its view funnel or, where a range or customers are asked for, as funnel_report has it: psql -At -c "SELECT cjm.funnel_svg(''shop'')" > funnel.svg
where_is: which customers, as in funnel_report
by: NULL, or as in funnel_report, for small drawings side by side, on one scale: of the six groups in which most customers began, of those of whom it is not known, and of all others together
scale_to: how many customers the full length of a bar stands for, if that is more than there are; width: of each drawing
title, subtitle, language, words, colours: as of map_svg';
