-- create_map(..., dimensions => ...): properties of customers, the first or the last that is known.
SET search_path = cjm, public;
SET TimeZone = 'UTC';
\set SHOW_CONTEXT never

CREATE TABLE public.people (id integer PRIMARY KEY, country text);
CREATE TABLE public.seen (who integer, at timestamptz, what text, payload jsonb, plan text, part text);
INSERT INTO people VALUES (1, 'LV'), (2, NULL), (4, 'EE');
INSERT INTO seen VALUES
	(1, '2026-01-01 10:00Z', 'view', '{"device": "mobile"}', NULL, 'a'),
	(1, '2026-01-01 11:00Z', 'cart', '{"device": "desktop"}', 'pro', 'b'),
	(1, '2026-01-01 11:00Z', 'pay', '{"device": "Desktop"}', 'free', NULL),
	(2, '2026-01-01 10:00Z', 'view', '{}', '', 'b'),
	(2, NULL, 'view', '{"device": "never"}', 'never', 'never'),
	(2, '2026-01-01 09:00Z', '', '{"device": "never"}', 'never', 'never'),
	(3, '2026-01-01 10:00Z', 'view', NULL, NULL, NULL),
	(4, '2026-01-01 10:00Z', 'view', '{"device": "tv"}', 'pro', 'c'),
	(4, '2026-01-02 10:00Z', 'cart', '{"device": "tv"}', 'free', 'c');

SELECT create_map('dim', 'seen', 'who', 'at', 'what', 'view -> cart -> pay', segment => 'plan',
	dimensions => '{"country": "(SELECT p.country FROM people p WHERE p.id = who)", "device": "payload ->> ''device''", "a \"name\", isn''t it": "part"}');
SELECT customer, segment, dimensions FROM dim.journeys ORDER BY 1;
SELECT segment, segment_at, dimensions FROM dim.map;
SELECT m.segment, m.dimensions FROM maps m WHERE map = 'dim'::regnamespace;
SELECT at, dimensions FROM dim.events WHERE customer = 1 ORDER BY at, event;
-- What is the same for all rows of a customer is asked once for each, in the view journeys; what is not, of each row.
SELECT regexp_replace(pg_get_viewdef('dim.journeys'), '\s+', ' ', 'g') ~ 'ARRAY\[\( SELECT p.country FROM people p WHERE \(p.id = e.customer\)\)\] \|\| cjm_internal.map_first_touches\(.*map_part\((e\.)?dimensions, 1\), cjm_internal.map_part\((e\.)?dimensions, 3\)\)' AS once;
-- Of whom no row says anything, what is looked up is known all the same, by its own name.
CREATE TABLE silent AS SELECT c AS who, timestamptz '2026-01-01Z' AS at, 'view' AS what, CASE WHEN c > 1 THEN 'x' END AS part FROM generate_series(1, 2) c;
CREATE TABLE of_silent AS SELECT c AS id, 'country ' || c AS country FROM generate_series(1, 2) c;
SELECT create_map('silent', 'silent', 'who', 'at', 'what', 'view', dimensions => '{"a": "part", "b": "part", "country": "(SELECT s.country FROM of_silent s WHERE s.id = who)"}');
SELECT customer, dimensions FROM silent.journeys ORDER BY customer;
SELECT drop_map('silent');
SELECT create_map('silent', 'silent', 'who', 'at', 'what', 'view', segment => '(SELECT s.country FROM of_silent s WHERE s.id = who)', dimensions => '{"a": "part"}');
SELECT customer, segment, dimensions FROM silent.journeys ORDER BY customer;
SELECT drop_map('silent');
DROP TABLE silent, of_silent;

