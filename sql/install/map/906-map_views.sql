--
-- The queries of a map: what its views select, and with arguments its reports.
--
-- Every function here returns the text of a query.  Names in it are quoted by
-- format, constants by %L; expressions of a map's maker are in the view "events"
-- alone.  A query that is asked of a time range takes its ends as $1 and $2.
-- Each reads the journeys once.
--
-- Whoever may create in the schema cjm (its owner, a superuser, and whom they let)
-- may put functions beside ours, and of several with one name PostgreSQL takes the
-- one that fits best.  So
-- calls of cjm functions here give every argument, in exactly the type that ours has, and
-- constants with their type: nothing fits better then.  Those that take any type
-- have a twin in cjm_internal, where nobody puts anything.
--
-- What is to be worked out once for each journey, though used several times, is in
-- a subquery that ends with OFFSET '0', so that it is not merged.  It is text for
-- the sake of workers: that this is no offset at all the planner sees at once,
-- and of the expression that OFFSET 0 is it would see it too late.  A subquery
-- that looks out at j, and a window in it, keep workers away as well.
--

CREATE FUNCTION cjm_internal.map_completed_step(map cjm_internal.map) RETURNS integer
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 100
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT max(s.step) FROM cjm.funnel_stages((map).stages) s WHERE NOT s.optional);
COMMENT ON FUNCTION cjm_internal.map_completed_step(cjm_internal.map) IS 'the step at which the funnel of a map is completed';

-- The stages by their numbers, as report names them.
CREATE FUNCTION cjm_internal.map_stage_names(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 200
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT format('(%L::text[])', array_agg(r.stage ORDER BY r.step)) FROM cjm.report(cjm.funnel_stats((map).stages)) r);
COMMENT ON FUNCTION cjm_internal.map_stage_names(cjm_internal.map) IS 'SQL: the names of a map''s stages, an array';

CREATE FUNCTION cjm_internal.map_schema(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT quote_ident(n.nspname) FROM pg_namespace n WHERE n.oid = (map).map);
COMMENT ON FUNCTION cjm_internal.map_schema(cjm_internal.map) IS 'SQL: the schema of a map, quoted where it has to be';

CREATE FUNCTION cjm_internal.map_answer_events(map cjm_internal.map) RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN array_remove(ARRAY[(map).nps, (map).csat, (map).ces], NULL);
COMMENT ON FUNCTION cjm_internal.map_answer_events(cjm_internal.map) IS 'the events of a map that are answers';

