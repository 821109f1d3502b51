-- Funnels within session where touchpoints name their sessions: a walk lies in one of them.
SET search_path = cjm, public;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET client_min_messages = warning;
\set SHOW_CONTEXT never

-- A session that is named goes on whatever lies between, and what names none is divided by the gap among itself; of another one a walk sees nothing.
SELECT j, funnel_step(j, 'a -> b -> c within session') AS step, funnel_step(j, 'a -> b -> c within session strict') AS strict, funnel_step(j, 'a -> b -> c within session excluding x') AS excluding,
	funnel_step(j, 'a -> b -> c within session within 1 hour') AS within, conversions(j, 'a -> b within session') AS conversions
FROM (VALUES (journey '{2026-03-01T10:00Z a~1, 2026-03-01T12:00Z b~1, 2026-03-03T10:00Z c~1}'), ('{2026-03-01T10:00Z a~1, 2026-03-01T10:05Z b~2, 2026-03-01T10:06Z c~1}'),
	('{2026-03-01T10:00Z a, 2026-03-01T10:20Z x~1, 2026-03-01T10:40Z b, 2026-03-01T10:50Z c}'), ('{2026-03-01T10:00Z a, 2026-03-01T10:20Z x~1, 2026-03-01T10:25Z b, 2026-03-01T10:50Z c}'),
	('{2026-03-01T10:00Z a~1, 2026-03-01T10:00Z a~2, 2026-03-01T10:00Z b~2, 2026-03-01T10:00Z c~1}'), ('{2026-03-01T10:00Z a~1, 2026-03-01T10:01Z x~1, 2026-03-01T10:02Z b~1}')) v(j);
-- Who is open: a session that is named is over when nothing of it came for longer than the gap.
SELECT n, funnel_open(j, 'a -> b within session', n) AS session, funnel_open(j, 'a -> b within session within 25 min', n) AS both, funnel_open(j, 'a -> b within session (3 h)', n) AS longer
FROM (VALUES (journey '{2026-03-01T10:00Z a~1, 2026-03-01T11:00Z x~1, 2026-03-01T11:20Z x~2, 2026-03-01T11:40Z x}')) v(j),
	unnest('{2026-03-01T11:40Z, 2026-03-01T14:00Z, 2026-03-01T14:01Z}'::timestamptz[]) n;
SELECT n, funnel_open('{2026-03-01T10:00Z a~1, 2026-03-01T11:00Z x~1}', 'a -> b within session', n) AS session, funnel_open('{2026-03-01T10:00Z a~1, 2026-03-01T11:00Z x~2}', 'a -> b within session', n) AS other
FROM unnest('{2026-03-01T11:00Z, 2026-03-01T11:30Z, 2026-03-01T11:31Z}'::timestamptz[]) n;
-- Tries of sessions that overlap come in the order of their ends, and take touchpoints of their own session.
SELECT walk_number, step, started_at::time, ended_at::time, (SELECT array_agg(t.session) FROM unnest(touchpoints) t) AS sessions, (SELECT array_agg(t.value) FROM unnest(touchpoints) t) AS values
FROM walks('{2026-03-01T10:00Z a~1=1, 2026-03-01T10:01Z a~2=2, 2026-03-01T10:05Z b~2=3, 2026-03-01T10:05Z b~1=4, 2026-03-01T10:06Z a~2=5, 2026-03-01T10:07Z a=6, 2026-03-01T10:07Z b~3=7}', 'a -> b within session');
SELECT (SELECT array_agg(t.value) FROM unnest(funnel_touchpoints(j, 'a -> b within session')) t) AS values, entry_channel(j, 'a -> b within session') FROM (VALUES (journey '{2026-03-01T10:00Z a@p~1=1, 2026-03-01T10:00Z a@q~2=2, 2026-03-01T10:01Z b~2=3}')) v(j);

