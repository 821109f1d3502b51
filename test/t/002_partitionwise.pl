# Partition-wise aggregation, whole over hash partitions and partial over
# partitions by time, gives the bytes of one pass over all rows.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use Test::More;

my $node = start_server('partitionwise');

run_sql($node, q{
	CREATE TABLE events (customer int, at timestamptz, event text, channel text, value float8);
	INSERT INTO events
	SELECT (hashint4(i) & 2147483647) % 3000, timestamptz '2026-01-01Z' + (hashint4(i + 1) & 524287) * interval '15 seconds',
		(ARRAY['view', 'search', 'cart', 'оплата'])[1 + (hashint4(i + 2) & 3)],
		(ARRAY['email', 'ads', NULL])[1 + (hashint4(i + 3) & 1023) % 3],
		CASE WHEN hashint4(i + 4) & 3 = 0 THEN i / 7.0 END
	FROM generate_series(1, 20000) i;

	CREATE TABLE by_customer (LIKE events) PARTITION BY HASH (customer);
	CREATE TABLE by_customer_0 PARTITION OF by_customer FOR VALUES WITH (MODULUS 4, REMAINDER 0);
	CREATE TABLE by_customer_1 PARTITION OF by_customer FOR VALUES WITH (MODULUS 4, REMAINDER 1);
	CREATE TABLE by_customer_2 PARTITION OF by_customer FOR VALUES WITH (MODULUS 4, REMAINDER 2);
	CREATE TABLE by_customer_3 PARTITION OF by_customer FOR VALUES WITH (MODULUS 4, REMAINDER 3);
	INSERT INTO by_customer SELECT * FROM events;

	CREATE TABLE by_time (LIKE events) PARTITION BY RANGE (at);
	CREATE TABLE by_time_1 PARTITION OF by_time FOR VALUES FROM (MINVALUE) TO ('2026-02-01Z');
	CREATE TABLE by_time_2 PARTITION OF by_time FOR VALUES FROM ('2026-02-01Z') TO ('2026-03-01Z');
	CREATE TABLE by_time_3 PARTITION OF by_time FOR VALUES FROM ('2026-03-01Z') TO (MAXVALUE);
	INSERT INTO by_time SELECT * FROM events;

	CREATE TABLE journeys (customer int, week int, journey journey);
	INSERT INTO journeys SELECT customer, extract(week FROM at), journey_agg(at, event, channel, value) FROM events GROUP BY 1, 2;
	CREATE TABLE journeys_by_customer (LIKE journeys) PARTITION BY HASH (customer);
	CREATE TABLE journeys_by_customer_0 PARTITION OF journeys_by_customer FOR VALUES WITH (MODULUS 2, REMAINDER 0);
	CREATE TABLE journeys_by_customer_1 PARTITION OF journeys_by_customer FOR VALUES WITH (MODULUS 2, REMAINDER 1);
	INSERT INTO journeys_by_customer SELECT * FROM journeys;
	CREATE TABLE journeys_by_week (LIKE journeys) PARTITION BY RANGE (week);
	CREATE TABLE journeys_by_week_1 PARTITION OF journeys_by_week FOR VALUES FROM (1) TO (6);
	CREATE TABLE journeys_by_week_2 PARTITION OF journeys_by_week FOR VALUES FROM (6) TO (54);
	INSERT INTO journeys_by_week SELECT * FROM journeys;

	CREATE TABLE stats (segment int, stats funnel_stats);
	INSERT INTO stats SELECT customer % 100, funnel_agg(journey, 'view -> cart -> оплата within 20 days')
	FROM (SELECT customer, rollup(journey) AS journey FROM journeys GROUP BY customer) c GROUP BY 1;
	CREATE TABLE stats_by_segment (LIKE stats) PARTITION BY HASH (segment);
	CREATE TABLE stats_by_segment_0 PARTITION OF stats_by_segment FOR VALUES WITH (MODULUS 2, REMAINDER 0);
	CREATE TABLE stats_by_segment_1 PARTITION OF stats_by_segment FOR VALUES WITH (MODULUS 2, REMAINDER 1);
	INSERT INTO stats_by_segment SELECT * FROM stats;

	-- Few groups in the eyes of the planner, so that partial aggregation pays.
	DO $$
	DECLARE
		name text;
	BEGIN
		FOREACH name IN ARRAY ARRAY['by_time', 'journeys_by_week'] LOOP
			EXECUTE format('ALTER TABLE %I ALTER customer SET (n_distinct_inherited = 20)', name);
			EXECUTE (SELECT string_agg(format('ALTER TABLE %s ALTER customer SET (n_distinct = 20)', inhrelid::regclass), '; ')
				FROM pg_inherits WHERE inhparent = name::regclass);
		END LOOP;
	END $$;
	ANALYZE;
});

