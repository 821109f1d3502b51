-- The type journey: text, jsonb and binary, order, comparison, hashing, merging.
SET search_path = cjm, public;

-- What PostgreSQL says of a journey that it refuses.
CREATE FUNCTION public.refusal(input text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
BEGIN
	RETURN 'accepted: ' || input::cjm.journey::text;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', SQLSTATE || ' ' || SQLERRM, nullif(detail, ''), nullif(hint, ''));
END
$$;
CREATE FUNCTION public.json_refusal(input jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
BEGIN
	RETURN 'accepted: ' || input::cjm.journey::text;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	-- the hint is the same everywhere
	RETURN concat_ws(' | ', SQLSTATE || ' ' || SQLERRM, nullif(detail, ''), left(nullif(hint, ''), 15));
END
$$;

-- Text. Any order and any spacing on the way in, one text on the way out.
SELECT '{}'::journey AS empty, E' {\n}\t'::journey AS spaced, NULL::journey AS nothing;
SELECT '{2026-01-31T09:31:12.5Z "add to cart"@email=19.9,2026-01-31 09:30:00Z view@email}'::journey;
SELECT E' {  2026-01-31T09:30Z\tview \n @ \f "email" = 1e1 ,2026-01-31T09:30:00+00 view@email = 9.0\r} '::journey;
-- At one time: by the bytes of the event, then of the channel, then by value, none before any.
SELECT '{2026-01-01T00:00Z b, 2026-01-01T00:00Z a@y, 2026-01-01T00:00Z a@x=2, 2026-01-01T00:00Z a@x, 2026-01-01T00:00Z a=7,
         2026-01-01T00:00Z a@x=NaN, 2026-01-01T00:00Z a@x=-Infinity, 2026-01-01T00:00Z a@x=Infinity, 2026-01-01T00:00Z a,
         2026-01-01T00:00Z A, 2026-01-01T00:00Z aa, 2026-01-01T00:00Z ā, 2026-01-01T00:00Z a@x=-1, 2025-12-31T23:59:59.999999Z z}'::journey;
-- Equal touchpoints are kept.
SELECT '{2026-01-01T00:00Z a=1, 2026-01-01T00:00Z a=1, 2026-01-01T00:00Z a, 2026-01-01T00:00Z a}'::journey;

-- Labels: bare where they can be, quoted where they must.
SELECT label, printed, printed::journey = j AS read_back, (first_touch(j)).event = label AS same_event,
       (first_touch(j)).channel = label AS same_channel
FROM unnest(ARRAY['view', 'a-b', '-', '--', 'a->b', '->', 'a-', '/shop/item.html', '$price#1_x', '42', '2026-01-01T00:00Z',
	'add to cart', ' ', 'say "hi"', '"', '""', 'a,b', 'a@b', 'a=1', '{}', 'within', 'Strict', 'NaN', '*', 'a|b', 'a:b', E'two\nlines', E'tab\there', 'back\slash', 'a''b',
	'оплата', 'в корзину', 'skatīt', 'pievienot grozam', 'ātrais_grozs', '🛒', '🛒 🛒', '→', '日本語', E'e\u0301', E'\u00a0']) WITH ORDINALITY AS t (label, n),
	LATERAL (SELECT journey_agg('2026-01-01T00:00Z', l, l) FROM unnest(ARRAY[label]) AS l) AS a (j),
	LATERAL (SELECT j::text) AS p (printed)
ORDER BY n;

-- Numbers: the fewest digits that are exact, -0 is 0.
SELECT '{2026-01-01T00:01Z a=-0, 2026-01-01T00:02Z a=0.0, 2026-01-01T00:03Z a=0.1, 2026-01-01T00:04Z a=0.30000000000000004,
         2026-01-01T00:05Z a=1e22, 2026-01-01T00:06Z a=123456789012345680, 2026-01-01T00:07Z a=4.9406564584124654e-324,
         2026-01-01T00:08Z a=2.2250738585072014E-308, 2026-01-01T00:09Z a=1.7976931348623157e308, 2026-01-01T00:10Z a=-1.50,
         2026-01-01T00:11Z a=+.5, 2026-01-01T00:12Z a=5., 2026-01-01T00:13Z a=NaN, 2026-01-01T00:14Z a=Infinity,
         2026-01-01T00:15Z a=-Infinity, 2026-01-01T00:16Z a=100, 2026-01-01T00:17Z a=9007199254740993}'::journey;
SELECT journey_agg('2026-01-01T00:00Z', 'a', NULL, '-0') = '{2026-01-01T00:00Z a=0}' AS zero,
       journey_agg('2026-01-01T00:00Z', 'a', NULL, -'NaN'::float8) = '{2026-01-01T00:00Z a=NaN}' AS nan;

-- Times: all of timestamptz, any offset; years before 0000 and after 9999 have a sign, 0000 is 1 BC.
SELECT j, (first_touch(j)).at AT TIME ZONE 'UTC' AS at_utc
FROM unnest(ARRAY['{2026-01-31T09:30:00.000001Z a}', '{2026-01-31T09:30:00.120Z a}', '{2026-01-31T23:30-05:30 a}', '{2026-01-31T23:30+15:59 a}',
	'{2026-01-31t09:30:59.999999z a}', '{2024-02-29T00:00Z a}', '{2000-02-29T23:59:59+14 a}', '{1999-12-31T23:59:59.999999Z a}', '{1970-01-01T00:00Z a}',
	'{0001-01-01T00:00Z a}', '{0000-12-31T23:59:59.5Z a}', '{0000-02-29T12:00Z a}', '{-0001-01-01T00:00Z a}', '{-000043-03-15T12:00Z a}', '{-0400-02-29T00:00Z a}',
	'{-4713-11-24T00:00:00Z a}', '{-4713-11-23T23:59-15:59 a}', '{1880-01-31T09:30:00+01:36:34 a}', '{9999-12-31T23:59:59.999999Z a}', '{+10000-01-01T00:00Z a}', '{+012026-01-01T00:00Z a}',
	'{+294276-12-31T23:59:59.999999Z a}', '{+294277-01-01T00:00+00:01 a}']::journey[]) AS j;
