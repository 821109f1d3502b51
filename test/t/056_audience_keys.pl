# Keys of audiences: of all types, among them those of which what differs is read from sums of
# hashes, those that are too long for it, those of types that are not read, and equal
# ones of other bytes.  Members are who meets the condition, whether changes
# wait, were folded, or sums alone tell of them.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('audience_keys', 'max_prepared_transactions = 1');

# Who is written down, and who meets the conditions at the same time; and a number of members that is another.
run_sql($node, q{
	CREATE FUNCTION differ() RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		audience record;
		said text := '';
		difference text;
	BEGIN
		FOR audience IN SELECT a.name, a.members, a.asked FROM shop.audiences a ORDER BY a.name
		LOOP
			EXECUTE format('WITH m AS (SELECT m.customer, m.since, m.stage, m.dimensions, m.held_out FROM shop.audience_members m WHERE m.audience = %1$L AND m.left_at IS NULL), v AS (SELECT v.customer, v.since, v.stage, v.dimensions, v.held_out FROM shop.%2$I v)
				SELECT coalesce(string_agg(d::text, ''; ''), ''another number'') FROM ((SELECT ''too much'', m.* FROM m EXCEPT ALL SELECT ''too much'', v.* FROM v) UNION ALL (SELECT ''missing'', v.* FROM v EXCEPT ALL SELECT ''missing'', m.* FROM m)) d
				HAVING count(*) > 0 OR (SELECT count(*) FROM m) <> %3$s', audience.name, 'meets_' || audience.name, audience.members) INTO difference;
			IF difference IS NOT NULL THEN
				said := said || format('%s, %s asked: %s ', audience.name, coalesce(audience.asked::text, 'all'), difference);
			END IF;
		END LOOP;
		RETURN said;
	END
	$$});
my $refresh = q{BEGIN; SELECT cjm.refresh_audiences('shop') IS NULL; SELECT differ(); COMMIT;};

run_sql($node, q{
	CREATE DOMAIN code AS text CHECK (VALUE ~ '^k');
	CREATE TYPE color AS ENUM ('red', 'green', 'blue', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7', 'c8');
	CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)});
my %keys = (
	'smallint' => 'n::smallint', 'integer' => '-n', 'bigint' => 'n::bigint << 40', 'oid' => '(4294967295 - n)::oid', 'uuid' => 'md5(n::text)::uuid', 'text' => q{repeat('k', 2 * n) || n}, 'varchar(60)' => q{repeat('k', 4 * n) || n},
	'char(9)' => q{'k' || n}, 'name' => q{'k' || n}, 'code' => q{'k' || n}, 'integer[]' => 'ARRAY[n, 1]', 'date' => q{date '2026-01-01' + n}, 'float8' => 'n / 7.0', 'color' => q{(enum_range(NULL::color))[n]},
	'numeric' => q{(n || '.' || repeat('0', #))::numeric}, 'text COLLATE nocase' => q{CASE # WHEN 0 THEN 'key' ELSE 'KEY' END || n}, 'bytea' => q{decode(repeat('00', n), 'hex')});
foreach my $type (sort keys %keys)
{
	my ($key, $same) = map { $keys{$type} =~ s/#/$_/r } 0, 1;
	my $set = 'SET client_min_messages = error;';
	my $view = q{INSERT INTO keyed SELECT %s, now(), 'view', 'p1' FROM generate_series(%s) n;};

	run_sql($node, "$set DROP SCHEMA IF EXISTS shop CASCADE; DROP TABLE IF EXISTS keyed; CREATE TABLE keyed (customer $type, at timestamptz, event text, plan text); CREATE INDEX ON keyed (customer);" . sprintf($view, $key, '1, 7')
		. q{SELECT cjm.create_map('shop', 'keyed', 'customer', 'at', 'event', 'view -> cart -> buy', dimensions => '{"plan": "plan"}'); SELECT cjm.keep_journeys('shop'); SELECT cjm.create_audience('shop', 'now', condition => 'last_seen <= now()'); SELECT cjm.create_audience('shop', 'all', at_stage => 'view')});
	run_sql($node, "$set SELECT cjm.refresh_journeys('shop'); $refresh");
	# 1 to 3 go, 8 to 10 come, 4 has another plan, and 5 an equal key, where there are some of other bytes.
	run_sql($node, "$set DELETE FROM keyed WHERE customer IN (SELECT $key FROM unnest('{1,2,3,5}'::int[]) n);" . sprintf($view, $key, '8, 10') . sprintf($view, $same, '5, 5') . "UPDATE keyed SET plan = 'p2' WHERE customer = (SELECT $key FROM (VALUES (4)) v(n))");
	my $told = q{SELECT string_agg(c.audience || ' ' || c.change, ',' ORDER BY c.audience, c.change) FROM shop.audience_changes c WHERE c.number > %d; SELECT string_agg(a.asked::text, ' ' ORDER BY a.name) FROM shop.audiences a};
	my $expected = join(',', map { ("$_ entered") x 3, ("$_ left") x 3 } qw(all now));
	# Of arrays all are asked, since there are no arrays of them.
	my $asked = $type =~ /\[/ ? '' : $type =~ /numeric|nocase/ ? '8 [89]' : '8 8';
	like(run_sql($node, "$set BEGIN; SELECT cjm.refresh_audiences('shop') IS NULL; SELECT differ();" . sprintf($told, 14) . '; ROLLBACK'), qr/^f\n\n$expected\n$asked\z/, "$type: whose changes wait");
	run_sql($node, "$set SELECT cjm.refresh_journeys('shop')");
	like(run_sql($node, "$set $refresh" . sprintf($told, 14)), qr/^f\n\n$expected\n$asked\z/, "$type: whose were folded");
	# And back; the sums alone know it.
	run_sql($node, "$set DELETE FROM keyed WHERE customer IN (SELECT $key FROM generate_series(8, 10) n);" . sprintf($view, $key, '1, 3') . "SELECT cjm.refresh_journeys('shop')");
	$asked = $type =~ /\[/ ? '' : $type =~ /numeric|nocase/ ? '[67]' : '6';
	like(run_sql($node, $set . ($asked && ' DELETE FROM shop.audience_touched;') . " UPDATE shop.audiences SET asked_folded = (SELECT folded FROM shop.kept_state) WHERE name = 'now'; $refresh" . sprintf($told, 26)), qr/^f\n\n$expected\n$asked\z/, "$type: of whom sums alone tell");
	# All are asked, and rows that are not what they were are found, of each column.
	run_sql($node, "$set UPDATE shop.audiences SET asked_under = NULL;" . join(' ', map { my ($column, $n) = @$_; "UPDATE shop.audience_members m SET $column WHERE m.customer = (SELECT $key FROM (VALUES ($n)) v(n)) AND m.left_at IS NULL;" }
		[ "dimensions = '{}'", 4 ], [ 'stage = NULL', 6 ], [ "since = since - interval '1 second'", 7 ]) . "DELETE FROM shop.audience_members m WHERE m.customer = (SELECT $key FROM (VALUES (1)) v(n)) AND m.left_at IS NULL");
	is(run_sql($node, "$set $refresh" . sprintf($told, 38) =~ s/;.*?$//r . '; SELECT sum(a.members) FROM shop.audiences a'), "f\n\nall entered,now entered\n14", "$type: where all are asked");
}

# Indexes are made with the first members, and where a transaction that has not ended keeps them from being made, by a later refresh: none waits for it.
my $indexes = q{SELECT (SELECT string_agg(i.indexrelid::regclass::text, ' ' ORDER BY i.indexrelid::regclass::text) FROM pg_index i WHERE i.indrelid = 'shop.audience_members'::regclass), count(a.asked_under) FROM shop.audiences a};
my $both = 'shop.audience_members_audience_idx shop.audience_members_customer';
is(run_sql($node, $indexes), "$both|2", 'indexes of members');
run_sql($node, "DROP INDEX shop.audience_members_audience_idx, shop.audience_members_customer; BEGIN; LOCK TABLE shop.audience_members IN ROW EXCLUSIVE MODE; PREPARE TRANSACTION 'hold'");
is(run_sql($node, "$refresh $indexes"), "f\n\n|0", 'cannot be made while somebody writes there, and all are asked until they are');
is(run_sql($node, "COMMIT PREPARED 'hold'; $refresh $indexes"), "f\n\n$both|2", 'but then');
like(run_sql($node, "DROP INDEX shop.audience_members_audience_idx; SELECT cjm.refresh_audiences('shop') FROM shop.audience_members LIMIT 1; $indexes"), qr/^all: 7 members.*\nshop.audience_members_customer\|2$/, 'nor while the caller reads there');
is(run_sql($node, "$refresh $indexes"), "f\n\n$both|2", 'but then, too');

# What the comparison would see: rows that are said to be the same.
run_sql($node, q{DO $$ BEGIN EXECUTE replace(pg_get_functiondef('cjm_internal.audience_rows_asked'::regproc), 'WHEN places IS NULL THEN', 'WHEN true THEN'); END $$});
my ($varchar) = $keys{'varchar(60)'};
run_sql($node, "SET client_min_messages = error; UPDATE shop.audiences SET asked_under = NULL; UPDATE shop.audience_members m SET stage = NULL WHERE m.customer = (SELECT $varchar FROM (VALUES (6)) v(n))");
like(run_sql($node, "SET client_min_messages = error; $refresh"), qr/^f\nall, all asked: .*now, all asked: /, 'what is not told is missed');

done_testing();
