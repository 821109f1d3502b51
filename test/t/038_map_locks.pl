# A map is made anew again and again while others read it, single views, several
# in one transaction from the top down and from the bottom up, and reports: nobody
# who reads dies of a deadlock, all that is read is there, and the maker has his
# turn.  Only who reads from the bottom up goes before the maker, and so has to
# pause now and then.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use PostgreSQL::Test::Utils;
use IPC::Run;
use Test::More;

# A hundred by hand: CJM_REPLACES=100.
my $replaces = $ENV{CJM_REPLACES} // 5;
my $dir = $PostgreSQL::Test::Utils::tmp_check;
my $node = start_server('map_locks', q(log_lock_waits = on));
my $create = q{SELECT cjm.create_map('shop', 'public.events', 'customer', 'at', 'event', 'view -> cart -> buy', 'channel', replace => true)};

run_sql($node, q{CREATE TABLE public.events (customer int, at timestamptz, event text, channel text);
	INSERT INTO public.events SELECT i % 50, timestamptz '2021-01-01Z' + i * interval '1 h', (ARRAY['view', 'cart', 'buy'])[1 + i % 3], (ARRAY['ads', 'mail'])[1 + i % 2] FROM generate_series(1, 500) i});
run_sql($node, $create);

my %scripts = (
	up => join('', '\sleep 300 ms;', 'BEGIN;', (map { "SELECT count(*) FROM shop.$_;" } qw(map events spend journeys customers funnel channels feedback)), 'COMMIT;'),
	down => join('', 'BEGIN;', (map { "SELECT count(*) FROM shop.$_;" } qw(feedback channels paths stages drop_off funnel customers journeys)), 'COMMIT;'),
	single => join('', map { "SELECT count(*) FROM shop.$_;" } qw(funnel attribution retention sessions)),
	reports => q{SELECT count(*) FROM cjm.maps; SELECT count(*) FROM cjm.funnel_report('shop'); SELECT count(*) FROM cjm.stage_report('shop'); SELECT length(cjm.map_svg('shop'));});
my $user = run_sql($node, 'SELECT current_user');
my @readers = ();
foreach my $name (sort keys %scripts)
{
	write_bytes("$dir/$name.sql", $scripts{$name} =~ s/ms;/ms\n/r =~ s/;/;\n/gr);
	my ($output, $errors) = ('', '');
	local $ENV{PGAPPNAME} = 'reader';
	my $run = IPC::Run::start([ 'pgbench', '-n', '-c', '1', '-T', '3600', '-f', "$dir/$name.sql", '-h', $node->host, '-p', $node->port, '-U', $user, 'postgres' ],
		'>', \$output, '2>', \$errors);
	push @readers, { name => $name, run => $run, errors => \$errors };
}
ok($node->poll_query_until('postgres', q{SELECT count(*) >= 4 FROM pg_stat_activity WHERE application_name = 'reader'}), 'readers read');

my $failed = 0;
my $began = time;
foreach my $round (1 .. $replaces)
{
	my ($status, $output, $errors) = $node->psql('postgres', $create);
	$failed++ if $status != 0;
	diag($errors) if $status != 0;
}
is($failed, 0, "the map is made anew $replaces times");
note("$replaces replaces took " . (time - $began) . ' s');
is(run_sql($node, q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'reader'}), 4, 'all readers are still there');
run_sql($node, q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'reader'});
foreach my $reader (@readers)
{
	$reader->{run}->finish;
	unlike(${ $reader->{errors} }, qr/deadlock|does not exist/, "$reader->{name}: no reader met an error");
}
# A reader who holds one view has waited for another for almost deadlock_timeout, behind the maker, who has waited for somebody
# else, when that one is done: now the maker waits for the reader, who is about to look for a deadlock.
foreach my $late (0.82, 0.88, 0.94)
{
	my $now = run_sql($node, 'SELECT extract(epoch FROM clock_timestamp())');
	my @sessions = map
	{
		my ($begin, $from, $then) = @$_;
		my %session = (output => '', errors => '');
		my $sql = sprintf('SET client_min_messages = warning; %s SELECT pg_sleep(greatest(0, %s - extract(epoch FROM clock_timestamp())::float8)); %s', $begin, $now + $from, $then);

		$session{run} = IPC::Run::start([ 'psql', '-XAtq', '-h', $node->host, '-p', $node->port, '-U', $user, '-d', 'postgres' ], '<', \$sql, '>', \$session{output}, '2>', \$session{errors});
		\%session;
	} ([ 'BEGIN; SELECT FROM shop.feedback;', 3.9 + $late, 'COMMIT;' ],
		[ 'BEGIN; SELECT FROM shop.map;', 3.9, q{SELECT FROM shop.feedback; SELECT 'read'; COMMIT;} ],
		[ '', 0.5, $create ]);

	$_->{run}->finish foreach @sessions;
	like($sessions[1]{output}, qr/^read$/m, "a reader who waits already reads on, $late s") or diag($sessions[1]{errors});
	is($sessions[2]{errors}, '', 'and the map is made anew');
}

note(run_sql($node, q{SELECT 'transactions: ' || xact_commit FROM pg_stat_database WHERE datname = 'postgres'}));

server_is_well($node);
done_testing();
