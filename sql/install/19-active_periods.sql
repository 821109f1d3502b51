--
-- active_periods: when a customer was there
--

CREATE FUNCTION active_periods(journey journey, period text, time_zone text DEFAULT current_setting('TimeZone')) RETURNS date[]
	AS 'MODULE_PATHNAME', 'journey_active_periods'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION active_periods(journey, text, text) IS
	'the days, weeks (ISO), months, quarters or years of a time zone in which the customer has touchpoints, by their first days, in order';
