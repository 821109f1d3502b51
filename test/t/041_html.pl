# The page of map_html: that every number on it is one of the map's views, that it holds
# for hostile labels, empty maps and large ones, that it is the same however the map's
# journeys are read, and that it says no more than its reader may know; and, in browsers,
# that it can be read and used: test/browser/look.js does that.

use strict;
use warnings;
use utf8;

use Encode qw(decode encode);
use File::Basename qw(dirname);
use FindBin;
use JSON::PP;
use lib $FindBin::RealBin;

use CjmTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('html', q(client_min_messages = 'warning'));
my $dir = $PostgreSQL::Test::Utils::tmp_check;
my $looking = dirname($FindBin::RealBin) . '/browser';
my (%pages, @wanted);

sub run_utf8
{
	my ($sql, %options) = @_;

	return decode('UTF-8', run_sql($node, encode('UTF-8', $sql), %options));
}

# A page, kept for the browsers; options say what they look at, none for nothing.
sub make_page
{
	my ($name, $sql, %options) = @_;
	my $file = ($name =~ s/\W/_/gr) . '.html';

	$pages{$name} = run_utf8($sql);
	write_bytes("$dir/$file", encode('UTF-8', $pages{$name}));
	push @wanted, { name => $name, file => $file, browser => 'chrome', widths => [ 360, 1280 ], schemes => ['light'], checks => ['layout'], %options } if %options;
	return $pages{$name};
}

sub text_of
{
	my ($html) = @_;
	my %named = (lt => '<', gt => '>', amp => '&', quot => '"');

	return $html =~ s/<[^>]*>//gr =~ s/&(?:#(\d+)|(\w+));/defined $1 ? chr $1 : $named{$2}/ger;
}

# The cells of the tables of a section, of one group if one is named: lines, numbers in full, of what stands in them and no bars.
sub cells
{
	my ($page, $section, $group) = @_;
	my ($html) = $page =~ m{<section id="$section"(.*?)</section>}s;
	my @lines;

	return 'no section' unless defined $html;
	if (defined $group)
	{
		$html = join '', $html =~ m{<div[^>]* data-g="$group">(.*?)(?=<div[^>]* data-g=|\z)}sg;
	}
	foreach my $body ($html =~ m{<tbody>(.*?)</tbody>}sg)
	{
		foreach my $row ($body =~ m{<tr>(.*?)</tr>}sg)
		{
			my @cells;

			while ($row =~ m{<t([hd])([^>]*)>(.*?)</t\1>}sg)
			{
				my ($attributes, $inside) = ($2, $3);

				next if $attributes =~ /class="bar"/;
				push @cells, $attributes =~ /data-v="([^"]*)"/ ? $1 : text_of($inside =~ s{<small>.*?</small>}{}gr) =~ s/^\x{2013}$//r;
			}
			push @lines, join '|', @cells;
		}
	}
	return join "\n", @lines;
}

# When it was made, and how long ago something is, differ from page to page.
sub lasting
{
	my ($page) = @_;

	return $page =~ s/as of [^<]*//r =~ s{<section id="drop_off".*?</section>}{}sr;
}
# As like and unlike, without printing a whole page where it fails.
sub holds
{
	my ($page, $pattern, $title) = @_;

	return ok(scalar($page =~ $pattern), $title) || diag(encode('UTF-8', "nothing is like $pattern"));
}

sub holds_no
{
	my ($page, $pattern, $title) = @_;

	return ok(scalar($page !~ $pattern), $title) || diag(encode('UTF-8', "there is: $&"));
}

# As is, of whole pages: what differs first.
sub same
{
	my ($page, $other, $title) = @_;

	return ok($page eq $other, $title) || diag(do {
		my ($x, $y) = ($page, $other);
		my $at = 0;
		$at++ while $at < length $x && substr($x, $at, 1) eq substr($y, $at, 1);
		substr($x, $at > 200 ? $at - 200 : 0, 300) . "\nand not\n" . substr($y, $at > 200 ? $at - 200 : 0, 300) });
}

sub has
{
	my ($page, $text, $title) = @_;

	return ok(index($page, $text) >= 0, encode('UTF-8', $title)) || diag(encode('UTF-8', "there is no: $text"));
}

#
# A shop of 2,500 customers in 30 weeks: segments, one of them not known, channels that cost, refusals, answers
#

