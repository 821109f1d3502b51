# Dump and restore, by an owner of a database who is no superuser, brings
# everything back, byte by byte; and a role without any right can use the
# extension, without its schema on the search_path.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('dump');
my $dir = $PostgreSQL::Test::Utils::tmp_check;

run_sql($node, q{
	CREATE ROLE owner LOGIN;
	CREATE ROLE nobody LOGIN;
	CREATE DATABASE shop OWNER owner;
	CREATE DATABASE from_text OWNER owner;
	CREATE DATABASE from_archive OWNER owner;
	REVOKE ALL ON DATABASE shop, from_text, from_archive FROM PUBLIC;
	GRANT CONNECT ON DATABASE shop, from_text, from_archive TO nobody;
});
run_sql($node, 'REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT ALL ON SCHEMA public TO owner', database => $_)
  foreach ('shop', 'from_text', 'from_archive');

my %owner = (database => 'shop', user => 'owner');

is(run_sql($node, q{
	CREATE EXTENSION cjm;
	SELECT extowner::regrole, extnamespace::regnamespace, current_setting('is_superuser') FROM pg_extension WHERE extname = 'cjm'},
	%owner), 'owner|pg_catalog|off', 'the owner of a database creates the extension without being a superuser');

run_sql($node, q~
	CREATE TABLE journeys (
		customer int PRIMARY KEY,
		stage cjm.lifecycle NOT NULL DEFAULT 'awareness',
		model cjm.aida,
		bought cjm.buyer_journey[],
		journey cjm.journey CHECK (NOT cjm.has_event(journey, 'forbidden')),
		step int GENERATED ALWAYS AS (cjm.funnel_step(journey, 'view -> "add to cart" -> оплата'::cjm.funnel)) STORED,
		first_seen cjm.touchpoint);
	CREATE INDEX journeys_btree ON journeys USING btree (journey) WHERE customer < 2000;
	CREATE INDEX journeys_hash ON journeys USING hash (journey);
	CREATE INDEX journeys_step ON journeys (cjm.funnel_step(journey, 'view -> 🛒 within 2 days'), cjm.touch_count(journey));
	CREATE INDEX journeys_merged ON journeys ((journey OPERATOR(cjm.||) '{2026-01-01T00:00:00Z late}'::cjm.journey))
		WHERE cjm.has_event(journey, 'view'::text);
	INSERT INTO journeys (customer, stage, model, bought, journey)
	SELECT customer, (enum_range(NULL::cjm.lifecycle))[1 + customer % 5], (enum_range(NULL::cjm.aida))[1 + customer % 4],
		ARRAY['trial', 'deal']::cjm.buyer_journey[], cjm.journey_agg(
			timestamptz '2026-01-01Z' + (hashint4(i + customer) & 1048575) * interval '1.000001 seconds',
			(ARRAY['view', 'add to cart', 'оплата', '🛒', 'say "hi"', E'tab\tand\nline', 'back\slash', 'a, b', '}', '''quoted'''])[1 + (hashint4(i) & 1023) % 10],
			(ARRAY['email', 'paid search', NULL, 'наружная реклама'])[1 + (hashint4(i + 1) & 1023) % 4],
			(ARRAY[NULL, 0, 1.1, -2.5e-300, 'NaN', 'Infinity', '-Infinity', 1e17])[1 + (hashint4(i + 2) & 1023) % 8])
	FROM generate_series(1, 400) customer, generate_series(1, 1 + customer % 30) i GROUP BY customer;
	INSERT INTO journeys (customer, journey) VALUES (1001, '{}'), (1002, NULL),
		(1003, '{-4713-11-24T00:00:00Z first, +294276-12-31T23:59:59.999999Z last}');
	UPDATE journeys SET first_seen = cjm.first_touch(journey);
	-- Out of line and compressed.
	INSERT INTO journeys (customer, journey)
	SELECT 2000, cjm.journey_agg(timestamptz '2026-01-01Z' + i * interval '977 microseconds', 'event ' || i % 5000) FROM generate_series(1, 20000) i;

	CREATE TABLE funnels (name text PRIMARY KEY, funnel cjm.funnel UNIQUE, stats cjm.funnel_stats);
	INSERT INTO funnels (name, funnel) VALUES
		('plain', 'view -> "add to cart" -> оплата within 7 days'),
		('named', 'start: view | 🛒 -> "in the cart": "add to cart"@email | *@"paid search" -> end: "say ""hi"""'),
		('any', '* -> * -> * within 1.5 hours'),
		('rules', 'a -> optional b -> c [2 days] within 30 days excluding x | y@z'),
		('strict', 'a -> b strict'),
		('unordered', 'a -> b -> c unordered within 1 hour');
	INSERT INTO funnels SELECT 'stages', cjm.funnel_from_stages(NULL::cjm.aida);
	UPDATE funnels SET stats = (SELECT cjm.funnel_agg(journey, funnel) FROM journeys) WHERE name IN ('plain', 'named', 'any');
	UPDATE funnels SET stats = cjm.funnel_stats(funnel) WHERE stats IS NULL;
	CREATE INDEX ON funnels USING hash (funnel);
	CREATE INDEX ON funnels USING hash (stats);

	CREATE VIEW reports AS SELECT name, (cjm.report(stats)).* FROM funnels;
	CREATE VIEW visits AS SELECT customer, s.* FROM journeys, cjm.sessions(journey) s;
	CREATE VIEW steps AS
	SELECT stage, cjm.stage_number(stage), cjm.next_stage(stage), cjm.funnel_agg(journey, 'view -> 🛒 within 2 days') AS stats,
		cjm.rollup(journey) AS journey, bool_or(journey OPERATOR(cjm.=) '{}') AS empty
	FROM journeys GROUP BY stage;
	CREATE VIEW untyped AS
	SELECT cjm.funnel_agg(customer, at, event, 'view -> 🛒 within 2 days', '[2026-01-03Z,2026-01-10Z)') AS stats, count(cjm.funnel_step('{}', 'a', '(,)'))
	FROM journeys, cjm.touchpoints(journey);
	CREATE MATERIALIZED VIEW merged AS
	SELECT customer % 10 AS part, cjm.rollup(journey)::jsonb AS journey FROM journeys WHERE customer <= 400 GROUP BY 1;
	CREATE FUNCTION opinion(cjm.funnel DEFAULT 'a -> b within 1 day') RETURNS text
	LANGUAGE SQL IMMUTABLE RETURN cjm.funnel_step('{2026-01-01T00:00:00Z a, 2026-01-02T00:00:00Z b}'::cjm.journey, $1)::text;
~, %owner);

