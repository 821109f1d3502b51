# A map whose rows lie on two other servers, as hash partitions by customer over postgres_fdw: every view, report and drawing says what one
# server says that has all rows, and what the servers are asked for is journeys, which they make, and not rows.  Which functions
# they work out, and which are worked out here, is what doc/scale.md says.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $here = start_server('here', 'wal_level = logical', 'max_wal_senders = 4', 'max_replication_slots = 4');

plan skip_all => 'the server has no postgres_fdw' if run_sql($here, q{SELECT count(*) FROM pg_available_extensions WHERE name = 'postgres_fdw'}) eq '0';

my @there = map { start_server("there_$_", 'log_statement = all') } 0 .. 1;

#
# The rows: all of them in the database "one", and by customer on both servers
#

my $columns = 'customer_id bigint NOT NULL, at timestamptz NOT NULL, event text NOT NULL, channel text, amount float8, answer float8, country text, month text';
my $rows = q{
	SELECT c.customer, '2025-01-01Z'::timestamptz + (c.hash % 300 + i / 4 * 9) * interval '1 day' + (abs(hashint4(c.customer * 13 + i)) % 50) * interval '1 minute', e.event,
		(ARRAY['email', 'social', 'paid search', '', NULL])[1 + abs(hashint4(c.customer + i)) % 5], CASE e.event WHEN 'purchase' THEN 5 + i * 1.25 WHEN 'return' THEN -3 END, CASE e.event WHEN 'review' THEN c.hash % 11 END,
		(ARRAY['LV', 'EE', 'LT', NULL])[1 + c.hash % 4], to_char((c.hash % 12) + 1, 'FM00')
	FROM (SELECT n AS customer, abs(hashint4(n)) AS hash FROM generate_series(1, 1500) n) c CROSS JOIN generate_series(1, 12) i
		CROSS JOIN LATERAL (SELECT (ARRAY['view', 'search', 'cart', 'view', 'checkout', 'cart', 'purchase', 'return', 'review', ''])[1 + (abs(hashint4(c.customer * 7 + i)) % 38 + i) / 5] AS event) e
	WHERE i <= 2 + c.hash % 11};
my $map = q{CREATE TABLE spend AS
		SELECT d::date AS day, c.channel, 1000 * c.n AS impressions, 50 * c.n AS clicks, 10.5 * c.n AS cost
		FROM generate_series('2025-01-01'::timestamp, '2025-12-31', interval '1 day') d CROSS JOIN (VALUES (1, 'paid search'), (2, 'social'), (3, 'display')) c(n, channel);
	SET client_min_messages = warning;
	SELECT create_map('shop', source => 'events', customer => 'customer_id', at => 'at', event => 'event', channel => 'channel', value => 'CASE WHEN amount IS NULL THEN answer ELSE amount END',
		segment => 'country', dimensions => '{"month": "month"}', nps => 'review', refusal => 'return', purchase => 'purchase', spend => 'spend',
		comment => $$CASE event WHEN 'review' THEN 'a word of ' || customer_id END$$, stages => 'awareness: view | search -> consideration: cart -> checkout -> purchase within 30 days', time_zone => 'UTC', replace => true);
	SELECT note('shop', '2025-06-01', 'a new shop');
	SELECT set_target('shop', 'step_rate', 0.5, 'checkout');};

run_sql($here, 'CREATE DATABASE one');
run_sql($here, 'CREATE EXTENSION cjm; ALTER DATABASE one SET search_path = public, cjm', database => 'one');
run_sql($here, "CREATE TABLE events ($columns); INSERT INTO events $rows; ANALYZE events; $map", database => 'one');
foreach my $n (0 .. 1)
{
	run_sql($there[$n], "CREATE TABLE events ($columns)");
	run_sql($here, sprintf q{CREATE EXTENSION IF NOT EXISTS postgres_fdw;
		CREATE SERVER there_%1$d FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '%2$s', port '%3$s', dbname 'postgres', extensions 'cjm', async_capable 'true', fetch_size '5000', batch_size '1000');
		CREATE USER MAPPING FOR CURRENT_USER SERVER there_%1$d;}, $n, $there[$n]->host, $there[$n]->port);
}

