/*
 * look.js DIR: looks at the pages that DIR/pages.json names, in the system's browsers.
 *
 * Each of them is one of [{"name", "file", "browser", "widths", "schemes", "checks"}].
 * It prints a line of JSON for each: {"name", "seen", "wrong"}: how much was looked
 * at, and what is wrong, in words.  t/041_html.pl makes the pages and reads that.
 *
 * checks: "layout" (nothing runs out of the window or over another, at each width,
 * light and dark), "axe" (the rules of axe-core), "keys" (all can be reached and done by
 * the keyboard), "hover", "plain" (all is there without the script), "print" (on paper).
 * In any case: nothing is loaded, nothing is said on the console, nothing is blocked,
 * and no label has become a script.
 */
'use strict';

const fs = require('fs');
const path = require('path');
const puppeteer = require('puppeteer-core');

const dir = process.argv[2];
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const programs = { chrome: '/usr/bin/chromium', firefox: '/usr/bin/firefox-esr' };

/* In the page: what runs out or over another.  Text is where its letters are, as far as what scrolls shows them. */
function layout() {
	const wrong = [], boxes = [];
	const width = document.documentElement.clientWidth;
	const paged = matchMedia('print').matches;

	if (document.documentElement.scrollWidth > width) wrong.push('the page is ' + document.documentElement.scrollWidth + ' wide, the window ' + width);
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let node = walker.nextNode(); node; node = walker.nextNode()) {
		const parent = node.parentElement;

		if (!node.data.trim() || parent.closest('script,style,title,desc,svg.cjm,caption,.skip') || !parent.checkVisibility()) continue;
		const range = document.createRange();
		range.selectNodeContents(node);
		const clip = parent.closest('.wide');
		const frame = clip && !paged ? clip.getBoundingClientRect() : { left: 0, right: width };
		for (const rect of range.getClientRects()) {
			const box = { left: rect.left, right: rect.right, top: rect.top, bottom: rect.bottom, text: node.data.trim().slice(0, 40), parent };

			if (rect.width < 1 || rect.height < 1) continue;
			if (clip && !paged) {
				if (frame.left < -0.5 || frame.right > width + 0.5) wrong.push('what scrolls is wider than the window at "' + box.text + '"');
				box.left = Math.max(box.left, frame.left);
				box.right = Math.min(box.right, frame.right);
				if (box.right - box.left < 1) continue;
			} else if (box.left < -0.5 || box.right > width + 0.5) {
				wrong.push('"' + box.text + '" runs out of the window: ' + Math.round(box.left) + ' to ' + Math.round(box.right) + ' of ' + width);
			}
			boxes.push(box);
		}
	}
	boxes.sort((a, b) => a.top - b.top);
	for (let i = 0; i < boxes.length; i++) {
		for (let j = i + 1; j < boxes.length && boxes[j].top < boxes[i].bottom - 2; j++) {
			const a = boxes[i], b = boxes[j];
			const across = Math.min(a.right, b.right) - Math.max(a.left, b.left), down = Math.min(a.bottom, b.bottom) - b.top;

			/* Parts of one line of a drawing stand one after the other; Firefox counts the paper around their letters to both. */
			if (a.parent.closest('text') && a.parent.closest('text') === b.parent.closest('text')) continue;
			/* Lines of small and large type reach into each other's leading. */
			if (across > 1 && down > 0.4 * Math.min(a.bottom - a.top, b.bottom - b.top)) wrong.push('"' + a.text + '" and "' + b.text + '" overlap');
		}
	}
	for (const head of document.querySelectorAll('h1,h2,h3,p,li,td,th,summary,label,figcaption')) {
		if (head.checkVisibility() && head.scrollWidth > head.clientWidth + 1 && getComputedStyle(head).display !== 'inline' && head.clientWidth > 0)
			wrong.push(head.localName + ' "' + head.textContent.trim().slice(0, 40) + '" is wider than its place: ' + head.scrollWidth + ' in ' + head.clientWidth);
	}
	return { boxes: boxes.length, wrong: wrong.slice(0, 8) };
}

/* What a key does may be done a moment after it. */
async function becomes(test) {
	for (let i = 0; i < 20; i++) {
		if (await test()) return true;
		await new Promise(done => setTimeout(done, 50));
	}
	return false;
}

