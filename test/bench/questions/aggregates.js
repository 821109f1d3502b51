//
// aggregates.js: one answer per customer straight from rows: what the call costs
// beside the plainest one.
//
'use strict';

const { MEMORY, STEPS, CH_WINDOW_FUNNEL, ours, clickhouse, floor, conditions } = require('./variants');

const perCustomer = (key, call, answer, needs) =>
	ours(key, `cjm, ${key}`, `SELECT ${answer} FROM (SELECT ${call} AS answer FROM plain GROUP BY customer) AS c`,
		{ asks: key, settings: MEMORY, needs });
const countSteps = (condition) =>
	STEPS.map((step, n) => `count(*) FILTER (WHERE ${condition(n + 1)})`).join(', ');

const aggregates = {
	name: 'aggregates',
	title: 'One answer per customer straight from rows',
	ours: 'window_funnel',
	floor: 'count_filter',
	aims: ['window_funnel', 'retention', 'first_touch', 'journey_agg'].map((key) =>
		[`${key} per customer, of plain counts`, [key], ['count_filter'], 1.6]),
	variants: [
		perCustomer('window_funnel', `cjm.window_funnel('7 days', at, ${conditions()})`,
			countSteps((n) => `answer >= ${n}`), 'window_funnel(interval,timestamptz,boolean[])'),
		perCustomer('retention', `cjm.retention(${conditions()})`,
			countSteps((n) => `answer[${n}]`), 'retention(boolean[])'),
		perCustomer('first_touch', 'cjm.first_touch(at, event)', "count(*) FILTER (WHERE answer = 'visit')",
			'first_touch(timestamptz,anyelement)'),
		perCustomer('journey_agg', 'cjm.journey_agg(at, event)', 'sum(cjm.touch_count(answer))'),
		clickhouse('ch_window_funnel', 'ClickHouse, windowFunnel',
			CH_WINDOW_FUNNEL, { asks: 'window_funnel' }),
		clickhouse('ch_retention', 'ClickHouse, retention',
			`SELECT ${STEPS.map((step, n) => `sum(answer[${n + 1}])`).join(', ')}
				FROM (SELECT retention(${conditions()}) AS answer FROM events GROUP BY customer)`,
			{ asks: 'retention' }),
		clickhouse('ch_first_touch', 'ClickHouse, argMin',
			"SELECT countIf(answer = 'visit') FROM (SELECT argMin(event, at) AS answer FROM events GROUP BY customer)",
			{ asks: 'first_touch' }),
		floor('count_filter', '4 count(*) FILTER',
			`SELECT ${STEPS.map((step, n) => `sum(c${n})`).join(', ')} FROM (SELECT
				${STEPS.map((step, n) => `count(*) FILTER (WHERE event = '${step}') AS c${n}`).join(', ')}
				FROM plain GROUP BY customer) AS c`, { settings: MEMORY }),
	],
};

module.exports = { questions: [aggregates] };