# The map is made where all rows are here; then they move, a partition at a time.
run_sql($here, qq{CREATE TABLE events ($columns) PARTITION BY HASH (customer_id);
	CREATE TABLE events_0 PARTITION OF events FOR VALUES WITH (MODULUS 2, REMAINDER 0);
	CREATE TABLE events_1 PARTITION OF events FOR VALUES WITH (MODULUS 2, REMAINDER 1);
	INSERT INTO events $rows; ANALYZE events; $map});

# How a partition is put in the place of another.
my $swap = q{ALTER TABLE events DETACH PARTITION events_%1$d;
	ALTER TABLE events_%1$d RENAME TO was_%1$d;
	CREATE FOREIGN TABLE events_%1$d PARTITION OF events FOR VALUES WITH (MODULUS 2, REMAINDER %1$d) SERVER there_%1$d OPTIONS (table_name 'events');};

# While nobody writes: in one transaction.
sub move
{
	my ($n) = @_;

	run_sql($here, 'BEGIN; ' . sprintf($swap, $n) . "INSERT INTO events_$n SELECT * FROM was_$n; COMMIT; DROP TABLE was_$n; ANALYZE events_$n, events");
	return;
}

# While everybody writes: logical replication copies it and follows, and writers wait from the lock on, until all has come.
sub move_online
{
	my ($n) = @_;

	run_sql($there[$n], "CREATE TABLE events_$n ($columns)");
	run_sql($here, "ALTER TABLE events_$n REPLICA IDENTITY FULL; CREATE PUBLICATION moving FOR TABLE events_$n");
	run_sql($there[$n], 'CREATE SUBSCRIPTION moving CONNECTION $to$' . $here->connstr('postgres') . '$to$ PUBLICATION moving WITH (binary = true)');
	$there[$n]->wait_for_subscription_sync($here, 'moving');
	foreach my $database ('postgres', 'one')
	{
		run_sql($here, q{INSERT INTO events (customer_id, at, event) SELECT n, '2025-12-01Z', 'search' FROM generate_series(1, 99) n; DELETE FROM events WHERE customer_id % 200 = 1}, database => $database);
	}
	run_sql($here, q{BEGIN;
		LOCK TABLE events IN SHARE ROW EXCLUSIVE MODE;
		DO $$
		DECLARE written pg_lsn := pg_current_wal_insert_lsn();
		BEGIN
			WHILE NOT EXISTS (SELECT FROM pg_stat_replication WHERE application_name = 'moving' AND replay_lsn >= written) LOOP
				PERFORM pg_sleep(0.1);
			END LOOP;
		END $$;} . sprintf($swap, $n) . "ALTER FOREIGN TABLE events_$n OPTIONS (SET table_name 'events_$n'); COMMIT");
	run_sql($there[$n], "DROP SUBSCRIPTION moving; DROP TABLE events; ALTER TABLE events_$n RENAME TO events");
	run_sql($here, "ALTER FOREIGN TABLE events_$n OPTIONS (SET table_name 'events'); DROP PUBLICATION moving; DROP TABLE was_$n; ANALYZE events_$n, events");
	return;
}

my $findings = q{SELECT finding FROM check_map('shop') WHERE finding ~ 'rows are|since'};
my $digest = q{SELECT md5(string_agg(f::text, E'\n')) FROM shop.funnel f};

