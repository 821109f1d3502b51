# Somebody who owns a database, or the schema cjm, and would have a superuser
# run their code: with a schema that is there before the extension, with objects
# that are, and with objects that come after it.
#
# A decoy is a function, perhaps behind an operator, that nobody has a reason to
# call and that fits better than what is meant: an exact overload of a built-in
# function, or one of ours with fewer arguments or with text for a type of ours,
# which a literal likes better.  It says who runs it.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('privilege');
start_node($node);
run_sql($node, q{
	CREATE ROLE mallory LOGIN;
	CREATE ROLE friend LOGIN IN ROLE mallory;
	CREATE ROLE bob LOGIN;
	CREATE DATABASE before OWNER mallory;
	CREATE DATABASE beside OWNER mallory;
	CREATE DATABASE after OWNER mallory;
	GRANT CREATE ON DATABASE before TO bob;
});

# The schema is made before.

my %before = (database => 'before');
my %things = (
	'a function' => 'CREATE FUNCTION cjm.format(text, text) RETURNS text LANGUAGE sql RETURN $1',
	'an operator' => 'CREATE OPERATOR cjm./ (LEFTARG = bigint, RIGHTARG = numeric, FUNCTION = public.divided)',
	'a table' => 'CREATE TABLE cjm.maps ()',
	'a domain' => 'CREATE DOMAIN cjm.journey AS text',
	'an enum' => q{CREATE TYPE cjm.funnel AS ENUM ('a')},
	'a collation' => 'CREATE COLLATION cjm."C" FROM "C"');
run_sql($node, 'CREATE FUNCTION public.divided(bigint, numeric) RETURNS numeric LANGUAGE sql RETURN 0', %before);
foreach my $thing (sort keys %things)
{
	run_sql($node, "CREATE SCHEMA cjm; $things{$thing}", %before, user => 'mallory');
	run_sql_fails($node, 'CREATE EXTENSION cjm', '42P06', qr/the schema "cjm" exists/, "$thing in the schema: a superuser is told", %before);
	run_sql_fails($node, 'CREATE EXTENSION cjm', '42P06', qr/the schema "cjm" exists/, "$thing in the schema: so is its owner", %before, user => 'mallory');
	run_sql($node, 'DROP SCHEMA cjm CASCADE', %before, user => 'mallory');
}
foreach my $schema (qw(cjm cjm_internal))
{
	run_sql($node, "CREATE SCHEMA $schema; GRANT ALL ON SCHEMA $schema TO bob, PUBLIC", %before, user => 'mallory');
	run_sql_fails($node, 'CREATE EXTENSION cjm', '42P06', qr/the schema "$schema" exists/, "$schema is nobody's before, though there is nothing in it", %before, user => $_) foreach qw(postgres mallory bob);
	run_sql($node, "DROP SCHEMA $schema", %before, user => 'mallory');
}
my $owners = q{SELECT string_agg(DISTINCT concat_ws(' ', nspowner::regrole, has_schema_privilege('mallory', oid, 'CREATE'), has_schema_privilege('bob', oid, 'USAGE')), ' ')
	FROM pg_namespace WHERE nspname IN ('cjm', 'cjm_internal')};
foreach my $maker (qw(postgres mallory))
{
	run_sql($node, 'CREATE EXTENSION cjm', %before, user => $maker);
	is(run_sql($node, $owners, %before), 'postgres f t', "made by $maker, they are a superuser's, and everybody may use them");
	run_sql($node, 'DROP EXTENSION cjm', %before, user => $maker);
	is(run_sql($node, $owners, %before), '', 'and go with the extension');
}

# A dump has the extension and no more, so that whoever may make it can restore it.
run_sql($node, 'CREATE EXTENSION cjm', database => 'after', user => 'mallory');
run_sql($node, 'CREATE DATABASE restored OWNER mallory');
my $dump = $PostgreSQL::Test::Utils::tmp_check . '/after.sql';
command_ok([ 'pg_dump', '-h', $node->host, '-p', $node->port, '-U', 'postgres', '-f', $dump, 'after' ], 'a database is dumped whose owner made the extension');
command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-h', $node->host, '-p', $node->port, '-U', 'mallory', '-d', 'restored', '-f', $dump ], 'and its owner restores it');
is(run_sql($node, 'SELECT extname FROM pg_extension WHERE extname = $$cjm$$', database => 'restored'), 'cjm', 'with the extension');

