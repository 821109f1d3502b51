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
