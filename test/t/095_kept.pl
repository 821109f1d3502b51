# Kept journeys beyond one server and one session: dump and restore, logical
# replication with its first copy, a standby, parallel and cached plans, many
# statements in one session, and what a statement's cancellation leaves.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CjmTest;
use IPC::Run qw(start finish);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('kept', 'wal_level = logical', 'max_wal_senders = 4', 'max_replication_slots = 4');

# How the map stands, and how many customers its views say something else of than its rows do.
sub stands
{
	my ($at, %options) = @_;

	return run_sql($at, q{SELECT state FROM cjm.kept('shop'); SELECT count(*) FROM cjm.check_journeys('shop')}, %options) =~ s/\n/ /r;
}

run_sql($node, q{
	CREATE TABLE ev (id bigserial PRIMARY KEY, who int, at timestamptz, what text, via text, amount numeric, land text) PARTITION BY HASH (id);
	CREATE TABLE ev_0 PARTITION OF ev FOR VALUES WITH (MODULUS 2, REMAINDER 0);
	CREATE TABLE ev_1 PARTITION OF ev FOR VALUES WITH (MODULUS 2, REMAINDER 1);
	CREATE FUNCTION some_rows(first int, last int) RETURNS TABLE (who int, at timestamptz, what text, via text, amount numeric, land text) LANGUAGE sql IMMUTABLE AS $$
		SELECT abs(hashint4(i)) % 3000, timestamptz '2026-01-01Z' + abs(hashint4(i + 7)) % 10000 * interval '1 minute', (ARRAY['view', 'cart', 'pay'])[1 + abs(hashint4(i + 1)) % 3],
			(ARRAY['ads', 'mail', NULL])[1 + abs(hashint4(i + 2)) % 3], abs(hashint4(i + 3)) % 9, (ARRAY['LV', 'EE', NULL])[1 + abs(hashint4(i + 4)) % 3]
		FROM generate_series(first, last) i $$;
	INSERT INTO ev (who, at, what, via, amount, land) SELECT * FROM some_rows(1, 30000);
	SELECT create_map('shop', 'ev', 'who', 'at', 'what', 'view -> cart -> pay within 7 days', 'via', 'amount', segment => 'land', segment_at => 'last', keep => true);
	SELECT refresh_journeys('shop');
	INSERT INTO ev (who, at, what, via, amount, land) SELECT * FROM some_rows(30001, 31000);
	DELETE FROM ev WHERE id % 50 = 1;
	UPDATE ev SET who = who + 1 WHERE id % 60 = 2});
is(stands($node), 'changed 0', 'changes wait');

# Parallel plans, little memory, compiled expressions; every view
my @settings = (
	'SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0',
	q{SET work_mem = '64kB'; SET hash_mem_multiplier = 1},
	'SET enable_hashjoin = off; SET enable_hashagg = off',
	'SET enable_hashjoin = off; SET enable_mergejoin = off',
	'SET enable_nestloop = off; SET enable_indexscan = off; SET enable_bitmapscan = off');
my @views = split /\n/, run_sql($node, q{SELECT v FROM unnest(cjm_internal.map_view_names()) v WHERE v NOT IN ('map', 'events', 'spend') ORDER BY v});
# The hours since are those of one moment.
my $digest = sub { my ($view) = @_; return "SELECT '$view ' || md5(coalesce(string_agg(t, chr(10) ORDER BY t COLLATE \"C\"), '')) FROM (SELECT regexp_replace(v::text, '[0-9.]*(days|:[0-9:.]+)', '', 'g') AS t FROM shop.$view v) x" };
my $all = join ' UNION ALL ', map { $digest->($_) } grep { $_ ne 'customers' && $_ ne 'drop_off' && $_ ne 'stages' && $_ ne 'feedback' } @views;
my $from_rows = run_sql($node, "BEGIN; INSERT INTO shop.kept_marks VALUES (now(), 'the rows, please'); $all; ROLLBACK");
foreach my $setting ('SET jit = off', @settings, map { "$settings[0]; $_" } @settings[1 .. 4])
{
	is(run_sql($node, "$setting; $all"), $from_rows, "all views say the same under: $setting");
}
like(plan_of($node, 'SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 100; SET cpu_tuple_cost = 0.1; SET min_parallel_table_scan_size = 0', q{SELECT funnel_agg(journey, 'view -> cart') FROM shop.journeys}), qr/Gather.*Parallel Append.*Parallel Seq Scan on kept_journeys/s, 'workers share the store');

