//
// build.js: journeys made from rows, and journeys of a year made from those of days.
//
'use strict';

const { MEMORY, ours, clickhouse, floor } = require('./variants');

const setup = {
	pg: () => [
		`CREATE TABLE journeys_daily AS
			SELECT customer, (at AT TIME ZONE 'UTC')::date AS day, cjm.journey_agg(at, event) AS journey
			FROM plain GROUP BY 1, 2`,
		'VACUUM ANALYZE journeys_daily',
	],
	ch: () => [
		`CREATE TABLE daily (customer UInt64, day UInt32, at Array(UInt64), event Array(LowCardinality(String)))
			ENGINE = MergeTree ORDER BY (customer, day)`,
		`INSERT INTO daily SELECT customer, intDiv(at, 86400000000), groupArray(at), groupArray(event)
			FROM by_customer GROUP BY 1, 2`,
		'OPTIMIZE TABLE daily FINAL',
	],
};

//
// Building
//

const built = {
	before: ['DROP TABLE IF EXISTS built', 'CHECKPOINT'],
	after: ['DROP TABLE built'],
};
const check = (table) => `SELECT count(*), sum(cjm.touch_count(journey)) FROM ${table}`;
const build = (key, label, select, settings) =>
	ours(key, label, `CREATE TABLE built AS ${select} GROUP BY customer`,
		{ settings, ...built, answer: check('built') });
const copy = (key, label, columns, file) =>
	floor(key, label, (dir) => `COPY built FROM '${dir}/${file}.tsv'`,
		{ ...built, before: [...built.before, `CREATE TABLE built (${columns})`] });

const plainSelect = 'SELECT customer, cjm.journey_agg(at, event) AS journey FROM plain';
const fullSelect = 'SELECT customer, cjm.journey_agg(at, event, channel, value) AS journey FROM events';

const building = {
	name: 'build',
	title: 'Journeys made from rows and stored, time and event',
	ours: 'build',
	floor: 'copy',
	aims: [
		['building, of COPY: time and event, stock work_mem', ['build'], ['copy'], 1],
		['building, of COPY: time and event, work_mem 256 MB', ['build_memory'], ['copy'], 1],
		["making journeys, of ClickHouse's groupArray", ['build', 'build_memory'], ['ch_arrays'], 1.2],
	],
	variants: [
		build('build', 'cjm, CREATE TABLE AS', plainSelect),
		build('build_memory', 'cjm, CREATE TABLE AS', plainSelect, MEMORY),
		copy('copy', 'COPY of the rows', 'customer bigint, at timestamptz, event text', 'plain'),
		clickhouse('ch_arrays', 'ClickHouse, groupArray into a table',
			'INSERT INTO built SELECT customer, groupArray(at), groupArray(event) FROM events GROUP BY customer',
			{ ...built, before: ['DROP TABLE IF EXISTS built', 'CREATE TABLE built AS arrays'],
				answer: 'SELECT count(), sum(length(at)) FROM built' }),
	],
};

const buildingFull = {
	name: 'build_full',
	title: 'Journeys made from rows and stored, with channel and value',
	ours: 'build',
	floor: 'copy',
	aims: [
		['building, of COPY: with channel and value, stock work_mem', ['build'], ['copy'], 1],
		['building, of COPY: with channel and value, work_mem 256 MB', ['build_memory'], ['copy'], 1],
	],
	variants: [
		build('build', 'cjm, CREATE TABLE AS', fullSelect),
		build('build_memory', 'cjm, CREATE TABLE AS', fullSelect, MEMORY),
		copy('copy', 'COPY of the rows', 'customer bigint, at timestamptz, event text, channel text, value float8',
			'events'),
	],
};

//
// Rolling up days
//

const ROLLUP = check('(SELECT cjm.rollup(journey) AS journey FROM journeys_daily GROUP BY customer) AS j');

const rollup = {
	name: 'rollup',
	title: 'Journeys of a year from journeys of days',
	ours: 'rollup',
	floor: 'count_daily',
	variants: [
		ours('rollup', 'cjm, rollup(journey)', ROLLUP),
		ours('rollup_memory', 'cjm, rollup(journey)', ROLLUP, { settings: MEMORY }),
		clickhouse('ch_arrays', 'ClickHouse, groupArrayArray of daily arrays',
			`SELECT count(), sum(length(times))
				FROM (SELECT groupArrayArray(at) AS times, groupArrayArray(event) AS labels FROM daily
					GROUP BY customer HAVING length(labels) > 0)`),
		floor('count_daily', 'count(journey) of the days',
			'SELECT count(journey) FROM journeys_daily'),
	],
};

module.exports = { setup, questions: [building, buildingFull, rollup] };
