-- Reports.
SELECT to_jsonb(r) FROM alerts('shop') r
SELECT to_jsonb(r) FROM attribution_report('shop') r
SELECT to_jsonb(r) FROM attribution_report('shop', by => 'segment', where_is => '{"month": ["03", "04"]}') r
SELECT to_jsonb(r) FROM bounce_report('shop') r
SELECT to_jsonb(r) FROM bounce_report('shop', by => 'segment') r
SELECT to_jsonb(r) FROM change_report('shop', '2025-07-01') r
SELECT to_jsonb(r) FROM channels_report('shop') r
SELECT to_jsonb(r) FROM channels_report('shop', by => 'segment', bucket => 'month') r
SELECT to_jsonb(r) FROM check_map('shop') r WHERE finding <> 'readers need the source'
SELECT to_jsonb(r) FROM compare_report('shop') r
SELECT to_jsonb(r) - TILL_NOW FROM drop_off_report('shop') r
SELECT to_jsonb(r) - TILL_NOW FROM drop_off_report('shop', by => 'segment', from_time => '2025-06-01Z') r
SELECT to_jsonb(r) FROM feedback_report('shop') r
SELECT to_jsonb(r) FROM feedback_words('shop') r
SELECT to_jsonb(r) FROM funnel_by_dimension_report('shop') r
SELECT to_jsonb(r) FROM funnel_drivers('shop') r
SELECT to_jsonb(r) FROM funnel_drivers('shop', by => 'segment') r
SELECT to_jsonb(r) FROM funnel_report('shop') r
SELECT to_jsonb(r) FROM funnel_report('shop', by => 'segment', bucket => 'month') r
SELECT to_jsonb(r) FROM funnel_report('shop', by => 'first_channel', from_time => '2025-06-01Z', where_is => '{"segment": "LV"}') r
SELECT to_jsonb(r) FROM lifecycle_report('shop') r
SELECT to_jsonb(r) FROM metric_report('shop') r
SELECT to_jsonb(r) FROM metric_report('shop', by => 'segment', period => 'month') r
SELECT to_jsonb(r) FROM metric_report('shop', by => 'channel', where_is => '{"channel": ["email", "social"]}') r
SELECT to_jsonb(r) FROM path_report('shop') r
SELECT to_jsonb(r) FROM path_report('shop', per => 'session', length => 3, by => 'channel') r
SELECT to_jsonb(r) FROM purchase_report('shop') r
SELECT to_jsonb(r) FROM purchase_report('shop', by => 'segment') r
SELECT to_jsonb(r) FROM retention_report('shop') r
SELECT to_jsonb(r) FROM retention_report('shop', by => 'segment', period => 'week') r
SELECT to_jsonb(r) FROM session_report('shop') r
SELECT to_jsonb(r) FROM session_report('shop', by => 'segment', bucket => 'month') r
SELECT to_jsonb(r) - TILL_NOW FROM stage_report('shop') r
SELECT to_jsonb(r) - TILL_NOW FROM stage_report('shop', by => 'segment') r
SELECT to_jsonb(r) FROM touchpoint_report('shop') r
SELECT to_jsonb(r) FROM touchpoint_report('shop', by => 'segment') r
SELECT to_jsonb(r) FROM transition_report('shop') r
SELECT to_jsonb(r) FROM transition_report('shop', by => 'segment') r
SELECT to_jsonb(r) FROM weakest_step('shop') r
SELECT to_jsonb(r) FROM what_if('shop', '{"consideration": 0.5}') r
SELECT to_jsonb(r) FROM win_back_report('shop') r
SELECT to_jsonb(r) FROM win_back_report('shop', by => 'segment') r

-- Drawings; of pages without when they were made, and without days till now.
SELECT * FROM funnel_chart('shop')
SELECT funnel_svg('shop')
SELECT retention_svg('shop')
SELECT map_svg('shop')
SELECT map_svg('shop', by => 'segment')
SELECT regexp_replace(regexp_replace(map_html('shop'), 'as of [^<]*', ''), '<td data-v="\d+\.\d{6,}">\d+\.\d</td>', '', 'g')
SELECT regexp_replace(regexp_replace(map_html('shop', by => 'segment'), 'as of [^<]*', ''), '<td data-v="\d+\.\d{6,}">\d+\.\d</td>', '', 'g')

