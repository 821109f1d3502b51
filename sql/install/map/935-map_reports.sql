--
-- Reports of a map with arguments.
--
-- Every one takes the name of a map and, as far as it has them, in this order:
-- by, the bucket or period, a time range, and where_is; then what is its own.  It is
-- about what began in the range, from_time included, to_time excluded, of the customers
-- that where_is says (905-map_where.sql).  They read the view "journeys" of the map with
-- the rights of whoever asks.
--

CREATE FUNCTION cjm.funnel_report(
	map text,
	by text DEFAULT NULL,
	bucket text DEFAULT NULL,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL,
	count text DEFAULT 'customers',
	value boolean DEFAULT false)
	RETURNS TABLE (by_value text, bucket_start timestamptz, closed boolean,
		step integer, stage text, customers bigint, step_rate float8, overall_rate float8, dropped bigint, drop_rate float8, open_customers bigint,
		rate_low float8, rate_high float8,
		median_time interval, mean_time interval, p90_time interval, median_total interval, p90_total interval,
		median_time_seconds float8, mean_time_seconds float8, p90_time_seconds float8, median_total_seconds float8, p90_total_seconds float8,
		refused bigint, value_sum numeric, value_mean numeric, valued_customers bigint)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	ranged boolean := cjm_internal.map_ranged(from_time, to_time);
	lead text;
	funnel text;
