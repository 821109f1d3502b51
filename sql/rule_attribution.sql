-- rule_attribution: what each channel earned, by all models in one pass.
SET search_path = cjm, public;
SET TimeZone = 'UTC';

CREATE TEMP TABLE shopper (customer int, journey journey);
INSERT INTO shopper VALUES
	(1, '{2026-01-01T10:00Z ad@video, 2026-01-03T10:00Z visit@search, 2026-01-07T10:00Z visit, 2026-01-08T10:00Z mail@email, 2026-01-15T10:00Z visit@direct, 2026-01-15T10:05Z buy@shop=100}'),
	(2, '{2026-01-02T10:00Z ad@video, 2026-01-04T10:00Z buy, 2026-01-04T10:00Z buy=30, 2026-01-05T10:00Z buy=8}'),
	(3, '{2026-01-02T10:00Z ad@video}'), (4, '{}'), (5, NULL);

SELECT c.model, c.channel, round(c.conversions::numeric, 4) AS conversions, round(c.value::numeric, 4) AS value
FROM (SELECT rule_attribution(journey, 'buy') AS credits FROM shopper) s, unnest(s.credits) c;
-- of nobody, of nobody who converted, and of two who did not
SELECT rule_attribution(journey, 'buy') IS NULL AS nobody FROM shopper WHERE customer = 5;
SELECT rule_attribution(journey, 'buy') AS nothing FROM shopper WHERE customer IN (3, 4);
SELECT rule_attribution(journey, NULL) IS NULL AS no_funnel FROM shopper;

-- Some models, with all settings: each once, in their own order.
PREPARE settings(text[], interval, text, boolean, timestamptz, timestamptz) AS
SELECT c.model, c.channel, round(c.conversions::numeric, 4) AS conversions, round(c.value::numeric, 4) AS value
FROM (SELECT rule_attribution(journey, 'buy', $1, $2, $3, '30 minutes', '7 days', '{0.5,0,0.5}', '{email}', $4, $5, $6) AS credits FROM shopper) s, unnest(s.credits) c;
EXECUTE settings('{position,last_non_direct,position}', NULL, 'touchpoint', false, '-infinity', 'infinity');
EXECUTE settings('{linear}', '2 days', 'touchpoint', false, '-infinity', 'infinity');
EXECUTE settings('{linear}', NULL, 'session', true, '-infinity', 'infinity');
-- a time range: from included, to excluded
EXECUTE settings('{linear}', NULL, 'touchpoint', false, '2026-01-04 10:00Z', '2026-01-05 10:00Z');
EXECUTE settings('{}', NULL, 'touchpoint', false, '-infinity', 'infinity');

-- The sums have more digits than float8: no order of adding shows.
SELECT string_agg(DISTINCT c.conversions || ' ' || c.value, ', ') FROM generate_series(1, 5) o, LATERAL (
	SELECT rule_attribution(j, 'buy' ORDER BY hashint4(o * 1000 + i)) AS credits FROM (
		SELECT i, (format('{2026-01-01T10:00Z a@%s, 2026-01-02T10:00Z b@y, 2026-01-03T10:00Z c@z, 2026-01-04T10:00Z buy=%s}', CASE WHEN i % 2 = 0 THEN 'x' ELSE 'y' END, i * 0.1 + i % 7 * 1e12))::journey AS j
		FROM generate_series(1, 999) i) g WHERE o > 0) s, unnest(s.credits) c WHERE c.model = 'linear' AND c.channel = 'y';
-- infinite values are what they add up to
SELECT c.model, c.value FROM (SELECT rule_attribution(j, 'buy') AS credits FROM (VALUES ('{2026-01-01T10:00Z a@x, 2026-01-04T10:00Z buy=Infinity}'::journey), ('{2026-01-01T10:00Z a@x, 2026-01-04T10:00Z buy=1}')) v(j)) s, unnest(s.credits) c;

-- What is wrong is said, whether there is a conversion or not.
EXECUTE settings('{linear,last}', NULL, 'touchpoint', false, '-infinity', 'infinity');
EXECUTE settings('{linear,NULL}', NULL, 'touchpoint', false, '-infinity', 'infinity');
EXECUTE settings(NULL, NULL, 'touchpoint', false, '-infinity', 'infinity');
EXECUTE settings('{linear}', NULL, 'visit', false, '-infinity', 'infinity');
EXECUTE settings('{linear}', NULL, 'session', false, NULL, 'infinity');
