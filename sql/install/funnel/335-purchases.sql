--
-- purchases, purchase_stats: what a customer bought
--

CREATE FUNCTION cjm.purchases(
	journey cjm.journey,
	funnel cjm.funnel,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity')
	RETURNS TABLE (number bigint, at timestamptz, value float8, since interval)
	AS 'MODULE_PATHNAME', 'journey_purchases'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 3;
COMMENT ON FUNCTION cjm.purchases(cjm.journey, cjm.funnel, timestamptz, timestamptz) IS
'a row for each purchase from from_time, included, to to_time, excluded, in time order; a purchase is a touchpoint of the last stage of the funnel that is not optional, whatever came before it.
number: from 1; since: time from the purchase before, NULL for the first';

CREATE FUNCTION cjm.purchase_stats(
	journey cjm.journey,
	funnel cjm.funnel,
	OUT purchase_count bigint,
	OUT last_at timestamptz,
	OUT total_value float8)
	AS 'MODULE_PATHNAME', 'journey_purchase_stats'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm.purchase_stats(cjm.journey, cjm.funnel) IS
	'the purchases of a journey in one row: how many, when the last, what they were worth, NULL where none has a value';