run_sql($node, 'DROP EXTENSION cjm', database => 'after', user => 'mallory');
run_sql($node, 'CREATE EXTENSION cjm', database => 'after', user => 'mallory');
is(run_sql($node, q{SELECT count(*) FROM cjm.maps}, database => 'after', user => 'mallory'), '0', 'its maker drops the extension and makes it again');

# Decoys.  A name is taken from where it is meant: from our own functions.

my $decoys = <<'SQL';
CREATE FUNCTION public.make_decoys(home text, ours boolean) RETURNS bigint LANGUAGE plpgsql AS $make$
DECLARE
	wanted record;
	made bigint := 0;
BEGIN
	FOR wanted IN
		-- built-in functions that our bodies call, for arguments of one type
		SELECT DISTINCT w.name, array_to_string(array_fill(t.type, ARRAY[n.n]), ', ') AS arguments
		FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang AND l.lanname IN ('sql', 'plpgsql')
			CROSS JOIN LATERAL regexp_matches(CASE p.prokind WHEN 'f' THEN pg_get_functiondef(p.oid) END, '(?:^|[^.\w])(\w+)\(', 'g') r(found)
			CROSS JOIN LATERAL (SELECT r.found[1] AS name) w
			CROSS JOIN unnest('{text,name,integer,bigint,float8,numeric,interval,timestamptz,date,oid,regclass,text[]}'::text[]) t(type) CROSS JOIN generate_series(1, 4) n(n)
		WHERE p.pronamespace IN ('cjm'::regnamespace, 'cjm_internal'::regnamespace) AND EXISTS (SELECT FROM pg_proc b WHERE b.proname = w.name AND b.pronamespace = 'pg_catalog'::regnamespace)
		UNION
		-- ours with fewer arguments
		SELECT p.proname, array_to_string((string_to_array(oidvectortypes(p.proargtypes), ', '))[1:n.n], ', ')
		FROM pg_proc p CROSS JOIN LATERAL generate_series(greatest(p.pronargs - p.pronargdefaults, 1), p.pronargs) n(n)
		WHERE ours AND p.pronamespace = 'cjm'::regnamespace AND p.prokind IN ('f', 'a')
		UNION
		-- ours with another type for one of theirs
		SELECT p.proname, replace(array_to_string((string_to_array(oidvectortypes(p.proargtypes), ', '))[1:n.n], ', '), t.type, o.type)
		FROM pg_proc p CROSS JOIN LATERAL generate_series(greatest(p.pronargs - p.pronargdefaults, 1), p.pronargs) n(n)
			CROSS JOIN unnest('{cjm.journey,cjm.funnel,interval,double precision,bigint,tstzrange,anyelement,anyenum}'::text[]) t(type)
			CROSS JOIN unnest('{text,numeric}'::text[]) o(type)
		WHERE ours AND p.pronamespace = 'cjm'::regnamespace AND p.prokind IN ('f', 'a')
	LOOP
		BEGIN
			EXECUTE format('CREATE FUNCTION %I.%I(%s) RETURNS text LANGUAGE plpgsql AS %L', home, wanted.name, wanted.arguments,
				format('BEGIN RAISE ''a decoy runs as %%: %%'', current_user, %L; END', format('%s.%s(%s)', home, wanted.name, wanted.arguments)));
			made := made + 1;
		EXCEPTION WHEN duplicate_function OR invalid_function_definition OR feature_not_supported OR undefined_object OR undefined_function THEN NULL;
		END;
	END LOOP;
	FOR wanted IN
		SELECT o.name, a.type AS leftarg, b.type AS rightarg
		FROM unnest('{=,<>,<,>,<=,>=,||,+,-,*,/,~,&&,->>}'::text[]) o(name), unnest('{text,name,integer,bigint,float8,numeric,interval,timestamptz,oid,boolean,text[]}'::text[]) a(type),
			unnest('{text,name,integer,bigint,float8,numeric,interval,timestamptz,oid,boolean,text[]}'::text[]) b(type)
	LOOP
		BEGIN
			EXECUTE format('CREATE FUNCTION %I.operator_decoy(%s, %s) RETURNS boolean LANGUAGE plpgsql AS %L', home, wanted.leftarg, wanted.rightarg,
				'BEGIN RAISE ''a decoy runs as %: an operator'', current_user; END');
		EXCEPTION WHEN duplicate_function THEN NULL;
		END;
		BEGIN
			EXECUTE format('CREATE OPERATOR %I.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = %1$I.operator_decoy)', home, wanted.name, wanted.leftarg, wanted.rightarg);
			made := made + 1;
		EXCEPTION WHEN duplicate_function THEN NULL;
		END;
	END LOOP;
	RETURN made;
