# Scores of surveys, purchases, channels and feedback against plain SQL that
# knows nothing of journeys, on random rows, in two time zones, whole and in
# parallel; and a map with spend through its life: rights, row security, dump
# and restore.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('map_economics', 'max_parallel_workers = 4', 'max_worker_processes = 8');
my $dir = $PostgreSQL::Test::Utils::tmp_check;
my $serial = 'SET max_parallel_workers_per_gather = 0';
my $parallel = 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 4';

#
# The aggregates
#

run_sql($node, q{
	CREATE TABLE answers AS
	SELECT i AS n, hashint4(i) & 31 AS g, CASE WHEN hashint4(i + 1) % 11 <> 0 THEN (hashint4(i + 2) & 65535) % 11 END AS nps,
		1 + (hashint4(i + 3) & 65535) % 5 AS csat, 1 + (hashint4(i + 4) & 65535) % 7 AS ces
	FROM generate_series(1, 20000) i;
	-- groups of every size, some with few answers and some with none
	DELETE FROM answers WHERE g < 8 AND n % 600 > g;
	DELETE FROM answers WHERE g = 0 AND n > (SELECT min(n) FROM answers WHERE g = 0);
	UPDATE answers SET nps = NULL WHERE g = 31;
	ALTER TABLE answers SET (parallel_workers = 4);
	ANALYZE answers;
});
my $scores = 'SELECT g, nps(nps), nps_interval(nps), csat(csat), csat_interval(csat), ces(ces), ces_interval(ces) FROM answers GROUP BY g';
my $plain_scores = q{
	SELECT g, CASE WHEN n > 0 THEN 100 * (p - d) / n END AS nps,
		CASE WHEN n > 0 THEN ARRAY[least(100 * (p - d) / n, greatest(-100, 100 * (m - z * se))), greatest(100 * (p - d) / n, least(100, 100 * (m + z * se)))] END AS nps_interval,
		s / c AS csat, ARRAY[((s / c + z * z / (2 * c)) - z * sqrt(s / c * (1 - s / c) / c + z * z / (4 * c * c))) / (1 + z * z / c),
			((s / c + z * z / (2 * c)) + z * sqrt(s / c * (1 - s / c) / c + z * z / (4 * c * c))) / (1 + z * z / c)] AS csat_interval,
		mean AS ces, deviation, c
	FROM (SELECT g, count(nps)::float8 AS n, count(*) FILTER (WHERE nps IN (9, 10))::float8 AS p, count(*) FILTER (WHERE nps <= 6)::float8 AS d,
			count(csat)::float8 AS c, count(*) FILTER (WHERE csat > 3)::float8 AS s, avg(ces)::float8 AS mean, stddev_samp(ces)::float8 AS deviation
		FROM answers GROUP BY g) a,
		LATERAL (SELECT 1.959963984540054::float8 AS z, (p - d) / (n + 3) AS m) b,
		LATERAL (SELECT sqrt(((p + d + 1.5) / (n + 3) - m * m) / (n + 3)) AS se) e};
