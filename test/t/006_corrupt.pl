# Bytes that nobody sent: whatever arrives in binary form becomes a sound value
# or an error with an SQLSTATE that says so, and never harms the server.
#
# Taken are values of all three types, cut off at every byte, with every single
# byte changed in several ways, with changes at random places, and some that
# are made up.  Each case is a file for COPY in binary format; one function
# tries them all.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('corrupt');
my $dir = "$PostgreSQL::Test::Utils::tmp_check/corrupt";
mkdir $dir or die "$dir: $!\n";

# Reads the files first .. last of a type.  A value that is taken in has to be
# sound: its text and its binary form read back as the same value, and every
# function has an answer to it.
run_sql($node, q~
	CREATE FUNCTION sound(v journey) RETURNS boolean LANGUAGE SQL AS $$
		SELECT v::text::journey = v AND v::jsonb::journey = v AND v || '{}' = v AND v || v = rollup(x)
			AND count(*) = 2 AND (SELECT coalesce(journey_agg(at, event, channel, value, session), '{}') = v FROM touchpoints(v))
			AND (SELECT coalesce(sum(touch_count), 0) = touch_count(v) FROM sessions(v, '1 second'))
			AND funnel_step(v, '* -> *@email | a -> view') >= 0 AND (funnel_times(v, '* -> * -> *')) IS NOT NULL
			AND funnel_step(v, '* -> * within session (1 s)') <= funnel_step(v, '* -> *') AND (SELECT count(*) = touch_count(v) FROM walks(v, '* within session'))
			AND (SELECT coalesce(rollup(s), '{}') = v FROM session_journeys(v, '1 second') s)
			AND slice(v, '-infinity', 'infinity') = v AND distinct_touchpoints(v || v) = distinct_touchpoints(v)
			AND cjm_internal.journey_hash(v) = cjm_internal.journey_hash(v::text::journey) AND cjm_internal.journey_cmp(v, v::text::journey) = 0
			AND has_event(v, 'no such event') = false AND (session_stats(v, '1 second')).touch_count = touch_count(v)
			AND (first_touch(v) IS NULL) = (last_touch(v) IS NULL) AND (duration(v) IS NULL) = (touch_count(v) = 0)
		FROM (VALUES (v), (v)) y (x) $$;
	CREATE FUNCTION sound(v funnel) RETURNS boolean LANGUAGE plpgsql AS $$
	BEGIN
		-- Rules that this release does not know are an error of their own, here and when they are used.
		BEGIN
			PERFORM funnel_step('{2026-01-01T00:00:00Z view}', v);
		EXCEPTION WHEN feature_not_supported THEN
		END;
		RETURN v::text::funnel = v AND cjm_internal.funnel_cmp(v, v::text::funnel) = 0 AND (SELECT count(*) > 0 FROM report(funnel_stats(v)));
	END $$;
	CREATE FUNCTION sound(v funnel_stats) RETURNS boolean LANGUAGE SQL AS $$
		SELECT v::text::funnel_stats = v AND v::jsonb::funnel_stats = v AND (SELECT count(*) > 0 FROM report(v))
			AND (SELECT count(*) >= 0 FROM time_histogram(v, 2)) AND rollup(x) = v AND (SELECT count(*) > 0 FROM compare(v, v))
		FROM (VALUES (v), (NULL)) y (x) $$;

	CREATE FUNCTION try_all(type text, files text, first int, last int) RETURNS TABLE (result text, cases bigint, example int) LANGUAGE plpgsql AS $$
	DECLARE
		state text;
		is_sound boolean;
	BEGIN
		DROP TABLE IF EXISTS results;
		CREATE TEMP TABLE results (n int, result text);
		EXECUTE format('CREATE TEMP TABLE taken (v %I)', type);
		FOR i IN first .. last LOOP
			state := 'taken';
			BEGIN
				EXECUTE format('COPY taken FROM %L (FORMAT binary)', files || i);
			EXCEPTION WHEN OTHERS THEN
				state := SQLSTATE;
				IF SQLERRM = '' OR SQLSTATE LIKE 'XX%' THEN
					state := state || ' ' || SQLERRM;
				END IF;
			END;
			IF state = 'taken' THEN
				BEGIN
					EXECUTE 'SELECT sound(v) FROM taken' INTO is_sound;
					IF is_sound IS NOT TRUE THEN
						state := 'taken, but unsound';
					END IF;
				EXCEPTION WHEN OTHERS THEN
					state := 'taken, but: ' || SQLSTATE || ' ' || SQLERRM;
				END;
				EXECUTE format('COPY taken TO %L (FORMAT binary)', files || 'again');
				TRUNCATE taken;
			END IF;
			INSERT INTO results VALUES (i, state);
		END LOOP;
		DROP TABLE taken;
		RETURN QUERY SELECT r.result, count(*), min(r.n) FROM results r GROUP BY 1 ORDER BY 1;
	END $$;
~);

