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

-- The first day of a cohort, as short as its period allows.
CREATE FUNCTION cjm_internal.retention_cohort_name(cohort date, period text) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN CASE WHEN period IN ('month', '28 days') THEN to_char(cohort, 'YYYY-MM') WHEN period = 'quarter' THEN to_char(cohort, 'YYYY "Q"Q') WHEN period = 'year' THEN to_char(cohort, 'YYYY')
	ELSE to_char(cohort, 'YYYY-MM-DD') END;
COMMENT ON FUNCTION cjm_internal.retention_cohort_name(date, text) IS 'what a cohort is called in a drawing';

-- The number of customers is a column of its own, and so the period in which everybody is there has none.  brackets: where the cells begin that are
-- no single periods, empty for none.  most_rate: the colours go up to it at least, so that drawings compare.  words: what stands over the cohorts, and what it is to come back, within a line and at its beginning.
CREATE FUNCTION cjm_internal.retention_svg_drawn(cells cjm_internal.retention_drawn_cell[], title text, period text DEFAULT 'month', brackets integer[] DEFAULT '{}',
	everybody boolean DEFAULT true, words text[] DEFAULT '{first seen,was seen again,Seen again}', most_rate float8 DEFAULT 0) RETURNS cjm_internal.svg_drawing
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
	unit CONSTANT text := CASE period WHEN '24 hours' THEN 'day' WHEN '7 days' THEN 'week' WHEN '28 days' THEN 'period' ELSE period END;
	-- The columns after the customers, by the number that each begins with.
	numbers integer[];
	names text[];
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
	SELECT count(*), sum(c.cohort_size) INTO cohorts, customers FROM (SELECT DISTINCT u.cohort, u.cohort_size FROM unnest(cells) u) c;
	-- The latest cohorts and their first months; what has no end is never over.
	cells := ARRAY(SELECT (c.cohort, c.number, c.cohort_size, c.retained, c.rate, coalesce(c.period_over, false))::cjm_internal.retention_drawn_cell
		FROM (SELECT u.*, dense_rank() OVER (ORDER BY u.cohort DESC) AS age, dense_rank() OVER (ORDER BY u.number) AS place FROM unnest(cells) u) c
		WHERE c.age <= most AND c.place <= most + 1 ORDER BY c.cohort, c.number);
	SELECT coalesce(array_agg(n.number ORDER BY n.number), '{}'), coalesce(array_agg(CASE WHEN b.starts IS NULL OR b.ends = b.starts + 1 THEN n.number::text
			WHEN b.ends IS NULL THEN b.starts || '+' ELSE b.starts || '-' || b.ends - 1 END ORDER BY n.number), '{}') INTO numbers, names
	FROM (SELECT DISTINCT c.number FROM unnest(cells) c WHERE c.number > 0 OR NOT everybody) n
		LEFT JOIN (SELECT starts, lead(starts) OVER (ORDER BY starts) AS ends FROM unnest(brackets) starts) b ON b.starts = n.number;
	months := cardinality(numbers);
	SELECT coalesce(bool_or(NOT c.period_over), false), coalesce(bool_or(c.cohort_size < cjm_internal.map_few()), false),
		(SELECT min(nice) FROM unnest('{0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1}'::float8[]) nice
			WHERE nice >= greatest(max(c.rate) FILTER (WHERE c.cohort_size >= cjm_internal.map_few()), most_rate))
		INTO growing, few, full_rate FROM unnest(cells) c WHERE c.number = ANY (numbers);
	width := greatest(left_end + months * cell_width + margin, 640);

	FOR number IN 1 .. months
	LOOP
		heads := heads || cjm_internal.svg_text(left_end + (number - 0.5) * cell_width, top - 10, 'soft mid', names[number]);
	END LOOP;
	FOR one IN
		SELECT c.*, dense_rank() OVER (ORDER BY c.cohort) AS place, row_number() OVER (PARTITION BY c.cohort ORDER BY c.number) = 1 AS is_first, array_position(numbers, c.number) AS column
		FROM unnest(cells) c ORDER BY c.cohort, c.number
	LOOP
		y := top + (one.place - 1) * cell_height;
		IF one.is_first THEN
			body := body || cjm_internal.svg_text(margin, y + 18, 'soft', cjm_internal.retention_cohort_name(one.cohort, period)) ||
				cjm_internal.svg_text(left_end - 18, y + 18, 'end', cjm_internal.draw_fitting(one.cohort_size, 6));
		END IF;
		IF one.column IS NOT NULL THEN
			body := body || cjm_internal.heat_cell(left_end + (one.column - 1) * cell_width, y, cell_width, cell_height, one.rate, full_rate, one.cohort_size, one.period_over,
				format('%s, %s %s: %s of %s customers, %s%s', cjm_internal.retention_cohort_name(one.cohort, period), unit, names[one.column], cjm_internal.draw_count(one.retained),
					cjm_internal.draw_count(one.cohort_size), cjm_internal.draw_rate(one.rate), CASE WHEN one.period_over THEN '' ELSE format('; the %s is not over', unit) END));
		END IF;
	END LOOP;

	-- All cohorts together, in months that are over.
	bottom := top + least(cohorts, most) * cell_height + 8;
	means := '';
	FOR one IN
		SELECT c.number, sum(c.retained)::bigint AS retained, sum(c.cohort_size)::bigint AS cohort_size, sum(c.retained)::float8 / sum(c.cohort_size)::float8 AS rate
		FROM unnest(cells) c WHERE c.number = ANY (numbers) AND c.period_over GROUP BY c.number ORDER BY c.number
	LOOP
		body := body || cjm_internal.heat_cell(left_end + (array_position(numbers, one.number) - 1) * cell_width, bottom, cell_width, cell_height, one.rate, full_rate, one.cohort_size, true,
			format('all, %s %s: %s of %s customers, %s', unit, names[array_position(numbers, one.number)], cjm_internal.draw_count(one.retained), cjm_internal.draw_count(one.cohort_size), cjm_internal.draw_rate(one.rate)));
		means := concat_ws(', ', nullif(means, ''), format('%s: %s', names[array_position(numbers, one.number)], cjm_internal.draw_rate(one.rate)));
	END LOOP;
	IF months > 0 AND means <> '' THEN
		body := body || cjm_internal.svg_text(margin, bottom + 18, 'strong', CASE WHEN cohorts > most THEN 'all shown' ELSE 'all' END) ||
			cjm_internal.svg_text(left_end - 18, bottom + 18, 'strong end', cjm_internal.draw_fitting((SELECT sum(c.cohort_size)::bigint FROM (SELECT DISTINCT u.cohort, u.cohort_size FROM unnest(cells) u) c), 5));
		bottom := bottom + cell_height + 8;
	END IF;

	legend := cjm_internal.svg_text(margin, bottom + 24, 'small soft', 'share of the cohort that ' || words[2]) || cjm_internal.svg_text(margin + 270, bottom + 24, 'small soft end', '0%');
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
	RETURN ('retention'::text, width, bottom + CASE WHEN months > 0 THEN 24 ELSE 0 END + margin, title,
		summary || '.' || coalesce(format(' %s, all cohorts, by the %s after the first: ', words[3], unit) || nullif(means, '') || '.', ''),
		cjm_internal.svg_heading(margin, width, title, summary) ||
		CASE WHEN cohorts > 0 THEN
			cjm_internal.svg_text(margin, top - 10, 'small soft', words[1]) || cjm_internal.svg_text(left_end - 18, top - 10, 'small soft end', 'customers') ||
			CASE WHEN months > 0 THEN cjm_internal.svg_text(left_end, top - 28, 'small soft', CASE period WHEN '28 days' THEN 'periods of 28 days' ELSE unit || 's' END || ' later') || heads || legend ELSE '' END || body
		ELSE '' END);
