-- oracle.sql: the rules of a funnel in plain SQL, and random journeys to compare them with the extension.
--
-- It enumerates every walk of every journey, throws out those that a rule forbids, and sorts the others by the words
-- of the rule.  It shares nothing with the engine: no groups of equal times, no matching theory, no state that is
-- carried along, not even the parser of funnels or the matching of labels.
--
--   prove.combinations()                   the modes: every combination of rules that there can be
--   prove.combination(n, journeys, seed)   compares that many random journeys in one of them, and warns of the first that differ
--
-- test/prove/run runs 100,000 journeys of each, sql/funnel_oracle.sql a few.
--
-- Journeys are small, so that a set of touchpoints is the bits of an integer and a list of times its digits.  A
-- touchpoint's bit is the higher, the earlier it is, and at one time the higher, the fewer stages it matches (of as
-- many, the lower ones).  Times are seconds from 1 to 13.  Everything is done for thousands of journeys at once.
--
-- What is compared of every journey: the step, every step time, the number of conversions, with and without an entry
-- range; of every touchpoint what the window functions say of it; of every funnel what funnel_agg adds up, against
-- plain aggregates over the answers found here.

CREATE SCHEMA prove;

-- The ordered funnels have any of five rules, the unordered ones any of two; sessions, variables and walks from any stage on
-- some of those with them.
CREATE FUNCTION prove.combinations(OUT n integer, OUT rules text[]) RETURNS SETOF record LANGUAGE sql AS $$
	SELECT row_number() OVER (ORDER BY unordered, bits)::integer,
	       ARRAY(SELECT rule FROM unnest(ARRAY['within', '[D]', 'strict', 'excluding', 'optional']) WITH ORDINALITY AS r (rule, k)
	             WHERE bits >> (k::integer - 1) & 1 = 1) || CASE WHEN unordered THEN ARRAY['unordered'] ELSE '{}' END
	FROM generate_series(0, 31) AS bits, (VALUES (false), (true)) AS u (unordered)
	WHERE NOT unordered OR bits & 22 = 0
	UNION ALL
	SELECT 36 + row_number() OVER (ORDER BY k)::integer, string_to_array(r, ',')
	FROM unnest(ARRAY['session', 'session,within,[D]', 'session,strict', 'session,excluding,optional', 'session,unordered', 'session,within,excluding,unordered',
		'from any stage', 'from any stage,within,[D]', 'from any stage,strict', 'from any stage,excluding', 'from any stage,session,within',
		'variable', 'variable,within,[D]', 'variable,strict,optional', 'variable,excluding,optional', 'variable,session', 'variable,from any stage',
		'variable,from any stage,session,excluding,[D]']) WITH ORDINALITY AS m (r, k)
$$;

-- The touchpoints of a journey are those of the rows of prove.touch; the definitions' parts are those of prove.stage.
CREATE FUNCTION prove.create_tables() RETURNS void LANGUAGE sql SET client_min_messages = warning AS $$
	DROP TABLE IF EXISTS pg_temp.funnels, pg_temp.stages, pg_temp.journeys, pg_temp.touches, pg_temp.fits, pg_temp.walks, pg_temp.answers, pg_temp.spent;
	CREATE TEMP TABLE funnels (funnel integer, nstages integer, letters integer, apart boolean, channels boolean, within integer, session integer, strict boolean, from_any boolean, excluding text[], definition cjm.funnel, last_mandatory integer);
	CREATE TEMP TABLE stages (funnel integer, stage integer, events text[], optional boolean, gap integer, mandatory_before integer, bound boolean);
	CREATE TEMP TABLE journeys (id integer, funnel integer, entered tstzrange, journey cjm.journey, moments integer[], earlier integer[], excluded integer, breaks integer[]);
	CREATE TEMP TABLE touches (n integer, id integer, funnel integer, at integer, event text, channel text, excluded boolean, bit integer, before integer);
	CREATE TEMP TABLE fits (id integer, stage integer, touch integer, at integer, bit integer, optional boolean, gap integer, within integer, mandatory_before integer, needed boolean, before integer, value text);
	CREATE TEMP TABLE walks (id integer, used integer, step integer, started integer, ended integer, optionals integer, times bigint, last_bit integer, size integer, value text);
	CREATE TEMP TABLE answers (id integer, funnel integer, step integer, times integer[], conversions bigint);
	CREATE TEMP TABLE spent (id integer, gone integer, conversions bigint);
