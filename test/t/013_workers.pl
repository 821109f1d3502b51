# What a worker of a parallel query does not share with its leader: the encoding of
# the client, and whether it may do what a map's source asks for.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use Test::More;

my $node = start_server('workers', 'max_parallel_workers = 4');
my $forced = run_sql($node, q{SELECT name FROM pg_settings WHERE name IN ('debug_parallel_query', 'force_parallel_mode')});
my $workers = "SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
	SET parallel_leader_participation = off; SET $forced = on";

run_sql($node, q{
	CREATE TABLE clicks AS
	SELECT i % 100 AS customer, timestamptz '2026-01-01Z' + i * interval '1 minute' AS at,
		(ARRAY['view', 'cart', 'pay'])[1 + (i / 100) % 3] AS event, ('site ' || i % 7) AS via, 1.0 AS amount, NULL AS words
	FROM generate_series(0, 999) i
	UNION ALL SELECT i % 100, timestamptz '2026-01-01Z' + (i + 0.5) * interval '1 minute', 'rated', NULL, 1 + i % 5, 'said ' || i
	FROM generate_series(0, 999, 11) i;
	CREATE TABLE stats AS
	SELECT g, funnel_agg(journey, 'view -> cart -> pay') AS stats
	FROM (SELECT customer % 5 AS g, journey_agg(at, event) AS journey FROM clicks GROUP BY customer) j GROUP BY g;

	-- A source that only its own session can read, and which only PostgreSQL's planner would know of.
	CREATE TEMP TABLE known (customer bigint);
	CREATE FUNCTION known(bigint) RETURNS boolean STABLE LANGUAGE plpgsql AS 'BEGIN RETURN NOT EXISTS (SELECT FROM pg_temp.known k WHERE k.customer = $1); END';
	CREATE VIEW known_clicks AS SELECT * FROM clicks WHERE known(customer);
	SELECT create_map('known', 'known_clicks', 'customer', 'at', 'event', 'view -> cart -> pay', channel => 'via', value => 'amount', segment => 'via',
		csat => 'rated', comment => 'words');
	CREATE TABLE big AS SELECT i FROM generate_series(1, 20000) i;
	ANALYZE});

# Bars of blocks go to whoever can be shown them, and nobody else: the client of the leader.
foreach my $encoding ('LATIN1', 'UTF8')
{
	my $chart = "SET client_encoding = '$encoding'; SELECT g, funnel_chart(stats, 10) FROM stats ORDER BY 1, 2";

	is(run_sql($node, "$workers; $chart"), run_sql($node, $chart), "funnel_chart for a client in $encoding");
}

my $known = 'CREATE TEMP TABLE known AS SELECT 7::bigint AS customer';

# Every report of a map, beside a scan that workers do.
my %argument = (what_if => q{, '{"2": 0.9}'}, change_report => q{, '2026-01-05Z'}, audience => q{, 'all'}, audience_report => q{, 'all'});
run_sql($node, "$known; SELECT create_audience('known', 'all', condition => 'true')");
foreach my $report (split /\n/, run_sql($node, q{
	SELECT DISTINCT proname FROM pg_depend d JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
	WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'cjm')
		AND pronamespace = 'cjm'::regnamespace AND proargnames[1] = 'map' AND provolatile <> 'v' ORDER BY 1}))
{
	my $query = "SELECT count(*), (SELECT md5(string_agg(r::text, '' ORDER BY r::text)) FROM $report('known'" . ($argument{$report} // '') . ") r) FROM big";

	like(plan_of($node, $workers, $query), qr/Gather/, "$report: beside workers");
	# In one transaction, as reports say how long ago things were.
	my ($serial, $beside) = split /\n/, run_sql($node, "$known; BEGIN; SET max_parallel_workers_per_gather = 0; $query; RESET max_parallel_workers_per_gather; $workers; $query; COMMIT");
	is($beside, $serial, "$report: the same");
}

server_is_well($node);
done_testing();
