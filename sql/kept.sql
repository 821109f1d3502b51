-- Kept journeys
\set VERBOSITY terse
SET search_path = public, cjm;
SET TimeZone = 'UTC';

-- How a map stands, and how many customers its views say something else of than its rows do.
CREATE FUNCTION public.stands(map text, OUT state text, OUT reason text, OUT customers bigint, OUT touchpoints bigint, OUT changes bigint, OUT different bigint)
LANGUAGE plpgsql AS $$
BEGIN
	SELECT k.state, k.reason, k.customers, k.touchpoints, k.changes INTO state, reason, customers, touchpoints, changes FROM cjm.kept(map) k;
	SELECT count(*) INTO different FROM cjm.check_journeys(map);
END $$;

CREATE TABLE public.orders (id serial PRIMARY KEY, who text, at timestamptz, what text, via text, amount numeric, land text, note text);
INSERT INTO orders (who, at, what, via, amount, land)
SELECT 'c' || i % 5, timestamptz '2026-01-01Z' + i * interval '1 hour', (ARRAY['view', 'cart', 'pay', 'robot'])[1 + i % 4], (ARRAY['ads', '', NULL])[1 + i % 3], nullif(i % 3, 0), (ARRAY['LV', 'EE', NULL, ''])[1 + i % 4]
FROM generate_series(1, 40) i;
SELECT create_map('kshop', 'orders', 'who', 'at', 'what', 'view -> cart -> pay within 7 days', channel => 'via', value => 'amount', segment => 'land',
	segment_at => 'last', filter => 'what <> ''robot''');
SELECT count(*) FROM kept('kshop');
SELECT refresh_journeys('kshop');
SELECT unkeep_journeys('kshop');
SELECT keep_journeys('kshop');
SELECT * FROM stands('kshop');
SELECT refresh_journeys('kshop');
SELECT * FROM stands('kshop');
SELECT keep_journeys('kshop');

-- What comes and goes
INSERT INTO orders (who, at, what, via, amount, land) VALUES ('c1', '2026-02-01Z', 'view', 'ads', 3, 'LT'), ('new', '2026-02-01Z', 'view', '', NULL, NULL), (NULL, '2026-02-01Z', 'view', '', NULL, NULL),
	('c1', '2026-02-01Z', 'robot', NULL, NULL, 'no'), ('c1', NULL, 'view', NULL, NULL, 'no'), ('c1', '2026-02-01Z', '', NULL, NULL, 'no'), ('c1', '2026-02-01Z', NULL, NULL, NULL, 'no');
SELECT customer, at, event, channel, value, segment, removed, now() - written_at < interval '1 hour' AND written_at <= now() AS lately FROM kshop.kept_changes ORDER BY customer;
SELECT k.oldest_change = (SELECT min(g.written_at) FROM kshop.kept_changes g) AS oldest FROM cjm.kept('kshop') k;
SELECT * FROM stands('kshop');
-- Other columns are nothing to write down; a filter lets rows in and out.
UPDATE orders SET note = 'seen';
SELECT * FROM stands('kshop');
UPDATE orders SET what = CASE what WHEN 'robot' THEN 'view' ELSE 'robot' END WHERE who = 'c2' AND what IN ('robot', 'pay');
UPDATE orders SET who = 'c0', amount = -0.0 WHERE id = 1;
UPDATE orders SET land = 'ZZ' WHERE id BETWEEN 30 AND 35;
DELETE FROM orders WHERE who = 'c3';
SELECT * FROM stands('kshop');
COPY orders (who, at, what, via, amount, land) FROM STDIN;
c4	2026-02-02Z	pay	mail	NaN	LV
c4	2026-02-02Z	pay	mail	NaN	LV
\.
INSERT INTO orders (id, who, at, what) VALUES (2, 'c9', '2026-02-03Z', 'pay'), (1000, 'c9', '2026-02-03Z', 'pay') ON CONFLICT (id) DO UPDATE SET who = excluded.who, at = excluded.at;
MERGE INTO orders o USING (VALUES (4, 'gone'), (5, 'moved'), (1001, 'merged')) v(id, who) ON o.id = v.id
	WHEN MATCHED AND v.who = 'gone' THEN DELETE WHEN MATCHED THEN UPDATE SET who = v.who WHEN NOT MATCHED THEN INSERT (id, who, at, what) VALUES (v.id, v.who, '2026-02-04Z', 'view');
WITH d AS (DELETE FROM orders WHERE id = 6 RETURNING *), i AS (INSERT INTO orders (who, at, what) SELECT 'w', at, 'pay' FROM d RETURNING 1), u AS (UPDATE orders SET what = 'cart' WHERE id = 7 RETURNING 1)
INSERT INTO orders (who, at, what) SELECT 'w', '2026-02-05Z', 'view' FROM i, u;
SELECT * FROM stands('kshop');
BEGIN;
SAVEPOINT a;
INSERT INTO orders (who, at, what) VALUES ('never', '2026-02-06Z', 'view');
SELECT different FROM stands('kshop');
SELECT refresh_journeys('kshop') LIKE '% changes folded' AS folded;
SELECT state, changes, different FROM stands('kshop');
ROLLBACK TO a;
SELECT state, changes > 1 AS waiting, different FROM stands('kshop');
RELEASE a;
SELECT state, changes > 1 AS waiting, different FROM stands('kshop');
COMMIT;
-- The order of segments: LV, and then what is smaller
SELECT customer, segment FROM kshop.journeys ORDER BY 1;
CREATE TEMPORARY TABLE before AS TABLE kshop.journeys;
SELECT refresh_journeys('kshop');
SELECT * FROM stands('kshop');
SELECT count(*) AS other FROM (TABLE kshop.journeys EXCEPT ALL TABLE before) d;
SELECT step, customers FROM kshop.funnel;
-- The role that replication has fires other triggers.
SET session_replication_role = replica;
INSERT INTO orders (who, at, what, land) VALUES ('r', '2026-02-06Z', 'view', 'LV'), ('r', '2026-02-07Z', 'cart', 'EE');
UPDATE orders SET at = at + interval '1 second', land = 'LT' WHERE who = 'r';
UPDATE orders SET note = 'r' WHERE who = 'r';
DELETE FROM orders WHERE who = 'r' AND what = 'cart';
RESET session_replication_role;
SELECT * FROM stands('kshop');
SELECT refresh_journeys('kshop');

