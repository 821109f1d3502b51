# Labels in databases of several encodings, and journeys, funnels and
# statistics on their way between them, as text and as binary.
#
# Labels are ordered by their bytes, so that an order differs between
# encodings: ё comes before а in WIN1251 and after я in UTF-8, 亜 before 一 in
# EUC_JP and after it in UTF-8.  What arrives has to be the value that is made
# of the same labels there.

use strict;
use warnings;
use utf8;

use Encode qw(encode);
use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('encoding', q(client_min_messages = 'error'));
my $dir = $PostgreSQL::Test::Utils::tmp_check;
my %name_in_perl = (UTF8 => 'UTF-8', LATIN1 => 'iso-8859-1', WIN1251 => 'cp1251', EUC_JP => 'euc-jp', SQL_ASCII => 'UTF-8');

foreach my $encoding (sort keys %name_in_perl)
{
	run_sql($node, "CREATE DATABASE in_$encoding ENCODING '$encoding' LOCALE 'C' TEMPLATE template0");
	run_sql($node, "CREATE EXTENSION cjm; ALTER DATABASE in_$encoding SET search_path = public, cjm", database => lc "in_$encoding");
}

# Runs SQL that this file has in Unicode, sent in a client encoding.
sub run_in
{
	my ($database, $client, $sql) = @_;

	return run_sql($node, encode($name_in_perl{$client}, "SET client_encoding = '$client'; $sql", Encode::FB_CROAK),
		database => lc "in_$database");
}

sub fails_in
{
	my ($database, $client, $sql, $sqlstate, $pattern, $title) = @_;

	return run_sql_fails($node, encode($name_in_perl{$client}, "SET client_encoding = '$client'; $sql", Encode::FB_CROAK),
		$sqlstate, $pattern, $title, database => lc "in_$database");
}

# One value of each type, of the same labels everywhere.
sub values_of
{
	my ($first, $second, $third) = @_;
	my $journey = join ', ', map { "2026-01-01T10:00:00Z $_" } "\"$second\"=2", "\"$first\"\@\"$third\"", "\"$first\"\@\"$second\"",
	  "\"$third $first\"", 'plain', "\"$second $first\"\@plain=1";
	my $funnel = "\"$second\" -> \"$third\": \"$first\"\@\"$second\" | \"$second $first\" -> *\@\"$third\" within 1 hour";

	return qq{
		CREATE TABLE made AS
		SELECT '{$journey}'::journey AS journey, '$funnel'::funnel AS funnel, funnel_agg('{$journey}'::journey, '$funnel'::funnel) AS stats;};
}

# What is in table arrived is the same as in table made.  An equal value has equal bytes and finds its labels.
my $compare = q{
	SELECT count(*), bool_and(a.journey = m.journey AND cjm_internal.journey_hash_extended(a.journey, 1) = cjm_internal.journey_hash_extended(m.journey, 1)
		AND cjm_internal.journey_send(a.journey) = cjm_internal.journey_send(m.journey)), bool_and(a.funnel = m.funnel AND cjm_internal.funnel_send(a.funnel) = cjm_internal.funnel_send(m.funnel)),
		bool_and(a.stats = m.stats AND a.stats::text = m.stats::text), bool_and(funnel_step(a.journey, m.funnel) = 3), bool_and(a.journey || a.journey = m.journey || m.journey),
		bool_and(distinct_touchpoints(a.journey || m.journey) = m.journey), bool_and(rollup_stats = (SELECT rollup(stats) FROM (SELECT stats FROM made UNION ALL SELECT stats FROM made) s))
	FROM arrived a, made m, LATERAL (SELECT rollup(s) AS rollup_stats FROM (VALUES (a.stats), (m.stats)) v (s)) r};
my $same = '1|t|t|t|t|t|t|t';

