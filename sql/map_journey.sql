-- The views of a map that look at the journey itself, and what to improve, where there is little or strange data.  Numbers are tested in test/t/033_map_journey.pl.
SET search_path = cjm, public;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET IntervalStyle = 'postgres';
\set VERBOSITY terse
\set SHOW_CONTEXT never

CREATE SCHEMA journeys_test;
CREATE TABLE journeys_test.events (who int, at timestamptz, what text, via text, land text);

-- Nobody
SELECT create_map('empty', 'journeys_test.events', 'who', 'at', 'what', 'a -> b -> c within 1 hour', 'via', segment => 'land');
SELECT * FROM empty.touchpoints;
SELECT * FROM empty.stages;
SELECT * FROM empty.transitions;
SELECT * FROM empty.paths;
SELECT * FROM touchpoint_report('empty', 'channel', '2026-01-01', '2027-01-01');
SELECT * FROM stage_report('empty', 'segment');
SELECT * FROM stage_report('empty', from_time => '2026-01-01');
SELECT * FROM transition_report('empty', depth => 3);
SELECT * FROM path_report('empty', 'channel');
SELECT * FROM weakest_step('empty');
SELECT * FROM weakest_step('empty', target => 0.5);
SELECT * FROM what_if('empty', '{"2": 0.5}');
SELECT * FROM funnel_drivers('empty');

-- One customer; the map is made over the table, not over what was in it.
INSERT INTO journeys_test.events VALUES (1, '2026-01-01 10:00Z', 'x', 'ads', 'LV'), (1, '2026-01-01 10:01Z', 'a', 'ads', 'LV'), (1, '2026-01-01 10:02Z', 'mail', 'email', 'LV'), (1, '2026-01-01 10:03Z', 'b', NULL, 'LV');
SELECT step, stage, event, customers, share, touches, compared_within, with_customers, with_went_on, with_rate, without_customers, without_went_on, without_rate, difference FROM empty.touchpoints;
SELECT step, stage, converted, customers, share, open_customers, median_days_since > 300 AS long_ago, open_median_days_since FROM empty.stages;
SELECT * FROM empty.transitions;
SELECT * FROM empty.paths;
SELECT * FROM transition_report('empty', 'channel', depth => 2);
SELECT * FROM path_report('empty', 'channel');
SELECT * FROM path_report('empty', from_time => '2026-01-02');
-- Nobody goes on from step 2, so that more customers there would not be more who convert.
SELECT * FROM weakest_step('empty', target => 1);
SELECT * FROM weakest_step('empty', by => 'channel');
SELECT * FROM what_if('empty', '{"c": 0.25}');
SELECT * FROM what_if('empty', '{"2": 0}');
SELECT * FROM what_if('empty', '{}');
SELECT count(*) FROM funnel_drivers('empty');
INSERT INTO journeys_test.events SELECT 2, at, what, via, 'EE' FROM journeys_test.events WHERE what <> 'mail';
INSERT INTO journeys_test.events VALUES (2, '2026-01-01 10:04Z', 'c', NULL, 'EE');
-- One with and one without: one half more everywhere, and nothing to test.  They came by ads, and so before the funnel began: with that nobody can be compared.
SELECT kind, driver, with_customers, with_converted, without_customers, without_rate, round(odds_ratio::numeric, 6) AS odds_ratio, p_value, adjusted_p_value, compared_within FROM funnel_drivers('empty');
SELECT step, customers_before, customers, best, best_customers, target_rate, more_customers, more_converted FROM weakest_step('empty');

-- Of 32 segments of 300 customers, of which 40 in 100 go from a to b, one is lucky with 46, and all 9 of another do: nobody is surely better than all.
CREATE TABLE journeys_test.land_events AS
SELECT land || '-' || n AS who, land, timestamptz '2026-01-01Z' + k * interval '1 min' AS at, (ARRAY['a', 'b', 'c'])[k] AS what
FROM (SELECT 'land ' || l, 300, 0.4 FROM generate_series(1, 31) l UNION ALL VALUES ('lucky', 300, 0.46), ('tiny', 9, 1)) lands(land, customers, rate)
	CROSS JOIN generate_series(1, customers) n CROSS JOIN generate_series(1, 3) k WHERE k = 1 OR (n <= rate * customers AND (k = 2 OR n <= 0.75 * rate * customers));
