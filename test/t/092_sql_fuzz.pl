# Every function with arguments by chance, most of them plausible and some of them
# nothing that anybody would write: there is an answer, or an error that a user can
# understand, and the same answer when asked again.  Aggregates give one answer
# whether their rows come in one process or several, sorted or hashed, in little
# memory or in much.
#
# CJM_SECONDS says how long it takes (make fuzz does), CJM_SEED which arguments.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmCalls;
use CjmTest;
use Test::More;
use Time::HiRes qw(time);

use constant { TIMEOUT => 2000, LATE => 15000, BATCH => 150 };

my $seconds = $ENV{CJM_SECONDS} // 40;
my $seed = $ENV{CJM_SEED} // 20261129;
srand($seed);
note("seed $seed");

my $node = start_server('sql_fuzz', q(max_worker_processes = 12), q(max_parallel_workers = 8), q(log_min_messages = fatal));
make_try($node);

# Events of 150 customers, and a row for each with everything that a function may take.
run_sql($node, q~
	CREATE TABLE events AS
	SELECT hashint4(i) & 127 AS customer, timestamptz '2026-01-01Z' + (hashint4(i + 7) & 1048575) * interval '1 s' AS at,
		(ARRAY['a', 'b', 'c', 'd', 'e f', 'оплата'])[1 + (hashint4(i + 13) & 1023) % 6] AS event,
		(ARRAY['email', 'ads', NULL, 'direct'])[1 + (hashint4(i + 17) & 3)] AS channel,
		CASE WHEN hashint4(i + 23) & 1 = 0 THEN (hashint4(i + 29) & 15)::float8 / 4 END AS value, 'p' || (hashint4(i) & 3) AS property
	FROM generate_series(1, 4000) i;
	-- Some clocks know only seconds, and some events come twice.
	INSERT INTO events SELECT customer, date_trunc('hour', at), event, channel, value, property FROM events WHERE hashtext(at::text) & 3 = 0;
	INSERT INTO events SELECT * FROM events WHERE hashtext(at::text) & 15 = 0;
	CREATE TABLE journeys AS SELECT customer, min(property) AS property, journey_agg(at, event, channel, value) AS j, min(at) AS at, max(value) AS value, max(event) AS event, max(channel) AS channel FROM events GROUP BY customer;
	INSERT INTO journeys (customer, j) VALUES (-1, NULL), (-2, '{}');
	CREATE TABLE fuzz_source AS SELECT * FROM events;
	SELECT create_map('fuzz_map', 'fuzz_source', 'customer', 'at', 'event', 'a -> b -> c within 7 days', channel => 'channel', value => 'value', segment => 'property', dimensions => '{"device": "event"}');
	ANALYZE;
~);

