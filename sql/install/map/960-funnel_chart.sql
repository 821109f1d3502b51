--
-- The funnel drawn: in a terminal and as SVG
--
-- Both are made of the same steps, and these come from the view "funnel" of a
-- map, with the rights of whoever asks, or from any funnel_stats.
--

CREATE TYPE cjm_internal.funnel_drawn_step AS (
	step integer,
	stage text,
	optional boolean,
	customers bigint,
	step_rate float8,
	overall_rate float8,
	dropped bigint,
	drop_rate float8,
	open_customers bigint,
	refused bigint,
	rate_low float8,
	rate_high float8,
	median_seconds float8,
	total_seconds float8
);
COMMENT ON TYPE cjm_internal.funnel_drawn_step IS 'what a drawing of a funnel says of a step';
COMMENT ON COLUMN cjm_internal.funnel_drawn_step.step IS 'its number, from 1';
COMMENT ON COLUMN cjm_internal.funnel_drawn_step.stage IS 'its name';
COMMENT ON COLUMN cjm_internal.funnel_drawn_step.optional IS 'whether it may be left out';
COMMENT ON COLUMN cjm_internal.funnel_drawn_step.customers IS 'as in report, like all that follow';
COMMENT ON COLUMN cjm_internal.funnel_drawn_step.step_rate IS 'share of the mandatory step before';
COMMENT ON COLUMN cjm_internal.funnel_drawn_step.overall_rate IS 'share of step 1';
COMMENT ON COLUMN cjm_internal.funnel_drawn_step.dropped IS 'customers lost after it; of statistics also those who may yet go on and who have refused';
COMMENT ON COLUMN cjm_internal.funnel_drawn_step.drop_rate IS 'their share';
COMMENT ON COLUMN cjm_internal.funnel_drawn_step.open_customers IS 'customers who may yet go on from it; NULL of statistics, which know no time';
COMMENT ON COLUMN cjm_internal.funnel_drawn_step.refused IS 'customers who have said no at it; NULL of statistics, which know no refusal';
COMMENT ON COLUMN cjm_internal.funnel_drawn_step.rate_low IS 'lower end of the 95 % interval of step_rate';
COMMENT ON COLUMN cjm_internal.funnel_drawn_step.rate_high IS 'upper end of it';
COMMENT ON COLUMN cjm_internal.funnel_drawn_step.median_seconds IS 'time since the step before, median';
COMMENT ON COLUMN cjm_internal.funnel_drawn_step.total_seconds IS 'time since step 1, median';

CREATE TYPE cjm_internal.funnel_drawn_group AS (
	label text,
	steps cjm_internal.funnel_drawn_step[]
);
COMMENT ON TYPE cjm_internal.funnel_drawn_group IS 'what a drawing says of the funnel of a group';
COMMENT ON COLUMN cjm_internal.funnel_drawn_group.label IS 'the group: a value of what the drawing is by, others for all that are not shown by themselves';
COMMENT ON COLUMN cjm_internal.funnel_drawn_group.steps IS 'its funnel';

CREATE FUNCTION cjm_internal.funnel_drawn_steps(stats cjm.funnel_stats) RETURNS cjm_internal.funnel_drawn_step[]
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
RETURN (
	SELECT array_agg((r.step, r.stage, coalesce(s.optional, false), r.customers, r.step_rate, r.overall_rate, r.dropped, r.drop_rate, NULL::bigint, NULL::bigint, r.rate_low, r.rate_high,
		extract(epoch FROM r.median_time)::float8, extract(epoch FROM r.median_total)::float8)::cjm_internal.funnel_drawn_step ORDER BY r.step)
	FROM cjm.report(stats) r
		LEFT JOIN (SELECT DISTINCT f.step, f.optional FROM cjm.funnel_stages((stats::jsonb ->> 'funnel')::cjm.funnel) f) s USING (step));
