-- Whether figures differ by more than they always do: periods_compared beside the same in plain SQL, on series in which nothing changes, and the reports of a map.
SET search_path = cjm, public;
\set SHOW_CONTEXT never
SET datestyle = 'ISO';
SET timezone = 'UTC';
SET client_min_messages = warning;
SELECT setseed(0.1);
CREATE FUNCTION public.normal() RETURNS float8 LANGUAGE sql VOLATILE RETURN sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random());
CREATE FUNCTION public.poisson(l float8) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	k bigint := 0;
	p float8 := exp(-least(l, 700));
	s float8 := p;
	u float8 := random();
BEGIN
	IF l > 100 THEN RETURN greatest(0, round(l + sqrt(l) * public.normal())); END IF;
	WHILE u > s AND k < 1000 LOOP k := k + 1; p := p * l / k; s := s + p; END LOOP;
	RETURN k;
END $$;

-- 500 series of nine weeks in which nothing changes, of each sort: coins; weeks that differ; rare, of few and of many customers by turns; visits; sums; scores with their intervals.
CREATE TABLE public.series AS
SELECT c.name, c.kind, s AS series, w AS week, x.n, CASE c.kind WHEN 'rate' THEN (SELECT count(*) FILTER (WHERE g > 0 AND random() < x.p) FROM generate_series(1, x.n) g)::float8 / x.n WHEN 'count' THEN x.n
		WHEN 'amount' THEN x.n * 20 * exp(0.3 * public.normal()) ELSE 30 + 2 * x.u + x.e END AS value,
	CASE c.kind WHEN 'score' THEN 30 + 2 * x.u + x.e - 1.959963984540054 * 3 END AS low, CASE c.kind WHEN 'score' THEN 30 + 2 * x.u + x.e + 1.959963984540054 * 3 END AS high
FROM (VALUES ('coins', 'rate', 200.0, 0.0, 0.2, 0.0), ('weeks', 'rate', 400.0, 0.7, 0.2, 0.3), ('rare', 'rate', 150.0, 0.5, 0.06, 0.3), ('visits', 'count', 300.0, 0.2, 0.5, 0.0), ('few visits', 'count', 50.0, 0.0, 0.5, 0.0),
		('revenue', 'amount', 100.0, 0.1, 0.5, 0.0), ('score', 'score', 200.0, 0.1, 0.5, 0.0)) c(name, kind, size, vary, rate, tau)
	CROSS JOIN generate_series(1, 500) s CROSS JOIN generate_series(0, 8) w
	CROSS JOIN LATERAL (SELECT greatest(1, public.poisson(c.size * exp(c.vary * public.normal()))) AS n, 1 / (1 + exp(-ln(c.rate / (1 - c.rate)) - c.tau * public.normal())) AS p, public.normal() AS u, 3 * public.normal() AS e WHERE s > 0 AND w >= 0) x;
CREATE TABLE public.compared AS
SELECT s.name, s.kind, s.series, count(*) AS weeks, (cjm_internal.periods_compared(s.kind, array_agg(s.week = 8 ORDER BY s.week), array_agg(s.n ORDER BY s.week), array_agg(s.value ORDER BY s.week),
	array_agg(s.low ORDER BY s.week), array_agg(s.high ORDER BY s.week), 30::float8)).* FROM public.series s GROUP BY 1, 2, 3;
-- One of twenty is promised at 0.05: of 500 no more than 36 with 99 % (binomial).  Where counts are small there may be no test.
SELECT name, count(p_value) >= 300 AS tested, count(*) FILTER (WHERE p_value <= 0.05) <= 36 AS false_alarms, count(*) FILTER (WHERE p_value <= 0.01) <= 11 AS rare_ones,
	count(*) FILTER (WHERE p_value <= 0.05) > 0 AS some, bool_and((p_value <= 0.05) = (value NOT BETWEEN usual_low AND usual_high OR difference_low > 0 OR difference_high < 0)) AS as_the_range_says