-- A score is no money.
CREATE FUNCTION cjm_internal.map_valued_journey(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN cjm_internal.map_answer_events(map) = '{}' THEN 'j.journey' ELSE format('cjm.without_values(j.journey, %L::text[])', cjm_internal.map_answer_events(map)) END;
COMMENT ON FUNCTION cjm_internal.map_valued_journey(cjm_internal.map) IS 'SQL: a journey j whose values can be added up';

-- Who answers came by nothing, and the answer brought nobody: it earns no credit, unless the funnel asks for it.
CREATE FUNCTION cjm_internal.map_earning_journey(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT CASE WHEN a.events = '{}' THEN cjm_internal.map_valued_journey(map)
		ELSE format('cjm.without_events(%s, %L::text[])', cjm_internal.map_valued_journey(map), a.events) END
	FROM (SELECT ARRAY(SELECT e FROM unnest(cjm_internal.map_answer_events(map)) e
		WHERE NOT EXISTS (SELECT FROM cjm.funnel_stages((map).stages) s WHERE s.event = e OR s.event IS NULL) ORDER BY e) AS events) a);
COMMENT ON FUNCTION cjm_internal.map_earning_journey(cjm_internal.map) IS 'SQL: a journey j whose touchpoints earn credit';

-- Unknown words are told by the function that knows them.
CREATE FUNCTION cjm_internal.map_period(period text) RETURNS interval
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cjm.entry_buckets('{}'::cjm.journey, '*'::cjm.funnel, period, 'UTC'::text);
	RETURN CASE lower(period) WHEN 'quarter' THEN interval '3 months' ELSE ('1 ' || period)::interval END;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_period(text) IS 'the length of a calendar period by its name';

-- $1 and $2 stand for a range unless it is everything.  NULL leaves an end open.
CREATE FUNCTION cjm_internal.map_ranged(from_time timestamptz, to_time timestamptz) RETURNS boolean
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF from_time > to_time THEN
		RAISE invalid_parameter_value USING MESSAGE = 'from_time must not be later than to_time';
	END IF;
	RETURN coalesce(from_time > '-infinity', false) OR coalesce(to_time < 'infinity', false);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_ranged(timestamptz, timestamptz) IS 'whether a report is asked of less than all times; an error if they are no range';

-- Fewer customers than this say nothing that is worth a headline.
CREATE FUNCTION cjm_internal.map_few() RETURNS integer
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN 30;
COMMENT ON FUNCTION cjm_internal.map_few() IS 'how many customers something has to rest on, at least, to be held up against others';

-- More groups than this are no chart.
CREATE FUNCTION cjm_internal.map_most_groups() RETURNS integer
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN 50;
COMMENT ON FUNCTION cjm_internal.map_most_groups() IS 'how many values of a dimension are shown by themselves, if nothing is said';

--
-- Rows, journeys, customers
--

-- One row for each of the source's that passes the filter.  A barrier keeps conditions that may tell what they see away from
-- rows that the filter holds back.
CREATE FUNCTION cjm_internal.map_events_sql(map cjm_internal.map, sample text DEFAULT '') RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN format('SELECT %s AS customer, %s AS at, %s AS event, %s AS channel, %s AS value, %s AS segment, %s AS dimensions, %s AS session FROM %s%s%s',
		(map).customer, CASE WHEN (map).sequence IS NULL THEN (map).at ELSE format('cjm_internal.map_in_sequence(%s, %s)', (map).at, (map).sequence) END,
		(map).event, coalesce((map).channel, 'NULL::text'), coalesce((map).value, 'NULL::float8'),
		coalesce((map).segment, 'NULL::text'), cjm_internal.map_dimensions_of_row_sql(map), coalesce((map).session, 'NULL::text'), (map).source, sample, ' WHERE ' || (map).filter);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_events_sql(cjm_internal.map, text) IS 'SQL of the view events: the rows of the source as the map reads them, or a sample of them';

CREATE FUNCTION cjm_internal.map_touch_sql(map cjm_internal.map, row_name text) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	not_empty CONSTANT text := CASE WHEN cjm_internal.map_foreign((map).source) THEN 'CASE WHEN %1$s.%2$s <> '''' THEN %1$s.%2$s ELSE NULL::text END' ELSE 'nullif(%1$s.%2$s COLLATE "C", '''')' END;
	channel CONSTANT text := format(not_empty, row_name, 'channel');
BEGIN
	RETURN format('%1$s.at, %1$s.event', row_name) || CASE WHEN (map).session IS NOT NULL THEN format(', %s, %s.value, %s', channel, row_name, format(not_empty, row_name, 'session'))
		WHEN (map).value IS NOT NULL THEN format(', %s, %s.value', channel, row_name)
		WHEN (map).channel IS NOT NULL THEN ', ' || channel ELSE '' END;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_touch_sql(cjm_internal.map, text) IS 'SQL: what journey_agg is given of a row';

CREATE FUNCTION cjm_internal.map_journeys_from_sql(map cjm_internal.map, rows text) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT format('SELECT e.customer, %s AS segment, cjm.journey_agg(%s) AS journey, %s AS dimensions
			FROM %s.%I e WHERE e.customer IS NOT NULL AND e.at IS NOT NULL AND %s GROUP BY e.customer',
			g.segment, cjm_internal.map_touch_sql(map, 'e'), g.dimensions, cjm_internal.map_schema(map), rows,
			CASE WHEN cjm_internal.map_foreign((map).source) THEN 'octet_length(e.event) <> 0' ELSE 'e.event COLLATE "C" <> ''''' END)
		FROM cjm_internal.map_grouped_sql(map) g);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_journeys_from_sql(cjm_internal.map, text) IS 'SQL: the journeys of a map from a view that has rows as the view events has';

CREATE FUNCTION cjm_internal.map_journeys_sql(map cjm_internal.map) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN CASE WHEN cjm_internal.kept_state((map).map) IS NULL THEN cjm_internal.map_journeys_from_sql(map, 'events')
		ELSE cjm_internal.kept_journeys_sql(map) END;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_journeys_sql(cjm_internal.map) IS 'SQL of the view journeys';

-- What several columns are made of is the outer side of a join for the planner's sake alone: it is then worked out once a row, or
-- not at all where nobody asks for it, and in a worker, as a subquery that looks out at j is not.
CREATE FUNCTION cjm_internal.map_customers_sql(map cjm_internal.map) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN format('SELECT j.customer, j.segment, f.step, %2$s[f.step] AS stage, %15$s AS entered_at, f.times[f.step] AS reached_at,
			f.times AS step_times, f.step >= %3$s AS converted, %12$s AS open, f.refused_at,
			(cjm.session_stats(%14$s, %4$s)).session_count AS sessions,
			cjm.conversions(j.journey, %1$L::cjm.funnel) AS conversions,
			cjm.touch_count(j.journey) AS touches, cjm_internal.map_money(cjm.total_value(%11$s)) AS value, cjm_internal.map_money(cjm.gross_value(%11$s)) AS gross_value,
			cjm_internal.first_at(j.journey) AS first_seen, cjm_internal.last_at(j.journey) AS last_seen,
			(cjm.last_touch(j.journey)).event AS last_event,
			(f.bought).last_at AS last_purchase_at, now() - (f.bought).last_at AS recency,
			extract(epoch FROM now() - (f.bought).last_at)::float8 / 86400 AS recency_days,
			(f.bought).purchase_count AS frequency, cjm_internal.map_money((f.bought).total_value) AS monetary, cjm_internal.map_money((f.bought).gross_value) AS gross_monetary,
			%6$s AS recency_score, %7$s AS frequency_score, %8$s AS monetary_score,
			(f.latest).step AS current_step, %2$s[(f.latest).step] AS current_stage, (f.latest).ended_at AS current_at,
			j.dimensions
		FROM %5$s.journeys j
			LEFT JOIN LATERAL (SELECT cjm.funnel_step(j.journey, %1$L::cjm.funnel) AS step,
				cjm.funnel_times(j.journey, %1$L::cjm.funnel) AS times, %9$s AS bought, %13$s AS refused_at,
				cjm_internal.latest_walk(j.journey, %1$L::cjm.funnel) AS latest FROM (VALUES (1)) one) f ON true
			LEFT JOIN (%10$s) q ON true',
		(map).stages, cjm_internal.map_stage_names(map), cjm_internal.map_completed_step(map), cjm_internal.map_session_sql(map), cjm_internal.map_schema(map),
		cjm_internal.map_score_sql('last_at'), cjm_internal.map_score_sql('purchase_count'), cjm_internal.map_score_sql('total_value'), cjm_internal.map_purchases_sql(map),
		cjm_internal.map_quintiles_sql(map), cjm_internal.map_valued_journey(map),
		cjm_internal.map_open_sql(map, NULL::text), cjm_internal.map_refused_sql(map, NULL::text), cjm_internal.map_visits_sql(map, 'j.journey'),
		cjm_internal.map_began_sql(map, 'f.times'));
END
$$;
COMMENT ON FUNCTION cjm_internal.map_customers_sql(cjm_internal.map) IS 'SQL of the view customers';

--
-- The funnel
--

-- The values of most customers stay, and all others but NULL become one.  How many customers have a value is asked over all buckets.
CREATE FUNCTION cjm_internal.map_funnel_groups_sql(groups text, refused boolean, max_groups integer) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN max_groups IS NULL THEN groups ELSE format('SELECT r.dimension, r.label, r.entered, cjm.rollup(r.stats) AS stats, cjm_internal.funnel_open_rollup(r.open) AS open%2$s
	FROM (SELECT n.dimension, n.entered, n.stats, n.open, n.refused, CASE WHEN dense_rank() OVER (PARTITION BY n.dimension, n.label IS NULL ORDER BY n.customers DESC, n.label COLLATE "C") > %3$s
				THEN ''others'' ELSE n.label END AS label
		FROM (SELECT g.dimension, g.label, g.entered, g.stats, g.open, %4$s AS refused, sum(g.customers) OVER (PARTITION BY g.dimension, g.label) AS customers FROM (%1$s) g) n) r
	GROUP BY r.dimension, r.label, r.entered', groups, CASE WHEN refused THEN ', cjm.rollup(r.refused) AS refused' END, max_groups, CASE WHEN refused THEN 'g.refused' ELSE 'NULL::cjm.funnel_stats' END) END;
COMMENT ON FUNCTION cjm_internal.map_funnel_groups_sql(text, boolean, integer) IS 'SQL: groups of a funnel, of which SQL is given, no more of them than so many for each dimension, and others';

-- by, bucket and dimensions may be NULL; with dimensions it is by the values of all of these, which are had of each journey in one pass.  To report those who are open, and those who refused, have dropped like all who have not gone on; nobody is two of
-- these.  Who refused is a part of all: what of them drops after a step was refused there.  closed: the bucket is over, and the time limit of all
-- walks that began in it, if there is one.
CREATE FUNCTION cjm_internal.map_funnel_sql(map cjm_internal.map, lead text, by text, bucket text, ranged boolean, dimensions text[] DEFAULT NULL, max_groups integer DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	entered text := CASE WHEN bucket IS NULL AND ranged THEN 'tstzrange($1, $2)'
		WHEN ranged THEN 'b.entered * tstzrange($1, $2)'
		WHEN bucket IS NOT NULL THEN 'b.entered' END;
	refused text := CASE WHEN (map).refusal IS NOT NULL THEN cjm_internal.map_refused_sql(map, entered) END;
	words jsonb := cjm_internal.map_walk_words(map, entered);
	valued record;
	grouped text;
BEGIN
	SELECT v.names, v.value INTO valued FROM cjm_internal.map_values_sql(map, dimensions) v;
	grouped := format('SELECT %1$s AS dimension, %2$s AS label, %3$s AS entered, cjm.funnel_agg(j.journey, %4$L::cjm.funnel%5$s) AS stats,
				cjm_internal.funnel_open_agg(j.journey, %4$L::cjm.funnel, now(), %6$s)%7$s AS open%8$s, count(*) AS customers
			FROM %9$s.journeys j%10$s%11$s',
		CASE WHEN dimensions IS NULL THEN 'NULL::text' ELSE 'd.name' END,
		CASE WHEN dimensions IS NULL THEN cjm_internal.map_split(words, by, (map).groups) ELSE valued.value END,
		CASE WHEN bucket IS NULL THEN 'NULL::tstzrange' ELSE 'b.entered' END,
		(map).stages, ', ' || entered, coalesce(entered, '''(,)''::tstzrange'),
		CASE WHEN refused IS NOT NULL THEN ' FILTER (WHERE x.at IS NULL)' END,
		CASE WHEN refused IS NOT NULL THEN format(', cjm.funnel_agg(j.journey, %L::cjm.funnel%s) FILTER (WHERE x.at IS NOT NULL) AS refused', (map).stages, ', ' || entered) END,
		cjm_internal.map_schema(map),
		-- Who refused is asked once, and not where it is used, which is twice.
		concat(CASE WHEN bucket IS NOT NULL THEN format(' CROSS JOIN LATERAL cjm.entry_buckets(j.journey, %L::cjm.funnel, %L::text, %L::text) b(entered)',
				(map).stages, bucket, (map).time_zone) END,
			' CROSS JOIN LATERAL (SELECT ' || refused || ' AS at FROM (VALUES (1)) one OFFSET 0) x',
			' CROSS JOIN (' || valued.names || ') d(place, name)',
			CASE WHEN bucket IS NOT NULL AND ranged THEN ' WHERE b.entered && tstzrange($1, $2)' || cjm_internal.map_where(map, 'AND', words) ELSE cjm_internal.map_where(map, 'WHERE', words) END),
		' GROUP BY ' || nullif(concat_ws(', ', CASE WHEN dimensions IS NOT NULL THEN '1' END, CASE WHEN by IS NOT NULL OR dimensions IS NOT NULL THEN '2' END, CASE WHEN bucket IS NOT NULL THEN '3' END), ''));
	IF dimensions IS NULL AND max_groups IS NULL THEN
		grouped := cjm_internal.map_funnel_rows_sql(map, by, bucket, ranged, grouped);
	END IF;
	RETURN format('SELECT %1$s r.step, r.stage, r.customers, r.step_rate, r.overall_rate, o.dropped, o.dropped::float8 / nullif(r.customers, 0)::float8 AS drop_rate,
			o.open_customers, r.rate_low, r.rate_high,
			r.median_time, r.mean_time, r.p90_time, r.median_total, r.p90_total,
			extract(epoch FROM r.median_time)::float8 AS median_time_seconds,
			extract(epoch FROM r.mean_time)::float8 AS mean_time_seconds,
			extract(epoch FROM r.p90_time)::float8 AS p90_time_seconds,
			extract(epoch FROM r.median_total)::float8 AS median_total_seconds,
			extract(epoch FROM r.p90_total)::float8 AS p90_total_seconds, o.refused
		FROM (%2$s) s
		CROSS JOIN LATERAL cjm.report(coalesce(s.stats, cjm.funnel_stats(%3$L::cjm.funnel))) r%4$s
		CROSS JOIN LATERAL (SELECT r.dropped - c.open - c.refused AS dropped, c.open AS open_customers, c.refused
			FROM (SELECT CASE WHEN r.dropped IS NOT NULL THEN coalesce(s.open[r.step], 0) END AS open, %5$s AS refused) c) o
		ORDER BY %6$s r.step',
		lead, cjm_internal.map_funnel_groups_sql(grouped, refused IS NOT NULL, max_groups), (map).stages,
		CASE WHEN refused IS NOT NULL THEN format(' JOIN LATERAL cjm.report(coalesce(s.refused, cjm.funnel_stats(%L::cjm.funnel))) n ON n.step = r.step', (map).stages) END,
		CASE WHEN refused IS NULL THEN 'CASE WHEN r.dropped IS NOT NULL THEN 0::bigint END' ELSE 'n.dropped' END,
		concat(CASE WHEN dimensions IS NOT NULL THEN 's.dimension COLLATE "C", ' END, CASE WHEN bucket IS NOT NULL THEN 's.entered, ' END,
			CASE WHEN by IS NOT NULL OR dimensions IS NOT NULL THEN 's.label COLLATE "C", ' END));
END
$$;
COMMENT ON FUNCTION cjm_internal.map_funnel_sql(cjm_internal.map, text, text, text, boolean, text[], integer) IS 'SQL of the views funnel, funnel_by_segment, funnel_by_week and funnel_by_dimension, and of their reports';

-- Tries and not customers; whether one may go on or was refused is not told of a try.  by and bucket may be NULL.
CREATE FUNCTION cjm_internal.map_walks_sql(map cjm_internal.map, lead text, by text, bucket text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	entered text := CASE WHEN bucket IS NULL AND ranged THEN 'tstzrange($1, $2)'
		WHEN ranged THEN 'b.entered * tstzrange($1, $2)'
		WHEN bucket IS NOT NULL THEN 'b.entered' END;
	words jsonb := cjm_internal.map_walk_words(map, entered);
BEGIN
	RETURN format('SELECT %1$s r.step, r.stage, r.customers, r.step_rate, r.overall_rate, r.dropped, r.drop_rate, NULL::bigint AS open_customers, r.rate_low, r.rate_high,
			r.median_time, r.mean_time, r.p90_time, r.median_total, r.p90_total,
			extract(epoch FROM r.median_time)::float8, extract(epoch FROM r.mean_time)::float8, extract(epoch FROM r.p90_time)::float8,
			extract(epoch FROM r.median_total)::float8, extract(epoch FROM r.p90_total)::float8, NULL::bigint AS refused
		FROM (SELECT %2$s AS label, %3$s AS entered, cjm_internal.funnel_walks_agg(j.journey, %4$L::cjm.funnel, %5$s) AS stats
			FROM %6$s.journeys j%7$s%8$s) s
		CROSS JOIN LATERAL cjm.report(coalesce(s.stats, cjm.funnel_stats(%4$L::cjm.funnel))) r
		ORDER BY %9$s r.step',
		lead, cjm_internal.map_split(words, by), CASE WHEN bucket IS NULL THEN 'NULL::tstzrange' ELSE 'b.entered' END,
		(map).stages, coalesce(entered, '''(,)''::tstzrange'), cjm_internal.map_schema(map),
		concat(CASE WHEN bucket IS NOT NULL THEN format(' CROSS JOIN LATERAL cjm.entry_buckets(j.journey, %L::cjm.funnel, %L::text, %L::text) b(entered)',
				(map).stages, bucket, (map).time_zone) END,
			CASE WHEN bucket IS NOT NULL AND ranged THEN ' WHERE b.entered && tstzrange($1, $2)' || cjm_internal.map_where(map, 'AND', words) ELSE cjm_internal.map_where(map, 'WHERE', words) END),
		' GROUP BY ' || nullif(concat_ws(', ', CASE WHEN by IS NOT NULL THEN '1' END, CASE WHEN bucket IS NOT NULL THEN '2' END), ''),
		concat(CASE WHEN bucket IS NOT NULL THEN 's.entered, ' END, CASE WHEN by IS NOT NULL THEN 's.label COLLATE "C", ' END));
END
$$;
COMMENT ON FUNCTION cjm_internal.map_walks_sql(cjm_internal.map, text, text, text, boolean) IS 'SQL of funnel_report by tries';

-- What the touchpoints were worth that the walks took at each step, of customers or of tries: by label, bucket and step as the funnel has them.
-- Of journeys in any case: rows tell a funnel, and not which of them its walks took.
CREATE FUNCTION cjm_internal.map_step_values_sql(map cjm_internal.map, by text, bucket text, ranged boolean, walks boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	entered text := CASE WHEN bucket IS NULL AND ranged THEN 'tstzrange($1, $2)'
		WHEN ranged THEN 'b.entered * tstzrange($1, $2)'
		WHEN bucket IS NOT NULL THEN 'b.entered' END;
	words jsonb := cjm_internal.map_walk_words(map, entered);
BEGIN
	RETURN format('SELECT s.label, s.entered, v.step, v.value, v.valued
		FROM (SELECT %1$s AS label, %2$s AS entered, cjm_internal.step_values_agg(%3$s, %4$L::cjm.funnel, %5$s, %6$L::boolean) AS sums
			FROM %7$s.journeys j%8$s%9$s) s
			CROSS JOIN LATERAL cjm_internal.step_values(s.sums) v',
		cjm_internal.map_split(words, by), CASE WHEN bucket IS NULL THEN 'NULL::timestamptz' ELSE 'lower(b.entered)' END,
		cjm_internal.map_valued_journey(map), (map).stages, coalesce(entered, '''(,)''::tstzrange'), walks, cjm_internal.map_schema(map),
		concat(CASE WHEN bucket IS NOT NULL THEN format(' CROSS JOIN LATERAL cjm.entry_buckets(j.journey, %L::cjm.funnel, %L::text, %L::text) b(entered)',
				(map).stages, bucket, (map).time_zone) END,
			CASE WHEN bucket IS NOT NULL AND ranged THEN ' WHERE b.entered && tstzrange($1, $2)' || cjm_internal.map_where(map, 'AND', words) ELSE cjm_internal.map_where(map, 'WHERE', words) END),
		' GROUP BY ' || nullif(concat_ws(', ', CASE WHEN by IS NOT NULL THEN '1' END, CASE WHEN bucket IS NOT NULL THEN '2' END), ''));
END
$$;
COMMENT ON FUNCTION cjm_internal.map_step_values_sql(cjm_internal.map, text, text, boolean, boolean) IS 'SQL: what the touchpoints of a funnel''s steps were worth, and how many of them have a value, by label, bucket and step';

CREATE FUNCTION cjm_internal.map_bucket_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('coalesce(upper(s.entered) + %L::interval <= now(), false)', coalesce(cjm.funnel_within((map).stages), interval '0'));
COMMENT ON FUNCTION cjm_internal.map_bucket_sql(cjm_internal.map) IS 'SQL: whether an entry bucket and the time limit of its walks are over';

-- Who has begun and not completed it, by the deepest step.
CREATE FUNCTION cjm_internal.map_drop_off_sql(map cjm_internal.map, label text, by text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	words jsonb := cjm_internal.map_walk_words(map, CASE WHEN ranged THEN 'tstzrange($1, $2)' END) || '{"last_event": "(cjm.last_touch(j.journey)).event"}';
	-- Of those who began alone, since it takes the times of their walk.
	next_event jsonb := '{"next_event": "(cjm.first_touch(cjm.slice(j.journey, j.times[j.step] + interval ''1 microsecond'', ''infinity''::timestamptz))).event"}';
	split text := cjm_internal.map_split(words || next_event, by);
	dimension text := cjm_internal.map_dimensions_sql(map) ->> by;
	walk text := format('cjm.funnel_step(j.journey, %1$L::cjm.funnel%2$s) AS step, cjm.funnel_times(j.journey, %1$L::cjm.funnel%2$s) AS times', (map).stages, CASE WHEN ranged THEN ', tstzrange($1, $2)' END);
	-- Where the rows are on several servers each groups its own.
	apart boolean := cjm_internal.map_distributed((map).source);
	counted text := CASE WHEN apart THEN 'coalesce(sum(customers) FILTER (WHERE state = %L), 0)::bigint' ELSE 'count(*) FILTER (WHERE state = %L)' END;
	stopped text;
BEGIN
	stopped := format('SELECT j.step, %s AS label, CASE WHEN %s IS NOT NULL THEN ''refused'' WHEN cjm.funnel_open(j.journey, %L::cjm.funnel, now()%s) THEN ''open'' ELSE ''dropped'' END AS state, %s AS next_event,
				cjm_internal.last_at(j.journey) AS last_seen
			FROM (SELECT j.journey, %s AS dimension, %s) j
			WHERE j.step > 0 AND j.step < %s%s',
		-- What is in no journey is asked for where the view is.
		CASE split WHEN dimension THEN 'j.dimension' ELSE split END, cjm_internal.map_refused_sql(map, CASE WHEN ranged THEN 'tstzrange($1, $2)' END),
		(map).stages, CASE WHEN ranged THEN ', tstzrange($1, $2)' END, next_event ->> 'next_event', coalesce(dimension, 'NULL::text'),
		-- Walks are asked for once.
		format(CASE WHEN apart THEN 'w.step, w.times FROM %2$s.journeys j CROSS JOIN LATERAL (SELECT %1$s FROM (VALUES (1)) one OFFSET 0) w%3$s' ELSE '%s FROM %s.journeys j%s OFFSET ''0''' END,
			walk, cjm_internal.map_schema(map), cjm_internal.map_where(map, 'WHERE', words, '{next_event}')),
		cjm_internal.map_completed_step(map), cjm_internal.map_where(map, 'AND', next_event, ARRAY(SELECT jsonb_object_keys(words))));
	RETURN format('WITH stopped AS (
			%1$s
		), nexts AS (
			SELECT DISTINCT ON (step, label) step, label, next_event, %2$s AS customers
			FROM stopped WHERE state = ''dropped'' AND next_event IS NOT NULL
			GROUP BY step, label, next_event
			ORDER BY step, label, %2$s DESC, next_event COLLATE "C"
		)
		SELECT s.step, %7$s[s.step] AS stage, s.label AS %8$I, s.customers,
			s.customers::float8 / nullif(sum(s.customers) OVER (), 0)::float8 AS share,
			s.open_customers, (extract(epoch FROM now() - s.median_last_seen) / 86400)::float8 AS median_days_since,
			n.next_event, coalesce(n.customers, 0) AS next_customers, s.refused
		FROM (SELECT step, label, %3$s AS customers, %4$s AS open_customers, %5$s AS refused, %6$s FILTER (WHERE state = ''dropped'') AS median_last_seen
			FROM stopped GROUP BY step, label) s
			LEFT JOIN nexts n ON n.step = s.step AND n.label IS NOT DISTINCT FROM s.label
		ORDER BY s.step, s.customers DESC, s.label COLLATE "C"',
		CASE WHEN apart THEN format('SELECT r.step, r.label, r.state, r.next_event, count(*) AS customers, cjm_internal.times_apart(r.last_seen) FILTER (WHERE r.state = ''dropped'') AS last_seen
			FROM (%s) r GROUP BY r.step, r.label, r.state, r.next_event', stopped) ELSE stopped END,
		CASE WHEN apart THEN 'sum(customers)::bigint' ELSE 'count(*)' END, format(counted, 'dropped'), format(counted, 'open'), format(counted, 'refused'),
		CASE WHEN apart THEN 'cjm_internal.late_median_of(last_seen)' ELSE 'percentile_disc(0.5) WITHIN GROUP (ORDER BY last_seen DESC)' END, cjm_internal.map_stage_names(map), label);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_drop_off_sql(cjm_internal.map, text, text, boolean) IS 'SQL of the view drop_off and of drop_off_report';

--
-- Sessions
--

CREATE FUNCTION cjm_internal.map_sessions_sql(map cjm_internal.map) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN format('SELECT j.customer, j.segment, s.session_number,
			CASE WHEN s.session_number = 1 THEN ''new'' ELSE ''returning'' END AS visitor,
			(s.started_at AT TIME ZONE %L)::date AS day, s.started_at, s.ended_at, s.ended_at - s.started_at AS duration,
			cjm.interval_seconds(s.ended_at - s.started_at) AS duration_seconds,
			s.touch_count AS touches, s.entry_event, s.exit_event, s.channel, cjm_internal.map_money(s.value) AS value, s.bounced, cjm_internal.map_money(s.gross_value) AS gross_value, s.session
		FROM %s.journeys j CROSS JOIN LATERAL cjm.sessions(%s, %s) s',
		(map).time_zone, cjm_internal.map_schema(map), cjm_internal.map_visits_sql(map, cjm_internal.map_valued_journey(map)), cjm_internal.map_session_sql(map));
END
$$;
COMMENT ON FUNCTION cjm_internal.map_sessions_sql(cjm_internal.map) IS 'SQL of the view sessions';

-- An event that begins no session has its exits here all the same.  Means are taken of whole microseconds, so that they are the
-- same in whatever order workers add them up.
CREATE FUNCTION cjm_internal.map_bounce_sql(map cjm_internal.map, lead text, by text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	split text := cjm_internal.map_split(cjm_internal.map_words(map), by);
	range CONSTANT text := 'e.started_at >= $1 AND e.started_at < $2';
	who text := cjm_internal.map_where(map, 'WHERE', cjm_internal.map_words(map));
BEGIN
	RETURN format('SELECT %s s.event, s.channel, s.sessions, s.bounces, s.bounces::float8 / nullif(s.sessions, 0)::float8 AS bounce_rate,
			s.containing, s.exits, s.exits::float8 / s.containing::float8 AS exit_rate,
			s.touches::float8 / nullif(s.sessions, 0)::float8 AS touches_per_session,
			justify_hours(make_interval(secs => s.mean_seconds)) AS mean_time, justify_hours(make_interval(secs => s.median_seconds)) AS median_time,
			s.mean_seconds AS mean_time_seconds, s.median_seconds AS median_time_seconds,
			s.new_sessions, s.returning_sessions
		FROM (SELECT %s e.event, e.channel,
				count(*) FILTER (WHERE e.is_entry) AS sessions,
				count(*) FILTER (WHERE e.is_entry AND e.bounced) AS bounces,
				count(*) AS containing,
				count(*) FILTER (WHERE e.is_exit) AS exits,
				sum(e.touch_count) FILTER (WHERE e.is_entry) AS touches,
				(avg((e.seconds * 1e6)::bigint) FILTER (WHERE e.is_entry) / 1e6)::float8 AS mean_seconds,
				cjm.median(e.seconds) FILTER (WHERE e.is_entry) AS median_seconds,
				count(*) FILTER (WHERE e.is_entry AND e.session_number = 1) AS new_sessions,
				count(*) FILTER (WHERE e.is_entry AND e.session_number > 1) AS returning_sessions
			FROM %s CROSS JOIN LATERAL cjm.session_events(%s, %s) e%s
			GROUP BY %s e.event, e.channel) s
		ORDER BY %s s.sessions DESC, s.containing DESC, s.event COLLATE "C", s.channel COLLATE "C"',
		lead, CASE WHEN by IS NOT NULL THEN 'j.label,' END,
		CASE WHEN by IS NOT NULL THEN cjm_internal.map_journeys_by(map, split, who) ELSE cjm_internal.map_schema(map) || '.journeys j' END, cjm_internal.map_visits_sql(map, 'j.journey'), cjm_internal.map_session_sql(map),
		CASE WHEN by IS NULL THEN who || CASE WHEN ranged THEN CASE who WHEN '' THEN ' WHERE ' ELSE ' AND ' END || range ELSE '' END WHEN ranged THEN ' WHERE ' || range END,
		CASE WHEN by IS NOT NULL THEN 'j.label,' END, CASE WHEN by IS NOT NULL THEN 's.label COLLATE "C",' END);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_bounce_sql(cjm_internal.map, text, text, boolean) IS 'SQL of the view bounce and of bounce_report';

-- Customers are counted by the first of their sessions in a group, so that no key is asked for: a role that may read journeys
-- without their customers can have this report as it has the others.  Where not all sessions of a customer are asked for, those that
-- are have to be known before they are counted.
CREATE FUNCTION cjm_internal.map_session_report_sql(map cjm_internal.map, by text, bucket text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	words jsonb := cjm_internal.map_words(map);
	of_session jsonb := '{"channel": "s.channel", "session_channel": "s.channel", "entry_event": "s.entry_event", "exit_event": "s.exit_event",
		"visitor": "CASE WHEN s.session_number = 1 THEN ''new'' ELSE ''returning'' END"}';
	split text := cjm_internal.map_split(words || of_session, by);
	which text := cjm_internal.map_where(map, 'AND', of_session, ARRAY(SELECT jsonb_object_keys(words - ARRAY(SELECT jsonb_object_keys(of_session)))));
	who text := cjm_internal.map_where(map, 'WHERE', words, ARRAY(SELECT jsonb_object_keys(of_session)));
	of_customer boolean := by IS NOT NULL AND NOT of_session ? by;
BEGIN
	RETURN format('SELECT s.label, s.bucket_start, s.sessions, s.customers, s.new_sessions, s.returning_sessions,
			s.bounces, s.bounces::float8 / nullif(s.sessions, 0)::float8, s.touches::float8 / nullif(s.sessions, 0)::float8,
			t.mean_time, t.median_time, extract(epoch FROM t.mean_time)::float8, extract(epoch FROM t.median_time)::float8,
			s.value, trim_scale(s.value / nullif(s.sessions, 0)::numeric), s.gross_value
		FROM (SELECT %s AS label, %s AS bucket_start, count(*) AS sessions, count(*) FILTER (WHERE s.is_first) AS customers,
				count(*) FILTER (WHERE s.session_number = 1) AS new_sessions,
				count(*) FILTER (WHERE s.session_number > 1) AS returning_sessions,
				count(*) FILTER (WHERE s.bounced) AS bounces, sum(s.touch_count) AS touches,
				(avg((s.seconds * 1e6)::bigint) / 1e6)::float8 AS mean_seconds, cjm.median(s.seconds) AS median_seconds, sum(cjm_internal.map_money(s.value)) AS value, sum(cjm_internal.map_money(s.gross_value)) AS gross_value
			FROM %s CROSS JOIN LATERAL %s s%s%s) s
			CROSS JOIN LATERAL (SELECT justify_hours(make_interval(secs => s.mean_seconds)) AS mean_time,
				justify_hours(make_interval(secs => s.median_seconds)) AS median_time) t
		ORDER BY s.bucket_start, s.label COLLATE "C"',
		CASE WHEN of_session ? by THEN 's.label' WHEN by IS NOT NULL THEN 'j.label' ELSE 'NULL::text' END, CASE WHEN bucket IS NULL THEN 'NULL::timestamptz' ELSE 's.bucket_start' END,
		CASE WHEN of_customer THEN cjm_internal.map_journeys_by(map, split, who) ELSE cjm_internal.map_schema(map) || '.journeys j' END,
		format(CASE which WHEN '' THEN 'cjm.session_groups(%1$s, %2$L::interval, %3$L::text, %4$L::text, %5$L::text, %6$s, %10$L::text)'
			ELSE '(SELECT w.*, row_number() OVER (PARTITION BY w.label, w.bucket_start ORDER BY w.session_number) = 1 AS is_first
				FROM (SELECT %7$s AS label, date_trunc(%4$L::text, s.started_at, %5$L::text) AS bucket_start, s.session_number, s.touch_count,
						cjm.interval_seconds(s.ended_at - s.started_at) AS seconds, s.bounced, s.value, s.gross_value
					FROM cjm.sessions(%1$s, %2$L::interval, %11$s) s WHERE %8$s%9$s) w)' END,
			cjm_internal.map_visits_sql(map, cjm_internal.map_valued_journey(map)), (map).session_gap, CASE WHEN of_session ? by THEN CASE by WHEN 'session_channel' THEN 'channel' ELSE by END END,
			lower(bucket), (map).time_zone, CASE WHEN ranged THEN '$1, $2' ELSE '''-infinity''::timestamptz, ''infinity''::timestamptz' END,
			coalesce(of_session ->> by, 'NULL::text'), CASE WHEN ranged THEN 's.started_at >= $1 AND s.started_at < $2' ELSE 'true' END, which, (map).session_rule, cjm_internal.map_session_rule_sql(map)),
		CASE WHEN of_customer THEN '' ELSE who END,
		CASE WHEN by IS NOT NULL AND bucket IS NOT NULL THEN ' GROUP BY 1, 2'
			WHEN by IS NOT NULL THEN ' GROUP BY 1'
			WHEN bucket IS NOT NULL THEN ' GROUP BY 2' END);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_session_report_sql(cjm_internal.map, text, text, boolean) IS 'SQL of session_report';
