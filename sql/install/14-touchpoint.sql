--
-- touchpoint: one event of one customer at one time; what is in a journey
--

CREATE TYPE touchpoint AS (
	at timestamptz,
	event text,
	channel text,
	value float8
);
COMMENT ON TYPE touchpoint IS
	'one event of one customer at one time, perhaps through a channel, perhaps with a value';
COMMENT ON COLUMN touchpoint.at IS 'when it happened';
COMMENT ON COLUMN touchpoint.event IS 'what happened';
COMMENT ON COLUMN touchpoint.channel IS 'where the touchpoint came from, or NULL';
COMMENT ON COLUMN touchpoint.value IS 'what it was worth, or NULL';

CREATE FUNCTION touchpoints(journey journey) RETURNS SETOF touchpoint
	AS 'MODULE_PATHNAME', 'journey_touchpoints'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 20;
COMMENT ON FUNCTION touchpoints(journey) IS 'the touchpoints of a journey, in time order';

CREATE FUNCTION touch_count(journey journey) RETURNS bigint
	AS 'MODULE_PATHNAME', 'journey_touch_count'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION touch_count(journey) IS 'number of touchpoints';

CREATE FUNCTION first_touch(journey journey) RETURNS touchpoint
	AS 'MODULE_PATHNAME', 'journey_first_touch'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION first_touch(journey) IS 'the first touchpoint, NULL if the journey is empty';

CREATE FUNCTION last_touch(journey journey) RETURNS touchpoint
	AS 'MODULE_PATHNAME', 'journey_last_touch'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION last_touch(journey) IS 'the last touchpoint, NULL if the journey is empty';

CREATE FUNCTION first_channel(journey journey) RETURNS text
	AS 'MODULE_PATHNAME', 'journey_first_channel'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION first_channel(journey) IS 'the channel of the first touchpoint that has one, or NULL';

CREATE FUNCTION duration(journey journey) RETURNS interval
	AS 'MODULE_PATHNAME', 'journey_duration'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION duration(journey) IS
	'time from the first touchpoint to the last, days of 24 hours; NULL if the journey is empty';

CREATE FUNCTION slice(journey journey, from_time timestamptz, to_time timestamptz) RETURNS journey
	AS 'MODULE_PATHNAME', 'journey_slice'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION slice(journey, timestamptz, timestamptz) IS
	'the touchpoints from from_time, included, to to_time, excluded; -infinity and infinity leave an end open';

CREATE FUNCTION without_values(journey journey, events text[]) RETURNS journey
	AS 'MODULE_PATHNAME', 'journey_without_values'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION without_values(journey, text[]) IS
	'the journey without the values of these events, such as scores, so that the others can be added up';

CREATE FUNCTION without_events(journey journey, events text[]) RETURNS journey
	AS 'MODULE_PATHNAME', 'journey_without_events'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION without_events(journey, text[]) IS
	'the journey without the touchpoints of these events, such as answers to a survey, which nobody came by';

CREATE FUNCTION has_event(journey journey, event text) RETURNS boolean
	AS 'MODULE_PATHNAME', 'journey_has_event'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION has_event(journey, text) IS 'whether the event is in the journey';

CREATE FUNCTION has_event(journey journey, event anyenum) RETURNS boolean
	AS 'MODULE_PATHNAME', 'journey_has_event_enum'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION has_event(journey, anyenum) IS 'whether the stage of an enum is an event of the journey';
