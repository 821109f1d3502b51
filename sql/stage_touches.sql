-- stage_touches: what a customer met at each stage; funnel_exposures: what first, and where others were then.
SET search_path = cjm, public;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';

\set j '''{2026-01-01T09:00Z visit@ads, 2026-01-01T09:30Z cart, 2026-01-01T10:00Z view@ads, 2026-01-01T10:01Z view, 2026-01-01T10:02Z mail@email, 2026-01-01T11:00Z cart@ads, 2026-01-01T11:30Z view, 2026-01-01T12:00Z pay, 2026-01-02T10:00Z view@ads}'''
-- The stage is that of the first time, not that of the winning walk, which begins as late as it can.
SELECT step, label, touches, first_seen::time, last_seen::time, reached_at::time, met_after, went_on, went_on_after FROM stage_touches(:j, 'view -> cart -> pay within 1 day');
SELECT step, label, touches, first_seen::time, last_seen::time, reached_at::time, met_after, went_on, went_on_after FROM stage_touches(:j, 'view -> cart -> pay within 1 day', 'channel');
SELECT step, label, touches, met_after, went_on, went_on_after FROM stage_touches(:j, 'view -> cart -> refund');
-- Nobody began: all is before the first stage.  Nothing came before: there is no such stage.
SELECT step, label, touches, reached_at::time, met_after, went_on, went_on_after FROM stage_touches(:j, 'refund -> pay');
SELECT step, label, touches, met_after, went_on, went_on_after FROM stage_touches('{2026-01-01T10:00Z a, 2026-01-01T10:01Z b}', 'a -> b');
SELECT count(*) FROM stage_touches('{}', 'a -> b');
-- An optional stage is stood at, but what one goes on to is the mandatory one; after the last mandatory one there is nothing.
SELECT step, label, touches, met_after, went_on, went_on_after FROM stage_touches('{2026-01-01T10:00Z a, 2026-01-01T10:01Z o, 2026-01-01T10:02Z x, 2026-01-01T10:03Z b, 2026-01-01T10:04Z x, 2026-01-01T10:05Z c}', 'a -> optional o -> b -> optional c');
SELECT step, label, touches, met_after, went_on, went_on_after FROM stage_touches('{2026-01-01T10:00Z a, 2026-01-01T10:02Z x, 2026-01-01T10:03Z b}', 'a -> optional o -> b');
-- Several stages at one time: each has what it asks for, the last one the rest.
SELECT step, label, touches, met_after, went_on, went_on_after FROM stage_touches('{2026-01-01T10:00Z a, 2026-01-01T10:01Z a, 2026-01-01T10:01Z b, 2026-01-01T10:01Z c, 2026-01-01T10:01Z x, 2026-01-01T10:02Z b}', 'a -> b -> c');
SELECT step, label, touches, met_after, went_on, went_on_after FROM stage_touches('{2026-01-01T10:00Z a@x, 2026-01-01T10:00Z a@y, 2026-01-01T10:00Z a, 2026-01-01T10:00Z b}', '*@x -> *@y -> b');
SELECT step, label, touches, met_after, went_on, went_on_after FROM stage_touches('{2026-01-01T10:00Z a, 2026-01-01T10:00Z b, 2026-01-01T10:01Z x, 2026-01-01T10:02Z c}', 'a -> b -> c unordered');
SELECT step, label, touches, met_after, went_on, went_on_after FROM stage_touches('{2026-01-01T10:00Z a, 2026-01-01T10:01Z x, 2026-01-01T10:02Z b, 2026-01-01T10:03Z a, 2026-01-01T10:04Z b}', 'a -> b strict');
-- Walks that begin in a range
SELECT step, label, touches, reached_at::time, went_on FROM stage_touches(:j, 'view -> cart -> pay', entered => '[2026-01-01 11:15Z,)');
SELECT * FROM stage_touches(:j, 'view -> cart', 'value');
SELECT count(*) FROM stage_touches(NULL, 'view -> cart');

SELECT kind, label, step, met_after, stayed, converted, began_at::time, reached_at::time, seconds FROM funnel_exposures(:j, 'view -> cart -> pay within 1 day');
SELECT kind, label, step, met_after, stayed, converted, seconds FROM funnel_exposures(:j, 'view -> cart -> refund excluding mail');
SELECT kind, label, step, met_after, stayed, converted, seconds FROM funnel_exposures(:j, 'view -> pay -> optional mail');
SELECT kind, label, step, met_after, stayed, converted, seconds FROM funnel_exposures(:j, 'cart@ads -> *@ads');
SELECT kind, label, step, met_after, stayed, converted, seconds FROM funnel_exposures(:j, 'pay -> view unordered');
SELECT kind, label, step, met_after, stayed, began_at::time FROM funnel_exposures(:j, 'view -> cart', '[2026-01-01 11:15Z,)');
-- A stage that is left as soon as it is reached is no stay; what is met then is met at the next one.
SELECT kind, label, step, met_after, stayed, seconds FROM funnel_exposures('{2026-01-01T10:00Z a@ads, 2026-01-01T10:00Z b@email, 2026-01-01T10:00Z x@tv, 2026-01-01T10:01Z y, 2026-01-01T10:02Z c}', 'a -> b -> c');
SELECT kind, label, step, met_after, stayed, seconds FROM funnel_exposures('{2026-01-01T10:00Z a@ads, 2026-01-01T10:00Z b@email}', 'a -> b');
SELECT kind, label, step, met_after, stayed, seconds FROM funnel_exposures('{2026-01-01T10:00Z x@ads, 2026-01-01T10:01Z a@email}', 'a');
SELECT count(*) FROM funnel_exposures(:j, 'refund -> pay');
SELECT count(*) FROM funnel_exposures('{}', 'refund -> pay');

