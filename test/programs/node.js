// node.js: what node-postgres and postgres.js are answered by the map "shop", a line for each question: driver, question, answer,
// separated by tabs.  What is not installed is left out.
'use strict';

const path = require('path');
const modules = path.join(__dirname, '..', 'tools', 'node_modules');
const funnel = 'view -> cart -> pay within 7 days';
const pattern = 'view .* cart? pay';

const show = (v) => (v === null ? 'NULL' : v instanceof Date ? v.toISOString() : typeof v === 'object' ? JSON.stringify(v) : String(v));
const row = (r) => Object.values(r).map(show).join(' ');
const say = (driver, question, answer) => console.log([driver, question, answer].join('\t'));

async function ask_all(driver, ask) {
	const since = new Date('2026-01-05T00:00:00Z');

	say(driver, 'step', row((await ask('SELECT customer, funnel_step(journey, $1) FROM shop.journeys WHERE customer = $2', [funnel, 1]))[0]));
	say(driver, 'report', (await ask('SELECT step, customers, step_rate, median_time FROM funnel_report($1, from_time => $2, where_is => $3)',
		['shop', since, { segment: ['LV', 'EE'] }])).map(row).join(', '));
	say(driver, 'everybody', (await ask("SELECT customers FROM funnel_report($1, from_time => coalesce($2::timestamptz, '-infinity'), where_is => $3)",
		['shop', null, null])).map(row).join(' '));
	say(driver, 'pattern', row((await ask('SELECT count(*) FILTER (WHERE matches(journey, $1)) FROM shop.journeys', [pattern]))[0]) + ' ' + row((await ask(
		"SELECT count(*) FROM (SELECT sequence_match('(?1)(?t<=1 day)(?2)', at, event = $1, event = 'pay') AS m FROM events GROUP BY customer) s WHERE m", ['cart']))[0]));
	say(driver, 'touchpoints', (await ask('SELECT at, event, channel, value FROM shop.journeys, touchpoints(journey) WHERE customer = $1', [1])).map(row).join(', '));
	const journey = (await ask('SELECT journey FROM shop.journeys WHERE customer = $1', [1]))[0].journey;
	say(driver, 'journey', journey);
	say(driver, 'read back', row((await ask('SELECT touch_count($1)', [journey]))[0]));
	say(driver, 'jsonb', JSON.stringify((await ask('SELECT journey::jsonb AS j FROM shop.journeys WHERE customer = $1', [1]))[0].j[0]));
	say(driver, 'bigint', typeof (await ask('SELECT customers FROM shop.funnel LIMIT 1', []))[0].customers);
}

async function main() {
	let pg, postgres;
	try { pg = require(path.join(modules, 'pg')); } catch { /* not there */ }
	try { postgres = require(path.join(modules, 'postgres')); } catch { /* not there */ }

	if (pg) {
		const client = new pg.Client();
		await client.connect();
		await ask_all('node-postgres', async (text, values) => (await client.query(text, values)).rows);
		await ask_all('node-postgres prepared', async (text, values) => (await client.query({ name: text.slice(0, 60), text, values })).rows);
		await client.end();
	}
	if (postgres) {
		for (const prepare of [true, false]) {
			const sql = postgres({ host: process.env.PGHOST, port: +process.env.PGPORT, user: process.env.PGUSER, database: process.env.PGDATABASE, prepare, max: 1 });
			await ask_all(prepare ? 'postgres.js prepared' : 'postgres.js', (text, values) => sql.unsafe(text, values, { prepare }));
			await sql.end();
		}
	}
}

main().catch((error) => { console.error(error); process.exit(1); });