-- What triggers do not see
TRUNCATE orders;
SELECT * FROM stands('kshop');
SELECT refresh_journeys('kshop');
SELECT * FROM stands('kshop');
SELECT refresh_journeys('kshop');
INSERT INTO orders (who, at, what, land) SELECT 'c' || i % 5, timestamptz '2026-01-01Z' + i * interval '1 hour', 'view', 'LV' FROM generate_series(1, 10) i;
SELECT * FROM stands('kshop');
SELECT finding, meaning FROM check_map('kshop') WHERE finding = 'kept journeys';
ALTER TABLE orders DISABLE TRIGGER ALL;
INSERT INTO orders (who, at, what, land) VALUES ('unseen', '2026-02-06Z', 'view', 'LV');
SELECT * FROM stands('kshop');
ALTER TABLE orders ENABLE TRIGGER ALL;
SELECT * FROM stands('kshop');
SELECT finding, meaning FROM check_map('kshop') WHERE finding = 'kept journeys';
SELECT refresh_journeys('kshop');
SELECT refresh_journeys('kshop');
SELECT * FROM stands('kshop');
-- Names do not matter.
ALTER TABLE orders RENAME who TO customer;
ALTER TABLE orders RENAME TO purchases;
ALTER TABLE kshop.kept_changes RENAME TO renamed;
ALTER SCHEMA kshop RENAME TO "k ""shop""";
INSERT INTO purchases (customer, at, what, land) VALUES ('after', '2026-02-06Z', 'view', 'LV');
SELECT count(*) FROM "k ""shop""".journeys WHERE customer = 'after';
ALTER TABLE "k ""shop""".renamed RENAME TO kept_changes;
ALTER SCHEMA "k ""shop""" RENAME TO kshop;
SELECT * FROM stands('kshop');
ALTER TABLE purchases ADD COLUMN more text DEFAULT 'x', DROP COLUMN note;
INSERT INTO purchases (customer, at, what, land) VALUES ('after', '2026-02-06Z', 'cart', 'LV');
SELECT state, different FROM stands('kshop');
-- A store that does not hold what goes is built anew.
DELETE FROM kshop.kept_journeys;
DELETE FROM purchases WHERE customer = 'c1';
SELECT count(*) FROM kshop.journeys;
SELECT refresh_journeys('kshop');
SELECT * FROM stands('kshop');
-- A map that is made anew keeps what is right.
SELECT create_map('kshop', 'purchases', 'customer', 'at', 'what', 'view -> pay', channel => 'via', value => 'amount', segment => 'land', segment_at => 'last', filter => 'what <> ''robot''', replace => true);
SELECT * FROM stands('kshop');
-- And not another segment.
SELECT create_map('kshop', 'purchases', 'customer', 'at', 'what', 'view -> pay', channel => 'via', value => 'amount', segment => 'land', segment_at => 'first', filter => 'what <> ''robot''', replace => true);
SELECT * FROM stands('kshop');
SELECT create_map('kshop', 'purchases', 'customer', 'at', 'what', 'view -> pay', channel => 'via', value => 'amount', segment => 'land', filter => 'what <> ''view''', replace => true);
SELECT * FROM stands('kshop');
INSERT INTO purchases (customer, at, what, land) VALUES ('again', '2026-02-06Z', 'cart', 'LV');
SELECT refresh_journeys('kshop');
SELECT refresh_journeys('kshop');
SELECT * FROM stands('kshop');
SELECT create_map('kshop', 'purchases', 'customer', 'at', 'what', 'view -> pay', channel => 'via', value => 'amount', segment => 'current_user', replace => true);
SELECT state, different FROM stands('kshop');
SELECT unkeep_journeys('kshop');
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'purchases'::regclass;
SELECT count(*) FROM kept('kshop');
SELECT relname FROM pg_class WHERE relnamespace = 'kshop'::regnamespace AND relname LIKE 'kept%';
SELECT create_map('kshop', 'purchases', 'customer', 'at', 'what', 'view -> pay', replace => true, keep => true);
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'purchases'::regclass;
SELECT drop_map('kshop');
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'purchases'::regclass;
DROP TABLE purchases;

-- What cannot be read does not stop who writes.
CREATE TABLE public.raw (who text, ms text, what text);
SELECT create_map('kraw', 'raw', 'who', 'to_timestamp(ms::bigint / 1000.0)', 'what', 'view -> pay', keep => true);
SELECT refresh_journeys('kraw');
INSERT INTO raw VALUES ('a', '1767225600000', 'view'), ('a', '1767225601000', 'pay');
SELECT * FROM stands('kraw');
BEGIN;
INSERT INTO raw VALUES ('b', 'n/a', 'view');
SELECT state, reason FROM kept('kraw');
SELECT * FROM kraw.journeys;
ROLLBACK;
SELECT * FROM stands('kraw');
INSERT INTO raw VALUES ('b', 'n/a', 'view');
SELECT refresh_journeys('kraw');
DELETE FROM raw WHERE ms = 'n/a';
SELECT state, reason, changes FROM kept('kraw');
SELECT refresh_journeys('kraw');
SELECT * FROM stands('kraw');
INSERT INTO raw VALUES ('c', '1767225600000', repeat('x', 5000));
SELECT reason FROM kept('kraw');
SELECT refresh_journeys('kraw');
SELECT drop_map('kraw');
DROP TABLE raw;

