# Kept journeys under attack: three writers who do all that can be done to a table,
# two refreshers and two readers, at all isolation levels, on a table and on a
# partitioned one.  Whoever compares what the map reads with the rows, in one
# snapshot, finds no difference.  That this test would find one is shown by
# mutants: folds that lose changes, and a guard that sleeps.
#
# For long: CJM_KEPT_SECONDS=3600, as "make prove" has it; CJM_KEPT_SEED makes
# the scripts of a run again.  Sessions meet each other as it happens.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmKept;
use CjmTest;
use Test::More;

my $seconds = $ENV{CJM_KEPT_SECONDS} // 0;
my $say = $seconds ? \&diag : \&note;
my $seed = $ENV{CJM_KEPT_SEED} // 20261129;
# Of each writer, by whether the table is partitioned: there readers see the rows for longer.
my @transactions = $seconds ? (400, 400) : (60, 90);
my $node = start_server('kept_stress', 'max_prepared_transactions = 20', 'max_connections = 40', 'log_min_messages = error');

#
# The honest run, in rounds
#

my %sums;

# What has been seen of tables of a sort that is too little to tell anything by: how often they meet is chance, and rounds go on until it is enough.
sub too_little
{
	my ($partitioned) = @_;
	my $compared = $sums{$partitioned}{compared};

	return join ', ', (grep { ($compared->{$_} // 0) < 5 } 'cmp folded', 'cmp changed', 'own folded', 'own changed'), $sums{$partitioned}{folded} < 200 ? 'changes folded' : ();
}

my $began = time;
my $round = 0;
do
{
	foreach my $partitioned (0, 1)
	{
		my $what = $partitioned ? 'a partitioned table' : 'a table';
		my $sum = $sums{$partitioned} //= {};

		make_maps($node, $partitioned);
		my $tally = play($node, make_scripts($node, seed => $seed + $round, transactions => $transactions[$partitioned], partitioned => $partitioned));
		my ($end, $folded) = (settle($node), run_sql($node, 'SELECT folded FROM kept.kept'));

		add_tally($sum, { %$tally, folded => $folded, settled => $end eq 'folded|0' });
		next unless $tally->{different} || $end ne 'folded|0' || unexpected($tally, $partitioned);
		is($tally->{different}, 0, "$what, seed " . ($seed + $round) . ': what the map reads is what the rows say') or diag("first: $tally->{first}");
		is($end, 'folded|0', 'and so does the store after a last refresh');
		is(unexpected($tally, $partitioned), '', 'nobody meets an error that is not to be expected');
		diag(tell($tally));
	}
	$round++;
} while (time - $began < $seconds || ($round < 10 && (too_little(0) || too_little(1))));

foreach my $partitioned (0, 1)
{
	my $what = $partitioned ? 'a partitioned table' : 'a table';
	my $sum = $sums{$partitioned};

	is($sum->{different}, 0, "$what: no comparison of $round rounds differs");
	is($sum->{settled}, $round, "$what: nor does the store, after a last refresh");
	is(unexpected($sum, $partitioned), '', "$what: no error that is not to be expected");
	is($sum->{transactions}, 3 * $transactions[$partitioned] * $round, "$what: all transactions are tried");
	# A test that compared rows with rows would find nothing.
	is(too_little($partitioned), '', "$what: readers, writers and refreshers compare the folded and the changed, and changes are folded");
	$say->("$what, $round rounds: ", tell($sum), "; changes folded: $sum->{folded}");
}

#
# Mutants
#

# Replaces a piece of a function of ours; an error if the piece is not there.
sub mutate
{
	my ($function, %pieces) = @_;
	my $definition = run_sql($node, "SELECT pg_get_functiondef('$function'::regproc)");

	foreach my $piece (keys %pieces)
	{
		my $place = index $definition, $piece;

		die "$function has no $piece\n" if $place < 0;
		substr $definition, $place, length $piece, $pieces{$piece};
	}
	run_sql($node, $definition);
	return;
}

my %mutants = (
	'a fold in two statements' => sub {
		mutate('cjm_internal.kept_fold', '(DELETE FROM %1$s.kept_changes RETURNING *)' => '(SELECT * FROM %1$s.kept_changes)',
			'RETURN changes;' => q{PERFORM pg_sleep(0.01); EXECUTE format('DELETE FROM %s.kept_changes', schema); RETURN changes;});
	},
	'a fold that loses a change' => sub {
		mutate('cjm_internal.kept_fold', q{'gone g')} => q{'(SELECT * FROM gone OFFSET 1) g')});
	},
	'a guard that sleeps' => sub {
		run_sql($node, q{CREATE OR REPLACE FUNCTION cjm_internal.kept_is(state regclass, answer integer, planned text) RETURNS boolean LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 1
			AS $$BEGIN RETURN answer = CASE WHEN EXISTS (SELECT FROM kept.kept_changes) THEN 1 ELSE 0 END; END$$});
	});
foreach my $mutant (sort keys %mutants)
{
	my $function = $mutant =~ /fold/ ? 'cjm_internal.kept_fold(cjm_internal.map)' : 'cjm_internal.kept_is(regclass, integer, text)';
	my $honest = run_sql($node, "SELECT pg_get_functiondef('$function'::regprocedure)");
	my $tally = { different => 0 };
	my $tries = 0;

	while (!$tally->{different} && $tries < 12)
	{
		make_maps($node, 0);
		$mutants{$mutant}->();
		$tally = play($node, make_scripts($node, seed => $seed + ++$tries, transactions => 15));
		run_sql($node, $honest);
	}
	cmp_ok($tally->{different}, '>', 0, "$mutant is found out, at try $tries: $tally->{different} comparisons differ");
}
make_maps($node, 0);
is(settle($node), 'folded|0', 'without mutants all is well again');

server_is_well($node);
done_testing();
