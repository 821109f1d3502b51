# The limits of a journey, at their edge and one beyond; long work can be
# cancelled; memory follows contents.
#
# CJM_SKIP_LARGE=1 leaves out what needs the largest journey (2 GB of memory,
# half a minute).

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $node = start_server('limits', q(max_parallel_workers_per_gather = 0), q(temp_buffers = '64MB'));
my $dir = $PostgreSQL::Test::Utils::tmp_check;

# Labels: 4096 bytes, whatever the characters.
foreach my $case ([ 'event', q('%s') ], [ 'channel', q('view', '%s') ])
{
	my ($what, $arguments) = @$case;
	my $event = $what eq 'event' ? '%s' : 'view@%s';

	foreach my $label ('x' x 4096, "\xd0\xb6" x 2048, "\xf0\x9f\x9b\x92" x 1024)
	{
		my $made = sprintf "journey_agg('2026-01-01Z', $arguments)", $label;

		is(run_sql($node, "SELECT octet_length($what) FROM touchpoints((SELECT $made))"), 4096, "$what of 4096 bytes");
		is(run_sql($node, sprintf("SELECT '{2026-01-01T00:00:00Z $event}'::journey = $made, '$event'::funnel::text = '$event'", ($label) x 3)), 't|t',
			"$what of 4096 bytes, as text");
		run_sql_fails($node, sprintf("SELECT journey_agg('2026-01-01Z', $arguments)", "$label!"), '54000', qr/$what of 4097 bytes is too long/,
			"$what of 4097 bytes");
		run_sql_fails($node, sprintf("SELECT '{2026-01-01T00:00:00Z $event}'::journey", "\"$label!\""), '54000', qr/$what of 4097 bytes is too long/,
			"$what of 4097 bytes, as text");
		run_sql_fails($node, sprintf(q{SELECT jsonb_build_array(jsonb_build_object('at', '2026-01-01T00:00:00Z', 'event', 'x', '%s', '%s'))::journey}, $what, "$label!"),
			'54000', qr/$what of 4097 bytes is too long/, "$what of 4097 bytes, from JSON");
		run_sql_fails($node, sprintf("SELECT '$event'::funnel", "\"$label!\""), '54000', qr/$what of 4097 bytes .*too long/, "$what of 4097 bytes in a funnel");
	}
}

# Very many labels: the dictionary and its ids grow from one byte to two and to four.
foreach my $count (255, 256, 257, 65535, 65536, 65537)
{
	is(run_sql($node, qq{
		CREATE TEMP TABLE r AS SELECT i, 'event ' || i AS event, CASE WHEN i > 1 THEN 'channel ' || i END AS channel FROM generate_series(1, $count) i;
		CREATE TEMP TABLE j AS SELECT journey_agg(timestamptz '2026-01-01Z' + i * interval '1 second', event, channel) AS j FROM r;
		SELECT (SELECT touch_count(j) FROM j), count(DISTINCT t.event), count(DISTINCT t.channel),
			bool_and(t.event = 'event ' || extract(epoch FROM t.at - '2026-01-01Z')::int),
			(SELECT count(*) FROM j, generate_series(1, $count, 9997) i WHERE NOT has_event(j, 'event ' || i))
		FROM touchpoints((SELECT j FROM j)) t}), join('|', $count, $count, $count - 1, 't', 0), "$count labels");
}

# Times: the first and the last that timestamptz has, in one journey.
is(run_sql($node, q{
	WITH j AS (SELECT journey_agg(at, event) AS j FROM (VALUES ('4714-11-24 00:00+00 BC'::timestamptz, 'first'), ('294276-12-31 23:59:59.999999Z', 'last')) v (at, event))
	SELECT duration(j), j::text::journey = j, touch_count(slice(j, '-infinity', '2026-01-01Z')),
		funnel_step(j, 'first -> last'), (SELECT count(*) FROM sessions(j, '1000000 days')) FROM j}),
	'109203527 days 23:59:59.999999|t|1|2|2', 'the whole of time in one journey');