END
$make$;
SQL

# Objects are there before, where the superuser looks for what is not written out.

my %beside = (database => 'beside');
run_sql($node, $decoys =~ s/cjm_internal/pg_catalog/gr =~ s/'cjm'::regnamespace/'public'::regnamespace/gr, %beside);
run_sql($node, q{
	CREATE FUNCTION public.format(text, text) RETURNS text LANGUAGE plpgsql AS $$BEGIN RAISE 'a decoy runs as %', current_user; END$$;
	CREATE FUNCTION public.round(float8, integer) RETURNS text LANGUAGE plpgsql AS $$BEGIN RAISE 'a decoy runs as %', current_user; END$$;
	CREATE FUNCTION public.greatest_of() RETURNS text LANGUAGE sql RETURN public.format('', '')}, %beside);
cmp_ok(run_sql($node, q{SET search_path = pg_catalog, pg_temp; SELECT public.make_decoys('public', false)}, %beside), '>', 1000, 'decoys are made beside');
run_sql($node, 'SET search_path = public, pg_catalog; CREATE EXTENSION cjm', %beside);
is(run_sql($node, q{SET search_path = pg_catalog, pg_temp;
	SELECT pg_describe_object(d.classid, d.objid, 0), pg_describe_object(d.refclassid, d.refobjid, 0)
	FROM pg_depend d JOIN pg_depend m ON m.classid = d.classid AND m.objid = d.objid AND m.deptype = 'e' AND m.refclassid = 'pg_extension'::regclass
	WHERE EXISTS (SELECT FROM pg_depend o WHERE o.classid = d.refclassid AND o.objid = d.refobjid AND o.refclassid = 'pg_namespace'::regclass
		AND o.refobjid = 'public'::regnamespace)}, %beside), '', 'no object of ours is bound to what was there');

# Objects come after: the database is mallory's, and so is the extension, but not the schema.

my %after = (database => 'after');
run_sql($node, $decoys, %after);
run_sql($node, q{
	CREATE TABLE public.events (customer int, at timestamptz, event text, channel text, amount numeric, country text);
	INSERT INTO public.events SELECT 1 + i % 40, timestamptz '2021-01-01Z' + i * interval '5 h', (ARRAY['view', 'cart', 'buy', 'answer'])[1 + i % 4], (ARRAY['ads', NULL, 'e-mail'])[1 + i % 3], i % 7,
		(ARRAY['LV', 'EE'])[1 + i % 2] FROM generate_series(1, 2000) i;
	CREATE TABLE public.ad_spend AS SELECT date '2021-01-01' + i AS day, 'ads'::text AS channel, 10 AS impressions, 3 AS clicks, 1.5 AS cost FROM generate_series(1, 30) i}, %after);
is(run_sql($node, q{SELECT string_agg(DISTINCT nspowner::regrole::text, ' ') || ' ' || (SELECT extowner::regrole FROM pg_extension WHERE extname = 'cjm') FROM pg_namespace WHERE nspname IN ('cjm', 'cjm_internal')}, %after),
	'postgres mallory', 'the schemas are a superuser\'s, whoever made the extension');
