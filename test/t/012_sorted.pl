# Values of every type of ours and the states of every aggregate whose state is a
# real type, where tuples are copied and compared: sorts, hash tables, sets,
# ordered aggregates.  Since 17 a sort keeps its tuples, and since 19 a hash table
# too, in memory that can only be given back as a whole: what flattens or compares
# there may not count on the context it is called in.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use Test::More;

my $node = start_server('sorted');

run_sql($node, q{
	CREATE TABLE events AS
	SELECT i % 700 AS customer, i % 23 AS segment, timestamptz '2026-01-01Z' + (hashint4(i) & 1048575) * interval '7.25 seconds' AS at,
		(ARRAY['view', 'search', 'cart', 'оплата'])[1 + (hashint4(i + 1) & 1023) % 4] AS event,
		'channel ' || (hashint4(i + 2) & 1023) % 40 AS channel, (hashint4(i + 3) & 15)::float8 AS value
	FROM generate_series(1, 14000) i;
	CREATE TABLE journeys AS
	SELECT customer, customer % 23 AS segment, journey_agg(at, event, channel, value) AS journey,
		array_agg(channel ORDER BY at) AS path
	FROM events GROUP BY customer;
	CREATE TABLE stats AS
	SELECT customer, segment, funnel_agg(journey, 'view -> cart -> оплата') AS stats FROM journeys GROUP BY customer, segment;
	ANALYZE;
});

# Whether queries, each [title, settings, query], return the rows of a plain one, in any order.
sub same_rows
{
	my ($name, $plain, @queries) = @_;
	my ($expected, @digests) = split /\n/, run_sql($node, join(";\n", map { ($_->[1],
			"SELECT count(*), md5(string_agg(md5(r::text), '' ORDER BY md5(r::text))) FROM ($_->[2]) r", 'RESET ALL', 'SET search_path = public, cjm') }
			[ $plain, 'SET max_parallel_workers_per_gather = 0; SET enable_sort = off', $plain ], @queries));

	is($digests[$_], $expected, "$name: $queries[$_][0]") foreach 0 .. $#queries;
	return;
}

my $sorted = "SET max_parallel_workers_per_gather = 0; SET enable_hashagg = off; SET enable_hashjoin = off; SET work_mem = '64kB'";
my $hashed = "SET max_parallel_workers_per_gather = 0; SET enable_sort = off; SET enable_mergejoin = off; SET work_mem = '64kB'; SET hash_mem_multiplier = 1";

#
# Types
#

# Values of every base type by a number from 0, several of them equal.
my %value_of = (
	journey => q{(SELECT journey FROM journeys WHERE customer = i % 100)},
	funnel => q{format('"a %s" -> b -> c within %s days', i % 100, 1 + i % 3)::funnel},
	funnel_stats => q{(SELECT stats FROM stats WHERE customer = i % 100)},
	journey_pattern => q{format('"a %s" (b | c)+ d', i % 100)::journey_pattern},
	aggregate_state => q{cjm_internal.times_apart_step(NULL, timestamptz '2026-01-01Z' + i % 100 * interval '1 hour')},
	touchpoint => q{cjm.first_touch((SELECT journey FROM journeys WHERE customer = i % 100))},
	# Of others, in row types.
	text => q{repeat('t', i % 100)},
	jsonb => q{jsonb_build_object('n', i % 100)},
	boolean => q{i % 2 = 0},
	integer => q{i % 100},
	bigint => q{(i % 100)::bigint},
	'double precision' => q{(i % 100) / 7.0::float8},
	'timestamp with time zone' => q{timestamptz '2026-01-01Z' + i % 100 * interval '1 hour'},
	date => q{date '2026-01-01' + i % 100},
	interval => q{i % 100 * interval '1 minute'},
	tstzrange => q{tstzrange('2026-01-01Z', timestamptz '2026-01-02Z' + i % 100 * interval '1 hour')},
	regclass => q{'events'::regclass},
	regnamespace => q{'cjm'::regnamespace},
	name => q{('n' || i % 100)::name},
);