FROM public.compared GROUP BY name ORDER BY name;
-- Of ten at a time, corrected, one of twenty has any.
SELECT count(*) AS reports, count(*) FILTER (WHERE lowest * 10 <= 0.05) <= 21 AS false_alarms FROM (SELECT min(p_value) AS lowest FROM public.compared WHERE name IN ('coins', 'weeks', 'visits', 'revenue', 'score') GROUP BY (series - 1) / 2) x;

-- The same in plain SQL.
WITH scaled AS (
	SELECT s.*, CASE kind WHEN 'count' THEN ln(value + 0.5) WHEN 'amount' THEN ln(value) ELSE value END AS y, week = 8 AS is_now,
		CASE WHEN kind = 'count' THEN avg(value) FILTER (WHERE week < 8) OVER g ELSE sum(n * value) OVER g / sum(n) OVER g END AS pooled, sum(n) FILTER (WHERE week < 8) OVER g AS before
	FROM public.series s WINDOW g AS (PARTITION BY name, series)),
noisy AS (
	SELECT *, CASE kind WHEN 'rate' THEN pooled * (1 - pooled) / n WHEN 'count' THEN 1 / greatest(0.5, pooled) WHEN 'score' THEN ((high - low) / 2 / 1.959963984540054) ^ 2 END AS v,
		CASE WHEN is_now THEN 1 WHEN kind = 'rate' THEN n / before::float8 ELSE 1.0 / 8 END AS w FROM scaled),
sums AS (
	SELECT name, kind, series, sum(y) FILTER (WHERE is_now) AS now, sum(w * y) FILTER (WHERE NOT is_now) AS before, variance(y) FILTER (WHERE NOT is_now) AS spread, sum(w * w) FILTER (WHERE NOT is_now) AS squares,
		sum(v) FILTER (WHERE is_now) AS v_now, sum(w * w * v) FILTER (WHERE NOT is_now) AS v_then, avg(v) FILTER (WHERE NOT is_now) AS v_mean, sum(n) FILTER (WHERE is_now) AS n_now, max(pooled) AS pooled, avg(n) FILTER (WHERE NOT is_now) AS n_then
	FROM noisy GROUP BY 1, 2, 3),
factors AS (SELECT s.*, greatest(1, (SELECT sum((n.y - s.before) ^ 2 / n.v) FROM noisy n WHERE n.name = s.name AND n.series = s.series AND NOT n.is_now) / 7) AS factor FROM sums s),
tests AS (
	SELECT *, (now - before) / sqrt(greatest(spread * (1 + squares) + greatest(0, coalesce(v_now - v_mean, 0)), coalesce(factor * (v_now + v_then), 0))) AS t,
		CASE kind WHEN 'rate' THEN n_now >= 30 AND n_now * pooled >= 5 AND n_now * (1 - pooled) >= 5 WHEN 'count' THEN pooled >= 30 WHEN 'amount' THEN n_then >= 30 ELSE n_then >= 30 AND n_now >= 30 END AS enough FROM factors)
SELECT c.kind, count(*), count(t.enough) FILTER (WHERE NOT t.enough) > 0 AS some_too_few,
	count(*) FILTER (WHERE t.enough <> (c.p_value IS NOT NULL) OR t.enough AND abs(c.p_value - cjm_internal.student_p_value(t.t, 7)) > 1e-9) AS wrong
FROM tests t JOIN public.compared c USING (name, series) GROUP BY 1 ORDER BY 1;
-- What has a target is off by it as the other is off by what is usual, on the one side or the other.
SELECT bool_and(p_below + p_above BETWEEN 1 - 1e-9 AND 1 + 1e-9) AS halves, bool_and((p_below < 0.5) = (value < 30)) AS sides, count(p_below) FROM public.compared WHERE name = 'score';
SELECT p_below < 0.001 AS below, p_above > 0.999 AS not_above FROM cjm_internal.periods_compared('rate', '{f,f,f,f,t}', '{500,500,500,500,500}', '{0.2,0.21,0.19,0.2,0.2}', '{NULL,NULL,NULL,NULL,NULL}', '{NULL,NULL,NULL,NULL,NULL}', 0.4);

