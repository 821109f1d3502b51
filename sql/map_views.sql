-- The views of a map and its reports: what they say about data small enough to count by hand.
SET search_path = public, cjm;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
\set SHOW_CONTEXT never
SET IntervalStyle = 'postgres';

-- 1 buys twice, 2 stops at the cart, comes back after 40 days and buys, 3 stops at the view and then only asks for support, 4 bounces,
-- 5 buys without having looked; all in Riga, where March 1 begins at 22:00 UTC.
CREATE TABLE public.log (customer text, at timestamptz, event text, channel text, value numeric, country text);
INSERT INTO public.log VALUES
	('1', '2021-01-05 10:00Z', 'visit',    'email', NULL, NULL),
	('1', '2021-01-05 10:10Z', 'view',     'email', NULL, 'LV'),
	('1', '2021-01-05 10:20Z', 'cart',     NULL,    NULL, 'LV'),
	('1', '2021-01-05 10:21Z', 'purchase', NULL,    30,   'LV'),
	('1', '2021-01-25 10:00Z', 'purchase', NULL,    50,   'EE'),
	('2', '2021-01-10 12:00Z', 'view',     'ads',   NULL, 'LV'),
	('2', '2021-01-10 12:05Z', 'cart',     'ads',   NULL, 'LV'),
	('2', '2021-02-19 12:05Z', 'visit',    NULL,    NULL, 'LV'),
	('2', '2021-02-19 12:06Z', 'view',     NULL,    NULL, 'LV'),
	('2', '2021-02-19 12:07Z', 'cart',     NULL,    NULL, 'LV'),
	('2', '2021-02-19 12:07Z', 'purchase', NULL,    10,   'LV'),
	('3', '2021-02-28 22:30Z', 'visit',    '',      NULL, NULL),
	('3', '2021-02-28 22:31Z', 'view',     '',      NULL, NULL),
	('3', '2021-03-05 09:00Z', 'support',  'phone', NULL, NULL),
	('4', '2021-02-28 21:59Z', 'view',     'ads',   NULL, 'EE'),
	('5', '2021-01-31 22:00Z', 'purchase', 'shop',  5,    NULL),
	-- no touchpoints
	(NULL, '2021-01-01Z', 'view', NULL, NULL, NULL), ('6', NULL, 'view', NULL, NULL, NULL), ('7', '2021-01-01Z', NULL, NULL, NULL, NULL),
	('8', '2021-01-01Z', '', NULL, NULL, NULL);
SELECT create_map('site', 'log', 'customer', 'at', 'event', 'look: view -> cart -> purchase within 30 days', 'channel', 'value', 'country',
	time_zone => 'Europe/Riga');

SELECT * FROM site.journeys ORDER BY customer;
SELECT customer, segment, step, stage, entered_at, reached_at, step_times FROM site.customers ORDER BY customer;
SELECT customer, converted, open, sessions, conversions, touches, value, first_seen, last_seen, last_event FROM site.customers ORDER BY customer;
\x
SELECT * FROM site.funnel;
\x
SELECT segment, step, customers, step_rate, overall_rate, dropped, median_total_seconds FROM site.funnel_by_segment;
SELECT week, closed, step, customers, dropped FROM site.funnel_by_week;
SELECT step, stage, last_event, customers, share, open_customers, next_event, next_customers FROM site.drop_off;
SELECT median_days_since > 30 AS long_ago FROM site.drop_off;
SELECT * FROM site.sessions ORDER BY customer, session_number;
SELECT event, channel, sessions, bounces, bounce_rate, containing, exits, exit_rate, touches_per_session FROM site.bounce;
SELECT event, channel, mean_time, median_time, mean_time_seconds, median_time_seconds, new_sessions, returning_sessions FROM site.bounce WHERE sessions > 0;
SELECT * FROM site.retention;

