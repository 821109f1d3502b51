-- aggregate_state: states of aggregates that travel between servers, and the medians whose states do.
SET search_path = cjm, public;

-- The states themselves, which no aggregate of ours but one gives, and what such states come to.
CREATE AGGREGATE numbers_state(float8) (SFUNC = cjm_internal.median_step, STYPE = cjm_internal.aggregate_state, COMBINEFUNC = cjm_internal.median_combine);
CREATE AGGREGATE numbers_merged(cjm_internal.aggregate_state) (SFUNC = cjm_internal.median_combine, STYPE = cjm_internal.aggregate_state);
CREATE AGGREGATE numbers_of(cjm_internal.aggregate_state) (SFUNC = cjm_internal.median_combine, STYPE = cjm_internal.aggregate_state, FINALFUNC = cjm_internal.median_final);
CREATE AGGREGATE funnel_state(journey, funnel) (SFUNC = cjm_internal.funnel_agg_step, STYPE = cjm_internal.aggregate_state);
CREATE AGGREGATE funnel_of(cjm_internal.aggregate_state) (SFUNC = cjm_internal.funnel_state_combine, STYPE = cjm_internal.aggregate_state, FINALFUNC = cjm_internal.funnel_state_final);
CREATE AGGREGATE journey_state(journey) (SFUNC = cjm_internal.journey_state_add, STYPE = cjm_internal.aggregate_state, COMBINEFUNC = cjm_internal.journey_state_combine);
CREATE AGGREGATE journey_merged(cjm_internal.aggregate_state) (SFUNC = cjm_internal.journey_state_combine, STYPE = cjm_internal.aggregate_state);
CREATE AGGREGATE journey_of(cjm_internal.aggregate_state) (SFUNC = cjm_internal.journey_state_combine, STYPE = cjm_internal.aggregate_state, FINALFUNC = cjm_internal.journey_state_final);
CREATE AGGREGATE credit_state(journey, funnel) (SFUNC = cjm_internal.rule_attribution_step, STYPE = cjm_internal.aggregate_state);
CREATE AGGREGATE credit_of(cjm_internal.aggregate_state) (SFUNC = cjm_internal.rule_attribution_combine, STYPE = cjm_internal.aggregate_state, FINALFUNC = cjm_internal.rule_attribution_final);

--
-- Medians
--

SELECT cjm_internal.median_final(numbers_state(v)) AS lower, cjm_internal.median_final(numbers_state(v) FILTER (WHERE v > 5)) AS nothing, cjm_internal.median_final(numbers_state(-v)) AS negative
FROM unnest('{4,1,NULL,3,2}'::float8[]) v;
SELECT cjm_internal.late_median_apart(at) = '2026-01-03Z' AS later
FROM unnest('{2026-01-01Z,2026-01-02Z,2026-01-03Z,2026-01-04Z}'::timestamptz[]) at;
SELECT cjm_internal.median_final(numbers_state(v)::text::cjm_internal.aggregate_state) AS median, median(v) AS same FROM unnest('{-0,0,NaN,Infinity,-Infinity}'::float8[]) v;

-- Whatever the numbers are: seconds of sessions, amounts, any at all; and times.
CREATE TABLE values_random AS
SELECT trial, i, (trial * 7 + i * 13) % 5 AS part,
	CASE trial % 6
		WHEN 0 THEN trunc((random() ^ 4 * 3600000)::numeric)::float8 / 1000
		WHEN 1 THEN round((random() * 1000)::numeric, 2)::float8
		WHEN 2 THEN random()
		WHEN 3 THEN (random() - 0.5) * 10 ^ (random() * 600 - 300)
		WHEN 4 THEN trunc(random() * 10) - 5
		ELSE CASE WHEN random() < 0.1 THEN 'NaN' WHEN random() < 0.1 THEN '-Infinity' ELSE random() * 1e10 END
	END AS number,
	CASE WHEN trial % 9 = 0 THEN '-infinity' WHEN trial % 7 = 0 THEN timestamptz '294276-01-01Z' - random() * interval '100 days'
		ELSE timestamptz '1999-12-31 23:00Z' + trunc(random() * 10 ^ (trial % 6)) * interval '1 millisecond' END AS at
