-- Sessions that touchpoints have of their own: how journeys keep them.
SET search_path = cjm, public;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';

SELECT journey '{2026-03-01T10:00Z b@x~17=2, 2026-03-01T10:00Z b @ x ~ 17, 2026-03-01T10:00Z b@x, 2026-03-01T10:00Z a~"s 2"=-1.5, 2026-03-01T09:00Z "~"~"~"}' AS j;
SELECT j, (SELECT string_agg(t.event || coalesce('@' || t.channel, ''), ' ') FROM touchpoints(j) t) AS touchpoints, touch_count(j) AS touches
FROM (VALUES (journey '{2026-03-01T10:00Z b@x~2, 2026-03-01T10:00Z b@x~10, 2026-03-01T10:00Z b@x}')) v(j);
SELECT journey '{2026-03-01T10:00Z a~}';
SELECT journey '{2026-03-01T10:00Z a~x@y}';
SELECT journey '{2026-03-01T10:00Z a=1~x}';
SELECT journey '{2026-03-01T10:00Z a~""}';
SELECT length(j::text) AS longest, (SELECT length(session) FROM sessions(j)) FROM (SELECT journey_agg('2026-03-01Z', 'a', NULL, NULL, repeat('s', 4096)) AS j) s;
SELECT journey_agg('2026-03-01Z', 'a', NULL, NULL, repeat('s', 4097));
SELECT journey_agg('2026-03-01Z', 'a', NULL, NULL, '');
SELECT journey_agg('2026-03-01Z', 'desire'::aida, 'x', 1, 's');
SELECT journey_agg(at, 'a', NULL, NULL, s) FROM (VALUES (timestamptz '2026-03-01Z', 's'), (NULL, 's'), ('2026-03-01Z', NULL)) v(at, s);
SELECT '[{"at": "2026-03-01T10:00:00Z", "event": "a", "session": "s"}, {"at": "2026-03-01T10:00:00Z", "event": "a", "session": null}]'::jsonb::journey AS j;
SELECT '[{"at": "2026-03-01T10:00:00Z", "event": "a", "session": 17}]'::jsonb::journey;
SELECT encode(cjm_internal.journey_send('{2026-01-31T09:30:00Z view@email~17, 2026-01-31T09:31:30Z cart=19.5}'), 'hex');
-- What has no session is stored as it always was.
SELECT encode(cjm_internal.journey_send(without_events('{2026-01-31T09:30:00Z view, 2026-01-31T09:31:30Z cart~17}', '{cart}')), 'hex') = encode(cjm_internal.journey_send('{2026-01-31T09:30:00Z view}'), 'hex') AS as_before;

SELECT a = b AS equal, a < b AS less, cjm_internal.journey_cmp(a, b) AS compared, cjm_internal.journey_hash(a) = cjm_internal.journey_hash(b) AS hashed_alike
FROM (VALUES (journey '{2026-03-01T10:00Z a~1}', journey '{2026-03-01T10:00Z a~2}'), ('{2026-03-01T10:00Z a}', '{2026-03-01T10:00Z a~2}'), ('{2026-03-01T10:00Z a~2}', '{2026-03-01T10:00Z a ~ "2"}'), ('{2026-03-01T10:00Z a~2=1}', '{2026-03-01T10:00Z a~1=2}')) v(a, b);
SELECT j || '{2026-03-01T10:00Z a~1}' AS added, j - '{2026-03-01T10:00Z a~2}' AS taken, distinct_touchpoints(j || j) AS once, slice(j, '2026-03-01T10:30Z', 'infinity') AS slice, only_events(j, '{b}') AS only, without_values(j, '{b}') AS valueless
FROM (VALUES (journey '{2026-03-01T10:00Z a~2, 2026-03-01T10:00Z a, 2026-03-01T11:00Z b~1=5}')) v(j);
SELECT journey '{2026-03-01T10:00Z a~2}' - '{2026-03-01T10:00Z a}';

