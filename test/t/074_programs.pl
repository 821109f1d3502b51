# Drivers of Python, Node, Perl and Java against a map (test/programs): with bound parameters, prepared by the server
# and not, in text and in binary, filters that are NULL, question marks in patterns, and journeys read as rows and as
# text.  Each says what psql says.  What is not installed is skipped, by name: test/tools/install fetches it.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $programs = "$FindBin::RealBin/../programs";
my $modules = "$FindBin::RealBin/../tools/node_modules";
my ($jar, $factory) = map { "/usr/share/java/$_.jar" } 'postgresql', 'junixsocket-common';
my $python = -x '/usr/bin/python3' ? '/usr/bin/python3' : 'python3';

# For JDBC, which knows no unix sockets but by a factory of another project.
my $node = start_server('programs', "listen_addresses = '127.0.0.1'\n");
run_sql($node, q{
	CREATE TABLE events (customer bigint, at timestamptz, event text, channel text, amount numeric, country text);
	INSERT INTO events VALUES
		(1, '2026-01-05 10:00Z', 'view', 'email', NULL, 'LV'), (1, '2026-01-05 10:05Z', 'cart', 'email', NULL, 'LV'), (1, '2026-01-06 09:00:00.5Z', 'pay', NULL, 49.9, 'LV'),
		(2, '2026-01-05 11:00Z', 'view', 'ads', NULL, 'EE'), (2, '2026-01-05 11:02Z', 'cart', NULL, NULL, 'EE'), (3, '2026-01-07 12:00Z', 'view', NULL, NULL, NULL);
	SELECT create_map('shop', 'events', 'customer', 'at', 'event', 'view -> cart -> pay within 7 days', channel => 'channel', value => 'amount', segment => 'country', time_zone => 'UTC');
	DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, cjm', current_database()); EXECUTE format('ALTER DATABASE %I SET TimeZone = ''UTC''', current_database()); END $$;
});

# What psql says.
my %expected = (
	'step' => run_sql($node, q{SELECT customer || ' ' || funnel_step(journey, 'view -> cart -> pay within 7 days') FROM shop.journeys WHERE customer = 1}),
	'report' => run_sql($node, q{SELECT string_agg(concat_ws(' ', step, customers, step_rate, coalesce(extract(epoch FROM median_time)::float8::text, 'NULL')), ', ' ORDER BY step)
		FROM funnel_report('shop', from_time => '2026-01-05Z', where_is => '{"segment": ["LV", "EE"]}')}),
	'everybody' => run_sql($node, q{SELECT string_agg(customers::text, ' ' ORDER BY step) FROM funnel_report('shop')}),
	'pattern' => run_sql($node, q{SELECT count(*) FILTER (WHERE matches(journey, 'view .* cart? pay')) || ' ' ||
		count(*) FILTER (WHERE matches(journey, 'cart (?t<=1 day) pay')) FROM shop.journeys}),
	'touchpoints' => run_sql($node, q{SELECT string_agg(concat_ws(' ', replace(at::text, '+00', 'Z'), event, coalesce(channel, 'NULL'), coalesce(value::text, 'NULL')), ', ' ORDER BY at)
		FROM shop.journeys, touchpoints(journey) WHERE customer = 1}),
	'journey' => run_sql($node, q{SELECT journey FROM shop.journeys WHERE customer = 1}),
	'read back' => '3',
	'jsonb' => '{"at":"2026-01-05T10:00:00Z","event":"view","channel":"email"}',
	'bigint' => 'string',
	'binary' => run_sql($node, q{SELECT encode(cjm_internal.journey_send(journey), 'hex') FROM shop.journeys WHERE customer = 1}),
	'reflected' => 'customer:BIGINT segment:TEXT journey:? dimensions:JSONB',
	'warned' => q{Did not recognize type 'journey' of column 'journey'},
	'twins' => 'stages_text:TEXT refusal_text:TEXT purchase_text:TEXT visit_text:TEXT',
	'stages' => run_sql($node, q{SELECT concat_ws(' ', stages, coalesce(refusal::text, 'NULL'), coalesce(purchase::text, 'NULL'), coalesce(visit::text, 'NULL')) FROM shop.map}),
	'types' => 'step:int64 customers:int64 step_rate:float64 median_time:timedelta64[ns]');

# An answer without what differs from language to language: how a number, a time and an interval are written.
sub plainly
{
	my ($answer, $question) = @_;

	if ($question eq 'touchpoints')
	{
		$answer =~ s/(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:Z|\+00(?::00)?)/"$1 $2" . (($3 \/\/ '') =~ m{^(\d*?[1-9])0*$} ? ".$1" : '') . 'Z'/ge;
	}
	if ($question eq 'report')
	{
		$answer =~ s/\{"(?:hours":(\d+))?,?(?:"?minutes":(\d+))?\}/($1 \/\/ 0) * 3600 + ($2 \/\/ 0) * 60/ge;
		$answer =~ s/(?:0 days )?\b(\d+):(\d\d):(\d\d)\b/$1 * 3600 + $2 * 60 + $3/ge;
		$answer =~ s/(\d)\.0\b/$1/g;
	}
	return $answer;
}

local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'postgres', PGUSER => scalar getpwuid($<));
my @questions = ('step', 'report', 'everybody', 'pattern', 'touchpoints', 'journey', 'read back');
my $url = "jdbc:postgresql://127.0.0.1:$ENV{PGPORT}/postgres?user=$ENV{PGUSER}";
# The dollar is of a name in Java.
my $socket = "jdbc:postgresql://localhost/postgres?user=$ENV{PGUSER}&socketFactory=org.newsclub.net.unix.AFUNIXSocketFactory\$FactoryArg&socketFactoryArg=" . "@{[ $node->host ]}/.s.PGSQL.$ENV{PGPORT}";
my %asks = (
	'psycopg 3' => [@questions], 'psycopg 3 prepared' => [@questions], 'psycopg 3 binary' => [ @questions, 'binary' ], 'psycopg 3 binary prepared' => [ @questions, 'binary' ], 'psycopg2' => [@questions],
	'SQLAlchemy' => [ grep({ $_ ne 'read back' } @questions), 'reflected', 'warned', 'twins', 'stages' ], 'pandas' => ['types'],
	map({ $_ => [ @questions, 'jsonb', 'bigint' ] } 'node-postgres', 'node-postgres prepared', 'postgres.js', 'postgres.js prepared'),
	map({ $_ => [@questions] } 'DBD::Pg', 'DBD::Pg prepared', 'JDBC', 'JDBC untyped', 'JDBC simple', 'JDBC by the socket'));

sub has
{
	my ($command) = @_;

	return system("$command >/dev/null 2>&1") == 0;
}

foreach my $case (
	[ [ $python, "$programs/python.py" ], map { my ($module, @drivers) = @$_; [ has("$python -c 'import $module'"), @drivers ] } (
			[ 'psycopg', 'psycopg 3', 'psycopg 3 prepared', 'psycopg 3 binary', 'psycopg 3 binary prepared' ], [ 'psycopg2', 'psycopg2' ], [ 'psycopg2, sqlalchemy', 'SQLAlchemy' ], [ 'psycopg2, sqlalchemy, pandas', 'pandas' ]) ],
	[ [ 'node', "$programs/node.js" ], [ has('node --version') && -d "$modules/pg", 'node-postgres', 'node-postgres prepared' ], [ has('node --version') && -d "$modules/postgres", 'postgres.js', 'postgres.js prepared' ] ],
	[ [ 'perl', "$programs/perl.pl" ], [ has('perl -MDBD::Pg -e 1'), 'DBD::Pg', 'DBD::Pg prepared' ] ],
	[ [ 'java', '-cp', "$jar:$factory", "$programs/Programs.java", $url, -e $factory ? $socket : () ], [ -e $jar && has('javac -version'), 'JDBC', 'JDBC untyped', 'JDBC simple' ],
		[ -e $jar && -e $factory && has('javac -version'), 'JDBC by the socket' ] ])
{
	my ($command, @families) = @$case;

	SKIP:
	{
		my @there = map { my ($there, @drivers) = @$_; $there ? @drivers : () } @families;
		my @lacking = map { my ($there, @drivers) = @$_; $there ? () : @drivers } @families;

		diag("not installed, and so not tried: @lacking") if @lacking;
		skip "$command->[0]: nothing of it is installed", 1 unless @there;
		my ($out, $err) = run_command($command);
		my %answers;

		$answers{ (split /\t/)[0] }{ (split /\t/)[1] } = (split /\t/, $_, 3)[2] foreach split /\n/, $out;
		is($err, '', "$command->[0] has nothing to complain of");
		is_deeply([ sort keys %answers ], [ sort @there ], "$command->[0]: the drivers that are installed");
		foreach my $driver (@there)
		{
			is_deeply(
				{ map { $_ => plainly($answers{$driver}{$_} // 'nothing', $_) } @{ $asks{$driver} } },
				{ map { $_ => $expected{$_} } @{ $asks{$driver} } }, "$driver says what psql says");
		}
	}
}

server_is_well($node);
done_testing();