BEGIN
	IF bucket IS NOT NULL THEN
		PERFORM cjm_internal.map_period(bucket);
	END IF;
	IF count NOT IN ('customers', 'walks') THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('count must be customers or walks, not "%s"', count);
	END IF;
	lead := format('s.label, lower(s.entered) AS bucket_start, %s AS closed,', CASE WHEN bucket IS NULL THEN 'NULL::boolean' ELSE cjm_internal.map_bucket_sql(def) END);
	funnel := CASE WHEN count = 'walks' THEN cjm_internal.map_walks_sql(def, lead, by, bucket, ranged) ELSE cjm_internal.map_funnel_sql(def, lead, by, bucket, ranged) END;
	-- Values take a second look at the journeys.  Arrays are equal where both hold NULL, and can be hashed.
	RETURN QUERY EXECUTE CASE WHEN value AND (def).value IS NOT NULL
			THEN format('SELECT f.*, coalesce(v.value, 0), trim_scale(v.value / v.valued::numeric), coalesce(v.valued, 0) FROM (%s) f
				LEFT JOIN (%s) v ON v.step = f.step AND ARRAY[v.label] = ARRAY[f.label] AND ARRAY[v.entered] = ARRAY[f.bucket_start]
				ORDER BY f.bucket_start, f.label COLLATE "C", f.step', funnel, cjm_internal.map_step_values_sql(def, by, bucket, ranged, coalesce(count = 'walks', false)))
			ELSE format('SELECT f.*, NULL::numeric, NULL::numeric, NULL::bigint FROM (%s) f', funnel) END
		USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;
COMMENT ON FUNCTION cjm.funnel_report(text, text, text, timestamptz, timestamptz, jsonb, text, boolean) IS
'the funnel of a map, of walks that begin in a time range.
by: NULL, a dimension of the map (segment), channel or entry_channel (of the first touchpoint of the winning walk), first_channel (of the customer), session_channel (of the session in which the walk began); bucket: NULL, hour, day, week, month, quarter or year of the walk''s beginning
where_is: which customers, a value or a list of values by name: {"segment": ["LV", "EE"], "first_channel": null}; the names are dimensions of the map, first_channel, entry_channel or channel, and session_channel
count: customers, or walks, which counts tries (walks(journey, funnel)) in the column customers; of a try it is not told whether it may go on or was refused, and both have dropped
value: whether to say what the touchpoints were worth that the walks took at each step (funnel_touchpoints): value_sum, value_mean and valued_customers, those whose touchpoint there has a value; NULL without it, or where the map has no value
Columns as in the views funnel, funnel_by_segment and funnel_by_week.';

CREATE FUNCTION cjm.funnel_by_dimension_report(
	map text,
	dimensions text[] DEFAULT NULL,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL,
	max_groups integer DEFAULT NULL)
	RETURNS TABLE (dimension text, value text,
		step integer, stage text, customers bigint, step_rate float8, overall_rate float8, dropped bigint, drop_rate float8, open_customers bigint,
		rate_low float8, rate_high float8,
		median_time interval, mean_time interval, p90_time interval, median_total interval, p90_total interval,
		median_time_seconds float8, mean_time_seconds float8, p90_time_seconds float8, median_total_seconds float8, p90_total_seconds float8,
		refused bigint)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 500
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	known text[] := cjm_internal.map_dimension_names(def);
	unknown text := (SELECT d FROM unnest(dimensions) d WHERE coalesce(d <> ALL (known), true) LIMIT 1);
BEGIN
	max_groups := coalesce(max_groups, cjm_internal.map_most_groups());
	IF EXISTS (SELECT FROM unnest(dimensions) d WHERE coalesce(d <> ALL (known), true)) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('the map "%s" has no dimension %s', map, coalesce('"' || left(unknown, 100) || '"', 'NULL')),
			HINT = CASE WHEN known = '{}' THEN 'It has none: cjm.create_map gives it some, dimensions => ''{"country": "country"}'', with replace => true.'
				ELSE cjm_internal.map_words_hint(known, coalesce(unknown, ''), 'It has ') END;
	ELSIF max_groups < 1 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('max_groups must be at least 1, not %s', max_groups),
			HINT = 'It is how many values of each dimension are shown by themselves; all others become one.';
	END IF;
	RETURN QUERY EXECUTE cjm_internal.map_funnel_sql(def, 's.dimension, s.label,', NULL, NULL, cjm_internal.map_ranged(from_time, to_time), coalesce(dimensions, known), max_groups)
		USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;
COMMENT ON FUNCTION cjm.funnel_by_dimension_report(text, text[], timestamptz, timestamptz, jsonb, integer) IS
'the funnel of a map by each of its dimensions, of walks that begin in a time range, in one pass over the journeys.
dimensions: their names, NULL for all of the map
where_is: as of funnel_report
max_groups: how many values of a dimension are shown by themselves, those that most customers have; all others but NULL are shown together as others. NULL: 50
Columns as in the view funnel_by_dimension.';

CREATE FUNCTION cjm.drop_off_report(
	map text,
	by text DEFAULT 'last_event',
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL)
	RETURNS TABLE (step integer, stage text, by_value text, customers bigint, share float8, open_customers bigint,
		median_days_since float8, next_event text, next_customers bigint, refused bigint)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE cjm_internal.map_drop_off_sql(cjm_internal.map_of(map, where_is), 'by_value', nullif(coalesce(by, 'last_event'), 'none'), cjm_internal.map_ranged(from_time, to_time)) USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;
COMMENT ON FUNCTION cjm.drop_off_report(text, text, timestamptz, timestamptz, jsonb) IS
'who began the funnel in a time range and did not complete it, by the deepest step.
by: last_event, next_event (what came next after the step was reached), none, a dimension of the map (segment), channel or entry_channel (of the first touchpoint of the winning walk), first_channel (of the customer), session_channel (of the session in which the walk began)
where_is: which customers, a value or a list of values by name: {"segment": ["LV", "EE"], "first_channel": null}; the names are dimensions of the map, first_channel, entry_channel or channel, and session_channel, last_event and next_event
Columns as in the view drop_off.';

CREATE FUNCTION cjm.session_report(
	map text,
	by text DEFAULT NULL,
	bucket text DEFAULT NULL,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL)
	RETURNS TABLE (by_value text, bucket_start timestamptz, sessions bigint, customers bigint, new_sessions bigint, returning_sessions bigint,
		bounces bigint, bounce_rate float8, touches_per_session float8, mean_time interval, median_time interval,
		mean_time_seconds float8, median_time_seconds float8, value numeric, value_per_session numeric, gross_value numeric)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF bucket IS NOT NULL THEN
		PERFORM cjm_internal.map_period(bucket);
	END IF;
	RETURN QUERY EXECUTE cjm_internal.map_session_report_sql(cjm_internal.map_of(map, where_is), by, bucket, cjm_internal.map_ranged(from_time, to_time)) USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;
COMMENT ON FUNCTION cjm.session_report(text, text, text, timestamptz, timestamptz, jsonb) IS
'sessions that began in a time range.
by: NULL, a dimension of the map (segment), channel or session_channel (of the session), first_channel (of the customer), entry_event, exit_event, or visitor (new in the first session of a customer, then returning)
bucket: NULL, hour, day, week, month, quarter or year of the session''s beginning
where_is: which customers, a value or a list of values by name: {"segment": ["LV", "EE"], "first_channel": null}; the names are dimensions of the map and first_channel, and of sessions those of by
value: less refunds, which are negative values; gross_value: without taking them off; value_per_session: of all sessions, those without a value too';

CREATE FUNCTION cjm.bounce_report(
	map text,
	by text DEFAULT NULL,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL)
	RETURNS TABLE (by_value text, event text, channel text, sessions bigint, bounces bigint, bounce_rate float8, containing bigint, exits bigint, exit_rate float8, touches_per_session float8,
		mean_time interval, median_time interval, mean_time_seconds float8, median_time_seconds float8, new_sessions bigint, returning_sessions bigint)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE cjm_internal.map_bounce_sql(cjm_internal.map_of(map, where_is), CASE WHEN by IS NULL THEN 'NULL::text,' ELSE 's.label,' END, by, cjm_internal.map_ranged(from_time, to_time))
		USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;
COMMENT ON FUNCTION cjm.bounce_report(text, text, timestamptz, timestamptz, jsonb) IS
'how sessions begin and end with an event, of sessions that began in a time range.
by: NULL, a dimension of the map (segment), or first_channel (of the customer)
where_is: which customers, a value or a list of values by name: {"segment": ["LV", "EE"], "first_channel": null}; the names are dimensions of the map and first_channel
Columns as in the view bounce.';

-- A purchase is what the map says, or a touchpoint of the last stage that is not optional, whatever came before it.
CREATE FUNCTION cjm.purchase_report(
	map text,
	by text DEFAULT NULL,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL)
	RETURNS TABLE (by_value text, customers bigint, purchases bigint, repeat_customers bigint, repeat_rate float8, purchases_per_customer float8,
		value numeric, average_order_value numeric, mean_time_between interval, median_time_between interval,
		mean_time_between_seconds float8, median_time_between_seconds float8, gross_value numeric)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 10
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	words jsonb := cjm_internal.map_walk_words(def, NULL);
	purchased text := cjm_internal.map_has_purchase(def);
	split text;
	who text;
	of_customer boolean := by <> 'session_channel';
BEGIN
	words := words || jsonb_build_object('channel', words -> 'first_channel', 'session_channel', cjm_internal.map_session_channel_sql(def, 'p.at'));
	split := cjm_internal.map_split(words, by);
	-- Of whom, and not of which purchases: these are counted together.
	who := concat(' WHERE ' || purchased, cjm_internal.map_where(def, CASE WHEN purchased IS NULL THEN 'WHERE' ELSE 'AND' END, words - 'session_channel'));
	RETURN QUERY EXECUTE format('SELECT s.label, s.customers, s.purchases, s.repeats, s.repeats::float8 / nullif(s.customers, 0)::float8,
			s.purchases::float8 / nullif(s.customers, 0)::float8, s.value, trim_scale(s.gross_value / nullif(s.valued, 0)::numeric),
			s.mean, s.median, extract(epoch FROM s.mean)::float8, extract(epoch FROM s.median)::float8, s.gross_value
		FROM (SELECT %s AS label, count(*) FILTER (WHERE p.number = 1) AS customers, count(p.number) AS purchases,
				count(*) FILTER (WHERE p.number = 2) AS repeats, sum(cjm_internal.map_money(p.value)) AS value,
				sum(cjm_internal.map_money(p.value)) FILTER (WHERE p.number IS NOT NULL) AS gross_value, count(p.value) FILTER (WHERE p.number IS NOT NULL) AS valued,
				justify_hours(avg(p.since)) AS mean,
				justify_hours(make_interval(secs => cjm.median(date_part(''epoch'', p.since)))) AS median
			FROM %s CROSS JOIN LATERAL cjm.purchases(%s, %L::cjm.funnel, %s%s) p%s%s) s
		ORDER BY s.label COLLATE "C"',
		CASE WHEN of_customer THEN 'j.label' ELSE split END, CASE WHEN of_customer THEN cjm_internal.map_journeys_by(def, split, who) ELSE cjm_internal.map_schema(def) || '.journeys j' END, cjm_internal.map_valued_journey(def), cjm_internal.map_purchase(def),
		CASE WHEN cjm_internal.map_ranged(from_time, to_time) THEN '$1, $2' ELSE '''-infinity''::timestamptz, ''infinity''::timestamptz' END, ', ' || quote_literal((def).refusal) || '::cjm.funnel',
		CASE WHEN of_customer THEN '' ELSE who END,
		CASE WHEN by IS NOT NULL THEN ' GROUP BY 1' END) USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;
COMMENT ON FUNCTION cjm.purchase_report(text, text, timestamptz, timestamptz, jsonb) IS
'purchases in a time range; a purchase is a touchpoint of the map''s purchase events or, where it names none, of its last stage that is not optional.
by: NULL, a dimension of the map (segment), channel or first_channel (of the customer), entry_channel (of the first touchpoint of the winning walk), session_channel (of the session of the purchase)
where_is: which customers, a value or a list of values by name: {"segment": ["LV", "EE"], "first_channel": null}; the names are dimensions of the map, first_channel or channel, and entry_channel
customers: who bought; repeat_customers: who did so at least twice; repeat_rate: their share
value: less refunds, which are negative values of purchases or refusals; gross_value: without taking them off; average_order_value: gross_value / purchases that have a value; time between: from each purchase of a customer to the next, median the lower one';

CREATE FUNCTION cjm.win_back_report(
	map text,
	by text DEFAULT NULL,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL,
	away interval DEFAULT '30 days')
	RETURNS TABLE (by_value text, step integer, stage text, customers bigint, came_back bigint, came_back_rate float8, went_on bigint, went_on_rate float8,
		converted bigint, median_away interval, median_away_seconds float8)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 5
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	distributed CONSTANT boolean := cjm_internal.map_distributed(def.source);
BEGIN
	away := coalesce(away, '30 days');
	-- Fixed units only, as for a session gap, whose errors would name that.
	IF extract(year FROM away) <> 0 OR extract(month FROM away) <> 0 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('away must not have months or years: %s', away),
			HINT = 'They have no fixed length; say it in days: 30 days.';
	ELSIF away < interval '0' THEN
		RAISE invalid_parameter_value USING MESSAGE = format('away must not be negative: %s', away);
	END IF;
	RETURN QUERY EXECUTE format('SELECT s.label, s.step, %1$s[s.step], s.customers, s.came_back, s.came_back::float8 / s.customers::float8,
			s.went_on, s.went_on::float8 / nullif(s.came_back, 0)::float8, s.converted, s.median_away, extract(epoch FROM s.median_away)::float8
		FROM (SELECT l.label, (l.lapse).step, count(*) AS customers, count((l.lapse).back_at) AS came_back,
				count(*) FILTER (WHERE (l.lapse).final_step > (l.lapse).step) AS went_on,
				count(*) FILTER (WHERE (l.lapse).final_step >= %2$s) AS converted,
				justify_hours(make_interval(secs => cjm.median(date_part(''epoch'', (l.lapse).back_at - (l.lapse).left_at)))) AS median_away
			FROM (SELECT %9$s cjm.funnel_lapse(j.journey, %4$L::cjm.funnel, %5$L::interval) AS lapse, %8$s AS label FROM %3$s.journeys j%7$s%10$s) l
			WHERE (l.lapse).step < %2$s AND ((l.lapse).back_at IS NOT NULL OR (l.lapse).left_at + %5$L::interval < now())%6$s
			GROUP BY 1, 2) s
		ORDER BY s.label COLLATE "C", s.step',
		cjm_internal.map_stage_names(def), cjm_internal.map_completed_step(def), cjm_internal.map_schema(def), (def).stages, away,
		CASE WHEN cjm_internal.map_ranged(from_time, to_time) THEN ' AND (l.lapse).left_at >= $1 AND (l.lapse).left_at < $2' END,
		cjm_internal.map_where(def, 'WHERE', cjm_internal.map_words(def)), cjm_internal.map_split(cjm_internal.map_words(def), by),
		-- The fields of a row are asked for once; Citus would fetch the rows for it.
		CASE WHEN distributed THEN 'j.customer,' END, CASE WHEN NOT distributed THEN ' OFFSET ''0''' END) USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;
COMMENT ON FUNCTION cjm.win_back_report(text, text, timestamptz, timestamptz, jsonb, interval) IS
'customers who began the funnel, stayed away for longer than the time given before they had completed it, and who came back; of those last seen before in a time range.
where_is: which customers, a value or a list of values by name: {"segment": ["LV", "EE"], "first_channel": null}; the names are dimensions of the map and first_channel
by: NULL, a dimension of the map (segment), or first_channel
step, stage: where they stood; customers: who stayed away (the first time that they did, if several); came_back: who has a touchpoint after it;
went_on: who came further than they were; converted: who completed the funnel
came_back_rate: came_back / customers; went_on_rate: went_on / came_back, NULL where nobody did';
