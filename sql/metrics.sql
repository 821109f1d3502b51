-- Figures over time, each counted again in plain SQL over the rows, on random data: half hours, so that there are ties; and beside the report of the same name.
SET search_path = cjm, public;
\set SHOW_CONTEXT never
SET datestyle = 'ISO';
SET timezone = 'UTC';
SET client_min_messages = warning;
SELECT setseed(0.42);
CREATE TABLE public.figures AS
	SELECT e.customer, timestamptz '2026-01-05 00:00Z' + (customer % 45) * interval '1 day' + floor(random() * 48 * 16) * interval '30 minutes' AS at, e.event,
		(ARRAY['ads', 'mail', NULL])[1 + floor(random() * 3)::int] AS channel,
		CASE e.event WHEN 'pay' THEN nullif(floor(random() * 40)::float8 - 3, 5) WHEN 'back' THEN -2 WHEN 'nps' THEN floor(random() * 11) WHEN 'csat' THEN 1 + floor(random() * 5) WHEN 'ces' THEN 1 + floor(random() * 7) END AS value
	FROM (SELECT (random() * 190)::int AS customer, (ARRAY['view', 'view', 'view', 'view', 'cart', 'cart', 'pay', 'back', 'nps', 'csat', 'ces', 'look'])[1 + floor(random() * 12)::int] AS event FROM generate_series(1, 3000)) e;
ALTER TABLE public.figures ADD country text;
UPDATE public.figures SET country = (ARRAY['LV', 'EE', NULL])[1 + customer % 3];
CREATE TABLE public.paid AS SELECT d::date AS day, c AS channel, 10 AS impressions, 5 AS clicks, extract(day FROM d)::int AS cost
	FROM generate_series(timestamptz '2026-01-05Z', '2026-02-20Z', '1 day') d, unnest('{ads,mail}'::text[]) c;
SELECT create_map('figures', 'public.figures', 'customer', 'at', 'event', 'view -> cart -> pay within 10 days', 'channel', 'value', 'country', time_zone => 'UTC',
	spend => 'public.paid', nps => 'nps', csat => 'csat', ces => 'ces', refusal => 'back');

-- Student's t with as many degrees of freedom as so many customers have.
CREATE FUNCTION public.student(customers float8) RETURNS float8 LANGUAGE sql IMMUTABLE
RETURN cjm_internal.student_95(greatest(1, round(customers - 1))::bigint);
-- Twice: of all customers together, and split by their country.  Of each week and figure.
CREATE VIEW public.expected AS
WITH e AS (SELECT f.customer, f.at, f.event, f.value, s.split, CASE WHEN s.split THEN f.country END AS key FROM public.figures f CROSS JOIN (VALUES (false), (true)) s(split)),
weeks AS (SELECT w AS week FROM generate_series(timestamptz '2026-01-05Z', '2026-03-16Z', '7 days') w),
-- Walks: the deepest, that ends first, that starts last, each step as early as can be.
walks AS (
	SELECT w.week, v.split, v.key, v.customer, CASE WHEN p.at IS NOT NULL THEN 3 WHEN c.at IS NOT NULL THEN 2 ELSE 1 END AS step, v.at AS t1, c.at AS t2, p.at AS t3
	FROM weeks w JOIN e v ON v.event = 'view' AND v.at >= w.week AND v.at < w.week + interval '7 days'
		LEFT JOIN e c ON c.event = 'cart' AND c.split = v.split AND c.customer = v.customer AND c.at >= v.at AND c.at <= v.at + interval '10 days'
		LEFT JOIN e p ON p.event = 'pay' AND p.split = v.split AND p.customer = v.customer AND p.at >= c.at AND p.at <= v.at + interval '10 days'),