END
$$;
COMMENT ON FUNCTION cjm_internal.retention_svg_drawn(cjm_internal.retention_drawn_cell[], text, text, integer[], boolean, text[], float8) IS 'the drawing of retention_svg';

-- What the view says needs no more than a right to it.
CREATE FUNCTION cjm.retention_svg(
	map text,
	period text DEFAULT 'month',
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	kind text DEFAULT 'in',
	where_is jsonb DEFAULT NULL,
	starts cjm.funnel DEFAULT NULL,
	returns cjm.funnel DEFAULT NULL,
	at_least integer DEFAULT 1,
	brackets integer[] DEFAULT NULL,
	week_starts text DEFAULT 'monday',
	every_start boolean DEFAULT false,
	by text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 20000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	ranged boolean := cjm_internal.map_ranged(from_time, to_time);
	title text := 'Retention of ' || cjm_internal.map_title(def);
	cells cjm_internal.retention_drawn_cell[];
	by_month boolean;
	words text[];
	labels text[];
	drawings cjm_internal.svg_drawing[];
BEGIN
	period := lower(coalesce(period, 'month'));
	at_least := coalesce(at_least, 1);
	by_month := period = 'month' AND NOT ranged AND coalesce(kind, 'in') = 'in' AND where_is IS NULL AND starts IS NULL AND returns IS NULL AND at_least = 1 AND brackets IS NULL
		AND NOT coalesce(every_start, false) AND by IS NULL;
	words := ARRAY[CASE WHEN starts IS NULL THEN 'first seen' ELSE 'started' END, CASE WHEN returns IS NULL THEN 'was seen again' ELSE 'came back' END, CASE WHEN returns IS NULL THEN 'Seen again' ELSE 'Came back' END];
	IF by IS NULL THEN
		EXECUTE format('SELECT array_agg((r.cohort, r.number, r.cohort_size, r.retained, r.rate, r.period_over)::cjm_internal.retention_drawn_cell ORDER BY r.cohort, r.number)
			FROM %s r', CASE WHEN by_month THEN cjm_internal.map_schema(def) || '.retention'
				ELSE format('(%s)', cjm_internal.map_retention_sql(def, period, coalesce(kind, 'in'), NULL, starts, coalesce(every_start, false), returns, at_least, brackets, week_starts, false, ranged, false)) END)
			INTO cells USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
		RETURN cjm_internal.svg_page(cjm_internal.retention_svg_drawn(coalesce(cells, '{}'), title, period, coalesce(brackets, '{}'), returns IS NULL AND at_least = 1, words, 0));
	END IF;
	def := cjm_internal.map_with_groups(def, cjm_internal.map_customer_words(def), by, CASE WHEN NOT ranged THEN 'true' WHEN starts IS NULL THEN '(cjm.first_touch(j.journey)).at >= $1 AND (cjm.first_touch(j.journey)).at < $2'
		ELSE '(cjm.last_touch(j.journey)).at >= $1 AND (cjm.first_touch(j.journey)).at < $2' END, from_time, to_time);
	EXECUTE format('WITH r AS MATERIALIZED (%s)
		SELECT coalesce(array_agg(g.label ORDER BY g.other, c.customers DESC, g.label COLLATE "C"), ''{}''), coalesce(array_agg(cjm_internal.retention_svg_drawn(g.cells, cjm_internal.draw_group(g.label), $4, $5, $6, $7, g.most_rate) ORDER BY g.other, c.customers DESC, g.label COLLATE "C"), ''{}'')
		FROM (SELECT r.label, array_position($3, r.label) IS NULL AS other, array_agg((r.cohort, r.number, r.cohort_size, r.retained, r.rate, r.period_over)::cjm_internal.retention_drawn_cell ORDER BY r.cohort, r.number) AS cells,
				coalesce(max(max(r.rate) FILTER (WHERE r.cohort_size >= %s AND (r.number > 0 OR NOT $6))) OVER (), 0) AS most_rate
			FROM r GROUP BY r.label) g
			CROSS JOIN LATERAL (SELECT sum(d.cohort_size) AS customers FROM (SELECT DISTINCT u.cohort, u.cohort_size FROM unnest(g.cells) u) d) c',
		cjm_internal.map_retention_sql(def, period, coalesce(kind, 'in'), by, starts, coalesce(every_start, false), returns, at_least, brackets, week_starts, false, ranged, true), cjm_internal.map_few())
		INTO labels, drawings USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity'), def.groups, period, coalesce(brackets, '{}'), returns IS NULL AND at_least = 1, words;
	RETURN cjm_internal.svg_pages('retentions', concat(title, ' by ', by), cjm_internal.draw_groups(by, labels, def.groups), drawings);
END
$$;
COMMENT ON FUNCTION cjm.retention_svg(text, text, timestamptz, timestamptz, text, jsonb, cjm.funnel, cjm.funnel, integer, integer[], text, boolean, text) IS
'the retention of a map as one SVG that needs nothing else: a heat map of cohorts and the periods after their first; as the view retention has it or, with more arguments, as retention_report.
At most the latest 24 cohorts and their first 24 periods are drawn. all: over the periods that are over. Cohorts of fewer than 30 customers have no colour, and where everybody is back by definition there is no column
by: NULL, or as in retention_report, for one drawing beneath another, in the same colours: of the six groups with most customers, of those of whom it is not known, and of all others together';
