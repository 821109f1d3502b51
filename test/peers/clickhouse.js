#!/usr/bin/env node
//
// clickhouse.js [CUSTOMERS [SEED]]: window_funnel, retention and sequence_next_node
// beside the ClickHouse that is embedded in the npm package chdb.
//
//   NODE_PATH=/somewhere/node_modules test/cluster.sh node test/peers/clickhouse.js
//
// Skipped where chdb is not installed (npm install chdb).  Random customers with
// equal times, overlapping conditions and NULLs; every mode and combination.
//
// Where the two differ the reason must be one of those listed in "quirks": the
// model below restates what ClickHouse does, row by row, with a switch for each.
// With all of them on it must give what ClickHouse gives and with all of them
// off what cjm gives, for every customer; a difference that it does not explain
// in this way is a failure.
'use strict';

const { execFileSync } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');

let chdb;
try {
  chdb = require('chdb');
} catch (e) {
  console.log('skipped: chdb is not installed');
  process.exit(0);
}

const customers = Number(process.argv[2] || 100000);
const STEPS = 4;
const WINDOW = 6;
const ZERO = 1700000000;

const quirks = {
  overwrite: 'strict_increase forgets a chain when its last step is taken anew (ClickHouse issue 52844)',
  arrival: 'what repeats a step among rows of one time depends on their arrival',
  stable: 'rows of one time and event that meet different conditions stay as they arrive',
};
const ALL = new Set(Object.keys(quirks));
const NONE = new Set();

// A generator of numbers 0 <= x < 1 that is the same everywhere (mulberry32).
let seed = Number(process.argv[3] || 1) >>> 0;
function random() {
  seed = (seed + 0x6d2b79f5) >>> 0;
  let t = seed;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const below = (n) => Math.floor(random() * n);

// Rows of a customer: {t, bits, base, label}; t and label may be null, a bit may be null.
function makeCustomer() {
  const overlap = random() < 0.5 ? 0 : 0.35;
  const span = 1 + below(13);
  const rows = [];
  for (let n = 1 + below(9); n > 0; n--) {
    const bits = new Array(STEPS).fill(0);
    if (random() < 0.85) bits[below(STEPS)] = 1;
    for (let i = 0; i < STEPS; i++) {
      if (random() < overlap) bits[i] = 1;
      if (random() < 0.03) bits[i] = null;
    }
    rows.push({
      t: random() < 0.03 ? null : below(span),
      bits,
      base: random() < 0.05 ? null : random() < 0.7 ? 1 : 0,
      label: random() < 0.03 ? null : 'ABC'[below(3)],
    });
  }
  return rows;
}

//
// The model
//

function windowFunnel(rows, modes, on) {
  const has = (mode) => modes.includes(mode);
  const once = has('strict_once');
  const increase = has('strict_increase');
  const entries = [];
  rows.forEach((row, id) => {
    if (row.t === null) return;
    let any = false;
    row.bits.forEach((bit, i) => {
      if (bit) {
        entries.push({ t: row.t, step: i, id });
        any = true;
      }
    });
    if (!any && has('strict_order')) entries.push({ t: row.t, step: -1, id });
  });
  entries.sort((a, b) => a.t - b.t || a.step - b.step || a.id - b.id);

  const chains = Array.from({ length: STEPS }, () => []);
  const depth = () => {
    const empty = chains.findIndex((list) => list.length === 0);
    return empty < 0 ? STEPS : empty;
  };
  for (let i = 0; i < entries.length; i++) {
    const { t, step, id } = entries[i];
    if (step < 0) {
      if (chains[0].length) break;
      continue;
    }
    const twin = i > 0 && entries[i - 1].t === t && entries[i - 1].step === step;
    if (step > 0 && has('strict_deduplication') && chains[step].length) {
      return depth();
    }
    if (step === 0) {
      const chain = { start: t, last: t, ids: [id] };
      if (once || increase && !on.has('overwrite')) chains[0].push(chain);
      else chains[0] = [chain];
    } else if (has('strict_order') && chains[0].length && !chains[step - 1].length) {
      if (has('allow_reentry')) continue;
      return depth();
    } else {
      const found = chains[step - 1]
        .filter((c) => t <= c.start + WINDOW && !(increase && c.last >= t) && !(once && c.ids.includes(id)))
        .map((c) => ({ start: c.start, last: t, ids: [...c.ids, id] }));
      if (found.length && step === STEPS - 1) return STEPS;
      if (once || increase && !on.has('overwrite')) chains[step].push(...found);
      else if (found.length) chains[step] = found;
    }
    // Without a say of arrival, another row of this time for a step that is now reached repeats it.
    if (step > 0 && has('strict_deduplication') && once && !on.has('arrival') && twin && chains[step].length) {
      return depth();
    }
  }
  return depth();
}

function retention(rows) {
  const met = Array.from({ length: STEPS }, (_, i) => rows.some((row) => row.bits[i]));
  return met.map((m) => (m && met[0] ? 1 : 0)).join('');
}

function nextNode(rows, direction, base, length, on) {
  const back = direction === 'backward';
  const list = rows.map((row, id) => ({ ...row, id })).filter((row) => row.t !== null && row.label !== null);
  const order = (a, b) => {
    if (on.has('stable')) return a.id - b.id;
    for (const [x, y] of [[a.base, b.base], ...a.bits.slice(0, length).map((bit, i) => [bit, b.bits[i]])]) {
      if (!x !== !y) return x ? -1 : 1;
    }
    return 0;
  };
  list.sort((a, b) => a.t - b.t || (a.label < b.label ? -1 : a.label > b.label ? 1 : order(a, b)));
  if (list.length <= length) return '';
  const matches = (row) => row.base && row.bits[0];
  let at = base === 'head' ? 0 : base === 'tail' ? list.length - 1
    : base === 'first_match' ? list.findIndex(matches)
    : list.length - 1 - [...list].reverse().findIndex(matches);
  if (!list[at] || !(base === 'head' || base === 'tail' ? list[at].base : matches(list[at]))) return '';
  for (let i = 0; i < length; i++, at += back ? -1 : 1) {
    if (!list[at] || !list[at].bits[i]) return '';
  }
  return list[at] ? list[at].label : '';
}

//
// The two databases
//

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'cjm-peers-'));
process.on('exit', () => fs.rmSync(directory, { recursive: true, force: true }));
const file = path.join(directory, 'rows.tsv');
const value = (v) => (v === null ? '\\N' : v);

