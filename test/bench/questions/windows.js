//
// windows.js: what a window function costs beside the plainest one.
//
'use strict';

const { DEFINITION, ours, postgres, floor } = require('./variants');

const setup = {
	pg: () => [
		'CREATE TABLE ordered AS SELECT * FROM plain ORDER BY customer, at',
		'CREATE INDEX ON ordered (customer, at)',
		'VACUUM ANALYZE ordered',
	],
};

const OVER = 'OVER (PARTITION BY customer ORDER BY at)';
const overOrdered = (call) => `SELECT sum(n) FROM (SELECT ${call} ${OVER} AS n FROM ordered) AS o`;

const windows = {
	name: 'windows',
	title: 'Window functions over rows from an index in order',
	ours: 'session_number',
	floor: 'row_number',
	aims: [
		['session_number() OVER, of row_number()', ['session_number'], ['row_number'], 1.2],
		['funnel_step() OVER, of row_number()', ['funnel_step'], ['row_number'], 2],
	],
	variants: [
		ours('session_number', 'cjm, session_number', overOrdered("cjm.session_number(at, '30 minutes')"),
			{ asks: 'session_number', needs: 'session_number(timestamptz,interval)' }),
		ours('funnel_step', 'cjm, funnel_step', overOrdered(`cjm.funnel_step(at, event, '${DEFINITION}')`),
			{ asks: 'funnel_step', needs: 'funnel_step(timestamptz,text,cjm.funnel)' }),
		postgres('lag', 'PostgreSQL, lag and a running sum',
			`SELECT sum(n) FROM (SELECT sum(begins) ${OVER} AS n FROM (
				SELECT customer, at,
					CASE WHEN at - lag(at) ${OVER} <= interval '30 minutes' THEN 0 ELSE 1 END AS begins
				FROM ordered) AS b) AS o`, { asks: 'session_number' }),
		floor('row_number', 'row_number()', overOrdered('row_number()')),
	],
};

module.exports = { setup, questions: [windows] };