-- The calendar agrees with PostgreSQL's own on every 97th day of twelve thousand years.
SELECT count(*) AS days, count(*) FILTER (WHERE (first_touch(text::journey)).at IS DISTINCT FROM at OR text::journey::text <> text) AS wrong
FROM generate_series('4000-01-01T13:14:15.25Z BC'::timestamptz, '12026-12-31T00:00Z', '97 days') AS at,
     LATERAL (SELECT extract(year FROM at AT TIME ZONE 'UTC')::integer) AS y (ad_or_bc),
     LATERAL (SELECT ad_or_bc + (ad_or_bc < 0)::integer) AS i (year),
     LATERAL (SELECT '{' || CASE WHEN year > 9999 THEN '+' || year WHEN year < 0 THEN '-' || lpad((-year)::text, 4, '0') ELSE lpad(year::text, 4, '0') END ||
                     to_char(at AT TIME ZONE 'UTC', '-MM-DD"T"HH24:MI:SS') || '.25Z a}') AS t (text);

-- No setting has a say in text, jsonb or the order.
CREATE TABLE public.settings AS
SELECT '{2026-01-31T09:30:00.25Z a=0.1, 2026-01-31T09:30:00.25Z B@x=1e-7, 0000-07-01T00:00Z ā}'::journey AS j;
SELECT j, j::jsonb FROM public.settings;
SET TimeZone = 'America/St_Johns';
SET DateStyle = 'German, DMY';
SET IntervalStyle = 'iso_8601';
SET extra_float_digits = -15;
SET bytea_output = 'escape';
SET lc_numeric = 'C';
SELECT j, j::jsonb FROM public.settings;
SELECT j::text::journey = j AND j::jsonb::journey = j AS read_back FROM public.settings;
RESET TimeZone;
RESET DateStyle;
RESET IntervalStyle;
RESET extra_float_digits;
RESET bytea_output;
RESET lc_numeric;
DROP TABLE public.settings;

-- Bad text: where, what was expected, what was found.
\pset format unaligned
SELECT coalesce(nullif(input, ''), '(nothing)') || E'\n  ' || public.refusal(input) AS refused
FROM unnest(ARRAY[
	'', '   ', 'x', '{', '{}x', '{} }', '[]', '}',
	'{,}', '{2026-01-31T09:30Z}', '{2026-01-31T09:30Z a', '{2026-01-31T09:30Z a,}', '{2026-01-31T09:30Z a,,}', '{2026-01-31T09:30Z a 2026-01-31T09:30Z b}',
	'{2026-01-31T09:30Z a} trailing', '{2026-01-31T09:30Z a; 2026-01-31T09:30Z b}',
	-- labels
	'{2026-01-31T09:30Z @email}', '{2026-01-31T09:30Z a@}', '{2026-01-31T09:30Z a@b@c}', '{2026-01-31T09:30Z "a}', '{2026-01-31T09:30Z "a""}', '{2026-01-31T09:30Z a@"b}',
	'{2026-01-31T09:30Z ""}', '{2026-01-31T09:30Z a@""}', '{2026-01-31T09:30Z a->b}', '{2026-01-31T09:30Z a b}', '{2026-01-31T09:30Z a=1@b}', '{2026-01-31T09:30Z ''a''}', '{2026-01-31T09:30Z оплата картой}',
	-- values
	'{2026-01-31T09:30Z a=}', '{2026-01-31T09:30Z a=x}', '{2026-01-31T09:30Z a=1,5}', '{2026-01-31T09:30Z a=0x10}', '{2026-01-31T09:30Z a=1e}', '{2026-01-31T09:30Z a=1.2.3}',
	'{2026-01-31T09:30Z a=--1}', '{2026-01-31T09:30Z a=nan}', '{2026-01-31T09:30Z a=inf}', '{2026-01-31T09:30Z a=+Infinity}', '{2026-01-31T09:30Z a=1e309}', '{2026-01-31T09:30Z a=-1e309}', '{2026-01-31T09:30Z a=1e-400}', '{2026-01-31T09:30Z a="1"}', '{2026-01-31T09:30Z a=null}', '{2026-01-31T09:30Z a=.}', '{2026-01-31T09:30Z a=1 000}',
	-- times
	'{a}', '{view 2026-01-31T09:30Z}', '{2026-01-31T09:30 a}', '{2026-01-31T09:30:00 a}', '{2026-01-31 09:30:00 Z a}', '{2026-01-31Z a}', '{2026-01-31 a}', '{2026-1-31T09:30Z a}', '{26-01-31T09:30Z a}', '{31.01.2026T09:30Z a}', '{20260131T0930Z a}',
	'{2026-01-31T9:30Z a}', '{2026-01-31T0930Z a}', '{2026-01-31T09:30:0Z a}', '{2026-01-31T09:30:00.Z a}', '{2026-01-31T09:30:00,5Z a}', '{2026-01-31T09:30:00.1234567Z a}', '{2026-01-31T09:30:00.0000000Z a}',
	'{2026-01-31T09:30 UTC a}', '{2026-01-31T09:30:00 Europe/Riga a}', '{2026-01-31T09:30+2 a}', '{2026-01-31T09:30+0200 a}', '{2026-01-31T09:30+02: a}', '{2026-01-31T09:30+16 a}', '{2026-01-31T09:30+02:60 a}', '{2026-01-31T09:30+02:00: a}', '{2026-01-31T09:30+02:00:60 a}',
	'{2026-02-31T09:30Z a}', '{2026-02-29T09:30Z a}', '{1900-02-29T09:30Z a}', '{2026-04-31T09:30Z a}', '{2026-00-01T09:30Z a}', '{2026-13-01T09:30Z a}', '{2026-01-00T09:30Z a}', '{2026-01-32T09:30Z a}',
	'{2026-01-31T24:00Z a}', '{2026-01-31T23:60Z a}', '{2026-12-31T23:59:60Z a}', '{infinity a}', '{-infinity a}', '{now a}', '{10000-01-01T00:00Z a}', '{+1234567-01-01T00:00Z a}', '{2026-01-31T09:30Z_a}',
	'{-4713-11-23T23:59:59.999999Z a}', '{-4713-11-24T00:00+00:01 a}', '{+294277-01-01T00:00Z a}', '{+294276-12-31T23:59:59.999999-00:01 a}', '{+999999-01-01T00:00Z a}', '{-999999-01-01T00:00Z a}'
	]) WITH ORDINALITY AS t (input, n)
