# Kept journeys that are built in pieces: one after the other, several at a time,
# interrupted, with writers in between, and begun anew where something makes what is
# built of no use.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use CjmTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('pieces', 'max_prepared_transactions = 3');

sub stands { return run_sql($node, q{SELECT state, reason FROM cjm.kept('shop'); SELECT count(*) FROM cjm.check_journeys('shop')}) =~ s/\n/ /r }
sub refresh { return run_sql($node, q{SELECT cjm.refresh_journeys('shop')}) }

# Builds to the end; what the refreshes say.
sub build
{
	my @said;

	push @said, refresh() until @said && $said[-1] =~ /journeys built|folded/ || @said > 20;
	return @said;
}

# Something of everything between two pieces; what it does depends on nothing but its number.
sub write_something
{
	my ($n) = @_;

	return run_sql($node, qq{
		INSERT INTO ev SELECT (i * 7 + $n) % 1200, timestamptz '2026-03-01Z' + i * interval '1 hour', 'cart', 'mail', 3, 'LT' FROM generate_series(1, 200) i;
		UPDATE ev SET who = who + 1, what = 'pay' WHERE who % 50 = $n;
		DELETE FROM ev WHERE who % 60 = $n});
}

run_sql($node, q{
	CREATE TABLE ev (who int, at timestamptz, what text, via text, amount float8, land text);
	INSERT INTO ev SELECT i % 1000, timestamptz '2026-01-01Z' + i * interval '1 minute', (ARRAY['view', 'cart', 'pay'])[1 + i % 3], (ARRAY['ads', NULL])[1 + i % 2],
		i % 9, (ARRAY['LV', 'EE', NULL])[1 + i % 3] FROM generate_series(1, 20000) i;
	SELECT create_map('shop', 'ev', 'who', 'at', 'what', 'view -> cart -> pay within 7 days', 'via', 'amount', segment => 'land', segment_at => 'last');
	SELECT keep_journeys('shop', pieces => 4)});
is(stands(), 'rows|they are not built yet 0', 'nothing is built');

# One after the other
like(refresh(), qr/^the journeys are built in 4 pieces: /, 'the first refresh divides');
is(stands(), 'rows|they are being built: 0 of 4 pieces are 0', 'and kept says so');
my $journeys = 0;
foreach my $piece (1 .. 3)
{
	write_something($piece);
	my $said = refresh();

	like($said, qr/^piece $piece of 4 built: (\d+) journeys$/, "piece $piece");
	$journeys += $1 if $said =~ /: (\d+)/;
	is(stands(), "rows|they are being built: $piece of 4 pieces are 0", 'kept tells how far it is');
}
cmp_ok($journeys, '>', 500, 'the pieces are parts of the customers');
write_something(4);
my $said = refresh();
like($said, qr/^(\d+) journeys built$/, 'the last one says how many there are in all');
is(stands(), 'changed| 0', 'what was written meanwhile waits beside the store, or is in it');
like(refresh(), qr/^[1-9]\d* changes folded$/, 'changes to pieces that were built before are folded');
is(stands(), 'folded| 0', 'and all is there');
is(run_sql($node, 'SELECT count(*) FROM shop.kept_journeys'), run_sql($node, 'SELECT count(DISTINCT who) FROM ev'), 'every customer has one journey');

# Several at a time, and one that is interrupted
run_sql($node, q{INSERT INTO shop.kept_marks VALUES (now(), 'anew, please')});
is(stands(), 'rows|anew, please 0', 'a mark');
like(refresh(), qr/ in 4 pieces: /, 'a build begins anew');
like(run_sql($node, "BEGIN; SELECT cjm.refresh_journeys('shop'); PREPARE TRANSACTION 'builder $_'"), qr/^piece $_ of 4 built/, "builder $_ has a piece of its own") foreach 1 .. 3;
write_something(5);
is(stands(), 'rows|they are being built: 0 of 4 pieces are 0', 'none is there before its transaction is');
run_sql($node, q{ROLLBACK PREPARED 'builder 2'});
like(run_sql($node, q{BEGIN; SELECT cjm.refresh_journeys('shop'); SELECT cjm.refresh_journeys('shop'); SELECT cjm.refresh_journeys('shop'); COMMIT}),
	qr/^piece 2 of 4 built: \d+ journeys\npiece 4 of 4 built: \d+ journeys\nanother refresh is at it$/, 'what was taken back is built by another; when all is taken there is nothing to do');
