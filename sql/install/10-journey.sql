--
-- journey: all touchpoints of one customer, in time order
--

CREATE TYPE journey;

CREATE FUNCTION journey_in(cstring) RETURNS journey
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION journey_in(cstring) IS 'text input of journey';

CREATE FUNCTION journey_out(journey) RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION journey_out(journey) IS 'text output of journey';

CREATE FUNCTION journey_recv(internal) RETURNS journey
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION journey_recv(internal) IS 'binary input of journey';

CREATE FUNCTION journey_send(journey) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION journey_send(journey) IS 'binary output of journey';

CREATE FUNCTION journey_typanalyze(internal) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION journey_typanalyze(internal) IS
	'what ANALYZE learns of journeys: NULLs and width, not how many differ, since what is grouped by is what functions make of them';

-- Storage is external: the columns of a journey do not compress, trying to makes
-- storing a long one eight times as slow, and its beginning can be read alone.
CREATE TYPE journey (
	INPUT = journey_in,
	OUTPUT = journey_out,
	RECEIVE = journey_recv,
	SEND = journey_send,
	ANALYZE = journey_typanalyze,
	INTERNALLENGTH = VARIABLE,
	STORAGE = external
);
COMMENT ON TYPE journey IS
	'all touchpoints of one customer in time order; equal contents are equal bytes';

-- Comparison: touchpoint by touchpoint in time order, labels as bytes, NULLs first

CREATE FUNCTION journey_eq(a journey, b journey) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2;
COMMENT ON FUNCTION journey_eq(journey, journey) IS 'same touchpoints';
CREATE FUNCTION journey_ne(a journey, b journey) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2;
COMMENT ON FUNCTION journey_ne(journey, journey) IS 'not the same touchpoints';
CREATE FUNCTION journey_lt(a journey, b journey) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION journey_lt(journey, journey) IS 'first difference comes earlier, touchpoint by touchpoint';
CREATE FUNCTION journey_le(a journey, b journey) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION journey_le(journey, journey) IS 'equal, or first difference comes earlier';
CREATE FUNCTION journey_gt(a journey, b journey) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION journey_gt(journey, journey) IS 'first difference comes later, touchpoint by touchpoint';
CREATE FUNCTION journey_ge(a journey, b journey) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION journey_ge(journey, journey) IS 'equal, or first difference comes later';
CREATE FUNCTION journey_cmp(a journey, b journey) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION journey_cmp(journey, journey) IS 'less than, equal to or greater than zero';
CREATE FUNCTION journey_hash(journey) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION journey_hash(journey) IS 'hash of the touchpoints';
CREATE FUNCTION journey_hash_extended(journey, bigint) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION journey_hash_extended(journey, bigint) IS 'seeded 64-bit hash of the touchpoints';

CREATE OPERATOR = (
	LEFTARG = journey, RIGHTARG = journey, FUNCTION = journey_eq,
	COMMUTATOR = =, NEGATOR = <>, RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
COMMENT ON OPERATOR = (journey, journey) IS 'same touchpoints';
CREATE OPERATOR <> (
	LEFTARG = journey, RIGHTARG = journey, FUNCTION = journey_ne,
	COMMUTATOR = <>, NEGATOR = =, RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR <> (journey, journey) IS 'not the same touchpoints';
CREATE OPERATOR < (
	LEFTARG = journey, RIGHTARG = journey, FUNCTION = journey_lt,
	COMMUTATOR = >, NEGATOR = >=, RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR < (journey, journey) IS 'first difference comes earlier, touchpoint by touchpoint';
CREATE OPERATOR <= (
	LEFTARG = journey, RIGHTARG = journey, FUNCTION = journey_le,
	COMMUTATOR = >=, NEGATOR = >, RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR <= (journey, journey) IS 'equal, or first difference comes earlier';
CREATE OPERATOR > (
	LEFTARG = journey, RIGHTARG = journey, FUNCTION = journey_gt,
	COMMUTATOR = <, NEGATOR = <=, RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR > (journey, journey) IS 'first difference comes later, touchpoint by touchpoint';
CREATE OPERATOR >= (
	LEFTARG = journey, RIGHTARG = journey, FUNCTION = journey_ge,
	COMMUTATOR = <=, NEGATOR = <, RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR >= (journey, journey) IS 'equal, or first difference comes later';

CREATE OPERATOR CLASS journey_ops DEFAULT FOR TYPE journey USING btree AS
	OPERATOR 1 <,
	OPERATOR 2 <=,
	OPERATOR 3 =,
	OPERATOR 4 >=,
	OPERATOR 5 >,
	FUNCTION 1 journey_cmp(journey, journey);
COMMENT ON OPERATOR CLASS journey_ops USING btree IS 'order of journeys by their touchpoints';
COMMENT ON OPERATOR FAMILY journey_ops USING btree IS 'order of journeys by their touchpoints';

CREATE OPERATOR CLASS journey_ops DEFAULT FOR TYPE journey USING hash AS
	OPERATOR 1 =,
	FUNCTION 1 journey_hash(journey),
	FUNCTION 2 journey_hash_extended(journey, bigint);
COMMENT ON OPERATOR CLASS journey_ops USING hash IS 'hash of journeys by their touchpoints';
COMMENT ON OPERATOR FAMILY journey_ops USING hash IS 'hash of journeys by their touchpoints';

-- Merging

CREATE FUNCTION journey_merge(a journey, b journey) RETURNS journey
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION journey_merge(journey, journey) IS
	'all touchpoints of both journeys, equal ones kept; the function behind ||';

CREATE OPERATOR || (
	LEFTARG = journey, RIGHTARG = journey, FUNCTION = journey_merge, COMMUTATOR = ||
);
COMMENT ON OPERATOR || (journey, journey) IS 'all touchpoints of both journeys, equal ones kept';

CREATE FUNCTION distinct_touchpoints(journey journey) RETURNS journey
	AS 'MODULE_PATHNAME', 'journey_distinct_touchpoints'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION distinct_touchpoints(journey) IS
	'the journey with each of equal touchpoints once, for pipelines that deliver at least once';

CREATE AGGREGATE rollup(journey) (
	SFUNC = journey_merge,
	STYPE = journey,
	COMBINEFUNC = journey_merge,
	SSPACE = 512,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(journey) IS
	'one journey of all touchpoints of many: days, partitions, identities of one customer; NULL for no journey';

-- JSON

CREATE FUNCTION journey_to_jsonb(journey journey) RETURNS jsonb
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION journey_to_jsonb(journey) IS
	'array of {"at", "event", "channel", "value"}, one element a touchpoint; the function behind the cast';

CREATE FUNCTION journey_from_jsonb(touchpoints jsonb) RETURNS journey
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION journey_from_jsonb(jsonb) IS
	'journey from an array of {"at", "event", "channel", "value"}; the function behind the cast';

CREATE CAST (journey AS jsonb) WITH FUNCTION journey_to_jsonb(journey) AS ASSIGNMENT;
COMMENT ON CAST (journey AS jsonb) IS 'array of {"at", "event", "channel", "value"}';
CREATE CAST (jsonb AS journey) WITH FUNCTION journey_from_jsonb(jsonb) AS ASSIGNMENT;
COMMENT ON CAST (jsonb AS journey) IS 'journey from an array of {"at", "event", "channel", "value"}';
