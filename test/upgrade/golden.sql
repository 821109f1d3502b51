-- Prints, as SQL, values of every stored type with their bytes in storage and on the wire, their text and what they say.  Run by
-- the version whose formats are to be read for ever, in a new database:
--
--   test/cluster.sh psql -X -q -f test/upgrade/golden.sql >test/upgrade/golden_VERSION.sql
--
-- test/t/015_golden.pl reads such files with every later version.
SET TimeZone = 'UTC';
CREATE EXTENSION cjm;
\ir reading.sql
CREATE CAST (cjm.journey AS bytea) WITHOUT FUNCTION;
CREATE CAST (cjm.funnel AS bytea) WITHOUT FUNCTION;
CREATE CAST (cjm.funnel_stats AS bytea) WITHOUT FUNCTION;
CREATE CAST (cjm.journey_pattern AS bytea) WITHOUT FUNCTION;

CREATE TABLE journeys (n integer, name text, v cjm.journey);
INSERT INTO journeys VALUES
	(1, 'empty', '{}'),
	(2, 'one', '{2026-01-01T00:00:00Z a}'),
	(3, 'same time', '{2026-01-01T00:00:00Z a, 2026-01-01T00:00:00Z b, 2026-01-01T00:00:00Z a}'),
	(4, 'minutes', '{2026-01-01T00:00:00Z a@email, 2026-01-01T04:15:00Z b}'),
	(5, 'seconds', '{2026-01-01T00:00:00Z a@email=1, 2026-01-01T00:00:07Z b@ads=2.5, 2026-01-01T19:00:01Z "c d"@email=-3}'),
	(6, 'milliseconds', '{1999-12-31T23:59:59.999Z a=1, 2000-01-01T00:00:00Z b}'),
	(7, 'microseconds', '{2026-01-01T00:00:00.000001Z a, 2026-01-01T00:00:00.000002Z a@b, 2026-02-01T00:00:00Z a@b=0}'),
	(8, 'ends of time', '{-4713-11-24T00:00:00Z first, +294276-12-31T23:59:59.999999Z last=NaN}'),
	(9, 'numbers', '{2026-01-01T00:00:00Z a=Infinity, 2026-01-02T00:00:00Z a=-Infinity, 2026-01-03T00:00:00Z a=0.1, 2026-01-04T00:00:00Z a=-2.5e-300, 2026-01-05T00:00:00Z a=1e22}'),
	(10, 'labels', '{2026-01-01T00:00:00Z "say ""hi"" 🛒"@"наружная реклама"=-2.5e-300, 2026-01-01T00:00:01Z "жизнь, {}"@"@ ="}');
INSERT INTO journeys SELECT 11, 'many events', cjm.journey_agg('2026-01-01Z'::timestamptz + i * interval '17 s', 'e' || i) FROM generate_series(1, 260) i;
INSERT INTO journeys SELECT 12, 'many channels', cjm.journey_agg('2026-01-01Z'::timestamptz + i * interval '1 h', 'e', 'c' || i) FROM generate_series(1, 260) i;
INSERT INTO journeys SELECT 13, 'years', cjm.journey_agg('1900-01-01Z'::timestamptz + i * interval '1000 days' + i * interval '1 us', 'e' || i % 3, CASE WHEN i % 2 = 0 THEN 'c' END,
	CASE WHEN i % 3 = 0 THEN i / 8.0 END) FROM generate_series(1, 40) i;

CREATE TABLE funnels (n integer, name text, v cjm.funnel);
INSERT INTO funnels VALUES
	(1, 'plain', 'a -> b -> c'),
	(2, 'one stage', 'a'),
	(3, 'limited', 'start: a | b -> "to pay": c@ads -> d within 30 days'),
	(4, 'optional', 'a -> optional b [2 days] -> *@ads [1.5 hours] within 12 h'),
	(5, 'excluding', 'a -> b -> c within 1 week excluding x | d@email'),
	(6, 'strict', 'a -> b -> c strict'),
	(7, 'unordered', 'b -> "жизнь" -> a unordered within 1 hour'),
	(8, 'any', '* -> *@email -> "say ""hi"""@"наружная реклама"');

