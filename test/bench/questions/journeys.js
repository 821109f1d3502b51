//
// journeys.js: sessions, retention and channels of stored journeys.
//
'use strict';

const { MEMORY, ours, clickhouse, duckdb, postgres, floor } = require('./variants');

const GAP_US = 1800 * 1000000;

const lagLead = (gap, table) => `
	SELECT count(*) FILTER (WHERE begins), count(*) FILTER (WHERE begins AND ends) FROM (
		SELECT coalesce(at - lag(at) OVER w > ${gap}, true) AS begins,
			coalesce(lead(at) OVER w - at > ${gap}, true) AS ends
		FROM ${table} WINDOW w AS (PARTITION BY customer ORDER BY at)) AS s`;

const sessions = {
	name: 'sessions',
	title: 'Sessions and bounces, timeout 30 minutes',
	ours: 'stats',
	floor: 'count_journey',
	aims: [['sessions and bounces, of ClickHouse over its event table', ['stats', 'sessions'], ['ch_arrays', 'ch_window'], 1]],
	variants: [
		ours('stats', 'cjm, session_stats over stored journeys',
			`SELECT sum((s).session_count), sum((s).bounce_count)
				FROM (SELECT cjm.session_stats(journey, '30 minutes') AS s FROM journeys_plain OFFSET 0) AS j`),
		ours('sessions', 'cjm, sessions over stored journeys',
			`SELECT count(*), count(*) FILTER (WHERE bounced)
				FROM journeys_plain, cjm.sessions(journey, '30 minutes')`),
		clickhouse('ch_arrays', 'ClickHouse, sorted groupArray of events',
			`SELECT sum(arraySum(begins)),
					sum(arraySum(arrayMap((b, e) -> b AND e, begins, arrayPushBack(arrayPopFront(begins), 1))))
				FROM (SELECT arrayMap((d, i) -> i = 1 OR d > ${GAP_US}, arrayDifference(t), arrayEnumerate(t)) AS begins
					FROM (SELECT arraySort(groupArray(at)) AS t FROM events GROUP BY customer))`),
		clickhouse('ch_window', 'ClickHouse, window functions over events in order of customer',
			`SELECT countIf(begins), countIf(begins AND ends) FROM (
				SELECT at - lagInFrame(at, 1, 0) OVER w > ${GAP_US} AS begins,
					leadInFrame(at, 1, at + ${GAP_US + 1}) OVER w - at > ${GAP_US} AS ends FROM by_customer
				WINDOW w AS (PARTITION BY customer ORDER BY at
					ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING))`),
		duckdb('duck_window', 'DuckDB, window functions',
			lagLead('INTERVAL 30 MINUTE', 'events')),
		postgres('pg_window', 'PostgreSQL, window functions',
			lagLead("interval '30 minutes'", 'plain'), { settings: MEMORY }),
		floor('count_journey', 'count(journey)',
			'SELECT count(journey) FROM journeys_plain'),
	],
};

const PG_MONTH = "extract(month FROM at AT TIME ZONE 'UTC')::integer";
const cohorts = (month, from) => `
	SELECT cohort, month, count(*) FROM (
		SELECT month, min(month) OVER (PARTITION BY customer) AS cohort
		FROM (SELECT DISTINCT customer, ${month} AS month FROM ${from}) AS m) AS c
	GROUP BY 1, 2 ORDER BY 1, 2`;

const chCohorts = (from) => `
	SELECT cohort, month, count() FROM (SELECT groupUniqArray(m) AS months, arrayMin(months) AS cohort
		FROM (SELECT customer, toMonth(toDateTime(intDiv(at, 1000000), 'UTC')) AS m FROM ${from}) GROUP BY customer)
	ARRAY JOIN months AS month GROUP BY 1, 2 ORDER BY 1, 2`;

