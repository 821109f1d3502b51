--
-- window_funnel: how far one customer came in a funnel of conditions, straight from rows
--

CREATE FUNCTION cjm_internal.window_funnel_step(internal, within interval, at timestamptz, VARIADIC steps "any") RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.window_funnel_step(internal, interval, timestamptz, VARIADIC "any") IS
	'transition function of window_funnel';

CREATE FUNCTION cjm_internal.window_funnel_step(internal, within interval, mode text, at timestamptz, VARIADIC steps "any") RETURNS internal
	AS 'MODULE_PATHNAME', 'window_funnel_step_mode' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.window_funnel_step(internal, interval, text, timestamptz, VARIADIC "any") IS
	'transition function of window_funnel with a mode';

CREATE FUNCTION cjm_internal.window_funnel_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.window_funnel_combine(internal, internal) IS 'combine function of window_funnel';

CREATE FUNCTION cjm_internal.window_funnel_final(internal) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm_internal.window_funnel_final(internal) IS 'final function of window_funnel';

CREATE AGGREGATE cjm.window_funnel(within interval, at timestamptz, VARIADIC steps "any") (
	SFUNC = cjm_internal.window_funnel_step,
	STYPE = internal,
	SSPACE = 96,
	FINALFUNC = cjm_internal.window_funnel_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.window_funnel_combine,
	SERIALFUNC = cjm_internal.condition_agg_serialize,
	DESERIALFUNC = cjm_internal.condition_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.window_funnel(interval, timestamptz, VARIADIC "any") IS
	'the highest step that a chain of rows within the window ends with, 0 for none; one row may stand for several steps';

-- The strict modes keep rows that no condition holds for, too.
CREATE AGGREGATE cjm.window_funnel(within interval, mode text, at timestamptz, VARIADIC steps "any") (
	SFUNC = cjm_internal.window_funnel_step,
	STYPE = internal,
	SSPACE = 128,
	FINALFUNC = cjm_internal.window_funnel_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.window_funnel_combine,
	SERIALFUNC = cjm_internal.condition_agg_serialize,
	DESERIALFUNC = cjm_internal.condition_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.window_funnel(interval, text, timestamptz, VARIADIC "any") IS
	'window_funnel with modes: strict_deduplication, strict_order, strict_increase, strict_once, allow_reentry, several separated by commas';
