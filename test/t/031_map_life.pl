# The life of a map: names of every kind, rights, row security, sources of
# every kind, renaming, dropping, and dump and restore by an owner of a
# database who is no superuser.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('map_life');
my $dir = $PostgreSQL::Test::Utils::tmp_check;

run_sql($node, q{
	CREATE ROLE owner LOGIN;
	CREATE ROLE analyst LOGIN;
	CREATE ROLE bi LOGIN;
	CREATE ROLE nobody LOGIN;
	CREATE DATABASE shop OWNER owner;
	CREATE DATABASE restored OWNER owner;
});
my %owner = (database => 'shop', user => 'owner');
my %analyst = (database => 'shop', user => 'analyst');
my %bi = (database => 'shop', user => 'bi');
my %nobody = (database => 'shop', user => 'nobody');

run_sql($node, q~
	CREATE EXTENSION cjm;
	CREATE TABLE events (customer int, at timestamptz, event text, channel text, amount numeric, country text, tenant name DEFAULT 'bi');
	INSERT INTO events SELECT 1 + i % 40, timestamptz '2021-01-01Z' + (hashint4(i) & 16777215) * interval '1 s', (ARRAY['view', 'cart', 'buy', 'add "it"; --', 'оплата 🛒'])[1 + (hashint4(i + 1) & 1023) % 5],
		(ARRAY['ads', NULL, 'e-mail'])[1 + i % 3], i % 7, (ARRAY['LV', 'EE'])[1 + i % 2], CASE WHEN i % 40 < 10 THEN 'bi' ELSE 'analyst' END
	FROM generate_series(1, 2000) i;
	GRANT CREATE ON DATABASE shop TO analyst;
	GRANT SELECT ON events TO analyst;
~, %owner);

# All that the views of a map say; the reports, too.
sub contents
{
	my ($map, %options) = @_;
	my $schema = $map =~ s/"/""/gr;
	my $literal = $map =~ s/'/''/gr;

	return join "\n", map({ run_sql($node, qq{SELECT '$_', count(*), md5(string_agg(v::text, E'\\n' ORDER BY v::text)) FROM "$schema".$_ v}, %options) }
		qw(events journeys funnel funnel_by_segment funnel_by_week funnel_by_dimension sessions bounce retention attribution)),
	  run_sql($node, qq{SELECT count(*), md5(string_agg((customer, step, stage, step_times, converted, sessions)::text, '' ORDER BY customer)) FROM "$schema".customers}, %options),
	  run_sql($node, qq{SELECT count(*), md5(string_agg((step, last_event, customers)::text, '' ORDER BY step, last_event)) FROM "$schema".drop_off}, %options),
	  run_sql($node, qq{SELECT stages, time_zone, session_gap, customer, at, event, filter, ARRAY(SELECT jsonb_object_keys(dimensions)) FROM "$schema".map}, %options),
	  run_sql($node, qq{SELECT count(*), md5(string_agg(r::text, '')) FROM cjm.funnel_report('$literal', 'segment', 'month') r}, %options);
}

# Names

my $same = q{'customer', 'at', 'event', 'view -> cart | "add ""it""; --" -> "оплата 🛒" within 30 days', 'channel', 'amount', 'country', filter => 'event <> ''x''', time_zone => 'Europe/Riga',
	dimensions => $d${"'; DROP TABLE events; --": "'''; DROP TABLE events; --' || country", "%I $1": "channel", "on looking": "(SELECT max(s.n) FROM (VALUES ('0'), ('3')) s(n) WHERE s.n <= customer::text)"}$d$};
