--
-- session: touchpoints of one customer with no gap longer than the timeout
--

CREATE TYPE cjm.session AS (
	session_number bigint,
	started_at timestamptz,
	ended_at timestamptz,
	touch_count bigint,
	entry_event text,
	exit_event text,
	channel text,
	value float8,
	bounced boolean,
	gross_value float8,
	session text
);
COMMENT ON TYPE cjm.session IS 'touchpoints of one customer with no gap longer than the timeout, and where that is asked for of one channel or of one day';
COMMENT ON COLUMN cjm.session.session_number IS 'number of the session in its journey, from 1';
COMMENT ON COLUMN cjm.session.started_at IS 'time of its first touchpoint';
COMMENT ON COLUMN cjm.session.ended_at IS 'time of its last touchpoint';
COMMENT ON COLUMN cjm.session.touch_count IS 'number of its touchpoints';
COMMENT ON COLUMN cjm.session.entry_event IS 'event of its first touchpoint';
COMMENT ON COLUMN cjm.session.exit_event IS 'event of its last touchpoint';
COMMENT ON COLUMN cjm.session.channel IS 'channel of the first touchpoint that has one, or NULL';
COMMENT ON COLUMN cjm.session.value IS 'sum of the values, NULL where no touchpoint has one';
COMMENT ON COLUMN cjm.session.bounced IS 'whether it has exactly one touchpoint';
COMMENT ON COLUMN cjm.session.session IS 'the session as its touchpoints have it, NULL where a gap or a rule made it one';
COMMENT ON COLUMN cjm.session.gross_value IS 'sum of the values that are not negative, NULL where no touchpoint has one';

CREATE FUNCTION cjm.sessions(journey cjm.journey, gap interval DEFAULT '30 minutes', rule text DEFAULT NULL, time_zone text DEFAULT NULL) RETURNS SETOF cjm.session
	AS 'MODULE_PATHNAME', 'journey_sessions'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 ROWS 5;
COMMENT ON FUNCTION cjm.sessions(cjm.journey, interval, text, text) IS
'the sessions of a journey: a gap longer than the given one begins the next session, exactly the given one does not.
rule: NULL for gaps alone; channel: a touchpoint through another channel than the last known one of the session begins the next session, too; day: the first one of a day does; channel | day: both
Touchpoints with a session of their own (journey_agg) are in that one, whatever lies between them, and gap and rule are about the others; sessions are numbered as they begin
time_zone: where days begin';

CREATE FUNCTION cjm.session_journeys(journey cjm.journey, gap interval DEFAULT '30 minutes', rule text DEFAULT NULL, time_zone text DEFAULT NULL) RETURNS SETOF cjm.journey
	AS 'MODULE_PATHNAME', 'journey_session_journeys'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 ROWS 5;
COMMENT ON FUNCTION cjm.session_journeys(cjm.journey, interval, text, text) IS
	'the sessions of a journey as journeys, in time order: all touchpoints of each, while slice(journey, started_at, ended_at) leaves out the last; arguments as of sessions';

CREATE FUNCTION cjm.session_stats(
	journey cjm.journey,
	gap interval DEFAULT '30 minutes',
	rule text DEFAULT NULL,
	time_zone text DEFAULT NULL,
	OUT session_count bigint,
	OUT bounce_count bigint,
	OUT bounce_rate float8,
	OUT touch_count bigint,
	OUT total_time interval,
	OUT mean_time interval,
	OUT longest_time interval)
	AS 'MODULE_PATHNAME', 'journey_session_stats'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm.session_stats(cjm.journey, interval, text, text) IS
	'sessions of a journey in one row: how many, how many of one touchpoint only, time in them; arguments as of sessions';
