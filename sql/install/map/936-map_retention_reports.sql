--
-- Reports of who came back.
--
-- As in 935-map_reports.sql, but for the order of their arguments: what they have
-- had first stands first, so that calls by position are what they were.
--

CREATE FUNCTION cjm.retention_report(
	map text,
	period text DEFAULT 'month',
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	kind text DEFAULT 'in',
	by text DEFAULT NULL,
	where_is jsonb DEFAULT NULL,
	starts cjm.funnel DEFAULT NULL,
	returns cjm.funnel DEFAULT NULL,
	at_least integer DEFAULT 1,
	brackets integer[] DEFAULT NULL,
	week_starts text DEFAULT 'monday',
	value boolean DEFAULT false,
	every_start boolean DEFAULT false)
	RETURNS TABLE (cohort date, number integer, period_start date, cohort_size bigint, retained bigint, rate float8, churn float8,
		period_over boolean, by_value text, period_end date, net_value numeric, gross_value numeric, value_rate float8, purchases bigint, refunds bigint)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE cjm_internal.map_retention_sql(cjm_internal.map_of(map, where_is), coalesce(period, 'month'), coalesce(kind, 'in'), by, starts, coalesce(every_start, false),
		returns, coalesce(at_least, 1), brackets, week_starts, coalesce(value, false), cjm_internal.map_ranged(from_time, to_time), true)
		USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;
COMMENT ON FUNCTION cjm.retention_report(text, text, timestamptz, timestamptz, text, text, jsonb, cjm.funnel, cjm.funnel, integer, integer[], text, boolean, boolean) IS
'customers by the period in which they started, and how many of them came back; of starts in a time range.
period: day, week, month, quarter or year of the calendar; or 24 hours, 7 days or 28 days that run from each customer''s own start, whose cohorts are those of a day, week or month
kind: in, for those who came back in the period, or on_or_after, for those who did so in it or later
by: NULL, a dimension of the map (segment), first_channel or channel (of the customer), session_channel (of their first session), entry_channel (of the first touchpoint of the winning walk)
where_is: which customers, a value or a list of values by name: {"segment": ["LV", "EE"], "first_channel": null}; the names are those of by
starts: events, or a funnel that is completed; NULL: the first touchpoint. every_start: in the cohort of every period in which a customer started, and not of the first alone
returns: the same of what coming back is, at or after the start; NULL: any touchpoint. at_least: so many times within the period or bracket
brackets: numbers of periods that each begin a bracket, which ends before the next; the last one has no end. number is where it begins
week_starts: a day of the week. value: whether to count money, of purchases from the start on
Periods go up to the last one in which anybody was seen, and not beyond the present one; a cohort of the future has its own alone.
period_over: before that the numbers are still growing, as those of on_or_after and of a bracket without an end always are: there it is NULL; churn: 1 - rate where it is over, since nobody is lost before that
net_value: less refunds, gross_value: without taking them off; value_rate: net_value / that of number 0';

CREATE FUNCTION cjm.lifecycle_report(
	map text,
	period text DEFAULT 'month',
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	by text DEFAULT NULL,
	where_is jsonb DEFAULT NULL,
	active cjm.funnel DEFAULT NULL,
	week_starts text DEFAULT 'monday')
	RETURNS TABLE (period_start date, new_customers bigint, returning_customers bigint, resurrected_customers bigint, dormant_customers bigint,
		active_customers bigint, period_over boolean, by_value text)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 20
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE cjm_internal.map_lifecycle_sql(cjm_internal.map_of(map, where_is), coalesce(period, 'month'), by, active, week_starts,
		cjm_internal.map_ranged(from_time, to_time), true)
		USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;
COMMENT ON FUNCTION cjm.lifecycle_report(text, text, timestamptz, timestamptz, text, jsonb, cjm.funnel, text) IS
'what became of customers from period to period, up to the last one in which anybody was seen and not beyond the present one; of periods that begin in a time range.
period: day, week, month, quarter or year; by, where_is: as for retention_report; active: the events that count as being there, NULL for all; week_starts: a day of the week
new: first active in it; returning: active in it and in the one before; resurrected: active in it and before, but not in the one before;
dormant: active in the one before and not in it; active: new, returning and resurrected';
