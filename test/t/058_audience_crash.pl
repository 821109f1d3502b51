# Audiences and crashes: while writers write, refreshers refresh and consumers take,
# a process of the server is killed, or the whole server stopped at once.  Whatever
# happened, in the end each consumer has each change once and in order, the changes
# played one after the other give the members, and the members are who meets the
# condition.
#
# More by hand: CJM_AUDIENCE_CRASHES=100.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $crashes = $ENV{CJM_AUDIENCE_CRASHES} // 6;
my $dir = $PostgreSQL::Test::Utils::tmp_check;
my $node = start_server('audience_crash', 'log_min_messages = error', 'restart_after_crash = on', 'synchronous_commit = on', 'max_wal_size = 64MB');
my $user = run_sql($node, 'SELECT current_user');

run_sql($node, q{
	CREATE TABLE events (customer int, at timestamptz, event text);
	CREATE INDEX ON events (customer);
	INSERT INTO events SELECT c, timestamptz '2026-01-01Z' + c * interval '1 min', 'view' FROM generate_series(1, 300) c;
	CREATE TABLE taken (id bigint GENERATED ALWAYS AS IDENTITY, consumer text, number bigint, audience text, customer text, change text);
	SELECT cjm.create_map('shop', 'events', 'customer', 'at', 'event', 'view -> cart -> buy', time_zone => 'UTC');
	SELECT cjm.keep_journeys('shop');
	SELECT cjm.create_audience('shop', 'carts', at_stage => 'cart', not_after => 'buy');
	SELECT cjm.create_audience('shop', 'busy', condition => 'touches >= 4', holdout => 0.3)});
run_sql($node, q{SELECT cjm.refresh_journeys('shop')});

# Who has something in the cart, and bought nothing since; and who was there four times.
my $meets = q{
	SELECT 'carts' AS audience, c.customer FROM (SELECT b.customer, max(b.at) AS since FROM events a JOIN events b USING (customer) WHERE a.event = 'view' AND b.event = 'cart' AND b.at >= a.at GROUP BY 1) c
	WHERE NOT EXISTS (SELECT FROM events e WHERE e.customer = c.customer AND e.event = 'buy' AND e.at >= c.since)
	UNION ALL SELECT 'busy', customer FROM events GROUP BY 2 HAVING count(*) >= 4};

my $take = q{
	\set n random(1, 40)
	\set back random(1, 4)
	BEGIN;
	INSERT INTO taken (consumer, number, audience, customer, change) SELECT '%s', c.number, c.audience, c.customer, c.change FROM cjm.take_changes('shop', '%s', :n) c;
	\if :back = 1
	ROLLBACK;
	\else
	COMMIT;
	\endif
};
my %scripts = (
	writer => q{
		\set c random(1, 300)
		\set e random(0, 9)
		INSERT INTO events SELECT :c, clock_timestamp(), CASE WHEN :e < 3 THEN 'view' WHEN :e < 6 THEN 'cart' ELSE 'buy' END WHERE :e < 8;
		DELETE FROM events WHERE customer = :c AND :e = 8;
		INSERT INTO events SELECT :c, clock_timestamp(), 'view' WHERE :e >= 8;
	},
	refresher => q{
		\set back random(1, 5)
		BEGIN;
		SELECT cjm.refresh_audiences('shop');
		\if :back = 1
		ROLLBACK;
		\else
		COMMIT;
		\endif
	},
	folder => "SELECT cjm.refresh_journeys('shop');\n\\sleep 100 ms\n",
	consumer_one => sprintf($take, 'one', 'one'),
	consumer_two => sprintf($take, 'two', 'two'));
my %clients = (writer => 2, refresher => 2, folder => 1, consumer_one => 2, consumer_two => 1);

