-- What statistics of a funnel say: report, time_histogram, compare.
SET search_path = cjm, public;
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\pset null -

CREATE TABLE report_customers (customer integer, journey journey);
INSERT INTO report_customers VALUES
	(1, '{2026-01-01T10:00:00Z view, 2026-01-01T10:00:40Z cart, 2026-01-02T11:00:40.000063Z pay}'),
	(2, '{2026-01-01T10:00:00Z view, 2026-01-01T10:00:00Z cart, 2026-01-20T10:00:00Z pay}'),
	(3, '{2026-01-01T10:00:00Z view, 2026-01-01T10:00:00.000031Z cart}'),
	(4, '{2026-01-05T10:00:00Z view, 2026-01-06T10:00:00Z cart}'),
	(5, '{2026-01-05T10:00:00Z view}'),
	(6, '{2026-01-01T10:00:00Z cart}');

-- Times are of the middle of a bucket, exact below 64 microseconds; means are exact.
SELECT step, stage, customers, step_rate, overall_rate, dropped, drop_rate,
       round(rate_low::numeric, 4) AS rate_low, round(rate_high::numeric, 4) AS rate_high
FROM report((SELECT funnel_agg(journey, 'view -> cart -> "paid in full": pay within 7 days') FROM report_customers));
SELECT step, median_time, mean_time, p90_time, median_total, p90_total
FROM report((SELECT funnel_agg(journey, 'view -> cart -> "paid in full": pay within 7 days') FROM report_customers));

-- Nobody; one stage.
SELECT * FROM report(funnel_stats('view -> cart -> pay'));
SELECT * FROM report(NULL);
SELECT step, stage, customers, step_rate, dropped FROM report((SELECT funnel_agg(journey, 'cart') FROM report_customers));

-- It takes the state of an aggregate, a stored value, and a window's.
CREATE TABLE report_stored AS
SELECT customer % 2 AS segment, funnel_agg(journey, 'view -> cart') AS stats FROM report_customers GROUP BY 1;
SELECT segment, (report(stats)).stage, (report(stats)).customers FROM report_stored ORDER BY segment;
SELECT customer, array_agg(r.customers ORDER BY step)
FROM (SELECT customer, funnel_agg(journey, 'view -> cart') OVER (ORDER BY customer) AS stats FROM report_customers) w,
     report(stats) r
GROUP BY customer ORDER BY customer;

-- An optional stage does not stand in the way: rates are taken from the mandatory stage before.
SELECT stage, customers, step_rate, overall_rate, dropped, drop_rate,
       round(rate_low::numeric, 4) AS rate_low, round(rate_high::numeric, 4) AS rate_high
FROM report('{"funnel": "visit -> optional tour -> signup -> optional invite -> pay -> optional review", "customers": 100,
	"steps": [{"customers": 80}, {"customers": 20, "time": {"sum": 0, "buckets": [[0, 20]]}},
	{"customers": 40, "time": {"sum": 0, "buckets": [[0, 40]]}, "total": {"sum": 0, "buckets": [[0, 40]]}},
	{"customers": 0},
	{"customers": 10, "time": {"sum": 0, "buckets": [[0, 10]]}, "total": {"sum": 0, "buckets": [[0, 10]]}},
	{"customers": 5, "time": {"sum": 0, "buckets": [[0, 5]]}, "total": {"sum": 0, "buckets": [[0, 5]]}}]}');

-- Nor can more customers be at one than before it.
SELECT '{"funnel": "a -> optional b -> c", "customers": 9, "steps": [{"customers": 1},
	{"customers": 2, "time": {"sum": 0, "buckets": [[0, 2]]}}, {"customers": 0}]}'::funnel_stats;
SELECT '{"funnel": "a -> optional b -> c", "customers": 9, "steps": [{"customers": 1}, {"customers": 0},
	{"customers": 2, "time": {"sum": 0, "buckets": [[0, 2]]}, "total": {"sum": 0, "buckets": [[0, 2]]}}]}'::funnel_stats;

-- The steps of an unordered funnel are numbers of stages.
SELECT step, stage, customers, step_rate
FROM report('{"funnel": "lead -> demo -> deal unordered", "customers": 10, "steps": [{"customers": 8},
	{"customers": 4, "time": {"sum": 0, "buckets": [[0, 4]]}}, {"customers": 0}]}');

-- Rates and intervals against plain SQL, times against exact percentiles: within 1 %.
CREATE TABLE report_random AS
SELECT customer, customer % 3 AS segment, journey_agg(at, event) AS journey
FROM (SELECT customer,
             timestamptz '2026-01-01 00:00Z' + make_interval(secs => 1e-6 * (1.9 ^ (r % 50)) * (1 + r % 1000 / 1e3)) AS at,
             (ARRAY['view', 'cart', 'pay'])[1 + r / 1000 % 3] AS event
      FROM generate_series(1, 3000) AS customer,
           generate_series(1, 1 + customer % 9) AS touch,
           LATERAL (SELECT abs(hashint8(customer * 1000 + touch)::bigint) AS r) h) e
