#!/usr/bin/perl
#
# compare.pl SOCKETS PORT COUNTS SHARDS: asks the plain server of the usual variables and the coordinator at PORT the same questions, and
# prints for each how many bytes the coordinator fetched, by the file COUNTS of proxy.pl, and what was different.
#
# The questions are those of questions.sql, one a line, and of every function of the schema cjm that takes a journey, over the table "stored";
# a view or a report that neither asks for is a failure, too.  What counts from now on until when the query came is left out of the answers:
# no two servers are asked at one time.  QUESTIONS, if set, is a regular expression: only what it matches is asked.
#
use strict;
use warnings;

use CjmArguments;
use FindBin;

my ($sockets, $port, $counts, $shards) = @ARGV;
my ($asked, $different) = (0, 0);
my $till_now = q('{recency,recency_days,median_days_since,open_median_days_since}'::text[]);
my $setup = "SET search_path = public, cjm; SET client_min_messages = warning;";

# Of these events, unlike those of the tests of one server.
my %by_type = (
	journey => 'j.journey', funnel => q('view -> optional cart -> purchase within 30 days'::cjm.funnel), journey_pattern => q('view .* purchase'::cjm.journey_pattern),
	text => q('cart'::text), 'text[]' => q('{view,purchase}'::text[]), 'timestamp with time zone' => q('2025-07-01Z'::timestamptz), tstzrange => q('[2025-03-01Z,2025-10-01Z]'::tstzrange));

my %by_name = map { $_ => plausible('text', $_) } qw(model per period bucket time_zone direction base mode);
@by_name{qw(session_rule rule by after before models purchase refusal from_time to_time)} =
  ((q('channel'::text)) x 3, ('NULL::text') x 2, q('{linear,position}'::text[]), q('purchase'::cjm.funnel), q('return'::cjm.funnel), q('2025-03-01Z'::timestamptz), q('2025-10-01Z'::timestamptz));

# What a server answers, in lines that have an order, and whether it does.
sub answer
{
	my ($at, $query) = @_;

	open my $psql, '-|', 'psql', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-v', 'VERBOSITY=terse', ($at ? ('-h', $sockets, '-p', $at) : ()), '-c', $setup, '-c', $query or die "psql: $!\n";
	my @lines = sort <$psql>;
	close $psql;
	return ($? == 0, join '', @lines);
}

sub fetched
{
	open my $file, '<:raw', $counts or die "$counts: $!\n";
	read $file, my $bytes, 8;
	return unpack 'Q<', $bytes;
}

