-- funnel_agg_by with periods: one answer for each value of a property and each calendar period in which walks begin.

CREATE TYPE cjm.funnel_group_period AS (property text, entered tstzrange, stats cjm.funnel_stats);
COMMENT ON TYPE cjm.funnel_group_period IS 'statistics of the customers who have one value of a property and of whom a walk begins in one period; what funnel_agg_by with a bucket returns an array of';
COMMENT ON COLUMN cjm.funnel_group_period.property IS 'the value; NULL for customers without one, and for those whose walk has no such touchpoint';
COMMENT ON COLUMN cjm.funnel_group_period.entered IS 'the period';
COMMENT ON COLUMN cjm.funnel_group_period.stats IS 'statistics of these customers, by the deepest walk begun in the period';

CREATE FUNCTION cjm_internal.funnel_rows_by_both_final(internal) RETURNS cjm.funnel_group_period[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION cjm_internal.funnel_rows_by_both_final(internal) IS 'final function of funnel_agg_by with periods';

CREATE AGGREGATE cjm.funnel_agg_by(customer anycompatible, at timestamptz, event text, property text, "position" text, funnel cjm.funnel, bucket text, time_zone text) (
	SFUNC = cjm_internal.funnel_rows_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_by_both_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg_by(anycompatible, timestamptz, text, text, text, cjm.funnel, text, text) IS
	'statistics of a funnel by a property, as funnel_agg_by without a bucket, and by the hour, day, week (ISO), month, quarter or year of a time zone in which walks begin, as funnel_agg_by_entry';

CREATE AGGREGATE cjm.funnel_agg_by(customer anycompatible, at timestamptz, event text, channel text, property text, "position" text, funnel cjm.funnel, bucket text, time_zone text) (
	SFUNC = cjm_internal.funnel_rows_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_by_both_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg_by(anycompatible, timestamptz, text, text, text, text, cjm.funnel, text, text) IS
	'statistics of a funnel by a property, as funnel_agg_by without a bucket, and by the hour, day, week (ISO), month, quarter or year of a time zone in which walks begin, as funnel_agg_by_entry';
