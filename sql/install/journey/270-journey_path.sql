--
-- event_path, channel_path, transitions: what follows what in a journey
--

CREATE FUNCTION cjm.event_path(journey cjm.journey, depth integer DEFAULT 16777216, repeats boolean DEFAULT true) RETURNS text[]
	AS 'MODULE_PATHNAME', 'journey_event_path'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm.event_path(cjm.journey, integer, boolean) IS
	'the events of a journey in order, the first depth of them; without repeats the same event several times running is there once';

CREATE FUNCTION cjm.channel_path(journey cjm.journey, depth integer DEFAULT 16777216, repeats boolean DEFAULT true) RETURNS text[]
	AS 'MODULE_PATHNAME', 'journey_channel_path'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm.channel_path(cjm.journey, integer, boolean) IS
	'the channels of a journey in order, the first depth of them, of the touchpoints that have one; without repeats the same channel several times running is there once';

CREATE FUNCTION cjm.transitions(
	journey cjm.journey,
	by text DEFAULT 'event',
	depth integer DEFAULT 16777216,
	repeats boolean DEFAULT true)
	RETURNS TABLE ("position" integer, source text, target text, occurrence bigint)
	AS 'MODULE_PATHNAME', 'journey_transitions'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 10;
COMMENT ON FUNCTION cjm.transitions(cjm.journey, text, integer, boolean) IS
'a row for each event (by: event) or channel (by: channel) on the path of a journey, and what came next.
position: from 1, less than depth; source, target: the event and the one after it, NULL where the journey ends
occurrence: how often this pair has been met in the journey so far, this time included
repeats: false for the same several times running to count as one';
