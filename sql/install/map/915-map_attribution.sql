--
-- attribution: what each channel of a map earned, by every model side by side
--
-- As in 906-map_views.sql: the query reads the journeys once and takes the ends of
-- a time range as $1 and $2.
--

CREATE FUNCTION cjm_internal.map_attribution_models() RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '{first_touch,last_touch,last_non_direct,linear,time_decay,position}'::text[];
COMMENT ON FUNCTION cjm_internal.map_attribution_models() IS 'the rule-based attribution models';

-- A view has to have an answer whatever channels and values are.
CREATE FUNCTION cjm_internal.map_markov_final(state bytea) RETURNS cjm.channel_credit[]
	AS 'MODULE_PATHNAME', 'attribution_paths_final_or_null'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION cjm_internal.map_markov_final(bytea) IS
	'the credits that the state of markov_attribution comes to, by channel; NULL if there are too many channels';

CREATE FUNCTION cjm_internal.map_markov_step(state bytea, journey cjm.journey, conversion cjm.funnel) RETURNS bytea
	AS 'MODULE_PATHNAME', 'markov_attribution_journey_lenient'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm_internal.map_markov_step(bytea, cjm.journey, cjm.funnel) IS
	'state with the paths of one more journey, without values that are not finite or from 1e18 on; transition function of map_markov';

