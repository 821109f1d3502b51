-- Intervals of shares and totals that customers add more than one to: do they hold what they promise?
SET search_path = cjm, public;
SET timezone = 'UTC';
SET datestyle = 'ISO';
SELECT setseed(0.23);

-- 1,000 weeks of each sort, of 60 customers or about so many.  Sessions of a customer are alike: of three one bounces nearly always, and two hardly ever; a few customers come very often.
-- low, high: clustered_rate; plain: rate_interval, which takes sessions for independent ones.
CREATE TABLE public.weeks AS
SELECT c.name, c.week, count(*) AS customers, sum(c.n)::bigint AS n, sum(c.h)::bigint AS h, sum(c.h * c.h)::float8 AS hh, sum(c.h * c.n)::float8 AS hn, sum(c.n * c.n)::float8 AS nn
FROM (SELECT s.name, s.week, s.customer, s.n, (SELECT count(*) FROM generate_series(1, s.n) k WHERE random() < s.p) AS h
	FROM (SELECT v.name, w AS week, k AS customer, CASE v.name WHEN 'one each' THEN 1 WHEN 'alike' THEN 1 + floor(ln(1 - random()) / ln(0.75))::int WHEN 'few large' THEN least(300, ceil(0.8 / (1 - random()) ^ 0.6))::int ELSE 3 END AS n,
			CASE v.name WHEN 'one each' THEN 1 / 3.0 WHEN 'by halves' THEN 1 / 3.0 ELSE CASE WHEN random() < 1 / 3.0 THEN 0.9 ELSE 0.05 END END AS p
		FROM unnest('{one each,by halves,alike,few large}'::text[]) v(name) CROSS JOIN generate_series(1, 1000) w CROSS JOIN generate_series(1, 60) k) s) c
GROUP BY 1, 2;
SELECT w.name, count(*) AS weeks, avg((t.truth BETWEEN c.low AND c.high)::int) BETWEEN 0.93 AND 0.975 AS holds, avg((t.truth BETWEEN r.rate_low AND r.rate_high)::int) > 0.93 AS plain_holds,
	bool_and(c.low BETWEEN 0 AND w.h::float8 / w.n AND c.high BETWEEN w.h::float8 / w.n AND 1) AS around
FROM public.weeks w CROSS JOIN LATERAL cjm_internal.clustered_rate(customers, h, n, hh, hn, nn) c CROSS JOIN LATERAL rate_interval(h, n) r
	CROSS JOIN LATERAL (SELECT CASE WHEN name IN ('one each', 'by halves') THEN 1 / 3.0 ELSE 0.9 / 3 + 0.05 * 2 / 3 END AS truth) t
GROUP BY 1 ORDER BY 1;

-- Totals: each customer of a thousand comes with a chance of one in twenty, so that about 50 do, and adds 1, or something like what orders are, or takes a part of it away.
CREATE TABLE public.totals AS
SELECT x.name, x.week, sum(x.value) AS total, sum(x.value * x.value) AS squares, sum(x.value) FILTER (WHERE x.value > 0) AS size, sum(x.value * x.value) FILTER (WHERE x.value > 0) AS size_squares, bool_or(x.value < 0) AS negative
FROM (SELECT v.name, w AS week, CASE v.name WHEN 'one each' THEN 1 WHEN 'orders' THEN 30 * exp(0.8 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())) ELSE CASE WHEN random() < 0.15 THEN -20 ELSE 30 * exp(0.5 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())) END END AS value
	FROM unnest('{one each,orders,refunds}'::text[]) v(name) CROSS JOIN generate_series(1, 1000) w CROSS JOIN generate_series(1, 1000) k WHERE random() < 0.05) x
GROUP BY 1, 2;
SELECT t.name, count(*) AS weeks, avg((m.truth BETWEEN c.low AND c.high)::int) BETWEEN 0.93 AND 0.975 AS holds, bool_and(c.low < t.total AND t.total < c.high) AS around, bool_and(t.negative OR c.low > 0) AS positive
FROM public.totals t CROSS JOIN LATERAL cjm_internal.clustered_total(total, squares, size, size_squares, negative) c
	CROSS JOIN LATERAL (SELECT 50 * CASE t.name WHEN 'one each' THEN 1 WHEN 'orders' THEN 30 * exp(0.32) ELSE 0.15 * -20 + 0.85 * 30 * exp(0.125) END AS truth) m
GROUP BY 1 ORDER BY 1;