-- Random rows: many ties, rows without a session, one session on several days, and the same ones of many customers.
SELECT setseed(0.25);
CREATE TABLE public.rows AS
SELECT n AS id, 1 + n % 200 AS who, timestamptz '2026-03-28 18:00Z' + floor(random() * 60) * interval '15 min' AS at, (ARRAY['a', 'a', 'b', 'b', 'c', 'x', 'no'])[ceil(random() * 7)] AS event,
	(ARRAY['p', 'q', NULL])[ceil(random() * 3)] AS channel, floor(random() * 5)::float8 AS value, (ARRAY['LV', 'EE'])[1 + n % 2] AS country, nullif(floor(random() * 4)::integer, 3) AS sid
FROM generate_series(1, 4800) n;

-- Rows with the session that they are in, by plain SQL.
CREATE TABLE public.marked (id integer, who integer, at timestamptz, event text, channel text, value float8, country text, session text);
CREATE INDEX ON public.marked (who, session, at);
CREATE FUNCTION public.mark() RETURNS void LANGUAGE sql AS $$
	TRUNCATE public.marked;
	INSERT INTO public.marked
	SELECT id, who, at, event, channel, value, country, coalesce('s' || sid, 'g' || sum(cut::integer) OVER (PARTITION BY who, sid ORDER BY at, id)) AS session
	FROM (SELECT *, sid IS NULL AND coalesce(at - lag(at) OVER (PARTITION BY who, sid ORDER BY at, id) > interval '30 min', false) AS cut FROM public.rows) c;
$$;
SELECT public.mark();
-- The winning walks of a -> b -> c within session, of all that there are.
CREATE FUNCTION public.winners(within interval, strict boolean, excluding boolean, bound boolean, entered tstzrange DEFAULT '(,)') RETURNS TABLE (who integer, step integer, times timestamptz[]) LANGUAGE sql AS $$
	WITH one(who, session, step, first, last, times, channel) AS (SELECT m.who, m.session, 1, m.at, m.at, ARRAY[m.at], NULL::text FROM public.marked m WHERE m.event = 'a'),
		two(who, session, step, first, last, times, channel) AS (SELECT o.who, o.session, 2, o.first, m.at, o.times || m.at, m.channel FROM one o JOIN public.marked m ON m.who = o.who AND m.session = o.session AND m.event = 'b' AND m.at >= o.last AND m.at - o.first <= within
			WHERE (NOT bound OR m.channel IS NOT NULL) AND NOT (strict AND EXISTS (SELECT FROM public.marked x WHERE x.who = o.who AND x.session = o.session AND x.at > o.last AND x.at < m.at))),
		three(who, session, step, first, last, times, channel) AS (SELECT o.who, o.session, 3, o.first, m.at, o.times || m.at, m.channel FROM two o JOIN public.marked m ON m.who = o.who AND m.session = o.session AND m.event = 'c' AND m.at >= o.last AND m.at - o.first <= within
			WHERE (NOT bound OR m.channel = o.channel) AND NOT (strict AND EXISTS (SELECT FROM public.marked x WHERE x.who = o.who AND x.session = o.session AND x.at > o.last AND x.at < m.at)))
	SELECT DISTINCT ON (w.who) w.who, w.step, w.times FROM (SELECT * FROM one UNION ALL SELECT * FROM two UNION ALL SELECT * FROM three) w
	WHERE NOT (excluding AND EXISTS (SELECT FROM public.marked x WHERE x.who = w.who AND x.session = w.session AND x.event = 'x' AND x.at > w.first AND x.at < w.last))
		AND w.first <@ entered
	ORDER BY w.who, w.step DESC, w.last, w.first DESC, w.times
