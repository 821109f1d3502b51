# Bytes that a disk has changed: values are written, bits in the files of a stopped
# server are flipped, and every function that takes such a value is asked.  Each
# has an answer or an error that says so, and the server stays up.
#
# There are no checksums, as in a cluster made before 18.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmCalls;
use CjmTest;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('damage');
my @no_checksums = `initdb --help` =~ /--no-data-checksums/ ? ('--no-data-checksums') : ();

delete @ENV{qw(PGOPTIONS PGTZ PGDATESTYLE PGCLIENTENCODING)};
$node->init(extra => [ '--encoding=UTF8', '--locale=C', @no_checksums ]);
$node->append_conf('postgresql.conf', "timezone = 'UTC'\nautovacuum = off\nfsync = off\nfull_page_writes = off\njit = off\nlog_statement = none\nlog_min_messages = fatal\nmax_parallel_workers_per_gather = 0\n");
$node->start;
run_sql($node, 'CREATE EXTENSION cjm');
make_try($node);

# Values by type, each as an expression; n flips of each are tried.
my %values = (
	journey => [
		q('{2026-01-01T10:00:00Z a@email=1.5, 2026-01-01T10:00:05Z b, 2026-01-02T10:00:00Z c@"paid search"=2}'::cjm.journey),
		q('{2026-01-01T10:00:00Z a, 2026-01-01T10:00:00Z b, 2026-01-01T10:00:00Z c, 2026-01-01T11:00:00Z a, 2026-01-03T11:00:00Z c}'::cjm.journey),
		q((SELECT cjm.journey_agg('2026-01-01Z'::timestamptz + i * interval '7 min', (ARRAY['a', 'b', 'c', 'a long label'])[1 + i % 4], CASE WHEN i % 3 = 0 THEN 'ch' || i % 5 END, CASE WHEN i % 2 = 0 THEN i END) FROM generate_series(1, 9) i)),
		q('{}'::cjm.journey) ],
	funnel => [ q('x: a | b@email -> optional "q q" -> c [1 day] within 7 days excluding d'::cjm.funnel), q('a -> b unordered'::cjm.funnel) ],
	funnel_stats => [ q((SELECT cjm.funnel_agg(j, 'a -> b -> c') FROM (SELECT cjm.journey_agg('2026-01-01Z'::timestamptz + i * n * interval '7 s', (ARRAY['a', 'b', 'c'])[i]) FROM generate_series(1, 20) n, generate_series(1, 1 + n % 3) i GROUP BY n) x (j))) ],
	journey_pattern => [ q('(a | !b@email)+ .* c (?t<=5 h) a $'::cjm.journey_pattern) ]);
# Long enough to be stored out of line; of it some places are tried.
my %long = (journey => q((SELECT cjm.journey_agg('2026-01-01Z'::timestamptz + i * interval '7 min', 'event ' || i % 300, 'channel ' || i % 40, i) FROM generate_series(1, 2000) i)));

