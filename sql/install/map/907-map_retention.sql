--
-- Coming back: who was retained, and who came and went.
--
-- As in 906-map_views.sql: each returns the text of a query that reads the
-- journeys once and takes the ends of a time range as $1 and $2.  What is counted
-- is in tables of counts (338-cohorts.sql), one for each label.
--

-- A customer came by one channel; the session's is that of their first one.
CREATE FUNCTION cjm_internal.map_customer_words(map cjm_internal.map) RETURNS jsonb
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN cjm_internal.map_walk_words(map, NULL::text) || jsonb_build_object('channel', cjm_internal.map_words(map) -> 'first_channel',
	'session_channel', cjm_internal.map_session_channel_sql(map, 'cjm_internal.first_at(j.journey)'));
COMMENT ON FUNCTION cjm_internal.map_customer_words(cjm_internal.map) IS
	'SQL of what a report about customers knows, by names: map_words, channel (first_channel), session_channel (of their first session), entry_channel (of the winning walk)';

-- Of each label a table of counts, and when anybody was seen of all of them.
CREATE FUNCTION cjm_internal.map_counts_sql(map cjm_internal.map, by text, counts text) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('(SELECT t.label, t.counts, %4$s(cjm_internal.cohort_first(t.counts))%5$s AS first, %6$s(cjm_internal.cohort_last(t.counts))%5$s AS last
			FROM (SELECT %1$s AS label, %2$s AS counts FROM %3$s.journeys j%8$s%7$s) t)',
	cjm_internal.map_split(cjm_internal.map_customer_words(map), by, (map).groups), counts, cjm_internal.map_schema(map),
	CASE WHEN by IS NOT NULL THEN 'min' END, CASE WHEN by IS NOT NULL THEN ' OVER ()' END, CASE WHEN by IS NOT NULL THEN 'max' END,
	CASE WHEN by IS NOT NULL THEN ' GROUP BY 1' END, cjm_internal.map_where(map, 'WHERE', cjm_internal.map_customer_words(map)));
COMMENT ON FUNCTION cjm_internal.map_counts_sql(cjm_internal.map, text, text) IS
	'SQL: a table of counts for each label, by an aggregate of which SQL is given, and when anybody asked for was first and last seen';

-- Cohorts by the period of the start.  All local dates.  What costs something is asked for by the report alone: of a NULL purchase no money is
-- counted.
CREATE FUNCTION cjm_internal.map_retention_sql(map cjm_internal.map, period text, kind text, by text, starts cjm.funnel, every_start boolean,
	returns cjm.funnel, at_least integer, brackets integer[], week_starts text, value boolean, ranged boolean, reported boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	rule text := format('%L::text, %L::text, %L::text, %L::integer[], %L::text', lower(period), (map).time_zone, lower(week_starts), brackets, kind);
BEGIN
	-- Of no cohorts it says what is wrong.
	PERFORM cjm_internal.cohort_cells(NULL::bytea, NULL::timestamptz, NULL::timestamptz, period, (map).time_zone, week_starts, brackets, kind);
	IF at_least < 1 THEN
		RAISE invalid_parameter_value USING MESSAGE = format('at_least must be at least 1, not %s', at_least);
	END IF;
	RETURN format('SELECT c.cohort, c.number, c.period_start AS period, c.cohort_size, c.retained, c.retained::float8 / c.cohort_size::float8 AS rate,
			CASE WHEN c.period_over THEN 1 - c.retained::float8 / c.cohort_size::float8 END AS churn, c.period_over%1$s
		FROM %2$s s CROSS JOIN LATERAL cjm_internal.cohort_cells(s.counts, s.last, now(), %3$s) c
		ORDER BY c.cohort, %4$sc.number',
		CASE WHEN NOT reported THEN ''
			WHEN value AND (map).value IS NOT NULL THEN ', s.label, c.period_end, coalesce(c.value, 0), coalesce(c.gross_value, 0),
			(coalesce(c.value, 0) / nullif(first_value(CASE WHEN c.number = 0 THEN c.value END) OVER (PARTITION BY s.label, c.cohort ORDER BY c.number), 0))::float8, c.purchases, c.refunds'
			ELSE format(', s.label, c.period_end, NULL::numeric, NULL::numeric, NULL::float8, %s', CASE WHEN value THEN 'c.purchases, c.refunds' ELSE 'NULL::bigint, NULL::bigint' END) END,
		cjm_internal.map_counts_sql(map, by, format('cjm_internal.cohort_agg(%s, %s, %s, %L::cjm.funnel, %L::boolean, %L::cjm.funnel, %L::integer, %L::cjm.funnel, %L::cjm.funnel)',
			CASE WHEN value THEN cjm_internal.map_valued_journey(map) ELSE 'j.journey' END,
			CASE WHEN ranged THEN '$1, $2' ELSE '''-infinity''::timestamptz, ''infinity''::timestamptz' END,
			rule, starts, every_start, returns, at_least, CASE WHEN value THEN cjm_internal.map_purchase(map) END, CASE WHEN value THEN (map).refusal END)),
		rule, CASE WHEN by IS NOT NULL THEN 's.label COLLATE "C", ' ELSE '' END);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_retention_sql(cjm_internal.map, text, text, text, cjm.funnel, boolean, cjm.funnel, integer, integer[], text, boolean, boolean, boolean) IS
	'SQL of the view retention and of retention_report';

CREATE FUNCTION cjm_internal.map_lifecycle_sql(map cjm_internal.map, period text, by text, active cjm.funnel, week_starts text, ranged boolean, reported boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	rule text := format('%L::text, %L::text, %L::text', lower(period), (map).time_zone, lower(week_starts));
BEGIN
	PERFORM cjm_internal.lifecycle_periods(NULL::bytea, NULL::timestamptz, NULL::timestamptz, NULL::timestamptz, period, (map).time_zone, week_starts);
	PERFORM cjm_internal.map_check_list('active', active, (map).channel);
	RETURN format('SELECT c.period_start AS period, c.new_customers, c.returning_customers, c.resurrected_customers, c.dormant_customers, c.active_customers, c.period_over%1$s
		FROM %2$s s CROSS JOIN LATERAL cjm_internal.lifecycle_periods(s.counts, s.first, s.last, now(), %3$s) c%4$s
		ORDER BY c.period_start%5$s',
		CASE WHEN reported THEN ', s.label' ELSE '' END,
		cjm_internal.map_counts_sql(map, by, format('cjm_internal.lifecycle_agg(j.journey, %s, %L::cjm.funnel)', rule, coalesce(active, '*'))),
		rule,
		CASE WHEN ranged THEN format(' WHERE c.period_start::timestamp AT TIME ZONE %1$L >= $1 AND c.period_start::timestamp AT TIME ZONE %1$L < $2', (map).time_zone) ELSE '' END,
		CASE WHEN by IS NOT NULL THEN ', s.label COLLATE "C"' ELSE '' END);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_lifecycle_sql(cjm_internal.map, text, text, cjm.funnel, text, boolean, boolean) IS
	'SQL of the view lifecycle and of lifecycle_report';
