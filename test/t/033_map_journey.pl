# The views of a map that look at the journey itself, and the reports behind
# them, against plain SQL that knows nothing of journeys, on random rows that
# end today; and their plans.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use POSIX ();
use Test::More;

my $node = start_server('map_journey');

# Rows of a few customers often fall on the same minute; channels, segments and events are missing here and there.
run_sql($node, q{
	CREATE TABLE events (customer int, at timestamptz, event text, channel text, country text);
	INSERT INTO events
	SELECT c, date_trunc('minute', now()) - minutes * interval '1 minute', nullif(event, 'g'), nullif(channel, 'none'), nullif(country, 'xx')
	FROM generate_series(1, 900) c, generate_series(1, 1 + c % 17) i,
		LATERAL (SELECT (c * 7919 + i * 104729)::bigint AS seed) s,
		LATERAL (SELECT hashint8(seed) & 1048575 AS r1, hashint8(seed + 1) & 1048575 AS r2, hashint8(seed + 2) & 1048575 AS r3) r,
		-- some far away, most within an hour and a half of each other
		LATERAL (SELECT CASE WHEN r2 % 4 = 0 THEN r1 % 60000 ELSE (c * 331) % 100000 + r1 % 90 END AS minutes,
			(ARRAY['a', 'a', 'b', 'c', 'd', 'e', 'f', 'g'])[1 + r2 % 8] AS event, (ARRAY['ads', 'email', 'none', ''])[1 + r3 % 4] AS channel,
			(ARRAY['LV', 'EE', 'xx'])[1 + (r3 / 7) % 3] AS country) e;
	SELECT cjm.create_map('m', 'events', 'customer', 'at', 'event', 'a -> b | c -> d within 10 days', 'channel', segment => 'country')});

# The plain SQL: touchpoints in canonical order; when each step was first the deepest so far; where each touchpoint belongs.
my $moment = 'public.moment';		# what is as good as one time at a stage
run_sql($node, 'CREATE FUNCTION moment(seconds float8) RETURNS int LANGUAGE sql IMMUTABLE STRICT RETURN floor(100 * ln(1 + 1e6 * seconds))');
my $windows = q{unnest('{60, 3600, 86400, 604800, 2592000, 7776000, 31536000}'::float8[])};
sub prepare
{
	my ($schema, $entered) = @_;

	run_sql($node, qq{
		CREATE SCHEMA $schema;
		SET search_path = $schema, public;
		CREATE TABLE touches AS
		SELECT *, row_number() OVER (PARTITION BY customer ORDER BY at, event, channel NULLS FIRST) AS n
		FROM (SELECT customer, at, event, nullif(channel, '') AS channel FROM events WHERE event <> '') e;
		CREATE TABLE walks AS
		SELECT a.customer, a.at AS t1, b.at AS t2, d.at AS t3, 1 + (b.at IS NOT NULL)::int + (d.at IS NOT NULL)::int AS step, coalesce(d.at, b.at, a.at) AS reached
		FROM touches a
			LEFT JOIN touches b ON b.customer = a.customer AND b.event IN ('b', 'c') AND b.at BETWEEN a.at AND a.at + interval '240 hours'
			LEFT JOIN touches d ON d.customer = a.customer AND d.event = 'd' AND d.at BETWEEN b.at AND a.at + interval '240 hours'
		WHERE a.event = 'a' AND $entered;
		CREATE TABLE segments AS
		SELECT customer, (array_agg(country ORDER BY at, country) FILTER (WHERE country IS NOT NULL))[1] AS segment FROM events WHERE event <> '' GROUP BY customer;
		CREATE TABLE reached AS
		SELECT customer, min(t1) AS r1, min(t2) AS r2, min(t3) AS r3 FROM walks GROUP BY customer;
		CREATE TABLE standing AS
		SELECT t.*, coalesce(
			CASE WHEN event = 'a' AND at = r1 THEN 1 WHEN event IN ('b', 'c') AND at = r2 THEN 2 WHEN event = 'd' AND at = r3 THEN 3 END,
			CASE WHEN at >= r3 THEN 3 WHEN at >= r2 THEN 2 WHEN at >= r1 THEN 1 END, 0) AS step
		FROM touches t LEFT JOIN reached USING (customer);
		CREATE TABLE stays AS
		SELECT r.customer, v.* FROM reached r, LATERAL (VALUES (1, r1, r2), (2, r2, r3), (3, r3, NULL)) v(step, reached_at, went_on_at)
		WHERE reached_at IS NOT NULL
		UNION ALL
		SELECT customer, 0, min(at), min(r1) FROM touches LEFT JOIN reached USING (customer)
		GROUP BY customer HAVING min(at) < min(r1) OR min(r1) IS NULL;
		CREATE TABLE fair AS
		SELECT step, min(w) AS seconds
		FROM (SELECT step, w, count(*) FILTER (WHERE extract(epoch FROM went_on_at - reached_at) < w) AS by_then, count(*) AS ever
			FROM stays, $windows w WHERE went_on_at IS NOT NULL GROUP BY step, w) s
		WHERE by_then >= 0.9 * ever GROUP BY step;
		CREATE INDEX ON walks (customer);
		CREATE INDEX ON touches (customer, event, at);
		CREATE INDEX ON standing (customer, step);
		ANALYZE});
	return;
}
prepare('plain', 'true');