-- By hand: what nobody knows, and what there is too little of.
SELECT v.name, round(c.value::numeric, 6) AS value, round(c.usual::numeric, 6) AS usual, round(c.usual_low::numeric, 6) AS usual_low, round(c.usual_high::numeric, 6) AS usual_high, round(c.difference::numeric, 6) AS difference,
	round(c.difference_low::numeric, 6) AS low, round(c.difference_high::numeric, 6) AS high, round(c.p_value::numeric, 9) AS p_value FROM (VALUES ('two before'), ('constant'), ('nothing now'), ('stopped'), ('few')) v(name) CROSS JOIN LATERAL cjm_internal.periods_compared('count',
	CASE v.name WHEN 'two before' THEN '{f,f,t}'::boolean[] WHEN 'nothing now' THEN '{f,f,f}' ELSE '{f,f,f,f,t}' END,
	CASE v.name WHEN 'two before' THEN '{100,90,10}'::bigint[] WHEN 'nothing now' THEN '{100,100,90}' WHEN 'stopped' THEN '{100,90,110,100,0}' WHEN 'few' THEN '{4,5,4,3,0}' ELSE '{100,100,100,100,100}' END,
	CASE v.name WHEN 'two before' THEN '{100,90,10}'::float8[] WHEN 'nothing now' THEN '{100,100,90}' WHEN 'stopped' THEN '{100,90,110,100,0}' WHEN 'few' THEN '{4,5,4,3,0}' ELSE '{100,100,100,100,100}' END,
	CASE v.name WHEN 'two before' THEN array_fill(NULL::float8, '{3}') WHEN 'nothing now' THEN array_fill(NULL::float8, '{3}') ELSE array_fill(NULL::float8, '{5}') END,
	CASE v.name WHEN 'two before' THEN array_fill(NULL::float8, '{3}') WHEN 'nothing now' THEN array_fill(NULL::float8, '{3}') ELSE array_fill(NULL::float8, '{5}') END, NULL) c;
SELECT c.p_value FROM cjm_internal.periods_compared('amount', '{f,f,f,f,t}', '{50,50,50,50,50}', '{7,7,7,7,9}', array_fill(NULL::float8, '{5}'), array_fill(NULL::float8, '{5}'), NULL) c;
SELECT cjm_internal.periods_compared(NULL, '{t}', '{5}', '{1}', '{1}', '{1}', 1) IS NULL AS null, cjm_internal.periods_compared('rate', '{}', '{}', '{}', '{}', '{}', NULL), cjm_internal.periods_compared('rate', '{t}', '{5}', '{NaN}', '{NULL}', '{NULL}', NULL);
SELECT cjm_internal.periods_compared('price', '{}', '{}', '{}', '{}', '{}', NULL);
SELECT cjm_internal.periods_compared('rate', '{t}', '{}', '{}', '{}', '{}', NULL);
SELECT cjm_internal.periods_compared('rate', '{{t}}', '{1}', '{1}', '{1}', '{1}', NULL);

-- A map: twenty weeks of 150 new customers, one of four of whom pays within two days; from the fifteenth on one of twelve.
CREATE TABLE public.shop_events AS
SELECT w * 1000 + c AS customer, timestamptz '2025-01-06 00:00Z' + w * interval '7 days' + c * interval '1 hour' + e.k * interval '40 hours' AS at, e.event, CASE WHEN e.event = 'pay' THEN 10 + c % 7 END AS value, (ARRAY['LV', 'EE'])[1 + c / 70 % 2] AS country
FROM generate_series(0, 19) w CROSS JOIN generate_series(1, 140 + 7 * ((w * 5) % 4)) c CROSS JOIN LATERAL (VALUES (0, 'view'), (1, CASE WHEN c % CASE WHEN w < 15 THEN 4 ELSE 12 END = w % 2 THEN 'pay' END)) e(k, event) WHERE e.event IS NOT NULL;
SELECT create_map('shop', 'public.shop_events', 'customer', 'at', 'event', 'view -> pay within 2 days', value => 'value', segment => 'country', time_zone => 'UTC');
SELECT metric, bucket_start::date AS week, n, round(value::numeric, 3) AS value, round(usual::numeric, 3) AS usual, round(usual_low::numeric, 3) AS usual_low, round(usual_high::numeric, 3) AS usual_high, round(p_value::numeric, 4) AS p_value, round(adjusted_p_value::numeric, 4) AS adjusted, periods
FROM compare_report('shop', to_time => '2025-04-28Z');
SELECT metric, bucket_start::date AS week, round(value::numeric, 3) AS value, adjusted_p_value <= 0.05 AS differs FROM compare_report('shop', to_time => '2025-04-21Z') WHERE p_value IS NOT NULL;
-- As the figures and periods_compared say it, with Holm's correction.
WITH m AS (SELECT m.*, k.kind FROM metric_report('shop') m JOIN cjm_internal.map_metrics() k USING (metric) WHERE m.bucket_start < '2025-04-28Z' AND m.bucket_start >= '2025-02-24Z'),
c AS (SELECT m.metric, (cjm_internal.periods_compared(m.kind, array_agg(m.bucket_start = '2025-04-21Z' ORDER BY m.bucket_start), array_agg(m.n ORDER BY m.bucket_start), array_agg(m.value ORDER BY m.bucket_start), array_agg(m.low ORDER BY m.bucket_start),
	array_agg(m.high ORDER BY m.bucket_start), NULL)).* FROM m GROUP BY m.metric, m.kind, m.step),
