-- The aggregates over customers: from journeys, and from statistics of other customers.

CREATE FUNCTION cjm_internal.funnel_agg_step(state cjm_internal.aggregate_state, journey cjm.journey, funnel cjm.funnel)
RETURNS cjm_internal.aggregate_state
AS 'MODULE_PATHNAME', 'funnel_agg_step'
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20;

COMMENT ON FUNCTION cjm_internal.funnel_agg_step(cjm_internal.aggregate_state, cjm.journey, cjm.funnel) IS
	'statistics with one more customer; transition function of funnel_agg(journey, funnel)';

CREATE FUNCTION cjm_internal.funnel_agg_step(state cjm_internal.aggregate_state, journey cjm.journey, funnel cjm.funnel, entered tstzrange)
RETURNS cjm_internal.aggregate_state
AS 'MODULE_PATHNAME', 'funnel_agg_step'
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 25;

COMMENT ON FUNCTION cjm_internal.funnel_agg_step(cjm_internal.aggregate_state, cjm.journey, cjm.funnel, tstzrange) IS
	'statistics with one more customer; transition function of funnel_agg(journey, funnel, tstzrange)';

CREATE FUNCTION cjm.funnel_stats_combine(a cjm.funnel_stats, b cjm.funnel_stats)
RETURNS cjm.funnel_stats
AS 'MODULE_PATHNAME', 'funnel_stats_combine'
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;

COMMENT ON FUNCTION cjm.funnel_stats_combine(cjm.funnel_stats, cjm.funnel_stats) IS
	'statistics of the customers of both, who must be different ones; a NULL is nobody; both must be of one funnel';

-- The state is the statistics, by a type whose text is short: whoever splits an aggregate between servers sends that.

CREATE FUNCTION cjm_internal.funnel_state_combine(a cjm_internal.aggregate_state, b cjm_internal.aggregate_state)
RETURNS cjm_internal.aggregate_state
AS 'MODULE_PATHNAME', 'funnel_state_combine'
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;

COMMENT ON FUNCTION cjm_internal.funnel_state_combine(cjm_internal.aggregate_state, cjm_internal.aggregate_state) IS
	'the customers of two states; combine function of funnel_agg';

CREATE FUNCTION cjm_internal.funnel_state_rollup(state cjm_internal.aggregate_state, stats cjm.funnel_stats)
RETURNS cjm_internal.aggregate_state
AS 'MODULE_PATHNAME', 'funnel_state_rollup'
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;

COMMENT ON FUNCTION cjm_internal.funnel_state_rollup(cjm_internal.aggregate_state, cjm.funnel_stats) IS
	'state with the customers of statistics, too; transition function of rollup';

CREATE FUNCTION cjm_internal.funnel_state_final(state cjm_internal.aggregate_state)
RETURNS cjm.funnel_stats
AS 'MODULE_PATHNAME', 'funnel_state_final'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;

COMMENT ON FUNCTION cjm_internal.funnel_state_final(cjm_internal.aggregate_state) IS
	'the statistics that a state is; final function of funnel_agg';

CREATE AGGREGATE cjm.funnel_agg(cjm.journey, cjm.funnel) (
	SFUNC = cjm_internal.funnel_agg_step,
	STYPE = cjm_internal.aggregate_state,
	SSPACE = 2048,
	COMBINEFUNC = cjm_internal.funnel_state_combine,
	FINALFUNC = cjm_internal.funnel_state_final,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE cjm.funnel_agg(cjm.journey, cjm.funnel) IS
	'statistics of a funnel: one journey is one customer, a row with a NULL is none';

CREATE AGGREGATE cjm.funnel_agg(cjm.journey, cjm.funnel, tstzrange) (
	SFUNC = cjm_internal.funnel_agg_step,
	STYPE = cjm_internal.aggregate_state,
	SSPACE = 2048,
	COMBINEFUNC = cjm_internal.funnel_state_combine,
	FINALFUNC = cjm_internal.funnel_state_final,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE cjm.funnel_agg(cjm.journey, cjm.funnel, tstzrange) IS
	'statistics of a funnel by walks that begin within a range of time; one journey is one customer, a row with a NULL is none';

CREATE FUNCTION cjm_internal.funnel_walks_agg_step(state cjm_internal.aggregate_state, journey cjm.journey, funnel cjm.funnel, entered tstzrange)
RETURNS cjm_internal.aggregate_state
AS 'MODULE_PATHNAME', 'funnel_walks_agg_step'
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;

COMMENT ON FUNCTION cjm_internal.funnel_walks_agg_step(cjm_internal.aggregate_state, cjm.journey, cjm.funnel, tstzrange) IS
	'statistics with the walks of one more customer; transition function of funnel_walks_agg';

CREATE AGGREGATE cjm_internal.funnel_walks_agg(cjm.journey, cjm.funnel, tstzrange) (
	SFUNC = cjm_internal.funnel_walks_agg_step,
	STYPE = cjm_internal.aggregate_state,
	SSPACE = 2048,
	COMBINEFUNC = cjm_internal.funnel_state_combine,
	FINALFUNC = cjm_internal.funnel_state_final,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE cjm_internal.funnel_walks_agg(cjm.journey, cjm.funnel, tstzrange) IS
	'statistics of a funnel that count walks(journey, funnel, entered) instead of customers';

CREATE AGGREGATE cjm.rollup(cjm.funnel_stats) (
	SFUNC = cjm_internal.funnel_state_rollup,
	STYPE = cjm_internal.aggregate_state,
	SSPACE = 2048,
	COMBINEFUNC = cjm_internal.funnel_state_combine,
	FINALFUNC = cjm_internal.funnel_state_final,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE cjm.rollup(cjm.funnel_stats) IS
	'adds statistics of one funnel up; right only where no customer is in two of them, as with segments and never with days';
