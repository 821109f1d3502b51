-- Funnels whose walks are those of several funnels apart: within session, from any stage, and variables.
-- That they are what the rules say, the oracle proves (sql/funnel_oracle.sql, test/fuzz).
SET search_path = cjm, public;
SET TimeZone = 'UTC';

-- Text: read, and printed in one way.
SELECT t, t::funnel AS funnel, t::funnel::text::funnel = t::funnel AS again, octet_length(t::funnel::text) > 0 AS printed
FROM unnest(ARRAY['a -> b within session', 'a -> b WITHIN Session (30min)', 'a -> b within session(45 min) within 1d', 'a->b excluding x within session (1 s) strict',
	'a -> b from any stage', 'a -> b strict FROM any  Stage within 1 day', 'signup -> add @ ( item ) -> checkout@(item)', 'a@("the item") | *@("the item") -> named: b@("the item") [1 d]',
	'from -> session -> any -> stage', 'session: from -> "x(y)" within session', 'a@from -> b@(within) from any stage']) t;
SELECT 'a -> b'::funnel = 'a -> b within session' AS session, 'a -> b within session' = 'a -> b within session (29 min)'::funnel AS gap,
	'a -> b'::funnel = 'a -> b from any stage' AS from_any, 'a@(x) -> b@(x)'::funnel = 'a@(y) -> b@(y)' AS variable, 'a@(x) -> b@(x)'::funnel = 'a@(x) -> b' AS bound;
SELECT * FROM funnel_stages('a@(x) | b@(x) -> c@email -> d within session');
SELECT funnel_within('a within session (1 h)') AS none, funnel_within('a within 2 h within session') AS limited;