const retention = {
	name: 'retention',
	title: 'Customers of each cohort month in each month',
	ours: 'periods',
	floor: 'count_journey',
	aims: [['retention, of ClickHouse over its event table', ['periods'], ['ch_events', 'ch_by_customer'], 1]],
	variants: [
		ours('periods', 'cjm, active_periods of stored journeys',
			`SELECT extract(month FROM periods[1])::integer AS cohort, extract(month FROM month)::integer AS month, sum(customers)::bigint AS customers
				FROM (SELECT cjm.active_periods(journey, 'month', 'UTC') AS periods, count(*) AS customers FROM journeys_plain GROUP BY 1) AS p,
					unnest(periods) AS month
				GROUP BY 1, 2 ORDER BY 1, 2`),
		ours('touchpoints', 'cjm, touchpoints of stored journeys',
			`SELECT cohort, month, count(*)
				FROM (SELECT journey,
						extract(month FROM (cjm.first_touch(journey)).at AT TIME ZONE 'UTC')::integer AS cohort
					FROM journeys_plain OFFSET 0) AS j,
					LATERAL (SELECT DISTINCT ${PG_MONTH} AS month FROM cjm.touchpoints(journey)) AS m
				GROUP BY 1, 2 ORDER BY 1, 2`),
		ours('slice', 'cjm, a slice per month of stored journeys',
			`SELECT cohort, m.month, count(*)
				FROM (SELECT *, extract(month FROM first_at AT TIME ZONE 'UTC')::integer AS cohort
					FROM (SELECT journey, (cjm.first_touch(journey)).at AS first_at,
							(cjm.last_touch(journey)).at AS last_at
						FROM journeys_plain OFFSET 0) AS k OFFSET 0) AS j
				JOIN (SELECT month, make_timestamptz(2025, month, 1, 0, 0, 0, 'UTC') AS starts,
						make_timestamptz(2025 + month / 12, month % 12 + 1, 1, 0, 0, 0, 'UTC') AS ends
					FROM generate_series(1, 12) AS month) AS m
				ON last_at >= starts AND first_at < ends
					AND (first_at >= starts OR last_at < ends OR cjm.touch_count(cjm.slice(journey, starts, ends)) > 0)
				GROUP BY 1, 2 ORDER BY 1, 2`),
		clickhouse('ch_events', 'ClickHouse, groupUniqArray over events',
			chCohorts('events')),
		clickhouse('ch_by_customer', 'ClickHouse, groupUniqArray over events in order of customer',
			`${chCohorts('by_customer')} SETTINGS optimize_aggregation_in_order = 1`),
		duckdb('duck', 'DuckDB, DISTINCT and a window',
			cohorts('month(at)', 'events')),
		postgres('pg', 'PostgreSQL, DISTINCT and a window',
			cohorts(PG_MONTH, 'plain'), { settings: MEMORY }),
		floor('count_journey', 'count(journey)',
			'SELECT count(journey) FROM journeys_plain'),
	],
};

const channels = {
	name: 'first_touch',
	title: 'Customers per channel of their first touch',
	ours: 'stored',
	floor: 'count_journey',
	aims: [['first touch, of ClickHouse over its event table', ['stored'], ['ch_events', 'ch_sorted'], 1]],
	variants: [
		ours('stored', 'cjm, first_touch of stored journeys',
			`SELECT coalesce((cjm.first_touch(journey)).channel, '') AS channel, count(*) FROM journeys
				GROUP BY 1 ORDER BY 1`),
		clickhouse('ch_events', 'ClickHouse, argMin over events',
			`SELECT channel, count() FROM (SELECT argMin(channel, at) AS channel FROM events GROUP BY customer)
				GROUP BY 1 ORDER BY 1`),
		clickhouse('ch_sorted', 'ClickHouse, argMin over events in order of customer',
			`SELECT channel, count() FROM (SELECT argMin(channel, at) AS channel FROM by_customer GROUP BY customer)
				GROUP BY 1 ORDER BY 1 SETTINGS optimize_aggregation_in_order = 1`),
		duckdb('duck', 'DuckDB, arg_min_null',
			`SELECT coalesce(channel, '') AS channel, count(*)
				FROM (SELECT arg_min_null(channel, at) AS channel FROM events GROUP BY customer)
				GROUP BY 1 ORDER BY 1`),
		postgres('pg', 'PostgreSQL, DISTINCT ON',
			`SELECT coalesce(channel, '') AS channel, count(*)
				FROM (SELECT DISTINCT ON (customer) channel FROM events ORDER BY customer, at) AS c
				GROUP BY 1 ORDER BY 1`, { settings: MEMORY }),
		floor('count_journey', 'count(journey)',
			'SELECT count(journey) FROM journeys'),
	],
};

module.exports = { questions: [sessions, retention, channels] };
