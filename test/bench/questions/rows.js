//
// rows.js: the funnel straight from rows, nothing stored: by settings, by segment of customers, by what the walk's
// first touchpoint had, by the week in which walks begin.
//
'use strict';

const {
	MEMORY, DEFINITION, STEPS, WITHIN_US, LIST, CH_WINDOW_FUNNEL,
	ours, clickhouse, floor, conditions, chCounts,
} = require('./variants');

const SERIAL = { max_parallel_workers_per_gather: '0' };

const rowsAgg = (key, label, settings) =>
	ours(key, label, `SELECT r.customers FROM (SELECT cjm.funnel_agg(customer, at, event, '${DEFINITION}') AS stats FROM plain) AS f,
		cjm.report(f.stats) AS r ORDER BY r.step`, { settings, needs: 'funnel_agg(anycompatible,timestamptz,text,cjm.funnel)' });
const chFiltered = (first) => `SELECT ${first}windowFunnel(${WITHIN_US})(at, ${conditions()}) AS step FROM events
	WHERE event IN (${LIST}) GROUP BY customer`;
const bySegment = (query) => `SELECT segment, ${STEPS.map((step, n) => `countIf(step >= ${n + 1})`).join(', ')}
	FROM (${query}) AS customers GROUP BY segment ORDER BY segment`;
const oursBySegment = (query) => `SELECT f.segment, ${STEPS.map((step, n) => `max(r.customers) FILTER (WHERE r.step = ${n + 1})`).join(', ')}
	FROM (${query}) AS f, cjm.report(f.stats) AS r GROUP BY 1 ORDER BY 1`;

const rows = {
	name: 'rows',
	title: 'The same funnel straight from rows, nothing stored',
	ours: 'rows_agg',
	floor: 'count_event',
	variants: [
		rowsAgg('rows_agg', 'cjm, funnel_agg from rows'),
		rowsAgg('rows_agg_memory', 'cjm, funnel_agg from rows', MEMORY),
		rowsAgg('rows_agg_serial', 'cjm, funnel_agg from rows', SERIAL),
		clickhouse('ch_events', 'ClickHouse, windowFunnel over events', CH_WINDOW_FUNNEL),
		clickhouse('ch_filtered', 'ClickHouse, windowFunnel over the events of the funnel', chCounts(chFiltered(''))),
		floor('count_event', 'count(event)', 'SELECT count(event) FROM plain'),
		floor('count_event_serial', 'count(event)', 'SELECT count(event) FROM plain', { settings: SERIAL }),
		floor('count_filter', '4 count(*) FILTER, ungrouped',
			`SELECT ${STEPS.map((step) => `count(*) FILTER (WHERE event = '${step}')`).join(', ')} FROM plain`),
	],
};

const rowsSegment = {
	name: 'rows_segment',
	title: 'The same for each of eight segments of customers',
	ours: 'rows_agg',
	floor: 'count_event',
	aims: [['funnel from rows by segment, of ClickHouse', ['rows_agg', 'rows_by'], ['ch_filtered'], 1.2]],
	variants: [
		ours('rows_agg', 'cjm, funnel_agg from rows',
			oursBySegment(`SELECT customer % 8 AS segment, cjm.funnel_agg(customer, at, event, '${DEFINITION}') AS stats
				FROM plain GROUP BY 1`), { needs: 'funnel_agg(anycompatible,timestamptz,text,cjm.funnel)' }),
		ours('rows_by', 'cjm, funnel_agg_by of the segment, from rows',
			oursBySegment(`SELECT g.property::bigint AS segment, g.stats FROM unnest((SELECT cjm.funnel_agg_by(customer, at, event,
				(customer % 8)::text, 'first', '${DEFINITION}') FROM plain)) AS g WHERE g.property IS NOT NULL`),
			{ needs: 'funnel_agg_by(anycompatible,timestamptz,text,text,text,cjm.funnel)' }),
		clickhouse('ch_filtered', 'ClickHouse, windowFunnel over the events of the funnel',
			bySegment(chFiltered('customer % 8 AS segment, '))),
		floor('count_event', 'count(event) by segment', 'SELECT customer % 8, count(event) FROM plain GROUP BY 1'),
	],
};

// What the walk's own first touchpoint had cannot be asked of windowFunnel.  ClickHouse's is the channel of the first
// view, which is another question and about as much work.
const rowsBy = {
	name: 'rows_by',
	title: 'The same for each channel of the first touchpoint of the walk',
	ours: 'rows_by',
	floor: 'count_event',
	aims: [['funnel from rows by first channel, of ClickHouse', ['rows_by'], ['ch_first_view'], 1.5]],
	variants: [
		ours('rows_by', 'cjm, funnel_agg_by from rows',
			`SELECT g.property, r.customers FROM unnest((SELECT cjm.funnel_agg_by(customer, at, event, channel, 'first', '${DEFINITION}')
				FROM events)) AS g, cjm.report(g.stats) AS r ORDER BY g.property, r.step`,
			{ asks: 'first of the walk', needs: 'funnel_agg_by(anycompatible,timestamptz,text,text,text,cjm.funnel)' }),
		clickhouse('ch_first_view', 'ClickHouse, windowFunnel and argMinIf over the events of the funnel',
			bySegment(chFiltered("argMinIf(channel, at, event = 'view') AS segment, ")), { asks: 'first view' }),
		floor('count_event', 'count(event)', 'SELECT count(event) FROM events'),
	],
};

const rowsWeeks = {
	name: 'rows_weeks',
	title: 'The same for each week in which walks begin',
	ours: 'rows_weeks',
	floor: 'count_event',
	variants: [
		ours('rows_weeks', 'cjm, funnel_agg_by_entry from rows',
			`SELECT lower(w.entered), r.step, r.customers FROM unnest((SELECT cjm.funnel_agg_by_entry(customer, at, event, '${DEFINITION}', 'week', 'UTC')
				FROM plain)) AS w, cjm.report(w.stats) AS r ORDER BY 1, 2`,
			{ needs: 'funnel_agg_by_entry(anycompatible,timestamptz,text,cjm.funnel,text,text)' }),
		ours('journeys', 'cjm, rows to journeys to funnel_agg of each entry range',
			`SELECT lower(w.entered), r.step, r.customers FROM (SELECT entered, cjm.funnel_agg(journey, '${DEFINITION}', entered) AS stats
				FROM (SELECT customer, cjm.journey_agg(at, event) AS journey FROM plain GROUP BY customer) AS j,
					cjm.entry_buckets(journey, '${DEFINITION}', 'week', 'UTC') AS entered GROUP BY 1) AS w,
				cjm.report(w.stats) AS r ORDER BY 1, 2`, { settings: MEMORY }),
		floor('count_event', 'count(event)', 'SELECT count(event) FROM plain'),
	],
};

module.exports = { questions: [rows, rowsSegment, rowsBy, rowsWeeks] };
