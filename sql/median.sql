-- median: exact, in any order.
SET search_path = cjm, public;

SELECT median(v) FROM unnest('{3,1,2}'::float8[]) v;
SELECT median(v) AS lower_one FROM unnest('{4,1,3,2}'::float8[]) v;
SELECT median(v) AS without_nulls FROM unnest('{NULL,7,NULL,9,8}'::float8[]) v;
SELECT median(v) AS of_nulls FROM unnest('{NULL,NULL}'::float8[]) v;
SELECT median(v) AS of_nothing FROM unnest('{}'::float8[]) v;
SELECT median(v) FROM unnest('{-Infinity,-1e-300,-2,NaN,Infinity,5e-324,-0,NaN}'::float8[]) v;
SELECT median(v)::text FROM unnest('{-0}'::float8[]) v;
-- As a window it goes on with the same state.
SELECT array_agg(m ORDER BY i) FROM (SELECT i, median(v) OVER (ORDER BY i) AS m FROM unnest('{5,1,4,2,3}'::float8[]) WITH ORDINALITY u(v, i)) w;

-- As percentile_disc: numbers of all sizes and signs, many equal ones, groups of all sizes.
CREATE TEMP TABLE numbers AS
SELECT i % 97 AS g, CASE i % 5 WHEN 0 THEN (hashint4(i) & 7) - 3.0 WHEN 1 THEN hashint4(i) ELSE sign(hashint4(i)) * exp((hashint4(i) & 1023) - 512.0::float8) END::float8 AS v
FROM generate_series(1, 20000) i WHERE i % 97 < 90 OR i < 97 * (i % 97 - 88);
SELECT count(*) AS groups, count(*) FILTER (WHERE m IS DISTINCT FROM p) AS wrong, min(n), max(n)
FROM (SELECT median(v) AS m, percentile_disc(0.5) WITHIN GROUP (ORDER BY v) AS p, count(*) AS n FROM numbers GROUP BY g) x;
