# A median of many values: in memory as long as there is room, then in a temporary file, and
# the same whatever the plan is.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use Test::More;

my $node = start_server('median', 'max_parallel_workers = 8', 'max_parallel_workers_per_gather = 2');

# Values of all sizes and signs, most of them there once; a few groups of very different sizes.
run_sql($node, q{
	CREATE TABLE numbers AS
	SELECT CASE WHEN i % 2 = 0 THEN 0 WHEN i % 3 = 0 THEN 1 + i % 7 ELSE 10 + i % 3000 END AS g,
		(CASE i % 4 WHEN 0 THEN hashint8(i) WHEN 1 THEN hashint8(i) / 1e9 WHEN 2 THEN exp(hashint8(i) / 1e7) ELSE i % 10 END)::float8 AS v
	FROM generate_series(1, 600000) i;
	ALTER TABLE numbers SET (parallel_workers = 2);
	CREATE TABLE parts (LIKE numbers) PARTITION BY HASH (g);
	CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
	CREATE TABLE parts_1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
	INSERT INTO parts SELECT * FROM numbers;
	ANALYZE numbers, parts});

my %grouped = (
	'of all' => [ '', 'g IS NOT NULL' ],
	'of few groups' => [ 'GROUP BY g', 'g < 10' ],
	'of many groups' => [ 'GROUP BY g', 'true' ]);
