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

-- The state is a journey, by a type whose text is short: whoever splits an aggregate between servers sends that.

CREATE FUNCTION cjm_internal.journey_state_add(state cjm_internal.aggregate_state, journey cjm.journey) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.journey_state_add(cjm_internal.aggregate_state, cjm.journey) IS
	'state with the touchpoints of one more journey; transition function of rollup';

CREATE FUNCTION cjm_internal.journey_state_combine(a cjm_internal.aggregate_state, b cjm_internal.aggregate_state) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.journey_state_combine(cjm_internal.aggregate_state, cjm_internal.aggregate_state) IS
	'the touchpoints of two states; combine function of rollup';

CREATE FUNCTION cjm_internal.journey_state_final(state cjm_internal.aggregate_state) RETURNS cjm.journey
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm_internal.journey_state_final(cjm_internal.aggregate_state) IS 'the journey that a state is; final function of rollup';

CREATE AGGREGATE cjm.rollup(cjm.journey) (
	SFUNC = cjm_internal.journey_state_add,
	STYPE = cjm_internal.aggregate_state,
	COMBINEFUNC = cjm_internal.journey_state_combine,
	FINALFUNC = cjm_internal.journey_state_final,
	SSPACE = 512,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.rollup(cjm.journey) IS
	'one journey of all touchpoints of many: days, partitions, identities of one customer; NULL for no journey';

-- JSON

CREATE FUNCTION cjm.journey_to_jsonb(journey cjm.journey) RETURNS jsonb
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm.journey_to_jsonb(cjm.journey) IS
	'array of {"at", "event", "channel", "value", "session"}, one element a touchpoint; the function behind the cast';

CREATE FUNCTION cjm.journey_from_jsonb(touchpoints jsonb) RETURNS cjm.journey
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm.journey_from_jsonb(jsonb) IS
	'journey from an array of {"at", "event", "channel", "value", "session"}; the function behind the cast';

CREATE CAST (cjm.journey AS jsonb) WITH FUNCTION cjm.journey_to_jsonb(cjm.journey) AS ASSIGNMENT;
COMMENT ON CAST (cjm.journey AS jsonb) IS 'array of {"at", "event", "channel", "value", "session"}';
CREATE CAST (jsonb AS cjm.journey) WITH FUNCTION cjm.journey_from_jsonb(jsonb) AS ASSIGNMENT;
COMMENT ON CAST (jsonb AS cjm.journey) IS 'journey from an array of {"at", "event", "channel", "value", "session"}';
