-- The type funnel: a definition of stages and rules.

CREATE TYPE funnel;

CREATE FUNCTION funnel_in(input cstring)
RETURNS funnel
AS 'MODULE_PATHNAME', 'funnel_in'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;

COMMENT ON FUNCTION funnel_in(cstring) IS 'input of type funnel';

CREATE FUNCTION funnel_out(value funnel)
RETURNS cstring
AS 'MODULE_PATHNAME', 'funnel_out'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 6;

COMMENT ON FUNCTION funnel_out(funnel) IS 'output of type funnel: its canonical text';

CREATE FUNCTION funnel_recv(input internal)
RETURNS funnel
AS 'MODULE_PATHNAME', 'funnel_recv'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;

COMMENT ON FUNCTION funnel_recv(internal) IS 'binary input of type funnel';

CREATE FUNCTION funnel_send(value funnel)
RETURNS bytea
AS 'MODULE_PATHNAME', 'funnel_send'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 6;

COMMENT ON FUNCTION funnel_send(funnel) IS 'binary output of type funnel';

CREATE TYPE funnel (
	INPUT = funnel_in,
	OUTPUT = funnel_out,
	RECEIVE = funnel_recv,
	SEND = funnel_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = extended
);

COMMENT ON TYPE funnel IS
	'funnel definition: stages in order, with rules, such as ''view -> cart -> purchase within 7 days''';

CREATE FUNCTION funnel_from_stages(stages anyenum)
RETURNS funnel
AS 'MODULE_PATHNAME', 'funnel_from_stages'
LANGUAGE C STABLE PARALLEL SAFE COST 30;

COMMENT ON FUNCTION funnel_from_stages(anyenum) IS
	'funnel of the labels of an enum type in order; only the type of the argument matters: NULL::cjm.aida';

-- Comparison is of the canonical bytes: equal definitions are equal, the order is for sorting only.

CREATE FUNCTION funnel_eq(a funnel, b funnel)
RETURNS boolean
AS 'MODULE_PATHNAME', 'funnel_eq'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;

COMMENT ON FUNCTION funnel_eq(funnel, funnel) IS 'implementation of = operator';

CREATE FUNCTION funnel_ne(a funnel, b funnel)
RETURNS boolean
AS 'MODULE_PATHNAME', 'funnel_ne'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;

COMMENT ON FUNCTION funnel_ne(funnel, funnel) IS 'implementation of <> operator';

CREATE FUNCTION funnel_lt(a funnel, b funnel)
RETURNS boolean
AS 'MODULE_PATHNAME', 'funnel_lt'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;

COMMENT ON FUNCTION funnel_lt(funnel, funnel) IS 'implementation of < operator';

CREATE FUNCTION funnel_le(a funnel, b funnel)
RETURNS boolean
AS 'MODULE_PATHNAME', 'funnel_le'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;

COMMENT ON FUNCTION funnel_le(funnel, funnel) IS 'implementation of <= operator';

CREATE FUNCTION funnel_gt(a funnel, b funnel)
RETURNS boolean
AS 'MODULE_PATHNAME', 'funnel_gt'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;

COMMENT ON FUNCTION funnel_gt(funnel, funnel) IS 'implementation of > operator';

CREATE FUNCTION funnel_ge(a funnel, b funnel)
RETURNS boolean
AS 'MODULE_PATHNAME', 'funnel_ge'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;

COMMENT ON FUNCTION funnel_ge(funnel, funnel) IS 'implementation of >= operator';

CREATE FUNCTION funnel_cmp(a funnel, b funnel)
RETURNS integer
AS 'MODULE_PATHNAME', 'funnel_cmp'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;

COMMENT ON FUNCTION funnel_cmp(funnel, funnel) IS 'less-equal-greater: -1, 0 or 1';

CREATE FUNCTION funnel_hash(value funnel)
RETURNS integer
AS 'MODULE_PATHNAME', 'funnel_hash'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;

COMMENT ON FUNCTION funnel_hash(funnel) IS 'hash';

CREATE FUNCTION funnel_hash_extended(value funnel, seed bigint)
RETURNS bigint
AS 'MODULE_PATHNAME', 'funnel_hash_extended'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;

COMMENT ON FUNCTION funnel_hash_extended(funnel, bigint) IS 'hash with a seed';

CREATE OPERATOR = (
	LEFTARG = funnel,
	RIGHTARG = funnel,
	FUNCTION = funnel_eq,
	COMMUTATOR = =,
	NEGATOR = <>,
	RESTRICT = eqsel,
	JOIN = eqjoinsel,
	HASHES,
	MERGES
);

COMMENT ON OPERATOR = (funnel, funnel) IS 'equal';

CREATE OPERATOR <> (
	LEFTARG = funnel,
	RIGHTARG = funnel,
	FUNCTION = funnel_ne,
	COMMUTATOR = <>,
	NEGATOR = =,
	RESTRICT = neqsel,
	JOIN = neqjoinsel
);

COMMENT ON OPERATOR <> (funnel, funnel) IS 'not equal';

CREATE OPERATOR < (
	LEFTARG = funnel,
	RIGHTARG = funnel,
	FUNCTION = funnel_lt,
	COMMUTATOR = >,
	NEGATOR = >=,
	RESTRICT = scalarltsel,
	JOIN = scalarltjoinsel
);

COMMENT ON OPERATOR < (funnel, funnel) IS 'less than';

CREATE OPERATOR <= (
	LEFTARG = funnel,
	RIGHTARG = funnel,
	FUNCTION = funnel_le,
	COMMUTATOR = >=,
	NEGATOR = >,
	RESTRICT = scalarlesel,
	JOIN = scalarlejoinsel
);

COMMENT ON OPERATOR <= (funnel, funnel) IS 'less than or equal';

CREATE OPERATOR > (
	LEFTARG = funnel,
	RIGHTARG = funnel,
	FUNCTION = funnel_gt,
	COMMUTATOR = <,
	NEGATOR = <=,
	RESTRICT = scalargtsel,
	JOIN = scalargtjoinsel
);

COMMENT ON OPERATOR > (funnel, funnel) IS 'greater than';

CREATE OPERATOR >= (
	LEFTARG = funnel,
	RIGHTARG = funnel,
	FUNCTION = funnel_ge,
	COMMUTATOR = <=,
	NEGATOR = <,
	RESTRICT = scalargesel,
	JOIN = scalargejoinsel
);

COMMENT ON OPERATOR >= (funnel, funnel) IS 'greater than or equal';

CREATE OPERATOR CLASS funnel_ops
	DEFAULT FOR TYPE funnel USING btree AS
	OPERATOR 1 <,
	OPERATOR 2 <=,
	OPERATOR 3 =,
	OPERATOR 4 >=,
	OPERATOR 5 >,
	FUNCTION 1 funnel_cmp(funnel, funnel),
	FUNCTION 4 btequalimage(oid);

COMMENT ON OPERATOR CLASS funnel_ops USING btree IS 'order of funnels by their canonical bytes';
COMMENT ON OPERATOR FAMILY funnel_ops USING btree IS 'order of funnels by their canonical bytes';

CREATE OPERATOR CLASS funnel_ops
	DEFAULT FOR TYPE funnel USING hash AS
	OPERATOR 1 =,
	FUNCTION 1 funnel_hash(funnel),
	FUNCTION 2 funnel_hash_extended(funnel, bigint);

COMMENT ON OPERATOR CLASS funnel_ops USING hash IS 'hash of funnels by their canonical bytes';
COMMENT ON OPERATOR FAMILY funnel_ops USING hash IS 'hash of funnels by their canonical bytes';
