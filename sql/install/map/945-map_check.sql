--
-- check_map: holds the definition of a map against its data
--

CREATE FUNCTION cjm.check_map(name text)
	RETURNS TABLE (finding text, subject text, touches bigint, share float8, meaning text)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000 ROWS 20
	SET search_path = pg_catalog, pg_temp
	SET DateStyle = 'ISO, MDY' SET IntervalStyle = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex'
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(name);
	schema text := cjm_internal.map_schema(def);
	all_rows bigint;
	whole boolean;
BEGIN
	-- Views follow a column that is renamed, and the text of the definition does not.
	RETURN QUERY SELECT 'definition out of date', a.argument, NULL::bigint, NULL::float8,
			format('the map says %s, its views read %s: make it anew with create_map and replace => true', a.said, a.reads)
		FROM pg_class c CROSS JOIN LATERAL unnest(ARRAY['customer', 'at', 'event', 'channel', 'value', 'segment', 'filter', 'sequence', 'session'] || ARRAY(SELECT format('dimension "%s"', d.name) FROM jsonb_object_keys((def).dimensions) d(name)),
			ARRAY[(def).customer, (def).at, (def).event, (def).channel, (def).value, (def).segment, (def).filter, (def).sequence, (def).session] || ARRAY(SELECT d.value FROM jsonb_each_text((def).dimensions) d),
			cjm_internal.map_expressions(c.oid)) a(argument, said, reads)
		WHERE c.relnamespace = (def).map AND c.relname = 'events' AND a.said <> a.reads;

	-- A map follows its source, wherever it goes: who puts another in its place means the name.
	RETURN QUERY SELECT 'another source of that name', (def).source_name, NULL::bigint, NULL::float8,
			format('the map reads %s, which was called so when it was made: make it anew with create_map and replace => true to read the other one', (def).source)
		WHERE to_regclass((def).source_name) <> (def).source;

	-- create_map chooses access by what it sees then; this may be what the maker wants.
	RETURN QUERY SELECT 'row security', c.oid::regclass::text, NULL::bigint, NULL::float8,
			'the map reads it with its owner''s rights, so its policies do not hold rows back by who asks: access => ''reader'' and replace => true would'
		FROM pg_class c
		WHERE c.relrowsecurity AND (def).access = 'owner' AND (c.oid IN ((def).source, (def).spend) OR c.oid IN (
			SELECT d.refobjid FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class
			WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND v.relnamespace = (def).map AND v.relname = 'events'))
		ORDER BY c.oid <> (def).source;

	RETURN QUERY SELECT 'kept journeys', k.state, NULL::bigint, NULL::float8,
			CASE WHEN k.reason IS NOT NULL THEN format('the views read the rows: %s; cjm.refresh_journeys(%L) mends it', k.reason, name)
				ELSE format('%s changes wait, the last refresh was %s ago: let a scheduler call cjm.refresh_journeys(%L)', k.changes,
					date_trunc('minute', now() - k.refreshed_at), name) END
		FROM cjm.kept(name) k WHERE k.reason IS NOT NULL OR k.changes > 0 AND k.refreshed_at < now() - interval '1 hour';

	RETURN QUERY SELECT f.finding, (def).source::text, NULL::bigint, NULL::float8, f.meaning FROM cjm_internal.map_distributed_findings(def) f;

	EXECUTE format('SELECT count(*) FROM %s.events', schema) INTO all_rows;
	IF all_rows = 0 THEN
		RETURN QUERY SELECT 'no rows', (def).source::text, 0::bigint, NULL::float8, 'the source is empty, or the filter holds everything back';
		RETURN;
	END IF;

	-- Rows that are in no journey, and columns that are not filled.
	RETURN QUERY EXECUTE format('SELECT f.finding, f.subject, f.touches, f.touches::float8 / $1::float8, f.meaning
		FROM (SELECT count(*) FILTER (WHERE e.customer IS NULL) AS no_customer, count(*) FILTER (WHERE e.at IS NULL) AS no_time,
				count(*) FILTER (WHERE e.event IS NULL) AS no_event, count(*) FILTER (WHERE e.event = '''') AS empty_event,
				count(*) FILTER (WHERE e.channel IS NULL OR e.channel = '''') AS no_channel, count(*) FILTER (WHERE e.value IS NULL) AS no_value,
				count(*) FILTER (WHERE NOT %s AND coalesce(e.event <> ALL ($4), true)) AS no_number,
				ARRAY[%s]::bigint[] AS unknown,
				count(*) FILTER (WHERE e.at > now() AND isfinite(e.at)) AS future, count(*) FILTER (WHERE NOT isfinite(e.at)) AS infinite
			FROM %s.events e) c
		CROSS JOIN LATERAL (VALUES
			(1, ''no customer'', NULL::text, c.no_customer, ''these rows are in no journey''),
			(2, ''no time'', NULL::text, c.no_time, ''these rows are in no journey''),
			(3, ''no event'', NULL::text, c.no_event, ''these rows are in no journey''),
			(4, ''empty event'', NULL::text, c.empty_event, ''these rows are in no journey''),
			(5, ''infinite time'', NULL::text, c.infinite, ''no journey can be made of these rows: filter them out''),
			(6, ''time in the future'', NULL::text, c.future, ''these rows count as touchpoints: is the time zone right?''),
			(7, ''no channel'', NULL::text, CASE WHEN $2 THEN c.no_channel END, ''touchpoints without a channel''),
			(8, ''no value'', NULL::text, CASE WHEN $3 THEN c.no_value END, ''touchpoints without a value''),
			(9, ''value that is no number'', NULL::text, c.no_number,
				''not finite, or from 1e18 on: no sum that has it says anything, and the models markov and shapley leave it out'')%s)
			f(place, finding, subject, touches, meaning)
		WHERE f.touches > 0 ORDER BY f.place', cjm_internal.map_is_amount('e.value'),
		(SELECT string_agg(format('count(*) FILTER (WHERE %s IS NULL)', cjm_internal.map_part_sql(d.place)), ', ' ORDER BY d.place) FROM cjm_internal.map_dimension_list(cjm_internal.kept_definition(def)) d WHERE d.by_customer IS NULL),
		schema,
		(SELECT string_agg(format(', (10, %L, %L::text, c.unknown[%s], ''rows that do not say the %s of their customer'')',
				CASE d.place WHEN 0 THEN 'no segment' ELSE 'no dimension' END, CASE WHEN d.place > 0 THEN d.name END, d.n, CASE d.place WHEN 0 THEN 'segment' ELSE 'dimension' END), '' ORDER BY d.place)
			FROM (SELECT d.*, row_number() OVER (ORDER BY d.place) AS n FROM cjm_internal.map_dimension_list(cjm_internal.kept_definition(def)) d WHERE d.by_customer IS NULL) d))
		USING all_rows, (def).channel IS NOT NULL, (def).value IS NOT NULL, cjm_internal.map_answer_events(def);

	-- Events against stages, both ways.
	RETURN QUERY EXECUTE format('WITH seen AS (
			SELECT e.event, %s AS channel, count(*) AS touches FROM %s.events e WHERE e.event <> '''' GROUP BY 1, 2
		), names AS (SELECT array_agg(event) AS events FROM (SELECT event FROM seen GROUP BY event ORDER BY sum(touches) DESC LIMIT 10000) n)
		SELECT f.finding, f.subject, f.touches, f.touches::float8 / $1::float8, f.meaning
		FROM (
			SELECT 1 AS place, ''stage event never seen'' AS finding,
				coalesce(s.event, ''*'') || coalesce(''@'' || s.channel, '''') AS subject, 0::bigint AS touches,
				coalesce(''stage "'' || s.stage || ''" asks for it'', ''excluding asks for it'') ||
					coalesce(''; nearest is "'' || nullif(cjm_internal.map_nearest(s.event, names.events), s.event) || ''"'', '''') AS meaning
			FROM cjm.funnel_stages($2) s CROSS JOIN names
			WHERE NOT EXISTS (SELECT FROM seen WHERE (s.event IS NULL OR seen.event = s.event) AND (s.channel IS NULL OR seen.channel = s.channel))
			UNION ALL
			SELECT 2, ''answer never seen'', a.event, 0, a.survey || '' is asked for by it'' ||
					coalesce(''; nearest is "'' || nullif(cjm_internal.map_nearest(a.event, names.events), a.event) || ''"'', '''')
			FROM unnest(ARRAY[''nps'', ''csat'', ''ces''], $3) a(survey, event) CROSS JOIN names
			WHERE a.event IS NOT NULL AND NOT EXISTS (SELECT FROM seen WHERE seen.event = a.event)
			UNION ALL
			SELECT 3, ''listed event never seen'', coalesce(l.event, ''*'') || coalesce(''@'' || l.channel, ''''), 0, l.argument || '' asks for it'' ||
					coalesce(''; nearest is "'' || nullif(cjm_internal.map_nearest(l.event, names.events), l.event) || ''"'', '''')
			FROM cjm_internal.map_listed_events($4) l CROSS JOIN names
			WHERE NOT EXISTS (SELECT FROM seen WHERE (l.event IS NULL OR seen.event = l.event) AND (l.channel IS NULL OR seen.channel = l.channel))
			UNION ALL
			SELECT 4, ''event in no stage'', seen.event, sum(seen.touches)::bigint, ''the funnel does not ask for these touchpoints''
			FROM seen
			WHERE array_position($3, seen.event) IS NULL AND NOT EXISTS (SELECT FROM cjm.funnel_stages($2) s
				WHERE s.step IS NOT NULL AND (s.event IS NULL OR seen.event = s.event) AND (s.channel IS NULL OR seen.channel = s.channel))
				AND NOT EXISTS (SELECT FROM cjm_internal.map_listed_events($4) l WHERE (l.event IS NULL OR seen.event = l.event) AND (l.channel IS NULL OR seen.channel = l.channel))
			GROUP BY seen.event) f
		ORDER BY f.place, f.touches DESC, f.subject COLLATE "C"',
		CASE WHEN cjm_internal.map_asks_channel(def) THEN 'nullif(e.channel, '''')' ELSE 'NULL::text' END,
		schema) USING all_rows, (def).stages, ARRAY[(def).nps, (def).csat, (def).ces], def;

	RETURN QUERY EXECUTE format('SELECT ''answer that is no score'', t.event, count(*), count(*)::float8 / $1::float8,
			format(''not a whole number from %%s: these answers are left out of feedback'',
				CASE t.event WHEN %L THEN ''0 to 10'' WHEN %L THEN ''1 to 5'' ELSE ''1 to 7'' END)
		FROM %s.events t
		WHERE t.customer IS NOT NULL AND t.at IS NOT NULL AND t.event = ANY ($2) AND NOT %s
		GROUP BY t.event ORDER BY count(*) DESC, t.event COLLATE "C"', (def).nps, (def).csat, schema, cjm_internal.map_is_score(def))
		USING all_rows, cjm_internal.map_answer_events(def);

	RETURN QUERY EXECUTE cjm_internal.map_disorder_sql(def);
	IF (def).value IS NOT NULL THEN
		RETURN QUERY EXECUTE cjm_internal.map_valued_sql(def) USING all_rows;
	END IF;
	-- Journeys of infinite times cannot be made.
	EXECUTE format('SELECT NOT EXISTS (SELECT 1 FROM %s.events e WHERE e.customer IS NOT NULL AND e.event <> '''' AND NOT isfinite(e.at))', schema) INTO whole;
	IF whole THEN
		RETURN QUERY EXECUTE cjm_internal.map_unknown_sql(cjm_internal.kept_definition(def)) USING all_rows;
	END IF;
	IF whole AND (def).value IS NOT NULL THEN
		RETURN QUERY EXECUTE cjm_internal.map_money_sql(def);
	END IF;
	IF whole AND (def).channel IS NOT NULL THEN
		RETURN QUERY EXECUTE cjm_internal.map_landing_sql(def);
	END IF;

	-- What is paid for has to be called as it is in the events.
	IF (def).spend IS NOT NULL THEN
		RETURN QUERY EXECUTE format('WITH seen AS (SELECT DISTINCT e.channel FROM %1$s.events e WHERE e.channel <> ''''),
				names AS (SELECT array_agg(channel) AS channels FROM (SELECT channel FROM seen ORDER BY channel COLLATE "C" LIMIT 10000) n)
			SELECT ''spend of a channel never seen'', s.channel, 0::bigint, 0::float8,
				format(''it costs %%s and brings no visit'', coalesce(sum(s.cost) FILTER (WHERE %2$s), 0)) ||
					coalesce(''; nearest is "'' || nullif(cjm_internal.map_nearest(s.channel, names.channels), s.channel) || ''"'', '''')
			FROM %1$s.spend s CROSS JOIN names
			WHERE s.channel IS NOT NULL AND NOT EXISTS (SELECT FROM seen WHERE seen.channel = s.channel)
			GROUP BY s.channel, names.channels ORDER BY s.channel COLLATE "C"', schema, cjm_internal.map_is_amount('s.cost'));
		RETURN QUERY EXECUTE format('SELECT ''spend without a day'', NULL::text, count(*), NULL::float8, ''these rows of spend are in no week''
			FROM %s.spend s WHERE s.day IS NULL HAVING count(*) > 0', schema);
		RETURN QUERY EXECUTE format('SELECT ''spend that is no number'', v.name, count(*), NULL::float8, ''not finite, or from 1e18 on: channels leaves it out''
			FROM %s.spend s CROSS JOIN LATERAL (VALUES (1, ''impressions'', s.impressions), (2, ''clicks'', s.clicks), (3, ''cost'', s.cost)) v(place, name, amount)
			WHERE NOT %s GROUP BY v.place, v.name ORDER BY v.place', schema, cjm_internal.map_is_amount('v.amount'));
	END IF;

	-- More than a human does: a robot, a shared key, or a default.
	RETURN QUERY EXECUTE format('WITH counted AS (SELECT cjm_internal.map_text(e.customer, %L) AS customer, count(*) AS touches FROM %s.events e
			WHERE e.customer IS NOT NULL AND e.at IS NOT NULL AND e.event <> '''' GROUP BY e.customer),
			typical AS (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY touches) AS touches FROM counted)
		SELECT ''implausibly many events'', c.customer, c.touches, c.touches::float8 / $1::float8,
			format(''one customer with %%s times the median of %%s: a robot, a test, or a key that many share?'', c.touches / t.touches, t.touches)
		FROM counted c CROSS JOIN typical t
		WHERE c.touches >= 1000 AND c.touches >= 100 * t.touches
		ORDER BY c.touches DESC, c.customer COLLATE "C" LIMIT 10', (def).time_zone, schema) USING all_rows;

	-- What has no order of its own.
	RETURN QUERY EXECUTE format('SELECT ''several events at one time'', NULL::text, t.touches, t.touches::float8 / $1::float8,
			format(''times with several events of a customer: %%s, the first %%s; their names order them, unless sequence does, or at + n * interval ''''1 microsecond'''''',
				t.times, cjm_internal.map_text(t.first, %L))
		FROM (SELECT sum(g.touches)::bigint AS touches, count(*) AS times, min(g.at) AS first FROM (
			SELECT e.customer, e.at, count(*) AS touches FROM %s.events e WHERE e.customer IS NOT NULL AND e.at IS NOT NULL AND e.event <> ''''
			GROUP BY e.customer, e.at HAVING min(e.event COLLATE "C") <> max(e.event COLLATE "C")) g) t
		WHERE t.touches > 0', (def).time_zone, schema) USING all_rows;
	RETURN QUERY EXECUTE cjm_internal.map_lines_sql(def) USING all_rows;
	IF (def).sequence IS NOT NULL THEN
		RETURN QUERY EXECUTE format('SELECT ''sequence out of place'', NULL::text, t.touches, t.touches::float8 / $1::float8,
				format(''it moves events of customers by a second or more, or to their next event or past it, as of customer %%s at %%s'', t.customer, t.at)
			FROM (SELECT sum(f.touches)::bigint AS touches, min(cjm_internal.map_text(f.customer, %1$L) COLLATE "C") AS customer,
					(array_agg(cjm_internal.map_text(f.at, %1$L) ORDER BY cjm_internal.map_text(f.customer, %1$L) COLLATE "C", f.at))[1] AS at
				FROM (%2$s) f) t
			WHERE t.touches > 0', (def).time_zone, cjm_internal.map_sequence_sql(cjm_internal.kept_definition(def))) USING all_rows;
	END IF;

	RETURN QUERY EXECUTE format('SELECT ''duplicates'', NULL::text, d.touches, d.touches::float8 / $1::float8,
			''rows that are equal to another one in customer, time, event, channel and value, beyond the first''
		FROM (SELECT (sum(touches) - count(*))::bigint AS touches FROM (
			SELECT count(*) AS touches FROM %s.events e WHERE e.customer IS NOT NULL AND e.at IS NOT NULL AND e.event <> ''''
			GROUP BY e.customer, e.at, e.event, e.channel, e.value HAVING count(*) > 1) g) d
		WHERE d.touches > 0', schema) USING all_rows;
END
$$;
COMMENT ON FUNCTION cjm.check_map(text) IS
'holds the definition of a map against its data, row by row of findings; none: all is well.
finding: what was found; subject: the event, stage or customer that it is about; touches: how many rows, or customers or purchases where meaning says so; share: of all rows of the map';
