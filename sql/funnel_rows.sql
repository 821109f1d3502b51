-- funnel_agg straight from rows.
SET search_path = cjm, public;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';

SELECT step, stage, customers, median_time FROM report((
	SELECT funnel_agg(customer, at, event, 'view -> cart -> pay within 1 hour')
	FROM (VALUES (1, '2026-01-01 10:00Z'::timestamptz, 'view'), (1, '2026-01-01 10:20Z', 'cart'), (1, '2026-01-01 10:50Z', 'pay'),
		(2, '2026-01-01 10:00Z', 'view'), (2, '2026-01-01 10:40Z', 'cart'), (2, '2026-01-01 11:30Z', 'pay'),
		(3, '2026-01-01 10:00Z', 'search'), (4, '2026-01-01 10:00Z', 'view')) v (customer, at, event)));

-- Rows of a thousand customers with every kind of trouble: equal times, equal rows, NULLs, many in a moment, few events.
CREATE TABLE public.rows AS
SELECT i, customer, 'c' || customer AS name, lpad(to_hex(customer), 32, '0')::uuid AS id, segment,
	timestamptz '2026-01-01Z' + (CASE WHEN customer % 3 = 0 THEN hashint4(i) & 7 ELSE hashint4(i) & 8191 END) * interval '1.5 seconds' AS at,
	(ARRAY['a', 'b', 'c', 'd', 'x', 'отказ', 'a rather long name of an event', 'a', NULL])[1 + (hashint4(i + 1) & 65535) % 9] AS event,
	(ARRAY['email', 'paid search', NULL, 'a channel with a long name'])[1 + (hashint4(i + 2) & 65535) % 4] AS channel
FROM generate_series(1, 12000) i,
	LATERAL (SELECT CASE WHEN hashint4(i + 3) & 63 <> 0 THEN ((hashint4(i + 4) & hashint4(i + 5) & 65535) % 600 - 100)::bigint END AS customer) c,
	LATERAL (SELECT ((customer & 15) % 5)::int AS segment) s;
INSERT INTO public.rows SELECT i, 77, 'c77', lpad(to_hex(77), 32, '0')::uuid, 3, '2026-01-01Z'::timestamptz + (i % 1500) * interval '1 s', CASE i % 7 WHEN 0 THEN 'a' WHEN 3 THEN 'b' WHEN 5 THEN 'c' ELSE 'x' END, NULL
FROM generate_series(1, 3000) i;
INSERT INTO public.rows SELECT * FROM public.rows WHERE i % 50 = 1;
UPDATE public.rows SET at = NULL WHERE i % 71 = 0;
UPDATE public.rows SET customer = customer::bigint << 20 WHERE customer % 10 = 9;
ANALYZE public.rows;

-- With channels, for both ways of asking.
CREATE TABLE public.funnels (n serial, funnel funnel);
INSERT INTO public.funnels (funnel) VALUES
	('a'), ('nobody'), ('a -> nobody'), ('nobody -> a'), ('a -> b -> c'), ('a -> a -> a -> a'), ('a | b -> b | c -> * -> d within 1 hour'),
	('a -> b -> c within 5 seconds'), ('a -> b -> c -> d within 15 min'), ('a -> b [10 s] -> c [1.5 s]'), ('a -> b [10 min] -> c [20 min] -> d within 30 min'),
	('a -> optional b -> c'), ('a -> optional b -> optional c -> d within 20 min'), ('a -> b -> optional c within 10 min'),
	('a -> b strict'), ('a -> b -> c strict within 30 min'), ('a | c -> optional b -> * strict'),
	('a -> b -> c excluding x'), ('a -> b excluding "отказ" | d within 10 min'), ('a -> b -> c excluding "a rather long name of an event"'),
	('a -> optional b [10 min] -> c excluding x within 1 hour'), ('a -> b -> c excluding *'), ('a -> b strict excluding x'),
	('a -> b -> c unordered'), ('a -> b -> c -> d unordered within 2 min'), ('a | b -> a -> * unordered within 10 s'), ('a -> b -> c unordered excluding x'),
	('* -> * -> *'), ('"a rather long name of an event" -> "отказ"'),
	('a@email -> b -> *@"paid search"'), ('*@email -> *@email -> "отказ" within 1 hour'), ('a -> b excluding *@"a channel with a long name"'),
	('a@email | b@"paid search" -> optional c -> d@email excluding x@email'), ('*@"a channel with a long name" -> a strict');

CREATE TABLE public.journeys AS
SELECT segment, customer, journey_agg(at, event, channel) AS journey FROM public.rows WHERE customer IS NOT NULL GROUP BY segment, customer;
CREATE TABLE public.truth AS SELECT n, segment, funnel_agg(journey, funnel) AS stats FROM public.journeys, public.funnels GROUP BY n, segment;
CREATE TABLE public.truth_all AS SELECT n, rollup(stats) AS stats FROM public.truth GROUP BY n;
SELECT count(*), (SELECT count(*) FROM public.truth t, report(stats) WHERE step = 3 AND customers > 5) AS deep FROM public.truth;

-- Every rule, every kind of customer, in one group and in several; the funnel is a column here.
CREATE FUNCTION public.check_all(how text) RETURNS TABLE (what text, kind text, wrong bigint, compared bigint) LANGUAGE plpgsql AS $$
DECLARE
	customers text;
