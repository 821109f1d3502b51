# Set-returning functions keep nothing from call to call: a query that calls one
# for each of many customers takes as much memory at its end as after a few calls.
# Every such function of the extension is called here; one that is not makes the
# test fail.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use Test::More;

# What one call may leave behind, in bytes.  Memory comes in pieces of at least 16 and is counted to the byte, so that a
# call that leaves anything leaves more; this is for caches that are still filling.
use constant LEFT_BY_A_CALL => 8;

# What all calls may leave behind together, in bytes: 100 bytes each of the fewest calls are half as much again.
use constant LEFT_BY_ALL => 8 * 1024;

# How many more calls the second of two queries makes: enough that 16 bytes of each are twice what may be left, and fewer where one runs queries of its own.
use constant {
	QUICK => 50_000,
	BUSY => 2_000,
	REPORT => 120
};

my $node = start_server('memory');

# Two rows of arguments, of which each call has the other one: what is kept for a call site has to change there.
run_sql($node, q{
	CREATE TABLE events (customer integer, at timestamptz, event text, channel text, value float8, country text);
	INSERT INTO events VALUES
		(1, '2026-01-01 10:00Z', 'view', 'ads', NULL, 'LV'), (1, '2026-01-01 10:05Z', 'cart', NULL, NULL, 'LV'),
		(1, '2026-01-03 11:00Z', 'view', 'mail', NULL, 'LV'), (1, '2026-01-04 12:00Z', 'pay', 'mail', 20, 'LV'),
		(1, '2026-01-04 12:01Z', 'nps', NULL, 9, 'LV'), (1, '2026-02-04 12:00Z', 'pay', 'mail', 5, 'LV'),
		(2, '2026-01-02 10:00Z', 'view', 'search', NULL, 'EE'), (2, '2026-01-02 12:00Z', 'view', 'ads', NULL, 'EE'),
		(2, '2026-01-05 10:00Z', 'cart', 'ads', NULL, 'EE'), (3, '2026-01-07 10:00Z', 'view', NULL, NULL, 'EE');
	CREATE TABLE spend AS SELECT date '2026-01-01' AS day, 'ads' AS channel, 100 AS impressions, 10 AS clicks, 2.5 AS cost;
	SELECT create_map('map' || k, 'events', 'customer', 'at', 'event', stages, 'channel', 'value', 'country', spend => 'spend', nps => 'nps', comment => 'country')
	FROM (VALUES (0, funnel 'view -> cart -> pay within 30 days'), (1, 'look: view -> pay')) m(k, stages);
	SELECT keep_journeys('map' || k), refresh_journeys('map' || k) FROM generate_series(0, 1) k;
	SELECT create_audience('map' || k, 'all', at_stage => '1', holdout => 0.5) FROM generate_series(0, 1) k;
	SELECT refresh_audiences('map' || k) FROM generate_series(0, 1) k;
	CREATE TABLE arguments AS
	SELECT k, journey, funnel, cjm.funnel_agg(journey, funnel) AS stats, 'map' || k AS map, ('map' || k || '.map')::regclass::oid AS map_view,
		(ARRAY['event', 'channel'])[1 + k] AS by, (ARRAY['month', 'week'])[1 + k] AS bucket, (ARRAY['Europe/Riga', 'UTC'])[1 + k] AS zone,
		cjm_internal.cohort_agg(journey, '-infinity', 'infinity', (ARRAY['month', 'week'])[1 + k], (ARRAY['Europe/Riga', 'UTC'])[1 + k], 'sunday', '{0,1,3}', 'in', NULL, true, NULL, 1, 'pay', NULL) AS cohorts,
		cjm_internal.session_sums_agg(journey, '-infinity', 'infinity', (ARRAY['month', 'week'])[1 + k], (ARRAY['Europe/Riga', 'UTC'])[1 + k], '30 minutes', NULL) AS sums,
		cjm_internal.step_values_agg(journey, funnel, '(,)', k = 1) AS step_sums,
		cjm_internal.values_apart(k) AS numbers,
		cjm_internal.lifecycle_agg(journey, (ARRAY['month', 'week'])[1 + k], (ARRAY['Europe/Riga', 'UTC'])[1 + k], NULL, '*') AS moves,
		'60 min'::interval * (1 + k) AS gap, (ARRAY['linear', 'time_decay'])[1 + k] AS model, (ARRAY['channel', 'visitor'])[1 + k] AS session_by, 30 + k AS width
	FROM (VALUES (0, 1, funnel 'view -> cart -> pay within 30 days'), (1, 2, 'look: view | nps -> cart')) a(k, of, funnel)
		JOIN LATERAL (SELECT journey_agg(at, event, channel, value) AS journey FROM events WHERE customer = of) j ON true
	GROUP BY k, journey, funnel;
	CREATE VIEW set_returning AS
	SELECT p.oid, p.oid::regprocedure::text AS name, p.pronargs FROM pg_depend d JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
	WHERE d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'cjm')
		AND p.proretset
		-- What released versions had calls what is called here, or is the same function in C.
		AND p.proname !~ '_\\d+_\\d+_\\d+$';
});

