-- A map that has everything: money, answers, segments, dimensions, refusals, spend; and journeys in a table beside it.
SET search_path = public, cjm;
SET client_min_messages = warning;

CREATE TABLE spend AS
SELECT d::date AS day, c.channel, 1000 * c.n AS impressions, 50 * c.n AS clicks, 10.5 * c.n AS cost
FROM generate_series('2025-01-01'::timestamp, '2025-12-31', interval '1 day') d CROSS JOIN (VALUES (1, 'paid search'), (2, 'social'), (3, 'display')) c(n, channel);

SELECT create_map('shop', source => 'events', customer => 'customer_id', at => 'at', event => 'event', channel => 'channel', value => 'coalesce(amount, answer)',
	segment => 'country', dimensions => '{"month": "to_char(at AT TIME ZONE ''UTC'', ''MM'')"}', nps => 'review', refusal => 'return', purchase => 'purchase', comment => 'CASE event WHEN ''review'' THEN ''a word of '' || customer_id END', spend => 'spend',
	stages => 'awareness: view | search -> consideration: cart -> checkout -> purchase within 30 days', time_zone => 'UTC');

SELECT note('shop', '2025-06-01', 'a new shop');
SELECT set_target('shop', 'step_rate', 0.5, 'checkout');

-- Journeys that are stored: made where the rows are, if they are distributed by the same customers.
CREATE TABLE stored AS SELECT j.customer, j.segment, j.journey FROM shop.journeys j WITH NO DATA;
SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') AS distributed \gset
\if :distributed
SELECT create_distributed_table('stored', 'customer', colocate_with => 'events');
\endif
INSERT INTO stored SELECT j.customer, j.segment, j.journey FROM shop.journeys j;