run_sql_fails($node, "SELECT journey_agg('$_', 'a')", '22008', qr/touchpoint time must not be $_/, "$_ as a time") foreach ('infinity', '-infinity');

# A million touchpoints in little memory: sets are kept on disk.
my $million = q{SELECT journey_agg(timestamptz '2026-01-01Z' + i::bigint * 100003 % 999983 * interval '1 second', 'event ' || i % 7, 'c' || i % 3, i % 11) AS j
	FROM generate_series(1, 1000000) i};
run_sql($node, qq{
	CREATE TABLE large (j journey);
	ALTER TABLE large ALTER j SET STORAGE EXTERNAL;
	SET work_mem = '64kB';
	INSERT INTO large $million});
is(run_sql($node, q{
	SET work_mem = '64kB';
	SELECT count(*), sum(value), bool_and(sorted), count(DISTINCT (event, channel)) FROM (
		SELECT t.*, at >= lag(at, 1, '-infinity') OVER () AS sorted FROM touchpoints((SELECT j FROM large)) t) t}), '1000000|4999996|t|21',
	'a million touchpoints in 64 kB of work_mem');

# Cancelled at once, wherever the time goes.
run_sql($node, q{
	CREATE TABLE wide (j journey);
	INSERT INTO wide SELECT journey_agg(timestamptz '2026-01-01Z' + i * interval '1 second', 'event ' || i, 'channel ' || i) FROM generate_series(1, 100000) i;
	CREATE TABLE long_funnels AS SELECT string_agg('"event ' || i || '"@"channel ' || i || '"', ' | ')::funnel AS many_channels,
		(SELECT string_agg('*', ' -> ')::funnel FROM generate_series(1, 64)) AS many_stages FROM generate_series(1, 1000) i;
});
my %slow = (
	'journey_agg' => q{SELECT touch_count(journey_agg('2026-01-01Z', 'a')) FROM generate_series(1, 16000000) i},
	'journey_agg, sorting' => q{SELECT touch_count(journey_agg(timestamptz '2026-01-01Z' + hashint4(i::int) * interval '1 us', 'a')) FROM generate_series(1, 16000000) i},
	'rollup(journey)' => q{SELECT touch_count(rollup(j)) FROM large, generate_series(1, 16)},
	'||' => q{SELECT touch_count(j || j || j || j || j || j || j || j || j || j || j || j || j || j || j || j) FROM large},
	'touchpoints' => q{SELECT count(*) FROM large, generate_series(1, 20) g, touchpoints(slice(j, '-infinity', now() + g * interval '1 year')) t},
	'sessions' => q{SELECT count(*) FROM large, generate_series(1, 50) g, sessions(j, g * interval '1 us') t},
	'session_stats' => q{SELECT count(session_stats(j, g * interval '1 us')) FROM large, generate_series(1, 1000) g},
	'text' => q{SELECT sum(length(j::text)) FROM large, generate_series(1, 20) g},
	'JSON' => q{SELECT count(j::jsonb) FROM large, generate_series(1, 20) g},
	'distinct_touchpoints' => q{SELECT count(distinct_touchpoints(slice(j, '-infinity', now() + g * interval '1 year'))) FROM large, generate_series(1, 100) g},
	'comparison' => q{SELECT count(*) FROM large, generate_series(1, 100) g WHERE (j || '{}') > (slice(j, '-infinity', now() + g * interval '1 year') || '{9999-01-01T00:00:00Z a}')},
	'funnel_step' => q{SELECT sum(funnel_step(j, '* -> * -> "event 1" -> nothing')) FROM large, generate_series(1, 1000) g},
	'funnel_step, many stages' => q{SELECT sum(funnel_step(j, many_stages)) FROM large, long_funnels, generate_series(1, 1000) g},
	'funnel_step, many channels' => q{SELECT sum(funnel_step(j, many_channels)) FROM wide, long_funnels, generate_series(1, 100) g},
	'funnel_step, many channels in one journey' => q{SELECT sum(funnel_step(distinct_touchpoints(j), many_channels_of_all))
		FROM (SELECT journey_agg(timestamptz '2026-01-01Z' + i * interval '1 us', 'a', 'c') AS j FROM generate_series(1, 300000) i) j, generate_series(1, 20) g,
		(SELECT (string_agg('*@"channel ' || i || '"', ' | ') || ' | *@c -> nothing excluding unheard')::funnel AS many_channels_of_all FROM generate_series(1, 1000) i) f},
	'funnel_step, one time' => q{SELECT sum(funnel_step(j, '* -> a -> a -> b -> *')) FROM (SELECT journey_agg('2026-01-01Z', 'a') AS j FROM generate_series(1, 500000)) x,
		generate_series(1, 10000) g},
	'funnel_agg' => q{SELECT funnel_agg(j, '* -> * -> "event 1" -> nothing') FROM large, generate_series(1, 1000) g});
