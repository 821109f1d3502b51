# Funnels over real events, against independent plain SQL.
#
# The data lies beside the project, in ../shared/data, or nowhere; then there
# is nothing to test.  What is known of it is in the README there.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use Test::More;

my $data = "$FindBin::RealBin/../../../shared/data";
plan skip_all => 'no ../shared/data' unless -d $data;

my $node = start_server('real_data');

run_sql($node, qq{
	CREATE TABLE shop (user_id bigint, event text, at timestamptz);
	COPY shop FROM PROGRAM 'gzip -dc $data/onlineshop.csv.gz' (FORMAT csv, HEADER);
	CREATE TABLE ab (user_id bigint, event text, at timestamptz, bucket text, value float8, transaction text);
	COPY ab FROM PROGRAM 'gzip -dc $data/onlineshop_ab.csv.gz' (FORMAT csv, HEADER);
	CREATE TABLE loans (case_id text, amount float8, registered text, event text, lifecycle text, resource text, at timestamptz);
	COPY loans FROM PROGRAM 'gzip -dc $data/loan_applications.csv.gz' (FORMAT csv, HEADER);
	CREATE TABLE shop_journeys AS SELECT user_id, journey_agg(at, event) AS journey FROM shop GROUP BY user_id;
	CREATE TABLE ab_journeys AS SELECT user_id, min(bucket) AS bucket, journey_agg(at, event) AS journey FROM ab GROUP BY user_id;
	CREATE TABLE loan_journeys AS SELECT case_id, journey_agg(at, event) AS journey FROM loans GROUP BY case_id;
	CREATE INDEX ON shop (user_id, event, at);
	CREATE INDEX ON loans (case_id, event, at);
	ANALYZE;
});

