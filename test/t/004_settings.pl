# No setting changes the text of a value or an answer, and text that was
# written under one setting reads back equal under every other.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use Test::More;

my $node = start_server('settings');

run_sql($node, q~
	CREATE TABLE source (customer int, at timestamptz, event text, channel text, value float8);
	INSERT INTO source
	SELECT customer, timestamptz '2026-03-28 22:00Z' + (hashint4(i + customer) & 65535) * interval '0.977001 seconds',
		(ARRAY['view', 'add to cart', 'оплата', '01/02/2026', E'tab\tand\nline', 'back\slash', '}', '"'])[1 + (hashint4(i * 64 + customer) & 7)],
		(ARRAY['email', NULL, 'paid search'])[1 + (hashint4(i * 65 + customer) & 1023) % 3],
		(ARRAY[NULL, 0.1, 1.1, -2.5e-300, 'NaN', 'Infinity', '-Infinity', 1e17, 0.1::float8 + 0.2::float8, 1234567.891])[1 + (hashint4(i * 66 + customer) & 1023) % 10]
	FROM generate_series(1, 50) customer, generate_series(1, 10) i;
	INSERT INTO source VALUES (51, '4714-11-24 00:00:00+00 BC', 'first', NULL, NULL), (51, '294276-12-31 23:59:59.999999Z', 'last', NULL, NULL),
		(51, '0044-03-15 12:00Z BC', 'ides', NULL, NULL), (51, '1883-11-18 12:00Z', 'noon', NULL, NULL);

	CREATE TABLE journeys AS SELECT customer, journey_agg(at, event, channel, value) AS journey FROM source GROUP BY customer;
	CREATE TABLE funnels AS SELECT n, funnel::funnel FROM unnest(ARRAY[
		'view -> "add to cart" | оплата -> "01/02/2026" within 7 days', 'a: view@email -> b: *@"paid search" within 1.5 hours',
		'view -> optional * [90 min] -> оплата within 36 hours excluding "}"', 'first -> last']) WITH ORDINALITY f (funnel, n);
	CREATE TABLE stats AS
	SELECT n, funnel_agg(journey, funnel) AS stats FROM funnels, journeys WHERE funnel::text NOT LIKE '%optional%' GROUP BY n;

	-- What the first settings wrote, for the others to read.
	CREATE TABLE texts (settings text, kind text, id int, written text);
	CREATE INDEX ON texts (settings, id);
	CREATE PROCEDURE write_texts(settings text) LANGUAGE SQL AS $$
		INSERT INTO texts SELECT settings, 'journey', customer, journey::text FROM journeys;
		INSERT INTO texts SELECT settings, 'jsonb', customer, journey::jsonb::text FROM journeys;
		INSERT INTO texts SELECT settings, 'funnel', n, funnel::text FROM funnels;
		INSERT INTO texts SELECT settings, 'stats', n, stats::text FROM stats
	$$;
	-- Nothing that PostgreSQL itself prints otherwise under other settings: times and intervals as numbers.
	CREATE FUNCTION answers(OUT answer text) RETURNS SETOF text LANGUAGE SQL AS $$
		SELECT concat_ws(' ', 'texts', count(*), md5(string_agg(concat_ws('|', kind, id, written), E'\n' ORDER BY kind, id))) FROM (
			SELECT 'journey', customer, journey::text FROM journeys UNION ALL SELECT 'jsonb', customer, journey::jsonb::text FROM journeys
			UNION ALL SELECT 'funnel', n, funnel::text FROM funnels
			UNION ALL SELECT 'stats', n, stats::text FROM stats
			UNION ALL SELECT 'stats jsonb', n, stats::jsonb::text FROM stats) t (kind, id, written)
		UNION ALL
		SELECT concat_ws(' ', 'bytes', md5(string_agg(cjm_internal.journey_hash_extended(journey, 0)::text, ' ' ORDER BY customer))) FROM journeys
		UNION ALL
		SELECT concat_ws(' ', 'built', bool_and(journey = again)) FROM journeys JOIN
			(SELECT customer, journey_agg(at, event, channel, value) AS again FROM source GROUP BY customer) s USING (customer)
		UNION ALL
		SELECT concat_ws(' ', 'steps', n, sum(funnel_step(journey, funnel)), sum(funnel_step(journey, funnel, '[2026-03-29 00:00Z,2026-03-29 06:00Z)')),
			sum(extract(epoch FROM (funnel_times(journey, funnel))[2]) % 1000000)) FROM journeys, funnels
			WHERE funnel::text NOT LIKE '%optional%' GROUP BY n
		UNION ALL
		SELECT concat_ws(' ', 'sessions', count(*), sum(extract(epoch FROM ended_at - started_at)), count(*) FILTER (WHERE bounced))
			FROM journeys, sessions(journey) WHERE customer <= 50
		UNION ALL
		SELECT concat_ws(' ', 'accessors', sum(extract(epoch FROM duration(journey))), sum(touch_count(slice(journey, '2026-03-29 00:00Z', '2026-03-29 12:00Z'))),
			sum(extract(epoch FROM (last_touch(journey)).at))) FROM journeys
		UNION ALL
		SELECT concat_ws(' ', 'report', n, step, customers, step_rate::numeric(8, 6), rate_low::numeric(8, 6), extract(epoch FROM median_time), extract(epoch FROM p90_total))
			FROM stats, report(stats)
	$$;
	CREATE FUNCTION unread(written_under text) RETURNS bigint LANGUAGE SQL AS $$
		SELECT count(*) FROM texts LEFT JOIN journeys ON kind IN ('journey', 'jsonb') AND customer = id
			LEFT JOIN funnels f ON kind = 'funnel' AND f.n = id LEFT JOIN stats s ON kind = 'stats' AND s.n = id
		WHERE settings = written_under AND (CASE kind
			WHEN 'journey' THEN written::journey = journey WHEN 'jsonb' THEN written::jsonb::journey = journey
			WHEN 'funnel' THEN written::funnel = funnel ELSE written::funnel_stats = stats END) IS NOT TRUE
	$$;
	CALL write_texts('default');
~);

