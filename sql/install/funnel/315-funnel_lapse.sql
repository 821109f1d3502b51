--
-- funnel_lapse: how far a customer had come when first staying away
--

CREATE FUNCTION cjm.funnel_lapse(
	journey cjm.journey,
	funnel cjm.funnel,
	away interval,
	OUT step integer,
	OUT left_at timestamptz,
	OUT back_at timestamptz,
	OUT final_step integer)
	AS 'MODULE_PATHNAME', 'journey_funnel_lapse'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm.funnel_lapse(cjm.journey, cjm.funnel, interval) IS
'the first time that a customer who had begun a funnel had no touchpoint for longer than away, or none any more; NULL if it was never begun.
step: how far the customer had come until then; left_at: the last touchpoint before; back_at: the next one, or NULL
final_step: how far the customer came at all';
