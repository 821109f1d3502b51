/*
 * grafana.js FILE ...: whether dashboards are what the schema of Grafana says, a line for each thing that is not.
 *
 * What is public of that schema are the types of @grafana/schema, in the version that package.json names: those of a
 * dashboard, of its variables and panels, and, of each kind of panel that comes with Grafana, of its options and of
 * the settings of its fields.  A dashboard becomes a constant of these types in TypeScript, which knows then what is
 * unknown, missing or of another type.  What a query of PostgreSQL consists of is in no public type: t/070_charts.pl
 * runs them.
 */
'use strict';

const fs = require('fs');
const path = require('path');
const ts = require('typescript');

const raw = path.join(path.dirname(require.resolve('@grafana/schema/package.json')), 'dist/types/raw');

/* The kinds of panels that come with Grafana. */
const kinds = fs.readdirSync(path.join(raw, 'composable')).filter((kind) => fs.existsSync(path.join(raw, 'composable', kind, 'panelcfg')));

/* JSON has the values of an enum, which is what its template literal is the type of. */
const plain = 'type Plain<T> = unknown extends T ? T : T extends string ? `${T}` : T extends Array<infer U> ? Array<Plain<U>> : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;';

/* The files of the schema and of TypeScript's library that have been read, by name: they are the same for all dashboards. */
const read = new Map();

/* The parts of a dashboard, each with its place and the type that the schema has for it. */
function parts(dashboard) {
	const found = [['', 'dashboard.Dashboard', dashboard]];

	(dashboard.panels || []).forEach((panel, i) => {
		const kind = panel.type, place = `panels[${i}]`, fields = panel.fieldConfig || {};

		/* What has none is told as a part of the dashboard. */
		if (kind === 'row' || typeof kind !== 'string') return;
		if (!kinds.includes(kind)) {
			found.push([`${place}.type`, 'never', kind]);
			return;
		}
		found.push([`${place}.options`, `${kind}.Options`, panel.options]);
		if (fields.defaults && fields.defaults.custom) found.push([`${place}.fieldConfig.defaults.custom`, `${kind}.FieldConfig`, fields.defaults.custom]);
		(fields.overrides || []).forEach((override, j) => override.properties.forEach((property, k) => {
			const [, own, name] = /^(custom\.)?(.*)$/s.exec(property.id);

			found.push([`${place}.fieldConfig.overrides[${j}].properties[${k}].value`, `NonNullable<${own ? kind : 'dashboard'}.FieldConfig[${JSON.stringify(name)}]>`, property.value]);
		}));
	});
	return found;
}

/* Where in a constant a node is: .name and [number]. */
function place(node) {
	let text = '';

	for (; node && !ts.isVariableDeclaration(node); node = node.parent) {
		if (ts.isPropertyAssignment(node)) text = `.${node.name.text}${text}`;
		else if (node.parent && ts.isArrayLiteralExpression(node.parent)) text = `[${node.parent.elements.indexOf(node)}]${text}`;
	}
	return text;
}

function innermost(node, at) {
	return ts.forEachChild(node, (child) => (child.getStart() <= at && at < child.getEnd() ? innermost(child, at) : undefined)) || node;
}

function check(file) {
	const known = parts(JSON.parse(fs.readFileSync(file, 'utf8')));
	const used = kinds.filter((kind) => known.some(([, type]) => type.includes(`${kind}.`)));
	const text = [
		`import type * as dashboard from ${JSON.stringify(path.join(raw, 'dashboard/x/types.gen'))};`,
		...used.map((kind) => `import type * as ${kind} from ${JSON.stringify(path.join(raw, 'composable', kind, 'panelcfg/x/types.gen'))};`),
		plain,
		...known.map(([, type, value], i) => `export const part${i}: Plain<${type}> = ${JSON.stringify(value)};`)].join('\n');
	const name = path.join(__dirname, 'dashboard.ts');
	const options = { strict: true, noEmit: true, skipLibCheck: true, types: [], lib: ['lib.es5.d.ts'], target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler };
	const host = ts.createCompilerHost(options, true);
	const ask = { getSourceFile: host.getSourceFile, fileExists: host.fileExists, readFile: host.readFile };

	host.getSourceFile = (wanted, ...more) => {
		if (wanted === name) return ts.createSourceFile(wanted, text, options.target, true);
		if (!read.has(wanted)) read.set(wanted, ask.getSourceFile.call(host, wanted, ...more));
		return read.get(wanted);
	};
	host.fileExists = (wanted) => wanted === name || ask.fileExists.call(host, wanted);
	host.readFile = (wanted) => (wanted === name ? text : ask.readFile.call(host, wanted));
	for (const problem of ts.getPreEmitDiagnostics(ts.createProgram([name], options, host))) {
		const node = problem.file && innermost(problem.file, problem.start);
		const [, i] = /^export const part(\d+)/.exec(problem.file ? text.split('\n')[problem.file.getLineAndCharacterOfPosition(problem.start).line] : '') || [];

		console.log(`${path.basename(file)}: ${i ? (known[i][0] + place(node)).replace(/^\./, '') || 'the dashboard' : 'the schema'}: ${ts.flattenDiagnosticMessageText(problem.messageText, ' ').replace(/\s+/g, ' ').slice(0, 400)}`);
	}
}

process.argv.slice(2).forEach(check);
