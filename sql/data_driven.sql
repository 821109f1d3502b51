-- markov_attribution, shapley_attribution
SET search_path = cjm, public;
SET TimeZone = 'UTC';

CREATE FUNCTION pg_temp.rounded(credits channel_credit[]) RETURNS TABLE (channel text, removal_effect numeric, conversions numeric, value numeric) LANGUAGE sql AS
	$$ SELECT channel, round(removal_effect::numeric, 9), round(conversions::numeric, 9), round(value::numeric, 9) FROM unnest(credits) $$;

-- Three paths with a conversion each: without A nobody converts, without B one in two
CREATE TABLE public.dd_paths (path text, conversions bigint, value float8, nulls bigint);
INSERT INTO public.dd_paths VALUES ('A>B>A>B>B>A', 1, 10, 0), ('A>B>B>A>A', 1, 20, 0), ('A>A', 1, 60, 0);
CREATE VIEW public.dd AS SELECT string_to_array(path, '>') AS path, conversions, value, nulls FROM public.dd_paths;
SELECT r.* FROM (SELECT markov_attribution(path, conversions, value, nulls) AS m FROM public.dd) AS v, pg_temp.rounded(m) AS r;
SELECT unnest(markov_attribution(path, conversions, value, nulls)) FROM public.dd;
-- Of order 2 the states are pairs: AB, BA, BB, AA.  All have an A; one path in three, AA, has no B.
SELECT r.* FROM (SELECT markov_attribution(path, conversions, value, nulls, 2) AS m FROM public.dd) AS v, pg_temp.rounded(m) AS r;
SELECT r.* FROM (SELECT shapley_attribution(path, conversions, value, nulls) AS m FROM public.dd) AS v, pg_temp.rounded(m) AS r;

-- Null paths. By hand: of 8 walks 6 begin with A, where 1 in 6 converts and 3 in 6 go on to B, where 2 in 5 convert; 3 of 8 in all.
-- Without A 2 in 8 begin with B and 2 in 5 of those convert: 1 - 0.1 / 0.375.  Without B 6 in 8 begin with A and 1 in 6 of those converts: 1 - 0.125 / 0.375.
TRUNCATE public.dd_paths;
INSERT INTO public.dd_paths VALUES ('A', 1, 5, 2), ('A>B', 1, 7, 2), ('B', 1, 9, 1), ('B', NULL, NULL, NULL), ('C', 0, NULL, 0);
SELECT r.* FROM (SELECT markov_attribution(path, conversions, value, nulls) AS m FROM public.dd) AS v, pg_temp.rounded(m) AS r;
SELECT r.* FROM (SELECT markov_attribution(path, conversions, value, nulls, 1, true) AS m FROM public.dd) AS v, pg_temp.rounded(m) AS r;
SELECT r.* FROM (SELECT markov_attribution(path, conversions, value, nulls, 1, false) AS m FROM public.dd) AS v, pg_temp.rounded(m) AS r;
SELECT r.* FROM (SELECT markov_attribution(path, conversions, value, NULL) AS m FROM public.dd) AS v, pg_temp.rounded(m) AS r;
SELECT r.* FROM (SELECT shapley_attribution(path, conversions, value, nulls) AS m FROM public.dd) AS v, pg_temp.rounded(m) AS r;

-- One channel; no conversion at all; conversions without a channel; no path; no row
SELECT r.* FROM (SELECT markov_attribution('{A,A}', 2, 3, 4) AS m) AS v, pg_temp.rounded(m) AS r;
SELECT markov_attribution('{A,B}', 0, 0, 4), shapley_attribution('{A,B}', 0, 0, 4);
SELECT markov_attribution(p, 1, 2, 3), shapley_attribution(p, 1, 2, 3) FROM (VALUES ('{}'::text[]), ('{NULL,NULL}'), ('{NULL,A,NULL,A}')) AS v(p);
SELECT markov_attribution('{}', 2, 0.5, 1);
SELECT markov_attribution('{A}', 0, 0, 0), shapley_attribution('{A}', 0, 0, 0);
SELECT markov_attribution(NULL, 1, 2, 3), shapley_attribution(NULL, 1, 2, 3), markov_attribution('{A}', 1, 2, 3, NULL), markov_attribution('{A}', 1, 2, 3, 1, NULL);
SELECT markov_attribution('{A}'::text[], 1, 2, 3), shapley_attribution('{A}'::text[], 1, 2, 3) FROM generate_series(1, 0);
SELECT cjm_internal.attribution_paths_combine(NULL, NULL);

