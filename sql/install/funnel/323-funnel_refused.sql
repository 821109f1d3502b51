--
-- funnel_refused: when a customer said no
--

CREATE FUNCTION cjm.funnel_refused(journey cjm.journey, funnel cjm.funnel, refusal cjm.funnel, now timestamptz) RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'journey_funnel_refused'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm.funnel_refused(cjm.journey, cjm.funnel, cjm.funnel, timestamptz) IS
'when a customer who has begun the funnel and not completed it said no; NULL of all others.
refusal: the events that say no, a funnel of one stage, such as ''refusal | cancel''
It is the first of them at or after the beginning of the winning walk; NULL, too, if a walk that began after the last one could still go on at the time given or later: then the customer has come back, and is open';

CREATE FUNCTION cjm.funnel_refused(journey cjm.journey, funnel cjm.funnel, refusal cjm.funnel, now timestamptz, entered tstzrange) RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'journey_funnel_refused'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION cjm.funnel_refused(cjm.journey, cjm.funnel, cjm.funnel, timestamptz, tstzrange) IS
	'as funnel_refused(journey, funnel, funnel, timestamptz), for walks whose first touchpoint lies in the range';
