-- create_map(..., sequence => ...): the order of events of one time.
SET search_path = public, cjm;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
\set SHOW_CONTEXT never

-- A form that logs whole seconds, and a log whose rows are numbered.
CREATE TABLE public.logged (id bigint PRIMARY KEY, who integer, at timestamptz, what text, seq smallint, note text, local timestamp);
INSERT INTO public.logged SELECT n, who, at, what, seq, NULL, at FROM (VALUES
	(1, 1, '2026-01-01 10:00Z'::timestamptz, 'start', 0), (2, 1, '2026-01-01 10:00Z', 'name', 1), (3, 1, '2026-01-01 10:00Z', 'address', 2), (4, 1, '2026-01-01 10:00:01Z', 'sent', 0),
	(5, 2, '2026-01-01 10:00Z', 'start', 0), (6, 2, '2026-01-01 10:00Z', 'address', 1), (7, 3, '2026-01-01 11:00Z', 'start', NULL)) v(n, who, at, what, seq);
SELECT create_map('logged_bytes', 'logged', 'who', 'at', 'what', 'start -> name -> sent');
SELECT create_map('logged_rows', 'logged', 'who', 'at', 'what', 'start -> name -> sent', sequence => 'seq', filter => 'id < 1000');
SELECT at, sequence FROM logged_rows.map;
SELECT customer, at, event FROM logged_rows.events ORDER BY 1, 2;
SELECT path, customers FROM logged_bytes.paths;
SELECT path, customers FROM logged_rows.paths;
SELECT entry_event, exit_event FROM logged_bytes.sessions WHERE customer = 2;
SELECT entry_event, exit_event FROM logged_rows.sessions WHERE customer = 2;
SELECT finding, touches, meaning FROM check_map('logged_bytes') WHERE finding <> 'event in no stage';
SELECT finding, touches, meaning FROM check_map('logged_rows') WHERE finding <> 'event in no stage';
-- an expression; a local time
SELECT create_map('logged_local', 'logged', 'who', 'local', 'what', 'start -> name -> sent', sequence => '(id % 1000)::int', time_zone => 'Europe/Riga');
SELECT at, sequence FROM logged_local.map;
SELECT customer, at, event FROM logged_local.events ORDER BY 1, 2 LIMIT 2;

-- A column that is renamed is followed, as in the other expressions.
ALTER TABLE logged RENAME seq TO place;
SELECT finding, subject, meaning FROM check_map('logged_rows') WHERE finding = 'definition out of date';
ALTER TABLE logged RENAME place TO seq;

-- What would come past the next time is refused, with the values, and so is what would move times by seconds.
UPDATE logged SET seq = 999 WHERE id = 3;
SELECT create_map('logged_rows', 'logged', 'who', 'at', 'what', 'start -> name -> sent', sequence => 'seq * 1000', filter => 'id < 1000', replace => true);
SELECT create_map('logged_rows', 'logged', 'who', 'at', 'what', 'start -> name -> sent', sequence => 'seq * 1002', filter => 'id < 1000', replace => true);
UPDATE logged SET at = '2026-01-01 10:00:00.001Z' WHERE id = 4;
SELECT create_map('logged_rows', 'logged', 'who', 'at', 'what', 'start -> name -> sent', sequence => 'seq', filter => 'id < 1000', replace => true);
UPDATE logged SET seq = 1001 WHERE id = 3;
SELECT create_map('logged_rows', 'logged', 'who', 'at', 'what', 'start -> name -> sent', sequence => 'seq', filter => 'id < 1000', replace => true);
SELECT create_map('logged_wrong', 'logged', 'who', 'at', 'what', 'start -> name -> sent', sequence => 'seq / 10.0');
SELECT create_map('logged_wrong', 'logged', 'who', 'at', 'what', 'start -> name -> sent', sequence => 'note');
SELECT create_map('logged_wrong', 'logged', 'who', 'at', 'what', 'start -> name -> sent', sequence => 'row_number() OVER ()');
-- Rows that come later make no view fail: check_map tells.
SELECT finding, touches, meaning FROM check_map('logged_rows') WHERE finding = 'sequence out of place';
INSERT INTO logged SELECT 8, 4, 'infinity', 'never', 5;
SELECT count(*) FROM logged_rows.events WHERE at = 'infinity';
DELETE FROM logged WHERE id = 8;
SELECT cjm_internal.map_in_sequence(at, s) FROM (VALUES ('2026-01-01Z'::timestamptz, 1), ('2026-01-01Z', NULL), (NULL, 1), ('infinity', 1), ('294276-12-31 23:59:59.999999Z', 1), ('4714-11-24 00:00:00Z BC', -1), ('4714-11-24 00:00:00Z BC', 9223372036854775807)) v(at, s);
SELECT drop_map(m) FROM unnest(ARRAY['logged_bytes', 'logged_rows', 'logged_local']) m;
DROP TABLE public.logged;

-- Over random rows paths are those of the rows' order, with and without kept journeys.
CREATE TABLE public.numbered (id serial, who integer, at timestamptz, what text);
INSERT INTO public.numbered (who, at, what)
SELECT 1 + abs(hashint4(i)) % 500, '2026-01-01Z'::timestamptz + i / 400 * interval '1 second', chr(97 + abs(hashint4(i * 7)) % 6) FROM generate_series(1, 5000) i;
SELECT create_map('numbered_rows', 'numbered', 'who', 'at', 'what', 'a -> b', sequence => 'id');
SET client_min_messages = warning;
SELECT create_map('numbered_kept', 'numbered', 'who', 'at', 'what', 'a -> b', sequence => 'id', keep => true);
SELECT refresh_journeys('numbered_kept') IS NULL AS refreshed;
RESET client_min_messages;
INSERT INTO public.numbered (who, at, what) SELECT who, at, 'z' FROM numbered WHERE who % 7 = 0;
UPDATE public.numbered SET id = id + 20000 WHERE who % 11 = 0;
DELETE FROM public.numbered WHERE who % 13 = 0;
SELECT m.name, count(*) AS customers, count(*) FILTER (WHERE m.path IS DISTINCT FROM e.path) AS wrong, (SELECT state FROM numbered_kept.kept) AS kept
FROM (SELECT 'rows' AS name, customer, event_path(journey, 100, true) AS path FROM numbered_rows.journeys UNION ALL SELECT 'kept', customer, event_path(journey, 100, true) FROM numbered_kept.journeys) m
	FULL JOIN (SELECT who, array_agg(what ORDER BY at, id) AS path FROM numbered GROUP BY who) e ON e.who = m.customer
GROUP BY 1 ORDER BY 1;
SELECT count(*) AS differences FROM (SELECT * FROM numbered_rows.transitions EXCEPT SELECT * FROM numbered_kept.transitions) d;
SELECT refresh_journeys('numbered_kept') IS NULL AS refreshed, (SELECT count(*) FROM check_journeys('numbered_kept')) AS differences;
SELECT drop_map(m) FROM unnest(ARRAY['numbered_rows', 'numbered_kept']) m;
DROP TABLE public.numbered;
