--
-- stage_since: since when a customer stands where an audience looks for them
--

CREATE FUNCTION cjm_internal.stage_since(journey cjm.journey, funnel cjm.funnel, step integer, from_time timestamptz, quiet_since timestamptz) RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'journey_stage_since'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 15;
COMMENT ON FUNCTION cjm_internal.stage_since(cjm.journey, cjm.funnel, integer, timestamptz, timestamptz) IS
'the latest time at which a walk ended with the step; NULL if it is before from_time, if there is none, and if anything was done after quiet_since';

CREATE FUNCTION cjm_internal.stage_since(journey cjm.journey, funnel cjm.funnel, step integer, from_time timestamptz, quiet_since timestamptz, not_after cjm.funnel) RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'journey_stage_since'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 15;
COMMENT ON FUNCTION cjm_internal.stage_since(cjm.journey, cjm.funnel, integer, timestamptz, timestamptz, cjm.funnel) IS
'the same; NULL, too, if something was done since that a funnel of one stage lists: at the same time, too, but for touchpoints of the step itself';
