# Whom a refresh of audiences asks: after any series of writes, folds, time that goes by, and
# whatever else may happen to a map, the members are those that asking all gives, and
# where nothing but that happened only some were asked.
#
# More by hand: CJM_AUDIENCE_ROUNDS=1000 CJM_AUDIENCE_SEED=7.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $rounds = $ENV{CJM_AUDIENCE_ROUNDS} // 40;
my $seed = $ENV{CJM_AUDIENCE_SEED} // time;
srand($seed);
note("CJM_AUDIENCE_SEED=$seed");
my $node = start_server('audience_asked');

run_sql($node, q{
	CREATE TABLE events (customer text COLLATE "C", at timestamptz, event text, plan text);
	CREATE INDEX ON events (customer);
	INSERT INTO events SELECT 'c' || c, now() - interval '1 second' * (c % 20), CASE WHEN c % 3 = 0 THEN 'cart' ELSE 'view' END, 'p' || c % 3 FROM generate_series(1, 400) c});

sub create_map
{
	my ($stages, $more) = @_;

	return qq{SELECT cjm.create_map('shop', 'events', 'customer', 'at', 'event', '$stages', segment => 'plan', segment_at => 'last', refusal => 'cancel', time_zone => 'Europe/Riga'$more);};
}

my $stages = 'view -> cart -> buy within 6 seconds';
run_sql($node, create_map($stages, '') . q{ SELECT cjm.keep_journeys('shop')});
run_sql($node, q{SELECT cjm.refresh_journeys('shop')});

# By name, and whether time changes them by what is known alone.
my %audiences = (
	carts => q{at_stage => 'cart', not_after => 'buy', since => '15 seconds', quiet_for => '3 seconds'},
	viewers => q{at_stage => 'view', holdout => 0.3},
	lately => q{condition => 'touches >= 2', since => '12 seconds'},
	quiet => q{condition => 'step IS NULL OR step < 3', quiet_for => '5 seconds', where_is => '{"segment": ["p0", "p1"]}'},
	closed => q{at_stage => 'cart', include_open => false},
	lost => q{condition => 'NOT converted', include_open => false, quiet_for => '1 second'},
	both => q{at_stage => 'view', condition => 'dimensions ->> ''segment'' > ''p0'' AND frequency < 2', since => '20 seconds'},
	month => q{at_stage => 'view', since => '1 month'});
my %by_clock = (
	recent => q{condition => 'last_seen > now() - interval ''6 seconds'''},
	opened => q{at_stage => 'view', condition => 'open'},
	scored => q{condition => 'frequency_score > 2'},
	said => q{condition => 'refused_at IS NOT NULL'});

