# The dbt project in example/dbt: its SQL, rendered by the little of Jinja that
# it uses, is run as dbt runs it on PostgreSQL, first in full, then
# incrementally after new, late and repeated rows, then in full again; each time
# the stored journeys are those that the rows make, the project's own tests
# pass, and what others have on the map stays.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use CPAN::Meta::YAML;
use PostgreSQL::Test::Utils;
use Test::More;

my $project = "$FindBin::RealBin/../../example/dbt";
my $database = 'shop';
my $schema = 'journeys';
my %dbt = (database => $database, user => 'dbt');
my %bi = (database => $database, user => 'grafana');

#
# The project's files
#

my $name = read_yaml('dbt_project.yml')->{name};
my %models = map { m{([^/]+)\.sql$} ? ($1 => { sql => slurp($_) }) : () } glob("$project/models/*.sql");
my %tests = map { m{([^/]+)\.sql$} ? ($1 => slurp($_)) : () } glob("$project/tests/*.sql");
my @described = map { read_yaml($_) } map { s{^\Q$project/\E}{}r } glob("$project/models/*.yml");
my %described = map { $_->{name} => $_ } map { @{ $_->{models} // [] } } @described;
my %sources = map { my $s = $_; map { ("$s->{name}.$_->{name}" => { %$_, relation => relation($s->{schema}, $_->{name}) }) } @{ $s->{tables} } }
  map { @{ $_->{sources} // [] } } @described;
my %macros;
my %depends;
my ($rendering, $incremental, %config);
my $node = start_server('dbt');

foreach my $file (glob("$project/macros/*.sql"))
{
	my $text = slurp($file) =~ s/\{#.*?#\}//gsr;

	$macros{$1} = $2 while $text =~ s/\{%\s*macro\s+(\w+)\(\)\s*%\}(.*?)\{%\s*endmacro\s*%\}//s;
	like($text, qr/\A\s*\z/, "$file has nothing but macros");
}
like($name, qr/^\w+$/, 'the project has a name');
is_deeply([ sort keys %described ], [ sort keys %models ], 'every model is described');
is(scalar keys %sources, 1, 'one source');

#
# dbt's part
#

sub slurp
{
	return PostgreSQL::Test::Utils::slurp_file($_[0]);
}

sub read_yaml
{
	my ($file) = @_;

	return CPAN::Meta::YAML->read_string(slurp("$project/$file"))->[0];
}

sub relation
{
	return join '.', map { qq("$_") } $database, @_;
}

# Jinja, as far as the project uses it; anything else ends the test.
sub render
{
	my ($template) = @_;
	my $text = '';
	my $string = qr/'([^']*)'/;
	my @hidden;

	$template =~ s/\{#.*?#\}//gs;
	pos($template) = 0;
	until ($template =~ /\G\z/gc)
	{
		my $piece = '';

		if ($template =~ /\G\{%\s*if is_incremental\(\)\s*%\}/gc)
		{
			push @hidden, !$incremental;
		}
		elsif ($template =~ /\G\{%\s*endif\s*%\}/gc)
		{
			die "endif without if in $rendering" unless @hidden;
			pop @hidden;
		}
		elsif ($template =~ /\G\{\{\s*config\(((?:\s*\w+=$string\s*,?)*)\s*\)\s*\}\}/gc)
		{
			my $arguments = $1;

			$config{$1} = $2 while $arguments =~ /(\w+)=$string/g;
		}
		elsif ($template =~ /\G\{\{\s*ref\($string\)\s*\}\}/gc)
		{
			die "$rendering refers to $1, which is no model" unless $models{$1};
			$depends{$rendering}{$1} = 1;
			$piece = relation($schema, $1);
		}
		elsif ($template =~ /\G\{\{\s*source\($string,\s*$string\)\s*\}\}/gc)
		{
			$piece = ($sources{"$1.$2"} // die "$rendering reads $1.$2, which is no source")->{relation};
		}
		elsif ($template =~ /\G\{\{\s*this\s*\}\}/gc)
		{
			$piece = relation($schema, $rendering);
		}
		elsif ($template =~ /\G\{\{\s*(\w+)\(\)\s*\}\}/gc)
		{
			$piece = render($macros{$1} // die "$rendering calls $1, which is no macro");
		}
		elsif ($template =~ /\G((?:(?!\{[\{%#]|[\}%#]\}).)+)/gcs)
		{
			$piece = $1;
		}
		else
		{
			die "this is more Jinja than the test knows, in $rendering: " . substr($template, pos $template, 60);
		}
		$text .= $piece unless grep { $_ } @hidden;
	}
	die "if without endif in $rendering" if @hidden;
	return $text;
}

# Renders a model; its configuration is then in %config.
sub render_model
{
	my ($model, $is_incremental) = @_;

	($rendering, $incremental) = ($model, $is_incremental);
	%config = (materialized => 'view');
	return render($models{$model}{sql});
}

# What dbt-postgres does for one model, in one transaction.
sub build_model
{
	my ($model, $full_refresh) = @_;
	my $this = relation($schema, $model);
	my $exists = run_sql($node, "SELECT to_regclass('$this') IS NOT NULL", %dbt) eq 't';
	my $rendered = render_model($model, 0);
	my $is_incremental = $config{materialized} eq 'incremental' && $exists && !$full_refresh;
	my $sql = $is_incremental ? render_model($model, 1) : $rendered;
	my $hook = $config{post_hook} ? render($config{post_hook}) : '';
	my $script = "BEGIN;\n";

	die "$model is materialized as $config{materialized}" unless $config{materialized} =~ /^(?:incremental|table)$/;
	if ($is_incremental)
	{
		die "$model has no strategy that this test knows" unless $config{incremental_strategy} eq 'delete+insert' && $config{unique_key};
		$script .= qq{CREATE TEMPORARY TABLE "${model}__dbt_tmp" AS ($sql\n);
			DELETE FROM $this AS DBT_INTERNAL_DEST WHERE ($config{unique_key}) IN
				(SELECT DISTINCT $config{unique_key} FROM "${model}__dbt_tmp" AS DBT_INTERNAL_SOURCE);
			INSERT INTO $this SELECT * FROM "${model}__dbt_tmp";\n$hook\nCOMMIT;\n};
	}
	elsif ($exists)
	{
		$script .= 'CREATE TABLE ' . relation($schema, "${model}__dbt_tmp") . qq{ AS ($sql\n);
			ALTER TABLE $this RENAME TO "${model}__dbt_backup";
			ALTER TABLE } . relation($schema, "${model}__dbt_tmp") . qq{ RENAME TO "$model";\n$hook\nCOMMIT;
			DROP TABLE } . relation($schema, "${model}__dbt_backup") . " CASCADE;\n";
	}
	else
	{
		$script .= "CREATE TABLE $this AS ($sql\n);\n$hook\nCOMMIT;\n";
	}
	run_sql($node, $script, %dbt);
	return $is_incremental;
}

# Models after those that they read.
sub in_order
{
	my @left = sort keys %models;
	my %done;
	my @order;

	render_model($_, 1) foreach @left;
	while (@left)
	{
		my ($next) = grep { !grep { !$done{$_} } keys %{ $depends{$_} // {} } } @left;

		die 'the models depend on each other in a circle' unless $next;
		push @order, $next;
		$done{$next} = 1;
		@left = grep { $_ ne $next } @left;
	}
	return @order;
}

# The rows that each test of the project finds wrong, as a number by the test's name.
sub failures
{
	my %found;

	foreach my $test (sort keys %tests)
	{
		($rendering, $incremental) = ($test, 0);
		$found{$test} = 'SELECT * FROM (' . render($tests{$test}) . "\n) t";
	}
	foreach my $table (values %described, values %sources)
	{
		my $relation = $table->{relation} // relation($schema, $table->{name});

		foreach my $column (@{ $table->{columns} })
		{
			foreach my $test (@{ $column->{data_tests} // [] })
			{
				die "this test does not know the data test $test" unless $test =~ /^(?:unique|not_null)$/;
				$found{"$table->{name} $column->{name} $test"} = $test eq 'unique'
				  ? "SELECT $column->{name} FROM $relation WHERE $column->{name} IS NOT NULL GROUP BY 1 HAVING count(*) > 1"
				  : "SELECT 1 FROM $relation WHERE $column->{name} IS NULL";
			}
			run_sql($node, "SELECT $column->{name} FROM $relation LIMIT 0", %dbt);
		}
	}
	$_ = run_sql($node, "SELECT count(*) FROM ($_) f", %dbt) foreach values %found;
	return { map { $_ => $found{$_} } grep { $found{$_} > 0 } keys %found };
}

#
# A shop whose rows say when they were written
#

run_sql($node, qq{
	CREATE ROLE dbt LOGIN;
	CREATE ROLE grafana LOGIN;
	CREATE DATABASE $database;
	GRANT CREATE ON DATABASE $database TO dbt;
});
run_sql($node, q{
	CREATE EXTENSION cjm;
	CREATE TABLE events (customer_id bigint, at timestamptz, event text, channel text, amount float8, loaded_at timestamptz NOT NULL);
	GRANT SELECT ON events TO dbt;
	CREATE FUNCTION load(from_day integer, to_day integer, at_time timestamptz) RETURNS void LANGUAGE sql AS $$
		INSERT INTO events
		SELECT nullif(c, 77), t, (ARRAY['view', 'view', 'search', 'cart', 'checkout', 'purchase', ''])[1 + (r2 & 1023) % 7],
			(ARRAY['ads', 'email', NULL, ''])[1 + (r3 & 1023) % 4], CASE WHEN r3 % 5 = 0 THEN (r2 & 255) / 4.0 END, at_time
		FROM generate_series(from_day, to_day) d, generate_series(1, 400) i,
			LATERAL (SELECT 1 + (hashint8(d * 1000 + i) & 1048575) % 300 AS c, hashint8(d * 1000 + i + 1) AS r2, hashint8(d * 1000 + i + 2) AS r3) r,
			LATERAL (SELECT timestamptz '2026-01-01 00:00Z' + d * interval '1 day' + (r2 & 16777215) % 86400 * interval '1 second' AS t) at
	$$;
	SELECT load(1, 10, '2026-01-11 03:00Z'), load(11, 20, '2026-01-21 03:00Z');
}, database => $database);
run_sql($node, "CREATE SCHEMA $schema", %dbt);

# What the stored tables have to be, from the rows alone.
my $journeys = q{SELECT customer_id AS customer, (array_agg(channel ORDER BY at, channel COLLATE "C") FILTER (WHERE channel <> ''))[1] AS segment,
	cjm.journey_agg(at, event, nullif(channel, ''), amount) AS journey
	FROM events WHERE customer_id IS NOT NULL AND event <> '' GROUP BY customer_id};

sub is_whole
{
	my ($when) = @_;

	foreach my $stored ("$schema.journeys", 'shop_map.journeys')
	{
		is(run_sql($node, "SELECT count(*) > 200, count(*) FILTER (WHERE (s.segment, s.journey::text) IS DISTINCT FROM (j.segment, j.journey::text))
			FROM $stored s FULL JOIN ($journeys) j USING (customer)", %dbt), 't|0', "$when: $stored has the journeys of the rows");
	}
	is(run_sql($node, "SELECT string_agg(customers::text, ' ' ORDER BY step) FROM $schema.funnel", %dbt),
		run_sql($node, "SELECT string_agg(customers::text, ' ' ORDER BY step) FROM cjm.report((SELECT cjm.funnel_agg(journey, '$macros{stages}') FROM ($journeys) j))", %dbt),
		"$when: the funnel");
	is(run_sql($node, 'SELECT string_agg(customers::text, $$ $$ ORDER BY step) FROM shop_map.funnel', %bi),
		run_sql($node, "SELECT string_agg(customers::text, ' ' ORDER BY step) FROM $schema.funnel", %dbt), "$when: the map says the same, to those who may read it");
	unlike(run_sql($node, 'EXPLAIN SELECT * FROM shop_map.funnel', %dbt), qr/on events/, "$when: it reads the stored journeys");
	is_deeply(failures(), {}, "$when: the tests of the project pass");
	return;
}

#
# Runs
#

my @order = in_order();
is_deeply(\@order, [qw(journeys_by_day journeys funnel)], 'the models in order');

is_deeply([ map { build_model($_, 0) ? "$_ incremental" : "$_ in full" } @order ], [ map { "$_ in full" } @order ], 'the first run');
run_sql($node, q{
	GRANT USAGE ON SCHEMA shop_map TO grafana;
	GRANT SELECT ON shop_map.map, shop_map.funnel TO grafana;
	CREATE VIEW public.chart AS SELECT stage, customers FROM shop_map.funnel;
}, database => $database);
is_whole('the first run');
my $first_run = run_sql($node, "SELECT DISTINCT xmin FROM $schema.journeys_by_day", %dbt);
like($first_run, qr/^\d+$/, 'every day was written at once');

# New days, rows for days long past, a customer who was not there, the same rows once more, and one written before the last that was read.
run_sql($node, q{
	SELECT load(21, 22, '2026-01-23 03:00Z');
	INSERT INTO events VALUES (1, '2026-01-03 00:00Z', 'view', 'late', NULL, '2026-01-23 03:00Z'), (9001, '2025-11-30 23:59:59Z', 'search', NULL, NULL, '2026-01-23 03:00Z'),
		(9002, '2026-01-09 00:00Z', 'purchase', 'ads', 5, '2026-01-21 02:30Z');
	INSERT INTO events SELECT customer_id, at, event, channel, amount, '2026-01-23 03:00Z' FROM events WHERE at < '2026-01-05Z' AND customer_id < 40;
}, database => $database);
isnt(run_sql($node, "SELECT count(*) FROM ($journeys) j WHERE NOT EXISTS (SELECT FROM $schema.journeys s WHERE s.journey::text = j.journey::text)", %dbt), 0, 'the stored journeys are out of date');
ok(failures()->{every_event_is_in_a_journey}, 'and a test of the project says so');
is_deeply([ map { build_model($_, 0) ? "$_ incremental" : "$_ in full" } @order ], [ 'journeys_by_day incremental', 'journeys incremental', 'funnel in full' ], 'the second run');
is_whole('the second run');

# It writes what it has to.
is(run_sql($node, "SELECT string_agg(DISTINCT day::text, ' ' ORDER BY day::text) FROM $schema.journeys_by_day WHERE xmin::text = '$first_run'", %dbt),
	join(' ', map { "2026-01-$_" } qw(05 06 07 08 10 11)), 'days without new rows were left alone');

build_model($_, 0) foreach @order;
is_whole('a run with nothing new');

run_sql($node, q{DELETE FROM events WHERE customer_id = 5}, database => $database);
build_model($_, 1) foreach @order;
is_whole('a full refresh');
is(run_sql($node, 'SELECT count(*) FROM chart', database => $database), 4, 'a view of somebody else over the map is still there');

# The project's tests see what they are for.
run_sql($node, "INSERT INTO $schema.journeys SELECT * FROM $schema.journeys WHERE customer = 1; UPDATE $schema.funnel SET customers = 1 WHERE step = 1", %dbt);
is_deeply([ sort keys %{ failures() } ], [ 'every_event_is_in_a_journey', 'journeys customer unique', 'the_funnel_narrows' ], 'the tests of the project can fail');

server_is_well($node);
done_testing();
