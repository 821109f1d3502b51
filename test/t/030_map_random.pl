# Every view of a map against plain SQL that knows nothing of journeys, on
# random rows that end today, in two time zones; and its plan.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use Test::More;

my $node = start_server('map_random');

# Rows of a few customers often fall on the same minute; channels, values, segments and events are missing here and there.
run_sql($node, q{
	CREATE TABLE events (customer int, at timestamptz, event text, channel text, value float8, country text);
	INSERT INTO events
	SELECT nullif(c, 13), CASE WHEN minutes % 501 > 0 THEN date_trunc('minute', now()) - minutes * interval '1 minute' END, nullif(event, 'f'),
		nullif(channel, 'none'), nullif(value, 3), nullif(country, 'xx')
	FROM generate_series(1, 600) c, generate_series(1, 1 + c % 25) i,
		LATERAL (SELECT (c * 7919 + i * 104729)::bigint AS seed) s,
		LATERAL (SELECT hashint8(seed) & 1048575 AS r1, hashint8(seed + 1) & 1048575 AS r2, hashint8(seed + 2) & 1048575 AS r3) r,
		-- some far away, most within hours of each other
		LATERAL (SELECT CASE WHEN r2 % 3 = 0 THEN r1 % 40000 ELSE (c * 331) % 200000 + r1 % 90 END AS minutes,
			(ARRAY['a', 'a', 'b', 'c', 'd', 'e', 'f', ''])[1 + r2 % 8] AS event, (ARRAY['ads', 'email', 'none', ''])[1 + r3 % 4] AS channel,
			r3 % 9 AS value, (ARRAY['LV', 'EE', 'xx'])[1 + (r3 / 7) % 3] AS country) e});
like(run_sql($node, q{SELECT concat_ws(' ', count(*), count(*) FILTER (WHERE customer IS NULL) > 0, count(*) FILTER (WHERE at IS NULL) > 0,
	count(*) FILTER (WHERE event IS NULL) > 0, count(*) FILTER (WHERE event = '') > 0, count(*) - count(DISTINCT (customer, at)) > 200) FROM events}),
	qr/^\d{4} t t t t t$/, 'the rows have all that a map has to bear');

# The plain SQL: touchpoints in canonical order, sessions, the winning walk of a -> b | c -> d within 10 days by all combinations.
run_sql($node, q{
	CREATE SCHEMA plain;
	CREATE TABLE plain.touches AS
	SELECT *, row_number() OVER (PARTITION BY customer ORDER BY at, event, channel NULLS FIRST, value NULLS FIRST) AS n
	FROM (SELECT customer, at, event, nullif(channel, '') AS channel, value FROM events WHERE customer IS NOT NULL AND at IS NOT NULL AND event <> '') e;
	CREATE TABLE plain.numbered AS
	SELECT *, sum(begins::int) OVER (PARTITION BY customer ORDER BY n) AS session
	FROM (SELECT *, coalesce(at - lag(at) OVER (PARTITION BY customer ORDER BY n) > interval '30 minutes', true) AS begins FROM plain.touches) t;
	CREATE TABLE plain.segments AS
	SELECT DISTINCT c.customer, s.country AS segment
	FROM plain.touches c LEFT JOIN (
		SELECT DISTINCT ON (customer) customer, country FROM events
		WHERE customer IS NOT NULL AND at IS NOT NULL AND event <> '' AND country IS NOT NULL ORDER BY customer, at, country) s USING (customer);
	CREATE TABLE plain.walks AS
	SELECT a.customer, a.at AS t1, b.at AS t2, d.at AS t3,
		1 + (b.at IS NOT NULL)::int + (d.at IS NOT NULL)::int AS step, coalesce(d.at, b.at, a.at) AS reached
	FROM plain.touches a
		LEFT JOIN plain.touches b ON b.customer = a.customer AND b.event IN ('b', 'c') AND b.at BETWEEN a.at AND a.at + interval '240 hours'
		LEFT JOIN plain.touches d ON d.customer = a.customer AND d.event = 'd' AND d.at BETWEEN b.at AND a.at + interval '240 hours'
	WHERE a.event = 'a';
	CREATE TABLE plain.best AS
	SELECT DISTINCT ON (customer) * FROM plain.walks ORDER BY customer, step DESC, reached, t1 DESC, t2, t3;
	-- Completions one after the other: the earliest from a time on; touchpoints of that time that it took are passed over next.
	-- The stages have different events, so of equal touchpoints any will do.
	CREATE FUNCTION plain.completions(customer int) RETURNS bigint LANGUAGE plpgsql AS $$
	DECLARE
		since timestamptz := '-infinity';
		used bigint[] := '{}';
		walk record;
		found bigint := 0;
	BEGIN
		LOOP
			SELECT a.n AS a, b.n AS b, d.n AS d, d.at INTO walk
			FROM plain.touches a
				JOIN plain.touches b ON b.customer = a.customer AND b.event IN ('b', 'c') AND b.at BETWEEN a.at AND a.at + interval '240 hours'
				JOIN plain.touches d ON d.customer = a.customer AND d.event = 'd' AND d.at BETWEEN b.at AND a.at + interval '240 hours'
			WHERE a.customer = completions.customer AND a.event = 'a' AND a.at >= since AND NOT ARRAY[a.n, b.n, d.n] && used
			ORDER BY d.at, a.at, b.at, a.n, b.n, d.n LIMIT 1;
			EXIT WHEN walk IS NULL;
			found := found + 1;
			used := used || ARRAY[walk.a, walk.b, walk.d];
			since := walk.at;
		END LOOP;
		RETURN found;
	END $$;
	CREATE TABLE plain.completions AS
	SELECT customer, plain.completions(customer) AS completions FROM (SELECT DISTINCT customer FROM plain.touches) c;
	CREATE INDEX ON plain.touches (customer, event, at);
	CREATE INDEX ON plain.walks (customer);
	ANALYZE;
});

