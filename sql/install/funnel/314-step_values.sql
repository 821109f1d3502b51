--
-- step_values_agg: what the touchpoints were worth that walks took, for the reports of maps
--

CREATE FUNCTION cjm_internal.step_values_agg_step(state bytea, journey cjm.journey, funnel cjm.funnel, entered tstzrange, every_walk boolean) RETURNS bytea
	AS 'MODULE_PATHNAME'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.step_values_agg_step(bytea, cjm.journey, cjm.funnel, tstzrange, boolean) IS 'values with those of one more customer; transition function of step_values_agg';

CREATE FUNCTION cjm_internal.step_values_agg_combine(state bytea, other bytea) RETURNS bytea
	AS 'MODULE_PATHNAME'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.step_values_agg_combine(bytea, bytea) IS 'the values of both; combine function of step_values_agg';

CREATE AGGREGATE cjm_internal.step_values_agg(cjm.journey, cjm.funnel, entered tstzrange, every_walk boolean) (
	SFUNC = cjm_internal.step_values_agg_step,
	STYPE = bytea,
	SSPACE = 512,
	COMBINEFUNC = cjm_internal.step_values_agg_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm_internal.step_values_agg(cjm.journey, cjm.funnel, tstzrange, boolean) IS
	'the values of the touchpoints that the winning walks of customers took at each step (funnel_touchpoints), or all of their walks (walks); step_values reads them';

CREATE FUNCTION cjm_internal.step_values(sums bytea) RETURNS TABLE (step integer, value numeric, valued bigint)
	AS 'MODULE_PATHNAME'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 5;
COMMENT ON FUNCTION cjm_internal.step_values(bytea) IS 'of each step at which something has a value: the sum, and of how many touchpoints; what is not finite, or 1e18 and more, is no value';