# Every row of everything, types by their send functions.
my $contents = q{
	SET enable_indexscan = off; SET enable_bitmapscan = off;
	SELECT md5(string_agg(concat_ws('|', customer, stage, model, bought, encode(cjm_internal.journey_send(journey), 'hex'), step, first_seen), E'\n'
		ORDER BY customer)) FROM journeys;
	SELECT md5(string_agg(concat_ws('|', name, encode(cjm_internal.funnel_send(funnel), 'hex'), encode(cjm_internal.funnel_stats_send(stats), 'hex')), E'\n'
		ORDER BY name)) FROM funnels;
	SELECT md5(string_agg(r::text, E'\n' ORDER BY r::text)) FROM reports r;
	SELECT md5(string_agg(v::text, E'\n' ORDER BY v::text)) FROM visits v;
	SELECT md5(string_agg(s::text, E'\n' ORDER BY s::text)) FROM steps s;
	SELECT md5(string_agg(u::text, E'\n')) FROM untyped u;
	SELECT md5(string_agg(m::text, E'\n' ORDER BY m::text)) FROM merged m;
	SELECT count(*), sum(step), opinion() FROM journeys};
my $before = run_sql($node, $contents, %owner);
like($before, qr/^(?:[0-9a-f]{32}\n){7}404\|[1-9]\d*\|2$/, 'there is something to dump');

my @as_owner = ('-U', 'owner', '-h', $node->host, '-p', $node->port);
sub dump_of
{
	my ($database, $name) = @_;

	command_ok([ 'pg_dump', @as_owner, '-f', "$dir/$name", $database ], "pg_dump of $database");
	# Recent releases guard a dump with a random key.  Rows come in the order of their pages, which a restore may fill otherwise.
	return join "\n", sort grep { !/^\\(?:un)?restrict / } split /\n/, PostgreSQL::Test::Utils::slurp_file("$dir/$name");
}

