# Large states of funnel_agg straight from rows are read by several processes:
# the answer is that of one, and nothing is left of them, whatever happens.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use Test::More;

my $node = start_server('funnel_rows_together', 'max_parallel_workers = 8', 'max_worker_processes = 12');

# 1,300,000 rows of 60,000 customers, many of whom are in some events only that no stage asks for.
# Their order is such that processes meet events, channels and values in different order.
run_sql($node, q{
	CREATE TABLE events AS
	SELECT number::bigint AS customer, 'customer ' || number AS name, md5(number::text)::uuid AS id,
		'2026-01-01Z'::timestamptz + (i / 4) * interval '7 seconds' AS at,
		CASE WHEN number % 9 = 0 THEN 'search' ELSE (ARRAY['view', 'view', 'cart', 'pay', 'view', 'cart', 'pay'])[1 + (hashint4(i) & 65535) % 7] END AS event,
		'channel ' || (hashint4(i + 1) & 65535) % (2 + i / 20000) AS channel
	FROM generate_series(1, 1300000) i, LATERAL (SELECT (hashint4(i / 3 + 7 * (i % 5)) & 1048575) % 60000 AS number) n;
	VACUUM ANALYZE events;
});

my $funnel = 'view -> cart -> pay within 5 days';
my $serial = 'SET max_parallel_workers_per_gather = 0';
my $parallel = 'SET parallel_setup_cost = 0; SET min_parallel_table_scan_size = 0; SET parallel_tuple_cost = 0; SET max_parallel_workers_per_gather = 2';
my @questions = (
	[ 'numbers', "SELECT funnel_agg(customer, at, event, '$funnel')" ],
	[ 'names', "SELECT funnel_agg(name, at, event, '$funnel')" ],
	[ 'uuids', "SELECT funnel_agg(id, at, event, channel, '$funnel')" ],
	[ 'an entry range', "SELECT funnel_agg(customer, at, event, '$funnel'::funnel, '[2026-01-03Z,2026-01-20Z)'::tstzrange)" ],
	[ 'a ruled funnel', "SELECT funnel_agg(customer, at, event, channel, 'view\@\"channel 1\" | view -> optional cart -> pay within 1 day excluding search'::funnel)" ],
	[ 'an unordered funnel', "SELECT funnel_agg(customer, at, event, 'cart -> pay -> view unordered within 1 day')" ],
	[ 'by the first channel', "SELECT funnel_agg_by(customer, at, event, channel, 'first', '$funnel')" ],
	[ 'names by the last channel', "SELECT funnel_agg_by(name, at, event, channel, 'last', '$funnel')" ],
	[ 'by channel and day of entry', "SELECT funnel_agg_by(customer, at, event, channel, 'first', '$funnel', 'day', 'Asia/Kathmandu')" ],
	[ 'by the earliest channel', "SELECT funnel_agg_by(customer, at, event, channel, 'earliest', '$funnel')" ],
	[ 'by day of entry', "SELECT funnel_agg_by_entry(customer, at, event, '$funnel', 'day', 'Asia/Kathmandu')" ]);

sub log_since
{
	my ($from) = @_;

	return substr(PostgreSQL::Test::Utils::slurp_file($node->logfile), $from);
}

