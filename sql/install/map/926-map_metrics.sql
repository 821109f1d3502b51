--
-- Figures over time: what the reports of a map say of each day, week or month, in one long table.
--
-- Each figure has the definition of the report of its name, and the 95 % interval that goes with it:
--
--   shares of customers    Wilson (rate_interval)
--   shares of sessions     Wilson, of as many independent ones as the ratio of sums over customers is as sure as (clustered_rate)
--   medians                order statistics (funnel_figures)
--   visits, revenue        compound Poisson, of customers who come independently of each other (clustered_total); of it roas and cpa, since
--                          what was paid is known
--   order_value            a ratio of sums over customers, since orders of one customer are like each other: linearized, with Student's t
--                          (W. G. Cochran, Sampling Techniques, 6.3; A. Deng, U. Knoblich and J. Lu, Applying the Delta Method in Metric Analytics, 2018)
--   nps, ces               as nps_interval and ces_interval have it
--
-- All figures that are of customers, or of parts of them that are theirs as a whole, come from one
-- pass over the journeys (map_metrics_pass_sql), in which each figure that is asked for has an
-- aggregate that knows all periods.  What is split by something that a session or a touchpoint has takes
-- a pass of its own: sessions by their own channel, credit by channel.
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
	WHEN 'channels' THEN '{channel}'::text[]
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
			HINT = CASE family WHEN 'channels' THEN 'It can by channel: of what was spent nothing else is known.' ELSE cjm_internal.map_words_hint(cjm_internal.map_metric_words(map, family, true), by, 'It can by ') END;
	END IF;
	SELECT a INTO unknown FROM unnest(asked) a WHERE a <> ALL (cjm_internal.map_metric_words(map, family, false)) ORDER BY a LIMIT 1;
	IF FOUND THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('%s cannot be asked for "%s"', metric, left(unknown, 100)),
			HINT = CASE family WHEN 'channels' THEN 'where_is may have channel: of what was spent nothing else is known.' ELSE cjm_internal.map_words_hint(cjm_internal.map_metric_words(map, family, false), unknown, 'where_is may have ') END;
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

-- Whether a report of sessions is of parts of customers, that is, of their sessions by what each of these has.
CREATE FUNCTION cjm_internal.map_asks_sessions(map cjm_internal.map, by text) RETURNS boolean
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN coalesce(by = ANY ('{channel,session_channel,entry_event,exit_event,visitor}'::text[]), false) OR coalesce((map).where_is ?| '{channel,session_channel,entry_event,exit_event,visitor}'::text[], false);
COMMENT ON FUNCTION cjm_internal.map_asks_sessions(cjm_internal.map, text) IS 'whether sessions are split by, or asked for by, what a session has and not its customer';

-- Of sessions by what they have themselves: the sums that session_sums_agg has of customers, in its order.
CREATE FUNCTION cjm_internal.map_session_metrics_sql(map cjm_internal.map, period text, by text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	words jsonb := cjm_internal.map_words(map);
	of_session jsonb := '{"channel": "s.channel", "session_channel": "s.channel", "entry_event": "s.entry_event", "exit_event": "s.exit_event",
		"visitor": "CASE WHEN s.session_number = 1 THEN ''new'' ELSE ''returning'' END"}';
