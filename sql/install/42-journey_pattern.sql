--
-- The type journey_pattern, and matches, match_count, match_events
--

CREATE TYPE journey_pattern;

CREATE FUNCTION journey_pattern_in(input cstring) RETURNS journey_pattern
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION journey_pattern_in(cstring) IS 'input of type journey_pattern';

CREATE FUNCTION journey_pattern_out(value journey_pattern) RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION journey_pattern_out(journey_pattern) IS 'output of type journey_pattern: its canonical text';

CREATE FUNCTION journey_pattern_recv(input internal) RETURNS journey_pattern
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION journey_pattern_recv(internal) IS 'binary input of type journey_pattern';

CREATE FUNCTION journey_pattern_send(value journey_pattern) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION journey_pattern_send(journey_pattern) IS 'binary output of type journey_pattern';

CREATE TYPE journey_pattern (
	INPUT = journey_pattern_in,
	OUTPUT = journey_pattern_out,
	RECEIVE = journey_pattern_recv,
	SEND = journey_pattern_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = extended
);
COMMENT ON TYPE journey_pattern IS
	'pattern of events in a journey, such as ''view .* cart (?t<=1 hour) purchase''';

CREATE FUNCTION journey_pattern_eq(a journey_pattern, b journey_pattern) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION journey_pattern_eq(journey_pattern, journey_pattern) IS 'implementation of = operator';

CREATE FUNCTION journey_pattern_ne(a journey_pattern, b journey_pattern) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION journey_pattern_ne(journey_pattern, journey_pattern) IS 'implementation of <> operator';

CREATE FUNCTION journey_pattern_hash(value journey_pattern) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION journey_pattern_hash(journey_pattern) IS 'hash';

CREATE FUNCTION journey_pattern_hash_extended(value journey_pattern, seed bigint) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION journey_pattern_hash_extended(journey_pattern, bigint) IS 'hash with a seed';

CREATE OPERATOR = (
	LEFTARG = journey_pattern,
	RIGHTARG = journey_pattern,
	FUNCTION = journey_pattern_eq,
	COMMUTATOR = =,
	NEGATOR = <>,
	RESTRICT = eqsel,
	JOIN = eqjoinsel,
	HASHES
);
COMMENT ON OPERATOR = (journey_pattern, journey_pattern) IS 'equal';

CREATE OPERATOR <> (
	LEFTARG = journey_pattern,
	RIGHTARG = journey_pattern,
	FUNCTION = journey_pattern_ne,
	COMMUTATOR = <>,
	NEGATOR = =,
	RESTRICT = neqsel,
	JOIN = neqjoinsel
);
COMMENT ON OPERATOR <> (journey_pattern, journey_pattern) IS 'not equal';

CREATE OPERATOR CLASS journey_pattern_ops
	DEFAULT FOR TYPE journey_pattern USING hash AS
	OPERATOR 1 =,
	FUNCTION 1 journey_pattern_hash(journey_pattern),
	FUNCTION 2 journey_pattern_hash_extended(journey_pattern, bigint);
COMMENT ON OPERATOR CLASS journey_pattern_ops USING hash IS 'hash of patterns by their canonical text';
COMMENT ON OPERATOR FAMILY journey_pattern_ops USING hash IS 'hash of patterns by their canonical text';

CREATE FUNCTION matches(journey journey, pattern journey_pattern) RETURNS boolean
	AS 'MODULE_PATHNAME', 'journey_matches' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION matches(journey, journey_pattern) IS 'whether the journey has a part that matches the pattern';

CREATE FUNCTION match_count(journey journey, pattern journey_pattern) RETURNS bigint
	AS 'MODULE_PATHNAME', 'journey_match_count' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION match_count(journey, journey_pattern) IS
	'how many parts of the journey match the pattern, no touchpoint in two of them';

CREATE FUNCTION match_events(journey journey, pattern journey_pattern) RETURNS timestamptz[]
	AS 'MODULE_PATHNAME', 'journey_match_events' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 25;
COMMENT ON FUNCTION match_events(journey, journey_pattern) IS
	'the times of the pattern''s events in the first part of the journey that matches it; empty if none does';