ORDER BY n;
\pset format aligned
-- characters, not bytes, are counted; a long slip is not repeated whole
SELECT public.refusal('{2026-01-31T09:30Z "в корзину"@почта=1, 2026-01-31T09:30Z оплата =почти}');
SELECT length(public.refusal('{' || repeat('ж', 100000) || '}')) < 250 AS short;
SELECT public.refusal('{2026-01-31T09:30Z a=0.' || repeat('0', 250) || repeat('1', 259) || '}') AS digits_511,
       public.refusal('{2026-01-31T09:30Z a=0.' || repeat('0', 250) || repeat('1', 260) || '}') AS digits_512;
-- In a statement the error points at the literal, as of every type.
SELECT '{2026-01-31T09:30 a}'::journey;

-- A label has 1 to 4096 bytes.
SELECT j::text::journey = j AS read_back, length((first_touch(j)).event), length((first_touch(j)).channel)
FROM (SELECT ('{2026-01-31T09:30Z ' || repeat('e', 4096) || '@"' || repeat('""', 4096) || '"}')::journey) AS t (j);
SELECT public.refusal('{2026-01-31T09:30Z ' || repeat('e', 4097) || '}');
SELECT public.refusal('{2026-01-31T09:30Z a@"' || repeat('я', 2048) || '"}') LIKE 'accepted%' AS accepted;
SELECT public.refusal('{2026-01-31T09:30Z a@"' || repeat('я', 2048) || '!"}');

-- jsonb.
SELECT '{}'::journey::jsonb AS empty, NULL::journey::jsonb AS nothing, '[]'::jsonb::journey AS from_empty, NULL::jsonb::journey AS from_nothing;
SELECT jsonb_pretty('{2026-01-31T09:30Z view, 2026-01-31T09:31:12.5Z "add to ""cart"""@почта=19.90, 2026-01-31T10:00Z pay=1e15, 2026-01-31T11:00Z x=NaN,
                      2026-01-31T12:00Z x=-Infinity, 2026-01-31T13:00Z x@y=Infinity, -0043-03-15T12:00Z x=1e-7}'::journey::jsonb);
SELECT journey_from_jsonb('[{"event": "b", "at": "2026-01-31T11:30:00+02:00", "value": null, "channel": null},
                            {"at": "2026-01-31T09:30Z", "event": "a", "value": -0.0}, {"at": "2026-01-31 09:30Z", "event": "a", "value": "NaN", "channel": "c"},
                            {"at": "2026-01-31T09:30:00.000Z", "event": "a", "value": 1.0000000000000000000001}]');
