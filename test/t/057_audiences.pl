# Audiences and the world around them: roles, what others have put into the schema,
# what they put on its tables, dump and restore, other names, other settings, row
# security, notifications, and the end.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('audiences');
my $dir = $PostgreSQL::Test::Utils::tmp_check;

run_sql($node, q{
	CREATE ROLE owner LOGIN; CREATE ROLE crm LOGIN; CREATE ROLE mailer LOGIN; CREATE ROLE mallory LOGIN; CREATE ROLE friend LOGIN IN ROLE owner; CREATE ROLE reader LOGIN;
	CREATE DATABASE shop OWNER owner; CREATE DATABASE restored OWNER owner});
run_sql($node, 'CREATE EXTENSION cjm; GRANT ALL ON SCHEMA public TO owner; ALTER DATABASE shop SET search_path = public', database => 'shop');
my %super = (database => 'shop');
my ($owner, $crm, $mailer, $mallory, $friend, $reader) = map { { database => 'shop', user => $_ } } qw(owner crm mailer mallory friend reader);

run_sql($node, q{
	CREATE TABLE events (customer int, at timestamptz, event text, tenant text);
	INSERT INTO events SELECT c, now() - interval '1 day' * (c % 20) - interval '3 hours', 'view', CASE WHEN c % 2 = 0 THEN 'reader' ELSE 'owner' END FROM generate_series(1, 100) c;
	INSERT INTO events SELECT c, now() - interval '1 day' * (c % 20) - interval '2 hours', 'cart', CASE WHEN c % 2 = 0 THEN 'reader' ELSE 'owner' END FROM generate_series(1, 60) c;
	SELECT cjm.create_map('shop', 'events', 'customer', 'at', 'event', 'view -> cart -> buy', time_zone => 'Europe/Riga');
	SELECT cjm.create_audience('shop', 'carts', at_stage => 'cart', not_after => 'buy', holdout => 0.2);
	SELECT cjm.create_audience('shop', 'lately', condition => 'last_seen > now() - interval ''10 days''')}, %$owner);
is(run_sql($node, q{SELECT cjm.refresh_audiences('shop') ~ '^carts: 60 members, 60 entered, 0 left; lately: '}, %$owner), 't', 'a refresh');

# Who may what.
my $held = run_sql($node, 'SELECT count(*) FROM shop.meets_carts WHERE held_out', %$owner);
cmp_ok($held, '>', 0, 'some are held out');
run_sql($node, 'GRANT USAGE ON SCHEMA shop TO crm, mailer, mallory; GRANT SELECT ON shop.audience_carts TO crm; GRANT SELECT ON shop.map, shop.audience_changes TO mailer; GRANT SELECT, INSERT, UPDATE ON shop.audience_consumers TO mailer', %$owner);
is(run_sql($node, 'SELECT count(*) FROM shop.audience_carts', %$crm), 60 - $held, 'a role reads the view of an audience');
run_sql_fails($node, "SELECT * FROM $_", '42501', qr/permission denied/, "and no $_", %$crm) foreach qw(shop.meets_carts shop.customers shop.journeys shop.audience_members shop.audience_changes shop.audience_lately events);
is(run_sql($node, q{SELECT count(*) FROM cjm.audience('shop', 'carts')}, %$crm), 60 - $held, 'audience() is the same view');
is(run_sql($node, q{SELECT count(*) FROM cjm.take_changes('shop', 'mailer', 10)}, %$mailer), 10, 'a role takes changes that has the rights for that alone');
is(run_sql($node, q{SELECT min(number) FROM cjm.take_changes('shop', 'mailer', 10)}, %$mailer), 11, 'and then the next ones');
my %calls = (
	create_audience => q{cjm.create_audience('shop', 'mine', at_stage => 'cart')}, refresh_audiences => q{cjm.refresh_audiences('shop')}, drop_audience => q{cjm.drop_audience('shop', 'carts')},
	take_changes => q{cjm.take_changes('shop', 'thief')}, audience => q{cjm.audience('shop', 'carts')}, audience_report => q{cjm.audience_report('shop', 'carts')});