BEGIN
	RETURN format('SELECT w.label, w.bucket_start, ARRAY[count(*)::numeric, sum(w.sessions), sum(w.returning), sum(w.bounces), sum(w.sessions * w.sessions), sum(w.returning * w.returning), sum(w.returning * w.sessions),
				sum(w.bounces * w.bounces), sum(w.bounces * w.sessions)] AS sums
			FROM %1$s CROSS JOIN LATERAL (
				SELECT %2$s AS label, date_trunc(%3$L::text, s.started_at, %4$L::text) AS bucket_start, count(*) AS sessions, count(*) FILTER (WHERE s.session_number > 1) AS returning,
					count(*) FILTER (WHERE s.touch_count = 1) AS bounces
				FROM cjm.sessions(%5$s, %6$L::interval, %7$s) s WHERE %8$s%9$s GROUP BY 1, 2) w
			GROUP BY 1, 2',
		cjm_internal.map_journeys_by(map, cjm_internal.map_split(words || of_session, CASE WHEN NOT of_session ? by THEN by END), cjm_internal.map_where(map, 'WHERE', words, ARRAY(SELECT jsonb_object_keys(of_session)))),
		coalesce(of_session ->> by, 'j.label'), lower(period), (map).time_zone, cjm_internal.map_visits_sql(map, 'j.journey'), (map).session_gap, cjm_internal.map_session_rule_sql(map),
		CASE WHEN ranged THEN 's.started_at >= $1 AND s.started_at < $2' ELSE 'true' END,
		cjm_internal.map_where(map, 'AND', of_session, ARRAY(SELECT jsonb_object_keys(words - ARRAY(SELECT jsonb_object_keys(of_session))))));
END
$$;
COMMENT ON FUNCTION cjm_internal.map_session_metrics_sql(cjm_internal.map, text, text, boolean) IS 'SQL: sums of sessions by what they have themselves, in the order of session_sums_agg, for each part and period';

-- What was paid in each period, by what of it is asked for.
CREATE FUNCTION cjm_internal.map_paid_sql(map cjm_internal.map, period text, by text, ranged boolean) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('SELECT %1$s AS label, date_trunc(%2$L::text, s.day::timestamp) AT TIME ZONE %3$L AS bucket_start, sum(CASE WHEN %4$s THEN s.cost END) AS cost
		FROM %5$s.spend s WHERE s.day IS NOT NULL%6$s%7$s GROUP BY 1, 2',
	CASE WHEN by IS NULL THEN 'NULL::text' ELSE 's.channel' END, lower(period), (map).time_zone, cjm_internal.map_is_amount('s.cost'), cjm_internal.map_schema(map),
	CASE WHEN ranged THEN format(' AND s.day::timestamp AT TIME ZONE %1$L >= $1 AND s.day::timestamp AT TIME ZONE %1$L < $2', (map).time_zone) END,
	cjm_internal.map_where(map, 'AND', '{"channel": "s.channel"}'));
COMMENT ON FUNCTION cjm_internal.map_paid_sql(cjm_internal.map, text, text, boolean) IS 'SQL: what was paid in each period, for all channels that are asked for together, or for each';