my $long = 'ж' x 31 . 'x';
my %names = (
	'quotes' => q(it's "quoted"),
	'a second statement' => q(x; DROP TABLE events; --),
	'a second statement after a quote' => q('; DROP TABLE events; --),
	'the same after a double quote' => q("; DROP TABLE events; --),
	'format' => '100%s %I %L %',
	'a line' => "two\nlines",
	'other scripts' => 'карта 地図 🗺',
	'63 bytes' => $long,
	'a keyword' => 'select',
	'dollars' => '$$ $1 $x$',
	'backslash' => 'a\\b');
my $plain;
foreach my $name ('plain', sort keys %names)
{
	my $map = $names{$name} // 'plain';
	my $literal = $map =~ s/'/''/gr;
	run_sql($node, "SELECT cjm.create_map('$literal', 'events', $same)", %owner);
	my $got = contents($map, %owner);
	$plain //= $got;
	is($got, $plain, "a map whose name is like $name");
	is(run_sql($node, "SELECT count(*) FROM cjm.check_map('$literal')", %owner), 9, "$name: it can be checked") if $name ne 'plain';
	is(run_sql($node, "SELECT r.customers FROM cjm.maps m, cjm.funnel_report(m.map::text) r, cjm_internal.map_of(m.map::text) d, pg_namespace n
		WHERE n.nspname = '$literal' AND n.oid = m.map AND d.map = m.map AND r.step = 1", %owner), 40, "$name: it is found as cjm.maps prints it");
	run_sql($node, "SELECT cjm.drop_map('$literal')", %owner) if $name ne 'plain';
}
is(run_sql($node, 'SELECT count(*) FROM events', %owner), 2000, 'no name became a statement');
is(run_sql($node, 'SELECT string_agg(map::text, $$ $$) FROM cjm.maps', %owner), 'plain', 'every map is gone again');

# Hostile text in what is stored and printed: labels, segments, time zones, filters
run_sql($node, q~
	SELECT cjm.create_map('hostile', 'events', 'customer', 'at', $e$CASE event WHEN 'view' THEN E'''; DROP TABLE events; --\n"%s$1' ELSE event END$e$,
		$f$"'; DROP TABLE events; --
""%s$1" -> cart$f$::cjm.funnel, channel => $c$E'\\'; DROP TABLE events; --'$c$, segment => $s$E'%I'';\n--"'$s$, filter => $x$event <> E'\\'; DROP TABLE events; --'$x$)~, %owner);
is(run_sql($node, q{SELECT string_agg(customers::text, ',' ORDER BY step) FROM hostile.funnel}, %owner),
	run_sql($node, q{SELECT string_agg(customers::text, ',' ORDER BY step) FROM cjm.report((SELECT cjm.funnel_agg(journey, 'view -> cart') FROM plain.journeys))}, %owner),
	'hostile labels are labels');
is(run_sql($node, q{SELECT (SELECT count(*) > 0 FROM cjm.purchase_report('hostile', 'channel')), (SELECT count(*) = 0 FROM cjm.drop_off_report('hostile', 'next_event')),
		(SELECT count(*) > 0 FROM cjm.check_map('hostile')), (SELECT count(*) > 0 FROM cjm.win_back_report('hostile', away => '1 hour')), (SELECT count(*) > 0 FROM cjm.session_report('hostile', 'channel'))},
	%owner), 't|t|t|t|t',
	'in reports too');
run_sql($node, q{SELECT cjm.drop_map('hostile')}, %owner);

# Rights

is(run_sql($node, q{
	SELECT cjm.create_map('mine', 'events', 'customer', 'at', 'event', 'view -> cart -> buy', segment => 'country');
	GRANT USAGE ON SCHEMA mine TO bi;
	GRANT SELECT ON mine.funnel, mine.map TO bi;
	SELECT string_agg(DISTINCT relowner::regrole::text, ',') FROM pg_class WHERE relnamespace = 'mine'::regnamespace}, %analyst), "mine\nanalyst",
	'whoever may create a schema makes a map, and it is theirs');
is(run_sql($node, 'SELECT customers FROM mine.funnel WHERE step = 1', %bi), 40, 'a role sees aggregates without seeing events');
run_sql_fails($node, "SELECT * FROM $_", '42501', qr/permission denied/, "and no $_", %bi) foreach qw(events mine.events mine.customers mine.journeys);
run_sql_fails($node, q{SELECT * FROM cjm.funnel_report('mine')}, '42501', qr/permission denied for view journeys/, 'reports read with the rights of whoever asks', %bi);
run_sql_fails($node, q{SELECT cjm.create_map('mine', 'events', 'customer', 'at', 'event', 'view', replace => true)}, '42501', qr/the schema "mine" belongs to analyst/,
	'nobody makes the map of another anew', %owner);
run_sql_fails($node, q{SELECT cjm.drop_map('mine')}, '42501', qr/must be owner/, 'or takes it away', %bi);
run_sql($node, 'GRANT SELECT ON events TO bi', %owner);
run_sql_fails($node, q{SELECT cjm.create_map('x', 'events', 'customer', 'at', 'event', 'view')}, '42501', qr/permission denied for database shop/,
	'a map takes the right to make a schema', %bi);
run_sql($node, 'REVOKE SELECT ON events FROM bi', %owner);
is(run_sql($node, 'SELECT string_agg(map::text, $$ $$) FROM cjm.maps', %bi), 'mine', 'cjm.maps has what one may read');
is(run_sql($node, 'SELECT count(*) FROM cjm.maps', %nobody), 0, 'and nothing else');
run_sql($node, 'REVOKE SELECT ON events FROM analyst', %owner);
run_sql_fails($node, 'SELECT * FROM mine.funnel', '42501', qr/permission denied for table events/, 'the maker needs the source', %bi);
run_sql($node, 'GRANT SELECT ON events TO analyst', %owner);
run_sql_fails($node, q{SELECT cjm.create_map('x', 'events', 'customer', 'at', 'event', 'view')}, '42501', qr/permission denied/, 'and so does one without a right to it', %nobody);

# A filter holds its rows back from conditions that tell what they see.
run_sql($node, q{
	SELECT cjm.create_map('filtered', 'events', 'customer', 'at', 'event', 'view', filter => 'tenant = ''bi''');
	GRANT USAGE ON SCHEMA filtered TO bi;
	GRANT SELECT ON filtered.events, filtered.journeys TO bi;
	GRANT CREATE ON SCHEMA public TO bi;
}, %owner);
run_sql($node, q{CREATE FUNCTION spy(int) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE NOTICE 'saw %', $1; RETURN true; END $$}, %bi);
my ($status, $output, $seen) = $node->psql('shop', 'SELECT count(*) FROM filtered.events WHERE spy(customer)', extra_params => [ '-U', 'bi' ]);
my %saw = map { $_ => 1 } $seen =~ /saw (\d+)/g;
is(join(',', sort { $a <=> $b } keys %saw), '1,2,3,4,5,6,7,8,9,10', 'a filter holds its rows back from whatever a reader asks');

run_sql($node, 'DROP FUNCTION spy(int)', %bi);

# Row security

run_sql($node, q{
	CREATE TABLE secret (LIKE events);
	INSERT INTO secret SELECT * FROM events;
	ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
	CREATE POLICY own ON secret TO analyst, bi USING (tenant = current_user);
	GRANT SELECT ON secret TO analyst, bi;
	SELECT cjm.create_map('secured', 'secret', 'customer', 'at', 'event', 'view -> cart -> buy');
	GRANT USAGE ON SCHEMA secured TO analyst, bi, nobody;
	GRANT SELECT ON ALL TABLES IN SCHEMA secured TO analyst, bi, nobody;
}, %owner);
is(run_sql($node, q{SELECT access FROM secured.map}, %owner), 'reader', 'a source with row security is read by the reader');
is(run_sql($node, 'SELECT count(*) FROM secured.customers', %owner), 40, 'the owner sees all');
is(run_sql($node, 'SELECT string_agg(customer::text, $$,$$ ORDER BY customer) FROM secured.customers', %bi), '1,2,3,4,5,6,7,8,9,10', 'a reader what the policy lets through');
is(run_sql($node, 'SELECT count(*) FROM secured.customers', %analyst), 30, 'and another the rest');
is(run_sql($node, q{SELECT customers FROM secured.funnel WHERE step = 1 UNION ALL SELECT customers FROM cjm.funnel_report('secured') WHERE step = 1
	UNION ALL SELECT sum(cohort_size) FROM secured.retention WHERE number = 0}, %bi), "10\n10\n10", 'so too in aggregates and reports');
foreach my $view (qw(events journeys customers funnel funnel_by_segment funnel_by_week drop_off sessions bounce retention attribution channels))
{
	run_sql_fails($node, "SELECT * FROM secured.$view", '42501', qr/permission denied for table secret/, "secured.$view: who may not read the source reads nothing", %nobody);
}
run_sql($node, q{SELECT cjm.create_map('secured', 'secret', 'customer', 'at', 'event', 'view -> cart -> buy', access => 'owner', replace => true)}, %owner);
is(run_sql($node, 'SELECT count(*) FROM secured.customers', %nobody), 40, 'made anew for access by the owner, readers see all');
run_sql($node, q{SELECT cjm.create_map('secured', 'secret', 'customer', 'at', 'event', 'view -> cart -> buy', replace => true)}, %owner);
run_sql_fails($node, 'SELECT * FROM secured.funnel', '42501', qr/permission denied for table secret/, 'and back', %nobody);
run_sql($node, q{
	CREATE VIEW invoker WITH (security_invoker = on) AS SELECT * FROM secret;
	SELECT cjm.create_map('invoked', 'invoker', 'customer', 'at', 'event', 'view -> cart -> buy')}, %owner);
is(run_sql($node, 'SELECT access FROM invoked.map', %owner), 'reader', 'so for a view that asks with its reader\'s rights');

# Sources of every kind say the same

run_sql($node, qq~
	CREATE VIEW as_view AS SELECT * FROM events;
	CREATE MATERIALIZED VIEW as_matview AS SELECT * FROM events;
	CREATE TABLE as_parts (LIKE events) PARTITION BY HASH (customer);
	CREATE TABLE part_0 PARTITION OF as_parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
	CREATE TABLE part_1 PARTITION OF as_parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
	INSERT INTO as_parts SELECT * FROM events;
	CREATE TABLE "odd ""name""; --" (LIKE events);
	INSERT INTO "odd ""name""; --" SELECT * FROM events;
~, %owner);
foreach my $source ('as_view', 'as_matview', 'as_parts', '"odd ""name""; --"')
{
	run_sql($node, "SELECT cjm.create_map('kind', '$source', $same, replace => true)", %owner);
	is(contents('kind', %owner), $plain, "$source is a source like a table");
	run_sql($node, q{SELECT cjm.drop_map('kind')}, %owner);
}
SKIP:
{
	skip 'no file_fdw', 1 unless run_sql($node, q{SELECT count(*) FROM pg_available_extensions WHERE name = 'file_fdw'}) eq '1';
	run_sql($node, "CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw; COPY events TO '$dir/events.csv' CSV;
		CREATE FOREIGN TABLE as_file (customer int, at timestamptz, event text, channel text, amount numeric, country text, tenant name) SERVER files OPTIONS (filename '$dir/events.csv', format 'csv');
		GRANT SELECT ON as_file TO owner; GRANT pg_read_server_files TO owner", database => 'shop');
	run_sql($node, "SELECT cjm.create_map('kind', 'as_file', $same)", %owner);
	is(contents('kind', %owner), $plain, 'a foreign table is a source like a table');
	run_sql($node, q{SELECT cjm.drop_map('kind')}, %owner);
	run_sql($node, 'DROP EXTENSION file_fdw CASCADE', database => 'shop');
}

# Expressions mean what they meant to their maker, whoever asks under whatever search_path.
run_sql($node, q{
	CREATE SCHEMA tools;
	CREATE FUNCTION tools.clean(text) RETURNS text LANGUAGE sql IMMUTABLE RETURN lower($1);
	CREATE FUNCTION public.clean(text) RETURNS text LANGUAGE sql IMMUTABLE RETURN 'wrong';
	SET search_path = tools, public;
	SELECT cjm.create_map('expressed', 'events', 'customer', 'at', 'clean(event)', 'view -> cart');
}, %owner);
is(run_sql($node, q{SET search_path = public, pg_temp; SELECT customers FROM cjm.funnel_report('expressed') WHERE step = 1}, %owner), 40, 'a function is that of the maker\'s search_path');
is(run_sql($node, q{SELECT event FROM expressed.map}, %owner), 'tools.clean(event)', 'and stored with its schema');
run_sql($node, q{SET search_path = public; SELECT cjm.create_map('expressed', 'events', 'customer', 'at', 'tools.clean(event)', 'view -> cart', replace => true)}, %owner);
run_sql($node, q{SELECT cjm.drop_map('expressed'); DROP SCHEMA tools CASCADE; DROP FUNCTION clean(text)}, %owner);

# Dump and restore

run_sql($node, q~
	CREATE VIEW on_top AS SELECT stage, customers FROM plain.funnel;
	SELECT cjm.create_map('it''s "mine"; --', 'events', 'customer::text || ''%''', 'at::timestamp', 'event', 'view -> "add ""it""; --" [2 days] -> optional buy within 7 days excluding "оплата 🛒"',
		'channel', 'amount', '(SELECT s.country FROM secret s WHERE s.customer = events.customer ORDER BY s.country LIMIT 1)', 'last', 'amount > 1', '15 minutes', 'America/New_York', 'owner')~, %owner);
run_sql_fails($node, q{SELECT cjm.create_map('looked up', 'events', 'customer', 'at', 'event', 'view', segment => '(SELECT s.country FROM secret s WHERE s.customer = events.customer LIMIT 1)')},
	'22023', qr/a dimension is looked up in public.secret, which has row security/, 'whose rights count where a segment is looked up has to be said', %owner);
like(run_sql($node, q{SELECT subject FROM cjm.check_map('it''s "mine"; --') WHERE finding = 'row security'}, %owner), qr/^(?:public\.)?secret$/, 'check_map says so, too');
my @as_owner = ('-U', 'owner', '-h', $node->host, '-p', $node->port);
my %before = map { $_ => contents($_, %owner) } ('plain', 'secured', q(it's "mine"; --));
command_ok([ 'pg_dump', @as_owner, '-f', "$dir/map_life.sql", '-N', 'mine', '--enable-row-security', 'shop' ], 'the owner dumps the database');
command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', @as_owner, '-d', 'restored', '-f', "$dir/map_life.sql" ], 'and restores it');
my %restored = (database => 'restored', user => 'owner');
is(contents($_, %restored), $before{$_}, "$_: same contents after a restore") foreach sort keys %before;
my $definitions = q{SELECT string_agg(concat_ws('|', c.oid::regclass, c.reloptions, c.relacl, pg_get_viewdef(c.oid), obj_description(c.oid, 'pg_class'),
		(SELECT string_agg(col_description(c.oid, attnum), ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0)), E'\n' ORDER BY c.oid::regclass::text)
	FROM pg_class c WHERE relkind = 'v' AND relnamespace IN (SELECT map FROM cjm.maps WHERE map::text <> 'mine')};
is(run_sql($node, $definitions, %restored), run_sql($node, $definitions, %owner), 'every view, its rights and its comments are the same');
is(run_sql($node, q{SELECT string_agg(map::text || ' ' || source, ', ' ORDER BY map::text) FROM cjm.maps}, %restored),
	q("it's ""mine""; --" events, filtered events, invoked invoker, plain events, secured secret), 'cjm.maps has them');
is(run_sql($node, 'SELECT count(*) FROM secured.customers', database => 'restored', user => 'bi'), 10, 'row security still holds');
run_sql($node, "SELECT cjm.create_map('plain', 'events', $same, replace => true)", %restored);
is(contents('plain', %restored), $plain, 'a restored map can be made anew');
is(run_sql($node, 'ALTER EXTENSION cjm UPDATE; SELECT count(*) FROM plain.funnel', %restored), 3, 'and lives through an update of the extension');
run_sql_fails($node, 'DROP EXTENSION cjm', '2BP01', qr/other objects depend on it/, 'a map holds the extension', %restored);

# Renaming and dropping

is(run_sql($node, q{SELECT count(*) FROM cjm.maps m, cjm.check_map(m.map::text) WHERE finding = 'definition out of date'}, %owner), 0, 'no definition is out of date');
run_sql($node, 'ALTER TABLE secret RENAME country TO land', %owner);
like(run_sql($node, q{SELECT subject, meaning FROM cjm.check_map('it''s "mine"; --') WHERE finding = 'definition out of date'}, %owner),
	qr/^segment\|the map says .*s\.country.*, its views read .*s\.land/, 'check_map says that a column in a subquery was renamed');
run_sql($node, 'ALTER TABLE secret RENAME land TO country', %owner);

run_sql($node, q{
	ALTER TABLE events RENAME TO "the events";
	ALTER TABLE "the events" RENAME COLUMN event TO "what; --";
	ALTER TABLE "the events" RENAME COLUMN at TO "at time";
	CREATE SCHEMA elsewhere;
	ALTER TABLE "the events" SET SCHEMA elsewhere;
	ALTER SCHEMA plain RENAME TO "plain; no more";
}, %restored);
like(run_sql($node, q{SELECT map, source FROM cjm.maps WHERE map::text LIKE '%plain%'}, %restored), qr/^"plain; no more"\|elsewhere\."the events"$/, 'a map follows its source and its own name');
is(run_sql($node, q{SELECT string_agg(customers::text, ',' ORDER BY step) FROM cjm.funnel_report('plain; no more')}, %restored),
	run_sql($node, q{SELECT string_agg(customers::text, ',' ORDER BY step) FROM plain.funnel}, %owner), 'reports find it by its new name');
is(run_sql($node, q{SELECT string_agg(finding, ',') FROM cjm.check_map('plain; no more') WHERE touches IS NOT NULL}, %restored), run_sql($node, q{SELECT string_agg(finding, ',') FROM cjm.check_map('plain')}, %owner),
	'so does check_map');
is(run_sql($node, q{SELECT subject, meaning FROM cjm.check_map('plain; no more') WHERE finding = 'definition out of date'}, %restored),
	'at|the map says at, its views read "at time": make it anew with create_map and replace => true' . "\n" .
	'event|the map says event, its views read "what; --": make it anew with create_map and replace => true' . "\n" .
	q{filter|the map says (event <> 'x'::text), its views read ("what; --" <> 'x'::text): make it anew with create_map and replace => true} . "\n" .
	q{dimension "on looking"|the map says (SELECT max(s.n) AS max FROM (VALUES ('0'::text), ('3'::text)) s(n) WHERE (s.n <= (events.customer)::text)), its views read (SELECT max(s.n) AS max FROM (VALUES ('0'::text), ('3'::text)) s(n) WHERE (s.n <= ("the events".customer)::text)): make it anew with create_map and replace => true},
	'which says that columns were renamed, and the source, where a subquery names it');
run_sql_fails($node, 'DROP TABLE elsewhere."the events"', '2BP01', qr/view "plain; no more"\.map depends on table elsewhere\."the events"/, 'dropping the source is refused', %restored);
run_sql_fails($node, 'ALTER TABLE elsewhere."the events" DROP COLUMN "what; --"', '2BP01', qr/depends on column/, 'dropping a column of it too', %restored);
run_sql_fails($node, 'DROP SCHEMA "plain; no more"', '2BP01', qr/depends on schema/, 'a map is dropped on purpose only', %restored);
run_sql($node, 'DROP SCHEMA "plain; no more" CASCADE; DROP TABLE elsewhere."the events" CASCADE; DROP TABLE secret CASCADE', %restored);
is(run_sql($node, 'SELECT count(*) FROM cjm.maps', %restored), 0, 'with the source go the maps');

server_is_well($node);
done_testing();
