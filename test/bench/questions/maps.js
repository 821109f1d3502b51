//
// maps.js: the views and reports of a journey map over the event table, beside
// the same asked of the others by hand.
//
// A map keeps nothing: each view makes the journeys of all customers first, and
// that alone is the floor.  A second map reads journeys that are stored, as
// doc/maps.md tells how.
//
'use strict';

const {
	MEMORY, DEFINITION, STEPS, WITHIN_US, CH_WINDOW_FUNNEL,
	ours, clickhouse, floor, conditions,
} = require('./variants');
const { questions: [funnel] } = require('./funnel');
const { questions: [sessions, retention] } = require('./journeys');

const GAP_US = 1800 * 1000000;
const AWAY_US = 30 * 86400 * 1000000;

const setup = {
	pg: () => [
		`SELECT cjm.create_map('shop', 'events', 'customer', 'at', 'event', '${DEFINITION}', channel => 'channel',
			value => 'value', segment => 'channel', time_zone => 'UTC')`,
		`SELECT cjm.create_map('kept', 'events', 'customer', 'at', 'event', '${DEFINITION}', channel => 'channel',
			value => 'value', segment => 'channel', time_zone => 'UTC')`,
		'CREATE TABLE kept_journeys AS SELECT * FROM kept.journeys',
		'VACUUM ANALYZE kept_journeys',
		'CREATE OR REPLACE VIEW kept.journeys AS SELECT * FROM kept_journeys',
	],
};

// A view or report, and the same by hand: text and query of ClickHouse, or variants borrowed from another question.
const view = (name, sql, ...peers) => [
	ours(name, `cjm, ${name}`, sql, { asks: name, settings: MEMORY }),
	ours(`${name}_kept`, `cjm, ${name} of stored journeys`, sql.replace(/\bshop\b/g, 'kept'), { asks: name, settings: MEMORY }),
	...peers.map((made) => ({ ...made, key: `${made.key}_${name}`, label: `${made.label} (${name})`, asks: name })),
];
// All columns of a view, where the query by hand works out few.
const whole = (name, sql) => view(`${name}_whole`, sql).map((made) =>
	({ ...made, label: made.label.replace('_whole', ' with all columns'), asks: name }));
const peer = (label, sql) => clickhouse('ch', `ClickHouse, ${label}`, sql);
const borrowed = ({ variants }, ...keys) => variants.filter(({ key }) => keys.includes(key));

//
// ClickHouse
//

const STEP = `windowFunnel(${WITHIN_US})(at, ${conditions()})`;
const perStep = STEPS.map((step, n) => `countIf(step >= ${n + 1})`).join(', ');
const day = (at) => `toDate(intDiv(${at}, 86400000000))`;

// All rows of each customer in the order that touchpoints have.
const ROWS = 'arraySort(groupArray((at, event, channel)))';

// Each session as an array of rows; the places of channels that it has not are ''.
const SESSIONS = `SELECT customer, s, number,
		arrayFirst(c -> c != '', arrayMap(c -> toString(c), s.3)) AS session_channel
	FROM (SELECT customer, ${ROWS} AS rows,
			arraySplit((row, d) -> d > ${GAP_US}, rows, arrayDifference(rows.1)) AS split
		FROM events GROUP BY customer)
	ARRAY JOIN split AS s, arrayEnumerate(split) AS number`;

// The step of the walks that begin in each period: rows are in their own one, and in that of a walk that may reach them.
const byEntry = (period) => `SELECT entered, ${perStep} FROM (
		SELECT customer, entered, windowFunnel(${WITHIN_US})(at, event = 'view' AND entered = ${period('at')},
			${STEPS.slice(1).map((step) => `event = '${step}'`).join(', ')}) AS step
		FROM events ARRAY JOIN arrayDistinct([${period('at')}, ${period(`(at - ${WITHIN_US})`)}]) AS entered
		GROUP BY customer, entered)
	WHERE step > 0 GROUP BY entered ORDER BY entered`;

const week = (at) => `toMonday(${day(at)})`;
const month = (at) => `toStartOfMonth(${day(at)})`;

//
// The question; of many columns some are compared
//

// A row for each group, with the customers of every step.
const stepColumns = (group, from) => `SELECT g, string_agg(customers::text, ' ' ORDER BY step)
	FROM (SELECT ${group} AS g, step, customers FROM ${from}) AS f GROUP BY g ORDER BY g`;

