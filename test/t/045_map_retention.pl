# Retention and life cycles of a map against plain SQL that knows nothing of
# journeys, of random combinations of all that can be asked, on rows that end
# today: ties, midnights, weeks that start on any day, clocks that are put on and
# back, refunds, what is NULL, and times that stand for "never".

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use Test::More;

my $node = start_server('map_retention');

# Half of the rows lie within a minute of a local midnight, or on it.
run_sql($node, q{
	CREATE TABLE events (customer int, at timestamptz, event text, channel text, value float8, country text);
	INSERT INTO events
	SELECT nullif(c, 13), at, nullif(event, 'f'), nullif(channel, 'none'), nullif(value, 3), nullif(country, 'xx')
	FROM generate_series(1, 260) c, generate_series(1, 1 + c % 14) i,
		LATERAL (SELECT (c * 7919 + i * 104729)::bigint AS seed) s,
		LATERAL (SELECT hashint8(seed) & 1048575 AS r1, hashint8(seed + 1) & 1048575 AS r2, hashint8(seed + 2) & 1048575 AS r3, hashint8(seed + 3) & 1048575 AS r4) r,
		LATERAL (SELECT (ARRAY['a', 'a', 'b', 'b', 'c', 'd', 'd', 'x', 'f', ''])[1 + r2 % 10] AS event, (ARRAY['ads', 'email', 'none', ''])[1 + r3 % 4] AS channel,
			(ARRAY[10, 2.25, -4.5, 3, 0, 7])[1 + r4 % 6] AS value, (ARRAY['LV', 'EE', 'xx', 'LT'])[1 + (r3 / 7) % 4] AS country,
			CASE WHEN c % 41 = 5 AND i = 1 THEN '9999-12-31 23:59:59Z' WHEN r4 % 40 = 7 THEN NULL
				WHEN r1 % 2 = 0 THEN date_trunc('minute', now()) - (r1 % 260000) * interval '1 minute' - CASE WHEN c % 3 = 0 THEN interval '0' ELSE interval '90 days' END
				ELSE (date_trunc('day', now() AT TIME ZONE z.zone) - (r2 % 170) * interval '1 day') AT TIME ZONE z.zone
					+ (ARRAY[interval '0', '-1 microsecond', '1 microsecond', '-30 seconds', '0'])[1 + r3 % 5] END AS at
			FROM (SELECT (ARRAY['Europe/Riga', 'America/New_York', 'America/Sao_Paulo'])[1 + r4 % 3] AS zone) z) e;
	INSERT INTO events SELECT customer, at, event, channel, value, country FROM events WHERE hashint8(customer) & 7 = 0 AND at < '9999-01-01Z';
	CREATE SCHEMA plain;
	CREATE TABLE plain.touches AS
	SELECT t.*, s.segment, f.first_channel
	FROM (SELECT *, row_number() OVER (PARTITION BY customer ORDER BY at, event, channel NULLS FIRST, value NULLS FIRST) AS n
		FROM (SELECT customer, at, event, nullif(channel, '') AS channel, value, country FROM events WHERE customer IS NOT NULL AND at IS NOT NULL AND event <> '') e) t
		LEFT JOIN (SELECT DISTINCT ON (customer) customer, country AS segment FROM events
			WHERE customer IS NOT NULL AND at IS NOT NULL AND event <> '' AND country IS NOT NULL ORDER BY customer, at, country) s USING (customer)
		LEFT JOIN (SELECT DISTINCT ON (customer) customer, nullif(channel, '') AS first_channel FROM events
			WHERE customer IS NOT NULL AND at IS NOT NULL AND event <> '' AND channel <> '' ORDER BY customer, at, event, channel) f USING (customer);
	-- a -> b within 9 days, one after the other; what was taken at the time of the last is passed over.
	CREATE FUNCTION plain.completions(customer int) RETURNS SETOF timestamptz LANGUAGE plpgsql AS $$
	DECLARE
		since timestamptz := '-infinity';
		used bigint[] := '{}';
		walk record;
	BEGIN
		LOOP
			SELECT a.n AS a, b.n AS b, b.at INTO walk
			FROM plain.touches a JOIN plain.touches b ON b.customer = a.customer AND b.event = 'b' AND b.at BETWEEN a.at AND a.at + interval '216 hours'
			WHERE a.customer = completions.customer AND a.event = 'a' AND a.at >= since AND NOT ARRAY[a.n, b.n] && used
			ORDER BY b.at, a.at, a.n, b.n LIMIT 1;
			EXIT WHEN walk IS NULL;
			used := used || ARRAY[walk.a, walk.b];
			since := walk.at;
			RETURN NEXT walk.at;
		END LOOP;
	END $$;
	CREATE TABLE plain.done AS SELECT c.customer, d.at FROM (SELECT DISTINCT customer FROM plain.touches) c, LATERAL plain.completions(c.customer) d(at);
	CREATE INDEX ON plain.touches (customer);
	ANALYZE;
});
is(run_sql($node, q{SELECT count(*) > 1500, count(*) FILTER (WHERE at > now()) > 1, count(*) - count(DISTINCT (customer, at)) > 100,
	count(*) FILTER (WHERE at AT TIME ZONE 'Europe/Riga' = date_trunc('day', at AT TIME ZONE 'Europe/Riga')) > 100, (SELECT count(*) FROM plain.done) > 20 FROM plain.touches}),
	't|t|t|t|t', 'the rows have all that a report has to bear');

