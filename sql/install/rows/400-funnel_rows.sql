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

-- The transition function sees by the types of its arguments which aggregate it serves.  A customer is anycompatible, not
-- "any", since an untyped literal or parameter then is a text.

CREATE FUNCTION cjm_internal.funnel_rows_step(internal, customer anycompatible, at timestamptz, event text, "any") RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION cjm_internal.funnel_rows_step(internal, anycompatible, timestamptz, text, "any") IS
	'transition function of the aggregates over rows of many customers';

CREATE FUNCTION cjm_internal.funnel_rows_step(internal, customer anycompatible, at timestamptz, event text, "any", "any") RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION cjm_internal.funnel_rows_step(internal, anycompatible, timestamptz, text, "any", "any") IS
	'transition function of the aggregates over rows of many customers';

CREATE FUNCTION cjm_internal.funnel_rows_step(internal, customer anycompatible, at timestamptz, event text, "any", "any", "any") RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION cjm_internal.funnel_rows_step(internal, anycompatible, timestamptz, text, "any", "any", "any") IS
	'transition function of the aggregates over rows of many customers';

CREATE FUNCTION cjm_internal.funnel_rows_step(internal, customer anycompatible, at timestamptz, event text, "any", "any", "any", "any") RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION cjm_internal.funnel_rows_step(internal, anycompatible, timestamptz, text, "any", "any", "any", "any") IS
	'transition function of the aggregates over rows of many customers';

CREATE FUNCTION cjm_internal.funnel_rows_step(internal, customer anycompatible, at timestamptz, event text, "any", "any", "any", "any", "any") RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION cjm_internal.funnel_rows_step(internal, anycompatible, timestamptz, text, "any", "any", "any", "any", "any") IS
	'transition function of the aggregates over rows of many customers';

CREATE FUNCTION cjm_internal.funnel_rows_step(internal, customer anycompatible, at timestamptz, event text, "any", "any", "any", "any", "any", "any") RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION cjm_internal.funnel_rows_step(internal, anycompatible, timestamptz, text, "any", "any", "any", "any", "any", "any") IS
	'transition function of the aggregates over rows of many customers';

CREATE AGGREGATE cjm.funnel_agg(customer anycompatible, at timestamptz, event text, funnel cjm.funnel) (
	SFUNC = cjm_internal.funnel_rows_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg(anycompatible, timestamptz, text, cjm.funnel) IS
	'statistics of a funnel straight from event rows, whatever their order; a row without a customer, a time or an event is ignored; NULL for no rows';

CREATE AGGREGATE cjm.funnel_agg(customer anycompatible, at timestamptz, event text, channel text, funnel cjm.funnel) (
	SFUNC = cjm_internal.funnel_rows_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg(anycompatible, timestamptz, text, text, cjm.funnel) IS
	'statistics of a funnel straight from event rows, whatever their order; a row without a customer, a time or an event is ignored; NULL for no rows';

-- By walks that begin within a range of time.

CREATE AGGREGATE cjm.funnel_agg(customer anycompatible, at timestamptz, event text, funnel cjm.funnel, entered tstzrange) (
	SFUNC = cjm_internal.funnel_rows_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg(anycompatible, timestamptz, text, cjm.funnel, tstzrange) IS
	'statistics of a funnel straight from event rows, by walks whose first touchpoint lies in a range of time, the same in all rows; later touchpoints count whatever their date';

CREATE AGGREGATE cjm.funnel_agg(customer anycompatible, at timestamptz, event text, channel text, funnel cjm.funnel, entered tstzrange) (
	SFUNC = cjm_internal.funnel_rows_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg(anycompatible, timestamptz, text, text, cjm.funnel, tstzrange) IS
	'statistics of a funnel straight from event rows, by walks whose first touchpoint lies in a range of time, the same in all rows; later touchpoints count whatever their date';

-- Of five arguments the last two may be channel and funnel, or funnel and entry range: the latter if neither has a type.
CREATE AGGREGATE cjm.funnel_agg(customer anycompatible, at timestamptz, event text, funnel cjm_internal.funnel_literal, entered cjm_internal.tstzrange_literal) (
	SFUNC = cjm_internal.funnel_rows_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg(anycompatible, timestamptz, text, cjm_internal.funnel_literal, cjm_internal.tstzrange_literal) IS
	'the same for a funnel and a range that are literals or parameters without a type';