# A binary COPY file of one row with one column.
sub copy_file
{
	my ($value) = @_;

	return "PGCOPY\n\xff\r\n\0" . pack('NN n N', 0, 0, 1, length $value) . $value . pack('n', 0xffff);
}

my $file_number = 0;

# Tries values of a type; what may come of it is a pattern for the results.
sub try_values
{
	my ($type, $title, $allowed, @values) = @_;
	my $first = $file_number + 1;

	write_bytes("$dir/v" . ++$file_number, copy_file($_)) foreach @values;
	my $output = run_sql($node, "SET client_min_messages = error; SELECT result, cases, example FROM try_all('$type', '$dir/v', $first, $file_number)");
	my @wrong = grep { !/^(?:$allowed)\|/ } split /\n/, $output;

	note("$type, $title: ", scalar @values, ' cases: ', join ', ', map { /^(.*?)\|(\d+)/; "$1 $2" } split /\n/, $output);
	is(join("\n", @wrong), '', "$type: $title");
	foreach (@wrong)
	{
		diag("$_: " . unpack 'H*', $values[ $1 - $first ]) if /\|(\d+)$/;
	}
	unlink map { "$dir/v$_" } $first .. $file_number;
	return $output;
}

sub sent
{
	my ($type, $value) = @_;

	return pack 'H*', run_sql($node, "SELECT encode(cjm_internal.${type}_send($value), 'hex')");
}

sub varint
{
	my ($n) = @_;
	my $bytes = '';

	while ($n >= 128)
	{
		$bytes .= chr($n % 128 + 128);
		$n = int($n / 128);
	}
	return $bytes . chr $n;
}

my %values = (
	journey => [
		q('{}'::journey),
		q('{2026-01-01T10:00:00Z view}'::journey),
		q('{2026-01-01T10:00:00.000001Z "оплата"@email=1.5, 2026-01-01T10:30:00Z view, 2026-01-05T11:00:00Z "🛒"@"paid search"=NaN, 2026-01-05T11:00:00Z a=-2}'::journey),
		q('{2026-01-01T10:00:00Z view~17, 2026-01-01T10:00:00Z view, 2026-01-01T10:30:00Z "оплата"@email~"визит 2"=1.5, 2026-01-05T11:00:00Z a~17}'::journey),
		q((SELECT journey_agg('2026-01-01Z'::timestamptz + i * interval '1 hour', 'e' || i % 2, NULL, NULL, 's' || i % 7) FROM generate_series(1, 20) i)),
		q((SELECT journey_agg('294276-12-31 23:00Z'::timestamptz + i * interval '1 second', 'event ' || i % 5, 'c' || i % 3, i) FROM generate_series(1, 20) i)),
		q((SELECT journey_agg('4714-11-24 00:00+00 BC'::timestamptz + i * interval '1 hour', 'e' || i % 2) FROM generate_series(0, 30) i)) ],
	funnel => [
		q('a'::funnel),
		q('awareness: view | search@"paid search" -> "в корзину": cart | *@email -> purchase within 7 days'::funnel),
		q('a -> optional b | * -> c [90 min] -> "" "" within 30 days excluding x@y | z'::funnel) =~ s/ -> "" ""//r,
		q('a -> b -> c unordered within 1.5 hours'::funnel),
		q('a -> b strict'::funnel),
		q('a@(v) -> b@(v) from any stage within session (45 min)'::funnel) ],
	funnel_stats => [
		q((funnel_stats('a -> "б" within 1 day'::funnel))),
		q((SELECT funnel_agg(j, 'view -> "в корзину" -> pay') FROM (SELECT journey_agg('2026-01-01 10:00Z'::timestamptz + i * n * n * interval '7 seconds',
			(ARRAY['view', 'в корзину', 'pay'])[i]) FROM generate_series(1, 40) n, generate_series(1, 1 + n % 3) i GROUP BY n) x (j))),
		q((SELECT funnel_agg(j, 'view -> view') FROM (VALUES ('{2026-01-01T00:00Z view, 2026-01-01T00:00Z view}'::journey), ('{}')) x (j))) ]);

