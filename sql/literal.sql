-- Literals and parameters without a type: every call that a user would write means one function.
SET search_path = cjm, public;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';

CREATE TABLE public.touches (customer bigint, at timestamptz, event text, channel text, funnel funnel, entered tstzrange);
INSERT INTO public.touches
SELECT i % 40, '2020-10-20Z'::timestamptz + i * interval '3 hours', CASE WHEN i % 40 < 15 AND i > 90 THEN 'b' ELSE (ARRAY['a', 'b', 'x'])[1 + (i / 40 + i) % 3] END, (ARRAY['email', NULL])[1 + i % 2],
	'a -> b within 30 days', '[2020-11-01Z,2021-01-01Z)'
FROM generate_series(1, 800) i;

-- The funnel and the entry range, the channel and the funnel: of which as many have a type as you like.
CREATE FUNCTION public.steps(stats funnel_stats) RETURNS text LANGUAGE sql AS $$SELECT string_agg(customers::text, ' ' ORDER BY step) FROM report(stats)$$;
SELECT public.steps(funnel_agg(customer, at, event, 'a -> b within 30 days')) AS rows,
	public.steps(funnel_agg(customer, at, event, 'a -> b within 30 days', '[2020-11-01,2021-01-01)')) AS untyped,
	public.steps(funnel_agg(customer, at, event, funnel, '[2020-11-01,2021-01-01)')) AS funnel,
	public.steps(funnel_agg(customer, at, event, 'a -> b within 30 days', entered)) AS entered,
	public.steps(funnel_agg(customer, at, event, 'a -> b within 30 days', ' empty ')) AS empty,
	public.steps(funnel_agg(customer, at, event, 'a -> b within 30 days', NULL)) AS no_range,
	public.steps(funnel_agg(customer, at, event, channel, 'a@email -> b within 30 days')) AS channel,
	public.steps(funnel_agg(customer, at, event, NULL, funnel)) AS no_channel,
	public.steps(funnel_agg(customer, at, event, channel, 'a@email -> b within 30 days', '[2020-11-01,2021-01-01)')) AS both
FROM public.touches;
-- as drivers call it that know no types
PREPARE untyped AS SELECT public.steps(funnel_agg(customer, at, event, $1, $2)) FROM public.touches WHERE at < $3;
PREPARE channel AS SELECT public.steps(funnel_agg(customer, at, event, channel, $1)) FROM public.touches;
PREPARE all_three AS SELECT public.steps(funnel_agg(customer, at, event, channel, $1, $2)) FROM public.touches;
PREPARE one AS SELECT public.steps(funnel_agg($1, at, event, $2)) FROM public.touches;
PREPARE journey AS SELECT funnel_step($1, $2, $3);
SELECT name, parameter_types FROM pg_prepared_statements ORDER BY name;
EXECUTE untyped('a -> b within 30 days', '[2020-11-01,2021-01-01)', 'infinity');
EXECUTE channel('a@email -> b within 30 days');
EXECUTE all_three('a@email -> b within 30 days', '[2020-11-01,2021-01-01)');
EXECUTE one('me', 'a -> b within 30 days');
EXECUTE journey('{2020-11-05T00:00:00Z a, 2020-11-06T00:00:00Z b}', 'a -> b', '[2020-11-01,2021-01-01)');
DEALLOCATE ALL;
SELECT funnel_step('{}', 'a', NULL) AS no_range, funnel_step('{}', 'a', '[,]') AS nothing,
	funnel_step('{2020-11-05T00:00:00Z a}', 'a', '[2020-11-01,2021-01-01)') AS within, funnel_step('{2020-11-05T00:00:00Z a}', 'a', '[2021-01-01,)') AS before,
	funnel_step(journey => '{2020-11-05T00:00:00Z a}', funnel => 'a', entered => '(,2021-01-01)') AS named,
	(SELECT max(step) FROM (SELECT funnel_step(at, event, 'a -> b') OVER (PARTITION BY customer ORDER BY at) AS step FROM public.touches) t) AS in_window;

-- A range is read as a tstzrange is; what may be a channel and a funnel is told apart.
SELECT funnel_agg(1, now(), 'a', 'a', '[2021-01-01,2020-11-01)');
SELECT funnel_agg(1, now(), 'a', 'a', '[yesterday');
SELECT funnel_agg(1, now(), 'a', NULL, 'a -> b');
SELECT funnel_agg(1, now(), 'a', 'a ->', '[,]');
SELECT funnel_step('{}', 'a', 'a -> b');

