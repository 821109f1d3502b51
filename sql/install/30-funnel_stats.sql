-- The type funnel_stats: what customers did in one funnel.

CREATE TYPE funnel_stats;

CREATE FUNCTION funnel_stats_in(input cstring)
RETURNS funnel_stats
AS 'MODULE_PATHNAME', 'funnel_stats_in'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 500;

COMMENT ON FUNCTION funnel_stats_in(cstring) IS 'input of type funnel_stats: JSON, or a funnel definition for empty statistics';

CREATE FUNCTION funnel_stats_out(value funnel_stats)
RETURNS cstring
AS 'MODULE_PATHNAME', 'funnel_stats_out'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200;

COMMENT ON FUNCTION funnel_stats_out(funnel_stats) IS 'output of type funnel_stats: JSON, exact';

CREATE FUNCTION funnel_stats_recv(input internal)
RETURNS funnel_stats
AS 'MODULE_PATHNAME', 'funnel_stats_recv'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;

COMMENT ON FUNCTION funnel_stats_recv(internal) IS 'binary input of type funnel_stats';

CREATE FUNCTION funnel_stats_send(value funnel_stats)
RETURNS bytea
AS 'MODULE_PATHNAME', 'funnel_stats_send'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;

COMMENT ON FUNCTION funnel_stats_send(funnel_stats) IS 'binary output of type funnel_stats';

CREATE TYPE funnel_stats (
	INPUT = funnel_stats_in,
	OUTPUT = funnel_stats_out,
	RECEIVE = funnel_stats_recv,
	SEND = funnel_stats_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = extended
);

COMMENT ON TYPE funnel_stats IS
	'what customers did in one funnel: customers seen, customers per step, times from step to step and from the first; it knows its funnel';

CREATE FUNCTION funnel_stats(funnel funnel)
RETURNS funnel_stats
AS 'MODULE_PATHNAME', 'funnel_stats_empty'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;

COMMENT ON FUNCTION funnel_stats(funnel) IS 'statistics of a funnel that nobody was seen in yet';

CREATE FUNCTION funnel_stats_to_jsonb(value funnel_stats)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'funnel_stats_to_jsonb'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 500;

COMMENT ON FUNCTION funnel_stats_to_jsonb(funnel_stats) IS
	'statistics as {"funnel", "customers", "steps": [{"stage", "customers", "time": {"sum", "buckets": [[shortest duration, customers]]}, "total"}]}, in microseconds, exact';

CREATE FUNCTION funnel_stats_from_jsonb(value jsonb)
RETURNS funnel_stats
AS 'MODULE_PATHNAME', 'funnel_stats_from_jsonb'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 500;

COMMENT ON FUNCTION funnel_stats_from_jsonb(jsonb) IS
	'statistics from the JSON that funnel_stats_to_jsonb gives; the result is the same value';

CREATE CAST (funnel_stats AS jsonb) WITH FUNCTION funnel_stats_to_jsonb(funnel_stats) AS ASSIGNMENT;
COMMENT ON CAST (funnel_stats AS jsonb) IS 'statistics as JSON, exact';

CREATE CAST (jsonb AS funnel_stats) WITH FUNCTION funnel_stats_from_jsonb(jsonb) AS ASSIGNMENT;
COMMENT ON CAST (jsonb AS funnel_stats) IS 'statistics from JSON';

-- Equality is that of the stored bytes, which are canonical: no order.

CREATE FUNCTION funnel_stats_eq(a funnel_stats, b funnel_stats)
RETURNS boolean
AS 'MODULE_PATHNAME', 'funnel_stats_eq'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2;

COMMENT ON FUNCTION funnel_stats_eq(funnel_stats, funnel_stats) IS 'implementation of = operator';

CREATE FUNCTION funnel_stats_ne(a funnel_stats, b funnel_stats)
RETURNS boolean
AS 'MODULE_PATHNAME', 'funnel_stats_ne'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2;

COMMENT ON FUNCTION funnel_stats_ne(funnel_stats, funnel_stats) IS 'implementation of <> operator';

CREATE FUNCTION funnel_stats_hash(value funnel_stats)
RETURNS integer
AS 'MODULE_PATHNAME', 'funnel_stats_hash'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;

COMMENT ON FUNCTION funnel_stats_hash(funnel_stats) IS 'hash';

CREATE FUNCTION funnel_stats_hash_extended(value funnel_stats, seed bigint)
RETURNS bigint
AS 'MODULE_PATHNAME', 'funnel_stats_hash_extended'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;

COMMENT ON FUNCTION funnel_stats_hash_extended(funnel_stats, bigint) IS 'hash with a seed';

CREATE OPERATOR = (
	LEFTARG = funnel_stats,
	RIGHTARG = funnel_stats,
	FUNCTION = funnel_stats_eq,
	COMMUTATOR = =,
	NEGATOR = <>,
	RESTRICT = eqsel,
	JOIN = eqjoinsel,
	HASHES
);

COMMENT ON OPERATOR = (funnel_stats, funnel_stats) IS 'equal';

CREATE OPERATOR <> (
	LEFTARG = funnel_stats,
	RIGHTARG = funnel_stats,
	FUNCTION = funnel_stats_ne,
	COMMUTATOR = <>,
	NEGATOR = =,
	RESTRICT = neqsel,
	JOIN = neqjoinsel
);

COMMENT ON OPERATOR <> (funnel_stats, funnel_stats) IS 'not equal';

CREATE OPERATOR CLASS funnel_stats_ops
	DEFAULT FOR TYPE funnel_stats USING hash AS
	OPERATOR 1 =,
	FUNCTION 1 funnel_stats_hash(funnel_stats),
	FUNCTION 2 funnel_stats_hash_extended(funnel_stats, bigint);

COMMENT ON OPERATOR CLASS funnel_stats_ops USING hash IS 'hash of statistics by their canonical bytes';
COMMENT ON OPERATOR FAMILY funnel_stats_ops USING hash IS 'hash of statistics by their canonical bytes';