-- What changes behind an expression
CREATE TYPE public.kind AS ENUM ('view', 'pay');
CREATE FUNCTION public.shown(text) RETURNS text IMMUTABLE STRICT LANGUAGE sql RETURN upper($1);
CREATE TABLE public.kinds (who int, at timestamp, what kind, land text);
INSERT INTO kinds VALUES (1, '2026-01-01', 'view', 'lv'), (1, '2026-01-02', 'pay', 'lv');
SELECT create_map('kkind', 'kinds', 'who', 'at', 'what', 'view -> pay', segment => 'shown(land)', time_zone => 'Europe/Riga', keep => true);
SELECT refresh_journeys('kkind');
INSERT INTO kinds VALUES (2, '2026-01-01', 'view', 'ee');
SELECT * FROM stands('kkind');
TABLE kkind.journeys ORDER BY 1;
CREATE OR REPLACE FUNCTION public.shown(text) RETURNS text IMMUTABLE STRICT LANGUAGE sql RETURN lower($1);
SELECT * FROM stands('kkind');
SELECT refresh_journeys('kkind');
SELECT refresh_journeys('kkind');
ALTER TYPE kind RENAME VALUE 'view' TO 'seen';
SELECT * FROM stands('kkind');
SELECT refresh_journeys('kkind');
SELECT refresh_journeys('kkind');
ALTER TABLE kinds ENABLE ROW LEVEL SECURITY;
SELECT * FROM stands('kkind');
SELECT refresh_journeys('kkind');
ALTER TABLE kinds DISABLE ROW LEVEL SECURITY;
SELECT * FROM stands('kkind');
CREATE TABLE public.more_kinds () INHERITS (kinds);
INSERT INTO more_kinds VALUES (3, '2026-01-01', 'seen', 'lt');
SELECT * FROM stands('kkind');
SELECT refresh_journeys('kkind');
DROP TABLE more_kinds;
SELECT * FROM stands('kkind');
SELECT drop_map('kkind');
DROP TABLE kinds;

-- Partitions, one with its columns in another order
CREATE TABLE public.parts (who int, at timestamptz, what text, land text) PARTITION BY RANGE (at);
CREATE TABLE public.parts_1 PARTITION OF parts FOR VALUES FROM ('2026-01-01Z') TO ('2026-02-01Z');
CREATE TABLE public.parts_2 (land text, gone int, what text, at timestamptz, who int);
ALTER TABLE parts_2 DROP gone;
ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES FROM ('2026-02-01Z') TO ('2026-03-01Z');
INSERT INTO parts SELECT i % 7, timestamptz '2026-01-01Z' + i * interval '1 day', 'view', 'LV' FROM generate_series(0, 50) i;
SELECT create_map('kpart', 'parts', 'who', 'at', 'what', 'view -> pay', segment => 'land', keep => true);
SELECT refresh_journeys('kpart');
INSERT INTO parts_2 (who, at, what, land) VALUES (1, '2026-02-10Z', 'pay', 'EE');
INSERT INTO parts VALUES (2, '2026-02-10Z', 'pay', 'EE'), (2, '2026-01-10Z', 'pay', 'EE');
UPDATE parts SET at = at + interval '31 days' WHERE at < '2026-01-10Z';
UPDATE parts_2 SET what = 'pay' WHERE who = 3;
DELETE FROM parts_1 WHERE who = 4;
SET session_replication_role = replica;
INSERT INTO parts_2 (who, at, what, land) VALUES (8, '2026-02-10Z', 'pay', 'EE');
UPDATE parts SET at = at + interval '10 days' WHERE at BETWEEN '2026-01-28Z' AND '2026-02-05Z';
RESET session_replication_role;
SELECT * FROM stands('kpart');
-- A partition that never had a row is taken in.
CREATE TABLE public.parts_3 PARTITION OF parts FOR VALUES FROM ('2026-03-01Z') TO ('2026-04-01Z');
SELECT * FROM stands('kpart');
SELECT refresh_journeys('kpart');
SELECT * FROM stands('kpart');
INSERT INTO parts_3 VALUES (1, '2026-03-10Z', 'pay', 'EE');
SELECT * FROM stands('kpart');
CREATE TABLE public.parts_4 (LIKE parts);
INSERT INTO parts_4 VALUES (1, '2026-04-10Z', 'pay', 'LV');
ALTER TABLE parts ATTACH PARTITION parts_4 FOR VALUES FROM ('2026-04-01Z') TO ('2026-05-01Z');
SELECT * FROM stands('kpart');
SELECT refresh_journeys('kpart');
SELECT refresh_journeys('kpart');
SELECT * FROM stands('kpart');
TRUNCATE parts_3;
SELECT * FROM stands('kpart');
SELECT refresh_journeys('kpart');
SELECT refresh_journeys('kpart');
ALTER TABLE parts DETACH PARTITION parts_1;
SELECT * FROM stands('kpart');
INSERT INTO parts_1 VALUES (1, '2026-01-10Z', 'pay', 'LV');
SELECT refresh_journeys('kpart');
INSERT INTO parts_1 VALUES (1, '2026-01-10Z', 'pay', 'LV');
SELECT refresh_journeys('kpart');
INSERT INTO parts_1 VALUES (1, '2026-01-10Z', 'pay', 'LV');
SELECT * FROM stands('kpart');
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'parts_1'::regclass;
ALTER TABLE parts ATTACH PARTITION parts_1 FOR VALUES FROM ('2026-01-01Z') TO ('2026-02-01Z');
SELECT * FROM stands('kpart');
SELECT refresh_journeys('kpart');
SELECT refresh_journeys('kpart');
SELECT * FROM stands('kpart');
SELECT drop_map('kpart');
DROP TABLE parts;

