# Who steers a map, and as whom: what targets, notes and alerts are for roles other
# than their owner, for superusers above whom nobody may lift themselves, after a dump,
# and for several at the same time.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = $PostgreSQL::Test::Utils::tmp_check;
my $node = start_server('steering');
my $create = q{SELECT cjm.create_map('shop', 'public.sales', 'customer', 'at', 'event', 'view -> pay within 2 days', value => 'value', segment => 'country', time_zone => 'UTC', replace => true)};

run_sql($node, q{
	CREATE ROLE owner LOGIN;
	CREATE ROLE colleague LOGIN IN ROLE owner;
	CREATE ROLE boss LOGIN;
	CREATE ROLE stranger LOGIN;
	GRANT CREATE ON DATABASE postgres TO owner;
	CREATE TABLE public.sales AS
	SELECT w * 1000 + c AS customer, timestamptz '2025-01-06 00:00Z' + w * interval '7 days' + c * interval '30 minutes' + e.later AS at, e.event, CASE WHEN e.event = 'pay' THEN 20 + (c * 7) % 11 END AS value, (ARRAY['LV', 'EE'])[1 + c / 3 % 2] AS country
	FROM generate_series(0, 16) w CROSS JOIN generate_series(1, 195 + 5 * ((w * 5) % 4)) c
		CROSS JOIN LATERAL (VALUES (interval '0', 'view'), ((1 + c % 13) * interval '2 hours', CASE WHEN (c * 31 + w * 17) % 100 < CASE WHEN w < 16 THEN 25 ELSE 10 END + w % 3 THEN 'pay' END)) e(later, event)
	WHERE e.event IS NOT NULL;
	ALTER TABLE public.sales OWNER TO owner;});
my %owner = (user => 'owner');
run_sql($node, $create, %owner);

# Owners and those who have their rights steer; others cannot, whatever they may read.
run_sql($node, q{SELECT cjm.set_target('shop', 'conversion', 0.2); SELECT cjm.note('shop', '2025-04-28Z', 'new prices')}, %owner);
run_sql($node, q{SELECT cjm.set_target('shop', 'visits', 200); SELECT cjm.describe_stage('shop', 'view', quote => 'How much is it?')}, user => 'colleague');
is(run_sql($node, q{SELECT string_agg(DISTINCT c.relowner::regrole::text, ' ') FROM pg_class c WHERE relnamespace = 'shop'::regnamespace}), 'owner', 'all of it is the owner\'s, whoever was the first to write');
run_sql($node, q{GRANT USAGE ON SCHEMA shop TO boss; GRANT SELECT ON shop.kpis TO boss}, %owner);
is(run_sql($node, 'SELECT metric, met FROM shop.kpis', user => 'boss'), "conversion|f\nvisits|t", 'who may read the KPIs reads them');
run_sql_fails($node, "SELECT count(*) FROM shop.$_", '42501', qr/permission denied/, "and nothing of $_", user => 'boss') foreach qw(customers journeys events metrics targets notes stage_notes);
run_sql($node, q{GRANT SELECT ON shop.map, shop.targets TO boss}, %owner);
foreach my $call (q{set_target('shop', 'conversion', 0.1)}, q{drop_target('shop', 'conversion')}, q{note('shop', now(), 'x')}, q{describe_stage('shop', 'pay', pain => 'x')}, q{check_alerts('shop')})
{
	run_sql_fails($node, "SELECT cjm.$call", '42501', qr/the map "shop" belongs to owner/, "$call is the owner's", user => 'boss');
	run_sql_fails($node, "SELECT cjm.$call", '42501', qr/permission denied for schema shop/, "$call is nothing for a stranger", user => 'stranger');
}
run_sql_fails($node, q{INSERT INTO shop.targets (metric, direction, value) VALUES ('visits', 'at least', 1)}, '42501', qr/permission denied/, 'nor is the table', user => 'boss');
run_sql($node, q{GRANT SELECT (segment, dimensions, journey) ON shop.journeys TO boss}, %owner);
cmp_ok(run_sql($node, q{SELECT count(*) FROM cjm.alerts('shop')}, user => 'boss'), '>', 0, 'who may have the reports has the alerts');
cmp_ok(run_sql($node, q{SELECT count(*) FROM cjm.compare_report('shop')}, user => 'boss'), '>', 0, 'and the comparisons');

