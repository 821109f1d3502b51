--
-- rule_attribution: what each channel earned, by all rule-based models in one pass
--

CREATE TYPE model_credit AS (
	model text,
	channel text,
	conversions float8,
	value float8
);
COMMENT ON TYPE model_credit IS 'what a channel earned by an attribution model';
COMMENT ON COLUMN model_credit.model IS 'first_touch, last_touch, last_non_direct, linear, time_decay or position';
COMMENT ON COLUMN model_credit.channel IS 'the channel; NULL for touchpoints without one, and for conversions without a touchpoint';
COMMENT ON COLUMN model_credit.conversions IS 'credited conversions; those of all channels add up to all conversions';
COMMENT ON COLUMN model_credit.value IS 'credited value, NULL where no conversion has one';

CREATE FUNCTION rule_attribution_step(state internal, journey journey, conversion funnel) RETURNS internal
	AS 'MODULE_PATHNAME', 'rule_attribution_step'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;
COMMENT ON FUNCTION rule_attribution_step(internal, journey, funnel) IS
	'state with the conversions of one more journey; transition function of rule_attribution';

CREATE FUNCTION rule_attribution_step(
	state internal,
	journey journey,
	conversion funnel,
	models text[],
	lookback interval,
	per text,
	session_gap interval,
	half_life interval,
	weights float8[],
	direct text[],
	only_channels boolean,
	from_time timestamptz,
	to_time timestamptz) RETURNS internal
	AS 'MODULE_PATHNAME', 'rule_attribution_step'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 60;
COMMENT ON FUNCTION rule_attribution_step(internal, journey, funnel, text[], interval, text, interval, interval, float8[], text[], boolean, timestamptz, timestamptz) IS
	'state with the conversions of one more journey; transition function of rule_attribution';

CREATE FUNCTION rule_attribution_combine(a internal, b internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rule_attribution_combine'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION rule_attribution_combine(internal, internal) IS 'the sums of two states of rule_attribution';

CREATE FUNCTION rule_attribution_serialize(state internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'rule_attribution_serialize'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION rule_attribution_serialize(internal) IS 'a state of rule_attribution as bytes';

CREATE FUNCTION rule_attribution_deserialize(bytes bytea, unused internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rule_attribution_deserialize'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION rule_attribution_deserialize(bytea, internal) IS 'a state of rule_attribution from bytes';

CREATE FUNCTION rule_attribution_final(state internal) RETURNS model_credit[]
	AS 'MODULE_PATHNAME', 'rule_attribution_final'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 200;
COMMENT ON FUNCTION rule_attribution_final(internal) IS 'what channels earned, by model and channel; final function of rule_attribution';

CREATE AGGREGATE rule_attribution(journey, funnel) (
	SFUNC = rule_attribution_step,
	STYPE = internal,
	SSPACE = 4096,
	COMBINEFUNC = rule_attribution_combine,
	SERIALFUNC = rule_attribution_serialize,
	DESERIALFUNC = rule_attribution_deserialize,
	FINALFUNC = rule_attribution_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE rule_attribution(journey, funnel) IS
	'what each channel earned of the conversions of customers, by each of the six models of attribute and by its other defaults; NULL for no journey';

CREATE AGGREGATE rule_attribution(journey, funnel, text[], interval, text, interval, interval, float8[], text[], boolean, timestamptz, timestamptz) (
	SFUNC = rule_attribution_step,
	STYPE = internal,
	SSPACE = 4096,
	COMBINEFUNC = rule_attribution_combine,
	SERIALFUNC = rule_attribution_serialize,
	DESERIALFUNC = rule_attribution_deserialize,
	FINALFUNC = rule_attribution_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE rule_attribution(journey, funnel, text[], interval, text, interval, interval, float8[], text[], boolean, timestamptz, timestamptz) IS
'the same by some models and with all settings of attribute: models, lookback, per, session_gap, half_life, weights, direct, only_channels,
and of the conversions in a time range, from included, to excluded';
