-- Questions as people ask them of funnels, each as a few rows and the answer that a person works out by hand.
-- What each feature does is tested where the feature is; here is what whoever asks gets.
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE SCHEMA asked;
SET search_path = asked, cjm;

-- 1. Two events at one time, in the order in which they came.
CREATE TABLE ticks (who integer, at timestamptz, seq integer, what text);
INSERT INTO ticks VALUES (1, '2026-03-02 10:00:00Z', 1, 'session_start'), (1, '2026-03-02 10:00:00Z', 2, 'page_view'), (1, '2026-03-02 10:00:01Z', 3, 'click'), (1, '2026-03-02 10:00:01Z', 4, 'add_to_cart');
SELECT create_map('ticks_in_order', 'ticks', 'who', 'at', 'what', 'session_start -> add_to_cart', sequence => 'seq');
SELECT create_map('ticks_as_they_are', 'ticks', 'who', 'at', 'what', 'session_start -> add_to_cart');
SELECT path FROM path_report('ticks_in_order');
SELECT finding, touches FROM check_map('ticks_as_they_are') WHERE finding ~ 'time' ORDER BY 1;

-- 2. Labels with a colon, and addresses.
SELECT funnel_step(journey_agg(at, event), '"user:login" -> "user:logout"') AS quoted
FROM (VALUES (timestamptz '2026-03-02 10:00Z', 'user:login'), ('2026-03-02 10:05Z', 'user:logout')) v(at, event);
SELECT funnel_step(journey_agg(at, event), '"https://h.example/" -> "https://h.example/b"') AS quoted
FROM (VALUES (timestamptz '2026-03-02 10:00Z', 'https://h.example/'), ('2026-03-02 10:05Z', 'https://h.example/b')) v(at, event);
SELECT 'user:login -> user:logout'::funnel;
SELECT 'https://h.example/ -> https://h.example/b'::funnel;

-- 3. A funnel in one session.
SELECT who, funnel_step(journey_agg(at, event), 'view -> cart -> purchase within session') AS step
FROM (VALUES ('quick', time '10:00', 'view'), ('quick', '10:05', 'cart'), ('quick', '10:09', 'purchase'),
	('slow', '10:00', 'view'), ('slow', '10:40', 'cart'), ('slow', '10:44', 'purchase'),
	('going on', '10:00', 'view'), ('going on', '10:20', 'help'), ('going on', '10:40', 'cart'), ('going on', '10:44', 'purchase')) v(who, hour, event),
	LATERAL (SELECT timestamptz '2026-03-02Z' + hour::interval) t(at)
GROUP BY who ORDER BY who;

-- 4. Paths by session.
CREATE TABLE pages (who integer, at timestamptz, page text);
INSERT INTO pages VALUES (1, '2026-03-01 10:00Z', '/'), (1, '2026-03-01 10:05Z', '/pricing'), (1, '2026-03-09 10:00Z', '/blog'), (1, '2026-03-09 10:01Z', '/docs'),
	(2, '2026-03-01 10:00Z', '/'), (2, '2026-03-01 10:02Z', '/pricing');
SELECT create_map('pages_map', 'pages', 'who', 'at', 'page', '"/" -> "/pricing"');
SELECT source, target, value FROM transition_report('pages_map', per => 'session') WHERE source IS NOT NULL AND target IS NOT NULL ORDER BY value DESC, source;

-- 5. Retention on or after a day still grows: nobody says that it is over.
CREATE TABLE seen (who integer, at timestamptz, what text);
INSERT INTO seen SELECT who, date_trunc('day', now()) - days * interval '24 hours' + interval '1 minute', 'v' FROM (VALUES (1, 10), (1, 9), (2, 10)) v(who, days);
SELECT create_map('seen_map', 'seen', 'who', 'at', 'what', 'v', time_zone => 'UTC');
SELECT retained, period_over FROM retention_report('seen_map', 'day', kind => 'on_or_after') WHERE number = 1;
INSERT INTO seen VALUES (2, now(), 'v');
SELECT retained, period_over FROM retention_report('seen_map', 'day', kind => 'on_or_after') WHERE number = 1;

-- 6. The variant of an A/B test is the one that was shown first.
CREATE TABLE shown (who integer, at timestamptz, what text, variant text);
INSERT INTO shown VALUES (1, '2026-03-02 10:00Z', 'screen_view', 'B'), (1, '2026-03-02 10:01Z', 'screen_view', 'A'), (1, '2026-03-02 10:05Z', 'session_end', NULL);
SELECT p.position, g.property
FROM (SELECT 'latest' AS position, funnel_agg_by(who, at, what, variant, 'entry', 'screen_view -> session_end'::funnel) AS groups FROM shown
	UNION ALL SELECT 'earliest', funnel_agg_by(who, at, what, variant, 'earliest', 'screen_view -> session_end'::funnel) FROM shown) p, unnest(p.groups) g, report(g.stats) r