is(run_sql($node, "$serial; SELECT count(*) > 20 AND min(p.c) = 1 AND max(p.c) > 500 AND count(*) FILTER (WHERE a.nps IS NULL) >= 1,
		count(*) FILTER (WHERE abs(a.nps - p.nps) > 1e-9 OR (a.nps IS NULL) <> (p.nps IS NULL) OR (a.nps_interval IS NULL) <> (p.nps IS NULL)
			OR abs(a.nps_interval[1] - p.nps_interval[1]) > 1e-9 OR abs(a.nps_interval[2] - p.nps_interval[2]) > 1e-9),
		count(*) FILTER (WHERE abs(a.csat - p.csat) > 1e-12 OR abs(a.csat_interval[1] - p.csat_interval[1]) > 1e-9 OR abs(a.csat_interval[2] - p.csat_interval[2]) > 1e-9),
		-- by the normal distribution where there are many, wider where there are few
		count(*) FILTER (WHERE abs(a.ces - p.ces) > 1e-12 OR a.ces_interval[2] - a.ces <= least(1.959963 * deviation / sqrt(p.c), 7 - a.ces) - 1e-9
			OR (p.c > 400 AND abs(a.ces_interval[2] - a.ces - 1.959964 * (1 + (1.959964 ^ 2 + 1) / (4 * (p.c - 1))) * deviation / sqrt(p.c)) > 1e-5)
			OR (a.ces_interval IS NULL) <> (p.c = 1) OR a.ces_interval[1] < 1 OR a.ces_interval[2] > 7)
	FROM ($scores) a JOIN ($plain_scores) p USING (g)"), 't|0|0|0', 'scores and intervals are those of plain SQL');
like(plan_of($node, $parallel, $scores), qr/Partial HashAggregate|Partial GroupAggregate/, 'scores are counted in parallel');
my $digest = "SELECT md5(string_agg(r::text, ',' ORDER BY g)) FROM ($scores) r";
my $whole = run_sql($node, "$serial; $digest");
is(run_sql($node, "$parallel; $digest"), $whole, 'with the same bytes');
is(run_sql($node, "$parallel; SET enable_hashagg = off; $digest"), $whole, 'and sorted');
run_sql($node, 'CREATE TABLE shuffled AS SELECT * FROM answers ORDER BY hashint4(n * 31); ALTER TABLE shuffled SET (parallel_workers = 3); ANALYZE shuffled');
is(run_sql($node, "$parallel; " . $digest =~ s/FROM answers/FROM shuffled/r), $whole, 'in any order');
run_sql($node, q{CREATE TABLE parts (LIKE answers) PARTITION BY LIST (g);
	CREATE TABLE part_1 PARTITION OF parts FOR VALUES IN (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11); CREATE TABLE part_2 PARTITION OF parts DEFAULT; INSERT INTO parts TABLE answers; ANALYZE parts});
is(run_sql($node, "$parallel; SET enable_partitionwise_aggregate = on; " . $digest =~ s/FROM answers/FROM parts/r), $whole, 'and of partitions');
is(run_sql($node, "$parallel; SELECT nps(nps), nps_interval(nps), csat(csat), ces(ces), ces_interval(ces) FROM answers WHERE n < 0"), '||||', 'parts of no rows are none');
run_sql_fails($node, "$parallel; SELECT nps(n) FROM answers", '22003', qr/a score of nps must be a whole number from 0 to 10, not \d+/, 'what is no score is an error in a worker too');

#
# Random rows against plain SQL
#

run_sql($node, q{
	CREATE TABLE events (customer int, at timestamptz, event text, channel text, value float8);
	INSERT INTO events
	SELECT c, timestamptz '2026-01-01Z' + minutes * interval '1 minute', event, nullif(nullif(channel, 'none'), 'x'),
		CASE WHEN event IN ('buy', 'order') THEN nullif(r3 % 9, 3) WHEN event IN ('nps', 'csat', 'ces') THEN nullif(r3 % 13 - 1, 11) + CASE WHEN r3 % 17 = 0 THEN 0.5 ELSE 0 END END
	FROM generate_series(1, 500) c, generate_series(1, 1 + c % 23) i,
		LATERAL (SELECT (c * 7919 + i * 104729)::bigint AS seed) s,
		LATERAL (SELECT hashint8(seed) & 1048575 AS r1, hashint8(seed + 1) & 1048575 AS r2, hashint8(seed + 2) & 1048575 AS r3) r,
		LATERAL (SELECT CASE WHEN r2 % 3 = 0 THEN r1 % 90000 ELSE (c * 331) % 80000 + r1 % 90 END AS minutes,
			(ARRAY['view', 'view', 'cart', 'buy', 'order', 'visit', 'nps', 'csat', 'ces', 'nps'])[1 + r2 % 10] AS event, (ARRAY['ads', 'email', 'none', '', 'tv'])[1 + r3 % 5] AS channel) e;
	-- one touchpoint at a time for each customer: what is the last one is then told by time alone
	DELETE FROM events a USING events b WHERE a.customer = b.customer AND a.at = b.at AND a.ctid > b.ctid;

	CREATE TABLE ad_spend AS
	SELECT CASE WHEN r % 71 > 0 THEN date '2025-12-28' + r % 80 END AS day, (ARRAY['ads', 'email', 'radio', '', NULL])[1 + r % 5] AS channel,
		nullif((r / 7) % 1000, 5) AS impressions, nullif((r / 11) % 40, 5)::bigint AS clicks, (nullif((r / 13) % 300, 5) / 4.0)::numeric(8,2) AS cost
	FROM generate_series(1, 400) i, LATERAL (SELECT hashint4(i) & 1048575 AS r) h;
	UPDATE ad_spend SET cost = 0 WHERE channel = 'radio' AND day < '2026-01-20';

	CREATE SCHEMA plain;
	CREATE TABLE plain.touches AS
	SELECT *, row_number() OVER (PARTITION BY customer ORDER BY at) AS n FROM (SELECT customer, at, event, nullif(channel, '') AS channel, value FROM events) e;
	CREATE TABLE plain.sessions AS
	SELECT customer, session, min(at) AS started_at, max(at) AS ended_at, (array_agg(channel ORDER BY n) FILTER (WHERE channel IS NOT NULL))[1] AS channel
	FROM (SELECT *, sum(begins::int) OVER (PARTITION BY customer ORDER BY n) AS session
		FROM (SELECT *, coalesce(at - lag(at) OVER (PARTITION BY customer ORDER BY n) > interval '30 minutes', true) AS begins FROM plain.touches) t) t
	GROUP BY customer, session;
	CREATE TABLE plain.purchases AS
	SELECT customer, at, value, coalesce(lag(at) OVER (PARTITION BY customer ORDER BY at), '-infinity') AS after FROM plain.touches WHERE event IN ('buy', 'order');
	-- The visits of which some touchpoint lies between a purchase and the one before it; each has its first channel up to the purchase.
	CREATE TABLE plain.visits AS
	SELECT p.customer, p.at AS conversion_at, p.value, v.at, v.channel, row_number() OVER w AS place, count(v.at) OVER (PARTITION BY p.customer, p.at) AS of
	FROM plain.purchases p LEFT JOIN LATERAL (
		SELECT min(t.at) FILTER (WHERE t.at > p.after AND t.at < p.at) AS at, (array_agg(t.channel ORDER BY t.at) FILTER (WHERE t.channel IS NOT NULL))[1] AS channel
		FROM plain.touches t JOIN plain.sessions s ON s.customer = t.customer AND t.at BETWEEN s.started_at AND s.ended_at
		WHERE t.customer = p.customer AND t.at <= p.at GROUP BY s.session HAVING bool_or(t.at > p.after AND t.at < p.at)) v ON true
	WINDOW w AS (PARTITION BY p.customer, p.at ORDER BY v.at);
	ANALYZE;
});
is(run_sql($node, q{SELECT count(*) > 500, count(*) FILTER (WHERE of > 1) > 50, count(*) FILTER (WHERE of = 0) > 10, count(DISTINCT customer) > 100 FROM plain.visits}), 't|t|t|t',
	'there are purchases of every kind');

# Both ways; the same row twice counts twice.
sub same
{
	my ($title, $view, $plain) = @_;

	like(run_sql($node, "WITH v AS ($view), p AS ($plain)
		SELECT (SELECT count(*) > 0 FROM v), (SELECT count(*) FROM (TABLE v EXCEPT ALL TABLE p) d), (SELECT count(*) FROM (TABLE p EXCEPT ALL TABLE v) d)"),
		qr/^t\|0\|0$/, $title);
	return;
}

my %credit = (
	first_touch => 'CASE WHEN of = 0 OR place = 1 THEN 1 ELSE 0 END',
	last_touch => 'CASE WHEN of = 0 OR place = of THEN 1 ELSE 0 END',
	linear => '1.0 / greatest(of, 1)');

# The touchpoints between a purchase and the one before it, as visits are.
run_sql($node, q{
	CREATE TABLE plain.pages AS
	SELECT p.customer, p.at AS conversion_at, p.value, t.at, t.channel, row_number() OVER w AS place, count(t.at) OVER (PARTITION BY p.customer, p.at) AS of
	FROM plain.purchases p LEFT JOIN plain.touches t ON t.customer = p.customer AND t.at > p.after AND t.at < p.at
	WINDOW w AS (PARTITION BY p.customer, p.at ORDER BY t.at)});

# Channels as a full join of what was spent with what came of it.  Rounded, since shares are added up in another order.
sub channels
{
	my ($units, $model, $bucket, $zone, $dated, $range) = @_;
	my $of = sub { my ($time) = @_; return $bucket eq 'all' ? q('all'::text) : "date_trunc('$bucket', $time AT TIME ZONE '$zone')::date::text" };
	my $in = sub { my ($time) = @_; return $range ? "$time >= timestamptz '$range->[0]' AND $time < timestamptz '$range->[1]'" : 'true' };
	my $time = $dated eq 'conversion' ? 'conversion_at' : 'coalesce(at, conversion_at)';
	my $day = "(day::timestamp AT TIME ZONE '$zone')";

	return qq{
		SELECT bucket, nullif(channel, '-') AS channel, impressions, clicks, round(clicks / nullif(impressions, 0)::numeric, 9), cost, round(cost / nullif(clicks, 0), 9),
			round(1000 * cost / nullif(impressions, 0), 9), coalesce(visits, 0), round(coalesce(conversions, 0), 6), round(nullif(cost, 0) / nullif(conversions, 0), 6),
			round(coalesce(revenue, 0), 6), round(coalesce(revenue, 0) / nullif(cost, 0), 6), round((coalesce(revenue, 0) - cost) / nullif(cost, 0), 6)
		FROM (SELECT } . $of->($day) . qq{ AS bucket, coalesce(nullif(channel, ''), '-') AS channel, sum(impressions) AS impressions, sum(clicks)::bigint AS clicks, sum(cost) AS cost
				FROM ad_spend WHERE day IS NOT NULL AND } . $in->($day) . qq{ GROUP BY 1, 2) spent
			FULL JOIN (SELECT } . $of->('started_at') . qq{ AS bucket, coalesce(channel, '-') AS channel, count(*) AS visits FROM plain.sessions WHERE } . $in->('started_at') . qq{ GROUP BY 1, 2) visited
				USING (bucket, channel)
			FULL JOIN (SELECT } . $of->($time) . qq{ AS bucket, coalesce(channel, '-') AS channel, sum($credit{$model}) AS conversions, sum($credit{$model} * value)::numeric AS revenue
				FROM plain.$units WHERE $credit{$model} > 0 AND } . $in->($time) . qq{ GROUP BY 1, 2) credited USING (bucket, channel)};
}
my $rounded = q{channel, impressions, clicks, round(ctr::numeric, 9), cost::numeric(12,2), round(cpc::numeric, 9), round(cpm::numeric, 9), visits, round(conversions::numeric, 6),
	round(cpa::numeric, 6), round(revenue::numeric, 6), round(roas::numeric, 6), round(roi::numeric, 6)};
# What costs nothing has no price.
sub no_price { return $_[0] =~ s/round\(cost \/ nullif\(clicks/round(nullif(cost, 0) \/ nullif(clicks/r =~ s/round\(1000 \* cost/round(1000 * nullif(cost, 0)/r }

foreach my $zone ('Europe/Riga', 'America/New_York')
{
	my $map = $zone =~ /Riga/ ? 'riga' : 'new york; "x"';
	my $schema = '"' . $map =~ s/"/""/gr . '"';

	run_sql($node, qq{SELECT cjm.create_map('$map', 'events', 'customer', 'at', 'event', 'view -> cart -> buy | order within 10 days', 'channel', 'value',
		time_zone => '$zone', spend => 'ad_spend', attribution => 'linear', nps => 'nps', csat => 'csat', ces => 'ces')});
	# Where a purchase alone is the funnel, each is a conversion.
	my $bought = $zone =~ /Riga/ ? 'bought in riga' : 'bought in new york';
	run_sql($node, qq{SELECT cjm.create_map('$bought', 'events', 'customer', 'at', 'event', 'buy | order', 'channel', 'value', time_zone => '$zone', spend => 'ad_spend', attribution => 'linear')});
	same("$zone: channels", qq{SELECT week::text, $rounded FROM "$bought".channels}, no_price(channels('pages', 'linear', 'week', $zone, 'conversion')));
	foreach my $model (sort keys %credit)
	{
		same("$zone: channels_report by $model", "SELECT 'all'::text, $rounded FROM cjm.channels_report('$bought', model => '$model')", no_price(channels('pages', $model, 'all', $zone, 'conversion')));
		same("$zone: channels_report of visits by $model", "SELECT 'all'::text, $rounded FROM cjm.channels_report('$bought', model => '$model', per => 'session')",
			no_price(channels('visits', $model, 'all', $zone, 'conversion')));
		foreach my $dated ('conversion', 'touchpoint')
		{
			same("$zone: by $model and month of the $dated, of a range",
				"SELECT (bucket_start AT TIME ZONE '$zone')::date::text, $rounded FROM cjm.channels_report('$bought', 'month', '2026-01-10 05:00Z', '2026-02-09 22:00Z', NULL, '$model', '$dated', 'session')",
				no_price(channels('visits', $model, 'month', $zone, $dated, [ '2026-01-10 05:00Z', '2026-02-09 22:00Z' ])));
		}
	}
	is(run_sql($node, "SELECT round(sum(conversions)::numeric, 6) = (SELECT count(*) FROM plain.purchases), round(sum(revenue)::numeric, 6) = (SELECT sum(value)::numeric FROM plain.purchases),
			sum(cost) = (SELECT sum(cost) FROM ad_spend WHERE day IS NOT NULL), sum(visits) = (SELECT count(*) FROM plain.sessions) FROM \"$bought\".channels"), 't|t|t|t', "$zone: nothing is lost and nothing comes twice");
	# Answers earn nothing.
	same("$zone: conversions of a longer funnel", "SELECT channel, round(conversions::numeric, 6) FROM cjm.channels_report('$map') WHERE conversions > 0",
		"SELECT a.channel, round(sum(a.credit)::numeric, 6)
		FROM (SELECT cjm.journey_agg(at, event, nullif(channel, ''), value) AS journey FROM events WHERE event NOT IN ('nps', 'csat', 'ces') GROUP BY customer) j,
			cjm.attribute(j.journey, 'view -> cart -> buy | order within 10 days', 'linear') a GROUP BY a.channel");
	# Revenue is of all purchases, whether they complete the funnel or not.
	same("$zone: revenue with a longer funnel", "SELECT channel, round(revenue, 6) FROM cjm.channels_report('$map') WHERE revenue <> 0",
		"SELECT a.channel, round(sum(a.value)::numeric, 6)
		FROM (SELECT cjm.journey_agg(at, event, nullif(channel, ''), value) AS journey FROM events WHERE event NOT IN ('nps', 'csat', 'ces') GROUP BY customer) j,
			cjm.attribute(j.journey, 'buy | order', 'linear') a GROUP BY a.channel HAVING round(sum(a.value)::numeric, 6) <> 0");

	same("$zone: what customers bought", "SELECT customer, last_purchase_at, recency, round(recency_days::numeric, 6), frequency, monetary, recency_score, frequency_score, monetary_score FROM $schema.customers", q{
		SELECT c.customer, p.last, now() - p.last, round(extract(epoch FROM now() - p.last) / 86400, 6), coalesce(p.number, 0), p.value,
			1 + 5 * (p.last_rank - 1) / p.buyers, 1 + 5 * (p.number_rank - 1) / p.buyers, CASE WHEN p.value IS NOT NULL THEN 1 + 5 * (p.value_rank - 1) / p.valued END
		FROM (SELECT DISTINCT customer FROM events) c LEFT JOIN (
			SELECT customer, last, number, value, (count(*) OVER ())::int AS buyers, (count(value) OVER ())::int AS valued, (rank() OVER (ORDER BY last))::int AS last_rank,
				(rank() OVER (ORDER BY number))::int AS number_rank, (rank() OVER (ORDER BY value NULLS LAST))::int AS value_rank
			FROM (SELECT customer, max(at) AS last, count(*) AS number, sum(value) AS value FROM plain.purchases GROUP BY customer) b) p USING (customer)});
	is(run_sql($node, "SELECT count(*) FROM $schema.customers v WHERE value IS DISTINCT FROM (SELECT sum(value) FROM plain.touches t WHERE t.customer = v.customer AND event NOT IN ('nps', 'csat', 'ces'))"),
		0, "$zone: a score is no money");

	# Walks of view -> cart -> buy | order, up to an answer and to the end; the time to go on runs from where the winning walk began.
	run_sql($node, q{
		DROP TABLE IF EXISTS plain.walks, plain.answers;
		CREATE TABLE plain.walks AS
		SELECT a.customer, a.at AS began, coalesce(d.at, b.at, a.at) AS ended, 1 + (b.at IS NOT NULL)::int + (d.at IS NOT NULL)::int AS step
		FROM plain.touches a
			LEFT JOIN LATERAL (SELECT NULL::timestamptz AS at UNION ALL SELECT at FROM plain.touches b WHERE b.customer = a.customer AND b.event = 'cart' AND b.at BETWEEN a.at AND a.at + interval '240 hours') b ON true
			LEFT JOIN LATERAL (SELECT NULL::timestamptz AS at UNION ALL SELECT at FROM plain.touches d WHERE d.customer = a.customer AND d.event IN ('buy', 'order') AND d.at BETWEEN b.at AND a.at + interval '240 hours') d ON true
		WHERE a.event = 'view';
		CREATE INDEX ON plain.walks (customer);
		CREATE TABLE plain.answers AS
		SELECT t.customer, t.event AS survey, t.value AS score, coalesce(w.step, 0) AS step, coalesce(e.step, 0) AS end_step, coalesce(w.began + interval '240 hours' < now(), true) AS decided,
			(SELECT b.event FROM plain.touches b WHERE b.customer = t.customer AND b.at < t.at AND b.event NOT IN ('nps', 'csat', 'ces') ORDER BY b.at DESC LIMIT 1) AS event,
			(t.event = 'nps' AND t.value >= 9) OR (t.event = 'csat' AND t.value >= 4) OR (t.event = 'ces' AND t.value >= 5) AS happy,
			(t.event = 'nps' AND t.value <= 6) OR (t.event = 'csat' AND t.value <= 2) OR (t.event = 'ces' AND t.value <= 3) AS unhappy
		FROM plain.touches t
			LEFT JOIN LATERAL (SELECT w.step, w.began FROM plain.walks w WHERE w.customer = t.customer AND w.ended <= t.at ORDER BY w.step DESC, w.ended, w.began DESC LIMIT 1) w ON true
			LEFT JOIN LATERAL (SELECT max(w.step) AS step FROM plain.walks w WHERE w.customer = t.customer) e ON true
		WHERE t.value = floor(t.value) AND ((t.event = 'nps' AND t.value BETWEEN 0 AND 10) OR (t.event = 'csat' AND t.value BETWEEN 1 AND 5) OR (t.event = 'ces' AND t.value BETWEEN 1 AND 7));
	}) if $zone =~ /Riga/;
	same("$zone: feedback", "SELECT step, stage, event, answers, nps_answers, nps, ARRAY[nps_low, nps_high], csat_answers, csat, csat_low, ces_answers, ces, ces_high, decided, dropped, drop_rate, unhappy, unhappy_drop_rate,
			happy, happy_drop_rate FROM $schema.feedback", q{
		SELECT step, (ARRAY['view', 'cart', 'buy'])[step], event, count(*), count(*) FILTER (WHERE survey = 'nps'), nps(score) FILTER (WHERE survey = 'nps'),
			coalesce(nps_interval(score) FILTER (WHERE survey = 'nps'), ARRAY[NULL, NULL]::float8[]), count(*) FILTER (WHERE survey = 'csat'),
			(count(*) FILTER (WHERE survey = 'csat' AND score >= 4))::float8 / nullif(count(*) FILTER (WHERE survey = 'csat'), 0), (csat_interval(score) FILTER (WHERE survey = 'csat'))[1],
			count(*) FILTER (WHERE survey = 'ces'), avg(score) FILTER (WHERE survey = 'ces'), (ces_interval(score) FILTER (WHERE survey = 'ces'))[2],
			count(*) FILTER (WHERE counts), count(*) FILTER (WHERE counts AND stays), (count(*) FILTER (WHERE counts AND stays))::float8 / nullif(count(*) FILTER (WHERE counts), 0),
			count(*) FILTER (WHERE counts AND unhappy), (count(*) FILTER (WHERE counts AND stays AND unhappy))::float8 / nullif(count(*) FILTER (WHERE counts AND unhappy), 0),
			count(*) FILTER (WHERE counts AND happy), (count(*) FILTER (WHERE counts AND stays AND happy))::float8 / nullif(count(*) FILTER (WHERE counts AND happy), 0)
		FROM (SELECT *, decided AND step < 3 AS counts, end_step = step AS stays FROM plain.answers) a GROUP BY step, event});
	is(run_sql($node, "SELECT sum(touches) FROM cjm.check_map('$map') WHERE finding = 'answer that is no score'"),
		run_sql($node, q{SELECT (SELECT count(*) FROM events WHERE event IN ('nps', 'csat', 'ces')) - (SELECT count(*) FROM plain.answers)}), "$zone: and the rest is told by check_map");

	# One pass over the rows, and over what was spent
	foreach my $name (qw(channels feedback))
	{
		my @scans = plan_of($node, $serial, "SELECT * FROM $schema.$name") =~ /Scan(?: using \S+)? on events\b/g;

		is(scalar @scans, 1, "$zone: $name is one pass over the rows");
	}
}

# Of a large table in parallel, too, and in little memory.
run_sql($node, q{
	CREATE TABLE many AS SELECT c * 1000 + customer AS customer, at, event, channel, value FROM events, generate_series(1, 40) c;
	ALTER TABLE many SET (parallel_workers = 3);
	ANALYZE many;
	SELECT cjm.create_map('many', 'many', 'customer', 'at', 'event', 'view -> cart -> buy | order within 10 days', 'channel', 'value', spend => 'ad_spend', nps => 'nps', csat => 'csat', ces => 'ces')});
foreach my $query ('SELECT week, channel, impressions, cost, visits, conversions, revenue, roi FROM many.channels', 'SELECT * FROM many.feedback',
	'SELECT customer, last_purchase_at, frequency, monetary, recency_score, frequency_score, monetary_score FROM many.customers')
{
	my $md5 = "SELECT count(*), md5(string_agg(q::text, ',' ORDER BY q::text)) FROM ($query) q";
	my $expected = run_sql($node, "$serial; $md5");

	is(run_sql($node, "$parallel; $md5"), $expected, 'in parallel: ' . substr($query, 0, 60));
	is(run_sql($node, "$serial; SET work_mem = '64kB'; $md5"), $expected, 'in little memory: ' . substr($query, 0, 60));
}
like(plan_of($node, 'CREATE INDEX ON many (customer)', 'SELECT customer, step, frequency, monetary FROM many.customers WHERE customer = 2042'),
	qr/^(?!.*Seq Scan on many).*(?:Index Scan|Bitmap Heap Scan).* on many/s, 'what one customer bought is found by an index of the source');

#
# Advertisements of Facebook, where they are at hand
#

my $ads = "$FindBin::RealBin/../../../shared/data/ads.csv";
SKIP:
{
	skip "no ../shared/data", 4 unless -e $ads;
	run_sql($node, qq{
		CREATE TABLE facebook (ad_id bigint, campaign text, fb_campaign_id bigint, age text, gender text, interest int, impressions bigint, clicks bigint, spent numeric, total_conversion int, approved_conversion int);
		COPY facebook FROM PROGRAM 'cat "$ads"' CSV HEADER;
		-- every approved conversion is a customer who saw the advertisement and bought
		CREATE TABLE bought AS
		SELECT ad_id || '-' || n AS customer, timestamptz '2026-03-04 12:00Z' + s * interval '1 minute' AS at, (ARRAY['seen', 'bought'])[s] AS event, campaign AS channel
		FROM facebook, generate_series(1, approved_conversion) n, generate_series(1, 2) s;
		CREATE VIEW facebook_spend AS SELECT date '2026-03-04' AS day, campaign AS channel, impressions, clicks, spent AS cost FROM facebook;
		SELECT cjm.create_map('facebook', 'bought', 'customer', 'at', 'event', 'seen -> bought', 'channel', spend => 'facebook_spend')});
	is(run_sql($node, 'SELECT sum(impressions), sum(clicks), round(sum(cost)::numeric, 2), sum(conversions) FROM facebook.channels'), '213434828|38165|58705.23|1079', 'the totals that the data are known by');
	same('CTR, CPC, CPM and CPA of each campaign', 'SELECT channel, week, round(ctr::numeric, 12), round(cpc::numeric, 9), round(cpm::numeric, 9), round(cpa::numeric, 9), conversions::bigint, revenue FROM facebook.channels', q{
		SELECT campaign, date '2026-03-02', round(sum(clicks) / sum(impressions), 12), round(sum(spent) / sum(clicks), 9), round(1000 * sum(spent) / sum(impressions), 9),
			round(sum(spent) / sum(approved_conversion), 9), sum(approved_conversion)::bigint, NULL::float8 FROM facebook GROUP BY campaign});
	is(run_sql($node, 'SELECT string_agg(channel, $$ $$) FROM facebook.channels'), '1178 916 936', 'three campaigns');
	is(run_sql($node, q{SELECT count(*) FROM cjm.check_map('facebook')}), 0, 'check_map has nothing to say of what was spent') or diag(run_sql($node, q{SELECT * FROM cjm.check_map('facebook')}));
}

#
# The life of a map with spend
#

run_sql($node, q{
	CREATE ROLE owner LOGIN;
	CREATE ROLE bi LOGIN;
	CREATE DATABASE shop OWNER owner;
	CREATE DATABASE restored OWNER owner});
my %owner = (database => 'shop', user => 'owner');
my %bi = (database => 'shop', user => 'bi');
run_sql($node, q~
	CREATE EXTENSION cjm;
	CREATE TABLE events (customer int, at timestamptz, event text, channel text, amount numeric);
	INSERT INTO events SELECT i % 40, timestamptz '2026-01-01Z' + (hashint4(i) & 4194303) * interval '1 s', (ARRAY['view', 'buy', 'nps; "x"'])[1 + i % 3], (ARRAY['ads', 'it''s "%s"; --'])[1 + i % 2], i % 11
	FROM generate_series(1, 900) i;
	CREATE TABLE "ad ""spend""; --" (day date, channel text, impressions int, clicks int, cost numeric);
	INSERT INTO "ad ""spend""; --" SELECT date '2026-01-01' + i, (ARRAY['ads', 'it''s "%s"; --'])[1 + i % 2], i, i, i FROM generate_series(0, 60) i;
	SELECT cjm.create_map('spent', 'events', 'customer', 'at', 'event', 'view -> buy', 'channel', 'amount', spend => '"ad ""spend""; --"', attribution => 'linear', nps => 'nps; "x"', time_zone => 'Asia/Kolkata');
	GRANT USAGE ON SCHEMA spent TO bi;
	GRANT SELECT ON spent.channels, spent.map TO bi;
~, %owner);

sub contents
{
	my (%options) = @_;

	return join "\n", map { run_sql($node, "SELECT '$_', count(*), md5(string_agg(v::text, E'\\n' ORDER BY v::text)) FROM spent.$_ v", %options) } qw(spend channels feedback map);
}
my $contents = contents(%owner);
is(run_sql($node, 'SELECT sum(cost) FROM spent.channels', %bi), 1830, 'a role sees what channels cost without seeing what was paid by the day');
run_sql_fails($node, "SELECT * FROM $_", '42501', qr/permission denied/, "and no $_", %bi) foreach '"ad ""spend""; --"', 'spent.spend', 'spent.feedback', q{cjm.channels_report('spent')};
run_sql($node, 'GRANT SELECT ON spent.spend, spent.journeys TO bi', %owner);
is(run_sql($node, q{SELECT sum(cost) FROM cjm.channels_report('spent')}, %bi), 1830, 'a report takes rights on spend and journeys');
run_sql($node, q{CREATE TABLE public.of_others AS TABLE "ad ""spend""; --"}, database => 'shop');
run_sql_fails($node, q{SELECT cjm.create_map('x', 'events', 'customer', 'at', 'event', 'view -> buy', 'channel', spend => 'of_others')}, '42501', qr/permission denied for table of_others/,
	'nobody makes a map of spend without a right to it', %owner);
is(run_sql($node, q{SELECT count(*) FROM pg_namespace WHERE nspname = 'x'}, %owner), 0, 'and nothing is left of it');

run_sql($node, q~
	CREATE TABLE secret AS SELECT *, CASE channel WHEN 'ads' THEN 'bi' ELSE 'else' END AS tenant FROM "ad ""spend""; --";
	ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
	CREATE POLICY own ON secret TO bi USING (tenant = current_user);
	GRANT SELECT ON secret, events TO bi;
	SELECT cjm.create_map('secured', 'events', 'customer', 'at', 'event', 'view -> buy', 'channel', 'amount', spend => 'secret');
	GRANT USAGE ON SCHEMA secured TO bi;
	GRANT SELECT ON ALL TABLES IN SCHEMA secured TO bi;
~, %owner);
is(run_sql($node, 'SELECT access FROM secured.map', %owner), 'reader', 'spend with row security is read by the reader');
is(run_sql($node, 'SELECT sum(cost) FROM secured.channels', %owner), 1830, 'the owner sees all');
is(run_sql($node, q{SELECT sum(cost) FROM secured.channels UNION ALL SELECT sum(cost) FROM cjm.channels_report('secured') UNION ALL SELECT sum(cost) FROM secured.spend}, %bi), "930\n930\n930",
	'a reader what the policy lets through');
run_sql($node, q{SELECT cjm.create_map('secured', 'events', 'customer', 'at', 'event', 'view -> buy', 'channel', 'amount', spend => 'secret', access => 'owner', replace => true)}, %owner);
is(run_sql($node, 'SELECT sum(cost) FROM secured.channels', %bi), 1830, 'with access by the owner all');
SKIP:
{
	skip 'no file_fdw', 1 unless run_sql($node, q{SELECT count(*) FROM pg_available_extensions WHERE name = 'file_fdw'}) eq '1';
	run_sql($node, qq{CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw; COPY "ad ""spend""; --" TO '$dir/spend.csv' CSV;
		CREATE FOREIGN TABLE as_file (day date, channel text, impressions int, clicks int, cost numeric) SERVER files OPTIONS (filename '$dir/spend.csv', format 'csv');
		GRANT SELECT ON as_file TO owner; GRANT pg_read_server_files TO owner}, database => 'shop');
	run_sql($node, q{SELECT cjm.create_map('filed', 'events', 'customer', 'at', 'event', 'view -> buy', 'channel', 'amount', spend => 'as_file')}, %owner);
	is(run_sql($node, 'SELECT sum(cost) FROM filed.channels', %owner), 1830, 'a foreign table is as good');
	run_sql($node, q{SELECT cjm.drop_map('filed')}, %owner);
	run_sql($node, 'DROP EXTENSION file_fdw CASCADE', database => 'shop');
}

my @as_owner = ('-U', 'owner', '-h', $node->host, '-p', $node->port);
command_ok([ 'pg_dump', @as_owner, '-f', "$dir/spent.sql", '-T', 'of_others', '--enable-row-security', 'shop' ], 'the owner dumps the database');
command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', @as_owner, '-d', 'restored', '-f', "$dir/spent.sql" ], 'and restores it');
my %restored = (database => 'restored', user => 'owner');
is(contents(%restored), $contents, 'a map with spend and feedback says the same after a restore');
is(run_sql($node, q{SELECT map, spend, attribution, nps FROM cjm.maps WHERE map::text = 'spent'}, %restored), q(spent|"ad ""spend""; --"|linear|nps; "x"), 'and is the same');
run_sql_fails($node, 'DROP TABLE "ad ""spend""; --"', '2BP01', qr/view spent\.(?:map|spend) depends on table "ad ""spend""; --"/, 'dropping what was spent is refused', %restored);
run_sql($node, 'ALTER TABLE "ad ""spend""; --" RENAME TO costs; ALTER TABLE costs RENAME day TO "on"; ALTER TABLE costs RENAME cost TO "price; --"', %restored);
is(run_sql($node, q{SELECT spend, (SELECT sum(cost) FROM spent.channels), (SELECT sum(cost) FROM cjm.channels_report('spent', bucket => 'month')) FROM spent.map}, %restored), 'costs|1830|1830', 'renaming is followed');
run_sql($node, q{SELECT cjm.drop_map('spent'); DROP TABLE costs}, %restored);

server_is_well($node);
done_testing();
