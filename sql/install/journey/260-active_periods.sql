--
-- active_periods: when a customer was there
--

CREATE FUNCTION cjm.active_periods(journey cjm.journey, period text, time_zone text DEFAULT current_setting('TimeZone')) RETURNS date[]
	AS 'MODULE_PATHNAME', 'journey_active_periods'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm.active_periods(cjm.journey, text, text) IS
	'the days, weeks (ISO), months, quarters or years of a time zone in which the customer has touchpoints, by their first days, in order';
