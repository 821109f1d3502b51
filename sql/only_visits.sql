-- only_visits, and create_map(..., visit => ...): what is seen elsewhere is a touchpoint and no visit.
SET search_path = cjm, public;
SET TimeZone = 'UTC';
\set SHOW_CONTEXT never

-- 'ad5@tv' is event ad at minute 5 through the channel tv.
CREATE FUNCTION public.minutes(text) RETURNS journey LANGUAGE sql IMMUTABLE AS $$
	SELECT coalesce(cjm.journey_agg('2026-01-01 00:00Z'::timestamptz + substring(t from '[a-z]+(\d+)')::int * interval '1 minute', substring(t from '^[a-z]+'), substring(t from '@(.*)$')), '{}')
	FROM string_to_table($1, ' ') t
$$;
SELECT j, only_visits(minutes(j), 'visit | view') FROM unnest(ARRAY[
	'',
	'ad0',
	'ad0 ad10 visit20@mail cart25 ad30@tv',					-- what comes before the first visit of a session is left out
	'visit0 ad29@tv cart50 visit90@mail ad121 view152',		-- gaps are those of the whole journey
	'ad0@tv visit0@mail',									-- what lies at its time is of the visit, whatever its name
	'zap0@tv visit0@mail',
	'ad0@tv cart0 ad1@tv',
	'visit0@mail view1@tv']) j;
SELECT only_visits(minutes('ad0@tv ad5@mail visit6@tv visit7'), 'ad@mail', '4 minutes'), only_visits(minutes('ad0@tv'), '*'), only_visits(NULL, 'a') IS NULL AS none;
SELECT only_visits('{}', 'visit', '1 month');

CREATE TABLE public.seen (who integer, at timestamptz, what text, via text, worth numeric, country text);
INSERT INTO public.seen
SELECT n, '2026-01-01Z'::timestamptz + abs(hashint4(n * 31 + i)) % 3000 * interval '1 minute', (ARRAY['impression', 'visit', 'view', 'order', 'zap'])[1 + abs(hashint4(n * 17 + i * 3)) % 5],
	(ARRAY['tv', 'mail', NULL])[1 + abs(hashint4(n + i * 5)) % 3], CASE WHEN i % 3 = 0 THEN i END, (ARRAY['LV', 'EE'])[1 + n % 2]
FROM generate_series(1, 2000) n, generate_series(1, 1 + n % 40) i;
CREATE TABLE public.cost AS SELECT date '2026-01-01' AS day, 'tv' AS channel, 100 AS impressions, 10 AS clicks, 50 AS cost;
SELECT create_map('seen_all', 'seen', 'who', 'at', 'what', 'impression -> order', channel => 'via', value => 'worth', segment => 'country', spend => 'cost');
SELECT create_map('seen_visits', 'seen', 'who', 'at', 'what', 'impression -> order', channel => 'via', value => 'worth', segment => 'country', spend => 'cost', visit => 'visit | view');
SET client_min_messages = warning;
SELECT create_map('seen_kept', 'seen', 'who', 'at', 'what', 'impression -> order', channel => 'via', value => 'worth', segment => 'country', spend => 'cost', visit => 'visit | view', keep => true);
SELECT refresh_journeys('seen_kept') IS NULL AS refreshed;
RESET client_min_messages;
SELECT visit FROM seen_visits.map;

-- Sessions in plain SQL: first by gaps, then from the first visit on.
CREATE VIEW public.expected_sessions AS
WITH gaps AS (
	SELECT s.*, CASE WHEN at - lag(at) OVER (PARTITION BY who ORDER BY at) <= interval '30 minutes' THEN 0 ELSE 1 END AS begins FROM seen s
), runs AS (
	SELECT g.*, sum(begins) OVER (PARTITION BY who ORDER BY at) AS run FROM gaps g
), visits AS (
	SELECT r.*, min(at) FILTER (WHERE what IN ('visit', 'view')) OVER (PARTITION BY who, run) AS began FROM runs r
)
SELECT who, run, began, max(at) AS ended, count(*) AS touches, (array_agg(what ORDER BY at, what COLLATE "C"))[1] AS entry, (array_agg(what ORDER BY at DESC, what COLLATE "C" DESC))[1] AS exit,
	(array_agg(via ORDER BY at, what COLLATE "C", via COLLATE "C") FILTER (WHERE what IN ('visit', 'view') AND via IS NOT NULL))[1] AS via, sum(worth) AS worth, count(*) = 1 AS bounced,
	row_number() OVER (PARTITION BY who ORDER BY began) AS number, array_agg(DISTINCT what) AS met