CREATE TABLE patterns (n integer, name text, v cjm.journey_pattern);
INSERT INTO patterns VALUES
	(1, 'plain', 'a b'), (2, 'any', 'a .* c'), (3, 'times', 'a (?t<=60 min) b (?t>1 s) c'), (4, 'repeated', 'a+ (b | c){2,4} d? a*'), (5, 'channels', '*@email c@ads'),
	(6, 'labels', '"say ""hi""" | "жизнь"'), (7, 'what was a label', 'a$ b');

CREATE TABLE stats (n integer, name text, v cjm.funnel_stats);
INSERT INTO stats SELECT f.n * 10, 'of nobody, ' || f.name, cjm.funnel_stats(f.v) FROM funnels f;
INSERT INTO stats SELECT f.n * 10 + 1, f.name, cjm.funnel_agg(j.v, f.v) FROM funnels f CROSS JOIN (
	SELECT cjm.journey_agg('2026-01-01Z'::timestamptz + (hashint4(c * 7 + i) & 1048575) * interval '1 s', (ARRAY['a', 'b', 'c', 'd', 'x', 'жизнь'])[1 + (hashint4(c + 31 * i) & 255) % 6],
		(ARRAY['email', 'ads', NULL])[1 + (hashint4(c * i) & 255) % 3]) AS v
	FROM generate_series(1, 60) c CROSS JOIN generate_series(1, 8) i GROUP BY c) j GROUP BY f.n, f.name;
INSERT INTO stats VALUES (90, 'microseconds and years', (SELECT cjm.funnel_agg(j, 'a -> b') FROM (VALUES
	('{2026-01-01T00:00:00Z a, 2026-01-01T00:00:00.000001Z b}'::cjm.journey), ('{1900-01-01T00:00:00Z a, 2026-01-01T00:00:00.000001Z b}'), ('{1900-01-01T00:00:00Z a}')) x(j)));

\pset tuples_only on
\pset format unaligned
\echo '-- Written by test/upgrade/golden.sql, never changed again: type, number, name, bytes in storage, on the wire, text, and what it says.'
SELECT format(E'INSERT INTO golden VALUES (%L, %s, %L,\n\t%L,\n\t%L,\n\t%L,\n\t%L);', g.type, g.n, g.name, g.stored, g.sent, g.written,
	CASE WHEN length(g.says) > 1000 THEN 'md5 ' || md5(g.says) ELSE g.says END)
FROM (
	SELECT 'journey' AS type, n, name, v::bytea AS stored, cjm_internal.journey_send(v) AS sent, v::text AS written, reading(v) AS says FROM journeys
	UNION ALL SELECT 'funnel', n, name, v::bytea, cjm_internal.funnel_send(v), v::text, reading(v) FROM funnels
	UNION ALL SELECT 'funnel_stats', n, name, v::bytea, cjm_internal.funnel_stats_send(v), v::text, reading(v) FROM stats
	UNION ALL SELECT 'journey_pattern', n, name, v::bytea, cjm_internal.journey_pattern_send(v), v::text, reading(v) FROM patterns) g
ORDER BY array_position('{journey,funnel,funnel_stats,journey_pattern}'::text[], g.type), g.n;
-- The order that a btree index has them in, and what a table of them holds in its generated columns.
SELECT format('INSERT INTO golden_order VALUES (%L, %L);', 'journey', (SELECT string_agg(n::text, ',' ORDER BY v) FROM journeys));
SELECT format('INSERT INTO golden_order VALUES (%L, %L);', 'funnel', (SELECT string_agg(n::text, ',' ORDER BY v) FROM funnels));