COMMENT ON FUNCTION cjm_internal.funnel_drawn_steps(cjm.funnel_stats) IS 'what a drawing of a funnel says of its steps';

-- Whoever asks for all of it needs no right to the journeys.
CREATE FUNCTION cjm_internal.funnel_drawn_steps(map cjm_internal.map, from_time timestamptz DEFAULT '-infinity', to_time timestamptz DEFAULT 'infinity') RETURNS cjm_internal.funnel_drawn_step[]
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ranged boolean := cjm_internal.map_ranged(from_time, to_time);
	steps cjm_internal.funnel_drawn_step[];
BEGIN
	EXECUTE format('SELECT array_agg((r.step, r.stage, coalesce(s.optional, false), r.customers, r.step_rate, r.overall_rate, r.dropped, r.drop_rate, r.open_customers, r.refused,
			r.rate_low, r.rate_high, r.median_time_seconds, r.median_total_seconds)::cjm_internal.funnel_drawn_step ORDER BY r.step)
		FROM %s r LEFT JOIN (SELECT DISTINCT f.step, f.optional FROM cjm.funnel_stages($3) f) s USING (step)',
		CASE WHEN ranged OR (map).where_is IS NOT NULL THEN format('(%s)', cjm_internal.map_funnel_sql(map, '', NULL, NULL, ranged)) ELSE cjm_internal.map_schema(map) || '.funnel' END)
		INTO steps USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity'), (map).stages;
	RETURN steps;
END
$$;
COMMENT ON FUNCTION cjm_internal.funnel_drawn_steps(cjm_internal.map, timestamptz, timestamptz) IS 'the same of a map, from its view funnel, or of walks that begin in a range and of the customers that are asked for';

-- The largest groups of those who have a walk that begins in a range.
CREATE FUNCTION cjm_internal.map_began_groups(map cjm_internal.map, by text, from_time timestamptz, to_time timestamptz) RETURNS cjm_internal.map
	LANGUAGE sql STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT cjm_internal.map_with_groups(map, cjm_internal.map_walk_words(map, r.entered), by, format('cjm.funnel_step(j.journey, %L::cjm.funnel%s) > 0', (map).stages, ', ' || r.entered), from_time, to_time)
	FROM (SELECT CASE WHEN cjm_internal.map_ranged(from_time, to_time) THEN 'tstzrange($1, $2)' END AS entered) r);
COMMENT ON FUNCTION cjm_internal.map_began_groups(cjm_internal.map, text, timestamptz, timestamptz) IS 'a map whose groups are those in which most customers began the funnel';

-- In the order of the map's groups, others last, and none in which nobody began.
CREATE FUNCTION cjm_internal.funnel_drawn_groups(map cjm_internal.map, by text, from_time timestamptz, to_time timestamptz) RETURNS TABLE (label text, steps cjm_internal.funnel_drawn_step[])
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 20000 ROWS 7
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT r.label, array_agg((r.step, r.stage, coalesce(s.optional, false), r.customers, r.step_rate, r.overall_rate, r.dropped, r.drop_rate, r.open_customers, r.refused,
			r.rate_low, r.rate_high, r.median_time_seconds, r.median_total_seconds)::cjm_internal.funnel_drawn_step ORDER BY r.step)
		FROM (%s) r LEFT JOIN (SELECT DISTINCT f.step, f.optional FROM cjm.funnel_stages($3) f) s USING (step)
		GROUP BY r.label HAVING max(r.customers) > 0 ORDER BY array_position($4, r.label), r.label COLLATE "C"',
		cjm_internal.map_funnel_sql(map, 's.label,', by, NULL, cjm_internal.map_ranged(from_time, to_time)))
		USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity'), (map).stages, (map).groups;
END
$$;
COMMENT ON FUNCTION cjm_internal.funnel_drawn_groups(cjm_internal.map, text, timestamptz, timestamptz) IS 'what a drawing of a funnel says of its steps, by groups, in the order in which they are drawn';