BEGIN
	FOREACH customers IN ARRAY ARRAY['customer', 'name', 'id'] LOOP
		RETURN QUERY EXECUTE format($q$
			SELECT %L, %L, count(*) FILTER (WHERE cjm_internal.funnel_stats_send(t.stats) IS DISTINCT FROM cjm_internal.funnel_stats_send(r.stats)), count(*)
			FROM (SELECT n, segment, funnel_agg(%I, at, event, channel, funnel) AS stats FROM public.rows, public.funnels GROUP BY n, segment) r
				FULL JOIN public.truth t USING (n, segment)$q$, how, customers || ', by segment', customers);
		RETURN QUERY EXECUTE format($q$
			SELECT %L, %L, count(*) FILTER (WHERE cjm_internal.funnel_stats_send(t.stats) IS DISTINCT FROM cjm_internal.funnel_stats_send(r.stats)), count(*)
			FROM (SELECT n, funnel_agg(%I, at, event, channel, funnel) AS stats FROM public.rows, public.funnels GROUP BY n) r FULL JOIN public.truth_all t USING (n)$q$,
			how, customers, customers);
	END LOOP;
END
$$;
SELECT * FROM public.check_all('stock');


-- Each funnel as a constant, and without channels where it asks for none.
DO $$
DECLARE
	f record;
	customers text;
	answer funnel_stats;
BEGIN
	FOR f IN SELECT funnel, stats FROM public.funnels JOIN public.truth_all USING (n) ORDER BY n LOOP
		FOREACH customers IN ARRAY ARRAY['customer', 'name', 'id'] LOOP
			EXECUTE format('SELECT funnel_agg(%I, at, event, channel, %L) FROM public.rows', customers, f.funnel) INTO answer;
			IF cjm_internal.funnel_stats_send(answer) IS DISTINCT FROM cjm_internal.funnel_stats_send(f.stats) THEN
				RAISE NOTICE 'differs: % by %', f.funnel, customers;
			END IF;
			CONTINUE WHEN f.funnel::text LIKE '%@%';
			EXECUTE format('SELECT funnel_agg(%I, at, event, %L) FROM public.rows', customers, f.funnel) INTO answer;
			IF cjm_internal.funnel_stats_send(answer) IS DISTINCT FROM cjm_internal.funnel_stats_send(f.stats) THEN
				RAISE NOTICE 'differs without a channel: % by %', f.funnel, customers;
			END IF;
		END LOOP;
	END LOOP;
END
$$;

-- Little memory, sorted groups, several groupings at once, any order of rows.
SET work_mem = '64kB';
SELECT * FROM public.check_all('little memory');
SET enable_hashagg = off;
SELECT * FROM public.check_all('sorted groups');
RESET enable_hashagg;
RESET work_mem;
SELECT count(*) FILTER (WHERE cjm_internal.funnel_stats_send(r.stats) IS DISTINCT FROM cjm_internal.funnel_stats_send(coalesce(t.stats, a.stats))) AS wrong, count(*)
FROM (SELECT n, segment, grouping(segment) AS total, funnel_agg(name, at, event, channel, funnel ORDER BY hashint4(i)) AS stats
      FROM public.rows, public.funnels WHERE n IN (5, 12, 15, 24, 30) GROUP BY GROUPING SETS ((n, segment), (n))) r
	LEFT JOIN public.truth t ON total = 0 AND (t.n, t.segment) = (r.n, r.segment) LEFT JOIN public.truth_all a ON total = 1 AND a.n = r.n
WHERE total = 1 OR r.segment IS NOT NULL;

-- Several at a time share a state where they can, and memory in any case.
SELECT funnel_agg(customer, at, event, 'a -> b')::text = funnel_agg(name, at, event, 'a -> b')::text AS same,
       (SELECT customers FROM report(funnel_agg(customer, at, event, 'a -> b')) WHERE step = 2) =
       (SELECT customers FROM report(funnel_agg(customer, at, event, 'a -> b')) WHERE step = 1) AS all_go_on
FROM public.rows;

-- Partition-wise: a customer's rows are in all partitions, and the states go through their bytes.
CREATE TABLE public.parts (LIKE public.rows) PARTITION BY HASH (i);
CREATE TABLE public.parts0 PARTITION OF public.parts FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE public.parts1 PARTITION OF public.parts FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE public.parts2 PARTITION OF public.parts FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO public.parts SELECT * FROM public.rows;
ANALYZE public.parts;
SET enable_partitionwise_aggregate = on;
SET max_parallel_workers_per_gather = 0;
EXPLAIN (COSTS OFF) SELECT funnel_agg(name, at, event, 'a -> b -> c') FROM public.parts;
CREATE FUNCTION public.check_parts(OUT wrong bigint, OUT compared bigint) LANGUAGE plpgsql AS $$
DECLARE
	f record;
	customers text;
	answer funnel_stats;
	per_segment bigint;
