# What test/rooms notices: each fault is put into a copy of the sources alone.
use strict;
use warnings;

use File::Path qw(make_path);
use PostgreSQL::Test::Utils;
use Test::More;

my $copy = PostgreSQL::Test::Utils::tempdir();

make_path("$copy/test");
system_or_bail('cp', '-r', 'src', $copy);
system_or_bail('cp', 'test/rooms', "$copy/test");

sub rooms
{
	my ($out, $err);

	IPC::Run::run([ 'perl', "$copy/test/rooms", @_ ], '>', \$out, '2>', \$err) or return "failed: $err";
	return $out . $err;
}

# Puts a line behind the first #include of a file, asks, and takes it away again.
sub with_line
{
	my ($file, $line) = @_;
	my $path = "$copy/src/$file";
	my $before = slurp_file($path);
	my $after = $before =~ s/^(#include "[^"]+"\n)/$1$line\n/mr;

	isnt($after, $before, "$file can be changed");
	open my $out, '>', $path or die "$path: $!\n";
	print $out $after;
	close $out;
	my $said = rooms();
	open $out, '>', $path or die "$path: $!\n";
	print $out $before;
	close $out;
	return $said;
}

is(rooms(), '', 'the house stands');
like(rooms('--pure'), qr{^journey/encode\.c$}m, 'the codec is pure');
unlike(rooms('--pure'), qr{^journey/type\.c$}m, 'what PostgreSQL calls is not');

is(with_line('journey/builder.c', '#include "rows/log.h"'),
	"journey/builder.c includes rows/log.h of a room that does not stand below\n", 'a room that includes a higher one');
is(with_line('statistics/rate.c', '#include "journey/path.h"'),
	"statistics/rate.c includes journey/path.h of a room that does not stand below\n", 'a room that includes one beside it');
is(with_line('funnel/engine_ruled.c', '#include "fmgr.h"'), "funnel/engine_ruled.c is pure and includes fmgr.h\n", 'a pure file that reaches fmgr');
is(with_line('funnel/stats.c', '#include "executor/spi.h"'), "funnel/stats.c is pure and includes executor/spi.h\n", 'a pure file that reaches SPI');
is(with_line('funnel/stats.c', '#include "base/glue.h"'), "funnel/stats.c is pure and includes base/glue.h, which is not\n",
	'a pure file that includes glue');
is(with_line('funnel/feed.c', 'static void f(void) { qsort(0, 0, 0, 0); }'), "funnel/feed.c calls qsort, which cannot be cancelled\n",
	'a sort that cannot be cancelled');
make_path("$copy/src/attic");
append_to_file("$copy/src/attic/box.c", "int box;\n");
is(rooms(), "attic/box.c stands in no room: there is no \"attic\"\n", 'a room that nobody knows');

# What objects say, of a house of three files.
system_or_bail('rm', '-rf', "$copy/src");
make_path("$copy/src/base", "$copy/src/journey");
my %files = (
	'base/pure.h' => "extern int a(void), b(void), c(void);\n",
	'base/glue.h' => "#include \"postgres.h\"\nextern int a(void), b(void), c(void);\n",
	'base/a.c' => "#include \"base/pure.h\"\nint a(void) { return b(); }\n",
	'base/b.c' => "#include \"base/pure.h\"\nint b(void) { return 1; }\n",
	'journey/c.c' => "#include \"base/pure.h\"\nint c(void) { return a() + b(); }\n");

sub built_with
{
	my (%other) = @_;
	my %all = (%files, %other);

	foreach my $file (keys %all)
	{
		unlink "$copy/src/$file";
		append_to_file("$copy/src/$file", $all{$file});
	}
	foreach my $file (grep { /\.c$/ } sort keys %all)
	{
		my $source = $all{$file} =~ s/#include.*\n/extern int a(void), b(void), c(void);\n/r;

		append_to_file("$copy/object.c", $source);
		system_or_bail('gcc', '-c', "$copy/object.c", '-o', "$copy/src/" . $file =~ s/c$/o/r);
		unlink "$copy/object.c";
	}
	return rooms($copy);
}

is(built_with(), '', 'files that call downwards');
is(built_with('base/b.c' => "#include \"base/pure.h\"\nint b(void) { return c(); }\n"),
	"base/a.c calls base/b.c in a circle: b\nbase/b.c calls journey/c.c in a circle: c\n"
	  . "journey/c.c calls base/a.c in a circle: a\njourney/c.c calls base/b.c in a circle: b\n",
	'three files that call in a circle');
is(built_with('base/b.c' => "#include \"base/glue.h\"\nint b(void) { return 1; }\n"),
	"base/a.c is pure and needs b of base/b.c, which is not\njourney/c.c is pure and needs b of base/b.c, which is not\n",
	'pure files that call glue');

done_testing();
