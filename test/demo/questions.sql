--
-- questions.sql: a web shop for doc/questions.md and doc/questions_customers.md,
-- in a database with cjm on the search_path and nothing else.
--
--     people       who the customers are: e-mail, country, plan, and the company they work for
--     touches      the events of generator.sql, with what people has; answers to "would you
--                  recommend us?" ("nps answer"); and the last five days, up to now: 24 customers, of whom 6 buy and 6 say "no thanks"
--     page_views   the pages of each visit, by their paths
--     ad_spend     what the channels cost
--     shop         a map of touches
--
\i test/demo/generator.sql

CREATE TABLE people AS
SELECT id AS customer_id, 'c' || id || '@example.com' AS email, 'company ' || id % 40 AS account,
	(ARRAY['LV', 'EE', 'LT'])[1 + id % 3] AS country, (ARRAY['free', 'pro'])[1 + id / 7 % 2] AS plan
FROM generate_series(1, 20024) id;

CREATE TABLE touches AS
SELECT customer_id, at, event, channel, amount, country, plan, account
FROM events JOIN people USING (customer_id);

INSERT INTO touches
SELECT customer_id, at + interval '1 minute', 'nps answer', NULL, least(10, hash + 3 * (event = 'purchase')::int), country, plan, account
FROM touches, LATERAL (SELECT extract(epoch FROM at)::bigint % 997 % 11 AS hash) h
WHERE event IN ('cart', 'purchase') AND customer_id % 5 = 0;

INSERT INTO touches
SELECT customer_id, now() - c * interval '5 hours' + t * interval '1 minute', e.event, (ARRAY['email', 'paid search'])[1 + c % 2],
	CASE e.event WHEN 'purchase' THEN 20 + c END, country, plan, account
FROM generate_series(1, 24) c JOIN people ON customer_id = 20000 + c,
	LATERAL (VALUES (0, 'visit'), (1, 'view'), (3, 'cart'), (4, CASE c % 4 WHEN 1 THEN 'checkout' END),
		(5, CASE c % 4 WHEN 1 THEN 'purchase' WHEN 2 THEN 'no thanks' END)) e(t, event)
WHERE e.event IS NOT NULL;

CREATE TABLE page_views AS
SELECT customer_id, at, channel, CASE event WHEN 'visit' THEN (ARRAY['/', '/', '/blog/tea'])[1 + customer_id % 3] WHEN 'impression' THEN '/offer'
	WHEN 'view' THEN '/product/' || extract(epoch FROM at)::bigint % 4 ELSE '/' || event END AS path
FROM events WHERE event IN ('visit', 'impression', 'search', 'view', 'cart', 'checkout', 'purchase');

CREATE TABLE ad_spend AS
SELECT date '2025-01-01' + n AS day, channel, views + n * 37 % 100 AS impressions, views / 50 + n * 7 % 9 AS clicks, price + n * 13 % 20 AS cost
FROM generate_series(0, 364) n, (VALUES ('paid search', 900, 60), ('social', 2500, 45), ('display', 6000, 30)) c(channel, views, price);

ANALYZE people, touches, page_views, ad_spend;

SELECT create_map('shop', source => 'touches', customer => 'customer_id', at => 'at', event => 'event', channel => 'channel', value => 'amount',
	time_zone => 'Europe/Riga', dimensions => '{"country": "country", "plan": "plan"}', refusal => '"no thanks" | return',
	visit => 'visit | impression | search | view | cart | checkout | purchase', spend => 'ad_spend', nps => 'nps answer',
	stages => 'awareness: view | search -> cart -> checkout -> purchase within 30 days');