FROM visits WHERE at >= began GROUP BY who, run, began;
SELECT m.name, count(*) > 1000 AS sessions, count(*) FILTER (WHERE (m.started_at, m.ended_at, m.touches, m.entry_event, m.exit_event, m.channel, m.value::numeric, m.bounced)
	IS DISTINCT FROM (e.began, e.ended, e.touches, e.entry, e.exit, e.via, e.worth, e.bounced)) AS wrong
FROM (SELECT 'visits' AS name, * FROM seen_visits.sessions UNION ALL SELECT 'kept', * FROM seen_kept.sessions) m FULL JOIN expected_sessions e ON e.who = m.customer AND e.number = m.session_number
GROUP BY 1 ORDER BY 1;
SELECT count(*) AS wrong FROM seen_visits.customers c LEFT JOIN (SELECT who, count(*) AS sessions FROM expected_sessions GROUP BY who) e ON e.who = c.customer WHERE c.sessions <> coalesce(e.sessions, 0);
SELECT count(*) AS wrong FROM seen_visits.bounce b FULL JOIN (
	SELECT what, via, count(*) FILTER (WHERE what = entry) AS sessions, count(*) FILTER (WHERE what = entry AND bounced) AS bounces, count(*) AS containing FROM expected_sessions, unnest(met) what GROUP BY 1, 2) e
	ON e.what = b.event AND e.via IS NOT DISTINCT FROM b.channel WHERE (b.sessions, b.bounces, b.containing) IS DISTINCT FROM (e.sessions, e.bounces, e.containing);
SELECT count(*) AS wrong FROM (SELECT channel, sum(visits) AS visits FROM seen_visits.channels GROUP BY 1) c
	FULL JOIN (SELECT via, count(*) AS visits FROM expected_sessions GROUP BY 1) e ON coalesce(e.via, '') = coalesce(c.channel, '') WHERE coalesce(c.visits, 0) <> coalesce(e.visits, 0);
SELECT count(*) AS wrong FROM session_report('seen_visits', 'channel') r FULL JOIN (SELECT via, count(*) AS sessions, count(DISTINCT who) AS customers, sum(worth) AS worth FROM expected_sessions GROUP BY 1) e ON coalesce(e.via, '') = coalesce(r.by_value, '')
	WHERE (r.sessions, r.customers, r.value::numeric) IS DISTINCT FROM (e.sessions, e.customers, e.worth);
-- The channel of the session in which a walk began, or a purchase was made, is that of the visit: an impression before it has none.
SELECT count(*) FILTER (WHERE r.customers IS DISTINCT FROM e.customers) AS wrong, count(r.by_value) > 1 AS channels, bool_or(r.by_value IS NULL) AS none FROM (SELECT * FROM funnel_report('seen_visits', 'session_channel') WHERE step = 1 AND customers > 0) r
	FULL JOIN (SELECT e.via, count(*) AS customers FROM seen_visits.customers c LEFT JOIN expected_sessions e ON e.who = c.customer AND c.entered_at BETWEEN e.began AND e.ended WHERE c.step > 0 GROUP BY 1) e
		ON coalesce(e.via, '') = coalesce(r.by_value, '');
SELECT count(*) AS wrong FROM purchase_report('seen_visits', 'session_channel') r
	FULL JOIN (SELECT e.via, count(*) AS purchases FROM seen s LEFT JOIN expected_sessions e ON e.who = s.who AND s.at BETWEEN e.began AND e.ended WHERE s.what = 'order' GROUP BY 1) e
		ON coalesce(e.via, '') = coalesce(r.by_value, '') WHERE r.purchases IS DISTINCT FROM e.purchases;
-- Impressions have the credit that they had, and stages are what they were.
SELECT (SELECT count(*) FROM (SELECT * FROM seen_all.attribution EXCEPT SELECT * FROM seen_visits.attribution) d) AS attribution, (SELECT count(*) FROM (SELECT * FROM seen_all.funnel EXCEPT SELECT * FROM seen_visits.funnel) d) AS funnel,
	(SELECT count(*) FROM (SELECT channel, week, conversions, revenue, cost FROM seen_all.channels EXCEPT SELECT channel, week, conversions, revenue, cost FROM seen_visits.channels) d) AS channels;
SELECT create_map('seen_wrong', 'seen', 'who', 'at', 'what', 'impression -> order', visit => 'visit -> view');
SELECT drop_map(m) FROM unnest(ARRAY['seen_all', 'seen_visits', 'seen_kept']) m;
DROP VIEW public.expected_sessions;
DROP TABLE public.seen, public.cost;
DROP FUNCTION public.minutes;
