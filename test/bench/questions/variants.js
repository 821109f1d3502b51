//
// variants.js: what the topics share: the funnel that is asked about, makers of
// variants (their fields are told in index.js) and pieces of SQL.
//
// Labels of events are exclusive and the funnel's are different, so ClickHouse's
// default mode and 'strict_once' both give the exact step; both are shown.
//
'use strict';

const MEMORY = { work_mem: '256MB' };
const DEFINITION = 'view -> cart -> checkout -> purchase within 7 days';
const STEPS = ['view', 'cart', 'checkout', 'purchase'];
const WITHIN_US = 7 * 86400 * 1000000;
const LIST = STEPS.map((step) => `'${step}'`).join(', ');

// "at" is a keyword of DuckDB.
function duck(sql)
{
	return sql.replace(/\bat\b/g, '"at"');
}

function conditions()
{
	return STEPS.map((step) => `event = '${step}'`).join(', ');
}

// Makers of variants: (key, label, sql, what else)
const variant = (engine, role) => (key, label, sql, more = {}) => ({ key, engine, role, label, sql, ...more });
const ours = variant('pg', 'ours');
const clickhouse = variant('ch', 'peer');
const duckdb = (key, label, sql) => variant('duck', 'peer')(key, label, duck(sql));
const postgres = variant('pg', 'peer');
const floor = variant('pg', 'floor');

// How many customers came at least to each step, of a query that gives one step per customer.
function counts(query, count = (n) => `count(*) FILTER (WHERE step >= ${n})`)
{
	return `SELECT ${STEPS.map((step, n) => count(n + 1)).join(', ')} FROM (${query}) AS customers`;
}

function chCounts(query)
{
	return counts(query, (n) => `countIf(step >= ${n})`);
}

// The latest start of a walk that ends at each row, step by step over one sort: exact, and the best window query
// there is.  The frame ends with the peers, so equal times may be taken in any order.
function windowFunnelSql(at, from = 'events')
{
	const over = 'OVER (PARTITION BY customer ORDER BY at)';

	return counts(`
		SELECT customer, max(CASE WHEN started >= ${at} THEN step ELSE 0 END) AS step
		FROM (SELECT customer, at,
				CASE event WHEN 'view' THEN 1 WHEN 'cart' THEN 2 WHEN 'checkout' THEN 3 ELSE 4 END AS step,
				CASE event WHEN 'view' THEN at WHEN 'cart' THEN s2 WHEN 'checkout' THEN s3
					ELSE max(CASE WHEN event = 'checkout' THEN s3 END) ${over} END AS started
			FROM (SELECT *, max(CASE WHEN event = 'cart' THEN s2 END) ${over} AS s3
				FROM (SELECT customer, at, event, max(CASE WHEN event = 'view' THEN at END) ${over} AS s2
					FROM ${from} WHERE event IN (${LIST})) AS a) AS b) AS c
		GROUP BY customer`);
}

// The funnel by ClickHouse's own function.
const CH_WINDOW_FUNNEL =
	chCounts(`SELECT windowFunnel(${WITHIN_US})(at, ${conditions()}) AS step FROM events GROUP BY customer`);

module.exports = {
	MEMORY, DEFINITION, STEPS, WITHIN_US, LIST, CH_WINDOW_FUNNEL,
	ours, clickhouse, duckdb, postgres, floor, duck, conditions, counts, chCounts,
	windowFunnelSql,
};
