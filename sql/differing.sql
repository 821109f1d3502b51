SET search_path = cjm, public;

-- The same keys on both sides, in any order, leave nothing, and those on one side alone are found: read, or by their places.
CREATE FUNCTION missed(keys text, one_more text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	same boolean;
	read boolean;
	places boolean;
	found bigint;
	others bigint;
BEGIN
	EXECUTE format('WITH k AS MATERIALIZED (SELECT %1$s AS key FROM generate_series(1, 2000) n), s AS MATERIALIZED (SELECT (random() * 1e15)::bigint AS seed),
		u AS MATERIALIZED (SELECT k.key, true AS written FROM k UNION ALL SELECT k.key, false FROM k),
		p AS MATERIALIZED (SELECT (SELECT cjm_internal.differing_agg(u.key, u.written, s.seed) FROM u, s) IS NULL AS same,
			(SELECT cjm_internal.differing_agg(w.key, w.written, s.seed) FROM (SELECT u.* FROM u UNION ALL SELECT %2$s, true UNION ALL SELECT %3$s, false) w, s) AS places)
		SELECT p.same, (SELECT array_agg(d.key ORDER BY d.key::text)::text = ARRAY[%2$s, %3$s]::text FROM unnest(cjm_internal.differing_keys(p.places, ARRAY[%2$s])) d(key)), cjm_internal.differing_left(p.places),
			(SELECT count(*) FROM (VALUES (%2$s), (%3$s)) o(key) WHERE cjm_internal.may_differ(p.places, o.key)), (SELECT count(*) FROM k WHERE cjm_internal.may_differ(p.places, k.key)) FROM p',
		keys, replace(one_more, '#', '1'), replace(one_more, '#', '2')) INTO same, read, places, found, others;
	RETURN format('same %s, %s', same, CASE WHEN read AND NOT places AND found + others = 0 THEN 'read' WHEN read IS NULL AND places AND found = 2 AND others < 20 THEN 'found by places'
		ELSE format('read %s, places %s, found %s, others %s', read, places, found, others) END);
END
$$;
CREATE DOMAIN whole AS integer CHECK (VALUE < 100000);
CREATE TYPE pair AS (a integer, b text);
SELECT k.type, missed(k.keys, k.one_more) FROM (VALUES
	('integer', 'n', '(-#)::integer'),
	('bigint', 'n::bigint << 33', '(-#)::bigint'),
	('smallint', '(n - 1000)::smallint', '(-#2000)::smallint'),
	('oid', 'n::oid', '4294967#::oid'),
	('text', '''customer '' || n', '''somebody else #''::text'),
	('empty text', '''c'' || n', 'repeat(''a'', # - 1)'),
	('text of 39 bytes', '''customer '' || n', 'repeat(''#'', 39)'),
	('text of 40 bytes', '''customer '' || n', 'repeat(''#'', 40)'),
	('varchar', '(''customer '' || n)::varchar(20)', '''somebody else #''::varchar(20)'),
	('char', '(''customer '' || n)::char(20)', '''somebody else #''::char(20)'),
	('domain', 'n::whole', '(-#)::whole'),
	('row', 'ROW(n, ''a'')::pair', 'ROW(-#, ''b'')::pair'),
	('float', 'n::float8 / 7', '-#.5::float8'),
	('date', 'date ''2026-01-01'' + n', 'date ''2020-01-01'' - #'),
	('long text', 'repeat(md5(n::text), 200)', 'repeat(md5(''other #''), 200)'),
	('name', '(''customer '' || n)::name', '''somebody else #''::name'),
	('numeric', 'n::numeric / 7', '-#.5::numeric'),
	('uuid', 'md5(n::text)::uuid', 'md5(''other #'')::uuid'),
	('array', 'ARRAY[n, n + 1]', 'ARRAY[-#, 0]')) k(type, keys, one_more);

-- Of few members everything is found, of no rows nothing is left, and NULL is nobody.
SELECT cjm_internal.differing_agg(n, true, 7) IS NULL AS nobody FROM generate_series(1, 0) n;
SELECT cjm_internal.differing_agg(NULL::text, true, 7) IS NULL AS null_is_nobody;
SELECT cjm_internal.differing_keys(p.places, '{}'::integer[]) AS keys, cjm_internal.differing_left(p.places) AS left, cjm_internal.may_differ(p.places, 1) AS one, bit_count(substr(p.places, 9, 4096)) AS places, length(p.places) AS bytes
FROM (SELECT cjm_internal.differing_agg(1, true, 7) AS places) p;
SELECT cjm_internal.differing_keys(p.places, '{}'::numeric[]) AS keys, cjm_internal.differing_left(p.places) AS left, cjm_internal.may_differ(p.places, 1.0) AS one, cjm_internal.may_differ(p.places, 2.0) AS two, bit_count(substr(p.places, 9, 4096)) AS places, length(p.places) AS bytes
FROM (SELECT cjm_internal.differing_agg(1.0, true, 7) AS places) p;
SELECT cjm_internal.may_differ(NULL, 1) IS NULL AS no_places, cjm_internal.differing_keys(NULL, '{}'::integer[]) IS NULL AS no_keys, cjm_internal.differing_left(NULL) IS NULL AS nothing_left;
-- Who is taken away as often as added is nobody who differs, whoever is between; who is there twice is found by places.
SELECT cjm_internal.differing_agg(n % 100, n <= 100, 5) IS NULL AS same, cardinality(cjm_internal.differing_keys(cjm_internal.differing_agg(n, n <= 100, 5), '{}'::integer[])) AS different FROM generate_series(1, 200) n;
SELECT cjm_internal.differing_keys(p.places, '{}'::integer[]) AS keys, cjm_internal.may_differ(p.places, 1) AS one FROM (SELECT cjm_internal.differing_agg(1, true, 7) AS places FROM generate_series(1, 2)) p;
-- Another seed, other places.
SELECT cjm_internal.differing_agg(1.0, true, 7) <> cjm_internal.differing_agg(1.0, true, 8) AS others;
-- Equal keys of other bytes are two that differ.
SELECT cjm_internal.differing_keys(p.places, '{}'::text[]) AS keys FROM (SELECT cjm_internal.differing_agg(v.key COLLATE "C", v.written, 7) AS places FROM (VALUES ('a', true), ('A', false)) v(key, written)) p;

-- Who is written down with another row is read twice, and found by no place; of keys that are not read there are places.
SELECT v.type, cjm_internal.differing_keys(v.places, '{}'::text[]) AS keys, cjm_internal.differing_left(v.places) AS left FROM (
	SELECT 'text' AS type, cjm_internal.differing_agg(r.key, r.written, 7, r.row) AS places FROM (VALUES ('a', true, 10), ('a', false, 11), ('b', true, 5), ('b', false, 5), ('c', false, NULL), ('d', true, NULL), ('d', false, NULL)) r(key, written, row)
	UNION ALL SELECT 'name', cjm_internal.differing_agg(r.key::name, r.written, 7, r.row) FROM (VALUES ('a', true, 10), ('a', false, 11)) r(key, written, row)
	UNION ALL SELECT 'nobody', cjm_internal.differing_agg(r.key, r.written, 7, r.row) FROM (VALUES ('a', true, 10), ('a', false, 10)) r(key, written, row)) v ORDER BY 1 DESC;
SELECT count(*) = 1998 AND count(DISTINCT k) = 999 AND bool_and(k BETWEEN 2 AND 1000) AS twice FROM (
	SELECT unnest(cjm_internal.differing_keys(cjm_internal.differing_agg(n, w, 7, CASE WHEN n <= 1000 AND w THEN 1 ELSE n END + 1::bigint), '{}'::integer[])) AS k FROM generate_series(1, 50000) n, (VALUES (true), (false)) v(w) WHERE n > 1) c;

-- Some share both their places with others and cannot be read: whoever differs is read or found by places, in any case, and of others no more than few.
CREATE FUNCTION read_of(keys text, differing integer, seed bigint, OUT read bigint, OUT by_places bigint, OUT missed bigint, OUT wrong bigint, OUT others bigint) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('WITH k AS MATERIALIZED (SELECT n, %1$s AS key FROM generate_series(1, 40000) n), p AS MATERIALIZED (
			SELECT cjm_internal.differing_agg(u.key, u.written, $2) AS places FROM (SELECT k.key, false AS written FROM k WHERE k.n > $1 / 2 UNION ALL SELECT k.key, true FROM k WHERE k.n <= $1 / 2 OR k.n > $1) u),
		r AS MATERIALIZED (SELECT unnest(cjm_internal.differing_keys(p.places, ARRAY(SELECT k.key FROM k LIMIT 0))) AS key FROM p)
		SELECT (SELECT count(*) FROM r), count(*) FILTER (WHERE k.n <= $1 AND cjm_internal.may_differ(p.places, k.key)),
			count(*) FILTER (WHERE k.n <= $1 AND NOT cjm_internal.may_differ(p.places, k.key) AND r.key IS NULL), count(*) FILTER (WHERE r.key IS NOT NULL AND k.n > $1) + (SELECT count(*) - count(DISTINCT r.key) FROM r),
			count(*) FILTER (WHERE k.n > $1 AND cjm_internal.may_differ(p.places, k.key)) FROM p CROSS JOIN k LEFT JOIN r ON r.key = k.key', keys)
		INTO read, by_places, missed, wrong, others USING differing, seed;
END
$$;
SELECT d.differing, count(*) FILTER (WHERE r.by_places = 0) > 0 AS all_read, count(*) FILTER (WHERE r.by_places > 0) > 0 AS not_all, sum(r.missed) AS missed, sum(r.wrong) AS wrong, max(r.others) < 20 AS few_others
FROM (VALUES ('n * 7'), ('n::bigint << 30'), ('''customer '' || n'), ('md5(n::text)::uuid')) k(keys) CROSS JOIN (VALUES (100, 3), (5000, 24)) d(differing, seeds)
	CROSS JOIN LATERAL generate_series(1, d.seeds) s(seed) CROSS JOIN LATERAL read_of(k.keys, d.differing, s.seed) r
GROUP BY 1 ORDER BY 1;
-- Of so many that all share places some are read, and nobody is missed.
SELECT k.keys, r.read > 0 AS some_read, r.by_places > 0 AS not_all, r.missed, r.wrong FROM (VALUES ('n'), ('''customer '' || n')) k(keys), read_of(k.keys, 40000, 3) r;

-- What is made by hand.
SELECT cjm_internal.may_differ('\x00', 1);
SELECT cjm_internal.differing_add(NULL, 1, true, 1);
SELECT cjm_internal.differing_combine(NULL, NULL);
SELECT cjm_internal.differing_final(NULL);
CREATE AGGREGATE crafted(bytea) (SFUNC = cjm_internal.differing_combine, STYPE = bytea);
SELECT crafted(b) FROM (VALUES ('\x00'::bytea), ('\x01')) v(b);
SELECT crafted(b) FROM (SELECT decode(repeat(s, 8) || repeat('00', 262152), 'hex') FROM (VALUES ('61'), ('62')) v(s)) w(b);
-- Places with a key that is in one of its two alone are taken as often as there are places, and sums that are no key's are none.
CREATE AGGREGATE crafted_final(bytea) (SFUNC = cjm_internal.differing_combine, STYPE = bytea, FINALFUNC = cjm_internal.differing_final);
CREATE AGGREGATE state_of("any", boolean, bigint) (SFUNC = cjm_internal.differing_add, STYPE = bytea);
WITH s AS MATERIALIZED (SELECT state_of(72340172838076673, true, 7) AS state), e AS (SELECT state, position(decode(repeat('01', 8), 'hex') IN state) AS at FROM s)
SELECT cardinality(cjm_internal.differing_keys(p.places, '{}'::bigint[])) AS keys FROM (SELECT crafted_final(overlay(e.state PLACING decode(repeat('00', 16), 'hex') FROM e.at - 8)) AS places FROM e) p;
SELECT cjm_internal.differing_keys(crafted_final(b), '{}'::integer[]) FROM (SELECT substr(state_of(1, true, 7), 1, 16) || decode(repeat('61', 524288), 'hex')) w(b);
SELECT cjm_internal.differing_keys(crafted_final(b), '{}'::text[]) FROM (SELECT substr(state_of('one'::text, true, 7), 1, 16) || decode(repeat('ff', 1572864), 'hex')) w(b);
SELECT crafted(b) FROM (SELECT state_of(1, true, 7) UNION ALL SELECT state_of(1.0, true, 7)) w(b);
SELECT crafted(b) FROM (SELECT decode(repeat('00', 8) || repeat(n, 8) || repeat('00', 262144), 'hex') FROM (VALUES ('00'), ('01')) v(n)) w(b);
SELECT cjm_internal.differing_keys('\x00', '{}'::integer[]);
SELECT cjm_internal.differing_left('\x00');
SELECT cjm_internal.differing_keys(decode(repeat('00', 4105), 'hex'), '{}'::integer[]);
SELECT cjm_internal.differing_keys(decode(repeat('00', 4112), 'hex'), '{}'::numeric[]);
SELECT cjm_internal.differing_keys(decode(repeat('00', 4104) || repeat('ff', 8), 'hex'), '{}'::smallint[]);
SELECT cjm_internal.differing_keys(decode(repeat('00', 4104) || repeat('61', 38) || '0026', 'hex'), '{}'::text[]);
SELECT cjm_internal.differing_keys(decode(repeat('00', 4104) || repeat('61', 39) || '26', 'hex'), '{}'::text[]);
SELECT cjm_internal.differing_keys(decode(repeat('00', 4104) || repeat('ff', 38) || '0026', 'hex'), '{}'::text[]);
SELECT cjm_internal.differing_keys(decode(repeat('00', 4104) || repeat('61', 39) || '28', 'hex'), '{}'::text[]);
SELECT cjm_internal.may_differ(decode(repeat('00', 4104), 'hex'), NULL) IS NULL AS nobody;
DROP AGGREGATE crafted(bytea), crafted_final(bytea), state_of("any", boolean, bigint);
DROP FUNCTION missed(text, text), read_of(text, integer, bigint);
DROP DOMAIN whole;
DROP TYPE pair;
