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

SELECT cjm.create_map('shop', source => 'events', customer => 'customer_id', at => 'at', event => 'event', time_zone => 'UTC',
	stages => 'awareness: visit -> interest: view | search -> consideration: cart -> checkout -> purchase -> advocacy: review | refer within 60 days')
\g /dev/null

\o :dir/map.svg
SELECT cjm.map_svg('shop');
\o :dir/funnel.svg
SELECT cjm.funnel_svg('shop');
\o :dir/retention.svg
SELECT cjm.retention_svg('shop');
\o