BEGIN
	wrong := 0;
	compared := 0;
	FOR f IN SELECT n, funnel, stats FROM public.funnels JOIN public.truth_all USING (n) ORDER BY n LOOP
		FOREACH customers IN ARRAY ARRAY['customer', 'name', 'id'] LOOP
			EXECUTE format('SELECT funnel_agg(%I, at, event, channel, %L) FROM public.parts', customers, f.funnel) INTO answer;
			EXECUTE format('SELECT count(*) FROM (SELECT segment, funnel_agg(%I, at, event, channel, %L) AS stats FROM public.parts GROUP BY segment) r
				FULL JOIN (SELECT * FROM public.truth WHERE n = %s) t USING (segment) WHERE segment IS NOT NULL AND cjm_internal.funnel_stats_send(r.stats) IS DISTINCT FROM cjm_internal.funnel_stats_send(t.stats)',
				customers, f.funnel, f.n) INTO per_segment;
			wrong := wrong + per_segment + (cjm_internal.funnel_stats_send(answer) IS DISTINCT FROM cjm_internal.funnel_stats_send(f.stats))::int;
			compared := compared + 6;
		END LOOP;
	END LOOP;
END
$$;
SELECT * FROM public.check_parts();
SET work_mem = '64kB';
SELECT * FROM public.check_parts();
RESET work_mem;
RESET enable_partitionwise_aggregate;
RESET max_parallel_workers_per_gather;

CREATE TABLE public.few AS SELECT *, row_number() OVER (PARTITION BY segment ORDER BY i, at) AS n FROM public.rows WHERE i <= 300;
-- As a window aggregate, over frames that grow and frames that move.
SELECT bool_and(cjm_internal.funnel_stats_send(running) IS NOT DISTINCT FROM cjm_internal.funnel_stats_send(again)) AS same, count(*) AS rows, count(running) AS answers
FROM (SELECT funnel_agg(customer, at, event, 'a -> b -> c') OVER (ORDER BY i) AS running,
             (SELECT funnel_agg(o.customer, o.at, o.event, 'a -> b -> c') FROM public.rows o WHERE o.i <= r.i) AS again
      FROM public.rows r WHERE i <= 400) t;
SELECT bool_and(cjm_internal.funnel_stats_send(running) IS NOT DISTINCT FROM cjm_internal.funnel_stats_send(again)) AS same, count(*) AS rows, count(running) AS answers
FROM (SELECT funnel_agg(name, at, event, 'a -> b') OVER (PARTITION BY segment ORDER BY n ROWS BETWEEN 30 PRECEDING AND 3 FOLLOWING) AS running,
             (SELECT funnel_agg(o.name, o.at, o.event, 'a -> b') FROM public.few o WHERE o.segment = r.segment AND o.n BETWEEN r.n - 30 AND r.n + 3) AS again
      FROM public.few r) t;

