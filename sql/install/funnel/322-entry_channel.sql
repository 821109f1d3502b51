--
-- entry_channel: the channel through which a customer came into a funnel
--

CREATE FUNCTION cjm.entry_channel(journey cjm.journey, funnel cjm.funnel) RETURNS text
	AS 'MODULE_PATHNAME', 'journey_entry_channel'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 25;
COMMENT ON FUNCTION cjm.entry_channel(cjm.journey, cjm.funnel) IS
	'the channel of the first touchpoint of the winning walk, or NULL; of several that could be it, at one time, the smallest';

CREATE FUNCTION cjm.entry_channel(journey cjm.journey, funnel cjm.funnel, entered tstzrange) RETURNS text
	AS 'MODULE_PATHNAME', 'journey_entry_channel'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 25;
COMMENT ON FUNCTION cjm.entry_channel(cjm.journey, cjm.funnel, tstzrange) IS
	'as entry_channel(journey, funnel), for walks whose first touchpoint lies in the range';
