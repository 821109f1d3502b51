--
-- stage_touches, funnel_exposures: what a customer met on the way through a funnel
--

CREATE FUNCTION cjm.stage_touches(
	journey cjm.journey,
	funnel cjm.funnel,
	by text DEFAULT 'event',
	entered tstzrange DEFAULT '(,)')
	RETURNS TABLE (step integer, label text, touches bigint, first_seen timestamptz, last_seen timestamptz, reached_at timestamptz,
		met_after float8, went_on boolean, went_on_after float8, stayed float8)
	AS 'MODULE_PATHNAME', 'journey_stage_touches'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 150 ROWS 10;
COMMENT ON FUNCTION cjm.stage_touches(cjm.journey, cjm.funnel, text, tstzrange) IS
'what a customer met at each stage, and before the first one: a row for each stage, without a label, and one for each event (by: event) or channel (by: channel) there.
A customer stands at the deepest stage that a walk so far has ended with, from the time it was reached until a deeper one is.
step: 0 before the first stage; label: the event or channel, NULL in the row of the stage; touches, first_seen, last_seen: touchpoints there
reached_at: when the stage was reached, or the first touchpoint of all
met_after: seconds from then to the first touchpoint with the label
went_on, went_on_after: whether the next mandatory stage was reached, NULL where there is none, and how many seconds after this one
stayed: seconds from then to any deeper stage, NULL if none was reached
entered: only walks whose first touchpoint lies in the range';

CREATE FUNCTION cjm.funnel_exposures(
	journey cjm.journey,
	funnel cjm.funnel,
	entered tstzrange DEFAULT '(,)')
	RETURNS TABLE (kind text, label text, step integer, met_after float8, stayed float8, converted boolean, began_at timestamptz,
		reached_at timestamptz, seconds float8)
	AS 'MODULE_PATHNAME', 'journey_funnel_exposures'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 150 ROWS 10;
COMMENT ON FUNCTION cjm.funnel_exposures(cjm.journey, cjm.funnel, tstzrange) IS
'of a customer who began the funnel: when they met something first, and whom they can be compared with. A row for the customer, one for each stay at a stage until the funnel was first completed,
and of each event and channel met by then one for the stay in which it was met first and one for each later stay.
kind, label: event or channel, and which; both NULL in the rows of the customer and of stays. Touchpoints that match a stage after the first, or what the funnel excludes, are left out
step, reached_at: the stage, 0 before the first one, and when it was reached, or the first touchpoint of all; NULL in the row of the customer. A stage that was left as soon as it was reached is no stay
met_after: seconds from then to the first touchpoint with the label; NULL in later stays
stayed: seconds from then to a deeper stage; NULL if none was reached
converted: whether the funnel was completed; began_at: when the first stage was first reached; seconds: in the row of the customer, from then to the completion
entered: only walks whose first touchpoint lies in the range';