SELECT j::jsonb::journey = j AS read_back, journey_to_jsonb(j) = j::jsonb AS same
FROM unnest(ARRAY['{}', '{2026-01-31T09:30Z view@"a b"=0.1, 2026-01-31T09:30Z view@"a b"=0.1, 2026-01-31T09:30Z "🛒 \"@x=NaN, 2026-01-31T09:30Z y=-Infinity, 2026-01-31T09:30Z y=5e-324,
	+294276-12-31T23:59:59.999999Z z=1.7976931348623157e308, -4713-11-24T00:00Z a}']::journey[]) AS j;
\pset format unaligned
SELECT input || E'\n  ' || public.json_refusal(input::jsonb) AS refused
FROM unnest(ARRAY['{}', '1', '"a"', 'null', '{"at": "2026-01-31T09:30Z", "event": "a"}',
	'[1]', '[null]', '[[]]', '[[{"at": "2026-01-31T09:30Z", "event": "a"}]]', '["{}"]', '[{}]',
	'[{"event": "a"}]', '[{"at": "2026-01-31T09:30Z"}]', '[{"at": "2026-01-31T09:30Z", "event": "a"}, {"at": null, "event": "a"}]', '[{"at": "2026-01-31T09:30Z", "event": null}]',
	'[{"at": 1769851800, "event": "a"}]', '[{"at": "2026-01-31T09:30", "event": "a"}]', '[{"at": "2026-01-31T09:30Z ", "event": "a"}]', '[{"at": " 2026-01-31T09:30Z", "event": "a"}]', '[{"at": "", "event": "a"}]',
	'[{"at": "2026-02-31T09:30Z", "event": "a"}]', '[{"at": "infinity", "event": "a"}]', '[{"at": "+294277-01-01T00:00Z", "event": "a"}]', '[{"at": ["2026-01-31T09:30Z"], "event": "a"}]',
	'[{"at": "2026-01-31T09:30Z", "event": 1}]', '[{"at": "2026-01-31T09:30Z", "event": {"a": 1}}]', '[{"at": "2026-01-31T09:30Z", "event": ""}]', '[{"at": "2026-01-31T09:30Z", "event": "a", "channel": ""}]',
	'[{"at": "2026-01-31T09:30Z", "event": "a", "channel": 1}]', '[{"at": "2026-01-31T09:30Z", "event": "a", "channel": []}]',
	'[{"at": "2026-01-31T09:30Z", "event": "a", "value": "1"}]', '[{"at": "2026-01-31T09:30Z", "event": "a", "value": true}]', '[{"at": "2026-01-31T09:30Z", "event": "a", "value": {"x": 1}}]', '[{"at": "2026-01-31T09:30Z", "event": "a", "value": "nan"}]',
	'[{"at": "2026-01-31T09:30Z", "event": "a", "value": 1e400}]',
	'[{"at": "2026-01-31T09:30Z", "event": "a", "price": 1}]', '[{"At": "2026-01-31T09:30Z", "event": "a"}]']) WITH ORDINALITY AS t (input, n)
ORDER BY n;
\pset format aligned
SELECT public.json_refusal(jsonb_build_array(jsonb_build_object('at', '2026-01-31T09:30Z', 'event', repeat('e', 4097))));
SELECT touch_count(jsonb_agg(jsonb_build_object('at', '2026-01-31T09:30Z', 'event', repeat('e', 4096)))::journey) FROM generate_series(1, 3);

-- Binary: doc/format.md tells these bytes one by one.
SELECT encode(cjm_internal.journey_send('{}'), 'hex') AS empty;
SELECT encode(cjm_internal.journey_send('{2026-01-31T09:30:00Z view@email, 2026-01-31T09:31:12.5Z "add to cart"@email=19.9}'), 'hex') AS two;
SELECT encode(cjm_internal.journey_send('{2026-01-31T09:30:00Z view}'), 'hex') AS one;
CREATE TABLE public.received (j journey);
\copy public.received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\004\001\000\000\000\377\377"' (FORMAT binary)
-- a dictionary and touchpoints out of order, a unit and widths that are not the smallest: canonical once read
\copy public.received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\030\001\002\001\002\002\004\000\000\000\000\000\000\000\000\001b\001a\000\000\000\000\001\000\377\377"' (FORMAT binary)
-- one label twice, one that nothing uses
\copy public.received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\031\001\001\000\003\003\006\000\000\000\000\000\000\000\000\001b\001a\001a\000\001\001\002\002\377\377"' (FORMAT binary)
-- values that are not normal: -0, a NaN of another kind
\copy public.received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\042\001\000\020\002\001\002\000\000\000\000\000\000\000\000\001a\000\000\001\000\000\000\000\000\370\377\000\000\000\000\000\000\000\200\377\377"' (FORMAT binary)
SELECT j, encode(cjm_internal.journey_send(j), 'hex') FROM public.received;
TRUNCATE public.received;
-- refused: another version, too short, cut off, too long, a label that is empty or not in the encoding, a time that is none, an id too high, too many
\copy public.received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\004\003\000\000\000\377\377"' (FORMAT binary)
\copy public.received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\000\377\377"' (FORMAT binary)
\copy public.received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\003\001\000\000\377\377"' (FORMAT binary)
\copy public.received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\005\001\000\000\000\000\377\377"' (FORMAT binary)
\copy public.received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\004\001\011\000\001\377\377"' (FORMAT binary)
\copy public.received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\016\001\000\000\001\001\002\000\000\000\000\000\000\000\000\377\377"' (FORMAT binary)
\copy public.received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\022\001\000\000\001\001\002\000\000\000\000\000\000\000\000\001a\000\000\377\377"' (FORMAT binary)
\copy public.received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\021\001\000\000\001\001\002\000\000\000\000\000\000\000\000\000a\000\377\377"' (FORMAT binary)
\copy public.received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\021\001\000\000\001\001\002\000\000\000\000\000\000\000\000\001\377\000\377\377"' (FORMAT binary)
\copy public.received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\021\001\000\000\001\001\002\000\000\000\000\000\000\000\000\001\000\000\377\377"' (FORMAT binary)
\copy public.received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\021\001\000\000\001\001\002\377\377\377\377\377\377\377\177\001a\000\377\377"' (FORMAT binary)
\copy public.received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\021\001\000\000\001\001\002\376\377\377\377\377\377\377\177\001a\000\377\377"' (FORMAT binary)
\copy public.received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\021\001\000\000\001\001\002\000\000\000\000\000\000\000\000\001a\001\377\377"' (FORMAT binary)
\copy public.received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\007\001\000\000\201\200\200\010\377\377"' (FORMAT binary)
\copy public.received FROM PROGRAM 'printf "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000\000\001\000\000\000\007\001\000\000\200\200\200\010\377\377"' (FORMAT binary)
SELECT count(*) AS received FROM public.received;
DROP TABLE public.received;

-- Order: touchpoint by touchpoint, none of them before any.
CREATE TABLE public.ordered (n serial, j journey);
INSERT INTO public.ordered (j)
VALUES ('{}'), ('{-0001-01-01T00:00Z z}'), ('{2026-01-01T00:00Z a}'), ('{2026-01-01T00:00Z a, 2026-01-01T00:00Z a}'), ('{2026-01-01T00:00Z a, 2026-01-01T00:00:01Z a}'),
       ('{2026-01-01T00:00Z a, 2026-01-02T00:00Z A}'), ('{2026-01-01T00:00Z a=-Infinity}'), ('{2026-01-01T00:00Z a=-1}'), ('{2026-01-01T00:00Z a=0}'), ('{2026-01-01T00:00Z a=0, 2026-01-01T00:00Z b}'),
       ('{2026-01-01T00:00Z a=Infinity}'), ('{2026-01-01T00:00Z a=NaN}'), ('{2026-01-01T00:00Z a@x}'), ('{2026-01-01T00:00Z a@x=1}'), ('{2026-01-01T00:00Z a@y}'),
       ('{2026-01-01T00:00Z aa}'), ('{2026-01-01T00:00Z b}'), ('{2026-01-01T00:00Z ā}'), ('{2026-01-01T00:00:00.000001Z a}');
SELECT count(*) AS pairs,
       count(*) FILTER (WHERE (a.j = b.j) IS DISTINCT FROM (a.n = b.n) OR (a.j <> b.j) IS DISTINCT FROM (a.n <> b.n) OR (a.j < b.j) IS DISTINCT FROM (a.n < b.n) OR
                              (a.j <= b.j) IS DISTINCT FROM (a.n <= b.n) OR (a.j > b.j) IS DISTINCT FROM (a.n > b.n) OR (a.j >= b.j) IS DISTINCT FROM (a.n >= b.n) OR
                              journey_eq(a.j, b.j) IS DISTINCT FROM (a.n = b.n) OR journey_ne(a.j, b.j) IS DISTINCT FROM (a.n <> b.n) OR journey_lt(a.j, b.j) IS DISTINCT FROM (a.n < b.n) OR
                              journey_le(a.j, b.j) IS DISTINCT FROM (a.n <= b.n) OR journey_gt(a.j, b.j) IS DISTINCT FROM (a.n > b.n) OR journey_ge(a.j, b.j) IS DISTINCT FROM (a.n >= b.n) OR
                              sign(cjm_internal.journey_cmp(a.j, b.j)) IS DISTINCT FROM sign(a.n - b.n) OR
                              (cjm_internal.journey_hash(a.j) = cjm_internal.journey_hash(b.j)) IS DISTINCT FROM (a.n = b.n) OR
                              (cjm_internal.journey_hash_extended(a.j, 7) = cjm_internal.journey_hash_extended(b.j, 7)) IS DISTINCT FROM (a.n = b.n)) AS wrong
FROM public.ordered AS a, public.ordered AS b;
SELECT cjm_internal.journey_hash_extended('{}', 0) <> cjm_internal.journey_hash_extended('{}', 1) AS seeded,
       cjm_internal.journey_hash_extended('{}', 0) & 4294967295 = cjm_internal.journey_hash('{}')::bigint & 4294967295 AS low_half;
SELECT cjm_internal.journey_cmp('{}', NULL) IS NULL AS cmp, ('{}'::journey = NULL) IS NULL AS eq, cjm_internal.journey_hash(NULL) IS NULL AS hash;

-- Sorting, grouping, joining and indexing by it.
SELECT array_agg(n ORDER BY j DESC) = array_agg(n ORDER BY n DESC) AS sorted FROM public.ordered;
INSERT INTO public.ordered (j) SELECT j FROM public.ordered;
INSERT INTO public.ordered (j) VALUES (NULL);
SET enable_sort = off;
SELECT count(*), min(c), max(c) FROM (SELECT j, count(*) AS c FROM public.ordered WHERE j IS NOT NULL GROUP BY j) AS g;
RESET enable_sort;
SET enable_hashagg = off;
SELECT count(*), min(c), max(c) FROM (SELECT j, count(*) AS c FROM public.ordered WHERE j IS NOT NULL GROUP BY j) AS g;
RESET enable_hashagg;
SELECT count(DISTINCT j) FROM public.ordered;
SET enable_nestloop = off;
SET enable_mergejoin = off;
SELECT count(*) AS hash_joined FROM public.ordered AS a JOIN public.ordered AS b USING (j);
RESET enable_mergejoin;
SET enable_hashjoin = off;
SELECT count(*) AS merge_joined FROM public.ordered AS a JOIN public.ordered AS b USING (j);
RESET enable_hashjoin;
RESET enable_nestloop;
DELETE FROM public.ordered WHERE n > 19;
CREATE UNIQUE INDEX ordered_j ON public.ordered (j);
INSERT INTO public.ordered (j) VALUES ('{2026-01-01T00:00Z a, 2025-12-31T23:00-01:00 a}');
CREATE INDEX ordered_hash ON public.ordered USING hash (j);
SET enable_seqscan = off;
SELECT n FROM public.ordered WHERE j = '{2026-01-01T01:00+01:00 a=-0}';
SELECT count(*) FROM public.ordered WHERE j >= '{2026-01-01T00:00Z a@x}';
RESET enable_seqscan;
DROP TABLE public.ordered;

-- Merging: by the operator, its function and the aggregate.
SELECT '{2026-01-02T00:00Z b, 2026-01-01T00:00Z a@x=1}'::journey || '{2026-01-03T00:00Z c, 2026-01-01T00:00Z a@x=1, 2026-01-01T00:00Z a}' AS merged;
SELECT journey_merge('{}', '{}') AS none, '{}'::journey || '{2026-01-01T00:00Z a}' AS one, '{2026-01-01T00:00Z a}'::journey || NULL AS nothing;

-- One journey without another.
SELECT '{2026-01-01T00:00Z a, 2026-01-01T00:00Z a, 2026-01-01T00:00Z a@x=1, 2026-01-02T00:00Z b@y}'::journey - '{2026-01-01T00:00Z a, 2026-01-02T00:00Z b@y}' AS less,
	'{2026-01-01T00:00Z a}'::journey - '{}' AS same, '{2026-01-01T00:00Z a=NaN, 2026-01-01T00:00Z a=-0}'::journey - '{2026-01-01T00:00Z a=0, 2026-01-01T00:00Z a=NaN}' AS none, '{}'::journey - NULL AS nothing;
CREATE FUNCTION public.minus_refusal(a journey, b journey) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	RETURN 'accepted: ' || (a OPERATOR(cjm.-) b)::text;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' | ', SQLSTATE || ' ' || SQLERRM, detail);
END $$;
SELECT taken, public.minus_refusal('{2026-01-01T00:00Z a, 2026-01-01T00:00Z b@x=1, 2026-01-02T00:00Z b@y}', taken::journey) AS answer
FROM unnest('{"{2026-01-01T00:00Z a, 2026-01-01T00:00Z a}", "{2026-01-01T00:00Z b}", "{2026-01-01T00:00Z b@x}", "{2026-01-01T00:00Z b@x=2}", "{2026-01-01T00:00Z b@y=1}",
	"{2026-01-01T00:00Z c}", "{2026-01-01T00:00Z b@z=1}", "{2026-01-03T00:00Z a}", "{2025-01-03T00:00Z a}", "{2026-01-02T00:00Z b@y}"}'::text[]) AS taken;
