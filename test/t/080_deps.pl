# deps.sh on made-up machines: what it asks apt-get for, and what it says where
# that would not help.  A machine is a directory with programs of ours in
# usr/bin, apt-get and sudo among them, whose packages have what matters of
# Debian's; it needs neither the network nor root.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use File::Basename qw(dirname);
use File::Path qw(make_path);
use PostgreSQL::Test::Utils;
use Test::More;

my $deps = "$FindBin::RealBin/../deps.sh";
my ($bash) = grep { -x } map { "$_/bash" } split /:/, $ENV{PATH};
my $archive = PostgreSQL::Test::Utils::tempdir();
my $root;

#
# Packages: files, and packages that come along
#

my $program = "#!/bin/sh\n";
my $wrapper = $program . <<'SH';
latest=`ls -v "$CJM_DEPS_ROOT"/usr/lib/postgresql/*/bin/pg_config 2>/dev/null | tail -n 1`
[ -z "$latest" ] || exec "$latest" "$@"
[ ! -x "$CJM_DEPS_ROOT/usr/bin/pg_config.libpq-dev" ] || exec "$CJM_DEPS_ROOT/usr/bin/pg_config.libpq-dev" "$@"
echo 'You need to install postgresql-server-dev-NN' >&2
exit 1
SH

# A pg_config of this version, whose PostgreSQL is Debian's or has a folder of its own.
sub pg_config
{
	my ($major, $prefix) = @_;
	my %where = (
		bindir => $prefix ? "$prefix/bin" : "/usr/lib/postgresql/$major/bin",
		pgxs => ($prefix ? "$prefix/lib" : "/usr/lib/postgresql/$major/lib") . '/pgxs/src/makefiles/pgxs.mk',
		'includedir-server' => $prefix ? "$prefix/include/server" : "/usr/include/postgresql/$major/server");

	return "${program}for option do case \$option in\n--version) echo 'PostgreSQL $major.1 (Debian $major.1-1)' ;;\n"
	  . join('', map { "--$_) echo \"\$CJM_DEPS_ROOT$where{$_}\" ;;\n" } sort keys %where) . "esac done\n";
}

sub client_files
{
	my ($major, $prefix) = @_;
	my $base = $prefix ? substr($prefix, 1) : "usr/lib/postgresql/$major";

	return (
		"$base/bin/psql" => $program, "$base/bin/pg_config" => pg_config($major, $prefix), "$base/lib/pgxs/src/makefiles/pgxs.mk" => '',
		"$base/lib/pgxs/src/Makefile.global" => "CC = gcc\n", "$base/lib/pgxs/src/test/regress/pg_regress" => $program,
		"$base/lib/pgxs/src/test/perl/PostgreSQL/Test/Cluster.pm" => '');
}

sub server_files
{
	my ($major, $prefix) = @_;
	my $base = $prefix ? substr($prefix, 1) : "usr/lib/postgresql/$major";

	return map { ("$base/bin/$_" => $program) } qw(initdb postgres pg_ctl);
}

my %archive = (
	'postgresql-common' => { 'usr/bin/pg_config' => $wrapper },
	'libpq-dev' => { 'usr/bin/pg_config.libpq-dev' => pg_config(15) },
	'make' => { 'usr/bin/make' => $program },
	'gcc' => { 'usr/bin/gcc' => "${program}cat >/dev/null" },
	'libc6-dev' => {},
	'perl' => {
		'usr/bin/perl' => "${program}case \$1 in -MIPC::Run) test -e \"\$CJM_DEPS_ROOT/usr/share/perl5/IPC/Run.pm\" ;; esac",
		'usr/bin/prove' => $program },
	'libipc-run-perl' => { 'usr/share/perl5/IPC/Run.pm' => '' },
	'gzip' => { 'usr/bin/gzip' => $program },
	'clang' => { 'usr/bin/clang' => "${program}case \$1 in -dumpversion) echo 14.0.6 ;; *) echo \"\$CJM_DEPS_ROOT/usr/lib/clang\" ;; esac" },
	'libclang-rt-14-dev' => { 'usr/lib/clang/lib/linux/libclang_rt.fuzzer.a' => '' },
	'chromium' => { 'usr/bin/chromium' => $program },
	'libxml2-utils' => { 'usr/bin/xmllint' => $program },
	'fontconfig' => { 'usr/bin/fc-list' => "${program}cat \"\$CJM_DEPS_ROOT\"/usr/share/fonts/*" },
	'fonts-noto-core' => { 'usr/share/fonts/core' => "Noto Sans Arabic\n" },
	'fonts-noto-cjk' => { 'usr/share/fonts/cjk' => "Noto Sans CJK JP\n" },
	'fonts-noto-color-emoji' => { 'usr/share/fonts/emoji' => "Noto Color Emoji\n" },
	'build-essential' => {}, 'debhelper' => {}, 'postgresql-all' => {}, 'postgresql-server-dev-all' => {});
