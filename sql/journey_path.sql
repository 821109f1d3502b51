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
		FROM (SELECT CASE b.by WHEN 'event' THEN t.event ELSE t.channel END AS label, t.place FROM touchpoints(j.journey) WITH ORDINALITY t(at, event, channel, value, given, place)) l WHERE l.label IS NOT NULL) x
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

-- Paths of sessions, sequences from everywhere, after and before an event.
\set s '''{2026-03-01T10:00Z home, 2026-03-01T10:05Z prices, 2026-03-01T10:06Z prices, 2026-03-09T10:00Z blog, 2026-03-09T10:01Z guide, 2026-03-09T10:31Z home, 2026-03-09T11:01:01Z prices}'''
SELECT * FROM transitions(:s, repeats => false, gap => '30 minutes');
SELECT * FROM paths(:s);
SELECT * FROM paths(:s, gap => '30 minutes', repeats => false);
SELECT * FROM paths(:s, gap => '30 minutes', depth => 2);
SELECT * FROM paths(:s, length => 2, repeats => false);
SELECT * FROM paths(:s, length => 2, repeats => false, gap => '30 minutes');
SELECT * FROM paths(:s, after => 'prices', depth => 3);
SELECT * FROM paths(:s, before => 'guide', depth => 2);
SELECT * FROM paths(:s, after => 'prices', before => 'home', repeats => false);
SELECT * FROM paths(:s, after => 'home', before => 'home');
SELECT * FROM paths(:s, before => 'home') UNION ALL SELECT * FROM paths(:s, after => 'guide', before => 'blog');
SELECT * FROM paths(:s, after => 'nowhere') UNION ALL SELECT * FROM paths(:s, before => 'nowhere') UNION ALL SELECT * FROM paths('{}') UNION ALL SELECT * FROM paths(NULL) UNION ALL SELECT * FROM paths(:s, by => 'channel');
SELECT * FROM paths(:s, length => 0);
SELECT * FROM paths(:s, length => 101);
SELECT * FROM paths(:s, depth => 0);
SELECT * FROM paths(:s, 'segment');
SELECT * FROM paths(:s, gap => '1 month');

-- Against plain SQL: sessions by all touchpoints, places by those that have a label.
CREATE TEMP TABLE session_places AS
SELECT s.n, s.by, s.repeats, s.session, row_number() OVER (PARTITION BY s.n, s.by, s.repeats, s.session ORDER BY s.place) AS position, s.label, s.at
FROM (SELECT c.n, b.by, r.repeats, c.session, c.place, l.label, c.at, lag(l.label) OVER (PARTITION BY c.n, b.by, r.repeats, c.session ORDER BY c.place) AS before
	FROM (SELECT t.*, sum(t.cut) OVER (PARTITION BY t.n ORDER BY t.place) AS session
		FROM (SELECT j.n, t.*, coalesce(t.at - lag(t.at) OVER (PARTITION BY j.n ORDER BY t.place) > interval '15 s', false)::integer AS cut
			FROM journeys j CROSS JOIN LATERAL touchpoints(j.journey) WITH ORDINALITY t(at, event, channel, value, given, place)) t) c
		CROSS JOIN (VALUES ('event'), ('channel')) b(by) CROSS JOIN (VALUES (true), (false)) r(repeats)
		CROSS JOIN LATERAL (SELECT CASE b.by WHEN 'event' THEN c.event ELSE c.channel END AS label) l WHERE l.label IS NOT NULL) s
WHERE s.repeats OR s.label IS DISTINCT FROM s.before;
SELECT count(*) FROM (
	SELECT n, by, repeats, dense_rank() OVER (PARTITION BY n, by, repeats ORDER BY session), position, label, lead(label) OVER w, extract(epoch FROM lead(at) OVER w - at)::float8 FROM session_places WINDOW w AS (PARTITION BY n, by, repeats, session ORDER BY position)
	EXCEPT ALL
	SELECT n, by, repeats, sum((position = 1)::integer) OVER (PARTITION BY n, by, repeats ORDER BY place), position, source, target, seconds
	FROM (SELECT j.n, b.by, r.repeats, t.* FROM journeys j, (VALUES ('event'), ('channel')) b(by), (VALUES (true), (false)) r(repeats),
		transitions(j.journey, b.by, repeats => r.repeats, gap => '15 s') WITH ORDINALITY t(position, source, target, occurrence, seconds, place)) x) AS differ;
