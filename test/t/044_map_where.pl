# where_is: every report and drawing of a map, asked about some customers, is that of
# a map of those customers alone, whose source is a view in plain SQL.  by: a group of
# one is that of the customers in it.  The functions come from pg_proc: one that
# forgets where_is or by fails here, and who adds one adds nothing but the arguments
# that it cannot do without.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use Test::More;

my $node = start_server('map_where');

# Values that look like SQL, like arrays and like no value; some have none.
run_sql($node, q{
	CREATE TABLE events (customer int, at timestamptz, event text, channel text, value float8, country text, device text);
	INSERT INTO events
	SELECT c, now() - interval '1 day' * (r1 % 90) - (c * 31 % 600 + r2 % 70) * interval '1 minute', (ARRAY['a', 'b', 'c', 'd', 'n', 's'])[1 + r3 % 6],
		(ARRAY['ads', 'e "m" il', NULL, ''])[1 + (r2 / 8) % 4], CASE WHEN r3 % 6 = 4 THEN r2 % 11 WHEN r1 % 3 > 0 THEN r2 % 9 - 1 END,
		(ARRAY['LV', E'it''s {"NULL"}', '''); SELECT 1/0 --', NULL])[1 + (c / 3) % 4], CASE WHEN c % 5 > 0 THEN (ARRAY['mobile', 'desk\top', NULL])[1 + (c * 7 + i / 3) % 3] END
	FROM generate_series(1, 200) c, generate_series(1, 3 + c % 14) i,
		LATERAL (SELECT (c * 7919 + i * 104729)::bigint AS seed) s,
		LATERAL (SELECT hashint8(seed) & 1048575 AS r1, hashint8(seed + 1) & 1048575 AS r2, hashint8(seed + 2) & 1048575 AS r3) r;
	-- In every group some were seen first every fifth day, and all of them just now: a group where nobody came in a month has a shorter report than one that is among others.
	INSERT INTO events
	SELECT 5000 + 100 * g.n + day, now() - CASE k WHEN 0 THEN interval '1 day' * day + interval '2 seconds' ELSE interval '1 second' END, CASE k WHEN 0 THEN 'a' ELSE 'b' END, CASE day % 2 WHEN 0 THEN 'ads' END, NULL, g.country, g.device
	FROM (SELECT row_number() OVER () AS n, * FROM unnest(ARRAY['LV', E'it''s {"NULL"}', '''); SELECT 1/0 --', NULL]) country CROSS JOIN unnest(ARRAY['mobile', 'desk\\top', NULL]) device) g, generate_series(0, 90, 5) day, generate_series(0, 1) k;
	CREATE TABLE spend AS SELECT (now() - n * interval '5 days')::date AS day, (ARRAY['ads', 'radio'])[1 + n % 2] AS channel, n * 100 AS impressions, n AS clicks, n * 1.5 AS cost FROM generate_series(1, 20) n;

	-- What customers have, in plain SQL.
	CREATE VIEW properties AS
	SELECT c.customer, (SELECT e.country FROM events e WHERE e.customer = c.customer AND e.country IS NOT NULL ORDER BY e.at, e.country COLLATE "C" LIMIT 1) AS segment,
		(SELECT e.device FROM events e WHERE e.customer = c.customer AND e.device IS NOT NULL ORDER BY e.at, e.device COLLATE "C" LIMIT 1) AS device,
		(SELECT e.value > 3 FROM events e WHERE e.customer = c.customer AND e.value IS NOT NULL ORDER BY e.at, e.value > 3 LIMIT 1) AS rich,
		(SELECT e.channel FROM events e WHERE e.customer = c.customer AND e.channel <> '' ORDER BY e.at, e.event COLLATE "C", e.channel COLLATE "C" LIMIT 1) AS first_channel
	FROM (SELECT DISTINCT customer FROM events) c;
	CREATE TABLE chosen (customer int PRIMARY KEY);
	CREATE VIEW some_events AS SELECT * FROM events WHERE customer IN (SELECT customer FROM chosen);
});
my $options = q{'customer', 'at', 'event', 'a -> b | c -> d within 10 days', 'channel', 'value', segment => 'country', time_zone => 'Europe/Riga', refusal => 'n@ads', nps => 's', comment => 'upper(channel)',
	dimensions => '{"device": "device", "big \"spender\"": "(value > 3)::text", "it''s 1": "(customer % 3)::text"}'};
run_sql($node, "SELECT cjm.create_map('whole', 'events', $options), cjm.create_map('kept', 'events', $options), cjm.create_map('some', 'some_events', $options)");
run_sql($node, q{SELECT cjm.keep_journeys('kept')});
run_sql($node, q{SELECT cjm.refresh_journeys('kept')});

# What has no where_is, and why.
my %without = (
	create_map => 'makes a map', upgrade_map => 'makes its views anew', drop_map => 'ends one', check_map => 'holds the definition of a map against its rows', keep_journeys => 'stores journeys', refresh_journeys => 'stores journeys', unkeep_journeys => 'ends that',
	kept => 'says how the store stands', check_journeys => 'holds the store against the rows',
	map({ ($_ => 'is about an audience, which has a where_is of its own') } qw(audience drop_audience refresh_audiences take_changes audience_report)), create_audience => 'makes an audience',
	map({ ($_ => 'is about targets, which say of whom they are') } qw(set_target drop_target alerts check_alerts)), note => 'says what happened', describe_stage => 'says what is known of a stage');
# What is by dimensions in another way.
my %by_otherwise = (funnel_by_dimension_report => 'by all of them at once');
# What compares the figures of metric_report, which are held here, and corrects for how many it shows.
my %of_metrics = map { $_ => 1 } qw(compare_report change_report);
# Arguments that have no default.
my %needed = (rates => q('{"2": 0.5, "3": 0.25}'::jsonb));

my %takes;
foreach (split /\n/, run_sql($node, q{
	SELECT p.proname, p.proretset, array_to_string(p.proargnames[1:p.pronargs], ','), array_to_string(p.proargnames[2:p.pronargs - p.pronargdefaults], ',')
	FROM pg_proc p WHERE p.pronamespace = 'cjm'::regnamespace AND p.proargtypes[0] = 'text'::regtype AND p.proargnames[1] IN ('map', 'name') ORDER BY 1}))
{
	my ($name, $set, $arguments, $required) = split /\|/, $_, -1;

	next if exists $without{$name};
	ok((grep { $_ eq 'where_is' } split /,/, $arguments), "$name takes where_is") or next;
	ok((grep { $_ eq 'by' } split /,/, $arguments), "$name takes by") unless $by_otherwise{$name};
	next if exists $of_metrics{$name};
	$takes{$name} = { set => $set eq 't', map({ ($_ => 1) } split /,/, $arguments), required => [ split /,/, $required ] };
}
cmp_ok(scalar keys %takes, '>', 15, 'there are reports');

# Two calls, in one statement and so at one now(): how many rows, or what is different.
run_sql($node, q{
	CREATE FUNCTION differ(one text, other text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		answer text;
	BEGIN
		EXECUTE format('WITH one AS (SELECT r::text AS r FROM (%s) r), other AS (SELECT r::text AS r FROM (%s) r), wrong AS ((TABLE one EXCEPT ALL TABLE other) UNION ALL (TABLE other EXCEPT ALL TABLE one))
			SELECT coalesce((SELECT left(translate(string_agg(r, '' / ''), E''\n|'', '' !''), 1000) FROM wrong), ''same '' || (SELECT count(*) FROM one))', one, other) INTO answer;
		RETURN answer;
	EXCEPTION WHEN invalid_parameter_value THEN
		IF SQLERRM !~ '^(this report cannot|retention|.* has no .* to compare)' THEN
			RAISE;
		END IF;
		RETURN 'unknown';
	END $$});

# The ways to ask for a function but for where_is.
my @words = qw(segment device first_channel channel entry_channel session_channel event last_event next_event none visitor entry_event exit_event);
my %range = (
	always => '', lately => q{from_time => now() - interval '40 days', to_time => now() - interval '3 days'});
sub ways
{
	my ($name, $when) = @_;
	my $takes = $takes{$name};
	# A page is made of reports that are asked by every word themselves.
	my @by = $name eq 'map_html' ? $range{$when} ? '' : q{by => 'segment'} : ('', map { "by => '$_'" } $takes->{by} ? @words : ());
	my @bucket = ($takes->{bucket} ? q{bucket => 'month'} : (), $takes->{period} ? q{period => 'week'} : ());

	return () if $range{$when} && !$takes->{from_time};
	# Drawings say in a line whom they are asked of.
	my $said = $takes->{subtitle} ? q{subtitle => 'whom'} : '';
	return map { join ', ', grep { $_ ne '' } map({ "$_ => " . ($needed{$_} // "NULL, 'give \%needed a value of $_'") } @{ $takes->{required} }), $_, $range{$when}, $said } @by, @bucket, map { "by => 'segment', $_" } $takes->{by} ? @bucket : ();
}

sub call
{
	my ($map, $name, @arguments) = @_;
	my $call = "cjm.$name(" . join(', ', "'$map'", grep { $_ ne '' } @arguments) . ')';

	# Drawings have the name of the map, and an id that is a hash of it.
	return $takes{$name}{set} ? "SELECT * FROM $call" : qq{SELECT regexp_replace(replace($call, '$map', 'some'), 'cjm-[0-9a-f]{8}', '', 'g')};
}

# Chooses customers by a condition on their properties and compares all functions; maps are those that are asked with where_is.
my (%compared, %matters, %unknown);
sub compare
{
	my ($where_is, $condition, $when, @maps) = @_;
	my (@labels, @queries);
	my $asked = q{where_is => $w$} . $where_is . q{$w$};

	run_sql($node, "TRUNCATE chosen; INSERT INTO chosen SELECT p.customer FROM properties p WHERE $condition");
	foreach my $name (sort keys %takes)
	{
		foreach my $way (ways($name, $when))
		{
			foreach my $map (@maps)
			{
				push @labels, [ $name, "$name($way) of $map, $where_is" ];
				push @queries, sprintf q{SELECT differ($q$%s$q$, $q$%s$q$), %s}, call($map, $name, $way, $asked), call('some', $name, $way),
				  $matters{$name} ? q('not asked') : sprintf q{differ($q$%s$q$, $q$%s$q$)}, call($map, $name, $way, $asked), call($map, $name, $way);
			}
		}
	}
	my @answers = split /\n/, run_sql($node, join ";\n", @queries);
	my $wrong = 0;
	foreach my $i (0 .. $#labels)
	{
		my ($answer, $all) = split /\|/, $answers[$i];
		my ($name, $label) = @{ $labels[$i] };

		if ($answer eq 'unknown')
		{
			$unknown{$name}++;
			next;
		}
		$compared{$name}++;
		$matters{$name} = 1 if $all !~ /^same|^not asked/ && $answer ne 'same 0';
		next if $answer =~ /^same \d+$/;
		$wrong++;
		fail($label);
		diag($answers[$i]);
	}
	is($wrong, 0, "$where_is ($when): " . @labels . ' calls of ' . keys(%takes) . ' functions');
	return;
}

my $segment = q{p.segment = 'LV'};
compare('{"segment": "LV"}', $segment, 'always', 'whole', 'kept');
compare('{"segment": "LV"}', $segment, 'lately', 'whole');
compare(q({"segment": ["it's {\"NULL\"}", null, "nowhere"]}), q{p.segment = 'it''s {"NULL"}' OR p.segment IS NULL}, 'lately', 'whole', 'kept');
compare(q~{"segment": "'); SELECT 1/0 --"}~, q{p.segment = '''); SELECT 1/0 --'}, 'always', 'whole');
compare('{"device": ["mobile", null]}', q{p.device = 'mobile' OR p.device IS NULL}, 'always', 'whole', 'kept');
compare(q({"device": "desk\\\\top", "segment": "LV", "big \"spender\"": true, "it's 1": [0, 1]}), q{p.device = 'desk\top' AND p.segment = 'LV' AND p.rich AND p.customer % 3 < 2}, 'lately', 'whole', 'kept');
compare('{"segment": []}', 'false', 'always', 'whole', 'kept');
compare('{}', 'true', 'always', 'kept');
compare('{"first_channel": null}', 'p.first_channel IS NULL', 'lately', 'whole');
compare('{"first_channel": ["ads", "e \"m\" il"], "segment": ["LV", null]}', q{p.first_channel IN ('ads', 'e "m" il') AND (p.segment = 'LV' OR p.segment IS NULL)}, 'always', 'whole', 'kept');

# Changes that wait are asked as well.
run_sql($node, q{DELETE FROM events WHERE customer % 7 = 1; UPDATE events SET country = 'LV' WHERE customer % 7 = 2; INSERT INTO events SELECT customer + 1000, at, event, channel, value, country, device FROM events WHERE customer % 7 = 3});
is(run_sql($node, 'SELECT state FROM kept.kept'), 'changed', 'changes wait');
compare('{"segment": ["LV", null], "first_channel": "ads"}', q{p.first_channel = 'ads' AND (p.segment = 'LV' OR p.segment IS NULL)}, 'always', 'kept');

ok($compared{$_} && $matters{$_}, "$_: $compared{$_} comparisons, and it matters who is asked for") foreach sort keys %takes;

# What is no name is told, and what was meant.
foreach my $name (sort keys %takes)
{
	my $asked = sub { my $call = call('whole', $name, map({ "$_ => $needed{$_}" } @{ $takes{$name}{required} }), $_[0]); $call =~ s/^SELECT \* FROM/SELECT count(*) FROM/; $call };

	run_sql_fails($node, $asked->($by_otherwise{$name} ? q{dimensions => '{segmnt}'} : q{by => 'segmnt'}), '22023', qr/"segmnt".*Did you mean "segment"\?/s, "$name by what is none");
	run_sql_fails($node, $asked->(q{where_is => '{"devise": "mobile"}'}), '22023', qr/"devise".*Did you mean "device"\?/s, "$name where nothing is");
	run_sql_fails($node, $asked->(q{by => $b$'); SELECT 1/0 --$b$}), '22023', qr/by "'\); SELECT/, "$name by SQL") unless $by_otherwise{$name};
}

# A group of a report is the report of those who are in it, but for what depends on all that is shown: a share, and how sure a difference is.
my %grouped = map { $_ => 1 } split /\n/, run_sql($node, q{SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'cjm'::regnamespace AND 'by' = ANY (p.proargnames) AND 'by_value' = ANY (p.proargnames)});
my %of_all = (touchpoint_report => q{ - 'difference_low' - 'difference_high' - 'sure'}, funnel_drivers => q{ - 'adjusted_p_value'});
foreach my $name (grep { $grouped{$_} && $_ ne 'drop_off_report' } sort keys %takes)
{
	foreach my $by ('segment', 'first_channel', 'device')
	{
		my @ways = ('', $range{lately} x !!$takes{$name}{from_time}, $takes{$name}{bucket} ? q{bucket => 'month'} : ());
		my @same = map { my $way = $_; map { my $call = sub { "SELECT to_jsonb(r) - 'by_value'" . ($of_all{$name} // '') . " FROM cjm.$name(" . join(', ', grep { $_ ne '' } q('whole'), map({ "$_ => $needed{$_}" } @{ $takes{$name}{required} }), $way, $_[0]) . ') r' };
			sprintf q{differ($q$%s$q$, $q$%s$q$)}, $call->("by => '$by'") . " WHERE by_value IS NOT DISTINCT FROM $_", $call->("where_is => jsonb_build_object('$by', $_)") }
			($by eq 'segment' ? (q('LV'), 'NULL::text') : $by eq 'device' ? (q('mobile'), q('desk\top'), 'NULL::text') : q('ads')) } @ways;

		like(run_sql($node, 'SELECT ' . join ', ', @same), qr/^same [1-9]\d*(?:\|same \d+)*$/, "$name by $by");
	}
}

# And so are the drawings of groups; of a map the touchpoints are coloured by how sure they are of all that are drawn.
foreach my $name (grep { !$takes{$_}{set} && $takes{$_}{by} && $_ ne 'map_html' } sort keys %takes)
{
	foreach my $by ('segment', 'device')
	{
		foreach my $way ('', $range{lately})
		{
			# A group has the touchpoints that differ in it, which are compared with one another in all groups.
			my $rows = $name eq 'map_svg' ? q(rows => '{customers,kpi}') : '';
			my $drawn = sub { run_sql($node, "SELECT cjm.$name(" . join(', ', grep { $_ ne '' } q('whole'), $way, $_[0], $rows) . ')') };
			my $all = $drawn->("by => '$by'");

			foreach my $value ($by eq 'segment' ? ('"LV"', 'null') : ('"mobile"', 'null'))
			{
				my ($said) = $drawn->("where_is => '{\"$by\": $value}'") =~ m{<desc[^>]*>(.*?)</desc>}s;

				ok(length $said > 20 && index($all, $said) > 0, "$name by $by ($way) has the drawing of $value");
			}
		}
	}
}
like(run_sql($node, q{SELECT string_agg(l, E'\n') FROM cjm.funnel_chart('whole', by => 'segment') l}), qr/^not known\n\Q$_\E(?:\n\n|$)/m, 'funnel_chart has charts') foreach run_sql($node, q{SELECT string_agg(l, E'\n') FROM cjm.funnel_chart('whole', where_is => '{"segment": null}') l});

# Of words that are a walk's the range is that of the walks.
foreach my $when ('always', 'lately')
{
	my %saved = %takes;
	my $entered = $when eq 'always' ? '' : ", tstzrange(now() - interval '40 days', now() - interval '3 days')";
	my $funnel = q('a -> b | c -> d within 10 days'::cjm.funnel);

	delete @takes{ grep { !/^(?:funnel_report|stage_report|drop_off_report|touchpoint_report|weakest_step|what_if|funnel_drivers)$/ } keys %takes };
	$takes{funnel_report} = { %{ $takes{funnel_report} }, bucket => 0 };
	my $before = keys %compared;
	compare('{"entry_channel": ["ads", null]}', "coalesce((SELECT cjm.entry_channel(j.journey, $funnel$entered) FROM whole.journeys j WHERE j.customer = p.customer), 'ads') = 'ads'", $when, 'whole');
	compare('{"session_channel": "e \"m\" il"}',
		"(SELECT cjm.session_channel(j.journey, interval '30 minutes', (cjm.funnel_times(j.journey, $funnel$entered))[1]) FROM whole.journeys j WHERE j.customer = p.customer) = 'e \"m\" il'", $when, 'whole');
	%takes = %saved;
}

# Of sessions those alone are counted that have what is asked for.
foreach my $condition ([ '{"visitor": "returning", "entry_event": ["a", "b"]}', q{s.visitor = 'returning' AND s.entry_event IN ('a', 'b')} ], [ '{"channel": ["ads", null], "segment": "LV"}', q{(s.channel = 'ads' OR s.channel IS NULL) AND s.segment = 'LV'} ])
{
	my ($where_is, $plain) = @$condition;

	is(run_sql($node, qq{SELECT differ(\$q\$SELECT by_value, bucket_start, sessions, customers, new_sessions, bounces, value, mean_time FROM cjm.session_report('kept', 'exit_event', 'month', where_is => '$where_is')\$q\$,
		\$q\$SELECT s.exit_event, date_trunc('month', s.started_at, 'Europe/Riga'), count(*), count(DISTINCT s.customer), count(*) FILTER (WHERE s.visitor = 'new'), count(*) FILTER (WHERE s.bounced), sum(s.value),
			justify_hours(avg(s.duration)) FROM kept.sessions s WHERE $plain GROUP BY 1, 2\$q\$) ~ '^same [1-9]'}), 't', "sessions, $where_is");
}
is(run_sql($node, q{SELECT differ($q$SELECT * FROM cjm.channels_report('whole', 'week', where_is => '{"channel": ["ads", null]}')$q$, $q$SELECT * FROM cjm.channels_report('whole', 'week') WHERE channel = 'ads' OR channel IS NULL$q$) ~ '^same [1-9]'}), 't', 'rows of channels');
is(run_sql($node, q{SELECT differ($q$SELECT * FROM cjm.drop_off_report('whole', 'next_event', where_is => '{"next_event": ["a", null], "last_event": "c"}')$q$,
	$q$SELECT step, stage, by_value, customers, customers / sum(customers) OVER ()::float8, open_customers, median_days_since, next_event, next_customers, refused
	FROM cjm.drop_off_report('whole', 'next_event', where_is => '{"last_event": "c"}') WHERE by_value = 'a' OR by_value IS NULL$q$) ~ '^same [1-9]'}), 't', 'what came next');

server_is_well($node);
done_testing();
