--
-- retention: who of those that met the first condition met the others too
--

CREATE FUNCTION retention_step(internal, VARIADIC conditions "any") RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION retention_step(internal, VARIADIC "any") IS 'transition function of retention';

CREATE FUNCTION retention_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION retention_combine(internal, internal) IS 'combine function of retention';

CREATE FUNCTION retention_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION retention_serialize(internal) IS 'serialization function of retention';

CREATE FUNCTION retention_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION retention_deserialize(bytea, internal) IS 'deserialization function of retention';

CREATE FUNCTION retention_final(internal) RETURNS boolean[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION retention_final(internal) IS 'final function of retention';

CREATE AGGREGATE retention(VARIADIC conditions "any") (
	SFUNC = retention_step,
	STYPE = internal,
	SSPACE = 24,
	FINALFUNC = retention_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = retention_combine,
	SERIALFUNC = retention_serialize,
	DESERIALFUNC = retention_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention(VARIADIC "any") IS
	'for each condition, whether some row meets it and some row meets the first; NULL for no rows';
