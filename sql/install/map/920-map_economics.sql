--
-- The queries of a map that are about money: what customers bought, what the
-- channels cost and what they brought.
--
-- As in 906-map_views.sql: each returns SQL, names quoted and constants by %L.
-- What a purchase is, 335-purchases.sql says, of the funnel map_purchase.
--

-- Journeys have values as float8, whose sums are not those of the digits: what is paid three times and refunded three times is not quite
-- nothing.  Nine decimals are what no sum of money gets wrong.
CREATE FUNCTION cjm_internal.map_money(value float8) RETURNS numeric
	AS 'MODULE_PATHNAME', 'map_money'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.map_money(float8) IS 'a value or a sum of values as the views of maps show it: in the digits that came in, 15 and nine decimals at most';

-- A look at the events that are in a journey at all tells most of those without a purchase.
CREATE FUNCTION cjm_internal.map_has_purchase(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 200
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT CASE WHEN count(s.event) = count(*) THEN '(' || string_agg(format('cjm.has_event(j.journey, %L::text)', s.event), ' OR ') || ')' END
	FROM (SELECT p.event FROM cjm.funnel_stages(cjm_internal.map_purchase(map)) p UNION ALL SELECT r.event FROM cjm.funnel_stages((map).refusal) r) s);
COMMENT ON FUNCTION cjm_internal.map_has_purchase(cjm_internal.map) IS 'SQL: a condition that every journey j with a purchase or a refund meets; NULL if all may have one';

CREATE FUNCTION cjm_internal.map_purchases_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 400
	SET search_path = pg_catalog, pg_temp
RETURN format('cjm.purchase_stats(%s, %L::cjm.funnel%s)', cjm_internal.map_valued_journey(map), cjm_internal.map_purchase(map), ', ' || quote_literal((map).refusal) || '::cjm.funnel');
COMMENT ON FUNCTION cjm_internal.map_purchases_sql(cjm_internal.map) IS 'SQL: what the customer of a journey j bought, of the type that purchase_stats returns';

-- The ends of the first four fifths of all who bought: equal values have equal scores, and a score is 1 + the whole fifths that
-- have less.  It is a left join of one row, so that the planner drops it where nobody asks for what it gives: a query without
-- scores reads the journeys once, one with scores twice.
CREATE FUNCTION cjm_internal.map_quintiles_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 400
	SET search_path = pg_catalog, pg_temp
RETURN format('SELECT percentile_disc(''{0.2,0.4,0.6,0.8}''::float8[]) WITHIN GROUP (ORDER BY p.last_at) AS last_at,
			percentile_disc(''{0.2,0.4,0.6,0.8}''::float8[]) WITHIN GROUP (ORDER BY p.purchase_count) AS purchase_count,
			percentile_disc(''{0.2,0.4,0.6,0.8}''::float8[]) WITHIN GROUP (ORDER BY p.total_value) AS total_value
		FROM %s.journeys j CROSS JOIN LATERAL %s p WHERE p.purchase_count > 0%s',
	cjm_internal.map_schema(map), cjm_internal.map_purchases_sql(map), ' AND ' || cjm_internal.map_has_purchase(map));
COMMENT ON FUNCTION cjm_internal.map_quintiles_sql(cjm_internal.map) IS 'SQL: the ends of fifths of those who bought, by last purchase, number and value, one row of arrays';

