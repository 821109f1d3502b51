-- sequence_match, sequence_count, sequence_match_events: patterns over the rows of a customer.
SET search_path = cjm, public;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';

-- One letter a row, a second apart; "-" is a second without a row, "," keeps the time.
-- A letter is a condition: a is (?1), b is (?2), c is (?3); "B" is both a and b, "x" is none.
CREATE FUNCTION public.letters(story text) RETURNS TABLE (n integer, at timestamptz, a boolean, b boolean, c boolean)
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	second integer := -1;
	letter text;
BEGIN
	n := 0;
	FOREACH letter IN ARRAY string_to_array(story, NULL)
	LOOP
		IF letter = ',' THEN
			second := second - 1;
		ELSE
			second := second + 1;
			CONTINUE WHEN letter = '-';
			n := n + 1;
			at := timestamptz '2024-01-01 00:00:00Z' + second * interval '1 second';
			a := letter IN ('a', 'B');
			b := letter IN ('b', 'B');
			c := letter = 'c';
			RETURN NEXT;
		END IF;
	END LOOP;
END
$$;

-- Seconds of an answer.
CREATE FUNCTION public.seconds(times timestamptz[]) RETURNS text LANGUAGE sql IMMUTABLE AS
	$$ SELECT coalesce(string_agg((extract(epoch FROM t) - extract(epoch FROM timestamptz '2024-01-01 00:00:00Z'))::float8::text, ' '), 'none') FROM unnest(times) AS t $$;

CREATE FUNCTION public.look(pattern text, story text, OUT match boolean, OUT count integer, OUT events text) LANGUAGE sql STABLE AS
	$$ SELECT cjm.sequence_match(pattern, at, a, b, c), cjm.sequence_count(pattern, at, a, b, c),
	          public.seconds(cjm.sequence_match_events(pattern, at, a, b, c)) FROM public.letters(story) $$;

