--
-- sequence_match, sequence_count, sequence_match_events: patterns over the rows of a customer
--

CREATE FUNCTION cjm_internal.sequence_agg_step(internal, pattern text, at timestamptz, VARIADIC conditions "any") RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.sequence_agg_step(internal, text, timestamptz, VARIADIC "any") IS
	'transition function of the sequence aggregates';

CREATE FUNCTION cjm_internal.sequence_agg_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.sequence_agg_combine(internal, internal) IS 'combine function of the sequence aggregates';

CREATE FUNCTION cjm_internal.sequence_match_final(internal) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm_internal.sequence_match_final(internal) IS 'final function of sequence_match';

CREATE FUNCTION cjm_internal.sequence_count_final(internal) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm_internal.sequence_count_final(internal) IS 'final function of sequence_count';

CREATE FUNCTION cjm_internal.sequence_match_events_final(internal) RETURNS timestamptz[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 30;
COMMENT ON FUNCTION cjm_internal.sequence_match_events_final(internal) IS 'final function of sequence_match_events';

-- SSPACE here and in the other aggregates over conditions: what the states of a web shop's customers take on
-- average, with 12 events each, beside what PostgreSQL counts itself.
CREATE AGGREGATE cjm.sequence_match(pattern text, at timestamptz, VARIADIC conditions "any") (
	SFUNC = cjm_internal.sequence_agg_step,
	STYPE = internal,
	SSPACE = 96,
	FINALFUNC = cjm_internal.sequence_match_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.sequence_agg_combine,
	SERIALFUNC = cjm_internal.condition_agg_serialize,
	DESERIALFUNC = cjm_internal.condition_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.sequence_match(text, timestamptz, VARIADIC "any") IS
	'whether the rows that a condition holds for, in time order, match the pattern, such as ''(?1)(?t<=1 hour)(?2)''';

CREATE AGGREGATE cjm.sequence_count(pattern text, at timestamptz, VARIADIC conditions "any") (
	SFUNC = cjm_internal.sequence_agg_step,
	STYPE = internal,
	SSPACE = 96,
	FINALFUNC = cjm_internal.sequence_count_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.sequence_agg_combine,
	SERIALFUNC = cjm_internal.condition_agg_serialize,
	DESERIALFUNC = cjm_internal.condition_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.sequence_count(text, timestamptz, VARIADIC "any") IS
	'how often the rows that a condition holds for match the pattern, no row in two matches';

CREATE AGGREGATE cjm.sequence_match_events(pattern text, at timestamptz, VARIADIC conditions "any") (
	SFUNC = cjm_internal.sequence_agg_step,
	STYPE = internal,
	SSPACE = 96,
	FINALFUNC = cjm_internal.sequence_match_events_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.sequence_agg_combine,
	SERIALFUNC = cjm_internal.condition_agg_serialize,
	DESERIALFUNC = cjm_internal.condition_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.sequence_match_events(text, timestamptz, VARIADIC "any") IS
	'the times of the conditions of the first match; without a match, of its longest beginning';