-- (a || b) - b = a and (a || b) - a = b, with few labels and times, so that much is equal, and with many.
SELECT count(*), count(*) FILTER (WHERE (a || b) - b <> a OR (a || b) - a <> b OR ((a || b) || a) - a - a <> b) AS wrong
FROM (SELECT i, m, coalesce(journey_agg(at, event, channel, value) FILTER (WHERE h % 2 = 0), '{}') AS a, coalesce(journey_agg(at, event, channel, value) FILTER (WHERE h % 2 = 1), '{}') AS b
	FROM generate_series(1, 400) i, unnest('{2, 700}'::integer[]) m, generate_series(0, i % 40) k,
		LATERAL (SELECT abs(hashint8extended(i * 1000 + k, m)) AS h) r,
		LATERAL (SELECT '2026-01-01T00:00Z'::timestamptz + h / 2 % m * interval '1 s' AS at, 'e' || h / 7 % m AS event, 'c' || nullif(h / 11 % m, 1) AS channel,
			(ARRAY[1, NULL, 'NaN', 2.5])[1 + h / 13 % 4]::float8 AS value) t
	GROUP BY i, m) s;
-- What comes later than all of a journey is put behind it, and is later than what it is put before: the bytes of all at once. Units, widths, few and many labels, of which the one
-- has some that the other has not, values of all, of some and of none, sessions, and what is at the time of the last touchpoint.
CREATE TABLE public.cut AS
SELECT i, m, journey_agg(at, event, channel, value, session) FILTER (WHERE step < 500) AS a, journey_agg(at, event, channel, value, session) FILTER (WHERE step >= 500) AS b,
	journey_agg(at, event, channel, value, session) AS whole