SELECT create_map('lands', 'journeys_test.land_events', 'who', 'at', 'what', 'a -> b -> c', segment => 'land');
SELECT step, round(step_rate::numeric, 4) AS step_rate, best, best_customers, round(best_rate::numeric, 4) AS best_rate, round(target_rate::numeric, 4) AS target_rate, more_customers, more_converted FROM weakest_step('lands', 'segment');
-- Beside two of them one of 30 customers who all go on is: by the lower end of one of six intervals, since three segments are compared at two steps.  One of 29 is not looked at.
DELETE FROM journeys_test.land_events WHERE land LIKE 'land _%' AND land <> 'land 1';
INSERT INTO journeys_test.land_events SELECT 'better-' || n, 'better', timestamptz '2026-01-01Z' + k * interval '1 min', (ARRAY['a', 'b', 'c'])[k]
FROM generate_series(1, 30) n CROSS JOIN generate_series(1, 3) k WHERE k < 3 OR n = 1;
SELECT w.step, round(w.step_rate::numeric, 4) AS step_rate, w.best, w.best_customers, round(w.best_rate::numeric, 4) AS best_rate, round(w.target_rate::numeric, 4) AS target_rate, w.target_rate = i.rate_low AS as_said,
	round(w.more_customers::numeric, 2) AS more_customers, round(w.more_converted::numeric, 2) AS more_converted
FROM weakest_step('lands') w CROSS JOIN LATERAL rate_interval((w.best_rate * w.best_customers)::bigint, w.best_customers, 6) i;
DELETE FROM journeys_test.land_events WHERE who = 'better-30';
SELECT step, best, best_customers FROM weakest_step('lands');
SELECT drop_map('lands');

-- Whom touchpoints are compared with.  Of 100 customers 30 meet x a minute after a and go on, 5 pass the optional stage before that, and 6 go on at once; a stage that is left as it is reached
-- is compared with nobody.  What rests on 30 customers may be a sure difference, what rests on 29 is none; neither may what one of many such touchpoints shows.
CREATE TABLE journeys_test.met AS
SELECT c AS who, timestamptz '2026-01-01Z' + after * interval '1 s' AS at, what
FROM generate_series(1, 100) c CROSS JOIN LATERAL (VALUES ('a', 0, true), ('x', 60, c <= 30), ('maybe', 30, c BETWEEN 31 AND 35), ('c', CASE WHEN c BETWEEN 36 AND 41 THEN 0 ELSE 120 END, c <= 55)) e(what, after, does) WHERE does;
SELECT create_map('met', 'journeys_test.met', 'who', 'at', 'what', 'a -> optional maybe -> c');
SELECT step, event, customers, compared_within, with_customers, with_went_on, without_customers, without_rate, round(difference::numeric, 4) AS difference, round(difference_low::numeric, 4) AS low, sure FROM met.touchpoints WHERE event = 'x';
DELETE FROM journeys_test.met WHERE who = 30 AND what = 'x';
SELECT with_customers, round(difference::numeric, 4) AS difference, difference_low > 0 AS leaves_out_0, sure FROM met.touchpoints WHERE event = 'x';
-- 24 of 40 who meet a touchpoint go on, and 240 of 600: one such is a sure difference, and one of a hundred is not.
DELETE FROM journeys_test.met;
INSERT INTO journeys_test.met SELECT c, timestamptz '2026-01-01Z' + after * interval '1 s', what
FROM generate_series(1, 640) c CROSS JOIN LATERAL (VALUES ('a', 0, true), ('x', 60, c <= 40), ('c', 120, c % 640 <= 24 OR c > 400)) e(what, after, does) WHERE does;
SELECT event, with_customers, with_rate, without_customers, without_rate, round(difference_low::numeric, 4) AS low, sure FROM met.touchpoints WHERE event = 'x';
INSERT INTO journeys_test.met SELECT 40 + 5 * n + i, '2026-01-01 00:01Z', 'y' || n FROM generate_series(1, 99) n CROSS JOIN generate_series(1, 35) i;
SELECT event, with_customers, with_rate, without_customers, without_rate, round(difference_low::numeric, 4) AS low, sure FROM met.touchpoints WHERE event = 'x';
SELECT drop_map('met');

-- Optional stages: to improve them helps nobody on, and they are no step to improve.
SELECT create_map('optional', 'journeys_test.events', 'who', 'at', 'what', 'x -> optional mail -> b -> c -> optional late', segment => 'land');
SELECT step, stage, customers, new_customers, new_step_rate FROM what_if('optional', '{"mail": 1, "c": 1}');
-- What is not touched stays to the last digit, whatever its rate: 4,001 of 7,919, and 1,013 of those.
CREATE TABLE many AS SELECT c AS who, timestamptz '2026-01-01Z' + k * interval '1 min' AS at, (ARRAY['a', 'b', 'c', 'd'])[k] AS what
FROM generate_series(1, 7919) c CROSS JOIN generate_series(1, 4) k WHERE k = 1 OR (k = 2 AND c <= 4001) OR (k = 3 AND c <= 1013) OR (k = 4 AND c <= 997);
SELECT create_map('many_map', 'many', 'who', 'at', 'what', 'a -> b -> c -> d');
SELECT given, array_agg(difference ORDER BY step) FILTER (WHERE step < 4) AS untouched FROM unnest(ARRAY['{}', '{"d": 0.5}', '{"2": 1}']::jsonb[]) given CROSS JOIN LATERAL what_if('many_map', given) GROUP BY 1 ORDER BY 1;
SELECT drop_map('many_map');
DROP TABLE many;
SELECT step, stage, customers_before, customers, target_rate, more_converted FROM weakest_step('optional', target => 1);
SELECT step, event, customers, with_went_on, without_customers FROM optional.touchpoints ORDER BY step, event;
SELECT step, stage, converted, customers FROM optional.stages;

