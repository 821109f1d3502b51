-- What customers answered, where they stood, and whether they went on: the view feedback, and without_values behind it.
SET search_path = public, cjm;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET IntervalStyle = 'postgres';
\set SHOW_CONTEXT never

CREATE TABLE public.log (customer text, at timestamptz, event text, value float8);
INSERT INTO log VALUES
	-- asked at the first stage after a view: one unhappy who leaves, one unhappy who goes on, one happy who goes on, one neither
	('a', '2021-01-01 10:00Z', 'view', NULL), ('a', '2021-01-01 10:01Z', 'nps', 3),
	('b', '2021-01-01 10:00Z', 'view', NULL), ('b', '2021-01-01 10:01Z', 'nps', 6), ('b', '2021-01-02 10:00Z', 'cart', NULL),
	('c', '2021-01-01 10:00Z', 'view', NULL), ('c', '2021-01-01 10:01Z', 'nps', 10), ('c', '2021-01-02 10:00Z', 'cart', NULL), ('c', '2021-01-03 10:00Z', 'buy', 50),
	('d', '2021-01-01 10:00Z', 'view', NULL), ('d', '2021-01-01 10:01Z', 'nps', 8),
	-- two surveys one after the other: the event before both is the cart; at the same time as the purchase it is the purchase
	('e', '2021-01-01 10:00Z', 'view', NULL), ('e', '2021-01-01 10:01Z', 'cart', NULL), ('e', '2021-01-01 10:02Z', 'csat', 2), ('e', '2021-01-01 10:03Z', 'ces', 7),
	('e', '2021-01-01 11:00Z', 'buy', 20), ('e', '2021-01-01 11:00Z', 'nps', 9),
	-- before the funnel has begun, and with nothing before
	('f', '2021-01-01 10:00Z', 'visit', NULL), ('f', '2021-01-01 10:01Z', 'csat', 5), ('f', '2021-01-01 10:02Z', 'view', NULL),
	('g', '2021-01-01 10:00Z', 'csat', 4),
	-- no answers: no score, or not one of the scale
	('h', '2021-01-01 10:00Z', 'view', NULL), ('h', '2021-01-01 10:01Z', 'nps', NULL), ('h', '2021-01-01 10:02Z', 'nps', 11), ('h', '2021-01-01 10:03Z', 'nps', -1),
	('h', '2021-01-01 10:04Z', 'nps', 7.5), ('h', '2021-01-01 10:05Z', 'csat', 0), ('h', '2021-01-01 10:06Z', 'csat', 6), ('h', '2021-01-01 10:07Z', 'ces', 8),
	('h', '2021-01-01 10:08Z', 'ces', 'NaN'), ('h', '2021-01-01 10:09Z', 'nps', 'Infinity');
-- One who may still go on, and one who already has in a time that is not over
INSERT INTO log VALUES ('i', now() - interval '2 days', 'view', NULL), ('i', now() - interval '1 day', 'nps', 0),
	('j', now() - interval '2 days', 'view', NULL), ('j', now() - interval '1 day', 'nps', 10), ('j', now(), 'cart', NULL);
SELECT create_map('site', 'log', 'customer', 'at', 'event', 'view -> cart -> buy within 7 days', value => 'value', nps => 'nps', csat => 'csat', ces => 'ces');

SELECT step, stage, event, answers, nps_answers, nps, csat_answers, csat, ces_answers, ces FROM site.feedback;
SELECT step, event, nps_low, nps_high, csat_low, csat_high, ces_low, ces_high FROM site.feedback;
SELECT step, stage, event, answers, decided, dropped, drop_rate, unhappy, unhappy_drop_rate, happy, happy_drop_rate FROM site.feedback;
-- The intervals are those of the answers that are counted.
SELECT nps_interval(v), nps(v) FROM unnest(ARRAY[3, 6, 10, 8, 0, 10]) v;