# Sessions of plain rows, for a time zone.
my $sessions = q{(
	SELECT customer, session AS session_number, CASE WHEN session = 1 THEN 'new' ELSE 'returning' END AS visitor,
		(min(at) AT TIME ZONE 'ZONE')::date AS day, min(at) AS started_at, max(at) AS ended_at, count(*) AS touches,
		(array_agg(event ORDER BY n))[1] AS entry_event, (array_agg(event ORDER BY n DESC))[1] AS exit_event,
		(array_agg(channel ORDER BY n) FILTER (WHERE channel IS NOT NULL))[1] AS channel, sum(value ORDER BY n) AS value, count(*) = 1 AS bounced
	FROM plain.numbered GROUP BY customer, session)};

# One row per step of a set of winning walks, as the funnel's counts and times are defined; split by columns.  Of those who have not
# gone on the open ones have begun a walk, of those that the condition is about, less than ten days ago.
sub funnel_rows
{
	my ($by, $walks, $begun) = @_;
	my $group = $by ? "$by," : '';
	my $open = "EXISTS (SELECT FROM plain.touches a WHERE a.customer = w.customer AND a.event = 'a' AND a.at >= now() - interval '240 hours'" . ($begun ? " AND $begun" : '') . ')';

	return qq{
		SELECT $group v.* FROM (
			SELECT $group count(t1) AS n1, count(t2) AS n2, count(t3) AS n3,
				count(*) FILTER (WHERE step = 1 AND $open) AS open1, count(*) FILTER (WHERE step = 2 AND $open) AS open2,
				avg(extract(epoch FROM t2 - t1)) AS mean2, avg(extract(epoch FROM t3 - t2)) AS mean3,
				percentile_disc('{0.5,0.9}'::float8[]) WITHIN GROUP (ORDER BY extract(epoch FROM t2 - t1)) FILTER (WHERE t2 IS NOT NULL) AS time2,
				percentile_disc('{0.5,0.9}'::float8[]) WITHIN GROUP (ORDER BY extract(epoch FROM t3 - t2)) FILTER (WHERE t3 IS NOT NULL) AS time3,
				percentile_disc('{0.5,0.9}'::float8[]) WITHIN GROUP (ORDER BY extract(epoch FROM t3 - t1)) FILTER (WHERE t3 IS NOT NULL) AS total3
			FROM $walks w } . ($by ? "GROUP BY $by" : '') . q{) s,
			LATERAL (VALUES (1, 'a', n1, nullif(n1, 0)::float8 / n1, n1 - n2 - open1, open1, (n1 - n2 - open1)::float8 / nullif(n1, 0), NULL::numeric, NULL::numeric[], NULL::numeric[], NULL::bigint),
				(2, 'b', n2, n2::float8 / nullif(n1, 0), n2 - n3 - open2, open2, (n2 - n3 - open2)::float8 / nullif(n2, 0), mean2, time2, time2, n1),
				(3, 'd', n3, n3::float8 / nullif(n1, 0), NULL, NULL, NULL, mean3, time3, total3, n2))
				v(step, stage, customers, overall_rate, dropped, open_customers, drop_rate, mean, quantiles, totals, before)};
}
my $counts = 'step, stage, customers, overall_rate, dropped, open_customers, drop_rate';
my $steps = "$counts, round(mean_time_seconds::numeric, 3) AS mean";