FROM generate_series(1, 1500) i, unnest('{2, 70, 300}'::integer[]) m, generate_series(0, i % 23 + CASE WHEN i % 50 = 0 THEN 700 ELSE 0 END) k,
	LATERAL (SELECT abs(hashint8extended(i * 1000 + k, m)) AS h) r,
	LATERAL (SELECT CASE WHEN i % 6 = 5 AND k < 2 THEN 499 + k ELSE h % 1000 END AS step) w,
	LATERAL (SELECT '2026-01-01T00:00Z'::timestamptz + CASE WHEN i % 7 = 6 AND step = 499 THEN 500 ELSE step END * (ARRAY['1 day', '1 min', '37 s', '1 ms', '1 us', '3 h']::interval[])[1 + i % 6]
			+ CASE WHEN i % 11 = 0 AND step >= 500 THEN '1 us' ELSE '0' END::interval AS at,
		'e' || h / 7 % CASE WHEN i % 3 = 0 AND step < 500 THEN 1 ELSE m END AS event,
		CASE WHEN h / 11 % 3 < i % 4 THEN 'c' || h / 17 % CASE WHEN i % 5 = 0 AND step >= 500 THEN 1 ELSE m END END AS channel,
		CASE WHEN h / 13 % 4 < CASE WHEN step < 500 THEN i / 4 % 5 ELSE i / 20 % 5 END THEN (h % 9)::float8 END AS value,
		CASE WHEN i % 9 = 0 OR (i % 9 = 1 AND step >= 500) THEN 's' || step / 100 END AS session) t
GROUP BY i, m;
SELECT count(*), count(*) FILTER (WHERE cjm_internal.journey_send(a || b) <> cjm_internal.journey_send(whole)) AS behind, count(*) FILTER (WHERE cjm_internal.journey_send(b || a) <> cjm_internal.journey_send(whole)) AS before,
	count(*) FILTER (WHERE (SELECT max(at) FROM touchpoints(a)) = (SELECT min(at) FROM touchpoints(b))) > 0 AS at_one_time
FROM public.cut WHERE a IS NOT NULL AND b IS NOT NULL;
SELECT rollup(a || b) = rollup(whole) AS same FROM public.cut WHERE a IS NOT NULL AND b IS NOT NULL;
DROP TABLE public.cut;
SELECT rollup(j) AS no_rows FROM unnest('{}'::journey[]) AS j;
SELECT rollup(j) AS all_null FROM unnest(ARRAY[NULL, NULL]::journey[]) AS j;
SELECT rollup(j) AS some_null FROM unnest(ARRAY[NULL, '{2026-01-02T00:00Z b}', NULL, '{2026-01-01T00:00Z a}', '{}']::journey[]) AS j;
SELECT rollup(j) AS one_empty FROM unnest(ARRAY['{}']::journey[]) AS j;
SELECT k, rollup(j), rollup(j) FILTER (WHERE touch_count(j) > 1), rollup(DISTINCT j ORDER BY j DESC)
FROM (VALUES (1, '{2026-01-01T00:00Z a}'::journey), (2, '{2026-01-05T00:00Z x}'), (1, '{2026-01-01T00:00Z a}'), (2, '{2026-01-04T00:00Z y, 2026-01-06T00:00Z y}'), (3, NULL)) AS t (k, j)
GROUP BY k ORDER BY k;
SELECT distinct_touchpoints('{}') AS empty, distinct_touchpoints(NULL) AS nothing,
       distinct_touchpoints('{2026-01-01T00:00Z a, 2026-01-01T00:00Z a, 2026-01-01T00:00Z a=0, 2026-01-01T00:00Z a=-0, 2026-01-01T00:00Z a=NaN, 2026-01-01T00:00Z a=NaN,
                              2026-01-01T00:00Z a@x, 2026-01-01T00:00Z a@x, 2026-01-01T00:00Z a@y, 2026-01-01T00:00Z b, 2026-01-01T00:00:00.000001Z a, 2026-01-01T00:00:00.000001Z a}');

-- States beyond a kilobyte are kept open while they grow; the answers are the same.
CREATE TABLE public.days AS
SELECT k, d, journey_agg('2026-01-01T00:00Z'::timestamptz + d * interval '1 day' + i * interval '7 seconds', 'event ' || (i * 7 + d) % 29, 'ch' || nullif(i % 3, 0), nullif(i % 5, 0)) AS j
FROM generate_series(1, 3) AS k, generate_series(1, 30) AS d, generate_series(1, 20 * k) AS i GROUP BY k, d;
CREATE TABLE public.wholes AS
SELECT k, journey_agg((t).at, (t).event, (t).channel, (t).value) AS j FROM public.days, touchpoints(j) AS t GROUP BY k;
SELECT k, rollup(d.j) = w.j AS same, cjm_internal.journey_send(rollup(d.j ORDER BY random())) = cjm_internal.journey_send(w.j) AS same_bytes,
       touch_count(rollup(d.j)), pg_column_size(rollup(d.j)::text::journey) > 1024 AS large
