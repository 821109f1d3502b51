-- What customers bought, what channels cost and what they brought: customers, spend, channels, channels_report.
SET search_path = public, cjm;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET IntervalStyle = 'postgres';
\set SHOW_CONTEXT never

-- Monday, 1 March 2021 begins in Riga at 22:00 of Sunday in UTC.
CREATE TABLE public.log (customer text, at timestamptz, event text, channel text, value float8);
INSERT INTO log VALUES
	-- ads, then mail, and the purchase on the same visit
	('anna', '2021-03-01 10:00Z', 'view', 'ads', NULL), ('anna', '2021-03-02 10:00Z', 'view', 'mail', NULL), ('anna', '2021-03-02 10:01Z', 'view', 'mail', NULL),
	('anna', '2021-03-02 10:02Z', 'buy', 'mail', 30),
	-- seen in one week, bought in the next, and again without anything between
	('boris', '2021-03-07 21:59Z', 'view', 'ads', NULL), ('boris', '2021-03-07 22:00Z', 'buy', 'ads', 10), ('boris', '2021-03-20 12:00Z', 'buy', NULL, 20),
	-- a week that begins in Riga and not yet in UTC; looks only
	('cilla', '2021-02-28 22:00Z', 'view', 'ads', NULL), ('cilla', '2021-02-28 21:59Z', 'view', NULL, NULL),
	-- a purchase of no value, by an event of the last stage that is another one
	('dace', '2021-03-03 10:00Z', 'view', 'friend', NULL), ('dace', '2021-03-03 10:01Z', 'order', 'friend', NULL);
CREATE TABLE public.ad_spend (day date, channel varchar(20), impressions integer, clicks bigint, cost numeric(8,2), note text);
INSERT INTO ad_spend VALUES ('2021-03-01', 'ads', 1000, 20, 10), ('2021-03-07', 'ads', 1000, 10, 5), ('2021-03-08', 'ads', 0, 0, 0), ('2021-03-15', 'ads', NULL, NULL, NULL),
	('2021-03-01', 'tv', 500, 0, 100), ('2021-03-02', '', 10, 1, 1), (NULL, 'ads', 1, 1, 1), ('2021-03-03', 'mali', 1, 1, 0.5);
SELECT create_map('site', 'log', 'customer', 'at', 'event', 'view -> buy | order within 30 days', 'channel', 'value', time_zone => 'Europe/Riga', spend => 'ad_spend');
SELECT source, spend, attribution, nps, csat, ces FROM maps;
SELECT * FROM site.spend ORDER BY day, channel;

-- Credit of the last touchpoint before the conversion, in the week of the conversion; ads of 1 March are of the week from then on.
-- The second purchase of boris completes no funnel.
SELECT * FROM site.channels;
-- The first touchpoint, over all time; spend without a day is in none of it
SELECT channel, cost, visits, conversions, cpa, revenue, roas, roi FROM channels_report('site', model => 'first_touch');
-- Thirds for the touchpoints of anna, halves for the two visits
SELECT channel, round(conversions::numeric, 6) AS conversions, revenue FROM channels_report('site', model => 'linear') WHERE conversions > 0;
SELECT channel, conversions, revenue FROM channels_report('site', model => 'linear', per => 'session') WHERE conversions > 0;
-- By the week of the touchpoint: the conversion of boris is one of the week before
SELECT channel, bucket_start, visits, conversions, revenue FROM channels_report('site', bucket => 'week', dated => 'touchpoint') WHERE conversions > 0;
SELECT channel, bucket_start, visits, conversions, revenue FROM channels_report('site', bucket => 'week') WHERE conversions > 0;
-- Of a range: days that begin in it, visits and purchases in it
SELECT channel, cost, visits, conversions, revenue FROM channels_report('site', from_time => '2021-03-01 22:00Z', to_time => '2021-03-07 22:00Z');
SELECT channel, bucket_start, cost, visits FROM channels_report('site', bucket => 'Day', from_time => '2021-02-28 22:00Z', to_time => '2021-03-02 22:00Z');
SELECT count(*) FROM channels_report('site', from_time => '2030-01-01Z');

-- Recency, frequency, monetary value.  Scores: one more for each fifth of the buyers that has less; equal values have equal scores.
SELECT customer, last_purchase_at, frequency, monetary, recency_score, frequency_score, monetary_score FROM site.customers ORDER BY customer;
SELECT bool_and(recency = now() - last_purchase_at AND abs(recency_days * 86400 - extract(epoch FROM recency)) < 0.001) FROM site.customers WHERE frequency > 0;
INSERT INTO log SELECT 'bulk ' || n, timestamptz '2021-04-01Z' + n / 2 * interval '1 day', 'buy', NULL, n % 3 FROM generate_series(1, 10) n;
SELECT customer, last_purchase_at, recency_score, frequency_score, monetary, monetary_score FROM site.customers WHERE customer LIKE 'bulk%' ORDER BY last_purchase_at, customer;
DELETE FROM log WHERE customer LIKE 'bulk%';
-- A stage of any event, and of a channel
SELECT create_map('any', 'log', 'customer', 'at', 'event', 'view -> *@ads | "it''s; --"', 'channel', 'value');
SELECT customer, frequency, monetary FROM "any".customers WHERE frequency > 0 ORDER BY customer;
SELECT customers, purchases, value FROM purchase_report('any');
SELECT drop_map('any');

