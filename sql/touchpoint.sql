-- What is in a journey: touchpoints, touch_count, first_touch, last_touch, duration, slice, has_event.
SET search_path = cjm, public;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';

CREATE TABLE public.journeys (name text, j journey);
INSERT INTO public.journeys VALUES
	('nothing', NULL),
	('empty', '{}'),
	('one', '{2026-01-01T10:00Z view}'),
	('three', '{2026-01-03T11:30:00.5Z pay@email=19.9, 2026-01-01T10:00Z view, 2026-01-01T10:00Z "в корзину"@"paid search"}'),
	('tie', '{2026-01-01T10:00Z b, 2026-01-01T10:00Z a@x=2, 2026-01-01T10:00Z a@x=2, 2026-01-01T10:00Z a=NaN}'),
	('long', '{-4713-11-24T00:00Z first, +294276-12-31T23:59:59.999999Z last=-Infinity}');

SELECT name, t.* FROM public.journeys, touchpoints(j) WITH ORDINALITY AS t (at, event, channel, value, session, n) ORDER BY name, n;
SELECT name, touchpoints(j) FROM public.journeys WHERE name IN ('nothing', 'empty', 'three');
SELECT name, touch_count(j), first_touch(j), last_touch(j), duration(j) FROM public.journeys ORDER BY name;
SELECT (first_touch(j)).*, (last_touch(j)).event AS last_event FROM public.journeys WHERE name = 'three';
SELECT first_touch(j) IS NULL AS no_first, last_touch(j) IS NULL AS no_last FROM public.journeys WHERE name = 'empty';

-- Functions of a journey answer for 24-hour days, whatever the zone does to its clocks.
SET TimeZone = 'Europe/Riga';
SELECT duration('{2026-03-28T12:00+02:00 a, 2026-03-29T12:00+03:00 b}'), duration('{2026-01-01T00:00Z a, 2027-01-01T00:00:00.000001Z b}');
SET TimeZone = 'UTC';

-- slice: from is in it, to is not.
CREATE TABLE public.hours AS SELECT journey_agg('2026-01-01T00:00Z'::timestamptz + h * interval '1 hour', 'h' || h, 'c' || nullif(h % 3, 0), nullif(h % 4, 0)) AS j FROM generate_series(0, 9) AS h;
SELECT from_time, to_time, (SELECT string_agg(event || coalesce('@' || channel, '') || coalesce('=' || value, ''), ' ' ORDER BY at) FROM touchpoints(slice(j, from_time, to_time))) AS touchpoints, slice(j, from_time, to_time) = '{}' AS empty
FROM public.hours, (VALUES
	(1, '2026-01-01T02:00Z'::timestamptz, '2026-01-01T05:00Z'::timestamptz),
	(2, '2026-01-01T02:00:00.000001Z', '2026-01-01T05:00:00.000001Z'),
	(3, '2026-01-01T01:59:59.999999Z', '2026-01-01T04:59:59.999999Z'),
	(4, '2026-01-01T02:00Z', '2026-01-01T02:00Z'),
	(5, '2026-01-01T02:00Z', '2026-01-01T02:00:00.000001Z'),
	(6, '2026-01-01T05:00Z', '2026-01-01T02:00Z'),
	(7, '-infinity', '2026-01-01T02:00Z'),
	(8, '2026-01-01T07:00Z', 'infinity'),
	(9, '-infinity', 'infinity'),
	(10, 'infinity', '-infinity'),
	(11, '-infinity', '-infinity'),
	(12, 'infinity', 'infinity'),
	(13, '2025-01-01T00:00Z', '2026-01-01T00:00Z'),
	(14, '2026-01-01T09:00:00.000001Z', '2030-01-01T00:00Z')) AS b (n, from_time, to_time)
ORDER BY n;
SELECT slice('{}', '-infinity', 'infinity') AS of_empty, slice(NULL, '-infinity', 'infinity') AS of_nothing, slice(j, NULL, 'infinity') AS from_nothing, slice(j, '-infinity', NULL) AS to_nothing FROM public.hours;
-- equal touchpoints stay together; a slice is a journey like any other, without labels that it does not need
SELECT slice('{2026-01-01T10:00Z a, 2026-01-01T10:00Z a, 2026-01-01T11:00Z b@c=1}', '2026-01-01T10:00Z', '2026-01-01T11:00Z') AS both,
       cjm_internal.journey_send(slice(j, '2026-01-01T03:00Z', '2026-01-01T04:00Z')) = cjm_internal.journey_send('{2026-01-01T03:00Z h3=3}') AS same_bytes FROM public.hours;
