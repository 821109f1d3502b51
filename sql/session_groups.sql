-- session_groups: the sessions of a journey by the groups of a report.
SET search_path = cjm, public;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';

SELECT * FROM session_groups('{2026-01-31T22:30Z view@ads, 2026-01-31T22:40Z cart=2, 2026-02-01T10:00Z view@ads, 2026-02-02T10:00Z view, 2026-02-02T12:00Z pay@ads=3}',
	by => 'channel', bucket => 'month', time_zone => 'Europe/Riga');
SELECT label, bucket_start, is_first, session_number FROM session_groups('{2026-01-01T10:00Z a, 2026-01-02T10:00Z a, 2026-01-03T10:00Z a}', by => 'visitor');
SELECT label, is_first, touch_count FROM session_groups('{2026-01-01T10:00Z a, 2026-01-01T10:00Z b, 2026-01-02T10:00Z b, 2026-01-03T10:00Z a}', '2 days', 'exit_event');
SELECT label, bucket_start, is_first FROM session_groups('{2026-01-01T10:00Z a, 2026-01-02T10:00Z b, 2026-01-03T10:00Z a}', from_time => '2026-01-02T00:00Z', to_time => '2026-01-03T10:00Z');
SELECT count(*) FROM session_groups('{}') UNION ALL SELECT count(*) FROM session_groups(NULL) UNION ALL SELECT count(*) FROM session_groups('{2026-01-01T10:00Z a}', to_time => NULL);
-- Clocks were put back from one minute past midnight: the day before came again.
SELECT bucket_start, is_first FROM session_groups('{2006-10-28T12:00Z a, 2006-10-29T02:30:30Z a, 2006-10-29T02:40Z a, 2006-10-29T12:00Z a}', '1 minute', bucket => 'day', time_zone => 'America/St_Johns');
SELECT * FROM session_groups('{2026-01-01T10:00Z a}', by => 'segment');
SELECT * FROM session_groups('{2026-01-01T10:00Z a}', bucket => 'fortnight');
SELECT * FROM session_groups('{2026-01-01T10:00Z a}', '1 month');

-- The same from sessions
CREATE TEMP TABLE visits AS
SELECT n, journey_agg(timestamptz '2026-01-01Z' + (hashint4(n * 100 + i) & 4095) * interval '40 minutes', 'e' || (hashint4(n + i * 5) & 3), nullif('c' || (hashint4(i) & 3), 'c0'),
	nullif(hashint4(i) & 7, 3)) AS j
FROM generate_series(1, 60) n, generate_series(1, n % 40) i GROUP BY n;
WITH asked AS (
	SELECT * FROM visits, unnest('{channel,entry_event,exit_event,visitor,NULL}'::text[]) "by", unnest('{hour,day,WEEK,month,quarter,year,NULL}'::text[]) bucket,
		(VALUES ('UTC', '-infinity'::timestamptz, 'infinity'::timestamptz), ('America/New_York', '2026-02-01Z', '2026-03-20Z')) z(zone, from_time, to_time)
), got AS (
	SELECT n, "by", bucket, zone, g.* FROM asked, session_groups(j, '20 minutes', "by", bucket, zone, from_time, to_time) g
), grouped AS (
	SELECT n, "by", bucket, zone, CASE "by" WHEN 'channel' THEN s.channel WHEN 'entry_event' THEN s.entry_event WHEN 'exit_event' THEN s.exit_event
			WHEN 'visitor' THEN CASE WHEN s.session_number = 1 THEN 'new' ELSE 'returning' END END AS label,
		date_trunc(bucket, s.started_at, zone) AS bucket_start, s.*
	FROM asked, sessions(j, '20 minutes') s WHERE s.started_at >= from_time AND s.started_at < to_time
), expected AS (
	SELECT n, "by", bucket, zone, label, bucket_start, row_number() OVER (PARTITION BY n, "by", bucket, zone, label, bucket_start ORDER BY session_number) = 1,
		session_number, touch_count, extract(epoch FROM ended_at - started_at)::float8, value, bounced FROM grouped
)
SELECT (SELECT count(*) FROM got) AS sessions, (SELECT count(*) FROM got WHERE NOT is_first) AS again,
	(SELECT count(*) FROM (TABLE got EXCEPT ALL TABLE expected) d) AS too_many, (SELECT count(*) FROM (TABLE expected EXCEPT ALL TABLE got) d) AS missing;
