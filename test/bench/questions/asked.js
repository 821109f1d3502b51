//
// asked.js: what a report costs when more is asked of it, over kept journeys: by a
// dimension of the customers, with values, and by the sessions that the data name.
//
'use strict';

const { MEMORY, DEFINITION, STEPS, WITHIN_US, ours, clickhouse, floor, conditions } = require('./variants');

// Days in UTC stand for sessions that a tracker numbers.
const MAP = (name, more) => `SELECT cjm.create_map('${name}', 'events', 'customer', 'at', 'event', '${DEFINITION}', channel => 'channel',
	value => 'value', time_zone => 'UTC', keep => true, ${more})`;

const setup = {
	pg: () => [
		MAP('asked', `dimensions => '{"letter": "left(event, 1)"}'`),
		MAP('numbered', `session => $$((at AT TIME ZONE 'UTC')::date - date '2000-01-01')::text$$`),
		"SELECT cjm.refresh_journeys('asked')",
		"SELECT cjm.refresh_journeys('numbered')",
		'VACUUM ANALYZE asked.kept_journeys',
		'VACUUM ANALYZE numbered.kept_journeys',
	],
};

// A report by a dimension, at most half as much again as the whole; peers, where an engine has a form of it.
const split = (report, title, columns, order, peers = []) => ({
	name: `${report}_by_dimension`,
	title: `${title}, by one dimension of customers`,
	ours: 'by_one',
	floor: 'whole',
	aims: [[`${report} by a dimension, of the same not broken down`, ['by_one'], ['whole'], 1.5]],
	variants: [
		ours('by_one', `cjm, ${report} over kept journeys by one dimension`, `SELECT ${columns} FROM cjm.${report}('asked', by => 'letter') ORDER BY ${order}`, { settings: MEMORY }),
		...peers,
		floor('whole', `${report} over kept journeys, not broken down`, `SELECT ${columns} FROM cjm.${report}('asked') ORDER BY ${order}`, { settings: MEMORY }),
	],
});

const funnel = split('funnel_report', 'The funnel', 'by_value, step, customers', '1, 2', [
	clickhouse('ch_by_one', 'ClickHouse, windowFunnel and argMin over its event table',
		`SELECT letter, n, countIf(step >= n) FROM (SELECT windowFunnel(${WITHIN_US})(at, ${conditions()}) AS step,
				argMin(substring(toString(event), 1, 1), (at, toString(event))) AS letter FROM events GROUP BY customer)
			ARRAY JOIN [${STEPS.map((step, n) => n + 1).join(', ')}] AS n GROUP BY 1, 2 ORDER BY 1, 2`),
]);

const values = {
	name: 'step_values',
	title: 'The funnel with the values of what walks took',
	ours: 'values',
	floor: 'funnel',
	aims: [],
	variants: [
		ours('values', 'cjm, funnel_report with values over kept journeys', "SELECT step, customers, value_sum FROM cjm.funnel_report('asked', value => true) ORDER BY step", { settings: MEMORY }),
		floor('funnel', 'funnel_report over kept journeys', "SELECT step, customers FROM cjm.funnel_report('asked') ORDER BY step", { settings: MEMORY }),
	],
};

const sessions = {
	name: 'named_sessions',
	title: 'Sessions that the data name: how many, of how many touchpoints, and of one alone',
	ours: 'sessions',
	floor: 'gaps',
	aims: [],
	variants: [
		ours('sessions', 'cjm, the view sessions over kept journeys', 'SELECT count(*), sum(touches), count(*) FILTER (WHERE touches = 1) FROM numbered.sessions', { settings: MEMORY }),
		clickhouse('ch_group', 'ClickHouse, GROUP BY over its event table',
			'SELECT count(), sum(n), countIf(n = 1) FROM (SELECT count() AS n FROM events GROUP BY customer, intDiv(at, 86400000000))'),
		floor('gaps', 'the view sessions of a map whose sessions end with a gap', 'SELECT count(*), sum(touches), count(*) FILTER (WHERE touches = 1) FROM asked.sessions', { settings: MEMORY }),
	],
};

module.exports = {
	setup,
	questions: [
		funnel,
		split('touchpoint_report', 'What is met at each stage', 'by_value, step, touchpoint, customers', '1, 2, 3'),
		split('channels_report', 'What channels brought', 'by_value, channel, visits, conversions', '1, 2'),
		split('session_report', 'Sessions', 'by_value, sessions, bounces', '1'),
		split('funnel_drivers', 'What goes with converting', 'by_value, kind, driver, with_customers, odds_ratio', '1, 2, 3'),
		split('lifecycle_report', 'Who came and went', 'by_value, period_start, active_customers', '1, 2'),
		values,
		sessions,
	],
};