/* A page with ears: all that it says or asks for is wrong. */
async function open(browser, one, seen, wrong, script) {
	const page = await browser.newPage();

	page.on('console', message => wrong.push('console: ' + message.text().slice(0, 300)));
	page.on('pageerror', error => wrong.push('error: ' + error.message.slice(0, 300)));
	page.on('dialog', dialog => { wrong.push('a dialog opened: ' + dialog.message()); dialog.dismiss(); });
	page.on('request', request => {
		/* Firefox draws some of its own signs with a font that it has in itself. */
		if (request.url() !== one.url && !request.url().startsWith('data:font/')) wrong.push('it asks for ' + request.url().slice(0, 200));
		seen.requests = (seen.requests || 0) + 1;
	});
	if (script === false) await page.setJavaScriptEnabled(false);
	return page;
}

async function keys(page, seen, wrong) {
	const stops = [];
	const reachable = 'a[href],button,summary,[tabindex="0"],input:checked';
	const all = await page.evaluate(which => [...document.querySelectorAll(which)].filter(e => e.checkVisibility()).length, reachable);

	/* No further than the last one: behind it are the browser's own buttons. */
	for (let i = 0; i < all; i++) {
		await page.keyboard.press('Tab');
		const stop = await page.evaluate(() => {
			const at = document.activeElement;

			if (!at || at === document.body) return null;
			const again = at.dataset.stop;
			at.dataset.stop = '1';
			const style = getComputedStyle(at), box = at.getBoundingClientRect();
			return { again, what: at.localName + ' ' + (at.textContent.trim().slice(0, 30) || at.getAttribute('aria-label')), ring: style.outlineStyle !== 'none' || at.localName === 'input', shown: box.width > 0 && box.height > 0 };
		});
		if (!stop || stop.again) break;
		if (!stop.ring) wrong.push(stop.what + ' does not show that it has the focus');
		if (!stop.shown) wrong.push(stop.what + ' has the focus and is not there');
		stops.push(stop.what);
	}
	seen.stops = stops.length;
	const wanted = await page.evaluate(which => [...document.querySelectorAll(which)].filter(e => e.checkVisibility() && !e.dataset.stop).map(e => e.localName + ' ' + e.textContent.slice(0, 30)), reachable);
	for (const missed of wanted) wrong.push('the keyboard does not reach ' + missed);

	/* A column is sorted, once more the other way round. */
	const sorted = await page.evaluate(() => {
		const table = document.querySelector('table.funnel'), button = table && table.querySelectorAll('thead th')[2].querySelector('button');

		if (!button) return null;
		button.focus();
		return [...table.tBodies[0].rows].map(row => Number(row.cells[2].dataset.v));
	});
	if (sorted) {
		const column = () => page.evaluate(() => [...document.querySelector('table.funnel').tBodies[0].rows].map(row => Number(row.cells[2].dataset.v)).join());

		await page.keyboard.press('Enter');
		if (!await becomes(async () => await column() === sorted.slice().sort((a, b) => b - a).join())) wrong.push('a column is not sorted by a key');
		await page.keyboard.press('Enter');
		if (!await becomes(async () => await column() === sorted.slice().sort((a, b) => a - b).join())) wrong.push('nor the other way round');
		seen.sorted = sorted.length;
	}

	/* The switch: each of its values shows its own parts and hides those of others. */
	const values = await page.evaluate(() => [...document.querySelectorAll('fieldset.switch input')].map(input => input.value));
	if (values.length) {
		await page.focus('fieldset.switch input');
		for (let i = 1; i < values.length; i++) {
			await page.keyboard.press('ArrowDown');
			const state = await page.evaluate(() => ({ chosen: document.querySelector('fieldset.switch input:checked').value,
				shown: [...new Set([...document.querySelectorAll('[data-g]')].filter(e => e.checkVisibility()).map(e => e.dataset.g))].join() }));
			if (state.chosen !== values[i] || state.shown !== values[i]) wrong.push('the switch at ' + values[i] + ' shows ' + state.shown);
		}
		await page.focus('fieldset.switch input:checked');
		await page.keyboard.press('ArrowDown');
		if (await page.evaluate(() => [...document.querySelectorAll('[data-g]')].some(e => e.hidden))) wrong.push('the switch does not show everything again');
		seen.values = values.length;
	}

	/* A chart tells its weeks. */
	const chart = await page.$('figure.series svg[tabindex]');
	if (chart) {
		await page.evaluate(svg => svg.focus(), chart);
		await page.keyboard.press('ArrowLeft');
		const said = await page.evaluate(() => {
			const figure = document.querySelector('figure.series');
			const last = [...figure.querySelectorAll('tbody tr')].pop();

			return [figure.querySelector('.readout').textContent, [...last.cells].map(cell => cell.textContent).join(' \u00b7 ')];
		});
		if (said[0] !== said[1]) wrong.push('a chart says "' + said[0] + '", its table "' + said[1] + '"');
		await page.focus('figure.series summary');
		await page.keyboard.press('Enter');
		if (!await becomes(() => page.evaluate(() => document.querySelector('figure.series details').open))) wrong.push('the numbers of a chart do not open by a key');
	}
}

