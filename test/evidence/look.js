/*
 * look.js DIR PAGE ...: reads the pages that Evidence has built in DIR, in the system's Chromium.
 *
 * It serves DIR on this machine and prints a line of JSON for each page: {"page", "title", "tables", "charts",
 * "wrong"}.  tables are the texts of the cells of their rows, charts the number of those that are drawn, and wrong
 * what the page asked for elsewhere, and what it said on the console.  PAGE is a path, and after an "=" what is to
 * be chosen in the list on it: "channels=linear".  t/076_evidence.pl compares that with the views.
 */
'use strict';

const fs = require('fs');
const http = require('http');
const path = require('path');
const puppeteer = require(path.join(__dirname, '../browser/node_modules/puppeteer-core'));

const [dir, ...pages] = process.argv.slice(2);
const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.json': 'application/json', '.wasm': 'application/wasm', '.svg': 'image/svg+xml' };

/* DIR and nothing else; a path without a file is that of a page. */
function serve(request, answer) {
	const wanted = path.join('/', decodeURIComponent(new URL(request.url, 'http://localhost').pathname));
	const file = [wanted, `${wanted}.html`, path.join(wanted, 'index.html')].map((name) => path.join(dir, name)).find((name) => fs.statSync(name, { throwIfNoEntry: false })?.isFile());

	if (!file) return answer.writeHead(404).end();
	const bytes = fs.readFileSync(file), [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range || '') || [];
	const head = { 'Content-Type': types[path.extname(file)] || 'application/octet-stream', 'Accept-Ranges': 'bytes' };

	/* DuckDB asks for parts of the files of rows. */
	if (from === undefined) return answer.writeHead(200, { ...head, 'Content-Length': bytes.length }).end(request.method === 'HEAD' ? undefined : bytes);
	const part = bytes.subarray(+from, to === '' ? undefined : +to + 1);
	return answer.writeHead(206, { ...head, 'Content-Length': part.length, 'Content-Range': `bytes ${from}-${+from + part.length - 1}/${bytes.length}` }).end(part);
}

/* In the page: the texts of the rows of its tables.  Each is there once more for paper, where nobody sees it. */
function rows() {
	return [...document.querySelectorAll('table')].filter((table) => table.checkVisibility()).map((table) =>
		[...table.rows].filter((row) => row.cells.length && row.cells[0].tagName === 'TD').map((row) => [...row.cells].map((cell) => cell.innerText.trim())));
}

async function look(browser, at, asked) {
	const [page, chosen] = asked.split('=');
	const tab = await browser.newPage(), wrong = [];

	await tab.setViewport({ width: 1280, height: 1600 });
	tab.on('console', (message) => { if (['error', 'warn'].includes(message.type())) wrong.push(`console: ${message.text()}`); });
	tab.on('pageerror', (error) => wrong.push(`error: ${error.message}`));
	tab.on('request', (request) => { if (!request.url().startsWith(at) && !/^(?:data|blob):/.test(request.url())) wrong.push(`asks for ${request.url()}`); });
	await tab.goto(`${at}/${page}`, { waitUntil: 'networkidle0', timeout: 0 });
	const told = async () => JSON.stringify(await tab.evaluate(rows));

	await tab.waitForFunction('[...document.querySelectorAll("td[role=cell]")].some((cell) => cell.innerText.trim())', { timeout: 0 });
	if (chosen) {
		const before = await told();

		await tab.click('button[role=combobox]');
		await tab.waitForSelector('[role=option], [data-cmdk-item]', { timeout: 0 });
		for (const option of await tab.$$('[role=option], [data-cmdk-item]')) {
			if ((await option.evaluate((node) => node.innerText.trim())) === chosen) await option.click();
		}
		while ((await told()) === before) await new Promise((again) => setTimeout(again, 100));
	}
	await tab.waitForNetworkIdle({ timeout: 0 });
	console.log(JSON.stringify({
		page: asked,
		title: await tab.title(),
		tables: await tab.evaluate(rows),
		charts: await tab.evaluate(() => [...document.querySelectorAll('canvas, svg')].filter((node) => node.closest('[_echarts_instance_], .chart') && node.getBoundingClientRect().height > 50).length),
		wrong }));
	await tab.close();
}

(async () => {
	const server = http.createServer(serve);

	await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
	const browser = await puppeteer.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage'], protocolTimeout: 0 });

	for (const page of pages) await look(browser, `http://127.0.0.1:${server.address().port}`, page);
	await browser.close();
	server.close();
	server.closeAllConnections();
})();
