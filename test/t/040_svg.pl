# Drawings: that they are right by an XML parser, and that they can be read, in
# a browser: no text runs out of its place or over another, none is too pale,
# and no label does any harm, in light and dark, of 1 to 30 stages, in any
# script.  What is measured, and how, is in measure.js.

use strict;
use warnings;
use utf8;

use Compress::Zlib qw(uncompress);
use Encode qw(encode decode);
use File::Basename qw(dirname);
use FindBin;
use lib $FindBin::RealBin;
use MIME::Base64 qw(decode_base64);

use CjmTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('svg', q(client_min_messages = 'warning'));
my $dir = $PostgreSQL::Test::Utils::tmp_check;
my $root = dirname(dirname($FindBin::RealBin));
my ($browser) = grep { -x } map { "$_/chromium" } split /:/, $ENV{PATH};
my ($xmllint) = grep { -x } map { "$_/xmllint" } split /:/, $ENV{PATH};
my %drawings;

sub run_utf8
{
	my ($sql) = @_;

	return run_sql($node, encode('UTF-8', $sql));
}

# As like, without printing a whole drawing where it fails.
sub holds
{
	my ($drawing, $pattern, $title) = @_;

	return ok(scalar($drawing =~ $pattern), $title) || diag("nothing is like $pattern");
}

