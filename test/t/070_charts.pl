# The Grafana dashboard in example/grafana: that the file is one, and that each
# of its queries, with variables and macros put in as Grafana does, runs with
# the rights that doc/bi.md gives to a role for charts, has the columns that its
# panel names, in types that Grafana can draw, and says what plain SQL says.
# And the queries with variables in doc/bi.md, for Metabase and Superset too.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = "$FindBin::RealBin/../..";
my $dashboard = decode_json(slurp_file("$root/example/grafana/cjm-map.json"));
my %variables = map { $_->{name} => $_ } @{ $dashboard->{templating}{list} };
my @panels = @{ $dashboard->{panels} };
my @charts = grep { $_->{type} ne 'row' } @panels;
my @range = ('2025-02-01T00:00:00Z', '2025-10-31T22:59:59.999Z');

# What has to be in the answer of a query for each type of panel: a column of text before the first number, or a time.
my %needs = (stat => 'number', bargauge => 'text', barchart => 'text', table => 'any', timeseries => 'time');

# A number in Grafana, where an interval or a date is text or a moment in another zone.
my %grafana_type = (
	'integer' => 'number', 'bigint' => 'number', 'double precision' => 'number', 'numeric' => 'number',
	'text' => 'text', 'boolean' => 'boolean', 'timestamp with time zone' => 'time');

#
# The file
#