# Whoever writes does so as the owner, who may have put anything on the tables.
run_sql($node, q{
	CREATE TABLE shop.trap (who text);
	CREATE FUNCTION shop.spring() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO shop.trap VALUES (current_user); RETURN NEW; END $$;
	CREATE TRIGGER trap BEFORE INSERT ON shop.targets FOR EACH ROW EXECUTE FUNCTION shop.spring();
	CREATE TRIGGER trap BEFORE INSERT ON shop.notes FOR EACH ROW EXECUTE FUNCTION shop.spring();
	SELECT count(*) FROM cjm.check_alerts('shop');
	DELETE FROM shop.alerts_told;
	CREATE TRIGGER trap BEFORE INSERT ON shop.alerts_told FOR EACH ROW EXECUTE FUNCTION shop.spring();
	CREATE FUNCTION shop.climb() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RESET ROLE; RESET SESSION AUTHORIZATION; RETURN NEW; END $$;}, %owner);
run_sql($node, q{SELECT cjm.set_target('shop', 'bounce_rate', 0.5); SELECT cjm.note('shop', now(), 'by a superuser'); SELECT cjm.check_alerts('shop')});
is(run_sql($node, 'SELECT string_agg(DISTINCT who, $$ $$), count(*) > 2 FROM shop.trap'), 'owner|t', 'what a superuser writes is written as the owner');
run_sql($node, q{CREATE TRIGGER climb BEFORE INSERT ON shop.targets FOR EACH ROW EXECUTE FUNCTION shop.climb()}, %owner);
run_sql_fails($node, q{SELECT cjm.set_target('shop', 'revenue', 1)}, '42501', qr/cannot set parameter "role"/, 'who cannot become the superuser meanwhile');
run_sql($node, q{DROP TRIGGER climb ON shop.targets;
	CREATE CONSTRAINT TRIGGER late AFTER INSERT ON shop.targets DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION shop.spring()}, %owner);
run_sql_fails($node, q{SELECT cjm.set_target('shop', 'revenue', 1)}, '42501', qr/cannot fire deferred trigger/, 'nor later');
run_sql($node, q{DROP TRIGGER late ON shop.targets}, %owner);
run_sql_fails($node, q{SELECT cjm_internal.map_call_as('cjm_internal.steering_note'::regproc, 10, '{}')}, '42501', qr/permission denied to act as another role/, 'nobody acts as a role that is above theirs', %owner);
run_sql_fails($node, q{SELECT cjm_internal.map_call_as('cjm_internal.steering_note'::regproc, 0, '{}')}, '42704', qr/invalid role OID: 0/, 'nor a superuser as one that is not there');
run_sql($node, q{CREATE FUNCTION shop.task(arguments jsonb) RETURNS jsonb LANGUAGE sql RETURN arguments}, %owner);
run_sql_fails($node, q{SELECT cjm_internal.map_call_as('shop.task'::regproc, 'owner'::regrole, '{}')}, '42501', qr/is no task of a map/, 'nor by other functions than tasks');
foreach my $other (qw(journey_agg_final map_definition map_names kept_write steering_title map_duck))
{
	run_sql_fails($node, "SELECT cjm_internal.map_call_as(coalesce((SELECT min(oid::bigint) FROM pg_proc WHERE proname = '$other' AND pronamespace = 'cjm_internal'::regnamespace), 1)::oid::regproc, 'owner'::regrole, '{}')", '42501', qr/is no task of a map/, "$other is none", %owner);
}
run_sql($node, "$create; SELECT count(*) FROM shop.kpis");
is(run_sql($node, q{SELECT c.relowner::regrole FROM pg_class c WHERE c.oid = 'shop.kpis'::regclass}), 'owner', 'a superuser who makes the map anew makes nothing their own');
run_sql($node, q{DROP TRIGGER trap ON shop.targets; DROP TRIGGER trap ON shop.notes; DROP TRIGGER trap ON shop.alerts_told; DROP FUNCTION shop.spring(); DROP FUNCTION shop.climb(); DROP FUNCTION shop.task(jsonb); DROP TABLE shop.trap}, %owner);

# What is told.
run_sql($node, q{DELETE FROM shop.alerts_told}, %owner);
my $told = run_sql($node, q{LISTEN cjm_alert; SELECT count(*) FROM cjm.check_alerts('shop'); SELECT 1}, %owner);
my @payloads = $told =~ /"cjm_alert" with payload "(\{.*\})" received/g;
cmp_ok(scalar @payloads, '>', 2, 'each alert is a notification');
my $payload = $payloads[0] // '{}';
is(run_sql($node, q{SELECT string_agg(k, ' ' ORDER BY k) FROM json_object_keys($json$} . $payload . q{$json$::json) k}), 'by by_value kind map metric sentence stage step target value week', 'of one object');
is(run_sql($node, q{SELECT count(*) FROM shop.alerts_told t WHERE t.sentence = $json$} . $payload . q{$json$::json ->> 'sentence'}), 1, 'that says what is noted');
is(run_sql($node, q{BEGIN; DELETE FROM shop.alerts_told; SELECT count(*) > 0 FROM cjm.check_alerts('shop'); ROLLBACK; SELECT count(*) FROM shop.alerts_told}, %owner), "t\n" . scalar @payloads, 'nothing is told that is rolled back');

