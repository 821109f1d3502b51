-- Values of every type of cjm, stored in every way, and maps over events.
SET client_min_messages = warning;
\i test/demo/generator.sql
CREATE EXTENSION cjm;

CREATE DOMAIN monthly AS cjm.funnel CHECK (cjm.funnel_within(VALUE) <= '31 days');

CREATE TABLE journeys (
	customer int PRIMARY KEY,
	stage cjm.lifecycle NOT NULL DEFAULT 'awareness',
	bought cjm.buyer_journey[],
	journey cjm.journey CHECK (NOT cjm.has_event(journey, 'forbidden')),
	step int GENERATED ALWAYS AS (cjm.funnel_step(journey, 'view -> cart -> purchase'::cjm.funnel)) STORED,
	first cjm.touchpoint);
INSERT INTO journeys (customer, journey)
SELECT customer_id, cjm.journey_agg(at, event, channel, amount) FROM events GROUP BY customer_id;
-- One that is stored elsewhere, one of nothing, none, and the ends of time.
INSERT INTO journeys (customer, journey) SELECT -1, cjm.journey_agg('2026-01-01Z'::timestamptz + i * interval '17 s', 'ж' || i % 3000, 'c' || i % 7, i)
	FROM generate_series(1, 40000) i;
INSERT INTO journeys (customer, journey) VALUES (-2, '{}'), (-3, NULL), (-4, '{-4713-11-24T00:00:00Z first, +294276-12-31T23:59:59.999999Z last=NaN}'),
	(-5, '{2026-01-01T00:00:00Z "say ""hi"" 🛒"@"наружная реклама"=-2.5e-300}');
UPDATE journeys SET stage = (enum_range(NULL::cjm.lifecycle))[1 + abs(customer) % 5], bought = ARRAY['trial', 'deal']::cjm.buyer_journey[],
	first = cjm.first_touch(journey);
CREATE INDEX journeys_btree ON journeys (journey) WHERE customer BETWEEN 1 AND 1999;
CREATE INDEX journeys_hash ON journeys USING hash (journey);
CREATE INDEX journeys_step ON journeys (cjm.funnel_step(journey, 'view | search -> cart within 2 days'), cjm.touch_count(journey));

CREATE TABLE funnels (name text, funnel cjm.funnel PRIMARY KEY, limited monthly, pattern cjm.journey_pattern);
INSERT INTO funnels VALUES
	('plain', 'view -> cart -> purchase', NULL, 'view .* cart (?t<=1 hour) purchase'),
	('ruled', 'a: x | "y z"@email -> optional b [2 days] -> *@ads within 30 days excluding refund', 'a -> b within 1 day', 'a+ (b | c){2,4}'),
	('unordered', '"жизнь" -> b unordered within 1 hour', 'a -> b within 31 days', NULL),
	('strict', 'a -> a -> a strict', NULL, '*@email within 1 day');
CREATE INDEX funnels_hash ON funnels USING hash (funnel);
CREATE INDEX funnels_pattern ON funnels USING hash (pattern);

CREATE TABLE stats AS
SELECT n, f.name, cjm.funnel_agg(j.journey, f.funnel) AS stats, array_agg(DISTINCT j.stage) AS stages
FROM journeys j CROSS JOIN funnels f CROSS JOIN LATERAL (SELECT j.customer % 10 AS n) g GROUP BY 1, 2;
CREATE INDEX stats_hash ON stats USING hash (stats);
CREATE TABLE groups AS SELECT cjm.funnel_agg_by(customer_id, at, event, channel, 'first', 'view -> cart -> purchase within 7 days') AS by_channel,
	cjm.funnel_agg_by_entry(customer_id, at, event, 'view -> cart within 7 days', 'month', 'Europe/Riga') AS by_month FROM events;

SELECT cjm.create_map('shop', source => 'events', customer => 'customer_id', at => 'at', event => 'event', channel => 'channel', value => 'amount',
	segment => 'CASE WHEN customer_id % 3 = 0 THEN ''LV'' ELSE ''EE'' END', time_zone => 'Europe/Riga', stages => 'awareness: view | search -> cart -> purchase within 30 days') \g /dev/null
SELECT cjm.create_map('odd; "map"', 'events', 'customer_id::text', 'at::timestamp', 'upper(event)', 'VIEW -> optional CART -> PURCHASE',
	time_zone => 'UTC', filter => 'event <> ''support''') \g /dev/null
CREATE VIEW on_top AS SELECT f.stage, f.customers, r.rate FROM shop.funnel f, cjm.retention_report('shop') r WHERE f.step = 1 AND r.number < 3;
CREATE MATERIALIZED VIEW summary AS SELECT channel, cjm.window_funnel('9 days', at, event = 'view', event = 'purchase') AS steps,
	cjm.sequence_match('(?1).*(?2)', at, event = 'view', event = 'purchase'), cjm.retention(event = 'view', event = 'cart') FROM events GROUP BY channel;
-- Kept journeys with changes that wait.
CREATE TABLE kept_events AS SELECT * FROM events WHERE customer_id < 3000;
SELECT cjm.create_map('kept', source => 'kept_events', customer => 'customer_id', at => 'at', event => 'event', channel => 'channel', value => 'amount',
	segment => 'CASE WHEN customer_id % 3 = 0 THEN ''LV'' ELSE ''EE'' END', time_zone => 'UTC', stages => 'view -> cart -> purchase within 30 days', keep => true) \g /dev/null
SELECT cjm.refresh_journeys('kept') \g /dev/null
INSERT INTO kept_events (customer_id, at, event, channel) SELECT customer_id + 10, at + interval '1 day', event, 'mail' FROM kept_events WHERE customer_id % 50 = 7;
DELETE FROM kept_events WHERE customer_id % 70 = 3;
ANALYZE;
