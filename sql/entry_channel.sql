-- entry_channel, session_channel: the channels of a walk and of a session; and what reports say by each of them.
SET search_path = cjm, public;
SET TimeZone = 'UTC';
\set SHOW_CONTEXT never

SELECT j, f, entry_channel(j::journey, f::funnel), first_channel(j::journey) FROM (VALUES
	('{2026-01-01T10:00Z visit@ads, 2026-01-01T11:00Z view@mail, 2026-01-01T12:00Z cart@ads}', 'view -> cart'),
	-- the latest of the walks that win
	('{2026-01-01T10:00Z view@ads, 2026-01-01T11:00Z view@mail, 2026-01-01T12:00Z cart}', 'view -> cart'),
	('{2026-01-01T10:00Z view@ads, 2026-01-01T11:00Z view, 2026-01-01T12:00Z cart}', 'view -> cart'),
	-- at one time the smallest, none last, and only where it is asked for
	('{2026-01-01T10:00Z view, 2026-01-01T10:00Z view@b, 2026-01-01T10:00Z view@c, 2026-01-01T10:00Z visit@a}', 'view -> cart'),
	('{2026-01-01T10:00Z view, 2026-01-01T10:00Z view@b, 2026-01-01T10:00Z view@c}', 'view@c -> cart'),
	('{2026-01-01T10:00Z view@b, 2026-01-01T11:00Z view@c}', '*@c -> cart'),
	('{2026-01-01T10:00Z pay@z, 2026-01-01T11:00Z view@c, 2026-01-01T12:00Z cart}', 'view -> cart -> pay unordered within 1 day'),
	('{2026-01-01T10:00Z visit@ads}', 'view -> cart'), ('{2026-01-01T10:00Z view}', 'view -> cart'), ('{}', 'view -> cart')) v(j, f);
SELECT entry_channel(j, f), entry_channel(j, f, '[2026-01-02,)'), entry_channel(j, f, '(,2026-01-02)'), entry_channel(j, f, 'empty') IS NULL AS none, entry_channel(NULL, f) IS NULL AS nobody
FROM (VALUES ('{2026-01-01T10:00Z view@ads, 2026-01-01T12:00Z cart, 2026-01-03T11:00Z view@mail}'::journey, 'view -> cart'::funnel)) v(j, f);

SELECT at, session_channel('{2026-01-01T10:00Z view, 2026-01-01T10:20Z view@ads, 2026-01-01T10:30Z view@mail, 2026-01-01T12:00Z view, 2026-01-01T13:00Z view@mail}', '30 min', at) AS channel
FROM unnest('{2026-01-01 09:00Z,2026-01-01 10:00Z,2026-01-01 10:25Z,2026-01-01 10:31Z,2026-01-01 12:00Z,2026-01-01 13:00Z,2026-01-02 10:00Z}'::timestamptz[]) at;
SELECT session_channel('{}', '30 min', now()) IS NULL AS nothing, session_channel('{2026-01-01T10:00Z a}', '30 min', '2026-01-01 10:00Z') IS NULL AS none;
SELECT session_channel('{2026-01-01T10:00Z a@b}', '1 month', '2026-01-01 10:00Z');

-- One customer of three channels: first seen by an advertisement, in by none of their own, in a session of a mail, and buys in another.
CREATE TABLE public.channel_events AS
SELECT c AS customer, timestamptz '2026-01-01 10:00Z' + c * interval '1 day' + after AS at, event, nullif(via, '') AS via, 1 + c AS amount
FROM (VALUES (1, interval '0', 'visit', 'ads'), (1, '3 hours', 'visit', 'mail'), (1, '181 min', 'view', ''), (1, '6 hours', 'cart', 'search'), (1, '361 min', 'pay', ''),
	(2, '0', 'view', 'ads'), (2, '10 min', 'cart', 'mail'), (3, '0', 'view', ''), (4, '0', 'visit', 'ads')) v(c, after, event, via);
