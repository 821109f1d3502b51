-- Money in maps: net of refunds, gross beside it, of all purchases, in as many digits as came in.
SET search_path = public, cjm;
SET TimeZone = 'UTC';
\set SHOW_CONTEXT never

-- of a journey
SELECT * FROM purchases('{2026-01-01T10:00Z buy=20, 2026-01-02T10:00Z buy=-5, 2026-01-03T10:00Z buy, 2026-01-04T10:00Z back=-20, 2026-01-05T10:00Z back=3, 2026-01-06T10:00Z buy=0}', 'view -> buy');
SELECT * FROM purchases('{2026-01-01T10:00Z buy=20, 2026-01-02T10:00Z buy=-5, 2026-01-03T10:00Z buy, 2026-01-04T10:00Z back=-20, 2026-01-05T10:00Z back=3, 2026-01-06T10:00Z buy=0}', 'view -> buy', '2026-01-02T00:00Z', 'infinity', 'back');
SELECT (purchase_stats(j, 'buy')).*, (purchase_stats(j, 'buy', 'back')).total_value AS less_back, total_value(j), gross_value(j)
FROM unnest('{"{}", "{2026-01-01T10:00Z buy=-5}", "{2026-01-01T10:00Z back=-5}", "{2026-01-01T10:00Z buy=20, 2026-01-02T10:00Z buy=-5, 2026-01-03T10:00Z back=-0.5, 2026-01-04T10:00Z tip=1}"}'::journey[]) j;
SELECT session_number, value, gross_value FROM sessions('{2026-01-01T10:00Z buy=20, 2026-01-01T10:01Z back=-20, 2026-01-02T10:00Z back=-1, 2026-01-03T10:00Z view}');

CREATE TABLE public.shopped (who integer, at timestamptz, what text, via text, amount numeric);
INSERT INTO public.shopped VALUES
	(1, '2026-01-05 10:00Z', 'view', 'ads', NULL), (1, '2026-01-05 10:10Z', 'buy', NULL, 19.90), (1, '2026-01-06 10:00Z', 'view', 'mail', NULL), (1, '2026-01-06 10:10Z', 'buy', NULL, 19.90), (1, '2026-01-06 10:20Z', 'buy', NULL, 19.90),
	(1, '2026-01-07 10:00Z', 'buy', NULL, -19.90), (1, '2026-01-08 10:00Z', 'return', NULL, -9.90), (1, '2026-01-08 10:01Z', 'return', NULL, 0.10),
	(2, '2026-01-05 11:00Z', 'buy', 'ads', 12345678901.25);
CREATE TABLE public.shop_cost AS SELECT date '2026-01-05' AS day, 'ads' AS channel, 300 AS impressions, 7 AS clicks, 10.10 AS cost;
SELECT create_map('shopped', 'shopped', 'who', 'at', 'what', 'view -> buy', channel => 'via', value => 'amount', spend => 'shop_cost', refusal => 'return');
SELECT customer, value, gross_value, frequency, monetary, gross_monetary, last_purchase_at FROM shopped.customers ORDER BY 1;
SELECT customer, session_number, value, gross_value FROM shopped.sessions ORDER BY 1, 2;
SELECT value, gross_value, value_per_session FROM session_report('shopped');
SELECT customers, purchases, repeat_customers, value, gross_value, average_order_value FROM purchase_report('shopped');
SELECT channel, cost, cpc, round(cpm, 3) AS cpm, conversions, cpa, revenue, gross_revenue, round(roas::numeric, 3) AS roas FROM shopped.channels ORDER BY 1;
SELECT sum(revenue) = (SELECT sum(value) FROM purchase_report('shopped')) AS all_revenue, sum(gross_revenue) = (SELECT sum(gross_value) FROM purchase_report('shopped')) AS all_gross FROM channels_report('shopped');
SELECT channel, value FROM shopped.attribution WHERE model = 'last_touch' ORDER BY 1;
SELECT relname, attname, atttypid::regtype FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid WHERE relnamespace = 'shopped'::regnamespace
	AND attname IN ('value', 'gross_value', 'monetary', 'gross_monetary', 'revenue', 'gross_revenue', 'cost', 'cpc', 'cpm', 'cpa') AND relname <> 'events' AND relname <> 'map' ORDER BY relname, attname;
