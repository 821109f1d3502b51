//
// svg.js: drawings of a map, over journeys that are stored, beside reading the views that they are made of.
//
'use strict';

const { ours, floor } = require('./variants');

const setup = {
	pg: () => [
		`SELECT cjm.create_map('drawn', 'plain', 'customer', 'at', 'event', 'visit -> view -> cart -> purchase within 7 days', time_zone => 'UTC')`,
		'CREATE OR REPLACE VIEW drawn.journeys AS SELECT customer, NULL::text AS segment, journey, \'{}\'::jsonb AS dimensions FROM journeys_plain',
	],
};

const drawing = (name, title, call, needs, views) => ({
	name,
	title: `${title} of stored journeys`,
	ours: 'drawn',
	floor: 'views',
	// Drawing takes the same time whatever the events are; the difference is what matters, not the ratio.
	aims: [],
	variants: [
		ours('drawn', `cjm, ${name}`, `SELECT length(drawing) > 1000 FROM ${call} AS d(drawing)`, { needs }),
		floor('views', views.join(' and '), `SELECT ${views.map((view) => `(SELECT count(v) FROM drawn.${view} AS v)`).join(', ')}`),
	],
});

module.exports = {
	setup,
	questions: [
		drawing('map_svg', 'The journey map', "cjm.map_svg('drawn')", 'map_svg(text)', ['funnel', 'touchpoints', 'drop_off']),
		drawing('funnel_svg', 'The funnel drawn', "cjm.funnel_svg('drawn')", 'funnel_svg(text)', ['funnel']),
		drawing('funnel_chart', 'The funnel in psql',
			"(SELECT string_agg(line, '') AS drawing FROM cjm.funnel_chart('drawn', 1000) AS line)", 'funnel_chart(text,integer)', ['funnel']),
		drawing('retention_svg', 'Retention drawn', "cjm.retention_svg('drawn')", 'retention_svg(text)', ['retention']),
	],
};
