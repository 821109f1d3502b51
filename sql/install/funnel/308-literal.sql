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
