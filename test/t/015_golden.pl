# Values that released versions have written are read by this one, and say the same:
# test/upgrade/golden_VERSION.sql holds them, as bytes in storage and on the wire, as
# text, and what that version said of them.  Their bytes are what this version would
# write, too, or equal that, and indexes over them stay right: order and hashes are the same.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('golden');
my $home = "$FindBin::RealBin/../upgrade";
my $tmp = $PostgreSQL::Test::Utils::tmp_check;
my @types = qw(journey funnel funnel_stats journey_pattern);
my @files = glob("$home/golden_*.sql");
cmp_ok(scalar @files, '>', 0, 'there are values of released versions');

run_sql($node, slurp_file("$home/reading.sql"));
run_sql($node, qq{
	CREATE CAST (bytea AS $_) WITHOUT FUNCTION;
	CREATE CAST ($_ AS bytea) WITHOUT FUNCTION;
	CREATE TABLE wire_$_ (n serial, v $_);
}) foreach @types;
run_sql($node, q{
	CREATE TABLE golden (type text, n integer, name text, stored bytea, sent bytea, written text, says text);
	CREATE TABLE golden_order (type text, numbers text);
	CREATE FUNCTION say(says text) RETURNS text LANGUAGE sql AS $$ SELECT CASE WHEN length(says) > 1000 THEN 'md5 ' || md5(says) ELSE says END $$;
});

# A file for COPY in binary format, of one column.
sub wire_file
{
	my ($file, @values) = @_;

	write_bytes($file, "PGCOPY\n\xff\r\n\0" . pack('NN', 0, 0) . join('', map { pack('nN', 1, length $_) . $_ } @values) . pack('n', 0xffff));
}

foreach my $file (@files)
{
	my ($release) = $file =~ /golden_(\w+)\.sql\z/;

	run_sql($node, 'TRUNCATE golden, golden_order');
	run_sql($node, slurp_file($file));
	foreach my $type (@types)
	{
		my $these = "FROM golden WHERE type = '$type' AND name <> 'what was a label'";
		my $count = run_sql($node, "SELECT count(*) $these");

		cmp_ok($count, '>=', 5, "$release: there are values of $type");
		is(run_sql($node, "SELECT string_agg(name, ', ') $these AND written <> (stored::$type)::text"), '', "$release: $type in storage has the text that it had");
		is(run_sql($node, "SELECT string_agg(name || ': ' || say(reading(stored::$type)), E'\\n') $these AND says <> say(reading(stored::$type))"), '', "$release: and says what it said");
		is(run_sql($node, "SELECT string_agg(name, ', ') $these AND (written::$type OPERATOR(cjm.<>) stored::$type OR say(reading(written::$type)) <> says)"), '', "$release: $type as text is the same value");

		my @sent = map { pack 'H*', $_ } split /\n/, run_sql($node, "SELECT encode(sent, 'hex') $these ORDER BY n");
		wire_file("$tmp/golden_$type", @sent);
		run_sql($node, "TRUNCATE wire_$type RESTART IDENTITY; COPY wire_$type (v) FROM '$tmp/golden_$type' (FORMAT binary)");
		is(run_sql($node, "SELECT count(*) FROM wire_$type w JOIN (SELECT row_number() OVER (ORDER BY n) AS place, stored, says $these) g ON g.place = w.n
			WHERE w.v OPERATOR(cjm.=) g.stored::$type AND say(reading(w.v)) = g.says"), $count, "$release: $type on the wire is the same value");
		is(run_sql($node, "SELECT count(*) $these AND cjm_internal.${type}_send(stored::$type) = sent"), $count, "$release: $type is sent as it was") if $type ne 'journey_pattern';
		is(run_sql($node, "SELECT string_agg(name, ', ') $these AND written::$type\::bytea <> stored"), '', "$release: $type is stored as it was");
	}
	is(run_sql($node, "SELECT string_agg(o.type, ', ') FROM golden_order o
		WHERE o.numbers <> CASE o.type WHEN 'journey' THEN (SELECT string_agg(n::text, ',' ORDER BY stored::journey) FROM golden WHERE type = 'journey')
			ELSE (SELECT string_agg(n::text, ',' ORDER BY stored::funnel) FROM golden WHERE type = 'funnel') END"), '', "$release: the order is the same");
}

# The one text that means something else now (doc/format.md): what is stored is still the label.
is(run_sql($node, q{SELECT stored::journey_pattern || ' ' || matches('{2026-01-01T00:00:00Z "a$", 2026-01-01T00:00:01Z b}', stored::journey_pattern) FROM golden WHERE name = 'what was a label'}),
	'"a$" b true', 'a label that ended with $ is one');

# A damaged value is noticed by what is compared above.
is(run_sql($node, q{SELECT count(*) FROM golden WHERE type = 'journey' AND name = 'seconds' AND says = say(reading(set_byte(stored, length(stored) - 1, get_byte(stored, length(stored) - 1) # 1)::journey))}),
	0, 'another value says something else');
run_sql_fails($node, q{SELECT reading(set_byte(stored, 0, 77)::journey) FROM golden WHERE type = 'journey' AND name = 'seconds'}, '0A000', qr/version 77 is not supported/, 'and an unknown version is an error');

server_is_well($node);
done_testing();