walk AS (SELECT DISTINCT ON (w.week, w.split, w.customer) w.* FROM walks w ORDER BY w.week, w.split, w.customer, w.step DESC, CASE w.step WHEN 1 THEN w.t1 WHEN 2 THEN w.t2 ELSE w.t3 END, w.t1 DESC, w.t2),
visits AS (
	SELECT s.split, s.key, s.customer, s.session, date_trunc('week', min(s.at), 'UTC') AS week, count(*) AS touches
	FROM (SELECT g.*, count(*) FILTER (WHERE g.gap IS NULL OR g.gap > interval '30 minutes') OVER (PARTITION BY g.split, g.customer ORDER BY g.at) AS session
		FROM (SELECT e.*, e.at - lag(e.at) OVER (PARTITION BY e.split, e.customer ORDER BY e.at) AS gap FROM e) g) s
	GROUP BY 1, 2, 3, 4),
first AS (SELECT split, key, customer, date_trunc('week', min(at), 'UTC') AS week FROM e GROUP BY 1, 2, 3),
bought AS (
	SELECT split, key, customer, date_trunc('week', at, 'UTC') AS week, count(*) FILTER (WHERE event = 'pay' AND (value >= 0) IS NOT FALSE) AS purchases,
		sum(value) AS value, coalesce(sum(value) FILTER (WHERE value >= 0), 0) AS gross, count(*) FILTER (WHERE value >= 0) AS valued, count(*) FILTER (WHERE value < 0) AS refunds
	FROM e WHERE event = 'pay' OR event = 'back' GROUP BY 1, 2, 3, 4),
answers AS (SELECT split, key, date_trunc('week', at, 'UTC') AS week, event, value FROM e WHERE event IN ('nps', 'csat', 'ces')),
shares AS (
	SELECT 'step_rate' AS metric, s.step, w.split, w.key, w.week, count(*) FILTER (WHERE w.step >= s.step) AS hits, count(*) AS n FROM walk w CROSS JOIN (VALUES (2), (3)) s(step) WHERE w.step >= s.step - 1 GROUP BY 1, 2, 3, 4, 5
	UNION ALL SELECT 'conversion', 3, split, key, week, count(*) FILTER (WHERE step = 3), count(*) FROM walk GROUP BY 3, 4, 5
	UNION ALL SELECT 'retention', NULL, f.split, f.key, f.week, count(*) FILTER (WHERE EXISTS (SELECT FROM public.figures e WHERE e.customer = f.customer AND date_trunc('week', e.at, 'UTC') = f.week + interval '7 days')), count(*)
		FROM first f GROUP BY 3, 4, 5
	UNION ALL SELECT 'repeat_rate', NULL, split, key, week, count(*) FILTER (WHERE purchases > 1), count(*) FROM bought WHERE purchases > 0 GROUP BY 3, 4, 5
	UNION ALL SELECT 'csat', NULL, split, key, week, count(*) FILTER (WHERE value >= 4), count(*) FROM answers WHERE event = 'csat' GROUP BY 3, 4, 5),
-- What one customer does is alike: shares of their sessions, and totals of what each adds.
each AS (SELECT split, key, week, customer, count(*) AS n, count(*) FILTER (WHERE touches = 1) AS bounced, count(*) FILTER (WHERE session > 1) AS returned FROM visits GROUP BY 1, 2, 3, 4),
clustered AS (
	SELECT m.metric, e.split, e.key, e.week, count(*) AS customers, sum(e.n) AS n, sum(m.h) AS h, sum(e.n) ^ 2 / sum(e.n * e.n) AS kish, array_agg(m.h::float8) AS hs, array_agg(e.n::float8) AS ns
	FROM each e CROSS JOIN LATERAL (VALUES ('bounce_rate', e.bounced), ('returning_share', e.returned)) m(metric, h) GROUP BY 1, 2, 3, 4),
effective AS (
	SELECT c.*, p.p, least(n, least(n, CASE WHEN h = 0 OR h = n OR customers = 1 THEN kish WHEN v > 0 THEN p * (1 - p) / v ELSE n END) * (student(n::float8) / student(kish::float8)) ^ 2) AS ne
	FROM clustered c CROSS JOIN LATERAL (SELECT (h / n)::float8 AS p) p
		CROSS JOIN LATERAL (SELECT customers / greatest(1, customers - 1.0) * (SELECT sum((x.h - p * x.n) ^ 2) FROM unnest(hs, ns) x(h, n)) / n ^ 2 AS v) v),
