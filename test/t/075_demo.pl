# make demo: its own events, and files of them, as CSV, as JSON and as a wide table; what it proposes where no funnel
# is given; the pictures that it writes, and what it says of files that it cannot read.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $demo = "$FindBin::RealBin/../demo/run";
my $tmp = PostgreSQL::Test::Utils::tempdir();
my $node = start_server('demo');

# What the demonstration says of these variables, and of what it complains.
sub demo
{
	my (%given) = @_;

	run_sql($node, 'DROP DATABASE IF EXISTS demo');
	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, CJM_WORK => $tmp, TMPDIR => $tmp, map { ("CJM_$_" => $given{$_}) } keys %given);
	return run_command([ $^X, $demo ]);
}

# The pictures that it says it has written, by name.
sub pictures
{
	my ($said) = @_;

	return map { m{/([^/]+)$} ? ($1 => slurp_file($_)) : () } $said =~ m{^(\Q$tmp\E/cjm-demo-\w+/\S+)$}mg;
}

# Customers come by the visits of a shop, look, buy; errors and logins happen anywhere.
my @rows = map {
	my $customer = $_;
	my $at = sub { sprintf '2026-01-%02dT%02d:%02d:00Z', 1 + $customer % 20, 10, $_[0] };

	([ $customer, $at->(1), 'visit' ], $customer % 3 ? [ $customer, $at->(5), 'look at' ] : (), $customer % 3 && $customer % 2 ? [ $customer, $at->(9), 'pay' ] : (), $customer % 4 ? () : [ $customer, $at->(2 + $customer % 9), 'error' ])
} 1 .. 200;

write_bytes("$tmp/shop.csv", join '', "who,when,what\n", map { join(',', @$_) . "\n" } @rows);
write_bytes("$tmp/shop.jsonl", join '', map { sprintf qq({"who": %d, "when": "%s", "what": "%s"%s}\n), @$_, $_->[0] % 2 ? '' : ', "how": {"by": "Līga"}' } @rows);
my %of = (CUSTOMER => 'who', AT => 'when', EVENT => 'what');
my $funnel = 'visit -> "look at" -> pay within 7 days';

#
# Its own events
#

my ($said, $complaint) = demo();
is($complaint, '', 'the demonstration of its own events');
my %drawn = pictures($said);
is(join(' ', sort keys %drawn), 'funnel.svg map.html map.svg', 'and its pictures');
like($drawn{$_}, qr/\A<svg .*awareness.*<\/svg>\s*\z/s, "$_ is one") foreach 'map.svg', 'funnel.svg';
like($drawn{'map.html'}, qr/\A<!DOCTYPE html>.*awareness/is, 'and so is the page');

#
# Files
#

