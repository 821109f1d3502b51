--
-- values counted over several servers, by states that are small on their way: how often each came, medians of times
--

CREATE FUNCTION cjm_internal.values_apart_step(state cjm_internal.aggregate_state, value float8) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.values_apart_step(cjm_internal.aggregate_state, float8) IS 'state with one more number; transition function of values_apart';

CREATE FUNCTION cjm_internal.times_apart_step(state cjm_internal.aggregate_state, at timestamptz) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.times_apart_step(cjm_internal.aggregate_state, timestamptz) IS 'state with one more time; transition function of late_median_apart';

CREATE FUNCTION cjm_internal.values_apart_combine(a cjm_internal.aggregate_state, b cjm_internal.aggregate_state) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.values_apart_combine(cjm_internal.aggregate_state, cjm_internal.aggregate_state) IS 'the values of two states of values_apart, or of times';

CREATE FUNCTION cjm_internal.times_apart_late_median(state cjm_internal.aggregate_state) RETURNS timestamptz
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.times_apart_late_median(cjm_internal.aggregate_state) IS 'the median of the times of a state, the later one of an even number; final function of late_median_apart';

CREATE AGGREGATE cjm_internal.late_median_apart(at timestamptz) (
	SFUNC = cjm_internal.times_apart_step,
	STYPE = cjm_internal.aggregate_state,
	SSPACE = 1024,
	FINALFUNC = cjm_internal.times_apart_late_median,
	COMBINEFUNC = cjm_internal.values_apart_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm_internal.late_median_apart(timestamptz) IS 'percentile_disc(0.5) of times from the last one on, by counts of values in memory';

CREATE AGGREGATE cjm_internal.times_apart(at timestamptz) (
	SFUNC = cjm_internal.times_apart_step,
	STYPE = cjm_internal.aggregate_state,
	SSPACE = 1024,
	COMBINEFUNC = cjm_internal.values_apart_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm_internal.times_apart(timestamptz) IS 'how often each time came, for late_median_of';

CREATE AGGREGATE cjm_internal.late_median_of(times cjm_internal.aggregate_state) (
	SFUNC = cjm_internal.values_apart_combine,
	STYPE = cjm_internal.aggregate_state,
	SSPACE = 1024,
	FINALFUNC = cjm_internal.times_apart_late_median,
	COMBINEFUNC = cjm_internal.values_apart_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm_internal.late_median_of(cjm_internal.aggregate_state) IS 'late_median_apart of the times that several states of times_apart have counted';

CREATE AGGREGATE cjm_internal.values_apart(value float8) (
	SFUNC = cjm_internal.values_apart_step,
	STYPE = cjm_internal.aggregate_state,
	SSPACE = 1024,
	COMBINEFUNC = cjm_internal.values_apart_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm_internal.values_apart(float8) IS 'how often each number came; values_counted reads them';

CREATE FUNCTION cjm_internal.values_counted(state cjm_internal.aggregate_state) RETURNS TABLE (value float8, count bigint)
	AS 'MODULE_PATHNAME'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 100;
COMMENT ON FUNCTION cjm_internal.values_counted(cjm_internal.aggregate_state) IS 'each number of a state of values_apart and how often it came, in order';