-- The reports behind them
SELECT by_value, bucket_start, closed, step, customers, dropped FROM funnel_report('site', bucket => 'month');
SELECT by_value, bucket_start, closed, step, customers, dropped FROM funnel_report('site', by => 'channel', from_time => '2021-01-10Z', to_time => '2021-02-19 12:06Z');
SELECT by_value, bucket_start, step, customers FROM funnel_report('site', 'segment', 'year') WHERE step = 1;
SELECT bucket_start, step, customers FROM funnel_report('site', bucket => 'month', from_time => '2021-01-06Z', to_time => '2021-02-19Z');
SELECT step, stage, by_value, customers, share, open_customers, next_event, next_customers FROM drop_off_report('site', 'next_event');
SELECT step, by_value, customers, next_event FROM drop_off_report('site', 'segment');
SELECT step, by_value, customers, open_customers, next_event, next_customers FROM drop_off_report('site', from_time => '2021-01-01Z', to_time => '2021-02-01Z');
SELECT by_value, sessions, customers, new_sessions, returning_sessions, bounces, bounce_rate, touches_per_session, mean_time, median_time_seconds, value,
	value_per_session FROM session_report('site', 'visitor');
SELECT by_value, bucket_start, sessions, customers, bounces FROM session_report('site', 'channel', 'month');
SELECT by_value, sessions FROM session_report('site', 'exit_event', from_time => '2021-02-01Z');
SELECT by_value, sessions FROM session_report('site', 'entry_event');
SELECT by_value, sessions FROM session_report('site', 'segment');
SELECT * FROM retention_report('site', 'month', kind => 'on_or_after');
SELECT * FROM retention_report('site', 'quarter', to_time => '2021-01-31 22:00Z');
SELECT cohort, number, period_start, cohort_size, retained FROM retention_report('site', 'week') WHERE retained > 0 AND number > 0;
SELECT cohort, number, period_start, cohort_size, retained FROM retention_report('site', 'day') WHERE retained > 0 AND number > 0;
SELECT * FROM lifecycle_report('site');
SELECT * FROM lifecycle_report('site', 'month', '2021-02-01Z', '2021-03-01Z');
SELECT * FROM purchase_report('site');
SELECT by_value, customers, purchases, repeat_customers, repeat_rate, value, average_order_value FROM purchase_report('site', 'segment');
SELECT by_value, customers, purchases, value FROM purchase_report('site', 'channel', '2021-01-06Z', '2021-02-01Z');
SELECT * FROM win_back_report('site');
SELECT * FROM win_back_report('site', NULL, '2021-01-10 13:00Z', away => '3 days');
SELECT * FROM check_map('site');

-- What they do not know
\set VERBOSITY terse
SELECT * FROM funnel_report('site', by => 'colour');
SELECT * FROM funnel_report('site', bucket => 'fortnight');
SELECT * FROM funnel_report('site', from_time => '2021-02-01Z', to_time => '2021-01-01Z');
SELECT * FROM drop_off_report('site', 'visitor');
SELECT * FROM session_report('site', by => 'last_event');
SELECT * FROM session_report('site', bucket => 'century');
SELECT * FROM retention_report('site', 'hour');
SELECT * FROM win_back_report('site', away => '-1 day');
SELECT * FROM retention_report('site', 'month', kind => 'before');
SELECT * FROM lifecycle_report('site', 'hour');
SELECT * FROM purchase_report('site', 'last_event');
SELECT * FROM win_back_report('site', away => '1 month');
SELECT * FROM funnel_report('sites');
SELECT * FROM funnel_report('"site"') LIMIT 0;
\set VERBOSITY default

-- Periods that are not over, and customers who may yet go on
TRUNCATE log;
INSERT INTO log VALUES
	('1', now() - interval '40 days', 'view'), ('2', now() - interval '1 hour', 'view'), ('3', now() - interval '1 hour', 'view'),
	('3', now() - interval '59 minutes', 'cart'), ('4', now() - interval '35 days', 'view'), ('4', now() - interval '35 days', 'cart'), ('5', now(), 'purchase'),
	('6', now() - interval '40 days', 'view'), ('6', now() - interval '1 hour', 'view');
SELECT customer, step, open FROM site.customers ORDER BY customer;
SELECT step, last_event, customers, share, open_customers, next_event, next_customers FROM site.drop_off;
SELECT step, last_event, customers, open_customers FROM drop_off_report('site', to_time => now() - interval '2 hours') AS d(step, stage, last_event);
SELECT bool_and(period_over = ((period + interval '1 month') AT TIME ZONE 'Europe/Riga' <= now())) AS marked, bool_or(period_over) AS some_over,
	bool_and(period_over) AS all_over FROM site.retention;
SELECT bool_and(closed = (week + 7 < (now() - interval '30 days') AT TIME ZONE 'Europe/Riga')) FROM site.funnel_by_week;