h AS (SELECT c.*, (SELECT max(least(1, d.p_value * (SELECT count(*) FROM c e WHERE e.p_value >= d.p_value))) FROM c d WHERE d.p_value <= c.p_value) AS adjusted FROM c)
SELECT count(*), count(*) FILTER (WHERE (h.value, h.usual, h.usual_low, h.difference_high, h.p_value) IS DISTINCT FROM (r.value, r.usual, r.usual_low, r.difference_high, r.p_value) OR abs(h.adjusted - r.adjusted_p_value) > 1e-12) AS wrong
FROM h FULL JOIN compare_report('shop', to_time => '2025-04-28Z') r USING (metric);
-- A shorter age is over sooner, and asks what was reached by then.  Split, all of it is corrected together.
SELECT DISTINCT metric, bucket_start::date AS week, n, round(value::numeric, 3) AS value FROM compare_report('shop', 'conversion', age => '1 day');
SELECT by_value, bucket_start::date AS week, n, round(value::numeric, 3) AS value, adjusted_p_value > p_value AS corrected FROM compare_report('shop', 'conversion', to_time => '2025-04-28Z', by => 'segment');
SELECT metric, by_value, n, periods FROM compare_report('shop', 'visits', 'month', by => 'segment', against => 3);
-- Where there is no time limit walks are followed for as long as a period.
SELECT create_map('endless', 'public.shop_events', 'customer', 'at', 'event', 'view -> pay', time_zone => 'UTC');
SELECT bool_and(e.value = s.value) AS same FROM compare_report('endless', 'conversion', to_time => '2025-04-28Z') e, compare_report('shop', 'conversion', to_time => '2025-04-28Z') s;
SELECT round(value::numeric, 3) AS at_once FROM compare_report('endless', 'conversion', age => '1 hour', to_time => '2025-04-28Z');
-- Visits that stop: up to the present, as long as it was not long ago.
CREATE TABLE public.stopped AS SELECT c AS customer, date_trunc('week', now() - interval '30 minutes', 'UTC') - w * interval '7 days' + c * interval '1 hour' AS at, 'view' AS event FROM generate_series(2, 9) w, generate_series(1, 98 + w) c;
SELECT create_map('stopped', 'public.stopped', 'customer', 'at', 'event', 'view -> pay', time_zone => 'UTC');
SELECT metric, bucket_start = date_trunc('week', now() - interval '30 minutes', 'UTC') - interval '7 days' AS last_week, n, value, periods FROM compare_report('stopped', 'visits', against => 6);
SELECT n, value, p_value < 0.05 AS stopped FROM compare_report('stopped', 'visits', against => 6);
-- Long ago it is what was there then.
SELECT bucket_start::date AS week, value > 0 AS something FROM compare_report('shop', 'visits');

