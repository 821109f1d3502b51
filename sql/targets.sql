-- What figures are to reach, whether they do, and what is told of those that do not.
SET search_path = cjm, public;
\set SHOW_CONTEXT never
SET datestyle = 'ISO';
SET timezone = 'UTC';
SET client_min_messages = warning;
-- Twenty weeks of 200 new customers; one of four of whom pays, from the seventeenth on one of ten; half of them are from LV, and those are slower.
CREATE TABLE public.sales AS
SELECT w * 1000 + c AS customer, timestamptz '2025-01-06 00:00Z' + w * interval '7 days' + c * interval '30 minutes' + e.later AS at, e.event, CASE WHEN e.event = 'pay' THEN 20 + (c * 7) % 11 END AS value, e.country
FROM generate_series(0, 19) w CROSS JOIN generate_series(1, 195 + 5 * ((w * 5) % 4)) c CROSS JOIN LATERAL (SELECT (ARRAY['LV', 'EE'])[1 + c / 3 % 2] AS country) k
	CROSS JOIN LATERAL (VALUES (interval '0', 'view', k.country), ((1 + c % 13) * CASE k.country WHEN 'LV' THEN interval '3 hours' ELSE interval '2 hours' END, CASE WHEN (c * 31 + w * 17) % 100 < CASE WHEN w < 16 THEN 25 ELSE 10 END + w % 3 THEN 'pay' END, k.country)) e(later, event, country)
WHERE e.event IS NOT NULL;
SELECT create_map('shop', 'public.sales', 'customer', 'at', 'event', 'view -> pay within 2 days', value => 'value', segment => 'country', time_zone => 'UTC');
SELECT to_regclass('shop.targets'), to_regclass('shop.kpis');

SELECT set_target('shop', 'conversion', 0.2);
SELECT set_target('shop', 'conversion', 0.24, by_value => 'LV');
SELECT set_target('shop', 'step_rate', 0.05, stage => 'pay');
SELECT set_target('shop', 'median_time', 3600 * 12, '2', by_value => 'EE', by => 'segment');
SELECT set_target('shop', 'revenue', 800);
SELECT set_target('shop', 'visits', 100, direction => 'at most');
-- A target that rises, and one that was mistaken.
SELECT set_target('shop', 'conversion', 0.99, from_day => '2025-03-31');
SELECT set_target('shop', 'conversion', 0.3, from_day => '2025-03-31');
SELECT set_target('shop', 'conversion', 0.05, from_day => '2025-05-12');
SELECT metric, step, stage, by, by_value, direction, value, from_day FROM shop.targets ORDER BY metric, by_value, from_day;
SELECT metric, step, by, by_value, week, n, round(actual::numeric, 3) AS actual, round(low::numeric, 3) AS low, target, direction, from_day, round(gap::numeric, 3) AS gap, met, round(trend::numeric, 4) AS trend, since FROM shop.kpis;
-- The same from the figures, in plain SQL: what is in force, and since when.
WITH m AS (SELECT NULL::text AS by, m.* FROM metric_report('shop') m WHERE closed UNION ALL SELECT 'segment', m.* FROM metric_report('shop', by => 'segment') m WHERE closed),
w AS (SELECT m.*, t.value AS target, t.direction, t.from_day, CASE t.direction WHEN 'at least' THEN m.value >= t.value ELSE m.value <= t.value END AS met
	FROM m JOIN shop.targets t ON t.metric = m.metric AND t.step IS NOT DISTINCT FROM m.step AND t.by IS NOT DISTINCT FROM m.by AND t.by_value IS NOT DISTINCT FROM m.by_value AND t.from_day <= m.bucket_start::date
	WHERE NOT EXISTS (SELECT FROM shop.targets l WHERE l.metric = t.metric AND l.step IS NOT DISTINCT FROM t.step AND l.by IS NOT DISTINCT FROM t.by AND l.by_value IS NOT DISTINCT FROM t.by_value AND l.from_day > t.from_day AND l.from_day <= m.bucket_start::date)),
