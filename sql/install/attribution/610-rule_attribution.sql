--
-- rule_attribution: what each channel earned, by all rule-based models in one pass
--

CREATE TYPE cjm.model_credit AS (
	model text,
	channel text,
	conversions float8,
	value float8
);
COMMENT ON TYPE cjm.model_credit IS 'what a channel earned by an attribution model';
COMMENT ON COLUMN cjm.model_credit.model IS 'first_touch, last_touch, last_non_direct, linear, time_decay or position';
COMMENT ON COLUMN cjm.model_credit.channel IS 'the channel; NULL for touchpoints without one, and for conversions without a touchpoint';
COMMENT ON COLUMN cjm.model_credit.conversions IS 'credited conversions; those of all channels add up to all conversions';
COMMENT ON COLUMN cjm.model_credit.value IS 'credited value, NULL where no conversion has one';

CREATE FUNCTION cjm_internal.rule_attribution_step(state cjm_internal.aggregate_state, journey cjm.journey, conversion cjm.funnel) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME', 'rule_attribution_step'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm_internal.rule_attribution_step(cjm_internal.aggregate_state, cjm.journey, cjm.funnel) IS
	'state with the conversions of one more journey; transition function of rule_attribution';

CREATE FUNCTION cjm_internal.rule_attribution_step(
	state cjm_internal.aggregate_state,
	journey cjm.journey,
	conversion cjm.funnel,
	models text[],
	lookback interval,
	per text,
	session_gap interval,
	half_life interval,
	weights float8[],
	direct text[],
	only_channels boolean,
	from_time timestamptz,
	to_time timestamptz) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME', 'rule_attribution_step'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 60;
COMMENT ON FUNCTION cjm_internal.rule_attribution_step(cjm_internal.aggregate_state, cjm.journey, cjm.funnel, text[], interval, text, interval, interval, float8[], text[], boolean, timestamptz, timestamptz) IS
	'state with the conversions of one more journey; transition function of rule_attribution';

CREATE FUNCTION cjm_internal.rule_attribution_step(
	state cjm_internal.aggregate_state,
	journey cjm.journey,
	conversion cjm.funnel,
	models text[],
	lookback interval,
	per text,
	session_gap interval,
	half_life interval,
	weights float8[],
	direct text[],
	only_channels boolean,
	from_time timestamptz,
	to_time timestamptz,
	session_rule text,
	time_zone text) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME', 'rule_attribution_step'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 60;
COMMENT ON FUNCTION cjm_internal.rule_attribution_step(cjm_internal.aggregate_state, cjm.journey, cjm.funnel, text[], interval, text, interval, interval, float8[], text[], boolean, timestamptz, timestamptz, text, text) IS
	'state with the conversions of one more journey; transition function of rule_attribution';

CREATE FUNCTION cjm_internal.rule_attribution_combine(a cjm_internal.aggregate_state, b cjm_internal.aggregate_state) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME', 'rule_attribution_combine'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.rule_attribution_combine(cjm_internal.aggregate_state, cjm_internal.aggregate_state) IS 'the sums of two states of rule_attribution';

CREATE FUNCTION cjm_internal.rule_attribution_final(state cjm_internal.aggregate_state) RETURNS cjm.model_credit[]
	AS 'MODULE_PATHNAME', 'rule_attribution_final'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 200;
COMMENT ON FUNCTION cjm_internal.rule_attribution_final(cjm_internal.aggregate_state) IS 'what channels earned, by model and channel; final function of rule_attribution';

CREATE AGGREGATE cjm.rule_attribution(cjm.journey, cjm.funnel) (
	SFUNC = cjm_internal.rule_attribution_step,
	STYPE = cjm_internal.aggregate_state,
	SSPACE = 4096,
	COMBINEFUNC = cjm_internal.rule_attribution_combine,
	FINALFUNC = cjm_internal.rule_attribution_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.rule_attribution(cjm.journey, cjm.funnel) IS
	'what each channel earned of the conversions of customers, by each of the six models of attribute and by its other defaults; NULL for no journey';

CREATE AGGREGATE cjm.rule_attribution(cjm.journey, cjm.funnel, text[], interval, text, interval, interval, float8[], text[], boolean, timestamptz, timestamptz) (
	SFUNC = cjm_internal.rule_attribution_step,
	STYPE = cjm_internal.aggregate_state,
	SSPACE = 4096,
	COMBINEFUNC = cjm_internal.rule_attribution_combine,
	FINALFUNC = cjm_internal.rule_attribution_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.rule_attribution(cjm.journey, cjm.funnel, text[], interval, text, interval, interval, float8[], text[], boolean, timestamptz, timestamptz) IS
'the same by some models and with all settings of attribute: models, lookback, per, session_gap, half_life, weights, direct, only_channels,
and of the conversions in a time range, from included, to excluded';

CREATE AGGREGATE cjm.rule_attribution(cjm.journey, cjm.funnel, text[], interval, text, interval, interval, float8[], text[], boolean, timestamptz, timestamptz, text, text) (
	SFUNC = cjm_internal.rule_attribution_step,
	STYPE = cjm_internal.aggregate_state,
	SSPACE = 4096,
	COMBINEFUNC = cjm_internal.rule_attribution_combine,
	FINALFUNC = cjm_internal.rule_attribution_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.rule_attribution(cjm.journey, cjm.funnel, text[], interval, text, interval, interval, float8[], text[], boolean, timestamptz, timestamptz, text, text) IS
'the same, of visits that end by a rule, too: the last arguments are session_rule and time_zone of attribute';
