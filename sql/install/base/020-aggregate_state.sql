--
-- aggregate_state: the states of aggregates, as a type of their own, so that they may travel between servers
--

CREATE TYPE cjm_internal.aggregate_state;

CREATE FUNCTION cjm_internal.aggregate_state_in(input cstring) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.aggregate_state_in(cstring) IS 'input of type aggregate_state';

CREATE FUNCTION cjm_internal.aggregate_state_out(value cjm_internal.aggregate_state) RETURNS cstring
	AS 'MODULE_PATHNAME'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.aggregate_state_out(cjm_internal.aggregate_state) IS 'output of type aggregate_state: its bytes, coded to be short';

CREATE FUNCTION cjm_internal.aggregate_state_recv(input internal) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm_internal.aggregate_state_recv(internal) IS 'binary input of type aggregate_state';

CREATE FUNCTION cjm_internal.aggregate_state_send(value cjm_internal.aggregate_state) RETURNS bytea
	AS 'MODULE_PATHNAME'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cjm_internal.aggregate_state_send(cjm_internal.aggregate_state) IS 'binary output of type aggregate_state';

CREATE TYPE cjm_internal.aggregate_state (
	INPUT = cjm_internal.aggregate_state_in,
	OUTPUT = cjm_internal.aggregate_state_out,
	RECEIVE = cjm_internal.aggregate_state_recv,
	SEND = cjm_internal.aggregate_state_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = extended
);
COMMENT ON TYPE cjm_internal.aggregate_state IS 'the state of an aggregate on its way to where it is combined with others; each aggregate reads its own alone';