is(run_sql($here, $findings), '', 'of a map on one server check_map has nothing to say of others');
move(0);
is(run_sql($here, $findings), 'distributed since', 'with a partition on another server it has');
is(run_sql($here, $digest), run_sql($here, $digest, database => 'one'), 'and the answers are the same');
move_online(1);
is(run_sql($here, $digest), run_sql($here, $digest, database => 'one'), 'with no partition here as well');
is(join('|', map { run_sql($_, 'SELECT count(*) > 1000 FROM events') } @there), 't|t', 'the rows lie there');
is(run_sql($here, 'SELECT count(*) FROM events'), run_sql($here, 'SELECT count(*) FROM events', database => 'one'), 'all of them');

my $remade = $map =~ s/^CREATE TABLE spend.*?;//sr =~ s/SELECT note.*//sr =~ s/SET client_min_messages = warning;//r;
my $remade_there = $remade =~ s/, spend => 'spend'//r;
my (undef, undef, $said) = $here->psql('postgres', $remade);
like($said, qr/NOTICE:  other servers send rows, and the journeys are made here.*enable_partitionwise_aggregate/s, 'the map is made anew, and says that partitions have to be grouped by themselves');
is(run_sql($here, $findings), 'rows are fetched', 'as check_map does');
run_sql($here, 'ALTER DATABASE postgres SET enable_partitionwise_aggregate = on');
is(run_sql($here, $findings), '', 'until they are');
is((($here->psql('postgres', $remade))[2] // '') =~ /other servers/ ? 'told' : '', '', 'then nothing is said');

#
# Every view, report and drawing
#

# What the servers were asked to select since the last time.
my @read = map { -s $_->logfile } @there;

sub asked
{
	my @queries;

	foreach my $n (0 .. 1)
	{
		my $log = slurp_file($there[$n]->logfile, $read[$n]);

		$read[$n] += length $log;
		push @queries, $log =~ /DECLARE c\d+ CURSOR FOR\s+(SELECT .*)/g;
	}
	return @queries;
}

sub answer
{
	my ($database, $question) = @_;
	my ($status, $output, $errors) = $here->psql($database, "SET client_min_messages = warning; $question");

	return $status == 0 ? join("\n", sort split /\n/, $output) : "no answer: $errors";
}

# Where a week or a day ends between the two, they are asked again.
sub same_answer
{
	my ($question, $title) = @_;
	my ($expected, $got);

	foreach (1 .. 2)
	{
		$expected = answer('one', $question);
		$got = answer('postgres', $question);
		last if $got eq $expected;
	}
	ok($got eq $expected && $got ne '' && $got !~ /^no answer/, "$title: as on one server")
	  or diag('one server: ' . substr($expected, 0, 500) . "\nthese: " . substr($got, 0, 500));
	return;
}

# Journeys, made there: of each customer there is one.
sub is_made_there
{
	my ($query) = @_;

	return $query =~ /\bcjm\.journey_agg\(at, event\b.* FROM public\.events WHERE .*GROUP BY 1$/ || $query =~ /^SELECT customer_id(?:, NULL::\w+)* FROM public\.events WHERE .*GROUP BY 1$/;
}

my $till_now = q('{recency,recency_days,median_days_since,open_median_days_since}'::text[]);
my $rows_there = run_sql($here, 'SELECT count(*) FROM events');

foreach (split /\n/, run_sql($here, qq{
	SELECT c.relname || '|' || string_agg('v.' || quote_ident(a.attname), ', ' ORDER BY a.attnum) FILTER (WHERE a.attname <> ALL ($till_now))
	FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	WHERE c.relnamespace = 'shop'::regnamespace AND c.relkind = 'v' AND c.relname <> 'map' GROUP BY c.relname ORDER BY c.relname}))
{
	my ($view, $selected) = split /\|/, $_, 2;

	asked();
	same_answer("SELECT $selected FROM shop.$view v", "view $view");
	my @queries = asked();
	# These are rows, and what they say.
	if ($view eq 'events' || $view eq 'comments')
	{
		is(scalar(grep { is_made_there($_) } @queries), 0, "view $view: rows are asked for");
		next;
	}
	is(join("\n", grep { !is_made_there($_) } @queries), '', "view $view: journeys are made there");
	next unless @queries;

	my $plan = plan_of($here, 'SET client_min_messages = warning', "SELECT $selected FROM shop.$view v", 'VERBOSE, ANALYZE, TIMING OFF, SUMMARY OFF');
	my $fetched = 0;
	$fetched += $1 * $2 while $plan =~ /Foreign Scan.*actual rows=([\d.]+) loops=(\d+)/g;
	# The quintiles of customers take all journeys once more.
	cmp_ok($fetched, '<=', 1500 * ($view eq 'customers' ? 2 : 1), "view $view: no more comes than a row for each customer, where there are $rows_there events");
	like($plan, qr/Async Foreign Scan.*Relations: Aggregate on \(public\.events_0.*Async Foreign Scan.*Relations: Aggregate on \(public\.events_1/s, "view $view: both servers are at it at once");
}
like(slurp_file($there[0]->logfile), qr/FETCH 5000 FROM c1/, 'as many rows at a time as the server was told');

# Each report and drawing, as "make scale" asks for them.  Of some a part is of rows: what customers said, and what check_map looks at.
foreach my $question (grep { /^SELECT.*\('shop'/ } split /\n/, slurp_file("$FindBin::RealBin/../scale/questions.sql"))
{
	$question =~ s/\bTILL_NOW\b/$till_now/g;
	asked();
	same_answer($question, $question);
	next if $question =~ /check_map|feedback_words|map_svg|map_html/;
	is(join("\n", grep { !is_made_there($_) } asked()), '', "$question: journeys are made there");
}

#
# Functions: what the servers work out of a condition or of a group, and what not
#

my $stored = 'customer bigint, country text, journey cjm.journey';
my $fill = "INSERT INTO stored SELECT customer_id, min(country), journey_agg(at, event, nullif(channel, ''), amount) FROM events WHERE event <> '' GROUP BY customer_id, at::date; ANALYZE stored";

run_sql($here, "CREATE TABLE stored ($stored); $fill", database => 'one');
run_sql($here, "CREATE TABLE stored ($stored) PARTITION BY HASH (customer)");
foreach my $n (0 .. 1)
{
	run_sql($there[$n], "CREATE TABLE stored ($stored); $fill");
	run_sql($here, "CREATE FOREIGN TABLE stored_$n PARTITION OF stored FOR VALUES WITH (MODULUS 2, REMAINDER $n) SERVER there_$n OPTIONS (table_name 'stored')");
}
run_sql($here, 'ANALYZE stored');

# A constant of a type of ours is sent; one that is text, with no column beside it, is not, since a collation would come of it.
foreach my $case (
	[ 1, q{SELECT customer FROM stored WHERE funnel_step(journey, 'view -> purchase') = 2}, qr/WHERE \(\(cjm\.funnel_step\(journey, 'view -> purchase'/ ],
	[ 1, q{SELECT customer FROM stored WHERE funnel_step(journey, 'purchase') = 1}, qr/WHERE \(\(cjm\.funnel_step\(journey, 'purchase'/ ],
	[ 1, q{SELECT customer FROM stored WHERE matches(journey, 'view .* purchase')}, qr/WHERE \(?\(?cjm\.matches\(journey, 'view \.\* purchase'/ ],
	[ 1, q{SELECT customer FROM stored WHERE touch_count(journey) > 3}, qr/WHERE \(\(cjm\.touch_count\(journey\) > 3/ ],
	[ 1, q{SELECT customer, rollup(journey) FROM stored GROUP BY customer}, qr/cjm\.rollup\(journey\) FROM public\.stored GROUP BY 1/ ],
	[ 0, q{SELECT customer FROM stored WHERE has_event(journey, 'purchase')}, qr/has_event/ ],
	[ 1, q{SELECT customer_id, funnel_agg(customer_id, at, event, 'view -> purchase') FROM events WHERE event <> '' GROUP BY customer_id}, qr/cjm\.funnel_agg\(customer_id, at, event, 'view -> purchase'.*GROUP BY 1/ ],
	[ 1, q{SELECT customer_id, window_funnel('30 days', at, event = 'view', event = 'cart') FROM events WHERE event <> '' GROUP BY customer_id}, qr/cjm\.window_funnel\('30 days'.*GROUP BY 1/ ],
	[ 0, q{SELECT customer_id, window_funnel('30 days', 'strict_order', at, event = 'view', event = 'cart') FROM events WHERE event <> '' GROUP BY customer_id}, qr/window_funnel/ ],
	[ 1, q{SELECT customer_id, retention(event = 'view', event = 'cart') FROM events WHERE event <> '' GROUP BY customer_id}, qr/cjm\.retention\(.*GROUP BY 1/ ],
	[ 1, q{SELECT customer_id, first_touch(at, event), last_touch(at, amount) FROM events WHERE event <> '' GROUP BY customer_id}, qr/cjm\.first_touch\(at, event\), cjm\.last_touch\(at, amount\).*GROUP BY 1/ ],
	[ 1, q{SELECT customer_id, sequence_next_node('forward', 'head', at, event, event = 'view', event = 'view', event = 'cart') FROM events WHERE event <> '' GROUP BY customer_id}, qr/cjm\.sequence_next_node\(.*GROUP BY 1/ ],
	[ 0, q{SELECT customer_id, sequence_match('(?1).*(?2)', at, event = 'view', event = 'purchase') FROM events WHERE event <> '' GROUP BY customer_id}, qr/sequence_match/ ],
	[ 0, q{SELECT customer_id, sequence_count('(?1).*(?2)', at, event = 'view', event = 'purchase') FROM events WHERE event <> '' GROUP BY customer_id}, qr/sequence_count/ ],
	[ 0, q{SELECT customer_id, sequence_match_events('(?1).*(?2)', at, event = 'view', event = 'purchase') FROM events WHERE event <> '' GROUP BY customer_id}, qr/sequence_match_events/ ],
	[ 1, q{SELECT customer_id, median(amount), count(answer) FROM events WHERE event <> '' GROUP BY customer_id}, qr/cjm\.median\(amount\).*GROUP BY 1/ ],
	[ 0, q{SELECT country, funnel_agg(journey, 'view -> purchase') FROM stored GROUP BY country}, qr/funnel_agg/ ])
{
	my ($goes, $query, $sent) = @$case;

	asked();
	same_answer($query, $query);
	is(scalar(grep { $_ =~ $sent } asked()), $goes ? 2 : 0, "$query: worked out " . ($goes ? 'there' : 'here'));
}

# What grows with groups and not with customers: a view of states on each server, and their rollup here.
run_sql($_, q{CREATE VIEW funnels AS SELECT country, funnel_agg(customer_id, at, event, 'view -> cart -> purchase within 30 days') AS stats FROM events WHERE event <> '' GROUP BY country}) foreach @there;
run_sql($here, "CREATE FOREIGN TABLE funnels_$_ (country text, stats funnel_stats) SERVER there_$_ OPTIONS (table_name 'funnels')") foreach 0 .. 1;
run_sql($here, 'CREATE VIEW funnels AS SELECT f.country, cjm.rollup(f.stats) AS stats FROM (SELECT * FROM funnels_0 UNION ALL SELECT * FROM funnels_1) f GROUP BY f.country');
run_sql($here, q{CREATE VIEW funnels AS SELECT country, funnel_agg(customer_id, at, event, 'view -> cart -> purchase within 30 days') AS stats FROM events WHERE event <> '' GROUP BY country}, database => 'one');
same_answer('SELECT country, stats FROM funnels', 'states of each server, rolled up');
like(plan_of($here, 'SELECT 1', 'SELECT * FROM funnels', 'ANALYZE, TIMING OFF, SUMMARY OFF'), qr/Async Foreign Scan on funnels_0 \(actual rows=[45](?:\.00)? .*Async Foreign Scan on funnels_1 \(actual rows=[45](?:\.00)? /s, 'a row for each group and server comes');

# Each server can keep its journeys: a map there, and the view of this one over theirs.
foreach my $n (0 .. 1)
{
	run_sql($there[$n], $remade_there);
	run_sql($there[$n], q{SELECT keep_journeys('shop'); SELECT refresh_journeys('shop')});
	run_sql($here, "CREATE FOREIGN TABLE journeys_$n (customer bigint NOT NULL, segment text, journey journey, dimensions jsonb) SERVER there_$n OPTIONS (schema_name 'shop', table_name 'journeys')");
}
run_sql($here, q{CREATE TABLE journeys (customer bigint NOT NULL, segment text, journey journey, dimensions jsonb) PARTITION BY HASH (customer);
	ALTER TABLE journeys ATTACH PARTITION journeys_0 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
	ALTER TABLE journeys ATTACH PARTITION journeys_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
	CREATE OR REPLACE VIEW shop.journeys AS SELECT customer, segment, journey, dimensions FROM journeys;
	INSERT INTO events (customer_id, at, event) VALUES (3, '2025-12-24Z', 'cart')});
run_sql($here, q{INSERT INTO events (customer_id, at, event) VALUES (3, '2025-12-24Z', 'cart')}, database => 'one');
asked();
same_answer("SELECT * FROM shop.$_ v", "kept there, view $_") foreach qw(journeys funnel funnel_by_segment retention);
is(join("\n", grep { !/ FROM shop\.journeys\b/ } asked()), '', 'from journeys that are kept there');
is(join(' ', map { run_sql($_, 'SELECT state FROM shop.kept') =~ s/folded|changed/kept/r } @there), 'kept kept', 'each server notices what comes by way of this one');
run_sql($here, $remade);

#
# Who reads, and what hides the rows from the servers
#

# The map asks as its owner, whose user mapping is taken: who reads it needs neither that nor a right to the rows.
run_sql($here, 'CREATE ROLE analyst LOGIN; GRANT USAGE ON SCHEMA shop TO analyst; GRANT SELECT ON shop.funnel TO analyst');
is(run_sql($here, $digest, user => 'analyst'), run_sql($here, $digest, database => 'one'), 'who may read a view and nothing else reads it');
run_sql_fails($here, 'SELECT * FROM events', '42501', qr/permission denied for table events/, 'and nothing else', user => 'analyst');

my $make = q{SELECT create_map('other', source => 'events', customer => 'customer_id', at => 'at', event => 'event', stages => 'view -> cart'%s, replace => true)};
foreach my $case ([ '', 1 ], [ q{, channel => 'lower(channel)', value => 'amount / 2'}, 1 ], [ q{, channel => 'coalesce(channel, country)'}, 0 ], [ q{, filter => $$event <> 'search'$$}, 0 ])
{
	my ($arguments, $goes) = @$case;
	my (undef, undef, $told) = $here->psql('postgres', sprintf $make, $arguments);

	asked();
	is(run_sql($here, 'SELECT count(*), sum(touch_count(journey)) FROM other.journeys'), run_sql($here, q{SELECT count(DISTINCT customer_id), count(*) FROM events WHERE event <> '' AND (%s)} =~ s/%s/$arguments =~ m{filter} ? q{event <> 'search'} : 'true'/er, database => 'one'),
		"a map with '$arguments': as on one server");
	my @queries = asked();
	is((grep { is_made_there($_) } @queries) == 2 ? 1 : 0, $goes, 'its journeys are made ' . ($goes ? 'there' : 'here'));
	is($told =~ /other servers send rows/ ? 1 : 0, $goes ? 0 : 1, 'and it says so');
}

server_is_well($_) foreach $here, @there;
done_testing();
