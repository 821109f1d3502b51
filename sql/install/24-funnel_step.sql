--
-- funnel_step, funnel_times: how far one customer came in a funnel, and when
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