SELECT name, slice(j, '-infinity', 'infinity') = j AS all, slice(j, '-infinity', '2026-01-02Z') || slice(j, '2026-01-02Z', 'infinity') = j AS cut FROM public.journeys ORDER BY name;

-- has_event: text, a literal, an enum.
SELECT name, has_event(j, 'view') AS literal, has_event(j, 'pay'::text) AS text, has_event(j, 'в корзину') AS cyrillic, has_event(j, 'VIEW') AS other_case, has_event(j, 'vie') AS shorter,
       has_event(j, 'views') AS longer, has_event(j, '') AS no_label, has_event(j, 'email') AS a_channel, has_event(j, NULL) AS nothing
FROM public.journeys ORDER BY name;
SELECT has_event('{2026-01-01T10:00Z interest, 2026-01-01T10:00Z desire}', stage) AS has, stage FROM unnest(enum_range(NULL::aida)) AS stage;
SELECT has_event('{2026-01-01T10:00Z a}', NULL::aida) AS no_stage, has_event(NULL, 'action'::aida) AS no_journey;
CREATE TYPE public.odd_stage AS ENUM ('в корзине', '🛒');
SELECT has_event('{2026-01-01T10:00Z "в корзине"}', 'в корзине'::public.odd_stage) AS before;
ALTER TYPE public.odd_stage RENAME VALUE 'в корзине' TO 'v grozā';
SELECT has_event('{2026-01-01T10:00Z "в корзине"}', 'v grozā'::public.odd_stage) AS renamed, has_event('{2026-01-01T10:00Z "v grozā"}', 'v grozā'::public.odd_stage) AS new_name;
-- (what is said beside differs between versions)
\set VERBOSITY terse
SELECT has_event('{2026-01-01T10:00Z a}', 1);
\set VERBOSITY default

-- All of it against plain SQL over the rows that the journeys were made of, with ties, stored compressed and out of line too.
SELECT setseed(0.1);
CREATE TABLE public.rows AS
SELECT k, '2026-01-01T00:00Z'::timestamptz + floor(random() * k * 3) * interval '1 minute' AS at, 'e' || floor(random() * 6) AS event, (ARRAY['x', 'y', NULL])[ceil(random() * 3)] AS channel, (ARRAY[1, 2.5, NULL])[ceil(random() * 3)]::float8 AS value
FROM generate_series(1, 300) AS k, LATERAL generate_series(1, (1 + random() * CASE WHEN k % 50 = 0 THEN 3000 ELSE 15 END)::integer);
CREATE TABLE public.built AS SELECT k, journey_agg(at, event, channel, value) AS j FROM public.rows GROUP BY k;
ALTER TABLE public.built ADD COLUMN external journey;
ALTER TABLE public.built ALTER COLUMN external SET STORAGE EXTERNAL;
UPDATE public.built SET external = j::text::journey;
SELECT count(*) AS journeys,
       count(*) FILTER (WHERE touch_count(j) <> n OR touch_count(external) <> n) AS touch_count,
       count(*) FILTER (WHERE to_jsonb(first_touch(j)) <> first OR to_jsonb(first_touch(external)) <> first) AS first_touch,
       count(*) FILTER (WHERE to_jsonb(last_touch(j)) <> last OR to_jsonb(last_touch(external)) <> last) AS last_touch,
       count(*) FILTER (WHERE justify_hours(duration(j)) <> justify_hours(span)) AS duration,
       count(*) FILTER (WHERE has_event(j, 'e0') <> e0 OR has_event(external, 'e5') <> e5 OR has_event(j, 'e6')) AS has_event,
       count(*) FILTER (WHERE slice(j, from_time, to_time) IS DISTINCT FROM coalesce(sliced, '{}') OR slice(external, from_time, to_time) <> slice(j, from_time, to_time)) AS slice
