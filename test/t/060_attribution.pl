# Attribution against plain SQL that knows nothing of journeys: every model on
# random rows with ties, missing channels and several conversions, since the
# previous conversion and in lookbacks, per touchpoint and per session; the
# window function against the same; and real data where it is at hand.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use Test::More;

my $node = start_server('attribution');

# Minutes within a day, so that ties and sessions are common; a fifth are conversions, some of them at one time.
run_sql($node, q{
	CREATE TABLE events AS
	SELECT c AS customer, timestamptz '2026-01-01Z' + minutes * interval '1 minute' AS at,
		(ARRAY['buy', 'ad', 'mail', 'visit', 'zap'])[1 + r2 % 5] AS event,
		nullif((ARRAY['ads', 'email', 'direct', 'none', 'tv'])[1 + (r2 / 7) % 5], 'none') AS channel, nullif(r3 % 40, 0)::float8 AS value
	FROM generate_series(1, 700) c, generate_series(1, c % 23) i,
		LATERAL (SELECT (c * 7919 + i * 104729)::bigint AS seed) s,
		LATERAL (SELECT hashint8(seed) & 1048575 AS r1, hashint8(seed + 1) & 1048575 AS r2, hashint8(seed + 2) & 1048575 AS r3) r,
		LATERAL (SELECT CASE WHEN c % 3 = 0 THEN r1 % 8 WHEN c % 3 = 1 THEN r1 % 1440 ELSE (r1 % 12) * 29 + r2 % 3 END AS minutes) m;
	CREATE TABLE journeys AS SELECT customer, journey_agg(at, event, channel, value) AS journey FROM events GROUP BY customer;

	CREATE TABLE touches AS
	SELECT *, row_number() OVER (PARTITION BY customer ORDER BY at, event COLLATE "C", channel COLLATE "C" NULLS FIRST, value NULLS FIRST) AS n FROM events;
	CREATE TABLE visits AS
	SELECT *, sum(begins::int) OVER (PARTITION BY customer ORDER BY n) AS visit
	FROM (SELECT *, coalesce(at - lag(at) OVER (PARTITION BY customer ORDER BY n) > interval '30 minutes', true) AS begins FROM touches) t;
	CREATE TABLE bought AS
	SELECT customer, n AS conversion, at AS conversion_at, value,
		(SELECT max(b.at) FROM touches b WHERE b.customer = t.customer AND b.event = 'buy' AND b.at < t.at) AS previous_at
	FROM touches t WHERE event = 'buy';
	CREATE INDEX ON visits (customer);
	ANALYZE;
});
like(run_sql($node, q{SELECT concat_ws(' ', count(*), count(*) - count(DISTINCT (customer, conversion_at)) > 50,
		(SELECT count(*) FROM events WHERE channel IS NULL) > 500, (SELECT count(*) FROM bought b JOIN touches t ON t.customer = b.customer AND t.at = b.conversion_at
		AND t.event <> 'buy') > 100) FROM bought}), qr/^1\d{3} t t t$/, 'the rows have ties, missing channels and several conversions');