-- Any label is a channel
SELECT r.* FROM (SELECT markov_attribution(ARRAY['(start)', '(null)', '(conversion)', '>', ' ', '"', '{}', 'NULL', '付费搜索'], 9, 9, 9) AS m) AS v, pg_temp.rounded(m) AS r;
SELECT markov_attribution('{A,""}', 1, 2, 3);
SELECT markov_attribution(ARRAY[repeat('x', 4096), repeat('x', 4097)], 1, 2, 3);

-- What cannot be counted
SELECT markov_attribution('{A}', -1, 2, 3);
SELECT shapley_attribution('{A}', 1, 2, -3);
SELECT markov_attribution('{A}', 0, 2, 3);
SELECT markov_attribution('{A}', 1, 'NaN', 3);
SELECT markov_attribution('{A}', 1, '-Infinity', 3);
SELECT shapley_attribution('{A}', 1, 1e18, 3);
SELECT markov_attribution('{A}', 1, 2, 3, 0);
SELECT markov_attribution('{A}', 1, 2, 3, 3);
SELECT markov_attribution('{A}', 1, 2, 3, o) FROM (VALUES (1), (2)) AS v(o);
SELECT markov_attribution('{A}', 1, 2, 3, 1, n) FROM (VALUES (true), (false)) AS v(n);
SELECT markov_attribution('{A}', 9223372036854775807, 2, 0) FROM generate_series(1, 2);
SELECT markov_attribution('{A,B,A,B}', 9223372036854775807, 2, 0);
SELECT markov_attribution(ARRAY[a::text], 9223372036854775807, 2, 0) FROM generate_series(1, 2) AS a;
SELECT cjm_internal.attribution_paths_combine('\x', NULL), cjm_internal.attribution_paths_combine(NULL, NULL);
SELECT cjm_internal.attribution_paths_combine(NULL, '\x');
SELECT cjm_internal.attribution_paths_combine(NULL, '\x0211');
SELECT cjm_internal.attribution_paths_combine(NULL, '\x0113');
SELECT cjm_internal.attribution_paths_combine(NULL, '\x0111010141');
SELECT cjm_internal.attribution_paths_final('\x01110201410142010200010100');
SELECT cjm_internal.attribution_paths_final('\x0111000000');

-- Values add up exactly, in any order, and may be debts
SELECT count(DISTINCT m::text), (SELECT array_agg(r) FROM pg_temp.rounded(min(m)) AS r) FROM (
	SELECT markov_attribution(ARRAY[chr(65 + i % 3), chr(65 + i % 2)], 1, CASE i % 3 WHEN 0 THEN 1e15 WHEN 1 THEN 0.1 ELSE -1e15 END, 1 ORDER BY hashint4(i * s)) AS m
	FROM generate_series(1, 9) AS i, generate_series(1, 20) AS s GROUP BY s) AS v;
SELECT r.* FROM (SELECT markov_attribution(p, 1, v, 0) AS m FROM (VALUES ('{A,C}'::text[], 10), ('{B,C,D}', 20), ('{B}', -30)) AS v(p, v)) AS v, pg_temp.rounded(m) AS r;
SELECT r.* FROM (SELECT markov_attribution(p, 1, v, 0) AS m FROM (VALUES ('{A,C}'::text[], -10), ('{B,C,D}', -20), ('{B}', 0)) AS v(p, v)) AS v, pg_temp.rounded(m) AS r;
SELECT r.* FROM (SELECT shapley_attribution(p, 1, v, 0) AS m FROM (VALUES ('{A,C}'::text[], 10), ('{B,C,D}', 20), ('{B}', -30)) AS v(p, v)) AS v, pg_temp.rounded(m) AS r;

-- Shapley values by what each channel adds, in all 720 orders of six channels
CREATE TABLE public.dd_random AS
	SELECT i, array_agg(chr(65 + (abs(hashint4(i * 131 + k)) % 6)) ORDER BY k) AS path, abs(hashint4(i)) % 4 AS conversions,
		CASE WHEN abs(hashint4(i)) % 4 > 0 THEN (abs(hashint4(i + 7)) % 1000) / 100.0 ELSE 0 END AS value, abs(hashint4(i + 9)) % 5 AS nulls
	FROM generate_series(1, 60) AS i, generate_series(1, 6) AS k WHERE k <= 1 + abs(hashint4(i + 5)) % 6 GROUP BY i;