-- A path ends with the first completion, though a later walk that passes the optional stage wins.
INSERT INTO journeys_test.events SELECT 5, timestamptz '2026-02-01Z' + n * interval '1 s', what FROM (VALUES (1, 'a'), (2, 'b'), (3, 'z'), (10, 'a'), (11, 'b'), (12, 'c')) e(n, what);
INSERT INTO journeys_test.events SELECT 6, timestamptz '2026-02-01Z' + n * interval '1 s', what FROM (VALUES (1, 'a'), (2, 'b'), (2, 'c'), (3, 'z')) e(n, what);
INSERT INTO journeys_test.events SELECT 7, timestamptz '2026-02-01Z' + n * interval '1 s', what FROM (VALUES (1, 'a'), (2, 'z'), (3, 'a')) e(n, what);
SELECT create_map('later', 'journeys_test.events', 'who', 'at', 'what', 'a -> b -> optional c', filter => 'who > 4');
SELECT customer, step_times FROM later.customers ORDER BY customer;
SELECT * FROM later.paths;
SELECT path, converted FROM path_report('later', repeats => true);
SELECT create_map('later', 'journeys_test.events', 'who', 'at', 'what', 'a -> b -> optional c -> optional z within 5 seconds strict', filter => 'who > 4', replace => true);
SELECT path, converted FROM later.paths;
SELECT drop_map('later');
DELETE FROM journeys_test.events WHERE who > 4;

-- What cannot be
SELECT * FROM touchpoint_report('empty', 'value');
SELECT * FROM touchpoint_report('empty', from_time => '2027-01-01', to_time => '2026-01-01');
SELECT * FROM stage_report('empty', 'last_event');
SELECT * FROM transition_report('empty', 'segment');
SELECT * FROM transition_report('empty', 'country');
SELECT * FROM transition_report('empty', depth => 1);
SELECT * FROM path_report('empty', depth => 0);
SELECT * FROM path_report('emtpy');
SELECT * FROM weakest_step('empty', target => 1.5);
SELECT * FROM weakest_step('empty', target => 'NaN');
SELECT * FROM weakest_step('empty', 'value');
SELECT * FROM weakest_step('optional', 'channel');
SELECT * FROM what_if('empty', '[0.5]');
SELECT * FROM what_if('empty', '{"4": 0.5}');
SELECT * FROM what_if('empty', '{"1": 0.5}');
SELECT * FROM what_if('empty', '{"a": 0.5}');
SELECT * FROM what_if('optional', '{"mial": 0.5}');
SELECT * FROM what_if('empty', '{"2": 1.1}');
SELECT * FROM what_if('empty', '{"2": -0.1}');
SELECT * FROM what_if('empty', '{"2": "0.5"}');
SELECT * FROM what_if('empty', '{"2": null}');
SELECT * FROM what_if('empty', '{"2": 1e400}');
SELECT * FROM what_if('empty', '{"2": 0.5, "b": 0.6}');

