# Copies of a server: a hot standby answers every question of every map in the bytes of its primary, says clearly what cannot be written there, and goes
# on where the primary was once it is promoted; logical replication in binary carries journeys, funnels and what is made of them; and schemas are dumped.
# That kept journeys are exact on a subscriber and a standby while the primary is written to, 095_kept.pl tells.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = start_server('primary', 'wal_level = logical', 'max_wal_senders = 4', 'max_replication_slots = 4');

# Two maps that say the same of the same rows: "shop" keeps its journeys and has an audience, "rows" reads the rows.
run_sql($primary, q{
	CREATE SCHEMA sales;
	CREATE TABLE sales.events (customer_id bigint NOT NULL, at timestamptz NOT NULL, event text NOT NULL, channel text, amount float8, answer float8, country text, month text);
	CREATE FUNCTION some_events(first int, last int) RETURNS SETOF sales.events LANGUAGE sql IMMUTABLE AS $$
		SELECT c.customer, '2025-01-01Z'::timestamptz + (c.hash % 300 + i / 4 * 9) * interval '1 day' + (abs(hashint4(c.customer * 13 + i)) % 50) * interval '1 minute', e.event,
			(ARRAY['email', 'social', 'paid search', '', NULL])[1 + abs(hashint4(c.customer + i)) % 5], CASE e.event WHEN 'purchase' THEN 5 + i * 1.25 WHEN 'return' THEN -3 END, CASE e.event WHEN 'review' THEN c.hash % 11 END,
			(ARRAY['LV', 'EE', 'LT', NULL])[1 + c.hash % 4], to_char((c.hash % 12) + 1, 'FM00')
		FROM (SELECT n AS customer, abs(hashint4(n)) AS hash FROM generate_series(first, last) n) c CROSS JOIN generate_series(1, 12) i
			CROSS JOIN LATERAL (SELECT (ARRAY['view', 'search', 'cart', 'view', 'checkout', 'cart', 'purchase', 'return', 'review', ''])[1 + (abs(hashint4(c.customer * 7 + i)) % 38 + i) / 5] AS event) e
		WHERE i <= 2 + c.hash % 11 $$;
	INSERT INTO sales.events SELECT * FROM some_events(1, 1500);
	CREATE TABLE sales.spend AS
		SELECT d::date AS day, c.channel, 1000 * c.n AS impressions, 50 * c.n AS clicks, 10.5 * c.n AS cost
		FROM generate_series('2025-01-01'::timestamp, '2025-12-31', interval '1 day') d CROSS JOIN (VALUES (1, 'paid search'), (2, 'social'), (3, 'display')) c(n, channel);
	ANALYZE;
	SET client_min_messages = warning;
	SELECT create_map(m, source => 'sales.events', customer => 'customer_id', at => 'at', event => 'event', channel => 'channel', value => 'coalesce(amount, answer)',
		segment => 'country', dimensions => '{"month": "month"}', nps => 'review', refusal => 'return', purchase => 'purchase', spend => 'sales.spend',
		comment => $$CASE event WHEN 'review' THEN 'a word of ' || customer_id END$$, stages => 'awareness: view | search -> consideration: cart -> checkout -> purchase within 30 days', time_zone => 'UTC', keep => m = 'shop'),
		note(m, '2025-06-01', 'a new shop'), set_target(m, 'step_rate', 0.5, 'checkout'), describe_stage(m, 'checkout', pain => 'slow') FROM unnest('{shop,rows}'::text[]) m;
	SELECT refresh_journeys('shop');
	SELECT create_audience('shop', 'carts', at_stage => 'consideration', holdout => 0.1);
	SELECT refresh_audiences('shop');
	SELECT count(*) FROM take_changes('shop', 'mailer', 5);
	-- What waits to be folded.
	INSERT INTO sales.events SELECT * FROM some_events(1501, 1600);
	DELETE FROM sales.events WHERE customer_id % 100 = 7;
});

$primary->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'copy', has_streaming => 1);
$standby->append_conf('postgresql.conf', 'hot_standby = on');
$standby->start;

# What a standby reads is what the primary has committed so far.
sub follow
{
	$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
	return;
}

#
# Answers
#

# What a server says to questions, asked in one session, in lines that have an order.
sub answers
{
	my ($node, @questions) = @_;
	my ($status, $output, $errors) = $node->psql('postgres', join("\n", 'SET client_min_messages = warning;', map { "\\echo next\n$_;" } @questions), on_error_stop => 0);
	my @answers = split /^next$/m, $output, -1;

	is($errors, '', $node->name . ' has an answer to everything');
	shift @answers;
	return map { join "\n", sort split /\n/ } @answers;
}