write_bytes("$dir/audience_$_.sql", $scripts{$_} =~ s/^\t+//mgr) foreach keys %scripts;

sub start_scripts
{
	return map
	{
		my %script = (name => $_, output => '', errors => '');
		local $ENV{PGAPPNAME} = $_;
		local $ENV{PGOPTIONS} = '-c client_min_messages=warning';

		$script{run} = IPC::Run::start([ 'pgbench', '-n', '-c', $clients{$_}, '-T', '600', '-f', "$dir/audience_$_.sql", '-h', $node->host, '-p', $node->port, '-U', $user, 'postgres' ],
			'>', \$script{output}, '2>', \$script{errors});
		\%script;
	} sort keys %scripts;
}

sub wait_for_server
{
	foreach (1 .. 600)
	{
		return 1 if ($node->psql('postgres', 'SELECT 1'))[0] == 0;
		sleep 0.1;
	}
	return 0;
}

# Refreshes and takes what there is, and says what is wrong: of members, of changes, of what consumers have.
sub wrong
{
	run_sql($node, q{SET client_min_messages = warning; SELECT cjm.refresh_audiences('shop')});
	foreach my $consumer ('one', 'two')
	{
		run_sql($node, qq{INSERT INTO taken (consumer, number, audience, customer, change) SELECT '$consumer', c.number, c.audience, c.customer, c.change FROM cjm.take_changes('shop', '$consumer', 1000000) c});
	}
	return run_sql($node, qq{
		WITH meets AS ($meets), members AS (SELECT audience, customer FROM shop.audience_members WHERE left_at IS NULL),
			played AS (SELECT audience, customer FROM (SELECT DISTINCT ON (audience, customer) audience, customer, change FROM shop.audience_changes ORDER BY audience, customer, number DESC) l WHERE change = 'entered'),
			handed AS (SELECT audience, customer FROM shop.audience_members WHERE left_at IS NULL AND NOT held_out)
		SELECT (SELECT count(*) FROM ((TABLE meets EXCEPT ALL TABLE members) UNION ALL (TABLE members EXCEPT ALL TABLE meets)) d) AS members,
			(SELECT count(*) FROM ((TABLE played EXCEPT ALL TABLE handed) UNION ALL (TABLE handed EXCEPT ALL TABLE played)) d) AS played,
			(SELECT count(*) FROM (SELECT change <> coalesce(lag(change) OVER (PARTITION BY audience, customer ORDER BY number), 'left') AS alternates FROM shop.audience_changes) c WHERE NOT alternates) AS alternate,
			(SELECT count(*) FROM ((SELECT n.consumer, c.number, c.audience, c.customer::text, c.change FROM shop.audience_changes c, (VALUES ('one'), ('two')) n(consumer)
					EXCEPT ALL SELECT consumer, number, audience, customer, change FROM taken)
				UNION ALL (SELECT consumer, number, audience, customer, change FROM taken
					EXCEPT ALL SELECT n.consumer, c.number, c.audience, c.customer::text, c.change FROM shop.audience_changes c, (VALUES ('one'), ('two')) n(consumer))) d) AS taken,
			(SELECT count(*) FROM (SELECT number < lag(number) OVER (PARTITION BY consumer ORDER BY id) AS back FROM taken) t WHERE back) AS in_order});
}

my %killed;
my %errors;
my $changes = 0;
foreach my $n (1 .. $crashes)
{
	my $kind = (qw(refresher consumer stop refresher), 'checkpointer', 'consumer')[ ($n - 1) % 6 ];
	my @scripts = start_scripts();

	# Not before there is something to take, and then at any moment.
	$node->poll_query_until('postgres', "SELECT count(*) > $changes + 100 FROM shop.audience_changes");
	sleep rand 0.7;
	if ($kind eq 'stop')
	{
		$node->stop('immediate');
		$node->start;
		$killed{'the server'}++;
	}
	else
	{
		my $victim = run_sql($node, "SELECT pid || '|' || coalesce(nullif(application_name, ''), backend_type) FROM pg_stat_activity
			WHERE (application_name ~ '$kind' AND (state <> 'idle' OR random() < 0.1) OR backend_type = '$kind') ORDER BY random() LIMIT 1");
		my ($process, $name) = split /\|/, $victim;

		$killed{ $process && kill('KILL', $process) ? $name : 'nobody' }++;
	}
	$_->{run}->kill_kill foreach @scripts;
	foreach my $script (@scripts)
	{
		$errors{"$script->{name}: $1"}++ while $script->{errors} =~ /ERROR:  (.*)/g;
	}
	ok(0, "the server is up again after crash $n") unless wait_for_server();
	# Sessions of scripts may go on for a moment.
	$node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name IN ('writer', 'refresher', 'folder', 'consumer_one', 'consumer_two')});
	is(wrong(), '0|0|0|0|0', "crash $n ($kind): members, changes, and what consumers have");
	$changes = run_sql($node, 'SELECT count(*) FROM shop.audience_changes');
}
is(join("\n", sort keys %errors), '', 'nobody meets an error');
cmp_ok($changes, '>', 100 * $crashes, 'there were changes');
cmp_ok(scalar(grep { $_ ne 'nobody' } keys %killed), '>=', 4, 'refreshers, consumers, other processes and the server went down') if $crashes >= 6;
note(join ', ', map { "$_ $killed{$_}" } sort keys %killed);
unlike(slurp_file($node->logfile), qr/terminated by signal (?!9:)|PANIC:|TRAP:/, 'no process of the server has crashed by itself');

done_testing();
