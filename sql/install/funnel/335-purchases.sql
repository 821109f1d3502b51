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
number: from 1, NULL for a refund: a touchpoint of that stage whose value is negative; since: time from the purchase before, NULL for the first and for a refund';

CREATE FUNCTION cjm.purchases(
	journey cjm.journey,
	funnel cjm.funnel,
	from_time timestamptz,
	to_time timestamptz,
	refunds cjm.funnel)
	RETURNS TABLE (number bigint, at timestamptz, value float8, since interval)
	AS 'MODULE_PATHNAME', 'journey_purchases'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 3;
COMMENT ON FUNCTION cjm.purchases(cjm.journey, cjm.funnel, timestamptz, timestamptz, cjm.funnel) IS
	'the same, and a refund is, too, a touchpoint with a negative value that matches another funnel: what may be refunded by events that are no purchase';

CREATE FUNCTION cjm.purchase_stats(
	journey cjm.journey,
	funnel cjm.funnel,
	OUT purchase_count bigint,
	OUT last_at timestamptz,
	OUT total_value float8,
	OUT gross_value float8)
	AS 'MODULE_PATHNAME', 'journey_purchase_stats'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm.purchase_stats(cjm.journey, cjm.funnel) IS
	'the purchases of a journey in one row: how many, when the last, what they were worth less what was refunded, and without taking that off; NULL where none has a value';

CREATE FUNCTION cjm.purchase_stats(
	journey cjm.journey,
	funnel cjm.funnel,
	refunds cjm.funnel,
	OUT purchase_count bigint,
	OUT last_at timestamptz,
	OUT total_value float8,
	OUT gross_value float8)
	AS 'MODULE_PATHNAME', 'journey_purchase_stats'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm.purchase_stats(cjm.journey, cjm.funnel, cjm.funnel) IS
	'the same, where a touchpoint with a negative value that matches another funnel is a refund, too';
