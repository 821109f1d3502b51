--
-- Figures over time: what the reports of a map say of each day, week or month, in one long table.
--
-- Each figure is taken from the query of the report that has it, with that report's
-- definitions, and has the 95 % interval that goes with it:
--
--   shares        Wilson (rate_interval)
--   medians       order statistics (funnel_figures)
--   order_value   a ratio of sums over customers, since orders of one customer are like each other: linearized, with Student's t
--                 (W. G. Cochran, Sampling Techniques, 6.3; A. Deng, U. Knoblich and J. Lu, Applying the Delta Method in Metric Analytics, 2018)
--   nps, ces      as nps_interval and ces_interval have it
--
-- visits, revenue, cpa and roas are counts and sums of all that there was, and no sample: they have none.
-- What the planner sees is one query for each report and an arm for each figure, of
-- which those that nobody asks for are left out, and their report with them.
--

CREATE FUNCTION cjm_internal.map_metrics() RETURNS TABLE (place integer, metric text, family text, kind text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 17
BEGIN ATOMIC
	SELECT m.place, m.metric, m.family, m.kind
	FROM (VALUES
		(1, 'step_rate', 'funnel', 'rate'),
		(2, 'conversion', 'funnel', 'rate'),
		(3, 'refusal_rate', 'funnel', 'rate'),
		(4, 'median_time', 'funnel', 'time'),
		(5, 'median_total', 'funnel', 'time'),
		(6, 'visits', 'sessions', 'count'),
		(7, 'bounce_rate', 'sessions', 'rate'),
		(8, 'returning_share', 'sessions', 'rate'),
		(9, 'retention', 'retention', 'rate'),
		(10, 'repeat_rate', 'purchases', 'rate'),
		(11, 'order_value', 'purchases', 'money'),
		(12, 'revenue', 'purchases', 'amount'),
		(13, 'cpa', 'channels', 'money'),
		(14, 'roas', 'channels', 'money'),
		(15, 'nps', 'feedback', 'score'),
		(16, 'csat', 'feedback', 'rate'),
		(17, 'ces', 'feedback', 'score')) m(place, metric, family, kind);
END;
COMMENT ON FUNCTION cjm_internal.map_metrics() IS 'the figures that maps have over time, the report that each is taken from, and what kind of figure it is';

CREATE FUNCTION cjm_internal.map_has_metric(map cjm_internal.map, metric text) RETURNS boolean
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE metric WHEN 'refusal_rate' THEN (map).refusal IS NOT NULL WHEN 'order_value' THEN (map).value IS NOT NULL WHEN 'revenue' THEN (map).value IS NOT NULL
	WHEN 'cpa' THEN (map).spend IS NOT NULL WHEN 'roas' THEN (map).spend IS NOT NULL AND (map).value IS NOT NULL
	WHEN 'nps' THEN (map).nps IS NOT NULL WHEN 'csat' THEN (map).csat IS NOT NULL WHEN 'ces' THEN (map).ces IS NOT NULL ELSE true END;
COMMENT ON FUNCTION cjm_internal.map_has_metric(cjm_internal.map, text) IS 'whether a map has what a figure is made of';

-- A word means in each figure what it means in the report of it.
CREATE FUNCTION cjm_internal.map_metric_words(map cjm_internal.map, family text, splits boolean) RETURNS text[]
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE family
	WHEN 'funnel' THEN ARRAY(SELECT jsonb_object_keys(cjm_internal.map_walk_words(map, NULL::text)))
	WHEN 'sessions' THEN ARRAY(SELECT jsonb_object_keys(cjm_internal.map_words(map))) || '{channel,session_channel,entry_event,exit_event,visitor}'::text[]
	WHEN 'retention' THEN ARRAY(SELECT jsonb_object_keys(cjm_internal.map_customer_words(map)))
	WHEN 'purchases' THEN ARRAY(SELECT jsonb_object_keys(cjm_internal.map_walk_words(map, NULL::text) - 'session_channel'))
	WHEN 'channels' THEN CASE WHEN splits THEN '{}'::text[] ELSE ARRAY(SELECT jsonb_object_keys(cjm_internal.map_words(map))) END || '{channel}'::text[]
	WHEN 'feedback' THEN ARRAY(SELECT jsonb_object_keys(cjm_internal.map_words(map))) END;
COMMENT ON FUNCTION cjm_internal.map_metric_words(cjm_internal.map, text, boolean) IS 'what figures of a report can be split by, or else asked for by where_is';

-- All figures that can be had, or the one that is asked for; of that one an error says what is wrong.
CREATE FUNCTION cjm_internal.map_metrics_of(map cjm_internal.map, metric text, by text) RETURNS text[]
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	known text[] := ARRAY(SELECT m.metric FROM cjm_internal.map_metrics() m ORDER BY m.place);
	wanted text[];
	family text := (SELECT m.family FROM cjm_internal.map_metrics() m WHERE m.metric = map_metrics_of.metric);
	asked text[] := ARRAY(SELECT jsonb_object_keys(map.where_is));
	unknown text;
BEGIN
	IF metric IS NULL THEN
		wanted := ARRAY(SELECT m.metric FROM cjm_internal.map_metrics() m
			WHERE cjm_internal.map_has_metric(map, m.metric) AND (by IS NULL OR by = ANY (cjm_internal.map_metric_words(map, m.family, true)))
				AND asked <@ cjm_internal.map_metric_words(map, m.family, false) ORDER BY m.place);
		IF wanted <> '{}' THEN
			RETURN wanted;
		ELSIF by IS NOT NULL THEN
			-- The funnel knows most words.
			PERFORM cjm_internal.map_split(cjm_internal.map_walk_words(map, NULL::text), by);
		END IF;
		PERFORM cjm_internal.map_where(map, 'WHERE', cjm_internal.map_walk_words(map, NULL::text));
		RAISE invalid_parameter_value USING
			MESSAGE = format('no figure can be split by "%s" for these customers', left(by, 100)),
			HINT = 'Leave out by, or where_is.';
	ELSIF family IS NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('there is no metric "%s"', left(metric, 100)),
			HINT = concat('Did you mean "' || cjm_internal.map_nearest(metric, known) || '"? ', 'Metrics are ', array_to_string(known, ', '), '.');
	ELSIF NOT cjm_internal.map_has_metric(map, metric) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('the map has no %s', metric),
			HINT = format('It takes %s; cjm.create_map can say so, with replace => true.', CASE family WHEN 'funnel' THEN 'refusal' WHEN 'purchases' THEN 'value'
				WHEN 'channels' THEN CASE metric WHEN 'roas' THEN 'spend and value' ELSE 'spend' END ELSE metric END);
	END IF;
	IF by <> ALL (cjm_internal.map_metric_words(map, family, true)) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('%s cannot be split by "%s"', metric, left(by, 100)),
			HINT = cjm_internal.map_words_hint(cjm_internal.map_metric_words(map, family, true), by, 'It can by ');
	END IF;
	SELECT a INTO unknown FROM unnest(asked) a WHERE a <> ALL (cjm_internal.map_metric_words(map, family, false)) ORDER BY a LIMIT 1;
	IF FOUND THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('%s cannot be asked for "%s"', metric, left(unknown, 100)),
			HINT = cjm_internal.map_words_hint(cjm_internal.map_metric_words(map, family, false), unknown, 'where_is may have ');
	END IF;
	RETURN ARRAY[metric];
END
$$;
COMMENT ON FUNCTION cjm_internal.map_metrics_of(cjm_internal.map, text, text) IS 'the figures that a map has for a word to split by and its where_is; an error if there is none, or not the one that is asked for';

-- In local time, since days differ in length; of times that no calendar has nothing is over.
CREATE FUNCTION cjm_internal.map_over_sql(map cjm_internal.map, period text, start text, later interval) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('coalesce(CASE WHEN %1$s < timestamptz ''200000-01-01 00:00+00'' THEN (((%1$s AT TIME ZONE %2$L) + %3$L::interval) AT TIME ZONE %2$L) + %4$L::interval <= now() END, false)',
	start, (map).time_zone, cjm_internal.map_period(period), later);
COMMENT ON FUNCTION cjm_internal.map_over_sql(cjm_internal.map, text, text, interval) IS 'SQL: whether a period that begins at a time, of which SQL is given, is over, and so much time after it';

-- What a customer bought in a period.  Sums are numeric, so that they are the same in whatever order workers add them up.
CREATE FUNCTION cjm_internal.map_purchase_metrics_sql(map cjm_internal.map, period text, by text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	words jsonb := cjm_internal.map_walk_words(map, NULL::text) - 'session_channel';
	purchased text := cjm_internal.map_has_purchase(map);
	split text;
BEGIN
	words := words || jsonb_build_object('channel', words -> 'first_channel');
	split := cjm_internal.map_split(words, by);
	RETURN format('SELECT j.label AS by_value, b.bucket_start, count(*) FILTER (WHERE b.purchases > 0) AS customers, count(*) FILTER (WHERE b.purchases > 1) AS repeats, sum(b.purchases)::bigint AS purchases,
				sum(b.value) AS value, sum(b.gross) AS gross, sum(b.valued)::bigint AS valued, count(*) FILTER (WHERE b.valued > 0) AS payers,
				sum(b.gross * b.gross) AS gross_gross, sum(b.gross * b.valued::numeric) AS gross_valued, sum(b.valued * b.valued)::numeric AS valued_valued
			FROM %1$s CROSS JOIN LATERAL (
				SELECT date_trunc(%2$L::text, p.at, %3$L::text) AS bucket_start, count(p.number) AS purchases, sum(cjm_internal.map_money(p.value)) AS value,
					sum(cjm_internal.map_money(p.value)) FILTER (WHERE p.number IS NOT NULL) AS gross, count(p.value) FILTER (WHERE p.number IS NOT NULL) AS valued
				FROM cjm.purchases(%4$s, %5$L::cjm.funnel, %6$s%7$s) p GROUP BY 1) b
			GROUP BY 1, 2',
		cjm_internal.map_journeys_by(map, split, concat(' WHERE ' || purchased, cjm_internal.map_where(map, CASE WHEN purchased IS NULL THEN 'WHERE' ELSE 'AND' END, words))),
		lower(period), (map).time_zone, cjm_internal.map_valued_journey(map), cjm_internal.map_purchase(map),
		CASE WHEN ranged THEN '$1, $2' ELSE '''-infinity''::timestamptz, ''infinity''::timestamptz' END, ', ' || quote_literal((map).refusal) || '::cjm.funnel');
END
$$;
COMMENT ON FUNCTION cjm_internal.map_purchase_metrics_sql(cjm_internal.map, text, text, boolean) IS 'SQL: what was bought in each period, and what the intervals of it are made of';

CREATE FUNCTION cjm_internal.map_answer_metrics_sql(map cjm_internal.map, period text, by text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	answers text[] := cjm_internal.map_answer_events(map);
BEGIN
	RETURN format('SELECT r.by_value, r.bucket_start, count(*) FILTER (WHERE r.event = %1$L) AS nps_answers, cjm.nps(r.score) FILTER (WHERE r.event = %1$L) AS nps,
				cjm.nps_interval(r.score) FILTER (WHERE r.event = %1$L) AS nps_interval,
				count(*) FILTER (WHERE r.event = %2$L) AS csat_answers, cjm.csat(r.score) FILTER (WHERE r.event = %2$L) AS csat,
				cjm.csat_interval(r.score) FILTER (WHERE r.event = %2$L) AS csat_interval,
				count(*) FILTER (WHERE r.event = %3$L) AS ces_answers, cjm.ces(r.score) FILTER (WHERE r.event = %3$L) AS ces,
				cjm.ces_interval(r.score) FILTER (WHERE r.event = %3$L) AS ces_interval
			FROM (SELECT %4$s AS by_value, date_trunc(%5$L::text, t.at, %6$L::text) AS bucket_start, t.event, t.value AS score
				FROM %7$s.journeys j CROSS JOIN LATERAL unnest(cjm_internal.map_answers(j.journey, %8$L::cjm.funnel, %9$L::text[], now())) t
				WHERE (%10$s) AND %11$s%12$s) r
			GROUP BY 1, 2',
		(map).nps, (map).csat, (map).ces, cjm_internal.map_split(cjm_internal.map_words(map), by), lower(period), (map).time_zone, cjm_internal.map_schema(map), (map).stages, answers,
		(SELECT coalesce(string_agg(format('cjm.has_event(j.journey, %L::text)', a.event), ' OR '), 'false') FROM unnest(answers) a(event)), cjm_internal.map_is_score(map),
		concat(CASE WHEN ranged THEN ' AND t.at >= $1 AND t.at < $2' END, cjm_internal.map_where(map, 'AND', cjm_internal.map_words(map))));
END
$$;
COMMENT ON FUNCTION cjm_internal.map_answer_metrics_sql(cjm_internal.map, text, text, boolean) IS 'SQL: scores of the answers of each period, with their intervals';

-- What all channels together cost and brought, or each.
CREATE FUNCTION cjm_internal.map_channel_metrics_sql(map cjm_internal.map, period text, by text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	channels text := cjm_internal.map_channels_sql(map, 'c.bucket,', NULL::text, period, 'conversion', NULL::text, ranged);
BEGIN
	RETURN format(CASE WHEN by IS NULL THEN 'SELECT NULL::text AS by_value, t.bucket AS bucket_start, t.conversions::float8 AS conversions, cjm_internal.map_money(t.paid::float8 / nullif(t.conversions, 0)::float8) AS cpa,
				(t.revenue / t.paid)::float8 AS roas
			FROM (SELECT c.bucket, nullif(sum(c.cost), 0) AS paid, sum(cjm_internal.map_money(c.conversions)) AS conversions, sum(c.revenue) AS revenue FROM (%s) c GROUP BY c.bucket) t'
		ELSE 'SELECT c.channel AS by_value, c.bucket AS bucket_start, c.conversions, c.cpa, c.roas FROM (%s) c' END, channels);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_channel_metrics_sql(cjm_internal.map, text, text, boolean) IS 'SQL: what was paid for a conversion in each period, and what came back of it';

-- The figures, in the columns of metric_report.
CREATE FUNCTION cjm_internal.map_metrics_sql(map cjm_internal.map, metrics text[], period text, by text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	families text[] := ARRAY(SELECT DISTINCT m.family FROM cjm_internal.map_metrics() m WHERE m.metric = ANY (metrics));
	completed integer := cjm_internal.map_completed_step(map);
	queries text[] := '{}';
	arms text;
BEGIN
	IF cjm_internal.map_period(period) < interval '1 day' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('figures cannot be of each %s', lower(period)),
			HINT = 'Periods are day, week, month, quarter and year.';
	END IF;
	IF 'funnel' = ANY (families) THEN
		queries := queries || format('f AS (%s)', cjm_internal.map_funnel_sql(map,
			format('s.label AS by_value, lower(s.entered) AS bucket_start, %s AS closed, cjm_internal.funnel_figures(s.stats, r.step) AS figures,', cjm_internal.map_bucket_sql(map)), by, period, ranged));
	END IF;
	IF 'sessions' = ANY (families) THEN
		queries := queries || format('s AS (SELECT v.by_value, v.bucket_start, %s AS closed, v.sessions, v.returning_sessions, v.bounces
			FROM (%s) v(by_value, bucket_start, sessions, customers, new_sessions, returning_sessions, bounces))',
			cjm_internal.map_over_sql(map, period, 'v.bucket_start', (map).session_gap), cjm_internal.map_session_report_sql(map, by, period, ranged));
	END IF;
	IF 'retention' = ANY (families) THEN
		queries := queries || format('r AS (SELECT c.label AS by_value, c.cohort::timestamp AT TIME ZONE %L AS bucket_start, c.period_over AS closed, c.cohort_size, c.retained FROM (%s) c WHERE c.number = 1)',
			(map).time_zone, cjm_internal.map_retention_sql(map, period, 'in', by, NULL, false, NULL, 1, NULL, NULL, false, ranged, true));
	END IF;
	IF 'purchases' = ANY (families) THEN
		queries := queries || format('p AS (SELECT q.*, %s AS closed, (q.gross / nullif(q.valued, 0)::numeric) AS mean,
				CASE WHEN q.payers > 1 THEN cjm_internal.student_95(q.payers - 1) * sqrt(greatest(0, q.payers::numeric / (q.payers - 1)::numeric * (q.gross_gross
					- 2 * (q.gross / q.valued::numeric) * q.gross_valued + (q.gross / q.valued::numeric) ^ 2 * q.valued_valued))::float8) / q.valued::float8 END AS reach FROM (%s) q)',
			cjm_internal.map_over_sql(map, period, 'q.bucket_start', interval '0'), cjm_internal.map_purchase_metrics_sql(map, period, by, ranged));
	END IF;
	IF 'channels' = ANY (families) THEN
		queries := queries || format('m AS (SELECT q.*, %s AS closed FROM (%s) q)', cjm_internal.map_over_sql(map, period, 'q.bucket_start', interval '0'), cjm_internal.map_channel_metrics_sql(map, period, by, ranged));
	END IF;
	IF 'feedback' = ANY (families) THEN
		queries := queries || format('a AS (SELECT q.*, %s AS closed FROM (%s) q)', cjm_internal.map_over_sql(map, period, 'q.bucket_start', interval '0'), cjm_internal.map_answer_metrics_sql(map, period, by, ranged));
	END IF;
	SELECT string_agg(format('SELECT %L::text AS metric, %s', m.metric, CASE m.metric
			WHEN 'step_rate' THEN 'f.step, f.stage, f.by_value, f.bucket_start, f.closed, f.figures[1]::bigint AS n, f.step_rate AS value, f.rate_low AS low, f.rate_high AS high FROM f WHERE f.step > 1'
			WHEN 'conversion' THEN format('f.step, f.stage, f.by_value, f.bucket_start, f.closed, f.figures[2]::bigint, f.overall_rate, i.rate_low, i.rate_high
				FROM f CROSS JOIN LATERAL cjm.rate_interval(f.customers, f.figures[2]::bigint, 1::bigint) i WHERE f.step = %s', completed)
			WHEN 'refusal_rate' THEN 'NULL::integer, NULL::text, g.by_value, g.bucket_start, g.closed, g.began, i.rate, i.rate_low, i.rate_high
				FROM (SELECT f.by_value, f.bucket_start, f.closed, max(f.figures[2])::bigint AS began, coalesce(sum(f.refused), 0)::bigint AS refused FROM f GROUP BY 1, 2, 3) g
					CROSS JOIN LATERAL cjm.rate_interval(g.refused, g.began, 1::bigint) i'
			WHEN 'median_time' THEN 'f.step, f.stage, f.by_value, f.bucket_start, f.closed, f.figures[3]::bigint, f.median_time_seconds, f.figures[4], f.figures[5] FROM f WHERE f.step > 1'
			WHEN 'median_total' THEN format('f.step, f.stage, f.by_value, f.bucket_start, f.closed, f.figures[3]::bigint, f.median_total_seconds, f.figures[6], f.figures[7] FROM f WHERE f.step = %s', completed)
			WHEN 'visits' THEN 'NULL::integer, NULL::text, s.by_value, s.bucket_start, s.closed, s.sessions, s.sessions::float8, NULL::float8, NULL::float8 FROM s'
			WHEN 'bounce_rate' THEN 'NULL::integer, NULL::text, s.by_value, s.bucket_start, s.closed, s.sessions, i.rate, i.rate_low, i.rate_high FROM s CROSS JOIN LATERAL cjm.rate_interval(s.bounces, s.sessions, 1::bigint) i'
			WHEN 'returning_share' THEN 'NULL::integer, NULL::text, s.by_value, s.bucket_start, s.closed, s.sessions, i.rate, i.rate_low, i.rate_high FROM s CROSS JOIN LATERAL cjm.rate_interval(s.returning_sessions, s.sessions, 1::bigint) i'
			WHEN 'retention' THEN 'NULL::integer, NULL::text, r.by_value, r.bucket_start, r.closed, r.cohort_size, i.rate, i.rate_low, i.rate_high FROM r CROSS JOIN LATERAL cjm.rate_interval(r.retained, r.cohort_size, 1::bigint) i'
			WHEN 'repeat_rate' THEN 'NULL::integer, NULL::text, p.by_value, p.bucket_start, p.closed, p.customers, i.rate, i.rate_low, i.rate_high FROM p CROSS JOIN LATERAL cjm.rate_interval(p.repeats, p.customers, 1::bigint) i'
			WHEN 'order_value' THEN 'NULL::integer, NULL::text, p.by_value, p.bucket_start, p.closed, p.valued, p.mean::float8, CASE WHEN p.reach IS NOT NULL THEN greatest(0, p.mean::float8 - p.reach) END, p.mean::float8 + p.reach FROM p'
			WHEN 'revenue' THEN 'NULL::integer, NULL::text, p.by_value, p.bucket_start, p.closed, p.purchases, p.value::float8, NULL::float8, NULL::float8 FROM p'
			WHEN 'cpa' THEN 'NULL::integer, NULL::text, m.by_value, m.bucket_start, m.closed, round(m.conversions)::bigint, m.cpa::float8, NULL::float8, NULL::float8 FROM m'
			WHEN 'roas' THEN 'NULL::integer, NULL::text, m.by_value, m.bucket_start, m.closed, round(m.conversions)::bigint, m.roas, NULL::float8, NULL::float8 FROM m'
			ELSE format('NULL::integer, NULL::text, a.by_value, a.bucket_start, a.closed, a.%1$s_answers, a.%1$s, a.%1$s_interval[1], a.%1$s_interval[2] FROM a', m.metric) END), '
		UNION ALL ' ORDER BY m.place) INTO arms
	FROM cjm_internal.map_metrics() m WHERE m.metric = ANY (metrics);
	RETURN format('WITH %s SELECT u.metric, u.step, u.stage, u.by_value, u.bucket_start, u.closed, u.n, u.value, u.low, u.high
		FROM (%s) u(metric, step, stage, by_value, bucket_start, closed, n, value, low, high) WHERE u.value IS NOT NULL
		ORDER BY array_position(%L::text[], u.metric), u.step, u.by_value COLLATE "C", u.bucket_start', array_to_string(queries, ', '), arms, metrics);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_metrics_sql(cjm_internal.map, text[], text, text, boolean) IS 'SQL of the view metrics and of metric_report';

CREATE FUNCTION cjm_internal.map_metrics_view_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('SELECT v.metric, v.step, v.stage, (v.bucket_start AT TIME ZONE %L)::date AS week, v.closed, v.n, v.value, v.low, v.high FROM (%s) v', (map).time_zone,
	cjm_internal.map_metrics_sql(map, cjm_internal.map_metrics_of(map, NULL::text, NULL::text), 'week', NULL::text, false));
COMMENT ON FUNCTION cjm_internal.map_metrics_view_sql(cjm_internal.map) IS 'SQL of the view metrics';

-- A name cannot be an argument and a column in PL/pgSQL.
CREATE FUNCTION cjm_internal.map_metric_report(map text, wanted text, period text, from_time timestamptz, to_time timestamptz, by text, where_is jsonb)
	RETURNS TABLE (metric text, step integer, stage text, by_value text, bucket_start timestamptz, closed boolean, n bigint, value float8, low float8, high float8)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 1000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
BEGIN
	RETURN QUERY EXECUTE cjm_internal.map_metrics_sql(def, cjm_internal.map_metrics_of(def, wanted, by), coalesce(period, 'week'), by, cjm_internal.map_ranged(from_time, to_time))
		USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;
COMMENT ON FUNCTION cjm_internal.map_metric_report(text, text, text, timestamptz, timestamptz, text, jsonb) IS 'metric_report';

CREATE FUNCTION cjm.metric_report(
	map text,
	metric text DEFAULT NULL,
	period text DEFAULT 'week',
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	by text DEFAULT NULL,
	where_is jsonb DEFAULT NULL)
	RETURNS TABLE (metric text, step integer, stage text, by_value text, bucket_start timestamptz, closed boolean, n bigint, value float8, low float8, high float8)
	LANGUAGE sql STABLE PARALLEL RESTRICTED COST 10000 ROWS 1000
BEGIN ATOMIC
	SELECT r.metric, r.step, r.stage, r.by_value, r.bucket_start, r.closed, r.n, r.value, r.low, r.high
	FROM cjm_internal.map_metric_report($1, $2, $3, $4, $5, $6, $7) r;
END;
COMMENT ON FUNCTION cjm.metric_report(text, text, text, timestamptz, timestamptz, text, jsonb) IS
'figures of a map over time, a row for each figure and period, as the reports that they are taken from have them.
metric: NULL for all that the map has, or one:
step_rate, conversion, refusal_rate (who said no, as a share of those who began), median_time (since the step before), median_total (since the first; in seconds) of walks that begin in the period, as in funnel_report;
visits, bounce_rate, returning_share of sessions that begin in it, as in session_report; retention: who of those first seen in it came back in the next, as in retention_report;
repeat_rate, order_value, revenue (less refunds) of purchases in it, as in purchase_report; cpa, roas of conversions, purchases and days of it, of all channels together or by => ''channel'' each, as in channels_report;
nps, csat, ces of answers in it, as in feedback_report
period: day, week, month, quarter or year
by: NULL, or what those reports can be split by: a dimension of the map (segment), first_channel, channel; of all figures those are left out whose report knows no such word, as for where_is
closed: whether the period is over, and the time that its walks, sessions and cohorts have, so that nothing but late rows changes it
n: what the figure is a share or a mean of, or how many are counted: customers, sessions, purchases, conversions, answers; there is no row where there is nothing to say
low, high: the 95 % interval: Wilson for shares, order statistics for medians, linearized over customers with Student''s t for order_value, as nps_interval and ces_interval; NULL of counts and sums, which are no sample, and of too few';

CREATE FUNCTION cjm_internal.map_metrics_comments() RETURNS TABLE (view_name text, column_name text, comment text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 10
BEGIN ATOMIC
	SELECT v.view_name, v.column_name, v.comment
	FROM (VALUES
		('metrics', NULL, 'one row per figure and week: step rates, conversion, times, visits, retention, orders, money and scores over time'),
		('metrics', 'metric', 'the figure, as metric_report has it'),
		('metrics', 'step', 'the step of the funnel that it is of, NULL if of none'),
		('metrics', 'stage', 'its name'),
		('metrics', 'week', 'the Monday of the ISO week, in the map''s time zone: of entry, of the session, of the cohort, of the purchase or of the answer'),
		('metrics', 'closed', 'whether the week is over, and the time that its walks, sessions and cohorts have, so that nothing but late rows changes it'),
		('metrics', 'n', 'what the figure is a share or a mean of, or how many are counted'),
		('metrics', 'value', 'the figure; times are in seconds'),
		('metrics', 'low', 'lower end of its 95 % interval; NULL of counts and sums, which are no sample, and of too few'),
		('metrics', 'high', 'upper end of it')) v(view_name, column_name, comment);
END;
COMMENT ON FUNCTION cjm_internal.map_metrics_comments() IS 'the comments of the view metrics';
