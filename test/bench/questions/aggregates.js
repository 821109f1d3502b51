//
// aggregates.js: one answer per customer straight from rows: what the call costs
// beside the plainest one, and patterns of events also of stored journeys.
//
'use strict';

const {
	MEMORY, STEPS, CH_WINDOW_FUNNEL, ours, clickhouse, postgres, floor, conditions, windowFunnelSql,
} = require('./variants');

// With a worker, if the planner wants one, and without: then nothing is handed from process to process.
const ALONE = { ...MEMORY, max_parallel_workers_per_gather: '0' };
const twice = (make) => [make('', MEMORY), make('_alone', ALONE)];
const perCustomer = (key, call, answer, needs) => twice((suffix, settings) =>
	ours(key + suffix, `cjm, ${key}`, `SELECT ${answer} FROM (SELECT ${call} AS answer FROM plain GROUP BY customer) AS c`,
		{ asks: key, settings, needs }));
const COUNTED = ['window_funnel', 'retention', 'first_touch', 'sequence_match', 'sequence_count', 'sequence_next_node', 'journey_agg'];
const OVER = 'OVER (PARTITION BY customer ORDER BY at)';
const IN_ORDER = '(?1).*(?2).*(?4)';
const PAIR = '(?1).*(?2)';

// ClickHouse takes rows of one time as they come, from run to run another way; so they are put in order as ours are.
const CH_AT = `at * 4 + (event = 'cart') + 2 * (event = 'checkout') + 3 * (event = 'purchase')`;

const countSteps = (condition) =>
	STEPS.map((step, n) => `count(*) FILTER (WHERE ${condition(n + 1)})`).join(', ');

const aggregates = {
	name: 'aggregates',
	title: 'One answer per customer straight from rows',
	ours: 'window_funnel',
	floor: 'count_filter',
	aims: [
		...COUNTED.map((key) => [`${key} per customer, of plain counts`, [key], ['count_filter'], 1.6]),
		...COUNTED.map((key) => [`the same without a worker: ${key}`, [`${key}_alone`], ['count_filter_alone'], 1.6]),
		...['window_funnel', 'sequence_match', 'sequence_count', 'sequence_next_node', 'retention'].map((key) =>
			[`${key}, of the best window query in PostgreSQL`, [key, `${key}_where`], [`pg_${key}`], 1 / 2]),
	],
	variants: [
		...perCustomer('window_funnel', `cjm.window_funnel('7 days', at, ${conditions()})`,
			countSteps((n) => `answer >= ${n}`), 'window_funnel(interval,timestamptz,"any")'),
		...perCustomer('retention', `cjm.retention(${conditions()})`,
			countSteps((n) => `answer[${n}]`), 'retention("any")'),
		...perCustomer('first_touch', 'cjm.first_touch(at, event)', "count(*) FILTER (WHERE answer = 'visit')",
			'first_touch(timestamptz,anyelement)'),
		...perCustomer('sequence_match', `cjm.sequence_match('${IN_ORDER}', at, ${conditions()})`,
			'count(*) FILTER (WHERE answer)', 'sequence_match(text,timestamptz,"any")'),
		...perCustomer('sequence_count', `cjm.sequence_count('${PAIR}', at, ${conditions()})`,
			'sum(answer)', 'sequence_count(text,timestamptz,"any")'),
		// With the WHERE of the window query: there are customers of whom no row is left, and no match.
		ours('sequence_count_where', 'cjm, sequence_count of the events that it asks for',
			`SELECT sum(answer) FROM (SELECT cjm.sequence_count('${PAIR}', at, event = 'view', event = 'cart') AS answer
				FROM plain WHERE event IN ('view', 'cart') GROUP BY customer) AS c`,
			{ asks: 'sequence_count', settings: MEMORY, needs: 'sequence_count(text,timestamptz,"any")' }),
		...perCustomer('sequence_next_node',
			"cjm.sequence_next_node('forward', 'first_match', at, event, true, event = 'cart')",
			"count(answer), count(*) FILTER (WHERE answer = 'checkout')",
			'sequence_next_node(text,text,timestamptz,text,boolean,"any")'),
		...perCustomer('journey_agg', 'cjm.journey_agg(at, event)', 'sum(cjm.touch_count(answer))'),
		clickhouse('ch_window_funnel', 'ClickHouse, windowFunnel',
			CH_WINDOW_FUNNEL, { asks: 'window_funnel' }),
		clickhouse('ch_retention', 'ClickHouse, retention',
			`SELECT ${STEPS.map((step, n) => `sum(answer[${n + 1}])`).join(', ')}
				FROM (SELECT retention(${conditions()}) AS answer FROM events GROUP BY customer)`,
			{ asks: 'retention' }),
		clickhouse('ch_first_touch', 'ClickHouse, argMin',
			"SELECT countIf(answer = 'visit') FROM (SELECT argMin(event, at) AS answer FROM events GROUP BY customer)",
			{ asks: 'first_touch' }),
		clickhouse('ch_sequence_match', 'ClickHouse, sequenceMatch',
			`SELECT countIf(answer) FROM (SELECT sequenceMatch('${IN_ORDER}')(${CH_AT}, ${conditions()}) AS answer
				FROM events GROUP BY customer)`, { asks: 'sequence_match' }),
		clickhouse('ch_sequence_count', 'ClickHouse, sequenceCount',
			`SELECT sum(answer) FROM (SELECT sequenceCount('${PAIR}')(${CH_AT}, ${conditions()}) AS answer
				FROM events GROUP BY customer)`, { asks: 'sequence_count' }),
		// Its sequenceNextNode keeps 32 bits of a time, which do not hold microseconds.
		clickhouse('ch_sequence_next_node', 'ClickHouse, next event in a sorted groupArray',
			`SELECT count(), countIf(rows[cart + 1].2 = 'checkout')
				FROM (SELECT arraySort(groupArray((at, event))) AS rows, arrayFirstIndex(row -> row.2 = 'cart', rows) AS cart
					FROM events GROUP BY customer)
				WHERE cart > 0 AND cart < length(rows)`, { asks: 'sequence_next_node' }),
		postgres('pg_window_funnel', 'PostgreSQL, window functions',
			windowFunnelSql("at - interval '168 hours'", 'plain'), { asks: 'window_funnel', settings: MEMORY }),
		postgres('pg_sequence_match', 'PostgreSQL, window functions',
			`SELECT count(DISTINCT customer) FROM (
				SELECT *, min(CASE WHEN event = 'cart' AND at >= viewed THEN at END) ${OVER} AS carted FROM (
					SELECT *, min(CASE WHEN event = 'view' THEN at END) ${OVER} AS viewed
					FROM plain WHERE event IN ('view', 'cart', 'purchase')) AS a) AS b
				WHERE event = 'purchase' AND at >= carted`, { asks: 'sequence_match', settings: MEMORY }),
		// A cart ends a match if the row before it, of these, is a view.
		postgres('pg_sequence_count', 'PostgreSQL, window functions',
			`SELECT count(*) FROM (SELECT event, lag(event) OVER (PARTITION BY customer ORDER BY at, event = 'cart') AS before
				FROM plain WHERE event IN ('view', 'cart')) AS a
				WHERE event = 'cart' AND before = 'view'`, { asks: 'sequence_count', settings: MEMORY }),
		postgres('pg_sequence_next_node', 'PostgreSQL, window functions',
			`SELECT count(next), count(*) FILTER (WHERE next = 'checkout') FROM (
				SELECT event, lead(event) OVER rows AS next, count(*) FILTER (WHERE event = 'cart') OVER rows AS carts
					FROM plain WINDOW rows AS (PARTITION BY customer ORDER BY at, event ROWS UNBOUNDED PRECEDING)) AS a
				WHERE event = 'cart' AND carts = 1`, { asks: 'sequence_next_node', settings: MEMORY }),
		postgres('pg_retention', 'PostgreSQL, window functions',
			`SELECT ${STEPS.map((step, n) => `count(*) FILTER (WHERE m1 AND m${n + 1})`).join(', ')} FROM (
				SELECT row_number() OVER rows AS n, ${STEPS.map((step, n) => `bool_or(event = '${step}') OVER rows AS m${n + 1}`).join(', ')}
					FROM plain WINDOW rows AS (PARTITION BY customer ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)) AS a
				WHERE n = 1`, { asks: 'retention', settings: MEMORY }),
		// It needs no window query, and nobody would write one.
		postgres('pg_retention_grouped', 'PostgreSQL, 4 bool_or by customer, no window',
			`SELECT ${STEPS.map((step, n) => `count(*) FILTER (WHERE m1 AND m${n + 1})`).join(', ')} FROM (
				SELECT ${STEPS.map((step, n) => `bool_or(event = '${step}') AS m${n + 1}`).join(', ')} FROM plain GROUP BY customer) AS a`,
			{ asks: 'retention', settings: MEMORY }),
		...twice((suffix, settings) => floor(`count_filter${suffix}`, '4 count(*) FILTER',
			`SELECT ${STEPS.map((step, n) => `sum(c${n})`).join(', ')} FROM (SELECT
				${STEPS.map((step, n) => `count(*) FILTER (WHERE event = '${step}') AS c${n}`).join(', ')}
				FROM plain GROUP BY customer) AS c`, { settings })),
	],
};