credits AS (
	SELECT date_trunc('week', a.conversion_at, 'UTC') AS week, j.customer, sum(a.credit) AS conversions FROM figures.journeys j CROSS JOIN LATERAL cjm.attribute(j.journey, 'view -> cart -> pay within 10 days') a GROUP BY 1, 2),
spent AS (SELECT date_trunc('week', day::timestamp) AT TIME ZONE 'UTC' AS week, sum(cost)::float8 AS paid FROM public.paid GROUP BY 1),
totals AS (
	SELECT 'visits' AS metric, split, key, week, sum(n) AS n, sum(n)::float8 AS total, sum(n * n)::float8 AS squares, student((sum(n) ^ 2 / sum(n * n))::float8) AS t, false AS negative FROM each GROUP BY 2, 3, 4
	UNION ALL SELECT 'revenue', split, key, week, sum(purchases), sum(value), sum(value * value), student(coalesce(sum(gross) ^ 2 / nullif(sum(gross * gross), 0), 1)), sum(refunds) > 0 FROM bought GROUP BY 2, 3, 4 HAVING count(value) > 0
	UNION ALL SELECT 'conversions', false, NULL, week, sum(conversions), sum(conversions), sum(conversions * conversions), student(sum(conversions) ^ 2 / sum(conversions * conversions)), false FROM credits GROUP BY 4),
ranges AS (
	SELECT metric, split, key, week, n, total, CASE WHEN squares > 0 THEN CASE WHEN negative OR total <= 0 THEN total - t * sqrt(squares) ELSE total + f * t * t / 2 - t * sqrt(f * total + f * f * t * t / 4) END END AS low,
		CASE WHEN squares > 0 THEN CASE WHEN negative OR total <= 0 THEN total + t * sqrt(squares) ELSE total + f * t * t / 2 + t * sqrt(f * total + f * f * t * t / 4) END END AS high
	FROM totals CROSS JOIN LATERAL (SELECT squares / nullif(total, 0) AS f) f),
wilson AS (
	SELECT s.metric, s.step, s.split, s.key, s.week, s.n, c.p AS value, (p + z * z / (2 * n) - z * sqrt(p * (1 - p) / n + z * z / (4.0 * n * n))) / (1 + z * z / n) AS low,
		(p + z * z / (2 * n) + z * sqrt(p * (1 - p) / n + z * z / (4.0 * n * n))) / (1 + z * z / n) AS high
	FROM shares s CROSS JOIN LATERAL (SELECT s.hits::float8 / s.n AS p, 1.959963984540054::float8 AS z) c),
times AS (
	SELECT m.metric, m.step, w.split, w.key, w.week, array_agg(extract(epoch FROM m.took)::float8 ORDER BY m.took) AS took
	FROM walk w CROSS JOIN LATERAL (VALUES ('median_time', 2, w.t2 - w.t1), ('median_time', 3, w.t3 - w.t2), ('median_total', 3, w.t3 - w.t1)) m(metric, step, took)
	WHERE m.took IS NOT NULL GROUP BY 1, 2, 3, 4, 5),
-- The largest number that P(Binomial(n, 1/2) < number) <= 2.5 %, added up.
ranks AS (
	SELECT n, (SELECT max(k) FROM generate_series(1, n) k WHERE (SELECT sum(factorial(n) / factorial(i) / factorial(n - i)) FROM generate_series(0, k - 1) i) / 2::numeric ^ n <= 0.025) AS low
	FROM (SELECT DISTINCT cardinality(took) AS n FROM times) t),
orders AS (
	SELECT split, key, week, sum(valued) AS n, sum(gross) / sum(valued) AS value, count(*) AS payers, array_agg(gross) AS gross, array_agg(valued) AS valued FROM bought WHERE valued > 0 GROUP BY 1, 2, 3),
scores AS (
	SELECT event AS metric, split, key, week, count(*) AS n, avg(value) AS mean, stddev_samp(value) AS deviation, sum(CASE WHEN value >= 9 THEN 1 WHEN value <= 6 THEN -1 ELSE 0 END) AS balance,
		count(*) FILTER (WHERE value >= 9 OR value <= 6) AS extremes
	FROM answers WHERE event <> 'csat' GROUP BY 1, 2, 3, 4)
