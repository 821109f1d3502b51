-- Who may yet go on stands apart from who dropped wherever either is shown.
SET search_path = public, cjm;
SET TimeZone = 'UTC';
\set SHOW_CONTEXT never

-- Of 40 customers who looked, 30 of them long ago, some went on; of those of today two wish for something and do no more yet.
CREATE TABLE public.open_events AS
SELECT c AS customer, now() - CASE WHEN c <= 30 THEN interval '100 days' ELSE interval '20 hours' END + s * interval '1 hour' AS at, e AS event, CASE WHEN c % 2 = 0 THEN 'LV' END AS country
FROM generate_series(1, 40) c, (VALUES (1, 'view'), (2, 'wish'), (3, 'cart'), (4, 'pay')) s(s, e)
WHERE CASE WHEN c <= 30 THEN c % 3 ELSE c % 4 END < (ARRAY[4, CASE WHEN c <= 30 THEN 1 ELSE 3 END, 2, 1])[s];
SELECT event, count(*) FILTER (WHERE customer <= 30) AS long_ago, count(*) FILTER (WHERE customer > 30) AS today FROM open_events GROUP BY event ORDER BY event;
SELECT create_map('opened', 'open_events', 'customer', 'at', 'event', 'view -> optional wish -> cart -> pay within 7 days', segment => 'country');

SELECT step, stage, customers, dropped, round(drop_rate::numeric, 3) AS drop_rate, open_customers FROM opened.funnel;
SELECT segment, step, customers, dropped, open_customers FROM opened.funnel_by_segment;
SELECT closed, step, customers, dropped, open_customers FROM opened.funnel_by_week;
-- Who stands at an optional stage has not gone on from the mandatory one before it.
SELECT step, stage, sum(customers) AS customers, sum(open_customers) AS open_customers FROM opened.drop_off GROUP BY step, stage ORDER BY step;
SELECT step, stage, customers, open_customers FROM opened.stages;
SELECT step, customers, open_customers FROM drop_off_report('opened', 'none');
SELECT by_value, step, customers, dropped, open_customers FROM funnel_report('opened', by => 'segment', from_time => now() - interval '50 days');
SELECT step, customers, dropped, open_customers FROM funnel_report('opened', to_time => now() - interval '50 days');

-- Without a limit nobody is open; of statistics alone nobody knows.
SELECT create_map('unlimited', 'open_events', 'customer', 'at', 'event', 'view -> cart -> pay');
SELECT step, customers, dropped, open_customers FROM unlimited.funnel;
SELECT step, customers, dropped FROM report((SELECT funnel_agg(journey, 'view -> optional wish -> cart -> pay within 7 days') FROM opened.journeys));
-- nor is there a time that a week would have to wait for
SELECT bool_and(closed = ((week + 7)::timestamp AT TIME ZONE 'UTC' <= now())) AS closed_when_over, bool_or(closed) AS some FROM unlimited.funnel_by_week;
-- of an unordered funnel
SELECT create_map('no order', 'open_events', 'customer', 'at', 'event', 'view -> cart -> pay unordered within 7 days');
SELECT step, stage, customers, dropped, open_customers FROM "no order".funnel;
SELECT step, customers, open_customers FROM "no order".stages;

-- Drawings
SELECT funnel_chart('opened', width => 20);
SET client_encoding = 'LATIN1';
SELECT funnel_chart('opened', width => 20);
RESET client_encoding;
SELECT funnel_chart((SELECT funnel_agg(journey, 'view -> optional wish -> cart -> pay within 7 days') FROM opened.journeys), 20);
SELECT name, said FROM (VALUES ('funnel_svg', funnel_svg('opened')), ('map_svg', map_svg('opened')), ('without a limit', map_svg('unlimited'))) d(name, svg),
	LATERAL (SELECT string_agg(m[1], ', ' ORDER BY n) AS said FROM regexp_matches(svg, 'class="[a-z ]*(?:lost|waits)[a-z ]*">([^<]*)<', 'g') WITH ORDINALITY r(m, n)) s;
SELECT name, count(m) FROM (VALUES ('funnel_svg', funnel_svg('opened')), ('map_svg', map_svg('opened')), ('without a limit', map_svg('unlimited'))) d(name, svg)
	LEFT JOIN LATERAL regexp_matches(svg, '<rect [^>]*class="wait"', 'g') m ON true GROUP BY name ORDER BY name;
SELECT cjm_internal.funnel_description(cjm_internal.funnel_drawn_steps(cjm_internal.map_of('opened')));

-- The aggregate behind it: any split gives the same, and who calls it by hand does no harm.
SELECT cjm_internal.funnel_open_agg(journey, 'view -> cart -> pay within 7 days', now(), '(,)'),
	cjm_internal.funnel_open_agg(journey, 'view -> cart -> pay within 7 days', now() + interval '10 days', '(,)') AS later,
	cjm_internal.funnel_open_agg(journey, 'view -> cart -> pay within 7 days', NULL, '(,)') AS never,
	cjm_internal.funnel_open_agg(journey, 'view -> cart -> pay within 7 days', now(), 'empty') AS of_none FROM opened.journeys;
SELECT customer, o FROM (SELECT customer, cjm_internal.funnel_open_agg(journey, 'view -> cart -> pay within 7 days', now(), '(,)') OVER (ORDER BY customer) AS o FROM opened.journeys) w WHERE customer IN (1, 31, 33, 40);
SELECT cjm_internal.funnel_open_agg_step('{1,2}', j, f, now(), '(,)') FROM (SELECT journey_agg(now(), 'a'), 'a -> b within 1 day'::funnel) x(j, f);
SELECT cjm_internal.funnel_open_agg_step('{1,2,3}', j, f, now(), '(,)') FROM (SELECT journey_agg(now(), 'a'), 'a -> b within 1 day'::funnel) x(j, f);
SELECT cjm_internal.funnel_open_agg_combine('{1,2,3}', '{1,NULL,3}');
SELECT cjm_internal.funnel_open_agg_combine('{1,2,3}', '{1,2}');
SELECT cjm_internal.funnel_open_agg_combine('{1,2}', '{3,4}'), cjm_internal.funnel_open_agg_combine(NULL, NULL) IS NULL AS none, cjm_internal.funnel_open_agg_combine('{5}', NULL);

SELECT drop_map('opened'), drop_map('unlimited'), drop_map('no order');
DROP TABLE open_events;
