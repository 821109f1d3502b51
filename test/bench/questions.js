//
// questions.js: what is asked, in the SQL of each engine.
//
// A question has variants: ways to answer it.  Those of role 'ours' and 'peer'
// must give the same rows in the same order; a 'floor' is work that an answer
// cannot do without, and answers nothing.  Fields of a variant:
//
//     key       unique in the question; engine: pg, ch, duck
//     label     for the table
//     sql       what is measured; before, after: what is run around it, not measured
//     settings  of PostgreSQL, for this variant, beside those of the whole run
//     needs     a function of schema cjm without which the variant is left out
//     asks      names what it answers, where a question is several
//
// A question's own setup is run in PostgreSQL, once.
//
// Labels of events are exclusive and the funnel's are different, so ClickHouse's
// default mode and 'strict_once' both give the exact step; both are shown.
//
'use strict';

const MEMORY = { work_mem: '256MB' };
const DEFINITION = 'view -> cart -> checkout -> purchase within 7 days';
const STEPS = ['view', 'cart', 'checkout', 'purchase'];
const WITHIN_US = 7 * 86400 * 1000000;
const GAP_US = 1800 * 1000000;
const LIST = STEPS.map((step) => `'${step}'`).join(', ');

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
		`CREATE TABLE journeys_daily AS
			SELECT customer, (at AT TIME ZONE 'UTC')::date AS day, cjm.journey_agg(at, event) AS journey
			FROM plain GROUP BY 1, 2`,
		'VACUUM ANALYZE journeys',
		'VACUUM ANALYZE journeys_plain',
		'VACUUM ANALYZE journeys_daily',
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
		`CREATE TABLE states (customer UInt64,
			state AggregateFunction(windowFunnel(${WITHIN_US}), UInt64, UInt8, UInt8, UInt8, UInt8))
			ENGINE = MergeTree ORDER BY customer`,
		`INSERT INTO states SELECT customer, windowFunnelState(${WITHIN_US})(at, ${conditions()})
			FROM events GROUP BY customer`,
		'OPTIMIZE TABLE states FINAL',
		`CREATE TABLE daily (customer UInt64, day UInt32, at Array(UInt64), event Array(LowCardinality(String)))
			ENGINE = MergeTree ORDER BY (customer, day)`,
		`INSERT INTO daily SELECT customer, intDiv(at, 86400000000), groupArray(at), groupArray(event)
			FROM by_customer GROUP BY 1, 2`,
		'OPTIMIZE TABLE daily FINAL',
	],
	duck: (dir) => [
		`CREATE TABLE events AS SELECT * REPLACE (left("at", 26)::TIMESTAMP AS "at")
			FROM read_csv('${dir}/events.tsv', delim = '\\t', header = false, nullstr = '\\N', quote = '', escape = '',
				columns = {'customer': 'BIGINT', 'at': 'VARCHAR', 'event': 'VARCHAR', 'channel': 'VARCHAR',
					'value': 'DOUBLE'})`,
		'CHECKPOINT',
	],
};

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

//
// The funnel
//

