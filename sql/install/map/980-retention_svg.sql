--
-- Retention as SVG: a heat map of cohorts and the months after them
--

CREATE TYPE cjm_internal.retention_drawn_cell AS (
	cohort date,
	number integer,
	cohort_size bigint,
	retained bigint,
	rate float8,
	period_over boolean
);
COMMENT ON TYPE cjm_internal.retention_drawn_cell IS 'what a drawing of retention says of a cohort in a month';
COMMENT ON COLUMN cjm_internal.retention_drawn_cell.cohort IS 'first day of the cohort''s month';
COMMENT ON COLUMN cjm_internal.retention_drawn_cell.number IS 'months since then';
COMMENT ON COLUMN cjm_internal.retention_drawn_cell.cohort_size IS 'customers of the cohort';
COMMENT ON COLUMN cjm_internal.retention_drawn_cell.retained IS 'those of them seen in the month';
COMMENT ON COLUMN cjm_internal.retention_drawn_cell.rate IS 'their share';
COMMENT ON COLUMN cjm_internal.retention_drawn_cell.period_over IS 'whether the month is over';

CREATE FUNCTION cjm_internal.heat_cell(x float8, y float8, width float8, height float8, rate float8, full_rate float8, customers bigint, period_over boolean, tip text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
	SELECT format('<g><title>%s</title>%s%s%s</g>', cjm_internal.svg_escape(tip), cjm_internal.svg_rect(x + 1, y + 1, width - 2, height - 2, 'heat' || class),
		CASE WHEN period_over THEN '' ELSE cjm_internal.svg_rect(x + 2.5, y + 2.5, width - 5, height - 5, 'growing grow' || class) END,
		cjm_internal.svg_text(x + width / 2, y + height / 2 + 4, 'mid small on' || class, cjm_internal.svg_rate(rate)))
	FROM (SELECT CASE WHEN customers < cjm_internal.map_few() THEN 'few' ELSE least(floor(rate / full_rate * 7), 6)::text END AS class) c);
COMMENT ON FUNCTION cjm_internal.heat_cell(float8, float8, float8, float8, float8, float8, bigint, boolean, text) IS
	'a cell of a heat map, in one of seven colours, or in none if it rests on few customers; a broken line in it if its number is still growing';

-- The number of customers is a column of its own, and so month 0, in which everybody is there, has none.
CREATE FUNCTION cjm_internal.retention_svg_drawn(cells cjm_internal.retention_drawn_cell[], title text) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 10000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	margin CONSTANT float8 := 28;
	top CONSTANT float8 := 118;					-- of the first cohort
	left_end CONSTANT float8 := margin + 150;	-- of the first month
	cell_width CONSTANT float8 := 52;
	cell_height CONSTANT float8 := 28;
	most CONSTANT integer := 24;				-- cohorts and months that are drawn
	cohorts integer;
	months integer;
	customers bigint;
	growing boolean;
	few boolean;
	full_rate float8;							-- of the darkest colour
	width float8;
	bottom float8;
	y float8;
	heads text := '';
	body text := '';
	legend text;
	summary text;
	means text;
	one record;
