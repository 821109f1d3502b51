--
-- What check_map asks of the data of a map beside what is not there: what it may mean that stages come the wrong way round, that money is
-- where no report looks for it, and that channels are only where customers land.
--
-- Every function returns the SQL of findings as check_map has them, with all rows of the map as $1.  They are about what is likely to
-- mislead, so that a few rows among many are none.
--

-- The lines of an order are touchpoints of one event at one time; equal ones are duplicates, and told apart.
CREATE FUNCTION cjm_internal.map_lines_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('SELECT ''several touchpoints of one event at one time'', t.event, t.touches, t.touches::float8 / $1::float8,
		format(''each of these counts: %%s times a customer has several, the first %%s; if they are the lines of an order, make a view: GROUP BY customer, time, event, with the sum of the values'',
			t.times, cjm_internal.map_text(t.first, %L))
	FROM (SELECT g.event, coalesce(sum(g.touches) FILTER (WHERE g.touches > 1), 0)::bigint AS touches, count(*) FILTER (WHERE g.touches > 1) AS times,
			min(g.at) FILTER (WHERE g.touches > 1) AS first, sum(g.touches) AS all_touches
		FROM (SELECT d.customer, d.at, d.event, count(*) AS touches
			FROM (SELECT DISTINCT e.customer, e.at, e.event, e.channel, e.value FROM %s.events e WHERE e.customer IS NOT NULL AND e.at IS NOT NULL AND e.event <> '''') d
			GROUP BY d.customer, d.at, d.event) g
		GROUP BY g.event) t
	WHERE t.touches > 0 AND t.touches >= 0.01 * t.all_touches ORDER BY t.touches DESC, t.event COLLATE "C"', (map).time_zone, cjm_internal.map_schema(map));
COMMENT ON FUNCTION cjm_internal.map_lines_sql(cjm_internal.map) IS 'SQL: events of which customers have several touchpoints at one time';

-- Of an unordered funnel no order is wrong.
CREATE FUNCTION cjm_internal.map_disorder_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('WITH stages AS (
			SELECT s.step, s.stage, s.event, s.channel, dense_rank() OVER (ORDER BY s.step) AS place FROM cjm.funnel_stages(%1$L::cjm.funnel) s WHERE NOT s.optional AND %3$L::boolean
		), firsts AS (
			SELECT e.customer, s.place, min(e.at) AS at
			FROM %2$s.events e JOIN stages s ON (s.event IS NULL OR s.event = e.event) AND (s.channel IS NULL OR s.channel = e.channel)
			WHERE e.customer IS NOT NULL AND isfinite(e.at) GROUP BY e.customer, s.place
		), pairs AS (
			SELECT f.place, count(*) AS customers, count(*) FILTER (WHERE f.next_at < f.at) AS before
			FROM (SELECT f.place, f.at, lead(f.place) OVER w AS next_place, lead(f.at) OVER w AS next_at
				FROM firsts f WINDOW w AS (PARTITION BY f.customer ORDER BY f.place)) f
			WHERE f.next_place = f.place + 1 GROUP BY f.place
		)
		SELECT ''stages out of order'', n.stage, p.before, NULL::float8,
			format(''%%s of %%s customers who met both met it before they first met stage "%%s": are stages in the order in which they happen?'', p.before, p.customers, f.stage)
		FROM pairs p JOIN (SELECT DISTINCT place, stage FROM stages) f ON f.place = p.place JOIN (SELECT DISTINCT place, stage FROM stages) n ON n.place = p.place + 1
		WHERE p.customers >= 10 AND p.before > 0.5 * p.customers ORDER BY p.place', (map).stages, cjm_internal.map_schema(map),
	regexp_replace((map).stages::text, '"(?:[^"]|"")*"', '', 'g') !~ '\munordered\M');
COMMENT ON FUNCTION cjm_internal.map_disorder_sql(cjm_internal.map) IS 'SQL: stages that most customers met before the one before';

-- An event and a channel, expressions, among those of a stage or list of a funnel.
CREATE FUNCTION cjm_internal.map_matches_sql(list cjm.funnel, step integer, event text, channel text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('coalesce((SELECT bool_or((s.event IS NULL OR s.event = %3$s) AND (s.channel IS NULL OR s.channel = %4$s)) FROM cjm.funnel_stages(%1$L::cjm.funnel) s WHERE s.step = %2$s), false)',
	list, step, event, channel);
COMMENT ON FUNCTION cjm_internal.map_matches_sql(cjm.funnel, integer, text, text) IS 'SQL: whether an event through a channel matches a stage';

CREATE FUNCTION cjm_internal.map_valued_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('SELECT ''value on an event that is no purchase'', v.event, sum(v.touches)::bigint, sum(v.touches)::float8 / $1::float8,
		''value of customers and sessions has it, monetary and purchase_report have not: is it money, and the event a purchase?''
	FROM (SELECT e.event, e.channel, count(*) AS touches FROM %s.events e
		WHERE e.customer IS NOT NULL AND e.at IS NOT NULL AND e.value <> 0 AND e.event <> '''' AND e.event <> ALL (%L::text[]) GROUP BY e.event, e.channel) v
	WHERE NOT %s%s GROUP BY v.event ORDER BY 3 DESC, v.event COLLATE "C"',
	cjm_internal.map_schema(map), cjm_internal.map_answer_events(map),
	cjm_internal.map_matches_sql(cjm_internal.map_purchase(map), 1, 'v.event', 'v.channel'),
	' AND NOT ' || cjm_internal.map_matches_sql((map).refusal, 1, 'v.event', 'v.channel'));
COMMENT ON FUNCTION cjm_internal.map_valued_sql(cjm_internal.map) IS 'SQL: events that have a value and are neither a purchase nor a refusal nor an answer';

-- A conversion is worth what completes it.
CREATE FUNCTION cjm_internal.map_money_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('SELECT ''money in no walk'', NULL::text, b.purchases - m.conversions, NULL::float8,
		format(''%%s of %%s that customers paid is of purchases that complete no walk through the funnel: attribution does not have it'', b.bought - m.credited, b.bought)
	FROM (SELECT sum(p.value::numeric) AS bought, count(p.number) AS purchases FROM %1$s.journeys j CROSS JOIN LATERAL cjm.purchases(%2$s, %3$L::cjm.funnel, ''-infinity''::timestamptz, ''infinity''::timestamptz) p
			WHERE %5$s) b
		CROSS JOIN (SELECT coalesce(sum(a.value::numeric), 0) AS credited, count(*) FILTER (WHERE NOT a.value < 0) AS conversions
			FROM %1$s.journeys j CROSS JOIN LATERAL cjm.attribute(%2$s, %4$L::cjm.funnel, ''last_touch''::text, NULL::interval, ''touchpoint''::text, interval ''30 minutes'', interval ''7 days'',
				''{0.4,0.2,0.4}''::float8[], ''{direct}''::text[], false, NULL::text, NULL::text) a WHERE %6$s) m
	WHERE b.bought > m.credited',
	cjm_internal.map_schema(map), cjm_internal.map_valued_journey(map), cjm_internal.map_purchase(map), (map).stages, cjm_internal.map_is_amount('p.value'), cjm_internal.map_is_amount('a.value'));
COMMENT ON FUNCTION cjm_internal.map_money_sql(cjm_internal.map) IS 'SQL: how much money is of purchases that complete no walk';

-- What is told by the first page of a visit alone, where the campaign was, the last touchpoint before a conversion does not have.
CREATE FUNCTION cjm_internal.map_landing_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('SELECT ''channel only where visits begin'', NULL::text, NULL::bigint, NULL::float8,
		format(''last_touch credits no channel with %%s %%%% of the conversions, and by visits with %%s %%%%: attribution_per => ''''session'''' and only_channels => true'',
			round(100 * m.without), round(100 * m.without_by_visit))
	FROM (SELECT sum(c.conversions) FILTER (WHERE c.kind = 1 AND c.channel IS NULL) / sum(c.conversions) FILTER (WHERE c.kind = 1) AS without,
			coalesce(sum(c.conversions) FILTER (WHERE c.kind = 2 AND c.channel IS NULL), 0) / sum(c.conversions) FILTER (WHERE c.kind = 2) AS without_by_visit
		FROM (SELECT cjm.rule_attribution(%1$s, %2$L::cjm.funnel%3$s) AS now, cjm.rule_attribution(%1$s, %2$L::cjm.funnel%4$s) AS by_visit FROM %5$s.journeys j) a
			CROSS JOIN LATERAL (SELECT 1 AS kind, n.channel, n.conversions FROM unnest(a.now) n UNION ALL SELECT 2, v.channel, v.conversions FROM unnest(a.by_visit) v) c) m
	WHERE m.without >= 0.5 AND m.without_by_visit <= 0.5 * m.without',
	cjm_internal.map_earning_journey(map), (map).stages, cjm_internal.map_attribution_arguments(map, '{last_touch}'),
	format(', ''{last_touch}''::text[], NULL::interval, ''session''::text, %L::interval, interval ''7 days'', ''{0.4,0.2,0.4}''::float8[], ''{direct}''::text[], true, ''-infinity''::timestamptz, ''infinity''::timestamptz, %s',
		(map).session_gap, cjm_internal.map_session_rule_sql(map)), cjm_internal.map_schema(map));
COMMENT ON FUNCTION cjm_internal.map_landing_sql(cjm_internal.map) IS 'SQL: whether the channel is known where visits begin, and no more where customers convert';

-- Dimensions that are looked up by the customer are not asked of the rows.
CREATE FUNCTION cjm_internal.map_unknown_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 200
	SET search_path = pg_catalog, pg_temp
RETURN format('SELECT u.finding, u.subject, sum(cjm.touch_count(j.journey))::bigint, sum(cjm.touch_count(j.journey))::float8 / $1::float8, ''touchpoints of customers of whom it is not known''
	FROM %s.journeys j CROSS JOIN LATERAL (%s) u(place, finding, subject, value) WHERE u.value IS NULL GROUP BY u.place, u.finding, u.subject ORDER BY u.place', cjm_internal.map_schema(map),
	coalesce((SELECT 'VALUES ' || string_agg(format('(%s, %L, %L::text, j.dimensions ->> %L::text)', d.place, CASE d.place WHEN 0 THEN 'no segment' ELSE 'no dimension' END, CASE WHEN d.place > 0 THEN d.name END, d.name), ', ' ORDER BY d.place)
		FROM cjm_internal.map_dimension_list(map) d WHERE d.by_customer IS NOT NULL), 'SELECT 0, NULL::text, NULL::text, NULL::text WHERE false'));
COMMENT ON FUNCTION cjm_internal.map_unknown_sql(cjm_internal.map) IS 'SQL: touchpoints of customers of whom a dimension is not known that is looked up by the customer';