// The latest start of a walk that ends at each row, step by step over one sort: exact, and the best window query
// there is.  The frame ends with the peers, so equal times may be taken in any order.
function windowFunnelSql(at)
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
					FROM events WHERE event IN (${LIST})) AS a) AS b) AS c
		GROUP BY customer`);
}

// The same by joining each step to the last row of the step before, which has the latest start.
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

const CH_WINDOW_FUNNEL =
	chCounts(`SELECT windowFunnel(${WITHIN_US})(at, ${conditions()}) AS step FROM events GROUP BY customer`);
const ROWS_TO_JOURNEYS = 'SELECT customer, cjm.journey_agg(at, event) AS journey FROM plain GROUP BY customer';
const journeyFunnel = (from) =>
	`SELECT r.customers FROM (SELECT cjm.funnel_agg(journey, '${DEFINITION}') AS stats FROM ${from}) AS f,
		cjm.report(f.stats) AS r ORDER BY r.step`;

const funnel = {
	name: 'funnel',
	title: `Customers per step of "${DEFINITION}"`,
	ours: 'stored',
	floor: 'count_journey',
	variants: [
		ours('stored', 'cjm, funnel_agg over stored journeys',
			journeyFunnel('journeys_plain')),
		ours('stored_step', 'cjm, funnel_step over stored journeys',
			counts(`SELECT cjm.funnel_step(journey, '${DEFINITION}') AS step FROM journeys_plain`)),
		ours('stored_full', 'cjm, funnel_agg over journeys with channel and value',
			journeyFunnel('journeys')),
		ours('rows_journey', 'cjm, rows to journeys to funnel_agg',
			journeyFunnel(`(${ROWS_TO_JOURNEYS}) AS j`)),
		ours('rows_journey_memory', 'cjm, rows to journeys to funnel_agg',
			journeyFunnel(`(${ROWS_TO_JOURNEYS}) AS j`), { settings: MEMORY }),
		ours('rows_agg', 'cjm, funnel_agg straight from rows',
			journeyFunnel('plain').replace('(journey,', '(customer, at, event,'),
			{ needs: 'funnel_agg(bigint,timestamptz,text,cjm.funnel)' }),
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

//
// Sessions, retention, channels
//

const lagLead = (gap, table) => `
	SELECT count(*) FILTER (WHERE begins), count(*) FILTER (WHERE begins AND ends) FROM (
		SELECT coalesce(at - lag(at) OVER w > ${gap}, true) AS begins,
			coalesce(lead(at) OVER w - at > ${gap}, true) AS ends
		FROM ${table} WINDOW w AS (PARTITION BY customer ORDER BY at)) AS s`;

const sessions = {
	name: 'sessions',
	title: 'Sessions and bounces, timeout 30 minutes',
	ours: 'stats',
	floor: 'count_journey',
	variants: [
		ours('stats', 'cjm, session_stats over stored journeys',
			`SELECT sum(s.session_count), sum(s.bounce_count)
				FROM journeys_plain, cjm.session_stats(journey, '30 minutes') AS s`),
		ours('sessions', 'cjm, sessions over stored journeys',
			`SELECT count(*), count(*) FILTER (WHERE bounced)
				FROM journeys_plain, cjm.sessions(journey, '30 minutes')`),
		clickhouse('ch_arrays', 'ClickHouse, sorted groupArray of events',
			`SELECT sum(arraySum(begins)),
					sum(arraySum(arrayMap((b, e) -> b AND e, begins, arrayPushBack(arrayPopFront(begins), 1))))
				FROM (SELECT arrayMap((d, i) -> i = 1 OR d > ${GAP_US}, arrayDifference(t), arrayEnumerate(t)) AS begins
					FROM (SELECT arraySort(groupArray(at)) AS t FROM events GROUP BY customer))`),
		clickhouse('ch_window', 'ClickHouse, window functions over events in order of customer',
			`SELECT countIf(begins), countIf(begins AND ends) FROM (
				SELECT at - lagInFrame(at, 1, 0) OVER w > ${GAP_US} AS begins,
					leadInFrame(at, 1, at + ${GAP_US + 1}) OVER w - at > ${GAP_US} AS ends FROM by_customer
				WINDOW w AS (PARTITION BY customer ORDER BY at
					ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING))`),
		duckdb('duck_window', 'DuckDB, window functions',
			lagLead('INTERVAL 30 MINUTE', 'events')),
		postgres('pg_window', 'PostgreSQL, window functions',
			lagLead("interval '30 minutes'", 'plain'), { settings: MEMORY }),
		floor('count_journey', 'count(journey)',
			'SELECT count(journey) FROM journeys_plain'),
	],
};

const PG_MONTH = "extract(month FROM at AT TIME ZONE 'UTC')::integer";
const cohorts = (month, from) => `
	SELECT cohort, month, count(*) FROM (
		SELECT month, min(month) OVER (PARTITION BY customer) AS cohort
		FROM (SELECT DISTINCT customer, ${month} AS month FROM ${from}) AS m) AS c
	GROUP BY 1, 2 ORDER BY 1, 2`;

const chCohorts = (from) => `
	SELECT cohort, month, count() FROM (SELECT groupUniqArray(m) AS months, arrayMin(months) AS cohort
		FROM (SELECT customer, toMonth(toDateTime(intDiv(at, 1000000), 'UTC')) AS m FROM ${from}) GROUP BY customer)
	ARRAY JOIN months AS month GROUP BY 1, 2 ORDER BY 1, 2`;

const retention = {
	name: 'retention',
	title: 'Customers of each cohort month in each month',
	ours: 'touchpoints',
	floor: 'count_journey',
	variants: [
		ours('touchpoints', 'cjm, touchpoints of stored journeys',
			`SELECT cohort, month, count(*)
				FROM (SELECT journey,
						extract(month FROM (cjm.first_touch(journey)).at AT TIME ZONE 'UTC')::integer AS cohort
					FROM journeys_plain OFFSET 0) AS j,
					LATERAL (SELECT DISTINCT ${PG_MONTH} AS month FROM cjm.touchpoints(journey)) AS m
				GROUP BY 1, 2 ORDER BY 1, 2`),
		ours('slice', 'cjm, a slice per month of stored journeys',
			`SELECT cohort, m.month, count(*)
				FROM (SELECT *, extract(month FROM first_at AT TIME ZONE 'UTC')::integer AS cohort
					FROM (SELECT journey, (cjm.first_touch(journey)).at AS first_at,
							(cjm.last_touch(journey)).at AS last_at
						FROM journeys_plain OFFSET 0) AS k OFFSET 0) AS j
				JOIN (SELECT month, make_timestamptz(2025, month, 1, 0, 0, 0, 'UTC') AS starts,
						make_timestamptz(2025 + month / 12, month % 12 + 1, 1, 0, 0, 0, 'UTC') AS ends
					FROM generate_series(1, 12) AS month) AS m
				ON last_at >= starts AND first_at < ends
					AND (first_at >= starts OR last_at < ends OR cjm.touch_count(cjm.slice(journey, starts, ends)) > 0)
				GROUP BY 1, 2 ORDER BY 1, 2`),
		clickhouse('ch_events', 'ClickHouse, groupUniqArray over events',
			chCohorts('events')),
		clickhouse('ch_by_customer', 'ClickHouse, groupUniqArray over events in order of customer',
			`${chCohorts('by_customer')} SETTINGS optimize_aggregation_in_order = 1`),
		duckdb('duck', 'DuckDB, DISTINCT and a window',
			cohorts('month(at)', 'events')),
		postgres('pg', 'PostgreSQL, DISTINCT and a window',
			cohorts(PG_MONTH, 'plain'), { settings: MEMORY }),
		floor('count_journey', 'count(journey)',
			'SELECT count(journey) FROM journeys_plain'),
	],
};

const channels = {
	name: 'first_touch',
	title: 'Customers per channel of their first touch',
	ours: 'stored',
	floor: 'count_journey',
	variants: [
		ours('stored', 'cjm, first_touch of stored journeys',
			`SELECT coalesce((cjm.first_touch(journey)).channel, '') AS channel, count(*) FROM journeys
				GROUP BY 1 ORDER BY 1`),
		clickhouse('ch_events', 'ClickHouse, argMin over events',
			`SELECT channel, count() FROM (SELECT argMin(channel, at) AS channel FROM events GROUP BY customer)
				GROUP BY 1 ORDER BY 1`),
		clickhouse('ch_sorted', 'ClickHouse, argMin over events in order of customer',
			`SELECT channel, count() FROM (SELECT argMin(channel, at) AS channel FROM by_customer GROUP BY customer)
				GROUP BY 1 ORDER BY 1 SETTINGS optimize_aggregation_in_order = 1`),
		duckdb('duck', 'DuckDB, arg_min_null',
			`SELECT coalesce(channel, '') AS channel, count(*)
				FROM (SELECT arg_min_null(channel, at) AS channel FROM events GROUP BY customer)
				GROUP BY 1 ORDER BY 1`),
		postgres('pg', 'PostgreSQL, DISTINCT ON',
			`SELECT coalesce(channel, '') AS channel, count(*)
				FROM (SELECT DISTINCT ON (customer) channel FROM events ORDER BY customer, at) AS c
				GROUP BY 1 ORDER BY 1`, { settings: MEMORY }),
		floor('count_journey', 'count(journey)',
			'SELECT count(journey) FROM journeys'),
	],
};

//
// One answer per customer from rows, and window functions: what the call costs beside the plainest one
//

const perCustomer = (key, call, answer, needs) =>
	ours(key, `cjm, ${key}`, `SELECT ${answer} FROM (SELECT ${call} AS answer FROM plain GROUP BY customer) AS c`,
		{ asks: key, settings: MEMORY, needs });
const countSteps = (condition) =>
	STEPS.map((step, n) => `count(*) FILTER (WHERE ${condition(n + 1)})`).join(', ');

const aggregates = {
	name: 'aggregates',
	title: 'One answer per customer straight from rows',
	ours: 'window_funnel',
	floor: 'count_filter',
	variants: [
		perCustomer('window_funnel', `cjm.window_funnel('7 days', at, ${conditions()})`,
			countSteps((n) => `answer >= ${n}`), 'window_funnel(interval,timestamptz,boolean[])'),
		perCustomer('retention', `cjm.retention(${conditions()})`,
			countSteps((n) => `answer[${n}]`), 'retention(boolean[])'),
		perCustomer('first_touch', 'cjm.first_touch(at, event)', "count(*) FILTER (WHERE answer = 'visit')",
			'first_touch(timestamptz,anyelement)'),
		perCustomer('journey_agg', 'cjm.journey_agg(at, event)', 'sum(cjm.touch_count(answer))'),
		clickhouse('ch_window_funnel', 'ClickHouse, windowFunnel',
			CH_WINDOW_FUNNEL, { asks: 'window_funnel' }),
		clickhouse('ch_retention', 'ClickHouse, retention',
			`SELECT ${STEPS.map((step, n) => `sum(answer[${n + 1}])`).join(', ')}
				FROM (SELECT retention(${conditions()}) AS answer FROM events GROUP BY customer)`,
			{ asks: 'retention' }),
		clickhouse('ch_first_touch', 'ClickHouse, argMin',
			"SELECT countIf(answer = 'visit') FROM (SELECT argMin(event, at) AS answer FROM events GROUP BY customer)",
			{ asks: 'first_touch' }),
		floor('count_filter', '4 count(*) FILTER',
			`SELECT ${STEPS.map((step, n) => `sum(c${n})`).join(', ')} FROM (SELECT
				${STEPS.map((step, n) => `count(*) FILTER (WHERE event = '${step}') AS c${n}`).join(', ')}
				FROM plain GROUP BY customer) AS c`, { settings: MEMORY }),
	],
};

const OVER = 'OVER (PARTITION BY customer ORDER BY at)';
const overOrdered = (call) => `SELECT sum(n) FROM (SELECT ${call} ${OVER} AS n FROM ordered) AS o`;

const windows = {
	name: 'windows',
	title: 'Window functions over rows from an index in order',
	ours: 'session_number',
	floor: 'row_number',
	setup: [
		'CREATE TABLE ordered AS SELECT * FROM plain ORDER BY customer, at',
		'CREATE INDEX ON ordered (customer, at)',
		'VACUUM ANALYZE ordered',
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
		FROM unnest('{plain,events,journeys_plain,journeys,journeys_daily}'::text[]) AS name`,
	ch: `SELECT table, sum(bytes_on_disk) FROM system.parts WHERE active AND database = currentDatabase()
		GROUP BY table ORDER BY table`,
};

module.exports = {
	setup, sameRows, sizes,
	questions: [funnel, building, buildingFull, rollup, sessions, retention, channels, aggregates, windows],
};
