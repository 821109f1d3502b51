-- The conditions of window_funnel, sequence_match, sequence_count, sequence_match_events, sequence_next_node and retention:
-- VARIADIC "any", each a boolean, or one array of all of them
SET search_path = cjm, public;

CREATE DOMAIN public.flag AS boolean;
CREATE DOMAIN public.flags AS boolean[];
CREATE TABLE public.seen (customer int, at timestamptz, event text, is_cart public.flag, mode text, met public.flags, met_flags public.flag[]);
INSERT INTO public.seen
	SELECT 1, t, e, e = 'cart', 'strict_order', ARRAY[e = 'view', e = 'cart'], ARRAY[e = 'view', e = 'cart']
	FROM (VALUES (timestamptz '2026-01-01 00:00Z', 'view'), ('2026-01-01 01:00Z', 'cart'), ('2026-01-01 02:00Z', 'help'), ('2026-01-01 03:00Z', 'buy'), (NULL, 'view')) AS v(t, e);

-- A boolean, a domain over it, and an array of either say the same; so do they over a window, where PostgreSQL does not tell that a call says VARIADIC.
SELECT window_funnel('1 day', at, event = 'view', is_cart) AS booleans, window_funnel('1 day', at, VARIADIC ARRAY[event = 'view', is_cart]) AS "array",
       window_funnel('1 day', at, VARIADIC met) AS domain, window_funnel('1 day', at, VARIADIC met_flags) AS "of a domain", window_funnel('1 day', at, met) AS bare
FROM public.seen;
SELECT sequence_match('(?1)(?2)', at, event = 'view', is_cart) AS match, sequence_match('(?1)(?2)', at, VARIADIC met) AS "match, array",
       sequence_count('(?1)', at, event = 'view', is_cart) AS count, sequence_count('(?1)', at, VARIADIC met) AS "count, array",
       sequence_match_events('(?2)', at, event = 'view', is_cart) = sequence_match_events('(?2)', at, VARIADIC met) AS "same events",
       sequence_next_node('forward', 'head', at, event, true, event = 'view', is_cart) AS next, sequence_next_node('forward', 'head', at, event, true, VARIADIC met) AS "next, array",
       retention(event = 'view', is_cart) AS retention, retention(VARIADIC met) AS "retention, array"
FROM public.seen;
SELECT event, window_funnel('1 day', at, event = 'view', is_cart) OVER w AS booleans, window_funnel('1 day', at, VARIADIC met) OVER w AS "array",
       window_funnel('1 day', 'strict_increase', at, event = 'view', NULL, is_cart) OVER w AS mode, sequence_count('(?1)|(?2)', at, VARIADIC met_flags) OVER w AS count,
       sequence_next_node('backward', 'tail', at, event, true, is_cart) OVER w AS before, retention(event = 'view', 'false', is_cart) OVER w AS retention
FROM public.seen WINDOW w AS (ORDER BY at);

-- A literal without a type is read as a boolean is; NULL is false.
SELECT window_funnel('1 day', at, event = 'view', 'true', is_cart) AS "true", window_funnel('1 day', at, event = 'view', ' F ', is_cart) AS "false",
       window_funnel('1 day', at, NULL, is_cart) AS "null", window_funnel('1 day', at, NULL) AS "only null", retention(true, NULL, 'on', 'n') AS retention,
       sequence_next_node('forward', 'head', at, event, NULL, NULL) AS next, sequence_match('(?2)', at, NULL, 'yes') AS match
FROM public.seen;

-- The mode and the window are told from the rest as before, whatever kind of time follows.
SELECT window_funnel('1 day', 'strict_order', at, event = 'view', is_cart, event = 'buy') AS literal, window_funnel('1 day', mode, at, event = 'view', is_cart, event = 'buy') AS "column",
       window_funnel('1 day', 'strict_order', at::timestamp, event = 'view', is_cart, event = 'buy') AS "timestamp", window_funnel('1 day', 'strict_increase', at::date, event = 'view', is_cart, event = 'buy') AS date,
       window_funnel('1 day', '2026-01-01', event = 'view', is_cart, 'true') AS "literal time"