run_sql_fails($node, $_, '42501', qr/must be owner of schema|permission denied for schema|no privileges were granted/, "its maker cannot say: $_", %after, user => 'mallory')
  foreach 'ALTER SCHEMA cjm RENAME TO cjm_was', 'ALTER SCHEMA cjm OWNER TO mallory', 'DROP SCHEMA cjm CASCADE', 'CREATE FUNCTION cjm.funnel_stages(cjm.funnel) RETURNS void LANGUAGE sql AS $$$$',
  'ALTER SCHEMA cjm_internal RENAME TO cjm_was', 'CREATE TABLE cjm_internal.maps ()';
run_sql($node, 'GRANT CREATE ON SCHEMA cjm TO bob', %after, user => 'mallory');
is(run_sql($node, q{SELECT has_schema_privilege('bob', 'cjm', 'CREATE')}, %after), 'f', 'nor let others create there');
my $path = q{SET search_path = pg_catalog, pg_temp;};
cmp_ok(run_sql($node, "$path SELECT public.make_decoys('cjm', true) + public.make_decoys('public', false)", %after, user => 'postgres'), '>', 2000, 'decoys are made after');

# Every argument is given, and in its type, so that what the superuser says means what it says; what it calls is up to us.
my $calls = run_sql($node, "$path " . q{
	SELECT format('cjm.%I(%s)', p.proname, string_agg(format('%s::%s', CASE WHEN a.place = 1 THEN '''shop''' WHEN a.name = 'rates' THEN '''{"2": 0.5}'''
			WHEN p.proname IN ('set_target', 'note', 'change_report') AND a.name = ANY ('{metric,value,at,text}') THEN
				quote_literal(('{"metric": "conversion", "value": "0.5", "at": "2021-03-01 00:00+00", "text": "new"}'::jsonb) ->> a.name)
			WHEN p.proname = 'describe_stage' AND a.name = ANY ('{stage,quote}') THEN '''cart'''
			WHEN p.proname ~ 'audience|take_changes' AND a.name = ANY ('{name,consumer,at_stage,condition,not_after,quiet_for,since,where_is,holdout}') THEN
				quote_literal(('{"name": "chosen", "consumer": "mailer", "at_stage": "cart", "condition": "converted", "not_after": "buy", "quiet_for": "1 hour", "since": "1000 years", "where_is": "{}", "holdout": "0.5"}'::jsonb) ->> a.name) ELSE coalesce(a.default_value, 'NULL') END, a.type), ', ' ORDER BY a.place))
	FROM pg_proc p JOIN pg_depend m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid AND m.deptype = 'e'
		CROSS JOIN LATERAL (SELECT u.place, p.proargnames[u.place] AS name, format_type(u.type, NULL) AS type,
			substring(pg_get_function_arg_default(p.oid, u.place::integer) FROM '^[^:]*') AS default_value
			FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY u(type, place)) a
	WHERE p.pronamespace = 'cjm'::regnamespace AND (p.proargnames[1] = 'map' OR p.proname = 'check_map') AND p.proname NOT IN ('drop_audience', 'drop_target') GROUP BY p.oid, p.proname
	ORDER BY p.proname <> 'create_audience', p.proname <> 'refresh_audiences', p.proname}, %after);
my @calls = split /\n/, $calls;
cmp_ok(scalar @calls, '>', 15, 'reports and drawings are found');
my $hostile = 'SET search_path = cjm, public, pg_catalog;';
my $create = q{SELECT cjm.create_map('shop'::text, 'public.events'::pg_catalog.regclass, 'customer'::text, 'at'::text, 'event'::text, 'view -> cart -> buy'::cjm.funnel, 'channel'::text, 'amount'::text,
	'country'::text, 'first'::text, NULL::text, '30 minutes'::interval, 'UTC'::text, 'owner'::text, 'public.ad_spend'::pg_catalog.regclass, 'last_touch'::text, 'answer'::text, NULL::text, NULL::text, %s, false,
	'cancel'::cjm.funnel, 'buy'::cjm.funnel, 'view'::cjm.funnel, NULL::text, 'session'::text, true, '{"land": "country", "through": "channel"}'::jsonb, 'channel | day'::text, 'country'::text, 'country'::text)};
