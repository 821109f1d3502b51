# The Grafana dashboard in example/grafana against the schema of Grafana, as far as it is public (test/tools/grafana.js):
# that it is what the schema says, and that a dashboard which is not is told, with the place.  t/070_charts.pl runs what
# it asks.  What is not installed is skipped: test/tools/install fetches it.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

my $tools = "$FindBin::RealBin/../tools";
my $file = "$FindBin::RealBin/../../example/grafana/cjm-map.json";
my $tmp = PostgreSQL::Test::Utils::tempdir();

unless (-d "$tools/node_modules/\@grafana/schema" && -d "$tools/node_modules/typescript" && system('node --version >/dev/null 2>&1') == 0)
{
	diag('not installed, and so the dashboard is not checked by the schema of Grafana: what test/tools/install fetches');
	plan skip_all => 'not installed: @grafana/schema, TypeScript, Node (test/tools/install)';
}

# Dashboards that are not: what is done to it, and what has to be told of it, and of nothing else.
my @broken = (
	[ 'a panel without a type', sub { delete $_[0]{panels}[1]{type} }, qr/^panels\[1\]/ ],
	[ 'a kind of panel that does not come with Grafana', sub { panel($_[0], 'stat')->{type} = 'statistic' }, qr/^panels\[\d+\]\.type: .*never/ ],
	[ 'a title that is a number', sub { $_[0]{title} = 7 }, qr/^title: / ],
	[ 'no version of the schema', sub { delete $_[0]{schemaVersion} }, qr/^the dashboard: .*schemaVersion/ ],
	[ 'a key that no dashboard has', sub { $_[0]{tittle} = 'x' }, qr/^tittle: .*'"?tittle"?' does not exist/ ],
	[ 'a variable of no kind', sub { $_[0]{templating}{list}[1]{type} = 'querry' }, qr/^templating\.list\[1\]\.type: .*"querry"/ ],
	[ 'a variable whose choice is nothing', sub { $_[0]{templating}{list}[1]{current} = {} }, qr/^templating\.list\[1\]\.current: .*text, value/ ],
	[ 'an option that its panel does not have', sub { panel($_[0], 'table')->{options}{footer} = {} }, qr/^panels\[\d+\]\.options\.footer: / ],
	[ 'an option that its panel needs', sub { delete panel($_[0], 'barchart')->{options}{barWidth} }, qr/^panels\[\d+\]\.options: .*'?barWidth/ ],
	[ 'an option of another type', sub { panel($_[0], 'bargauge')->{options}{minVizHeight} = '16' }, qr/^panels\[\d+\]\.options\.minVizHeight: / ],
	[ 'a value that its option does not have', sub { panel($_[0], 'stat')->{options}{colorMode} = 'rainbow' }, qr/^panels\[\d+\]\.options\.colorMode: .*"rainbow"/ ],
	[ 'what a row does not have', sub { panel($_[0], 'row')->{fieldConfig} = {} }, qr/^panels\[\d+\]: / ],
	[ 'a line of no style', sub { panel($_[0], 'timeseries')->{fieldConfig}{defaults}{custom}{drawStyle} = 'dots' }, qr/^panels\[\d+\]\.fieldConfig\.defaults\.custom\.drawStyle: .*"dots"/ ],
	[ 'a unit that is none', sub { overridden($_[0], 'unit')->{value} = 5 }, qr/^panels\[\d+\]\.fieldConfig\.overrides\[\d+\]\.properties\[\d+\]\.value: / ],
	[ 'a setting of fields that is none', sub { overridden($_[0], 'unit')->{id} = 'units' }, qr/^panels\[\d+\]\.fieldConfig\.overrides\[\d+\]\.properties\[\d+\]\.value: .*units/ ]);

sub panel
{
	my ($dashboard, $type) = @_;

	return (grep { $_->{type} eq $type } @{ $dashboard->{panels} })[0];
}

sub overridden
{
	my ($dashboard, $id) = @_;

	return (grep { $_->{id} eq $id } map { @{ $_->{properties} } } map { @{ $_->{overrides} // [] } } grep { defined } map { $_->{fieldConfig} } @{ $dashboard->{panels} })[0];
}

foreach my $i (0 .. $#broken)
{
	my $dashboard = decode_json(slurp_file($file));

	$broken[$i][1]->($dashboard);
	write_bytes("$tmp/broken$i.json", encode_json($dashboard));
}
my ($said, $wrong) = run_command([ 'node', "$tools/grafana.js", $file, map { "$tmp/broken$_.json" } 0 .. $#broken ]);
my %told;

push @{ $told{$1} }, $2 while $said =~ /^([\w-]+)\.json: (.*)$/mg;
is($wrong, '', 'TypeScript has nothing to complain of');
is_deeply($told{'cjm-map'} // [], [], 'the dashboard is what the schema of Grafana says');
foreach my $i (0 .. $#broken)
{
	my ($title, undef, $expected) = @{ $broken[$i] };
	my @lines = @{ $told{"broken$i"} // [] };

	is(scalar @lines, 1, "$title: is told once") or diag(join "\n", @lines);
	like($lines[0] // '', $expected, "$title: with its place");
}
done_testing();