SELECT create_map('three channels', 'channel_events', 'customer', 'at', 'event', 'view -> cart -> pay within 7 days', channel => 'via', value => 'amount');
SELECT b AS by, string_agg(concat_ws(':', coalesce(by_value, '-'), step, customers), ' ' ORDER BY by_value COLLATE "C", step) AS customers
FROM unnest('{channel,entry_channel,first_channel,session_channel}'::text[]) WITH ORDINALITY u(b, n), funnel_report('three channels', b) GROUP BY b, n ORDER BY n;
SELECT b AS by, string_agg(concat_ws(':', coalesce(by_value, '-'), step, customers), ' ' ORDER BY by_value COLLATE "C", step) AS customers
FROM unnest('{channel,entry_channel,first_channel,session_channel}'::text[]) WITH ORDINALITY u(b, n), funnel_report('three channels', b, 'day', '2026-01-02', '2026-01-04') GROUP BY b, n ORDER BY n;
SELECT b AS by, string_agg(concat_ws(':', coalesce(by_value, '-'), step, customers), ' ' ORDER BY by_value COLLATE "C", step) AS customers
FROM unnest('{channel,entry_channel,first_channel,session_channel}'::text[]) WITH ORDINALITY u(b, n), drop_off_report('three channels', b) GROUP BY b, n ORDER BY n;
SELECT b AS by, string_agg(concat_ws(':', coalesce(by_value, '-'), step, customers), ' ' ORDER BY by_value COLLATE "C", step) FILTER (WHERE customers > 0) AS customers
FROM unnest('{channel,entry_channel,first_channel,session_channel}'::text[]) WITH ORDINALITY u(b, n), stage_report('three channels', b) GROUP BY b, n ORDER BY n;
SELECT b AS by, string_agg(concat_ws(':', coalesce(by_value, '-'), purchases, value), ' ' ORDER BY by_value COLLATE "C") AS purchases
FROM unnest('{channel,entry_channel,first_channel,session_channel}'::text[]) WITH ORDINALITY u(b, n), purchase_report('three channels', b) GROUP BY b, n ORDER BY n;
SELECT b AS by, string_agg(concat_ws(':', coalesce(by_value, '-'), sessions), ' ' ORDER BY by_value COLLATE "C") AS sessions
FROM unnest('{channel,first_channel,session_channel}'::text[]) WITH ORDINALITY u(b, n), session_report('three channels', b) GROUP BY b, n ORDER BY n;
SELECT b AS by, count(*) AS steps, count(best) AS compared FROM unnest('{channel,entry_channel,first_channel,session_channel}'::text[]) WITH ORDINALITY u(b, n), weakest_step('three channels', b) GROUP BY b, n ORDER BY n;
SELECT * FROM session_report('three channels', 'entry_channel');
SELECT * FROM purchase_report('three channels', 'last_channel');

-- Both ways to the same answer: from rows, by the property of the first touchpoint.
CREATE TABLE public.channel_random AS
SELECT c AS customer, timestamptz '2026-01-01Z' + (hashint4(c * 31 + i) & 1023) * interval '3 hours' AS at, (ARRAY['view', 'view', 'cart', 'pay', 'visit'])[1 + (hashint4(c * 17 + i) & 65535) % 5] AS event,
	(ARRAY['ads', 'mail', 'search', NULL])[1 + (hashint4(c * 13 + i) & 65535) % 4] AS via
FROM generate_series(1, 800) c, generate_series(1, 1 + c % 12) i;
SELECT create_map('random channels', 'channel_random', 'customer', 'at', 'event', 'view -> cart -> pay within 30 days', channel => 'via', time_zone => 'UTC');
CREATE TABLE channel_rows AS SELECT g.property, r.step, r.customers FROM unnest((SELECT funnel_agg_by(customer, at, event, via, 'first', 'view -> cart -> pay within 30 days') FROM channel_random)) g, report(g.stats) r;
SELECT count(*), (SELECT count(*) FROM channel_rows) AS from_rows, count(*) FILTER (WHERE customers > 20) AS many FROM funnel_report('random channels', 'channel') f JOIN channel_rows r USING (step, customers)
WHERE by_value IS NOT DISTINCT FROM property;
-- and as plain SQL says it: first seen, and the session of the walk's begin
SELECT b AS by, count(*) AS rows, count(*) FILTER (WHERE f.customers = p.customers) AS same
FROM (VALUES ('first_channel'), ('session_channel')) w(b), LATERAL funnel_report('random channels', b) f LEFT JOIN LATERAL (
	SELECT count(*) AS customers FROM "random channels".customers c, LATERAL (
		SELECT (array_agg(via ORDER BY e.at, e.event, e.via) FILTER (WHERE via IS NOT NULL))[1] AS via FROM channel_random e
		WHERE e.customer = c.customer AND (b = 'first_channel' OR e.at BETWEEN c.entered_at - interval '0' AND c.entered_at + interval '0')) s
	WHERE c.step >= f.step AND s.via IS NOT DISTINCT FROM f.by_value) p ON true GROUP BY b ORDER BY b;

SELECT drop_map('three channels'), drop_map('random channels');
DROP TABLE channel_events, channel_random, channel_rows;
