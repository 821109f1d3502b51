# Parallel plans, hash aggregation that spills, and sorted aggregation give the
# bytes of the serial plan.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use Test::More;

my $node = start_server('parallel', 'max_parallel_workers = 4', 'max_worker_processes = 8');

# Few of a customer's rows lie on one page, so that every worker sees a part of nearly every group.
# The planner is told of few groups, as it otherwise aggregates many of them in the leader alone.
run_sql($node, q{
	CREATE TABLE events (customer int, at timestamptz, event text, stage lifecycle, channel text, value float8);
	INSERT INTO events
	SELECT customer, timestamptz '2026-01-01Z' + (hashint4(i) & 1048575) * interval '7.25 seconds',
		(ARRAY['view', 'view', 'search', 'add to cart', 'оплата', '🛒', NULL])[1 + (hashint4(i + 1) & 1023) % 7],
		(ARRAY['awareness', 'consideration', 'purchase', 'retention', 'advocacy']::lifecycle[])[1 + (hashint4(i + 2) & 1023) % 5],
		(ARRAY['email', 'paid search', NULL])[1 + (hashint4(i + 3) & 1023) % 3],
		CASE WHEN hashint4(i + 4) & 3 = 0 THEN (hashint4(i + 5) & 65535) / 7.0 END
	FROM generate_series(1, 24000) i, LATERAL (SELECT (hashint4(i + 6) & 2147483647) % 8000 AS customer) c;
	ALTER TABLE events ALTER customer SET (n_distinct = 50);

	CREATE TABLE journeys AS
	SELECT customer, customer % 7 AS segment, date_trunc('week', at) AS week, journey_agg(at, event, channel, value) AS journey
	FROM events GROUP BY customer, date_trunc('week', at);
	ALTER TABLE journeys ALTER customer SET (n_distinct = 50);

	CREATE TABLE stats AS
	SELECT segment, customer % 500 AS shard, funnel_agg(journey, 'view -> "add to cart" | 🛒 -> оплата within 14 days') AS stats
	FROM journeys GROUP BY segment, customer % 500;

	CREATE TABLE nothing (LIKE journeys);
	CREATE TABLE no_events (LIKE events);
	INSERT INTO no_events SELECT customer, NULL, event, stage, channel, value FROM events LIMIT 5000;
	INSERT INTO no_events SELECT customer, at, NULL, NULL, channel, value FROM events LIMIT 5000;
	ANALYZE;
});

my $serial = 'SET max_parallel_workers_per_gather = 0';
my $parallel = q{
	SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
	SET max_parallel_workers_per_gather = 4};
my $forced = run_sql($node, q{SELECT name FROM pg_settings WHERE name IN ('debug_parallel_query', 'force_parallel_mode')});

# Everything that a query returns, as bytes, in one digest; and the number of its rows.
sub digest
{
	my ($settings, $query) = @_;

	return run_sql($node, "$settings; SELECT count(*), md5(string_agg(r::text, E'\\n' ORDER BY r::text)) FROM ($query) r");
}