-- A score is no money.
SELECT customer, touches, value FROM site.customers WHERE customer IN ('a', 'c', 'e') ORDER BY customer;
SELECT customer, session_number, touches, value FROM site.sessions WHERE customer IN ('a', 'c', 'e') ORDER BY customer, session_number;
SELECT value FROM session_report('site');
SELECT sum(monetary) FROM site.customers;
-- What is no answer is told.
SELECT finding, subject, touches, meaning FROM check_map('site') WHERE finding LIKE '%answer%' OR subject IN ('nps', 'csat', 'ces', 'visit');

-- Some surveys, one, none
SELECT create_map('site', 'log', 'customer', 'at', 'event', 'view -> cart -> buy within 7 days', value => 'value', csat => 'csat', replace => true);
SELECT step, stage, event, answers, nps_answers, nps, csat, ces_answers, drop_rate, unhappy_drop_rate FROM site.feedback;
SELECT customer, value FROM site.customers WHERE customer = 'e';
SELECT create_map('site', 'log', 'customer', 'at', 'event', 'view -> cart -> buy within 7 days', value => 'value', replace => true);
SELECT count(*) FROM site.feedback;
SELECT customer, value FROM site.customers WHERE customer = 'e';
-- Without a time limit nobody may still go on; an answer is a stage, and the only one
SELECT create_map('site', 'log', 'customer', 'at', 'event', 'view -> cart -> buy', value => 'value', nps => 'nps', replace => true);
SELECT step, event, answers, decided, dropped FROM site.feedback;
SELECT create_map('site', 'log', 'customer', 'at', 'event', 'nps', value => 'value', nps => 'nps', replace => true);
SELECT step, stage, event, answers, decided, drop_rate FROM site.feedback;
-- and what it says is no money: for the customer, as a purchase, for a channel
SELECT customer, value, frequency, monetary, monetary_score FROM site.customers WHERE customer = 'c';
SELECT purchases, value, average_order_value FROM purchase_report('site');
SELECT channel, conversions, revenue FROM channels_report('site');
SELECT model, conversions, value FROM site.attribution WHERE model IN ('linear', 'markov', 'shapley') ORDER BY model;

-- Decided are answers whose customers are not open: not who has begun again since (l), though the walk of the answer is over, but who has not (m),
-- and who went on (n).  Before the funnel (step 0) the time runs from the answer: not yet (o), over (p), over, though not for one who has begun since and is open (q), and over for one who
-- stopped since (r).
BEGIN;
TRUNCATE log;
INSERT INTO log VALUES
	('l', now() - interval '30 days', 'view', NULL), ('l', now() - interval '29 days', 'nps', 3), ('l', now() - interval '1 day', 'view', NULL),
	('m', now() - interval '30 days', 'view', NULL), ('m', now() - interval '29 days', 'nps', 3),
	('n', now() - interval '30 days', 'view', NULL), ('n', now() - interval '29 days', 'nps', 3), ('n', now() - interval '28 days', 'cart', NULL),
	('o', now() - interval '1 minute', 'nps', 9),
	('p', now() - interval '8 days', 'nps', 9),
	('q', now() - interval '8 days', 'nps', 9), ('q', now() - interval '1 day', 'view', NULL),
	('r', now() - interval '30 days', 'nps', 9), ('r', now() - interval '29 days', 'view', NULL);
SELECT create_map('decided', 'log', 'customer', 'at', 'event', 'view -> cart -> buy within 7 days', value => 'value', nps => 'nps');
SELECT customer, step, open FROM decided.customers ORDER BY customer;
SELECT step, answers, decided, dropped, unhappy, unhappy_drop_rate, happy, happy_drop_rate FROM decided.feedback;
-- without a limit nobody is open, and all is decided
SELECT create_map('decided', 'log', 'customer', 'at', 'event', 'view -> cart -> buy', value => 'value', nps => 'nps', replace => true);
SELECT step, answers, decided, dropped FROM decided.feedback;
ROLLBACK;

