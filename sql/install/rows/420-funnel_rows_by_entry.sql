-- funnel_agg straight from rows, one answer for each calendar period in which walks begin.

CREATE TYPE cjm.funnel_period AS (entered tstzrange, stats cjm.funnel_stats);
COMMENT ON TYPE cjm.funnel_period IS 'statistics of the customers of whom a walk begins in one period; what funnel_agg_by_entry returns an array of';
COMMENT ON COLUMN cjm.funnel_period.entered IS 'the period';
COMMENT ON COLUMN cjm.funnel_period.stats IS 'statistics of these customers, by the deepest walk begun in it';

CREATE FUNCTION cjm_internal.funnel_rows_by_entry_final(internal) RETURNS cjm.funnel_period[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION cjm_internal.funnel_rows_by_entry_final(internal) IS 'final function of funnel_agg_by_entry';

CREATE AGGREGATE cjm.funnel_agg_by_entry(customer anycompatible, at timestamptz, event text, funnel cjm.funnel, bucket text, time_zone text) (
	SFUNC = cjm_internal.funnel_rows_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_by_entry_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg_by_entry(anycompatible, timestamptz, text, cjm.funnel, text, text) IS
	'statistics of a funnel by the hour, day, week (ISO), month, quarter or year of a time zone in which walks begin; a customer counts in every period in which a walk of theirs begins';

CREATE AGGREGATE cjm.funnel_agg_by_entry(customer anycompatible, at timestamptz, event text, channel text, funnel cjm.funnel, bucket text, time_zone text) (
	SFUNC = cjm_internal.funnel_rows_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_by_entry_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg_by_entry(anycompatible, timestamptz, text, text, cjm.funnel, text, text) IS
	'statistics of a funnel by the hour, day, week (ISO), month, quarter or year of a time zone in which walks begin; a customer counts in every period in which a walk of theirs begins';

-- Periods know when their walks began.  No second function compare of two arguments, of which literals without a type could be either.
CREATE FUNCTION cjm.compare_periods(a cjm.funnel_period, b cjm.funnel_period)
	RETURNS TABLE (
		step integer,
		stage text,
		rate_a float8,
		rate_b float8,
		difference float8,
		difference_low float8,
		difference_high float8,
		p_value float8,
		overall_a float8,
		overall_b float8,
		overall_difference float8,
		overall_low float8,
		overall_high float8,
		overall_p_value float8
	)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 5
BEGIN ATOMIC
	SELECT c.* FROM cjm.compare((a).stats, (b).stats, (a).entered, (b).entered) c;
END;
COMMENT ON FUNCTION cjm.compare_periods(cjm.funnel_period, cjm.funnel_period) IS
	'two entry periods, as compare(funnel_stats, funnel_stats); a NOTICE tells if the one is longer than the other by more than a twentieth';
