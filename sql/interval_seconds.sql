-- interval_seconds: extract(epoch FROM interval)::float8.
SET search_path = cjm, public;

SELECT interval_seconds('1 day 00:00:00.1'), interval_seconds('-0.000001 seconds'), interval_seconds('0'), interval_seconds(NULL) IS NULL AS of_null;
-- To the last bit, whether by the short way or by the long one.
WITH lengths AS (
	SELECT make_interval(months => CASE WHEN i % 7 = 0 THEN i % 50 ELSE 0 END, days => hashint4(i) >> (i % 31), secs => (hashint4(i + 1)::bigint * 4096 + i) / 1e6) AS length
	FROM generate_series(1, 10000) i
	UNION ALL SELECT unnest('{2147483647 days,-2147483648 days,104249991 days,104249992 days,178000000 years,-178000000 years}'::interval[])
)
SELECT count(*), count(*) FILTER (WHERE float8send(interval_seconds(length)) <> float8send(extract(epoch FROM length)::float8)) AS wrong FROM lengths;