foreach my $who ($mailer, $mallory)
{
	foreach my $call (sort keys %calls)
	{
		next if $who == $mailer && $call eq 'take_changes';
		run_sql_fails($node, "SELECT * FROM $calls{$call}", '42501', qr/permission denied|belongs to owner/, "$call is not for $who->{user}", %$who);
	}
}
# The tasks behind them do nothing for whoever calls them.
my $schema = run_sql($node, q{SELECT 'shop'::regnamespace::oid}, %$owner);
foreach my $task (qw(audience_make audience_drop audience_refresh audience_take))
{
	run_sql_fails($node, qq{SELECT cjm_internal.$task('{"map": $schema, "name": "carts", "at_stage": "cart", "include_open": true, "replace": true, "consumer": "x", "at_most": 1}')}, '42501', qr/permission denied|must be owner/, "$task gives nobody a right", %$mallory);
	run_sql_fails($node, qq{SELECT cjm_internal.map_call_as('cjm_internal.$task'::regproc, 'owner'::regrole, '{"map": $schema}')}, '42501', qr/permission denied to act as another role/, "$task is not called as another", %$mallory);
}
is(run_sql($node, q{SELECT cjm.refresh_audiences('shop') LIKE 'carts: 60 members, 0 entered, 0 left; %'}, %$friend), 't', 'a member of the owner refreshes');
run_sql($node, q{SELECT cjm.create_audience('shop', 'of a friend', at_stage => 'view')}, %$friend);
run_sql($node, q{SELECT cjm.create_audience('shop', 'of a superuser', at_stage => 'view')}, %super);
is(run_sql($node, q{SELECT string_agg(DISTINCT relowner::regrole::text, ',') FROM pg_class WHERE relnamespace = 'shop'::regnamespace}, %super), 'owner', 'all of it is the owner\'s, whoever made it');

# Whoever refreshes or takes for the owner lends the owner nothing.
run_sql($node, q{
	CREATE TABLE seen (who name);
	GRANT INSERT ON seen TO PUBLIC;
	CREATE FUNCTION spy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.seen VALUES (current_user); RETURN coalesce(NEW, OLD); END $$;
	CREATE FUNCTION spying(bigint) RETURNS boolean LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM set_config('spy.who', current_user, false); RETURN true; END $$;
	CREATE TRIGGER spy BEFORE INSERT OR UPDATE ON shop.audience_members FOR EACH ROW EXECUTE FUNCTION spy();
	CREATE TRIGGER spy BEFORE INSERT OR UPDATE ON shop.audience_consumers FOR EACH ROW EXECUTE FUNCTION spy();
	CREATE TRIGGER spy BEFORE INSERT OR UPDATE ON shop.audience_changes FOR EACH ROW EXECUTE FUNCTION spy();
	SELECT cjm.create_audience('shop', 'spying', condition => 'spying(touches)')}, %$owner);
run_sql($node, q{SELECT cjm.refresh_audiences('shop'); SELECT cjm.take_changes('shop', 'super', 5); SELECT cjm.create_audience('shop', 'spied', at_stage => 'view'); SELECT cjm.refresh_audiences('shop'); SELECT cjm.drop_audience('shop', 'spied')}, %super);
is(run_sql($node, q{SELECT string_agg(DISTINCT who::text, ',') FROM seen}, %$owner), 'owner', 'a superuser\'s calls run what the owner has put on the tables as the owner');
is(run_sql($node, q{SET client_min_messages = error; SELECT cjm.refresh_audiences('shop') IS NOT NULL; SELECT current_setting('spy.who', true) IS DISTINCT FROM current_user}, %super), "t\nt", 'and what is in a condition');
run_sql($node, q{DROP TRIGGER spy ON shop.audience_members; DROP TRIGGER spy ON shop.audience_consumers; DROP TRIGGER spy ON shop.audience_changes; SELECT cjm.drop_audience('shop', 'spying'); DROP FUNCTION spying(bigint), spy()}, %$owner);

