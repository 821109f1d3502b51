--
-- funnel_open: whether a customer may yet go on
--

CREATE FUNCTION cjm.funnel_open(journey cjm.journey, funnel cjm.funnel, now timestamptz) RETURNS boolean
	AS 'MODULE_PATHNAME', 'journey_funnel_open'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 25;
COMMENT ON FUNCTION cjm.funnel_open(cjm.journey, cjm.funnel, timestamptz) IS
	'whether a walk that has begun, of a customer who has not completed the funnel, could still become as deep as the deepest one or deeper at the time given or later; without within nobody is open';

CREATE FUNCTION cjm.funnel_open(journey cjm.journey, funnel cjm.funnel, now timestamptz, entered tstzrange) RETURNS boolean
	AS 'MODULE_PATHNAME', 'journey_funnel_open'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 25;
COMMENT ON FUNCTION cjm.funnel_open(cjm.journey, cjm.funnel, timestamptz, tstzrange) IS
	'as funnel_open(journey, funnel, timestamptz), for walks whose first touchpoint lies in the range';

-- A funnel_stats knows no now(): the views of maps count who is open beside it.

CREATE FUNCTION cjm_internal.funnel_open_agg_step(counts bigint[], journey cjm.journey, funnel cjm.funnel, now timestamptz, entered tstzrange) RETURNS bigint[]
	AS 'MODULE_PATHNAME'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm_internal.funnel_open_agg_step(bigint[], cjm.journey, cjm.funnel, timestamptz, tstzrange) IS
	'counts of open customers with one more, if they are open; transition function of funnel_open_agg';

CREATE FUNCTION cjm_internal.funnel_open_agg_combine(counts bigint[], more bigint[]) RETURNS bigint[]
	AS 'MODULE_PATHNAME'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION cjm_internal.funnel_open_agg_combine(bigint[], bigint[]) IS
	'counts of open customers, added up; combine function of funnel_open_agg';

CREATE AGGREGATE cjm_internal.funnel_open_agg(cjm.journey, cjm.funnel, timestamptz, tstzrange) (
	SFUNC = cjm_internal.funnel_open_agg_step,
	STYPE = bigint[],
	SSPACE = 128,
	COMBINEFUNC = cjm_internal.funnel_open_agg_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm_internal.funnel_open_agg(cjm.journey, cjm.funnel, timestamptz, tstzrange) IS
	'customers who are open at a time by walks that begin in a range, by the mandatory step that they have come to; NULL where nobody is, as without "within"';

CREATE AGGREGATE cjm_internal.funnel_open_rollup(bigint[]) (
	SFUNC = cjm_internal.funnel_open_agg_combine,
	STYPE = bigint[],
	SSPACE = 128,
	COMBINEFUNC = cjm_internal.funnel_open_agg_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm_internal.funnel_open_rollup(bigint[]) IS 'counts of open customers of several groups, added up; NULL where nobody is';
