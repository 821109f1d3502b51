-- What people write down of stages, and what drawings show of it.
SET search_path = cjm, public;
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE TABLE public.noted AS SELECT c AS customer, timestamptz '2026-01-01Z' + e.step * interval '1 hour' AS at, e.event, CASE WHEN c % 2 = 0 THEN 'students' ELSE 'families' END AS who
FROM generate_series(1, 60) c, (VALUES (1, 'view'), (2, 'cart'), (3, 'pay')) e(step, event) WHERE c % 4 >= e.step;
SELECT create_map('noted', 'public.noted', 'customer', 'at', 'event', 'view -> cart -> pay', segment => 'who', time_zone => 'UTC');
SELECT to_regclass('noted.stage_notes') AS before;

SELECT describe_stage('noted', 'cart', quote => 'Where is the price of delivery?', owner => 'Logistics');
SELECT describe_stage('noted', '1', persona => 'students', quote => 'I have no money', pain => 'prices');
SELECT describe_stage('noted', 'view', persona => 'families', quote => 'Is it safe?');
SELECT describe_stage('noted', 'view', action => 'a plan', owner => 'Marketing');
-- What is not given stays, what is empty goes, and a row of which nothing is left as well.
SELECT describe_stage('noted', 'cart', action => 'show it in the cart');
SELECT describe_stage('noted', 'cart', quote => '');
SELECT describe_stage('noted', '3', pain => 'x');
SELECT describe_stage('noted', 'pay', pain => '');
SELECT stage, persona, quote, pain, action, owner, described_at <= clock_timestamp() AS described FROM noted.stage_notes ORDER BY stage, persona;
SELECT obj_description('noted.stage_notes'::regclass), count(col_description('noted.stage_notes'::regclass, n)) AS columns FROM generate_series(1, 7) n;

-- Whose words are shown: the persona's that is drawn, else everybody's; and where all are drawn and nobody said anything of all, the first persona's.
CREATE FUNCTION public.words_of(svg text) RETURNS text LANGUAGE sql AS $$ SELECT string_agg(m[1], ' | ' ORDER BY n) FROM regexp_matches(svg, '<title>([^<]*)</title>\n<path[^>]*class="chevron"', 'g') WITH ORDINALITY r(m, n) $$;
SELECT w.asked, public.words_of(map_svg('noted', where_is => w.asked, rows => '{voice,leaks,actions}')) AS said FROM (VALUES (NULL::jsonb), ('{"segment": "students"}'), ('{"segment": ["families"]}'), ('{"segment": "others"}')) w(asked);
SELECT public.words_of(map_svg('noted', by => 'segment', rows => '{voice,actions}')) AS said;
-- Rows that the map has nothing of are not drawn.
SELECT length(map_svg('noted', rows => '{mood,channels}')) = length(map_svg('noted', rows => '{}')) AS nothing;

-- It is the owner's, and whoever has the owner's rights may write; a stage that is renamed keeps its words, and none is shown of another.
CREATE ROLE regress_describer;
GRANT USAGE ON SCHEMA noted TO regress_describer;
GRANT SELECT ON noted.map, noted.funnel, noted.touchpoints TO regress_describer;
SET ROLE regress_describer;
SELECT describe_stage('noted', 'cart', quote => 'x');
SELECT public.words_of(map_svg('noted')) LIKE '%Logistics%' AS may_not_read;
RESET ROLE;
GRANT SELECT ON noted.stage_notes TO regress_describer;
SET ROLE regress_describer;
SELECT public.words_of(map_svg('noted')) LIKE '%Logistics%' AS may_read;
RESET ROLE;
SELECT create_map('noted', 'public.noted', 'customer', 'at', 'event', 'view -> "the cart": cart -> pay', segment => 'who', time_zone => 'UTC', replace => true);
SELECT count(*) AS notes, public.words_of(map_svg('noted')) LIKE '%Logistics%' AS shown FROM noted.stage_notes;

