# A map says the same to every reader, whatever the settings of its maker and of
# the reader are; what would not last as long as the map is refused; and a map
# lives through a lost or renamed extension.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use Test::More;

my $node = start_server('map_settings');
# A beta of a version is less than the version, and has its settings and functions.
my $major = $node->pg_version->major;

run_sql($node, q~
	CREATE TABLE ev (who int, at timestamptz, lt timestamp, d date, iv interval, what text, ch text, amount float8, small float4, b bytea, ts text, price money);
	INSERT INTO ev SELECT i % 20, timestamptz '2026-03-01 21:30Z' + i * interval '7 hours 13 minutes 0.000001 seconds', timestamp '2026-03-28 23:30' + i * interval '1 hour',
		date '2026-02-27' + i, make_interval(months => i % 3, days => -i, secs => i * 1000.5), (ARRAY['view', 'cart', 'back\slash', 'buy'])[1 + i % 4],
		(ARRAY['email', NULL, 'ads'])[1 + i % 3], i / 7.0::float8, i / 7.0::float4, decode(lpad(to_hex(i * 1000), 8, '0'), 'hex'),
		to_char(timestamp '2026-03-28 20:00' + i * interval '1 hour', 'YYYY-MM-DD HH24:MI'), 1000.25::numeric::money
	FROM generate_series(1, 120) i;

	-- What an expression can depend on, without a form of its own that the maker's settings decide.
	CREATE FUNCTION make(name text) RETURNS regnamespace LANGUAGE SQL AS $$
		SELECT cjm.create_map(name, 'public.ev', 'who',
			at => $e$greatest(at, timestamptz '2026-03-02 10:00', ts::timestamptz - interval '1 month', lt - interval '40 days')$e$,
			event => $e$CASE WHEN amount > 1.0000000000000002::float8 THEN what ELSE 'view' END$e$, stages => $e$view -> cart -> buy within 30 days$e$,
			channel => $e$coalesce(ch, E'back\\slash')$e$, value => $e$extract(hour FROM at) + amount * 0.1::float8$e$,
			segment => $e$concat_ws('|', at, lt, d, iv, amount, small, b, lower(at::text), at::date, date_trunc('week', at)) || ('x' || at) ||
				to_char(at, 'Day HH24') || ARRAY[at, '2026-01-01']::text || (to_jsonb(at) #>> '{}') || ARRAY['a', NULL]::text || (iv > interval '-1 days +02:03:04')::text ||
				tstzrange(at, at + iv + interval '100 years')::text || to_timestamp(ts, 'YYYY-MM-DD HH24:MI')::text || age(at, lt)::text$e$,
			filter => $e$at >= date '2026-03-02' AND lt > '2026-03-01 00:00 Asia/Tokyo'::timestamptz AND at < timestamptz '2026-05-01 12:00:00.000001+05:30'
				AND b <> E'\\\\x0001' AND NOT amount = 3.0000000000000004 AND price > '12'::money AND what <> E'it''s \\\\'
				AND coalesce(nullif(what, NULL::text), '') = ANY (ARRAY[what, NULL])$e$,
			session_gap => '1 day 02:30:00', time_zone => 'Europe/Riga',
			dimensions => '{"time": "at || to_char(at, ''Day HH24'')", "local": "lt - interval ''1 month''", "double": "amount", "looked up": "(SELECT max(lt) FROM public.ev e WHERE e.who = ev.who AND e.at < ''2026-03-09 10:00'')"}') $$;
	CREATE FUNCTION says(name text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		answer text;
		definition text;
	BEGIN
		EXECUTE format('SELECT md5(string_agg(concat_ws(chr(10), who, second, event, channel, value, segment, dimensions::text), chr(10) ORDER BY who, second, event, channel, value, segment, dimensions))
			FROM (SELECT customer AS who, extract(epoch FROM at) AS second, event, channel, encode(float8send(value), ''hex'') AS value, segment, dimensions FROM %1$s.events) e
			(who, second, event, channel, value, segment, dimensions)', name) INTO answer;
		EXECUTE format('SELECT md5(string_agg(concat_ws(''|'', stage, customers, extract(epoch FROM median_time)), '','' ORDER BY step)) || $1 FROM %1$s.funnel', name) INTO answer USING answer;
		EXECUTE format('SELECT md5(string_agg(concat_ws(''|'', extract(epoch FROM cohort), number, retained), '','' ORDER BY cohort, number)) || $1 FROM %1$s.retention', name)
			INTO answer USING answer;
		EXECUTE format('SELECT md5(string_agg(concat_ws(''|'', customer, session_number, extract(epoch FROM day), touches), '','' ORDER BY customer, session_number)) || $1
			FROM %1$s.sessions', name) INTO answer USING answer;
		EXECUTE format('SELECT md5(string_agg(dimensions::text, '','' ORDER BY customer)) || $1 FROM %1$s.journeys', name) INTO answer USING answer;
		SELECT concat_ws(' ; ', dimensions, customer, m.at, event, channel, value, segment, filter, extract(epoch FROM session_gap), time_zone) INTO definition
		FROM cjm.maps m WHERE m.map = name::regnamespace;
		RETURN concat_ws(' ', answer, md5(regexp_replace(definition, $r$'(MDY|DMY|YMD)'$r$, 'order', 'g')),
			(SELECT count(*) FROM cjm.check_map(name) WHERE finding = 'definition out of date'));
	END $$;
	CREATE FUNCTION drawn() RETURNS text LANGUAGE SQL AS $$
		SELECT concat_ws(' ', md5(cjm.map_svg('m0')), md5(cjm.funnel_svg('m0')), md5(cjm.retention_svg('m0')),
			(SELECT md5(string_agg(c, ',')) FROM cjm.funnel_chart('m0') c),
			(SELECT md5(string_agg(concat_ws('|', finding, subject, touches, meaning), ',')) FROM cjm.check_map('m0'))) $$;
~);

# Settings in an order that has each two values of two of them together: rows of values, chosen greedily.
my @locales = grep { /^(?:de|fr|ru|lv|tr|cs)_/ } split /\n/, `locale -a`;
my @factors = (
	[ TimeZone => "'UTC'", "'Asia/Jerusalem'", "'America/New_York'", "'Australia/Lord_Howe'", "'<here>+3:17'" ],
	[ DateStyle => "'ISO, MDY'", "'SQL, DMY'", "'German'", "'Postgres, YMD'" ],
	[ IntervalStyle => qw(postgres sql_standard postgres_verbose iso_8601) ],
	[ extra_float_digits => 1, -15, 0, 3 ],
	[ quote_all_identifiers => qw(off on) ],
	# They have no other form since 19.
	[ standard_conforming_strings => $major >= 19 ? 'on' : qw(on off) ],
	[ bytea_output => qw(hex escape) ],
	[ array_nulls => qw(on off) ],
	[ transform_null_equals => qw(off on) ],
	[ xmloption => qw(content document) ],
	[ timezone_abbreviations => "'Default'", "'India'" ],
	[ lc_numeric => "'C'", map { "'$_'" } @locales[ 0 .. ($#locales < 1 ? $#locales : 1) ] ],
	[ lc_monetary => "'C'", map { "'$_'" } @locales[ 0 .. ($#locales < 1 ? $#locales : 1) ] ]);

# The fewest rows that a greedy choice finds in which every value of each setting meets every one of each other.
sub pairwise
{
	my (@sizes) = @_;
	my (%open, @rows);

	foreach my $i (0 .. $#sizes)
	{
		foreach my $j ($i + 1 .. $#sizes)
		{
			foreach my $x (0 .. $sizes[$i] - 1)
			{
				$open{"$i $x $j $_"} = 1 foreach 0 .. $sizes[$j] - 1;
			}
		}
	}
	while (%open)
	{
		my ($first) = sort keys %open;
		my ($i, $x, $j, $y) = split ' ', $first;
		my %row = ($i => $x, $j => $y);

		foreach my $k (grep { !defined $row{$_} } 0 .. $#sizes)
		{
			my @chosen = keys %row;
			my @values = map { my $v = $_; scalar grep { $open{ $_ < $k ? "$_ $row{$_} $k $v" : "$k $v $_ $row{$_}" } } @chosen } 0 .. $sizes[$k] - 1;

			($row{$k}) = sort { $values[$b] <=> $values[$a] || $a <=> $b } 0 .. $#values;
		}
		push @rows, [ map { $row{$_} } 0 .. $#sizes ];
		foreach my $i (0 .. $#sizes)
		{
			delete $open{"$i $row{$i} $_ $row{$_}"} foreach $i + 1 .. $#sizes;
		}
	}
	return @rows;
}

my @sessions = map
{
	my $row = $_;
	join '; ', map { "SET $factors[$_][0] = $factors[$_][ 1 + $row->[$_] ]" } 0 .. $#factors
} ([ (0) x @factors ], pairwise(map { $#$_ } @factors));
cmp_ok(scalar(@sessions), '>=', 20, 'settings in ' . @sessions . ' combinations');

foreach my $n (0 .. $#sessions)
{
	is(run_sql($node, "SET client_min_messages = warning; $sessions[$n]; SELECT public.make('m$n')::oid > 0"), 't', "a map is made under: $sessions[$n]");
}
my $said = run_sql($node, "$sessions[0]; SELECT public.says('m0')");
my $drawn = run_sql($node, "$sessions[0]; SELECT public.drawn()");
like($said, qr/^[0-9a-f]{160} [0-9a-f]{32} 0$/, 'the first map says something, and is up to date');
foreach my $session (@sessions)
{
	my $others = join '', map { "\n$_" } grep { $_ ne $said } split /\n/, run_sql($node, "$session; SELECT public.says('m' || n) FROM generate_series(0, $#sessions) n");

	is($others, '', "all maps say the same under: $session");
	is(run_sql($node, "$session; SELECT public.drawn()"), $drawn, 'and are drawn alike');
}

# It is not only the same but what the time zone of the map makes of it.
run_sql($node, q{SET TimeZone = 'Asia/Tokyo';
	SELECT cjm.create_map('zoned', 'ev', 'who', 'at', 'what', 'view', segment => 'at::text || to_char(at, '' HH24'')', filter => 'at >= ''2026-03-02 10:00''', time_zone => 'Europe/Riga')});
is(run_sql($node, q{SET TimeZone = 'America/New_York'; SELECT min(extract(epoch FROM at)) >= extract(epoch FROM timestamptz '2026-03-02 10:00+02'),
	bool_and(segment = replace(to_char(at AT TIME ZONE 'Europe/Riga', 'YYYY-MM-DD HH24:MI:SS.US'), '.000000', '') ||
		CASE WHEN at < '2026-03-29 01:00Z' THEN '+02' ELSE '+03' END || to_char(at AT TIME ZONE 'Europe/Riga', ' HH24')) FROM zoned.events WHERE extract(microseconds FROM at) % 10 <> 0}),
	't|t', 'times in texts and constants are those of the map\'s zone');
run_sql_fails($node, "SELECT create_map('x', 'ev', 'who', 'at', 'what', 'view', time_zone => '$_')", '22023', qr/time zone "$_" is an abbreviation/,
	"$_ is no zone for a map") foreach qw(IST MSK CET);
# Not every server knows XML.
my $xml = run_sql($node, q{SELECT count(*) FROM pg_config WHERE name = 'CONFIGURE' AND setting LIKE '%--with-libxml%'});
run_sql($node, 'ALTER TABLE ev ADD COLUMN arr text[]; UPDATE ev SET arr = ARRAY[ts]');
foreach my $expression (
	'array_to_string(ARRAY[at], $$,$$)', 'price', 'to_char(at, $$OF$$)', 'extract(timezone FROM at)', 'at::timetz', 'current_time',
	# the search_path
	'what::regclass::text', '$$x$$ || what::regclass', 'concat(what::regclass)', 'tableoid::regclass::text', 'pg_typeof(who)::text', 'current_schema()',
	'(to_regclass(what) IS NULL)::text', '(what::regclass::text = $$ev$$)::text',
	# a locale
	'price::numeric::text', '(amount::numeric::money)::numeric::text', 'what::money::numeric::text', 'concat(price)', 'price || $$x$$', 'format($$%s$$, price)', 'ARRAY[price]::text',
	'ev::text', 'to_json(price)::text', 'to_jsonb(ev)::text', 'row_to_json(ev)::text', 'to_char(amount, $$9G999D99$$)', 'to_char(amount, $$L9999$$)', 'to_number(ts, $$9G999D99$$)::text',
	'to_char(at, $$TMMonth$$)', 'to_char(d, $$TMMonth$$)', 'to_char(amount, what)', 'to_char(at, what)', 'to_date(ts, $$DD TMMonth$$)::text', 'to_timestamp(ts, $$DD TMMonth$$)::text',
	# text search
	'to_tsvector(what)::text', '(what @@ $$runs$$)::text', '(to_tsvector(what) @@ to_tsquery($$english$$, $$runs$$))::text',
	# a time zone where no cast shows it
	'((at, who) >= (date $$2021-03-28$$, 0))::text', '((d, who) >= (at, 0))::text', '((at, interval $$1 day$$) OVERLAPS (timestamptz $$2021-03-29 02:30$$, interval $$1 hour$$))::text',
	'(at = ANY (ARRAY[lt]))::text', '(SELECT json_agg(x.at)::text FROM ev x)', '(SELECT jsonb_object_agg(x.at, 1)::text FROM ev x)',
	'(SELECT count(*)::text FROM (SELECT at FROM ev UNION SELECT d FROM ev) u)', '(SELECT max(x.at) FROM (SELECT d FROM ev EXCEPT (SELECT lt FROM ev UNION ALL SELECT at FROM ev)) x(at))::text',
	'(SELECT count(*)::text FROM ev x NATURAL JOIN (SELECT lt AS at FROM ev) y)', '(SELECT count(*)::text FROM ev x JOIN (SELECT d AS at FROM ev) y USING (at))',
	'(SELECT count(*)::text FROM ev x WHERE x.at IN (SELECT y.d FROM ev y))', '(SELECT count(*)::text FROM ev x WHERE (x.at, 1) IN (SELECT y.d, 1 FROM ev y))',
	'(SELECT (count(*) FILTER (WHERE (x.at, 1) > (ev.d, 1)))::text FROM ev x)', '(SELECT count(*)::text FROM generate_series(ev.at, ev.at + interval $$1 year$$, interval $$1 day$$))',
	# what is not printed where it stands, so that it could not be bound
	'(arr::timestamptz[])[1]::text', '((SELECT array_agg(y.lt) FROM ev y)::timestamptz[])[1]::text', 'CASE d WHEN at THEN $$x$$ END',
	# windows, tables and the present schema
	'(SELECT json_agg(x.at) OVER ()::text FROM ev x LIMIT 1)', '(SELECT count(*) OVER (ORDER BY x.at RANGE interval $$1 month$$ PRECEDING)::text FROM ev x LIMIT 1)',
	'(SELECT x.a::text FROM jsonb_to_record($${"a": "2026-01-01"}$$) AS x(a timestamptz))', 'current_schema::text',
	'to_char(amount, $$S9999$$)', 'to_number(ts, $$S9999$$)::text',
	$major >= 16 ? ('JSON_OBJECT($$a$$ VALUE at)::text', 'JSON_ARRAY(at)::text', '(SELECT JSON_ARRAYAGG(x.at)::text FROM ev x)') : (),
	$major >= 17 ? ('JSON_VALUE($${"a": "2026-01-01"}$$, $$$.a$$ RETURNING timestamptz)::text', 'JSON_SCALAR(at)::text') : (),
	# XML
	$xml ? ('xmlforest(at)::text', 'xmlelement(name x, at)::text', 'xmlelement(name x, b)::text', '(what::xml IS NOT NULL)::text',
		'(SELECT t.a::text FROM xmltable($$/r$$ PASSING ($$<r><a>2026-01-01T00:00:00</a></r>$$::xml) COLUMNS a timestamptz) t)') : ())
{
	run_sql_fails($node, "SELECT create_map('x', 'ev', 'who', 'at', 'what', 'view', segment => " . '$expression$' . $expression . '$expression$)', '0A000',
		qr/segment depends on the settings of whoever reads the map/, "$expression is refused");
}
run_sql($node, q{CREATE TYPE mood AS ENUM ('good', 'bad'); ALTER TABLE ev ADD COLUMN mood mood DEFAULT 'good'});
foreach my $expression (
	'to_char(at, $$YYYY-MM$$)', 'to_char(amount, $$FM990.00$$)', 'amount::text', 'what || $$-$$ || who', 'concat(what, who, mood)', 'lower(what)', 'mood::text', 'date_trunc($$day$$, at)::text', 'at::date::text',
	'array_to_string(ARRAY[what, ch], $$,$$)', 'to_jsonb(what)::text', 'jsonb_build_object($$a$$, what, $$b$$, mood)::text', 'string_to_array(what, $$i$$)::text', 'now()::text',
	'to_number(what, $$999$$)::text', 'to_date(ts, $$YYYY-MM-DD$$)::text', '((at, who) >= (lt::timestamptz, 0))::text', '(at - interval $$3 hours$$)::text', 'extract(epoch FROM at)::text',
	'(SELECT max(x.what) FROM ev x WHERE x.who = ev.who)', '(SELECT string_agg(x.what, $$,$$ ORDER BY x.at, x.what) FROM ev x)', '(SELECT jsonb_agg(x.what ORDER BY x.what)::text FROM ev x)',
	'(SELECT x.what FROM ev x UNION SELECT y.ch FROM ev y ORDER BY 1 LIMIT 1)', '(SELECT count(*)::text FROM ev x JOIN ev y USING (at))', '(SELECT count(*)::text FROM ev x WHERE x.at IN (SELECT y.at FROM ev y))',
	'(ARRAY[lt]::timestamptz[])[1]::text', 'CASE at WHEN lt THEN $$x$$ ELSE $$y$$ END', 'CASE what WHEN $$view$$ THEN $$x$$ ELSE $$y$$ END', '(arr::varchar[])[1]::text',
	'to_char(amount, $$SG9999$$)', 'to_char(amount, $$9999PL "Ls"$$)', 'to_char(at, $$DD "of" Month$$)',
	$major >= 16 ? ('JSON_OBJECT($$a$$ VALUE what)::text') : (),
	# Whoever writes these means them.
	'current_setting($$app.tenant$$, true)', 'current_user::text COLLATE "default"', 'has_table_privilege(current_user, $$public.ev$$, $$SELECT$$)::text')
{
	is(run_sql($node, "SELECT create_map('x', 'ev', 'who', 'at', 'what', 'view', replace => true, segment => " . '$expression$' . $expression . '$expression$)::text; SELECT count(*) FROM x.journeys'), "x\n20", "$expression is taken");
}

run_sql($node, q{SELECT drop_map('x')});

# What is temporary

my $temporary = q~
	CREATE FUNCTION pg_temp.clean(text) RETURNS text LANGUAGE SQL IMMUTABLE RETURN lower($1);
	CREATE FUNCTION pg_temp.same(text, text) RETURNS boolean LANGUAGE SQL IMMUTABLE RETURN $1 = $2;
	CREATE OPERATOR pg_temp.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_temp.same);
	CREATE TYPE pg_temp.mood AS ENUM ('good', 'bad'); CREATE DOMAIN pg_temp.word AS text; CREATE TABLE pg_temp.plans (who int, plan text);
	CREATE COLLATION pg_temp.sorted FROM "C"; CREATE VIEW pg_temp.seen AS SELECT * FROM public.ev;
	SET search_path = public, cjm;~;
foreach my $case ([ segment => 'pg_temp.clean(what)' ], [ segment => '(what OPERATOR(pg_temp.===) ch)' ], [ segment => q{'good'::pg_temp.mood} ],
	[ segment => 'what::pg_temp.word' ], [ segment => q{ARRAY['good']::pg_temp.mood[]} ], [ segment => '(SELECT plan FROM pg_temp.plans p WHERE p.who = ev.who)' ],
	[ segment => q{'pg_temp.plans'::regclass} ], [ segment => '(SELECT max(pg_temp.clean(e.what)) FROM ev e)' ], [ filter => 'what < (ch COLLATE pg_temp.sorted)' ],
	[ event => 'pg_temp.clean(what)' ], [ filter => q{pg_temp.same(what, 'view')} ])
{
	my ($argument, $expression) = @$case;
	my %arguments = (customer => 'who', at => 'at', event => 'what', @$case);

	run_sql_fails($node, "$temporary SELECT create_map('x', 'ev', stages => 'view', " . join(', ', map { "$_ => \$x\$$arguments{$_}\$x\$" } sort keys %arguments) . ')',
		'0A000', qr/$argument must not use what is temporary/, "$argument => $expression is refused");
}
run_sql_fails($node, "$temporary SELECT create_map('x', 'pg_temp.seen', 'who', 'at', 'what', 'view')", '42809', qr/temporary/, 'and so is a temporary view');

# Expressions and sources that are none

run_sql_fails($node, q{SELECT create_map('x', 'ev', 'ev', 'at', 'what', 'view')}, '0A000', qr/customer is a whole row: ev/, 'a whole row is no customer');
run_sql_fails($node, q{SELECT create_map('x', 'ev', '(ev)', 'at', 'what', 'view')}, '0A000', qr/customer is a whole row/, 'not in brackets either');
run_sql_fails($node, q{SELECT create_map('x', 'ev', 'ROW(who, at)', 'at', 'what', 'view')}, '42804', qr/customer is a row of values/, 'nor is a row of no type');
is(run_sql($node, q{CREATE TABLE told AS SELECT who, at, what, d, iv, amount FROM ev; SELECT create_map('x', 'told', 'told::text', 'at', 'what', 'view', segment => 'told', replace => true); SELECT count(DISTINCT customer) FROM x.customers; SELECT drop_map('x')}),
	"x\n120\n", 'as a text it can be');
run_sql_fails($node, q{SELECT create_map('x', 4294967294::regclass, 'who', 'at', 'what', 'view')}, '42P01', qr/no relation with the OID 4294967294/, 'an OID of nothing');
run_sql_fails($node, q{SELECT cjm_internal.map_expression(4294967294, 'who', 'customer', 'UTC')}, '42P01', qr/no relation/, 'there too');
run_sql_fails($node, q{SELECT create_map('x', 'ev', 'who', 'at', 'what', 'view', 'ch', spend => 4294967294::regclass)}, '42809', qr/is no table or view/, 'spend that is nothing');

# Without the extension

run_sql($node, q{CREATE DATABASE lost});
my %lost = (database => 'lost');
my $make = q{SELECT cjm.create_map('shop', 'clicks', 'who', 'at', 'what', 'view -> buy', replace => true)};
my $all = q{SELECT string_agg(customers::text, ',' ORDER BY step) FROM shop.funnel};
run_sql($node, qq{CREATE EXTENSION cjm; CREATE TABLE clicks (who int, at timestamptz, what text);
	INSERT INTO clicks SELECT i % 10, now(), CASE WHEN i % 10 < 4 THEN 'buy' ELSE 'view' END FROM generate_series(1, 10) i;
	INSERT INTO clicks SELECT i, now() - interval '1 day', 'view' FROM generate_series(1, 10) i; $make}, %lost);
my $answer = run_sql($node, $all, %lost);
run_sql($node, 'SET client_min_messages = warning; DROP EXTENSION cjm CASCADE; CREATE EXTENSION cjm', %lost);
is(run_sql($node, q{SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relnamespace = 'shop'::regnamespace; SELECT count(*) FROM cjm.maps}, %lost), "events,spend\n0",
	'DROP EXTENSION CASCADE leaves the views that need no function of ours');
run_sql_fails($node, q{SELECT cjm.create_map('shop', 'clicks', 'who', 'at', 'what', 'view -> buy')}, '42P06', qr/has what is left of a map.*replace => true/s, 'which is said', %lost);
is(run_sql($node, "$make; $all", %lost), "shop\n$answer", 'replace makes the map whole', );
run_sql($node, q{SET client_min_messages = warning; DROP EXTENSION cjm CASCADE; CREATE EXTENSION cjm; CREATE TABLE shop.mine (x int)}, %lost);
run_sql_fails($node, $make, '42P06', qr/exists and is no map.*table shop\.mine/s, 'but not where there is something else', %lost);
run_sql($node, q{DROP TABLE shop.mine; CREATE VIEW shop.mine AS SELECT 1}, %lost);
run_sql_fails($node, $make, '42P06', qr/exists and is no map.*view shop\.mine/s, 'a view of another name included', %lost);
is(run_sql($node, "DROP VIEW shop.mine; $make; $all; SELECT cjm.drop_map('shop'); $make", %lost), "shop\n$answer\n\nshop", 'and a map that is whole again is one like any');

# By another name of the schema

my $views = join ' ', map { "TABLE shop.$_;" } split /\n/, run_sql($node, q{SELECT relname FROM pg_class WHERE relnamespace = 'shop'::regnamespace AND relname NOT IN ('map', 'customers', 'drop_off', 'stages') ORDER BY 1}, %lost);
my $before = run_sql($node, $views, %lost);
run_sql($node, 'ALTER SCHEMA cjm RENAME TO other', %lost);
is(run_sql($node, $views, %lost), $before, 'views of maps live through a new name of the schema');
is(run_sql($node, 'SELECT count(*) FROM shop.customers', %lost), 11, 'customers as well');
run_sql_fails($node, $_, '3F000', qr/schema "cjm" does not exist/, 'what makes queries says that it is missing', %lost)
  foreach $make =~ s/cjm\./other./r, q{SELECT * FROM other.funnel_report('shop')};
run_sql($node, 'ALTER SCHEMA other RENAME TO cjm', %lost);
is(run_sql($node, "$make; $all; SELECT count(*) FROM cjm.funnel_report('shop')", %lost), "shop\n$answer\n2", 'and all is well by the old one');

server_is_well($node);
done_testing();