# Both ways, in one statement and so at one now(); the same row twice counts twice.
sub same
{
	my ($title, $view, $plain) = @_;

	like(run_sql($node, "WITH v AS ($view), p AS ($plain)
		SELECT (SELECT count(*) > 0 FROM v), (SELECT count(*) FROM (TABLE v EXCEPT ALL TABLE p) d), (SELECT count(*) FROM (TABLE p EXCEPT ALL TABLE v) d)"),
		qr/^t\|0\|0$/, $title);
	return;
}

foreach my $zone ('Europe/Riga', 'America/New_York')
{
	my $map = $zone =~ /Riga/ ? 'riga' : 'new york; "x"';
	my $schema = $map =~ s/"/""/gr;
	my $view = sub { return qq{"$schema".$_[0]} };
	my $in_zone = sub { return $_[0] =~ s/'ZONE'/'$zone'/gr };

	run_sql($node, qq{SELECT cjm.create_map('$map', 'events', 'customer', 'at', 'event', 'a -> b | c -> d within 10 days', 'channel', 'value', 'country',
		time_zone => '$zone')});

	same("$zone: customers",
		"SELECT customer, segment, step, stage, entered_at, reached_at, step_times, converted, open, sessions, touches, round(value::numeric, 6) AS value,
			first_seen, last_seen, last_event FROM " . $view->('customers'), q{
		SELECT t.customer, s.segment, coalesce(b.step, 0), (ARRAY['a', 'b', 'd'])[b.step], b.t1, b.reached, ARRAY[b.t1, b.t2, b.t3], coalesce(b.step, 0) = 3,
			coalesce(b.step, 0) < 3 AND EXISTS (SELECT FROM plain.touches a WHERE a.customer = t.customer AND a.event = 'a' AND a.at >= now() - interval '240 hours'),
			t.sessions, t.touches, t.value, t.first_seen, t.last_seen, t.last_event
		FROM (SELECT customer, max(session) AS sessions, count(*) AS touches, round(sum(value)::numeric, 6) AS value, min(at) AS first_seen, max(at) AS last_seen,
				(array_agg(event ORDER BY n DESC))[1] AS last_event FROM plain.numbered GROUP BY customer) t
			JOIN plain.segments s USING (customer) LEFT JOIN plain.best b USING (customer)});
	is(run_sql($node, 'SELECT count(*) FILTER (WHERE open) > 5 AND count(*) FILTER (WHERE converted) > 5 FROM ' . $view->('customers')), 't',
		"$zone: some are open and some converted");
	is(run_sql($node, 'SELECT count(*) FROM ' . $view->('customers') . q{ FULL JOIN plain.completions USING (customer)
		WHERE conversions IS DISTINCT FROM completions OR (conversions > 0) <> converted}), '0', "$zone: conversions of customers");
	is(run_sql($node, 'SELECT count(*) FILTER (WHERE conversions > 1) > 10 FROM ' . $view->('customers')), 't', "$zone: some have several");

	my $plain = funnel_rows('', 'plain.best');
	same("$zone: funnel", "SELECT $steps FROM " . $view->('funnel'),
		"SELECT $counts, round(mean, 3) FROM ($plain) f");
	is(run_sql($node, 'SELECT count(*) FROM ' . $view->('funnel') . " v JOIN ($plain) p USING (step)
		WHERE abs(v.median_time_seconds - quantiles[1]) > 0.011 * quantiles[1] OR abs(v.p90_time_seconds - quantiles[2]) > 0.011 * quantiles[2]
			OR abs(v.median_total_seconds - totals[1]) > 0.011 * totals[1] OR abs(v.p90_total_seconds - totals[2]) > 0.011 * totals[2]
			OR ARRAY[v.median_time, v.p90_time, v.median_total, v.p90_total] IS DISTINCT FROM ARRAY[v.median_time_seconds, v.p90_time_seconds,
				v.median_total_seconds, v.p90_total_seconds]::float8[]::text[]::interval[]
			OR (v.median_time IS NULL) <> (quantiles IS NULL) OR (v.p90_total IS NULL) <> (totals IS NULL)
			OR extract(epoch FROM v.mean_time) <> v.mean_time_seconds"), '0', "$zone: times of the funnel");
	# Wilson's interval is where p differs from the rate by 1.96 of its own standard errors.
	is(run_sql($node, 'SELECT string_agg((v.step > 1)::text, $$,$$ ORDER BY step) FROM ' . $view->('funnel') . " v JOIN ($plain) p USING (step)
		WHERE v.step > 1 AND (SELECT bool_and(abs(abs(e - v.step_rate) / sqrt(e * (1 - e) / p.before) - 1.959963984540054) < 1e-6)
			FROM unnest(ARRAY[v.rate_low, v.rate_high]) e) AND v.rate_low < v.step_rate AND v.step_rate < v.rate_high"), 'true,true', "$zone: intervals of the rates");
	same("$zone: funnel_by_segment", "SELECT segment, $steps FROM " . $view->('funnel_by_segment'),
		"SELECT segment, $counts, round(mean, 3) FROM ("
		. funnel_rows('segment', '(SELECT s.segment, b.* FROM plain.segments s LEFT JOIN plain.best b USING (customer))') . ') f');

	my $weekly = $in_zone->(q{(SELECT DISTINCT ON (customer, week) * FROM (SELECT date_trunc('week', t1 AT TIME ZONE 'ZONE')::date AS week, w.* FROM plain.walks w) w
		ORDER BY customer, week, step DESC, reached, t1 DESC, t2, t3)});
	same("$zone: funnel_by_week", "SELECT week, closed, $steps FROM " . $view->('funnel_by_week'),
		$in_zone->(q{SELECT week, (week + 7)::timestamp AT TIME ZONE 'ZONE' + interval '240 hours' <= now(), COUNTS, round(mean, 3) FROM (} =~ s/COUNTS/$counts/r
		. funnel_rows('week', $weekly, "date_trunc('week', a.at AT TIME ZONE 'ZONE')::date = w.week") . ') f'));

	same("$zone: drop_off", "SELECT step, stage, last_event, customers, round(share::numeric, 9) AS share, open_customers, round(median_days_since::numeric, 6) AS days,
			next_event, next_customers FROM " . $view->('drop_off'), q{
		SELECT step, (ARRAY['a', 'b'])[step], last_event, count(*) FILTER (WHERE NOT open),
			round(count(*) FILTER (WHERE NOT open) / sum(count(*) FILTER (WHERE NOT open)) OVER (), 9), count(*) FILTER (WHERE open),
			round((percentile_disc(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM now() - last_seen)::float8) FILTER (WHERE NOT open) / 86400)::numeric, 6),
			mode() WITHIN GROUP (ORDER BY next_event) FILTER (WHERE NOT open),
			(SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM unnest(array_agg(next_event) FILTER (WHERE NOT open AND next_event IS NOT NULL)) e GROUP BY e) m)
		FROM (SELECT b.step, t.last_event, t.last_seen, (SELECT x.event FROM plain.touches x WHERE x.customer = b.customer AND x.at > b.reached ORDER BY x.n LIMIT 1) AS next_event,
				EXISTS (SELECT FROM plain.touches a WHERE a.customer = b.customer AND a.event = 'a' AND a.at >= now() - interval '240 hours') AS open
			FROM plain.best b JOIN (SELECT DISTINCT ON (customer) customer, event AS last_event, at AS last_seen FROM plain.touches ORDER BY customer, n DESC) t USING (customer)
			WHERE b.step < 3) s
		GROUP BY step, last_event});

	# Whoever shows who dropped and who may yet go on says the same: a row for each step and where it is said.
	my $told = sub {
		my ($arguments) = @_;
		my ($funnel, $drop_off, $stages) = map { $arguments ? "cjm.${_}_report('$map', $arguments)" : $view->($_ eq 'stage' ? 'stages' : $_) } 'funnel', 'drop_off', 'stage';

		return qq{SELECT step, dropped, open_customers FROM $funnel WHERE dropped IS NOT NULL UNION ALL
			SELECT step, sum(customers)::bigint, sum(open_customers)::bigint FROM $drop_off GROUP BY step UNION ALL
			SELECT step, customers, open_customers FROM $stages WHERE step > 0 AND NOT converted};
	};
	foreach my $arguments ('', "from_time => now() - interval '50 days', to_time => now() - interval '2 days'")
	{
		is(run_sql($node, 'SELECT count(*), min(n), max(n), count(*) FILTER (WHERE open_customers > 0) FROM (SELECT step, open_customers, count(*) AS n FROM ('
			. $told->($arguments) . ') t GROUP BY step, dropped, open_customers) s'), '2|3|3|2', "$zone: funnel, drop_off and stages agree" . ($arguments && ' on a range'));
	}
	is(run_sql($node, 'SELECT count(*) FROM ((SELECT step, count(*) FILTER (WHERE NOT open), count(*) FILTER (WHERE open) FROM ' . $view->('customers')
		. ' WHERE step > 0 AND NOT converted GROUP BY step) EXCEPT (' . $told->('') . ')) d'), '0', "$zone: and customers");
	is(run_sql($node, 'SELECT bool_and(f.customers = f.dropped + f.open_customers + n.customers) FROM ' . $view->('funnel') . ' f JOIN ' . $view->('funnel') . ' n ON n.step = f.step + 1'),
		't', "$zone: at a step are who went on, who may yet, and who dropped");

	my $plain_sessions = $in_zone->($sessions);
	same("$zone: sessions", "SELECT customer, segment, session_number, visitor, day, started_at, ended_at, duration, duration_seconds, touches, entry_event, exit_event, channel,
			round(value::numeric, 6) AS value, bounced FROM " . $view->('sessions'), qq{
		SELECT customer, segment, session_number, visitor, day, started_at, ended_at, ended_at - started_at, extract(epoch FROM ended_at - started_at)::float8, touches,
			entry_event, exit_event, channel, round(value::numeric, 6), bounced
		FROM $plain_sessions s JOIN plain.segments USING (customer)});

	same("$zone: bounce", "SELECT event, channel, sessions, bounces, bounce_rate, containing, exits, exit_rate, round(touches_per_session::numeric, 9) AS touches,
			round(mean_time_seconds::numeric, 3) AS mean, median_time_seconds, new_sessions, returning_sessions FROM " . $view->('bounce'), qq{
		SELECT e.event, s.channel, count(*) FILTER (WHERE e.event = entry_event), count(*) FILTER (WHERE e.event = entry_event AND bounced),
			count(*) FILTER (WHERE e.event = entry_event AND bounced)::float8 / nullif(count(*) FILTER (WHERE e.event = entry_event), 0),
			count(*), count(*) FILTER (WHERE e.event = exit_event), count(*) FILTER (WHERE e.event = exit_event)::float8 / count(*),
			round(avg(touches) FILTER (WHERE e.event = entry_event), 9),
			round(avg(extract(epoch FROM ended_at - started_at)) FILTER (WHERE e.event = entry_event), 3),
			(percentile_disc(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM ended_at - started_at)) FILTER (WHERE e.event = entry_event))::float8,
			count(*) FILTER (WHERE e.event = entry_event AND session_number = 1), count(*) FILTER (WHERE e.event = entry_event AND session_number > 1)
		FROM $plain_sessions s JOIN (SELECT DISTINCT customer, session, event FROM plain.numbered) e ON e.customer = s.customer AND e.session = s.session_number
		GROUP BY e.event, s.channel});

	# Retention and life cycles for every period, both kinds.
	foreach my $period (qw(day week month quarter))
	{
		my $step = $period eq 'quarter' ? '3 months' : "1 $period";
		my $cells = $in_zone->(qq{
			WITH active AS (SELECT DISTINCT customer, date_trunc('$period', at AT TIME ZONE 'ZONE')::date AS period FROM plain.touches),
				first AS (SELECT customer, min(period) AS cohort, max(period) AS last FROM active GROUP BY customer),
				sizes AS (SELECT cohort, count(*) AS size FROM first GROUP BY cohort)
			SELECT s.cohort, (row_number() OVER (PARTITION BY s.cohort ORDER BY g))::int - 1 AS number, g::date AS period, s.size,
				(SELECT count(*) FROM first f WHERE f.cohort = s.cohort AND CONDITION) AS retained,
				(g + interval '$step') AT TIME ZONE 'ZONE' <= now() AS over
			FROM sizes s, generate_series(s.cohort::timestamp, (SELECT max(period) FROM active)::timestamp, '$step') g});
		my %condition = (
			in => 'EXISTS (SELECT FROM active a WHERE a.customer = f.customer AND a.period = g::date)',
			on_or_after => 'f.last >= g::date');

		foreach my $kind ('in', 'on_or_after')
		{
			my $query = "SELECT cohort, number, period_start, cohort_size, retained, rate, churn, period_over FROM cjm.retention_report('$map', '$period', kind => '$kind')";
			my $expected = $cells =~ s/CONDITION/$condition{$kind}/r;
			# Who comes later was there "in it or later" in every period before.
			my $over = $kind eq 'in' ? 'over' : 'NULL::boolean';

			next if $period eq 'day' && $zone =~ /York/;
			same("$zone: retention by the $period, $kind", $query,
				"SELECT cohort, number, period, size, retained, retained::float8 / size, CASE WHEN $over THEN 1 - retained::float8 / size END, $over FROM ($expected) c");
			same("$zone: the view retention", 'SELECT * FROM ' . $view->('retention'), $query) if $period eq 'month' && $kind eq 'in';
		}
		next if $period eq 'day';
		same("$zone: the view lifecycle", 'SELECT * FROM ' . $view->('lifecycle'), "SELECT period_start, new_customers, returning_customers, resurrected_customers, dormant_customers, active_customers,
			period_over FROM cjm.lifecycle_report('$map')") if $period eq 'month';
		same("$zone: life cycles by the $period", "SELECT period_start, new_customers, returning_customers, resurrected_customers, dormant_customers, active_customers
			FROM cjm.lifecycle_report('$map', '$period')", $in_zone->(qq{
			WITH active AS (SELECT DISTINCT customer, date_trunc('$period', at AT TIME ZONE 'ZONE')::date AS period FROM plain.touches),
				customers AS (SELECT customer, min(period) AS first FROM active GROUP BY customer),
				status AS (SELECT g::date AS period, c.first = g::date AS is_first, c.first < g::date AS known,
					EXISTS (SELECT FROM active a WHERE a.customer = c.customer AND a.period = g::date) AS now,
					EXISTS (SELECT FROM active a WHERE a.customer = c.customer AND a.period = (g - interval '$step')::date) AS before
				FROM customers c, generate_series((SELECT min(period) FROM active)::timestamp, (SELECT max(period) FROM active)::timestamp, '$step') g)
			SELECT period, count(*) FILTER (WHERE is_first), count(*) FILTER (WHERE now AND before), count(*) FILTER (WHERE now AND known AND NOT before),
				count(*) FILTER (WHERE before AND NOT now), count(*) FILTER (WHERE now)
			FROM status GROUP BY period}));
	}

	# Reports of a range of time.
	my ($from, $to) = run_sql($node, q{SELECT date_trunc('day', now()) - interval '60 days', now() - interval '3 days'}) =~ /(.*)\|(.*)/;
	my $range = "from_time => '$from', to_time => '$to'";
	my $ranged = "(SELECT DISTINCT ON (customer) * FROM plain.walks WHERE t1 >= '$from' AND t1 < '$to' ORDER BY customer, step DESC, reached, t1 DESC, t2, t3)";
	same("$zone: funnel_report of a range", "SELECT $steps FROM cjm.funnel_report('$map', $range)",
		"SELECT $counts, round(mean, 3) FROM (" . funnel_rows('', $ranged, "a.at >= '$from' AND a.at < '$to'") . ') f');
	same("$zone: drop_off_report of a range", "SELECT step, sum(customers + open_customers) FROM cjm.drop_off_report('$map', 'segment', $range) GROUP BY step",
		"SELECT step, count(*)::numeric FROM $ranged b WHERE step < 3 GROUP BY step");
	same("$zone: session_report of a range", "SELECT by_value, bucket_start, sessions, customers, new_sessions, bounces, mean_time_seconds::numeric(20,3),
			median_time_seconds, value::numeric(20,3) FROM cjm.session_report('$map', 'channel', 'week', $range)",
		$in_zone->("SELECT channel, date_trunc('week', started_at, 'ZONE'), count(*), count(DISTINCT customer), count(*) FILTER (WHERE session_number = 1),
			count(*) FILTER (WHERE bounced), avg(extract(epoch FROM ended_at - started_at))::numeric(20,3),
			(percentile_disc(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM ended_at - started_at)))::float8, sum(value)::numeric(20,3)
		FROM $plain_sessions s WHERE started_at >= '$from' AND started_at < '$to' GROUP BY 1, 2"));
	same("$zone: purchase_report of a range", "SELECT by_value, customers, purchases, repeat_customers, repeat_rate, value, average_order_value::numeric(20,6),
			mean_time_between_seconds::numeric(20,3), median_time_between_seconds FROM cjm.purchase_report('$map', 'segment', $range)", qq{
		SELECT segment, count(DISTINCT customer), count(*), count(DISTINCT customer) FILTER (WHERE k = 2),
			count(DISTINCT customer) FILTER (WHERE k = 2)::float8 / count(DISTINCT customer), sum(value), avg(value)::numeric(20,6),
			avg(extract(epoch FROM since))::numeric(20,3), (percentile_disc(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM since)) FILTER (WHERE since IS NOT NULL))::float8
		FROM (SELECT customer, value, row_number() OVER w AS k, at - lag(at) OVER w AS since FROM plain.touches WHERE event = 'd' AND at >= '$from' AND at < '$to'
			WINDOW w AS (PARTITION BY customer ORDER BY n)) p JOIN plain.segments USING (customer)
		GROUP BY segment});
	same("$zone: win_back_report", "SELECT step, customers, came_back, went_on, converted, median_away_seconds FROM cjm.win_back_report('$map', away => '3 days')", q{
		WITH gaps AS (SELECT customer, at AS left_at, lead(at, 1, 'infinity') OVER (PARTITION BY customer ORDER BY n) AS back_at FROM plain.touches),
			lapses AS (SELECT g.customer, g.left_at, nullif(g.back_at, 'infinity') AS back_at,
					(SELECT max(CASE WHEN t3 <= left_at THEN 3 WHEN t2 <= left_at THEN 2 WHEN t1 <= left_at THEN 1 END) FROM plain.walks w WHERE w.customer = g.customer) AS step
				FROM gaps g WHERE back_at > left_at + interval '72 hours'),
			first AS (SELECT DISTINCT ON (customer) * FROM lapses WHERE step > 0 ORDER BY customer, left_at)
		SELECT f.step, count(*), count(f.back_at), count(*) FILTER (WHERE b.step > f.step), count(*) FILTER (WHERE b.step = 3),
			(percentile_disc(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM f.back_at - f.left_at)) FILTER (WHERE f.back_at IS NOT NULL))::float8
		FROM first f JOIN plain.best b USING (customer)
		WHERE f.step < 3 AND (f.back_at IS NOT NULL OR f.left_at + interval '72 hours' < now()) GROUP BY f.step});

	# Each view reads the rows once, and groups them into journeys once.
	foreach my $name (qw(events journeys customers funnel funnel_by_segment funnel_by_week drop_off sessions bounce retention attribution))
	{
		# Scores compare customers, which takes a second pass.
		my $columns = $name eq 'customers' ? 'customer, step, stage, step_times, open, sessions, conversions, value, recency, frequency, monetary' : '*';
		my $plan = plan_of($node, 'SET max_parallel_workers_per_gather = 0', "SELECT $columns FROM " . $view->($name));
		my @scans = $plan =~ /Scan(?: using \S+)? on events\b/g;

		is(scalar @scans, 1, "$zone: $name is one pass over the rows");
	}
}

# From a large table in parallel, too.
run_sql($node, q{
	CREATE TABLE many AS SELECT c * 1000 + customer AS customer, at, event, channel, value FROM events, generate_series(1, 60) c;
	ANALYZE many;
	SELECT cjm.create_map('many', 'many', 'customer', 'at', 'event', 'a -> b | c -> d within 10 days', 'channel', 'value')});
my $parallel = 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2';
like(plan_of($node, $parallel, 'SELECT * FROM many.funnel'), qr/Parallel Seq Scan on many/, 'the rows of a map are read in parallel');
is(run_sql($node, "$parallel; SELECT md5(string_agg(f::text, '')) FROM many.funnel f"),
	run_sql($node, "SET max_parallel_workers_per_gather = 0; SELECT md5(string_agg(f::text, '')) FROM many.funnel f"), 'with the same result');
like(plan_of($node, 'CREATE INDEX ON many (customer)', 'SELECT * FROM many.customers WHERE customer = 2042'),
	qr/Index Scan.* on many|Bitmap Heap Scan on many/, 'one customer is found by an index of the source');

server_is_well($node);
done_testing();