foreach my $type (sort keys %values)
{
	run_sql($node, "CREATE TABLE d_$type (n serial, v cjm.$type); ALTER TABLE d_$type ALTER v SET STORAGE MAIN");
	run_sql($node, "INSERT INTO d_$type (v) SELECT v FROM (SELECT $_ AS v OFFSET 0) v, generate_series(1, pg_column_size(v))") foreach @{ $values{$type} };
	next unless $long{$type};
	run_sql($node, "CREATE TABLE l_$type (n serial, v cjm.$type); ALTER TABLE l_$type ALTER v SET STORAGE EXTERNAL;
		INSERT INTO l_$type (v) SELECT v FROM (SELECT $long{$type} AS v OFFSET 0) v, generate_series(1, 60)");
}
my %file = map { split /\|/ } split /\n/, run_sql($node, q{
	SELECT relname, pg_relation_filepath(oid) FROM pg_class WHERE relname ~ '^d_' AND relkind = 'r'
	UNION ALL SELECT c.relname, pg_relation_filepath(c.reltoastrelid) FROM pg_class c WHERE c.relname ~ '^l_' AND c.relkind = 'r'});
run_sql($node, 'CHECKPOINT');
$node->stop;

# Changes one byte of the varlena that begins in each tuple of a file after some bytes; which byte and how, the count of tuples says.
sub flip_all
{
	my ($path, $before, $often) = @_;
	my $flipped = 0;
	my $seen = 0;

	open my $file, '+<:raw', $path or die "$path: $!\n";
	local $/;
	my $bytes = <$file>;
	for (my $page = 0; $page < length $bytes; $page += 8192)
	{
		my $lower = unpack 'S', substr $bytes, $page + 12, 2;

		for (my $item = 0; $item < ($lower - 24) / 4; $item++)
		{
			my $pointer = unpack 'L', substr $bytes, $page + 24 + 4 * $item, 4;
			my ($offset, $flags) = ($pointer & 0x7fff, $pointer >> 15 & 3);
			next if $flags != 1 || $seen++ % $often != 0;
			my $start = $page + $offset + ord(substr $bytes, $page + $offset + 22, 1) + $before;
			my $head = ord substr $bytes, $start, 1;
			my $size = $head & 1 ? $head >> 1 : unpack('L', substr $bytes, $start, 4) >> 2;
			my $skip = $head & 1 ? 1 : 4;
			# Of short values all bytes come in turn, each in several ways.
			my $place = $start + $skip + ($often > 1 ? int rand $size - $skip : $flipped % ($size - $skip));
			my $mask = (1, 0x80, 0xff, 0x10, 2, 0x7f, 4, 0x40)[ int rand 8 ];

			substr($bytes, $place, 1) = chr(ord(substr $bytes, $place, 1) ^ $mask);
			$flipped++;
		}
	}
	seek $file, 0, 0;
	print $file $bytes;
	close $file or die "$path: $!\n";
	return $flipped;
}

srand(20261129);
foreach my $table (sort keys %file)
{
	my $flipped = flip_all($node->data_dir . "/$file{$table}", $table =~ /^d_/ ? 4 : 8, $table =~ /^d_/ ? 1 : 2);
	cmp_ok($flipped, q(>), 20, "bytes of $table are changed: $flipped");
}
$node->start;
my $began = run_sql($node, 'SELECT pg_postmaster_start_time()');

# An answer; damage; a format version that is to come; labels that are no text any more; a time, a duration or a label out of its range.
my $allowed = qr/^(?:00000|XX001|0A000|2202[123]|22P0[25]|2200[38]|22015|54000)$/;
my @functions = functions($node);

foreach my $type (sort keys %values)
{
	my @takers = grep { grep { $_ eq $type } @{ $_->{types} } } @functions;
	my %states;

	cmp_ok(scalar @takers, '>', 2, "functions that take a $type: " . @takers);
	foreach my $function (@takers)
	{
		my @arguments = map { $function->{types}[$_] eq $type ? 'v' : plausible($function->{types}[$_], $function->{names}[$_]) } 0 .. $#{ $function->{types} };
		my $call = call_of($function, @arguments);
		my $from = $function->{kind} eq 'w' ? '' : $function->{kind} eq 'a' ? "(SELECT $call AS x FROM (VALUES (v), (v)) y (v))" : "(SELECT $call AS x)";

		next if $function->{kind} eq 'w';
		# What is wrong with the other arguments is so for a sound value, too.
		my ($sound) = try_statements($node, '', "SELECT string_agg(x::text, ',') FROM (SELECT @{[ plausible($type) ]} AS v OFFSET 0) t, LATERAL $from q");
		foreach my $table ("d_$type", "l_$type")
		{
			next unless exists $file{$table};
			my ($result) = try_statements($node, '', "SELECT string_agg(state || ' ' || cases, ', ' ORDER BY state) FROM (SELECT state, count(*) AS cases
				FROM (SELECT split_part(cjm_try(format('SELECT md5(string_agg(x::text, '','')) FROM (SELECT v FROM $table WHERE n = %s OFFSET 0) t, LATERAL %s q', n, \$c\$$from\$c\$)), '|', 1) AS state FROM $table) x GROUP BY 1) y");

			if (!$result || $result->[0] ne '00000')
			{
				fail("$table: $call");
				diag($result ? "@$result" : 'no answer');
				next;
			}
			my @wrong = grep { !/$allowed/ && $_ ne $sound->[0] } map { s/ .*//r } split /, /, $result->[2];
			is("@wrong", '', "$table: $function->{name}: $result->[2]");
			$states{$_} += 1 foreach map { s/ .*//r } split /, /, $result->[2];
		}
	}
	cmp_ok($states{XX001} // 0, '>', 0, "damage to a $type is told");
}

is(run_sql($node, 'SELECT pg_postmaster_start_time()'), $began, 'the server has not restarted');
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/terminated by signal|PANIC:|TRAP:/, 'no process of the server has crashed');
$node->stop;
done_testing();