-- Sessions may lie in each other; what has none is divided by the gap, whatever lies between.
SELECT session_number, session, to_char(started_at, 'HH24:MI') AS started, to_char(ended_at, 'HH24:MI') AS ended, touch_count, entry_event, exit_event, channel, value, bounced
FROM sessions('{2026-03-01T10:00Z a~1, 2026-03-01T10:10Z b@x, 2026-03-01T10:20Z c@y~2=1, 2026-03-01T10:50Z d=2, 2026-03-01T11:30Z e@z~1=3, 2026-03-01T11:31Z f}');
SELECT session_count, bounce_count, touch_count, total_time, longest_time FROM session_stats('{2026-03-01T10:00Z a~1, 2026-03-01T10:10Z b@x, 2026-03-01T10:20Z c@y~2=1, 2026-03-01T10:50Z d=2, 2026-03-01T11:30Z e@z~1=3, 2026-03-01T11:31Z f}');

-- Any split, in any order, comes to the same journey.
SELECT setseed(0.5);
CREATE TABLE public.rows AS
SELECT n % 200 AS k, timestamptz '2026-03-01Z' + floor(random() * 20) * interval '1 min' AS at, 'e' || floor(random() * 3) AS event, (ARRAY['x', NULL])[ceil(random() * 2)] AS channel,
	(ARRAY[1, NULL])[ceil(random() * 2)]::float8 AS value, (ARRAY['s1', 's2', NULL])[ceil(random() * 3)] || CASE WHEN n % 200 < 20 THEN n::text ELSE '' END AS session, n % 3 AS part, random() AS r
FROM generate_series(1, 8000) n;
CREATE TABLE public.whole AS SELECT k, journey_agg(at, event, channel, value, session) AS j FROM public.rows GROUP BY k;
CREATE TABLE public.parts AS SELECT k, part, journey_agg(at, event, channel, value, session ORDER BY r) AS j FROM public.rows GROUP BY k, part;
SELECT count(*) AS journeys, count(*) FILTER (WHERE w.j <> p.j) AS rolled_up, count(*) FILTER (WHERE w.j - p.one <> p.others) AS minus, count(*) FILTER (WHERE p.one || p.others <> w.j) AS plus,
	count(*) FILTER (WHERE w.j::text::journey <> w.j OR w.j::jsonb::journey <> w.j) AS read_back, count(*) FILTER (WHERE touch_count(w.j) <> 40) AS lost
FROM public.whole w JOIN (SELECT k, rollup(j) AS j, rollup(j) FILTER (WHERE part = 0) AS one, rollup(j) FILTER (WHERE part > 0) AS others FROM public.parts GROUP BY k) p USING (k);
-- The order is that of touchpoints, the session last.
SELECT count(*) AS wrong FROM (SELECT j, lag(j) OVER (ORDER BY j) AS before FROM (SELECT journey_agg(at, event, channel, value, session) AS j FROM public.rows GROUP BY k, part) s) o
	WHERE (SELECT array_agg(ROW(t ->> 'at', t ->> 'event', coalesce(t ->> 'channel', ''), coalesce((t ->> 'value')::float8, '-infinity'), coalesce(t ->> 'session', '')) ORDER BY n) FROM jsonb_array_elements(before::jsonb) WITH ORDINALITY a(t, n))
		> (SELECT array_agg(ROW(t ->> 'at', t ->> 'event', coalesce(t ->> 'channel', ''), coalesce((t ->> 'value')::float8, '-infinity'), coalesce(t ->> 'session', '')) ORDER BY n) FROM jsonb_array_elements(j::jsonb) WITH ORDINALITY a(t, n));
-- Workers hand over what they have of a customer.
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET enable_sort = off;
SELECT count(*) AS differ FROM (SELECT k, journey_agg(at, event, channel, value, session) AS j FROM public.rows GROUP BY k) g JOIN public.whole w USING (k) WHERE g.j <> w.j;
DROP TABLE public.rows, public.whole, public.parts;
