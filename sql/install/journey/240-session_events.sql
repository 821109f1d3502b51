--
-- session_events: the events of each session; total_value: what a journey is worth
--

CREATE FUNCTION cjm.session_events(journey cjm.journey, gap interval DEFAULT '30 minutes', rule text DEFAULT NULL, time_zone text DEFAULT NULL)
	RETURNS TABLE (
		session_number bigint,
		event text,
		channel text,
		is_entry boolean,
		is_exit boolean,
		started_at timestamptz,
		ended_at timestamptz,
		touch_count bigint,
		seconds float8,
		bounced boolean)
	AS 'MODULE_PATHNAME', 'journey_session_events'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 ROWS 10;
COMMENT ON FUNCTION cjm.session_events(cjm.journey, interval, text, text) IS
	'a row for each event of each session, whether the session began and ended with it, and what the session was: channel, times, number of touchpoints, length in seconds, bounce; arguments as of sessions';

CREATE FUNCTION cjm.total_value(journey cjm.journey) RETURNS float8
	AS 'MODULE_PATHNAME', 'journey_total_value'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm.total_value(cjm.journey) IS 'sum of the values of a journey; NULL where no touchpoint has one';

CREATE FUNCTION cjm.gross_value(journey cjm.journey) RETURNS float8
	AS 'MODULE_PATHNAME', 'journey_gross_value'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm.gross_value(cjm.journey) IS 'sum of the values of a journey that are not negative, which refunds are; NULL where no touchpoint has one';
