-- funnel_agg straight from rows, one answer for each calendar period in which walks begin.

CREATE TYPE cjm.funnel_period AS (entered tstzrange, stats cjm.funnel_stats);
COMMENT ON TYPE cjm.funnel_period IS 'statistics of the customers of whom a walk begins in one period; what funnel_agg_by_entry returns an array of';
COMMENT ON COLUMN cjm.funnel_period.entered IS 'the period';
COMMENT ON COLUMN cjm.funnel_period.stats IS 'statistics of these customers, by the deepest walk begun in it';

CREATE FUNCTION cjm_internal.funnel_rows_by_entry_final(internal) RETURNS cjm.funnel_period[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION cjm_internal.funnel_rows_by_entry_final(internal) IS 'final function of funnel_agg_by_entry';

CREATE FUNCTION cjm_internal.funnel_rows_by_entry_step(internal, customer bigint, at timestamptz, event text, funnel cjm.funnel, bucket text, time_zone text) RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_rows_by_entry_step_number' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION cjm_internal.funnel_rows_by_entry_step(internal, bigint, timestamptz, text, cjm.funnel, text, text) IS 'transition function of funnel_agg_by_entry';
CREATE AGGREGATE cjm.funnel_agg_by_entry(customer bigint, at timestamptz, event text, funnel cjm.funnel, bucket text, time_zone text) (
	SFUNC = cjm_internal.funnel_rows_by_entry_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_by_entry_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg_by_entry(bigint, timestamptz, text, cjm.funnel, text, text) IS
	'statistics of a funnel by the hour, day, week (ISO), month, quarter or year of a time zone in which walks begin; a customer counts in every period in which a walk of theirs begins';

CREATE FUNCTION cjm_internal.funnel_rows_by_entry_step(internal, customer bigint, at timestamptz, event text, channel text, funnel cjm.funnel, bucket text, time_zone text) RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_rows_by_entry_step_number_channel' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION cjm_internal.funnel_rows_by_entry_step(internal, bigint, timestamptz, text, text, cjm.funnel, text, text) IS 'transition function of funnel_agg_by_entry';
CREATE AGGREGATE cjm.funnel_agg_by_entry(customer bigint, at timestamptz, event text, channel text, funnel cjm.funnel, bucket text, time_zone text) (
	SFUNC = cjm_internal.funnel_rows_by_entry_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_by_entry_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg_by_entry(bigint, timestamptz, text, text, cjm.funnel, text, text) IS
	'statistics of a funnel by the hour, day, week (ISO), month, quarter or year of a time zone in which walks begin; a customer counts in every period in which a walk of theirs begins';

CREATE FUNCTION cjm_internal.funnel_rows_by_entry_step(internal, customer text, at timestamptz, event text, funnel cjm.funnel, bucket text, time_zone text) RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_rows_by_entry_step_text' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION cjm_internal.funnel_rows_by_entry_step(internal, text, timestamptz, text, cjm.funnel, text, text) IS 'transition function of funnel_agg_by_entry';
CREATE AGGREGATE cjm.funnel_agg_by_entry(customer text, at timestamptz, event text, funnel cjm.funnel, bucket text, time_zone text) (
	SFUNC = cjm_internal.funnel_rows_by_entry_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_by_entry_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg_by_entry(text, timestamptz, text, cjm.funnel, text, text) IS
	'statistics of a funnel by the hour, day, week (ISO), month, quarter or year of a time zone in which walks begin; a customer counts in every period in which a walk of theirs begins';

CREATE FUNCTION cjm_internal.funnel_rows_by_entry_step(internal, customer text, at timestamptz, event text, channel text, funnel cjm.funnel, bucket text, time_zone text) RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_rows_by_entry_step_text_channel' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION cjm_internal.funnel_rows_by_entry_step(internal, text, timestamptz, text, text, cjm.funnel, text, text) IS 'transition function of funnel_agg_by_entry';
CREATE AGGREGATE cjm.funnel_agg_by_entry(customer text, at timestamptz, event text, channel text, funnel cjm.funnel, bucket text, time_zone text) (
	SFUNC = cjm_internal.funnel_rows_by_entry_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_by_entry_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg_by_entry(text, timestamptz, text, text, cjm.funnel, text, text) IS
	'statistics of a funnel by the hour, day, week (ISO), month, quarter or year of a time zone in which walks begin; a customer counts in every period in which a walk of theirs begins';

CREATE FUNCTION cjm_internal.funnel_rows_by_entry_step(internal, customer uuid, at timestamptz, event text, funnel cjm.funnel, bucket text, time_zone text) RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_rows_by_entry_step_uuid' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION cjm_internal.funnel_rows_by_entry_step(internal, uuid, timestamptz, text, cjm.funnel, text, text) IS 'transition function of funnel_agg_by_entry';
CREATE AGGREGATE cjm.funnel_agg_by_entry(customer uuid, at timestamptz, event text, funnel cjm.funnel, bucket text, time_zone text) (
	SFUNC = cjm_internal.funnel_rows_by_entry_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_by_entry_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg_by_entry(uuid, timestamptz, text, cjm.funnel, text, text) IS
	'statistics of a funnel by the hour, day, week (ISO), month, quarter or year of a time zone in which walks begin; a customer counts in every period in which a walk of theirs begins';

CREATE FUNCTION cjm_internal.funnel_rows_by_entry_step(internal, customer uuid, at timestamptz, event text, channel text, funnel cjm.funnel, bucket text, time_zone text) RETURNS internal
	AS 'MODULE_PATHNAME', 'funnel_rows_by_entry_step_uuid_channel' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION cjm_internal.funnel_rows_by_entry_step(internal, uuid, timestamptz, text, text, cjm.funnel, text, text) IS 'transition function of funnel_agg_by_entry';
CREATE AGGREGATE cjm.funnel_agg_by_entry(customer uuid, at timestamptz, event text, channel text, funnel cjm.funnel, bucket text, time_zone text) (
	SFUNC = cjm_internal.funnel_rows_by_entry_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_by_entry_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg_by_entry(uuid, timestamptz, text, text, cjm.funnel, text, text) IS
	'statistics of a funnel by the hour, day, week (ISO), month, quarter or year of a time zone in which walks begin; a customer counts in every period in which a walk of theirs begins';
