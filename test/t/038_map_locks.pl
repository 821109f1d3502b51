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
note(run_sql($node, q{SELECT 'transactions: ' || xact_commit FROM pg_stat_database WHERE datname = 'postgres'}));

server_is_well($node);
done_testing();
