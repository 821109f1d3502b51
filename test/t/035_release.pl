# From the released version 0.1.0 to this one, with maps, stored values, indexes and
# views in use: sql/release/cjm--0.1.0.sql, and what upgrades it.
#
# Between the new library and ALTER EXTENSION cjm UPDATE all SQL of 0.1.0 runs with the
# library of now, then views of 0.1.0 do with the SQL of now, and then upgrade_map makes
# maps anew: everything says the same at all four moments, and writers of a source
# whose journeys are kept meet no error.  Afterwards the catalogs hold what a fresh
# installation holds.
#
# Kept journeys are made as 0.1.0 has made them, though its library is not there:
# the two functions in C that would make them as of now are put in the place of.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $home = "$FindBin::RealBin/../..";
my $tmp = $PostgreSQL::Test::Utils::tmp_check;
my ($version) = slurp_file("$home/cjm.control") =~ /^default_version *= *'(.*)'/m;
my $node = PostgreSQL::Test::Cluster->new('release');
start_node($node);

run_sql($node, q{
	CREATE ROLE owner LOGIN;
	CREATE ROLE bi LOGIN;
	CREATE DATABASE shop OWNER owner;
	CREATE DATABASE fresh OWNER owner;
	CREATE DATABASE restored OWNER owner;
	CREATE DATABASE restored_early OWNER owner;
	CREATE DATABASE other OWNER owner;
	ALTER DATABASE shop SET TimeZone = 'UTC';
	ALTER DATABASE restored SET TimeZone = 'UTC';
	ALTER DATABASE restored_early SET TimeZone = 'UTC';
});
my %shop = (database => 'shop');
my %owner = (database => 'shop', user => 'owner');
is(run_sql($node, q{SELECT string_agg(version, ',' ORDER BY version) FROM pg_available_extension_versions WHERE name = 'cjm'}), "0.1.0,$version", 'both versions are there');
is(run_sql($node, q{SELECT path FROM pg_extension_update_paths('cjm') WHERE source = '0.1.0' AND target = '} . $version . q{'}), "0.1.0--$version", 'one script leads from one to the other');

#
# What stands with 0.1.0
#

