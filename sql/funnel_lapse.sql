-- funnel_lapse: how far a customer had come when first staying away.
SET search_path = cjm, public;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';

SELECT * FROM funnel_lapse('{2026-01-01T00:00Z view, 2026-01-02T00:00Z cart, 2026-03-01T00:00Z view, 2026-03-02T00:00Z buy}', 'view -> cart -> buy within 100 days', '30 days');
-- Not longer than away is not away; who never comes back has no back_at; who stayed away before beginning is not meant.
SELECT * FROM funnel_lapse('{2026-01-01T00:00Z view, 2026-01-31T00:00Z cart}', 'view -> cart -> buy', '30 days');
SELECT * FROM funnel_lapse('{2025-01-01T00:00Z cart, 2026-01-01T00:00Z view}', 'view -> cart -> buy', '30 days');
SELECT * FROM funnel_lapse('{2026-01-01T00:00Z view, 2026-01-01T00:00Z cart, 2026-01-01T00:00:00.000001Z buy}', 'view -> cart -> buy', '0');
SELECT funnel_lapse(j, 'view -> cart', '1 day') IS NULL AS never_begun FROM unnest('{"{}", "{2026-01-01T00:00Z cart, 2026-01-09T00:00Z cart}"}'::journey[]) j;
SELECT funnel_lapse('{2026-01-01T00:00Z view}', 'view', '1 month');
SELECT funnel_lapse('{2026-01-01T00:00Z view}', 'view', '-1 day');

-- The same from sessions and slices of the journey; several funnels at one call site.
CREATE TEMP TABLE lapsed AS
SELECT n, journey_agg(timestamptz '2026-01-01Z' + (hashint4(n * 100 + i) & 255) * interval '1 hour', 'e' || (hashint4(n + i * 5) & 3), nullif('c' || (hashint4(i) & 3), 'c0')) AS j
FROM generate_series(1, 400) n, generate_series(1, n % 20) i GROUP BY n;
WITH asked AS (
	SELECT * FROM lapsed, unnest('{e1 -> e2 -> e3 within 2 days,e1 -> optional e2 -> e3,e2 -> e1 -> e0 strict,e1 -> e2 -> e3 excluding e0,e1 -> e2@c1 -> e3,e1 -> e2 unordered within 1 day}'::funnel[]) funnel,
		unnest('{0,5 hours,2 days}'::interval[]) away
), got AS (
	SELECT n, funnel::text, away, l.* FROM asked CROSS JOIN LATERAL funnel_lapse(j, funnel, away) l WHERE l.step IS NOT NULL
), expected AS (
	SELECT n, funnel::text, away, l.* FROM asked CROSS JOIN LATERAL (
		SELECT funnel_step(slice(j, '-infinity', s.ended_at + interval '1 microsecond'), funnel) AS step, s.ended_at AS left_at,
			(first_touch(slice(j, s.ended_at + interval '1 microsecond', 'infinity'))).at AS back_at, funnel_step(j, funnel) AS final_step
		FROM sessions(j, away) s
		WHERE funnel_step(slice(j, '-infinity', s.ended_at + interval '1 microsecond'), funnel) > 0 ORDER BY s.session_number LIMIT 1) l
)
SELECT (SELECT count(*) FROM got) AS lapses, (SELECT count(*) FROM got WHERE final_step > step) AS went_on,
	(SELECT count(*) FROM (TABLE got EXCEPT ALL TABLE expected) d) AS too_many, (SELECT count(*) FROM (TABLE expected EXCEPT ALL TABLE got) d) AS missing;
