# What packages are made of: META.json by PGXN's specification of it, version 1.0.0; Debian's
# files, which say what cjm.control says; the archive for PGXN, which is what is committed
# and can be built; and the Dockerfile, to a linter.  That packages are built and installed
# is for "make matrix NAMES='15-deb 17-deb 18-deb'".

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use IO::Uncompress::Unzip qw($UnzipError);
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = "$FindBin::RealBin/../..";
my $tmp = PostgreSQL::Test::Utils::tempdir();
my ($version) = slurp_file("$root/cjm.control") =~ /^default_version *= *'(.*)'/m;

sub lines_of
{
	my ($file) = @_;

	return split /\n/, slurp_file("$root/$file");
}

#
# META.json: https://pgxn.org/meta/spec.txt
#

my $semver = qr/\A(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?\z/;
my $term = qr{\A[^\s/\\[:cntrl:]]{2,}\z};
my $string = qr/\A.+\z/s;
my $range = qr/\A(?:0|(?:(?:[=!]=|[<>]=?)\s*)?\d+\.\d+\.\d+(?:,\s*(?:[=!]=|[<>]=?)\s*\d+\.\d+\.\d+)*)\z/;
my %licenses = map { $_ => 1 } qw(agpl_3 apache_1_1 apache_2_0 artistic_1 artistic_2 bsd freebsd gfdl_1_2 gfdl_1_3 gpl_1 gpl_2 gpl_3 lgpl_2_1 lgpl_3_0 mit mozilla_1_0
	mozilla_1_1 openssl perl_5 postgresql qpl_1_0 ssleay sun zlib open_source restricted unrestricted unknown);
my %phases = map { $_ => 1 } qw(configure build test runtime develop);
my %relations = map { $_ => 1 } qw(requires recommends suggests conflicts);
my %optional = map { $_ => 1 } qw(description prereqs generated_by no_index release_status resources tags);

# What is wrong with a META.json.  A key that the specification does not have begins with x_.
sub faults
{
	my ($meta) = @_;
	my @faults;
	my $must = sub {
		my ($name, $value, $pattern) = @_;
		push @faults, $name unless defined $value && !ref $value && $value =~ $pattern;
	};
	my $custom = sub { return grep { !/\A[xX]_./ } @_ };

	$must->('name', $meta->{name}, $term);
	$must->('version', $meta->{version}, $semver);
	$must->('abstract', $meta->{abstract}, $string);
	$must->('maintainer', $_, $string) foreach ref $meta->{maintainer} eq 'ARRAY' && @{ $meta->{maintainer} } ? @{ $meta->{maintainer} } : $meta->{maintainer};
	if (ref $meta->{license} eq 'HASH')
	{
		$must->('license', $_, qr/\A[a-z][a-z0-9+.-]*:/) foreach values %{ $meta->{license} };
	}
	else
	{
		push @faults, 'license' if grep { !$licenses{ $_ // '' } } ref $meta->{license} eq 'ARRAY' ? @{ $meta->{license} } : $meta->{license};
	}
	push @faults, 'provides' unless ref $meta->{provides} eq 'HASH' && %{ $meta->{provides} };
	foreach my $extension (ref $meta->{provides} eq 'HASH' ? keys %{ $meta->{provides} } : ())
	{
		my %of = %{ $meta->{provides}{$extension} };

		$must->("provides $extension", $extension, $term);
		$must->("provides $extension: version", $of{version}, $semver);
		$must->("provides $extension: $_", $of{$_}, qr{\A(?!/)[^\\]+\z}) foreach 'file', exists $of{docfile} ? 'docfile' : ();
		$must->("provides $extension: abstract", $of{abstract}, $string) if exists $of{abstract};
		delete @of{qw(file version abstract docfile)};
		push @faults, map { "provides $extension: $_" } $custom->(keys %of);
	}
	$must->('meta-spec', ref $meta->{'meta-spec'} eq 'HASH' ? $meta->{'meta-spec'}{version} : undef, qr/\A1\.0\.\d+\z/);
	foreach my $phase (keys %{ $meta->{prereqs} // {} })
	{
		push @faults, "prereqs $phase" unless $phases{$phase} || !$custom->($phase);
		foreach my $relation (keys %{ $meta->{prereqs}{$phase} })
		{
			push @faults, "prereqs $phase $relation" unless $relations{$relation} || !$custom->($relation);
			$must->("prereqs $phase $relation", $_, $range) foreach values %{ $meta->{prereqs}{$phase}{$relation} };
		}
	}
	$must->('tags', $_, qr{\A[^/\\[:cntrl:]]{2,255}\z}) foreach @{ $meta->{tags} // [] };
	$must->('release_status', $meta->{release_status}, qr/\A(?:stable|testing|unstable)\z/) if exists $meta->{release_status};
	my %others = map { $_ => 1 } keys %$meta;
	delete @others{ qw(name version abstract maintainer license provides meta-spec), keys %optional };
	push @faults, $custom->(keys %others);
	return @faults;
}

my $meta = decode_json(slurp_file("$root/META.json"));
is_deeply([ faults($meta) ], [], 'META.json is one of version 1.0.0');
is("$meta->{version} $meta->{provides}{cjm}{version}", "$version $version", 'of this version');
ok(-e "$root/$meta->{provides}{cjm}{$_}", "its $_ is there") foreach qw(file docfile);
foreach my $change (
	[ 'name' => { name => 'c j m' } ], [ 'version' => { version => '0.1' } ], [ 'license' => { license => 'PostgreSQL' } ],
	[ 'maintainer' => { maintainer => [] } ], [ 'provides' => { provides => {} } ], [ 'homepage' => { homepage => 'x' } ],
	[ 'prereqs runtime requires' => { prereqs => { runtime => { requires => { PostgreSQL => '15' } } } } ], [ 'tags' => { tags => ['a/b'] } ])
{
	is_deeply([ faults({ %$meta, %{ $change->[1] } }) ], [ $change->[0] ], "a wrong $change->[0] is found");
}

#
# Debian
#

# The paragraphs of a control file, each a hash of its fields.
sub paragraphs
{
	my ($text) = @_;
	my @paragraphs;

	foreach my $paragraph (split /\n{2,}/, $text =~ s/^#.*\n//mgr)
	{
		my (%fields, $field);

		foreach (split /\n/, $paragraph)
		{
			/^(\S[^:]*):\s*(.*)$/ ? $fields{ $field = $1 } = $2 : s/^\s// && ($fields{$field} .= "\n$_");
		}
		push @paragraphs, \%fields;
	}
	return @paragraphs;
}

my ($template, $control) = map { slurp_file("$root/debian/$_") } qw(control.in control);
my ($source, @binaries) = paragraphs($control);
my ($of_source, $of_binary) = split /\n\n/, $template;
is($control, join("\n\n", $of_source, map { my $major = $_; $of_binary =~ s/PGVERSION/$major/gr =~ s/\n+\z//r } 15 .. 18) . "\n", 'debian/control is debian/control.in for 15 to 18');
is(join(' ', map { $_->{Package} } @binaries), 'postgresql-15-cjm postgresql-16-cjm postgresql-17-cjm postgresql-18-cjm', 'a package for each PostgreSQL');
is(slurp_file("$root/debian/pgversions"), "15+\n", 'and for each that a system has');
foreach my $field ('Source', 'Section', 'Priority', 'Maintainer', 'Standards-Version', 'Build-Depends')
{
	like($source->{$field} // '', qr/\S/, "debian/control says the $field");
}
foreach my $binary (@binaries)
{
	my ($short, @long) = split /\n/, $binary->{Description};

	is($binary->{Architecture}, 'any', "$binary->{Package}: for any machine");
	like($binary->{Depends}, qr/\$\{\Q$_\E\}/, "$binary->{Package}: what $_ says") foreach qw(misc:Depends postgresql:Depends shlibs:Depends);
	ok(length $short < 80 && @long > 3 && !(grep { length > 79 } @long), "$binary->{Package}: a description of lines that fit");
}
my ($changed) = lines_of('debian/changelog');
like($changed, qr/^\Q$source->{Source}\E \(\Q$version\E-\S+\) \w+; urgency=\w+$/, 'debian/changelog is of this version');
my $license = join "\n", (paragraphs(slurp_file("$root/debian/copyright")))[-1]{License} =~ s/\APostgreSQL\n//r =~ s/^\.$//mgr;
is($license, slurp_file("$root/LICENSE") =~ s/\A.*?\n\n.*?\n\n//sr =~ s/\n\z//r, 'debian/copyright has the words of LICENSE');
ok(-x "$root/debian/$_", "debian/$_ can be run") foreach qw(rules tests/map tests/installcheck);
is(join(' ', sort { $a cmp $b } slurp_file("$root/debian/tests/control") =~ /^Tests: (.*)$/mg), 'installcheck map', 'tests of the package');

my ($spec) = slurp_file("$root/pack/cjm.spec") =~ /^Version:\s*(\S+)$/m;
is($spec, $version, 'pack/cjm.spec is of this version');

#
# The archive
#

SKIP:
{
	skip 'there is no git', 1 if system('git --version >/dev/null 2>&1') != 0;
	my $checkout = "$tmp/checkout";
	my @git = ('git', '-C', $checkout, '-c', 'user.name=test', '-c', 'user.email=test@example.org', '-c', 'init.defaultBranch=main');

	mkdir $checkout;
	is(system('sh', '-c', 'tar -C "$1" --exclude=node_modules --exclude=tmp_check -cf - . | tar -C "$2" -xf -', 'sh', $root, $checkout), 0, 'a checkout');
	write_bytes("$checkout/built.o", 'ignored');
	system(@git, qw(init -q));
	system(@git, qw(add -A));
	system(@git, qw(commit -q -m all));
	write_bytes("$checkout/draft", 'not committed');
	my ($said, $told) = run_command([ "$checkout/pack/dist", "$tmp/dist" ]);
	is($said, "$tmp/dist/cjm-$version.zip", 'the archive says where it is');
	like($told, qr/^cjm: what is changed and not committed is not in the archive$/, 'and what is not in it');

	my %files;
	my $zip = IO::Uncompress::Unzip->new("$tmp/dist/cjm-$version.zip") or die "$UnzipError\n";
	for (my $status = 1; $status > 0; $status = $zip->nextStream)
	{
		my $name = $zip->getHeaderInfo->{Name};
		my $content = '';

		1 while $zip->read($content, 1 << 20, length $content) > 0;
		$files{$name} = $content;
	}
	is_deeply([ grep { !m{^cjm-\Q$version\E/} } keys %files ], [], 'all in a folder of its name');
	my @missing = grep { !exists $files{"cjm-$version/$_"} } qw(META.json Makefile cjm.control README.md LICENSE CHANGELOG.md sql/init.sql expected/init.out src/base/module.c), $meta->{provides}{cjm}{file};
	is_deeply(\@missing, [], 'what PGXN and a build want');
	is_deeply([ grep { m{/(?:\.ci|\.git\w*|built\.o|draft|node_modules)(?:/|$)} } keys %files ], [], 'and nothing that is not for others');
	is($files{"cjm-$version/META.json"}, slurp_file("$root/META.json"), 'byte by byte');

	# What the tree has without git is what git has: that is what Debian's packages are made of.
	run_command([ "$checkout/pack/tree", "$tmp/with" ]);
	system('rm', '-rf', "$checkout/.git");
	run_command([ "$checkout/pack/tree", "$tmp/without" ]);
	is((run_command([ 'diff', '-rq', "$tmp/with", "$tmp/without" ]))[0], '', 'the tree with git and without it');
}

#
# The Dockerfile
#

my @docker = lines_of('Dockerfile');
is_deeply([ grep { /^FROM / && !/^FROM postgres:\$\{POSTGRES\}-\w+(?: AS build)?$/ } @docker ], [], 'both stages begin with the official image');
foreach my $file (map { my @words = split ' '; @words[ 1 .. $#words - 1 ] } grep { /^COPY (?!--from)/ } @docker)
{
	ok(-e "$root/$file" && (grep { $_ eq "!$file" } lines_of('.dockerignore')), "$file, which it copies, is there and not ignored");
}
SKIP:
{
	my $linter = "$root/test/tools/node_modules/dockerfilelint/bin/dockerfilelint";

	skip 'there is no linter: test/tools/install fetches it', 1 unless -e $linter;
	my ($said) = run_command([ 'node', $linter, '--output', 'json', "$root/Dockerfile" ]);
	is(decode_json($said)->{totalIssues}, 0, 'the linter has nothing to say') or diag($said);
}

done_testing();
