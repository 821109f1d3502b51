--
-- funnel_step, funnel_times, conversions: how far one customer came in a funnel, when, and how often
--

CREATE FUNCTION cjm.funnel_step(journey cjm.journey, funnel cjm.funnel) RETURNS integer
	AS 'MODULE_PATHNAME', 'journey_funnel_step'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm.funnel_step(cjm.journey, cjm.funnel) IS
	'the highest step that a walk through the funnel ends with, 0 for none';

CREATE FUNCTION cjm.funnel_step(journey cjm.journey, funnel cjm.funnel, entered tstzrange) RETURNS integer
	AS 'MODULE_PATHNAME', 'journey_funnel_step'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm.funnel_step(cjm.journey, cjm.funnel, tstzrange) IS
	'the highest step that a walk whose first touchpoint lies in the range ends with, 0 for none';

-- Of three arguments without a type, since the window function of this name has as many.
CREATE FUNCTION cjm.funnel_step(
	journey cjm_internal.journey_literal,
	funnel cjm_internal.funnel_literal,
	entered cjm_internal.tstzrange_literal) RETURNS integer
	AS 'MODULE_PATHNAME', 'journey_funnel_step'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm.funnel_step(cjm_internal.journey_literal, cjm_internal.funnel_literal, cjm_internal.tstzrange_literal) IS
	'the same of literals or parameters without a type';

CREATE FUNCTION cjm.funnel_times(journey cjm.journey, funnel cjm.funnel) RETURNS timestamptz[]
	AS 'MODULE_PATHNAME', 'journey_funnel_times'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 25;
COMMENT ON FUNCTION cjm.funnel_times(cjm.journey, cjm.funnel) IS
	'the time at which the winning walk passed each stage, NULL for a stage that it did not pass';

CREATE FUNCTION cjm.funnel_times(journey cjm.journey, funnel cjm.funnel, entered tstzrange) RETURNS timestamptz[]
	AS 'MODULE_PATHNAME', 'journey_funnel_times'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 25;
COMMENT ON FUNCTION cjm.funnel_times(cjm.journey, cjm.funnel, tstzrange) IS
	'as funnel_times(journey, funnel), for walks whose first touchpoint lies in the range';

CREATE FUNCTION cjm.conversions(journey cjm.journey, funnel cjm.funnel) RETURNS bigint
	AS 'MODULE_PATHNAME', 'journey_conversions'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 30;
COMMENT ON FUNCTION cjm.conversions(cjm.journey, cjm.funnel) IS
	'how often the funnel was completed: the earliest completion, then on with the touchpoints at or after its time that it did not use';

CREATE FUNCTION cjm.conversions(journey cjm.journey, funnel cjm.funnel, entered tstzrange) RETURNS bigint
	AS 'MODULE_PATHNAME', 'journey_conversions'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 30;
COMMENT ON FUNCTION cjm.conversions(cjm.journey, cjm.funnel, tstzrange) IS
	'as conversions(journey, funnel), by walks whose first touchpoint lies in the range';

CREATE FUNCTION cjm.entry_buckets(
	journey cjm.journey,
	funnel cjm.funnel,
	bucket text,
	time_zone text DEFAULT current_setting('TimeZone'))
	RETURNS SETOF tstzrange
	AS 'MODULE_PATHNAME', 'journey_entry_buckets'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50 ROWS 3;
COMMENT ON FUNCTION cjm.entry_buckets(cjm.journey, cjm.funnel, text, text) IS
	'the hours, days, weeks (ISO), months, quarters or years of a time zone in which a walk through the funnel can begin; each is an entry range for funnel_step, funnel_times, conversions and funnel_agg';