FROM (SELECT setseed(0.5)) s, generate_series(1, 120) trial, generate_series(1, 1 + (trial * 37) % 200) i;
SELECT count(*) AS trials, bool_and(o.same IS TRUE) AS same, bool_and(o.later IS TRUE) AS later, bool_and(o.travelled IS TRUE) AS travelled, bool_and(o.later_travelled IS TRUE) AS later_travelled
FROM (SELECT trial, median(number) = percentile_disc(0.5) WITHIN GROUP (ORDER BY number) AS same,
			cjm_internal.late_median_apart(at) = percentile_disc(0.5) WITHIN GROUP (ORDER BY at DESC) AS later,
			(SELECT numbers_of(p.state::cjm_internal.aggregate_state ORDER BY p.part * 3 % 5) FROM (SELECT part, numbers_state(number)::text AS state FROM values_random r WHERE r.trial = v.trial GROUP BY part) p) = median(number) AS travelled,
			(SELECT cjm_internal.late_median_of(p.state::cjm_internal.aggregate_state) FROM (SELECT part, cjm_internal.times_apart(at)::text AS state FROM values_random r WHERE r.trial = v.trial GROUP BY part) p)
				= percentile_disc(0.5) WITHIN GROUP (ORDER BY at DESC) AS later_travelled
		FROM values_random v GROUP BY trial) o;

-- Any order gives the same bytes, and any tree of merges; nobody's state changes.
SELECT bool_and(t.a = t.b AND t.a = t.c AND t.a = t.d) AS same, bool_and(t.a = (SELECT numbers_merged(p.state::cjm_internal.aggregate_state ORDER BY p.part * 3 % 5)::text
		FROM (SELECT part, numbers_state(number)::text AS state FROM values_random r WHERE r.trial = t.trial GROUP BY part) p)) AS parts
FROM (SELECT trial, numbers_state(number ORDER BY i)::text AS a, numbers_state(number ORDER BY i * 17 % 101)::text AS b, cjm_internal.values_apart(number)::text AS d,
			cjm_internal.values_apart_combine(cjm_internal.values_apart(number) FILTER (WHERE part < 2), cjm_internal.values_apart_combine(cjm_internal.values_apart(number) FILTER (WHERE part > 2), cjm_internal.values_apart(number) FILTER (WHERE part = 2)))::text AS c
		FROM values_random GROUP BY trial) t;
-- So it is where values are on disk, and where a few come often, whoever adds them up: here values of 3 states, each of 7 parts.
SET work_mem = '64kB';
SET hash_mem_multiplier = 1;
CREATE TABLE values_many AS SELECT i, i % 7 AS part, CASE kind WHEN 1 THEN hashint4(i) / 1000.0 WHEN 2 THEN i % 19 ELSE CASE WHEN i % 3 = 0 THEN i % 5 ELSE hashint4(i)::float8 / 1e7 END END::float8 AS number, kind
FROM generate_series(1, 3) kind, generate_series(1, 50000) i;
SELECT kind, o.median = p.median AS median, o.state::text = m.merged AND o.state::text = c.counted AS same, m.median = p.median AS merged_median, length(o.state::text) AS bytes
FROM (SELECT kind, numbers_state(number) AS state, median(number) AS median FROM values_many GROUP BY kind) o
	JOIN (SELECT kind, numbers_merged(state::cjm_internal.aggregate_state ORDER BY part * 3 % 7)::text AS merged, numbers_of(state::cjm_internal.aggregate_state) AS median
		FROM (SELECT kind, part, numbers_state(number)::text AS state FROM values_many GROUP BY kind, part) s GROUP BY kind) m USING (kind)
	JOIN (SELECT kind, cjm_internal.values_apart(number)::text AS counted FROM values_many GROUP BY kind) c USING (kind)
	JOIN (SELECT kind, percentile_disc(0.5) WITHIN GROUP (ORDER BY number) AS median FROM values_many GROUP BY kind) p USING (kind)
ORDER BY kind;
RESET work_mem;
RESET hash_mem_multiplier;
DROP TABLE values_many;
-- What is there twice counts twice, from how many states it may come.
SELECT numbers_of(state ORDER BY n) AS two, numbers_of(state ORDER BY n DESC) AS two_again, numbers_of(state) FILTER (WHERE n > 1) AS three, numbers_of(state) FILTER (WHERE n > 3) AS nothing
FROM (VALUES (1, (SELECT numbers_state(v)::text FROM unnest('{1,1,2,2,2}'::float8[]) v)), (2, (SELECT numbers_state(v)::text FROM unnest('{2,3}'::float8[]) v)), (3, (SELECT numbers_state(v)::text FROM unnest('{3,3,3,3,9}'::float8[]) v)), (4, NULL)) s(n, t),
	LATERAL (SELECT t::cjm_internal.aggregate_state AS state) x;
