-- Window functions over (PARTITION BY customer ORDER BY at)
SET search_path = cjm, public;

CREATE TEMP TABLE visit (customer int, at timestamptz, event text, channel text);
INSERT INTO visit VALUES
	(1, '2024-05-01 10:00Z', 'view', 'email'), (1, '2024-05-01 10:30Z', 'cart', NULL),
	(1, '2024-05-01 11:00:00.000001Z', 'view', 'ads'), (1, NULL, 'view', NULL),
	(1, '2024-05-01 11:05Z', 'purchase', 'email'), (1, '2024-05-01 11:05Z', 'cart', 'ads'),
	(2, '2024-05-01 10:00Z', 'cart', NULL), (2, '2024-05-01 10:10Z', NULL, NULL), (2, '2024-05-02 10:00Z', 'view', NULL);

-- A gap of exactly the timeout is none; several functions share a window; NULL times have no session.
SELECT customer, at AT TIME ZONE 'UTC' AS at, event, session_number(at) OVER w, session_start(at) OVER w AT TIME ZONE 'UTC' AS started,
       funnel_step(at, event, 'view -> cart -> purchase') OVER w AS step,
       funnel_start(at, event, 'view -> cart -> purchase') OVER w AT TIME ZONE 'UTC' AS since, row_number() OVER w AS n
FROM visit WINDOW w AS (PARTITION BY customer ORDER BY at, event) ORDER BY customer, visit.at, event;
SELECT customer, at AT TIME ZONE 'UTC' AS at, session_number(at, '1 minute') OVER w AS minute, session_number(at, interval '1 day') OVER w AS day,
       session_number(at, '0') OVER w AS "0", session_number(at, NULL) OVER w AS "null"
FROM visit WINDOW w AS (PARTITION BY customer ORDER BY at NULLS FIRST) ORDER BY customer, visit.at;

-- With channels, and the rules of a funnel
SELECT event, channel, funnel_step(at, event, channel, 'view@email -> *@ads -> purchase') OVER w AS a,
       funnel_step(at, event, channel, 'view -> cart excluding view@ads') OVER w AS b,
       funnel_step(at, event, 'view -> cart [20 minutes] -> purchase') OVER w AS c,
       funnel_step(at, event, 'view -> purchase strict') OVER w AS d,
       funnel_step(at, event, 'cart -> optional view -> purchase') OVER w AS e,
       funnel_step(at, event, NULL) OVER w AS f
FROM visit WHERE customer = 1 WINDOW w AS (ORDER BY at) ORDER BY at, event;

-- In a view, and a partition alone
CREATE TEMP VIEW session_view AS
	SELECT customer, session_number(at) OVER (PARTITION BY customer ORDER BY at) AS session, at FROM visit;
SELECT customer, max(session), count(*) FROM session_view GROUP BY customer ORDER BY customer;
SELECT session_number(at) OVER (), funnel_step(at, 'a', 'a') OVER () FROM (VALUES (timestamptz '2024-05-01Z')) AS v(at);

-- An order that is not that of time is an error.
SELECT session_number(at) OVER (PARTITION BY customer ORDER BY at DESC) FROM visit WHERE customer = 2;
SELECT session_number(at) OVER (PARTITION BY customer) FROM (SELECT * FROM visit WHERE customer = 2 ORDER BY at) AS v;
SELECT session_number(at) OVER (ORDER BY at::date) FROM (SELECT * FROM visit WHERE customer = 2 ORDER BY at) AS v;
SELECT funnel_step(at, event, 'view') OVER (ORDER BY at DESC) FROM visit WHERE customer = 2;
SELECT funnel_step(at, event, 'view') OVER () FROM (SELECT * FROM visit WHERE customer = 2 ORDER BY at) AS v;
-- So are gaps and times that mean nothing,
SELECT session_number(at, '-1 minute') OVER (ORDER BY at) FROM visit;
SELECT session_start(at, '1 month') OVER (ORDER BY at) FROM visit;
SELECT session_number('infinity') OVER ();
SELECT funnel_step(timestamptz '-infinity', 'a', 'a') OVER ();
-- and funnels that cannot be answered, or not so.
SELECT funnel_step(at, event, 'a -> b unordered') OVER (ORDER BY at) FROM visit;
SELECT funnel_step(at, event, 'a@email') OVER (ORDER BY at) FROM visit;
SELECT funnel_step(at, event, (event || ' -> x')::funnel) OVER (ORDER BY at) FROM visit WHERE customer = 1;
SELECT funnel_step(at, '', 'a') OVER (ORDER BY at) FROM visit;
SELECT session_number(now());

