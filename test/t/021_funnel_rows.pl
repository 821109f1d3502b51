# funnel_agg straight from rows: parallel plans, memory that is kept within its
# limit by temporary files, and what becomes of those files.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use IPC::Run;
use Test::More;

my $node = start_server('funnel_rows', 'max_parallel_workers = 4', 'max_worker_processes = 8', 'log_temp_files = 0', 'restart_after_crash = on');

# 300,000 rows of 20,000 customers in the order of time; the numbers of half of them are large.
run_sql($node, q{
	CREATE TABLE events (customer bigint, name text, id uuid, segment int, at timestamptz, event text, channel text);
	INSERT INTO events
	SELECT customer, 'customer ' || customer, md5(customer::text)::uuid, customer % 1000, '2026-01-01Z'::timestamptz + i * interval '3 seconds',
		(ARRAY['view', 'view', 'cart', 'pay', 'search', 'оплата'])[1 + (hashint4(i) & 65535) % 6], (ARRAY['email', 'search', NULL])[1 + (hashint4(i + 1) & 65535) % 3]
	FROM generate_series(1, 300000) i,
		LATERAL (SELECT (hashint4(i / 3 + 7 * (i % 5)) & 1048575)::bigint % 20000 AS number) n,
		LATERAL (SELECT CASE WHEN number % 2 = 0 THEN number ELSE number << 40 END AS customer) c;
	CREATE TABLE journeys AS SELECT customer, segment, journey_agg(at, event, channel) AS journey FROM events GROUP BY customer, segment;
	VACUUM ANALYZE events;
});

my $funnel = 'view -> cart@email | cart@search -> optional "оплата" -> pay within 3 days';
my $serial = 'SET max_parallel_workers_per_gather = 0';
my $parallel = q{
	SET parallel_setup_cost = 0; SET min_parallel_table_scan_size = 0;
	SET max_parallel_workers_per_gather = 3};
my $little = q{SET work_mem = '64kB'; SET hash_mem_multiplier = 1};
my %truth = (
	'one group' => digest('', "SELECT funnel_agg(journey, '$funnel')::text FROM journeys"),
	'7 groups' => digest('', "SELECT segment % 7, funnel_agg(journey, '$funnel')::text FROM journeys GROUP BY 1"),
	'1,000 groups' => digest('', "SELECT segment, funnel_agg(journey, '$funnel')::text FROM journeys GROUP BY segment"));
my %from_rows = (
	'one group' => "SELECT funnel_agg(%s, at, event, channel, '$funnel')::text FROM events",
	'7 groups' => "SELECT segment %% 7, funnel_agg(%s, at, event, channel, '$funnel')::text FROM events GROUP BY 1",
	'1,000 groups' => "SELECT segment, funnel_agg(%s, at, event, channel, '$funnel')::text FROM events GROUP BY segment");

# Everything that a query returns, in one digest; and the number of its rows.
sub digest
{
	my ($settings, $query) = @_;

	return run_sql($node, "$settings; SELECT count(*), md5(string_agg(r::text, E'\\n' ORDER BY r::text)) FROM ($query) r");
}

sub log_size
{
	return -s $node->logfile;
}

# The sizes of the temporary files that the server says it has removed since then.
sub temp_files_since
{
	my ($from) = @_;
	my $log = substr(PostgreSQL::Test::Utils::slurp_file($node->logfile), $from);

	my @sizes = $log =~ /temporary file: path ".*?", size (\d+)/g;
	return @sizes;
}

# Those of them by which workers handed rows over.
sub handed_files_since
{
	my ($from) = @_;
	my $log = substr(PostgreSQL::Test::Utils::slurp_file($node->logfile), $from);

	my @sizes = $log =~ m{temporary file: path "[^"]*\.fileset/rows\.[^"]*", size (\d+)}g;
	return @sizes;
}

