--
-- touchpoint: one event of one customer at one time; what is in a journey
--

CREATE TYPE cjm.touchpoint AS (
	at timestamptz,
	event text,
	channel text,
	value float8,
	session text
);
COMMENT ON TYPE cjm.touchpoint IS
	'one event of one customer at one time, perhaps through a channel, perhaps with a value, perhaps in a session of its own';
COMMENT ON COLUMN cjm.touchpoint.at IS 'when it happened';
COMMENT ON COLUMN cjm.touchpoint.event IS 'what happened';
COMMENT ON COLUMN cjm.touchpoint.channel IS 'where the touchpoint came from, or NULL';
COMMENT ON COLUMN cjm.touchpoint.value IS 'what it was worth, or NULL';
COMMENT ON COLUMN cjm.touchpoint.session IS 'the session that it names, or NULL';

CREATE FUNCTION cjm.touchpoints(journey cjm.journey) RETURNS SETOF cjm.touchpoint
	AS 'MODULE_PATHNAME', 'journey_touchpoints'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 20;
COMMENT ON FUNCTION cjm.touchpoints(cjm.journey) IS 'the touchpoints of a journey, in time order';

CREATE FUNCTION cjm.touch_count(journey cjm.journey) RETURNS bigint
	AS 'MODULE_PATHNAME', 'journey_touch_count'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm.touch_count(cjm.journey) IS 'number of touchpoints';

CREATE FUNCTION cjm.first_touch(journey cjm.journey) RETURNS cjm.touchpoint
	AS 'MODULE_PATHNAME', 'journey_first_touch'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm.first_touch(cjm.journey) IS 'the first touchpoint, NULL if the journey is empty';

CREATE FUNCTION cjm.last_touch(journey cjm.journey) RETURNS cjm.touchpoint
	AS 'MODULE_PATHNAME', 'journey_last_touch'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm.last_touch(cjm.journey) IS 'the last touchpoint, NULL if the journey is empty';

CREATE FUNCTION cjm_internal.first_at(journey cjm.journey) RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'journey_first_at'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2;
COMMENT ON FUNCTION cjm_internal.first_at(cjm.journey) IS 'the time of the first touchpoint, NULL if the journey is empty';

CREATE FUNCTION cjm_internal.last_at(journey cjm.journey) RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'journey_last_at'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;
COMMENT ON FUNCTION cjm_internal.last_at(cjm.journey) IS 'the time of the last touchpoint, NULL if the journey is empty';

CREATE FUNCTION cjm.first_channel(journey cjm.journey) RETURNS text
	AS 'MODULE_PATHNAME', 'journey_first_channel'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm.first_channel(cjm.journey) IS 'the channel of the first touchpoint that has one, or NULL';

CREATE FUNCTION cjm.duration(journey cjm.journey) RETURNS interval
	AS 'MODULE_PATHNAME', 'journey_duration'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm.duration(cjm.journey) IS
	'time from the first touchpoint to the last, days of 24 hours; NULL if the journey is empty';

CREATE FUNCTION cjm.slice(journey cjm.journey, from_time timestamptz, to_time timestamptz) RETURNS cjm.journey
	AS 'MODULE_PATHNAME', 'journey_slice'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm.slice(cjm.journey, timestamptz, timestamptz) IS
	'the touchpoints from from_time, included, to to_time, excluded; -infinity and infinity leave an end open';

CREATE FUNCTION cjm.without_values(journey cjm.journey, events text[]) RETURNS cjm.journey
	AS 'MODULE_PATHNAME', 'journey_without_values'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm.without_values(cjm.journey, text[]) IS
	'the journey without the values of these events, such as scores, so that the others can be added up';

CREATE FUNCTION cjm.without_events(journey cjm.journey, events text[]) RETURNS cjm.journey
	AS 'MODULE_PATHNAME', 'journey_without_events'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm.without_events(cjm.journey, text[]) IS
	'the journey without the touchpoints of these events, such as answers to a survey, which nobody came by';

CREATE FUNCTION cjm.only_events(journey cjm.journey, events text[]) RETURNS cjm.journey
	AS 'MODULE_PATHNAME', 'journey_only_events'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm.only_events(cjm.journey, text[]) IS
	'the touchpoints of these events and no others';

CREATE FUNCTION cjm.has_event(journey cjm.journey, event text) RETURNS boolean
	AS 'MODULE_PATHNAME', 'journey_has_event'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm.has_event(cjm.journey, text) IS 'whether the event is in the journey';

CREATE FUNCTION cjm.has_event(journey cjm.journey, event anyenum) RETURNS boolean
	AS 'MODULE_PATHNAME', 'journey_has_event_enum'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm.has_event(cjm.journey, anyenum) IS 'whether the stage of an enum is an event of the journey';