my %aggregates = (
	'journey_agg, many groups' =>
	  'SELECT customer, cjm_internal.journey_send(journey_agg(at, event, channel, value)) FROM events GROUP BY customer',
	'journey_agg of events alone' =>
	  'SELECT customer, cjm_internal.journey_send(journey_agg(at, event)) FROM events GROUP BY customer',
	'journey_agg with channels' =>
	  'SELECT customer, cjm_internal.journey_send(journey_agg(at, event, channel)) FROM events GROUP BY customer',
	'journey_agg of an enum' =>
	  'SELECT customer, cjm_internal.journey_send(journey_agg(at, stage, channel, value)) FROM events GROUP BY customer',
	'journey_agg, one group' =>
	  'SELECT cjm_internal.journey_send(journey_agg(at, event, channel, value)) AS journey FROM events',
	'rollup(journey)' =>
	  'SELECT customer, cjm_internal.journey_send(rollup(journey)) FROM journeys GROUP BY customer',
	'rollup(journey), one group' =>
	  'SELECT cjm_internal.journey_send(rollup(journey)) AS journey FROM journeys',
	'median' =>
	  'SELECT customer % 100 AS g, float8send(median(value)), float8send(median(-value)) FROM events GROUP BY customer % 100',
	'median, one group' =>
	  'SELECT float8send(median(value)) AS median FROM events',
	'funnel_agg' =>
	  q{SELECT segment, cjm_internal.funnel_stats_send(funnel_agg(journey, 'view -> "add to cart" -> оплата within 3 days'))
		FROM journeys GROUP BY segment},
	'funnel_agg with an entry range' =>
	  q{SELECT segment, cjm_internal.funnel_stats_send(funnel_agg(journey, 'view -> оплата', '[2026-01-10Z,2026-02-10Z)'))
		FROM journeys GROUP BY segment},
	'funnel_agg, one group' =>
	  q{SELECT funnel_agg(journey, '* -> *@email -> 🛒 within 30 days')::text AS stats FROM journeys},
	'rollup(funnel_stats)' =>
	  'SELECT segment, cjm_internal.funnel_stats_send(rollup(stats)) FROM stats GROUP BY segment',
	'rollup(funnel_stats), one group' =>
	  'SELECT rollup(stats)::text AS stats FROM stats',
	'map_first_touches, map_last_touches' =>
	  q{SELECT customer, cjm_internal.map_first_touches(date_trunc('day', at), event, channel, nullif(value, 0)::text), cjm_internal.map_last_touches(date_trunc('week', at), event, channel)
		FROM events GROUP BY customer},
	'map_first_touches, one group' =>
	  q{SELECT cjm_internal.map_first_touches(date_trunc('year', at), repeat(event, 300), channel || value) AS touches FROM events},
	'kept_deciders_agg' =>
	  q{SELECT customer, cjm_internal.kept_deciders_agg(date_trunc('day', at), ARRAY[event, channel])::text FROM events GROUP BY customer},
	'no rows: map_last_touches' => q{SELECT cjm_internal.map_last_touches(at, event, channel) FROM events WHERE customer + 0 < 0},
	'no rows: journey_agg' => q{SELECT journey_agg(at, event) FROM events WHERE customer + 0 < 0},
	'no rows: median' => q{SELECT median(value) FROM events WHERE customer + 0 < 0},
	'no rows: rollup(journey)' => q{SELECT rollup(journey) FROM journeys WHERE customer + 0 < 0},
	'no rows: funnel_agg' => q{SELECT funnel_agg(journey, 'view') FROM journeys WHERE customer + 0 < 0},
	'no rows: rollup(funnel_stats)' => q{SELECT rollup(stats) FROM stats WHERE segment + 0 < 0},
	'rows that are no touchpoints' =>
	  'SELECT count(*), cjm_internal.journey_send(journey_agg(at, event, channel, value)) FROM no_events',
	'workers without a touchpoint' =>
	  'SELECT cjm_internal.journey_send(journey_agg(at, event, channel, value) FILTER (WHERE customer = 4711)) FROM events',
	'groups that one worker alone has' =>
	  'SELECT customer, cjm_internal.journey_send(journey_agg(at, event) FILTER (WHERE customer % 3 = 0)) FROM events GROUP BY customer',
);

foreach my $name (sort keys %aggregates)
{
	my $query = $aggregates{$name};

	like(plan_of($node, $parallel, $query), qr/Finalize (?:Hash|Group|)\s*Aggregate.*Partial (?:Hash|Group|)\s*Aggregate/s,
		"$name: partial aggregation")
	  or diag(plan_of($node, $parallel, $query));
	is(digest($parallel, $query), digest($serial, $query), "$name: same bytes");
}
is(digest($parallel, $aggregates{$_}), run_sql($node, q{SELECT 1, md5('()')}), "$_: NULL")
  foreach (grep { /^no rows/ } sort keys %aggregates);