run_utf8(q{
	CREATE TABLE events AS
		SELECT c AS customer, timestamptz '2025-01-06 06:00+00' + (c % 210) * interval '1 day' + h % 20 * interval '1 hour' + s * s * interval '37 minutes' + repeat.n * interval '33 days' AS at,
			(ARRAY['view', 'search', 'cart', 'chat', 'order', 'answer'])[s] AS event, (ARRAY['email', 'ads', 'social', NULL])[1 + (c + repeat.n) % 4] AS channel,
			CASE s WHEN 5 THEN 10 + h % 90 WHEN 6 THEN h % 11 END::float8 AS amount, (ARRAY['LV', 'EE', 'LT', 'FI', 'SE', 'NO', 'DK', 'IS', NULL])[1 + h % 97 % 9] AS country
		FROM generate_series(1, 2500) c CROSS JOIN generate_series(1, 6) s CROSS JOIN generate_series(0, 2) repeat(n) CROSS JOIN LATERAL (SELECT abs(hashint4(c))::bigint AS h) r
		WHERE (s = 1 OR abs(hashint4(c * 7 + s)) % 100 < 62) AND (repeat.n = 0 OR abs(hashint4(c + repeat.n)) % 4 = 0) AND (s < 5 OR abs(hashint4(c * 3)) % 100 < 45);
	INSERT INTO events SELECT customer, at + interval '5 minutes', 'no thanks', channel, NULL, country FROM events WHERE event = 'cart' AND customer % 9 = 0;
	CREATE TABLE spend AS SELECT day::date, channel, 40.5::numeric AS cost, 10000 AS impressions, 300 AS clicks FROM generate_series('2025-01-06'::date, '2025-08-01', '1 day') day CROSS JOIN unnest('{email,ads,social}'::text[]) channel;
	SELECT create_map('shop', source => 'events', customer => 'customer', at => 'at', event => 'event', channel => 'channel', value => 'amount', segment => 'country', time_zone => 'Europe/Riga', spend => 'spend',
		nps => 'answer', refusal => '"no thanks"', stages => 'awareness: view -> optional search -> cart -> order within 14 days');
	SELECT note('shop', '2025-05-05 09:00+03', 'new <checkout> & "more"'), note('shop', '2025-06-02 09:00+03', 'second');
	SELECT set_target('shop', 'conversion', 0.99), set_target('shop', 'visits', 1), set_target('shop', 'conversion', 0.98, by => 'segment', by_value => 'LV')});
my @all = (schemes => [qw(light dark)], widths => [ 360, 640, 768, 1280, 1920 ], checks => [qw(layout axe keys hover plain print)]);
my $shop = make_page('shop', q{SELECT map_html('shop', by => 'segment')}, @all);
push @wanted, { %{ $wanted[0] }, name => 'shop in Firefox', browser => 'firefox', schemes => ['light'], widths => [ 360, 1280 ], checks => [qw(layout keys)] };

# Every number is that of the views, whose order by the way is a different one.
my $plain = 'SET extra_float_digits = 1;';
is(cells($shop, 'funnel', 0), run_utf8("$plain SELECT step, stage || CASE stage WHEN 'search' THEN ' ' ELSE '' END, customers, step_rate, overall_rate, dropped, open_customers, refused, median_time_seconds, median_total_seconds FROM shop.funnel ORDER BY step"), 'the funnel is that of the view');
my @groups = split /\n/, run_utf8(q{SELECT coalesce(segment, '-') FROM (SELECT segment, customers, row_number() OVER (PARTITION BY segment IS NULL ORDER BY customers DESC, segment) AS place
	FROM shop.funnel_by_segment WHERE step = 1) s WHERE place <= 6 ORDER BY customers DESC, segment});