sub ask
{
	my ($query) = @_;

	return if ($ENV{QUESTIONS} // '') ne '' && $query !~ /$ENV{QUESTIONS}/;
	my ($plain_ran, $plain) = answer(undef, $query);
	my $before = fetched();
	my ($ran, $here) = answer($port, $query);
	my $verdict = !$plain_ran ? 'NO ANSWER FROM ONE SERVER' : !$ran ? 'NO ANSWER' : $plain eq '' ? 'NOTHING TO COMPARE' : $plain ne $here ? 'DIFFERENT' : '';

	printf "%10.3f MB  %s%s\n", (fetched() - $before) / 1e6, $verdict ? "$verdict: " : '', length $query > 150 ? substr($query, 0, 147) . '...' : $query;
	$asked++;
	return unless $verdict;
	$different++;
	return unless $verdict eq 'DIFFERENT';
	my %seen;
	$seen{$_}++ foreach split /\n/, $plain;
	$seen{$_}-- foreach split /\n/, $here;
	foreach my $line ((grep { $seen{$_} > 0 } sort keys %seen)[0], (grep { $seen{$_} < 0 } sort keys %seen)[0])
	{
		printf "               %s\n", substr $line, 0, 400 if defined $line;
	}
}

my (undef, $views) = answer(undef, qq{SELECT c.relname || '|' || string_agg('v.' || quote_ident(a.attname), ', ' ORDER BY a.attnum) FILTER (WHERE a.attname <> ALL ($till_now))
	FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	WHERE c.relnamespace = 'shop'::regnamespace AND c.relkind = 'v' GROUP BY c.relname});

sub ask_views
{
	foreach (split /\n/, $views)
	{
		my ($view, $columns) = split /\|/, $_, 2;

		ask("SELECT $columns FROM shop.$view v");
	}
}

ask_views();

# Reports and drawings, and functions of rows.
my %named;
open my $questions, '<', "$FindBin::RealBin/questions.sql" or die "questions.sql: $!\n";
foreach my $question (<$questions>)
{
	chomp $question;
	next if $question eq '' || $question =~ /^--/;
	$named{$1} = 1 while $question =~ /\b([a-z][a-z_0-9]*)\(/g;
	ask($question =~ s/\bTILL_NOW\b/$till_now/gr);
}

my (undef, $functions) = answer(undef, q{
	SELECT array_to_string(ARRAY[p.proname::text, p.prokind::text, p.proretset::text, (SELECT string_agg(format_type(t, NULL), ';' ORDER BY i) FROM unnest(p.proargtypes) WITH ORDINALITY a(t, i)),
		(SELECT string_agg(p.proargnames[i], ';' ORDER BY i) FROM generate_series(1, p.pronargs) i)], '|', '')
	FROM pg_proc p WHERE p.pronamespace = 'cjm'::regnamespace});
foreach (split /\n/, $functions)
{
	my ($name, $kind, $set, $types, $names) = split /\|/, $_, -1;
	my @types = split /;/, $types;
	my @names = split /;/, $names, -1;

	# What makes, keeps and steers is no question.
	if (!grep { $_ eq 'journey' } @types)
	{
		next if !($names =~ /^map\b/ || $kind =~ /[aw]/) || $named{$name} ||
		  $name =~ /^(?:keep_journeys|refresh_journeys|unkeep_journeys|kept|check_journeys|note|set_target|drop_target|describe_stage|check_alerts|.*_audiences?|audience.*|take_changes|upgrade_map)$/;
		print "NOT ASKED: $name\n";
		$different++;
		next;
	}
	# Arguments without names are given by a question.
	next if $names eq '' && $named{$name} && grep { $_ eq 'text' } @types;
	my @arguments = map { $by_name{ $names[$_] // '' } // $by_type{ $types[$_] } // plausible($types[$_], $names[$_]) } 0 .. $#types;
	my $call = "cjm.$name(" . join(', ', @arguments) . ')';
	if ($kind eq 'a')
	{
		ask("SELECT j.segment, ($call)::text FROM stored j GROUP BY j.segment");
		ask("SELECT ($call)::text FROM stored j");
	}
	elsif ($set eq 'true')
	{
		ask("SELECT j.customer, c::text FROM stored j CROSS JOIN LATERAL $call c");
	}
	elsif ($kind eq 'f')
	{
		ask("SELECT j.customer, ($call)::text FROM stored j");
	}
}

# A map from before its source was distributed has no answer until it is made anew, and then the right one.
my $make = "SELECT create_map('late', source => 'late_events', customer => 'customer_id', at => 'at', event => 'event', stages => 'view -> cart'";
my $funnel = 'SELECT step, customers FROM late.funnel';

answer($port, $_) foreach 'CREATE TABLE late_events AS SELECT customer_id, at, event FROM events WHERE customer_id <= 500', "$make)";
my ($was_told, $told) = answer($port, $funnel);
answer($port, "SELECT create_distributed_table('late_events', 'customer_id')");
my ($is_told) = answer($port, $funnel);
answer($port, "$make, replace => true)");
my (undef, $again) = answer($port, $funnel);
if (!$was_told || $is_told || $told eq '' || $again ne $told)
{
	print "A MAP FROM BEFORE: $told/$again\n";
	$different++;
}

# What one says, messages too.
sub told
{
	my ($at, @statements) = @_;

	open my $psql, '-|', 'sh', '-c', 'exec "$0" "$@" 2>&1', 'psql', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-v', 'VERBOSITY=terse', ($at ? ('-h', $sockets, '-p', $at) : ()),
	  map { ('-c', $_) } 'SET search_path = public, cjm', @statements
	  or die "psql: $!\n";
	my @lines = <$psql>;
	close $psql;
	return join '', @lines;
}

# Who may read, whose customer is no bare column, and who would keep journeys, is told so; what doc/scale.md has for readers works.
my $of_readers = 'SELECT step, stage, customers FROM shop.funnel';
my $makes_function = q{CREATE FUNCTION shop_funnel() RETURNS SETOF shop.funnel LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN QUERY SELECT * FROM shop.funnel;
END $$};
my @told = (
	[ 'a reader', qr/^ERROR:.*permission denied/m, 'CREATE ROLE analysts LOGIN', 'GRANT USAGE ON SCHEMA shop TO analysts', 'GRANT SELECT ON shop.funnel TO analysts', 'SET ROLE analysts', $of_readers ],
	[ 'check_map of readers', qr/^readers need the source/m, "SELECT finding FROM check_map('shop')" ],
	[ 'a reader by a function', qr/(?<![^\n])\Q@{[ (told(undef, $of_readers))[0] ]}\E\z/, $makes_function, 'REVOKE EXECUTE ON FUNCTION shop_funnel() FROM PUBLIC', 'GRANT EXECUTE ON FUNCTION shop_funnel() TO analysts',
		'SET ROLE analysts', 'SELECT step, stage, customers FROM shop_funnel()' ],
	[ 'a customer who is no bare column', qr/NOTICE:.*not the column that the source is distributed by/, q(SELECT create_map('texts', source => 'events', customer => 'customer_id::text', at => 'at', event => 'event', stages => 'view -> cart')) ],
	[ 'check_map of that', qr/^rows are fetched/m, "SELECT finding FROM check_map('texts')" ],
	[ 'keep_journeys', qr/^ERROR:.*is distributed, and Citus takes no triggers on it/m, "SELECT keep_journeys('shop')" ]);
foreach (@told)
{
	my ($what, $expected, @statements) = @$_;
	my $said = told($port, @statements);

	next if $said =~ $expected;
	print "NOT TOLD, $what: $said\n";
	$different++;
}

# The same views over a table of journeys, as doc/scale.md has it.
foreach my $statement ('CREATE TABLE made AS SELECT * FROM shop.journeys WITH NO DATA', q(SELECT create_distributed_table('made', 'customer', colocate_with => 'events')),
	'INSERT INTO made SELECT * FROM shop.journeys', 'CREATE OR REPLACE VIEW shop.journeys AS SELECT * FROM public.made')
{
	my ($ran) = answer($port, $statement);

	next if $ran;
	print "NOT DONE: $statement\n";
	$different++;
}
print "Over a table of journeys:\n";
ask_views();

print "$asked asked in $shards shards, $different not equal\n";
exit($different > 0);
