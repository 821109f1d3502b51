# The project of Evidence in example/evidence: its sources are read by a role that knows no customer, its pages are
# built, and looked at in Chromium (test/evidence/look.js): all numbers of their tables are those of the views, the
# charts are drawn, a model that is chosen is shown, and nothing is asked for elsewhere.  What is not installed is
# skipped: test/browser/install and test/evidence/install fetch it.

use strict;
use warnings;
use utf8;

use Encode qw(encode);
use File::Basename qw(dirname);
use FindBin;
use JSON::PP;
use lib $FindBin::RealBin;

use CjmTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = dirname(dirname($FindBin::RealBin));
my $example = "$root/example/evidence";
my $tmp = PostgreSQL::Test::Utils::tempdir();
my @lacking = (
	(-e "$example/node_modules/.installed" ? () : 'Evidence (test/evidence/install)'),
	(-e "$root/test/browser/node_modules/puppeteer-core/package.json" && -x '/usr/bin/chromium' && system('node --version >/dev/null 2>&1') == 0 ? () : 'Node, Chromium and its driver (test/browser/install)'));

if (@lacking)
{
	diag('not installed, and so the pages of example/evidence are not built: ' . join(', ', @lacking));
	plan skip_all => "not installed: @lacking";
}

my $node = start_server('evidence');

run_sql($node, 'CREATE DATABASE shop');
$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('shop'), '-f', "$root/test/demo/generator.sql" ], 'the demonstration');
sub ask
{
	return run_sql($node, $_[0], database => 'shop');
}

ask(q{
	CREATE EXTENSION cjm;
	DELETE FROM events WHERE customer_id % 4 > 0;
	CREATE ROLE charts LOGIN;
	SELECT cjm.create_map('shop', 'events', 'customer_id', 'at', 'event', 'awareness: view | search -> consideration: cart -> checkout -> purchase within 30 days',
		channel => 'channel', value => 'amount', time_zone => 'Europe/Riga', segment => 'CASE customer_id % 3 WHEN 0 THEN ''LV'' ELSE ''EE'' END');
	GRANT USAGE ON SCHEMA shop TO charts;
	GRANT SELECT ON shop.funnel, shop.funnel_by_week, shop.attribution TO charts});

#
# The project, where it can be written to
#

mkdir "$tmp/pages" or die "$tmp/pages: $!\n";
is(system('sh', '-c', 'cp -R "$1"/pages "$1"/sources "$1"/package.json "$1"/evidence.plugins.yaml "$2"', 'sh', $example, "$tmp/pages"), 0, 'a copy of the project');
symlink "$example/node_modules", "$tmp/pages/node_modules" or die "node_modules: $!\n";
chdir "$tmp/pages" or die "$tmp/pages: $!\n";
local %ENV = (%ENV, HOME => $tmp, map { ("EVIDENCE_SOURCE__shop__$_->[0]" => $_->[1]) } [ host => $node->host ], [ port => $node->port ], [ database => 'shop' ], [ user => 'charts' ]);

# What a script of its package.json says, and whether it succeeded.  Where a source fails, Evidence says so by a cross, and then
# comes to no end.
sub script
{
	my ($name) = @_;
	my $pid = open(my $out, '-|') // die "fork: $!\n";
	my ($said, $failed) = ('', 0);

	if (!$pid)
	{
		setpgrp;
		open STDERR, '>&', \*STDOUT;
		open STDIN, '<', '/dev/null';
		exec 'npm', 'run', '--no-update-notifier', $name;
		exit 127;
	}
	while (!$failed && defined(my $line = <$out>))
	{
		$said .= $line;
		$failed = $line =~ /\xE2\x9C\x96/;
	}
	kill 'TERM', -$pid if $failed;
	close $out;
	return ($? == 0 && !$failed, $said);
}

my ($done, $said) = script('sources');
ok(!$done && $said =~ /kpis \xE2\x9C\x96/, 'a view that is not there is told') or diag($said);
ask(q{
	SELECT cjm.set_target('shop', 'conversion', 0.2);
	SELECT cjm.set_target('shop', 'conversion', 0.05, by => 'segment', by_value => 'LV');
	SELECT cjm.set_target('shop', 'step_rate', 0.4, stage => 'checkout');
	GRANT SELECT ON shop.kpis TO charts});
($done, $said) = script('sources');
ok($done, 'the sources are read') or diag($said);
($done, $said) = script('build');
ok($done && -e 'build/index.html', 'the pages are built') or diag($said);

#
# The pages
#

# Numbers as the pages show them, for SQL: with so many decimals, as a percentage, and what is NULL.
sub number { return "coalesce(to_char($_[0], 'FM999,999,990" . ($_[1] ? '.' . '0' x $_[1] : '') . "'), '-')" }
sub percent { return "coalesce(to_char(100 * ($_[0])::numeric, 'FM990.0') || '%', '-')" }

my $channels = sub { return join ', ', q{coalesce(channel, 'none')}, number('conversions::numeric', 1), percent('share'), number('round(value)') . " FROM shop.attribution WHERE model = '$_[0]' ORDER BY conversions DESC, coalesce(channel, 'none')" };
my %views = (
	'' => join(', ', q{step || '. ' || stage}, number('customers'), map({ percent($_) } qw(step_rate rate_low rate_high overall_rate)), map({ number($_) } qw(dropped open_customers refused)),
		number('median_time_seconds::numeric / 60', 1) . ' FROM shop.funnel ORDER BY step'),
	'weeks' => join(', ', 'week', q{step || '. ' || stage}, number('customers'), percent('overall_rate') . ' FROM shop.funnel_by_week WHERE week = (SELECT max(week) FROM shop.funnel_by_week WHERE closed) ORDER BY step'),
	'channels' => $channels->('last_touch'),
	'channels=linear' => $channels->('linear'),
	'kpis' => join(', ', q{metric || coalesce(' of ' || stage, '') || coalesce(', ' || by || ' ' || by_value, '') AS figure}, 'week', number('n'), map({ number("$_\::numeric", 3) } qw(actual low high)), 'direction',
		map({ number("$_\::numeric", 3) } qw(target gap)), q{CASE WHEN met THEN 'true' ELSE 'false' END FROM shop.kpis ORDER BY figure}));
my %titles = ('' => 'Funnel', weeks => 'Weeks', channels => 'Channels', 'channels=linear' => 'Channels', kpis => 'KPI against target');

my ($seen, $wrong) = run_command([ 'node', "$root/test/evidence/look.js", "$tmp/pages/build", sort keys %views ]);
my %seen = map { my $page = decode_json($_); $page->{page} => $page } split /\n/, $seen;

is($wrong, '', 'the browser has nothing to complain of');
foreach my $page (sort keys %views)
{
	my ($table) = @{ $seen{$page}{tables} // [] };
	my $shown = encode('UTF-8', join "\n", map { join '|', map { s/ [▲▼–]$//r } @$_ } @{ $table // [] });
	my $name = $page || 'the first page';

	is($seen{$page}{title}, $titles{$page}, "$name: its title");
	cmp_ok(scalar @{ $table // [] }, '>', 2, "$name: rows");
	is($shown, ask("SELECT $views{$page}"), "$name: its numbers are those of the view");
	is($seen{$page}{charts}, $page eq 'kpis' ? 0 : 1, "$name: its chart is drawn");
	is_deeply($seen{$page}{wrong}, [], "$name: it asks for nothing elsewhere, and has nothing to complain of");
}
isnt(ask("SELECT $views{channels}"), ask("SELECT $views{'channels=linear'}"), 'models differ, so that one can be seen to be chosen');

chdir $root;
server_is_well($node);
done_testing();
