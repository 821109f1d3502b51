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

CREATE FUNCTION cjm_internal.heat_cell(x float8, y float8, width float8, height float8, rate float8, full_rate float8, customers bigint, period_over boolean, tip text, w jsonb) RETURNS text
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	class text := CASE WHEN customers < cjm_internal.map_few() THEN 'few' ELSE least(floor(rate / full_rate * 7), 6)::text END;
BEGIN
	RETURN '<g><title>' || cjm_internal.svg_escape(tip) || '</title>' || cjm_internal.svg_rect(x + 1, y + 1, width - 2, height - 2, 'heat' || class) ||
		CASE WHEN period_over THEN '' ELSE cjm_internal.svg_rect(x + 2.5, y + 2.5, width - 5, height - 5, 'growing grow' || class) END ||
		cjm_internal.svg_text(x + width / 2, y + height / 2 + 4, 'mid small on' || class, cjm_internal.svg_escape(cjm_internal.draw_rate(rate, w))) || '</g>';
END
$$;
COMMENT ON FUNCTION cjm_internal.heat_cell(float8, float8, float8, float8, float8, float8, bigint, boolean, text, jsonb) IS
	'a cell of a heat map, in one of seven colours, or in none if it rests on few customers; a broken line in it if its number is still growing';

-- The first day of a cohort, as short as its period allows.
CREATE FUNCTION cjm_internal.retention_cohort_name(cohort date, period text, w jsonb) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN to_char(cohort, CASE WHEN period IN ('month', '28 days') THEN w ->> 'month_date' WHEN period = 'quarter' THEN w ->> 'quarter_date' WHEN period = 'year' THEN 'YYYY' ELSE w ->> 'date' END);
COMMENT ON FUNCTION cjm_internal.retention_cohort_name(date, text, jsonb) IS 'what a cohort is called in a drawing';

-- The number of customers is a column of its own, and so the period in which everybody is there has none.  brackets: where the cells begin that are
-- no single periods, empty for none.  most_rate: the colours go up to it at least, so that drawings compare.  started, back: whether cohorts are
-- of an event that began them, and whether it is one that came back.
CREATE FUNCTION cjm_internal.retention_svg_drawn(cells cjm_internal.retention_drawn_cell[], title text, period text DEFAULT 'month', brackets integer[] DEFAULT '{}',
	everybody boolean DEFAULT true, started boolean DEFAULT false, back boolean DEFAULT false, most_rate float8 DEFAULT 0, look jsonb DEFAULT cjm_internal.draw_look(), subtitle text DEFAULT '') RETURNS cjm_internal.svg_drawing
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 10000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	w CONSTANT jsonb := look -> 'w';
	margin CONSTANT float8 := 28;
	top CONSTANT float8 := CASE subtitle WHEN '' THEN 118 ELSE 136 END;		-- of the first cohort
	left_end float8;							-- of the first month
	cell_width float8 := 52;
	cell_height CONSTANT float8 := 28;
	most CONSTANT integer := 24;				-- cohorts and months that are drawn
	unit_key CONSTANT text := CASE period WHEN '24 hours' THEN 'day' WHEN '7 days' THEN 'week' WHEN '28 days' THEN 'part' ELSE period END;
	unit CONSTANT text := w ->> unit_key;
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
	line text;
	x float8;
	place_x float8;
	summary text;
	means text;
	one record;