-- A funnel may come with the rows as long as it does not change in a partition.
SELECT f.funnel, max(step) FROM (
	SELECT f.funnel, funnel_step(at, event, f.funnel) OVER (PARTITION BY f.funnel::text, customer ORDER BY at) AS step
	FROM visit, (VALUES ('view -> cart'::funnel), ('cart -> purchase'), (NULL)) AS f(funnel)) AS f GROUP BY 1 ORDER BY 1;

-- Random rows with ties and NULLs against plain SQL.
CREATE FUNCTION pg_temp.chance(VARIADIC seed int[]) RETURNS int LANGUAGE sql IMMUTABLE AS
	$$ SELECT ('x' || substr(md5(array_to_string(seed, ',')), 1, 6))::bit(24)::int $$;
CREATE TEMP TABLE random_visit AS
	SELECT c AS customer, i AS id,
	       CASE WHEN pg_temp.chance(c, i, 1) % 20 > 0 THEN timestamptz '2024-05-01Z' + pg_temp.chance(c, i, 2) % (1 + c % 15) * interval '1 minute' END AS at,
	       CASE WHEN pg_temp.chance(c, i, 3) % 20 > 0 THEN substr('abcd', 1 + pg_temp.chance(c, i, 4) % 4, 1) END AS event,
	       CASE WHEN pg_temp.chance(c, i, 5) % 2 > 0 THEN 'mail' END AS channel
	FROM generate_series(1, 400) AS c, generate_series(1, 7) AS i WHERE i <= 1 + pg_temp.chance(c) % 7;

WITH ours AS (
	SELECT *, session_number(at, '2 minutes') OVER w AS number, session_start(at, '2 minutes') OVER w AS started
	FROM random_visit WINDOW w AS (PARTITION BY customer ORDER BY at)
), plain AS (
	SELECT *, count(*) FILTER (WHERE fresh) OVER (PARTITION BY customer ORDER BY at) AS number,
	       max(at) FILTER (WHERE fresh) OVER (PARTITION BY customer ORDER BY at) AS started
	FROM (SELECT *, coalesce(at > lag(at) OVER (PARTITION BY customer ORDER BY at) + interval '2 minutes', true) AS fresh
	      FROM random_visit WHERE at IS NOT NULL) AS v
)
SELECT count(*), max(ours.number) AS most,
       count(*) FILTER (WHERE (ours.number, ours.started) IS DISTINCT FROM (plain.number, plain.started)) AS differ
FROM ours LEFT JOIN plain USING (customer, id);

-- The maximum over a partition is the journey's step.  The walk that ends with a
-- row is that of the journey up to its time in which the row, and nothing else,
-- is the event of the last stage.
CREATE TEMP TABLE tried (id int, stages text[], rules text);
INSERT INTO tried VALUES
	(1, '{a,b,c}', 'within 5 minutes'), (2, '{a,b | c,a | b}', 'within 4 minutes'), (3, '{a,a,a | b}', ''),
	(4, '{*,b,* }', 'within 3 minutes'), (5, '{a,b,c}', 'strict'), (6, '{a | b,b | c,c | d}', 'within 6 minutes excluding d'),
	(7, '{a,optional b,optional c,d}', 'within 9 minutes'), (8, '{a,optional a | b,b}', 'within 9 minutes strict'),
	(9, '{a | b,"b | c [1 minute]","c | a [2 minutes]"}', 'within 3 minutes'), (10, '{a@mail,*@mail,c}', ''),
	(11, '{a | b,optional b | c [1 minute],a | b | c,d [3 minutes]}', 'within 8 minutes excluding b@mail');