$$;
CREATE TABLE public.journeys AS SELECT who, journey_agg(at, event, channel, value, sid::text) AS j FROM public.rows GROUP BY who;
CREATE TABLE public.asked AS
SELECT f.*, w.* FROM (VALUES (1, 'a -> b -> c within session'::funnel, 'a -> b -> c'::funnel, interval '99 days', false, false, false), (2, 'a -> b -> c within session within 45 min', 'a -> b -> c within 45 min', '45 min', false, false, false),
		(3, 'a -> b -> c within session strict', 'a -> b -> c strict', '99 days', true, false, false), (4, 'a -> b -> c within session excluding x', 'a -> b -> c excluding x', '99 days', false, true, false),
		(5, 'a -> b@(v) -> c@(v) within session within 3 hours', 'a -> b@(v) -> c@(v) within 3 hours', '3 hours', false, false, true)) f(n, f, whole, within, strict, excluding, bound)
	CROSS JOIN LATERAL public.winners(f.within, f.strict, f.excluding, f.bound) w;
SELECT f.n, count(*) FILTER (WHERE funnel_step(j.j, f.f) > 0) AS begun, count(*) FILTER (WHERE funnel_step(j.j, f.f) = 3) AS complete, count(*) FILTER (WHERE funnel_step(j.j, f.whole) <> coalesce(w.step, 0)) AS differs_from_whole,
	count(*) FILTER (WHERE funnel_step(j.j, f.f) <> coalesce(w.step, 0) OR array_remove(funnel_times(j.j, f.f), NULL) <> coalesce(w.times, '{}')) AS wrong
FROM (SELECT DISTINCT n, f, whole FROM public.asked) f CROSS JOIN public.journeys j LEFT JOIN public.asked w ON w.n = f.n AND w.who = j.who
GROUP BY f.n ORDER BY f.n;

-- Whatever is asked of a journey within session is what its sessions say, one by one.
CREATE TABLE public.parts AS SELECT who, s.j AS part FROM public.journeys, session_journeys(j, '30 min') s(j);
SELECT count(*) AS sessions, count(*) FILTER (WHERE part::text !~ '~') AS unnamed, (SELECT count(*) FROM (SELECT DISTINCT who, session FROM public.marked) m) AS by_sql FROM public.parts;
CREATE TABLE public.funnels AS SELECT row_number() OVER () AS n, f::funnel AS plain, (f || ' within session (30 min)')::funnel AS f
FROM unnest(ARRAY['a -> b', 'a -> b -> c', 'a -> b -> c within 45 min', 'a -> optional b -> c excluding x', 'a -> b [15 min] -> c', 'a -> b -> c strict', 'a -> b -> c unordered', 'a -> b -> c unordered excluding x',
	'a -> b -> c from any stage', 'a@(v) -> b@(v)', 'a -> b@(v) -> c@(v) from any stage', '* -> a@p | b@q -> c']) f;
SELECT n, sum(s.step) AS steps, sum(s.conversions) AS conversions, sum(s.tries) AS tries,
	count(*) FILTER (WHERE s.step <> p.step) AS wrong_step, count(*) FILTER (WHERE s.conversions <> p.conversions) AS wrong_conversions, count(*) FILTER (WHERE s.walks IS DISTINCT FROM p.walks) AS wrong_walks,
	count(*) FILTER (WHERE s.disordered) AS wrong_order, count(*) FILTER (WHERE s.since IS DISTINCT FROM p.since) AS wrong_since, count(*) FILTER (WHERE s.apart OR s.times IS DISTINCT FROM coalesce(s.taken, '{}')) AS wrong_touchpoints
