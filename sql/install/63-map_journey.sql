--
-- The queries of a map that look at the journey itself: what customers meet at
-- each stage, where they stand, what follows what.
--
-- As in 62-map_views.sql: each returns the text of a query that reads the
-- journeys once and takes the ends of a time range as $1 and $2.
--

-- What touchpoints are counted by.
CREATE FUNCTION map_touch_by(by text) RETURNS text
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, cjm, pg_temp
AS $$
BEGIN
	IF by IS NULL OR by <> ALL (ARRAY['event', 'channel']) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('this report cannot be by "%s"', by),
			HINT = 'It is by event or by channel.';
	END IF;
	RETURN by;
END
$$;
COMMENT ON FUNCTION map_touch_by(text) IS 'event or channel; an error if it is something else';

-- Round durations, from nothing to a hundred years, ascending.
CREATE FUNCTION map_durations() RETURNS float8[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT '{0,1,2,5,10,20,30,60,120,300,600,1200,1800,3600,7200,10800,21600,43200,86400,172800,259200,604800,1209600,2592000,5184000,7776000,15552000,31536000,63072000,157680000,315360000,3153600000}'::float8[];
END;
COMMENT ON FUNCTION map_durations() IS 'the durations in seconds by which times are counted where who met something is compared with who did not';

-- Who met something is compared with who did not, in three steps.  met: customers are counted by how soon they met it and, in
-- the row without a label, by how soon they went on; and all by how long ago they came.  fair: the time in which nine of ten of
-- those who went on had done so.  counted: what was met in that time, by customers who have had that time by now.
CREATE FUNCTION map_touchpoints_sql(map map, label text, by text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, cjm, pg_temp
AS $$
BEGIN
	RETURN format('WITH met AS (
			SELECT e.step, e.label, e.went_on, width_bucket(e.seconds, %8$L::float8[]) AS soon,
				width_bucket(date_part(''epoch'', now() - e.reached_at), %8$L::float8[]) AS age,
				count(*) AS customers, sum(e.touches) AS touches, min(e.first_seen) AS first_seen, max(e.last_seen) AS last_seen
			FROM %3$s.journeys j CROSS JOIN LATERAL cjm.stage_touches(j.journey, %1$L::cjm.funnel, %4$L%5$s) e
			%6$s GROUP BY 1, 2, 3, 4, 5
		), fair AS (
			SELECT s.step, min(s.soon) AS time FROM (
				SELECT m.step, m.soon, sum(sum(m.customers)) OVER (PARTITION BY m.step ORDER BY m.soon) AS by_then,
					sum(sum(m.customers)) OVER (PARTITION BY m.step) AS ever
				FROM met m WHERE m.label IS NULL AND m.went_on GROUP BY m.step, m.soon) s
			WHERE s.by_then >= 0.9 * s.ever GROUP BY s.step
		), counted AS (
			SELECT m.step, m.label, f.time, sum(m.customers)::bigint AS customers, sum(m.touches)::bigint AS touches,
				min(m.first_seen) AS first_seen, max(m.last_seen) AS last_seen,
				CASE WHEN f.time IS NOT NULL THEN coalesce(sum(m.customers)
					FILTER (WHERE m.age > f.time AND (m.label IS NULL OR m.soon <= f.time)), 0)::bigint END AS compared,
				CASE WHEN f.time IS NOT NULL THEN coalesce(sum(m.customers)
					FILTER (WHERE m.age > f.time AND (m.label IS NULL OR m.soon <= f.time) AND m.went_on), 0)::bigint END AS went_on
			FROM met m LEFT JOIN fair f ON f.step = m.step GROUP BY m.step, m.label, f.time
		)
		SELECT t.step, %2$s[t.step] AS stage, t.label AS %7$I, t.customers, t.customers::float8 / t.all_customers::float8 AS share,
			t.touches, t.first_seen, t.last_seen, justify_hours(make_interval(secs => (%8$L::float8[])[t.time + 1])) AS compared_within,
			t.compared AS with_customers, t.went_on AS with_went_on, t.went_on::float8 / nullif(t.compared, 0)::float8 AS with_rate,
			t.all_compared - t.compared AS without_customers, t.all_went_on - t.went_on AS without_went_on,
			(t.all_went_on - t.went_on)::float8 / nullif(t.all_compared - t.compared, 0)::float8 AS without_rate,
			d.difference, d.difference_low, d.difference_high
		FROM (SELECT c.*, max(c.customers) FILTER (WHERE c.label IS NULL) OVER w AS all_customers,
				max(c.compared) FILTER (WHERE c.label IS NULL) OVER w AS all_compared,
				max(c.went_on) FILTER (WHERE c.label IS NULL) OVER w AS all_went_on
			FROM counted c WINDOW w AS (PARTITION BY c.step)) t
			CROSS JOIN LATERAL cjm.rate_difference(t.went_on, t.compared, t.all_went_on - t.went_on, t.all_compared - t.compared) d
		WHERE t.label IS NOT NULL
		ORDER BY t.step, t.customers DESC, t.label COLLATE "C"',
		(map).stages, map_stage_names(map), map_schema(map), map_touch_by(by),
		CASE WHEN ranged THEN ', tstzrange($1, $2)' END, CASE WHEN ranged THEN 'WHERE e.step > 0' END, label, map_durations());
END
$$;
COMMENT ON FUNCTION map_touchpoints_sql(map, text, text, boolean) IS 'SQL of the view touchpoints and of touchpoint_report';

-- Every stage is there, and before the first one those who have not begun.
CREATE FUNCTION map_stages_sql(map map, lead text, by text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, cjm, pg_temp
AS $$
BEGIN
	RETURN format('WITH counted AS (
			SELECT f.step, %5$s AS label, count(*) FILTER (WHERE NOT f.open) AS customers, count(*) FILTER (WHERE f.open) AS open_customers,
				percentile_cont(0.5) WITHIN GROUP (ORDER BY f.days) FILTER (WHERE NOT f.open) AS median_days_since,
				percentile_cont(0.5) WITHIN GROUP (ORDER BY f.days) FILTER (WHERE f.open) AS open_median_days_since
			FROM %4$s.journeys j CROSS JOIN LATERAL (
				SELECT cjm.funnel_step(j.journey, %1$L::cjm.funnel%6$s) AS step, cjm.funnel_open(j.journey, %1$L::cjm.funnel, now()%6$s) AS open,
					(extract(epoch FROM now() - (cjm.last_touch(j.journey)).at) / 86400)::float8 AS days OFFSET 0) f
			GROUP BY 1, 2
		)
		SELECT %7$s s.step, %2$s[s.step] AS stage, s.step >= %3$s AS converted, coalesce(c.customers, 0) AS customers,
			coalesce(c.customers, 0)::float8 / nullif(sum(c.customers) OVER (PARTITION BY l.label), 0)::float8 AS share,
			coalesce(c.open_customers, 0) AS open_customers, c.median_days_since, c.open_median_days_since
		FROM %8$s l(label) CROSS JOIN generate_series(%9$s, %10$s) s(step)
			LEFT JOIN counted c ON c.step = s.step AND c.label IS NOT DISTINCT FROM l.label
		ORDER BY l.label COLLATE "C", s.step',
		(map).stages, map_stage_names(map), map_completed_step(map), map_schema(map), map_split(by, 'segment', 'channel'),
		CASE WHEN ranged THEN ', tstzrange($1, $2)' END, lead,
		CASE WHEN by IS NULL THEN '(VALUES (NULL::text))' ELSE '(SELECT DISTINCT label FROM counted)' END,
		CASE WHEN ranged THEN 1 ELSE 0 END, (SELECT max(s.step) FROM funnel_stages((map).stages) s));
END
$$;
COMMENT ON FUNCTION map_stages_sql(map, text, text, boolean) IS 'SQL of the view stages and of stage_report';

-- Customers first seen in a range.
CREATE FUNCTION map_first_seen_sql(ranged boolean) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, cjm, pg_temp
RETURN CASE WHEN ranged THEN 'WHERE (cjm.first_touch(j.journey)).at >= $1 AND (cjm.first_touch(j.journey)).at < $2' ELSE '' END;
COMMENT ON FUNCTION map_first_seen_sql(boolean) IS 'SQL: the condition on journeys j that begin in a range';

-- By position a name says where it stands, so that no path leads back to where it came from.
CREATE FUNCTION map_transitions_sql(map map, lead text, by text, depth integer, repeats boolean, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, cjm, pg_temp
AS $$
BEGIN
	IF depth < 2 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('depth must be at least 2, not %s', depth),
			HINT = 'It is the number of positions; NULL is for pairs wherever they stand.';
	ELSIF repeats IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'repeats must not be NULL';
	END IF;
	RETURN format('SELECT %1$s t.source, t.target, t.value, t.customers, t.value::float8 / t.leaving::float8 AS share
		FROM (SELECT %2$s AS source, %3$s AS target, count(*) AS value, count(*) FILTER (WHERE x.occurrence = 1%8$s) AS customers,
				sum(count(*)) OVER (PARTITION BY %9$sx.source) AS leaving%10$s
			FROM %4$s.journeys j CROSS JOIN LATERAL cjm.transitions(j.journey, %5$L%6$s) x
			%7$s GROUP BY %9$sx.source, x.target) t
		WHERE t.target IS NOT NULL
		ORDER BY %11$st.value DESC, t.source COLLATE "C", t.target COLLATE "C"',
		lead,
		CASE WHEN depth IS NULL THEN 'x.source' ELSE 'x.position || ''. '' || x.source' END,
		CASE WHEN depth IS NULL THEN 'x.target' ELSE '(x.position + 1) || ''. '' || x.target' END,
		map_schema(map), map_touch_by(by),
		CASE WHEN depth IS NULL THEN format(', repeats => %L', repeats) ELSE format(', %L, %L', depth, repeats) END,
		map_first_seen_sql(ranged),
		CASE WHEN depth IS NULL THEN '' ELSE ' OR true' END,
		CASE WHEN depth IS NULL THEN '' ELSE 'x.position, ' END,
		CASE WHEN depth IS NULL THEN '' ELSE ', x.position' END,
		CASE WHEN depth IS NULL THEN '' ELSE 't.position, ' END);
END
$$;
COMMENT ON FUNCTION map_transitions_sql(map, text, text, integer, boolean, boolean) IS 'SQL of the view transitions and of transition_report';

-- The path of a customer who converted ends with that.
CREATE FUNCTION map_paths_sql(map map, by text, depth integer, repeats boolean, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, cjm, pg_temp
AS $$
BEGIN
	IF depth IS NULL OR repeats IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'depth and repeats must not be NULL';
	ELSIF depth < 1 THEN
		RAISE invalid_parameter_value USING MESSAGE = format('depth must be at least 1, not %s', depth);
	END IF;
	RETURN format('SELECT array_to_string(p.nodes, '' > '') AS path, p.nodes, p.customers,
			p.customers::float8 / (sum(p.customers) OVER ())::float8 AS share, p.converted, p.converted::float8 / p.customers::float8 AS rate
		FROM (SELECT cjm.%1$s_path(CASE WHEN f.completed_at IS NULL THEN j.journey
					ELSE cjm.slice(j.journey, ''-infinity'', f.completed_at + interval ''1 microsecond'') END, %2$L, %3$L) AS nodes,
				count(*) AS customers, count(f.completed_at) AS converted
			FROM %4$s.journeys j CROSS JOIN LATERAL (SELECT (cjm.funnel_times(j.journey, %5$L::cjm.funnel))[%6$s] AS completed_at OFFSET 0) f
			%7$s GROUP BY 1) p
		ORDER BY p.customers DESC, p.nodes COLLATE "C"',
		map_touch_by(by), depth, repeats, map_schema(map), (map).stages, map_completed_step(map), map_first_seen_sql(ranged));
END
$$;
COMMENT ON FUNCTION map_paths_sql(map, text, integer, boolean, boolean) IS 'SQL of the view paths and of path_report';

-- The comments of these views; column NULL: the view itself.
CREATE FUNCTION map_journey_comments() RETURNS TABLE (view_name text, column_name text, comment text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 45
BEGIN ATOMIC
	VALUES
		('touchpoints', NULL, 'the journey map: one row per stage and event that customers met while they stood there'),
		('touchpoints', 'step', 'number of the stage, 0 before the first one'),
		('touchpoints', 'stage', 'its name, NULL before the first one'),
		('touchpoints', 'event', 'the event'),
		('touchpoints', 'customers', 'who met it while they stood there: from the time they reached the stage until they reached a deeper one'),
		('touchpoints', 'share', 'their share of all who stood there'),
		('touchpoints', 'touches', 'how often they met it there'),
		('touchpoints', 'first_seen', 'the earliest of these touchpoints'),
		('touchpoints', 'last_seen', 'the latest of them'),
		('touchpoints', 'compared_within', 'the time, rounded up, in which nine of ten of those who went on from the stage had done so; only what was met in it is compared, of customers who have had that time by now'),
		('touchpoints', 'with_customers', 'customers who met the event in that time'),
		('touchpoints', 'with_went_on', 'those of them who reached the next mandatory stage; NULL where nobody did'),
		('touchpoints', 'with_rate', 'with_went_on / with_customers'),
		('touchpoints', 'without_customers', 'customers who stood there and did not meet the event in that time'),
		('touchpoints', 'without_went_on', 'those of them who reached the next mandatory stage'),
		('touchpoints', 'without_rate', 'without_went_on / without_customers'),
		('touchpoints', 'difference', 'with_rate - without_rate: it goes with the event, but need not come of it'),
		('touchpoints', 'difference_low', 'lower end of its 95 % interval (Newcombe)'),
		('touchpoints', 'difference_high', 'upper end of it'),

		('stages', NULL, 'one row per stage: who stands there now, that is, whose deepest step it is'),
		('stages', 'step', 'number of the stage, 0 for those who have not begun'),
		('stages', 'stage', 'its name, NULL for those who have not begun'),
		('stages', 'converted', 'whether the funnel is completed with this stage'),
		('stages', 'customers', 'how many stand there, without those who are open'),
		('stages', 'share', 'their share of all customers who are not open'),
		('stages', 'open_customers', 'how many stand there and may yet go on'),
		('stages', 'median_days_since', 'days of 24 hours since the last touchpoint of those who are not open, median'),
		('stages', 'open_median_days_since', 'the same of those who are open'),

		('transitions', NULL, 'one row per event and the event that came next, for a Sankey chart; the same event several times running counts once'),
		('transitions', 'source', 'the event'),
		('transitions', 'target', 'the event that came next'),
		('transitions', 'value', 'how often it did'),
		('transitions', 'customers', 'of how many customers'),
		('transitions', 'share', 'value / how often the source was there at all; what is missing to 1 are journeys that end with it'),

		('paths', NULL, 'one row per path: the first ten events of journeys, up to the completion of the funnel; the same event several times running counts once'),
		('paths', 'path', 'the events with " > " between them'),
		('paths', 'nodes', 'the same as an array'),
		('paths', 'customers', 'whose path it is'),
		('paths', 'share', 'their share of all customers'),
		('paths', 'converted', 'those of them who completed the funnel'),
		('paths', 'rate', 'converted / customers');
END;
COMMENT ON FUNCTION map_journey_comments() IS 'the comments of the views that look at the journey itself, and of their columns';
