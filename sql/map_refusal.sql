-- create_map(..., refusal => ...): who has said no stands beside who dropped and who is open.
SET search_path = public, cjm;
SET TimeZone = 'UTC';
\set SHOW_CONTEXT never

CREATE TABLE public.sales (who integer, at timestamptz, what text, via text, country text);
INSERT INTO public.sales
SELECT w, now() - d * interval '1 day', e, 'mail', 'LV' FROM (VALUES
	(1, 50, 'lead'), (1, 40, 'demo'), (1, 30, 'deal'),
	(2, 50, 'lead'), (2, 40, 'no thanks'),
	(3, 50, 'lead'), (3, 45, 'demo'), (3, 40, 'no thanks'), (3, 39, 'cancel'),
	(4, 50, 'lead'),
	(5, 3, 'lead'),
	(6, 3, 'lead'), (6, 2, 'no thanks'),						-- no more open
	(7, 50, 'lead'), (7, 40, 'no thanks'), (7, 2, 'lead'),		-- and open again
	(8, 50, 'lead'), (8, 40, 'demo'), (8, 30, 'deal'), (8, 20, 'cancel'),
	(9, 50, 'no thanks')) v(w, d, e);
SELECT create_map('sales_no', 'sales', 'who', 'at', 'what', 'lead -> demo -> deal within 30 days', segment => 'country', channel => 'via', refusal => '"no thanks" | cancel');
SELECT refusal FROM sales_no.map;
SELECT customer, step, stage, converted, open, extract(day FROM now() - refused_at) AS refused_days_ago FROM sales_no.customers ORDER BY customer;
SELECT step, customers, dropped, open_customers, refused FROM sales_no.funnel;
SELECT segment, step, refused FROM sales_no.funnel_by_segment;
SELECT step, last_event, customers, open_customers, refused FROM sales_no.drop_off;
SELECT step, stage, customers, open_customers, refused FROM sales_no.stages;
SELECT step, by_value, customers, open_customers, refused FROM drop_off_report('sales_no', 'none');
SELECT step, by_value, customers, open_customers, refused FROM stage_report('sales_no', 'channel', from_time => now() - interval '4 days');
SELECT step, refused FROM funnel_report('sales_no', from_time => now() - interval '4 days');
SELECT sum(refused) FROM sales_no.funnel_by_week;
-- what it says in comments, and of a map without refusals
SELECT column_name, col_description('sales_no.funnel'::regclass, ordinal_position) FROM information_schema.columns WHERE table_schema = 'sales_no' AND table_name = 'funnel' AND column_name IN ('dropped', 'refused');
SELECT create_map('sales_any', 'sales', 'who', 'at', 'what', 'lead -> demo -> deal within 30 days');
SELECT (SELECT array_agg(refused ORDER BY step) FROM sales_any.funnel), (SELECT count(refused_at) FROM sales_any.customers), (SELECT sum(refused) FROM sales_any.drop_off), (SELECT sum(refused) FROM sales_any.stages), (SELECT refusal IS NULL FROM maps WHERE map = 'sales_any'::regnamespace);

-- What is wrong
SELECT create_map('sales_wrong', 'sales', 'who', 'at', 'what', 'lead -> demo -> cancel', refusal => 'cancel');
SELECT create_map('sales_wrong', 'sales', 'who', 'at', 'what', 'lead -> demo', refusal => 'cancel -> "no thanks"');
SELECT create_map('sales_wrong', 'sales', 'who', 'at', 'what', 'lead -> demo', refusal => 'cancel within 2 days');
SELECT create_map('sales_wrong', 'sales', 'who', 'at', 'what', 'lead -> demo', refusal => 'cancel excluding lead');
SELECT create_map('sales_wrong', 'sales', 'who', 'at', 'what', 'lead -> demo', refusal => 'cancel@mail');
SELECT create_map('sales_wrong', 'sales', 'who', 'at', 'what', 'lead@web -> demo excluding "no thanks"', channel => 'via', refusal => 'lead@mail | "no thanks" | "not thanks"');
SELECT finding, subject, meaning FROM check_map('sales_wrong');
SELECT drop_map('sales_wrong');

-- All figures agree, over random data, without and with kept journeys: customers = gone on + open + refused + dropped.
CREATE TABLE public.refusals AS
SELECT n AS who, date_trunc('day', now()) - (abs(hashint4(n * 31 + i)) % 60) * interval '1 day' AS at, (ARRAY['a', 'b', 'c', 'no', 'x', 'a'])[1 + abs(hashint4(n * 17 + i * 3)) % 6] AS event,
	CASE n % 3 WHEN 0 THEN 'one' WHEN 1 THEN 'two' END AS part
