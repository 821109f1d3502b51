//
// kept.js: a map that keeps its journeys, beside the same map over a plain table of
// them: read, with the newest events waiting to be folded, written to, refreshed.
//
'use strict';

const { MEMORY, DEFINITION, ours } = require('./variants');

const MAP = (name, source, more = '') => `SELECT cjm.create_map('${name}', '${source}', 'customer', 'at', 'event', '${DEFINITION}', channel => 'channel',
	value => 'value', segment => 'channel', time_zone => 'UTC'${more})`;
const KEPT = ', keep => true';

// A quarter of the customers; of their rows the newest, so many in a hundred, come after the store was built.
const SHARE = 'FROM events WHERE customer % 4 = 0';
const newest = (percent) => `(SELECT percentile_disc(1 - ${percent} / 100.0) WITHIN GROUP (ORDER BY at) ${SHARE})`;
const kept = (name, percent) => [
	`CREATE TABLE ${name}_events AS SELECT * ${SHARE}${percent > 0 ? ` AND at < ${newest(percent)}` : ''}`,
	`ANALYZE ${name}_events`,
	MAP(name, `${name}_events`, KEPT),
	`SELECT cjm.refresh_journeys('${name}')`,
	...(percent > 0 ? [`INSERT INTO ${name}_events SELECT * ${SHARE} AND at >= ${newest(percent)}`] : []),
	`VACUUM ANALYZE ${name}.kept_journeys`,
	`VACUUM ANALYZE ${name}.kept_changes`,
];

//
// Reading
//

const reading = {
	name: 'kept',
	title: 'The funnel of a map that keeps its journeys, of a quarter of the customers',
	ours: 'folded',
	floor: 'plain',
	aims: [
		['kept journeys, all folded, of a plain table of them', ['folded'], ['plain'], 1.1],
		['kept journeys, 1 % of the events waiting, of all folded', ['waiting_1'], ['folded'], 1.5],
		['kept journeys, 10 % of the events waiting, of all folded', ['waiting_10'], ['folded'], 4],
	],
	variants: [['plain', 'a plain table of journeys'], ['folded', 'all folded'], ['waiting_1', '1 % of the events waiting'],
		['waiting_10', '10 % of the events waiting'], ['unkept', 'from rows']]
		// What others have written is not for these to write out.
		.map(([key, label]) => ours(key, `cjm, ${label}`, `SELECT customers FROM ${key}.funnel ORDER BY step`, { settings: MEMORY, before: ['CHECKPOINT'] })),
};

//
// Writing: statements of a size, so many of them that they can be measured
//

const COLUMNS = 'customer, at, event, channel, value';
const insert = (table, rows) => `INSERT INTO ${table} (${COLUMNS}) SELECT 1 + (i * 7919) % 100000, timestamptz '2026-01-01Z' + i * interval '1 second', 'view', 'email', NULL
	FROM generate_series(1, ${rows}) i`;
const statements = (table, rows, times) => () => (times === 1 ? insert(table, rows) : `DO $$ BEGIN FOR n IN 1 .. ${times} LOOP ${insert(table, rows)}; END LOOP; END $$`);
const copied = (table) => (dir) => `COPY ${table} (${COLUMNS}) FROM PROGRAM 'head -n 100000 ${dir}/events.tsv'`;

const WRITES = [
	['1', 'statements of a row', (table) => statements(table, 1, 2000), 1.5],
	['10', 'statements of 10 rows', (table) => statements(table, 10, 500), 1.4],
	['1000', 'statements of 1,000 rows', (table) => statements(table, 1000, 50), 1.2],
	['100000', 'a statement of 100,000 rows', (table) => statements(table, 100000, 1), 1.3],
	['copy', 'COPY of 100,000 rows', copied, 1.15],
];

const writing = {
	name: 'kept_writes',
	title: 'Writing to the source of a map that keeps its journeys, and to a table like it, with two indexes',
	ours: 'kept_1',
	floor: 'plain_1',
	aims: WRITES.map(([key, text, , limit]) => [`${text}, of those into a table of no map`, [`kept_${key}`], [`plain_${key}`], limit]),
	variants: WRITES.flatMap(([key, text, sql]) => [
		ours(`kept_${key}`, `cjm, ${text}`, sql('written_events'), { asks: key, answer: 'SELECT 1' }),
		ours(`plain_${key}`, `${text}, no map`, sql('written_nowhere'), { asks: key, answer: 'SELECT 1' }),
	]),
};

//
// Refreshing
//

const refreshing = {
	name: 'kept_refresh',
	title: 'Refreshes of kept journeys, of a quarter of the customers',
	ours: 'fold',
	floor: 'build',
	aims: [['folding 1 % of the events, of building all', ['fold'], ['build'], 0.1]],
	variants: [
		ours('build', 'cjm, all of them', "SELECT cjm.refresh_journeys('refreshed')",
			{ asks: 'build', settings: MEMORY, before: ["INSERT INTO refreshed.kept_marks VALUES (now(), 'anew')"], answer: "SELECT state FROM cjm.kept('refreshed')" }),
		ours('fold', 'cjm, 1 % of the events', "SELECT cjm.refresh_journeys('refreshed')",
			{ asks: 'fold', settings: MEMORY, answer: "SELECT state FROM cjm.kept('refreshed')",
				before: [
					'VACUUM refreshed.kept_journeys',
					'VACUUM refreshed.kept_changes',
					`INSERT INTO refreshed_events SELECT customer, at + interval '30 days', event, channel, value ${SHARE} AND at >= ${newest(1)}`,
				] }),
	],
};

const setup = {
	pg: () => [
		...kept('folded', 0),
		...kept('waiting_1', 1),
		...kept('waiting_10', 10),
		...kept('refreshed', 0),
		MAP('unkept', 'folded_events'),
		MAP('plain', 'folded_events'),
		'CREATE TABLE plain_journeys AS SELECT * FROM folded.journeys',
		'VACUUM ANALYZE plain_journeys',
		'CREATE OR REPLACE VIEW plain.journeys AS SELECT * FROM plain_journeys',
		'CREATE TABLE written_events (id bigserial PRIMARY KEY, customer bigint, at timestamptz, event text, channel text, value float8)',
		'CREATE TABLE written_nowhere (LIKE written_events INCLUDING ALL)',
		...['written_events', 'written_nowhere'].map((table) => `CREATE INDEX ON ${table} (customer, at)`),
		MAP('written', 'written_events', KEPT),
		"SELECT cjm.refresh_journeys('written')",
	],
};

module.exports = { setup, questions: [reading, writing, refreshing] };