my @zones = ('Europe/Riga', 'America/New_York', 'America/Sao_Paulo');
foreach my $zone (@zones)
{
	run_sql($node, qq{SELECT cjm.create_map('$zone', 'events', 'customer', 'at', 'event', 'a -> b | c -> d within 10 days', 'channel', 'value', 'country',
		time_zone => '$zone', refusal => 'x')});
}

# Both ways, in one statement and so at one now(); the same row twice counts twice.
sub same
{
	my ($title, $report, $plain, $empty) = @_;
	my $answer = run_sql($node, "WITH v AS ($report), p AS ($plain)
		SELECT (SELECT count(*) FROM v), (SELECT count(*) FROM (TABLE v EXCEPT ALL TABLE p) d), (SELECT count(*) FROM (TABLE p EXCEPT ALL TABLE v) d)");

	like($answer, qr/^\d+\|0\|0$/, $title) or diag("$report\n$plain");
	return (split /\|/, $answer)[0];
}

# SQL: the first day of the period of a time, and by how many periods that is later than a date.
sub period_of
{
	my ($at, $unit, $shift, $zone) = @_;
	return "(date_trunc('$unit', $at AT TIME ZONE '$zone' - interval '$shift days') + interval '$shift days')::date";
}

sub periods_between
{
	my ($from, $to, $unit) = @_;
	my %days = (day => 1, week => 7);
	my %months = (month => 1, quarter => 3, year => 12);

	return "(($to - $from) / $days{$unit})" if $days{$unit};
	return "(((extract(year FROM $to) - extract(year FROM $from)) * 12 + extract(month FROM $to) - extract(month FROM $from))::int / $months{$unit})";
}

# What can be asked: each as [arguments, what the plain SQL needs].
my @weekdays = qw(monday tuesday wednesday thursday friday saturday sunday);
my %length = ('24 hours' => '1 day', '7 days' => '7 days', '28 days' => '28 days');
my %unit_of = ('24 hours' => 'day', '7 days' => 'week', '28 days' => 'month');
my %happens = (
	q('a') => q(SELECT customer, at FROM plain.touches WHERE event = 'a'),
	q('a | c@email') => q(SELECT customer, at FROM plain.touches WHERE event = 'a' OR event = 'c' AND channel = 'email'),
	q('d') => q(SELECT customer, at FROM plain.touches WHERE event = 'd'),
	q('*@ads') => q(SELECT customer, at FROM plain.touches WHERE channel = 'ads'),
	q('a -> b within 9 days') => q(SELECT customer, at FROM plain.done),
	q('nothing') => q(SELECT customer, at FROM plain.touches WHERE false),
	NULL => q(SELECT customer, at FROM plain.touches));
my %where = (
	NULL => 'true', q('{"segment": ["LV", null]}') => q((segment = 'LV' OR segment IS NULL)), q('{"first_channel": "ads"}') => q(first_channel = 'ads'),
	q('{"segment": ["EE", "LT"], "channel": ["email", null]}') => q((segment IN ('EE', 'LT') AND (first_channel = 'email' OR first_channel IS NULL))));

# The plain SQL of a question.
sub plain_retention
{
	my (%q) = @_;
	my $rolling = $length{ $q{period} };
	my $unit = $unit_of{ $q{period} } // $q{period};
	my $shift = $unit eq 'week' ? $q{shift} : 0;
	my $step = $unit eq 'quarter' ? '3 months' : "1 $unit";
	my $seconds = $rolling ? "extract(epoch FROM interval '$rolling')" : 0;
	my $number_of = $rolling ? "floor(extract(epoch FROM %s - m.s) / $seconds)::bigint" : periods_between('m.cohort', period_of('%s', $unit, $shift, $q{zone}), $unit);
	my $number = sub { return $number_of =~ s/%s/$_[0]/gr };
	my $brackets = $q{brackets} eq 'NULL' ? 'SELECT g AS lo, g + 1 AS hi FROM generate_series(0, c.last) g' :
	  "SELECT lo, lead(lo) OVER (ORDER BY lo) AS hi FROM unnest($q{brackets}\::int[]) lo";
	my $later = $q{kind} eq 'on_or_after';
	my $last = $rolling ? "greatest(floor(extract(epoch FROM least((SELECT max(at) FROM t), now()) - c.cohort::timestamp AT TIME ZONE '$q{zone}') / $seconds)::int, 0)"
	  : 'greatest(' . periods_between('c.cohort', period_of("least((SELECT max(at) FROM t), now())", $unit, $shift, $q{zone}), $unit) . ', 0)';
	my $begin = $rolling ? "(c.cohort + k.%s * interval '$rolling')::date" : "(c.cohort + k.%s * interval '$step')::date";
	my $over = $rolling ? "(c.cohort + interval '$step') AT TIME ZONE '$q{zone}' + k.hi * interval '24 hours' * extract(day FROM interval '$rolling')::int <= now()"
	  : "(c.cohort + k.hi * interval '$step') AT TIME ZONE '$q{zone}' <= now()";
	my $in = $later ? 'k.lo <= r.number' : 'k.lo <= r.number AND (r.number < k.hi OR k.hi IS NULL)';

	return qq{
		WITH t AS MATERIALIZED (SELECT *, $q{label} AS label FROM plain.touches WHERE $where{$q{where}}),
		starts AS (SELECT s.customer, s.at FROM ($happens{$q{starts}}) s WHERE s.customer IN (SELECT customer FROM t)),
		chosen AS (} . ($q{every} eq 'true' ? "SELECT * FROM starts WHERE at >= '$q{from}' AND at < '$q{to}'" :
		"SELECT * FROM (SELECT customer, min(at) AS at FROM starts GROUP BY customer) f WHERE at >= '$q{from}' AND at < '$q{to}'") . qq{),
		m AS MATERIALIZED (SELECT c.customer, (SELECT label FROM t WHERE t.customer = c.customer LIMIT 1) AS label, } . period_of('c.at', $unit, $shift, $q{zone}) . qq{ AS cohort, min(c.at) AS s
			FROM chosen c GROUP BY 1, 2, 3),
		r AS MATERIALIZED (SELECT m.customer, m.label, m.cohort, } . $number->('r.at') . qq{ AS number FROM m JOIN ($happens{$q{returns}}) r ON r.customer = m.customer AND r.at >= m.s),
		p AS MATERIALIZED (SELECT m.label, m.cohort, } . $number->('p.at') . qq{ AS number, p.value, p.event = 'd' AND coalesce(p.value, 0) >= 0 AS bought
			FROM m JOIN plain.touches p ON p.customer = m.customer AND p.at >= m.s AND (p.event = 'd' OR p.event = 'x' AND p.value < 0)),
		cohorts AS (SELECT c.*, $last AS last FROM (SELECT label, cohort, count(*) AS size FROM m GROUP BY 1, 2) c),
		cells AS (SELECT c.label, c.cohort, c.size, k.lo, k.hi, } . ($begin =~ s/%s/lo/r) . ' AS period_start, ' . ($begin =~ s/%s/hi/r) . qq{ AS period_end,
				} . ($later ? 'NULL::boolean' : "CASE WHEN k.hi IS NOT NULL THEN $over END") . qq{ AS over
			FROM cohorts c, LATERAL ($brackets) k WHERE k.lo <= c.last),
		retained AS (SELECT label, cohort, lo, count(*) AS customers FROM (
				SELECT r.label, r.cohort, k.lo, r.customer FROM r JOIN cells k ON k.cohort = r.cohort AND k.label IS NOT DISTINCT FROM r.label AND $in
				GROUP BY 1, 2, 3, 4 HAVING count(*) >= $q{at_least}) x GROUP BY 1, 2, 3),
		money AS (SELECT k.label, k.cohort, k.lo, sum(r.value::numeric) AS net, sum(r.value::numeric) FILTER (WHERE r.bought) AS gross, count(*) FILTER (WHERE r.bought) AS purchases,
				count(*) FILTER (WHERE NOT r.bought) AS refunds
			FROM p r JOIN cells k ON k.cohort = r.cohort AND k.label IS NOT DISTINCT FROM r.label AND $in GROUP BY 1, 2, 3)
		SELECT k.cohort, k.lo, k.period_start, k.size, coalesce(r.customers, 0) AS retained, coalesce(r.customers, 0)::float8 / k.size AS rate,
			CASE WHEN k.over THEN 1 - coalesce(r.customers, 0)::float8 / k.size END AS churn, k.over, k.label, k.period_end, } . ($q{value} eq 'true' ?
		'coalesce(o.net, 0), coalesce(o.gross, 0), round((coalesce(o.net, 0) / nullif(z.net, 0))::numeric, 9), coalesce(o.purchases, 0), coalesce(o.refunds, 0)' :
		'NULL::numeric, NULL::numeric, NULL::numeric, NULL::bigint, NULL::bigint') . q{
		FROM cells k LEFT JOIN retained r ON r.cohort = k.cohort AND r.label IS NOT DISTINCT FROM k.label AND r.lo = k.lo
			LEFT JOIN money o ON o.cohort = k.cohort AND o.label IS NOT DISTINCT FROM k.label AND o.lo = k.lo
			LEFT JOIN money z ON z.cohort = k.cohort AND z.label IS NOT DISTINCT FROM k.label AND z.lo = 0};
}

srand(20);
my $one_of = sub { return $_[int rand @_] };
my ($from, $to) = run_sql($node, q{SELECT date_trunc('day', now()) - interval '150 days', now() - interval '20 days'}) =~ /(.*)\|(.*)/;
my $cells = 0;
my @lists = sort keys %happens;

foreach my $try (1 .. 150)
{
	my $ranged = rand() < 0.4;
	my $shift = int rand 7;
	my %q = (
		zone => $one_of->(@zones), period => $one_of->('day', 'week', 'week', 'month', 'month', 'quarter', 'year', '24 hours', '7 days', '28 days'),
		kind => $one_of->('in', 'in', 'on_or_after'), shift => $shift, from => $ranged ? $from : '-infinity', to => $ranged ? $to : 'infinity',
		by => $one_of->('NULL', q('segment'), q('first_channel')), where => $one_of->(sort keys %where), starts => $one_of->('NULL', @lists), every => $one_of->('true', 'false'),
		returns => $one_of->('NULL', @lists), at_least => $one_of->(1, 1, 1, 2, 3),
		brackets => $one_of->('NULL', 'NULL', q('{0,1,3,7,14,30}'), q('{0}'), q('{1,2,40}')), value => $one_of->('true', 'false'));

	$q{label} = $q{by} eq 'NULL' ? 'NULL::text' : $q{by} =~ s/'//gr;
	my $call = "cjm.retention_report('$q{zone}', '$q{period}', from_time => '$q{from}', to_time => '$q{to}', kind => '$q{kind}', by => $q{by}, where_is => $q{where}, starts => $q{starts},"
	  . " every_start => $q{every}, returns => $q{returns}, at_least => $q{at_least}, brackets => $q{brackets}, week_starts => '$weekdays[$shift]', value => $q{value})";

	$cells += same("retention $try: $call", "SELECT cohort, number, period_start, cohort_size, retained, rate, churn, period_over, by_value, period_end, net_value, gross_value,
		round(value_rate::numeric, 9), purchases, refunds FROM $call", plain_retention(%q));
}
ok($cells > 20000, "of $cells cells");

# Life cycles: active or not in each period.
foreach my $try (1 .. 30)
{
	my $zone = $one_of->(@zones);
	my $unit = $one_of->('day', 'week', 'month', 'quarter', 'year');
	my $shift = $unit eq 'week' ? int rand 7 : 0;
	my $step = $unit eq 'quarter' ? '3 months' : "1 $unit";
	my $by = $one_of->('NULL', q('segment'), q('first_channel'));
	my $label = $by eq 'NULL' ? 'NULL::text' : $by =~ s/'//gr;
	my $where = $one_of->(sort keys %where);
	my $active = $one_of->('NULL', q('a'), q('a | c@email'), q('*@ads'));
	my $range = rand() < 0.3;
	my $call = "cjm.lifecycle_report('$zone', '$unit', by => $by, where_is => $where, active => $active, week_starts => '$weekdays[$shift]'" . ($range ? ", from_time => '$from', to_time => '$to'" : '') . ')';

	same("life cycles $try: $call", "SELECT period_start, new_customers, returning_customers, resurrected_customers, dormant_customers, active_customers, period_over, by_value FROM $call", qq{
		WITH t AS MATERIALIZED (SELECT *, $label AS label FROM plain.touches WHERE $where{$where}),
			active AS MATERIALIZED (SELECT DISTINCT t.customer, t.label, } . period_of('a.at', $unit, $shift, $zone) . qq{ AS period FROM t JOIN ($happens{$active}) a ON a.customer = t.customer),
			customers AS (SELECT customer, label, min(period) AS first FROM active GROUP BY 1, 2),
			series AS (SELECT g::date AS period FROM generate_series((SELECT min(period) FROM active)::timestamp, (SELECT } . period_of('least(max(at), now())', $unit, $shift, $zone) . qq{ FROM t)::timestamp, '$step') g),
			labels AS (SELECT DISTINCT label FROM t),
			status AS (SELECT c.label, s.period, c.first = s.period AS is_first, c.first < s.period AS known, n.customer IS NOT NULL AS now, b.customer IS NOT NULL AS before
				FROM customers c CROSS JOIN series s LEFT JOIN active n ON n.customer = c.customer AND n.period = s.period
					LEFT JOIN active b ON b.customer = c.customer AND b.period = (s.period - interval '$step')::date)
		SELECT s.period, count(*) FILTER (WHERE x.is_first), count(*) FILTER (WHERE x.now AND x.before), count(*) FILTER (WHERE x.now AND x.known AND NOT x.before),
			count(*) FILTER (WHERE x.before AND NOT x.now), count(*) FILTER (WHERE x.now), (s.period + interval '$step') AT TIME ZONE '$zone' <= now(), l.label
		FROM series s CROSS JOIN labels l LEFT JOIN status x ON x.period = s.period AND x.label IS NOT DISTINCT FROM l.label
		WHERE s.period::timestamp AT TIME ZONE '$zone' >= '} . ($range ? $from : '-infinity') . "' AND s.period::timestamp AT TIME ZONE '$zone' < '" . ($range ? $to : 'infinity') . q{'
		GROUP BY s.period, l.label});
}

server_is_well($node);
done_testing();