const variants = [
	...view('journeys',
		'SELECT count(*), sum(cjm.touch_count(journey)) FROM shop.journeys',
		peer('a sorted groupArray of all columns', `SELECT count(), sum(length(rows))
			FROM (SELECT arraySort(groupArray((at, event, channel, value))) AS rows FROM events GROUP BY customer)`)),

	...view('customers',
		'SELECT count(*), sum(step), sum(touches), sum(sessions) FROM shop.customers',
		peer('windowFunnel and sorted times', `SELECT count(), sum(step), sum(touches), sum(sessions)
			FROM (SELECT ${STEP} AS step, count() AS touches,
					1 + arrayCount(d -> d > ${GAP_US}, arrayDifference(arraySort(groupArray(at)))) AS sessions
				FROM events GROUP BY customer)`)),

	...whole('customers', 'SELECT count(c), sum(c.step), sum(c.touches), sum(c.sessions) FROM shop.customers AS c'),

	...view('funnel',
		'SELECT customers FROM shop.funnel ORDER BY step',
		peer('windowFunnel', CH_WINDOW_FUNNEL),
		...borrowed(funnel, 'duck_window', 'duck_asof')),

	...view('funnel_by_segment',
		stepColumns("coalesce(segment, '') COLLATE \"C\"", 'shop.funnel_by_segment'),
		peer('windowFunnel and argMin', `SELECT segment, ${perStep}
			FROM (SELECT argMinIf(channel, (at, channel), channel != '') AS segment, ${STEP} AS step FROM events
				GROUP BY customer)
			GROUP BY segment ORDER BY segment`)),

	...view('funnel_by_week',
		stepColumns('week::text', 'shop.funnel_by_week'),
		peer('windowFunnel of each week', byEntry(week))),

	...view('drop_off',
		'SELECT step, last_event, customers + open_customers FROM shop.drop_off ORDER BY step, last_event COLLATE "C"',
		peer('windowFunnel and argMax', `SELECT step, last_event, count()
			FROM (SELECT ${STEP} AS step, argMax(event, (at, event)) AS last_event FROM events GROUP BY customer)
			WHERE step BETWEEN 1 AND ${STEPS.length - 1} GROUP BY 1, 2 ORDER BY 1, 2`)),

	...view('sessions',
		'SELECT count(*), count(*) FILTER (WHERE bounced) FROM shop.sessions',
		...borrowed(sessions, 'ch_arrays', 'ch_window', 'duck_window')),

	...whole('sessions', 'SELECT count(s), count(*) FILTER (WHERE s.bounced) FROM shop.sessions AS s'),

	...view('bounce',
		`SELECT event, coalesce(channel, '') AS channel, sessions, bounces, containing, exits FROM shop.bounce
			ORDER BY event COLLATE "C", coalesce(channel, '') COLLATE "C"`,
		peer('sorted groupArray and arraySplit', `SELECT e, session_channel, countIf(e = s[1].2),
				countIf(e = s[1].2 AND length(s) = 1), count(), countIf(e = s[-1].2)
			FROM (${SESSIONS}) ARRAY JOIN arrayDistinct(arrayMap(e -> toString(e), s.2)) AS e
			GROUP BY 1, 2 ORDER BY 1, 2`)),

	...view('retention',
		`SELECT extract(month FROM cohort)::integer, extract(month FROM period)::integer, retained FROM shop.retention
			WHERE retained > 0 ORDER BY 1, 2`,
		...borrowed(retention, 'ch_events', 'ch_by_customer', 'duck')),

	...view('funnel_report',
		stepColumns("(bucket_start AT TIME ZONE 'UTC')::date::text", "cjm.funnel_report('shop', bucket => 'month')"),
		peer('windowFunnel of each month', byEntry(month))),

	...view('drop_off_report',
		`SELECT step, coalesce(by_value, ''), customers + open_customers FROM cjm.drop_off_report('shop', 'first_channel')
			ORDER BY step, coalesce(by_value, '') COLLATE "C"`,
		peer('windowFunnel and argMin', `SELECT step, segment, count()
			FROM (SELECT ${STEP} AS step, tupleElement(arrayFirst(row -> row.3 != '', ${ROWS}), 3) AS segment FROM events
				GROUP BY customer)
			WHERE step BETWEEN 1 AND ${STEPS.length - 1} GROUP BY 1, 2 ORDER BY 1, 2`)),

	...view('session_report',
		`SELECT coalesce(by_value, ''), (bucket_start AT TIME ZONE 'UTC')::date::text, sessions, customers, new_sessions, bounces
			FROM cjm.session_report('shop', 'channel', 'month') ORDER BY coalesce(by_value, '') COLLATE "C", 2`,
		peer('sorted groupArray and arraySplit', `SELECT session_channel, ${month('s[1].1')} AS started, count(),
				uniqExact(customer), countIf(number = 1), countIf(length(s) = 1)
			FROM (${SESSIONS}) GROUP BY 1, 2 ORDER BY 1, 2`)),

	...view('retention_report',
		`SELECT cohort::text, number, retained FROM cjm.retention_report('shop', 'week', kind => 'on_or_after')
			WHERE retained > 0 ORDER BY 1, 2`,
		peer('first and last week', `SELECT cohort, number, count()
			FROM (SELECT ${week('min(at)')} AS cohort, ${week('max(at)')} AS latest FROM events GROUP BY customer)
			ARRAY JOIN range(toUInt32(intDiv(latest - cohort, 7) + 1)) AS number
			GROUP BY 1, 2 ORDER BY 1, 2`)),

	...view('lifecycle_report',
		`SELECT extract(month FROM period_start)::integer, new_customers, returning_customers, resurrected_customers
			FROM cjm.lifecycle_report('shop') WHERE active_customers > 0 ORDER BY 1`,
		peer('groupUniqArray of months', `SELECT m, countIf(since = 0), countIf(since = 1), countIf(since > 1)
			FROM (SELECT arraySort(groupUniqArray(toMonth(${day('at')}))) AS months FROM events GROUP BY customer)
			ARRAY JOIN months AS m, arrayDifference(months) AS since GROUP BY 1 ORDER BY 1`)),

	...view('purchase_report',
		"SELECT customers, purchases, repeat_customers, (value * 4)::bigint FROM cjm.purchase_report('shop')",
		peer('GROUP BY', `SELECT count(), sum(n), countIf(n > 1), sum(v)
			FROM (SELECT count() AS n, sum(toInt64(ifNull(value, 0) * 4)) AS v FROM events WHERE event = 'purchase'
				GROUP BY customer)`)),

	...view('win_back_report',
		"SELECT step, customers, came_back FROM cjm.win_back_report('shop') ORDER BY step",
		peer('sorted groupArray, arraySplit and windowFunnel', `SELECT step, count(), countIf(came_back)
			FROM (SELECT ${ROWS} AS rows,
					arraySplit((row, d) -> d > ${AWAY_US}, rows, arrayDifference(rows.1)) AS split,
					arrayFirst(s -> has(s.2, 'view'), split) AS s,
					arrayReduce('windowFunnel(${WITHIN_US})', s.1,
						${STEPS.map((step) => `arrayMap(e -> e = '${step}', s.2)`).join(', ')}) AS step,
					rows[-1].1 > s[-1].1 AS came_back
				FROM events GROUP BY customer)
			WHERE step BETWEEN 1 AND ${STEPS.length - 1} GROUP BY step ORDER BY step`)),

	floor('count_journey', 'count(journey) of the map', 'SELECT count(journey) FROM shop.journeys', { settings: MEMORY }),
];

const maps = {
	name: 'maps',
	title: 'Views and reports of a journey map over the event table',
	ours: 'funnel',
	floor: 'count_journey',
	aims: [
		['customers of stored journeys, of ClickHouse over its event table', ['customers_kept'], ['ch_customers'], 1],
		['sessions of stored journeys, of ClickHouse over its event table', ['sessions_kept'], ['ch_arrays_sessions', 'ch_window_sessions'], 1],
		['bounce of stored journeys, of ClickHouse over its event table', ['bounce_kept'], ['ch_bounce'], 1],
		['funnel_by_week of stored journeys, of ClickHouse over its event table', ['funnel_by_week_kept'], ['ch_funnel_by_week'], 1],
		['retention_report of stored journeys, of ClickHouse over its event table', ['retention_report_kept'], ['ch_retention_report'], 1],
		['purchase_report of stored journeys, of ClickHouse over its event table', ['purchase_report_kept'], ['ch_purchase_report'], 1],
		["journeys of a map, of ClickHouse's groupArray", ['journeys'], ['ch_journeys'], 1.2],
	],
	variants,
};

module.exports = { setup, questions: [maps] };
