//
// markov.js: data-driven attribution of stored journeys.
//
// Shapley values have peers: SQL can divide each conversion among the channels
// that led to it.  Of removal effects, for which SQL would have to solve systems
// of equations, the price beside reading the journeys is shown.
//
'use strict';

const { MEMORY, ours, clickhouse, duckdb, postgres, floor } = require('./variants');

const credits = (call) => `
	SELECT coalesce(c.channel, ''), round(c.conversions * 10000)::bigint
	FROM (SELECT cjm.${call} AS credits FROM journeys) AS m, unnest(m.credits) AS c ORDER BY 1`;

// A touchpoint leads to the first purchases at or after it, between which and it lies no other.
const parts = (hasChannel, integer) => `
	SELECT coalesce(channel, '') AS name, ${integer('round(sum(conversions * 1.0 / CASE WHEN channels > 0 THEN channels ELSE 1 END) * 10000)')}
	FROM (SELECT customer, at AS until, count(*) AS conversions FROM events WHERE event = 'purchase' GROUP BY customer, at) AS c
	LEFT JOIN (SELECT customer, until, channel, count(*) OVER (PARTITION BY customer, until) AS channels
		FROM (SELECT DISTINCT customer, until, channel
			FROM (SELECT customer, event, channel, min(CASE WHEN event = 'purchase' THEN at END) OVER (PARTITION BY customer
				ORDER BY at RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS until FROM events) AS t
			WHERE event <> 'purchase' AND ${hasChannel} AND until IS NOT NULL) AS d) AS p USING (customer, until)
	GROUP BY 1 ORDER BY 1`;

const markov = {
	name: 'markov',
	title: 'Data-driven attribution: Markov chains, Shapley values',
	ours: 'order_1',
	floor: 'count_journey',
	aims: [['Shapley values, of SQL window functions', ['shapley'], ['ch_shapley', 'duck_shapley', 'pg_shapley'], 1]],
	variants: [
		ours('order_1', 'cjm, markov_attribution', credits("markov_attribution(journey, 'purchase')"),
			{ asks: 'order 1' }),
		ours('order_2', 'cjm, markov_attribution of order 2', credits("markov_attribution(journey, 'purchase', 2)"),
			{ asks: 'order 2' }),
		ours('shapley', 'cjm, shapley_attribution', credits("shapley_attribution(journey, 'purchase')"),
			{ asks: 'shapley' }),
		clickhouse('ch_shapley', 'ClickHouse, window functions', parts("channel != ''", (x) => `toInt64(${x})`),
			{ asks: 'shapley' }),
		{ ...duckdb('duck_shapley', 'DuckDB, window functions', parts('channel IS NOT NULL', (x) => `(${x})::BIGINT`)), asks: 'shapley' },
		postgres('pg_shapley', 'PostgreSQL, window functions', parts('channel IS NOT NULL', (x) => `(${x})::bigint`),
			{ asks: 'shapley', settings: MEMORY }),
		floor('count_journey', 'count(journey)', 'SELECT count(journey) FROM journeys'),
	],
};

module.exports = { questions: [markov] };
