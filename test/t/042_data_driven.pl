# markov_attribution and shapley_attribution: against walks taken step by step,
# on random paths and real ones; from journeys against paths made by plain SQL;
# in any order and any split of the rows; cancelled; from crafted states.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use List::Util qw(max min sum0 uniq);
use Test::More;

my $node = start_server('data_driven');
my $data = "$FindBin::RealBin/../../../shared/data";

# The states of a path: its channels, or pairs of them, of equal ones in a row one.
sub states_of
{
	my ($order, @path) = @_;
	my $width = min($order, scalar @path);
	my @states = map { join('>', @path[ $_ .. $_ + $width - 1 ]) } 0 .. @path - $width;

	return map { $states[$_] } grep { $_ == 0 || $states[$_] ne $states[ $_ - 1 ] } 0 .. $#states;
}

# What walks are expected to bring that never come to a state in $avoid: conversions and value.
# Step by step: the walks that are under way, until there are none to speak of.
sub expected
{
	my ($chain, $avoid) = @_;
	my %at = map { $_ => $chain->{start}{$_} } grep { !$avoid->{$_} } keys %{ $chain->{start} };
	my ($conversions, $value) = (0, 0);

	while (%at)
	{
		my %next = ();

		foreach my $state (keys %at)
		{
			my $share = $at{$state} / $chain->{out}{$state};

			$conversions += $share * ($chain->{conversions}{$state} // 0);
			$value += $share * ($chain->{value}{$state} // 0);
			foreach my $to (grep { !$avoid->{$_} } keys %{ $chain->{moves}{$state} // {} })
			{
				$next{$to} += $share * $chain->{moves}{$state}{$to};
			}
		}
		%at = map { $_ => $next{$_} } grep { $next{$_} > 1e-12 } keys %next;
	}
	return ($conversions, $value);
}

# Credits by the definition: rows [path, conversions, value, nulls] to channel => [effect, conversions, value].
sub markov
{
	my ($order, $with_nulls, @rows) = @_;
	my %chain = (start => {}, moves => {}, out => {}, conversions => {}, value => {});
	my %channels = ();

	foreach my $row (@rows)
	{
		my ($path, $conversions, $value, $nulls) = @$row;
		my $weight = $conversions + ($with_nulls ? $nulls : 0);
		my @states = states_of($order, @$path);

		$channels{$_} = 1 foreach @$path;
		next unless $weight > 0;
		$chain{start}{ $states[0] } += $weight;
		$chain{out}{$_} += $weight foreach @states;
		$chain{moves}{ $states[ $_ - 1 ] }{ $states[$_] } += $weight foreach 1 .. $#states;
		$chain{conversions}{ $states[-1] } += $conversions;
		$chain{value}{ $states[-1] } += $value;
	}
	my ($conversions, $value) = expected(\%chain, {});
	my %lost = ();

	foreach my $channel (keys %channels)
	{
		my %avoid = map { $_ => 1 } grep { /(?:^|>)\Q$channel\E(?:>|$)/ } keys %{ $chain{out} };
		my @left = expected(\%chain, \%avoid);

		$lost{$channel} = [ $conversions - $left[0], $value - $left[1] ];
	}
	my @sums = (sum0(map { $_->[0] } values %lost), sum0(map { $_->[1] } values %lost));
	return map { $_ => [ $lost{$_}[0] / $conversions, $lost{$_}[0] / $sums[0] * $conversions,
		$sums[1] ? $lost{$_}[1] / $sums[1] * $value : 0 ] } keys %channels;
}

# The same from the server.
sub credits
{
	my ($call, $from) = @_;
	my $rows = run_sql($node, "SELECT c.channel, c.removal_effect, c.conversions, c.value FROM (SELECT $call AS credits FROM $from) m, unnest(credits) c");

	return map { my ($channel, @numbers) = split /\|/; $channel => \@numbers } split /\n/, $rows;
}

# The largest difference of any number, as part of the largest number of its column.
sub difference
{
	my ($ours, $theirs) = @_;
	my $largest = 0;

	return 1e9 unless join(' ', sort keys %$ours) eq join(' ', sort keys %$theirs) && %$ours;
	foreach my $column (0 .. 2)
	{
		my $scale = max(1e-9, map { abs } map { $_->[$column] } values %$theirs);
		$largest = max($largest, map { abs($ours->{$_}[$column] - $theirs->{$_}[$column]) / $scale } keys %$ours);
	}
	return $largest;
}

#
# Random paths
#

my $random = 20260;
sub random
{
	$random = ($random * 1103515245 + 12345) % 2147483648;
	return int($random / 65536) % shift;
}

my %worst = ();
foreach my $case (1 .. 60)
{
	my @names = ('A' .. ('A', 'B', 'C', 'D', 'E', 'F', 'G')[ random(7) ]);
	my @rows = map {
		my @path = map { $names[ random(scalar @names) ] } 0 .. random($case % 3 ? 7 : 3);
		my $conversions = random(4);
		[ \@path, $conversions, $conversions ? random(1000) / 4 : 0, random(5) ]
	} 0 .. random(25);

	push @rows, [ ['A'], 1, 1, 1 ];
	my $values = join(', ', map { "('{" . join(',', @{ $_->[0] }) . "}'::text[], $_->[1], $_->[2], $_->[3])" } @rows);
	foreach my $order (1, 2)
	{
		foreach my $with_nulls (0, 1)
		{
			my %ours = credits("markov_attribution(p, c, v, n, $order, " . ($with_nulls ? 'true' : 'false') . ')', "(VALUES $values) r(p, c, v, n)");
			my %theirs = markov($order, $with_nulls, @rows);
			$worst{"order $order, " . ($with_nulls ? 'with' : 'without') . ' null paths'} =
			  max($worst{"order $order, " . ($with_nulls ? 'with' : 'without') . ' null paths'} // 0, difference(\%ours, \%theirs));
		}
	}
}
cmp_ok($worst{$_}, '<', 1e-9, "random paths, $_: as walks step by step") foreach sort keys %worst;
is(scalar keys %worst, 4, 'all settings have been compared');

# A chain that all but never ends: from A one walk in 10001 does, from B none.
my @loop = map { $_ % 2 ? 'A' : 'B' } 1 .. 20001;
my %loop = credits('markov_attribution(p, c, v, n)', "(VALUES ('{" . join(',', @loop) . "}'::text[], 1, 5, 0), ('{C}', 1, 5, 20000000)) r(p, c, v, n)");
is_deeply([ map { sprintf '%.15f', $loop{$_}[0] } 'A' .. 'C' ], [ map { sprintf '%.15f', $_ } 0.5, 0.5 * 10000 / 10001, 0.5 ],
	'twenty thousand steps to an end: of the walks by A one in 10001 never comes to B');

#
# Real paths
#

SKIP: {
	skip 'no ../shared/data', 5 unless -e "$data/channel_paths.csv.gz";

	run_sql($node, qq{
		CREATE TABLE paths (path text, conversions bigint, value float8, nulls bigint);
		COPY paths FROM PROGRAM 'gzip -dc $data/channel_paths.csv.gz' (FORMAT csv, HEADER, DELIMITER ';');
		CREATE VIEW path_rows AS SELECT string_to_array(path, ' > ') AS path, conversions, value, nulls FROM paths;
	});
	my @rows = map { my ($path, @numbers) = split /\|/; [ [ split / > /, $path ], @numbers ] }
	  split /\n/, run_sql($node, 'SELECT path, conversions, value, nulls FROM paths');

	foreach my $order (1, 2)
	{
		foreach my $with_nulls ('true', 'false')
		{
			my %ours = credits("markov_attribution(path, conversions, value, nulls, $order, $with_nulls)", 'path_rows');
			my %theirs = markov($order, $with_nulls eq 'true', @rows);
			my @totals = map { my $column = $_; sum0(map { $_->[$column] } values %ours) } 1, 2;

			ok(keys %ours == 12 && difference(\%ours, \%theirs) < 1e-9 && abs($totals[0] - 19785) < 1e-6 && abs($totals[1] - 74802.9716) < 1e-4,
				"10,000 real paths, order $order, null paths $with_nulls: as walks step by step, and nothing is lost")
			  or diag(difference(\%ours, \%theirs), " @totals");
		}
	}
	is(run_sql($node, q{
		SELECT count(*), bool_and(abs(c.conversions - s.conversions) < 1e-6 AND abs(c.value - s.value) < 1e-6), round(sum(c.conversions)::numeric, 6), round(sum(c.value)::numeric, 4)
		FROM (SELECT shapley_attribution(path, conversions, value, nulls) AS credits FROM path_rows) m, unnest(credits) c
			FULL JOIN (SELECT channel, sum(conversions / n::float8) AS conversions, sum(value / n) AS value FROM path_rows,
				LATERAL (SELECT DISTINCT unnest(path) AS channel) u, LATERAL (SELECT count(DISTINCT x) AS n FROM unnest(path) x) k
				GROUP BY channel) s USING (channel)}), '12|t|19785.000000|74802.9716', '10,000 real paths: Shapley values are even parts among the channels of a path');
}

#
# Journeys, and any order and split of them
#

run_sql($node, q{
	CREATE TABLE events AS
	SELECT abs(hashint4(i)) % 3000 AS customer, timestamptz '2026-01-01Z' + abs(hashint4(i * 3)) % 5000000 * interval '1 second' AS at,
		(ARRAY['view', 'cart', 'purchase', 'view', 'view'])[1 + abs(hashint4(i + 5)) % 5] AS event,
		(ARRAY['email', 'ads', 'paid search', 'реклама', NULL, '>', 'ads'])[1 + abs(hashint4(i * 7)) % 7] AS channel,
		CASE WHEN i % 3 > 0 THEN abs(hashint4(i * 11)) % 100000 / 1000.0 - 3 END::float8 AS value
	FROM generate_series(1, 60000) i;
	DELETE FROM events e USING (SELECT customer, at FROM events GROUP BY customer, at HAVING count(*) > 1) t WHERE e.customer = t.customer AND e.at = t.at;
	CREATE TABLE journeys AS SELECT customer, customer % 5 AS segment, journey_agg(at, event, channel, value) AS journey FROM events GROUP BY customer;
	CREATE TABLE nothing (LIKE journeys);
	-- Each path of it: what lies before a purchase, back to the purchase before, or after the last one.
	CREATE TABLE sql_paths AS
	SELECT customer, customer % 5 AS segment, part,
		coalesce(array_agg(channel ORDER BY at) FILTER (WHERE event <> 'purchase'), '{}') AS path,
		(count(*) FILTER (WHERE event = 'purchase')) AS conversions, coalesce(sum(value) FILTER (WHERE event = 'purchase'), 0) AS value,
		CASE WHEN bool_or(event = 'purchase') THEN 0 ELSE 1 END AS nulls
	FROM (SELECT *, count(*) FILTER (WHERE event = 'purchase') OVER (PARTITION BY customer ORDER BY at DESC) AS part FROM events) e
	GROUP BY customer, part;
	ANALYZE;
});

is(run_sql($node, q{
	SELECT (SELECT markov_attribution(journey, 'purchase') FROM journeys) = (SELECT markov_attribution(path, conversions, value, nulls) FROM sql_paths),
		(SELECT markov_attribution(journey, 'purchase', 2) FROM journeys) = (SELECT markov_attribution(path, conversions, value, nulls, 2) FROM sql_paths),
		(SELECT markov_attribution(journey, 'purchase', 1, false) FROM journeys) = (SELECT markov_attribution(path, conversions, value, nulls, 1, false) FROM sql_paths),
		(SELECT shapley_attribution(journey, 'purchase') FROM journeys) = (SELECT shapley_attribution(path, conversions, value, nulls) FROM sql_paths),
		(SELECT sum(conversions) FROM sql_paths) > 9000}), 't|t|t|t|t', 'the paths of journeys are those of plain SQL');

my $serial = 'SET max_parallel_workers_per_gather = 0';
my $parallel = q{SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 4};
my $forced = run_sql($node, q{SELECT name FROM pg_settings WHERE name IN ('debug_parallel_query', 'force_parallel_mode')});

sub digest
{
	my ($settings, $query) = @_;

	return run_sql($node, "$settings; SELECT count(*), md5(string_agg(r::text, E'\\n' ORDER BY r::text)) FROM ($query) r");
}

# What the credits are is as good as their bytes: a float8 is printed so that it reads back the same.
my %aggregates = (
	'markov, one group' => q{SELECT markov_attribution(journey, 'purchase') FROM journeys},
	'markov of order 2, groups' => q{SELECT segment, markov_attribution(journey, 'view -> purchase', 2) FROM journeys GROUP BY segment},
	'markov without null paths' => q{SELECT markov_attribution(journey, 'cart -> purchase within 5 days', 1, false) FROM journeys},
	'shapley' => q{SELECT segment, shapley_attribution(journey, 'purchase') FROM journeys GROUP BY segment},
	'markov, paths' => q{SELECT segment, markov_attribution(path, conversions, value, nulls, 2) FROM sql_paths GROUP BY segment},
	'shapley, paths' => q{SELECT shapley_attribution(path, conversions, value, nulls) FROM sql_paths},
	'no rows' => q{SELECT markov_attribution(journey, 'purchase'), shapley_attribution(journey, 'purchase') FROM journeys WHERE customer + 0 < 0},
	'workers without a row' => q{SELECT markov_attribution(journey, 'purchase') FILTER (WHERE customer = 7) FROM journeys});

foreach my $name (sort keys %aggregates)
{
	my $query = $aggregates{$name};

	like(plan_of($node, $parallel, $query), qr/Finalize (?:Hash|Group|)\s*Aggregate.*Partial (?:Hash|Group|)\s*Aggregate/s, "$name: partial aggregation");
	is(digest($parallel, $query), digest($serial, $query), "$name: same in parallel");
	is(digest("$parallel; SET parallel_leader_participation = off", $query), digest($serial, $query), "$name: same from workers alone");
	is(digest("$serial; SET $forced = regress; SET max_parallel_workers_per_gather = 2", $query), digest($serial, $query), "$name: same in a worker");
}
is(run_sql($node, q{
	SELECT count(DISTINCT (m, s)) FROM (
		SELECT seed, markov_attribution(journey, 'purchase', 2 ORDER BY hashint4(customer + seed))::text AS m, shapley_attribution(journey, 'purchase' ORDER BY hashint4(customer * seed))::text AS s
		FROM journeys, generate_series(1, 5) seed GROUP BY seed) r}), '1', 'the order of the rows does not matter');

# Little memory, and many groups.
my $groups = q{SELECT customer, markov_attribution(path, conversions, value, nulls), shapley_attribution(path, conversions, value, nulls) FROM sql_paths GROUP BY customer};
my $tight = "$serial; SET work_mem = '64kB'; SET hash_mem_multiplier = 1";
like(plan_of($node, "$tight; SET enable_sort = off", $groups, 'ANALYZE, TIMING OFF, SUMMARY OFF'), qr/^HashAggregate.*Batches: (?!1 )\d+/s, 'a state for each customer spills');
is(digest("$tight; SET enable_sort = off", $groups), digest("$tight; SET enable_hashagg = off", $groups), 'same after spilling and from sorted groups');
is(digest("$serial; SET enable_hashagg = off", q{SELECT segment, customer % 3 AS part, markov_attribution(journey, 'purchase') FROM journeys GROUP BY GROUPING SETS ((segment, customer % 3), (segment), ())}),
	digest("$serial; SET enable_sort = off", q{SELECT segment, customer % 3 AS part, markov_attribution(journey, 'purchase') FROM journeys GROUP BY GROUPING SETS ((segment, customer % 3), (segment), ())}), 'grouping sets');

# States that travel as bytes and are combined by hand, as other servers would.
is(run_sql($node, q{
	CREATE AGGREGATE merged(bytea) (SFUNC = cjm_internal.attribution_paths_combine, STYPE = bytea);
	SELECT cjm_internal.attribution_paths_final(merged(state)) = (SELECT markov_attribution(path, conversions, value, nulls) FROM sql_paths WHERE customer < 90)
	FROM (SELECT cjm_internal.markov_path_step(NULL, path, conversions, value, nulls)::text::bytea AS state FROM sql_paths WHERE customer < 90) s}), 't',
	'states as bytes, one for each path');

#
# Cancelled, and crafted
#

run_sql_fails($node, q{
	SET statement_timeout = 150;
	SELECT markov_attribution(ARRAY[a::text, b::text, c::text], 1, 0, 0, 2) FROM generate_series(1, 45) a, generate_series(1, 45) b, generate_series(1, 45, 9) c},
	'57014', qr/canceling statement/, 'a chain of two thousand states can be cancelled');
is(run_sql($node, q{
	CREATE FUNCTION crafted(state bytea) RETURNS text LANGUAGE plpgsql AS $$
	BEGIN
		RETURN 'credits ' || coalesce(cardinality(cjm_internal.attribution_paths_final(cjm_internal.attribution_paths_combine(state, state)))::text, 'none');
	EXCEPTION WHEN OTHERS THEN
		RETURN SQLSTATE;
	END $$;
	WITH good AS (SELECT cjm_internal.markov_path_step(cjm_internal.markov_path_step(NULL, '{A,B,C,A}', 1, 2, 3), '{B,A,B}', 3, 200000, 3, 1)::text::bytea AS state
		UNION ALL SELECT cjm_internal.markov_path_step(cjm_internal.markov_path_step(NULL, '{A,B,C,A}', 1, 2, 3, 2), '{B,A,B}', 3, 2, 3, 2)::text::bytea
		UNION ALL SELECT cjm_internal.shapley_path_step(cjm_internal.shapley_path_step(NULL, '{A,B,C,A}', 1, 2, 3), '{B,A,B}', 3, 2, 3)::text::bytea),
	bad AS (SELECT set_byte(state, i, b) AS state FROM good, generate_series(0, length(state) - 1) i, unnest(ARRAY[0, 1, 2, 5, 18, 127, 128, 255]) b
		UNION ALL SELECT substr(state, 1, i) FROM good, generate_series(0, length(state)) i
		UNION ALL SELECT state || '\x00' FROM good)
	SELECT count(*) > 1000 AND bool_or(result LIKE 'credits%') AND bool_and(result ~ '^(credits \d+|22P03|22021|0A000|54000|22023)$') FROM (SELECT crafted(state) AS result FROM bad) r}),
	't', 'crafted states are refused or read, and nothing else');

server_is_well($node);
done_testing();
