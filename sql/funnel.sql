-- The type funnel: grammar, canonical text, bytes, comparison.
SET search_path = cjm, public;

-- What PostgreSQL says of a funnel that it refuses.
CREATE FUNCTION public.refusal(input text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
BEGIN
	RETURN 'accepted: ' || input::cjm.funnel::text;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN format(E'%s %s', SQLSTATE, SQLERRM) ||
	       coalesce(E'\n  detail: ' || nullif(detail, ''), '') || coalesce(E'\n  hint: ' || nullif(hint, ''), '');
END
$$;

-- Canonical text of everything that the grammar has; all of it reads back equal.
CREATE TABLE public.funnels (id integer GENERATED ALWAYS AS IDENTITY, input text, funnel funnel);
INSERT INTO public.funnels (input)
VALUES
	-- the definitions of the manual
	('view -> cart -> checkout -> purchase within 7 days'),
	('awareness: view | search -> consideration: cart | wishlist -> purchase: "Order paid" within 14 days'),
	('signup -> optional tour -> invite [2 days] -> pay within 30 days excluding refund | cancel'),
	('lead -> demo -> deal strict'),
	('a -> b -> c unordered within 1 hour'),
	-- one stage, no space, all the space
	('a'),
	('a->b|c->n: d[1d]->optional e@f strict within 1h excluding x|y@z'),
	(E'\n a \t->\n  b | c\f->\x0b n : d [ 1 d ] -> optional e @ f strict within 1 h excluding x | y @ z \r\n'),
	-- clauses in any order and case
	('a -> b excluding x | y within 1 day strict'),
	('a -> OPTIONAL b WITHIN 2 Days Strict eXcLuDiNg x'),
	('a -> b excluding * | *@spam unordered'),
	-- any event, channels
	('* -> a@email -> *@email -> *@"paid search" | b'),
	('view@email -> cart@push'),
	-- names: those equal to the default are not printed
	('view: view | search -> cart: basket'),
	('view: view@email -> "*": * -> "*@ads": *@ads -> "*@""x y""": *@"x y" -> "*": "*" -> star: *'),
	('s: a -> s: a -> s: b'),
	-- colons: quoted ones are like any character, and a name that is told from its event by more than one needs no space
	('"user:login" -> "https://shop.example/?a=1": "x:y"@"z:1" -> "a:" -> ":b" -> "c: d"'),
	('"n":d -> m:"e" -> o:*@f -> p :g -> q: //h -> r: i'),
	-- labels
	('просмотр -> "в корзину" -> оплата within 30 min'),
	('"skatīt →" -> "→" -> ātrais_grozs'),
	('"no' || chr(160) || 'break" -> "' || chr(8203) || '": x@"' || chr(65279) || '" -> خرید‌ها -> 👩‍💻'),
	('👀 -> 🛒 | "🛒 🛒" -> 💳@📧'),
	('/shop/item.html -> $price#1 -> 42 -> a- -> -b -> c-d -> - -> "->" -> "-->"'),
	('"say ""hi""" -> """" -> "  " -> "a' || E'\n' || 'b"'),
	('"within" -> "Strict": a -> x@"UNORDERED" -> "optional" | "excluding" -> withing -> stricter'),
	('"plain" -> "n": "a"@"c"'),
	-- alternatives and exclusions, each once
	('a | b | a | a@x | a@x | * | "b" -> b excluding x | x@y | x | * | *@y | *'),
	-- durations
	('a -> b [1w] -> b [1 week] -> b [2 WEEKS] -> b [1d] -> b [1 day] -> b [2 days] -> b [1h] -> b [1 hr] -> b [2hrs] -> b [1 hour] -> b [2 hours]'),
	('a -> b [1min] -> b [2mins] -> b [1 minute] -> b [2 minutes] -> b [1s] -> b [1 sec] -> b [2secs] -> b [1 second] -> b [2 seconds]'),
	('a -> b [1ms] -> b [1msec] -> b [2msecs] -> b [1 millisecond] -> b [2 milliseconds] -> b [1us] -> b [1usec] -> b [2usecs] -> b [1 microsecond] -> b [2 microseconds]'),
	('a -> b [24h] -> b [1440 min] -> b [86400 s] -> b [86400001 ms] -> b [86400000001 us] -> b [60min] -> b [60 s] -> b [1000 ms] -> b [1000 us]'),
	('a -> b [1 day 12 hours] -> b [1d12h30min] -> b [1h 1h] -> b [1 week 1 us]'),
	('a -> b [1.5 hours] -> b [.5 days] -> b [0.000001 s] -> b [007.50 min] -> b [1.0000000000000000000000000000 d] -> b [0.0001220703125 w]'),
	('a -> b [1 day 0 hours] within 9223372036854775807 us'),
	('a -> b within 106751991 days');

UPDATE public.funnels SET funnel = input::funnel WHERE public.refusal(input) LIKE 'accepted:%';
\pset format unaligned
\pset tuples_only on
SELECT coalesce(funnel::text, public.refusal(input)) FROM public.funnels ORDER BY id;
\pset tuples_only off
SELECT count(*) AS funnels,
       count(*) FILTER (WHERE funnel::text::funnel = funnel) AS read_back,
       count(*) FILTER (WHERE funnel::text::funnel::text = funnel::text) AS same_text
FROM public.funnels WHERE funnel IS NOT NULL;

-- No setting has a say.
SET IntervalStyle = 'sql_standard';
SET DateStyle = 'German';
SET TimeZone = 'Asia/Tokyo';
SELECT 'a -> b [90 min] within 1.5 days'::funnel;
RESET IntervalStyle;
RESET DateStyle;
RESET TimeZone;

-- Limits, at the edge: 64 stages, 1024 events, labels of 4096 bytes.
SELECT f::text = string_agg('e' || i, ' -> ' ORDER BY i) || ' within 1 day' AS stages_64
FROM generate_series(1, 64) AS i,
     (SELECT (string_agg('e' || i, '->' ORDER BY i) || ' within 1d')::funnel AS f FROM generate_series(1, 64) AS i) AS f
GROUP BY f;
SELECT public.refusal(string_agg('e' || i, ' -> ' ORDER BY i)) FROM generate_series(1, 65) AS i;
SELECT public.refusal(string_agg('e' || i, ' -> ' ORDER BY i)) FROM generate_series(1, 1000) AS i;
SELECT length(('a -> ' || string_agg('e' || i, ' | ') || ' excluding e1 | e2 | e2')::funnel::text) AS events_1024
FROM generate_series(1, 1021) AS i;
SELECT public.refusal('a -> ' || string_agg('e' || i, ' | ' ORDER BY i) || ' excluding e1 | e2') FROM generate_series(1, 1022) AS i;
SELECT ('x: ' || repeat('a | ', 5000) || 'a')::funnel AS one_event;
SELECT f = f::text::funnel AS max_labels, length(f::text)
FROM (SELECT (repeat('n', 4096) || ': ' || repeat('e', 4096) || '@' || repeat('c', 4096) || '-> *@"' || repeat('""', 4096) || '"')::funnel) AS t (f);
SELECT public.refusal('a -> ' || repeat('e', 4097));
SELECT public.refusal('a -> b@"' || repeat('я', 2049) || '"');
SELECT public.refusal('a -> ' || repeat('n', 4097) || ': b');
-- a long default name of a channel needs no room
SELECT f = f::text::funnel AS long_default FROM (SELECT ('*@"' || repeat(' ', 4096) || '"')::funnel) AS t (f);

-- Every error says where, what was expected and what was found.
SELECT coalesce(nullif(input, ''), '(nothing)') || E'\n  ' || public.refusal(input) AS refused
FROM (VALUES
	(1, ''),
	(2, '   '),
	(3, 'a ->'),
	(4, 'a -> -> b'),
	(5, '-> a'),
	(6, 'a -> b |'),
	(7, 'a || b'),
	(8, 'a -> | b'),
	(9, 'просмотр -> -> оплата'),
	-- what other notations look like
	(10, 'a > b'),
	(11, 'a => b'),
	(12, 'a → b'),
	(13, 'view→cart'),
	(14, 'view⇒cart'),
	(15, 'skatīt → -> pirkt'),
	(15.1, 'a' || chr(160) || '-> b'),
	(15.2, 'a -> b@' || chr(8239) || 'c'),
	(15.3, chr(65279) || 'a'),
	(16, 'a --> b'),
	(17, 'view-->cart'),
	(18, 'a, b'),
	(19, 'a; b'),
	(20, 'a - b'),
	(21, 'add to cart -> pay'),
	(22, '''a'' -> b'),
	(23, 'a -> (b)'),
	(24, 'page* -> b'),
	(25, '*page -> b'),
	(26, 'a -> b & c'),
	-- quotes
	(27, 'a -> "b'),
	(28, 'a -> "b""'),
	(29, 'a -> ""'),
	(30, 'a@"" -> b'),
	(31, '"": a'),
	(32, 'a "b" -> c'),
	-- names and channels
	(33, 'a: -> b'),
	(34, 'a: b: c'),
	(35, 'a@b: c'),
	(36, '*: c'),
	(37, ': a'),
	(37.1, 'user:login -> user:logout'),
	(37.2, 'https://shop.example/ -> pay'),
	(37.3, 'a -> https://shop.example:8080/b'),
	(37.4, 'login: user:login -> b'),
	(37.5, 'a | b:c'),
	(37.6, 'a@utm:mail -> b'),
	(37.7, 'a -> b excluding c:d'),
	(37.8, 'a -> optional вход:да'),
	(37.9, 'a -> b:-> c'),
	(38, 'a@* -> b'),
	(39, 'a@ -> b'),
	(40, 'a@b@c'),
	(41, '@email -> b'),
	-- keywords
	(42, 'a -> within'),
	(43, 'a -> strict -> b'),
	(44, 'a -> b@Unordered'),
	(45, 'a -> optional: b'),
	(46, 'a -> optional'),
	(47, 'a -> optional optional b'),
	(48, 'a | optional b -> c'),
	-- clauses
	(49, 'a -> b within'),
	(50, 'a -> b within 7 days within 8 days'),
	(51, 'a -> b strict STRICT'),
	(52, 'a -> b excluding x excluding y'),
	(53, 'a -> b unordered unordered'),
	(54, 'a -> b within 7 days -> c'),
	(55, 'a -> b strict -> c'),
	(56, 'a -> b strict optional c'),
	(57, 'a -> b excluding'),
	(58, 'a -> b excluding x,y'),
	(59, 'a -> b whithin 7 days'),
	(60, 'a -> b within 7 days, strict'),
	(61, 'a -> b strict foo'),
	-- durations
	(62, 'a -> b within days'),
	(63, 'a -> b within 7'),
	(64, 'a -> b within 7 strict'),
	(65, 'a -> b within 7 dayz'),
	(66, 'a -> b within 7 дней'),
	(67, 'a -> b within 1:30'),
	(68, 'a -> b within ''7 days'''),
	(69, 'a -> b within 7. days'),
	(70, 'a -> b within 1e3 s'),
	(71, 'a -> b within +7 days'),
	(72, 'a -> b within 7 days 12'),
	(73, 'a -> b within P7D'),
	(74, 'a -> b within 1 month'),
	(75, 'a -> b within 3 Months'),
	(76, 'a -> b within 1 mon'),
	(77, 'a -> b within 1 year'),
	(78, 'a -> b within 2y'),
	(79, 'a -> b within 1 quarter'),
	(80, 'a -> b within 30m'),
	(81, 'a -> b within 30 M'),
	(82, 'a -> b within 0 days'),
	(83, 'a -> b within 0.0 s 0 days strict'),
	(84, 'a -> b within -5 days'),
	(85, 'a -> b within 1 day -2 hours'),
	(86, 'a -> b within - 0 s'),
	(87, 'a -> b within 0.5 us'),
	(88, 'a -> b within 0.0000001 s'),
	(89, 'a -> b within 1.00000000000000000000000001 weeks'),
	(90, 'a -> b within 9223372036854775808 us'),
	(91, 'a -> b within 106751992 days'),
	(92, 'a -> b within 9223372036854775807 us 1 us'),
	(93, 'a -> b within 123456789012345678901234567890123456789012345 weeks'),
	(94, 'a -> b within 9223372036854775807.5 ms'),
	(95, 'a -> b [2 days'),
	(96, 'a -> b [2 days, 3]'),
	(97, 'a -> b []'),
	(98, 'a -> b [0 s]'),
	(99, 'a -> b [1 day] [2 days]'),
	(100, 'a -> b 2 days]'),
	(101, 'a -> b [1 day] | c'),
	-- rules
	(102, 'optional a -> b'),
	(103, 'a [2 days] -> b'),
	(104, 'a -> b unordered strict'),
	(105, 'a -> optional b unordered'),
	(106, 'a -> b [2 days] unordered within 1 day'),
	(107, 'a -> b -> optional c [36 hours] strict unordered')
) AS t (id, input)
ORDER BY id;
\pset format aligned

-- Long slips are not repeated whole.
SELECT length(public.refusal('a ' || repeat('b', 100000))) < 400 AS word,
       length(public.refusal('a -> b within ' || repeat('9', 100000) || ' days')) < 400 AS number,
       length(public.refusal('a -> b within 1 ' || repeat('ж', 100000))) < 400 AS unit;

-- In a statement the error points at the literal, as of every type.
SELECT 'a -> b within 1 month'::funnel;

-- On the wire a funnel is a version byte and its text.
SELECT get_byte(sent, 0) AS version, convert_from(substr(sent, 2), 'UTF8') AS text
FROM cjm_internal.funnel_send('view->b|ж@x strict within 60 min') AS sent;
CREATE TABLE public.received (funnel funnel);
\copy public.received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\026\001a->b|\320\266  within 60min\377\377"' (FORMAT binary)
\copy public.received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\007\002a -> b\377\377"' (FORMAT binary)
\copy public.received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\007\001a -> >\377\377"' (FORMAT binary)
\copy public.received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\007\001a -> \320\377\377"' (FORMAT binary)
\copy public.received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\007\001a ->\"\000\377\377"' (FORMAT binary)
\copy public.received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\001\001\377\377"' (FORMAT binary)
\copy public.received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\000\377\377"' (FORMAT binary)
SELECT * FROM public.received;

-- Equal definitions are equal however they were written; a different one differs.
SELECT 'a->b within 1 day'::funnel = 'a -> b WITHIN 24 hours' AS equal,
       'a: a -> b'::funnel = '"a"->b' AS default_name,
       'a -> b'::funnel = 'b -> a' AS swapped,
       'a -> b | c'::funnel = 'a -> c | b' AS other_order,
       'a -> b'::funnel = 'a -> x: b' AS named,
       'a -> b'::funnel = 'a -> b strict' AS strict,
       'a -> b'::funnel = 'a -> optional b' AS optional,
       'a -> b'::funnel = 'a -> b [1 s]' AS gap,
       'a -> *'::funnel = 'a -> "*"' AS star;

-- The six operators agree with funnel_cmp on every pair, and so does the hash.
SELECT count(*) AS pairs,
       count(*) FILTER (WHERE (a.funnel = b.funnel) IS DISTINCT FROM (c = 0)
	                       OR (a.funnel <> b.funnel) IS DISTINCT FROM (c <> 0)
	                       OR (a.funnel < b.funnel) IS DISTINCT FROM (c < 0)
	                       OR (a.funnel <= b.funnel) IS DISTINCT FROM (c <= 0)
	                       OR (a.funnel > b.funnel) IS DISTINCT FROM (c > 0)
	                       OR (a.funnel >= b.funnel) IS DISTINCT FROM (c >= 0)
	                       OR c IS DISTINCT FROM -cjm_internal.funnel_cmp(b.funnel, a.funnel)
	                       OR (a.funnel::text = b.funnel::text) IS DISTINCT FROM (c = 0)
	                       OR (cjm_internal.funnel_hash(a.funnel) = cjm_internal.funnel_hash(b.funnel)) IS DISTINCT FROM (c = 0)) AS wrong
FROM public.funnels AS a, public.funnels AS b, cjm_internal.funnel_cmp(a.funnel, b.funnel) AS c
WHERE a.funnel IS NOT NULL AND b.funnel IS NOT NULL;
SELECT funnel_eq('a', 'a') AS eq, funnel_ne('a', 'a') AS ne, funnel_lt('a', 'b') AS lt,
       funnel_le('b', 'a') AS le, funnel_gt('b', 'a') AS gt, funnel_ge('a', 'b') AS ge;
SELECT cjm_internal.funnel_hash_extended('a -> b', 0) <> cjm_internal.funnel_hash_extended('a -> b', 1) AS seeded,
       cjm_internal.funnel_hash_extended('a -> b', 0) & 4294967295 = cjm_internal.funnel_hash('a -> b')::bigint & 4294967295 AS low_half;

-- Keys: grouping by hash and by sort, DISTINCT, joins, indexes, a toasted value.
CREATE TABLE public.runs (funnel funnel, customers integer);
INSERT INTO public.runs
VALUES ('a -> b within 1 day', 1), ('a->b within 24 h', 2), ('a -> b', 4), ('a->b', 8), ('a -> c', 16), (NULL, 32);
SELECT funnel, sum(customers) FROM public.runs GROUP BY funnel ORDER BY sum(customers);
SET enable_hashagg = off;
SELECT funnel, sum(customers) FROM public.runs GROUP BY funnel ORDER BY sum(customers);
RESET enable_hashagg;
SET enable_sort = off;
SELECT count(DISTINCT funnel) FROM public.runs;
RESET enable_sort;
SET enable_hashjoin = off;
SET enable_nestloop = off;
SELECT count(*) AS merge_joined FROM public.runs AS a JOIN public.runs AS b USING (funnel);
RESET enable_hashjoin;
SET enable_mergejoin = off;
SELECT count(*) AS hash_joined FROM public.runs AS a JOIN public.runs AS b USING (funnel);
RESET enable_nestloop;
RESET enable_mergejoin;
CREATE TABLE public.definitions (funnel funnel PRIMARY KEY);
INSERT INTO public.definitions SELECT ('a -> e' || i)::funnel FROM generate_series(1, 1000) AS i;
INSERT INTO public.definitions VALUES ('a->e77');
SET enable_seqscan = off;
SELECT count(*) FROM public.definitions WHERE funnel = 'a->e77';
CREATE INDEX definitions_hash ON public.definitions USING hash (funnel);
SELECT count(*) FROM public.definitions WHERE funnel = 'a->e78';
RESET enable_seqscan;
SELECT count(*) AS ordered FROM (SELECT funnel, lag(funnel) OVER (ORDER BY funnel) AS before FROM public.definitions) AS t
WHERE before < funnel;
-- Compressed and out of line.
CREATE TABLE public.large (id integer, funnel funnel);
INSERT INTO public.large
SELECT i, ('a -> ' || string_agg(CASE i WHEN 1 THEN 'e' || j ELSE md5(j::text) END, '|' ORDER BY j) || ' strict')::funnel
FROM generate_series(1, 2) AS i, generate_series(1, 1000) AS j GROUP BY i;
INSERT INTO public.large SELECT id, funnel::text::funnel FROM public.large;
SELECT id, funnel::text::funnel = funnel AS read_back, count(*), length(cjm_internal.funnel_send(funnel)) AS sent
FROM public.large GROUP BY id, funnel ORDER BY id;
SELECT bool_and(a.funnel = b.funnel AND cjm_internal.funnel_hash(a.funnel) = cjm_internal.funnel_hash(b.funnel)) AS equal, count(*)
FROM public.large AS a JOIN public.large AS b USING (id);

-- The funnel of an enum.
SELECT funnel_from_stages(NULL::aida) AS aida;
SELECT funnel_from_stages('deal'::buyer_journey) AS any_value_will_do;
SELECT funnel_from_stages(NULL::lifecycle) = 'awareness->consideration->purchase->retention->advocacy' AS equal;
CREATE TYPE public.odd_stages AS ENUM ('в корзину', 'within', '*', 'a"b', 'ātri');
SELECT funnel_from_stages(NULL::public.odd_stages) AS f, funnel_from_stages(NULL::public.odd_stages)::text::funnel = funnel_from_stages(NULL::public.odd_stages) AS read_back;
ALTER TYPE public.odd_stages ADD VALUE 'first' BEFORE 'в корзину';
SELECT funnel_from_stages(NULL::public.odd_stages);
DO $$
BEGIN
	EXECUTE (SELECT 'CREATE TYPE public.stages_64 AS ENUM (' || string_agg(quote_literal('s' || i), ', ' ORDER BY i) || ')'
	         FROM generate_series(1, 64) AS i);
END
$$;
SELECT funnel_from_stages(NULL::public.stages_64)::text = string_agg('s' || i, ' -> ' ORDER BY i) AS stages_64 FROM generate_series(1, 64) AS i;
ALTER TYPE public.stages_64 ADD VALUE 's65';
SELECT funnel_from_stages(NULL::public.stages_64);
SELECT funnel_from_stages(NULL::public.stages_64, 's60', NULL), funnel_from_stages(NULL::public.stages_64, NULL, 's2'), length(funnel_from_stages(NULL::public.stages_64, 's2', NULL)::text) > 400 AS the_last_64;
-- a part of the labels: nobody has an event for "unaware"
SELECT funnel_from_stages(NULL::buyer_journey, 'problem', 'deal') AS part, funnel_from_stages(NULL::buyer_journey, 'trial', 'trial') AS one, funnel_from_stages('use'::buyer_journey, NULL, NULL) = funnel_from_stages(NULL::buyer_journey) AS whole;
SELECT funnel_from_stages(NULL::aida, 'action', 'interest');
SELECT funnel_from_stages(NULL::aida, 'nothing', 'interest');
CREATE TYPE public.no_stages AS ENUM ();
SELECT funnel_from_stages(NULL::public.no_stages);
CREATE TYPE public.empty_stage AS ENUM ('a', '');
SELECT funnel_from_stages(NULL::public.empty_stage);
\set VERBOSITY sqlstate
SELECT funnel_from_stages('a'::text);
\set VERBOSITY default

-- Strings where a funnel is wanted: of a table of definitions, from a driver that sends varchar.  A channel before the funnel is still a channel.
CREATE TABLE public.definition_texts AS SELECT 'view -> cart'::text AS t, 'view -> cart'::varchar AS v, 'view -> cart'::varchar(20) AS short;
SELECT funnel_step(j, t), funnel_step(j, v), funnel_step(j, short), funnel_times(j, t) = funnel_times(j, v) AS times, conversions(j, v), funnel_step(j, v, '(,)'::tstzrange) AS ranged, funnel_open(j, v, now()),
	entry_channel(j, t), (SELECT count(*) FROM funnel_stages(v)) AS stages, funnel_within(t) IS NULL AS unlimited, t = 'view->cart'::funnel AS equal, v = 'view -> cart' AS text_is_text, v < 'w' AS sorted
FROM public.definition_texts, (VALUES ('{2026-01-01T10:00Z view@ads, 2026-01-01T11:00Z cart}'::journey)) x(j);
SELECT funnel_agg(j, v)::text = funnel_agg(j, t)::text AS of_journeys, (SELECT customers FROM report(funnel_agg(1, now(), 'view', v)) WHERE step = 1) AS of_rows,
	(SELECT customers FROM report(funnel_agg(1, now(), 'view', t, v)) WHERE step = 1) AS with_channel, (SELECT customers FROM report(funnel_agg(1, now(), 'view', v, v)) WHERE step = 1) AS with_channel_varchar,
	(SELECT customers FROM report(funnel_agg(1, now(), 'view', v, '(,)'::tstzrange)) WHERE step = 1) AS ranged, funnel_stats(v)::text = funnel_stats('view -> cart'::funnel)::text AS empty
FROM public.definition_texts, (VALUES ('{2026-01-01T10:00Z view@ads, 2026-01-01T11:00Z cart}'::journey)) x(j) GROUP BY v, t;
SELECT funnel_step(now(), 'view', v) OVER () AS in_a_window, matches('{2026-01-01T10:00Z view}', p) AS matches, match_count('{2026-01-01T10:00Z view}', p::varchar) FROM public.definition_texts, (VALUES ('view'::text)) x(p);
PREPARE of_strings(varchar, text) AS SELECT funnel_step('{2026-01-01T10:00Z view}'::journey, $1) AS step, matches('{2026-01-01T10:00Z view}'::journey, $2) AS matches;
EXECUTE of_strings('view -> cart', 'view');
EXECUTE of_strings('view -> ', 'view');
DEALLOCATE of_strings;
CREATE TABLE public.definition_events AS SELECT 1 AS customer, now() AS at, 'view'::text AS event;
SELECT create_map('of strings', 'public.definition_events', 'customer', 'at', 'event', (SELECT v FROM public.definition_texts));
SELECT drop_map('of strings');
DROP TABLE public.definition_texts, public.definition_events;

-- Nobody needs cjm on the search_path.
SET search_path = public;
SELECT f, f OPERATOR(cjm.=) 'a->b' AS equal FROM (SELECT 'a -> b'::cjm.funnel) AS t (f);
SELECT cjm.funnel_from_stages(NULL::cjm.lifecycle);

DROP TABLE public.funnels, public.received, public.runs, public.definitions, public.large;
DROP TYPE public.odd_stages, public.stages_64, public.no_stages, public.empty_stage;
DROP FUNCTION public.refusal(text);