SELECT metric, step, split, key, week, n, value, low, high FROM wilson
UNION ALL SELECT t.metric, t.step, t.split, t.key, t.week, r.n, t.took[(r.n + 1) / 2], t.took[r.low], t.took[r.n + 1 - r.low] FROM times t JOIN ranks r ON r.n = cardinality(t.took)
UNION ALL SELECT metric, NULL, split, key, week, n, p, greatest(0, (p + 1.92072941034706 / ne - 1.959963984540054 * sqrt(p * (1 - p) / ne + 0.960364705173529 / ne ^ 2)) / (1 + 3.84145882069412 / ne)),
	least(1, (p + 1.92072941034706 / ne + 1.959963984540054 * sqrt(p * (1 - p) / ne + 0.960364705173529 / ne ^ 2)) / (1 + 3.84145882069412 / ne)) FROM effective
UNION ALL SELECT metric, NULL, split, key, week, n, total, low, high FROM ranges WHERE metric <> 'conversions'
UNION ALL SELECT 'cpa', NULL, false, NULL, week, r.n, paid / total, paid / high, paid / low FROM ranges r JOIN spent USING (week) WHERE metric = 'conversions'
UNION ALL SELECT 'roas', NULL, false, NULL, week, coalesce(c.n, 0), coalesce(r.total, 0) / paid, r.low / paid, r.high / paid FROM spent LEFT JOIN (SELECT * FROM ranges WHERE metric = 'revenue' AND NOT split) r USING (week)
	LEFT JOIN (SELECT week, n FROM ranges WHERE metric = 'conversions') c USING (week)
UNION ALL SELECT 'order_value', NULL, split, key, week, n, value, CASE WHEN reach > value THEN 0 ELSE value - reach END, value + reach
	FROM orders CROSS JOIN LATERAL (SELECT CASE WHEN payers > 1 THEN cjm_internal.student_95(payers - 1) * sqrt(payers / (payers - 1.0)::float8 * (
		SELECT sum((x.gross - value * x.valued) ^ 2) FROM unnest(gross, valued) x(gross, valued))) / n::float8 END AS reach) r
UNION ALL SELECT metric, NULL, split, key, week, n, 100.0 * balance / n, least(100.0 * balance / n, greatest(-100, 100 * (m - r))), greatest(100.0 * balance / n, least(100, 100 * (m + r)))
	FROM scores CROSS JOIN LATERAL (SELECT balance / (n + 3.0) AS m, 1.959963984540054 * sqrt(((extremes + 1.5) / (n + 3.0) - (balance / (n + 3.0)) ^ 2) / (n + 3.0)) AS r) x WHERE metric = 'nps'
UNION ALL SELECT metric, NULL, split, key, week, n, mean, CASE WHEN n > 1 THEN greatest(1, mean - r) END, CASE WHEN n > 1 THEN least(7, mean + r) END
	FROM scores CROSS JOIN LATERAL (SELECT CASE WHEN n > 1 THEN cjm_internal.student_95(n - 1) * deviation / sqrt(n) END AS r) x WHERE metric = 'ces';

-- Durations are within 1 % (buckets of 1/128), all else is exact but for the last digits.
CREATE FUNCTION public.near(a float8, b float8, metric text) RETURNS boolean LANGUAGE sql
RETURN a IS NOT DISTINCT FROM b OR coalesce(abs(a - b) <= greatest(abs(b) * CASE WHEN metric LIKE 'median%' THEN 0.01 ELSE 1e-9 END, 1e-9), false);
CREATE VIEW public.wrong AS
SELECT coalesce(x.split, m.split) AS split, coalesce(x.metric, m.metric) AS metric, coalesce(x.step, m.step) AS step, count(x.metric) AS lines, count(x.low) AS intervals,
	count(*) FILTER (WHERE x.n IS DISTINCT FROM m.n OR NOT near(m.value, x.value, m.metric) OR NOT near(m.low, x.low, m.metric) OR NOT near(m.high, x.high, m.metric)) AS wrong
