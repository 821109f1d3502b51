#!/usr/bin/env node
//
// generate.js EVENTS DIRECTORY: a year of events of a web shop, as two files
// in the text format of COPY, in the order in which the events came:
//
//     events.tsv   customer, at, event, channel, value
//     plain.tsv    customer, at, event: the same rows
//
// About 12 events a customer, very unevenly: half of them have at most five,
// some have thousands.  at is UTC to the microsecond; one event in a hundred is
// at the same time as the one before it in its visit, but the first of a
// customer never is, so that "the first touch" is one row by anybody's rule.
// channel is that of the visit, NULL is direct; value is what a purchase cost,
// in quarters, so that sums of float8 are exact.
//
// The same bytes on every machine: chance is a generator of our own, started
// anew for every customer, and of the floating-point operations only those are
// used whose results IEEE 754 fixes (no logarithm, no power).
//
'use strict';

const fs = require('fs');
const path = require('path');

const EVENTS = ['impression', 'visit', 'search', 'view', 'wishlist', 'cart', 'checkout', 'purchase',
	'review', 'refer', 'support', 'return'];
const [IMPRESSION, VISIT, SEARCH, VIEW, WISHLIST, CART, CHECKOUT, PURCHASE, REVIEW, REFER, SUPPORT, RETURN] =
	EVENTS.keys();
const CHANNELS = ['\\N', 'organic search', 'paid search', 'social', 'display', 'email', 'affiliate', 'referral'];
const FIRST_CHANNEL = [0.09, 0.34, 0.54, 0.75, 0.88, 0.88, 0.95, 1];
const LATER_CHANNEL = [0.29, 0.45, 0.55, 0.63, 0.68, 0.97, 0.99, 1];

// Up to which chance what comes next in a visit; the rest leaves.
const NEXT = [];
NEXT[IMPRESSION] = [[0.42, VISIT]];
NEXT[VISIT] = [[0.30, SEARCH], [0.76, VIEW]];
NEXT[SEARCH] = [[0.70, VIEW], [0.84, SEARCH]];
NEXT[VIEW] = [[0.13, CART], [0.16, WISHLIST], [0.24, SEARCH], [0.74, VIEW]];
NEXT[WISHLIST] = [[0.60, VIEW]];
NEXT[CART] = [[0.38, CHECKOUT], [0.62, VIEW]];
NEXT[CHECKOUT] = [[0.62, PURCHASE], [0.70, CART]];
NEXT[PURCHASE] = [[0.04, SUPPORT], [0.12, REVIEW], [0.16, REFER], [0.19, RETURN]];

// With what a visit goes on where the one before it ended: so that a funnel takes days.
const RESUMED = [];
RESUMED[VIEW] = [[0.06, CART]];
RESUMED[WISHLIST] = [[0.40, CART]];
RESUMED[CART] = [[0.35, CHECKOUT]];
RESUMED[CHECKOUT] = [[0.40, PURCHASE]];

const SECOND = 1e6;
const DAY = 86400 * SECOND;
const YEAR = 365 * DAY;
const MINUTES = 365 * 1440;
const YEAR_START = Date.UTC(2025, 0, 1);

const total = Number(process.argv[2]);
const directory = process.argv[3];
if (!Number.isInteger(total) || total < 1 || total > 200e6 || !directory)
{
	console.error('generate.js EVENTS DIRECTORY, with 1 to 200000000 events');
	process.exit(2);
}

const customers = new Uint32Array(total);
const times = new Float64Array(total);
const events = new Uint8Array(total);
const channels = new Uint8Array(total);
const quarters = new Uint16Array(total);
let made = 0;

// mulberry32: uniform in [0, 1).
let state = 0;
function random()
{
	state = (state + 0x6D2B79F5) | 0;
	let t = Math.imul(state ^ (state >>> 15), 1 | state);
	t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
	return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}

// Mostly small, at times some twenty times as much; the mean is about 1.
function waiting()
{
	return 0.45 / (random() + 0.045) - 0.4;
}