my ($csv) = demo(EVENTS => "$tmp/shop.csv", %of, FUNNEL => $funnel);
my ($json, $wrong) = demo(EVENTS => "$tmp/shop.jsonl", %of, FUNNEL => $funnel);
like($csv, qr/^\s*2 \| look at +\| +134 /m, 'a file of CSV: who looked, by counting');
is($wrong, '', 'JSON, an object a line');
my $same = sub { return $_[0] =~ s/shop\.\w+//r =~ s/cjm-demo-\w+//gr };
is($same->($json), $same->($csv), 'says what CSV says');
($json) = demo(EVENTS => "$tmp/shop.jsonl", %of, CHANNEL => 'how', FUNNEL => $funnel);
like($json, qr/^ \{"by":"Līga"\} /m, 'what is no text in JSON is taken as it is written, and keys may be missing');
is(scalar keys %{ { pictures($json) } }, 3, 'with pictures of a map');

#
# A funnel is proposed
#

my ($proposed) = demo(EVENTS => "$tmp/shop.csv", %of);
like($proposed, qr/FUNNEL='visit -> "look at" -> pay within 30 days'/, 'of the events in the order in which they come, of fewer and fewer customers');
write_bytes("$tmp/wide.csv", join '', "order_no,who,shipped,first_order_date,country,registered_at\n",
	map { join(',', 1000 + $_, $_, $_ % 5 ? '' : sprintf('2026-03-%02d 10:00', $_), $_ % 2 ? '' : '2026-02-01', 'LV', '2026-01-05T08:00:00Z') . "\n" } 1 .. 20);
my ($wide, $wide_complaint) = demo(EVENTS => "$tmp/wide.csv", CUSTOMER => 'who');
is($wide_complaint, '', 'a wide table, a column a stage');
like($wide, qr/^Each column of times is an event: shipped \(shipped\), first_order_date \(first_order\), registered_at \(registered\)\.$/m, 'whose columns are events');
like($wide, qr/FUNNEL='registered -> first_order -> shipped within 90 days'/, 'and a funnel of them, in the order of their times, within what they took');
write_bytes("$tmp/born.csv", join '', "who,born,ends,registered_at,paid_at\n", map { join(',', $_, '1980-05-05', '9999-12-31', '2026-01-05 08:00', $_ % 2 ? '2026-01-07 10:00' : '') . "\n" } 1 .. 20);
my ($born) = demo(EVENTS => "$tmp/born.csv", CUSTOMER => 'who');
like($born, qr/FUNNEL='registered -> paid within 30 days'/, 'without what lies years before or after');
($wide) = demo(EVENTS => "$tmp/wide.csv", CUSTOMER => 'who', FUNNEL => 'registered -> first_order -> shipped');
like($wide, qr/^\s*1 \| registered +\| +20 .*\n\s*2 \| first_order +\| +10 .*\n\s*3 \| shipped +\| +2 /m, 'which can be asked for');

#
# At a terminal
#

SKIP:
{
	skip 'there is no script', 2 if system('script --version >/dev/null 2>&1') != 0;
	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, CJM_WORK => $tmp, TMPDIR => $tmp, CJM_EVENTS => "$tmp/shop.csv", map({ ("CJM_$_" => $of{$_}) } keys %of), CJM_FUNNEL => $funnel);
	run_sql($node, 'DROP DATABASE IF EXISTS demo');
	my ($terminal) = run_command([ 'script', '-qec', "'$^X' '$demo'", '/dev/null' ]);

	like($terminal, qr/\r\e\[Kdrawing map\.html\r\e\[K/, 'a line says what is being done, and goes again');
	my ($before) = demo(EVENTS => "$tmp/shop.csv", %of, FUNNEL => $funnel);
	unlike($before, qr/\e\[K/, 'at a terminal alone');
}

#
# Files that it cannot read
#

write_bytes("$tmp/events.parquet", "PAR1\x15\x04");
write_bytes("$tmp/array.json", '[{"who": 1}]');
write_bytes("$tmp/broken.jsonl", qq({"who": 1, "when": "2026-01-01Z", "what": "a"}\n{"who": 1, oops\n));
write_bytes("$tmp/events_PAR.csv", "PARTNER,when,what\n1,2026-01-01Z,a\n");
foreach my $case (
	[ 'events.parquet', qr/^"events\.parquet" is a Parquet file, .*\n  duckdb -c "COPY \(FROM 'events\.parquet'\) TO 'events\.csv'"$/m ],
	[ 'array.json', qr/^"array\.json" is one JSON array; .*\n  jq -c '\.\[\]' array\.json >events\.jsonl$/m ],
	[ 'broken.jsonl', qr/^Line 2 of broken\.jsonl is no JSON object: \{"who": 1, oops$/m ],
	[ 'events_PAR.csv', qr/^events_PAR\.csv has no column "who" for CUSTOMER\.\nIt has: PARTNER, when, what$/m ])
{
	my ($out, $err) = demo(EVENTS => "$tmp/$case->[0]", %of);

	like($err, $case->[1], "$case->[0]: what is wrong with it");
}

server_is_well($node);
done_testing();
