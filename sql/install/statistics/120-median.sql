--
-- median: exact, in parallel, without an order, over one server or several
--

CREATE FUNCTION cjm_internal.median_step(state cjm_internal.aggregate_state, value float8) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.median_step(cjm_internal.aggregate_state, float8) IS 'state with one more value; transition function of median';

CREATE FUNCTION cjm_internal.median_combine(a cjm_internal.aggregate_state, b cjm_internal.aggregate_state) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm_internal.median_combine(cjm_internal.aggregate_state, cjm_internal.aggregate_state) IS 'the values of two states; combine function of median';

CREATE FUNCTION cjm_internal.median_final(state cjm_internal.aggregate_state) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.median_final(cjm_internal.aggregate_state) IS 'the median of the values of a state; final function of median';

CREATE AGGREGATE cjm.median(value float8) (
	SFUNC = cjm_internal.median_step,
	STYPE = cjm_internal.aggregate_state,
	SSPACE = 1024,
	FINALFUNC = cjm_internal.median_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.median_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.median(float8) IS
	'the value that half of the values do not exceed, the lower one of an even number: percentile_disc(0.5), in parallel; eight bytes a value, within work_mem x hash_mem_multiplier and then on disk; between servers counts by value; NULL for no values';