# Who may create in the schema puts nothing there that is taken for the map's.
run_sql($node, q{SELECT cjm.create_map('open', 'events', 'customer', 'at', 'event', 'view -> cart -> buy', time_zone => 'UTC'); GRANT ALL ON SCHEMA open TO mallory; GRANT SELECT ON open.map TO mallory}, %$owner);
run_sql($node, 'CREATE VIEW open.meets_x AS SELECT 1 AS customer; CREATE VIEW open.audience_x AS SELECT 1 AS customer', %$mallory);
run_sql($node, q{COMMENT ON VIEW open.audience_x IS 'audience of this map: whom to address'; COMMENT ON VIEW open.meets_x IS 'audience of this map: who meets'}, %$mallory);
run_sql_fails($node, q{SELECT cjm.audience('open', 'x')}, '42704', qr/the map open has no audience "x"/, 'a view of somebody else is no audience', %$owner);
run_sql_fails($node, q{SELECT cjm.create_audience('open', 'x', at_stage => 'cart')}, '42P07', qr/there is something else called audience_x or meets_x/, 'and is not replaced', %$owner);
run_sql($node, 'CREATE TABLE open.audience_members (x int)', %$mallory);
run_sql_fails($node, q{SELECT cjm.create_audience('open', 'y', at_stage => 'cart')}, '42501', qr/"audience_members" of the map "open" belongs to mallory/, 'a table of somebody else is not written to', %$owner);
run_sql_fails($node, q{SELECT cjm.refresh_audiences('open')}, '42501', qr/belongs to mallory/, 'nor refreshed', %$owner);
run_sql($node, 'DROP TABLE open.audience_members; DROP VIEW open.audience_x, open.meets_x', %$mallory);
run_sql($node, 'CREATE TABLE open.audience_members (x int)', %$owner);
run_sql_fails($node, q{SELECT cjm.create_audience('open', 'y', at_stage => 'cart')}, '42P07', qr/open.audience_members is there, but is not what the map has under that name/, 'nor is another table of one\'s own', %$owner);
run_sql($node, q{DROP TABLE open.audience_members; SELECT cjm.drop_map('open')}, %$owner);
# What stands in a table becomes no SQL.
run_sql($node, q{UPDATE shop.audiences SET condition = 'true); DROP TABLE public.events; --', quiet_for = '1 year', salt = 1, holdout = 0.9}, %$owner);
is(run_sql($node, q{SELECT cjm.refresh_audiences('shop') LIKE 'carts: 60 members, 0 entered, 0 left; %'}, %$owner), 't', 'what the table says changes no audience');

# Readers' settings: a condition means what it meant to its maker.
run_sql($node, q{
	CREATE SCHEMA tools; CREATE FUNCTION tools.big(bigint) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN $1 > 1; CREATE FUNCTION public.big(bigint) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN false;
	SET search_path = tools; SET IntervalStyle = 'sql_standard'; SET DateStyle = 'SQL, DMY';
	SELECT cjm.create_audience('shop', 'big', condition => 'big(touches) AND first_seen > ''02/01/2000'' AND recency IS NULL', quiet_for => '1 day 2 hours', since => '1 month 2 days 03:00', where_is => '{"first_channel": null}')}, %$owner);
my $big = run_sql($node, 'SELECT string_agg(customer::text, $$,$$ ORDER BY customer) FROM shop.audience_big', %$owner);
like($big, qr/^1,2,3,/, 'there are some');
is(run_sql($node, q{SET search_path = public; SET TimeZone = 'Asia/Tokyo'; SET DateStyle = 'SQL, MDY'; SET IntervalStyle = 'iso_8601'; SELECT string_agg(customer::text, ',' ORDER BY customer) FROM shop.audience_big}, %$owner), $big, 'the same under other settings');
is(run_sql($node, q{SELECT condition, quiet_for, since FROM shop.audiences WHERE name = 'big'}, %$owner), q{(tools.big(touches) AND (first_seen > '2000-01-01 22:00:00+00'::timestamp with time zone) AND (recency IS NULL))|1 day 02:00:00|1 mon 2 days 03:00:00}, 'and is written down as it is read');

# Whoever listens is told, once there is something to tell.
my ($status, $output, $errors) = $node->psql('shop', q{LISTEN cjm_audience; SELECT cjm.refresh_audiences('shop') IS NOT NULL; SELECT cjm.refresh_audiences('shop') IS NOT NULL}, extra_params => [ '-U', 'owner' ]);
my @told = $output =~ /Asynchronous notification "cjm_audience" with payload "(.*)" received/g;
is(join('; ', @told), '{"map": "shop", "left": 0, "entered": ' . (() = $big =~ /\d+/g) . ', "audience": "big"}', 'a notification says what changed');

