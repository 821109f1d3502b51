-- Who came back: what people ask of retention, as small inputs with the right answer.  Random combinations are in test/t/045_map_retention.pl.
SET search_path = cjm, public;
\set SHOW_CONTEXT never
SET datestyle = 'ISO';
CREATE TABLE public.back (customer int, at timestamptz, event text, channel text, value float8, country text);

-- The event that begins a cohort and the one that is a return differ: no purchase in week 0, one in week 1; of any event both weeks.
INSERT INTO public.back VALUES (1, '2026-03-02 09:00Z', 'register', 'ads', NULL, 'LV'), (1, '2026-03-03 09:00Z', 'open', NULL, NULL, 'LV'), (1, '2026-03-10 09:00Z', 'order', NULL, 40, 'LV');
SELECT create_map('back', 'public.back', 'customer', 'at', 'event', 'register -> order', 'channel', 'value', 'country', time_zone => 'UTC', refusal => 'return');
SELECT number, retained, rate, churn, period_over FROM retention_report('back', 'week', starts => 'register', returns => 'order');
SELECT number, retained FROM retention_report('back', 'week', starts => 'register');
-- What lies before the start is no return, and what lies at its time is one.
INSERT INTO public.back VALUES (2, '2026-03-02 08:00Z', 'order', NULL, 5, 'EE'), (2, '2026-03-02 09:00Z', 'register', NULL, NULL, 'EE'),
	(3, '2026-03-02 10:00Z', 'order', NULL, 7, 'EE'), (3, '2026-03-02 10:00Z', 'register', NULL, NULL, 'EE');
SELECT number, cohort_size, retained, net_value, purchases FROM retention_report('back', 'week', starts => 'register', returns => 'order', value => true);
SELECT by_value, number, retained FROM retention_report('back', 'week', by => 'segment', starts => 'register', returns => 'order');
SELECT number, cohort_size, retained FROM retention_report('back', 'week', where_is => '{"segment": "EE"}', starts => 'register', returns => 'order');
-- A funnel that is completed begins a cohort, too; who does not complete it is in none.
SELECT cohort, number, cohort_size, retained FROM retention_report('back', 'day', starts => 'register -> order within 8 days', returns => 'order');

-- At least so many times within a period.
TRUNCATE public.back;
INSERT INTO public.back SELECT 1, timestamptz '2026-03-02 12:00Z' + d * interval '1 day', 'view', NULL, NULL, NULL FROM unnest('{0,7,8,15}'::int[]) d;
SELECT array_agg(number ORDER BY number) FILTER (WHERE retained > 0) AS once, (SELECT array_agg(number ORDER BY number) FILTER (WHERE retained > 0)
	FROM retention_report('back', 'week', at_least => 2)) AS twice FROM retention_report('back', 'week');
-- Of "on or after" and of brackets they are counted together.
SELECT number, retained, period_over FROM retention_report('back', 'week', kind => 'on_or_after', at_least => 2);
SELECT number, period_start, period_end, retained, churn, period_over FROM retention_report('back', 'day', brackets => '{0,1,8,20}', at_least => 2);

-- Weeks that begin on Sunday: Saturday and Sunday are one ISO week, and two of these.
TRUNCATE public.back;
INSERT INTO public.back VALUES (1, '2026-03-07 12:00Z', 'view'), (1, '2026-03-08 12:00Z', 'view');
SELECT w AS week_starts, cohort, number, retained FROM unnest('{monday,SUNDAY,saturday}'::text[]) w CROSS JOIN LATERAL retention_report('back', 'week', week_starts => w);
SELECT w AS week_starts, period_start, new_customers, returning_customers FROM unnest('{monday,sunday}'::text[]) w CROSS JOIN LATERAL lifecycle_report('back', 'week', week_starts => w);

-- Cohorts of the first time ever, and of every time.  A period may run from each customer's own start: what is a week later to the microsecond is in week 1.
TRUNCATE public.back;
INSERT INTO public.back VALUES (1, '2026-01-07 12:00Z', 'view'), (1, '2026-01-14 11:59:59.999999Z', 'view'), (2, '2026-01-07 12:00Z', 'view'), (2, '2026-01-14 12:00Z', 'view'), (1, '2026-01-26 00:00Z', 'view');
SELECT cohort, number, cohort_size, retained FROM retention_report('back', 'week');
SELECT cohort, number, cohort_size, retained FROM retention_report('back', 'week', every_start => true);
SELECT cohort, number, period_start, period_end, cohort_size, retained FROM retention_report('back', '7 days');
SELECT cohort, number, period_start, cohort_size, retained FROM retention_report('back', '28 days', kind => 'on_or_after');
SELECT cohort, array_agg(number ORDER BY number) FILTER (WHERE retained > 0) AS back FROM retention_report('back', '24 hours', returns => 'view', from_time => '2026-01-07 12:00Z', to_time => '2026-01-14Z') GROUP BY cohort;

-- Refunds: of a purchase of 100, one of 50, and a refund of 50 in a later month, and of what was refunded by another event.
TRUNCATE public.back;
INSERT INTO public.back VALUES (1, '2026-01-07 12:00Z', 'order', NULL, 100), (1, '2026-02-07 12:00Z', 'order', NULL, 50), (1, '2026-03-07 12:00Z', 'order', NULL, -50),
	(2, '2026-01-09 12:00Z', 'order', NULL, 0.1), (2, '2026-01-09 12:00Z', 'order', NULL, 0.2), (2, '2026-02-09 12:00Z', 'return', NULL, -0.3), (2, '2026-02-09 12:00Z', 'order', NULL, NULL), (2, '2026-02-10 12:00Z', 'view', NULL, 1000);
