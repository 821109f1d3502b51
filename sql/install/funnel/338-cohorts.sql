--
-- cohort_agg and lifecycle_agg: who came back
--
-- The states are tables of counts: what travels between processes grows with cohorts,
-- not with customers.  They can be read by the functions beside them alone.
--

CREATE FUNCTION cjm_internal.cohort_agg_step(cohorts cjm_internal.aggregate_state, journey cjm.journey, from_time timestamptz, to_time timestamptz,
	period text, time_zone text, week_starts text, brackets integer[], kind text, starts cjm.funnel, every_start boolean,
	returns cjm.funnel, at_least integer, purchase cjm.funnel, refunds cjm.funnel) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME'
	LANGUAGE C STABLE PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm_internal.cohort_agg_step(cjm_internal.aggregate_state, cjm.journey, timestamptz, timestamptz, text, text, text, integer[], text, cjm.funnel, boolean, cjm.funnel, integer, cjm.funnel, cjm.funnel) IS
	'counts of cohorts with one more customer; transition function of cohort_agg';

CREATE FUNCTION cjm_internal.cohort_agg_combine(cohorts cjm_internal.aggregate_state, more cjm_internal.aggregate_state) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm_internal.cohort_agg_combine(cjm_internal.aggregate_state, cjm_internal.aggregate_state) IS
	'counts of cohorts, added up; combine function of cohort_agg and lifecycle_agg';

CREATE FUNCTION cjm_internal.cohort_agg_final(cohorts cjm_internal.aggregate_state) RETURNS bytea
	AS 'MODULE_PATHNAME'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm_internal.cohort_agg_final(cjm_internal.aggregate_state) IS
	'counts of cohorts in the one form that equal counts have; final function of cohort_agg and lifecycle_agg';

CREATE AGGREGATE cjm_internal.cohort_agg(journey cjm.journey, from_time timestamptz, to_time timestamptz,
	period text, time_zone text, week_starts text, brackets integer[], kind text, starts cjm.funnel, every_start boolean,
	returns cjm.funnel, at_least integer, purchase cjm.funnel, refunds cjm.funnel) (
	SFUNC = cjm_internal.cohort_agg_step,
	STYPE = cjm_internal.aggregate_state,
	SSPACE = 256,
	FINALFUNC = cjm_internal.cohort_agg_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.cohort_agg_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm_internal.cohort_agg(cjm.journey, timestamptz, timestamptz, text, text, text, integer[], text, cjm.funnel, boolean, cjm.funnel, integer, cjm.funnel, cjm.funnel) IS
'customers by the period in which they started, from from_time to to_time, and how many of them came back in which period after, for cohort_cells.
starts, returns: funnels whose completions are starts and returns, NULL for any touchpoint; every_start: cohorts of all periods in which a customer started; at_least: returns; purchase, refunds: what money is, NULL for none';

CREATE FUNCTION cjm_internal.cohort_first(cohorts bytea) RETURNS timestamptz
	AS 'MODULE_PATHNAME'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.cohort_first(bytea) IS 'when anybody was first seen, or first active';

CREATE FUNCTION cjm_internal.cohort_last(cohorts bytea) RETURNS timestamptz
	AS 'MODULE_PATHNAME'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.cohort_last(bytea) IS 'when anybody was last seen';

CREATE FUNCTION cjm_internal.cohort_cells(cohorts bytea, last timestamptz, now timestamptz,
	period text, time_zone text, week_starts text, brackets integer[], kind text)
	RETURNS TABLE (cohort date, number integer, period_start date, period_end date, period_over boolean, cohort_size bigint, retained bigint,
		value numeric, gross_value numeric, purchases bigint, refunds bigint)
	AS 'MODULE_PATHNAME', 'cohort_cells'
	LANGUAGE C STABLE PARALLEL SAFE COST 100 ROWS 100;
COMMENT ON FUNCTION cjm_internal.cohort_cells(bytea, timestamptz, timestamptz, text, text, text, integer[], text) IS
'the cells of cohort_agg, which was asked with the same arguments, up to the period in which anybody was last seen and not beyond the present one; without cohorts the arguments are checked
period_over: whether the cell is as it will stay, NULL where it has no end';

CREATE FUNCTION cjm_internal.lifecycle_agg_step(moves cjm_internal.aggregate_state, journey cjm.journey, period text, time_zone text, week_starts text, active cjm.funnel) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME'
	LANGUAGE C STABLE PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm_internal.lifecycle_agg_step(cjm_internal.aggregate_state, cjm.journey, text, text, text, cjm.funnel) IS
	'counts of who came and went, with one more customer; transition function of lifecycle_agg';

CREATE AGGREGATE cjm_internal.lifecycle_agg(journey cjm.journey, period text, time_zone text, week_starts text, active cjm.funnel) (
	SFUNC = cjm_internal.lifecycle_agg_step,
	STYPE = cjm_internal.aggregate_state,
	SSPACE = 256,
	FINALFUNC = cjm_internal.cohort_agg_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.cohort_agg_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm_internal.lifecycle_agg(cjm.journey, text, text, text, cjm.funnel) IS
	'how many customers were new, returning, resurrected and dormant in each period, for lifecycle_periods; active: a funnel of one stage, the events that count';

CREATE FUNCTION cjm_internal.lifecycle_periods(moves bytea, first timestamptz, last timestamptz, now timestamptz, period text, time_zone text, week_starts text)
	RETURNS TABLE (period_start date, new_customers bigint, returning_customers bigint, resurrected_customers bigint, dormant_customers bigint,
		active_customers bigint, period_over boolean)
	AS 'MODULE_PATHNAME', 'lifecycle_periods'
	LANGUAGE C STABLE PARALLEL SAFE COST 100 ROWS 30;
COMMENT ON FUNCTION cjm_internal.lifecycle_periods(bytea, timestamptz, timestamptz, timestamptz, text, text, text) IS
	'a row for each period of lifecycle_agg, which was asked with the same arguments, from the first in which anybody was active to the last in which anybody was seen; without moves the arguments are checked';