WHERE r.step = 2 AND r.customers = 1 ORDER BY 1;

-- 7. Any three of some events after a first one: a funnel of its own on what comes after it.
SELECT who, funnel_step(slice(journey, (funnel_times(journey, 'signup'))[1] + interval '1 microsecond', (funnel_times(journey, 'signup'))[1] + interval '7 days 1 microsecond'), 'invite -> upload -> share unordered') AS of_the_three
FROM (SELECT who, journey_agg(timestamptz '2026-03-02Z' + day * interval '24 hours', event) AS journey
	FROM (VALUES ('too early', 0, 'invite'), ('too early', 1, 'upload'), ('too early', 2, 'share'), ('too early', 3, 'signup'),
		('after', 0, 'signup'), ('after', 1, 'share'), ('after', 2, 'invite'), ('after', 3, 'upload')) v(who, day, event) GROUP BY who) j
ORDER BY who;

-- 8. An open funnel.
SELECT r.stage, r.customers, r.entered
FROM (SELECT funnel_agg(journey, 'a -> b -> c -> d from any stage') AS stats FROM (
		SELECT journey_agg(timestamptz '2026-03-02Z' + place * interval '1 minute', event) AS journey
		FROM (VALUES ('abcd'), ('bcd'), ('cd'), ('d'), ('a'), ('bc')) v(events), LATERAL regexp_split_to_table(events, '') WITH ORDINALITY e(event, place) GROUP BY events) j) f, report(f.stats) r
ORDER BY step;

-- 9. Never again.
SELECT events, matches(journey, '^ !a* a !b* $') AS after_the_first, matches(journey, 'a !(a | b)* $') AS after_the_last
FROM (SELECT n, events, journey_agg(timestamptz '2026-03-02Z' + place * interval '1 minute', event) AS journey
	FROM (VALUES (1, 'a'), (2, 'ac'), (3, 'ab'), (4, 'ba'), (5, 'aba')) v(n, events), LATERAL regexp_split_to_table(events, '') WITH ORDINALITY e(event, place) GROUP BY n, events) j
ORDER BY n;

-- 10. What is banned between two steps only.
SELECT who, matches(journey, 'signup * view !refund* buy') AS counts
FROM (SELECT who, journey_agg(timestamptz '2026-03-02Z' + place * interval '1 minute', event) AS journey
	FROM (VALUES ('before', '{signup,refund,view,buy}'::text[]), ('between', '{signup,view,refund,buy}')) v(who, events), unnest(events) WITH ORDINALITY e(event, place) GROUP BY who) j
ORDER BY who DESC;

-- 11. Tries, not people.
CREATE TABLE tries (who integer, at timestamptz, what text);
INSERT INTO tries SELECT 1, timestamptz '2026-03-02Z' + place * interval '1 hour', event FROM unnest('{a,b,a,b,a}'::text[]) WITH ORDINALITY e(event, place);
SELECT create_map('tries_map', 'tries', 'who', 'at', 'what', 'a -> b within 1 day');
SELECT c.count, array_agg(r.customers ORDER BY r.step) FROM unnest('{customers,walks}'::text[]) c(count), funnel_report('tries_map', count => c.count) r GROUP BY 1 ORDER BY 1;
SELECT walk_number, step, converted FROM walks((SELECT journey FROM tries_map.journeys), 'a -> b within 1 day');

-- 12. They come by one event and back by another.
CREATE TABLE bought (who integer, at timestamptz, what text);
INSERT INTO bought VALUES (1, '2026-03-02 10:00Z', 'signup'), (1, '2026-03-03 10:00Z', 'login'), (1, '2026-03-10 10:00Z', 'purchase');
SELECT create_map('bought_map', 'bought', 'who', 'at', 'what', 'signup -> purchase', time_zone => 'UTC');
SELECT number, (SELECT retained FROM retention_report('bought_map', 'week', starts => 'signup', returns => 'purchase') p WHERE p.number = n.number) AS bought,
	(SELECT retained FROM retention_report('bought_map', 'week', starts => 'signup') p WHERE p.number = n.number) AS did_anything
FROM generate_series(0, 1) n(number);