BEGIN
	SELECT count(*), sum(c.cohort_size) INTO cohorts, customers FROM (SELECT DISTINCT u.cohort, u.cohort_size FROM unnest(cells) u) c;
	left_end := margin + 78 + greatest(72, cjm_internal.svg_width(cjm_internal.draw_count(coalesce(customers, 0), w)) * 13.5);
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
			WHERE nice >= least(greatest(max(c.rate) FILTER (WHERE c.cohort_size >= cjm_internal.map_few()), most_rate, (look ->> 'scale')::float8), 1))
		INTO growing, few, full_rate FROM unnest(cells) c WHERE c.number = ANY (numbers);
	cell_width := greatest(cell_width, CASE WHEN look ->> 'width' IS NOT NULL THEN least(((look ->> 'width')::float8 - left_end - margin) / nullif(months, 0), 120) END);
	width := greatest(left_end + months * cell_width + margin, 640, (look ->> 'width')::float8);

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
			body := body || cjm_internal.svg_text(margin, y + 18, 'soft', cjm_internal.svg_escape(cjm_internal.retention_cohort_name(one.cohort, period, w))) ||
				cjm_internal.svg_text(left_end - 18, y + 18, 'end', cjm_internal.svg_escape(cjm_internal.draw_count(one.cohort_size, w)));
		END IF;
		IF one.column IS NOT NULL THEN
			body := body || cjm_internal.heat_cell(left_end + (one.column - 1) * cell_width, y, cell_width, cell_height, one.rate, full_rate, one.cohort_size, one.period_over,
				cjm_internal.draw_say(w, 'cell', cjm_internal.retention_cohort_name(one.cohort, period, w), unit || ' ' || names[one.column],
					cjm_internal.draw_plural(w, 'n_of_customers', one.cohort_size, cjm_internal.draw_count(one.retained, w)), cjm_internal.draw_rate(one.rate, w)) ||
					CASE WHEN one.period_over THEN '' ELSE w ->> 'not_over' END, w);
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
			cjm_internal.draw_say(w, 'cell', w ->> 'all', unit || ' ' || names[array_position(numbers, one.number)],
				cjm_internal.draw_plural(w, 'n_of_customers', one.cohort_size, cjm_internal.draw_count(one.retained, w)), cjm_internal.draw_rate(one.rate, w)), w);
		means := concat_ws(', ', nullif(means, ''), format('%s: %s', names[array_position(numbers, one.number)], cjm_internal.draw_rate(one.rate, w)));
	END LOOP;
	IF months > 0 AND means <> '' THEN
		body := body || cjm_internal.svg_text(margin, bottom + 18, 'strong', cjm_internal.svg_escape(w ->> CASE WHEN cohorts > most THEN 'all_shown' ELSE 'all' END)) ||
			cjm_internal.svg_text(left_end - 18, bottom + 18, 'strong end', cjm_internal.svg_escape(cjm_internal.draw_count((SELECT sum(c.cohort_size)::bigint FROM (SELECT DISTINCT u.cohort, u.cohort_size FROM unnest(cells) u) c), w)));
		bottom := bottom + cell_height + 8;
	END IF;

	line := cjm_internal.draw_say(w, 'share_of_cohort', w ->> CASE WHEN back THEN 'came_back' ELSE 'was_seen_again' END);
	x := margin + greatest(cjm_internal.svg_width(line) * 11, 216) + 54;
	legend := cjm_internal.svg_text(margin, bottom + 24, 'small soft', cjm_internal.svg_escape(line)) || cjm_internal.svg_text(x, bottom + 24, 'small soft end', cjm_internal.svg_rate(0, w));
	FOR class IN 0 .. 6
	LOOP
		legend := legend || cjm_internal.svg_rect(x + 6 + class * 22, bottom + 14, 22, 12, 'heat' || class, 0);
	END LOOP;
	legend := legend || cjm_internal.svg_text(x + 166, bottom + 24, 'small soft', cjm_internal.svg_rate(full_rate, w));
	IF growing THEN
		-- Beneath, where the words of a language leave no room beside it.
		IF x + 250 + cjm_internal.svg_width(w ->> 'not_over_yet') * 11 > width - margin THEN
			bottom := bottom + 20;
			place_x := x + 6;
		ELSE
			place_x := x + 220;
		END IF;
		legend := legend || cjm_internal.svg_rect(place_x, bottom + 14, 22, 12, 'growing', 0) || cjm_internal.svg_text(place_x + 28, bottom + 24, 'small soft', cjm_internal.svg_escape(w ->> 'not_over_yet'));
	END IF;
	IF few THEN
		bottom := bottom + 20;
		legend := legend || cjm_internal.svg_rect(x + 6, bottom + 14, 22, 12, 'heatfew', 0) ||
			cjm_internal.svg_text(x + 34, bottom + 24, 'small soft', cjm_internal.svg_escape(cjm_internal.draw_plural(w, 'fewer_than', cjm_internal.map_few())));
	END IF;

	summary := cjm_internal.draw_say(w, 'in_cohorts', cjm_internal.draw_plural(w, 'n_customers', coalesce(customers, 0)), cjm_internal.draw_plural(w, 'cohorts', cohorts)) ||
		CASE WHEN cohorts > most THEN cjm_internal.draw_say(w, 'latest_shown', most::text) ELSE '' END;
	RETURN ('retention'::text, width, bottom + CASE WHEN months > 0 THEN 24 ELSE 0 END + margin, title,
		summary || '.' || coalesce(' ' || cjm_internal.draw_say(w, CASE WHEN back THEN 'came_back_by' ELSE 'seen_again_by' END, unit) || nullif(means, '') || '.', ''),
		cjm_internal.svg_heading(margin, width, title, nullif(subtitle, ''), summary) ||
		CASE WHEN cohorts > 0 THEN
			cjm_internal.svg_text(margin, top - 10, 'small soft', cjm_internal.svg_escape(w ->> CASE WHEN started THEN 'started' ELSE 'first_seen' END)) ||
			cjm_internal.svg_text(left_end - 18, top - 10, 'small soft end', cjm_internal.svg_escape(w ->> 'customers')) ||
			CASE WHEN months > 0 THEN cjm_internal.svg_text(left_end, top - 28, 'small soft', cjm_internal.svg_escape(w ->> (unit_key || '_later'))) || heads || legend ELSE '' END || body
		ELSE '' END);
