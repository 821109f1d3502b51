//
// index.js: what is asked, in the SQL of each engine: the tables that all topics
// share, and the topics, each a file beside this one.
//
// A topic exports
//
//     questions  an array
//     setup      what it needs beside the shared tables, run once if one of its questions is asked: for any of
//                pg, ch and duck a function (directory of the generated files) => statements
//
// A question has variants: ways to answer it.  Those of role 'ours' and 'peer'
// must give the same rows in the same order; a 'floor' is work that an answer
// cannot do without, and answers nothing.  Fields of a question:
//
//     name      unique among all; title: for the heading
//     ours      the key of the variant that the others are set against, and without which nothing is asked
//     floor     the key of the other one
//     aims      what is aimed at: [text, keys of ours, keys of theirs, how many times their time ours may take];
//               of several keys the fastest counts
//     variants  made by the makers of variants.js
//
// Fields of a variant:
//
//     key       unique in the question; engine: pg, ch, duck
//     label     for the table
//     sql       what is measured; before, after: what is run around it, not measured
//     answer    a query that gives the rows to compare, if what is measured gives none
//     settings  of PostgreSQL, for this variant, beside those of the whole run
//     needs     a function of schema cjm without which the variant is left out
//     asks      names what it answers, where a question is several
//
'use strict';

const fs = require('fs');
const path = require('path');
const { duck } = require('./variants');

//
// What is loaded, once.  dir is where the files of generate.js are.
//

const setup = {
	pg: (dir) => [
		'CREATE EXTENSION cjm',
		'CREATE TABLE events (customer bigint, at timestamptz, event text, channel text, value float8)',
		'CREATE TABLE plain (customer bigint, at timestamptz, event text)',
		`COPY events FROM '${dir}/events.tsv'`,
		`COPY plain FROM '${dir}/plain.tsv'`,
		'VACUUM ANALYZE events',
		'VACUUM ANALYZE plain',
		`CREATE TABLE journeys AS
			SELECT customer, cjm.journey_agg(at, event, channel, value) AS journey FROM events GROUP BY customer`,
		`CREATE TABLE journeys_plain AS
			SELECT customer, cjm.journey_agg(at, event) AS journey FROM plain GROUP BY customer`,
		'VACUUM ANALYZE journeys',
		'VACUUM ANALYZE journeys_plain',
	],
	// The event table twice: in the order of time, as PostgreSQL has it, and in the order that suits it best.
	ch: (dir) => [
		`CREATE TABLE events (customer UInt64, at UInt64, event LowCardinality(String), channel LowCardinality(String),
			value Nullable(Float64)) ENGINE = MergeTree ORDER BY at`,
		`INSERT INTO events SELECT customer, toUnixTimestamp64Micro(parseDateTime64BestEffort(at, 6, 'UTC')), event,
			ifNull(channel, ''), value FROM file('${dir}/events.tsv', 'TabSeparated',
			'customer UInt64, at String, event String, channel Nullable(String), value Nullable(Float64)')`,
		'OPTIMIZE TABLE events FINAL',
		'CREATE TABLE by_customer AS events ENGINE = MergeTree ORDER BY (customer, at)',
		'INSERT INTO by_customer SELECT * FROM events',
		'OPTIMIZE TABLE by_customer FINAL',
		`CREATE TABLE arrays (customer UInt64, at Array(UInt64), event Array(LowCardinality(String)))
			ENGINE = MergeTree ORDER BY customer`,
		`INSERT INTO arrays SELECT customer, groupArray(at), groupArray(event)
			FROM (SELECT customer, at, event FROM by_customer ORDER BY customer, at) GROUP BY customer`,
		'OPTIMIZE TABLE arrays FINAL',
	],
	duck: (dir) => [
		`CREATE TABLE events AS SELECT * REPLACE (left("at", 26)::TIMESTAMP AS "at")
			FROM read_csv('${dir}/events.tsv', delim = '\\t', header = false, nullstr = '\\N', quote = '', escape = '',
				columns = {'customer': 'BIGINT', 'at': 'VARCHAR', 'event': 'VARCHAR', 'channel': 'VARCHAR',
					'value': 'DOUBLE'})`,
		'CHECKPOINT',
	],
};

// Every engine must have the same rows; asked once, not measured.
const sameRows = {
	pg: `SELECT event, count(*), count(DISTINCT customer), sum((extract(epoch FROM at) * 1000000)::bigint),
			count(channel), sum((coalesce(value, 0) * 4)::bigint) FROM events GROUP BY 1 ORDER BY 1`,
	ch: `SELECT event, count(), uniqExact(customer), sum(toUInt128(at)), countIf(channel != ''),
			sum(toInt64(ifNull(value, 0) * 4)) FROM events GROUP BY 1 ORDER BY 1`,
	duck: duck(`SELECT event, count(*), count(DISTINCT customer), sum(epoch_us(at)), count(channel),
			sum((coalesce(value, 0) * 4)::BIGINT) FROM events GROUP BY 1 ORDER BY 1`),
};

const sizes = {
	pg: `SELECT name, pg_table_size(name::regclass)
		FROM unnest('{plain,events,journeys_plain,journeys,journeys_daily}'::text[]) AS name
		WHERE to_regclass(name) IS NOT NULL`,
	ch: `SELECT table, sum(bytes_on_disk) FROM system.parts WHERE active AND database = currentDatabase()
		GROUP BY table ORDER BY table`,
};

// In the order of the report: these first, then the others by name.
const FIRST = ['funnel', 'build'];

const shared = ['index', 'variants'];
const others = fs.readdirSync(__dirname).filter((file) => file.endsWith('.js')).map((file) => path.basename(file, '.js'))
	.filter((name) => !shared.includes(name) && !FIRST.includes(name)).sort();
const topics = [...FIRST, ...others].map((name) => require(`./${name}`));

module.exports = { setup, sameRows, sizes, topics };