CREATE AGGREGATE cjm_internal.map_markov(cjm.journey, cjm.funnel) (
	SFUNC = cjm_internal.map_markov_step,
	STYPE = bytea,
	SSPACE = 4096,
	COMBINEFUNC = cjm_internal.attribution_paths_combine,
	FINALFUNC = cjm_internal.map_markov_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm_internal.map_markov(cjm.journey, cjm.funnel) IS
	'as markov_attribution, but NULL where there are too many channels for it, and without values that are not finite or from 1e18 on';

CREATE FUNCTION cjm_internal.map_shapley_step(state bytea, journey cjm.journey, conversion cjm.funnel) RETURNS bytea
	AS 'MODULE_PATHNAME', 'shapley_attribution_journey_lenient'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm_internal.map_shapley_step(bytea, cjm.journey, cjm.funnel) IS
	'state with the paths of one more journey, without values that are not finite or from 1e18 on; transition function of map_shapley';

CREATE AGGREGATE cjm_internal.map_shapley(cjm.journey, cjm.funnel) (
	SFUNC = cjm_internal.map_shapley_step,
	STYPE = bytea,
	SSPACE = 4096,
	COMBINEFUNC = cjm_internal.attribution_paths_combine,
	FINALFUNC = cjm_internal.attribution_paths_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm_internal.map_shapley(cjm.journey, cjm.funnel) IS 'as shapley_attribution, but without values that are not finite or from 1e18 on';

-- arguments are those of rule_attribution after the funnel, from the comma on.  Every channel has a row for every model; a model
-- that credits nothing, though there are conversions, could not be had.
CREATE FUNCTION cjm_internal.map_attribution_sql(map cjm_internal.map, lead text, by text, models text[], arguments text, data_driven boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN format('WITH credits AS (
			SELECT a.*, (SELECT bool_or(r.value IS NOT NULL) FROM unnest(a.rules) r) AS valued
			FROM (SELECT %1$s AS label, cjm.rule_attribution(%10$s, %2$L::cjm.funnel%3$s) AS rules%4$s FROM %5$s.journeys j%11$s%6$s) a
		), earned AS (
			SELECT s.label, c.model, c.channel, c.conversions, c.value FROM credits s CROSS JOIN LATERAL unnest(s.rules) c%7$s
		), models AS (
			SELECT m.model, m.place FROM unnest(%8$L::text[]) WITH ORDINALITY m(model, place)
		), cells AS (
			SELECT c.label, c.channel, c.model,
				CASE WHEN sum(sum(c.conversions)) OVER w > 0 THEN sum(c.conversions) END AS conversions,
				CASE WHEN sum(sum(c.value)) OVER w IS NOT NULL THEN coalesce(sum(c.value), 0) END AS value
			FROM (SELECT e.label, e.channel, e.model, e.conversions, e.value FROM earned e
				UNION ALL
				SELECT e.label, e.channel, m.model, 0::float8 AS conversions, NULL::float8 AS value
				FROM (SELECT DISTINCT label, channel FROM earned) e CROSS JOIN models m) c
			GROUP BY c.label, c.channel, c.model WINDOW w AS (PARTITION BY c.label, c.model)
		), shares AS (
			SELECT c.*, m.place, c.conversions / nullif(sum(c.conversions) OVER w, 0) AS share, c.value / nullif(sum(c.value) OVER w, 0) AS value_share,
				CASE WHEN c.conversions IS NOT NULL THEN rank() OVER (PARTITION BY c.label, c.model ORDER BY c.conversions DESC) END AS rank
			FROM cells c JOIN models m ON m.model = c.model WINDOW w AS (PARTITION BY c.label, c.model)
		)
		SELECT %9$s s.channel, s.model, s.conversions, cjm_internal.map_money(s.value) AS value, s.share, s.value_share, s.rank,
			s.share - max(s.share) FILTER (WHERE s.model = ''last_touch'') OVER w AS difference
		FROM shares s WINDOW w AS (PARTITION BY s.label, s.channel)
		ORDER BY s.label COLLATE "C", avg(s.share) OVER w DESC, s.channel COLLATE "C", s.place',
		cjm_internal.map_split(cjm_internal.map_words(map), by), (map).stages, arguments,
		CASE WHEN data_driven THEN format(', cjm_internal.map_markov(%2$s, %1$L::cjm.funnel) AS markov,
				cjm_internal.map_shapley(%2$s, %1$L::cjm.funnel) AS shapley', (map).stages, cjm_internal.map_earning_journey(map)) END,
		cjm_internal.map_schema(map), CASE WHEN by IS NOT NULL THEN ' GROUP BY 1' END,
		-- These have a value of 0 where nothing has a value.
		CASE WHEN data_driven THEN (SELECT string_agg(format('
			UNION ALL
			SELECT s.label, %1$L AS model, c.channel, c.conversions, CASE WHEN s.valued THEN c.value END AS value
			FROM credits s CROSS JOIN LATERAL unnest(s.%1$I) c', m), '') FROM unnest(ARRAY['markov', 'shapley']) m) END,
		models, lead, cjm_internal.map_earning_journey(map), cjm_internal.map_where(map, 'WHERE', cjm_internal.map_words(map)));
END
$$;
COMMENT ON FUNCTION cjm_internal.map_attribution_sql(cjm_internal.map, text, text, text[], text, boolean) IS 'SQL of the view attribution and of attribution_report';

-- Maps of before have no such options.
CREATE FUNCTION cjm_internal.map_attribution_per(map cjm_internal.map) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN coalesce((map).attribution_per, 'touchpoint');
COMMENT ON FUNCTION cjm_internal.map_attribution_per(cjm_internal.map) IS 'what has a share of a conversion in the views of a map';

CREATE FUNCTION cjm_internal.map_only_channels(map cjm_internal.map) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN coalesce((map).only_channels, false);
COMMENT ON FUNCTION cjm_internal.map_only_channels(cjm_internal.map) IS 'whether touchpoints without a channel earn nothing in the views of a map';

CREATE FUNCTION cjm_internal.map_attribution_arguments(map cjm_internal.map, models text[]) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format(', %L::text[], NULL::interval, %L::text, %L::interval, interval ''7 days'', ''{0.4,0.2,0.4}''::float8[], ''{direct}''::text[], %L::boolean, ''-infinity''::timestamptz, ''infinity''::timestamptz, %s',
	models, cjm_internal.map_attribution_per(map), (map).session_gap, cjm_internal.map_only_channels(map), cjm_internal.map_session_rule_sql(map));
COMMENT ON FUNCTION cjm_internal.map_attribution_arguments(cjm_internal.map, text[]) IS 'SQL: the arguments of rule_attribution after the funnel, as the options of a map have them';

CREATE FUNCTION cjm_internal.map_attribution_view_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN cjm_internal.map_attribution_sql(map, '', NULL, cjm_internal.map_attribution_models() || '{markov,shapley}'::text[],
	CASE WHEN cjm_internal.map_attribution_per(map) <> 'touchpoint' OR cjm_internal.map_only_channels(map) THEN cjm_internal.map_attribution_arguments(map, cjm_internal.map_attribution_models()) ELSE '' END, true);
COMMENT ON FUNCTION cjm_internal.map_attribution_view_sql(cjm_internal.map) IS 'SQL of the view attribution';

-- The comments of this view; column NULL: the view itself.
CREATE FUNCTION cjm_internal.map_attribution_comments() RETURNS TABLE (view_name text, column_name text, comment text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 10
BEGIN ATOMIC
	VALUES
		('attribution', NULL, 'one row per channel and attribution model: what the channel earned of the conversions; the models of a channel one below the other'),
		('attribution', 'channel', 'the channel, NULL for touchpoints without one and conversions without a touchpoint; attribution_per and only_channels of the map are those of the rules, markov and shapley see all touchpoints'),
		('attribution', 'model', 'first_touch, last_touch, last_non_direct, linear, time_decay (half-life 7 days), position (40/20/40), markov (order 1) or shapley'),
		('attribution', 'conversions', 'completions of the funnel credited to the channel; NULL of markov where there are too many channels for it'),
		('attribution', 'value', 'their value: that of the touchpoints that complete the funnel; NULL where none has one; markov and shapley leave out one that is not finite or from 1e18 on'),
		('attribution', 'share', 'conversions / those of all channels'),
		('attribution', 'value_share', 'value / that of all channels'),
		('attribution', 'rank', 'place of the channel by conversions, 1 for most'),
		('attribution', 'difference', 'share minus the share by last_touch: what counting last touches alone does not show');
END;
COMMENT ON FUNCTION cjm_internal.map_attribution_comments() IS 'the comments of the view attribution and of its columns';

CREATE FUNCTION cjm.attribution_report(
	map text,
	by text DEFAULT NULL,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL,
	models text[] DEFAULT NULL,
	per text DEFAULT NULL,
	lookback interval DEFAULT NULL,
	half_life interval DEFAULT '7 days',
	weights float8[] DEFAULT '{0.4,0.2,0.4}',
	direct text[] DEFAULT '{direct}',
	only_channels boolean DEFAULT NULL)
	RETURNS TABLE (by_value text, channel text, model text, conversions float8, value numeric, share float8, value_share float8, rank bigint,
		difference float8)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	asked text[] := ARRAY(SELECT m.model FROM unnest(cjm_internal.map_attribution_models()) WITH ORDINALITY m(model, place)
		WHERE models IS NULL OR m.model = ANY (models) ORDER BY m.place);
BEGIN
	per := coalesce(per, cjm_internal.map_attribution_per(def));
	half_life := coalesce(half_life, '7 days');
	weights := coalesce(weights, '{0.4,0.2,0.4}');
	direct := coalesce(direct, '{direct}');
	only_channels := coalesce(only_channels, cjm_internal.map_only_channels(def));
	PERFORM cjm_internal.map_ranged(from_time, to_time);
	IF models && '{markov,shapley}' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'data-driven models cannot be asked for here',
			DETAIL = 'They learn from all journeys, and know no time range, lookback or visits.',
			HINT = 'The view attribution of the map has them.';
	END IF;
	-- What is wrong is said, even where there is no journey.
	PERFORM cjm.attribute('{}'::cjm.journey, '*'::cjm.funnel, m.model, lookback, per, (def).session_gap, half_life, weights, direct, only_channels, (def).session_rule, (def).time_zone)
	FROM unnest(coalesce(models, cjm_internal.map_attribution_models())) m(model);
	RETURN QUERY EXECUTE cjm_internal.map_attribution_sql(def, 's.label,', by, asked,
		format(', $3, $4, $5, %L::interval, $6, $7, $8, $9, $1, $2, %s', (def).session_gap, cjm_internal.map_session_rule_sql(def)), false)
		USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity'), asked, lookback, per, half_life, weights, direct, only_channels;
END
$$;
COMMENT ON FUNCTION cjm.attribution_report(text, text, timestamptz, timestamptz, jsonb, text[], text, interval, interval, float8[], text[], boolean) IS
'what each channel of a map earned of the conversions in a time range, by attribution models.
models: NULL for all six, or some of first_touch, last_touch, last_non_direct, linear, time_decay and position
per: touchpoint, or session for one share to each visit, NULL for the map''s; lookback: NULL for the touchpoints since the previous conversion, else all in so long a time
by: NULL, a dimension of the map (segment), or first_channel; half_life: of time_decay; weights: of position; direct: channels that are direct, as no channel is
where_is: which customers, a value or a list of values by name: {"segment": ["LV", "EE"], "first_channel": null}; the names are dimensions of the map and first_channel
only_channels: whether touchpoints without a channel earn nothing, NULL for the map''s
Columns as in the view attribution; difference is NULL unless last_touch is asked for.';