-- The last; the segment by that name; other dimensions in the place of those.
SELECT create_map('dim', 'seen', 'who', 'at', 'what', 'view -> cart -> pay', segment_at => 'last', replace => true, dimensions => '{"segment": "payload ->> ''device''", "p": "part", "n": "who % 2"}');
SELECT customer, segment, dimensions FROM dim.journeys ORDER BY 1;
SELECT segment, dimensions FROM dim.map;
SELECT create_map('dim', 'seen', 'who', 'at', 'what', 'view -> cart -> pay', replace => true, dimensions => '{}');
SELECT customer, segment, dimensions FROM dim.journeys ORDER BY 1 LIMIT 1;
SELECT segment, dimensions FROM dim.map;
SELECT create_map('dim', 'seen', 'who', 'at', 'what', 'view -> cart -> pay', replace => true, dimensions => '{"country": "(SELECT p.country FROM people p WHERE p.id = who)"}', segment => '(SELECT p.country || who::text FROM people p WHERE p.id = who)');
SELECT customer, segment, dimensions FROM dim.journeys ORDER BY 1;

-- What is asked of a customer: the key in any form, at any depth, and nothing else of the row.
SELECT t.customer, t.expression, cjm_internal.map_of_customer('seen', cjm_internal.map_expression('seen', t.customer, 'customer', 'UTC'), cjm_internal.map_expression('seen', t.expression, 'segment', 'UTC')) AS by_customer
FROM (VALUES ('who', '(SELECT country FROM people WHERE id = who)'), ('who', 'lower((SELECT country FROM people e WHERE e.id = who))'), ('who', '(SELECT max(country) FROM people)'),
	('who', '(SELECT country FROM people WHERE id = (SELECT max(p.id) FROM people p WHERE p.id < who))'),
	('who::text', '(SELECT country FROM people WHERE id::text = who::text)'), ('who::text', '(SELECT country FROM people WHERE id = who)'),
	('coalesce(who, 0)', '(SELECT country FROM people WHERE id = coalesce(seen.who, 0))'),
	('who', 'coalesce(plan, (SELECT country FROM people WHERE id = who))'), ('who', '(SELECT country FROM people WHERE id = who AND country > plan)'),
	('who', '(SELECT country FROM people WHERE id = who AND seen IS NOT NULL)'),
	('who::numeric', '(SELECT country FROM people WHERE id = who::numeric)'), ('who', 'who::text')) t(customer, expression);