-- What PostgreSQL says of a pattern.
CREATE FUNCTION public.sequence_refusal(pattern text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
BEGIN
	PERFORM cjm.sequence_match(pattern, now(), true, true, true);
	RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN format(E'%s %s', SQLSTATE, SQLERRM) ||
	       coalesce(E'\n  detail: ' || nullif(detail, ''), '') || coalesce(E'\n  hint: ' || nullif(hint, ''), '');
END
$$;

-- ClickHouse's language.
SELECT pattern, story, l.* FROM (VALUES
	('', 'aabac'), ('.', 'aabac'), ('.*', 'aabac'),
	('(?2)', 'aabac'), ('(?3)', 'aab'), ('(?1)(?1)(?1)', 'aaaabcaaaabb'), ('(?1)(?1)(?1)(?1)(?1)', 'aaaabcaaaabb'),
	('(?1)(?2)', 'aabab'), ('(?1)(?2)', 'acb'), ('(?1).(?2)', 'acb'), ('(?1).(?2)', 'ab'), ('(?1).*(?2)', 'accbab'),
	('(?1).*(?2).*(?3)', 'ababcc'), ('(?1)(?2).*', 'xab'), ('.*(?1).*', 'xax'),
	-- a row that meets no condition is not there
	('(?1)(?2)', 'axb'), ('(?1).(?2)', 'axb'),
	-- one row is one item, even if it meets several conditions
	('(?1)(?2)', 'B'), ('(?1)(?2)', 'BB'), ('(?1)(?2)', 'Bb'),
	-- gates: any rows may lie between, ends included as the operator says
	('(?1)(?t<=2)(?2)', 'acb'), ('(?1)(?t<2)(?2)', 'acb'), ('(?1)(?t>=2)(?2)', 'acb'), ('(?1)(?t>2)(?2)', 'acb'),
	('(?1)(?t==2)(?2)', 'acb'), ('(?1)(?t==2)(?2)', 'ab-b'), ('(?1)(?t>10)(?2)', 'aaaabcaaaabb'), ('(?1)(?t>11)(?2)', 'aaaabcaaaabb'),
	('(?1)(?t<0)(?2)', 'a,b'), ('(?1)(?t<=0)(?2)', 'a,b'), ('(?t>=2)(?2)', 'acb'),
	-- the nearest row of an earlier condition is not the only one, nor is the first
	('(?1)(?t==3)(?2)', 'aaab-b'), ('(?1)(?t<=1)(?2)', 'a-a-ab'), ('(?1)(?t<=10)(?2)(?3)', 'a----b------b,c'),
	-- as in ClickHouse: after .* a gate measures from the first row that .* leaves, before it to the first that it may take
	('(?1).*(?t<=2)(?2)', 'a---b'), ('(?1)(?t<=2).*(?2)', 'ac----b'), ('(?1)(?t<=2).*(?2)', 'a-----b')
) AS v(pattern, story), LATERAL public.look(pattern, story) AS l;

-- Beyond it: alternatives, groups, repetitions, units, two gates at once, a limit of the whole match.
SELECT pattern, story, l.* FROM (VALUES
	('(?1)|(?3)', 'bcba'), ('(?1)((?2)|(?3))(?1)', 'abbaca'), ('((?1)(?2))+(?3)', 'aababcab'), ('(?1)+(?2)', 'aaab'),
	('(?1)(?2)?(?3)', 'abc'), ('(?1)(?2)?(?3)', 'ac'), ('(?1)(?2)*(?3)', 'abbbbc'), ('(?1){2}(?2)', 'aaab'), ('(?1){4}(?2)', 'aaab'),
	('(?1)(?2){2,}(?3)', 'abc'), ('(?1)(?2){2,}(?3)', 'abbbc'), ('(?1)(?2){1,2}(?3)', 'abbbc'), ('(?1)(?2){1,2}(?3)', 'abbc'),
	('(?1).{2}(?2)', 'accb'), ('(?1).{1,2}(?2)', 'accb'), ('(?1).+(?2)', 'ab'), ('(?1).+(?2)', 'acccb'), ('(?1).{3,}(?2)', 'accb'),
	('(?1)*', 'aab'), ('((?1)*)*(?2)', 'aab'), ('(((?1)|(?2))+(?3))+', 'abcacbc'),
	('(?1)(?t<=1 minute)(?2)', 'a-b'), ('(?1)(?t <= 1500 ms)(?2)', 'a-b'), ('(?1) (?t >= 1500 ms) (?2)', 'a-b'), ('(?1)(?t!=2)(?2)', 'a-bb'),
	('(?1)(?t!=2)(?2)', 'a-b'), ('(?1)(?t>=2)(?t<4)(?2)', 'ab--b'), ('(?1)(?t>=2)(?t<4)(?2)', 'ab-b'),
	('(?1)((?t<2)(?2)|(?t>3)(?3))', 'a-b-c'), ('((?1)(?t==2))+(?3)', 'a-a-a-c'),
	('(?1).*(?2).*(?3) within 4 s', 'a--b-c'), ('(?1).*(?2).*(?3) within 5 seconds', 'a--b-c'),
	-- a limit moves the start: the shortest match from the first a is too long
	('(?1).*(?2) within 2 s', 'a--a-b')
) AS v(pattern, story), LATERAL public.look(pattern, story) AS l;

-- Leftmost start, then shortest; then on after its last row.
SELECT public.look('(?1).*(?2)', 'abab'), public.look('(?1)(?2)|(?1)(?2)(?3)', 'abcabc'), public.look('(?2)|(?1).*(?3)', 'abbb');
-- Equal times: by first matching condition, whatever order the rows come in.
SELECT public.look('(?1)(?2)', 'b,a'), public.look('(?2)(?1)', 'b,a'), public.look('(?1)(?2)(?3)', 'c,b,a'), public.look('(?1)(?2)', 'b,B');

-- NULL: a condition is false, a time is no row, an array is no row; no rows at all are no match.
SELECT sequence_match('(?1)(?2)', at, a, b), sequence_count('(?1)(?2)', at, a, b), sequence_match_events('(?1)(?2)', at, a, b)
FROM (VALUES ('2024-01-01Z'::timestamptz, true, NULL::boolean), (NULL, NULL, true), ('2024-01-02Z', NULL, true)) AS v(at, a, b);
SELECT sequence_match('(?1)(?2)', at, VARIADIC met)
FROM (VALUES ('2024-01-01Z'::timestamptz, ARRAY[true, NULL]), ('2024-01-01Z', NULL), ('2024-01-02Z', ARRAY[NULL, true])) AS v(at, met);
SELECT sequence_match('(?1)', now(), true), sequence_count('(?1)', now(), true), sequence_match_events('(?1)', now(), true) WHERE false;
SELECT sequence_match('(?1)', NULL, true), sequence_count('', NULL, true), sequence_match_events('(?1)', NULL, true);
SELECT sequence_match(NULL, now(), true);

-- What is refused, and what is said then.
\pset format unaligned
\pset tuples_only on
SELECT pattern || ' => ' || public.sequence_refusal(pattern) FROM unnest(ARRAY[
	'(?1', '(?)', '(?0)', '(?4)', '(?99999999999)', '(?1)(?', '(1)', 'a', 'view', '"view"', '(?1) -> (?2)', '(?1)>(?2)', '(?1),(?2)',
	'(?t<5)', '(?1)(?t5)(?2)', '(?1)(?t=5)(?2)', '(?1)(?t<)(?2)', '(?1)(?t<5 parsecs)(?2)', '(?1)(?t<-5)(?2)', '(?1)(?t<1 month)(?2)',
	'(?1)(?t<5', '(?1)(?t<5)*(?2)', '(?1)(?t<99999999999999999999)(?2)',
	'*', '(?1)**', '(?1)+?', '(?1){2}{3}', '(?1){0}', '(?1){3,2}', '(?1){1001}', '(?1){a}', '(?1){1', '(?1)|', '|(?1)', '()', '((?1)', '(?1))',
	'(?1) within', '(?1) within 5', '(?1) within 5 s (?2)', 'within 5 s', '(?1) within 0 s',
	'((?1){1000}){1000}', '(((?1)?){1000}){4}', repeat('(', 101) || '.' || repeat(')', 101), repeat('(?1)', 4097)]) AS pattern
WHERE pattern NOT LIKE '((((((%' AND pattern NOT LIKE '(?1)(?1)(?1)%';
SELECT public.sequence_refusal(repeat('(', 101) || '.' || repeat(')', 101));
SELECT public.sequence_refusal(repeat('(?1)', 4097));
SELECT public.sequence_refusal(repeat('(', 100) || '.' || repeat(')', 100)), public.sequence_refusal(repeat('(?1)', 4000));
\pset tuples_only off
\pset format aligned

-- Different patterns, and different numbers of conditions, in one group.
SELECT sequence_match(pattern, at, true) FROM (VALUES ('(?1)', now()), ('(?1).*', now())) AS v(pattern, at);
SELECT sequence_match('(?1)', at, VARIADIC met) FROM (VALUES (now(), ARRAY[true]), (now(), ARRAY[false, false])) AS v(at, met);
SELECT sequence_match('(?1)', now(), VARIADIC ARRAY[[true]]);
SELECT sequence_match('(?1)', now(), VARIADIC '{}'::boolean[]);
SELECT sequence_match('(?1)', 'infinity', true);
SELECT sequence_match('(?1)', '-infinity', false);
SELECT sequence_match('(?65)', now(), VARIADIC array_fill(true, ARRAY[64]));

-- All times that there are: distances beyond what a duration can say, and microseconds.
SELECT sequence_match('(?1)(?t>=106751991 days)(?2)', at, a, b) AS far, sequence_match('(?1)(?t<=106751991 days)(?2)', at, a, b) AS near,
       sequence_count('(?1)|(?2)', at, a, b) AS count, sequence_match_events('(?1)(?2)', at, a, b) AS events
FROM (VALUES (timestamptz '4714-11-24 00:00:00Z BC', true, false), ('294276-12-31 23:59:59.999999Z', false, true)) AS v(at, a, b);
SELECT sequence_match('(?1)(?t==1 us)(?2)', at, a, b), sequence_match('(?1)(?t==2 us)(?2)', at, a, b)
FROM (VALUES (timestamptz '2024-01-01 00:00:00.000001Z', true, false), ('2024-01-01 00:00:00.000002Z', false, true)) AS v(at, a, b);

-- More than 64 conditions.
SELECT sequence_match('(?1).*(?70)(?200)', at, VARIADIC met), sequence_count('(?70)|(?200)', at, VARIADIC met)
FROM (SELECT timestamptz '2024-01-01Z' + g * interval '1 hour' AS at,
             (SELECT array_agg(i = g OR i = 131 ORDER BY i) FROM generate_series(1, 200) AS i) AS met
      FROM unnest(ARRAY[1, 70, 200]) AS g) AS r;

-- Any row but, the beginning and the end: of the rows that a condition holds for.
SELECT pattern, story, l.* FROM (VALUES
	('!(?1)', 'aab'), ('(?1)!(?2)(?3)', 'abcaac'), ('!((?1)|(?2))', 'abBxc'), ('(?1)!(?2)*$', 'abac'), ('(?1)!(?2)*$', 'acb'), ('^(?1)', 'xab'), ('^(?2)', 'ab'), ('^!(?2)*$', 'aca'), ('^!(?2)*$', 'xxx'), ('^!(?2)*$', 'b'),
	('^.*(?2)within 1 s', 'xab'), ('^.*(?2)within 1 s', 'aab'), ('(?1)(?t<=1)(?2)$', 'acb'), ('(?1)(?t<=2)(?2)$', 'acb'), ('(?1)(?t>=1).*$', 'ab'), ('((?1)|$)((?2)|$)', 'ab')) AS v(pattern, story),
	LATERAL public.look(pattern, story) AS l;
SELECT public.look('(?1)$(?2)', 'ab');
SELECT sequence_match('(?1)!(?200)*$', at, VARIADIC met) AS never, sequence_match('(?1)!(?150)*$', at, VARIADIC met) AS never_150
FROM (SELECT timestamptz '2024-01-01Z' + g * interval '1 hour' AS at, (SELECT array_agg(i = g ORDER BY i) FROM generate_series(1, 200) AS i) AS met
      FROM unnest(ARRAY[1, 70, 200]) AS g) AS r;
-- No row at all, and none that counts.
SELECT sequence_match('^!(?1)*$', at, a), sequence_match('^!(?1)*$', NULL, a) FROM (VALUES (now(), false)) AS v(at, a);

-- The same for any order and any split: as a window aggregate, and against itself turned round.
SELECT n, sequence_match('(?1)(?t>=2)(?2)', at, a, b, c) OVER w AS match, sequence_count('(?1)|(?2)', at, a, b, c) OVER w AS count
FROM public.letters('abcab') WINDOW w AS (ORDER BY n);
CREATE TABLE public.sequence_rows AS
	SELECT i % 500 AS customer, timestamptz '2024-01-01Z' + (i * 7919 % 10007) * interval '1 second' AS at,
	       i % 7 AS k FROM generate_series(1, 20000) AS i;
CREATE VIEW public.sequence_answers AS
	SELECT customer, sequence_count('(?1).*((?2)|(?3))(?t<=20 min)(?1)', at, k = 0, k = 1, k = 2) AS count,
	       sequence_match_events('(?1)+(?2).*(?3)', at, k = 0, k = 1, k = 2) AS events
	FROM public.sequence_rows GROUP BY customer;
SELECT count(*), sum(count), sum(cardinality(events)) FROM public.sequence_answers;
CREATE TABLE public.sequence_serial AS TABLE public.sequence_answers;
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET max_parallel_workers_per_gather = 2;
SET enable_hashagg = off;
SELECT count(*) FROM (TABLE public.sequence_answers EXCEPT TABLE public.sequence_serial) AS differ;
SELECT sequence_count('(?1).*((?2)|(?3))(?t<=20 min)(?1)', at, k = 0, k = 1, k = 2) FROM public.sequence_rows;
SET max_parallel_workers_per_gather = 0;
SELECT sequence_count('(?1).*((?2)|(?3))(?t<=20 min)(?1)', at, k = 0, k = 1, k = 2) FROM public.sequence_rows;
RESET ALL;
SET search_path = cjm, public;

-- Patterns that explode a matcher that tries one way after the other.
CREATE TEMPORARY TABLE million AS SELECT timestamptz '2024-01-01Z' + i * interval '1 second' AS at FROM generate_series(1, 1000000) AS i;
SELECT sequence_match('((?1)*)*(?2)', at, true, false) AS stars,
       sequence_match('((?1)|(?1))*((?1)|.)*(?2)', at, true, false) AS choices,
       sequence_match('((?1)?){15}(?1){15}(?2)', at, true, false) AS options,
       sequence_match('(?1).*(?1).*(?1).*(?1).*(?1).*(?2)', at, true, false) AS spaces,
       sequence_match('^(!(?2)*(?1))*!(?2)*$', at, true, false) AS barred,
       sequence_match('(?1)(?t<=100000)(?1)(?t>=10)(?1)(?t!=7)(?1)(?t==100000)(?2)', at, true, false) AS gates,
       sequence_count('((?1)(?t<=100000))*(?2)|(?1)(?t==5)(?1)', at, true, false) AS count
FROM million;

-- A match is told row by row within 256 MB, and otherwise not at all.
SELECT cardinality(sequence_match_events('(?1){1000}(?2)', at, true, at = '2024-01-01 00:30Z')) AS matched FROM million WHERE at < '2024-01-01 01:00Z';
SELECT sequence_match_events('(?1){1000}(?2)', at, true, false) FROM million WHERE at < '2024-01-01 12:00Z';
