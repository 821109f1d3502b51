-- event_path, channel_path, transitions: what follows what.
SET search_path = cjm, public;
SET TimeZone = 'UTC';

\set j '''{2026-01-01T10:00Z view@ads, 2026-01-01T10:01Z view, 2026-01-01T10:02Z cart@ads, 2026-01-01T10:03Z view@email, 2026-01-01T10:04Z cart, 2026-01-01T10:05Z cart@email}'''
SELECT event_path(:j), event_path(:j, repeats => false), channel_path(:j), channel_path(:j, repeats => false);
SELECT event_path(:j, 3), event_path(:j, 3, false), channel_path(:j, 1), event_path(:j, 2147483647, false);
SELECT * FROM transitions(:j);
SELECT * FROM transitions(:j, 'channel');
SELECT * FROM transitions(:j, repeats => false);
-- Cut, the last place has no row: what comes next is not asked for.  Whole, it is the end.
SELECT * FROM transitions(:j, 'event', 3, false);
SELECT * FROM transitions(:j, 'event', 4, false);
SELECT * FROM transitions(:j, 'event', 5, false);
SELECT * FROM transitions(:j, depth => 1);

-- Nothing, one, no channel; places of equal times are in canonical order.
SELECT event_path('{}'), channel_path('{}'), event_path('{2026-01-01T10:00Z a}'), channel_path('{2026-01-01T10:00Z a}');
SELECT count(*) FROM transitions('{}');
SELECT count(*) FROM transitions('{2026-01-01T10:00Z a}', 'channel');
SELECT * FROM transitions('{2026-01-01T10:00Z a}');
SELECT event_path('{2026-01-01T10:00Z c, 2026-01-01T10:00Z b@y, 2026-01-01T10:00Z b@x, 2026-01-01T10:00Z a}'), channel_path('{2026-01-01T10:00Z c, 2026-01-01T10:00Z b@y, 2026-01-01T10:00Z b@x, 2026-01-01T10:00Z a}');
SELECT event_path('{2026-01-01T10:00Z "->", 2026-01-01T10:01Z "a > b", 2026-01-01T10:02Z "оплата", 2026-01-01T10:03Z "NULL", 2026-01-01T10:04Z "a,""b"}');
SELECT event_path(NULL), channel_path(:j, NULL);

SELECT event_path(:j, 0);
SELECT channel_path(:j, -1);
SELECT * FROM transitions(:j, depth => 0);
SELECT * FROM transitions(:j, 'Event');

-- Against touchpoints and window functions, many events and more pairs than a small table has room for.
CREATE TEMP TABLE journeys AS
SELECT n, journey_agg(timestamptz '2026-01-01Z' + (hashint4(n * 7 + i) & 255) * interval '1 s', 'e' || (hashint4(n + i * 5) & (CASE WHEN n % 50 = 0 THEN 255 ELSE 3 END)), nullif('c' || (hashint4(i) & 3), 'c0')) AS journey
FROM generate_series(1, 200) n, generate_series(1, CASE WHEN n % 50 = 0 THEN 2000 ELSE n % 20 END) i GROUP BY n;
CREATE TEMP VIEW places AS
SELECT j.n, b.by, r.repeats, x.label, row_number() OVER w AS position, lead(x.label) OVER w AS target
FROM journeys j CROSS JOIN (VALUES ('event'), ('channel')) b(by) CROSS JOIN (VALUES (true), (false)) r(repeats)
	CROSS JOIN LATERAL (SELECT l.label, l.place, lag(l.label) OVER (ORDER BY l.place) AS before
		FROM (SELECT CASE b.by WHEN 'event' THEN t.event ELSE t.channel END AS label, t.place FROM touchpoints(j.journey) WITH ORDINALITY t(at, event, channel, value, place)) l WHERE l.label IS NOT NULL) x
WHERE r.repeats OR x.label IS DISTINCT FROM x.before
WINDOW w AS (PARTITION BY j.n, b.by, r.repeats ORDER BY x.place);
WITH expected AS (
	SELECT n, by, repeats, position, label, target, count(*) OVER (PARTITION BY n, by, repeats, label, target ORDER BY position) AS occurrence FROM places
), got AS (
	SELECT n, by, repeats, t.position, t.source, t.target, t.occurrence FROM journeys CROSS JOIN (VALUES ('event'), ('channel')) b(by) CROSS JOIN (VALUES (true), (false)) r(repeats), transitions(journey, by, repeats => repeats) t
)
SELECT (SELECT count(*) FROM got) AS places, (SELECT count(*) FROM (TABLE expected EXCEPT ALL TABLE got) d) AS missing, (SELECT count(*) FROM (TABLE got EXCEPT ALL TABLE expected) d) AS wrong;
SELECT count(*) AS paths, count(*) FILTER (WHERE got IS DISTINCT FROM expected) AS wrong
FROM (SELECT CASE by WHEN 'event' THEN event_path(journey, 7, repeats) ELSE channel_path(journey, 7, repeats) END AS got,
		ARRAY(SELECT label FROM places p WHERE p.n = j.n AND p.by = b.by AND p.repeats = r.repeats AND position <= 7 ORDER BY position) AS expected
	FROM journeys j CROSS JOIN (VALUES ('event'), ('channel')) b(by) CROSS JOIN (VALUES (true), (false)) r(repeats)) p;