CREATE FUNCTION cjm_internal.map_score_sql(measure text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('CASE WHEN (f.bought).purchase_count > 0 THEN 1 + ((f.bought).%1$s > q.%1$s[1])::integer + ((f.bought).%1$s > q.%1$s[2])::integer +
				((f.bought).%1$s > q.%1$s[3])::integer + ((f.bought).%1$s > q.%1$s[4])::integer END', measure);
COMMENT ON FUNCTION cjm_internal.map_score_sql(text) IS 'SQL: the score from 1 to 5 of a measure of what was bought by its quintiles q';

--
-- Spend
--

-- An error says all that is wrong with a relation that spend is to be read from.
CREATE FUNCTION cjm_internal.map_check_spend(spend regclass) RETURNS void
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	relation pg_class;
	missing text;
	wrong record;
BEGIN
	SELECT c.* INTO relation FROM pg_class c WHERE c.oid = spend;
	IF relation.relkind IS NULL OR relation.relkind <> ALL (ARRAY['r', 'p', 'f', 'v', 'm']::"char"[]) THEN
		RAISE wrong_object_type USING
			MESSAGE = format('spend %s is no table or view', spend),
			HINT = 'It is a table, a partitioned or foreign table, a view or a materialized view.';
	ELSIF relation.relpersistence = 't' THEN
		RAISE wrong_object_type USING
			MESSAGE = format('spend %s is a temporary table', spend),
			HINT = 'A map stays, so what it reads has to.';
	END IF;

	SELECT string_agg(format('"%s"', w.name), ', ' ORDER BY w.place) INTO missing
	FROM unnest(ARRAY['day', 'channel', 'impressions', 'clicks', 'cost']) WITH ORDINALITY w(name, place)
	WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = spend AND a.attname = w.name AND a.attnum > 0 AND NOT a.attisdropped);
	IF missing IS NOT NULL THEN
		RAISE undefined_column USING
			MESSAGE = format('spend %s has no column %s', spend, missing),
			HINT = 'It has to have day, channel, impressions, clicks and cost; where they are called otherwise make a view.';
	END IF;

	-- A domain is as good as its type.
	SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS type, w.wanted, w.hint INTO wrong
	FROM (VALUES (1, 'day', 'a date', '{date}'::regtype[], '', 'Make a view with a date in it: of a timestamp only you know the time zone.'),
			(2, 'channel', 'text or an enum', '{}', 'SE', 'Make a view that casts it to text.'),
			(3, 'impressions', 'a whole number', '{smallint,integer,bigint,numeric}', '', 'Make a view that casts it to bigint.'),
			(4, 'clicks', 'a whole number', '{smallint,integer,bigint,numeric}', '', 'Make a view that casts it to bigint.'),
			(5, 'cost', 'a number', '{smallint,integer,bigint,numeric,real,double precision}', '', 'Make a view that casts it to numeric.'))
			w(place, name, wanted, types, categories, hint)
		JOIN pg_attribute a ON a.attrelid = spend AND a.attname = w.name
		JOIN pg_type t ON t.oid = a.atttypid
		CROSS JOIN LATERAL (
			WITH RECURSIVE base AS (
				SELECT t.oid, t.typbasetype
				UNION ALL
				SELECT b.oid, b.typbasetype FROM pg_type b JOIN base d ON b.oid = d.typbasetype)
			SELECT base.oid FROM base WHERE base.typbasetype = 0) b
	WHERE b.oid <> ALL (w.types::oid[]) AND strpos(w.categories, t.typcategory::text) = 0
	ORDER BY w.place LIMIT 1;
	IF FOUND THEN
		RAISE datatype_mismatch USING
			MESSAGE = format('%s of spend %s is of type %s, but has to be %s', wrong.attname, spend, wrong.type, wrong.wanted),
			HINT = wrong.hint;
	END IF;
END
$$;
COMMENT ON FUNCTION cjm_internal.map_check_spend(regclass) IS 'an error if a relation does not have what spend is, or not in the right types';

CREATE FUNCTION cjm_internal.map_spend_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN (map).spend IS NOT NULL THEN format('SELECT s.day::date AS day, nullif(s.channel::text, '''') AS channel, s.impressions::numeric AS impressions,
		s.clicks::numeric AS clicks, s.cost::numeric AS cost FROM %s s', (map).spend)
	ELSE 'SELECT NULL::date AS day, NULL::text AS channel, NULL::numeric AS impressions, NULL::numeric AS clicks, NULL::numeric AS cost WHERE false' END;
COMMENT ON FUNCTION cjm_internal.map_spend_sql(cjm_internal.map) IS 'SQL of the view spend';

-- NULL where it is NULL; NaN is greater than any number, and the least integer has no abs.
CREATE FUNCTION cjm_internal.map_is_amount(expression text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('(%1$s > -1e18 AND %1$s < 1e18)', expression);
COMMENT ON FUNCTION cjm_internal.map_is_amount(text) IS 'SQL: whether a number is finite and can be added up';

--
-- Channels
--

-- What earns credit: conversions, and of what they were worth the purchases, less the refunds.
CREATE FUNCTION cjm_internal.map_credited(map cjm_internal.map) RETURNS TABLE (place integer, list cjm.funnel, condition text)
	LANGUAGE sql STABLE STRICT PARALLEL SAFE ROWS 3
	SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT l.place, l.list, l.condition
	FROM (VALUES (0, (map).stages, ''), (1, CASE WHEN (map).value IS NOT NULL THEN cjm_internal.map_purchase(map) END, ''), (2, CASE WHEN (map).value IS NOT NULL THEN (map).refusal END, ' WHERE a.value < 0')) l(place, list, condition)
	WHERE l.list IS NOT NULL;
END;
COMMENT ON FUNCTION cjm_internal.map_credited(cjm_internal.map) IS 'the funnels whose conversions a map credits: 0 its own, 1 purchases, 2 refunds, each with a condition a on what attribute gives';

CREATE FUNCTION cjm_internal.map_attribute_sql(map cjm_internal.map, list cjm.funnel, model text, per text, only_channels boolean) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('cjm.attribute(%s, %L::cjm.funnel, %L::text, NULL::interval, %L::text, %L::interval, interval ''7 days'', ''{0.4,0.2,0.4}''::float8[], ''{direct}''::text[], %L::boolean, %s)',
	cjm_internal.map_earning_journey(map), list, model, per, (map).session_gap, only_channels, cjm_internal.map_session_rule_sql(map));
COMMENT ON FUNCTION cjm_internal.map_attribute_sql(cjm_internal.map, cjm.funnel, text, text, boolean) IS 'SQL: who has the credit for the conversions of a journey j';

-- model, per and only_channels NULL are the map's, bucket NULL all time.  dated: whether a conversion counts when it happened or when the touchpoint did
-- that it is credited to.  Visits and credits are stacked and added up, narrow as they are, then with what was spent, so that a channel is there
-- that has but one of them.  Where nothing was paid no price is known.  Whole numbers are made of sums, so that parts of one are not lost.
CREATE FUNCTION cjm_internal.map_channels_sql(map cjm_internal.map, lead text, model text, bucket text, dated text, per text, ranged boolean,
	only_channels boolean DEFAULT NULL, by text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	by_model text := coalesce(model, (map).attribution, 'last_touch');
	by_visit text := coalesce(per, cjm_internal.map_attribution_per(map));
	words jsonb := cjm_internal.map_words(map);
	split text := cjm_internal.map_split(words, by);
	customers text := cjm_internal.map_where(map, CASE WHEN ranged AND by IS NULL THEN 'AND' ELSE 'WHERE' END, words, '{channel}');
	arms text[];
BEGIN
	IF dated IS NULL OR dated <> ALL (ARRAY['conversion', 'touchpoint']) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('credit cannot be dated by "%s"', dated),
			HINT = 'It is by conversion, when it happened, or by touchpoint, when that happened which has the credit.';
	ELSIF bucket IS NOT NULL AND cjm_internal.map_period(bucket) < interval '1 day' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'what was spent in an hour is not known',
			HINT = 'Buckets are day, week, month, quarter and year.';
	END IF;
	PERFORM cjm.attribute('{}'::cjm.journey, '*'::cjm.funnel, by_model, NULL::interval, by_visit, interval '30 minutes', interval '7 days', '{0.4,0.2,0.4}'::float8[], '{direct}'::text[], false, NULL::text, NULL::text);
	-- Each purchase is credited as a conversion is, to what came since the one before.
	arms := format('SELECT s.started_at AS at, s.channel, 1 AS visits, NULL::float8 AS conversions, NULL::float8 AS revenue FROM cjm.sessions(%s, %L::interval, %s) s',
			cjm_internal.map_visits_sql(map, 'j.journey'), (map).session_gap, cjm_internal.map_session_rule_sql(map))
		|| ARRAY(SELECT format('SELECT %s AS at, a.channel, NULL::integer AS visits, %s AS conversions, %s AS revenue FROM %s a%s',
				CASE dated WHEN 'conversion' THEN 'a.conversion_at' ELSE 'coalesce(a.at, a.conversion_at)' END,
				CASE l.place WHEN 0 THEN 'a.credit' ELSE 'NULL::float8' END, CASE l.place WHEN 0 THEN 'NULL::float8' ELSE 'a.value' END,
				cjm_internal.map_attribute_sql(map, l.list, by_model, by_visit, coalesce(only_channels, cjm_internal.map_only_channels(map))), l.condition)
			FROM cjm_internal.map_credited(map) l ORDER BY l.place);
	RETURN format('SELECT %1$s c.channel, c.impressions, c.clicks, c.clicks::float8 / nullif(c.impressions, 0)::float8 AS ctr, c.cost,
			trim_scale(c.paid / nullif(c.clicks, 0)::numeric) AS cpc, trim_scale(1000 * c.paid / nullif(c.impressions, 0)::numeric) AS cpm,
			c.visits, c.conversions, cjm_internal.map_money(c.paid::float8 / nullif(c.conversions, 0)) AS cpa, c.revenue,
			(c.revenue / c.paid)::float8 AS roas, ((c.revenue - c.paid) / c.paid)::float8 AS roi, c.gross_revenue
		FROM (SELECT f.bucket, f.channel, %12$ssum(f.impressions)::bigint AS impressions, sum(f.clicks)::bigint AS clicks, sum(f.cost) AS cost,
				nullif(sum(f.cost), 0) AS paid, coalesce(sum(f.visits), 0)::bigint AS visits, coalesce(sum(f.conversions), 0) AS conversions, %2$s AS revenue, %10$s AS gross_revenue
			FROM (
				SELECT %3$s AS bucket, s.channel, %13$s%9$s, NULL::bigint AS visits, NULL::float8 AS conversions,
					NULL::float8 AS revenue, NULL::float8 AS gross_revenue
				FROM %7$s s WHERE s.day IS NOT NULL%5$s
				UNION ALL
				SELECT %6$s AS bucket, x.channel, %14$sNULL::numeric AS impressions, NULL::numeric AS clicks, NULL::numeric AS cost,
					count(x.visits) AS visits, sum(x.conversions) AS conversions, sum(x.revenue) AS revenue, sum(x.revenue) FILTER (WHERE NOT x.revenue < 0) AS gross_revenue
				FROM %4$s%8$s GROUP BY 1, 2%17$s) f%11$s
			GROUP BY f.bucket, f.channel%15$s) c
		ORDER BY c.bucket, %16$sc.channel COLLATE "C"',
		lead, CASE WHEN (map).value IS NULL THEN 'NULL::numeric' ELSE 'cjm_internal.map_money(coalesce(sum(f.revenue), 0))' END,
		CASE WHEN bucket IS NULL THEN 'NULL::timestamptz'
			ELSE format('date_trunc(%L, s.day::timestamp) AT TIME ZONE %L', lower(bucket), (map).time_zone) END,
		format('%s CROSS JOIN LATERAL (%s) x', CASE WHEN by IS NULL THEN cjm_internal.map_schema(map) || '.journeys j' ELSE cjm_internal.map_journeys_by(map, split, customers) END,
			cjm_internal.map_arms_sql(map, arms, '{at,channel,visits,conversions,revenue}')),
		concat(CASE WHEN ranged THEN format(' AND s.day::timestamp AT TIME ZONE %1$L >= $1 AND s.day::timestamp AT TIME ZONE %1$L < $2', (map).time_zone) END,
			-- What was paid was paid for all customers.
			CASE WHEN customers <> '' OR by IS NOT NULL THEN ' AND false' END),
		CASE WHEN bucket IS NULL THEN 'NULL::timestamptz' ELSE format('date_trunc(%L, x.at, %L)', lower(bucket), (map).time_zone) END,
		-- where there is no spend nobody needs a right to it
		CASE WHEN (map).spend IS NULL THEN format('(%s)', cjm_internal.map_spend_sql(map)) ELSE cjm_internal.map_schema(map) || '.spend' END,
		concat(CASE WHEN ranged THEN ' WHERE x.at >= $1 AND x.at < $2' END, CASE WHEN by IS NULL THEN customers END),
		(SELECT string_agg(format('CASE WHEN %s THEN s.%s END AS %2$s', cjm_internal.map_is_amount('s.' || a), a), ', ')
			FROM unnest(ARRAY['impressions', 'clicks', 'cost']) a),
		CASE WHEN (map).value IS NULL THEN 'NULL::numeric' ELSE 'cjm_internal.map_money(coalesce(sum(f.gross_revenue), 0))' END,
		cjm_internal.map_where(map, 'WHERE', '{"channel": "f.channel"}', ARRAY(SELECT jsonb_object_keys(words - 'channel'))),
		CASE WHEN by IS NOT NULL THEN 'f.label, ' END, CASE WHEN by IS NOT NULL THEN 'NULL::text AS label, ' END, CASE WHEN by IS NOT NULL THEN 'j.label, ' END,
		CASE WHEN by IS NOT NULL THEN ', f.label' END, CASE WHEN by IS NOT NULL THEN 'c.label COLLATE "C", ' END,
		CASE WHEN by IS NOT NULL THEN ', 3' END);
END
$$;
COMMENT ON FUNCTION cjm_internal.map_channels_sql(cjm_internal.map, text, text, text, text, text, boolean, boolean, text) IS 'SQL of the view channels and of channels_report';

CREATE FUNCTION cjm.channels_report(
	map text,
	bucket text DEFAULT NULL,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL,
	model text DEFAULT NULL,
	dated text DEFAULT 'conversion',
	per text DEFAULT NULL,
	only_channels boolean DEFAULT NULL,
	by text DEFAULT NULL)
	RETURNS TABLE (channel text, bucket_start timestamptz, impressions bigint, clicks bigint, ctr float8, cost numeric, cpc numeric, cpm numeric,
		visits bigint, conversions float8, cpa numeric, revenue numeric, roas float8, roi float8, gross_revenue numeric, by_value text)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT r.channel, r.bucket, r.impressions, r.clicks, r.ctr, r.cost, r.cpc, r.cpm, r.visits, r.conversions, r.cpa,
			r.revenue, r.roas, r.roi, r.gross_revenue, r.label FROM (%s) r',
		cjm_internal.map_channels_sql(cjm_internal.map_of(map, where_is), CASE WHEN by IS NULL THEN 'c.bucket, NULL::text AS label,' ELSE 'c.bucket, c.label,' END, model, bucket, coalesce(dated, 'conversion'), per, cjm_internal.map_ranged(from_time, to_time), only_channels, by)) USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;
COMMENT ON FUNCTION cjm.channels_report(text, text, timestamptz, timestamptz, jsonb, text, text, text, boolean, text) IS
'what the channels of a map cost in a time range and what they brought.
model: the attribution model, NULL for the map''s; bucket: NULL, day, week, month, quarter or year
dated: conversion, for conversions of the range, or touchpoint, for those that touchpoints of the range have the credit for, whenever they happen
per: touchpoint, or session for one share of a conversion to each visit; only_channels: whether touchpoints without a channel earn nothing; NULL for the map''s
where_is: which customers, a value or a list of values by name: {"segment": ["LV", "EE"], "first_channel": null}; the names are dimensions of the map and first_channel; what was spent on a part of the customers nobody knows, and is NULL. channel is that of the row, with what was spent on it
by: NULL, a dimension of the map (segment) or first_channel (of the customer): then a row is of a channel and by_value, and costs are NULL as well
Of spend the days that begin in the range count. Columns as in the view channels.';

CREATE FUNCTION cjm_internal.map_economics_comments() RETURNS TABLE (view_name text, column_name text, comment text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 35
BEGIN ATOMIC
	SELECT v.view_name, v.column_name, v.comment
	FROM (VALUES
		('map', 'spend', 'the table or view of what the channels cost, or NULL'),
		('map', 'attribution', 'the attribution model that the view channels credits conversions by'),

		('customers', 'last_purchase_at', 'time of the last purchase: of a touchpoint of the map''s purchase events, or of its last stage that is not optional'),
		('customers', 'recency', 'time since then'),
		('customers', 'recency_days', 'recency in days'),
		('customers', 'frequency', 'number of purchases; one of a negative value is a refund, and none'),
		('customers', 'monetary', 'sum of their values, less what was refunded: negative values of purchases and refusals'),
		('customers', 'gross_monetary', 'sum of their values, without taking refunds off'),
		('customers', 'recency_score', '1 to 5: 1, and one more for each whole fifth of the buyers whose last purchase is longer ago; scores take a second pass'),
		('customers', 'frequency_score', '1 to 5: 1, and one more for each whole fifth of the buyers who bought less often'),
		('customers', 'monetary_score', '1 to 5: 1, and one more for each whole fifth of the buyers who bought for less'),

		('spend', NULL, 'what the channels cost, as this map reads it; no row where the map has no spend'),
		('spend', 'day', 'the day, in the map''s time zone'),
		('spend', 'channel', 'the channel, as events have it'),
		('spend', 'impressions', 'how often its advertisements were shown'),
		('spend', 'clicks', 'how often they were followed'),
		('spend', 'cost', 'what was paid for it'),

		('channels', NULL, 'one row per week and channel: what it cost and what it brought, by the map''s attribution model'),
		('channels', 'week', 'its Monday, in the map''s time zone'),
		('channels', 'channel', 'the channel; NULL: none'),
		('channels', 'impressions', 'impressions of its days; NULL if there is no spend of them'),
		('channels', 'clicks', 'clicks of its days; likewise'),
		('channels', 'ctr', 'click-through rate: clicks / impressions'),
		('channels', 'cost', 'what was paid; NULL if there is no spend, and then as for 0 there is no cpc, cpm, cpa, roas and roi'),
		('channels', 'cpc', 'cost per click'),
		('channels', 'cpm', 'cost per thousand impressions'),
		('channels', 'visits', 'sessions by the channel that began in the week; that of the first touchpoint that has one'),
		('channels', 'gross_revenue', 'revenue without taking refunds off'),
		('channels', 'conversions', 'completions of the funnel in the week, as far as they are credited to the channel'),
		('channels', 'cpa', 'cost per acquisition: cost / conversions'),
		('channels', 'revenue', 'values of all purchases in the week, whether they complete the funnel or not, less what was refunded, as far as they are credited to it'),
		('channels', 'roas', 'return on advertising spend: revenue / cost'),
		('channels', 'roi', 'return on investment: (revenue - cost) / cost')) v(view_name, column_name, comment);
END;
COMMENT ON FUNCTION cjm_internal.map_economics_comments() IS 'the comments of spend, channels and of the columns of others that are about money';