run_sql($node, "COMMIT PREPARED 'builder $_'") foreach 1, 3;
is(stands(), 'rows|they are being built: 4 of 4 pieces are 0', 'none of them could know that it was the last');
like(refresh(), qr/^\d+ journeys built$/, 'the next refresh does');
like(refresh(), qr/^[1-9]\d* changes folded$/, 'what was written meanwhile is folded');
is(stands(), 'folded| 0', 'and all is there again');

# A refresh that is ended in the middle leaves what is built.
run_sql($node, q{INSERT INTO shop.kept_marks VALUES (now(), 'anew, please')});
refresh();
refresh();
run_sql_fails($node, q{SET statement_timeout = '2ms'; SELECT cjm.refresh_journeys('shop')}, '57014', qr/statement timeout/, 'a refresh is cancelled');
is(stands(), 'rows|they are being built: 1 of 4 pieces are 0', 'and what was built before is there');
write_something(6);
is(join(' ', map { /^(piece \d|\d+ journeys)/ } build()), 'piece 2 piece 3 ' . run_sql($node, 'SELECT sum(journeys) FROM shop.kept_pieces') . ' journeys', 'the next ones go on');
refresh();
is(stands(), 'folded| 0', 'to the end');

# What makes it of no use in the middle
foreach my $case (
	[ 'a mark', q{INSERT INTO shop.kept_marks VALUES (now(), 'once more')}, qr/^rows\|once more 0$/ ],
	[ 'rows that triggers did not see', q{ALTER TABLE ev DISABLE TRIGGER ALL; DELETE FROM ev WHERE who % 20 = 3; ALTER TABLE ev ENABLE TRIGGER ALL}, qr/^rows\|a trigger .* 0$/ ],
	[ 'a source that was emptied', q{TRUNCATE ev; INSERT INTO ev SELECT i % 70, '2026-05-01Z', 'view', 'ads', 1, 'EE' FROM generate_series(1, 500) i}, qr/^rows\|.* 0$/ ])
{
	my ($name, $sql, $stands) = @$case;

	run_sql($node, q{INSERT INTO shop.kept_marks VALUES (now(), 'anew, please')});
	refresh() foreach 1 .. 3;
	is(stands(), 'rows|they are being built: 2 of 4 pieces are 0', "$name: two pieces are built");
	run_sql($node, $sql);
	like(stands(), $stands, "$name: they are not to be used");
	write_something(7);
	my @said = build();
	like("@said", qr/ in 4 pieces.*piece 1 of 4.*piece 3 of 4.*journeys built$/, "$name: a build begins anew");
	refresh();
	is(stands(), 'folded| 0', "$name: and comes to its end");
}

# A partition that comes in the middle without a row costs no piece; one with rows costs all.
run_sql($node, q{
	SELECT drop_map('shop');
	CREATE TABLE days (who int, at timestamptz, what text) PARTITION BY RANGE (at);
	CREATE TABLE day_1 PARTITION OF days FOR VALUES FROM ('2026-01-01Z') TO ('2026-01-02Z');
	INSERT INTO days SELECT i % 100, timestamptz '2026-01-01Z' + i * interval '1 minute', 'view' FROM generate_series(1, 1000) i;
	SELECT create_map('shop', 'days', 'who', 'at', 'what', 'view -> cart'), keep_journeys('shop', 4)});
