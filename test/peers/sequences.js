#!/usr/bin/env node
//
// sequences.js [CUSTOMERS [PATTERNS [SEED]]]: sequence_match, sequence_count and
// sequence_match_events beside the ClickHouse that is embedded in the npm
// package chdb.
//
//   NODE_PATH=/somewhere/node_modules test/cluster.sh node test/peers/sequences.js
//
// Skipped where chdb is not installed (npm install chdb).  Random customers with
// equal times, overlapping conditions and rows that meet none; random patterns of
// all that ClickHouse has: conditions, ".", ".*" and gates.
//
// Two things are ClickHouse's own.  Among rows of one time the order of arrival
// decides there, so rows arrive in cjm's order.  And its sequenceMatchEvents may
// mix rows of several tries into a chain that the pattern forbids (issue 118120):
// a chain that differs from cjm's must be such a one, and is counted.  Whether it
// is, a matcher of chains says that tries every way.
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
const patterns = Number(process.argv[3] || 40);
const ZERO = 1700000000;

// A generator of numbers 0 <= x < 1 that is the same everywhere (mulberry32).
let seed = Number(process.argv[4] || 1) >>> 0;
function random() {
  seed = (seed + 0x6d2b79f5) >>> 0;
  let t = seed;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const below = (n) => Math.floor(random() * n);

function makePattern() {
  const items = [];
  const length = 1 + below(6);
  while (items.length < length) {
    const kind = below(10);
    if (kind < 5) items.push(`(?${1 + below(3)})`);
    else if (kind < 6) items.push('.');
    else if (kind < 8) items.push('.*');
    else if (items.length > 0 && !items[items.length - 1].startsWith('(?t')) {
      items.push(`(?t${['<=', '<', '>=', '>', '=='][below(5)]}${1 + below(5)})`);
    }
  }
  // A gate with nothing to measure to asks for a row here; there sequenceMatch and sequenceCount disagree about it.
  return /\(\?t[^)]*\)(\.\*)*$/.test(items.join('')) ? makePattern() : items;
}

// Whether rows can take the pattern from somewhere on, or its beginning, with conditions at just these times.
function possible(items, rows, times, whole) {
  const end = rows.length;
  function go(i, row, mark, next) {
    if (!whole && next === times.length) return true;
    if (i === items.length) return next === times.length;
    const item = items[i];
    if (item === '.*') {
      for (let k = row; k <= end; k++) if (go(i + 1, k, k, next)) return true;
      return false;
    }
    if (item.startsWith('(?t')) {
      const [, op, n] = item.match(/t([<>=]+)(\d+)/);
      for (let k = row; k < end; k++) {
        const d = rows[k][0] - rows[mark][0];
        const passes = { '<=': d <= n, '<': d < n, '>=': d >= n, '>': d > n, '==': d === Number(n) }[op];
        if (passes && go(i + 1, k, k, next)) return true;
      }
      return false;
    }
    if (row === end) return false;
    if (item === '.') return go(i + 1, row + 1, row, next);
    return (rows[row][1] >> (item[2] - 1) & 1) !== 0 && rows[row][0] === times[next] && go(i + 1, row + 1, row, next + 1);
  }
  for (let row = 0; row < end; row++) if (go(0, row, row, 0)) return true;
  return !whole && times.length === 0;
}

// Rows of a customer in cjm's order: by time, then by the first condition that only one of two meets.
const reversed = (mask) => ((mask & 1) << 2) | (mask & 2) | ((mask & 4) >> 2);
const file = path.join(process.env.CJM_WORK || os.tmpdir(), `sequences.${process.pid}.csv`);
const out = fs.openSync(file, 'w');
const data = [];
for (let c = 0; c < customers; c++) {
  const rows = [];
  let t = ZERO;
  for (let n = 1 + below(9); n > 0; n--) {
    t += below(4);
    rows.push([t, below(3) ? 1 << below(3) : below(8)]);
  }
  rows.sort((a, b) => a[0] - b[0] || reversed(b[1]) - reversed(a[1]));
  data.push(rows.filter((row) => row[1] !== 0).map(([at, mask]) => [at - ZERO, mask]));
  fs.writeSync(out, rows.map(([at, mask]) => `${c},${at},${mask}\n`).join(''));
}
fs.closeSync(out);
fs.chmodSync(file, 0o644);

