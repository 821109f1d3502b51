-- What ends a session of a map: all that speak of sessions speak of the same ones, whatever the journeys are read from.
SET search_path = cjm, public;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET client_min_messages = warning;
\set SHOW_CONTEXT never

SELECT setseed(0.75);
CREATE TABLE public.rows AS
SELECT n AS id, 1 + n % 150 AS who, timestamptz '2026-03-28 18:00Z' + floor(random() * 70) * interval '15 min' AS at, (ARRAY['view', 'view', 'seen', 'cart', 'pay'])[ceil(random() * 5)] AS event,
	(ARRAY['x', 'y', 'z', NULL, '', NULL])[ceil(random() * 6)] AS channel, floor(random() * 5) AS value, (ARRAY['LV', 'EE'])[1 + n % 2] AS country,
	nullif(floor(random() * 5)::integer, 4) AS sid
FROM generate_series(1, 2400) n;

-- The sessions by lag and running sums, in the zone and by the rule of a map; first what gaps and days cut, and in that what channels do.
-- Where a map is told the sessions, that is so of rows without one, and the others are in theirs.
CREATE FUNCTION public.numbered(rule text, zone text, visits boolean, by_id boolean) RETURNS TABLE (who integer, n bigint, at timestamptz, event text, channel text, value float8, country text, given text, session bigint) LANGUAGE sql AS $$
	WITH ordered AS (SELECT r.*, nullif(r.channel, '') AS known, CASE WHEN by_id THEN r.sid::text END AS given,
			row_number() OVER (PARTITION BY r.who ORDER BY r.at, r.event, nullif(r.channel, '') NULLS FIRST, r.value, CASE WHEN by_id THEN r.sid END NULLS FIRST) AS n FROM public.rows r),
		parted AS (SELECT *, sum(cut::integer) OVER (PARTITION BY who ORDER BY n) AS part FROM (
			SELECT *, coalesce(at - lag(at) OVER w > interval '30 minutes' OR (coalesce(rule, '') ~ 'day' AND (at AT TIME ZONE zone)::date <> (lag(at) OVER w AT TIME ZONE zone)::date), false) AS cut
			FROM ordered WHERE given IS NULL WINDOW w AS (PARTITION BY who ORDER BY n)) c),
		changed AS (SELECT who, n, known <> lag(known) OVER (PARTITION BY who, part ORDER BY n) AS changes FROM parted WHERE known IS NOT NULL AND rule ~ 'channel' AND (event IN ('view', 'cart') OR NOT visits)),
		ruled AS (SELECT p.who, p.n, sum((p.cut OR coalesce(c.changes, false))::integer) OVER (PARTITION BY who ORDER BY n) AS place FROM parted p LEFT JOIN changed c USING (who, n)),
		named AS (SELECT o.*, min(n) OVER (PARTITION BY who, o.given, r.place) AS session FROM ordered o LEFT JOIN ruled r USING (who, n)),
		begun AS (SELECT *, min(at) FILTER (WHERE event IN ('view', 'cart')) OVER (PARTITION BY who, session) AS began FROM named),
		kept AS (SELECT *, min(n) OVER (PARTITION BY who, session) AS first FROM begun WHERE at >= began OR NOT visits)
	SELECT who, row_number() OVER (PARTITION BY who ORDER BY n), at, event, CASE WHEN event IN ('view', 'cart') OR NOT visits THEN known END, value, country, given, dense_rank() OVER (PARTITION BY who ORDER BY first) FROM kept
$$;

