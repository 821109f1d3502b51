SET search_path = cjm, public;
\set SHOW_CONTEXT never
-- Which customers a report is about: where_is.  That it is the report of a map of those customers alone, test/t/044_map_where.pl shows of all.
-- Customers 1 to 6: countries LV, EE, none, LV, "null" and what looks like SQL.
CREATE TABLE where_events (customer int, at timestamptz, event text, channel text, country text);
INSERT INTO where_events VALUES
	(1, '2026-01-01 10:00Z', 'view', 'ads', 'LV'), (1, '2026-01-01 10:05Z', 'cart', NULL, 'LV'), (1, '2026-01-02 10:00Z', 'pay', NULL, NULL),
	(2, '2026-01-01 11:00Z', 'view', 'email', 'EE'), (2, '2026-01-01 11:05Z', 'cart', NULL, 'EE'),
	(3, '2026-01-01 12:00Z', 'view', NULL, NULL),
	(4, '2026-01-01 13:00Z', 'view', 'email', 'LV'), (4, '2026-01-08 13:00Z', 'view', 'ads', 'EE'), (4, '2026-01-08 13:05Z', 'cart', NULL, 'EE'),
	(5, '2026-01-01 14:00Z', 'view', 'null', 'null'), (5, '2026-01-01 14:05Z', 'pay', NULL, 'null'),
	(6, '2026-01-01 15:00Z', 'view', $$it's "x"$$, $$') OR true --$$), (6, '2026-01-01 15:01Z', 'view', '\', $${"a",NULL}$$);
SELECT create_map('where_map', 'where_events', 'customer', 'at', 'event', 'view -> cart -> pay within 7 days', channel => 'channel', segment => 'country', time_zone => 'UTC');

-- How many began, went on and came to the end.
CREATE FUNCTION where_counts(where_is jsonb) RETURNS text LANGUAGE sql
RETURN (SELECT string_agg(customers::text, ' ' ORDER BY step) FROM cjm.funnel_report('where_map', where_is => where_is));
SELECT w, where_counts(w) FROM unnest(ARRAY[NULL, '{}', '{"segment": "LV"}', '{"segment": ["LV", "EE"]}', '{"segment": ["LV", "LV", "nobody"]}', '{"segment": null}', '{"segment": [null]}',
	'{"segment": ["EE", null]}', '{"segment": []}', '{"segment": "null"}', '{"segment": ["null", null]}', '{"segment": ""}', '{"segment": "lv"}', '{"segment": " LV"}',
	'{"segment": "LV", "first_channel": "email"}', '{"first_channel": ["ads", null]}', '{"entry_channel": "ads"}', '{"channel": ["ads", "email"], "first_channel": "email"}',
	'{"session_channel": "ads", "segment": "LV"}',
	'{"segment": "'') OR true --"}', '{"segment": "{\"a\",NULL}"}', '{"segment": "%s"}', '{"segment": "$1"}', '{"first_channel": "it''s \"x\""}', '{"first_channel": "\\"}', '{"first_channel": "NULL"}']::jsonb[]) w;
-- Numbers and truth are compared as they are written.
SELECT create_map('where_numbers', 'where_events', 'customer', 'at', 'event', 'view -> cart -> pay', segment => '(customer % 2 = 1)::text', time_zone => 'UTC');
SELECT string_agg(customers::text, ' ' ORDER BY step) FROM funnel_report('where_numbers', where_is => '{"segment": true}');
SELECT create_map('where_numbers', 'where_events', 'customer', 'at', 'event', 'view -> cart -> pay', segment => 'customer::text', time_zone => 'UTC', replace => true);
SELECT w, string_agg(f.customers::text, ' ' ORDER BY step) FROM unnest(ARRAY['{"segment": 1}', '{"segment": [1, "2", 4]}', '{"segment": 1.0}', '{"segment": "1"}']) w, funnel_report('where_numbers', where_is => w::jsonb) f GROUP BY w ORDER BY w COLLATE "C";

-- Nothing else can be asked for.
SELECT FROM funnel_report('where_map', where_is => '[]');
SELECT FROM funnel_report('where_map', where_is => 'null');
SELECT FROM funnel_report('where_map', where_is => '"segment"');
SELECT FROM funnel_report('where_map', where_is => '{"segment": {"not": "LV"}}');
SELECT FROM funnel_report('where_map', where_is => '{"segment": ["LV", ["EE"]]}');
SELECT FROM funnel_report('where_map', where_is => '{"segmnt": "LV"}');
SELECT FROM funnel_report('where_map', where_is => '{"segment": "LV", "j.customer": 1}');
SELECT FROM funnel_report('where_map', where_is => '{"": 1}');
SELECT FROM funnel_report('where_map', where_is => '{"segment) IS NULL OR (j.segment": 1}');
SELECT FROM path_report('where_map', where_is => '{"entry_channel": "ads"}');
SELECT FROM touchpoint_report('where_map', where_is => '{"channel": "ads"}');
SELECT FROM purchase_report('where_map', where_is => '{"session_channel": "ads"}');
SELECT FROM funnel_report('where_map', 'contry');
SELECT FROM session_report('where_map', 'last_event');

-- A week is asked for the walks that begin in it: customer 4 came by email in the first one.
SELECT bucket_start AT TIME ZONE 'UTC' AS week, step, customers FROM funnel_report('where_map', bucket => 'week', where_is => '{"channel": "ads", "segment": "LV"}');
SELECT bucket_start AT TIME ZONE 'UTC' AS week, by_value, customers FROM funnel_report('where_map', 'channel', 'week', from_time => '2026-01-05Z', where_is => '{"segment": ["LV", "EE"]}') WHERE step = 2;

-- Of sessions it asks for sessions, where it names what they have; customers are those who have one.
SELECT by_value, sessions, customers, new_sessions, touches_per_session FROM session_report('where_map', 'entry_event', where_is => '{"visitor": "returning"}');
SELECT by_value, sessions, customers, new_sessions, bounces, mean_time FROM session_report('where_map', 'segment', where_is => '{"channel": "ads", "exit_event": "cart"}');
SELECT by_value, bucket_start AT TIME ZONE 'UTC' AS day, sessions, customers FROM session_report('where_map', 'channel', 'day', from_time => '2026-01-08Z', where_is => '{"visitor": ["new", "returning"]}');
SELECT step, by_value, customers, next_event FROM drop_off_report('where_map', 'next_event', where_is => '{"last_event": "cart", "next_event": null}');

-- Nobody knows what a part of the customers cost.
CREATE TABLE where_spend (day date, channel text, impressions bigint, clicks bigint, cost numeric);
INSERT INTO where_spend VALUES ('2026-01-01', 'ads', 1000, 10, 5), ('2026-01-01', 'radio', 10, 1, 7);
SELECT create_map('where_map', 'where_events', 'customer', 'at', 'event', 'view -> cart -> pay within 7 days', channel => 'channel', segment => 'country', time_zone => 'UTC',
	spend => 'where_spend', replace => true);
SELECT channel, cost, visits, conversions, cpa FROM channels_report('where_map', where_is => '{"channel": ["ads", "radio"]}');
SELECT channel, cost, visits, conversions, cpa FROM channels_report('where_map', where_is => '{"channel": ["ads", "radio"], "segment": "LV"}');

-- A definition does not ask: a column of that name in a view "map" is none of it.
SELECT string_agg(format('%s AS %I', CASE a.attname WHEN 'map' THEN '''where_planted''::regnamespace' ELSE format('(%L::%s)', to_jsonb(m) ->> a.attname, a.atttypid::regtype) END, a.attname), ', ' ORDER BY a.attnum) AS columns
FROM where_map.map m, pg_attribute a WHERE a.attrelid = 'where_map.map'::regclass AND a.attnum > 0 \gset
CREATE SCHEMA where_planted;
CREATE VIEW where_planted.map AS SELECT :columns, '{"segment": "LV"}'::jsonb AS where_is;
CREATE VIEW where_planted.journeys AS SELECT * FROM where_map.journeys;
SELECT string_agg(customers::text, ' ' ORDER BY step) FROM funnel_report('where_planted');

SET client_min_messages = warning;
DROP SCHEMA where_planted CASCADE;
SELECT drop_map('where_map'), drop_map('where_numbers');
DROP FUNCTION where_counts;
DROP TABLE where_events, where_spend;