SELECT create_map('shopped', 'shopped', 'who', 'at', 'what', 'view -> buy', value => 'amount', purchase => 'buy | return', refusal => 'return', replace => true);
SELECT drop_map('shopped');
DROP TABLE public.shopped, public.shop_cost;

-- In plain SQL, over random rows: customers, sessions and reports with and without kept journeys, and channels add up to all of it.
CREATE TABLE public.spent AS
SELECT n AS who, '2026-01-01Z'::timestamptz + abs(hashint4(n * 31 + i)) % 100000 * interval '1 minute' AS at, (ARRAY['view', 'cart', 'buy', 'return', 'cart'])[1 + abs(hashint4(n * 17 + i * 3)) % 5] AS what,
	(ARRAY['ads', 'mail', NULL])[1 + abs(hashint4(n + i * 5)) % 3] AS via, CASE WHEN i % 4 > 0 THEN ((abs(hashint4(n + i * 7)) % 3000) - 800) / 100.0 END AS amount
FROM generate_series(1, 2000) n, generate_series(1, 1 + n % 9) i;
SELECT create_map('spent_rows', 'spent', 'who', 'at', 'what', 'view -> cart -> buy within 20 days', channel => 'via', value => 'amount', refusal => 'return');
SET client_min_messages = warning;
SELECT create_map('spent_kept', 'spent', 'who', 'at', 'what', 'view -> cart -> buy within 20 days', channel => 'via', value => 'amount', refusal => 'return', keep => true);
SELECT refresh_journeys('spent_kept') IS NULL AS refreshed;
RESET client_min_messages;
INSERT INTO spent SELECT n, '2026-05-01Z', 'buy', 'mail', -0.01 FROM generate_series(1, 2000, 5) n;
WITH expected AS (
	SELECT who, sum(amount) AS value, sum(amount) FILTER (WHERE amount >= 0) AS gross, count(*) FILTER (WHERE what = 'buy' AND coalesce(amount, 0) >= 0) AS purchases,
		max(at) FILTER (WHERE what = 'buy' AND coalesce(amount, 0) >= 0) AS last_at, sum(amount) FILTER (WHERE what = 'buy' OR what = 'return' AND amount < 0) AS monetary,
		sum(amount) FILTER (WHERE what = 'buy' AND amount >= 0) AS gross_monetary
	FROM spent GROUP BY who)
SELECT c.name, count(*) AS customers, count(*) FILTER (WHERE (c.value, c.gross_value, c.frequency, c.last_purchase_at, c.monetary, c.gross_monetary)
	IS DISTINCT FROM (e.value, e.gross, e.purchases, e.last_at, e.monetary, e.gross_monetary)) AS wrong
FROM (SELECT 'rows' AS name, * FROM spent_rows.customers UNION ALL SELECT 'kept', * FROM spent_kept.customers) c JOIN expected e ON e.who = c.customer GROUP BY 1 ORDER BY 1;
SELECT m, (r.value, r.gross_value) = (SELECT sum(amount), sum(amount) FILTER (WHERE amount >= 0) FROM spent) AS sessions,
	(p.value, p.gross_value, p.purchases) = (SELECT sum(amount) FILTER (WHERE what = 'buy' OR what = 'return' AND amount < 0), sum(amount) FILTER (WHERE what = 'buy' AND amount >= 0), count(*) FILTER (WHERE what = 'buy' AND coalesce(amount, 0) >= 0) FROM spent) AS purchases,
	(SELECT round(sum(c.revenue), 6) = p.value AND round(sum(c.gross_revenue), 6) = p.gross_value FROM channels_report(m, model => 'linear') c) AS channels
FROM unnest(ARRAY['spent_rows', 'spent_kept']) m, session_report(m) r, purchase_report(m) p;
SELECT drop_map(m) FROM unnest(ARRAY['spent_rows', 'spent_kept']) m;
DROP TABLE public.spent;