my @settings = (
	q{SET TimeZone = 'Asia/Kathmandu'}, q{SET TimeZone = 'America/St_Johns'}, q{SET TimeZone = 'Pacific/Apia'}, q{SET TimeZone = 'Europe/Riga'},
	q{SET TimeZone = '<here>+3:17'},
	q{SET DateStyle = 'SQL, DMY'}, q{SET DateStyle = 'SQL, MDY'}, q{SET DateStyle = 'German'}, q{SET DateStyle = 'Postgres, YMD'},
	q{SET IntervalStyle = 'sql_standard'}, q{SET IntervalStyle = 'postgres_verbose'}, q{SET IntervalStyle = 'iso_8601'},
	q{SET extra_float_digits = -15}, q{SET extra_float_digits = 0}, q{SET extra_float_digits = 3},
	q{SET bytea_output = 'escape'}, q{SET timezone_abbreviations = 'India'}, q{SET array_nulls = off}, q{SET quote_all_identifiers = on},
	q{SET backslash_quote = off}, q{SET transform_null_equals = on},
	# It is gone since 19.
	$node->pg_version->major >= 19 ? () : q{SET escape_string_warning = off},
	q{SET default_text_search_config = 'pg_catalog.russian'}, q{SET lc_time = 'C.UTF-8'}, q{SET jit = on; SET jit_above_cost = 0},
	q{SET client_encoding = 'SQL_ASCII'}, q{SET client_encoding = 'KOI8R'}, q{SET search_path = pg_catalog, cjm, public},
	q{SET TimeZone = 'Australia/Lord_Howe'; SET DateStyle = 'SQL, DMY'; SET IntervalStyle = 'sql_standard'; SET extra_float_digits = -15});

# The locales that this machine has, where a comma is the decimal point or letters sort otherwise.
my @locales = grep { /^(?:de|fr|ru|lv|tr|cs)_/ } split /\n/, `locale -a`;
push @settings, map { "SET lc_numeric = '$_'; SET lc_monetary = '$_'; SET lc_time = '$_'" } @locales[ 0 .. ($#locales < 3 ? $#locales : 3) ];

my $expected = run_sql($node, 'SELECT answer FROM answers()');
my $previous = 'default';
like($expected, qr/^texts 11\d .*\nbytes [0-9a-f]{32}\nbuilt t\nsteps .*sessions \d+ .*report 1 2 /s, 'there are answers');
foreach my $setting (@settings)
{
	my $name = $setting =~ s/'/''/gr;

	is(run_sql($node, "$setting; CALL public.write_texts('$name'); SELECT answer FROM public.answers()"), $expected,
		"$setting: same texts and answers");
	is(run_sql($node, "$setting; SELECT public.unread('$previous'), public.unread('default')"), '0|0',
		"$setting: reads what was written under others");
	$previous = $name;
}
is(run_sql($node, q{SELECT count(DISTINCT written), count(DISTINCT (kind, id)), count(DISTINCT settings) FROM texts}),
	run_sql($node, q{SELECT count(DISTINCT (kind, id)), count(DISTINCT (kind, id)), 1 + } . @settings . q{ FROM texts}),
	'every value has one text under all settings');

# Input with an explicit offset is immutable, input without one is refused.
is(run_sql($node, q{SET TimeZone = 'Asia/Tokyo'; SET DateStyle = 'SQL, DMY';
	SELECT '{2026-01-02 03:04+05:30 a}'::journey}), '{2026-01-01T21:34:00Z a}', 'times with an offset');
run_sql_fails($node, q{SET TimeZone = 'Asia/Tokyo'; SELECT '{2026-01-02 03:04 a}'::journey}, '22P02', qr/Z or with its offset|found|invalid/,
	'times without an offset are refused');

server_is_well($node);
done_testing();
