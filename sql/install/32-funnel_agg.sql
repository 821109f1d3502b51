-- The aggregates over customers: from journeys, and from statistics of other customers.

CREATE FUNCTION funnel_agg_step(state funnel_stats, journey journey, funnel funnel)
RETURNS funnel_stats
AS 'MODULE_PATHNAME', 'funnel_agg_step'
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20;

COMMENT ON FUNCTION funnel_agg_step(funnel_stats, journey, funnel) IS
	'statistics with one more customer; transition function of funnel_agg(journey, funnel)';

CREATE FUNCTION funnel_agg_step(state funnel_stats, journey journey, funnel funnel, entered tstzrange)
RETURNS funnel_stats
AS 'MODULE_PATHNAME', 'funnel_agg_step'
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 25;

COMMENT ON FUNCTION funnel_agg_step(funnel_stats, journey, funnel, tstzrange) IS
	'statistics with one more customer; transition function of funnel_agg(journey, funnel, tstzrange)';

CREATE FUNCTION funnel_stats_combine(a funnel_stats, b funnel_stats)
RETURNS funnel_stats
AS 'MODULE_PATHNAME', 'funnel_stats_combine'
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;

COMMENT ON FUNCTION funnel_stats_combine(funnel_stats, funnel_stats) IS
	'statistics of the customers of both, who must be different ones; a NULL is nobody; both must be of one funnel';

CREATE AGGREGATE funnel_agg(journey, funnel) (
	SFUNC = funnel_agg_step,
	STYPE = funnel_stats,
	SSPACE = 2048,
	COMBINEFUNC = funnel_stats_combine,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE funnel_agg(journey, funnel) IS
	'statistics of a funnel: one journey is one customer, a row with a NULL is none';

CREATE AGGREGATE funnel_agg(journey, funnel, tstzrange) (
	SFUNC = funnel_agg_step,
	STYPE = funnel_stats,
	SSPACE = 2048,
	COMBINEFUNC = funnel_stats_combine,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE funnel_agg(journey, funnel, tstzrange) IS
	'statistics of a funnel by walks that begin within a range of time; one journey is one customer, a row with a NULL is none';

CREATE AGGREGATE rollup(funnel_stats) (
	SFUNC = funnel_stats_combine,
	STYPE = funnel_stats,
	SSPACE = 2048,
	COMBINEFUNC = funnel_stats_combine,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE rollup(funnel_stats) IS
	'adds statistics of one funnel up; right only where no customer is in two of them, as with segments and never with days';
