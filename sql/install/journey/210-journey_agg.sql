--
-- journey_agg: builds a journey from rows
--
-- The costs are of journeys of about ten touchpoints, in units of a comparison of
-- two short texts.  They tell the planner that to hand a journey from one process
-- to another costs as much as to add ten rows to it, so that customers of few rows
-- each are better counted by one process.
--

CREATE FUNCTION cjm_internal.journey_agg_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 45;
COMMENT ON FUNCTION cjm_internal.journey_agg_combine(internal, internal) IS 'combine function of journey_agg';

CREATE FUNCTION cjm_internal.journey_agg_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 30;
COMMENT ON FUNCTION cjm_internal.journey_agg_serialize(internal) IS 'serialization function of journey_agg';

CREATE FUNCTION cjm_internal.journey_agg_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm_internal.journey_agg_deserialize(bytea, internal) IS 'deserialization function of journey_agg';

CREATE FUNCTION cjm_internal.journey_agg_final(internal) RETURNS cjm.journey
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 30;
COMMENT ON FUNCTION cjm_internal.journey_agg_final(internal) IS 'final function of journey_agg';

CREATE FUNCTION cjm_internal.journey_agg_step(internal, at timestamptz, event text) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.journey_agg_step(internal, timestamptz, text) IS 'transition function of journey_agg';