is(scalar @groups, 7, 'six groups are shown, and those of whom it is not known');
holds($shop, qr/Shown are the largest values of <bdi>segment/, 'that there are more is said');
foreach my $place (1 .. @groups)
{
	my $segment = $groups[$place - 1] eq '-' ? 'IS NULL' : "= '$groups[$place - 1]'";

	is(cells($shop, 'funnel', $place), run_utf8("$plain SELECT stage || CASE stage WHEN 'search' THEN ' ' ELSE '' END, customers, step_rate, overall_rate, dropped FROM shop.funnel_by_segment WHERE segment $segment ORDER BY step"), "the funnel of group $place");
	is(cells($shop, 'retention', $place), run_utf8("$plain WITH r AS (SELECT *, max(cohort) OVER () AS last FROM retention_report('shop', by => 'segment') WHERE cohort > '2024-12-01'),
		c AS (SELECT cohort, max(cohort_size) AS size FROM r WHERE by_value $segment GROUP BY cohort)
		SELECT to_char(c.cohort, 'YYYY-MM'), c.size, (SELECT string_agg(coalesce((SELECT r.rate::text FROM r WHERE r.cohort = c.cohort AND r.number = n AND r.by_value $segment), ''), '|' ORDER BY n) FROM generate_series(1, (SELECT max(number) FROM r WHERE r.by_value $segment AND r.number <= 12)) n)
		FROM c ORDER BY 1 OFFSET greatest((SELECT count(DISTINCT cohort) FROM r) - 12, 0)"), "the retention of group $place") if $place < 3;
	is(cells($shop, 'channels', $place), run_utf8("$plain SELECT coalesce(channel, 'not known'), visits, conversions, revenue, cost, cpa, roas FROM channels_report('shop', by => 'segment') WHERE by_value $segment ORDER BY conversions DESC, visits DESC, channel"), "the channels of group $place");
	is(cells($shop, 'drop_off', $place), run_utf8("$plain WITH d AS (SELECT d.*, row_number() OVER (PARTITION BY step ORDER BY customers + open_customers + refused DESC, by_value) AS place FROM drop_off_report('shop', where_is => jsonb_build_object('segment', " . ($segment eq 'IS NULL' ? 'NULL' : $segment =~ s/^= //r) . "::text)) d)
		SELECT step || '|' || by_value || '|' || customers || '|' || share || '|' || open_customers || '|' || refused FROM d WHERE place <= 3 ORDER BY step, customers DESC, by_value") =~ s/^(\d+)\|/(split m{,}, 'awareness,search,cart,order')[$1 - 1] . '|'/megr, "where group $place stops");
	my %theirs = map { $_ => 1 } split /\n/, run_utf8(qq{SELECT position, regexp_replace(source, '^\\d+\\. ', ''), regexp_replace(target, '^\\d+\\. ', ''), value FROM transition_report('shop', by => 'segment', depth => 5) WHERE by_value $segment});
	my @shown = grep { !/\bothers\b/ } split /\n/, cells($shop, 'paths', $place);
	cmp_ok(scalar @shown, '>', 4, "there are paths of group $place");
	is(join("\n", grep { !$theirs{$_} } @shown), '', 'which are those of the report');
	is(cells($shop, 'feedback', $place), run_utf8("$plain SELECT coalesce(stage, 'before'), event, answers, nps, unhappy_drop_rate, happy_drop_rate FROM feedback_report('shop', by => 'segment') WHERE by_value $segment ORDER BY step, answers DESC, event"), "the answers of group $place");
}
my $weeks = 'WITH m AS (SELECT m.*, k.place, max(week) OVER () - week AS ago, bool_or(m.low IS NOT NULL) OVER (PARTITION BY m.metric, m.step) AS sampled FROM shop.metrics m JOIN cjm_internal.map_metrics() k USING (metric))
	SELECT concat_ws(\'|\', week::text, value, CASE WHEN sampled THEN concat(low, \'|\', high) END, n) FROM m WHERE ago < 26 * 7';
is(cells($shop, 'weeks', 0), run_utf8("$plain $weeks ORDER BY place, step, week"), 'the weeks are those of the view metrics');
is(cells($shop, 'weeks', 1), run_utf8("$plain SELECT (bucket_start AT TIME ZONE 'Europe/Riga')::date, value, low, high, n FROM metric_report('shop', 'conversion', by => 'segment') WHERE by_value = '$groups[0]' AND bucket_start > (SELECT max(bucket_start) FROM metric_report('shop', 'conversion')) - interval '26 weeks' ORDER BY 1"),
	'and those of the first group');
is(cells($shop, 'retention', 0), run_utf8("$plain SELECT to_char(c.cohort, 'YYYY-MM'), c.size, (SELECT string_agg(coalesce((SELECT r.rate::text FROM shop.retention r WHERE r.cohort = c.cohort AND r.number = n), ''), '|' ORDER BY n) FROM generate_series(1, least(24, (SELECT max(number) FROM shop.retention))) n)
	FROM (SELECT cohort, max(cohort_size) AS size FROM shop.retention GROUP BY cohort) c ORDER BY 1"), 'retention is that of the view');
is(cells($shop, 'channels', 0), run_utf8("$plain SELECT coalesce(channel, 'not known'), visits, conversions, revenue, cost, cpa, roas, impressions, clicks, ctr FROM channels_report('shop') ORDER BY conversions DESC, visits DESC, channel"), 'channels are those of the report');
is(cells($shop, 'feedback', 0), run_utf8("$plain SELECT coalesce(stage, 'before'), event, answers, nps, unhappy_drop_rate, happy_drop_rate FROM shop.feedback ORDER BY step, answers DESC, event"), 'answers are those of the view');

# Of time that goes on, what depends on it is held against itself at the same moment.
my ($drop_page, $drop_view) = run_utf8("$plain BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT map_html('shop'); SELECT '<<' || string_agg(concat_ws('|', step, stage, last_event, customers, share, open_customers, refused, coalesce(median_days_since::text, ''), coalesce(next_event, ''), coalesce(next_customers::text, '')), E'\\n' ORDER BY step, customers DESC, last_event)
	FROM (SELECT *, row_number() OVER (PARTITION BY step ORDER BY customers + open_customers + refused DESC, last_event) AS place FROM shop.drop_off) d WHERE place <= 5") =~ /\A(.*)<<(.*)\z/s;
is(cells($drop_page, 'drop_off'), $drop_view, 'where they stop is the view drop_off');

# The paths: what has a name is as the report says, and nothing is lost in what has none.
my %flows = map { $_ => 1 } split /\n/, cells($shop, 'paths', 0);
my %reported = map { $_ => 1 } split /\n/, run_utf8(q{SELECT position, regexp_replace(source, '^\d+\. ', ''), regexp_replace(target, '^\d+\. ', ''), value FROM transition_report('shop', depth => 5)});
is(join("\n", grep { !/\bothers\b/ && !$reported{$_} } sort keys %flows), '', 'each path with names is in the report');
my (%on_page, %in_report);
/^(\d+)\|.*\|(\d+)$/ and $on_page{$1} += $2 foreach keys %flows;
/^(\d+)\|.*\|(\d+)$/ and $in_report{$1} += $2 foreach keys %reported;
is_deeply(\%on_page, \%in_report, 'and all of them add up, place by place');
cmp_ok(scalar(grep { !/others/ } keys %flows), '>', 8, 'there are some');

# What is drawn of paths is what their table says, of flows and of what they join; and what stands large above a chart is what its table has of that week.
foreach my $place (0 .. @groups)
{
	my ($section) = $shop =~ m{<section id="paths"(.*?)</section>}s;
	my ($part) = $section =~ m{<div[^>]* data-g="$place">(.*?)(?=<div[^>]* data-g=|\z)}s;
	my (@told, %through);

	foreach my $row (split /\n/, cells($shop, 'paths', $place))
	{
		my ($at, $source, $target, $times) = split /\|/, $row;

		push @told, "$source \x{2192} $target: $times";
		$through{$at}{$source}[0] += $times;
		$through{ $at + 1 }{$target}[1] += $times;
	}
	foreach my $nodes (values %through)
	{
		push @told, map { my ($goes, $comes) = map { $_ // 0 } @{ $nodes->{$_} }[ 0, 1 ]; "$_: " . ($goes > $comes ? $goes : $comes) } keys %$nodes;
	}
	is(join("\n", sort map { text_of($_) =~ s/,//gr } $part =~ m{<(?:path|g)\b[^>]*><title>(.*?)</title>}g), join("\n", sort @told), "what is drawn of the paths of group $place");
}
my (@charts, @other);
while ($shop =~ m{<figure class="card series">(.*?)</figure>}sg)
{
	my $figure = $1;
	my ($now, $day) = $figure =~ m{<span class="now">(.*?)</span> <span class="soft">(.*?)</span>};
	my ($told) = $figure =~ m{<th scope="row">\Q$day\E</th><td data-v="[^"]*">(.*?)<};

	push @charts, $now;
	push @other, "$day: $now and not " . ($told // 'anything') unless defined $told && $told eq $now;
}
is(join("\n", @other), '', 'charts say what their tables do');
cmp_ok(scalar @charts, '>', 20, 'of many');

# What is shown is what is meant: rates to a tenth of a percent, counts to the digit.
my (@off, $shown);
while ($shop =~ m{data-v="([^"]*)"[^>]*>([\d.,]+)(%?)<}g)
{
	my ($exact, $read, $percent) = ($1, $2, $3);

	$read =~ s/,//g;
	next if !$percent && $read =~ /\./;
	$shown++;
	push @off, "$exact is shown as $read$percent" if abs($exact * ($percent ? 100 : 1) - $read) > ($percent ? 0.0501 : 0.501);
}
is(join("\n", @off), '', 'numbers as people read them are the exact ones');
cmp_ok($shown, '>', 1500, 'there are many');

# The headline.
has($shop, run_utf8(q{SELECT format('Most are lost after <bdi>%s</bdi>: %s of %s (%s%%), the last event of ', stage, to_char(dropped, 'FM999,999'), to_char(customers, 'FM999,999'), round(100 * drop_rate::numeric, 1)) FROM shop.funnel WHERE dropped IS NOT NULL ORDER BY dropped DESC LIMIT 1}), 'what leaks most');
has($shop, run_utf8(q{SELECT format('<bdi>order</bdi>: reached by %s of %s customers (%s%%)', to_char(o.customers, 'FM999,999'), to_char(a.customers, 'FM999,999'), round(100 * o.overall_rate::numeric, 1)) FROM shop.funnel o, shop.funnel a WHERE o.stage = 'order' AND a.step = 1}), 'how many came to the end');
has($shop, run_utf8(q{SELECT format('<li class="missed">conversion: %s%% in the week of %s, the target is at least 99.0%%</li>', round(100 * actual::numeric, 1), week) FROM shop.kpis WHERE metric = 'conversion' AND by IS NULL}), 'what is below target');
has($shop, run_utf8(q{SELECT format('<li class="missed">conversion, <bdi>segment</bdi>: <bdi>LV</bdi>: %s%% in the week of %s, the target is at least 98.0%%</li>', round(100 * actual::numeric, 1), week) FROM shop.kpis WHERE by = 'segment'}), 'of a part of the customers, too');
is(() = $shop =~ /<li class="missed">/g, run_utf8('SELECT count(*) FROM shop.kpis WHERE NOT met'), 'and nothing else');
is(() = $shop =~ /<li class="changed">/g, run_utf8(q{SELECT count(*) FROM compare_report('shop') WHERE adjusted_p_value <= 0.05}), 'what has changed is as compare_report has it');
holds($shop, qr{<ol class="notes"><li>2025-05-05: <bdi>new &#60;checkout&#62; &#38; &#34;more&#34;</bdi></li><li>2025-06-02: <bdi>second}, 'notes are told');

# Of a time and of some customers: the reports of these.
my $part = make_page('part', q{SELECT map_html('shop', title => 'Part <i>', from_time => '2025-03-01', to_time => '2025-06-01', where_is => '{"segment": ["LV", "EE"]}')});
is(cells($part, 'funnel', 0), run_utf8("$plain SELECT step, stage || CASE stage WHEN 'search' THEN ' ' ELSE '' END, customers, step_rate, overall_rate, dropped, open_customers, refused, median_time_seconds, median_total_seconds
	FROM funnel_report('shop', from_time => '2025-03-01', to_time => '2025-06-01', where_is => '{\"segment\": [\"LV\", \"EE\"]}') ORDER BY step"), 'the funnel of a part');
holds($part, qr{<title>Part &#60;i&#62;</title>.*<p class="about">2025-03-01 to (?:2025-05-31|2025-06-01) &#183; <bdi>segment</bdi>: <bdi>LV</bdi>, <bdi>EE</bdi> &#183; as of }s, 'of what part it is said');
holds_no($part, qr/<li class="missed">|<fieldset/, 'targets are of all customers of now, and there is no switch without by');
same(lasting(run_utf8(q{SELECT map_html('shop', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)})), lasting(run_utf8(q{SELECT map_html('shop')})), 'NULL is what is not said');

#
# The page itself
#

ok($shop =~ /\A[\x20-\x7e\n\t]*\z/, 'it is ASCII');
holds_no($shop =~ s{xmlns="http://www.w3.org/2000/svg"}{}gr, qr{https?://|\burl\((?!#)|\@import|\bsrc=|\son\w+=|\bstyle=|javascript:}, 'it asks for nothing, and nothing in it is code but its script');
is(() = $shop =~ /<script/g, 1, 'it has one script');
holds($shop, qr{<meta http-equiv="Content-Security-Policy" content="default-src 'none'; base-uri 'none'; form-action 'none'; script-src 'sha256-[\w+/=]{44}'; style-src(?: 'sha256-[\w+/=]{44}')+">}, 'and a policy that allows nothing else');

# A map has what it has.
run_utf8(q{SELECT create_map('bare', 'events', 'customer', 'at', 'event', 'view -> order')});
my $bare = make_page('bare', q{SELECT map_html('bare')}, checks => [qw(layout axe)]);
is(join(' ', $bare =~ /<section id="(\w+)"/g), 'headline wall funnel weeks retention drop_off paths', 'without channels and answers there are no sections of them');
is(join(' ', $shop =~ /<section id="(\w+)"/g), 'headline wall funnel weeks retention channels drop_off paths feedback', 'with them there are');
is(join(' ', $shop =~ /<li><a href="#(\w+)"/g), join(' ', $shop =~ /<section id="(\w+)"/g), 'each has its link');

# Languages.
foreach my $language (['ru', 'Воронка', 'По неделям', qr/\d+,\d%/], ['lv', 'Piltuve', 'Pa nedēļām', qr/\d+,\d\x{a0}%/])
{
	my ($code, @words) = @$language;
	my $page = make_page("shop $code", "SELECT map_html('shop', by => 'segment', language => '$code')", widths => [360]);

	holds($page, qr/<html lang="$code">/, "$code is said");
	has(text_of($page), $_, "$code has $_") foreach @words[0, 1];
	is(cells($page, 'funnel', 0) =~ s/\|[^|]*search[^|]*\|/|/r, cells($shop, 'funnel', 0) =~ s/\|[^|]*search[^|]*\|/|/r, "the numbers are the same in $code");
	holds_no(text_of($page =~ s{<(script|style|svg)\b.*?</\1>}{}gsr), qr/\b(?:customers|dropped|median|weeks?)\b/, "nothing of it is left in English in $code");
}
holds(run_utf8(q{SELECT map_html('shop', language => 'de', words => '{"page_funnel": "Trichter"}')}), qr/<html lang="de">.*<h2 id="funnel-title">Trichter</s, 'words of any language can be given');

#
# Other maps
#

# Customers who pass stage after stage, fewer and fewer of them.
sub make_map
{
	my ($name, $stages, $customers, $label) = @_;
	my $table = 'events_' . $node->safe_psql('postgres', 'SELECT count(*) FROM cjm.maps');
	my ($events, $funnel) = (join(', ', map { "'" . s/'/''/gr . "'" } @$stages), join(' -> ', map { '"' . s/"/""/gr . '"' } @$stages) =~ s/'/''/gr);
	my $quoted = $name =~ s/'/''/gr;
	my $value = ($label // 'a') =~ s/'/''/gr;

	run_utf8("CREATE TABLE $table AS SELECT c AS customer, timestamptz '2025-01-06 00:00+00' + c % 200 * interval '1 day' + s * interval '50 minutes' AS at, (ARRAY[$events]::text[])[s] AS event, 'by ' || (ARRAY[$events]::text[])[1 + c % " . @$stages . "] AS channel,
			'$value' || c % 3 AS part FROM generate_series(1, $customers) c, generate_series(1, " . @$stages . ") s WHERE abs(hashint4(c)) % 1024 < 1100 * 0.85 ^ (s - 1);
		SELECT create_map('$quoted', '$table', 'customer', 'at', 'event', '$funnel', channel => 'channel', segment => 'part', time_zone => 'UTC')");
	return;
}

my @fourteen = ('unaware', 'problem', 'research', 'solution choice', 'vendor search', 'vendor check', 'trial', 'deal', 'use', 'repeat purchase', 'loyalty', 'advocacy', 'expansion and renewal', 'champion');
my @hostile = ('</script><script>window.harmed=1</script>', '"onfocus="window.harmed=1" autofocus tabindex="1" x="', ']]><img src=x onerror=window.harmed=1>', "control \x01\x1f\x7f\t\nends", 'Wide' x 60, 'ж' x 200,
	"\x{202e}backwards", '&lt;b&gt; &amp; %s %1$s %n $1 \\1', '</style></svg></table><p>out</p>', '日本語のラベル' x 30, ('العربية ' x 20) =~ s/ $//r, 'הזמנה בוצעה!', '👩‍👩‍👧‍👦' x 20, "' onclick='window.harmed=1", '<!-- <script>');
make_map('three', [qw(view cart order)], 600);
make_map('fourteen', \@fourteen, 3000);
make_map('twenty', [ map { "stage number $_" } 1 .. 20 ], 900);
make_map('<b onclick="window.harmed=1">&\'"', \@hostile, 900, '</script><svg onload=window.harmed=1>');
make_map('one', ['view', 'cart'], 1);
run_utf8(q{SELECT create_map('nobody', 'events', 'customer', 'at', 'event', 'view -> cart', channel => 'channel', filter => 'false', segment => 'country', nps => 'answer', value => 'amount');
	SELECT create_map('no order', 'events', 'customer', 'at', 'event', 'view -> cart -> order unordered within 7 days')});
make_page('three', q{SELECT map_html('three', by => 'segment')}, widths => [ 360, 1920 ]);
my $fourteen = make_page('fourteen', q{SELECT map_html('fourteen', by => 'segment')}, checks => [qw(layout print)]);
cmp_ok(length $fourteen, '<', 1024 * 1024, 'fourteen stages are less than 1 MB, by groups, too');
make_page('twenty', q{SELECT map_html('twenty')}, widths => [ 360, 1280 ], schemes => ['dark']);
run_utf8(q{SELECT note('<b onclick="window.harmed=1">&''"', '2025-03-03', '</script><script>window.harmed=1</script>')});
my $hostile = make_page('hostile', q{SELECT map_html('<b onclick="window.harmed=1">&''"', title => '</title><script>window.harmed=1</script>', by => 'segment', where_is => '{"segment": ["</script><svg onload=window.harmed=1>1", "</script><svg onload=window.harmed=1>2", "<img src=x onerror=window.harmed=1>"]}')},
	widths => [ 360, 768, 1280 ], checks => [qw(layout axe keys print)]);
is(() = $hostile =~ /<script/g, 1, 'no label is a script');
holds_no($hostile =~ s/="[^"]*"/=""/gr, qr/<[^>]*\b(?:onfocus|onclick|onerror|onload)=|<img/, 'nor an attribute of an element');
has(text_of($hostile), $_, 'a label is all there') foreach grep { !/[\x01\x1f]/ } @hostile[0, 1, 2, 4, 6 .. 10];
foreach my $name ('nobody', 'one')
{
	my $page = make_page($name, "SELECT map_html('$name', by => 'segment')", checks => [qw(layout axe plain)]);

	holds($page, $name eq 'nobody' ? qr/<li>Nobody has begun yet/ : qr/reached by 1 of 1 customers \(100\.0%\)/, "a page of $name");
}
make_page('no order', q{SELECT map_html('no order')});

# Ten million customers: the same rows, with numbers of that size.
my $large = make_page('ten million', q{SELECT cjm_internal.page_html(cjm_internal.draw_words('en'), 'en', 'Ten million', '', map_svg('shop'),
	regexp_replace(cjm_internal.page_data('shop', 'segment', NULL, NULL, NULL)::text, '("(?:customers|dropped|open_customers|refused|n|visits|answers|cohort_size|retained|impressions|clicks|next_customers|revenue|cost)": [1-9]\d*)', '\19876', 'g')::jsonb)}, widths => [ 360, 1280 ]);
holds($large, qr/>25,009,876</, 'numbers of ten millions are in groups');

#
# The same however the map's journeys are read, and for whoever may read its reports
#

my $read = q{SELECT map_html('shop', by => 'segment')};
my $before = lasting(run_utf8($read));
same(lasting(run_utf8("SET work_mem = '64kB'; $read")), $before, 'the same page with little memory');
same(lasting(run_utf8('SET ' . (run_sql($node, 'SHOW server_version_num') >= 160000 ? 'debug_parallel_query' : 'force_parallel_mode') . " = on; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; $read")), $before, 'in parallel');
same(lasting(run_utf8("SET extra_float_digits = 0; SET TimeZone = 'Asia/Tokyo'; SET DateStyle = 'SQL, DMY'; SET search_path = pg_catalog; SELECT cjm.map_html('shop', by => 'segment')")), $before, 'whatever the reader has set');
run_utf8(q{SELECT keep_journeys('shop')});
same(lasting(run_utf8($read)), $before, 'of kept journeys');
run_utf8(q{DELETE FROM events WHERE customer = 17; INSERT INTO events VALUES (4001, '2025-03-03 09:00+02', 'view', 'ads', NULL, 'LV')});
my $waiting = lasting(run_utf8($read));
ok($waiting ne $before, 'changes that wait are seen');
run_utf8(q{SELECT unkeep_journeys('shop')});
same(lasting(run_utf8($read)), $waiting, 'and as they are in the rows');

run_utf8(q{
	CREATE ROLE charts; CREATE ROLE nothing;
	GRANT USAGE ON SCHEMA shop TO charts, nothing;
	GRANT SELECT ON shop.map TO charts, nothing;
	GRANT SELECT ON ALL TABLES IN SCHEMA shop TO charts;
	REVOKE ALL ON shop.kpis, shop.notes, shop.targets, shop.journeys FROM charts;
	GRANT SELECT (segment, dimensions, journey) ON shop.journeys TO charts;
	GRANT SELECT ON spend TO charts});
my $theirs = run_utf8(qq{SET ROLE charts; $read});
is(cells($theirs, 'funnel', 0), cells(run_utf8($read), 'funnel', 0), 'whoever may read reports may have the page');
holds_no($theirs, qr/class="missed"|class="notes"/, 'without what they may not read');
run_sql_fails($node, qq{SET ROLE nothing; $read}, '42501', qr/permission denied/, 'whoever may not has none');
run_utf8(q{SELECT create_map('theirs', 'events', 'customer', 'at', 'event', 'view -> order', access => 'reader'); GRANT USAGE ON SCHEMA theirs TO charts; GRANT SELECT ON ALL TABLES IN SCHEMA theirs TO charts});
run_sql_fails($node, q{SET ROLE charts; SELECT map_html('theirs')}, '42501', qr/permission denied for table events/, 'nor of a map that is read with the rights of the reader');
run_utf8(q{GRANT SELECT ON events TO charts});
same(lasting(run_utf8(q{SET ROLE charts; SELECT map_html('theirs')})), lasting(run_utf8(q{SELECT map_html('theirs')})), 'unless they may read the events');

run_sql_fails($node, q{SELECT map_html('shp')}, '42704', qr/there is no map "shp".*Did you mean "shop"/s, 'a map that is not there is said');
run_sql_fails($node, q{SELECT map_html('shop', by => 'nothing')}, '22023', qr/nothing/, 'what cannot be split by is said');
run_sql_fails($node, q{SELECT map_html('shop', language => 'xx')}, '22023', qr/no words in the language "xx"/, 'and a language without words');
run_sql_fails($node, q{SELECT map_html('shop', where_is => '{"nothing": 1}')}, '22023', qr/nothing/, 'and customers that nobody can be asked for');

#
# In browsers
#

# What a page is like when it is printed: no sheet is nearly empty but the first, which tells what is most important, and the last; a table
# that goes on tells again what its columns are, and nothing of a table stands by itself.
sub on_paper
{
	my ($name) = @_;
	my (@heads, @lonely, @bare);
	my @sheets = (run_command([ 'pdftotext', '-bbox', "$dir/$name.pdf", '-' ]))[0] =~ m{(<page .*?</page>)}sg;
	my @texts = split /\f/, (run_command([ 'pdftotext', '-layout', "$dir/$name.pdf", '-' ]))[0];

	cmp_ok(scalar @sheets, '>', 4, "$name is on paper");
	foreach my $place (1 .. $#sheets - 1)
	{
		my ($height) = $sheets[$place] =~ /height="([\d.]+)"/;
		my ($lowest) = sort { $b <=> $a } $sheets[$place] =~ /yMax="([\d.]+)"/g;

		push @bare, $place + 1 if ($lowest // 0) < 0.45 * $height;
	}
	is("@bare", '', "no sheet of $name is nearly empty");
	foreach my $place (0 .. $#texts)
	{
		next if $texts[$place] =~ /those that differ first/;		# a map
		my @rows = grep { /^ *\d+ +[^\d ].* \d+(?:\.\d+)?%/ } split /\n/, $texts[$place];		# of the funnel, or of where they stop: a step, and a share

		push @heads, $place + 1 if @rows && $texts[$place] !~ /median (?:time in all|days since)/;
		push @lonely, $place + 1 if @rows && @rows < 3;
	}
	is("@heads", '', "tables of $name have their heads on each sheet");
	is("@lonely", '', "and no fewer than three of their lines");
	return;
}

SKIP:
{
	my %programs = map { my $name = $_; $name => scalar(grep { -x "$_/$name" } split /:/, $ENV{PATH}) } qw(chromium firefox-esr node);

	skip 'there is no chromium or no node: pages are not looked at', 1 unless $programs{chromium} && $programs{node};
	skip 'test/browser/install has not been run, or found no npm: pages are not looked at', 1 unless -e "$looking/node_modules/puppeteer-core/package.json" && -e "$looking/node_modules/axe-core/axe.min.js";
	if (!$programs{'firefox-esr'})
	{
		@wanted = grep { $_->{browser} ne 'firefox' } @wanted;
		diag('there is no firefox-esr: pages are looked at in chromium alone');
	}

	# That it would be noticed.
	my %broken = (
		'a paragraph that is too wide' => [ $shop =~ s{<main id="main">}{<main id="main"><p><svg width="3000" height="9"></svg></p>}r, qr/the page is \d+ wide/ ],
		'one text over another' => [ $shop =~ s{<h1>}{<h1><bdi class="over">Over</bdi>}r =~ s{/\*\n \* page\.css}{.over{position:absolute;left:3rem;top:2rem}\n/*\n * page.css}r, qr/blocked|violates/ ],
		'a script' => [ $shop =~ s{</main>}{<script>window.harmed=1</script></main>}r, qr/console: .*Content Security Policy/ ],
		'what is loaded' => [ $shop =~ s{</main>}{<img src="other.png" alt=""></main>}r, qr/asks for .*other\.png|console: .*other\.png/ ],
		'an image without words' => [ $shop =~ s{ role="img" aria-label="[^"]*"}{ role="img"}gr, qr/axe, light: svg-img-alt/ ]);
	foreach my $name (sort keys %broken)
	{
		my $file = ($name =~ s/\W/_/gr) . '.html';

		write_bytes("$dir/$file", encode('UTF-8', $broken{$name}[0]));
		push @wanted, { name => $name, file => $file, browser => 'chrome', widths => [1280], schemes => ['light'], checks => [qw(layout axe)] };
	}
	write_bytes("$dir/pages.json", encode_json(\@wanted));
	mkdir "$dir/home";
	my ($out, $err) = ('', '');
	{
		local %ENV = (%ENV, HOME => "$dir/home", XDG_CONFIG_HOME => "$dir/home", XDG_CACHE_HOME => "$dir/home", TMPDIR => "$dir/home", DBUS_SESSION_BUS_ADDRESS => 'disabled:');
		IPC::Run::run([ 'node', "$looking/look.js", $dir ], '<', \undef, '>', \$out, '2>', \$err);
	}
	my %found = map { my $result = decode_json($_); $result->{name} => $result } split /\n/, $out;

	diag(substr $err, 0, 2000) if $err ne '';
	foreach my $one (@wanted)
	{
		my $result = $found{ $one->{name} };

		if (my $change = $broken{ $one->{name} })
		{
			like(encode('UTF-8', join("\n", @{ $result->{wrong} // [] })), $change->[1], "$one->{name} is noticed");
			next;
		}
		is(encode('UTF-8', join("\n", @{ $result->{wrong} // ['it was not looked at'] })), '', "the page of $one->{name} can be read");
	}
	my $seen = $found{shop}{seen};
	cmp_ok($seen->{boxes} // 0, '>', 20000, 'that many texts were looked at');
	cmp_ok($seen->{rules} // 0, '>', 30, 'that many rules were held against it');
	cmp_ok($seen->{stops} // 0, '>', 100, 'that many stops has the keyboard');
	is($seen->{values}, 9, 'that many has the switch: everything, all customers, and the groups');
	is($seen->{plain}, 9, 'that many sections are there without the script');
	SKIP:
	{
		skip 'there is no pdftotext: what is on paper is not looked at', 1 unless grep { -x "$_/pdftotext" } split /:/, $ENV{PATH};
		on_paper($_) foreach 'shop', 'hostile', 'fourteen';
	}
}

server_is_well($node);
$node->stop;
done_testing();