GROUP BY customer;
WITH times AS (
	SELECT segment, funnel_times(journey, 'view -> cart -> pay') AS t FROM report_random
), steps AS (
	SELECT segment, step, count(t[step]) AS customers,
	       count(t[step])::float8 / nullif(count(t[greatest(step - 1, 1)]), 0) AS step_rate,
	       count(t[step])::float8 / nullif(count(t[1]), 0) AS overall_rate,
	       count(t[step]) - count(t[step + 1]) AS dropped,
	       percentile_disc(0.5) WITHIN GROUP (ORDER BY t[step] - t[step - 1]) AS median_time,
	       percentile_disc(0.9) WITHIN GROUP (ORDER BY t[step] - t[step - 1]) AS p90_time,
	       percentile_disc(0.5) WITHIN GROUP (ORDER BY t[step] - t[1]) AS median_total,
	       percentile_disc(0.9) WITHIN GROUP (ORDER BY t[step] - t[1]) AS p90_total,
	       round(1e6 * avg(extract(epoch FROM t[step] - t[step - 1]))) AS mean_microseconds
	FROM times, generate_series(1, 3) AS step GROUP BY segment, step
)
SELECT step, count(*) AS segments, min(r.customers) AS fewest,
       bool_and(r.customers = s.customers AND r.step_rate = s.step_rate AND r.overall_rate = s.overall_rate) AS rates,
       bool_and(step = 3 OR (r.dropped = s.dropped AND r.drop_rate = s.dropped::float8 / s.customers)) AS dropped,
       bool_and(extract(epoch FROM r.mean_time) * 1e6 = s.mean_microseconds) AS means,
       max(abs(extract(epoch FROM r.median_time) / nullif(extract(epoch FROM s.median_time), 0) - 1)) < 0.01 AND
       max(abs(extract(epoch FROM r.p90_time) / extract(epoch FROM s.p90_time) - 1)) < 0.01 AS times,
       max(abs(extract(epoch FROM r.median_total) / nullif(extract(epoch FROM s.median_total), 0) - 1)) < 0.01 AND
       max(abs(extract(epoch FROM r.p90_total) / extract(epoch FROM s.p90_total) - 1)) < 0.01 AS totals
FROM (SELECT segment, (report(funnel_agg(journey, 'view -> cart -> pay'))).* FROM report_random GROUP BY segment) r
JOIN steps s USING (segment, step)
GROUP BY step ORDER BY step;

-- Wilson's interval; the first four are examples of Newcombe's paper of 1998 on single proportions.
CREATE FUNCTION report_share(hits bigint, of bigint) RETURNS funnel_stats LANGUAGE sql
BEGIN ATOMIC
	SELECT format(CASE WHEN hits = 0 THEN '{"funnel": "a -> b", "customers": %2$s, "steps": [{"customers": %2$s}, {"customers": 0}]}'
		ELSE '{"funnel": "a -> b", "customers": %2$s, "steps": [{"customers": %2$s},
		{"customers": %1$s, "time": {"sum": 0, "buckets": [[0, %1$s]]}}]}' END, hits, "of")::jsonb::cjm.funnel_stats;
END;
SELECT v.*, round(rate_low::numeric, 4) AS low, round(rate_high::numeric, 4) AS high
FROM (VALUES (81, 263), (15, 148), (0, 20), (1, 29), (29, 29), (1, 1), (0, 1)) v(hits, of), report(report_share(hits, of))
WHERE step = 2;

-- The difference; all but the last two are examples of Newcombe's paper of 1998 on differences.
SELECT v.*, round(difference::numeric, 4) AS difference, round(difference_low::numeric, 4) AS low,
       round(difference_high::numeric, 4) AS high, round(p_value::numeric, 5) AS p_value,
       overall_a = rate_a AND overall_b = rate_b AND overall_difference = difference AND overall_low = difference_low AND
       overall_high = difference_high AND overall_p_value = p_value AS overall
FROM (VALUES (56, 70, 48, 80), (9, 10, 3, 10), (6, 7, 2, 7), (5, 56, 0, 29), (0, 10, 0, 20), (10, 10, 0, 20), (10, 10, 0, 10),
             (7, 10, 7, 10), (5, 5, 7, 7)) v(hits_b, of_b, hits_a, of_a),
     compare(report_share(hits_a, of_a), report_share(hits_b, of_b))
WHERE step = 2;
SELECT * FROM compare(funnel_stats('a -> b'), report_share(1, 2));
SELECT * FROM compare(funnel_stats('a -> b'), funnel_stats('a -> b within 1 day'));

-- Three steps: the rate is of the step before, the overall rate of the first.
SELECT step, stage, round(rate_a::numeric, 3) AS rate_a, round(rate_b::numeric, 3) AS rate_b,
       round(overall_a::numeric, 3) AS overall_a, round(overall_b::numeric, 3) AS overall_b,
       sign(difference) = sign(rate_b - rate_a) AND difference BETWEEN difference_low AND difference_high AS difference