FROM public.expected x FULL JOIN (SELECT false AS split, r.* FROM cjm.metric_report('figures') r UNION ALL SELECT true, r.* FROM cjm.metric_report('figures', by => 'segment') r) m
	ON m.split = x.split AND m.metric = x.metric AND m.step IS NOT DISTINCT FROM x.step AND m.by_value IS NOT DISTINCT FROM x.key AND m.bucket_start = x.week
WHERE coalesce(m.metric, x.metric) <> 'refusal_rate'
GROUP BY 1, 2, 3;
SELECT * FROM public.wrong ORDER BY split, array_position(ARRAY(SELECT metric FROM cjm_internal.map_metrics() ORDER BY place), metric), step;

-- As each report has it.
CREATE VIEW public.all_figures AS SELECT * FROM metric_report('figures', period => 'month');
WITH f AS (SELECT * FROM funnel_report('figures', bucket => 'month')), s AS (SELECT * FROM session_report('figures', bucket => 'month')),
	p AS (SELECT m AS bucket_start, r.* FROM generate_series(timestamptz '2026-01-01Z', '2026-03-01Z', '1 month') m CROSS JOIN LATERAL purchase_report('figures', from_time => m, to_time => m + interval '1 month') r WHERE r.purchases > 0),
	c AS (SELECT bucket_start, sum(cost) AS cost, sum(conversions) AS conversions, sum(revenue) AS revenue FROM channels_report('figures', 'month') GROUP BY 1),
	r AS (SELECT 'step_rate' AS metric, step, stage, bucket_start, closed, step_rate AS value, rate_low AS low, rate_high AS high FROM f WHERE step > 1
	UNION ALL SELECT 'conversion', step, stage, bucket_start, closed, overall_rate, NULL, NULL FROM f WHERE step = 3
	UNION ALL SELECT 'refusal_rate', NULL, NULL, bucket_start, closed, i.rate, i.rate_low, i.rate_high
		FROM (SELECT bucket_start, closed, sum(refused)::bigint AS refused, max(customers) AS customers FROM f GROUP BY 1, 2) g, rate_interval(refused, customers, 1) i
	UNION ALL SELECT 'median_time', step, stage, bucket_start, closed, median_time_seconds, NULL, NULL FROM f WHERE step > 1
	UNION ALL SELECT 'median_total', step, stage, bucket_start, closed, median_total_seconds, NULL, NULL FROM f WHERE step = 3
	UNION ALL SELECT 'visits', NULL, NULL, bucket_start, true, sessions, NULL, NULL FROM s
	UNION ALL SELECT 'bounce_rate', NULL, NULL, bucket_start, true, bounce_rate, NULL, NULL FROM s
	UNION ALL SELECT 'returning_share', NULL, NULL, bucket_start, true, returning_sessions::float8 / sessions, NULL, NULL FROM s
	UNION ALL SELECT 'retention', NULL, NULL, cohort::timestamp AT TIME ZONE 'UTC', period_over, rate, NULL, NULL FROM retention_report('figures') WHERE number = 1
	UNION ALL SELECT 'repeat_rate', NULL, NULL, bucket_start, true, repeat_rate, NULL, NULL FROM p
	UNION ALL SELECT 'order_value', NULL, NULL, bucket_start, true, average_order_value::float8, NULL, NULL FROM p
	UNION ALL SELECT 'revenue', NULL, NULL, bucket_start, true, value::float8, NULL, NULL FROM p
	UNION ALL SELECT 'cpa', NULL, NULL, bucket_start, true, round((cost / conversions::numeric), 9)::float8, NULL, NULL FROM c WHERE cost > 0
	UNION ALL SELECT 'roas', NULL, NULL, bucket_start, true, (revenue / cost)::float8, NULL, NULL FROM c WHERE cost > 0)
SELECT metric, count(*), count(*) FILTER (WHERE r.value IS DISTINCT FROM m.value OR r.closed IS DISTINCT FROM m.closed OR r.stage IS DISTINCT FROM m.stage
	OR coalesce(r.low <> m.low, false) OR coalesce(r.high <> m.high, false)) AS wrong