sub create_audience
{
	my ($name, $more) = @_;

	return "SELECT cjm.create_audience('shop', '$name', " . ($audiences{$name} // $by_clock{$name}) . "$more);";
}

run_sql($node, join(' ', map { create_audience($_, '') } sort keys %audiences, keys %by_clock));

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
my $asked = q{SELECT string_agg(a.name, ' ' ORDER BY a.name) FROM shop.audiences a WHERE a.asked IS NULL};
my $all = join(' ', sort keys %audiences, keys %by_clock);

is(run_sql($node, "SET client_min_messages = error; $refresh $asked"), "f\n\n$all", 'the first refresh asks all');
is(run_sql($node, "$refresh $asked"), "f\n\n", 'the next one some, of those that a clock changes, too');
is(run_sql($node, "SELECT string_agg(a.name, ' ' ORDER BY a.name) FROM shop.audiences a WHERE a.asked_under LIKE '%, by the clock'"), join(' ', sort keys %by_clock), 'and knows which these are');
run_sql($node, "INSERT INTO events VALUES ('c1', now(), 'cart', 'p1'), ('new', now(), 'view', 'p2')");
is(run_sql($node, "$refresh SELECT a.asked FROM shop.audiences a WHERE a.name = 'viewers'"), "f\n\n2", 'and else those whose changes wait');
is(run_sql($node, "SELECT cjm.refresh_journeys('shop'); $refresh SELECT a.asked, (SELECT count(*) FROM shop.audience_touched) FROM shop.audiences a WHERE a.name = 'viewers'"), "2 changes folded\nf\n\n2|0", 'or were folded');
is(run_sql($node, "$refresh SELECT a.asked FROM shop.audiences a WHERE a.name = 'viewers'"), "f\n\n0", 'once');

# What happens, how often, and whether all may have to be asked after it.
sub some_time { return "now() - interval '1 second' * trunc((random() * 25)::numeric, 1)" }
sub customer { return "'c' || 1 + (random() * 440)::int" }
my $writes = sub { return "INSERT INTO events SELECT " . customer() . ', ' . some_time() . ", (ARRAY['view', 'view', 'cart', 'cart', 'buy', 'cancel', 'other'])[1 + (random() * 6)::int], 'p' || (random() * 2)::int FROM generate_series(1, 1 + (random() * 12)::int);" };
my @happens = (
	[ 30, 0, $writes ],
	[ 8, 0, sub { return "DELETE FROM events WHERE customer IN (SELECT DISTINCT " . customer() . " FROM generate_series(1, 4));" } ],
	[ 8, 0, sub { return "UPDATE events SET at = at - interval '2 seconds', plan = 'p' || (random() * 2)::int WHERE customer IN (SELECT DISTINCT " . customer() . " FROM generate_series(1, 4));" } ],
	[ 4, 0, sub { return "BEGIN; " . $writes->() . " SAVEPOINT s; SELECT cjm.refresh_audiences('shop') IS NULL; ROLLBACK TO s; " . $writes->() . " COMMIT;" } ],
	[ 4, 0, sub { return "BEGIN; " . $writes->() . " ROLLBACK;" } ],
	[ 25, 0, sub { return "SELECT cjm.refresh_journeys('shop') IS NULL;" } ],
	[ 20, 0, sub { return sprintf('SELECT pg_sleep(%.1f) IS NULL;', rand(1.5)) } ],
	[ 2, 1, sub { $stages = $stages =~ /6/ ? 'view -> cart -> buy within 4 seconds' : 'view -> cart -> buy within 6 seconds'; return create_map($stages, ', replace => true') } ],
	[ 2, 1, sub { return create_audience((sort keys %audiences)[rand keys %audiences], ', replace => true') } ],
	[ 1, 1, sub { return "SELECT cjm.drop_audience('shop', 'carts'); " . create_audience('carts', '') } ],
	[ 2, 1, sub { return "SELECT cjm.unkeep_journeys('shop'); " . $writes->() . (rand() < 0.5 ? " $refresh " : '') . " SELECT cjm.keep_journeys('shop'); SELECT cjm.refresh_journeys('shop') IS NULL; SELECT cjm.refresh_journeys('shop') IS NULL;" } ],
	[ 2, 1, sub { return "ALTER TABLE events DISABLE TRIGGER ALL; " . $writes->() . (rand() < 0.5 ? " $refresh " : '') . " ALTER TABLE events ENABLE TRIGGER ALL; " . (rand() < 0.5 ? "SELECT cjm.refresh_journeys('shop') IS NULL; SELECT cjm.refresh_journeys('shop') IS NULL;" : '') } ],
	[ 1, 1, sub { return "TRUNCATE events; " . $writes->() . $writes->() . (rand() < 0.5 ? "SELECT cjm.refresh_journeys('shop') IS NULL;" : '') } ],
	[ 2, 1, sub { return "UPDATE shop.audiences SET asked_at = asked_at + interval '1 hour';" } ],
	[ 2, 1, sub { return "UPDATE shop.audiences SET quiet_for = '1 minute', since = NULL WHERE name IN ('carts', 'quiet');" } ],
	[ 2, 1, sub { return $writes->() . " SELECT cjm.refresh_journeys('shop') IS NULL; DELETE FROM shop.audience_touched;" } ],
	[ 1, 1, sub { return 'VACUUM FULL shop.audience_members;' } ]);
my $weight = 0;
$weight += $_->[0] foreach @happens;

sub choose
{
	my $left = rand($weight);

	foreach (@happens)
	{
		return $_ if ($left -= $_->[0]) < 0;
	}
	return $happens[0];
}

my ($wrong, $some, $few) = ('', 0, 0);
foreach my $round (1 .. $rounds)
{
	my @chosen = map { choose() } 1 .. 1 + rand(4);
	my $statements = join("\n", map { $_->[2]->() } @chosen);
	my $answer = run_sql($node, "SET client_min_messages = error; SELECT setseed(" . rand() . ") IS NULL; $statements; SELECT 'now'; $refresh
		SELECT count(a.asked), coalesce(max(a.asked), 0) < (SELECT count(*) FROM shop.journeys), (SELECT state FROM cjm.kept('shop')) FROM shop.audiences a");
	my ($differ, $count, $fewer, $state) = $answer =~ /now\nf\n(.*)\n(\d+)\|([tf])\|(\w+)$/s;

	if (!defined $differ || $differ ne '')
	{
		$wrong .= "$statements\n$answer\n";
		last;
	}
	next if grep { $_->[1] } @chosen;
	$some++ if $state ne 'rows';
	$few++ if $count >= 10 && $fewer eq 't';
}
is($wrong, '', "$rounds refreshes leave the members that asking all gives");
cmp_ok($few, '>', $some / 2, "and of $some after which some had to be asked most asked some: $few");

# Time alone takes customers out of an audience that asks for the clock, and a row of its view whom no journey names is a member.  If the last
# that happened was TRUNCATE, the first refresh makes the triggers anew, and the second one the journeys.
run_sql($node, q{INSERT INTO events SELECT 'late' || n, now(), 'view', 'p1' FROM generate_series(1, 3) n; SELECT cjm.refresh_journeys('shop'); SELECT cjm.refresh_journeys('shop')});
run_sql($node, $refresh);
like(run_sql($node, "SELECT pg_sleep(6.1) IS NULL; $refresh SELECT a.asked, (SELECT count(*) FROM shop.audience_members m WHERE m.audience = 'recent' AND m.left_at = a.refreshed_at) FROM shop.audiences a WHERE a.name = 'recent'"),
	qr/^f\nf\n\n([3-9]|[1-3]\d)\|\1$/, 'who went out of an audience by the clock alone is asked for, and nobody else');

# Customers whose keys share both places of the sums of who is in it, which are not read but looked for: with a seed that is known there are some.
my ($known_seed, $share) = split /\|/, run_sql($node, q{SELECT s.seed, k.keys FROM generate_series(1, 100) s(seed)
	CROSS JOIN LATERAL (SELECT cjm_internal.differing_agg('c' || n, false, s.seed) AS places FROM generate_series(1001, 16000) n) p
	CROSS JOIN LATERAL (SELECT string_agg(n::text, ',' ORDER BY n) AS keys FROM generate_series(1001, 16000) n WHERE cjm_internal.may_differ(p.places, 'c' || n)) k
	WHERE cjm_internal.differing_left(p.places) LIMIT 1});
like($share, qr/^\d+,\d+/, 'keys that share their places');
run_sql($node, q{DO $$ BEGIN EXECUTE replace(pg_get_functiondef('cjm_internal.audience_asked'::regproc), 'hashtextextended(gen_random_uuid()::text, 0)', '} . $known_seed . q{'); END $$});
run_sql($node, "SELECT cjm.refresh_journeys('shop'); $refresh");
run_sql($node, "INSERT INTO events SELECT 'c' || n, now(), 'view', 'p1' FROM unnest('{$share,1001}'::int[]) n; SELECT cjm.refresh_journeys('shop')");
my $count = 2 + ($share =~ tr/,//);
is(run_sql($node, "DELETE FROM shop.audience_touched; UPDATE shop.audiences SET asked_folded = (SELECT folded FROM shop.kept_state) WHERE name = 'recent'; $refresh SELECT a.asked, (SELECT count(*) FROM shop.audience_members m WHERE m.audience = 'recent' AND m.entered_at = (SELECT max(n.entered_at) FROM shop.audience_members n WHERE n.audience = 'recent')) FROM shop.audiences a WHERE a.name = 'recent'"), "f\n\n$count|$count", 'are found where the sums alone tell of them');

# What the comparison would see: a fold that forgets a customer.
run_sql($node, create_map($stages, ', replace => true') . " SELECT cjm.refresh_journeys('shop'); SELECT cjm.refresh_journeys('shop'); SELECT cjm.refresh_audiences('shop')");
run_sql($node, q{DO $$ BEGIN EXECUTE replace(pg_get_functiondef('cjm_internal.audience_touched_sql'::regproc), 'SELECT n.customer FROM new n', 'SELECT n.customer FROM new n WHERE n.customer <> ''''forgotten'''''); END $$});
run_sql($node, q{INSERT INTO events VALUES ('forgotten', now(), 'view', 'p1'), ('c1', now(), 'view', 'p1'); SELECT cjm.refresh_journeys('shop')});
like(run_sql($node, $refresh), qr/viewers, 1 asked: \(missing,forgotten,/, 'a customer who is forgotten is missed');
# And one that forgets all of them asks all.
run_sql($node, q{DO $$ BEGIN EXECUTE replace(pg_get_functiondef('cjm_internal.audience_touched_sql'::regproc), 'BETWEEN 1 AND 100000', '< 0'); END $$});
run_sql($node, q{INSERT INTO events VALUES ('c2', now(), 'view', 'p1'); SELECT cjm.refresh_journeys('shop')});
is(run_sql($node, "$refresh $asked"), "f\n\n$all", 'a fold that says nothing lets all be asked');

# The index that only some audiences ask by is there as long as one of them is.
my $seen = q{SELECT to_regclass('shop.audience_seen') IS NOT NULL;};
is(run_sql($node, $seen . join(' ', map { "SELECT cjm.drop_audience('shop', '$_') IS NULL;" } qw(lately quiet closed)) . $seen), "t\nf\nf\nf\nt", 'an index that audiences ask by stays with one of them');
is(run_sql($node, "SELECT cjm.drop_audience('shop', 'lost') IS NULL; SELECT cjm.drop_audience('shop', 'carts') IS NULL; $seen"), "f\nf\nf", 'and goes with the last');

done_testing();
