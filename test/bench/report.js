//
// report.js: from the times to a table of ratios, and the aims.
//
'use strict';

function median(times)
{
	const sorted = [...times].sort((a, b) => a - b);
	const middle = Math.floor(sorted.length / 2);

	return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

// The aims that are no question's own.
const SIZE_AIMS = [
	['size, time and event, of the heap table', 'PostgreSQL, journeys_plain', 'PostgreSQL, plain', 1 / 4],
	['size with channel and value, of the heap table', 'PostgreSQL, journeys', 'PostgreSQL, events', 1 / 3],
];

// value decides, the ratio of the medians; fastest is that of the fastest runs, beside it to tell noise by.
function judge(aim, limit, value, fastest = value)
{
	return { aim, value, fastest, limit, met: value <= limit };
}

function findAims(questions, sizes)
{
	const aims = [];

	for (const { aims: own, variants } of questions)
		for (const [aim, ours, theirs, limit] of own || [])
		{
			const best = (keys, figure) =>
				Math.min(...keys.map((key) => variants.find((v) => v.key === key)?.[figure] ?? Infinity));

			if (isFinite(best(ours, 'median')) && isFinite(best(theirs, 'median')))
				aims.push(judge(aim, limit, best(ours, 'median') / best(theirs, 'median'),
					best(ours, 'min') / best(theirs, 'min')));
		}
	for (const [aim, ours, theirs, limit] of SIZE_AIMS)
		aims.push(judge(aim, limit, sizes[ours] / sizes[theirs]));
	return aims;
}

// Adds medians, ratios and aims to what was measured.
function summarize(result)
{
	for (const question of result.questions)
	{
		for (const variant of question.variants)
		{
			variant.median = median(variant.times);
			variant.min = Math.min(...variant.times);
			variant.max = Math.max(...variant.times);
		}
		const of = (key) => question.variants.find((variant) => variant.key === key).median;
		for (const variant of question.variants)
		{
			variant.of_ours = variant.median / of(question.ours);
			variant.of_floor = variant.median / of(question.floor);
		}
	}
	result.aims = findAims(result.questions, result.sizes);
	return result;
}

//
// Tables: an array of rows of cells; the first row is the head
//

const ms = (value) => value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0);
const ratio = (value) => value < 10 ? value.toFixed(2) : value.toFixed(1);

function settingsOf(variant)
{
	const list = Object.entries(variant.settings || {}).map(([name, value]) => `${name} ${value}`);

	return list.length ? ` (${list.join(', ')})` : '';
}

function questionTable(question)
{
	return [
		['', 'ms', 'min', 'max', `× ${question.ours}`, `× ${question.floor}`],
		...question.variants.map((variant) => [
			(variant.role === 'floor' ? 'floor: ' : '') + variant.label + settingsOf(variant) +
				(variant.differs ? ' DIFFERS' : ''),
			ms(variant.median), ms(variant.min), ms(variant.max), ratio(variant.of_ours), ratio(variant.of_floor)]),
	];
}

function sizeTable(result)
{
	return [['', 'MB', 'bytes per event'], ...Object.entries(result.sizes).map(([name, bytes]) =>
		[name, (bytes / 1e6).toFixed(1), (bytes / result.events).toFixed(1)])];
}

function aimTable(result)
{
	return [['', 'at most', 'is', 'fastest runs', ''], ...result.aims.map(({ aim, value, fastest, limit, met }) =>
		[aim, limit.toFixed(2), value.toFixed(2), fastest.toFixed(2),
			met ? 'met' : `missed by ${ratio(value / limit)}×`])];
}

function head(result)
{
	const { versions, machine, settings } = result;

	const comma = (n) => n.toLocaleString('en');
	const named = Object.entries(settings).map(([name, value]) => `${name} = ${value}`).join(', ');

	return [
		`${comma(result.events)} events of ${comma(result.customers)} customers; medians of ${result.runs} runs` +
			(result.runs < result.wanted ? `, which ended early: ${result.wanted} were wanted` : ''),
		Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(', '),
		`${machine.cpu}, ${machine.cores} cores, ${(machine.memory / 2 ** 30).toFixed(0)} GB; ` +
			`load average before and after each round ${result.load.map((l) => l.toFixed(1)).join(' ')}`,
		`PostgreSQL: stock settings, but ${named}; the others: 2 threads`,
	];
}

function sections(result)
{
	return [
		...result.questions.map((question) => [`${question.name}: ${question.title}`, questionTable(question)]),
		['Sizes', sizeTable(result)],
		['Aims: our time or size, of the other', aimTable(result)],
	].filter(([, table]) => table.length > 1);
}

function text(result)
{
	const lines = head(result);

	for (const [title, table] of sections(result))
	{
		const widths = table[0].map((cell, i) => Math.max(...table.map((row) => row[i].length)));

		lines.push('', title);
		for (const row of table)
			lines.push('  ' + row.map((cell, i) => i === 0 || (i === 4 && row.length === 5)
				? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join('  ').trimEnd());
	}
	return lines.join('\n');
}

// The tables alone, their titles as headings of this level.
function markdownTables(result, level)
{
	const row = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;

	return sections(result).flatMap(([title, table]) => [
		'', `${level} ${title}`, '',
		row(table[0]), `|${table[0].map((cell, i) => i === 0 ? '---|' : '---:|').join('')}`,
		...table.slice(1).map(row)]);
}

function markdown(result)
{
	const lines = ['# Benchmark of cjm', '', ...head(result).map((line) => `- ${line}`), ...markdownTables(result, '##')];

	lines.push('', '## Plans', '',
		'First the plan at stock settings but those that a variant names, then what the warming-up run did.');
	for (const question of result.questions)
		for (const variant of question.variants.filter((v) => v.plan))
			lines.push('', `${question.name}: ${variant.label}${settingsOf(variant)}`, '', '```', variant.plan, '',
				variant.executed, '```');
	return lines.join('\n') + '\n';
}

// report.js RESULT.json DOCUMENT [NAME]: puts the tables between the marks of that name in the document, "tables" by default.
if (require.main === module)
{
	const fs = require('fs');
	const [BEGIN, END] = [`<!-- bench: ${process.argv[4] || 'tables'} -->`, '<!-- bench: end -->'];
	const result = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
	const document = fs.readFileSync(process.argv[3], 'utf8');
	const from = document.indexOf(BEGIN);
	const to = document.indexOf(END, from);

	if (from < 0 || to < from)
	{
		console.error(`report.js: ${process.argv[3]} has no ${BEGIN} and ${END}`);
		process.exit(1);
	}
	const tables = ['', ...head(result).map((line) => `- ${line}`), ...markdownTables(result, '###'), '', ''];
	fs.writeFileSync(process.argv[3],
		document.slice(0, from + BEGIN.length) + '\n' + tables.join('\n') + document.slice(to));
}

module.exports = { summarize, text, markdown };
