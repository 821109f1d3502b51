//
// baseline.js: whether anything has become slower than it was in a run that is kept.
//
//     node baseline.js RESULT.json BASELINE.json         holds one against the other; status 1 if something is worse
//     node baseline.js RESULT.json BASELINE.json write   keeps the result
//
// What is kept are ratios, of each variant of ours to the floor of its question or, if it is the
// floor, to our first one, measured in the same run: they hardly go by the machine, where
// times do.  A variant is worse if both its median and its fastest run are, by a quarter:
// noise makes medians slower, seldom the fastest run, and what has become slower is slower in both.
//
'use strict';

const fs = require('fs');

const WORSE = 1.25;

// {question: {variant: [ratio of medians, ratio of fastest runs]}}
function ratios(result)
{
	return Object.fromEntries(result.questions.map((question) =>
	{
		const of = (key) => question.variants.find((variant) => variant.key === key);
		const floor = of(question.floor) || of(question.ours);
		const own = question.variants.filter((variant) => variant.engine === 'pg' && variant.role !== 'floor' && variant !== floor);

		return [question.name, Object.fromEntries(own.map((variant) =>
			[variant.key, [variant.median / floor.median, variant.min / floor.min].map((value) => Number(value.toPrecision(4)))]))];
	}).filter(([, variants]) => Object.keys(variants).length > 0));
}

// Rows of what is worse or better by so much: question, variant, was, is, how many times.
function changes(is, was)
{
	return Object.entries(is).flatMap(([question, variants]) => Object.entries(variants)
		.filter(([variant]) => was[question]?.[variant])
		.map(([variant, [median, fastest]]) =>
		{
			const [median_was, fastest_was] = was[question][variant];
			const times = [median / median_was, fastest / fastest_was];

			return { name: `${question}, ${variant}`, was: median_was, is: median,
				worse: Math.min(...times), better: 1 / Math.max(...times) };
		}));
}

function compare(result, baseline)
{
	if (result.events !== baseline.events)
		throw new Error(`the baseline is of ${baseline.events} events, and this run of ${result.events}`);
	const all = changes(ratios(result), baseline.ratios);
	const line = ({ name, was, is }, word, times) => `  ${name}: ${was.toPrecision(3)} before, ${is.toPrecision(3)} now, ${times.toFixed(2)} times as ${word}`;

	if (all.length === 0)
		throw new Error('the baseline has nothing of what this run asked');
	const worse = all.filter((change) => change.worse > WORSE);
	return {
		worse: worse.length,
		text: [`${all.length} ratios beside the baseline, of cjm ${baseline.versions.cjm} and PostgreSQL ${baseline.versions.PostgreSQL}: ` +
			`${worse.length} worse by a quarter or more`,
			...worse.map((change) => line(change, 'slow', change.worse)),
			...all.filter((change) => change.better > WORSE).map((change) => line(change, 'fast', change.better))].join('\n'),
	};
}

function keep(result, file)
{
	const { events, runs, versions } = result;

	fs.writeFileSync(file, JSON.stringify({ events, runs, versions, ratios: ratios(result) }, null, '\t')
		.replace(/\[\s+([0-9.e+-]+),\s+([0-9.e+-]+)\s+\]/g, '[$1, $2]') + '\n');
}

if (require.main === module)
{
	const [result, baseline, write] = process.argv.slice(2);
	const read = (file) => JSON.parse(fs.readFileSync(file, 'utf8'));

	if (write === 'write')
		keep(read(result), baseline);
	else
	{
		const { worse, text } = compare(read(result), read(baseline));

		console.log(text);
		process.exit(worse > 0 ? 1 : 0);
	}
}

module.exports = { compare, keep };