FROM r FULL JOIN (SELECT * FROM public.all_figures WHERE metric NOT IN ('nps', 'csat', 'ces')) m USING (metric, bucket_start) WHERE r.step IS NOT DISTINCT FROM m.step
GROUP BY metric ORDER BY array_position(ARRAY(SELECT metric FROM cjm_internal.map_metrics() ORDER BY place), metric);
SELECT count(*), bool_and(c.cpa::float8 IS NOT DISTINCT FROM a.value AND c.roas IS NOT DISTINCT FROM r.value) AS same
FROM channels_report('figures', 'week') c LEFT JOIN metric_report('figures', 'cpa', by => 'channel') a ON a.by_value IS NOT DISTINCT FROM c.channel AND a.bucket_start = c.bucket_start
	LEFT JOIN metric_report('figures', 'roas', by => 'channel') r ON r.by_value IS NOT DISTINCT FROM c.channel AND r.bucket_start = c.bucket_start;
-- The view is the report by weeks, one figure is what it is among all, and kept journeys say what the rows say.
CREATE TABLE public.from_rows AS SELECT * FROM figures.metrics;
SELECT count(*) AS lines FROM public.from_rows;
SELECT count(*) AS differ FROM (
	(SELECT metric, step, stage, week, closed, n, value, low, high FROM public.from_rows EXCEPT ALL SELECT metric, step, stage, bucket_start::date, closed, n, value, low, high FROM metric_report('figures'))
	UNION ALL (SELECT metric, step, stage, bucket_start::date, closed, n, value, low, high FROM metric_report('figures') EXCEPT ALL SELECT metric, step, stage, week, closed, n, value, low, high FROM public.from_rows)
	UNION ALL (SELECT metric, step, stage, bucket_start::date, closed, n, value, low, high FROM unnest('{visits,order_value,ces}'::text[]) one, LATERAL metric_report('figures', one)
		EXCEPT ALL SELECT metric, step, stage, week, closed, n, value, low, high FROM public.from_rows)) d;
SELECT keep_journeys('figures');
SELECT refresh_journeys('figures');
INSERT INTO public.figures SELECT 100000, '2026-02-10 10:00Z', unnest('{view,cart,pay}'::text[]), 'ads', 7, 'LV';
CREATE TEMPORARY TABLE kept AS SELECT * FROM figures.metrics;
SELECT state FROM kept('figures');
SELECT unkeep_journeys('figures');
SELECT count(*) AS differ FROM ((TABLE kept EXCEPT ALL TABLE figures.metrics) UNION ALL (TABLE figures.metrics EXCEPT ALL TABLE kept)) d;
SELECT count(*) > 10 AS changed FROM (TABLE kept EXCEPT ALL TABLE public.from_rows) d;
-- Of a part of the customers, and of a time.  What was spent on a part nobody knows.
SELECT count(*) AS differ FROM (SELECT metric, step, bucket_start, n, value, low, high FROM metric_report('figures', where_is => '{"segment": "LV"}')
	EXCEPT ALL SELECT metric, step, bucket_start, n, value, low, high FROM metric_report('figures', by => 'segment') WHERE by_value = 'LV') d;
SELECT count(*) FILTER (WHERE metric IN ('cpa', 'roas')) AS money, count(*) > 50 AS others FROM metric_report('figures', where_is => '{"segment": "LV"}');
SELECT count(*) AS lines, count(*) FILTER (WHERE (a.n, a.value, a.low) IS DISTINCT FROM (m.n, m.value, m.low)) AS differ
FROM metric_report('figures', from_time => '2026-01-12Z', to_time => '2026-02-02Z') m LEFT JOIN metric_report('figures') a USING (metric, bucket_start) WHERE a.step IS NOT DISTINCT FROM m.step;
SELECT array_agg(DISTINCT bucket_start::date ORDER BY bucket_start::date) AS weeks FROM metric_report('figures', from_time => '2026-01-12Z', to_time => '2026-02-02Z');
-- Which figures a word leaves.
SELECT by, (SELECT array_agg(metric ORDER BY place) FROM cjm_internal.map_metrics() WHERE metric IN (SELECT metric FROM metric_report('figures', by => by))) AS metrics
FROM unnest('{segment,channel,entry_channel,visitor}'::text[]) by;