--
-- In a terminal
--

-- A header and a line for each step.  Where two names are cut to the same, all but the first have a number behind the ellipsis.
CREATE FUNCTION cjm_internal.funnel_chart_lines(steps cjm_internal.funnel_drawn_step[], width integer) RETURNS SETOF text
	LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED COST 1000 ROWS 6
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	-- Block characters are for who can be shown them.
	plain boolean := current_setting('server_encoding') <> 'UTF8' OR pg_client_encoding() <> 'UTF8';
	label_cells integer;
	count_cells integer;
	open_cells integer;						-- 0 where nobody is open, or nobody knows
	refused_cells integer;					-- the same of who refused
BEGIN
	IF width NOT BETWEEN 1 AND 1000 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('a bar cannot be %s characters wide', width), HINT = 'Choose 1 to 1000.';
	END IF;
	SELECT least(greatest(max(cjm_internal.chart_cells(s.stage || CASE WHEN s.optional THEN ' (optional)' ELSE '' END)), 5), 40), greatest(max(length(cjm_internal.draw_count(s.customers))), 9),
			CASE WHEN max(s.open_customers) > 0 THEN greatest(max(length(cjm_internal.draw_count(s.open_customers))), 4) + 2 ELSE 0 END,
			CASE WHEN max(s.refused) > 0 THEN greatest(max(length(cjm_internal.draw_count(s.refused))), 7) + 2 ELSE 0 END
		INTO label_cells, count_cells, open_cells, refused_cells FROM unnest(steps) s;
	RETURN NEXT rpad('stage', label_cells + width + 2) || lpad('customers', count_cells + 2) || '  of all  went on' ||
		lpad('dropped', count_cells + 1) || lpad(CASE WHEN open_cells > 0 THEN 'open' ELSE '' END, open_cells) ||
		lpad(CASE WHEN refused_cells > 0 THEN 'refused' ELSE '' END, refused_cells) || '  median time';
	RETURN QUERY
	SELECT rtrim(CASE WHEN s.same = 1 THEN s.shown ELSE cjm_internal.chart_label(s.name, label_cells, plain, s.same::text || ' ') END || '  ' ||
		cjm_internal.chart_bar(s.customers / s.most, coalesce(s.before / s.most, 0), width, plain, coalesce(s.open_before / s.most, 0)) ||
		lpad(cjm_internal.draw_count(s.customers), count_cells + 2) || lpad(coalesce(cjm_internal.draw_rate(s.overall_rate), ''), 8) ||
		lpad(CASE WHEN s.step > 1 THEN coalesce(cjm_internal.draw_rate(s.step_rate), '') ELSE '' END, 9) ||
		lpad(coalesce(cjm_internal.draw_count(s.dropped), ''), count_cells + 1) ||
		lpad(CASE WHEN open_cells > 0 THEN coalesce(cjm_internal.draw_count(s.open_customers), '') ELSE '' END, open_cells) ||
		lpad(CASE WHEN refused_cells > 0 THEN coalesce(cjm_internal.draw_count(s.refused), '') ELSE '' END, refused_cells) || lpad(coalesce(cjm_internal.draw_time(s.median_seconds), ''), 13))
	FROM (SELECT u.*, greatest(max(u.customers) OVER (), 1)::float8 AS most, b.customers AS before, CASE WHEN NOT u.optional THEN b.open_customers END AS open_before,
			n.name, c.shown, dense_rank() OVER (PARTITION BY c.shown ORDER BY n.name COLLATE "C") AS same
		FROM unnest(steps) u CROSS JOIN LATERAL (SELECT u.stage || CASE WHEN u.optional THEN ' (optional)' ELSE '' END AS name) n
			CROSS JOIN LATERAL (SELECT cjm_internal.chart_label(n.name, label_cells, plain) AS shown) c
			LEFT JOIN LATERAL (SELECT p.customers, p.open_customers FROM unnest(steps) p WHERE p.step < u.step AND NOT p.optional ORDER BY p.step DESC LIMIT 1) b ON true) s
	ORDER BY s.step;