# The units of each conversion, and what each earns by a model.
sub plain_shares
{
	my ($model, $lookback, $per, $only_channels) = @_;
	my $window = defined $lookback ? "v.at >= b.conversion_at - interval '$lookback'" : 'v.at > coalesce(b.previous_at, \'-infinity\')';
	my $units = "SELECT b.customer, b.conversion, b.conversion_at, b.value, v.n, v.at, v.event, v.channel, v.visit
		FROM bought b JOIN visits v ON v.customer = b.customer AND v.at <= b.conversion_at AND NOT (v.event = 'buy' AND v.at = b.conversion_at) AND $window";
	my %share = (
		first_touch => '(k = 1)::int',
		last_touch => '(k = count)::int',
		last_non_direct => '(k = coalesce(max(k) FILTER (WHERE NOT direct) OVER w, count))::int',
		linear => '1.0 / count',
		time_decay => '0.5 ^ (extract(epoch FROM conversion_at - at)::float8 / 5400) / sum(0.5 ^ (extract(epoch FROM conversion_at - at)::float8 / 5400)) OVER w',
		position => 'CASE WHEN count = 1 THEN 1 WHEN count = 2 THEN CASE k WHEN 1 THEN 0.75 ELSE 0.25 END
			WHEN k = 1 THEN 0.6 WHEN k = count THEN 0.2 ELSE 0.2 / (count - 2) END');

	$units = "SELECT DISTINCT ON (customer, conversion, visit) customer, conversion, conversion_at, value, n, at, event, visit,
			(SELECT f.channel FROM visits f WHERE f.customer = u.customer AND f.visit = u.visit AND f.at <= u.conversion_at AND f.channel IS NOT NULL ORDER BY f.n LIMIT 1) AS channel
		FROM ($units) u ORDER BY customer, conversion, visit, n" if $per eq 'session';
	$units = "SELECT * FROM ($units) u WHERE channel IS NOT NULL" if $only_channels;
	return "SELECT *, $share{$model} AS share
		FROM (SELECT *, coalesce(channel, 'direct') = 'direct' AS direct, row_number() OVER (PARTITION BY customer, conversion ORDER BY n) AS k,
				count(*) OVER (PARTITION BY customer, conversion) AS count FROM ($units) u) u
		WINDOW w AS (PARTITION BY customer, conversion)";
}

# The rows of attribute.
sub plain_sql
{
	my $shares = plain_shares(@_);

	return "SELECT b.customer, b.conversion_at, s.at, s.event, s.channel, coalesce(s.share, 1)::float8 AS credit, b.value * coalesce(s.share, 1) AS value
		FROM bought b LEFT JOIN ($shares) s USING (customer, conversion) WHERE s.share IS NULL OR s.share > 0";
}

my $rounded = 'customer, conversion_at, at, event, channel, round(credit::numeric, 10) AS credit, round(value::numeric, 8) AS value';

foreach my $model (qw(first_touch last_touch last_non_direct linear time_decay position))
{
	foreach my $lookback (undef, '2 hours', '0')
	{
		foreach my $per ('touchpoint', 'session')
		{
			foreach my $only_channels (0, 1)
			{
				my $plain = plain_sql($model, $lookback, $per, $only_channels);
				my $arguments = "'buy', '$model', " . (defined $lookback ? "'$lookback'" : 'NULL')
					. ", '$per', half_life => '90 minutes', weights => '{0.6,0.2,0.2}', only_channels => " . ($only_channels ? 'true' : 'false');

				like(run_sql($node, "WITH v AS (SELECT $rounded FROM journeys, attribute(journey, $arguments)), p AS (SELECT $rounded FROM ($plain) p)
					SELECT (SELECT count(*) > 1000 FROM v), (SELECT count(*) FROM (TABLE v EXCEPT ALL TABLE p) d), (SELECT count(*) FROM (TABLE p EXCEPT ALL TABLE v) d)"),
					qr/^t\|0\|0$/, "$model, $per" . (defined $lookback ? ", in $lookback" : '') . ($only_channels ? ', channels only' : ''));
				next if $model =~ /touch/ || $only_channels;
				is(run_sql($node, "SELECT count(*) FILTER (WHERE abs(credit - 1) > 1e-14), count(*) FILTER (WHERE abs(value - whole) > 1e-13 * whole OR (value IS NULL) <> (whole IS NULL))
					FROM (SELECT a.customer, a.conversion_at, sum(a.credit) / b.n AS credit, sum(a.value) AS value, min(b.whole) AS whole
						FROM (SELECT j.customer, a.* FROM journeys j, attribute(journey, $arguments) a) a
							JOIN (SELECT customer, conversion_at, count(*) AS n, sum(value) AS whole FROM bought GROUP BY 1, 2) b USING (customer, conversion_at)
						GROUP BY a.customer, a.conversion_at, b.n) s"), '0|0', 'credits add up to 1, values to that of the conversion');
			}
		}

		# The window function: what each row has of the conversions of the next time, in equal parts among rows of one time.
		my $interval = defined $lookback ? "'$lookback'" : 'NULL';
		my $direct = "coalesce(channel, 'direct') = 'direct'";
		my $kind = $model eq 'last_non_direct' ? ', direct' : '';
		my $window = "SELECT customer, at, event, channel, value, $direct AS direct, attribution_credit(at, event = 'buy', '$model', $interval, $direct, '90 minutes', '{0.6,0.2,0.2}')
			OVER (PARTITION BY customer ORDER BY at) AS credit FROM events";

		like(run_sql($node, "WITH w AS (SELECT customer, at, event, channel, value, round(credit::numeric, 9) AS credit FROM ($window) w),
				l AS (SELECT customer, n, event, at, conversion_at, avg(share::float8) OVER (PARTITION BY customer, conversion, at$kind) AS share
					FROM (" . plain_shares($model, $lookback, 'touchpoint', 0) . ") s),
				p AS (SELECT t.customer, t.at, t.event, t.channel, t.value, CASE WHEN t.event = 'buy' THEN nullif(c.credit, 0)
						WHEN EXISTS (SELECT FROM bought b WHERE b.customer = t.customer AND b.conversion_at >= t.at) THEN coalesce(c.credit, 0) END AS credit
					FROM touches t LEFT JOIN (SELECT customer, n, round(sum(share)::numeric, 9) AS credit FROM l
						WHERE conversion_at = (SELECT min(b.conversion_at) FROM bought b WHERE b.customer = l.customer AND (b.conversion_at > l.at OR l.event <> 'buy' AND b.conversion_at = l.at))
						GROUP BY customer, n) c USING (customer, n))
			SELECT (SELECT count(credit) > 4000 FROM w), (SELECT count(*) FROM (TABLE w EXCEPT ALL TABLE p) d), (SELECT count(*) FROM (TABLE p EXCEPT ALL TABLE w) d)"),
			qr/^t\|0\|0$/, "the window function: $model" . (defined $lookback ? ", in $lookback" : ''));
	}
}

# What channels earn of several models at once is what the rows add up to.
my $settings = q{'3 hours', 'session', '30 minutes', '7 days', '{0.4,0.2,0.4}', '{direct}', false, '2026-01-01 02:00Z', '2026-01-01 10:00Z'};
is(run_sql($node, qq{WITH c AS (SELECT customer, c.model, c.channel, round(c.conversions::numeric, 9), round(c.value::numeric, 7)
			FROM (SELECT customer, rule_attribution(journey, 'buy', '{linear,first_touch,time_decay}', $settings) AS credits FROM journeys GROUP BY customer) s, unnest(s.credits) c),
		a AS (SELECT customer, m, a.channel, round(sum(a.credit)::numeric, 9), round(sum(a.value)::numeric, 7) FROM journeys, unnest(ARRAY['linear', 'first_touch', 'time_decay']) m,
			attribute(journey, 'buy', m, '3 hours', 'session') a WHERE a.conversion_at >= '2026-01-01 02:00Z' AND a.conversion_at < '2026-01-01 10:00Z' GROUP BY 1, 2, 3)
	SELECT (SELECT count(*) > 500 FROM c), (SELECT count(*) FROM (TABLE c EXCEPT ALL TABLE a) d), (SELECT count(*) FROM (TABLE a EXCEPT ALL TABLE c) d)}),
	't|0|0', 'rule_attribution gives the sums of attribute');

# Longer funnels: as many conversions as conversions() counts, at its times, each by a touchpoint of its own that the last stage can be.
foreach my $funnel ('ad -> buy', 'ad -> mail | visit -> buy within 2 hours', 'ad | buy -> buy', 'mail -> optional visit -> buy | zap -> optional ad', 'visit -> zap -> buy unordered within 3 hours',
	'buy -> buy -> buy', 'ad@ads -> *@email', '* -> buy strict', 'visit -> buy excluding zap')
{
	my %last = ('ad@ads -> *@email' => q{t.channel = 'email'}, 'mail -> optional visit -> buy | zap -> optional ad' => q{t.event IN ('buy', 'zap')},
		'visit -> zap -> buy unordered within 3 hours' => q{t.event IN ('visit', 'zap', 'buy')});
	my $matches = $last{$funnel} // q{t.event = 'buy'};

	is(run_sql($node, "SELECT count(*) FILTER (WHERE n <> wanted), sum(n) > 50 FROM (SELECT customer, conversions(journey, '$funnel') AS wanted,
			(SELECT count(*) FROM attribute(journey, '$funnel')) AS n FROM journeys) s"), '0|t', "$funnel: as many conversions as are counted");
	is(run_sql($node, "SELECT count(*) FROM (
			(SELECT customer, conversion_at, coalesce(value, -1), count(*) AS n FROM journeys, attribute(journey, '$funnel') GROUP BY 1, 2, 3)
			EXCEPT SELECT t.customer, t.at, coalesce(t.value, -1), g FROM (SELECT customer, at, value, count(*) AS n FROM touches t WHERE $matches GROUP BY 1, 2, 3) t, generate_series(1, t.n) g) d"),
		'0', "$funnel: each is a touchpoint that completes it");
}

# The map: the view and the report against the same plain SQL, all models in one query.
run_sql($node, q{SELECT create_map('shop', 'events', 'customer', 'at', 'event', 'buy', 'channel', 'value', 'customer % 3', session_gap => '20 minutes')});
my @models = qw(first_touch last_touch last_non_direct linear time_decay position);
foreach my $case (
	[ 'the view', q{SELECT NULL::text AS by_value, v.* FROM shop.attribution v WHERE model NOT IN ('markov', 'shapley')}, undef, 'touchpoint', 0, 'true', 'NULL::text' ],
	[ 'the report', q{SELECT * FROM attribution_report('shop')}, undef, 'touchpoint', 0, 'true', 'NULL::text' ],
	[ 'the report by segment, in two hours of a morning', q{SELECT * FROM attribution_report('shop', lookback => '2 hours', by => 'segment', only_channels => true,
		from_time => '2026-01-01 03:00Z', to_time => '2026-01-01 09:00Z')}, '2 hours', 'touchpoint', 1,
		q{conversion_at >= '2026-01-01 03:00Z' AND conversion_at < '2026-01-01 09:00Z'}, '(customer % 3)::text' ])
{
	my ($title, $query, $lookback, $per, $only_channels, $range, $by) = @$case;
	my $plain = join(' UNION ALL ', map {
		my $sql = plain_sql($_, $lookback, $per, $only_channels);
		$sql =~ s/5400/604800/g;
		$sql =~ s/0\.6 WHEN/0.4 WHEN/; $sql =~ s/THEN 0\.2 ELSE/THEN 0.4 ELSE/; $sql =~ s/0\.75 ELSE 0\.25/0.5 ELSE 0.5/;
		"SELECT $by AS by_value, '$_' AS model, channel, credit, value FROM ($sql) p WHERE $range" } @models);

	like(run_sql($node, "WITH p AS ($plain), cells AS (SELECT by_value, channel, model, coalesce(sum(credit), 0)::numeric AS conversions, coalesce(sum(value), 0)::numeric AS value
				FROM (SELECT by_value, channel, model, credit, value FROM p UNION ALL SELECT DISTINCT c.by_value, c.channel, m, 0, 0 FROM p c, unnest(string_to_array('@models', ' ')) m) a GROUP BY 1, 2, 3),
			s AS (SELECT *, conversions / sum(conversions) OVER w AS share, value / sum(value) OVER w AS value_share FROM cells WINDOW w AS (PARTITION BY by_value, model)),
			b AS (SELECT by_value, channel, model, round(conversions, 8), round(value, 6), round(share, 9), round(value_share, 9),
				round(share - max(share) FILTER (WHERE model = 'last_touch') OVER (PARTITION BY by_value, channel), 9) FROM s),
			a AS (SELECT by_value, channel, model, round(conversions::numeric, 8), round(value::numeric, 6), round(share::numeric, 9), round(value_share::numeric, 9), round(difference::numeric, 9) FROM ($query) q)
		SELECT (SELECT count(*) >= 24 FROM a), (SELECT count(*) FROM (TABLE a EXCEPT ALL TABLE b) d), (SELECT count(*) FROM (TABLE b EXCEPT ALL TABLE a) d)"), qr/^t\|0\|0$/, "$title as plain SQL has it");
}
is(run_sql($node, q{SELECT count(*) FROM (SELECT channel, model, round(conversions::numeric, 9) FROM attribution_report('shop', models => '{position,linear}', per => 'session', weights => '{1,2,3}')
		EXCEPT SELECT a.channel, m, round(sum(a.credit)::numeric, 9) FROM journeys, unnest(ARRAY['linear', 'position']) m, attribute(journey, 'buy', m, NULL, 'session', '20 minutes', weights => '{1,2,3}') a GROUP BY 1, 2) d}),
	'0', 'the report per session has the session gap of the map');
is(() = plan_of($node, 'SET max_parallel_workers_per_gather = 0', 'SELECT * FROM shop.attribution') =~ /Scan(?: using \S+)? on events\b/g, 1, 'the view is one pass over the rows');
is(run_sql($node, q{SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SELECT md5(string_agg(a::text, '')) FROM shop.attribution a}),
	run_sql($node, q{SET max_parallel_workers_per_gather = 0; SELECT md5(string_agg(a::text, '')) FROM shop.attribution a}), 'and the same in a parallel plan');
foreach my $model (qw(markov shapley))
{
	is(run_sql($node, qq{WITH v AS (SELECT channel, conversions, round(value, 6) FROM shop.attribution WHERE model = '$model'), m AS (SELECT c.channel, c.conversions, round(c.value::numeric, 6)
			FROM (SELECT ${model}_attribution(journey, 'buy') AS credits FROM journeys) s, unnest(s.credits) c)
		SELECT (SELECT count(*) FROM v), (SELECT count(*) FROM (TABLE v EXCEPT ALL TABLE m) d), (SELECT count(*) FROM (TABLE m EXCEPT ALL TABLE v) d)}), '5|0|0', "the view has $model");
}
run_sql($node, q{CREATE TABLE wide AS SELECT customer, at, event, 'c' || customer || event || value::int % 10 AS channel FROM events; SELECT create_map('wide', 'wide', 'customer', 'at', 'event', 'buy', 'channel')});
is(run_sql($node, q{SELECT count(DISTINCT channel) > 2048, count(*) FILTER (WHERE model = 'markov' AND coalesce(conversions, value, share, rank) IS NULL) = count(DISTINCT channel) + 1,
		count(*) FILTER (WHERE model <> 'markov' AND conversions IS NULL), count(value) FROM wide.attribution}), 't|t|0|0', 'with too many channels for it, it goes without Markov');
run_sql_fails($node, q{SELECT * FROM attribution_report('shop', models => '{linear,markov}')}, '22023', qr/data-driven models cannot be asked for here/, 'a report of a data-driven model');
run_sql($node, q{CREATE TABLE bare AS SELECT customer, at, event FROM events; SELECT create_map('bare', 'bare', 'customer', 'at', 'event', 'ad -> buy'); CREATE TABLE none (LIKE bare);
	SELECT create_map('none', 'none', 'customer', 'at', 'event', 'ad -> buy')});
is(run_sql($node, q{SELECT count(*), count(channel), count(value), count(*) FILTER (WHERE share = 1 AND rank = 1 AND difference = 0), count(value_share), (SELECT count(*) FROM none.attribution) FROM bare.attribution}),
	'8|0|0|8|0|0', 'a map without channels and values, and one without rows');

# Neither order nor splits of the rows matter, nor how the plan runs.
my $sum = q{SELECT md5(string_agg(a::text, '' ORDER BY a::text)) FROM (SELECT customer, attribute(journey, 'ad -> buy', 'time_decay', '1 day') AS a FROM };
is(run_sql($node, "$sum (SELECT customer, rollup(j) AS journey FROM (SELECT customer, journey_agg(at, event, channel, value ORDER BY value DESC, at DESC) AS j
		FROM events GROUP BY customer, hashint4(customer + extract(minute FROM at)::int) % 3) p GROUP BY customer) j) a"),
	run_sql($node, "$sum journeys) a"), 'order and splits of the rows do not matter');
my $parallel = 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0';
my $totals = q{SELECT rule_attribution(journey, 'ad | visit -> buy') FROM journeys};
like(plan_of($node, $parallel, $totals), qr/Partial Aggregate/, 'a parallel plan');
is(run_sql($node, "$parallel; $totals"), run_sql($node, "SET max_parallel_workers_per_gather = 0; $totals"), 'gives the same, to the last digit');
is(run_sql($node, q{SELECT rule_attribution(journey, 'ad | visit -> buy' ORDER BY hashint4(customer)) FROM journeys}), run_sql($node, $totals), 'and so does any order');
is(run_sql($node, q{SET work_mem = '64kB'; SELECT count(*), sum((credits[1]).conversions) FROM (SELECT rule_attribution(journey, 'buy', '{linear}', NULL, 'touchpoint', '30 minutes', '7 days', '{1,1,1}', '{}', false,
	'-infinity', 'infinity') AS credits FROM (SELECT c, ('{2026-01-01T10:00Z a@x' || c % 100 || ', 2026-01-02T10:00Z buy}')::journey AS journey FROM generate_series(1, 40000) c) j GROUP BY c) s}), '40000|40000', 'forty thousand groups');
is(run_sql($node, q{SELECT cardinality(rule_attribution(('{2026-01-01T10:00Z a@' || c || ', 2026-01-02T10:00Z buy}')::journey, 'buy')) FROM generate_series(1, 30000) c}), '180000', 'thirty thousand channels');

# Sizes: a million touchpoints of one conversion, a hundred thousand conversions, and all of it at one time; little memory for rows.
my $many = q{SELECT journey_agg(timestamptz '2026-01-01Z' + i * interval '1 second', CASE WHEN i = 1000000 THEN 'buy' ELSE 'ad' END, 'c' || i % 7, 1) AS journey FROM generate_series(1, 1000000) i};
foreach my $model (qw(linear time_decay position))
{
	is(run_sql($node, "SELECT count(*), abs(sum(credit) - 1) < 1e-9, max(credit) <= 0.4 FROM ($many) j, attribute(journey, 'buy', '$model', half_life => '12 hours')"), '999999|t|t', "a million touchpoints: $model");
}
is(run_sql($node, q{SET work_mem = '64kB'; SELECT count(*), sum(credit), sum(value) FROM (SELECT journey_agg(timestamptz '2026-01-01Z' + i / 2 * interval '1 second', CASE WHEN i % 2 = 0 THEN 'ad' ELSE 'buy' END, 'c', 1) AS journey
	FROM generate_series(0, 199999) i) j, attribute(journey, 'buy', 'linear', per => 'session')}), '100000|100000|100000', 'a hundred thousand conversions in one visit');
is(run_sql($node, q{SELECT c.conversions, c.value FROM (SELECT rule_attribution(journey, 'buy', '{last_touch}', NULL, 'touchpoint', '30 minutes', '7 days', '{1,1,1}', '{}', false, '-infinity', 'infinity') AS credits
	FROM (SELECT journey_agg('2026-01-01Z', CASE WHEN i % 2 = 0 THEN 'ad' ELSE 'buy' END, 'c', CASE WHEN i % 4 = 1 THEN 1 END) AS journey FROM generate_series(1, 200000) i) j) s, unnest(credits) c}), '100000|50000', 'all at one time');
is(run_sql($node, q{SET work_mem = '64kB'; SELECT count(c), count(*) - count(c), abs(sum(c) - 1000) < 1e-9 FROM (SELECT attribution_credit(at, i % 1000 = 0, 'linear', '5 minutes') OVER (ORDER BY at) AS c
	FROM (SELECT i, timestamptz '2026-01-01Z' + i * interval '1 second' AS at FROM generate_series(1, 1000500) i) r) w}), '999000|1500|t', 'a partition of a million rows');

# Real data, where it is at hand.
my $data = "$FindBin::RealBin/../../../shared/data";
SKIP:
{
	skip 'no ../shared/data', 5 unless -d $data;

	# A path without conversions joins no row, but since 19 its rows may be aggregated before they are joined.
	run_sql($node, qq{
		CREATE TABLE paths (path text, conversions int, value float8, nulls int);
		COPY paths FROM PROGRAM 'gzip -dc $data/channel_paths.csv.gz' (FORMAT csv, HEADER, DELIMITER ';');
		CREATE TABLE path_journeys AS
		SELECT journey_agg(timestamptz '2026-01-01Z' + t.n * interval '1 day', 'touch', t.channel) || journey_agg('2036-01-01Z', 'conversion', NULL, p.value / nullif(p.conversions, 0)) FILTER (WHERE t.n = 1) AS journey
		FROM (SELECT *, row_number() OVER () AS id FROM paths) p, generate_series(1, p.conversions) c,
			LATERAL regexp_split_to_table(p.path, ' > ') WITH ORDINALITY t(channel, n)
		GROUP BY p.id, c;
		CREATE TABLE ab (user_id bigint, event text, at timestamptz, bucket text, value float8, transaction text);
		COPY ab FROM PROGRAM 'gzip -dc $data/onlineshop_ab.csv.gz' (FORMAT csv, HEADER);
	});
	my $channels = sub { return run_sql($node, "SELECT string_agg(channel || ' ' || conversions, ', ' ORDER BY conversions DESC) FROM (SELECT channel, round(sum(credit)::numeric, $_[1]) AS conversions
		FROM path_journeys, attribute(journey, 'conversion', '$_[0]') GROUP BY channel ORDER BY 2 DESC LIMIT 3) s") };
	is($channels->('first_touch', 0), 'alpha 6308, iota 4606, eta 3164', 'channel paths: the published first touches');
	is($channels->('last_touch', 0), 'alpha 8447, eta 4167, iota 3355', 'channel paths: the published last touches');
	is($channels->('linear', 6), 'alpha 7574.718594, iota 3857.096221, eta 3539.951157', 'channel paths: the published linear credits');
	is(run_sql($node, q{SELECT round(sum(credit)::numeric, 6), round(sum(value)::numeric, 4), count(DISTINCT channel) FROM path_journeys, attribute(journey, 'conversion', 'linear')}),
		'19785.000000|74802.9716|12', 'channel paths: all conversions and their value');

	is(run_sql($node, q{
		WITH ours AS (SELECT a.event, round(sum(a.credit)::numeric, 6) AS credit, round(sum(a.value)::numeric, 4) AS value
				FROM (SELECT journey_agg(at, event, NULL, value) AS journey FROM ab GROUP BY user_id) j, attribute(journey, 'payment_done', 'linear') a GROUP BY a.event),
			bought AS (SELECT row_number() OVER () AS id, *, (SELECT max(p.at) FROM ab p WHERE p.user_id = b.user_id AND p.event = 'payment_done' AND p.at < b.at) AS previous
				FROM ab b WHERE event = 'payment_done'),
			units AS (SELECT b.id, a.event, b.value, count(a.event) OVER (PARTITION BY b.id) AS n FROM bought b LEFT JOIN ab a ON a.user_id = b.user_id AND a.at <= b.at
				AND a.at > coalesce(b.previous, '-infinity') AND NOT (a.event = 'payment_done' AND a.at = b.at)),
			plain AS (SELECT event, round(sum(1.0 / greatest(n, 1)), 6) AS credit, round(sum(value / greatest(n, 1))::numeric, 4) AS value FROM units GROUP BY event)
		SELECT (SELECT count(*) > 5 AND sum(value) > 1000 FROM ours), (SELECT count(*) FROM (TABLE ours EXCEPT ALL TABLE plain) d), (SELECT count(*) FROM (TABLE plain EXCEPT ALL TABLE ours) d)}),
		't|0|0', 'online shop: linear as plain SQL has it');
}

server_is_well($node);
done_testing();
