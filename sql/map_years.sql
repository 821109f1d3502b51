-- Numbers that are times: seconds, milliseconds and microseconds since 1970, and what create_map says of the years that come of them.
SET search_path = public, cjm;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
\set SHOW_CONTEXT never

CREATE TABLE public.ticks AS
SELECT n AS who, 1767225600 + n AS s, (1767225600 + n) * 1000::bigint + 123 AS ms, (1767225600 + n) * 1000000::bigint + 123456 AS us, 'view' AS what FROM generate_series(1, 3) n;
SELECT create_map('ticks', 'ticks', 'who', 'us', 'what', 'view');
-- what is right is said nothing of
SELECT create_map('ticks', 'ticks', 'who', 'to_timestamp(us / 1000000.0)', 'what', 'view');
SELECT min(at), max(at) FROM ticks.events;
SELECT create_map('ticks', 'ticks', 'who', 'to_timestamp(ms / 1000.0)', 'what', 'view', replace => true);
SELECT create_map('ticks', 'ticks', 'who', 'to_timestamp(s)', 'what', 'view', replace => true);
-- what is not: milliseconds and microseconds for seconds, and seconds for milliseconds
SELECT create_map('ticks', 'ticks', 'who', 'to_timestamp(ms)', 'what', 'view', replace => true);
SELECT create_map('ticks', 'ticks', 'who', 'to_timestamp(us)', 'what', 'view', replace => true);
SELECT create_map('ticks', 'ticks', 'who', 'to_timestamp(us / 1000.0)', 'what', 'view', replace => true);
SELECT create_map('ticks', 'ticks', 'who', 'to_timestamp(s / 1000.0)', 'what', 'view', replace => true);
SELECT create_map('ticks', 'ticks', 'who', '''-infinity''::timestamptz', 'what', 'view', replace => true);
SELECT create_map('ticks', 'ticks', 'who', '''1066-10-14''::date + who', 'what', 'view', replace => true);
SELECT drop_map('ticks');
DROP TABLE public.ticks;
