-- NULL for an argument of a report that has a default is the default, and for the map one clear error: of all functions of maps that there are.
SET search_path = cjm, public;
SET TimeZone = 'UTC';
CREATE TABLE public.null_events AS
SELECT c AS customer, timestamptz '2026-01-01Z' + (c * 37 + k * 11) * interval '1 hour' AS at, (ARRAY['view', 'cart', 'pay', 'nps'])[1 + (c + k) % 4] AS event,
	(ARRAY['ads', 'mail', NULL])[1 + c % 3] AS channel, CASE WHEN (c + k) % 4 > 1 THEN (c + k) % 7 END AS value, (ARRAY['LV', 'EE'])[1 + c % 2] AS country
FROM generate_series(1, 60) c, generate_series(1, CASE WHEN c % 5 = 0 THEN 2 ELSE 6 END) k;
CREATE VIEW public.null_spend AS SELECT date '2026-01-02' AS day, 'ads' AS channel, 100 AS impressions, 10 AS clicks, 5 AS cost;
SELECT create_map('nulls', 'public.null_events', 'customer', 'at', 'event', 'view -> cart -> pay within 30 days', 'channel', 'value', 'country',
	segment_at => NULL, session_gap => NULL, time_zone => NULL, attribution => NULL, replace => NULL, spend => 'public.null_spend', nps => 'nps', comment => 'channel');
SELECT segment_at, session_gap, time_zone, attribution FROM nulls.map;
SELECT create_audience('nulls', 'all', condition => 'true') IS NULL AS made, refresh_audiences('nulls') IS NULL AS refreshed;

-- Those that take the name of a map, with their arguments: what has no default, and what has one.
CREATE VIEW public.of_maps AS
SELECT p.oid, p.proname, p.proargnames[1] AS first, p.provolatile <> 'v' AS only_reads,
	string_agg(format(', %I => %L', a.name, CASE a.name WHEN 'rates' THEN '{"2": 0.5}' WHEN 'at' THEN '2026-02-01Z' WHEN 'value' THEN '0.5' WHEN 'metric' THEN 'conversion' ELSE 'all' END), '' ORDER BY a.n) FILTER (WHERE a.n > 1 AND a.n <= p.pronargs - p.pronargdefaults) AS given,
	string_agg(format(', %I => NULL', a.name), '' ORDER BY a.n) FILTER (WHERE a.n > p.pronargs - p.pronargdefaults) AS optional
FROM pg_proc p CROSS JOIN LATERAL unnest(p.proargnames[1:p.pronargs]) WITH ORDINALITY a(name, n)
WHERE p.pronamespace = 'cjm'::regnamespace AND p.proargnames[1] IN ('map', 'name') AND p.proargtypes[0] = 'text'::regtype AND p.proname NOT IN ('create_map', 'drop_map', 'keep_journeys', 'refresh_journeys', 'unkeep_journeys')
GROUP BY p.oid;
CREATE FUNCTION public.answer(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE format('SELECT string_agg(x::text, chr(10)) FROM %s x', call) INTO answer;
	RETURN answer;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT count(*) > 20 AS many FROM public.of_maps;
SELECT proname, optional, public.answer(format('cjm.%I(%I => %L%s)', proname, first, 'nulls', given)) AS by_default, public.answer(format('cjm.%I(%I => %L%s%s)', proname, first, 'nulls', given, optional)) AS by_null
FROM public.of_maps WHERE only_reads AND public.answer(format('cjm.%I(%I => %L%s)', proname, first, 'nulls', given)) IS DISTINCT FROM public.answer(format('cjm.%I(%I => %L%s%s)', proname, first, 'nulls', given, optional))
ORDER BY 1;
SELECT proname FROM public.of_maps WHERE only_reads AND public.answer(format('cjm.%I(%I => %L%s)', proname, first, 'nulls', given)) ~ '^[0-9A-Z]{5} ' ORDER BY 1;
SELECT public.answer(format('cjm.%I(%I => NULL%s)', proname, first, given)) AS answer, count(*) > 20 AS many FROM public.of_maps GROUP BY 1;
SELECT public.answer(format('cjm.%s(NULL)', f)) AS answer FROM unnest('{drop_map,keep_journeys,refresh_journeys,unkeep_journeys}'::text[]) f;
SELECT public.answer('cjm.what_if(''nulls'', NULL)') AS answer;
-- Not split at all.
SELECT by_value, sum(customers) FROM drop_off_report('nulls', 'none') GROUP BY 1;
SELECT drop_map('nulls', NULL);
DROP VIEW public.of_maps, public.null_spend;
DROP TABLE public.null_events;
DROP FUNCTION public.answer(text);
