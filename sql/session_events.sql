-- session_events: the events of each session; total_value.
SET search_path = cjm, public;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';

SELECT * FROM session_events('{2026-01-01T10:00Z view, 2026-01-01T10:01Z cart@email, 2026-01-01T10:02Z view@ads, 2026-01-01T10:40Z view, 2026-01-01T12:00Z pay@post, 2026-01-01T12:00Z pay@post}');
SELECT session_number, event, touch_count FROM session_events('{2026-01-01T10:00Z a, 2026-01-01T10:00Z a, 2026-01-01T10:00:01Z a}', '0');
SELECT count(*) FROM session_events('{}');
SELECT count(*) FROM session_events('{2026-01-01T10:00Z a}', '1 month');

-- The same from sessions and touchpoints
WITH journeys AS (
	SELECT n, journey_agg(timestamptz '2026-01-01Z' + (hashint4(n * 7 + i) & 16383) * interval '1 s', 'e' || (hashint4(n + i * 5) & 7), nullif('c' || (hashint4(i) & 3), 'c0'),
		nullif(hashint4(i) & 7, 3)) AS journey
	FROM generate_series(1, 300) n, generate_series(1, 1 + n % 20) i GROUP BY n
), expected AS (
	SELECT DISTINCT n, s.session_number, t.event, s.channel, t.event = s.entry_event, t.event = s.exit_event, s.started_at, s.ended_at, s.touch_count, extract(epoch FROM s.ended_at - s.started_at)::float8, s.bounced
	FROM journeys, sessions(journey, '20 minutes') s, touchpoints(journey) t WHERE t.at BETWEEN s.started_at AND s.ended_at
), got AS (SELECT n, e.* FROM journeys, session_events(journey, '20 minutes') e)
SELECT (SELECT count(*) FROM got) AS events, (SELECT count(*) FROM (TABLE expected EXCEPT ALL TABLE got) d) AS missing,
	(SELECT count(*) FROM (TABLE got EXCEPT ALL TABLE expected) d) AS too_many,
	(SELECT count(*) FROM journeys WHERE total_value(journey) IS DISTINCT FROM (SELECT sum(value) FROM touchpoints(journey))) AS wrong_values;
SELECT total_value('{}'), total_value('{2026-01-01T10:00Z a}'), total_value('{2026-01-01T10:00Z a, 2026-01-01T10:00Z b=0}'), total_value('{2026-01-01T10:00Z a=1.5, 2026-01-02T10:00Z b=-4}');
