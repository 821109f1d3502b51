--
-- session_sums_agg, purchase_sums_agg, conversion_sums_agg: what figures over time are made of
--
-- All periods in one pass, and one state: what travels between processes grows with
-- periods, not with customers.  Sums are exact, so that they are the same in whatever order
-- customers come.
--

CREATE FUNCTION cjm_internal.session_sums_agg_step(sums cjm_internal.aggregate_state, journey cjm.journey, from_time timestamptz, to_time timestamptz, period text, time_zone text, gap interval, rule text) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME'
	LANGUAGE C STABLE PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm_internal.session_sums_agg_step(cjm_internal.aggregate_state, cjm.journey, timestamptz, timestamptz, text, text, interval, text) IS 'sums over customers with one more; transition function of session_sums_agg';

CREATE AGGREGATE cjm_internal.session_sums_agg(journey cjm.journey, from_time timestamptz, to_time timestamptz, period text, time_zone text, gap interval, rule text) (
	SFUNC = cjm_internal.session_sums_agg_step,
	STYPE = cjm_internal.aggregate_state,
	SSPACE = 256,
	FINALFUNC = cjm_internal.cohort_agg_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.cohort_agg_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm_internal.session_sums_agg(cjm.journey, timestamptz, timestamptz, text, text, interval, text) IS
'of the sessions that began from from_time to to_time, by the period in which they did, for period_sums:
1 customers, 2 sessions, 3 that are not the first one, 4 of one touchpoint; sums over customers of 5 sessions * sessions, 6 returning * returning, 7 returning * sessions, 8 bounces * bounces, 9 bounces * sessions';

CREATE FUNCTION cjm_internal.purchase_sums_agg_step(sums cjm_internal.aggregate_state, journey cjm.journey, from_time timestamptz, to_time timestamptz, period text, time_zone text, purchase cjm.funnel, refunds cjm.funnel) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME'
	LANGUAGE C STABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm_internal.purchase_sums_agg_step(cjm_internal.aggregate_state, cjm.journey, timestamptz, timestamptz, text, text, cjm.funnel, cjm.funnel) IS 'sums over customers with one more; transition function of purchase_sums_agg';

CREATE AGGREGATE cjm_internal.purchase_sums_agg(journey cjm.journey, from_time timestamptz, to_time timestamptz, period text, time_zone text, purchase cjm.funnel, refunds cjm.funnel) (
	SFUNC = cjm_internal.purchase_sums_agg_step,
	STYPE = cjm_internal.aggregate_state,
	SSPACE = 256,
	FINALFUNC = cjm_internal.cohort_agg_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.cohort_agg_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm_internal.purchase_sums_agg(cjm.journey, timestamptz, timestamptz, text, text, cjm.funnel, cjm.funnel) IS
'of purchases and refunds from from_time to to_time, by their period, for period_sums; amounts are in billionths:
1 customers who bought, 2 who did so again, 3 purchases, 4 that have a value, 5 customers with such, 6 values, those of refunds among them, 7 less refunds, 8 without taking them off;
sums over customers of 9 net * net, 10 gross * gross, 11 gross * valued, 12 valued * valued; 13 customers who had something paid back';

CREATE FUNCTION cjm_internal.conversion_sums_agg_step(sums cjm_internal.aggregate_state, journey cjm.journey, from_time timestamptz, to_time timestamptz, period text, time_zone text, funnel cjm.funnel) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME'
	LANGUAGE C STABLE PARALLEL SAFE COST 15;
COMMENT ON FUNCTION cjm_internal.conversion_sums_agg_step(cjm_internal.aggregate_state, cjm.journey, timestamptz, timestamptz, text, text, cjm.funnel) IS 'sums over customers with one more; transition function of conversion_sums_agg';

CREATE AGGREGATE cjm_internal.conversion_sums_agg(journey cjm.journey, from_time timestamptz, to_time timestamptz, period text, time_zone text, funnel cjm.funnel) (
	SFUNC = cjm_internal.conversion_sums_agg_step,
	STYPE = cjm_internal.aggregate_state,
	SSPACE = 256,
	FINALFUNC = cjm_internal.cohort_agg_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.cohort_agg_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm_internal.conversion_sums_agg(cjm.journey, timestamptz, timestamptz, text, text, cjm.funnel) IS
'of the conversions from from_time to to_time, by the period of the touchpoint that completes them, for period_sums: 1 customers who converted, 2 conversions, 3 over customers conversions * conversions';

CREATE FUNCTION cjm_internal.period_sums(sums bytea, period text, time_zone text, count integer) RETURNS TABLE (bucket_start timestamptz, sums numeric[])
	AS 'MODULE_PATHNAME'
	LANGUAGE C STABLE PARALLEL SAFE COST 100 ROWS 50;
COMMENT ON FUNCTION cjm_internal.period_sums(bytea, text, text, integer) IS 'the first sums of such an aggregate, which was asked with the same period and time zone: a row for each period with something in it';