-- Of the channels that are asked for, all together or each: what was paid, and what customers have been credited to them, with its squares.  Credit
-- is added up as channels_report does.
CREATE FUNCTION cjm_internal.map_channel_metrics_sql(map cjm_internal.map, period text, by text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	credits text[] := ARRAY(SELECT format('SELECT a.conversion_at AS at, a.channel, %s AS credit, %s AS revenue FROM %s a%s',
			CASE l.place WHEN 0 THEN 'a.credit' ELSE 'NULL::float8' END, CASE l.place WHEN 0 THEN 'NULL::float8' ELSE 'a.value' END,
			cjm_internal.map_attribute_sql(map, l.list, coalesce((map).attribution, 'last_touch'), cjm_internal.map_attribution_per(map), cjm_internal.map_only_channels(map)), l.condition)
		FROM cjm_internal.map_credited(map) l ORDER BY l.place);
	sums text;
BEGIN
	sums := format('%s AS label, date_trunc(%L::text, x.at, %L::text) AS bucket_start, sum(x.credit) AS credit, sum(x.revenue) AS revenue, sum(x.revenue) FILTER (WHERE x.revenue > 0) AS gross, bool_or(x.revenue < 0) AS negative',
		CASE WHEN by IS NULL THEN 'NULL::text' ELSE 'x.channel' END, lower(period), (map).time_zone);
	RETURN format('SELECT u.label, u.bucket_start, nullif(sum(u.cost), 0) AS paid, coalesce(sum(u.credit), 0) AS conversions, sum(cjm_internal.map_money(u.credit) ^ 2)::float8 AS squares,
			cjm_internal.map_money(coalesce(sum(u.revenue), 0)) AS value, sum(cjm_internal.map_money(u.revenue) ^ 2)::float8 AS value_squares,
			sum(cjm_internal.map_money(u.gross))::float8 AS gross, sum(cjm_internal.map_money(u.gross) ^ 2)::float8 AS gross_squares, coalesce(bool_or(u.negative), false) AS negative
		FROM (SELECT s.label, s.bucket_start, s.cost, NULL::float8 AS credit, NULL::float8 AS revenue, NULL::float8 AS gross, NULL::boolean AS negative FROM (%1$s) s
			UNION ALL
			SELECT w.label, w.bucket_start, NULL::numeric, w.credit, w.revenue, w.gross, w.negative
			FROM %2$s w) u
		GROUP BY 1, 2',
		cjm_internal.map_paid_sql(map, period, by, ranged),
		-- Of each customer, by the journey where nobody needs a right to the key then; Citus takes the key.
		format(CASE WHEN cjm_internal.map_distributed((map).source) THEN '(SELECT %3$s FROM %1$s.journeys j CROSS JOIN LATERAL (%2$s) x WHERE %4$s GROUP BY j.customer, 1, 2)'
				ELSE '%1$s.journeys j CROSS JOIN LATERAL (SELECT %3$s FROM (%2$s) x WHERE %4$s GROUP BY 1, 2)' END,
			cjm_internal.map_schema(map), cjm_internal.map_arms_sql(map, credits, '{at,channel,credit,revenue}'), sums,
			concat(CASE WHEN ranged THEN 'x.at >= $1 AND x.at < $2' ELSE 'true' END, cjm_internal.map_where(map, 'AND', '{"channel": "x.channel"}'))));
END
$$;
COMMENT ON FUNCTION cjm_internal.map_channel_metrics_sql(cjm_internal.map, text, text, boolean) IS 'SQL: what was paid for channels in each period, what they were credited with, and how unlike customers are in that';

-- The pass over the journeys: a row for each part of the customers, and for each period of walks and of answers, with the
-- columns that are asked for: sessions, cohorts, purchases, conversions (for period_sums), stats and refused (of funnel_agg), and scores.
--
-- kind 0 is the customers, and 1 and more are they once more, where figures mean different things by the word that splits them; -1
-- is walks, by the period in which they begin, and -2 answers.  What is asked for is a condition on all of them where it means the same.
CREATE FUNCTION cjm_internal.map_metrics_pass_sql(map cjm_internal.map, asked text[], period text, by text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	range text := CASE WHEN ranged THEN '$1, $2' ELSE '''-infinity''::timestamptz, ''infinity''::timestamptz' END;
	periods text := format('%L::text, %L::text', lower(period), (map).time_zone);
	entered text := CASE WHEN ranged THEN 'b.entered * tstzrange($1, $2)' ELSE 'b.entered' END;
	walk_words jsonb := cjm_internal.map_walk_words(map, entered);
	bought_words jsonb := cjm_internal.map_walk_words(map, NULL::text) - 'session_channel';
	events text[] := cjm_internal.map_answer_events(map);
	none CONSTANT text := 'NULL::tstzrange AS entered, NULL::timestamptz AS bucket_start, NULL::timestamptz AS refused, NULL::text AS event, NULL::float8 AS score';
	wanted record;
	split text;
	which text;
	number integer;
	labels text[] := '{}';
	arms text[] := '{}';
	kinds integer[] := '{}';
	conditions text[] := '{}';
	columns text := '';
BEGIN
	bought_words := bought_words || jsonb_build_object('channel', bought_words -> 'first_channel');
	FOR wanted IN
		SELECT w.name, w.words, w.aggregate FROM (VALUES
			(1, 'sessions', cjm_internal.map_words(map), format('cjm_internal.session_sums_agg(%s, %s, %s, %L::interval, %L::text)', cjm_internal.map_visits_sql(map, 'j.journey'), range, periods, (map).session_gap, (map).session_rule)),
			(2, 'cohorts', cjm_internal.map_customer_words(map), format('cjm_internal.cohort_agg(j.journey, %s, %s, NULL::text, NULL::integer[], ''in''::text, NULL::cjm.funnel, false, NULL::cjm.funnel, 1, NULL::cjm.funnel, NULL::cjm.funnel)', range, periods)),
			(3, 'purchases', bought_words, format('cjm_internal.purchase_sums_agg(%s, %s, %s, %L::cjm.funnel, %L::cjm.funnel)', cjm_internal.map_valued_journey(map), range, periods, cjm_internal.map_purchase(map), (map).refusal)),
			(4, 'conversions', cjm_internal.map_words(map), format('cjm_internal.conversion_sums_agg(%s, %s, %s, %L::cjm.funnel)', cjm_internal.map_earning_journey(map), range, periods, (map).stages))) w(place, name, words, aggregate)
		WHERE w.name = ANY (asked) ORDER BY w.place
	LOOP
		split := cjm_internal.map_split(wanted.words, by);
		which := cjm_internal.map_where(map, 'AND', wanted.words);
		number := (SELECT min(a.place) - 1 FROM unnest(labels, conditions) WITH ORDINALITY a(label, condition, place) WHERE a.label = split AND a.condition = which);
		IF number IS NULL THEN
			number := cardinality(labels);
			labels := labels || split;
			kinds := kinds || number;
			conditions := conditions || which;
			arms := arms || format('SELECT %s AS kind, %s AS label, %s FROM (VALUES (1)) one', number, split, none);
		END IF;
		columns := columns || format(', %s FILTER (WHERE x.kind = %s) AS %I', wanted.aggregate, number, wanted.name);
	END LOOP;
	IF 'stats' = ANY (asked) THEN
		-- Who refused is asked once, and not where it is used.
		arms := arms || format('SELECT -1 AS kind, %s AS label, b.entered, NULL::timestamptz AS bucket_start, %s AS refused, NULL::text AS event, NULL::float8 AS score FROM cjm_internal.map_entry_buckets(j.journey, %L::cjm.funnel, %s) b(entered)',
			cjm_internal.map_split(walk_words, by), CASE WHEN 'refused' = ANY (asked) THEN cjm_internal.map_refused_sql(map, entered) ELSE 'NULL::timestamptz' END, (map).stages, periods);
		kinds := kinds || -1;
		conditions := conditions || cjm_internal.map_where(map, 'AND', cjm_internal.map_walk_words(map, replace(entered, 'b.', 'x.')));
		columns := columns || format(', cjm.funnel_agg(j.journey, %L::cjm.funnel, %s) FILTER (WHERE x.kind = -1) AS stats', (map).stages, replace(entered, 'b.', 'x.'));
		IF 'refused' = ANY (asked) THEN
			columns := columns || format(', cjm.funnel_agg(j.journey, %L::cjm.funnel, %s) FILTER (WHERE x.refused IS NOT NULL) AS refused', (map).stages, replace(entered, 'b.', 'x.'));
		END IF;
	END IF;
	IF 'answers' = ANY (asked) THEN
		-- Journeys without answers are not opened; what is no score is no answer.
		arms := arms || format('SELECT -2 AS kind, %s AS label, NULL::tstzrange AS entered, date_trunc(%L::text, t.at, %L::text) AS bucket_start, NULL::timestamptz AS refused, CASE WHEN %s%s THEN t.event END AS event, t.value AS score
			FROM (VALUES (now())) n(now) CROSS JOIN LATERAL unnest(CASE WHEN %s THEN cjm_internal.map_answers(j.journey, %L::cjm.funnel, %L::text[], n.now) END) t',
			cjm_internal.map_split(cjm_internal.map_words(map), by), lower(period), (map).time_zone, cjm_internal.map_is_score(map), CASE WHEN ranged THEN ' AND t.at >= $1 AND t.at < $2' END,
			(SELECT string_agg(format('cjm.has_event(j.journey, %L::text)', a.event), ' OR ') FROM unnest(events) a(event)), (map).stages, events);
		kinds := kinds || -2;
		conditions := conditions || cjm_internal.map_where(map, 'AND', cjm_internal.map_words(map));
		columns := concat(columns, (SELECT string_agg(format(', count(*) FILTER (WHERE x.event = %1$L) AS %2$s_answers, cjm.%2$s(x.score) FILTER (WHERE x.event = %1$L) AS %2$s, cjm.%2$s_interval(x.score) FILTER (WHERE x.event = %1$L) AS %2$s_interval', s.event, s.name), '')
			FROM (VALUES ('nps', (map).nps), ('csat', (map).csat), ('ces', (map).ces)) s(name, event) WHERE s.name = ANY (asked)));
	END IF;
	which := CASE WHEN conditions[1] = ALL (conditions) THEN conditions[1]
		ELSE (SELECT format(' AND CASE x.kind %s END', string_agg(format('WHEN %s THEN true%s', c.kind, c.condition), ' ' ORDER BY c.place)) FROM unnest(kinds, conditions) WITH ORDINALITY c(kind, condition, place)) END;
	IF ranged AND 'stats' = ANY (asked) THEN
		which := which || ' AND (x.entered IS NULL OR x.entered && tstzrange($1, $2))';
	END IF;
	-- Conditions stand outside of the union, for which there would be no workers otherwise.
	RETURN format('SELECT x.kind, x.label%1$s%2$s%3$s FROM %4$s.journeys j CROSS JOIN LATERAL (%5$s) x%6$s GROUP BY x.kind, x.label%1$s%2$s',
		CASE WHEN 'stats' = ANY (asked) THEN ', x.entered' END, CASE WHEN 'answers' = ANY (asked) THEN ', x.bucket_start' END, columns, cjm_internal.map_schema(map),
		cjm_internal.map_arms_sql(map, arms, '{kind,label,entered,bucket_start,refused,event,score}'),
		' WHERE ' || substr(nullif(which, ''), 6));
END
$$;
COMMENT ON FUNCTION cjm_internal.map_metrics_pass_sql(cjm_internal.map, text[], text, text, boolean) IS 'SQL: one pass over the journeys that adds up what figures are made of, those that are asked for';

-- The figures, in the columns of metric_report.
CREATE FUNCTION cjm_internal.map_metrics_sql(map cjm_internal.map, metrics text[], period text, by text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	families text[] := ARRAY(SELECT DISTINCT m.family FROM cjm_internal.map_metrics() m WHERE m.metric = ANY (metrics));
	completed integer := cjm_internal.map_completed_step(map);
	periods text := format('%L::text, %L::text', lower(period), (map).time_zone);
	-- What sessions and channels have of their own takes a pass of its own.
	of_sessions boolean := cjm_internal.map_asks_sessions(map, by);
	of_channels boolean := by IS NOT NULL OR (map).where_is IS NOT NULL;
	asked text[];
	queries text[] := '{}';
	arms text;
BEGIN
	IF cjm_internal.map_period(period) < interval '1 day' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('figures cannot be of each %s', lower(period)),
			HINT = 'Periods are day, week, month, quarter and year.';
	END IF;
	asked := ARRAY(SELECT a.name FROM (VALUES
			('sessions', 'sessions' = ANY (families) AND NOT of_sessions), ('cohorts', 'retention' = ANY (families)), ('purchases', 'purchases' = ANY (families) OR ('roas' = ANY (metrics) AND NOT of_channels)),
			('conversions', 'channels' = ANY (families) AND NOT of_channels), ('stats', 'funnel' = ANY (families)), ('refused', 'refusal_rate' = ANY (metrics)), ('answers', 'feedback' = ANY (families)),
			('nps', 'nps' = ANY (metrics)), ('csat', 'csat' = ANY (metrics)), ('ces', 'ces' = ANY (metrics))) a(name, is_asked) WHERE a.is_asked);
	IF families = '{funnel}' THEN
		-- Which the rows tell without journeys, where the map has none that are kept.
		queries := queries || format('g AS (SELECT -1 AS kind, w.label, w.entered, w.stats%1$s FROM (%2$s) w)', CASE WHEN 'refused' = ANY (asked) THEN ', w.refused' END,
			cjm_internal.map_funnel_rows_sql(map, by, period, ranged, format('SELECT NULL::text AS dimension, q.label, q.entered, q.stats, NULL::bigint[] AS open%s, NULL::bigint AS customers FROM (%s) q',
				CASE WHEN (map).refusal IS NULL THEN '' WHEN 'refused' = ANY (asked) THEN ', q.refused' ELSE ', NULL::cjm.funnel_stats AS refused' END, cjm_internal.map_metrics_pass_sql(map, asked, period, by, ranged))));
	ELSIF asked <> '{}' THEN
		queries := queries || format('g AS (%s)', cjm_internal.map_metrics_pass_sql(map, asked, period, by, ranged));
	END IF;
	IF 'stats' = ANY (asked) THEN
		queries := queries || format('f AS (SELECT s.label AS by_value, lower(s.entered) AS bucket_start, %1$s AS closed, r.step, r.stage, r.customers, r.step_rate, r.overall_rate, r.rate_low, r.rate_high,
				extract(epoch FROM r.median_time)::float8 AS median_time_seconds, extract(epoch FROM r.median_total)::float8 AS median_total_seconds, cjm_internal.funnel_figures(s.stats, r.step) AS figures%2$s
			FROM (SELECT g.* FROM g WHERE g.kind = -1) s CROSS JOIN LATERAL cjm.report(s.stats) r%3$s)',
			cjm_internal.map_bucket_sql(map), CASE WHEN 'refused' = ANY (asked) THEN ', n.dropped AS refused' END,
			CASE WHEN 'refused' = ANY (asked) THEN format(' JOIN LATERAL cjm.report(coalesce(s.refused, cjm.funnel_stats(%L::cjm.funnel))) n ON n.step = r.step', (map).stages) END);
	END IF;
	IF 'sessions' = ANY (families) THEN
		queries := queries || format('s AS (SELECT q.label AS by_value, q.bucket_start, %s AS closed, q.sums[1]::bigint AS customers, q.sums[2]::bigint AS sessions, q.sums[3]::bigint AS returning_sessions, q.sums[4]::bigint AS bounces, q.sums::float8[] AS sums
			FROM (%s) q)', cjm_internal.map_over_sql(map, period, 'q.bucket_start', (map).session_gap),
			CASE WHEN of_sessions THEN cjm_internal.map_session_metrics_sql(map, period, by, ranged)
				ELSE format('SELECT g.label, b.bucket_start, b.sums FROM g CROSS JOIN LATERAL cjm_internal.period_sums(g.sessions, %s, 9) b', periods) END);
	END IF;
	IF 'retention' = ANY (families) THEN
		queries := queries || format('r AS (SELECT c.label AS by_value, c.cohort::timestamp AT TIME ZONE %L AS bucket_start, c.period_over AS closed, c.cohort_size, c.retained
			FROM (SELECT t.label, k.cohort, k.number, k.period_over, k.cohort_size, k.retained
				FROM (SELECT g.label, g.cohorts, max(cjm_internal.cohort_last(g.cohorts)) OVER () AS last FROM g WHERE g.cohorts IS NOT NULL) t
					CROSS JOIN LATERAL cjm_internal.cohort_cells(t.cohorts, t.last, now(), %s, NULL::text, NULL::integer[], ''in''::text) k) c WHERE c.number = 1)',
			(map).time_zone, periods);
	END IF;
	IF 'purchases' = ANY (asked) THEN
		-- Amounts are in billionths, and products of two in billionths of them.
		queries := queries || format('p AS (SELECT v.*, v.gross / nullif(v.valued, 0)::numeric AS mean,
				CASE WHEN v.payers > 1 THEN cjm_internal.student_95(v.payers - 1) * sqrt(greatest(0, v.payers::numeric / (v.payers - 1)::numeric * (v.gross_gross
					- 2 * (v.gross / v.valued::numeric) * v.gross_valued + (v.gross / v.valued::numeric) ^ 2 * v.valued_valued))::float8) / v.valued::float8 END AS reach
			FROM (SELECT g.label AS by_value, b.bucket_start, %s AS closed, b.sums[1]::bigint AS customers, b.sums[2]::bigint AS repeats, b.sums[3]::bigint AS purchases, b.sums[4]::bigint AS valued, b.sums[5]::bigint AS payers,
					CASE WHEN b.sums[6] > 0 THEN trim_scale(b.sums[7] * 1e-9) END AS value, trim_scale(b.sums[8] * 1e-9) AS gross, b.sums[9] * 1e-18 AS value_value, b.sums[10] * 1e-18 AS gross_gross,
					b.sums[11] * 1e-9 AS gross_valued, b.sums[12] AS valued_valued, b.sums[13] > 0 AS negative
				FROM g CROSS JOIN LATERAL cjm_internal.period_sums(g.purchases, %s, 13) b) v)',
			cjm_internal.map_over_sql(map, period, 'b.bucket_start', interval '0'), periods);
	END IF;
	IF 'channels' = ANY (families) THEN
		queries := queries || format('m AS (SELECT q.label AS by_value, q.bucket_start, %s AS closed, q.paid, q.conversions, i.low AS conversions_low, i.high AS conversions_high, q.value, v.low AS value_low, v.high AS value_high
			FROM (%s) q CROSS JOIN LATERAL cjm_internal.clustered_total(q.conversions, q.squares, q.conversions, q.squares, false) i
				CROSS JOIN LATERAL cjm_internal.clustered_total(q.value::float8, q.value_squares, q.gross, q.gross_squares, q.negative) v)',
			cjm_internal.map_over_sql(map, period, 'q.bucket_start', interval '0'),
			CASE WHEN of_channels THEN cjm_internal.map_channel_metrics_sql(map, period, by, ranged)
				ELSE format('SELECT NULL::text AS label, s.bucket_start, nullif(s.cost, 0) AS paid, coalesce(c.sums[2], 0)::float8 AS conversions, c.sums[3]::float8 AS squares, %s
				FROM (%s) s LEFT JOIN (SELECT b.bucket_start, b.sums FROM g CROSS JOIN LATERAL cjm_internal.period_sums(g.conversions, %s, 3) b) c ON c.bucket_start = s.bucket_start%s',
				CASE WHEN 'roas' = ANY (metrics) THEN 'coalesce(p.value, 0) AS value, p.value_value::float8 AS value_squares, p.gross::float8 AS gross, p.gross_gross::float8 AS gross_squares, p.negative'
					ELSE 'NULL::numeric AS value, NULL::float8 AS value_squares, NULL::float8 AS gross, NULL::float8 AS gross_squares, NULL::boolean AS negative' END,
				cjm_internal.map_paid_sql(map, period, by, ranged), periods, CASE WHEN 'roas' = ANY (metrics) THEN ' LEFT JOIN p ON p.bucket_start = s.bucket_start' END) END);
	END IF;
	IF 'feedback' = ANY (families) THEN
		queries := queries || format('a AS (SELECT q.label AS by_value, q.*, %s AS closed FROM g q WHERE q.kind = -2)', cjm_internal.map_over_sql(map, period, 'q.bucket_start', interval '0'));
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
			WHEN 'visits' THEN 'NULL::integer, NULL::text, s.by_value, s.bucket_start, s.closed, s.sessions, s.sessions::float8, i.low, i.high
				FROM s CROSS JOIN LATERAL cjm_internal.clustered_total(s.sums[2], s.sums[5], s.sums[2], s.sums[5], false) i'
			WHEN 'bounce_rate' THEN 'NULL::integer, NULL::text, s.by_value, s.bucket_start, s.closed, s.sessions, s.bounces::float8 / s.sessions::float8, i.low, i.high
				FROM s CROSS JOIN LATERAL cjm_internal.clustered_rate(s.customers, s.bounces, s.sessions, s.sums[8], s.sums[9], s.sums[5]) i'
			WHEN 'returning_share' THEN 'NULL::integer, NULL::text, s.by_value, s.bucket_start, s.closed, s.sessions, s.returning_sessions::float8 / s.sessions::float8, i.low, i.high
				FROM s CROSS JOIN LATERAL cjm_internal.clustered_rate(s.customers, s.returning_sessions, s.sessions, s.sums[6], s.sums[7], s.sums[5]) i'
			WHEN 'retention' THEN 'NULL::integer, NULL::text, r.by_value, r.bucket_start, r.closed, r.cohort_size, i.rate, i.rate_low, i.rate_high FROM r CROSS JOIN LATERAL cjm.rate_interval(r.retained, r.cohort_size, 1::bigint) i'
			WHEN 'repeat_rate' THEN 'NULL::integer, NULL::text, p.by_value, p.bucket_start, p.closed, p.customers, i.rate, i.rate_low, i.rate_high FROM p CROSS JOIN LATERAL cjm.rate_interval(p.repeats, p.customers, 1::bigint) i'
			WHEN 'order_value' THEN 'NULL::integer, NULL::text, p.by_value, p.bucket_start, p.closed, p.valued, p.mean::float8, CASE WHEN p.reach IS NOT NULL THEN greatest(0, p.mean::float8 - p.reach) END, p.mean::float8 + p.reach FROM p'
			WHEN 'revenue' THEN 'NULL::integer, NULL::text, p.by_value, p.bucket_start, p.closed, p.purchases, p.value::float8, i.low, i.high
				FROM p CROSS JOIN LATERAL cjm_internal.clustered_total(p.value::float8, p.value_value::float8, p.gross::float8, p.gross_gross::float8, p.negative) i'
			WHEN 'cpa' THEN 'NULL::integer, NULL::text, m.by_value, m.bucket_start, m.closed, round(m.conversions)::bigint, cjm_internal.map_money(m.paid::float8 / nullif(m.conversions, 0))::float8,
				least(m.paid::float8 / m.conversions_high, m.paid::float8 / m.conversions_low), greatest(m.paid::float8 / m.conversions_high, m.paid::float8 / m.conversions_low) FROM m'
			WHEN 'roas' THEN 'NULL::integer, NULL::text, m.by_value, m.bucket_start, m.closed, round(m.conversions)::bigint, (m.value / m.paid)::float8,
				least(m.value_low / m.paid::float8, m.value_high / m.paid::float8), greatest(m.value_low / m.paid::float8, m.value_high / m.paid::float8) FROM m'
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
low, high: the 95 % interval: Wilson for shares of customers, and of sessions of as many independent ones as the ratio of sums over customers is as sure as; order statistics for medians; compound Poisson for visits and revenue, and so for cpa and roas; linearized over customers with Student''s t for order_value; as nps_interval and ces_interval. NULL of too few';

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
		('metrics', 'low', 'lower end of its 95 % interval; NULL of too few'),
		('metrics', 'high', 'upper end of it')) v(view_name, column_name, comment);
END;
COMMENT ON FUNCTION cjm_internal.map_metrics_comments() IS 'the comments of the view metrics';