my %alphabets = (
	cyrillic => [ [ 'ёлка', 'апельсин', 'яблоко' ], [qw(UTF8 WIN1251)] ],
	latin => [ [ 'café', 'Größe', 'año' ], [qw(UTF8 LATIN1)] ],
	japanese => [ [ '一', '亜', 'カート' ], [qw(UTF8 EUC_JP)] ],
	emoji => [ [ '🛒', '👀', 'skatīt → ļoti' ], [qw(UTF8 SQL_ASCII)] ]);
my %order = (
	cyrillic => { UTF8 => 'апельсин,ёлка', WIN1251 => 'ёлка,апельсин' },
	japanese => { UTF8 => '一,亜', EUC_JP => '亜,一' });

foreach my $alphabet (sort keys %alphabets)
{
	my ($labels, $encodings) = @{ $alphabets{$alphabet} };

	foreach my $encoding (@$encodings)
	{
		run_in($encoding, $name_in_perl{$encoding} eq 'UTF-8' ? 'UTF8' : $encoding, 'DROP TABLE IF EXISTS made, arrived;' . values_of(@$labels)
			  . 'CREATE TABLE arrived (LIKE made)');

		my $expected = $order{$alphabet}{$encoding} or next;
		is(run_in($encoding, 'UTF8', qq{
			SELECT string_agg(t.event, ',' ORDER BY n) FROM touchpoints('{2026-01-01T10:00:00Z $labels->[0], 2026-01-01T10:00:00Z $labels->[1]}')
			WITH ORDINALITY t (at, event, channel, value, n)}), encode('UTF-8', $expected), "$alphabet in $encoding: order by bytes");
	}

	# From either database to the other, in the encoding of either.
	foreach my $from (@$encodings)
	{
		my ($to) = grep { $_ ne $from } @$encodings;

		foreach my $wire (grep { $_ ne 'SQL_ASCII' } @$encodings)
		{
			my $way = "$alphabet: $from to $to in $wire";
			my $file = "$dir/${alphabet}_${from}_$wire";

			run_in($from, $wire, "COPY made TO '$file.binary' (FORMAT binary); COPY made TO '$file.text'");
			foreach my $format ('binary', 'text')
			{
				run_in($to, $wire, "TRUNCATE arrived; COPY arrived FROM '$file.$format' (FORMAT $format)");
				is(run_in($to, $wire, $compare), $same, "$way: $format");
			}
			isnt(run_in($to, $wire, 'SELECT stats::text FROM arrived') =~ tr/\x80-\xff//, 0, "$way: labels are there");
		}
	}
}

# SQL_ASCII converts nothing: the bytes that came in.
is(run_in('SQL_ASCII', 'UTF8', q{SELECT '{2026-01-01T10:00:00Z "🛒 ё"@é}'::journey, 'ё -> "🛒 ё"@é'::funnel}),
	encode('UTF-8', '{2026-01-01T10:00:00Z "🛒 ё"@é}|ё -> "🛒 ё"@é'), 'SQL_ASCII: labels as they came');
is(run_sql($node, "SELECT funnel_step(('{2026-01-01T10:00:00Z caf' || chr(233) || '}')::journey, ('caf' || chr(233))::funnel)",
	database => 'in_sql_ascii'), 1, 'SQL_ASCII: bytes that are no characters elsewhere');

# What an encoding does not have is PostgreSQL's error, whichever way.
foreach my $case (
	[ 'journey', q('{2026-01-01T10:00:00Z 🛒}') ], [ 'journey', q('{2026-01-01T10:00:00Z view@"👀 ēmuārs"}') ],
	[ 'funnel', q('view -> 🛒') ], [ 'funnel_stats', q(funnel_stats('view -> 🛒'::funnel)) ])
{
	my ($type, $value) = @$case;
	my $file = "$dir/unknown_$type";
	my $made = "SELECT $value" . ($type eq 'funnel_stats' ? '' : "::$type") . ' AS v';

	run_in('UTF8', 'UTF8', "COPY ($made) TO '$file' (FORMAT binary)");
	fails_in($_, 'UTF8', "CREATE TEMP TABLE t (v $type); COPY t FROM '$file' (FORMAT binary)", '22P05',
		qr/has no equivalent in encoding "$_"/, "$type into $_, which has no such character") foreach ('LATIN1', 'WIN1251', 'EUC_JP');
	fails_in('UTF8', 'EUC_JP', "CREATE TEMP TABLE t (v $type); SET client_encoding = 'UTF8'; COPY t FROM '$file' (FORMAT binary);"
		  . "SET client_encoding = 'LATIN1'; COPY t TO '$file.out' (FORMAT binary)", '22P05', qr/has no equivalent in encoding "LATIN1"/,
		"$type out of UTF8 to a client that has no such character");
	fails_in('UTF8', 'EUC_JP', "CREATE TEMP TABLE t (v $type); SET client_encoding = 'UTF8'; COPY t FROM '$file' (FORMAT binary);"
		  . "SET client_encoding = 'LATIN1'; SELECT v FROM t", '22P05', qr/has no equivalent in encoding "LATIN1"/, "$type as text to such a client");

	# Bytes of one encoding, said to be of another.
	fails_in('EUC_JP', 'EUC_JP', "CREATE TEMP TABLE t (v $type); COPY t FROM '$file' (FORMAT binary)", '22021',
		qr/invalid byte sequence for encoding "EUC_JP"/, "$type: bytes that are no EUC_JP") if $value =~ /🛒/;
}

# A label that is short enough on one side and too long on the other; and messages that quote one never cut a character.
my $long = 'ж' x 4000;
my $word = 'ж' x 2000;
my $file = "$dir/long";
run_in('WIN1251', 'WIN1251', "COPY (SELECT '{2026-01-01T10:00:00Z $long}'::journey, '$long'::funnel, funnel_stats('$long'::funnel)) TO '$file' (FORMAT binary)");
fails_in('UTF8', 'WIN1251', "CREATE TEMP TABLE t (j journey, f funnel, s funnel_stats); COPY t FROM '$file' (FORMAT binary)", '54000',
	qr/event of 8000 bytes is too long/, 'a label that becomes too long');
foreach my $prefix ('', 'a', 'ab', 'abc')
{
	my $label = $prefix . 'ж' x 4100;

	foreach my $client ('UTF8', 'WIN1251')
	{
		fails_in('UTF8', $client, "SELECT '$_'", '54000', qr/event of \d+ bytes (?:at character \d+ )?is too long/, "too long, in $client: " . substr($_, 0, 30) =~ s/[^ -~]/?/gr)
		  foreach ("{2026-01-01T10:00:00Z $label}'::journey, '", "$label'::funnel, '", "a -> x: \"$label\"'::funnel, '");
		fails_in('UTF8', $client, "SELECT journey_agg(now(), '$label')", '54000', qr/event of \d+ bytes (?:at character \d+ )?is too long/, "too long, in $client: journey_agg");
	}
}
foreach my $wrong ("{2026-01-01T10:00:00Z a $long}", "{$long}", "{2026-01-01T10:00:00Z a=$long}", "{2026-01-01T10:00${long}Z a}")
{
	fails_in('UTF8', 'WIN1251', "SELECT '$wrong'::journey", '22P02', qr/invalid|found/, 'a message that quotes long words, journey: ' . substr($wrong, 0, 30) =~ s/[^ -~]/?/gr);
}
foreach my $wrong ("a $long", "a -> $word:", "a within $long", "a [1 $long] -> b", "a -> b excluding $word $long", "\"$long")
{
	fails_in('UTF8', 'WIN1251', "SELECT '$wrong'::funnel", '(?:22P02|22023)', qr/./, 'a message that quotes long words, funnel: ' . substr($wrong, 0, 30) =~ s/[^ -~]/?/gr);
}
fails_in('UTF8', 'WIN1251', "SELECT rollup(s) FROM (VALUES (funnel_stats('a$long'::funnel)), (funnel_stats('b$long'::funnel))) v (s)", '(?:22023|54000)', qr/./, 'a message that quotes long funnels');

server_is_well($node);
done_testing();