FROM public.seen GROUP BY mode;

-- DISTINCT, ORDER BY and FILTER, for which the parser makes literals text
SELECT window_funnel(DISTINCT '1 day', at, event = 'view', is_cart, NULL, 'true') AS "distinct", window_funnel('1 day', at, event = 'view', is_cart, 'true' ORDER BY 'true', at DESC) AS "order",
       window_funnel('1 day', at, event = 'view', is_cart) FILTER (WHERE event <> 'cart') AS filter,
       retention(DISTINCT event = 'view', 'no', NULL, 'yes') AS retention, sequence_next_node(DISTINCT 'forward', 'head', at, event, true, 'true') AS next
FROM public.seen;

-- A view is the same after a round trip.
CREATE VIEW public.seen_view AS
	SELECT customer, window_funnel('1 day', 'strict_order', at, event = 'view', is_cart, NULL, 'true') AS a, window_funnel('1 day', at, VARIADIC met) AS b, sequence_count('(?1)', at, is_cart) AS c,
	       sequence_next_node('forward', 'head', at, event, true, event = 'view') AS d, retention(DISTINCT is_cart, NULL, 'on') FILTER (WHERE event <> 'help') AS e, sequence_match('(?2)', at, VARIADIC ARRAY[false, is_cart]) AS f
	FROM public.seen GROUP BY customer;
-- Without the table's name, which it has until 15 only.
SELECT replace(pg_get_viewdef('public.seen_view'::regclass, true), 'seen.', '') AS definition \gset
\echo :definition
CREATE TEMP TABLE seen_before AS SELECT * FROM public.seen_view;
DROP VIEW public.seen_view;
SELECT 'CREATE VIEW public.seen_view AS ' || :'definition' \gexec
SELECT replace(pg_get_viewdef('public.seen_view'::regclass, true), 'seen.', '') = :'definition' AS same_definition, (SELECT x IS NOT DISTINCT FROM y FROM seen_before AS x, public.seen_view AS y) AS same_answer;
SELECT * FROM public.seen_view;
DROP VIEW public.seen_view;

-- What is no condition, by the first row that asks
SELECT window_funnel('1 day', at, event = 'view', event) FROM public.seen;
SELECT sequence_match('(?1)', at, 1) FROM public.seen;
SELECT sequence_next_node('forward', 'head', at, event, true, event = 'view', at) FROM public.seen;
SELECT retention(event = 'view', met) FROM public.seen;
SELECT retention(VARIADIC ARRAY[1, 2]) FROM public.seen;
SELECT retention(ARRAY[event]) OVER () FROM public.seen;
SELECT window_funnel('1 day', at, 'view', 'cart') FROM public.seen;
SELECT retention(DISTINCT 'view', is_cart) FROM public.seen;
SELECT retention(NULL::text) FROM public.seen;
SELECT window_funnel('1 day', at, event) FROM public.seen WHERE false;
-- (what is said beside differs between versions)
\set VERBOSITY terse
SELECT window_funnel('1 day', at) FROM public.seen;
SELECT retention() FROM public.seen;
\set VERBOSITY default
SELECT retention(VARIADIC '{t,f}') FROM public.seen;

-- Parameters: a type in sight, as in a comparison, or a cast
PREPARE asked(interval, text) AS SELECT window_funnel($1, at, event = 'view', event = $2, $3::boolean) FROM public.seen;
EXECUTE asked('1 day', 'cart', true);
EXECUTE asked('1 minute', 'cart', true);
PREPARE bare AS SELECT window_funnel('1 day', at, $1) FROM public.seen;

-- As many as a call can have, and more in an array; the first, the 64th and the last are met
SELECT string_agg(CASE WHEN i IN (1, 64, 97) THEN 'event = ' || quote_literal(CASE i WHEN 1 THEN 'view' WHEN 64 THEN 'cart' ELSE 'buy' END) ELSE 'event = ''none''' END, ', ' ORDER BY i) AS "all",
       string_agg('event = ''view''', ', ') AS "same"
