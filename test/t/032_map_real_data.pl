# Maps over real events, one call each, against what is known of the data and
# against plain SQL.
#
# The data lies beside the project, in ../shared/data, or nowhere; then there
# is nothing to test.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use Test::More;

my $data = "$FindBin::RealBin/../../../shared/data";
plan skip_all => 'no ../shared/data' unless -d $data;

my $node = start_server('map_real_data');

# Whether two queries have the same rows, and any.
sub same
{
	my ($title, $got, $expected) = @_;

	like(run_sql($node, "WITH v AS ($got), p AS ($expected)
		SELECT (SELECT count(*) > 0 FROM v), (SELECT count(*) FROM (TABLE v EXCEPT ALL TABLE p) d), (SELECT count(*) FROM (TABLE p EXCEPT ALL TABLE v) d)"),
		qr/^t\|0\|0$/, $title);
	return;
}

# Sessions by the gap rule, from rows of customer, at, event in whatever order within a time.
sub plain_sessions
{
	my ($touches) = @_;

	return qq{(SELECT customer, number, min(at) AS started_at, max(at) AS ended_at, count(*) AS touches,
			min(event) FILTER (WHERE first) AS entry_event, min(event) FILTER (WHERE last) AS exit_event
		FROM (SELECT *, lag(number) OVER w IS DISTINCT FROM number AS first, lead(number) OVER w IS DISTINCT FROM number AS last
			FROM (SELECT *, count(*) FILTER (WHERE begins) OVER (PARTITION BY customer ORDER BY at, event) AS number
				FROM (SELECT *, coalesce(at - lag(at) OVER (PARTITION BY customer ORDER BY at, event) > interval '30 minutes', true) AS begins FROM ($touches) t) t) t
			WINDOW w AS (PARTITION BY customer ORDER BY at, event)) t
		GROUP BY customer, number)};
}

# Online shop: a clickstream with a published funnel
run_sql($node, qq{
	CREATE TABLE shop (user_id bigint, event text, "timestamp" timestamp);
	COPY shop FROM PROGRAM 'gzip -dc $data/onlineshop.csv.gz' (FORMAT csv, HEADER);
	SELECT cjm.create_map('onlineshop', 'shop', 'user_id', 'timestamp', 'event', 'catalog -> cart -> payment_done', time_zone => 'Europe/Riga')});
is(run_sql($node, q{SELECT string_agg(customers::text, ', ' ORDER BY step) FROM onlineshop.funnel}), '3611, 1924, 653', 'online shop: the published funnel');
is(run_sql($node, q{SELECT concat_ws(' ', count(*), sum(touches), count(*) FILTER (WHERE converted)) FROM onlineshop.customers}), '3751 32283 653', 'its customers');
same('its sessions', 'SELECT customer, session_number, started_at, ended_at, touches, entry_event, exit_event, bounced, day FROM onlineshop.sessions', q{
	SELECT customer, number, started_at, ended_at, touches, entry_event, exit_event, touches = 1, (started_at AT TIME ZONE 'Europe/Riga')::date
	FROM } . plain_sessions(q{SELECT user_id AS customer, "timestamp" AT TIME ZONE 'Europe/Riga' AS at, event FROM shop}) . ' s');
same('where its customers stop', 'SELECT step, last_event, customers FROM onlineshop.drop_off', q{
	SELECT CASE WHEN cart IS NULL THEN 1 ELSE 2 END, last_event, count(*)
	FROM (SELECT user_id, min("timestamp") FILTER (WHERE event = 'catalog') AS catalog, (array_agg(event ORDER BY "timestamp" DESC, event DESC))[1] AS last_event FROM shop GROUP BY user_id) a,
		LATERAL (SELECT min("timestamp") AS cart FROM shop s WHERE s.user_id = a.user_id AND event = 'cart' AND "timestamp" >= catalog) b,
		LATERAL (SELECT min("timestamp") AS paid FROM shop s WHERE s.user_id = a.user_id AND event = 'payment_done' AND "timestamp" >= cart) c
	WHERE catalog IS NOT NULL AND paid IS NULL GROUP BY 1, 2});
same('and its weeks', 'SELECT week, customers FROM onlineshop.funnel_by_week WHERE step = 1',
	q{SELECT date_trunc('week', "timestamp")::date, count(DISTINCT user_id) FROM shop WHERE event = 'catalog' GROUP BY 1});
like(run_sql($node, q{SELECT string_agg(finding || ' ' || subject, ', ') FROM cjm.check_map('onlineshop')}), qr/event in no stage main.*event in no stage payment_choice/, 'events that its funnel does not ask for');

run_sql($node, q{
	CREATE INDEX ON shop (user_id, event, "timestamp");
	CREATE TABLE shop_reached AS
	SELECT user_id, catalog, cart, paid
	FROM (SELECT user_id, min("timestamp") FILTER (WHERE event = 'catalog') AS catalog FROM shop GROUP BY user_id) a,
		LATERAL (SELECT min("timestamp") AS cart FROM shop s WHERE s.user_id = a.user_id AND event = 'cart' AND "timestamp" >= catalog) b,
		LATERAL (SELECT min("timestamp") AS paid FROM shop s WHERE s.user_id = a.user_id AND event = 'payment_done' AND "timestamp" >= cart) c});
same('what its customers meet at each stage', 'SELECT step, event, customers, touches FROM onlineshop.touchpoints', q{
	SELECT step, event, count(DISTINCT user_id), count(*)
	FROM (SELECT user_id, event, coalesce(
			CASE WHEN event = 'catalog' AND "timestamp" = catalog THEN 1 WHEN event = 'cart' AND "timestamp" = cart THEN 2 WHEN event = 'payment_done' AND "timestamp" = paid THEN 3 END,
			CASE WHEN "timestamp" >= paid THEN 3 WHEN "timestamp" >= cart THEN 2 WHEN "timestamp" >= catalog THEN 1 END, 0) AS step
		FROM shop JOIN shop_reached USING (user_id)) s GROUP BY 1, 2});
same('where they stand', 'SELECT step, customers, round(share::numeric, 9) FROM onlineshop.stages', q{
	SELECT step, count(*), round(count(*) / 3751.0, 9) FROM (SELECT CASE WHEN paid IS NOT NULL THEN 3 WHEN cart IS NOT NULL THEN 2 WHEN catalog IS NOT NULL THEN 1 ELSE 0 END AS step FROM shop_reached) s GROUP BY 1});
same('what follows what', 'SELECT source, target, value, customers FROM onlineshop.transitions', q{
	SELECT source, target, count(*), count(DISTINCT user_id) FROM (
		SELECT user_id, event AS target, lag(event) OVER (PARTITION BY user_id ORDER BY "timestamp", event) AS source FROM shop) p WHERE source <> target GROUP BY 1, 2});
same('its paths', 'SELECT path, customers, converted FROM onlineshop.paths', q{
	SELECT string_agg(event, ' > ' ORDER BY n), customers, converted FROM (
		SELECT nodes, count(*) AS customers, count(paid) AS converted FROM (
			SELECT user_id, paid, array_agg(event ORDER BY n) AS nodes FROM (
				SELECT user_id, paid, event, row_number() OVER (PARTITION BY user_id ORDER BY "timestamp", event) AS n FROM (
					SELECT *, lag(event) OVER (PARTITION BY user_id ORDER BY "timestamp", event) AS before FROM shop JOIN shop_reached USING (user_id) WHERE paid IS NULL OR "timestamp" <= paid) b
				WHERE event IS DISTINCT FROM before) n
			WHERE n <= 10 GROUP BY user_id, paid) p GROUP BY nodes) g, unnest(nodes) WITH ORDINALITY e(event, n) GROUP BY nodes, customers, converted});
same('its funnel if every second one went on to the cart', q{SELECT step, new_customers FROM cjm.what_if('onlineshop', '{"cart": 0.5}')},
	'VALUES (1, 3611::float8), (2, 3611 * 0.5::float8), (3, 3611 * 0.5::float8 * (653::float8 / 1924))');
same('which step pays most', q{SELECT step, more_customers, round(more_converted::numeric, 6) FROM cjm.weakest_step('onlineshop', target => 0.6)},
	'VALUES (2, 3611 * (0.6::float8 - 1924::float8 / 3611), round((3611 * 0.6 - 1924) * 653 / 1924, 6)), (3, 1924 * (0.6::float8 - 653::float8 / 1924), round(1924 * 0.6 - 653, 6))');

# Loan applications: cases with many ties, an amount, refusals
run_sql($node, qq{
	CREATE TABLE loans (case_id text, amount_req numeric, reg_date timestamptz, event text, lifecycle text, resource text, "timestamp" timestamptz);
	COPY loans FROM PROGRAM 'gzip -dc $data/loan_applications.csv.gz' (FORMAT csv, HEADER);
	SELECT cjm.create_map('loans', 'public.loans', 'case_id', '"timestamp"', 'event', 'A_SUBMITTED -> A_PREACCEPTED -> offer: O_SENT -> O_SENT_BACK -> A_APPROVED',
		channel => 'resource', value => 'amount_req', segment => 'CASE WHEN amount_req < 10000 THEN ''small'' WHEN amount_req < 25000 THEN ''medium'' ELSE ''large'' END',
		filter => 'lifecycle = ''COMPLETE''', time_zone => 'Europe/Amsterdam');
	CREATE INDEX ON loans (case_id, event, "timestamp")});
my $steps = q{
	FROM (SELECT case_id, min(CASE WHEN amount_req < 10000 THEN 'small' WHEN amount_req < 25000 THEN 'medium' ELSE 'large' END) AS segment FROM loans GROUP BY case_id) u,
		LATERAL (SELECT min("timestamp") AS t1 FROM loans s WHERE s.case_id = u.case_id AND lifecycle = 'COMPLETE' AND event = 'A_SUBMITTED') a,
		LATERAL (SELECT min("timestamp") AS t2 FROM loans s WHERE s.case_id = u.case_id AND lifecycle = 'COMPLETE' AND event = 'A_PREACCEPTED' AND "timestamp" >= t1) b,
		LATERAL (SELECT min("timestamp") AS t3 FROM loans s WHERE s.case_id = u.case_id AND lifecycle = 'COMPLETE' AND event = 'O_SENT' AND "timestamp" >= t2) c,
		LATERAL (SELECT min("timestamp") AS t4 FROM loans s WHERE s.case_id = u.case_id AND lifecycle = 'COMPLETE' AND event = 'O_SENT_BACK' AND "timestamp" >= t3) d,
		LATERAL (SELECT min("timestamp") AS t5 FROM loans s WHERE s.case_id = u.case_id AND lifecycle = 'COMPLETE' AND event = 'A_APPROVED' AND "timestamp" >= t4) e};
is(run_sql($node, q{SELECT string_agg(customers::text, ',' ORDER BY step) FROM loans.funnel}), run_sql($node, "SELECT concat_ws(',', count(t1), count(t2), count(t3), count(t4), count(t5)) $steps"),
	'loan applications: the funnel');
same('by amount', 'SELECT segment, step, customers FROM loans.funnel_by_segment',
	"SELECT segment, n, count(t) $steps, LATERAL unnest(ARRAY[t1, t2, t3, t4, t5]) WITH ORDINALITY x(t, n) GROUP BY 1, 2");
is(run_sql($node, q{SELECT sum(customers) FILTER (WHERE step = 2), sum(open_customers) FROM loans.drop_off}), run_sql($node, "SELECT count(t2) - count(t3), 0 $steps"), 'and who stopped before an offer');

# CDNOW: purchases by date, a known cohort study
run_sql($node, qq{
	CREATE TABLE cdnow (customer_id int, date date, quantity int, amount numeric);
	COPY cdnow FROM PROGRAM 'gzip -dc $data/cdnow.csv.gz' (FORMAT csv, HEADER);
	SELECT cjm.create_map('cdnow', 'cdnow', 'customer_id', 'date', '''purchase''', 'first: purchase -> repeat: purchase', value => 'amount', time_zone => 'America/New_York')});
is(run_sql($node, q{SELECT string_agg(cohort || ' ' || cohort_size, ', ' ORDER BY cohort) FROM cdnow.retention WHERE number = 0}),
	'1997-01-01 7846, 1997-02-01 8476, 1997-03-01 7248', 'CDNOW: the published cohorts, by local dates');
is(run_sql($node, 'SELECT round(sum(value)::numeric, 2) FROM cdnow.customers'), '2500315.63', 'its revenue');
same('its retention', 'SELECT cohort, number, retained, rate, churn, period_over FROM cdnow.retention', q{
	SELECT f.cohort, n, count(DISTINCT c.customer_id), count(DISTINCT c.customer_id)::float8 / max(f.size), 1 - count(DISTINCT c.customer_id)::float8 / max(f.size), true
	FROM (SELECT customer_id, date_trunc('month', min(date))::date AS cohort, count(*) OVER (PARTITION BY date_trunc('month', min(date))) AS size FROM cdnow GROUP BY customer_id) f
		CROSS JOIN generate_series(0, 17) n
		LEFT JOIN cdnow c ON c.customer_id = f.customer_id AND date_trunc('month', c.date) = f.cohort + n * interval '1 month'
	WHERE f.cohort + n * interval '1 month' <= (SELECT max(date) FROM cdnow) GROUP BY 1, 2});
is(run_sql($node, q{SELECT customers, purchases, repeat_customers, round(value::numeric, 2), round(average_order_value::numeric, 6), round(mean_time_between_seconds::numeric) FROM cjm.purchase_report('cdnow')}),
	run_sql($node, q{SELECT count(DISTINCT customer_id), count(*), count(DISTINCT customer_id) FILTER (WHERE n = 2), sum(amount), round(avg(amount), 6),
			round(avg(extract(epoch FROM date::timestamp AT TIME ZONE 'America/New_York' - before::timestamp AT TIME ZONE 'America/New_York')))
		FROM (SELECT *, row_number() OVER w AS n, lag(date) OVER w AS before FROM cdnow WINDOW w AS (PARTITION BY customer_id ORDER BY date)) c}),
	'its repeat purchases, order value and time between purchases');
is(run_sql($node, 'SELECT customers FROM cdnow.funnel WHERE step = 2'), run_sql($node, 'SELECT count(*) FROM (SELECT FROM cdnow GROUP BY customer_id HAVING count(*) > 1) c'), 'who bought again, by the funnel');
same('its life cycles', 'SELECT period_start, new_customers, returning_customers, resurrected_customers, dormant_customers FROM cjm.lifecycle_report($$cdnow$$)', q{
	WITH active AS (SELECT DISTINCT customer_id, date_trunc('month', date)::date AS m, date_trunc('month', min(date) OVER (PARTITION BY customer_id))::date AS first FROM cdnow)
	SELECT m::date, (SELECT count(*) FROM active a WHERE a.m = g.m AND first = g.m),
		(SELECT count(*) FROM active a JOIN active b USING (customer_id) WHERE a.m = g.m AND b.m = g.m - interval '1 month'),
		(SELECT count(*) FROM active a WHERE a.m = g.m AND first < g.m AND NOT EXISTS (SELECT FROM active b WHERE b.customer_id = a.customer_id AND b.m = g.m - interval '1 month')),
		(SELECT count(*) FROM active a WHERE a.m = g.m - interval '1 month' AND NOT EXISTS (SELECT FROM active b WHERE b.customer_id = a.customer_id AND b.m = g.m))
	FROM generate_series('1997-01-01'::timestamp, (SELECT max(m) FROM active), '1 month') g(m)});

# Online retail: invoices, some of them cancelled, a map over a view
run_sql($node, qq{
	CREATE TABLE retail (invoice text, stock text, description text, quantity int, invoiced timestamp, price numeric, customer text, country text);
	COPY retail FROM PROGRAM 'gzip -dc $data/online_retail.csv.gz' (FORMAT csv, HEADER);
	CREATE VIEW invoices AS SELECT invoice, customer, min(invoiced) AS at, sum(quantity * price) AS value, min(country) AS country FROM retail GROUP BY invoice, customer;
	SELECT cjm.create_map('retail', 'invoices', 'customer', 'at', 'CASE WHEN invoice LIKE ''C%'' THEN ''cancellation'' ELSE ''purchase'' END', 'order: purchase -> refusal: cancellation within 30 days',
		value => 'value', segment => 'country', time_zone => 'Europe/London')});
is(run_sql($node, 'SELECT count(*) FROM retail.customers'), 4372, 'online retail: its customers');
is(run_sql($node, q{SELECT string_agg(customers::text, ',' ORDER BY step) FROM retail.funnel}), run_sql($node, q{
	SELECT concat_ws(',', count(DISTINCT p.customer), count(DISTINCT c.customer))
	FROM invoices p LEFT JOIN invoices c ON c.customer = p.customer AND c.invoice LIKE 'C%'
		AND (c.at AT TIME ZONE 'Europe/London') - (p.at AT TIME ZONE 'Europe/London') BETWEEN interval '0' AND interval '720 hours'
	WHERE p.invoice NOT LIKE 'C%' AND p.customer IS NOT NULL}), 'who cancelled within 30 days of a purchase');
same('by country', 'SELECT segment, customers FROM retail.funnel_by_segment WHERE step = 1', q{
	SELECT country, count(*) FILTER (WHERE bought) FROM (SELECT customer, (array_agg(country ORDER BY at, country))[1] AS country, bool_or(invoice NOT LIKE 'C%') AS bought
		FROM invoices WHERE customer IS NOT NULL GROUP BY customer) c GROUP BY 1});
is(run_sql($node, q{SELECT touches FROM cjm.check_map('retail') WHERE finding = 'no customer'}), run_sql($node, 'SELECT count(*) FROM invoices WHERE customer IS NULL'), 'invoices without a customer');
run_sql($node, q{SELECT cjm.create_map('retail', 'invoices', 'customer', 'at', 'CASE WHEN invoice LIKE ''C%'' THEN ''cancellation'' ELSE ''purchase'' END', 'purchase',
		value => 'value', segment => 'country', time_zone => 'Europe/London', replace => true)});
is(run_sql($node, q{SELECT customers, purchases, repeat_customers, round(value::numeric, 2) FROM cjm.purchase_report('retail', from_time => '2011-01-01Z', to_time => '2011-07-01 00:00+01')}),
	run_sql($node, q{SELECT count(*), sum(n), count(*) FILTER (WHERE n > 1), round(sum(v), 2) FROM (SELECT count(*) AS n, sum(value) AS v FROM invoices
		WHERE customer IS NOT NULL AND invoice NOT LIKE 'C%' AND at >= '2011-01-01' AND at < '2011-07-01' GROUP BY customer) c}), 'purchases of half a year');

# Web log: sessions of clients, what they begin and end with
run_sql($node, qq{
	CREATE TABLE weblog (client text, ts timestamptz, method text, url text, status int, bytes text, referrer text, user_agent text);
	COPY weblog FROM PROGRAM 'gzip -dc $data/weblog.csv.gz' (FORMAT csv, HEADER, NULL '');
	SELECT cjm.create_map('weblog', 'weblog', 'client', 'ts', 'split_part(url, ''?'', 1)', '"/" -> "/projects/xdotool/"')});
my $log = plain_sessions(q{SELECT client AS customer, ts AS at, split_part(url, '?', 1) AS event FROM weblog WHERE split_part(url, '?', 1) <> ''});
is(run_sql($node, 'SELECT count(*), count(DISTINCT customer), count(*) FILTER (WHERE bounced), sum(touches) FROM weblog.sessions'),
	run_sql($node, "SELECT count(*), count(DISTINCT customer), count(*) FILTER (WHERE touches = 1), sum(touches) FROM $log s"), 'web log: its sessions and bounces');
same('its bounce rates by entry page', 'SELECT event, sessions, bounces, bounce_rate, new_sessions FROM weblog.bounce WHERE sessions > 0',
	"SELECT entry_event, count(*), count(*) FILTER (WHERE touches = 1), count(*) FILTER (WHERE touches = 1)::float8 / count(*), count(*) FILTER (WHERE number = 1) FROM $log s GROUP BY 1");
same('its exit rates by page', 'SELECT event, exits, containing FROM weblog.bounce', qq{
	SELECT e.event, count(*) FILTER (WHERE e.event = s.exit_event), count(*)
	FROM (SELECT DISTINCT s.customer, s.number, s.exit_event, split_part(url, '?', 1) AS event FROM $log s JOIN weblog w ON w.client = s.customer AND w.ts BETWEEN s.started_at AND s.ended_at
		WHERE split_part(url, '?', 1) <> '') e, LATERAL (SELECT e.exit_event) s GROUP BY 1});
same('its visitors by day', q{SELECT bucket_start::date, sessions, new_sessions, returning_sessions FROM cjm.session_report('weblog', bucket => 'day')},
	"SELECT started_at::date, count(*), count(*) FILTER (WHERE number = 1), count(*) FILTER (WHERE number > 1) FROM $log s GROUP BY 1");

server_is_well($node);
done_testing();
