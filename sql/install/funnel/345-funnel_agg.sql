-- The aggregates over customers: from journeys, and from statistics of other customers.

CREATE FUNCTION cjm_internal.funnel_agg_step(state cjm.funnel_stats, journey cjm.journey, funnel cjm.funnel)
RETURNS cjm.funnel_stats
AS 'MODULE_PATHNAME', 'funnel_agg_step'
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20;

COMMENT ON FUNCTION cjm_internal.funnel_agg_step(cjm.funnel_stats, cjm.journey, cjm.funnel) IS
	'statistics with one more customer; transition function of funnel_agg(journey, funnel)';

CREATE FUNCTION cjm_internal.funnel_agg_step(state cjm.funnel_stats, journey cjm.journey, funnel cjm.funnel, entered tstzrange)
RETURNS cjm.funnel_stats
AS 'MODULE_PATHNAME', 'funnel_agg_step'
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 25;

COMMENT ON FUNCTION cjm_internal.funnel_agg_step(cjm.funnel_stats, cjm.journey, cjm.funnel, tstzrange) IS
	'statistics with one more customer; transition function of funnel_agg(journey, funnel, tstzrange)';

CREATE FUNCTION cjm.funnel_stats_combine(a cjm.funnel_stats, b cjm.funnel_stats)
RETURNS cjm.funnel_stats
AS 'MODULE_PATHNAME', 'funnel_stats_combine'
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;

COMMENT ON FUNCTION cjm.funnel_stats_combine(cjm.funnel_stats, cjm.funnel_stats) IS
	'statistics of the customers of both, who must be different ones; a NULL is nobody; both must be of one funnel';

CREATE AGGREGATE cjm.funnel_agg(cjm.journey, cjm.funnel) (
	SFUNC = cjm_internal.funnel_agg_step,
	STYPE = cjm.funnel_stats,
	SSPACE = 2048,
	COMBINEFUNC = cjm.funnel_stats_combine,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE cjm.funnel_agg(cjm.journey, cjm.funnel) IS
	'statistics of a funnel: one journey is one customer, a row with a NULL is none';

CREATE AGGREGATE cjm.funnel_agg(cjm.journey, cjm.funnel, tstzrange) (
	SFUNC = cjm_internal.funnel_agg_step,
	STYPE = cjm.funnel_stats,
	SSPACE = 2048,
	COMBINEFUNC = cjm.funnel_stats_combine,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE cjm.funnel_agg(cjm.journey, cjm.funnel, tstzrange) IS
	'statistics of a funnel by walks that begin within a range of time; one journey is one customer, a row with a NULL is none';

CREATE FUNCTION cjm_internal.funnel_walks_agg_step(state cjm.funnel_stats, journey cjm.journey, funnel cjm.funnel, entered tstzrange)
RETURNS cjm.funnel_stats
AS 'MODULE_PATHNAME', 'funnel_walks_agg_step'
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;

COMMENT ON FUNCTION cjm_internal.funnel_walks_agg_step(cjm.funnel_stats, cjm.journey, cjm.funnel, tstzrange) IS
	'statistics with the walks of one more customer; transition function of funnel_walks_agg';

CREATE AGGREGATE cjm_internal.funnel_walks_agg(cjm.journey, cjm.funnel, tstzrange) (
	SFUNC = cjm_internal.funnel_walks_agg_step,
	STYPE = cjm.funnel_stats,
	SSPACE = 2048,
	COMBINEFUNC = cjm.funnel_stats_combine,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE cjm_internal.funnel_walks_agg(cjm.journey, cjm.funnel, tstzrange) IS
	'statistics of a funnel that count walks(journey, funnel, entered) instead of customers';

CREATE AGGREGATE cjm.rollup(cjm.funnel_stats) (
	SFUNC = cjm.funnel_stats_combine,
	STYPE = cjm.funnel_stats,
	SSPACE = 2048,
	COMBINEFUNC = cjm.funnel_stats_combine,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE cjm.rollup(cjm.funnel_stats) IS
	'adds statistics of one funnel up; right only where no customer is in two of them, as with segments and never with days';
