# A megabyte for every function that takes a list, a text or a journey: it is done
# soon, or ended soon by statement_timeout.  What is in no loop that looks for
# interrupts, or in one that is nested in another, shows here: whatever functions
# there are, pg_proc names them.
#
# The bound is a generous one: what runs away here runs for minutes.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmCalls;
use CjmTest;
use Test::More;

use constant { TIMEOUT => 300, BOUND => 12000 };

my $node = start_server('cost', q(max_parallel_workers_per_gather = 0), q(log_min_messages = fatal));
make_try($node);

# In each row all is as large as the next: labels that are in the journey and in the list, and one time that everything happens at.
run_sql($node, q~
	CREATE TABLE big (n int, j journey, list text[], f funnel, numbers float8[], whole bigint[], conditions boolean[]);
	ALTER TABLE big ALTER j SET STORAGE EXTERNAL, ALTER list SET STORAGE EXTERNAL;
	INSERT INTO big SELECT 1, (SELECT journey_agg(timestamptz '2026-01-01Z' + i * interval '1 s', 'label ' || i, 'label ' || i, i % 11) FROM generate_series(1, 50000) i),
		(SELECT array_agg('label ' || i ORDER BY i DESC) FROM generate_series(1, 50000) i), '* -> * -> *',
		(SELECT array_agg(i) FROM generate_series(1, 125000) i), (SELECT array_agg(i) FROM generate_series(1, 125000) i), (SELECT array_agg(i % 2 = 0) FROM generate_series(1, 1000000) i);
	INSERT INTO big SELECT 2, (SELECT journey_agg('2026-01-01Z', (ARRAY['a', 'b', 'c'])[1 + i % 3], CASE WHEN i % 2 = 0 THEN 'x' || i % 5 END, i % 11) FROM generate_series(1, 100000) i),
		(SELECT array_agg('a'::text) FROM generate_series(1, 250000) i), (SELECT string_agg((SELECT string_agg('e' || s * 16 + e, ' | ') FROM generate_series(1, 16) e), ' -> ') FROM generate_series(1, 64) s)::funnel,
		b.numbers, b.whole, b.conditions FROM big b;
	INSERT INTO big SELECT 3, (SELECT j FROM big WHERE n = 2), (SELECT list FROM big WHERE n = 1), 'a -> b -> c', b.numbers, b.whole, b.conditions FROM big b WHERE n = 1;
	CREATE TABLE texts (n int, t text);
	ALTER TABLE texts ALTER t SET STORAGE EXTERNAL;
	INSERT INTO texts VALUES (1, repeat('a b ', 250000)), (2, repeat('(', 1000000)), (3, (SELECT string_agg('e' || i, ' -> ') FROM generate_series(1, 100000) i)),
		(4, repeat('"', 1000000)), (5, repeat('[', 1000000)), (6, repeat('оплата', 80000)), (7, repeat('%s{,}''\\', 150000));
	CREATE TABLE peers AS SELECT timestamptz '2026-01-01Z' AS at, (ARRAY['a', 'b', 'c'])[1 + i % 3] AS e, 'x' || i % 5 AS ch, i % 11 = 0 AS c, i::float8 AS v FROM generate_series(1, 100000) i;
	ANALYZE;
~);

my %large = (journey => 'b.j', 'text[]' => 'b.list', funnel => 'b.f', 'double precision[]' => 'b.numbers', 'bigint[]' => 'b.whole', 'boolean[]' => 'b.conditions');
my @calls;

