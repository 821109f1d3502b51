# CjmTest.pm: what the TAP tests share.
#
# Every test file has one server of its own, a throwaway one without fsync,
# and data from hash functions: the same rows in every run.

package CjmTest;

use strict;
use warnings;

# PostgreSQL's module would note the ports in use beside an installed PGXS, where nobody may write.
BEGIN
{
	$ENV{PG_TEST_PORT_DIR} //= ($ENV{TESTDATADIR} // $ENV{TESTDIR} // 'tmp_check') . '/portlock';
}

use Exporter 'import';
use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(staged_server start_server start_node run_sql run_sql_fails plan_of write_bytes server_is_well lacks_fix);

my %started_at;

# What Perl warns of is a mistake in a test, and fails it.
$SIG{__WARN__} = sub { fail("no warning: $_[0]") };

# A copy of the server in a directory, to install into, without the extension if one is named: what its
# pg_config says of where it is, and as pg_config that program.
sub staged_server
{
	my ($directory, @extension) = @_;
	my $first_line = sub { open my $out, '-|', @_ or die "$_[0]: $!\n"; chomp(my $line = <$out> // die "@_ said nothing\n"); return $line };
	my $pg_config = $first_line->("$FindBin::RealBin/../stage.sh", $directory, @extension);

	return (pg_config => $pg_config, map { $_ => $first_line->($pg_config, "--$_") } qw(bindir sharedir pkglibdir));
}

# A started server whose database postgres has the extension and finds it without its schema's name.
# Arguments are lines of postgresql.conf.
sub start_server
{
	my ($name, @settings) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	start_node($node, @settings);
	$node->safe_psql('postgres', 'CREATE EXTENSION cjm');
	$node->safe_psql('postgres', 'ALTER DATABASE postgres SET search_path = public, cjm');
	return $node;
}

# Makes and starts the server of a node that the caller has at hand.
sub start_node
{
	my ($node, @settings) = @_;

	# The environment of whoever runs the tests decides nothing.
	delete @ENV{qw(PGOPTIONS PGTZ PGDATESTYLE PGCLIENTENCODING)};
	$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
	$node->append_conf('postgresql.conf', join("\n",
		q(timezone = 'UTC'), q(log_statement = none), q(synchronous_commit = off), q(full_page_writes = off),
		q(autovacuum = off), q(jit = off), q(max_wal_size = '2GB'), q(checkpoint_timeout = '1h'), q(shared_buffers = '128MB'),
		@settings, ''));
	$node->start;
	$started_at{ $node->name } = $node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()');
	return;
}

# What the statements print, without headers.  An error ends the test file.
sub run_sql
{
	my ($node, $sql, %options) = @_;

	return $node->safe_psql($options{database} // 'postgres', $sql,
		$options{user} ? (extra_params => [ '-U', $options{user} ]) : ());
}

# Runs statements that have to fail, by their SQLSTATE and a pattern for the message.
sub run_sql_fails
{
	my ($node, $sql, $sqlstate, $pattern, $title, %options) = @_;
	my ($status, $output, $errors) = $node->psql($options{database} // 'postgres', "\\set VERBOSITY verbose\n$sql",
		$options{user} ? (extra_params => [ '-U', $options{user} ]) : ());

	ok($status != 0 && $errors =~ /ERROR:  $sqlstate: / && $errors =~ $pattern, $title)
	  or diag("status $status, expected $sqlstate and $pattern, got: " . substr($errors, 0, 2000));
	return;
}

# The plan of a query after settings, as lines; options are EXPLAIN's.
sub plan_of
{
	my ($node, $settings, $query, $options) = @_;

	$options = $options ? "$options, " : '';
	return $node->safe_psql('postgres', "$settings; EXPLAIN (${options}COSTS OFF) $query");
}

sub write_bytes
{
	my ($file, $bytes) = @_;

	open my $out, '>:raw', $file or die "$file: $!\n";
	print $out $bytes;
	close $out or die "$file: $!\n";
	return;
}

# Whether the server has lived through the test without a crash.
sub server_is_well
{
	my ($node) = @_;
	my $log = PostgreSQL::Test::Utils::slurp_file($node->logfile);

	is($node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()'),
		$started_at{ $node->name }, 'the server has not restarted');
	unlike($log, qr/terminated by signal|PANIC:|TRAP:/, 'no process of the server has crashed');
	return;
}

# Whether a server is of a minor release before the one that mended something, which is given for each major release that had it broken.
sub lacks_fix
{
	my ($node, %mended) = @_;
	my $version = run_sql($node, 'SHOW server_version_num');

	return $version % 10000 < ($mended{ int($version / 10000) } // 0);
}

1;