# A plan that is kept goes with the state: folded, changed, rows.
my $prepared = q{SET plan_cache_mode = force_generic_plan; PREPARE n AS SELECT count(*), sum(touch_count(journey)) FROM shop.journeys; EXECUTE n;
	%s; EXECUTE n; SELECT count(DISTINCT customer), count(*) FROM shop.events WHERE customer IS NOT NULL AND event <> ''};
foreach my $change (q{SELECT FROM refresh_journeys('shop')}, q{INSERT INTO ev (who, at, what) VALUES (9999, '2026-05-01Z', 'view')}, q{ALTER TABLE ev_0 DISABLE TRIGGER ALL; DELETE FROM ev WHERE id % 77 = 0},
	q{SELECT FROM refresh_journeys('shop')}, q{SELECT FROM refresh_journeys('shop')}, 'TRUNCATE ev_1')
{
	my @lines = split /\n/, run_sql($node, sprintf($prepared, $change));

	is($lines[-2], $lines[-1], "a kept plan after: $change");
}
run_sql($node, q{SELECT refresh_journeys('shop')}) foreach 1 .. 2;
is(stands($node), 'folded 0', 'and all is folded again');

# A cursor reads what it saw when it was opened.
is(run_sql($node, q{BEGIN; DECLARE c CURSOR FOR SELECT touch_count(journey) FROM shop.journeys; MOVE 1 FROM c; DELETE FROM ev; MOVE ALL FROM c; CLOSE c; SELECT count(*) FROM shop.journeys; ROLLBACK}), '0', 'a cursor survives changes');

