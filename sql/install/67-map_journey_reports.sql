--
-- Reports with arguments that look at the journey itself, and what to improve.
--
-- As in 66-map_reports.sql: the name of a map first, a time range last.
--

CREATE FUNCTION touchpoint_report(
	map text,
	by text DEFAULT 'event',
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity')
	RETURNS TABLE (step integer, stage text, by_value text, customers bigint, share float8, touches bigint,
		first_seen timestamptz, last_seen timestamptz, compared_within interval,
		with_customers bigint, with_went_on bigint, with_rate float8, without_customers bigint, without_went_on bigint, without_rate float8,
		difference float8, difference_low float8, difference_high float8)
	LANGUAGE plpgsql STABLE PARALLEL SAFE COST 10000 ROWS 100
	SET search_path = pg_catalog, cjm, pg_temp
AS $$
DECLARE
	def map := map_of(map);
	touch_by text := map_touch_by(by);
BEGIN
	RETURN QUERY EXECUTE map_touchpoints_sql(def, 'by_value', touch_by, map_ranged(from_time, to_time)) USING from_time, to_time;
END
$$;
COMMENT ON FUNCTION touchpoint_report(text, text, timestamptz, timestamptz) IS
'what customers met at each stage, of walks that begin in a time range (then from step 1 on).
by: event, or channel, for touchpoints that have one
Columns as in the view touchpoints.';

CREATE FUNCTION stage_report(
	map text,
	by text DEFAULT NULL,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity')
	RETURNS TABLE (by_value text, step integer, stage text, converted boolean, customers bigint, share float8, open_customers bigint,
		median_days_since float8, open_median_days_since float8)
	LANGUAGE plpgsql STABLE PARALLEL SAFE COST 10000 ROWS 20
	SET search_path = pg_catalog, cjm, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE map_stages_sql(map_of(map), 'l.label,', by, map_ranged(from_time, to_time)) USING from_time, to_time;
END
$$;
COMMENT ON FUNCTION stage_report(text, text, timestamptz, timestamptz) IS
'where customers stand now, of walks that begin in a time range (then from step 1 on).
by: NULL, segment, or channel (the first of the customer); share: of the customers with that value
Columns as in the view stages.';

CREATE FUNCTION transition_report(
	map text,
	by text DEFAULT 'event',
	depth integer DEFAULT NULL,
	repeats boolean DEFAULT false,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity')
	RETURNS TABLE ("position" integer, source text, target text, value bigint, customers bigint, share float8)
	LANGUAGE plpgsql STABLE PARALLEL SAFE COST 10000 ROWS 100
	SET search_path = pg_catalog, cjm, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE map_transitions_sql(map_of(map), CASE WHEN depth IS NULL THEN 'NULL::integer,' ELSE 't.position,' END,
		by, depth, repeats, map_ranged(from_time, to_time)) USING from_time, to_time;
END
$$;
COMMENT ON FUNCTION transition_report(text, text, integer, boolean, timestamptz, timestamptz) IS
'what followed what, of customers first seen in a time range.
by: event, or channel, of touchpoints that have one
depth: NULL for pairs wherever they stand, or a number of positions from the beginning of journeys: then source and target begin with their position ("1. view"), so that a Sankey chart has no circles
repeats: whether the same several times running counts each time; it does not by default
value: how often; share: of the times that the source was there at all';

CREATE FUNCTION path_report(
	map text,
	by text DEFAULT 'event',
	depth integer DEFAULT 10,
	repeats boolean DEFAULT false,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity')
	RETURNS TABLE (path text, nodes text[], customers bigint, share float8, converted bigint, rate float8)
	LANGUAGE plpgsql STABLE PARALLEL SAFE COST 10000 ROWS 1000
	SET search_path = pg_catalog, cjm, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE map_paths_sql(map_of(map), by, depth, repeats, map_ranged(from_time, to_time)) USING from_time, to_time;
END
$$;
COMMENT ON FUNCTION path_report(text, text, integer, boolean, timestamptz, timestamptz) IS
'paths up to the completion of the funnel, of customers first seen in a time range.
by: event, or channel, of touchpoints that have one; depth: how many at most
repeats: whether the same several times running is there each time; it is not by default
Columns as in the view paths.';