CREATE TEMP TABLE session_paths AS
	SELECT p.*, a.after, z.before, coalesce(f.position, 1) AS first, CASE WHEN z.before IS NULL THEN p.last ELSE e.position END AS until
	FROM (SELECT n, by, repeats, session, max(position) AS last, array_agg(label ORDER BY position) AS nodes, array_agg(at ORDER BY position) AS times FROM session_places WHERE n % 50 <> 0 GROUP BY 1, 2, 3, 4) p
		CROSS JOIN (VALUES (NULL), ('e1'), ('c2')) a(after) CROSS JOIN (VALUES (NULL), ('e2'), ('c1'), ('e1')) z(before)
		LEFT JOIN LATERAL (SELECT min(i) AS position FROM generate_series(1, p.last) i WHERE p.nodes[i] = a.after) f ON true
		LEFT JOIN LATERAL (SELECT min(i) AS position FROM generate_series(CASE WHEN a.after IS NULL THEN 1 ELSE f.position + 1 END, p.last) i WHERE p.nodes[i] = z.before) e ON true
	WHERE a.after IS NULL OR f.position IS NOT NULL;
SELECT count(*) > 1000 AS many, count(*) FILTER (WHERE expected IS DISTINCT FROM found) AS differ FROM (
	SELECT j.n, b.by, r.repeats, a.after, z.before, d.depth, l.length,
		(SELECT array_agg((x.nodes, x.seconds)::text ORDER BY (x.nodes, x.seconds)::text) FROM paths(j.journey, b.by, d.depth, r.repeats, '15 s', l.length, a.after, z.before) x) AS found,
		(SELECT array_agg((s.nodes[k.k:m.m], extract(epoch FROM s.times[m.m] - s.times[k.k])::float8)::text ORDER BY (s.nodes[k.k:m.m], extract(epoch FROM s.times[m.m] - s.times[k.k])::float8)::text)
			FROM session_paths s
				CROSS JOIN LATERAL (SELECT CASE WHEN a.after IS NULL AND z.before IS NOT NULL AND l.length IS NULL THEN greatest(s.first, s.until - d.depth + 1) ELSE s.first END AS first) f
				CROSS JOIN LATERAL generate_series(f.first, CASE WHEN l.length IS NULL THEN f.first ELSE s.until - l.length + 1 END) k(k)
				CROSS JOIN LATERAL (SELECT CASE WHEN l.length IS NULL THEN least(s.until, k.k + d.depth - 1) ELSE k.k + l.length - 1 END AS m) m
			WHERE s.n = j.n AND s.by = b.by AND s.repeats = r.repeats AND s.after IS NOT DISTINCT FROM a.after AND s.before IS NOT DISTINCT FROM z.before AND s.until IS NOT NULL) AS expected
	FROM journeys j, (VALUES ('event'), ('channel')) b(by), (VALUES (true), (false)) r(repeats), (VALUES (NULL), ('e1'), ('c2')) a(after), (VALUES (NULL), ('e2'), ('c1'), ('e1')) z(before),
		(VALUES (3, NULL), (100, NULL), (3, 1), (3, 3)) d(depth, length), LATERAL (SELECT d.length) l(length)
	WHERE j.n % 50 <> 0 AND j.n % 3 = 0) AS s;
SELECT count(*), count(*) FILTER (WHERE occurrence <> expected) AS differ, max(occurrence) > 100 AS often FROM (
	SELECT x.*, row_number() OVER (PARTITION BY j.n, l.length, g.gap, x.nodes ORDER BY x.place) AS expected FROM journeys j, (VALUES (NULL), (1), (3)) l(length), (VALUES (NULL), ('7 s'::interval)) g(gap),
		paths(j.journey, 'channel', 4, true, g.gap, l.length) WITH ORDINALITY x(nodes, occurrence, seconds, place)) AS s;
