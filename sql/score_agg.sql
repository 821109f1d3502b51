-- nps, csat, ces and their intervals
SET search_path = cjm, public;
\set VERBOSITY terse

-- Six promoters, two passives, two detractors of ten: 60 % - 20 %
CREATE TABLE public.answers AS SELECT s AS score FROM unnest(ARRAY[10, 9, 9, 9, 10, 10, 8, 7, 0, 6]) s;
SELECT nps(score) FROM answers;
-- The borders of the scale and of its parts
SELECT score, nps(score) FROM unnest(ARRAY[0, 6, 7, 8, 9, 10]) score GROUP BY score ORDER BY score;
SELECT score, csat(score) FROM unnest(ARRAY[1, 3, 4, 5]) score GROUP BY score ORDER BY score;
SELECT nps(0), nps(10), csat(1), csat(5), ces(1), ces(7);
SELECT nps(s), csat(s), ces(s) FROM unnest(ARRAY[1, 2, 4, 5, 5]) s;

-- Every kind of number; what is not there is no answer
SELECT nps(9::smallint), nps(9::bigint), nps(9::real), nps(9::float8), nps(9::numeric), nps(9.0), nps('9');
SELECT nps(s), nps_interval(s), csat(s), csat_interval(s), ces(s), ces_interval(s) FROM unnest(ARRAY[4, NULL, 4, NULL]) s;
SELECT nps(s), nps_interval(s), csat(s), csat_interval(s), ces(s), ces_interval(s) FROM unnest(ARRAY[NULL, NULL]::int[]) s;
SELECT nps(s), nps_interval(s), csat(s), csat_interval(s), ces(s), ces_interval(s) FROM unnest('{}'::int[]) s;
SELECT nps(score) FILTER (WHERE score > 8), nps(DISTINCT score) FROM answers;
SELECT score, nps(score) OVER (ORDER BY score ROWS 2 PRECEDING), ces(score - 3) FILTER (WHERE score >= 4) OVER (ORDER BY score) FROM answers ORDER BY score, 2, 3;
SELECT pg_typeof(nps(1)), pg_typeof(csat(1)), pg_typeof(ces(1)), pg_typeof(nps_interval(1)), pg_typeof(csat_interval(1)), pg_typeof(ces_interval(1));

-- Intervals.  NPS: 60 promoters, 20 passives and 20 detractors, 3 more answers: mean (60.75 - 20.75) / 103, variance 81.5 / 103 - mean^2
SELECT nps_interval(s), ARRAY[m - reach, m + reach] AS worked
FROM (SELECT unnest(array_fill(10, ARRAY[60]) || array_fill(7, ARRAY[20]) || array_fill(3, ARRAY[20])) AS s) a, (VALUES (100 * 40 / 103.0, 100 * 1.959963984540054 * sqrt((81.5 / 103 - (40 / 103.0) ^ 2) / 103))) w(m, reach)
GROUP BY m, reach;
-- CSAT, 81 of 263: Wilson's interval which Newcombe (1998) gives as 0.2553 to 0.3662
SELECT csat_interval(s), csat(s) FROM (SELECT CASE WHEN i <= 81 THEN 4 + i % 2 ELSE 1 + i % 3 END AS s FROM generate_series(1, 263) i) a;
-- CES, 4, 4, 5: mean 13/3, deviation sqrt(1/3), 4.302652730 of Student's t at two degrees of freedom: 4.33333 +- 1.43422
SELECT ces(s), ces_interval(s) FROM unnest(ARRAY[4, 4, 5]) s;
-- What is in the intervals, of two parts of fours and fives: the quantile of Student's t; by the tables 3.182446305, 2.776445105,
-- 2.262157163, 2.045229642, 1.971956544, 1.971896224, 1.962341461
SELECT n - 1 AS degrees, round((((ces_interval(4 + i % 2))[2] - ces(4 + i % 2)) * sqrt(n) / stddev_samp(4 + i % 2)::float8)::numeric, 9) AS quantile
FROM unnest(ARRAY[4, 5, 10, 30, 200, 201, 1000]) n, generate_series(1, n) i GROUP BY n ORDER BY n;
-- Never off the scale, and the score is in it
SELECT n, s, nps_interval(s), csat_interval(s), ces_interval(s)
FROM unnest(ARRAY[1, 2, 40]) n, unnest(ARRAY[1, 5]) s, generate_series(1, n) i GROUP BY n, s ORDER BY n, s;
SELECT nps_interval(s), ces_interval(s) FROM unnest(ARRAY[7, 7, 1]) s;
SELECT nps_interval(10), nps_interval(8), nps_interval(0);

-- What is on no scale
SELECT nps(11);
SELECT nps(-1);
SELECT nps(7.5);
SELECT nps('NaN');
SELECT nps_interval('Infinity');
SELECT csat(0);
SELECT csat(6);
SELECT csat_interval(10);
SELECT ces(0);
SELECT ces(8);
SELECT ces_interval(1e300);
\set VERBOSITY default
SELECT ces(6.5);
\set VERBOSITY terse
SELECT nps('x');
SELECT nps(true);

-- Nothing but an aggregate has a state, and nothing else is one.
SELECT cjm_internal.nps_step(NULL, 1);
SELECT cjm_internal.score_combine(NULL, NULL);
SELECT cjm_internal.nps_final('{1,1,1}');
CREATE FUNCTION pg_temp.try(state text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('CREATE AGGREGATE pg_temp.odd (float8) (SFUNC = cjm_internal.nps_step, STYPE = bigint[], FINALFUNC = cjm_internal.nps_interval_final, INITCOND = %L)', state);
	EXECUTE 'SELECT pg_temp.odd(9)' INTO result;
	RETURN result;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END
$$;
SELECT s AS state, pg_temp.try(s) FROM unnest(ARRAY['{}', '{1,2}', '{1,NULL,1}', '{0,0,0}', '{-1,0,0}', '{1,2,1}', '{{1,0,1}}',
	'{9223372036854775807,0,0}', '{9223372036854775806,9223372036854775807,9223372036854775807}']) s;
DROP TABLE public.answers;
