--
-- funnel_figures, funnel_limited: what the figures of a map ask of a funnel beside its report
--

CREATE FUNCTION cjm_internal.funnel_figures(stats cjm.funnel_stats, step integer) RETURNS float8[]
	AS 'MODULE_PATHNAME', 'funnel_figures'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm_internal.funnel_figures(cjm.funnel_stats, integer) IS
'customers at the mandatory step before; who began at this step or before it; who came to it from another;
low and high of the median of their times since the step before, in seconds, and low and high of that since the first: the 95 % interval by order statistics, NULL of fewer than six';

CREATE FUNCTION cjm_internal.funnel_limited(funnel cjm.funnel, within interval) RETURNS cjm.funnel
	AS 'MODULE_PATHNAME', 'funnel_limited'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm_internal.funnel_limited(cjm.funnel, interval) IS 'the same funnel, but that a walk takes no longer than this';
