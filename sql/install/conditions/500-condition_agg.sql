--
-- What the aggregates over (at, conditions) rows share: how their state travels between processes
--
-- Conditions are VARIADIC "any" and not VARIADIC boolean[]: for that PostgreSQL makes an array of them for every
-- row, which was a fifth of a query's time.  So it is the transition functions that see to it that they are boolean.
--

CREATE FUNCTION cjm_internal.condition_agg_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.condition_agg_serialize(internal) IS
	'serialization function of window_funnel and the sequence aggregates';

CREATE FUNCTION cjm_internal.condition_agg_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.condition_agg_deserialize(bytea, internal) IS
	'deserialization function of window_funnel and the sequence aggregates';
