-- The type journey_pattern, and matches, match_count, match_events.
SET search_path = cjm, public;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';

CREATE FUNCTION public.pattern_refusal(input text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
BEGIN
	RETURN 'accepted: ' || input::cjm.journey_pattern::text;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN format(E'%s %s', SQLSTATE, SQLERRM) ||
	       coalesce(E'\n  detail: ' || nullif(detail, ''), '') || coalesce(E'\n  hint: ' || nullif(hint, ''), '');
END
$$;

-- Canonical text, which reads back equal.
CREATE TABLE public.patterns (id integer GENERATED ALWAYS AS IDENTITY, input text, pattern journey_pattern);
INSERT INTO public.patterns (input) VALUES
	('view .* cart (?t<=1 hour) purchase'),
	('view'), ('.'), ('.*'), ('. .'), ('..'), ('...*'), ('view.*cart'), ('view.cart'), ('view. cart'), ('.view'), ('a.b.'),
	('view@email'), ('*@email'), ('*@email*'), ('a**@b'), ('a *@b'), ('a * *@b'), ('"*"@"paid search"'), ('a @ b'),
	('a|b'), ('(a)'), ('((a|b)|c)'), ('(a|b) c'), ('a (b c) d'), ('(a b)+'), ('a (b|c d)*'), ('(a+)+'), ('((a|b))?'), ('((a b)|c){2}'),
	('a{1}'), ('a{0,1}'), ('a{0,}'), ('a{1,}'), ('a{2}'), ('a {2,} b'), ('a{ 2 , 3 }'), ('a + b ?'),
	('a (?t<60 min) b (?t <= 1.5 h) c (?t>0) d (?t>=90) e (?t==1 day 1 s) f (?t!=5) g'), ('a(?t<=5)(?t>2)b'),
	('a b within 36 hours'), ('a b WITHIN 1 week'), ('"within" within 1 d'), ('"Within"@"WITHIN"'),
	('просмотр .* "в корзину" покупка'), ('"a → b"'), ('"a.b." ".c" "d.e"'), ('"say ""hi"""'), ('a-b /x/y $1 #2 3'), ('"$" "a$"@"$"'), ('"->"'),
	('!a'), ('! a'), ('!(a)'), ('!(a|b)'), ('!( a | b | a )+'), ('!*@email'), ('!"a$"*$'), ('a !b* $'), ('^a'), ('^ .* a'), ('(^|x) a'), ('a ($|b)'),
	('a !(b | "c d"@x){2,} $ within 1 h'), ('$page.*$'), ('(a | $)? b?'), ('^$'), ('(a $){1,2}'), ('"a"|"b c"'), (E' \n a\t b ');
UPDATE public.patterns SET pattern = input::journey_pattern;
\pset format unaligned
SELECT input, pattern FROM public.patterns ORDER BY id;
SELECT count(*) AS patterns, count(*) FILTER (WHERE pattern::text::journey_pattern = pattern) AS read_back,
       count(*) FILTER (WHERE pattern::text::journey_pattern::text = pattern::text) AS same_text FROM public.patterns;

-- What is refused, and what is said then.
\pset tuples_only on
SELECT input || ' => ' || public.pattern_refusal(input) FROM unnest(ARRAY[
	'', ' ', 'a -> b', 'a --> b', 'a, b', 'a → b', U&'a\00A0b', U&'a \FEFFb', 'a >b', '(?1)', 'a (?1)', '*', '* a', 'a ** ', 'a+?', 'a|', '|a', '()', '(a', 'a)', '"a', '""', 'a@', 'a@*', '@b',
	'a (?t<5', 'a (?t 5) b', 'a (?t<5 quarters) b', 'a (?t<-5) b', '(?t<5) a', 'a (?t<5)', 'a? (?t<5) b', 'a (?t<5) b?', 'a (?t<5)+ b',
	'a (b | (?t<5)) c', 'a | (?t<5) b', '.* (?t<5) b', 'a (?t<5) .*',
	'within 5 s', 'a within', 'a within b', 'a within 5', 'a within 5 s b', 'a within 1 month', 'a{0}', 'a{2,1}', 'a{1001}', 'a{x}', '((a{100}){100})',
	'a [1 h] b', 'a; b', 'a = b',
	'!', 'a ! ', '!!a', '!.', '!(a b)', '!(a | .)', '!(a | !b)', '!(a+)', '!(', '!^', '!$', 'a !', '!* b', '^*', 'a $+', '(^)?', 'a$', 'a@b$', 'a$ b', 'a ^ b', 'a ^', '$ a', 'a $ b', 'a $.', '(a $ | b) c',
	'^ (?t<5) a', 'a (?t<5) $', '^ .* (?t<5) a']) AS input;
SELECT public.pattern_refusal(repeat('x', 4097));
SELECT public.pattern_refusal(repeat('x', 4096)) LIKE 'accepted%';
\pset tuples_only off
\pset format aligned

-- Equality, hashing, binary form.
SELECT 'a|b'::journey_pattern = '(a | "b")' AS equal, 'a b'::journey_pattern <> 'b a' AS differ, 'a'::journey_pattern = 'a?' AS same;
SELECT count(DISTINCT pattern::text), count(*) FROM (SELECT pattern FROM public.patterns GROUP BY pattern) AS p;
SELECT encode(cjm_internal.journey_pattern_send('view .* cart'), 'escape');

-- What matches. "a@x" is event a through channel x; a letter a second.
CREATE FUNCTION public.tale(story text) RETURNS journey LANGUAGE sql IMMUTABLE AS $$
	SELECT cjm.journey_agg(timestamptz '2024-01-01Z' + (i - 1) * interval '1 second', split_part(word, '@', 1), nullif(split_part(word, '@', 2), ''))
	FROM string_to_table(story, ' ') WITH ORDINALITY AS w(word, i) WHERE word <> '-' $$;
CREATE FUNCTION public.ticks(times timestamptz[]) RETURNS text LANGUAGE sql IMMUTABLE AS
	$$ SELECT coalesce(string_agg((extract(epoch FROM t) - extract(epoch FROM timestamptz '2024-01-01Z'))::integer::text, ' '), 'none') FROM unnest(times) AS t $$;
SELECT pattern, story, matches(j, p) AS match, match_count(j, p) AS count, public.ticks(match_events(j, p)) AS events
FROM (VALUES
	('view .* cart (?t<=1 hour) purchase', 'view x view cart x purchase'), ('view cart', 'view x cart'), ('view . cart', 'view x cart'),
	('view .* cart', 'view x x cart cart view cart'), ('view cart', 'cart view'), ('view', ''), ('view?', 'cart'), ('view*', ''),
	('(view | search) cart', 'search cart view cart'), ('view+ cart', 'x view view cart'), ('view{2} cart', 'view cart view view cart'),
	('. .', 'a b c d e'), ('a .+ b', 'a b'), ('a .+ b', 'a b b'), ('(a b)+ c', 'a b a b c'),
	-- every touchpoint is visible
	('a b', 'a x b'), ('a (?t<=2) b', 'a x b'), ('a (?t<2) b', 'a x b'), ('a (?t>=2) (?t<=3) b', 'a b x b'), ('a (?t!=2) b', 'a - b'),
	-- a gate is about the events on its two sides, .* beside it or not
	('a .* (?t<=2) b', 'a - - b'), ('a (?t<=2) .* b', 'a x - b'), ('a .* (?t<=3) .* b', 'a x - b'), ('a . (?t<=2) b', 'a x - b'),
	-- channels
	('*@mail b', 'a@mail b a@web b'), ('a@mail', 'a a@web'), ('a@mail | b', 'a b'), ('a@web .* a@mail', 'a@web a a@mail'),
	-- any event but
	('!a', 'a a'), ('!a', 'a b'), ('a !b c', 'a b c'), ('a !b c', 'a x c'), ('a !(b | x)* c', 'a b a y z c'), ('!a+ b', 'a x y b'), ('!*@mail a', 'x@mail a x a'), ('(!(a | b))*', 'a'),
	-- the beginning and the end
	('^ a', 'b a'), ('^ a', 'a a'), ('a $', 'a b'), ('a $', 'b a a'), ('^ a $', 'a'), ('^ a $', 'a a'), ('^ !b* $', 'a c'), ('^ !b* $', 'a b'), ('a !b* $', 'a c a'), ('a .* $', 'x a b c'),
	('(^ | x) a', 'a x a a'), ('a ($ | b)', 'a a b a'), ('^ .* c within 2 s', 'a b c'), ('^ .* c within 1 s', 'a b c'), ('. .* c within 1 s', 'a b c'),
	('a* $', 'b a a'), ('a* $', 'a b'), ('^ a*', 'b a'), ('a (?t<=1) b $', 'a x b a b'), ('a (?t<=1) b $', 'a x x b'),
	-- limits
	('a .* b within 2 s', 'a - a - b'), ('a .* b within 1 s', 'a - a - b'), ('(a | b)+ c within 3 s', 'a b a b c')
) AS v(pattern, story), LATERAL (SELECT public.tale(story) AS j, pattern::journey_pattern AS p) AS l;
-- Never again, after the first and after the last: a journey has its answer whatever happened before.
SELECT story, matches(j, '^ !trial* trial !cancel* $') AS after_first, matches(j, 'trial !(trial | cancel)* $') AS after_last
FROM (VALUES ('trial'), ('trial pay'), ('trial cancel'), ('cancel trial'), ('trial cancel trial'), ('pay')) AS v(story), LATERAL (SELECT public.tale(story) AS j) AS l;
-- Banned between two steps, not before them.
SELECT story, matches(j, 'signup .* view !refund* buy') AS kept
FROM (VALUES ('signup refund view buy'), ('signup view refund buy'), ('signup view refund view x buy')) AS v(story), LATERAL (SELECT public.tale(story) AS j) AS l;
-- An empty journey.
SELECT p, matches(j, p), match_count(j, p) FROM unnest(ARRAY['^ $', '^ a* $', '^', '$', '^ a', '!a']::journey_pattern[]) AS p, LATERAL (SELECT slice(public.tale('a'), '2030-01-01Z', '2031-01-01Z') AS j) AS l;
SELECT matches(j, 'a'), matches(j, 'a*'), match_count(j, 'a*'), match_events(j, 'a') FROM (SELECT '{}'::jsonb) AS x, LATERAL (SELECT slice(public.tale('a'), '2030-01-01Z', '2031-01-01Z') AS j) AS l;
-- Equal times: the events of the pattern in its order first.
SELECT matches(j, 'z a'), matches(j, 'a z'), matches(j, 'z a m'), matches(j, 'z m a')
FROM (SELECT journey_agg('2024-01-01Z', e) AS j FROM unnest(ARRAY['a', 'm', 'z']) AS e) AS x;
-- NULL in, NULL out.
SELECT matches(NULL, 'a'), matches(public.tale('a'), NULL);

-- The aggregates and the journey say the same where both can.
CREATE TABLE public.pattern_rows AS
	SELECT i % 300 AS customer, timestamptz '2024-01-01Z' + (i * 7919 % 20011) * interval '1 second' AS at,
	       (ARRAY['a', 'b', 'c'])[1 + i * 31 % 7 % 3] AS event FROM generate_series(1, 6000) AS i;
SELECT count(*) FILTER (WHERE match_count(j, 'a (b | c)+ (?t<=1 hour) a') <> n) AS differ, sum(n),
       count(*) FILTER (WHERE match_events(j, 'a .* b (?t>=10 min) c within 2 hours') <> e) AS events_differ, sum(cardinality(e))
FROM (SELECT journey_agg(at, event) AS j,
             sequence_count('(?1)((?2)|(?3))+(?t<=1 hour)(?1)', at, event = 'a', event = 'b', event = 'c') AS n,
             sequence_match_events('(?1).*(?2)(?t>=10 min)(?3) within 2 hours', at, event = 'a', event = 'b', event = 'c') AS e
      FROM public.pattern_rows GROUP BY customer) AS s;

-- More than 64 events in one pattern, many journeys with other dictionaries by one call.
SELECT n, matches(journey_agg('2024-01-01Z'::timestamptz + i * interval '1 min', 'e' || i), p)
FROM generate_series(60, 200, 70) AS n, generate_series(1, n) AS i,
     (SELECT string_agg('e' || i, ' ' ORDER BY i)::journey_pattern AS p FROM generate_series(1, 130) AS i) AS x
GROUP BY n, p ORDER BY n;

-- What was stored before "$" was the end: there it was a letter like any other, and it stays one.
CREATE CAST (bytea AS journey_pattern) WITHOUT FUNCTION;
SELECT pattern, pattern = pattern::text::journey_pattern AS same, cjm_internal.journey_pattern_hash(pattern) = cjm_internal.journey_pattern_hash(pattern::text::journey_pattern) AS same_hash,
       encode(cjm_internal.journey_pattern_send(pattern), 'escape') AS sent, matches(public.tale('a $ b$'), pattern)
FROM (SELECT convert_to(chr(1) || old, 'UTF8')::journey_pattern AS pattern FROM unnest(ARRAY['a b', 'a $', '$ b$', 'a@$', '$1 .* a']) AS old) AS o;
SELECT encode(cjm_internal.journey_pattern_send('a $'), 'escape'), 'a $'::journey_pattern <> 'a "$"';
SELECT convert_to(chr(3) || 'a', 'UTF8')::journey_pattern;
DROP CAST (bytea AS journey_pattern);

-- The oracle: journeys as letters, patterns as regular expressions. Letters of one time stand in the order in which the pattern names them.
SELECT setseed(0.20);
CREATE FUNCTION public.random_pattern(depth integer, OUT pattern text, OUT expression text) LANGUAGE plpgsql AS $$
DECLARE
	kind float := CASE WHEN depth = 0 THEN 0.55 ELSE 1 END * random();
	a text := substr('abc', 1 + floor(random() * 3)::integer, 1);
	b text := substr('abc', 1 + floor(random() * 3)::integer, 1);
	x record;
	y record;
BEGIN
	IF kind < 0.20 THEN pattern := a; expression := a;
	ELSIF kind < 0.25 THEN pattern := '.'; expression := '.';
	ELSIF kind < 0.33 THEN pattern := '!' || a; expression := '[^' || a || ']';
	ELSIF kind < 0.38 THEN pattern := format('!(%s | %s)', a, b); expression := format('[^%s%s]', a, b);
	ELSIF kind < 0.44 THEN pattern := '!' || a || '*'; expression := '[^' || a || ']*';
	ELSIF kind < 0.48 THEN pattern := '^'; expression := '^';
	ELSIF kind < 0.52 THEN pattern := '$'; expression := '$';
	ELSIF kind < 0.55 THEN pattern := '.*'; expression := '.*';
	ELSE
		x := public.random_pattern(depth - 1);
		y := public.random_pattern(depth - 1);
		IF kind < 0.80 THEN pattern := format('(%s) (%s)', x.pattern, y.pattern); expression := format('(?:%s)(?:%s)', x.expression, y.expression);
		ELSIF kind < 0.90 THEN pattern := format('(%s | %s)', x.pattern, y.pattern); expression := format('(?:%s|%s)', x.expression, y.expression);
		ELSE
			a := (ARRAY['*', '+', '?', '{2}', '{1,3}'])[1 + floor(random() * 5)::integer];
			IF x.pattern IN ('^', '$') THEN SELECT 'a' AS pattern, 'a' AS expression INTO x; END IF;
			pattern := format('(%s)%s', x.pattern, a); expression := format('(?:%s)%s', x.expression, a);
		END IF;
	END IF;
END
$$;
CREATE TABLE public.letters AS SELECT journey, timestamptz '2024-01-01Z' + floor(random() * 9) * interval '1 s' AS at, substr('aabbcd', 1 + floor(random() * 6)::integer, 1) AS event
	FROM generate_series(1, 150) AS journey, LATERAL generate_series(1, 1 + journey % 9);
CREATE TABLE public.guesses (pattern text, expression text);
INSERT INTO public.guesses SELECT r.* FROM generate_series(1, 600) AS i, LATERAL public.random_pattern(2 + i % 3) AS r;
DELETE FROM public.guesses WHERE public.pattern_refusal(pattern) NOT LIKE 'accepted%';
SELECT count(DISTINCT pattern) > 200 AS many, count(*) FILTER (WHERE matches) > 5000 AS match, count(*) FILTER (WHERE NOT matches) > 5000 AS do_not,
       count(*) FILTER (WHERE matches <> (word ~ expression)) AS differ
FROM (SELECT g.*, matches(journey_agg(l.at, l.event), g.pattern::journey_pattern) AS matches,
             string_agg(l.event, '' ORDER BY l.at, nullif(position(l.event IN g.pattern), 0), l.event) AS word
      FROM public.guesses AS g, public.letters AS l GROUP BY g.pattern, g.expression, l.journey) AS s;
