--
-- retention: who of those that met the first condition met the others too
--

CREATE FUNCTION cjm_internal.retention_step(internal, VARIADIC conditions "any") RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION cjm_internal.retention_step(internal, VARIADIC "any") IS 'transition function of retention';

CREATE FUNCTION cjm_internal.retention_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.retention_combine(internal, internal) IS 'combine function of retention';

CREATE FUNCTION cjm_internal.retention_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.retention_serialize(internal) IS 'serialization function of retention';

CREATE FUNCTION cjm_internal.retention_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.retention_deserialize(bytea, internal) IS 'deserialization function of retention';

CREATE FUNCTION cjm_internal.retention_final(internal) RETURNS boolean[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.retention_final(internal) IS 'final function of retention';

CREATE AGGREGATE cjm.retention(VARIADIC conditions "any") (
	SFUNC = cjm_internal.retention_step,
	STYPE = internal,
	SSPACE = 24,
	FINALFUNC = cjm_internal.retention_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.retention_combine,
	SERIALFUNC = cjm_internal.retention_serialize,
	DESERIALFUNC = cjm_internal.retention_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.retention(VARIADIC "any") IS
	'for each condition, whether some row meets it and some row meets the first; NULL for no rows';