-- By hand.  One who bounces once, and ten who do not; a Poisson count has its score interval as long as Student's t has many degrees of freedom.
SELECT round(low::numeric, 6) AS low, round(high::numeric, 6) AS high FROM cjm_internal.clustered_rate(11, 1, 11, 1, 1, 11);
SELECT round(c.low::numeric, 3) AS low, round(c.high::numeric, 3) AS high, round((1e6 + 1.9207 - 1.95996 * sqrt(1e6 + 0.9604))::numeric, 1) AS score FROM cjm_internal.clustered_total(1e6, 1e6, 1e6, 1e6, false) c;
-- Nobody and everybody; one customer alone; none; what adds up to nothing; what is paid back.
SELECT v.what, round(c.low::numeric, 4) AS low, round(c.high::numeric, 4) AS high FROM (VALUES ('nobody', 5, 0, 50, 0, 0, 500), ('everybody', 5, 50, 50, 500, 500, 500), ('one alone', 1, 3, 9, 9, 27, 81), ('alike', 4, 4, 8, 4, 8, 16), ('none', 0, 0, 0, 0, 0, 0)) v(what, customers, h, n, hh, hn, nn)
	CROSS JOIN LATERAL cjm_internal.clustered_rate(v.customers, v.h, v.n, v.hh, v.hn, v.nn) c;
SELECT v.what, round(c.low::numeric, 3) AS low, round(c.high::numeric, 3) AS high FROM (VALUES ('one', 1::float8, 1::float8, 1::float8, 1::float8, false), ('nothing', 0, 0, 0, 0, false), ('refunds alone', -5, 25, 0, 0, true), ('as much back', 0, 200, 10, 100, true), ('tiny', 1e-9, 1e-18, 1e-9, 1e-18, false), ('huge', 1e17, 1e34, 1e17, 1e34, false)) v(what, total, squares, size, size_squares, negative)
	CROSS JOIN LATERAL cjm_internal.clustered_total(v.total, v.squares, v.size, v.size_squares, v.negative) c;
SELECT cjm_internal.clustered_rate(NULL, 1, 1, 1, 1, 1) IS NULL AS missing;
SELECT cjm_internal.clustered_rate(1, 2, 1, 4, 2, 1);

-- Sums by period: of parts as of the whole, and what they say of what is no sum.
CREATE TABLE public.summed AS SELECT ('{2026-01-05T10:00Z a=' || 1 + i % 7 || ', 2026-01-0' || 5 + i % 4 || 'T18:00Z b, 2026-02-01T09:00Z a=-1.5}')::journey AS j, i, CASE i % 2 WHEN 0 THEN 'week' ELSE 'month' END AS period FROM generate_series(1, 200) i;
SELECT count(DISTINCT s) AS one FROM (SELECT cjm_internal.purchase_sums_agg(j, '-infinity', 'infinity', 'week', 'Europe/Riga', 'a', 'b' ORDER BY i * n % 211) AS s FROM public.summed CROSS JOIN generate_series(1, 3) n GROUP BY n) x;
SELECT s.bucket_start::date AS period, s.sums FROM cjm_internal.period_sums((SELECT cjm_internal.session_sums_agg(j, '-infinity', 'infinity', 'week', 'UTC', '1 day', NULL) FROM public.summed), 'WEEK', 'UTC', 9) s;
SELECT s.bucket_start::date AS period, s.sums FROM cjm_internal.period_sums((SELECT cjm_internal.conversion_sums_agg(j, '2026-01-06Z', 'infinity', 'month', 'UTC', 'a -> b') FROM public.summed), 'month', 'UTC', 3) s;
-- Arguments that change from row to row.
SELECT (s.sums)[1] AS customers FROM cjm_internal.period_sums((SELECT cjm_internal.purchase_sums_agg(j, '-infinity', 'infinity', period, 'UTC', CASE i % 3 WHEN 0 THEN 'a' ELSE 'b' END::funnel, CASE WHEN i % 5 > 0 THEN 'a'::funnel END) FROM public.summed), 'day', 'UTC', 1) s;
SELECT cjm_internal.session_sums_agg(NULL, '-infinity', 'infinity', 'week', 'UTC', '1 day', NULL) IS NULL AS nobody, count(*) AS rows FROM cjm_internal.period_sums(NULL, 'week', 'UTC', 9);
SELECT count(*) AS empty FROM cjm_internal.period_sums((SELECT cjm_internal.session_sums_agg('{}', '-infinity', 'infinity', 'week', 'UTC', '1 day', NULL)), 'week', 'UTC', 9);
SELECT cjm_internal.period_sums('\x00', 'week', 'UTC', 9);
SELECT cjm_internal.period_sums((SELECT cjm_internal.session_sums_agg(j, '-infinity', 'infinity', 'week', 'UTC', '1 day', NULL) FROM public.summed), 'fortnight', 'UTC', 9);
SELECT cjm_internal.period_sums((SELECT cjm_internal.session_sums_agg(j, '-infinity', 'infinity', 'week', 'UTC', '1 day', NULL) FROM public.summed), 'week', 'UTC', 0);
SELECT cjm_internal.session_sums_agg(j, '-infinity', 'infinity', 'hour', 'UTC', '1 day', NULL) FROM public.summed;
SELECT cjm_internal.session_sums_agg_step(NULL, '{}', '-infinity', 'infinity', 'week', 'UTC', '1 day', NULL);
DROP TABLE public.weeks, public.totals, public.summed;