function psql(sql) {
  return execFileSync('psql', ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', 'postgres'],
    { input: sql, maxBuffer: 1 << 30, encoding: 'utf8' });
}

psql(`CREATE EXTENSION IF NOT EXISTS cjm; DROP TABLE IF EXISTS public.sequence_rows;
CREATE UNLOGGED TABLE public.sequence_rows (c integer, s bigint, m integer);
\\copy public.sequence_rows from '${file}' csv
ALTER TABLE public.sequence_rows ADD t timestamptz;
UPDATE public.sequence_rows SET t = 'epoch'::timestamptz + s * interval '1 second';
VACUUM public.sequence_rows;`);

const table = `file('${file}', CSV, 'c UInt32, s UInt32, m UInt8')`;
let failures = 0;
let forbidden = 0;
let matches = 0;
console.log(`ClickHouse ${chdb.query('SELECT version()', 'TSV').trim()}`);
for (let p = 0; p < patterns; p++) {
  const items = makePattern();
  const pattern = items.join('');
  const ours = psql(`SET search_path = cjm, public; SET work_mem = '256MB';
    SELECT (sequence_match('${pattern}', t, m & 1 <> 0, m & 2 <> 0, m & 4 <> 0))::integer,
      sequence_count('${pattern}', t, m & 1 <> 0, m & 2 <> 0, m & 4 <> 0),
      array_to_string(ARRAY(SELECT extract(epoch FROM e)::bigint - ${ZERO}
        FROM unnest(sequence_match_events('${pattern}', t, m & 1 <> 0, m & 2 <> 0, m & 4 <> 0)) AS e), ',')
    FROM public.sequence_rows GROUP BY c ORDER BY c;`).replace(/\n$/, '').split('\n');
  const theirs = chdb.query(`SELECT sequenceMatch('${pattern}')(t, c1, c2, c3), sequenceCount('${pattern}')(t, c1, c2, c3),
      arrayStringConcat(arrayMap(x -> toString(toUInt32(x) - ${ZERO}), sequenceMatchEvents('${pattern}')(t, c1, c2, c3)), ',')
    FROM (SELECT c, toDateTime(s) AS t, bitTest(m, 0) AS c1, bitTest(m, 1) AS c2, bitTest(m, 2) AS c3 FROM ${table})
    GROUP BY c ORDER BY c SETTINGS max_threads = 1`, 'TSV').replace(/\n$/, '').split('\n').map((line) => line.replace(/\t/g, '|'));
  let differ = 0;
  for (let c = 0; c < customers; c++) {
    matches += ours[c][0] === '1' ? 1 : 0;
    if (ours[c] === theirs[c]) continue;
    const [match, count] = ours[c].split('|');
    const [theirMatch, theirCount, theirEvents] = theirs[c].split('|');
    if (match === theirMatch && count === theirCount &&
        !possible(items, data[c], theirEvents === '' ? [] : theirEvents.split(',').map(Number), match === '1')) {
      forbidden++;
      continue;
    }
    if (++differ <= 3) {
      console.log(`  ${pattern}: cjm ${ours[c]}, ClickHouse ${theirs[c]}`);
      console.log(`    ${data[c].map(([at, mask]) => `${at}:${mask}`).join(' ')}`);
    }
  }
  if (differ > 0) console.log(`${pattern}: ${differ} of ${customers} customers differ`);
  failures += differ;
}
psql('DROP TABLE public.sequence_rows;');
fs.unlinkSync(file);
console.log(`${customers} customers, ${patterns} patterns, ${matches} matches: ${forbidden} chains that the pattern forbids, ${failures} differences`);
process.exit(failures ? 1 : 0);