sub temp_files
{
	my $data = $node->data_dir;

	return map { s/^\Q$data\E.//r } map { glob("$_/* $_/*/*") } "$data/base/pgsql_tmp";
}

sub workers_since
{
	my ($from) = @_;

	return scalar(() = log_since($from) =~ /starting background worker process "parallel worker/g);
}

$node->append_conf('postgresql.conf', 'log_min_messages = debug1');
$node->reload;

foreach my $question (@questions)
{
	my ($title, $select) = @$question;
	my $query = "SELECT md5(r::text) FROM ($select FROM events) q (r)";
	my $truth = run_sql($node, "$serial; $query");
	my $from;

	# Which plan it is matters: only where it is parallel may there be others.
	like(plan_of($node, $parallel, $query), qr/Finalize Aggregate.*Gather.*Partial Aggregate/s, "$title: partial aggregation");
	$from = -s $node->logfile;
	is(run_sql($node, "$parallel; $query"), $truth, "$title: together");
	is(workers_since($from), 3, "$title: two workers gather and one helps to read");
	is(run_sql($node, "$parallel; SET work_mem = '64kB'; SET hash_mem_multiplier = 1; $query"), $truth, "$title: little memory");
	is(run_sql($node, "$parallel; SET parallel_leader_participation = off; SET work_mem = '64MB'; $query"), $truth, "$title: all from workers, much memory");
	is(join(' ', temp_files()), '', "$title: no temporary file is left");
}

{
	my $query = "SELECT md5(r::text) FROM ($questions[0][1] FROM events) q (r)";
	my $truth = run_sql($node, "$serial; $query");
	my $from = -s $node->logfile;

	is(run_sql($node, "$serial; $query"), $truth, 'a plan that is not parallel');
	is(workers_since($from), 0, 'a plan that is not parallel has no workers');
	$from = -s $node->logfile;
	is(run_sql($node, "$parallel; SET max_parallel_workers = 0; $query"), $truth, 'no worker to be had');
	is(workers_since($from), 0, 'no worker to be had: there is none');
	is(run_sql($node, "$parallel; SET max_parallel_workers = 1; $query"), $truth, 'one worker to be had');

	# Partial aggregates of partitions need no workers, and so have none, least of all in a cursor.
	run_sql($node, q{CREATE TABLE parts (LIKE events) PARTITION BY RANGE (at);
		CREATE TABLE early PARTITION OF parts FOR VALUES FROM (MINVALUE) TO ('2026-01-10Z'); CREATE TABLE late PARTITION OF parts FOR VALUES FROM ('2026-01-10Z') TO (MAXVALUE);
		INSERT INTO parts SELECT * FROM events; VACUUM ANALYZE parts; CREATE TABLE written (n int)});
	my $of_parts = $query =~ s/FROM events/FROM parts/r;
	my $partitionwise = "$serial; SET enable_partitionwise_aggregate = on";
	like(plan_of($node, $partitionwise, $of_parts), qr/Finalize Aggregate.*Append.*Partial Aggregate/s, 'partitions: partial aggregation');
	$from = -s $node->logfile;
	is(run_sql($node, "$partitionwise; BEGIN; INSERT INTO written VALUES (1); DECLARE c CURSOR FOR $of_parts; SET max_parallel_workers_per_gather = 2;
		FETCH c; INSERT INTO written VALUES (2); SAVEPOINT s; FETCH c; CLOSE c; INSERT INTO written VALUES (3); ROLLBACK TO s; $of_parts; COMMIT; SELECT count(*) FROM written"),
		"$truth\n$truth\n2", 'partitions: a cursor in a transaction that writes');
	is(workers_since($from), 3, 'partitions: workers for the parallel plan only');
	run_sql($node, "CREATE FUNCTION asked() RETURNS text LANGUAGE plpgsql AS \$\$ DECLARE answer text; BEGIN $query INTO answer; INSERT INTO written VALUES (4);
		BEGIN PERFORM funnel_agg(customer, at, event, '$funnel')::text::int FROM events; EXCEPTION WHEN invalid_text_representation THEN NULL; END; RETURN answer; END \$\$");
	is(run_sql($node, "$parallel; SELECT asked()"), $truth, 'in a function that writes and catches errors');
	is(run_sql($node, "$parallel; BEGIN ISOLATION LEVEL SERIALIZABLE; $query; COMMIT"), $truth, 'serializable');
	is(run_sql($node, "$parallel; SELECT count(DISTINCT r), max(r) FROM (SELECT md5(funnel_agg(customer, at, event, '$funnel')::text) FROM events
		UNION ALL SELECT md5(funnel_agg(name, at, event, '$funnel')::text) FROM events) q (r)"), "1|$truth", 'two of them in one query');
}

# Customers whose numbers are far apart, of whom most are there and no more: bits take all the memory that they may.
run_sql($node, q{
	CREATE TABLE scattered AS
	SELECT * FROM (SELECT (hashint4(i) & 65535)::bigint AS customer, '2026-01-01Z'::timestamptz + i * interval '1 s' AS at, CASE WHEN i % 2 = 0 THEN 'view' ELSE 'pay' END AS event FROM generate_series(1, 2200000) i
		UNION ALL SELECT hashint8extended(i, 1), '2026-01-01Z'::timestamptz + i * interval '231 s', 'search' FROM generate_series(1, 9500) i) x ORDER BY at;
	ANALYZE scattered;
});
foreach my $memory ('4MB', '1MB', '16MB')
{
	my $query = "SELECT s::json->>'customers', md5(s) FROM (SELECT funnel_agg(customer, at, event, 'view -> pay within 1 day')::text FROM scattered) r (s)";
	my $from = -s $node->logfile;

	is(run_sql($node, "SET work_mem = '$memory'; $parallel; $query"), run_sql($node, "SET work_mem = '$memory'; $serial; $query"), "scattered customers, $memory");
	is(workers_since($from), 4, "scattered customers, $memory: two help to read");
}
is(run_sql($node, "$parallel; SELECT customers FROM report((SELECT funnel_agg(customer, at, event, 'search') FROM scattered)) WHERE step = 1"), 9500, 'scattered customers are counted');

# Each of two large groups.
{
	my $groups = "SELECT count(*), md5(string_agg(r::text, ' ' ORDER BY r::text)) FROM
		(SELECT g, funnel_agg(customer, at, event, '$funnel') FROM events, generate_series(0, 1) g GROUP BY 1) r";
	my $truth = run_sql($node, "$serial; $groups");

	foreach my $sorted ('on', 'off')
	{
		my $from = -s $node->logfile;

		is(run_sql($node, "$parallel; SET enable_sort = $sorted; $groups"), $truth, "large groups, sorting $sorted");
		is(workers_since($from), 4, "large groups, sorting $sorted: one helps to read each");
		is(join(' ', temp_files()), '', "large groups, sorting $sorted: no temporary file is left");
	}
}

# Cancelled at any moment, or not: the query ends, and so does all that it had.
{
	my $query = "SELECT length(r::text) > 0 FROM ($questions[0][1] FROM events) q (r)";
	my %ends;

	for (my $ms = 20; $ms <= 1000; $ms = int($ms * 1.17) + 1)
	{
		my ($rc, $out, $err) = $node->psql('postgres', "SET search_path = cjm, public; $parallel; SET statement_timeout = $ms; $query");

		$ends{ $err =~ /canceling statement due to statement timeout/ ? 'cancelled' : $rc == 0 && $out eq 't' ? 'answered' : "something else: $err" }++;
	}
	is(join(' ', grep { !/^(?:cancelled|answered)$/ } keys %ends), '', 'cancelled at any moment, or answered');
	cmp_ok($ends{cancelled} // 0, '>', 0, 'some are cancelled');
	is(run_sql($node, 'SELECT count(*) FROM pg_stat_activity WHERE backend_type = $$parallel worker$$'), 0, 'no worker is left');
	is(join(' ', temp_files()), '', 'cancelled: no temporary file is left');
}
server_is_well($node);
$node->stop;
done_testing();
