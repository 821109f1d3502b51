//
// run.js: the benchmark, in the cluster that cluster.sh made; "start" prepares it.
//
//     CJM_EVENTS     how many events, 10000000 if not set
//     CJM_RUNS       measured runs of each variant, 5; one more before them is not measured
//     CJM_ONLY       names of questions to ask, all if not set
//     CJM_SETTINGS   settings of PostgreSQL beside the stock ones: 'work_mem=64MB jit=off'
//     CJM_RESULT     where to write the result: FILE.md and FILE.json
//     CJM_BASELINE   a file of ratios: what is worse than in it by a quarter ends the run with
//                    status 1 (baseline.js); it is written if it is not there
//
// The runs are interleaved: each round asks every question of every engine once,
// in an order that turns from round to round, so that a slow minute of the
// machine falls on all of them.  Answers that differ end it with status 1.
//
'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');
const { execFileSync } = require('child_process');
const { open, THREADS } = require('./engines');
const { setup, sameRows, sizes, topics } = require('./questions');
const report = require('./report');
const baseline = require('./baseline');

const GENERATOR = path.join(__dirname, 'generate.js');
const home = process.env.CJM_BENCH_DIR;
const work = process.env.CJM_WORK;
const events = number('EVENTS', 10000000);
const runs = number('RUNS', 5);
const only = words('ONLY');
const settings = { max_parallel_workers_per_gather: String(THREADS - 1) };
const engines = {};
let failures = 0;

function number(name, otherwise)
{
	const text = process.env[`CJM_${name}`] || String(otherwise);

	if (!/^[1-9][0-9]*$/.test(text))
		die(`${name}=${text} is not a whole number from 1 on`);
	return Number(text);
}

function words(name)
{
	return (process.env[`CJM_${name}`] || '').split(/\s+/).filter((word) => word !== '');
}

function die(message)
{
	console.error(`cjm: ${message}`);
	process.exit(1);
}

function progress(text)
{
	console.error(`${new Date().toISOString().slice(11, 19)} ${text}`);
}

// The directory of the generated files, which the server and the others read.
function generated()
{
	const stamp = require('crypto').createHash('sha1').update(fs.readFileSync(GENERATOR)).digest('hex').slice(0, 8);
	const directory = path.join(home, `events-${events}-${stamp}`);

	if (!fs.existsSync(directory))
	{
		const unfinished = fs.mkdtempSync(path.join(home, 'tmp', 'events.'));

		progress(`making ${events} events in ${directory}`);
		fs.chmodSync(unfinished, 0o755);
		execFileSync(process.execPath, [GENERATOR, String(events), unfinished], { stdio: 'inherit' });
		fs.renameSync(unfinished, directory);
	}
	return directory;
}

// cluster.sh gives a cluster that does not care for durability; this makes it a stock one.
async function stockServer()
{
	const postgres = await open('pg');
	const { rows } = await postgres.query(`SELECT name, boot_val FROM pg_settings
		WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'wal_level', 'max_wal_senders',
			'max_wal_size')`);

	for (const [name, value] of rows)
		await postgres.query(`ALTER SYSTEM SET ${name} = '${value}'`);
	await postgres.close();
	const as = process.env.CJM_USER ? ['runuser', '-u', process.env.CJM_USER, '--'] : [];
	const [command, ...rest] = [...as, 'pg_ctl', 'restart', '-w', '-s', '-D', `${work}/data`, '-l', `${work}/server.log`];
	execFileSync(command, rest, { cwd: work, stdio: 'ignore' });
}

async function load(kind, statement)
{
	const { ms } = await engines[kind].query(statement);

	progress(`${kind.padEnd(4)} ${(ms / 1000).toFixed(1).padStart(6)} s  ${statement.replace(/\s+/g, ' ').slice(0, 90)}`);
}

async function set(values)
{
	for (const [name, value] of Object.entries(values))
		await engines.pg.query(`SELECT set_config('${name}', '${value.replaceAll("'", "''")}', false)`);
}

async function reset(values)
{
	for (const name of Object.keys(values))
		await (name in settings ? set({ [name]: settings[name] }) : engines.pg.query(`RESET ${name}`));
}

// The questions to ask, with the variants that this version of cjm can answer; what their topics need is loaded.
async function chosen(directory)
{
	const allQuestions = topics.flatMap((topic) => topic.questions);
	const names = allQuestions.map((question) => question.name);
	const unknown = only.find((name) => !names.includes(name));

	if (unknown)
		die(`there is no question "${unknown}", only: ${names.join(' ')}`);
	const questions = allQuestions.filter((question) => only.length === 0 || only.includes(question.name));
	for (const question of questions)
	{
		const there = [];

		for (const variant of question.variants)
		{
			const missing = variant.needs &&
				(await engines.pg.query(`SELECT to_regprocedure('cjm.${variant.needs}')`)).rows[0][0] === null;

			if (!missing)
				there.push({ ...variant, times: [] });
		}
		question.variants = there;
	}
	const answerable = questions.filter((question) => question.variants.some((variant) => variant.key === question.ours));

	for (const topic of topics.filter(({ questions: own }) => own.some((question) => answerable.includes(question))))
		for (const [kind, statements] of Object.entries(topic.setup || {}))
			for (const statement of statements(directory))
				await load(kind, statement);
	return answerable;
}

