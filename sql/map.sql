-- create_map, drop_map, cjm.maps: what a map is, what is refused and with which words.
SET search_path = public, cjm;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET IntervalStyle = 'postgres';
\set SHOW_CONTEXT never

CREATE TABLE public.clicks (
	who bigint, "when" timestamptz, local timestamp, day date, epoch bigint, what text, kind cjm.aida, code "char", via varchar(20),
	amount numeric, cents integer, price money, country text, ok boolean, payload jsonb, doc json);
INSERT INTO public.clicks (who, "when", local, day, epoch, what, kind, via, amount, cents, country, ok, payload)
SELECT w, timestamptz '2021-03-02Z' + t * interval '1 hour', timestamp '2021-03-02' + t * interval '1 hour', date '2021-03-02', t, e, 'desire',
	'email', t, t, 'LV', true, '{"a": "b"}'
FROM (VALUES (1, 1, 'view'), (1, 2, 'cart'), (1, 3, 'payment'), (2, 4, 'view'), (2, 5, 'View'), (3, 6, 'search')) v(w, t, e);

-- The one call, with the most and the least that it can be told
SELECT create_map('shop', source => 'public.clicks', customer => 'who', at => '"when"', event => 'what', channel => 'via', value => 'amount',
	segment => 'country', segment_at => 'last', filter => 'ok', session_gap => '1 hour', time_zone => 'Europe/Riga', access => 'owner',
	stages => 'interest: view | search -> wish: cart -> purchase: payment within 30 days');
\x
SELECT * FROM shop.map;
SELECT map, source, stages, customer, at, event, channel, value, segment, segment_at, filter, session_gap, time_zone, access FROM maps;
\x
SELECT create_map('small', 'clicks', 'who', 'local', 'kind', 'attention -> desire', time_zone => 'Asia/Kolkata');
SELECT map, at, event, channel, filter, access FROM maps ORDER BY map::text;
SELECT * FROM shop.events ORDER BY at LIMIT 2;
SELECT * FROM small.events ORDER BY at LIMIT 2;
SELECT step, stage, customers FROM shop.funnel;
SELECT step, stage, customers FROM small.funnel;

