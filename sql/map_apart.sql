-- Of those at a step who did not go on each is one of three, by whatever a report is split: refused, open or dropped.
SET search_path = public, cjm;
SET TimeZone = 'UTC';
\set SHOW_CONTEXT never

CREATE TABLE public.apart_events AS
SELECT n AS who, now() - (abs(hashint4(n * 31 + i)) % 86400) * interval '1 minute' AS at, (ARRAY['a', 'b', 'c', 'no', 'x', 'a', 'b'])[1 + abs(hashint4(n * 17 + i * 3)) % 7] AS event,
	(ARRAY['ads', 'mail', NULL])[1 + abs(hashint4(n + i * 7)) % 3] AS channel, CASE n % 3 WHEN 0 THEN 'one' WHEN 1 THEN 'two' END AS part
FROM generate_series(1, 1500) n, generate_series(1, 2 + n % 6) i;
-- at one time, too
INSERT INTO apart_events SELECT who, at, 'no', NULL, part FROM apart_events WHERE event IN ('a', 'b') AND who % 7 = 0 AND extract(minute FROM at) < 20;
CREATE INDEX ON apart_events (who, event);
ANALYZE apart_events;
SELECT create_map(name, 'apart_events', 'who', 'at', 'event', f::funnel, channel => 'channel', segment => 'part', time_zone => 'UTC', refusal => 'no')
FROM (VALUES ('apart', 'a -> b -> c within 20 days'), ('apart_ruled', 'a -> optional x -> b -> c [10 days] within 20 days'), ('apart_unordered', 'a -> b -> c unordered within 20 days'), ('apart_unlimited', 'a -> b -> c')) x(name, f);

-- The winning walks of map apart that begin in a range, each with what has become of it, in plain SQL.
CREATE FUNCTION public.apart_plain(entered tstzrange) RETURNS TABLE (who integer, step integer, began timestamptz, state text) LANGUAGE sql STABLE AS $$
	WITH begun AS MATERIALIZED (SELECT e.who, e.at FROM public.apart_events e WHERE e.event = 'a' AND e.at <@ entered
	), walks AS (
		SELECT b.who, b.at AS began, b.at AS reached, 1 AS step FROM begun b
		UNION ALL
		SELECT b.who, b.at, two.at, 2 FROM begun b JOIN public.apart_events two ON two.who = b.who AND two.event = 'b' AND two.at BETWEEN b.at AND b.at + interval '480 hours'
		UNION ALL
		SELECT b.who, b.at, three.at, 3 FROM begun b JOIN public.apart_events two ON two.who = b.who AND two.event = 'b' AND two.at >= b.at
			JOIN public.apart_events three ON three.who = b.who AND three.event = 'c' AND three.at BETWEEN two.at AND b.at + interval '480 hours'
	), winning AS (SELECT DISTINCT ON (w.who) w.* FROM walks w ORDER BY w.who, w.step DESC, w.reached, w.began DESC
	), told AS (
		SELECT w.*, (SELECT max(b.at) FROM begun b WHERE b.who = w.who) + interval '480 hours' >= now() AS going,
			(SELECT max(n.at) FROM public.apart_events n WHERE n.who = w.who AND n.event = 'no' AND n.at >= w.began) AS said_no, (SELECT max(b.at) FROM begun b WHERE b.who = w.who) AS last_begun
		FROM winning w)
	SELECT t.who, t.step, t.began, CASE WHEN t.step = 3 THEN 'converted' WHEN t.going AND (t.said_no IS NULL OR t.last_begun > t.said_no) THEN 'open' WHEN t.said_no IS NOT NULL THEN 'refused' ELSE 'dropped' END
	FROM told t