FROM public.built JOIN
     (SELECT k, count(*) AS n, (array_agg(jsonb_build_object('at', at, 'event', event, 'channel', channel, 'value', value, 'session', NULL) ORDER BY at, event, channel NULLS FIRST, value NULLS FIRST))[1] AS first,
             (array_agg(jsonb_build_object('at', at, 'event', event, 'channel', channel, 'value', value, 'session', NULL) ORDER BY at DESC, event DESC, channel DESC NULLS LAST, value DESC NULLS LAST))[1] AS last,
             max(at) - min(at) AS span, bool_or(event = 'e0') AS e0, bool_or(event = 'e5') AS e5, min(from_time) AS from_time, min(to_time) AS to_time,
             journey_agg(at, event, channel, value) FILTER (WHERE at >= from_time AND at < to_time) AS sliced
      FROM public.rows, LATERAL (VALUES ('2026-01-01T00:00Z'::timestamptz + k * interval '37 seconds', '2026-01-01T00:00Z'::timestamptz + k * interval '2 minutes')) AS b (from_time, to_time) GROUP BY k) AS expected USING (k);

DROP TABLE public.journeys, public.hours, public.rows, public.built;
DROP TYPE public.odd_stage;

-- A long journey is stored out of line; header and dictionary are read without the rest, however long.
CREATE TEMP TABLE touchpoint_long AS
	SELECT n, journey_agg(at, e) AS j
	FROM (VALUES (1, 3), (2, 2000)) AS v (n, labels),
		LATERAL (SELECT timestamptz '2026-01-01Z' + i * interval '1.5 seconds', 'event number ' || i % labels FROM generate_series(1, 6000) i) AS r (at, e)
	GROUP BY n;
SELECT n, pg_column_size(j) > 8000 AS out_of_line, touch_count(j), has_event(j, 'event number 2'), has_event(j, 'event number 1999'),
       has_event(j, 'event number 2000'), duration(j)
FROM touchpoint_long ORDER BY n;

-- Without the touchpoints of some events.
SELECT without_events('{2026-01-01T00:00:00Z a@x=1, 2026-01-01T00:00:00Z b, 2026-01-02T00:00:00Z a, 2026-01-03T00:00:00Z c@y}', events)
FROM (VALUES ('{a}'::text[]), ('{c,a,b,c}'), ('{d,NULL,"not there"}'), ('{}'), (NULL)) v (events);
SELECT without_events('{2026-01-01T00:00:00Z a@x, 2026-01-02T00:00:00Z b@y}', '{a}') = '{2026-01-02T00:00:00Z b@y}' AS as_if_never_there, without_events('{}', '{a}');
-- With those alone; the two parts of a journey are the journey.
SELECT only_events('{2026-01-01T00:00:00Z a@x=1, 2026-01-01T00:00:00Z b, 2026-01-02T00:00:00Z a, 2026-01-03T00:00:00Z c@y}', events)
FROM (VALUES ('{a}'::text[]), ('{c,a,b,c}'), ('{d,NULL,"not there"}'), ('{}'), (NULL)) v (events);
SELECT count(*), count(*) FILTER (WHERE only_events(j, events) <> plain), count(*) FILTER (WHERE only_events(j, events) || without_events(j, events) <> j)
FROM (SELECT i, events, journey_agg(at, e, c, v) AS j, coalesce(journey_agg(at, e, c, v) FILTER (WHERE e = ANY (events)), '{}') AS plain
	FROM generate_series(1, 200) AS i, (VALUES ('{a}'::text[]), ('{b,c,é}'), ('{}'), ('{z}'), ('{a,b,c,é}')) AS l(events),
		LATERAL (SELECT timestamptz '2026-01-01Z' + i * n % 7 * interval '1 h', (ARRAY['a', 'b', 'c', 'é'])[1 + i * n * n % 11 % 4], nullif(i * n % 3, 0)::text, nullif(i % n, 1)
			FROM generate_series(1, 1 + i % 9) AS n) AS r (at, e, c, v)
	GROUP BY i, events) AS s;
-- The first channel.
SELECT j, first_channel(j) FROM unnest('{"{}", "{2026-01-01T00:00Z a}", "{2026-01-01T00:00Z a, 2026-01-02T00:00Z a@ads, 2026-01-03T00:00Z a@mail}"}'::journey[]) j;