const patterns = {
	name: 'patterns',
	title: 'Customers with a view, then a cart, then a purchase, and how often a cart comes after a view',
	ours: 'matches',
	floor: 'count_journey',
	aims: [
		['matches of stored journeys, of ClickHouse over its event table', ['matches'], ['ch_match', 'ch_match_sorted'], 1],
		['match_count of stored journeys, of ClickHouse over its event table', ['match_count'], ['ch_count'], 1],
	],
	variants: [
		ours('matches', 'cjm, matches over stored journeys',
			"SELECT count(*) FROM journeys_plain WHERE cjm.matches(journey, 'view .* cart .* purchase')",
			{ asks: 'matches' }),
		ours('match_count', 'cjm, match_count over stored journeys',
			"SELECT sum(cjm.match_count(journey, 'view .* cart')) FROM journeys_plain",
			{ asks: 'match_count' }),
		clickhouse('ch_match', 'ClickHouse, sequenceMatch over events',
			`SELECT countIf(answer) FROM (SELECT sequenceMatch('${IN_ORDER}')(${CH_AT}, ${conditions()}) AS answer
				FROM events GROUP BY customer)`, { asks: 'matches' }),
		clickhouse('ch_match_sorted', 'ClickHouse, sequenceMatch over events in order of customer',
			`SELECT countIf(answer) FROM (SELECT sequenceMatch('${IN_ORDER}')(${CH_AT}, ${conditions()}) AS answer
				FROM by_customer GROUP BY customer) SETTINGS optimize_aggregation_in_order = 1`, { asks: 'matches' }),
		clickhouse('ch_count', 'ClickHouse, sequenceCount over events',
			`SELECT sum(answer) FROM (SELECT sequenceCount('${PAIR}')(${CH_AT}, ${conditions()}) AS answer
				FROM events GROUP BY customer)`, { asks: 'match_count' }),
		floor('count_journey', 'count(journey)', 'SELECT count(journey) FROM journeys_plain'),
	],
};

module.exports = { questions: [aggregates, patterns] };