$$;
-- The same figures by whatever a report is split.  The channel is that of the first touchpoint, of several the smallest; the segment and the first channel are the customer's.
CREATE FUNCTION public.apart_counts(split text, bucket text, entered tstzrange) RETURNS TABLE (by_value text, bucket_start timestamptz, step integer, customers bigint, dropped bigint, open_customers bigint, refused bigint) LANGUAGE sql STABLE AS $$
	SELECT l.label, r.start, k, count(*) FILTER (WHERE p.step >= k),
		CASE WHEN k < 3 THEN count(*) FILTER (WHERE p.step = k AND p.state = 'dropped') END, CASE WHEN k < 3 THEN count(*) FILTER (WHERE p.step = k AND p.state = 'open') END, CASE WHEN k < 3 THEN count(*) FILTER (WHERE p.step = k AND p.state = 'refused') END
	FROM (SELECT entered, NULL::timestamptz WHERE bucket IS NULL
			UNION ALL SELECT DISTINCT tstzrange(date_trunc(bucket, e.at), date_trunc(bucket, e.at) + ('1 ' || bucket)::interval) * entered, date_trunc(bucket, e.at) FROM public.apart_events e WHERE bucket IS NOT NULL AND e.event = 'a' AND e.at <@ entered) r(range, start),
		LATERAL public.apart_plain(r.range) p,
		LATERAL (SELECT CASE split WHEN 'segment' THEN (SELECT e.part FROM public.apart_events e WHERE e.who = p.who LIMIT 1)
			WHEN 'entry_channel' THEN (SELECT min(e.channel COLLATE "C") FROM public.apart_events e WHERE e.who = p.who AND e.event = 'a' AND e.at = p.began)
			WHEN 'first_channel' THEN (SELECT e.channel FROM public.apart_events e WHERE e.who = p.who AND e.channel IS NOT NULL ORDER BY e.at, e.event COLLATE "C", e.channel COLLATE "C" LIMIT 1) END) l(label),
		generate_series(1, 3) k
	GROUP BY 1, 2, 3
$$;
CREATE VIEW public.apart_asked AS
SELECT s.split, x.range, lower(x.range) AS from_time, upper(x.range) AS to_time
FROM (VALUES (NULL), ('segment'), ('entry_channel'), ('first_channel')) s(split),
	(VALUES ('(,)'::tstzrange), (tstzrange(now() - interval '45 days', now() - interval '3 days')), (tstzrange(now() - interval '30 days', NULL))) x(range);

-- All that the funnel says is right: wrong figures, and whether enough were compared, of each kind.
CREATE FUNCTION public.apart_wrong(map text) RETURNS TABLE (bucket text, wrong bigint, compared boolean, dropped boolean, open_customers boolean, refused boolean) LANGUAGE sql STABLE AS $$
	SELECT b.bucket, count(*) FILTER (WHERE f IS DISTINCT FROM p), count(*) > 80, sum(p.dropped) > 100, sum(p.open_customers) > 100, sum(p.refused) > 100
	FROM (VALUES (NULL), ('week')) b(bucket), public.apart_asked a,
		LATERAL (SELECT * FROM (SELECT r.by_value, r.bucket_start, r.step, r.customers, r.dropped, r.open_customers, r.refused FROM cjm.funnel_report(map, a.split, b.bucket, a.from_time, a.to_time) r WHERE r.customers > 0) f
			FULL JOIN (SELECT * FROM public.apart_counts(a.split, b.bucket, a.range) c WHERE c.customers > 0) p
				ON (coalesce(f.by_value, '-'), coalesce(f.bucket_start, 'infinity'), f.step) = (coalesce(p.by_value, '-'), coalesce(p.bucket_start, 'infinity'), p.step)) x(f_value, f_start, f_step, f_customers, f_dropped, f_open, f_refused, p_value, p_start, p_step, p_customers, p_dropped, p_open, p_refused),
		LATERAL (SELECT f_value, f_start, f_step, f_customers, f_dropped, f_open, f_refused) f(value, start, step, customers, dropped, open_customers, refused),
		LATERAL (SELECT p_value, p_start, p_step, p_customers, p_dropped, p_open, p_refused) p(value, start, step, customers, dropped, open_customers, refused)
	GROUP BY b.bucket
$$;
SELECT * FROM apart_wrong('apart') ORDER BY bucket NULLS FIRST;