-- Before and after: five weeks of each, and the week of the moment is in neither.
SELECT metric, weeks, before_n, round(before_value::numeric, 3) AS before, after_n, round(after_value::numeric, 3) AS after, round(difference_low::numeric, 3) AS low, round(difference_high::numeric, 3) AS high, adjusted_p_value <= 0.05 AS differs
FROM change_report('shop', '2025-04-21 00:00Z', '35 days');
SELECT weeks, before_n, after_n FROM change_report('shop', '2025-04-21 00:00:01Z', '35 days', 'conversion');
SELECT sum(n) FILTER (WHERE bucket_start < '2025-04-21Z') AS before_n, sum(n) FILTER (WHERE bucket_start > '2025-04-21Z') AS after_n, round((sum(n * value) FILTER (WHERE bucket_start < '2025-04-21Z') / sum(n) FILTER (WHERE bucket_start < '2025-04-21Z'))::numeric, 9) =
	(SELECT round(before_value::numeric, 9) FROM change_report('shop', '2025-04-21 00:00:01Z', '28 days', 'conversion')) AS same
FROM metric_report('shop', 'conversion') WHERE bucket_start BETWEEN '2025-03-24Z' AND '2025-05-19Z' AND bucket_start <> '2025-04-21Z';
SELECT weeks, p_value IS NULL AS no_test FROM change_report('shop', '2025-05-19Z', metric => 'conversion');
SELECT count(*) FROM change_report('shop', '2026-01-01Z');
SELECT bool_or(adjusted_p_value <= 0.05) AS before_it FROM change_report('shop', '2025-03-03Z', metric => 'conversion');
SELECT by_value, weeks, adjusted_p_value <= 0.05 AS differs FROM change_report('shop', '2025-04-21Z', by => 'segment', metric => 'conversion');
SELECT weeks FROM change_report('shop', '2025-04-21Z', metric => 'conversion', where_is => '{"segment": "EE"}', age => '1 day');

-- Notes.
SELECT note('shop', '2025-04-21 09:00Z', 'new checkout');
SELECT note('shop', '2025-02-01 09:00Z', 'it''s "winter" $1 %s');
SELECT at, text, written_at <= now() AS written FROM shop.notes ORDER BY at;
SELECT m.week, round(m.value::numeric, 3) AS conversion, n.text FROM shop.metrics m LEFT JOIN shop.notes n ON date_trunc('week', n.at AT TIME ZONE 'UTC')::date = m.week WHERE m.metric = 'conversion' AND m.week BETWEEN '2025-04-07' AND '2025-04-28' ORDER BY m.week;
SELECT obj_description('shop.notes'::regclass), col_description('shop.notes'::regclass, 1);
SELECT create_map('shop', 'public.shop_events', 'customer', 'at', 'event', 'view -> pay within 2 days', value => 'value', segment => 'country', time_zone => 'UTC', replace => true);
ALTER SCHEMA shop RENAME TO "The Shop";
SELECT note('The Shop', now(), 'renamed') LIKE '%: renamed' AS noted;
SELECT count(*) FROM "The Shop".notes;

-- Errors.
SELECT compare_report('The Shop', against => 2);
SELECT compare_report('The Shop', age => '0');
SELECT compare_report('The Shop', age => '1 month');
SELECT compare_report('The Shop', from_time => '2025-05-01', to_time => '2025-04-01');
SELECT compare_report('The Shop', 'sales');
SELECT change_report('The Shop', NULL);
SELECT change_report('The Shop', 'infinity');
SELECT change_report('The Shop', now(), '10 days');
SELECT change_report('The Shop', now(), '1 month');
SELECT change_report('The Shop', now(), '0');
SELECT note('The Shop', NULL, 'x');
SELECT note('The Shop', 'infinity', 'x');
SELECT note('The Shop', now(), '');
SELECT note('none', now(), 'x');
-- Somebody else's table of that name is not written to.
DROP TABLE "The Shop".notes;
CREATE TABLE "The Shop".notes (at timestamptz, text text);
SELECT note('The Shop', now(), 'x');
DROP TABLE "The Shop".notes;
SELECT note('The Shop', now(), 'again') LIKE '%: again' AS noted;
SELECT drop_map('The Shop');
SELECT to_regnamespace('"The Shop"');
SELECT drop_map('endless'), drop_map('stopped');
DROP TABLE public.series, public.compared, public.shop_events, public.stopped;
DROP FUNCTION public.normal, public.poisson;