DO $$
DECLARE
	one cjm_internal.aggregate_state := cjm_internal.values_apart_step(NULL, 1);
	two cjm_internal.aggregate_state := cjm_internal.values_apart_step(one, 2);
	four cjm_internal.aggregate_state := cjm_internal.values_apart_combine(two, cjm_internal.values_apart_combine(two, NULL));
BEGIN
	four := cjm_internal.values_apart_step(four, 3);
	RAISE NOTICE '% % % %', cjm_internal.median_final(one::text::cjm_internal.aggregate_state), cjm_internal.median_final(two::text::cjm_internal.aggregate_state), cjm_internal.median_final(four::text::cjm_internal.aggregate_state), cjm_internal.values_apart_combine(NULL, NULL) IS NULL;
END $$;

-- They are small on their way: of milliseconds two bytes or so each.
SELECT length(numbers_state(trunc(i * 7919 % 3600000)::float8 / 1000)::text) < 3 * count(*) AS small FROM generate_series(1, 2000) i;

-- Sorted, grouped, in windows and stored a state is a value like others.
CREATE TABLE states AS SELECT trial % 10 AS one, numbers_state(number) AS state FROM values_random GROUP BY 1;
SELECT count(DISTINCT state::text) AS different FROM states;
SELECT count(*) AS rows, bool_and(o.median = o.stored) AS same FROM (
	SELECT s.one, cjm_internal.median_final(s.state) AS stored, m.median
	FROM states s JOIN (SELECT trial % 10 AS one, median(number) AS median, numbers_state(number) AS state FROM values_random GROUP BY 1 ORDER BY length(numbers_state(number)::text), 1) m ON m.one = s.one) o;
SELECT bool_and(w.median = w.plain) AS window FROM (
	SELECT cjm_internal.median_final(numbers_state(number) OVER w) AS median, median(number) OVER w AS plain FROM values_random WHERE trial < 10 WINDOW w AS (PARTITION BY trial ORDER BY i)) w;

--
-- Funnels and credit
--

CREATE TABLE state_journeys AS
SELECT customer, customer % 7 AS part, journey_agg(at, event, channel, value) AS journey
FROM (SELECT customer, timestamptz '2026-01-01Z' + random() ^ 3 * interval '60 days' AS at, (ARRAY['view', 'cart', 'pay'])[1 + trunc(random() * 3)::int] AS event,
			(ARRAY['a', 'b', 'c', NULL])[1 + trunc(random() * 4)::int] AS channel, CASE WHEN random() < 0.5 THEN trunc(random() * 1000) / 4 END AS value
		FROM (SELECT setseed(0.25)) s, generate_series(1, 700) customer, generate_series(1, 1 + customer % 9) i) e
GROUP BY customer;
SELECT (SELECT funnel_of(p.state::cjm_internal.aggregate_state ORDER BY part * 5 % 7) FROM (SELECT part, funnel_state(journey, 'view -> optional cart -> pay within 30 days')::text AS state FROM state_journeys GROUP BY part) p)
	= funnel_agg(journey, 'view -> optional cart -> pay within 30 days') AS funnel,
	(SELECT rollup(p.stats) FROM (SELECT part, funnel_agg(journey, 'view -> optional cart -> pay within 30 days') AS stats FROM state_journeys GROUP BY part) p)
	= funnel_agg(journey, 'view -> optional cart -> pay within 30 days') AS rolled_up,
	(SELECT credit_of(p.state::cjm_internal.aggregate_state ORDER BY part * 5 % 7) FROM (SELECT part, credit_state(journey, 'pay')::text AS state FROM state_journeys GROUP BY part) p)
	= rule_attribution(journey, 'pay') AS credit,
	length(funnel_state(journey, 'view -> optional cart -> pay within 30 days')::text) < length(funnel_agg(journey, 'view -> optional cart -> pay within 30 days')::text) / 10 AS small