-- Views of the maker's, plain SQL, each with its comments; a definition that is read without being run
SELECT c.relname, c.relowner = current_user::regrole AS mine, c.reloptions, obj_description(c.oid, 'pg_class') AS comment
FROM pg_class c WHERE relnamespace = 'shop'::regnamespace ORDER BY c.oid;
SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid
WHERE relnamespace = 'shop'::regnamespace AND attnum > 0 AND col_description(c.oid, attnum) IS NULL;
SELECT v.view_name, v.column_name FROM cjm_internal.map_comments() v
WHERE v.column_name IS NOT NULL AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('shop.' || v.view_name) AND attname = v.column_name);
-- (from 16 on columns are printed without their table's name where there is one)
SELECT v, regexp_replace(regexp_replace(pg_get_viewdef(v), '\m(clicks|e)\.', '', 'g'), '\s+', ' ', 'g') AS definition
FROM unnest(ARRAY['shop.events', 'shop.journeys']::regclass[]) v;
SELECT relname, attname, atttypid::regtype FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid
WHERE relnamespace = 'shop'::regnamespace AND attnum > 0 ORDER BY c.oid, attnum;
CREATE FUNCTION public.trap() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the trap was run'; END $$;
CREATE SCHEMA trap;
CREATE VIEW trap.map AS SELECT 'trap'::regnamespace AS map, 'clicks'::regclass AS source, trap() AS customer, 'a'::text AS at, 'a'::text AS event,
	'a'::text AS channel, 'a'::text AS value, 'a'::text AS segment, 'a'::text AS segment_at, 'a'::text AS filter, 'a'::funnel AS stages,
	'1 s'::interval AS session_gap, 'UTC'::text AS time_zone, 'owner'::text AS access;
SELECT map FROM maps ORDER BY map::text;
SELECT * FROM funnel_report('trap');
DROP SCHEMA trap CASCADE;

-- Expressions
SELECT create_map('expr', 'clicks', customer => 'who || ''/'' || country', at => 'to_timestamp(epoch / 1000.0)',
	event => 'coalesce(payload ->> ''event'', what)', value => 'cents / 100.0', channel => 'NULL', segment => 'day', filter => 'amount > 1 AND what <> ''x''',
	stages => 'view -> cart');
SELECT customer, at, event, channel, value, segment, filter FROM maps WHERE map = 'expr'::regnamespace;
CREATE TABLE public.people (id bigint, plan text);
CREATE SEQUENCE public.s;
SELECT create_map('expr', 'clicks', 'who || ''''', 'day', 'what', 'view -> cart', segment => 'coalesce((SELECT p.plan FROM people p WHERE p.id = who), ''none'')', replace => true, time_zone => 'Europe/Riga');
SELECT create_map('sub', 'clicks', 'who', 'day', 'what', 'view -> cart', segment => '(SELECT p.plan FROM people p, clicks c WHERE p.id = clicks.who AND c.who = p.id LIMIT 1)');
SELECT map, at, event, segment FROM maps WHERE map IN ('expr'::regnamespace, 'sub'::regnamespace) ORDER BY map::text;
SELECT drop_map('sub');
-- Whom two columns tell apart, as an array and as a text; a row of values is refused below.
SELECT create_map('pairs', 'clicks', 'ARRAY[country, who::text]', 'local', 'what', 'view -> cart', time_zone => 'UTC');
SELECT customer, step FROM pairs.customers ORDER BY customer;
SELECT drop_map('pairs');
SELECT create_map('pairs', 'clicks', 'country || '':'' || who', 'local', 'what', 'view -> cart', time_zone => 'UTC');
SELECT customer, step FROM pairs.customers ORDER BY customer;
SELECT drop_map('pairs');

-- What is wrong, exactly
CREATE FUNCTION public.try(customer text DEFAULT 'who', at text DEFAULT '"when"', event text DEFAULT 'what', channel text DEFAULT NULL,
	value text DEFAULT NULL, segment text DEFAULT NULL, filter text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text; hint text; context text;
BEGIN
	RETURN 'made ' || cjm.create_map('tried', 'public.clicks', customer, at, event, 'view -> cart', channel, value, segment, filter => filter, replace => true);
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
	IF SQLSTATE = '42883' THEN	-- 19 says more of a function that is not there
		detail := NULL;
		hint := NULL;
	END IF;
	RETURN concat_ws(' | ', SQLSTATE || ' ' || SQLERRM, nullif(detail, ''), nullif(hint, ''), substring(context from 'argument \w+ of the map'));
END
$$;
SELECT e AS customer, try(customer => e) FROM unnest(ARRAY[
	'whom',
	'',
	'who, what',
	'*',
	'clicks.*',
	'doc',
	'(who, kind)',
	'ROW(who)',
	'who AS w',
	'who w',
	'who FROM clicks',
	'DISTINCT who',
	'who WHERE ok',
	'who; DROP TABLE clicks',
	'who UNION SELECT 1',
	'who) FROM clicks; DROP TABLE clicks; --',
	'who -- and nothing',
	'who ORDER BY 1',
	'who LIMIT 1',
	'$1',
	'(clicks).*',
	'max(who)',
	'row_number() OVER ()',
	'generate_series(1, who)',
	'random()',
	'(SELECT 1)',
	'nosuch(who)',
	'default',
	'who INTO x']) e;
SELECT e AS at, try(at => e) FROM unnest(ARRAY[
	'epoch',
	'what',
	'NULL',
	'now()',
	'clock_timestamp()']) e;
SELECT e AS event, try(event => e) FROM unnest(ARRAY[
	'who',
	'payload',
	'doc -> 1',
	'NULL',
	'''view''']) e;
SELECT e AS channel, try(channel => e) FROM unnest(ARRAY[
	'who']) e;
SELECT e AS value, try(value => e) FROM unnest(ARRAY[
	'what',
	'price',
	'amount']) e;
SELECT e AS filter, try(filter => e) FROM unnest(ARRAY[
	'who',
	'''t''',
	'ok; SELECT 1']) e;
SELECT e AS segment, try(segment => e) FROM unnest(ARRAY[
	'(SELECT plan FROM people) || (SELECT plan FROM people)',
	'EXISTS (SELECT FROM people)',
	'ARRAY(SELECT plan FROM people)',
	'(SELECT plan FROM people FOR UPDATE)',
	'(SELECT max(plan) FROM people)',
	'(SELECT random())',
	'(SELECT p FROM (SELECT plan AS p FROM people FOR SHARE) q)',
	'(SELECT nextval(''s''))',
	'max(country)',
	'(WITH d AS (DELETE FROM people RETURNING plan) SELECT plan FROM d)']) e;
SELECT count(*) AS nothing_happened FROM clicks;
\set VERBOSITY terse
SELECT create_map('tried', 'public.clicks', 'who', '"when"', 'wat', 'view -> cart', replace => true);
SELECT create_map(NULL, 'clicks', 'who', '"when"', 'what', 'view -> cart');
SELECT create_map('x', NULL, 'who', '"when"', 'what', 'view -> cart');
SELECT create_map('x', 'clicks', NULL, '"when"', 'what', 'view -> cart');
SELECT create_map('x', 'clicks', 'who', '"when"', 'what', NULL);
SELECT create_map('x', 'no_such_table', 'who', '"when"', 'what', 'view -> cart');
SELECT create_map('x', 'clicks; DROP TABLE clicks', 'who', '"when"', 'what', 'view -> cart');
SELECT create_map('x', 'clicks', 'who', '"when"', 'what', 'view -> ');
SELECT create_map('x', 'clicks', 'who', '"when"', 'what', 'view@email -> cart');
SELECT create_map('x', 'clicks', 'who', '"when"', 'what', 'view -> cart', time_zone => 'Mars/Olympus');
SELECT create_map('x', 'clicks', 'who', '"when"', 'what', 'view -> cart', session_gap => '1 month');
SELECT create_map('x', 'clicks', 'who', '"when"', 'what', 'view -> cart', session_gap => '-1 s');
SELECT create_map('x', 'clicks', 'who', '"when"', 'what', 'view -> cart', segment_at => 'never');
SELECT create_map('x', 'clicks', 'who', '"when"', 'what', 'view -> cart', access => 'everybody');
SELECT create_map('', 'clicks', 'who', '"when"', 'what', 'view -> cart');
SELECT create_map(repeat('x', 64), 'clicks', 'who', '"when"', 'what', 'view -> cart');
SELECT create_map('pg_map', 'clicks', 'who', '"when"', 'what', 'view -> cart');
SELECT create_map('public', 'clicks', 'who', '"when"', 'what', 'view -> cart');
SELECT create_map('information_schema', 'clicks', 'who', '"when"', 'what', 'view -> cart');
SELECT create_map('cjm', 'clicks', 'who', '"when"', 'what', 'view -> cart', replace => true);
SELECT create_map('shop', 'clicks', 'who', '"when"', 'what', 'view -> cart');
SELECT create_map('shop', 'shop.events', 'customer', 'at', 'event', 'view -> cart', replace => true);
CREATE INDEX clicks_who ON clicks (who);
SELECT create_map('x', 'clicks_who', 'who', '"when"', 'what', 'view -> cart');
CREATE TEMP TABLE passing (who int, at timestamptz, what text);
SELECT create_map('x', 'passing', 'who', 'at', 'what', 'view -> cart');
\set VERBOSITY default
CREATE SCHEMA used;
CREATE TABLE used.a (a int);
CREATE FUNCTION used.f() RETURNS int LANGUAGE sql RETURN 1;
SELECT create_map('used', 'clicks', 'who', '"when"', 'what', 'view -> cart', replace => true);
DROP SCHEMA used CASCADE;
-- text straight to the builder is read by the parser too
SELECT cjm_internal.map_build('x', 'clicks', 'who', '"when"', 'what', 'view'::funnel, NULL, NULL, NULL, 'first', 'true; DROP TABLE clicks', '1 hour', 'UTC', NULL, NULL, 'last_touch', NULL, NULL, NULL, false, false);

-- Stage events that never occur, with what may have been meant
SELECT create_map('typo', 'clicks', 'who', '"when"', 'what', 'veiw -> CART -> paymnt@email -> payment@post excluding nonsense', channel => 'via');
SELECT create_map('typo', 'clicks', 'who', '"when"', 'what', '*@post -> view', channel => 'via', filter => 'who < 0', replace => true);
SELECT drop_map('typo');

-- Made anew: what others built on the views stays, and so do their rights
CREATE VIEW public.mine AS SELECT stage, customers FROM shop.funnel;
CREATE VIEW public.yours AS SELECT * FROM shop.customers;
CREATE ROLE regress_map_reader;
GRANT USAGE ON SCHEMA shop TO regress_map_reader;
GRANT SELECT ON shop.funnel TO regress_map_reader;
SELECT create_map('shop', 'public.clicks', 'who', '"when"', 'what', 'search -> view -> cart -> payment', time_zone => 'America/New_York', replace => true);
SELECT create_map('shop', 'public.clicks', 'who', '"when"', 'what', 'search -> view -> cart -> payment', time_zone => 'America/New_York', replace => true);
SELECT * FROM mine;
SELECT count(*) FROM yours;
SELECT stages, time_zone, segment, session_gap FROM shop.map;
SELECT has_table_privilege('regress_map_reader', 'shop.funnel', 'SELECT') AS funnel, has_table_privilege('regress_map_reader', 'shop.customers', 'SELECT') AS customers;
SET ROLE regress_map_reader;
SELECT count(*) FROM shop.funnel;
SELECT map FROM cjm.maps;
RESET ROLE;
GRANT SELECT ON shop.map TO regress_map_reader;
SET ROLE regress_map_reader;
SELECT map FROM cjm.maps;
SELECT step FROM cjm.funnel_report('shop');
RESET ROLE;
-- another type of the customer cannot be hidden from them
SELECT create_map('shop', 'public.clicks', 'who::text', '"when"', 'what', 'view', time_zone => 'America/New_York', replace => true);
SELECT customer FROM shop.map;

-- Taking it away
SELECT drop_map('shp');
SELECT drop_map('shop');
CREATE TABLE small.other (a int);
SELECT drop_map('small');
SELECT drop_map('small', cascade => true);
SELECT drop_map('shop', true);
SELECT to_regclass('mine'), to_regclass('yours'), to_regnamespace('shop'), to_regclass('clicks') AS source;
SELECT map FROM maps ORDER BY map::text;
SELECT drop_map('expr'), drop_map('tried');
-- an empty schema will do
CREATE SCHEMA waiting;
SELECT create_map('waiting', 'clicks', 'who', '"when"', 'what', 'view -> cart');
SELECT drop_map('waiting');
-- but not another's, who could replace its views: a superuser's, one's own, or one of a role that one is a member of
CREATE ROLE regress_map_holder;
CREATE ROLE regress_map_maker IN ROLE regress_map_reader;
GRANT SELECT ON clicks TO regress_map_maker, regress_map_reader, regress_map_holder;
CREATE SCHEMA waiting AUTHORIZATION regress_map_holder;
GRANT ALL ON SCHEMA waiting TO regress_map_maker;
SELECT create_map('waiting', 'clicks', 'who', '"when"', 'what', 'view -> cart');
SET ROLE regress_map_maker;
SELECT create_map('waiting', 'clicks', 'who', '"when"', 'what', 'view -> cart');
\set VERBOSITY terse
RESET ROLE;
ALTER SCHEMA waiting OWNER TO regress_map_reader;
GRANT ALL ON SCHEMA waiting TO regress_map_reader;
SET ROLE regress_map_maker;
SELECT create_map('waiting', 'clicks', 'who', '"when"', 'what', 'view -> cart');
RESET ROLE;
-- a map whose schema was given away is made anew by no other
ALTER SCHEMA waiting OWNER TO regress_map_holder;
GRANT ALL ON SCHEMA waiting TO regress_map_maker;
SET ROLE regress_map_maker;
SELECT create_map('waiting', 'clicks', 'who', '"when"', 'what', 'view -> cart', replace => true);
RESET ROLE;
-- nor read by a report, or listed, as long as its views are not the new owner's
\set VERBOSITY default
SELECT stage, customers FROM funnel_report('waiting');
SELECT map FROM maps WHERE map = 'waiting'::regnamespace;
SELECT create_map('waiting', 'clicks', 'who', '"when"', 'what', 'view -> cart', replace => true);
SELECT map, owner FROM maps WHERE map = 'waiting'::regnamespace;
ALTER VIEW waiting.journeys OWNER TO regress_map_reader;
SELECT stage, customers FROM funnel_report('waiting');
SELECT drop_map('waiting');
ALTER VIEW waiting.journeys OWNER TO regress_map_holder;
SELECT count(*) FROM funnel_report('waiting');
SELECT drop_map('waiting');
DROP OWNED BY regress_map_maker, regress_map_holder, regress_map_reader;
DROP ROLE regress_map_maker, regress_map_holder;

DROP ROLE regress_map_reader;
DROP TABLE clicks, people CASCADE;
DROP SEQUENCE s;
DROP FUNCTION try, trap;
