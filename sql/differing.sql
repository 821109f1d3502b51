SET search_path = cjm, public;

-- The same keys on both sides, in any order, leave nothing, and those on one side alone are found.
CREATE FUNCTION missed(keys text, one_more text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	same boolean;
	found bigint;
	others bigint;
BEGIN
	EXECUTE format('WITH k AS MATERIALIZED (SELECT %1$s AS key FROM generate_series(1, 2000) n), s AS MATERIALIZED (SELECT (random() * 1e15)::bigint AS seed),
		u AS MATERIALIZED (SELECT k.key, true AS written FROM k UNION ALL SELECT k.key, false FROM k),
		p AS MATERIALIZED (SELECT (SELECT cjm_internal.differing_agg(u.key, u.written, s.seed) FROM u, s) IS NULL AS same,
			(SELECT cjm_internal.differing_agg(w.key, w.written, s.seed) FROM (SELECT u.* FROM u UNION ALL SELECT %2$s, true UNION ALL SELECT %3$s, false) w, s) AS places)
		SELECT p.same, (SELECT count(*) FROM (VALUES (%2$s), (%3$s)) o(key) WHERE cjm_internal.may_differ(p.places, o.key)), (SELECT count(*) FROM k WHERE cjm_internal.may_differ(p.places, k.key)) FROM p',
		keys, replace(one_more, '#', '1'), replace(one_more, '#', '2')) INTO same, found, others;
	RETURN format('same %s, found %s of 2, others %s', same, found, CASE WHEN others < 20 THEN 'few' ELSE others::text END);
END
$$;
SELECT k.type, missed(k.keys, k.one_more) FROM (VALUES
	('integer', 'n', '(-#)::integer'),
	('bigint', 'n::bigint << 33', '(-#)::bigint'),
	('text', '''customer '' || n', '''somebody else #''::text'),
	('long text', 'repeat(md5(n::text), 200)', 'repeat(md5(''other #''), 200)'),
	('name', '(''customer '' || n)::name', '''somebody else #''::name'),
	('numeric', 'n::numeric / 7', '-#.5::numeric'),
	('uuid', 'md5(n::text)::uuid', 'md5(''other #'')::uuid'),
	('array', 'ARRAY[n, n + 1]', 'ARRAY[-#, 0]')) k(type, keys, one_more);

-- Of few members everything is found, of no rows nothing is left, and NULL is nobody.
SELECT cjm_internal.differing_agg(n, true, 7) IS NULL AS nobody FROM generate_series(1, 0) n;
SELECT cjm_internal.differing_agg(NULL::text, true, 7) IS NULL AS null_is_nobody;
SELECT cjm_internal.may_differ(p.places, 1) AS one, cjm_internal.may_differ(p.places, 2) AS two, bit_count(substr(p.places, 9)) AS places, length(p.places) AS bytes
FROM (SELECT cjm_internal.differing_agg(1, true, 7) AS places) p;
SELECT cjm_internal.may_differ(NULL, 1) IS NULL AS no_places;
-- Who is taken away as often as added is nobody who differs, whoever is between.
SELECT cjm_internal.differing_agg(n % 100, n <= 100, 5) IS NULL AS same, bit_count(substr(cjm_internal.differing_agg(n, n <= 100, 5), 9)) BETWEEN 190 AND 200 AS different FROM generate_series(1, 200) n;
-- Another seed, other places.
SELECT cjm_internal.differing_agg(1, true, 7) <> cjm_internal.differing_agg(1, true, 8) AS others;

-- What is made by hand.
SELECT cjm_internal.may_differ('\x00', 1);
SELECT cjm_internal.differing_add(NULL, 1, true, 1);
SELECT cjm_internal.differing_combine(NULL, NULL);
SELECT cjm_internal.differing_final(NULL);
CREATE AGGREGATE crafted(bytea) (SFUNC = cjm_internal.differing_combine, STYPE = bytea);
SELECT crafted(b) FROM (VALUES ('\x00'::bytea), ('\x01')) v(b);
SELECT crafted(b) FROM (SELECT convert_to(repeat(s, 524296), 'SQL_ASCII') FROM (VALUES ('a'), ('b')) v(s)) w(b);
DROP AGGREGATE crafted(bytea);
DROP FUNCTION missed(text, text);