-- Aggregates of rows.
SELECT customer_id, journey_agg(at, event, channel, amount) FROM events GROUP BY customer_id
SELECT funnel_agg(customer_id, at, event, 'view -> cart -> purchase within 30 days') FROM events
SELECT country, funnel_agg(customer_id, at, event, channel, 'view -> cart -> purchase@email within 30 days') FROM events GROUP BY country
SELECT rollup(f.stats) FROM (SELECT funnel_agg(customer_id, at, event, 'view -> cart -> purchase within 30 days') AS stats FROM events GROUP BY customer_id) f
SELECT funnel_agg_by(customer_id, at, event, country, 'first', 'view -> cart -> purchase within 30 days') FROM events
SELECT funnel_agg_by_entry(customer_id, at, event, 'view -> cart -> purchase within 30 days', 'month', 'UTC') FROM events
SELECT country, rollup(f.stats) FROM (SELECT customer_id, country, funnel_agg(customer_id, at, event, channel, 'view -> cart -> purchase@email within 30 days') AS stats FROM events GROUP BY customer_id, country) f GROUP BY country
SELECT g.property, rollup(g.stats) FROM (SELECT customer_id, funnel_agg_by(customer_id, at, event, country, 'first', 'view -> cart -> purchase within 30 days') AS groups FROM events GROUP BY customer_id) f CROSS JOIN LATERAL unnest(f.groups) g GROUP BY g.property
SELECT g.entered, rollup(g.stats) FROM (SELECT customer_id, funnel_agg_by_entry(customer_id, at, event, 'view -> cart -> purchase within 30 days', 'month', 'UTC') AS groups FROM events GROUP BY customer_id) f CROSS JOIN LATERAL unnest(f.groups) g GROUP BY g.entered
SELECT customer_id, window_funnel('30 days', at, event = 'view', event = 'cart', event = 'purchase') FROM events GROUP BY customer_id
SELECT customer_id, retention(event = 'view', event = 'cart', event = 'purchase') FROM events GROUP BY customer_id
SELECT customer_id, first_touch(at, event), last_touch(at, event) FROM events WHERE event = 'purchase' GROUP BY customer_id
SELECT customer_id, sequence_next_node('forward', 'head', at, event, event = 'view', event = 'view', event = 'cart') FROM events GROUP BY customer_id
SELECT customer_id, sequence_match('(?1).*(?2)', at, event = 'view', event = 'purchase'), sequence_count('(?1).*(?2)', at, event = 'view', event = 'purchase') FROM events GROUP BY customer_id
SELECT customer_id, sequence_match_events('(?1).*(?2)', at, event = 'view', event = 'purchase') FROM events GROUP BY customer_id
SELECT country, nps(answer), nps_interval(answer), csat(answer), csat_interval(answer), ces(answer), ces_interval(answer) FROM (SELECT country, CASE WHEN answer BETWEEN 1 AND 5 THEN answer END AS answer FROM events) e GROUP BY country
SELECT country, median(amount) FROM events GROUP BY country
SELECT markov_attribution(p.nodes, 1::bigint, 1.5, 2::bigint), shapley_attribution(p.nodes, 1::bigint, 1.5, 2::bigint) FROM (SELECT ARRAY[channel] AS nodes FROM events WHERE event = 'purchase' AND channel IS NOT NULL) p
SELECT segment, rule_attribution(journey, 'purchase', '{linear,position}', NULL::interval, 'touchpoint', interval '30 minutes', interval '7 days', '{0.4,0.2,0.4}', '{direct}', false, '-infinity', 'infinity') FROM stored GROUP BY segment
SELECT rule_attribution(journey, 'purchase', '{last_touch}', NULL::interval, 'session', interval '30 minutes', interval '7 days', '{0.4,0.2,0.4}', '{direct}', true, '2025-03-01Z', '2025-10-01Z', 'channel', 'UTC') FROM stored

-- Window functions, over rows of one customer.
SELECT customer_id, at, event, session_number(at) OVER w, session_start(at) OVER w, funnel_step(at, event, 'view -> cart -> purchase within 30 days') OVER w, funnel_start(at, event, channel, 'view -> cart -> purchase within 30 days') OVER w, attribution_credit(at, event = 'purchase', 'linear') OVER w FROM events WINDOW w AS (PARTITION BY customer_id ORDER BY at, event)