-- report: which of two queries' rows differ
CREATE FUNCTION public.differ(what text, one text, other text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
	m bigint;
BEGIN
	EXECUTE format('SELECT count(*) FROM ((%1$s EXCEPT ALL %2$s) UNION ALL (%2$s EXCEPT ALL %1$s)) d', one, other) INTO n;
	EXECUTE format('SELECT count(*) FROM (%s) d', other) INTO m;
	RETURN CASE WHEN n > 0 THEN format('%s: %s rows differ', what, n) WHEN m = 0 THEN what || ' says nothing' END;
END
$$;
-- What is wrong with a map; nothing if all is as plain SQL has it.
CREATE FUNCTION public.wrong(map text) RETURNS TABLE (problem text) LANGUAGE plpgsql AS $$
DECLARE
	def record;
BEGIN
	SELECT m.session_rule, m.time_zone, m.visit IS NOT NULL AS visits, m.session IS NOT NULL AS by_id INTO def FROM cjm.maps m WHERE m.map = wrong.map::regnamespace;
	DROP TABLE IF EXISTS numbered, expected;
	CREATE TEMP TABLE numbered AS SELECT * FROM public.numbered(def.session_rule, def.time_zone, def.visits, def.by_id);
	CREATE TEMP TABLE expected AS
	SELECT e.who, e.session, min(e.at) AS started_at, max(e.at) AS ended_at, count(*) AS touches, (array_agg(e.event ORDER BY e.n))[1] AS entry_event, (array_agg(e.event ORDER BY e.n DESC))[1] AS exit_event,
		(array_agg(e.channel ORDER BY e.n) FILTER (WHERE e.channel IS NOT NULL))[1] AS channel, sum(e.value) AS value, array_agg(e.event ORDER BY e.n) AS events, min(e.given) AS given
	FROM numbered e GROUP BY e.who, e.session;
	RETURN QUERY SELECT p FROM unnest(ARRAY[
		public.differ('sessions', format('SELECT customer, session_number, day, started_at, ended_at, touches, entry_event, exit_event, channel, value::float8, bounced, session FROM %I.sessions', map),
			format('SELECT who, session, (started_at AT TIME ZONE %L)::date, started_at, ended_at, touches, entry_event, exit_event, channel, value, touches = 1, given FROM pg_temp.expected', def.time_zone)),
		public.differ('customers', format('SELECT customer, sessions FROM %I.customers WHERE sessions > 0', map), 'SELECT who, count(*) FROM pg_temp.expected GROUP BY 1'),
		public.differ('bounce', format('SELECT event, channel, sessions, bounces, containing, exits, new_sessions FROM %I.bounce', map),
			'SELECT e.event, x.channel, count(*) FILTER (WHERE e.event = entry_event), count(*) FILTER (WHERE e.event = entry_event AND touches = 1), count(*), count(*) FILTER (WHERE e.event = exit_event),
				count(*) FILTER (WHERE e.event = entry_event AND x.session = 1) FROM pg_temp.expected x JOIN (SELECT DISTINCT who, session, event FROM pg_temp.numbered) e USING (who, session) GROUP BY 1, 2'),
		public.differ('session_report', format('SELECT by_value, bucket_start, sessions, customers, bounces, new_sessions, value::float8 FROM cjm.session_report(%L, ''channel'', ''day'')', map),
			format('SELECT channel, date_trunc(''day'', started_at, %L), count(*), count(DISTINCT who), count(*) FILTER (WHERE touches = 1), count(*) FILTER (WHERE session = 1), sum(value) FROM pg_temp.expected GROUP BY 1, 2', def.time_zone)),
		public.differ('session_report of some', format('SELECT by_value, sessions, customers FROM cjm.session_report(%L, ''channel'', where_is => ''{"visitor": "returning", "entry_event": ["view", "cart"]}'')', map),
			'SELECT channel, count(*), count(DISTINCT who) FROM pg_temp.expected WHERE session > 1 AND entry_event IN (''view'', ''cart'') GROUP BY 1'),
		public.differ('bounce_report', format('SELECT by_value, event, channel, sessions, containing FROM cjm.bounce_report(%L, by => ''country'')', map),
			'SELECT c.country, e.event, x.channel, count(*) FILTER (WHERE e.event = entry_event), count(*) FROM pg_temp.expected x JOIN (SELECT DISTINCT who, session, event FROM pg_temp.numbered) e USING (who, session)
				JOIN (SELECT DISTINCT who, country FROM public.rows) c USING (who) GROUP BY 1, 2, 3'),
		public.differ('channels', format('SELECT channel, sum(visits)::bigint FROM %I.channels WHERE visits > 0 GROUP BY 1', map), 'SELECT channel, count(*) FROM pg_temp.expected GROUP BY 1'),
		public.differ('channels_report', format('SELECT channel, visits FROM cjm.channels_report(%L) WHERE visits > 0', map), 'SELECT channel, count(*) FROM pg_temp.expected GROUP BY 1'),
		public.differ('transition_report', format('SELECT source, target, value, customers FROM cjm.transition_report(%L, per => ''session'', repeats => true)', map),
			'SELECT event, target, count(*), count(DISTINCT who) FROM (SELECT who, event, lead(event) OVER (PARTITION BY who, session ORDER BY n) AS target FROM pg_temp.numbered) t WHERE target IS NOT NULL GROUP BY 1, 2'),
		public.differ('path_report', format('SELECT nodes, times, customers FROM cjm.path_report(%L, per => ''session'', depth => 100, repeats => true)', map), 'SELECT events, count(*), count(DISTINCT who) FROM pg_temp.expected GROUP BY 1'),
		-- the session that a walk began in
		public.differ('funnel_report', format('SELECT by_value, customers FROM cjm.funnel_report(%L, by => ''session_channel'') WHERE step = 1', map),
			format('SELECT (SELECT (array_agg(x.channel ORDER BY x.session))[1] FROM pg_temp.expected x JOIN pg_temp.numbered n ON n.who = x.who AND n.session = x.session WHERE x.who = c.customer AND c.entered_at = n.at AND x.channel IS NOT NULL), count(*)
				FROM %I.customers c WHERE c.step > 0 GROUP BY 1', map)),
		public.differ('attribution', format('SELECT channel, model, round(conversions::numeric, 6) FROM %I.attribution WHERE conversions > 0 AND model IN (''linear'', ''first_touch'')', map),
			format('SELECT c.channel, c.model, round(sum(c.conversions)::numeric, 6) FROM (SELECT cjm.rule_attribution(journey, ''view -> cart -> pay'', ''{linear,first_touch}'', NULL, ''session'', ''30 min'', ''7 days'', ''{0.4,0.2,0.4}'', ''{direct}'', false,
				''-infinity'', ''infinity'', %L, %L) AS c FROM %I.journeys) s, unnest(s.c) c GROUP BY 1, 2', def.session_rule, def.time_zone, map))]) p WHERE p IS NOT NULL;
END
$$;

-- Every rule, with and without visits and sessions of the rows, from rows, from kept journeys, from them and changes that wait, and with the rights of who asks.
CREATE TABLE public.problems (how text, problem text);
CREATE PROCEDURE public.ask_all() LANGUAGE plpgsql AS $$
DECLARE
	asked record;
	stands text;
BEGIN
	FOR asked IN SELECT r.rule, v.visit::cjm.funnel, CASE o.way WHEN 'kept' THEN 'America/New_York' ELSE 'Europe/Riga' END AS zone, o.way, i.session
		FROM unnest('{NULL,channel,day,channel | day}'::text[]) r(rule), unnest('{NULL,sid}'::text[]) i(session), unnest('{NULL,view | cart}'::text[]) v(visit), unnest('{rows,kept,waiting,reader}'::text[]) o(way)
	LOOP
		PERFORM cjm.create_map('tried', 'public.rows', 'who', 'at', 'event', 'view -> cart -> pay', channel => 'channel', value => 'value', dimensions => '{"country": "country"}', time_zone => asked.zone, visit => asked.visit,
			attribution_per => 'session', session_rule => asked.rule, session => asked.session, access => CASE asked.way WHEN 'reader' THEN 'reader' END, keep => asked.way IN ('kept', 'waiting'));
		COMMIT;
		IF asked.way IN ('kept', 'waiting') THEN
			PERFORM cjm.refresh_journeys('tried');
			COMMIT;
		END IF;
		IF asked.way = 'waiting' THEN
			DELETE FROM public.rows WHERE id % 97 = 0;
			UPDATE public.rows SET sid = CASE WHEN id % 2 = 0 THEN sid ELSE (id + coalesce(sid, 1)) % 5 END, at = at + interval '15 min', channel = CASE channel WHEN 'x' THEN 'y' ELSE 'x' END WHERE id % 53 = 0;
			INSERT INTO public.rows SELECT id + 2400, who, at + interval '15 min', event, channel, value, country, sid FROM public.rows WHERE id % 29 = 0;
			COMMIT;
		END IF;
		INSERT INTO public.problems SELECT concat_ws(', ', asked.rule, asked.session, asked.visit, asked.way), w.problem FROM public.wrong('tried') w;
		IF asked.way IN ('kept', 'waiting') THEN
			EXECUTE 'SELECT state FROM tried.kept' INTO stands;
			INSERT INTO public.problems SELECT concat_ws(', ', asked.rule, asked.session, asked.visit, asked.way), 'is ' || stands WHERE stands <> CASE asked.way WHEN 'kept' THEN 'folded' ELSE 'changed' END;
		END IF;
		PERFORM cjm.drop_map('tried');
		COMMIT;
	END LOOP;
END
$$;
CALL public.ask_all();
SELECT * FROM public.problems;
-- The rules cut differently.
SELECT count(DISTINCT n) AS different FROM (SELECT count(*) AS n FROM unnest('{NULL,channel,day,channel | day}'::text[]) m(rule), LATERAL (SELECT DISTINCT who, session FROM public.numbered(m.rule, 'Europe/Riga', false, false)) s GROUP BY m.rule) r;

-- The definition says it, and what is no rule is told when the map is made.
SELECT create_map('tried', 'public.rows', 'who', 'at', 'event', 'view -> pay', channel => 'channel', session_rule => 'day | channel', time_zone => 'Europe/Riga');
SELECT session_gap, session_rule FROM tried.map;
SELECT session_rule FROM maps WHERE map = 'tried'::regnamespace;
SELECT create_map('tried', 'public.rows', 'who', 'at', 'event', 'view -> pay', replace => true);
SELECT session_rule IS NULL AS gap_alone FROM tried.map;
SELECT create_map('refused', 'public.rows', 'who', 'at', 'event', 'view -> pay', session_rule => 'hour');
SELECT create_map('refused', 'public.rows', 'who', 'at', 'event', 'view -> pay', session_rule => 'channel');
SELECT create_map('refused', 'public.rows', 'who', 'at', 'event', 'view -> pay', channel => 'channel', session_rule => $$day'; DROP TABLE public.rows; --$$);

-- Rows of a session 1, 1 and 2, forty and five minutes apart: two sessions by what the rows say and two by the gap, divided elsewhere.
CREATE TABLE public.ga4 AS SELECT * FROM (VALUES ('u', 1, timestamptz '2026-01-01 10:00Z', 'first_visit'), ('u', 1, '2026-01-01 10:40Z', 'page_view'), ('u', 2, '2026-01-01 10:45Z', 'session_start')) v(user_pseudo_id, ga_session_id, at, event_name);
SELECT create_map('by_id', 'public.ga4', 'user_pseudo_id', 'at', 'event_name', 'first_visit -> page_view', session => 'ga_session_id'), create_map('by_gap', 'public.ga4', 'user_pseudo_id', 'at', 'event_name', 'first_visit -> page_view');
SELECT session_number, session, entry_event, exit_event, touches, duration, bounced FROM by_id.sessions;
SELECT session_number, session, entry_event, exit_event, touches, duration, bounced FROM by_gap.sessions;
SELECT journey FROM by_id.journeys;
SELECT nodes, times FROM path_report('by_id', per => 'session');
SELECT session FROM by_id.map;
-- The session follows a column that is renamed, and is checked as every expression is.
SELECT keep_journeys('by_id'), refresh_journeys('by_id');
ALTER TABLE public.ga4 RENAME ga_session_id TO session;
SELECT finding, subject FROM check_map('by_id') WHERE finding = 'definition out of date';
INSERT INTO public.ga4 VALUES ('u', 1, '2026-01-01 11:00Z', 'page_view'), ('u', NULL, '2026-01-01 11:05Z', 'page_view');
SELECT state FROM by_id.kept;
SELECT session_number, session, touches FROM by_id.sessions;
SELECT count(*) AS differ FROM check_journeys('by_id');
SELECT refresh_journeys('by_id');
SELECT session_number, session, touches FROM by_id.sessions;
SELECT create_map('refused', 'public.ga4', 'user_pseudo_id', 'at', 'event_name', 'a -> b', session => 'sessions');
SELECT create_map('refused', 'public.ga4', 'user_pseudo_id', 'at', 'event_name', 'a -> b', session => 'count(*)');
SELECT create_map('refused', 'public.ga4', 'user_pseudo_id', 'at', 'event_name', 'a -> b', session => 'random()');
SELECT create_map('refused', 'public.ga4', 'user_pseudo_id', 'at', 'event_name', 'a -> b', session => '(SELECT 1)');
SELECT drop_map('by_id'), drop_map('by_gap');

SELECT drop_map('tried');
DROP TABLE public.ga4;
DROP TABLE public.rows, public.problems;
DROP PROCEDURE public.ask_all();
DROP FUNCTION public.numbered(text, text, boolean, boolean), public.differ(text, text, text), public.wrong(text);