my $dump = dump_of('shop', 'dump_restore.sql');
command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', @as_owner, '-d', 'from_text', '-f', "$dir/dump_restore.sql" ], 'the owner restores text');
command_ok([ 'pg_dump', @as_owner, '-Fc', '-f', "$dir/shop.dump", 'shop' ], 'pg_dump into an archive');
command_ok([ 'pg_restore', '-e', '-j', '2', @as_owner, '-d', 'from_archive', "$dir/shop.dump" ], 'the owner restores an archive');

foreach my $database ('from_text', 'from_archive')
{
	is(run_sql($node, $contents, database => $database, user => 'owner'), $before, "$database: same contents");
	ok(dump_of($database, "$database.sql") eq $dump, "$database: the dump of the restored database is the same text");

	# The indexes were built anew and are used.
	my $by_index = q{SET enable_seqscan = off; SET max_parallel_workers_per_gather = 0};
	like(run_sql($node, "$by_index; EXPLAIN (COSTS OFF) SELECT customer FROM journeys WHERE journey OPERATOR(cjm.=) '{}'", database => $database,
		user => 'owner'), qr/Index Scan using journeys_(?:btree|hash)|Bitmap Index Scan on journeys_(?:btree|hash)/, "$database: an index over journeys");
	is(run_sql($node, "$by_index; SELECT count(*) FROM journeys a JOIN journeys b ON a.journey OPERATOR(cjm.=) b.journey", database => $database,
		user => 'owner'), 403, "$database: every journey is found");
	is(run_sql($node, "$by_index; SELECT count(*) FROM journeys
		WHERE cjm.funnel_step(journey, 'view -> 🛒 within 2 days') = 2", database => $database, user => 'owner'),
		run_sql($node, "SET enable_indexscan = off; SET enable_bitmapscan = off; SELECT count(*) FROM journeys
		WHERE cjm.funnel_step(journey, 'view -> 🛒 within 2 days') = 2", %owner), "$database: an index over funnel_step");
}

# What a driver sends in binary for parameters without a type.
is(run_sql($node, qq{
	CREATE TABLE literals (j cjm_internal.journey_literal, f cjm_internal.funnel_literal, r cjm_internal.tstzrange_literal);
	INSERT INTO literals VALUES ('{2026-01-01T00:00:00Z a}', 'a -> b', '[2026-01-01Z,2026-02-01Z)'), ('{}', '*', 'empty'), (NULL, NULL, '(,)');
	COPY literals TO '$dir/literals' (FORMAT binary);
	CREATE TABLE again (j cjm.journey, f cjm.funnel, r tstzrange);
	COPY again FROM '$dir/literals' (FORMAT binary);
	COPY again TO '$dir/again' (FORMAT binary);
	COPY literals FROM '$dir/again' (FORMAT binary);
	SELECT count(*), count(DISTINCT literals::text), (SELECT count(*) FROM again WHERE again::text IN (SELECT literals::text FROM literals))
	FROM literals}), '6|3|3', 'literals travel in binary as what they stand for');

# A role without any right but to connect; the schema is not on the search_path.
my %nobody = (database => 'shop', user => 'nobody');
my $path = "SET search_path = ''";
my $values = q{(VALUES
	('{2026-01-01T10:00:00Z view@email, 2026-01-01T11:00:00Z cart=5}'::cjm.journey),
	('{2026-01-01T10:00:00Z view, 2026-01-03T10:00:00Z buy}')) v (journey)};
my %uses = (
	'operators and their twins' => [ qq{
		SELECT a.journey OPERATOR(cjm.||) b.journey OPERATOR(cjm.=) cjm.journey_merge(b.journey, a.journey),
			a.journey OPERATOR(cjm.<) b.journey, cjm.journey_lt(a.journey, b.journey), a.journey OPERATOR(cjm.<>) b.journey, cjm.journey_ne(a.journey, b.journey),
			a.journey OPERATOR(cjm.<=) b.journey, cjm.journey_le(a.journey, b.journey), a.journey OPERATOR(cjm.>) b.journey, cjm.journey_gt(a.journey, b.journey),
			a.journey OPERATOR(cjm.>=) b.journey, cjm.journey_ge(a.journey, b.journey), cjm.journey_eq(a.journey, b.journey)
		FROM $values, LATERAL (SELECT journey) a, LATERAL (SELECT '{2026-01-01T10:00:00Z view, 2026-01-03T10:00:00Z buy}'::cjm.journey) b
		WHERE cjm.has_event(a.journey, 'cart')},
		't|f|f|t|t|f|f|t|t|t|t|f' ],
	'sorting, grouping and DISTINCT' => [ qq{
		SELECT count(DISTINCT journey), count(*), (SELECT count(*) FROM (SELECT 1 FROM $values GROUP BY journey ORDER BY journey) g),
			(SELECT count(*) FROM (SELECT journey FROM $values UNION SELECT '{}'::cjm.journey) u) FROM $values}, '2|2|2|3' ],
	'aggregates' => [ qq{
		SELECT cjm.touch_count(cjm.rollup(journey)),
			cjm.funnel_agg(journey, 'view -> cart | buy within 2 days')::jsonb -> 'steps' -> 1 -> 'customers',
			(SELECT cjm.journey_agg(at, event, channel, value) OPERATOR(cjm.=) min(journey::text)::cjm.journey FROM cjm.touchpoints(min(journey::text)::cjm.journey) t)
		FROM $values}, '4|2|t' ],
	'sets' => [ qq{
		SELECT string_agg(t.event, ',' ORDER BY t.event), sum(s.touch_count), sum((st).session_count)
		FROM $values, cjm.first_touch(journey) t, cjm.sessions(journey, '2 hours') s, cjm.session_stats(journey, '2 hours') st},
		'view,view,view|4|5' ],
	'funnels and reports' => [ q{
		SELECT string_agg(stage || ' ' || customers, ', ' ORDER BY step) FROM cjm.report(cjm_internal.funnel_state_final(cjm_internal.funnel_agg_step(NULL,
			'{2026-01-01T10:00:00Z view, 2026-01-03T10:00:00Z buy}'::cjm.journey, 'view -> "buy"'::cjm.funnel)))}, 'view 1, buy 1' ],
	'enums' => [ q{
		SELECT cjm.next_stage('desire'::cjm.aida), cjm.stage_number('deal'::cjm.buyer_journey), cjm.funnel_from_stages(NULL::cjm.lifecycle),
			cjm.touch_count((SELECT cjm.journey_agg(now(), 'use'::cjm.buyer_journey)))},
		'action|8|awareness -> consideration -> purchase -> retention -> advocacy|1' ],
	'JSON' => [ qq{SELECT bool_and(journey::jsonb::cjm.journey OPERATOR(cjm.=) journey) FROM $values}, 't' ]);

foreach my $use (sort keys %uses)
{
	my ($query, $result) = @{ $uses{$use} };

	is(run_sql($node, "$path; $query", %nobody), $result, "a role without any right: $use");
	is(run_sql($node, "$path; $query", database => 'from_archive', user => 'nobody'), $result, "the same after a restore: $use");
}
run_sql_fails($node, 'CREATE TABLE cjm.mine (a int)', '42501', qr/permission denied for schema cjm/, 'nobody may create in the schema', %nobody);
run_sql_fails($node, 'SELECT * FROM public.journeys', '42501', qr/permission denied for schema public/, 'nobody may read the tables', %nobody);

# What depends on the extension holds it; alone it goes, and comes again.
run_sql_fails($node, 'DROP EXTENSION cjm', '2BP01', qr/other objects depend on it/, 'tables with its types hold the extension', %owner);
is(run_sql($node, q{
	DROP EXTENSION cjm CASCADE;
	CREATE EXTENSION cjm;
	SELECT cjm.touch_count('{2026-01-01T10:00:00Z view}')}, database => 'from_text', user => 'owner'), 1, 'dropped and created again');

server_is_well($node);
done_testing();
