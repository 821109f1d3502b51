--
-- session_channel: the channel of the session that a moment lies in
--

CREATE FUNCTION cjm.session_channel(journey cjm.journey, gap interval, at timestamptz) RETURNS text
	AS 'MODULE_PATHNAME', 'journey_session_channel'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 30;
COMMENT ON FUNCTION cjm.session_channel(cjm.journey, interval, timestamptz) IS
	'the channel of the session that a moment lies in: that of its first touchpoint that has one, or NULL, as where the moment lies in none';