BEGIN
	SELECT count(DISTINCT c.cohort), sum(c.cohort_size) FILTER (WHERE c.number = 0) INTO cohorts, customers FROM unnest(cells) c;
	-- The latest cohorts and their first months.
	cells := ARRAY(SELECT r.c
		FROM (SELECT u::cjm_internal.retention_drawn_cell AS c, dense_rank() OVER (ORDER BY u.cohort DESC) AS age FROM unnest(cells) u) r
		WHERE r.age <= most AND (r.c).number <= most);
	SELECT coalesce(max(c.number), 0), coalesce(bool_or(NOT c.period_over AND c.number > 0), false), coalesce(bool_or(c.cohort_size < cjm_internal.map_few() AND c.number > 0), false),
		(SELECT min(nice) FROM unnest('{0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1}'::float8[]) nice
			WHERE nice >= coalesce(max(c.rate) FILTER (WHERE c.number > 0 AND c.cohort_size >= cjm_internal.map_few()), 0))
		INTO months, growing, few, full_rate FROM unnest(cells) c;
	width := greatest(left_end + months * cell_width + margin, 640);

	FOR number IN 1 .. months
	LOOP
		heads := heads || cjm_internal.svg_text(left_end + (number - 0.5) * cell_width, top - 10, 'soft mid', number::text);
	END LOOP;
	FOR one IN
		SELECT c.*, dense_rank() OVER (ORDER BY c.cohort) AS place FROM unnest(cells) c ORDER BY c.cohort, c.number
	LOOP
		y := top + (one.place - 1) * cell_height;
		IF one.number = 0 THEN
			body := body || cjm_internal.svg_text(margin, y + 18, 'soft', to_char(one.cohort, 'YYYY-MM')) ||
				cjm_internal.svg_text(left_end - 18, y + 18, 'end', cjm_internal.draw_fitting(one.cohort_size, 6));
		ELSE
			body := body || cjm_internal.heat_cell(left_end + (one.number - 1) * cell_width, y, cell_width, cell_height, one.rate, full_rate, one.cohort_size, one.period_over,
				format('%s, month %s: %s of %s customers, %s%s', to_char(one.cohort, 'YYYY-MM'), one.number, cjm_internal.draw_count(one.retained),
					cjm_internal.draw_count(one.cohort_size), cjm_internal.draw_rate(one.rate), CASE WHEN one.period_over THEN '' ELSE '; the month is not over' END));
		END IF;
	END LOOP;

	-- All cohorts together, in months that are over.
	bottom := top + least(cohorts, most) * cell_height + 8;
	means := '';
	FOR one IN
		SELECT c.number, sum(c.retained)::bigint AS retained, sum(c.cohort_size)::bigint AS cohort_size, sum(c.retained)::float8 / sum(c.cohort_size)::float8 AS rate
		FROM unnest(cells) c WHERE c.number > 0 AND c.period_over GROUP BY c.number ORDER BY c.number
	LOOP
		body := body || cjm_internal.heat_cell(left_end + (one.number - 1) * cell_width, bottom, cell_width, cell_height, one.rate, full_rate, one.cohort_size, true,
			format('all, month %s: %s of %s customers, %s', one.number, cjm_internal.draw_count(one.retained), cjm_internal.draw_count(one.cohort_size), cjm_internal.draw_rate(one.rate)));
		means := concat_ws(', ', nullif(means, ''), format('%s: %s', one.number, cjm_internal.draw_rate(one.rate)));
	END LOOP;
	IF months > 0 THEN
		body := body || cjm_internal.svg_text(margin, bottom + 18, 'strong', CASE WHEN cohorts > most THEN 'all shown' ELSE 'all' END) ||
			cjm_internal.svg_text(left_end - 18, bottom + 18, 'strong end', cjm_internal.draw_fitting((SELECT sum(c.cohort_size)::bigint FROM unnest(cells) c WHERE c.number = 0), 5));
		bottom := bottom + cell_height + 8;
	END IF;

	legend := cjm_internal.svg_text(margin, bottom + 24, 'small soft', 'share of the cohort that was seen again') || cjm_internal.svg_text(margin + 270, bottom + 24, 'small soft end', '0%');
	FOR class IN 0 .. 6
	LOOP
		legend := legend || cjm_internal.svg_rect(margin + 276 + class * 22, bottom + 14, 22, 12, 'heat' || class, 0);
	END LOOP;
	legend := legend || cjm_internal.svg_text(margin + 436, bottom + 24, 'small soft', round((full_rate * 100)::numeric) || '%');
	IF growing THEN
		legend := legend || cjm_internal.svg_rect(margin + 490, bottom + 14, 22, 12, 'growing', 0) || cjm_internal.svg_text(margin + 518, bottom + 24, 'small soft', 'not over yet');
	END IF;
	IF few THEN
		bottom := bottom + 20;
		legend := legend || cjm_internal.svg_rect(margin + 276, bottom + 14, 22, 12, 'heatfew', 0) ||
			cjm_internal.svg_text(margin + 304, bottom + 24, 'small soft', format('fewer than %s customers', cjm_internal.map_few()));
	END IF;

	summary := format('%s customers in %s', cjm_internal.draw_count(coalesce(customers, 0)), CASE cohorts WHEN 1 THEN '1 cohort' ELSE cohorts || ' cohorts' END) ||
		CASE WHEN cohorts > most THEN format(', of which the latest %s are shown', most) ELSE '' END;
	RETURN cjm_internal.svg_page('retention', width, bottom + CASE WHEN months > 0 THEN 24 ELSE 0 END + margin, title,
		summary || '.' || coalesce(' Seen again, all cohorts, by the month after the first: ' || nullif(means, '') || '.', ''),
		cjm_internal.svg_heading(margin, width, title, summary) ||
		CASE WHEN cohorts > 0 THEN
			cjm_internal.svg_text(margin, top - 10, 'small soft', 'first seen') || cjm_internal.svg_text(left_end - 18, top - 10, 'small soft end', 'customers') ||
			CASE WHEN months > 0 THEN cjm_internal.svg_text(left_end, top - 28, 'small soft', 'months later') || heads || legend ELSE '' END || body
		ELSE '' END);
END
$$;
COMMENT ON FUNCTION cjm_internal.retention_svg_drawn(cjm_internal.retention_drawn_cell[], text) IS 'the drawing of retention_svg';

CREATE FUNCTION cjm.retention_svg(map text) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 20000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map);
	cells cjm_internal.retention_drawn_cell[];
BEGIN
	EXECUTE format('SELECT array_agg((r.cohort, r.number, r.cohort_size, r.retained, r.rate, r.period_over)::cjm_internal.retention_drawn_cell ORDER BY r.cohort, r.number)
		FROM %s.retention r', cjm_internal.map_schema(def)) INTO cells;
	RETURN cjm_internal.retention_svg_drawn(coalesce(cells, '{}'), 'Retention of ' || cjm_internal.map_title(def));
END
$$;
COMMENT ON FUNCTION cjm.retention_svg(text) IS
'the retention of a map as one SVG that needs nothing else, from its view retention: a heat map of cohorts and the months after their first.
At most the latest 24 cohorts and their first 24 months are drawn. all: over the months that are over. Cohorts of fewer than 30 customers have no colour';
