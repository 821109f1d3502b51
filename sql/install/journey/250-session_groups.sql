--
-- session_groups: the sessions of a journey by the groups of a report
--

CREATE FUNCTION cjm.session_groups(
	journey cjm.journey,
	gap interval DEFAULT '30 minutes',
	by text DEFAULT NULL,
	bucket text DEFAULT NULL,
	time_zone text DEFAULT current_setting('TimeZone'),
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	rule text DEFAULT NULL)
	RETURNS TABLE (
		label text,
		bucket_start timestamptz,
		is_first boolean,
		session_number bigint,
		touch_count bigint,
		seconds float8,
		value float8,
		bounced boolean,
		gross_value float8)
	AS 'MODULE_PATHNAME', 'journey_session_groups'
	LANGUAGE C STABLE PARALLEL SAFE COST 100 ROWS 5;
COMMENT ON FUNCTION cjm.session_groups(cjm.journey, interval, text, text, text, timestamptz, timestamptz, text) IS
'a row for each session that began from from_time, included, to to_time, excluded, with what a report counts of it.
label: its channel, entry_event, exit_event or visitor (new in the first session, then returning), as by says; bucket_start: the hour, day, week, month, quarter or year that it began in
is_first: whether it is the first with that label in that bucket, so that customers are counted without asking who they are
session_number, touch_count, seconds, value, bounced, gross_value, and rule: as of sessions; time_zone: where days and longer periods begin';
