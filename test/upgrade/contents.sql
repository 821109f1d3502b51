-- Prints all that stored.sql has made, in a form that differs if a byte does.
SET TimeZone = 'UTC';
SET max_parallel_workers_per_gather = 0;

SELECT 'journeys', count(*), md5(string_agg(concat_ws('|', customer, stage, bought, encode(cjm_internal.journey_send(journey), 'hex'), step, first), E'\n' ORDER BY customer)) FROM journeys;
SELECT 'text of journeys', md5(string_agg(journey::text, E'\n' ORDER BY customer)) FROM journeys;
SELECT 'funnels', name, funnel, limited, pattern, encode(cjm_internal.funnel_send(funnel), 'hex') FROM funnels ORDER BY name;
SELECT 'stats', count(*), md5(string_agg(concat_ws('|', n, name, encode(cjm_internal.funnel_stats_send(stats), 'hex'), stages), E'\n' ORDER BY n, name)) FROM stats;
SELECT 'groups', md5(by_channel::text), md5(by_month::text), cardinality(by_month) FROM groups;

-- What the indexes find is what is there.
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT 'ordered', md5(string_agg(customer::text, ',')) FROM (SELECT customer FROM journeys WHERE customer BETWEEN 1 AND 1999 ORDER BY journey, customer) o;
SELECT 'hashed', count(*) FROM (SELECT journey FROM journeys WHERE customer BETWEEN 1 AND 300) a WHERE EXISTS (SELECT FROM journeys b WHERE b.journey OPERATOR(cjm.=) a.journey);
SELECT 'by step', count(*), md5(string_agg(customer::text, ',' ORDER BY customer)) FROM journeys WHERE cjm.funnel_step(journey, 'view | search -> cart within 2 days') = 2;
SELECT 'funnel', name FROM funnels WHERE funnel OPERATOR(cjm.=) 'a -> a -> a strict';
SELECT 'pattern', name FROM funnels WHERE pattern OPERATOR(cjm.=) 'a+ (b|c){2,4}';
SELECT 'stats found', count(*) FROM stats a WHERE EXISTS (SELECT FROM stats b WHERE b.stats OPERATOR(cjm.=) a.stats);
RESET enable_seqscan;
RESET enable_bitmapscan;

-- What the maps answer, but for what now() has a say in.
SELECT 'maps', map, source, stages, customer, at, event, segment, filter, time_zone, access FROM cjm.maps ORDER BY map::text;
SELECT 'funnel', f FROM shop.funnel f ORDER BY step;
SELECT 'odd funnel', f FROM "odd; ""map""".funnel f ORDER BY step;
SELECT 'by segment', f FROM shop.funnel_by_segment f ORDER BY segment, step;
SELECT 'by week', md5(string_agg(f::text, E'\n')) FROM shop.funnel_by_week f;
SELECT 'sessions', count(*), md5(string_agg(s::text, E'\n' ORDER BY customer, session_number)) FROM shop.sessions s;
SELECT 'bounce', md5(string_agg(b::text, E'\n')) FROM shop.bounce b;
SELECT 'attribution', md5(string_agg(a::text, E'\n')) FROM shop.attribution a;
SELECT 'channels', md5(string_agg(c::text, E'\n')) FROM shop.channels c;
SELECT 'transitions', md5(string_agg(t::text, E'\n')) FROM shop.transitions t;
SELECT 'paths', md5(string_agg(p::text, E'\n')) FROM shop.paths p;
SELECT 'customers', md5(string_agg(concat_ws('|', customer, segment, step, stage, step_times, converted, conversions, value, last_event, frequency, monetary), E'\n' ORDER BY customer)) FROM shop.customers;
SELECT 'report', md5(string_agg(r::text, E'\n')) FROM cjm.funnel_report('shop', 'segment', 'month') r;
SELECT 'drawn', md5(cjm.funnel_svg('shop'));
SELECT 'kept', count(*), md5(string_agg(concat_ws('|', customer, segment, encode(cjm_internal.journey_send(journey), 'hex')), E'\n' ORDER BY customer)) FROM kept.journeys;
SELECT 'kept funnel', f FROM kept.funnel f ORDER BY step;
SELECT 'kept, and not as the rows are', count(*) FROM cjm.check_journeys('kept');
SELECT 'on top', md5(string_agg(t::text, E'\n' ORDER BY t::text)) FROM on_top t;
SELECT 'summary', s FROM summary s ORDER BY channel NULLS FIRST;