CREATE AGGREGATE cjm.journey_agg(at timestamptz, event text) (
	SFUNC = cjm_internal.journey_agg_step,
	STYPE = internal,
	SSPACE = 200,
	FINALFUNC = cjm_internal.journey_agg_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.journey_agg_combine,
	SERIALFUNC = cjm_internal.journey_agg_serialize,
	DESERIALFUNC = cjm_internal.journey_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.journey_agg(timestamptz, text) IS
	'the journey of the rows; rows without a time or an event are ignored; NULL for no rows';

CREATE FUNCTION cjm_internal.journey_agg_step(internal, at timestamptz, event text, channel text) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.journey_agg_step(internal, timestamptz, text, text) IS 'transition function of journey_agg with channels';

CREATE AGGREGATE cjm.journey_agg(at timestamptz, event text, channel text) (
	SFUNC = cjm_internal.journey_agg_step,
	STYPE = internal,
	SSPACE = 200,
	FINALFUNC = cjm_internal.journey_agg_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.journey_agg_combine,
	SERIALFUNC = cjm_internal.journey_agg_serialize,
	DESERIALFUNC = cjm_internal.journey_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.journey_agg(timestamptz, text, text) IS
	'the journey of the rows with channels; rows without a time or an event are ignored; NULL for no rows';

CREATE FUNCTION cjm_internal.journey_agg_step(internal, at timestamptz, event text, channel text, value float8) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.journey_agg_step(internal, timestamptz, text, text, float8) IS 'transition function of journey_agg with channels and values';

CREATE AGGREGATE cjm.journey_agg(at timestamptz, event text, channel text, value float8) (
	SFUNC = cjm_internal.journey_agg_step,
	STYPE = internal,
	SSPACE = 200,
	FINALFUNC = cjm_internal.journey_agg_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.journey_agg_combine,
	SERIALFUNC = cjm_internal.journey_agg_serialize,
	DESERIALFUNC = cjm_internal.journey_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.journey_agg(timestamptz, text, text, float8) IS
	'the journey of the rows with channels and values; rows without a time or an event are ignored; NULL for no rows';

CREATE FUNCTION cjm_internal.journey_agg_step(internal, at timestamptz, event text, channel text, value float8, session text) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.journey_agg_step(internal, timestamptz, text, text, float8, text) IS 'transition function of journey_agg with channels, values and sessions';

CREATE AGGREGATE cjm.journey_agg(at timestamptz, event text, channel text, value float8, session text) (
	SFUNC = cjm_internal.journey_agg_step,
	STYPE = internal,
	SSPACE = 200,
	FINALFUNC = cjm_internal.journey_agg_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.journey_agg_combine,
	SERIALFUNC = cjm_internal.journey_agg_serialize,
	DESERIALFUNC = cjm_internal.journey_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.journey_agg(timestamptz, text, text, float8, text) IS
	'the journey of the rows with channels, values and sessions that were given, a text for all touchpoints of one, NULL for those that gaps divide; rows without a time or an event are ignored; NULL for no rows';

CREATE FUNCTION cjm_internal.journey_agg_step(internal, at timestamptz, event anyenum) RETURNS internal
	AS 'MODULE_PATHNAME', 'journey_agg_step_enum' LANGUAGE C STABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm_internal.journey_agg_step(internal, timestamptz, anyenum) IS 'transition function of journey_agg of an enum''s stages';

CREATE AGGREGATE cjm.journey_agg(at timestamptz, event anyenum) (
	SFUNC = cjm_internal.journey_agg_step,
	STYPE = internal,
	SSPACE = 200,
	FINALFUNC = cjm_internal.journey_agg_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.journey_agg_combine,
	SERIALFUNC = cjm_internal.journey_agg_serialize,
	DESERIALFUNC = cjm_internal.journey_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.journey_agg(timestamptz, anyenum) IS
	'the journey of the rows of an enum''s stages; rows without a time or an event are ignored; NULL for no rows';

CREATE FUNCTION cjm_internal.journey_agg_step(internal, at timestamptz, event anyenum, channel text) RETURNS internal
	AS 'MODULE_PATHNAME', 'journey_agg_step_enum' LANGUAGE C STABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm_internal.journey_agg_step(internal, timestamptz, anyenum, text) IS 'transition function of journey_agg of an enum''s stages with channels';

CREATE AGGREGATE cjm.journey_agg(at timestamptz, event anyenum, channel text) (
	SFUNC = cjm_internal.journey_agg_step,
	STYPE = internal,
	SSPACE = 200,
	FINALFUNC = cjm_internal.journey_agg_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.journey_agg_combine,
	SERIALFUNC = cjm_internal.journey_agg_serialize,
	DESERIALFUNC = cjm_internal.journey_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.journey_agg(timestamptz, anyenum, text) IS
	'the journey of the rows of an enum''s stages with channels; rows without a time or an event are ignored; NULL for no rows';

CREATE FUNCTION cjm_internal.journey_agg_step(internal, at timestamptz, event anyenum, channel text, value float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'journey_agg_step_enum' LANGUAGE C STABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm_internal.journey_agg_step(internal, timestamptz, anyenum, text, float8) IS 'transition function of journey_agg of an enum''s stages with channels and values';

CREATE AGGREGATE cjm.journey_agg(at timestamptz, event anyenum, channel text, value float8) (
	SFUNC = cjm_internal.journey_agg_step,
	STYPE = internal,
	SSPACE = 200,
	FINALFUNC = cjm_internal.journey_agg_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.journey_agg_combine,
	SERIALFUNC = cjm_internal.journey_agg_serialize,
	DESERIALFUNC = cjm_internal.journey_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.journey_agg(timestamptz, anyenum, text, float8) IS
	'the journey of the rows of an enum''s stages with channels and values; rows without a time or an event are ignored; NULL for no rows';

CREATE FUNCTION cjm_internal.journey_agg_step(internal, at timestamptz, event anyenum, channel text, value float8, session text) RETURNS internal
	AS 'MODULE_PATHNAME', 'journey_agg_step_enum' LANGUAGE C STABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm_internal.journey_agg_step(internal, timestamptz, anyenum, text, float8, text) IS 'transition function of journey_agg of an enum''s stages with channels, values and sessions';

CREATE AGGREGATE cjm.journey_agg(at timestamptz, event anyenum, channel text, value float8, session text) (
	SFUNC = cjm_internal.journey_agg_step,
	STYPE = internal,
	SSPACE = 200,
	FINALFUNC = cjm_internal.journey_agg_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.journey_agg_combine,
	SERIALFUNC = cjm_internal.journey_agg_serialize,
	DESERIALFUNC = cjm_internal.journey_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.journey_agg(timestamptz, anyenum, text, float8, text) IS
	'the journey of the rows of an enum''s stages with channels, values and sessions that were given, a text for all touchpoints of one, NULL for those that gaps divide; rows without a time or an event are ignored; NULL for no rows';
