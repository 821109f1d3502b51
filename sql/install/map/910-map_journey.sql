--
-- The queries of a map that look at the journey itself: what customers meet at
-- each stage, where they stand, what follows what.
--
-- As in 906-map_views.sql: each returns the text of a query that reads the
-- journeys once and takes the ends of a time range as $1 and $2.
--

-- Where a path leads from one to the next, by says which of both, or the customers whose events are followed.
CREATE FUNCTION cjm_internal.map_path_split(map cjm_internal.map, by text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN cjm_internal.map_split(cjm_internal.map_words(map) || '{"event": null, "channel": null}'::jsonb, by);
COMMENT ON FUNCTION cjm_internal.map_path_split(cjm_internal.map, text) IS 'SQL: what paths are split by, NULL::text if by is event or channel, which is what they lead through';

CREATE FUNCTION cjm_internal.map_windows() RETURNS float8[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT ARRAY[60, 3600, 86400, 604800, 2592000, 7776000, 31536000, 315360000]::float8[];
END;
COMMENT ON FUNCTION cjm_internal.map_windows() IS 'a minute, an hour, 1, 7, 30 and 90 days, a year and ten, in seconds';

CREATE FUNCTION cjm_internal.map_window(seconds float8) RETURNS integer
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN width_bucket(seconds, cjm_internal.map_windows());
COMMENT ON FUNCTION cjm_internal.map_window(float8) IS 'how many of map_windows are at most so long';

-- Where it depends on when something happened, times are counted by how long they are, so that nothing but counts has to be kept: of two times in
-- the same 1 % it does not matter which was first.
CREATE FUNCTION cjm_internal.map_moment(seconds float8) RETURNS integer
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN floor(100 * ln(1 + 1e6 * abs(seconds)))::integer;
COMMENT ON FUNCTION cjm_internal.map_moment(float8) IS 'the number of a time on a logarithmic scale, from 0: each microsecond has one of its own, or each 1 % if that is more';

-- met: customers by when they met something at a stage, and by when they left it (in rows without a label: all of them), by whether they went on, and
-- by how long ago they came.  fair: the time in which nine of ten who went on had done so.  points, of customers who have had that time by now and who
-- did not leave as soon as they came: who met something at a moment in that time, how many who had met it before were still there, and how many of all.
-- risk: who met it, against those who were there as long and had not met it.  compared: of how many rows the differences are shown that rest on enough.
-- Customers are counted in float8, which is exact for them and quicker to add up than numeric; a part is text that is never NULL, so that it can be
-- joined by, and what is sorted by is compared as bytes.
CREATE FUNCTION cjm_internal.map_touchpoints_sql(map cjm_internal.map, label text, by text, ranged boolean, reported boolean) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	words jsonb := cjm_internal.map_walk_words(map, CASE WHEN ranged THEN 'tstzrange($1, $2)' END);
	split text := cjm_internal.map_split(words || '{"event": null, "channel": null}'::jsonb, by, (map).groups);
	is_split boolean := by <> ALL ('{event,channel}'::text[]);
	-- channel is what was met.
	who text := cjm_internal.map_where(map, CASE WHEN is_split THEN 'WHERE' ELSE 'AND' END, words - 'channel');
	columns CONSTANT text[] := '{step,label,met,went_on,stayed,took,age}';
BEGIN
	RETURN format(cjm_internal.map_if_split('WITH met AS (
			%2$s
		), fair AS (
			SELECT w.step{, w.part}, min(w.seconds) AS seconds, cjm_internal.map_moment(min(w.seconds)) AS until, cjm_internal.map_window(min(w.seconds)) AS age
			FROM (SELECT m.step{, m.part}, u.seconds, sum(m.customers) FILTER (WHERE m.took < cjm_internal.map_window(u.seconds)) AS by_then, sum(m.customers) AS ever
				FROM (SELECT m.step{, m.part}, m.took, sum(m.customers) AS customers FROM met m WHERE m.label IS NULL AND m.went_on GROUP BY m.step{, m.part}, m.took) m
					CROSS JOIN unnest(cjm_internal.map_windows()) u(seconds)
				GROUP BY m.step{, m.part}, u.seconds) w
			WHERE 10 * w.by_then >= 9 * w.ever GROUP BY w.step{, w.part}
		), points AS (
			SELECT p.*, sum(p.met - p.gone) OVER earlier - (p.met - p.gone) AS had_met,
				sum(p.met_and_went - p.gone_and_went) OVER earlier - (p.met_and_went - p.gone_and_went) AS had_met_and_went,
				sum(p.gone) FILTER (WHERE p.label IS NULL) OVER later AS there, sum(p.gone_and_went) FILTER (WHERE p.label IS NULL) OVER later AS there_and_went
			FROM (SELECT m.step{, m.part}, m.label, m.moment, coalesce(sum(m.customers) FILTER (WHERE m.met), 0) AS met,
					coalesce(sum(m.customers) FILTER (WHERE m.met AND m.went_on), 0) AS met_and_went, coalesce(sum(m.customers) FILTER (WHERE NOT m.met), 0) AS gone,
					coalesce(sum(m.customers) FILTER (WHERE NOT m.met AND m.went_on), 0) AS gone_and_went
				FROM met m JOIN fair f ON f.step = m.step{ AND f.part = m.part} AND m.age >= f.age AND (m.label IS NULL OR m.moment < f.until)
				WHERE m.stayed GROUP BY m.step{, m.part}, m.label, m.moment) p
			WINDOW earlier AS (PARTITION BY p.step{, p.part}, p.label ORDER BY p.moment), later AS (PARTITION BY p.step{, p.part} ORDER BY p.moment DESC)
		), risk AS (
			SELECT p.step{, p.part}, p.label, p.moment, p.met, p.met_and_went, p.there - p.had_met - p.met AS there, p.there_and_went - p.had_met_and_went - p.met_and_went AS went_on
			FROM points p WHERE p.met > 0
		), compared AS (
			SELECT greatest(count(*), 1) AS comparisons
			FROM (SELECT FROM risk r WHERE r.there > 0 GROUP BY r.step{, r.part}, r.label HAVING sum(r.met) >= %4$s AND max(r.there) >= %4$s) r
		), rates AS (
			SELECT r.step{, r.part}, r.label, sum(r.met)::bigint AS met, sum(r.met_and_went)::bigint AS met_and_went,
				sum(r.met) FILTER (WHERE r.there > 0)::bigint AS some_met, sum(r.met_and_went) FILTER (WHERE r.there > 0)::bigint AS some_met_and_went,
				max(r.there)::bigint AS there, sum(r.met * i.rate ORDER BY r.moment) AS rate, sum(r.met * i.rate_low ORDER BY r.moment) AS low,
				sum(r.met * i.rate_high ORDER BY r.moment) AS high
			FROM risk r CROSS JOIN compared c CROSS JOIN LATERAL cjm.rate_interval(r.went_on::bigint, r.there::bigint, c.comparisons) i GROUP BY r.step{, r.part}, r.label
		)
		SELECT t.step, %1$s[t.step] AS stage, %5$s AS %3$I, t.customers, t.customers::float8 / t.all_customers::float8 AS share,
			t.touches, t.first_seen, t.last_seen, justify_hours(make_interval(secs => f.seconds)) AS compared_within,
			CASE WHEN f.step IS NOT NULL THEN coalesce(c.some_met, c.met, 0) END AS with_customers,
			CASE WHEN f.step IS NOT NULL THEN coalesce(c.some_met_and_went, c.met_and_went, 0) END AS with_went_on, v.rate AS with_rate,
			nullif(c.there, 0) AS without_customers, u.rate AS without_rate, d.difference, d.low AS difference_low, d.high AS difference_high,
			CASE WHEN d.difference IS NOT NULL THEN (d.low > 0 OR d.high < 0) AND c.some_met >= %4$s AND c.there >= %4$s END AS sure%6$s
		FROM (SELECT m.step{, m.part}, m.label, (sum(m.customers) FILTER (WHERE m.met OR m.label IS NULL))::bigint AS customers, (sum(m.touches) FILTER (WHERE m.met OR m.label IS NULL))::bigint AS touches,
				min(m.first_seen) AS first_seen, max(m.last_seen) AS last_seen,
				max(sum(m.customers)) FILTER (WHERE m.label IS NULL) OVER (PARTITION BY m.step{, m.part}) AS all_customers
			FROM met m GROUP BY m.step{, m.part}, m.label) t
			CROSS JOIN compared n
			LEFT JOIN fair f ON f.step = t.step{ AND f.part = t.part}
			LEFT JOIN rates c ON c.step = t.step AND c.label = t.label{ AND c.part = t.part}
			CROSS JOIN LATERAL (SELECT c.rate / c.some_met::float8 AS rate, c.low / c.some_met::float8 AS low, c.high / c.some_met::float8 AS high) u
			CROSS JOIN LATERAL cjm.rate_interval(coalesce(c.some_met_and_went, c.met_and_went), coalesce(c.some_met, c.met), n.comparisons) v
			CROSS JOIN LATERAL (SELECT v.rate - u.rate AS difference, v.rate - u.rate - sqrt((v.rate - v.rate_low) ^ 2 + (u.high - u.rate) ^ 2) AS low,
				v.rate - u.rate + sqrt((v.rate_high - v.rate) ^ 2 + (u.rate - u.low) ^ 2) AS high) d
		WHERE t.label IS NOT NULL
		ORDER BY {%5$s COLLATE "C", }t.step, t.customers DESC, t.label COLLATE "C"', is_split),
		cjm_internal.map_stage_names(map),
		cjm_internal.map_moments_sql(map, CASE WHEN is_split THEN columns || 'part'::text ELSE columns END,
			'e.step, e.label COLLATE "C" AS label, p.met, coalesce(e.went_on, false) AS went_on, coalesce(e.stayed <> 0, true) AS stayed,
				CASE WHEN e.label IS NULL THEN cjm_internal.map_window(e.went_on_after) END AS took, cjm_internal.map_window(date_part(''epoch'', now() - e.reached_at)) AS age'
				|| CASE WHEN is_split THEN ', j.label COLLATE "C" AS part' ELSE '' END,
			'cjm_internal.map_moment(CASE WHEN p.met THEN e.met_after ELSE e.stayed END)',
			'{touches=sum(e.touches::float8),first_seen=min(e.first_seen),last_seen=max(e.last_seen)}',
			format('FROM %s CROSS JOIN LATERAL cjm.stage_touches(j.journey, %L::cjm.funnel, %L::text, %s) e CROSS JOIN (VALUES (true), (false)) p(met)
			WHERE CASE WHEN p.met THEN e.label IS NOT NULL ELSE e.label IS NULL OR e.stayed IS NOT NULL END%s%s',
				CASE WHEN is_split THEN cjm_internal.map_journeys_by(map, format('coalesce(''='' || (%s), '''')', split), who) ELSE cjm_internal.map_schema(map) || '.journeys j' END,
				(map).stages, CASE WHEN by = 'channel' THEN by ELSE 'event' END, CASE WHEN ranged THEN 'tstzrange($1, $2)' ELSE '''(,)''::tstzrange' END,
				CASE WHEN ranged THEN ' AND e.step > 0' END, CASE WHEN NOT is_split THEN who END)),
		label, cjm_internal.map_few(),
		CASE WHEN is_split THEN 'CASE WHEN t.part <> '''' THEN substr(t.part, 2) END' ELSE 't.label COLLATE "default"' END,
		CASE WHEN reported THEN ', t.label COLLATE "default" AS touchpoint' END);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_touchpoints_sql(cjm_internal.map, text, text, boolean, boolean) IS 'SQL of the view touchpoints and of touchpoint_report';

-- Every stage is there, and before the first one those who have not begun.
CREATE FUNCTION cjm_internal.map_stages_sql(map cjm_internal.map, lead text, by text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	words jsonb := cjm_internal.map_walk_words(map, CASE WHEN ranged THEN 'tstzrange($1, $2)' END);
BEGIN
	RETURN format('WITH counted AS (
			SELECT f.step, %5$s AS label, count(*) FILTER (WHERE NOT f.open AND NOT f.refused) AS customers, count(*) FILTER (WHERE f.open) AS open_customers,
				count(*) FILTER (WHERE f.refused) AS refused,
				%14$s FILTER (WHERE NOT f.open AND NOT f.refused) AS median_last_seen, %14$s FILTER (WHERE f.open) AS open_median_last_seen
			FROM %4$s.journeys j CROSS JOIN LATERAL (
				SELECT cjm.funnel_step(j.journey, %1$L::cjm.funnel%6$s) AS step, %11$s AS open, %12$s IS NOT NULL AS refused,
					cjm_internal.last_at(j.journey) AS last_seen FROM (VALUES (1)) one OFFSET 0) f%13$s
			GROUP BY 1, 2
		)
		SELECT %7$s s.step, %2$s[s.step] AS stage, s.step >= %3$s AS converted, coalesce(c.customers, 0) AS customers,
			coalesce(c.customers, 0)::float8 / nullif(sum(c.customers) OVER (PARTITION BY l.label), 0)::float8 AS share,
			coalesce(c.open_customers, 0) AS open_customers, (extract(epoch FROM now() - c.median_last_seen) / 86400)::float8 AS median_days_since,
			(extract(epoch FROM now() - c.open_median_last_seen) / 86400)::float8 AS open_median_days_since,
			coalesce(c.refused, 0) AS refused
		FROM %8$s l(label) CROSS JOIN generate_series(%9$s, %10$s) s(step)
			LEFT JOIN counted c ON c.step = s.step AND c.label IS NOT DISTINCT FROM l.label
		ORDER BY l.label COLLATE "C", s.step',
		(map).stages, cjm_internal.map_stage_names(map), cjm_internal.map_completed_step(map), cjm_internal.map_schema(map), cjm_internal.map_split(words, by),
		CASE WHEN ranged THEN ', tstzrange($1, $2)' END, lead,
		CASE WHEN by IS NULL THEN '(VALUES (NULL::text))' ELSE '(SELECT DISTINCT label FROM counted)' END,
		CASE WHEN ranged THEN 1 ELSE 0 END, (SELECT max(s.step) FROM cjm.funnel_stages((map).stages) s),
		cjm_internal.map_open_sql(map, CASE WHEN ranged THEN 'tstzrange($1, $2)' END), cjm_internal.map_refused_sql(map, CASE WHEN ranged THEN 'tstzrange($1, $2)' END),
		cjm_internal.map_where(map, 'WHERE', words), cjm_internal.map_late_median_sql(map, 'f.last_seen'));
END
$$;
COMMENT ON FUNCTION cjm_internal.map_stages_sql(cjm_internal.map, text, text, boolean) IS 'SQL of the view stages and of stage_report';

-- Customers first seen in a range, and where_is.
CREATE FUNCTION cjm_internal.map_first_seen_sql(map cjm_internal.map, ranged boolean) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN ranged THEN ' WHERE cjm_internal.first_at(j.journey) >= $1 AND cjm_internal.first_at(j.journey) < $2' ELSE '' END ||
	cjm_internal.map_where(map, CASE WHEN ranged THEN 'AND' ELSE 'WHERE' END, cjm_internal.map_words(map));
COMMENT ON FUNCTION cjm_internal.map_first_seen_sql(cjm_internal.map, boolean) IS 'SQL: the condition on journeys j that are asked for and begin in a range';

-- Whether a report is of sessions.
CREATE FUNCTION cjm_internal.map_per_session(per text) RETURNS boolean
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF per NOT IN ('customer', 'session') THEN
		RAISE invalid_parameter_value USING MESSAGE = format('per cannot be "%s"', per), HINT = 'It is customer or session.';
	END IF;
	RETURN coalesce(per = 'session', false);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_per_session(text) IS 'whether a report is asked for per session; NULL is per customer';

-- By position a name says where it stands, so that no path leads back to where it came from.
CREATE FUNCTION cjm_internal.map_transitions_sql(map cjm_internal.map, lead text, by text, depth integer, repeats boolean, ranged boolean, timed boolean, per text) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	per_session boolean := cjm_internal.map_per_session(per);
	split text := cjm_internal.map_path_split(map, by);
	by_position text := CASE WHEN depth IS NOT NULL THEN 'x.position, ' END;
	grouped text := CASE WHEN split <> 'NULL::text' THEN 'j.label, ' END;
	who text := cjm_internal.map_first_seen_sql(map, ranged);
BEGIN
	IF depth < 2 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('depth must be at least 2, not %s', depth),
			HINT = 'It is the number of positions; NULL is for pairs wherever they stand.';
	ELSIF repeats IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'repeats must not be NULL';
	END IF;
	RETURN format('SELECT %1$s t.source, t.target, t.value, t.customers, t.value::float8 / t.leaving::float8 AS share%13$s
		FROM (SELECT %2$s AS source, %3$s AS target, count(*) AS value, %8$s AS customers,
				sum(count(*)) OVER (PARTITION BY %9$sx.source) AS leaving%10$s%14$s
			FROM %4$s CROSS JOIN LATERAL %15$scjm.transitions(%12$s, %5$L::text, %6$s)%16$s x
			%7$s GROUP BY %9$sx.source, x.target) t
		WHERE t.target IS NOT NULL
		ORDER BY %11$st.value DESC, t.source COLLATE "C", t.target COLLATE "C"',
		lead,
		CASE WHEN depth IS NULL THEN 'x.source' ELSE 'x.position || ''. '' || x.source' END,
		CASE WHEN depth IS NULL THEN 'x.target' ELSE '(x.position + 1) || ''. '' || x.target' END,
		CASE WHEN grouped IS NULL THEN cjm_internal.map_schema(map) || '.journeys j' ELSE cjm_internal.map_journeys_by(map, split, who) END, CASE by WHEN 'channel' THEN by ELSE 'event' END,
		format('%L::integer, %L::boolean, %s', coalesce(depth, 16777216), repeats, CASE WHEN per_session THEN cjm_internal.map_session_sql(map) ELSE 'NULL::interval, NULL::text, NULL::text' END),
		CASE WHEN grouped IS NULL THEN who ELSE '' END,
		-- At one position a customer has one pair, or one of each session.
		CASE WHEN depth IS NULL THEN 'count(*) FILTER (WHERE x.occurrence = 1)' WHEN per_session THEN 'count(*) FILTER (WHERE x.nth = 1)' ELSE 'count(*)' END,
		concat(grouped, by_position),
		concat(CASE WHEN depth IS NOT NULL THEN ', x.position' END, CASE WHEN grouped IS NOT NULL THEN ', j.label' END),
		concat(CASE WHEN grouped IS NOT NULL THEN 't.label COLLATE "C", ' END, CASE WHEN depth IS NOT NULL THEN 't.position, ' END),
		CASE WHEN per_session THEN cjm_internal.map_visits_sql(map, 'j.journey') ELSE 'j.journey' END,
		CASE WHEN timed THEN ', t.median_seconds' ELSE '' END,
		CASE WHEN timed THEN ', cjm.median(x.seconds) AS median_seconds' ELSE '' END,
		CASE WHEN depth IS NOT NULL AND per_session THEN '(SELECT x.*, row_number() OVER (PARTITION BY x.position, x.source, x.target) AS nth FROM ' ELSE '' END,
		CASE WHEN depth IS NOT NULL AND per_session THEN ' x)' ELSE '' END);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_transitions_sql(cjm_internal.map, text, text, integer, boolean, boolean, boolean, text) IS 'SQL of the view transitions and of transition_report';

-- The path of a customer who converted ends with the first completion.  Of the walk that wins that is the last stage's time; but
-- where optional stages follow the completion, a later walk may win, so it is asked when a customer first stood there.
CREATE FUNCTION cjm_internal.map_completed_at_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format(CASE WHEN cjm_internal.map_completed_step(map) = (SELECT max(s.step) FROM cjm.funnel_stages((map).stages) s)
		THEN '(cjm.funnel_times(j.journey, %1$L::cjm.funnel))[%2$s]'
		ELSE '(SELECT min(e.reached_at) FROM cjm.stage_touches(j.journey, %1$L::cjm.funnel, ''event''::text, ''(,)''::tstzrange) e WHERE e.label IS NULL AND e.step >= %2$s)' END,
	(map).stages, cjm_internal.map_completed_step(map));
COMMENT ON FUNCTION cjm_internal.map_completed_at_sql(cjm_internal.map) IS 'SQL: when the customer of a journey j first completed the funnel; NULL if never';

CREATE FUNCTION cjm_internal.map_until_completed_sql() RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN 'CASE WHEN f.completed_at IS NULL THEN j.journey ELSE cjm.slice(j.journey, ''-infinity''::timestamptz, f.completed_at + interval ''1 microsecond'') END';
COMMENT ON FUNCTION cjm_internal.map_until_completed_sql() IS 'SQL: a journey j up to its completion f.completed_at';

CREATE FUNCTION cjm_internal.map_paths_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('SELECT array_to_string(p.nodes, '' > '') AS path, p.nodes, p.customers,
			p.customers::float8 / (sum(p.customers) OVER ())::float8 AS share, p.converted, p.converted::float8 / p.customers::float8 AS rate
		FROM (SELECT cjm.event_path(%s, 10, false) AS nodes, count(*) AS customers, count(f.completed_at) AS converted
			FROM %s.journeys j CROSS JOIN LATERAL (SELECT %s AS completed_at FROM (VALUES (1)) one OFFSET 0) f GROUP BY 1) p
		ORDER BY p.customers DESC, p.nodes COLLATE "C"',
	cjm_internal.map_until_completed_sql(), cjm_internal.map_schema(map), cjm_internal.map_completed_at_sql(map));
COMMENT ON FUNCTION cjm_internal.map_paths_sql(cjm_internal.map) IS 'SQL of the view paths';

-- A whole journey up to its completion is one path, be it of no places; of all others there are those that there are.
CREATE FUNCTION cjm_internal.map_path_report_sql(map cjm_internal.map, by text, depth integer, repeats boolean, per text, length integer, after text, before text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	per_session boolean := cjm_internal.map_per_session(per);
	split text := cjm_internal.map_path_split(map, by);
	grouped boolean := split <> 'NULL::text';
	parts boolean := per_session OR length IS NOT NULL OR after IS NOT NULL OR before IS NOT NULL;
BEGIN
	IF depth < 1 THEN
		RAISE invalid_parameter_value USING MESSAGE = format('depth must be at least 1, not %s', depth);
	ELSIF length NOT BETWEEN 1 AND 100 THEN
		RAISE invalid_parameter_value USING MESSAGE = format('length must be from 1 to 100, not %s', length);
	END IF;
	RETURN format('SELECT p.label, array_to_string(p.nodes, '' > '') AS path, p.nodes, p.customers, p.times::float8 / (sum(p.times) OVER (%s))::float8 AS share,
			p.converted, p.converted::float8 / p.customers::float8 AS rate, p.times, p.median_seconds
		FROM (SELECT %s AS label, coalesce(x.nodes, ''{}''::text[]) AS nodes, count(*) FILTER (WHERE coalesce(x.occurrence, 1) = 1) AS customers,
				count(f.completed_at) FILTER (WHERE coalesce(x.occurrence, 1) = 1) AS converted, count(*) AS times, cjm.median(x.seconds) AS median_seconds
			FROM %s.journeys j CROSS JOIN LATERAL (SELECT %s AS completed_at FROM (VALUES (1)) one OFFSET 0) f
				%s cjm.paths(%s, %L::text, %L::integer, %L::boolean, %L::interval, %L::integer, %L::text, %L::text, %s) x ON true
			%s GROUP BY 1, 2) p
		ORDER BY %sp.times DESC, p.nodes COLLATE "C"',
		CASE WHEN grouped THEN 'PARTITION BY p.label' END, split, cjm_internal.map_schema(map), cjm_internal.map_completed_at_sql(map), CASE WHEN parts THEN 'JOIN LATERAL' ELSE 'LEFT JOIN LATERAL' END,
		CASE WHEN per_session THEN cjm_internal.map_visits_sql(map, 'j.journey') WHEN parts THEN 'j.journey' ELSE cjm_internal.map_until_completed_sql() END,
		CASE by WHEN 'channel' THEN by ELSE 'event' END, depth, repeats, CASE WHEN per_session THEN (map).session_gap END, length, after, before, CASE WHEN per_session THEN cjm_internal.map_session_rule_sql(map) ELSE 'NULL::text, NULL::text' END,
		cjm_internal.map_first_seen_sql(map, ranged), CASE WHEN grouped THEN 'p.label COLLATE "C", ' END);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_path_report_sql(cjm_internal.map, text, integer, boolean, text, integer, text, text, boolean) IS 'SQL of path_report';

-- The comments of these views; column NULL: the view itself.
CREATE FUNCTION cjm_internal.map_journey_comments() RETURNS TABLE (view_name text, column_name text, comment text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 46
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
		('touchpoints', 'with_customers', 'customers who met the event in that time and can be compared'),
		('touchpoints', 'with_went_on', 'those of them who reached the next mandatory stage'),
		('touchpoints', 'with_rate', 'with_went_on / with_customers'),
		('touchpoints', 'without_customers', 'customers whom they are compared with: each of them with those who had been at the stage as long, had neither gone on nor met the event before, and did not meet it then'),
		('touchpoints', 'without_rate', 'the share of these who reached the next mandatory stage, mean over with_customers'),
		('touchpoints', 'difference', 'with_rate - without_rate: it goes with the event, but need not come of it'),
		('touchpoints', 'difference_low', 'lower end of its interval (Newcombe), which is so wide that those of all rows that rest on at least 30 customers on both sides hold together with 95 % (Bonferroni)'),
		('touchpoints', 'difference_high', 'upper end of it'),
		('touchpoints', 'sure', 'whether the interval leaves out 0 and there are at least 30 customers on both sides; NULL where there is nobody to compare with'),

		('stages', NULL, 'one row per stage: who stands there now, that is, whose deepest step it is'),
		('stages', 'step', 'number of the stage, 0 for those who have not begun'),
		('stages', 'stage', 'its name, NULL for those who have not begun'),
		('stages', 'converted', 'whether the funnel is completed with this stage'),
		('stages', 'customers', 'how many stand there, without those who are open or refused'),
		('stages', 'share', 'their share of all such customers'),
		('stages', 'open_customers', 'how many stand there and may yet go on'),
		('stages', 'median_days_since', 'days of 24 hours since the last touchpoint of these, median'),
		('stages', 'open_median_days_since', 'the same of those who are open'),
		('stages', 'refused', 'how many are there and have said no'),

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
COMMENT ON FUNCTION cjm_internal.map_journey_comments() IS 'the comments of the views that look at the journey itself, and of their columns';