FROM public.days AS d JOIN public.wholes AS w USING (k) GROUP BY k, w.j ORDER BY k;
SELECT rollup(j) = rollup(j) || '{}' AS same, touch_count(rollup(j)) FROM public.days;
-- as a window aggregate every row sees the state as it then was
SELECT k, count(*) AS days, count(*) FILTER (WHERE j IS DISTINCT FROM (SELECT rollup(b.j) FROM (SELECT * FROM public.days AS b WHERE b.k = a.k AND b.d <= a.d ORDER BY random()) AS b)) AS wrong,
       max(touch_count(j))
FROM (SELECT k, d, rollup(j) OVER (PARTITION BY k ORDER BY d) AS j FROM public.days) AS a GROUP BY k ORDER BY k;
SELECT k, count(*) AS days, count(*) FILTER (WHERE touch_count(j) IS DISTINCT FROM 20 * k * least(d, 4)) AS wrong
FROM (SELECT k, d, rollup(j) OVER (PARTITION BY k ORDER BY d ROWS 3 PRECEDING) AS j FROM public.days) AS a GROUP BY k ORDER BY k;
-- kept by another aggregate, a CTE and a variable
WITH merged AS MATERIALIZED (SELECT k, rollup(j) AS j FROM public.days GROUP BY k)
SELECT (array_agg(j ORDER BY k))[2] = (SELECT j FROM public.wholes WHERE k = 2) AS array_element,
       rollup(j) = (SELECT rollup(j) FROM public.days) AS twice FROM merged;
DO $$
DECLARE
	whole cjm.journey;
	one cjm.journey;
BEGIN
	FOR one IN SELECT j FROM public.days WHERE k = 3 LOOP
		whole := coalesce(whole OPERATOR(cjm.||) one, one);
	END LOOP;
	ASSERT whole OPERATOR(cjm.=) (SELECT j FROM public.wholes WHERE k = 3);
END
$$;
SET enable_hashagg = off;
SELECT bool_and(same) AS same FROM (SELECT rollup(d.j) = w.j FROM public.days AS d JOIN public.wholes AS w USING (k) GROUP BY k, w.j) AS t (same);
RESET enable_hashagg;
DROP TABLE public.days, public.wholes;
-- all groups share one memory context: a hash aggregate walks over all contexts for each new group
SET enable_sort = off;
SET work_mem = '1GB';
SELECT (SELECT count(*) FROM pg_backend_memory_contexts) < 1000 AS few_contexts, touch_count(j)
FROM (SELECT k, rollup(j) AS j
      FROM (SELECT journey_agg('2026-01-01T00:00Z'::timestamptz + i * interval '7 seconds', 'a', NULL, i) FROM generate_series(1, 70) AS i) AS w (j),
           generate_series(1, 2), generate_series(1, 3000) AS k GROUP BY k OFFSET 0) AS merged LIMIT 1;
RESET work_mem;
RESET enable_sort;

-- Limits: 2^24 touchpoints, whatever way they come together.
SELECT touch_count(rollup(j)) FROM (SELECT journey_agg('2026-01-01T00:00Z', 'bot') FROM generate_series(1, 1048577)) AS a (j), generate_series(1, 16);

-- The property that all else stands on: one multiset of touchpoints is one string of
-- bytes, whatever order, split, merge tree or form it came by, and it holds just what came in.
SELECT setseed(0.42);
CREATE TABLE public.touches AS
SELECT k, random() AS shuffle, floor(random() * 4)::integer AS part,
       '2026-01-01T00:00Z'::timestamptz + floor(random() * power(10, k % 8)) * (ARRAY['1 us', '1 ms', '1 s', '1 min', '1 h']::interval[])[1 + k % 5] - k % 3 * interval '1 year' AS at,
       (ARRAY['a', 'b', 'add to cart', 'оплата', 'ā', '"', '🛒', repeat('long ', 50)])[ceil(random() * (1 + k % 8))] AS event,
       CASE WHEN k % 4 > 0 AND random() < 0.7 THEN (ARRAY['email', 'paid search', 'почта'])[ceil(random() * 3)] END AS channel,
       CASE WHEN k % 7 > 0 AND random() < k % 7 / 6.0 THEN (ARRAY['-0', '0', 'NaN', 'Infinity', '1e-320', '19.9', random()::text]::float8[])[ceil(random() * 7)] END AS value
FROM generate_series(1, 2000) AS k, LATERAL generate_series(1, 1 + (random() * (CASE WHEN k % 20 = 0 THEN 300 ELSE 12 END))::integer);
-- duplicates
INSERT INTO public.touches SELECT k, random(), floor(random() * 4), at, event, channel, value FROM public.touches WHERE random() < 0.1;
CREATE TABLE public.journeys AS SELECT k, journey_agg(at, event, channel, value) AS j, count(*) AS touches FROM public.touches GROUP BY k;
CREATE TABLE public.parts AS SELECT k, part, journey_agg(at, event, channel, value ORDER BY shuffle) AS j FROM public.touches GROUP BY k, part;
CREATE TABLE public.copies (k integer, j journey);
\copy (SELECT k, j FROM public.journeys) TO PROGRAM 'cat >"${TMPDIR:-/tmp}/cjm_journey_test_$PPID"' (FORMAT binary)
\copy public.copies FROM PROGRAM 'cat "${TMPDIR:-/tmp}/cjm_journey_test_$PPID"; rm -f "${TMPDIR:-/tmp}/cjm_journey_test_$PPID"' (FORMAT binary)
CREATE FUNCTION public.differ(a journey, b journey) RETURNS integer LANGUAGE sql AS
	$$ SELECT (cjm_internal.journey_send(a) IS DISTINCT FROM cjm_internal.journey_send(b) OR (a OPERATOR(cjm.=) b) IS NOT TRUE)::integer $$;
SELECT count(*) AS journeys, sum(touches) > 20000 AS many, sum(touches) - sum(touch_count(j)) AS lost,
       sum(public.differ(j, j::text::journey)) AS text, sum(public.differ(j, j::jsonb::journey)) AS json,
       sum(public.differ(j, (SELECT c.j FROM public.copies AS c WHERE c.k = a.k))) AS binary