FROM compare((SELECT funnel_agg(journey, 'view -> cart -> pay') FROM report_random WHERE segment = 0),
             (SELECT funnel_agg(journey, 'view -> cart -> pay') FROM report_random WHERE segment = 1));

-- Histograms: round durations stand above their bound, the same moment alone.
SELECT h.* FROM time_histogram((
	SELECT funnel_agg(journey, 'a -> b')
	FROM (SELECT journey_agg(at, event) AS journey
	      FROM unnest('{0, 0, 1 minute, 119 seconds, 2 minutes, 5 minutes, 59 minutes, 1 hour, 24 hours, 1 day, 47 hours}'::interval[])
	           WITH ORDINALITY AS v(took, customer),
	           LATERAL (VALUES ('2026-01-01 00:00Z'::timestamptz, 'a'), ('2026-01-01 00:00Z'::timestamptz + took, 'b')) e(at, event)
	      GROUP BY customer) j), 2) h;
SELECT * FROM time_histogram((SELECT funnel_agg(journey, 'view -> cart -> pay within 7 days') FROM report_customers), 1);
SELECT * FROM time_histogram((SELECT funnel_agg(journey, 'view -> cart -> pay within 7 days') FROM report_customers), 3);
SELECT * FROM time_histogram(funnel_stats('a -> b'), 3);
SELECT * FROM time_histogram(funnel_stats('a -> b'), 0);
SELECT step, sum(h.customers) = min(r.customers) AS everybody, count(*) AS rows, bool_and(low < high) AS rising,
       count(*) FILTER (WHERE low <> previous) AS gaps
FROM (SELECT funnel_agg(journey, 'view -> cart -> pay') AS s FROM report_random) a,
     report(s) r,
     LATERAL (SELECT *, lag(high) OVER (ORDER BY low) AS previous FROM time_histogram(s, step)) h
GROUP BY step;
-- From the first to the last moment there is.
SELECT h.* FROM time_histogram((
	SELECT funnel_agg(journey_agg, 'a -> b')
	FROM (SELECT journey_agg(at, event)
	      FROM (VALUES (timestamptz '4714-11-24 00:00:00Z BC', 'a'), ('294276-12-31 23:59:59.999999Z', 'b')) v(at, event)) j), 2) h;
SELECT median_time, mean_time FROM report((
	SELECT funnel_agg(journey_agg, 'a -> b')
	FROM (SELECT journey_agg(at, event)
	      FROM (VALUES (timestamptz '4714-11-24 00:00:00Z BC', 'a'), ('294276-12-31 23:59:59.999999Z', 'b')) v(at, event)) j))
WHERE step = 2;

DROP FUNCTION report_share;
DROP TABLE report_customers, report_stored, report_random;

-- Entry ranges that are known and differ in length are told of; days of 23 hours are days, and months of 28 days are no months of 31.
CREATE FUNCTION public.lengths(a tstzrange, b tstzrange) RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM compare(funnel_stats('a -> b'), funnel_stats('a -> b'), $1, $2) $$;
SELECT lengths('[2026-01-05Z,2026-01-12Z)', '[2026-01-12Z,2026-01-19Z)'), lengths('[2026-03-29 00:00 Europe/Riga,2026-03-30 00:00 Europe/Riga)', '[2026-03-30 00:00 Europe/Riga,2026-03-31 00:00 Europe/Riga)'),
	lengths('(,)', '(,)'), lengths('empty', 'empty'), lengths('(,2026-01-01Z)', '[2026-01-01Z,)'), lengths('[2026-04-01Z,2026-05-01Z)', '[2026-05-01Z,2026-06-01Z)');
SELECT lengths('[2026-01-05Z,2026-01-12Z)', '[2026-01-12Z,2026-03-09Z)');
SELECT lengths('[2026-02-01Z,2026-03-01Z)', '[2026-03-01Z,2026-04-01Z)');
SELECT lengths('[2026-02-01Z,2026-03-01Z)', '[2026-03-01Z,)');
SELECT lengths('empty', '[2026-03-01Z,2026-03-01 01:00Z]');
SELECT lengths(NULL, '(,)');
SELECT c.step, c.rate_a, c.rate_b, (SELECT array_agg(x) FROM compare((p[1]).stats, (p[2]).stats) x WHERE x.step = c.step)::text = ARRAY[c]::text AS same
FROM (SELECT funnel_agg_by_entry(1, '2026-01-31Z'::timestamptz + n * interval '1 day', e, 'a -> b', 'month', 'UTC') AS p FROM (VALUES (0, 'a'), (1, 'a'), (2, 'b')) v(n, e)) s, compare_periods(p[1], p[2]) c;
SELECT count(*) FROM compare('a -> b', 'a -> b');
DROP FUNCTION lengths;