WITH RECURSIVE channels AS (SELECT DISTINCT c FROM public.dd_random, unnest(path) AS c),
orders AS (SELECT ARRAY[]::text[] AS so_far UNION ALL SELECT so_far || c FROM orders, channels WHERE c <> ALL (so_far)),
worth AS (SELECT DISTINCT so_far, (SELECT sum(conversions) FROM public.dd_random WHERE path <@ so_far) AS conversions,
		(SELECT sum(value) FROM public.dd_random WHERE path <@ so_far) AS value FROM orders),
adds AS (SELECT after.so_far[cardinality(after.so_far)] AS channel, cardinality(after.so_far) AS place,
		after.conversions - coalesce(before.conversions, 0) AS conversions, after.value - coalesce(before.value, 0) AS value
	FROM worth AS after JOIN worth AS before ON after.so_far <> '{}' AND before.so_far = after.so_far[:cardinality(after.so_far) - 1]),
-- An order of n channels stands for all that begin with it; each beginning of a length is as frequent.
brute AS (SELECT channel, sum(conversions) AS conversions, sum(value) AS value FROM (
	SELECT channel, place, coalesce(sum(conversions), 0) / count(*) / 6 AS conversions, coalesce(sum(value), 0) / count(*) / 6 AS value
	FROM adds GROUP BY channel, place) AS v GROUP BY channel),
ours AS (SELECT c.* FROM (SELECT shapley_attribution(path, conversions, value, nulls) AS s FROM public.dd_random) AS v, unnest(s) AS c)
SELECT channel, round(ours.conversions::numeric, 9) AS conversions, abs(ours.conversions - brute.conversions) < 1e-9 AND abs(ours.value - brute.value) < 1e-9 AS equal,
	(SELECT count(*) FROM orders WHERE cardinality(so_far) = 6) AS orders
FROM ours FULL JOIN brute USING (channel) ORDER BY channel;

-- Journeys: conversions, values and the null paths after them; no channel is on no path; at the time of a conversion is before it
CREATE TABLE public.dd_touches (customer int, at timestamptz, event text, channel text, value float8);
INSERT INTO public.dd_touches
	SELECT c, timestamptz '2026-01-01' + (m || ' min')::interval, e, ch, v FROM (VALUES
	(1, 1, 'view', 'A', 1), (1, 2, 'view', NULL, 1), (1, 3, 'view', 'B', NULL), (1, 4, 'buy', 'C', 100), (1, 5, 'buy', 'A', 50), (1, 6, 'view', 'D', 3),
	(2, 1, 'view', 'B', NULL), (2, 1, 'buy', NULL, NULL),
	(3, 1, 'view', 'A', 7), (3, 2, 'view', 'A', 7), (4, 1, 'view', NULL, NULL), (5, 1, 'buy', 'A', 20), (5, 1, 'buy', 'B', 30), (5, 1, 'view', 'E', 30)) AS v(c, m, e, ch, v);
CREATE VIEW public.dd_journeys AS SELECT customer, journey_agg(at, event, channel, value) AS journey FROM public.dd_touches GROUP BY customer;
CREATE TABLE public.dd_same (path text[], conversions int, value float8, nulls int);
INSERT INTO public.dd_same VALUES ('{A,B}', 1, 100, 0), ('{}', 1, 50, 0), ('{D}', 0, 0, 1), ('{B}', 1, 0, 0), ('{A,A}', 0, 0, 1), ('{}', 0, 0, 1), ('{E}', 2, 50, 0);
SELECT r.* FROM (SELECT markov_attribution(journey, 'buy') AS m FROM public.dd_journeys) AS v, pg_temp.rounded(m) AS r;
SELECT markov_attribution(journey, 'buy') = (SELECT markov_attribution(path, conversions, value, nulls) FROM public.dd_same) AS order_1,
	markov_attribution(journey, 'buy', 2) = (SELECT markov_attribution(path, conversions, value, nulls, 2) FROM public.dd_same) AS order_2,
	markov_attribution(journey, 'buy', 1, false) = (SELECT markov_attribution(path, conversions, value, nulls, 1, false) FROM public.dd_same) AS no_nulls,
	shapley_attribution(journey, 'buy') = (SELECT shapley_attribution(path, conversions, value, nulls) FROM public.dd_same) AS shapley