k AS (SELECT w.*, (SELECT regr_slope(v.value, extract(epoch FROM v.bucket_start) / 604800) FROM (SELECT * FROM w v WHERE v.metric = w.metric AND v.by IS NOT DISTINCT FROM w.by ORDER BY bucket_start DESC LIMIT 8) v) AS trend,
		(SELECT max(v.bucket_start) FROM w v WHERE v.metric = w.metric AND v.by IS NOT DISTINCT FROM w.by AND v.met <> w.met) AS other
	FROM w WHERE bucket_start = (SELECT max(bucket_start) FROM w l WHERE l.metric = w.metric AND l.by IS NOT DISTINCT FROM w.by AND l.step IS NOT DISTINCT FROM w.step))
SELECT count(*), count(*) FILTER (WHERE (p.week, p.actual, p.low, p.target, p.from_day, p.met) IS DISTINCT FROM (k.bucket_start::date, k.value, k.low, k.target, k.from_day, k.met) OR abs(p.trend - k.trend) > 1e-6 * abs(k.trend)
	OR p.since IS DISTINCT FROM (SELECT min(v.bucket_start)::date FROM w v WHERE v.metric = k.metric AND v.by IS NOT DISTINCT FROM k.by AND (v.bucket_start > k.other OR k.other IS NULL))) AS wrong
FROM k FULL JOIN shop.kpis p ON p.metric = k.metric AND p.by IS NOT DISTINCT FROM k.by;

-- Alerts: of a quiet week, of the one in which sales fell, and of the one after it, to which the first belongs.
SELECT kind, metric, sentence FROM alerts('shop', to_time => '2025-04-28Z');
SELECT kind, metric, by_value, week, adjusted_p_value <= 0.05 AS sure, sentence FROM alerts('shop', to_time => '2025-05-05Z');
SELECT bool_and(p_value <= adjusted_p_value) AS corrected, bool_and(value NOT BETWEEN usual_low AND usual_high) FILTER (WHERE kind = 'unusual') AS outside FROM alerts('shop', to_time => '2025-05-05Z');
-- A target that is just missed is no alert.
SELECT set_target('shop', 'visits', 206, direction => 'at most');
SELECT metric, n, target, met FROM shop.kpis WHERE metric = 'visits';
SELECT count(*) FROM alerts('shop') WHERE kind = 'target' AND metric = 'visits';

-- Each is told once.
SELECT create_map('fallen', 'public.sales', 'customer', 'at', 'event', 'view -> pay within 2 days', value => 'value', segment => 'country', time_zone => 'UTC', filter => 'at < ''2025-05-05Z''');
SELECT set_target('fallen', 'conversion', 0.24, by_value => 'LV');
SELECT check_alerts('fallen');
SELECT check_alerts('fallen');
SELECT kind, metric, step, by, by_value, week, told_at <= now() AS told FROM fallen.alerts_told ORDER BY kind, metric, by;
-- What has not been told of that week yet is.
DELETE FROM fallen.alerts_told WHERE metric = 'revenue';
SELECT check_alerts('fallen');
SELECT set_target('fallen', 'revenue', 1000);
SELECT check_alerts('fallen', against => 8, age => '2 days');
SELECT check_alerts('shop');
SELECT drop_map('fallen');