run_sql($node, q~
	CREATE EXTENSION cjm VERSION '0.1.0';
	CREATE TABLE events (customer int, at timestamptz, event text, channel text, amount numeric, country text, note jsonb);
	INSERT INTO events SELECT 1 + i % 60, timestamptz '2021-01-01Z' + (hashint4(i) & 8388607) * interval '1 s', (ARRAY['view', 'cart', 'buy', 'refund', 'nps', 'add "it"'])[1 + (hashint4(i + 1) & 1023) % 6],
		(ARRAY['ads', NULL, 'e-mail'])[1 + i % 3], CASE WHEN hashint4(i + 1) & 1 = 0 THEN i % 7 END, (ARRAY['LV', 'EE'])[1 + i % 2], '{}'
	FROM generate_series(1, 3000) i;
	DELETE FROM events WHERE customer > 40 AND event = 'buy' OR customer > 50 AND event IN ('cart', 'refund') OR customer % 3 = 0 AND event = 'refund';
	UPDATE events SET amount = customer % 11 WHERE event = 'nps';
	CREATE TABLE spend (day date, channel text, impressions bigint, clicks bigint, cost numeric);
	INSERT INTO spend VALUES ('2021-01-05', 'ads', 1000, 10, 5.5), ('2021-02-05', 'ads', 1000, 10, 7.5);
	SELECT cjm.create_map('plain', 'events', 'customer', 'at', 'event', 'view -> cart -> buy within 30 days', 'channel', 'amount', 'country', time_zone => 'Europe/Riga');
	SELECT cjm.create_map('odd; "map"', 'events', 'customer::text', 'at::timestamp', 'upper(event)', 'VIEW -> optional CART -> BUY excluding "ADD ""IT"""', time_zone => 'America/New_York',
		filter => 'amount > 1', session_gap => '2 hours');
	SELECT cjm.create_map('ruled', 'events', 'customer', 'at', 'event', 'seen: view -> cart -> buy within 20 days', 'channel', 'amount', 'country', 'last', spend => 'spend', attribution => 'linear', nps => 'nps',
		refusal => 'refund', purchase => 'buy', visit => 'view | cart', sequence => 'customer', attribution_per => 'session', only_channels => true, access => 'reader', time_zone => 'UTC');
	GRANT USAGE ON SCHEMA plain TO bi;
	GRANT SELECT ON plain.funnel TO bi;
	COMMENT ON VIEW plain.funnel IS 'ours';
	-- What people build on it, with functions that have other arguments or columns now, and others.
	CREATE VIEW on_views AS SELECT f.stage, f.customers, s.n FROM plain.funnel f, (SELECT count(*) AS n FROM plain.sessions WHERE bounced) s;
	CREATE VIEW on_functions AS SELECT j.customer, s.session_number, s.touch_count, s.value, cjm.only_visits(j.journey, 'view') AS visits, (cjm.session_stats(j.journey)).mean_time
		FROM plain.journeys j CROSS JOIN LATERAL cjm.sessions(j.journey, '1 day') s;
	CREATE VIEW all_of_it AS SELECT j.customer, s.*, t.event AS met, t AS met_at, x.position, x.source, x.target FROM plain.journeys j CROSS JOIN LATERAL cjm.sessions(j.journey, '1 day') s
		CROSS JOIN LATERAL cjm.touchpoints(j.journey) t LEFT JOIN LATERAL cjm.transitions(j.journey, depth => 3) x ON true WHERE j.customer = 7;
	CREATE VIEW reported AS SELECT r.* FROM cjm.report((SELECT cjm.funnel_agg(journey, 'view -> buy') FROM plain.journeys)) r;
	CREATE VIEW credited AS SELECT a.* FROM plain.journeys j CROSS JOIN LATERAL cjm.attribute(j.journey, 'buy', 'linear', per => 'session') a;
	CREATE TABLE stored (customer int PRIMARY KEY, journey cjm.journey, stats cjm.funnel_stats, first cjm.touchpoint, stage cjm.aida DEFAULT 'desire', f cjm.funnel, p cjm.journey_pattern,
		visits cjm.journey GENERATED ALWAYS AS (cjm.only_visits(journey, 'view')) STORED, touches bigint GENERATED ALWAYS AS (cjm.touch_count(journey)) STORED,
		CHECK (NOT cjm.has_event(journey, 'forbidden')));
	INSERT INTO stored SELECT customer, journey, cjm.funnel_agg(journey, 'view -> buy'), cjm.first_touch(journey), 'desire', ('view -> ' || CASE customer % 3 WHEN 0 THEN 'cart' ELSE '"buy" within 3 days' END)::cjm.funnel,
		'view+ buy' FROM plain.journeys GROUP BY customer, journey;
	CREATE INDEX stored_btree ON stored (journey);
	CREATE INDEX stored_hash ON stored USING hash (journey);
	CREATE INDEX stored_first ON stored (first);
	CREATE INDEX stored_funnel ON stored (f);
	CREATE INDEX stored_stats ON stored USING hash (stats);
	CREATE INDEX stored_step ON stored (cjm.funnel_step(journey, 'view -> buy'));
	CREATE MATERIALIZED VIEW summary AS SELECT country, cjm.window_funnel('9 days', at, event = 'view', event = 'buy'), cjm.rollup(j.journey) FROM events e JOIN plain.journeys j USING (customer) GROUP BY country;
~, %owner);
# Reports of 0.1.0 in views.
my %reports = (
	r_attribution => q{cjm.attribution_report('ruled')}, r_channels => q{cjm.channels_report('ruled', 'month')}, r_drop_off => q{cjm.drop_off_report('plain')}, r_drivers => q{cjm.funnel_drivers('plain')},
	r_funnel => q{cjm.funnel_report('plain', 'segment', 'month')}, r_lifecycle => q{cjm.lifecycle_report('plain')}, r_path => q{cjm.path_report('plain', depth => 3)},
	r_purchase => q{cjm.purchase_report('plain', 'segment')}, r_retention => q{cjm.retention_report('plain', 'week')}, r_session => q{cjm.session_report('plain', 'channel')}, r_stage => q{cjm.stage_report('plain')},
	r_touchpoint => q{cjm.touchpoint_report('plain')}, r_transition => q{cjm.transition_report('plain')}, r_weakest => q{cjm.weakest_step('plain')}, r_what_if => q{cjm.what_if('plain', '{"2": 0.9}')},
	r_win_back => q{cjm.win_back_report('plain')}, r_groups => q{plain.journeys j CROSS JOIN LATERAL cjm.session_groups(j.journey, by => 'channel')});