my $together = 'SET max_parallel_workers_per_gather = 0; SET enable_partitionwise_aggregate = off';
my $apart = 'SET max_parallel_workers_per_gather = 0; SET enable_partitionwise_aggregate = on';

sub digest
{
	my ($settings, $query) = @_;

	return run_sql($node, "$settings; SELECT count(*), md5(string_agg(r::text, E'\\n' ORDER BY r::text)) FROM ($query) r");
}

# Each: the query with %s for the table, the table in one piece, the partitioned one, the shape of the plan.
my $aggregate = qr/(?:Hash|Group|)Aggregate/;
my $whole = qr/^Append\n(?:.*$aggregate.*\n.*Scan on \w+_\d(?: \w+)?\n?){2,4}\z/;
my $partial = qr/^Finalize $aggregate.*Append\n(?:.*Partial $aggregate.*){2,}/s;
my @cases = (
	[ 'journey_agg by hash partition', 'SELECT customer, cjm_internal.journey_send(journey_agg(at, event, channel, value)) FROM %s GROUP BY customer',
		'events', 'by_customer', $whole ],
	[ 'journey_agg by time', 'SELECT customer, cjm_internal.journey_send(journey_agg(at, event, channel, value)) FROM %s GROUP BY customer',
		'events', 'by_time', $partial ],
	[ 'journey_agg of all', 'SELECT cjm_internal.journey_send(journey_agg(at, event, channel, value)) FROM %s',
		'events', 'by_time', $partial ],
	[ 'rollup(journey) by hash partition', 'SELECT customer, cjm_internal.journey_send(rollup(journey)) FROM %s GROUP BY customer',
		'journeys', 'journeys_by_customer', $whole ],
	[ 'rollup(journey) by week', 'SELECT customer, cjm_internal.journey_send(rollup(journey)) FROM %s GROUP BY customer',
		'journeys', 'journeys_by_week', $partial ],
	[ 'funnel_agg of all', q{SELECT cjm_internal.funnel_stats_send(funnel_agg(journey, 'view -> cart -> оплата')) FROM %s},
		'journeys', 'journeys_by_customer', $partial ],
	[ 'funnel_agg by week', q{SELECT customer, funnel_agg(journey, 'view -> cart -> оплата', '[2026-01-15Z,)')::text FROM %s GROUP BY customer},
		'journeys', 'journeys_by_week', $partial ],
	[ 'rollup(funnel_stats) by hash partition', 'SELECT segment, cjm_internal.funnel_stats_send(rollup(stats)) FROM %s GROUP BY segment',
		'stats', 'stats_by_segment', $whole ],
	[ 'rollup(funnel_stats) of all', 'SELECT rollup(stats)::text FROM %s',
		'stats', 'stats_by_segment', $partial ]);

my $steps = q{event = 'view', event = 'cart', event = 'оплата'};
foreach my $call (
	"window_funnel('20 days', at, $steps)",
	"window_funnel('20 days', 'strict_order,strict_once', at, $steps)",
	"sequence_match('(?1).*(?2)(?t<=5 days)(?3)', at, $steps)",
	"sequence_count('(?1).*(?2)', at, $steps)",
	"sequence_match_events('(?1).*(?2)', at, $steps)",
	"sequence_next_node('forward', 'first_match', at, event, channel = 'email', $steps)",
	"sequence_next_node('backward', 'tail', at, event, true)",
	"retention(at < '2026-01-20Z', $steps)",
	'first_touch(at, event)',
	'last_touch(at, value)',
	'median(value)')
{
	my ($name) = $call =~ /^(\w+)/;

	push @cases, [ "$name by hash partition", "SELECT customer, $call FROM %s GROUP BY customer", 'events', 'by_customer', $whole ],
		[ "$name by time", "SELECT customer, $call FROM %s GROUP BY customer", 'events', 'by_time', $partial ];
}

foreach my $case (@cases)
{
	my ($name, $query, $single, $partitioned, $shape) = @$case;
	my $plan = plan_of($node, $apart, sprintf($query, $partitioned)) =~ s/^ *(?:->  |Group Key: .*\n)//gmr;

	like($plan, $shape, "$name: plan");
	is(digest($apart, sprintf($query, $partitioned)), digest($together, sprintf($query, $single)), "$name: same bytes");
}

# What is rolled up of customers that are whole in their partition is the answer for all.
is(digest($apart, q{SELECT rollup(stats)::text FROM stats_by_segment}),
	digest($together, q{
		SELECT funnel_agg(journey, 'view -> cart -> оплата within 20 days')::text
		FROM (SELECT journey_agg(at, event, channel, value) AS journey FROM events GROUP BY customer) c}),
	'rollup(funnel_stats) over partitions equals funnel_agg over customers');

server_is_well($node);
done_testing();