my %depends = ();
foreach my $major (13, 15, 17)
{
	$archive{"postgresql-client-$major"} = { client_files($major) };
	$archive{"postgresql-$major"} = { server_files($major) };
	$archive{"postgresql-server-dev-$major"} = { "usr/include/postgresql/$major/server/postgres.h" => '' };
	$depends{"postgresql-client-$major"} = [qw(postgresql-common)];
	$depends{"postgresql-$major"} = ["postgresql-client-$major"];
	$depends{"postgresql-server-dev-$major"} = [ "postgresql-client-$major", qw(libpq-dev clang) ];
}

my $apt_cache = $program . <<'SH';
read -r lists <"$CJM_DEPS_ROOT/lists"
read -r major <"$CJM_DEPS_ROOT/distribution"
[ "$lists" = 0 ] || echo "Depends: postgresql-$major"
SH
my $apt_get = $program . "archive='$archive'\n" . <<'SH';
root=$CJM_DEPS_ROOT
echo "apt-get $*" >>"$root/log"
case " $* " in *" update "*) echo 1 >"$root/lists"; exit ;; esac
cat "$root"/etc/postgresql-common/createcluster.d/*.conf >>"$root/log" 2>/dev/null
read -r lists <"$root/lists"
read -r refused <"$root/refused"
[ "$lists" = 1 ] || { echo 'E: 404 Not Found'; exit 100; }
add()
{
	[ -d "$archive/$1" ] && [ "$1" != "$refused" ] || { echo "E: Unable to locate package $1"; exit 100; }
	[ ! -e "$root/installed/$1" ] || return 0
	mkdir -p "$root/installed"
	touch "$root/installed/$1"
	cp -r "$archive/$1/." "$root/"
	for other in `cat "$archive/$1.depends"`; do add "$other"; done
}
while [ $# -gt 0 ]; do case $1 in -o) shift ;; -* | install) ;; *) add "$1" ;; esac; shift; done
SH

# What every machine of these tests has for building, so that PostgreSQL is what they are about.
my @builds = qw(make gcc libc6-dev perl gzip);
my @packaging = qw(build-essential debhelper postgresql-all postgresql-server-dev-all);
my @tests = qw(clang libclang-rt-14-dev libipc-run-perl chromium libxml2-utils fontconfig fonts-noto-core fonts-noto-cjk fonts-noto-color-emoji);

#
# Machines
#

sub put_files
{
	my ($where, %files) = @_;

	foreach my $file (sort keys %files)
	{
		make_path(dirname("$where/$file"));
		write_bytes("$where/$file", $files{$file});
		chmod 0755, "$where/$file";
	}
	return;
}

# Puts packages onto the machine, with what they depend on.
sub add
{
	foreach my $package (grep { !-e "$root/installed/$_" } @_)
	{
		put_files($root, "installed/$package" => '', %{ $archive{$package} });
		add(@{ $depends{$package} // [] });
	}
	return;
}

# As if these had never been there.
sub lose
{
	unlink map { my $package = $_; ("$root/installed/$package", map { "$root/$_" } keys %{ $archive{$package} }) } @_;
	return;
}

foreach my $package (keys %archive)
{
	make_path("$archive/$package");
	put_files("$archive/$package", %{ $archive{$package} });
	write_bytes("$archive/$package.depends", join(' ', @{ $depends{$package} // [] }) . "\n");
}

# Makes the next machine, with these packages.  Its package lists are there and up to date (1), not there (0) or
# too old (2); a package that is "refused" cannot be installed.
sub machine
{
	my ($packages, %has) = @_;

	$root = PostgreSQL::Test::Utils::tempdir();
	make_path("$root/usr/bin", "$root/tmp");
	foreach my $tool (qw(bash sh cat cp env grep head ls mkdir mktemp rm sed sort tail tee touch tr true))
	{
		my ($path) = grep { -x } map { "$_/$tool" } split /:/, $ENV{PATH};

		symlink $path, "$root/usr/bin/$tool" or die "$tool: $!\n";
	}
	add(@$packages);
	# Without postgresql-common this is libpq-dev's own.
	symlink 'pg_config.libpq-dev', "$root/usr/bin/pg_config"
	  if -e "$root/usr/bin/pg_config.libpq-dev" && !-e "$root/usr/bin/pg_config";

	put_files($root,
		'usr/bin/dpkg-query' => $program . 'for package; do :; done; [ ! -e "$CJM_DEPS_ROOT/installed/$package" ] || echo installed',
		'lists' => ($has{lists} // 1) . "\n",
		'distribution' => ($has{distribution} // 15) . "\n",
		'refused' => ($has{refused} // 'none') . "\n",
		'usr/bin/id' => $program . 'echo ' . ($has{user} ? 1000 : 0),
		$has{apt} // 1 ? ('usr/bin/apt-get' => $apt_get, 'usr/bin/apt-cache' => $apt_cache) : (),
		defined $has{sudo} ? ('usr/bin/sudo' => $program . 'echo "sudo $*" >>"$CJM_DEPS_ROOT/log"; ' . ($has{sudo} ? '[ "$1" != -n ] || shift; exec "$@"' : 'exit 1')) : ());
	return;
}

# Runs deps.sh there: its status, what it says, and what apt-get and sudo were asked for.
sub deps
{
	my ($pg_config, $what) = @_;

	unlink "$root/log";
	my $pid = open(my $out, '-|') // die "fork: $!\n";
	if (!$pid)
	{
		%ENV = (PATH => "$root/usr/bin", CJM_DEPS_ROOT => $root, TMPDIR => "$root/tmp");
		open STDERR, '>&', \*STDOUT;
		open STDIN, '<', '/dev/null';
		exec $bash, $deps, $pg_config // 'pg_config', $what // 'demo';
		exit 127;
	}
	my $said = join '', <$out>;
	close $out;
	my $status = $? >> 8;
	my $log = -e "$root/log" ? slurp_file("$root/log") : '';
	return ($status, $said, $log);
}

# The packages that were asked for, in order.
sub asked
{
	my ($log) = @_;

	return join ' ', map { /^apt-get .*--no-install-recommends (.*)/ ? $1 : () } split /\n/, $log;
}

# deps.sh installs these packages, says so and no more, and then there is nothing left to do.
sub installs
{
	my ($title, $packages, @arguments) = @_;

	subtest $title => sub {
		my ($status, $said, $log) = deps(@arguments);

		is($status, 0, 'well');
		is(asked($log), $packages, 'what apt-get is asked for');
		like($said, qr/\A(?:cjm: reading the package lists\n)?(?:cjm: installing [a-z].*\n)+\z/, 'what is said');
		is($log =~ /create_main_cluster = false/ ? 1 : 0, $packages =~ /\bpostgresql-(?:\d|all)/ ? 1 : 0, 'a cluster is forbidden while a server is installed');
		is(join(' ', glob("$root/etc/postgresql-common/createcluster.d/*")), '', 'and allowed afterwards');
		is(join('|', deps(@arguments)), '0||', 'the next time there is nothing to do');
	};
	return;
}

# deps.sh installs nothing, fails, and says this.
sub refuses
{
	my ($title, $pattern, @arguments) = @_;

	subtest $title => sub {
		my ($status, $said, $log) = deps(@arguments);

		is($status, 1, 'a failure');
		is(asked($log), '', 'apt-get is not asked to install');
		like($said, $pattern, 'what is said');
		unlike($said, qr/line \d+|unbound|not found$/m, 'and nothing that only a programmer wants to see');
	};
	return;
}

sub has_all
{
	my ($title, @arguments) = @_;

	is(join('|', deps(@arguments)), '0||', $title);
	return;
}

#
# What is there
#

machine([ qw(postgresql-15 postgresql-server-dev-15), @builds ]);
has_all('with all that is needed, silence');

machine([ qw(postgresql-15 libpq-dev), @builds ]);
installs('a server, and a client to build for: the headers are missing', 'postgresql-server-dev-15');

machine([ qw(libpq-dev), @builds ]);
installs('the pg_config of a client alone', 'postgresql-15 postgresql-client-15 postgresql-server-dev-15');

machine([ qw(postgresql-client-15), @builds ]);
installs("PostgreSQL's programs without a server", 'postgresql-15 postgresql-server-dev-15');

machine([ qw(postgresql-server-dev-15), @builds ]);
installs('headers without a server', 'postgresql-15');

machine([]);
installs('nothing at all', 'postgresql-15 postgresql-server-dev-15 make gcc libc6-dev perl gzip');

machine([], lists => 0);
installs('nothing at all, and no package lists', 'postgresql-15 postgresql-server-dev-15 make gcc libc6-dev perl gzip');

machine([ 'postgresql-common', @builds ]);
installs('a pg_config that has nothing to tell of', 'postgresql-15 postgresql-server-dev-15');

machine([ qw(postgresql-15 libpq-dev), @builds ], lists => 2);
is(asked((deps())[2]), 'postgresql-server-dev-15 postgresql-server-dev-15', 'package lists that are too old are read anew');
has_all('and then all is there');

#
# Which PostgreSQL
#

machine([ qw(postgresql-15 postgresql-server-dev-15 postgresql-17), @builds ]);
my @of = map { "$root/usr/lib/postgresql/$_/bin/pg_config" } 0 .. 17;
has_all('of two servers PG_CONFIG chooses', $of[15]);
installs('the other one', 'postgresql-server-dev-17', $of[17]);
machine([ qw(postgresql-15 postgresql-server-dev-15 postgresql-17), @builds ]);
installs('without a choice the pg_config of the PATH decides', 'postgresql-server-dev-17');

machine([ qw(postgresql-15 postgresql-server-dev-15 postgresql-client-17), @builds ]);
@of = map { "$root/usr/lib/postgresql/$_/bin/pg_config" } 0 .. 17;
refuses('a newer client does not bring a second server',
	qr{\Acjm: pg_config is that of a PostgreSQL 17 without a server\ncjm: Choose another PostgreSQL by PG_CONFIG=\Q$of[15]\E\n\z});
has_all('the one that is there can be chosen', $of[15]);
installs('and so can the newer one', 'postgresql-17 postgresql-server-dev-17', $of[17]);

machine([ qw(postgresql-13 libpq-dev), @builds ]);
refuses('a server that is too old', qr{\Acjm: cjm needs PostgreSQL 15 or later, but pg_config is 13\n}, 'pg_config');
installs('but for a newer one that is asked for', 'postgresql-15 postgresql-server-dev-15', "$root/usr/lib/postgresql/15/bin/pg_config");

machine([@builds], distribution => 13);
refuses('a distribution that is too old', qr{\Acjm: cjm needs PostgreSQL 15 or later, but the PostgreSQL of this system's packages is 13\n});
refuses('a PG_CONFIG that is not there', qr{\Acjm: there is no /nowhere/pg_config that answers\ncjm: Choose another PostgreSQL by PG_CONFIG=/path/to/pg_config\n\z}, '/nowhere/pg_config');
installs('one of a server that can be installed', 'postgresql-17 postgresql-server-dev-17', "$root/usr/lib/postgresql/17/bin/pg_config");

machine([ qw(postgresql-15 postgresql-server-dev-15), @builds ]);
put_files($root, client_files(17, '/opt/pg'), server_files(17, '/opt/pg'));
refuses('one that was built by hand, without headers',
	qr{\Acjm: the PostgreSQL 17 of \S+/opt/pg/bin/pg_config, which no package of this system has brought, lacks \S+/opt/pg/include/server/postgres.h\ncjm: Choose another .* PG_CONFIG=\S+/15/bin/pg_config\n\z},
	"$root/opt/pg/bin/pg_config");
put_files($root, 'opt/pg/include/server/postgres.h' => '');
has_all('and with headers', "$root/opt/pg/bin/pg_config");
system('cp', "$root/opt/pg/bin/pg_config", "$root/usr/bin/pg_config");
unlink "$root/opt/pg/bin/initdb";
refuses('a client of another kind that comes first in the PATH', qr{\Acjm: pg_config is that of a PostgreSQL 17 without a server\ncjm: Choose another PostgreSQL by PG_CONFIG=\S+/15/bin/pg_config\n\z});

#
# Who may install
#

machine([ qw(postgresql-15), @builds ], apt => 0);
refuses('no apt-get', qr{\Acjm: missing: \S+/server/postgres.h\ncjm: Debian has it in the packages postgresql-server-dev-15\ncjm: There is no apt-get here});

machine([ qw(postgresql-15) ], user => 1);
my $no_root = qr{\Acjm: missing: \S+/server/postgres.h, make, .*\ncjm: Debian has it in the packages postgresql-server-dev-15 make gcc libc6-dev perl gzip\ncjm: Install them \(it takes root};
refuses('neither root nor sudo', $no_root);
machine([ qw(postgresql-15) ], user => 1, sudo => 0);
refuses('a sudo that asks for a password, and nobody to give it', $no_root);
machine([ qw(libpq-dev), @builds ], user => 1, sudo => 1);
installs('sudo', 'postgresql-15 postgresql-client-15 postgresql-server-dev-15');

machine([ qw(postgresql-15), @builds ], refused => 'postgresql-server-dev-15');
my ($status, $said, $log) = deps();
is($status, 1, 'a package that cannot be had is a failure');
like($said, qr/^cjm: installing postgresql-server-dev-15\nE: Unable to locate package postgresql-server-dev-15\ncjm: could not install: postgresql-server-dev-15\n\z/, 'which says what apt-get said');

#
# For what
#

machine([ qw(postgresql-15 postgresql-server-dev-15), @builds, @tests ]);
has_all("for $_", 'pg_config', $_) foreach qw(demo test fuzz);
lose(qw(libipc-run-perl chromium libclang-rt-14-dev));
has_all('the demo needs no test tools', 'pg_config', 'demo');
installs('fuzzing needs its own', 'libclang-rt-14-dev', 'pg_config', 'fuzz');
installs('tests need all', 'libipc-run-perl chromium', 'pg_config', 'test');

machine([ qw(postgresql-15 postgresql-server-dev-15), @builds, grep { $_ ne 'chromium' } @tests ], refused => 'chromium');
($status, $said, $log) = deps('pg_config', 'test');
is($status, 0, 'a browser that cannot be had is no failure');
is($said, "cjm: installing chromium\ncjm: could not install chromium: tests that need them are skipped\n", 'but it is said');

machine([ 'debhelper', @builds ]);
installs('packages need what debian/control says, whatever PostgreSQL is there', 'build-essential postgresql-all postgresql-server-dev-all', 'pg_config', 'deb');
machine([@packaging]);
has_all('and no more', 'pg_config', 'deb');

machine([ qw(postgresql-15), @builds ]);
refuses('what nobody knows', qr/\Acjm: deps.sh looks for what demo, test, fuzz or deb need, not for "tests"\n\z/, 'pg_config', 'tests');

done_testing();