-- Sums of sessions by something of their own, in SQL, are those of the aggregate where the word is the customer's.
SELECT cjm_internal.map_session_metrics_sql(cjm_internal.map_of('figures'), 'week', 'segment', false) AS sums \gset
SELECT count(*) AS lines, count(*) FILTER (WHERE s.sums IS DISTINCT FROM b.sums) AS differ
FROM (SELECT segment, cjm_internal.session_sums_agg(journey, '-infinity', 'infinity', 'week', 'UTC', '30 minutes', NULL) AS sums FROM figures.journeys GROUP BY 1) a
	CROSS JOIN LATERAL cjm_internal.period_sums(a.sums, 'week', 'UTC', 9) b FULL JOIN (:sums) s ON s.bucket_start = b.bucket_start AND s.label IS NOT DISTINCT FROM a.segment;
SELECT count(*) AS lines, count(*) FILTER (WHERE (m.n, m.value) IS DISTINCT FROM (s.sessions, s.bounce_rate)) AS differ, count(m.low) AS intervals
FROM session_report('figures', by => 'channel', bucket => 'week') s FULL JOIN metric_report('figures', 'bounce_rate', by => 'channel') m ON m.by_value IS NOT DISTINCT FROM s.by_value AND m.bucket_start = s.bucket_start;
-- Credit of each channel, and how unlike customers are in it.
SELECT count(*) AS lines, count(*) FILTER (WHERE NOT near(m.low, paid / i.high, '') OR NOT near(m.high, paid / i.low, '')) AS wrong
FROM metric_report('figures', 'cpa', by => 'channel') m JOIN (
	SELECT c.channel, c.week, sum(c.credit) AS credit, sum(c.credit ^ 2) AS squares
	FROM (SELECT j.customer, a.channel, date_trunc('week', a.conversion_at, 'UTC') AS week, sum(a.credit) AS credit FROM figures.journeys j CROSS JOIN LATERAL cjm.attribute(without_events(j.journey, '{nps,csat,ces}'), 'view -> cart -> pay within 10 days') a GROUP BY 1, 2, 3) c
	GROUP BY 1, 2) c ON c.channel = m.by_value AND c.week = m.bucket_start
	JOIN (SELECT channel, date_trunc('week', day::timestamp) AT TIME ZONE 'UTC' AS week, sum(cost)::float8 AS paid FROM public.paid GROUP BY 1, 2) p ON p.channel = c.channel AND p.week = c.week
	CROSS JOIN LATERAL cjm_internal.clustered_total(c.credit, c.squares, c.credit, c.squares, false) i;
SELECT m.metric, count(*) AS lines, count(*) FILTER (WHERE (m.n, m.value, m.low, m.high) IS DISTINCT FROM (b.n, b.value, b.low, b.high)) AS differ
FROM metric_report('figures', where_is => '{"channel": "ads"}') m LEFT JOIN metric_report('figures', by => 'channel') b ON b.metric = m.metric AND b.bucket_start = m.bucket_start AND b.by_value = 'ads'
WHERE m.metric IN ('cpa', 'roas', 'visits') GROUP BY 1 ORDER BY 1;
-- Sums are exact, and the same from parts; times lie in the period that clocks show, also before the second of two midnights.
SELECT p.bucket_start, p.sums FROM cjm_internal.period_sums((SELECT cjm_internal.purchase_sums_agg(journey, '-infinity', 'infinity', 'day', 'UTC', 'pay', 'back')
	FROM unnest(ARRAY['{2026-01-01T00:00Z pay=999999999999999}', '{2026-01-01T10:00Z pay=1e-9, 2026-01-01T11:00Z back=-2.5}', '{2026-01-01T10:00Z pay=-999999999999999}', '{2026-01-02T10:00Z pay}']::journey[]) journey), 'day', 'UTC', 13) p;
CREATE TABLE public.havana AS SELECT c AS customer, at, 'view' AS event FROM generate_series(timestamptz '2025-11-01 00:00Z', '2025-11-04 00:00Z', '40 minutes') WITH ORDINALITY t(at, c);
SELECT create_map('havana', 'public.havana', 'customer', 'at', 'event', 'view -> pay', time_zone => 'America/Havana');
SELECT count(*) AS days, count(*) FILTER (WHERE m.n IS DISTINCT FROM s.sessions) AS differ FROM session_report('havana', bucket => 'day') s FULL JOIN metric_report('havana', 'visits', 'day') m USING (bucket_start);
SELECT drop_map('havana');
DROP TABLE public.havana;