# Customers per step by funnel_agg, joined with commas.
sub steps
{
	my ($table, $funnel) = @_;

	return run_sql($node, "SELECT string_agg(customers::text, ',' ORDER BY step)
		FROM report((SELECT funnel_agg(journey, '$funnel') FROM $table))");
}

is(steps('shop_journeys', 'catalog -> cart -> payment_done'), '3611,1924,653', 'the published funnel of the online shop');

# Without a limit the earliest touchpoint that fits is the best, stage by stage.
is(steps('shop_journeys', 'catalog -> product1 | product2 -> cart -> payment_done'), run_sql($node, q{
	SELECT concat_ws(',', count(t1), count(t2), count(t3), count(t4))
	FROM (SELECT DISTINCT user_id FROM shop) u,
		LATERAL (SELECT min(at) AS t1 FROM shop s WHERE s.user_id = u.user_id AND event = 'catalog') a,
		LATERAL (SELECT min(at) AS t2 FROM shop s WHERE s.user_id = u.user_id AND event IN ('product1', 'product2') AND at >= t1) b,
		LATERAL (SELECT min(at) AS t3 FROM shop s WHERE s.user_id = u.user_id AND event = 'cart' AND at >= t2) c,
		LATERAL (SELECT min(at) AS t4 FROM shop s WHERE s.user_id = u.user_id AND event = 'payment_done' AND at >= t3) d
	}), 'catalog -> product1 | product2 -> cart -> payment_done, as plain SQL has it');

# Within an hour, with a repeated stage: every combination of four different rows.
my $four = q{
	WITH shop AS (SELECT *, row_number() OVER () AS id FROM shop)
	SELECT a.user_id, a.at AS t1, b.at AS t2, c.at AS t3, d.at AS t4
	FROM shop a
	LEFT JOIN shop b ON b.user_id = a.user_id AND b.event = 'cart' AND b.at BETWEEN a.at AND a.at + interval '1 hour'
	LEFT JOIN shop c ON c.user_id = a.user_id AND c.event = 'catalog' AND c.id <> a.id AND c.at BETWEEN b.at AND a.at + interval '1 hour'
	LEFT JOIN shop d ON d.user_id = a.user_id AND d.event = 'payment_done' AND d.at BETWEEN c.at AND a.at + interval '1 hour'
	WHERE a.event = 'catalog'};
my $return = 'catalog -> cart -> catalog -> payment_done within 1 hour';
is(steps('shop_journeys', $return), run_sql($node, qq{
	SELECT concat_ws(',', count(*), count(*) FILTER (WHERE step >= 2), count(*) FILTER (WHERE step >= 3), count(*) FILTER (WHERE step >= 4))
	FROM (SELECT user_id, max(1 + (t2 IS NOT NULL)::int + (t3 IS NOT NULL)::int + (t4 IS NOT NULL)::int) AS step FROM ($four) f GROUP BY user_id) u
	}), "$return, as plain SQL has it");

# The winning walk of those who completed it: earliest end, latest start, then each step as early as possible.
is(run_sql($node, qq{
	SELECT count(*) FROM (
		SELECT DISTINCT ON (user_id) user_id, ARRAY[t1, t2, t3, t4] AS times FROM ($four) f WHERE t4 IS NOT NULL
		ORDER BY user_id, t4, t1 DESC, t2, t3) f
	FULL JOIN (SELECT user_id, funnel_times(journey, '$return') AS times FROM shop_journeys WHERE funnel_step(journey, '$return') = 4) j
		USING (user_id)
	WHERE f.times IS DISTINCT FROM j.times}), '0', 'and its times');

# Many events of a loan application have the same time.
is(run_sql($node, q{
	SELECT count(*) > 1000 FROM (SELECT FROM loans GROUP BY case_id, at HAVING count(*) > 1) t}), 't', 'loan applications have ties');
is(steps('loan_journeys', 'A_SUBMITTED -> A_PREACCEPTED -> O_SENT -> O_SENT_BACK'), run_sql($node, q{
	SELECT concat_ws(',', count(t1), count(t2), count(t3), count(t4))
	FROM (SELECT DISTINCT case_id FROM loans) u,
		LATERAL (SELECT min(at) AS t1 FROM loans s WHERE s.case_id = u.case_id AND event = 'A_SUBMITTED') a,
		LATERAL (SELECT min(at) AS t2 FROM loans s WHERE s.case_id = u.case_id AND event = 'A_PREACCEPTED' AND at >= t1) b,
		LATERAL (SELECT min(at) AS t3 FROM loans s WHERE s.case_id = u.case_id AND event = 'O_SENT' AND at >= t2) c,
		LATERAL (SELECT min(at) AS t4 FROM loans s WHERE s.case_id = u.case_id AND event = 'O_SENT_BACK' AND at >= t3) d
	}), 'loan applications, as plain SQL has them');

# Two groups of the same shop, compared: rates by hand, the z-test by its formula.
my $buy = 'catalog -> cart -> payment_done';
is(run_sql($node, qq{
	WITH stats AS (
		SELECT (SELECT funnel_agg(journey, '$buy') FROM ab_journeys WHERE bucket = 'control') AS a,
			(SELECT funnel_agg(journey, '$buy') FROM ab_journeys WHERE bucket = 'test') AS b
	), counts AS (
		SELECT ra.step, ra.customers AS xa, lag(ra.customers) OVER w AS na, rb.customers AS xb, lag(rb.customers) OVER w AS nb
		FROM stats, report(a) ra JOIN LATERAL report(b) rb USING (step)
		WINDOW w AS (ORDER BY ra.step)
	)
	SELECT count(*)
	FROM stats, counts JOIN LATERAL compare(a, b) c USING (step)
	WHERE step > 1
		AND abs(c.difference - (xb::float8 / nb - xa::float8 / na)) < 1e-12
		AND c.difference BETWEEN c.difference_low AND c.difference_high
		AND abs(abs(c.difference) / sqrt((xa + xb)::float8 / (na + nb) * (1 - (xa + xb)::float8 / (na + nb)) * (1.0 / na + 1.0 / nb))
			- CASE WHEN c.p_value > 0.05 THEN least(1.959963984540054,
				abs(c.difference) / sqrt((xa + xb)::float8 / (na + nb) * (1 - (xa + xb)::float8 / (na + nb)) * (1.0 / na + 1.0 / nb)))
			  ELSE greatest(1.959963984540054,
				abs(c.difference) / sqrt((xa + xb)::float8 / (na + nb) * (1 - (xa + xb)::float8 / (na + nb)) * (1.0 / na + 1.0 / nb))) END) < 1e-12
	}), '2', 'compare: differences, intervals and p-values of an A/B test');
is(run_sql($node, qq{
	SELECT rollup(s) = (SELECT funnel_agg(journey, '$buy') FROM ab_journeys)
	FROM (SELECT bucket, funnel_agg(journey, '$buy') AS s FROM ab_journeys GROUP BY bucket) g}), 't', 'the two groups add up to the whole');

server_is_well($node);
done_testing();
