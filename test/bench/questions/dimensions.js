//
// dimensions.js: properties of customers: what they add to the making of journeys,
// the funnel by all of them, and who came back by one.
//
'use strict';

const { MEMORY, DEFINITION, STEPS, WITHIN_US, ours, clickhouse, floor, conditions } = require('./variants');

// Columns of a table of their own: as expressions over the rows of the shared one, and what a customer has of them there.
const COLUMNS = {
	landing: ['event', 'toString(event)'],
	through: ["nullif(channel, '')", "toString(channel)"],
	worth: ["CASE WHEN value >= 50 THEN 'much' WHEN value < 50 THEN 'little' END", "multiIf(value >= 50, 'much', value < 50, 'little', '')"],
	letter: ['left(event, 1)', 'substring(toString(event), 1, 1)'],
	shop: ['(customer % 7)::text', 'toString(customer % 7)'],
};
const NAMES = Object.keys(COLUMNS).sort();
const first = (name) => `argMinIf(toString(${name}), (at, toString(${name})), ${name} != '')`;
const OBJECT = JSON.stringify(Object.fromEntries(NAMES.map((name) => [name, name])));
const MAP = (name, more) => `SELECT cjm.create_map('${name}', 'dimension_events', 'customer', 'at', 'event', '${DEFINITION}', channel => 'channel',
	value => 'value', time_zone => 'UTC'${more})`;

const setup = {
	pg: () => [
		`CREATE TABLE dimension_events AS SELECT *, ${NAMES.map((name) => `${COLUMNS[name][0]} AS ${name}`).join(', ')} FROM events`,
		'VACUUM ANALYZE dimension_events',
		MAP('without', ''),
		MAP('of_rows', `, dimensions => '${OBJECT}'`),
		MAP('of_store', `, dimensions => '${OBJECT}', keep => true`),
		"SELECT cjm.refresh_journeys('of_store')",
		'VACUUM ANALYZE of_store.kept_journeys',
	],
	ch: () => [
		`CREATE TABLE dimension_events ENGINE = MergeTree ORDER BY at AS
			SELECT *, ${NAMES.map((name) => `toLowCardinality(${COLUMNS[name][1]}) AS ${name}`).join(', ')} FROM events`,
		'OPTIMIZE TABLE dimension_events FINAL',
	],
};

const counted = `SELECT count(journey), sum(cjm.touch_count(journey)), ${NAMES.map((name) => `count(dimensions ->> '${name}')`).join(', ')} FROM of_rows.journeys`;

const making = {
	name: 'dimensions',
	title: 'Journeys with five dimensions of each customer, over the event table',
	ours: 'with',
	floor: 'without',
	aims: [['five dimensions, beside journeys without', ['with'], ['without'], 1.3]],
	variants: [
		ours('with', 'cjm, journeys and dimensions of a map',
			'SELECT count(journey), sum(cjm.touch_count(journey)), count(dimensions) FROM of_rows.journeys', { settings: MEMORY, answer: counted }),
		clickhouse('ch_arrays', 'ClickHouse, a sorted groupArray and argMin of each',
			`SELECT count(), sum(length(rows)), ${NAMES.map((name) => `countIf(first_${name} != '')`).join(', ')}
				FROM (SELECT arraySort(groupArray((at, event, channel, value))) AS rows, ${NAMES.map((name) => `${first(name)} AS first_${name}`).join(', ')}
					FROM dimension_events GROUP BY customer)`),
		floor('without', 'journeys of a map without dimensions', 'SELECT count(journey), sum(cjm.touch_count(journey)) FROM without.journeys', { settings: MEMORY }),
	],
};

const rows = (map) => `SELECT dimension, value, string_agg(customers::text, ' ' ORDER BY step) FROM ${map}.funnel_by_dimension
	WHERE value <> '' GROUP BY 1, 2 ORDER BY dimension COLLATE "C", value COLLATE "C"`;

const funnels = {
	name: 'funnel_by_dimension',
	title: 'The funnel by five dimensions of customers',
	ours: 'of_store',
	floor: 'funnel',
	aims: [],
	variants: [
		ours('of_rows', 'cjm, the view of a map over the event table', rows('of_rows'), { settings: MEMORY }),
		ours('of_store', 'cjm, the view of a map over kept journeys', rows('of_store'), { settings: MEMORY }),
		clickhouse('ch_array_join', 'ClickHouse, windowFunnel and argMin over its event table',
			`SELECT d.1 AS dimension, d.2 AS value, arrayStringConcat([${STEPS.map((step, n) => `toString(countIf(step >= ${n + 1}))`).join(', ')}], ' ')
				FROM (SELECT windowFunnel(${WITHIN_US})(at, ${conditions()}) AS step, [${NAMES.map((name) => `('${name}', ${first(name)})`).join(', ')}] AS dimensions
					FROM dimension_events GROUP BY customer)
				ARRAY JOIN dimensions AS d WHERE value != '' GROUP BY 1, 2 ORDER BY 1, 2`),
		floor('funnel', 'the funnel of kept journeys, not broken down', 'SELECT customers FROM of_store.funnel', { settings: MEMORY }),
		floor('by_one', 'the funnel of kept journeys by one dimension', "SELECT customers FROM cjm.funnel_report('of_store', by => 'letter')", { settings: MEMORY }),
	],
};

const cells = (by) => `SELECT ${by ? "coalesce(by_value, '')" : "''"}, extract(month FROM cohort)::integer, extract(month FROM period_start)::integer, retained
	FROM cjm.retention_report('of_store'${by ? ", by => 'worth'" : ''}) WHERE retained > 0 ORDER BY coalesce(by_value, '') COLLATE "C", cohort, period_start`;
const chCells = (by) => `SELECT label, cohort, month, count() FROM (SELECT ${by ? first('worth') : "''"} AS label, groupUniqArray(toMonth(toDateTime(intDiv(at, 1000000), 'UTC'))) AS months, arrayMin(months) AS cohort
		FROM dimension_events GROUP BY customer)
	ARRAY JOIN months AS month GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`;

const retained = {
	name: 'retention_by_dimension',
	title: 'Customers of each cohort month in each month, by one dimension',
	ours: 'by_one',
	floor: 'whole',
	aims: [['retention by a dimension, of the same not broken down', ['by_one'], ['whole'], 1.5]],
	variants: [
		ours('by_one', 'cjm, retention_report over kept journeys by one dimension', cells(true), { settings: MEMORY }),
		clickhouse('ch_by_one', 'ClickHouse, groupUniqArray and argMin over its event table', chCells(true)),
		floor('whole', 'retention_report over kept journeys, not broken down', cells(false), { settings: MEMORY }),
	],
};

module.exports = { setup, questions: [making, funnels, retained] };