-- What is not over yet is told; of nothing nothing is said.
CREATE TABLE public.young (customer int, at timestamptz, event text);
SELECT create_map('young', 'public.young', 'customer', 'at', 'event', 'a -> b within 10 days', time_zone => 'UTC');
SELECT count(*) FROM young.metrics;
INSERT INTO public.young SELECT 1, t, 'a' FROM unnest(ARRAY[now(), now() - interval '18 days', now() - interval '40 days', 'infinity'::timestamptz - interval '1 day', '200000-01-01 00:00Z', '4000-01-01 BC']) t WHERE isfinite(t);
SELECT metric, bucket_start > now() - interval '8 days' AS this_week, closed, n, value FROM metric_report('young') WHERE metric IN ('step_rate', 'visits') AND bucket_start BETWEEN '2000-01-01' AND '3000-01-01' ORDER BY 1, bucket_start;
SELECT metric, bucket_start > now() AS future, closed FROM metric_report('young') WHERE metric IN ('step_rate', 'visits') AND bucket_start NOT BETWEEN '2000-01-01' AND '3000-01-01' ORDER BY 1, 2;

-- Errors.
SELECT metric_report('figures', 'nbs');
SELECT metric_report('young', 'nps');
SELECT metric_report('young', 'revenue');
SELECT metric_report('figures', 'cpa', by => 'segment');
SELECT metric_report('figures', 'roas', where_is => '{"segment": "LV"}');
SELECT metric_report('figures', by => 'contry');
SELECT metric_report('figures', 'nps', where_is => '{"visitor": "new"}');
SELECT metric_report('figures', where_is => '{"contry": "LV"}');
SELECT metric_report('figures', period => 'hour');
SELECT metric_report('figures', period => 'fortnight');
SELECT metric_report('none');

-- Student's t by its tables, and the ranks around a median by those of Conover's book.
SELECT d AS degrees, round(cjm_internal.student_95(d)::numeric, 4) AS t, round(cjm_internal.student_p_value(cjm_internal.student_95(d), d)::numeric, 9) AS p FROM unnest('{1,2,7,30,120,500}'::bigint[]) d;
SELECT cjm_internal.student_p_value(0, 3), cjm_internal.student_p_value('Infinity', 3), cjm_internal.student_p_value('NaN', 3), round(cjm_internal.student_p_value(-1.96, 100000)::numeric, 5) AS normal;
SELECT cjm_internal.student_95(0);
SELECT n, f[3] AS came, f[4] AS low, f[5] AS high
FROM unnest('{1,5,6,10,20,100,1000,1001,4000}'::int[]) n CROSS JOIN LATERAL (SELECT cjm_internal.funnel_figures(funnel_agg(i, at, e, 'a -> b'), 2) AS f
	FROM generate_series(1, n) i CROSS JOIN LATERAL (VALUES ('a', timestamptz '2026-01-01Z'), ('b', timestamptz '2026-01-01Z' + least(i, 127) * interval '1 microsecond' + greatest(i - 127, 0) * interval '1 microsecond')) v(e, at)) x;
SELECT cjm_internal.funnel_figures(funnel_stats('a -> b'), 3);
SELECT cjm_internal.funnel_limited(f, '3 days') FROM unnest(ARRAY['a -> b', 'a -> b within 2 days', 'a -> optional b -> c within 9 days excluding d', '"a within 9 days" -> b [2 days] within session strict']::funnel[]) f;
SELECT cjm_internal.funnel_limited('a -> b', '1 month');
SELECT cjm_internal.funnel_limited('a -> b', '0');
DROP VIEW public.expected, public.wrong, public.all_figures;
SELECT drop_map('figures'), drop_map('young');
DROP TABLE public.figures, public.paid, public.from_rows, public.young;
DROP FUNCTION public.near, public.student;