-- Names that are numbers, the same or strange
SELECT create_map('A"; DROP TABLE journeys_test.events; --', 'journeys_test.events', 'who', 'at', 'what', '"2": a -> b -> "it''s $1 %L > ""x""": c -> b -> x', 'via', segment => 'land');
SELECT * FROM what_if('A"; DROP TABLE journeys_test.events; --', '{"2": 0.5}');
SELECT * FROM what_if('A"; DROP TABLE journeys_test.events; --', '{"b": 0.5}');
-- a number is that of a step, whatever stages are called; other names may be numbers
SELECT create_map('numbers', 'journeys_test.events', 'who', 'at', 'what', 'x -> "3": b -> "7": c');
SELECT step, stage, new_step_rate FROM what_if('numbers', '{"3": 0.25, "2": 0.5}');
SELECT step, stage, new_step_rate FROM what_if('numbers', '{"7": 0.25}');
SELECT * FROM what_if('numbers', '{"7": 0.25, "3": 0.5}');
SELECT drop_map('numbers');
SELECT step, stage, new_customers FROM what_if('A"; DROP TABLE journeys_test.events; --', '{"it''s $1 %L > \"x\"": 0.5, "4": 1}');
SELECT step, stage, converted FROM stage_report('A"; DROP TABLE journeys_test.events; --');
INSERT INTO journeys_test.events VALUES (3, '2026-01-01 10:00Z', 'it''s $1 %s \ " > <script>', '''; --', ''';'), (3, '2026-01-01 10:01Z', 'a', '%I', ''';');
INSERT INTO journeys_test.events SELECT 4, timestamptz '2026-01-01 10:00Z' + n * interval '1 min', what, NULL, 'LV' FROM unnest(ARRAY['a', 'b', 'c', 'b', 'x']) WITH ORDINALITY e(what, n);
SELECT event, customers FROM "A""; DROP TABLE journeys_test.events; --".touchpoints WHERE event LIKE 'it%';
SELECT source, target, value FROM transition_report('A"; DROP TABLE journeys_test.events; --', 'channel', depth => 2) ORDER BY source COLLATE "C";
SELECT path, nodes FROM path_report('A"; DROP TABLE journeys_test.events; --', from_time => '2026-01-01 10:00Z', to_time => '2026-01-01 10:01Z') ORDER BY path COLLATE "C";
SELECT kind, driver, with_customers FROM funnel_drivers('A"; DROP TABLE journeys_test.events; --') WHERE driver ~ '[''%]' ORDER BY driver COLLATE "C";
SELECT count(*) FROM weakest_step('A"; DROP TABLE journeys_test.events; --', by => 'channel');

-- A map made before there were these views gets them when it is made anew; what others built on it stays.
CREATE VIEW journeys_test.mine AS SELECT * FROM optional.customers;
DROP VIEW optional.touchpoints, optional.stages, optional.transitions, optional.paths;
SELECT create_map('optional', 'journeys_test.events', 'who', 'at', 'what', 'x -> optional mail -> b -> c -> optional late', segment => 'land', replace => true);
SELECT count(*) FROM optional.touchpoints, optional.stages;
SELECT count(*) AS columns, count(col_description(attrelid, attnum)) AS commented FROM pg_attribute WHERE attnum > 0 AND attrelid IN ('optional.touchpoints'::regclass, 'optional.stages'::regclass, 'optional.transitions'::regclass, 'optional.paths'::regclass);

\set VERBOSITY terse
SET client_min_messages = warning;
SELECT drop_map('empty');
SELECT drop_map('optional', true);
SELECT drop_map('A"; DROP TABLE journeys_test.events; --');
DROP SCHEMA journeys_test CASCADE;

-- Paths and transitions of sessions, which do not lead from one visit to another a week later.
CREATE SCHEMA journeys_test;
CREATE TABLE journeys_test.reads (who int, at timestamptz, page text);
INSERT INTO journeys_test.reads VALUES (1, '2026-03-02 09:00Z', 'start'), (1, '2026-03-02 09:04Z', 'plans'), (1, '2026-03-10 09:00Z', 'news'), (1, '2026-03-10 09:02Z', 'help'), (1, '2026-03-10 09:02:30Z', 'help'),
	(2, '2026-03-02 09:00Z', 'start'), (2, '2026-03-02 09:02Z', 'plans'), (3, '2026-03-02 09:00Z', 'ad'), (3, '2026-03-02 10:00Z', 'plans');
SELECT create_map('reads', 'journeys_test.reads', 'who', 'at', 'page', 'start -> help');
SELECT * FROM transition_report('reads');
SELECT * FROM transition_report('reads', per => 'session');
SELECT * FROM transition_report('reads', per => 'session', depth => 2, repeats => true);
SELECT * FROM path_report('reads');
SELECT * FROM path_report('reads', per => 'session');
SELECT * FROM path_report('reads', length => 3);
SELECT * FROM path_report('reads', per => 'session', length => 2);
SELECT * FROM path_report('reads', after => 'plans');
SELECT * FROM path_report('reads', before => 'plans', per => 'session', from_time => '2026-03-02 08:00Z', to_time => '2026-03-03Z');
SELECT * FROM path_report('reads', after => 'nothing of the kind', per => NULL);
SELECT * FROM path_report('reads', per => 'visitor');
SELECT * FROM path_report('reads', length => 0);
SELECT * FROM path_report('reads', depth => 0);
SELECT * FROM transition_report('reads', per => 'day');
SELECT drop_map('reads');
-- Sessions are the visits where the map says what that is.
SELECT create_map('reads', 'journeys_test.reads', 'who', 'at', 'page', 'start -> help', visit => 'start | news | plans');
SELECT path, customers, times FROM path_report('reads', per => 'session');
SELECT drop_map('reads');
DROP SCHEMA journeys_test CASCADE;