FROM public.funnels f JOIN LATERAL (
		SELECT j.who, funnel_step(j.j, f.f) AS step, conversions(j.j, f.f) AS conversions, w.*, cjm_internal.stage_since(j.j, f.f, 2, '-infinity', 'infinity') AS since, t.*, array_remove(funnel_times(j.j, f.f), NULL) AS times
		FROM public.journeys j CROSS JOIN LATERAL (SELECT count(*) AS tries, array_agg((w.ended_at, w.started_at)::text ORDER BY w.walk_number) <> array_agg((w.ended_at, w.started_at)::text ORDER BY w.ended_at, w.started_at) AS disordered,
				array_agg((w.ended_at, w.started_at, w.step, w.times, w.converted, w.touchpoints)::text ORDER BY w.ended_at, w.started_at, (w.touchpoints)::text) AS walks FROM walks(j.j, f.f) w) w
			CROSS JOIN LATERAL (SELECT count(DISTINCT coalesce(t.session, '')) FILTER (WHERE t.at IS NOT NULL) > 1 AS apart, array_agg(t.at ORDER BY t.n) FILTER (WHERE t.at IS NOT NULL) AS taken FROM unnest(funnel_touchpoints(j.j, f.f)) WITH ORDINALITY t(at, event, channel, value, session, n)) t
	) s ON true JOIN LATERAL (
		SELECT p.who, max(funnel_step(p.part, f.plain)) AS step, sum(conversions(p.part, f.plain)) AS conversions, max(cjm_internal.stage_since(p.part, f.plain, 2, '-infinity', 'infinity')) AS since,
			(SELECT array_agg((w.ended_at, w.started_at, w.step, w.times, w.converted, w.touchpoints)::text ORDER BY w.ended_at, w.started_at, (w.touchpoints)::text) FROM public.parts q, walks(q.part, f.plain) w WHERE q.who = p.who) AS walks
		FROM public.parts p GROUP BY p.who
	) p ON p.who = s.who
GROUP BY n ORDER BY n;

-- Any split, in any order, comes to the same statistics.
SELECT count(*) FILTER (WHERE whole::text <> split::text OR whole::text <> other::text) AS different
FROM public.funnels f, LATERAL (SELECT funnel_agg(j.j, f.f) AS whole FROM public.journeys j) w,
	LATERAL (SELECT rollup(s.stats) AS split FROM (SELECT funnel_agg(j.j, f.f) AS stats FROM (SELECT who, rollup(part) AS j FROM public.parts GROUP BY who) j GROUP BY j.who % 7 ORDER BY j.who % 7 DESC) s) s,
	LATERAL (SELECT funnel_agg(j.j, f.f) AS other FROM (SELECT who, rollup(j) AS j FROM (SELECT who, journey_agg(at, event, channel, value, sid::text) AS j FROM public.rows GROUP BY who, id % 3) t GROUP BY who) j) o;

-- A map whose rows name sessions: all that walks does it within these, from rows, from kept journeys, from them and changes that wait, and with the rights of who asks.
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
CREATE FUNCTION public.wrong(map text) RETURNS TABLE (problem text) LANGUAGE plpgsql AS $$
DECLARE
	steps CONSTANT text := 'SELECT s.step%1$s, count(DISTINCT w.who) FROM pg_temp.%2$I w, generate_series(1, 3) s(step) WHERE w.step >= s.step GROUP BY s.step%1$s';
