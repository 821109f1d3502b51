-- What customers wrote with their answers: the view comments, and feedback_words.
SET search_path = cjm, public;
\set SHOW_CONTEXT never
SET datestyle = 'ISO';
SET timezone = 'UTC';
SET client_min_messages = warning;
CREATE TYPE public.kind AS ENUM ('view', 'cart', 'pay', 'asked', 'rated');
CREATE TABLE public.said AS
SELECT c AS customer, timestamptz '2026-01-01Z' + c * interval '1 day' + e.after AS at, e.kind::public.kind AS kind, e.score, e.words, CASE WHEN c % 2 = 0 THEN 'LV' ELSE 'EE' END AS country
FROM generate_series(1, 40) c, LATERAL (VALUES ('view', interval '0', NULL::numeric, NULL::text), ('cart', interval '1 hour', NULL, CASE WHEN c = 3 THEN 'of no answer' END), ('pay', interval '2 hours', 9.5, NULL),
	('asked', interval '30 min', c % 11, CASE WHEN c % 3 = 0 THEN format('view %s', c) WHEN c % 3 = 1 THEN '' END), ('asked', interval '90 min', (c * 7) % 11, format('cart %s', c)), ('rated', interval '3 hours', 1 + c % 5, format('pay %s', c)), ('rated', interval '4 hours', 77, 'no score')) e(kind, after, score, words)
WHERE e.kind <> 'pay' OR c % 3 > 0;
SELECT create_map('said', 'public.said', 'customer', 'at', 'kind', 'view -> cart -> pay', value => 'score', segment => 'country', nps => 'asked', csat => 'rated', comment => 'upper(words)', time_zone => 'UTC');
SELECT comment FROM maps WHERE map = 'said'::regnamespace;
SELECT count(*), count(DISTINCT event) AS events, min(comment) FROM said.comments;
SELECT step, stage, kind, at, event, score, comment FROM feedback_words('said');
-- The same in plain SQL: of a stage that a customer stood at, the latest, the best, and the worst.
CREATE VIEW public.oracle AS
WITH a AS (SELECT s.*, (SELECT count(*) FROM unnest('{view,cart,pay}'::public.kind[]) k WHERE EXISTS (SELECT FROM public.said e WHERE e.customer = s.customer AND e.kind = k AND e.at <= s.at)) AS step,
		CASE s.kind WHEN 'asked' THEN s.score / 10 ELSE (s.score - 1) / 4 END AS level FROM public.said s WHERE s.words <> '' AND (s.kind = 'asked' AND s.score <= 10 OR s.kind = 'rated' AND s.score <= 5))