# Errors that bytes may give: not a value (22P02, 22P03, 08P01), an unknown version or rule (0A000), a limit (54000),
# a time out of range (22008), not text of the encoding (22021), not a value that may be (22023).
my $refused = '22P02|22P03|08P01|0A000|54000|22008|22021|22023';
srand(20260101);

foreach my $type (sort keys %values)
{
	foreach my $n (0 .. $#{ $values{$type} })
	{
		my $value = sent($type, $values{$type}[$n]);
		my $size = length $value;
		my @cut = map { substr $value, 0, $_ } 0 .. $size - 1;
		my @changed = ();
		my @random = ();

		like(try_values($type, "value $n as it is", 'taken', $value), qr/^taken\|1\|/, "$type: value $n is taken");
		# A shorter definition may well be one, other values know their size.
		try_values($type, "value $n cut off", $type eq 'funnel' ? "taken|$refused" : $refused, @cut);
		try_values($type, "value $n with more bytes", $type eq 'funnel' ? "taken|$refused" : $refused,
			map { $value . $_ } "\0", "\xff", 'x', "\0" x 8, $value);
		foreach my $at (0 .. $size - 1)
		{
			my $old = ord substr $value, $at, 1;

			foreach my $new (0x00, 0xff, 0x7f, 0x80, $old ^ 1, $old ^ 0x10, $old ^ 0x80, ($old + 1) & 255, ($old - 1) & 255)
			{
				push @changed, substr($value, 0, $at) . chr($new) . substr($value, $at + 1) if $new != $old;
			}
		}
		try_values($type, "value $n with a byte changed", "taken|$refused", @changed);
		foreach (1 .. 150)
		{
			my $bytes = $value;

			substr($bytes, int rand length $bytes, int rand 4) = join '', map { chr int rand 256 } 1 .. rand 4 foreach 1 .. 1 + rand 3;
			push @random, $bytes;
		}
		try_values($type, "value $n changed at random", "taken|$refused", @random);
	}
	try_values($type, 'noise', $refused . ($type eq 'funnel' ? '|taken' : ''), map { join '', "\1", map { chr int rand 256 } 1 .. rand 60 } 1 .. 300);
	try_values($type, 'other versions', '0A000', map { chr($_) . substr(sent($type, $values{$type}[1]), 1) } grep { $type ne 'journey' || $_ != 2 } 0, 2, 3, 127, 255);
}

# Journeys that are made up: one touchpoint "view" with every count at its wildest.
my $time = pack 'q<', 820_000_000_000_000;
my $label = chr(4) . 'view';
sub journey_of
{
	my (%part) = (header => "\1\0\0", count => varint(1), events => varint(1), size => varint(5), at => $time, label => $label, rest => "\0", @_);

	return join '', @part{qw(header count events size at label rest)};
}
like(try_values('journey', 'made up', 'taken', journey_of()), qr/^taken\|1\|/, 'a journey that is made up right is taken');
my @huge = map { varint($_) } 2**16, 2**24, 2**24 + 1, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**53;
push @huge, "\xff" x 8 . "\x7f", "\xff" x 9 . "\1", "\xff" x 9 . "\2", "\x80" x 8 . "\x80\1", "\xff" x 10, "\xff" x 20, "\x80\0", "\x81\0", "\x80" x 9 . "\0";
try_values('journey', 'counts beyond all bounds', $refused, map { my $n = $_; (journey_of(count => $n), journey_of(events => $n), journey_of(size => $n),
	journey_of(count => $n, events => $n), journey_of(count => $n, size => $n), journey_of(label => $n . 'view'),
	journey_of(header => "\1\0\4", size => varint(5) . $n . varint(5), label => $label x 2, rest => "\0\1"),
	journey_of(header => "\1\0\4", size => varint(5) . varint(1) . $n, label => $label x 2, rest => "\0\1"), journey_of(header => "\1\x38\x22", count => $n)) } @huge);
try_values('journey', 'no labels, no label, empty labels', $refused, journey_of(events => "\0", size => "\0", label => ''), journey_of(events => "\0"),
	journey_of(size => "\1", label => "\0"), journey_of(size => "\2", label => "\1"), journey_of(events => "\2", size => "\6", count => "\2", label => "$label\0", rest => "\0\0"),
	journey_of(size => varint(4099), label => varint(4097) . 'x' x 4097), journey_of(label => "\4vi\0w"), journey_of(label => "\4vi\xc3w"));
try_values('journey', 'ids beyond the dictionary', $refused, (map { journey_of(rest => chr $_) } 1, 2, 127, 128, 255),
	(map { journey_of(header => "\1\0\1", rest => pack 'v', $_) } 1, 255, 256, 65535), (map { journey_of(header => "\1\0\2", rest => pack 'V', $_) } 1, 65536, 2**31, 2**32 - 1),
	(map { journey_of(header => "\1\0\4", size => varint(5) . "\1" . varint(5), label => $label x 2, rest => "\0" . chr $_) } 2, 3, 255),
	(map { journey_of(header => "\1\0\x0c", size => varint(5) . "\1" . varint(5), label => $label x 2, rest => "\0" . pack 'V', $_) } 2, 2**31, 2**32 - 1));
try_values('journey', 'times that are none', '22008', (map { journey_of(at => pack 'q<', $_) } -9223372036854775807 - 1, 9223372036854775807, -211813488000000001,
	9223371331200000000, -9223372036854775807), (map { journey_of(header => "\1\x08\0", count => "\2", rest => pack('Q<', $_) . "\0\0") } 2**63, 18446744073709551615, 9222551331200000000,
	18446744073709551615 - 820_000_000_000_000, 18446744073709551615 - 820_000_000_000_000 - 211813488000000000),
	(map { journey_of(header => "\1" . chr($_ << 4 | 8) . "\0", count => "\2", rest => pack('Q<', 2**62) . "\0\0") } 1, 2, 3),
	journey_of(header => "\1\x38\0", count => "\2", rest => pack('Q<', 307445734561825861) . "\0\0"));
try_values('journey', 'headers', "taken|$refused", map { my $byte = $_; map { journey_of(header => $_) } "\1" . chr($byte) . "\0", "\1\0" . chr $byte } 0 .. 255);

# What is not canonical is made so: touchpoints and labels out of order, doubled or unused, too much room for each.
my $canonical = sent('journey', q('{2026-01-01T10:00:00Z a, 2026-01-01T10:00:00Z b}'::journey));
$time = substr $canonical, 6, 8;
try_values('journey', 'not canonical', 'taken', my @variants = (
	journey_of(count => "\2", events => "\2", size => "\4", label => "\1b\1a", rest => "\0\1"),
	journey_of(count => "\2", events => "\2", size => "\4", label => "\1a\1b", rest => "\1\0"),
	journey_of(header => "\1\x28\2", count => "\2", events => "\2", size => "\4", label => "\1a\1b", rest => "\0" x 8 . pack 'VV', 1, 0),
	journey_of(header => "\1\0\4", count => "\2", events => "\2", size => "\4\1\2", label => "\1a\1b\1c", rest => "\0\1\0\0"),
	journey_of(header => "\1\0\x30", count => "\2", events => "\2", size => "\4", label => "\1a\1b", rest => "\0\1\0")));
my $n = 0;
foreach my $variant (@variants)
{
	write_bytes("$dir/variant", copy_file($variant));
	is(run_sql($node, "CREATE TEMP TABLE t (v journey); COPY t FROM '$dir/variant' (FORMAT binary); SELECT encode(cjm_internal.journey_send(v), 'hex') FROM t"),
		unpack('H*', $canonical), 'not canonical, ' . ++$n . ': is made so');
}
try_values('journey', 'labels twice in a dictionary', 'taken', journey_of(count => "\2", events => "\2", size => "\4", label => "\1a\1a", rest => "\0\1"));

# Definitions and statistics at and beyond their limits.
try_values('funnel', '64 stages', 'taken', "\1" . join ' -> ', map { "s$_" } 1 .. 64);
try_values('funnel', '65 stages and more', '54000', map { "\1" . join ' -> ', ('a') x $_ } 65, 66, 1000, 100000);
try_values('funnel', '1024 events', 'taken', "\1" . join ' | ', map { "e$_" } 1 .. 1024);
try_values('funnel', 'too many events', '54000', "\1" . join(' | ', map { "e$_" } 1 .. 1025), "\1a excluding " . join ' | ', map { "e$_" } 1 .. 5000);
try_values('funnel', 'long words', '54000|22P02|22008', "\1" . 'x' x 4097, "\1a within " . '9' x 5000 . ' days', "\1a within 1" . 'd' x 5000, "\1\"" . '"' x 9999, "\1" . '"' x 9999);
my $funnel = 'a -> b -> c';
my $counts = sub { return "\1" . pack('N', length $funnel) . $funnel . join '', @_ };
my $max = "\xff" x 8 . "\x7f";
try_values('funnel_stats', 'counts of nobody', 'taken', $counts->("\0", "\0\0\0"));
try_values('funnel_stats', 'as many customers as can be', 'taken', $counts->($max, "\0\0\0"), $counts->($max, "$max\0\0"),
	$counts->($max, $max, $max, "\0", "\0" x 16, "\0", $max));
try_values('funnel_stats', 'counts beyond all bounds', $refused, map { my $many = $_; ($counts->($many, "\0\0\0"), $counts->($max, $many, "\0\0"), $counts->("\1", "\1", $many, "\0"),
	$counts->("\1\1\1\0", "\0" x 16, $many, "\1"), $counts->("\1\1\1\0", "\0" x 16, "\0", $many)) } "\xff" x 9 . "\1", "\x80" x 9 . "\1", "\xff" x 10, "\xff" x 20, "\x80\0");
try_values('funnel_stats', 'customers and times that contradict', '22P03', $counts->("\0\1\0\0"), $counts->("\1\1\2\0"), $counts->("\2\0\1\0", "\0" x 16, "\0\1"),
	$counts->("\1\1\1\0", "\xff" x 16, "\0\1"), $counts->("\1\1\1\0", "\1" . "\0" x 15, "\0\1"), $counts->("\2\2\2\0", "\0" x 16, "\0\1"), $counts->("\2\2\2\0", "\0" x 16, "\0\1\0\1"),
	$counts->("\1\1\1\0", "\0" x 16, varint(59 * 64), "\1"), $counts->("\1\1\1\0", "\0" x 16, varint(2**31), "\1"), $counts->("\1\1\0\1"));
try_values('funnel_stats', 'a funnel whose size is wrong', $refused, (map { "\1" . pack('N', $_) . $funnel . "\0\0\0\0" } 0, 1, 10, 12, 15, 16, 2**31 - 1, 2**31, 2**32 - 1));

server_is_well($node);
done_testing();