# A map that is renamed, restored, and whose source is.
run_sql($node, q{ALTER SCHEMA shop RENAME TO "my ""shop""; --"; ALTER TABLE events RENAME COLUMN customer TO "who; --"; ALTER TABLE events RENAME TO "the events"}, %$owner);
is(run_sql($node, q{SELECT cjm.refresh_audiences('my "shop"; --') ~ '^big: [1-9]\d* members, 0 entered, 0 left; carts: 60 members, 0 entered, 0 left; lately: \d+ members, 0 entered, 0 left; of a friend: 100 members, 0 entered'}, %$owner), 't', 'a map that is renamed');
is(run_sql($node, q{SELECT (SELECT count(*) FROM cjm.audience('my "shop"; --', 'carts')), (SELECT count(*) FROM cjm.take_changes('my "shop"; --', 'another', 7)), (SELECT handed_out + held_out FROM cjm.audience_report('my "shop"; --', 'carts'))}, %$owner), (60 - $held) . '|7|60', 'all of it');
run_sql($node, q{ALTER SCHEMA "my ""shop""; --" RENAME TO shop}, %$owner);

my @as_owner = ('-U', 'owner', '-h', $node->host, '-p', $node->port);
my $contents = q{SELECT (SELECT md5(string_agg(m::text, '/' ORDER BY m::text)) FROM shop.audience_members m), (SELECT md5(string_agg(c::text, '/' ORDER BY c.number)) FROM shop.audience_changes c), (SELECT md5(string_agg(c::text, '/' ORDER BY c.consumer)) FROM shop.audience_consumers c),
	(SELECT md5(string_agg(a::text, '/' ORDER BY a.name)) FROM shop.audiences a), (SELECT last_change FROM shop.audience_state), (SELECT string_agg(customer::text, ',' ORDER BY customer) FROM shop.meets_carts WHERE held_out),
	(SELECT md5(string_agg(concat_ws('|', c.oid::regclass, c.relkind, c.reloptions, c.relacl, CASE c.relkind WHEN 'v' THEN pg_get_viewdef(c.oid) END, obj_description(c.oid, 'pg_class'),
		(SELECT string_agg(col_description(c.oid, attnum), ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0)), E'\n' ORDER BY c.oid::regclass::text)) FROM pg_class c WHERE c.relnamespace = 'shop'::regnamespace)};
my $before = run_sql($node, $contents, %$owner);
command_ok([ 'pg_dump', @as_owner, '-f', "$dir/audiences.sql", 'shop' ], 'the owner dumps the database');
command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', @as_owner, '-d', 'restored', '-f', "$dir/audiences.sql" ], 'and restores it');
my %restored = (database => 'restored', user => 'owner');
is(run_sql($node, $contents, %restored), $before, 'all is there, and the same are held out');
is(run_sql($node, q{SELECT cjm.refresh_audiences('shop') ~ 'carts: 60 members, 0 entered, 0 left'}, %restored), 't', 'and is refreshed');
my $next = run_sql($node, q{SELECT min(number) FROM cjm.take_changes('shop', 'another', 7)}, %$owner);
is(run_sql($node, q{SELECT min(number) FROM cjm.take_changes('shop', 'another', 7)}, %restored), $next, 'consumers go on where they were');
# Without the rows of the tables, views and audiences alone.
run_sql($node, 'TRUNCATE shop.audience_state', %restored);
is(run_sql($node, q{INSERT INTO "the events" VALUES (777, now() - interval '5 hours', 'view', 'owner'), (777, now() - interval '4 hours', 'cart', 'owner'), (778, now() - interval '5 hours', 'view', 'owner'), (778, now() - interval '4 hours', 'cart', 'owner');
	SELECT cjm.refresh_audiences('shop') ~ 'carts: 62 members, 2 entered, 0 left'; SELECT max(number) > max(number) FILTER (WHERE customer < 700) AND count(*) = count(DISTINCT number) FROM shop.audience_changes}, %restored), "t\nt", 'numbers go on, though nobody knows which was the last');

# What is left after the extension went, and made whole.
run_sql($node, 'SET client_min_messages = error; DROP EXTENSION cjm CASCADE', %restored);
is(run_sql($node, q{SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relnamespace = 'shop'::regnamespace AND relkind = 'r'}, %restored), 'audience_changes,audience_consumers,audience_members,audience_state,audience_touched,audiences', 'tables are left');
is(run_sql($node, q{CREATE EXTENSION cjm; SELECT cjm.create_map('shop', '"the events"', '"who; --"', 'at', 'event', 'view -> cart -> buy', time_zone => 'Europe/Riga', replace => true)}, %restored), 'shop', 'the map is made whole');
like(run_sql($node, q{SET client_min_messages = error; SELECT cjm.refresh_audiences('shop')}, %restored), qr/^big: not refreshed, its view is gone; carts: not refreshed, its view is gone/, 'its audiences have no views');
run_sql_fails($node, q{SELECT cjm.create_audience('shop', 'carts', at_stage => 'cart', not_after => 'buy')}, '42710', qr/has an audience "carts" already/, 'but are there', %restored);
is(run_sql($node, q{SET client_min_messages = error; SELECT cjm.create_audience('shop', 'carts', at_stage => 'cart', not_after => 'buy', replace => true); SELECT cjm.refresh_audiences('shop') ~ 'carts: 62 members, 0 entered, 0 left'}, %restored), "shop.audience_carts\nt", 'until they are made anew');

# Row security: a map that its reader reads shows its audiences to each by their own rows.
run_sql($node, q{
	ALTER TABLE "the events" ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON "the events" TO reader USING (tenant = current_user); GRANT SELECT ON "the events" TO reader; GRANT USAGE ON SCHEMA public TO reader;
	SELECT cjm.create_map('secured', '"the events"', '"who; --"', 'at', 'event', 'view -> cart -> buy', time_zone => 'UTC');
	SELECT cjm.create_audience('secured', 'carts', at_stage => 'cart');
	GRANT USAGE ON SCHEMA secured TO reader, crm; GRANT SELECT ON ALL TABLES IN SCHEMA secured TO reader, crm}, %$owner);
is(run_sql($node, 'SELECT count(*), min(customer % 2), max(customer % 2) FROM secured.audience_carts', %$reader), '30|0|0', 'a reader sees the customers of their own rows');
is(run_sql($node, 'SELECT count(*) FROM secured.audience_carts', %$owner), 60, 'the owner all');
run_sql_fails($node, 'SELECT * FROM secured.audience_carts', '42501', qr/permission denied for table the events/, 'and who may not read the rows none', %$crm);
run_sql($node, q{SELECT cjm.create_map('secured', '"the events"', '"who; --"', 'at', 'event', 'view -> cart -> buy', time_zone => 'UTC', access => 'owner', replace => true)}, %$owner);
is(run_sql($node, 'SELECT count(*) FROM secured.audience_carts', %$reader), 60, 'made anew for access by the owner, readers see all');
run_sql($node, q{SELECT cjm.create_map('secured', '"the events"', '"who; --"', 'at', 'event', 'view -> cart -> buy', time_zone => 'UTC', access => 'reader', replace => true)}, %$owner);
is(run_sql($node, 'SELECT count(*) FROM secured.audience_carts', %$reader), 30, 'and back');

# Nobody who reads or writes is waited for, and who reads an audience is not ended by who makes it anew.
my %session = (input => '', output => '', errors => '');
$session{run} = IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', @as_owner, '-d', 'shop' ], '<', \$session{input}, '>', \$session{output}, '2>', \$session{errors});
$session{input} .= "BEGIN; SELECT count(*) FROM shop.audience_carts; INSERT INTO \"the events\" VALUES (999, now(), 'cart', 'owner'); SELECT 'reads';\n";
$session{run}->pump until $session{output} =~ /^reads$/m || !$session{run}->pumpable;
is(run_sql($node, q{SET lock_timeout = '2s'; SELECT cjm.refresh_audiences('shop') ~ 'carts: 60 members, 0 entered'}, %$owner), 't', 'a refresh waits for no reader and no writer');
run_sql_fails($node, q{SELECT cjm.create_audience('shop', 'carts', at_stage => 'view', replace => true)}, '55P03', qr/the views of the audience "carts" are being read/, 'to make an audience anew has an end', %$owner);
run_sql_fails($node, q{SELECT cjm.drop_audience('shop', 'carts')}, '55P03', qr/the views of the audience "carts" are being read/, 'and so has to drop it', %$owner);
$session{input} .= "SELECT count(*) FROM shop.meets_carts; ROLLBACK;\n\\q\n";
$session{run}->finish;
is($session{errors}, '', 'the reader met no error');
is(run_sql($node, q{SELECT cjm.create_audience('shop', 'carts', at_stage => 'view', replace => true); SELECT cjm.refresh_audiences('shop') ~ 'carts: 100 members, 40 entered, 0 left'}, %$owner), "shop.audience_carts\nt", 'when it is over, it is made anew');

# The end.
run_sql($node, q{SELECT cjm.drop_map('shop'); SELECT cjm.drop_map('secured')}, %$owner);
is(run_sql($node, q{SELECT count(*) FROM pg_namespace WHERE nspname IN ('shop', 'secured')}, %$owner), 0, 'drop_map takes all of it');

server_is_well($node);
done_testing();
