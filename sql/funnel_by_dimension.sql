-- funnel_by_dimension and its report: the funnel by the values of all dimensions, and few of many values.
SET search_path = cjm, public;
SET TimeZone = 'UTC';
\set SHOW_CONTEXT never

CREATE TABLE public.walked AS SELECT (hashint4(i) & 65535) % 400 AS who, now() - (hashint4(i + 7000) & 65535) % 5000 * interval '10 minutes' AS at, (ARRAY['view', 'cart', 'pay', 'no', 'x'])[1 + (hashint4(i + 1) & 65535) % 5] AS what,
	(ARRAY['LV', 'EE', 'LT', NULL])[1 + (hashint4(i + 2) & 65535) % 4] AS country, NULLIF((hashint4(i + 3) & 65535) % 120, 5) AS many, (ARRAY['a', 'others', 'b', 'c', 'd'])[1 + (hashint4(i + 4) & 65535) % 5] AS few FROM generate_series(1, 2000) i;
SELECT create_map('walks', 'walked', 'who', 'at', 'what', 'view -> optional cart -> pay within 10 days', segment => 'country', dimensions => '{"many": "many", "few": "few"}', refusal => 'no');

-- Each dimension as by itself, in all columns.
CREATE VIEW public.by_itself AS SELECT d.dimension, r.by_value AS value, r.step, r.stage, r.customers, r.step_rate, r.overall_rate, r.dropped, r.drop_rate, r.open_customers, r.rate_low, r.rate_high, r.median_time, r.mean_time, r.p90_time, r.median_total, r.p90_total,
	r.median_time_seconds, r.mean_time_seconds, r.p90_time_seconds, r.median_total_seconds, r.p90_total_seconds, r.refused
FROM (VALUES ('segment'), ('many'), ('few')) d(dimension) CROSS JOIN LATERAL funnel_report('walks', by => d.dimension) r;
SELECT dimension, count(DISTINCT value) AS "values", count(*) AS rows FROM walks.funnel_by_dimension GROUP BY 1 ORDER BY 1;
BEGIN;
SELECT (SELECT count(*) FROM (SELECT * FROM by_itself WHERE dimension <> 'many' EXCEPT ALL SELECT * FROM walks.funnel_by_dimension) r) AS missing,
	(SELECT count(*) FROM (SELECT * FROM walks.funnel_by_dimension WHERE dimension <> 'many' EXCEPT ALL SELECT * FROM by_itself) r) AS more,
	(SELECT count(*) FROM (SELECT * FROM by_itself EXCEPT ALL SELECT * FROM funnel_by_dimension_report('walks', max_groups => 1000)) r) AS missing_of_all,
	(SELECT count(*) FROM (SELECT * FROM funnel_by_dimension_report('walks', max_groups => 1000) EXCEPT ALL SELECT * FROM by_itself) r) AS more_of_all,
	(SELECT count(*) FROM (SELECT * FROM walks.funnel_by_dimension EXCEPT ALL SELECT * FROM funnel_by_dimension_report('walks')) r) AS other_than_report;
-- What becomes others: the funnel of all customers of the values that fewest have, ties by their bytes; those without a value stay.
CREATE TEMP TABLE place AS SELECT value, row_number() OVER (ORDER BY count(*) DESC, value COLLATE "C") AS place FROM (SELECT j.dimensions ->> 'many' AS value FROM walks.journeys j) v WHERE value IS NOT NULL GROUP BY value;
SELECT max(place) > 60 AS has_a_tail FROM place;
SELECT r.value, r.step, r.customers, r.open_customers + r.refused + coalesce(r.dropped, 0) AS not_gone_on FROM funnel_by_dimension_report('walks', '{many}', max_groups => 2) r WHERE r.value IS NULL OR r.value = 'others';
WITH kept AS (SELECT CASE WHEN j.dimensions ->> 'many' IS NULL THEN NULL WHEN p.place <= 7 THEN p.value ELSE 'others' END AS value, j.journey FROM walks.journeys j LEFT JOIN place p ON p.value = j.dimensions ->> 'many'),
	oracle AS (SELECT k.value, r.step, r.stage, r.customers, r.step_rate, r.median_time, r.p90_total FROM (SELECT value, funnel_agg(journey, 'view -> optional cart -> pay within 10 days') AS stats FROM kept GROUP BY value) k CROSS JOIN LATERAL report(k.stats) r),
	found AS (SELECT value, step, stage, customers, step_rate, median_time, p90_total FROM funnel_by_dimension_report('walks', '{many}', max_groups => 7))
SELECT (SELECT count(*) FROM found) AS rows, (SELECT count(*) FROM (TABLE oracle EXCEPT ALL TABLE found) r) AS missing, (SELECT count(*) FROM (TABLE found EXCEPT ALL TABLE oracle) r) AS more;
-- Open and refused of the others are the sums of theirs.
SELECT f.step, f.dropped = s.dropped AS dropped, f.open_customers = s.open AS open, f.refused = s.refused AS refused
FROM (SELECT * FROM funnel_by_dimension_report('walks', '{many}', max_groups => 3) WHERE value = 'others') f
	JOIN (SELECT r.step, sum(r.dropped) AS dropped, sum(r.open_customers) AS open, sum(r.refused) AS refused FROM by_itself r JOIN place p USING (value) WHERE r.dimension = 'many' AND p.place > 3 GROUP BY 1) s USING (step) ORDER BY 1;
COMMIT;
-- A value that is called so is one of them.
SELECT value FROM funnel_by_dimension_report('walks', '{few}', max_groups => 2) WHERE step = 1;

-- A range, and some customers.
SELECT (SELECT count(*) FROM (SELECT d.dimension, r.by_value, r.step, r.customers, r.dropped FROM (VALUES ('segment'), ('few')) d(dimension) CROSS JOIN LATERAL funnel_report('walks', by => d.dimension, from_time => now() - interval '20 days', to_time => now() - interval '5 days', where_is => '{"segment": ["LV", null]}') r
	EXCEPT ALL SELECT dimension, value, step, customers, dropped FROM funnel_by_dimension_report('walks', '{few,segment}', now() - interval '20 days', now() - interval '5 days', '{"segment": ["LV", null]}')) r) AS different;

-- Of a map without dimensions, and what is wrong
SELECT create_map('walks', 'walked', 'who', 'at', 'what', 'view -> pay', replace => true);
SELECT count(*) FROM walks.funnel_by_dimension;
SELECT count(*) FROM funnel_by_dimension_report('walks');
SELECT count(*) FROM funnel_by_dimension_report('walks', '{many}');
SELECT create_map('walks', 'walked', 'who', 'at', 'what', 'view -> pay', replace => true, dimensions => '{"many": "many", "few": "few"}');
SELECT count(*) > 0 AS rows FROM walks.funnel_by_dimension;
SELECT count(*) FROM funnel_by_dimension_report('walks', '{many,man}');
SELECT count(*) FROM funnel_by_dimension_report('walks', '{few,NULL}');
SELECT count(*) FROM funnel_by_dimension_report('walks', max_groups => 0);
SELECT count(*) FROM funnel_by_dimension_report('walks', '{}');

DROP VIEW by_itself;
SELECT drop_map('walks');
DROP TABLE walked, place;