refresh() foreach 1 .. 3;
run_sql($node, q{CREATE TABLE day_2 PARTITION OF days FOR VALUES FROM ('2026-01-02Z') TO ('2026-01-03Z')});
is(stands(), 'rows|the partition public.day_2 was attached or detached 0', 'a partition has come');
is(refresh(), 'new partitions are taken in; the next refresh goes on building', 'it is taken in');
is(stands(), 'rows|they are being built: 2 of 4 pieces are 0', 'and the pieces stay');
run_sql($node, q{INSERT INTO day_2 SELECT i % 120, timestamptz '2026-01-02Z' + i * interval '1 minute', 'cart' FROM generate_series(1, 1000) i});
is(join(' ', map { /^(piece \d|\d+ journeys|[1-9]\d* changes)/ } build(), refresh()), 'piece 3 110 journeys 492 changes', 'rows of the new one are in pieces that come later, and beside those that were built');
is(stands(), 'folded| 0', 'and all is there');
run_sql($node, q{INSERT INTO shop.kept_marks VALUES (now(), 'anew, please')});
refresh() foreach 1 .. 3;
run_sql($node, q{CREATE TABLE day_3 (LIKE days); INSERT INTO day_3 VALUES (1, '2026-01-03 12:00Z', 'cart'); ALTER TABLE days ATTACH PARTITION day_3 FOR VALUES FROM ('2026-01-03Z') TO ('2026-01-04Z')});
like(join(' ', build()), qr/^triggers are made anew.* in 4 pieces.*piece 1 of 4/, 'for one that has rows all are built again');
refresh();
is(stands(), 'folded| 0', 'to the end');

# Changes are looked at once, whatever the map is called.
run_sql($node, q{SELECT create_map('My "Shop"', 'days', 'who', 'at', 'what', 'view -> cart', keep => true); SELECT refresh_journeys('My "Shop"')});
my $first;
foreach my $n (1 .. 3)
{
	run_sql($node, qq{INSERT INTO days VALUES ($n, '2026-01-01Z', 'cart')});
	is(run_sql($node, q{SELECT refresh_journeys('My "Shop"')}), '1 changes folded', 'a change is folded');
	my $looked = run_sql($node, q{SELECT string_agg(xmin::text, ' ' ORDER BY staattnum) FROM pg_statistic WHERE starelid = '"My ""Shop""".kept_changes'::regclass});

	isnt($looked, '', 'the planner knows what changes are like') if $n == 1;
	$first //= $looked;
	is($looked, $first, 'and is told once');
}
run_sql($node, q{SELECT drop_map('My "Shop"')});

# Keys: a hash is taken of whatever is equal; without one there is one piece.
run_sql($node, q{
	CREATE COLLATION whatever_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
	CREATE TABLE texts (who text COLLATE whatever_case, at timestamptz, what text);
	INSERT INTO texts SELECT (ARRAY['ann', 'ANN', 'Bob', 'bob'])[1 + i % 4] || i % 40, timestamptz '2026-01-01Z' + i * interval '1 hour', 'view' FROM generate_series(1, 2000) i;
	CREATE TABLE sums AS SELECT (i % 50)::text::money AS who, timestamptz '2026-01-01Z' + i * interval '1 hour' AS at, 'view' AS what FROM generate_series(1, 2000) i;
	SELECT drop_map('shop')});
foreach my $case ([ 'texts', 4 ], [ 'sums', 1 ])
{
	my ($source, $pieces) = @$case;

	run_sql($node, qq{SELECT create_map('shop', '$source', 'who', 'at', 'what', 'view -> cart'), keep_journeys('shop', 4)});
	my @said = build();
	is(scalar(@said), $pieces == 1 ? 1 : $pieces + 1, "$source: $pieces pieces");
	is(stands(), 'folded| 0', "$source: all is there");
	run_sql($node, q{SELECT drop_map('shop')});
}
# A channel that its collation takes for an empty one has bytes all the same, as a channel and as a segment.
run_sql($node, q{
	CREATE COLLATION no_marks (provider = icu, locale = 'und-u-ka-shifted-ks-level1', deterministic = false);
	CREATE TABLE marked (who text, at timestamptz, what text, ch text COLLATE no_marks);
	INSERT INTO marked VALUES ('u', '2026-01-01Z', 'view', ' '), ('u', '2026-01-02Z', 'view', 'x'), ('w', '2026-01-01Z', 'view', '-'), ('e', '2026-01-01Z', 'view', '');
	SELECT create_map('shop', 'marked', 'who', 'at', 'what', 'view', channel => 'ch', segment => 'ch', keep => true)});