foreach my $name (sort keys %slow)
{
	my $began = time;
	my ($status, $output, $errors) = $node->psql('postgres', "SET statement_timeout = '400ms'; $slow{$name}");
	my $took = time - $began;

	ok($status != 0 && $errors =~ /canceling statement due to statement timeout/, sprintf '%s can be cancelled', $name)
	  or diag(sprintf "%.1f s, %s %s", $took, $output, $errors);
	note(sprintf '%s: %.2f s', $name, $took);
}

# Sorting and comparing stored journeys, which are compressed, leaves nothing behind.
run_sql($node, q{
	CREATE TABLE medium AS SELECT i, journey_agg(timestamptz '2026-01-01Z' + n * interval '1 hour' + i / 100 * interval '1 s', 'event ' || n % 3) AS j
	FROM generate_series(1, 2000) i, generate_series(1, 1000) n GROUP BY i;
});
my $sorted_by = sub { run_sql($node, qq{
	SET work_mem = '32MB';
	BEGIN;
	DECLARE c CURSOR FOR SELECT i FROM medium ORDER BY $_[0];
	FETCH 1 FROM c;
	SELECT sum(total_bytes) / 1024 / 1024 FROM pg_backend_memory_contexts}) =~ /(\d+)(?:\.\d+)?\z/ ? $1 : -1 };
my $megabytes = $sorted_by->('j, i');
cmp_ok($megabytes, '<', 60, 'sorting journeys leaks no memory') or diag "$megabytes MB";

# Memory per group: small journeys, as many as customers.
run_sql($node, q{
	CREATE TABLE events AS
	SELECT i % 200000 AS customer, timestamptz '2026-01-01Z' + hashint4(i) * interval '1 ms' AS at,
		(ARRAY['view', 'search', 'cart', 'purchase'])[1 + i % 4] AS event FROM generate_series(1, 1000000) i;
	ANALYZE events});
my $plan = run_sql($node, q{SET work_mem = '1GB'; SET enable_sort = off;
	EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) SELECT customer, journey_agg(at, event) FROM events GROUP BY customer});
my ($kilobytes) = $plan =~ /Memory Usage: (\d+)kB/;
my $empty = run_sql($node, q{SET work_mem = '1GB'; SET enable_sort = off;
	EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) SELECT customer, max(event) FROM events GROUP BY customer}) =~ /Memory Usage: (\d+)kB/ ? $1 : 0;
