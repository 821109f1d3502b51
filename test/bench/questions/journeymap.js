//
// journeymap.js: the views of a map that look at the journey itself, over the event table, and what others
// need for the same: window functions or arrays by customer.
//
'use strict';

const { MEMORY, DEFINITION, WITHIN_US, LIST, ours, clickhouse, duckdb, postgres, floor } = require('./variants');

// The map is made over the rows, so that each view builds the journeys anew: that is what whoever asks it waits for.
const setup = {
	pg: () => [
		`SELECT cjm.create_map('bench_map', 'events', 'customer', 'at', 'event', '${DEFINITION}', 'channel', 'value', time_zone => 'UTC')`,
	],
};

const journeys = floor('journeys', 'counting the journeys of the map', 'SELECT count(journey) FROM bench_map.journeys', { settings: MEMORY });

const map = (key, label, sql) => ours(key, label, sql, { settings: MEMORY });

// The row before in the order of a journey, for PostgreSQL and DuckDB.
const pairs = (from) => `
	SELECT source, target, count(*) FROM (
		SELECT event AS target, lag(event) OVER (PARTITION BY customer ORDER BY at, event) AS source FROM ${from}) AS p
	WHERE source <> target GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2`;

const transitions = {
	name: 'transitions',
	title: 'Which event follows which, from rows',
	ours: 'view',
	floor: 'journeys',
	aims: [],
	variants: [
		map('view', 'cjm, the view transitions of a map',
			'SELECT source, target, value FROM bench_map.transitions ORDER BY 3 DESC, 1, 2'),
		ours('stored', 'cjm, transitions of stored journeys',
			`SELECT source, target, count(*) FROM journeys, cjm.transitions(journey, repeats => false)
				WHERE target IS NOT NULL GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2`),
		clickhouse('ch_window', 'ClickHouse, lagInFrame over events in order of customer',
			`SELECT source, target, count() FROM (
				SELECT event AS target, lagInFrame(event, 1, '') OVER (PARTITION BY customer ORDER BY at, event) AS source FROM by_customer)
				WHERE source != '' AND source != target GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2`),
		clickhouse('ch_arrays', 'ClickHouse, sorted groupArray of events',
			`SELECT p.1 AS source, p.2 AS target, count() FROM (
				SELECT arrayJoin(arrayZip(arrayPopBack(e), arrayPopFront(e))) AS p FROM (
					SELECT arrayMap(x -> x.2, arraySort(groupArray((at, toString(event))))) AS e FROM events GROUP BY customer))
				WHERE source != target GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2`),
		duckdb('duck', 'DuckDB, lag', pairs('events')),
		postgres('pg', 'PostgreSQL, lag', pairs('events'), { settings: MEMORY }),
		journeys,
	],
};

const chSteps = `SELECT windowFunnel(${WITHIN_US})(at, ${LIST.split(', ').map((step) => `event = ${step}`).join(', ')}) AS step FROM events GROUP BY customer`;

const stages = {
	name: 'stages',
	title: 'Where customers stand, from rows',
	ours: 'view',
	floor: 'journeys',
	aims: [],
	variants: [
		map('view', 'cjm, the view stages of a map',
			'SELECT step, customers + open_customers FROM bench_map.stages WHERE step > 0 ORDER BY 1'),
		clickhouse('ch', 'ClickHouse, windowFunnel over events',
			`SELECT step, count() FROM (${chSteps}) WHERE step > 0 GROUP BY 1 ORDER BY 1`),
		journeys,
	],
};

// When each step was first the deepest so far, by joins.
const REACHED = `
	hits AS MATERIALIZED (SELECT customer, at, event FROM events WHERE event IN (${LIST})),
	walks AS (
		SELECT a.customer, a.at AS t1, b.at AS t2, c.at AS t3, d.at AS t4
		FROM (SELECT * FROM hits WHERE event = 'view') a
			LEFT JOIN hits b ON b.customer = a.customer AND b.event = 'cart' AND b.at BETWEEN a.at AND a.at + interval '168 hours'
			LEFT JOIN hits c ON c.customer = a.customer AND c.event = 'checkout' AND c.at BETWEEN b.at AND a.at + interval '168 hours'
			LEFT JOIN hits d ON d.customer = a.customer AND d.event = 'purchase' AND d.at BETWEEN c.at AND a.at + interval '168 hours'),
	reached AS (SELECT customer, min(t1) AS r1, min(t2) AS r2, min(t3) AS r3, min(t4) AS r4 FROM walks GROUP BY 1)`;

