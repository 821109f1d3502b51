//
// funnel.js: one funnel, asked of stored journeys, of rows, and of the others.
//
'use strict';

const {
	MEMORY, DEFINITION, STEPS, WITHIN_US, LIST, CH_WINDOW_FUNNEL,
	ours, clickhouse, duckdb, postgres, floor, conditions, counts, chCounts, windowFunnelSql,
} = require('./variants');

const setup = {
	ch: () => [
		`CREATE TABLE states (customer UInt64,
			state AggregateFunction(windowFunnel(${WITHIN_US}), UInt64, UInt8, UInt8, UInt8, UInt8))
			ENGINE = MergeTree ORDER BY customer`,
		`INSERT INTO states SELECT customer, windowFunnelState(${WITHIN_US})(at, ${conditions()})
			FROM events GROUP BY customer`,
		'OPTIMIZE TABLE states FINAL',
	],
};

// The query of windowFunnelSql by joining each step to the last row of the step before, which has the latest start.
const asofFunnelSql = counts(`
	SELECT customer, max(step) AS step FROM (
		SELECT customer, 1 AS step FROM s1
		UNION ALL SELECT customer, 2 FROM s2 WHERE at - started <= INTERVAL 7 DAY
		UNION ALL SELECT customer, 3 FROM s3 WHERE at - started <= INTERVAL 7 DAY
		UNION ALL SELECT customer, 4 FROM s4 WHERE at - started <= INTERVAL 7 DAY)
	GROUP BY customer`).replace(/^/, `
	WITH s1 AS MATERIALIZED (SELECT customer, at, at AS started FROM events WHERE event = 'view'),
		${[2, 3, 4].map((n) => `s${n} AS MATERIALIZED (SELECT e.customer, e.at, b.started
			FROM events AS e ASOF JOIN s${n - 1} AS b ON e.customer = b.customer AND e.at >= b.at
			WHERE e.event = '${STEPS[n - 1]}')`).join(', ')}
	`);

const ROWS_TO_JOURNEYS = 'SELECT customer, cjm.journey_agg(at, event) AS journey FROM plain GROUP BY customer';
const journeyFunnel = (from) =>
	`SELECT r.customers FROM (SELECT cjm.funnel_agg(journey, '${DEFINITION}') AS stats FROM ${from}) AS f,
		cjm.report(f.stats) AS r ORDER BY r.step`;

const FROM_ROWS = ['rows_agg', 'rows_journey', 'rows_journey_memory'];
const CH_EVENTS = ['ch_events', 'ch_events_once', 'ch_filtered', 'ch_sorted'];

const funnel = {
	name: 'funnel',
	title: `Customers per step of "${DEFINITION}"`,
	ours: 'stored',
	floor: 'count_journey',
	aims: [
		['stored funnel, of ClickHouse windowFunnel as it is mostly written', ['stored'], ['ch_events'], 1 / 5],
		['stored funnel, of ClickHouse over its event table in any form', ['stored'], CH_EVENTS, 1 / 5],
		['stored funnel, of ClickHouse over stored arrays', ['stored'], ['ch_arrays'], 1],
		['stored funnel, of count(journey)', ['stored'], ['count_journey'], 1.6],
		['stored funnel with channel and value, of count(journey)', ['stored_full'], ['count_journey_full'], 1.6],
		['funnel from rows, of ClickHouse over its event table in any form', FROM_ROWS, CH_EVENTS, 1.2],
		['funnel from rows, of the best window query in PostgreSQL', FROM_ROWS, ['pg_window'], 1 / 5],
		["funnel from rows, of DuckDB's best", FROM_ROWS, ['duck_window', 'duck_asof'], 0.4],
	],
	variants: [
		ours('stored', 'cjm, funnel_agg over stored journeys',
			journeyFunnel('journeys_plain')),
		ours('stored_step', 'cjm, funnel_step over stored journeys',
			counts(`SELECT cjm.funnel_step(journey, '${DEFINITION}') AS step, count(*) AS customers FROM journeys_plain GROUP BY 1`,
				(n) => `(sum(customers) FILTER (WHERE step >= ${n}))::bigint`)),
		ours('stored_full', 'cjm, funnel_agg over journeys with channel and value',
			journeyFunnel('journeys')),
		ours('rows_journey', 'cjm, rows to journeys to funnel_agg',
			journeyFunnel(`(${ROWS_TO_JOURNEYS}) AS j`)),
		ours('rows_journey_memory', 'cjm, rows to journeys to funnel_agg',
			journeyFunnel(`(${ROWS_TO_JOURNEYS}) AS j`), { settings: MEMORY }),
		ours('rows_agg', 'cjm, funnel_agg straight from rows',
			journeyFunnel('plain').replace('(journey,', '(customer, at, event,'),
			{ needs: 'funnel_agg(anycompatible,timestamptz,text,cjm.funnel)' }),
		clickhouse('ch_events', 'ClickHouse, windowFunnel over events',
			CH_WINDOW_FUNNEL),
		clickhouse('ch_events_once', "ClickHouse, windowFunnel 'strict_once' over events",
			CH_WINDOW_FUNNEL.replace(`(${WITHIN_US})`, `(${WITHIN_US}, 'strict_once')`)),
		clickhouse('ch_filtered', 'ClickHouse, windowFunnel over the events of the funnel',
			chCounts(`SELECT windowFunnel(${WITHIN_US})(at, ${conditions()}) AS step FROM events
				WHERE event IN (${LIST}) GROUP BY customer`)),
		clickhouse('ch_sorted', 'ClickHouse, the same over events in order of customer',
			chCounts(`SELECT windowFunnel(${WITHIN_US})(at, ${conditions()}) AS step FROM by_customer
				WHERE event IN (${LIST}) GROUP BY customer`) + ' SETTINGS optimize_aggregation_in_order = 1'),
		clickhouse('ch_arrays', 'ClickHouse, windowFunnel over stored arrays',
			chCounts(`SELECT arrayReduce('windowFunnel(${WITHIN_US})', at,
				${STEPS.map((step) => `arrayMap(e -> e = '${step}', event)`).join(', ')}) AS step FROM arrays`)),
		clickhouse('ch_states', 'ClickHouse, stored windowFunnelState of this one funnel',
			chCounts('SELECT finalizeAggregation(state) AS step FROM states')),
		duckdb('duck_window', 'DuckDB, window functions',
			windowFunnelSql('at - INTERVAL 7 DAY')),
		duckdb('duck_asof', 'DuckDB, ASOF joins',
			asofFunnelSql),
		postgres('pg_window', 'PostgreSQL, window functions',
			windowFunnelSql("at - interval '168 hours'"), { settings: MEMORY }),
		floor('count_journey', 'count(journey)',
			'SELECT count(journey) FROM journeys_plain'),
		floor('count_journey_full', 'count(journey) with channel and value',
			'SELECT count(journey) FROM journeys'),
		floor('count_events', 'count(*) of the events',
			'SELECT count(*) FROM plain'),
	],
};

module.exports = { setup, questions: [funnel] };
