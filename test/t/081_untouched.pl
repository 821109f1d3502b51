# What a trial does to the PostgreSQL that it is of: nothing, though another cjm is
# installed there.  It is tried on a copy of the server at hand, by the commands of
# the Makefile, but for a cjm.so that is built of a few lines.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use Digest::MD5;
use File::Basename qw(basename);
use File::Find qw(find);
use File::Path qw(make_path);
use PostgreSQL::Test::Utils;
use Test::More;

my $tmp = $PostgreSQL::Test::Utils::tmp_check;
my $home = "$FindBin::RealBin/../..";
my ($version) = slurp_file("$home/cjm.control") =~ /^default_version *= *'(.*)'/m;
my %system = staged_server("$tmp/system", 'cjm');
my %of_old = (
	"$system{pkglibdir}/cjm.so" => "no library\n",
	"$system{pkglibdir}/bitcode/cjm.index.bc" => "no bitcode\n",
	"$system{pkglibdir}/bitcode/cjm/src/old.bc" => "no bitcode\n",
	"$system{sharedir}/extension/cjm.control" => "default_version = '0.0.1'\nmodule_pathname = '\$libdir/cjm'\n",
	"$system{sharedir}/extension/cjm--0.0.1.sql" => "CREATE TABLE old ();\n",
	"$system{sharedir}/extension/cjm--0.0.1--$version.sql" => "DROP TABLE old;\n");

foreach my $file (sort keys %of_old)
{
	make_path($file =~ s{/[^/]*\z}{}r);
	write_bytes($file, $of_old{$file});
}
make_path("$tmp/build");
write_bytes("$tmp/build/own.c", qq{#include "postgres.h"\n#include "fmgr.h"\nPG_MODULE_MAGIC;\n});

# Everything in the copy: folders with their times, files with their bytes, links with where they go.
sub contents
{
	my %contents = ();

	find({
			no_chdir => 1,
			wanted => sub {
				my @stat = lstat or die "$_: $!\n";
				$contents{$_} = join ' ', @stat[ 1, 2, 4, 5, 9 ],
				  -l _ ? readlink : -d _ ? 'folder' : Digest::MD5->new->addfile(do { open my $in, '<:raw', $_ or die "$_: $!\n"; $in })->hexdigest;
			} }, "$tmp/system");
	return \%contents;
}

# What make prints for these words, with something to read, and its status.
sub make_with
{
	my ($input, @words) = @_;

	write_bytes("$tmp/input", $input);
	my $pid = open(my $out, '-|') // die "fork: $!\n";
	if (!$pid)
	{
		delete @ENV{qw(MAKEFLAGS MAKELEVEL MFLAGS)};
		open STDERR, '>&', \*STDOUT;
		open STDIN, '<', "$tmp/input";
		exec 'make', '-C', "$tmp/build", '-f', "$home/Makefile", "PG_CONFIG=$system{pg_config}", 'OBJS=own.o', @words;
		exit 127;
	}
	my $said = join '', <$out>;
	close $out;
	return ($?, $said);
}

# What a release has beside its own script, to be updated from.
my @released = map { basename($_) } glob "$home/sql/release/cjm--*.sql";
my @versions = sort $version, map { /^cjm--([0-9.]+)\.sql$/ ? $1 : () } @released;

my $before = contents();
cmp_ok(scalar keys %$before, '>', 100, 'the copy has files');

my ($status, $said) = make_with(<<'SQL', 'psql');
\pset format unaligned
\pset tuples_only
LOAD 'cjm';
SELECT 'available: ' || string_agg(version, ' ' ORDER BY version COLLATE "C") FROM pg_available_extension_versions WHERE name = 'cjm';
SELECT 'files: ' || setting FROM pg_config WHERE name IN ('PKGLIBDIR', 'SHAREDIR');
\! echo "programs: `command -v psql` `pg_config --bindir`"
SQL
is($status, 0, 'a trial ends well') or diag($said);
my ($work) = $said =~ m{^cjm: PostgreSQL \d\S* runs with cjm \Q$version\E in (/\S*/cjm\.\w+); what is installed in the system stays as it is$}m;
ok($work, 'it says what runs, and where') or diag($said);
$work //= '';
like($said, qr{^LOAD$}m, 'the library is the one that was built');
like($said, qr{^available: \Q@versions\E$}m, 'there is no version but this and those released before');
is(scalar(() = $said =~ m{^files: \Q$work\E/server/}mg), 2, 'the files are in a place of its own');
like($said, qr{^programs: (\Q$work\E/server/\S*)/psql \1$}m, 'so are the programs');
ok(!-e $work, 'which is gone afterwards');
is_deeply(contents(), $before, 'and nothing else has changed');

($status, $said) = make_with('', 'install');
is($status, 0, 'make install ends well') or diag($said);
my $after = contents();
my @changed = grep { ($before->{$_} // '') ne ($after->{$_} // '') && !-d } sort keys %{ { %$before, %$after } };
is_deeply([ grep { !m{/bitcode/} } @changed ],
	[ sort "$system{pkglibdir}/cjm.so", map { "$system{sharedir}/extension/$_" } "cjm--$version.sql", @released, 'cjm.control' ],
	'and that is what changes the installation');

done_testing();