# A worker's state really comes from another process.
like(plan_of($node, "$parallel; SET parallel_leader_participation = off", $aggregates{'journey_agg, one group'}, 'ANALYZE, TIMING OFF, SUMMARY OFF'),
	qr/Workers Launched: [1-9]/, 'workers are launched');
is(digest("$parallel; SET parallel_leader_participation = off", $aggregates{$_}), digest($serial, $aggregates{$_}),
	"$_: same bytes from workers alone")
  foreach ('journey_agg, many groups', 'rollup(journey)', 'funnel_agg', 'rollup(funnel_stats)');

# Functions in parallel scans, and anything at all in a worker.
my %scans = (
	'funnel_step' => q{SELECT customer, week, funnel_step(journey, 'view -> "add to cart" -> оплата') FROM journeys},
	'funnel_times' => q{SELECT customer, week, funnel_times(journey, 'view -> оплата', '[2026-01-10Z,)') FROM journeys},
	'filter by funnel_step' => q{SELECT customer, journey FROM journeys WHERE funnel_step(journey, 'view -> 🛒') = 2},
	'accessors' => q{SELECT customer, touch_count(journey), first_touch(journey), last_touch(journey), duration(journey),
		slice(journey, '2026-01-05Z', '2026-01-20Z'), has_event(journey, 'оплата'), distinct_touchpoints(journey || journey),
		journey::jsonb FROM journeys},
	'sets' => q{SELECT customer, t.*, s.* FROM journeys, touchpoints(journey) t, sessions(journey, '1 day') s},
	'reports' => q{SELECT segment, shard, r.* FROM stats, report(stats) r},
	'enums' => q{SELECT stage_number(stage), next_stage(stage), previous_stage(stage), funnel_from_stages(stage), customer FROM events});

foreach my $name (sort keys %scans)
{
	my $query = $scans{$name};

	like(plan_of($node, $parallel, $query), qr/Gather.*Parallel Seq Scan/s, "$name: parallel scan");
	is(digest($parallel, $query), digest($serial, $query), "$name: same rows");
}
foreach my $mode ('on', 'regress')
{
	my $settings = "$serial; SET $forced = $mode; SET max_parallel_workers_per_gather = 2";
	my @names = ('journey_agg, many groups', 'funnel_agg', 'rollup(funnel_stats)');

	is(digest($settings, $aggregates{$_}), digest($serial, $aggregates{$_}), "$forced = $mode: $_") foreach @names;
	is(digest($settings, $scans{$_}), digest($serial, $scans{$_}), "$forced = $mode: $_") foreach ('sets', 'reports', 'enums');
}
like(plan_of($node, "SET $forced = on", 'SELECT report(stats) FROM stats'), qr/Gather.*Single Copy: true/s,
	"$forced = on: the whole plan is a worker's");

# Little memory: a hash aggregation that spills, and sorted groups.
my $tight = "$serial; SET work_mem = '64kB'; SET hash_mem_multiplier = 1";
my $hashed = "$tight; SET enable_sort = off";
my $sorted = "$tight; SET enable_hashagg = off";

foreach my $name ('journey_agg, many groups', 'journey_agg of an enum', 'rollup(journey)')
{
	my $query = $aggregates{$name};

	like(plan_of($node, $hashed, $query, 'ANALYZE, TIMING OFF, SUMMARY OFF'), qr/^HashAggregate.*Batches: (?!1 )\d+ .*Disk Usage: \d+kB/s,
		"$name: spills");
	is(digest($hashed, $query), digest($serial, $query), "$name: same bytes after spilling");
	like(plan_of($node, $sorted, $query), qr/^GroupAggregate.*Sort/s, "$name: sorted");
	is(digest($sorted, $query), digest($serial, $query), "$name: same bytes from sorted groups");
	is(digest("$parallel; SET work_mem = '64kB'; SET hash_mem_multiplier = 1; SET enable_sort = off", $query),
		digest($serial, $query), "$name: same bytes after spilling in workers");
}
my $by_shard = q{SELECT customer, cjm_internal.funnel_stats_send(funnel_agg(journey, 'view -> 🛒 -> оплата')) FROM journeys GROUP BY customer};
like(plan_of($node, $hashed, $by_shard, 'ANALYZE, TIMING OFF, SUMMARY OFF'), qr/^HashAggregate.*Batches: (?!1 )\d+ .*Disk Usage: \d+kB/s,
	'funnel_agg: spills');