my %drawings = (d_chart => q{cjm.funnel_chart('plain', 30)}, d_svg => q{cjm.funnel_svg('plain')}, d_map => q{cjm.map_svg('plain', 5)}, d_retention => q{cjm.retention_svg('plain')});
run_sql($node, join(' ', map { "CREATE VIEW $_ AS SELECT r.* FROM " . ($_ eq 'r_groups' ? $reports{$_} . ' r' : "$reports{$_} r") . ';' } sort keys %reports), %owner);
run_sql($node, join(' ', map { "CREATE VIEW $_ AS SELECT $drawings{$_} AS drawing;" } sort keys %drawings), %owner);

# What everything says, a line for each, but for what changes as time passes, and what came to maps later.
my @map_views = qw(events journeys customers funnel funnel_by_segment funnel_by_week drop_off sessions bounce retention touchpoints stages transitions paths attribution channels feedback);
my @views = (map({ my $view = $_; map { "$_.$view" } 'plain', '"odd; ""map"""', 'ruled' } @map_views), qw(on_views on_functions all_of_it reported credited stored summary));
my $later = q{'{recency,recency_days,recency_score,median_days_since,open_median_days_since,dimensions,current_step,current_stage,current_at,session,touchpoint,nps_mean,csat_mean}'::text[]};

sub contents
{
	my (@of) = @_;

	# The type touchpoint has an attribute more, which is null.
	return join ' UNION ALL ', map { qq{SELECT '$_', count(*)::text || ' ' || coalesce(md5(string_agg(t, E'\\n' ORDER BY t)), '') FROM (SELECT replace((to_jsonb(v) - $later)::text, ', "session": null', '') AS t FROM $_ v) x} } @of;
}

sub found
{
	return q{SELECT string_agg(customer::text, ',' ORDER BY journey, customer) FROM stored;
		SELECT count(*) FROM stored a WHERE EXISTS (SELECT FROM stored b WHERE b.journey OPERATOR(cjm.=) a.journey AND b.stats OPERATOR(cjm.=) a.stats);
		SELECT count(*) FROM stored WHERE cjm.funnel_step(journey, 'view -> buy') = 2; SELECT count(*) FROM stored WHERE f OPERATOR(cjm.=) 'view -> cart';
		SELECT count(*) FROM stored a WHERE first = (SELECT first FROM stored b WHERE b.customer = a.customer)};
}