my $size = run_sql($node, 'SELECT avg(pg_column_size(j))::int FROM (SELECT journey_agg(at, event) AS j FROM events GROUP BY customer) x');
my $per_group = ($kilobytes // 0) * 1024 / 200000;
note(sprintf 'journey_agg of 5 touchpoints: %d bytes a group, max(event) %d, the journey %d', $per_group, $empty * 1024 / 200000, $size);
cmp_ok($per_group, '<', 1000, 'memory of a small group');

# A million journeys in little memory: groups go to disk, and come back the same.
run_sql($node, q{
	CREATE TABLE million AS
	SELECT hashint4(i) % 1000000 AS customer, timestamptz '2026-01-01Z' + hashint4(i + 1) * interval '1 ms' AS at, (ARRAY['view', 'cart', 'buy'])[1 + i % 3] AS event
	FROM generate_series(1, 2000000) i;
	ANALYZE million});
my $built = q{SELECT count(*), sum(touch_count(j)), sum(cjm_internal.journey_hash(j)::numeric) FROM (SELECT journey_agg(at, event) AS j FROM million GROUP BY customer) x};
my $in_memory = run_sql($node, "SET work_mem = '2GB'; $built");
foreach my $way ('enable_sort', 'enable_hashagg')
{
	my $before = run_sql($node, 'SELECT temp_bytes FROM pg_stat_database WHERE datname = current_database()');

	is(run_sql($node, "SET work_mem = '64kB'; SET $way = off; $built"), $in_memory, "a million journeys in 64 kB of work_mem without $way");
	run_sql($node, 'SELECT pg_stat_force_next_flush()');
	cmp_ok(run_sql($node, 'SELECT temp_bytes FROM pg_stat_database WHERE datname = current_database()'), '>', $before, 'by way of the disk');
}

SKIP:
{
	skip 'CJM_SKIP_LARGE is set', 13 if $ENV{CJM_SKIP_LARGE};
	my $most = 2**24;
	my $began = time;

	run_sql($node, qq{
		CREATE TABLE largest (j journey);
		ALTER TABLE largest ALTER j SET STORAGE EXTERNAL;
		INSERT INTO largest SELECT journey_agg('2026-01-01T00:00:00Z', CASE WHEN i = 1 THEN 'first' ELSE 'event' END) FROM generate_series(1, $most) i;
	});
	is(run_sql($node, q{SELECT touch_count(j), first_touch(j), last_touch(j), octet_length(cjm_internal.journey_send(j)), funnel_step(j, 'first -> event -> event'), has_event(j, 'first') FROM largest}),
		qq{$most|("2026-01-01 00:00:00+00",event,,,)|("2026-01-01 00:00:00+00",first,,,)|} . ($most + 29) . '|3|t', 'a journey of 2^24 touchpoints');
	run_sql($node, qq{COPY largest TO '$dir/largest' (FORMAT binary)});
	is(run_sql($node, qq{CREATE TEMP TABLE back (LIKE largest); COPY back FROM '$dir/largest' (FORMAT binary); SELECT back.j = largest.j FROM back, largest}), 't',
		'sent and received');
	unlink "$dir/largest";
	is(run_sql($node, q{SELECT count(*), count(*) FILTER (WHERE event = 'first') FROM touchpoints((SELECT j FROM largest))}), "$most|1", 'every one of them is read');
	is(run_sql($node, q{SELECT touch_count(distinct_touchpoints(j)), touch_count(slice(j, '-infinity', 'infinity')), (SELECT touch_count(rollup(j)) FROM largest) FROM largest}),
		"2|$most|$most", 'made anew');
	my $error = qr/journey of (?:more than 16777216|16777217) touchpoints is too long/;
	run_sql_fails($node, qq{SELECT journey_agg('2026-01-01Z', 'event') FROM generate_series(1, $most + 1)}, '54000', $error, 'one more in journey_agg');
	run_sql_fails($node, q{SELECT j || '{2026-01-01T00:00:00Z a}' FROM largest}, '54000', $error, 'one more by ||');
	run_sql_fails($node, q{SELECT '{2026-01-01T00:00:00Z a}' || j FROM largest}, '54000', $error, 'one more by ||, the other way');
	run_sql_fails($node, q{SELECT rollup(v) FROM largest, LATERAL (VALUES (j), ('{2026-01-01T00:00:00Z a}')) x (v)}, '54000', $error, 'one more in rollup');
	run_sql_fails($node, qq{
		SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;
		CREATE TABLE halves AS SELECT slice(j, '-infinity', 'infinity') AS j FROM largest, generate_series(1, 1);
		INSERT INTO halves VALUES ('{2026-01-01T00:00:00Z a}'); ALTER TABLE halves SET (parallel_workers = 2); ANALYZE halves;
		SELECT rollup(j) FROM halves}, '54000', $error, 'one more in a parallel rollup');
	is(run_sql($node, 'SELECT 1'), 1, 'and all is well');
	note(sprintf 'the largest journey: %.1f s', time - $began);
}

server_is_well($node);
done_testing();