END
$$;
COMMENT ON FUNCTION cjm_internal.funnel_chart_lines(cjm_internal.funnel_drawn_step[], integer) IS 'the lines of funnel_chart';

-- Without what an encoding may lack, or a terminal would obey.
CREATE FUNCTION cjm_internal.chart_name(label text, mark text DEFAULT '') RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED
RETURN rtrim(cjm_internal.chart_label(label, least(greatest(cjm_internal.chart_cells(label), 1), 80), current_setting('server_encoding') <> 'UTF8' OR pg_client_encoding() <> 'UTF8', mark));
COMMENT ON FUNCTION cjm_internal.chart_name(text, text) IS 'a text as it can be shown in a terminal; mark: as of chart_label';

CREATE FUNCTION cjm.funnel_chart(stats cjm.funnel_stats, width integer DEFAULT 40) RETURNS SETOF text
	LANGUAGE sql STABLE PARALLEL RESTRICTED COST 2000 ROWS 6
BEGIN ATOMIC
	SELECT cjm_internal.funnel_chart_lines(cjm_internal.funnel_drawn_steps(stats), coalesce(width, 40));
END;

CREATE FUNCTION cjm.funnel_chart(
	map text,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL,
	width integer DEFAULT 40,
	by text DEFAULT NULL)
	RETURNS SETOF text
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 6
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	one record;
BEGIN
	width := coalesce(width, 40);
	IF by IS NULL THEN
		RETURN QUERY SELECT cjm_internal.funnel_chart_lines(cjm_internal.funnel_drawn_steps(def, from_time, to_time), width);
		RETURN;
	END IF;
	def := cjm_internal.map_began_groups(def, by, from_time, to_time);
	FOR one IN
		SELECT g.n, g.name, g.steps, dense_rank() OVER (PARTITION BY cjm_internal.chart_name(g.name) ORDER BY g.name COLLATE "C") AS same
		FROM (SELECT d.n, d.steps, cjm_internal.draw_group(cjm_internal.draw_words('en'), d.label, def.groups) AS name FROM cjm_internal.funnel_drawn_groups(def, by, from_time, to_time) WITH ORDINALITY d(label, steps, n)) g ORDER BY g.n
	LOOP
		IF one.n > 1 THEN
			RETURN NEXT '';
		END IF;
		RETURN NEXT cjm_internal.chart_name(one.name, CASE WHEN one.same > 1 THEN one.same::text || ' ' ELSE '' END);
		RETURN QUERY SELECT cjm_internal.funnel_chart_lines(one.steps, width);
	END LOOP;
END
$$;

COMMENT ON FUNCTION cjm.funnel_chart(cjm.funnel_stats, integer) IS
'a funnel in the terminal, a line for each step.
width: of the bar of all customers, in characters
The lighter part of a bar is lost since the step before; of all: share of step 1; went on: of the step before; median time: since it
Statistics know no time: who may yet go on is among those who dropped.
Without characters for bars, in another encoding than UTF-8, a bar is of # and what is lost of dots.';

COMMENT ON FUNCTION cjm.funnel_chart(text, timestamptz, timestamptz, jsonb, integer, text) IS
'a funnel in the terminal, a line for each step: of a map, from its view funnel or, where a range or customers are asked for, as funnel_report has it.
where_is: which customers, as in funnel_report; width: of the bar of all customers, in characters
by: NULL, or as in funnel_report, for one chart beneath another: of the six groups in which most customers began, of those of whom it is not known, and of all others together
The lighter part of a bar is lost since the step before, of those who refused as of those who dropped, and the less light one of customers who were there and may yet go on (open); of all: share of step 1; went on: of the step before; median time: since it
Without characters for bars, in another encoding than UTF-8, a bar is of #, who is open of + and what is lost of dots.';