FROM generate_series(1, 97) AS i \gset
SELECT sequence_match_events('(?1)(?64)(?97)', at, :all) = ARRAY(SELECT at FROM public.seen WHERE event IN ('view', 'cart', 'buy') ORDER BY at LIMIT 3) AS found, cardinality(retention(:all)) AS retention, window_funnel('1 day', at, :same) AS same,
       sequence_match_events('(?1)(?64)(?97)', at, VARIADIC ARRAY[:all]) = sequence_match_events('(?1)(?64)(?97)', at, :all) AS as_array
FROM public.seen WHERE at IS NOT NULL;
SELECT DISTINCT window_funnel('1 day', at, :same) OVER (ORDER BY at) AS same FROM public.seen WHERE at IS NOT NULL;

-- A call whose other arguments are constants passes over rows that no condition holds for; its answers and errors are those of one that looks at every row.
CREATE TEMP TABLE few AS
	SELECT i % 20 AS customer, to_timestamp(abs(hashint4(i)) % 10) AS at, CASE WHEN i % 20 < 12 THEN abs(hashint4(i + 9)) % (1 + i % 20) ELSE 0 END AS e,
	       interval '7 s' AS span, '(?1)*' AS any, '(?1)(?2)' AS pair, 'forward' AS direction
	FROM generate_series(1, 400) AS i;
SELECT count(*) AS customers, count(DISTINCT constants) > 8 AS several, count(*) FILTER (WHERE constants = columns) AS columns, count(*) FILTER (WHERE constants = arrays) AS arrays
FROM (
	SELECT (window_funnel('7 s', at, e = 1, e = 2, e = 3), window_funnel('7 s', 'strict_order', at, e = 1, e = 2), sequence_match('(?1)*', at, e = 9), sequence_match('(?1)(?2)', at, e = 1, e = 2), sequence_count('(?1)', at, e = 4),
	        sequence_match_events('(?1)(?2)', at, e = 1, e = 2), sequence_next_node('forward', 'first_match', at, e::text, e < 5, e = 2), retention(e = 1, e = 3))::text AS constants,
	       (window_funnel(span, at, e = 1, e = 2, e = 3), window_funnel(span, 'strict_order', at, e = 1, e = 2), sequence_match("any", at, e = 9), sequence_match(pair, at, e = 1, e = 2), sequence_count(substr(pair, 1, 4), at, e = 4),
	        sequence_match_events(pair, at, e = 1, e = 2), sequence_next_node(direction, 'first_match', at, e::text, e < 5, e = 2), retention(e = 1, e = 3))::text AS columns,
	       (window_funnel('7 s', at, VARIADIC ARRAY[e = 1, e = 2, e = 3]), window_funnel('7 s', 'strict_order', at, VARIADIC ARRAY[e = 1, e = 2]), sequence_match('(?1)*', at, VARIADIC ARRAY[e = 9]), sequence_match('(?1)(?2)', at, VARIADIC ARRAY[e = 1, e = 2]), sequence_count('(?1)', at, VARIADIC ARRAY[e = 4]),
	        sequence_match_events('(?1)(?2)', at, VARIADIC ARRAY[e = 1, e = 2]), sequence_next_node('forward', 'first_match', at, e::text, e < 5, VARIADIC ARRAY[e = 2]), retention(VARIADIC ARRAY[e = 1, e = 3]))::text AS arrays
	FROM few GROUP BY customer
) AS c;
SELECT window_funnel('7 s', CASE WHEN i > 2 THEN 'infinity' ELSE now() END, i = 1) FROM generate_series(1, 3) AS i;
SELECT sequence_count('(?1)', CASE WHEN i > 2 THEN '-infinity' ELSE now() END, i = 9) FROM generate_series(1, 3) AS i;
SELECT sequence_next_node('forward', 'first_match', CASE WHEN i > 2 THEN 'infinity' ELSE to_timestamp(i) END, 'x', true, true) FROM generate_series(1, 3) AS i;
SELECT sequence_match('(?1', now(), false);

DROP TABLE public.seen;
DROP DOMAIN public.flag, public.flags;