# Two such texts, and only the lines in which they differ if they do.
sub says_same
{
	my ($is, $was, $title) = @_;
	my %was = map { $_ => 1 } split /\n/, $was;
	my %is = map { $_ => 1 } split /\n/, $is;

	is_deeply([ map { s/\|.*//r } grep { !$was{$_} } sort keys %is ], [], $title) && is(scalar keys %is, scalar keys %was, 'all of it');
}

my $said = run_sql($node, contents(@views), %owner);
my $found = run_sql($node, 'SET enable_seqscan = off;' . found(), %owner);
my $reported = run_sql($node, contents(sort keys %reports), %owner);
is_deeply([ $said =~ /^(.*)\|0 /mg ], [ 'plain.feedback', '"odd; ""map""".feedback' ], 'all views of 0.1.0 with the present library have rows, but for answers where there are none');
is(run_sql($node, q{SELECT cjm.cjm_version() || ' ' || extversion FROM pg_extension WHERE extname = 'cjm'}, %owner), "$version 0.1.0", 'the library is newer than the SQL');
is(run_sql($node, q{SELECT count(*) FROM d_chart}, %owner), 4, 'drawings of 0.1.0 are drawn with the present library');
like(run_sql($node, "SELECT $_ FROM $_", %owner), qr/<svg /, "$_, too") foreach qw(d_svg d_map d_retention);

# Who has it as 0.1.0 stored it: an attribute fewer than the type has later.
my $row = run_sql($node, q{SELECT pg_column_size(first) FROM stored ORDER BY customer LIMIT 1}, %owner);

#
# Kept journeys of 0.1.0
#

run_sql($node, q~
	ALTER EXTENSION cjm DROP FUNCTION cjm_internal.kept_check(regclass);
	ALTER EXTENSION cjm DROP FUNCTION cjm_internal.kept_bind(regclass, name, regclass, regclass, regclass);
	ALTER FUNCTION cjm_internal.kept_check(regclass) RENAME TO real_check;
	ALTER FUNCTION cjm_internal.kept_bind(regclass, name, regclass, regclass, regclass) RENAME TO real_bind;
	CREATE FUNCTION cjm_internal.kept_check(events regclass) RETURNS void LANGUAGE sql AS '';
	CREATE FUNCTION cjm_internal.kept_bind(relation regclass, name name, changes regclass, marks regclass, view regclass) RETURNS void LANGUAGE sql SECURITY DEFINER SET allow_system_table_mods = on AS $$
		INSERT INTO pg_depend SELECT 'pg_trigger'::regclass, t.oid, 0, 'pg_class'::regclass, o.oid, o.col, 'a' FROM pg_trigger t, (VALUES (changes, 8), (marks, 2), (view, 0)) o(oid, col)
		WHERE t.tgrelid = relation AND t.tgname = name $$;
	CREATE TABLE kept_events AS SELECT * FROM events;
	ALTER TABLE kept_events OWNER TO owner;
	SET ROLE owner;
	SET client_min_messages = warning;
	SELECT cjm.create_map('kept', 'kept_events', 'customer', 'at', 'event', 'view -> cart -> buy within 30 days', 'channel', 'amount', 'country', time_zone => 'Europe/Riga', keep => true);
	SELECT cjm.refresh_journeys('kept');
	RESET ROLE;
	UPDATE kept.kept_state SET parts = '{of 0.1.0}', fingerprint = 'of 0.1.0';
	DROP FUNCTION cjm_internal.kept_check(regclass);
	DROP FUNCTION cjm_internal.kept_bind(regclass, name, regclass, regclass, regclass);
	ALTER FUNCTION cjm_internal.real_check(regclass) RENAME TO kept_check;
	ALTER FUNCTION cjm_internal.real_bind(regclass, name, regclass, regclass, regclass) RENAME TO kept_bind;
	ALTER EXTENSION cjm ADD FUNCTION cjm_internal.kept_check(regclass);
	ALTER EXTENSION cjm ADD FUNCTION cjm_internal.kept_bind(regclass, name, regclass, regclass, regclass);
~, %shop);
is(run_sql($node, q{SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'kept.kept_changes'::regclass AND attnum > 0}, %owner),
	'customer,at,event,channel,value,segment,removed,written_at', 'journeys are kept as 0.1.0 kept them');
cmp_ok(run_sql($node, q{SELECT count(*) FROM kept.kept_journeys}, %owner), '>', 50, 'and are stored');

# The view of journeys says what the rows say, whoever has written and whatever is stored.
my $as_rows = q{SELECT count(*) FROM (SELECT customer, journey FROM kept.journeys) k FULL JOIN (SELECT customer, cjm.journey_agg(at, event, channel, amount::float8) AS journey FROM kept_events GROUP BY customer) r USING (customer)
	WHERE k.journey OPERATOR(cjm.<>) r.journey OR k.journey IS NULL OR r.journey IS NULL};

sub write_and_look
{
	my ($when) = @_;

	run_sql($node, q{
		INSERT INTO kept_events SELECT customer + 30, at + interval '1 day', event, 'mail', 1, country FROM kept_events WHERE customer % 20 = 7;
		UPDATE kept_events SET event = 'cart' WHERE customer % 10 = 3;
		DELETE FROM kept_events WHERE customer % 15 = 4}, %owner);
	is(run_sql($node, $as_rows, %owner), 0, "$when, the rows are told");
}

write_and_look('with the present library');
is(run_sql($node, q{SELECT count(DISTINCT reason) || ' ' || count(*) FROM kept.kept_marks}, %owner), '1 3', 'each statement leaves a mark for processes that still have the old library');
is(run_sql($node, q{SELECT state FROM kept.kept}, %owner), 'rows', 'those with the new one read the rows');
run_sql_fails($node, q{SELECT cjm.refresh_journeys('kept')}, '55000', qr/older version.*ALTER EXTENSION cjm UPDATE/s, 'a refresh says what to do', %owner);
says_same(run_sql($node, contents(@views), %owner), $said, 'nothing else says anything else');

#
# ALTER EXTENSION cjm UPDATE
#

my $early = "$tmp/release_early.sql";
run_sql_fails($node, 'ALTER EXTENSION cjm UPDATE', '42501', qr/must be owner of extension cjm/, 'only the owner updates it', database => 'shop', user => 'bi');
is(run_sql($node, contents(@views) . '; SET client_min_messages = warning; ALTER EXTENSION cjm UPDATE; ' . contents(@views), %owner), "$said\n$said", 'all views go on in the session that updates it');
is(run_sql($node, q{SELECT extversion FROM pg_extension WHERE extname = 'cjm'}, %owner), $version, 'the version is the present one');
says_same(run_sql($node, contents(@views), %owner), $said, 'and in the next session');
is(run_sql($node, 'SET enable_seqscan = off;' . found(), %owner), $found, 'indexes find what they found');
is(run_sql($node, q{SELECT pg_column_size(first) FROM stored ORDER BY customer LIMIT 1}, %owner), $row, 'rows are as they were');
is(run_sql($node, q{SELECT customers FROM plain.funnel WHERE step = 1}, database => 'shop', user => 'bi'), run_sql($node, q{SELECT customers FROM plain.funnel WHERE step = 1}, %owner), 'rights stay');
write_and_look('before the map is upgraded');
foreach my $call (q{SELECT * FROM cjm.funnel_report('plain')}, q{SELECT cjm.map_svg('plain')}, q{SELECT cjm.refresh_journeys('kept')}, q{SELECT * FROM r_funnel}, q{SELECT cjm.check_journeys('kept')},
	q{SELECT * FROM cjm.check_map('plain')}, q{SELECT cjm.unkeep_journeys('kept')}, q{SELECT cjm.keep_journeys('plain')}, q{SELECT cjm.set_target('plain', 'conversion', 0.5)})
{
	run_sql_fails($node, $call, '55000', qr/was made by an older version of cjm.*SELECT cjm\.upgrade_map\('(?:plain|kept)'\)/s, "$call says what to do", %owner);
}
run_sql_fails($node, q{SELECT cjm.create_map('kept', 'kept_events', 'customer', 'at', 'event', 'view', replace => true)}, '55000', qr/upgrade_map/, 'so does who replaces one that keeps its journeys', %owner);

# Dumps.
sub restore
{
	my ($database) = @_;

	command_ok([ 'pg_dump', '-h', $node->host, '-p', $node->port, '-U', 'postgres', '-f', "$tmp/$database.sql", 'shop' ], "the database is dumped for $database");
	command_ok([ 'psql', '-Xq', '-o', '/dev/null', '-v', 'ON_ERROR_STOP=1', '-h', $node->host, '-p', $node->port, '-U', 'postgres', '-d', $database, '-f', "$tmp/$database.sql" ], 'and restored');
}

restore('restored_early');
says_same(run_sql($node, contents(@views), database => 'restored_early', user => 'owner'), $said, 'with what it says, though no map was upgraded');

#
# The catalogs
#

my $describe = q{SELECT pg_describe_object(d.classid, d.objid, 0) || ': ' || concat_ws(' | ',
	obj_description(d.objid, d.classid::regclass::text),
	(SELECT string_agg(DISTINCT pg_describe_object(u.refclassid, u.refobjid, u.refobjsubid) || ' ' || u.deptype::text, ', ' ORDER BY pg_describe_object(u.refclassid, u.refobjid, u.refobjsubid) || ' ' || u.deptype::text)
		FROM pg_depend u WHERE u.classid = d.classid AND u.objid = d.objid),
	(SELECT i.initprivs::text FROM pg_init_privs i WHERE i.classoid = d.classid AND i.objoid = d.objid),
	CASE d.classid
	WHEN 'pg_proc'::regclass THEN (SELECT concat_ws(' / ', pronamespace::regnamespace, proowner::regrole, lanname, procost, prorows, provariadic::regtype, prosupport, prokind, prosecdef, proleakproof, proisstrict,
			proretset, provolatile, proparallel, pronargs, pronargdefaults, prorettype::regtype, proargtypes::regtype[], proallargtypes::regtype[], proargmodes, proargnames, pg_get_expr(proargdefaults, 0),
			prosrc, probin, pg_get_function_sqlbody(p.oid), proconfig, proacl,
			(SELECT concat_ws(' ', aggkind, aggnumdirectargs, aggtransfn::regprocedure, aggfinalfn::regprocedure, aggcombinefn::regprocedure, aggserialfn::regprocedure, aggdeserialfn::regprocedure, aggmtransfn::regprocedure,
				aggminvtransfn::regprocedure, aggmfinalfn::regprocedure, aggfinalextra, aggmfinalextra, aggfinalmodify, aggmfinalmodify, aggsortop::regoperator, aggtranstype::regtype, aggtransspace,
				aggmtranstype::regtype, aggmtransspace, agginitval, aggminitval) FROM pg_aggregate a WHERE a.aggfnoid = p.oid))
		FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE p.oid = d.objid)
	WHEN 'pg_type'::regclass THEN (SELECT concat_ws(' / ', typowner::regrole, typlen, typbyval, typtype, typcategory, typispreferred, typdelim, typsubscript, typelem::regtype, typinput, typoutput, typreceive, typsend,
			typmodin, typmodout, typanalyze, typalign, typstorage, typnotnull, typbasetype::regtype, typtypmod, typcollation, typdefault, typacl,
			(SELECT string_agg(concat_ws(' ', attnum, attname, format_type(atttypid, atttypmod), attcollation, attisdropped, col_description(attrelid, attnum)), ', ' ORDER BY attnum)
				FROM pg_attribute WHERE attrelid = typrelid AND attnum > 0),
			(SELECT string_agg(enumlabel, ', ' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid)) FROM pg_type t WHERE t.oid = d.objid)
	WHEN 'pg_class'::regclass THEN (SELECT concat_ws(' / ', relowner::regrole, relkind, relpersistence, reloptions, relacl, pg_get_viewdef(c.oid),
			(SELECT string_agg(concat_ws(' ', attnum, attname, format_type(atttypid, atttypmod), attacl, col_description(attrelid, attnum)), ', ' ORDER BY attnum)
				FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0)) FROM pg_class c WHERE c.oid = d.objid)
	WHEN 'pg_operator'::regclass THEN (SELECT concat_ws(' / ', oprowner::regrole, oprkind, oprcanmerge, oprcanhash, oprleft::regtype, oprright::regtype, oprresult::regtype, oprcom::regoperator, oprnegate::regoperator,
			oprcode::regprocedure, oprrest, oprjoin) FROM pg_operator WHERE oid = d.objid)
	WHEN 'pg_cast'::regclass THEN (SELECT concat_ws(' / ', castsource::regtype, casttarget::regtype, castfunc::regprocedure, castcontext, castmethod) FROM pg_cast WHERE oid = d.objid)
	WHEN 'pg_opclass'::regclass THEN (SELECT concat_ws(' / ', opcowner::regrole, opcintype::regtype, opcdefault, opckeytype::regtype) FROM pg_opclass WHERE oid = d.objid)
	WHEN 'pg_opfamily'::regclass THEN (SELECT concat_ws(' / ', opfowner::regrole,
			(SELECT string_agg(concat_ws(' ', amopopr::regoperator, amopstrategy, amoppurpose, amopsortfamily), ', ' ORDER BY amopstrategy, amopopr::regoperator::text) FROM pg_amop WHERE amopfamily = f.oid),
			(SELECT string_agg(concat_ws(' ', amproc::regprocedure, amprocnum, amproclefttype::regtype), ', ' ORDER BY amprocnum, amproc::regprocedure::text) FROM pg_amproc WHERE amprocfamily = f.oid)) FROM pg_opfamily f WHERE f.oid = d.objid)
	WHEN 'pg_namespace'::regclass THEN (SELECT concat_ws(' / ', nspowner::regrole, nspacl) FROM pg_namespace WHERE oid = d.objid)
	ELSE 'not looked at' END)
	FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'cjm' ORDER BY 1};

# The same but for what is unlike, by lines of one and not of the other.
sub objects
{
	my ($database) = @_;

	return split /\x1e/, run_sql($node, "SELECT string_agg(o, E'\\x1e') FROM ($describe) x(o)", database => $database, user => 'owner');
}

run_sql($node, 'CREATE EXTENSION cjm', database => 'fresh', user => 'owner');
my %upgraded = map { $_ => 1 } objects('shop');
my %fresh = map { $_ => 1 } objects('fresh');
cmp_ok(scalar keys %fresh, '>', 800, 'the objects of the extension are looked at');
is_deeply([ grep { /not looked at/ } keys %fresh ], [], 'all kinds of them');
is_deeply([ sort grep { !$upgraded{$_} } keys %fresh ], [], 'every object of a fresh installation is there, the same');
is_deeply([ sort grep { !$fresh{$_} } keys %upgraded ], [], 'and there is no other');
# A difference would be seen.
run_sql($node, q{ALTER FUNCTION cjm.touch_count(cjm.journey) COST 7}, database => 'fresh');
cmp_ok(scalar(grep { !$upgraded{$_} } objects('fresh')), '>', 0, 'another cost is found');

# What is in the schemas and is not the extension's would be left behind.
is(run_sql($node, q{SELECT string_agg(o.oid::regprocedure::text, ',') FROM pg_proc o WHERE o.pronamespace::regnamespace::text IN ('cjm', 'cjm_internal')
	AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = o.oid AND d.deptype = 'e')}, %shop), '', 'nothing is there that is not its own');

#
# upgrade_map
#

run_sql_fails($node, q{SELECT cjm.upgrade_map('plain')}, '42501', qr/plain/, 'who does not own a map does not upgrade it', database => 'shop', user => 'bi');
run_sql_fails($node, q{SELECT cjm.upgrade_map('plain')}, '42501', qr/plain.*owner.*SET ROLE owner/s, 'nor does a superuser run what its owner wrote', %shop);
is(run_sql($node, q{SET client_min_messages = warning; SELECT bool_and(cjm.upgrade_map(map::text)), count(*) FROM cjm.maps}, %owner), 't|4', 'all maps are upgraded by one statement');
is(run_sql($node, q{SELECT bool_or(cjm.upgrade_map(map::text)) FROM cjm.maps}, %owner), 'f', 'and need it once');
says_same(run_sql($node, contents(@views), %owner), $said, 'all views say what they said');
says_same(run_sql($node, contents(sort keys %reports), %owner), $reported, 'so do reports in views that were made with 0.1.0');
is(run_sql($node, q{SELECT count(*) FROM d_chart}, %owner), 4, 'and drawings');
like(run_sql($node, "SELECT $_ FROM $_", %owner), qr/<svg /, "$_, too") foreach qw(d_svg d_map d_retention);
is(run_sql($node, q{SELECT customers FROM plain.funnel WHERE step = 2}, database => 'shop', user => 'bi'), run_sql($node, q{SELECT customers FROM plain.funnel WHERE step = 2}, %owner), 'rights stay');
is(run_sql($node, q{SELECT count(*) > 5 FROM cjm.metric_report('plain')}, %owner), 't', 'what is new works');
write_and_look('with the map upgraded');
is(run_sql($node, q{SELECT cjm.refresh_journeys('kept') LIKE '%journeys built'; SELECT state FROM kept.kept}, %owner), "t\nfolded", 'its journeys are kept anew');
write_and_look('with journeys kept anew');
is(run_sql($node, q{SELECT state FROM kept.kept; SELECT cjm.refresh_journeys('kept') LIKE '%changes folded'; SELECT count(*) FROM cjm.check_journeys('kept')}, %owner), "changed\nt\n0", 'and written down and folded');
run_sql($node, q{INSERT INTO stored (customer, journey) VALUES (1000, '{2026-01-01T00:00:00Z view}'); REINDEX TABLE stored; DELETE FROM stored WHERE customer = 1000; REFRESH MATERIALIZED VIEW summary}, %owner);
restore('restored');
says_same(run_sql($node, contents(@views), database => 'restored', user => 'owner'), $said, 'with what it says');
says_same(run_sql($node, contents(sort keys %reports), database => 'restored', user => 'owner'), $reported, 'and reports');

# Every map that this version makes is one of this version; one of the one before is dropped as well.
run_sql($node, q{CREATE EXTENSION cjm VERSION '0.1.0'; CREATE TABLE e (customer int, at timestamptz, event text); SELECT cjm.create_map('m', 'e', 'customer', 'at', 'event', 'a -> b');
	SET client_min_messages = warning; ALTER EXTENSION cjm UPDATE; SELECT cjm.drop_map('m'); SELECT cjm.create_map('m', 'e', 'customer', 'at', 'event', 'a -> b')}, database => 'other', user => 'owner');
is(run_sql($node, q{SELECT cjm.upgrade_map('m')}, database => 'other', user => 'owner'), 'f', 'a map of this version is of this version');

server_is_well($node);
done_testing();