# A dump has it all; what was restored reads rows until it is armed and built anew, and nothing written in between is lost.
run_sql($node, q{INSERT INTO ev (who, at, what) VALUES (9998, '2026-05-01Z', 'view')});
run_sql($node, 'CREATE DATABASE restored');
my $dump = $node->basedir . '/dump.sql';
system_or_bail('pg_dump', '-d', $node->connstr('postgres'), '-f', $dump);
system_or_bail('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('restored'), '-f', $dump);
my %restored = (database => 'restored');
my $journeys = q{SELECT md5(string_agg(j::text, '' ORDER BY customer)) FROM shop.journeys j};
is(run_sql($node, $journeys, %restored), run_sql($node, $journeys), 'restored journeys are the same');
is(stands($node, %restored), 'rows 0', 'and are read from the rows');
run_sql($node, q{INSERT INTO ev (who, at, what) VALUES (9997, '2026-05-01Z', 'view'); DELETE FROM ev WHERE id % 7 = 1}, %restored);
is(stands($node, %restored), 'rows 0', 'nor do triggers write for nobody');
is(run_sql($node, q{SELECT count(*) FROM shop.kept_changes}, %restored), run_sql($node, 'SELECT count(*) FROM shop.kept_changes'), 'as they are bound to nothing');
run_sql($node, q{SELECT cjm.refresh_journeys('shop')}, %restored) foreach 1 .. 2;
is(stands($node, %restored), 'folded 0', 'two refreshes later they are kept');
run_sql($node, q{INSERT INTO ev (who, at, what) VALUES (9996, '2026-05-01Z', 'view')}, %restored);
is(stands($node, %restored), 'changed 0', 'and changes are written');
is(run_sql($node, q{SELECT count(*) FROM pg_trigger WHERE tgrelid = 'ev'::regclass}, %restored), '6', 'by one set of triggers');

# A subscriber keeps journeys of its own: rows of the first copy and later ones come by the triggers for rows.
my $subscriber = start_server('subscriber');
run_sql($subscriber, q{
	CREATE TABLE ev (id bigint PRIMARY KEY, who int, at timestamptz, what text, via text, amount numeric, land text);
	SELECT create_map('shop', 'ev', 'who', 'at', 'what', 'view -> cart -> pay within 7 days', 'via', 'amount', segment => 'land', keep => true);
	SELECT refresh_journeys('shop')});
run_sql($node, 'CREATE PUBLICATION p FOR TABLE ev WITH (publish_via_partition_root)');
run_sql($subscriber, 'CREATE SUBSCRIPTION s CONNECTION $to$' . $node->connstr('postgres') . '$to$ PUBLICATION p');
$subscriber->wait_for_subscription_sync($node, 's');
is(stands($subscriber), 'changed 0', 'the first copy is in the changes');
run_sql($node, q{INSERT INTO ev (who, at, what, land) VALUES (1, '2026-05-02Z', 'pay', 'LT'), (2, '2026-05-02Z', 'pay', 'LT'); UPDATE ev SET who = who + 1 WHERE id % 9 = 3; DELETE FROM ev WHERE id % 11 = 4});
$node->wait_for_catchup('s', 'replay', $node->lsn('insert'));
is(stands($subscriber), 'changed 0', 'and what came after it');
run_sql($subscriber, q{SELECT refresh_journeys('shop')});
is(stands($subscriber), 'folded 0', 'a refresh folds it');
run_sql($node, 'TRUNCATE ev');
$node->wait_for_catchup('s', 'replay', $node->lsn('insert'));
is(stands($subscriber), 'rows 0', 'TRUNCATE arrives, too');
run_sql($subscriber, 'DROP SUBSCRIPTION s');
run_sql($node, q{DROP PUBLICATION p; INSERT INTO ev (who, at, what, via, amount, land) SELECT * FROM some_rows(1, 5000)});
run_sql($node, q{SELECT refresh_journeys('shop')}) foreach 1 .. 2;

# A standby reads the store as it is.
$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->start;
run_sql($node, q{INSERT INTO ev (who, at, what) VALUES (9995, '2026-05-01Z', 'view')});
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is(stands($standby), 'changed 0', 'a standby reads store and changes');
run_sql($node, q{SELECT refresh_journeys('shop')});
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is(stands($standby), 'folded 0', 'and what was folded');
is(run_sql($standby, $journeys), run_sql($node, $journeys), 'and says the same');
run_sql($node, 'ALTER TABLE ev_0 DISABLE TRIGGER ALL');
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is(stands($standby), 'rows 0', 'and knows when it may not');
$standby->stop;
run_sql($node, q{SELECT refresh_journeys('shop')}) foreach 1 .. 2;

# One session, many statements: what a trigger works with does not grow.
run_sql($node, q{CREATE TABLE plain (who int, at timestamptz, what text); CREATE TABLE odd (who text, at text, what text);
	SELECT create_map('odd', 'odd', 'who::int', 'to_timestamp(at::bigint)', 'lower(what)', 'view', filter => 'what <> $$x$$', keep => true); SELECT refresh_journeys('odd')});
my ($before, $after) = split /\n/, run_sql($node, q{
	DO $$ BEGIN FOR i IN 1 .. 2000 LOOP INSERT INTO odd VALUES (i, i, 'View'); INSERT INTO odd VALUES ('x', i, 'View'); END LOOP; END $$;
	SELECT sum(used_bytes) FROM pg_backend_memory_contexts;
	DO $$ BEGIN FOR i IN 1 .. 20000 LOOP INSERT INTO odd VALUES (i, i, 'View'); INSERT INTO odd VALUES ('x', i, 'View'); END LOOP; END $$;
	SELECT sum(used_bytes) FROM pg_backend_memory_contexts});
cmp_ok($after - $before, '<', 300_000, 'a session that writes on needs no more memory');
is(run_sql($node, q{SELECT count(*) FROM odd}), '44000', 'and no row was refused');
is(run_sql($node, q{SELECT state, reason FROM kept('odd')}), 'rows|invalid input syntax for type integer: "x"', 'though they cannot be read');

# A statement that is cancelled while a trigger finds out for whom it works is forgotten, and the next one finds out.
run_sql($node, q{CREATE TABLE late (who int, at timestamptz, what text); SELECT create_map('late', 'late', 'who', 'at', 'what', 'view', keep => true); SELECT refresh_journeys('late')});
my $locks = start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', q{BEGIN; LOCK TABLE pg_depend IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(3); ROLLBACK} ], '>', '/dev/null');
$node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM pg_locks WHERE relation = 'pg_depend'::regclass AND mode = 'AccessExclusiveLock' AND granted});
(undef, undef, my $cancelled) = $node->psql('postgres', q{SET statement_timeout = '500ms'; INSERT INTO late VALUES (1, '2026-01-01Z', 'view');
	RESET statement_timeout; INSERT INTO late VALUES (2, '2026-01-01Z', 'view')}, on_error_stop => 0);