const data = [];
const text = [];
for (let c = 0; c < customers; c++) {
  const rows = makeCustomer();
  data.push(rows);
  for (const row of rows) {
    text.push([c, row.t === null ? '\\N' : `${ZERO + row.t}000000`, ...row.bits.map(value), value(row.base),
      value(row.label)].join('\t'));
  }
}
fs.writeFileSync(file, text.join('\n') + '\n');

const bitNames = Array.from({ length: STEPS }, (_, i) => `b${i + 1}`);
const chdbTable = `file('${file}', 'TSV', 'c UInt32, t Nullable(UInt64), ` +
  `${bitNames.map((b) => `${b} Nullable(UInt8)`).join(', ')}, base Nullable(UInt8), label Nullable(String)')`;

function psql(sql) {
  return execFileSync('psql', ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', 'postgres'],
    { input: sql, encoding: 'utf8', maxBuffer: 1 << 30, stdio: ['pipe', 'pipe', 'inherit'] }).split('\n');
}

psql(`SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS cjm;
DROP TABLE IF EXISTS public.peer_rows;
CREATE UNLOGGED TABLE public.peer_rows (c int, us bigint, ${bitNames.map((b) => `${b} boolean`).join(', ')}, base boolean, label text);
\\copy public.peer_rows from '${file}'
ALTER TABLE public.peer_rows ADD t timestamptz;
UPDATE public.peer_rows SET t = 'epoch'::timestamptz + us * interval '1 microsecond';`);

// One answer a customer, by its number.
function askCjm(aggregate) {
  return psql(`SET search_path = cjm, public; SELECT coalesce(array_to_string(array[(${aggregate})::text], ''), '') FROM public.peer_rows GROUP BY c ORDER BY c;`)
    .slice(0, customers);
}

