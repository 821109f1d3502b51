//
// attribution.js: rule-based attribution of stored journeys.
//
// Each model alone by attribute(), a row for each touchpoint; all six at once by
// rule_attribution(), an aggregate.  First touch and linear have peers: SQL over
// the event table that knows the conversion next to each touchpoint.
//
'use strict';

const { MEMORY, ours, clickhouse, duckdb, postgres, floor } = require('./variants');

const MODELS = ['first_touch', 'last_touch', 'last_non_direct', 'linear', 'time_decay', 'position'];

// In ten-thousandths of a conversion, so that no order of adding shows.
const rows = (model) => `
	SELECT coalesce(channel, ''), round(sum(credit) * 10000)::bigint
	FROM journeys, cjm.attribute(journey, 'purchase', '${model}') GROUP BY 1 ORDER BY 1`;

const sums = (models) => `
	SELECT coalesce(c.channel, ''), round(c.conversions * 10000)::bigint
	FROM (SELECT cjm.rule_attribution(journey, 'purchase', '{${models}}', NULL, 'touchpoint', '30 minutes', '7 days', '{0.4,0.2,0.4}',
		'{direct}', false, '-infinity', 'infinity') AS credits FROM journeys) AS s, unnest(s.credits) AS c ORDER BY 1`;

// The conversions of a touchpoint are the first purchases at or after it; without a touchpoint they are nobody's.
const linear = (integer, nobody) => `
	SELECT coalesce(channel, ${nobody}) AS name, ${integer('round(sum(conversions * 1.0 / CASE WHEN touches > 0 THEN touches ELSE 1 END) * 10000)')}
	FROM (SELECT customer, at AS until, count(*) AS conversions FROM events WHERE event = 'purchase' GROUP BY customer, at) AS c
	LEFT JOIN (SELECT customer, until, channel, count(*) OVER (PARTITION BY customer, until) AS touches
		FROM (SELECT customer, event, channel, min(CASE WHEN event = 'purchase' THEN at END) OVER (PARTITION BY customer
			ORDER BY at RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS until FROM events) AS t
		WHERE event <> 'purchase' AND until IS NOT NULL) AS p USING (customer, until)
	GROUP BY 1 ORDER BY 1`;

// The first of a time is the first by event, channel and value.
const first = (integer, order, nobody) => `
	SELECT coalesce(channel, ${nobody}) AS name, ${integer('sum(conversions) * 10000')}
	FROM (SELECT customer, at AS until, count(*) AS conversions FROM events WHERE event = 'purchase' GROUP BY customer, at) AS c
	LEFT JOIN (SELECT customer, until, channel, row_number() OVER (PARTITION BY customer, until ORDER BY at, ${order}) AS place
		FROM (SELECT customer, at, event, channel, min(CASE WHEN event = 'purchase' THEN at END) OVER (PARTITION BY customer
			ORDER BY at RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS until FROM events) AS t
		WHERE event <> 'purchase' AND until IS NOT NULL) AS p USING (customer, until)
	WHERE place = 1 OR place IS NULL
	GROUP BY 1 ORDER BY 1`;

const chInteger = (x) => `toInt64(${x})`;
const duckInteger = (x) => `(${x})::BIGINT`;
const pgInteger = (x) => `(${x})::bigint`;

const attribution = {
	name: 'attribution',
	title: 'Attribution by rules: first touch, linear and the others',
	ours: 'sums_linear',
	floor: 'count_journey',
	aims: [
		['linear, of SQL window functions', ['rows_linear', 'sums_linear'], ['ch_linear', 'duck_linear', 'pg_linear'], 1],
		['first touch, of SQL window functions', ['rows_first_touch', 'sums_first_touch'], ['ch_first', 'duck_first', 'pg_first'], 1],
	],
	variants: [
		...MODELS.map((model) => ours(`rows_${model}`, `cjm, attribute(…, '${model}')`, rows(model), { asks: model })),
		ours('sums_linear', 'cjm, rule_attribution, linear alone', sums('linear'), { asks: 'linear' }),
		ours('sums_first_touch', 'cjm, rule_attribution, first touch alone', sums('first_touch'), { asks: 'first_touch' }),
		ours('sums_all', 'cjm, rule_attribution, all six models at once', `
			SELECT c.model, coalesce(c.channel, ''), round(c.conversions * 10000)::bigint
			FROM (SELECT cjm.rule_attribution(journey, 'purchase') AS credits FROM journeys) AS s, unnest(s.credits) AS c ORDER BY 1, 2`,
		{ asks: 'all' }),
		clickhouse('ch_linear', 'ClickHouse, window functions, linear', linear(chInteger, "''"), { asks: 'linear' }),
		clickhouse('ch_first', 'ClickHouse, window functions, first touch', first(chInteger, 'event, channel', "''"),
			{ asks: 'first_touch' }),
		{ ...duckdb('duck_linear', 'DuckDB, window functions, linear', linear(duckInteger, "''")), asks: 'linear' },
		{ ...duckdb('duck_first', 'DuckDB, window functions, first touch', first(duckInteger, 'event, channel NULLS FIRST', "''")),
			asks: 'first_touch' },
		postgres('pg_linear', 'PostgreSQL, window functions, linear', linear(pgInteger, "''"), { asks: 'linear', settings: MEMORY }),
		postgres('pg_first', 'PostgreSQL, window functions, first touch',
			first(pgInteger, 'event COLLATE "C", channel COLLATE "C" NULLS FIRST', "''"), { asks: 'first_touch', settings: MEMORY }),
		floor('count_journey', 'count(journey)', 'SELECT count(journey) FROM journeys'),
	],
};

module.exports = { questions: [attribution] };