-- Whoever tells of them says the same: the views, and all reports.
CREATE FUNCTION public.apart_disagreements(map text) RETURNS TABLE (report text, wrong bigint, compared boolean) LANGUAGE sql STABLE AS $$
	WITH plain AS MATERIALIZED (SELECT a.split, a.range, c.* FROM public.apart_asked a, public.apart_counts(a.split, NULL, a.range) c WHERE c.step < 3 AND c.dropped + c.open_customers + c.refused > 0),
	told AS (
		SELECT 'drop_off_report' AS report, a.split, a.range, r.by_value, r.step, sum(r.customers)::bigint AS dropped, sum(r.open_customers)::bigint AS open_customers, sum(r.refused)::bigint AS refused
		FROM public.apart_asked a, cjm.drop_off_report(map, coalesce(a.split, 'none'), a.from_time, a.to_time) r GROUP BY a.split, a.range, r.by_value, r.step
		UNION ALL
		SELECT 'stage_report', a.split, a.range, r.by_value, r.step, r.customers, r.open_customers, r.refused
		FROM public.apart_asked a, cjm.stage_report(map, a.split, a.from_time, a.to_time) r WHERE r.step > 0 AND NOT r.converted AND r.customers + r.open_customers + r.refused > 0)
	SELECT n.report, count(*) FILTER (WHERE (t.dropped, t.open_customers, t.refused) IS DISTINCT FROM (p.dropped, p.open_customers, p.refused)), count(*) > 50
	FROM (VALUES ('drop_off_report'), ('stage_report')) n(report) CROSS JOIN plain p
		FULL JOIN told t ON (t.report, coalesce(t.split, '-'), t.range, coalesce(t.by_value, '-'), t.step) = (n.report, coalesce(p.split, '-'), p.range, coalesce(p.by_value, '-'), p.step)
	GROUP BY n.report
$$;
SELECT * FROM apart_disagreements('apart') ORDER BY report;
CREATE FUNCTION public.apart_views(map text) RETURNS TABLE (step integer, told bigint, ways bigint) LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT v.step, count(*), count(DISTINCT (v.dropped, v.open_customers, v.refused)) FROM (
		SELECT f.step, f.dropped, f.open_customers, f.refused FROM %1$I.funnel f WHERE f.dropped IS NOT NULL
		UNION ALL SELECT f.step, sum(f.dropped)::bigint, sum(f.open_customers)::bigint, sum(f.refused)::bigint FROM %1$I.funnel_by_segment f WHERE f.dropped IS NOT NULL GROUP BY f.step
		UNION ALL SELECT d.step, sum(d.customers)::bigint, sum(d.open_customers)::bigint, sum(d.refused)::bigint FROM %1$I.drop_off d GROUP BY d.step
		UNION ALL SELECT s.step, s.customers, s.open_customers, s.refused FROM %1$I.stages s WHERE s.step > 0 AND NOT s.converted
		UNION ALL SELECT c.step, count(*) FILTER (WHERE NOT c.open AND c.refused_at IS NULL), count(*) FILTER (WHERE c.open), count(c.refused_at) FROM %1$I.customers c WHERE c.step > 0 AND NOT c.converted GROUP BY c.step
		UNION ALL SELECT d.step, d.dropped, d.open_customers, d.refused FROM unnest(cjm_internal.funnel_drawn_steps(cjm_internal.map_of(%1$L))) d WHERE d.dropped IS NOT NULL) v
		GROUP BY v.step', map);
END
$$;
SELECT m, v.* FROM unnest(ARRAY['apart', 'apart_unordered', 'apart_unlimited']) m, apart_views(m) v ORDER BY m, step;
SELECT (SELECT count(*) FROM apart.customers WHERE open AND refused_at IS NOT NULL) AS both, count(*) AS steps, count(*) FILTER (WHERE w.customers <> f.customers OR w.customers_before <> b.customers) AS others_in_weakest_step
FROM weakest_step('apart') w JOIN apart.funnel f USING (step) JOIN apart.funnel b ON b.step = w.step - 1;

