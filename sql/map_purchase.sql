-- create_map(..., purchase => ...): what a purchase is, wherever it stands in the funnel.
SET search_path = public, cjm;
SET TimeZone = 'UTC';
\set SHOW_CONTEXT never

-- Orders come before delivery and praise, and renewals after all that.
CREATE TABLE public.orders (who integer, at timestamptz, what text, via text, worth numeric, country text);
INSERT INTO public.orders VALUES
	(1, '2026-01-01Z', 'visit', 'ads', NULL, 'LV'), (1, '2026-01-02Z', 'order', NULL, 20, 'LV'), (1, '2026-01-05Z', 'delivery', NULL, NULL, 'LV'), (1, '2026-01-09Z', 'praise', NULL, NULL, 'LV'),
	(1, '2026-02-02Z', 'order', NULL, 30, 'LV'),
	(2, '2026-01-01Z', 'visit', 'mail', NULL, 'EE'), (2, '2026-01-03Z', 'order', NULL, 7, 'EE'),
	(3, '2026-01-01Z', 'visit', NULL, NULL, 'EE'),
	(4, '2026-01-04Z', 'renewal', 'mail', 5, 'LV'), (4, '2026-01-06Z', 'renewal', 'phone', NULL, 'LV');
SELECT create_map('orders_last', 'orders', 'who', 'at', 'what', 'visit -> order -> delivery -> praise', channel => 'via', value => 'worth', segment => 'country');
SELECT create_map('orders_order', 'orders', 'who', 'at', 'what', 'visit -> order -> delivery -> praise', channel => 'via', value => 'worth', segment => 'country', purchase => 'order');
SELECT create_map('orders_mail', 'orders', 'who', 'at', 'what', 'visit -> order -> delivery -> praise', channel => 'via', value => 'worth', segment => 'country', purchase => 'order | renewal@mail');
SELECT map, purchase FROM maps WHERE map::text LIKE 'orders\_%' ORDER BY 1;
SELECT m, r.by_value, r.customers, r.purchases, r.repeat_customers, r.value, r.average_order_value, r.median_time_between
FROM unnest(ARRAY['orders_last', 'orders_order', 'orders_mail']) m, purchase_report(m, 'segment') r;
SELECT by_value, purchases, value FROM purchase_report('orders_order', 'channel', '2026-01-03Z', '2026-02-02Z');
SELECT customer, step, last_purchase_at, frequency, monetary, recency_score, frequency_score, monetary_score FROM orders_last.customers ORDER BY customer;
SELECT customer, step, last_purchase_at, frequency, monetary, recency_score, frequency_score, monetary_score FROM orders_order.customers ORDER BY customer;
SELECT customer, frequency, monetary FROM orders_mail.customers ORDER BY customer;
-- The funnel is what it was.
SELECT count(*) AS differences FROM (SELECT * FROM orders_last.funnel EXCEPT SELECT * FROM orders_order.funnel) d;
SELECT create_map('orders_wrong', 'orders', 'who', 'at', 'what', 'visit -> order', purchase => 'order -> renewal');
SELECT create_map('orders_wrong', 'orders', 'who', 'at', 'what', 'visit -> order', purchase => 'renewal@mail');
SELECT create_map('orders_wrong', 'orders', 'who', 'at', 'what', 'visit -> order', purchase => 'orders');
SELECT drop_map(m) FROM unnest(ARRAY['orders_last', 'orders_order', 'orders_mail', 'orders_wrong']) m;
DROP TABLE public.orders;

-- In plain SQL, over random rows, with and without kept journeys.
CREATE TABLE public.bought AS
SELECT n AS who, '2026-01-01Z'::timestamptz + abs(hashint4(n * 31 + i)) % 100000 * interval '1 minute' AS at, (ARRAY['visit', 'cart', 'order', 'renewal', 'praise'])[1 + abs(hashint4(n * 17 + i * 3)) % 5] AS event,
	CASE WHEN i % 3 > 0 THEN (abs(hashint4(n + i * 7)) % 1000) / 4.0 END AS worth
FROM generate_series(1, 3000) n, generate_series(1, 1 + n % 8) i;
SELECT create_map('bought_rows', 'bought', 'who', 'at', 'event', 'visit -> cart -> praise', value => 'worth', purchase => 'order | renewal');
SET client_min_messages = warning;
SELECT create_map('bought_kept', 'bought', 'who', 'at', 'event', 'visit -> cart -> praise', value => 'worth', purchase => 'order | renewal', keep => true);
SELECT refresh_journeys('bought_kept') IS NULL AS refreshed;
RESET client_min_messages;
INSERT INTO bought SELECT n, '2026-04-01Z', 'renewal', n FROM generate_series(1, 3000, 7) n;
WITH expected AS (SELECT who, max(at) AS last_at, count(*) AS purchases, sum(worth) AS worth FROM bought WHERE event IN ('order', 'renewal') GROUP BY who)
SELECT c.name, count(*) AS customers, count(*) FILTER (WHERE (c.last_purchase_at, c.frequency, c.monetary::numeric) IS DISTINCT FROM (e.last_at, coalesce(e.purchases, 0), e.worth)) AS wrong
FROM (SELECT 'rows' AS name, * FROM bought_rows.customers UNION ALL SELECT 'kept', * FROM bought_kept.customers) c LEFT JOIN expected e ON e.who = c.customer
GROUP BY 1 ORDER BY 1;
SELECT m, r.customers = e.customers AS customers, r.purchases = e.purchases AS purchases, r.repeat_customers = e.repeats AS repeats, r.value::numeric = e.worth AS value
FROM unnest(ARRAY['bought_rows', 'bought_kept']) m, purchase_report(m) r,
	(SELECT count(*) AS customers, sum(n) AS purchases, count(*) FILTER (WHERE n > 1) AS repeats, sum(worth) AS worth FROM (SELECT count(*) AS n, sum(worth) AS worth FROM bought WHERE event IN ('order', 'renewal') GROUP BY who) c) e;
SELECT drop_map(m) FROM unnest(ARRAY['bought_rows', 'bought_kept']) m;
DROP TABLE public.bought;
