# Kept journeys and crashes: while writers write and refreshers fold, a process of
# the server is killed, or the whole server stopped at once, at a random moment.
# After each recovery what the map reads is what the rows say, changes that wait and
# transactions that were prepared included.  The store lives through all of it.
#
# 200 by hand: CJM_KEPT_CRASHES=200, as "make prove" has it; CJM_KEPT_SEED makes the scripts
# of a run again.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmKept;
use CjmTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $crashes = $ENV{CJM_KEPT_CRASHES} // 6;
my $say = $crashes > 6 ? \&diag : \&note;
my $seed = $ENV{CJM_KEPT_SEED} // 20261129;
my $node = start_server('kept_crash', 'max_prepared_transactions = 20', 'max_connections = 40', 'log_min_messages = error', 'restart_after_crash = on',
	'synchronous_commit = on', 'max_wal_size = 64MB');

# Waits until the server answers, after a crash.
sub wait_for_server
{
	foreach (1 .. 600)
	{
		return 1 if ($node->psql('postgres', 'SELECT 1'))[0] == 0;
		sleep 0.1;
	}
	return 0;
}

# Kills the process of one of our sessions, or one of those that the server has beside them.  Returns what it was.
sub kill_process
{
	my ($who) = @_;
	my $victim = run_sql($node, "SELECT pid || '|' || coalesce(nullif(application_name, ''), backend_type) FROM pg_stat_activity WHERE pid <> pg_backend_pid()
		AND (application_name ~ '$who' OR backend_type = '$who') ORDER BY random() LIMIT 1");
	my ($process, $name) = split /\|/, $victim;

	return '' unless $process && kill('KILL', $process);
	return $name;
}

# A store that has lived through some crashes already meets the next ones.
my $life = $crashes < 50 ? int(($crashes + 1) / 2) : 25;
my $total = { transactions => 0, different => 0 };
my (%seen, %killed);
my ($wrong, $lost) = (0, 0);
foreach my $n (1 .. $crashes)
{
	my $kind = (qw(writer refresher stop writer), 'checkpointer', 'refresher')[ ($n - 1) % 6 ];
	my $partitioned = int(($n - 1) / $life) % 2;

	make_maps($node, $partitioned) if $n % $life == 1 || $life == 1;
	run_sql($node, 'DELETE FROM stress_over');
	my @sessions = start_scripts($node, make_scripts($node, seed => $seed + $n, transactions => 400, partitioned => $partitioned, rare => $n % 3 == 0));
	sleep 0.5 + rand 1.2;
	run_sql($node, 'CHECKPOINT') if $n % 4 == 0;

	my $killed = $kind eq 'stop' ? 'the server' : kill_process($kind);
	if ($kind eq 'stop')
	{
		$node->stop('immediate');
		$node->start;
	}
	$killed{$killed}++;
	# Whoever plays on without a connection is of no use.
	$_->{run}->kill_kill foreach @sessions;
	ok(0, "the server is up again after crash $n of $killed") unless wait_for_server();
	add_tally($total, my $tally = tally(@sessions));

	# What was prepared is undecided, and may lock the table, then decided.
	my ($status, $now) = $node->psql('postgres', q{SET lock_timeout = '1s'; SELECT (SELECT state FROM kept.kept), (SELECT count(*) FROM differ)});
	$now = 'locked|0' if $status != 0;
	run_sql($node, sprintf q{SELECT format('%s PREPARED %%L', gid) FROM pg_prepared_xacts \gexec}, $n % 2 ? 'COMMIT' : 'ROLLBACK');
	my $decided = compare_now($node);
	my $end = $n % 2 ? settle($node) : $decided;

	$seen{ $_ =~ s/\|.*//r }++ foreach $now, $decided, $end;
	$lost++ if $n % 2 && $end !~ /^folded/;
	next if "$now $decided $end" =~ /^\w+\|0 \w+\|0 \w+\|0$/ && !$tally->{different};
	$wrong++;
	diag("crash $n of $killed: $now, with what was prepared $decided, then $end; before: $tally->{different} differ " . ($tally->{first} // ''));
}
is($wrong, 0, "after $crashes crashes what the map reads is what the rows say");
is($lost, 0, 'and refreshes bring the store up to date');
cmp_ok(($seen{folded} // 0) + ($seen{changed} // 0), '>=', $crashes, 'the store was compared, not the rows alone');
cmp_ok($seen{changed} // 0, '>=', 1, 'with changes that waited during a crash') if $crashes >= 50;
cmp_ok(scalar(grep { $_ } keys %killed), '>=', 4, 'writers, refreshers, other processes and the server went down') if $crashes >= 6;
is(unexpected({ errors => { map { $_ => 1 } grep { !/^57P0|^08/ } keys %{ $total->{errors} // {} } } }, 1), '', 'nobody meets an error that is not to be expected');
$say->(join ', ', (map { ($_ || 'nobody') . " $killed{$_}" } sort keys %killed), map { "$_ $seen{$_}" } sort keys %seen);
$say->(tell($total));
unlike(slurp_file($node->logfile), qr/terminated by signal (?!9:)|PANIC:|TRAP:/, 'no process of the server has crashed by itself');

done_testing();
