--
-- attribute: which touchpoints earned the conversions of a journey
--

CREATE TYPE cjm.credited_touchpoint AS (
	conversion_at timestamptz,
	at timestamptz,
	event text,
	channel text,
	credit float8,
	value float8
);
COMMENT ON TYPE cjm.credited_touchpoint IS 'a touchpoint, or a visit, and its share of one conversion';
COMMENT ON COLUMN cjm.credited_touchpoint.conversion_at IS 'time of the conversion';
COMMENT ON COLUMN cjm.credited_touchpoint.at IS 'time of the touchpoint, or of the first one of the visit that counts; NULL where the conversion has none';
COMMENT ON COLUMN cjm.credited_touchpoint.event IS 'event of that touchpoint';
COMMENT ON COLUMN cjm.credited_touchpoint.channel IS 'channel of the touchpoint or of the visit, NULL for none';
COMMENT ON COLUMN cjm.credited_touchpoint.credit IS 'share of the conversion; all shares of a conversion add up to 1';
COMMENT ON COLUMN cjm.credited_touchpoint.value IS 'the same share of the conversion''s value, NULL where that has none';

CREATE FUNCTION cjm.attribute(
	journey cjm.journey,
	conversion cjm.funnel,
	model text DEFAULT 'last_touch',
	lookback interval DEFAULT NULL,
	per text DEFAULT 'touchpoint',
	session_gap interval DEFAULT '30 minutes',
	half_life interval DEFAULT '7 days',
	weights float8[] DEFAULT '{0.4,0.2,0.4}',
	direct text[] DEFAULT '{direct}',
	only_channels boolean DEFAULT false,
	session_rule text DEFAULT NULL,
	time_zone text DEFAULT NULL) RETURNS SETOF cjm.credited_touchpoint
	AS 'MODULE_PATHNAME', 'journey_attribute'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 ROWS 3;
COMMENT ON FUNCTION cjm.attribute(cjm.journey, cjm.funnel, text, interval, text, interval, interval, float8[], text[], boolean, text, text) IS
'which touchpoints earned each conversion of a journey, by an attribution model.
conversion: a funnel; each time that it is completed is a conversion, worth the value of the touchpoint that completes it
model: first_touch, last_touch, last_non_direct, linear, time_decay or position
lookback: NULL for the touchpoints since the previous conversion, else all in so long a time before the conversion
per: touchpoint, or session for one share to each visit; session_gap: what is longer ends a visit; session_rule, time_zone: what else ends one, as of sessions
half_life: of time_decay; weights: of position, for the first, all between together and the last
direct: channels that are direct, as no channel is; only_channels: whether touchpoints without a channel earn nothing';