-- They stay when the map is made anew, follow its name, and a figure that it has no more is left out.
CREATE TEMPORARY TABLE before AS SELECT * FROM shop.kpis;
SELECT create_map('shop', 'public.sales', 'customer', 'at', 'event', 'view -> pay within 2 days', value => 'value', segment => 'country', time_zone => 'UTC', replace => true);
SELECT count(*) AS differ FROM ((TABLE before EXCEPT ALL SELECT * FROM shop.kpis) UNION ALL (SELECT * FROM shop.kpis EXCEPT ALL TABLE before)) d;
SELECT keep_journeys('shop');
SELECT refresh_journeys('shop');
SELECT count(*) AS differ FROM ((TABLE before EXCEPT ALL SELECT * FROM shop.kpis) UNION ALL (SELECT * FROM shop.kpis EXCEPT ALL TABLE before)) d;
SELECT unkeep_journeys('shop');
ALTER SCHEMA shop RENAME TO "The Shop";
SELECT set_target('The Shop', 'order_value', 20);
SELECT metric, by_value, met FROM "The Shop".kpis WHERE by IS NULL;
SELECT create_map('The Shop', 'public.sales', 'customer', 'at', 'event', 'view -> pay within 2 days', time_zone => 'UTC', replace => true);
SELECT metric, by, by_value, actual IS NOT NULL AS known, met FROM "The Shop".kpis;
SELECT metric FROM alerts('The Shop', to_time => '2025-05-05Z') WHERE kind = 'target';

-- What is taken away, all of a line at once.
SELECT drop_target('The Shop', 'visits');
SELECT drop_target('The Shop', 'conversion');
SELECT drop_target('The Shop', 'conversion');
SELECT metric, by_value FROM "The Shop".targets ORDER BY 1, 2;
SELECT metric, met FROM "The Shop".kpis WHERE met IS NOT NULL;
SELECT drop_target('The Shop', 'step_rate', 'pay');
SELECT count(*) FROM "The Shop".kpis WHERE met IS NOT NULL;

-- Every relation and column says what it is, and belongs to one owner.
SELECT c.relname, obj_description(c.oid) IS NULL AS untold, count(*) FILTER (WHERE col_description(c.oid, a.attnum) IS NULL) AS columns_untold, bool_and(c.relowner = n.nspowner) AS owned
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 WHERE n.nspname = 'The Shop' AND c.relname IN ('targets', 'kpis', 'alerts_told') GROUP BY 1, 2 ORDER BY 1;
SELECT drop_map('The Shop');
SELECT to_regnamespace('"The Shop"');

-- A map without anything, and errors.
SELECT create_map('shop', 'public.sales', 'customer', 'at', 'event', 'view -> pay -> view within 2 days', value => 'value', segment => 'country', time_zone => 'UTC', filter => 'false', nps => 'nps');
SELECT count(*) FROM alerts('shop');
SELECT set_target('shop', 'nps', 30);
SELECT metric, week, actual, target, met, since FROM shop.kpis;
SELECT set_target('shop', 'nps', 101);
SELECT set_target('shop', 'conversion', 20);
SELECT set_target('shop', 'revenue', 'Infinity');
SELECT set_target('shop', 'median_total', 'NaN');
SELECT set_target('shop', 'visits', NULL);
SELECT set_target('shop', NULL, 1);
SELECT set_target('shop', 'convresion', 0.1);
SELECT set_target('shop', 'ces', 5);
SELECT set_target('shop', 'conversion', 0.1, direction => 'up');
SELECT set_target('shop', 'conversion', 0.1, stage => 'pay');
SELECT set_target('shop', 'step_rate', 0.1);
SELECT set_target('shop', 'step_rate', 0.1, stage => 'view');
SELECT set_target('shop', 'step_rate', 0.1, stage => 'paid');
SELECT set_target('shop', 'conversion', 0.1, by_value => 'x', by => 'plan');
SELECT drop_target('shop', 'visits', by_value => 'LV');
SELECT alerts('shop', against => 1);
SELECT check_alerts('none');
SELECT drop_map('shop');
-- What a map had and has no more is not told any more.
SELECT create_map('poorer', 'public.sales', 'customer', 'at', 'event', 'view -> pay within 2 days', value => 'value', time_zone => 'UTC');
SELECT set_target('poorer', 'revenue', 10);
SELECT metric, actual > 0 AS known, met FROM poorer.kpis;
SELECT create_map('poorer', 'public.sales', 'customer', 'at', 'event', 'view -> pay within 2 days', time_zone => 'UTC', replace => true);
SELECT metric, actual, target, met FROM poorer.kpis;
SELECT drop_map('poorer');
DROP TABLE public.sales;
