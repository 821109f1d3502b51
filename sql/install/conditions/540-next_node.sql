--
-- sequence_next_node: what came next to a chain of events
--

CREATE FUNCTION cjm_internal.next_node_step(
	internal, direction text, base text, at timestamptz, event text, base_condition boolean, VARIADIC chain "any")
	RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.next_node_step(internal, text, text, timestamptz, text, boolean, VARIADIC "any") IS
	'transition function of sequence_next_node';

CREATE FUNCTION cjm_internal.next_node_step(internal, direction text, base text, at timestamptz, event text, base_condition boolean)
	RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.next_node_step(internal, text, text, timestamptz, text, boolean) IS
	'transition function of sequence_next_node without a chain';

CREATE FUNCTION cjm_internal.next_node_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.next_node_combine(internal, internal) IS 'combine function of sequence_next_node';

CREATE FUNCTION cjm_internal.next_node_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'next_node_agg_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.next_node_serialize(internal) IS 'serialization function of sequence_next_node';

CREATE FUNCTION cjm_internal.next_node_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'next_node_agg_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.next_node_deserialize(bytea, internal) IS 'deserialization function of sequence_next_node';

CREATE FUNCTION cjm_internal.next_node_final(internal) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm_internal.next_node_final(internal) IS 'final function of sequence_next_node';

CREATE AGGREGATE cjm.sequence_next_node(
	direction text, base text, at timestamptz, event text, base_condition boolean, VARIADIC chain "any") (
	SFUNC = cjm_internal.next_node_step,
	STYPE = internal,
	SSPACE = 192,
	FINALFUNC = cjm_internal.next_node_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.next_node_combine,
	SERIALFUNC = cjm_internal.next_node_serialize,
	DESERIALFUNC = cjm_internal.next_node_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.sequence_next_node(text, text, timestamptz, text, boolean, VARIADIC "any") IS
	'the event right after (forward) or right before (backward) a chain of rows that begins at the head, tail, first_match or last_match; NULL if there is none';

CREATE AGGREGATE cjm.sequence_next_node(direction text, base text, at timestamptz, event text, base_condition boolean) (
	SFUNC = cjm_internal.next_node_step,
	STYPE = internal,
	SSPACE = 128,
	FINALFUNC = cjm_internal.next_node_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.next_node_combine,
	SERIALFUNC = cjm_internal.next_node_serialize,
	DESERIALFUNC = cjm_internal.next_node_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.sequence_next_node(text, text, timestamptz, text, boolean) IS
	'the event at the head or tail if that meets the base condition, else NULL';
