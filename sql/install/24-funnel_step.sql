--
-- funnel_step, funnel_times, conversions: how far one customer came in a funnel, when, and how often
--

CREATE FUNCTION funnel_step(journey journey, funnel funnel) RETURNS integer
	AS 'MODULE_PATHNAME', 'journey_funnel_step'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION funnel_step(journey, funnel) IS
	'the highest step that a walk through the funnel ends with, 0 for none';

CREATE FUNCTION funnel_step(journey journey, funnel funnel, entered tstzrange) RETURNS integer
	AS 'MODULE_PATHNAME', 'journey_funnel_step'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION funnel_step(journey, funnel, tstzrange) IS
	'the highest step that a walk whose first touchpoint lies in the range ends with, 0 for none';

CREATE FUNCTION funnel_times(journey journey, funnel funnel) RETURNS timestamptz[]
	AS 'MODULE_PATHNAME', 'journey_funnel_times'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 25;
COMMENT ON FUNCTION funnel_times(journey, funnel) IS
	'the time at which the winning walk passed each stage, NULL for a stage that it did not pass';

CREATE FUNCTION funnel_times(journey journey, funnel funnel, entered tstzrange) RETURNS timestamptz[]
	AS 'MODULE_PATHNAME', 'journey_funnel_times'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 25;
COMMENT ON FUNCTION funnel_times(journey, funnel, tstzrange) IS
	'as funnel_times(journey, funnel), for walks whose first touchpoint lies in the range';

CREATE FUNCTION conversions(journey journey, funnel funnel) RETURNS bigint
	AS 'MODULE_PATHNAME', 'journey_conversions'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 30;
COMMENT ON FUNCTION conversions(journey, funnel) IS
	'how often the funnel was completed: the earliest completion, then on with the touchpoints at or after its time that it did not use';

CREATE FUNCTION conversions(journey journey, funnel funnel, entered tstzrange) RETURNS bigint
	AS 'MODULE_PATHNAME', 'journey_conversions'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 30;
COMMENT ON FUNCTION conversions(journey, funnel, tstzrange) IS
	'as conversions(journey, funnel), by walks whose first touchpoint lies in the range';

CREATE FUNCTION entry_buckets(
	journey journey,
	funnel funnel,
	bucket text,
	time_zone text DEFAULT current_setting('TimeZone'))
	RETURNS SETOF tstzrange
	AS 'MODULE_PATHNAME', 'journey_entry_buckets'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50 ROWS 3;
COMMENT ON FUNCTION entry_buckets(journey, funnel, text, text) IS
	'the hours, days, weeks (ISO), months, quarters or years of a time zone in which a walk through the funnel can begin; each is an entry range for funnel_step, funnel_times, conversions and funnel_agg';