function pick(limits)
{
	const x = random();

	return limits.findIndex((limit) => x < limit);
}

for (let customer = 1; made < total; customer++)
{
	state = Math.imul(customer, 0x9E3779B1);
	random();

	// How often this one comes: a power law.
	const u = random() + 1e-9;
	const visits = Math.min(1500, Math.floor(1.08 / (Math.sqrt(u) * Math.sqrt(Math.sqrt(u)))) || 1);
	// Who comes often has been here for long, and comes at shorter intervals.
	let clock = random() * YEAR * (visits > 20 ? 0.1 : visits > 3 ? 0.6 : 1);
	const interval = Math.min(16 * DAY, (YEAR - clock) / visits);
	let last = RETURN;

	for (let visit = 0; visit < visits && clock < YEAR && made < total; visit++)
	{
		const channel = pick(visit === 0 ? FIRST_CHANNEL : LATER_CHANNEL);
		let event = channel === 3 || channel === 4 ? IMPRESSION : VISIT;
		const pace = (10 + 60 * random()) * SECOND;

		for (let page = 0; clock < YEAR && made < total; page++)
		{
			customers[made] = customer;
			times[made] = Math.floor(clock);
			events[made] = event;
			channels[made] = channel;
			quarters[made] = event === PURCHASE ? 20 + Math.floor(2000 * random() * random() * random()) : 0;
			made++;

			const x = random();
			const y = random();
			const next = (event === VISIT && RESUMED[last]?.find(([limit]) => y < limit)) ||
				NEXT[event]?.find(([limit]) => x < limit);
			last = event;
			if (!next || page >= 60)
				break;
			event = next[1];
			const pause = event >= REVIEW ? DAY * waiting() : pace * waiting();
			if ((visit === 0 && page === 0) || random() >= 0.01)
				clock += 1 + pause;
		}
		clock += 3600 * SECOND + interval * waiting();
	}
}

// In the order of time; those of one moment as they were made.
const starts = new Uint32Array(MINUTES + 1);
const order = new Uint32Array(total);
for (let i = 0; i < total; i++)
	starts[Math.floor(times[i] / (60 * SECOND)) + 1]++;
for (let m = 0; m < MINUTES; m++)
	starts[m + 1] += starts[m];
const fill = starts.slice();
for (let i = 0; i < total; i++)
	order[fill[Math.floor(times[i] / (60 * SECOND))]++] = i;
for (let m = 0; m < MINUTES; m++)
	order.subarray(starts[m], starts[m + 1]).sort((a, b) => times[a] - times[b] || a - b);

const days = Array.from({ length: 365 }, (_, day) =>
	new Date(YEAR_START + day * 86400e3).toISOString().slice(0, 10));
const two = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, '0'));

function timestamp(us)
{
	const day = Math.floor(us / DAY);
	const seconds = Math.floor((us - day * DAY) / SECOND);
	const rest = String(us % SECOND + SECOND).slice(1);

	return `${days[day]} ${two[Math.floor(seconds / 3600)]}:${two[Math.floor(seconds / 60) % 60]}:` +
		`${two[seconds % 60]}.${rest}+00`;
}

const files = ['events', 'plain'].map((name) => fs.openSync(path.join(directory, `${name}.tsv`), 'w'));
for (let from = 0; from < total; from += 20000)
{
	let full = '';
	let plain = '';

	for (let n = from; n < Math.min(from + 20000, total); n++)
	{
		const i = order[n];
		const row = `${customers[i]}\t${timestamp(times[i])}\t${EVENTS[events[i]]}`;

		plain += `${row}\n`;
		full += `${row}\t${CHANNELS[channels[i]]}\t${events[i] === PURCHASE ? quarters[i] / 4 : '\\N'}\n`;
	}
	fs.writeSync(files[0], full);
	fs.writeSync(files[1], plain);
}
files.forEach((file) => fs.closeSync(file));
