//
// engines.js: PostgreSQL, ClickHouse and DuckDB as one kind of thing.
//
//     engine = await open(kind, ...)     'pg', 'ch' or 'duck'
//     await engine.query(sql)            { ms, rows }: rows are arrays of text, NULL is null
//     await engine.close()
//
// ClickHouse and DuckDB are libraries; each lives in a process of its own (this
// file again), so that their allocators and threads do not meet.  The time is
// taken where the query is called, and ends when its last row is there.
//
'use strict';

const { fork } = require('child_process');

const THREADS = 2;

function elapsed(since)
{
	return Number(process.hrtime.bigint() - since) / 1e6;
}

// A connection to the cluster that the PG... variables tell.
async function openPostgres()
{
	const { Client } = require('pg');
	const client = new Client({ types: { getTypeParser: () => (text) => text } });

	// A server that ends without being asked is told by the query that was under way, if any.
	client.on('error', () => {});
	await client.connect();
	return {
		async query(sql)
		{
			const start = process.hrtime.bigint();
			const result = await client.query({ text: sql, rowMode: 'array' });
			return { ms: elapsed(start), rows: result.rows || [] };
		},
		close: () => client.end(),
	};
}

// An embedded engine in a child process, with its files in this directory.
function openChild(kind, directory)
{
	const child = fork(__filename, [kind, directory]);
	let waiting = null;

	child.on('message', (answer) =>
	{
		const { resolve, reject } = waiting;

		waiting = null;
		if (answer.error !== undefined)
			reject(new Error(answer.error));
		else
			resolve(answer);
	});
	child.on('exit', (code, signal) =>
	{
		if (waiting)
			waiting.reject(new Error(`${kind} ended with ${signal || code}`));
	});
	const ask = (sql) => new Promise((resolve, reject) =>
	{
		waiting = { resolve, reject };
		child.send(sql, (error) => error && reject(error));
	});
	return {
		query: ask,
		close: () => new Promise((resolve) =>
		{
			child.once('exit', resolve);
			child.disconnect();
		}),
	};
}

async function open(kind, directory)
{
	const engine = kind === 'pg' ? await openPostgres() : openChild(kind, directory);

	return {
		...engine,
		query: (sql) => engine.query(sql).catch((error) =>
		{
			throw new Error(`${kind}: ${error.message}\n${sql}`);
		}),
	};
}

//
// The child
//

const UNESCAPED = { t: '\t', n: '\n', r: '\r', '\\': '\\', 0: '\0', b: '\b', f: '\f', "'": "'" };

// ClickHouse's TabSeparated, as arrays.
function parseTabSeparated(text)
{
	return text.split('\n').slice(0, -1).map((line) => line.split('\t').map((field) =>
		field === '\\N' ? null : field.replace(/\\(.)/g, (all, letter) => UNESCAPED[letter] ?? all)));
}

async function startEngine(kind, directory)
{
	if (kind === 'ch')
	{
		const { Session } = require('chdb');
		const session = new Session(directory);

		session.query(`SET max_threads = ${THREADS}, max_insert_threads = ${THREADS}`);
		return (sql) =>
		{
			const start = process.hrtime.bigint();
			const text = session.query(sql, 'TabSeparated');
			return { ms: elapsed(start), rows: parseTabSeparated(text) };
		};
	}

	const { DuckDBInstance } = require('@duckdb/node-api');
	const instance = await DuckDBInstance.create(`${directory}/bench.duckdb`, { threads: String(THREADS) });
	const connection = await instance.connect();

	return async (sql) =>
	{
		const start = process.hrtime.bigint();
		const reader = await connection.runAndReadAll(sql);
		const ms = elapsed(start);
		return { ms, rows: reader.getRows().map((row) => row.map((v) => v === null ? null : String(v))) };
	};
}

if (require.main === module)
{
	const engine = startEngine(process.argv[2], process.argv[3]);

	process.on('message', async (sql) =>
	{
		try
		{
			process.send(await (await engine)(sql));
		}
		catch (error)
		{
			process.send({ error: String(error.message) });
		}
	});
	process.on('disconnect', () => process.exit(0));
}

module.exports = { open, THREADS };