# Several at the same time: nobody fails, and each alert is told by one of them.
run_sql($node, q{DELETE FROM shop.alerts_told}, %owner);
write_bytes("$dir/check.sql", "\\set n random(1, 100)\nSELECT cjm.set_target('shop', 'conversion', 0.2 + :n / 1000.0, from_day => '2030-01-01');\nSELECT count(*) FROM cjm.check_alerts('shop');\nSELECT count(*) FROM shop.kpis;\nSELECT cjm.note('shop', now(), 'again');\nSELECT cjm.describe_stage('shop', 'pay', owner => ':n');\n");
my ($out, $err) = ('', '');
my $ran = IPC::Run::run([ 'pgbench', '-n', '-c', '4', '-t', '3', '-f', "$dir/check.sql", '-h', $node->host, '-p', $node->port, '-U', 'owner', 'postgres' ], '>', \$out, '2>', \$err);
ok($ran, 'four at a time set targets, check, write notes and describe stages') or diag($err);
is(run_sql($node, q{SELECT count(*), count(*) = } . scalar(@payloads) . q{ FROM shop.alerts_told}), scalar(@payloads) . '|t', 'and each alert is told once');
is(run_sql($node, q{SELECT count(*) FROM shop.targets WHERE from_day = '2030-01-01'}), 1, 'of one day there is one target');
is(run_sql($node, q{SELECT count(*) FROM shop.stage_notes}), 2, 'and of one stage one description');

# A dump has it, and what is restored goes on.
run_sql($node, 'CREATE DATABASE copy');
my $dump = "$dir/steering.sql";
command_ok([ 'pg_dump', '-h', $node->host, '-p', $node->port, '-U', 'postgres', '-f', $dump, 'postgres' ], 'it is dumped');
command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-h', $node->host, '-p', $node->port, '-U', 'postgres', '-d', 'copy', '-f', $dump ], 'and restored');
my $all = q{SELECT (SELECT count(*) FROM shop.notes), (SELECT md5(string_agg(s::text, ' ' ORDER BY s.stage)) FROM shop.stage_notes s), (SELECT md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM shop.targets t), (SELECT md5(string_agg(k::text, ' ')) FROM shop.kpis k), (SELECT count(*) FROM shop.alerts_told), (SELECT md5(string_agg(m::text, ' ')) FROM shop.metrics m)};
is(run_sql($node, $all, database => 'copy'), run_sql($node, $all), 'with all that there was');
is(run_sql($node, q{SELECT count(*) FROM cjm.check_alerts('shop'); SELECT cjm.set_target('shop', 'revenue', 800); SELECT count(*) FROM shop.kpis WHERE metric = 'revenue'; SELECT cjm.drop_map('shop'); SELECT count(*) FROM pg_namespace WHERE nspname = 'shop'}, %owner, database => 'copy'),
	"0\nrevenue: at least 800\n1\n\n0", 'what was told is told no more, targets are set, and it goes with the map');

# A map that reads with the rights of whoever asks has KPIs that do.
run_sql($node, q{ALTER TABLE public.sales ENABLE ROW LEVEL SECURITY; CREATE POLICY mine ON public.sales USING (country = 'LV' OR current_user = 'owner'); GRANT SELECT ON public.sales TO boss}, %owner);
run_sql($node, "$create; GRANT SELECT ON ALL TABLES IN SCHEMA shop TO boss", %owner);
is(run_sql($node, q{SELECT n < (SELECT count(*) FROM public.sales WHERE false) + 200 FROM shop.kpis WHERE metric = 'conversion'}, user => 'boss'), 't', 'whoever may read the rows of a part sees its KPIs');
cmp_ok(run_sql($node, q{SELECT n FROM shop.kpis WHERE metric = 'conversion'}, user => 'boss'), '<', run_sql($node, q{SELECT n FROM shop.kpis WHERE metric = 'conversion'}, %owner), 'and the owner all');
run_sql($node, q{CREATE VIEW public.mine AS SELECT * FROM shop.kpis}, %owner) if run_sql($node, q{SELECT has_schema_privilege('owner', 'public', 'CREATE')}) eq 't';
is(run_sql($node, q{SELECT cjm.drop_map('shop', cascade => true); SELECT count(*) FROM pg_namespace WHERE nspname = 'shop'}, %owner), "\n0", 'it goes with the map, and what others built on it');

server_is_well($node);
done_testing();
