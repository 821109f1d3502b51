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
	('просмотр .* "в корзину" покупка'), ('"a → b"'), ('"a.b." ".c" "d.e"'), ('"say ""hi"""'), ('a-b /x/y $1 #2 3'), ('"->"'), ('"a"|"b c"'), (E' \n a\t b ');
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
	'a [1 h] b', 'a; b', 'a = b']) AS input;
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
	-- limits
	('a .* b within 2 s', 'a - a - b'), ('a .* b within 1 s', 'a - a - b'), ('(a | b)+ c within 3 s', 'a b a b c')
) AS v(pattern, story), LATERAL (SELECT public.tale(story) AS j, pattern::journey_pattern AS p) AS l;
-- An empty journey.
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