-- A query that asks for no score reads the journeys once, and one that asks for no purchase opens none of them for it.
CREATE FUNCTION pg_temp.plan(query text) RETURNS TABLE (scans bigint, purchases boolean) LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	scans := 0;
	purchases := false;
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF, VERBOSE) ' || query LOOP
		scans := scans + (line ~ 'Scan on public.log')::int;
		purchases := purchases OR line ~ 'purchase_stats';
	END LOOP;
	RETURN NEXT;
END
$$;
SELECT q, p.* FROM unnest(ARRAY['SELECT customer, step, converted, value FROM site.customers', 'SELECT customer, recency, frequency, monetary FROM site.customers',
	'SELECT customer, recency_score, frequency_score, monetary_score FROM site.customers', 'SELECT * FROM site.channels']) q, pg_temp.plan(q) p;

-- Maps without spend, and without values
SELECT create_map('site', 'log', 'customer', 'at', 'event', 'view -> buy', 'channel', time_zone => 'Europe/Riga', replace => true);
SELECT * FROM site.spend;
SELECT week, channel, cost, roi, visits, conversions, revenue FROM site.channels WHERE channel = 'ads';
SELECT customer, frequency, monetary, monetary_score FROM site.customers WHERE frequency > 0 ORDER BY customer;
-- Nothing at all
CREATE TABLE public.nothing (LIKE log);
SELECT create_map('empty', 'nothing', 'customer', 'at', 'event', 'view -> buy', 'channel', 'value', spend => 'ad_spend', attribution => 'linear');
SELECT channel, cost, visits, conversions, revenue, roas FROM channels_report('empty');
SELECT * FROM empty.customers;
TRUNCATE ad_spend;
SELECT * FROM empty.channels;
SELECT * FROM empty.feedback;
SELECT drop_map('empty');

-- A map that was made before there were spend and feedback has none.
CREATE SCHEMA old;
CREATE VIEW old.map AS SELECT 'old'::regnamespace AS map, 'log'::regclass AS source, 'customer'::text AS customer, 'at'::text AS at, 'event'::text AS event,
	'channel'::text AS channel, 'value'::text AS value, NULL::text AS segment, 'first'::text AS segment_at, NULL::text AS filter, 'view -> buy'::funnel AS stages,
	'30 minutes'::interval AS session_gap, 'UTC'::text AS time_zone, 'owner'::text AS access;
CREATE VIEW old.events AS SELECT * FROM site.events;
CREATE VIEW old.journeys AS SELECT * FROM site.journeys;
SELECT map, stages, spend, attribution, nps FROM maps ORDER BY map::text;
SELECT step, customers FROM funnel_report('old');
SELECT finding, touches FROM check_map('old') WHERE finding = 'no channel';
CREATE OR REPLACE VIEW old.map AS SELECT 'old'::regnamespace AS map, 'log'::regclass AS source, 'customer'::text AS customer, 'at'::text AS at, 'event'::text AS event,
	'channel'::text AS channel, 'value'::text AS value, NULL::text AS segment, 'first'::text AS segment_at, NULL::text AS filter, 'view -> buy'::funnel AS stages,
	'30 minutes'::interval AS session_gap, 'UTC'::text AS time_zone, 'owner'::text AS access, now()::text AS attribution;
SELECT map FROM maps;
DROP SCHEMA old CASCADE;

