--
-- draw.sql: draws the pictures of this folder, of a year of the demonstration's
-- web shop.  "make pictures" runs it; the tests compare.
--
--     psql -v dir=doc/img -f doc/img/draw.sql
--
\set ON_ERROR_STOP on
\set QUIET on
\pset format unaligned
\pset tuples_only on

CREATE EXTENSION cjm;
\ir ../../test/demo/generator.sql

SELECT cjm.create_map('shop', source => 'events', customer => 'customer_id', at => 'at', event => 'event', channel => 'channel', time_zone => 'UTC',
	stages => 'awareness: visit -> interest: view | search -> consideration: cart -> checkout -> purchase -> advocacy: review | refer within 60 days')
\g /dev/null

-- What a team would have written down.
SELECT cjm.set_target('shop', 'step_rate', 0.45, stage => 'consideration'), cjm.set_target('shop', 'step_rate', 0.5, stage => 'checkout'), cjm.set_target('shop', 'median_time', 60, stage => 'purchase'),
	cjm.describe_stage('shop', 'awareness', quote => 'I need a present by Friday.', owner => 'Marketing', action => 'content plan'),
	cjm.describe_stage('shop', 'interest', quote => 'On my phone I cannot compare them.', pain => 'no comparison on small screens', owner => 'Shop', action => 'comparison for phones'),
	cjm.describe_stage('shop', 'consideration', quote => 'What will delivery cost?', pain => 'delivery is shown at the checkout alone', owner => 'Logistics', action => 'delivery in the cart'),
	cjm.describe_stage('shop', 'advocacy', quote => 'My friends will like it.', owner => 'CRM', action => 'a reward for referrals')
\g /dev/null

\o :dir/map.svg
SELECT cjm.map_svg('shop');
\o :dir/funnel.svg
SELECT cjm.funnel_svg('shop');
\o :dir/retention.svg
SELECT cjm.retention_svg('shop');
\o
