-- by in drawings: the largest groups by themselves, the rest together; each as if it were drawn alone.
SET search_path = cjm, public;
SET TimeZone = 'UTC';
SET client_min_messages = warning;

-- Nine countries of 90 customers and less, two of them equally many, some of whom nothing is known, and one that is called others.
CREATE TABLE public.grouped AS
SELECT c, '2026-01-01Z'::timestamptz + (c % 40) * interval '1 day' + i * interval '20 days' AS at, (ARRAY['a', 'b', 'c'])[i] AS e, CASE WHEN c % 3 = 0 THEN 'ads' END AS ch,
	(ARRAY['LV', 'EE', 'LT', 'PL', 'FI', 'SE', 'DE', 'NO', 'others', NULL])[k] AS country
FROM unnest('{90,80,70,60,50,50,30,20,10,65}'::int[]) WITH ORDINALITY s(size, k), generate_series(k * 1000 + 1, k * 1000 + size) c, generate_series(1, 1 + (c % CASE k WHEN 1 THEN 3 ELSE 2 END)::int) i;
SELECT create_map('grouped_map', 'public.grouped', 'c', 'at', 'e', 'a -> b -> c within 50 days', channel => 'ch', segment => 'country', time_zone => 'UTC');

SELECT funnel_chart('grouped_map', by => 'segment', width => 10);
-- Others are those who are left, whatever they are called; of a range the largest are those of the range.
SELECT string_agg(l, E'\n' ORDER BY n) = (SELECT string_agg(l, E'\n' ORDER BY n) FROM funnel_chart('grouped_map', where_is => '{"segment": ["DE", "NO", "others"]}') WITH ORDINALITY g(l, n)) AS others
FROM (SELECT l, n, max(n) FILTER (WHERE l = 'others') OVER () AS begins FROM funnel_chart('grouped_map', by => 'segment') WITH ORDINALITY g(l, n)) g WHERE n > begins;
SELECT string_agg(l, ', ' ORDER BY n) FROM funnel_chart('grouped_map', '2026-01-21Z', '2026-01-23Z', by => 'segment') WITH ORDINALITY g(l, n) WHERE l !~ '^(stage|[abc] |$)';
SELECT string_agg(l, ', ' ORDER BY n) FROM funnel_chart('grouped_map', where_is => '{"segment": ["NO", null]}', by => 'segment') WITH ORDINALITY g(l, n) WHERE l !~ '^(stage|[abc] |$)';
SELECT string_agg(l, ', ' ORDER BY n) FROM funnel_chart('grouped_map', by => 'entry_channel') WITH ORDINALITY g(l, n) WHERE l !~ '^(stage|[abc] |$)';
SELECT count(*) FROM funnel_chart('grouped_map', by => 'segment', where_is => '{"segment": []}');

-- Drawings say of each group what they say of it alone, and of others what they say of those together; but retention goes on for all as long as anybody was seen.
CREATE FUNCTION public.said(svg text) RETURNS text LANGUAGE sql AS $$ SELECT (regexp_match(svg, '<desc[^>]*>([^<]*)</desc>'))[1] $$;
CREATE FUNCTION public.drawn(svg text) RETURNS TABLE (n bigint, title text, said text) LANGUAGE sql AS $$
	SELECT r.n, r.m[1], r.m[2] FROM regexp_matches(svg, '<svg x="[^"]*" y=[^>]*>\n<title[^>]*>([^<]*)</title>\n<desc[^>]*>([^<]*)</desc>', 'g') WITH ORDINALITY r(m, n)
$$;
SELECT k.kind, string_agg(d.title, ', ' ORDER BY d.n) AS groups, count(*) FILTER (WHERE CASE k.kind WHEN 'retention' THEN split_part(d.said, ' Seen again', 1) ELSE d.said END <> CASE k.kind WHEN 'funnel' THEN public.said(funnel_svg('grouped_map', where_is => w.where_is))
		WHEN 'retention' THEN split_part(public.said(retention_svg('grouped_map', where_is => w.where_is)), ' Seen again', 1) ELSE public.said(map_svg('grouped_map', where_is => w.where_is)) END) AS otherwise
FROM (VALUES ('funnel', funnel_svg('grouped_map', by => 'segment')), ('retention', retention_svg('grouped_map', by => 'segment')), ('map', map_svg('grouped_map', by => 'segment'))) k(kind, svg),
	public.drawn(k.svg) d, LATERAL (SELECT jsonb_build_object('segment', CASE d.title WHEN 'not known' THEN 'null' WHEN 'others' THEN '["DE", "NO", "others"]' ELSE to_jsonb(d.title) END) AS where_is) w
GROUP BY 1 ORDER BY 1;
-- All have the colours of the one that comes back most.
SELECT name, string_agg(DISTINCT m[1], ' ') AS darkest
FROM (VALUES ('together', retention_svg('grouped_map', by => 'segment')), ('LV', retention_svg('grouped_map', where_is => '{"segment": "LV"}')), ('EE', retention_svg('grouped_map', where_is => '{"segment": "EE"}'))) d(name, svg),
	regexp_matches(svg, 'class="heat6"/>\n<text[^>]*"small soft">([0-9.]+%)<', 'g') m GROUP BY 1 ORDER BY 1;

\set SHOW_CONTEXT never
SELECT funnel_chart('grouped_map', by => 'sgment');
SELECT map_svg('grouped_map', by => 'event');
SELECT retention_svg('grouped_map', by => 'last_event');
SELECT length(funnel_svg('grouped_map', by => NULL)) = length(funnel_svg('grouped_map')) AS same;
SELECT drop_map('grouped_map');
DROP TABLE public.grouped;
DROP FUNCTION public.said, public.drawn;