# Both ways, in one statement and so at one now(); the same row twice counts twice.
sub same
{
	my ($title, $view, $plain, $schema) = @_;

	$schema //= 'plain';
	like(run_sql($node, "SET search_path = $schema, public; WITH v AS ($view), p AS ($plain)
		SELECT (SELECT count(*) > 0 FROM v), (SELECT count(*) FROM (TABLE v EXCEPT ALL TABLE p) d), (SELECT count(*) FROM (TABLE p EXCEPT ALL TABLE v) d)"),
		qr/^t\|0\|0$/, $title);
	return;
}

# The z of one of so many intervals of which all hold with 95 %, by halving.
sub z_of
{
	my ($comparisons) = @_;
	my ($z, $beyond) = (0, 10);

	foreach (1 .. 60)
	{
		my $middle = ($z + $beyond) / 2;

		(POSIX::erfc($middle / sqrt 2) > 0.05 / $comparisons ? $z : $beyond) = $middle;
	}
	return sprintf '%.15f::float8', $z;
}

# What the view touchpoints says, by event or channel, customer by customer: each who met something against those who had been there as long.
sub plain_touchpoints
{
	my ($by, $z) = @_;

	return qq{
		SELECT c.step, (ARRAY['a', 'b', 'd'])[c.step], label, c.customers, round(c.customers::numeric / n.customers, 9), touches, first_seen, last_seen, f.seconds,
			CASE WHEN f.seconds > 0 THEN coalesce(met, 0) END AS met, CASE WHEN f.seconds > 0 THEN coalesce(met_and_went, 0) END, round((met_and_went::numeric / met), 9), others, round(q::numeric, 9),
			round((p - q)::numeric, 9), round(low::numeric, 9), round(high::numeric, 9), CASE WHEN p - q IS NOT NULL THEN (low > 0 OR high < 0) AND met >= 30 AND others >= 30 END
		FROM (SELECT s.step, $by AS label, count(DISTINCT customer) AS customers, count(*) AS touches, min(at) AS first_seen, max(at) AS last_seen
			FROM standing s WHERE $by IS NOT NULL GROUP BY 1, 2) c
			JOIN (SELECT step, count(*) AS customers FROM stays GROUP BY step) n USING (step)
			LEFT JOIN fair f USING (step)
			LEFT JOIN LATERAL (
				WITH timed AS (
					SELECT w.customer, $moment(date_part('epoch', w.went_on_at - w.reached_at)) AS gone, w.went_on_at,
						(SELECT $moment(date_part('epoch', min(s.at) - w.reached_at)) FROM standing s
						WHERE s.customer = w.customer AND s.step = w.step AND s.$by = c.label HAVING count(*) > 0) AS met
					FROM stays w WHERE w.step = c.step AND extract(epoch FROM now() - w.reached_at) >= f.seconds AND w.went_on_at IS DISTINCT FROM w.reached_at),
				at_times AS (
					SELECT t.met, count(*) AS n, count(went_on_at) AS x, o.*
					FROM timed t CROSS JOIN LATERAL (
						SELECT count(*) AS others, count(o.went_on_at) AS others_went FROM timed o WHERE (o.went_on_at IS NULL OR o.gone >= t.met) AND (o.met IS NULL OR o.met > t.met)) o
					WHERE t.met < $moment(f.seconds) GROUP BY t.met, o.others, o.others_went)
				SELECT CASE WHEN bool_or(others > 0) THEN sum(n) FILTER (WHERE others > 0) ELSE sum(n) END AS met, CASE WHEN bool_or(others > 0) THEN sum(x) FILTER (WHERE others > 0) ELSE sum(x) END AS met_and_went,
					nullif(max(others), 0) AS others, sum(n * r) / sum(n) FILTER (WHERE others > 0) AS q, sum(n * (m - d)) / sum(n) FILTER (WHERE others > 0) AS ql, sum(n * (m + d)) / sum(n) FILTER (WHERE others > 0) AS qh
				-- Wilson's interval as the roots of its quadratic equation
				FROM at_times CROSS JOIN LATERAL (SELECT others_went::float8 / nullif(others, 0) AS r, $z AS z) r
					CROSS JOIN LATERAL (SELECT (2 * others_went + z * z) / 2 / (nullif(others, 0) + z * z) AS m, z * sqrt(z * z + 4 * others * r * (1 - r)) / 2 / (others + z * z) AS d) i) e ON true
			CROSS JOIN LATERAL (SELECT met_and_went::float8 / met AS p, $z AS z) r
			CROSS JOIN LATERAL (SELECT (2 * met_and_went + z * z) / 2 / (met + z * z) - z * sqrt(z * z + 4 * met * p * (1 - p)) / 2 / (met + z * z) AS pl,
				(2 * met_and_went + z * z) / 2 / (met + z * z) + z * sqrt(z * z + 4 * met * p * (1 - p)) / 2 / (met + z * z) AS ph) i
			CROSS JOIN LATERAL (SELECT p - q - sqrt((p - pl) ^ 2 + (qh - q) ^ 2) AS low, p - q + sqrt((ph - p) ^ 2 + (q - ql) ^ 2) AS high) d};
}

# The same with intervals that hold together: there are as many as rows that rest on 30 customers on both sides.
sub plain_touchpoints_together
{
	my ($by, $schema, $where) = @_;
	my $enough = run_sql($node, "SET search_path = $schema, public; SELECT count(*) FROM (" . plain_touchpoints($by, '2.0::float8') . ") t WHERE met >= 30 AND others >= 30 AND $where");

	cmp_ok($enough, '>', 3, "several are compared by $by, $schema");
	return 'SELECT * FROM (' . plain_touchpoints($by, z_of($enough)) . ") t WHERE $where";
}
my $touchpoints = q{step, stage, %s, customers, round(share::numeric, 9) AS share, touches, first_seen, last_seen, extract(epoch FROM compared_within)::float8 AS seconds,
	with_customers, with_went_on, round(with_rate::numeric, 9) AS with_rate, without_customers, round(without_rate::numeric, 9) AS without_rate,
	round(difference::numeric, 9) AS difference, round(difference_low::numeric, 9) AS low, round(difference_high::numeric, 9) AS high, sure};

same('touchpoints', 'SELECT ' . sprintf($touchpoints, 'event') . ' FROM m.touchpoints', plain_touchpoints_together('event', 'plain', 'true'));
same('touchpoints by channel', 'SELECT ' . sprintf($touchpoints, 'by_value') . q{ FROM cjm.touchpoint_report('m', 'channel')}, plain_touchpoints_together('channel', 'plain', 'true'));
is(run_sql($node, 'SELECT sum(touches) = (SELECT count(*) FROM plain.touches) FROM m.touchpoints'), 't', 'each touchpoint stands at one stage');
is(run_sql($node, 'SELECT count(*) FILTER (WHERE with_customers > 30 AND without_customers > 30) > 5, count(*) FILTER (WHERE with_customers < customers) > 5,
	count(*) FILTER (WHERE difference < 0) > 1, count(*) FILTER (WHERE difference > 0) > 1 FROM m.touchpoints'), 't|t|t|t', 'there is something to compare');
is(run_sql($node, q{SELECT string_agg(customers::text, ',' ORDER BY step) FROM m.funnel}),
	run_sql($node, q{SELECT string_agg(n::text, ',' ORDER BY step) FROM (SELECT step, count(*) AS n FROM plain.stays WHERE step > 0 GROUP BY step) s}), 'who stood at a stage is in the funnel');

my ($from, $to) = run_sql($node, q{SELECT date_trunc('day', now()) - interval '60 days', now() - interval '20 days'}) =~ /(.*)\|(.*)/;
my $range = "from_time => '$from', to_time => '$to'";
prepare('ranged', "a.at >= '$from' AND a.at < '$to'");
same('touchpoint_report of a range', 'SELECT ' . sprintf($touchpoints, 'by_value') . qq{ FROM cjm.touchpoint_report('m', $range)},
	plain_touchpoints_together('event', 'ranged', 'step > 0'), 'ranged');

# Stages: of all, of a range, by segment.
my $best = q{(SELECT t.customer, coalesce(b.step, 0) AS step, extract(epoch FROM now() - max(t.at))::float8 / 86400 AS days,
		coalesce(b.step, 0) < 3 AND EXISTS (SELECT FROM walks w WHERE w.customer = t.customer AND w.t1 >= now() - interval '240 hours') AS open
	FROM touches t LEFT JOIN (SELECT customer, max(step) AS step FROM walks GROUP BY customer) b USING (customer) GROUP BY t.customer, b.step)};
my $stages = q{step, stage, converted, customers, round(share::numeric, 9) AS share, open_customers, round(median_days_since::numeric, 6) AS days,
	round(open_median_days_since::numeric, 6) AS open_days};
sub plain_stages
{
	my ($by, $customers) = @_;

	return qq{SELECT $by s, (ARRAY['a', 'b', 'd'])[s], s = 3, count(step) FILTER (WHERE NOT open),
			round(count(step) FILTER (WHERE NOT open)::numeric / sum(count(step) FILTER (WHERE NOT open)) OVER (} . ($by ? 'PARTITION BY by_value' : '') . qq{), 9),
			count(*) FILTER (WHERE open),
			round((percentile_disc(0.5) WITHIN GROUP (ORDER BY days) FILTER (WHERE NOT open))::numeric, 6),
			round((percentile_disc(0.5) WITHIN GROUP (ORDER BY days) FILTER (WHERE open))::numeric, 6)
		FROM $customers GROUP BY $by s};
}
same('stages', "SELECT $stages FROM m.stages", plain_stages('', "generate_series(0, 3) s LEFT JOIN $best b ON b.step = s"));
is(run_sql($node, 'SELECT sum(customers + open_customers) = (SELECT count(DISTINCT customer) FROM plain.touches), count(*) FILTER (WHERE open_customers > 0) > 1 FROM m.stages'), 't|t',
	'each customer stands at one stage, some are open');
is(run_sql($node, 'SELECT string_agg(customers::text, $$,$$ ORDER BY step) FROM m.stages WHERE step BETWEEN 1 AND 2'),
	run_sql($node, 'SELECT string_agg(n::text, $$,$$ ORDER BY step) FROM (SELECT step, sum(customers) AS n FROM m.drop_off GROUP BY step) d'), 'as in drop_off');
same('stage_report of a range', "SELECT $stages FROM cjm.stage_report('m', $range)", plain_stages('', "generate_series(1, 3) s LEFT JOIN $best b ON b.step = s"), 'ranged');
same('stage_report by segment', "SELECT by_value, $stages FROM cjm.stage_report('m', 'segment')", plain_stages('by_value,', qq{
	(SELECT c.*, s.segment AS by_value FROM $best c JOIN segments s USING (customer)) c
	RIGHT JOIN (SELECT * FROM generate_series(0, 3) s, (VALUES ('LV'), ('EE'), (NULL)) v(value)) g ON g.s = c.step AND g.value IS NOT DISTINCT FROM c.by_value}) =~ s/by_value, s,/g.value, s,/r
	=~ s/GROUP BY by_value, s/GROUP BY g.value, s/r =~ s/PARTITION BY by_value/PARTITION BY g.value/r);

# What follows what; the same several times running is one or several, from all places or the first ones.
sub places
{
	my ($by, $repeats, $where) = @_;
	my $kept = $repeats ? 'true' : "$by IS DISTINCT FROM before";

	return "(SELECT *, row_number() OVER w AS position, lead($by) OVER w AS target
		FROM (SELECT *, lag($by) OVER (PARTITION BY customer ORDER BY n) AS before FROM touches t WHERE $by IS NOT NULL AND $where) t
		WHERE $kept WINDOW w AS (PARTITION BY customer ORDER BY n))";
}
my $first_seen = "(SELECT min(at) FROM touches f WHERE f.customer = t.customer) >= '$from' AND (SELECT min(at) FROM touches f WHERE f.customer = t.customer) < '$to'";
same('transitions', 'SELECT source, target, value, customers, round(share::numeric, 9) FROM m.transitions', q{
	SELECT event, target, count(*), count(DISTINCT customer), round(count(*)::numeric / (SELECT count(*) FROM } . places('event', 0, 'true') . q{ a WHERE a.event = p.event), 9)
	FROM } . places('event', 0, 'true') . ' p WHERE target IS NOT NULL GROUP BY event, target');
same('paths', 'SELECT path, nodes, customers, round(share::numeric, 9), converted, round(rate::numeric, 9) FROM m.paths', q{
	SELECT string_agg(event, ' > '), nodes, customers, round(customers / (SELECT count(DISTINCT customer) FROM touches)::numeric, 9), converted, round(converted::numeric / customers, 9)
	FROM (SELECT nodes, count(*) AS customers, count(r3) AS converted
		FROM (SELECT customer, array_agg(event ORDER BY position) FILTER (WHERE position <= 10) AS nodes FROM } . places('event', 0, 'at <= coalesce((SELECT r3 FROM reached r WHERE r.customer = t.customer), $$infinity$$)') . q{ p GROUP BY customer) p
			LEFT JOIN reached USING (customer) GROUP BY nodes) g, unnest(nodes) event GROUP BY nodes, customers, converted});
foreach my $by ('event', 'channel')
{
	foreach my $repeats (0, 1)
	{
		my $how = "repeats => " . ($repeats ? 'true' : 'false');

		same("transition_report by $by, by position, $how", "SELECT position, source, target, value, customers, round(share::numeric, 9) FROM cjm.transition_report('m', '$by', depth => 4, $how)", qq{
			SELECT position, position || '. ' || $by, position + 1 || '. ' || target, count(*), count(DISTINCT customer),
				round(count(*)::numeric / (SELECT count(*) FROM } . places($by, $repeats, 'true') . qq{ a WHERE a.$by = p.$by AND a.position = p.position), 9)
			FROM } . places($by, $repeats, 'true') . " p WHERE target IS NOT NULL AND position < 4 GROUP BY position, $by, target");
		same("transition_report by $by of a range, $how", "SELECT source, target, value, customers FROM cjm.transition_report('m', '$by', $how, $range)",
			"SELECT $by, target, count(*), count(DISTINCT customer) FROM " . places($by, $repeats, $first_seen) . " p WHERE target IS NOT NULL GROUP BY $by, target");
		same("path_report by $by of a range, $how", "SELECT path, nodes, customers, converted FROM cjm.path_report('m', '$by', depth => 3, $how, $range)", qq{
			SELECT coalesce(array_to_string(nodes, ' > '), ''), coalesce(nodes, '{}'), count(*), count(r3)
			FROM (SELECT DISTINCT customer FROM touches t WHERE $first_seen) c LEFT JOIN reached USING (customer)
				LEFT JOIN (SELECT customer, array_agg($by ORDER BY position) FILTER (WHERE position <= 3) AS nodes
					FROM } . places($by, $repeats, 'at <= coalesce((SELECT r3 FROM reached r WHERE r.customer = t.customer), $$infinity$$)') . q{ p GROUP BY customer) p USING (customer)
			GROUP BY nodes});
	}
}

# The same of sessions, with the time between; sequences from everywhere, and paths after and before an event.
sub session_places
{
	my ($by, $repeats) = @_;
	my $kept = $repeats ? 'true' : "$by IS DISTINCT FROM before";

	return "(SELECT *, row_number() OVER w AS position, lead($by) OVER w AS target, extract(epoch FROM lead(at) OVER w - at) AS seconds
		FROM (SELECT *, lag($by) OVER (PARTITION BY customer, session ORDER BY n) AS before
			FROM (SELECT *, sum(cut) OVER (PARTITION BY customer ORDER BY n) AS session
				FROM (SELECT *, coalesce(at - lag(at) OVER (PARTITION BY customer ORDER BY n) > interval '30 minutes', false)::int AS cut FROM touches) t) t WHERE $by IS NOT NULL) t
		WHERE $kept WINDOW w AS (PARTITION BY customer, session ORDER BY n))";
}
my $columns = q{round(share::numeric, 9), converted, times, median_seconds FROM cjm.path_report('m'};
foreach my $by ('event', 'channel')
{
	foreach my $repeats (0, 1)
	{
		my $how = "repeats => " . ($repeats ? 'true' : 'false');
		my $places = session_places($by, $repeats);
		my ($x, $y) = $by eq 'event' ? ('b', 'd') : ('ads', 'email');
		# Of paths, one row each: customer, nodes, seconds.
		my $report = sub {
			my ($paths) = @_;
			return "SELECT array_to_string(nodes, ' > '), nodes, count(DISTINCT customer), round(count(*)::numeric / (SELECT count(*) FROM ($paths) a), 9), count(DISTINCT customer) FILTER (WHERE r3 IS NOT NULL), count(*),
				percentile_disc(0.5) WITHIN GROUP (ORDER BY seconds) FROM ($paths) p LEFT JOIN reached USING (customer) GROUP BY nodes";
		};
		my $of = sub {
			my ($group, $where, $from) = @_;
			return "SELECT customer, array_agg($by ORDER BY n) AS nodes, extract(epoch FROM max(at) - min(at)) AS seconds FROM $from p WHERE $where GROUP BY $group";
		};
		my $whole = places($by, $repeats, 'true');
		my $found = "(SELECT *, min(position) FILTER (WHERE $by = '$x') OVER (PARTITION BY customer) AS x_at, min(position) FILTER (WHERE $by = '$y') OVER (PARTITION BY customer) AS y_at FROM $whole t)";
		my $paths = "SELECT path, nodes, customers, $columns, '$by', $how";

		same("transition_report by $by per session, $how", "SELECT source, target, value, customers, round(share::numeric, 9), median_seconds FROM cjm.transition_report('m', '$by', $how, per => 'session')", qq{
			SELECT $by, target, count(*), count(DISTINCT customer), round(count(*)::numeric / (SELECT count(*) FROM $places a WHERE a.$by = p.$by), 9), percentile_disc(0.5) WITHIN GROUP (ORDER BY seconds)
			FROM $places p WHERE target IS NOT NULL GROUP BY $by, target});
		same("transition_report by $by per session by position, $how", "SELECT source, value, customers, median_seconds FROM cjm.transition_report('m', '$by', depth => 3, $how, per => 'session')", qq{
			SELECT position || '. ' || $by, count(*), count(DISTINCT customer), percentile_disc(0.5) WITHIN GROUP (ORDER BY seconds)
			FROM $places p WHERE target IS NOT NULL AND position < 3 GROUP BY position, $by, target});
		same("path_report by $by per session, $how", "$paths, depth => 3, per => 'session')", $report->($of->('customer, session', 'position <= 3', $places)));
		same("path_report by $by of sequences, $how", "$paths, length => 2)", $report->("SELECT customer, ARRAY[$by, target] AS nodes, extract(epoch FROM later - at) AS seconds
			FROM (SELECT *, lead(at) OVER (PARTITION BY customer ORDER BY n) AS later FROM $whole t) t WHERE target IS NOT NULL"));
		same("path_report by $by after $x, $how", "$paths, depth => 4, after => '$x')", $report->($of->('customer', 'position BETWEEN x_at AND x_at + 3', $found)));
		same("path_report by $by before $y, $how", "$paths, depth => 4, before => '$y')", $report->($of->('customer', 'position BETWEEN y_at - 3 AND y_at', $found)));
	}
}

# What to improve: from counts of customers by segment.  Two segments are compared at two steps.
my $z = z_of(4);
foreach my $schema ('plain', 'ranged')
{
	my $dates = $schema eq 'plain' ? '' : ", $range";
	my $steps = qq{(SELECT segment, v.* FROM (SELECT segment, count(r1) AS n1, count(r2) AS n2, count(r3) AS n3 FROM reached r JOIN segments s USING (customer) GROUP BY GROUPING SETS ((), (segment)) HAVING GROUPING(segment) = 1 OR segment IS NOT NULL) c,
		LATERAL (VALUES (2, n1, n2, n3::float8 / n2), (3, n2, n3, 1)) v(step, before, customers, rest))};
	my $low = "(2 * customers + $z ^ 2 - $z * sqrt($z ^ 2 + 4 * customers * (1 - customers::float8 / before))) / 2 / (before + $z ^ 2)";

	same("weakest_step, $schema", "SELECT step, customers_before, customers, round(step_rate::numeric, 9), best, best_customers, round(best_rate::numeric, 9), round(target_rate::numeric, 9), round(more_customers::numeric, 6),
			round(more_converted::numeric, 6) FROM cjm.weakest_step('m'$dates)", qq{
		SELECT w.step, w.before, w.customers, round(w.customers::numeric / w.before, 9), b.segment, b.before, round(b.customers::numeric / b.before, 9), round(b.low::numeric, 9),
			round(greatest(0, w.before * b.low - w.customers)::numeric, 6), round(greatest(0, (w.before * b.low - w.customers) * w.rest)::numeric, 6)
		FROM $steps w, LATERAL (SELECT segment, before, customers, $low AS low FROM $steps p WHERE p.segment IS NOT NULL AND p.step = w.step ORDER BY low DESC LIMIT 1) b
		WHERE w.segment IS NULL}, $schema);
	same("weakest_step with a target, $schema", "SELECT step, best, best_customers, target_rate, round(more_customers::numeric, 6), round(more_converted::numeric, 6) FROM cjm.weakest_step('m', target => 0.75$dates)",
		"SELECT step, NULL, NULL::bigint, 0.75::float8, round(greatest(0, before * 0.75 - customers)::numeric, 6), round(greatest(0, (before * 0.75 - customers) * rest)::numeric, 6) FROM $steps w WHERE segment IS NULL", $schema);
	same("what_if, $schema", "SELECT step, customers, round(new_customers::numeric, 6), round(new_overall_rate::numeric, 9), round(difference::numeric, 6) FROM cjm.what_if('m', '{\"b\": 0.5}'$dates)", q{
		SELECT v.* FROM (SELECT count(r1) AS n1, count(r2) AS n2, count(r3) AS n3 FROM reached) c,
			LATERAL (VALUES (1, n1, n1::numeric, 1.0, 0.0), (2, n2, n1 * 0.5, 0.5, n1 * 0.5 - n2), (3, n3, n1 * 0.5 * n3 / n2, round(0.5 * n3 / n2, 9), round(n1 * 0.5 * n3 / n2 - n3, 6))) v(a, b, c, d, e)}
		=~ s/n1 \* 0.5 \* n3 \/ n2, round/round(n1 * 0.5 * n3 \/ n2, 6), round/r, $schema);
	# Each who met something first at a stage, against those who had been there as long and had not met it, customer by customer.
	my $strata = qq{
		WITH fair AS (SELECT min(w) AS seconds, $moment(min(w)) AS until FROM (
				SELECT w, count(*) FILTER (WHERE extract(epoch FROM r3 - r1) < w) AS by_then, count(*) AS ever FROM reached, $windows w WHERE r3 IS NOT NULL GROUP BY w) s WHERE by_then >= 0.9 * ever),
			began AS (SELECT r.*, segment, seconds, until FROM reached r JOIN segments s USING (customer), fair WHERE extract(epoch FROM now() - r1) >= seconds),
			stay AS (SELECT b.*, v.*, $moment(date_part('epoch', least(v.left_at, now()) - v.reached_at)) AS gone
				FROM began b, LATERAL (VALUES (0, (SELECT min(at) FROM touches t WHERE t.customer = b.customer), r1), (1, r1, coalesce(r2, 'infinity')), (2, r2, coalesce(r3, 'infinity'))) v(step, reached_at, left_at)
				WHERE v.reached_at < v.left_at),
			met AS (SELECT kind, driver, customer, min(at) AS met_at FROM touches t, LATERAL (VALUES ('event', event), ('channel', channel)) d(kind, driver)
				WHERE event IN ('a', 'e', 'f', 'g') AND driver IS NOT NULL GROUP BY 1, 2, 3),
			cell AS (SELECT l.kind, l.driver, s.*, m.met_at, $moment(date_part('epoch', m.met_at - s.reached_at)) AS soon
				FROM (SELECT DISTINCT kind, driver FROM met) l CROSS JOIN stay s LEFT JOIN met m ON m.kind = l.kind AND m.driver = l.driver AND m.customer = s.customer
				WHERE m.met_at IS NULL OR m.met_at >= s.reached_at),
			exposed AS (SELECT kind, driver, step, soon, count(*) AS k, count(r3) AS x FROM cell WHERE met_at < left_at AND soon < until GROUP BY 1, 2, 3, 4),
			strata AS (SELECT e.*, count(o.customer) AS m, count(o.r3) AS y FROM exposed e
				LEFT JOIN cell o ON o.kind = e.kind AND o.driver = e.driver AND o.step = e.step AND o.gone >= e.soon AND (o.met_at IS NULL OR o.met_at >= o.left_at OR o.soon > e.soon)
				GROUP BY 1, 2, 3, 4, 5, 6
				UNION ALL SELECT 'segment', segment, 0, 0, count(*), count(r3), (SELECT count(*) FROM began) - count(*), (SELECT count(r3) FROM began) - count(r3) FROM began WHERE segment IS NOT NULL GROUP BY 2)
		SELECT kind, driver, sum(k) AS k, sum(x) AS x, max(m) AS m, sum(k * (y / m::float8)) / sum(k) AS rate, sum(a * d / n) AS r, sum(b * c / n) AS s,
			sum((a + d) / n * a * d / n) AS pr, sum((a + d) / n * b * c / n + (b + c) / n * a * d / n) AS ps, sum((b + c) / n * b * c / n) AS qs,
			sum(x) - sum(k * (x + y) / z) AS more, sum(k * m * (x + y) * (z - x - y) / z ^ 2 / (z - 1)) AS spread, sum(k * (x + y) / z) - sum(greatest(0, x + y - m)) AS below,
			sum(least(k, x + y)) - sum(k * (x + y) / z) AS above, (SELECT seconds FROM fair) AS seconds
		FROM (SELECT s.*, (k + m)::float8 AS z, CASE WHEN sum(x * (m - y)) OVER w = 0 OR sum((k - x) * y) OVER w = 0 THEN 0.5 * k / sum(k) OVER w ELSE 0 END::float8 AS h
				FROM strata s WHERE m > 0 WINDOW w AS (PARTITION BY kind, driver)) s,
			LATERAL (SELECT x + h AS a, k - x + h AS b, y + h AS c, m - y + h AS d, z + 4 * h AS n) t GROUP BY kind, driver};

	same("funnel_drivers, $schema", "SELECT kind, driver, with_customers, with_converted, without_customers, round(without_rate::numeric, 9), round(odds_ratio::numeric, 9), round(odds_low::numeric, 9), round(odds_high::numeric, 9),
			p_value IS NULL, extract(epoch FROM compared_within)::float8 FROM cjm.funnel_drivers('m'" . ($dates =~ s/^, /, /r) . ')', qq{
		SELECT kind, driver, k, x, m, round(rate::numeric, 9), round((r / s)::numeric, 9), round((r / s * exp(-1.959963984540054 * sqrt(v)))::numeric, 9), round((r / s * exp(1.959963984540054 * sqrt(v)))::numeric, 9),
			k < 30 OR m < 30 OR below < 5 OR above < 5, seconds
		FROM ($strata) t, LATERAL (SELECT pr / 2 / r ^ 2 + ps / 2 / r / s + qs / 2 / s ^ 2 AS v) v}, $schema);

	my %said = map { /(.*)\|(.*)/ } split /\n/, run_sql($node, "SELECT kind || driver, p_value FROM cjm.funnel_drivers('m'$dates) WHERE p_value IS NOT NULL");
	my %worked_out = map { /(.*)\|(.*)/ ? ($1 => POSIX::erfc($2 / sqrt 2)) : () } split /\n/,
	  run_sql($node, "SET search_path = $schema, public; SELECT kind || driver, greatest(0, abs(more) - 0.5) / sqrt(spread) FROM ($strata) t");
	ok(scalar(keys %said) > 3 && !grep({ abs($said{$_} - $worked_out{$_}) > 1e-9 } keys %said), "p-values of drivers, $schema");
}
is(run_sql($node, q{SELECT array_agg(kind || driver) = array_agg(kind || driver ORDER BY p_value IS NULL, greatest(odds_low, 1 / odds_high) DESC), count(DISTINCT kind), count(*) > 5 FROM cjm.funnel_drivers('m')}), 't|3|t', 'the strongest driver is first');
is(run_sql($node, q{WITH d AS (SELECT * FROM cjm.funnel_drivers('m') WHERE p_value IS NOT NULL)
	SELECT count(*) FROM d WHERE abs(adjusted_p_value - (SELECT least(1, min(o.p_value * (SELECT count(*) FROM d) / (SELECT count(*) FROM d r WHERE r.p_value <= o.p_value))) FROM d o WHERE o.p_value >= d.p_value)) > 1e-12}), '0',
	'p-values are adjusted as Benjamini and Hochberg do');

# Each view reads the rows once, and so do these reports.
foreach my $name (qw(touchpoints stages transitions paths))
{
	my $plan = plan_of($node, 'SET max_parallel_workers_per_gather = 0', "SELECT * FROM m.$name");
	my @scans = $plan =~ /Scan(?: using \S+)? on events\b/g;

	is(scalar @scans, 1, "$name is one pass over the rows");
}
foreach my $report ("touchpoint_report('m', 'channel', $range)", "stage_report('m', 'channel')", "transition_report('m', depth => 5)", "path_report('m', 'channel')", "weakest_step('m')", q{what_if('m', '{"2": 0.5}')}, "funnel_drivers('m')")
{
	is(run_sql($node, "SELECT pg_stat_reset_single_table_counters('events'::regclass) FROM pg_stat_force_next_flush(); SELECT count(*) > 0 FROM cjm.$report; SELECT pg_stat_force_next_flush()"), "\nt\n", "$report says something");
	is(run_sql($node, "SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'events'"), '1', 'in one pass over the rows');
}

server_is_well($node);
done_testing();