-- 13. At least so many times.
CREATE TABLE visits (who integer, at timestamptz, what text);
INSERT INTO visits SELECT 1, timestamptz '2026-03-02 10:00Z' + day * interval '24 hours', 'v' FROM unnest('{0,7,8,15}'::integer[]) day;
SELECT create_map('visits_map', 'visits', 'who', 'at', 'what', 'v', time_zone => 'UTC');
SELECT number, retained FROM retention_report('visits_map', 'week', at_least => 2) WHERE number > 0 AND number < 3 ORDER BY 1;

-- 14. Weeks that begin on Sunday.
CREATE TABLE weekend (who integer, at timestamptz, what text);
INSERT INTO weekend VALUES (1, '2026-03-07 10:00Z', 'v'), (1, '2026-03-08 10:00Z', 'v');
SELECT create_map('weekend_map', 'weekend', 'who', 'at', 'what', 'v', time_zone => 'UTC');
SELECT w.starts, count(*) AS weeks FROM unnest('{monday,sunday}'::text[]) w(starts), retention_report('weekend_map', 'week', week_starts => w.starts) r WHERE r.retained > 0 GROUP BY 1 ORDER BY 1;

-- 15. Money that went back.
CREATE TABLE orders (who integer, at timestamptz, what text, amount numeric);
INSERT INTO orders VALUES (1, '2026-01-05Z', 'purchase', 100), (1, '2026-02-05Z', 'purchase', 50), (1, '2026-03-05Z', 'purchase', -50);
SELECT create_map('orders_map', 'orders', 'who', 'at', 'what', 'purchase', value => 'amount');
SELECT purchases, value AS net, gross_value AS gross FROM purchase_report('orders_map');
SELECT monetary, gross_monetary, frequency FROM orders_map.customers;
-- 16. An order of twelve lines: the map counts touchpoints, says so, and is right over the view that it says.
CREATE TABLE lines AS SELECT 2 AS who, timestamptz '2026-01-05 12:00Z' AS at, 'purchase' AS what, line::numeric AS amount FROM generate_series(1, 12) line;
SELECT create_map('lines_map', 'lines', 'who', 'at', 'what', 'purchase', value => 'amount');
SELECT purchases, repeat_rate, value FROM purchase_report('lines_map');
SELECT finding, meaning FROM check_map('lines_map') WHERE finding ~ 'time' ORDER BY 1;
CREATE VIEW whole_orders AS SELECT who, at, what, sum(amount) AS amount FROM lines GROUP BY who, at, what;
SELECT create_map('whole_orders_map', 'whole_orders', 'who', 'at', 'what', 'purchase', value => 'amount');
SELECT purchases, repeat_rate, value FROM purchase_report('whole_orders_map');

-- 17. Times that are text, of Riga, for a reader in UTC and for one in Riga; clocks are put forward on 29 March.
CREATE TABLE riga (who integer, at text, what text);
INSERT INTO riga VALUES (1, '2026-02-28 22:30:00.000001', 'a'), (1, '2026-03-01 00:10:00', 'b'), (2, '2026-03-29 02:30', 'a'), (2, '2026-03-29 05:00', 'b');
SELECT create_map('riga_map', 'riga', 'who', 'at::timestamp', 'what', 'a -> b within 100 minutes', time_zone => 'Europe/Riga');
SELECT array_agg(customers ORDER BY step) FROM riga_map.funnel;
SELECT week, array_agg(customers ORDER BY step) FROM riga_map.funnel_by_week GROUP BY 1 ORDER BY 1;
SET TimeZone = 'Europe/Riga';
SELECT array_agg(customers ORDER BY step) FROM riga_map.funnel;
SET TimeZone = 'UTC';

-- 18. Microseconds since 1970, and what they are not.
CREATE TABLE stamps (who integer, stamp bigint, what text);
INSERT INTO stamps VALUES (1, 1767225600000000, 'a');
SELECT create_map('micro', 'stamps', 'who', 'timestamptz ''1970-01-01Z'' + stamp * interval ''1 microsecond''', 'what', 'a');
SELECT first_seen FROM micro.customers;
SELECT create_map('seconds', 'stamps', 'who', 'to_timestamp(stamp)', 'what', 'a');
SET client_min_messages = notice;
SELECT create_map('milliseconds', 'stamps', 'who', 'to_timestamp(stamp / 1000)', 'what', 'a');
SET client_min_messages = warning;

-- 19. Aliases in a circle are one person.
WITH RECURSIVE aliases(alias, name) AS (VALUES ('cookie-8', 'u8'), ('cookie-9', 'u9'), ('u8', 'u9'), ('u9', 'u8')),
	known AS (SELECT alias AS name, name AS other FROM aliases UNION SELECT name, alias FROM aliases),
	reached AS (SELECT name, name AS other FROM known UNION SELECT r.name, k.other FROM reached r JOIN known k ON k.name = r.other)
