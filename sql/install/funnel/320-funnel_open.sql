--
-- funnel_open: whether a customer may yet go on
--

CREATE FUNCTION cjm.funnel_open(journey cjm.journey, funnel cjm.funnel, now timestamptz) RETURNS boolean
	AS 'MODULE_PATHNAME', 'journey_funnel_open'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 25;
COMMENT ON FUNCTION cjm.funnel_open(cjm.journey, cjm.funnel, timestamptz) IS
	'whether a walk that has begun, of a customer who has not completed the funnel, could still become as deep as the deepest one or deeper at the time given or later; without within nobody is open';

CREATE FUNCTION cjm.funnel_open(journey cjm.journey, funnel cjm.funnel, now timestamptz, entered tstzrange) RETURNS boolean
	AS 'MODULE_PATHNAME', 'journey_funnel_open'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 25;
COMMENT ON FUNCTION cjm.funnel_open(cjm.journey, cjm.funnel, timestamptz, tstzrange) IS
	'as funnel_open(journey, funnel, timestamptz), for walks whose first touchpoint lies in the range';