END
$$;
COMMENT ON FUNCTION cjm_internal.retention_svg_drawn(cjm_internal.retention_drawn_cell[], text, text, integer[], boolean, boolean, boolean, float8, jsonb, text) IS 'the drawing of retention_svg';

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
	by text DEFAULT NULL,
	title text DEFAULT NULL,
	subtitle text DEFAULT NULL,
	language text DEFAULT 'en',
	words jsonb DEFAULT NULL,
	scale_to float8 DEFAULT NULL,
	width integer DEFAULT NULL,
	colours jsonb DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 20000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	ranged boolean := cjm_internal.map_ranged(from_time, to_time);
	look jsonb := cjm_internal.draw_look(title, subtitle, language, words, scale_to, width, colours);
	w jsonb := look -> 'w';
	heading text := coalesce(nullif(title, ''), cjm_internal.draw_say(w, 'retention_of', cjm_internal.map_title(def)));
	summary text := coalesce(nullif(subtitle, ''), cjm_internal.draw_asked(w, def, from_time, to_time), '');
	cells cjm_internal.retention_drawn_cell[];
	by_month boolean;
	labels text[];
	drawings cjm_internal.svg_drawing[];
BEGIN
	period := lower(coalesce(period, 'month'));
	at_least := coalesce(at_least, 1);
	by_month := period = 'month' AND NOT ranged AND coalesce(kind, 'in') = 'in' AND where_is IS NULL AND starts IS NULL AND returns IS NULL AND at_least = 1 AND brackets IS NULL
		AND NOT coalesce(every_start, false) AND by IS NULL;
	IF by IS NULL THEN
		EXECUTE format('SELECT array_agg((r.cohort, r.number, r.cohort_size, r.retained, r.rate, r.period_over)::cjm_internal.retention_drawn_cell ORDER BY r.cohort, r.number)
			FROM %s r', CASE WHEN by_month THEN cjm_internal.map_schema(def) || '.retention'
				ELSE format('(%s)', cjm_internal.map_retention_sql(def, period, coalesce(kind, 'in'), NULL, starts, coalesce(every_start, false), returns, at_least, brackets, week_starts, false, ranged, false)) END)
			INTO cells USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
		RETURN cjm_internal.svg_page(cjm_internal.retention_svg_drawn(coalesce(cells, '{}'), heading, period, coalesce(brackets, '{}'), returns IS NULL AND at_least = 1, starts IS NOT NULL, returns IS NOT NULL, 0, look, summary), look);
	END IF;
	def := cjm_internal.map_with_groups(def, cjm_internal.map_customer_words(def), by, CASE WHEN NOT ranged THEN 'true' WHEN starts IS NULL THEN 'cjm_internal.first_at(j.journey) >= $1 AND cjm_internal.first_at(j.journey) < $2'
		ELSE 'cjm_internal.last_at(j.journey) >= $1 AND cjm_internal.first_at(j.journey) < $2' END, from_time, to_time);
	EXECUTE format('WITH r AS MATERIALIZED (%s)
		SELECT coalesce(array_agg(g.label ORDER BY g.other, c.customers DESC, g.label COLLATE "C"), ''{}''), coalesce(array_agg(cjm_internal.retention_svg_drawn(g.cells, cjm_internal.draw_group_title($9 -> ''w'', g.label, $3, 26), $4, $5, $6, $7, $8, g.most_rate, $9, '''') ORDER BY g.other, c.customers DESC, g.label COLLATE "C"), ''{}'')
		FROM (SELECT r.label, array_position($3, r.label) IS NULL AS other, array_agg((r.cohort, r.number, r.cohort_size, r.retained, r.rate, r.period_over)::cjm_internal.retention_drawn_cell ORDER BY r.cohort, r.number) AS cells,
				coalesce(max(max(r.rate) FILTER (WHERE r.cohort_size >= %s AND (r.number > 0 OR NOT $6))) OVER (), 0) AS most_rate
			FROM r GROUP BY r.label) g
			CROSS JOIN LATERAL (SELECT sum(d.cohort_size) AS customers FROM (SELECT DISTINCT u.cohort, u.cohort_size FROM unnest(g.cells) u) d) c',
		cjm_internal.map_retention_sql(def, period, coalesce(kind, 'in'), by, starts, coalesce(every_start, false), returns, at_least, brackets, week_starts, false, ranged, true), cjm_internal.map_few())
		INTO labels, drawings USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity'), def.groups, period, coalesce(brackets, '{}'), returns IS NULL AND at_least = 1, starts IS NOT NULL, returns IS NOT NULL, look || jsonb_build_object('subtitle', NULL);
	RETURN cjm_internal.svg_pages('retentions', CASE WHEN look ->> 'title' IS NULL THEN cjm_internal.draw_say(w, 'title_by', heading, by) ELSE heading END,
		cjm_internal.draw_groups(w, by, labels, def.groups), look || jsonb_build_object('subtitle', nullif(summary, '')), drawings);
END
$$;
COMMENT ON FUNCTION cjm.retention_svg(text, text, timestamptz, timestamptz, text, jsonb, cjm.funnel, cjm.funnel, integer, integer[], text, boolean, text, text, text, text, jsonb, float8, integer, jsonb) IS
'the retention of a map as one SVG that needs nothing else: a heat map of cohorts and the periods after their first; as the view retention has it or, with more arguments, as retention_report.
At most the latest 24 cohorts and their first 24 periods are drawn. all: over the periods that are over. Cohorts of fewer than 30 customers have no colour, and where everybody is back by definition there is no column
by: NULL, or as in retention_report, for drawings side by side, on one scale of colours: of the six groups with most customers, of those of whom it is not known, and of all others together
scale_to: the share that the darkest colour stands for, if that is more than there is; width: of each drawing, at least
title, subtitle, language, words, colours: as of map_svg';
