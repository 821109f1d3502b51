--
-- markov_attribution, shapley_attribution: credit of channels by data-driven models
--

CREATE TYPE cjm.channel_credit AS (
	channel text,
	removal_effect float8,
	conversions float8,
	value float8
);
COMMENT ON TYPE cjm.channel_credit IS 'what a data-driven attribution model credits a channel with';
COMMENT ON COLUMN cjm.channel_credit.channel IS 'the channel; NULL for conversions that no channel led to';
COMMENT ON COLUMN cjm.channel_credit.removal_effect IS
	'part of the conversions that would be lost without the channel, 0 to 1; NULL where there are none';
COMMENT ON COLUMN cjm.channel_credit.conversions IS 'credited conversions; those of all channels add up to all conversions';
COMMENT ON COLUMN cjm.channel_credit.value IS 'credited value; that of all channels adds up to the value of all conversions';

CREATE FUNCTION cjm_internal.attribution_paths_combine(a bytea, b bytea) RETURNS bytea
	AS 'MODULE_PATHNAME', 'attribution_paths_combine'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.attribution_paths_combine(bytea, bytea) IS
	'the paths of two states of one attribution aggregate; a NULL is no path';

CREATE FUNCTION cjm_internal.attribution_paths_final(state bytea) RETURNS cjm.channel_credit[]
	AS 'MODULE_PATHNAME', 'attribution_paths_final'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION cjm_internal.attribution_paths_final(bytea) IS 'the credits that the state of an attribution aggregate comes to, by channel';

CREATE FUNCTION cjm_internal.markov_journey_step(state bytea, journey cjm.journey, conversion cjm.funnel)
	RETURNS bytea
	AS 'MODULE_PATHNAME', 'markov_attribution_journey'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm_internal.markov_journey_step(bytea, cjm.journey, cjm.funnel) IS
	'state with the paths of one more journey; transition function of markov_attribution';