async function look(browser, one) {
	const seen = {}, wrong = [];
	const does = check => one.checks.includes(check);

	one.url = 'file://' + path.join(dir, one.file);
	const page = await open(browser, one, seen, wrong);
	for (const scheme of one.schemes) {
		if (one.browser !== 'firefox') await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
		for (const width of one.widths) {
			/* 640 stands for 1280 at 200 %: that is what a browser makes of it. */
			await page.setViewport({ width, height: 900, deviceScaleFactor: width === 640 ? 2 : 1 });
			if (!page.url().startsWith('file:')) await page.goto(one.url);
			const found = await page.evaluate(layout);
			seen.boxes = (seen.boxes || 0) + found.boxes;
			for (const what of found.wrong) wrong.push('at ' + width + ' ' + scheme + ': ' + what);
			if (one.shots) await page.screenshot({ path: path.join(dir, one.file.replace('.html', '-' + width + '-' + scheme + '.png')), fullPage: true });
		}
		if (does('axe')) {
			/* As the developer tools do: the page's own policy would let in no script. */
			const found = await page.evaluate(axe + ';axe.run(document, { resultTypes: ["violations"] })'
				+ '.then(r => ({ rules: r.passes.length, violations: r.violations.map(v => v.id + ": " + v.nodes.length + " x " + v.nodes[0].html.slice(0, 160)) }))');
			seen.rules = found.rules;
			for (const violation of found.violations) wrong.push('axe, ' + scheme + ': ' + violation);
		}
	}
	if (await page.evaluate(() => window.harmed !== undefined)) wrong.push('a label has become a script');
	if (does('hover')) {
		const cell = await page.$('td[data-v]');
		await cell.hover();
		if (!await page.evaluate(c => c.title === c.dataset.v, cell)) wrong.push('a number is not told in full');
	}
	if (does('keys')) await keys(page, seen, wrong);
	if (does('print')) {
		await page.emulateMediaType('print');
		await page.setViewport({ width: 1032, height: 703 });		/* A4 landscape within its margins */
		for (const what of (await page.evaluate(layout)).wrong) wrong.push('on paper: ' + what);
		await page.pdf({ path: path.join(dir, one.file.replace('.html', '.pdf')), preferCSSPageSize: true, printBackground: true });
		await page.emulateMediaType(null);
	}
	await page.close();
	if (does('plain')) {
		const bare = await open(browser, one, seen, wrong, false);
		await bare.goto(one.url);
		const hidden = await bare.evaluate(() => [...document.querySelectorAll('main *')].filter(e => e.localName !== 'title' && e.localName !== 'desc' && !e.closest('details,svg') && e.textContent.trim() && !e.checkVisibility()).map(e => e.localName + ' ' + e.textContent.slice(0, 30)));
		for (const what of hidden) wrong.push('without the script there is no ' + what);
		seen.plain = await bare.evaluate(() => document.querySelectorAll('main section').length);
		await bare.close();
	}
	return { name: one.name, seen, wrong: [...new Set(wrong)].slice(0, 20) };
}

(async () => {
	const pages = JSON.parse(fs.readFileSync(path.join(dir, 'pages.json'), 'utf8'));

	for (const kind of Object.keys(programs)) {
		const ours = pages.filter(one => one.browser === kind);

		if (!ours.length) continue;
		const browser = await puppeteer.launch({ browser: kind, executablePath: programs[kind], headless: true, protocolTimeout: 0, userDataDir: kind === 'chrome' ? path.join(dir, 'profile') : undefined,
			args: kind === 'chrome' ? ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'] : [] });
		for (const one of ours) {
			let result;

			try {
				result = await look(browser, one);
			} catch (error) {
				result = { name: one.name, seen: {}, wrong: ['look.js: ' + error.stack] };
			}
			console.log(JSON.stringify(result));
		}
		await browser.close();
	}
})().catch(error => { console.error(error); process.exit(1); });