SELECT number, cohort_size, retained, net_value, gross_value, round(value_rate::numeric, 6) AS value_rate, purchases, refunds FROM retention_report('back', value => true);
SELECT number, net_value, gross_value, round(value_rate::numeric, 6) AS value_rate, purchases, refunds FROM retention_report('back', kind => 'on_or_after', value => true);
SELECT sum(net_value) AS net, sum(gross_value) AS gross, sum(purchases) AS purchases, sum(refunds) AS refunds FROM retention_report('back', value => true);
SELECT count(net_value) AS net, count(purchases) AS purchases, count(value_rate) AS rates FROM retention_report('back');
-- What cannot be added up is no money.
INSERT INTO public.back VALUES (3, '2026-01-09 12:00Z', 'order', NULL, 'NaN'), (3, '2026-01-09 12:00Z', 'order', NULL, '-Infinity'), (3, '2026-01-09 12:00Z', 'order', NULL, 1e18);
SELECT number, net_value, gross_value, purchases, refunds FROM retention_report('back', value => true) WHERE number = 0;

-- On or after, and a bracket without an end, still grow, and so nobody is lost there.
TRUNCATE public.back;
INSERT INTO public.back VALUES (1, now() - interval '10 days', 'view'), (1, now() - interval '9 days', 'view'), (2, now() - interval '10 days', 'view');
SELECT retained, churn, period_over FROM retention_report('back', 'day', kind => 'on_or_after') WHERE number = 1;
SELECT retained, churn, period_over FROM retention_report('back', 'day', brackets => '{0,1}') WHERE number = 1;
INSERT INTO public.back VALUES (2, now(), 'view');
SELECT retained, churn, period_over FROM retention_report('back', 'day', kind => 'on_or_after') WHERE number = 1;
SELECT retained, churn, period_over FROM retention_report('back', 'day', brackets => '{0,1}') WHERE number = 1;
-- A period from each one's own start is over when it is for whoever could have started last: a day later than by the calendar.
SELECT period, max(number) FILTER (WHERE period_over) AS over, max(number) AS last FROM unnest('{day,24 hours}'::text[]) period CROSS JOIN LATERAL retention_report('back', period) GROUP BY period ORDER BY period;

-- Life cycles, of all events and of some.
TRUNCATE public.back;
INSERT INTO public.back SELECT c, make_timestamptz(2026, m, 5, 12, 0, 0, 'UTC'), e, NULL, NULL, country
FROM (VALUES (1, 1, 'view', 'LV'), (1, 2, 'order', 'LV'), (1, 4, 'order', 'LV'), (2, 2, 'order', 'EE'), (2, 3, 'view', NULL), (3, 4, 'view', NULL)) v(c, m, e, country);
SELECT * FROM back.lifecycle;
SELECT * FROM lifecycle_report('back', active => 'order');
SELECT period_start, by_value, new_customers AS new, returning_customers AS returning, resurrected_customers AS resurrected, dormant_customers AS dormant, active_customers AS active
FROM lifecycle_report('back', by => 'segment', from_time => '2026-02-01Z', to_time => '2026-04-01Z');
SELECT * FROM lifecycle_report('back', where_is => '{"segment": null}');
-- Of no rows.
SELECT count(*) FROM retention_report('back', where_is => '{"segment": "nobody"}', value => true, by => 'segment'), lifecycle_report('back', where_is => '{"segment": "nobody"}');

-- It is said what can be asked.
SELECT FROM retention_report('back', 'hour');
SELECT FROM retention_report('back', '1 week');
SELECT FROM lifecycle_report('back', '7 days');
SELECT FROM retention_report('back', kind => 'rolling');
SELECT FROM retention_report('back', 'week', week_starts => 'noon');
SELECT FROM lifecycle_report('back', 'day', week_starts => 'noon');
SELECT FROM retention_report('back', brackets => '{0,3,3}');
SELECT FROM retention_report('back', brackets => '{-1}');
SELECT FROM retention_report('back', brackets => '{}');
SELECT FROM retention_report('back', brackets => '{0,NULL}');
SELECT FROM retention_report('back', brackets => '{100001}');
SELECT FROM retention_report('back', at_least => 0);
SELECT FROM retention_report('back', starts => 'a ->');
SELECT FROM retention_report('back', by => 'segmnt');
SELECT FROM lifecycle_report('back', where_is => '{"segmnt": 1}');
SELECT FROM lifecycle_report('back', active => 'a -> b');
SELECT FROM retention_report('back', from_time => '2026-02-01Z', to_time => '2026-01-01Z');
-- NULL is the default.
SELECT (SELECT count(*) FROM retention_report('back')) = (SELECT count(*) FROM retention_report('back', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)) AS retention,
	(SELECT count(*) FROM lifecycle_report('back')) = (SELECT count(*) FROM lifecycle_report('back', NULL, NULL, NULL, NULL, NULL, NULL, NULL)) AS lifecycle;

-- Drawn: where a period begins, and what came of it.
SELECT s LIKE '%quarters later%' AS quarters, s LIKE '%2026 Q1, quarter 1: 1 of 2 customers%' AS cell FROM retention_svg('back', 'quarter') s;
SELECT s LIKE '%>1-2<%' AS bracket, s LIKE '%>3+<%' AS without_end, s LIKE '%>0<%' AS own, s LIKE '%came back%' AS returns
FROM retention_svg('back', 'month', starts => 'view', returns => 'order', brackets => '{0,1,3}') s;

SET client_min_messages = warning;
SELECT drop_map('back');
DROP TABLE public.back;
