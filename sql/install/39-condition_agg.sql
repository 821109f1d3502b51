--
-- What the aggregates over (at, conditions) rows share: how their state travels between processes
--

CREATE FUNCTION condition_agg_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION condition_agg_serialize(internal) IS
	'serialization function of window_funnel and the sequence aggregates';

CREATE FUNCTION condition_agg_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION condition_agg_deserialize(bytea, internal) IS
	'deserialization function of window_funnel and the sequence aggregates';
