--
-- event_path, channel_path, transitions, paths: what follows what in a journey
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
	repeats boolean DEFAULT true,
	gap interval DEFAULT NULL,
	rule text DEFAULT NULL,
	time_zone text DEFAULT NULL)
	RETURNS TABLE ("position" integer, source text, target text, occurrence bigint, seconds float8)
	AS 'MODULE_PATHNAME', 'journey_transitions'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 ROWS 10;
COMMENT ON FUNCTION cjm.transitions(cjm.journey, text, integer, boolean, interval, text, text) IS
'a row for each event (by: event) or channel (by: channel) on the path of a journey, and what came next.
position: from 1, less than depth; source, target: the event and the one after it, NULL where the journey ends
occurrence: how often this pair has been met in the journey so far, this time included; seconds: from source to target
repeats: false for the same several times running to count as one, from the first of them on
gap: what is longer ends a session, and each session is a path of its own; rule, time_zone: what else ends one, as of sessions; gap and rule NULL for one path of the whole journey';

CREATE FUNCTION cjm.paths(
	journey cjm.journey,
	by text DEFAULT 'event',
	depth integer DEFAULT 16777216,
	repeats boolean DEFAULT true,
	gap interval DEFAULT NULL,
	length integer DEFAULT NULL,
	after text DEFAULT NULL,
	before text DEFAULT NULL,
	rule text DEFAULT NULL,
	time_zone text DEFAULT NULL)
	RETURNS TABLE (nodes text[], occurrence bigint, seconds float8)
	AS 'MODULE_PATHNAME', 'journey_paths'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 ROWS 3;
COMMENT ON FUNCTION cjm.paths(cjm.journey, text, integer, boolean, interval, integer, text, text, text, text) IS
'the paths of a journey by event or channel: one, or one of each session.
depth: how many places at most; repeats: false for the same several times running to be there once; gap: what is longer ends a session, and each is a path of its own; rule, time_zone: what else ends one, as of sessions
after: the path begins where this event (or channel) is first met, and there is none without it; before: it ends there, so that its last places are those before it
length: all sequences of so many places, wherever they stand (in what after and before leave), instead of one path
occurrence: how often this path has been met in the journey so far, this time included; seconds: from its first place to its last';
