-- check_map: what figures of a map are of, where that is not what one would think.
SET search_path = public, cjm;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
\set SHOW_CONTEXT never

CREATE FUNCTION public.findings(map text) RETURNS TABLE (finding text, subject text, touches bigint, share numeric, meaning text) LANGUAGE sql AS $$
	SELECT finding, subject, touches, round(share::numeric, 3), meaning FROM cjm.check_map(map)
	WHERE finding NOT IN ('no channel', 'no value', 'event in no stage', 'no segment', 'several events at one time') $$;

-- Lines of orders
CREATE TABLE public.sold (who integer, at timestamptz, what text, item text, amount numeric);
INSERT INTO public.sold
SELECT n, '2026-01-01Z'::timestamptz + n * interval '1 hour', 'view', NULL, NULL FROM generate_series(1, 40) n
UNION ALL SELECT n, '2026-01-02Z'::timestamptz + n * interval '1 hour', 'order', i::text, 10 * i FROM generate_series(1, 20) n, generate_series(1, 3) i
UNION ALL SELECT n, '2026-02-02Z'::timestamptz + n * interval '1 hour', 'note', NULL, NULL FROM generate_series(1, 20) n, generate_series(1, 2) i;
SELECT create_map('sold', 'sold', 'who', 'at', 'what', 'view -> order', value => 'amount');
SELECT * FROM findings('sold');
-- the recipe
CREATE VIEW public.sold_orders AS SELECT who, at, what, sum(amount) AS amount FROM sold GROUP BY who, at, what;
SELECT create_map('sold', 'sold_orders', 'who', 'at', 'what', 'view -> order', value => 'amount', replace => true);
SELECT * FROM findings('sold');
SELECT drop_map('sold');
DROP VIEW public.sold_orders;

-- A few among many are none.
DELETE FROM sold WHERE what = 'order' AND item > '1' AND who > 1;
INSERT INTO sold SELECT 100 + n, '2026-01-02Z'::timestamptz + n * interval '1 hour', 'order', '1', 10 FROM generate_series(1, 300) n;
DELETE FROM sold WHERE what = 'note';
SELECT create_map('sold', 'sold', 'who', 'at', 'what', 'order', value => 'amount');
SELECT * FROM findings('sold');
SELECT drop_map('sold');
DROP TABLE public.sold;

-- Stages the wrong way round; the names of stages do not matter, an unordered funnel has no wrong one, nine customers are not enough.
CREATE TABLE public.hired (who integer, at timestamptz, what text);
INSERT INTO public.hired SELECT n, '2026-01-01Z'::timestamptz + n * interval '1 hour' + i * interval '1 day', (ARRAY['apply', 'interview', 'offer', 'hired'])[i]
FROM generate_series(1, 12) n, generate_series(1, 4) i;
SELECT create_map('hired', 'hired', 'who', 'at', 'what', '" unordered ": interview -> apply -> hired -> optional offer');
SELECT * FROM findings('hired');
SELECT create_map('hired', 'hired', 'who', 'at', 'what', 'interview -> apply -> hired -> offer unordered', replace => true);
SELECT * FROM findings('hired');
SELECT create_map('hired', 'hired', 'who', 'at', 'what', 'apply -> interview -> interview -> offer -> hired', replace => true);
SELECT * FROM findings('hired');
DELETE FROM hired WHERE who > 9;
SELECT create_map('hired', 'hired', 'who', 'at', 'what', 'interview -> apply', replace => true);
SELECT * FROM findings('hired');

-- Another relation of the source's name; the map reads the one that it was made over.
ALTER TABLE hired RENAME TO hired_2025;
SELECT * FROM findings('hired');
CREATE TABLE public.hired (who integer, at timestamptz, what text);
SELECT * FROM findings('hired');
SELECT create_map('hired', 'hired', 'who', 'at', 'what', 'interview -> apply', replace => true);
SELECT * FROM findings('hired');
SELECT drop_map('hired');
DROP TABLE public.hired, public.hired_2025;