-- What does not go together names both; what is not whole says what is missing.
CREATE FUNCTION refused(text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE hint text;
BEGIN
	RETURN 'accepted: ' || $1::cjm.funnel;
EXCEPTION WHEN invalid_text_representation OR invalid_parameter_value OR program_limit_exceeded THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN sqlerrm || coalesce(E'\n  ' || nullif(hint, ''), '');
END
$$;
SELECT refused(t) FROM unnest(ARRAY['a -> b from any stage unordered', 'a -> optional b from any stage', 'a@(x) -> b@(x) unordered', 'a@(x) -> b@(y)', 'a@(x) | b -> c', 'a | b@(x) -> c',
	'a -> b excluding c@(x)', 'a -> b excluding c | d@(x)', 'a -> b from', 'a -> b from any', 'a -> b from any stages', 'a -> b from any stage from any stage', 'a -> b within session (', 'a -> b within session (1 h',
	'a -> b within session ()', 'a -> b within session (0 s)', 'a -> b within session (1 month)', 'a -> b within session 1 h', 'a -> b within session within session', 'a -> b within', 'a@( -> b', 'a@() -> b',
	'a@(x -> b', 'a@(x)(y) -> b', 'a@("") -> b', 'a@(' || repeat('x', 5000) || ') -> b', 'user:login -> b', 'http://x -> b']) t;
DROP FUNCTION refused;

-- A funnel in one session: a cart 40 minutes later is another one, unless anything lies between.
CREATE TABLE apart_visits AS
SELECT c, '2026-01-01Z'::timestamptz + t::interval AS at, e
FROM (VALUES (1, '10:00', 'view'), (1, '10:05', 'cart'), (1, '10:09', 'purchase'),
	(2, '10:00', 'view'), (2, '10:40', 'cart'), (2, '10:45', 'purchase'),
	(3, '10:00', 'view'), (3, '10:20', 'help'), (3, '10:40', 'cart'), (3, '10:45', 'purchase'),
	(4, '10:00', 'view'), (4, '10:30', 'cart'), (4, '11:00:00.000001', 'purchase'), (4, '12:00', 'view'), (4, '12:10', 'cart')) v (c, t, e);
SELECT c, funnel_step(j, 'view -> cart -> purchase within session') AS session, funnel_step(j, 'view -> cart -> purchase within session (40 min)') AS longer,
	funnel_step(j, 'view -> cart -> purchase within session within 40 min') AS both, funnel_step(j, 'purchase -> cart -> view within session unordered') AS unordered,
	conversions(j, 'view -> cart within session') AS conversions
FROM (SELECT c, journey_agg(at, e) AS j FROM apart_visits GROUP BY c) j ORDER BY c;
SELECT step, stage, customers, entered FROM report((SELECT funnel_agg(c, at, e, 'view -> cart -> purchase within session') FROM apart_visits));
SELECT c, at::time, e, funnel_step(at, e, 'view -> cart -> purchase within session') OVER w AS step, funnel_start(at, e, 'view -> cart -> purchase within session') OVER w::time AS start
FROM apart_visits WHERE c > 1 WINDOW w AS (PARTITION BY c ORDER BY at) ORDER BY c, at;
-- Nobody is open longer than the session, nor than the funnel.
SELECT c, n, funnel_open(j, 'view -> cart -> purchase within session', n) AS session, funnel_open(j, 'view -> cart -> purchase within session within 20 min', n) AS both,
	funnel_refused(j, 'view -> cart -> pay within session', 'purchase', n) AS refused
FROM (SELECT c, journey_agg(at, e) AS j FROM apart_visits GROUP BY c) j, unnest(ARRAY['2026-01-01 12:20Z', '2026-01-01 12:40Z', '2026-01-01 12:41Z']::timestamptz[]) n WHERE c = 4 ORDER BY n;
SELECT c, funnel_lapse(j, 'view -> cart -> purchase within session', '20 min') FROM (SELECT c, journey_agg(at, e) AS j FROM apart_visits GROUP BY c) j ORDER BY c;

-- The sessions of a journey as journeys, whole: slice leaves out the last touchpoint of each.
SELECT c, s.number, s.journey, slice(j, first_touch(s.journey).at, last_touch(s.journey).at) AS sliced
FROM (SELECT c, journey_agg(at, e) AS j FROM apart_visits WHERE c > 2 GROUP BY c) j, session_journeys(j) WITH ORDINALITY AS s (journey, number) ORDER BY c, number;
SELECT count(*) FILTER (WHERE j IS DISTINCT FROM together) AS differ, count(*) FILTER (WHERE n <> (session_stats(j, '11 min')).session_count) AS otherwise_cut
FROM (SELECT c, journey_agg(at, e) AS j FROM apart_visits GROUP BY c) j, LATERAL (SELECT rollup(s) AS together, count(*) AS n FROM session_journeys(j, '11 min') s) s;
SELECT count(*) FROM session_journeys('{}');
SELECT session_journeys('{2026-01-01T00:00Z a@x=1, 2026-01-01T00:00Z a@x=1, 2026-01-02T00:00Z b}', '0 s');
SELECT session_journeys('{}', '-1 s');

-- A funnel that is open at its beginning.
CREATE TABLE apart_open AS
SELECT c, '2026-01-01Z'::timestamptz + n * interval '1 min' AS at, e FROM unnest(ARRAY['a b c d', 'b c d', 'c d', 'd', 'a', 'b c']) WITH ORDINALITY AS v (j, c), string_to_table(j, ' ') WITH ORDINALITY AS t (e, n);
SELECT * FROM report((SELECT funnel_agg(c, at, e, 'a -> b -> c -> d from any stage') FROM apart_open));
SELECT step, stage, customers, step_rate, overall_rate, dropped, entered FROM report((SELECT funnel_agg(c, at, e, 'a -> b -> c -> d') FROM apart_open));
SELECT c, at, e, funnel_step(at, e, 'a -> b -> c -> d from any stage') OVER w AS step, extract(minute FROM funnel_start(at, e, 'a -> b -> c -> d from any stage') OVER w) AS start
FROM apart_open WINDOW w AS (PARTITION BY c ORDER BY at) ORDER BY c, at;
SELECT c, funnel_times(j, 'a -> b -> c from any stage'), entry_channel(j, 'a -> b from any stage') FROM (SELECT c, journey_agg(at, e, e) AS j FROM apart_open GROUP BY c) j ORDER BY c;
-- The statistics of such a funnel are told, read and added up.
SELECT stats, stats::jsonb::funnel_stats = stats AS json, stats::text::funnel_stats = stats AS text, rollup = stats AS added
FROM (SELECT funnel_agg(c, at, e, 'a -> b -> c from any stage within 1 h') AS stats FROM apart_open) s,
	LATERAL (SELECT rollup(p) FROM (SELECT funnel_agg(c, at, e, 'a -> b -> c from any stage within 1 h') AS p FROM apart_open GROUP BY c) p) r;
SELECT t::funnel_stats FROM (VALUES ('{"funnel": "a -> b from any stage", "customers": 2, "steps": [{"customers": 1}, {"customers": 2, "entered": 1, "time": {"sum": 5, "buckets": [[5, 1]]}}]}')) v (t);
SELECT '{"funnel": "a -> b from any stage", "customers": 2, "steps": [{"customers": 1}, {"customers": 2, "time": {"sum": 5, "buckets": [[5, 2]]}}]}'::funnel_stats;
SELECT '{"funnel": "a -> b from any stage", "customers": 2, "steps": [{"customers": 1}, {"customers": 2, "entered": 3}]}'::funnel_stats;
SELECT '{"funnel": "a -> b from any stage", "customers": 2, "steps": [{"customers": 1}, {"customers": 2, "entered": 2}]}'::funnel_stats;
SELECT '{"funnel": "a -> b from any stage", "customers": 3, "steps": [{"customers": 1}, {"customers": 3, "entered": 1, "time": {"sum": 5, "buckets": [[2, 1], [3, 1]]}}]}'::funnel_stats;
SELECT '{"funnel": "a -> b", "customers": 2, "steps": [{"customers": 1}, {"customers": 1, "entered": 1}]}'::funnel_stats;

-- The same thing at every step; nothing is the same as nothing.
CREATE TABLE apart_items AS
SELECT c, '2026-01-01Z'::timestamptz + n * interval '1 min' AS at, split_part(e, '@', 1) AS e, nullif(split_part(e, '@', 2), '') AS item
FROM unnest(ARRAY['signup add@p1 checkout@p2', 'signup add@p1 add@p2 checkout@p2', 'add@p9 checkout@p9 signup', 'signup add checkout', 'signup add@p1 add@p2 checkout@p1 checkout@p2 add@p1 checkout@p1'])
	WITH ORDINALITY AS v (j, c), string_to_table(j, ' ') WITH ORDINALITY AS t (e, n);
SELECT step, stage, customers FROM report((SELECT funnel_agg(c, at, e, item, 'signup -> add@(item) -> checkout@(item)') FROM apart_items WHERE c <= 3));
SELECT c, funnel_times(j, 'signup -> add@(item) -> checkout@(item)') AS times, conversions(j, 'add@(item) -> checkout@(item)') AS conversions, conversions(j, 'add -> checkout') AS of_any
FROM (SELECT c, journey_agg(at, e, item) AS j FROM apart_items GROUP BY c) j ORDER BY c;
SELECT c, at, e, item, funnel_step(at, e, item, 'signup -> add@(item) -> checkout@(item)') OVER w AS step FROM apart_items WHERE c IN (1, 5) WINDOW w AS (PARTITION BY c ORDER BY at) ORDER BY c, at;
SELECT funnel_agg(c, at, e, 'signup -> add@(item)') FROM apart_items;
SELECT funnel_open(journey_agg(at, e, item), 'signup -> add@(item) -> checkout@(item) within 1 day', '2026-01-01 01:00Z') FROM apart_items WHERE c = 4;

-- From rows, in whatever order and by whatever they are grouped, as from journeys, to the byte.
CREATE TABLE apart_rows AS
SELECT (hashint4(i) & 1023) % 150 AS c, '2026-01-01Z'::timestamptz + (hashint4(i + 1) & 65535) % 3000 * interval '7 s' AS at, (ARRAY['a', 'b', 'c', 'x'])[1 + (hashint4(i + 2) & 65535) % 4] AS e,
	(ARRAY['p', 'q', 'a long channel that has to be compared', NULL])[1 + (hashint4(i + 3) & 65535) % 4] AS ch
FROM generate_series(1, 2000) i;
CREATE TABLE apart_funnels AS
SELECT f::funnel FROM unnest(ARRAY['a -> b -> c within session (10 min)', 'a -> b -> c within session (10 min) within 20 min strict', 'a -> optional b -> c within session (20 min) excluding x',
	'a -> b -> c unordered within session (10 min)', 'a -> b -> c from any stage', 'a -> b [10 min] -> c@p from any stage within 1 h excluding x', 'a -> b -> c from any stage strict within session (20 min)',
	'a@(v) -> b@(v) -> c', 'a -> b@(v) -> optional x@(v) -> c@(v) within session (1 h)', 'a@(v) | x@(v) -> *@(v) -> c from any stage', 'a -> b -> c']) f;
CREATE TABLE apart_journeys AS SELECT c, journey_agg(at, e, ch) AS j FROM apart_rows GROUP BY c;
SELECT f, stats::jsonb -> 'customers' AS customers, stats = (SELECT funnel_agg(j, f) FROM apart_journeys) AS rows_are_journeys,
	entered = (SELECT funnel_agg(j, f, '[2026-01-01 01:00Z,2026-01-01 03:00Z)') FROM apart_journeys) AS entered,
	(SELECT array_agg(b.stats ORDER BY b.entered) FROM unnest(buckets) b) =
		(SELECT array_agg(s ORDER BY e) FROM (SELECT e, funnel_agg(j, f, e) AS s FROM apart_journeys, entry_buckets(j, f, 'hour', 'UTC') e GROUP BY e) b) AS buckets,
	(SELECT max(step) FROM (SELECT funnel_step(at, e, ch, f) OVER (PARTITION BY c ORDER BY at) AS step FROM apart_rows WHERE f::text !~ 'unordered') w) IS NOT DISTINCT FROM
		(SELECT max(funnel_step(j, f)) FROM apart_journeys WHERE f::text !~ 'unordered') AS windows
FROM apart_funnels, LATERAL (SELECT funnel_agg(c, at, e, ch, f) AS stats, funnel_agg(c::text, at, e, ch, f, '[2026-01-01 01:00Z,2026-01-01 03:00Z)' ORDER BY e) AS entered,
	funnel_agg_by_entry(c, at, e, ch, f, 'hour', 'UTC' ORDER BY at DESC) AS buckets FROM apart_rows) r;
-- The channel at the first touchpoint of the winning walk.
SELECT f, count(*) AS channels, bool_and(s.stats = (SELECT funnel_agg(j, f) FROM apart_journeys WHERE entry_channel(j, f) IS NOT DISTINCT FROM s.property AND funnel_step(j, f) > 0)) AS same
FROM apart_funnels, LATERAL (SELECT g.* FROM (SELECT funnel_agg_by(c, at, e, ch, ch, 'first', f) AS groups FROM apart_rows) b, unnest(groups) g) s
WHERE (s.stats::jsonb -> 'steps' -> 0 ->> 'customers')::int + coalesce((s.stats::jsonb -> 'steps' -> 1 ->> 'entered')::int, 0) + coalesce((s.stats::jsonb -> 'steps' -> 2 ->> 'entered')::int, 0) = (s.stats::jsonb ->> 'customers')::int
	AND s.property IS NOT NULL GROUP BY f ORDER BY f::text;
DROP TABLE apart_visits, apart_open, apart_items, apart_rows, apart_funnels, apart_journeys;
-- In a map a walk that begins later than at the first stage has its beginning all the same, and the session of that.
CREATE TABLE apart_log AS SELECT * FROM (VALUES (1, timestamptz '2026-01-01 10:00Z', 'view', 'ads'), (1, '2026-01-01 10:10Z', 'cart', 'mail'), (2, '2026-01-02 10:00Z', 'cart', 'mail'), (2, '2026-01-02 10:05Z', 'pay', NULL),
	(3, '2026-01-03 10:00Z', 'odd', 'ads')) e(customer, at, event, channel);
SELECT create_map('apart_map', 'apart_log', 'customer', 'at', 'event', 'view -> cart -> pay from any stage', channel => 'channel', time_zone => 'UTC');
SELECT customer, step, stage, entered_at AT TIME ZONE 'UTC' AS entered_at, reached_at AT TIME ZONE 'UTC' AS reached_at, converted, current_step FROM apart_map.customers ORDER BY customer;
SELECT by_value, step, customers FROM funnel_report('apart_map', 'session_channel') ORDER BY by_value, step;
SELECT drop_map('apart_map');
DROP TABLE apart_log;