-- What is wrong, exactly
\set VERBOSITY default
CREATE FUNCTION public.try_spend(spend regclass, channel text DEFAULT 'channel', attribution text DEFAULT 'linear') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	hint text;
BEGIN
	RETURN 'made ' || cjm.create_map('tried', 'public.log', 'customer', 'at', 'event', 'view -> buy', channel, 'value', spend => spend, attribution => attribution, replace => true);
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', SQLSTATE || ' ' || SQLERRM, nullif(hint, ''));
END
$$;
CREATE DOMAIN public.money_of_ours AS numeric(10,2);
CREATE DOMAIN public.more_of_it AS money_of_ours CHECK (VALUE >= 0);
CREATE TYPE public.channels AS ENUM ('ads', 'mail');
CREATE VIEW public.spend_view AS SELECT day, 'ads'::channels AS channel, impressions::numeric, clicks::smallint, cost::more_of_it FROM ad_spend;
CREATE MATERIALIZED VIEW public.spend_kept AS SELECT day, channel::name, impressions, clicks, cost::real FROM ad_spend;
CREATE TABLE public.few (day date, "Channel" text, clicks integer);
CREATE VIEW public.spend_at AS SELECT now() AS day, channel, impressions, clicks, cost FROM ad_spend;
CREATE VIEW public.spend_by AS SELECT day, 1 AS channel, impressions, clicks, cost FROM ad_spend;
CREATE VIEW public.spend_shown AS SELECT day, channel, impressions::float8, clicks, cost FROM ad_spend;
CREATE VIEW public.spend_clicked AS SELECT day, channel, impressions, clicks::text, cost FROM ad_spend;
CREATE VIEW public.spend_cost AS SELECT day, channel, impressions, clicks, cost::money FROM ad_spend;
CREATE TEMP TABLE spend_temp (LIKE ad_spend);
CREATE INDEX spend_index ON ad_spend (day);
CREATE SEQUENCE public.spend_sequence;
SELECT s, try_spend(s::regclass) FROM unnest(ARRAY['ad_spend', 'spend_view', 'spend_kept', 'few', 'spend_at', 'spend_by', 'spend_shown', 'spend_clicked', 'spend_cost',
	'spend_temp', 'spend_index', 'spend_sequence', 'tried.spend', 'tried.channels', 'pg_class']) s;
SELECT try_spend('ad_spend', channel => NULL);
SELECT m AS model, try_spend('ad_spend', attribution => m) FROM unnest(ARRAY['first_touch', 'time_decay', 'last', '']) m;
SELECT create_map('tried', 'log', 'customer', 'at', 'event', 'view', spend => 'nowhere');
SELECT * FROM channels_report('site', model => 'best');
SELECT * FROM channels_report('site', bucket => 'hour');
SELECT * FROM channels_report('site', bucket => 'fortnight');
SELECT * FROM channels_report('site', dated => 'click');
SELECT * FROM channels_report('site', per => 'visit');
SELECT * FROM channels_report('site', from_time => '2021-01-02Z', to_time => '2021-01-01Z');
SELECT * FROM channels_report('nowhere');
SELECT cjm_internal.map_check_spend(0::regclass);
SELECT drop_map('tried');

-- Renaming is followed, dropping refused.
INSERT INTO ad_spend VALUES ('2021-03-01', 'ads', 1000, 20, 10);
SELECT create_map('site', 'log', 'customer', 'at', 'event', 'view -> buy', 'channel', 'value', time_zone => 'Europe/Riga', spend => 'ad_spend', replace => true);
ALTER TABLE ad_spend RENAME TO "odd ""name; --";
ALTER TABLE "odd ""name; --" RENAME day TO "the day";
SELECT spend FROM maps;
SELECT channel, cost, visits FROM channels_report('site') WHERE channel = 'ads';
SELECT week, cost FROM site.channels WHERE cost > 0;
\set VERBOSITY terse
DROP TABLE "odd ""name; --";
ALTER TABLE "odd ""name; --" DROP COLUMN cost;
\set VERBOSITY default
SELECT create_map('site', 'log', 'customer', 'at', 'event', 'view -> buy', 'channel', 'value', spend => '"odd ""name; --"', replace => true);
ALTER TABLE "odd ""name; --" RENAME "the day" TO day;
SELECT create_map('site', 'log', 'customer', 'at', 'event', 'view -> buy', 'channel', 'value', spend => '"odd ""name; --"', replace => true);
-- What check_map finds
INSERT INTO "odd ""name; --" VALUES (NULL, 'ads', 1, 1, 1), ('2021-03-03', 'mali', 1, 1, 0.5), ('2021-03-03', 'it''s "%s"', 1, 1, 7), ('2021-03-04', 'mali', 1, 1, 1);
SELECT finding, subject, touches, meaning FROM check_map('site') WHERE finding LIKE 'spend%';

-- What is no number makes no view fail, and is told: of values, and of spend.
CREATE TABLE public.strange (customer text, at timestamptz, event text, channel text, value float8);
INSERT INTO strange VALUES
	('a', '2021-03-01Z', 'visit', 'ads', NULL), ('a', '2021-03-02Z', 'buy', NULL, 10),
	('b', '2021-03-01Z', 'visit', 'ads', NULL), ('b', '2021-03-02Z', 'buy', NULL, 'NaN'),
	('c', '2021-03-01Z', 'visit', 'mail', NULL), ('c', '2021-03-02Z', 'buy', NULL, 20),
	('d', '2021-03-01Z', 'visit', 'ads', 'Infinity'), ('e', '2021-03-01Z', 'visit', 'ads', '-Infinity'), ('f', '2021-03-01Z', 'visit', 'ads', 1e18),
	('g', '2021-03-01Z', 'visit', 'ads', 9e17);