# Calls, with a for a row of arguments.
my @calls = (
	(map { [ QUICK, $_ ] } (
		'attribute(a.journey, a.funnel, a.model)', 'entry_buckets(a.journey, a.funnel, a.bucket, a.zone)', 'cjm_internal.map_entry_buckets(a.journey, a.funnel, a.bucket, a.zone)', 'funnel_exposures(a.journey, a.funnel)',
		'funnel_stages(a.funnel)', 'purchases(a.journey, a.funnel)',
		q{purchases(a.journey, a.funnel, '-infinity', 'infinity', CASE a.k WHEN 0 THEN funnel 'cart' ELSE 'nps' END)}, 'session_events(a.journey, a.gap)',
		'session_groups(a.journey, a.gap, a.session_by, a.bucket, a.zone)', 'sessions(a.journey, a.gap)', 'session_journeys(a.journey, a.gap)', q{sessions(a.journey, a.gap, 'channel | day', a.zone)}, q{transitions(a.journey, a.by, rule => 'day', time_zone => a.zone)}, 'stage_touches(a.journey, a.funnel, a.by)',
		'touchpoints(a.journey)', 'walks(a.journey, a.funnel)', 'transitions(a.journey, a.by)', 'paths(a.journey, a.by, length => 2)', 'report(a.stats)', 'compare(a.stats, a.stats)', q{compare(a.stats, a.stats, '(,)'::tstzrange, '(,)'::tstzrange)},
		q{compare_periods(('(,)', a.stats)::funnel_period, ('(,)', a.stats)::funnel_period)}, 'time_histogram(a.stats, 2)',
		q{cjm_internal.cohort_cells(a.cohorts, cjm_internal.cohort_last(a.cohorts), '2026-03-01Z', a.bucket, a.zone, 'sunday', '{0,1,3}', 'in')},
		q{cjm_internal.lifecycle_periods(a.moves, cjm_internal.cohort_first(a.moves), cjm_internal.cohort_last(a.moves), '2026-03-01Z', a.bucket, a.zone, NULL)},
		'cjm_internal.period_sums(a.sums, a.bucket, a.zone, 9)', 'cjm_internal.step_values(a.step_sums)', 'cjm_internal.values_counted(a.numbers)', 'cjm_internal.map_definition(a.map_view)')),
	(map { [ BUSY, $_ ] } (
		'cjm_internal.map_comments()', q{cjm_internal.svg_distinct_lines(ARRAY['a label', 'a longer label'], a.width / 10.0, 1)}, 'cjm_internal.map_journey_comments()', 'cjm_internal.map_attribution_comments()',
		'cjm_internal.map_economics_comments()', 'cjm_internal.map_definition_comments()', 'cjm_internal.map_feedback_comments()', 'cjm_internal.map_metrics_comments()', 'cjm_internal.map_metrics()', 'cjm_internal.kept_comments()', 'cjm_internal.audience_comments()', 'cjm_internal.steering_comments()',
		'cjm_internal.map_dimension_list((SELECT d FROM cjm_internal.map_definition(a.map_view) d))',
		'cjm_internal.map_listed_events((SELECT d FROM cjm_internal.map_definition(a.map_view) d))', 'cjm_internal.map_credited((SELECT d FROM cjm_internal.map_definition(a.map_view) d))',
		'cjm_internal.map_distributed_findings((SELECT d FROM cjm_internal.map_definition(a.map_view) d))',
		q{cjm_internal.kept_tables(CASE a.k WHEN 0 THEN 'events' ELSE 'spend' END::regclass)}, q{cjm_internal.svg_distinct_lines(ARRAY[a.by, a.bucket, a.zone], 4, 2)})),
	(map { [ REPORT, $_ ] } (
		'cjm_internal.map_views((SELECT d FROM cjm_internal.map_definition(a.map_view) d))',
		'cjm_internal.funnel_chart_lines(cjm_internal.funnel_drawn_steps(a.stats), a.width)', 'funnel_chart(a.stats, a.width)', 'funnel_chart(a.map, width => a.width)', q{cjm_internal.funnel_drawn_groups((SELECT d FROM cjm_internal.map_definition(a.map_view) d), 'first_channel', NULL, NULL)},
		q{cjm_internal.map_group_drawings((SELECT d FROM cjm_internal.map_definition(a.map_view) d), 'first_channel', ARRAY[(a.by, cjm_internal.funnel_drawn_steps(a.stats))::cjm_internal.funnel_drawn_group], '{customers,kpi}', '{"targets": [], "notes": []}', 5, cjm_internal.draw_look(), NULL, NULL)},
		q{cjm_internal.page_sections(cjm_internal.draw_words('en'), '', '{}', '{"funnel": [], "compared": [], "groups": []}')},
		'funnel_report(a.map, bucket => a.bucket)', q{funnel_report(a.map, count => 'walks')}, q{funnel_report(a.map, value => true)}, 'funnel_by_dimension_report(a.map)', 'drop_off_report(a.map)', 'session_report(a.map)', 'retention_report(a.map, a.bucket)',
		'lifecycle_report(a.map, a.bucket)', 'purchase_report(a.map)', 'win_back_report(a.map, away => a.gap)', 'feedback_report(a.map)', 'feedback_words(a.map)', q{metric_report(a.map, 'visits')}, q{compare_report(a.map, 'visits')}, 'alerts(a.map)', 'cjm_internal.steering_alerts(a.map, NULL, 8, NULL)', 'check_alerts(a.map)', q{change_report(a.map, '2026-01-01Z', metric => 'visits')}, q{cjm_internal.steering_compare(a.map, 'visits', 'week', '-infinity', 'infinity', NULL, NULL, 8, NULL)}, q{cjm_internal.steering_change(a.map, '2026-01-01Z', '28 days', 'visits', NULL, NULL, NULL)}, q{cjm_internal.map_metric_report(a.map, 'visits', 'week', '-infinity', 'infinity', NULL, NULL)}, 'bounce_report(a.map)', 'touchpoint_report(a.map, a.by)', 'stage_report(a.map)',
		'transition_report(a.map, a.by)', 'path_report(a.map, a.by)', 'weakest_step(a.map)', q{what_if(a.map, '{"2": 0.5}')}, 'funnel_drivers(a.map)',
		'attribution_report(a.map)', 'channels_report(a.map)', 'check_map(a.map)', 'kept(a.map)', 'check_journeys(a.map)', q{audience(a.map, 'all')}, q{cjm_internal.audience_differ((SELECT n.oid FROM pg_namespace n WHERE n.nspname = a.map), 'all', ARRAY[1, 2, a.k])}, q{audience_report(a.map, 'all')}, q{take_changes(a.map, 'mailer')})));