-- What is not there, and what may not be.
SELECT funnel_agg(customer, at, event, 'a') IS NULL AS nobody FROM public.rows WHERE i < 0;
SELECT funnel_agg(c, at, e, f) IS NULL AS no_rows FROM (VALUES (NULL::bigint, '2026-01-01Z'::timestamptz, 'a', 'a'::funnel), (1, NULL, 'a', 'a'), (1, '2026-01-01Z', NULL, 'a'), (1, '2026-01-01Z', 'a', NULL)) v (c, at, e, f);
SELECT customers FROM report((SELECT funnel_agg(c, '2026-01-01Z', 'a', NULL::text, 'a@email -> a') FROM generate_series(1, 3) c));
SELECT funnel_agg(1, 'infinity', 'a', 'a');
SELECT funnel_agg('one'::text, '-infinity', 'x', 'a');
SELECT funnel_agg(1, '2026-01-01Z', '', 'a');
SELECT funnel_agg(1, '2026-01-01Z', repeat('a', 5000), 'a');
SELECT funnel_agg(1, '2026-01-01Z', 'a', ''::text, 'a');
SELECT funnel_agg(1, '2026-01-01Z', 'a', ''::text, 'a@email');
SELECT funnel_agg(1, '2026-01-01Z', 'a', repeat('a', 5000), 'a');
SELECT funnel_agg(1, '2026-01-01Z', 'a', 'a@email');
SELECT funnel_agg(1, '2026-01-01Z', 'a', f) FROM (VALUES ('a -> b'::funnel), ('b -> a')) v (f);
SELECT funnel_agg(i, at, event, f) FROM (SELECT i, at, event, (CASE WHEN i % 2 = 0 THEN 'a -> b' ELSE 'a' END)::funnel AS f FROM public.rows) r;
-- texts are compared as bytes: a collation that has equal texts of different bytes will not do (nor will a server without ICU)
DO $$
BEGIN
	CREATE COLLATION public.same_letters (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
	PERFORM funnel_agg(c COLLATE public.same_letters, '2026-01-01Z', 'a', 'a') FROM (VALUES ('x'), ('X')) v (c);
	RAISE NOTICE 'two customers were one';
EXCEPTION WHEN feature_not_supported THEN
	RAISE NOTICE '%', regexp_replace(SQLERRM, '^(?!nondeterministic).*', 'nondeterministic collations are not supported for customers');
END
$$;
DO $$
BEGIN
	CREATE COLLATION public.same_letters (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
	EXECUTE 'CREATE TEMPORARY TABLE strange (c text COLLATE public.same_letters, e text)';
	INSERT INTO strange VALUES ('x', 'a'), ('X', 'a');
	PERFORM funnel_agg(1, '2026-01-01Z', c, 'a') OVER () FROM strange;
	PERFORM funnel_agg(c, '2026-01-01Z', e, 'a') OVER () FROM strange;
	RAISE NOTICE 'two customers were one';
EXCEPTION WHEN feature_not_supported THEN
	RAISE NOTICE '%', regexp_replace(SQLERRM, '^(?!nondeterministic).*', 'nondeterministic collations are not supported for customers');
END
$$;
SELECT customers FROM report((SELECT funnel_agg(c COLLATE "C", '2026-01-01Z', 'a', 'a') FROM (VALUES ('x'), ('X')) v (c)));
-- smaller integers and other strings; the empty name is a customer as well
SELECT funnel_agg(1::smallint, '2026-01-01Z', 'a', 'a')::text = funnel_agg(1::bigint, '2026-01-01Z', 'a', 'a')::text AS smallint,
       funnel_agg('x'::varchar, '2026-01-01Z', 'a', 'a')::text = funnel_agg(''::text, '2026-01-01Z', 'a', 'a')::text AS varchar;

-- What a customer may be: a type, a domain over it, or what PostgreSQL makes one by itself, as it does for the same in words.
-- Of few rows: a cast by a function of SQL is made for each, by a worker if every query has one; and of fewer where it is planned
-- anew each time, since caches do not last.
CREATE DOMAIN public.number AS int4;
CREATE DOMAIN public.own_number AS public.number;
CREATE DOMAIN public.blanks AS char(12);
CREATE TYPE public.account AS (number int);
CREATE FUNCTION public.account_number(public.account) RETURNS bigint LANGUAGE sql IMMUTABLE RETURN nullif($1.number, 13);
CREATE CAST (public.account AS bigint) WITH FUNCTION public.account_number(public.account) AS IMPLICIT;
CREATE TYPE public.code AS (code text);
CREATE FUNCTION public.code_text(public.code, int, boolean) RETURNS text LANGUAGE sql IMMUTABLE RETURN $1.code || $2 || $3;
CREATE CAST (public.code AS text) WITH FUNCTION public.code_text(public.code, int, boolean) AS IMPLICIT;
CREATE FUNCTION public.check_customers() RETURNS TABLE (type text, counted_as text, same boolean, in_window boolean, others boolean) LANGUAGE plpgsql AS $$
DECLARE
	most integer := CASE current_setting('debug_discard_caches') WHEN '0' THEN 500 ELSE 50 END;
	whose text;
BEGIN
	FOR type, whose, counted_as IN VALUES ('smallint', '(customer % 1000)', 'bigint'), ('int4', '(customer % 1000)', 'bigint'), ('public.number', '(customer % 1000)', 'bigint'),
		('public.own_number', '(customer % 1000)', 'bigint'), ('varchar', 'name', 'text'), ('varchar(3)', 'name', 'text'), ('name', 'name', 'text'), ('char(12)', 'name', 'text'), ('char(2)', 'name', 'text'),
		('public.blanks', 'name', 'text'), ('"char"', 'name', 'text'), ('public.account', 'row(customer % 1000)', 'bigint'), ('public.code', 'row(name)', 'text')
	LOOP
		EXECUTE format('SELECT cjm_internal.funnel_stats_send(funnel_agg(%1$s::%2$s, at, event, channel, $f$a@email -> b$f$)) = cjm_internal.funnel_stats_send(funnel_agg(%1$s::%2$s::%3$s, at, event, channel, $f$a@email -> b$f$)),
				funnel_agg_by(%1$s::%2$s, at, event, channel, $f$first$f$, $f$a -> b$f$)::text = funnel_agg_by(%1$s::%2$s::%3$s, at, event, channel, $f$first$f$, $f$a -> b$f$)::text
					AND funnel_agg_by_entry(%1$s::%2$s, at, event, $f$a -> b$f$, $f$day$f$, $f$UTC$f$)::text = funnel_agg_by_entry(%1$s::%2$s::%3$s, at, event, $f$a -> b$f$, $f$day$f$, $f$UTC$f$)::text
			FROM public.rows WHERE i < $1', whose, type, counted_as) INTO same, others USING most;
		EXECUTE format('SELECT bool_and(a::text = b::text) FROM (SELECT funnel_agg(%1$s::%2$s, at, event, $f$a -> b$f$) OVER w, funnel_agg(%1$s::%2$s::%3$s, at, event, $f$a -> b$f$) OVER w
			FROM public.rows WHERE i < $1 WINDOW w AS (ORDER BY i)) t (a, b)', whose, type, counted_as) INTO in_window USING most * 2 / 5;
		RETURN NEXT;
	END LOOP;
END
$$;
SELECT * FROM public.check_customers();
SELECT funnel_agg(customer::numeric, at, event, 'a') FROM public.rows;
SELECT funnel_agg_by('interest'::aida, at, event, event, 'first', 'a') FROM public.rows;
SELECT funnel_agg(ARRAY[1], at, event, 'a') FROM public.rows;
SELECT funnel_agg(at, at, event, 'a') OVER () FROM public.rows;
-- the first row tells
SELECT funnel_agg(customer::oid, at, event, 'a') IS NULL AS no_rows FROM public.rows WHERE i < 0;

-- Customers at the ends of what a number can be, and names that differ in their last byte or in their length.
SELECT customers, overall_rate FROM report((SELECT funnel_agg(c, '2026-01-01Z'::timestamptz + n * interval '1 s', e, 'a -> b')
	FROM (VALUES (-9223372036854775808), (-1), (0), (1), (9223372036854775807), (4294967296), (-4294967296)) c (c), (VALUES (1, 'a'), (2, 'b')) e (n, e))) WHERE step = 2;
SELECT customers, overall_rate FROM report((SELECT funnel_agg(c, '2026-01-01Z'::timestamptz + n * interval '1 s', e, 'a -> b')
	FROM (SELECT left(repeat('customer ', 10000), l) || x FROM generate_series(0, 90000, 9000) l, (VALUES (''), ('1'), ('2'), ('12')) x (x)) c (c), (VALUES (1, 'a'), (2, 'b')) e (n, e))) WHERE step = 2;
-- Labels that only differ in the middle; longer than the cache of labels compares at once
SELECT customers FROM report((SELECT funnel_agg(l, '2026-01-01Z', 'eight by' || l || 'te ends!', '"eight by5te ends!" | "eight by17te ends!"') FROM generate_series(1, 1000) l)) WHERE step = 1;

-- Five uuids of the same hash (on little-endian machines) are five customers, whatever the order of their rows.
SELECT step, customers FROM report((SELECT funnel_agg(id, '2026-01-01Z'::timestamptz + n * interval '1 s', e, 'a -> b -> c' ORDER BY hashint4(n + length(e)), id)
	FROM (VALUES (1, '88776655-4433-2211-00ff-eeddccbbaa99'::uuid), (2, '89786756-4533-2211-1d44-acb5a4719209'::uuid), (3, '8a796857-4633-2211-97d0-8777011eae54'::uuid), (4, '8b7a6958-4733-2211-4148-003bc22fe3d4'::uuid), (5, '8c7b6a59-4833-2211-df86-1a80a786a093'::uuid)) c (k, id),
		(VALUES (1, 'a'), (2, 'b'), (3, 'c')) e (n, e) WHERE n <> k));

-- Broken down by the channel, or the event, of a touchpoint of the winning walk, as the times of the walk tell it.
CREATE TABLE public.asked (n int, funnel funnel, stages text[], unordered boolean);
INSERT INTO public.asked VALUES
	(1, 'a -> b -> c within 15 min', '{a,b,c}'), (2, 'a | b -> b | c -> * -> d within 1 hour', '{a b,b c,*,d}'), (3, 'a -> optional b -> optional c -> d within 20 min', '{a,b,c,d}'),
	(4, 'a -> b -> c excluding x', '{a,b,c}'), (5, 'a -> b -> c unordered within 2 min', '{*,*,*}'), (6, 'a -> b strict', '{a,b}'), (7, 'nobody -> a', '{nobody,a}');
-- what the walk's touchpoint at a position may have been, for each customer, or nothing; in FROM, a part of its query
CREATE FUNCTION public.property_at(f public.asked, j journey, pos text, of text) RETURNS SETOF text LANGUAGE sql STABLE AS $$
	SELECT min(CASE of WHEN 'channel' THEN t.channel ELSE t.event END COLLATE "C")
	FROM (SELECT CASE pos WHEN 'first' THEN 1 WHEN 'last' THEN funnel_step(j, f.funnel) ELSE pos::int END AS step, funnel_times(j, f.funnel) AS times) w, touchpoints(j) t
	WHERE t.at = w.times[w.step] AND (f.stages[w.step] = '*' OR t.event = ANY (string_to_array(f.stages[w.step], ' ')))
		AND ((f.funnel::text NOT LIKE '%unordered%') OR t.event IN ('a', 'b', 'c'))
$$;
CREATE FUNCTION public.check_by(customers text, tab text, OUT wrong bigint, OUT groups bigint) LANGUAGE plpgsql AS $$
DECLARE
	q record;
	f public.asked;
	pos text;
	of text;
	bad bigint;
	found bigint;
BEGIN
	wrong := 0;
	groups := 0;
	FOR q IN SELECT a, p, o FROM public.asked a, (VALUES ('first', 'channel'), ('last', 'event'), ('2', 'channel')) v (p, o) ORDER BY n, p LOOP
		f := q.a;
		pos := q.p;
		of := q.o;
		EXECUTE format($q$
			SELECT count(*) FILTER (WHERE cjm_internal.funnel_stats_send(r.stats) IS DISTINCT FROM cjm_internal.funnel_stats_send(t.stats) OR r.property IS DISTINCT FROM t.property), count(*)
			FROM (SELECT row_number() OVER () AS n, g.* FROM unnest((SELECT funnel_agg_by(%I, at, event, channel, %I, %L, %L) FROM public.%I)) g) r
				FULL JOIN (SELECT row_number() OVER (ORDER BY property COLLATE "C") AS n, property, stats FROM
					(SELECT property, funnel_agg(journey, %L) AS stats FROM public.journeys, property_at($1, journey, %L, %L) AS property GROUP BY 1) p) t
				USING (n)$q$, customers, of, pos, f.funnel, tab, f.funnel, pos, of) INTO bad, found USING f;
		IF bad > 0 THEN
			RAISE NOTICE 'differs: % by % of %', f.funnel, of, pos;
		END IF;
		wrong := wrong + bad;
		groups := groups + found;
	END LOOP;
END
$$;
SELECT * FROM public.check_by('customer', 'rows');
SET enable_partitionwise_aggregate = on;
SET work_mem = '64kB';
SELECT * FROM public.check_by('id', 'parts');
RESET enable_partitionwise_aggregate;
RESET work_mem;
-- without channels; in several groups; as a column
SELECT segment, (SELECT string_agg(coalesce(property, '-') || ' ' || customers, ', ' ORDER BY n) FROM unnest(by_event) WITH ORDINALITY g (property, stats, n), report(stats) WHERE step = 2) AS second_step
FROM (SELECT segment, funnel_agg_by(name, at, event, event, '2', 'a -> * within 5 s') AS by_event FROM public.rows GROUP BY segment) s ORDER BY segment;
SELECT funnel_agg_by(customer, at, event, channel, 'first', 'a') IS NULL AS nobody FROM public.rows WHERE i < 0;
SELECT bool_and(cjm_internal.funnel_stats_send(together) = cjm_internal.funnel_stats_send(stats)) AS adds_up FROM (SELECT n, (SELECT rollup(g.stats) FROM unnest(by_channel) g) AS together
	FROM (SELECT n, funnel_agg_by(customer, at, event, channel, channel, 'last', funnel) AS by_channel FROM public.rows, public.funnels GROUP BY n) a) b JOIN public.truth_all USING (n);
SELECT funnel_agg_by(1, '2026-01-01Z', 'a', 'x', 'second', 'a -> b');
SELECT funnel_agg_by(1, '2026-01-01Z', 'a', 'x', '3', 'a -> b');
SELECT funnel_agg_by(1, '2026-01-01Z', 'a', 'x', '0', 'a -> b');
SELECT funnel_agg_by(1, '2026-01-01Z', 'a', 'x', p, 'a -> b') FROM (VALUES ('first'), ('last')) v (p);
SELECT funnel_agg_by(1, '2026-01-01Z', 'a', NULL::text, 'first', NULL::funnel) IS NULL AS no_funnel, funnel_agg_by(1, '2026-01-01Z', 'a', 'x', NULL, 'a') IS NULL AS no_position;


-- Walks that begin within a range, and by the period in which they begin; every rule, every kind of customer.
CREATE TABLE public.ranges (entered tstzrange);
INSERT INTO public.ranges VALUES ('[2026-01-01 00:00:03Z,2026-01-01 00:00:07.5Z]'), ('(2026-01-01 00:00:03Z,2026-01-01 00:00:07.5Z)'), ('[2026-01-01 01:00Z,)'), ('(,2026-01-01 00:20Z)'), ('(,)'), ('empty');
CREATE FUNCTION public.check_entries(customers text, tab text, OUT wrong bigint, OUT compared bigint, OUT wrong_periods bigint, OUT periods bigint) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format($q$
		SELECT count(*) FILTER (WHERE cjm_internal.funnel_stats_send(r.stats) IS DISTINCT FROM cjm_internal.funnel_stats_send(t.stats)), count(*)
		FROM (SELECT n, entered, funnel_agg(%I, at, event, channel, funnel, entered) AS stats FROM public.%I, public.funnels, public.ranges GROUP BY n, entered) r
			FULL JOIN (SELECT n, entered, funnel_agg(journey, funnel, entered) AS stats FROM public.journeys, public.funnels, public.ranges GROUP BY n, entered) t USING (n, entered)$q$,
		customers, tab) INTO wrong, compared;
	EXECUTE format($q$
		SELECT count(*) FILTER (WHERE cjm_internal.funnel_stats_send(r.stats) IS DISTINCT FROM cjm_internal.funnel_stats_send(t.stats)), count(*)
		FROM (SELECT n, zone, g.* FROM (SELECT n, zone, funnel_agg_by_entry(%I, at, event, channel, funnel, 'hour', zone) AS periods
				FROM public.%I, public.funnels, (VALUES ('UTC'), ('Asia/Kolkata')) z (zone) GROUP BY n, zone) a, unnest(periods) g) r
			FULL JOIN (SELECT n, zone, entered, funnel_agg(journey, funnel, entered) AS stats
				FROM public.journeys, public.funnels, (VALUES ('UTC'), ('Asia/Kolkata')) z (zone), entry_buckets(journey, funnel, 'hour', zone) entered GROUP BY n, zone, entered) t
			USING (n, zone, entered)$q$, customers, tab) INTO wrong_periods, periods;
END
$$;
SELECT * FROM public.check_entries('customer', 'rows');
SELECT * FROM public.check_entries('name', 'rows');
SET work_mem = '64kB';
SELECT * FROM public.check_entries('id', 'rows');
RESET work_mem;

-- By both at once: the property as the walk begun in a period has it, by either alone and by the journeys.
CREATE FUNCTION public.check_both(customers text, tab text, OUT wrong bigint, OUT groups bigint, OUT wrong_sums bigint, OUT earliest_wrong bigint, OUT earliest_groups bigint) LANGUAGE plpgsql AS $$
DECLARE
	q record;
	f public.asked;
	pos text;
	numbers bigint[] := '{0,0,0,0,0}';
	found bigint[];
BEGIN
	FOR q IN SELECT a, p FROM public.asked a, (VALUES ('first'), ('2')) v (p) WHERE tab = 'rows' AND n < 6 AND (n % 2 = 1) = (p = 'first') OR n = 3 AND p = 'first' ORDER BY n, p LOOP
		f := q.a;
		pos := q.p;
		EXECUTE format($q$
			WITH groups AS MATERIALIZED (SELECT g.* FROM unnest((SELECT funnel_agg_by(%1$I, at, event, channel, channel, %2$L, %3$L, 'hour', 'Asia/Kolkata') FROM public.%4$I)) WITH ORDINALITY g (property, entered, stats, n)),
				early AS MATERIALIZED (SELECT g.* FROM unnest((SELECT funnel_agg_by(%1$I, at, event, channel, channel, 'earliest', %3$L, 'hour', 'Asia/Kolkata') FROM public.%4$I)) WITH ORDINALITY g (property, entered, stats, n)),
				plain AS (SELECT row_number() OVER (ORDER BY property COLLATE "C", entered) AS n, p.* FROM (
					SELECT property, entered, funnel_agg(journey, %3$L, entered) AS stats FROM public.journeys, entry_buckets(journey, %3$L, 'hour', 'Asia/Kolkata') entered,
						LATERAL (SELECT min(t.channel COLLATE "C") AS property FROM (SELECT CASE %2$L WHEN 'first' THEN 1 WHEN 'last' THEN funnel_step(journey, %3$L, entered) ELSE 2 END AS step, funnel_times(journey, %3$L, entered) AS times) w,
							touchpoints(journey) t WHERE t.at = w.times[w.step] AND (($1).stages[w.step] = '*' OR t.event = ANY (string_to_array(($1).stages[w.step], ' '))) AND (%3$L NOT LIKE '%%unordered%%' OR t.event IN ('a', 'b', 'c'))) x
					GROUP BY 1, 2) p),
				plain_early AS (SELECT row_number() OVER (ORDER BY property COLLATE "C", entered) AS n, p.* FROM (
					SELECT property, entered, funnel_agg(journey, %3$L, entered) AS stats FROM public.journeys, entry_buckets(journey, %3$L, 'hour', 'Asia/Kolkata') entered,
						LATERAL (SELECT (array_agg(t.channel ORDER BY t.at, t.channel COLLATE "C"))[1] AS property FROM touchpoints(journey) t
							WHERE t.at <@ entered AND (($1).stages[1] = '*' AND t.event IN ('a', 'b', 'c') OR t.event = ANY (string_to_array(($1).stages[1], ' ')))) x
					GROUP BY 1, 2) p)
			SELECT ARRAY[(SELECT count(*) FROM groups g FULL JOIN plain p USING (n) WHERE (g.property, g.entered, g.stats::text) IS DISTINCT FROM (p.property, p.entered, p.stats::text)), (SELECT count(*) FROM groups),
				(SELECT count(*) FROM (SELECT entered, rollup(stats)::text AS stats FROM groups GROUP BY 1) g
					FULL JOIN unnest((SELECT funnel_agg_by_entry(%1$I, at, event, %3$L, 'hour', 'Asia/Kolkata') FROM public.%4$I)) e USING (entered) WHERE g.stats IS DISTINCT FROM e.stats::text),
				(SELECT count(*) FROM early g FULL JOIN plain_early p USING (n) WHERE (g.property, g.entered, g.stats::text) IS DISTINCT FROM (p.property, p.entered, p.stats::text)), (SELECT count(*) FROM early)]$q$,
			customers, pos, f.funnel, tab) INTO found USING f;
		IF found[1] + found[3] + found[4] > 0 THEN
			RAISE NOTICE 'differs: % at %: %', f.funnel, pos, found;
		END IF;
		numbers := ARRAY(SELECT a + b FROM unnest(numbers, found) WITH ORDINALITY u (a, b, n) ORDER BY n);
	END LOOP;
	wrong := numbers[1];
	groups := numbers[2];
	wrong_sums := numbers[3];
	earliest_wrong := numbers[4];
	earliest_groups := numbers[5];
END
$$;
SELECT * FROM public.check_both('customer', 'rows');
SET enable_partitionwise_aggregate = on;
SET work_mem = '64kB';
SELECT * FROM public.check_both('id', 'parts');
RESET enable_partitionwise_aggregate;
RESET work_mem;
-- The winning walk begins as late as it can, and who is in an experiment is in it from the first time on.
SELECT p AS position, (SELECT string_agg(coalesce(property, '-') || ' ' || customers, ', ') FROM unnest(by) g, report(g.stats) WHERE step = 2) AS second_step
FROM (VALUES ('first'), ('earliest'), ('last')) v (p), LATERAL (SELECT funnel_agg_by(1, '2026-01-01Z'::timestamptz + n * interval '1 min', e, variant, p, 'see -> buy within 1 day') AS by
	FROM (VALUES (1, 'see', 'A'), (2, 'see', 'B'), (3, 'buy', 'C')) t (n, e, variant)) a;
-- without channels; nobody; NULLs; errors
SELECT property, g.entered, step, customers FROM unnest((SELECT funnel_agg_by(c, '2026-01-01 22:00Z'::timestamptz + c * interval '1 day', e, e || c, 'last', 'a -> b', 'week', 'Europe/Riga') FROM (VALUES (1, 'a'), (1, 'b'), (7, 'a'), (8, 'c')) v (c, e))) g, report(g.stats) WHERE step = 1;
SELECT funnel_agg_by(1, '2026-01-01Z', 'x', 'x', 'first', 'a', 'day', 'UTC') AS nobody, funnel_agg_by(NULL::bigint, '2026-01-01Z', 'a', 'x', 'first', 'a', 'day', 'UTC') IS NULL AS no_rows,
       funnel_agg_by(1, '2026-01-01Z', 'a', 'x', 'first', 'a', 'day', NULL) IS NULL AS no_zone, funnel_agg_by(1, '2026-01-01Z', 'a', 'x', NULL, 'a', 'day', 'UTC') IS NULL AS no_position;
SELECT funnel_agg_by(1, '2026-01-01Z', 'a', 'x', 'first', 'a', 'fortnight', 'UTC');
SELECT funnel_agg_by(1, '2026-01-01Z', 'a', 'x', 'first', 'a', 'day', 'Utopia');
SELECT funnel_agg_by(1, '2026-01-01Z', 'a', 'x', p, 'a', 'day', 'UTC') FROM (VALUES ('first'), ('earliest')) v (p);
SELECT funnel_agg_by(1, '2026-01-01Z', 'a', 'x', 'first', 'a', b, 'UTC') FROM (VALUES ('day'), ('week')) v (b);

-- Constants, without channels, partition-wise; the periods are in order.
SET enable_partitionwise_aggregate = on;
SELECT cjm_internal.funnel_stats_send(funnel_agg(name, at, event, 'a -> b -> c within 1 hour', tstzrange('2026-01-01 01:00Z', '2026-01-01 02:00Z'))) = (SELECT cjm_internal.funnel_stats_send(funnel_agg(journey, 'a -> b -> c within 1 hour', tstzrange('2026-01-01 01:00Z', '2026-01-01 02:00Z'))) FROM public.journeys) AS same
FROM public.parts;
SELECT p.entered, customers FROM unnest((SELECT funnel_agg_by_entry(id, at, event, 'a -> b -> c within 1 hour', 'hour', 'UTC') FROM public.parts)) p, report(p.stats) WHERE step = 1;
RESET enable_partitionwise_aggregate;
-- a day of 25 hours
SELECT p.entered, customers FROM unnest((SELECT funnel_agg_by_entry(c, '2026-10-24 12:00Z'::timestamptz + c * interval '30 min', 'a', 'a', 'day', 'Europe/Riga') FROM generate_series(1, 120) c)) p, report(p.stats);
-- nobody begins a walk; there are no rows; NULLs; errors
SELECT funnel_agg_by_entry(1, '2026-01-01Z', 'b', 'a -> b', 'day', 'UTC') AS nobody, funnel_agg_by_entry(NULL::bigint, '2026-01-01Z', 'a', 'a', 'day', 'UTC') IS NULL AS no_rows,
       funnel_agg_by_entry(1, '2026-01-01Z', 'a', 'a', 'day', NULL) IS NULL AS no_zone, funnel_agg(1, '2026-01-01Z', 'a', 'a', NULL::tstzrange) IS NULL AS no_range;
SELECT funnel_agg_by_entry(1, '2026-01-01Z', 'b', 'a', 'fortnight', 'UTC');
SELECT funnel_agg_by_entry(1, '2026-01-01Z', 'b', 'a', 'day', 'Utopia');
SELECT funnel_agg_by_entry(1, '2026-01-01Z', 'a', 'a', b, 'UTC') FROM (VALUES ('day'), ('week')) v (b);
SELECT funnel_agg_by_entry(1, '2026-01-01Z', 'a', 'a', 'day', z) FROM (VALUES ('UTC'), ('Asia/Kolkata')) v (z);
SELECT funnel_agg(1, '2026-01-01Z', 'a', 'a', r) FROM (VALUES ('[2026-01-01Z,2026-01-02Z)'::tstzrange), ('[2026-01-01Z,2026-01-02Z]')) v (r);

-- Aggregates of one funnel share what labels mean to it: an empty property is not taken for none.
SELECT plain IS NOT NULL AS answered, p.property = '' AS is_empty, r.customers
FROM (SELECT funnel_agg(n, at, 'a', 'c' || n, 'a@x | a -> b'::funnel) AS plain, funnel_agg_by(n, at, 'a', 'c' || n, '', 'first', 'a@x | a -> b'::funnel) AS ps
      FROM generate_series(1, 1000) n, (VALUES ('2026-01-01Z'::timestamptz)) v (at) OFFSET 0) s, unnest(ps) p, report(p.stats) r WHERE step = 1;

DROP FUNCTION public.check_all, public.check_parts, public.check_by, public.check_both, public.property_at, public.check_entries;
DROP TABLE public.rows, public.parts, public.few, public.funnels, public.journeys, public.truth, public.truth_all, public.asked, public.ranges;