// Asks once; the time is kept unless this is the round that warms up, in which PostgreSQL tells what it does.
async function ask(question, variant, directory, measured)
{
	const engine = engines[variant.engine];
	const sql = typeof variant.sql === 'function' ? variant.sql(directory) : variant.sql;

	try
	{
		for (const statement of variant.before || [])
			await engine.query(statement);
		await set(variant.settings || {});
		const explain = !measured && variant.engine === 'pg' && typeof variant.sql !== 'function';
		const result = await engine.query(explain ? `EXPLAIN (ANALYZE, TIMING OFF) ${sql}` : sql);
		await reset(variant.settings || {});
		const { rows } = variant.answer ? await engine.query(variant.answer) : result;
		for (const statement of variant.after || [])
			await engine.query(statement);

		if (measured)
			variant.times.push(result.ms);
		if (explain)
			variant.executed = result.rows.flat().join('\n');
		else if (variant.role !== 'floor')
			compare(question, variant, rows.flat().join(' '));
	}
	catch (error)
	{
		throw new Error(`${question.name}, ${variant.key}: ${error.message}`);
	}
}

function compare(question, variant, answer)
{
	const asked = variant.asks || question.name;

	question.answers ??= {};
	question.answers[asked] ??= { answer, by: variant.key };
	const first = question.answers[asked];
	if (answer !== first.answer && !variant.differs)
	{
		variant.differs = answer;
		failures++;
		console.error(`cjm: ${question.name}: ${variant.key} differs from ${first.by}:\n` +
			`${answer.slice(0, 400)}\n${first.answer.slice(0, 400)}`);
	}
}

// The plan at stock settings, beside those that are the variant's own.
async function plan(variant)
{
	if (variant.engine !== 'pg' || typeof variant.sql === 'function')
		return;
	await engines.pg.query('RESET ALL');
	await set(variant.settings || {});
	for (const statement of variant.before || [])
		await engines.pg.query(statement);
	variant.plan = (await engines.pg.query(`EXPLAIN ${variant.sql}`)).rows.flat().join('\n');
	await engines.pg.query('RESET ALL');
	await set(settings);
}

async function measureSizes()
{
	const pg = await engines.pg.query(sizes.pg);
	const ch = await engines.ch.query(sizes.ch);

	return Object.fromEntries([
		...pg.rows.map(([name, bytes]) => [`PostgreSQL, ${name}`, Number(bytes)]),
		...ch.rows.map(([name, bytes]) => [`ClickHouse, ${name}`, Number(bytes)]),
		['DuckDB, events', fs.statSync(`${work}/duck/bench.duckdb`).size],
	]);
}

function holdAgainst(file, result)
{
	if (!file)
		return;
	if (!fs.existsSync(file))
	{
		baseline.keep(result, file);
		console.log(`The ratios are kept in ${file}.`);
		return;
	}
	const { worse, text } = baseline.compare(result, JSON.parse(fs.readFileSync(file, 'utf8')));

	console.log(`\n${text}`);
	failures += worse;
}

async function main()
{
	const loads = [os.loadavg()[0]];
	const directory = generated();

	for (const word of words('SETTINGS'))
	{
		const [, name, value] = word.match(/^([a-z_.]+)=(.+)$/) || die(`SETTINGS are like work_mem=64MB, not ${word}`);
		settings[name] = value;
	}
	await stockServer();
	for (const kind of ['pg', 'ch', 'duck'])
	{
		fs.mkdirSync(`${work}/${kind}`);
		engines[kind] = await open(kind, `${work}/${kind}`);
		for (const statement of setup[kind](directory))
			await load(kind, statement);
	}

	const rows = {};
	for (const kind of Object.keys(engines))
		rows[kind] = (await engines[kind].query(sameRows[kind])).rows.flat().join(' ');
	if (rows.ch !== rows.pg || rows.duck !== rows.pg)
		die(`the engines have different rows:\n${rows.pg}\n${rows.ch}\n${rows.duck}`);

	const questions = await chosen(directory);
	await set(settings);
	for (const question of questions)
		for (const variant of question.variants)
			await plan(variant);

	const one = async (kind, sql) => (await engines[kind].query(sql)).rows[0][0];
	const result = {
		events, runs: 0, wanted: runs, settings, questions, load: loads,
		customers: Number(await one('pg', 'SELECT count(*) FROM journeys')),
		sizes: await measureSizes(),
		machine: { cpu: os.cpus()[0].model, cores: os.cpus().length, memory: os.totalmem() },
		versions: {
			cjm: await one('pg', 'SELECT cjm.cjm_version()'),
			PostgreSQL: await one('pg', "SELECT current_setting('server_version')"),
			ClickHouse: await one('ch', 'SELECT version()'),
			DuckDB: await one('duck', 'SELECT version()'),
		},
	};
	const base = (process.env.CJM_RESULT || path.join(home, `result-${events}`)).replace(/\.(md|json)$/, '');

	for (let round = 0; round <= runs; round++)
	{
		progress(round === 0 ? 'warming up' : `round ${round} of ${runs}`);
		for (const question of questions)
		{
			const turn = round % question.variants.length;

			for (const variant of [...question.variants.slice(turn), ...question.variants.slice(0, turn)])
				await ask(question, variant, directory, round > 0);
		}
		loads.push(os.loadavg()[0]);

		// After each round, so that a run which ends early has told what it knows.
		if (round > 0)
		{
			result.runs = round;
			report.summarize(result);
			fs.writeFileSync(`${base}.json`, JSON.stringify(result, null, '\t') + '\n');
			fs.writeFileSync(`${base}.md`, report.markdown(result));
		}
	}
	console.log(report.text(result));
	console.log(`\nWritten to ${base}.md and ${base}.json, with the plans.`);
	holdAgainst(process.env.CJM_BASELINE, result);
}

async function close()
{
	await Promise.allSettled(Object.values(engines).map((engine) => engine.close()));
}

main().then(close).then(() => process.exit(failures > 0 ? 1 : 0), async (error) =>
{
	console.error(`cjm: ${error.message}`);
	await close();
	process.exit(1);
});