foreach my $function (functions($node))
{
	my @types = @{ $function->{types} };
	my @names = @{ $function->{names} };
	my @plain = map { plausible($types[$_], $names[$_]) } 0 .. $#types;
	my @lists = grep { exists $large{ $types[$_] } } 0 .. $#types;
	my @texts = grep { $types[$_] =~ /^(?:text|cstring|journey_pattern)$/ } 0 .. $#types;

	if ($function->{kind} eq 'w' || $function->{kind} eq 'a')
	{
		# Rows that are all of one time, from columns.
		my %column = ('timestamp with time zone' => 'at', text => 'e', 'double precision' => 'v', boolean => 'c', anyelement => 'e');
		my @row = map { $names[$_] eq 'channel' ? 'ch' : $names[$_] =~ /^(?:pattern|direction|base|mode|model|period|bucket|time_zone|by)$/ ? $plain[$_] : $column{ $types[$_] } // $plain[$_] } 0 .. $#types;
		my $call = call_of($function, @row);

		push @calls, "SELECT count(x::text) FROM (SELECT $call " . ($function->{kind} eq 'w' ? 'OVER (ORDER BY at)' : '') . ' AS x FROM peers) y' if @row;
		next if $function->{kind} eq 'w';
	}
	foreach my $row (@lists ? (1, 2, 3) : ())
	{
		my $call = call_of($function, map { $large{ $types[$_] } // $plain[$_] } 0 .. $#types);

		push @calls, "SELECT count(x::text) FROM (SELECT $call AS x FROM big b WHERE n = $row) y";
	}
	foreach my $argument (@texts)
	{
		foreach my $row (1 .. 7)
		{
			my $cast = $types[$argument] eq 'cstring' ? '::cstring' : $types[$argument] eq 'journey_pattern' ? '::cjm.journey_pattern' : '';
			my $call = call_of($function, map { $_ == $argument ? $types[$_] eq 'cstring' ? 'textout(t.t)' : "t.t$cast" : $plain[$_] } 0 .. $#types);

			push @calls, "SELECT count(x::text) FROM (SELECT $call AS x FROM texts t WHERE n = $row) y";
		}
	}
}

# What each call is for is in it; a server that has gone away is the end.
my %states;
my $slowest = 0;
my @results = try_statements($node, 'SET statement_timeout = ' . TIMEOUT, @calls);

is(scalar @results, scalar @calls, 'all calls have an end');
foreach my $i (0 .. $#results)
{
	my ($state, $milliseconds, $answer) = @{ $results[$i] };

	$states{$state}++;
	$slowest = $milliseconds if $milliseconds > $slowest;
	if ($milliseconds > BOUND || $state =~ /^XX/)
	{
		fail("$state after $milliseconds ms: $calls[$i]");
		diag($answer);
	}
	elsif ($milliseconds > TIMEOUT + 1000)
	{
		note("$state after $milliseconds ms: $calls[$i]");
	}
}
note(scalar @calls, " calls, the slowest took $slowest ms: ", join ', ', map { "$_ $states{$_}" } sort keys %states);
cmp_ok(($states{'00000'} // 0), '>', @calls / 5, 'many calls have an answer');

# The customer who answers all day: an answer more costs no more than the one before, whatever the funnel.
run_sql($node, q~
	CREATE TABLE answered AS SELECT 1 AS customer, timestamptz '2026-01-01Z' + i * interval '1 s' AS at,
		CASE WHEN i % 2 = 0 THEN 'nps' WHEN i = 1 THEN 'a' ELSE (ARRAY['b', 'x'])[1 + i / 2 % 2] END AS event, (i % 11)::float8 AS value FROM generate_series(1, 200000) i;
~);
my @funnels = (
	'a -> b -> c within 7 days',
	'a -> b -> c strict within 7 days',
	'a -> b -> c excluding y within 7 days',
	'a -> b [30 days] -> c within 90 days',
	'a -> optional b -> c -> d within 90 days',
	'a -> b -> c unordered within 7 days');
foreach my $i (0 .. $#funnels)
{
	my $made = try_statements($node, "SET statement_timeout = '60s'", "SELECT create_map('answered$i', 'answered', 'customer', 'at', 'event', '$funnels[$i]', value => 'value', nps => 'nps')");
	my ($feedback) = try_statements($node, "SET statement_timeout = '60s'", "SELECT sum(answers) FROM answered$i.feedback");

	is("$feedback->[0] $feedback->[2]", '00000 100000', "100,000 answers of one customer of $funnels[$i]: $feedback->[1] ms");
}

server_is_well($node);
$node->stop;
done_testing();