-- Rules of other kinds: optional, unordered, one stage, without a limit
TRUNCATE log;
INSERT INTO log VALUES ('1', '2021-01-01Z', 'a'), ('1', '2021-01-02Z', 'c'), ('2', '2021-01-01Z', 'a'), ('2', '2021-01-02Z', 'b'), ('3', '2021-01-01Z', 'b'), ('3', '2021-01-02Z', 'a');
SELECT create_map('site', 'log', 'customer', 'at', 'event', 'a -> c -> optional b', replace => true);
SELECT customer, step, stage, converted, open FROM site.customers ORDER BY customer;
SELECT step, stage, last_event, customers FROM site.drop_off;
SELECT create_map('site', 'log', 'customer', 'at', 'event', 'a -> b unordered', replace => true);
SELECT customer, step, stage, converted, entered_at, reached_at FROM site.customers ORDER BY customer;
SELECT stage, customers, dropped FROM site.funnel;
SELECT step, stage, last_event, customers, next_event FROM site.drop_off;
SELECT create_map('site', 'log', 'customer', 'at', 'event', 'b', replace => true);
SELECT customer, step, stage, converted FROM site.customers ORDER BY customer;
SELECT count(*) FROM site.drop_off;
SELECT DISTINCT closed FROM site.funnel_by_week;
SELECT customers, purchases, repeat_customers, value, average_order_value FROM purchase_report('site');

-- Nothing at all, and one customer
TRUNCATE log;
SELECT (SELECT count(*) FROM site.customers) AS customers, (SELECT count(*) FROM site.funnel_by_segment) AS segments, (SELECT count(*) FROM site.funnel_by_week) AS weeks,
	(SELECT count(*) FROM site.drop_off) AS drop_off, (SELECT count(*) FROM site.sessions) AS sessions, (SELECT count(*) FROM site.bounce) AS bounce,
	(SELECT count(*) FROM site.retention) AS retention;
SELECT step, stage, customers, step_rate, overall_rate, dropped, median_time FROM site.funnel;
SELECT sessions, customers, bounce_rate, mean_time FROM session_report('site');
SELECT (SELECT count(*) FROM retention_report('site', 'day', kind => 'on_or_after')) AS retention, (SELECT count(*) FROM lifecycle_report('site')) AS lifecycle,
	(SELECT count(*) FROM win_back_report('site')) AS win_back, (SELECT customers FROM purchase_report('site')) AS buyers;
SELECT * FROM check_map('site');
INSERT INTO log VALUES ('only', '2021-01-01Z', 'b', NULL, NULL, NULL);
SELECT customer, step, sessions, touches, value FROM site.customers;
SELECT * FROM site.retention;
SELECT event, sessions, bounces, bounce_rate, exit_rate FROM site.bounce;

-- A median of days is that of a customer, the lower one of two.
TRUNCATE log;
INSERT INTO log VALUES ('1', now() - interval '48 hours', 'a'), ('2', now() - interval '240 hours', 'a'), ('3', now() - interval '24 hours', 'a'), ('4', now() - interval '12 hours', 'a');
SELECT create_map('site', 'log', 'customer', 'at', 'event', 'a -> b within 40 hours', replace => true);
SELECT last_event, customers, open_customers, round(median_days_since::numeric, 2) AS days FROM site.drop_off;
SELECT step, customers, round(median_days_since::numeric, 2) AS days, open_customers, round(open_median_days_since::numeric, 2) AS open_days FROM site.stages WHERE step = 1;

-- Times that stand for "never": series end with the present period, and a cohort of the future has its own alone.
TRUNCATE log;
INSERT INTO log VALUES ('1', now() - interval '40 days', 'a'), ('1', now(), 'a'), ('1', '9999-12-31Z', 'b'), ('2', now(), 'a'), ('2', '294276-12-31 23:59:59Z', 'b'),
	('3', '9999-12-31Z', 'a'), ('4', '294276-12-31Z', 'a'), ('4', '294276-12-31 12:00Z', 'a'), ('5', now() - interval '40 days', 'a');