-- Money on events that are no purchase, and of purchases that complete no walk; a refund is a negative purchase or a refusal.
CREATE TABLE public.paid (who integer, at timestamptz, what text, via text, amount numeric);
INSERT INTO public.paid
SELECT n, '2026-01-01Z'::timestamptz + n * interval '1 hour', 'view', 'ads', NULL FROM generate_series(1, 10) n
UNION ALL SELECT n, '2026-01-02Z'::timestamptz + n * interval '1 hour', 'order', NULL, 10.10 FROM generate_series(1, 15) n
UNION ALL SELECT n, '2026-01-03Z'::timestamptz + n * interval '1 hour', 'refund', NULL, -10.10 FROM generate_series(1, 2) n
UNION ALL SELECT n, '2026-01-03Z'::timestamptz + n * interval '1 hour', 'order', 'shop', 0.20 FROM generate_series(3, 4) n
UNION ALL SELECT n, '2026-01-04Z'::timestamptz + n * interval '1 hour', 'score', NULL, 9 FROM generate_series(1, 5) n
UNION ALL SELECT n, '2026-01-04Z'::timestamptz + n * interval '1 hour', 'cart', NULL, n - 3 FROM generate_series(1, 5) n;
SELECT create_map('paid', 'paid', 'who', 'at', 'what', 'view -> order', value => 'amount', nps => 'score');
SELECT * FROM findings('paid');
SELECT create_map('paid', 'paid', 'who', 'at', 'what', 'view -> order', channel => 'via', value => 'amount', nps => 'score', refusal => 'refund', purchase => 'order@shop', replace => true);
SELECT * FROM findings('paid') WHERE finding <> 'channel only where visits begin';
SELECT drop_map('paid');
DROP TABLE public.paid;

-- The channel on landing pages alone
CREATE TABLE public.pages (who integer, at timestamptz, what text, medium text, amount numeric);
INSERT INTO public.pages
SELECT n, '2026-01-01Z'::timestamptz + n * interval '1 day' + i * interval '1 minute', (ARRAY['session_start', 'page_view', 'add_to_cart', 'purchase'])[i], CASE WHEN i = 1 AND n % 10 > 0 THEN (ARRAY['cpc', 'email'])[1 + n % 2] END, CASE WHEN i = 4 THEN n END
FROM generate_series(1, 40) n, generate_series(1, 4) i;
CREATE TABLE public.pages_cost AS SELECT date '2026-01-02' AS day, 'cpc' AS channel, 10 AS impressions, 1 AS clicks, 5 AS cost;
SELECT create_map('pages', 'pages', 'who', 'at', 'what', 'page_view -> purchase', channel => 'medium', value => 'amount', spend => 'pages_cost');
SELECT * FROM findings('pages');
SELECT channel, conversions, value FROM pages.attribution WHERE model = 'last_touch';
SELECT channel, sum(conversions) AS conversions, sum(revenue) AS revenue FROM pages.channels GROUP BY 1 ORDER BY 1;
SELECT create_map('pages', 'pages', 'who', 'at', 'what', 'page_view -> purchase', channel => 'medium', value => 'amount', spend => 'pages_cost', attribution_per => 'session', only_channels => true, replace => true);
SELECT attribution_per, only_channels FROM maps WHERE map = 'pages'::regnamespace;
SELECT * FROM findings('pages');
SELECT channel, conversions, value FROM pages.attribution WHERE model = 'last_touch';
SELECT channel, sum(conversions) AS conversions, sum(revenue) AS revenue FROM pages.channels GROUP BY 1 ORDER BY 1;
-- Reports have the map's options, unless they are told others.
SELECT channel, conversions FROM attribution_report('pages', models => '{last_touch}') ORDER BY 1;
SELECT channel, conversions FROM attribution_report('pages', models => '{last_touch}', per => 'touchpoint', only_channels => false) ORDER BY 1;
SELECT channel, conversions FROM channels_report('pages') ORDER BY 1;
SELECT channel, conversions FROM channels_report('pages', per => 'touchpoint', only_channels => false) ORDER BY 1;
SELECT create_map('pages_wrong', 'pages', 'who', 'at', 'what', 'page_view -> purchase', attribution_per => 'page');
SELECT drop_map('pages');
DROP TABLE public.pages, public.pages_cost;
DROP FUNCTION public.findings;
