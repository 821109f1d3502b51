/*
 * page.js: what the page of map_html does besides being read: tables are sorted,
 * one value of a dimension is looked at, numbers are told in full.
 *
 * All that it shows stands in the page.  It builds no markup from text, loads
 * nothing and keeps nothing; without it the page says the same.
 */
(function () {
	'use strict';

	function all(selector, within) {
		return Array.prototype.slice.call((within || document).querySelectorAll(selector));
	}

	/* What a cell is sorted by: its exact number, or its text; cells without a number come last. */
	function key(row, column) {
		var cell = row.cells[column], exact = cell.getAttribute('data-v');

		return exact !== null ? Number(exact) : cell.classList.contains('n') ? null : cell.textContent;
	}

	function compare(a, b) {
		if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
		if (typeof a === 'number' && typeof b === 'number') return a - b;
		return String(a).localeCompare(String(b), document.documentElement.lang, { numeric: true });
	}

	function sort(table, column, falling) {
		var body = table.tBodies[0];

		Array.prototype.slice.call(body.rows).map(function (row, place) {
			return { row: row, key: key(row, column), place: place };
		}).sort(function (a, b) {
			var order = compare(a.key, b.key);

			if (a.key !== null && b.key !== null && falling) order = -order;
			return order || a.place - b.place;
		}).forEach(function (one) { body.appendChild(one.row); });
	}

	all('table.sort').forEach(function (table) {
		all('thead th', table).forEach(function (head, column) {
			var button = document.createElement('button');

			if (head.classList.contains('fixed')) return;
			button.type = 'button';
			while (head.firstChild) button.appendChild(head.firstChild);
			head.appendChild(button);
			button.addEventListener('click', function () {
				var was = head.getAttribute('aria-sort');
				var falling = was ? was === 'ascending' : !head.classList.contains('l');

				all('th[aria-sort]', table).forEach(function (other) { other.removeAttribute('aria-sort'); });
				head.setAttribute('aria-sort', falling ? 'descending' : 'ascending');
				sort(table, column, falling);
			});
		});
	});

	/* Exact numbers under the pointer. */
	document.addEventListener('pointerover', function (event) {
		var cell = event.target.closest ? event.target.closest('[data-v]') : null;

		if (cell && !cell.title) cell.title = cell.getAttribute('data-v');
	});

	/* A chart tells the week under the pointer, or that chosen by the arrow keys, by its table. */
	all('figure.series').forEach(function (figure) {
		var chart = figure.querySelector('svg'), line = figure.querySelector('.readout');
		var dots = all('circle', chart), rows = all('tbody tr', figure), at = -1;

		function tell(place) {
			if (at >= 0) dots[at].classList.remove('at');
			at = place;
			if (at < 0) { line.textContent = ''; return; }
			dots[at].classList.add('at');
			line.textContent = all('th,td', rows[at]).map(function (cell) { return cell.textContent; }).join(' \u00b7 ');
		}
		if (!dots.length) return;
		chart.setAttribute('tabindex', '0');
		chart.addEventListener('pointermove', function (event) {
			var box = chart.getBoundingClientRect();
			var x = (event.clientX - box.left) / box.width * chart.viewBox.baseVal.width, best = 0;

			dots.forEach(function (dot, place) {
				if (Math.abs(dot.cx.baseVal.value - x) < Math.abs(dots[best].cx.baseVal.value - x)) best = place;
			});
			tell(best);
		});
		chart.addEventListener('pointerleave', function () { tell(-1); });
		chart.addEventListener('blur', function () { tell(-1); });
		chart.addEventListener('keydown', function (event) {
			var step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;

			if (!step) return;
			event.preventDefault();
			tell(Math.min(Math.max(at < 0 ? dots.length - 1 : at + step, 0), dots.length - 1));
		});
	});

	/* The switch: all together and every value, or one value alone where there are numbers of it. */
	all('fieldset.switch').forEach(function (choice) {
		choice.hidden = false;
		choice.addEventListener('change', function () {
			var chosen = choice.querySelector('input:checked').value;

			all('[data-g]').forEach(function (part) {
				part.hidden = chosen !== '' && part.getAttribute('data-g') !== chosen;
			});
		});
	});
}());
