-- What ends a session beside a gap: another channel, another day.
SET search_path = cjm, public;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';

CREATE FUNCTION public.refusal(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	hint text;
BEGIN
	EXECUTE 'SELECT count(*) FROM ' || call;
	RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', SQLSTATE || ' ' || SQLERRM, nullif(hint, ''));
END
$$;

-- No channel goes on with whatever there was; after a gap nothing is known of it.
SELECT r.rule, string_agg(s.touch_count || coalesce(' ' || s.channel, ''), ', ' ORDER BY s.session_number) AS sessions
FROM (VALUES (1, NULL), (2, 'channel'), (3, 'day'), (4, 'day|channel')) r(n, rule),
	sessions('{2026-03-01T21:40Z view, 2026-03-01T21:50Z view@mail, 2026-03-01T21:55Z view, 2026-03-01T22:00Z view@mail, 2026-03-01T22:10Z cart@ads, 2026-03-01T22:20Z pay@mail,
		2026-03-01T23:10Z view, 2026-03-01T23:20Z view@ads}', '30 minutes', r.rule, 'Europe/Riga') s GROUP BY r.n, r.rule ORDER BY r.n;
-- Of one time the canonical order counts.
SELECT session_number, touch_count, entry_event, exit_event, channel, started_at = ended_at AS at_once
FROM sessions('{2026-03-01T10:00Z a@x, 2026-03-01T10:00Z b@y, 2026-03-01T10:00Z c, 2026-03-01T10:00Z d@x, 2026-03-01T10:00Z e@x}', rule => 'channel');
-- A day of 23 hours, one of 25, and one that began twice; the gap is longer than all of them.
SELECT session_number, started_at, touch_count FROM sessions('{2026-03-28T22:30Z a, 2026-03-29T20:59:59.999999Z a, 2026-03-29T21:00Z a, 2026-10-24T21:00Z a, 2026-10-25T21:30Z a, 2026-10-25T22:00Z a}', '400 days', 'day', 'Europe/Riga');
-- Of two midnights of one day it is the one that the server takes, which differs from version to version.
SELECT count(*) AS sessions, bool_and((started_at >= timestamp '2026-11-01' AT TIME ZONE 'America/Havana') = (session_number = 2)) AS as_the_server
FROM sessions('{2026-10-31T20:00Z a, 2026-11-01T04:30Z a, 2026-11-01T05:30Z a}', '400 days', 'day', 'America/Havana');
SELECT session_number, touch_count FROM sessions('{-4713-11-24T00:00Z a, +294276-12-31T23:59:59Z a, +294276-12-31T23:59:59.999999Z b}', '106751991 days', 'day', 'UTC');

SELECT j AS session FROM session_journeys('{2026-03-01T10:00Z a@x=1, 2026-03-01T10:01Z a@y=2, 2026-03-01T10:02Z b@y}', rule => 'channel') j;
SELECT session_count, bounce_count, longest_time FROM session_stats('{2026-03-01T10:00Z a@x=1, 2026-03-01T10:01Z a@y=2, 2026-03-01T10:02Z b@y}', rule => 'channel');
SELECT session_number, event, channel, is_entry, is_exit FROM session_events('{2026-03-01T10:00Z a@x=1, 2026-03-01T10:01Z a@y=2, 2026-03-01T10:02Z b@y}', rule => 'channel');
SELECT label, is_first, touch_count FROM session_groups('{2026-03-01T10:00Z a@x=1, 2026-03-01T10:01Z a@y=2, 2026-03-01T10:02Z b@y}', by => 'entry_event', time_zone => NULL, rule => 'channel');
SELECT to_char(at, 'HH24:MI') AS at, session_channel('{2026-03-01T10:00Z a@x=1, 2026-03-01T10:01Z a@y=2, 2026-03-01T10:02Z b@y}', '30 minutes', at, 'channel')
FROM generate_series(timestamptz '2026-03-01T10:00Z', '2026-03-01T10:02Z', '30 s') at;
SELECT "position", source, target FROM transitions('{2026-03-01T10:00Z a@x=1, 2026-03-01T10:01Z a@y=2, 2026-03-01T10:02Z b@y}', rule => 'channel');
SELECT nodes, occurrence FROM paths('{2026-03-01T10:00Z a@x=1, 2026-03-01T10:01Z a@y=2, 2026-03-01T10:02Z b@y}', gap => '30 minutes', rule => 'channel');
-- What is no visit ends no session by its channel.
SELECT rule, only_visits('{2026-03-01T10:00Z seen@ads, 2026-03-01T10:01Z a@x=1, 2026-03-01T10:02Z seen@ads, 2026-03-01T10:03Z a@x, 2026-03-01T10:04Z seen@ads, 2026-03-01T10:04Z a@y=2}', 'a', rule => rule) AS visits,
	(session_stats(only_visits('{2026-03-01T10:00Z seen@ads, 2026-03-01T10:01Z a@x=1, 2026-03-01T10:02Z seen@ads, 2026-03-01T10:03Z a@x, 2026-03-01T10:04Z seen@ads, 2026-03-01T10:04Z a@y=2}', 'a', rule => rule), rule => rule)).session_count
FROM unnest('{NULL,channel}'::text[]) rule;
SELECT session_rule, string_agg(concat_ws(' ', channel, credit), ', ' ORDER BY at) AS credits
FROM unnest('{NULL,channel,day}'::text[]) session_rule,
	attribute('{2026-03-01T23:50Z a@x, 2026-03-01T23:51Z a@x, 2026-03-02T00:01Z a@y, 2026-03-02T00:02Z buy}', 'buy', 'linear', per => 'session', session_rule => session_rule, time_zone => 'UTC') GROUP BY 1 ORDER BY 1 NULLS FIRST;

SELECT call, public.refusal(call) FROM unnest(ARRAY[
	$$sessions('{2026-03-01T10:00Z a}', rule => 'hour')$$, $$sessions('{2026-03-01T10:00Z a}', rule => '')$$, $$sessions('{2026-03-01T10:00Z a}', rule => 'channel |')$$, $$sessions('{}', rule => 'channel, day')$$,
	$$sessions('{2026-03-01T10:00Z a}', rule => 'day')$$, $$session_stats('{2026-03-01T10:00Z a}', rule => 'channel | day', time_zone => 'Mars/Olympus')$$, $$sessions('{}', rule => '| day')$$, $$paths('{}', rule => 'week')$$, $$transitions('{}', rule => 'Day')$$, $$only_visits('{}', 'a', rule => 'week')$$,
	$$attribute('{}', 'a', session_rule => 'never')$$, $$session_groups('{}', rule => 'day', time_zone => NULL)$$,
	$$sessions('{2026-03-01T10:00Z a}', rule => ' day  |channel ', time_zone => 'UTC')$$]) call;
SELECT count(*) FROM sessions(NULL) UNION ALL SELECT count(*) FROM sessions('{2026-03-01T10:00Z a}', NULL) UNION ALL SELECT count(*) FROM session_journeys(NULL) UNION ALL SELECT count(*) FROM session_events(NULL);
SELECT session_stats(NULL) IS NULL AS stats, session_channel(NULL, '1 s', now()) IS NULL AS channel, only_visits(NULL, 'a') IS NULL AS visits, only_visits('{}', NULL) IS NULL AS no_visit;
-- Nothing in them hangs on a setting, so that they may stand in an index.
SELECT string_agg(DISTINCT provolatile::text, ' ') AS volatile FROM pg_proc WHERE oid = ANY (ARRAY['sessions', 'session_stats', 'session_journeys', 'only_visits', 'transitions', 'paths', 'attribute']::regproc[]);

-- Random rows in four time zones, with ties, without channels, some with sessions of their own, around midnight and the days on which clocks change.
SELECT setseed(0.25);
CREATE TABLE public.rows AS
SELECT k, (ARRAY['UTC', 'Europe/Riga', 'America/Havana', 'Asia/Kolkata'])[1 + k % 4] AS zone, (ARRAY[NULL, 'channel', 'day', 'channel | day'])[1 + (k / 4) % 4] AS rule,
	(ARRAY['2026-03-28T22:00Z', '2026-10-24T21:00Z', '2026-11-01T04:00Z', '2026-06-30T18:30Z'])[1 + (k / 16) % 4]::timestamptz + (floor(random() * 40) - 15) * interval '10 min'
		+ (CASE WHEN random() < 0.2 THEN floor(random() * 3) - 1 ELSE 0 END) * interval '1 us' AS at,
	'e' || floor(random() * 4) AS event, (ARRAY['x', 'y', 'z', NULL, NULL, NULL])[ceil(random() * 6)] AS channel, (ARRAY[1, 2.5, NULL])[ceil(random() * 3)]::float8 AS value,
	CASE WHEN k % 3 = 0 THEN (ARRAY['s1', 's2', 's3', NULL])[ceil(random() * 4)] END AS given
FROM generate_series(1, 1600) AS k, generate_series(1, 1 + k % 17) i;
CREATE TABLE public.built AS SELECT k, zone, rule, journey_agg(at, event, channel, value, given) AS j FROM public.rows GROUP BY k, zone, rule;

-- By lag and running sums of rows without a session of their own: first what gaps and days cut, and in that what channels do.  The others are in theirs.  A day begins when clocks show its midnight, the last time.
CREATE FUNCTION public.day(at timestamptz, zone text) RETURNS date LANGUAGE sql IMMUTABLE AS
	'SELECT max(d::date) FROM generate_series((at AT TIME ZONE zone)::date::timestamp - interval ''1 day'', (at AT TIME ZONE zone)::date::timestamp, interval ''1 day'') d WHERE d AT TIME ZONE zone <= at';
-- Where visits are said, the channels of others do not count.
CREATE FUNCTION public.numbering(visit text[]) RETURNS TABLE (k integer, n bigint, at timestamptz, event text, channel text, value float8, given text, session bigint) LANGUAGE sql AS $$
	WITH ordered AS (SELECT *, row_number() OVER (PARTITION BY k ORDER BY at, event, channel NULLS FIRST, value NULLS FIRST, given NULLS FIRST) AS n FROM public.rows),
		parted AS (SELECT *, sum(cut::integer) OVER (PARTITION BY k ORDER BY n) AS part FROM (
			SELECT *, coalesce(at - lag(at) OVER w > interval '30 minutes' OR (coalesce(rule, '') ~ 'day' AND public.day(at, zone) <> public.day(lag(at) OVER w, zone)), false) AS cut
			FROM ordered WHERE given IS NULL WINDOW w AS (PARTITION BY k ORDER BY n)) c),
		changed AS (SELECT k, n, channel <> lag(channel) OVER (PARTITION BY k, part ORDER BY n) AS changes FROM parted WHERE channel IS NOT NULL AND rule ~ 'channel' AND event = ANY (visit)),
		ruled AS (SELECT p.k, p.n, sum((p.cut OR coalesce(c.changes, false))::integer) OVER (PARTITION BY k ORDER BY n) AS place FROM parted p LEFT JOIN changed c USING (k, n)),
		named AS (SELECT o.*, min(n) OVER (PARTITION BY k, o.given, r.place) AS begins FROM ordered o LEFT JOIN ruled r USING (k, n))
	SELECT k, n, at, event, channel, value, given, dense_rank() OVER (PARTITION BY k ORDER BY begins) FROM named
$$;
CREATE TABLE public.numbered AS SELECT * FROM public.numbering('{e0,e1,e2,e3}');
CREATE TABLE public.expected AS
SELECT k, session AS session_number, min(at) AS started_at, max(at) AS ended_at, count(*) AS touch_count, (array_agg(event ORDER BY n))[1] AS entry_event, (array_agg(event ORDER BY n DESC))[1] AS exit_event,
	(array_agg(channel ORDER BY n) FILTER (WHERE channel IS NOT NULL))[1] AS channel, sum(value) AS value, count(*) = 1 AS bounced, sum(value) FILTER (WHERE value >= 0) AS gross_value,
	array_agg(event ORDER BY n) AS events, journey_agg(at, event, channel, value, given) AS journey, min(given) AS given
FROM public.numbered GROUP BY k, session;
SELECT coalesce(rule, 'none') AS rule, count(*) > 1500 AS many, count(*) FILTER (WHERE given IS NOT NULL) > 200 AS of_their_own, count(DISTINCT k) AS journeys FROM public.expected JOIN public.built USING (k) GROUP BY 1 ORDER BY 1;
SELECT count(*) FILTER (WHERE b.started_at = a.ended_at) > 20 AS at_once,
	count(*) FILTER (WHERE b.started_at < a.ended_at) > 100 AS overlap FROM public.expected a JOIN public.expected b ON b.k = a.k AND b.session_number = a.session_number + 1 AND b.started_at <= a.ended_at;

-- differ: rows that only one of two queries has
CREATE FUNCTION public.differ(one text, other text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	EXECUTE format('SELECT count(*) FROM ((%1$s EXCEPT ALL %2$s) UNION ALL (%2$s EXCEPT ALL %1$s)) d', one, other) INTO n;
	RETURN n;
END
$$;
SELECT public.differ('SELECT k, s.* FROM public.built, cjm.sessions(j, ''30 min'', rule, zone) s', 'SELECT k, session_number, started_at, ended_at, touch_count, entry_event, exit_event, channel, value, bounced, gross_value, given FROM public.expected') AS sessions,
	public.differ('SELECT k, s.n, s.journey FROM public.built, cjm.session_journeys(j, ''30 min'', rule, zone) WITH ORDINALITY s(journey, n)', 'SELECT k, session_number, journey FROM public.expected') AS session_journeys,
	public.differ('SELECT k, session_count, bounce_count, touch_count, total_time, longest_time FROM public.built, cjm.session_stats(j, ''30 min'', rule, zone)',
		'SELECT k, count(*), count(*) FILTER (WHERE bounced), sum(touch_count)::bigint, sum(ended_at - started_at), max(ended_at - started_at) FROM public.expected GROUP BY k') AS session_stats,
	public.differ('SELECT k, session_number, event, channel, is_entry, is_exit, started_at, touch_count FROM public.built, cjm.session_events(j, ''30 min'', rule, zone)',
		'SELECT DISTINCT e.k, session_number, n.event, e.channel, n.event = entry_event, n.event = exit_event, started_at, touch_count FROM public.expected e JOIN public.numbered n ON n.k = e.k AND n.session = e.session_number') AS session_events,
	public.differ('SELECT k, label, session_number, touch_count, is_first FROM public.built, cjm.session_groups(j, ''30 min'', ''channel'', time_zone => zone, rule => rule)',
		'SELECT k, channel, session_number, touch_count, row_number() OVER (PARTITION BY k, channel ORDER BY session_number) = 1 FROM public.expected') AS session_groups,
	public.differ('SELECT k, nodes FROM public.built, cjm.paths(j, gap => ''30 min'', rule => rule, time_zone => zone)', 'SELECT k, events FROM public.expected') AS paths,
	public.differ('SELECT k, "position", source, target FROM public.built, cjm.transitions(j, gap => ''30 min'', rule => rule, time_zone => zone)',
		'SELECT k, (row_number() OVER w)::integer, event, lead(event) OVER w FROM public.numbered WINDOW w AS (PARTITION BY k, session ORDER BY n)') AS transitions,
	public.differ('SELECT k, at, cjm.session_channel(j, ''30 min'', at, rule, zone) FROM public.built JOIN (SELECT DISTINCT k, at FROM public.rows) t USING (k)',
		'SELECT n.k, n.at, (array_agg(e.channel ORDER BY e.session_number) FILTER (WHERE e.channel IS NOT NULL))[1] FROM public.numbered n JOIN public.expected e ON e.k = n.k AND e.session_number = n.session GROUP BY 1, 2') AS session_channel;
-- A share to each session: those up to the time of the first e0, by what is no e0.
SELECT public.differ('SELECT DISTINCT k, a.at, a.channel, round(a.credit::numeric, 9) FROM public.built, cjm.attribute(j, ''e0'', ''linear'', per => ''session'', session_rule => rule, time_zone => zone) a
		WHERE a.conversion_at = (SELECT min(at) FROM public.rows r WHERE r.k = built.k AND event = ''e0'') AND a.at IS NOT NULL',
	'SELECT DISTINCT k, at, channel, round(1.0 / n, 9) FROM (SELECT u.*, count(*) OVER (PARTITION BY k) AS n FROM (
		SELECT n.k, min(n.at) FILTER (WHERE n.event <> ''e0'') AS at, (array_agg(n.channel ORDER BY n.n) FILTER (WHERE n.channel IS NOT NULL))[1] AS channel
		FROM public.numbered n JOIN (SELECT k, min(at) AS converted FROM public.rows WHERE event = ''e0'' GROUP BY k) c ON c.k = n.k AND n.at <= c.converted GROUP BY n.k, n.session) u WHERE at IS NOT NULL) s') AS attribute;
-- rule_attribution cuts as attribute does.
SELECT rule, public.differ(format('SELECT channel, round(sum(a.credit)::numeric, 6), count(*) > 10 FROM public.built, cjm.attribute(j, ''e0'', ''linear'', per => ''session'', session_rule => %1$L, time_zone => ''Asia/Kolkata'') a GROUP BY 1', rule),
	format('SELECT c.channel, round(c.conversions::numeric, 6), true FROM (SELECT cjm.rule_attribution(j, ''e0'', ''{linear}'', NULL, ''session'', ''30 min'', ''7 days'', ''{0.4,0.2,0.4}'', ''{direct}'', false,
		''-infinity'', ''infinity'', %1$L, ''Asia/Kolkata'') AS c FROM public.built) s, unnest(s.c) c', rule)) AS differ
FROM unnest('{NULL,channel,day,channel | day}'::text[]) rule;
-- Visits are the sessions that have one, and what is left of them has the sessions that it had.
SELECT public.differ('SELECT k, s.n FROM (SELECT k, (cjm.session_stats(cjm.only_visits(j, ''e1 | e2'', ''30 min'', rule, zone), ''30 min'', rule, zone)).session_count AS n FROM public.built) s',
	'SELECT k, count(*) FILTER (WHERE visits > 0) FROM (SELECT k, session, count(*) FILTER (WHERE event IN (''e1'', ''e2'')) AS visits FROM public.numbering(''{e1,e2}'') GROUP BY 1, 2) s GROUP BY k') AS only_visits;

DROP TABLE public.rows, public.built, public.expected, public.numbered;
DROP FUNCTION public.refusal(text), public.day(timestamptz, text), public.numbering(text[]), public.differ(text, text);
