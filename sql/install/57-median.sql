--
-- median: exact, in parallel, without an order
--

CREATE FUNCTION median_step(internal, value float8) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION median_step(internal, float8) IS 'transition function of median';

CREATE FUNCTION median_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION median_combine(internal, internal) IS 'combine function of median';

CREATE FUNCTION median_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION median_serialize(internal) IS 'serialization function of median';

CREATE FUNCTION median_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION median_deserialize(bytea, internal) IS 'deserialization function of median';

CREATE FUNCTION median_final(internal) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION median_final(internal) IS 'final function of median';

CREATE AGGREGATE median(value float8) (
	SFUNC = median_step,
	STYPE = internal,
	SSPACE = 1024,
	FINALFUNC = median_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = median_combine,
	SERIALFUNC = median_serialize,
	DESERIALFUNC = median_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE median(float8) IS
	'the value that half of the values do not exceed, the lower one of an even number: percentile_disc(0.5), in parallel; eight bytes a value; NULL for no values';
