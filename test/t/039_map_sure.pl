# What reports call sure, on many small data sets in which nothing does anything,
# and on some in which something does: chance must not be found more often than
# is promised, and an effect must be.  All data come from hash functions, so the
# counts are the same in every run.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use Test::More;

my $node = start_server('map_sure');

# A number from 0 to 1 by seed, customer and what it is for.
run_sql($node, q{
	CREATE FUNCTION chance(seed int, customer int, what int) RETURNS float8 LANGUAGE sql IMMUTABLE STRICT
	RETURN (hashint8extended(customer::bigint * 1000 + what, seed::bigint) & 1048575) / 1048576.0;
	CREATE TABLE events (customer int, at timestamptz, event text, country text)});

# Events of so many customers: five stages, each reached by six of ten of the one before, up to two hours after it; and touchpoints t1 to t10,
# each with a chance of 8 % after every stage, up to 100 minutes after it, so that who goes far meets more.  Customers are of twelve countries.
# Where t1 helps, that many more go on of those who meet it before they do; where LV is better, that many more of its customers do
# (and the other countries are worse than all others).
run_sql($node, q{
	CREATE FUNCTION fill_events(seed int, customers int, helps float8, better float8) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		TRUNCATE events;
		INSERT INTO events
		WITH RECURSIVE walks AS (
			SELECT c AS customer, 1 AS stage, timestamptz '2020-01-01 00:00Z' + c * interval '7 minutes' AS at,
				(ARRAY['LV', 'EE', 'LT', 'FI', 'SE', 'NO', 'DK', 'PL', 'DE', 'FR', 'ES', 'IT'])[1 + floor(12 * chance(seed, c, 0))] AS country
			FROM generate_series(1, customers) c
			UNION ALL
			SELECT w.customer, w.stage + 1, w.at + floor(go.after * 120) * interval '1 minute', w.country
			FROM walks w CROSS JOIN LATERAL (SELECT chance(seed, w.customer, w.stage) AS after) go
			WHERE w.stage < 5 AND chance(seed, w.customer, 10 + w.stage) < 0.6 + CASE w.country WHEN 'LV' THEN better ELSE 0 END +
				CASE WHEN chance(seed, w.customer, 100 + w.stage) < 0.08 AND floor(chance(seed, w.customer, 200 + w.stage) * 100) < floor(go.after * 120) THEN helps ELSE 0 END
		)
		SELECT w.customer, w.at, 's' || w.stage, w.country FROM walks w
		UNION ALL
		SELECT w.customer, w.at + floor(chance(seed, w.customer, 100 * t + 100 + w.stage) * 100) * interval '1 minute', 't' || t, w.country
		FROM walks w CROSS JOIN generate_series(1, 10) t WHERE w.stage < 5 AND chance(seed, w.customer, 100 * t + w.stage + CASE t WHEN 1 THEN 0 ELSE 50 END) < 0.08;
	END
	$$;
	SELECT cjm.create_map('m', 'events', 'customer', 'at', 'event', 's1 -> s2 -> s3 -> s4 -> s5', segment => 'country')});

# Over so many data sets: how many p-values of drivers there are, how many are below 0.05 by themselves, what share of the drivers that are significant
# after correction does nothing, as a sum over the data sets, and in how many sets the one that helps is one; in how many a step is promised to be
# improved, and in how many it is by the best country; and in how many a touchpoint that does nothing makes a sure difference, and in how many the one that
# helps does.
run_sql($node, q{
	CREATE FUNCTION found(seeds int, customers int, helps float8, better float8, OUT tests bigint, OUT nominal bigint, OUT wrong float8, OUT effects bigint,
		OUT promised bigint, OUT kept bigint, OUT coloured bigint, OUT helping bigint)
	LANGUAGE plpgsql AS $$
	DECLARE
		one record;
	BEGIN
		tests := 0; nominal := 0; wrong := 0; effects := 0; promised := 0; kept := 0; coloured := 0; helping := 0;
		FOR seed IN 1 .. seeds
		LOOP
			PERFORM fill_events(seed, customers, helps, better);
			SELECT count(d.p_value) AS tests, count(*) FILTER (WHERE d.p_value < 0.05) AS nominal,
				coalesce(avg(((d.driver <> 't1' OR helps = 0) AND (d.kind <> 'segment' OR better = 0))::int) FILTER (WHERE d.adjusted_p_value < 0.05), 0) AS wrong,
				coalesce(bool_or(d.driver = 't1' AND d.odds_ratio > 1) FILTER (WHERE d.adjusted_p_value < 0.05), false) AS effect
			INTO one FROM cjm.funnel_drivers('m') d;
			tests := tests + one.tests; nominal := nominal + one.nominal; wrong := wrong + one.wrong; effects := effects + one.effect::int;
			SELECT max(w.more_converted) > 0 AS promised, bool_and(w.best = 'LV') AS kept INTO one FROM cjm.weakest_step('m') w WHERE w.more_converted > 0;
			promised := promised + coalesce(one.promised, false)::int; kept := kept + coalesce(one.kept, false)::int;
			SELECT bool_or(t.event <> 't1' OR helps = 0) AS coloured, bool_or(t.event = 't1' AND t.difference > 0) AS helping INTO one FROM m.touchpoints t WHERE t.sure AND t.event LIKE 't%';
			coloured := coloured + coalesce(one.coloured, false)::int; helping := helping + coalesce(one.helping, false)::int;
		END LOOP;
	END
	$$});
my ($tests, $nominal, $wrong, $effects, $promised, $kept, $coloured, $helping) = split /\|/, run_sql($node, 'SELECT * FROM found(200, 500, 0, 0)');
cmp_ok($nominal, '<=', 0.05 * $tests, 'of drivers that do nothing one in twenty at most seems to by itself');
cmp_ok($nominal, '>=', 0.02 * $tests, 'and not far fewer, so that the test is not dull');
cmp_ok($wrong, '<=', 0.05 * 200, 'and one data set in twenty at most has any after correction');
cmp_ok($promised, '<=', 0.05 * 200, 'where all countries are alike, one data set in twenty at most has a step that one of them promises to improve');
cmp_ok($coloured, '<=', 0.05 * 200, 'nor does one of the touchpoints of more than that make a sure difference');
($tests, $nominal, $wrong, $effects, $promised, $kept, $coloured, $helping) = split /\|/, run_sql($node, 'SELECT * FROM found(20, 3000, 0.4, 0.2)');
is($effects, 20, 'a driver that helps is found');
cmp_ok($wrong, '<=', 0.05 * 20, 'of the drivers that are found one in twenty at most does nothing');
cmp_ok($coloured, '<=', 0.05 * 20, 'nor does one that does nothing seem to, in more than one of twenty');
is($helping, 20, 'where the one that helps does make a sure difference');
is("$promised|$kept", '20|20', 'a country that is better is what steps are improved by');
server_is_well($node);
done_testing();