FROM public.journeys AS a;
SELECT sum(public.differ(j, sorted)) AS sorted, sum(public.differ(j, reversed)) AS reversed, sum(public.differ(j, shuffled)) AS shuffled
FROM public.journeys JOIN
     (SELECT k, journey_agg(at, event, channel, value ORDER BY at, event) AS sorted, journey_agg(at, event, channel, value ORDER BY at DESC, event DESC) AS reversed,
             journey_agg(at, event, channel, value ORDER BY random()) AS shuffled FROM public.touches GROUP BY k) AS o USING (k);
-- rollup as a chain in any order, as a tree of two levels, and || as a left, a right and a balanced tree
SELECT count(*) AS journeys, sum(public.differ(a.j, chain)) AS chain, sum(public.differ(a.j, shuffled)) AS shuffled, sum(public.differ(a.j, p[1] || p[2] || p[3] || p[4])) AS left,
       sum(public.differ(a.j, p[4] || (p[1] || (p[3] || p[2])))) AS right, sum(public.differ(a.j, (p[3] || p[1]) || (p[2] || p[4]))) AS balanced
FROM public.journeys AS a JOIN
     (SELECT k, rollup(j) AS chain, rollup(j ORDER BY random()) AS shuffled, array_agg(j) || array_fill('{}'::journey, ARRAY[4]) AS p FROM public.parts GROUP BY k) AS m USING (k);
SELECT sum(public.differ(a.j, b.j)) AS two_levels
FROM public.journeys AS a JOIN (SELECT k, rollup(j) AS j FROM (SELECT k, rollup(j) AS j FROM public.parts GROUP BY k, part % 2) AS half GROUP BY k) AS b USING (k);
SELECT sum(public.differ(w, c)) AS of_all
FROM (SELECT journey_agg(at, event, channel, value) FROM public.touches) AS a (w), (SELECT rollup(j) FROM public.journeys) AS b (c);
SELECT sum(public.differ(distinct_touchpoints(j), d)) AS distincts
FROM public.journeys JOIN (SELECT k, journey_agg(at, event, channel, value) AS d FROM (SELECT DISTINCT k, at, event, channel, value FROM public.touches) AS t GROUP BY k) AS t USING (k);
-- nothing more and nothing less than the rows
(SELECT k, at, event, channel, value FROM public.touches EXCEPT ALL SELECT k, t.at, t.event, t.channel, t.value FROM public.journeys, touchpoints(j) AS t) LIMIT 5;
(SELECT k, t.at, t.event, t.channel, t.value FROM public.journeys, touchpoints(j) AS t EXCEPT ALL SELECT k, at, event, channel, value FROM public.touches) LIMIT 5;
-- in canonical order
SELECT count(*) AS out_of_order
FROM (SELECT n, row_number() OVER (PARTITION BY k ORDER BY at, event COLLATE "C", channel COLLATE "C" NULLS FIRST, value NULLS FIRST, n) AS expected
      FROM public.journeys, touchpoints(j) WITH ORDINALITY AS t (at, event, channel, value, session, n)) AS o
WHERE n <> expected;
-- equal ones, and only they, compare equal and hash alike
SELECT count(*) AS wrong FROM public.journeys AS a JOIN public.copies AS b ON a.j = b.j WHERE a.j::text <> b.j::text OR cjm_internal.journey_hash(a.j) <> cjm_internal.journey_hash(b.j);
SELECT count(*) AS wrong FROM (SELECT j, lag(j) OVER (ORDER BY j) AS before FROM public.copies) AS o WHERE NOT before <= j OR cjm_internal.journey_cmp(before, j) > 0;

-- Stored values: labels once, times and ids in the fewest bytes.
CREATE TABLE public.stored (what text, j journey);
INSERT INTO public.stored
SELECT 'typical', journey_agg('2026-01-01T00:00Z'::timestamptz + i * i * interval '97 s', (ARRAY['view', 'search', 'add to cart', 'checkout', 'purchase'])[1 + i % 5], (ARRAY['email', 'ads'])[1 + i % 2]) FROM generate_series(1, 20) AS i;
INSERT INTO public.stored VALUES ('empty', '{}'), ('one', '{2026-01-01T00:00Z view}');
SELECT what, touch_count(j), pg_column_size(j) AS bytes FROM public.stored ORDER BY bytes;
-- compressed and out of line
INSERT INTO public.stored SELECT 'long', journey_agg('2026-01-01T00:00Z'::timestamptz + i * interval '1 s', 'e' || i % 3) FROM generate_series(1, 100000) AS i;
INSERT INTO public.stored SELECT 'dense', journey_agg(at, event, channel, value) FROM public.touches;
SELECT what, j = j::text::journey AS same, touch_count(slice(j, '2026-01-01T00:00:10Z', '2026-01-01T00:00:20Z')) > 0 AS sliced FROM public.stored WHERE what IN ('long', 'dense') ORDER BY what;
DROP TABLE public.stored, public.touches, public.journeys, public.parts, public.copies;

-- Nobody needs cjm on the search_path.
SET search_path = public;
SELECT '{2026-01-01T00:00Z a}'::cjm.journey OPERATOR(cjm.||) '{2026-01-02T00:00Z b}' AS merged, cjm.journey_merge('{}', '{}'),
       '[]'::jsonb::cjm.journey AS from_json, cjm.rollup('{}'::cjm.journey);

DROP FUNCTION public.refusal(text), public.json_refusal(jsonb), public.differ(cjm.journey, cjm.journey);

-- What ANALYZE learns: not how many differ, so that a group for each journey is not expected of what is made of them.
CREATE TEMP TABLE analyzed AS
SELECT CASE WHEN n % 4 > 0 THEN jsonb_build_array(jsonb_build_object('at', timestamptz '2026-01-01Z' + n * interval '1 s', 'event', 'a'))::cjm.journey END AS journey,
	NULL::cjm.journey AS nothing
FROM generate_series(1, 1000) n;
CREATE TEMP TABLE empty (LIKE analyzed);
ANALYZE analyzed;
ANALYZE empty;
SELECT tablename, attname, null_frac, avg_width, n_distinct, most_common_vals IS NULL AS no_values, correlation IS NULL AS no_order
FROM pg_stats WHERE tablename IN ('analyzed', 'empty') ORDER BY attname;
