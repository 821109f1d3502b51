-- The funnel in a terminal.
SET search_path = cjm, public;
\set SHOW_CONTEXT never
CREATE TABLE chart_events AS
SELECT c AS customer, timestamptz '2025-01-01 00:00+00' + (c * 10 + s) * interval '1 minute' AS at, (ARRAY['view', 'wish', 'cart', 'pay'])[s] AS event
FROM generate_series(1, 1000) c, generate_series(1, 4) s WHERE c <= 1000 / s AND (s <> 2 OR c % 10 = 0);
CREATE TABLE chart_journeys AS SELECT customer, journey_agg(at, event) AS journey FROM chart_events GROUP BY customer;

SELECT funnel_chart(funnel_agg(journey, 'view -> cart -> pay')) FROM chart_journeys;
-- Optional steps lose nobody; a name of its own width; a narrow bar.
SELECT funnel_chart(funnel_agg(journey, '"見る": view -> optional wish -> cart: cart -> pay within 1 hour'), 10) FROM chart_journeys;
SELECT funnel_chart(funnel_agg(journey, 'cart -> view -> pay unordered within 1 hour'), 10) FROM chart_journeys;
-- One step, one customer, nobody.
SELECT funnel_chart(funnel_agg(journey, 'view'), 10) FROM chart_journeys WHERE customer = 1;
SELECT funnel_chart(funnel_stats('view -> cart'), 10);
SELECT funnel_chart(NULL::funnel_stats) AS none;
-- A long name is cut in its middle, and two that look the same then are told from each other.
SELECT funnel_chart(funnel_stats(format('"%1$s1%1$s" -> "%1$s2%1$s" -> "b%1$s"', repeat('long ', 10))::funnel), 10);
SELECT funnel_chart(funnel_stats(format('"%s" -> b', repeat('long ', 40))::funnel), 10);
SELECT funnel_chart(funnel_stats('a'), 0);
SELECT funnel_chart(funnel_stats('a'), 1001);

-- A map, and whoever sees nothing but its view funnel.
SELECT create_map('chart; "map"', 'chart_events', 'customer', 'at', 'event', 'view -> optional wish -> cart');
SELECT funnel_chart('chart; "map"', width => 10);
SELECT funnel_chart('"chart; ""map"""', width => 10) = funnel_chart('chart; "map"', width => 10) AS same;
SELECT funnel_chart('chart map');
CREATE ROLE chart_reader;
GRANT USAGE ON SCHEMA "chart; ""map""" TO chart_reader;
GRANT SELECT ON "chart; ""map""".funnel TO chart_reader;
SET ROLE chart_reader;
SELECT count(*) FROM funnel_chart('chart; "map"', width => 10);
SELECT length(funnel_svg('chart; "map"')) > 1000 AS drawn;
SELECT map_svg('chart; "map"');
SELECT retention_svg('chart; "map"');
RESET ROLE;
SELECT map_svg('chart; "map"', touchpoints => -1);

-- Where the client cannot be shown blocks.
SET client_encoding = 'LATIN1';
SELECT funnel_chart('chart; "map"', width => 10);
RESET client_encoding;

SELECT drop_map('chart; "map"');
DROP OWNED BY chart_reader;
DROP ROLE chart_reader;
DROP TABLE chart_events, chart_journeys;