like($cancelled, qr/statement timeout/, 'a statement is cancelled');
finish($locks);
is(run_sql($node, q{SELECT state, changes FROM kept('late')}), 'changed|1', 'what is written after a cancelled statement is not lost');

# A cancelled statement leaves nothing.
my ($status, undef, $errors) = $node->psql('postgres', q{SET statement_timeout = '200ms'; INSERT INTO odd SELECT i, i, 'View' FROM generate_series(1, 30000000) i});
like($errors, qr/statement timeout/, 'a statement is cancelled in its trigger or before');
is(run_sql($node, q{SELECT count(*) FROM odd}), '44000', 'and has written nothing');

# A table that becomes a part of another one, and is none any more.  Where PostgreSQL took a statement's triggers that see rows for triggers
# of rows, it does not let it.
run_sql($node, q{CREATE TABLE lone (who int, at timestamptz, what text); INSERT INTO lone VALUES (1, '2026-01-01Z', 'a');
	SELECT create_map('lone', 'lone', 'who', 'at', 'what', 'a -> b', keep => true); SELECT refresh_journeys('lone');
	CREATE TABLE whole (who int, at timestamptz, what text) PARTITION BY RANGE (at)});
my $lone = q{SELECT state, coalesce(reason, ''), customers, touchpoints, changes, (SELECT count(*) FROM check_journeys('lone')) FROM kept('lone')};
my $refresh = q{SELECT refresh_journeys('lone')};
my $attach = 'ALTER TABLE whole ATTACH PARTITION lone DEFAULT';
if (lacks_fix($node, 15 => 14, 16 => 10, 17 => 6))
{
	run_sql_fails($node, $attach, '0A000', qr/prevents table "lone" from becoming a partition/, 'this minor release does not attach a table with triggers');
	is(run_sql($node, $lone), 'folded||1|1|0|0', 'and all stays as it is');
}
else
{
	run_sql($node, "$attach; INSERT INTO whole VALUES (3, '2026-01-01Z', 'a')");
	is(run_sql($node, $lone), 'rows|public.lone became a part of another table, or is none any more|1|1|0|0', 'what became a partition is read');
	is(run_sql($node, $refresh), 'the rows are read for as long as that is so', 'and nothing is built of it');
	run_sql($node, 'ALTER TABLE whole DETACH PARTITION lone');
	is(run_sql($node, $lone), 'rows|journeys cannot be kept: "lone" is a partition itself|1|1|0|0', 'one that was a partition is read until it is built');
	is(run_sql($node, $refresh), '2 journeys built', 'it is built');
	is(run_sql($node, $lone), 'folded||2|2|0|0', 'and kept as before');
}

server_is_well($node);
server_is_well($subscriber);
done_testing();
