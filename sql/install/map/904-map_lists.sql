--
-- Lists of events in the definition of a map that say what is what: a refusal, a purchase, a visit.
--
-- Each is a funnel of one stage, so that what matches it is what would match a
-- stage.  The functions return SQL over a journey j, as in 906-map_views.sql.
--

CREATE FUNCTION cjm_internal.map_check_list(argument text, list cjm.funnel, channel text) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF EXISTS (SELECT FROM cjm.funnel_stages(list) s WHERE s.step IS DISTINCT FROM 1) OR cjm.funnel_within(list) IS NOT NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('%s is no list of events: %s', argument, list),
			HINT = format('Say the events with | between them: %s => ''one | "another one"''.', argument);
	ELSIF channel IS NULL AND EXISTS (SELECT FROM cjm.funnel_stages(list) s WHERE s.channel IS NOT NULL) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('%s asks for a channel, but the map has none', argument),
			HINT = 'Say where the channel is: channel => ''...''.';
	END IF;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_check_list(text, cjm.funnel, text) IS 'an error if an argument of create_map is no list of events of a map with that channel; none if it is NULL';

CREATE FUNCTION cjm_internal.map_listed_events(map cjm_internal.map) RETURNS TABLE (argument text, event text, channel text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 3
	SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT l.argument, s.event, s.channel
	FROM (VALUES ('refusal', (map).refusal), ('purchase', (map).purchase), ('visit', (map).visit)) l(argument, list) CROSS JOIN LATERAL cjm.funnel_stages(l.list) s;
END;
COMMENT ON FUNCTION cjm_internal.map_listed_events(cjm_internal.map) IS 'the events in the lists of a map, and which argument of create_map has them; a NULL is any';

CREATE FUNCTION cjm_internal.map_asks_channel(map cjm_internal.map) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN cjm_internal.funnel_asks_channel((map).stages) OR EXISTS (SELECT FROM cjm_internal.map_listed_events(map) l WHERE l.channel IS NOT NULL);
COMMENT ON FUNCTION cjm_internal.map_asks_channel(cjm_internal.map) IS 'whether the stages or the lists of a map ask for a channel';

-- A walk may leave out stages before the one that it begins at only where it may begin at any.
CREATE FUNCTION cjm_internal.map_began_sql(map cjm_internal.map, times text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format(CASE WHEN regexp_replace((map).stages::text, '"(?:[^"]|"")*"', '', 'g') ~ '\mfrom any stage\M' THEN '(array_remove(%s, NULL::timestamptz))[1]' ELSE '(%s)[1]' END, times);
COMMENT ON FUNCTION cjm_internal.map_began_sql(cjm_internal.map, text) IS 'SQL: when a walk began whose times are given';

-- Who has come to a stage by saying no would have converted by it.
CREATE FUNCTION cjm_internal.map_check_refusal(argument text, stages cjm.funnel, refusal cjm.funnel) RETURNS void
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	clash record;
BEGIN
	SELECT s.stage, r.event INTO clash
	FROM cjm.funnel_stages(stages) s JOIN cjm.funnel_stages(refusal) r ON s.event = r.event AND coalesce(s.channel = r.channel, true)
	WHERE s.step IS NOT NULL ORDER BY s.step LIMIT 1;
	IF FOUND THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('"%s" is a refusal and an event of %s', clash.event, CASE WHEN argument = 'stages' THEN format('stage "%s"', clash.stage) ELSE argument END),
			HINT = format('A refusal is an exit from any stage, and no step: leave it out of %s.', argument);
	END IF;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_check_refusal(text, cjm.funnel, cjm.funnel) IS 'an error if an event is a refusal and in the stages, or in the list of another argument';

CREATE FUNCTION cjm_internal.map_purchase(map cjm_internal.map) RETURNS cjm.funnel
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN coalesce((map).purchase, (SELECT string_agg(coalesce('"' || replace(s.event, '"', '""') || '"', '*') || coalesce('@"' || replace(s.channel, '"', '""') || '"', ''), ' | ')::cjm.funnel
	FROM cjm.funnel_stages((map).stages) s WHERE s.step = (SELECT max(l.step) FROM cjm.funnel_stages((map).stages) l WHERE NOT l.optional)));
COMMENT ON FUNCTION cjm_internal.map_purchase(cjm_internal.map) IS 'the events that are a purchase of a map';

-- A journey has the sessions that the rows give.  Of every function that asks what others are these are the arguments that say it.  A rule may ask where days begin.
CREATE FUNCTION cjm_internal.map_session_rule_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('%L::text, %L::text', (map).session_rule, CASE WHEN (map).session_rule IS NOT NULL THEN (map).time_zone END);
COMMENT ON FUNCTION cjm_internal.map_session_rule_sql(cjm_internal.map) IS 'SQL: what ends a session of a map beside a gap: arguments rule and time_zone';

CREATE FUNCTION cjm_internal.map_session_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('%L::interval, %s', (map).session_gap, cjm_internal.map_session_rule_sql(map));
COMMENT ON FUNCTION cjm_internal.map_session_sql(cjm_internal.map) IS 'SQL: what ends a session of a map: arguments gap, rule and time_zone';

-- A journey without the touchpoints that are in no visit has the sessions of a map, and they lie as far apart as before.
CREATE FUNCTION cjm_internal.map_visits_sql(map cjm_internal.map, journey text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN (map).visit IS NULL THEN journey ELSE format('cjm.only_visits(%s, %L::cjm.funnel, %s)', journey, (map).visit, cjm_internal.map_session_sql(map)) END;
COMMENT ON FUNCTION cjm_internal.map_visits_sql(cjm_internal.map, text) IS 'SQL: a journey, of which SQL is given, whose sessions are the visits of a map';

CREATE FUNCTION cjm_internal.map_session_channel_sql(map cjm_internal.map, at text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('cjm.session_channel(%s, %L::interval, %s, %s)', cjm_internal.map_visits_sql(map, 'j.journey'), (map).session_gap, at, cjm_internal.map_session_rule_sql(map));
COMMENT ON FUNCTION cjm_internal.map_session_channel_sql(cjm_internal.map, text) IS 'SQL: the channel of the session of a journey j that a time, of which SQL is given, lies in';

-- entered is an expression or NULL.
CREATE FUNCTION cjm_internal.map_refused_sql(map cjm_internal.map, entered text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN (map).refusal IS NULL THEN 'NULL::timestamptz'
	ELSE format('cjm.funnel_refused(j.journey, %L::cjm.funnel, %L::cjm.funnel, now()%s)', (map).stages, (map).refusal, ', ' || entered) END;
COMMENT ON FUNCTION cjm_internal.map_refused_sql(cjm_internal.map, text) IS 'SQL: when the customer of a journey j said no, by walks that begin in a range; NULL if they did not';

-- Walks that a refusal has ended go on no more.
CREATE FUNCTION cjm_internal.map_open_sql(map cjm_internal.map, entered text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN (map).refusal IS NULL THEN format('cjm.funnel_open(j.journey, %L::cjm.funnel, now()%s)', (map).stages, ', ' || entered)
	ELSE format('(cjm.funnel_open(j.journey, %L::cjm.funnel, now()%s) AND %s IS NULL)', (map).stages, ', ' || entered, cjm_internal.map_refused_sql(map, entered)) END;
COMMENT ON FUNCTION cjm_internal.map_open_sql(cjm_internal.map, text) IS 'SQL: whether the customer of a journey j may yet go on, by walks that begin in a range';
