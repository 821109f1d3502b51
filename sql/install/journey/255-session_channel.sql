--
-- session_channel: the channel of the session that a moment lies in
--

CREATE FUNCTION cjm.session_channel(journey cjm.journey, gap interval, at timestamptz, rule text DEFAULT NULL, time_zone text DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME', 'journey_session_channel'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 30;
COMMENT ON FUNCTION cjm.session_channel(cjm.journey, interval, timestamptz, text, text) IS
	'the channel of the session that a moment lies in: that of its first touchpoint that has one, or NULL, as where the moment lies in none; of two that meet in it the first, of given ones the first that has a touchpoint at it; rule and time_zone as of sessions';
