# Journeys and funnels made to be slow: a million touchpoints at one time,
# 64 stages that overlap, unordered ones that overlap.  Each has its exact
# answer, can be cancelled, and takes memory by content.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use Test::More;
use Time::HiRes qw(time);

# Shared memory counts as a process's own where its peak is asked for.
my $node = start_server('adversarial', q(max_parallel_workers_per_gather = 0), q(shared_buffers = '16MB'));

sub stages { return join ' -> ', @_ }
sub events { return join ' | ', map { "e$_" } @_ }

# Of 64 stages the one of number $i takes 15 of 64 events.
my $any = stages(('*') x 64);
my $ring = stages(map { my $i = $_; events(map { 1 + ($i + $_) % 64 } 0 .. 14) } 1 .. 64);
my $optional = stages(map { my $i = $_; ($i % 2 ? '' : 'optional ') . events(map { 1 + ($i + $_) % 64 } 0 .. 14) } 1 .. 64);
# Of 20 stages stage $i takes e$i to e20, so that e1 fits only the first and only e20 fits the last.
my $stairs = stages(map { events($_ .. 20) } 1 .. 20);

run_sql($node, q{
	CREATE TABLE j (name text, j journey);
	ALTER TABLE j ALTER j SET STORAGE EXTERNAL;
	INSERT INTO j
	SELECT 'one time', journey_agg('2026-01-01Z', (ARRAY['a', 'b', 'c', 'x'])[1 + i % 4]) FROM generate_series(1, 1000000) i
	UNION ALL
	SELECT 'one time, 64 events', journey_agg('2026-01-01Z', 'e' || 1 + i % 64) FROM generate_series(1, 1000000) i
	UNION ALL
	SELECT 'one time, 63 touchpoints', journey_agg('2026-01-01Z', 'e' || i) FROM generate_series(1, 63) i
	UNION ALL
	SELECT 'each second', journey_agg(timestamptz '2026-01-01Z' + i * interval '1 s', 'e' || 1 + i % 64) FROM generate_series(1, 1000000) i
	UNION ALL
	SELECT 'a hundred each second', journey_agg(timestamptz '2026-01-01Z' + i / 100 * interval '1 s', 'e' || 1 + i % 64) FROM generate_series(1, 1000000) i
	UNION ALL
	-- the first event of 20 a million times, then the others, the last of them first
	SELECT 'late', journey_agg(timestamptz '2026-01-01Z' + CASE WHEN i > 19 THEN interval '0' ELSE (20 - i) * interval '1 us' END, 'e' || CASE WHEN i > 19 THEN 1 ELSE i + 1 END)
	FROM generate_series(1, 1000000) i
	UNION ALL
	SELECT 'one missing', journey_agg('2026-01-01Z', 'e' || 2 + i % 19) FROM generate_series(1, 1000000) i;
});

# journey, funnel, step, conversions (undef: some)
my @cases = (
	[ 'one time', 'a -> b -> c', 3, 250000 ],
	[ 'one time', 'c -> b -> a strict within 1 us', 3, 250000 ],
	[ 'one time', 'a -> b -> c excluding x | c', 3, 250000 ],
	[ 'one time', 'a -> optional x -> b [1 us] -> c', 4, 250000 ],
	[ 'one time', 'a -> b -> d', 2, 0 ],
	[ 'one time', 'a | b -> b | c -> c', 3, 250000 ],
	[ 'one time', '* -> * -> *', 3, 333333 ],
	[ 'one time', '*', 1, 1000000 ],
	[ 'one time', 'c -> a -> b unordered', 3, 250000 ],
	[ 'one time', $any, 64, 15625 ],
	[ 'one time', "$any unordered", 64, 15625 ],
	[ 'one time', "$any strict excluding x", 64, 15625 ],
	[ 'one time, 64 events', $ring, 64, undef ],
	[ 'one time, 64 events', "$ring unordered", 64, undef ],
	[ 'one time, 64 events', "$ring strict excluding e1 | e64", 64, undef ],
	[ 'one time, 63 touchpoints', $any, 63, 0 ],
	[ 'one time, 63 touchpoints', "$any unordered", 63, 0 ],
	[ 'each second', $any, 64, 15625 ],
	[ 'each second', "$any within 63 s strict", 64, 15625 ],
	[ 'each second', "$any within 62 s", 63, 0 ],
	[ 'each second', "$any within 62 s unordered excluding e1", 63, 0 ],
	[ 'a hundred each second', $any, 64, undef ],
	[ 'each second', $ring, 64, undef ],
	[ 'each second', "$optional within 7 days excluding nothing", 64, undef ],
	[ 'a hundred each second', "$ring strict excluding e7", 64, undef ],
	[ 'a hundred each second', "$optional within 5 s excluding e7", 64, undef ],
	[ 'a hundred each second', "$ring unordered within 1 s excluding e50", 64, undef ],
	[ 'one time, 64 events', "$stairs unordered", 20, 15625 ],
	[ 'late', "$stairs unordered within 19 us", 20, 1 ],
	[ 'late', "$stairs unordered within 18 us", 19, 0 ],
	[ 'one missing', "$stairs unordered", 20, undef ],
	[ 'each second', "$stairs unordered within 63 s excluding e21", 20, undef ]);

