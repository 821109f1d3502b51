--
-- An error in the midst of the rows, an aggregate's own or another's, leaves nothing behind: caught in PL/pgSQL, the
-- same call gives the same answer again in the same transaction.
--
SET search_path = cjm, public;
SET DateStyle = 'ISO';
SET TimeZone = 'UTC';

-- 40 customers of 50 rows; of the last customer one row is bad.
CREATE TABLE public.recovery_rows AS
SELECT i % 40 AS c, timestamptz '2026-01-01Z' + (i * 7919 % 100000) * interval '1 minute' AS t,
	(ARRAY['view', 'cart', 'search', 'buy'])[1 + (i * 31 + i / 40) % 4] AS e, false AS bad
FROM generate_series(1, 2000) AS i
UNION ALL SELECT 39, 'infinity', 'view', true;

-- What the call says of the good rows, then of all rows, and of the good rows again, three times.
CREATE FUNCTION pg_temp.attempt(call text, window_clause text DEFAULT '')
RETURNS TABLE (error text, same boolean, answers bigint) LANGUAGE plpgsql AS $$
DECLARE
	query CONSTANT text := format('SELECT md5(string_agg(v::text, %L ORDER BY c, v::text)), count(DISTINCT v::text) '
		'FROM (SELECT c, %s AS v FROM (SELECT * FROM public.recovery_rows WHERE $1 OR NOT bad) AS r %s) AS s',
		',', call || ' ' || window_clause, CASE WHEN window_clause = '' THEN 'GROUP BY c' ELSE '' END);
	first text;
	again text;
BEGIN
	EXECUTE query INTO first, answers USING false;
	FOR i IN 1 .. 3 LOOP
		error := 'none';
		BEGIN
			EXECUTE query INTO again USING true;
		EXCEPTION WHEN OTHERS THEN
			error := SQLERRM;
		END;
		EXECUTE query INTO again USING false;
		same := coalesce(same, true) AND again = first;
	END LOOP;
	RETURN NEXT;
END $$;

SELECT name, error, same, answers > 1 AS several
FROM (VALUES
	('window_funnel', $$window_funnel('9 days', t, e = 'view', e = 'cart', e = 'buy')$$),
	('window_funnel, modes', $$window_funnel('9 days', 'strict_deduplication,strict_increase', t, e = 'view', e = 'cart', e = 'buy')$$),
	('sequence_match', $$sequence_match('(?1)(?2)(?t<=1 day)(?3)', t, e = 'view', e = 'cart', e = 'buy')$$),
	('sequence_count', $$sequence_count('(?1)(?2)', t, e = 'view', e = 'cart')$$),
	('sequence_match_events', $$sequence_match_events('(?1)(?2)', t, e = 'view', e = 'cart')$$),
	('sequence_next_node', $$sequence_next_node('forward', 'first_match', t, e, e = 'view', e = 'view')$$),
	('first_touch', $$first_touch(t, e)$$),
	('last_touch', $$last_touch(t, e)$$),
	('journey_agg', $$journey_agg(t, e)$$),
	('funnel_agg', $$funnel_agg(format('{%s %s}', t, e)::journey, 'view -> buy')$$),
	('rollup(journey)', $$rollup(format('{%s %s}', t, e)::journey)$$),
	-- Errors that come with the arguments
	('conditions, window_funnel', $$window_funnel('20 minutes', least(t, '2027-01-01'), VARIADIC CASE WHEN bad THEN '{t}' ELSE ARRAY[e = 'view', e = 'buy'] END)$$),
	('conditions, retention', $$retention(VARIADIC CASE WHEN bad THEN '{t}' ELSE ARRAY[e = 'view' AND t < '2026-01-10', e = 'buy'] END)$$),
	('window', $$window_funnel(CASE WHEN bad THEN '1 day' ELSE interval '20 minutes' END, t, e = 'view', e = 'buy')$$),
	('pattern', $$sequence_count(CASE WHEN bad THEN '(?1' ELSE '(?1)(?2)' END, t, e = 'view', e = 'cart')$$),
	('direction', $$sequence_next_node(CASE WHEN bad THEN 'up' ELSE 'forward' END, 'head', t, e, true)$$),
	('division', $$sequence_count('(?1)(?2)', least(t, '2027-01-01'), e = 'view', 1 / (NOT bad)::int = 1)$$)) AS v (name, call),
	pg_temp.attempt(call);

SELECT name, error, same, answers > 1 AS several
FROM (VALUES
	('session_number', $$session_number(t, '1 day')$$),
	('session_start', $$session_start(t, '1 day')$$),
	('funnel_step', $$funnel_step(t, e, 'view -> cart -> buy')$$),
	('funnel_start', $$funnel_start(t, e, 'view -> cart -> buy')$$),
	('window_funnel', $$window_funnel('9 days', t, e = 'view', e = 'cart', e = 'buy')$$),
	('sequence_count', $$sequence_count('(?1)(?2)', t, e = 'view', e = 'cart')$$),
	('last_touch', $$last_touch(t, e)$$),
	('division', $$funnel_step(least(t, '2027-01-01'), CASE WHEN 1 / (NOT bad)::int = 1 THEN e END, 'view -> cart')$$)) AS v (name, call),
	pg_temp.attempt(call, 'OVER (PARTITION BY c ORDER BY t)');

DROP TABLE public.recovery_rows;