FROM state_journeys;
-- So it is with more channels than there is room for at first.
SELECT cardinality(rule_attribution(j, 'buy')) AS credits, (SELECT credit_of(s.state::cjm_internal.aggregate_state) FROM (SELECT c % 3, credit_state(format('{2026-01-01T09:00:00Z view@%s, 2026-01-01T10:00:00Z buy=%s}', c, c)::journey, 'buy')::text AS state
	FROM generate_series(1, 100) c GROUP BY 1) s) = rule_attribution(j, 'buy') AS same
FROM (SELECT format('{2026-01-01T09:00:00Z view@%s, 2026-01-01T10:00:00Z buy=%s}', c, c)::journey AS j FROM generate_series(1, 100) c) v;
-- A state of nobody's is read and never changed.
DO $$
DECLARE
	one cjm_internal.aggregate_state := cjm_internal.rule_attribution_step(NULL, '{2026-01-01T10:00:00Z buy@x}', 'buy');
	two cjm_internal.aggregate_state := cjm_internal.rule_attribution_step(one, '{2026-01-01T10:00:00Z buy@x=3, 2026-01-02T10:00:00Z buy@y}', 'buy');
	four cjm_internal.aggregate_state := cjm_internal.rule_attribution_combine(one, two);
BEGIN
	RAISE NOTICE '% % %', (SELECT sum(c.conversions) FROM unnest(cjm_internal.rule_attribution_final(one)) c WHERE c.model = 'linear'),
		(SELECT sum(c.conversions) FROM unnest(cjm_internal.rule_attribution_final(two)) c WHERE c.model = 'linear'),
		(SELECT sum(c.conversions) FROM unnest(cjm_internal.rule_attribution_final(four)) c WHERE c.model = 'linear');
END $$;

--
-- Journeys: of a few touchpoints flat, of more an object, and the same whatever the order, split or merge
--

SELECT count(*) AS groups, bool_and(of_parts = whole) AS same, bool_and(state = other_order AND state = (SELECT journey_merged(p.state::cjm_internal.aggregate_state ORDER BY p.n * 5 % 7)::text
		FROM (SELECT customer % 7 AS n, journey_state(journey)::text AS state FROM state_journeys s WHERE s.customer % w.groups = w.g GROUP BY 1) p)) AS same_bytes,
	bool_and(cjm_internal.journey_state_final(state::cjm_internal.aggregate_state) = whole) AS same_as_text, sum(length(state)) < sum(length(whole::text)) / 3 AS small
FROM (SELECT groups, g, rollup(journey) AS whole, journey_state(journey ORDER BY customer)::text AS state, journey_state(journey ORDER BY customer * 37 % 701)::text AS other_order,
			(SELECT journey_of(p.state::cjm_internal.aggregate_state ORDER BY p.part * 3 % 7) FROM (SELECT part, journey_state(journey)::text AS state FROM state_journeys r WHERE r.customer % groups = g GROUP BY part) p) AS of_parts
		FROM (SELECT n AS groups, customer % n AS g, customer, journey FROM state_journeys, unnest('{1,3,40}'::int[]) n) s GROUP BY groups, g) w;
SELECT journey_of(s::cjm_internal.aggregate_state) AS none, rollup(j) AS no_journey, journey_of(journey_state_text::cjm_internal.aggregate_state) FILTER (WHERE s IS NULL) AS empty
FROM (SELECT NULL::text, NULL::journey, (SELECT journey_state('{}')::text)) v(s, j, journey_state_text);
DO $$
DECLARE
	one cjm_internal.aggregate_state := cjm_internal.journey_state_add(NULL, '{2026-01-01T10:00:00Z a}');
	two cjm_internal.aggregate_state := cjm_internal.journey_state_add(one, '{2026-01-02T10:00:00Z b}');
	four cjm_internal.aggregate_state := cjm_internal.journey_state_combine(two, cjm_internal.journey_state_combine(two, NULL));
BEGIN
	RAISE NOTICE '% % % %', cjm_internal.journey_state_final(one), cjm_internal.journey_state_final(two), cjm_internal.journey_state_final(four), cjm_internal.journey_state_combine(NULL, NULL) IS NULL;
END $$;

--
-- Anybody can write a value of a type: nothing of it is believed.
--

