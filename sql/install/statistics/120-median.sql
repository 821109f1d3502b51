--
-- median: exact, in parallel, without an order
--

CREATE FUNCTION cjm_internal.median_step(internal, value float8) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.median_step(internal, float8) IS 'transition function of median';

CREATE FUNCTION cjm_internal.median_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm_internal.median_combine(internal, internal) IS 'combine function of median';

CREATE FUNCTION cjm_internal.median_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm_internal.median_serialize(internal) IS 'serialization function of median';

CREATE FUNCTION cjm_internal.median_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm_internal.median_deserialize(bytea, internal) IS 'deserialization function of median';

CREATE FUNCTION cjm_internal.median_final(internal) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.median_final(internal) IS 'final function of median';

CREATE AGGREGATE cjm.median(value float8) (
	SFUNC = cjm_internal.median_step,
	STYPE = internal,
	SSPACE = 1024,
	FINALFUNC = cjm_internal.median_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.median_combine,
	SERIALFUNC = cjm_internal.median_serialize,
	DESERIALFUNC = cjm_internal.median_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.median(float8) IS
	'the value that half of the values do not exceed, the lower one of an even number: percentile_disc(0.5), in parallel; eight bytes a value, within work_mem x hash_mem_multiplier and then on disk; NULL for no values';