SELECT create_map('site', 'log', 'customer', 'at', 'event', 'a -> b', time_zone => 'Asia/Tokyo', replace => true);
SELECT p.period, p.kind, bool_and(r.period_start <= date_trunc(p.period, now() AT TIME ZONE 'Asia/Tokyo') OR r.number = 0) AS none_later,
	bool_and(r.period_over = (r.period_start < date_trunc(p.period, now() AT TIME ZONE 'Asia/Tokyo'))) AS over,
	count(DISTINCT cohort) AS cohorts, sum(cohort_size) FILTER (WHERE number = 0) AS customers, count(*) < 50 AS short
FROM unnest(ARRAY['day', 'week', 'day'], ARRAY['in', 'on_or_after', 'on_or_after']) p(period, kind) CROSS JOIN LATERAL retention_report('site', p.period, kind => p.kind) r
GROUP BY p.period, p.kind ORDER BY p.period, p.kind;
SELECT kind, number, cohort_size, retained, period_over FROM unnest(ARRAY['in', 'on_or_after']) kind CROSS JOIN LATERAL retention_report('site', 'day', kind => kind)
WHERE number IN (0, 1, 40) AND cohort = ((now() - interval '40 days') AT TIME ZONE 'Asia/Tokyo')::date ORDER BY kind, number;
SELECT cohort, number, period, cohort_size, retained, rate, period_over FROM site.retention WHERE cohort > '9000-01-01';
SELECT retention_svg('site') LIKE '<svg%' AS drawn;
SELECT p.period, count(*) < 50 AS short, max(period_start) = date_trunc(p.period, now() AT TIME ZONE 'Asia/Tokyo') AS up_to_now, sum(new_customers) AS new,
	bool_or(period_over) AND NOT bool_and(period_over) AS some_over
FROM unnest(ARRAY['day', 'week']) p(period) CROSS JOIN LATERAL lifecycle_report('site', p.period) GROUP BY p.period ORDER BY p.period;
DELETE FROM log WHERE customer IN ('1', '2', '5');
SELECT count(*) FROM lifecycle_report('site', 'day');
SELECT cohort, number, retained FROM retention_report('site', 'day', kind => 'on_or_after');
INSERT INTO log VALUES ('4', '294276-12-31 23:59:59.999999Z', 'a');
SELECT zone, bucket, entry_buckets(journey, '*', bucket, zone) FROM unnest(ARRAY['Asia/Tokyo', 'UTC', 'Pacific/Pago_Pago']) zone
	CROSS JOIN unnest(ARRAY['hour', 'day', 'week', 'month', 'quarter', 'year']) bucket CROSS JOIN site.journeys WHERE customer = '4' ORDER BY 1, 2, 3;
SELECT zone, active_periods(journey, 'day', zone) FROM unnest(ARRAY['Asia/Tokyo', 'UTC', 'Pacific/Pago_Pago']) zone CROSS JOIN site.journeys WHERE customer = '4' ORDER BY 1;
SELECT week, customers, closed FROM site.funnel_by_week WHERE step = 1;

-- What check_map finds
TRUNCATE log;
INSERT INTO log SELECT 'robot', timestamptz '2021-01-01Z' + n * interval '1 s', 'b' FROM generate_series(1, 1200) n;
INSERT INTO log SELECT 'c' || n, timestamptz '2021-01-01Z', 'a' FROM generate_series(1, 5) n;
INSERT INTO log VALUES ('c1', '2021-01-01Z', 'a'), ('c1', '2021-01-01Z', 'a'), ('c2', '3026-01-01Z', 'b'), (NULL, '2021-01-01Z', 'b'), ('c3', NULL, NULL), ('c3', 'infinity', ''),
	('c4', '2021-01-01Z', 'B'), ('c4', '2021-01-01Z', 'signup');
SELECT create_map('site', 'log', 'customer', 'at', 'event', 'B -> signp@x -> *@y excluding zzz', 'channel', 'value', 'country', replace => true);
SELECT finding, subject, touches, round(share::numeric, 4) AS share, meaning FROM check_map('site');
SELECT * FROM check_map('nowhere');
SELECT count(*) FROM site.customers;
-- row security that came after the map
ALTER TABLE log ENABLE ROW LEVEL SECURITY;
SELECT finding, subject, touches, meaning FROM check_map('site') LIMIT 1;
TRUNCATE log;
SELECT finding, subject FROM check_map('site');
SELECT create_map('site', 'log', 'customer', 'at', 'event', 'B', replace => true);
SELECT finding, subject FROM check_map('site');

SELECT drop_map('site');
DROP TABLE log;