SELECT ''::cjm_internal.aggregate_state;
SELECT 'nothing'::cjm_internal.aggregate_state;
SELECT 'AQ=='::cjm_internal.aggregate_state;
SELECT 'Af////8H'::cjm_internal.aggregate_state;
SELECT left(numbers_state(number)::text, -4)::cjm_internal.aggregate_state FROM values_random WHERE trial = 8;
SELECT 'AQA='::cjm_internal.aggregate_state AS empty, cjm_internal.median_final('AQA=');
SELECT cjm_internal.funnel_state_final('AQA=');
SELECT cjm_internal.rule_attribution_final('AQA=');
SELECT cjm_internal.journey_state_final('AQA=');
-- The state of one aggregate is none of another: as bytes, since what is still in memory PostgreSQL passes on by versions.
SELECT cjm_internal.median_final(state::text::cjm_internal.aggregate_state) FROM (SELECT funnel_state(journey, 'view -> pay') AS state FROM state_journeys) s;
SELECT cjm_internal.median_final(state::text::cjm_internal.aggregate_state) FROM (SELECT credit_state(journey, 'pay') AS state FROM state_journeys) s;
SELECT cjm_internal.median_final(cjm_internal.times_apart(now())::text::cjm_internal.aggregate_state);
SELECT cjm_internal.values_apart_step(cjm_internal.times_apart(now()), 1);
SELECT cjm_internal.values_apart_combine(cjm_internal.times_apart(now()), cjm_internal.values_apart(1));
SELECT numbers_of(state) FROM (SELECT cjm_internal.times_apart(now())::text::cjm_internal.aggregate_state AS state) s;
SELECT cjm_internal.median_step(NULL, 1);
SELECT cjm_internal.median_combine(s, s) FROM (SELECT numbers_state(1) AS s) n;
SELECT cjm_internal.rule_attribution_final((cjm_internal.times_apart(now())::text)::cjm_internal.aggregate_state);
SELECT cjm_internal.funnel_state_final((cjm_internal.times_apart(now())::text)::cjm_internal.aggregate_state);
SELECT cjm_internal.journey_state_combine(journey_state('{2026-01-01T10:00:00Z a}'), cjm_internal.times_apart(now())::text::cjm_internal.aggregate_state);
SELECT cjm_internal.journey_state_final(cjm_internal.times_apart(now())::text::cjm_internal.aggregate_state);
SELECT cjm_internal.journey_state_add(cjm_internal.times_apart(now())::text::cjm_internal.aggregate_state, '{2026-01-01T10:00:00Z a}');
-- Damage of any byte, of the text and of what it stands for, is an error that says so, or other numbers, and nothing else.
CREATE CAST (bytea AS cjm_internal.aggregate_state) WITHOUT FUNCTION;
CREATE CAST (cjm_internal.aggregate_state AS bytea) WITHOUT FUNCTION;
CREATE FUNCTION asked(state cjm_internal.aggregate_state) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
	call text;
	said text[] := '{}';
BEGIN
	FOREACH call IN ARRAY '{median_final($1),times_apart_late_median($1),funnel_state_final($1),rule_attribution_final($1),"values_apart_combine($1, $1)","funnel_state_combine($1, $1)","rule_attribution_combine($1, $1)",numbers_of($1),journey_state_final($1),"journey_state_combine($1, $1)"}'::text[] LOOP
		BEGIN
			EXECUTE format('SELECT (%s%s)::text', CASE WHEN call NOT LIKE 'numbers%' THEN 'cjm_internal.' END, call) USING state;
			said := said || 'answered'::text;
		EXCEPTION WHEN OTHERS THEN
			said := said || SQLSTATE::text;
		END;
	END LOOP;
	RETURN said;
END $$;
CREATE FUNCTION damaged(state cjm_internal.aggregate_state) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	bytes bytea := state::bytea;
	whole text := state::text;
BEGIN
	FOR i IN 0 .. length(bytes) - 1 LOOP
		RETURN QUERY SELECT unnest(asked(set_byte(bytes, i, (get_byte(bytes, i) + d) % 256)::cjm_internal.aggregate_state)) FROM unnest('{1,127,128,255}'::int[]) d;
		RETURN QUERY SELECT unnest(asked(substr(bytes, 1, i)::cjm_internal.aggregate_state));
	END LOOP;
	FOR i IN 1 .. length(whole) LOOP
		BEGIN
			RETURN QUERY SELECT unnest(asked(overlay(whole PLACING CASE WHEN substr(whole, i, 1) = 'Z' THEN 'q' ELSE 'Z' END FROM i FOR 1)::cjm_internal.aggregate_state));
		EXCEPTION WHEN invalid_binary_representation THEN
			RETURN NEXT SQLSTATE;
		END;
	END LOOP;