# The peak of a session's memory, in kilobytes.
my $peak = q{SELECT substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\s*(\d+)')};
my $statements = "SELECT sum(touch_count(j)) FROM j;\n$peak;\n";
$statements .= sprintf "SELECT funnel_step(j, '%s'), conversions(j, '%s') FROM j WHERE name = '%s';\n", ($_->[1]) x 2, $_->[0] foreach @cases;
$statements .= q{SELECT sum(total_bytes)::bigint / 1024 FROM pg_backend_memory_contexts;} . "\n$peak;\n";

my $began = time;
my (undef, $before, @answers) = split /\n/, run_sql($node, $statements);
my ($kept, $after) = splice @answers, -2;
note(sprintf '%d answers in %.1f s', 2 * @cases, time - $began);
foreach my $i (0 .. $#cases)
{
	my ($name, $funnel, $step, $conversions) = @{ $cases[$i] };
	my $title = length $funnel > 60 ? substr($funnel, 0, 30) . ' ... ' . substr($funnel, -30) : $funnel;

	like($answers[$i] // '', qr/^$step\|${\($conversions \/\/ '[1-9]\\d*')}$/, "$name: $title");
}
# A million touchpoints are 24 MB for the engine, and conversions may work on a copy.
note("peak of $before kB before, $after kB after, $kept kB kept");
cmp_ok($after - $before, '<', 150 * 1024, 'memory by content');
cmp_ok($kept, '<', 32 * 1024, 'and none of it is kept');

# What the times are: all of them one.
is(run_sql($node, qq{SELECT array_length(t, 1), (SELECT count(DISTINCT at) FROM unnest(t) at), t[1] FROM (SELECT funnel_times(j, '$ring') AS t FROM j WHERE name = 'one time, 64 events') x}),
	'64|1|2026-01-01 00:00:00+00', 'times of 64 steps at one time');
is(run_sql($node, qq{SELECT extract(epoch FROM t[64] - t[1]), (SELECT count(DISTINCT at) FROM unnest(t) at) FROM (SELECT funnel_times(j, '$any') AS t FROM j WHERE name = 'each second') x}),
	'63.000000|64', 'times of 64 steps, one a second');
is(run_sql($node, qq{SELECT string_agg(extract(microseconds FROM at)::int::text, ' ' ORDER BY n) FROM j, unnest(funnel_times(j, '$stairs unordered')) WITH ORDINALITY u (at, n) WHERE name = 'late'}),
	join(' ', 0 .. 19), 'times at which the number of stages grows');

# Many customers like that.
is(run_sql($node, q{SELECT string_agg(customers::text, ' ' ORDER BY step) FROM report((SELECT funnel_agg(j, 'a -> b -> c excluding x') FROM j, generate_series(1, 5) WHERE name = 'one time'))}),
	'5 5 5', 'funnel_agg of a million touchpoints each');

my %slow = (
	'conversions, one time' => q{SELECT sum(conversions(j, '* -> * -> a | b')) FROM j, generate_series(1, 1000) WHERE name = 'one time'},
	'conversions, one after the other' => q{SELECT sum(conversions(j, '*')) FROM j, generate_series(1, 1000) WHERE name = 'each second'},
	'conversions, groups' => qq{SELECT sum(conversions(j, '$ring')) FROM j, generate_series(1, 1000) WHERE name = 'a hundred each second'},
	'64 stages, one time' => qq{SELECT sum(funnel_step(j, '$any')) FROM j, generate_series(1, 1000) WHERE name = 'one time'},
	'64 stages, strict, excluding' => qq{SELECT sum(funnel_step(j, '$optional strict excluding e7')) FROM j, generate_series(1, 1000) WHERE name = 'each second'},
	'unordered' => qq{SELECT sum(funnel_step(j, '$stairs unordered within 10 s')) FROM j, generate_series(1, 1000) WHERE name = 'each second'},
	'unordered, excluding, groups' => qq{SELECT sum(funnel_step(j, '$stairs unordered within 10 s excluding e50 | e3')) FROM j, generate_series(1, 1000) WHERE name = 'a hundred each second'},
	'entry_buckets' => q{SELECT count(*) FROM j, generate_series(1, 1000) g, entry_buckets(CASE WHEN g > 0 THEN j END, '* -> a', 'hour') WHERE name = 'each second'},
	'funnel_agg by entry' => q{SELECT count(s) FROM (SELECT funnel_agg(j, '* -> * -> a', b) AS s FROM j, entry_buckets(j, '* -> a', 'hour') b, generate_series(1, 100) WHERE name = 'each second' GROUP BY b) x});
foreach my $name (sort keys %slow)
{
	my $started = time;
	my ($status, $output, $errors) = $node->psql('postgres', "\\set VERBOSITY verbose\nSET statement_timeout = '200ms'; $slow{$name}");
	my $took = time - $started;

	ok($status != 0 && $errors =~ /ERROR:  57014: / && $took < 2, "$name is cancelled at once")
	  or diag(sprintf '%.1f s, %s %s', $took, $output, substr($errors, 0, 500));
}

server_is_well($node);
done_testing();
