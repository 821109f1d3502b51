# ALTER EXTENSION cjm UPDATE by an owner of a database who is no superuser, from
# an older version with objects of all kinds in use: maps, columns and views go
# on, and what is there afterwards is what a fresh installation has.
#
# The older version is made here of the present one, in a copy of the server that
# stage.sh makes: nobody's installation is written to.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $tmp = $PostgreSQL::Test::Utils::tmp_check;
my %server = staged_server("$tmp/postgres");
my $extensions = "$server{sharedir}/extension";

# The older version lacks a function and a column of a view, and another function does something else.
my ($version) = slurp_file("$extensions/cjm.control") =~ /^default_version *= *'(.*)'/m;
my $present = slurp_file("$extensions/cjm--$version.sql");
my @functions = $present =~ /^(CREATE FUNCTION .*?)(?=^COMMENT ON FUNCTION)/msg;
my ($view) = $present =~ /^(CREATE VIEW cjm\.maps AS.*?;\n)/ms;
my ($new) = $present =~ /^(CREATE FUNCTION cjm\.bounce_report\(.*?^COMMENT ON FUNCTION cjm\.bounce_report.*?';\n)/ms;
my ($item, $column) = $view =~ /,\s*(d\.[^,]*?(\w+))\nFROM/;
my ($comment) = $present =~ /^(COMMENT ON COLUMN cjm\.maps\.$column .*?;\n)/ms;
my $old = $present;
$old =~ s/\Q$new\E//;
$old =~ s/\Q$comment\E//;
$old =~ s/,\s*\Q$item\E\nFROM/\nFROM/;
$old =~ s/^(CREATE FUNCTION cjm\.check_map\(.*?^BEGIN\n)/$1\tRAISE 'not in this version';\n/ms;
cmp_ok(scalar @functions, '>', 150, 'the functions of the script are found');
cmp_ok(length($present) - length($old), '>', 1000, 'the older version differs');
write_bytes("$extensions/cjm--0.0.0test.sql", $old);
write_bytes("$extensions/cjm--0.0.0test--$version.sql",
	join('', map { s/^CREATE FUNCTION/CREATE OR REPLACE FUNCTION/mgr } @functions) . ($view =~ s/^CREATE VIEW/CREATE OR REPLACE VIEW/r) . $comment .
	join('', $new =~ /^(COMMENT ON FUNCTION.*)/ms));

my $node = PostgreSQL::Test::Cluster->new('update', install_path => dirname($server{bindir}));
start_node($node);
is(run_sql($node, q{SELECT count(*) FROM pg_available_extension_versions WHERE name = 'cjm' AND version = '0.0.0test'}), 1, 'the server has both versions');

run_sql($node, q{
	CREATE ROLE owner LOGIN;
	CREATE ROLE bi LOGIN;
	CREATE DATABASE shop OWNER owner;
	CREATE DATABASE fresh OWNER owner;
	CREATE DATABASE restored OWNER owner;
});
my %owner = (database => 'shop', user => 'owner');
my %bi = (database => 'shop', user => 'bi');
run_sql($node, 'CREATE EXTENSION cjm', database => 'fresh', user => 'owner');
run_sql($node, q~
	CREATE EXTENSION cjm VERSION '0.0.0test';
	CREATE TABLE events (customer int, at timestamptz, event text, channel text, amount numeric, country text);
	INSERT INTO events SELECT 1 + i % 40, timestamptz '2021-01-01Z' + (hashint4(i) & 16777215) * interval '1 s', (ARRAY['view', 'cart', 'buy', 'add "it"'])[1 + (hashint4(i + 1) & 1023) % 4],
		(ARRAY['ads', NULL, 'e-mail'])[1 + i % 3], i % 7, (ARRAY['LV', 'EE'])[1 + i % 2]
	FROM generate_series(1, 2000) i;
	SELECT cjm.create_map('plain', 'events', 'customer', 'at', 'event', 'view -> cart -> buy within 30 days', 'channel', 'amount', 'country', time_zone => 'Europe/Riga');
	SELECT cjm.create_map('odd; "map"', 'events', 'customer::text', 'at::timestamp', 'upper(event)', 'VIEW -> optional CART -> BUY excluding "ADD ""IT"""', time_zone => 'UTC',
		filter => 'amount > 1');
	GRANT USAGE ON SCHEMA plain TO bi;
	GRANT SELECT ON plain.funnel TO bi;
	CREATE VIEW on_top AS SELECT f.stage, f.customers, r.rate FROM plain.funnel f, cjm.retention_report('plain') r WHERE f.step = 1 AND r.number < 3;
	CREATE TABLE kept (customer int PRIMARY KEY, journey cjm.journey, stats cjm.funnel_stats,
		touches bigint GENERATED ALWAYS AS (cjm.touch_count(journey)) STORED);
	INSERT INTO kept SELECT customer, journey, cjm.funnel_agg(journey, 'view -> buy') FROM plain.journeys GROUP BY customer, journey;
	CREATE INDEX ON kept (journey);
	CREATE MATERIALIZED VIEW summary AS SELECT country, cjm.window_funnel('9 days', at, event = 'view', event = 'buy') FROM events GROUP BY country;
~, %owner);

# What everything says, in one text, but for what changes as time passes.
my $contents = join(' UNION ALL ', (map { qq{SELECT '$_', md5(string_agg(t, E'\\n' ORDER BY t)) FROM (SELECT (to_jsonb(v) - '{recency,recency_days}'::text[])::text AS t FROM $_ v) x} }
	(map { ("plain.$_", qq{"odd; ""map""".$_}) } qw(events journeys customers funnel funnel_by_segment funnel_by_week sessions bounce retention)), qw(kept on_top summary)),
	q{SELECT 'drop_off', md5(string_agg((step, last_event, customers)::text, '' ORDER BY step, last_event)) FROM plain.drop_off},
	q{SELECT 'report', md5(string_agg(r::text, '')) FROM cjm.funnel_report('plain', 'segment', 'month') r},
	q{SELECT 'maps', string_agg(concat_ws('|', map, source, stages, time_zone), ',' ORDER BY map::text) FROM cjm.maps});
my $before = run_sql($node, $contents, %owner);
run_sql_fails($node, q{SELECT * FROM cjm.bounce_report('plain')}, '42883', qr/does not exist/, 'the older version has no bounce_report', %owner);
run_sql_fails($node, q{SELECT * FROM cjm.check_map('plain')}, 'P0001', qr/not in this version/, 'and another check_map', %owner);

run_sql_fails($node, 'ALTER EXTENSION cjm UPDATE', '42501', qr/must be owner of extension cjm/, 'only the owner updates it', %bi);
is(run_sql($node, "$contents; ALTER EXTENSION cjm UPDATE; $contents", %owner), "$before\n$before", 'all goes on in the session that updates it');
is(run_sql($node, q{SELECT extversion FROM pg_extension WHERE extname = 'cjm'}, %owner), $version, 'the version is the present one');
is(run_sql($node, $contents, %owner), $before, 'and in the next session');
is(run_sql($node, 'SELECT customers FROM plain.funnel WHERE step = 1', %bi), 40, 'rights stay');
is(run_sql($node, q{SELECT count(*) > 0 FROM cjm.bounce_report('plain')}, %owner), 't', 'what is new works on a map that is older');
is(run_sql($node, qq{SELECT string_agg(coalesce($column\::text, 'none'), ',') FROM cjm.maps}, %owner), 'none,none', 'so does the new column of maps');
is(run_sql($node, q{SELECT string_agg(DISTINCT finding, ',') FROM cjm.check_map('plain')}, %owner), 'event in no stage,money in no walk,no channel,value on an event that is no purchase', 'and the new check_map');
is(run_sql($node, q{SELECT cjm.create_map('plain', 'events', 'customer', 'at', 'event', 'view -> cart -> buy within 30 days', 'channel', 'amount', 'country', time_zone => 'Europe/Riga',
	replace => true)} . "; $contents", %owner), "plain\n$before", 'a map that is made anew says the same');
run_sql($node, q{INSERT INTO kept (customer, journey) VALUES (1000, '{}'); REINDEX TABLE kept; REFRESH MATERIALIZED VIEW summary}, %owner);

# The same objects with the same definitions as those of a fresh installation.
my $objects = q{
	SELECT string_agg(concat_ws(' ', pg_describe_object(d.classid, d.objid, 0), obj_description(d.objid, d.classid::regclass::text),
		CASE WHEN d.classid = 'pg_proc'::regclass THEN (SELECT CASE WHEN p.prokind IN ('f', 'w') THEN pg_get_functiondef(p.oid) END || coalesce(p.proacl::text, '') FROM pg_proc p WHERE p.oid = d.objid)
			WHEN d.classid = 'pg_class'::regclass THEN (SELECT coalesce(pg_get_viewdef(c.oid), '') || c.relacl::text || (SELECT string_agg(concat(attname, col_description(c.oid, attnum)), ',' ORDER BY attnum)
				FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0) FROM pg_class c WHERE c.oid = d.objid AND c.relkind = 'v') END),
		E'\n' ORDER BY pg_describe_object(d.classid, d.objid, 0) COLLATE "C")
	FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'cjm'};
is(run_sql($node, $objects, %owner), run_sql($node, $objects, database => 'fresh', user => 'owner'), 'every object is as after a fresh installation');

# A dump says no version: it is restored with the present one.
command_ok([ "$server{bindir}/pg_dump", '-h', $node->host, '-p', $node->port, '-U', 'owner', '-f', "$tmp/extension_update.sql", 'shop' ], 'the database is dumped');
command_ok([ "$server{bindir}/psql", '-Xq', '-v', 'ON_ERROR_STOP=1', '-h', $node->host, '-p', $node->port, '-U', 'owner', '-d', 'restored', '-f', "$tmp/extension_update.sql" ], 'and restored');
is(run_sql($node, "DELETE FROM kept WHERE customer = 1000; $contents", database => 'restored', user => 'owner'), $before, 'with the same contents');

server_is_well($node);
done_testing();
