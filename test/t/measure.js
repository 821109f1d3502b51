// measure.js: looks at the drawings of a page as a reader would, in the browser,
// and leaves what is wrong with them in the element "result".
//
// Every drawing is an <svg> in a <div data-name>, and may have others in it, side
// by side and beneath one another.  Lengths are in the units of its viewBox, which those in it share.
'use strict';

const wrong = [];
const seen = { drawings: 0, texts: 0, backgrounds: 0, shapes: 0 };

const say = (name, what) => { if (wrong.length < 50) wrong.push(`${name}: ${what}`); };
const colour = (text) => (/^rgba?\((.*)\)$/.exec(text) || [, ''])[1].split(',').map(Number);

// Relative luminance and contrast as in WCAG 2.
const luminance = (rgb) => {
	const [r, g, b] = rgb.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
	return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (a, b) => {
	const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
	return (high + 0.05) / (low + 0.05);
};

const elements = new Set(['svg', 'title', 'desc', 'style', 'g', 'rect', 'path', 'circle', 'text', 'tspan']);
const attributes = new Set(['xmlns', 'class', 'viewBox', 'width', 'height', 'role', 'lang', 'aria-labelledby', 'id', 'tabindex', 'x', 'y', 'rx', 'cx', 'cy', 'r', 'd', 'dx']);

// The size of the drawing that an element stands in, and how far down and to the right in the page that is.
const place = (element) => {
	const svg = element.closest('svg');
	const [, , width, height] = svg.getAttribute('viewBox').split(' ').map(Number);

	return { width, height, down: Number(svg.getAttribute('y') || 0), right: Number(svg.getAttribute('x') || 0) };
};

function measure(svg, name) {
	const all = [...svg.querySelectorAll('*'), svg];

	seen.drawings++;
	for (const element of all) {
		if (!elements.has(element.localName)) say(name, `has an element ${element.localName}`);
		for (const { name: attribute } of element.attributes)
			if (!attributes.has(attribute)) say(name, `has an attribute ${attribute} in ${element.localName}`);
	}

	// The text alternative.
	for (const one of [svg, ...svg.querySelectorAll('svg')]) {
		const ids = (one.getAttribute('aria-labelledby') || '').split(' ');
		// Of several drawings, or what is read a stage at a time, is a group of images, each with a title of its own, in the order of the stages.
		const stages = [...one.children].filter((e) => e.localName === 'g' && e.getAttribute('role') === 'img');
		if (one.getAttribute('role') !== (stages.length > 0 || one.querySelector('svg') ? 'group' : 'img')) say(name, 'is no image');
		for (const stage of stages)
			if (stage.getAttribute('tabindex') !== '0' || stage.firstElementChild.localName !== 'title') say(name, 'has a stage that is not read');
		if (ids.length !== 2) say(name, 'has no two labels');
		for (const id of ids) {
			const found = document.querySelectorAll(`[id="${id}"]`);
			if (found.length !== 1 || found[0].parentNode !== one || found[0].textContent.length < 1) say(name, `the label ${id} is there ${found.length} times`);
		}
		const { width, height, down, right } = place(one);
		const page = place(svg);
		if (right + width > page.width || down + height > page.height) say(name, 'is larger than the page');
	}

	// Texts: where they are drawn.  The height of a line is that of its size, whatever the font of another script says.
	const texts = [...svg.querySelectorAll('text')].map((text) => {
		const box = text.getBBox();
		const style = getComputedStyle(text);
		const size = parseFloat(style.fontSize);
		const { width, height, down, right } = place(text);
		const y = Number(text.getAttribute('y')) + down;

		return { text, words: text.textContent, size, fill: colour(style.fill), left: box.x + right, right: box.x + box.width + right, top: y - 0.75 * size, bottom: y + 0.2 * size, near: right, width: right + width, low: down, high: down + height };
	});
	for (const a of texts) {
		seen.texts++;
		if (a.left < a.near || a.top < a.low || a.right > a.width || a.bottom > a.high) say(name, `"${a.words}" runs out of the page`);
		if (a.size < 11) say(name, `"${a.words}" is too small`);
	}
	texts.forEach((a, i) => {
		for (const b of texts.slice(i + 1))
			if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 0.5 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 0.5)
				say(name, `"${a.words}" and "${b.words}" overlap`);
	});
	for (const rule of svg.querySelectorAll('path.rule')) {
		const line = /^M([\d.]+) ([\d.]+)V([\d.]+)Z?$/.exec(rule.getAttribute('d'));
		if (!line) continue;
		const { down, right } = place(rule);
		const [x, top, bottom] = [Number(line[1]) + right, Number(line[2]) + down, Number(line[3]) + down];
		for (const a of texts)
			if (a.left < x - 0.5 && a.right > x + 0.5 && a.top > top && a.bottom < bottom) say(name, `"${a.words}" runs over a line`);
	}

	// Contrast: of texts with whatever is drawn last under them, of shapes with the paper.
	const shapes = [...svg.querySelectorAll('rect, path, circle')];
	const paper = colour(getComputedStyle(svg.querySelector('.paper')).fill);
	for (const a of texts) {
		const before = shapes.filter((s) => s.compareDocumentPosition(a.text) & Node.DOCUMENT_POSITION_FOLLOWING).reverse();
		for (const share of [0.02, 0.25, 0.5, 0.75, 0.98]) {
			const at = (shape) => new DOMPoint(a.left + share * (a.right - a.left) - place(shape).right, (a.top + a.bottom) / 2 - place(shape).down);
			const under = before.find((s) => getComputedStyle(s).fill !== 'none' && s.isPointInFill(at(s)));
			const ratio = under ? contrast(a.fill, colour(getComputedStyle(under).fill)) : 0;

			seen.backgrounds++;
			if (!(ratio >= 4.5)) say(name, `"${a.words}" has a contrast of ${ratio.toFixed(2)} on ${under ? under.getAttribute('class') : 'nothing'}`);
		}
	}
	for (const shape of shapes) {
		const [kind] = shape.getAttribute('class').split(' ');
		const style = getComputedStyle(shape);
		// A broken line stands in a cell, all others on paper.
		const cell = kind === 'growing' && shape.parentNode.localName === 'g' ? shape.previousElementSibling : undefined;

		if (!/^(?:bar|drop|wait|no|channel|mood|curve|plain|better\d|worse\d|even|part|growing)$/.test(kind)) continue;
		seen.shapes++;
		if (!(contrast(colour(/^(?:even|part|growing|curve)$/.test(kind) ? style.stroke : style.fill), cell ? colour(getComputedStyle(cell).fill) : paper) >= 3))
			say(name, `${shape.getAttribute('class')} cannot be seen on ${cell ? cell.getAttribute('class') : 'paper'}`);
	}
}

const names = [...document.querySelectorAll('div[data-name]')];
const rest = [...document.body.children].filter((e) => !['DIV', 'SCRIPT', 'PRE'].includes(e.tagName));

if (rest.length > 0) say('page', `has an element ${rest[0].tagName} that no drawing was meant to make`);
for (const div of names) {
	if (div.children.length !== 1 || div.firstElementChild.localName !== 'svg') say(div.dataset.name, 'is not one drawing');
	else measure(div.firstElementChild, div.dataset.name);
}
if (window.harmed || document.scripts.length !== 1) say('page', 'a label has become a script');
document.getElementById('result').textContent = 'RESULT ' + btoa(unescape(encodeURIComponent([
	`drawings=${seen.drawings} texts=${seen.texts} backgrounds=${seen.backgrounds} shapes=${seen.shapes} dark=${matchMedia('(prefers-color-scheme: dark)').matches}`,
	...wrong].join('\n')))) + ' END';
