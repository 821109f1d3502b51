-- funnel_agg straight from rows, one answer for each value of a property at one touchpoint of the winning walk.

CREATE TYPE cjm.funnel_group AS (property text, stats cjm.funnel_stats);
COMMENT ON TYPE cjm.funnel_group IS 'statistics of the customers who have one value of a property; what funnel_agg_by returns an array of';
COMMENT ON COLUMN cjm.funnel_group.property IS 'the value; NULL for customers without one, and for those whose walk has no such touchpoint';
COMMENT ON COLUMN cjm.funnel_group.stats IS 'statistics of these customers';

CREATE FUNCTION cjm_internal.funnel_rows_by_final(internal) RETURNS cjm.funnel_group[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION cjm_internal.funnel_rows_by_final(internal) IS 'final function of funnel_agg_by';

CREATE AGGREGATE cjm.funnel_agg_by(customer anycompatible, at timestamptz, event text, property text, "position" text, funnel cjm.funnel) (
	SFUNC = cjm_internal.funnel_rows_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_by_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg_by(anycompatible, timestamptz, text, text, text, cjm.funnel) IS
	'statistics of a funnel by a property that the first or the last touchpoint of the winning walk has, or that at a given step, or the earliest at which any walk could begin: position is first, last, a number or earliest';

CREATE AGGREGATE cjm.funnel_agg_by(customer anycompatible, at timestamptz, event text, channel text, property text, "position" text, funnel cjm.funnel) (
	SFUNC = cjm_internal.funnel_rows_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_by_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg_by(anycompatible, timestamptz, text, text, text, text, cjm.funnel) IS
	'statistics of a funnel by a property that the first or the last touchpoint of the winning walk has, or that at a given step, or the earliest at which any walk could begin: position is first, last, a number or earliest';