CREATE FUNCTION pg_temp.as_funnel(stages text[], rules text) RETURNS funnel LANGUAGE sql STABLE AS
	$$ SELECT (array_to_string(stages, ' -> ') || ' ' || rules)::funnel $$;
CREATE TEMP TABLE walked AS
	SELECT t.id AS tried, t.stages, t.rules, v.*, funnel_step(at, event, channel, f.funnel) OVER w AS step,
	       funnel_start(at, event, channel, f.funnel) OVER w AS start
	FROM tried t, pg_temp.as_funnel(stages, rules) AS f(funnel), random_visit v
	WINDOW w AS (PARTITION BY t.id, customer ORDER BY at);
WITH journeys AS (SELECT customer, journey_agg(at, event, channel) AS journey FROM random_visit GROUP BY customer)
SELECT tried, count(*) AS customers, max(furthest) AS deepest,
       count(*) FILTER (WHERE coalesce(furthest, 0) IS DISTINCT FROM coalesce(funnel_step(journey, pg_temp.as_funnel(stages, rules)), 0)) AS differ
FROM (SELECT tried, stages, rules, customer, max(step) AS furthest FROM walked GROUP BY 1, 2, 3, 4) AS m JOIN journeys USING (customer)
GROUP BY tried ORDER BY tried;

WITH ends AS (
	SELECT w.tried, w.customer, w.id, s.stage, funnel_times(journey, funnel) AS times
	FROM walked w,
	     generate_series(1, cardinality(w.stages)) AS s(stage),
	     regexp_match(w.stages[s.stage], '^(optional )?(.*?)( \[.*\])?$') AS part,
	     LATERAL (SELECT pg_temp.as_funnel(w.stages[:s.stage - 1] || (coalesce(part[1], '') || 'last' || coalesce(part[3], '')), w.rules)) AS f(funnel),
	     LATERAL (SELECT journey_agg(v.at, CASE WHEN v.id = w.id THEN 'last' ELSE v.event END, v.channel)
	              FROM random_visit v WHERE v.customer = w.customer AND v.at <= w.at) AS j(journey),
	     LATERAL (SELECT journey_agg(v.at, v.event, v.channel) FROM (VALUES (w.at, w.event, w.channel)) AS v(at, event, channel)) AS r(alone)
	WHERE w.event IS NOT NULL AND w.at IS NOT NULL AND w.customer <= 120
	AND funnel_step(alone, ('x: ' || part[2])::funnel) = 1
), best AS (
	SELECT DISTINCT ON (tried, customer, id) tried, customer, id, stage AS step, times[1] AS start
	FROM ends WHERE times[stage] IS NOT NULL ORDER BY tried, customer, id, stage DESC
)
SELECT tried, count(*) AS rows, count(best.step) AS ends, count(*) FILTER (WHERE (w.step, w.start) IS DISTINCT FROM (best.step, best.start)) AS differ
FROM walked w LEFT JOIN best USING (tried, customer, id) WHERE customer <= 120 GROUP BY tried ORDER BY tried;

-- Partitions of many rows, of which all or none are of one time
SELECT count(*), max(step), count(step) FROM (
	SELECT funnel_step(timestamptz '2024-05-01Z' + (i % 2 * (i / 2)) * interval '1 second', CASE i % 3 WHEN 0 THEN 'a' WHEN 1 THEN 'b' ELSE 'c' END, 'a | b -> a -> c -> b | c')
	       OVER (PARTITION BY i % 2 ORDER BY timestamptz '2024-05-01Z' + (i % 2 * (i / 2)) * interval '1 second') AS step
	FROM generate_series(1, 50000) AS i) AS s;