is(digest($hashed, $by_shard), digest($sorted, $by_shard), 'funnel_agg: same bytes after spilling and from sorted groups');

# Several groupings at once, in one pass each over sorted and hashed groups, and as window aggregates.
my $sets = q{SELECT customer % 11 AS a, customer % 3 AS b, cjm_internal.journey_send(journey_agg(at, event, channel, value)) FROM events
	GROUP BY GROUPING SETS ((customer % 11, customer % 3), (customer % 11), ())};
is(digest("$serial; SET enable_hashagg = off", $sets), digest("$serial; SET enable_sort = off", $sets), 'grouping sets');
my $stats_sets = q{SELECT segment, shard % 5 AS part, rollup(stats)::text FROM stats
	GROUP BY GROUPING SETS ((segment, shard % 5), (segment), ())};
is(digest("$serial; SET enable_hashagg = off", $stats_sets), digest("$serial; SET enable_sort = off", $stats_sets),
	'grouping sets of statistics');
is(run_sql($node, q{
	SELECT bool_and(cjm_internal.journey_send(running) = cjm_internal.journey_send(again)) AND count(*) > 60 FROM (
		SELECT rollup(journey) OVER w AS running,
			(SELECT rollup(i.journey) FROM journeys i WHERE i.customer = o.customer AND i.week <= o.week) AS again
		FROM journeys o WHERE customer < 40 WINDOW w AS (PARTITION BY customer ORDER BY week)) r}), 't',
	'rollup(journey) as a window aggregate');
is(run_sql($node, q{
	WITH few AS (SELECT row_number() OVER (ORDER BY customer, week) AS n, journey FROM journeys WHERE customer < 90)
	SELECT bool_and(touch_count(running) = touches AND running = again) AND count(*) > 200 AND max(pg_column_size(running)) > 2000 FROM (
		SELECT rollup(journey) OVER (ORDER BY n) AS running, sum(touch_count(journey)) OVER (ORDER BY n) AS touches,
			(SELECT journey_agg(at, event, channel, value) FROM few i, touchpoints(i.journey) WHERE i.n <= o.n) AS again
		FROM few o) r}), 't',
	'rollup(journey) as a window aggregate whose state grows large');
is(run_sql($node, q{
	SELECT bool_and(running::text = again::text) AND count(*) > 400 FROM (
		SELECT rollup(stats) OVER w AS running,
			(SELECT rollup(i.stats) FROM stats i WHERE i.segment = o.segment AND i.shard <= o.shard) AS again
		FROM stats o WHERE shard < 60 WINDOW w AS (PARTITION BY segment ORDER BY shard)) r}), 't',
	'rollup(funnel_stats) as a window aggregate');
is(run_sql($node, q{
	SELECT bool_and(cjm_internal.journey_send(running) = cjm_internal.journey_send(again)) AND count(*) > 60 FROM (
		SELECT journey_agg(at, event, channel, value) OVER w AS running,
			(SELECT journey_agg(i.at, i.event, i.channel, i.value) FROM events i WHERE i.customer = o.customer AND i.at <= o.at) AS again
		FROM events o WHERE customer < 40 WINDOW w AS (PARTITION BY customer ORDER BY at)) r
	WHERE running IS NOT NULL}), 't',
	'journey_agg as a window aggregate');

server_is_well($node);
done_testing();
