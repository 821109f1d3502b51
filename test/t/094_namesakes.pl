# Another library of the backend has functions of the same names as ours, as any
# extension may: nobody reaches the other's.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $tmp = $PostgreSQL::Test::Utils::tmp_check;

write_bytes("$tmp/namesakes.c", join '', "#include <stdlib.h>\n", map { "void $_(void);\nvoid $_(void) { abort(); }\n" }
	qw(label_compare label_check journey_open journey_open_part builder_create builder_encode funnel_walk funnel_rules path_stats_add));
is(system('gcc', '-shared', '-fPIC', '-o', "$tmp/namesakes.so", "$tmp/namesakes.c"), 0, 'a library is built');
chmod 0755, "$tmp/namesakes.so";

local $ENV{LD_PRELOAD} = "$tmp/namesakes.so";
my $node = start_server('namesakes');

like(run_sql($node, q{SELECT string_agg(DISTINCT l, ' ') FROM regexp_split_to_table(pg_read_file('/proc/self/maps', 0, 10000000, true), '\n') l WHERE l ~ 'namesakes'}), qr/namesakes\.so/, 'the server has it') if -r '/proc/self/maps';
is(run_sql($node, q{SELECT step, customers FROM report((SELECT funnel_agg(j, 'a -> b') FROM (SELECT journey_agg('2026-01-01Z'::timestamptz + i * interval '1 min', (ARRAY['a', 'b'])[i]) AS j
	FROM generate_series(1, 2) i) s))}), "1|1\n2|1", 'functions of cjm call those of cjm');
like(run_sql($node, q{SELECT markov_attribution('{2026-01-01T00:00Z a@x, 2026-01-02T00:00Z b}'::journey, 'a -> b')}), qr/x/, 'in other rooms, too');

server_is_well($node);
done_testing();