FROM public.dd_journeys;
SELECT r.* FROM (SELECT markov_attribution(journey, 'view -> buy') AS m FROM public.dd_journeys) AS v, pg_temp.rounded(m) AS r;
SELECT r.* FROM (SELECT shapley_attribution(journey, 'view -> buy@A') AS m FROM public.dd_journeys) AS v, pg_temp.rounded(m) AS r;
SELECT markov_attribution(journey, 'view', NULL), markov_attribution(journey, NULL), shapley_attribution(NULL, 'view'), markov_attribution(journey, 'nothing') FROM public.dd_journeys;
SELECT markov_attribution('{}'::journey, 'buy'), shapley_attribution('{}'::journey, 'buy');
SELECT markov_attribution('{2026-01-01T00:00Z buy@A, 2026-01-02T00:00Z buy@A=NaN}', 'buy');

-- Nothing is lost, and each model credits as many conversions as there are (to_jsonb loses the names of columns to caches that do not last)
SELECT bool_and(abs(conversions - 5) < 1e-9 AND abs(value - 200) < 1e-9) AS kept FROM (
	SELECT sum(c.conversions) AS conversions, sum(c.value) AS value FROM (
		SELECT unnest(ARRAY['1', '2', '3', '4']) AS model, unnest(ARRAY[row(markov_attribution(journey, 'buy')), row(markov_attribution(journey, 'buy', 2)),
			row(markov_attribution(journey, 'buy', 1, false)), row(shapley_attribution(journey, 'buy'))]) AS m FROM public.dd_journeys) AS v(model, m),
		json_populate_recordset(NULL::channel_credit, to_json(m)->'f1') AS c GROUP BY model) AS v;

-- As a window aggregate the state is read and goes on
SELECT i, markov_attribution(path, conversions, value, nulls) OVER w = (SELECT markov_attribution(path, conversions, value, nulls) FROM public.dd_random AS b WHERE b.i <= a.i) AS same
FROM public.dd_random AS a WHERE i <= 5 WINDOW w AS (ORDER BY i);

-- Many channels: each follows the next, and the last converts
SELECT count(*), round(min(removal_effect)::numeric, 9), round(max(removal_effect)::numeric, 9), round(sum(conversions)::numeric, 9) FROM (
	SELECT unnest(markov_attribution((SELECT array_agg(k::text ORDER BY k) FROM generate_series(1, 200) AS k), 3, 6, 1)) AS c) AS v, LATERAL (SELECT (c).*) AS c;
SELECT count(*), round(min(conversions)::numeric, 9), round(max(conversions)::numeric, 9), round(sum(value)::numeric, 9) FROM (
	SELECT unnest(shapley_attribution((SELECT array_agg(k::text ORDER BY k) FROM generate_series(1, 200) AS k), 3, 6, 1)) AS c) AS v, LATERAL (SELECT (c).*) AS c;
SELECT markov_attribution(ARRAY[k::text], 1, 0, 0) FROM generate_series(1, 2049) AS k;
SELECT markov_attribution(ARRAY[a::text, b::text], 1, 0, 0, 2) FROM generate_series(1, 50) AS a, generate_series(1, 50) AS b;

-- The state grows with the channels, not with the sets of them: here all of fourteen, half a megabyte if each were kept.
CREATE AGGREGATE pg_temp.state(text[], bigint, float8, bigint) (SFUNC = cjm_internal.shapley_path_step, STYPE = bytea, COMBINEFUNC = cjm_internal.attribution_paths_combine);
SELECT length(pg_temp.state(s.path, 1, 2, 0)) < 10000 AS small, (SELECT count(*) || ' x ' || min(conversions) || ' = ' || max(conversions) FROM unnest(shapley_attribution(s.path, 1, 2, 0)))
FROM (SELECT ARRAY(SELECT 'channel ' || b FROM generate_series(0, 13) b WHERE i >> b & 1 = 1) AS path FROM generate_series(1, 16383) i) s;

DROP VIEW public.dd, public.dd_journeys;
DROP TABLE public.dd_paths, public.dd_random, public.dd_touches, public.dd_same;
-- A crafted state brings no text in that the database could not hold.
SELECT cjm_internal.attribution_paths_final('\x01110101f0010100010000000000000000000000000000000000');
SELECT cjm_internal.attribution_paths_final('\x0111010100010100010000000000000000000000000000000000');