SELECT count(DISTINCT person) AS people FROM (SELECT name, min(other COLLATE "C") AS person FROM reached GROUP BY name) p;

-- 20. The channel stands on the landing event alone.
CREATE TABLE landed (who integer, at timestamptz, what text, via text);
INSERT INTO landed VALUES (1, '2026-03-02 10:00Z', 'visit', 'google'), (1, '2026-03-02 10:01Z', 'view', NULL), (1, '2026-03-02 10:05Z', 'purchase', NULL);
SELECT create_map('landed_map', 'landed', 'who', 'at', 'what', 'visit -> purchase', channel => 'via');
SELECT p.per, a.channel, a.conversions FROM unnest('{touchpoint,session}'::text[]) p(per), attribution_report('landed_map', models => '{last_touch}', per => p.per) a WHERE a.conversions > 0 ORDER BY 1;
SELECT finding FROM check_map('landed_map') WHERE finding ~ 'channel' ORDER BY 1;

-- 21. A row is no key.
SELECT create_map('rows_map', 'ticks', '(who, what)', 'at', 'what', 'click');


-- 22. A row for each order, a column for each stage; some orders run backwards.
CREATE TABLE parcels (id integer, ordered timestamptz, paid timestamptz, sent timestamptz, arrived timestamptz);
INSERT INTO parcels VALUES (1, '2026-01-01Z', '2026-01-02Z', '2026-01-03Z', '2026-01-09Z'), (2, '2026-01-01Z', '2026-01-05Z', '2026-01-04Z', '2026-01-09Z'), (3, '2026-01-02Z', NULL, NULL, NULL);
CREATE VIEW parcel_events AS SELECT p.id, s.event, s.at FROM parcels p CROSS JOIN LATERAL (VALUES ('ordered', p.ordered), ('paid', p.paid), ('sent', p.sent), ('arrived', p.arrived)) s(event, at) WHERE s.at IS NOT NULL;
SELECT create_map('parcel_map', 'parcel_events', 'id', 'at', 'event', 'ordered -> paid -> sent -> arrived');
SELECT stage, customers FROM parcel_map.funnel ORDER BY step;
SELECT id, funnel_step(journey_agg(at, event), 'ordered -> paid -> sent -> arrived') AS step FROM parcel_events GROUP BY id ORDER BY id;

-- 23. Two clocks that are not quite right: what the one stamps is late by up to a second.
SELECT funnel_step(journey_agg(at, event), 'checkout -> purchase') AS as_stamped,
	funnel_step(journey_agg(at + CASE event WHEN 'purchase' THEN interval '1 second' ELSE interval '0' END, event), 'checkout -> purchase') AS with_a_second
FROM (VALUES (timestamptz '2026-03-02 10:00:00.15Z', 'checkout'), ('2026-03-02 10:00:00Z', 'purchase')) v(at, event);

-- 24. What each step was worth.
CREATE TABLE worth (who integer, at timestamptz, what text, amount numeric);
INSERT INTO worth VALUES (1, '2026-03-02 10:00Z', 'view', 10), (1, '2026-03-02 10:05Z', 'cart', 20), (1, '2026-03-02 10:09Z', 'purchase', 30), (2, '2026-03-02 10:00Z', 'view', 5);
SELECT create_map('worth_map', 'worth', 'who', 'at', 'what', 'view -> cart -> purchase', value => 'amount');
SELECT stage, customers, value_sum FROM funnel_report('worth_map', value => true) ORDER BY step;

-- 25. Sessions by an id that is given: the first has a gap of 40 minutes in it, and the second begins five minutes after it.
CREATE TABLE numbered (who integer, at timestamptz, what text, ga_session_id bigint);
INSERT INTO numbered VALUES (1, '2026-03-02 10:00Z', 'view', 1), (1, '2026-03-02 10:40Z', 'view', 1), (1, '2026-03-02 10:45Z', 'view', 2);
SELECT create_map('by_id', 'numbered', 'who', 'at', 'what', 'view', session => 'ga_session_id');
SELECT create_map('by_gap', 'numbered', 'who', 'at', 'what', 'view');
SELECT session, started_at, touches FROM by_id.sessions ORDER BY started_at;
SELECT started_at, touches FROM by_gap.sessions ORDER BY started_at;

DO $$ BEGIN PERFORM cjm.drop_map(m.map::text) FROM cjm.maps m JOIN pg_class c ON c.oid = m.source WHERE c.relnamespace = 'asked'::regnamespace; END $$;
DROP SCHEMA asked CASCADE;