sub one_of { return $_[ int rand @_ ] }
sub quoted { return q(') . $_[0] =~ s/'/''/gr . q(') }

my @events = ('a', 'b', 'c', 'd', '"e f"', 'оплата', '*', 'a@email', '*@ads', 'nothing');
my @durations = ('1 hour', '1 day', '3 days', '1 microsecond', '0 seconds', '1.5 days', '100000 days');

sub funnel_text
{
	my $stage = sub
	{
		my ($n) = @_;
		return ($n > 0 && rand() < 0.15 ? 'optional ' : '') . (rand() < 0.1 ? "s$n: " : '') . join(' | ', map { one_of(@events) } 1 .. one_of(1, 1, 1, 2, 3)) .
		  ($n > 0 && rand() < 0.15 ? ' [' . one_of(@durations) . ']' : '');
	};
	return one_of('', '->', 'a ->', 'a -> b within', 'a strict unordered', join(' -> ', ('a') x 65), 'optional a', "a -> b\0" =~ s/\0//r, '"') if rand() < 0.05;
	return join(' -> ', map { $stage->($_) } 0 .. one_of(0, 1, 1, 2, 2, 3, 5, 9)) . one_of('', '', '', '', ' strict', ' unordered') .
	  (rand() < 0.5 ? ' within ' . one_of(@durations) : '') . (rand() < 0.2 ? ' excluding ' . one_of('d', 'c | d', '*', 'a@ads') : '');
}

sub pattern_text
{
	my ($depth) = @_;
	my $kind = rand();

	return one_of('', '(', 'a{', 'a{3,1}', 'a{1000000}', '[', 'a -> b') if rand() < 0.02;
	return one_of(@events[0 .. 5], 'a@email', '*@ads', '.', '!a', '!(b | *@ads)', '^', '$') if $depth == 0 || $kind < 0.35;
	return pattern_text($depth - 1) . one_of('*', '+', '?', '{2}', '{1,3}') if $kind < 0.5;
	return '(' . pattern_text($depth - 1) . ' | ' . pattern_text($depth - 1) . ')' if $kind < 0.65;
	return pattern_text($depth - 1) . one_of(' ', ' ', ' .* ', ' (?t<=1 day) ') . pattern_text($depth - 1);
}

my @words = qw(hour day week month quarter year century channel event entry_event exit_event visitor property segment touchpoint session conversion first_touch
  last_touch last_non_direct linear time_decay position forward backward head tail first_match last_match strict_order strict_once strict_increase
  strict_deduplication customer at value UTC Europe/Riga America/New_York Nowhere fuzz_map fuzz_source in out light dark);
my @odd = ('', ' ', 'x' x 5000, "'", '"', '%s', '\\', '<svg/onload=x>', '(?1)(?2)', '(?1).*(?t<=5)(?2)', '(?', '{', '[]', '{"at":1}', "\x{202e}", '-- ', '1; SELECT 2', 'null', '%1$s');
my @moments = map { "'$_'::timestamptz" } '2026-01-03 12:00Z', '2026-01-01Z', '2000-01-01Z', 'infinity', '-infinity', '294276-12-31 23:59:59.999999Z', '4714-11-24 00:00Z BC', '2026-03-29 01:00Z';
my @lengths = map { "'$_'::interval" } '30 min', '1 day', '7 days', '0', '-1 day', '1 month', '178000000 years', '1 us', '-2147483648 days', '2147483647 days', '1 mon -30 days', '9223372036854775807 us';
my @numbers = map { "'$_'" } 0, 1, -1, 2, 3, 5, 7, 10, 100, 0.5, 0.95, 1.5, 'NaN', 'Infinity', '-Infinity', 1e308, -1e308, 5e-324;
my @integers = (0, 1, 2, 3, 5, 10, 100, -1, 2147483647, -2147483648);
my %choice = (
	text => sub { my $k = rand(); $k < 0.3 ? one_of('r.event', 'r.channel', 'r.property') : $k < 0.7 ? quoted(one_of(@words)) . '::text' : $k < 0.8 ? quoted(one_of(@events)) . '::text' :
		$k < 0.85 ? quoted(funnel_text()) . '::text' : quoted(one_of(@odd)) . '::text' },
	cstring => sub { quoted(one_of(@odd, funnel_text(), pattern_text(2), '{2026-01-01T00:00:00Z a}', '[2026-01-01Z,)')) . '::cstring' },
	journey => sub { my $k = rand(); $k < 0.6 ? 'r.j' : $k < 0.7 ? q('{}'::cjm.journey) : $k < 0.8 ? '(r.j || r.j)' : $k < 0.9 ? q('{294276-12-31T23:59:59Z a@x=NaN, 2026-01-01T00:00:00Z b=-Infinity, 2026-01-01T00:00:00Z b=1e308}'::cjm.journey) : 'cjm.slice(r.j, ' . one_of(@moments) . ', ' . one_of(@moments) . ')' },
	journey_literal => sub { q('{2026-01-01T10:00:00Z a}'::cjm_internal.journey_literal) },
	funnel => sub { quoted(funnel_text()) . '::cjm.funnel' },
	funnel_literal => sub { quoted(funnel_text()) . '::cjm_internal.funnel_literal' },
	funnel_stats => sub { one_of('cjm.funnel_stats(' . quoted(funnel_text()) . '::cjm.funnel)', '(SELECT cjm.funnel_agg(x.j, ' . quoted(funnel_text()) . ") FROM journeys x WHERE x.customer % 7 = 1)") },
	aggregate_state => sub { one_of('cjm_internal.values_apart_step(NULL, r.value)', 'cjm_internal.times_apart_step(NULL, ' . one_of(@moments) . ')', 'cjm_internal.funnel_agg_step(NULL, r.j, ' . quoted(funnel_text()) . ')',
		q(cjm_internal.rule_attribution_step(NULL, r.j, 'a')), q('AQA='::cjm_internal.aggregate_state), quoted(join '', map { one_of('A', 'Q', 'f', '/', '8', 'o') } 1 .. 4 * int rand 20) . '::cjm_internal.aggregate_state') },
	journey_pattern => sub { quoted(pattern_text(4)) . '::cjm.journey_pattern' },
	'timestamp with time zone' => sub { rand() < 0.3 ? 'r.at' : one_of(@moments) },
	interval => sub { one_of(@lengths[ 0 .. 2 ], @lengths) },
	tstzrange => sub { one_of(q('[2026-01-01Z,2026-01-05Z]'), q('empty'), q('(,)'), q('[,2026-01-05Z]'), q('[infinity,]')) . '::tstzrange' },
	tstzrange_literal => sub { q('[2026-01-01Z,]'::cjm_internal.tstzrange_literal) },
	boolean => sub { one_of('true', 'false', q((r.event = 'a')), q((r.value > 1))) },
	'boolean[]' => sub { one_of(q(ARRAY[r.event = 'a', r.event = 'b']), q('{}'::boolean[]), q('{t,NULL,f}'::boolean[]), q(array_fill(true, ARRAY[40])), q('{{t},{f}}'::boolean[])) },
	'"any"' => sub { one_of(q((r.event = 'a'), (r.event = 'b')), q((r.event = 'a'), (r.event IN ('b', 'c')), (r.channel = 'ads')), 'true', q(r.event), '1, 2', 'NULL') },
	integer => sub { one_of(@integers) . '::integer' }, bigint => sub { rand() < 0.3 ? 'r.customer::bigint' : one_of(@integers, '9223372036854775807', '(-9223372036854775808)') . '::bigint' }, smallint => sub { one_of(0 .. 9) . '::smallint' },
	'double precision' => sub { rand() < 0.3 ? 'r.value' : one_of(@numbers) . '::float8' }, numeric => sub { one_of(@numbers[ 0 .. 12 ]) . '::numeric' },
	'text[]' => sub { one_of(q('{a,b}'), q('{}'), q('{NULL}'), q('{direct,email}'), q('{linear,position}'), q('{{a},{b}}'), q('[5:6]={a,a}'), q(ARRAY[r.event, r.channel])) . '::text[]' },
	'double precision[]' => sub { one_of(q('{0.4,0.2,0.4}'), q('{}'), q('{1,NULL,2}'), q('{NaN,1,1}'), q('{0,0,0}'), q('{1e308,1e308,1e308}')) . '::float8[]' },
	'bigint[]' => sub { one_of(q('{3,2,2}'), q('{}'), q('{0,0,0}'), q('{1,2,NULL}'), q('{9223372036854775807,1,1}'), q('{{1,2,3}}')) . '::bigint[]' },
	uuid => sub { 'md5(r.customer::text)::uuid' }, jsonb => sub { quoted(one_of('[]', '{}', 'null', '1', '[{"at":"2026-01-01T00:00:00Z","event":"a"}]', '[{"at":"2026-01-01T00:00:00Z","event":"a","value":"NaN","x":1}]', '{"funnel":"a -> b","customers":1}')) . '::jsonb' },
	anyenum => sub { one_of(q('desire'::cjm.aida), 'NULL::cjm.aida', q('advocacy'::cjm.lifecycle)) }, anyelement => sub { one_of('r.event', 'r.value', 'r.customer', 'ROW(r.event, r.value)', 'ARRAY[r.event]') },
	bytea => sub { quoted('\\x' . unpack 'H*', join '', map { chr one_of(0, 1, 2, 3, 127, 128, 255, int rand 256) } 1 .. rand 40) . '::bytea' },
	oid => sub { one_of('0', '1', '4294967295', q('pg_class'::regclass::oid), q('pg_type'::regclass::oid)) . '::oid' },
	regclass => sub { one_of(q('fuzz_source'), q('fuzz_map.journeys'), q('pg_class'), '0') . '::regclass' },
	name => sub { quoted(one_of('public', 'fuzz_map', 'nobody', '')) . '::name' });

# What a report may be asked about, and what nobody would ask.
sub where_text
{
	my @names = ('segment', 'device', 'first_channel', 'entry_channel', 'channel', 'session_channel', 'visitor', 'last_event', 'segment) OR (true', '%s', '$1', '', 'x' x 300);
	my $value = sub { my $k = rand(); $k < 0.6 ? one_of('"p0"', '"p1"', '"email"', '"a"', 'null', 'null', '1', '0.5', 'true') : '"' . (one_of(@odd) =~ s/([\\"])/\\$1/gr) . '"' };
	my $k = rand();

	return one_of('{}', '[]', 'null', '1', '"segment"', '{"segment": {}}', '{"segment": [[1]]}', '[{"segment": 1}]') if $k < 0.08;
	return '{' . join(', ', map { my $n = rand() < 0.8 ? one_of(@names[ 0 .. 2 ]) : one_of(@names); qq("$n": ) . (rand() < 0.5 ? $value->() : '[' . join(', ', map { $value->() } 1 .. rand 4) . ']') } 1 .. one_of(1, 1, 2, 3)) . '}';
}

sub argument
{
	my ($type, $name) = @_;

	return rand() < 0.3 ? 'NULL::jsonb' : quoted(where_text()) . '::jsonb' if ($name // '') eq 'where_is';

	return plausible($type, $name) =~ s/^.*::(?=cjm|\w)/NULL::/sr if rand() < 0.03 && $type ne '"any"' && $type ne 'cstring' && $type !~ /^any/;
	return plausible($type, $name) if rand() < 0.25 || !exists $choice{$type};
	return $choice{$type}->();
}

# A query of one value, from rows r.
sub query_of
{
	my ($function) = @_;
	my @arguments = map { argument($function->{types}[$_], $function->{names}[$_]) } 0 .. $#{ $function->{types} };
	my $rows = sprintf '(SELECT * FROM journeys ORDER BY customer LIMIT %d) r', one_of(1, 1, 3, 40, 200);
	my $call;

	if ($function->{kind} eq 'w')
	{
		foreach (0 .. $#arguments)
		{
			$arguments[$_] = 'r.at' if $function->{types}[$_] eq 'timestamp with time zone' && rand() < 0.8;
		}
		$call = call_of($function, @arguments) . ' OVER (' . one_of('PARTITION BY r.customer ORDER BY r.at', 'PARTITION BY r.customer ORDER BY r.at', 'ORDER BY r.at', 'ORDER BY r.at DESC', '', 'PARTITION BY r.event ORDER BY r.at, r.channel') . ')';
		return "SELECT md5(string_agg(x::text, ',')) FROM (SELECT $call AS x FROM (SELECT e.*, j.j FROM events e JOIN journeys j USING (customer) WHERE customer < 20) r ORDER BY r.customer, r.at, r.event, r.channel, r.value) y";
	}
	if ($function->{kind} eq 'a')
	{
		$arguments[0] = "DISTINCT $arguments[0]" if @arguments && rand() < 0.08;
		$call = call_of($function, @arguments) =~ s/VARIADIC DISTINCT/VARIADIC/r;
		$call .= one_of('', '', '', '', q( FILTER (WHERE r.event = 'a')), q( FILTER (WHERE false)));
		return "SELECT string_agg(x::text, ',') FROM (SELECT $call OVER (ORDER BY r.customer ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS x FROM $rows) y" if rand() < 0.15 && $call !~ /DISTINCT/;
		return "SELECT string_agg(g || x::text, ',' ORDER BY g) FROM (SELECT coalesce(r.property, '') AS g, $call AS x FROM $rows GROUP BY ROLLUP (1)) y" if rand() < 0.3;
		return "SELECT ${call}::text FROM $rows";
	}
	return "SELECT string_agg(x::text, ',') FROM (SELECT " . call_of($function, @arguments) . " AS x FROM $rows) y";
}

my @functions = functions($node);
my (%states, %answered);
my $calls = 0;
my $bad = 0;

# What comes of queries must be told apart by nothing but whether they were cancelled.
sub judge
{
	my ($query, $function, @results) = @_;
	my ($first) = @results;

	foreach (@results)
	{
		my ($state, $milliseconds, $answer) = @$_;

		$states{$state}++;
		$answered{$function} = 1 if $state eq '00000';
		if ($state =~ /^XX/ || $milliseconds > LATE)
		{
			$bad++;
			fail("$state after $milliseconds ms: $answer");
			diag($query);
			return;
		}
	}
	return if grep { $_->[0] eq '57014' } @results;
	my @answers = map { "$_->[0] " . ($_->[0] eq '00000' ? $_->[2] // '' : '') } @results;
	if (grep { $_ ne $answers[0] } @answers)
	{
		$bad++;
		fail('answers differ: ' . join ' / ', map { substr $_, 0, 200 } @answers);
		diag($query);
	}
	return;
}

# Runs queries, each so many times, and judges them; false if the server is gone.
sub run_batch
{
	my ($setup, $times, @queries) = @_;
	my @results = try_statements($node, "SET statement_timeout = @{[ TIMEOUT ]}; $setup", map { ($_->[1]) x $times } @queries);

	foreach my $i (0 .. $#queries)
	{
		last if ($i + 1) * $times > @results;
		judge($queries[$i][1], $queries[$i][0], @results[ $i * $times .. ($i + 1) * $times - 1 ]);
	}
	$calls += @results;
	return 1 if @results == @queries * $times;
	$bad++;
	fail('the server is there after each query');
	diag($queries[ int(@results / $times) ][1]);
	return 0;
}

sub name_of { return "$_[0]{name}(" . join(',', @{ $_[0]{types} }) . ')' }

# Four fifths of the time: any function, each query twice in a row.
my $end = time + 0.6 * $seconds;
my $alive = 1;
while ($alive && time < $end)
{
	my @queries;
	# What changes something is not asked twice.
	push @queries, [ name_of($_), query_of($_) ] foreach map { one_of(@functions) } 1 .. BATCH;
	$alive = run_batch('SET timezone = ' . one_of(q('UTC'), q('Europe/Riga')), 1, grep { $_->[0] =~ /map|audience|keep|refresh|target|note|alert/ } @queries);
	$alive &&= run_batch('SET timezone = ' . one_of(q('UTC'), q('Europe/Riga')), 2, grep { $_->[0] !~ /map|audience|keep|refresh|target|note|alert/ } @queries);
}

# The rest: aggregates over all rows, by plans that must not matter.
my @plans = (
	'SET max_parallel_workers_per_gather = 0',
	q(SET max_parallel_workers_per_gather = 0; SET enable_hashagg = off; SET work_mem = '64kB'),
	q(SET max_parallel_workers_per_gather = 0; SET enable_sort = off; SET work_mem = '64kB'; SET hash_mem_multiplier = 1),
	q(SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0),
	q(SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET enable_hashagg = off; SET work_mem = '64kB'; SET parallel_leader_participation = off));

sub plan_query
{
	my ($function) = @_;
	my @types = @{ $function->{types} };
	my @names = @{ $function->{names} };
	my $from = (grep { /^journey$/ } @types) ? 'journeys r' : 'events r';
	my @arguments;

	foreach (0 .. $#types)
	{
		my ($type, $name) = ($types[$_], $names[$_]);

		push @arguments, $type eq 'journey' ? 'r.j' : $type eq 'timestamp with time zone' && $name =~ /^at$/ ? 'r.at' : $name eq 'event' ? 'r.event' : $name eq 'channel' ? 'r.channel' :
		  $name eq 'value' && $type eq 'double precision' ? 'r.value' : $name eq 'property' ? 'r.property' : $name eq 'customer' ? $type eq 'uuid' ? 'md5(r.customer::text)::uuid' : "r.customer::$type" :
		  $type eq 'boolean' ? q((r.event = 'a')) : $type eq 'anyelement' ? one_of('r.event', 'r.value') : $type eq '"any"' ? q((r.event = 'a'), (r.event = 'b'), (r.event IN ('c', 'd'))) :
		  $type eq 'boolean[]' ? q(ARRAY[r.event = 'a', r.event = 'b']) : $type eq 'funnel' ? quoted(funnel_text()) . '::cjm.funnel' : $type eq 'double precision' ? '(r.customer % 5 + 1)::float8' : plausible($type, $name);
	}
	my $call = call_of($function, @arguments);
	return rand() < 0.4 ? "SELECT ${call}::text FROM $from" : "SELECT md5(string_agg(g || coalesce(x::text, 'NULL'), ',' ORDER BY g)) FROM (SELECT r.property AS g, $call AS x FROM $from GROUP BY 1) y";
}

my @aggregates = grep { $_->{kind} eq 'a' } @functions;
my $plans = 0;
$end = time + 0.4 * $seconds;
while ($alive && time < $end)
{
	my @queries = map { [ name_of($_), plan_query($_) ] } map { one_of(@aggregates) } 1 .. 25;
	my @by_plan = map { [ try_statements($node, "SET statement_timeout = @{[ 5 * TIMEOUT ]}; $_", map { $_->[1] } @queries) ] } @plans;

	foreach my $i (0 .. $#queries)
	{
		if (grep { !defined $_->[$i] } @by_plan)
		{
			$bad++;
			$alive = 0;
			fail('the server is there after each plan');
			diag($queries[$i][1]);
			last;
		}
		judge($queries[$i][1], $queries[$i][0], map { $_->[$i] } @by_plan);
		$plans++;
	}
}

is($bad, 0, "$calls calls of " . scalar(@functions) . " functions, and $plans aggregates by " . scalar(@plans) . ' plans');
note(join ', ', map { "$_ $states{$_}" } sort keys %states);
my @silent = grep { !$answered{$_} } map { name_of($_) } @functions;
note(scalar @silent, ' functions gave no answer: ', join ', ', @silent);
cmp_ok(scalar @silent, '<', @functions / 2, 'most functions have given an answer') if $calls > 1500;
server_is_well($node);
$node->stop;
done_testing();
