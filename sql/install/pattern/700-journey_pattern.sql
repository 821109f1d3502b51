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