-- Nothing in names or expressions becomes anything else.
CREATE FUNCTION public.try_dimensions(dimensions jsonb, segment text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
BEGIN
	PERFORM cjm.create_map('tried', 'public.seen', 'who', 'at', 'what', 'view -> pay', segment => segment, dimensions => dimensions);
	RETURN 'made';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(E'\n', SQLSTATE || ': ' || SQLERRM, nullif(detail, ''), nullif(hint, ''));
END
$$;
SELECT try_dimensions(t.dimensions, t.segment) FROM (VALUES ('["country"]'::jsonb, NULL), ('"plan"', NULL), ('null', NULL), ('{"country": 1}', NULL), ('{"country": null}', NULL), ('{"": "plan"}', NULL), ('{"a\nb": "plan"}', NULL),
	(jsonb_build_object(repeat('n', 64), 'plan'), NULL), ('{"channel": "plan"}', NULL), ('{"segment": "plan"}', 'part'), ('{"country": "land"}', NULL), ('{"country": "plan, part"}', NULL),
	('{"country": "plan FROM seen; DROP TABLE seen"}', NULL), ('{"n": "count(*)"}', NULL), ('{"n": "random()"}', NULL), ('{"n": "generate_series(1, 2)"}', NULL), ('{"n": "row_number() OVER ()"}', NULL),
	('{"n": "(SELECT 1) + (SELECT 2)"}', NULL), ('{"n": "EXISTS (SELECT FROM people)"}', NULL), ('{"n": ""}', NULL), ('{"n": "*"}', NULL), ('{"n": "now()::timestamp"}', NULL),
	((SELECT jsonb_object_agg('d' || i, 'plan') FROM generate_series(1, 65) i), NULL)) t(dimensions, segment);
DROP FUNCTION try_dimensions;
SELECT create_map('"; DROP', 'seen', 'who', 'at', 'what', 'view', dimensions => jsonb_build_object('''; DROP TABLE seen; --', 'plan', '%s$1\', $q$'''; DROP TABLE seen; --'$q$));
SELECT dimensions FROM """; DROP".journeys ORDER BY customer LIMIT 1;
SELECT drop_map('"; DROP');

-- As many as there can be, and more names than PostgreSQL has places for in a row of jsonb.
SELECT create_map('wide', 'seen', 'who', 'at', 'what', 'view', dimensions => (SELECT jsonb_object_agg(repeat('d', i % 7 + 1) || i, format('plan || %L', i)) FROM generate_series(1, 64) i));
SELECT count(*), bool_and(dimensions = (SELECT jsonb_object_agg(repeat('d', i % 7 + 1) || i, CASE customer WHEN 1 THEN 'free' WHEN 2 THEN '' WHEN 4 THEN 'pro' END || i) FROM generate_series(1, 64) i)) AS same,
	bool_and(dimensions::text::jsonb = dimensions) AS sound, bool_and(length(dimensions ->> 'ddd9') > 0) AS found FROM wide.journeys;
SELECT drop_map('wide');

-- An oracle in plain SQL, on rows with many ties.
CREATE TABLE public.tied AS SELECT (hashint4(i) & 1023) % 50 AS who, '2026-01-01Z'::timestamptz + (hashint4(i + 7000) & 7) * interval '1 hour' AS at, 'view'::text AS what,
	(ARRAY['x', 'y', 'yy', '', NULL, 'é'])[1 + (hashint4(i + 1) & 65535) % 6] AS a, (ARRAY[NULL, NULL, NULL, 'q', 'Q'])[1 + (hashint4(i + 9) & 65535) % 5] AS b, NULLIF((hashint4(i + 3) & 65535) % 4, 0) AS c FROM generate_series(1, 1000) i;
SELECT create_map('tied_first', 'tied', 'who', 'at', 'what', 'view', segment => 'a', dimensions => '{"b": "b", "c": "c"}');
SELECT create_map('tied_last', 'tied', 'who', 'at', 'what', 'view', segment => 'a', dimensions => '{"b": "b", "c": "c"}', segment_at => 'last');
WITH oracle AS (
	SELECT who, (array_agg(a ORDER BY at, a COLLATE "C") FILTER (WHERE a IS NOT NULL))[1] AS a1, (array_agg(b ORDER BY at, b COLLATE "C") FILTER (WHERE b IS NOT NULL))[1] AS b1, (array_agg(c::text ORDER BY at, c::text COLLATE "C") FILTER (WHERE c IS NOT NULL))[1] AS c1,
		(array_agg(a ORDER BY at DESC, a COLLATE "C") FILTER (WHERE a IS NOT NULL))[1] AS a2, (array_agg(b ORDER BY at DESC, b COLLATE "C") FILTER (WHERE b IS NOT NULL))[1] AS b2, (array_agg(c::text ORDER BY at DESC, c::text COLLATE "C") FILTER (WHERE c IS NOT NULL))[1] AS c2
	FROM tied GROUP BY who)
SELECT count(*) AS customers, count(*) FILTER (WHERE f.segment IS NOT DISTINCT FROM a1 AND f.dimensions = jsonb_build_object('segment', a1, 'b', b1, 'c', c1)) AS first_same,
	count(*) FILTER (WHERE l.segment IS NOT DISTINCT FROM a2 AND l.dimensions = jsonb_build_object('segment', a2, 'b', b2, 'c', c2)) AS last_same
FROM oracle FULL JOIN tied_first.journeys f ON f.customer = who FULL JOIN tied_last.journeys l ON l.customer = f.customer;

-- Any order of the rows is the same, values of all lengths take each other's place, and kept values are the same as those of the rows.
CREATE TABLE public.long AS SELECT (hashint4(i) & 1023) % 20 AS who, '2026-01-01Z'::timestamptz + (hashint4(i + 7000) & 63) * interval '1 hour' AS at,
	repeat(chr(97 + (hashint4(i + 1) & 15)), (hashint4(i + 2) & 255) * CASE WHEN i % 100 = 0 THEN 15 ELSE 1 END) AS a, nullif(repeat('b', hashint4(i + 3) & 3), '') AS b, nullif(hashint4(i + 4) & 3, 0)::text AS c FROM generate_series(1, 3000) i;
SELECT count(*) AS customers, bool_and(orders = 1) AS same FROM (
	SELECT who, count(DISTINCT (f, l)) AS orders FROM (
		SELECT who, seed, cjm_internal.map_first_touches(at, a, b, c ORDER BY hashtextextended(a || at::text, seed)) AS f, cjm_internal.map_last_touches(at, a, b, c ORDER BY hashtextextended(a || at::text, seed)) AS l
		FROM long, generate_series(1, 20) seed GROUP BY who, seed) o GROUP BY who) s;
SELECT count(*) AS customers, count(*) FILTER (WHERE f[1] = f1 AND f[2] = f2 AND f[3] = f3) AS first, count(*) FILTER (WHERE l[1] = l1) AS last, count(*) FILTER (WHERE kf = f) AS kept_first, count(*) FILTER (WHERE kl = l) AS kept_last FROM (
	SELECT who, cjm_internal.map_first_touches(at, a, b, c) AS f, cjm_internal.map_last_touches(at, a, b, c) AS l,
		cjm_internal.kept_values(cjm_internal.kept_deciders_agg(at, ARRAY[a, b, c]), NULL, '{f,f,f}', false) AS kf, cjm_internal.kept_values(cjm_internal.kept_deciders_agg(at, ARRAY[a, b, c]), NULL, '{f,f,f}', true) AS kl,
		(array_agg(a ORDER BY at, a COLLATE "C") FILTER (WHERE a IS NOT NULL))[1] AS f1, (array_agg(b ORDER BY at, b COLLATE "C") FILTER (WHERE b IS NOT NULL))[1] AS f2, (array_agg(c ORDER BY at, c COLLATE "C") FILTER (WHERE c IS NOT NULL))[1] AS f3,
		(array_agg(a ORDER BY at DESC, a COLLATE "C") FILTER (WHERE a IS NOT NULL))[1] AS l1
	FROM long GROUP BY who) o;
SELECT cjm_internal.kept_deciders_agg(at, ARRAY[repeat('x', 4094)]) FROM long;
DROP TABLE long;

-- The functions behind it.
SELECT cjm_internal.map_dimensions(NULL, '{a}') AS none, cjm_internal.map_dimensions('{b,a}', '{1}') AS short, cjm_internal.map_dimensions('{a}', '{1,2}') AS long, cjm_internal.map_dimensions('{bb,a}', NULL) AS nothing, cjm_internal.map_dimensions('{}', NULL) AS empty;
SELECT cjm_internal.map_dimensions('{a,NULL}', '{1}');
SELECT cjm_internal.map_dimensions('{a,b,a}', '{1}');
SELECT cjm_internal.map_part('{a,b}', 2) AS b, cjm_internal.map_part('{a,b}', 3) AS beyond, cjm_internal.map_part(ARRAY[what, plan], 2) AS plan FROM seen WHERE who = 1 ORDER BY plan;
SELECT cjm_internal.map_first_touches(at, 1, 2) FROM seen;
SELECT cjm_internal.map_first_touches(at, VARIADIC ARRAY[plan]) FROM seen;
SELECT cjm_internal.map_first_touches(at, plan, part), cjm_internal.map_last_touches(at, plan, part) FROM seen;
SELECT cjm_internal.map_first_touches('infinity', plan, part) FROM seen;
SELECT cjm_internal.kept_values('{2026-01-01T00:00Z "1:x", 2026-01-01T00:00Z "2:", 2026-01-02T00:00Z "1:a", 2026-01-02T00:00Z "1:b", 2026-01-02T00:00Z "3:", 2026-01-02T00:00Z x, 2026-01-02T00:00Z "0:x", 2026-01-02T00:00Z "100:x"}', NULL, '{f,NULL}', v) FROM (VALUES (false), (true)) l(v);
SELECT cjm_internal.kept_values(NULL, NULL, '{t,f}', false) AS none, cjm_internal.kept_values('{}', '{}', '{}', false) AS empty;
SELECT cjm_internal.kept_values(NULL, NULL, array_fill(false, ARRAY[100]), false);
SELECT cjm_internal.kept_values('{}', '{}', NULL, false) AS whose, cjm_internal.kept_values('{}', '{}', '{t}', NULL) AS which;
SELECT cjm_internal.kept_deciders_agg('2026-01-01Z', array_fill('a'::text, ARRAY[100]));
SELECT cjm_internal.kept_whole('{}', '{}', array_fill('a'::text, ARRAY[100]));

-- The channels tell a dimension that is the channel, the smallest of a time before others; an empty value of a row is no channel.
SELECT v AS last, cjm_internal.kept_values(d, '{2026-01-01T00:00Z view, 2026-01-02T00:00Z cart@mail, 2026-01-02T00:00Z pay@ads, 2026-01-03T00:00Z pay@tv, 2026-01-03T00:00Z view@web}', '{f,t,t}', v)
FROM (VALUES (false), (true)) l(v), (VALUES (NULL::journey), ('{2026-01-01T00:00Z "1:x", 2026-01-02T00:00Z "2:", 2026-01-03T00:00Z "3:"}')) e(d) ORDER BY 1, d IS NULL;

-- What the journey and the values tell is not stored, and comes back as it was.
CREATE TABLE public.rows_of AS SELECT i % 211 AS who, '2026-01-01Z'::timestamptz + (hashint4(i + 7000) & 31) * interval '1 hour' AS at, CASE WHEN i % 211 % 10 <> 4 THEN (ARRAY['ads', 'mail', '', NULL])[1 + (hashint4(i + 1) & 3)] ELSE '' END AS channel,
	CASE WHEN i % 211 % 3 = 0 THEN 'alike' ELSE nullif((hashint4(i + 2) & 7)::text, '0') END AS a, CASE i % 211 % 5 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN 'é' ELSE nullif(left('xy', (hashint4(i + 3) & 3) - 1), '') END AS b
	FROM generate_series(1, 3000) i WHERE (hashint4(i) & 3) > 0 OR i % 211 = 7;
SELECT count(*) AS customers, count(*) FILTER (WHERE brief IS NULL) AS nothing_left, count(*) FILTER (WHERE brief <> d) AS less, count(*) FILTER (WHERE brief = d) AS all_of_it,
	count(*) FILTER (WHERE cjm_internal.kept_whole(brief, j, v)::text IS DISTINCT FROM d::text) AS not_as_it_was,
	count(*) FILTER (WHERE cjm_internal.kept_values(dc, j, '{f,t,f}', false) IS DISTINCT FROM f) AS first_not, count(*) FILTER (WHERE cjm_internal.kept_values(dc, j, '{f,t,f}', true) IS DISTINCT FROM l) AS last_not,
	count(*) FILTER (WHERE cjm_internal.kept_whole(cjm_internal.kept_brief(dc, j), j, ARRAY[f[1], CASE WHEN f[2] = '' THEN '' END, f[3]])::text IS DISTINCT FROM dc::text) AS channels_not
FROM (SELECT o.*, cjm_internal.kept_brief(d, j) AS brief, cjm_internal.kept_values(d, NULL, '{f,f}', false) AS v FROM (
	SELECT who, journey_agg(at, 'view', nullif(channel, '')) AS j, cjm_internal.kept_deciders_agg(at, ARRAY[a, b]) AS d, cjm_internal.kept_deciders_agg(at, ARRAY[a, CASE WHEN channel = '' THEN '' END, b]) AS dc,
		cjm_internal.map_first_touches(at, a, channel, b) AS f, cjm_internal.map_last_touches(at, a, channel, b) AS l FROM rows_of GROUP BY who) o) r;
SELECT cjm_internal.kept_brief(NULL, '{}') AS none, cjm_internal.kept_brief('{2026-01-01T00:00Z "1:x", 2026-01-01T00:00Z x}', '{2026-01-01T00:00Z view}') AS other,
	cjm_internal.kept_whole(NULL, NULL, '{a}') AS nobody, cjm_internal.kept_whole(NULL, '{2026-01-01T00:00Z view}', '{NULL}') AS nothing, cjm_internal.kept_whole('{2026-01-01T00:00Z "1:x"}', '{2026-01-01T00:00Z view}', NULL) AS as_it_is;
SELECT cjm_internal.kept_whole(NULL, '{2026-01-01T00:00Z view}', ARRAY[repeat('x', 4094)]);

-- Kept journeys have the three sorts, those that the channel tells, that all touchpoints have, and others, whatever comes, goes and changes, and after every refresh as if built anew.
SELECT create_map('sorts', 'rows_of', 'who', 'at', '''view''', 'view', channel => 'channel', segment => 'channel', dimensions => '{"a": "a", "b": "b", "via": "channel"}', keep => true);
SELECT create_map('sorts_rows', 'rows_of', 'who', 'at', '''view''', 'view', channel => 'channel', segment => 'channel', dimensions => '{"a": "a", "b": "b", "via": "channel"}');
SELECT refresh_journeys('sorts');
SELECT count(*) AS customers, (SELECT count(*) FROM sorts.kept_deciders) AS with_deciders, count(segment) AS with_segment, count(*) FILTER (WHERE segment IS DISTINCT FROM dimensions ->> 'segment') AS not_so FROM sorts.kept_journeys;
CREATE FUNCTION public.sorts_differ() RETURNS bigint LANGUAGE sql RETURN (SELECT count(*) FROM ((TABLE sorts.journeys EXCEPT ALL TABLE sorts_rows.journeys) UNION ALL (TABLE sorts_rows.journeys EXCEPT ALL TABLE sorts.journeys)) d);
CREATE FUNCTION public.sorts_change(n integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO rows_of SELECT who + (n % 3 - 1) * 40, at + (n - 3) * interval '7 hours', channel, a, CASE WHEN n % 2 = 0 THEN b ELSE 'b' END FROM rows_of WHERE ((hashint8(extract(epoch FROM at)::bigint) # who * 7919) & 65535) % 13 = n;
	UPDATE rows_of SET a = CASE n % 3 WHEN 0 THEN 'alike' WHEN 1 THEN NULL ELSE a || n END, channel = CASE n % 4 WHEN 0 THEN '' WHEN 1 THEN 'ads' ELSE channel END WHERE ((hashint8(extract(epoch FROM at)::bigint) # who * 7907) & 65535) % 11 = n;
	DELETE FROM rows_of WHERE ((hashint8(extract(epoch FROM at)::bigint) # who * 7901) & 65535) % 10 = n;
	UPDATE rows_of SET b = 'same' WHERE who % 9 = n;
END
$$;
CREATE TABLE public.sorts_seen (n integer, differ bigint, folded bigint, deciders bigint);
DO $$
BEGIN
	FOR round IN 1 .. 8 LOOP
		PERFORM sorts_change(round);
		INSERT INTO sorts_seen SELECT round, sorts_differ();
		PERFORM refresh_journeys('sorts');
		UPDATE sorts_seen s SET folded = sorts_differ(), deciders = (SELECT count(*) FROM sorts.kept_deciders) WHERE s.n = round;
	END LOOP;
END
$$;
SELECT * FROM sorts_seen ORDER BY n;
CREATE TABLE public.sorts_folded AS SELECT customer, segment, dimensions, journey::text, deciders::text FROM sorts.kept_journeys FULL JOIN sorts.kept_deciders USING (customer);
INSERT INTO sorts.kept_marks VALUES (now(), 'anew');
SELECT refresh_journeys('sorts');
SELECT count(*) AS customers, (SELECT count(*) FROM (SELECT customer, segment, dimensions, journey::text, deciders::text FROM sorts.kept_journeys FULL JOIN sorts.kept_deciders USING (customer) EXCEPT ALL TABLE sorts_folded) d) AS not_as_folded FROM sorts.kept_journeys;
DROP FUNCTION sorts_differ, sorts_change;
SELECT drop_map('sorts'), drop_map('sorts_rows');
DROP TABLE sorts_seen, sorts_folded, rows_of;

-- Names and schemas with what format() and regular expressions know, and processes that make dimensions in parallel.
SET client_min_messages = warning;
SELECT count(set_config(name, 'on', false)) AS forced FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
CREATE TABLE public.odd AS SELECT 1 AS who, '2026-01-01Z'::timestamptz AS at, 'view'::text AS what, 'A'::text AS a, 'B'::text AS b;
SELECT create_map('10%s', 'odd', 'who', 'at', 'what', 'view', segment => 'a', dimensions => '{"100%%": "b", "%1$s": "a", "it''s %": "b", "a\\b": "a", "\"q\"": "b", "$1": "a"}', keep => true);
SELECT refresh_journeys('10%s');
INSERT INTO odd VALUES (1, '2026-01-02Z', 'view', 'C', 'D'), (2, '2026-01-02Z', 'view', 'C', 'D');
TABLE "10%s".journeys ORDER BY customer;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
SELECT count(set_config(name, 'off', false)) AS forced FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
SELECT refresh_journeys('10%s');
TABLE "10%s".journeys ORDER BY customer;
SELECT drop_map('10%s');
DROP TABLE odd;
RESET client_min_messages;

-- Kept journeys have them: what is kept stands on the functions behind them, their names, and which of several counts; and what could change unseen is refused.
CREATE FUNCTION public.shown(text) RETURNS text IMMUTABLE STRICT LANGUAGE sql RETURN upper($1);
SELECT create_map('dim_kept', 'seen', 'who', 'at', 'what', 'view -> cart -> pay', segment => 'plan', dimensions => '{"part": "shown(part)", "device": "payload ->> ''device''"}', keep => true);
SELECT refresh_journeys('dim_kept');
SELECT customer, segment, dimensions FROM dim_kept.journeys ORDER BY 1;
DELETE FROM seen WHERE who = 1 AND what = 'view';
UPDATE seen SET part = NULL WHERE who = 4 AND what = 'view';
INSERT INTO seen VALUES (2, '2026-01-01 09:00Z', 'view', '{"device": "first"}', NULL, NULL), (5, '2026-01-01 09:00Z', 'view', '{"device": "new"}', NULL, NULL);
SELECT (SELECT state FROM kept('dim_kept')), customer, segment, dimensions FROM dim_kept.journeys ORDER BY 2;
SELECT refresh_journeys('dim_kept');
SELECT (SELECT state FROM kept('dim_kept')), (SELECT count(*) FROM check_journeys('dim_kept')) AS different, count(*) FROM dim_kept.journeys;
CREATE OR REPLACE FUNCTION public.shown(text) RETURNS text IMMUTABLE STRICT LANGUAGE sql RETURN lower($1);
SELECT state, reason FROM kept('dim_kept');
SELECT customer, dimensions ->> 'part' AS part FROM dim_kept.journeys WHERE customer = 1;
SELECT refresh_journeys('dim_kept'), refresh_journeys('dim_kept');
SELECT create_map('dim_kept', 'seen', 'who', 'at', 'what', 'view -> cart -> pay', segment => 'plan', dimensions => '{"parx": "shown(part)", "device": "payload ->> ''device''"}', replace => true);
SELECT state, (SELECT jsonb_object_keys(dimensions) FROM dim_kept.journeys LIMIT 1) FROM kept('dim_kept');
SELECT create_map('dim_looked', 'seen', 'who', 'at', 'what', 'view -> cart -> pay', dimensions => '{"country": "(SELECT p.country FROM people p WHERE p.id = who)"}', keep => true);
SELECT create_map('dim_now', 'seen', 'who', 'at', 'what', 'view -> cart -> pay', dimensions => '{"a": "part", "old": "at < now()"}', keep => true);
SELECT drop_map('dim_kept');
DROP FUNCTION shown;

SELECT drop_map('dim'), drop_map('tied_first'), drop_map('tied_last'), drop_map('tried');
DROP TABLE people, seen, tied;