function askClickHouse(aggregate, where) {
  // A customer without a row that counts is nobody there.
  const lines = chdb.query(`SELECT c, ${aggregate} FROM (SELECT c, assumeNotNull(t) AS time, ` +
    `${bitNames.map((b) => `coalesce(${b}, 0) AS s${b}`).join(', ')}, coalesce(base, 0) AS sbase, ` +
    `assumeNotNull(label) AS slabel FROM ${chdbTable} WHERE ${where}) GROUP BY c ` +
    'SETTINGS max_threads = 1, allow_experimental_funnel_functions = 1', 'TSV').trimEnd().split('\n');
  const answers = new Array(customers).fill(null);
  for (const line of lines) {
    const [c, answer] = line.split('\t');
    answers[Number(c)] = answer === '\\N' ? '' : answer;
  }
  return answers;
}

let failures = 0;
let total = 0;

// Compares three columns: cjm's, ClickHouse's and the model's with quirks on and off.
function compare(name, ours, theirs, nothing, model) {
  const reasons = {};
  let differ = 0;
  let unexplained = 0;
  for (let c = 0; c < customers; c++) {
    const their = theirs[c] === null ? nothing : theirs[c];
    const on = String(model(data[c], ALL));
    const off = String(model(data[c], NONE));
    if (on !== their || off !== ours[c]) {
      unexplained++;
      if (unexplained <= 3) {
        console.log(`  customer ${c}: cjm ${ours[c]}, ClickHouse ${their}, model ${off} and ${on}`);
        for (const row of data[c]) console.log(`    ${JSON.stringify(row)}`);
      }
      continue;
    }
    if (ours[c] === their) continue;
    differ++;
    const reason = Object.keys(quirks).filter((q) => {
      const without = new Set(ALL);
      without.delete(q);
      return String(model(data[c], without)) !== on;
    });
    const key = reason.join(' and ') || 'several together';
    reasons[key] = (reasons[key] || 0) + 1;
  }
  total += customers;
  failures += unexplained;
  const why = Object.entries(reasons).map(([q, n]) => `${q} ${n}`).join(', ');
  console.log(`${name}: ${customers} customers, ${differ} differ${why && ` (${why})`}, ${unexplained} unexplained`);
}

console.log(`ClickHouse ${chdb.query('SELECT version()', 'TSV').trim()}`);

const modes = ['strict_deduplication', 'strict_order', 'strict_increase', 'strict_once', 'allow_reentry'];
for (let set = 0; set < 32; set++) {
  const chosen = modes.filter((_, i) => (set >> i) & 1);
  if (chosen.includes('allow_reentry') && !chosen.includes('strict_order')) continue;
  const ours = askCjm(`window_funnel('${WINDOW} seconds', '${chosen.join(', ')}', t, ${bitNames.join(', ')})`);
  const theirs = askClickHouse(`windowFunnel(${[`${WINDOW}000000`, ...chosen.map((m) => `'${m}'`)].join(', ')})` +
    `(time, ${bitNames.map((b) => `s${b}`).join(', ')})`, 't IS NOT NULL');
  compare(`window_funnel ${chosen.join(',') || 'default'}`, ours, theirs, '0', (rows, on) => windowFunnel(rows, chosen, on));
}

compare('retention', askCjm(`translate(array_to_string(retention(${bitNames.join(', ')}), ''), 'tf', '10')`),
  askClickHouse(`arrayStringConcat(retention(${bitNames.map((b) => `s${b}`).join(', ')}))`, '1'), '0000', retention);

for (const [direction, base] of [['forward', 'head'], ['forward', 'first_match'], ['forward', 'last_match'],
  ['backward', 'tail'], ['backward', 'first_match'], ['backward', 'last_match']]) {
  for (let length = 1; length <= 3; length++) {
    const chain = bitNames.slice(0, length);
    compare(`sequence_next_node ${direction} ${base} ${length}`,
      askCjm(`sequence_next_node('${direction}', '${base}', t, label, base, ${chain.join(', ')})`),
      askClickHouse(`sequenceNextNode('${direction}', '${base}')(time, slabel, sbase, ${chain.map((b) => `s${b}`).join(', ')})`,
        't IS NOT NULL AND label IS NOT NULL'), '', (rows, on) => nextNode(rows, direction, base, length, on));
  }
}

for (const [quirk, meaning] of Object.entries(quirks)) console.log(`${quirk}: ${meaning}`);
psql('DROP TABLE public.peer_rows;');
console.log(`${total} answers compared, ${failures} unexplained`);
process.exit(failures ? 1 : 0);
