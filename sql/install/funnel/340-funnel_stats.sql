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
