\echo Use "CREATE EXTENSION cjm" to load this file. \quit

-- What is not written out is PostgreSQL's.
SET LOCAL search_path = pg_catalog, pg_temp;

-- Both schemas are the extension's own, and a superuser's, as all that is in them (this script runs as one, whoever installs):
-- the owner of a schema could rename it and put another in its place, or objects beside ours, and functions here call others by
-- name with the rights of whoever asks.  What somebody has put there before could be taken for ours.
DO $$
DECLARE
	taken name;
BEGIN
	SELECT n.nspname INTO taken FROM pg_namespace n WHERE n.nspname IN ('cjm', 'cjm_internal') ORDER BY n.nspname LIMIT 1;
	IF FOUND THEN
		RAISE duplicate_schema USING
			MESSAGE = format('the schema "%s" exists', taken),
			DETAIL = 'The extension makes it, so that nobody else has put anything there.',
			HINT = 'Look what is in it, drop the schema or rename it, and try again.';
	END IF;
END
$$;

CREATE SCHEMA cjm;
GRANT USAGE ON SCHEMA cjm TO PUBLIC;

COMMENT ON SCHEMA cjm IS 'customer journeys and funnels over event tables';

-- What nobody calls by name: support functions of types and aggregates, and what maps are made of.  The views of maps call some
-- of it with the rights of whoever asks.
CREATE SCHEMA cjm_internal;
GRANT USAGE ON SCHEMA cjm_internal TO PUBLIC;

COMMENT ON SCHEMA cjm_internal IS 'what cjm consists of and nobody calls; it may change with every version';

CREATE FUNCTION cjm.cjm_version()
RETURNS text
AS 'MODULE_PATHNAME', 'cjm_version'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;

COMMENT ON FUNCTION cjm.cjm_version() IS 'version of the loaded cjm library; that of the SQL objects is in pg_extension';
--
-- interval_seconds: the length of an interval as a number
--

CREATE FUNCTION cjm.interval_seconds(length interval) RETURNS float8
	AS 'MODULE_PATHNAME', 'interval_seconds'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm.interval_seconds(interval) IS 'an interval in seconds: extract(epoch FROM interval)::float8, only faster';
--
-- rate_interval, rate_difference, odds_ratio, stratified_odds_ratio: what counted shares say
--

CREATE FUNCTION cjm.rate_interval(
	hits bigint,
	customers bigint,
	comparisons bigint DEFAULT 1,
	OUT rate float8,
	OUT rate_low float8,
	OUT rate_high float8)
	AS 'MODULE_PATHNAME', 'rate_interval'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm.rate_interval(bigint, bigint, bigint) IS
'hits / customers and its 95 % Wilson interval; NULL of nobody.
comparisons: of how many intervals this is one that are looked at together, as where the best of several is picked: each is wider then, so that all of them hold with 95 % (Bonferroni)';

CREATE FUNCTION cjm.rate_difference(
	hits bigint,
	customers bigint,
	other_hits bigint,
	other_customers bigint,
	OUT difference float8,
	OUT difference_low float8,
	OUT difference_high float8,
	OUT p_value float8)
	AS 'MODULE_PATHNAME', 'rate_difference'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm.rate_difference(bigint, bigint, bigint, bigint) IS
'hits / customers minus other_hits / other_customers, with the 95 % interval (Newcombe''s hybrid score) and the two-sided p-value of the pooled z-test;
NULL where there is nobody on one side';

CREATE FUNCTION cjm.odds_ratio(
	hits bigint,
	customers bigint,
	other_hits bigint,
	other_customers bigint,
	OUT odds_ratio float8,
	OUT odds_low float8,
	OUT odds_high float8,
	OUT p_value float8)
	AS 'MODULE_PATHNAME', 'rate_odds_ratio'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm.odds_ratio(bigint, bigint, bigint, bigint) IS
'the odds hits : misses of the first group over those of the other, with the 95 % interval (Woolf) and the two-sided p-value of the same approximation;
one half is added to each of the four counts where one of them is 0 (Haldane and Anscombe); NULL where there is nobody on one side';

CREATE FUNCTION cjm.stratified_odds_ratio(
	hits bigint[],
	customers bigint[],
	other_hits bigint[],
	other_customers bigint[],
	OUT odds_ratio float8,
	OUT odds_low float8,
	OUT odds_high float8,
	OUT p_value float8)
	AS 'MODULE_PATHNAME', 'rate_stratified_odds_ratio'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm.stratified_odds_ratio(bigint[], bigint[], bigint[], bigint[]) IS
'the odds of the first group over those of the other where only customers of the same stratum are compared with each other; each array has a count for each stratum.
The common odds ratio and the two-sided p-value with continuity correction (Mantel and Haenszel), and the 95 % interval (Robins, Breslow and Greenland);
one half in all is added to each of the four counts where the ratio would be 0 or infinite
p_value: NULL where the hits of the first group could not be 5 fewer and 5 more than expected (Mantel and Fleiss): that is too little for this test
NULL where no stratum has anybody in both groups';
--
-- nps, csat, ces: what customers answered, and how sure that is
--

CREATE FUNCTION cjm_internal.score_combine(state bigint[], other bigint[]) RETURNS bigint[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.score_combine(bigint[], bigint[]) IS 'combine function of nps, csat, ces and their intervals';

CREATE FUNCTION cjm_internal.nps_step(state bigint[], score float8) RETURNS bigint[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.nps_step(bigint[], float8) IS 'transition function of nps and nps_interval';

CREATE FUNCTION cjm_internal.nps_final(state bigint[]) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.nps_final(bigint[]) IS 'final function of nps';

CREATE FUNCTION cjm_internal.nps_interval_final(state bigint[]) RETURNS float8[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.nps_interval_final(bigint[]) IS 'final function of nps_interval';

CREATE AGGREGATE cjm.nps(score float8) (
	SFUNC = cjm_internal.nps_step,
	STYPE = bigint[],
	SSPACE = 64,
	FINALFUNC = cjm_internal.nps_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.score_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.nps(float8) IS
	'the Net Promoter Score of scores from 0 to 10: percentage of promoters (9, 10) less that of detractors (0 to 6), -100 to 100';

CREATE AGGREGATE cjm.nps_interval(score float8) (
	SFUNC = cjm_internal.nps_step,
	STYPE = bigint[],
	SSPACE = 64,
	FINALFUNC = cjm_internal.nps_interval_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.score_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.nps_interval(float8) IS
	'the 95 % interval of nps, {low, high}: adjusted Wald';

CREATE FUNCTION cjm_internal.csat_step(state bigint[], score float8) RETURNS bigint[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.csat_step(bigint[], float8) IS 'transition function of csat and csat_interval';

CREATE FUNCTION cjm_internal.csat_final(state bigint[]) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.csat_final(bigint[]) IS 'final function of csat';

CREATE FUNCTION cjm_internal.csat_interval_final(state bigint[]) RETURNS float8[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.csat_interval_final(bigint[]) IS 'final function of csat_interval';

CREATE AGGREGATE cjm.csat(score float8) (
	SFUNC = cjm_internal.csat_step,
	STYPE = bigint[],
	SSPACE = 64,
	FINALFUNC = cjm_internal.csat_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.score_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.csat(float8) IS
	'customer satisfaction of scores from 1 to 5: the share of 4 and 5, from 0 to 1';

CREATE AGGREGATE cjm.csat_interval(score float8) (
	SFUNC = cjm_internal.csat_step,
	STYPE = bigint[],
	SSPACE = 64,
	FINALFUNC = cjm_internal.csat_interval_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.score_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.csat_interval(float8) IS
	'the 95 % interval of csat, {low, high}: Wilson';

CREATE FUNCTION cjm_internal.ces_step(state bigint[], score float8) RETURNS bigint[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.ces_step(bigint[], float8) IS 'transition function of ces and ces_interval';

CREATE FUNCTION cjm_internal.ces_final(state bigint[]) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.ces_final(bigint[]) IS 'final function of ces';

CREATE FUNCTION cjm_internal.ces_interval_final(state bigint[]) RETURNS float8[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.ces_interval_final(bigint[]) IS 'final function of ces_interval';

CREATE AGGREGATE cjm.ces(score float8) (
	SFUNC = cjm_internal.ces_step,
	STYPE = bigint[],
	SSPACE = 64,
	FINALFUNC = cjm_internal.ces_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.score_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.ces(float8) IS
	'the Customer Effort Score of scores from 1 to 7: their mean';

CREATE AGGREGATE cjm.ces_interval(score float8) (
	SFUNC = cjm_internal.ces_step,
	STYPE = bigint[],
	SSPACE = 64,
	FINALFUNC = cjm_internal.ces_interval_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.score_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.ces_interval(float8) IS
	'the 95 % interval of ces, {low, high}: Students t; NULL for fewer than two answers';
--
-- median: exact, in parallel, without an order
--

CREATE FUNCTION cjm_internal.median_step(internal, value float8) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.median_step(internal, float8) IS 'transition function of median';

CREATE FUNCTION cjm_internal.median_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm_internal.median_combine(internal, internal) IS 'combine function of median';

CREATE FUNCTION cjm_internal.median_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm_internal.median_serialize(internal) IS 'serialization function of median';

CREATE FUNCTION cjm_internal.median_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm_internal.median_deserialize(bytea, internal) IS 'deserialization function of median';

CREATE FUNCTION cjm_internal.median_final(internal) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.median_final(internal) IS 'final function of median';

CREATE AGGREGATE cjm.median(value float8) (
	SFUNC = cjm_internal.median_step,
	STYPE = internal,
	SSPACE = 1024,
	FINALFUNC = cjm_internal.median_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.median_combine,
	SERIALFUNC = cjm_internal.median_serialize,
	DESERIALFUNC = cjm_internal.median_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.median(float8) IS
	'the value that half of the values do not exceed, the lower one of an even number: percentile_disc(0.5), in parallel; eight bytes a value, within work_mem x hash_mem_multiplier and then on disk; NULL for no values';
--
-- journey: all touchpoints of one customer, in time order
--

CREATE TYPE cjm.journey;

CREATE FUNCTION cjm_internal.journey_in(cstring) RETURNS cjm.journey
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.journey_in(cstring) IS 'text input of journey';

CREATE FUNCTION cjm_internal.journey_out(cjm.journey) RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.journey_out(cjm.journey) IS 'text output of journey';

CREATE FUNCTION cjm_internal.journey_recv(internal) RETURNS cjm.journey
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.journey_recv(internal) IS 'binary input of journey';

CREATE FUNCTION cjm_internal.journey_send(cjm.journey) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm_internal.journey_send(cjm.journey) IS 'binary output of journey';

CREATE FUNCTION cjm_internal.journey_typanalyze(internal) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.journey_typanalyze(internal) IS
	'what ANALYZE learns of journeys: NULLs and width, not how many differ, since what is grouped by is what functions make of them';

-- Storage is external: the columns of a journey do not compress, trying to makes
-- storing a long one eight times as slow, and its beginning can be read alone.
CREATE TYPE cjm.journey (
	INPUT = cjm_internal.journey_in,
	OUTPUT = cjm_internal.journey_out,
	RECEIVE = cjm_internal.journey_recv,
	SEND = cjm_internal.journey_send,
	ANALYZE = cjm_internal.journey_typanalyze,
	INTERNALLENGTH = VARIABLE,
	STORAGE = external
);
COMMENT ON TYPE cjm.journey IS
	'all touchpoints of one customer in time order; equal contents are equal bytes';

-- Comparison: touchpoint by touchpoint in time order, labels as bytes, NULLs first

CREATE FUNCTION cjm.journey_eq(a cjm.journey, b cjm.journey) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2;
COMMENT ON FUNCTION cjm.journey_eq(cjm.journey, cjm.journey) IS 'same touchpoints';
CREATE FUNCTION cjm.journey_ne(a cjm.journey, b cjm.journey) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2;
COMMENT ON FUNCTION cjm.journey_ne(cjm.journey, cjm.journey) IS 'not the same touchpoints';
CREATE FUNCTION cjm.journey_lt(a cjm.journey, b cjm.journey) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm.journey_lt(cjm.journey, cjm.journey) IS 'first difference comes earlier, touchpoint by touchpoint';
CREATE FUNCTION cjm.journey_le(a cjm.journey, b cjm.journey) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm.journey_le(cjm.journey, cjm.journey) IS 'equal, or first difference comes earlier';
CREATE FUNCTION cjm.journey_gt(a cjm.journey, b cjm.journey) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm.journey_gt(cjm.journey, cjm.journey) IS 'first difference comes later, touchpoint by touchpoint';
CREATE FUNCTION cjm.journey_ge(a cjm.journey, b cjm.journey) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm.journey_ge(cjm.journey, cjm.journey) IS 'equal, or first difference comes later';
CREATE FUNCTION cjm_internal.journey_cmp(a cjm.journey, b cjm.journey) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm_internal.journey_cmp(cjm.journey, cjm.journey) IS 'less than, equal to or greater than zero';
CREATE FUNCTION cjm_internal.journey_hash(cjm.journey) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.journey_hash(cjm.journey) IS 'hash of the touchpoints';
CREATE FUNCTION cjm_internal.journey_hash_extended(cjm.journey, bigint) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.journey_hash_extended(cjm.journey, bigint) IS 'seeded 64-bit hash of the touchpoints';

CREATE OPERATOR cjm.= (
	LEFTARG = cjm.journey, RIGHTARG = cjm.journey, FUNCTION = cjm.journey_eq,
	COMMUTATOR = OPERATOR(cjm.=), NEGATOR = OPERATOR(cjm.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
COMMENT ON OPERATOR cjm.= (cjm.journey, cjm.journey) IS 'same touchpoints';
CREATE OPERATOR cjm.<> (
	LEFTARG = cjm.journey, RIGHTARG = cjm.journey, FUNCTION = cjm.journey_ne,
	COMMUTATOR = OPERATOR(cjm.<>), NEGATOR = OPERATOR(cjm.=), RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR cjm.<> (cjm.journey, cjm.journey) IS 'not the same touchpoints';
CREATE OPERATOR cjm.< (
	LEFTARG = cjm.journey, RIGHTARG = cjm.journey, FUNCTION = cjm.journey_lt,
	COMMUTATOR = OPERATOR(cjm.>), NEGATOR = OPERATOR(cjm.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR cjm.< (cjm.journey, cjm.journey) IS 'first difference comes earlier, touchpoint by touchpoint';
CREATE OPERATOR cjm.<= (
	LEFTARG = cjm.journey, RIGHTARG = cjm.journey, FUNCTION = cjm.journey_le,
	COMMUTATOR = OPERATOR(cjm.>=), NEGATOR = OPERATOR(cjm.>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR cjm.<= (cjm.journey, cjm.journey) IS 'equal, or first difference comes earlier';
CREATE OPERATOR cjm.> (
	LEFTARG = cjm.journey, RIGHTARG = cjm.journey, FUNCTION = cjm.journey_gt,
	COMMUTATOR = OPERATOR(cjm.<), NEGATOR = OPERATOR(cjm.<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR cjm.> (cjm.journey, cjm.journey) IS 'first difference comes later, touchpoint by touchpoint';
CREATE OPERATOR cjm.>= (
	LEFTARG = cjm.journey, RIGHTARG = cjm.journey, FUNCTION = cjm.journey_ge,
	COMMUTATOR = OPERATOR(cjm.<=), NEGATOR = OPERATOR(cjm.<), RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR cjm.>= (cjm.journey, cjm.journey) IS 'equal, or first difference comes later';

CREATE OPERATOR CLASS cjm.journey_ops DEFAULT FOR TYPE cjm.journey USING btree AS
	OPERATOR 1 cjm.<,
	OPERATOR 2 cjm.<=,
	OPERATOR 3 cjm.=,
	OPERATOR 4 cjm.>=,
	OPERATOR 5 cjm.>,
	FUNCTION 1 cjm_internal.journey_cmp(cjm.journey, cjm.journey);
COMMENT ON OPERATOR CLASS cjm.journey_ops USING btree IS 'order of journeys by their touchpoints';
COMMENT ON OPERATOR FAMILY cjm.journey_ops USING btree IS 'order of journeys by their touchpoints';

CREATE OPERATOR CLASS cjm.journey_ops DEFAULT FOR TYPE cjm.journey USING hash AS
	OPERATOR 1 cjm.=,
	FUNCTION 1 cjm_internal.journey_hash(cjm.journey),
	FUNCTION 2 cjm_internal.journey_hash_extended(cjm.journey, bigint);
COMMENT ON OPERATOR CLASS cjm.journey_ops USING hash IS 'hash of journeys by their touchpoints';
COMMENT ON OPERATOR FAMILY cjm.journey_ops USING hash IS 'hash of journeys by their touchpoints';

-- Merging

CREATE FUNCTION cjm.journey_merge(a cjm.journey, b cjm.journey) RETURNS cjm.journey
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm.journey_merge(cjm.journey, cjm.journey) IS
	'all touchpoints of both journeys, equal ones kept; the function behind ||';

CREATE OPERATOR cjm.|| (
	LEFTARG = cjm.journey, RIGHTARG = cjm.journey, FUNCTION = cjm.journey_merge, COMMUTATOR = OPERATOR(cjm.||)
);
COMMENT ON OPERATOR cjm.|| (cjm.journey, cjm.journey) IS 'all touchpoints of both journeys, equal ones kept';

CREATE FUNCTION cjm.journey_minus(a cjm.journey, b cjm.journey) RETURNS cjm.journey
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm.journey_minus(cjm.journey, cjm.journey) IS
	'a without the touchpoints of b, of equal ones as many as b has; an error if a does not hold them all; the function behind -';

CREATE OPERATOR cjm.- (
	LEFTARG = cjm.journey, RIGHTARG = cjm.journey, FUNCTION = cjm.journey_minus
);
COMMENT ON OPERATOR cjm.- (cjm.journey, cjm.journey) IS 'the left journey without the touchpoints of the right one, all of which it must hold';

CREATE FUNCTION cjm.distinct_touchpoints(journey cjm.journey) RETURNS cjm.journey
	AS 'MODULE_PATHNAME', 'journey_distinct_touchpoints'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm.distinct_touchpoints(cjm.journey) IS
	'the journey with each of equal touchpoints once, for pipelines that deliver at least once';

CREATE AGGREGATE cjm.rollup(cjm.journey) (
	SFUNC = cjm.journey_merge,
	STYPE = cjm.journey,
	COMBINEFUNC = cjm.journey_merge,
	SSPACE = 512,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.rollup(cjm.journey) IS
	'one journey of all touchpoints of many: days, partitions, identities of one customer; NULL for no journey';

-- JSON

CREATE FUNCTION cjm.journey_to_jsonb(journey cjm.journey) RETURNS jsonb
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm.journey_to_jsonb(cjm.journey) IS
	'array of {"at", "event", "channel", "value"}, one element a touchpoint; the function behind the cast';

CREATE FUNCTION cjm.journey_from_jsonb(touchpoints jsonb) RETURNS cjm.journey
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm.journey_from_jsonb(jsonb) IS
	'journey from an array of {"at", "event", "channel", "value"}; the function behind the cast';

CREATE CAST (cjm.journey AS jsonb) WITH FUNCTION cjm.journey_to_jsonb(cjm.journey) AS ASSIGNMENT;
COMMENT ON CAST (cjm.journey AS jsonb) IS 'array of {"at", "event", "channel", "value"}';
CREATE CAST (jsonb AS cjm.journey) WITH FUNCTION cjm.journey_from_jsonb(jsonb) AS ASSIGNMENT;
COMMENT ON CAST (jsonb AS cjm.journey) IS 'journey from an array of {"at", "event", "channel", "value"}';
--
-- journey_agg: builds a journey from rows
--
-- The costs are of journeys of about ten touchpoints, in units of a comparison of
-- two short texts.  They tell the planner that to hand a journey from one process
-- to another costs as much as to add ten rows to it, so that customers of few rows
-- each are better counted by one process.
--

CREATE FUNCTION cjm_internal.journey_agg_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 45;
COMMENT ON FUNCTION cjm_internal.journey_agg_combine(internal, internal) IS 'combine function of journey_agg';

CREATE FUNCTION cjm_internal.journey_agg_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 30;
COMMENT ON FUNCTION cjm_internal.journey_agg_serialize(internal) IS 'serialization function of journey_agg';

CREATE FUNCTION cjm_internal.journey_agg_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm_internal.journey_agg_deserialize(bytea, internal) IS 'deserialization function of journey_agg';

CREATE FUNCTION cjm_internal.journey_agg_final(internal) RETURNS cjm.journey
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 30;
COMMENT ON FUNCTION cjm_internal.journey_agg_final(internal) IS 'final function of journey_agg';

CREATE FUNCTION cjm_internal.journey_agg_step(internal, at timestamptz, event text) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.journey_agg_step(internal, timestamptz, text) IS 'transition function of journey_agg';

CREATE AGGREGATE cjm.journey_agg(at timestamptz, event text) (
	SFUNC = cjm_internal.journey_agg_step,
	STYPE = internal,
	SSPACE = 200,
	FINALFUNC = cjm_internal.journey_agg_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.journey_agg_combine,
	SERIALFUNC = cjm_internal.journey_agg_serialize,
	DESERIALFUNC = cjm_internal.journey_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.journey_agg(timestamptz, text) IS
	'the journey of the rows; rows without a time or an event are ignored; NULL for no rows';

CREATE FUNCTION cjm_internal.journey_agg_step(internal, at timestamptz, event text, channel text) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.journey_agg_step(internal, timestamptz, text, text) IS 'transition function of journey_agg with channels';

CREATE AGGREGATE cjm.journey_agg(at timestamptz, event text, channel text) (
	SFUNC = cjm_internal.journey_agg_step,
	STYPE = internal,
	SSPACE = 200,
	FINALFUNC = cjm_internal.journey_agg_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.journey_agg_combine,
	SERIALFUNC = cjm_internal.journey_agg_serialize,
	DESERIALFUNC = cjm_internal.journey_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.journey_agg(timestamptz, text, text) IS
	'the journey of the rows with channels; rows without a time or an event are ignored; NULL for no rows';

CREATE FUNCTION cjm_internal.journey_agg_step(internal, at timestamptz, event text, channel text, value float8) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.journey_agg_step(internal, timestamptz, text, text, float8) IS 'transition function of journey_agg with channels and values';

CREATE AGGREGATE cjm.journey_agg(at timestamptz, event text, channel text, value float8) (
	SFUNC = cjm_internal.journey_agg_step,
	STYPE = internal,
	SSPACE = 200,
	FINALFUNC = cjm_internal.journey_agg_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.journey_agg_combine,
	SERIALFUNC = cjm_internal.journey_agg_serialize,
	DESERIALFUNC = cjm_internal.journey_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.journey_agg(timestamptz, text, text, float8) IS
	'the journey of the rows with channels and values; rows without a time or an event are ignored; NULL for no rows';

CREATE FUNCTION cjm_internal.journey_agg_step(internal, at timestamptz, event anyenum) RETURNS internal
	AS 'MODULE_PATHNAME', 'journey_agg_step_enum' LANGUAGE C STABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm_internal.journey_agg_step(internal, timestamptz, anyenum) IS 'transition function of journey_agg of an enum''s stages';

CREATE AGGREGATE cjm.journey_agg(at timestamptz, event anyenum) (
	SFUNC = cjm_internal.journey_agg_step,
	STYPE = internal,
	SSPACE = 200,
	FINALFUNC = cjm_internal.journey_agg_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.journey_agg_combine,
	SERIALFUNC = cjm_internal.journey_agg_serialize,
	DESERIALFUNC = cjm_internal.journey_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.journey_agg(timestamptz, anyenum) IS
	'the journey of the rows of an enum''s stages; rows without a time or an event are ignored; NULL for no rows';

CREATE FUNCTION cjm_internal.journey_agg_step(internal, at timestamptz, event anyenum, channel text) RETURNS internal
	AS 'MODULE_PATHNAME', 'journey_agg_step_enum' LANGUAGE C STABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm_internal.journey_agg_step(internal, timestamptz, anyenum, text) IS 'transition function of journey_agg of an enum''s stages with channels';

CREATE AGGREGATE cjm.journey_agg(at timestamptz, event anyenum, channel text) (
	SFUNC = cjm_internal.journey_agg_step,
	STYPE = internal,
	SSPACE = 200,
	FINALFUNC = cjm_internal.journey_agg_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.journey_agg_combine,
	SERIALFUNC = cjm_internal.journey_agg_serialize,
	DESERIALFUNC = cjm_internal.journey_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.journey_agg(timestamptz, anyenum, text) IS
	'the journey of the rows of an enum''s stages with channels; rows without a time or an event are ignored; NULL for no rows';

CREATE FUNCTION cjm_internal.journey_agg_step(internal, at timestamptz, event anyenum, channel text, value float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'journey_agg_step_enum' LANGUAGE C STABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm_internal.journey_agg_step(internal, timestamptz, anyenum, text, float8) IS 'transition function of journey_agg of an enum''s stages with channels and values';

CREATE AGGREGATE cjm.journey_agg(at timestamptz, event anyenum, channel text, value float8) (
	SFUNC = cjm_internal.journey_agg_step,
	STYPE = internal,
	SSPACE = 200,
	FINALFUNC = cjm_internal.journey_agg_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.journey_agg_combine,
	SERIALFUNC = cjm_internal.journey_agg_serialize,
	DESERIALFUNC = cjm_internal.journey_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.journey_agg(timestamptz, anyenum, text, float8) IS
	'the journey of the rows of an enum''s stages with channels and values; rows without a time or an event are ignored; NULL for no rows';
--
-- touchpoint: one event of one customer at one time; what is in a journey
--

CREATE TYPE cjm.touchpoint AS (
	at timestamptz,
	event text,
	channel text,
	value float8
);
COMMENT ON TYPE cjm.touchpoint IS
	'one event of one customer at one time, perhaps through a channel, perhaps with a value';
COMMENT ON COLUMN cjm.touchpoint.at IS 'when it happened';
COMMENT ON COLUMN cjm.touchpoint.event IS 'what happened';
COMMENT ON COLUMN cjm.touchpoint.channel IS 'where the touchpoint came from, or NULL';
COMMENT ON COLUMN cjm.touchpoint.value IS 'what it was worth, or NULL';

CREATE FUNCTION cjm.touchpoints(journey cjm.journey) RETURNS SETOF cjm.touchpoint
	AS 'MODULE_PATHNAME', 'journey_touchpoints'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 20;
COMMENT ON FUNCTION cjm.touchpoints(cjm.journey) IS 'the touchpoints of a journey, in time order';

CREATE FUNCTION cjm.touch_count(journey cjm.journey) RETURNS bigint
	AS 'MODULE_PATHNAME', 'journey_touch_count'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm.touch_count(cjm.journey) IS 'number of touchpoints';

CREATE FUNCTION cjm.first_touch(journey cjm.journey) RETURNS cjm.touchpoint
	AS 'MODULE_PATHNAME', 'journey_first_touch'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm.first_touch(cjm.journey) IS 'the first touchpoint, NULL if the journey is empty';

CREATE FUNCTION cjm.last_touch(journey cjm.journey) RETURNS cjm.touchpoint
	AS 'MODULE_PATHNAME', 'journey_last_touch'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm.last_touch(cjm.journey) IS 'the last touchpoint, NULL if the journey is empty';

CREATE FUNCTION cjm.first_channel(journey cjm.journey) RETURNS text
	AS 'MODULE_PATHNAME', 'journey_first_channel'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm.first_channel(cjm.journey) IS 'the channel of the first touchpoint that has one, or NULL';

CREATE FUNCTION cjm.duration(journey cjm.journey) RETURNS interval
	AS 'MODULE_PATHNAME', 'journey_duration'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm.duration(cjm.journey) IS
	'time from the first touchpoint to the last, days of 24 hours; NULL if the journey is empty';

CREATE FUNCTION cjm.slice(journey cjm.journey, from_time timestamptz, to_time timestamptz) RETURNS cjm.journey
	AS 'MODULE_PATHNAME', 'journey_slice'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm.slice(cjm.journey, timestamptz, timestamptz) IS
	'the touchpoints from from_time, included, to to_time, excluded; -infinity and infinity leave an end open';

CREATE FUNCTION cjm.without_values(journey cjm.journey, events text[]) RETURNS cjm.journey
	AS 'MODULE_PATHNAME', 'journey_without_values'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm.without_values(cjm.journey, text[]) IS
	'the journey without the values of these events, such as scores, so that the others can be added up';

CREATE FUNCTION cjm.without_events(journey cjm.journey, events text[]) RETURNS cjm.journey
	AS 'MODULE_PATHNAME', 'journey_without_events'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm.without_events(cjm.journey, text[]) IS
	'the journey without the touchpoints of these events, such as answers to a survey, which nobody came by';

CREATE FUNCTION cjm.has_event(journey cjm.journey, event text) RETURNS boolean
	AS 'MODULE_PATHNAME', 'journey_has_event'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm.has_event(cjm.journey, text) IS 'whether the event is in the journey';

CREATE FUNCTION cjm.has_event(journey cjm.journey, event anyenum) RETURNS boolean
	AS 'MODULE_PATHNAME', 'journey_has_event_enum'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm.has_event(cjm.journey, anyenum) IS 'whether the stage of an enum is an event of the journey';
--
-- session: touchpoints of one customer with no gap longer than the timeout
--

CREATE TYPE cjm.session AS (
	session_number bigint,
	started_at timestamptz,
	ended_at timestamptz,
	touch_count bigint,
	entry_event text,
	exit_event text,
	channel text,
	value float8,
	bounced boolean,
	gross_value float8
);
COMMENT ON TYPE cjm.session IS 'touchpoints of one customer with no gap longer than the timeout';
COMMENT ON COLUMN cjm.session.session_number IS 'number of the session in its journey, from 1';
COMMENT ON COLUMN cjm.session.started_at IS 'time of its first touchpoint';
COMMENT ON COLUMN cjm.session.ended_at IS 'time of its last touchpoint';
COMMENT ON COLUMN cjm.session.touch_count IS 'number of its touchpoints';
COMMENT ON COLUMN cjm.session.entry_event IS 'event of its first touchpoint';
COMMENT ON COLUMN cjm.session.exit_event IS 'event of its last touchpoint';
COMMENT ON COLUMN cjm.session.channel IS 'channel of the first touchpoint that has one, or NULL';
COMMENT ON COLUMN cjm.session.value IS 'sum of the values, NULL where no touchpoint has one';
COMMENT ON COLUMN cjm.session.bounced IS 'whether it has exactly one touchpoint';
COMMENT ON COLUMN cjm.session.gross_value IS 'sum of the values that are not negative, NULL where no touchpoint has one';

CREATE FUNCTION cjm.sessions(journey cjm.journey, gap interval DEFAULT '30 minutes') RETURNS SETOF cjm.session
	AS 'MODULE_PATHNAME', 'journey_sessions'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 5;
COMMENT ON FUNCTION cjm.sessions(cjm.journey, interval) IS
	'the sessions of a journey: a gap longer than the given one begins the next session, exactly the given one does not';

CREATE FUNCTION cjm.session_stats(
	journey cjm.journey,
	gap interval DEFAULT '30 minutes',
	OUT session_count bigint,
	OUT bounce_count bigint,
	OUT bounce_rate float8,
	OUT touch_count bigint,
	OUT total_time interval,
	OUT mean_time interval,
	OUT longest_time interval)
	AS 'MODULE_PATHNAME', 'journey_session_stats'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm.session_stats(cjm.journey, interval) IS
	'sessions of a journey in one row: how many, how many of one touchpoint only, time in them';
--
-- session_events: the events of each session; total_value: what a journey is worth
--

CREATE FUNCTION cjm.session_events(journey cjm.journey, gap interval DEFAULT '30 minutes')
	RETURNS TABLE (
		session_number bigint,
		event text,
		channel text,
		is_entry boolean,
		is_exit boolean,
		started_at timestamptz,
		ended_at timestamptz,
		touch_count bigint,
		seconds float8,
		bounced boolean)
	AS 'MODULE_PATHNAME', 'journey_session_events'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 10;
COMMENT ON FUNCTION cjm.session_events(cjm.journey, interval) IS
	'a row for each event of each session, whether the session began and ended with it, and what the session was: channel, times, number of touchpoints, length in seconds, bounce';

CREATE FUNCTION cjm.total_value(journey cjm.journey) RETURNS float8
	AS 'MODULE_PATHNAME', 'journey_total_value'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm.total_value(cjm.journey) IS 'sum of the values of a journey; NULL where no touchpoint has one';

CREATE FUNCTION cjm.gross_value(journey cjm.journey) RETURNS float8
	AS 'MODULE_PATHNAME', 'journey_gross_value'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm.gross_value(cjm.journey) IS 'sum of the values of a journey that are not negative, which refunds are; NULL where no touchpoint has one';
--
-- session_groups: the sessions of a journey by the groups of a report
--

CREATE FUNCTION cjm.session_groups(
	journey cjm.journey,
	gap interval DEFAULT '30 minutes',
	by text DEFAULT NULL,
	bucket text DEFAULT NULL,
	time_zone text DEFAULT current_setting('TimeZone'),
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity')
	RETURNS TABLE (
		label text,
		bucket_start timestamptz,
		is_first boolean,
		session_number bigint,
		touch_count bigint,
		seconds float8,
		value float8,
		bounced boolean,
		gross_value float8)
	AS 'MODULE_PATHNAME', 'journey_session_groups'
	LANGUAGE C STABLE PARALLEL SAFE COST 100 ROWS 5;
COMMENT ON FUNCTION cjm.session_groups(cjm.journey, interval, text, text, text, timestamptz, timestamptz) IS
'a row for each session that began from from_time, included, to to_time, excluded, with what a report counts of it.
label: its channel, entry_event, exit_event or visitor (new in the first session, then returning), as by says; bucket_start: the hour, day, week, month, quarter or year that it began in
is_first: whether it is the first with that label in that bucket, so that customers are counted without asking who they are
session_number, touch_count, seconds, value, bounced, gross_value: as in sessions';
--
-- session_channel: the channel of the session that a moment lies in
--

CREATE FUNCTION cjm.session_channel(journey cjm.journey, gap interval, at timestamptz) RETURNS text
	AS 'MODULE_PATHNAME', 'journey_session_channel'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 30;
COMMENT ON FUNCTION cjm.session_channel(cjm.journey, interval, timestamptz) IS
	'the channel of the session that a moment lies in: that of its first touchpoint that has one, or NULL, as where the moment lies in none';
--
-- active_periods: when a customer was there
--

CREATE FUNCTION cjm.active_periods(journey cjm.journey, period text, time_zone text DEFAULT current_setting('TimeZone')) RETURNS date[]
	AS 'MODULE_PATHNAME', 'journey_active_periods'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm.active_periods(cjm.journey, text, text) IS
	'the days, weeks (ISO), months, quarters or years of a time zone in which the customer has touchpoints, by their first days, in order';
--
-- event_path, channel_path, transitions: what follows what in a journey
--

CREATE FUNCTION cjm.event_path(journey cjm.journey, depth integer DEFAULT 16777216, repeats boolean DEFAULT true) RETURNS text[]
	AS 'MODULE_PATHNAME', 'journey_event_path'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm.event_path(cjm.journey, integer, boolean) IS
	'the events of a journey in order, the first depth of them; without repeats the same event several times running is there once';

CREATE FUNCTION cjm.channel_path(journey cjm.journey, depth integer DEFAULT 16777216, repeats boolean DEFAULT true) RETURNS text[]
	AS 'MODULE_PATHNAME', 'journey_channel_path'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm.channel_path(cjm.journey, integer, boolean) IS
	'the channels of a journey in order, the first depth of them, of the touchpoints that have one; without repeats the same channel several times running is there once';

CREATE FUNCTION cjm.transitions(
	journey cjm.journey,
	by text DEFAULT 'event',
	depth integer DEFAULT 16777216,
	repeats boolean DEFAULT true)
	RETURNS TABLE ("position" integer, source text, target text, occurrence bigint)
	AS 'MODULE_PATHNAME', 'journey_transitions'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 10;
COMMENT ON FUNCTION cjm.transitions(cjm.journey, text, integer, boolean) IS
'a row for each event (by: event) or channel (by: channel) on the path of a journey, and what came next.
position: from 1, less than depth; source, target: the event and the one after it, NULL where the journey ends
occurrence: how often this pair has been met in the journey so far, this time included
repeats: false for the same several times running to count as one';
-- Stage enums and the helpers that know the order of any enum.

CREATE TYPE cjm.aida AS ENUM ('attention', 'interest', 'desire', 'action');

COMMENT ON TYPE cjm.aida IS 'stages of the AIDA model, from attention to action';

CREATE TYPE cjm.lifecycle AS ENUM ('awareness', 'consideration', 'purchase', 'retention', 'advocacy');

COMMENT ON TYPE cjm.lifecycle IS 'stages of the customer life cycle, from awareness to advocacy';

CREATE TYPE cjm.buyer_journey AS ENUM (
	'unaware', 'problem', 'research', 'solution_choice', 'vendor_search', 'vendor_check',
	'trial', 'deal', 'use', 'repeat_purchase', 'loyalty'
);

COMMENT ON TYPE cjm.buyer_journey IS 'stages of a considered purchase, from unaware of the problem to loyalty; a refusal, which may come at any stage, is none of them';

CREATE FUNCTION cjm.stage_number(stage anyenum)
RETURNS integer
AS 'MODULE_PATHNAME', 'stage_number'
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1;

COMMENT ON FUNCTION cjm.stage_number(anyenum) IS 'place of a value in the order of its enum type, from 1';

CREATE FUNCTION cjm.next_stage(stage anyenum)
RETURNS anyenum
AS 'MODULE_PATHNAME', 'next_stage'
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1;

COMMENT ON FUNCTION cjm.next_stage(anyenum) IS 'value after this one in its enum type; null after the last';

CREATE FUNCTION cjm.previous_stage(stage anyenum)
RETURNS anyenum
AS 'MODULE_PATHNAME', 'previous_stage'
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1;

COMMENT ON FUNCTION cjm.previous_stage(anyenum) IS 'value before this one in its enum type; null before the first';
-- The type funnel: a definition of stages and rules.

CREATE TYPE cjm.funnel;

CREATE FUNCTION cjm_internal.funnel_in(input cstring)
RETURNS cjm.funnel
AS 'MODULE_PATHNAME', 'funnel_in'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;

COMMENT ON FUNCTION cjm_internal.funnel_in(cstring) IS 'input of type funnel';

CREATE FUNCTION cjm_internal.funnel_out(value cjm.funnel)
RETURNS cstring
AS 'MODULE_PATHNAME', 'funnel_out'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 6;

COMMENT ON FUNCTION cjm_internal.funnel_out(cjm.funnel) IS 'output of type funnel: its canonical text';

CREATE FUNCTION cjm_internal.funnel_recv(input internal)
RETURNS cjm.funnel
AS 'MODULE_PATHNAME', 'funnel_recv'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;

COMMENT ON FUNCTION cjm_internal.funnel_recv(internal) IS 'binary input of type funnel';

CREATE FUNCTION cjm_internal.funnel_send(value cjm.funnel)
RETURNS bytea
AS 'MODULE_PATHNAME', 'funnel_send'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 6;

COMMENT ON FUNCTION cjm_internal.funnel_send(cjm.funnel) IS 'binary output of type funnel';

CREATE TYPE cjm.funnel (
	INPUT = cjm_internal.funnel_in,
	OUTPUT = cjm_internal.funnel_out,
	RECEIVE = cjm_internal.funnel_recv,
	SEND = cjm_internal.funnel_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = extended
);

COMMENT ON TYPE cjm.funnel IS
	'funnel definition: stages in order, with rules, such as ''view -> cart -> purchase within 7 days''';

CREATE FUNCTION cjm.funnel_from_stages(stages anyenum)
RETURNS cjm.funnel
AS 'MODULE_PATHNAME', 'funnel_from_stages'
LANGUAGE C STABLE PARALLEL SAFE COST 30;

COMMENT ON FUNCTION cjm.funnel_from_stages(anyenum) IS
	'funnel of the labels of an enum type in order; only the type of the argument matters: NULL::cjm.aida';

-- Not STRICT: of the first argument only the type matters, and a NULL at an end leaves it open.
CREATE FUNCTION cjm.funnel_from_stages(stages anyenum, from_stage anyenum, to_stage anyenum)
RETURNS cjm.funnel
AS 'MODULE_PATHNAME', 'funnel_from_stages'
LANGUAGE C STABLE PARALLEL SAFE COST 30;

COMMENT ON FUNCTION cjm.funnel_from_stages(anyenum, anyenum, anyenum) IS
	'funnel of the labels of an enum type from from_stage to to_stage, both included, NULL for an open end; of the first argument only the type matters: NULL::cjm.aida';

-- A definition that is a string, of a table of definitions or from a driver that sends strings, is one where a funnel is wanted.

CREATE CAST (text AS cjm.funnel) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (text AS cjm.funnel) IS 'the funnel that a text defines';

CREATE CAST (varchar AS cjm.funnel) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (varchar AS cjm.funnel) IS 'the funnel that a text defines';

-- Comparison is of the canonical bytes: equal definitions are equal, the order is for sorting only.

CREATE FUNCTION cjm.funnel_eq(a cjm.funnel, b cjm.funnel)
RETURNS boolean
AS 'MODULE_PATHNAME', 'funnel_eq'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;

COMMENT ON FUNCTION cjm.funnel_eq(cjm.funnel, cjm.funnel) IS 'implementation of = operator';

CREATE FUNCTION cjm.funnel_ne(a cjm.funnel, b cjm.funnel)
RETURNS boolean
AS 'MODULE_PATHNAME', 'funnel_ne'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;

COMMENT ON FUNCTION cjm.funnel_ne(cjm.funnel, cjm.funnel) IS 'implementation of <> operator';

CREATE FUNCTION cjm.funnel_lt(a cjm.funnel, b cjm.funnel)
RETURNS boolean
AS 'MODULE_PATHNAME', 'funnel_lt'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;

COMMENT ON FUNCTION cjm.funnel_lt(cjm.funnel, cjm.funnel) IS 'implementation of < operator';

CREATE FUNCTION cjm.funnel_le(a cjm.funnel, b cjm.funnel)
RETURNS boolean
AS 'MODULE_PATHNAME', 'funnel_le'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;

COMMENT ON FUNCTION cjm.funnel_le(cjm.funnel, cjm.funnel) IS 'implementation of <= operator';

CREATE FUNCTION cjm.funnel_gt(a cjm.funnel, b cjm.funnel)
RETURNS boolean
AS 'MODULE_PATHNAME', 'funnel_gt'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;

COMMENT ON FUNCTION cjm.funnel_gt(cjm.funnel, cjm.funnel) IS 'implementation of > operator';

CREATE FUNCTION cjm.funnel_ge(a cjm.funnel, b cjm.funnel)
RETURNS boolean
AS 'MODULE_PATHNAME', 'funnel_ge'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;

COMMENT ON FUNCTION cjm.funnel_ge(cjm.funnel, cjm.funnel) IS 'implementation of >= operator';

CREATE FUNCTION cjm_internal.funnel_cmp(a cjm.funnel, b cjm.funnel)
RETURNS integer
AS 'MODULE_PATHNAME', 'funnel_cmp'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;

COMMENT ON FUNCTION cjm_internal.funnel_cmp(cjm.funnel, cjm.funnel) IS 'less-equal-greater: -1, 0 or 1';

CREATE FUNCTION cjm_internal.funnel_hash(value cjm.funnel)
RETURNS integer
AS 'MODULE_PATHNAME', 'funnel_hash'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;

COMMENT ON FUNCTION cjm_internal.funnel_hash(cjm.funnel) IS 'hash';

CREATE FUNCTION cjm_internal.funnel_hash_extended(value cjm.funnel, seed bigint)
RETURNS bigint
AS 'MODULE_PATHNAME', 'funnel_hash_extended'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;

COMMENT ON FUNCTION cjm_internal.funnel_hash_extended(cjm.funnel, bigint) IS 'hash with a seed';

CREATE OPERATOR cjm.= (
	LEFTARG = cjm.funnel,
	RIGHTARG = cjm.funnel,
	FUNCTION = cjm.funnel_eq,
	COMMUTATOR = OPERATOR(cjm.=),
	NEGATOR = OPERATOR(cjm.<>),
	RESTRICT = eqsel,
	JOIN = eqjoinsel,
	HASHES,
	MERGES
);

COMMENT ON OPERATOR cjm.= (cjm.funnel, cjm.funnel) IS 'equal';

CREATE OPERATOR cjm.<> (
	LEFTARG = cjm.funnel,
	RIGHTARG = cjm.funnel,
	FUNCTION = cjm.funnel_ne,
	COMMUTATOR = OPERATOR(cjm.<>),
	NEGATOR = OPERATOR(cjm.=),
	RESTRICT = neqsel,
	JOIN = neqjoinsel
);

COMMENT ON OPERATOR cjm.<> (cjm.funnel, cjm.funnel) IS 'not equal';

CREATE OPERATOR cjm.< (
	LEFTARG = cjm.funnel,
	RIGHTARG = cjm.funnel,
	FUNCTION = cjm.funnel_lt,
	COMMUTATOR = OPERATOR(cjm.>),
	NEGATOR = OPERATOR(cjm.>=),
	RESTRICT = scalarltsel,
	JOIN = scalarltjoinsel
);

COMMENT ON OPERATOR cjm.< (cjm.funnel, cjm.funnel) IS 'less than';

CREATE OPERATOR cjm.<= (
	LEFTARG = cjm.funnel,
	RIGHTARG = cjm.funnel,
	FUNCTION = cjm.funnel_le,
	COMMUTATOR = OPERATOR(cjm.>=),
	NEGATOR = OPERATOR(cjm.>),
	RESTRICT = scalarlesel,
	JOIN = scalarlejoinsel
);

COMMENT ON OPERATOR cjm.<= (cjm.funnel, cjm.funnel) IS 'less than or equal';

CREATE OPERATOR cjm.> (
	LEFTARG = cjm.funnel,
	RIGHTARG = cjm.funnel,
	FUNCTION = cjm.funnel_gt,
	COMMUTATOR = OPERATOR(cjm.<),
	NEGATOR = OPERATOR(cjm.<=),
	RESTRICT = scalargtsel,
	JOIN = scalargtjoinsel
);

COMMENT ON OPERATOR cjm.> (cjm.funnel, cjm.funnel) IS 'greater than';

CREATE OPERATOR cjm.>= (
	LEFTARG = cjm.funnel,
	RIGHTARG = cjm.funnel,
	FUNCTION = cjm.funnel_ge,
	COMMUTATOR = OPERATOR(cjm.<=),
	NEGATOR = OPERATOR(cjm.<),
	RESTRICT = scalargesel,
	JOIN = scalargejoinsel
);

COMMENT ON OPERATOR cjm.>= (cjm.funnel, cjm.funnel) IS 'greater than or equal';

CREATE OPERATOR CLASS cjm.funnel_ops
	DEFAULT FOR TYPE cjm.funnel USING btree AS
	OPERATOR 1 cjm.<,
	OPERATOR 2 cjm.<=,
	OPERATOR 3 cjm.=,
	OPERATOR 4 cjm.>=,
	OPERATOR 5 cjm.>,
	FUNCTION 1 cjm_internal.funnel_cmp(cjm.funnel, cjm.funnel),
	FUNCTION 4 btequalimage(oid);

COMMENT ON OPERATOR CLASS cjm.funnel_ops USING btree IS 'order of funnels by their canonical bytes';
COMMENT ON OPERATOR FAMILY cjm.funnel_ops USING btree IS 'order of funnels by their canonical bytes';

CREATE OPERATOR CLASS cjm.funnel_ops
	DEFAULT FOR TYPE cjm.funnel USING hash AS
	OPERATOR 1 cjm.=,
	FUNCTION 1 cjm_internal.funnel_hash(cjm.funnel),
	FUNCTION 2 cjm_internal.funnel_hash_extended(cjm.funnel, bigint);

COMMENT ON OPERATOR CLASS cjm.funnel_ops USING hash IS 'hash of funnels by their canonical bytes';
COMMENT ON OPERATOR FAMILY cjm.funnel_ops USING hash IS 'hash of funnels by their canonical bytes';
--
-- journey_literal, funnel_literal, tstzrange_literal: what a literal is that has no type yet
--
-- Where functions of one name take different types at the place of an untyped literal or parameter, PostgreSQL chooses the one
-- that takes a string there, and of several the one that takes a string type which is preferred; if none takes a string it gives
-- up.  So such a name has one more function, of these types.  Nothing is cast to them by itself, so no call with a type anywhere
-- in their places can mean it.
--

CREATE TYPE cjm_internal.journey_literal;

CREATE FUNCTION cjm_internal.journey_literal_in(cstring) RETURNS cjm_internal.journey_literal
	AS 'MODULE_PATHNAME', 'journey_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.journey_literal_in(cstring) IS 'text input of journey_literal';

CREATE FUNCTION cjm_internal.journey_literal_out(cjm_internal.journey_literal) RETURNS cstring
	AS 'MODULE_PATHNAME', 'journey_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.journey_literal_out(cjm_internal.journey_literal) IS 'text output of journey_literal';

CREATE FUNCTION cjm_internal.journey_literal_recv(internal) RETURNS cjm_internal.journey_literal
	AS 'MODULE_PATHNAME', 'journey_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.journey_literal_recv(internal) IS 'binary input of journey_literal';

CREATE FUNCTION cjm_internal.journey_literal_send(cjm_internal.journey_literal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'journey_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm_internal.journey_literal_send(cjm_internal.journey_literal) IS 'binary output of journey_literal';

CREATE TYPE cjm_internal.journey_literal (
	INPUT = cjm_internal.journey_literal_in,
	OUTPUT = cjm_internal.journey_literal_out,
	RECEIVE = cjm_internal.journey_literal_recv,
	SEND = cjm_internal.journey_literal_send,
	LIKE = cjm.journey,
	CATEGORY = 'S',
	PREFERRED = true
);
COMMENT ON TYPE cjm_internal.journey_literal IS 'a journey that is an untyped literal or parameter; for the choice between functions, not for columns';

CREATE TYPE cjm_internal.funnel_literal;

CREATE FUNCTION cjm_internal.funnel_literal_in(cstring) RETURNS cjm_internal.funnel_literal
	AS 'MODULE_PATHNAME', 'funnel_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm_internal.funnel_literal_in(cstring) IS 'text input of funnel_literal';

CREATE FUNCTION cjm_internal.funnel_literal_out(cjm_internal.funnel_literal) RETURNS cstring
	AS 'MODULE_PATHNAME', 'funnel_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 6;
COMMENT ON FUNCTION cjm_internal.funnel_literal_out(cjm_internal.funnel_literal) IS 'text output of funnel_literal';

CREATE FUNCTION cjm_internal.funnel_literal_recv(internal) RETURNS cjm_internal.funnel_literal
	AS 'MODULE_PATHNAME', 'funnel_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm_internal.funnel_literal_recv(internal) IS 'binary input of funnel_literal';

CREATE FUNCTION cjm_internal.funnel_literal_send(cjm_internal.funnel_literal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'funnel_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 6;
COMMENT ON FUNCTION cjm_internal.funnel_literal_send(cjm_internal.funnel_literal) IS 'binary output of funnel_literal';

CREATE TYPE cjm_internal.funnel_literal (
	INPUT = cjm_internal.funnel_literal_in,
	OUTPUT = cjm_internal.funnel_literal_out,
	RECEIVE = cjm_internal.funnel_literal_recv,
	SEND = cjm_internal.funnel_literal_send,
	LIKE = cjm.funnel,
	CATEGORY = 'S',
	PREFERRED = true
);
COMMENT ON TYPE cjm_internal.funnel_literal IS 'a funnel that is an untyped literal or parameter; for the choice between functions, not for columns';

-- STABLE, as the input and output of tstzrange are.
CREATE TYPE cjm_internal.tstzrange_literal;

CREATE FUNCTION cjm_internal.tstzrange_literal_in(cstring) RETURNS cjm_internal.tstzrange_literal
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.tstzrange_literal_in(cstring) IS 'text input of tstzrange_literal';

CREATE FUNCTION cjm_internal.tstzrange_literal_out(cjm_internal.tstzrange_literal) RETURNS cstring
	AS 'range_out' LANGUAGE internal STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.tstzrange_literal_out(cjm_internal.tstzrange_literal) IS 'text output of tstzrange_literal';

CREATE FUNCTION cjm_internal.tstzrange_literal_recv(internal) RETURNS cjm_internal.tstzrange_literal
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.tstzrange_literal_recv(internal) IS 'binary input of tstzrange_literal';

CREATE FUNCTION cjm_internal.tstzrange_literal_send(cjm_internal.tstzrange_literal) RETURNS bytea
	AS 'range_send' LANGUAGE internal STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.tstzrange_literal_send(cjm_internal.tstzrange_literal) IS 'binary output of tstzrange_literal';

CREATE TYPE cjm_internal.tstzrange_literal (
	INPUT = cjm_internal.tstzrange_literal_in,
	OUTPUT = cjm_internal.tstzrange_literal_out,
	RECEIVE = cjm_internal.tstzrange_literal_recv,
	SEND = cjm_internal.tstzrange_literal_send,
	LIKE = tstzrange,
	CATEGORY = 'S',
	PREFERRED = true
);
COMMENT ON TYPE cjm_internal.tstzrange_literal IS 'an entry range that is an untyped literal or parameter; for the choice between functions, not for columns';
--
-- funnel_step, funnel_times, conversions: how far one customer came in a funnel, when, and how often
--

CREATE FUNCTION cjm.funnel_step(journey cjm.journey, funnel cjm.funnel) RETURNS integer
	AS 'MODULE_PATHNAME', 'journey_funnel_step'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm.funnel_step(cjm.journey, cjm.funnel) IS
	'the highest step that a walk through the funnel ends with, 0 for none';

CREATE FUNCTION cjm.funnel_step(journey cjm.journey, funnel cjm.funnel, entered tstzrange) RETURNS integer
	AS 'MODULE_PATHNAME', 'journey_funnel_step'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm.funnel_step(cjm.journey, cjm.funnel, tstzrange) IS
	'the highest step that a walk whose first touchpoint lies in the range ends with, 0 for none';

-- Of three arguments without a type, since the window function of this name has as many.
CREATE FUNCTION cjm.funnel_step(
	journey cjm_internal.journey_literal,
	funnel cjm_internal.funnel_literal,
	entered cjm_internal.tstzrange_literal) RETURNS integer
	AS 'MODULE_PATHNAME', 'journey_funnel_step'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm.funnel_step(cjm_internal.journey_literal, cjm_internal.funnel_literal, cjm_internal.tstzrange_literal) IS
	'the same of literals or parameters without a type';

CREATE FUNCTION cjm.funnel_times(journey cjm.journey, funnel cjm.funnel) RETURNS timestamptz[]
	AS 'MODULE_PATHNAME', 'journey_funnel_times'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 25;
COMMENT ON FUNCTION cjm.funnel_times(cjm.journey, cjm.funnel) IS
	'the time at which the winning walk passed each stage, NULL for a stage that it did not pass';

CREATE FUNCTION cjm.funnel_times(journey cjm.journey, funnel cjm.funnel, entered tstzrange) RETURNS timestamptz[]
	AS 'MODULE_PATHNAME', 'journey_funnel_times'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 25;
COMMENT ON FUNCTION cjm.funnel_times(cjm.journey, cjm.funnel, tstzrange) IS
	'as funnel_times(journey, funnel), for walks whose first touchpoint lies in the range';

CREATE FUNCTION cjm.conversions(journey cjm.journey, funnel cjm.funnel) RETURNS bigint
	AS 'MODULE_PATHNAME', 'journey_conversions'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 30;
COMMENT ON FUNCTION cjm.conversions(cjm.journey, cjm.funnel) IS
	'how often the funnel was completed: the earliest completion, then on with the touchpoints at or after its time that it did not use';

CREATE FUNCTION cjm.conversions(journey cjm.journey, funnel cjm.funnel, entered tstzrange) RETURNS bigint
	AS 'MODULE_PATHNAME', 'journey_conversions'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 30;
COMMENT ON FUNCTION cjm.conversions(cjm.journey, cjm.funnel, tstzrange) IS
	'as conversions(journey, funnel), by walks whose first touchpoint lies in the range';

CREATE FUNCTION cjm.entry_buckets(
	journey cjm.journey,
	funnel cjm.funnel,
	bucket text,
	time_zone text DEFAULT current_setting('TimeZone'))
	RETURNS SETOF tstzrange
	AS 'MODULE_PATHNAME', 'journey_entry_buckets'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50 ROWS 3;
COMMENT ON FUNCTION cjm.entry_buckets(cjm.journey, cjm.funnel, text, text) IS
	'the hours, days, weeks (ISO), months, quarters or years of a time zone in which a walk through the funnel can begin; each is an entry range for funnel_step, funnel_times, conversions and funnel_agg';
--
-- funnel_lapse: how far a customer had come when first staying away
--

CREATE FUNCTION cjm.funnel_lapse(
	journey cjm.journey,
	funnel cjm.funnel,
	away interval,
	OUT step integer,
	OUT left_at timestamptz,
	OUT back_at timestamptz,
	OUT final_step integer)
	AS 'MODULE_PATHNAME', 'journey_funnel_lapse'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm.funnel_lapse(cjm.journey, cjm.funnel, interval) IS
'the first time that a customer who had begun a funnel had no touchpoint for longer than away, or none any more; NULL if it was never begun.
step: how far the customer had come until then; left_at: the last touchpoint before; back_at: the next one, or NULL
final_step: how far the customer came at all';
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
--
-- entry_channel: the channel through which a customer came into a funnel
--

CREATE FUNCTION cjm.entry_channel(journey cjm.journey, funnel cjm.funnel) RETURNS text
	AS 'MODULE_PATHNAME', 'journey_entry_channel'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 25;
COMMENT ON FUNCTION cjm.entry_channel(cjm.journey, cjm.funnel) IS
	'the channel of the first touchpoint of the winning walk, or NULL; of several that could be it, at one time, the smallest';

CREATE FUNCTION cjm.entry_channel(journey cjm.journey, funnel cjm.funnel, entered tstzrange) RETURNS text
	AS 'MODULE_PATHNAME', 'journey_entry_channel'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 25;
COMMENT ON FUNCTION cjm.entry_channel(cjm.journey, cjm.funnel, tstzrange) IS
	'as entry_channel(journey, funnel), for walks whose first touchpoint lies in the range';
--
-- funnel_refused: when a customer said no
--

CREATE FUNCTION cjm.funnel_refused(journey cjm.journey, funnel cjm.funnel, refusal cjm.funnel, now timestamptz) RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'journey_funnel_refused'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm.funnel_refused(cjm.journey, cjm.funnel, cjm.funnel, timestamptz) IS
'when a customer who has begun the funnel and not completed it said no; NULL of all others.
refusal: the events that say no, a funnel of one stage, such as ''refusal | cancel''
It is the first of them at or after the beginning of the winning walk; NULL, too, if a walk that began after the last one could still go on at the time given or later: then the customer has come back, and is open';

CREATE FUNCTION cjm.funnel_refused(journey cjm.journey, funnel cjm.funnel, refusal cjm.funnel, now timestamptz, entered tstzrange) RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'journey_funnel_refused'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm.funnel_refused(cjm.journey, cjm.funnel, cjm.funnel, timestamptz, tstzrange) IS
	'as funnel_refused(journey, funnel, funnel, timestamptz), for walks whose first touchpoint lies in the range';
--
-- funnel_stages, funnel_within: what a funnel consists of
--

CREATE FUNCTION cjm.funnel_stages(funnel cjm.funnel)
	RETURNS TABLE (step integer, stage text, optional boolean, event text, channel text, gap interval)
	AS 'MODULE_PATHNAME', 'funnel_stages'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 5;
COMMENT ON FUNCTION cjm.funnel_stages(cjm.funnel) IS
	'a row for each event of each stage, and for each excluded event, without a step; no event or no channel: any';

CREATE FUNCTION cjm.funnel_within(funnel cjm.funnel) RETURNS interval
	AS 'MODULE_PATHNAME', 'funnel_within'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2;
COMMENT ON FUNCTION cjm.funnel_within(cjm.funnel) IS 'the time limit of a funnel from its first step to its last, in days of 24 hours; NULL where it has none';
--
-- stage_touches, funnel_exposures: what a customer met on the way through a funnel
--

CREATE FUNCTION cjm.stage_touches(
	journey cjm.journey,
	funnel cjm.funnel,
	by text DEFAULT 'event',
	entered tstzrange DEFAULT '(,)')
	RETURNS TABLE (step integer, label text, touches bigint, first_seen timestamptz, last_seen timestamptz, reached_at timestamptz,
		met_after float8, went_on boolean, went_on_after float8, stayed float8)
	AS 'MODULE_PATHNAME', 'journey_stage_touches'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 150 ROWS 10;
COMMENT ON FUNCTION cjm.stage_touches(cjm.journey, cjm.funnel, text, tstzrange) IS
'what a customer met at each stage, and before the first one: a row for each stage, without a label, and one for each event (by: event) or channel (by: channel) there.
A customer stands at the deepest stage that a walk so far has ended with, from the time it was reached until a deeper one is.
step: 0 before the first stage; label: the event or channel, NULL in the row of the stage; touches, first_seen, last_seen: touchpoints there
reached_at: when the stage was reached, or the first touchpoint of all
met_after: seconds from then to the first touchpoint with the label
went_on, went_on_after: whether the next mandatory stage was reached, NULL where there is none, and how many seconds after this one
stayed: seconds from then to any deeper stage, NULL if none was reached
entered: only walks whose first touchpoint lies in the range';

CREATE FUNCTION cjm.funnel_exposures(
	journey cjm.journey,
	funnel cjm.funnel,
	entered tstzrange DEFAULT '(,)')
	RETURNS TABLE (kind text, label text, step integer, met_after float8, stayed float8, converted boolean, began_at timestamptz,
		reached_at timestamptz, seconds float8)
	AS 'MODULE_PATHNAME', 'journey_funnel_exposures'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 150 ROWS 10;
COMMENT ON FUNCTION cjm.funnel_exposures(cjm.journey, cjm.funnel, tstzrange) IS
'of a customer who began the funnel: when they met something first, and whom they can be compared with. A row for the customer, one for each stay at a stage until the funnel was first completed,
and of each event and channel met by then one for the stay in which it was met first and one for each later stay.
kind, label: event or channel, and which; both NULL in the rows of the customer and of stays. Touchpoints that match a stage after the first, or what the funnel excludes, are left out
step, reached_at: the stage, 0 before the first one, and when it was reached, or the first touchpoint of all; NULL in the row of the customer. A stage that was left as soon as it was reached is no stay
met_after: seconds from then to the first touchpoint with the label; NULL in later stays
stayed: seconds from then to a deeper stage; NULL if none was reached
converted: whether the funnel was completed; began_at: when the first stage was first reached; seconds: in the row of the customer, from then to the completion
entered: only walks whose first touchpoint lies in the range';
--
-- purchases, purchase_stats: what a customer bought
--

CREATE FUNCTION cjm.purchases(
	journey cjm.journey,
	funnel cjm.funnel,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity')
	RETURNS TABLE (number bigint, at timestamptz, value float8, since interval)
	AS 'MODULE_PATHNAME', 'journey_purchases'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 3;
COMMENT ON FUNCTION cjm.purchases(cjm.journey, cjm.funnel, timestamptz, timestamptz) IS
'a row for each purchase from from_time, included, to to_time, excluded, in time order; a purchase is a touchpoint of the last stage of the funnel that is not optional, whatever came before it.
number: from 1, NULL for a refund: a touchpoint of that stage whose value is negative; since: time from the purchase before, NULL for the first and for a refund';

CREATE FUNCTION cjm.purchases(
	journey cjm.journey,
	funnel cjm.funnel,
	from_time timestamptz,
	to_time timestamptz,
	refunds cjm.funnel)
	RETURNS TABLE (number bigint, at timestamptz, value float8, since interval)
	AS 'MODULE_PATHNAME', 'journey_purchases'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 3;
COMMENT ON FUNCTION cjm.purchases(cjm.journey, cjm.funnel, timestamptz, timestamptz, cjm.funnel) IS
	'the same, and a refund is, too, a touchpoint with a negative value that matches another funnel: what may be refunded by events that are no purchase';

CREATE FUNCTION cjm.purchase_stats(
	journey cjm.journey,
	funnel cjm.funnel,
	OUT purchase_count bigint,
	OUT last_at timestamptz,
	OUT total_value float8,
	OUT gross_value float8)
	AS 'MODULE_PATHNAME', 'journey_purchase_stats'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm.purchase_stats(cjm.journey, cjm.funnel) IS
	'the purchases of a journey in one row: how many, when the last, what they were worth less what was refunded, and without taking that off; NULL where none has a value';

CREATE FUNCTION cjm.purchase_stats(
	journey cjm.journey,
	funnel cjm.funnel,
	refunds cjm.funnel,
	OUT purchase_count bigint,
	OUT last_at timestamptz,
	OUT total_value float8,
	OUT gross_value float8)
	AS 'MODULE_PATHNAME', 'journey_purchase_stats'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm.purchase_stats(cjm.journey, cjm.funnel, cjm.funnel) IS
	'the same, where a touchpoint with a negative value that matches another funnel is a refund, too';
--
-- only_visits: the touchpoints of visits
--

CREATE FUNCTION cjm.only_visits(journey cjm.journey, visit cjm.funnel, gap interval DEFAULT '30 minutes') RETURNS cjm.journey
	AS 'MODULE_PATHNAME', 'journey_only_visits'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm.only_visits(cjm.journey, cjm.funnel, interval) IS
'the journey without what is no part of a visit: its sessions are the visits.
visit: the events that are a visit, a funnel of one stage, such as ''visit | view''; gap: what is longer ends a session
Each session begins with its first touchpoint of these, or at its time; what comes before that is left out, what comes after it stays, without its channel unless it is one of them';
-- The type funnel_stats: what customers did in one funnel.

CREATE TYPE cjm.funnel_stats;

CREATE FUNCTION cjm_internal.funnel_stats_in(input cstring)
RETURNS cjm.funnel_stats
AS 'MODULE_PATHNAME', 'funnel_stats_in'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 500;

COMMENT ON FUNCTION cjm_internal.funnel_stats_in(cstring) IS 'input of type funnel_stats: JSON, or a funnel definition for empty statistics';

CREATE FUNCTION cjm_internal.funnel_stats_out(value cjm.funnel_stats)
RETURNS cstring
AS 'MODULE_PATHNAME', 'funnel_stats_out'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200;

COMMENT ON FUNCTION cjm_internal.funnel_stats_out(cjm.funnel_stats) IS 'output of type funnel_stats: JSON, exact';

CREATE FUNCTION cjm_internal.funnel_stats_recv(input internal)
RETURNS cjm.funnel_stats
AS 'MODULE_PATHNAME', 'funnel_stats_recv'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;

COMMENT ON FUNCTION cjm_internal.funnel_stats_recv(internal) IS 'binary input of type funnel_stats';

CREATE FUNCTION cjm_internal.funnel_stats_send(value cjm.funnel_stats)
RETURNS bytea
AS 'MODULE_PATHNAME', 'funnel_stats_send'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;

COMMENT ON FUNCTION cjm_internal.funnel_stats_send(cjm.funnel_stats) IS 'binary output of type funnel_stats';

CREATE TYPE cjm.funnel_stats (
	INPUT = cjm_internal.funnel_stats_in,
	OUTPUT = cjm_internal.funnel_stats_out,
	RECEIVE = cjm_internal.funnel_stats_recv,
	SEND = cjm_internal.funnel_stats_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = extended
);

COMMENT ON TYPE cjm.funnel_stats IS
	'what customers did in one funnel: customers seen, customers per step, times from step to step and from the first; it knows its funnel';

CREATE FUNCTION cjm.funnel_stats(funnel cjm.funnel)
RETURNS cjm.funnel_stats
AS 'MODULE_PATHNAME', 'funnel_stats_empty'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;

COMMENT ON FUNCTION cjm.funnel_stats(cjm.funnel) IS 'statistics of a funnel that nobody was seen in yet';

CREATE FUNCTION cjm.funnel_stats_to_jsonb(value cjm.funnel_stats)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'funnel_stats_to_jsonb'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 500;

COMMENT ON FUNCTION cjm.funnel_stats_to_jsonb(cjm.funnel_stats) IS
	'statistics as {"funnel", "customers", "steps": [{"stage", "customers", "time": {"sum", "buckets": [[shortest duration, customers]]}, "total"}]}, in microseconds, exact';

CREATE FUNCTION cjm.funnel_stats_from_jsonb(value jsonb)
RETURNS cjm.funnel_stats
AS 'MODULE_PATHNAME', 'funnel_stats_from_jsonb'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 500;

COMMENT ON FUNCTION cjm.funnel_stats_from_jsonb(jsonb) IS
	'statistics from the JSON that funnel_stats_to_jsonb gives; the result is the same value';

CREATE CAST (cjm.funnel_stats AS jsonb) WITH FUNCTION cjm.funnel_stats_to_jsonb(cjm.funnel_stats) AS ASSIGNMENT;
COMMENT ON CAST (cjm.funnel_stats AS jsonb) IS 'statistics as JSON, exact';

CREATE CAST (jsonb AS cjm.funnel_stats) WITH FUNCTION cjm.funnel_stats_from_jsonb(jsonb) AS ASSIGNMENT;
COMMENT ON CAST (jsonb AS cjm.funnel_stats) IS 'statistics from JSON';

-- Equality is that of the stored bytes, which are canonical: no order.

CREATE FUNCTION cjm.funnel_stats_eq(a cjm.funnel_stats, b cjm.funnel_stats)
RETURNS boolean
AS 'MODULE_PATHNAME', 'funnel_stats_eq'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2;

COMMENT ON FUNCTION cjm.funnel_stats_eq(cjm.funnel_stats, cjm.funnel_stats) IS 'implementation of = operator';

CREATE FUNCTION cjm.funnel_stats_ne(a cjm.funnel_stats, b cjm.funnel_stats)
RETURNS boolean
AS 'MODULE_PATHNAME', 'funnel_stats_ne'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2;

COMMENT ON FUNCTION cjm.funnel_stats_ne(cjm.funnel_stats, cjm.funnel_stats) IS 'implementation of <> operator';

CREATE FUNCTION cjm_internal.funnel_stats_hash(value cjm.funnel_stats)
RETURNS integer
AS 'MODULE_PATHNAME', 'funnel_stats_hash'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;

COMMENT ON FUNCTION cjm_internal.funnel_stats_hash(cjm.funnel_stats) IS 'hash';

CREATE FUNCTION cjm_internal.funnel_stats_hash_extended(value cjm.funnel_stats, seed bigint)
RETURNS bigint
AS 'MODULE_PATHNAME', 'funnel_stats_hash_extended'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;

COMMENT ON FUNCTION cjm_internal.funnel_stats_hash_extended(cjm.funnel_stats, bigint) IS 'hash with a seed';

CREATE OPERATOR cjm.= (
	LEFTARG = cjm.funnel_stats,
	RIGHTARG = cjm.funnel_stats,
	FUNCTION = cjm.funnel_stats_eq,
	COMMUTATOR = OPERATOR(cjm.=),
	NEGATOR = OPERATOR(cjm.<>),
	RESTRICT = eqsel,
	JOIN = eqjoinsel,
	HASHES
);

COMMENT ON OPERATOR cjm.= (cjm.funnel_stats, cjm.funnel_stats) IS 'equal';

CREATE OPERATOR cjm.<> (
	LEFTARG = cjm.funnel_stats,
	RIGHTARG = cjm.funnel_stats,
	FUNCTION = cjm.funnel_stats_ne,
	COMMUTATOR = OPERATOR(cjm.<>),
	NEGATOR = OPERATOR(cjm.=),
	RESTRICT = neqsel,
	JOIN = neqjoinsel
);

COMMENT ON OPERATOR cjm.<> (cjm.funnel_stats, cjm.funnel_stats) IS 'not equal';

CREATE OPERATOR CLASS cjm.funnel_stats_ops
	DEFAULT FOR TYPE cjm.funnel_stats USING hash AS
	OPERATOR 1 cjm.=,
	FUNCTION 1 cjm_internal.funnel_stats_hash(cjm.funnel_stats),
	FUNCTION 2 cjm_internal.funnel_stats_hash_extended(cjm.funnel_stats, bigint);

COMMENT ON OPERATOR CLASS cjm.funnel_stats_ops USING hash IS 'hash of statistics by their canonical bytes';
COMMENT ON OPERATOR FAMILY cjm.funnel_stats_ops USING hash IS 'hash of statistics by their canonical bytes';
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

CREATE AGGREGATE cjm.rollup(cjm.funnel_stats) (
	SFUNC = cjm.funnel_stats_combine,
	STYPE = cjm.funnel_stats,
	SSPACE = 2048,
	COMBINEFUNC = cjm.funnel_stats_combine,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE cjm.rollup(cjm.funnel_stats) IS
	'adds statistics of one funnel up; right only where no customer is in two of them, as with segments and never with days';
-- What statistics of a funnel say.

CREATE FUNCTION cjm.report(stats cjm.funnel_stats)
RETURNS TABLE (
	step integer,
	stage text,
	customers bigint,
	step_rate float8,
	overall_rate float8,
	dropped bigint,
	drop_rate float8,
	rate_low float8,
	rate_high float8,
	median_time interval,
	mean_time interval,
	p90_time interval,
	median_total interval,
	p90_total interval
)
AS 'MODULE_PATHNAME', 'funnel_stats_report'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 5;

COMMENT ON FUNCTION cjm.report(cjm.funnel_stats) IS
'a row for each step of a funnel.
step, stage: number from 1 and name; of an unordered funnel "2 of 3": customers who did at least two of the three stages
customers: those whose walk holds the stage
step_rate, overall_rate: share of the customers at the mandatory step before and at step 1, from 0 to 1; 1 at step 1, NULL of nobody
dropped, drop_rate: customers of this step who were not at the next mandatory one, and their share; NULL at the last and at an optional one.
Statistics know no time: who may yet go on or has refused has dropped here. The views and reports of maps count them apart, as open_customers and refused
rate_low, rate_high: 95 % Wilson interval of step_rate; NULL at step 1, where the rate is 1 by definition and no estimate
median_time, mean_time, p90_time: since the step before in the customer''s walk; NULL at step 1
median_total, p90_total: since step 1; NULL at step 1
Means are exact to the microsecond, medians (the lower one of an even number) and 90th percentiles to 1 %.';

CREATE FUNCTION cjm.time_histogram(stats cjm.funnel_stats, step integer)
RETURNS TABLE (low interval, high interval, customers bigint)
AS 'MODULE_PATHNAME', 'funnel_stats_time_histogram'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 10;

COMMENT ON FUNCTION cjm.time_histogram(cjm.funnel_stats, integer) IS
'how long customers took from the step before to this one: at least low, less than high; nothing for step 1.
The same moment has a row of its own; all others follow without a gap from the shortest to the longest.
Bounds are round; times that are less than 1/128 short of a bound may count above it.';

CREATE FUNCTION cjm.compare(
	a cjm.funnel_stats,
	b cjm.funnel_stats
)
RETURNS TABLE (
	step integer,
	stage text,
	rate_a float8,
	rate_b float8,
	difference float8,
	difference_low float8,
	difference_high float8,
	p_value float8,
	overall_a float8,
	overall_b float8,
	overall_difference float8,
	overall_low float8,
	overall_high float8,
	overall_p_value float8
)
AS 'MODULE_PATHNAME', 'funnel_stats_compare'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 5;

COMMENT ON FUNCTION cjm.compare(cjm.funnel_stats, cjm.funnel_stats) IS
'two groups of customers in one funnel, step by step.
rate_a, rate_b: share of the mandatory step before, as step_rate in report; overall_a, overall_b: of step 1
difference, overall_difference: b minus a, with the 95 % interval from low to high (Newcombe''s hybrid score)
p_value, overall_p_value: two-sided, of the pooled z-test
What is compared has to be equal but for what makes the groups: entry ranges of the same length, since a customer counts once a range with the best of all tries in it; the same age, so that both have had the time limit of their walks; and no customer in both
NULL at step 1, where there is no rate to compare, and where a group has nobody.';

CREATE FUNCTION cjm.compare(
	a cjm.funnel_stats,
	b cjm.funnel_stats,
	entered_a tstzrange,
	entered_b tstzrange
)
RETURNS TABLE (
	step integer,
	stage text,
	rate_a float8,
	rate_b float8,
	difference float8,
	difference_low float8,
	difference_high float8,
	p_value float8,
	overall_a float8,
	overall_b float8,
	overall_difference float8,
	overall_low float8,
	overall_high float8,
	overall_p_value float8
)
AS 'MODULE_PATHNAME', 'funnel_stats_compare'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 5;

COMMENT ON FUNCTION cjm.compare(cjm.funnel_stats, cjm.funnel_stats, tstzrange, tstzrange) IS
'as compare(funnel_stats, funnel_stats), of walks that began in these ranges; a NOTICE tells if the one is longer than the other by more than a twentieth.
A customer counts once in a range, with the best of all tries in it, so a longer range converts better';
-- funnel_agg straight from rows: the aggregate groups the customers itself.

CREATE FUNCTION cjm_internal.funnel_rows_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.funnel_rows_combine(internal, internal) IS 'combine function of the aggregates over rows of many customers';

CREATE FUNCTION cjm_internal.funnel_rows_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.funnel_rows_serialize(internal) IS 'serialization function of the aggregates over rows of many customers';

CREATE FUNCTION cjm_internal.funnel_rows_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.funnel_rows_deserialize(bytea, internal) IS 'deserialization function of the aggregates over rows of many customers';

CREATE FUNCTION cjm_internal.funnel_rows_final(internal) RETURNS cjm.funnel_stats
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.funnel_rows_final(internal) IS 'final function of funnel_agg from rows';

-- The transition function sees by the types of its arguments which aggregate it serves.  A customer is anycompatible, not
-- "any", since an untyped literal or parameter then is a text.

CREATE FUNCTION cjm_internal.funnel_rows_step(internal, customer anycompatible, at timestamptz, event text, "any") RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION cjm_internal.funnel_rows_step(internal, anycompatible, timestamptz, text, "any") IS
	'transition function of the aggregates over rows of many customers';

CREATE FUNCTION cjm_internal.funnel_rows_step(internal, customer anycompatible, at timestamptz, event text, "any", "any") RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION cjm_internal.funnel_rows_step(internal, anycompatible, timestamptz, text, "any", "any") IS
	'transition function of the aggregates over rows of many customers';

CREATE FUNCTION cjm_internal.funnel_rows_step(internal, customer anycompatible, at timestamptz, event text, "any", "any", "any") RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION cjm_internal.funnel_rows_step(internal, anycompatible, timestamptz, text, "any", "any", "any") IS
	'transition function of the aggregates over rows of many customers';

CREATE FUNCTION cjm_internal.funnel_rows_step(internal, customer anycompatible, at timestamptz, event text, "any", "any", "any", "any") RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION cjm_internal.funnel_rows_step(internal, anycompatible, timestamptz, text, "any", "any", "any", "any") IS
	'transition function of the aggregates over rows of many customers';

CREATE FUNCTION cjm_internal.funnel_rows_step(internal, customer anycompatible, at timestamptz, event text, "any", "any", "any", "any", "any") RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION cjm_internal.funnel_rows_step(internal, anycompatible, timestamptz, text, "any", "any", "any", "any", "any") IS
	'transition function of the aggregates over rows of many customers';

CREATE FUNCTION cjm_internal.funnel_rows_step(internal, customer anycompatible, at timestamptz, event text, "any", "any", "any", "any", "any", "any") RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;
COMMENT ON FUNCTION cjm_internal.funnel_rows_step(internal, anycompatible, timestamptz, text, "any", "any", "any", "any", "any", "any") IS
	'transition function of the aggregates over rows of many customers';

CREATE AGGREGATE cjm.funnel_agg(customer anycompatible, at timestamptz, event text, funnel cjm.funnel) (
	SFUNC = cjm_internal.funnel_rows_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg(anycompatible, timestamptz, text, cjm.funnel) IS
	'statistics of a funnel straight from event rows, whatever their order; a row without a customer, a time or an event is ignored; NULL for no rows';

CREATE AGGREGATE cjm.funnel_agg(customer anycompatible, at timestamptz, event text, channel text, funnel cjm.funnel) (
	SFUNC = cjm_internal.funnel_rows_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg(anycompatible, timestamptz, text, text, cjm.funnel) IS
	'statistics of a funnel straight from event rows, whatever their order; a row without a customer, a time or an event is ignored; NULL for no rows';

-- By walks that begin within a range of time.

CREATE AGGREGATE cjm.funnel_agg(customer anycompatible, at timestamptz, event text, funnel cjm.funnel, entered tstzrange) (
	SFUNC = cjm_internal.funnel_rows_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg(anycompatible, timestamptz, text, cjm.funnel, tstzrange) IS
	'statistics of a funnel straight from event rows, by walks whose first touchpoint lies in a range of time, the same in all rows; later touchpoints count whatever their date';

CREATE AGGREGATE cjm.funnel_agg(customer anycompatible, at timestamptz, event text, channel text, funnel cjm.funnel, entered tstzrange) (
	SFUNC = cjm_internal.funnel_rows_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg(anycompatible, timestamptz, text, text, cjm.funnel, tstzrange) IS
	'statistics of a funnel straight from event rows, by walks whose first touchpoint lies in a range of time, the same in all rows; later touchpoints count whatever their date';

-- Of five arguments the last two may be channel and funnel, or funnel and entry range: the latter if neither has a type.
CREATE AGGREGATE cjm.funnel_agg(customer anycompatible, at timestamptz, event text, funnel cjm_internal.funnel_literal, entered cjm_internal.tstzrange_literal) (
	SFUNC = cjm_internal.funnel_rows_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg(anycompatible, timestamptz, text, cjm_internal.funnel_literal, cjm_internal.tstzrange_literal) IS
	'the same for a funnel and a range that are literals or parameters without a type';
-- funnel_agg straight from rows, one answer for each value of a property at one touchpoint of the winning walk.

CREATE TYPE cjm.funnel_group AS (property text, stats cjm.funnel_stats);
COMMENT ON TYPE cjm.funnel_group IS 'statistics of the customers who have one value of a property; what funnel_agg_by returns an array of';
COMMENT ON COLUMN cjm.funnel_group.property IS 'the value; NULL for customers without one, and for those whose walk has no such touchpoint';
COMMENT ON COLUMN cjm.funnel_group.stats IS 'statistics of these customers';

CREATE FUNCTION cjm_internal.funnel_rows_by_final(internal) RETURNS cjm.funnel_group[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION cjm_internal.funnel_rows_by_final(internal) IS 'final function of funnel_agg_by';

CREATE AGGREGATE cjm.funnel_agg_by(customer anycompatible, at timestamptz, event text, property text, "position" text, funnel cjm.funnel) (
	SFUNC = cjm_internal.funnel_rows_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_by_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg_by(anycompatible, timestamptz, text, text, text, cjm.funnel) IS
	'statistics of a funnel by a property that the first or the last touchpoint of the winning walk has, or that at a given step, or the earliest at which any walk could begin: position is first, last, a number or earliest';

CREATE AGGREGATE cjm.funnel_agg_by(customer anycompatible, at timestamptz, event text, channel text, property text, "position" text, funnel cjm.funnel) (
	SFUNC = cjm_internal.funnel_rows_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_by_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg_by(anycompatible, timestamptz, text, text, text, text, cjm.funnel) IS
	'statistics of a funnel by a property that the first or the last touchpoint of the winning walk has, or that at a given step, or the earliest at which any walk could begin: position is first, last, a number or earliest';
-- funnel_agg straight from rows, one answer for each calendar period in which walks begin.

CREATE TYPE cjm.funnel_period AS (entered tstzrange, stats cjm.funnel_stats);
COMMENT ON TYPE cjm.funnel_period IS 'statistics of the customers of whom a walk begins in one period; what funnel_agg_by_entry returns an array of';
COMMENT ON COLUMN cjm.funnel_period.entered IS 'the period';
COMMENT ON COLUMN cjm.funnel_period.stats IS 'statistics of these customers, by the deepest walk begun in it';

CREATE FUNCTION cjm_internal.funnel_rows_by_entry_final(internal) RETURNS cjm.funnel_period[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION cjm_internal.funnel_rows_by_entry_final(internal) IS 'final function of funnel_agg_by_entry';

CREATE AGGREGATE cjm.funnel_agg_by_entry(customer anycompatible, at timestamptz, event text, funnel cjm.funnel, bucket text, time_zone text) (
	SFUNC = cjm_internal.funnel_rows_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_by_entry_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg_by_entry(anycompatible, timestamptz, text, cjm.funnel, text, text) IS
	'statistics of a funnel by the hour, day, week (ISO), month, quarter or year of a time zone in which walks begin; a customer counts in every period in which a walk of theirs begins';

CREATE AGGREGATE cjm.funnel_agg_by_entry(customer anycompatible, at timestamptz, event text, channel text, funnel cjm.funnel, bucket text, time_zone text) (
	SFUNC = cjm_internal.funnel_rows_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_by_entry_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg_by_entry(anycompatible, timestamptz, text, text, cjm.funnel, text, text) IS
	'statistics of a funnel by the hour, day, week (ISO), month, quarter or year of a time zone in which walks begin; a customer counts in every period in which a walk of theirs begins';

-- Periods know when their walks began.  No second function compare of two arguments, of which literals without a type could be either.
CREATE FUNCTION cjm.compare_periods(a cjm.funnel_period, b cjm.funnel_period)
	RETURNS TABLE (
		step integer,
		stage text,
		rate_a float8,
		rate_b float8,
		difference float8,
		difference_low float8,
		difference_high float8,
		p_value float8,
		overall_a float8,
		overall_b float8,
		overall_difference float8,
		overall_low float8,
		overall_high float8,
		overall_p_value float8
	)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 5
BEGIN ATOMIC
	SELECT c.* FROM cjm.compare((a).stats, (b).stats, (a).entered, (b).entered) c;
END;
COMMENT ON FUNCTION cjm.compare_periods(cjm.funnel_period, cjm.funnel_period) IS
	'two entry periods, as compare(funnel_stats, funnel_stats); a NOTICE tells if the one is longer than the other by more than a twentieth';
-- funnel_agg_by with periods: one answer for each value of a property and each calendar period in which walks begin.

CREATE TYPE cjm.funnel_group_period AS (property text, entered tstzrange, stats cjm.funnel_stats);
COMMENT ON TYPE cjm.funnel_group_period IS 'statistics of the customers who have one value of a property and of whom a walk begins in one period; what funnel_agg_by with a bucket returns an array of';
COMMENT ON COLUMN cjm.funnel_group_period.property IS 'the value; NULL for customers without one, and for those whose walk has no such touchpoint';
COMMENT ON COLUMN cjm.funnel_group_period.entered IS 'the period';
COMMENT ON COLUMN cjm.funnel_group_period.stats IS 'statistics of these customers, by the deepest walk begun in the period';

CREATE FUNCTION cjm_internal.funnel_rows_by_both_final(internal) RETURNS cjm.funnel_group_period[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION cjm_internal.funnel_rows_by_both_final(internal) IS 'final function of funnel_agg_by with periods';

CREATE AGGREGATE cjm.funnel_agg_by(customer anycompatible, at timestamptz, event text, property text, "position" text, funnel cjm.funnel, bucket text, time_zone text) (
	SFUNC = cjm_internal.funnel_rows_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_by_both_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg_by(anycompatible, timestamptz, text, text, text, cjm.funnel, text, text) IS
	'statistics of a funnel by a property, as funnel_agg_by without a bucket, and by the hour, day, week (ISO), month, quarter or year of a time zone in which walks begin, as funnel_agg_by_entry';

CREATE AGGREGATE cjm.funnel_agg_by(customer anycompatible, at timestamptz, event text, channel text, property text, "position" text, funnel cjm.funnel, bucket text, time_zone text) (
	SFUNC = cjm_internal.funnel_rows_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.funnel_rows_by_both_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.funnel_agg_by(anycompatible, timestamptz, text, text, text, text, cjm.funnel, text, text) IS
	'statistics of a funnel by a property, as funnel_agg_by without a bucket, and by the hour, day, week (ISO), month, quarter or year of a time zone in which walks begin, as funnel_agg_by_entry';
--
-- What the aggregates over (at, conditions) rows share: how their state travels between processes
--
-- Conditions are VARIADIC "any" and not VARIADIC boolean[]: for that PostgreSQL makes an array of them for every
-- row, which was a fifth of a query's time.  So it is the transition functions that see to it that they are boolean.
--

CREATE FUNCTION cjm_internal.condition_agg_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.condition_agg_serialize(internal) IS
	'serialization function of window_funnel and the sequence aggregates';

CREATE FUNCTION cjm_internal.condition_agg_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.condition_agg_deserialize(bytea, internal) IS
	'deserialization function of window_funnel and the sequence aggregates';
--
-- window_funnel: how far one customer came in a funnel of conditions, straight from rows
--

CREATE FUNCTION cjm_internal.window_funnel_step(internal, within interval, at timestamptz, VARIADIC steps "any") RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.window_funnel_step(internal, interval, timestamptz, VARIADIC "any") IS
	'transition function of window_funnel';

CREATE FUNCTION cjm_internal.window_funnel_step(internal, within interval, mode text, at timestamptz, VARIADIC steps "any") RETURNS internal
	AS 'MODULE_PATHNAME', 'window_funnel_step_mode' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.window_funnel_step(internal, interval, text, timestamptz, VARIADIC "any") IS
	'transition function of window_funnel with a mode';

CREATE FUNCTION cjm_internal.window_funnel_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.window_funnel_combine(internal, internal) IS 'combine function of window_funnel';

CREATE FUNCTION cjm_internal.window_funnel_final(internal) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm_internal.window_funnel_final(internal) IS 'final function of window_funnel';

CREATE AGGREGATE cjm.window_funnel(within interval, at timestamptz, VARIADIC steps "any") (
	SFUNC = cjm_internal.window_funnel_step,
	STYPE = internal,
	SSPACE = 96,
	FINALFUNC = cjm_internal.window_funnel_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.window_funnel_combine,
	SERIALFUNC = cjm_internal.condition_agg_serialize,
	DESERIALFUNC = cjm_internal.condition_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.window_funnel(interval, timestamptz, VARIADIC "any") IS
	'the highest step that a chain of rows within the window ends with, 0 for none; one row may stand for several steps';

-- The strict modes keep rows that no condition holds for, too.
CREATE AGGREGATE cjm.window_funnel(within interval, mode text, at timestamptz, VARIADIC steps "any") (
	SFUNC = cjm_internal.window_funnel_step,
	STYPE = internal,
	SSPACE = 128,
	FINALFUNC = cjm_internal.window_funnel_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.window_funnel_combine,
	SERIALFUNC = cjm_internal.condition_agg_serialize,
	DESERIALFUNC = cjm_internal.condition_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.window_funnel(interval, text, timestamptz, VARIADIC "any") IS
	'window_funnel with modes: strict_deduplication, strict_order, strict_increase, strict_once, allow_reentry, several separated by commas';
--
-- retention: who of those that met the first condition met the others too
--

CREATE FUNCTION cjm_internal.retention_step(internal, VARIADIC conditions "any") RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION cjm_internal.retention_step(internal, VARIADIC "any") IS 'transition function of retention';

CREATE FUNCTION cjm_internal.retention_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.retention_combine(internal, internal) IS 'combine function of retention';

CREATE FUNCTION cjm_internal.retention_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.retention_serialize(internal) IS 'serialization function of retention';

CREATE FUNCTION cjm_internal.retention_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.retention_deserialize(bytea, internal) IS 'deserialization function of retention';

CREATE FUNCTION cjm_internal.retention_final(internal) RETURNS boolean[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.retention_final(internal) IS 'final function of retention';

CREATE AGGREGATE cjm.retention(VARIADIC conditions "any") (
	SFUNC = cjm_internal.retention_step,
	STYPE = internal,
	SSPACE = 24,
	FINALFUNC = cjm_internal.retention_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.retention_combine,
	SERIALFUNC = cjm_internal.retention_serialize,
	DESERIALFUNC = cjm_internal.retention_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.retention(VARIADIC "any") IS
	'for each condition, whether some row meets it and some row meets the first; NULL for no rows';
--
-- first_touch, last_touch: the value at the earliest or latest time of rows
--

CREATE FUNCTION cjm_internal.touch_agg_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.touch_agg_serialize(internal) IS 'serialization function of first_touch and last_touch';

CREATE FUNCTION cjm_internal.touch_agg_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.touch_agg_deserialize(bytea, internal) IS 'deserialization function of first_touch and last_touch';

CREATE FUNCTION cjm_internal.touch_agg_final(internal, at timestamptz, value anyelement) RETURNS anyelement
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.touch_agg_final(internal, timestamptz, anyelement) IS 'final function of first_touch and last_touch';

CREATE FUNCTION cjm_internal.touch_agg_first(internal, at timestamptz, value anyelement) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION cjm_internal.touch_agg_first(internal, timestamptz, anyelement) IS 'transition function of first_touch';

CREATE FUNCTION cjm_internal.touch_agg_first_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.touch_agg_first_combine(internal, internal) IS 'combine function of first_touch';

CREATE AGGREGATE cjm.first_touch(at timestamptz, value anyelement) (
	SFUNC = cjm_internal.touch_agg_first,
	STYPE = internal,
	SSPACE = 112,
	FINALFUNC = cjm_internal.touch_agg_final,
	FINALFUNC_EXTRA,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.touch_agg_first_combine,
	SERIALFUNC = cjm_internal.touch_agg_serialize,
	DESERIALFUNC = cjm_internal.touch_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.first_touch(timestamptz, anyelement) IS
	'the value at the earliest time, which may be NULL; of several at that time the one whose bytes are smallest, NULL last';

CREATE FUNCTION cjm_internal.touch_agg_last(internal, at timestamptz, value anyelement) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION cjm_internal.touch_agg_last(internal, timestamptz, anyelement) IS 'transition function of last_touch';

CREATE FUNCTION cjm_internal.touch_agg_last_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.touch_agg_last_combine(internal, internal) IS 'combine function of last_touch';

CREATE AGGREGATE cjm.last_touch(at timestamptz, value anyelement) (
	SFUNC = cjm_internal.touch_agg_last,
	STYPE = internal,
	SSPACE = 112,
	FINALFUNC = cjm_internal.touch_agg_final,
	FINALFUNC_EXTRA,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.touch_agg_last_combine,
	SERIALFUNC = cjm_internal.touch_agg_serialize,
	DESERIALFUNC = cjm_internal.touch_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.last_touch(timestamptz, anyelement) IS
	'the value at the latest time, which may be NULL; of several at that time the one whose bytes are smallest, NULL last';
--
-- sequence_next_node: what came next to a chain of events
--

CREATE FUNCTION cjm_internal.next_node_step(
	internal, direction text, base text, at timestamptz, event text, base_condition boolean, VARIADIC chain "any")
	RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.next_node_step(internal, text, text, timestamptz, text, boolean, VARIADIC "any") IS
	'transition function of sequence_next_node';

CREATE FUNCTION cjm_internal.next_node_step(internal, direction text, base text, at timestamptz, event text, base_condition boolean)
	RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.next_node_step(internal, text, text, timestamptz, text, boolean) IS
	'transition function of sequence_next_node without a chain';

CREATE FUNCTION cjm_internal.next_node_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.next_node_combine(internal, internal) IS 'combine function of sequence_next_node';

CREATE FUNCTION cjm_internal.next_node_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'next_node_agg_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.next_node_serialize(internal) IS 'serialization function of sequence_next_node';

CREATE FUNCTION cjm_internal.next_node_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'next_node_agg_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.next_node_deserialize(bytea, internal) IS 'deserialization function of sequence_next_node';

CREATE FUNCTION cjm_internal.next_node_final(internal) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm_internal.next_node_final(internal) IS 'final function of sequence_next_node';

CREATE AGGREGATE cjm.sequence_next_node(
	direction text, base text, at timestamptz, event text, base_condition boolean, VARIADIC chain "any") (
	SFUNC = cjm_internal.next_node_step,
	STYPE = internal,
	SSPACE = 192,
	FINALFUNC = cjm_internal.next_node_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.next_node_combine,
	SERIALFUNC = cjm_internal.next_node_serialize,
	DESERIALFUNC = cjm_internal.next_node_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.sequence_next_node(text, text, timestamptz, text, boolean, VARIADIC "any") IS
	'the event right after (forward) or right before (backward) a chain of rows that begins at the head, tail, first_match or last_match; NULL if there is none';

CREATE AGGREGATE cjm.sequence_next_node(direction text, base text, at timestamptz, event text, base_condition boolean) (
	SFUNC = cjm_internal.next_node_step,
	STYPE = internal,
	SSPACE = 128,
	FINALFUNC = cjm_internal.next_node_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.next_node_combine,
	SERIALFUNC = cjm_internal.next_node_serialize,
	DESERIALFUNC = cjm_internal.next_node_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.sequence_next_node(text, text, timestamptz, text, boolean) IS
	'the event at the head or tail if that meets the base condition, else NULL';
--
-- attribute: which touchpoints earned the conversions of a journey
--

CREATE TYPE cjm.credited_touchpoint AS (
	conversion_at timestamptz,
	at timestamptz,
	event text,
	channel text,
	credit float8,
	value float8
);
COMMENT ON TYPE cjm.credited_touchpoint IS 'a touchpoint, or a visit, and its share of one conversion';
COMMENT ON COLUMN cjm.credited_touchpoint.conversion_at IS 'time of the conversion';
COMMENT ON COLUMN cjm.credited_touchpoint.at IS 'time of the touchpoint, or of the first one of the visit that counts; NULL where the conversion has none';
COMMENT ON COLUMN cjm.credited_touchpoint.event IS 'event of that touchpoint';
COMMENT ON COLUMN cjm.credited_touchpoint.channel IS 'channel of the touchpoint or of the visit, NULL for none';
COMMENT ON COLUMN cjm.credited_touchpoint.credit IS 'share of the conversion; all shares of a conversion add up to 1';
COMMENT ON COLUMN cjm.credited_touchpoint.value IS 'the same share of the conversion''s value, NULL where that has none';

CREATE FUNCTION cjm.attribute(
	journey cjm.journey,
	conversion cjm.funnel,
	model text DEFAULT 'last_touch',
	lookback interval DEFAULT NULL,
	per text DEFAULT 'touchpoint',
	session_gap interval DEFAULT '30 minutes',
	half_life interval DEFAULT '7 days',
	weights float8[] DEFAULT '{0.4,0.2,0.4}',
	direct text[] DEFAULT '{direct}',
	only_channels boolean DEFAULT false) RETURNS SETOF cjm.credited_touchpoint
	AS 'MODULE_PATHNAME', 'journey_attribute'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 ROWS 3;
COMMENT ON FUNCTION cjm.attribute(cjm.journey, cjm.funnel, text, interval, text, interval, interval, float8[], text[], boolean) IS
'which touchpoints earned each conversion of a journey, by an attribution model.
conversion: a funnel; each time that it is completed is a conversion, worth the value of the touchpoint that completes it
model: first_touch, last_touch, last_non_direct, linear, time_decay or position
lookback: NULL for the touchpoints since the previous conversion, else all in so long a time before the conversion
per: touchpoint, or session for one share to each visit; session_gap: what is longer ends a visit
half_life: of time_decay; weights: of position, for the first, all between together and the last
direct: channels that are direct, as no channel is; only_channels: whether touchpoints without a channel earn nothing';
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

CREATE FUNCTION cjm_internal.rule_attribution_step(state internal, journey cjm.journey, conversion cjm.funnel) RETURNS internal
	AS 'MODULE_PATHNAME', 'rule_attribution_step'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm_internal.rule_attribution_step(internal, cjm.journey, cjm.funnel) IS
	'state with the conversions of one more journey; transition function of rule_attribution';

CREATE FUNCTION cjm_internal.rule_attribution_step(
	state internal,
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
	to_time timestamptz) RETURNS internal
	AS 'MODULE_PATHNAME', 'rule_attribution_step'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 60;
COMMENT ON FUNCTION cjm_internal.rule_attribution_step(internal, cjm.journey, cjm.funnel, text[], interval, text, interval, interval, float8[], text[], boolean, timestamptz, timestamptz) IS
	'state with the conversions of one more journey; transition function of rule_attribution';

CREATE FUNCTION cjm_internal.rule_attribution_combine(a internal, b internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rule_attribution_combine'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.rule_attribution_combine(internal, internal) IS 'the sums of two states of rule_attribution';

CREATE FUNCTION cjm_internal.rule_attribution_serialize(state internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'rule_attribution_serialize'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.rule_attribution_serialize(internal) IS 'a state of rule_attribution as bytes';

CREATE FUNCTION cjm_internal.rule_attribution_deserialize(bytes bytea, unused internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rule_attribution_deserialize'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.rule_attribution_deserialize(bytea, internal) IS 'a state of rule_attribution from bytes';

CREATE FUNCTION cjm_internal.rule_attribution_final(state internal) RETURNS cjm.model_credit[]
	AS 'MODULE_PATHNAME', 'rule_attribution_final'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 200;
COMMENT ON FUNCTION cjm_internal.rule_attribution_final(internal) IS 'what channels earned, by model and channel; final function of rule_attribution';

CREATE AGGREGATE cjm.rule_attribution(cjm.journey, cjm.funnel) (
	SFUNC = cjm_internal.rule_attribution_step,
	STYPE = internal,
	SSPACE = 4096,
	COMBINEFUNC = cjm_internal.rule_attribution_combine,
	SERIALFUNC = cjm_internal.rule_attribution_serialize,
	DESERIALFUNC = cjm_internal.rule_attribution_deserialize,
	FINALFUNC = cjm_internal.rule_attribution_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.rule_attribution(cjm.journey, cjm.funnel) IS
	'what each channel earned of the conversions of customers, by each of the six models of attribute and by its other defaults; NULL for no journey';

CREATE AGGREGATE cjm.rule_attribution(cjm.journey, cjm.funnel, text[], interval, text, interval, interval, float8[], text[], boolean, timestamptz, timestamptz) (
	SFUNC = cjm_internal.rule_attribution_step,
	STYPE = internal,
	SSPACE = 4096,
	COMBINEFUNC = cjm_internal.rule_attribution_combine,
	SERIALFUNC = cjm_internal.rule_attribution_serialize,
	DESERIALFUNC = cjm_internal.rule_attribution_deserialize,
	FINALFUNC = cjm_internal.rule_attribution_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.rule_attribution(cjm.journey, cjm.funnel, text[], interval, text, interval, interval, float8[], text[], boolean, timestamptz, timestamptz) IS
'the same by some models and with all settings of attribute: models, lookback, per, session_gap, half_life, weights, direct, only_channels,
and of the conversions in a time range, from included, to excluded';
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
--
-- The type journey_pattern, and matches, match_count, match_events
--

CREATE TYPE cjm.journey_pattern;

CREATE FUNCTION cjm_internal.journey_pattern_in(input cstring) RETURNS cjm.journey_pattern
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm_internal.journey_pattern_in(cstring) IS 'input of type journey_pattern';

CREATE FUNCTION cjm_internal.journey_pattern_out(value cjm.journey_pattern) RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION cjm_internal.journey_pattern_out(cjm.journey_pattern) IS 'output of type journey_pattern: its canonical text';

CREATE FUNCTION cjm_internal.journey_pattern_recv(input internal) RETURNS cjm.journey_pattern
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm_internal.journey_pattern_recv(internal) IS 'binary input of type journey_pattern';

CREATE FUNCTION cjm_internal.journey_pattern_send(value cjm.journey_pattern) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION cjm_internal.journey_pattern_send(cjm.journey_pattern) IS 'binary output of type journey_pattern';

CREATE TYPE cjm.journey_pattern (
	INPUT = cjm_internal.journey_pattern_in,
	OUTPUT = cjm_internal.journey_pattern_out,
	RECEIVE = cjm_internal.journey_pattern_recv,
	SEND = cjm_internal.journey_pattern_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = extended
);
COMMENT ON TYPE cjm.journey_pattern IS
	'pattern of events in a journey, such as ''view .* cart (?t<=1 hour) purchase''';

-- As for funnels.

CREATE CAST (text AS cjm.journey_pattern) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (text AS cjm.journey_pattern) IS 'the pattern that a text defines';

CREATE CAST (varchar AS cjm.journey_pattern) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (varchar AS cjm.journey_pattern) IS 'the pattern that a text defines';

CREATE FUNCTION cjm.journey_pattern_eq(a cjm.journey_pattern, b cjm.journey_pattern) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION cjm.journey_pattern_eq(cjm.journey_pattern, cjm.journey_pattern) IS 'implementation of = operator';

CREATE FUNCTION cjm.journey_pattern_ne(a cjm.journey_pattern, b cjm.journey_pattern) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION cjm.journey_pattern_ne(cjm.journey_pattern, cjm.journey_pattern) IS 'implementation of <> operator';

CREATE FUNCTION cjm_internal.journey_pattern_hash(value cjm.journey_pattern) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION cjm_internal.journey_pattern_hash(cjm.journey_pattern) IS 'hash';

CREATE FUNCTION cjm_internal.journey_pattern_hash_extended(value cjm.journey_pattern, seed bigint) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION cjm_internal.journey_pattern_hash_extended(cjm.journey_pattern, bigint) IS 'hash with a seed';

CREATE OPERATOR cjm.= (
	LEFTARG = cjm.journey_pattern,
	RIGHTARG = cjm.journey_pattern,
	FUNCTION = cjm.journey_pattern_eq,
	COMMUTATOR = OPERATOR(cjm.=),
	NEGATOR = OPERATOR(cjm.<>),
	RESTRICT = eqsel,
	JOIN = eqjoinsel,
	HASHES
);
COMMENT ON OPERATOR cjm.= (cjm.journey_pattern, cjm.journey_pattern) IS 'equal';

CREATE OPERATOR cjm.<> (
	LEFTARG = cjm.journey_pattern,
	RIGHTARG = cjm.journey_pattern,
	FUNCTION = cjm.journey_pattern_ne,
	COMMUTATOR = OPERATOR(cjm.<>),
	NEGATOR = OPERATOR(cjm.=),
	RESTRICT = neqsel,
	JOIN = neqjoinsel
);
COMMENT ON OPERATOR cjm.<> (cjm.journey_pattern, cjm.journey_pattern) IS 'not equal';

CREATE OPERATOR CLASS cjm.journey_pattern_ops
	DEFAULT FOR TYPE cjm.journey_pattern USING hash AS
	OPERATOR 1 cjm.=,
	FUNCTION 1 cjm_internal.journey_pattern_hash(cjm.journey_pattern),
	FUNCTION 2 cjm_internal.journey_pattern_hash_extended(cjm.journey_pattern, bigint);
COMMENT ON OPERATOR CLASS cjm.journey_pattern_ops USING hash IS 'hash of patterns by their canonical text';
COMMENT ON OPERATOR FAMILY cjm.journey_pattern_ops USING hash IS 'hash of patterns by their canonical text';

CREATE FUNCTION cjm.matches(journey cjm.journey, pattern cjm.journey_pattern) RETURNS boolean
	AS 'MODULE_PATHNAME', 'journey_matches' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm.matches(cjm.journey, cjm.journey_pattern) IS 'whether the journey has a part that matches the pattern';

CREATE FUNCTION cjm.match_count(journey cjm.journey, pattern cjm.journey_pattern) RETURNS bigint
	AS 'MODULE_PATHNAME', 'journey_match_count' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm.match_count(cjm.journey, cjm.journey_pattern) IS
	'how many parts of the journey match the pattern, no touchpoint in two of them';

CREATE FUNCTION cjm.match_events(journey cjm.journey, pattern cjm.journey_pattern) RETURNS timestamptz[]
	AS 'MODULE_PATHNAME', 'journey_match_events' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 25;
COMMENT ON FUNCTION cjm.match_events(cjm.journey, cjm.journey_pattern) IS
	'the times of the pattern''s events in the first part of the journey that matches it; empty if none does';
--
-- sequence_match, sequence_count, sequence_match_events: patterns over the rows of a customer
--

CREATE FUNCTION cjm_internal.sequence_agg_step(internal, pattern text, at timestamptz, VARIADIC conditions "any") RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.sequence_agg_step(internal, text, timestamptz, VARIADIC "any") IS
	'transition function of the sequence aggregates';

CREATE FUNCTION cjm_internal.sequence_agg_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.sequence_agg_combine(internal, internal) IS 'combine function of the sequence aggregates';

CREATE FUNCTION cjm_internal.sequence_match_final(internal) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm_internal.sequence_match_final(internal) IS 'final function of sequence_match';

CREATE FUNCTION cjm_internal.sequence_count_final(internal) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm_internal.sequence_count_final(internal) IS 'final function of sequence_count';

CREATE FUNCTION cjm_internal.sequence_match_events_final(internal) RETURNS timestamptz[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 30;
COMMENT ON FUNCTION cjm_internal.sequence_match_events_final(internal) IS 'final function of sequence_match_events';

-- SSPACE here and in the other aggregates over conditions: what the states of a web shop's customers take on
-- average, with 12 events each, beside what PostgreSQL counts itself.
CREATE AGGREGATE cjm.sequence_match(pattern text, at timestamptz, VARIADIC conditions "any") (
	SFUNC = cjm_internal.sequence_agg_step,
	STYPE = internal,
	SSPACE = 96,
	FINALFUNC = cjm_internal.sequence_match_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.sequence_agg_combine,
	SERIALFUNC = cjm_internal.condition_agg_serialize,
	DESERIALFUNC = cjm_internal.condition_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.sequence_match(text, timestamptz, VARIADIC "any") IS
	'whether the rows that a condition holds for, in time order, match the pattern, such as ''(?1)(?t<=1 hour)(?2)''';

CREATE AGGREGATE cjm.sequence_count(pattern text, at timestamptz, VARIADIC conditions "any") (
	SFUNC = cjm_internal.sequence_agg_step,
	STYPE = internal,
	SSPACE = 96,
	FINALFUNC = cjm_internal.sequence_count_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.sequence_agg_combine,
	SERIALFUNC = cjm_internal.condition_agg_serialize,
	DESERIALFUNC = cjm_internal.condition_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.sequence_count(text, timestamptz, VARIADIC "any") IS
	'how often the rows that a condition holds for match the pattern, no row in two matches';

CREATE AGGREGATE cjm.sequence_match_events(pattern text, at timestamptz, VARIADIC conditions "any") (
	SFUNC = cjm_internal.sequence_agg_step,
	STYPE = internal,
	SSPACE = 96,
	FINALFUNC = cjm_internal.sequence_match_events_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.sequence_agg_combine,
	SERIALFUNC = cjm_internal.condition_agg_serialize,
	DESERIALFUNC = cjm_internal.condition_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.sequence_match_events(text, timestamptz, VARIADIC "any") IS
	'the times of the conditions of the first match; without a match, of its longest beginning';
--
-- Window functions over (PARTITION BY customer ORDER BY at)
--

CREATE FUNCTION cjm.session_number(at timestamptz, gap interval DEFAULT '30 minutes') RETURNS bigint
	AS 'MODULE_PATHNAME', 'window_session_number'
	LANGUAGE C IMMUTABLE WINDOW PARALLEL SAFE COST 1;
COMMENT ON FUNCTION cjm.session_number(timestamptz, interval) IS
	'the number of the row''s session in its partition, from 1: a gap longer than the given one begins the next session';

CREATE FUNCTION cjm.session_start(at timestamptz, gap interval DEFAULT '30 minutes') RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'window_session_start'
	LANGUAGE C IMMUTABLE WINDOW PARALLEL SAFE COST 1;
COMMENT ON FUNCTION cjm.session_start(timestamptz, interval) IS
	'the time at which the row''s session began';

CREATE FUNCTION cjm.funnel_step(at timestamptz, event text, funnel cjm.funnel) RETURNS integer
	AS 'MODULE_PATHNAME', 'window_funnel_step_at'
	LANGUAGE C IMMUTABLE WINDOW PARALLEL SAFE COST 3;
COMMENT ON FUNCTION cjm.funnel_step(timestamptz, text, cjm.funnel) IS
	'the deepest step of a walk that ends with the row, NULL for none; the maximum over a partition is that of its journey';

CREATE FUNCTION cjm.funnel_step(at timestamptz, event text, channel text, funnel cjm.funnel) RETURNS integer
	AS 'MODULE_PATHNAME', 'window_funnel_step_at'
	LANGUAGE C IMMUTABLE WINDOW PARALLEL SAFE COST 3;
COMMENT ON FUNCTION cjm.funnel_step(timestamptz, text, text, cjm.funnel) IS
	'the deepest step of a walk that ends with the row, NULL for none; the maximum over a partition is that of its journey';

CREATE FUNCTION cjm.funnel_start(at timestamptz, event text, funnel cjm.funnel) RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'window_funnel_start_at'
	LANGUAGE C IMMUTABLE WINDOW PARALLEL SAFE COST 3;
COMMENT ON FUNCTION cjm.funnel_start(timestamptz, text, cjm.funnel) IS
	'the latest start of the walks that end with the row at the step that funnel_step gives, NULL for none';

CREATE FUNCTION cjm.funnel_start(at timestamptz, event text, channel text, funnel cjm.funnel) RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'window_funnel_start_at'
	LANGUAGE C IMMUTABLE WINDOW PARALLEL SAFE COST 3;
COMMENT ON FUNCTION cjm.funnel_start(timestamptz, text, text, cjm.funnel) IS
	'the latest start of the walks that end with the row at the step that funnel_step gives, NULL for none';

CREATE FUNCTION cjm.attribution_credit(
	at timestamptz,
	is_conversion boolean,
	model text DEFAULT 'last_touch',
	lookback interval DEFAULT NULL,
	is_direct boolean DEFAULT NULL,
	half_life interval DEFAULT '7 days',
	weights float8[] DEFAULT '{0.4,0.2,0.4}') RETURNS float8
	AS 'MODULE_PATHNAME', 'window_attribution_credit'
	LANGUAGE C IMMUTABLE WINDOW PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm.attribution_credit(timestamptz, boolean, text, interval, boolean, interval, float8[]) IS
'what the row earns of the next conversion by an attribution model, NULL where none follows and for a conversion that earns nothing.
model, lookback, half_life, weights: as those of attribute; is_direct: whether the row is direct, which last_non_direct has to know
Rows of one time earn the same; of several conversions of one time a row earns its share of each.';
--
-- Journey maps: what a map is, and how its definition is read.
--
-- A map is a schema of views that belong to its maker.  Its definition is the view
-- "map" in it, one row of constants, so that dump, rename, GRANT and DROP work as
-- for any view.  Nothing is kept anywhere else.
--

CREATE TYPE cjm_internal.map AS (
	map regnamespace,
	source regclass,
	customer text,
	at text,
	event text,
	channel text,
	value text,
	segment text,
	segment_at text,
	filter text,
	stages cjm.funnel,
	session_gap interval,
	time_zone text,
	access text,
	spend regclass,
	attribution text,
	nps text,
	csat text,
	ces text,
	refusal cjm.funnel,
	purchase cjm.funnel,
	visit cjm.funnel,
	sequence text,
	attribution_per text,
	only_channels boolean,
	source_name text
);
COMMENT ON TYPE cjm_internal.map IS 'the definition of a journey map, as its view "map" has it';
COMMENT ON COLUMN cjm_internal.map.map IS 'its schema';
COMMENT ON COLUMN cjm_internal.map.source IS 'the table or view that the events are in';
COMMENT ON COLUMN cjm_internal.map.customer IS 'expression: whose event a row is';
COMMENT ON COLUMN cjm_internal.map.at IS 'expression: when it happened';
COMMENT ON COLUMN cjm_internal.map.event IS 'expression: what happened';
COMMENT ON COLUMN cjm_internal.map.channel IS 'expression: where it came from, or NULL';
COMMENT ON COLUMN cjm_internal.map.value IS 'expression: what it was worth, or NULL';
COMMENT ON COLUMN cjm_internal.map.segment IS 'expression: the segment of the customer, or NULL';
COMMENT ON COLUMN cjm_internal.map.segment_at IS 'which segment a customer with several has, the first or the last';
COMMENT ON COLUMN cjm_internal.map.filter IS 'condition: which rows count, or NULL for all';
COMMENT ON COLUMN cjm_internal.map.stages IS 'the funnel';
COMMENT ON COLUMN cjm_internal.map.session_gap IS 'what is longer ends a session';
COMMENT ON COLUMN cjm_internal.map.time_zone IS 'where days, weeks and months begin';
COMMENT ON COLUMN cjm_internal.map.access IS 'owner: the views read the source with the rights of the map''s owner; reader: with those of whoever asks';
COMMENT ON COLUMN cjm_internal.map.spend IS 'the table or view of what the channels cost, or NULL';
COMMENT ON COLUMN cjm_internal.map.attribution IS 'the attribution model that the view channels credits conversions by';
COMMENT ON COLUMN cjm_internal.map.nps IS 'the event whose value is an answer from 0 to 10, or NULL';
COMMENT ON COLUMN cjm_internal.map.csat IS 'the event whose value is an answer from 1 to 5, or NULL';
COMMENT ON COLUMN cjm_internal.map.ces IS 'the event whose value is an answer from 1 to 7, or NULL';
COMMENT ON COLUMN cjm_internal.map.refusal IS 'the events that say no, a funnel of one stage, or NULL';
COMMENT ON COLUMN cjm_internal.map.purchase IS 'the events that are a purchase, or NULL: the last stage that is not optional';
COMMENT ON COLUMN cjm_internal.map.visit IS 'the events that are a visit, or NULL: all';
COMMENT ON COLUMN cjm_internal.map.sequence IS 'expression: the order of events of one time, or NULL';
COMMENT ON COLUMN cjm_internal.map.attribution_per IS 'what has a share of a conversion in the views attribution and channels: touchpoint or session';
COMMENT ON COLUMN cjm_internal.map.only_channels IS 'whether touchpoints without a channel earn nothing in these views';
COMMENT ON COLUMN cjm_internal.map.source_name IS 'what the source was called when the map was made';

CREATE FUNCTION cjm_internal.map_definition(map_view oid) RETURNS SETOF cjm_internal.map
	AS 'MODULE_PATHNAME', 'map_definition'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50 ROWS 1;
COMMENT ON FUNCTION cjm_internal.map_definition(oid) IS
	'the definition that a view of constants holds, read without running it; no row if it is not a map''s';

CREATE FUNCTION cjm_internal.map_lock_schema(map regnamespace) RETURNS boolean
	AS 'MODULE_PATHNAME', 'map_lock_schema'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION cjm_internal.map_lock_schema(regnamespace) IS
	'whether a schema is still there, now that nobody else makes, replaces or drops a map in it until the transaction ends; an error for who does not own it';

CREATE FUNCTION cjm_internal.map_lock_views(map regnamespace, views text[], patience float8) RETURNS void
	AS 'MODULE_PATHNAME', 'map_lock_views'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION cjm_internal.map_lock_views(regnamespace, text[], float8) IS
	'locks views of one''s own, in that order, or gives up after so many seconds, or where a reader waits for one of them with another in hand; then a subtransaction has to end';

CREATE FUNCTION cjm_internal.map_expression(source regclass, expression text, argument text, time_zone text) RETURNS text
	AS 'MODULE_PATHNAME', 'map_expression'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.map_expression(regclass, text, text, text) IS
	'an expression over a row of the source, checked, converted to what an argument of create_map has to be, and printed so that it means the same in every search_path';

CREATE FUNCTION cjm_internal.map_expressions(map_view oid) RETURNS text[]
	AS 'MODULE_PATHNAME', 'map_expressions'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 500;
COMMENT ON FUNCTION cjm_internal.map_expressions(oid) IS
	'what the view events of a map reads as customer, at, event, channel, value, segment, its filter and its sequence, as they would be written now; NULL if it is another view';

CREATE FUNCTION cjm_internal.map_nearest(name text, names text[]) RETURNS text
	AS 'MODULE_PATHNAME', 'map_nearest'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm_internal.map_nearest(text, text[]) IS 'the one of the names that somebody may have meant, or NULL';

-- In the order in which they are made: each reads none but earlier ones.
CREATE FUNCTION cjm_internal.map_view_names() RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '{map,events,journeys,customers,funnel,funnel_by_segment,funnel_by_week,drop_off,sessions,bounce,retention,touchpoints,stages,transitions,paths,attribution,spend,channels,feedback}'::text[];
COMMENT ON FUNCTION cjm_internal.map_view_names() IS 'the views of a map in the order in which they are made';

CREATE FUNCTION cjm_internal.kept_names() RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '{kept_rows,kept,kept_journeys,kept_changes,kept_marks,kept_pieces,kept_state}'::text[];
COMMENT ON FUNCTION cjm_internal.kept_names() IS 'what a map with kept journeys has beside its views, which the first two of these are';

-- The definition in a schema, all NULL if there is none.
CREATE FUNCTION cjm_internal.map_in(schema oid) RETURNS cjm_internal.map
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map;
BEGIN
	SELECT d.* INTO def FROM pg_class c CROSS JOIN LATERAL cjm_internal.map_definition(c.oid) d
	WHERE c.relnamespace = schema AND c.relname = 'map' AND c.relkind = 'v' AND d.map = schema;
	RETURN def;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_in(oid) IS 'the definition of the map that a schema is, all NULL if it is none';

-- The catalogs alone are asked, and no view is opened: whoever lists the maps runs no view of somebody else's, and waits for nobody.
-- A view "map" in a schema of another owner is no map: its reports are refused, too.
CREATE VIEW cjm.maps AS
SELECT d.map, pg_catalog.pg_get_userbyid(c.relowner) AS owner, d.source, d.stages, d.customer, d.at, d.event, d.channel,
	d.value, d.segment, d.segment_at, d.filter, d.session_gap, d.time_zone, d.access, d.spend, d.attribution, d.nps, d.csat, d.ces,
	d.refusal, d.purchase, d.visit, d.attribution_per, d.only_channels, d.sequence
FROM pg_catalog.pg_class c
	JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	CROSS JOIN LATERAL cjm_internal.map_definition(
		CASE WHEN pg_catalog.has_schema_privilege(c.relnamespace, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT') THEN c.oid END) d
WHERE c.relname = 'map' AND c.relkind = 'v' AND c.relowner = n.nspowner AND d.map = n.oid;
COMMENT ON VIEW cjm.maps IS 'the journey maps that you may read';
COMMENT ON COLUMN cjm.maps.map IS 'its schema';
COMMENT ON COLUMN cjm.maps.owner IS 'whose it is';
COMMENT ON COLUMN cjm.maps.source IS 'the table or view that the events are in';
COMMENT ON COLUMN cjm.maps.stages IS 'the funnel';
COMMENT ON COLUMN cjm.maps.customer IS 'expression: whose event a row is';
COMMENT ON COLUMN cjm.maps.at IS 'expression: when it happened';
COMMENT ON COLUMN cjm.maps.event IS 'expression: what happened';
COMMENT ON COLUMN cjm.maps.channel IS 'expression: where it came from, or NULL';
COMMENT ON COLUMN cjm.maps.value IS 'expression: what it was worth, or NULL';
COMMENT ON COLUMN cjm.maps.segment IS 'expression: the segment of the customer, or NULL';
COMMENT ON COLUMN cjm.maps.segment_at IS 'which segment a customer with several has, the first or the last';
COMMENT ON COLUMN cjm.maps.filter IS 'condition: which rows count, or NULL for all';
COMMENT ON COLUMN cjm.maps.session_gap IS 'what is longer ends a session';
COMMENT ON COLUMN cjm.maps.time_zone IS 'where days, weeks and months begin';
COMMENT ON COLUMN cjm.maps.access IS 'owner: the views read the source with the rights of the map''s owner; reader: with those of whoever asks';
COMMENT ON COLUMN cjm.maps.spend IS 'the table or view of what the channels cost, or NULL';
COMMENT ON COLUMN cjm.maps.attribution IS 'the attribution model that the view channels credits conversions by';
COMMENT ON COLUMN cjm.maps.nps IS 'the event whose value is an answer from 0 to 10, or NULL';
COMMENT ON COLUMN cjm.maps.csat IS 'the event whose value is an answer from 1 to 5, or NULL';
COMMENT ON COLUMN cjm.maps.ces IS 'the event whose value is an answer from 1 to 7, or NULL';
COMMENT ON COLUMN cjm.maps.refusal IS 'the events that say no, or NULL';
COMMENT ON COLUMN cjm.maps.purchase IS 'the events that are a purchase, or NULL: the last stage that is not optional';
COMMENT ON COLUMN cjm.maps.visit IS 'the events that are a visit, or NULL: all';
COMMENT ON COLUMN cjm.maps.sequence IS 'expression: the order of events of one time, or NULL';
COMMENT ON COLUMN cjm.maps.attribution_per IS 'what has a share of a conversion in the views attribution and channels: touchpoint or session';
COMMENT ON COLUMN cjm.maps.only_channels IS 'whether touchpoints without a channel earn nothing in these views';
GRANT SELECT ON cjm.maps TO PUBLIC;

-- Who may create in a schema of somebody else's could put a view there that is taken for one of a map.
CREATE FUNCTION cjm_internal.map_check_owner(map regnamespace) RETURNS void
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 100
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	other record;
BEGIN
	SELECT c.relname, c.oid::regclass AS view, c.relowner::regrole AS owner, n.nspname, n.nspowner::regrole AS holder INTO other
	FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid AND c.relowner <> n.nspowner
	WHERE n.oid = map_check_owner.map AND c.relname = ANY ((cjm_internal.map_view_names() || cjm_internal.kept_names())::name[])
	ORDER BY c.relname <> 'map', c.relname LIMIT 1;
	IF FOUND THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('the view "%s" of the map "%s" belongs to %s, and its schema to %s', other.relname, other.nspname, other.owner, other.holder),
			DETAIL = 'Whoever reads a view runs what its owner wrote, so all of a map has one owner.',
			HINT = format('If what the view says can be trusted: ALTER VIEW %s OWNER TO %s.', other.view, other.holder);
	END IF;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_check_owner(regnamespace) IS 'an error if a view of a map belongs to another role than its schema';

-- A name is taken as it is; one in double quotes, as regnamespace prints it, is read.  The schema is looked for first, so that
-- no other is looked at.
CREATE FUNCTION cjm_internal.map_of(name text) RETURNS cjm_internal.map
	LANGUAGE plpgsql STABLE PARALLEL SAFE COST 200
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map;
	wanted text[] := ARRAY[name];
	home oid;
BEGIN
	IF name IS NULL THEN
		RAISE null_value_not_allowed USING
			MESSAGE = 'the name of the map is NULL',
			HINT = 'All maps that you may read are in cjm.maps.';
	END IF;
	IF name ~ '^"(?:[^"]|"")+"$' THEN
		wanted := wanted || replace(substr(name, 2, length(name) - 2), '""', '"');
	END IF;
	FOR home IN SELECT n.oid FROM pg_namespace n WHERE n.nspname = ANY (wanted) ORDER BY array_position(wanted, n.nspname::text)
	LOOP
		SELECT d.* INTO def
		FROM pg_class c CROSS JOIN LATERAL cjm_internal.map_definition(c.oid) d
		WHERE c.relnamespace = home AND c.relname = 'map' AND c.relkind = 'v' AND d.map = home;
		EXIT WHEN FOUND;
	END LOOP;
	IF def.map IS NULL THEN
		RAISE undefined_object USING
			MESSAGE = format('there is no map "%s"', name),
			HINT = coalesce(
				(SELECT format('Did you mean "%s"? ', near) FROM cjm_internal.map_nearest(name, (SELECT array_agg(n.nspname::text)
					FROM cjm.maps m JOIN pg_namespace n ON n.oid = m.map)) near WHERE near IS NOT NULL), '') ||
				'All maps that you may read are in cjm.maps.';
	ELSIF NOT has_schema_privilege(def.map, 'USAGE') THEN
		RAISE insufficient_privilege USING MESSAGE = format('permission denied for schema %s', cjm_internal.map_schema(def));
	END IF;
	PERFORM cjm_internal.map_check_owner(def.map);
	RETURN def;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_of(text) IS 'the definition of a map by its name; an error if there is none, or if it is not to be trusted';
--
-- The order of events of one time, where a map has it from the rows.
--
-- A journey orders the touchpoints of one time by their labels.  A map with a
-- sequence adds that to their times, as microseconds.
--

CREATE FUNCTION cjm_internal.map_in_sequence(at timestamptz, sequence bigint) RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'map_in_sequence'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1;
COMMENT ON FUNCTION cjm_internal.map_in_sequence(timestamptz, bigint) IS 'a time and so many microseconds; the time as it is where there is no number, or no such time';

-- What the source has at a time, and where it is moved to: the times of which an event would come to the next time of its customer, or
-- would be moved by a second or more.
CREATE FUNCTION cjm_internal.map_sequence_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 200
	SET search_path = pg_catalog, pg_temp
RETURN format('SELECT p.* FROM (
		SELECT t.*, lead(t.at) OVER w AS next_at, lead(t.least) OVER w AS next_least
		FROM (SELECT s.customer, s.at, min(s.place) AS least, max(s.place) AS most, count(*) AS touches
			FROM (SELECT %1$s AS customer, %2$s AS at, %3$s AS event, coalesce(%4$s, 0) AS place FROM %5$s%6$s) s
			WHERE s.customer IS NOT NULL AND isfinite(s.at) AND s.event <> '''' GROUP BY s.customer, s.at) t
		WINDOW w AS (PARTITION BY t.customer ORDER BY t.at)) p
	WHERE cjm_internal.map_in_sequence(p.at, p.most) >= cjm_internal.map_in_sequence(p.next_at, p.next_least) OR p.most >= 1000000 OR p.least <= -1000000',
	(map).customer, (map).at, (map).event, (map).sequence, (map).source, ' WHERE ' || (map).filter);
COMMENT ON FUNCTION cjm_internal.map_sequence_sql(cjm_internal.map) IS 'SQL: the times of customers that the sequence of a map moves too far';

-- A row that comes later may be moved too far all the same: no view fails of it, and check_map tells.
CREATE FUNCTION cjm_internal.map_check_sequence(map cjm_internal.map) RETURNS void
	LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED COST 10000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	far record;
BEGIN
	IF (map).sequence IS NULL THEN
		RETURN;
	END IF;
	EXECUTE format('SELECT cjm_internal.map_text(f.customer, $1) AS customer, cjm_internal.map_text(f.at, $1) AS at, cjm_internal.map_text(f.next_at, $1) AS next_at,
			f.least, f.most, f.next_least, f.most >= 1000000 OR f.least <= -1000000 AS seconds FROM (%s) f
			ORDER BY f.at, cjm_internal.map_text(f.customer, $1) COLLATE "C" LIMIT 1', cjm_internal.map_sequence_sql(map)) INTO far USING (map).time_zone;
	IF far.at IS NULL THEN
		RETURN;
	ELSIF far.seconds THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('sequence would move an event by a second or more: that of customer %s at %s, by %s microseconds', far.customer, far.at,
				CASE WHEN far.most >= 1000000 THEN far.most ELSE far.least END),
			HINT = 'Give what numbers the events of one time, from 0: a column that begins anew with each, or id % 1000000.';
	END IF;
	RAISE invalid_parameter_value USING
		MESSAGE = format('sequence would move an event to the next one or past it: that of customer %s at %s, by %s microseconds', far.customer, far.at, far.most),
		DETAIL = format('The next one is at %s, and would be moved by %s.', far.next_at, far.next_least),
		HINT = 'Give what numbers the events of one time, from 0, and less than times lie apart.';
END
$$;
COMMENT ON FUNCTION cjm_internal.map_check_sequence(cjm_internal.map) IS 'an error, which says where, if the sequence of a map moves an event of its rows too far';
--
-- What expressions of maps call in the place of functions whose answer depends on the settings of whoever asks.
-- Each works under settings that are always the same, and in the time zone that it is given.
--

CREATE FUNCTION cjm_internal.map_text(value anyelement, time_zone text) RETURNS text
	AS 'MODULE_PATHNAME', 'map_text'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.map_text(anyelement, text) IS
	'a value as text: times in the zone, ISO dates, intervals as postgres writes them, floats that read back equal, bytea in hex';

CREATE FUNCTION cjm_internal.map_json(value anyelement, time_zone text) RETURNS json
	AS 'MODULE_PATHNAME', 'map_json'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.map_json(anyelement, text) IS 'a value as json, with what is text in it as map_text writes it';

CREATE FUNCTION cjm_internal.map_jsonb(value anyelement, time_zone text) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'map_jsonb'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.map_jsonb(anyelement, text) IS 'a value as jsonb, with what is text in it as map_text writes it';

-- The example is NULL, which decides the type.
CREATE FUNCTION cjm_internal.map_read(value text, time_zone text, date_order text, example anyelement) RETURNS anyelement
	AS 'MODULE_PATHNAME', 'map_read'
	LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.map_read(text, text, text, anyelement) IS
	'the value that a text is, of the type of the example: a time without a zone is in the one given, and dates are in the order DMY, MDY or YMD';

CREATE FUNCTION cjm_internal.map_to_timestamp(value text, format text, time_zone text) RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'map_to_timestamp'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.map_to_timestamp(text, text, text) IS 'to_timestamp, of a local time in the zone unless the text says another';

CREATE FUNCTION cjm_internal.map_shift(at timestamptz, shift interval, time_zone text) RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'map_shift'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.map_shift(timestamptz, interval, text) IS 'a time and an interval, the days and months of which are those of the calendar in the zone';
--
-- Lists of events in the definition of a map that say what is what: a refusal, a purchase, a visit.
--
-- Each is a funnel of one stage, so that what matches it is what would match a
-- stage.  The functions return SQL over a journey j, as in 905-map_views.sql.
--

CREATE FUNCTION cjm_internal.map_check_list(argument text, list cjm.funnel, channel text) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF EXISTS (SELECT FROM cjm.funnel_stages(list) s WHERE s.step IS DISTINCT FROM 1) OR cjm.funnel_within(list) IS NOT NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('%s is no list of events: %s', argument, list),
			HINT = format('Say the events with | between them: %s => ''one | "another one"''.', argument);
	ELSIF channel IS NULL AND EXISTS (SELECT FROM cjm.funnel_stages(list) s WHERE s.channel IS NOT NULL) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('%s asks for a channel, but the map has none', argument),
			HINT = 'Say where the channel is: channel => ''...''.';
	END IF;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_check_list(text, cjm.funnel, text) IS 'an error if an argument of create_map is no list of events of a map with that channel; none if it is NULL';

CREATE FUNCTION cjm_internal.map_listed_events(map cjm_internal.map) RETURNS TABLE (argument text, event text, channel text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 3
	SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT l.argument, s.event, s.channel
	FROM (VALUES ('refusal', (map).refusal), ('purchase', (map).purchase), ('visit', (map).visit)) l(argument, list) CROSS JOIN LATERAL cjm.funnel_stages(l.list) s;
END;
COMMENT ON FUNCTION cjm_internal.map_listed_events(cjm_internal.map) IS 'the events in the lists of a map, and which argument of create_map has them; a NULL is any';

CREATE FUNCTION cjm_internal.map_asks_channel(map cjm_internal.map) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN EXISTS (SELECT FROM cjm.funnel_stages((map).stages) s WHERE s.channel IS NOT NULL) OR EXISTS (SELECT FROM cjm_internal.map_listed_events(map) l WHERE l.channel IS NOT NULL);
COMMENT ON FUNCTION cjm_internal.map_asks_channel(cjm_internal.map) IS 'whether the stages or the lists of a map ask for a channel';

-- Who has come to a stage by saying no would have converted by it.
CREATE FUNCTION cjm_internal.map_check_refusal(argument text, stages cjm.funnel, refusal cjm.funnel) RETURNS void
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	clash record;
BEGIN
	SELECT s.stage, r.event INTO clash
	FROM cjm.funnel_stages(stages) s JOIN cjm.funnel_stages(refusal) r ON s.event = r.event AND coalesce(s.channel = r.channel, true)
	WHERE s.step IS NOT NULL ORDER BY s.step LIMIT 1;
	IF FOUND THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('"%s" is a refusal and an event of %s', clash.event, CASE WHEN argument = 'stages' THEN format('stage "%s"', clash.stage) ELSE argument END),
			HINT = format('A refusal is an exit from any stage, and no step: leave it out of %s.', argument);
	END IF;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_check_refusal(text, cjm.funnel, cjm.funnel) IS 'an error if an event is a refusal and in the stages, or in the list of another argument';

CREATE FUNCTION cjm_internal.map_purchase(map cjm_internal.map) RETURNS cjm.funnel
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN coalesce((map).purchase, (SELECT string_agg(coalesce('"' || replace(s.event, '"', '""') || '"', '*') || coalesce('@"' || replace(s.channel, '"', '""') || '"', ''), ' | ')::cjm.funnel
	FROM cjm.funnel_stages((map).stages) s WHERE s.step = (SELECT max(l.step) FROM cjm.funnel_stages((map).stages) l WHERE NOT l.optional)));
COMMENT ON FUNCTION cjm_internal.map_purchase(cjm_internal.map) IS 'the events that are a purchase of a map';

-- A journey without the touchpoints that are in no visit has the sessions of a map, and they lie as far apart as before.
CREATE FUNCTION cjm_internal.map_visits_sql(map cjm_internal.map, journey text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN (map).visit IS NULL THEN journey ELSE format('cjm.only_visits(%s, %L::cjm.funnel, %L::interval)', journey, (map).visit, (map).session_gap) END;
COMMENT ON FUNCTION cjm_internal.map_visits_sql(cjm_internal.map, text) IS 'SQL: a journey, of which SQL is given, whose sessions are the visits of a map';

CREATE FUNCTION cjm_internal.map_session_channel_sql(map cjm_internal.map, at text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('cjm.session_channel(%s, %L::interval, %s)', cjm_internal.map_visits_sql(map, 'j.journey'), (map).session_gap, at);
COMMENT ON FUNCTION cjm_internal.map_session_channel_sql(cjm_internal.map, text) IS 'SQL: the channel of the session of a journey j that a time, of which SQL is given, lies in';

-- entered is an expression or NULL.
CREATE FUNCTION cjm_internal.map_refused_sql(map cjm_internal.map, entered text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN (map).refusal IS NULL THEN 'NULL::timestamptz'
	ELSE format('cjm.funnel_refused(j.journey, %L::cjm.funnel, %L::cjm.funnel, now()%s)', (map).stages, (map).refusal, ', ' || entered) END;
COMMENT ON FUNCTION cjm_internal.map_refused_sql(cjm_internal.map, text) IS 'SQL: when the customer of a journey j said no, by walks that begin in a range; NULL if they did not';

-- Walks that a refusal has ended go on no more.
CREATE FUNCTION cjm_internal.map_open_sql(map cjm_internal.map, entered text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN (map).refusal IS NULL THEN format('cjm.funnel_open(j.journey, %L::cjm.funnel, now()%s)', (map).stages, ', ' || entered)
	ELSE format('(cjm.funnel_open(j.journey, %L::cjm.funnel, now()%s) AND %s IS NULL)', (map).stages, ', ' || entered, cjm_internal.map_refused_sql(map, entered)) END;
COMMENT ON FUNCTION cjm_internal.map_open_sql(cjm_internal.map, text) IS 'SQL: whether the customer of a journey j may yet go on, by walks that begin in a range';
--
-- The queries of a map: what its views select, and with arguments its reports.
--
-- Every function here returns the text of a query.  Names in it are quoted by
-- format, constants by %L; expressions of a map's maker are in the view "events"
-- alone.  A query that is asked of a time range takes its ends as $1 and $2.
-- Each reads the journeys once.
--
-- Whoever may create in the schema cjm (its owner, a superuser, and whom they let)
-- may put functions beside ours, and of several with one name PostgreSQL takes the
-- one that fits best.  So
-- calls of cjm functions here give every argument, in exactly the type that ours has, and
-- constants with their type: nothing fits better then.  Those that take any type
-- have a twin in cjm_internal, where nobody puts anything.
--
-- What is to be worked out once for each journey, though used several times, is in
-- a subquery that ends with OFFSET '0', so that it is not merged.  It is text for
-- the sake of workers: that this is no offset at all the planner sees at once,
-- and of the expression that OFFSET 0 is it would see it too late.  A subquery
-- that looks out at j, and a window in it, keep workers away as well.
--

CREATE FUNCTION cjm_internal.map_completed_step(map cjm_internal.map) RETURNS integer
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 100
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT max(s.step) FROM cjm.funnel_stages((map).stages) s WHERE NOT s.optional);
COMMENT ON FUNCTION cjm_internal.map_completed_step(cjm_internal.map) IS 'the step at which the funnel of a map is completed';

-- The stages by their numbers, as report names them.
CREATE FUNCTION cjm_internal.map_stage_names(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 200
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT format('(%L::text[])', array_agg(r.stage ORDER BY r.step)) FROM cjm.report(cjm.funnel_stats((map).stages)) r);
COMMENT ON FUNCTION cjm_internal.map_stage_names(cjm_internal.map) IS 'SQL: the names of a map''s stages, an array';

CREATE FUNCTION cjm_internal.map_schema(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT quote_ident(n.nspname) FROM pg_namespace n WHERE n.oid = (map).map);
COMMENT ON FUNCTION cjm_internal.map_schema(cjm_internal.map) IS 'SQL: the schema of a map, quoted where it has to be';

CREATE FUNCTION cjm_internal.map_answer_events(map cjm_internal.map) RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN array_remove(ARRAY[(map).nps, (map).csat, (map).ces], NULL);
COMMENT ON FUNCTION cjm_internal.map_answer_events(cjm_internal.map) IS 'the events of a map that are answers';

-- A score is no money.
CREATE FUNCTION cjm_internal.map_valued_journey(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN cjm_internal.map_answer_events(map) = '{}' THEN 'j.journey' ELSE format('cjm.without_values(j.journey, %L::text[])', cjm_internal.map_answer_events(map)) END;
COMMENT ON FUNCTION cjm_internal.map_valued_journey(cjm_internal.map) IS 'SQL: a journey j whose values can be added up';

-- Who answers came by nothing, and the answer brought nobody: it earns no credit, unless the funnel asks for it.
CREATE FUNCTION cjm_internal.map_earning_journey(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT CASE WHEN a.events = '{}' THEN cjm_internal.map_valued_journey(map)
		ELSE format('cjm.without_events(%s, %L::text[])', cjm_internal.map_valued_journey(map), a.events) END
	FROM (SELECT ARRAY(SELECT e FROM unnest(cjm_internal.map_answer_events(map)) e
		WHERE NOT EXISTS (SELECT FROM cjm.funnel_stages((map).stages) s WHERE s.event = e OR s.event IS NULL) ORDER BY e) AS events) a);
COMMENT ON FUNCTION cjm_internal.map_earning_journey(cjm_internal.map) IS 'SQL: a journey j whose touchpoints earn credit';

-- What a report may be split by, as an expression over a journey j.
CREATE FUNCTION cjm_internal.map_split(by text, VARIADIC allowed text[]) RETURNS text
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF by IS NULL THEN
		RETURN 'NULL::text';
	ELSIF by <> ALL (allowed) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('this report cannot be split by "%s"', by),
			HINT = format('It can by %s.', array_to_string(allowed, ', '));
	END IF;
	RETURN CASE by
		WHEN 'segment' THEN 'j.segment'
		WHEN 'first_channel' THEN 'cjm.first_channel(j.journey)'
		WHEN 'last_event' THEN '(cjm.last_touch(j.journey)).event'
		WHEN 'next_event' THEN
			'(cjm.first_touch(cjm.slice(j.journey, j.times[j.step] + interval ''1 microsecond'', ''infinity''::timestamptz))).event'
	END;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_split(text, text[]) IS 'SQL: what the rows of a report are split by; an error if this report knows no such word';

-- The same of a report about walks, which has channels of three kinds, and channel alone is the walk's.  entered: SQL, the range that walks begin in, or NULL.
CREATE FUNCTION cjm_internal.map_walk_split(map cjm_internal.map, by text, entered text, VARIADIC others text[]) RETURNS text
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	arguments text := format('j.journey, %L::cjm.funnel', (map).stages) || coalesce(', ' || entered, '');
BEGIN
	RETURN CASE
		WHEN by IN ('channel', 'entry_channel') THEN format('cjm.entry_channel(%s)', arguments)
		WHEN by = 'session_channel' THEN cjm_internal.map_session_channel_sql(map, format('(cjm.funnel_times(%s))[1]', arguments))
		ELSE cjm_internal.map_split(by, VARIADIC others || '{segment,channel,entry_channel,first_channel,session_channel}'::text[]) END;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_walk_split(cjm_internal.map, text, text, text[]) IS
	'SQL: what the rows of a report about walks are split by: segment, entry_channel or channel, first_channel, session_channel (of the session in which the walk began), or some more words';

-- The same over a row s of session_groups.
CREATE FUNCTION cjm_internal.map_session_split(by text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN by IN ('channel', 'session_channel', 'entry_event', 'exit_event', 'visitor') THEN 's.label'
	ELSE cjm_internal.map_split(by, 'segment', 'channel', 'session_channel', 'first_channel', 'entry_event', 'exit_event', 'visitor') END;
COMMENT ON FUNCTION cjm_internal.map_session_split(text) IS 'SQL: what the rows of session_report are split by';

-- Unknown words are told by the function that knows them.
CREATE FUNCTION cjm_internal.map_period(period text) RETURNS interval
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cjm.entry_buckets('{}'::cjm.journey, '*'::cjm.funnel, period, 'UTC'::text);
	RETURN CASE lower(period) WHEN 'quarter' THEN interval '3 months' ELSE ('1 ' || period)::interval END;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_period(text) IS 'the length of a calendar period by its name';

-- $1 and $2 stand for a range unless it is everything.  NULL leaves an end open.
CREATE FUNCTION cjm_internal.map_ranged(from_time timestamptz, to_time timestamptz) RETURNS boolean
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF from_time > to_time THEN
		RAISE invalid_parameter_value USING MESSAGE = 'from_time must not be later than to_time';
	END IF;
	RETURN coalesce(from_time > '-infinity', false) OR coalesce(to_time < 'infinity', false);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_ranged(timestamptz, timestamptz) IS 'whether a report is asked of less than all times; an error if they are no range';

-- Fewer customers than this say nothing that is worth a headline.
CREATE FUNCTION cjm_internal.map_few() RETURNS integer
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN 30;
COMMENT ON FUNCTION cjm_internal.map_few() IS 'how many customers something has to rest on, at least, to be held up against others';

--
-- Rows, journeys, customers
--

-- One row for each of the source's that passes the filter.  A barrier keeps conditions that may tell what they see away from
-- rows that the filter holds back.
CREATE FUNCTION cjm_internal.map_events_sql(map cjm_internal.map, sample text DEFAULT '') RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN format('SELECT %s AS customer, %s AS at, %s AS event, %s AS channel, %s AS value, %s AS segment FROM %s%s%s',
		(map).customer, CASE WHEN (map).sequence IS NULL THEN (map).at ELSE format('cjm_internal.map_in_sequence(%s, %s)', (map).at, (map).sequence) END,
		(map).event, coalesce((map).channel, 'NULL::text'), coalesce((map).value, 'NULL::float8'),
		coalesce((map).segment, 'NULL::text'), (map).source, sample, ' WHERE ' || (map).filter);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_events_sql(cjm_internal.map, text) IS 'SQL of the view events: the rows of the source as the map reads them, or a sample of them';

CREATE AGGREGATE cjm_internal.map_first_touch(at timestamptz, value text) (
	SFUNC = cjm_internal.touch_agg_first,
	STYPE = internal,
	SSPACE = 112,
	FINALFUNC = cjm_internal.touch_agg_final,
	FINALFUNC_EXTRA,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.touch_agg_first_combine,
	SERIALFUNC = cjm_internal.touch_agg_serialize,
	DESERIALFUNC = cjm_internal.touch_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm_internal.map_first_touch(timestamptz, text) IS 'as first_touch, of text: the segment of the journeys of a map';

CREATE AGGREGATE cjm_internal.map_last_touch(at timestamptz, value text) (
	SFUNC = cjm_internal.touch_agg_last,
	STYPE = internal,
	SSPACE = 112,
	FINALFUNC = cjm_internal.touch_agg_final,
	FINALFUNC_EXTRA,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.touch_agg_last_combine,
	SERIALFUNC = cjm_internal.touch_agg_serialize,
	DESERIALFUNC = cjm_internal.touch_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm_internal.map_last_touch(timestamptz, text) IS 'as last_touch, of text: the segment of the journeys of a map';

CREATE FUNCTION cjm_internal.map_touch_sql(map cjm_internal.map, row_name text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('%1$s.at, %1$s.event' || CASE WHEN (map).value IS NOT NULL THEN ', nullif(%1$s.channel, ''''), %1$s.value'
	WHEN (map).channel IS NOT NULL THEN ', nullif(%1$s.channel, '''')' ELSE '' END, row_name);
COMMENT ON FUNCTION cjm_internal.map_touch_sql(cjm_internal.map, text) IS 'SQL: what journey_agg is given of a row';

CREATE FUNCTION cjm_internal.map_journeys_from_sql(map cjm_internal.map, rows text) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN format('SELECT e.customer, %s AS segment, cjm.journey_agg(%s) AS journey
		FROM %s.%I e WHERE e.customer IS NOT NULL AND e.at IS NOT NULL AND e.event <> '''' GROUP BY e.customer',
		CASE WHEN (map).segment IS NULL THEN 'NULL::text'
			ELSE format('cjm_internal.map_%s_touch(e.at, e.segment) FILTER (WHERE e.segment IS NOT NULL)', (map).segment_at) END,
		cjm_internal.map_touch_sql(map, 'e'), cjm_internal.map_schema(map), rows);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_journeys_from_sql(cjm_internal.map, text) IS 'SQL: the journeys of a map from a view that has rows as the view events has';

CREATE FUNCTION cjm_internal.map_journeys_sql(map cjm_internal.map) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN CASE WHEN cjm_internal.kept_state((map).map) IS NULL THEN cjm_internal.map_journeys_from_sql(map, 'events')
		ELSE cjm_internal.kept_journeys_sql(map) END;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_journeys_sql(cjm_internal.map) IS 'SQL of the view journeys';

-- What several columns are made of is the outer side of a join for the planner's sake alone: it is then worked out once a row, or
-- not at all where nobody asks for it, and in a worker, as a subquery that looks out at j is not.
CREATE FUNCTION cjm_internal.map_customers_sql(map cjm_internal.map) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN format('SELECT j.customer, j.segment, f.step, %2$s[f.step] AS stage, f.times[1] AS entered_at, f.times[f.step] AS reached_at,
			f.times AS step_times, f.step >= %3$s AS converted, %12$s AS open, f.refused_at,
			(cjm.session_stats(%14$s, %4$L::interval)).session_count AS sessions,
			cjm.conversions(j.journey, %1$L::cjm.funnel) AS conversions,
			cjm.touch_count(j.journey) AS touches, cjm_internal.map_money(cjm.total_value(%11$s)) AS value, cjm_internal.map_money(cjm.gross_value(%11$s)) AS gross_value,
			(cjm.first_touch(j.journey)).at AS first_seen, (cjm.last_touch(j.journey)).at AS last_seen,
			(cjm.last_touch(j.journey)).event AS last_event,
			(f.bought).last_at AS last_purchase_at, now() - (f.bought).last_at AS recency,
			extract(epoch FROM now() - (f.bought).last_at)::float8 / 86400 AS recency_days,
			(f.bought).purchase_count AS frequency, cjm_internal.map_money((f.bought).total_value) AS monetary, cjm_internal.map_money((f.bought).gross_value) AS gross_monetary,
			%6$s AS recency_score, %7$s AS frequency_score, %8$s AS monetary_score
		FROM %5$s.journeys j
			LEFT JOIN LATERAL (SELECT cjm.funnel_step(j.journey, %1$L::cjm.funnel) AS step,
				cjm.funnel_times(j.journey, %1$L::cjm.funnel) AS times, %9$s AS bought, %13$s AS refused_at) f ON true
			LEFT JOIN (%10$s) q ON true',
		(map).stages, cjm_internal.map_stage_names(map), cjm_internal.map_completed_step(map), (map).session_gap, cjm_internal.map_schema(map),
		cjm_internal.map_score_sql('last_at'), cjm_internal.map_score_sql('purchase_count'), cjm_internal.map_score_sql('total_value'), cjm_internal.map_purchases_sql(map),
		cjm_internal.map_quintiles_sql(map), cjm_internal.map_valued_journey(map),
		cjm_internal.map_open_sql(map, NULL::text), cjm_internal.map_refused_sql(map, NULL::text), cjm_internal.map_visits_sql(map, 'j.journey'));
END
$$;
COMMENT ON FUNCTION cjm_internal.map_customers_sql(cjm_internal.map) IS 'SQL of the view customers';

--
-- The funnel
--

-- by and bucket may be NULL.  To report those who are open, and those who refused, have dropped like all who have not gone on; nobody is two of
-- these.  Who refused is a part of all: what of them drops after a step was refused there.  closed: the bucket is over, and the time limit of all
-- walks that began in it, if there is one.
CREATE FUNCTION cjm_internal.map_funnel_sql(map cjm_internal.map, lead text, by text, bucket text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	entered text := CASE WHEN bucket IS NULL AND ranged THEN 'tstzrange($1, $2)'
		WHEN ranged THEN 'b.entered * tstzrange($1, $2)'
		WHEN bucket IS NOT NULL THEN 'b.entered' END;
	refused text := CASE WHEN (map).refusal IS NOT NULL THEN cjm_internal.map_refused_sql(map, entered) END;
BEGIN
	RETURN format('SELECT %1$s r.step, r.stage, r.customers, r.step_rate, r.overall_rate, o.dropped, o.dropped::float8 / nullif(r.customers, 0)::float8 AS drop_rate,
			o.open_customers, r.rate_low, r.rate_high,
			r.median_time, r.mean_time, r.p90_time, r.median_total, r.p90_total,
			extract(epoch FROM r.median_time)::float8 AS median_time_seconds,
			extract(epoch FROM r.mean_time)::float8 AS mean_time_seconds,
			extract(epoch FROM r.p90_time)::float8 AS p90_time_seconds,
			extract(epoch FROM r.median_total)::float8 AS median_total_seconds,
			extract(epoch FROM r.p90_total)::float8 AS p90_total_seconds, o.refused
		FROM (SELECT %2$s AS label, %3$s AS entered, cjm.funnel_agg(j.journey, %4$L::cjm.funnel%5$s) AS stats,
				cjm_internal.funnel_open_agg(j.journey, %4$L::cjm.funnel, now(), %10$s)%11$s AS open%12$s
			FROM %6$s.journeys j%7$s%8$s) s
		CROSS JOIN LATERAL cjm.report(coalesce(s.stats, cjm.funnel_stats(%4$L::cjm.funnel))) r%14$s
		CROSS JOIN LATERAL (SELECT r.dropped - c.open - c.refused AS dropped, c.open AS open_customers, c.refused
			FROM (SELECT CASE WHEN r.dropped IS NOT NULL THEN coalesce(s.open[r.step], 0) END AS open, %13$s AS refused) c) o
		ORDER BY %9$s r.step',
		lead, cjm_internal.map_walk_split(map, by, entered, VARIADIC '{}'),
		CASE WHEN bucket IS NULL THEN 'NULL::tstzrange' ELSE 'b.entered' END,
		(map).stages, ', ' || entered, cjm_internal.map_schema(map),
		-- Who refused is asked once, and not where it is used, which is twice.
		concat(CASE WHEN bucket IS NOT NULL THEN format(' CROSS JOIN LATERAL cjm.entry_buckets(j.journey, %L::cjm.funnel, %L::text, %L::text) b(entered)',
				(map).stages, bucket, (map).time_zone) END,
			' CROSS JOIN LATERAL (SELECT ' || refused || ' AS at OFFSET 0) x',
			CASE WHEN bucket IS NOT NULL AND ranged THEN ' WHERE b.entered && tstzrange($1, $2)' END),
		CASE WHEN by IS NOT NULL AND bucket IS NOT NULL THEN ' GROUP BY 1, 2'
			WHEN by IS NOT NULL THEN ' GROUP BY 1'
			WHEN bucket IS NOT NULL THEN ' GROUP BY 2' END,
		CASE WHEN bucket IS NOT NULL THEN 's.entered, ' ELSE '' END || CASE WHEN by IS NOT NULL THEN 's.label COLLATE "C", ' ELSE '' END,
		coalesce(entered, '''(,)''::tstzrange'),
		CASE WHEN refused IS NOT NULL THEN ' FILTER (WHERE x.at IS NULL)' END,
		CASE WHEN refused IS NOT NULL THEN format(', cjm.funnel_agg(j.journey, %L::cjm.funnel%s) FILTER (WHERE x.at IS NOT NULL) AS refused', (map).stages, ', ' || entered) END,
		CASE WHEN refused IS NULL THEN 'CASE WHEN r.dropped IS NOT NULL THEN 0::bigint END' ELSE 'n.dropped' END,
		CASE WHEN refused IS NOT NULL THEN format(' JOIN LATERAL cjm.report(coalesce(s.refused, cjm.funnel_stats(%L::cjm.funnel))) n ON n.step = r.step', (map).stages) END);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_funnel_sql(cjm_internal.map, text, text, text, boolean) IS 'SQL of the views funnel, funnel_by_segment, funnel_by_week and of funnel_report';

CREATE FUNCTION cjm_internal.map_bucket_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('coalesce(upper(s.entered) + %L::interval <= now(), false)', coalesce(cjm.funnel_within((map).stages), interval '0'));
COMMENT ON FUNCTION cjm_internal.map_bucket_sql(cjm_internal.map) IS 'SQL: whether an entry bucket and the time limit of its walks are over';

-- Who has begun and not completed it, by the deepest step.
CREATE FUNCTION cjm_internal.map_drop_off_sql(map cjm_internal.map, label text, by text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN format('WITH stopped AS (
			SELECT j.step, %6$s AS label, CASE WHEN %11$s IS NOT NULL THEN ''refused'' WHEN %10$s THEN ''open'' ELSE ''dropped'' END AS state, %4$s AS next_event,
				(cjm.last_touch(j.journey)).at AS last_seen
			FROM (SELECT j.journey, %9$s AS segment, cjm.funnel_step(j.journey, %1$L::cjm.funnel%7$s) AS step,
					cjm.funnel_times(j.journey, %1$L::cjm.funnel%7$s) AS times FROM %5$s.journeys j OFFSET ''0'') j
			WHERE j.step > 0 AND j.step < %3$s
		), nexts AS (
			SELECT DISTINCT ON (step, label) step, label, next_event, count(*) AS customers
			FROM stopped WHERE state = ''dropped'' AND next_event IS NOT NULL
			GROUP BY step, label, next_event
			ORDER BY step, label, count(*) DESC, next_event COLLATE "C"
		)
		SELECT s.step, %2$s[s.step] AS stage, s.label AS %8$I, s.customers,
			s.customers::float8 / nullif(sum(s.customers) OVER (), 0)::float8 AS share,
			s.open_customers, (extract(epoch FROM now() - s.median_last_seen) / 86400)::float8 AS median_days_since,
			n.next_event, coalesce(n.customers, 0) AS next_customers, s.refused
		FROM (SELECT step, label, count(*) FILTER (WHERE state = ''dropped'') AS customers, count(*) FILTER (WHERE state = ''open'') AS open_customers,
				count(*) FILTER (WHERE state = ''refused'') AS refused,
				percentile_disc(0.5) WITHIN GROUP (ORDER BY last_seen DESC) FILTER (WHERE state = ''dropped'') AS median_last_seen
			FROM stopped GROUP BY step, label) s
			LEFT JOIN nexts n ON n.step = s.step AND n.label IS NOT DISTINCT FROM s.label
		ORDER BY s.step, s.customers DESC, s.label COLLATE "C"',
		(map).stages, cjm_internal.map_stage_names(map), cjm_internal.map_completed_step(map), cjm_internal.map_split('next_event', 'next_event'), cjm_internal.map_schema(map),
		cjm_internal.map_walk_split(map, by, CASE WHEN ranged THEN 'tstzrange($1, $2)' END, 'last_event', 'next_event'),
		CASE WHEN ranged THEN ', tstzrange($1, $2)' END, label, CASE by WHEN 'segment' THEN 'j.segment' ELSE 'NULL::text' END,
		format('cjm.funnel_open(j.journey, %L::cjm.funnel, now()%s)', (map).stages, CASE WHEN ranged THEN ', tstzrange($1, $2)' END),
		cjm_internal.map_refused_sql(map, CASE WHEN ranged THEN 'tstzrange($1, $2)' END));
END
$$;
COMMENT ON FUNCTION cjm_internal.map_drop_off_sql(cjm_internal.map, text, text, boolean) IS 'SQL of the view drop_off and of drop_off_report';

--
-- Sessions
--

CREATE FUNCTION cjm_internal.map_sessions_sql(map cjm_internal.map) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN format('SELECT j.customer, j.segment, s.session_number,
			CASE WHEN s.session_number = 1 THEN ''new'' ELSE ''returning'' END AS visitor,
			(s.started_at AT TIME ZONE %L)::date AS day, s.started_at, s.ended_at, s.ended_at - s.started_at AS duration,
			cjm.interval_seconds(s.ended_at - s.started_at) AS duration_seconds,
			s.touch_count AS touches, s.entry_event, s.exit_event, s.channel, cjm_internal.map_money(s.value) AS value, s.bounced, cjm_internal.map_money(s.gross_value) AS gross_value
		FROM %s.journeys j CROSS JOIN LATERAL cjm.sessions(%s, %L::interval) s',
		(map).time_zone, cjm_internal.map_schema(map), cjm_internal.map_visits_sql(map, cjm_internal.map_valued_journey(map)), (map).session_gap);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_sessions_sql(cjm_internal.map) IS 'SQL of the view sessions';

-- An event that begins no session has its exits here all the same.  Means are taken of whole microseconds, so that they are the
-- same in whatever order workers add them up.
CREATE FUNCTION cjm_internal.map_bounce_sql(map cjm_internal.map) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN format('SELECT s.event, s.channel, s.sessions, s.bounces, s.bounces::float8 / nullif(s.sessions, 0)::float8 AS bounce_rate,
			s.containing, s.exits, s.exits::float8 / s.containing::float8 AS exit_rate,
			s.touches::float8 / nullif(s.sessions, 0)::float8 AS touches_per_session,
			justify_hours(make_interval(secs => s.mean_seconds)) AS mean_time, justify_hours(make_interval(secs => s.median_seconds)) AS median_time,
			s.mean_seconds AS mean_time_seconds, s.median_seconds AS median_time_seconds,
			s.new_sessions, s.returning_sessions
		FROM (SELECT e.event, e.channel,
				count(*) FILTER (WHERE e.is_entry) AS sessions,
				count(*) FILTER (WHERE e.is_entry AND e.bounced) AS bounces,
				count(*) AS containing,
				count(*) FILTER (WHERE e.is_exit) AS exits,
				sum(e.touch_count) FILTER (WHERE e.is_entry) AS touches,
				(avg((e.seconds * 1e6)::bigint) FILTER (WHERE e.is_entry) / 1e6)::float8 AS mean_seconds,
				cjm.median(e.seconds) FILTER (WHERE e.is_entry) AS median_seconds,
				count(*) FILTER (WHERE e.is_entry AND e.session_number = 1) AS new_sessions,
				count(*) FILTER (WHERE e.is_entry AND e.session_number > 1) AS returning_sessions
			FROM %s.journeys j CROSS JOIN LATERAL cjm.session_events(%s, %L::interval) e
			GROUP BY e.event, e.channel) s
		ORDER BY s.sessions DESC, s.containing DESC, s.event COLLATE "C", s.channel COLLATE "C"',
		cjm_internal.map_schema(map), cjm_internal.map_visits_sql(map, 'j.journey'), (map).session_gap);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_bounce_sql(cjm_internal.map) IS 'SQL of the view bounce';

-- Customers are counted by the first of their sessions in a group, so that no key is asked for: a role that may read journeys
-- without their customers can have this report as it has the others.
CREATE FUNCTION cjm_internal.map_session_report_sql(map cjm_internal.map, by text, bucket text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN format('SELECT s.label, s.bucket_start, s.sessions, s.customers, s.new_sessions, s.returning_sessions,
			s.bounces, s.bounces::float8 / nullif(s.sessions, 0)::float8, s.touches::float8 / nullif(s.sessions, 0)::float8,
			t.mean_time, t.median_time, extract(epoch FROM t.mean_time)::float8, extract(epoch FROM t.median_time)::float8,
			s.value, trim_scale(s.value / nullif(s.sessions, 0)::numeric), s.gross_value
		FROM (SELECT %s AS label, %s AS bucket_start, count(*) AS sessions, count(*) FILTER (WHERE s.is_first) AS customers,
				count(*) FILTER (WHERE s.session_number = 1) AS new_sessions,
				count(*) FILTER (WHERE s.session_number > 1) AS returning_sessions,
				count(*) FILTER (WHERE s.bounced) AS bounces, sum(s.touch_count) AS touches,
				(avg((s.seconds * 1e6)::bigint) / 1e6)::float8 AS mean_seconds, cjm.median(s.seconds) AS median_seconds, sum(cjm_internal.map_money(s.value)) AS value, sum(cjm_internal.map_money(s.gross_value)) AS gross_value
			FROM %s.journeys j CROSS JOIN LATERAL cjm.session_groups(%s, %L::interval, %L::text, %L::text, %L::text, %s) s%s) s
			CROSS JOIN LATERAL (SELECT justify_hours(make_interval(secs => s.mean_seconds)) AS mean_time,
				justify_hours(make_interval(secs => s.median_seconds)) AS median_time) t
		ORDER BY s.bucket_start, s.label COLLATE "C"',
		cjm_internal.map_session_split(by), CASE WHEN bucket IS NULL THEN 'NULL::timestamptz' ELSE 's.bucket_start' END,
		cjm_internal.map_schema(map), cjm_internal.map_visits_sql(map, cjm_internal.map_valued_journey(map)), (map).session_gap,
		CASE WHEN cjm_internal.map_session_split(by) = 's.label' THEN CASE by WHEN 'session_channel' THEN 'channel' ELSE by END END, bucket, (map).time_zone, CASE WHEN ranged THEN '$1, $2' ELSE '''-infinity''::timestamptz, ''infinity''::timestamptz' END,
		CASE WHEN by IS NOT NULL AND bucket IS NOT NULL THEN ' GROUP BY 1, 2'
			WHEN by IS NOT NULL THEN ' GROUP BY 1'
			WHEN bucket IS NOT NULL THEN ' GROUP BY 2' END);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_session_report_sql(cjm_internal.map, text, text, boolean) IS 'SQL of session_report';

--
-- Coming back
--

-- The period that now() lies in, as a local date: no report counts periods up to a time that is only a stand-in for "never".
CREATE FUNCTION cjm_internal.map_present_sql(map cjm_internal.map, period text) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('date_trunc(%L, now() AT TIME ZONE %L)::date', lower(period), (map).time_zone);
COMMENT ON FUNCTION cjm_internal.map_present_sql(cjm_internal.map, text) IS 'SQL: the first day of the present period in the time zone of a map';

-- Cohorts by the period of the first touchpoint.  All local dates.  Many customers were there in the same periods, so
-- those are counted first and then taken apart: what is left to do after the journeys are read is small.  A cohort of the
-- future has the cell of its own period, since no series may end after the present.
CREATE FUNCTION cjm_internal.map_retention_sql(map cjm_internal.map, period text, kind text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	step interval := cjm_internal.map_period(period);
BEGIN
	IF step < interval '1 day' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'retention by the hour is not known',
			HINT = 'Periods are day, week, month, quarter and year.';
	ELSIF kind <> ALL (ARRAY['in', 'on_or_after']) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('unknown kind of retention "%s"', kind),
			HINT = 'It is in, for customers seen in a period, or on_or_after, for those seen in it or in a later one.';
	END IF;
	RETURN format('WITH active AS (
			SELECT %9$s AS periods, a.wanted, count(*) AS customers
			FROM (SELECT cjm.active_periods(j.journey, %1$L::text, %2$L::text) AS periods, %4$s AS wanted FROM %5$s.journeys j OFFSET ''0'') a
			GROUP BY 1, 2
		), latest AS (
			SELECT least(max(a.periods[cardinality(a.periods)]), %8$s) AS period FROM active a
		), counted AS (
			SELECT a.periods[1] AS cohort, p.period, a.wanted, sum(a.customers) AS customers
			FROM active a CROSS JOIN latest CROSS JOIN LATERAL unnest(%3$s) p(period)
			GROUP BY 1, 2, 3
		), cohorts AS (
			SELECT DISTINCT c.cohort FROM counted c WHERE c.wanted
		), cells AS (
			SELECT c.cohort, g.number::integer - 1 AS number, g.period::date AS period
			FROM cohorts c CROSS JOIN latest
				CROSS JOIN LATERAL generate_series(c.cohort::timestamp, latest.period::timestamp, %6$L::interval)
					WITH ORDINALITY g(period, number)
			UNION ALL
			SELECT c.cohort, 0, c.cohort FROM cohorts c CROSS JOIN latest WHERE c.cohort > latest.period
		), retained AS (
			SELECT c.cohort, c.number, c.period, %7$s::bigint AS retained
			FROM cells c LEFT JOIN counted k ON k.wanted AND k.cohort = c.cohort AND k.period = c.period
		)
		SELECT r.cohort, r.number, r.period, s.retained AS cohort_size, r.retained,
			r.retained::float8 / s.retained::float8 AS rate, 1 - r.retained::float8 / s.retained::float8 AS churn,
			%10$s AS period_over
		FROM retained r JOIN retained s ON s.cohort = r.cohort AND s.number = 0
		ORDER BY r.cohort, r.number',
		lower(period), (map).time_zone,
		CASE kind WHEN 'in' THEN 'a.periods' ELSE 'ARRAY[greatest(a.periods[1], least(a.periods[2], latest.period))]' END,
		CASE WHEN ranged THEN '((cjm.first_touch(j.journey)).at >= $1 AND (cjm.first_touch(j.journey)).at < $2)' ELSE 'true' END,
		cjm_internal.map_schema(map),
		step, CASE kind WHEN 'in' THEN 'coalesce(k.customers, 0)'
			ELSE 'sum(coalesce(k.customers, 0)) OVER (PARTITION BY c.cohort ORDER BY c.number DESC)' END,
		cjm_internal.map_present_sql(map, period),
		CASE kind WHEN 'in' THEN 'a.periods' ELSE 'ARRAY[a.periods[1], a.periods[cardinality(a.periods)]]' END,
		-- Who comes later was there "later" in every period before.
		CASE kind WHEN 'in' THEN 'r.period < ' || cjm_internal.map_present_sql(map, period) ELSE 'NULL::boolean' END);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_retention_sql(cjm_internal.map, text, text, boolean) IS 'SQL of the view retention and of retention_report';
--
-- The queries of a map that look at the journey itself: what customers meet at
-- each stage, where they stand, what follows what.
--
-- As in 905-map_views.sql: each returns the text of a query that reads the
-- journeys once and takes the ends of a time range as $1 and $2.
--

-- What touchpoints are counted by.
CREATE FUNCTION cjm_internal.map_touch_by(by text) RETURNS text
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF by IS NULL OR by <> ALL (ARRAY['event', 'channel']) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'this report cannot be by ' || coalesce('"' || by || '"', 'NULL'),
			HINT = 'It is by event or by channel.';
	END IF;
	RETURN by;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_touch_by(text) IS 'event or channel; an error if it is something else';

CREATE FUNCTION cjm_internal.map_windows() RETURNS float8[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT ARRAY[60, 3600, 86400, 604800, 2592000, 7776000, 31536000, 315360000]::float8[];
END;
COMMENT ON FUNCTION cjm_internal.map_windows() IS 'a minute, an hour, 1, 7, 30 and 90 days, a year and ten, in seconds';

CREATE FUNCTION cjm_internal.map_window(seconds float8) RETURNS integer
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN width_bucket(seconds, cjm_internal.map_windows());
COMMENT ON FUNCTION cjm_internal.map_window(float8) IS 'how many of map_windows are at most so long';

-- Where it depends on when something happened, times are counted by how long they are, so that nothing but counts has to be kept: of two times in
-- the same 1 % it does not matter which was first.
CREATE FUNCTION cjm_internal.map_moment(seconds float8) RETURNS integer
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN floor(100 * ln(1 + 1e6 * abs(seconds)))::integer;
COMMENT ON FUNCTION cjm_internal.map_moment(float8) IS 'the number of a time on a logarithmic scale, from 0: each microsecond has one of its own, or each 1 % if that is more';

-- met: customers by when they met something at a stage, and by when they left it (in rows without a label: all of them), by whether they went on, and
-- by how long ago they came.  fair: the time in which nine of ten who went on had done so.  points, of customers who have had that time by now and
-- who did not leave as soon as they came: who met something at a moment, how many who had met it before were still there, and how many of all.  risk:
-- who met it, against those who were there as long and had not met it.  compared: of how many rows the differences are shown that rest on enough.
CREATE FUNCTION cjm_internal.map_touchpoints_sql(map cjm_internal.map, label text, by text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN format('WITH met AS (
			SELECT e.step, e.label, p.met, coalesce(e.went_on, false) AS went_on, coalesce(e.stayed <> 0, true) AS stayed, cjm_internal.map_window(e.went_on_after) AS took,
				cjm_internal.map_window(date_part(''epoch'', now() - e.reached_at)) AS age, cjm_internal.map_moment(CASE WHEN p.met THEN e.met_after ELSE e.stayed END) AS moment,
				count(*) AS customers, sum(e.touches) AS touches, min(e.first_seen) AS first_seen, max(e.last_seen) AS last_seen
			FROM %3$s.journeys j CROSS JOIN LATERAL cjm.stage_touches(j.journey, %1$L::cjm.funnel, %4$L::text, %5$s) e CROSS JOIN (VALUES (true), (false)) p(met)
			WHERE CASE WHEN p.met THEN e.label IS NOT NULL ELSE e.label IS NULL OR e.stayed IS NOT NULL END%6$s GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
		), fair AS (
			SELECT w.step, min(w.seconds) AS seconds, cjm_internal.map_moment(min(w.seconds)) AS until, cjm_internal.map_window(min(w.seconds)) AS age
			FROM (SELECT m.step, u.seconds, sum(m.customers) FILTER (WHERE m.took < cjm_internal.map_window(u.seconds)) AS by_then, sum(m.customers) AS ever
				FROM met m CROSS JOIN unnest(cjm_internal.map_windows()) u(seconds) WHERE m.label IS NULL AND m.went_on GROUP BY m.step, u.seconds) w
			WHERE w.by_then >= 0.9 * w.ever GROUP BY w.step
		), points AS (
			SELECT p.*, sum(p.met - p.gone) OVER earlier - (p.met - p.gone) AS had_met,
				sum(p.met_and_went - p.gone_and_went) OVER earlier - (p.met_and_went - p.gone_and_went) AS had_met_and_went,
				sum(p.gone) FILTER (WHERE p.label IS NULL) OVER later AS there, sum(p.gone_and_went) FILTER (WHERE p.label IS NULL) OVER later AS there_and_went
			FROM (SELECT m.step, m.label, m.moment, f.until, coalesce(sum(m.customers) FILTER (WHERE m.met), 0) AS met,
					coalesce(sum(m.customers) FILTER (WHERE m.met AND m.went_on), 0) AS met_and_went, coalesce(sum(m.customers) FILTER (WHERE NOT m.met), 0) AS gone,
					coalesce(sum(m.customers) FILTER (WHERE NOT m.met AND m.went_on), 0) AS gone_and_went
				FROM met m JOIN fair f ON f.step = m.step AND m.age >= f.age WHERE m.stayed GROUP BY 1, 2, 3, 4) p
			WINDOW earlier AS (PARTITION BY p.step, p.label ORDER BY p.moment), later AS (PARTITION BY p.step ORDER BY p.moment DESC)
		), risk AS (
			SELECT p.step, p.label, p.moment, p.met, p.met_and_went, p.there - p.had_met - p.met AS there, p.there_and_went - p.had_met_and_went - p.met_and_went AS went_on
			FROM points p WHERE p.met > 0 AND p.moment < p.until
		), compared AS (
			SELECT greatest(count(*), 1) AS comparisons
			FROM (SELECT FROM risk r WHERE r.there > 0 GROUP BY r.step, r.label HAVING sum(r.met) >= %8$s AND max(r.there) >= %8$s) r
		), rates AS (
			SELECT r.step, r.label, sum(r.met)::bigint AS met, sum(r.met_and_went)::bigint AS met_and_went,
				sum(r.met) FILTER (WHERE r.there > 0)::bigint AS some_met, sum(r.met_and_went) FILTER (WHERE r.there > 0)::bigint AS some_met_and_went,
				max(r.there)::bigint AS there, sum(r.met::float8 * i.rate ORDER BY r.moment) AS rate, sum(r.met::float8 * i.rate_low ORDER BY r.moment) AS low,
				sum(r.met::float8 * i.rate_high ORDER BY r.moment) AS high
			FROM risk r CROSS JOIN compared c CROSS JOIN LATERAL cjm.rate_interval(r.went_on::bigint, r.there::bigint, c.comparisons) i GROUP BY 1, 2
		)
		SELECT t.step, %2$s[t.step] AS stage, t.label AS %7$I, t.customers, t.customers::float8 / t.all_customers::float8 AS share,
			t.touches, t.first_seen, t.last_seen, justify_hours(make_interval(secs => f.seconds)) AS compared_within,
			CASE WHEN f.step IS NOT NULL THEN coalesce(c.some_met, c.met, 0) END AS with_customers,
			CASE WHEN f.step IS NOT NULL THEN coalesce(c.some_met_and_went, c.met_and_went, 0) END AS with_went_on, v.rate AS with_rate,
			nullif(c.there, 0) AS without_customers, u.rate AS without_rate, d.difference, d.low AS difference_low, d.high AS difference_high,
			CASE WHEN d.difference IS NOT NULL THEN (d.low > 0 OR d.high < 0) AND c.some_met >= %8$s AND c.there >= %8$s END AS sure
		FROM (SELECT m.step, m.label, (sum(m.customers) FILTER (WHERE m.met OR m.label IS NULL))::bigint AS customers, (sum(m.touches) FILTER (WHERE m.met OR m.label IS NULL))::bigint AS touches,
				min(m.first_seen) AS first_seen, max(m.last_seen) AS last_seen,
				max(sum(m.customers)) FILTER (WHERE m.label IS NULL) OVER (PARTITION BY m.step) AS all_customers
			FROM met m GROUP BY m.step, m.label) t
			CROSS JOIN compared n
			LEFT JOIN fair f ON f.step = t.step
			LEFT JOIN rates c ON c.step = t.step AND c.label = t.label
			CROSS JOIN LATERAL (SELECT c.rate / c.some_met::float8 AS rate, c.low / c.some_met::float8 AS low, c.high / c.some_met::float8 AS high) u
			CROSS JOIN LATERAL cjm.rate_interval(coalesce(c.some_met_and_went, c.met_and_went), coalesce(c.some_met, c.met), n.comparisons) v
			CROSS JOIN LATERAL (SELECT v.rate - u.rate AS difference, v.rate - u.rate - sqrt((v.rate - v.rate_low) ^ 2 + (u.high - u.rate) ^ 2) AS low,
				v.rate - u.rate + sqrt((v.rate_high - v.rate) ^ 2 + (u.rate - u.low) ^ 2) AS high) d
		WHERE t.label IS NOT NULL
		ORDER BY t.step, t.customers DESC, t.label COLLATE "C"',
		(map).stages, cjm_internal.map_stage_names(map), cjm_internal.map_schema(map), cjm_internal.map_touch_by(by),
		CASE WHEN ranged THEN 'tstzrange($1, $2)' ELSE '''(,)''::tstzrange' END, CASE WHEN ranged THEN ' AND e.step > 0' END, label, cjm_internal.map_few());
END
$$;
COMMENT ON FUNCTION cjm_internal.map_touchpoints_sql(cjm_internal.map, text, text, boolean) IS 'SQL of the view touchpoints and of touchpoint_report';

-- Every stage is there, and before the first one those who have not begun.
CREATE FUNCTION cjm_internal.map_stages_sql(map cjm_internal.map, lead text, by text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN format('WITH counted AS (
			SELECT f.step, %5$s AS label, count(*) FILTER (WHERE NOT f.open AND NOT f.refused) AS customers, count(*) FILTER (WHERE f.open) AS open_customers,
				count(*) FILTER (WHERE f.refused) AS refused,
				percentile_disc(0.5) WITHIN GROUP (ORDER BY f.days) FILTER (WHERE NOT f.open AND NOT f.refused) AS median_days_since,
				percentile_disc(0.5) WITHIN GROUP (ORDER BY f.days) FILTER (WHERE f.open) AS open_median_days_since
			FROM %4$s.journeys j CROSS JOIN LATERAL (
				SELECT cjm.funnel_step(j.journey, %1$L::cjm.funnel%6$s) AS step, %11$s AS open, %12$s IS NOT NULL AS refused,
					(extract(epoch FROM now() - (cjm.last_touch(j.journey)).at) / 86400)::float8 AS days OFFSET 0) f
			GROUP BY 1, 2
		)
		SELECT %7$s s.step, %2$s[s.step] AS stage, s.step >= %3$s AS converted, coalesce(c.customers, 0) AS customers,
			coalesce(c.customers, 0)::float8 / nullif(sum(c.customers) OVER (PARTITION BY l.label), 0)::float8 AS share,
			coalesce(c.open_customers, 0) AS open_customers, c.median_days_since, c.open_median_days_since,
			coalesce(c.refused, 0) AS refused
		FROM %8$s l(label) CROSS JOIN generate_series(%9$s, %10$s) s(step)
			LEFT JOIN counted c ON c.step = s.step AND c.label IS NOT DISTINCT FROM l.label
		ORDER BY l.label COLLATE "C", s.step',
		(map).stages, cjm_internal.map_stage_names(map), cjm_internal.map_completed_step(map), cjm_internal.map_schema(map), cjm_internal.map_walk_split(map, by, CASE WHEN ranged THEN 'tstzrange($1, $2)' END, VARIADIC '{}'),
		CASE WHEN ranged THEN ', tstzrange($1, $2)' END, lead,
		CASE WHEN by IS NULL THEN '(VALUES (NULL::text))' ELSE '(SELECT DISTINCT label FROM counted)' END,
		CASE WHEN ranged THEN 1 ELSE 0 END, (SELECT max(s.step) FROM cjm.funnel_stages((map).stages) s),
		cjm_internal.map_open_sql(map, CASE WHEN ranged THEN 'tstzrange($1, $2)' END), cjm_internal.map_refused_sql(map, CASE WHEN ranged THEN 'tstzrange($1, $2)' END));
END
$$;
COMMENT ON FUNCTION cjm_internal.map_stages_sql(cjm_internal.map, text, text, boolean) IS 'SQL of the view stages and of stage_report';

-- Customers first seen in a range.
CREATE FUNCTION cjm_internal.map_first_seen_sql(ranged boolean) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN ranged THEN 'WHERE (cjm.first_touch(j.journey)).at >= $1 AND (cjm.first_touch(j.journey)).at < $2' ELSE '' END;
COMMENT ON FUNCTION cjm_internal.map_first_seen_sql(boolean) IS 'SQL: the condition on journeys j that begin in a range';

-- By position a name says where it stands, so that no path leads back to where it came from.
CREATE FUNCTION cjm_internal.map_transitions_sql(map cjm_internal.map, lead text, by text, depth integer, repeats boolean, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF depth < 2 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('depth must be at least 2, not %s', depth),
			HINT = 'It is the number of positions; NULL is for pairs wherever they stand.';
	ELSIF repeats IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'repeats must not be NULL';
	END IF;
	RETURN format('SELECT %1$s t.source, t.target, t.value, t.customers, t.value::float8 / t.leaving::float8 AS share
		FROM (SELECT %2$s AS source, %3$s AS target, count(*) AS value, count(*) FILTER (WHERE x.occurrence = 1%8$s) AS customers,
				sum(count(*)) OVER (PARTITION BY %9$sx.source) AS leaving%10$s
			FROM %4$s.journeys j CROSS JOIN LATERAL cjm.transitions(j.journey, %5$L::text, %6$s) x
			%7$s GROUP BY %9$sx.source, x.target) t
		WHERE t.target IS NOT NULL
		ORDER BY %11$st.value DESC, t.source COLLATE "C", t.target COLLATE "C"',
		lead,
		CASE WHEN depth IS NULL THEN 'x.source' ELSE 'x.position || ''. '' || x.source' END,
		CASE WHEN depth IS NULL THEN 'x.target' ELSE '(x.position + 1) || ''. '' || x.target' END,
		cjm_internal.map_schema(map), cjm_internal.map_touch_by(by),
		format('%L::integer, %L::boolean', coalesce(depth, 16777216), repeats),
		cjm_internal.map_first_seen_sql(ranged),
		CASE WHEN depth IS NULL THEN '' ELSE ' OR true' END,
		CASE WHEN depth IS NULL THEN '' ELSE 'x.position, ' END,
		CASE WHEN depth IS NULL THEN '' ELSE ', x.position' END,
		CASE WHEN depth IS NULL THEN '' ELSE 't.position, ' END);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_transitions_sql(cjm_internal.map, text, text, integer, boolean, boolean) IS 'SQL of the view transitions and of transition_report';

-- The path of a customer who converted ends with the first completion.  Of the walk that wins that is the last stage's time; but
-- where optional stages follow the completion, a later walk may win, so it is asked when a customer first stood there.
CREATE FUNCTION cjm_internal.map_paths_sql(map cjm_internal.map, by text, depth integer, repeats boolean, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF depth IS NULL OR repeats IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'depth and repeats must not be NULL';
	ELSIF depth < 1 THEN
		RAISE invalid_parameter_value USING MESSAGE = format('depth must be at least 1, not %s', depth);
	END IF;
	RETURN format('SELECT array_to_string(p.nodes, '' > '') AS path, p.nodes, p.customers,
			p.customers::float8 / (sum(p.customers) OVER ())::float8 AS share, p.converted, p.converted::float8 / p.customers::float8 AS rate
		FROM (SELECT cjm.%1$s_path(CASE WHEN f.completed_at IS NULL THEN j.journey
					ELSE cjm.slice(j.journey, ''-infinity''::timestamptz, f.completed_at + interval ''1 microsecond'') END, %2$L::integer, %3$L::boolean) AS nodes,
				count(*) AS customers, count(f.completed_at) AS converted
			FROM %4$s.journeys j CROSS JOIN LATERAL (SELECT %5$s AS completed_at OFFSET 0) f
			%6$s GROUP BY 1) p
		ORDER BY p.customers DESC, p.nodes COLLATE "C"',
		cjm_internal.map_touch_by(by), depth, repeats, cjm_internal.map_schema(map),
		format(CASE WHEN cjm_internal.map_completed_step(map) = (SELECT max(s.step) FROM cjm.funnel_stages((map).stages) s)
				THEN '(cjm.funnel_times(j.journey, %1$L::cjm.funnel))[%2$s]'
				ELSE '(SELECT min(e.reached_at) FROM cjm.stage_touches(j.journey, %1$L::cjm.funnel, ''event''::text, ''(,)''::tstzrange) e WHERE e.label IS NULL AND e.step >= %2$s)' END,
			(map).stages, cjm_internal.map_completed_step(map)),
		cjm_internal.map_first_seen_sql(ranged));
END
$$;
COMMENT ON FUNCTION cjm_internal.map_paths_sql(cjm_internal.map, text, integer, boolean, boolean) IS 'SQL of the view paths and of path_report';

-- The comments of these views; column NULL: the view itself.
CREATE FUNCTION cjm_internal.map_journey_comments() RETURNS TABLE (view_name text, column_name text, comment text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 46
BEGIN ATOMIC
	VALUES
		('touchpoints', NULL, 'the journey map: one row per stage and event that customers met while they stood there'),
		('touchpoints', 'step', 'number of the stage, 0 before the first one'),
		('touchpoints', 'stage', 'its name, NULL before the first one'),
		('touchpoints', 'event', 'the event'),
		('touchpoints', 'customers', 'who met it while they stood there: from the time they reached the stage until they reached a deeper one'),
		('touchpoints', 'share', 'their share of all who stood there'),
		('touchpoints', 'touches', 'how often they met it there'),
		('touchpoints', 'first_seen', 'the earliest of these touchpoints'),
		('touchpoints', 'last_seen', 'the latest of them'),
		('touchpoints', 'compared_within', 'the time, rounded up, in which nine of ten of those who went on from the stage had done so; only what was met in it is compared, of customers who have had that time by now'),
		('touchpoints', 'with_customers', 'customers who met the event in that time and can be compared'),
		('touchpoints', 'with_went_on', 'those of them who reached the next mandatory stage'),
		('touchpoints', 'with_rate', 'with_went_on / with_customers'),
		('touchpoints', 'without_customers', 'customers whom they are compared with: each of them with those who had been at the stage as long, had neither gone on nor met the event before, and did not meet it then'),
		('touchpoints', 'without_rate', 'the share of these who reached the next mandatory stage, mean over with_customers'),
		('touchpoints', 'difference', 'with_rate - without_rate: it goes with the event, but need not come of it'),
		('touchpoints', 'difference_low', 'lower end of its interval (Newcombe), which is so wide that those of all rows that rest on at least 30 customers on both sides hold together with 95 % (Bonferroni)'),
		('touchpoints', 'difference_high', 'upper end of it'),
		('touchpoints', 'sure', 'whether the interval leaves out 0 and there are at least 30 customers on both sides; NULL where there is nobody to compare with'),

		('stages', NULL, 'one row per stage: who stands there now, that is, whose deepest step it is'),
		('stages', 'step', 'number of the stage, 0 for those who have not begun'),
		('stages', 'stage', 'its name, NULL for those who have not begun'),
		('stages', 'converted', 'whether the funnel is completed with this stage'),
		('stages', 'customers', 'how many stand there, without those who are open or refused'),
		('stages', 'share', 'their share of all such customers'),
		('stages', 'open_customers', 'how many stand there and may yet go on'),
		('stages', 'median_days_since', 'days of 24 hours since the last touchpoint of these, median'),
		('stages', 'open_median_days_since', 'the same of those who are open'),
		('stages', 'refused', 'how many are there and have said no'),

		('transitions', NULL, 'one row per event and the event that came next, for a Sankey chart; the same event several times running counts once'),
		('transitions', 'source', 'the event'),
		('transitions', 'target', 'the event that came next'),
		('transitions', 'value', 'how often it did'),
		('transitions', 'customers', 'of how many customers'),
		('transitions', 'share', 'value / how often the source was there at all; what is missing to 1 are journeys that end with it'),

		('paths', NULL, 'one row per path: the first ten events of journeys, up to the completion of the funnel; the same event several times running counts once'),
		('paths', 'path', 'the events with " > " between them'),
		('paths', 'nodes', 'the same as an array'),
		('paths', 'customers', 'whose path it is'),
		('paths', 'share', 'their share of all customers'),
		('paths', 'converted', 'those of them who completed the funnel'),
		('paths', 'rate', 'converted / customers');
END;
COMMENT ON FUNCTION cjm_internal.map_journey_comments() IS 'the comments of the views that look at the journey itself, and of their columns';
--
-- attribution: what each channel of a map earned, by every model side by side
--
-- As in 905-map_views.sql: the query reads the journeys once and takes the ends of
-- a time range as $1 and $2.
--

CREATE FUNCTION cjm_internal.map_attribution_models() RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '{first_touch,last_touch,last_non_direct,linear,time_decay,position}'::text[];
COMMENT ON FUNCTION cjm_internal.map_attribution_models() IS 'the rule-based attribution models';

-- A view has to have an answer whatever channels and values are.
CREATE FUNCTION cjm_internal.map_markov_final(state bytea) RETURNS cjm.channel_credit[]
	AS 'MODULE_PATHNAME', 'attribution_paths_final_or_null'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION cjm_internal.map_markov_final(bytea) IS
	'the credits that the state of markov_attribution comes to, by channel; NULL if there are too many channels';

CREATE FUNCTION cjm_internal.map_markov_step(state bytea, journey cjm.journey, conversion cjm.funnel) RETURNS bytea
	AS 'MODULE_PATHNAME', 'markov_attribution_journey_lenient'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm_internal.map_markov_step(bytea, cjm.journey, cjm.funnel) IS
	'state with the paths of one more journey, without values that are not finite or from 1e18 on; transition function of map_markov';

CREATE AGGREGATE cjm_internal.map_markov(cjm.journey, cjm.funnel) (
	SFUNC = cjm_internal.map_markov_step,
	STYPE = bytea,
	SSPACE = 4096,
	COMBINEFUNC = cjm_internal.attribution_paths_combine,
	FINALFUNC = cjm_internal.map_markov_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm_internal.map_markov(cjm.journey, cjm.funnel) IS
	'as markov_attribution, but NULL where there are too many channels for it, and without values that are not finite or from 1e18 on';

CREATE FUNCTION cjm_internal.map_shapley_step(state bytea, journey cjm.journey, conversion cjm.funnel) RETURNS bytea
	AS 'MODULE_PATHNAME', 'shapley_attribution_journey_lenient'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm_internal.map_shapley_step(bytea, cjm.journey, cjm.funnel) IS
	'state with the paths of one more journey, without values that are not finite or from 1e18 on; transition function of map_shapley';

CREATE AGGREGATE cjm_internal.map_shapley(cjm.journey, cjm.funnel) (
	SFUNC = cjm_internal.map_shapley_step,
	STYPE = bytea,
	SSPACE = 4096,
	COMBINEFUNC = cjm_internal.attribution_paths_combine,
	FINALFUNC = cjm_internal.attribution_paths_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm_internal.map_shapley(cjm.journey, cjm.funnel) IS 'as shapley_attribution, but without values that are not finite or from 1e18 on';

-- arguments are those of rule_attribution after the funnel, from the comma on.  Every channel has a row for every model; a model
-- that credits nothing, though there are conversions, could not be had.
CREATE FUNCTION cjm_internal.map_attribution_sql(map cjm_internal.map, lead text, by text, models text[], arguments text, data_driven boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN format('WITH credits AS (
			SELECT a.*, (SELECT bool_or(r.value IS NOT NULL) FROM unnest(a.rules) r) AS valued
			FROM (SELECT %1$s AS label, cjm.rule_attribution(%10$s, %2$L::cjm.funnel%3$s) AS rules%4$s FROM %5$s.journeys j%6$s) a
		), earned AS (
			SELECT s.label, c.model, c.channel, c.conversions, c.value FROM credits s CROSS JOIN LATERAL unnest(s.rules) c%7$s
		), models AS (
			SELECT m.model, m.place FROM unnest(%8$L::text[]) WITH ORDINALITY m(model, place)
		), cells AS (
			SELECT c.label, c.channel, c.model,
				CASE WHEN sum(sum(c.conversions)) OVER w > 0 THEN sum(c.conversions) END AS conversions,
				CASE WHEN sum(sum(c.value)) OVER w IS NOT NULL THEN coalesce(sum(c.value), 0) END AS value
			FROM (SELECT e.label, e.channel, e.model, e.conversions, e.value FROM earned e
				UNION ALL
				SELECT e.label, e.channel, m.model, 0::float8 AS conversions, NULL::float8 AS value
				FROM (SELECT DISTINCT label, channel FROM earned) e CROSS JOIN models m) c
			GROUP BY c.label, c.channel, c.model WINDOW w AS (PARTITION BY c.label, c.model)
		), shares AS (
			SELECT c.*, m.place, c.conversions / nullif(sum(c.conversions) OVER w, 0) AS share, c.value / nullif(sum(c.value) OVER w, 0) AS value_share,
				CASE WHEN c.conversions IS NOT NULL THEN rank() OVER (PARTITION BY c.label, c.model ORDER BY c.conversions DESC) END AS rank
			FROM cells c JOIN models m ON m.model = c.model WINDOW w AS (PARTITION BY c.label, c.model)
		)
		SELECT %9$s s.channel, s.model, s.conversions, cjm_internal.map_money(s.value) AS value, s.share, s.value_share, s.rank,
			s.share - max(s.share) FILTER (WHERE s.model = ''last_touch'') OVER w AS difference
		FROM shares s WINDOW w AS (PARTITION BY s.label, s.channel)
		ORDER BY s.label COLLATE "C", avg(s.share) OVER w DESC, s.channel COLLATE "C", s.place',
		cjm_internal.map_split(by, 'segment'), (map).stages, arguments,
		CASE WHEN data_driven THEN format(', cjm_internal.map_markov(%2$s, %1$L::cjm.funnel) AS markov,
				cjm_internal.map_shapley(%2$s, %1$L::cjm.funnel) AS shapley', (map).stages, cjm_internal.map_earning_journey(map)) END,
		cjm_internal.map_schema(map), CASE WHEN by IS NOT NULL THEN ' GROUP BY 1' END,
		-- These have a value of 0 where nothing has a value.
		CASE WHEN data_driven THEN (SELECT string_agg(format('
			UNION ALL
			SELECT s.label, %1$L AS model, c.channel, c.conversions, CASE WHEN s.valued THEN c.value END AS value
			FROM credits s CROSS JOIN LATERAL unnest(s.%1$I) c', m), '') FROM unnest(ARRAY['markov', 'shapley']) m) END,
		models, lead, cjm_internal.map_earning_journey(map));
END
$$;
COMMENT ON FUNCTION cjm_internal.map_attribution_sql(cjm_internal.map, text, text, text[], text, boolean) IS 'SQL of the view attribution and of attribution_report';

-- Maps of before have no such options.
CREATE FUNCTION cjm_internal.map_attribution_per(map cjm_internal.map) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN coalesce((map).attribution_per, 'touchpoint');
COMMENT ON FUNCTION cjm_internal.map_attribution_per(cjm_internal.map) IS 'what has a share of a conversion in the views of a map';

CREATE FUNCTION cjm_internal.map_only_channels(map cjm_internal.map) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN coalesce((map).only_channels, false);
COMMENT ON FUNCTION cjm_internal.map_only_channels(cjm_internal.map) IS 'whether touchpoints without a channel earn nothing in the views of a map';

CREATE FUNCTION cjm_internal.map_attribution_arguments(map cjm_internal.map, models text[]) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format(', %L::text[], NULL::interval, %L::text, %L::interval, interval ''7 days'', ''{0.4,0.2,0.4}''::float8[], ''{direct}''::text[], %L::boolean, ''-infinity''::timestamptz, ''infinity''::timestamptz',
	models, cjm_internal.map_attribution_per(map), (map).session_gap, cjm_internal.map_only_channels(map));
COMMENT ON FUNCTION cjm_internal.map_attribution_arguments(cjm_internal.map, text[]) IS 'SQL: the arguments of rule_attribution after the funnel, as the options of a map have them';

CREATE FUNCTION cjm_internal.map_attribution_view_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN cjm_internal.map_attribution_sql(map, '', NULL, cjm_internal.map_attribution_models() || '{markov,shapley}'::text[],
	CASE WHEN cjm_internal.map_attribution_per(map) <> 'touchpoint' OR cjm_internal.map_only_channels(map) THEN cjm_internal.map_attribution_arguments(map, cjm_internal.map_attribution_models()) ELSE '' END, true);
COMMENT ON FUNCTION cjm_internal.map_attribution_view_sql(cjm_internal.map) IS 'SQL of the view attribution';

-- The comments of this view; column NULL: the view itself.
CREATE FUNCTION cjm_internal.map_attribution_comments() RETURNS TABLE (view_name text, column_name text, comment text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 10
BEGIN ATOMIC
	VALUES
		('attribution', NULL, 'one row per channel and attribution model: what the channel earned of the conversions; the models of a channel one below the other'),
		('attribution', 'channel', 'the channel, NULL for touchpoints without one and conversions without a touchpoint; attribution_per and only_channels of the map are those of the rules, markov and shapley see all touchpoints'),
		('attribution', 'model', 'first_touch, last_touch, last_non_direct, linear, time_decay (half-life 7 days), position (40/20/40), markov (order 1) or shapley'),
		('attribution', 'conversions', 'completions of the funnel credited to the channel; NULL of markov where there are too many channels for it'),
		('attribution', 'value', 'their value: that of the touchpoints that complete the funnel; NULL where none has one; markov and shapley leave out one that is not finite or from 1e18 on'),
		('attribution', 'share', 'conversions / those of all channels'),
		('attribution', 'value_share', 'value / that of all channels'),
		('attribution', 'rank', 'place of the channel by conversions, 1 for most'),
		('attribution', 'difference', 'share minus the share by last_touch: what counting last touches alone does not show');
END;
COMMENT ON FUNCTION cjm_internal.map_attribution_comments() IS 'the comments of the view attribution and of its columns';

CREATE FUNCTION cjm.attribution_report(
	map text,
	by text DEFAULT NULL,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	models text[] DEFAULT NULL,
	per text DEFAULT NULL,
	lookback interval DEFAULT NULL,
	half_life interval DEFAULT '7 days',
	weights float8[] DEFAULT '{0.4,0.2,0.4}',
	direct text[] DEFAULT '{direct}',
	only_channels boolean DEFAULT NULL)
	RETURNS TABLE (by_value text, channel text, model text, conversions float8, value numeric, share float8, value_share float8, rank bigint,
		difference float8)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map);
	asked text[] := ARRAY(SELECT m.model FROM unnest(cjm_internal.map_attribution_models()) WITH ORDINALITY m(model, place)
		WHERE models IS NULL OR m.model = ANY (models) ORDER BY m.place);
BEGIN
	per := coalesce(per, cjm_internal.map_attribution_per(def));
	half_life := coalesce(half_life, '7 days');
	weights := coalesce(weights, '{0.4,0.2,0.4}');
	direct := coalesce(direct, '{direct}');
	only_channels := coalesce(only_channels, cjm_internal.map_only_channels(def));
	PERFORM cjm_internal.map_ranged(from_time, to_time);
	IF models && '{markov,shapley}' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'data-driven models cannot be asked for here',
			DETAIL = 'They learn from all journeys, and know no time range, lookback or visits.',
			HINT = 'The view attribution of the map has them.';
	END IF;
	-- What is wrong is said, even where there is no journey.
	PERFORM cjm.attribute('{}'::cjm.journey, '*'::cjm.funnel, m.model, lookback, per, (def).session_gap, half_life, weights, direct, only_channels)
	FROM unnest(coalesce(models, cjm_internal.map_attribution_models())) m(model);
	RETURN QUERY EXECUTE cjm_internal.map_attribution_sql(def, 's.label,', by, asked,
		format(', $3, $4, $5, %L::interval, $6, $7, $8, $9, $1, $2', (def).session_gap), false)
		USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity'), asked, lookback, per, half_life, weights, direct, only_channels;
END
$$;
COMMENT ON FUNCTION cjm.attribution_report(text, text, timestamptz, timestamptz, text[], text, interval, interval, float8[], text[], boolean) IS
'what each channel of a map earned of the conversions in a time range, by attribution models.
models: NULL for all six, or some of first_touch, last_touch, last_non_direct, linear, time_decay and position
per: touchpoint, or session for one share to each visit, NULL for the map''s; lookback: NULL for the touchpoints since the previous conversion, else all in so long a time
by: NULL, or segment; half_life: of time_decay; weights: of position; direct: channels that are direct, as no channel is
only_channels: whether touchpoints without a channel earn nothing, NULL for the map''s
Columns as in the view attribution; difference is NULL unless last_touch is asked for.';
--
-- The queries of a map that are about money: what customers bought, what the
-- channels cost and what they brought.
--
-- As in 905-map_views.sql: each returns SQL, names quoted and constants by %L.
-- What a purchase is, 335-purchases.sql says, of the funnel map_purchase.
--

-- Journeys have values as float8, whose sums are not those of the digits: what is paid three times and refunded three times is not quite
-- nothing.  Nine decimals are what no sum of money gets wrong.
CREATE FUNCTION cjm_internal.map_money(value float8) RETURNS numeric
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN trim_scale(round(value::numeric, 9));
COMMENT ON FUNCTION cjm_internal.map_money(float8) IS 'a value or a sum of values as the views of maps show it: in the digits that came in, 15 and nine decimals at most';

-- A look at the events that are in a journey at all tells most of those without a purchase.
CREATE FUNCTION cjm_internal.map_has_purchase(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 200
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT CASE WHEN count(s.event) = count(*) THEN '(' || string_agg(format('cjm.has_event(j.journey, %L::text)', s.event), ' OR ') || ')' END
	FROM (SELECT p.event FROM cjm.funnel_stages(cjm_internal.map_purchase(map)) p UNION ALL SELECT r.event FROM cjm.funnel_stages((map).refusal) r) s);
COMMENT ON FUNCTION cjm_internal.map_has_purchase(cjm_internal.map) IS 'SQL: a condition that every journey j with a purchase or a refund meets; NULL if all may have one';

CREATE FUNCTION cjm_internal.map_purchases_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 400
	SET search_path = pg_catalog, pg_temp
RETURN format('cjm.purchase_stats(%s, %L::cjm.funnel%s)', cjm_internal.map_valued_journey(map), cjm_internal.map_purchase(map), ', ' || quote_literal((map).refusal) || '::cjm.funnel');
COMMENT ON FUNCTION cjm_internal.map_purchases_sql(cjm_internal.map) IS 'SQL: what the customer of a journey j bought, of the type that purchase_stats returns';

-- The ends of the first four fifths of all who bought: equal values have equal scores, and a score is 1 + the whole fifths that
-- have less.  It is a left join of one row, so that the planner drops it where nobody asks for what it gives: a query without
-- scores reads the journeys once, one with scores twice.
CREATE FUNCTION cjm_internal.map_quintiles_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 400
	SET search_path = pg_catalog, pg_temp
RETURN format('SELECT percentile_disc(''{0.2,0.4,0.6,0.8}''::float8[]) WITHIN GROUP (ORDER BY (p.bought).last_at) AS last_at,
			percentile_disc(''{0.2,0.4,0.6,0.8}''::float8[]) WITHIN GROUP (ORDER BY (p.bought).purchase_count) AS purchase_count,
			percentile_disc(''{0.2,0.4,0.6,0.8}''::float8[]) WITHIN GROUP (ORDER BY (p.bought).total_value) AS total_value
		FROM (SELECT %s AS bought FROM %s.journeys j%s OFFSET ''0'') p WHERE (p.bought).purchase_count > 0',
	cjm_internal.map_purchases_sql(map), cjm_internal.map_schema(map), ' WHERE ' || cjm_internal.map_has_purchase(map));
COMMENT ON FUNCTION cjm_internal.map_quintiles_sql(cjm_internal.map) IS 'SQL: the ends of fifths of those who bought, by last purchase, number and value, one row of arrays';

CREATE FUNCTION cjm_internal.map_score_sql(measure text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('CASE WHEN (f.bought).purchase_count > 0 THEN 1 + ((f.bought).%1$s > q.%1$s[1])::integer + ((f.bought).%1$s > q.%1$s[2])::integer +
				((f.bought).%1$s > q.%1$s[3])::integer + ((f.bought).%1$s > q.%1$s[4])::integer END', measure);
COMMENT ON FUNCTION cjm_internal.map_score_sql(text) IS 'SQL: the score from 1 to 5 of a measure of what was bought by its quintiles q';

--
-- Spend
--

-- An error says all that is wrong with a relation that spend is to be read from.
CREATE FUNCTION cjm_internal.map_check_spend(spend regclass) RETURNS void
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	relation pg_class;
	missing text;
	wrong record;
BEGIN
	SELECT c.* INTO relation FROM pg_class c WHERE c.oid = spend;
	IF relation.relkind IS NULL OR relation.relkind <> ALL (ARRAY['r', 'p', 'f', 'v', 'm']::"char"[]) THEN
		RAISE wrong_object_type USING
			MESSAGE = format('spend %s is no table or view', spend),
			HINT = 'It is a table, a partitioned or foreign table, a view or a materialized view.';
	ELSIF relation.relpersistence = 't' THEN
		RAISE wrong_object_type USING
			MESSAGE = format('spend %s is a temporary table', spend),
			HINT = 'A map stays, so what it reads has to.';
	END IF;

	SELECT string_agg(format('"%s"', w.name), ', ' ORDER BY w.place) INTO missing
	FROM unnest(ARRAY['day', 'channel', 'impressions', 'clicks', 'cost']) WITH ORDINALITY w(name, place)
	WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = spend AND a.attname = w.name AND a.attnum > 0 AND NOT a.attisdropped);
	IF missing IS NOT NULL THEN
		RAISE undefined_column USING
			MESSAGE = format('spend %s has no column %s', spend, missing),
			HINT = 'It has to have day, channel, impressions, clicks and cost; where they are called otherwise make a view.';
	END IF;

	-- A domain is as good as its type.
	SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS type, w.wanted, w.hint INTO wrong
	FROM (VALUES (1, 'day', 'a date', '{date}'::regtype[], '', 'Make a view with a date in it: of a timestamp only you know the time zone.'),
			(2, 'channel', 'text or an enum', '{}', 'SE', 'Make a view that casts it to text.'),
			(3, 'impressions', 'a whole number', '{smallint,integer,bigint,numeric}', '', 'Make a view that casts it to bigint.'),
			(4, 'clicks', 'a whole number', '{smallint,integer,bigint,numeric}', '', 'Make a view that casts it to bigint.'),
			(5, 'cost', 'a number', '{smallint,integer,bigint,numeric,real,double precision}', '', 'Make a view that casts it to numeric.'))
			w(place, name, wanted, types, categories, hint)
		JOIN pg_attribute a ON a.attrelid = spend AND a.attname = w.name
		JOIN pg_type t ON t.oid = a.atttypid
		CROSS JOIN LATERAL (
			WITH RECURSIVE base AS (
				SELECT t.oid, t.typbasetype
				UNION ALL
				SELECT b.oid, b.typbasetype FROM pg_type b JOIN base d ON b.oid = d.typbasetype)
			SELECT base.oid FROM base WHERE base.typbasetype = 0) b
	WHERE b.oid <> ALL (w.types::oid[]) AND strpos(w.categories, t.typcategory::text) = 0
	ORDER BY w.place LIMIT 1;
	IF FOUND THEN
		RAISE datatype_mismatch USING
			MESSAGE = format('%s of spend %s is of type %s, but has to be %s', wrong.attname, spend, wrong.type, wrong.wanted),
			HINT = wrong.hint;
	END IF;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_check_spend(regclass) IS 'an error if a relation does not have what spend is, or not in the right types';

CREATE FUNCTION cjm_internal.map_spend_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN (map).spend IS NOT NULL THEN format('SELECT s.day::date AS day, nullif(s.channel::text, '''') AS channel, s.impressions::numeric AS impressions,
		s.clicks::numeric AS clicks, s.cost::numeric AS cost FROM %s s', (map).spend)
	ELSE 'SELECT NULL::date AS day, NULL::text AS channel, NULL::numeric AS impressions, NULL::numeric AS clicks, NULL::numeric AS cost WHERE false' END;
COMMENT ON FUNCTION cjm_internal.map_spend_sql(cjm_internal.map) IS 'SQL of the view spend';

-- NULL where it is NULL; NaN is greater than any number, and the least integer has no abs.
CREATE FUNCTION cjm_internal.map_is_amount(expression text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('(%1$s > -1e18 AND %1$s < 1e18)', expression);
COMMENT ON FUNCTION cjm_internal.map_is_amount(text) IS 'SQL: whether a number is finite and can be added up';

--
-- Channels
--

-- model, per and only_channels NULL are the map's, bucket NULL all time.  dated: whether a conversion counts when it happened or when the touchpoint did
-- that it is credited to.  What was spent, visits and credits are stacked and added up, so that a channel is there that has but one
-- of them.  Where nothing was paid no price is known.  Whole numbers are made of sums, so that parts of one are not lost.
CREATE FUNCTION cjm_internal.map_channels_sql(map cjm_internal.map, lead text, model text, bucket text, dated text, per text, ranged boolean,
	only_channels boolean DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	by_model text := coalesce(model, (map).attribution, 'last_touch');
	by_visit text := coalesce(per, cjm_internal.map_attribution_per(map));
BEGIN
	IF dated IS NULL OR dated <> ALL (ARRAY['conversion', 'touchpoint']) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('credit cannot be dated by "%s"', dated),
			HINT = 'It is by conversion, when it happened, or by touchpoint, when that happened which has the credit.';
	ELSIF bucket IS NOT NULL AND cjm_internal.map_period(bucket) < interval '1 day' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'what was spent in an hour is not known',
			HINT = 'Buckets are day, week, month, quarter and year.';
	END IF;
	PERFORM cjm.attribute('{}'::cjm.journey, '*'::cjm.funnel, by_model, NULL::interval, by_visit, interval '30 minutes', interval '7 days', '{0.4,0.2,0.4}'::float8[], '{direct}'::text[], false);
	RETURN format('SELECT %1$s c.channel, c.impressions, c.clicks, c.clicks::float8 / nullif(c.impressions, 0)::float8 AS ctr, c.cost,
			trim_scale(c.paid / nullif(c.clicks, 0)::numeric) AS cpc, trim_scale(1000 * c.paid / nullif(c.impressions, 0)::numeric) AS cpm,
			c.visits, c.conversions, cjm_internal.map_money(c.paid::float8 / nullif(c.conversions, 0)) AS cpa, c.revenue,
			(c.revenue / c.paid)::float8 AS roas, ((c.revenue - c.paid) / c.paid)::float8 AS roi, c.gross_revenue
		FROM (SELECT f.bucket, f.channel, sum(f.impressions)::bigint AS impressions, sum(f.clicks)::bigint AS clicks, sum(f.cost) AS cost,
				nullif(sum(f.cost), 0) AS paid, coalesce(sum(f.visits), 0)::bigint AS visits, coalesce(sum(f.conversions), 0) AS conversions, %2$s AS revenue, %18$s AS gross_revenue
			FROM (
				SELECT %3$s AS bucket, s.channel, %15$s, NULL::integer AS visits, NULL::float8 AS conversions,
					NULL::float8 AS revenue
				FROM %13$s s WHERE s.day IS NOT NULL%5$s
				UNION ALL
				SELECT %6$s AS bucket, w.channel, NULL::numeric AS impressions, NULL::numeric AS clicks, NULL::numeric AS cost, w.visits, w.conversions, w.revenue
				FROM %4$s.journeys j CROSS JOIN LATERAL (
					SELECT s.started_at AS at, s.channel, 1 AS visits, NULL::float8 AS conversions, NULL::float8 AS revenue
					FROM cjm.sessions(%16$s, %7$L::interval) s
					UNION ALL
					SELECT %8$s AS at, a.channel, NULL::integer AS visits, a.credit AS conversions, NULL::float8 AS revenue
					FROM cjm.attribute(%14$s, %9$L::cjm.funnel, %10$L::text, NULL::interval, %12$L::text, %7$L::interval,
						interval ''7 days'', ''{0.4,0.2,0.4}''::float8[], ''{direct}''::text[], %17$L::boolean) a%19$s) w%11$s) f
			GROUP BY f.bucket, f.channel) c
		ORDER BY c.bucket, c.channel COLLATE "C"',
		lead, CASE WHEN (map).value IS NULL THEN 'NULL::numeric' ELSE 'cjm_internal.map_money(coalesce(sum(f.revenue), 0))' END,
		CASE WHEN bucket IS NULL THEN 'NULL::timestamptz'
			ELSE format('date_trunc(%L, s.day::timestamp) AT TIME ZONE %L', lower(bucket), (map).time_zone) END,
		cjm_internal.map_schema(map),
		CASE WHEN ranged THEN format(' AND s.day::timestamp AT TIME ZONE %1$L >= $1 AND s.day::timestamp AT TIME ZONE %1$L < $2', (map).time_zone) END,
		CASE WHEN bucket IS NULL THEN 'NULL::timestamptz' ELSE format('date_trunc(%L, w.at, %L)', lower(bucket), (map).time_zone) END,
		(map).session_gap,
		CASE dated WHEN 'conversion' THEN 'a.conversion_at' ELSE 'coalesce(a.at, a.conversion_at)' END,
		(map).stages, by_model, CASE WHEN ranged THEN ' WHERE w.at >= $1 AND w.at < $2' END, by_visit,
		-- where there is no spend nobody needs a right to it
		CASE WHEN (map).spend IS NULL THEN format('(%s)', cjm_internal.map_spend_sql(map)) ELSE cjm_internal.map_schema(map) || '.spend' END,
		cjm_internal.map_earning_journey(map),
		(SELECT string_agg(format('CASE WHEN %s THEN s.%s END AS %2$s', cjm_internal.map_is_amount('s.' || a), a), ', ')
			FROM unnest(ARRAY['impressions', 'clicks', 'cost']) a),
		cjm_internal.map_visits_sql(map, 'j.journey'), coalesce(only_channels, cjm_internal.map_only_channels(map)),
		CASE WHEN (map).value IS NULL THEN 'NULL::numeric' ELSE 'cjm_internal.map_money(coalesce(sum(f.revenue) FILTER (WHERE NOT f.revenue < 0), 0))' END,
		-- Each purchase is credited as a conversion is, to what came since the one before.
		CASE WHEN (map).value IS NOT NULL THEN (SELECT string_agg(format('
					UNION ALL
					SELECT %s AS at, a.channel, NULL::integer AS visits, NULL::float8 AS conversions, a.value AS revenue
					FROM cjm.attribute(%s, %L::cjm.funnel, %L::text, NULL::interval, %L::text, %L::interval,
						interval ''7 days'', ''{0.4,0.2,0.4}''::float8[], ''{direct}''::text[], %L::boolean) a%s',
				CASE dated WHEN 'conversion' THEN 'a.conversion_at' ELSE 'coalesce(a.at, a.conversion_at)' END, cjm_internal.map_earning_journey(map), l.list, by_model, by_visit, (map).session_gap,
				coalesce(only_channels, cjm_internal.map_only_channels(map)), l.condition), '' ORDER BY l.place)
			FROM (VALUES (1, cjm_internal.map_purchase(map), ''), (2, (map).refusal, ' WHERE a.value < 0')) l(place, list, condition) WHERE l.list IS NOT NULL) END);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_channels_sql(cjm_internal.map, text, text, text, text, text, boolean, boolean) IS 'SQL of the view channels and of channels_report';

CREATE FUNCTION cjm.channels_report(
	map text,
	bucket text DEFAULT NULL,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	model text DEFAULT NULL,
	dated text DEFAULT 'conversion',
	per text DEFAULT NULL,
	only_channels boolean DEFAULT NULL)
	RETURNS TABLE (channel text, bucket_start timestamptz, impressions bigint, clicks bigint, ctr float8, cost numeric, cpc numeric, cpm numeric,
		visits bigint, conversions float8, cpa numeric, revenue numeric, roas float8, roi float8, gross_revenue numeric)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT r.channel, r.bucket, r.impressions, r.clicks, r.ctr, r.cost, r.cpc, r.cpm, r.visits, r.conversions, r.cpa,
			r.revenue, r.roas, r.roi, r.gross_revenue FROM (%s) r',
		cjm_internal.map_channels_sql(cjm_internal.map_of(map), 'c.bucket,', model, bucket, coalesce(dated, 'conversion'), per, cjm_internal.map_ranged(from_time, to_time), only_channels)) USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;
COMMENT ON FUNCTION cjm.channels_report(text, text, timestamptz, timestamptz, text, text, text, boolean) IS
'what the channels of a map cost in a time range and what they brought.
model: the attribution model, NULL for the map''s; bucket: NULL, day, week, month, quarter or year
dated: conversion, for conversions of the range, or touchpoint, for those that touchpoints of the range have the credit for, whenever they happen
per: touchpoint, or session for one share of a conversion to each visit; only_channels: whether touchpoints without a channel earn nothing; NULL for the map''s
Of spend the days that begin in the range count. Columns as in the view channels.';

CREATE FUNCTION cjm_internal.map_economics_comments() RETURNS TABLE (view_name text, column_name text, comment text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 35
BEGIN ATOMIC
	SELECT v.view_name, v.column_name, v.comment
	FROM (VALUES
		('map', 'spend', 'the table or view of what the channels cost, or NULL'),
		('map', 'attribution', 'the attribution model that the view channels credits conversions by'),

		('customers', 'last_purchase_at', 'time of the last purchase: of a touchpoint of the map''s purchase events, or of its last stage that is not optional'),
		('customers', 'recency', 'time since then'),
		('customers', 'recency_days', 'recency in days'),
		('customers', 'frequency', 'number of purchases; one of a negative value is a refund, and none'),
		('customers', 'monetary', 'sum of their values, less what was refunded: negative values of purchases and refusals'),
		('customers', 'gross_monetary', 'sum of their values, without taking refunds off'),
		('customers', 'recency_score', '1 to 5: 1, and one more for each whole fifth of the buyers whose last purchase is longer ago; scores take a second pass'),
		('customers', 'frequency_score', '1 to 5: 1, and one more for each whole fifth of the buyers who bought less often'),
		('customers', 'monetary_score', '1 to 5: 1, and one more for each whole fifth of the buyers who bought for less'),

		('spend', NULL, 'what the channels cost, as this map reads it; no row where the map has no spend'),
		('spend', 'day', 'the day, in the map''s time zone'),
		('spend', 'channel', 'the channel, as events have it'),
		('spend', 'impressions', 'how often its advertisements were shown'),
		('spend', 'clicks', 'how often they were followed'),
		('spend', 'cost', 'what was paid for it'),

		('channels', NULL, 'one row per week and channel: what it cost and what it brought, by the map''s attribution model'),
		('channels', 'week', 'its Monday, in the map''s time zone'),
		('channels', 'channel', 'the channel; NULL: none'),
		('channels', 'impressions', 'impressions of its days; NULL if there is no spend of them'),
		('channels', 'clicks', 'clicks of its days; likewise'),
		('channels', 'ctr', 'click-through rate: clicks / impressions'),
		('channels', 'cost', 'what was paid; NULL if there is no spend, and then as for 0 there is no cpc, cpm, cpa, roas and roi'),
		('channels', 'cpc', 'cost per click'),
		('channels', 'cpm', 'cost per thousand impressions'),
		('channels', 'visits', 'sessions by the channel that began in the week; that of the first touchpoint that has one'),
		('channels', 'gross_revenue', 'revenue without taking refunds off'),
		('channels', 'conversions', 'completions of the funnel in the week, as far as they are credited to the channel'),
		('channels', 'cpa', 'cost per acquisition: cost / conversions'),
		('channels', 'revenue', 'values of all purchases in the week, whether they complete the funnel or not, less what was refunded, as far as they are credited to it'),
		('channels', 'roas', 'return on advertising spend: revenue / cost'),
		('channels', 'roi', 'return on investment: (revenue - cost) / cost')) v(view_name, column_name, comment);
END;
COMMENT ON FUNCTION cjm_internal.map_economics_comments() IS 'the comments of spend, channels and of the columns of others that are about money';
--
-- The query of a map that is about feedback: what customers answered, where they
-- stood in the funnel and what had just happened, and whether they went on.
--
-- An answer is a touchpoint of the event that the map names for NPS, CSAT or CES;
-- its value is the score.  What is no score of the survey is no answer here, and
-- is told by check_map: bad data makes no view fail.
--

-- An error for surveys that could not be told apart, or that have no scores.
CREATE FUNCTION cjm_internal.map_check_answers(value text, nps text, csat text, ces text) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	survey record;
BEGIN
	FOR survey IN SELECT a.name, a.event, lead(a.name) OVER w AS other, lead(a.event) OVER w AS other_event
		FROM (VALUES ('nps', nps), ('csat', csat), ('ces', ces)) a(name, event) WHERE a.event IS NOT NULL WINDOW w AS (ORDER BY a.event)
	LOOP
		IF survey.event = '' THEN
			RAISE invalid_parameter_value USING MESSAGE = format('%s must not be an empty event', survey.name);
		ELSIF survey.event = survey.other_event THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('%s and %s are the same event "%s"', survey.name, survey.other, survey.event),
				HINT = 'Each survey has an event of its own: make one with an expression, such as event => ''kind || '' '' || question''.';
		ELSIF value IS NULL THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('%s is answered by a value, but the map has none', survey.name),
				HINT = 'Say where the score is: value => ''...''.';
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_check_answers(text, text, text, text) IS 'an error if the events of the surveys of a map cannot be';

CREATE FUNCTION cjm_internal.map_is_score(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('coalesce(t.value = trunc(t.value) AND CASE t.event WHEN %L THEN t.value BETWEEN 0 AND 10 WHEN %L THEN t.value BETWEEN 1 AND 5
	WHEN %L THEN t.value BETWEEN 1 AND 7 END, false)', (map).nps, (map).csat, (map).ces);
COMMENT ON FUNCTION cjm_internal.map_is_score(cjm_internal.map) IS 'SQL: whether a touchpoint t has a score of its survey';

CREATE TYPE cjm_internal.map_answer AS (
	at timestamptz,
	event text,
	value float8,
	step integer,
	open boolean,
	last_event text
);
COMMENT ON TYPE cjm_internal.map_answer IS
	'a touchpoint that is an answer, with the step that its customer had reached, whether a walk went on, and the last event that is no answer';
COMMENT ON COLUMN cjm_internal.map_answer.at IS 'when it was given';
COMMENT ON COLUMN cjm_internal.map_answer.event IS 'the survey';
COMMENT ON COLUMN cjm_internal.map_answer.value IS 'the answer';
COMMENT ON COLUMN cjm_internal.map_answer.step IS 'the step that the customer had reached, 0 for none';
COMMENT ON COLUMN cjm_internal.map_answer.open IS 'whether a walk could still go on';
COMMENT ON COLUMN cjm_internal.map_answer.last_event IS 'the last event that is no answer, or NULL';

CREATE FUNCTION cjm_internal.map_answers(journey cjm.journey, stages cjm.funnel, events text[], now timestamptz) RETURNS cjm_internal.map_answer[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 300;
COMMENT ON FUNCTION cjm_internal.map_answers(cjm.journey, cjm.funnel, text[], timestamptz) IS
	'the touchpoints of some events, and where the customer stood in the funnel at each: for the view feedback';

-- What counts at an answer is the journey up to it and what happened at the same time.  Answers whose time to go on is not over count in
-- no rate, whether their customer has gone on or not: else what is new would look bad.  At step 0 that time runs from the answer.
-- Nor do answers of customers who are open, by a walk that they began since.  Journeys without answers are not opened.
CREATE FUNCTION cjm_internal.map_feedback_sql(map cjm_internal.map) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	answers text[] := cjm_internal.map_answer_events(map);
BEGIN
	RETURN format('SELECT s.step, %2$s[s.step] AS stage, s.event, s.answers,
			s.nps_answers, s.nps, s.nps_interval[1] AS nps_low, s.nps_interval[2] AS nps_high,
			s.csat_answers, s.csat, s.csat_interval[1] AS csat_low, s.csat_interval[2] AS csat_high,
			s.ces_answers, s.ces, s.ces_interval[1] AS ces_low, s.ces_interval[2] AS ces_high,
			s.decided, s.dropped, s.dropped::float8 / nullif(s.decided, 0)::float8 AS drop_rate,
			s.unhappy, s.unhappy_dropped::float8 / nullif(s.unhappy, 0)::float8 AS unhappy_drop_rate,
			s.happy, s.happy_dropped::float8 / nullif(s.happy, 0)::float8 AS happy_drop_rate
		FROM (SELECT r.step, r.event, count(*) AS answers,
				count(*) FILTER (WHERE r.survey = ''nps'') AS nps_answers, cjm.nps(r.score) FILTER (WHERE r.survey = ''nps'') AS nps,
				cjm.nps_interval(r.score) FILTER (WHERE r.survey = ''nps'') AS nps_interval,
				count(*) FILTER (WHERE r.survey = ''csat'') AS csat_answers, cjm.csat(r.score) FILTER (WHERE r.survey = ''csat'') AS csat,
				cjm.csat_interval(r.score) FILTER (WHERE r.survey = ''csat'') AS csat_interval,
				count(*) FILTER (WHERE r.survey = ''ces'') AS ces_answers, cjm.ces(r.score) FILTER (WHERE r.survey = ''ces'') AS ces,
				cjm.ces_interval(r.score) FILTER (WHERE r.survey = ''ces'') AS ces_interval,
				count(r.dropped) AS decided, count(*) FILTER (WHERE r.dropped) AS dropped,
				count(r.dropped) FILTER (WHERE r.unhappy) AS unhappy, count(*) FILTER (WHERE r.dropped AND r.unhappy) AS unhappy_dropped,
				count(r.dropped) FILTER (WHERE r.happy) AS happy, count(*) FILTER (WHERE r.dropped AND r.happy) AS happy_dropped
			FROM (SELECT CASE t.event WHEN %6$L THEN ''nps'' WHEN %7$L THEN ''csat'' ELSE ''ces'' END AS survey, t.value AS score,
					t.step, t.last_event AS event,
					CASE t.event WHEN %6$L THEN t.value >= 9 WHEN %7$L THEN t.value >= 4 ELSE t.value >= 5 END AS happy,
					CASE t.event WHEN %6$L THEN t.value <= 6 WHEN %7$L THEN t.value <= 2 ELSE t.value <= 3 END AS unhappy,
					CASE WHEN t.step < %3$s AND NOT f.open AND NOT t.open AND (t.step > 0 OR coalesce(t.at + %4$L::interval < now(), true))
						THEN f.step = t.step END AS dropped
				FROM %5$s.journeys j
					CROSS JOIN LATERAL (SELECT cjm.funnel_step(j.journey, %1$L::cjm.funnel) AS step,
						cjm.funnel_open(j.journey, %1$L::cjm.funnel, now()) AS open OFFSET 0) f
					CROSS JOIN LATERAL unnest(cjm_internal.map_answers(j.journey, %1$L::cjm.funnel, %10$L::text[], now())) t
				WHERE (%8$s) AND %9$s) r
			GROUP BY r.step, r.event) s
		ORDER BY s.step, s.answers DESC, s.event COLLATE "C"',
		(map).stages, cjm_internal.map_stage_names(map), cjm_internal.map_completed_step(map), cjm.funnel_within((map).stages), cjm_internal.map_schema(map), (map).nps, (map).csat,
		(SELECT coalesce(string_agg(format('cjm.has_event(j.journey, %L::text)', a.event), ' OR '), 'false') FROM unnest(answers) a(event)),
		cjm_internal.map_is_score(map), answers);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_feedback_sql(cjm_internal.map) IS 'SQL of the view feedback';

CREATE FUNCTION cjm_internal.map_feedback_comments() RETURNS TABLE (view_name text, column_name text, comment text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 30
BEGIN ATOMIC
	SELECT v.view_name, v.column_name, v.comment
	FROM (VALUES
		('map', 'nps', 'the event whose value is an answer from 0 to 10, or NULL'),
		('map', 'csat', 'the event whose value is an answer from 1 to 5, or NULL'),
		('map', 'ces', 'the event whose value is an answer from 1 to 7, or NULL'),

		('feedback', NULL, 'one row per stage and touchpoint: what customers answered there, and whether they went on'),
		('feedback', 'step', 'the step that the customer stood at when answering; 0 is before the first'),
		('feedback', 'stage', 'its name'),
		('feedback', 'event', 'the last event before the answer that is no answer itself; NULL if there is none'),
		('feedback', 'answers', 'answers with a score, of all surveys'),
		('feedback', 'nps_answers', 'answers from 0 to 10'),
		('feedback', 'nps', 'their Net Promoter Score, -100 to 100'),
		('feedback', 'nps_low', 'lower end of its 95 % interval'),
		('feedback', 'nps_high', 'upper end of it'),
		('feedback', 'csat_answers', 'answers from 1 to 5'),
		('feedback', 'csat', 'the share of 4 and 5 among them'),
		('feedback', 'csat_low', 'lower end of its 95 % interval'),
		('feedback', 'csat_high', 'upper end of it'),
		('feedback', 'ces_answers', 'answers from 1 to 7'),
		('feedback', 'ces', 'their mean, the Customer Effort Score'),
		('feedback', 'ces_low', 'lower end of its 95 % interval; NULL for one answer'),
		('feedback', 'ces_high', 'upper end of it'),
		('feedback', 'decided', 'answers of customers who had not completed the funnel, whose time to do so is over and who are not open; the rates are of these'),
		('feedback', 'dropped', 'those of them whose customer came no further'),
		('feedback', 'drop_rate', 'their share'),
		('feedback', 'unhappy', 'the decided answers that are 0 to 6 of NPS, 1 or 2 of CSAT, 1 to 3 of CES'),
		('feedback', 'unhappy_drop_rate', 'drop_rate of these'),
		('feedback', 'happy', 'the decided answers that are 9 or 10 of NPS, 4 or 5 of CSAT, 5 to 7 of CES'),
		('feedback', 'happy_drop_rate', 'drop_rate of these')) v(view_name, column_name, comment);
END;
COMMENT ON FUNCTION cjm_internal.map_feedback_comments() IS 'the comments of feedback and of the columns of map that it reads';
--
-- create_map, drop_map: making a map, making it anew, and taking it away
--

-- The views of a map in the order in which they are made, and what there is to say about them; column NULL: the view itself.
CREATE FUNCTION cjm_internal.map_comments() RETURNS TABLE (view_name text, column_name text, comment text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 250
BEGIN ATOMIC
	SELECT v.view_name, v.column_name, v.comment
	FROM (VALUES
		('map', NULL, 'the definition of this journey map: one row of constants'),
		('map', 'map', 'the schema of the map'),
		('map', 'source', 'the table or view that the events are in'),
		('map', 'customer', 'expression: whose event a row is'),
		('map', 'at', 'expression: when it happened'),
		('map', 'event', 'expression: what happened'),
		('map', 'channel', 'expression: where it came from, or NULL'),
		('map', 'value', 'expression: what it was worth, or NULL'),
		('map', 'segment', 'expression: the segment of the customer, or NULL'),
		('map', 'segment_at', 'which segment a customer with several has, the first or the last'),
		('map', 'filter', 'condition: which rows count, or NULL for all'),
		('map', 'stages', 'the funnel'),
		('map', 'session_gap', 'what is longer ends a session'),
		('map', 'time_zone', 'where days, weeks and months begin'),
		('map', 'refusal', 'the events that say no, or NULL'),
		('map', 'purchase', 'the events that are a purchase, or NULL: the last stage that is not optional'),
		('map', 'visit', 'the events that are a visit, or NULL: all'),
		('map', 'sequence', 'expression: the order of events of one time, or NULL'),
		('map', 'attribution_per', 'what has a share of a conversion in the views attribution and channels: touchpoint or session'),
		('map', 'only_channels', 'whether touchpoints without a channel earn nothing in these views'),
		('map', 'source_name', 'what the source was called when the map was made'),
		('map', 'access', 'owner: the views read the source with the rights of the map''s owner; reader: with those of whoever asks'),

		('events', NULL, 'the rows of the source as this map reads them; those without a customer, a time or an event are in no journey'),
		('events', 'customer', 'whose event it is'),
		('events', 'at', 'when it happened'),
		('events', 'event', 'what happened'),
		('events', 'channel', 'where it came from, or NULL'),
		('events', 'value', 'what it was worth, or NULL'),
		('events', 'segment', 'the segment of the customer by this row, or NULL'),

		('journeys', NULL, 'one row per customer: all touchpoints in one value; all other views but map, events and spend read this one'),
		('journeys', 'customer', 'the key of the customer'),
		('journeys', 'segment', 'the first or last segment of the customer that is not NULL, as the map says'),
		('journeys', 'journey', 'all touchpoints of the customer in time order'),

		('customers', NULL, 'one row per customer: how far they came in the funnel, and what else they did'),
		('customers', 'customer', 'the key of the customer'),
		('customers', 'segment', 'the segment of the customer'),
		('customers', 'step', 'the deepest step of the funnel, 0 for none'),
		('customers', 'stage', 'the name of that step, NULL for none'),
		('customers', 'entered_at', 'when the winning walk began'),
		('customers', 'reached_at', 'when it came to its deepest step'),
		('customers', 'step_times', 'when it passed each stage, NULL where it did not'),
		('customers', 'converted', 'whether the funnel was completed'),
		('customers', 'open', 'whether a walk that has begun could still become as deep or deeper; never without "within"'),
		('customers', 'refused_at', 'when somebody who is neither converted nor open said no: the first refusal since the winning walk began; NULL of all others'),
		('customers', 'sessions', 'number of sessions'),
		('customers', 'conversions', 'how often the funnel was completed'),
		('customers', 'touches', 'number of touchpoints'),
		('customers', 'value', 'sum of the values, NULL where there is none; negative ones, refunds, are taken off'),
		('customers', 'gross_value', 'sum of the values that are not negative'),
		('customers', 'first_seen', 'time of the first touchpoint'),
		('customers', 'last_seen', 'time of the last touchpoint'),
		('customers', 'last_event', 'event of the last touchpoint'),

		('funnel', NULL, 'one row per step of the funnel: customers, rates, times'),
		('funnel_by_segment', NULL, 'one row per segment and step of the funnel'),
		('funnel_by_segment', 'segment', 'the segment of the customers, NULL for those without one'),
		('funnel_by_week', NULL, 'one row per entry week and step: walks that began in the week, whenever they went on; a customer is in every week in which a walk of theirs began'),
		('funnel_by_week', 'week', 'the Monday of the ISO week in which the walks began, in the map''s time zone'),
		('funnel_by_week', 'closed', 'whether the week and the time limit of its walks are over, so that nothing but late rows can change it; without "within" whether the week is over, and walks of it may still go on'),

		('drop_off', NULL, 'one row per deepest step and last event: customers who began and did not complete the funnel'),
		('drop_off', 'step', 'the deepest step that they reached'),
		('drop_off', 'stage', 'its name'),
		('drop_off', 'last_event', 'the last event of the customer'),
		('drop_off', 'customers', 'how many stopped there, without those who are open or refused'),
		('drop_off', 'share', 'their share of all who stopped, over all steps'),
		('drop_off', 'open_customers', 'how many are there and may yet go on'),
		('drop_off', 'median_days_since', 'days of 24 hours since the last touchpoint of those who stopped, median'),
		('drop_off', 'next_event', 'what most of those who stopped did next after they had reached the step; NULL if nobody did anything'),
		('drop_off', 'next_customers', 'how many of them did that next'),
		('drop_off', 'refused', 'how many are there and have said no'),

		('sessions', NULL, 'one row per session; where the map says what a visit is, each begins with one'),
		('sessions', 'customer', 'the key of the customer'),
		('sessions', 'segment', 'the segment of the customer'),
		('sessions', 'session_number', 'number of the session of this customer, from 1'),
		('sessions', 'visitor', 'new in the first session of a customer, then returning'),
		('sessions', 'day', 'the day on which it began, in the map''s time zone'),
		('sessions', 'started_at', 'time of its first touchpoint'),
		('sessions', 'ended_at', 'time of its last touchpoint'),
		('sessions', 'duration', 'from its first touchpoint to its last'),
		('sessions', 'duration_seconds', 'the same in seconds'),
		('sessions', 'touches', 'number of its touchpoints'),
		('sessions', 'entry_event', 'event of its first touchpoint'),
		('sessions', 'exit_event', 'event of its last touchpoint'),
		('sessions', 'channel', 'channel of the first touchpoint that has one and, where the map says what a visit is, is one; or NULL'),
		('sessions', 'value', 'sum of the values, NULL where there is none; negative ones, refunds, are taken off'),
		('sessions', 'bounced', 'whether it has exactly one touchpoint'),
		('sessions', 'gross_value', 'sum of the values that are not negative, NULL where there is none'),

		('bounce', NULL, 'one row per event and channel of the session: how sessions begin and end with it'),
		('bounce', 'event', 'the event; sessions may begin or end with it or only contain it'),
		('bounce', 'channel', 'channel of the session, or NULL'),
		('bounce', 'sessions', 'sessions that began with the event'),
		('bounce', 'bounces', 'those of them that have exactly one touchpoint'),
		('bounce', 'bounce_rate', 'bounces / sessions; NULL where no session began with the event'),
		('bounce', 'containing', 'sessions that contain the event'),
		('bounce', 'exits', 'sessions that ended with the event'),
		('bounce', 'exit_rate', 'exits / containing'),
		('bounce', 'touches_per_session', 'touchpoints of the sessions that began with the event, mean'),
		('bounce', 'mean_time', 'from the first touchpoint of such a session to its last, mean'),
		('bounce', 'median_time', 'the same, median (the lower one of an even number)'),
		('bounce', 'mean_time_seconds', 'mean_time in seconds'),
		('bounce', 'median_time_seconds', 'median_time in seconds'),
		('bounce', 'new_sessions', 'those of the sessions that are the first of their customer'),
		('bounce', 'returning_sessions', 'those that are not'),

		('retention', NULL, 'one row per cohort month and month number: who came back in that month'),
		('retention', 'cohort', 'first day of the month of the customers'' first touchpoint, in the map''s time zone'),
		('retention', 'number', 'months since then; 0 is the cohort''s own'),
		('retention', 'period', 'first day of the month that the row is about'),
		('retention', 'cohort_size', 'customers of the cohort'),
		('retention', 'retained', 'those of them with a touchpoint in that month'),
		('retention', 'rate', 'retained / cohort_size'),
		('retention', 'churn', '1 - rate'),
		('retention', 'period_over', 'whether the month is over; before that the numbers are still growing')) v(view_name, column_name, comment)
	UNION ALL
	SELECT f.view_name, c.column_name, c.comment
	FROM (VALUES ('funnel'), ('funnel_by_segment'), ('funnel_by_week')) f(view_name) CROSS JOIN (VALUES
		('step', 'number of the step, from 1'),
		('stage', 'its name'),
		('customers', 'customers whose winning walk holds the stage'),
		('step_rate', 'their share of those at the mandatory step before; 1 at step 1'),
		('overall_rate', 'their share of those at step 1'),
		('dropped', 'customers of this step who were not at the next mandatory one, have not refused, and for whom it is over; NULL at the last and at an optional one'),
		('drop_rate', 'dropped / customers'),
		('open_customers', 'customers of this step who were not at the next mandatory one and may yet be: a walk of theirs that has begun, and that no refusal has ended, could still become as deep or deeper; NULL where dropped is'),
		('rate_low', 'lower end of the 95 % Wilson interval of step_rate'),
		('rate_high', 'upper end of it'),
		('median_time', 'time since the step before, median'),
		('mean_time', 'the same, mean'),
		('p90_time', 'the same, 90th percentile'),
		('median_total', 'time since step 1, median'),
		('p90_total', 'the same, 90th percentile'),
		('median_time_seconds', 'median_time in seconds'),
		('mean_time_seconds', 'mean_time in seconds'),
		('p90_time_seconds', 'p90_time in seconds'),
		('median_total_seconds', 'median_total in seconds'),
		('p90_total_seconds', 'p90_total in seconds'),
		('refused', 'customers of this step who were not at the next mandatory one and have said no; NULL where dropped is')) c(column_name, comment)
	UNION ALL
	SELECT j.view_name, j.column_name, j.comment FROM cjm_internal.map_journey_comments() j
	UNION ALL
	SELECT a.view_name, a.column_name, a.comment FROM cjm_internal.map_attribution_comments() a
	UNION ALL
	SELECT e.view_name, e.column_name, e.comment FROM cjm_internal.map_economics_comments() e
	UNION ALL
	SELECT f.view_name, f.column_name, f.comment FROM cjm_internal.map_feedback_comments() f;
END;
COMMENT ON FUNCTION cjm_internal.map_comments() IS 'the comments of the views and columns of every map';

-- The names of the views of a map, definition first, and what each selects.
CREATE FUNCTION cjm_internal.map_views(map cjm_internal.map) RETURNS TABLE (place bigint, view_name text, query text)
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 5000 ROWS 19
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY SELECT v.place, v.view_name, v.query
	FROM unnest(
		cjm_internal.map_view_names(),
		ARRAY[
			format('SELECT %L::regnamespace AS map, %L::regclass AS source, %L::text AS customer, %L::text AS at, %L::text AS event,
					%L::text AS channel, %L::text AS value, %L::text AS segment, %L::text AS segment_at, %L::text AS filter,
					%L::cjm.funnel AS stages, %L::interval AS session_gap, %L::text AS time_zone, %L::text AS access,
					%L::regclass AS spend, %L::text AS attribution, %L::text AS nps, %L::text AS csat, %L::text AS ces,
					%L::cjm.funnel AS refusal, %L::cjm.funnel AS purchase, %L::cjm.funnel AS visit, %L::text AS sequence, %L::text AS attribution_per,
					%L::boolean AS only_channels, %L::text AS source_name',
				(map).map, (map).source, (map).customer, (map).at, (map).event, (map).channel, (map).value, (map).segment,
				(map).segment_at, (map).filter, (map).stages, (map).session_gap, (map).time_zone, (map).access,
				(map).spend, (map).attribution, (map).nps, (map).csat, (map).ces, (map).refusal, (map).purchase, (map).visit, (map).sequence,
				(map).attribution_per, (map).only_channels, (map).source_name),
			cjm_internal.map_events_sql(map),
			cjm_internal.map_journeys_sql(map),
			cjm_internal.map_customers_sql(map),
			cjm_internal.map_funnel_sql(map, '', NULL, NULL, false),
			cjm_internal.map_funnel_sql(map, 's.label AS segment,', 'segment', NULL, false),
			cjm_internal.map_funnel_sql(map, format('(lower(s.entered) AT TIME ZONE %L)::date AS week, %s AS closed,', (map).time_zone, cjm_internal.map_bucket_sql(map)),
				NULL, 'week', false),
			cjm_internal.map_drop_off_sql(map, 'last_event', 'last_event', false),
			cjm_internal.map_sessions_sql(map),
			cjm_internal.map_bounce_sql(map),
			cjm_internal.map_retention_sql(map, 'month', 'in', false),
			cjm_internal.map_touchpoints_sql(map, 'event', 'event', false),
			cjm_internal.map_stages_sql(map, '', NULL, false),
			cjm_internal.map_transitions_sql(map, '', 'event', NULL, false, false),
			cjm_internal.map_paths_sql(map, 'event', 10, false, false),
			cjm_internal.map_attribution_view_sql(map),
			cjm_internal.map_spend_sql(map),
			cjm_internal.map_channels_sql(map, format('(c.bucket AT TIME ZONE %L)::date AS week,', (map).time_zone), NULL, 'week', 'conversion', NULL, false),
			cjm_internal.map_feedback_sql(map)]) WITH ORDINALITY v(view_name, query, place);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_views(cjm_internal.map) IS 'the views of a map in the order in which they are made, and what each selects';

-- A number that is taken for seconds and is not gives times of 1970, of years that have not come, or none at all.  Some rows tell.
CREATE FUNCTION cjm_internal.map_notice_years(map cjm_internal.map) RETURNS void
	LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	units CONSTANT text := 'Seconds since 1970 are to_timestamp(n), milliseconds to_timestamp(n / 1000.0), microseconds to_timestamp(n / 1000000.0).';
	years record;
	problem text;
BEGIN
	BEGIN
		EXECUTE format('SELECT min(y.year) AS first, max(y.year) AS last
			FROM (SELECT extract(year FROM greatest(least(e.at, ''200000-01-01Z''), ''4700-01-01Z BC'') AT TIME ZONE $1)::integer AS year FROM (%s LIMIT 1000) e WHERE isfinite(e.at)) y', cjm_internal.map_events_sql(map))
			INTO years USING (map).time_zone;
	EXCEPTION WHEN datetime_field_overflow THEN
		GET STACKED DIAGNOSTICS problem = MESSAGE_TEXT;
		RAISE datetime_field_overflow USING
			MESSAGE = format('at gives no time of some row of %s: %s', (map).source, problem),
			HINT = units;
	END;
	-- A number of another unit is so in all rows; some that stand for "never" are no matter.
	IF years.last < 1990 OR years.first > extract(year FROM now()) + 1 THEN
		RAISE NOTICE 'the first rows of % are of %', (map).source,
			CASE WHEN years.first = years.last THEN format('the year %s', years.first) ELSE format('the years %s to %s', years.first, years.last) END
			USING HINT = CASE WHEN (map).at ~ 'to_timestamp' THEN units ELSE 'Is that right?' END;
	END IF;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_notice_years(cjm_internal.map) IS 'tells by a notice of which years the rows of a map are, if that is hard to believe';

-- Tells which events of the stages are not there, with one pass over the source.  No view of the map is read for it, since that
-- would be one that readers wait for.
CREATE FUNCTION cjm_internal.map_notice_events(map cjm_internal.map) RETURNS void
	LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	missing record;
	nearest text;
	problem text;
BEGIN
	FOR missing IN EXECUTE format('
		WITH seen AS (SELECT e.event, %s AS channel, count(*) AS touches FROM (%s) e WHERE e.event <> '''' GROUP BY 1, 2)
		SELECT s.stage, s.event, s.channel, (SELECT array_agg(event) FROM (
			SELECT event FROM seen GROUP BY event ORDER BY sum(touches) DESC LIMIT 10000) e) AS events
		FROM (SELECT n.step, coalesce(''stage "'' || n.stage || ''"'', ''excluding'') AS stage, n.event, n.channel FROM cjm.funnel_stages($1) n
			UNION ALL SELECT NULL, a.survey, a.event, NULL FROM unnest(ARRAY[''nps'', ''csat'', ''ces''], $2) a(survey, event) WHERE a.event IS NOT NULL
			UNION ALL SELECT NULL, l.argument, l.event, l.channel FROM cjm_internal.map_listed_events($3) l) s
		WHERE NOT EXISTS (SELECT FROM seen WHERE (s.event IS NULL OR seen.event = s.event) AND (s.channel IS NULL OR seen.channel = s.channel))
		ORDER BY s.step, s.stage COLLATE "C"',
		CASE WHEN cjm_internal.map_asks_channel(map) THEN 'e.channel' ELSE 'NULL::text' END,
		cjm_internal.map_events_sql(map)) USING (map).stages, ARRAY[(map).nps, (map).csat, (map).ces], map
	LOOP
		IF missing.events IS NULL THEN
			RAISE NOTICE 'no row of % has an event yet', (map).source;
			RETURN;
		END IF;
		-- Letters of the other case are the likeliest mistake.
		nearest := nullif(coalesce((SELECT e FROM unnest(missing.events) e WHERE lower(e) = lower(missing.event) AND e <> missing.event LIMIT 1),
			cjm_internal.map_nearest(missing.event, missing.events)), missing.event);
		problem := format('no row has the %s, which %s names',
			concat_ws(' through the ', 'event "' || missing.event || '"', 'channel "' || missing.channel || '"'),
			missing.stage);
		IF nearest IS NULL THEN
			RAISE NOTICE '%', problem;
		ELSE
			RAISE NOTICE '%', problem USING HINT = format('Nearest is "%s".', nearest);
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_notice_events(cjm_internal.map) IS 'tells by notices which events of a map''s stages the source does not have, and which are like them';

-- DROP EXTENSION ... CASCADE takes the views that call a function of ours, "map" among them, and no others.
CREATE FUNCTION cjm_internal.map_is_remnant(schema oid) RETURNS boolean
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT obj_description(schema, 'pg_namespace') IS NOT DISTINCT FROM 'customer journey map'
		AND coalesce(bool_and(c.relname = ANY ((cjm_internal.map_view_names() || cjm_internal.kept_names())::name[])), false)
	FROM pg_depend d LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
	WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = schema AND d.deptype = 'n');
COMMENT ON FUNCTION cjm_internal.map_is_remnant(oid) IS 'whether a schema holds some views of a map and nothing else';

-- Readers lock the views from the top down, so they are locked in that order.  Readers who come meanwhile wait, so this gives up at
-- first after half a second and lets them go on for as long (five seconds at most, or it would sleep on when all are gone), then after
-- a second, and so on: whoever reads for long makes nobody else wait for much longer than that, and however many read, the time comes.
-- A reader who holds one view and waits for another goes first.
-- dropping, a command or NULL, is what drops the views: it may have to wait for views that others have built on them, whose readers
-- are behind these here.  It is done with the locks or let go with them, and soon enough that no reader's wait comes to deadlock_timeout.
CREATE FUNCTION cjm_internal.map_lock(map regnamespace, dropping text) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	from_top CONSTANT text[] := ARRAY(SELECT v.name FROM unnest(cjm_internal.map_view_names()) WITH ORDINALITY v(name, place) ORDER BY v.place DESC);
	began CONSTANT timestamptz := clock_timestamp();
	lock_timeout CONSTANT text := current_setting('lock_timeout');
	most CONSTANT interval := nullif(lock_timeout, '0')::interval;
	soon CONSTANT float8 := extract(epoch FROM current_setting('deadlock_timeout')::interval) / 3;
	patience float8 := CASE WHEN dropping IS NULL THEN 0.5 ELSE least(0.5, soon) END;
	pause float8;
BEGIN
	LOOP
		BEGIN
			PERFORM cjm_internal.map_lock_views(map, from_top, patience);
			IF dropping IS NOT NULL THEN
				PERFORM set_config('lock_timeout', greatest(1, (soon * 1000)::integer)::text, true);
				EXECUTE dropping;
				PERFORM set_config('lock_timeout', lock_timeout, true);
			END IF;
			RETURN;
		EXCEPTION
			WHEN lock_not_available THEN
				pause := least(patience, 5);
				IF dropping IS NULL THEN
					patience := 2 * patience;
				END IF;
			WHEN deadlock_detected THEN
				pause := 0.05 + 0.2 * random();
		END;
		IF clock_timestamp() - began >= most THEN
			RAISE lock_not_available USING
				MESSAGE = format('the views of the map "%s" are being read', (SELECT n.nspname FROM pg_namespace n WHERE n.oid = map_lock.map)),
				DETAIL = format('They could not all be had within lock_timeout (%s).', lock_timeout),
				HINT = 'Try again when the transactions that read them are over: pg_locks and pg_stat_activity tell which they are.';
		END IF;
		PERFORM pg_sleep(pause);
	END LOOP;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_lock(regnamespace, text) IS 'locks all views of a map of one''s own, so that nobody reads them until the transaction ends, without a deadlock with readers; and drops them, if it is given the command';

-- Finds the schema of a new map or makes it, and holds it, so that of several who make or replace one map at the same time each
-- sees what the one before has made.
CREATE FUNCTION cjm_internal.map_claim(name text, replace boolean) RETURNS regnamespace
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	existing oid;
	holder oid;
	was_map boolean;
	detail text;
BEGIN
	FOR attempt IN 1 .. 3
	LOOP
		SELECT n.oid, n.nspowner INTO existing, holder FROM pg_namespace n WHERE n.nspname = name;
		IF NOT FOUND THEN
			BEGIN
				EXECUTE format('CREATE SCHEMA %I', name);
				SELECT n.oid INTO existing FROM pg_namespace n WHERE n.nspname = name;
				RETURN existing;
			EXCEPTION WHEN unique_violation OR duplicate_schema THEN
				-- Another session has made it since, and its transaction is over.
				CONTINUE;
			END;
		END IF;
		SELECT count(*) > 0 INTO was_map FROM pg_class c CROSS JOIN LATERAL cjm_internal.map_definition(c.oid) d
		WHERE c.relnamespace = existing AND c.relname = 'map' AND d.map = existing;
		-- Whoever owns a schema can put another view in the place of one, and the next reader runs what stands there.  A superuser is
		-- a member of every role; so that this lends nobody their name, they make no new map in the schema of a lesser role.
		IF NOT EXISTS (SELECT FROM pg_roles o JOIN pg_roles u ON u.rolname = current_user
			WHERE o.oid = holder AND pg_has_role(o.oid, 'USAGE') AND (was_map OR o.rolsuper >= u.rolsuper)) THEN
			RAISE insufficient_privilege USING
				MESSAGE = format('the schema "%s" belongs to %s', name, holder::regrole),
				HINT = 'Its owner could put other views in the place of the map''s. Choose another name, or make the map as that role.';
		ELSIF was_map AND NOT replace THEN
			RAISE duplicate_schema USING
				MESSAGE = format('there is a map "%s" already', name),
				HINT = 'With replace => true its views are made anew; cjm.drop_map takes it away.';
		END IF;
		CONTINUE WHEN NOT cjm_internal.map_lock_schema(existing);
		-- What was waited for may have changed all of it.
		CONTINUE WHEN NOT EXISTS (SELECT FROM pg_namespace n WHERE n.oid = existing AND n.nspname = name AND n.nspowner = holder)
			OR was_map <> EXISTS (SELECT FROM pg_class c CROSS JOIN LATERAL cjm_internal.map_definition(c.oid) d
				WHERE c.relnamespace = existing AND c.relname = 'map' AND d.map = existing);
		IF was_map THEN
			RETURN existing;
		ELSIF cjm_internal.map_is_remnant(existing) THEN
			IF NOT replace THEN
				RAISE duplicate_schema USING
					MESSAGE = format('the schema "%s" has what is left of a map', name),
					DETAIL = 'Views of it are gone, as after DROP EXTENSION cjm CASCADE.',
					HINT = 'With replace => true the map is made whole; DROP SCHEMA takes the rest away.';
			END IF;
			RETURN existing;
		END IF;
		SELECT string_agg(o.what, ', ') INTO detail FROM (
			SELECT pg_describe_object(d.classid, d.objid, 0) AS what FROM pg_depend d
			WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = existing AND d.deptype = 'n' ORDER BY d.objid LIMIT 5) o;
		IF detail IS NOT NULL THEN
			RAISE duplicate_schema USING
				MESSAGE = format('the schema "%s" exists and is no map', name),
				DETAIL = format('There are other things in it: %s.', detail),
				HINT = 'Choose another name: a map has a schema of its own.';
		END IF;
		RETURN existing;
	END LOOP;
	RAISE duplicate_schema USING
		MESSAGE = format('another session makes or drops the map "%s" at the same time', name),
		HINT = 'Try again in a new transaction.';
END
$$;
COMMENT ON FUNCTION cjm_internal.map_claim(text, boolean) IS 'the schema for a map, made, or found to be one''s own and locked against others who make or drop maps; an error if it cannot be had';

-- All texts come from map_expression; they are read by it again here, so that no other text becomes part of a view whoever calls this.
CREATE FUNCTION cjm_internal.map_build(name text, source regclass, customer text, at text, event text, stages cjm.funnel, channel text, value text,
	segment text, segment_at text, filter text, session_gap interval, time_zone text, access text, spend regclass, attribution text,
	nps text, csat text, ces text, replace boolean, keep boolean,
	refusal cjm.funnel DEFAULT NULL, purchase cjm.funnel DEFAULT NULL, visit cjm.funnel DEFAULT NULL, sequence text DEFAULT NULL, attribution_per text DEFAULT 'touchpoint', only_channels boolean DEFAULT false) RETURNS regnamespace
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	SET TimeZone = 'UTC' SET DateStyle = 'ISO, MDY' SET IntervalStyle = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex'
	SET lc_monetary = 'C' SET quote_all_identifiers = off SET xmloption = content SET array_nulls = on SET transform_null_equals = off
	SET standard_conforming_strings = on
AS $$
DECLARE
	new cjm_internal.map;
	old cjm_internal.map;
	existing oid;
	kept regclass;
	parts text[];
	missing text;
	relation pg_class;
	readers boolean;
	made record;
	detail text;
BEGIN
	SELECT a.name INTO missing
	FROM (VALUES ('name', name), ('source', source::text), ('customer', customer), ('at', at), ('event', event), ('stages', stages::text)) a(name, value)
	WHERE a.value IS NULL LIMIT 1;
	IF missing IS NOT NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = format('%s of a map must not be NULL', missing);
	ELSIF name = '' OR octet_length(name) > 63 THEN
		RAISE invalid_name USING
			MESSAGE = format('a map cannot be called "%s"', name),
			HINT = 'The name of a schema has 1 to 63 bytes.';
	ELSIF name LIKE 'pg\_%' OR name = ANY (ARRAY['public', 'information_schema', 'cjm']) THEN
		RAISE reserved_name USING
			MESSAGE = format('a map cannot be called "%s"', name),
			HINT = 'A map has a schema of its own, and this one is PostgreSQL''s, everybody''s or cjm''s.';
	ELSIF segment_at <> ALL (ARRAY['first', 'last']) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('segment_at cannot be "%s"', segment_at), HINT = 'It is first or last.';
	ELSIF access <> ALL (ARRAY['owner', 'reader']) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('access cannot be "%s"', access),
			HINT = 'It is owner, for views that read the source with your rights, or reader, with the rights of whoever asks.';
	END IF;
	PERFORM timezone(time_zone, now());
	PERFORM cjm.sessions('{}'::cjm.journey, session_gap);
	PERFORM cjm.attribute('{}'::cjm.journey, '*'::cjm.funnel, attribution, NULL::interval, attribution_per, interval '30 minutes',
		interval '7 days', '{0.4,0.2,0.4}'::float8[], '{direct}'::text[], false);
	PERFORM cjm_internal.map_check_answers(value, nps, csat, ces);
	PERFORM cjm_internal.map_check_spend(spend);
	PERFORM cjm_internal.map_check_list('refusal', refusal, channel);
	PERFORM cjm_internal.map_check_list('purchase', purchase, channel);
	PERFORM cjm_internal.map_check_list('visit', visit, channel);
	PERFORM cjm_internal.map_check_refusal('stages', stages, refusal);
	PERFORM cjm_internal.map_check_refusal('purchase', purchase, refusal);

	SELECT c.* INTO relation FROM pg_class c WHERE c.oid = source;
	IF relation.relpersistence = 't' THEN
		RAISE wrong_object_type USING
			MESSAGE = format('%s is a temporary table', source),
			HINT = 'A map stays, so its source has to.';
	END IF;
	IF EXISTS (SELECT FROM cjm.funnel_stages(stages) s WHERE s.channel IS NOT NULL) AND channel IS NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'stages ask for a channel, but the map has none',
			HINT = 'Say where the channel is: channel => ''...''.';
	ELSIF spend IS NOT NULL AND channel IS NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'spend is by channel, but the map has none',
			HINT = 'Say where the channel is: channel => ''...''.';
	END IF;

	new.source := source;
	new.customer := cjm_internal.map_expression(source, customer, 'customer', time_zone);
	new.at := cjm_internal.map_expression(source, at, 'at', time_zone);
	new.event := cjm_internal.map_expression(source, event, 'event', time_zone);
	new.channel := cjm_internal.map_expression(source, channel, 'channel', time_zone);
	new.value := cjm_internal.map_expression(source, value, 'value', time_zone);
	new.segment := cjm_internal.map_expression(source, segment, 'segment', time_zone);
	new.segment_at := segment_at;
	new.filter := cjm_internal.map_expression(source, filter, 'filter', time_zone);
	new.stages := stages;
	new.session_gap := session_gap;
	new.time_zone := time_zone;
	new.spend := spend;
	new.attribution := attribution;
	new.nps := nps;
	new.csat := csat;
	new.ces := ces;
	new.refusal := refusal;
	new.purchase := purchase;
	new.visit := visit;
	new.attribution_per := attribution_per;
	new.only_channels := only_channels;
	SELECT format('%I.%I', n.nspname, c.relname) INTO new.source_name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = source;
	new.sequence := cjm_internal.map_expression(source, sequence, 'sequence', time_zone);
	-- Row security is there for the reader's sake, unless the maker says otherwise.
	SELECT bool_or(c.relrowsecurity OR EXISTS (
		SELECT FROM pg_options_to_table(c.reloptions) o WHERE o.option_name = 'security_invoker' AND o.option_value::boolean)) INTO readers
	FROM pg_class c WHERE c.oid IN (source, spend);
	new.access := coalesce(access, CASE WHEN readers THEN 'reader' ELSE 'owner' END);

	-- What the views read is locked now: whoever holds it must not be waited for with the views in hand.
	EXECUTE 'EXPLAIN ' || cjm_internal.map_events_sql(new);
	IF spend IS NOT NULL THEN
		EXECUTE format('EXPLAIN SELECT FROM %s', spend);
	END IF;

	existing := cjm_internal.map_claim(name, replace);
	new.map := existing;
	SELECT c.oid::regclass::text INTO detail FROM pg_class c
	WHERE c.oid IN (source, spend) AND c.relnamespace = existing AND c.relname = ANY ((cjm_internal.map_view_names() || cjm_internal.kept_names())::name[]);
	IF FOUND THEN
		RAISE invalid_parameter_value USING MESSAGE = format('%s is a part of the map itself', detail);
	END IF;
	old := cjm_internal.map_in(existing);
	IF old.map IS NULL THEN
		-- What is left of a map may have stored journeys without the type that they were of.
		EXECUTE cjm_internal.kept_drop_sql(new, 'CASCADE');
	END IF;
	kept := cjm_internal.kept_state(existing);
	IF kept IS NOT NULL THEN
		old := cjm_internal.kept_definition(old);
	END IF;
	IF kept IS NOT NULL AND new.access = 'reader' THEN
		RAISE feature_not_supported USING
			MESSAGE = format('journeys of the map "%s" cannot be kept: each reader sees the rows that they may read', name),
			HINT = format('SELECT cjm.unkeep_journeys(%L) first.', name);
	END IF;

	PERFORM cjm_internal.map_notice_years(new);
	PERFORM cjm_internal.map_check_sequence(new);
	PERFORM cjm_internal.map_notice_events(new);
	-- In the order of a refresh, which has the state when it comes to read a view.
	IF kept IS NOT NULL THEN
		EXECUTE format('SELECT FROM %s FOR UPDATE', kept);
	END IF;
	-- From here on nobody reads the map: what takes long is done before.
	PERFORM cjm_internal.map_lock(existing, NULL::text);
	parts := cjm_internal.kept_parts(kept);
	FOR made IN SELECT v.view_name, v.query FROM cjm_internal.map_views(new) v ORDER BY v.place
	LOOP
		BEGIN
			IF made.view_name = 'journeys' AND kept IS NOT NULL THEN
				PERFORM cjm_internal.kept_check(format('%I.events', name));
				PERFORM cjm_internal.kept_make_views(new);
			END IF;
			EXECUTE format('CREATE OR REPLACE VIEW %I.%I%s AS %s', name, made.view_name,
				CASE WHEN new.access = 'reader' THEN ' WITH (security_invoker = true)'
					WHEN new.filter IS NOT NULL AND made.view_name = 'events' THEN ' WITH (security_barrier = true)' END,
				made.query);
		EXCEPTION WHEN invalid_table_definition THEN
			GET STACKED DIAGNOSTICS detail = MESSAGE_TEXT;
			RAISE invalid_table_definition USING
				MESSAGE = format('the view "%s" of the map cannot be replaced: %s', made.view_name, detail),
				HINT = 'Views that read it hold its columns as they are: keep the type, or use cjm.drop_map and make the map again.';
		END;
	END LOOP;

	EXECUTE format('COMMENT ON SCHEMA %I IS %L', name, 'customer journey map');
	FOR made IN SELECT c.view_name, c.column_name, c.comment FROM cjm_internal.map_comments() c
	LOOP
		IF made.column_name IS NULL THEN
			EXECUTE format('COMMENT ON VIEW %I.%I IS %L', name, made.view_name, made.comment);
		ELSE
			EXECUTE format('COMMENT ON COLUMN %I.%I.%I IS %L', name, made.view_name, made.column_name, made.comment);
		END IF;
	END LOOP;
	-- All of them are the owner's of the schema: reports trust no other.
	FOR made IN SELECT c.oid::regclass AS view, n.nspowner::regrole AS holder
		FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid AND c.relowner <> n.nspowner
		WHERE n.oid = existing AND c.relname = ANY (cjm_internal.map_view_names()::name[])
	LOOP
		EXECUTE format('ALTER VIEW %s OWNER TO %s', made.view, made.holder);
	END LOOP;
	-- A table that the segment is looked up in may have row security of its own.
	SELECT c.oid::regclass::text INTO detail
	FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class JOIN pg_class c ON c.oid = d.refobjid
	WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND v.relnamespace = existing AND v.relname = 'events' AND c.relrowsecurity
	ORDER BY c.oid LIMIT 1;
	IF FOUND AND map_build.access IS NULL AND new.access = 'owner' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('the segment is looked up in %s, which has row security', detail),
			HINT = 'Say whose rights count: access => ''reader'' for those of whoever asks, access => ''owner'' for yours.';
	END IF;
	IF kept IS NOT NULL AND cjm_internal.map_events_sql(old) = cjm_internal.map_events_sql(new) THEN
		PERFORM cjm_internal.kept_follow(new, parts);
	END IF;
	-- A view can be made without a right to read; it would be of no use.
	EXECUTE format('SELECT FROM %1$I.events CROSS JOIN %1$I.spend LIMIT 0', name);
	IF keep AND kept IS NULL THEN
		PERFORM cjm.keep_journeys(name);
	END IF;
	RETURN existing;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_build(text, regclass, text, text, text, cjm.funnel, text, text, text, text, text, interval, text, text, regclass, text, text, text, text, boolean, boolean, cjm.funnel, cjm.funnel, cjm.funnel, text, text, boolean) IS
	'makes the views of a map; create_map is the function to call';

-- Expressions are read in the caller's search_path, all the rest in one that is fixed.
CREATE FUNCTION cjm.create_map(
	name text,
	source regclass,
	customer text,
	at text,
	event text,
	stages cjm.funnel,
	channel text DEFAULT NULL,
	value text DEFAULT NULL,
	segment text DEFAULT NULL,
	segment_at text DEFAULT 'first',
	filter text DEFAULT NULL,
	session_gap interval DEFAULT '30 minutes',
	time_zone text DEFAULT current_setting('TimeZone'),
	access text DEFAULT NULL,
	spend regclass DEFAULT NULL,
	attribution text DEFAULT 'last_touch',
	nps text DEFAULT NULL,
	csat text DEFAULT NULL,
	ces text DEFAULT NULL,
	replace boolean DEFAULT false,
	keep boolean DEFAULT false,
	refusal cjm.funnel DEFAULT NULL,
	purchase cjm.funnel DEFAULT NULL,
	visit cjm.funnel DEFAULT NULL,
	sequence text DEFAULT NULL,
	attribution_per text DEFAULT 'touchpoint',
	only_channels boolean DEFAULT false) RETURNS regnamespace
	LANGUAGE sql VOLATILE
RETURN cjm_internal.map_build(name, source,
	cjm_internal.map_expression(source, customer, 'customer', coalesce(time_zone, current_setting('TimeZone'))),
	cjm_internal.map_expression(source, at, 'at', coalesce(time_zone, current_setting('TimeZone'))),
	cjm_internal.map_expression(source, event, 'event', coalesce(time_zone, current_setting('TimeZone'))),
	stages,
	cjm_internal.map_expression(source, channel, 'channel', coalesce(time_zone, current_setting('TimeZone'))),
	cjm_internal.map_expression(source, value, 'value', coalesce(time_zone, current_setting('TimeZone'))),
	cjm_internal.map_expression(source, segment, 'segment', coalesce(time_zone, current_setting('TimeZone'))),
	coalesce(segment_at, 'first'),
	cjm_internal.map_expression(source, filter, 'filter', coalesce(time_zone, current_setting('TimeZone'))),
	coalesce(session_gap, '30 minutes'), coalesce(time_zone, current_setting('TimeZone')), access, spend, coalesce(attribution, 'last_touch'), nps, csat, ces,
	coalesce(replace, false), coalesce(keep, false), refusal, purchase, visit,
	cjm_internal.map_expression(source, sequence, 'sequence', coalesce(time_zone, current_setting('TimeZone'))),
	coalesce(attribution_per, 'touchpoint'), coalesce(only_channels, false));
COMMENT ON FUNCTION cjm.create_map(text, regclass, text, text, text, cjm.funnel, text, text, text, text, text, interval, text, text, regclass, text, text, text, text, boolean, boolean, cjm.funnel, cjm.funnel, cjm.funnel, text, text, boolean) IS
'makes a customer journey map: a schema of views over an event table.
name: of the schema; source: a table or view with a row for each event
customer, at, event, channel, value, segment: a column or an expression over a row of the source; filter: a condition
stages: the funnel; segment_at: whether the first or last segment of a customer counts
session_gap: what is longer ends a session; time_zone: where days, weeks and months begin
access: owner, the default, or reader, the default where the source has row security
spend: a table or view of what the channels cost, with day, channel, impressions, clicks and cost; attribution: the model that the view channels credits by
nps, csat, ces: the events whose value is an answer from 0 to 10, from 1 to 5 and from 1 to 7
replace: whether a map of that name is made anew; views over its views stay, and what keep_journeys has made of it
keep: whether its journeys are kept, as by keep_journeys
refusal: the events that say no, such as ''refusal | cancel'': an exit from any stage
purchase: the events that are a purchase, such as ''order | renewal''; NULL for those of the last stage that is not optional
visit: the events that are a visit, such as ''visit | view'', for sessions, bounces and channels; NULL for all
sequence: a column or an expression, a whole number that orders the events of one time; it is added to the time as microseconds
attribution_per: touchpoint, or session for one share of a conversion to each visit; only_channels: whether touchpoints without a channel earn nothing; of the views attribution and channels';

CREATE FUNCTION cjm.drop_map(name text, cascade boolean DEFAULT false) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	old cjm_internal.map := cjm_internal.map_of(name);
	schema text;
	views text;
BEGIN
	PERFORM cjm_internal.map_lock_schema((old).map);
	-- Another session may have dropped or renamed it in the meantime; then there is none.
	old := cjm_internal.map_of(name);
	schema := cjm_internal.map_schema(old);
	SELECT string_agg(format('%s.%I', schema, c.relname), ', ' ORDER BY c.oid) INTO views
	FROM pg_class c
	WHERE c.relnamespace = old.map AND c.relkind = 'v' AND c.relname = ANY (cjm_internal.map_view_names()::name[]);
	PERFORM cjm_internal.map_lock((old).map, format('DROP VIEW %2$s %3$s; %4$sDROP SCHEMA %1$s %3$s', schema, views, CASE WHEN cascade THEN 'CASCADE' ELSE 'RESTRICT' END,
		cjm_internal.kept_drop_sql(old, CASE WHEN cascade THEN 'CASCADE' ELSE 'RESTRICT' END)));
END
$$;
COMMENT ON FUNCTION cjm.drop_map(text, boolean) IS
	'takes a map away: its views and its schema; with cascade also what others have built on them or put into it, else that is an error';
--
-- Reports of a map with arguments.
--
-- Every one takes the name of a map and, as far as it has them, in this order:
-- by, the bucket or period, and a time range; then what is its own.  It is about
-- what began in the range, from_time included, to_time excluded.  They read the
-- view "journeys" of the map with the rights of whoever asks.
--

CREATE FUNCTION cjm.funnel_report(
	map text,
	by text DEFAULT NULL,
	bucket text DEFAULT NULL,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity')
	RETURNS TABLE (by_value text, bucket_start timestamptz, closed boolean,
		step integer, stage text, customers bigint, step_rate float8, overall_rate float8, dropped bigint, drop_rate float8, open_customers bigint,
		rate_low float8, rate_high float8,
		median_time interval, mean_time interval, p90_time interval, median_total interval, p90_total interval,
		median_time_seconds float8, mean_time_seconds float8, p90_time_seconds float8, median_total_seconds float8, p90_total_seconds float8,
		refused bigint)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map);
	ranged boolean := cjm_internal.map_ranged(from_time, to_time);
BEGIN
	IF bucket IS NOT NULL THEN
		PERFORM cjm_internal.map_period(bucket);
	END IF;
	RETURN QUERY EXECUTE cjm_internal.map_funnel_sql(def, format('s.label, lower(s.entered), %s,',
		CASE WHEN bucket IS NULL THEN 'NULL::boolean' ELSE cjm_internal.map_bucket_sql(def) END), by, bucket, ranged)
		USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;
COMMENT ON FUNCTION cjm.funnel_report(text, text, text, timestamptz, timestamptz) IS
'the funnel of a map, of walks that begin in a time range.
by: NULL, segment, channel or entry_channel (of the first touchpoint of the winning walk), first_channel (of the customer), session_channel (of the session in which the walk began); bucket: NULL, hour, day, week, month, quarter or year of the walk''s beginning
Columns as in the views funnel, funnel_by_segment and funnel_by_week.';

CREATE FUNCTION cjm.drop_off_report(
	map text,
	by text DEFAULT 'last_event',
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity')
	RETURNS TABLE (step integer, stage text, by_value text, customers bigint, share float8, open_customers bigint,
		median_days_since float8, next_event text, next_customers bigint, refused bigint)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE cjm_internal.map_drop_off_sql(cjm_internal.map_of(map), 'by_value', nullif(coalesce(by, 'last_event'), 'none'), cjm_internal.map_ranged(from_time, to_time)) USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;
COMMENT ON FUNCTION cjm.drop_off_report(text, text, timestamptz, timestamptz) IS
'who began the funnel in a time range and did not complete it, by the deepest step.
by: last_event, next_event (what came next after the step was reached), none, segment, channel or entry_channel (of the first touchpoint of the winning walk), first_channel (of the customer), session_channel (of the session in which the walk began)
Columns as in the view drop_off.';

CREATE FUNCTION cjm.session_report(
	map text,
	by text DEFAULT NULL,
	bucket text DEFAULT NULL,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity')
	RETURNS TABLE (by_value text, bucket_start timestamptz, sessions bigint, customers bigint, new_sessions bigint, returning_sessions bigint,
		bounces bigint, bounce_rate float8, touches_per_session float8, mean_time interval, median_time interval,
		mean_time_seconds float8, median_time_seconds float8, value numeric, value_per_session numeric, gross_value numeric)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF bucket IS NOT NULL THEN
		PERFORM cjm_internal.map_period(bucket);
	END IF;
	RETURN QUERY EXECUTE cjm_internal.map_session_report_sql(cjm_internal.map_of(map), by, bucket, cjm_internal.map_ranged(from_time, to_time)) USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;
COMMENT ON FUNCTION cjm.session_report(text, text, text, timestamptz, timestamptz) IS
'sessions that began in a time range.
by: NULL, segment, channel or session_channel (of the session), first_channel (of the customer), entry_event, exit_event, or visitor (new in the first session of a customer, then returning)
bucket: NULL, hour, day, week, month, quarter or year of the session''s beginning
value: less refunds, which are negative values; gross_value: without taking them off; value_per_session: of all sessions, those without a value too';

CREATE FUNCTION cjm.retention_report(
	map text,
	period text DEFAULT 'month',
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	kind text DEFAULT 'in')
	RETURNS TABLE (cohort date, number integer, period_start date, cohort_size bigint, retained bigint, rate float8, churn float8,
		period_over boolean)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE cjm_internal.map_retention_sql(cjm_internal.map_of(map), coalesce(period, 'month'), coalesce(kind, 'in'), cjm_internal.map_ranged(from_time, to_time)) USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;
COMMENT ON FUNCTION cjm.retention_report(text, text, timestamptz, timestamptz, text) IS
'customers by the period of their first touchpoint, and how many of them came back; of customers first seen in a time range.
period: day, week, month, quarter or year; kind: in, for those seen in the period, or on_or_after, for those seen in it or later
Periods go up to the last one in which anybody was seen, and not beyond the present one; a cohort of the future has its own alone. churn: 1 - rate; period_over: before that the numbers are still growing, as those of on_or_after always are: there it is NULL';

CREATE FUNCTION cjm.lifecycle_report(
	map text,
	period text DEFAULT 'month',
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity')
	RETURNS TABLE (period_start date, new_customers bigint, returning_customers bigint, resurrected_customers bigint, dormant_customers bigint,
		active_customers bigint, period_over boolean)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 20
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map);
	step interval := cjm_internal.map_period(coalesce(period, 'month'));
BEGIN
	period := coalesce(period, 'month');
	PERFORM cjm_internal.map_ranged(from_time, to_time);
	IF step < interval '1 day' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'life cycles by the hour are not known',
			HINT = 'Periods are day, week, month, quarter and year.';
	END IF;
	-- Many customers were there in the same periods: those are counted first, as for retention.
	RETURN QUERY EXECUTE format('WITH seen AS (
			SELECT cjm.active_periods(j.journey, %3$L::text, %2$L::text) AS periods, count(*) AS customers FROM %1$s.journeys j GROUP BY 1
		), active AS (
			SELECT p.period, s.periods[p.place - 1] AS earlier, s.periods[p.place + 1] AS later, sum(s.customers) AS customers
			FROM seen s CROSS JOIN LATERAL (SELECT u.period, u.place::integer FROM unnest(s.periods) WITH ORDINALITY u(period, place)) p
			GROUP BY 1, 2, 3
		), past AS (
			SELECT a.* FROM active a WHERE a.period <= %5$s
		), moves AS (
			SELECT a.period, CASE WHEN a.earlier IS NULL THEN 1 WHEN a.earlier + %4$L::interval = a.period THEN 2 ELSE 3 END AS kind, a.customers
			FROM past a
			UNION ALL
			SELECT (a.period + %4$L::interval)::date, 4, a.customers
			FROM past a WHERE a.later IS DISTINCT FROM (a.period + %4$L::interval)::date
		)
		SELECT g.period::date,
			coalesce(sum(m.customers) FILTER (WHERE m.kind = 1), 0)::bigint, coalesce(sum(m.customers) FILTER (WHERE m.kind = 2), 0)::bigint,
			coalesce(sum(m.customers) FILTER (WHERE m.kind = 3), 0)::bigint, coalesce(sum(m.customers) FILTER (WHERE m.kind = 4), 0)::bigint,
			coalesce(sum(m.customers) FILTER (WHERE m.kind < 4), 0)::bigint, g.period < %5$s
		FROM (SELECT min(period) AS first, max(period) AS last FROM past) ends
			CROSS JOIN LATERAL generate_series(ends.first::timestamp, ends.last::timestamp, %4$L::interval) g(period)
			LEFT JOIN moves m ON m.period = g.period::date
		WHERE g.period AT TIME ZONE %2$L >= $1 AND g.period AT TIME ZONE %2$L < $2
		GROUP BY g.period ORDER BY g.period',
		cjm_internal.map_schema(def), (def).time_zone, lower(period), step, cjm_internal.map_present_sql(def, period)) USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;
COMMENT ON FUNCTION cjm.lifecycle_report(text, text, timestamptz, timestamptz) IS
'what became of customers from period to period, up to the last one in which anybody was seen and not beyond the present one; of periods that begin in a time range.
new: first seen in it; returning: seen in it and in the one before; resurrected: seen in it and before, but not in the one before;
dormant: seen in the one before and not in it; active: new, returning and resurrected';

-- A purchase is what the map says, or a touchpoint of the last stage that is not optional, whatever came before it.
CREATE FUNCTION cjm.purchase_report(
	map text,
	by text DEFAULT NULL,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity')
	RETURNS TABLE (by_value text, customers bigint, purchases bigint, repeat_customers bigint, repeat_rate float8, purchases_per_customer float8,
		value numeric, average_order_value numeric, mean_time_between interval, median_time_between interval,
		mean_time_between_seconds float8, median_time_between_seconds float8, gross_value numeric)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 10
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map);
BEGIN
	RETURN QUERY EXECUTE format('SELECT s.label, s.customers, s.purchases, s.repeats, s.repeats::float8 / nullif(s.customers, 0)::float8,
			s.purchases::float8 / nullif(s.customers, 0)::float8, s.value, trim_scale(s.gross_value / nullif(s.valued, 0)::numeric),
			s.mean, s.median, extract(epoch FROM s.mean)::float8, extract(epoch FROM s.median)::float8, s.gross_value
		FROM (SELECT %s AS label, count(*) FILTER (WHERE p.number = 1) AS customers, count(p.number) AS purchases,
				count(*) FILTER (WHERE p.number = 2) AS repeats, sum(cjm_internal.map_money(p.value)) AS value,
				sum(cjm_internal.map_money(p.value)) FILTER (WHERE p.number IS NOT NULL) AS gross_value, count(p.value) FILTER (WHERE p.number IS NOT NULL) AS valued,
				justify_hours(avg(p.since)) AS mean,
				justify_hours(make_interval(secs => cjm.median(date_part(''epoch'', p.since)))) AS median
			FROM %s.journeys j CROSS JOIN LATERAL cjm.purchases(%s, %L::cjm.funnel, %s%s) p%s%s) s
		ORDER BY s.label COLLATE "C"',
		CASE by WHEN 'session_channel' THEN cjm_internal.map_session_channel_sql(def, 'p.at')
			ELSE cjm_internal.map_walk_split(def, CASE by WHEN 'channel' THEN 'first_channel' ELSE by END, NULL::text, VARIADIC '{}') END,
		cjm_internal.map_schema(def), cjm_internal.map_valued_journey(def), cjm_internal.map_purchase(def),
		CASE WHEN cjm_internal.map_ranged(from_time, to_time) THEN '$1, $2' ELSE '''-infinity''::timestamptz, ''infinity''::timestamptz' END, ', ' || quote_literal((def).refusal) || '::cjm.funnel', ' WHERE ' || cjm_internal.map_has_purchase(def),
		CASE WHEN by IS NOT NULL THEN ' GROUP BY 1' END) USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;
COMMENT ON FUNCTION cjm.purchase_report(text, text, timestamptz, timestamptz) IS
'purchases in a time range; a purchase is a touchpoint of the map''s purchase events or, where it names none, of its last stage that is not optional.
by: NULL, segment, channel or first_channel (of the customer), entry_channel (of the first touchpoint of the winning walk), session_channel (of the session of the purchase)
customers: who bought; repeat_customers: who did so at least twice; repeat_rate: their share
value: less refunds, which are negative values of purchases or refusals; gross_value: without taking them off; average_order_value: gross_value / purchases that have a value; time between: from each purchase of a customer to the next, median the lower one';

CREATE FUNCTION cjm.win_back_report(
	map text,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	away interval DEFAULT '30 days')
	RETURNS TABLE (step integer, stage text, customers bigint, came_back bigint, came_back_rate float8, went_on bigint, went_on_rate float8,
		converted bigint, median_away interval, median_away_seconds float8)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 5
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map);
BEGIN
	away := coalesce(away, '30 days');
	-- Fixed units only, as for a session gap, whose errors would name that.
	IF extract(year FROM away) <> 0 OR extract(month FROM away) <> 0 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('away must not have months or years: %s', away),
			HINT = 'They have no fixed length; say it in days: 30 days.';
	ELSIF away < interval '0' THEN
		RAISE invalid_parameter_value USING MESSAGE = format('away must not be negative: %s', away);
	END IF;
	RETURN QUERY EXECUTE format('SELECT s.step, %1$s[s.step], s.customers, s.came_back, s.came_back::float8 / s.customers::float8,
			s.went_on, s.went_on::float8 / nullif(s.came_back, 0)::float8, s.converted, s.median_away, extract(epoch FROM s.median_away)::float8
		FROM (SELECT (l.lapse).step, count(*) AS customers, count((l.lapse).back_at) AS came_back,
				count(*) FILTER (WHERE (l.lapse).final_step > (l.lapse).step) AS went_on,
				count(*) FILTER (WHERE (l.lapse).final_step >= %2$s) AS converted,
				justify_hours(make_interval(secs => cjm.median(date_part(''epoch'', (l.lapse).back_at - (l.lapse).left_at)))) AS median_away
			FROM (SELECT cjm.funnel_lapse(j.journey, %4$L::cjm.funnel, %5$L::interval) AS lapse FROM %3$s.journeys j OFFSET ''0'') l
			WHERE (l.lapse).step < %2$s AND ((l.lapse).back_at IS NOT NULL OR (l.lapse).left_at + %5$L::interval < now())%6$s
			GROUP BY 1) s
		ORDER BY s.step',
		cjm_internal.map_stage_names(def), cjm_internal.map_completed_step(def), cjm_internal.map_schema(def), (def).stages, away,
		CASE WHEN cjm_internal.map_ranged(from_time, to_time) THEN ' AND (l.lapse).left_at >= $1 AND (l.lapse).left_at < $2' END) USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;
COMMENT ON FUNCTION cjm.win_back_report(text, timestamptz, timestamptz, interval) IS
'customers who began the funnel, stayed away for longer than the time given before they had completed it, and who came back; of those last seen before in a time range.
step, stage: where they stood; customers: who stayed away (the first time that they did, if several); came_back: who has a touchpoint after it;
went_on: who came further than they were; converted: who completed the funnel
came_back_rate: came_back / customers; went_on_rate: went_on / came_back, NULL where nobody did';
--
-- Reports with arguments that look at the journey itself, and what to improve.
--
-- Their arguments are in the order of those in 935-map_reports.sql.
--

CREATE FUNCTION cjm.touchpoint_report(
	map text,
	by text DEFAULT 'event',
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity')
	RETURNS TABLE (step integer, stage text, by_value text, customers bigint, share float8, touches bigint,
		first_seen timestamptz, last_seen timestamptz, compared_within interval,
		with_customers bigint, with_went_on bigint, with_rate float8, without_customers bigint, without_rate float8,
		difference float8, difference_low float8, difference_high float8, sure boolean)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map);
	touch_by text := cjm_internal.map_touch_by(coalesce(by, 'event'));
BEGIN
	RETURN QUERY EXECUTE cjm_internal.map_touchpoints_sql(def, 'by_value', touch_by, cjm_internal.map_ranged(from_time, to_time)) USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;
COMMENT ON FUNCTION cjm.touchpoint_report(text, text, timestamptz, timestamptz) IS
'what customers met at each stage, of walks that begin in a time range (then from step 1 on).
by: event, or channel, for touchpoints that have one
Columns as in the view touchpoints.';

CREATE FUNCTION cjm.stage_report(
	map text,
	by text DEFAULT NULL,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity')
	RETURNS TABLE (by_value text, step integer, stage text, converted boolean, customers bigint, share float8, open_customers bigint,
		median_days_since float8, open_median_days_since float8, refused bigint)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 20
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE cjm_internal.map_stages_sql(cjm_internal.map_of(map), 'l.label,', by, cjm_internal.map_ranged(from_time, to_time)) USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;
COMMENT ON FUNCTION cjm.stage_report(text, text, timestamptz, timestamptz) IS
'where customers stand now, of walks that begin in a time range (then from step 1 on).
by: NULL, segment, channel or entry_channel (of the first touchpoint of the winning walk), first_channel (of the customer), session_channel (of the session in which the walk began); share: of the customers with that value
Columns as in the view stages.';

CREATE FUNCTION cjm.transition_report(
	map text,
	by text DEFAULT 'event',
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	depth integer DEFAULT NULL,
	repeats boolean DEFAULT false)
	RETURNS TABLE ("position" integer, source text, target text, value bigint, customers bigint, share float8)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE cjm_internal.map_transitions_sql(cjm_internal.map_of(map), CASE WHEN depth IS NULL THEN 'NULL::integer,' ELSE 't.position,' END,
		coalesce(by, 'event'), depth, coalesce(repeats, false), cjm_internal.map_ranged(from_time, to_time)) USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;
COMMENT ON FUNCTION cjm.transition_report(text, text, timestamptz, timestamptz, integer, boolean) IS
'what followed what, of customers first seen in a time range.
by: event, or channel, of touchpoints that have one
depth: NULL for pairs wherever they stand, or a number of positions from the beginning of journeys: then source and target begin with their position ("1. view"), so that a Sankey chart has no circles
repeats: whether the same several times running counts each time; it does not by default
value: how often; share: of the times that the source was there at all';

CREATE FUNCTION cjm.path_report(
	map text,
	by text DEFAULT 'event',
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	depth integer DEFAULT 10,
	repeats boolean DEFAULT false)
	RETURNS TABLE (path text, nodes text[], customers bigint, share float8, converted bigint, rate float8)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 1000
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE cjm_internal.map_paths_sql(cjm_internal.map_of(map), coalesce(by, 'event'), coalesce(depth, 10), coalesce(repeats, false), cjm_internal.map_ranged(from_time, to_time)) USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;
COMMENT ON FUNCTION cjm.path_report(text, text, timestamptz, timestamptz, integer, boolean) IS
'paths up to the completion of the funnel, of customers first seen in a time range.
by: event, or channel, of touchpoints that have one; depth: how many at most
repeats: whether the same several times running is there each time; it is not by default
Columns as in the view paths.';

--
-- What to improve
--

-- A target has to come from somewhere.
CREATE FUNCTION cjm_internal.map_parts(map cjm_internal.map, by text, entered text) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	split text := cjm_internal.map_walk_split(map, by, entered, VARIADIC '{}');
BEGIN
	IF (by = 'segment' AND (map).segment IS NULL) OR (by LIKE '%channel' AND (map).channel IS NULL) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('the map "%s" has no %s to compare with', (map).map::text, by),
			HINT = 'Say which rate to reach: target => 0.5, or what to compare: by => ''segment'' or by => ''entry_channel''.';
	END IF;
	RETURN split;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_parts(cjm_internal.map, text, text) IS 'SQL: what the customers of a map are compared by; an error if the map does not have it';

-- The funnel by parts, each with its steps, and the sum of them.  Of many rates the highest is that of a small and lucky part, and even
-- the highest lower end of their intervals is, where there are many: so parts of few customers are no target, and intervals are as wide
-- as it takes for all of them to hold together (Bonferroni, see rate_interval).  What the best part reaches for sure is the target.
CREATE FUNCTION cjm.weakest_step(
	map text,
	by text DEFAULT 'segment',
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	target float8 DEFAULT NULL)
	RETURNS TABLE (step integer, stage text, customers_before bigint, customers bigint, step_rate float8, best text, best_customers bigint,
		best_rate float8, target_rate float8, more_customers float8, more_converted float8)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 5
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map);
	split text := CASE WHEN target IS NULL THEN cjm_internal.map_parts(def, coalesce(by, 'segment'), CASE WHEN cjm_internal.map_ranged(from_time, to_time) THEN 'tstzrange($1, $2)' END) ELSE 'NULL::text' END;
BEGIN
	IF NOT (target >= 0 AND target <= 1) THEN
		RAISE invalid_parameter_value USING MESSAGE = format('target must be a rate from 0 to 1, not %s', target);
	END IF;
	RETURN QUERY EXECUTE format('WITH parts AS MATERIALIZED (
			SELECT %2$s AS label, cjm.funnel_agg(j.journey, %1$L::cjm.funnel%4$s) AS stats FROM %3$s.journeys j GROUP BY 1
		), steps AS (
			SELECT r.step, r.stage, r.customers, r.step_rate, lag(r.customers) OVER (ORDER BY r.step) AS before,
				last_value(r.customers) OVER (ORDER BY r.step ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS converted
			FROM (SELECT cjm.rollup(p.stats) AS stats FROM parts p) whole
				CROSS JOIN LATERAL cjm.report(coalesce(whole.stats, cjm.funnel_stats(%1$L::cjm.funnel))) r
			WHERE r.step = ANY (%5$L::integer[])
		), rates AS (
			SELECT r.step, p.label, r.customers, lag(r.customers) OVER (PARTITION BY p.label ORDER BY r.step) AS before
			FROM parts p CROSS JOIN LATERAL cjm.report(p.stats) r
			WHERE p.label IS NOT NULL AND r.step = ANY (%5$L::integer[])
		), compared AS (
			SELECT r.step, r.label, r.before, i.rate, i.rate_low
			FROM (SELECT q.*, count(*) OVER () AS comparisons FROM rates q WHERE q.before >= %7$s) r
				CROSS JOIN LATERAL cjm.rate_interval(r.customers, r.before, r.comparisons) i
		), bests AS (
			SELECT DISTINCT ON (c.step) c.* FROM compared c ORDER BY c.step, c.rate_low DESC, c.label COLLATE "C"
		)
		SELECT g.step, g.stage, g.before, g.customers, g.step_rate, g.label, g.label_before, g.label_rate, g.target, g.more, g.more * g.rest
		FROM (SELECT s.*, b.label, b.before AS label_before, b.rate AS label_rate, t.target,
				s.before::float8 * CASE WHEN t.target > s.step_rate THEN t.target - s.step_rate WHEN t.target <= s.step_rate THEN 0 END AS more,
				CASE WHEN s.step = %6$s THEN 1 ELSE s.converted::float8 / nullif(s.customers, 0)::float8 END AS rest
			FROM steps s LEFT JOIN bests b ON b.step = s.step CROSS JOIN LATERAL (SELECT coalesce($3, b.rate_low) AS target) t
			WHERE s.step > 1) g
		ORDER BY 11 DESC NULLS LAST, g.step',
		(def).stages, split, cjm_internal.map_schema(def), CASE WHEN cjm_internal.map_ranged(from_time, to_time) THEN ', tstzrange($1, $2)' END,
		(SELECT array_agg(DISTINCT s.step) FROM cjm.funnel_stages((def).stages) s WHERE NOT s.optional), cjm_internal.map_completed_step(def), cjm_internal.map_few())
		USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity'), target;
END
$$;
COMMENT ON FUNCTION cjm.weakest_step(text, text, timestamptz, timestamptz, float8) IS
'the steps of a map by how many more customers would convert if that step alone were better, of walks that begin in a time range; the best improvement first.
by: the parts of the customers whose best one is the target: segment, channel or entry_channel (of the first touchpoint of the winning walk), first_channel (of the customer), session_channel (of the session in which the walk began); target: the rate to reach instead of that, if not NULL
customers_before, customers, step_rate: at the mandatory step before, at this one, and the share
best: the part that surely reaches most: of those with at least 30 customers at the step before, the one with the highest lower end of the Wilson interval of its rate, all these intervals holding together with 95 % (Bonferroni)
best_customers, best_rate: how many customers it has at the step before, and its rate as counted, which luck may have a part in; target_rate: that lower end, or target
more_customers: who would be at this step beyond those who are; 0 where the best part may be no better than all
more_converted: who of them would complete the funnel, all later rates being what they are; NULL where nobody is at the step, so that no later rate is known
NULL where no part has enough customers. Optional stages, which nobody has to pass, are left out.';

-- Which step a key of rates means: its number, which no name of a stage hides, or the name of a stage that is there once.
CREATE FUNCTION cjm_internal.map_step_of(map cjm_internal.map, key text) RETURNS integer
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	steps integer[];
	names text[];
BEGIN
	SELECT coalesce(array_agg(r.step) FILTER (WHERE r.step::text = key), array_agg(r.step ORDER BY r.step) FILTER (WHERE r.stage = key)),
		array_agg(r.stage ORDER BY r.step)
	INTO steps, names FROM cjm.report(cjm.funnel_stats((map).stages)) r;
	IF steps IS NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('the funnel has no step "%s"', key),
			HINT = coalesce('Did you mean "' || cjm_internal.map_nearest(key, names) || '"? ', '') ||
				format('Steps are 2 to %s, or the names of stages.', cardinality(names));
	ELSIF cardinality(steps) > 1 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('"%s" is more than one step: %s', key, array_to_string(steps, ', ')),
			HINT = 'Say which by its number, or name the stages apart.';
	ELSIF steps[1] = 1 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('step "%s" is the first one and has no rate', key),
			HINT = format('Steps with a rate are 2 to %s.', cardinality(names));
	END IF;
	RETURN steps[1];
END
$$;
COMMENT ON FUNCTION cjm_internal.map_step_of(cjm_internal.map, text) IS 'the step that a number, or else the name of a stage, means; an error if there is none or several, or if it is the first';

CREATE FUNCTION cjm.what_if(
	map text,
	rates jsonb,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity')
	RETURNS TABLE (step integer, stage text, customers bigint, step_rate float8, overall_rate float8,
		new_customers float8, new_step_rate float8, new_overall_rate float8, difference float8)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 5
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map);
	mandatory integer[];
	new_rates float8[] := '{}';
	given record;
	wanted integer;
	first bigint;
	before float8;
	before_now bigint;
BEGIN
	IF rates IS NULL OR jsonb_typeof(rates) <> 'object' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('rates must be an object, not %s', coalesce(left(rates::text, 40), 'NULL')),
			HINT = 'Give a rate for each step to change: {"3": 0.5}, or {"checkout": 0.5}.';
	END IF;
	FOR given IN SELECT r.key, r.value FROM jsonb_each(rates) r ORDER BY r.key COLLATE "C"
	LOOP
		wanted := cjm_internal.map_step_of(def, given.key);
		IF jsonb_typeof(given.value) <> 'number' OR given.value::numeric NOT BETWEEN 0 AND 1 THEN
			RAISE invalid_parameter_value USING MESSAGE = format('the rate of step "%s" must be a number from 0 to 1, not %s', given.key, left(given.value::text, 40));
		ELSIF new_rates[wanted] IS NOT NULL THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('rates has step %s twice, as "%s" too', wanted, given.key),
				HINT = 'Name each step once, by its number or by its stage.';
		END IF;
		new_rates[wanted] := given.value::numeric::float8;
	END LOOP;
	SELECT array_agg(DISTINCT s.step) INTO mandatory FROM cjm.funnel_stages((def).stages) s WHERE NOT s.optional;

	FOR step, stage, customers, step_rate, overall_rate IN
		SELECT f.step, f.stage, f.customers, f.step_rate, f.overall_rate
		FROM cjm.funnel_report(what_if.map, NULL::text, NULL::text, from_time, to_time) f ORDER BY f.step
	LOOP
		first := coalesce(first, customers);
		new_step_rate := coalesce(new_rates[step], step_rate);
		-- What nothing has changed stays to the last digit.  Nobody before is nobody here, whatever the rate would be.
		new_customers := CASE WHEN step = 1 OR (before = before_now AND new_step_rate IS NOT DISTINCT FROM step_rate) THEN customers
			WHEN before = 0 THEN 0 ELSE before * new_step_rate END;
		new_overall_rate := new_customers / nullif(first, 0)::float8;
		difference := new_customers - customers;
		IF step = ANY (mandatory) THEN
			before := new_customers;
			before_now := customers;
		END IF;
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cjm.what_if(text, jsonb, timestamptz, timestamptz) IS
'the funnel of a map if some steps had other rates and all others kept theirs, of walks that begin in a time range.
rates: an object of new step rates from 0 to 1, each by the number of the step or, where that is no number of a step, the name of its stage: {"3": 0.5, "purchase": 0.9}
customers, step_rate, overall_rate: as they are; new_customers, new_step_rate, new_overall_rate: as they would be; difference: new_customers - customers
As in the funnel, a rate is of the mandatory step before; to change that of an optional stage changes no other step. NULL where a rate is not known, since nobody was at the step before';

-- Who comes far has been there longer and has had more occasions to meet anything: to set all who met something against all others would find
-- everything to be good for converting.  Each customer who meets something for the first time is set against those of the same risk set: who are at
-- the same stage then, have been there as long, and have not met it (see stratified_odds_ratio).
--
-- met: customers, their stays at stages and what they met, by when; a stay ends when its stage is left, or now.  fair: the time in which nine of
-- ten who converted had done so.  points: who met something at a moment of a stage, how many who had met it before were still there, and how many of
-- all (whose stays are the rows without a kind).  risk: who met it, and the others.
CREATE FUNCTION cjm.funnel_drivers(
	map text,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity')
	RETURNS TABLE (kind text, driver text, with_customers bigint, with_converted bigint, with_rate float8,
		without_customers bigint, without_rate float8,
		odds_ratio float8, odds_low float8, odds_high float8, p_value float8, adjusted_p_value float8, compared_within interval)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 50
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map);
BEGIN
	RETURN QUERY EXECUTE format('WITH met AS MATERIALIZED (
			SELECT x.kind, x.step, CASE WHEN x.step IS NULL THEN j.segment ELSE x.label END AS label, x.converted,
				cjm_internal.map_window(x.seconds) AS took, cjm_internal.map_window(date_part(''epoch'', now() - x.began_at)) AS age, p.met,
				CASE WHEN p.met THEN coalesce(cjm_internal.map_moment(x.met_after), -1)
					ELSE cjm_internal.map_moment(least(x.stayed, date_part(''epoch'', now() - x.reached_at))) END AS moment, count(*) AS customers
			FROM %2$s.journeys j CROSS JOIN LATERAL cjm.funnel_exposures(j.journey, %1$L::cjm.funnel, %3$s) x CROSS JOIN (VALUES (true), (false)) p(met)
			WHERE (x.kind IS NOT NULL OR NOT p.met) AND (date_part(''epoch'', now() - x.reached_at) >= coalesce(x.met_after, 0)) IS NOT FALSE
			GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
		), fair AS (
			SELECT min(w.seconds) AS seconds, cjm_internal.map_window(min(w.seconds)) AS age, cjm_internal.map_moment(min(w.seconds)) AS until
			FROM (SELECT u.seconds, sum(m.customers) FILTER (WHERE m.took < cjm_internal.map_window(u.seconds)) AS by_then, sum(m.customers) AS ever
				FROM met m CROSS JOIN unnest(cjm_internal.map_windows()) u(seconds) WHERE m.step IS NULL AND m.converted GROUP BY u.seconds) w
			WHERE w.by_then >= 0.9 * w.ever
		), counted AS (
			SELECT m.kind, m.step, m.label, m.met, m.moment, sum(m.customers) AS customers, coalesce(sum(m.customers) FILTER (WHERE m.converted), 0) AS converted
			FROM met m JOIN fair f ON m.age >= f.age GROUP BY 1, 2, 3, 4, 5
		), points AS (
			SELECT p.*, sum(p.met - p.gone) OVER earlier - (p.met - p.gone) AS had_met,
				sum(p.met_converted - p.gone_converted) OVER earlier - (p.met_converted - p.gone_converted) AS had_met_converted,
				sum(p.gone) FILTER (WHERE p.kind IS NULL) OVER later AS there, sum(p.gone_converted) FILTER (WHERE p.kind IS NULL) OVER later AS there_converted
			FROM (SELECT c.kind, c.label, c.step, c.moment, coalesce(sum(c.customers) FILTER (WHERE c.met), 0) AS met, coalesce(sum(c.converted) FILTER (WHERE c.met), 0) AS met_converted,
					coalesce(sum(c.customers) FILTER (WHERE NOT c.met), 0) AS gone, coalesce(sum(c.converted) FILTER (WHERE NOT c.met), 0) AS gone_converted
				FROM counted c WHERE c.step IS NOT NULL GROUP BY 1, 2, 3, 4) p
			WINDOW earlier AS (PARTITION BY p.kind, p.label, p.step ORDER BY p.moment), later AS (PARTITION BY p.step ORDER BY p.moment DESC)
		), whole AS (
			SELECT sum(c.customers) AS customers, sum(c.converted) AS converted FROM counted c WHERE c.step IS NULL
		), risk AS (
			SELECT p.kind, p.label, p.step, p.moment, p.met, p.met_converted, p.there - p.had_met - p.met AS others,
				p.there_converted - p.had_met_converted - p.met_converted AS others_converted
			FROM points p CROSS JOIN fair f WHERE p.met > 0 AND p.moment >= 0 AND p.moment < f.until
			UNION ALL
			SELECT ''segment'', c.label, 0, 0, c.customers, c.converted, w.customers - c.customers, w.converted - c.converted
			FROM counted c CROSS JOIN whole w WHERE c.step IS NULL AND c.label IS NOT NULL
		), tested AS (
			SELECT s.*, o.odds_ratio, o.odds_low, o.odds_high, CASE WHEN s.customers >= %4$s AND s.others >= %4$s THEN o.p_value END AS p_value
			FROM (SELECT r.kind, r.label, sum(r.met)::bigint AS customers, sum(r.met_converted)::bigint AS converted, max(r.others)::bigint AS others,
					sum(r.met::float8 * r.others_converted::float8 / r.others::float8 ORDER BY r.step, r.moment) / sum(r.met)::float8 AS others_rate,
					cjm.stratified_odds_ratio(array_agg(r.met_converted::bigint ORDER BY r.step, r.moment), array_agg(r.met::bigint ORDER BY r.step, r.moment),
						array_agg(r.others_converted::bigint ORDER BY r.step, r.moment), array_agg(r.others::bigint ORDER BY r.step, r.moment)) AS odds
				FROM risk r WHERE r.others > 0 GROUP BY 1, 2) s
				CROSS JOIN LATERAL (SELECT (s.odds).odds_ratio, (s.odds).odds_low, (s.odds).odds_high, (s.odds).p_value) o
		), ranked AS (
			SELECT t.*, t.p_value * count(t.p_value) OVER () / count(*) OVER (ORDER BY t.p_value) AS scaled FROM tested t
		)
		SELECT r.kind, r.label, r.customers, r.converted, r.converted::float8 / r.customers::float8, r.others, r.others_rate,
			r.odds_ratio, r.odds_low, r.odds_high, r.p_value,
			CASE WHEN r.p_value IS NOT NULL THEN least(1, min(r.scaled) OVER (ORDER BY r.p_value DESC NULLS LAST)) END,
			justify_hours(make_interval(secs => f.seconds))
		FROM ranked r CROSS JOIN fair f
		ORDER BY r.p_value IS NULL, greatest(ln(r.odds_low), -ln(r.odds_high)) DESC, r.kind COLLATE "C", r.label COLLATE "C"',
		(def).stages, cjm_internal.map_schema(def), CASE WHEN cjm_internal.map_ranged(from_time, to_time) THEN 'tstzrange($1, $2)' ELSE '''(,)''::tstzrange' END, cjm_internal.map_few())
		USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;
COMMENT ON FUNCTION cjm.funnel_drivers(text, timestamptz, timestamptz) IS
'what goes with converting: each event and channel that customers met before they converted, and each segment, of walks that begin in a time range; the strongest first.
kind, driver: event, channel or segment, and which; touchpoints that match a stage after the first, or what the funnel excludes, are no drivers
Each customer who met it is compared, at the time they met it first, with those who were at the same stage, had been there as long, and had not met it: whoever comes far has more occasions to meet anything
with_customers, with_converted, with_rate: customers who began the funnel and met it, where there is anybody to compare them with, who of them converted, and the share
without_customers: the others, where there are most of them; without_rate: the share of them that converted, mean over with_customers; of a segment these are all others
compared_within: the time, rounded up, in which nine of ten of those who converted had done so since they began; only what was met within it of reaching a stage is compared, of customers who began so long ago
odds_ratio, odds_low, odds_high: odds of converting with it over those without it, of all these comparisons (Mantel and Haenszel), and the 95 % interval (Robins, Breslow and Greenland)
p_value: two-sided (Mantel and Haenszel); NULL where fewer than 30 customers met it or did not, or too few conversions are expected for the test (Mantel and Fleiss)
adjusted_p_value: for as many tests as there are p-values (Benjamini and Hochberg): of all rows with at most 0.05 one in twenty is expected to be chance
strongest: by the end of the interval that is nearer to 1; what has no p-value comes last. What goes with converting need not be what makes customers convert.';
--
-- What check_map asks of the data of a map beside what is not there: what it may mean that stages come the wrong way round, that money is
-- where no report looks for it, and that channels are only where customers land.
--
-- Every function returns the SQL of findings as check_map has them, with all rows of the map as $1.  They are about what is likely to
-- mislead, so that a few rows among many are none.
--

-- The lines of an order are touchpoints of one event at one time; equal ones are duplicates, and told apart.
CREATE FUNCTION cjm_internal.map_lines_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('SELECT ''several touchpoints of one event at one time'', t.event, t.touches, t.touches::float8 / $1::float8,
		format(''each of these counts: %%s times a customer has several, the first %%s; if they are the lines of an order, make a view: GROUP BY customer, time, event, with the sum of the values'',
			t.times, cjm_internal.map_text(t.first, %L))
	FROM (SELECT g.event, coalesce(sum(g.touches) FILTER (WHERE g.touches > 1), 0)::bigint AS touches, count(*) FILTER (WHERE g.touches > 1) AS times,
			min(g.at) FILTER (WHERE g.touches > 1) AS first, sum(g.touches) AS all_touches
		FROM (SELECT d.customer, d.at, d.event, count(*) AS touches
			FROM (SELECT DISTINCT e.customer, e.at, e.event, e.channel, e.value FROM %s.events e WHERE e.customer IS NOT NULL AND e.at IS NOT NULL AND e.event <> '''') d
			GROUP BY d.customer, d.at, d.event) g
		GROUP BY g.event) t
	WHERE t.touches > 0 AND t.touches >= 0.01 * t.all_touches ORDER BY t.touches DESC, t.event COLLATE "C"', (map).time_zone, cjm_internal.map_schema(map));
COMMENT ON FUNCTION cjm_internal.map_lines_sql(cjm_internal.map) IS 'SQL: events of which customers have several touchpoints at one time';

-- Of an unordered funnel no order is wrong.
CREATE FUNCTION cjm_internal.map_disorder_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('WITH stages AS (
			SELECT s.step, s.stage, s.event, s.channel, dense_rank() OVER (ORDER BY s.step) AS place FROM cjm.funnel_stages(%1$L::cjm.funnel) s WHERE NOT s.optional AND %3$L::boolean
		), firsts AS (
			SELECT e.customer, s.place, min(e.at) AS at
			FROM %2$s.events e JOIN stages s ON (s.event IS NULL OR s.event = e.event) AND (s.channel IS NULL OR s.channel = e.channel)
			WHERE e.customer IS NOT NULL AND isfinite(e.at) GROUP BY e.customer, s.place
		), pairs AS (
			SELECT f.place, count(*) AS customers, count(*) FILTER (WHERE n.at < f.at) AS before
			FROM firsts f JOIN firsts n ON n.customer = f.customer AND n.place = f.place + 1 GROUP BY f.place
		)
		SELECT ''stages out of order'', n.stage, p.before, NULL::float8,
			format(''%%s of %%s customers who met both met it before they first met stage "%%s": are stages in the order in which they happen?'', p.before, p.customers, f.stage)
		FROM pairs p JOIN (SELECT DISTINCT place, stage FROM stages) f ON f.place = p.place JOIN (SELECT DISTINCT place, stage FROM stages) n ON n.place = p.place + 1
		WHERE p.customers >= 10 AND p.before > 0.5 * p.customers ORDER BY p.place', (map).stages, cjm_internal.map_schema(map),
	regexp_replace((map).stages::text, '"(?:[^"]|"")*"', '', 'g') !~ '\munordered\M');
COMMENT ON FUNCTION cjm_internal.map_disorder_sql(cjm_internal.map) IS 'SQL: stages that most customers met before the one before';

-- An event and a channel, expressions, among those of a stage or list of a funnel.
CREATE FUNCTION cjm_internal.map_matches_sql(list cjm.funnel, step integer, event text, channel text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('coalesce((SELECT bool_or((s.event IS NULL OR s.event = %3$s) AND (s.channel IS NULL OR s.channel = %4$s)) FROM cjm.funnel_stages(%1$L::cjm.funnel) s WHERE s.step = %2$s), false)',
	list, step, event, channel);
COMMENT ON FUNCTION cjm_internal.map_matches_sql(cjm.funnel, integer, text, text) IS 'SQL: whether an event through a channel matches a stage';

CREATE FUNCTION cjm_internal.map_valued_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('SELECT ''value on an event that is no purchase'', v.event, sum(v.touches)::bigint, sum(v.touches)::float8 / $1::float8,
		''value of customers and sessions has it, monetary and purchase_report have not: is it money, and the event a purchase?''
	FROM (SELECT e.event, e.channel, count(*) AS touches FROM %s.events e
		WHERE e.customer IS NOT NULL AND e.at IS NOT NULL AND e.value <> 0 AND e.event <> '''' AND e.event <> ALL (%L::text[]) GROUP BY e.event, e.channel) v
	WHERE NOT %s%s GROUP BY v.event ORDER BY 3 DESC, v.event COLLATE "C"',
	cjm_internal.map_schema(map), cjm_internal.map_answer_events(map),
	cjm_internal.map_matches_sql(cjm_internal.map_purchase(map), 1, 'v.event', 'v.channel'),
	' AND NOT ' || cjm_internal.map_matches_sql((map).refusal, 1, 'v.event', 'v.channel'));
COMMENT ON FUNCTION cjm_internal.map_valued_sql(cjm_internal.map) IS 'SQL: events that have a value and are neither a purchase nor a refusal nor an answer';

-- A conversion is worth what completes it.
CREATE FUNCTION cjm_internal.map_money_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('SELECT ''money in no walk'', NULL::text, m.purchases - m.conversions, NULL::float8,
		format(''%%s of %%s that customers paid is of purchases that complete no walk through the funnel: attribution does not have it'', m.bought - m.credited, m.bought)
	FROM (SELECT sum(p.value::numeric) AS bought, count(p.number) AS purchases FROM %1$s.journeys j CROSS JOIN LATERAL cjm.purchases(%2$s, %3$L::cjm.funnel, ''-infinity''::timestamptz, ''infinity''::timestamptz) p
			WHERE %5$s) b
		CROSS JOIN LATERAL (SELECT b.bought, b.purchases, coalesce(sum(a.value::numeric), 0) AS credited, count(*) FILTER (WHERE NOT a.value < 0) AS conversions
			FROM %1$s.journeys j CROSS JOIN LATERAL cjm.attribute(%2$s, %4$L::cjm.funnel, ''last_touch''::text, NULL::interval, ''touchpoint''::text, interval ''30 minutes'', interval ''7 days'',
				''{0.4,0.2,0.4}''::float8[], ''{direct}''::text[], false) a WHERE %6$s) m
	WHERE m.bought > m.credited',
	cjm_internal.map_schema(map), cjm_internal.map_valued_journey(map), cjm_internal.map_purchase(map), (map).stages, cjm_internal.map_is_amount('p.value'), cjm_internal.map_is_amount('a.value'));
COMMENT ON FUNCTION cjm_internal.map_money_sql(cjm_internal.map) IS 'SQL: how much money is of purchases that complete no walk';

-- What is told by the first page of a visit alone, where the campaign was, the last touchpoint before a conversion does not have.
CREATE FUNCTION cjm_internal.map_landing_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('SELECT ''channel only where visits begin'', NULL::text, NULL::bigint, NULL::float8,
		format(''last_touch credits no channel with %%s %%%% of the conversions, and by visits with %%s %%%%: attribution_per => ''''session'''' and only_channels => true'',
			round(100 * m.without), round(100 * m.without_by_visit))
	FROM (SELECT sum(c.conversions) FILTER (WHERE c.kind = 1 AND c.channel IS NULL) / sum(c.conversions) FILTER (WHERE c.kind = 1) AS without,
			coalesce(sum(c.conversions) FILTER (WHERE c.kind = 2 AND c.channel IS NULL), 0) / sum(c.conversions) FILTER (WHERE c.kind = 2) AS without_by_visit
		FROM (SELECT cjm.rule_attribution(%1$s, %2$L::cjm.funnel%3$s) AS now, cjm.rule_attribution(%1$s, %2$L::cjm.funnel%4$s) AS by_visit FROM %5$s.journeys j) a
			CROSS JOIN LATERAL (SELECT 1 AS kind, n.channel, n.conversions FROM unnest(a.now) n UNION ALL SELECT 2, v.channel, v.conversions FROM unnest(a.by_visit) v) c) m
	WHERE m.without >= 0.5 AND m.without_by_visit <= 0.5 * m.without',
	cjm_internal.map_earning_journey(map), (map).stages, cjm_internal.map_attribution_arguments(map, '{last_touch}'),
	format(', ''{last_touch}''::text[], NULL::interval, ''session''::text, %L::interval, interval ''7 days'', ''{0.4,0.2,0.4}''::float8[], ''{direct}''::text[], true, ''-infinity''::timestamptz, ''infinity''::timestamptz',
		(map).session_gap), cjm_internal.map_schema(map));
COMMENT ON FUNCTION cjm_internal.map_landing_sql(cjm_internal.map) IS 'SQL: whether the channel is known where visits begin, and no more where customers convert';
--
-- check_map: holds the definition of a map against its data
--

CREATE FUNCTION cjm.check_map(name text)
	RETURNS TABLE (finding text, subject text, touches bigint, share float8, meaning text)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000 ROWS 20
	SET search_path = pg_catalog, pg_temp
	SET DateStyle = 'ISO, MDY' SET IntervalStyle = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex'
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(name);
	schema text := cjm_internal.map_schema(def);
	all_rows bigint;
	whole boolean;
BEGIN
	-- Views follow a column that is renamed, and the text of the definition does not.
	RETURN QUERY SELECT 'definition out of date', a.argument, NULL::bigint, NULL::float8,
			format('the map says %s, its views read %s: make it anew with create_map and replace => true', a.said, a.reads)
		FROM pg_class c CROSS JOIN LATERAL unnest(ARRAY['customer', 'at', 'event', 'channel', 'value', 'segment', 'filter', 'sequence'],
			ARRAY[(def).customer, (def).at, (def).event, (def).channel, (def).value, (def).segment, (def).filter, (def).sequence],
			cjm_internal.map_expressions(c.oid)) a(argument, said, reads)
		WHERE c.relnamespace = (def).map AND c.relname = 'events' AND a.said <> a.reads;

	-- A map follows its source, wherever it goes: who puts another in its place means the name.
	RETURN QUERY SELECT 'another source of that name', (def).source_name, NULL::bigint, NULL::float8,
			format('the map reads %s, which was called so when it was made: make it anew with create_map and replace => true to read the other one', (def).source)
		WHERE to_regclass((def).source_name) <> (def).source;

	-- create_map chooses access by what it sees then; this may be what the maker wants.
	RETURN QUERY SELECT 'row security', c.oid::regclass::text, NULL::bigint, NULL::float8,
			'the map reads it with its owner''s rights, so its policies do not hold rows back by who asks: access => ''reader'' and replace => true would'
		FROM pg_class c
		WHERE c.relrowsecurity AND (def).access = 'owner' AND (c.oid IN ((def).source, (def).spend) OR c.oid IN (
			SELECT d.refobjid FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class
			WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND v.relnamespace = (def).map AND v.relname = 'events'))
		ORDER BY c.oid <> (def).source;

	RETURN QUERY SELECT 'kept journeys', k.state, NULL::bigint, NULL::float8,
			CASE WHEN k.reason IS NOT NULL THEN format('the views read the rows: %s; cjm.refresh_journeys(%L) mends it', k.reason, name)
				ELSE format('%s changes wait, the last refresh was %s ago: let a scheduler call cjm.refresh_journeys(%L)', k.changes,
					date_trunc('minute', now() - k.refreshed_at), name) END
		FROM cjm.kept(name) k WHERE k.reason IS NOT NULL OR k.changes > 0 AND k.refreshed_at < now() - interval '1 hour';

	EXECUTE format('SELECT count(*) FROM %s.events', schema) INTO all_rows;
	IF all_rows = 0 THEN
		RETURN QUERY SELECT 'no rows', (def).source::text, 0::bigint, NULL::float8, 'the source is empty, or the filter holds everything back';
		RETURN;
	END IF;

	-- Rows that are in no journey, and columns that are not filled.
	RETURN QUERY EXECUTE format('SELECT f.finding, NULL::text, f.touches, f.touches::float8 / $1::float8, f.meaning
		FROM (SELECT count(*) FILTER (WHERE e.customer IS NULL) AS no_customer, count(*) FILTER (WHERE e.at IS NULL) AS no_time,
				count(*) FILTER (WHERE e.event IS NULL) AS no_event, count(*) FILTER (WHERE e.event = '''') AS empty_event,
				count(*) FILTER (WHERE e.channel IS NULL OR e.channel = '''') AS no_channel, count(*) FILTER (WHERE e.value IS NULL) AS no_value,
				count(*) FILTER (WHERE NOT %s AND coalesce(e.event <> ALL ($5), true)) AS no_number,
				count(*) FILTER (WHERE e.segment IS NULL) AS no_segment,
				count(*) FILTER (WHERE e.at > now() AND isfinite(e.at)) AS future, count(*) FILTER (WHERE NOT isfinite(e.at)) AS infinite
			FROM %s.events e) c
		CROSS JOIN LATERAL (VALUES
			(1, ''no customer'', c.no_customer, ''these rows are in no journey''),
			(2, ''no time'', c.no_time, ''these rows are in no journey''),
			(3, ''no event'', c.no_event, ''these rows are in no journey''),
			(4, ''empty event'', c.empty_event, ''these rows are in no journey''),
			(5, ''infinite time'', c.infinite, ''no journey can be made of these rows: filter them out''),
			(6, ''time in the future'', c.future, ''these rows count as touchpoints: is the time zone right?''),
			(7, ''no channel'', CASE WHEN $2 THEN c.no_channel END, ''touchpoints without a channel''),
			(8, ''no value'', CASE WHEN $3 THEN c.no_value END, ''touchpoints without a value''),
			(9, ''value that is no number'', c.no_number,
				''not finite, or from 1e18 on: no sum that has it says anything, and the models markov and shapley leave it out''),
			(10, ''no segment'', CASE WHEN $4 THEN c.no_segment END, ''rows that do not say the segment of their customer''))
			f(place, finding, touches, meaning)
		WHERE f.touches > 0 ORDER BY f.place', cjm_internal.map_is_amount('e.value'), schema)
		USING all_rows, (def).channel IS NOT NULL, (def).value IS NOT NULL, (def).segment IS NOT NULL, cjm_internal.map_answer_events(def);

	-- Events against stages, both ways.
	RETURN QUERY EXECUTE format('WITH seen AS (
			SELECT e.event, %s AS channel, count(*) AS touches FROM %s.events e WHERE e.event <> '''' GROUP BY 1, 2
		), names AS (SELECT array_agg(event) AS events FROM (SELECT event FROM seen GROUP BY event ORDER BY sum(touches) DESC LIMIT 10000) n)
		SELECT f.finding, f.subject, f.touches, f.touches::float8 / $1::float8, f.meaning
		FROM (
			SELECT 1 AS place, ''stage event never seen'' AS finding,
				coalesce(s.event, ''*'') || coalesce(''@'' || s.channel, '''') AS subject, 0::bigint AS touches,
				coalesce(''stage "'' || s.stage || ''" asks for it'', ''excluding asks for it'') ||
					coalesce(''; nearest is "'' || nullif(cjm_internal.map_nearest(s.event, names.events), s.event) || ''"'', '''') AS meaning
			FROM cjm.funnel_stages($2) s CROSS JOIN names
			WHERE NOT EXISTS (SELECT FROM seen WHERE (s.event IS NULL OR seen.event = s.event) AND (s.channel IS NULL OR seen.channel = s.channel))
			UNION ALL
			SELECT 2, ''answer never seen'', a.event, 0, a.survey || '' is asked for by it'' ||
					coalesce(''; nearest is "'' || nullif(cjm_internal.map_nearest(a.event, names.events), a.event) || ''"'', '''')
			FROM unnest(ARRAY[''nps'', ''csat'', ''ces''], $3) a(survey, event) CROSS JOIN names
			WHERE a.event IS NOT NULL AND NOT EXISTS (SELECT FROM seen WHERE seen.event = a.event)
			UNION ALL
			SELECT 3, ''listed event never seen'', coalesce(l.event, ''*'') || coalesce(''@'' || l.channel, ''''), 0, l.argument || '' asks for it'' ||
					coalesce(''; nearest is "'' || nullif(cjm_internal.map_nearest(l.event, names.events), l.event) || ''"'', '''')
			FROM cjm_internal.map_listed_events($4) l CROSS JOIN names
			WHERE NOT EXISTS (SELECT FROM seen WHERE (l.event IS NULL OR seen.event = l.event) AND (l.channel IS NULL OR seen.channel = l.channel))
			UNION ALL
			SELECT 4, ''event in no stage'', seen.event, sum(seen.touches)::bigint, ''the funnel does not ask for these touchpoints''
			FROM seen
			WHERE array_position($3, seen.event) IS NULL AND NOT EXISTS (SELECT FROM cjm.funnel_stages($2) s
				WHERE s.step IS NOT NULL AND (s.event IS NULL OR seen.event = s.event) AND (s.channel IS NULL OR seen.channel = s.channel))
				AND NOT EXISTS (SELECT FROM cjm_internal.map_listed_events($4) l WHERE (l.event IS NULL OR seen.event = l.event) AND (l.channel IS NULL OR seen.channel = l.channel))
			GROUP BY seen.event) f
		ORDER BY f.place, f.touches DESC, f.subject COLLATE "C"',
		CASE WHEN cjm_internal.map_asks_channel(def) THEN 'nullif(e.channel, '''')' ELSE 'NULL::text' END,
		schema) USING all_rows, (def).stages, ARRAY[(def).nps, (def).csat, (def).ces], def;

	RETURN QUERY EXECUTE format('SELECT ''answer that is no score'', t.event, count(*), count(*)::float8 / $1::float8,
			format(''not a whole number from %%s: these answers are left out of feedback'',
				CASE t.event WHEN %L THEN ''0 to 10'' WHEN %L THEN ''1 to 5'' ELSE ''1 to 7'' END)
		FROM %s.events t
		WHERE t.customer IS NOT NULL AND t.at IS NOT NULL AND t.event = ANY ($2) AND NOT %s
		GROUP BY t.event ORDER BY count(*) DESC, t.event COLLATE "C"', (def).nps, (def).csat, schema, cjm_internal.map_is_score(def))
		USING all_rows, cjm_internal.map_answer_events(def);

	RETURN QUERY EXECUTE cjm_internal.map_disorder_sql(def);
	IF (def).value IS NOT NULL THEN
		RETURN QUERY EXECUTE cjm_internal.map_valued_sql(def) USING all_rows;
	END IF;
	-- Journeys of infinite times cannot be made.
	EXECUTE format('SELECT NOT EXISTS (SELECT FROM %s.events e WHERE e.customer IS NOT NULL AND e.event <> '''' AND NOT isfinite(e.at))', schema) INTO whole;
	IF whole AND (def).value IS NOT NULL THEN
		RETURN QUERY EXECUTE cjm_internal.map_money_sql(def);
	END IF;
	IF whole AND (def).channel IS NOT NULL THEN
		RETURN QUERY EXECUTE cjm_internal.map_landing_sql(def);
	END IF;

	-- What is paid for has to be called as it is in the events.
	IF (def).spend IS NOT NULL THEN
		RETURN QUERY EXECUTE format('WITH seen AS (SELECT DISTINCT e.channel FROM %1$s.events e WHERE e.channel <> ''''),
				names AS (SELECT array_agg(channel) AS channels FROM (SELECT channel FROM seen ORDER BY channel COLLATE "C" LIMIT 10000) n)
			SELECT ''spend of a channel never seen'', s.channel, 0::bigint, 0::float8,
				format(''it costs %%s and brings no visit'', coalesce(sum(s.cost) FILTER (WHERE %2$s), 0)) ||
					coalesce(''; nearest is "'' || nullif(cjm_internal.map_nearest(s.channel, names.channels), s.channel) || ''"'', '''')
			FROM %1$s.spend s CROSS JOIN names
			WHERE s.channel IS NOT NULL AND NOT EXISTS (SELECT FROM seen WHERE seen.channel = s.channel)
			GROUP BY s.channel, names.channels ORDER BY s.channel COLLATE "C"', schema, cjm_internal.map_is_amount('s.cost'));
		RETURN QUERY EXECUTE format('SELECT ''spend without a day'', NULL::text, count(*), NULL::float8, ''these rows of spend are in no week''
			FROM %s.spend s WHERE s.day IS NULL HAVING count(*) > 0', schema);
		RETURN QUERY EXECUTE format('SELECT ''spend that is no number'', v.name, count(*), NULL::float8, ''not finite, or from 1e18 on: channels leaves it out''
			FROM %s.spend s CROSS JOIN LATERAL (VALUES (1, ''impressions'', s.impressions), (2, ''clicks'', s.clicks), (3, ''cost'', s.cost)) v(place, name, amount)
			WHERE NOT %s GROUP BY v.place, v.name ORDER BY v.place', schema, cjm_internal.map_is_amount('v.amount'));
	END IF;

	-- More than a human does: a robot, a shared key, or a default.
	RETURN QUERY EXECUTE format('WITH counted AS (SELECT cjm_internal.map_text(e.customer, %L) AS customer, count(*) AS touches FROM %s.events e
			WHERE e.customer IS NOT NULL AND e.at IS NOT NULL AND e.event <> '''' GROUP BY e.customer),
			typical AS (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY touches) AS touches FROM counted)
		SELECT ''implausibly many events'', c.customer, c.touches, c.touches::float8 / $1::float8,
			format(''one customer with %%s times the median of %%s: a robot, a test, or a key that many share?'', c.touches / t.touches, t.touches)
		FROM counted c CROSS JOIN typical t
		WHERE c.touches >= 1000 AND c.touches >= 100 * t.touches
		ORDER BY c.touches DESC, c.customer COLLATE "C" LIMIT 10', (def).time_zone, schema) USING all_rows;

	-- What has no order of its own.
	RETURN QUERY EXECUTE format('SELECT ''several events at one time'', NULL::text, t.touches, t.touches::float8 / $1::float8,
			format(''times with several events of a customer: %%s, the first %%s; their names order them, unless sequence does, or at + n * interval ''''1 microsecond'''''',
				t.times, cjm_internal.map_text(t.first, %L))
		FROM (SELECT sum(g.touches)::bigint AS touches, count(*) AS times, min(g.at) AS first FROM (
			SELECT e.customer, e.at, count(*) AS touches FROM %s.events e WHERE e.customer IS NOT NULL AND e.at IS NOT NULL AND e.event <> ''''
			GROUP BY e.customer, e.at HAVING min(e.event COLLATE "C") <> max(e.event COLLATE "C")) g) t
		WHERE t.touches > 0', (def).time_zone, schema) USING all_rows;
	RETURN QUERY EXECUTE cjm_internal.map_lines_sql(def) USING all_rows;
	IF (def).sequence IS NOT NULL THEN
		RETURN QUERY EXECUTE format('SELECT ''sequence out of place'', NULL::text, t.touches, t.touches::float8 / $1::float8,
				format(''it moves events of customers by a second or more, or to their next event or past it, as of customer %%s at %%s'', t.customer, t.at)
			FROM (SELECT sum(f.touches)::bigint AS touches, min(cjm_internal.map_text(f.customer, %1$L) COLLATE "C") AS customer,
					(array_agg(cjm_internal.map_text(f.at, %1$L) ORDER BY cjm_internal.map_text(f.customer, %1$L) COLLATE "C", f.at))[1] AS at
				FROM (%2$s) f) t
			WHERE t.touches > 0', (def).time_zone, cjm_internal.map_sequence_sql(cjm_internal.kept_definition(def))) USING all_rows;
	END IF;

	RETURN QUERY EXECUTE format('SELECT ''duplicates'', NULL::text, d.touches, d.touches::float8 / $1::float8,
			''rows that are equal to another one in customer, time, event, channel and value, beyond the first''
		FROM (SELECT (sum(touches) - count(*))::bigint AS touches FROM (
			SELECT count(*) AS touches FROM %s.events e WHERE e.customer IS NOT NULL AND e.at IS NOT NULL AND e.event <> ''''
			GROUP BY e.customer, e.at, e.event, e.channel, e.value HAVING count(*) > 1) g) d
		WHERE d.touches > 0', schema) USING all_rows;
END
$$;
COMMENT ON FUNCTION cjm.check_map(text) IS
'holds the definition of a map against its data, row by row of findings; none: all is well.
finding: what was found; subject: the event, stage or customer that it is about; touches: how many rows, or customers or purchases where meaning says so; share: of all rows of the map';
--
-- What drawings have in common: numbers as people read them, text that fits,
-- colours, and the frame of an SVG.
--
-- An SVG here is printable ASCII and nothing else: every other character is
-- written by its number, so that the file is right whatever the encodings of
-- the database and of the client are.  Labels become part of it by svg_lines
-- and svg_escape alone.  Colours and fonts stand in svg_style and nowhere else.
-- The same data give the same bytes.
--

CREATE FUNCTION cjm_internal.svg_escape(label text) RETURNS text
	AS 'MODULE_PATHNAME', 'svg_escape'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.svg_escape(text) IS
	'a text as character data of XML, in ASCII; control characters become visible';

CREATE FUNCTION cjm_internal.svg_lines(label text, room float8, max_lines integer DEFAULT 1) RETURNS text[]
	AS 'MODULE_PATHNAME', 'svg_lines'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.svg_lines(text, float8, integer) IS
	'the same in lines that are at most so wide, in sizes of the font, whatever the font; what does not fit is cut with an ellipsis, never inside a character';

CREATE FUNCTION cjm_internal.svg_width(label text) RETURNS float8
	AS 'MODULE_PATHNAME', 'svg_width'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.svg_width(text) IS 'how wide a text is at most, in sizes of the font';

CREATE FUNCTION cjm_internal.chart_cells(label text) RETURNS integer
	AS 'MODULE_PATHNAME', 'chart_cells'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.chart_cells(text) IS 'how many cells of a terminal a text takes';

CREATE FUNCTION cjm_internal.chart_label(label text, cells integer, plain boolean) RETURNS text
	AS 'MODULE_PATHNAME', 'chart_label'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.chart_label(text, integer, boolean) IS
	'a text in exactly so many cells of a terminal, cut or filled up; plain: without characters that an encoding may lack';

CREATE FUNCTION cjm_internal.chart_bar(length float8, before float8, cells integer, plain boolean, open float8 DEFAULT 0) RETURNS text
	AS 'MODULE_PATHNAME', 'chart_bar'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.chart_bar(float8, float8, integer, boolean, float8) IS
	'a bar of block characters, lighter up to where the bar before it ends, and not as light for the length open; lengths are shares of the cells; plain: in ASCII';

--
-- Numbers as people read them
--

CREATE FUNCTION cjm_internal.draw_count(count bigint) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN to_char(count, 'FM999,999,999,999,999,999,990');
COMMENT ON FUNCTION cjm_internal.draw_count(bigint) IS 'a number in groups of three digits';

-- Three digits that count, and at most five characters: 999, 1.23k, 45.6M.
CREATE FUNCTION cjm_internal.draw_short(count bigint) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN count < 1000 THEN count::text ELSE
	(SELECT round(count / s.unit, CASE WHEN count / s.unit < 9.995 THEN 2 WHEN count / s.unit < 99.95 THEN 1 ELSE 0 END)::text || s.letter
	FROM (VALUES (1e3, 'k', 0.9995e6), (1e6, 'M', 0.9995e9), (1e9, 'G', 0.9995e12), (1e12, 'T', 1e18), (1e15, 'P', 1e20)) s(unit, letter, below)
	WHERE count < s.below ORDER BY s.unit LIMIT 1) END;
COMMENT ON FUNCTION cjm_internal.draw_short(bigint) IS 'a number in at most five characters';

CREATE FUNCTION cjm_internal.draw_fitting(count bigint, room float8) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN CASE WHEN cjm_internal.svg_width(cjm_internal.draw_count(count)) <= room THEN cjm_internal.draw_count(count) ELSE cjm_internal.draw_short(count) END;
COMMENT ON FUNCTION cjm_internal.draw_fitting(bigint, float8) IS 'a number in full if it is at most so wide, in sizes of the font, else in at most five characters';

-- Nobody is not almost nobody, and all are not almost all.
CREATE FUNCTION cjm_internal.draw_rate(rate float8) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN rate > 0 AND rate < 0.0005 THEN '<0.1%'
	WHEN rate < 1 AND rate >= 0.9995 THEN '>99.9%'
	WHEN rate = 1 THEN '100%'
	ELSE round((rate * 100)::numeric, 1)::text || '%' END;
COMMENT ON FUNCTION cjm_internal.draw_rate(float8) IS 'a share in percent';

-- Two digits that count, in the largest unit of which there is one, as rounded.
CREATE FUNCTION cjm_internal.draw_time(seconds float8) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN seconds <= 0 THEN 'at once' ELSE
	(SELECT trim_scale(round((seconds / u.length)::numeric, CASE WHEN seconds / u.length < 9.95 THEN 1 ELSE 0 END))::text || u.name
	FROM (VALUES (1e-6, ' us', 0.9995e-3), (1e-3, ' ms', 0.9995), (1, ' s', 59.5), (60, ' min', 3570), (3600, ' h', 84600), (86400, ' d', 'infinity'))
		u(length, name, below)
	WHERE seconds < u.below ORDER BY u.length LIMIT 1) END;
COMMENT ON FUNCTION cjm_internal.draw_time(float8) IS 'a length of time';

CREATE FUNCTION cjm_internal.svg_rate(rate float8) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN cjm_internal.svg_escape(cjm_internal.draw_rate(rate));
COMMENT ON FUNCTION cjm_internal.svg_rate(float8) IS 'a share in percent, as character data of XML';

CREATE FUNCTION cjm_internal.svg_number(x float8) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN trim_scale(round(x::numeric, 1))::text;
COMMENT ON FUNCTION cjm_internal.svg_number(float8) IS 'a coordinate';

--
-- The page
--

-- Plain rules with plain colours, no variables: what a word processor imports is right, too.  Text has 4.5 times the contrast
-- of what it stands on and shapes 3 times, in both schemes; the tests compute it.  Paper is light.
CREATE FUNCTION cjm_internal.svg_style() RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 500
RETURN (
	WITH colours(place, selector, property, light, dark) AS (VALUES
		(1, '.paper', 'fill', '#ffffff', '#14181d'),
		(2, 'text', 'fill', '#1f2328', '#e6e8eb'),
		(3, '.soft', 'fill', '#57606a', '#a3abb5'),
		(4, '.lost', 'fill', '#9a4410', '#f0a676'),
		(5, '.rule', 'stroke', '#d0d7de', '#343b44'),
		(6, '.bar', 'fill', '#2f6fb5', '#5b9bdf'),
		(7, '.part', 'fill', '#d5e4f4', '#24405e'),
		(8, '.part', 'stroke', '#2f6fb5', '#5b9bdf'),
		(9, '.flow', 'fill', '#d5e4f4', '#24405e'),
		(10, '.leak', 'fill', '#f8e3d3', '#4a3223'),
		(11, '.drop', 'fill', '#b35806', '#f0a676'),
		(12, '.wait', 'fill', '#8a6fc4', '#9d83d6'),
		(13, '.waits', 'fill', '#6541a5', '#c3aef2'),
		(20, '.heat0', 'fill', '#eef4fb', '#1b2631'),
		(21, '.heat1', 'fill', '#d6e4f3', '#1c3a57'),
		(22, '.heat2', 'fill', '#b3cfea', '#1f4c77'),
		(23, '.heat3', 'fill', '#86b3dc', '#245f98'),
		(24, '.heat4', 'fill', '#5a94cb', '#4a8bcf'),
		(25, '.heat5', 'fill', '#2b6cae', '#79b0ea'),
		(26, '.heat6', 'fill', '#17548d', '#b3d6fa'),
		(27, '.growing', 'stroke', '#1f2328', '#e6e8eb'),
		(34, '.heatfew', 'fill', '#ffffff', '#14181d'),
		(36, '.heatfew', 'stroke', '#d0d7de', '#343b44'),
		(35, '.onfew', 'fill', '#57606a', '#a3abb5'),
		(28, '.grow4', 'stroke', '#1f2328', '#0d1117'),
		(29, '.grow5', 'stroke', '#ffffff', '#0d1117'),
		(30, '.grow6', 'stroke', '#ffffff', '#0d1117'),
		(31, '.on4', 'fill', '#1f2328', '#0d1117'),
		(32, '.on5', 'fill', '#ffffff', '#0d1117'),
		(33, '.on6', 'fill', '#ffffff', '#0d1117'),
		(40, '.worse2', 'fill', '#b35806', '#f79a4b'),
		(41, '.worse1', 'fill', '#d97b2b', '#b86a2c'),
		(42, '.even', 'fill', '#eceff2', '#2a3038'),
		(43, '.even', 'stroke', '#7a828b', '#8b949e'),
		(44, '.better1', 'fill', '#4d8fc4', '#3f7fc0'),
		(45, '.better2', 'fill', '#17548d', '#8cc4ff'),
		(46, '.plain', 'fill', '#7a828b', '#8b949e'))
	SELECT '<style>' || E'\n.cjm{max-width:100%;height:auto}\n' ||
		'.cjm text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}' ||
		E'\n.cjm .title{font-size:20px;font-weight:600}.cjm .strong{font-weight:600}.cjm .large{font-size:15px}.cjm .small{font-size:11px}' ||
		E'\n.cjm .mid{text-anchor:middle}.cjm .end{text-anchor:end}.cjm .rule,.cjm .growing{fill:none}.cjm .part,.cjm .even{stroke-width:1.5}.cjm .part,.cjm .growing{stroke-dasharray:4 3}\n' ||
		string_agg(format('.cjm %s{%s:%s}', selector, property, light), '' ORDER BY place) ||
		E'\n@media screen and (prefers-color-scheme:dark){\n' ||
		string_agg(format('.cjm %s{%s:%s}', selector, property, dark), '' ORDER BY place) ||
		E'\n}\n@media print{.cjm{max-height:100vh}.cjm *{print-color-adjust:exact;-webkit-print-color-adjust:exact}}\n</style>'
	FROM colours);
COMMENT ON FUNCTION cjm_internal.svg_style() IS 'the fonts and colours of all drawings, light, dark and printed';

-- title and description are texts, body is SVG.  The ids differ between drawings that stand in one page.
CREATE FUNCTION cjm_internal.svg_page(kind text, width float8, height float8, title text, description text, body text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000
RETURN (
	SELECT format('<svg xmlns="http://www.w3.org/2000/svg" class="cjm" viewBox="0 0 %1$s %2$s" width="%1$s" height="%2$s" role="img" lang="en" aria-labelledby="%3$s-title %3$s-desc">
<title id="%3$s-title">%4$s</title>
<desc id="%3$s-desc">%5$s</desc>
%6$s
<rect class="paper" width="%1$s" height="%2$s"/>
%7$s
</svg>', cjm_internal.svg_number(width), cjm_internal.svg_number(height), 'cjm-' || left(md5(cjm_internal.svg_escape(concat_ws(' ', kind, title, description))), 8),
		cjm_internal.svg_escape(title), cjm_internal.svg_escape(description), cjm_internal.svg_style(), body));
COMMENT ON FUNCTION cjm_internal.svg_page(text, float8, float8, text, text, text) IS
	'a whole SVG: what is drawn, on paper of that size, with a title and a description for those who do not see it';

-- content is SVG already: what svg_lines, svg_escape, svg_rate and the numbers above give.
CREATE FUNCTION cjm_internal.svg_text(x float8, y float8, class text, content text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN format(E'<text x="%s" y="%s" class="%s">%s</text>\n', cjm_internal.svg_number(x), cjm_internal.svg_number(y), class, content);
COMMENT ON FUNCTION cjm_internal.svg_text(float8, float8, text, text) IS 'a line of text; content is escaped already';

-- As wide as the page lets it be.
CREATE FUNCTION cjm_internal.svg_heading(margin float8, width float8, title text, summary text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN cjm_internal.svg_text(margin, margin + 16, 'title', coalesce((cjm_internal.svg_lines(title, (width - 2 * margin) / 22))[1], '')) ||
	cjm_internal.svg_text(margin, margin + 38, 'soft', cjm_internal.svg_escape(summary));
COMMENT ON FUNCTION cjm_internal.svg_heading(float8, float8, text, text) IS 'what stands above a drawing';

CREATE FUNCTION cjm_internal.svg_rect(x float8, y float8, width float8, height float8, class text, rounded float8 DEFAULT 2) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN format(E'<rect x="%s" y="%s" width="%s" height="%s" rx="%s" class="%s"/>\n', cjm_internal.svg_number(x), cjm_internal.svg_number(y), cjm_internal.svg_number(width), cjm_internal.svg_number(height),
	cjm_internal.svg_number(rounded), class);
COMMENT ON FUNCTION cjm_internal.svg_rect(float8, float8, float8, float8, text, float8) IS 'a rectangle';

-- Coordinates in pairs stand for the %s of a path.
CREATE FUNCTION cjm_internal.svg_path(shape text, class text, VARIADIC numbers float8[]) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN format(E'<path d="%s" class="%s"/>\n', format(shape, VARIADIC (SELECT array_agg(cjm_internal.svg_number(n) ORDER BY place)
	FROM unnest(numbers) WITH ORDINALITY u(n, place))), class);
COMMENT ON FUNCTION cjm_internal.svg_path(text, text, float8[]) IS 'a path: its commands, with %s for each number';

CREATE FUNCTION cjm_internal.map_title(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN (SELECT n.nspname::text FROM pg_namespace n WHERE n.oid = (map).map);
COMMENT ON FUNCTION cjm_internal.map_title(cjm_internal.map) IS 'the name of a map';
--
-- The funnel drawn: in a terminal and as SVG
--
-- Both are made of the same steps, and these come from the view "funnel" of a
-- map, with the rights of whoever asks, or from any funnel_stats.
--

CREATE TYPE cjm_internal.funnel_drawn_step AS (
	step integer,
	stage text,
	optional boolean,
	customers bigint,
	step_rate float8,
	overall_rate float8,
	dropped bigint,
	drop_rate float8,
	open_customers bigint,
	refused bigint,
	rate_low float8,
	rate_high float8,
	median_seconds float8,
	total_seconds float8
);
COMMENT ON TYPE cjm_internal.funnel_drawn_step IS 'what a drawing of a funnel says of a step';
COMMENT ON COLUMN cjm_internal.funnel_drawn_step.step IS 'its number, from 1';
COMMENT ON COLUMN cjm_internal.funnel_drawn_step.stage IS 'its name';
COMMENT ON COLUMN cjm_internal.funnel_drawn_step.optional IS 'whether it may be left out';
COMMENT ON COLUMN cjm_internal.funnel_drawn_step.customers IS 'as in report, like all that follow';
COMMENT ON COLUMN cjm_internal.funnel_drawn_step.step_rate IS 'share of the mandatory step before';
COMMENT ON COLUMN cjm_internal.funnel_drawn_step.overall_rate IS 'share of step 1';
COMMENT ON COLUMN cjm_internal.funnel_drawn_step.dropped IS 'customers lost after it; of statistics also those who may yet go on and who have refused';
COMMENT ON COLUMN cjm_internal.funnel_drawn_step.drop_rate IS 'their share';
COMMENT ON COLUMN cjm_internal.funnel_drawn_step.open_customers IS 'customers who may yet go on from it; NULL of statistics, which know no time';
COMMENT ON COLUMN cjm_internal.funnel_drawn_step.refused IS 'customers who have said no at it; NULL of statistics, which know no refusal';
COMMENT ON COLUMN cjm_internal.funnel_drawn_step.rate_low IS 'lower end of the 95 % interval of step_rate';
COMMENT ON COLUMN cjm_internal.funnel_drawn_step.rate_high IS 'upper end of it';
COMMENT ON COLUMN cjm_internal.funnel_drawn_step.median_seconds IS 'time since the step before, median';
COMMENT ON COLUMN cjm_internal.funnel_drawn_step.total_seconds IS 'time since step 1, median';

CREATE FUNCTION cjm_internal.funnel_drawn_steps(stats cjm.funnel_stats) RETURNS cjm_internal.funnel_drawn_step[]
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
RETURN (
	SELECT array_agg((r.step, r.stage, coalesce(s.optional, false), r.customers, r.step_rate, r.overall_rate, r.dropped, r.drop_rate, NULL::bigint, NULL::bigint, r.rate_low, r.rate_high,
		extract(epoch FROM r.median_time)::float8, extract(epoch FROM r.median_total)::float8)::cjm_internal.funnel_drawn_step ORDER BY r.step)
	FROM cjm.report(stats) r
		LEFT JOIN (SELECT DISTINCT f.step, f.optional FROM cjm.funnel_stages((stats::jsonb ->> 'funnel')::cjm.funnel) f) s USING (step));
COMMENT ON FUNCTION cjm_internal.funnel_drawn_steps(cjm.funnel_stats) IS 'what a drawing of a funnel says of its steps';

CREATE FUNCTION cjm_internal.funnel_drawn_steps(map cjm_internal.map) RETURNS cjm_internal.funnel_drawn_step[]
	LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED COST 10000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	steps cjm_internal.funnel_drawn_step[];
BEGIN
	EXECUTE format('SELECT array_agg((r.step, r.stage, coalesce(s.optional, false), r.customers, r.step_rate, r.overall_rate, r.dropped, r.drop_rate, r.open_customers, r.refused,
			r.rate_low, r.rate_high, r.median_time_seconds, r.median_total_seconds)::cjm_internal.funnel_drawn_step ORDER BY r.step)
		FROM %s.funnel r LEFT JOIN (SELECT DISTINCT f.step, f.optional FROM cjm.funnel_stages($1) f) s USING (step)', cjm_internal.map_schema(map))
		INTO steps USING (map).stages;
	RETURN steps;
END
$$;
COMMENT ON FUNCTION cjm_internal.funnel_drawn_steps(cjm_internal.map) IS 'the same of a map, from its view funnel';

--
-- In a terminal
--

-- A header and a line for each step.
CREATE FUNCTION cjm_internal.funnel_chart_lines(steps cjm_internal.funnel_drawn_step[], width integer) RETURNS SETOF text
	LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED COST 1000 ROWS 6
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	-- Block characters are for who can be shown them.
	plain boolean := current_setting('server_encoding') <> 'UTF8' OR pg_client_encoding() <> 'UTF8';
	label_cells integer;
	count_cells integer;
	open_cells integer;						-- 0 where nobody is open, or nobody knows
	refused_cells integer;					-- the same of who refused
BEGIN
	IF width NOT BETWEEN 1 AND 1000 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('a bar cannot be %s characters wide', width), HINT = 'Choose 1 to 1000.';
	END IF;
	SELECT least(greatest(max(cjm_internal.chart_cells(s.stage || CASE WHEN s.optional THEN ' (optional)' ELSE '' END)), 5), 40), greatest(max(length(cjm_internal.draw_count(s.customers))), 9),
			CASE WHEN max(s.open_customers) > 0 THEN greatest(max(length(cjm_internal.draw_count(s.open_customers))), 4) + 2 ELSE 0 END,
			CASE WHEN max(s.refused) > 0 THEN greatest(max(length(cjm_internal.draw_count(s.refused))), 7) + 2 ELSE 0 END
		INTO label_cells, count_cells, open_cells, refused_cells FROM unnest(steps) s;
	RETURN NEXT rpad('stage', label_cells + width + 2) || lpad('customers', count_cells + 2) || '  of all  went on' ||
		lpad('dropped', count_cells + 1) || lpad(CASE WHEN open_cells > 0 THEN 'open' ELSE '' END, open_cells) ||
		lpad(CASE WHEN refused_cells > 0 THEN 'refused' ELSE '' END, refused_cells) || '  median time';
	RETURN QUERY
	SELECT rtrim(cjm_internal.chart_label(s.stage || CASE WHEN s.optional THEN ' (optional)' ELSE '' END, label_cells, plain) || '  ' ||
		cjm_internal.chart_bar(s.customers / s.most, coalesce(s.before / s.most, 0), width, plain, coalesce(s.open_before / s.most, 0)) ||
		lpad(cjm_internal.draw_count(s.customers), count_cells + 2) || lpad(coalesce(cjm_internal.draw_rate(s.overall_rate), ''), 8) ||
		lpad(CASE WHEN s.step > 1 THEN coalesce(cjm_internal.draw_rate(s.step_rate), '') ELSE '' END, 9) ||
		lpad(coalesce(cjm_internal.draw_count(s.dropped), ''), count_cells + 1) ||
		lpad(CASE WHEN open_cells > 0 THEN coalesce(cjm_internal.draw_count(s.open_customers), '') ELSE '' END, open_cells) ||
		lpad(CASE WHEN refused_cells > 0 THEN coalesce(cjm_internal.draw_count(s.refused), '') ELSE '' END, refused_cells) || lpad(coalesce(cjm_internal.draw_time(s.median_seconds), ''), 13))
	FROM (SELECT u.*, greatest(max(u.customers) OVER (), 1)::float8 AS most, b.customers AS before, CASE WHEN NOT u.optional THEN b.open_customers END AS open_before
		FROM unnest(steps) u
			LEFT JOIN LATERAL (SELECT p.customers, p.open_customers FROM unnest(steps) p WHERE p.step < u.step AND NOT p.optional ORDER BY p.step DESC LIMIT 1) b ON true) s
	ORDER BY s.step;
END
$$;
COMMENT ON FUNCTION cjm_internal.funnel_chart_lines(cjm_internal.funnel_drawn_step[], integer) IS 'the lines of funnel_chart';

CREATE FUNCTION cjm.funnel_chart(stats cjm.funnel_stats, width integer DEFAULT 40) RETURNS SETOF text
	LANGUAGE sql STABLE PARALLEL RESTRICTED COST 2000 ROWS 6
BEGIN ATOMIC
	SELECT cjm_internal.funnel_chart_lines(cjm_internal.funnel_drawn_steps(stats), coalesce(width, 40));
END;

CREATE FUNCTION cjm.funnel_chart(map text, width integer DEFAULT 40) RETURNS SETOF text
	LANGUAGE sql STABLE PARALLEL RESTRICTED COST 10000 ROWS 6
BEGIN ATOMIC
	SELECT cjm_internal.funnel_chart_lines(cjm_internal.funnel_drawn_steps(cjm_internal.map_of(map)), coalesce(width, 40));
END;

COMMENT ON FUNCTION cjm.funnel_chart(cjm.funnel_stats, integer) IS
'a funnel in the terminal, a line for each step.
width: of the bar of all customers, in characters
The lighter part of a bar is lost since the step before; of all: share of step 1; went on: of the step before; median time: since it
Statistics know no time: who may yet go on is among those who dropped.
Without characters for bars, in another encoding than UTF-8, a bar is of # and what is lost of dots.';

COMMENT ON FUNCTION cjm.funnel_chart(text, integer) IS
'a funnel in the terminal, a line for each step: of a map, from its view funnel.
width: of the bar of all customers, in characters
The lighter part of a bar is lost since the step before, of those who refused as of those who dropped, and the less light one of customers who were there and may yet go on (open); of all: share of step 1; went on: of the step before; median time: since it
Without characters for bars, in another encoding than UTF-8, a bar is of #, who is open of + and what is lost of dots.';
--
-- The funnel as SVG
--
-- A bar for each step from one line on the left, so that lengths compare; what
-- goes on is a band from bar to bar, and the numbers stand in columns.
--

-- A sentence for each step, for those who do not see the drawing.
CREATE FUNCTION cjm_internal.funnel_description(steps cjm_internal.funnel_drawn_step[]) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
RETURN (
	SELECT string_agg(format('%s. %s%s: %s', s.step, s.stage, CASE WHEN s.optional THEN ' (optional)' ELSE '' END,
		concat_ws(', ', cjm_internal.draw_count(s.customers) || CASE WHEN s.customers = 1 THEN ' customer' ELSE ' customers' END,
			CASE WHEN s.step > 1 THEN cjm_internal.draw_rate(s.overall_rate) || ' of all' END,
			CASE WHEN s.step > 1 THEN cjm_internal.draw_rate(s.step_rate) || ' of the step before' ||
				coalesce(' (95% interval ' || cjm_internal.draw_rate(s.rate_low) || ' to ' || cjm_internal.draw_rate(s.rate_high) || ')', '') END,
			'median time ' || cjm_internal.draw_time(s.median_seconds),
			cjm_internal.draw_count(s.dropped) || ' dropped after it', cjm_internal.draw_count(nullif(s.open_customers, 0)) || ' may yet go on', cjm_internal.draw_count(nullif(s.refused, 0)) || ' refused')), '. ' ORDER BY s.step) || '.'
	FROM unnest(steps) s);
COMMENT ON FUNCTION cjm_internal.funnel_description(cjm_internal.funnel_drawn_step[]) IS 'a funnel in sentences';

CREATE FUNCTION cjm_internal.funnel_summary(steps cjm_internal.funnel_drawn_step[]) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
RETURN (
	SELECT concat(cjm_internal.draw_count(steps[1].customers), ' began', CASE WHEN last.step > 1 THEN
		concat(', ', cjm_internal.draw_count(last.customers), ' came to the end', ' (' || cjm_internal.draw_rate(last.overall_rate) || ')', ', median time ' || cjm_internal.draw_time(last.total_seconds)) END)
	FROM unnest(steps) last WHERE NOT last.optional ORDER BY last.step DESC LIMIT 1);
COMMENT ON FUNCTION cjm_internal.funnel_summary(cjm_internal.funnel_drawn_step[]) IS 'the beginning and the end of a funnel in one line';

CREATE FUNCTION cjm_internal.funnel_svg_drawn(steps cjm_internal.funnel_drawn_step[], title text) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 5000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	width CONSTANT float8 := 960;
	margin CONSTANT float8 := 28;
	many boolean := cardinality(steps) > 8;
	bar float8 := CASE WHEN many THEN 24 ELSE 34 END;
	gap float8 := CASE WHEN many THEN 30 ELSE 42 END;
	top CONSTANT float8 := 100;					-- of the first bar
	size CONSTANT float8 := 15;					-- of the names of stages
	labels float8;								-- their width
	left_end float8;							-- where bars begin
	right_end float8;							-- and end at most
	most float8;
	one cjm_internal.funnel_drawn_step;
	before cjm_internal.funnel_drawn_step;
	next cjm_internal.funnel_drawn_step;
	y float8 := top;
	y_before float8;
	length float8;
	length_before float8;
	flows text := '';
	bars text := '';
BEGIN
	SELECT least(greatest(max(cjm_internal.svg_width(s.stage)) * size, 70), 250), greatest(max(s.customers), 1)::float8,
			width - margin - 68 - greatest(max(cjm_internal.svg_width(cjm_internal.draw_count(s.customers))) * 17, 106) - 16
		INTO labels, most, right_end FROM unnest(steps) s;
	left_end := margin + 26 + labels + 18;
	FOREACH one IN ARRAY steps
	LOOP
		length := one.customers / most * (right_end - left_end);
		SELECT s.* INTO next FROM unnest(steps) s WHERE s.step > one.step AND NOT s.optional ORDER BY s.step LIMIT 1;
		IF before.step IS NOT NULL AND NOT one.optional THEN
			flows := flows || cjm_internal.svg_path('M%s %sH%sL%s %sH%sZ', 'flow', left_end, y_before + bar, left_end + length_before, left_end + length, y, left_end);
		END IF;
		bars := bars || format(E'<g><title>%s</title>\n', cjm_internal.svg_escape(cjm_internal.funnel_description(ARRAY[one]))) ||
			cjm_internal.svg_text(margin + 16, y + bar / 2 + 5, 'soft end', one.step::text) ||
			coalesce(cjm_internal.svg_text(margin + 26, y + bar / 2 + 5, 'large', (cjm_internal.svg_lines(one.stage, labels / size))[1]), '') ||
			cjm_internal.svg_rect(left_end, y, greatest(length, CASE WHEN one.customers > 0 THEN 1.5 ELSE 0 END), bar, CASE WHEN one.optional THEN 'part' ELSE 'bar' END) ||
			CASE WHEN one.open_customers > 0 THEN cjm_internal.svg_rect(left_end + next.customers / most * (right_end - left_end), y, greatest(one.open_customers / most * (right_end - left_end), 1.5), bar, 'wait', 0)
				ELSE '' END ||
			CASE WHEN one.refused > 0 THEN cjm_internal.svg_rect(left_end + (next.customers + one.open_customers) / most * (right_end - left_end), y, greatest(one.refused / most * (right_end - left_end), 1.5), bar, 'plain', 0)
				ELSE '' END ||
			cjm_internal.svg_text(width - margin - 68, y + bar / 2 + 5, 'large strong end', cjm_internal.draw_count(one.customers)) ||
			cjm_internal.svg_text(width - margin, y + bar / 2 + 5, 'large end', coalesce(cjm_internal.svg_rate(one.overall_rate), '&#8211;')) || E'</g>\n';
		IF one.step > 1 THEN
			bars := bars || cjm_internal.svg_text(left_end + 10, y - gap / 2 + 4, 'small', concat_ws(' &#183; ',
				'<tspan class="strong">' || cjm_internal.svg_rate(one.step_rate) || CASE WHEN one.optional THEN '</tspan> passed this optional step' ELSE '</tspan> went on' END,
				'median ' || cjm_internal.draw_time(one.median_seconds)));
		END IF;
		IF one.dropped IS NOT NULL THEN
			bars := bars || cjm_internal.svg_text(width - margin, y + bar + gap / 2 + 4, 'small lost end',
				cjm_internal.draw_count(one.dropped) || ' dropped' || coalesce(', ' || cjm_internal.svg_rate(one.drop_rate), '') ||
				coalesce('<tspan class="waits"> &#183; ' || cjm_internal.draw_count(nullif(one.open_customers, 0)) || ' open</tspan>', '') ||
				coalesce('<tspan class="soft"> &#183; ' || cjm_internal.draw_count(nullif(one.refused, 0)) || ' refused</tspan>', ''));
		END IF;
		IF NOT one.optional THEN
			before := one;
			y_before := y;
			length_before := length;
		END IF;
		y := y + bar + gap;
	END LOOP;
	RETURN cjm_internal.svg_page('funnel', width, y - gap + margin, title, cjm_internal.funnel_description(steps),
		cjm_internal.svg_heading(margin, width, title, cjm_internal.funnel_summary(steps)) ||
		cjm_internal.svg_text(width - margin - 68, top - 12, 'small soft end', 'customers') || cjm_internal.svg_text(width - margin, top - 12, 'small soft end', 'of all') ||
		flows || cjm_internal.svg_path('M%s %sV%s', 'rule', left_end, top - 6, y - gap + 6) || bars);
END
$$;
COMMENT ON FUNCTION cjm_internal.funnel_svg_drawn(cjm_internal.funnel_drawn_step[], text) IS 'the drawing of funnel_svg';

CREATE FUNCTION cjm.funnel_svg(stats cjm.funnel_stats, title text DEFAULT 'Funnel') RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE COST 5000
RETURN cjm_internal.funnel_svg_drawn(cjm_internal.funnel_drawn_steps(stats), coalesce(nullif(title, ''), 'Funnel'));

CREATE FUNCTION cjm.funnel_svg(map text) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 20000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map);
BEGIN
	RETURN cjm_internal.funnel_svg_drawn(cjm_internal.funnel_drawn_steps(def), 'Funnel of ' || cjm_internal.map_title(def));
END
$$;

COMMENT ON FUNCTION cjm.funnel_svg(cjm.funnel_stats, text) IS
'a funnel as one SVG that needs nothing else: bars of customers, what went on and what dropped, median times since the step before.
title: above it
Statistics know no time: who may yet go on is among those who dropped.';
COMMENT ON FUNCTION cjm.funnel_svg(text) IS
'the funnel of a map as one SVG that needs nothing else, from its view funnel: psql -At -c "SELECT cjm.funnel_svg(''shop'')" > funnel.svg';
--
-- Retention as SVG: a heat map of cohorts and the months after them
--

CREATE TYPE cjm_internal.retention_drawn_cell AS (
	cohort date,
	number integer,
	cohort_size bigint,
	retained bigint,
	rate float8,
	period_over boolean
);
COMMENT ON TYPE cjm_internal.retention_drawn_cell IS 'what a drawing of retention says of a cohort in a month';
COMMENT ON COLUMN cjm_internal.retention_drawn_cell.cohort IS 'first day of the cohort''s month';
COMMENT ON COLUMN cjm_internal.retention_drawn_cell.number IS 'months since then';
COMMENT ON COLUMN cjm_internal.retention_drawn_cell.cohort_size IS 'customers of the cohort';
COMMENT ON COLUMN cjm_internal.retention_drawn_cell.retained IS 'those of them seen in the month';
COMMENT ON COLUMN cjm_internal.retention_drawn_cell.rate IS 'their share';
COMMENT ON COLUMN cjm_internal.retention_drawn_cell.period_over IS 'whether the month is over';

CREATE FUNCTION cjm_internal.heat_cell(x float8, y float8, width float8, height float8, rate float8, full_rate float8, customers bigint, period_over boolean, tip text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
	SELECT format('<g><title>%s</title>%s%s%s</g>', cjm_internal.svg_escape(tip), cjm_internal.svg_rect(x + 1, y + 1, width - 2, height - 2, 'heat' || class),
		CASE WHEN period_over THEN '' ELSE cjm_internal.svg_rect(x + 2.5, y + 2.5, width - 5, height - 5, 'growing grow' || class) END,
		cjm_internal.svg_text(x + width / 2, y + height / 2 + 4, 'mid small on' || class, cjm_internal.svg_rate(rate)))
	FROM (SELECT CASE WHEN customers < cjm_internal.map_few() THEN 'few' ELSE least(floor(rate / full_rate * 7), 6)::text END AS class) c);
COMMENT ON FUNCTION cjm_internal.heat_cell(float8, float8, float8, float8, float8, float8, bigint, boolean, text) IS
	'a cell of a heat map, in one of seven colours, or in none if it rests on few customers; a broken line in it if its number is still growing';

-- The number of customers is a column of its own, and so month 0, in which everybody is there, has none.
CREATE FUNCTION cjm_internal.retention_svg_drawn(cells cjm_internal.retention_drawn_cell[], title text) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 10000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	margin CONSTANT float8 := 28;
	top CONSTANT float8 := 118;					-- of the first cohort
	left_end CONSTANT float8 := margin + 150;	-- of the first month
	cell_width CONSTANT float8 := 52;
	cell_height CONSTANT float8 := 28;
	most CONSTANT integer := 24;				-- cohorts and months that are drawn
	cohorts integer;
	months integer;
	customers bigint;
	growing boolean;
	few boolean;
	full_rate float8;							-- of the darkest colour
	width float8;
	bottom float8;
	y float8;
	heads text := '';
	body text := '';
	legend text;
	summary text;
	means text;
	one record;
BEGIN
	SELECT count(DISTINCT c.cohort), sum(c.cohort_size) FILTER (WHERE c.number = 0) INTO cohorts, customers FROM unnest(cells) c;
	-- The latest cohorts and their first months.
	cells := ARRAY(SELECT r.c
		FROM (SELECT u::cjm_internal.retention_drawn_cell AS c, dense_rank() OVER (ORDER BY u.cohort DESC) AS age FROM unnest(cells) u) r
		WHERE r.age <= most AND (r.c).number <= most);
	SELECT coalesce(max(c.number), 0), coalesce(bool_or(NOT c.period_over AND c.number > 0), false), coalesce(bool_or(c.cohort_size < cjm_internal.map_few() AND c.number > 0), false),
		(SELECT min(nice) FROM unnest('{0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1}'::float8[]) nice
			WHERE nice >= coalesce(max(c.rate) FILTER (WHERE c.number > 0 AND c.cohort_size >= cjm_internal.map_few()), 0))
		INTO months, growing, few, full_rate FROM unnest(cells) c;
	width := greatest(left_end + months * cell_width + margin, 640);

	FOR number IN 1 .. months
	LOOP
		heads := heads || cjm_internal.svg_text(left_end + (number - 0.5) * cell_width, top - 10, 'soft mid', number::text);
	END LOOP;
	FOR one IN
		SELECT c.*, dense_rank() OVER (ORDER BY c.cohort) AS place FROM unnest(cells) c ORDER BY c.cohort, c.number
	LOOP
		y := top + (one.place - 1) * cell_height;
		IF one.number = 0 THEN
			body := body || cjm_internal.svg_text(margin, y + 18, 'soft', to_char(one.cohort, 'YYYY-MM')) ||
				cjm_internal.svg_text(left_end - 18, y + 18, 'end', cjm_internal.draw_fitting(one.cohort_size, 6));
		ELSE
			body := body || cjm_internal.heat_cell(left_end + (one.number - 1) * cell_width, y, cell_width, cell_height, one.rate, full_rate, one.cohort_size, one.period_over,
				format('%s, month %s: %s of %s customers, %s%s', to_char(one.cohort, 'YYYY-MM'), one.number, cjm_internal.draw_count(one.retained),
					cjm_internal.draw_count(one.cohort_size), cjm_internal.draw_rate(one.rate), CASE WHEN one.period_over THEN '' ELSE '; the month is not over' END));
		END IF;
	END LOOP;

	-- All cohorts together, in months that are over.
	bottom := top + least(cohorts, most) * cell_height + 8;
	means := '';
	FOR one IN
		SELECT c.number, sum(c.retained)::bigint AS retained, sum(c.cohort_size)::bigint AS cohort_size, sum(c.retained)::float8 / sum(c.cohort_size)::float8 AS rate
		FROM unnest(cells) c WHERE c.number > 0 AND c.period_over GROUP BY c.number ORDER BY c.number
	LOOP
		body := body || cjm_internal.heat_cell(left_end + (one.number - 1) * cell_width, bottom, cell_width, cell_height, one.rate, full_rate, one.cohort_size, true,
			format('all, month %s: %s of %s customers, %s', one.number, cjm_internal.draw_count(one.retained), cjm_internal.draw_count(one.cohort_size), cjm_internal.draw_rate(one.rate)));
		means := concat_ws(', ', nullif(means, ''), format('%s: %s', one.number, cjm_internal.draw_rate(one.rate)));
	END LOOP;
	IF months > 0 THEN
		body := body || cjm_internal.svg_text(margin, bottom + 18, 'strong', CASE WHEN cohorts > most THEN 'all shown' ELSE 'all' END) ||
			cjm_internal.svg_text(left_end - 18, bottom + 18, 'strong end', cjm_internal.draw_fitting((SELECT sum(c.cohort_size)::bigint FROM unnest(cells) c WHERE c.number = 0), 5));
		bottom := bottom + cell_height + 8;
	END IF;

	legend := cjm_internal.svg_text(margin, bottom + 24, 'small soft', 'share of the cohort that was seen again') || cjm_internal.svg_text(margin + 270, bottom + 24, 'small soft end', '0%');
	FOR class IN 0 .. 6
	LOOP
		legend := legend || cjm_internal.svg_rect(margin + 276 + class * 22, bottom + 14, 22, 12, 'heat' || class, 0);
	END LOOP;
	legend := legend || cjm_internal.svg_text(margin + 436, bottom + 24, 'small soft', round((full_rate * 100)::numeric) || '%');
	IF growing THEN
		legend := legend || cjm_internal.svg_rect(margin + 490, bottom + 14, 22, 12, 'growing', 0) || cjm_internal.svg_text(margin + 518, bottom + 24, 'small soft', 'not over yet');
	END IF;
	IF few THEN
		bottom := bottom + 20;
		legend := legend || cjm_internal.svg_rect(margin + 276, bottom + 14, 22, 12, 'heatfew', 0) ||
			cjm_internal.svg_text(margin + 304, bottom + 24, 'small soft', format('fewer than %s customers', cjm_internal.map_few()));
	END IF;

	summary := format('%s customers in %s', cjm_internal.draw_count(coalesce(customers, 0)), CASE cohorts WHEN 1 THEN '1 cohort' ELSE cohorts || ' cohorts' END) ||
		CASE WHEN cohorts > most THEN format(', of which the latest %s are shown', most) ELSE '' END;
	RETURN cjm_internal.svg_page('retention', width, bottom + CASE WHEN months > 0 THEN 24 ELSE 0 END + margin, title,
		summary || '.' || coalesce(' Seen again, all cohorts, by the month after the first: ' || nullif(means, '') || '.', ''),
		cjm_internal.svg_heading(margin, width, title, summary) ||
		CASE WHEN cohorts > 0 THEN
			cjm_internal.svg_text(margin, top - 10, 'small soft', 'first seen') || cjm_internal.svg_text(left_end - 18, top - 10, 'small soft end', 'customers') ||
			CASE WHEN months > 0 THEN cjm_internal.svg_text(left_end, top - 28, 'small soft', 'months later') || heads || legend ELSE '' END || body
		ELSE '' END);
END
$$;
COMMENT ON FUNCTION cjm_internal.retention_svg_drawn(cjm_internal.retention_drawn_cell[], text) IS 'the drawing of retention_svg';

CREATE FUNCTION cjm.retention_svg(map text) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 20000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map);
	cells cjm_internal.retention_drawn_cell[];
BEGIN
	EXECUTE format('SELECT array_agg((r.cohort, r.number, r.cohort_size, r.retained, r.rate, r.period_over)::cjm_internal.retention_drawn_cell ORDER BY r.cohort, r.number)
		FROM %s.retention r', cjm_internal.map_schema(def)) INTO cells;
	RETURN cjm_internal.retention_svg_drawn(coalesce(cells, '{}'), 'Retention of ' || cjm_internal.map_title(def));
END
$$;
COMMENT ON FUNCTION cjm.retention_svg(text) IS
'the retention of a map as one SVG that needs nothing else, from its view retention: a heat map of cohorts and the months after their first.
At most the latest 24 cohorts and their first 24 months are drawn. all: over the months that are over. Cohorts of fewer than 30 customers have no colour';
--
-- The journey map as SVG: stages across, touchpoints down
--
-- Above, a river of customers: its bars are the stages, its height is how many
-- there are, what drops runs out of it downwards, and who may yet go on or has
-- refused stands beside the bar.  Below, a dot where customers of a stage met a
-- touchpoint: its area is how many did, its colour whether more of them went on
-- than of those they are compared with.
--

CREATE TYPE cjm_internal.map_drawn_touch AS (
	step integer,
	event text,
	customers bigint,
	with_rate float8,
	without_rate float8,
	difference float8,
	difference_low float8,
	difference_high float8,
	sure boolean
);
COMMENT ON TYPE cjm_internal.map_drawn_touch IS 'what a drawing of a map says of a touchpoint at a stage';
COMMENT ON COLUMN cjm_internal.map_drawn_touch.step IS 'number of the stage, 0 before the first one';
COMMENT ON COLUMN cjm_internal.map_drawn_touch.event IS 'the touchpoint';
COMMENT ON COLUMN cjm_internal.map_drawn_touch.customers IS 'customers who met it there';
COMMENT ON COLUMN cjm_internal.map_drawn_touch.with_rate IS 'share of them that went on, as in the view touchpoints, like all that follow';
COMMENT ON COLUMN cjm_internal.map_drawn_touch.without_rate IS 'the same of those whom they are compared with';
COMMENT ON COLUMN cjm_internal.map_drawn_touch.difference IS 'with_rate - without_rate; NULL where there is nothing to compare with';
COMMENT ON COLUMN cjm_internal.map_drawn_touch.difference_low IS 'lower end of its interval';
COMMENT ON COLUMN cjm_internal.map_drawn_touch.difference_high IS 'upper end of it';
COMMENT ON COLUMN cjm_internal.map_drawn_touch.sure IS 'whether it is surely one';

-- Only what is surely a difference has a colour.
CREATE FUNCTION cjm_internal.difference_class(difference float8, sure boolean) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN NOT sure THEN 'even'
	WHEN difference > 0 THEN CASE WHEN difference >= 0.1 THEN 'better2' ELSE 'better1' END
	ELSE CASE WHEN difference <= -0.1 THEN 'worse2' ELSE 'worse1' END END;
COMMENT ON FUNCTION cjm_internal.difference_class(float8, boolean) IS 'the colour of a difference; NULL if there is none';

CREATE FUNCTION cjm_internal.draw_points(difference float8) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN difference < 0 THEN '-' ELSE '+' END || round(abs(difference * 100)::numeric, 1);
COMMENT ON FUNCTION cjm_internal.draw_points(float8) IS 'a difference of shares in percentage points, with its sign';

-- The bars of the stages and what flows between and out of them, over one height; x is where a bar begins.
CREATE FUNCTION cjm_internal.map_svg_river(steps cjm_internal.funnel_drawn_step[], left_end float8, column_width float8, top float8, height float8) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 5000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	bar CONSTANT float8 := 9;
	most float8;
	one cjm_internal.funnel_drawn_step;
	next cjm_internal.funnel_drawn_step;
	x float8;
	pipe float8;				-- the width of a leak where it runs down, from pipe_left to pipe_right
	pipe_left float8;
	pipe_right float8;
	turn_inner float8;			-- how far down it has turned
	turn_outer float8;
	deep float8;
	deep_next float8;
	deep_open float8;			-- how far down those who went on and those who may yet go on reach
	deep_refused float8;		-- and those who refused
	flows text := '';
	bars text := '';
BEGIN
	SELECT greatest(max(s.customers), 1)::float8 INTO most FROM unnest(steps) s;
	FOREACH one IN ARRAY steps
	LOOP
		x := left_end + (one.step - 1) * column_width;
		deep := greatest(one.customers / most * height, CASE WHEN one.customers > 0 THEN 1.5 ELSE 0 END);
		bars := bars || cjm_internal.svg_rect(x, top, bar, deep, CASE WHEN one.optional THEN 'part' ELSE 'bar' END, 1);
		CONTINUE WHEN one.optional;
		SELECT s.* INTO next FROM unnest(steps) s WHERE s.step > one.step AND NOT s.optional ORDER BY s.step LIMIT 1;
		CONTINUE WHEN NOT FOUND;
		deep_next := greatest(next.customers / most * height, CASE WHEN next.customers > 0 THEN 1.5 ELSE 0 END);
		IF next.customers > 0 THEN
			flows := flows || cjm_internal.svg_rect(x + bar, top, (next.step - one.step) * column_width - bar, deep_next, 'flow', 0);
		END IF;
		deep_open := least(deep_next + greatest(one.open_customers / most * height, CASE WHEN one.open_customers > 0 THEN 2 ELSE 0 END), deep);
		IF one.open_customers > 0 THEN
			flows := flows || cjm_internal.svg_rect(x + bar, top + deep_next, least(column_width / 4, 30), greatest(deep_open - deep_next, 1.5), 'wait', 1);
		END IF;
		deep_refused := least(deep_open + greatest(one.refused / most * height, CASE WHEN one.refused > 0 THEN 2 ELSE 0 END), deep);
		IF one.refused > 0 THEN
			flows := flows || cjm_internal.svg_rect(x + bar, top + deep_open, least(column_width / 4, 30), greatest(deep_refused - deep_open, 1.5), 'plain', 1);
		END IF;
		IF one.dropped > 0 THEN
			-- As wide as it is deep, or all of them narrower, so that widths compare.
			pipe := greatest(one.dropped / most * least(height, column_width - 36), 3);
			pipe_left := x + bar + 8;
			pipe_right := pipe_left + pipe;
			turn_outer := least(pipe_right - x - bar, height + 8 - deep_refused);
			turn_inner := least(pipe_left - x - bar, height + 8 - deep);
			flows := flows || cjm_internal.svg_path('M%s %sC%s %s %s %s %s %sV%sH%sV%sC%s %s %s %s %s %sZ', 'leak', x + bar, top + deep_refused,
					x + bar + 0.55 * (pipe_right - x - bar), top + deep_refused, pipe_right, top + deep_refused + 0.45 * turn_outer, pipe_right, top + deep_refused + turn_outer,
					top + height + 10, pipe_left, top + deep + turn_inner,
					pipe_left, top + deep + 0.45 * turn_inner, x + bar + 0.55 * (pipe_left - x - bar), top + deep, x + bar, top + deep) ||
				cjm_internal.svg_path('M%s %sH%sL%s %sZ', 'drop', pipe_left - 4, top + height + 10, pipe_right + 4, (pipe_left + pipe_right) / 2, top + height + 20);
		END IF;
	END LOOP;
	RETURN flows || bars;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_svg_river(cjm_internal.funnel_drawn_step[], float8, float8, float8, float8) IS 'the river of map_svg';

CREATE FUNCTION cjm_internal.map_svg_drawn(steps cjm_internal.funnel_drawn_step[], touches cjm_internal.map_drawn_touch[], most integer, title text) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 20000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	margin CONSTANT float8 := 28;
	page CONSTANT float8 := 1120;				-- at least so wide
	heads_top float8;							-- of the numbers under the names of stages
	top float8;									-- of the river
	height CONSTANT float8 := 120;
	row_height CONSTANT float8 := 27;
	radius CONSTANT float8 := 11;				-- of the largest dot
	labels float8;								-- the width of the names on the left
	left_end float8;							-- where stages begin
	column_width float8;
	width float8;
	roomy boolean;								-- whether there is room for more than the numbers
	open_top float8;							-- of the numbers of those who may yet go on, NULL where nobody may
	refused_top float8;							-- the same of those who refused
	has_before boolean;							-- whether anybody was met before the first stage
	rows_top float8;
	bottom float8;
	most_met float8;
	events text[];
	others integer;
	x float8;
	y float8;
	class text;
	line text;
	place integer;
	one cjm_internal.funnel_drawn_step;
	met cjm_internal.map_drawn_touch;
	heads text := '';
	grid text := '';
	rows text := '';
	description text;
	sentence text;
BEGIN
	-- What most customers met, in the order in which the journey meets it.
	SELECT coalesce(array_agg(e.event ORDER BY e.middle, e.customers DESC, e.event COLLATE "C"), '{}'), coalesce(max(e.width), 0)
		INTO events, labels
	FROM (SELECT t.event, cjm_internal.svg_width(t.event) AS width, sum(t.customers) AS customers, sum(t.step * t.customers) / sum(t.customers) AS middle
		FROM unnest(touches) t GROUP BY t.event ORDER BY customers DESC, t.event COLLATE "C" LIMIT most) e;
	SELECT count(DISTINCT t.event) - cardinality(events), coalesce(max(t.customers), 1), coalesce(bool_or(t.step = 0 AND t.event = ANY (events)), false)
		INTO others, most_met, has_before FROM unnest(touches) t;
	labels := least(greatest(labels * 12, 110), 190);
	left_end := margin + labels + 16;
	column_width := greatest((page - left_end - margin) / (cardinality(steps) + has_before::integer), 84);
	roomy := column_width >= 132;
	width := left_end + (cardinality(steps) + has_before::integer) * column_width + margin;
	IF has_before THEN
		left_end := left_end + column_width;
	END IF;
	SELECT 104 + 16 * max(cardinality(cjm_internal.svg_lines(s.stage, (column_width - 12) / 13.5, 2))) INTO heads_top FROM unnest(steps) s;
	top := heads_top + 72;
	rows_top := top + height + 78;
	IF EXISTS (SELECT FROM unnest(steps) s WHERE s.open_customers > 0) THEN
		open_top := rows_top - 4;
		rows_top := rows_top + 26;
	END IF;
	IF EXISTS (SELECT FROM unnest(steps) s WHERE s.refused > 0) THEN
		refused_top := rows_top - CASE WHEN open_top IS NULL THEN 4 ELSE 11 END;
		rows_top := refused_top + 30;
	END IF;
	bottom := rows_top + cardinality(events) * row_height;

	FOREACH one IN ARRAY steps
	LOOP
		x := left_end + (one.step - 1) * column_width;
		place := 0;
		grid := grid || cjm_internal.svg_path('M%s %sV%s', 'rule', x, 92, bottom);
		heads := heads || format(E'<g><title>%s</title>\n', cjm_internal.svg_escape(cjm_internal.funnel_description(ARRAY[one]))) ||
			cjm_internal.svg_text(x + 8, 104, 'small soft', one.step || CASE WHEN one.optional THEN ' optional' ELSE '' END);
		FOREACH line IN ARRAY cjm_internal.svg_lines(one.stage, (column_width - 12) / 13.5, 2)
		LOOP
			heads := heads || cjm_internal.svg_text(x + 8, 121 + 16 * place, 'strong', line);
			place := place + 1;
		END LOOP;
		heads := heads || cjm_internal.svg_text(x + 8, heads_top + 22, CASE WHEN roomy THEN 'large strong' ELSE 'strong' END,
			cjm_internal.draw_fitting(one.customers, (column_width - 12) / CASE WHEN roomy THEN 17 ELSE 13.5 END));
		IF one.step > 1 THEN
			heads := heads || cjm_internal.svg_text(x + 8, heads_top + 40, 'small', coalesce(cjm_internal.svg_rate(one.step_rate), '&#8211;')) ||
				coalesce(cjm_internal.svg_text(x + 8, heads_top + 56, 'small', cjm_internal.draw_time(one.median_seconds)), '');
		END IF;
		heads := heads || E'</g>\n';
		IF one.dropped > 0 THEN
			heads := heads || cjm_internal.svg_text(x + 8, top + height + 40, 'strong lost', cjm_internal.draw_fitting(one.dropped, (column_width - 12) / 13.5)) ||
				cjm_internal.svg_text(x + 8, top + height + 55, 'small lost', cjm_internal.svg_rate(one.drop_rate));
		END IF;
		IF one.open_customers > 0 THEN
			heads := heads || cjm_internal.svg_text(x + 8, open_top, 'strong waits', cjm_internal.draw_fitting(one.open_customers, (column_width - 12) / 13.5));
		END IF;
		IF one.refused > 0 THEN
			heads := heads || cjm_internal.svg_text(x + 8, refused_top, 'strong soft', cjm_internal.draw_fitting(one.refused, (column_width - 12) / 13.5));
		END IF;
	END LOOP;
	IF has_before THEN
		heads := heads || cjm_internal.svg_text(left_end - column_width + 8, 121, 'strong soft', 'before');
		grid := grid || cjm_internal.svg_path('M%s %sV%s', 'rule', left_end - column_width, 92, bottom);
	END IF;
	heads := heads || cjm_internal.svg_text(margin, heads_top + 22, 'soft', 'customers') || cjm_internal.svg_text(margin, heads_top + 40, 'small soft', 'of the step before') ||
		cjm_internal.svg_text(margin, heads_top + 56, 'small soft', 'median time') || cjm_internal.svg_text(margin, top + height + 40, 'lost', 'dropped') ||
		CASE WHEN open_top IS NOT NULL THEN cjm_internal.svg_text(margin, open_top, 'waits', 'may yet go on') ELSE '' END ||
		CASE WHEN refused_top IS NOT NULL THEN cjm_internal.svg_text(margin, refused_top, 'soft', 'refused') ELSE '' END;

	description := cjm_internal.funnel_description(steps);
	FOR place IN 1 .. cardinality(events)
	LOOP
		y := rows_top + (place - 0.5) * row_height;
		sentence := '';
		grid := grid || cjm_internal.svg_path('M%s %sH%s', 'rule', margin, y - row_height / 2, width - margin);
		rows := rows || format(E'<g><title>%s</title>%s</g>\n', cjm_internal.svg_escape(events[place]), cjm_internal.svg_text(margin, y + 4, '', (cjm_internal.svg_lines(events[place], labels / 12))[1]));
		FOR met IN
			SELECT t.* FROM unnest(touches) t WHERE t.event = events[place] ORDER BY t.step
		LOOP
			x := left_end + (met.step - 1) * column_width + 8;
			class := coalesce(cjm_internal.difference_class(met.difference, met.sure), 'plain');
			line := concat(cjm_internal.draw_count(met.customers), CASE WHEN met.customers = 1 THEN ' customer' ELSE ' customers' END,
				', ' || cjm_internal.draw_rate(met.with_rate) || ' went on with it', ', ' || cjm_internal.draw_rate(met.without_rate) || ' without it',
				', difference ' || cjm_internal.draw_points(met.difference) || ' points' ||
				coalesce(' (interval ' || cjm_internal.draw_points(met.difference_low) || ' to ' || cjm_internal.draw_points(met.difference_high) || ')', ''));
			sentence := concat_ws('; ', nullif(sentence, ''), coalesce(steps[met.step].stage, 'before') || ': ' || line);
			rows := rows || format(E'<g><title>%s</title><circle cx="%s" cy="%s" r="%s" class="%s"/>%s</g>\n',
				cjm_internal.svg_escape(concat(events[place], ', ', coalesce(steps[met.step].stage, 'before'), ': ', line)),
				cjm_internal.svg_number(x + radius), cjm_internal.svg_number(y), cjm_internal.svg_number(greatest(sqrt(met.customers / most_met) * radius, 2.5)), class,
				cjm_internal.svg_text(x + 2 * radius + 6, y + 4, 'small',
					CASE WHEN roomy THEN cjm_internal.draw_fitting(met.customers, (column_width - 80) / 11) ELSE cjm_internal.draw_short(met.customers) END ||
					CASE WHEN class IN ('plain', 'even') THEN '' WHEN roomy THEN format('<tspan class="soft" dx="6">%s</tspan>', replace(cjm_internal.draw_points(met.difference), '-', '&#8722;'))
						WHEN met.difference > 0 THEN ' +' ELSE ' &#8722;' END));
		END LOOP;
		description := description || format(' %s: %s.', events[place], sentence);
	END LOOP;
	grid := grid || cjm_internal.svg_path('M%s %sH%s', 'rule', margin, bottom, width - margin);

	IF cardinality(events) > 0 THEN
		heads := heads || cjm_internal.svg_text(margin, rows_top - 9, 'small soft', 'touchpoints');
		y := bottom + 28;
		IF others > 0 THEN
			rows := rows || cjm_internal.svg_text(margin, bottom + 18, 'small soft', format('and %s more', others));
			y := y + 16;
		END IF;
		rows := rows || cjm_internal.svg_text(margin, y, 'small soft',
			'area: customers who met the touchpoint at the stage; colour: whether more of them went on than of others who had been there as long, corrected for all that is compared');
		x := margin + 6;
		y := y + 20;
		FOR class, line IN VALUES ('worse2', 'fewer, by 10 points or more'), ('worse1', 'fewer'), ('even', 'no sure difference'), ('better1', 'more'), ('better2', 'more, by 10 points or more'),
			('plain', 'nothing to compare with')
		LOOP
			rows := rows || format('<circle cx="%s" cy="%s" r="6" class="%s"/>', cjm_internal.svg_number(x), cjm_internal.svg_number(y), class) || cjm_internal.svg_text(x + 11, y + 4, 'small soft', line);
			x := x + 32 + cjm_internal.svg_width(line) * 11;
		END LOOP;
		bottom := y + 8;
	END IF;
	RETURN cjm_internal.svg_page('map', width, bottom + margin, title, description,
		cjm_internal.svg_heading(margin, width, title, cjm_internal.funnel_summary(steps)) ||
		grid || cjm_internal.map_svg_river(steps, left_end, column_width, top, height) || heads || rows);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_svg_drawn(cjm_internal.funnel_drawn_step[], cjm_internal.map_drawn_touch[], integer, text) IS 'the drawing of map_svg';

CREATE FUNCTION cjm.map_svg(map text, touchpoints integer DEFAULT 15) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 40000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map);
	touches cjm_internal.map_drawn_touch[];
BEGIN
	touchpoints := coalesce(touchpoints, 15);
	IF touchpoints NOT BETWEEN 0 AND 100 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('a map of %s touchpoints cannot be drawn', touchpoints), HINT = 'Choose 0 to 100.';
	END IF;
	EXECUTE format('SELECT array_agg((t.step, t.event, t.customers, t.with_rate, t.without_rate, t.difference, t.difference_low, t.difference_high, t.sure)::cjm_internal.map_drawn_touch
		ORDER BY t.step, t.event COLLATE "C") FROM %s.touchpoints t', cjm_internal.map_schema(def)) INTO touches;
	RETURN cjm_internal.map_svg_drawn(cjm_internal.funnel_drawn_steps(def), coalesce(touches, '{}'), touchpoints, 'Journey map of ' || cjm_internal.map_title(def));
END
$$;
COMMENT ON FUNCTION cjm.map_svg(text, integer) IS
'a journey map as one SVG that needs nothing else, from its views funnel and touchpoints: psql -At -c "SELECT cjm.map_svg(''shop'')" > map.svg
touchpoints: how many of them at most, those that most customers met';
--
-- Kept journeys: the journeys of a map, stored, and exact in every snapshot.
--
-- A map that keeps its journeys has in its schema, beside its views,
--
--   kept_journeys  the store: a journey of each customer
--   kept_changes   touchpoints that came since, and that went
--   kept_marks     what happened that makes the store of no use
--   kept_pieces    of what is being built: which parts of the customers are
--   kept_state     one row: what the store was made under, and when
--   kept_rows      a view: the rows as the view "events" reads them, or none where the store tells
--   kept           a view: how all this stands
--
-- In every snapshot store + changes = rows.  Triggers on the source write the changes,
-- in the transaction of the rows (src/kept/write.c); a refresh moves them into the
-- store, in one statement; and as in any snapshot either both are seen or none, it
-- does not matter who does what at the same time.  What triggers do not see is told
-- by the catalogs (src/kept/guard.c): then the view "journeys" reads the rows.
--

CREATE FUNCTION cjm_internal.kept_is_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'kept_is_support'
	LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.kept_is_support(internal) IS 'planner support of kept_is: puts what there is when a query is planned into the plan';

CREATE FUNCTION cjm_internal.kept_is(state regclass, answer integer, planned text) RETURNS boolean
	AS 'MODULE_PATHNAME', 'kept_is'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1 SUPPORT cjm_internal.kept_is_support;
COMMENT ON FUNCTION cjm_internal.kept_is(regclass, integer, text) IS
	'whether the store of kept journeys is all (0), it and the changes beside it are (1), or only the rows tell (2), in the snapshot of the query; planned is empty, and the planner puts there what it found';

CREATE FUNCTION cjm_internal.kept_parts(state regclass) RETURNS text[]
	AS 'MODULE_PATHNAME', 'kept_parts'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.kept_parts(regclass) IS 'what kept journeys stand on: tables and their files, partitions, triggers, functions, labels of enums; a line each';

CREATE FUNCTION cjm_internal.kept_fingerprint(parts text[]) RETURNS text
	AS 'MODULE_PATHNAME', 'kept_fingerprint'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.kept_fingerprint(text[]) IS 'a hash of what kept journeys stand on';

CREATE FUNCTION cjm_internal.kept_check(events regclass) RETURNS void
	AS 'MODULE_PATHNAME', 'kept_check'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.kept_check(regclass) IS 'an error that says why, if the journeys of a map cannot be kept';

CREATE FUNCTION cjm_internal.kept_write() RETURNS trigger
	AS 'MODULE_PATHNAME', 'kept_write'
	LANGUAGE C;
COMMENT ON FUNCTION cjm_internal.kept_write() IS 'writes down what comes to the source of a map and what goes; does nothing unless kept_bind has said for whom';

CREATE FUNCTION cjm_internal.kept_bind(source regclass, trigger name, changes regclass, marks regclass, events regclass) RETURNS void
	AS 'MODULE_PATHNAME', 'kept_bind'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION cjm_internal.kept_bind(regclass, name, regclass, regclass, regclass) IS 'lets a trigger of one''s own work for tables and a view of one''s own, by dependencies, so that renaming them changes nothing';

CREATE FUNCTION cjm_internal.kept_scan(internal) RETURNS tsm_handler
	AS 'MODULE_PATHNAME', 'kept_scan'
	LANGUAGE C VOLATILE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.kept_scan(internal) IS 'TABLESAMPLE kept_scan(wanted, expected): all rows or none; the planner expects all, or next to none';

CREATE FUNCTION cjm_internal.kept_progress(what text) RETURNS boolean
	AS 'MODULE_PATHNAME', 'kept_progress'
	LANGUAGE C VOLATILE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION cjm_internal.kept_progress(text) IS 'true; a NOTICE every some seconds says how many rows it has been called for';

CREATE FUNCTION cjm_internal.journey_changed(journey cjm.journey, added cjm.journey, removed cjm.journey) RETURNS cjm.journey
	AS 'MODULE_PATHNAME', 'journey_changed'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1;
COMMENT ON FUNCTION cjm_internal.journey_changed(cjm.journey, cjm.journey, cjm.journey) IS
	'a stored journey after what came and what went, each of which may be NULL; NULL if nothing is left';

--
-- What is in the schema
--

CREATE FUNCTION cjm_internal.kept_comments() RETURNS TABLE (relation_name text, column_name text, comment text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 40
BEGIN ATOMIC
	SELECT v.relation_name, v.column_name, v.comment
	FROM (VALUES
		('kept_journeys', NULL, 'kept journeys: those of this map without the changes that wait'),
		('kept_journeys', 'customer', 'the key of the customer'),
		('kept_journeys', 'segments', 'what the segment of the customer is taken from: s and the segment, as events of a journey'),
		('kept_journeys', 'journey', 'all touchpoints of the customer'),
		('kept_changes', NULL, 'what came to the source since the last refresh, and what went'),
		('kept_changes', 'customer', 'whose event it is'),
		('kept_changes', 'at', 'when it happened'),
		('kept_changes', 'event', 'what happened'),
		('kept_changes', 'channel', 'where it came from, or NULL'),
		('kept_changes', 'value', 'what it was worth, or NULL'),
		('kept_changes', 'segment', 'the segment of the customer that the row tells, or NULL'),
		('kept_changes', 'removed', 'whether it went'),
		('kept_changes', 'written_at', 'when that was written down'),
		('kept_marks', NULL, 'what makes the store of no use until it is built anew'),
		('kept_marks', 'at', 'when it happened'),
		('kept_marks', 'reason', 'what it was'),
		('kept_state', NULL, 'what the kept journeys were made under: one row'),
		('kept_state', 'fingerprint', 'hash of what the store stands on'),
		('kept_state', 'built_at', 'when it was built, NULL before'),
		('kept_state', 'view', 'number of the view "events"'),
		('kept_state', 'changes', 'number of the table of changes'),
		('kept_state', 'marks', 'number of the table of marks'),
		('kept_state', 'refreshed_at', 'when the last refresh was over'),
		('kept_state', 'took', 'how long it took'),
		('kept_state', 'folded', 'how many changes have been moved into the store in all'),
		('kept_state', 'parts', 'what the store stands on, a line each'),
		('kept_state', 'pieces', 'into how many pieces a build is divided, NULL: by the size of the source'),
		('kept_pieces', NULL, 'the pieces of the store that are being built, or were, a part of the customers each'),
		('kept_pieces', 'piece', 'its number, from 1'),
		('kept_pieces', 'began_at', 'when a refresh began with it'),
		('kept_pieces', 'built_at', 'when it was built, NULL before'),
		('kept_pieces', 'journeys', 'how many there were in it'),
		('kept_rows', NULL, 'the rows as the view "events" reads them, where kept journeys do not tell; else none'),
		('kept_rows', 'customer', 'whose event it is'),
		('kept_rows', 'at', 'when it happened'),
		('kept_rows', 'event', 'what happened'),
		('kept_rows', 'channel', 'where it came from, or NULL'),
		('kept_rows', 'value', 'what it was worth, or NULL'),
		('kept_rows', 'segment', 'the segment of the customer that the row tells, or NULL'),
		('kept', NULL, 'how the kept journeys of this map stand: one row'),
		('kept', 'state', 'folded: the views read the store; changed: the store and the changes beside it; rows: the rows of the source'),
		('kept', 'reason', 'why they read the rows, NULL if they do not'),
		('kept', 'customers', 'journeys in the store'),
		('kept', 'touchpoints', 'touchpoints in them'),
		('kept', 'changes', 'touchpoints that came or went since the last refresh'),
		('kept', 'oldest_change', 'when the oldest of them was written, NULL if there is none'),
		('kept', 'bytes', 'size of the store and the changes, with indexes'),
		('kept', 'built_at', 'when the store was built'),
		('kept', 'refreshed_at', 'when the last refresh was over'),
		('kept', 'took', 'how long the last refresh took'),
		('kept', 'folded', 'changes that have been moved into the store in all')) v(relation_name, column_name, comment);
END;
COMMENT ON FUNCTION cjm_internal.kept_comments() IS 'the comments of what a map with kept journeys has beside its views';

CREATE FUNCTION cjm_internal.kept_state(map regnamespace) RETURNS regclass
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE c.relnamespace = map AND c.relname = 'kept_state' AND c.relkind = 'r' AND c.relowner = n.nspowner);
COMMENT ON FUNCTION cjm_internal.kept_state(regnamespace) IS 'the state of the kept journeys of a map, NULL if it keeps none';

-- The operator of the type, by which its keys are unique, and not one that the search_path happens to have.
CREATE FUNCTION cjm_internal.kept_equals(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (WITH RECURSIVE base(type) AS (
		SELECT a.atttypid FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
		WHERE c.relnamespace = (map).map AND c.relname = 'journeys' AND a.attname = 'customer'
		UNION ALL
		SELECT t.typbasetype FROM base b JOIN pg_type t ON t.oid = b.type WHERE t.typtype = 'd')
	SELECT coalesce((SELECT format('%s(%I.%s)', 'OPERATOR', n.nspname, o.oprname)
		FROM base b
			JOIN pg_type t ON t.oid = b.type AND t.typtype <> 'd'
			JOIN pg_opclass c ON c.opcintype = b.type AND c.opcdefault AND c.opcmethod = (SELECT m.oid FROM pg_am m WHERE m.amname = 'btree')
			JOIN pg_amop a ON a.amopfamily = c.opcfamily AND a.amopstrategy = 3 AND a.amoplefttype = c.opcintype AND a.amoprighttype = c.opcintype
			JOIN pg_operator o ON o.oid = a.amopopr
			JOIN pg_namespace n ON n.oid = o.oprnamespace), 'OPERATOR(pg_catalog.=)'));
COMMENT ON FUNCTION cjm_internal.kept_equals(cjm_internal.map) IS 'SQL: the operator that says whether two keys of a map''s customers are equal';

CREATE FUNCTION cjm_internal.kept_rows_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN cjm_internal.map_events_sql(map,
	format(' TABLESAMPLE cjm_internal.kept_scan(cjm_internal.kept_is(%L::regclass, 2, ''''::text), false)', cjm_internal.kept_state((map).map)));
COMMENT ON FUNCTION cjm_internal.kept_rows_sql(cjm_internal.map) IS 'SQL of the view kept_rows';

-- Of the first or the last time at which there is a segment the one with the smallest bytes, as map_first_touch and map_last_touch have it.
CREATE FUNCTION cjm_internal.kept_segment_sql(map cjm_internal.map, segments text) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN (map).segment IS NULL THEN 'NULL::text'
	ELSE format(CASE (map).segment_at WHEN 'first' THEN 'substr((cjm.first_touch(%1$s)).event, 2)'
		ELSE 'substr((cjm.first_touch(cjm.slice(%1$s, (cjm.last_touch(%1$s)).at, ''infinity''::timestamptz))).event, 2)' END, segments) END;
COMMENT ON FUNCTION cjm_internal.kept_segment_sql(cjm_internal.map, text) IS 'SQL: the segment of a customer, from the journey that it is taken from';

-- Changes by customer: what came and what went, as journeys.
CREATE FUNCTION cjm_internal.kept_grouped_sql(map cjm_internal.map, relation text) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('SELECT g.customer, cjm.journey_agg(%1$s) FILTER (WHERE NOT g.removed) AS added, cjm.journey_agg(%1$s) FILTER (WHERE g.removed) AS removed, %2$s FROM %3$s GROUP BY g.customer',
	cjm_internal.map_touch_sql(map, 'g'),
	CASE WHEN (map).segment IS NULL THEN 'NULL::cjm.journey AS added_segments, NULL::cjm.journey AS removed_segments'
		ELSE 'cjm.journey_agg(g.at, ''s'' || g.segment) FILTER (WHERE NOT g.removed AND g.segment IS NOT NULL) AS added_segments,
			cjm.journey_agg(g.at, ''s'' || g.segment) FILTER (WHERE g.removed AND g.segment IS NOT NULL) AS removed_segments' END,
	relation);
COMMENT ON FUNCTION cjm_internal.kept_grouped_sql(cjm_internal.map, text) IS 'SQL: the changes of each customer, from a relation g of them';

-- Which arms give rows is known when the query runs: the store; or the store without those who have changes, and they with what the store
-- has of them; or the rows.  Each arm is asked by itself, so that the planner sees no more than some scans, and workers take part in them.
-- It is asked above them, from where the planner brings it into each, since an arm with a condition of its own is one more step for each row.
CREATE FUNCTION cjm_internal.kept_journeys_sql(map cjm_internal.map) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(map);
	state text := quote_literal(cjm_internal.kept_state((map).map)::text) || '::regclass';
	waiting text := format('%s.kept_changes g TABLESAMPLE cjm_internal.kept_scan(cjm_internal.kept_is(%s, 1, ''''::text), true)', schema, state);
BEGIN
	RETURN format('SELECT j.customer, j.segment, j.journey
		FROM (SELECT 0 AS arm, k.customer, %3$s AS segment, k.journey
			FROM %1$s.kept_journeys k
			UNION ALL
			SELECT 1, k.customer, %3$s, k.journey
			FROM %1$s.kept_journeys k
			WHERE NOT EXISTS (SELECT FROM %5$s WHERE g.customer %4$s k.customer)
			UNION ALL
			SELECT 1, c.customer, %6$s, %7$s
			FROM (%8$s) c LEFT JOIN %1$s.kept_journeys k ON k.customer %4$s c.customer
			WHERE c.removed IS NULL OR %7$s IS NOT NULL
			UNION ALL
			SELECT 2, r.customer, r.segment, r.journey FROM (%9$s) r) j
		WHERE cjm_internal.kept_is(%2$s, j.arm, ''''::text)', schema, state, cjm_internal.kept_segment_sql(map, 'k.segments'), cjm_internal.kept_equals(map), waiting,
		cjm_internal.kept_segment_sql(map, 'cjm_internal.journey_changed(k.segments, c.added_segments, c.removed_segments)'),
		'cjm_internal.journey_changed(k.journey, c.added, c.removed)', cjm_internal.kept_grouped_sql(map, waiting),
		cjm_internal.map_journeys_from_sql(map, 'kept_rows'));
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_journeys_sql(cjm_internal.map) IS 'SQL of the view journeys of a map that keeps them';

-- Why the views read the rows.  The arguments are what the view "kept" reads, so that it takes no right but to read that.
CREATE FUNCTION cjm_internal.kept_reason(built_at timestamptz, was text[], is_now text[], mark text, building text) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	line text[];
	object text;
BEGIN
	IF was IS DISTINCT FROM is_now AND coalesce(built_at::text, building) IS NOT NULL THEN
		SELECT string_to_array(l, ' ') INTO line FROM (
			(SELECT unnest(is_now) EXCEPT SELECT unnest(was)) UNION ALL (SELECT unnest(was) EXCEPT SELECT unnest(is_now))) d(l)
		ORDER BY array_position('{version,store,view,part,table,trigger,function,labels}'::text[], split_part(l, ' ', 1)), l LIMIT 1;
		object := CASE line[1] WHEN 'function' THEN line[2]::oid::regprocedure::text WHEN 'labels' THEN line[2]::oid::regtype::text
			WHEN 'version' THEN '' ELSE line[2]::oid::regclass::text END;
		RETURN CASE coalesce(line[1], 'view')
			WHEN 'version' THEN 'they were built by another version of cjm'
			WHEN 'store' THEN format('the table %s of the store was altered', object)
			WHEN 'view' THEN 'the map was made anew since they were built'
			WHEN 'part' THEN format('the partition %s was attached or detached', object)
			WHEN 'table' THEN format('the table %s was emptied, written anew or altered', object)
			WHEN 'trigger' THEN format('a trigger of kept journeys on %s was switched, dropped or altered', object)
			WHEN 'function' THEN format('the function %s was replaced', object)
			WHEN 'labels' THEN format('the labels of %s were altered', object)
		END;
	END IF;
	RETURN coalesce(mark, CASE WHEN built_at IS NULL THEN coalesce(building, 'they are not built yet') END);
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_reason(timestamptz, text[], text[], text, text) IS 'why kept journeys cannot be read, from what they stood on and what is now; NULL if they can';

CREATE FUNCTION cjm_internal.kept_view_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('SELECT CASE WHEN cjm_internal.kept_is(%2$L::regclass, 0, ''''::text) THEN ''folded'' WHEN cjm_internal.kept_is(%2$L::regclass, 1, ''''::text) THEN ''changed'' ELSE ''rows'' END AS state,
		CASE WHEN cjm_internal.kept_is(%2$L::regclass, 2, ''''::text) THEN cjm_internal.kept_reason(s.built_at, s.parts, cjm_internal.kept_parts(%2$L::regclass),
			(SELECT m.reason FROM %1$s.kept_marks m ORDER BY m.at LIMIT 1),
			(SELECT format(''they are being built: %%s of %%s pieces are'', count(p.built_at), count(*)) FROM %1$s.kept_pieces p HAVING count(*) > 1)) END AS reason,
		j.customers, j.touchpoints, c.changes, c.oldest_change,
		pg_total_relation_size(%3$L::regclass) + pg_total_relation_size(%4$L::regclass) AS bytes,
		s.built_at, s.refreshed_at, s.took, s.folded
	FROM %1$s.kept_state s CROSS JOIN (SELECT count(*) AS customers, coalesce(sum(cjm.touch_count(k.journey)), 0)::bigint AS touchpoints FROM %1$s.kept_journeys k) j
		CROSS JOIN (SELECT count(*) AS changes, min(g.written_at) AS oldest_change FROM %1$s.kept_changes g) c',
	cjm_internal.map_schema(map), cjm_internal.kept_state((map).map), cjm_internal.map_schema(map) || '.kept_journeys', cjm_internal.map_schema(map) || '.kept_changes');
COMMENT ON FUNCTION cjm_internal.kept_view_sql(cjm_internal.map) IS 'SQL of the view kept';
--
-- keep_journeys, refresh_journeys, unkeep_journeys, kept, check_journeys
--

-- The definition of a map with the expressions as its views have them now: those follow a column that is renamed.
CREATE FUNCTION cjm_internal.kept_definition(def cjm_internal.map) RETURNS cjm_internal.map
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	reads text[] := cjm_internal.map_expressions(format('%s.events', cjm_internal.map_schema(def))::regclass);
BEGIN
	def.customer := reads[1];
	def.at := reads[2];
	def.event := reads[3];
	def.channel := CASE WHEN def.channel IS NOT NULL THEN reads[4] END;
	def.value := CASE WHEN def.value IS NOT NULL THEN reads[5] END;
	def.segment := CASE WHEN def.segment IS NOT NULL THEN reads[6] END;
	def.filter := reads[7];
	def.sequence := reads[8];
	RETURN def;
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_definition(cjm_internal.map) IS 'a definition with the expressions that the view events of the map has now';

-- The map of a name, for whoever may change it.
CREATE FUNCTION cjm_internal.kept_map(map text, keeps boolean) RETURNS cjm_internal.map
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map);
	holder regrole := (SELECT n.nspowner FROM pg_namespace n WHERE n.oid = def.map);
BEGIN
	IF NOT pg_has_role(holder, 'USAGE') THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('the map "%s" belongs to %s', map, holder),
			HINT = 'Its owner keeps journeys and refreshes them.';
	ELSIF keeps AND cjm_internal.kept_state(def.map) IS NULL THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('the map "%s" keeps no journeys', map),
			HINT = format('SELECT cjm.keep_journeys(%L) makes it.', map);
	ELSIF keeps AND current_setting('transaction_isolation') <> 'read committed' THEN
		RAISE active_sql_transaction USING
			MESSAGE = format('kept journeys cannot be built or refreshed at the isolation level %s', current_setting('transaction_isolation')),
			HINT = 'Each step has to see what the one before has waited for: use READ COMMITTED.';
	END IF;
	RETURN cjm_internal.kept_definition(def);
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_map(text, boolean) IS 'the definition of a map of one''s own that keeps journeys, or is to keep them; an error if there is none';

-- The source and all that is under it.
CREATE FUNCTION cjm_internal.kept_tables(source regclass) RETURNS TABLE (relation regclass)
	LANGUAGE sql STABLE STRICT PARALLEL SAFE ROWS 10
	SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT source UNION SELECT t.relid FROM pg_partition_tree(source) t;
END;
COMMENT ON FUNCTION cjm_internal.kept_tables(regclass) IS 'the source of a map and its partitions';

-- A partition that never had a row: nobody has vacuumed it, which could have made its file short, or emptied it.
CREATE FUNCTION cjm_internal.kept_is_untouched(relation regclass) RETURNS boolean
	LANGUAGE sql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT c.relkind = 'p' OR c.relkind = 'r' AND c.relfilenode = c.oid AND c.reltuples = -1 AND pg_relation_size(c.oid) = 0
	FROM pg_class c WHERE c.oid = relation);
COMMENT ON FUNCTION cjm_internal.kept_is_untouched(regclass) IS 'whether a table has never had a row';

-- Triggers on a table that write for a map, where they are not there as they have to be.  The name begins with a space, so that
-- they go before those of others, which may read views of the map.
CREATE FUNCTION cjm_internal.kept_make_triggers(def cjm_internal.map, relation regclass) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(def);
	changes regclass := format('%s.kept_changes', schema);
	made record;
BEGIN
	FOR made IN
		SELECT w.kind, format(' kept_%s_%s', changes::oid, w.kind)::name AS name, w.definition, w.enabled
		FROM (VALUES
			('insert', 'AFTER INSERT ON %s REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT', 'O'),
			('update', 'AFTER UPDATE ON %s REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT', 'O'),
			('delete', 'AFTER DELETE ON %s REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT', 'O'),
			('truncate', 'AFTER TRUNCATE ON %s FOR EACH STATEMENT', 'A'),
			('merge', 'BEFORE UPDATE ON %s FOR EACH STATEMENT', 'O'),
			('row', 'AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW', 'R')) w(kind, definition, enabled)
		WHERE (w.kind <> 'row' OR relation = (def).source) AND (w.kind <> 'merge' OR (SELECT c.relkind FROM pg_class c WHERE c.oid = relation) = 'p')
			AND NOT EXISTS (
			SELECT FROM pg_trigger t JOIN pg_depend d ON d.classid = 'pg_trigger'::regclass AND d.objid = t.oid
			WHERE t.tgrelid = relation AND t.tgname = format(' kept_%s_%s', changes::oid, w.kind)::name AND t.tgenabled = w.enabled
				AND d.refclassid = 'pg_class'::regclass AND d.refobjid = changes)
	LOOP
		EXECUTE format('CREATE OR REPLACE TRIGGER %I %s EXECUTE FUNCTION cjm_internal.kept_write()', made.name, format(made.definition, relation));
		IF made.enabled <> 'O' THEN
			EXECUTE format('ALTER TABLE %s ENABLE %s TRIGGER %I', relation, CASE made.enabled WHEN 'A' THEN 'ALWAYS' ELSE 'REPLICA' END, made.name);
		END IF;
		EXECUTE format('COMMENT ON TRIGGER %I ON %s IS %L', made.name, relation,
			format('writes down for the map %s what comes and what goes; cjm.unkeep_journeys takes it away', schema));
		PERFORM cjm_internal.kept_bind(relation, made.name, changes, format('%s.kept_marks', schema), format('%s.events', schema));
	END LOOP;
	-- Copies for partitions are switched with the one that they were made from, and by hand.
	FOR made IN
		SELECT t.tgname AS name, t.tgrelid::regclass AS part FROM pg_trigger t
		WHERE t.tgrelid IN (SELECT k.relation FROM cjm_internal.kept_tables(kept_make_triggers.relation) k)
			AND t.tgname = format(' kept_%s_row', changes::oid)::name AND t.tgenabled <> 'R'
	LOOP
		EXECUTE format('ALTER TABLE %s ENABLE REPLICA TRIGGER %I', made.part, made.name);
	END LOOP;
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_make_triggers(cjm_internal.map, regclass) IS 'makes the triggers on a table that write for a map that keeps journeys, where they are not there';

-- From now on the journeys stand on what is there now, which the caller has locked, and are to be built.
CREATE FUNCTION cjm_internal.kept_note_parts(def cjm_internal.map) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format('DELETE FROM %s.kept_pieces', cjm_internal.map_schema(def));
	EXECUTE format('UPDATE %1$s.kept_state SET view = %2$L::regclass, changes = %3$L::regclass, marks = %4$L::regclass, built_at = NULL',
		cjm_internal.map_schema(def), format('%s.events', cjm_internal.map_schema(def)), format('%s.kept_changes', cjm_internal.map_schema(def)),
		format('%s.kept_marks', cjm_internal.map_schema(def)));
	EXECUTE format('UPDATE %1$s.kept_state s SET fingerprint = cjm_internal.kept_fingerprint(p.parts), parts = p.parts
		FROM (SELECT cjm_internal.kept_parts(%2$L::regclass) AS parts) p', cjm_internal.map_schema(def), cjm_internal.kept_state(def.map));
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_note_parts(cjm_internal.map) IS 'notes what kept journeys stand on from now on, and that they are to be built';

-- Triggers on tables that are not of the source any more do nothing, nor do those that a dump has brought, which are bound to nothing.
-- If such a table is in use, they stay until the next time.
CREATE FUNCTION cjm_internal.kept_drop_strays(def cjm_internal.map) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	stray record;
BEGIN
	FOR stray IN
		SELECT t.tgname AS name, t.tgrelid::regclass AS relation
		FROM pg_trigger t
			LEFT JOIN pg_depend d ON d.classid = 'pg_trigger'::regclass AND d.objid = t.oid AND d.refclassid = 'pg_class'::regclass
				AND d.refobjid <> t.tgrelid AND d.deptype = 'a'
		WHERE t.tgfoid = 'cjm_internal.kept_write()'::regprocedure AND t.tgparentid = 0
			AND t.tgrelid IN (SELECT k.relation FROM cjm_internal.kept_tables(def.source) k)
		GROUP BY t.oid HAVING count(d.objid) = 0
		UNION
		SELECT t.tgname, t.tgrelid::regclass
		FROM pg_depend d JOIN pg_trigger t ON t.oid = d.objid
		WHERE d.classid = 'pg_trigger'::regclass AND d.refclassid = 'pg_class'::regclass
			AND d.refobjid = format('%s.kept_changes', cjm_internal.map_schema(def))::regclass
			AND t.tgrelid NOT IN (SELECT k.relation FROM cjm_internal.kept_tables(def.source) k)
	LOOP
		BEGIN
			EXECUTE format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE NOWAIT; DROP TRIGGER %I ON %s', stray.relation, stray.name, stray.relation);
		EXCEPTION WHEN lock_not_available OR insufficient_privilege THEN
			CONTINUE;
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_drop_strays(cjm_internal.map) IS 'drops triggers that work for nobody on the source of a map, and those that work for it on other tables';

-- A map was made anew whose rows say the same: if what was kept was right before, and nothing but the view is another, it is right.
CREATE FUNCTION cjm_internal.kept_follow(def cjm_internal.map, before text[]) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format('UPDATE %s.kept_state s SET fingerprint = cjm_internal.kept_fingerprint(p.parts), parts = p.parts
		FROM (SELECT cjm_internal.kept_parts(%L::regclass) AS parts) p
		WHERE s.parts = $1
			AND ARRAY(SELECT l FROM unnest(p.parts) WITH ORDINALITY l(l, n) WHERE l NOT LIKE ''view %%'' ORDER BY n)
				= ARRAY(SELECT l FROM unnest($1) WITH ORDINALITY l(l, n) WHERE l NOT LIKE ''view %%'' ORDER BY n)',
		cjm_internal.map_schema(def), cjm_internal.kept_state(def.map)) USING before;
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_follow(cjm_internal.map, text[]) IS 'lets kept journeys stay that were right when a map was made anew with the same rows';

-- Whoever has written before is over, and whoever writes from now on fires the triggers: that is what the lock is for.
CREATE FUNCTION cjm_internal.kept_arm(def cjm_internal.map) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	pending text;
BEGIN
	EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', def.source);
	PERFORM cjm_internal.kept_check(format('%s.events', cjm_internal.map_schema(def)));
	SELECT i.inhrelid::regclass::text INTO pending FROM pg_inherits i
	WHERE i.inhdetachpending AND i.inhparent IN (SELECT t.relation FROM cjm_internal.kept_tables(def.source) t) LIMIT 1;
	IF FOUND THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('the partition %s is being detached', pending),
			HINT = 'Try again when that is over; if it was interrupted, ALTER TABLE ... DETACH PARTITION ... FINALIZE ends it.';
	END IF;
	PERFORM cjm_internal.kept_make_triggers(def, t.relation) FROM cjm_internal.kept_tables(def.source) t;
	PERFORM cjm_internal.kept_drop_strays(def);
	PERFORM cjm_internal.kept_note_parts(def);
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_arm(cjm_internal.map) IS 'makes all triggers of a map that keeps journeys, and notes what the journeys stand on, which are to be built after that';

-- Done with the views of the map locked (map_lock).
CREATE FUNCTION cjm_internal.kept_install(map regnamespace) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := map::text;
	def cjm_internal.map := cjm_internal.kept_definition(cjm_internal.map_in(map));
BEGIN
	PERFORM cjm_internal.kept_arm(def);
	PERFORM cjm_internal.kept_make_views(def);
	EXECUTE format('CREATE OR REPLACE VIEW %s.journeys AS %s', schema, cjm_internal.map_journeys_sql(def));
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_install(regnamespace) IS 'lets the views of a map read kept journeys, and triggers write for it';

CREATE FUNCTION cjm_internal.kept_make_views(def cjm_internal.map) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(def);
	made record;
BEGIN
	EXECUTE format('CREATE OR REPLACE VIEW %s.kept_rows%s AS %s', schema, CASE WHEN def.filter IS NOT NULL THEN ' WITH (security_barrier = true)' END,
		cjm_internal.kept_rows_sql(def));
	EXECUTE format('CREATE OR REPLACE VIEW %s.kept AS %s', schema, cjm_internal.kept_view_sql(def));
	FOR made IN SELECT c.*, r.relkind FROM cjm_internal.kept_comments() c JOIN pg_class r ON r.relnamespace = def.map AND r.relname = c.relation_name
	LOOP
		IF made.column_name IS NOT NULL THEN
			EXECUTE format('COMMENT ON COLUMN %s.%I.%I IS %L', schema, made.relation_name, made.column_name, made.comment);
		ELSE
			EXECUTE format('COMMENT ON %s %s.%I IS %L', CASE made.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, schema, made.relation_name, made.comment);
		END IF;
	END LOOP;
	-- All are the owner's of the schema, as all views of a map.
	FOR made IN SELECT c.oid::regclass AS relation, n.nspowner::regrole AS holder, c.relkind
		FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid AND c.relowner <> n.nspowner
		WHERE n.oid = def.map AND c.relname = ANY (cjm_internal.kept_names()::name[])
	LOOP
		EXECUTE format('ALTER %s %s OWNER TO %s', CASE made.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, made.relation, made.holder);
	END LOOP;
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_make_views(cjm_internal.map) IS 'the views kept and kept_rows of a map, and all comments';

CREATE FUNCTION cjm.keep_journeys(map text, pieces integer DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.kept_map(map, false);
	schema text := cjm_internal.map_schema(def);
	source pg_class;
	holder regrole := (SELECT n.nspowner FROM pg_namespace n WHERE n.oid = def.map);
BEGIN
	IF NOT coalesce(pieces, 1) BETWEEN 1 AND 1024 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('pieces must be 1 to 1024, not %s', pieces),
			HINT = 'It is into how many parts a build is divided; NULL goes by the size of the source.';
	ELSIF cjm_internal.kept_state(def.map) IS NOT NULL THEN
		RAISE duplicate_object USING
			MESSAGE = format('the map "%s" keeps its journeys already', map),
			HINT = format('SELECT cjm.refresh_journeys(%L) brings them up to date.', map);
	ELSIF current_setting('transaction_isolation') <> 'read committed' THEN
		RAISE active_sql_transaction USING
			MESSAGE = format('journeys cannot be kept from a transaction of the isolation level %s on', current_setting('transaction_isolation')),
			HINT = 'Use READ COMMITTED.';
	ELSIF def.access = 'reader' THEN
		RAISE feature_not_supported USING
			MESSAGE = format('journeys of the map "%s" cannot be kept: each reader sees the rows that they may read', map),
			HINT = 'A map with access => ''owner'' can keep them.';
	END IF;
	PERFORM cjm_internal.kept_check(format('%s.events', schema));
	SELECT c.* INTO source FROM pg_class c WHERE c.oid = def.source;
	IF NOT pg_has_role(holder, source.relowner, 'USAGE') OR NOT pg_has_role(source.relowner, 'USAGE') THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('%s belongs to %s, and the map "%s" to %s', def.source, source.relowner::regrole, map, holder),
			HINT = 'Keeping journeys takes triggers on the source: its owner, or a role that is a member of that one, has to own the map.';
	END IF;
	IF NOT cjm_internal.map_lock_schema(def.map) OR cjm_internal.kept_state(def.map) IS NOT NULL THEN
		RAISE object_in_use USING MESSAGE = format('another session has changed the map "%s" at the same time', map), HINT = 'Try again.';
	END IF;

	EXECUTE format('CREATE TABLE %1$s.kept_journeys AS SELECT j.customer, NULL::cjm.journey AS segments, j.journey FROM %1$s.journeys j WITH NO DATA', schema);
	BEGIN
		EXECUTE format('ALTER TABLE %s.kept_journeys ADD PRIMARY KEY (customer)', schema);
	EXCEPTION WHEN undefined_object THEN
		RAISE feature_not_supported USING
			MESSAGE = format('journeys of the map "%s" cannot be kept: its customers cannot be ordered', map), DETAIL = SQLERRM,
			HINT = 'Make the map with a key that can, the text of it if need be.';
	END;
	-- Journeys stay in their rows as long as they fit a page: whoever reads them reads them all.
	EXECUTE format('ALTER TABLE %s.kept_journeys ALTER journey SET NOT NULL, ALTER journey SET STORAGE MAIN, ALTER segments SET STORAGE MAIN,
		SET (fillfactor = 90, toast_tuple_target = 8160, autovacuum_vacuum_scale_factor = 0.05)', schema);
	EXECUTE format('CREATE TABLE %1$s.kept_changes AS SELECT e.customer, e.at, e.event, e.channel, e.value, e.segment, false AS removed, now() AS written_at FROM %1$s.events e WITH NO DATA', schema);
	-- The planner is not to take what it saw of a short list for what a long one is like.
	EXECUTE format('ALTER TABLE %s.kept_changes ALTER customer SET (n_distinct = -0.5),
		SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_insert_threshold = -1)', schema);
	EXECUTE format('CREATE TABLE %s.kept_marks (at timestamptz, reason text)', schema);
	EXECUTE format('CREATE TABLE %s.kept_pieces (piece integer, began_at timestamptz, built_at timestamptz, journeys bigint)', schema);
	EXECUTE format('CREATE TABLE %s.kept_state (fingerprint text, built_at timestamptz, view oid, changes oid, marks oid,
		refreshed_at timestamptz, took interval, folded bigint NOT NULL DEFAULT 0, parts text[], pieces integer)', schema);
	EXECUTE format('INSERT INTO %s.kept_state (pieces) VALUES ($1)', schema) USING pieces;
	PERFORM cjm_internal.map_lock(def.map, format('SELECT cjm_internal.kept_install(%L::regnamespace)', schema));
	RAISE NOTICE 'the journeys of "%" are kept from the next refresh on; until then its views read the rows', map
		USING HINT = format('SELECT cjm.refresh_journeys(%L) in a transaction of its own, and then from time to time.', map);
END
$$;
COMMENT ON FUNCTION cjm.keep_journeys(text, integer) IS
	'stores the journeys of a map and keeps them up to date: all its views and reports read them, and say what the rows say. Triggers on the source note what comes and goes; refresh_journeys builds the store and brings it up to date';

CREATE FUNCTION cjm.unkeep_journeys(map text) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.kept_map(map, false);
BEGIN
	PERFORM cjm_internal.map_lock_schema(def.map);
	def := cjm_internal.kept_map(map, false);
	IF cjm_internal.kept_state(def.map) IS NULL THEN
		RAISE object_not_in_prerequisite_state USING MESSAGE = format('the map "%s" keeps no journeys', map);
	END IF;
	PERFORM cjm_internal.map_lock(def.map, format('CREATE OR REPLACE VIEW %s.journeys AS %s; %s',
		cjm_internal.map_schema(def), cjm_internal.map_journeys_from_sql(def, 'events'), cjm_internal.kept_drop_sql(def, 'RESTRICT')));
END
$$;
COMMENT ON FUNCTION cjm.unkeep_journeys(text) IS 'takes the kept journeys of a map away, with their triggers: its views read the rows again';

-- Dropping the tables drops the triggers that write into them.
CREATE FUNCTION cjm_internal.kept_drop_sql(def cjm_internal.map, behavior text) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN coalesce((SELECT string_agg(format('DROP %s IF EXISTS %s.%I %s; ', CASE WHEN c.relkind = 'v' THEN 'VIEW' ELSE 'TABLE' END,
		cjm_internal.map_schema(def), c.relname, behavior), '' ORDER BY array_position(cjm_internal.kept_names(), c.relname::text))
	FROM pg_class c WHERE c.relnamespace = (def).map AND c.relname = ANY (cjm_internal.kept_names()::name[])), '');
COMMENT ON FUNCTION cjm_internal.kept_drop_sql(cjm_internal.map, text) IS 'SQL that drops what a map with kept journeys has beside its views; empty if it has nothing';

-- Each piece reads the whole source, so there are few of them, and of a small source one.  A key without a hash cannot be dealt out.
CREATE FUNCTION cjm_internal.kept_pieces_for(def cjm_internal.map) RETURNS integer
	LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	pieces integer;
BEGIN
	EXECUTE format('SELECT coalesce(s.pieces, least(64, greatest(1, ceil(sqrt((
			SELECT sum(pg_table_size(t.relation)) FROM cjm_internal.kept_tables(%L::regclass) t) / 2::numeric ^ 30))))) FROM %s.kept_state s',
		def.source, cjm_internal.map_schema(def)) INTO pieces;
	EXECUTE format('SELECT hash_record_extended(ROW((SELECT k.customer FROM %s.kept_journeys k WHERE false)), 0)', cjm_internal.map_schema(def));
	RETURN pieces;
EXCEPTION WHEN undefined_function THEN
	RETURN 1;
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_pieces_for(cjm_internal.map) IS 'into how many pieces a build of kept journeys is divided';

-- What made the store of no use happened before now, and so before anything that a piece reads.
CREATE FUNCTION cjm_internal.kept_divide(def cjm_internal.map) RETURNS integer
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(def);
	pieces integer := cjm_internal.kept_pieces_for(def);
BEGIN
	EXECUTE format('UPDATE %s.kept_state SET built_at = NULL', schema);
	EXECUTE format('DELETE FROM %s.kept_marks', schema);
	EXECUTE format('DELETE FROM %s.kept_journeys', schema);
	EXECUTE format('DELETE FROM %s.kept_pieces', schema);
	EXECUTE format('INSERT INTO %s.kept_pieces (piece) SELECT generate_series(1, $1)', schema) USING pieces;
	RETURN pieces;
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_divide(cjm_internal.map) IS 'begins a build of the store of a map''s journeys; how many pieces there are to build';

-- What the index of the store does not take, though the source does; any other limit says itself what it is.
CREATE FUNCTION cjm_internal.kept_limit(def cjm_internal.map, message text, detail text, hint text) RETURNS void
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF message NOT LIKE 'journey %' THEN
		RAISE program_limit_exceeded USING
			MESSAGE = format('the journeys of "%s" cannot be kept: a customer has a key that is too long for an index', cjm_internal.map_schema(def)),
			DETAIL = message,
			HINT = 'Make the map with a shorter key: an expression that cuts it, or hashes it. Until then its views read the rows.';
	END IF;
	RAISE program_limit_exceeded USING MESSAGE = message, DETAIL = detail, HINT = hint;
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_limit(cjm_internal.map, text, text, text) IS 'an error that says which limit a refresh of kept journeys has met';

-- The rows of a piece of the customers, without what they hold already: one statement sees both.
CREATE FUNCTION cjm_internal.kept_build(def cjm_internal.map, piece integer) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(def);
	began CONSTANT timestamptz := clock_timestamp();
	pieces integer;
	of_piece text := 'true';
	what text := format('journeys of %s', schema);
	journeys bigint;
	message text;
	detail text;
	hint text;
BEGIN
	EXECUTE format('SELECT count(*) FROM %s.kept_pieces', schema) INTO pieces;
	IF pieces > 1 THEN
		of_piece := format('(hash_record_extended(ROW(e.customer), 0) & 2147483647) %% %s = %s', pieces, piece - 1);
		what := format('%s, piece %s of %s', what, piece, pieces);
	END IF;
	EXECUTE format('WITH gone AS (DELETE FROM %1$s.kept_changes e WHERE %4$s), mended AS (DELETE FROM %1$s.kept_marks WHERE %5$s)
		INSERT INTO %1$s.kept_journeys (customer, segments, journey)
		SELECT e.customer, %2$s, cjm.journey_agg(%3$s) FROM %1$s.events e
		WHERE cjm_internal.kept_progress(%6$L::text) AND e.customer IS NOT NULL AND e.at IS NOT NULL AND e.event <> '''' AND %4$s GROUP BY e.customer', schema,
		CASE WHEN def.segment IS NULL THEN 'NULL::cjm.journey' ELSE 'cjm.journey_agg(e.at, ''s'' || e.segment) FILTER (WHERE e.segment IS NOT NULL)' END,
		cjm_internal.map_touch_sql(def, 'e'), of_piece, (pieces = 1)::text, what);
	GET DIAGNOSTICS journeys = ROW_COUNT;
	EXECUTE format('UPDATE %s.kept_pieces SET began_at = $1, built_at = clock_timestamp(), journeys = $2 WHERE piece = $3', schema) USING began, journeys, piece;
EXCEPTION WHEN program_limit_exceeded THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	PERFORM cjm_internal.kept_limit(def, message, detail, hint);
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_build(cjm_internal.map, integer) IS 'builds a piece of the store of a map''s journeys from its rows';

-- Done by whoever has the state alone: nobody is at a piece.
CREATE FUNCTION cjm_internal.kept_finish(def cjm_internal.map) RETURNS text
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	journeys bigint;
BEGIN
	EXECUTE format('UPDATE %1$s.kept_state s SET built_at = clock_timestamp(), refreshed_at = clock_timestamp(), took = clock_timestamp() - p.began_at
		FROM (SELECT min(p.began_at) AS began_at, sum(p.journeys)::bigint AS journeys FROM %1$s.kept_pieces p HAVING bool_and(p.built_at IS NOT NULL)) p
		RETURNING p.journeys', cjm_internal.map_schema(def)) INTO journeys;
	RETURN format('%s journeys built', journeys);
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_finish(cjm_internal.map) IS 'says that the store of a map''s journeys is built, if all of its pieces are';

-- Those who build pieces share the state, so none of them waits, and nobody else changes anything meanwhile.
CREATE FUNCTION cjm_internal.kept_build_next(def cjm_internal.map) RETURNS text
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(def);
	next integer;
	found integer;
	answer text;
BEGIN
	EXECUTE format('SELECT p.piece FROM %s.kept_pieces p WHERE p.built_at IS NULL ORDER BY p.piece LIMIT 1 FOR UPDATE SKIP LOCKED', schema) INTO next;
	IF next IS NULL THEN
		RETURN 'another refresh is at it';
	END IF;
	PERFORM cjm_internal.kept_build(def, next);
	EXECUTE format('SELECT 1 FROM %1$s.kept_state s WHERE NOT EXISTS (SELECT FROM %1$s.kept_pieces p WHERE p.built_at IS NULL) FOR UPDATE SKIP LOCKED', schema) INTO found;
	IF found IS NOT NULL THEN
		RETURN cjm_internal.kept_finish(def);
	END IF;
	EXECUTE format('SELECT format(''piece %%s of %%s built: %%s journeys'', $1, count(*), sum(p.journeys) FILTER (WHERE p.piece = $1)) FROM %s.kept_pieces p', schema)
		INTO answer USING next;
	RETURN answer;
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_build_next(cjm_internal.map) IS 'builds the next piece of the store of a map''s journeys that nobody is at; says what it did';

-- The first time that there are changes: how many customers a number of them concerns has to be known, and no table is looked at while it is empty.
CREATE FUNCTION cjm_internal.kept_look_at_changes(def cjm_internal.map) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(def);
	waits boolean;
BEGIN
	EXECUTE format('SELECT EXISTS (SELECT FROM %s.kept_changes)', schema) INTO waits;
	IF waits AND NOT EXISTS (SELECT FROM pg_stats s WHERE s.schemaname = (SELECT n.nspname FROM pg_namespace n WHERE n.oid = def.map) AND s.tablename = 'kept_changes') THEN
		EXECUTE format('LOCK TABLE %s.kept_changes IN SHARE UPDATE EXCLUSIVE MODE NOWAIT', schema);
		EXECUTE format('ANALYZE %s.kept_changes', schema);
	END IF;
EXCEPTION WHEN lock_not_available THEN
	NULL;
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_look_at_changes(cjm_internal.map) IS 'lets the planner know what the changes of a map are like';

-- What is deleted from the changes goes into the store, in one statement, so whoever sees the one sees the other.
CREATE FUNCTION cjm_internal.kept_fold(def cjm_internal.map) RETURNS bigint
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(def);
	changes bigint;
BEGIN
	EXECUTE format('WITH gone AS MATERIALIZED (DELETE FROM %1$s.kept_changes RETURNING *),
		c AS (%2$s),
		new AS MATERIALIZED (SELECT c.customer, k.customer IS NOT NULL AS known,
				cjm_internal.journey_changed(k.segments, c.added_segments, c.removed_segments) AS segments,
				cjm_internal.journey_changed(k.journey, c.added, c.removed) AS journey
			FROM c LEFT JOIN %1$s.kept_journeys k ON k.customer %3$s c.customer),
		vanished AS (DELETE FROM %1$s.kept_journeys k USING new n WHERE k.customer %3$s n.customer AND n.journey IS NULL),
		changed AS (UPDATE %1$s.kept_journeys k SET segments = n.segments, journey = n.journey FROM new n
			WHERE k.customer %3$s n.customer AND n.journey IS NOT NULL AND n.known),
		fresh AS (INSERT INTO %1$s.kept_journeys (customer, segments, journey)
			SELECT n.customer, n.segments, n.journey FROM new n WHERE NOT n.known AND n.journey IS NOT NULL)
		SELECT count(*) FROM gone', schema, cjm_internal.kept_grouped_sql(def, 'gone g'),
		cjm_internal.kept_equals(def)) INTO changes;
	RETURN changes;
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_fold(cjm_internal.map) IS 'moves the changes of a map into its store; how many there were';

CREATE FUNCTION cjm_internal.kept_is_more(was text[], is_now text[], partitions oid[]) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN NOT EXISTS (SELECT unnest(was) EXCEPT SELECT unnest(is_now)) AND NOT EXISTS (
	SELECT FROM (SELECT unnest(is_now) EXCEPT SELECT unnest(was)) d(l)
	WHERE split_part(d.l, ' ', 1) <> ALL ('{part,table,trigger}'::text[]) OR split_part(d.l, ' ', 2)::oid <> ALL (partitions));
COMMENT ON FUNCTION cjm_internal.kept_is_more(text[], text[], oid[]) IS 'whether kept journeys stand on all that they stood on, and beside it on these partitions alone';

-- Takes partitions in that have come without a row, so that nothing has to be built for them; true if that is all that is new.
CREATE FUNCTION cjm_internal.kept_adopt(def cjm_internal.map, was text[], is_now text[]) RETURNS boolean
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	state regclass := cjm_internal.kept_state(def.map);
	fresh oid[] := ARRAY(SELECT DISTINCT split_part(d.l, ' ', 2)::oid FROM (SELECT unnest(is_now) EXCEPT SELECT unnest(was)) d(l) WHERE d.l LIKE 'part %');
	found text[];
	part oid;
BEGIN
	IF NOT cjm_internal.kept_is_more(was, is_now, fresh) THEN
		RETURN false;
	END IF;
	FOREACH part IN ARRAY fresh
	LOOP
		EXECUTE format('LOCK TABLE ONLY %s IN SHARE ROW EXCLUSIVE MODE', part::regclass);
		IF NOT cjm_internal.kept_is_untouched(part) THEN
			RETURN false;
		END IF;
		PERFORM cjm_internal.kept_make_triggers(def, part);
	END LOOP;
	PERFORM cjm_internal.kept_check(format('%s.events', cjm_internal.map_schema(def)));
	-- Nothing else may have happened since; and if something happens now, it is not in what is noted.
	found := cjm_internal.kept_parts(state);
	IF NOT cjm_internal.kept_is_more(was, found, fresh) THEN
		RETURN false;
	END IF;
	EXECUTE format('UPDATE %s.kept_state SET fingerprint = cjm_internal.kept_fingerprint($1), parts = $1', cjm_internal.map_schema(def)) USING found;
	RETURN true;
END
$$;
COMMENT ON FUNCTION cjm_internal.kept_adopt(cjm_internal.map, text[], text[]) IS 'takes new partitions that never had a row in among what kept journeys stand on; false if there is more that is new';

CREATE FUNCTION cjm.refresh_journeys(map text) RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.kept_map(map, true);
	schema text := cjm_internal.map_schema(def);
	began CONSTANT timestamptz := clock_timestamp();
	waits CONSTANT text := current_setting('lock_timeout');
	building boolean;
	state record;
	counted bigint;
	answer text;
	message text;
	detail text;
	hint text;
BEGIN
	EXECUTE format('SELECT s.built_at IS NULL AND s.parts IS NOT DISTINCT FROM cjm_internal.kept_parts(%2$L::regclass) AND NOT EXISTS (SELECT FROM %1$s.kept_marks)
			AND EXISTS (SELECT FROM %1$s.kept_pieces p WHERE p.built_at IS NULL) FROM %1$s.kept_state s', schema, cjm_internal.kept_state(def.map)) INTO building;
	EXECUTE format('SELECT s.*, EXISTS (SELECT FROM %1$s.kept_marks) AS marked FROM %1$s.kept_state s FOR %2$s SKIP LOCKED', schema,
		CASE WHEN building THEN 'SHARE' ELSE 'UPDATE' END) INTO state;
	IF state.folded IS NULL THEN
		RETURN 'another refresh is at it';
	ELSIF building THEN
		RETURN cjm_internal.kept_build_next(def);
	END IF;
	IF state.parts IS DISTINCT FROM cjm_internal.kept_parts(cjm_internal.kept_state(def.map)) THEN
		-- A lock that has to wait holds up who writes, so it waits for moments only.
		FOR attempt IN 1 .. 10
		LOOP
			BEGIN
				PERFORM set_config('lock_timeout', '300ms', true);
				IF cjm_internal.kept_adopt(def, state.parts, cjm_internal.kept_parts(cjm_internal.kept_state(def.map))) THEN
					answer := format('new partitions are taken in; the next refresh %s', CASE WHEN state.built_at IS NULL THEN 'goes on building' ELSE 'folds' END);
				ELSE
					PERFORM cjm_internal.kept_arm(def);
					answer := 'triggers are made anew; the next refresh builds the journeys';
				END IF;
				PERFORM set_config('lock_timeout', waits, true);
				EXIT;
			EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
				IF attempt = 10 THEN
					RETURN 'the source is written to without a pause, and could not be locked for a moment; its rows are read until that works';
				END IF;
				PERFORM pg_sleep(0.2 + 0.3 * random());
			END;
		END LOOP;
		-- The locks are let go before anything that takes long.
		RETURN answer;
	END IF;
	IF state.built_at IS NOT NULL AND NOT state.marked THEN
		BEGIN
			PERFORM cjm_internal.kept_look_at_changes(def);
			counted := cjm_internal.kept_fold(def);
			EXECUTE format('UPDATE %s.kept_state SET folded = folded + $1, refreshed_at = clock_timestamp(), took = clock_timestamp() - $2', schema) USING counted, began;
			RETURN format('%s changes folded', counted);
		EXCEPTION WHEN data_corrupted OR data_exception OR unique_violation THEN
			RAISE WARNING 'the kept journeys of "%" are built anew: %', map, SQLERRM;
		WHEN program_limit_exceeded THEN
			GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
			PERFORM cjm_internal.kept_limit(def, message, detail, hint);
		END;
	END IF;
	EXECUTE format('SELECT count(*) FROM %1$s.kept_pieces p WHERE $1 HAVING bool_and(p.built_at IS NOT NULL)', schema)
		INTO counted USING state.built_at IS NULL AND NOT state.marked;
	IF counted IS NULL THEN
		counted := cjm_internal.kept_divide(def);
		IF counted > 1 THEN
			RETURN format('the journeys are built in %s pieces: each refresh builds one, and several may at a time', counted);
		END IF;
		PERFORM cjm_internal.kept_build(def, 1);
	END IF;
	RETURN cjm_internal.kept_finish(def);
END
$$;
COMMENT ON FUNCTION cjm.refresh_journeys(text) IS
	'brings the kept journeys of a map up to date, or builds them; says what it did. Skips if another refresh is at it, and waits for no writer; but after something that triggers do not see it tries for moments to lock the source. For a scheduler, each minute or so, in a transaction of its own';

CREATE FUNCTION cjm.kept(map text) RETURNS TABLE (state text, reason text, customers bigint, touchpoints bigint, changes bigint, oldest_change timestamptz, bytes bigint,
	built_at timestamptz, refreshed_at timestamptz, took interval, folded bigint)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 1
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map);
BEGIN
	IF cjm_internal.kept_state(def.map) IS NULL THEN
		RETURN;
	END IF;
	RETURN QUERY EXECUTE format('SELECT k.state, k.reason, k.customers, k.touchpoints, k.changes, k.oldest_change, k.bytes, k.built_at, k.refreshed_at, k.took, k.folded FROM %s.kept k',
		cjm_internal.map_schema(def));
END
$$;
COMMENT ON FUNCTION cjm.kept(text) IS
	'how the kept journeys of a map stand: folded, changed or rows, and why its views read the rows; no row for a map that keeps none';

CREATE FUNCTION cjm.check_journeys(map text, share float8 DEFAULT 1) RETURNS TABLE (customer text, kept cjm.journey, counted cjm.journey)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 10
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map);
	schema text := cjm_internal.map_schema(def);
BEGIN
	share := coalesce(share, 1);
	IF NOT (share > 0 AND share <= 1) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('share must be more than 0 and at most 1, not %s', share),
			HINT = 'It is the part of the customers that are compared.';
	END IF;
	-- The text of a key may differ where keys are equal, so it is asked of the keys which customers are compared.
	RETURN QUERY EXECUTE format('SELECT coalesce(k.customer, r.customer)::text, k.journey, r.journey
		FROM (SELECT j.customer, j.segment, j.journey FROM %1$s.journeys j WHERE %3$s) k
			FULL JOIN (SELECT j.customer, j.segment, j.journey FROM (%2$s) j WHERE %3$s) r ON r.customer %4$s k.customer
		WHERE NOT coalesce(k.journey OPERATOR(cjm.=) r.journey, false) OR k.segment IS DISTINCT FROM r.segment
		ORDER BY coalesce(k.customer, r.customer)::text COLLATE "C"', schema, cjm_internal.map_journeys_from_sql(def, 'events'),
		CASE WHEN share = 1 THEN 'true'
			ELSE format('(hash_record_extended(ROW(j.customer), 0) & 1048575) < %s::float8 * 1048576', share) END,
		cjm_internal.kept_equals(def));
END
$$;
COMMENT ON FUNCTION cjm.check_journeys(text, float8) IS
	'compares the journeys that the views of a map read with its rows, for a share of the customers: those that differ, none if all is well';