-- Mistakes
SELECT describe_stage('noted', 'crt', quote => 'x');
SELECT describe_stage('noted', NULL, quote => 'x');
SELECT describe_stage('noted', 'pay');
SELECT describe_stage('noted', 'pay', pain => repeat('x', 1001));
SELECT map_svg('noted', rows => '{kpi,moods}');
SELECT map_svg('noted', rows => '{kpi,NULL}');
SELECT map_svg('noted', language => 'de');
SELECT map_svg('noted', language => 'x y', words => '{}');
SELECT map_svg('noted', words => '[]');
SELECT map_svg('noted', words => '{"costumers": "Kunden"}');
SELECT map_svg('noted', words => '{"customers": 1}');
SELECT map_svg('noted', words => '{"n_customers": "Kunden|%1$s Kunden"}');
SELECT map_svg('noted', words => '{"customers": "%s"}');
SELECT map_svg('noted', words => '{"customers": "%2$s"}');
SELECT map_svg('noted', words => '{"plural": "de"}');
SELECT map_svg('noted', scale_to => 0);
SELECT map_svg('noted', scale_to => 'NaN');
SELECT map_svg('noted', width => 10);
SELECT map_svg('noted', colours => '"red"');
SELECT map_svg('noted', colours => '{"bars": "#000000"}');
SELECT map_svg('noted', colours => '{"open": "red"}');
SELECT map_svg('noted', colours => '{"open": {"light": "#6541a5"}}');
SELECT map_svg('noted', colours => '{"open": "#ffcc00"}');
SELECT map_svg('noted', colours => '{"open": "#6541a5}</style><script>"}');

-- Words of a language of the caller's, colours and a scale.
SELECT m LIKE '%lang="de"%' AS language, m LIKE '%>Kunden<%' AS words, m LIKE '%45 Kunden%' AS plural, m LIKE '%.cjm .drop{fill:#c04000}%.cjm .drop{fill:#ff8040}%' AS colours, m LIKE '%Balken: 100 Kunden%' AS scale
FROM map_svg('noted', language => 'de', words => '{"customers": "Kunden", "n_customers": "%1$s Kunde|%1$s Kunden", "bar_is": "Balken: %1$s Kunde|Balken: %1$s Kunden"}', scale_to => 100,
	colours => '{"dropped": {"light": "#c04000", "dark": "#ff8040"}}') m;
-- Every word has its places in every language, and its forms.
SELECT l.language, e.key, e.value FROM unnest('{ru,lv}'::text[]) l(language), jsonb_each_text(cjm_internal.draw_words('en')) e, LATERAL (SELECT cjm_internal.draw_words(l.language) ->> e.key AS word) w
WHERE w.word IS NULL OR e.key !~ 'date$' AND (SELECT array_agg(DISTINCT m[1] ORDER BY m[1]) FROM regexp_matches(w.word, '%([0-9])\$s', 'g') m) IS DISTINCT FROM (SELECT array_agg(DISTINCT m[1] ORDER BY m[1]) FROM regexp_matches(e.value, '%([0-9])\$s', 'g') m)
	OR (cardinality(string_to_array(w.word, '|')) > 1) <> (cardinality(string_to_array(e.value, '|')) > 1) OR e.value ~ '[^ -~]';
SELECT n, cjm_internal.draw_plural(cjm_internal.draw_words('ru'), 'answers', n) AS ru, cjm_internal.draw_plural(cjm_internal.draw_words('lv'), 'answers', n) AS lv, cjm_internal.draw_plural(cjm_internal.draw_words('en'), 'answers', n) AS en
FROM unnest('{0,1,2,5,11,12,21,22,111,112,121,1001,12345}'::bigint[]) n;
SELECT l, cjm_internal.draw_rate(0.1234, w), cjm_internal.draw_time(100, w), cjm_internal.draw_short(12345, w), cjm_internal.draw_points(-0.1, w), cjm_internal.draw_period(w, '2025-12-31 23:00Z', '2026-03-01Z', 'Europe/Riga'), cjm_internal.draw_period(w, NULL, '2026-03-01Z', 'UTC'), cjm_internal.draw_period(w, '2026-03-01Z', 'infinity', 'UTC')
FROM unnest('{en,ru,lv}'::text[]) l, LATERAL cjm_internal.draw_words(l) w;
SELECT cjm_internal.draw_words('de') IS NULL AS unknown;
-- Labels that are cut to the same have a number.
SELECT place, lines FROM cjm_internal.svg_distinct_lines(ARRAY['newsletter of the first week of May', 'short', 'newsletter of the third week of May', 'newsletter of the first week of May'], 8, 1) ORDER BY place;

SELECT drop_map('noted');
DROP TABLE public.noted;
DROP FUNCTION public.words_of;
DROP ROLE regress_describer;