SELECT a.*, row_number() OVER (PARTITION BY step ORDER BY at DESC) AS latest, rank() OVER (PARTITION BY step ORDER BY level DESC) AS best, rank() OVER (PARTITION BY step ORDER BY level) AS worst FROM a;
SELECT count(*) AS words, count(*) FILTER (WHERE o.customer IS NULL OR NOT CASE w.kind WHEN 'latest' THEN o.latest = 1 WHEN 'best' THEN o.best = 1 ELSE o.worst = 1 END) AS wrong
FROM feedback_words('said') w LEFT JOIN public.oracle o ON o.step = w.step AND upper(o.words) = w.comment AND o.at = w.at AND o.score = w.score AND o.kind::text = w.event;
SELECT by_value, count(*), bool_and(CASE by_value WHEN 'LV' THEN substring(comment from '[0-9]+')::int % 2 = 0 ELSE substring(comment from '[0-9]+')::int % 2 = 1 END) AS right FROM feedback_words('said', by => 'segment') GROUP BY 1 ORDER BY 1;
SELECT count(*) AS different FROM (SELECT step, kind, comment FROM feedback_words('said', by => 'segment') WHERE by_value = 'LV' EXCEPT SELECT step, kind, comment FROM feedback_words('said', where_is => '{"segment": "LV"}')) d;
SELECT step, kind, comment FROM feedback_words('said', from_time => '2026-01-10Z', to_time => '2026-01-12Z');
-- Kept journeys say the same, with changes that wait, too; an order of events of one time is no matter.
CREATE TABLE public.before AS SELECT * FROM feedback_words('said');
SELECT keep_journeys('said');
SELECT refresh_journeys('said') IS NOT NULL AS refreshed;
SELECT count(*) AS different FROM (SELECT * FROM feedback_words('said') EXCEPT TABLE public.before) d;
INSERT INTO public.said VALUES (3, '2026-03-01Z', 'asked', 10, 'late', 'EE');
SELECT comment FROM feedback_words('said') WHERE kind = 'latest' AND comment = 'LATE';
SELECT unkeep_journeys('said');
-- Drawn is the latest; nobody draws what they may not read.
SELECT count(*) AS quotes FROM regexp_matches(map_svg('said', rows => '{voice}'), 'class="said">&#34;', 'g') m;
SELECT map_svg('said', rows => '{voice}') LIKE '%&#34;LATE&#34;%' AS latest;
CREATE ROLE regress_listener;
GRANT USAGE ON SCHEMA said TO regress_listener;
GRANT SELECT ON ALL TABLES IN SCHEMA said TO regress_listener;
REVOKE SELECT ON said.comments FROM regress_listener;
SET ROLE regress_listener;
SELECT map_svg('said', rows => '{voice}') LIKE '%LATE%' AS heard;
SELECT count(*) FROM feedback_words('said');
RESET ROLE;
-- The mean answer, from the rows.
SELECT count(*) AS rows, count(*) FILTER (WHERE f.nps_mean IS DISTINCT FROM o.nps OR f.csat_mean IS DISTINCT FROM o.csat) AS wrong
FROM (SELECT step, sum(nps_mean * nps_answers) / sum(nps_answers) AS nps_mean, sum(csat_mean * csat_answers) / sum(csat_answers) AS csat_mean FROM said.feedback GROUP BY step) f
	FULL JOIN (SELECT step, avg(score) FILTER (WHERE kind = 'asked')::float8 AS nps, avg(score) FILTER (WHERE kind = 'rated')::float8 AS csat
		FROM (SELECT s.kind, s.score, (SELECT count(*) FROM unnest('{view,cart,pay}'::public.kind[]) k WHERE EXISTS (SELECT FROM public.said e WHERE e.customer = s.customer AND e.kind = k AND e.at <= s.at)) AS step
			FROM public.said s WHERE s.kind = 'asked' AND s.score <= 10 OR s.kind = 'rated' AND s.score <= 5) a GROUP BY step) o ON o.step = f.step;

-- Made anew it may say so no more, or otherwise.
SELECT create_map('said', 'public.said', 'customer', 'at', 'kind', 'view -> cart -> pay', value => 'score', nps => 'asked', comment => 'words', filter => 'country = ''LV''', time_zone => 'UTC', replace => true);
SELECT count(*) AS comments, bool_and(comment = lower(comment)) AS lower FROM said.comments;
SELECT create_map('said', 'public.said', 'customer', 'at', 'kind', 'view -> cart -> pay', value => 'score', nps => 'asked', time_zone => 'UTC', replace => true);
SELECT to_regclass('said.comments') AS gone;
SELECT count(*) FROM feedback_words('said');
SELECT create_map('said', 'public.said', 'customer', 'at', 'kind', 'view -> cart -> pay', comment => 'words', time_zone => 'UTC', replace => true);
SELECT count(*) FROM feedback_words('said');
SELECT create_map('other', 'public.said', 'customer', 'at', 'kind', 'view -> cart', comment => '(SELECT 1)', time_zone => 'UTC');
SELECT create_map('other', 'public.said', 'customer', 'at', 'kind', 'view -> cart', comment => 'wrds', time_zone => 'UTC');
SELECT drop_map('said');
DROP VIEW public.oracle;
DROP TABLE public.said, public.before;
DROP TYPE public.kind;
DROP ROLE regress_listener;