FROM generate_series(1, 4000) n, generate_series(1, 1 + n % 6) i;
SELECT create_map('refusals_' || x.name, 'refusals', 'who', 'at', 'event', f::funnel, segment => 'part', refusal => 'no')
FROM (VALUES ('plain', 'a -> b -> c within 20 days'), ('ruled', 'a -> optional x -> b -> c [10 days] within 20 days'), ('unordered', 'a -> b -> c unordered within 20 days'), ('unlimited', 'a -> b -> c')) x(name, f);
SET client_min_messages = warning;
SELECT create_map('refusals_kept', 'refusals', 'who', 'at', 'event', 'a -> b -> c within 20 days', segment => 'part', refusal => 'no', keep => true);
RESET client_min_messages;
CREATE FUNCTION public.disagreements(map text) RETURNS TABLE (figure text, differences bigint) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('
		WITH of AS (SELECT c.*, CASE WHEN converted THEN ''converted'' WHEN refused_at IS NOT NULL THEN ''refused'' WHEN open THEN ''open'' ELSE ''dropped'' END AS state FROM %1$I.customers c),
		total AS (SELECT step, count(*) FILTER (WHERE state = ''refused'') AS refused, count(*) FILTER (WHERE state = ''open'') AS open, count(*) FILTER (WHERE state IN (''dropped'', ''converted'')) AS dropped FROM of GROUP BY step),
		-- who stands at an optional stage dropped after the mandatory one before it
		at_step AS (SELECT (SELECT max(s.step) FROM cjm.funnel_stages($1) s WHERE NOT s.optional AND s.step <= t.step) AS step, sum(refused) AS refused, sum(open) AS open, sum(dropped) AS dropped FROM total t WHERE step > 0 GROUP BY 1)
		SELECT ''both refused and open or converted'', count(*) FROM of WHERE refused_at IS NOT NULL AND (open OR converted)
		UNION ALL SELECT ''funnel, refused'', count(*) FROM %1$I.funnel f LEFT JOIN at_step a USING (step) WHERE f.refused <> coalesce(a.refused, 0)
		UNION ALL SELECT ''funnel, open and dropped'', count(*) FROM %1$I.funnel f LEFT JOIN at_step a USING (step)
			WHERE (f.open_customers, f.dropped) <> (coalesce(a.open, 0), coalesce(a.dropped, 0))
		UNION ALL SELECT ''funnel, gone on'', count(*) FROM (SELECT f.*, lead(customers) OVER (ORDER BY step) AS next FROM %1$I.funnel f WHERE dropped IS NOT NULL OR step = $2) f
			WHERE customers - next <> dropped + refused + open_customers
		UNION ALL SELECT ''funnel, drop rate'', count(*) FROM %1$I.funnel f WHERE abs(drop_rate - dropped::float8 / customers) > 1e-15
		UNION ALL SELECT ''funnel_by_segment'', count(*) FROM (SELECT step, sum(refused) AS refused FROM %1$I.funnel_by_segment GROUP BY step) s JOIN %1$I.funnel f USING (step) WHERE s.refused <> f.refused
		UNION ALL SELECT ''drop_off'', count(*) FROM (SELECT step, sum(customers) AS dropped, sum(open_customers) AS open, sum(refused) AS refused FROM %1$I.drop_off GROUP BY step) d FULL JOIN (SELECT * FROM total WHERE step BETWEEN 1 AND $2 - 1) t USING (step)
			WHERE (d.dropped, d.open, d.refused) IS DISTINCT FROM (t.dropped, t.open, t.refused)
		UNION ALL SELECT ''stages'', count(*) FROM %1$I.stages s JOIN total t USING (step) WHERE (s.customers, s.open_customers, s.refused) IS DISTINCT FROM (t.dropped, t.open, t.refused)', map)
	USING (SELECT m.stages FROM cjm.maps m WHERE m.map = disagreements.map::regnamespace), (SELECT max(s.step) FROM cjm.maps m, cjm.funnel_stages(m.stages) s WHERE m.map = disagreements.map::regnamespace AND NOT s.optional);
END
$$;
SELECT m, d.figure, d.differences FROM unnest(ARRAY['refusals_plain', 'refusals_ruled', 'refusals_unordered', 'refusals_unlimited', 'refusals_kept']) m, disagreements(m) d WHERE d.differences > 0;
SELECT step, customers > 0 AS customers, refused > 0 AS refused FROM refusals_plain.funnel;
SELECT count(*) FILTER (WHERE open) > 0 AS open, count(refused_at) > 0 AS refused FROM refusals_plain.customers;
-- kept journeys, before they are built, built, and with changes that wait
SELECT count(*) AS differences FROM (SELECT * FROM refusals_kept.customers EXCEPT SELECT * FROM refusals_plain.customers) d;
SELECT refresh_journeys('refusals_kept') IS NULL AS refreshed;
DELETE FROM refusals WHERE event = 'no' AND who % 5 = 0;
INSERT INTO refusals SELECT n, now(), 'no', 'one' FROM generate_series(1, 50) n;
SELECT state, changes > 0 AS changes FROM refusals_kept.kept;
SELECT (SELECT count(*) FROM (SELECT * FROM refusals_kept.customers EXCEPT SELECT * FROM refusals_plain.customers) d) AS customers,
	(SELECT count(*) FROM (SELECT * FROM refusals_kept.funnel EXCEPT SELECT * FROM refusals_plain.funnel) d) AS funnel,
	(SELECT count(*) FROM (SELECT * FROM refusals_kept.drop_off EXCEPT SELECT * FROM refusals_plain.drop_off) d) AS drop_off;
SELECT drop_map(m) FROM unnest(ARRAY['refusals_plain', 'refusals_ruled', 'refusals_unordered', 'refusals_unlimited', 'refusals_kept', 'sales_no', 'sales_any']) m;
DROP FUNCTION public.disagreements;
DROP TABLE public.refusals, public.sales;