$$;

CREATE FUNCTION prove.at(seconds integer) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
	SELECT '2026-01-01 00:00:00Z'::timestamptz + seconds * interval '1 s'
$$;

CREATE FUNCTION prove.random_event(letters integer, channels boolean) RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT CASE WHEN random() < 0.1 THEN '*' ELSE chr(97 + floor(random() * letters)::integer) END ||
	       CASE WHEN channels AND random() < 0.4 THEN (ARRAY['@x', '@y'])[ceil(random() * 2)] ELSE '' END
$$;

-- An event of a definition, as a touchpoint is asked.
CREATE FUNCTION prove.is_one_of(event text, channel text, events text[]) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
	SELECT EXISTS (SELECT FROM unnest(events) AS e WHERE split_part(e, '@', 1) IN ('*', event) AND (strpos(e, '@') = 0 OR split_part(e, '@', 2) = channel))
$$;

-- Fills the tables with random funnels by some rules, and for each funnel some random journeys.
CREATE FUNCTION prove.make(rules text[], nfunnels integer, njourneys integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	-- Few letters make stages that repeat and overlap; a third of the funnels have stages of their own, a to e.  It takes five
	-- stages for one optional stage to cost two others.
	INSERT INTO funnels
	SELECT f, CASE WHEN random() < 0.1 THEN 1 ELSE 2 + floor(random() * CASE WHEN 'unordered' = ANY (rules) THEN 3 ELSE 4 END) END, 2 + floor(random() * 3), false, 'variable' = ANY (rules) OR random() < 0.3,
	       CASE WHEN 'within' = ANY (rules) THEN 1 + floor(random() * 8) END, CASE WHEN 'session' = ANY (rules) THEN 1 + floor(random() * 3) END,
	       'strict' = ANY (rules), 'from any stage' = ANY (rules)
	FROM generate_series(1, nfunnels) AS f;
	UPDATE funnels SET letters = nstages, apart = true, channels = 'variable' = ANY (rules) WHERE random() < 0.33;
	UPDATE funnels SET excluding = ARRAY[prove.random_event(letters + 1, channels)] || CASE WHEN random() < 0.2 THEN ARRAY[prove.random_event(letters + 1, channels)] ELSE '{}' END
	WHERE 'excluding' = ANY (rules);
	INSERT INTO stages
	SELECT funnel, s, CASE WHEN apart THEN ARRAY[chr(96 + s)] ELSE ARRAY(SELECT prove.random_event(letters, channels) FROM generate_series(1, 1 + floor(random() * 1.5 + s * 0)::integer)) END,
	       s > 1 AND 'optional' = ANY (rules) AND random() < CASE WHEN apart THEN 0.7 ELSE 0.5 END, CASE WHEN s > 1 AND '[D]' = ANY (rules) AND random() < 0.6 THEN 1 + floor(random() * 4) END
	FROM funnels, generate_series(1, nstages) AS s;
	-- What stands for the variable asks for no channel of its own; a funnel may do so nowhere.
	UPDATE stages SET bound = 'variable' = ANY (rules) AND random() < 0.6;
	UPDATE stages SET events = ARRAY(SELECT split_part(e, '@', 1) FROM unnest(events) AS e) WHERE bound;
	UPDATE stages AS s SET mandatory_before = coalesce((SELECT max(b.stage) FROM stages AS b WHERE b.funnel = s.funnel AND b.stage < s.stage AND NOT b.optional), 0);
	UPDATE funnels AS f SET
		last_mandatory = (SELECT max(stage) FROM stages AS s WHERE s.funnel = f.funnel AND NOT optional),
		definition = ((SELECT string_agg(CASE WHEN optional THEN 'optional ' ELSE '' END || array_to_string(events, CASE WHEN bound THEN '@(v) | ' ELSE ' | ' END) || CASE WHEN bound THEN '@(v)' ELSE '' END || coalesce(' [' || gap || ' s]', ''), ' -> ' ORDER BY stage)
		               FROM stages AS s WHERE s.funnel = f.funnel) ||
			coalesce(' within ' || within || ' s', '') || CASE WHEN strict THEN ' strict' ELSE '' END || CASE WHEN 'unordered' = ANY (rules) THEN ' unordered' ELSE '' END ||
			CASE WHEN from_any THEN ' from any stage' ELSE '' END || coalesce(' within session (' || session || ' s)', '') ||
			coalesce(' excluding ' || array_to_string(excluding, ' | '), ''))::cjm.funnel;

	INSERT INTO journeys (id, funnel, entered)
	SELECT row_number() OVER (), funnel, CASE WHEN funnel % 2 = 0 THEN
		tstzrange(CASE WHEN random() < 0.8 THEN prove.at(1 + floor(random() * 6)::integer) END, CASE WHEN random() < 0.8 THEN prove.at(6 + floor(random() * 6)::integer) END,
		          (ARRAY['[]', '[)', '(]', '()'])[ceil(random() * 4)]) END
	FROM funnels, generate_series(1, njourneys);
	-- Short spans make ties.  Every other journey has all events once before it has one twice.
	INSERT INTO touches
	SELECT row_number() OVER (), id, funnel, at, event, channel, prove.is_one_of(event, channel, excluding)
	FROM (SELECT id, 1 + floor(random() * span) AS at,
	             chr(97 + CASE WHEN id % 2 = 0 THEN floor(random() * (letters + 1)) ELSE row_number() OVER (PARTITION BY id ORDER BY random()) % (letters + 1) END::integer) AS event,
	             CASE WHEN channels THEN (ARRAY['x', 'y', NULL])[ceil(random() * 3)] END AS channel
	      FROM (SELECT id, letters, channels, (ARRAY[1, 3, 6, 10, 13])[ceil(random() * 5)] AS span, 2 + floor(random() * CASE WHEN 'unordered' = ANY (rules) THEN 5 ELSE 6 END)::integer AS size
	            FROM journeys JOIN funnels USING (funnel)) AS j, generate_series(1, size)) AS t JOIN journeys USING (id) JOIN funnels USING (funnel);
	UPDATE journeys AS j SET journey = t.journey
	FROM (SELECT id, cjm.journey_agg(prove.at(at), event, channel) AS journey FROM touches GROUP BY id) AS t WHERE t.id = j.id;
END
$$;

-- Finds every walk that no rule forbids, whenever it begins.
CREATE FUNCTION prove.find_walks(unordered boolean) RETURNS void LANGUAGE plpgsql SET jit = off SET enable_nestloop = off SET enable_mergejoin = off AS $$
BEGIN
	-- A touchpoint's bit, and the last moment before it at which there is another: which only matters to strict funnels.
	INSERT INTO fits
	SELECT id, stage, n, at, 0, optional, coalesce(gap, 99), coalesce(within, 99), mandatory_before, stage <= last_mandatory, 0, CASE WHEN bound THEN channel END
	FROM touches AS t JOIN stages AS s USING (funnel) JOIN funnels USING (funnel) WHERE prove.is_one_of(event, channel, events) AND (NOT bound OR channel IS NOT NULL);
	ANALYZE touches, fits;
	UPDATE touches AS t SET bit = b.bit, before = b.before
	FROM (SELECT n, 1 << (16 - row_number() OVER (PARTITION BY t.id ORDER BY t.at, count(stage) FILTER (WHERE needed), sum(1 << stage) FILTER (WHERE needed), t.channel COLLATE "C" NULLS FIRST)::integer) AS bit,
	             coalesce(max(t.at) OVER (PARTITION BY t.id ORDER BY t.at GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
	      FROM touches AS t LEFT JOIN fits ON touch = n GROUP BY n, t.id, t.at, t.channel) AS b
	WHERE b.n = t.n;
	UPDATE fits SET bit = t.bit, before = CASE WHEN strict THEN t.before ELSE 0 END FROM touches AS t JOIN funnels USING (funnel) WHERE touch = n;

	-- moments: the touchpoints' times in the order of their bits; earlier[t]: the touchpoints before the time t.
	UPDATE journeys AS j SET moments = t.moments FROM (SELECT id, array_agg(at ORDER BY bit DESC) AS moments FROM touches GROUP BY id) AS t WHERE t.id = j.id;
	UPDATE journeys AS j SET earlier = t.earlier, excluded = t.excluded
	FROM (SELECT id, array_agg(earlier ORDER BY moment) AS earlier, max(excluded) AS excluded
	      FROM (SELECT id, moment, coalesce(sum(bit) FILTER (WHERE at < moment), 0)::integer AS earlier, coalesce(sum(bit) FILTER (WHERE t.excluded), 0)::integer AS excluded
	            FROM touches AS t, generate_series(1, 15) AS moment GROUP BY id, moment) AS e GROUP BY id) AS t WHERE t.id = j.id;
	-- breaks: the times of touchpoints after which there is none for longer than the gap of a session.
	UPDATE journeys AS j SET breaks = t.breaks
	FROM (SELECT id, array_agg(at) FILTER (WHERE next - at > session) AS breaks
	      FROM (SELECT id, funnel, at, lead(at) OVER (PARTITION BY id ORDER BY at) AS next FROM touches) AS t JOIN funnels USING (funnel) GROUP BY id) AS t WHERE t.id = j.id;
	ANALYZE journeys, touches, fits;

	IF unordered THEN
		-- Any stage may begin.  times: the more, the earlier, as a number with a digit for each moment, which counts the touchpoints.
		INSERT INTO walks
		WITH RECURSIVE walk AS (
			SELECT id, bit AS used, 1 AS step, at AS started, at AS ended, 1::bigint << 3 * (13 - at) AS early, stage AS last FROM fits
			UNION ALL
			SELECT id, used | bit, step + 1, least(started, at), greatest(ended, at), early + (1::bigint << 3 * (13 - at)), stage
			FROM walk JOIN fits USING (id)
			WHERE stage > last AND used & bit = 0 AND greatest(ended, at) - least(started, at) <= within)
		SELECT DISTINCT id, used, step, started, ended, 0, -early, NULL::integer, 0, NULL FROM walk;
	ELSE
		-- The first stage first, none left out but optional ones.  times: a digit for each stage, 15 if it is not passed.
		INSERT INTO walks
		WITH RECURSIVE walk AS (
			SELECT id, bit AS used, stage AS last, at AS started, at AS ended, 0 AS optionals, x'fffff'::integer - ((15 - at) << (20 - 4 * stage)) AS times, bit AS last_bit, 1 AS size, value
			FROM fits JOIN journeys USING (id) JOIN funnels USING (funnel) WHERE stage = 1 OR from_any
			UNION ALL
			SELECT id, used | bit, stage, started, at, optionals + optional::integer, times - ((15 - at) << (20 - 4 * stage)), bit, size + 1, coalesce(walk.value, fits.value)
			FROM walk JOIN fits USING (id)
			WHERE coalesce(walk.value = fits.value, true) AND stage > last AND mandatory_before <= last AND used & bit = 0 AND at >= ended AND at - started <= within AND at - ended <= gap
			-- strict: the last moment before this one at which there is a touchpoint is not after the one before in the walk
			AND before <= ended)
		SELECT id, used, last, started, ended, optionals, times, last_bit, size, value FROM walk;
	END IF;

	-- excluding: such a touchpoint strictly between the first and the last is in the walk.
	DELETE FROM walks AS w USING journeys AS j
	WHERE j.id = w.id AND j.excluded <> 0 AND j.excluded & earlier[ended] & ~earlier[started + 1] & ~used <> 0;
	-- within session: no break between the first and the last.
	DELETE FROM walks AS w USING journeys AS j
	WHERE j.id = w.id AND EXISTS (SELECT FROM unnest(breaks) AS b WHERE b >= started AND b < ended);
	ANALYZE walks;
END
$$;

-- The winning walk and the conversions of every journey, into answers.
CREATE FUNCTION prove.answer(unordered boolean) RETURNS void LANGUAGE plpgsql SET jit = off SET enable_nestloop = off AS $$
BEGIN
	DELETE FROM walks AS w USING journeys AS j WHERE j.id = w.id AND NOT prove.at(started) <@ coalesce(entered, '(,)');

	-- The deepest; the earliest end; of walks that begin at any stage those of most stages; the latest start; the most optional stages; then every step as early as possible, first to last.
	INSERT INTO answers
	SELECT j.id, j.funnel, coalesce(w.step, 0), t.times
	FROM journeys AS j JOIN funnels USING (funnel)
	LEFT JOIN (SELECT DISTINCT ON (id) w.* FROM walks AS w JOIN journeys USING (id) JOIN funnels USING (funnel)
	           ORDER BY id, step DESC, ended, CASE WHEN from_any THEN -size END, started DESC, optionals DESC, times) AS w ON w.id = j.id
	CROSS JOIN LATERAL (SELECT CASE
		WHEN w.id IS NULL THEN array_fill(NULL::integer, ARRAY[nstages])
		WHEN NOT unordered THEN ARRAY(SELECT nullif((w.times >> (20 - 4 * stage)) & 15, 15)::integer FROM generate_series(1, nstages) AS stage)
		-- the times of the touchpoints of the walk, in order
		ELSE ARRAY(SELECT at FROM unnest(moments) WITH ORDINALITY AS m (at, n) WHERE w.used & (1 << (16 - n::integer)) <> 0 ORDER BY n) || array_fill(NULL::integer, ARRAY[nstages - w.step]) END) AS t (times);

	-- Completions: the best of the complete walks, then of those that have nothing before its end and nothing that it used.
	-- What could forbid a walk that is left lies after its start, and so is left too.  Of walks of the same times the one
	-- counts that has the least value, and then the one that uses, at its end, what matches fewest stages.
	INSERT INTO spent SELECT id, 0, 0 FROM journeys;
	DELETE FROM walks AS w USING journeys AS j JOIN funnels USING (funnel) WHERE j.id = w.id AND step <> last_mandatory;
	LOOP
		UPDATE spent AS s SET conversions = s.conversions + 1, gone = s.gone | w.used | earlier[ended]
		FROM (SELECT DISTINCT ON (w.id) w.id, w.used, ended, earlier
		      FROM walks AS w JOIN journeys USING (id) JOIN funnels USING (funnel)
		      ORDER BY id, ended, CASE WHEN from_any THEN -size END, started DESC, optionals DESC, times, value COLLATE "C" NULLS FIRST, used & ~earlier[ended] DESC) AS w
		WHERE w.id = s.id;
		EXIT WHEN NOT FOUND;
		DELETE FROM walks AS w USING spent AS s WHERE s.id = w.id AND used & gone <> 0;
	END LOOP;
	UPDATE answers AS a SET conversions = s.conversions FROM spent AS s WHERE s.id = a.id;
END
$$;

-- Without excluding an unordered walk's times are the moments at which the touchpoints from its start on can be given to one stage more.
CREATE FUNCTION prove.growing_times() RETURNS TABLE (journey integer, times integer[]) LANGUAGE plpgsql SET jit = off SET enable_nestloop = off AS $$
BEGIN
	RETURN QUERY
	WITH won AS (SELECT DISTINCT ON (id) id, step, started, ended FROM walks JOIN journeys USING (id) WHERE prove.at(started) <@ coalesce(entered, '(,)')
	             ORDER BY id, step DESC, ended, started DESC),
	     grown AS (SELECT id, w.step AS n, min(w.ended) AS at FROM walks AS w JOIN won AS b USING (id) WHERE w.started >= b.started AND w.ended <= b.ended GROUP BY id, n)
	SELECT id, array_agg(at ORDER BY n) FROM grown GROUP BY id;
END
$$;

-- The durations of a step as funnel_stats has them: the sum, and how many customers are in each bucket, named by its shortest duration.  Buckets are
-- a microsecond wide below 128, and a 128th of each power of two from there.
CREATE FUNCTION prove.bucket(microseconds bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
	SELECT microseconds >> shift << shift FROM (SELECT greatest(length(ltrim(microseconds::bit(64)::text, '0')) - 8, 0)) AS s (shift)
$$;
CREATE FUNCTION prove.durations(bigint[]) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
	SELECT jsonb_build_object('sum', sum(total), 'buckets', jsonb_agg(jsonb_build_array(low, n) ORDER BY low))
	FROM (SELECT prove.bucket(d) AS low, count(*) AS n, sum(d) AS total FROM unnest($1) AS d GROUP BY low) AS b
$$;

-- Compares journeys of one combination, some thousands at a time.  Without workers, which do not see the tables: where every query
-- is made to run in one, the small functions would start one for each row.
CREATE FUNCTION prove.combination(combination integer, journeys integer, seed integer,
	OUT mode text, OUT tried integer, OUT ties integer, OUT begun integer, OUT complete integer, OUT repeated integer, OUT wrong integer) LANGUAGE plpgsql
SET jit = off SET enable_nestloop = off SET max_parallel_workers_per_gather = 0 AS $$
DECLARE
	rules text[] := (SELECT c.rules FROM prove.combinations() AS c WHERE n = combination);
	unordered boolean := 'unordered' = ANY (rules);
	nfunnels integer;
	r record;
BEGIN
	mode := coalesce(nullif(array_to_string(rules, ' '), ''), 'plain');
	tried := 0;
	ties := 0;
	begun := 0;
	complete := 0;
	repeated := 0;
	wrong := 0;
	PERFORM setseed((seed + combination * 7919) % 1000000 / 1000000.0);
	PERFORM prove.create_tables();
	WHILE tried < journeys LOOP
		nfunnels := least(200, ceil((journeys - tried) / 20.0));
		TRUNCATE funnels, stages, journeys, touches, fits, walks, answers, spent;
		PERFORM prove.make(rules, nfunnels, 20);
		PERFORM prove.find_walks(unordered);

		-- A touchpoint and the deepest walk that ends with it, and the latest start of those.  Equal rows may change places.
		IF NOT unordered THEN
			FOR r IN
				WITH expected AS (SELECT t.id, funnel, at, event, channel, max(step) AS step, (array_agg(started ORDER BY step DESC, CASE WHEN from_any THEN -size END, started DESC))[1] AS started
				                  FROM touches AS t JOIN funnels USING (funnel) LEFT JOIN walks AS w ON w.id = t.id AND last_bit = bit GROUP BY t.id, funnel, at, event, channel, bit),
				     found AS (SELECT id, at, event, channel, cjm.funnel_step(prove.at(at), event, channel, definition) OVER w AS step, cjm.funnel_start(prove.at(at), event, channel, definition) OVER w AS started
				               FROM touches JOIN funnels USING (funnel) WINDOW w AS (PARTITION BY id ORDER BY prove.at(at)))
				SELECT e.funnel, e.id, e.rows, f.rows AS got
				FROM (SELECT funnel, id, array_agg((at, event, channel, step, prove.at(started)) ORDER BY at, event, channel, step) AS rows FROM expected GROUP BY funnel, id) AS e
				JOIN (SELECT id, array_agg((at, event, channel, step, started) ORDER BY at, event, channel, step) AS rows FROM found GROUP BY id) AS f ON f.id = e.id AND f.rows::text <> e.rows::text
			LOOP
				wrong := wrong + 1;
				CONTINUE WHEN wrong > 5;
				RAISE WARNING '% OVER % is % instead of %', (SELECT definition FROM funnels AS f WHERE f.funnel = r.funnel), (SELECT journey FROM journeys AS j WHERE j.id = r.id), r.got, r.rows;
			END LOOP;
		END IF;

		CREATE TEMP TABLE growing ON COMMIT DROP AS SELECT * FROM prove.growing_times() WHERE unordered AND NOT 'excluding' = ANY (rules);
		PERFORM prove.answer(unordered);
		IF EXISTS (SELECT FROM growing JOIN answers ON id = growing.journey WHERE growing.times <> array_remove(answers.times, NULL)) THEN
			RAISE EXCEPTION 'the two definitions of the times of unordered funnels differ';
		END IF;
		DROP TABLE growing;

		FOR r IN
			SELECT definition, journey, entered, a.step, a.times, a.conversions, got.*
			FROM answers AS a JOIN journeys AS j USING (id) JOIN funnels AS f ON f.funnel = a.funnel,
			LATERAL (SELECT CASE WHEN entered IS NULL THEN cjm.funnel_step(journey, definition) ELSE cjm.funnel_step(journey, definition, entered) END AS got_step,
			                CASE WHEN entered IS NULL THEN cjm.funnel_times(journey, definition) ELSE cjm.funnel_times(journey, definition, entered) END AS got_times,
			                CASE WHEN entered IS NULL THEN cjm.conversions(journey, definition) ELSE cjm.conversions(journey, definition, entered) END AS got_conversions) AS got
			WHERE (got_step, got_times, got_conversions) IS DISTINCT FROM
				(a.step, ARRAY(SELECT prove.at(t) FROM unnest(a.times) WITH ORDINALITY AS u (t, n) ORDER BY n), a.conversions)
		LOOP
			wrong := wrong + 1;
			CONTINUE WHEN wrong > 5;
			RAISE WARNING '% in % entered %: step % at % and % conversions instead of step % at seconds % and % conversions', r.definition, r.journey, r.entered,
				r.got_step, r.got_times, r.got_conversions, r.step, r.times, r.conversions;
		END LOOP;

		-- Customers, and the times since the step before in the walk and since the first one, added up.
		FOR r IN
			WITH passed AS (SELECT id, a.funnel, n AS step, at, at - lag(at) OVER walk AS time, CASE WHEN n > 2 AND row_number() OVER walk > 1 THEN at - first_value(at) OVER walk END AS total
			                FROM answers AS a, unnest(times) WITH ORDINALITY AS t (at, n) WHERE at IS NOT NULL WINDOW walk AS (PARTITION BY id ORDER BY n)),
			     added AS (SELECT funnel, step, count(*) AS customers, count(*) FILTER (WHERE time IS NULL) AS entered, array_agg(time * 1000000::bigint) FILTER (WHERE time IS NOT NULL) AS times,
			                      array_agg(total * 1000000::bigint) FILTER (WHERE total IS NOT NULL) AS totals FROM passed GROUP BY funnel, step),
			     expected AS (SELECT funnel, jsonb_agg(jsonb_strip_nulls(jsonb_build_object('customers', coalesce(customers, 0), 'entered', CASE WHEN from_any AND step > 1 THEN coalesce(entered, 0) END,
			                         'time', CASE WHEN times IS NOT NULL THEN prove.durations(times) END, 'total', CASE WHEN totals IS NOT NULL THEN prove.durations(totals) END)) ORDER BY step) AS steps
			                  FROM (SELECT funnel, from_any, step::bigint FROM funnels, generate_series(1, nstages) AS step) AS s LEFT JOIN added USING (funnel, step) GROUP BY funnel),
			     found AS (SELECT funnel, definition, CASE WHEN funnel % 2 = 0 THEN cjm.funnel_agg(journey, definition, entered) ELSE cjm.funnel_agg(journey, definition) END::jsonb AS stats, count(*) AS customers
			               FROM journeys JOIN funnels USING (funnel) GROUP BY funnel, definition)
			SELECT definition, stats, customers, expected.steps FROM found JOIN expected USING (funnel)
			WHERE stats -> 'customers' <> to_jsonb(customers) OR (SELECT jsonb_agg(s - 'stage' ORDER BY n) FROM jsonb_array_elements(stats -> 'steps') WITH ORDINALITY AS t (s, n)) <> expected.steps
		LOOP
			wrong := wrong + 1;
			CONTINUE WHEN wrong > 5;
			RAISE WARNING '% adds up to % instead of % customers and %', r.definition, r.stats, r.customers, r.steps;
		END LOOP;

		tried := tried + nfunnels * 20;
		SELECT ties + count(*) FILTER (WHERE tied), begun + count(*) FILTER (WHERE a.step > 0), complete + count(*) FILTER (WHERE a.step = nstages AND nstages > 1),
		       repeated + count(*) FILTER (WHERE a.conversions > 1 AND nstages > 1)
		INTO ties, begun, complete, repeated
		FROM answers AS a JOIN funnels USING (funnel) JOIN (SELECT id, count(DISTINCT at) < count(*) AS tied FROM touches GROUP BY id) AS t USING (id);
	END LOOP;
END
$$;