END $$;
-- Bytes that are none (22P03), times that are none (22008), labels that are no text (22021), what cannot be added up (22023, 54000), what later versions may have (0A000).
SELECT s.name, bool_or(d.said = 'answered') AS some_answered, bool_or(d.said <> 'answered') AS some_refused,
	array_agg(DISTINCT d.said) FILTER (WHERE d.said NOT IN ('answered', '22P03', '22008', '22021', '22023', '54000', '0A000')) AS otherwise
FROM (VALUES ('numbers', (SELECT numbers_state(number) FROM values_random WHERE trial = 9 AND i < 20)), ('others', (SELECT numbers_state(number) FROM values_random WHERE trial = 2 AND i < 10)),
		('times', (SELECT cjm_internal.times_apart(at) FROM values_random WHERE trial = 10 AND i < 20)), ('funnel', (SELECT funnel_state(journey, 'view | "ē" -> pay') FROM state_journeys WHERE customer < 10)),
		('credit', (SELECT credit_state(journey, 'pay') FROM state_journeys WHERE customer < 10)), ('journey', (SELECT journey_state(journey) FROM state_journeys WHERE customer < 5))) s(name, state)
	CROSS JOIN LATERAL damaged(s.state) d(said)
GROUP BY s.name ORDER BY s.name;
-- A label that is no text comes in by no state.
SELECT cjm_internal.funnel_state_final(overlay(s.bytes PLACING '\xff' FROM position('abc'::bytea IN s.bytes) + 1)::cjm_internal.aggregate_state)
FROM (SELECT funnel_state('{}', 'abc -> d')::bytea AS bytes) s;
SELECT cjm_internal.rule_attribution_final(overlay(s.bytes PLACING '\xff' FROM position('abc'::bytea IN s.bytes) + 1)::cjm_internal.aggregate_state)
FROM (SELECT credit_state('{2026-01-01T09:00:00Z view@abc, 2026-01-01T10:00:00Z buy}', 'buy')::bytea AS bytes) s;
SELECT cjm_internal.journey_state_final(overlay(s.bytes PLACING '\xff' FROM position('abc'::bytea IN s.bytes) + 1)::cjm_internal.aggregate_state)
FROM (SELECT journey_state('{2026-01-01T09:00:00Z view@abc}')::bytea AS bytes) s;
-- Labels and touchpoints that are out of order come in in order.
SELECT j.journey, j.journey = format('{%s}', array_to_string(ARRAY['2026-01-01T09:00:00Z zzz', '2026-01-01T09:00:00Z b', '2026-01-02T09:00:00Z zzz'], ', '))::journey AS same,
	(SELECT rollup(x) FROM unnest(ARRAY[j.journey]) x) = j.journey AS rolled_up
FROM (SELECT cjm_internal.journey_state_final(overlay(s.bytes PLACING 'zzz' FROM position('aaa'::bytea IN s.bytes))::cjm_internal.aggregate_state) AS journey
	FROM (SELECT journey_state('{2026-01-01T09:00:00Z aaa, 2026-01-01T09:00:00Z b, 2026-01-02T09:00:00Z aaa}')::bytea AS bytes) s) j;

DROP CAST (bytea AS cjm_internal.aggregate_state);
DROP CAST (cjm_internal.aggregate_state AS bytea);
DROP FUNCTION asked(cjm_internal.aggregate_state), damaged(cjm_internal.aggregate_state);
DROP TABLE values_random, states, state_journeys;
DROP AGGREGATE numbers_state(float8), numbers_merged(cjm_internal.aggregate_state), numbers_of(cjm_internal.aggregate_state), funnel_state(journey, funnel), funnel_of(cjm_internal.aggregate_state),
	credit_state(journey, funnel), credit_of(cjm_internal.aggregate_state), journey_state(journey), journey_merged(cjm_internal.aggregate_state), journey_of(cjm_internal.aggregate_state);