# Which functions they are, the catalog says.
my $views = join '; ', map { "CREATE VIEW call$_ AS SELECT a.k FROM arguments a CROSS JOIN LATERAL $calls[$_][1] c" } 0 .. $#calls;
is(run_sql($node, "$views;" . q{
	SELECT name FROM set_returning f WHERE NOT EXISTS (
		SELECT FROM pg_class c JOIN pg_rewrite r ON r.ev_class = c.oid
			JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_proc'::regclass
		WHERE c.relname ~ '^call\d+$' AND d.refobjid = f.oid) ORDER BY 1}),
	'', 'every set-returning function of the extension is called here');

# In FROM for each row, and in a list of results.  What has no argument is called once in FROM, however many rows there are.
my $rows = '(SELECT a.* FROM (SELECT generate_series(1, %d) AS i) g JOIN arguments a ON a.k = g.i %% 2 OFFSET 0) a';
my %ways = (
	'for each row' => "SELECT c FROM $rows CROSS JOIN LATERAL %s c",
	'as a result' => "SELECT %2\$s AS c FROM $rows");

# The memory of the process at the end of a query that makes so many calls, while all that the query has still lives.  The
# arguments of format stand in another order in the second way.
sub memory
{
	my ($way, $calls, $call) = @_;
	my $query = sprintf($ways{$way}, $calls, $call);

	return "SELECT (SELECT sum(m.used_bytes) FROM pg_get_backend_memory_contexts() m WHERE counted.n >= 0) FROM (SELECT count(q.c) AS n FROM ($query) q) counted";
}

foreach my $call (@calls)
{
	my ($many, $text) = @$call;

	foreach my $way (sort keys %ways)
	{
		next if $text =~ /\(\)$/ && $way eq 'for each row';
		# A report is written in PL/pgSQL, which makes a table of its rows whoever asks.
		next if $many == REPORT && $way eq 'as a result';
		# The first query fills the caches of the process.
		my ($warm, $few, $more) = split /\n/, run_sql($node, "SET max_parallel_workers_per_gather = 0; " .
			join('; ', map { memory($way, $_, $text) } 40, 40, 40 + $many));

		cmp_ok($more - $few, '<', LEFT_BY_ALL + LEFT_BY_A_CALL * $many, "$way: $text")
		  or diag(sprintf "%.0f bytes a call", ($more - $few) / $many);
	}
}

server_is_well($node);
done_testing();