# A map of customers who pass one stage after the other, fewer and fewer of them, and meet a touchpoint or two besides.
sub make_map
{
	my ($name, $stages, $customers, @more) = @_;
	my $table = 'events_' . $node->safe_psql('postgres', 'SELECT count(*) FROM cjm.maps');
	my $events = join ', ', map { "'" . s/'/''/gr . "'" } @$stages;
	my $extra = join ', ', map { "'" . s/'/''/gr . "'" } @more;
	my $quoted = $name =~ s/'/''/gr;
	my $funnel = join(' -> ', map { '"' . s/"/""/gr . '"' } @$stages) =~ s/'/''/gr;

	run_utf8("CREATE TABLE $table AS
		SELECT c AS customer, timestamptz '2025-01-01 00:00+00' + c * interval '7 hours' + s * interval '50 minutes' AS at, (ARRAY[$events]::text[])[s] AS event
		FROM generate_series(1, $customers) c, generate_series(1, " . @$stages . ") s WHERE hashint4(c) & 1023 < 1100 * 0.8 ^ (s - 1)
		UNION ALL
		SELECT c, timestamptz '2025-01-01 00:00+00' + c * interval '7 hours' + (s * 50 - 10) * interval '1 minute', (ARRAY[$extra]::text[])[1 + c % greatest(1, " . @more . ")]
		FROM generate_series(1, $customers) c, generate_series(0, " . @$stages . ") s WHERE (hashint4(c + s) % 3 = 0 OR (c % greatest(1, " . @more . ") = 0 AND hashint4(c) & 1023 < 400)) AND " . @more . " > 0;
		SELECT create_map('$quoted', '$table', 'customer', 'at', 'event', '$funnel')");
	$drawings{"$_ of $name"} = run_utf8("SELECT ${_}_svg('$quoted')") foreach qw(map funnel retention);
	return;
}

my @buyer = ('unaware', 'problem', 'research', 'solution_choice', 'vendor search', 'vendor check', 'trial', 'deal', 'use', 'repeat_purchase',
	'loyalty', 'advocacy', 'expansion and renewal', 'champion');
make_map('three', [qw(view cart purchase)], 900, 'support', 'search');
make_map('fourteen', \@buyer, 2000, 'newsletter', 'call centre', 'webinar');
make_map('thirty', [ map { "stage $_" } 1 .. 30 ], 700);
make_map('one', ['view'], 1);
make_map('scripts', ['Осведомлённость о магазине', 'إضافة إلى السلة (جديد)', '加入购物车并查看商品详情的客户', '👩‍👩‍👧‍👦 семья 🇱🇻', '日本語のラベルです', 'הזמנה בוצעה!', 'สั่งซื้อสินค้า',
	'खरीदारी पूरी हुई'], 900, 'Запрос в службу поддержки через чат', 'البحث في الموقع الإلكتروني عن المنتجات', '고객 문의', '🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉');
my @hostile = ('<script>window.harmed=1</script>', '"onload="window.harmed=1" x="', "']]><img src=x onerror=window.harmed=1>", "control \x01\x08\x0b\x1f\x7f\t\nends", 'Wide' x 50, 'ж' x 200, 'W' x 200,
	"\x{202e}backwards", 'e' . "\x{301}\x{323}" x 30, '&lt;b&gt; &amp; %s %n', '</style></svg><p>out</p>', '日本' x 100, ('العربية ' x 25) =~ s/ $//r, '👩‍👩‍👧‍👦' x 40);
make_map('<b onclick="window.harmed=1">&\'"', \@hostile, 600, @hostile);

run_utf8(q{
	SELECT create_map('empty', 'events_0', 'customer', 'at', 'event', 'view -> cart', filter => 'false');
	SELECT create_map('rules', 'events_0', 'customer', 'at', 'event', 'view -> optional search -> optional nobody -> cart -> optional support -> purchase within 7 days');
	SELECT create_map('no order', 'events_0', 'customer', 'at', 'event', 'view -> cart -> purchase unordered within 7 days');
	CREATE TABLE long_ago AS SELECT c AS customer, now() - (c % 70) * interval '1 month' + i * i * interval '20 days' AS at, 'view' AS event
		FROM generate_series(1, 3000) c, generate_series(0, 8) i WHERE (c + i) % 3 < 2 AND now() - (c % 70) * interval '1 month' + i * i * interval '20 days' <= now();
	SELECT create_map('years', 'long_ago', 'customer', 'at', 'event', 'view -> view')});
# Nearly nobody, nearly everybody, at the same moment.
run_utf8(q{
	CREATE TABLE rare AS SELECT c AS customer, timestamptz '2025-01-01 00:00+00' + (e = 'f') ::int * c * interval '1 ms' + (e = 'g')::int * interval '100 days' AS at, e AS event
		FROM generate_series(1, 3000) c, unnest('{a,b,c,d,e,f,g}'::text[]) e
		WHERE CASE e WHEN 'a' THEN true WHEN 'b' THEN c > 1 WHEN 'g' THEN c = 1 ELSE c = 2 END;
	SELECT create_map('rare', 'rare', 'customer', 'at', 'event', 'a -> b -> c -> d -> e -> f')});
foreach my $name ('empty', 'rules', 'no order', 'years', 'rare')
{
	$drawings{"$_ of $name"} = run_utf8("SELECT ${_}_svg('$name')") foreach qw(map funnel retention);
}

# Some who went on, some who may yet, some who dropped, some who refused; and hardly anybody, beside many.
run_utf8(q{
	CREATE TABLE lately AS SELECT c AS customer, now() - CASE WHEN c % 3 = 0 THEN interval '1 day' ELSE interval '1 year' END + s * interval '1 minute' AS at, s AS event
		FROM generate_series(1, 900) c, generate_series(1, 6) s WHERE c % 7 >= s OR s = 1;
	SELECT create_map('waiting', 'lately', 'customer', 'at', $$'e' || event$$, 'e1 -> e2 -> optional e3 -> e4 -> e5 -> e6 within 7 days');
	SELECT create_map('few wait', 'lately', 'customer', 'at', $$'e' || event$$, 'e1 -> e2 -> e3 within 7 days', filter => 'customer % 3 > 0 OR customer = 21 OR customer = 3');
	SELECT create_map(name, 'lately', 'customer', 'at', $$CASE WHEN event = 3 AND customer % 5 = 0 THEN 'no' ELSE 'e' || event END$$, 'e1 -> e2 -> optional e3 -> e4 -> e5 -> e6 within 7 days', filter => f, refusal => 'no')
		FROM (VALUES ('refusing', NULL), ('refused', 'customer % 3 > 0'), ('few refuse', 'event <> 3 OR customer % 5 > 0 OR customer < 20')) v(name, f)});
foreach my $name ('waiting', 'few wait', 'refusing', 'refused', 'few refuse')
{
	$drawings{"$_ of $name"} = run_utf8("SELECT ${_}_svg('$name')") foreach qw(map funnel retention);
}

# Of 29 customers first seen in a month, and of 30: what happens to few has no colour.
run_utf8(q{
	CREATE TABLE few AS SELECT c AS customer, timestamptz '2025-02-10 00:00+00' + (c > 29)::int * interval '1 month' + after AS at, event
		FROM generate_series(1, 59) c, LATERAL (VALUES ('view', interval '0', true), ('tour', '1 min', c > 30), ('chat', '1 min', c <= 30), ('cart', '1 hour', c > 30), ('view', '1 month', true)) e(event, after, does) WHERE does;
	SELECT create_map('few', 'few', 'customer', 'at', 'event', 'view -> cart')});
$drawings{"$_ of few"} = run_utf8("SELECT ${_}_svg('few')") foreach qw(map funnel retention);

# Of groups, whose names may be anything; nobody; and one alone.
run_utf8(q{
	SELECT create_map('groups', 'events_0', 'customer', 'at', 'event', 'view -> cart -> purchase', channel => '''ads''',
		segment => $$(ARRAY['LV', NULL, '</style></svg><p>out</p>', repeat('W', 200), 'الإلكتروني عن المنتجات', '&lt;b&gt; %s', 'customers by quarter of the year in which they came first and of the country', 'LV', ' ', 'few', 'EE'])[1 + customer % 11]$$)});
foreach my $by ('segment', 'first_channel')
{
	$drawings{"$_ of groups by $by"} = run_utf8("SELECT ${_}_svg('groups', by => '$by')") foreach qw(map funnel retention);
}
$drawings{"$_ of no groups"} = run_utf8("SELECT ${_}_svg('groups', by => 'segment', where_is => '{\"segment\": []}')") foreach qw(map funnel retention);

# A map that has everything: what it draws is checked number by number below.
run_utf8(q{
	CREATE TABLE wall_events AS
	SELECT c AS customer, date_trunc('hour', now()) - CASE WHEN c % 5 = 0 THEN interval '3 days' ELSE interval '200 days' END + (s * 60 + c % 50) * interval '1 minute' AS at, (ARRAY['visit', 'view', 'cart', 'pay'])[s] AS event,
		(ARRAY['ads', 'search', NULL, 'mail', 'organic social media of the spring', 'organic social media of the autumn'])[1 + (c * 7 + s) % 6] AS channel, NULL::float8 AS value, NULL::text AS said, (ARRAY['Студенты', 'Семьи'])[1 + c % 2] AS who
	FROM generate_series(1, 2400) c, generate_series(1, 4) s WHERE hashint4(c) & 1023 < 1100 * 0.7 ^ (s - 1);
	INSERT INTO wall_events SELECT customer, at + interval '20 minutes', 'survey', NULL, CASE event WHEN 'pay' THEN 10 ELSE (customer * 7 + length(event)) % 11 END, CASE WHEN customer % 10 = 0 THEN 'Было трудно сравнивать варианты на моём телефоне' END, who FROM wall_events WHERE customer % 3 > 0 AND event <> 'cart';
	INSERT INTO wall_events SELECT customer, at + interval '10 minutes', (ARRAY['help', 'newsletter', 'leaflet'])[1 + customer % 3], NULL, NULL, NULL, who FROM wall_events WHERE customer % 4 > 1 AND event IN ('visit', 'view');
	INSERT INTO wall_events SELECT customer, at + interval '40 minutes', 'no', NULL, NULL, NULL, who FROM wall_events WHERE customer % 11 = 0 AND event IN ('visit', 'view') AND customer % 5 > 0;
	SELECT create_map('wall', 'wall_events', 'customer', 'at', 'event', '"Осознание потребности": visit -> "Рассмотрение вариантов": view -> optional cart -> "Покупка": pay within 30 days', channel => 'channel', value => 'value', segment => 'who', nps => 'survey',
		refusal => 'no', comment => 'said', time_zone => 'Europe/Riga');
	SELECT set_target('wall', 'step_rate', 0.9, stage => '2'), set_target('wall', 'step_rate', 0.1, stage => 'Покупка'), set_target('wall', 'median_time', 60, stage => '2'), set_target('wall', 'step_rate', 0.65, stage => '2', by_value => 'Семьи');
	SELECT describe_stage('wall', '1', quote => 'Мне нужно совершить покупку.', action => 'контент-план', owner => 'Маркетинг'), describe_stage('wall', '2', persona => 'Студенты', quote => 'Дорого!', pain => 'Цена доставки видна слишком поздно'),
		describe_stage('wall', 'cart', owner => '<b onclick="window.harmed=true">')});
my %asked = (everybody => '', lately => q{, from_time => now() - interval '10 days', to_time => now() + interval '1 day'}, families => q{, where_is => '{"segment": "Семьи"}'});
foreach my $who (keys %asked)
{
	$drawings{"wall of $who in $_"} = run_utf8("SELECT map_svg('wall', language => '$_'$asked{$who})") foreach qw(en ru lv);
}
$drawings{"$_ wall by groups"} = run_utf8("SELECT ${_}_svg('wall', by => 'segment', language => 'ru')") foreach qw(map funnel retention);
$drawings{"$_ in Latvian"} = run_utf8("SELECT ${_}_svg('wall', language => 'lv', title => 'Ceļš', subtitle => 'Rīga', width => 1500)") foreach qw(map funnel retention);
$drawings{'wall in colours'} = run_utf8(q{SELECT map_svg('wall', colours => '{"customers": "#a05fd6", "dropped": {"light": "#c04000", "dark": "#ff8040"}, "gone_on": "#777777"}', rows => '{actions,voice,customers}', scale_to => 10000)});
$drawings{'wall on a narrow page'} = run_utf8(q{SELECT map_svg('wall', width => 320, rows => '{mood,leaks,channels,kpi,touchpoints,voice,actions,customers}')});
make_map("of $_ stages", [ map { "stage $_" } 1 .. $_ ], 200, 'newsletter') foreach 5, 8, 12, 20;
# The stages of a considered purchase: no word is broken.
make_map('buyer', [qw(unaware problem research solution_choice vendor_search vendor_check trial deal use repeat_purchase loyalty advocacy)], 900, 'newsletter');

# Numbers as large as they can be.
run_utf8(q{
	CREATE TABLE large (stats funnel_stats);
	INSERT INTO large SELECT funnel_agg(journey, 'view -> cart -> purchase') FROM three.journeys;
	DO $$BEGIN FOR i IN 1 .. 40 LOOP UPDATE large SET stats = funnel_stats_combine(stats, stats); END LOOP; END$$});
$drawings{'funnel of many'} = run_utf8(q{SELECT funnel_svg(stats, 'A title of its own ' || repeat('and so on ', 30)) FROM large});
$drawings{'no title'} = run_utf8(q{SELECT funnel_svg(stats, '') FROM large});
$drawings{'map of many'} = run_utf8(q{SELECT cjm_internal.svg_page(cjm_internal.map_svg_drawn(cjm_internal.funnel_drawn_steps(stats),
	(SELECT array_agg((t.step, t.event, t.customers << 40, t.with_rate, t.without_rate, t.difference, t.difference_low, t.difference_high, t.sure)::cjm_internal.map_drawn_touch) FROM three.touchpoints t),
	cjm_internal.map_facts_drawn(cjm_internal.map_of('three'), '{leaks}', NULL, NULL, NULL), '{customers,kpi,touchpoints,leaks}', 15, 'Many', '', false, cjm_internal.draw_look())) FROM large});
$drawings{'retention of many'} = run_utf8(q{SELECT cjm_internal.svg_page(cjm_internal.retention_svg_drawn(array_agg((r.cohort, r.number, r.cohort_size << 40, r.retained << 40, r.rate, r.period_over)::cjm_internal.retention_drawn_cell
	ORDER BY r.cohort, r.number), 'Many')) FROM three.retention r});

# What is in them.
holds($drawings{'map of three'}, qr{\A<svg xmlns="http://www\.w3\.org/2000/svg" .*</svg>\z}s, 'a drawing is one element');
is(scalar(grep { /[^\x20-\x7e\n]/ } values %drawings), 0, 'drawings are printable ASCII');
is(scalar(grep { m{<script|<img|<p>|<b |href|url\(|\@import|\son\w+=["']}i } values %drawings), 0, 'nothing in them runs or comes from elsewhere');
# One precision for numbers that stand beside one another: counts in full, shares and times to a tenth.
my (@uneven, $even);
foreach my $name (sort keys %drawings)
{
	my $text = $drawings{$name} =~ s{<style>.*?</style>}{}sgr =~ s/<[^>]*>/\n/gr =~ s/&#160;/ /gr;

	while ($text =~ /(?<![\w.,&#-])(\d+(?:[.,]\d+)*)( ?%(?! ?[sn1])|[kMGTP]\b| (?:us|ms|s|min|h|d\b))(?![\w&])/g)
	{
		my ($number, $unit) = ($1, $2);

		push @uneven, "$name: $number$unit" unless $unit =~ /[^kMGTP]/ && $number =~ /\A\d+(?:,\d{3})*[.,]\d\z/ || "$number$unit" eq '95%';		# of intervals
		$even++;
	}
}
is(join("\n", @uneven), '', 'no share, time or count is more precise than another');
cmp_ok($even, '>', 5000, 'of many');
holds($drawings{'map of many'}, qr/>\d+(?:,\d{3}){4}</, 'large counts are in full');
my ($broadest) = sort { $b <=> $a } run_sql($node, q{SELECT funnel_svg('fourteen', width => 320)}) =~ /<rect x="[\d.]+" y="[\d.]+" width="([\d.]+)"[^>]*class="bar"/g;
is($broadest, 264, 'on a narrow page a bar has all of its width');
my $cart = run_sql($node, q{SELECT cjm_internal.draw_count(customers) || '|' || cjm_internal.draw_rate(step_rate) || '|' || cjm_internal.draw_time(median_time_seconds) FROM three.funnel WHERE step = 2});
foreach my $number (split /\|/, $cart)
{
	holds($drawings{'funnel of three'}, qr{>[^<]*\Q$number\E}, "the funnel says $number");
	holds($drawings{'map of three'}, qr{>(?:median )?\Q$number\E<}, "the map says $number");
}
my $support = run_sql($node, q{SELECT cjm_internal.draw_count(customers) || '|' || replace(cjm_internal.draw_points(difference), '-', '&#8722;') FROM three.touchpoints
	WHERE event = 'support' AND sure ORDER BY step LIMIT 1});
my ($customers, $difference) = split /\|/, $support;
holds($drawings{'map of three'}, qr{>\Q$customers\E<tspan class="soft" dx="6">\Q$difference\E</tspan>}, 'and the difference of a touchpoint');
is(run_sql($node, q{SELECT string_agg(concat_ws(' ', event, with_customers, without_customers, difference_low > 0, difference_high < 0, sure), ', ' ORDER BY event) FROM few.touchpoints WHERE event IN ('tour', 'chat')}),
	'chat 30 29 f t f, tour 29 30 t f f', 'differences that rest on 29 customers on one side are clear and not sure');
is(join(' ', sort $drawings{'map of few'} =~ /<\/title><circle[^>]* class="(\w+)"/g), 'even even plain', 'and have no colour');
is(join(' ', sort $drawings{'retention of few'} =~ /<g><title>[^<]*<\/title><rect [^>]*class="(\w+)"/g), 'heat6 heat6 heatfew heatfew heatfew', 'nor has a cohort of 29, nor what is left of it, beside one of 30 and both together');
holds($drawings{'retention of few'}, qr/fewer than 30 customers/, 'and it is said why');
foreach my $name ('waiting', 'few wait')
{
	# Every bar of those who wait says how many, and they are those of the view.
	my $open = run_sql($node, qq{SELECT string_agg(cjm_internal.draw_count(open_customers), ' ' ORDER BY step) FROM "$name".funnel WHERE open_customers > 0});

	is(join(' ', $drawings{"map of $name"} =~ /class="strong waits">([\d,]+)</g), $open, "the map says who may yet go on: $name");
	is(join(' ', $drawings{"funnel of $name"} =~ /class="waits"> &#183; ([\d,]+) open</g), $open, "and so does the funnel: $name");
	# The map's legend has one more.
	is(scalar(() = $drawings{"$_ of $name"} =~ /class="wait"/g), scalar(split / /, $open) + ($_ eq 'map'), "and $_ shows them") foreach 'map', 'funnel';
}
foreach my $name ('refusing', 'refused', 'few refuse')
{
	my $refused = run_sql($node, qq{SELECT string_agg(cjm_internal.draw_count(refused), ' ' ORDER BY step) FROM "$name".funnel WHERE refused > 0});

	like($refused, qr/^[\d,]+/, "some refused: $name");
	is(join(' ', $drawings{"map of $name"} =~ /class="strong soft">([\d,]+)</g), $refused, "the map says who refused: $name");
	is(join(' ', $drawings{"funnel of $name"} =~ /class="soft"> &#183; ([\d,]+) refused</g), $refused, "and so does the funnel: $name");
	is(scalar(() = $drawings{"$_ of $name"} =~ /<rect [^>]*class="no"/g), scalar(split / /, $refused) + ($_ eq 'map'), "and $_ shows them") foreach 'map', 'funnel';
}
is(scalar(grep { /refused</ } map { $drawings{"$_ of waiting"} } 'map', 'funnel'), 0, 'where nobody does, nothing is there of it');
is(scalar(grep { /class="waits?"/ } map { $drawings{"$_ of three"} } 'map', 'funnel'), 0, 'where nobody does, nothing is there of it');
my @rates = split /\n/, run_sql($node, 'SELECT cjm_internal.draw_rate(rate) FROM three.retention WHERE number > 0');
is(scalar(grep { index($drawings{'retention of three'}, ">$_<") < 0 } @rates), 0, 'retention says its ' . @rates . ' rates');
holds($drawings{'map of fourteen'}, qr{<desc.*\. 12\. advocacy: [\d,]+ customers?, [^<]*\. touchpoints: [^<]*newsletter: [^<]*</desc>}s, 'the description has every stage and touchpoint');
# Those that surely differ come first, by how much they do, and no stage has a dot of its own event.
my $chosen = run_sql($node, q{
	SELECT string_agg(event, ' ' ORDER BY most DESC NULLS LAST, customers DESC, event COLLATE "C") || '|' || count(*) - 1
	FROM (SELECT t.event, max(abs(t.difference)) FILTER (WHERE t.sure) AS most, sum(t.customers) AS customers
		FROM fourteen.touchpoints t JOIN fourteen.funnel f USING (step) WHERE t.event <> f.stage GROUP BY 1 UNION ALL
		SELECT t.event, NULL, sum(t.customers) FROM fourteen.touchpoints t WHERE t.step = 0 AND t.event NOT IN (SELECT t.event FROM fourteen.touchpoints t JOIN fourteen.funnel f USING (step) WHERE t.event <> f.stage) GROUP BY 1) e});
my ($touchpoints, $more) = split /\|/, $chosen;
my $alone = run_sql($node, q{SELECT map_svg('fourteen', touchpoints => 1)});
is(join(' ', $alone =~ m{<g><title>([\w ]+)</title><text}g), (split / /, $touchpoints)[0], 'as many touchpoints as are asked for, and those that differ first');
holds($alone, qr/and $more more/, 'and how many there are more');
is(run_sql($node, q{SELECT count(*) FROM fourteen.funnel f, regexp_matches(map_svg('fourteen', touchpoints => 100), '<title>([^<,]*), ([^<:]*): [^<]*</title><circle', 'g') m WHERE f.stage = m[1] AND f.stage = m[2]}), '0', 'none is of a stage itself');
holds($drawings{"$_ of rare"}, qr/>&#60;0\.1%/, "$_: nearly nobody is more than nobody") foreach qw(map funnel retention);
holds($drawings{'funnel of rare'}, qr/>&#62;99\.9%<.*median at once/s, 'and nearly everybody less than everybody');
holds($drawings{'retention of years'}, qr/latest 24 are shown/, 'of many cohorts the latest are shown');
holds($drawings{'retention of years'}, qr/class="growing".*not over yet/s, 'and which months are not over');
my ($whole) = $drawings{q{funnel of <b onclick="window.harmed=1">&'"}} =~ m{<title>(6\. [^<]*)</title>};
is($whole =~ s/^6\. ((?:&#1078;)+):.*/length($1) \/ 7/esr, 200, 'a long label is whole in its tooltip');

# Every number of every stage is in a view or a report, and every number of these is there.
sub numbers
{
	my ($text) = @_;

	return join ' ', sort { $a <=> $b || $a cmp $b } $text =~ /\d+(?:\.\d+)?/g;
}
foreach my $who (sort keys %asked)
{
	my $report = sub { my ($name, $more) = @_; $who eq 'everybody' && !$more ? { funnel => 'wall.funnel', touchpoint => '(SELECT *, event AS by_value FROM wall.touchpoints)', drop_off => '(SELECT *, last_event AS by_value FROM wall.drop_off)', feedback => 'wall.feedback' }->{$name} : "${name}_report('wall'" . ($more // '') . "$asked{$who})" };
	my @expected = split /\n/, run_utf8(q{
		WITH t AS (SELECT * FROM } . $report->('touchpoint') . q{ t WHERE NOT (t.step, t.by_value) IN ((1, 'visit'), (2, 'view'), (3, 'cart'), (4, 'pay'))), c AS (SELECT *, row_number() OVER (PARTITION BY step ORDER BY customers DESC, by_value COLLATE "C") AS n FROM } . $report->('touchpoint', q{, by => 'channel'}) . q{ c)
		SELECT translate(concat_ws(' ', cjm_internal.draw_count(f.customers), cjm_internal.draw_count(f.customers - f.dropped - f.open_customers - f.refused), cjm_internal.draw_count(nullif(f.open_customers, 0)), cjm_internal.draw_count(nullif(f.refused, 0)),
			CASE WHEN max(f.dropped) OVER () > 0 THEN cjm_internal.draw_count(f.dropped) || ' ' || cjm_internal.draw_rate(f.drop_rate) END,
			CASE WHEN f.step > 1 THEN cjm_internal.draw_rate(f.step_rate) || ' ' || cjm_internal.draw_time(f.median_time_seconds) END,
			CASE f.step WHEN 2 THEN '} . ($who eq 'families' ? '65.0' : '90.0') . q{% 1.0 min' WHEN 4 THEN '10.0%' END,
			(SELECT string_agg(cjm_internal.draw_rate(c.share), ' ') || ' ' || CASE WHEN max(c.total) > 3 THEN (max(c.total) - 3)::text ELSE '' END FROM (SELECT c.*, count(*) OVER () AS total FROM c WHERE c.step = f.step) c WHERE c.n <= 3),
			(SELECT string_agg(cjm_internal.draw_count(t.customers) || ' ' || CASE WHEN t.sure THEN cjm_internal.draw_points(t.difference) ELSE '' END, ' ') FROM t WHERE t.step = f.step),
			(SELECT round((sum(b.nps_mean * b.nps_answers) / sum(b.nps_answers))::numeric, 1) || ' 10 ' || cjm_internal.draw_count(sum(b.nps_answers)::bigint) FROM } . $report->('feedback') . q{ b WHERE b.step = f.step HAVING sum(b.nps_answers) >= 30),
			(SELECT cjm_internal.draw_count(max(d.customers)) || ' ' || cjm_internal.draw_count(sum(d.customers)::bigint) FROM } . $report->('drop_off') . q{ d WHERE d.step = f.step HAVING sum(d.customers) > 0),
			(SELECT cjm_internal.draw_rate(sum(b.unhappy_drop_rate * b.unhappy) / sum(b.unhappy)) || ' ' || cjm_internal.draw_rate(sum(b.happy_drop_rate * b.happy) / sum(b.happy)) FROM } . $report->('feedback') . q{ b WHERE b.step = f.step HAVING sum(b.unhappy) >= 30 AND sum(b.happy) >= 30)), ',', '')
		FROM } . $report->('funnel') . q{ f ORDER BY f.step});

	foreach my $language (qw(en ru lv))
	{
		# A group for each stage, with groups in it.
		my (undef, @stages) = split /<g role="img" tabindex="0"><title>/, $drawings{"wall of $who in $language"};
		is(scalar @stages, 4, "a group for each stage of $who in $language");
		foreach my $n (0 .. $#stages)
		{
			my $text = join ' ', map { s/<[^>]*>/ /gr } $stages[$n] =~ m{<text[^>]*>(.*?)</text>}g;
			# What is said aloud has all that is seen.
			my ($said) = $stages[$n] =~ /^([^<]*)/;

			$_ = $language eq 'en' ? s/(?<=\d),(?=\d)//gr : s/(?<=\d)&#160;(?=\d)//gr =~ s/(?<=\d),(?=\d)/./gr foreach $text, $said;
			s/&#\d+;/ /g foreach $text, $said;
			is(numbers($text), numbers($expected[$n]), "the numbers of stage " . ($n + 1) . " of $who in $language");
			# Of the third channel and beyond nothing is seen but how many there are, and of dots without a colour no rates.
			my %told = map { $_ => 1 } $said =~ /\d+(?:\.\d+)?/g;
			is(join(' ', grep { !$told{$_} } $expected[$n] =~ /\d+\.\d+/g), '', 'are all in what is said aloud');
		}
	}
}
# What is seen in a drawing, or said in it, as numbers in English form.
sub told
{
	my ($language, $text) = @_;

	$text = $language eq 'en' ? $text =~ s/(?<=\d),(?=\d)//gr : $text =~ s/(?<=\d)&#160;(?=\d)//gr =~ s/(?<=\d),(?=\d)/./gr;
	return numbers($text =~ s/&#\d+;/ /gr);
}

sub seen
{
	my ($svg) = @_;

	return join ' ', map { s/<[^>]*>/ /gr } $svg =~ m{<text[^>]*>(.*?)</text>}g;
}

# So of a funnel: each step as it is seen and as it is said, what stands above, and its description; and of each group that of its customers.
sub funnel_is_read_back
{
	my ($drawing, $language, $more, $what) = @_;
	my ($seen, $said, $above) = map { [ split /\n/ ] } split /\n==\n/, run_utf8(qq{
		CREATE TEMP TABLE f AS SELECT * FROM funnel_report('wall'$more);
		SELECT translate(concat_ws(' ', step, cjm_internal.draw_count(customers), cjm_internal.draw_rate(overall_rate), CASE WHEN step > 1 THEN concat_ws(' ', cjm_internal.draw_rate(step_rate), cjm_internal.draw_time(median_time_seconds)) END,
			CASE WHEN dropped IS NOT NULL THEN concat_ws(' ', cjm_internal.draw_count(dropped), cjm_internal.draw_rate(drop_rate), cjm_internal.draw_count(nullif(open_customers, 0)), cjm_internal.draw_count(nullif(refused, 0))) END), ',', '') FROM f ORDER BY step;
		SELECT '==';
		SELECT translate(concat_ws(' ', step, cjm_internal.draw_count(customers), CASE WHEN step > 1 THEN concat_ws(' ', cjm_internal.draw_rate(overall_rate), cjm_internal.draw_rate(step_rate), CASE WHEN rate_low IS NOT NULL THEN '95 ' || cjm_internal.draw_rate(rate_low) || ' ' || cjm_internal.draw_rate(rate_high) END) END,
			cjm_internal.draw_time(median_time_seconds), cjm_internal.draw_count(dropped), cjm_internal.draw_count(nullif(open_customers, 0)), cjm_internal.draw_count(nullif(refused, 0))), ',', '') FROM f ORDER BY step;
		SELECT '==';
		SELECT translate(concat_ws(' ', cjm_internal.draw_count(a.customers), cjm_internal.draw_count(z.customers), cjm_internal.draw_rate(z.overall_rate), cjm_internal.draw_time(z.median_total_seconds)), ',', '') FROM f a, f z WHERE a.step = 1 AND z.step = 4});
	my ($head, @steps) = split /<g><title>/, $drawing;
	my ($description) = $head =~ m{<desc[^>]*>([^<]*)};
	my ($summary) = grep { /[0-9]/ } reverse $head =~ m{<text[^>]* class="soft">(.*?)</text>}g;

	is(scalar @steps, 4, "a group for each step of $what");
	is(told($language, $summary), numbers($above->[0]), "what stands above $what");
	is(told($language, $description), numbers(join ' ', @$said), "what describes $what");
	foreach my $n (0 .. $#steps)
	{
		my ($title) = $steps[$n] =~ /^([^<]*)/;

		is(told($language, seen($steps[$n])), numbers($seen->[$n]), 'step ' . ($n + 1) . " of $what, seen");
		is(told($language, $title), numbers($said->[$n]), 'and said');
	}
	return;
}
foreach my $who (sort keys %asked)
{
	funnel_is_read_back(run_utf8("SELECT funnel_svg('wall', language => '$_', subtitle => 'S', title => 'T'$asked{$who})"), $_, $asked{$who}, "the funnel of $who in $_") foreach qw(en ru lv);
}
my (undef, @funnels) = split /<svg x=/, $drawings{'funnel wall by groups'};
is(scalar @funnels, 2, 'two funnels side by side');
foreach my $one (@funnels)
{
	my ($label) = map { s/&#(\d+);/chr $1/gre } $one =~ m{<title[^>]*>([^<]*)};

	funnel_is_read_back($one, 'ru', qq{, where_is => '{"segment": "$label"}'}, encode('UTF-8', "the funnel of the group $label"));
}
# And of retention: each cell, in its colour and out of it, each cohort, all together, and the description.
sub retention_is_read_back
{
	my ($drawing, $language, $report, $what) = @_;
	my ($cells, $sizes, $means, $summary) = map { [ split /\n/ ] } split /\n==\n/, run_utf8(qq{
		CREATE TEMP TABLE r AS SELECT * FROM (SELECT r.*, dense_rank() OVER (ORDER BY cohort DESC) AS age FROM $report r) r;
		CREATE TEMP TABLE m AS SELECT number, sum(retained)::bigint AS retained, sum(cohort_size)::bigint AS size, sum(retained)::float8 / sum(cohort_size)::float8 AS rate FROM r WHERE age <= 24 AND number BETWEEN 1 AND 24 AND period_over GROUP BY number;
		SELECT translate(concat_ws(' ', number, cjm_internal.draw_count(retained), cjm_internal.draw_count(cohort_size), cjm_internal.draw_rate(rate)), ',', '') FROM r WHERE age <= 24 AND number BETWEEN 1 AND 24 ORDER BY cohort, number;
		SELECT '==';
		SELECT translate(cjm_internal.draw_count(max(cohort_size)), ',', '') FROM r WHERE age <= 24 GROUP BY cohort ORDER BY cohort;
		SELECT '==';
		SELECT translate(concat_ws(' ', number, cjm_internal.draw_count(retained), cjm_internal.draw_count(size), cjm_internal.draw_rate(rate)), ',', '') FROM m ORDER BY number;
		SELECT '==';
		SELECT translate(cjm_internal.draw_count(sum(size)::bigint), ',', '') || ' ' || count(*) || CASE WHEN count(*) > 24 THEN ' 24' ELSE '' END FROM (SELECT cohort, max(cohort_size) AS size FROM r GROUP BY cohort) c});
	my @shown = $drawing =~ m{<g><title>([^<]*)</title>.*?<text[^>]*>([^<]*)</text>}sg;
	my (@read, @rates);

	while (my ($title, $rate) = splice @shown, 0, 2)
	{
		$title =~ /(\d+): (.*)$/ or next;
		push @read, "$1 " . join ' ', told($language, $2) =~ /\S+/g;
		push @rates, told($language, $rate);
	}
	my @expected = (@$cells, @$means);
	is(join("\n", map { numbers($_) } @read), join("\n", map { numbers($_) } @expected), "the cells of $what, said");
	is(join(' ', @rates), join(' ', map { (split / /)[-1] =~ s/[^\d.]//gr } @expected), 'and seen');
	is(join(' ', map { told($language, $_) } (($drawing =~ m{class="end">([^<]*)</text>}g)[0 .. $#$sizes])), join(' ', @$sizes), "the cohorts of $what");
	my ($description) = $drawing =~ m{<desc[^>]*>([^<]*)};
	is(told($language, $description), numbers(join ' ', $summary->[0], map { (split / /)[0] . ' ' . (split / /)[-1] } @$means), "what describes $what");
	return;
}
foreach my $language (qw(en ru lv))
{
	retention_is_read_back(run_utf8("SELECT retention_svg('years', language => '$language')"), $language, q{years.retention}, "retention in $language");
	retention_is_read_back(run_utf8("SELECT retention_svg('years', language => '$language', from_time => now() - interval '400 days', to_time => now() - interval '40 days', width => 1500, scale_to => 0.9)"), $language,
		q{retention_report('years', from_time => now() - interval '400 days', to_time => now() - interval '40 days')}, "retention of a range in $language");
}
my ($largest) = grep { m{<title[^>]*>LV<} } split /<svg x=/, run_utf8(q{SELECT retention_svg('groups', by => 'segment')});
retention_is_read_back($largest, 'en', q{retention_report('groups', where_is => '{"segment": "LV"}')}, 'retention of a group');

# Rows of small maps say of each group what the map says of its customers alone; but touchpoints of groups are compared with those of all groups in view.
{
	my (undef, @maps) = split /<svg x=/, run_utf8(q{SELECT map_svg('wall', by => 'segment', rows => '{customers,kpi,channels,mood,voice,leaks,actions}')});

	is(scalar @maps, 2, 'two maps side by side');
	foreach my $one (@maps)
	{
		my ($label) = map { s/&#(\d+);/chr $1/gre } $one =~ m{<title[^>]*>([^<]*)};
		my $alone = run_utf8(qq{SELECT map_svg('wall', where_is => '{"segment": "$label"}', rows => '{customers,kpi,channels,mood,voice,leaks,actions}')});

		is(join("\n", $one =~ m{<g role="img" tabindex="0"><title>([^<]*)}g), join("\n", $alone =~ m{<g role="img" tabindex="0"><title>([^<]*)}g), encode('UTF-8', "of the group $label all rows say what they say of it alone"));
		is(scalar(() = $one =~ /class="mood"/g), scalar(() = $alone =~ /class="mood"/g), 'and its moods are drawn');
	}
}
ok(index($drawings{'wall of everybody in ru'}, $_) > 0, "the wall says $_") foreach map { run_utf8("SELECT cjm_internal.svg_escape('$_')") } '«Мне нужно совершить покупку.»', 'Маркетинг', 'контент-план', 'Цена доставки', 'больше всего потерь';
holds($drawings{'wall of families in en'}, qr/&#10003; target 65\.0%, met/, 'a target of a part is of the part');
holds($drawings{'wall of everybody in en'}, qr/&#9660; target 90\.0%, below/, 'and that of all of all');
holds($drawings{'wall in colours'}, qr/the full bar is 10,000<|is 10,000 customers/, 'a scale is that which is asked for');
is(join(' ', map { s/&#(\d+);/chr $1/gre } $drawings{'map of buyer'} =~ m{class="strong">([^<]*)</text>\n(?=<text[^>]*strong|<text[^>]*large)}g) =~ s/[\d,]+ ?//gr, 'unaware problem research solution_choice vendor_search vendor_check trial deal use repeat_purchase loyalty advocacy', 'no word of a stage is broken');
# Small maps stand side by side, on one scale.
my @places = $drawings{'map wall by groups'} =~ /<svg x="([\d.]+)" y="([\d.]+)"/g;
ok($places[0] < $places[2] && $places[1] == $places[3], 'small maps stand side by side');
my @scales = $drawings{'map wall by groups'} =~ />&#1074;&#1089;&#1103;[^<]*<\/text>\n<text[^>]*>([^<]*)</g;
is(scalar(@scales) . ' ' . scalar(keys %{ { map { $_ => 1 } @scales } }), '2 1', 'on one scale');

# What is cut is never cut to the same: words of customers and names of groups.
run_utf8(q{SELECT create_map('alike', 'events_0', 'customer', 'at', 'event', 'view -> cart -> purchase', segment => $$'The same long beginning of a name ' || (customer % 3) || ' and the same long end of it, which goes on'$$);
	SELECT describe_stage('alike', stage, quote => 'We have been told so often that it would be delivered within ' || step || ' days that nobody here believes in any of it, and so we went to another shop, which delivered at once', owner => 'The department of the very long name ' || step || ' which nobody knows by heart')
		FROM (VALUES (1, 'view'), (2, 'cart'), (3, 'purchase')) s(step, stage)});
$drawings{'map of what is alike'} = run_utf8(q{SELECT map_svg('alike', width => 320, rows => '{voice,actions}')});
$drawings{"$_ of groups that are alike"} = run_utf8("SELECT ${_}_svg('alike', by => 'segment', width => 320)") foreach qw(map funnel retention);
foreach my $class ('said', 'strong')
{
	my @cells = map { join ' ', m{class="$class">([^<]*)</text>}g } (split /<g role="img"/, $drawings{'map of what is alike'})[1 .. 3];

	is(scalar(keys %{ { map { $_ => 1 } @cells } }), 3, "three cells of class $class look like three");
	holds($cells[0], qr/&#8230;/, 'and are cut');
}
foreach my $kind (qw(map funnel retention))
{
	my (undef, @parts) = split /<svg x=/, $drawings{"$kind of groups that are alike"};
	my %titles = map { m{class="title">([^<]*)<} ? ($1 => 1) : () } @parts;

	is(scalar(keys %titles), 3, "$kind: three titles look like three");
}

# Groups: the largest first, those of whom nothing is known in their place, and six of the others.
my @groups = map { s/&#(\d+);/chr $1/egr } run_sql($node, q{SELECT string_agg(l, E'\n' ORDER BY n DESC, l COLLATE "C") FROM (SELECT coalesce(cjm_internal.svg_escape(segment), 'not known') AS l, count(*) AS n FROM groups.customers WHERE step > 0 GROUP BY 1) s}) =~ /.+/g;
foreach my $kind (qw(map funnel retention))
{
	my @shown = map { s/&#(\d+);/chr $1/egr } $drawings{"$kind of groups by segment"} =~ /<svg x="[^"]*" y=[^>]*>\n<title[^>]*>(.*?)<\/title>/g;

	is(scalar @shown, 8, "$kind: six groups, not known, and others");
	is(pop @shown, 'others', "$kind: others last");
	is(scalar(grep { my $shown = $_; grep { $_ eq $shown } @groups } @shown), 7, "$kind: groups that there are") or diag("@shown");
	is($shown[0], 'LV', "$kind: the largest first");
	holds($drawings{"$kind of groups by segment"}, qr/the 7 largest groups by segment, and all others together/, "$kind says so");
	holds($drawings{"$kind of no groups"}, qr/>nobody</, "$kind of nobody");
	my %ids;
	$ids{$_}++ foreach $drawings{"$kind of groups by segment"} =~ / id="([^"]*)"/g;
	is(scalar(grep { $_ > 1 } values %ids), 0, "$kind: no id twice");
}

# The same bytes whatever the settings.
my $forced = run_sql($node, q{SELECT name FROM pg_settings WHERE name IN ('debug_parallel_query', 'force_parallel_mode')});
run_sql($node, q{CREATE TABLE drawn AS SELECT map_svg('scripts') AS map, funnel_svg('three') AS funnel, retention_svg('fourteen') AS retention});
is(run_sql($node, qq{SET $_; SELECT (map, funnel, retention) = (cjm.map_svg('scripts'), cjm.funnel_svg('three'), cjm.retention_svg('fourteen')) FROM public.drawn}), 't', "SET $_")
  foreach 'extra_float_digits = -15', q{DateStyle = 'German'}, q{IntervalStyle = 'sql_standard'}, q{TimeZone = 'Pacific/Auckland'}, q{search_path = ''},
  q{client_encoding = 'LATIN1'}, "parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET $forced = on";

# And whatever the encoding of the database, as far as it has the characters.
run_sql($node, q{CREATE TABLE labels AS SELECT funnel_svg(funnel_stats('"žurnāls" -> "Ł & <b>"'::funnel), 'ž') AS drawn});
foreach my $encoding ('LATIN2', 'SQL_ASCII', 'EUC_JP')
{
	my ($labels, $perl) = $encoding eq 'EUC_JP' ? ('"日本語" -> "購入 & <b>"', 'euc-jp') : ('"ž" -> "Ł & <b>"', $encoding eq 'LATIN2' ? 'iso-8859-2' : 'UTF-8');
	my $sql = "SELECT funnel_svg(funnel_stats('$labels'::funnel), 'x')";

	run_sql($node, "CREATE DATABASE svg_$encoding ENCODING '$encoding' LOCALE 'C' TEMPLATE template0");
	run_sql($node, 'CREATE EXTENSION cjm; ALTER DATABASE svg_' . lc($encoding) . ' SET search_path = public, cjm', database => lc "svg_$encoding");
	ok(run_sql($node, encode($perl, "SET client_encoding = '$encoding'; $sql"), database => lc "svg_$encoding") eq run_utf8($sql), "in a database in $encoding");
	like(run_sql($node, encode($perl, "SET client_encoding = '$encoding'; SELECT funnel_chart(funnel_stats('$labels'::funnel), 5)"), database => lc "svg_$encoding"),
		qr/customers/, "a chart in $encoding");
}
is(run_sql($node, q{SELECT cjm_internal.svg_escape(E'a\xff\xc3') || array_to_string(cjm_internal.svg_lines(E'\xe2\x82', 5), '')}, database => 'svg_sql_ascii'),
	'a&#65533;&#65533;&#65533;&#65533;', 'bytes that are no characters');

# Whoever sees the views sees the drawings, and whoever does not, not.
run_sql($node, q{
	CREATE ROLE looker LOGIN;
	GRANT USAGE ON SCHEMA three TO looker;
	GRANT SELECT ON three.funnel, three.retention, three.touchpoints, three.drop_off TO looker;
	SELECT create_map('readers', 'events_0', 'customer', 'at', 'event', 'view -> cart', access => 'reader');
	GRANT USAGE ON SCHEMA readers TO looker; GRANT SELECT ON ALL TABLES IN SCHEMA readers TO looker});
ok(run_sql($node, "SELECT ${_}_svg('three')", user => 'looker') eq $drawings{"$_ of three"}, "a reader of the views: $_") foreach qw(map funnel retention);
run_sql($node, 'REVOKE SELECT ON three.drop_off FROM looker');
ok(run_sql($node, q{SELECT map_svg('three')}, user => 'looker') eq run_sql($node, q{SELECT map_svg('three', rows => '{customers,kpi,touchpoints}')}), 'a row of what a reader may not read is not there');
run_sql_fails($node, q{SELECT map_svg('three', rows => '{leaks}')}, '42501', qr/drop_off/, 'unless it is asked for', user => 'looker');
foreach my $kind (qw(map funnel retention))
{
	run_sql_fails($node, "SELECT ${kind}_svg('readers')", '42501', qr/events_0/, "a reader without rights on the source: $kind", user => 'looker');
}

# Cuts are where Perl's \X, the rules of the same annex, says, and leave no more room than they have to.
srand(1);
my @pool = (map(chr, 0x61 .. 0x7a), ' ', '_', map(chr, 0x301, 0x323, 0x20dd, 0x200d, 0xfe0f, 0x1f468, 0x1f469, 0x1f3fd, 0x1f1f1, 0x1f1fb, 0x1112, 0x1161, 0x11ab, 0xac00, 0x915, 0x93e, 0x94d,
		0x939, 0xe01, 0xe33, 0x600, 0x633, 0x65e5, 0x436, 0x2764));
my (@labels, %boundaries);
foreach my $n (1 .. 2000)
{
	my $label = join '', 'a', map { $pool[ rand @pool ] } 1 .. 1 + rand 12;
	my $to = 0;

	push @labels, $label;
	$boundaries{$label} = { 0 => 1, map { ($to += length) => 1 } $label =~ /(\X)/g };
}
run_sql($node, 'CREATE TABLE texts (label text)');
run_utf8('INSERT INTO texts VALUES ' . join ', ', map { "('$_')" } @labels);
my ($cuts, $bad) = (0, 0);
foreach my $row (split /\n/, decode('UTF-8', run_sql($node, q{SELECT label || '|' || room || '|' || cjm_internal.svg_lines(label, room)::text || '|' || cjm_internal.svg_width(rtrim(label))
	FROM texts CROSS JOIN generate_series(1, 9, 1.7) room})))
{
	my ($label, $room, $line, $width) = split /\|/, $row;
	my $cut = ($line =~ s/^\{"?|"?\}$//gr) =~ s/&#(82[0-9][0-9]);/$1 == 8295 || $1 == 8297 ? '' : chr $1/ger =~ s/&#(\d+);/chr $1/ger;

	if ($cut =~ /^(.*)\x{2026}(.*)$/s)
	{
		my ($head, $tail) = ($1, $2);
		my $whole = $label =~ s/ +$//r;
		my ($from, $to) = (length $head, length($whole) - length $tail);

		$cuts++;
		# Spaces beside an ellipsis are not there, nor at the end of a line.
		$from++ while !$boundaries{$label}{$from} && substr($label, $from, 1) eq ' ';
		$to-- while !$boundaries{$label}{$to} && substr($label, $to - 1, 1) eq ' ';
		$bad++ unless index($label, $head) == 0 && ($tail eq '' || substr($whole, -length $tail) eq $tail) && $boundaries{$label}{$from} && ($boundaries{$label}{$to} || $to == length $whole) && $width > $room;
	}
	else
	{
		$bad++ unless $width <= $room + 0.3;
	}
}
ok($cuts > 3000, "$cuts labels are cut");
is($bad, 0, 'none inside a character, and none that fits');

# The pictures of the documents are those that the functions draw now.
run_sql($node, 'CREATE DATABASE pictures');
mkdir "$dir/pictures";
command_ok([ 'psql', '-X', '-d', $node->connstr('pictures'), '-v', "dir=$dir/pictures", '-f', "$root/doc/img/draw.sql" ], 'the pictures are drawn');
ok(slurp_file("$dir/pictures/$_.svg") eq slurp_file("$root/doc/img/$_.svg"), "doc/img/$_.svg; if it should change, make pictures") foreach qw(map map.ru map.lv funnel retention);
$drawings{"picture of $_"} = slurp_file("$root/doc/img/$_.svg") foreach qw(map map.ru map.lv funnel retention);

# A number that is missing leaves its place empty.
is(join(', ', grep { $drawings{$_} =~ /<path[^>]* d="[^"]*(?:  |[A-Za-z] | [A-Za-z"])/ } sort keys %drawings), '', 'paths are made of numbers');
like('<path d="M12 20C 4 5"/>', qr/<path[^>]* d="[^"]*(?:  |[A-Za-z] | [A-Za-z"])/, 'what is not is noticed');

SKIP:
{
	skip 'there is no xmllint (libxml2-utils): drawings are not read by an XML parser', 2 unless $xmllint;
	my @files;

	foreach my $name (sort keys %drawings)
	{
		push @files, "$dir/drawing" . @files . '.svg';
		write_bytes($files[-1], $drawings{$name});
	}
	my $said = qx($xmllint --noout --nonet @files 2>&1);
	is($?, 0, scalar(@files) . ' drawings are well-formed XML') or diag(substr $said, 0, 2000);
	write_bytes("$dir/wrong.svg", $drawings{'map of one'} =~ s/<desc/<dsc/r);
	qx($xmllint --noout --nonet $dir/wrong.svg 2>&1);
	isnt($?, 0, 'what is not is noticed');
}

# Runs the browser with a profile of its own; returns what it prints.
sub browse
{
	my (@options) = @_;
	my $home = "$dir/browser";

	mkdir $home;
	local %ENV = (%ENV, HOME => $home, XDG_CONFIG_HOME => $home, XDG_CACHE_HOME => $home, TMPDIR => $home, DBUS_SESSION_BUS_ADDRESS => 'disabled:');
	IPC::Run::run([ $browser, qw(--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --hide-scrollbars --virtual-time-budget=1000), "--user-data-dir=$home/profile", @options ],
		'<', \undef, '>', \my $out, '2>', \my $err);
	return $out;
}

my $script = slurp_file("$FindBin::RealBin/measure.js");

# What is wrong with drawings, as lines; the first one counts what was looked at.
sub measured
{
	my ($scheme, %looked_at) = @_;

	write_bytes("$dir/page.html", "<!DOCTYPE html><meta charset=\"utf-8\"><body>"
		. join('', map { '<div data-name="' . ($_ =~ s/[^\w ]/_/gr) . "\">$looked_at{$_}</div>\n" } sort keys %looked_at)
		. "<pre id=\"result\"></pre><script>$script</script>");
	my ($result) = browse('--blink-settings=preferredColorScheme=' . ($scheme eq 'dark' ? 0 : 1), '--dump-dom', "file://$dir/page.html") =~ /RESULT (\S*) END/;
	return split /\n/, decode('UTF-8', decode_base64($result // ''));
}

SKIP:
{
	skip 'there is no chromium: drawings are not looked at', 1 unless $browser;

	foreach my $scheme (qw(light dark))
	{
		my ($seen, @wrong) = measured($scheme, %drawings);

		like($seen // '', qr/^drawings=${\ scalar keys %drawings} texts=\d{4} backgrounds=\d{5} shapes=\d{3,4} dark=${\ ($scheme eq 'dark' ? 'true' : 'false')}$/, "looked at in $scheme");
		is(join("\n", @wrong), '', "all drawings can be read in $scheme");
	}

	# That it would be noticed.
	my $good = $drawings{'map of three'};
	foreach my $change (
		[ 'a text that runs out', $good =~ s/class="title">/class="title">@{[ 'W' x 99 ]}/r, qr/runs out of the page/ ],
		[ 'one over another', $good =~ s{(<text x="28" y=")66}{${1}50}r, qr/overlap/ ],
		[ 'a pale one', $good =~ s/#57606a/#9aa0a6/r, qr/has a contrast of 2\.\d\d on paper/ ],
		[ 'a script', $good =~ s{</svg>}{<script>window.harmed=1</script></svg>}r, qr/has an element script.*a label has become a script/s ],
		[ 'no title', $good =~ s/role="group"//r, qr/is no image/ ],
		[ 'a stage that no key reaches', $good =~ s/ tabindex="0"//r, qr/has a stage that is not read/ ])
	{
		my ($title, $svg, $pattern) = @$change;
		my ($seen, @wrong) = measured('light', changed => $svg);

		like(join("\n", @wrong), $pattern, "$title is noticed");
	}

	# Alone, as a file: a picture, light and dark, and one page of paper, which is light.
	my %first = (light => "\xff\xff\xff", dark => "\x14\x18\x1d");
	write_bytes("$dir/map.svg", $drawings{'picture of map'});
	foreach my $scheme (qw(light dark))
	{
		my $setting = '--blink-settings=preferredColorScheme=' . ($scheme eq 'dark' ? 0 : 1);
		my $png = "$dir/$scheme.png";

		browse($setting, "--screenshot=$png", '--window-size=1120,760', "file://$dir/map.svg");
		my $pixels = pixels($png);
		my %bytes = map { $_ => 1 } unpack '(a1)*', $pixels;
		is(unpack('H*', substr $pixels, 1, 3), unpack('H*', $first{$scheme}), "the paper is $scheme");
		cmp_ok(scalar keys %bytes, '>', 100, "there is something on it in $scheme");
		browse($setting, '--no-pdf-header-footer', "--print-to-pdf=$dir/$scheme.pdf", "file://$dir/map.svg");
	}
	foreach my $scheme (qw(light dark))
	{
		my $pdf = slurp_file("$dir/$scheme.pdf");
		my $drawn = join '', map { uncompress($_) // '' } $pdf =~ /stream\r?\n(.*?)\r?\nendstream/gs;

		is(scalar(() = $pdf =~ m{/Type /Page\b(?!s)}g), 1, "one page in $scheme");
		ok($drawn =~ /\b1 1 1 rg\b/, "printed on white in $scheme");
		ok($drawn !~ /\.0784\d* \.0941\d* \.1137\d* rg\b/, "and not on black in $scheme");
	}
	write_bytes("$dir/long.svg", $drawings{'funnel of thirty'} =~ s/<style>/<style>\@page{size:A4 landscape}/r);
	browse('--no-pdf-header-footer', "--print-to-pdf=$dir/long.pdf", "file://$dir/long.svg");
	is(scalar(() = slurp_file("$dir/long.pdf") =~ m{/Type /Page\b(?!s)}g), 1, 'a long funnel fits on one page, even the wrong way round');
}

# The bytes of a PNG's lines, the first of which begins with the number of its filter.
sub pixels
{
	my ($file) = @_;
	my $png = slurp_file($file);
	my $data = '';
	my $at = 8;

	while ($at < length $png)
	{
		my ($size, $kind) = unpack 'Na4', substr $png, $at, 8;

		$data .= substr $png, $at + 8, $size if $kind eq 'IDAT';
		$at += 12 + $size;
	}
	return uncompress($data);
}

server_is_well($node);
$node->stop;
done_testing();