BEGIN
	PERFORM public.mark();
	DROP TABLE IF EXISTS won, won_by_day, sessions_of, tries, latest;
	CREATE TEMP TABLE won AS SELECT w.*, c.country FROM public.winners('99 days', false, false, false) w JOIN (SELECT DISTINCT r.who, r.country FROM public.rows r) c USING (who);
	CREATE TEMP TABLE won_by_day AS SELECT w.*, d.day, c.country FROM generate_series(timestamptz '2026-03-27Z', '2026-04-05Z', '1 day') d(day), public.winners('99 days', false, false, false, tstzrange(d.day, d.day + interval '1 day')) w
		JOIN (SELECT DISTINCT r.who, r.country FROM public.rows r) c USING (who);
	CREATE TEMP TABLE sessions_of AS SELECT m.who, cjm.journey_agg(m.at, m.event, m.channel, m.value) AS part FROM public.marked m GROUP BY m.who, m.session;
	CREATE TEMP TABLE tries AS SELECT s.who, w.* FROM pg_temp.sessions_of s, cjm.walks(s.part, 'a -> b -> c') w;
	-- The latest try, where it alone ends then.
	CREATE TEMP TABLE latest AS SELECT t.who, max(t.step) AS step FROM pg_temp.tries t WHERE t.ended_at = (SELECT max(u.ended_at) FROM pg_temp.tries u WHERE u.who = t.who) GROUP BY t.who HAVING count(*) = 1;
	RETURN QUERY SELECT p FROM unnest(ARRAY[
		public.differ('customers', format('SELECT customer, step, step_times, entered_at, reached_at, conversions, converted FROM %I.customers WHERE step > 0', map),
			'SELECT w.who, w.step, w.times || array_fill(NULL::timestamptz, ARRAY[3 - w.step]), w.times[1], w.times[w.step], (SELECT sum(cjm.conversions(s.part, ''a -> b -> c'')) FROM pg_temp.sessions_of s WHERE s.who = w.who)::bigint, w.step = 3 FROM pg_temp.won w'),
		public.differ('current', format('SELECT customer, current_at FROM %I.customers WHERE current_step > 0', map), 'SELECT who, max(ended_at) FROM pg_temp.tries GROUP BY who'),
		public.differ('current step', format('SELECT c.customer, c.current_step FROM %I.customers c JOIN pg_temp.latest l ON l.who = c.customer', map), 'SELECT who, step FROM pg_temp.latest'),
		public.differ('funnel', format('SELECT step, customers FROM %I.funnel', map), format(steps, '', 'won')),
		public.differ('funnel_by_dimension', format('SELECT step, value, customers FROM %I.funnel_by_dimension WHERE dimension = ''country'' AND customers > 0', map), format(steps, ', w.country', 'won')),
		public.differ('funnel_report by day', format('SELECT step, bucket_start, by_value, customers FROM cjm.funnel_report(%L, by => ''country'', bucket => ''day'') WHERE customers > 0', map), format(steps, ', w.day, w.country', 'won_by_day')),
		public.differ('funnel_report of some', format('SELECT step, customers FROM cjm.funnel_report(%L, where_is => ''{"country": "EE"}'')', map),
			'SELECT s.step, count(*) FROM pg_temp.won w, generate_series(1, 3) s(step) WHERE w.country = ''EE'' AND w.step >= s.step GROUP BY 1'),
		public.differ('tries', format('SELECT step, customers FROM cjm.funnel_report(%L, count => ''walks'')', map), 'SELECT s.step, count(*) FROM pg_temp.tries w, generate_series(1, 3) s(step) WHERE w.step >= s.step GROUP BY 1'),
		public.differ('values of tries', format('SELECT step, value_sum::float8 FROM cjm.funnel_report(%L, count => ''walks'', value => true)', map),
			'SELECT t.n, sum(t.value) FROM pg_temp.tries w, unnest(w.touchpoints) WITH ORDINALITY t(at, event, channel, value, session, n) WHERE t.value IS NOT NULL GROUP BY 1'),
		public.differ('stages', format('SELECT step, sum(customers + refused + open_customers) FROM %I.stages WHERE step > 0 GROUP BY 1', map), 'SELECT step, count(*) FROM pg_temp.won GROUP BY 1'),
		public.differ('drop_off', format('SELECT step, sum(customers + refused + open_customers) FROM %I.drop_off GROUP BY 1', map), 'SELECT step, count(*) FROM pg_temp.won WHERE step < 3 GROUP BY 1'),
		public.differ('metrics', format('SELECT step, sum(n)::bigint FROM cjm.metric_report(%L, ''step_rate'', ''day'') GROUP BY 1', map), format('SELECT s.step + 1, sum(n)::bigint FROM (%s) s(step, day, n) WHERE s.step < 3 GROUP BY 1', format(steps, ', w.day', 'won_by_day'))),
		public.differ('audience', format('SELECT customer FROM cjm.audience(%L, ''at b'')', map),
			'SELECT DISTINCT a.who::text FROM public.marked a JOIN public.marked b USING (who, session) WHERE a.event = ''a'' AND b.event = ''b'' AND a.at <= b.at'),
		public.differ('retention', format('SELECT sum(cohort_size)::bigint FROM cjm.retention_report(%L, ''day'', starts => ''a -> b within session'') WHERE number = 0', map),
			'SELECT count(DISTINCT a.who) FROM public.marked a JOIN public.marked b USING (who, session) WHERE a.event = ''a'' AND b.event = ''b'' AND a.at <= b.at'),
		public.differ('drawing', format('SELECT bool_and(strpos(cjm.funnel_svg(%L), f.customers::text) > 0) FROM %I.funnel f', map, map), 'SELECT true')]) p WHERE p IS NOT NULL;