sub victim
{
	my ($sql, $title) = @_;
	my ($status, $output, $errors) = $node->psql('after', "$hostile $sql");

	ok($status == 0, $title) or diag(substr($errors, 0, 600));
	return;
}
victim(sprintf($create, 'false'), 'create_map runs no code of others');
victim(sprintf($create, 'true'), 'nor does it when it replaces');
victim("SELECT FROM $_", "nor does $_") foreach @calls, 'cjm.maps';
my @views = split /\n/, run_sql($node, "$path SELECT relname FROM pg_class WHERE relnamespace = 'shop'::regnamespace AND relkind IN ('r', 'v')", %after);
is(scalar @views, 37, 'the map has all its views, an audience and its tables');
victim("SELECT * FROM shop.$_", "nor does shop.$_") foreach @views;
run_sql($node, "$path SELECT cjm.keep_journeys('shop'::text, NULL::integer)", %after);
run_sql($node, "$path SELECT cjm.refresh_journeys('shop'::text)", %after);
run_sql($node, q{INSERT INTO public.events VALUES (1, '2021-05-01Z', 'view', 'ads', 1, 'LV')}, %after);
@views = split /\n/, run_sql($node, "$path SELECT relname FROM pg_class WHERE relnamespace = 'shop'::regnamespace AND relkind IN ('r', 'v')", %after);
is(scalar @views, 45, 'and with kept journeys more');
victim("SELECT * FROM shop.$_", "nor does shop.$_ over kept journeys") foreach @views;
victim('INSERT INTO public.events VALUES (2, $$2021-05-01Z$$, $$view$$, $$ads$$, 1, $$LV$$)', 'nor does a trigger');
is(run_sql($node, "$path " . q{
	SELECT pg_describe_object(d.refclassid, d.refobjid, 0) FROM pg_depend d JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid JOIN pg_class c ON c.oid = r.ev_class
	WHERE c.relnamespace = 'shop'::regnamespace AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass)
		AND NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = d.refclassid AND m.objid = d.refobjid AND m.deptype = 'e')}, %after), '', 'no view of a map is bound to a decoy');
victim(q{SELECT cjm.refresh_audiences('shop'::text)}, 'nor does a refresh of audiences over kept journeys');
victim(q{SELECT cjm.drop_audience('shop'::text, 'chosen'::text)}, 'nor does drop_audience');
victim(q{SELECT cjm.drop_target('shop'::text, 'conversion'::text, NULL::text, NULL::text, NULL::text)}, 'nor does drop_target');
victim(q{SELECT cjm.drop_map('shop'::text, false)}, 'nor does drop_map');

# Who may create in a map's schema puts no view there that its readers run.
run_sql($node, "$path " . sprintf($create, 'false') . q{; CREATE SCHEMA planted AUTHORIZATION bob; GRANT ALL ON SCHEMA planted TO mallory}, %after);
run_sql($node, "$path GRANT SELECT ON public.events TO mallory; " . q{
	DO $$BEGIN EXECUTE replace(format('CREATE VIEW planted.map AS %s', pg_get_viewdef('shop.map'::regclass)), '''shop''::regnamespace', '''planted''::regnamespace'); END$$;
	CREATE VIEW planted.journeys AS SELECT * FROM shop.journeys; ALTER VIEW planted.map OWNER TO mallory; ALTER VIEW planted.journeys OWNER TO mallory}, %after);
run_sql_fails($node, q{SELECT FROM cjm.funnel_report('planted'::text, NULL::text, NULL::text, NULL::timestamptz, NULL::timestamptz, NULL::jsonb, NULL::text, NULL::boolean)}, '42501', qr/the view "map" of the map "planted" belongs to mallory, and its schema to bob/,
	'a report refuses it', %after);
is(run_sql($node, "$path SELECT map FROM cjm.maps", %after), 'shop', 'and it is not listed');

server_is_well($node);
done_testing();