foreach my $when ('from rows', 'stored', 'with changes', 'folded')
{
	run_sql($node, q{SELECT refresh_journeys('shop')}) if $when =~ /stored|folded/;
	run_sql($node, q{INSERT INTO marked VALUES ('v', '2026-01-01Z', 'view', '.'), ('w', '2026-01-02Z', 'view', 'y')}) if $when eq 'with changes';
	is(run_sql($node, q{SELECT string_agg(format('%s [%s] [%s]', customer, segment, first_channel(journey)), ', ' ORDER BY customer) FROM shop.journeys}),
		$when =~ /with|folded/ ? 'e [] [], u [ ] [ ], v [.] [.], w [-] [-]' : 'e [] [], u [ ] [ ], w [-] [-]', "channels that look empty, $when");
}
run_sql($node, q{SELECT drop_map('shop')});
run_sql_fails($node, "SELECT create_map('shop', 'ev', 'who', 'at', 'what', 'view -> cart'), keep_journeys('shop', $_)", '22023', qr/pieces must be 1 to 1024, not $_/, "$_ pieces") foreach 0, -1, 1025;

# A key that no index takes is told, whenever it comes; the rows are read as long as it is there.
run_sql($node, q{
	CREATE FUNCTION long_key(int) RETURNS text LANGUAGE sql IMMUTABLE RETURN (SELECT string_agg(md5(i::text), '') FROM generate_series(1, $1) i);
	CREATE TABLE keys AS SELECT 'k' || i AS who, timestamptz '2026-01-01Z' + i * interval '1 hour' AS at, 'view' AS what FROM generate_series(1, 200) i;
	SELECT create_map('shop', 'keys', 'who', 'at', 'what', 'view -> cart'), keep_journeys('shop', 2);
	INSERT INTO keys SELECT long_key(200), now(), 'cart'});
refresh();
foreach my $length (200, 400)
{
	run_sql_fails($node, q{DO $$BEGIN PERFORM cjm.refresh_journeys('shop'); PERFORM cjm.refresh_journeys('shop'); END$$}, '54000',
		qr/journeys of "shop" cannot be kept: a customer has a key that is too long for an index/, "a build meets a key of $length hashes");
	is(stands() =~ s/.*\s//sr, 0, 'the views say what the rows say');
	run_sql($node, "UPDATE keys SET who = long_key(400) WHERE length(who) > 100");
}
run_sql($node, 'DELETE FROM keys WHERE length(who) > 100');
build();
run_sql($node, "INSERT INTO keys SELECT long_key(300), now(), 'cart'");
run_sql_fails($node, q{SELECT cjm.refresh_journeys('shop')}, '54000', qr/a key that is too long for an index/, 'so does a fold');
is(stands(), 'changed| 0', 'the change waits');
run_sql($node, 'DELETE FROM keys WHERE length(who) > 100; SELECT refresh_journeys($$shop$$)');
is(stands(), 'folded| 0', 'until it is gone');

# A long build tells how far it is.
my ($status, $out, $notices) = $node->psql('postgres', q{SELECT count(*) FROM generate_series(1, 5000) i
	WHERE cjm_internal.kept_progress('journeys of shop') AND CASE i WHEN 1500 THEN pg_sleep(5.2) IS NOT NULL ELSE true END});
is($out, 5000, 'every row counts');
is(join(' ', $notices =~ /NOTICE:  (.*)/g), 'journeys of shop: 2048 rows have been read', 'and after some seconds there is a notice, one');
run_sql($node, q{
	CREATE TABLE hours (i int) PARTITION BY RANGE (i);
	SELECT format('CREATE TABLE hours_%s PARTITION OF hours FOR VALUES FROM (%s) TO (%s)', i, i * 600, (i + 1) * 600) FROM generate_series(0, 5) i \gexec
	INSERT INTO hours SELECT generate_series(0, 3599)});
($status, $out, $notices) = $node->psql('postgres', q{SELECT count(*) FROM hours
	WHERE cjm_internal.kept_progress('journeys of shop') AND CASE WHEN i % 600 = 500 THEN pg_sleep(1.1) IS NOT NULL ELSE true END});
is($out, 3600, 'every row of partitions counts');
is(join(' ', $notices =~ /NOTICE:  (.*)/g), 'journeys of shop: 3072 rows have been read', 'and they are counted together');
server_is_well($node);
done_testing();