my %plans = (
	'serial, hashed' => 'SET max_parallel_workers_per_gather = 0; SET enable_sort = off',
	'serial, sorted' => 'SET max_parallel_workers_per_gather = 0; SET enable_hashagg = off',
	'workers, hashed' => 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET enable_sort = off',
	'workers, sorted' => 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET enable_hashagg = off',
	'workers alone' => 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET parallel_leader_participation = off');
my $leftovers = q{SELECT count(*) FROM pg_ls_dir('base/pgsql_tmp', true, false) d CROSS JOIN LATERAL pg_ls_dir('base/pgsql_tmp/' || d, true, false) f WHERE d LIKE '%.fileset'};

foreach my $groups (sort keys %grouped)
{
	my ($by, $where) = @{ $grouped{$groups} };
	my $g = $by ? 'g' : '0';
	my $digest = q{md5(string_agg(float8send(%s)::text, '' ORDER BY g))};
	my $asked = sprintf "SELECT $digest FROM (SELECT $g AS g, median(v) AS m FROM numbers WHERE $where $by) q", 'm';
	my $truth = run_sql($node, sprintf "SELECT $digest FROM (SELECT $g AS g, percentile_disc(0.5) WITHIN GROUP (ORDER BY v) AS m FROM numbers WHERE $where $by) q", 'm');

	foreach my $plan (sort keys %plans)
	{
		foreach my $work_mem ('64kB', '1MB', '1GB')
		{
			# A file that was handed over is gone with the plan.
			is(run_sql($node, "BEGIN; $plans{$plan}; SET work_mem = '$work_mem'; $asked; $leftovers; COMMIT"), "$truth\n0", "$groups, $plan, $work_mem");
		}
	}
	is(run_sql($node, "SET enable_partitionwise_aggregate = on; SET work_mem = '64kB'; " . $asked =~ s/numbers/parts/r), $truth, "$groups, of partitions");
}

# The plans are those, and there are files where there is no room and none where there is.
like(plan_of($node, $plans{'workers, hashed'}, 'SELECT g, median(v) FROM numbers GROUP BY g'), qr/Finalize.*Partial HashAggregate/s, 'workers work');
foreach my $work_mem ('64kB', '1GB')
{
	my $plan = run_sql($node, "$plans{'serial, hashed'}; SET work_mem = '$work_mem'; EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT median(v) FROM numbers");
	is($plan =~ /temp read=\d+ written=\d+/ ? 1 : 0, $work_mem eq '64kB' ? 1 : 0, "temporary file: $work_mem");
}

# As a value, which other servers would get, the state is the same bytes by any plan, and the median of that the same.
run_sql($node, q{
	CREATE AGGREGATE numbers_state(float8) (SFUNC = cjm_internal.median_step, STYPE = cjm_internal.aggregate_state, COMBINEFUNC = cjm_internal.median_combine, PARALLEL = SAFE);
	CREATE AGGREGATE numbers_of(cjm_internal.aggregate_state) (SFUNC = cjm_internal.median_combine, STYPE = cjm_internal.aggregate_state, FINALFUNC = cjm_internal.median_final, COMBINEFUNC = cjm_internal.median_combine, PARALLEL = SAFE);
	CREATE TABLE states AS SELECT g, g % 3 AS part, numbers_state(v) AS state FROM numbers WHERE g < 10 GROUP BY g;
	ALTER TABLE states SET (parallel_workers = 2)});
my %digest;
foreach my $plan (sort keys %plans)
{
	foreach my $work_mem ('64kB', '1GB')
	{
		my ($states, $merged, $all) = split /\n/, run_sql($node, "$plans{$plan}; SET work_mem = '$work_mem';
			SELECT md5(string_agg(state::text, ' ' ORDER BY g)) FROM (SELECT g, numbers_state(v) AS state FROM numbers WHERE g < 10 GROUP BY g) q;
			SELECT string_agg(float8send(m)::text, ' ' ORDER BY part) FROM (SELECT part, numbers_of(state) AS m FROM states GROUP BY part) q;
			SELECT string_agg(float8send(m)::text, ' ' ORDER BY part) FROM (SELECT g % 3 AS part, median(v) AS m FROM numbers WHERE g < 10 GROUP BY 1) q");

		push @{ $digest{$states} }, "$plan, $work_mem";
		is($merged, $all, "states, merged: $plan, $work_mem");
	}
}
is(scalar keys %digest, 1, 'states are the same bytes') or diag explain \%digest;

# What the process has at the end of the query, in kilobytes, while the state is still there.
sub memory
{
	my ($settings, $values, $groups) = @_;

	return run_sql($node, "SET max_parallel_workers_per_gather = 0; $settings;
		SELECT sum(total_bytes)::bigint / 1024 FROM pg_backend_memory_contexts;
		SELECT (SELECT sum(m.total_bytes) FROM pg_get_backend_memory_contexts() m WHERE q.m > 0)::bigint / 1024
		FROM (SELECT sum(m) AS m FROM (SELECT median(random()) AS m FROM generate_series(1, $values) i GROUP BY i % $groups) g) q") =~ /^(\d+)\n(\d+)$/ ? $2 - $1 : undef;
}

# Eight bytes a value would be 24 MB; 2 MB are work_mem times hash_mem_multiplier.
cmp_ok(memory("SET work_mem = '1MB'; SET hash_mem_multiplier = 2", 3000000, 1), '<', 6 * 1024, 'memory of one large group');
cmp_ok(memory("SET work_mem = '1MB'; SET hash_mem_multiplier = 2", 3000000, 50), '<', 6 * 1024, 'memory of fifty groups');

# Again and again, half read, failed, as a window.
is(run_sql($node, q{SET work_mem = '64kB'; SET max_parallel_workers_per_gather = 0;
	SELECT count(DISTINCT m), count(*) FROM generate_series(1, 20) i CROSS JOIN LATERAL (SELECT median(v + 0 * i) AS m FROM numbers WHERE g = 0) q}), '1|20', 'a subquery that is run again');
is(run_sql($node, q{SET work_mem = '64kB'; BEGIN; DECLARE c CURSOR FOR SELECT g, median(v) FROM numbers GROUP BY g; FETCH 2 FROM c; COMMIT; SELECT 1}) =~ /\n1$/ ? 1 : 0, 1, 'a cursor that is not read to its end');
run_sql_fails($node, q{SET work_mem = '64kB'; SET max_parallel_workers_per_gather = 0; SELECT median(v) + 1 / (count(*) - count(*)) FROM numbers},
	'22012', qr/division by zero/, 'a query that fails');
is(run_sql($node, 'SELECT count(*) FROM pg_ls_tmpdir()'), '0', 'no file is left');
is(run_sql($node, q{SET work_mem = '64kB'; SELECT max(m) = (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY v) FROM numbers WHERE g = 1)
	FROM (SELECT median(v) OVER (PARTITION BY g) AS m FROM numbers WHERE g = 1) w}), 't', 'a window');
run_sql_fails($node, q{SET work_mem = '64kB'; SET temp_file_limit = '1MB'; SET max_parallel_workers_per_gather = 0; SELECT median(v) FROM numbers}, '53400', qr/temp_file_limit/, 'temp_file_limit counts');

server_is_well($node);
done_testing();