# Where a week or a day ends between the two, they are asked again.
sub same_answers
{
	my (@questions) = @_;
	my (@expected, @got);

	foreach (1 .. 2)
	{
		@expected = answers($primary, @questions);
		@got = answers($standby, @questions);
		last if "@got" eq "@expected";
	}
	foreach my $n (0 .. $#questions)
	{
		ok($got[$n] eq $expected[$n] && $got[$n] ne '', "on the standby: $questions[$n]")
		  or diag('primary: ' . substr($expected[$n], 0, 500) . "\nstandby: " . substr($got[$n], 0, 500));
	}
	return;
}

my $till_now = q('{recency,recency_days,median_days_since,open_median_days_since}'::text[]);
my @views = split /\n/, run_sql($primary, qq{
	SELECT format('SELECT %s FROM %s v', string_agg('v.' || quote_ident(a.attname), ', ' ORDER BY a.attnum) FILTER (WHERE a.attname <> ALL ($till_now)), c.oid::regclass)
	FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	WHERE c.relnamespace IN ('shop'::regnamespace, 'rows'::regnamespace) AND c.relkind = 'v' AND c.relname <> 'kept_rows' GROUP BY c.oid ORDER BY c.oid::regclass::text});
my @questions = map { my $question = s/\bTILL_NOW\b/$till_now/gr; ($question, $question =~ s/'shop'/'rows'/gr) } grep { /^SELECT.*\('shop'/ } split /\n/, slurp_file("$FindBin::RealBin/../scale/questions.sql");

cmp_ok(scalar(@views), '>', 45, 'there are views of both maps');
follow();
same_answers(@views, @questions, q{SELECT customer FROM audience('shop', 'carts')}, q{SELECT to_jsonb(r) FROM audience_report('shop', 'carts') r}, q{SELECT count(*) FROM check_journeys('shop') HAVING count(*) = 0});
is(run_sql($standby, 'SELECT state FROM shop.kept'), 'changed', 'it reads the store, and the changes');

#
# What writes
#

my %calls = (
	check_alerts => q{('shop')},
	create_audience => q{('shop', 'views', at_stage => 'awareness')},
	create_map => q{('new', 'sales.events', 'customer_id', 'at', 'event', 'view -> cart')},
	describe_stage => q{('shop', 'checkout', pain => 'dear')},
	drop_audience => q{('shop', 'carts')},
	drop_map => q{('shop', cascade => true)},
	drop_target => q{('shop', 'step_rate', 'checkout')},
	keep_journeys => q{('rows')},
	note => q{('shop', '2025-07-01', 'a note')},
	refresh_audiences => q{('shop')},
	refresh_journeys => q{('shop')},
	set_target => q{('shop', 'step_rate', 0.6, 'checkout')},
	take_changes => q{('shop', 'mailer')},
	unkeep_journeys => q{('shop')},
	upgrade_map => q{('shop')});

is(run_sql($primary, q{SELECT string_agg(proname, ' ' ORDER BY proname) FROM pg_proc WHERE pronamespace = 'cjm'::regnamespace AND provolatile = 'v' AND prokind = 'f'}),
	join(' ', sort keys %calls), 'all functions that write are tried');
foreach my $name (sort keys %calls)
{
	run_sql_fails($standby, "SELECT * FROM $name$calls{$name}", '25006', qr/cannot (?:execute [A-Z ]+ (?:in a read-only transaction|during recovery)|change the map "shop" in a read-only transaction\nHINT:  This server is a standby: ask its primary\.|change the map "rows" in)/, "$name says that nothing can be written");
}
same_answers(grep { /^SELECT.*\bshop\.(?:funnel|kpis|kept) v/ } @views);

#
# In its primary's place
#

my $members = q{SELECT count(*), min(number) FROM take_changes('shop', 'mailer', 7)};
my $expected = run_sql($primary, "BEGIN; $members; ROLLBACK");

$standby->promote;
is(run_sql($standby, $members), $expected, 'once it is promoted, consumers of an audience go on where they were');
run_sql($standby, q{INSERT INTO sales.events SELECT * FROM some_events(1601, 1650)});
like(run_sql($standby, q{SELECT refresh_journeys('shop'); SELECT state FROM shop.kept; SELECT count(*) FROM check_journeys('shop')}), qr/folded\n0$/, 'and journeys are kept on');
unlike(slurp_file($standby->logfile), qr/terminated by signal|PANIC:|TRAP:/, 'nothing has crashed there');
$standby->stop;

#
# Logical replication, in binary
#

my $tables = q{
	CREATE TABLE made (id bigint %s, journey journey, funnel funnel, stats funnel_stats, pattern journey_pattern, stage aida, seen touchpoint, parts journey[]);};
my $made = q{SELECT id, md5(cjm_internal.journey_send(journey)), funnel, md5(cjm_internal.funnel_stats_send(stats)), pattern, stage, seen, md5(parts::text) FROM %s ORDER BY id};
my $fill = q{INSERT INTO %s SELECT customer, journey, f.funnel, (SELECT funnel_agg(v.journey, f.funnel) FROM (VALUES (j.journey)) v(journey)), 'view .* purchase', (enum_range(NULL::aida))[1 + customer %% 4], first_touch(journey), ARRAY[journey, NULL, '{}']
	FROM shop.journeys j CROSS JOIN (SELECT 'awareness: view | search -> "оплата, or not" -> optional cart -> purchase within 30 days excluding return'::funnel) f WHERE customer BETWEEN %s};
my $subscriber = start_server('subscriber', 'max_logical_replication_workers = 4');

# With a key, and without: there a row that is changed is looked for by all that it has.
run_sql($_, sprintf($tables, 'PRIMARY KEY') . (sprintf($tables, '') =~ s/made/keyless/r) . 'ALTER TABLE keyless REPLICA IDENTITY FULL') foreach $primary, $subscriber;
run_sql($primary, sprintf($fill, $_, '1 AND 200') . ';') foreach 'made', 'keyless';
run_sql($primary, 'CREATE PUBLICATION p FOR TABLE made, keyless');
run_sql($subscriber, 'CREATE SUBSCRIPTION s CONNECTION $to$' . $primary->connstr('postgres') . '$to$ PUBLICATION p WITH (binary = true)');
$subscriber->wait_for_subscription_sync($primary, 's');
run_sql($primary, sprintf($fill, $_, '201 AND 300') . "; UPDATE $_ SET journey = journey || '{2026-01-01T00:00:00Z late}', stats = rollup_of FROM (SELECT rollup(stats) AS rollup_of FROM $_) r WHERE id % 10 = 3; DELETE FROM $_ WHERE id % 10 = 4")
  foreach 'made', 'keyless';
$primary->wait_for_catchup('s', 'replay', $primary->lsn('insert'));
is(run_sql($subscriber, "SELECT count(*) FROM $_"), '267', "$_: rows came") foreach 'made', 'keyless';
is(run_sql($subscriber, sprintf $made, $_), run_sql($primary, sprintf $made, $_), "$_: in the same bytes") foreach 'made', 'keyless';
run_sql($subscriber, 'DROP SUBSCRIPTION s');

#
# Dumps of schemas
#

my $dump = $primary->basedir . '/dump.sql';
my $say = q{SELECT md5(string_agg(f::text, E'\n')) FROM %s.funnel f; SELECT md5(string_agg(m::text, E'\n' ORDER BY m::text)) FROM %1$s.targets m};

foreach my $case ([ 'shop', 'the map with the table that it reads, and the extension', '-e', 'cjm', '-n', 'sales', '-n', 'shop' ], [ 'rows', 'all but a schema', '-N', 'shop' ])
{
	my ($map, $what, @options) = @$case;

	run_sql($primary, "CREATE DATABASE of_$map");
	command_ok([ 'pg_dump', @options, '-d', $primary->connstr('postgres'), '-f', $dump ], "dumped: $what");
	command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $primary->connstr("of_$map"), '-f', $dump ], 'and restored');
	is(run_sql($primary, sprintf($say, $map), database => "of_$map"), run_sql($primary, sprintf $say, $map), 'the map says the same');
}

# Without -e the extension has to be there before.
run_sql($primary, 'CREATE DATABASE alone');
command_ok([ 'pg_dump', '-n', 'sales', '-n', 'rows', '-d', $primary->connstr('postgres'), '-f', $dump ], 'dumped: the schemas alone');
command_fails([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $primary->connstr('alone'), '-f', $dump ], 'which is not restored without the extension');
run_sql($primary, 'DROP SCHEMA IF EXISTS sales, rows CASCADE; CREATE EXTENSION cjm', database => 'alone');
command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $primary->connstr('alone'), '-f', $dump ], 'but with it');
is(run_sql($primary, sprintf($say, 'rows'), database => 'alone'), run_sql($primary, sprintf $say, 'rows'), 'the map says the same');

server_is_well($_) foreach $primary, $subscriber;
done_testing();
