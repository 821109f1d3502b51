--
-- funnel_stages, funnel_within: what a funnel consists of
--

CREATE FUNCTION cjm.funnel_stages(funnel cjm.funnel)
	RETURNS TABLE (step integer, stage text, optional boolean, event text, channel text, gap interval)
	AS 'MODULE_PATHNAME', 'funnel_stages'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 5;
COMMENT ON FUNCTION cjm.funnel_stages(cjm.funnel) IS
	'a row for each event of each stage, and for each excluded event, without a step; no event or no channel: any';

CREATE FUNCTION cjm.funnel_within(funnel cjm.funnel) RETURNS interval
	AS 'MODULE_PATHNAME', 'funnel_within'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2;
COMMENT ON FUNCTION cjm.funnel_within(cjm.funnel) IS 'the time limit of a funnel from its first step to its last, in days of 24 hours; NULL where it has none';

CREATE FUNCTION cjm_internal.funnel_asks_channel(funnel cjm.funnel) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.funnel_asks_channel(cjm.funnel) IS 'whether a funnel asks for channels, by name or by a variable';
