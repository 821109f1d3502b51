-- funnel_agg straight from rows: the aggregate groups the customers itself.

CREATE FUNCTION funnel_rows_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION funnel_rows_combine(internal, internal) IS 'combine function of funnel_agg from rows';

CREATE FUNCTION funnel_rows_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION funnel_rows_serialize(internal) IS 'serialization function of funnel_agg from rows';

CREATE FUNCTION funnel_rows_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION funnel_rows_deserialize(bytea, internal) IS 'deserialization function of funnel_agg from rows';

CREATE FUNCTION funnel_rows_final(internal) RETURNS funnel_stats
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION funnel_rows_final(internal) IS 'final function of funnel_agg from rows';

CREATE FUNCTION funnel_rows_step(internal, customer bigint, at timestamptz, event text, funnel funnel) RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_rows_step_number' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION funnel_rows_step(internal, bigint, timestamptz, text, funnel) IS
	'transition function of funnel_agg from rows';

CREATE AGGREGATE funnel_agg(customer bigint, at timestamptz, event text, funnel funnel) (
	SFUNC = funnel_rows_step,
	STYPE = internal,
	SSPACE = 1024,
	FINALFUNC = funnel_rows_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = funnel_rows_combine,
	SERIALFUNC = funnel_rows_serialize,
	DESERIALFUNC = funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE funnel_agg(bigint, timestamptz, text, funnel) IS
	'statistics of a funnel straight from event rows, whatever their order; a row without a customer, a time or an event is ignored; NULL for no rows';

CREATE FUNCTION funnel_rows_step(internal, customer bigint, at timestamptz, event text, channel text, funnel funnel) RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_rows_step_number_channel' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION funnel_rows_step(internal, bigint, timestamptz, text, text, funnel) IS
	'transition function of funnel_agg from rows with channels';

CREATE AGGREGATE funnel_agg(customer bigint, at timestamptz, event text, channel text, funnel funnel) (
	SFUNC = funnel_rows_step,
	STYPE = internal,
	SSPACE = 1024,
	FINALFUNC = funnel_rows_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = funnel_rows_combine,
	SERIALFUNC = funnel_rows_serialize,
	DESERIALFUNC = funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE funnel_agg(bigint, timestamptz, text, text, funnel) IS
	'statistics of a funnel straight from event rows with channels, whatever their order; a row without a customer, a time or an event is ignored; NULL for no rows';

CREATE FUNCTION funnel_rows_step(internal, customer text, at timestamptz, event text, funnel funnel) RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_rows_step_text' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION funnel_rows_step(internal, text, timestamptz, text, funnel) IS
	'transition function of funnel_agg from rows';

CREATE AGGREGATE funnel_agg(customer text, at timestamptz, event text, funnel funnel) (
	SFUNC = funnel_rows_step,
	STYPE = internal,
	SSPACE = 1024,
	FINALFUNC = funnel_rows_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = funnel_rows_combine,
	SERIALFUNC = funnel_rows_serialize,
	DESERIALFUNC = funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE funnel_agg(text, timestamptz, text, funnel) IS
	'statistics of a funnel straight from event rows, whatever their order; a row without a customer, a time or an event is ignored; NULL for no rows';

CREATE FUNCTION funnel_rows_step(internal, customer text, at timestamptz, event text, channel text, funnel funnel) RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_rows_step_text_channel' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION funnel_rows_step(internal, text, timestamptz, text, text, funnel) IS
	'transition function of funnel_agg from rows with channels';

CREATE AGGREGATE funnel_agg(customer text, at timestamptz, event text, channel text, funnel funnel) (
	SFUNC = funnel_rows_step,
	STYPE = internal,
	SSPACE = 1024,
	FINALFUNC = funnel_rows_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = funnel_rows_combine,
	SERIALFUNC = funnel_rows_serialize,
	DESERIALFUNC = funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE funnel_agg(text, timestamptz, text, text, funnel) IS
	'statistics of a funnel straight from event rows with channels, whatever their order; a row without a customer, a time or an event is ignored; NULL for no rows';

CREATE FUNCTION funnel_rows_step(internal, customer uuid, at timestamptz, event text, funnel funnel) RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_rows_step_uuid' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION funnel_rows_step(internal, uuid, timestamptz, text, funnel) IS
	'transition function of funnel_agg from rows';

CREATE AGGREGATE funnel_agg(customer uuid, at timestamptz, event text, funnel funnel) (
	SFUNC = funnel_rows_step,
	STYPE = internal,
	SSPACE = 1024,
	FINALFUNC = funnel_rows_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = funnel_rows_combine,
	SERIALFUNC = funnel_rows_serialize,
	DESERIALFUNC = funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE funnel_agg(uuid, timestamptz, text, funnel) IS
	'statistics of a funnel straight from event rows, whatever their order; a row without a customer, a time or an event is ignored; NULL for no rows';

CREATE FUNCTION funnel_rows_step(internal, customer uuid, at timestamptz, event text, channel text, funnel funnel) RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_rows_step_uuid_channel' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION funnel_rows_step(internal, uuid, timestamptz, text, text, funnel) IS
	'transition function of funnel_agg from rows with channels';

CREATE AGGREGATE funnel_agg(customer uuid, at timestamptz, event text, channel text, funnel funnel) (
	SFUNC = funnel_rows_step,
	STYPE = internal,
	SSPACE = 1024,
	FINALFUNC = funnel_rows_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = funnel_rows_combine,
	SERIALFUNC = funnel_rows_serialize,
	DESERIALFUNC = funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE funnel_agg(uuid, timestamptz, text, text, funnel) IS
	'statistics of a funnel straight from event rows with channels, whatever their order; a row without a customer, a time or an event is ignored; NULL for no rows';

-- The same, one for each value of a property at one touchpoint of the winning walk.

CREATE TYPE funnel_group AS (property text, stats funnel_stats);
COMMENT ON TYPE funnel_group IS 'statistics of the customers who have one value of a property; what funnel_agg_by returns an array of';
COMMENT ON COLUMN funnel_group.property IS 'the value; NULL for customers without one, and for those whose walk has no such touchpoint';
COMMENT ON COLUMN funnel_group.stats IS 'statistics of these customers';

CREATE FUNCTION funnel_rows_by_final(internal) RETURNS funnel_group[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION funnel_rows_by_final(internal) IS 'final function of funnel_agg_by';

CREATE FUNCTION funnel_rows_by_step(internal, customer bigint, at timestamptz, event text, property text, "position" text, funnel funnel) RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_rows_by_step_number' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION funnel_rows_by_step(internal, bigint, timestamptz, text, text, text, funnel) IS
	'transition function of funnel_agg_by';

CREATE AGGREGATE funnel_agg_by(customer bigint, at timestamptz, event text, property text, "position" text, funnel funnel) (
	SFUNC = funnel_rows_by_step,
	STYPE = internal,
	SSPACE = 1024,
	FINALFUNC = funnel_rows_by_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = funnel_rows_combine,
	SERIALFUNC = funnel_rows_serialize,
	DESERIALFUNC = funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE funnel_agg_by(bigint, timestamptz, text, text, text, funnel) IS
	'statistics of a funnel by a property that the first or the last touchpoint of the winning walk has, or that at a given step: position is first, last or a number';

CREATE FUNCTION funnel_rows_by_step(internal, customer bigint, at timestamptz, event text, channel text, property text, "position" text, funnel funnel) RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_rows_by_step_number_channel' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION funnel_rows_by_step(internal, bigint, timestamptz, text, text, text, text, funnel) IS
	'transition function of funnel_agg_by with channels';

CREATE AGGREGATE funnel_agg_by(customer bigint, at timestamptz, event text, channel text, property text, "position" text, funnel funnel) (
	SFUNC = funnel_rows_by_step,
	STYPE = internal,
	SSPACE = 1024,
	FINALFUNC = funnel_rows_by_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = funnel_rows_combine,
	SERIALFUNC = funnel_rows_serialize,
	DESERIALFUNC = funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE funnel_agg_by(bigint, timestamptz, text, text, text, text, funnel) IS
	'statistics of a funnel by a property that the first or the last touchpoint of the winning walk has, or that at a given step: position is first, last or a number';

CREATE FUNCTION funnel_rows_by_step(internal, customer text, at timestamptz, event text, property text, "position" text, funnel funnel) RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_rows_by_step_text' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION funnel_rows_by_step(internal, text, timestamptz, text, text, text, funnel) IS
	'transition function of funnel_agg_by';

CREATE AGGREGATE funnel_agg_by(customer text, at timestamptz, event text, property text, "position" text, funnel funnel) (
	SFUNC = funnel_rows_by_step,
	STYPE = internal,
	SSPACE = 1024,
	FINALFUNC = funnel_rows_by_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = funnel_rows_combine,
	SERIALFUNC = funnel_rows_serialize,
	DESERIALFUNC = funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE funnel_agg_by(text, timestamptz, text, text, text, funnel) IS
	'statistics of a funnel by a property that the first or the last touchpoint of the winning walk has, or that at a given step: position is first, last or a number';

CREATE FUNCTION funnel_rows_by_step(internal, customer text, at timestamptz, event text, channel text, property text, "position" text, funnel funnel) RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_rows_by_step_text_channel' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION funnel_rows_by_step(internal, text, timestamptz, text, text, text, text, funnel) IS
	'transition function of funnel_agg_by with channels';

CREATE AGGREGATE funnel_agg_by(customer text, at timestamptz, event text, channel text, property text, "position" text, funnel funnel) (
	SFUNC = funnel_rows_by_step,
	STYPE = internal,
	SSPACE = 1024,
	FINALFUNC = funnel_rows_by_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = funnel_rows_combine,
	SERIALFUNC = funnel_rows_serialize,
	DESERIALFUNC = funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE funnel_agg_by(text, timestamptz, text, text, text, text, funnel) IS
	'statistics of a funnel by a property that the first or the last touchpoint of the winning walk has, or that at a given step: position is first, last or a number';

CREATE FUNCTION funnel_rows_by_step(internal, customer uuid, at timestamptz, event text, property text, "position" text, funnel funnel) RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_rows_by_step_uuid' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION funnel_rows_by_step(internal, uuid, timestamptz, text, text, text, funnel) IS
	'transition function of funnel_agg_by';

CREATE AGGREGATE funnel_agg_by(customer uuid, at timestamptz, event text, property text, "position" text, funnel funnel) (
	SFUNC = funnel_rows_by_step,
	STYPE = internal,
	SSPACE = 1024,
	FINALFUNC = funnel_rows_by_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = funnel_rows_combine,
	SERIALFUNC = funnel_rows_serialize,
	DESERIALFUNC = funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE funnel_agg_by(uuid, timestamptz, text, text, text, funnel) IS
	'statistics of a funnel by a property that the first or the last touchpoint of the winning walk has, or that at a given step: position is first, last or a number';

CREATE FUNCTION funnel_rows_by_step(internal, customer uuid, at timestamptz, event text, channel text, property text, "position" text, funnel funnel) RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_rows_by_step_uuid_channel' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION funnel_rows_by_step(internal, uuid, timestamptz, text, text, text, text, funnel) IS
	'transition function of funnel_agg_by with channels';

CREATE AGGREGATE funnel_agg_by(customer uuid, at timestamptz, event text, channel text, property text, "position" text, funnel funnel) (
	SFUNC = funnel_rows_by_step,
	STYPE = internal,
	SSPACE = 1024,
	FINALFUNC = funnel_rows_by_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = funnel_rows_combine,
	SERIALFUNC = funnel_rows_serialize,
	DESERIALFUNC = funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE funnel_agg_by(uuid, timestamptz, text, text, text, text, funnel) IS
	'statistics of a funnel by a property that the first or the last touchpoint of the winning walk has, or that at a given step: position is first, last or a number';