END
$$;
CREATE TABLE public.problems (how text, problem text);
CREATE PROCEDURE public.ask_all() LANGUAGE plpgsql AS $$
DECLARE
	way text;
	stands text;
BEGIN
	FOREACH way IN ARRAY '{rows,kept,waiting,reader}'::text[] LOOP
		PERFORM cjm.create_map('tried', 'public.rows', 'who', 'at', 'event', 'a -> b -> c within session', channel => 'channel', value => 'value', dimensions => '{"country": "country"}', time_zone => 'UTC', refusal => 'no',
			session => 'sid', access => CASE way WHEN 'reader' THEN 'reader' END, keep => way IN ('kept', 'waiting'));
		PERFORM cjm.create_audience('tried', 'at b', at_stage => 'b');
		COMMIT;
		IF way IN ('kept', 'waiting') THEN
			PERFORM cjm.refresh_journeys('tried');
			COMMIT;
		END IF;
		IF way = 'waiting' THEN
			DELETE FROM public.rows WHERE id % 97 = 0;
			UPDATE public.rows SET sid = CASE WHEN sid IS NULL THEN id % 3 WHEN id % 2 = 0 THEN NULL ELSE (sid + 1) % 3 END WHERE id % 13 = 0;
			UPDATE public.rows SET at = at + interval '15 min', event = CASE event WHEN 'a' THEN 'b' ELSE 'a' END WHERE id % 53 = 0;
			INSERT INTO public.rows SELECT id + 4800, who, at + interval '15 min', event, channel, value, country, sid FROM public.rows WHERE id % 29 = 0;
			COMMIT;
		END IF;
		INSERT INTO public.problems SELECT way, w.problem FROM public.wrong('tried') w;
		IF way IN ('kept', 'waiting') THEN
			EXECUTE 'SELECT state FROM tried.kept' INTO stands;
			INSERT INTO public.problems SELECT way, 'is ' || stands WHERE stands <> CASE way WHEN 'kept' THEN 'folded' ELSE 'changed' END;
		END IF;
		PERFORM cjm.drop_map('tried');
		COMMIT;
	END LOOP;
END
$$;
CALL public.ask_all();
SELECT * FROM public.problems;
-- The aggregate of rows is not told what they name, so the journeys are read; where none is named gaps alone divide them.
SELECT create_map('named', 'public.rows', 'who', 'at', 'event', 'a -> b -> c within session', session => 'sid'), create_map('gaps', 'public.rows', 'who', 'at', 'event', 'a -> b -> c within session'),
	create_map('none', 'public.rows', 'who', 'at', 'event', 'a -> b -> c within session', session => 'nullif(sid, sid)');
SELECT m.map, cjm_internal.map_reads_rows(m.map) AS reads_rows FROM maps m ORDER BY m.map::text COLLATE "C";
SELECT n.step, n.customers <> g.customers AS named_differs, o.customers = g.customers AS none_is_as_gaps FROM named.funnel n JOIN gaps.funnel g USING (step) JOIN none.funnel o USING (step) ORDER BY n.step;
SELECT create_map('refused', 'public.rows', 'who', 'at', 'event', 'a -> b within session', session => 'sid', session_rule => 'day');
SELECT create_map('refused', 'public.rows', 'who', 'at', 'event', 'a -> "within session"', session => 'sid', session_rule => 'day');

SELECT drop_map('named'), drop_map('gaps'), drop_map('none'), drop_map('refused');
DROP PROCEDURE public.ask_all();
DROP FUNCTION public.wrong(text), public.differ(text, text, text), public.winners(interval, boolean, boolean, boolean, tstzrange);
DROP FUNCTION public.mark();
DROP TABLE public.marked, public.asked, public.rows, public.journeys, public.parts, public.funnels, public.problems;
