-- funnel_agg straight from rows: the aggregate groups the customers itself.

CREATE FUNCTION cjm_internal.funnel_rows_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.funnel_rows_combine(internal, internal) IS 'combine function of the aggregates over rows of many customers';

CREATE FUNCTION cjm_internal.funnel_rows_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.funnel_rows_serialize(internal) IS 'serialization function of the aggregates over rows of many customers';

CREATE FUNCTION cjm_internal.funnel_rows_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.funnel_rows_deserialize(bytea, internal) IS 'deserialization function of the aggregates over rows of many customers';

CREATE FUNCTION cjm_internal.funnel_rows_final(internal) RETURNS cjm.funnel_stats
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.funnel_rows_final(internal) IS 'final function of funnel_agg from rows';

CREATE FUNCTION cjm_internal.funnel_rows_step(internal, customer bigint, at timestamptz, event text, funnel cjm.funnel) RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_rows_step_number' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION cjm_internal.funnel_rows_step(internal, bigint, timestamptz, text, cjm.funnel) IS 'transition function of funnel_agg from rows';
CREATE AGGREGATE cjm.funnel_agg(customer bigint, at timestamptz, event text, funnel cjm.funnel) (
	SFUNC = cjm_internal.funnel_rows_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg(bigint, timestamptz, text, cjm.funnel) IS
	'statistics of a funnel straight from event rows, whatever their order; a row without a customer, a time or an event is ignored; NULL for no rows';

CREATE FUNCTION cjm_internal.funnel_rows_step(internal, customer bigint, at timestamptz, event text, channel text, funnel cjm.funnel) RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_rows_step_number_channel' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION cjm_internal.funnel_rows_step(internal, bigint, timestamptz, text, text, cjm.funnel) IS 'transition function of funnel_agg from rows';
CREATE AGGREGATE cjm.funnel_agg(customer bigint, at timestamptz, event text, channel text, funnel cjm.funnel) (
	SFUNC = cjm_internal.funnel_rows_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg(bigint, timestamptz, text, text, cjm.funnel) IS
	'statistics of a funnel straight from event rows, whatever their order; a row without a customer, a time or an event is ignored; NULL for no rows';

CREATE FUNCTION cjm_internal.funnel_rows_step(internal, customer text, at timestamptz, event text, funnel cjm.funnel) RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_rows_step_text' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION cjm_internal.funnel_rows_step(internal, text, timestamptz, text, cjm.funnel) IS 'transition function of funnel_agg from rows';
CREATE AGGREGATE cjm.funnel_agg(customer text, at timestamptz, event text, funnel cjm.funnel) (
	SFUNC = cjm_internal.funnel_rows_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg(text, timestamptz, text, cjm.funnel) IS
	'statistics of a funnel straight from event rows, whatever their order; a row without a customer, a time or an event is ignored; NULL for no rows';

CREATE FUNCTION cjm_internal.funnel_rows_step(internal, customer text, at timestamptz, event text, channel text, funnel cjm.funnel) RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_rows_step_text_channel' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION cjm_internal.funnel_rows_step(internal, text, timestamptz, text, text, cjm.funnel) IS 'transition function of funnel_agg from rows';
CREATE AGGREGATE cjm.funnel_agg(customer text, at timestamptz, event text, channel text, funnel cjm.funnel) (
	SFUNC = cjm_internal.funnel_rows_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg(text, timestamptz, text, text, cjm.funnel) IS
	'statistics of a funnel straight from event rows, whatever their order; a row without a customer, a time or an event is ignored; NULL for no rows';

CREATE FUNCTION cjm_internal.funnel_rows_step(internal, customer uuid, at timestamptz, event text, funnel cjm.funnel) RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_rows_step_uuid' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION cjm_internal.funnel_rows_step(internal, uuid, timestamptz, text, cjm.funnel) IS 'transition function of funnel_agg from rows';
CREATE AGGREGATE cjm.funnel_agg(customer uuid, at timestamptz, event text, funnel cjm.funnel) (
	SFUNC = cjm_internal.funnel_rows_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg(uuid, timestamptz, text, cjm.funnel) IS
	'statistics of a funnel straight from event rows, whatever their order; a row without a customer, a time or an event is ignored; NULL for no rows';

CREATE FUNCTION cjm_internal.funnel_rows_step(internal, customer uuid, at timestamptz, event text, channel text, funnel cjm.funnel) RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_rows_step_uuid_channel' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION cjm_internal.funnel_rows_step(internal, uuid, timestamptz, text, text, cjm.funnel) IS 'transition function of funnel_agg from rows';
CREATE AGGREGATE cjm.funnel_agg(customer uuid, at timestamptz, event text, channel text, funnel cjm.funnel) (
	SFUNC = cjm_internal.funnel_rows_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg(uuid, timestamptz, text, text, cjm.funnel) IS
	'statistics of a funnel straight from event rows, whatever their order; a row without a customer, a time or an event is ignored; NULL for no rows';

-- By walks that begin within a range of time.

CREATE FUNCTION cjm_internal.funnel_rows_step(internal, customer bigint, at timestamptz, event text, funnel cjm.funnel, entered tstzrange) RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_rows_step_number_entered' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION cjm_internal.funnel_rows_step(internal, bigint, timestamptz, text, cjm.funnel, tstzrange) IS 'transition function of funnel_agg from rows with an entry range';
CREATE AGGREGATE cjm.funnel_agg(customer bigint, at timestamptz, event text, funnel cjm.funnel, entered tstzrange) (
	SFUNC = cjm_internal.funnel_rows_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg(bigint, timestamptz, text, cjm.funnel, tstzrange) IS
	'statistics of a funnel straight from event rows, by walks whose first touchpoint lies in a range of time, the same in all rows; later touchpoints count whatever their date';

CREATE FUNCTION cjm_internal.funnel_rows_step(internal, customer bigint, at timestamptz, event text, channel text, funnel cjm.funnel, entered tstzrange) RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_rows_step_number_channel_entered' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION cjm_internal.funnel_rows_step(internal, bigint, timestamptz, text, text, cjm.funnel, tstzrange) IS 'transition function of funnel_agg from rows with an entry range';
CREATE AGGREGATE cjm.funnel_agg(customer bigint, at timestamptz, event text, channel text, funnel cjm.funnel, entered tstzrange) (
	SFUNC = cjm_internal.funnel_rows_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg(bigint, timestamptz, text, text, cjm.funnel, tstzrange) IS
	'statistics of a funnel straight from event rows, by walks whose first touchpoint lies in a range of time, the same in all rows; later touchpoints count whatever their date';

CREATE FUNCTION cjm_internal.funnel_rows_step(internal, customer text, at timestamptz, event text, funnel cjm.funnel, entered tstzrange) RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_rows_step_text_entered' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION cjm_internal.funnel_rows_step(internal, text, timestamptz, text, cjm.funnel, tstzrange) IS 'transition function of funnel_agg from rows with an entry range';
CREATE AGGREGATE cjm.funnel_agg(customer text, at timestamptz, event text, funnel cjm.funnel, entered tstzrange) (
	SFUNC = cjm_internal.funnel_rows_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg(text, timestamptz, text, cjm.funnel, tstzrange) IS
	'statistics of a funnel straight from event rows, by walks whose first touchpoint lies in a range of time, the same in all rows; later touchpoints count whatever their date';

CREATE FUNCTION cjm_internal.funnel_rows_step(internal, customer text, at timestamptz, event text, channel text, funnel cjm.funnel, entered tstzrange) RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_rows_step_text_channel_entered' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION cjm_internal.funnel_rows_step(internal, text, timestamptz, text, text, cjm.funnel, tstzrange) IS 'transition function of funnel_agg from rows with an entry range';
CREATE AGGREGATE cjm.funnel_agg(customer text, at timestamptz, event text, channel text, funnel cjm.funnel, entered tstzrange) (
	SFUNC = cjm_internal.funnel_rows_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg(text, timestamptz, text, text, cjm.funnel, tstzrange) IS
	'statistics of a funnel straight from event rows, by walks whose first touchpoint lies in a range of time, the same in all rows; later touchpoints count whatever their date';

CREATE FUNCTION cjm_internal.funnel_rows_step(internal, customer uuid, at timestamptz, event text, funnel cjm.funnel, entered tstzrange) RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_rows_step_uuid_entered' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION cjm_internal.funnel_rows_step(internal, uuid, timestamptz, text, cjm.funnel, tstzrange) IS 'transition function of funnel_agg from rows with an entry range';
CREATE AGGREGATE cjm.funnel_agg(customer uuid, at timestamptz, event text, funnel cjm.funnel, entered tstzrange) (
	SFUNC = cjm_internal.funnel_rows_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg(uuid, timestamptz, text, cjm.funnel, tstzrange) IS
	'statistics of a funnel straight from event rows, by walks whose first touchpoint lies in a range of time, the same in all rows; later touchpoints count whatever their date';

CREATE FUNCTION cjm_internal.funnel_rows_step(internal, customer uuid, at timestamptz, event text, channel text, funnel cjm.funnel, entered tstzrange) RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_rows_step_uuid_channel_entered' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION cjm_internal.funnel_rows_step(internal, uuid, timestamptz, text, text, cjm.funnel, tstzrange) IS 'transition function of funnel_agg from rows with an entry range';
CREATE AGGREGATE cjm.funnel_agg(customer uuid, at timestamptz, event text, channel text, funnel cjm.funnel, entered tstzrange) (
	SFUNC = cjm_internal.funnel_rows_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg(uuid, timestamptz, text, text, cjm.funnel, tstzrange) IS
	'statistics of a funnel straight from event rows, by walks whose first touchpoint lies in a range of time, the same in all rows; later touchpoints count whatever their date';
