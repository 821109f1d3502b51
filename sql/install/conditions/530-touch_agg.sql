--
-- first_touch, last_touch: the value at the earliest or latest time of rows
--

CREATE FUNCTION cjm_internal.touch_agg_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.touch_agg_serialize(internal) IS 'serialization function of first_touch and last_touch';

CREATE FUNCTION cjm_internal.touch_agg_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.touch_agg_deserialize(bytea, internal) IS 'deserialization function of first_touch and last_touch';

CREATE FUNCTION cjm_internal.touch_agg_final(internal, at timestamptz, value anyelement) RETURNS anyelement
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.touch_agg_final(internal, timestamptz, anyelement) IS 'final function of first_touch and last_touch';

CREATE FUNCTION cjm_internal.touch_agg_first(internal, at timestamptz, value anyelement) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION cjm_internal.touch_agg_first(internal, timestamptz, anyelement) IS 'transition function of first_touch';

CREATE FUNCTION cjm_internal.touch_agg_first_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.touch_agg_first_combine(internal, internal) IS 'combine function of first_touch';

CREATE AGGREGATE cjm.first_touch(at timestamptz, value anyelement) (
	SFUNC = cjm_internal.touch_agg_first,
	STYPE = internal,
	SSPACE = 112,
	FINALFUNC = cjm_internal.touch_agg_final,
	FINALFUNC_EXTRA,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.touch_agg_first_combine,
	SERIALFUNC = cjm_internal.touch_agg_serialize,
	DESERIALFUNC = cjm_internal.touch_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.first_touch(timestamptz, anyelement) IS
	'the value at the earliest time, which may be NULL; of several at that time the one whose bytes are smallest, NULL last';

CREATE FUNCTION cjm_internal.touch_agg_last(internal, at timestamptz, value anyelement) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION cjm_internal.touch_agg_last(internal, timestamptz, anyelement) IS 'transition function of last_touch';

CREATE FUNCTION cjm_internal.touch_agg_last_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.touch_agg_last_combine(internal, internal) IS 'combine function of last_touch';

CREATE AGGREGATE cjm.last_touch(at timestamptz, value anyelement) (
	SFUNC = cjm_internal.touch_agg_last,
	STYPE = internal,
	SSPACE = 112,
	FINALFUNC = cjm_internal.touch_agg_final,
	FINALFUNC_EXTRA,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.touch_agg_last_combine,
	SERIALFUNC = cjm_internal.touch_agg_serialize,
	DESERIALFUNC = cjm_internal.touch_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.last_touch(timestamptz, anyelement) IS
	'the value at the latest time, which may be NULL; of several at that time the one whose bytes are smallest, NULL last';