SELECT max(n), count(DISTINCT n) FROM (
	SELECT session_number(to_timestamp(i * 60), '59 seconds') OVER (ORDER BY i) AS n FROM generate_series(1, 50000) AS i) AS s;

-- attribution_credit: what a row earns of the next conversion; NULL for what has none after it, for a conversion that earns nothing, and without a time.
CREATE TEMP TABLE touch (customer int, at timestamptz, event text, channel text);
INSERT INTO touch VALUES (1, '2026-01-01Z', 'ad', 'video'), (1, '2026-01-02Z', 'mail', 'email'), (1, '2026-01-02Z', 'buy', NULL), (1, '2026-01-02Z', 'visit', 'direct'),
	(1, '2026-01-03Z', 'ad', 'video'), (1, NULL, 'ad', 'video'), (1, '2026-01-05Z', 'buy', NULL), (1, '2026-01-06Z', 'buy', NULL), (1, '2026-01-07Z', 'visit', 'direct'),
	(2, '2026-01-05Z', 'buy', NULL), (2, '2026-01-05Z', 'buy', NULL), (2, '2026-01-05Z', 'visit', 'direct'), (3, '2026-01-05Z', 'visit', NULL);
SELECT customer AS c, at::date, event, attribution_credit(at, event = 'buy') OVER w AS last, attribution_credit(at, event = 'buy', 'first_touch') OVER w AS first,
	round((attribution_credit(at, event = 'buy', 'linear') OVER w)::numeric, 4) AS linear, round((attribution_credit(at, event = 'buy', 'linear', '10 days') OVER w)::numeric, 4) AS linear10,
	round((attribution_credit(at, event = 'buy', 'linear', '1 day') OVER w)::numeric, 4) AS linear1,
	attribution_credit(at, event = 'buy', 'last_non_direct', is_direct => channel = 'direct') OVER w AS indirect,
	round((attribution_credit(at, event = 'buy', 'time_decay', half_life => '1 day') OVER w)::numeric, 4) AS decay,
	round((attribution_credit(at, event = 'buy', 'position', weights => '{1,1,2}') OVER w)::numeric, 4) AS position
FROM touch WINDOW w AS (PARTITION BY customer ORDER BY at) ORDER BY customer, touch.at, event;
-- a model that comes with the rows must not change in a partition
SELECT m, sum(credit) FROM (SELECT m, attribution_credit(at, event = 'buy', m) OVER (PARTITION BY m, customer ORDER BY at) AS credit
	FROM touch, unnest(ARRAY['linear', 'first_touch']) m) c GROUP BY m ORDER BY m;
SELECT attribution_credit(at, event = 'buy', m) OVER (PARTITION BY customer ORDER BY at) FROM touch, unnest(ARRAY['linear', 'first_touch']) m;
-- nothing is a conversion; everything is
SELECT count(a), count(b), count(c) FROM (SELECT attribution_credit(at, NULL) OVER w AS a, attribution_credit(at, true) OVER w AS b,
	attribution_credit(at, true, lookback => '10 days') OVER w AS c FROM touch WINDOW w AS (PARTITION BY customer ORDER BY at)) t;
-- errors
SELECT attribution_credit(at, true) OVER (PARTITION BY customer ORDER BY at DESC) FROM touch;
SELECT attribution_credit(at, true) OVER (PARTITION BY customer) FROM (SELECT * FROM touch ORDER BY at) t;
SELECT attribution_credit(at, true, 'last_non_direct') OVER (ORDER BY at) FROM touch;
SELECT attribution_credit(at, true, 'last_click') OVER (ORDER BY at) FROM touch;
SELECT attribution_credit(at, true, NULL) OVER (ORDER BY at) FROM touch;
SELECT attribution_credit(at, true, weights => NULL) OVER (ORDER BY at) FROM touch;
SELECT attribution_credit(at, true, lookback => '-1 s') OVER (ORDER BY at) FROM touch;
SELECT attribution_credit('infinity', true) OVER ();
SELECT attribution_credit(now(), true);
