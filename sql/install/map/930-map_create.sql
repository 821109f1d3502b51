--
-- create_map, drop_map: making a map, making it anew, and taking it away
--

-- The views of a map in the order in which they are made, and what there is to say about them; column NULL: the view itself.
CREATE FUNCTION cjm_internal.map_comments() RETURNS TABLE (view_name text, column_name text, comment text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 250
BEGIN ATOMIC
	SELECT v.view_name, v.column_name, v.comment
	FROM (VALUES
		('events', NULL, 'the rows of the source as this map reads them; those without a customer, a time or an event are in no journey'),
		('events', 'customer', 'whose event it is'),
		('events', 'at', 'when it happened'),
		('events', 'event', 'what happened'),
		('events', 'channel', 'where it came from, or NULL'),
		('events', 'value', 'what it was worth, or NULL'),
		('events', 'segment', 'the segment of the customer by this row, or NULL'),
		('events', 'dimensions', 'the other dimensions of the customer by this row, in the order in which the map has their names, or NULL'),

		('events', 'session', 'the session of the event, or NULL'),

		('journeys', NULL, 'one row per customer: all touchpoints in one value; all other views but map, events and spend read this one'),
		('journeys', 'customer', 'the key of the customer'),
		('journeys', 'segment', 'the first or last segment of the customer that is not NULL, as the map says'),
		('journeys', 'journey', 'all touchpoints of the customer in time order'),
		('journeys', 'dimensions', 'all dimensions of the customer by their names, segment among them, as segment has them; null where nothing is known'),

		('customers', NULL, 'one row per customer: how far they came in the funnel, and what else they did'),
		('customers', 'customer', 'the key of the customer'),
		('customers', 'segment', 'the segment of the customer'),
		('customers', 'step', 'the deepest step of the funnel, 0 for none'),
		('customers', 'stage', 'the name of that step, NULL for none'),
		('customers', 'entered_at', 'when the winning walk began'),
		('customers', 'reached_at', 'when it came to its deepest step'),
		('customers', 'step_times', 'when it passed each stage, NULL where it did not'),
		('customers', 'converted', 'whether the funnel was completed'),
		('customers', 'open', 'whether a walk that has begun could still become as deep or deeper; never without "within"'),
		('customers', 'refused_at', 'when somebody who is neither converted nor open said no: the first refusal since the winning walk began; NULL of all others'),
		('customers', 'current_step', 'how far the latest walk came, whatever others did before; NULL for none'),
		('customers', 'current_stage', 'the name of that step'),
		('customers', 'current_at', 'when it came there'),
		('customers', 'dimensions', 'all dimensions of the customer by their names, as the view journeys has them'),
		('customers', 'sessions', 'number of sessions'),
		('customers', 'conversions', 'how often the funnel was completed'),
		('customers', 'touches', 'number of touchpoints'),
		('customers', 'value', 'sum of the values, NULL where there is none; negative ones, refunds, are taken off'),
		('customers', 'gross_value', 'sum of the values that are not negative'),
		('customers', 'first_seen', 'time of the first touchpoint'),
		('customers', 'last_seen', 'time of the last touchpoint'),
		('customers', 'last_event', 'event of the last touchpoint'),

		('funnel', NULL, 'one row per step of the funnel: customers, rates, times'),
		('funnel_by_segment', NULL, 'one row per segment and step of the funnel'),
		('funnel_by_segment', 'segment', 'the segment of the customers, NULL for those without one'),
		('funnel_by_week', NULL, 'one row per entry week and step: walks that began in the week, whenever they went on; a customer is in every week in which a walk of theirs began'),
		('funnel_by_week', 'week', 'the Monday of the ISO week in which the walks began, in the map''s time zone'),
		('funnel_by_week', 'closed', 'whether the week and the time limit of its walks are over, so that nothing but late rows can change it; without "within" whether the week is over, and walks of it may still go on'),
		('funnel_by_dimension', NULL, 'one row per dimension, value of it and step of the funnel; of each dimension the 50 values of most customers, and others'),
		('funnel_by_dimension', 'dimension', 'the name of the dimension'),
		('funnel_by_dimension', 'value', 'what the customers have there, NULL for those of whom it is not known; others: all that are not among the 50 that most customers have'),

		('drop_off', NULL, 'one row per deepest step and last event: customers who began and did not complete the funnel'),
		('drop_off', 'step', 'the deepest step that they reached'),
		('drop_off', 'stage', 'its name'),
		('drop_off', 'last_event', 'the last event of the customer'),
		('drop_off', 'customers', 'how many stopped there, without those who are open or refused'),
		('drop_off', 'share', 'their share of all who stopped, over all steps'),
		('drop_off', 'open_customers', 'how many are there and may yet go on'),
		('drop_off', 'median_days_since', 'days of 24 hours since the last touchpoint of those who stopped, median'),
		('drop_off', 'next_event', 'what most of those who stopped did next after they had reached the step; NULL if nobody did anything'),
		('drop_off', 'next_customers', 'how many of them did that next'),
		('drop_off', 'refused', 'how many are there and have said no'),

		('sessions', NULL, 'one row per session; where the map says what a visit is, each begins with one'),
		('sessions', 'customer', 'the key of the customer'),
		('sessions', 'segment', 'the segment of the customer'),
		('sessions', 'session_number', 'number of the session of this customer, from 1'),
		('sessions', 'visitor', 'new in the first session of a customer, then returning'),
		('sessions', 'day', 'the day on which it began, in the map''s time zone'),
		('sessions', 'started_at', 'time of its first touchpoint'),
		('sessions', 'ended_at', 'time of its last touchpoint'),
		('sessions', 'duration', 'from its first touchpoint to its last'),
		('sessions', 'duration_seconds', 'the same in seconds'),
		('sessions', 'touches', 'number of its touchpoints'),
		('sessions', 'entry_event', 'event of its first touchpoint'),
		('sessions', 'exit_event', 'event of its last touchpoint'),
		('sessions', 'channel', 'channel of the first touchpoint that has one and, where the map says what a visit is, is one; or NULL'),
		('sessions', 'value', 'sum of the values, NULL where there is none; negative ones, refunds, are taken off'),
		('sessions', 'bounced', 'whether it has exactly one touchpoint'),
		('sessions', 'gross_value', 'sum of the values that are not negative, NULL where there is none'),

		('sessions', 'session', 'the session as the rows have it, NULL where they do not'),

		('bounce', NULL, 'one row per event and channel of the session: how sessions begin and end with it'),
		('bounce', 'event', 'the event; sessions may begin or end with it or only contain it'),
		('bounce', 'channel', 'channel of the session, or NULL'),
		('bounce', 'sessions', 'sessions that began with the event'),
		('bounce', 'bounces', 'those of them that have exactly one touchpoint'),
		('bounce', 'bounce_rate', 'bounces / sessions; NULL where no session began with the event'),
		('bounce', 'containing', 'sessions that contain the event'),
		('bounce', 'exits', 'sessions that ended with the event'),
		('bounce', 'exit_rate', 'exits / containing'),
		('bounce', 'touches_per_session', 'touchpoints of the sessions that began with the event, mean'),
		('bounce', 'mean_time', 'from the first touchpoint of such a session to its last, mean'),
		('bounce', 'median_time', 'the same, median (the lower one of an even number)'),
		('bounce', 'mean_time_seconds', 'mean_time in seconds'),
		('bounce', 'median_time_seconds', 'median_time in seconds'),
		('bounce', 'new_sessions', 'those of the sessions that are the first of their customer'),
		('bounce', 'returning_sessions', 'those that are not'),

		('retention', NULL, 'one row per cohort month and month number: who came back in that month'),
		('retention', 'cohort', 'first day of the month of the customers'' first touchpoint, in the map''s time zone'),
		('retention', 'number', 'months since then; 0 is the cohort''s own'),
		('retention', 'period', 'first day of the month that the row is about'),
		('retention', 'cohort_size', 'customers of the cohort'),
		('retention', 'retained', 'those of them with a touchpoint in that month'),
		('retention', 'rate', 'retained / cohort_size'),
		('retention', 'churn', '1 - rate; NULL before the month is over, since nobody is lost yet'),
		('retention', 'period_over', 'whether the month is over; before that the numbers are still growing'),

		('lifecycle', NULL, 'one row per month: what became of customers'),
		('lifecycle', 'period', 'first day of the month, in the map''s time zone'),
		('lifecycle', 'new_customers', 'customers who were first seen in it'),
		('lifecycle', 'returning_customers', 'those who were seen in it and in the month before'),
		('lifecycle', 'resurrected_customers', 'those who were seen in it and before, but not in the month before'),
		('lifecycle', 'dormant_customers', 'those who were seen in the month before and not in it'),
		('lifecycle', 'active_customers', 'those who were seen in it: new, returning and resurrected'),
		('lifecycle', 'period_over', 'whether the month is over; before that the numbers are still growing, and dormant_customers falling')) v(view_name, column_name, comment)
	UNION ALL
	SELECT f.view_name, c.column_name, c.comment
	FROM (VALUES ('funnel'), ('funnel_by_segment'), ('funnel_by_week'), ('funnel_by_dimension')) f(view_name) CROSS JOIN (VALUES
		('step', 'number of the step, from 1'),
		('stage', 'its name'),
		('customers', 'customers whose winning walk holds the stage'),
		('step_rate', 'their share of those at the mandatory step before; 1 at step 1'),
		('overall_rate', 'their share of those at step 1'),
		('dropped', 'customers of this step who were not at the next mandatory one, have not refused, and for whom it is over; NULL at the last and at an optional one'),
		('drop_rate', 'dropped / customers'),
		('open_customers', 'customers of this step who were not at the next mandatory one and may yet be: a walk of theirs that has begun, and that no refusal has ended, could still become as deep or deeper; NULL where dropped is'),
		('rate_low', 'lower end of the 95 % Wilson interval of step_rate'),
		('rate_high', 'upper end of it'),
		('median_time', 'time since the step before, median'),
		('mean_time', 'the same, mean'),
		('p90_time', 'the same, 90th percentile'),
		('median_total', 'time since step 1, median'),
		('p90_total', 'the same, 90th percentile'),
		('median_time_seconds', 'median_time in seconds'),
		('mean_time_seconds', 'mean_time in seconds'),
		('p90_time_seconds', 'p90_time in seconds'),
		('median_total_seconds', 'median_total in seconds'),
		('p90_total_seconds', 'p90_total in seconds'),
		('refused', 'customers of this step who were not at the next mandatory one and have said no; NULL where dropped is')) c(column_name, comment)
	UNION ALL
	SELECT j.view_name, j.column_name, j.comment FROM cjm_internal.map_journey_comments() j
	UNION ALL
	SELECT a.view_name, a.column_name, a.comment FROM cjm_internal.map_attribution_comments() a
	UNION ALL
	SELECT e.view_name, e.column_name, e.comment FROM cjm_internal.map_economics_comments() e
	UNION ALL
	SELECT f.view_name, f.column_name, f.comment FROM cjm_internal.map_feedback_comments() f
	UNION ALL
	SELECT m.view_name, m.column_name, m.comment FROM cjm_internal.map_metrics_comments() m
	UNION ALL
	SELECT d.view_name, d.column_name, d.comment FROM cjm_internal.map_definition_comments() d;
END;
COMMENT ON FUNCTION cjm_internal.map_comments() IS 'the comments of the views and columns of every map';

-- The names of the views of a map, definition first, and what each selects.
CREATE FUNCTION cjm_internal.map_views(map cjm_internal.map) RETURNS TABLE (place bigint, view_name text, query text)
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 5000 ROWS 22
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY SELECT v.place, v.view_name, v.query
	FROM unnest(
		cjm_internal.map_view_names(),
		ARRAY[
			format('SELECT %L::regnamespace AS map, %L::regclass AS source, %L::text AS customer, %L::text AS at, %L::text AS event,
					%L::text AS channel, %L::text AS value, %L::text AS segment, %L::text AS segment_at, %L::text AS filter,
					%L::cjm.funnel AS stages, %L::interval AS session_gap, %L::text AS time_zone, %L::text AS access,
					%L::regclass AS spend, %L::text AS attribution, %L::text AS nps, %L::text AS csat, %L::text AS ces,
					%L::cjm.funnel AS refusal, %L::cjm.funnel AS purchase, %L::cjm.funnel AS visit, %L::text AS sequence, %L::text AS attribution_per,
					%L::boolean AS only_channels, %L::text AS source_name, %L::jsonb AS dimensions, %L::text AS session_rule, %L::text AS session, %L::text AS comment,
					%L::text AS stages_text, %L::text AS refusal_text, %L::text AS purchase_text, %L::text AS visit_text',
				(map).map, (map).source, (map).customer, (map).at, (map).event, (map).channel, (map).value, (map).segment,
				(map).segment_at, (map).filter, (map).stages, (map).session_gap, (map).time_zone, (map).access,
				(map).spend, (map).attribution, (map).nps, (map).csat, (map).ces, (map).refusal, (map).purchase, (map).visit, (map).sequence,
				(map).attribution_per, (map).only_channels, (map).source_name, (map).dimensions, (map).session_rule, (map).session, (map).comment,
				(map).stages, (map).refusal, (map).purchase, (map).visit),
			cjm_internal.map_events_sql(map),
			cjm_internal.map_journeys_sql(map),
			cjm_internal.map_customers_sql(map),
			cjm_internal.map_funnel_sql(map, '', NULL, NULL, false),
			cjm_internal.map_funnel_sql(map, 's.label AS segment,', 'segment', NULL, false),
			cjm_internal.map_funnel_sql(map, format('(lower(s.entered) AT TIME ZONE %L)::date AS week, %s AS closed,', (map).time_zone, cjm_internal.map_bucket_sql(map)),
				NULL, 'week', false),
			cjm_internal.map_funnel_sql(map, 's.dimension, s.label AS value,', NULL, NULL, false, cjm_internal.map_dimension_names(map), cjm_internal.map_most_groups()),
			cjm_internal.map_drop_off_sql(map, 'last_event', 'last_event', false),
			cjm_internal.map_sessions_sql(map),
			cjm_internal.map_bounce_sql(map, '', NULL, false),
			cjm_internal.map_retention_sql(map, 'month', 'in', NULL, NULL, false, NULL, 1, NULL, NULL, false, false, false),
			cjm_internal.map_lifecycle_sql(map, 'month', NULL, NULL, NULL, false, false),
			cjm_internal.map_touchpoints_sql(map, 'event', 'event', false, false),
			cjm_internal.map_stages_sql(map, '', NULL, false),
			cjm_internal.map_transitions_sql(map, '', 'event', NULL, false, false, false, NULL),
			cjm_internal.map_paths_sql(map),
			cjm_internal.map_attribution_view_sql(map),
			cjm_internal.map_spend_sql(map),
			cjm_internal.map_channels_sql(map, format('(c.bucket AT TIME ZONE %L)::date AS week,', (map).time_zone), NULL, 'week', 'conversion', NULL, false),
			cjm_internal.map_feedback_sql(map, '', NULL, false),
			cjm_internal.map_metrics_view_sql(map)]) WITH ORDINALITY v(view_name, query, place);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_views(cjm_internal.map) IS 'the views of a map in the order in which they are made, and what each selects';

-- A number that is taken for seconds and is not gives times of 1970, of years that have not come, or none at all.  Some rows tell.
CREATE FUNCTION cjm_internal.map_notice_years(map cjm_internal.map) RETURNS void
	LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	units CONSTANT text := 'Seconds since 1970 are to_timestamp(n), milliseconds to_timestamp(n / 1000.0), microseconds to_timestamp(n / 1000000.0).';
	years record;
	problem text;
BEGIN
	BEGIN
		EXECUTE format('SELECT min(y.year) AS first, max(y.year) AS last
			FROM (SELECT extract(year FROM greatest(least(e.at, ''200000-01-01Z''), ''4700-01-01Z BC'') AT TIME ZONE $1)::integer AS year FROM (%s LIMIT 1000) e WHERE isfinite(e.at)) y', cjm_internal.map_events_sql(map))
			INTO years USING (map).time_zone;
	EXCEPTION WHEN datetime_field_overflow THEN
		GET STACKED DIAGNOSTICS problem = MESSAGE_TEXT;
		RAISE datetime_field_overflow USING
			MESSAGE = format('at gives no time of some row of %s: %s', (map).source, problem),
			HINT = units;
	END;
	-- A number of another unit is so in all rows; some that stand for "never" are no matter.
	IF years.last < 1990 OR years.first > extract(year FROM now()) + 1 THEN
		RAISE NOTICE 'the first rows of % are of %', (map).source,
			CASE WHEN years.first = years.last THEN format('the year %s', years.first) ELSE format('the years %s to %s', years.first, years.last) END
			USING HINT = CASE WHEN (map).at ~ 'to_timestamp' THEN units ELSE 'Is that right?' END;
	END IF;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_notice_years(cjm_internal.map) IS 'tells by a notice of which years the rows of a map are, if that is hard to believe';

-- Tells which events of the stages are not there, with one pass over the source.  No view of the map is read for it, since that
-- would be one that readers wait for.
CREATE FUNCTION cjm_internal.map_notice_events(map cjm_internal.map) RETURNS void
	LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	missing record;
	nearest text;
	problem text;
BEGIN
	FOR missing IN EXECUTE format('
		WITH seen AS (SELECT e.event, %s AS channel, count(*) AS touches FROM (%s) e WHERE e.event <> '''' GROUP BY 1, 2)
		SELECT s.stage, s.event, s.channel, (SELECT array_agg(event) FROM (
			SELECT event FROM seen GROUP BY event ORDER BY sum(touches) DESC LIMIT 10000) e) AS events
		FROM (SELECT n.step, coalesce(''stage "'' || n.stage || ''"'', ''excluding'') AS stage, n.event, n.channel FROM cjm.funnel_stages($1) n
			UNION ALL SELECT NULL, a.survey, a.event, NULL FROM unnest(ARRAY[''nps'', ''csat'', ''ces''], $2) a(survey, event) WHERE a.event IS NOT NULL
			UNION ALL SELECT NULL, l.argument, l.event, l.channel FROM cjm_internal.map_listed_events($3) l) s
		WHERE NOT EXISTS (SELECT FROM seen WHERE (s.event IS NULL OR seen.event = s.event) AND (s.channel IS NULL OR seen.channel = s.channel))
		ORDER BY s.step, s.stage COLLATE "C"',
		CASE WHEN cjm_internal.map_asks_channel(map) THEN 'e.channel' ELSE 'NULL::text' END,
		cjm_internal.map_events_sql(map)) USING (map).stages, ARRAY[(map).nps, (map).csat, (map).ces], map
	LOOP
		IF missing.events IS NULL THEN
			RAISE NOTICE 'no row of % has an event yet', (map).source;
			RETURN;
		END IF;
		-- Letters of the other case are the likeliest mistake.
		nearest := nullif(coalesce((SELECT e FROM unnest(missing.events) e WHERE lower(e) = lower(missing.event) AND e <> missing.event LIMIT 1),
			cjm_internal.map_nearest(missing.event, missing.events)), missing.event);
		problem := format('no row has the %s, which %s names',
			concat_ws(' through the ', 'event "' || missing.event || '"', 'channel "' || missing.channel || '"'),
			missing.stage);
		IF nearest IS NULL THEN
			RAISE NOTICE '%', problem;
		ELSE
			RAISE NOTICE '%', problem USING HINT = format('Nearest is "%s".', nearest);
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_notice_events(cjm_internal.map) IS 'tells by notices which events of a map''s stages the source does not have, and which are like them';

-- DROP EXTENSION ... CASCADE takes the views that call a function of ours, "map" among them, and no others.
CREATE FUNCTION cjm_internal.map_is_remnant(schema oid) RETURNS boolean
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT obj_description(schema, 'pg_namespace') IS NOT DISTINCT FROM 'customer journey map'
		AND coalesce(bool_and(c.relname = ANY (cjm_internal.map_names())), false)
	FROM pg_depend d LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
	WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = schema AND d.deptype = 'n');
COMMENT ON FUNCTION cjm_internal.map_is_remnant(oid) IS 'whether a schema holds some views of a map and nothing else';

-- Readers lock the views from the top down, so they are locked in that order.  Readers who come meanwhile wait, so this gives up at
-- first after half a second and lets them go on for as long (five seconds at most, or it would sleep on when all are gone), then after
-- a second, and so on: whoever reads for long makes nobody else wait for much longer than that, and however many read, the time comes.
-- A reader who holds one view and waits for another goes first.
-- dropping, a command or NULL, is what drops the views: it may have to wait for views that others have built on them, whose readers
-- are behind these here.  It is done with the locks or let go with them, and soon enough that no reader's wait comes to deadlock_timeout.
CREATE FUNCTION cjm_internal.map_lock(map regnamespace, dropping text) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	from_top CONSTANT text[] := cjm_internal.audience_view_names(map) || '{kpis,comments,customer_journeys}' || ARRAY(SELECT v.name FROM unnest(cjm_internal.map_view_names()) WITH ORDINALITY v(name, place) ORDER BY v.place DESC);
	began CONSTANT timestamptz := clock_timestamp();
	lock_timeout CONSTANT text := current_setting('lock_timeout');
	most CONSTANT interval := nullif(lock_timeout, '0')::interval;
	soon CONSTANT float8 := extract(epoch FROM current_setting('deadlock_timeout')::interval) / 3;
	patience float8 := CASE WHEN dropping IS NULL THEN 0.5 ELSE least(0.5, soon) END;
	pause float8;
BEGIN
	LOOP
		BEGIN
			PERFORM cjm_internal.map_lock_views(map, from_top, patience);
			IF dropping IS NOT NULL THEN
				PERFORM set_config('lock_timeout', greatest(1, (soon * 1000)::integer)::text, true);
				EXECUTE dropping;
				PERFORM set_config('lock_timeout', lock_timeout, true);
			END IF;
			RETURN;
		EXCEPTION
			WHEN lock_not_available THEN
				pause := least(patience, 5);
				IF dropping IS NULL THEN
					patience := 2 * patience;
				END IF;
			WHEN deadlock_detected THEN
				pause := 0.05 + 0.2 * random();
		END;
		IF clock_timestamp() - began >= most THEN
			RAISE lock_not_available USING
				MESSAGE = format('the views of the map "%s" are being read', (SELECT n.nspname FROM pg_namespace n WHERE n.oid = map_lock.map)),
				DETAIL = format('They could not all be had within lock_timeout (%s).', lock_timeout),
				HINT = 'Try again when the transactions that read them are over: pg_locks and pg_stat_activity tell which they are.';
		END IF;
		PERFORM pg_sleep(pause);
	END LOOP;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_lock(regnamespace, text) IS 'locks all views of a map of one''s own, so that nobody reads them until the transaction ends, without a deadlock with readers; and drops them, if it is given the command';

-- Finds the schema of a new map or makes it, and holds it, so that of several who make or replace one map at the same time each
-- sees what the one before has made.
CREATE FUNCTION cjm_internal.map_claim(name text, replace boolean) RETURNS regnamespace
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	existing oid;
	holder oid;
	was_map boolean;
	detail text;
BEGIN
	FOR attempt IN 1 .. 3
	LOOP
		SELECT n.oid, n.nspowner INTO existing, holder FROM pg_namespace n WHERE n.nspname = name;
		IF NOT FOUND THEN
			BEGIN
				EXECUTE format('CREATE SCHEMA %I', name);
				SELECT n.oid INTO existing FROM pg_namespace n WHERE n.nspname = name;
				RETURN existing;
			EXCEPTION WHEN unique_violation OR duplicate_schema THEN
				-- Another session has made it since, and its transaction is over.
				CONTINUE;
			END;
		END IF;
		SELECT count(*) > 0 INTO was_map FROM pg_class c CROSS JOIN LATERAL cjm_internal.map_definition(c.oid) d
		WHERE c.relnamespace = existing AND c.relname = 'map' AND d.map = existing;
		-- Whoever owns a schema can put another view in the place of one, and the next reader runs what stands there.  A superuser is
		-- a member of every role; so that this lends nobody their name, they make no new map in the schema of a lesser role.
		IF NOT EXISTS (SELECT FROM pg_roles o JOIN pg_roles u ON u.rolname = current_user
			WHERE o.oid = holder AND pg_has_role(o.oid, 'USAGE') AND (was_map OR o.rolsuper >= u.rolsuper)) THEN
			RAISE insufficient_privilege USING
				MESSAGE = format('the schema "%s" belongs to %s', name, holder::regrole),
				HINT = 'Its owner could put other views in the place of the map''s. Choose another name, or make the map as that role.';
		ELSIF was_map AND NOT replace THEN
			RAISE duplicate_schema USING
				MESSAGE = format('there is a map "%s" already', name),
				HINT = 'With replace => true its views are made anew; cjm.drop_map takes it away.';
		END IF;
		CONTINUE WHEN NOT cjm_internal.map_lock_schema(existing);
		-- What was waited for may have changed all of it.
		CONTINUE WHEN NOT EXISTS (SELECT FROM pg_namespace n WHERE n.oid = existing AND n.nspname = name AND n.nspowner = holder)
			OR was_map <> EXISTS (SELECT FROM pg_class c CROSS JOIN LATERAL cjm_internal.map_definition(c.oid) d
				WHERE c.relnamespace = existing AND c.relname = 'map' AND d.map = existing);
		IF was_map THEN
			RETURN existing;
		ELSIF cjm_internal.map_is_remnant(existing) THEN
			IF NOT replace THEN
				RAISE duplicate_schema USING
					MESSAGE = format('the schema "%s" has what is left of a map', name),
					DETAIL = 'Views of it are gone, as after DROP EXTENSION cjm CASCADE.',
					HINT = 'With replace => true the map is made whole; DROP SCHEMA takes the rest away.';
			END IF;
			RETURN existing;
		END IF;
		SELECT string_agg(o.what, ', ') INTO detail FROM (
			SELECT pg_describe_object(d.classid, d.objid, 0) AS what FROM pg_depend d
			WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = existing AND d.deptype = 'n' ORDER BY d.objid LIMIT 5) o;
		IF detail IS NOT NULL THEN
			RAISE duplicate_schema USING
				MESSAGE = format('the schema "%s" exists and is no map', name),
				DETAIL = format('There are other things in it: %s.', detail),
				HINT = 'Choose another name: a map has a schema of its own.';
		END IF;
		RETURN existing;
	END LOOP;
	RAISE duplicate_schema USING
		MESSAGE = format('another session makes or drops the map "%s" at the same time', name),
		HINT = 'Try again in a new transaction.';
END
$$;
COMMENT ON FUNCTION cjm_internal.map_claim(text, boolean) IS 'the schema for a map, made, or found to be one''s own and locked against others who make or drop maps; an error if it cannot be had';

-- All texts come from map_expression; they are read by it again here, so that no other text becomes part of a view whoever calls this.
CREATE FUNCTION cjm_internal.map_build(name text, source regclass, customer text, at text, event text, stages cjm.funnel, channel text, value text,
	segment text, segment_at text, filter text, session_gap interval, time_zone text, access text, spend regclass, attribution text,
	nps text, csat text, ces text, replace boolean, keep boolean,
	refusal cjm.funnel DEFAULT NULL, purchase cjm.funnel DEFAULT NULL, visit cjm.funnel DEFAULT NULL, sequence text DEFAULT NULL, attribution_per text DEFAULT 'touchpoint', only_channels boolean DEFAULT false, dimensions jsonb DEFAULT NULL, session_rule text DEFAULT NULL, session text DEFAULT NULL, comment text DEFAULT NULL) RETURNS regnamespace
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	SET TimeZone = 'UTC' SET DateStyle = 'ISO, MDY' SET IntervalStyle = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex'
	SET lc_monetary = 'C' SET quote_all_identifiers = off SET xmloption = content SET array_nulls = on SET transform_null_equals = off
	SET standard_conforming_strings = on
AS $$
DECLARE
	new cjm_internal.map;
	old cjm_internal.map;
	existing oid;
	kept regclass;
	parts text[];
	missing text;
	relation pg_class;
	readers boolean;
	made record;
	detail text;
BEGIN
	SELECT a.name INTO missing
	FROM (VALUES ('name', name), ('source', source::text), ('customer', customer), ('at', at), ('event', event), ('stages', stages::text)) a(name, value)
	WHERE a.value IS NULL LIMIT 1;
	IF missing IS NOT NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = format('%s of a map must not be NULL', missing);
	ELSIF name = '' OR octet_length(name) > 63 THEN
		RAISE invalid_name USING
			MESSAGE = format('a map cannot be called "%s"', name),
			HINT = 'The name of a schema has 1 to 63 bytes.';
	ELSIF name LIKE 'pg\_%' OR name = ANY (ARRAY['public', 'information_schema', 'cjm']) THEN
		RAISE reserved_name USING
			MESSAGE = format('a map cannot be called "%s"', name),
			HINT = 'A map has a schema of its own, and this one is PostgreSQL''s, everybody''s or cjm''s.';
	ELSIF segment_at <> ALL (ARRAY['first', 'last']) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('segment_at cannot be "%s"', segment_at), HINT = 'It is first or last.';
	ELSIF segment IS NOT NULL AND dimensions ? 'segment' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'segment is said twice', HINT = 'It is the dimension of that name: leave one of the two out.';
	ELSIF access <> ALL (ARRAY['owner', 'reader']) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('access cannot be "%s"', access),
			HINT = 'It is owner, for views that read the source with your rights, or reader, with the rights of whoever asks.';
	END IF;
	PERFORM timezone(time_zone, now());
	PERFORM cjm.sessions('{}'::cjm.journey, session_gap, session_rule, time_zone);
	PERFORM cjm.attribute('{}'::cjm.journey, '*'::cjm.funnel, attribution, NULL::interval, attribution_per, interval '30 minutes',
		interval '7 days', '{0.4,0.2,0.4}'::float8[], '{direct}'::text[], false, NULL::text, NULL::text);
	PERFORM cjm_internal.map_check_answers(value, nps, csat, ces);
	PERFORM cjm_internal.map_check_spend(spend);
	PERFORM cjm_internal.map_check_list('refusal', refusal, channel);
	PERFORM cjm_internal.map_check_list('purchase', purchase, channel);
	PERFORM cjm_internal.map_check_list('visit', visit, channel);
	PERFORM cjm_internal.map_check_refusal('stages', stages, refusal);
	PERFORM cjm_internal.map_check_refusal('purchase', purchase, refusal);

	SELECT c.* INTO relation FROM pg_class c WHERE c.oid = source;
	IF relation.relpersistence = 't' THEN
		RAISE wrong_object_type USING
			MESSAGE = format('%s is a temporary table', source),
			HINT = 'A map stays, so its source has to.';
	END IF;
	IF cjm_internal.funnel_asks_channel(stages) AND channel IS NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'stages ask for a channel, but the map has none',
			HINT = 'Say where the channel is: channel => ''...''.';
	ELSIF session_rule IS NOT NULL AND cjm_internal.map_within_session(stages) THEN
		RAISE feature_not_supported USING
			MESSAGE = 'stages within session are not for a map with a session_rule',
			DETAIL = 'A funnel is within a session that the rows name, or where no gap is too long; where another channel or another day begins it goes on.',
			HINT = 'Say a time, as in "within 30 minutes", or leave out session_rule.';
	ELSIF session_rule ~ 'channel' AND channel IS NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'session_rule asks for a channel, but the map has none',
			HINT = 'Say where the channel is: channel => ''...''.';
	ELSIF spend IS NOT NULL AND channel IS NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'spend is by channel, but the map has none',
			HINT = 'Say where the channel is: channel => ''...''.';
	END IF;

	new.source := source;
	new.customer := cjm_internal.map_expression(source, customer, 'customer', time_zone);
	new.at := cjm_internal.map_expression(source, at, 'at', time_zone);
	new.event := cjm_internal.map_expression(source, event, 'event', time_zone);
	new.channel := cjm_internal.map_expression(source, channel, 'channel', time_zone);
	new.value := cjm_internal.map_expression(source, value, 'value', time_zone);
	new.segment := cjm_internal.map_expression(source, coalesce(segment, dimensions ->> 'segment'), 'segment', time_zone);
	new.segment_at := segment_at;
	new.filter := cjm_internal.map_expression(source, filter, 'filter', time_zone);
	new.stages := stages;
	new.session_gap := session_gap;
	new.session_rule := session_rule;
	new.session := cjm_internal.map_expression(source, session, 'session', time_zone);
	new.comment := cjm_internal.map_expression(source, comment, 'comment', time_zone);
	new.time_zone := time_zone;
	new.spend := spend;
	new.attribution := attribution;
	new.nps := nps;
	new.csat := csat;
	new.ces := ces;
	new.refusal := refusal;
	new.purchase := purchase;
	new.visit := visit;
	new.attribution_per := attribution_per;
	new.only_channels := only_channels;
	SELECT format('%I.%I', n.nspname, c.relname) INTO new.source_name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = source;
	new.dimensions := cjm_internal.map_read_dimensions(source, nullif(dimensions - 'segment', '{}'), time_zone);
	new.sequence := cjm_internal.map_expression(source, sequence, 'sequence', time_zone);
	-- Row security is there for the reader's sake, unless the maker says otherwise.
	SELECT bool_or(c.relrowsecurity OR EXISTS (
		SELECT FROM pg_options_to_table(c.reloptions) o WHERE o.option_name = 'security_invoker' AND o.option_value::boolean)) INTO readers
	FROM pg_class c WHERE c.oid IN (source, spend);
	new.access := coalesce(access, CASE WHEN readers THEN 'reader' ELSE 'owner' END);

	-- What the views read is locked now: whoever holds it must not be waited for with the views in hand.
	EXECUTE 'EXPLAIN ' || cjm_internal.map_events_sql(new);
	IF spend IS NOT NULL THEN
		EXECUTE format('EXPLAIN SELECT FROM %s', spend);
	END IF;

	existing := cjm_internal.map_claim(name, replace);
	new.map := existing;
	SELECT c.oid::regclass::text INTO detail FROM pg_class c
	WHERE c.oid IN (source, spend) AND c.relnamespace = existing AND c.relname = ANY (cjm_internal.map_names());
	IF FOUND THEN
		RAISE invalid_parameter_value USING MESSAGE = format('%s is a part of the map itself', detail);
	END IF;
	old := cjm_internal.map_in(existing);
	IF old.map IS NULL THEN
		-- What is left of a map may have stored journeys without the type that they were of.
		EXECUTE cjm_internal.kept_drop_sql(new, 'CASCADE');
	END IF;
	kept := cjm_internal.kept_state(existing);
	IF kept IS NOT NULL AND cjm_internal.map_is_older(existing) THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('the map "%s" keeps journeys as an older version of cjm did', name),
			HINT = format('SELECT cjm.upgrade_map(%L) first.', name);
	ELSIF kept IS NOT NULL THEN
		old := cjm_internal.kept_definition(old);
	END IF;
	IF kept IS NOT NULL AND new.access = 'reader' THEN
		RAISE feature_not_supported USING
			MESSAGE = format('journeys of the map "%s" cannot be kept: each reader sees the rows that they may read', name),
			HINT = format('SELECT cjm.unkeep_journeys(%L) first.', name);
	END IF;

	PERFORM cjm_internal.map_notice_years(new);
	PERFORM cjm_internal.map_check_sequence(new);
	PERFORM cjm_internal.map_notice_events(new);
	-- In the order of a refresh, which has the state when it comes to read a view.
	IF kept IS NOT NULL THEN
		EXECUTE format('SELECT FROM %s FOR UPDATE', kept);
	END IF;
	-- From here on nobody reads the map: what takes long is done before.
	PERFORM cjm_internal.map_lock(existing, NULL::text);
	parts := cjm_internal.kept_parts(kept);
	FOR made IN SELECT v.view_name, v.query FROM cjm_internal.map_views(new) v ORDER BY v.place
	LOOP
		BEGIN
			IF made.view_name = 'journeys' AND kept IS NOT NULL THEN
				PERFORM cjm_internal.kept_check(format('%I.events', name));
				PERFORM cjm_internal.kept_make_views(new);
			END IF;
			EXECUTE format('CREATE OR REPLACE VIEW %I.%I%s AS %s', name, made.view_name,
				CASE WHEN new.access = 'reader' THEN ' WITH (security_invoker = true)'
					WHEN new.filter IS NOT NULL AND made.view_name = 'events' THEN ' WITH (security_barrier = true)' END,
				made.query);
		EXCEPTION WHEN invalid_table_definition THEN
			GET STACKED DIAGNOSTICS detail = MESSAGE_TEXT;
			RAISE invalid_table_definition USING
				MESSAGE = format('the view "%s" of the map cannot be replaced: %s', made.view_name, detail),
				HINT = 'Views that read it hold its columns as they are: keep the type, or use cjm.drop_map and make the map again.';
		END;
	END LOOP;

	PERFORM cjm_internal.map_make_comments(new);
	EXECUTE format('COMMENT ON SCHEMA %I IS %L', name, 'customer journey map');
	FOR made IN SELECT c.view_name, c.column_name, c.comment FROM cjm_internal.map_comments() c
	LOOP
		IF made.column_name IS NULL THEN
			EXECUTE format('COMMENT ON VIEW %I.%I IS %L', name, made.view_name, made.comment);
		ELSE
			EXECUTE format('COMMENT ON COLUMN %I.%I.%I IS %L', name, made.view_name, made.column_name, made.comment);
		END IF;
	END LOOP;
	-- All of them are the owner's of the schema: reports trust no other.
	FOR made IN SELECT c.oid::regclass AS view, n.nspowner::regrole AS holder
		FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid AND c.relowner <> n.nspowner
		WHERE n.oid = existing AND c.relname = ANY (cjm_internal.map_view_names()::name[] || 'comments'::name)
	LOOP
		EXECUTE format('ALTER VIEW %s OWNER TO %s', made.view, made.holder);
	END LOOP;
	-- Audiences read with the rights that the map reads with.
	FOR made IN SELECT v.name FROM unnest(cjm_internal.audience_view_names(existing)) v(name)
	LOOP
		EXECUTE format('ALTER VIEW %I.%I SET (security_invoker = %s)', name, made.name, new.access = 'reader');
	END LOOP;
	-- A table that a dimension is looked up in may have row security of its own.
	SELECT c.oid::regclass::text INTO detail
	FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class JOIN pg_class c ON c.oid = d.refobjid
	WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND v.relnamespace = existing AND v.relname = 'events' AND c.relrowsecurity
	ORDER BY c.oid LIMIT 1;
	IF FOUND AND map_build.access IS NULL AND new.access = 'owner' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('a dimension is looked up in %s, which has row security', detail),
			HINT = 'Say whose rights count: access => ''reader'' for those of whoever asks, access => ''owner'' for yours.';
	END IF;
	IF kept IS NOT NULL AND cjm_internal.map_events_sql(old) = cjm_internal.map_events_sql(new)
		AND cjm_internal.map_dimension_names(old) = cjm_internal.map_dimension_names(new) AND old.segment_at = new.segment_at THEN
		PERFORM cjm_internal.kept_follow(new, parts);
	END IF;
	-- Its owner's tables are read as its owner.
	PERFORM cjm_internal.map_call_as(t.task, (SELECT n.nspowner FROM pg_namespace n WHERE n.oid = existing), jsonb_build_object('map', existing::bigint))
	FROM unnest('{cjm_internal.steering_kpis,cjm_internal.audience_customers_follow}'::regproc[]) t(task);
	-- A view can be made without a right to read; it would be of no use.
	EXECUTE format('SELECT FROM %1$I.events CROSS JOIN %1$I.spend LIMIT 0', name);
	IF keep AND kept IS NULL THEN
		PERFORM cjm.keep_journeys(name);
	END IF;
	FOR detail IN SELECT f.meaning FROM cjm_internal.map_distributed_findings(new) f WHERE f.finding = 'rows are fetched'
	LOOP
		RAISE NOTICE '%', detail USING HINT = 'A cast or a function hides the column: give it bare, or distribute the source by what you give.';
	END LOOP;
	RETURN existing;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_build(text, regclass, text, text, text, cjm.funnel, text, text, text, text, text, interval, text, text, regclass, text, text, text, text, boolean, boolean, cjm.funnel, cjm.funnel, cjm.funnel, text, text, boolean, jsonb, text, text, text) IS
	'makes the views of a map; create_map is the function to call';

-- Expressions are read in the caller's search_path, all the rest in one that is fixed.
CREATE FUNCTION cjm.create_map(
	name text,
	source regclass,
	customer text,
	at text,
	event text,
	stages cjm.funnel,
	channel text DEFAULT NULL,
	value text DEFAULT NULL,
	segment text DEFAULT NULL,
	segment_at text DEFAULT 'first',
	filter text DEFAULT NULL,
	session_gap interval DEFAULT '30 minutes',
	time_zone text DEFAULT current_setting('TimeZone'),
	access text DEFAULT NULL,
	spend regclass DEFAULT NULL,
	attribution text DEFAULT 'last_touch',
	nps text DEFAULT NULL,
	csat text DEFAULT NULL,
	ces text DEFAULT NULL,
	replace boolean DEFAULT false,
	keep boolean DEFAULT false,
	refusal cjm.funnel DEFAULT NULL,
	purchase cjm.funnel DEFAULT NULL,
	visit cjm.funnel DEFAULT NULL,
	sequence text DEFAULT NULL,
	attribution_per text DEFAULT 'touchpoint',
	only_channels boolean DEFAULT false,
	dimensions jsonb DEFAULT NULL,
	session_rule text DEFAULT NULL,
	session text DEFAULT NULL,
	comment text DEFAULT NULL) RETURNS regnamespace
	LANGUAGE sql VOLATILE
RETURN cjm_internal.map_build(name, source,
	cjm_internal.map_expression(source, customer, 'customer', coalesce(time_zone, current_setting('TimeZone'))),
	cjm_internal.map_expression(source, at, 'at', coalesce(time_zone, current_setting('TimeZone'))),
	cjm_internal.map_expression(source, event, 'event', coalesce(time_zone, current_setting('TimeZone'))),
	stages,
	cjm_internal.map_expression(source, channel, 'channel', coalesce(time_zone, current_setting('TimeZone'))),
	cjm_internal.map_expression(source, value, 'value', coalesce(time_zone, current_setting('TimeZone'))),
	cjm_internal.map_expression(source, segment, 'segment', coalesce(time_zone, current_setting('TimeZone'))),
	coalesce(segment_at, 'first'),
	cjm_internal.map_expression(source, filter, 'filter', coalesce(time_zone, current_setting('TimeZone'))),
	coalesce(session_gap, '30 minutes'), coalesce(time_zone, current_setting('TimeZone')), access, spend, coalesce(attribution, 'last_touch'), nps, csat, ces,
	coalesce(replace, false), coalesce(keep, false), refusal, purchase, visit,
	cjm_internal.map_expression(source, sequence, 'sequence', coalesce(time_zone, current_setting('TimeZone'))),
	coalesce(attribution_per, 'touchpoint'), coalesce(only_channels, false),
	cjm_internal.map_read_dimensions(source, dimensions, coalesce(time_zone, current_setting('TimeZone'))), session_rule,
	cjm_internal.map_expression(source, session, 'session', coalesce(time_zone, current_setting('TimeZone'))),
	cjm_internal.map_expression(source, comment, 'comment', coalesce(time_zone, current_setting('TimeZone'))));
COMMENT ON FUNCTION cjm.create_map(text, regclass, text, text, text, cjm.funnel, text, text, text, text, text, interval, text, text, regclass, text, text, text, text, boolean, boolean, cjm.funnel, cjm.funnel, cjm.funnel, text, text, boolean, jsonb, text, text, text) IS
'makes a customer journey map: a schema of views over an event table.
name: of the schema; source: a table or view with a row for each event
customer, at, event, channel, value, segment: a column or an expression over a row of the source; filter: a condition
stages: the funnel; dimensions: other properties of customers, as {"country": "country"}, names and expressions; segment_at: whether the first or last segment of a customer counts, and the first or last of each of these
session_gap: what is longer ends a session; session_rule: what else does: channel, for another channel than the last known one of the session, day, for the next day, or channel | day
session: a column or an expression that names the session of a row, such as ''ga_session_id'': rows of a customer that name the same are one session, whatever lies between them; gap and rule divide those that name none
time_zone: where days, weeks and months begin
access: owner, the default, or reader, the default where the source has row security
spend: a table or view of what the channels cost, with day, channel, impressions, clicks and cost; attribution: the model that the view channels credits by
nps, csat, ces: the events whose value is an answer from 0 to 10, from 1 to 5 and from 1 to 7
replace: whether a map of that name is made anew; views over its views stay, and what keep_journeys has made of it
keep: whether its journeys are kept, as by keep_journeys
refusal: the events that say no, such as ''refusal | cancel'': an exit from any stage
purchase: the events that are a purchase, such as ''order | renewal''; NULL for those of the last stage that is not optional
visit: the events that are a visit, such as ''visit | view'', for sessions, bounces and channels; NULL for all
sequence: a column or an expression, a whole number that orders the events of one time; it is added to the time as microseconds
comment: a column or an expression, what a customer wrote with an answer, for feedback_words and map_svg
attribution_per: touchpoint, or session for one share of a conversion to each visit; only_channels: whether touchpoints without a channel earn nothing; of the views attribution and channels';

CREATE FUNCTION cjm.drop_map(name text, cascade boolean DEFAULT false) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	old cjm_internal.map := cjm_internal.map_of(name, NULL, true);
	schema text;
	views text;
BEGIN
	PERFORM cjm_internal.map_lock_schema((old).map);
	-- Another session may have dropped or renamed it in the meantime; then there is none.
	old := cjm_internal.map_of(name, NULL, true);
	schema := cjm_internal.map_schema(old);
	SELECT string_agg(format('%s.%I', schema, c.relname), ', ' ORDER BY c.oid) INTO views
	FROM pg_class c
	WHERE c.relnamespace = old.map AND c.relkind = 'v' AND c.relname = ANY (cjm_internal.map_view_names()::name[]);
	PERFORM cjm_internal.map_lock((old).map, format('%5$sDROP VIEW %2$s %3$s; %4$sDROP SCHEMA %1$s %3$s', schema, views, CASE WHEN cascade THEN 'CASCADE' ELSE 'RESTRICT' END,
		cjm_internal.kept_drop_sql(old, CASE WHEN cascade THEN 'CASCADE' ELSE 'RESTRICT' END),
		cjm_internal.steering_drop_sql(old, CASE WHEN cascade THEN 'CASCADE' ELSE 'RESTRICT' END)));
END
$$;
COMMENT ON FUNCTION cjm.drop_map(text, boolean) IS
	'takes a map away: its views and its schema; with cascade also what others have built on them or put into it, else that is an error';