-- The stage at a time is the step of the journey so far, whatever the rules: of every funnel, by slices of random journeys.
CREATE TEMP TABLE journeys AS
SELECT n, journey_agg(timestamptz '2026-01-01Z' + (hashint4(n * 7 + i) & 63) * interval '1 s', chr(97 + (hashint4(n + i * 5) & 7)), nullif('c' || (hashint4(i) & 3), 'c0')) AS journey
FROM generate_series(1, 300) n, generate_series(1, 2 + n % 14) i GROUP BY n;
CREATE TEMP TABLE funnels AS
SELECT v.funnel::funnel AS funnel FROM (VALUES ('a -> b -> c'), ('a -> b | c -> d within 20 s'), ('a -> b [5 s] -> c [9 s] -> d'), ('a -> optional b -> c -> optional d within 30 s'), ('a -> b -> c unordered within 15 s'),
	('a -> b -> c strict'), ('a -> b -> c excluding e | f'), ('a -> a -> a'), ('*@c1 -> a -> *@c2 -> b'), ('a -> optional b [3 s] -> optional c -> d [8 s] excluding g')) v(funnel);
CREATE TEMP TABLE so_far AS
SELECT f.funnel, j.n, t.at, max(funnel_step(slice(j.journey, '-infinity', t.at + interval '1 microsecond'), f.funnel)) AS step
FROM funnels f CROSS JOIN journeys j CROSS JOIN LATERAL (SELECT DISTINCT t.at FROM touchpoints(j.journey) t) t GROUP BY 1, 2, 3;
CREATE TEMP TABLE got AS
SELECT f.funnel, j.n, s.* FROM funnels f CROSS JOIN journeys j CROSS JOIN LATERAL stage_touches(j.journey, f.funnel) s;
ANALYZE so_far, got;
SELECT count(*) AS stages, count(*) FILTER (WHERE g.reached_at IS DISTINCT FROM s.reached_at) AS wrong
FROM (SELECT funnel, n, step, min(at) AS reached_at FROM so_far WHERE step > 0 GROUP BY 1, 2, 3) s LEFT JOIN (SELECT * FROM got WHERE label IS NULL) g USING (funnel, n, step);
-- What is there besides was reached at the same time as a deeper one.
SELECT count(*) > 50 AS tied, count(*) FILTER (WHERE NOT EXISTS (SELECT FROM so_far s WHERE (s.funnel, s.n, s.at) = (g.funnel, g.n, g.reached_at) AND s.step > g.step)) AS wrong
FROM got g WHERE g.label IS NULL AND g.step > 0 AND NOT EXISTS (SELECT FROM so_far s WHERE (s.funnel, s.n, s.step) = (g.funnel, g.n, g.step));
-- Each touchpoint is counted at one stage, and, but for ties, at that of its time.
SELECT count(*) AS journeys, count(*) FILTER (WHERE touches <> labels OR touches <> touch_count(journey)) AS wrong
FROM (SELECT funnel, n, sum(touches) FILTER (WHERE label IS NULL) AS touches, sum(touches) FILTER (WHERE label IS NOT NULL) AS labels FROM got GROUP BY 1, 2) g JOIN journeys USING (n);
CREATE TEMP TABLE tied AS
SELECT DISTINCT g.funnel, g.n FROM got g JOIN so_far s ON (s.funnel, s.n, s.at) = (g.funnel, g.n, g.reached_at) AND s.step > g.step WHERE g.step > 0;
WITH expected AS (
	SELECT s.funnel, s.n, s.step, t.event AS label, count(*) AS touches, min(t.at) AS first_seen, max(t.at) AS last_seen
	FROM so_far s JOIN journeys j USING (n) CROSS JOIN LATERAL touchpoints(j.journey) t
	WHERE t.at = s.at AND (s.funnel, s.n) NOT IN (SELECT funnel, n FROM tied) GROUP BY 1, 2, 3, 4
)
SELECT count(*) > 5000 AS many, count(*) FILTER (WHERE g.label IS NULL) AS wrong FROM expected e LEFT JOIN got g USING (funnel, n, step, label, touches, first_seen, last_seen);
-- When it went on, and when a label was first met.
SELECT count(*) > 3000 AS many, count(*) FILTER (WHERE g.went_on IS DISTINCT FROM (m.step IS NOT NULL AND r.reached_at IS NOT NULL) AND (m.step IS NOT NULL OR g.went_on IS NOT NULL)) AS wrong,
	count(*) FILTER (WHERE g.went_on_after IS DISTINCT FROM extract(epoch FROM r.reached_at - g.reached_at)::float8) AS wrong_times,
	count(*) FILTER (WHERE g.met_after IS DISTINCT FROM CASE WHEN g.label IS NOT NULL THEN extract(epoch FROM g.first_seen - g.reached_at)::float8 END) AS wrong_times
FROM got g
	LEFT JOIN LATERAL (SELECT min(s.step) AS step FROM funnel_stages(g.funnel) s WHERE s.step > g.step AND NOT s.optional) m ON true
	LEFT JOIN got r ON r.funnel = g.funnel AND r.n = g.n AND r.step = m.step AND r.label IS NULL;