# Everything below the temporary directories: files, file sets, and what is in them.
sub temp_files
{
	my $data = $node->data_dir;

	return map { s/^\Q$data\E.//r } map { glob("$_/* $_/*/*") } "$data/base/pgsql_tmp", glob("$data/pg_tblspc/*/*/pgsql_tmp");
}

sub no_files_left
{
	my ($title) = @_;

	is(join(' ', temp_files()), '', "$title: no temporary file is left");
	return;
}

# Whatever the plan and the memory, the answer is that of the journeys.
foreach my $groups (sort keys %from_rows)
{
	foreach my $customers ('customer', 'name', 'id')
	{
		my $query = sprintf $from_rows{$groups}, $customers;
		my $title = "$groups by $customers";
		my $from;

		is(digest($serial, $query), $truth{$groups}, "$title: serial");
		like(plan_of($node, $parallel, $query), qr/Finalize (?:Hash|Group|)\s*Aggregate.*Partial (?:Hash|Group|)\s*Aggregate/s,
			"$title: partial aggregation");
		is(digest($parallel, $query), $truth{$groups}, "$title: parallel");
		is(digest("$parallel; SET parallel_leader_participation = off", $query), $truth{$groups}, "$title: workers alone");
		is(digest("$parallel; SET enable_hashagg = off", $query), $truth{$groups}, "$title: sorted groups in parallel");

		$from = log_size();
		is(digest("$serial; $little", $query), $truth{$groups}, "$title: little memory");
		cmp_ok(scalar(@{[temp_files_since($from)]}), '>=', 1, "$title: in a temporary file");
		$from = log_size();
		is(digest("$parallel; $little; SET enable_sort = off", $query), $truth{$groups}, "$title: little memory, parallel");
		# The states of a thousand groups are small.
		cmp_ok(scalar(grep { $_ } handed_files_since($from)), '>=', 1, "$title: handed over in files") unless $groups eq '1,000 groups';
		is(digest("$parallel; $little; SET parallel_leader_participation = off", $query), $truth{$groups}, "$title: little memory, workers alone");
		is(digest("$parallel; $little; SET enable_hashagg = off", $query), $truth{$groups}, "$title: little memory, sorted groups in parallel");
		is(digest("$serial; $little; SET enable_hashagg = off", $query), $truth{$groups}, "$title: little memory, sorted groups");
		$from = log_size();
		is(digest("$serial; SET work_mem = '64MB'", $query), $truth{$groups}, "$title: enough memory");
		is(scalar(@{[temp_files_since($from)]}), 0, "$title: no temporary file then");
		no_files_left($title);
	}
}

# Those who do nothing are counted by their numbers, which may be close together, scattered, negative, or the very first and last.
run_sql($node, q{
	CREATE TABLE visits AS
	SELECT CASE i % 4 WHEN 0 THEN i WHEN 1 THEN -i WHEN 2 THEN (i::bigint << 27) + i ELSE 9223372036854775807 - i END
			# CASE WHEN i % 16 = 3 THEN -1 ELSE 0 END AS customer,
		'2026-01-01Z'::timestamptz + (i * 7919 % 100000 + n) * interval '1 s' AS at,
		CASE WHEN n = 1 AND i % 7 = 0 THEN 'view' WHEN n = 2 AND i % 21 = 0 THEN 'pay' ELSE 'look' END AS event
	FROM generate_series(1, 60000) i, generate_series(0, 2) n ORDER BY 2;
	VACUUM ANALYZE visits});
foreach my $groups (1, 5, 300)
{
	my $truth = digest('', "SELECT g, n, count(DISTINCT customer) FILTER (WHERE n = 0 OR event = (ARRAY['view', 'pay'])[n])
		FROM (SELECT abs(customer % $groups) AS g, * FROM visits) v, generate_series(0, 2) n GROUP BY 1, 2");
	my $query = "SELECT g, n, CASE n WHEN 0 THEN (s::jsonb ->> 'customers')::bigint ELSE (SELECT customers FROM report(s) WHERE step = n) END
		FROM (SELECT abs(customer % $groups) AS g, funnel_agg(customer, at, event, 'view -> pay') AS s FROM visits GROUP BY 1) f, generate_series(0, 2) n";
	my $by = "SELECT g, n, (SELECT sum(CASE n WHEN 0 THEN (p.stats::jsonb ->> 'customers')::bigint ELSE (SELECT customers FROM report(p.stats) WHERE step = n) END) FROM unnest(s) p)::bigint
		FROM (SELECT abs(customer % $groups) AS g, funnel_agg_by(customer, at, event, event, 'last', 'view -> pay') AS s FROM visits GROUP BY 1) f, generate_series(0, 2) n";

	foreach my $settings ($serial, $parallel, "$serial; $little", "$parallel; $little", "$parallel; SET parallel_leader_participation = off; SET work_mem = '1MB'",
		"$serial; SET work_mem = '64MB'")
	{
		is(digest($settings, $query), $truth, "customers who do nothing, groups $groups: $settings");
		is(digest($settings, $by), $truth, "the same by a property, groups $groups: $settings");
	}
}
no_files_left('customers who do nothing');

# One limit for all groups and all aggregates of the node, and one file.
my $from = log_size();
run_sql($node, "$serial; SET work_mem = '8MB'; SET hash_mem_multiplier = 1; SELECT segment, funnel_agg(customer, at, event, 'view -> pay'),
	funnel_agg(name, at, event, 'view -> cart'), funnel_agg(id, at, event, 'cart -> pay') FROM events GROUP BY segment");
is(scalar(@{[temp_files_since($from)]}), 1, 'three aggregates of a thousand groups have one file');

# Parallel plans by themselves, with all settings as they come.
like(plan_of($node, 'SET search_path = public, cjm', 'SELECT funnel_agg(customer, at, event, \'view -> pay\') FROM events'),
	qr/Finalize Aggregate.*Gather.*Partial Aggregate.*Parallel Seq Scan/s, 'parallel by itself');
my $forced = run_sql($node, q{SELECT name FROM pg_settings WHERE name IN ('debug_parallel_query', 'force_parallel_mode')});
is(digest("$serial; SET $forced = on; SET max_parallel_workers_per_gather = 2", sprintf($from_rows{'one group'}, 'name')), $truth{'one group'}, "$forced = on");

# So much more than fits that what is in the file has to be merged there.
my $tenfold = "SELECT funnel_agg(customer # (g::bigint << 33), at, event, channel, '$funnel')::text FROM events, generate_series(0, 9) g";
is(digest("$serial; $little", $tenfold), digest("$serial; SET work_mem = '256MB'", $tenfold), 'a hundred times the memory');
is(run_sql($node, "$serial; $little; SELECT (SELECT sum(customers) FROM report(s)) = 10 * (SELECT sum(customers) FROM report(t))
	FROM (SELECT s FROM (" . ($tenfold =~ s/::text/ AS s/r) . ") a) b, (SELECT funnel_agg(journey, '$funnel') AS t FROM journeys) c"), 't', 'ten times the customers');
no_files_left('merging');

# Window aggregates, one partition after the other in one file.
$from = log_size();
is(digest("$serial; $little", "SELECT day, stats::text FROM (SELECT extract(day FROM at)::int % 3 AS day, row_number() OVER w AS n,
		funnel_agg(customer, at, event, channel, '$funnel') OVER (w ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS stats
		FROM events WINDOW w AS (PARTITION BY extract(day FROM at)::int % 3)) e WHERE n = 1"),
	digest($serial, "SELECT extract(day FROM at)::int % 3, funnel_agg(customer, at, event, channel, '$funnel')::text FROM events GROUP BY 1"), 'window aggregate');
cmp_ok(scalar(@{[temp_files_since($from)]}), '>=', 1, 'window aggregate in temporary files');
no_files_left('window aggregate');

# A node that is run again and again, and one that is not run to its end.
is(run_sql($node, "$serial; $little; SELECT count(DISTINCT s::text) FROM generate_series(1, 3) g,
	LATERAL (SELECT funnel_agg(customer, at, event, 'view -> pay')::text || (g * 0) AS s FROM events WHERE segment < 300 + g * 0) r"), 1, 'rescans');
is(run_sql($node, "$serial; $little; SELECT count(*) FROM (SELECT segment % 3, funnel_agg(name, at, event, 'view -> pay') FROM events GROUP BY 1 LIMIT 1) r"), 1, 'LIMIT');
my $again = q{SELECT count(*), count(DISTINCT cjm_internal.funnel_stats_send(s)) FROM generate_series(1, 3) g LEFT JOIN
	(SELECT extract(day FROM at)::int % 2 AS k, funnel_agg(customer, at, event, 'view -> pay') AS s FROM events GROUP BY 1) r ON r.k < g};
my $nested = "$serial; SET work_mem = '128kB'; SET hash_mem_multiplier = 1; SET enable_material = off; SET enable_sort = off";
like(plan_of($node, $nested, $again), qr/Nested Loop Left Join.*\n *->  HashAggregate/s, 'a hash table below a nested loop');
is(run_sql($node, "$nested; $again"), '5|2', 'a hash table that is read again');
no_files_left('rescans and LIMIT');

# What goes wrong leaves nothing behind: an error in a row and in the final walk, a cancelled query, a lost subtransaction.
run_sql_fails($node, "$serial; $little; SELECT funnel_agg(customer, at, event, 'view -> pay') FILTER (WHERE 1 / (i - 290000) IS NOT NULL)
	FROM (SELECT *, row_number() OVER () AS i FROM events) e", '22012', qr/division by zero/, 'an error in a row');
no_files_left('an error');
run_sql_fails($node, "$parallel; $little; SELECT segment, funnel_agg(name, at, event, 'view -> pay') FILTER (WHERE 1 / (extract(epoch FROM at - '2026-01-11Z')::int) IS NOT NULL)
	FROM events GROUP BY segment", '22012', qr/division by zero/, 'an error in a worker');
no_files_left('an error in a worker');
run_sql_fails($node, "$serial; $little; SET statement_timeout = '500ms'; SELECT funnel_agg(name, at, event, 'view -> pay') FROM events e, generate_series(1, 1000)",
	'57014', qr/statement timeout/, 'a cancelled query');
no_files_left('a cancelled query');
run_sql_fails($node, "$serial; $little; SET temp_file_limit = '1MB'; SELECT funnel_agg(customer, at, event, 'view -> pay') FROM events",
	'53400', qr/temporary file size exceeds "?temp_file_limit"? \(1024kB\)/, 'temp_file_limit');
no_files_left('temp_file_limit');

# The same of files that are handed over: they are the leader's to delete, whoever made them.
my $workers = "$parallel; $little; SET parallel_leader_participation = off";
my $slow = "SELECT funnel_agg(name, at, event, 'view -> pay') FROM events e, generate_series(1, 1000)";
like(plan_of($node, $workers, $slow), qr/Finalize Aggregate.*Gather.*Partial Aggregate/s, 'workers read a thousand times as much');
run_sql_fails($node, "$workers; SET statement_timeout = '1s'; $slow", '57014', qr/statement timeout/, 'cancelled workers');
no_files_left('cancelled workers');
run_sql_fails($node, "$workers; SET temp_file_limit = '1MB'; $slow", '53400', qr/temporary file size exceeds "?temp_file_limit"? \(1024kB\)/, 'temp_file_limit in a worker');
no_files_left('temp_file_limit in a worker');
run_sql($node, q{SET allow_in_place_tablespaces = on; CREATE TABLESPACE elsewhere LOCATION ''});
$from = log_size();
is(digest("$parallel; $little; SET temp_tablespaces = elsewhere", sprintf($from_rows{'one group'}, 'customer')), $truth{'one group'}, 'temp_tablespaces');
like(substr(PostgreSQL::Test::Utils::slurp_file($node->logfile), $from), qr{temporary file: path "pg_tblspc/[^"]*/rows\.}, 'files are handed over there');
no_files_left('temp_tablespaces');
run_sql_fails($node, "$workers; SET temp_tablespaces = elsewhere; SET statement_timeout = '1s'; $slow", '57014', qr/statement timeout/, 'cancelled workers elsewhere');
no_files_left('cancelled workers elsewhere');
run_sql_fails($node, "$parallel; $little; SELECT 1 / (customers - customers) FROM report((SELECT funnel_agg(name, at, event, 'view -> pay') FROM events))",
	'22012', qr/division by zero/, 'an error after the hand-over');
no_files_left('an error after the hand-over');
run_sql_fails($node, "$workers; SELECT segment, 1 / (segment - 500), funnel_agg(name, at, event, 'view -> pay') FROM events GROUP BY segment",
	'22012', qr/division by zero/, 'an error amid the hand-over');
no_files_left('an error amid the hand-over');
is(run_sql($node, "$workers; SELECT count(*) FROM (SELECT segment % 7, funnel_agg(name, at, event, 'view -> pay') FROM events GROUP BY 1 LIMIT 1) r"), 1, 'the rest is not read');
no_files_left('the rest is not read');
{
	my ($in, $out) = ('', '');
	my $psql = IPC::Run::start([ 'psql', '-X', '-q', '-A', '-t', '-d', $node->connstr('postgres') ], '<', \$in, '>', \$out, IPC::Run::timeout(180));
	my $fails = "DO \$\$ BEGIN PERFORM 1 / (customers - customers) FROM report((SELECT funnel_agg(name, at, event, 'view -> pay') FROM events)); EXCEPTION WHEN division_by_zero THEN NULL; END \$\$";

	$in .= "$workers; BEGIN; SELECT (funnel_agg(name, at, event, 'view -> pay') IS NOT NULL) || '!' FROM events;\n";
	$psql->pump until $out =~ /!\n/;
	is(scalar(grep { m{/rows\.} } temp_files()), 0, 'a transaction that goes on: files are gone with the query');
	$in .= "$fails; SELECT 'again' || '!';\n";
	$psql->pump until $out =~ /again!\n/;
	$in .= "COMMIT; SELECT 'done' || '!';\n";
	$psql->pump until $out =~ /done!\n/;
	no_files_left('the end of a transaction');
	$in .= "\\q\n";
	$psql->finish;
}
is(run_sql($node, q{SET max_parallel_workers_per_gather = 0; SET work_mem = '64kB'; SET hash_mem_multiplier = 1;
	CREATE FUNCTION try(filter text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		r record;
		s text := '';
	BEGIN
		BEGIN
			FOR r IN EXECUTE 'SELECT extract(day FROM at)::int % 4 AS part, funnel_agg(name, at, event, ''view -> pay'') AS stats FROM events GROUP BY 1' LOOP
				s := s || r.part;
				BEGIN
					PERFORM funnel_agg(customer, at, event, 'view -> pay') FILTER (WHERE 1 / (extract(epoch FROM at - '2026-01-11Z')::int) IS NOT NULL) FROM events;
				EXCEPTION WHEN division_by_zero THEN
					s := s || '!';
				END;
			END LOOP;
			RAISE EXCEPTION 'enough' USING ERRCODE = '22012';
		EXCEPTION WHEN division_by_zero THEN
			s := s || '.';
		END;
		RETURN s || (SELECT customers > 10 FROM report((SELECT funnel_agg(customer, at, event, 'view') FROM events)));
	END
	$$;
	SELECT length(try(''));
}), 13, 'subtransactions') or diag(run_sql($node, "SELECT try('')"));
no_files_left('subtransactions');
is(run_sql($node, q{SET max_parallel_workers_per_gather = 0; SET work_mem = '64kB'; SET hash_mem_multiplier = 1; SET enable_sort = off;
	BEGIN;
	DECLARE c CURSOR FOR SELECT segment % 5 AS part, report(funnel_agg(name, at, event, 'view -> pay')) FROM events GROUP BY 1;
	SAVEPOINT s;
	FETCH 1 FROM c;
	ROLLBACK TO s;
	FETCH 3 FROM c;
	COMMIT;}) =~ tr/\n// + 1, 4, 'a cursor over a savepoint, left open');
no_files_left('a cursor');

# A final aggregate in a worker reads what partial ones have written there, in its leader's name.
run_sql($node, q{
	CREATE TABLE parts (LIKE events) PARTITION BY LIST (event);
	CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN ('view', 'search') WITH (parallel_workers = 0);
	CREATE TABLE parts_2 PARTITION OF parts DEFAULT WITH (parallel_workers = 0);
	INSERT INTO parts SELECT * FROM events;
	VACUUM ANALYZE parts;
});
my $of_parts = "SELECT funnel_agg(customer, at, event, channel, '$funnel')::text FROM parts";
my $below = "$parallel; $little; SET enable_partitionwise_aggregate = on";
my $four = join(' UNION ALL ', ($of_parts) x 4);
like(plan_of($node, $below, $four), qr/Gather.*Parallel Append.*Finalize Aggregate.*Partial Aggregate/s, 'final aggregates below Gather');
$from = log_size();
is(run_sql($node, "$below; SELECT count(*), count(DISTINCT s), min(md5(s)) FROM ($four) r (s)"),
	'4|1|' . run_sql($node, "$serial; SELECT md5(funnel_agg(journey, '$funnel')::text) FROM journeys"), 'final aggregates in workers');
cmp_ok(scalar(@{[handed_files_since($from)]}), '>=', 8, 'final aggregates in workers: files of every partial one');
no_files_left('final aggregates in workers');
my $whole = "$below; SET enable_parallel_append = off; SET min_parallel_table_scan_size = '1GB'; SET $forced = on";
like(plan_of($node, $whole, $of_parts), qr/Gather.*Single Copy.*Finalize Aggregate.*Partial Aggregate/s, 'a whole plan in a worker');
is(run_sql($node, "$whole; SELECT md5(s) FROM ($of_parts) r (s)"), run_sql($node, "$serial; SELECT md5(funnel_agg(journey, '$funnel')::text) FROM journeys"), 'a whole plan in a worker');
no_files_left('a whole plan in a worker');

# A leader that has seen no row, since its plan stopped early, deletes what its workers have written for it.
run_sql($node, q{
	CREATE TABLE early AS SELECT CASE WHEN i > 1000 THEN i::bigint END AS customer, '2026-01-01Z'::timestamptz + i * interval '1 s' AS at, 'a'::text AS event, (i > 1000)::int AS k
	FROM generate_series(1, 100000) i;
	VACUUM ANALYZE early;
});
{
	my $stops = "$workers; SET max_parallel_workers_per_gather = 2; SET parallel_tuple_cost = 0; SET enable_incremental_sort = off";
	my $first = "SELECT k, length(funnel_agg(customer, at, event, 'a -> b')::text) FROM early GROUP BY k ORDER BY k LIMIT 1";

	like(plan_of($node, $stops, $first), qr/Limit.*Finalize GroupAggregate.*Gather Merge.*Partial (?:Hash|Group)Aggregate/s, 'only the first group is asked for');
	foreach my $spaces ("''", 'elsewhere')
	{
		$from = log_size();
		is(run_sql($node, "$stops; SET temp_tablespaces = $spaces; $first"), '0|', "a plan that stops early, $spaces");
		cmp_ok(scalar(grep { $_ } handed_files_since($from)), '>=', 1, "a plan that stops early, $spaces: workers have written files");
		no_files_left("a plan that stops early, $spaces");
	}
}

# An aggregate that is run again does not keep the files of the last time.
run_sql($node, q{
	CREATE FUNCTION handed_over() RETURNS bigint LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
		SELECT count(*) FROM pg_ls_dir('base/pgsql_tmp', true, false) d, LATERAL pg_ls_dir('base/pgsql_tmp/' || d, true, false) f WHERE d LIKE '%.fileset' AND f LIKE 'rows.%' $$});
{
	my $rescans = "$workers; SET enable_material = off; SET enable_sort = off; SET parallel_tuple_cost = 0";
	my $times = "SELECT max(files) > 0 AND max(files) <= 4, count(*), count(DISTINCT s) FROM (SELECT handed_over() AS files, s FROM generate_series(1, 5) g
		LEFT JOIN (SELECT funnel_agg(customer, at, event, 'view -> pay')::text AS s FROM events) r ON length(r.s) > g OFFSET 0) t";

	like(plan_of($node, $rescans, $times), qr/Nested Loop.*Finalize Aggregate.*Gather.*Partial Aggregate/s, 'a parallel aggregate below a nested loop');
	is(run_sql($node, "$rescans; $times"), 't|5|1', 'a parallel aggregate that is run five times has the files of one');
	no_files_left('a parallel aggregate that is run five times');
}

# With groups, states that wait in a sort are handed over again, and so need their files.
{
	my $sorted = "$serial; SET work_mem = '64kB'; SET hash_mem_multiplier = 1; SET enable_partitionwise_aggregate = on; SET enable_material = off; SET enable_hashagg = off";
	my $times = 'SELECT count(*), count(DISTINCT s), min(md5(s)) FROM generate_series(1, 3) g LEFT JOIN (' .
		"SELECT segment % 2 AS k, funnel_agg(name, at, event, channel, '$funnel')::text AS s FROM parts GROUP BY 1) r ON length(r.s) > g";

	like(plan_of($node, $sorted, $times), qr/Nested Loop.*Finalize GroupAggregate.*Partial GroupAggregate/s, 'partial groups below a nested loop');
	is(run_sql($node, "$sorted; $times"), run_sql($node, "$serial; " . ($times =~ s/\bparts\b/events/r)), 'partial groups that are read again');
	no_files_left('partial groups that are read again');
}

# A channel that no stage asks for may not be too long either, wherever it is stored.
run_sql($node, q{
	CREATE TABLE far (channel text);
	ALTER TABLE far ALTER channel SET STORAGE EXTERNAL;
	INSERT INTO far VALUES (repeat('c', 5000)), (repeat('c', 4000));
});
run_sql_fails($node, "$serial; SELECT funnel_agg(1, '2026-01-01Z', 'a', channel, 'a') FROM far WHERE length(channel) = 5000", '54000', qr/channel of 5000 bytes is too long/, 'a channel out of line');
is(run_sql($node, "$serial; SELECT customers FROM report((SELECT funnel_agg(1, '2026-01-01Z', 'a', channel, 'a') FROM far WHERE length(channel) = 4000))"), 1, 'a channel out of line that is short enough');

# Other encodings, and names that only bytes tell apart.
run_sql($node, q{CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0});
run_sql($node, 'CREATE EXTENSION cjm', database => 'latin');
is(run_sql($node, q{SET client_encoding = 'UTF8'; SET search_path = cjm, public; SET work_mem = '64kB'; SELECT string_agg(customers::text, ' ' ORDER BY step) FROM report((
	SELECT funnel_agg(c || n, '2026-01-01Z'::timestamptz + s * interval '1 s', e, 'né -> vendü') FROM (VALUES ('é'), ('è'), ('É'), ('e')) c (c), generate_series(1, 20000) n,
		(VALUES (1, 'né'), (2, 'vendü')) e (s, e) WHERE s = 1 OR c <> 'e'))}, database => 'latin'), '80000 60000', 'LATIN1');

# Many names: none is taken for another.
is(run_sql($node, q{SET work_mem = '4MB'; SELECT customers FROM report((SELECT funnel_agg(md5(i::text), '2026-01-01Z', 'a', 'a') FROM generate_series(1, 500000) i, generate_series(1, 2)))}), 500000, 'half a million names');
server_is_well($node);

# A client that is refused reads no query, so none is sent.
sub wait_for_server
{
	for (my $tries = 0; $tries < 600; $tries++)
	{
		last if PostgreSQL::Test::Utils::system_log('pg_isready', '-q', '-d', $node->connstr('postgres')) == 0;
		select undef, undef, undef, 0.1;
	}
	return;
}

# A killed backend: the server starts again and removes the file.
my $dir = $node->data_dir . '/base/pgsql_tmp';
my ($in, $out) = ('', '');
my $victim = IPC::Run::start([ 'psql', '-X', '-q', '-A', '-t', '-d', $node->connstr('postgres') ], '<', \$in, '>', \$out, '2>', '/dev/null', IPC::Run::timeout(180));

$in .= "$serial; $little; SELECT pg_backend_pid();\n";
$victim->pump until $out =~ /^(\d+)\n/m;
my $pid = $1;

$in .= "SELECT funnel_agg(name, at, event, 'view -> pay') FROM events e, pg_class c;\n";
$victim->pump_nb;
my $there = 0;
for (my $tries = 0; $tries < 600 && !$there; $tries++)
{
	$victim->pump_nb;
	$there = () = glob("$dir/pgsql_tmp$pid.*");
	select undef, undef, undef, 0.1;
}
cmp_ok($there, '>=', 1, 'the backend has a temporary file');
kill 'KILL', $pid;
eval { $victim->finish };
wait_for_server();
no_files_left('a killed backend');
is(digest($serial, sprintf($from_rows{'one group'}, 'customer')), $truth{'one group'}, 'the server works again');


# A killed worker whose rows are on disk: the same.
($in, $out) = ('', '');
$victim = IPC::Run::start([ 'psql', '-X', '-q', '-A', '-t', '-d', $node->connstr('postgres') ], '<', \$in, '>', \$out, '2>', '/dev/null', IPC::Run::timeout(180));
$in .= "$workers; $slow;\n";
$victim->pump_nb;
my $worker = '';
for (my $tries = 0; $tries < 600 && !$worker; $tries++)
{
	$victim->pump_nb;
	($worker) = map { m{/rows\.(\d+)\.} ? $1 : () } temp_files();
	select undef, undef, undef, 0.1 unless $worker;
}
like($worker, qr/^\d+$/, 'a worker has written a file');
kill 'KILL', $worker;
eval { $victim->finish };
wait_for_server();
no_files_left('a killed worker');
is(digest($parallel, sprintf($from_rows{'one group'}, 'customer')), $truth{'one group'}, 'parallel queries work again');

done_testing();