-- customers of a step = those who went on + dropped + open_customers + refused, by any rules of a funnel.  Of an optional stage nothing is said.
CREATE FUNCTION public.apart_sums(map text) RETURNS TABLE (wrong bigint, compared boolean) LANGUAGE sql STABLE AS $$
	SELECT count(*) FILTER (WHERE f.customers <> f.next + f.dropped + f.open_customers + f.refused OR least(f.dropped, f.open_customers, f.refused) < 0 OR f.drop_rate IS DISTINCT FROM f.dropped::float8 / nullif(f.customers, 0)), count(*) > 100
	FROM (SELECT r.*, lead(r.customers) OVER (PARTITION BY a.split, a.range, b.bucket, r.by_value, r.bucket_start ORDER BY r.step) AS next
		FROM (VALUES (NULL), ('week'), ('month')) b(bucket), public.apart_asked a, cjm.funnel_report(map, a.split, b.bucket, a.from_time, a.to_time) r
		WHERE r.dropped IS NOT NULL OR r.step = (SELECT max(s.step) FROM cjm.maps m, cjm.funnel_stages(m.stages) s WHERE m.map = apart_sums.map::regnamespace)) f
	WHERE f.dropped IS NOT NULL
$$;
SELECT m, s.* FROM unnest(ARRAY['apart', 'apart_ruled', 'apart_unordered', 'apart_unlimited']) m, apart_sums(m) s ORDER BY m;

-- Drawings say it in words and numbers; the chart has a column for those who refused where anybody has.
SELECT count(*) AS lines, count(*) FILTER (WHERE l LIKE '%' || cjm_internal.draw_count(f.dropped) || '%' || cjm_internal.draw_count(f.open_customers) || '%' || cjm_internal.draw_count(f.refused) || '%') AS said
FROM apart.funnel f, funnel_chart('apart', width => 20) l WHERE f.dropped IS NOT NULL AND l LIKE f.stage || ' %';
SELECT substring(l from 'customers.*') FROM unnest(ARRAY['apart', 'apart_unlimited']) m, LATERAL (SELECT l FROM funnel_chart(m, width => 20) l LIMIT 1) c(l);
SELECT count(*) AS steps, bool_and(d LIKE said), bool_and(m LIKE said) AND bool_and(m LIKE '%"strong soft">' || cjm_internal.draw_count(f.refused) || '<%') AS on_map, bool_and(s LIKE said) AND bool_and(s LIKE '%' || cjm_internal.draw_count(f.refused) || ' refused</tspan>%') AS on_funnel
FROM apart.funnel f, LATERAL (SELECT '%' || cjm_internal.draw_count(f.dropped) || ' dropped after it, ' || cjm_internal.draw_count(f.open_customers) || ' may yet go on, ' || cjm_internal.draw_count(f.refused) || ' refused%') x(said),
	map_svg('apart') m, funnel_svg('apart') s, cjm_internal.funnel_description(cjm_internal.funnel_drawn_steps(cjm_internal.map_of('apart'))) d
WHERE f.dropped IS NOT NULL;
SELECT name, count(m) FROM (VALUES ('funnel_svg', funnel_svg('apart')), ('map_svg', map_svg('apart', touchpoints => 0))) d(name, svg) LEFT JOIN LATERAL regexp_matches(svg, '<rect [^>]*class="no"', 'g') m ON true GROUP BY name ORDER BY name;

-- Kept journeys, with changes that wait, too.
SET client_min_messages = warning;
SELECT create_map('apart_kept', 'apart_events', 'who', 'at', 'event', 'a -> b -> c within 20 days', channel => 'channel', segment => 'part', time_zone => 'UTC', refusal => 'no', keep => true);
SELECT refresh_journeys('apart_kept') IS NULL AS refreshed;
RESET client_min_messages;
DELETE FROM apart_events WHERE event = 'no' AND who % 5 = 0;
INSERT INTO apart_events SELECT n, now(), 'no', 'mail', CASE n % 3 WHEN 0 THEN 'one' WHEN 1 THEN 'two' END FROM generate_series(1, 1500, 11) n;
SELECT state, changes > 0 AS changes FROM apart_kept.kept;
SELECT * FROM apart_wrong('apart_kept') ORDER BY bucket NULLS FIRST;
SELECT * FROM apart_disagreements('apart_kept') ORDER BY report;

SELECT drop_map(m) FROM unnest(ARRAY['apart', 'apart_ruled', 'apart_unordered', 'apart_unlimited', 'apart_kept']) m;
DROP VIEW apart_asked;
DROP FUNCTION apart_wrong, apart_disagreements, apart_views, apart_sums, apart_counts, apart_plain;
DROP TABLE apart_events;