const touchpoints = {
	name: 'touchpoints',
	title: 'What customers meet at each stage, from rows',
	ours: 'view',
	floor: 'journeys',
	aims: [],
	variants: [
		map('view', 'cjm, the view touchpoints of a map',
			'SELECT step, event, customers, touches FROM bench_map.touchpoints ORDER BY 1, 2'),
		ours('stored', 'cjm, stage_touches of stored journeys, counts alone',
			`SELECT step, label, count(*), sum(touches)::bigint FROM journeys, cjm.stage_touches(journey, '${DEFINITION}')
				WHERE label IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2`),
		postgres('pg', 'PostgreSQL, the deepest step so far by joins',
			`WITH ${REACHED}
				SELECT step, event, count(DISTINCT customer), count(*) FROM (
					SELECT e.customer, e.event, CASE
						WHEN event = 'view' AND at = r1 THEN 1 WHEN event = 'cart' AND at = r2 THEN 2
						WHEN event = 'checkout' AND at = r3 THEN 3 WHEN event = 'purchase' AND at = r4 THEN 4
						WHEN at >= r4 THEN 4 WHEN at >= r3 THEN 3 WHEN at >= r2 THEN 2 WHEN at >= r1 THEN 1 ELSE 0 END AS step
					FROM events e LEFT JOIN reached r ON r.customer = e.customer) s
				GROUP BY 1, 2 ORDER BY 1, 2`, { settings: MEMORY }),
		journeys,
	],
};

// The paths that begin journeys, whatever the funnel.
const paths = {
	name: 'paths',
	title: 'The ten most common paths of ten events, from rows',
	ours: 'rows',
	floor: 'journeys',
	aims: [],
	variants: [
		map('rows', 'cjm, event_path of the journeys of a map',
			`SELECT array_to_string(cjm.event_path(journey, 10, false), ' > ') AS path, count(*) FROM bench_map.journeys
				GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10`),
		ours('stored', 'cjm, event_path of stored journeys',
			`SELECT array_to_string(cjm.event_path(journey, 10, false), ' > ') AS path, count(*) FROM journeys
				GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10`, { settings: MEMORY }),
		clickhouse('ch', 'ClickHouse, sorted groupArray of events',
			`SELECT path, count() FROM (
				SELECT arrayStringConcat(arraySlice(arrayCompact(arrayMap(x -> x.2, arraySort(groupArray((at, toString(event)))))), 1, 10), ' > ') AS path
				FROM events GROUP BY customer)
				GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10`),
		postgres('pg', 'PostgreSQL, window functions and string_agg',
			`SELECT path, count(*) FROM (
				SELECT string_agg(event, ' > ' ORDER BY n) AS path FROM (
					SELECT customer, event, row_number() OVER (PARTITION BY customer ORDER BY at, event) AS n FROM (
						SELECT customer, at, event, lag(event) OVER (PARTITION BY customer ORDER BY at, event) AS before FROM events) b
					WHERE event IS DISTINCT FROM before) n
				WHERE n <= 10 GROUP BY customer) p
				GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10`, { settings: MEMORY }),
		journeys,
	],
};

const mapPaths = {
	name: 'map_paths',
	title: 'The ten most common paths up to the completion of the funnel, from rows',
	ours: 'view',
	floor: 'journeys',
	aims: [],
	variants: [
		map('view', 'cjm, the view paths of a map',
			'SELECT path, customers, converted FROM bench_map.paths ORDER BY 2 DESC, 1 LIMIT 10'),
		postgres('pg', 'PostgreSQL, joins, window functions and string_agg',
			`WITH ${REACHED}
				SELECT path, count(*), count(r4) FROM (
					SELECT string_agg(event, ' > ' ORDER BY n) AS path, min(r4) AS r4 FROM (
						SELECT customer, event, r4, row_number() OVER (PARTITION BY customer ORDER BY at, event) AS n FROM (
							SELECT e.customer, e.at, e.event, r.r4, lag(e.event) OVER (PARTITION BY e.customer ORDER BY e.at, e.event) AS before
							FROM events e LEFT JOIN reached r ON r.customer = e.customer WHERE r.r4 IS NULL OR e.at <= r.r4) b
						WHERE event IS DISTINCT FROM before) n
					WHERE n <= 10 GROUP BY customer) p
				GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10`, { settings: MEMORY }),
		journeys,
	],
};

module.exports = { setup, questions: [touchpoints, stages, transitions, paths, mapPaths] };