is(ref $dashboard, 'HASH', 'the file is JSON');
ok($dashboard->{schemaVersion} >= 36 && $dashboard->{schemaVersion} <= 39, 'of a schema that Grafana 10 reads');
ok(!exists $dashboard->{id} && !exists $dashboard->{__inputs} && $dashboard->{uid} =~ /^[\w-]{1,40}$/, 'it can be imported as it is');
is(scalar keys %{ { map { $_->{id} => 1 } @panels } }, scalar @panels, 'every panel has an id of its own');
is_deeply([ grep { $_->{title} eq '' || ($_->{type} ne 'row' && ($_->{description} // '') eq '') } @panels ], [], 'every panel says what it shows');
is_deeply([ map { $_->{title} } grep { !$needs{ $_->{type} } } @charts ], [], 'all panels come with Grafana');

my %taken;
my @crossing;
foreach my $panel (@panels)
{
	my ($x, $y, $w, $h) = @{ $panel->{gridPos} }{qw(x y w h)};

	push @crossing, "$panel->{title} leaves the grid" if $x < 0 || $y < 0 || $w < 1 || $h < 1 || $x + $w > 24;
	foreach my $column ($x .. $x + $w - 1)
	{
		foreach my $place (map { "$column,$_" } $y .. $y + $h - 1)
		{
			push @crossing, "$panel->{title} lies on $taken{$place}" if $taken{$place};
			$taken{$place} = $panel->{title};
		}
	}
}
is_deeply(\@crossing, [], 'no panel lies on another');

my @queried = grep { $_->{type} eq 'query' } @{ $dashboard->{templating}{list} };
my @sources = map { $_->{datasource} } @charts, (map { @{ $_->{targets} } } @charts), @queried;
is_deeply([ grep { $_->{uid} ne '${datasource}' } @sources ], [], 'every query asks the data source that is chosen');
is_deeply([ map { $_->{title} } grep { @{ $_->{targets} } != 1 || !$_->{targets}[0]{rawQuery} } @charts ], [], 'one query a panel');

my $text = join "\n", map { ($_->{title}, $_->{description} // '', map { $_->{rawSql} } @{ $_->{targets} // [] }) } @panels;
$text = join "\n", $text, map { $_->{query} } @queried;
is_deeply([ sort keys %{ { map { $_ => 1 } $text =~ /\$\{(\w+)/g } } ], [ grep { $_ ne 'datasource' } sort keys %variables ], 'every variable is used, and none is missing');
unlike($text, qr/\$\w*map|'\$\{|\$\{\w+\}(?!$|[ .;,])/m, 'no variable is put into SQL without being quoted by Grafana');

#
# Grafana's part
#

# What Grafana's format sqlstring makes of a value, since version 10.4.
sub sql_string
{
	my ($value) = @_;

	$value =~ s/(['"])/$1 eq "'" ? "''" : '\\"'/ge;
	return "'$value'";
}

sub interpolate
{
	my ($sql, %value) = @_;
	my ($from, $to) = @value{qw(from to)};

	$from //= $range[0];
	$to //= $range[1];
	my $rest = $sql =~ s/\$\{\w+:sqlstring\}|\$__timeFrom\(\)|\$__timeTo\(\)//gr;
	die "Grafana has more to put in than this test knows: $sql" if $rest =~ /\$/;
	$sql =~ s/\$__timeFrom\(\)/'$from'/g;
	$sql =~ s/\$__timeTo\(\)/'$to'/g;
	$sql =~ s/\$\{(\w+):sqlstring\}/variable($1, \%value)/ge;
	return $sql;
}

# Of several values each is a string of its own; what stands for all of them is put in as it is.
sub variable
{
	my ($name, $value) = @_;
	my $chosen = $value->{$name} // die "no variable $name";

	return sql_string($chosen) unless ref $chosen;
	return "@$chosen" eq '$__all' ? $variables{$name}{allValue} : join ',', map { sql_string($_) } @$chosen;
}

# The columns that a panel sees, by name: after its transformations.
sub seen_columns
{
	my ($panel, $rows, %type) = @_;

	foreach my $transformation (@{ $panel->{transformations} // [] })
	{
		my ($id, $options) = @$transformation{qw(id options)};

		die "this test does not know the transformation $id" unless $id eq 'groupingToMatrix';
		my ($row, $column, $value) = @$options{qw(rowField columnField valueField)};
		my %cells;

		die "$panel->{title}: no column $_" foreach grep { !$type{$_} } $row, $column, $value;
		$cells{ $_->{$row}, $_->{$column} }++ foreach @$rows;
		is(scalar(grep { $_ > 1 } values %cells), 0, "$panel->{title}: one value for each cell");
		%type = ("$row\\$column" => $type{$row}, map { $_->{$column} => $type{$value} } @$rows);
	}
	return %type;
}

#
# The data, and a role with the rights of doc/bi.md
#

my $node = start_server('charts');
my %bi = (user => 'grafana');
my $definition = q('events', 'customer_id', 'at', 'event', 'awareness: view | search -> cart -> checkout -> purchase within 30 days',
	channel => 'channel', value => 'amount', segment => 'CASE customer_id % 3 WHEN 0 THEN ''LV'' WHEN 1 THEN ''EE'' END', time_zone => 'Europe/Riga',
	dimensions => '{"device": "CASE WHEN customer_id % 7 < 3 THEN ''mobile'' WHEN customer_id % 7 < 6 THEN ''a \"screen\"'' END"}');

$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-f', "$root/test/demo/generator.sql" ], 'the demonstration');
run_sql($node, q{DELETE FROM events WHERE customer_id % 5 > 0});
run_sql($node, 'VACUUM FULL ANALYZE events');
run_sql($node, qq{
	CREATE ROLE grafana LOGIN;
	SELECT create_map('shop', $definition);
	GRANT USAGE ON SCHEMA shop TO grafana;
	GRANT SELECT (segment, dimensions, journey) ON shop.journeys TO grafana;
});
# And the views that doc/bi.md lists.
my ($granted) = slurp_file("$root/doc/bi.md") =~ /^GRANT SELECT ON (shop\.map,.*?) TO charts;$/ms;
$granted =~ s/\s+/ /g;
is(run_sql($node, "SELECT count(*) FROM pg_attribute WHERE attrelid = ANY ('{$granted}'::regclass[]) AND attname = 'customer' AND attrelid <> 'shop.map'::regclass"), 0,
	'doc/bi.md grants no view that names customers');
run_sql($node, "GRANT SELECT ON $granted TO grafana");
run_sql_fails($node, "SELECT $_", '42501', qr/permission denied/, "the role cannot SELECT $_", %bi)
  foreach '* FROM events', '* FROM shop.events', '* FROM shop.customers', 'customer FROM shop.journeys', '* FROM shop.journeys';

# Everything that tells something of a map, whether the dashboard asks for it or not, from views that name no customer.
run_sql($node, q{SELECT format('GRANT SELECT ON shop.%I TO grafana', relname) FROM pg_class c WHERE relnamespace = 'shop'::regnamespace AND relname <> 'events'
	AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'customer') \gexec});
my @reports = split /\n/, run_sql($node, q{SELECT format('cjm.%I(%L)', proname, 'shop') FROM pg_proc
	WHERE pronamespace = 'cjm'::regnamespace AND proretset AND proargnames[1] = 'map' AND proargtypes[0] = 'text'::regtype AND pronargs - pronargdefaults = 1
		-- Customers' words are nobody's who may not know them.
		AND proname NOT IN ('check_journeys', 'kept', 'feedback_words') AND provolatile <> 'v' ORDER BY 1});
cmp_ok(scalar(grep { /_report\(/ } @reports), '>=', 11, 'there are reports');
# Nobody has answered anything here.
ok(run_sql($node, 'SELECT count(*) ' . (/feedback/ ? '=' : '>') . " 0 FROM $_", %bi) eq 't', "$_ does not need to know whose journeys they are") foreach @reports;

is(run_sql($node, $variables{map}{query}, %bi), 'shop', 'the variable lists the maps');

#
# Every query
#

my %value = (map => 'shop', map { $_->{name} => $_->{current}{value} } grep { $_->{type} eq 'custom' } values %variables);
my %answers;

# What a variable offers; the first is chosen until somebody chooses, or all of them where that is offered.
sub offered
{
	my ($name, %given) = @_;

	return split /\n/, run_sql($node, interpolate($variables{$name}{query}, %given), %bi);
}

# The values of all variables where some are given: those that are asked for by a query come in the order of the file.
sub chosen
{
	my (%given) = @_;

	foreach my $variable (grep { !exists $given{ $_->{name} } } @queried)
	{
		$given{ $variable->{name} } = $variable->{includeAll} ? [ '$__all' ] : (offered($variable->{name}, %given))[0] // '';
	}
	return %given;
}

%value = chosen(%value);
is_deeply([ offered('split', %value) ], [qw(entry_channel first_channel session_channel device segment)], 'what the map can be split by');
is("$value{dimension} $value{dimension2}", 'device segment', 'the first two dimensions of the map');
is_deeply([ sort { $a cmp $b } offered('values', %value) ], [ '(none)', 'a "screen"', 'mobile' ], 'the values of the first');
is_deeply([ sort { $a cmp $b } offered('values2', %value) ], [ '(none)', 'EE', 'LV' ], 'and of the second');
is_deeply([ grep { $_->{targets}[0]{rawSql} !~ /where_is => convert_from\(decode\(\$\{where_is:sqlstring\}/ } @charts ], [], 'every panel is of the customers that are chosen');
is($variables{where_is}{hide}, 2, 'which is worked out, and not asked');

foreach my $panel (@charts)
{
	my $title = "$panel->{title} ($panel->{type})";
	my $sql = interpolate($panel->{targets}[0]{rawSql}, %value);
	my @described = map { [ split /\|/ ] } split /\n/, run_sql($node, "$sql \\gdesc", %bi);
	my %type = map { $_->[0] => $grafana_type{ $_->[1] } } @described;
	my $rows = decode_json(run_sql($node, "SELECT coalesce(json_agg(q), '[]') FROM ($sql) q", %bi));

	is_deeply([ map { "@$_" } grep { !$grafana_type{ $_->[1] } } @described ], [], "$title: columns that Grafana can draw");
	is(scalar keys %type, scalar @described, "$title: no two columns have the same name");
	cmp_ok(scalar @$rows, '>', 0, "$title: rows");
	# Of a time range long ago all is over.
	is_deeply([ grep { my $name = $_; $name !~ /_not_over$/ && !grep { defined $_->{$name} } @$rows } keys %type ], [], "$title: no column is empty");

	my $first = $grafana_type{ $described[0][1] };
	my $need = $needs{ $panel->{type} };
	ok($need eq 'any' || $first eq $need, "$title: the first column is what the panel needs");
	is($panel->{targets}[0]{format}, $need eq 'time' ? 'time_series' : 'table', "$title: in the format for it");
	if ($need eq 'time')
	{
		my @times = map { $_->{time} } @$rows;

		is($described[0][0], 'time', "$title: the time is called so");
		is_deeply(\@times, [ sort @times ], "$title: in the order of time");
		is_deeply([ map { $_->[0] } @described ], [qw(time metric value)], "$title: a line for each metric") if $type{metric};
	}
	is($panel->{options}{xField}, $described[0][0], "$title: bars are named after the first column") if $panel->{type} eq 'barchart';
	if ($panel->{type} eq 'stat' || $panel->{type} eq 'bargauge')
	{
		my $fields = $panel->{options}{reduceOptions}{fields};
		my @numbers = grep { $type{$_} eq 'number' && ($fields eq '' || $fields eq "/^$_\$/") } keys %type;

		cmp_ok(scalar @numbers, '>', 0, "$title: shows a number");
		is(scalar @$rows, 1, "$title: of one row") if $panel->{type} eq 'stat';
	}

	my %seen = seen_columns($panel, $rows, %type);
	is_deeply([ grep { !$seen{$_} } map { $_->{matcher}{options} } @{ $panel->{fieldConfig}{overrides} } ], [], "$title: has the columns that it names");
	is_deeply(
		[ grep { my $o = $_; grep { $_->{id} =~ /^(?:unit|decimals|min|max)$/ } @{ $o->{properties} } and $seen{ $o->{matcher}{options} } ne 'number' }
			  @{ $panel->{fieldConfig}{overrides} } ],
		[], "$title: units are those of numbers");
	$answers{$title} = $rows;
}

# Those who are chosen, by plain SQL: a value with quotes, several with none, and both dimensions at once.
foreach my $choice ([ [ 'a "screen"' ], ['$__all'], 'customer_id % 7 IN (3, 4, 5)' ], [ [ 'mobile', '(none)' ], ['LV'], 'customer_id % 7 IN (0, 1, 2, 6) AND customer_id % 3 = 0' ],
	[ ['$__all'], ['(none)'], 'customer_id % 3 = 2' ])
{
	my ($values, $values2, $condition) = @$choice;
	my %those = chosen(map => 'shop', bucket => 'week', split => 'device', values => $values, values2 => $values2);
	my $asked = sub {
		my ($title, $column) = @_;
		my ($panel) = grep { "$_->{title} ($_->{type})" eq $title } @charts;

		return run_sql($node, "SELECT $column FROM (" . interpolate($panel->{targets}[0]{rawSql}, %those) . ') q', %bi);
	};

	is($asked->('Customers who began the funnel, and who completed it (stat)', 'began'),
		run_sql($node, "SELECT count(DISTINCT customer_id) FROM events WHERE event IN ('view', 'search') AND at >= '$range[0]' AND at < '$range[1]' AND $condition"), "who began, of those where $condition");
	is($asked->('Purchases by ${split} (table)', 'sum(purchases)'),
		run_sql($node, "SELECT count(*) FROM events WHERE event = 'purchase' AND at >= '$range[0]' AND at < '$range[1]' AND $condition"), 'and their purchases');
}
run_sql($node, q{SELECT create_map('bare', 'events', 'customer_id', 'at', 'event', 'view -> purchase'); GRANT USAGE ON SCHEMA bare TO grafana; GRANT SELECT ON bare.map TO grafana; GRANT SELECT (segment, dimensions, journey) ON bare.journeys TO grafana});
my %bare = chosen(map => 'bare');
is_deeply([ $bare{dimension}, offered('values', %bare), pack('H*', $bare{where_is}) ], [ '', '{}' ], 'of a map without dimensions nobody can be chosen');
cmp_ok(run_sql($node, 'SELECT max(customers) FROM (' . interpolate((grep { $_->{type} eq 'bargauge' } @charts)[0]{targets}[0]{rawSql}, %bare) . ') q', %bi), '>', 0, 'and everybody is shown');

# Every value of the variables runs.
foreach my $variable (grep { $_->{type} eq 'custom' } values %variables)
{
	is_deeply([ map { $_->{value} } @{ $variable->{options} } ], [ split /,/, $variable->{query} ], "the values of $variable->{name}");
	foreach my $choice (map { $_->{value} } @{ $variable->{options} })
	{
		my @asked = grep { $_->{targets}[0]{rawSql} =~ /\$\{$variable->{name}:/ } @charts;
		my @empty = grep { run_sql($node, 'SELECT count(*) FROM (' . interpolate($_->{targets}[0]{rawSql}, %value, $variable->{name} => $choice) . ') q', %bi) == 0 } @asked;

		cmp_ok(scalar @asked, '>', 0, "$variable->{name} = $choice is asked for");
		is_deeply([ map { $_->{title} } @empty ], [], "$variable->{name} = $choice: rows");
	}
}

#
# What it says, by plain SQL
#

my $in_range = "at >= '$range[0]' AND at < '$range[1]'";
my $plain = decode_json(run_sql($node, qq{
	WITH sessions AS (
		SELECT customer_id, min(at) AS at, count(*) AS touches FROM (
			SELECT customer_id, at, count(*) FILTER (WHERE begins) OVER (PARTITION BY customer_id ORDER BY at) AS n FROM (
				SELECT customer_id, at, coalesce(at - lag(at) OVER (PARTITION BY customer_id ORDER BY at) > interval '30 minutes', true) AS begins
				FROM events) e) s
		GROUP BY customer_id, n)
	SELECT json_build_object(
		'began', (SELECT count(DISTINCT customer_id) FROM events WHERE event IN ('view', 'search') AND $in_range),
		'carts', (SELECT count(DISTINCT a.customer_id) FROM (SELECT * FROM events WHERE event IN ('view', 'search') AND $in_range) a
			JOIN events b USING (customer_id) WHERE b.event = 'cart' AND b.at BETWEEN a.at AND a.at + interval '720 hours'),
		'sessions', (SELECT count(*) FROM sessions WHERE $in_range), 'customers', (SELECT count(DISTINCT customer_id) FROM sessions WHERE $in_range),
		'bounces', (SELECT count(*) FROM sessions WHERE touches = 1 AND $in_range),
		'purchases', (SELECT count(*) FROM events WHERE event = 'purchase' AND $in_range),
		'cohort', (SELECT count(*) FROM (SELECT min(at) AS at FROM events GROUP BY customer_id) f
			WHERE $in_range AND date_trunc('month', at, 'Europe/Riga') = '2025-03-01 00:00 Europe/Riga'))}));
my @funnel = @{ $answers{'Customers at each stage (bargauge)'} };
my ($overview) = @{ $answers{'Customers who began the funnel, and who completed it (stat)'} };
my ($sessions) = @{ $answers{'Sessions, and whose they are (stat)'} };

is_deeply([ map { $_->{stage} } @funnel ], [ '1. awareness', '2. cart', '3. checkout', '4. purchase' ], 'the stages in their order');
is("$funnel[0]{customers} $funnel[1]{customers}", "$plain->{began} $plain->{carts}", 'customers at the first stages');
is("$overview->{began} $overview->{completed}", "$funnel[0]{customers} $funnel[3]{customers}", 'both panels say the same');
ok(abs($overview->{completion_rate} - $overview->{completed} / $overview->{began}) < 1e-12, 'the rate of completion');
is("$sessions->{sessions} $sessions->{customers}", "$plain->{sessions} $plain->{customers}", 'sessions and their customers');
ok(abs($sessions->{bounce_rate} - $plain->{bounces} / $plain->{sessions}) < 1e-12, 'the bounce rate');
is(sum(map { $_->{purchases} } @{ $answers{'Purchases by ${split} (table)'} }), $plain->{purchases}, 'purchases of all channels');
is(sum(map { my $row = $_; map { $row->{$_} // 0 } qw(new_sessions returning_sessions new_sessions_not_over returning_sessions_not_over) } @{ $answers{'Sessions by ${bucket} (timeseries)'} }),
	$plain->{sessions}, 'sessions of all weeks');
ok((grep { $_->{cohort} eq "2025-03 ($plain->{cohort})" } @{ $answers{'Share of customers seen again by months since the first (table)'} }), 'the size of a cohort');

#
# Who dropped and who may yet go on, wherever that is shown
#

run_sql($node, qq{
	CREATE TABLE lately AS SELECT customer_id, at + (date_trunc('hour', now()) - '2025-12-31 23:00Z') AS at, event, channel, amount FROM events;
	SELECT create_map('lately', } . $definition =~ s/'events'/'lately'/r . ')');
my %lately = (chosen(map => 'lately', bucket => 'week'), from => run_sql($node, q{SELECT now() - interval '200 days'}), to => run_sql($node, q{SELECT now() - interval '2 days'}));
my $answer_of = sub {
	my ($title) = @_;
	my ($panel) = grep { "$_->{title} ($_->{type})" eq $title } @charts;

	return "(" . interpolate($panel->{targets}[0]{rawSql} =~ s/\nLIMIT \d+//r, %lately) . ")";
};
is(run_sql($node, "SELECT count(*), min(n), max(n), bool_and(open_customers > 0), count(DISTINCT open_customers) > 1 FROM (SELECT step, dropped, open_customers, count(*) AS n FROM (
		SELECT step, dropped, open_customers FROM " . $answer_of->('Customers step by step (table)') . " a WHERE dropped IS NOT NULL
		UNION ALL SELECT step, sum(customers)::bigint, sum(open_customers)::bigint FROM " . $answer_of->('Customers who stopped, by stage and last event (table)') . " b GROUP BY step
		UNION ALL SELECT split_part(stage, '.', 1)::integer, customers, open_customers FROM " . $answer_of->('Customers by the stage they stand at (barchart)') . " c WHERE stage !~ '^4'
	) t GROUP BY step, dropped, open_customers) s"), '3|3|3|t|t', 'all panels say the same of who dropped and who may yet go on');

# What still grows is marked, and only that.
my %marked = (chosen(map => 'lately', bucket => 'week', split => 'segment'), from => run_sql($node, q{SELECT now() - interval '200 days'}), to => 'infinity');
my $marks = sub {
	my ($title, $column, $mark) = @_;
	my ($panel) = grep { "$_->{title} ($_->{type})" eq $title } @charts;

	return "SELECT * FROM (" . interpolate($panel->{targets}[0]{rawSql}, %marked) . ") q WHERE $column LIKE '%$mark'";
};
foreach my $title ('Share of customers at each stage by ${bucket} of entry (timeseries)', 'Customers at each stage by ${bucket} of entry (timeseries)')
{
	is(run_sql($node, q{SELECT count(*) > 3, bool_and(time + interval '37 days' > now()), bool_or(time + interval '30 days' <= now()) FROM (} . $marks->($title, 'metric', ' (not closed)') . ') m'), 't|t|t',
		"$title: periods that are not closed");
	is(run_sql($node, 'SELECT count(*) FROM (' . $marks->($title, 'metric', '') . ') a WHERE time + interval \'37 days\' > now()'),
		run_sql($node, 'SELECT count(*) FROM (' . $marks->($title, 'metric', ' (not closed)') . ') a'), 'and all of them');
}
my $present = run_sql($node, q{SELECT to_char(now() AT TIME ZONE 'Europe/Riga', 'YYYY-MM')});
is(run_sql($node, 'SELECT count(*), min(month) FROM (' . $marks->('Customers seen by month (barchart)', 'month', ' (not over)') . ') m'), "1|$present (not over)", 'the month that is not over');
is(run_sql($node, 'SELECT bool_and(cohort ~ \', month [0-9]+ not over$\'), count(*) > 10, min(month) FROM (' . $marks->('Share of customers seen again by months since the first (table)', 'cohort', '') . ') m'), 't|t|1',
	'and the shares of it');
foreach my $case ([ 'Sessions by ${bucket} (timeseries)', 'new_sessions' ], [ 'Share of sessions that bounced by ${bucket} (timeseries)', 'bounce_rate' ])
{
	my ($title, $column) = @$case;

	foreach my $bucket (qw(week quarter))
	{
		local $marked{bucket} = $bucket;
		is(run_sql($node, "SELECT count(*) > 2, bool_and(num_nonnulls($column, ${column}_not_over) = 1), bool_and((${column}_not_over IS NULL) = (time < date_trunc('$bucket', now(), 'Europe/Riga')))
			FROM (" . $marks->($title, 'time::text', '') . ') m'), 't|t|t', "$title: the $bucket that is not over, and no other");
	}
}
my ($heat) = grep { $_->{title} =~ /seen again/ } @charts;
ok(!exists $heat->{fieldConfig}{defaults}{min} && !exists $heat->{fieldConfig}{defaults}{max}, 'colours go as far as the shares do');

#
# A map of any name
#

my $funnel_query = (grep { $_->{type} eq 'bargauge' } @charts)[0]{targets}[0]{rawSql};
foreach my $name (q{it's}, q{'); DROP TABLE events; --}, 'Магазин 24', '100 %s \\')
{
	my $literal = $name =~ s/'/''/gr;

	run_sql($node, "SELECT create_map('$literal', $definition)");
	ok((grep { $_ eq $name } split /\n/, run_sql($node, $variables{map}{query})), "a map called $name is listed by its name");
	is(run_sql($node, 'SELECT json_agg(customers) FROM (' . interpolate($funnel_query, chosen(map => $name), from => '-infinity', to => 'infinity') . ') q'),
		run_sql($node, 'SELECT json_agg(customers) FROM shop.funnel'), 'and found');
	run_sql($node, "SELECT drop_map('$literal')");
}
run_sql_fails($node, 'SELECT * FROM (' . interpolate($funnel_query, chosen(map => 'shop'), map => q{a" ') --}) . ') q', '42704', qr/there is no map "a\\" '\) --"/, 'nothing in a name is read as SQL');

#
# The templates of doc/bi.md: with a range and without one
#

# A template as Grafana, Metabase or Superset fills it in; NULL is a variable without a value.
sub fill_in
{
	my ($template, $from, $to, @devices) = @_;
	my $devices = join ', ', map { "'$_'" } @devices;

	if ($template =~ /\[\[/)
	{
		my %value = (from => $from && "date '$from'", to => $to && "date '$to'", split => "'channel'", country => undef, device => $devices);

		$template =~ s/\[\[(.*?\{\{(\w+)\}\}.*?)\]\]/$value{$2} ? $1 : ''/ge;
		return $template =~ s/\{\{(\w+)\}\}/$value{$1} \/\/ die "no variable $1"/ger;
	}
	if ($template =~ /\{%/)
	{
		my %value = (
			'range.from_expr' => $from && "TO_TIMESTAMP('$from 00:00:00.000000', 'YYYY-MM-DD HH24:MI:SS.US')",
			'range.to_expr' => $to && "TO_TIMESTAMP('$to 00:00:00.000000', 'YYYY-MM-DD HH24:MI:SS.US')",
			'from_dttm' => $from && "$from 00:00:00", 'to_dttm' => $to && "$to 00:00:00");

		$template =~ s/\{% set range = get_time_filter\('bucket_start', remove_filter=True\) %\}//;
		$template =~ s/\{% set (\w+) = filter_values\('\w+', remove_filter=True\) %\}/$value{$1} = ''; ''/ge;
		$value{devices} = $devices if exists $value{devices};
		$template =~ s/\{\{ (\w+)\|where_in \}\}/($value{$1})/g;
		$template =~ s/\{% if ([\w.]+)(?: is not none)? %\}(.*?)\{% endif %\}/$value{$1} ? $2 : ''/ges;
		return $template =~ s/\{\{ ([\w.]+) \}\}/$value{$1} \/\/ die "no variable $1"/ger;
	}
	return interpolate($template, chosen(map => 'shop', dimension => 'device', values => @devices ? \@devices : ['$__all']), from => $from // '-infinity', to => $to // 'infinity');
}

my @templates = slurp_file("$root/doc/bi.md") =~ /^```jinja\n(.*?)^```$/msg;
is(scalar @templates, 8, 'templates in doc/bi.md');
run_sql($node, q{SELECT drop_map('bare')});
foreach my $ends ([], [ '2025-02-05', '2025-07-01' ], [ '2025-02-05', '2025-07-01', 'mobile' ], [ '2025-02-05', undef, 'mobile', 'a "screen"' ])
{
	my ($from, $to, @devices) = @$ends;
	my $arguments = join '', map { ", $_" } $from ? "from_time => '$from'" : (), $to ? "to_time => '$to'" : ();
	my $range = join ' ', 'with', grep { defined } @$ends;

	foreach my $i (0 .. $#templates)
	{
		my $template = $templates[$i];
		my $sql = fill_in($template, @$ends);
		my $split = $template =~ /split/ ? ", by => 'channel'" : $template =~ /bucket/ ? ", bucket => 'week'" : '';
		my $last = $template =~ /WHERE stage = 'purchase'/ ? "WHERE stage = 'purchase'" : '';
		my $number = $template =~ /AS value/ ? 'value' : 'customers';
		my $column = $template =~ /AS value/ ? 'overall_rate' : 'customers';

		unlike($sql, qr/\{\{|\{%|\[\[|\$/, "template $i is filled in, $range");
		if ($template !~ /_report\(/)
		{
			is(run_sql($node, $sql, %bi), 'shop', "template $i");
			next;
		}
		my $where = @devices && $template =~ /device|where_is/ ? sprintf(q{, where_is => jsonb_build_object('device', '%s'::jsonb)}, encode_json(\@devices)) : '';
		my $report = $template =~ /session_report/ ? "session_report('shop', by => 'entry_event'" : "funnel_report('shop'$split";
		$number = $column = 'sessions' if $template =~ /session_report/;
		is(run_sql($node, "SELECT count(*) > 0, sum(${number}::numeric) FROM ($sql) q", %bi),
			run_sql($node, "SELECT count(*) > 0, sum(${column}::numeric) FROM $report$arguments$where) $last"), "template $i says what the report says, $range");
	}
}

server_is_well($node);
done_testing();

sub sum
{
	my $sum = 0;

	$sum += $_ foreach @_;
	return $sum;
}