-- One pass over the rows
CREATE FUNCTION pg_temp.scans(query text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	line text;
	scans integer := 0;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		scans := scans + (line ~ 'Scan on log')::int;
	END LOOP;
	RETURN scans;
END
$$;
SELECT pg_temp.scans('SELECT * FROM site.feedback');

-- Hostile names
INSERT INTO log VALUES ('k', '2021-01-01Z', 'it''s "; -- %s $1 \', 9), ('k', '2021-01-01 00:01Z', 'view', NULL);
SELECT create_map('site', 'log', 'customer', 'at', 'event', 'view -> buy', value => 'value', nps => 'it''s "; -- %s $1 \', csat => '%I', replace => true);
SELECT step, event, nps FROM site.feedback;
SELECT finding, subject, meaning FROM check_map('site') WHERE finding LIKE '%answer%';

-- What cannot be
CREATE FUNCTION public.try_answers(value text, nps text DEFAULT NULL, csat text DEFAULT NULL, ces text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	hint text;
BEGIN
	RETURN 'made ' || cjm.create_map('tried', 'public.log', 'customer', 'at', 'event', 'view -> buy', value => value, nps => nps, csat => csat, ces => ces);
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', SQLSTATE || ' ' || SQLERRM, nullif(hint, ''));
END
$$;
SELECT try_answers(NULL, nps => 'nps');
SELECT try_answers(NULL, ces => 'ces');
SELECT try_answers('value', nps => 'answer', csat => 'csat', ces => 'answer');
SELECT try_answers('value', csat => '');
SELECT create_map('tried', 'log', 'customer', 'at', 'event', 'view', value => 'value', nps => 'NPS', csat => 'csta');
SELECT finding, subject, meaning FROM check_map('tried') WHERE finding LIKE '%answer%';
SELECT drop_map('tried');

-- without_values: the same journey as of rows without these values
SELECT without_values(journey_agg(at, event, NULL, value), '{nps,csat,NULL,"not there"}') = journey_agg(at, event, NULL, CASE WHEN event NOT IN ('nps', 'csat') THEN value END) AS same,
	total_value(without_values(journey_agg(at, event, NULL, value), '{nps,csat}'))
FROM log WHERE customer = 'e';
SELECT without_values(journey_agg(at, event, NULL, value), '{}') = journey_agg(at, event, NULL, value) AS as_it_is,
	without_values(journey_agg(at, event, NULL, value), NULL) IS NULL AS nothing FROM log WHERE customer = 'e';
SELECT without_values('{}', '{a}') AS empty, without_values('{2021-01-01T00:00:00Z a=1, 2021-01-02T00:00:00Z b=2}', '{a}'), without_values('{2021-01-01T00:00:00Z a}', '{a}') AS none;

SELECT drop_map('site');
DROP TABLE log;
DROP FUNCTION try_answers;

-- An answer on the way takes no credit from what brought the customer.
CREATE TABLE credited AS SELECT * FROM (VALUES (1, timestamptz '2021-01-01 10:00Z', 'visit', 'ads', NULL::float8), (1, '2021-01-01 10:01Z', 'cart', 'ads', NULL),
	(1, '2021-01-01 10:02Z', 'nps', NULL, 9), (1, '2021-01-01 10:03Z', 'buy', NULL, 50)) v (customer, at, event, channel, value);
SELECT create_map('credited_map', 'credited', 'customer', 'at', 'event', 'visit -> buy', 'channel', 'value', nps => 'nps', time_zone => 'UTC');
SELECT channel, model, conversions, value FROM credited_map.attribution ORDER BY model;
SELECT channel, conversions, revenue FROM credited_map.channels ORDER BY channel;
SELECT answers, nps FROM credited_map.feedback;
SELECT drop_map('credited_map');
DROP TABLE credited;