-- What came and went again between two refreshes: a partition that took rows, or a child; and what the source was a part of
SET client_min_messages = error;
CREATE TABLE public.parts (who int, at timestamptz, what text) PARTITION BY RANGE (at);
CREATE TABLE public.parts_1 PARTITION OF parts FOR VALUES FROM ('2026-01-01Z') TO ('2026-02-01Z') PARTITION BY HASH (who);
CREATE TABLE public.parts_1a PARTITION OF parts_1 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
INSERT INTO parts VALUES (2, '2026-01-01Z', 'a');
SELECT create_map('kpart', 'parts', 'who', 'at', 'what', 'a -> b', keep => true);
SELECT refresh_journeys('kpart');
INSERT INTO parts VALUES (2, '2026-01-02Z', 'a');
CREATE TABLE public.parts_1b PARTITION OF parts_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parts VALUES (1, '2026-01-01Z', 'a'), (3, '2026-01-01Z', 'a'), (5, '2026-01-01Z', 'a'), (7, '2026-01-01Z', 'a');
DROP TABLE parts_1b;
SELECT * FROM stands('kpart');
SELECT refresh_journeys('kpart');
SELECT * FROM stands('kpart');
-- One that has not been away is taken in, whatever was written to the others meanwhile.
CREATE TABLE public.parts_2 PARTITION OF parts FOR VALUES FROM ('2026-02-01Z') TO ('2026-03-01Z');
BEGIN;
INSERT INTO parts VALUES (2, '2026-01-02Z', 'b');
SAVEPOINT a;
INSERT INTO parts VALUES (2, '2026-01-03Z', 'b');
ROLLBACK TO a;
INSERT INTO parts VALUES (2, '2026-01-03Z', 'b');
COMMIT;
SELECT reason, parts IS NOT NULL AS parts FROM kpart.kept_marks;
SELECT refresh_journeys('kpart');
SELECT * FROM stands('kpart');
SELECT refresh_journeys('kpart');
SELECT * FROM stands('kpart');
BEGIN;
CREATE TABLE public.parts_3 PARTITION OF parts FOR VALUES FROM ('2026-03-01Z') TO ('2026-04-01Z');
INSERT INTO parts VALUES (1, '2026-03-01Z', 'a');
ALTER TABLE parts DETACH PARTITION parts_3;
TRUNCATE parts_3;
ALTER TABLE parts ATTACH PARTITION parts_3 FOR VALUES FROM ('2026-03-01Z') TO ('2026-04-01Z');
COMMIT;
SELECT refresh_journeys('kpart');
SELECT refresh_journeys('kpart');
SELECT * FROM stands('kpart');
SELECT drop_map('kpart');
CREATE TABLE public.lone (who int, at timestamptz, what text);
INSERT INTO lone VALUES (1, '2026-01-01Z', 'a');
SELECT create_map('kpart', 'lone', 'who', 'at', 'what', 'a -> b', keep => true);
SELECT refresh_journeys('kpart');
CREATE TABLE public.lone_child () INHERITS (lone);
INSERT INTO lone_child VALUES (2, '2026-01-01Z', 'a');
UPDATE lone SET what = 'b';
DROP TABLE lone_child;
SELECT * FROM stands('kpart');
SELECT refresh_journeys('kpart');
SELECT * FROM stands('kpart');
SELECT drop_map('kpart');
CREATE TABLE public.heir () INHERITS (lone);
RESET client_min_messages;
SELECT create_map('kpart', 'heir', 'who', 'at', 'what', 'a -> b', keep => true);
SET client_min_messages = error;
-- A trigger that was renamed writes no more than the one that takes its place.
DROP TABLE heir, parts;
SELECT create_map('kpart', 'lone', 'who', 'at', 'what', 'a -> b', keep => true);
SELECT refresh_journeys('kpart');
DO $$ BEGIN EXECUTE (SELECT format('ALTER TRIGGER %I ON lone RENAME TO other', tgname) FROM pg_trigger WHERE tgrelid = 'lone'::regclass AND tgname LIKE ' kept%insert'); END $$;
SELECT refresh_journeys('kpart');
SELECT refresh_journeys('kpart');
INSERT INTO lone VALUES (5, '2026-01-01Z', 'a');
SELECT * FROM stands('kpart');
-- Nobody builds of a statement that is not over.
DELETE FROM kpart.kept_journeys;
INSERT INTO kpart.kept_marks VALUES (now(), 'anew, please');
CREATE FUNCTION public.kbuild() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM cjm.refresh_journeys('kpart'); RETURN NULL; END$$;
INSERT INTO lone SELECT i, '2026-02-01Z', CASE i WHEN 3 THEN refresh_journeys('kpart') ELSE 'a' END FROM generate_series(1, 5) i;
WITH w AS (INSERT INTO lone VALUES (6, '2026-01-01Z', 'a') RETURNING 1) SELECT refresh_journeys('kpart') FROM w;
CREATE TRIGGER builds AFTER INSERT ON lone FOR EACH ROW EXECUTE FUNCTION kbuild();
INSERT INTO lone VALUES (6, '2026-01-01Z', 'a');
SELECT refresh_journeys('kpart');
-- Folding does no harm there.
INSERT INTO lone SELECT i, '2026-02-01Z', 'a' FROM generate_series(1, 5) i;
SELECT refresh_journeys('kpart');
SELECT * FROM stands('kpart');
-- Another row of the state comes with rows of a restored dump.
INSERT INTO kpart.kept_state TABLE kpart.kept_state;
INSERT INTO kpart.kept_journeys SELECT 77, NULL, journey_agg('2026-01-01Z', 'a');
SELECT count(*) FROM kpart.journeys WHERE customer = 77;
SELECT refresh_journeys('kpart');
SELECT refresh_journeys('kpart');
SELECT * FROM stands('kpart');
DELETE FROM kpart.kept_state;
SELECT refresh_journeys('kpart');
SELECT refresh_journeys('kpart');
SELECT * FROM stands('kpart');
SELECT drop_map('kpart');
DROP TABLE lone;
DROP FUNCTION public.kbuild();
-- Labels that a collation takes for empty are none, and how text is searched could be altered.
DO $$ BEGIN
	CREATE COLLATION public.ignores (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
EXCEPTION WHEN feature_not_supported THEN
	CREATE COLLATION public.ignores FROM "C";
END $$;
CREATE TABLE public.hyphens (who text COLLATE ignores, at timestamptz, what text COLLATE ignores, via text COLLATE ignores, land text COLLATE ignores);
SELECT create_map('kpart', 'hyphens', 'who', 'at', 'what', 'a -> b', channel => 'via', segment => 'land', keep => true);
SELECT refresh_journeys('kpart');
INSERT INTO hyphens VALUES ('A', '2026-02-01Z', chr(173), 'x', 'l'), ('a', '2026-02-01Z', 'a', chr(173), chr(173)), (chr(173), '2026-02-01Z', 'A', chr(173), chr(173));
SELECT state, touchpoints, changes, different FROM stands('kpart');
SELECT refresh_journeys('kpart');
SELECT state, touchpoints, changes, different FROM stands('kpart');
SELECT drop_map('kpart');
RESET client_min_messages;
SELECT create_map('kpart', 'hyphens', 'who', 'at', 'what', 'a -> b', filter => $$to_tsvector('english', what) @@ 'run'::tsquery$$, keep => true);
DROP TABLE hyphens;
DROP COLLATION ignores;

-- What nearly escaped: all of it in one transaction
CREATE TABLE public.one (who int, at timestamptz, what text);
CREATE FUNCTION public.suffix(text) RETURNS text IMMUTABLE STRICT LANGUAGE sql RETURN $1 || '1';
CREATE FUNCTION public.outer_of(text) RETURNS text IMMUTABLE STRICT LANGUAGE sql BEGIN ATOMIC SELECT public.suffix($1); END;
INSERT INTO one VALUES (1, '2026-01-01Z', 'a');
SET client_min_messages = warning;
BEGIN;
CREATE OR REPLACE FUNCTION public.suffix(text) RETURNS text IMMUTABLE STRICT LANGUAGE sql RETURN $1 || '2';
SELECT create_map('kone', 'one', 'who', 'at', 'outer_of(what)', 'a1 -> b1', keep => true);
SELECT refresh_journeys('kone');
SELECT state, different FROM stands('kone');
CREATE OR REPLACE FUNCTION public.suffix(text) RETURNS text IMMUTABLE STRICT LANGUAGE sql RETURN $1 || '3';
COMMIT;
SELECT state, reason, different FROM stands('kone');
SELECT drop_map('kone');
BEGIN;
CREATE TABLE public.fresh (who int, at timestamptz, what text);
SELECT create_map('kone', 'fresh', 'who', 'at', 'what', 'a -> b', keep => true);
SELECT refresh_journeys('kone');
INSERT INTO fresh VALUES (1, '2026-01-01Z', 'a');
TRUNCATE fresh;
COMMIT;
SELECT state, reason, different FROM stands('kone');
SELECT refresh_journeys('kone');
INSERT INTO fresh VALUES (1, '2026-01-01Z', 'a');
-- The columns of the store's tables may be called anything, but not be others.
ALTER TABLE kone.kept_changes RENAME COLUMN removed TO gone;
ALTER TABLE kone.kept_marks RENAME COLUMN reason TO why;
INSERT INTO fresh VALUES (2, '2026-01-01Z', 'a');
SELECT count(*) FROM kone.journeys;
ALTER TABLE kone.kept_changes RENAME COLUMN gone TO removed;
ALTER TABLE kone.kept_marks RENAME COLUMN why TO reason;
CREATE INDEX ON kone.kept_changes (customer);
CREATE INDEX ON kone.kept_marks (reason);
INSERT INTO fresh VALUES (3, '2026-01-01Z', 'a'), (4, 'infinity', 'a');
SELECT state, reason FROM kept('kone');
DROP INDEX kone.kept_changes_customer_idx;
DELETE FROM fresh WHERE at = 'infinity';
SELECT refresh_journeys('kone');
ALTER TABLE kone.kept_changes SET UNLOGGED;
SELECT state, reason FROM kept('kone');
SELECT drop_map('kone');
-- An error in an expression is one of the statement's for nobody but the map.
CREATE FUNCTION public.fails(text) RETURNS text IMMUTABLE LANGUAGE sql RETURN CASE WHEN $1 = 'bad' THEN (1 / (length($1) - 3))::text ELSE $1 END;
SELECT create_map('kone', 'fresh', 'who', 'at', 'fails(what)', 'a -> b', keep => true);
SELECT refresh_journeys('kone');
BEGIN;
DO $$ BEGIN
	BEGIN
		INSERT INTO public.fresh VALUES (5, '2026-01-01Z', 'bad');
		RAISE EXCEPTION 'another error';
	EXCEPTION WHEN OTHERS THEN NULL;
	END;
END $$;
COMMIT;
SHOW search_path;
SELECT count(*) FROM fresh WHERE what = 'bad';
SELECT state, different FROM stands('kone');
INSERT INTO fresh VALUES (5, '2026-01-01Z', 'bad');
SELECT state, reason FROM kept('kone');
SELECT drop_map('kone');
DROP FUNCTION fails(text);
DROP TABLE one, fresh;
-- Labels of an enum within an array or a row
CREATE TYPE public.tint AS ENUM ('red', 'blue');
CREATE TYPE public.paint AS (tint tint, layers int);
CREATE TABLE public.tints (who int, at timestamptz, many tint[], one paint);
INSERT INTO tints VALUES (1, '2026-01-01Z', '{red}', ROW('red', 1));
SELECT create_map('ktint', 'tints', 'who', 'at', 'many[1]', 'red', segment => '(one).tint', keep => true);
SELECT refresh_journeys('ktint');
ALTER TYPE tint RENAME VALUE 'red' TO 'scarlet';
SELECT state, reason, different FROM stands('ktint');
SELECT drop_map('ktint');
DROP TABLE tints;
DROP TYPE paint, tint;
-- Rows that a MERGE moves between partitions are not in its transition tables.
CREATE TABLE public.moves (id int, who int, at timestamptz, what text) PARTITION BY RANGE (id);
CREATE TABLE public.moves_1 PARTITION OF moves FOR VALUES FROM (0) TO (100);
CREATE TABLE public.moves_2 PARTITION OF moves FOR VALUES FROM (100) TO (200);
INSERT INTO moves SELECT i, i % 7, '2026-01-01Z', 'a' FROM generate_series(0, 90, 10) i;
SELECT create_map('kmove', 'moves', 'who', 'at', 'what', 'a -> b', keep => true);
SELECT refresh_journeys('kmove');
MERGE INTO moves USING generate_series(0, 20, 10) g ON id = g WHEN MATCHED THEN UPDATE SET what = 'm' WHEN NOT MATCHED THEN DO NOTHING;
SELECT state, different FROM stands('kmove');
UPDATE moves SET what = 'u', id = 199 - id WHERE id = 30;
SELECT state, different FROM stands('kmove');
MERGE INTO moves USING generate_series(60, 80, 10) g ON id = g WHEN MATCHED THEN UPDATE SET what = 'm', id = 199 - id;
-- Minor releases differ in which trigger gets them.
SELECT different FROM stands('kmove');
SELECT FROM refresh_journeys('kmove');
MERGE INTO moves USING generate_series(0, 60, 10) g ON id = g WHEN MATCHED AND g = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET what = 'm', id = 199 - id WHEN NOT MATCHED THEN INSERT VALUES (g, 1, '2026-01-01Z', 'n');
SELECT different FROM stands('kmove');
SELECT FROM refresh_journeys('kmove');
SELECT different FROM stands('kmove');
SELECT drop_map('kmove');
DROP TABLE moves;
RESET client_min_messages;

-- Keys of all kinds
CREATE DOMAIN public.kept_code AS numeric CHECK (VALUE >= 0);
CREATE TYPE public.pair AS (a int, b text);
CREATE DOMAIN public.kinded AS kind;
CREATE TABLE public.keys (d kinded, n kept_code, p pair, a int[], u uuid, k kind, f float8, b bytea, j jsonb, t xid, at timestamptz, what text);
CREATE FUNCTION public.try_key(key text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	PERFORM cjm.create_map('kkey', 'keys', key, 'at', 'what', 'view -> pay', keep => true);
	INSERT INTO keys (n, p, a, u, k, f, b, j, t, at, what) VALUES (1.0, (1, 'x'), '{1,2}', '00000000-0000-0000-0000-000000000001', 'pay', 'NaN', '\x01', '{"a": 1}', '1', '2026-01-01Z', 'view');
	PERFORM cjm.refresh_journeys('kkey');
	INSERT INTO keys (n, p, a, u, k, f, b, j, t, at, what) VALUES (1.00, (1, 'x'), '{1,2}', '00000000-0000-0000-0000-000000000001', 'pay', 'NaN', '\x01', '{"a": 1.0}', '1', '2026-01-02Z', 'pay'),
		(2, (1, NULL), '{}', '00000000-0000-0000-0000-000000000002', 'seen', '-0', '', '{}', '2', '2026-01-02Z', 'pay');
	SELECT format('%s, %s customers, %s different', s.state, (SELECT count(*) FROM kkey.journeys), s.different) INTO result FROM public.stands('kkey') s;
	PERFORM cjm.refresh_journeys('kkey');
	UPDATE keys SET what = 'again';
	DELETE FROM keys WHERE n = 2;
	SELECT format('%s; %s, %s customers, %s different', result, s.state, (SELECT count(*) FROM kkey.journeys), s.different) INTO result FROM public.stands('kkey') s;
	DELETE FROM keys;
	PERFORM cjm.drop_map('kkey');
	RETURN result;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SET client_min_messages = warning;
SELECT key, try_key(key) FROM unnest('{n,p,a,u,k,f,b,j,t,n::text,at,d,d::kind}'::text[]) key;
RESET client_min_messages;
DROP TABLE keys;

-- What is refused, and why
CREATE TABLE public.base (who int, at timestamptz, what text, s jsonb, g text GENERATED ALWAYS AS (upper(what)) STORED);
CREATE VIEW public.seen AS TABLE base;
CREATE UNLOGGED TABLE public.unlogged (LIKE base);
CREATE FUNCTION public.try_keep(source regclass, segment text, filter text, access text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
BEGIN
	PERFORM cjm.create_map('ktry', source, 'who', 'at', 'what', 'view -> pay', segment => segment, filter => filter, access => access, keep => true);
	PERFORM cjm.drop_map('ktry');
	RETURN 'kept';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', SQLSTATE, SQLERRM, nullif(detail, ''), nullif(hint, ''));
END $$;
SET client_min_messages = warning;
CREATE FUNCTION public.unknown_body(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION public.asks(float8) RETURNS text IMMUTABLE LANGUAGE sql RETURN $1::text;
CREATE FUNCTION public.asks_that(text) RETURNS text IMMUTABLE LANGUAGE sql BEGIN ATOMIC SELECT public.asks(length($1)) || a FROM (SELECT 'x' AS a) b; END;
CREATE FUNCTION public.says_now(text) RETURNS text IMMUTABLE LANGUAGE sql RETURN $1 || date_part('epoch', now())::int;
CREATE FUNCTION public.reads_table(text) RETURNS text IMMUTABLE LANGUAGE sql RETURN (SELECT max(b.what) FROM public.base b);
SELECT source, segment, filter, try_keep(source::regclass, segment, filter) FROM (VALUES ('base', 'g', 'who > 0'), ('base', 'unknown_body(what)', NULL), ('base', 'reads_table(what)', NULL), ('base', 'asks(who)', NULL), ('base', 'asks_that(what)', NULL), ('base', 'says_now(what)', NULL), ('base', 'float8out(who)::text', NULL), ('seen', NULL, NULL), ('unlogged', NULL, NULL), ('base', '(SELECT max(b.what) FROM base b)', NULL),
	('base', 'current_user', NULL), ('base', 'session_user::text', NULL), ('base', NULL, 'at < now()'), ('base', 'tableoid::int', NULL), ('base', 'row_to_json(base)::text', NULL), ('base', 's ->> ''a''', NULL),
	('base', 'at::text', NULL), ('base', 'at::date::text', NULL), ('base', 'to_char(who, ''999'')', NULL)) v(source, segment, filter);
SELECT try_keep('base', NULL, NULL, 'reader');
RESET client_min_messages;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT create_map('ktry', 'base', 'who', 'at', 'what', 'view -> pay', keep => true);
ROLLBACK;
SELECT create_map('ktry', 'base', 'who', 'at', 'what', 'view -> pay', keep => true);
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT refresh_journeys('ktry');
ROLLBACK;
SELECT create_map('ktry', 'seen', 'who', 'at', 'what', 'view -> pay', replace => true);
SELECT create_map('ktry', 'base', 'who', 'at', 'what', 'view -> pay', access => 'reader', replace => true);
SELECT * FROM check_journeys('ktry', 0);
SELECT * FROM check_journeys('ktry', 1.5);
SELECT cjm_internal.kept_is('base', 0, '');
SELECT cjm_internal.kept_is(0, 0, '');
SELECT cjm_internal.kept_bind('base', 'nothing', 'ktry.kept_changes', 'ktry.kept_marks', 'ktry.events');
SELECT cjm_internal.kept_check('base');
-- Tables and a view of one's own make a trigger work, but only those of a map's form.
CREATE TABLE public.forged (u int, t int8, e int, c int, v int, s int, d int);
CREATE VIEW public.forged_events AS SELECT u AS customer, t AS at, e AS event, c AS channel, v AS value, s AS segment, d AS dimensions, s AS session FROM forged;
CREATE TABLE public.forged_changes (customer int, at int8, event int, channel int, value int, segment int, dimensions int, session int, removed boolean, written_at timestamptz);
CREATE TABLE public.forged_marks (at timestamptz, reason text, parts text[]);
CREATE TRIGGER forger AFTER INSERT ON forged REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION cjm_internal.kept_write();
SELECT cjm_internal.kept_bind('forged', 'forger', 'forged_marks', 'forged_changes', 'forged_events');
SELECT cjm_internal.kept_bind('forged', 'forger', 'forged_changes', 'forged_marks', 'forged_events');
INSERT INTO forged VALUES (1, 2, 3, 4, 5, 6, 7);
SELECT reason FROM forged_marks;
DROP TABLE forged CASCADE;
CREATE VIEW public.forged_events AS SELECT who AS customer, at, (SELECT max(b.what) FROM base b) AS event, NULL::text AS channel, NULL::float8 AS value, NULL::text AS segment, NULL::text[] AS dimensions, NULL::text AS session FROM base;
DROP TABLE forged_changes, forged_marks;
CREATE TABLE public.forged_changes AS SELECT *, false AS removed, now() AS written_at FROM forged_events;
CREATE TABLE public.forged_marks (at timestamptz, reason text, parts text[]);
CREATE TRIGGER forger AFTER INSERT ON base REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION cjm_internal.kept_write();
SELECT cjm_internal.kept_bind('base', 'forger', 'forged_changes', 'forged_marks', 'forged_events');
INSERT INTO base VALUES (1, '2026-01-01Z', 'forged');
SELECT reason FROM forged_marks;
DELETE FROM base;
DROP TABLE forged_changes, forged_marks;
CREATE TRIGGER odd BEFORE INSERT ON base FOR EACH ROW EXECUTE FUNCTION cjm_internal.kept_write();
INSERT INTO base VALUES (1, '2026-01-01Z', 'view');
DROP TRIGGER odd ON base;
CREATE TRIGGER unbound AFTER INSERT ON base FOR EACH ROW EXECUTE FUNCTION cjm_internal.kept_write();
INSERT INTO base VALUES (1, '2026-01-01Z', 'view');
SELECT count(*) FROM base;
SELECT drop_map('ktry');
DROP TABLE base CASCADE;
DROP TABLE unlogged;

-- Rights: who reads views reads what they say, and nobody who may not keeps or refreshes.
CREATE ROLE kept_maker;
CREATE ROLE kept_reader;
CREATE SCHEMA kown AUTHORIZATION kept_maker;
GRANT CREATE ON DATABASE :DBNAME TO kept_maker;
SET ROLE kept_maker;
CREATE TABLE kown.t (who int, at timestamptz, what text);
INSERT INTO kown.t VALUES (1, '2026-01-01Z', 'view');
SELECT create_map('kmade', 'kown.t', 'who', 'at', 'what', 'view -> pay', keep => true);
SELECT refresh_journeys('kmade');
GRANT USAGE ON SCHEMA kmade, kown TO kept_reader;
GRANT SELECT ON kmade.funnel, kmade.kept, kmade.map TO kept_reader;
GRANT INSERT, TRUNCATE ON kown.t TO kept_reader;
SET ROLE kept_reader;
INSERT INTO kown.t VALUES (2, '2026-01-01Z', 'view');
SELECT step, customers FROM kmade.funnel;
SELECT state, changes FROM kept('kmade');
TRUNCATE kown.t;
SELECT step, customers FROM kmade.funnel;
SELECT count(*) FROM kmade.journeys;
SELECT count(*) FROM kmade.kept_rows;
SELECT count(*) FROM kmade.kept_journeys;
SELECT refresh_journeys('kmade');
SELECT keep_journeys('kmade');
SELECT unkeep_journeys('kmade');
SELECT * FROM check_journeys('kmade');
RESET ROLE;
SELECT refresh_journeys('kmade');
SELECT refresh_journeys('kmade');
SELECT * FROM stands('kmade');
-- What expressions call runs as the map's owner, planned or not, whoever writes or refreshes; and so do the owner's triggers on the store.
CREATE FUNCTION public.asked() RETURNS name IMMUTABLE LANGUAGE internal AS 'current_user';
SET ROLE kept_maker;
CREATE FUNCTION kown.tells(text) RETURNS text IMMUTABLE LANGUAGE sql RETURN $1 || public.asked();
SELECT drop_map('kmade');
SELECT create_map('kmade', 'kown.t', 'who', 'at', 'kown.tells(what) || kown.tells(''x'')', 'a', keep => true);
RESET ROLE;
SELECT refresh_journeys('kmade');
INSERT INTO kown.t VALUES (1, '2026-01-01Z', 'a');
SELECT event FROM kmade.kept_changes;
INSERT INTO kmade.kept_marks VALUES (now(), 'anew, please');
SET ROLE kept_maker;
CREATE TABLE kown.log (who text);
CREATE FUNCTION kown.logs() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO kown.log VALUES (current_user); PERFORM set_config('role', 'none', true); RETURN NULL; END$$;
CREATE TRIGGER logs AFTER UPDATE ON kmade.kept_state FOR EACH STATEMENT EXECUTE FUNCTION kown.logs();
RESET ROLE;
SELECT refresh_journeys('kmade');
SET ROLE kept_maker;
DROP TRIGGER logs ON kmade.kept_state;
CREATE OR REPLACE FUNCTION kown.logs() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO kown.log VALUES (current_user); RETURN NULL; END$$;
CREATE TRIGGER logs AFTER UPDATE ON kmade.kept_state FOR EACH STATEMENT EXECUTE FUNCTION kown.logs();
RESET ROLE;
SELECT refresh_journeys('kmade');
SELECT current_user = session_user AS back;
SELECT DISTINCT who FROM kown.log;
SELECT (first_touch(journey)).event FROM kmade.kept_journeys;
SET ROLE kept_reader;
SELECT cjm_internal.kept_refresh_as('kmade', 'kept_maker'::regrole);
SELECT cjm_internal.kept_refresh('kmade');
RESET ROLE;
SELECT cjm_internal.kept_refresh_as('kmade', 0);
-- Nobody is told of tables that are others'.
CREATE TABLE public.secret (a int);
INSERT INTO secret VALUES (1);
UPDATE kmade.kept_state SET marks = 'secret'::regclass;
SELECT cjm_internal.kept_is('kmade.kept_state', 2, '');
DELETE FROM secret;
SELECT cjm_internal.kept_is('kmade.kept_state', 2, '');
DROP TABLE secret;
-- A table of somebody else's
CREATE TABLE public.theirs (who int, at timestamptz, what text);
GRANT SELECT, TRIGGER ON theirs TO kept_maker;
SET ROLE kept_maker;
SELECT create_map('kthem', 'theirs', 'who', 'at', 'what', 'view -> pay', keep => true);
CREATE TRIGGER mine AFTER INSERT ON theirs FOR EACH ROW EXECUTE FUNCTION cjm_internal.kept_write();
SELECT cjm_internal.kept_bind('theirs', 'mine', 'kmade.kept_changes', 'kmade.kept_marks', 'kmade.events');
RESET ROLE;
-- Who may not read the source any more is not told of what comes to it.
CREATE ROLE kept_lender;
GRANT kept_lender TO kept_maker;
CREATE SCHEMA klent AUTHORIZATION kept_lender;
SET ROLE kept_lender;
CREATE TABLE klent.t (who int, at timestamptz, what text);
SET ROLE kept_maker;
SELECT create_map('klend', 'klent.t', 'who', 'at', 'what', 'view -> pay', keep => true);
SELECT refresh_journeys('klend');
RESET ROLE;
INSERT INTO klent.t VALUES (1, '2026-01-01Z', 'view');
REVOKE kept_lender FROM kept_maker;
INSERT INTO klent.t VALUES (2, '2026-01-01Z', 'secret');
SELECT customer, event FROM klend.kept_changes;
SELECT reason FROM kept('klend');
GRANT USAGE ON SCHEMA klent TO kept_maker;
GRANT SELECT (who, at) ON klent.t TO kept_maker;
INSERT INTO klent.t VALUES (3, '2026-01-01Z', 'secret');
SELECT customer, event FROM klend.kept_changes;
GRANT SELECT (what) ON klent.t TO kept_maker;
INSERT INTO klent.t VALUES (4, '2026-01-01Z', 'view');
SELECT customer, event FROM klend.kept_changes;
SELECT refresh_journeys('klend');
SELECT * FROM stands('klend');
SELECT drop_map('klend');
DROP SCHEMA klent CASCADE;
DROP ROLE kept_lender;
-- Several maps of one source, and a trigger of somebody else's before theirs, read the same transition tables.
CREATE TABLE public.kshared (who int, at timestamptz, what text);
CREATE FUNCTION public.kcounts() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM count(*) FROM new_rows; RETURN NULL; END$$;
CREATE TRIGGER "  before" AFTER INSERT ON kshared REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION kcounts();
CREATE TRIGGER "  too" AFTER UPDATE ON kshared REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION kcounts();
SELECT create_map('kone', 'kshared', 'who', 'at', 'what', 'view -> pay', keep => true), create_map('ktwo', 'kshared', 'who', 'at', 'upper(what)', 'VIEW -> PAY', filter => 'who > 3', keep => true),
	create_map('kthree', 'kshared', 'who % 7', 'at', 'what', 'view -> pay', keep => true);
SELECT refresh_journeys(m) FROM unnest('{kone,ktwo,kthree}'::text[]) m;
INSERT INTO kshared SELECT i % 50, timestamptz '2026-01-01Z' + i * interval '1 hour', 'view' FROM generate_series(1, 2500) i;
SELECT m, s.state, s.changes, s.different FROM unnest('{kone,ktwo,kthree}'::text[]) m, stands(m) s;
UPDATE kshared SET what = 'pay' WHERE who % 5 = 0;
DELETE FROM kshared WHERE who % 5 = 1;
SELECT m, s.state, s.changes, s.different FROM unnest('{kone,ktwo,kthree}'::text[]) m, stands(m) s;
SELECT m, refresh_journeys(m) FROM unnest('{kone,ktwo,kthree}'::text[]) m;
SELECT m, s.state, s.changes, s.different FROM unnest('{kone,ktwo,kthree}'::text[]) m, stands(m) s;
SELECT drop_map(m) FROM unnest('{kone,ktwo,kthree}'::text[]) m;
DROP TABLE kshared;
DROP FUNCTION kcounts;
-- A schema that goes takes the triggers along.
DROP SCHEMA kmade CASCADE;
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'kown.t'::regclass;
DROP TABLE theirs;
DROP OWNED BY kept_maker CASCADE;
DROP OWNED BY kept_reader;
DROP ROLE kept_maker, kept_reader;
DROP FUNCTION public.try_key(text), public.try_keep(regclass, text, text, text), public.stands(text), public.shown(text), public.outer_of(text), public.suffix(text), public.unknown_body(text), public.asks_that(text), public.asks(float8), public.says_now(text), public.asked();
DROP DOMAIN public.kept_code, public.kinded;
DROP TYPE public.pair, public.kind;

-- What is the same in all rows is in what is written, too.
CREATE TABLE public.same_rows (who text, at timestamptz);
INSERT INTO same_rows VALUES ('a', '2026-01-01Z');
SELECT create_map('ksame', 'same_rows', 'who', 'at', '''view''', 'view', channel => '''web''', value => '1.5', segment => '''LV''', keep => true);
SELECT refresh_journeys('ksame');
INSERT INTO same_rows VALUES ('b', '2026-01-02Z'), ('a', '2026-01-03Z');
SELECT state, changes FROM ksame.kept;
SELECT customer, segment, journey FROM ksame.journeys ORDER BY 1;
DELETE FROM same_rows WHERE at < '2026-01-02Z';
SELECT refresh_journeys('ksame');
SELECT customer, segment, journey FROM ksame.journeys ORDER BY 1;
SELECT drop_map('ksame');
DROP TABLE same_rows;