CREATE TABLE public.strange_spend (day date, channel text, impressions numeric, clicks numeric, cost float8);
INSERT INTO strange_spend VALUES ('2021-03-01', 'ads', 'NaN', 3, 'Infinity'), ('2021-03-01', 'ads', 1.4, '-Infinity', 7), ('2021-03-01', 'ads', 1.4, 1e18, 'NaN'),
	('2021-03-01', 'mail', 'NaN', NULL, 'NaN'), ('2021-03-01', 'tv', NULL, NULL, 'NaN'), ('2021-03-01', 'tv', 1.4, 0, 5);
SELECT create_map('strange', 'strange', 'customer', 'at', 'event', 'visit -> buy', 'channel', 'value', spend => 'strange_spend');
SELECT channel, model, conversions, round(value::numeric, 6) AS value, round(value_share::numeric, 6) AS value_share FROM strange.attribution WHERE model IN ('linear', 'markov', 'shapley');
SELECT channel, impressions, clicks, ctr, cost, cpc, conversions, cpa, revenue, roas, roi FROM strange.channels;
SELECT finding, subject, touches, meaning FROM check_map('strange') WHERE finding ~ 'number|never seen';
UPDATE strange SET value = 'Infinity' WHERE value = 'NaN';
SELECT channel, model, round(value::numeric, 6) AS value FROM strange.attribution WHERE model IN ('linear', 'markov', 'shapley');
UPDATE strange SET value = -1e18 WHERE value = 'Infinity' AND event = 'buy';
SELECT channel, model, round(value::numeric, 6) AS value FROM strange.attribution WHERE model IN ('linear', 'markov', 'shapley');
-- The aggregates themselves say it.
\set VERBOSITY terse
SELECT markov_attribution(journey, 'visit -> buy') FROM strange.journeys;
SELECT shapley_attribution(journey, 'visit -> buy') FROM strange.journeys;
\set VERBOSITY default
SELECT drop_map('strange');
-- nor does the least integer
CREATE TABLE public.least (customer int, at timestamptz, event text, value int);
INSERT INTO least VALUES (1, '2021-03-01Z', 'buy', -2147483648);
SELECT create_map('strange', 'least', 'customer', 'at', 'event', 'buy', value => 'value');
SELECT finding FROM check_map('strange');
SELECT drop_map('strange');
DROP TABLE strange, strange_spend, least;

SELECT drop_map('site');
DROP VIEW spend_view, spend_at, spend_by, spend_shown, spend_clicked, spend_cost;
DROP MATERIALIZED VIEW spend_kept;
DROP TABLE log, nothing, few, "odd ""name; --", spend_temp;
DROP SEQUENCE spend_sequence;
DROP FUNCTION try_spend;
DROP DOMAIN more_of_it, money_of_ours;
DROP TYPE channels;

-- Money to the digit, with its scale: amounts, their neighbours among float8, sums of amounts, all sizes, what is no number.
WITH money AS (
	SELECT m.v FROM (SELECT hashint8extended(n, 1) AS a, hashint8extended(n, 2) AS b FROM generate_series(1, 20000) n) h,
		LATERAL (VALUES ((a % 100000000)::float8 / 100), ((a % 1000000000000000)::float8 / 100), ((a % 100000)::float8 / 10), ((a % 1000000000)::float8),
			((a % 100000000)::float8 / 100 + ((b % 100000000)::float8 / 100)), ((a % 1000)::float8 / 100 * ((b % 50)::float8 + 51)), ((a % 100000000)::float8 / 100 * (1 + 2.3e-16::float8)),
			((a % 10000000000)::float8 / 1000), ((a % 1000000000000000000)::float8 / 1e9), (a::float8), (a::float8 * 1e200), (a::float8 * 1e-200), (a::float8 * 1e-25)) m (v)
	UNION ALL VALUES (0), ('-0'), (0.005), (-0.005), (1e-9), (4.9e-10), (5e-10), (0.1::float8 + 0.2), (999999999999.99), (1e12), (1e15 + 0.3), (123456789012345.67), (1.7976931348623157e308), (5e-324), ('NaN'), ('infinity'), ('-infinity'), (NULL))
SELECT count(*) FILTER (WHERE cjm_internal.map_money(v)::text IS DISTINCT FROM trim_scale(round(v::numeric, 9))::text) AS wrong, count(DISTINCT v) > 200000 AS many,
	count(*) FILTER (WHERE scale(cjm_internal.map_money(v)) = 2) > 10000 AND count(*) FILTER (WHERE scale(cjm_internal.map_money(v)) > 2) > 10000 AS both FROM money;
