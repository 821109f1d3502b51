//
// channels.js: what customers are worth and what they answered.
//
'use strict';

const { MEMORY, ours, clickhouse, duckdb, postgres, floor } = require('./variants');

// Answers from 0 to 10 by channel; every row is one.
// In whole millionths of a point, which every engine prints alike.
const shares = (count, group, table) => `
	SELECT ${group}, round(100000000.0 * (${count('customer % 11 >= 9')} - ${count('customer % 11 <= 6')}) / count(*))
	FROM ${table} GROUP BY 1 ORDER BY 1`;
const filtered = (condition) => `count(*) FILTER (WHERE ${condition})`;

const scores = {
	name: 'nps',
	title: 'The Net Promoter Score by channel, of every row',
	ours: 'nps',
	floor: 'avg',
	aims: [],
	variants: [
		ours('nps', 'cjm, nps',
			`SELECT coalesce(channel, '') COLLATE "C", round(1000000 * cjm.nps(customer % 11)::numeric) FROM events GROUP BY 1 ORDER BY 1`),
		ours('interval', 'cjm, nps and its interval',
			`SELECT coalesce(channel, '') COLLATE "C", round(1000000 * cjm.nps(customer % 11)::numeric) FROM events GROUP BY 1
				HAVING cjm.nps_interval(customer % 11) IS NOT NULL ORDER BY 1`),
		clickhouse('ch_count', 'ClickHouse, countIf',
			shares((condition) => `toInt64(countIf(${condition}))`, 'toString(channel)', 'events')),
		duckdb('duck_count', 'DuckDB, count and FILTER',
			shares(filtered, "coalesce(channel, '')", 'events')),
		postgres('pg_count', 'PostgreSQL, count and FILTER',
			shares(filtered, "coalesce(channel, '') COLLATE \"C\"", 'events')),
		floor('avg', 'avg of the same', 'SELECT channel, avg((customer % 11)::float8) FROM events GROUP BY 1'),
	],
};

// How many customers have each score of recency, frequency and monetary value: 1 + the whole fifths of the buyers with less.
const ranked = (purchases, divide) => `
	SELECT r, f, m, count(*) FROM (
		SELECT 1 + ${divide('5 * (rank() OVER (ORDER BY last_at) - 1)')} AS r,
			1 + ${divide('5 * (rank() OVER (ORDER BY frequency) - 1)')} AS f,
			1 + ${divide('5 * (rank() OVER (ORDER BY monetary) - 1)')} AS m
		FROM (${purchases}) AS p) AS s
	GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`;
const bought = "SELECT max(at) AS last_at, count(*) AS frequency, sum(value) AS monetary FROM events WHERE event = 'purchase' GROUP BY customer";

const rfm = {
	name: 'rfm',
	title: 'Customers by scores of recency, frequency and monetary value',
	ours: 'customers',
	floor: 'count_journey',
	aims: [],
	variants: [
		ours('customers', 'cjm, the view customers of a map over stored journeys',
			`SELECT recency_score, frequency_score, monetary_score, count(*) FROM money.customers
				WHERE frequency > 0 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`, { settings: MEMORY }),
		clickhouse('ch_rank', 'ClickHouse, rank over its event table',
			ranked(bought, (sum) => `intDiv(${sum}, count() OVER ())`)),
		duckdb('duck_rank', 'DuckDB, rank over its event table',
			ranked(bought, (sum) => `(${sum}) // count(*) OVER ()`)),
		postgres('pg_rank', 'PostgreSQL, rank over its event table',
			ranked(bought, (sum) => `${sum} / count(*) OVER ()`), { settings: MEMORY }),
		floor('count_journey', 'count(journey)', 'SELECT count(journey) FROM journeys'),
	],
};

// A map whose journeys are those that are stored.
const setup = {
	pg: () => [
		`SELECT cjm.create_map('money', 'events', 'customer', 'at', 'event', 'view -> purchase', channel => 'channel',
			value => 'value', time_zone => 'UTC')`,
		'CREATE OR REPLACE VIEW money.journeys AS SELECT customer, NULL::text AS segment, journey, \'{}\'::jsonb AS dimensions FROM journeys',
	],
};

module.exports = { setup, questions: [scores, rfm] };