CREATE AGGREGATE cjm.markov_attribution(cjm.journey, cjm.funnel) (
	SFUNC = cjm_internal.markov_journey_step,
	STYPE = bytea,
	SSPACE = 4096,
	COMBINEFUNC = cjm_internal.attribution_paths_combine,
	FINALFUNC = cjm_internal.attribution_paths_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.markov_attribution(cjm.journey, cjm.funnel) IS
	'credit of channels by removal effects in a Markov chain, from the journeys of customers: each completion of the funnel is a conversion, with the touchpoints since the one before as its path, and the touchpoints after the last one are a null path; order 1, with null paths';

CREATE FUNCTION cjm_internal.markov_journey_step(state bytea, journey cjm.journey, conversion cjm.funnel, chain_order integer)
	RETURNS bytea
	AS 'MODULE_PATHNAME', 'markov_attribution_journey'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm_internal.markov_journey_step(bytea, cjm.journey, cjm.funnel, integer) IS
	'state with the paths of one more journey; transition function of markov_attribution';

CREATE AGGREGATE cjm.markov_attribution(cjm.journey, cjm.funnel, integer) (
	SFUNC = cjm_internal.markov_journey_step,
	STYPE = bytea,
	SSPACE = 4096,
	COMBINEFUNC = cjm_internal.attribution_paths_combine,
	FINALFUNC = cjm_internal.attribution_paths_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.markov_attribution(cjm.journey, cjm.funnel, integer) IS
	'credit of channels by removal effects in a Markov chain, from the journeys of customers: each completion of the funnel is a conversion, with the touchpoints since the one before as its path, and the touchpoints after the last one are a null path; order 1 for states that are channels, 2 for pairs of channels; with null paths';

CREATE FUNCTION cjm_internal.markov_journey_step(state bytea, journey cjm.journey, conversion cjm.funnel, chain_order integer, with_nulls boolean)
	RETURNS bytea
	AS 'MODULE_PATHNAME', 'markov_attribution_journey'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm_internal.markov_journey_step(bytea, cjm.journey, cjm.funnel, integer, boolean) IS
	'state with the paths of one more journey; transition function of markov_attribution';

CREATE AGGREGATE cjm.markov_attribution(cjm.journey, cjm.funnel, integer, boolean) (
	SFUNC = cjm_internal.markov_journey_step,
	STYPE = bytea,
	SSPACE = 4096,
	COMBINEFUNC = cjm_internal.attribution_paths_combine,
	FINALFUNC = cjm_internal.attribution_paths_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.markov_attribution(cjm.journey, cjm.funnel, integer, boolean) IS
	'credit of channels by removal effects in a Markov chain, from the journeys of customers: each completion of the funnel is a conversion, with the touchpoints since the one before as its path, and the touchpoints after the last one are a null path; order 1 for states that are channels, 2 for pairs of channels; with or without null paths';

CREATE FUNCTION cjm_internal.markov_path_step(state bytea, path text[], conversions bigint, value float8, nulls bigint)
	RETURNS bytea
	AS 'MODULE_PATHNAME', 'markov_attribution_path'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm_internal.markov_path_step(bytea, text[], bigint, float8, bigint) IS
	'state with the paths of one more row; transition function of markov_attribution';

CREATE AGGREGATE cjm.markov_attribution(text[], bigint, float8, bigint) (
	SFUNC = cjm_internal.markov_path_step,
	STYPE = bytea,
	SSPACE = 4096,
	COMBINEFUNC = cjm_internal.attribution_paths_combine,
	FINALFUNC = cjm_internal.attribution_paths_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.markov_attribution(text[], bigint, float8, bigint) IS
	'credit of channels by removal effects in a Markov chain, from rows that are paths: channels in order, conversions, their value in total, and how often the path led to none; NULL for none of these; order 1, with null paths';

CREATE FUNCTION cjm_internal.markov_path_step(state bytea, path text[], conversions bigint, value float8, nulls bigint, chain_order integer)
	RETURNS bytea
	AS 'MODULE_PATHNAME', 'markov_attribution_path'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm_internal.markov_path_step(bytea, text[], bigint, float8, bigint, integer) IS
	'state with the paths of one more row; transition function of markov_attribution';

CREATE AGGREGATE cjm.markov_attribution(text[], bigint, float8, bigint, integer) (
	SFUNC = cjm_internal.markov_path_step,
	STYPE = bytea,
	SSPACE = 4096,
	COMBINEFUNC = cjm_internal.attribution_paths_combine,
	FINALFUNC = cjm_internal.attribution_paths_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.markov_attribution(text[], bigint, float8, bigint, integer) IS
	'credit of channels by removal effects in a Markov chain, from rows that are paths: channels in order, conversions, their value in total, and how often the path led to none; NULL for none of these; order 1 for states that are channels, 2 for pairs of channels; with null paths';

CREATE FUNCTION cjm_internal.markov_path_step(state bytea, path text[], conversions bigint, value float8, nulls bigint, chain_order integer, with_nulls boolean)
	RETURNS bytea
	AS 'MODULE_PATHNAME', 'markov_attribution_path'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm_internal.markov_path_step(bytea, text[], bigint, float8, bigint, integer, boolean) IS
	'state with the paths of one more row; transition function of markov_attribution';

CREATE AGGREGATE cjm.markov_attribution(text[], bigint, float8, bigint, integer, boolean) (
	SFUNC = cjm_internal.markov_path_step,
	STYPE = bytea,
	SSPACE = 4096,
	COMBINEFUNC = cjm_internal.attribution_paths_combine,
	FINALFUNC = cjm_internal.attribution_paths_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.markov_attribution(text[], bigint, float8, bigint, integer, boolean) IS
	'credit of channels by removal effects in a Markov chain, from rows that are paths: channels in order, conversions, their value in total, and how often the path led to none; NULL for none of these; order 1 for states that are channels, 2 for pairs of channels; with or without null paths';

CREATE FUNCTION cjm_internal.shapley_journey_step(state bytea, journey cjm.journey, conversion cjm.funnel)
	RETURNS bytea
	AS 'MODULE_PATHNAME', 'shapley_attribution_journey'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm_internal.shapley_journey_step(bytea, cjm.journey, cjm.funnel) IS
	'state with the paths of one more journey; transition function of shapley_attribution';

CREATE AGGREGATE cjm.shapley_attribution(cjm.journey, cjm.funnel) (
	SFUNC = cjm_internal.shapley_journey_step,
	STYPE = bytea,
	SSPACE = 4096,
	COMBINEFUNC = cjm_internal.attribution_paths_combine,
	FINALFUNC = cjm_internal.attribution_paths_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.shapley_attribution(cjm.journey, cjm.funnel) IS
	'credit of channels by Shapley values, from the journeys of customers: each completion of the funnel is a conversion, with the touchpoints since the one before as its path, and the touchpoints after the last one are a null path; channels are worth the conversions on paths that use no others';

CREATE FUNCTION cjm_internal.shapley_path_step(state bytea, path text[], conversions bigint, value float8, nulls bigint)
	RETURNS bytea
	AS 'MODULE_PATHNAME', 'shapley_attribution_path'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm_internal.shapley_path_step(bytea, text[], bigint, float8, bigint) IS
	'state with the paths of one more row; transition function of shapley_attribution';

CREATE AGGREGATE cjm.shapley_attribution(text[], bigint, float8, bigint) (
	SFUNC = cjm_internal.shapley_path_step,
	STYPE = bytea,
	SSPACE = 4096,
	COMBINEFUNC = cjm_internal.attribution_paths_combine,
	FINALFUNC = cjm_internal.attribution_paths_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.shapley_attribution(text[], bigint, float8, bigint) IS
	'credit of channels by Shapley values, from rows that are paths: channels in order, conversions, their value in total, and how often the path led to none; NULL for none of these; channels are worth the conversions on paths that use no others';