$value_of{funnel_drawn_step} = q{ROW(i % 100, 'a stage', i % 2 = 0, i, 0.5, 0.25, i, 0.5, NULL, NULL, 0.4, 0.6, i / 7.0, NULL)::cjm_internal.funnel_drawn_step};

# What untyped literals are, which are the same to the byte.
$value_of{"${_}_literal"} = "($value_of{$_})::text::cjm_internal.${_}_literal" foreach qw(journey funnel tstzrange);

my @types = map { [ split /\|/ ] } split /\n/, run_sql($node, q{
	SELECT t.oid::regtype, t.typtype, string_agg(format_type(a.atttypid, a.atttypmod), '|' ORDER BY a.attnum)
	FROM pg_depend d JOIN pg_type t ON d.classid = 'pg_type'::regclass AND d.objid = t.oid
		LEFT JOIN pg_class c ON c.oid = t.typrelid
		LEFT JOIN pg_attribute a ON a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
	WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND t.typcategory <> 'A' AND t.typtype <> 'e'
		AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'cjm') AND (c.relkind = 'c' OR t.typtype <> 'c')
	GROUP BY t.oid ORDER BY t.oid::regtype::text});

cmp_ok(scalar @types, '>=', 10, 'there are types');
foreach my $type (@types)
{
	my ($name, $kind, @columns) = @$type;
	my ($short) = $name =~ /(\w+)$/;
	my $expression = $value_of{$short};

	if ($kind eq 'c')
	{
		my @values = map { my ($of) = /(\w[\w ]*(?:\[\])?)$/; $of =~ s/\[\]$// ? "ARRAY[$value_of{$of}]" : $value_of{$of} // "no value of $of" } @columns;
		$expression = 'ROW(' . join(', ', @values) . ")::$name";
	}
	if (!$expression)
	{
		fail("$name: this test knows no value of it");
		next;
	}
	my $table = "all_$short";
	run_sql($node, "CREATE TABLE $table AS SELECT i, $expression AS v FROM generate_series(0, 999) i; ANALYZE $table");

	# Carried along.
	my $carried = "SELECT i, v FROM $table";
	same_rows($name, $carried,
		[ 'carried by a sort', $sorted, "$carried ORDER BY -i" ],
		[ 'carried by a merge join', $sorted, "SELECT a.i, a.v FROM $table a JOIN $table b USING (i)" ],
		[ 'carried by a hash join', $hashed, "SELECT a.i, a.v FROM $table a JOIN $table b USING (i)" ],
		[ 'in an ordered aggregate', $sorted, "SELECT i, (array_agg(v ORDER BY i DESC))[1] FROM $table GROUP BY i" ]);
	next if $kind eq 'c';

	# Compared, where there is an order or a hash.
	my $known = run_sql($node, qq{
		SELECT string_agg(amname, ' ') FROM pg_opclass o JOIN pg_am m ON m.oid = opcmethod WHERE opcintype = '$name'::regtype});
	my %groups = map { $_ => "SELECT $_ AS v, count(*) FROM $table GROUP BY 1" } qw(v v::text);
	my %joins = map { $_ => "SELECT a.i, b.i FROM $table a JOIN $table b ON a.$_ = b.$_ WHERE a.i < 20" } qw(v v::text);
	my %sets = map { $_ => "SELECT $_ FROM $table WHERE i < 50 EXCEPT SELECT $_ FROM $table WHERE i < 20" } qw(v v::text);
	my @ways = (($known =~ /btree/ ? [ 'sorted', $sorted ] : ()), ($known =~ /hash/ ? [ 'hashed', $hashed ] : ()));

	same_rows($name, $groups{'v::text'}, map { [ "groups, $_->[0]", $_->[1], $groups{v} ] } @ways) if @ways;
	same_rows($name, $joins{'v::text'}, map { [ "joins, $_->[0]", $_->[1], $joins{v} ] } @ways) if @ways;
	same_rows($name, $sets{'v::text'}, map { [ "sets, $_->[0]", $_->[1], $sets{v} ] } @ways) if @ways;
	next unless $known =~ /btree/;
	same_rows($name, "SELECT v FROM $table", [ 'in an aggregate ordered by it', $sorted, "SELECT unnest(array_agg(v ORDER BY v DESC)) FROM $table" ]);
	is(run_sql($node, "$sorted; SELECT count(DISTINCT v), count(*) FILTER (WHERE v < before) FROM (SELECT v, lag(v) OVER (ORDER BY v) AS before FROM $table) s"),
		run_sql($node, "SELECT count(DISTINCT v::text), 0 FROM $table"), "$name: in order");
}

#
# States
#

# A call of every aggregate whose state is a real type, from a row of journeys or stats.
my %call_of = (
	'rollup(journey)' => 'journey',
	'funnel_agg(journey,funnel)' => "journey, 'view -> cart -> оплата'",
	'funnel_agg(journey,funnel,tstzrange)' => "journey, 'view -> оплата', '[2026-01-10Z,2026-02-10Z)'",
	'funnel_walks_agg(journey,funnel,tstzrange)' => "journey, 'view -> оплата', '[2026-01-10Z,2026-02-10Z)'",
	'step_values_agg(journey,funnel,tstzrange,boolean)' => "journey, 'view -> cart -> оплата', '(,)', customer % 2 = 0",
	'funnel_open_agg(journey,funnel,timestamp with time zone,tstzrange)' => "journey, 'view -> cart -> оплата within 9 days', '2026-02-20Z', '(,)'",
	'differing_agg("any",boolean,bigint)' => 'customer, customer % 3 = 0, 42',
	'differing_agg("any",boolean,bigint,bigint)' => 'customer, customer % 3 = 0, 42, customer % 5',
	'funnel_open_rollup(bigint[])' => 'ARRAY[customer % 3, 1, segment]::bigint[]',
	'rollup(funnel_stats)' => 'stats',
	'cohort_agg(journey,timestamp with time zone,timestamp with time zone,text,text,text,integer[],text,funnel,boolean,funnel,integer,funnel,funnel)' =>
	  "journey, '-infinity', 'infinity', 'day', 'Europe/Riga', NULL, NULL, 'in', 'view', true, NULL, 1, 'cart', NULL",
	'session_sums_agg(journey,timestamp with time zone,timestamp with time zone,text,text,interval,text)' =>
	  "journey, '-infinity', 'infinity', 'day', 'Europe/Riga', '1 hour', 'channel | day'",
	'purchase_sums_agg(journey,timestamp with time zone,timestamp with time zone,text,text,funnel,funnel)' =>
	  "journey, '-infinity', 'infinity', 'day', 'Europe/Riga', 'view | cart', 'оплата'",
	'conversion_sums_agg(journey,timestamp with time zone,timestamp with time zone,text,text,funnel)' => "journey, '-infinity', 'infinity', 'day', 'Europe/Riga', 'view -> cart'",
	'lifecycle_agg(journey,text,text,text,funnel)' => "journey, 'day', 'Europe/Riga', NULL, 'view | cart'",
	'markov_attribution(journey,funnel)' => "journey, 'view -> оплата'",
	'markov_attribution(journey,funnel,integer)' => "journey, 'view -> оплата', 2",
	'markov_attribution(journey,funnel,integer,boolean)' => "journey, 'view -> оплата', 2, true",
	'markov_attribution(text[],bigint,double precision,bigint)' => 'path, 1 + customer % 3, customer / 2.0::float8, customer % 5',
	'markov_attribution(text[],bigint,double precision,bigint,integer)' => 'path, 1 + customer % 3, customer / 2.0::float8, customer % 5, 2',
	'markov_attribution(text[],bigint,double precision,bigint,integer,boolean)' => 'path, 1 + customer % 3, customer / 2.0::float8, customer % 5, 2, true',
	'shapley_attribution(journey,funnel)' => "journey, 'view -> оплата'",
	'shapley_attribution(text[],bigint,double precision,bigint)' => 'path[:3], 1 + customer % 3, customer / 2.0::float8, 0',
	'rule_attribution(journey,funnel)' => "journey, 'view -> оплата'",
	(map { ("rule_attribution(journey,funnel,text[],interval,text,interval,interval,double precision[],text[],boolean,timestamp with time zone,timestamp with time zone$_->[0])" =>
		"journey, 'оплата', '{linear,time_decay}', '2 days', 'session', '1 hour', '7 days', '{0.4,0.2,0.4}', '{direct}', false, '2026-01-10Z', '2026-02-10Z'$_->[1]") } [ '', '' ], [ ',text,text', ", 'day', 'Europe/Riga'" ]),
	'median(double precision)' => 'hashint4(customer) / 1000.0::float8',
	'values_apart(double precision)' => 'hashint4(customer) / 1000.0::float8',
	'late_median_apart(timestamp with time zone)' => 'cjm_internal.last_at(journey)',
	'times_apart(timestamp with time zone)' => 'cjm_internal.last_at(journey)',
	'late_median_of(aggregate_state)' => 'cjm_internal.times_apart_step(cjm_internal.times_apart_step(NULL, cjm_internal.last_at(journey)), cjm_internal.first_at(journey))',
	'map_markov(journey,funnel)' => "journey, 'view -> оплата'",
	'map_shapley(journey,funnel)' => "journey, 'view -> оплата'",
	(map { ("$_(double precision)" => '(customer % 5 + 1)::float8') } qw(nps nps_interval csat csat_interval ces ces_interval)),
);
my $parallel = q{SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
	SET max_parallel_workers_per_gather = 2; SET parallel_leader_participation = on};

run_sql($node, q{
	ALTER TABLE journeys SET (parallel_workers = 2); ALTER TABLE journeys ALTER segment SET (n_distinct = 23);
	ALTER TABLE stats SET (parallel_workers = 2); ALTER TABLE stats ALTER segment SET (n_distinct = 23);
	ANALYZE});
foreach my $found (split /\n/, run_sql($node, q{
	SELECT pronamespace::regnamespace || '|' || regexp_replace(p.oid::regprocedure::text, 'cjm\w*\.', '', 'g')
	FROM pg_aggregate a JOIN pg_proc p ON p.oid = a.aggfnoid JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
	WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'cjm')
		AND aggtranstype <> 'internal'::regtype AND aggcombinefn <> 0
	ORDER BY 1}))
{
	my ($where, $aggregate) = split /\|/, $found;
	my ($name) = $aggregate =~ /^(\w+)/;

	if (!$call_of{$aggregate})
	{
		fail("$aggregate: this test knows no call of it");
		next;
	}
	my $from = $aggregate eq 'rollup(funnel_stats)' ? 'stats' : 'journeys';
	my $query = "SELECT segment, $where.$name($call_of{$aggregate}) AS result FROM $from GROUP BY segment";
	# States of half a megabyte, which are dear to merge, or of what costs nothing to add.
	my $parallel = $parallel . ($name =~ /^differing_agg|_apart$/ ? q(; SET work_mem = '64MB'; SET cpu_operator_cost = 0; SET parallel_tuple_cost = 0.01) : '');

	# Sorted by each process after a partial hash, and merged by the leader; states of a few numbers perhaps by another hash.
	like(plan_of($node, "$parallel; SET enable_gathermerge = on; SET enable_hashagg = on", "$query ORDER BY segment"),
		$name =~ /^(?:nps|csat|ces|funnel_open|cohort|lifecycle|session_sums|purchase_sums|conversion_sums|differing|\w+_apart)/ ? qr/Finalize (?:Group|Hash)Aggregate.*Gather.*Partial (?:Group|Hash)Aggregate/s
		: qr/Finalize GroupAggregate.*Gather Merge.*Sort.*Partial HashAggregate/s, "$aggregate: states in a sort");
	same_rows($aggregate, $query,
		[ 'sorted states', $parallel, "$query ORDER BY segment" ],
		[ 'results in a sort', $sorted, "SELECT * FROM ($query) s ORDER BY -segment" ],
		[ 'results in a hash join', $hashed, "SELECT a.* FROM ($query) a JOIN ($query) b USING (segment)" ]);
}

server_is_well($node);
done_testing();