-- Which function is called: with each argument typed or not, by a name that several functions of as many arguments have.
CREATE FUNCTION public.called(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE 'CREATE TEMPORARY VIEW attempt AS SELECT ' || call;
	SELECT string_agg(DISTINCT pg_get_function_identity_arguments(refobjid), ' and ') INTO answer FROM pg_depend JOIN pg_proc p ON p.oid = refobjid
	WHERE classid = 'pg_rewrite'::regclass AND objid = (SELECT oid FROM pg_rewrite WHERE ev_class = 'attempt'::regclass) AND refclassid = 'pg_proc'::regclass
		AND proname = substring(call FROM '^\w+');
	-- what a dump makes of it is the same call
	EXECUTE 'CREATE OR REPLACE TEMPORARY VIEW again AS ' || pg_get_viewdef('attempt'::regclass);
	IF pg_get_viewdef('attempt'::regclass) <> pg_get_viewdef('again'::regclass) THEN
		answer := answer || ', not again';
	END IF;
	DROP VIEW attempt, again;
	RETURN answer;
EXCEPTION WHEN OTHERS THEN
	RETURN sqlerrm;
END
$$;
CREATE DOMAIN public.label AS varchar CHECK (value <> '');
CREATE DOMAIN public.definition AS funnel;
CREATE DOMAIN public.period AS tstzrange;
SELECT a AS fourth, b AS fifth, public.called(format('funnel_agg(1, now(), ''a'', %s, %s)', a, b))
FROM unnest(ARRAY['NULL', 'NULL::text', 'NULL::varchar', 'NULL::name', 'NULL::public.label', 'NULL::funnel', 'NULL::public.definition']) a,
	unnest(ARRAY['NULL', 'NULL::funnel', 'NULL::public.definition', 'NULL::tstzrange', 'NULL::public.period']) b;
SELECT a AS first, b AS second, c AS third, public.called(format('funnel_step(%s, %s, %s)%s', a, b, c, w))
FROM unnest(ARRAY['NULL', 'NULL::journey', 'now()']) a, unnest(ARRAY['NULL', 'NULL::funnel', 'NULL::text']) b, unnest(ARRAY['NULL', 'NULL::funnel', 'NULL::tstzrange']) c,
	LATERAL (SELECT CASE WHEN 'now()' = a OR ('NULL::text' = b AND a <> 'NULL::journey' AND c <> 'NULL::tstzrange') OR 'NULL::funnel' = c THEN ' OVER ()' ELSE '' END AS w) w;

-- All names that have several functions of as many arguments, by all types that these take, and none.
CREATE FUNCTION public.attempts(parameters boolean) RETURNS TABLE (name text, call text, problem text) LANGUAGE plpgsql AS $$
DECLARE
	f record;
	args text[];
	nparameters int;
	type oid;
BEGIN
	FOR f IN
		WITH functions AS (
			SELECT p.oid, proname::text, prokind, proargtypes::oid[] AS types, provariadic,
				pronargs - pronargdefaults AS least, pronargs + (provariadic <> 0)::int AS most
			FROM pg_proc p WHERE pronamespace = 'cjm'::regnamespace)
		SELECT DISTINCT a.*, n
		FROM functions a JOIN functions b ON a.proname = b.proname AND a.oid <> b.oid, generate_series(greatest(a.least, b.least), least(a.most, b.most)) n
	LOOP
		FOR typed IN 0 .. (1 << f.n) - 1 LOOP
			args := '{}';
			nparameters := 0;
			FOR i IN 0 .. f.n - 1 LOOP
				type := coalesce(f.types[i], f.provariadic);
				IF typed >> i & 1 = 1 OR type = '"any"'::regtype THEN
					args := args || ('NULL::' || CASE type WHEN 'anycompatible'::regtype THEN 'uuid' WHEN 'anyenum'::regtype THEN 'aida'
						WHEN '"any"'::regtype THEN 'boolean' ELSE type::regtype::text END);
				ELSE
					nparameters := nparameters + 1;
					args := args || CASE WHEN parameters THEN '$' || nparameters ELSE 'NULL' END;
				END IF;
			END LOOP;
			name := f.proname;
			call := format('%s(%s)%s', name, array_to_string(args, ', '), CASE f.prokind WHEN 'w' THEN ' OVER ()' ELSE '' END);
			problem := NULL;
			BEGIN
				EXECUTE 'PREPARE attempt AS SELECT ' || call;
				DEALLOCATE attempt;
			EXCEPTION WHEN OTHERS THEN
				problem := sqlerrm;
			END;
			RETURN NEXT;
		END LOOP;
	END LOOP;
END
$$;
SELECT name, count(DISTINCT call) AS calls FROM public.attempts(false) GROUP BY name ORDER BY name;
-- Those that mean none have constants where rows have columns.
SELECT DISTINCT replace(call, 'timestamp with time zone', 'timestamptz') AS literals, problem FROM public.attempts(false) WHERE problem IS NOT NULL ORDER BY 1;
SELECT DISTINCT replace(call, 'timestamp with time zone', 'timestamptz') AS parameters, problem FROM public.attempts(true) WHERE problem IS NOT NULL ORDER BY 1;

-- Nobody else's functions and operators mean anything else than without cjm.
CREATE FUNCTION public.meanings() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	call text;
BEGIN
	FOREACH call IN ARRAY ARRAY['length(''x'')', '''a'' || ''b''', '''a'' || 1', 'coalesce(NULL, ''x'')', 'concat(''a'', NULL)', 'upper(''x'')', 'substring(''abc'' FROM 2)',
		'''5'' + 1', '''5'' + ''6''', 'greatest(''a'', ''b'')', 'ARRAY[''a'', NULL]', 'CASE WHEN true THEN ''a'' ELSE ''b'' END', 'to_jsonb(''x''::text)', 'abs(''-1'')',
		'''2020-01-01'' - ''2020-01-01''', '''a'' = ''b''', '''a'' LIKE ''b''', 'lower(''[1,2]'')', 'lower(''[1,2]''::int4range)', 'max(''x'')', 'string_agg(''x'', '','')', 'array_agg(''x''::text)',
		'first_value(''x'') OVER ()', '(SELECT ''a'' UNION SELECT NULL)', 'nullif(''a'', ''b'')', 'date_trunc(''day'', ''2020-01-01'')', 'format(''%s'', ''x'')',
		'''x''::name || ''y''', '''x''::varchar || ''y''', 'age(''2020-01-01'', ''2020-01-01'')', 'position(''a'' IN ''b'')', 'overlay(''a'' PLACING ''b'' FROM 1)', 'isempty(''[1,2]'')']
	LOOP
		BEGIN
			EXECUTE 'CREATE TEMPORARY VIEW attempt AS SELECT ' || call || ' AS x';
			RETURN NEXT (SELECT format('%s: %s', format_type(atttypid, atttypmod), pg_get_viewdef(attrelid)) FROM pg_attribute WHERE attrelid = 'attempt'::regclass AND attnum = 1);
			DROP VIEW attempt;
		EXCEPTION WHEN OTHERS THEN
			RETURN NEXT format('%s: %s', call, sqlerrm);
		END;
	END LOOP;
END
$$;
CREATE TABLE public.meanings AS SELECT n, meaning FROM public.meanings() WITH ORDINALITY m (meaning, n);
SET search_path = public;
SELECT count(*), count(*) FILTER (WHERE meaning ~ 'is not unique') AS not_unique, count(*) FILTER (WHERE m.meaning IS DISTINCT FROM w.meaning) AS otherwise
FROM public.meanings m FULL JOIN (SELECT n, meaning FROM public.meanings() WITH ORDINALITY m (meaning, n)) w USING (n);
SET search_path = cjm, public;

-- Nothing becomes such a literal but by a cast that says so.
SELECT castsource::regtype, casttarget::regtype FROM pg_cast WHERE castsource::regtype::text ~ 'literal' OR casttarget::regtype::text ~ 'literal';
SELECT typname, typcategory, typispreferred FROM pg_type WHERE typname ~ '^[a-z]+_literal$' ORDER BY 1;
SELECT 'view->cart'::text::cjm_internal.funnel_literal AS funnel, '[2020-11-01,2021-01-01)'::cjm_internal.tstzrange_literal AS range,
	'{2020-11-05T00:00:00Z a}'::cjm_internal.journey_literal AS journey, 'x' || 'a'::cjm_internal.funnel_literal AS text;

-- Their bytes are those of the types that they stand for.
CREATE TABLE public.kept (j cjm_internal.journey_literal, f cjm_internal.funnel_literal, r cjm_internal.tstzrange_literal);
INSERT INTO public.kept VALUES ('{2020-11-05T00:00:00Z a}', 'a -> b', '[2020-11-01,2021-01-01)'), ('{}', '*', 'empty'), (NULL, NULL, NULL);
SELECT cjm_internal.funnel_literal_send(f) = cjm_internal.funnel_send('a -> b') AS funnel, cjm_internal.tstzrange_literal_send(r) = range_send(tstzrange('2020-11-01Z', '2021-01-01Z')) AS range,
	cjm_internal.journey_literal_send(j) = cjm_internal.journey_send('{2020-11-05T00:00:00Z a}') AS journey FROM public.kept LIMIT 1;
DROP TABLE public.kept, public.meanings, public.touches;
DROP FUNCTION public.steps, public.called, public.attempts, public.meanings;
DROP DOMAIN public.label, public.definition, public.period;
