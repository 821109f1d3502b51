-- cohort_agg and lifecycle_agg: what is behind retention_report and lifecycle_report, called by hand.
SET search_path = cjm, public;
\set SHOW_CONTEXT never
SET timezone = 'UTC';
SET datestyle = 'ISO';

CREATE VIEW public.cohort_counts AS
SELECT g, cjm_internal.cohort_agg(j, '-infinity', 'infinity', 'day', 'Europe/Riga', NULL, NULL, 'in', NULL, true, 'b', 1, 'c', NULL) AS cohorts,
	cjm_internal.lifecycle_agg(j, 'day', 'Europe/Riga', NULL, '*') AS moves
FROM (SELECT n % 3 AS g, journey_agg(timestamptz '2026-01-01Z' + (hashint4(n * 100 + i) & 2147483647) * interval '0.001 s', (ARRAY['a', 'b', 'c'])[1 + (hashint4(i) & 255) % 3], NULL, i) AS j
	FROM generate_series(1, 90) n, generate_series(1, 30) i GROUP BY n ORDER BY hashint4(n)) x GROUP BY g;
SELECT g, count(*), sum(retained), sum(value) AS value, sum(purchases) AS purchases, max(cohort_size) AS largest, bool_and(period_over) AS over
FROM public.cohort_counts CROSS JOIN LATERAL cjm_internal.cohort_cells(cohorts, cjm_internal.cohort_last(cohorts), '2026-12-01Z', 'day', 'Europe/Riga', NULL, NULL, 'in') GROUP BY g ORDER BY g;
SELECT g, count(*), sum(new_customers) AS new, sum(returning_customers) AS returning, sum(resurrected_customers) AS resurrected, sum(dormant_customers) AS dormant
FROM public.cohort_counts CROSS JOIN LATERAL cjm_internal.lifecycle_periods(moves, cjm_internal.cohort_first(moves), cjm_internal.cohort_last(moves), '2026-12-01Z', 'day', 'Europe/Riga', NULL) GROUP BY g ORDER BY g;
-- The same counts are the same bytes, in whatever order they come.
SELECT count(DISTINCT c) FROM (SELECT cjm_internal.cohort_agg(j, '-infinity', 'infinity', 'day', 'UTC', NULL, NULL, 'in', NULL, false, NULL, 1, NULL, NULL ORDER BY o * n) AS c
	FROM unnest('{1,-1}'::int[]) o, (SELECT n, journey_agg(timestamptz '2026-01-01Z' + (hashint4(n * 100 + i) & 2147483647) * interval '0.001 s', 'a') AS j
		FROM generate_series(1, 90) n, generate_series(1, 30) i GROUP BY n) x GROUP BY o) c;
-- As many cells as it takes; none of no rows, and none of what is missing.
SELECT length(cjm_internal.cohort_agg(j, '-infinity', 'infinity', 'day', 'UTC', NULL, NULL, 'in', NULL, true, NULL, 1, NULL, NULL)) AS size
FROM (SELECT journey_agg(timestamptz '2026-01-01Z' + i * interval '1 day', 'a') AS j FROM generate_series(1, 300) i) x;
SELECT cjm_internal.cohort_agg('{}', '-infinity', 'infinity', 'day', 'UTC', NULL, NULL, 'in', NULL, true, NULL, 1, NULL, NULL) IS NULL AS none FROM generate_series(1, 0);
SELECT cjm_internal.cohort_last(c) AS last, cjm_internal.cohort_first(c) AS first
FROM (SELECT cjm_internal.cohort_agg('{}', '-infinity', 'infinity', 'day', 'UTC', NULL, NULL, 'in', NULL, true, NULL, 1, NULL, NULL) AS c) x;
SELECT cjm_internal.cohort_agg(NULL, '-infinity', 'infinity', 'day', 'UTC', NULL, NULL, 'in', NULL, NULL, NULL, NULL, NULL, NULL) IS NULL AS missing;

-- Crafted bytes: sizes that are not theirs, and numbers of no period.
SELECT cjm_internal.cohort_last('\x01');
SELECT cjm_internal.cohort_first(substr(cohorts, 1, length(cohorts) - 1)) FROM public.cohort_counts LIMIT 1;
SELECT cjm_internal.cohort_agg_final('AQA=');
SELECT cjm_internal.cohort_agg_step(NULL, '{}', '-infinity', 'infinity', 'day', 'UTC', NULL, NULL, 'in', NULL, true, NULL, 1, NULL, NULL);
SELECT cjm_internal.cohort_agg_combine(NULL, NULL) IS NULL AS nothing;
SELECT cjm_internal.cohort_agg_combine(state, state) FROM CAST('AQA=' AS cjm_internal.aggregate_state) state;
SELECT count(*) AS broken, count(*) FILTER (WHERE rows < 0) AS impossible
FROM (SELECT (SELECT count(*) FROM cjm_internal.cohort_cells(set_byte(cohorts, 44 + i * 7, (i * 37) % 256), '2026-02-01Z', '2026-12-01Z', 'day', 'UTC', NULL, '{0,5}', 'on_or_after')) AS rows
	FROM public.cohort_counts CROSS JOIN generate_series(0, 600) i WHERE 44 + i * 7 < length(cohorts)) x;
DROP VIEW public.cohort_counts;
