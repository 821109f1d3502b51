--
-- What 0.1.0 had and this version has with other arguments or columns
--
-- Views know functions by what they are and not by their names.  So that those of maps and of others that were made with 0.1.0 go on,
-- and are restored from a dump, ALTER EXTENSION cjm UPDATE puts what they call here, under a name that says so; a fresh installation has
-- the same.  Whoever writes a call gets the function in cjm.  They are not changed any more.
--

CREATE FUNCTION cjm_internal.attribute_0_1_0(journey cjm.journey, conversion cjm.funnel, model text DEFAULT 'last_touch', lookback interval DEFAULT NULL,
	per text DEFAULT 'touchpoint', session_gap interval DEFAULT '30 minutes', half_life interval DEFAULT '7 days', weights float8[] DEFAULT '{0.4,0.2,0.4}',
	direct text[] DEFAULT '{direct}', only_channels boolean DEFAULT false) RETURNS SETOF cjm.credited_touchpoint
	AS 'MODULE_PATHNAME', 'journey_attribute'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 ROWS 3;
COMMENT ON FUNCTION cjm_internal.attribute_0_1_0(cjm.journey, cjm.funnel, text, interval, text, interval, interval, float8[], text[], boolean) IS 'attribute of 0.1.0, for what was made with it';

CREATE FUNCTION cjm_internal.attribution_report_0_1_0(map text, by text DEFAULT NULL, from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity', models text[] DEFAULT NULL, per text DEFAULT NULL, lookback interval DEFAULT NULL, half_life interval DEFAULT '7 days',
	weights float8[] DEFAULT '{0.4,0.2,0.4}', direct text[] DEFAULT '{direct}', only_channels boolean DEFAULT NULL) RETURNS TABLE(by_value text, channel text,
	model text, conversions float8, value numeric, share float8, value_share float8, rank bigint, difference float8)
	LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 100
BEGIN ATOMIC
	SELECT r.by_value, r.channel, r.model, r.conversions, r.value, r.share, r.value_share, r.rank, r.difference
	FROM cjm.attribution_report(map => attribution_report_0_1_0.map, by => attribution_report_0_1_0.by, from_time => attribution_report_0_1_0.from_time,
		to_time => attribution_report_0_1_0.to_time, models => attribution_report_0_1_0.models, per => attribution_report_0_1_0.per,
		lookback => attribution_report_0_1_0.lookback, half_life => attribution_report_0_1_0.half_life, weights => attribution_report_0_1_0.weights,
		direct => attribution_report_0_1_0.direct, only_channels => attribution_report_0_1_0.only_channels) r;
END;
COMMENT ON FUNCTION cjm_internal.attribution_report_0_1_0(text, text, timestamptz, timestamptz, text[], text, interval, interval, float8[], text[], boolean) IS 'attribution_report of 0.1.0, for what was made with it';

CREATE FUNCTION cjm_internal.channels_report_0_1_0(map text, bucket text DEFAULT NULL, from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity', model text DEFAULT NULL, dated text DEFAULT 'conversion', per text DEFAULT NULL,
	only_channels boolean DEFAULT NULL) RETURNS TABLE(channel text, bucket_start timestamptz, impressions bigint, clicks bigint, ctr float8, cost numeric, cpc numeric,
	cpm numeric, visits bigint, conversions float8, cpa numeric, revenue numeric, roas float8, roi float8, gross_revenue numeric)
	LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 100
BEGIN ATOMIC
	SELECT r.channel, r.bucket_start, r.impressions, r.clicks, r.ctr, r.cost, r.cpc, r.cpm, r.visits, r.conversions, r.cpa, r.revenue, r.roas, r.roi, r.gross_revenue
	FROM cjm.channels_report(map => channels_report_0_1_0.map, bucket => channels_report_0_1_0.bucket, from_time => channels_report_0_1_0.from_time,
		to_time => channels_report_0_1_0.to_time, model => channels_report_0_1_0.model, dated => channels_report_0_1_0.dated, per => channels_report_0_1_0.per,
		only_channels => channels_report_0_1_0.only_channels) r;
END;
COMMENT ON FUNCTION cjm_internal.channels_report_0_1_0(text, text, timestamptz, timestamptz, text, text, text, boolean) IS 'channels_report of 0.1.0, for what was made with it';

CREATE FUNCTION cjm_internal.drop_off_report_0_1_0(map text, by text DEFAULT 'last_event', from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity') RETURNS TABLE(step integer, stage text, by_value text, customers bigint, share float8, open_customers bigint,
	median_days_since float8, next_event text, next_customers bigint, refused bigint)
	LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 100
BEGIN ATOMIC
	SELECT r.step, r.stage, r.by_value, r.customers, r.share, r.open_customers, r.median_days_since, r.next_event, r.next_customers, r.refused
	FROM cjm.drop_off_report(map => drop_off_report_0_1_0.map, by => drop_off_report_0_1_0.by, from_time => drop_off_report_0_1_0.from_time,
		to_time => drop_off_report_0_1_0.to_time) r;
END;
COMMENT ON FUNCTION cjm_internal.drop_off_report_0_1_0(text, text, timestamptz, timestamptz) IS 'drop_off_report of 0.1.0, for what was made with it';

CREATE FUNCTION cjm_internal.funnel_chart_0_1_0(map text, width integer DEFAULT 40) RETURNS SETOF text
	LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 6
BEGIN ATOMIC
	SELECT r FROM cjm.funnel_chart(map => funnel_chart_0_1_0.map, width => funnel_chart_0_1_0.width) r;
END;
COMMENT ON FUNCTION cjm_internal.funnel_chart_0_1_0(text, integer) IS 'funnel_chart of 0.1.0, for what was made with it';

CREATE FUNCTION cjm_internal.funnel_drivers_0_1_0(map text, from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity') RETURNS TABLE(kind text, driver text, with_customers bigint, with_converted bigint, with_rate float8,
	without_customers bigint, without_rate float8, odds_ratio float8, odds_low float8, odds_high float8, p_value float8, adjusted_p_value float8, compared_within interval)
	LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 50
BEGIN ATOMIC
	SELECT r.kind, r.driver, r.with_customers, r.with_converted, r.with_rate, r.without_customers, r.without_rate, r.odds_ratio, r.odds_low, r.odds_high, r.p_value,
		r.adjusted_p_value, r.compared_within
	FROM cjm.funnel_drivers(map => funnel_drivers_0_1_0.map, from_time => funnel_drivers_0_1_0.from_time, to_time => funnel_drivers_0_1_0.to_time) r;
END;
COMMENT ON FUNCTION cjm_internal.funnel_drivers_0_1_0(text, timestamptz, timestamptz) IS 'funnel_drivers of 0.1.0, for what was made with it';

CREATE FUNCTION cjm_internal.funnel_report_0_1_0(map text, by text DEFAULT NULL, bucket text DEFAULT NULL, from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity') RETURNS TABLE(by_value text, bucket_start timestamptz, closed boolean, step integer, stage text, customers bigint,
	step_rate float8, overall_rate float8, dropped bigint, drop_rate float8, open_customers bigint, rate_low float8, rate_high float8, median_time interval,
	mean_time interval, p90_time interval, median_total interval, p90_total interval, median_time_seconds float8, mean_time_seconds float8, p90_time_seconds float8,
	median_total_seconds float8, p90_total_seconds float8, refused bigint)
	LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 100
BEGIN ATOMIC
	SELECT r.by_value, r.bucket_start, r.closed, r.step, r.stage, r.customers, r.step_rate, r.overall_rate, r.dropped, r.drop_rate, r.open_customers, r.rate_low,
		r.rate_high, r.median_time, r.mean_time, r.p90_time, r.median_total, r.p90_total, r.median_time_seconds, r.mean_time_seconds, r.p90_time_seconds,
		r.median_total_seconds, r.p90_total_seconds, r.refused
	FROM cjm.funnel_report(map => funnel_report_0_1_0.map, by => funnel_report_0_1_0.by, bucket => funnel_report_0_1_0.bucket,
		from_time => funnel_report_0_1_0.from_time, to_time => funnel_report_0_1_0.to_time) r;
END;
COMMENT ON FUNCTION cjm_internal.funnel_report_0_1_0(text, text, text, timestamptz, timestamptz) IS 'funnel_report of 0.1.0, for what was made with it';

CREATE FUNCTION cjm_internal.funnel_svg_0_1_0(map text) RETURNS text
	LANGUAGE sql STABLE PARALLEL RESTRICTED
RETURN cjm.funnel_svg(map => funnel_svg_0_1_0.map);
COMMENT ON FUNCTION cjm_internal.funnel_svg_0_1_0(text) IS 'funnel_svg of 0.1.0, for what was made with it';

CREATE FUNCTION cjm_internal.lifecycle_report_0_1_0(map text, period text DEFAULT 'month', from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity') RETURNS TABLE(period_start date, new_customers bigint, returning_customers bigint, resurrected_customers bigint,
	dormant_customers bigint, active_customers bigint, period_over boolean)
	LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 20
BEGIN ATOMIC
	SELECT r.period_start, r.new_customers, r.returning_customers, r.resurrected_customers, r.dormant_customers, r.active_customers, r.period_over
	FROM cjm.lifecycle_report(map => lifecycle_report_0_1_0.map, period => lifecycle_report_0_1_0.period, from_time => lifecycle_report_0_1_0.from_time,
		to_time => lifecycle_report_0_1_0.to_time) r;
END;
COMMENT ON FUNCTION cjm_internal.lifecycle_report_0_1_0(text, text, timestamptz, timestamptz) IS 'lifecycle_report of 0.1.0, for what was made with it';

CREATE FUNCTION cjm_internal.map_svg_0_1_0(map text, touchpoints integer DEFAULT 15) RETURNS text
	LANGUAGE sql STABLE PARALLEL RESTRICTED
RETURN cjm.map_svg(map => map_svg_0_1_0.map, touchpoints => map_svg_0_1_0.touchpoints);
COMMENT ON FUNCTION cjm_internal.map_svg_0_1_0(text, integer) IS 'map_svg of 0.1.0, for what was made with it';

CREATE FUNCTION cjm_internal.only_visits_0_1_0(journey cjm.journey, visit cjm.funnel, gap interval DEFAULT '30 minutes') RETURNS cjm.journey
	AS 'MODULE_PATHNAME', 'journey_only_visits'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION cjm_internal.only_visits_0_1_0(cjm.journey, cjm.funnel, interval) IS 'only_visits of 0.1.0, for what was made with it';

CREATE FUNCTION cjm_internal.path_report_0_1_0(map text, by text DEFAULT 'event', from_time timestamptz DEFAULT '-infinity', to_time timestamptz DEFAULT 'infinity',
	depth integer DEFAULT 10, repeats boolean DEFAULT false) RETURNS TABLE(path text, nodes text[], customers bigint, share float8, converted bigint, rate float8)
	LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 1000
BEGIN ATOMIC
	SELECT r.path, r.nodes, r.customers, r.share, r.converted, r.rate
	FROM cjm.path_report(map => path_report_0_1_0.map, by => path_report_0_1_0.by, from_time => path_report_0_1_0.from_time, to_time => path_report_0_1_0.to_time,
		depth => path_report_0_1_0.depth, repeats => path_report_0_1_0.repeats) r;
END;
COMMENT ON FUNCTION cjm_internal.path_report_0_1_0(text, text, timestamptz, timestamptz, integer, boolean) IS 'path_report of 0.1.0, for what was made with it';

CREATE FUNCTION cjm_internal.purchase_report_0_1_0(map text, by text DEFAULT NULL, from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity') RETURNS TABLE(by_value text, customers bigint, purchases bigint, repeat_customers bigint, repeat_rate float8,
	purchases_per_customer float8, value numeric, average_order_value numeric, mean_time_between interval, median_time_between interval,
	mean_time_between_seconds float8, median_time_between_seconds float8, gross_value numeric)
	LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 10
BEGIN ATOMIC
	SELECT r.by_value, r.customers, r.purchases, r.repeat_customers, r.repeat_rate, r.purchases_per_customer, r.value, r.average_order_value, r.mean_time_between,
		r.median_time_between, r.mean_time_between_seconds, r.median_time_between_seconds, r.gross_value
	FROM cjm.purchase_report(map => purchase_report_0_1_0.map, by => purchase_report_0_1_0.by, from_time => purchase_report_0_1_0.from_time,
		to_time => purchase_report_0_1_0.to_time) r;
END;
COMMENT ON FUNCTION cjm_internal.purchase_report_0_1_0(text, text, timestamptz, timestamptz) IS 'purchase_report of 0.1.0, for what was made with it';

CREATE FUNCTION cjm_internal.report_0_1_0(stats cjm.funnel_stats) RETURNS TABLE(step integer, stage text, customers bigint, step_rate float8, overall_rate float8,
	dropped bigint, drop_rate float8, rate_low float8, rate_high float8, median_time interval, mean_time interval, p90_time interval, median_total interval,
	p90_total interval)
	AS 'MODULE_PATHNAME', 'funnel_stats_report'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 5;
COMMENT ON FUNCTION cjm_internal.report_0_1_0(cjm.funnel_stats) IS 'report of 0.1.0, for what was made with it';

CREATE FUNCTION cjm_internal.retention_report_0_1_0(map text, period text DEFAULT 'month', from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity', kind text DEFAULT 'in') RETURNS TABLE(cohort date, number integer, period_start date, cohort_size bigint, retained bigint,
	rate float8, churn float8, period_over boolean)
	LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 100
BEGIN ATOMIC
	SELECT r.cohort, r.number, r.period_start, r.cohort_size, r.retained, r.rate, r.churn, r.period_over
	FROM cjm.retention_report(map => retention_report_0_1_0.map, period => retention_report_0_1_0.period, from_time => retention_report_0_1_0.from_time,
		to_time => retention_report_0_1_0.to_time, kind => retention_report_0_1_0.kind) r;
END;
COMMENT ON FUNCTION cjm_internal.retention_report_0_1_0(text, text, timestamptz, timestamptz, text) IS 'retention_report of 0.1.0, for what was made with it';

CREATE FUNCTION cjm_internal.retention_svg_0_1_0(map text) RETURNS text
	LANGUAGE sql STABLE PARALLEL RESTRICTED
RETURN cjm.retention_svg(map => retention_svg_0_1_0.map);
COMMENT ON FUNCTION cjm_internal.retention_svg_0_1_0(text) IS 'retention_svg of 0.1.0, for what was made with it';

CREATE FUNCTION cjm_internal.session_channel_0_1_0(journey cjm.journey, gap interval, at timestamptz) RETURNS text
	AS 'MODULE_PATHNAME', 'journey_session_channel'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 30;
COMMENT ON FUNCTION cjm_internal.session_channel_0_1_0(cjm.journey, interval, timestamptz) IS 'session_channel of 0.1.0, for what was made with it';

CREATE FUNCTION cjm_internal.session_events_0_1_0(journey cjm.journey, gap interval DEFAULT '30 minutes') RETURNS TABLE(session_number bigint, event text,
	channel text, is_entry boolean, is_exit boolean, started_at timestamptz, ended_at timestamptz, touch_count bigint, seconds float8, bounced boolean)
	AS 'MODULE_PATHNAME', 'journey_session_events'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 10;
COMMENT ON FUNCTION cjm_internal.session_events_0_1_0(cjm.journey, interval) IS 'session_events of 0.1.0, for what was made with it';

CREATE FUNCTION cjm_internal.session_groups_0_1_0(journey cjm.journey, gap interval DEFAULT '30 minutes', by text DEFAULT NULL, bucket text DEFAULT NULL,
	time_zone text DEFAULT current_setting('TimeZone'), from_time timestamptz DEFAULT '-infinity', to_time timestamptz DEFAULT 'infinity') RETURNS TABLE(label text,
	bucket_start timestamptz, is_first boolean, session_number bigint, touch_count bigint, seconds float8, value float8, bounced boolean, gross_value float8)
	AS 'MODULE_PATHNAME', 'journey_session_groups'
	LANGUAGE C STABLE PARALLEL SAFE COST 100 ROWS 5;
COMMENT ON FUNCTION cjm_internal.session_groups_0_1_0(cjm.journey, interval, text, text, text, timestamptz, timestamptz) IS 'session_groups of 0.1.0, for what was made with it';

CREATE FUNCTION cjm_internal.session_report_0_1_0(map text, by text DEFAULT NULL, bucket text DEFAULT NULL, from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity') RETURNS TABLE(by_value text, bucket_start timestamptz, sessions bigint, customers bigint, new_sessions bigint,
	returning_sessions bigint, bounces bigint, bounce_rate float8, touches_per_session float8, mean_time interval, median_time interval, mean_time_seconds float8,
	median_time_seconds float8, value numeric, value_per_session numeric, gross_value numeric)
	LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 100
BEGIN ATOMIC
	SELECT r.by_value, r.bucket_start, r.sessions, r.customers, r.new_sessions, r.returning_sessions, r.bounces, r.bounce_rate, r.touches_per_session, r.mean_time,
		r.median_time, r.mean_time_seconds, r.median_time_seconds, r.value, r.value_per_session, r.gross_value
	FROM cjm.session_report(map => session_report_0_1_0.map, by => session_report_0_1_0.by, bucket => session_report_0_1_0.bucket,
		from_time => session_report_0_1_0.from_time, to_time => session_report_0_1_0.to_time) r;
END;
COMMENT ON FUNCTION cjm_internal.session_report_0_1_0(text, text, text, timestamptz, timestamptz) IS 'session_report of 0.1.0, for what was made with it';

CREATE FUNCTION cjm_internal.session_stats_0_1_0(journey cjm.journey, gap interval DEFAULT '30 minutes', OUT session_count bigint, OUT bounce_count bigint,
	OUT bounce_rate float8, OUT touch_count bigint, OUT total_time interval, OUT mean_time interval, OUT longest_time interval)
	AS 'MODULE_PATHNAME', 'journey_session_stats'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm_internal.session_stats_0_1_0(cjm.journey, interval) IS 'session_stats of 0.1.0, for what was made with it';

CREATE FUNCTION cjm_internal.sessions_0_1_0(journey cjm.journey, gap interval DEFAULT '30 minutes') RETURNS SETOF cjm.session
	AS 'MODULE_PATHNAME', 'journey_sessions'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 5;
COMMENT ON FUNCTION cjm_internal.sessions_0_1_0(cjm.journey, interval) IS 'sessions of 0.1.0, for what was made with it';

CREATE FUNCTION cjm_internal.stage_report_0_1_0(map text, by text DEFAULT NULL, from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity') RETURNS TABLE(by_value text, step integer, stage text, converted boolean, customers bigint, share float8,
	open_customers bigint, median_days_since float8, open_median_days_since float8, refused bigint)
	LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 20
BEGIN ATOMIC
	SELECT r.by_value, r.step, r.stage, r.converted, r.customers, r.share, r.open_customers, r.median_days_since, r.open_median_days_since, r.refused
	FROM cjm.stage_report(map => stage_report_0_1_0.map, by => stage_report_0_1_0.by, from_time => stage_report_0_1_0.from_time, to_time => stage_report_0_1_0.to_time) r;
END;
COMMENT ON FUNCTION cjm_internal.stage_report_0_1_0(text, text, timestamptz, timestamptz) IS 'stage_report of 0.1.0, for what was made with it';

CREATE FUNCTION cjm_internal.touchpoint_report_0_1_0(map text, by text DEFAULT 'event', from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity') RETURNS TABLE(step integer, stage text, by_value text, customers bigint, share float8, touches bigint,
	first_seen timestamptz, last_seen timestamptz, compared_within interval, with_customers bigint, with_went_on bigint, with_rate float8, without_customers bigint,
	without_rate float8, difference float8, difference_low float8, difference_high float8, sure boolean)
	LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 100
BEGIN ATOMIC
	SELECT r.step, r.stage, r.by_value, r.customers, r.share, r.touches, r.first_seen, r.last_seen, r.compared_within, r.with_customers, r.with_went_on, r.with_rate,
		r.without_customers, r.without_rate, r.difference, r.difference_low, r.difference_high, r.sure
	FROM cjm.touchpoint_report(map => touchpoint_report_0_1_0.map, by => touchpoint_report_0_1_0.by, from_time => touchpoint_report_0_1_0.from_time,
		to_time => touchpoint_report_0_1_0.to_time) r;
END;
COMMENT ON FUNCTION cjm_internal.touchpoint_report_0_1_0(text, text, timestamptz, timestamptz) IS 'touchpoint_report of 0.1.0, for what was made with it';

CREATE FUNCTION cjm_internal.transition_report_0_1_0(map text, by text DEFAULT 'event', from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity', depth integer DEFAULT NULL, repeats boolean DEFAULT false) RETURNS TABLE("position" integer, source text, target text,
	value bigint, customers bigint, share float8)
	LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 100
BEGIN ATOMIC
	SELECT r."position", r.source, r.target, r.value, r.customers, r.share
	FROM cjm.transition_report(map => transition_report_0_1_0.map, by => transition_report_0_1_0.by, from_time => transition_report_0_1_0.from_time,
		to_time => transition_report_0_1_0.to_time, depth => transition_report_0_1_0.depth, repeats => transition_report_0_1_0.repeats) r;
END;
COMMENT ON FUNCTION cjm_internal.transition_report_0_1_0(text, text, timestamptz, timestamptz, integer, boolean) IS 'transition_report of 0.1.0, for what was made with it';

CREATE FUNCTION cjm_internal.transitions_0_1_0(journey cjm.journey, by text DEFAULT 'event', depth integer DEFAULT 16777216,
	repeats boolean DEFAULT true) RETURNS TABLE("position" integer, source text, target text, occurrence bigint)
	AS 'MODULE_PATHNAME', 'journey_transitions'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 10;
COMMENT ON FUNCTION cjm_internal.transitions_0_1_0(cjm.journey, text, integer, boolean) IS 'transitions of 0.1.0, for what was made with it';

CREATE FUNCTION cjm_internal.weakest_step_0_1_0(map text, by text DEFAULT 'segment', from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity', target float8 DEFAULT NULL) RETURNS TABLE(step integer, stage text, customers_before bigint, customers bigint,
	step_rate float8, best text, best_customers bigint, best_rate float8, target_rate float8, more_customers float8, more_converted float8)
	LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 5
BEGIN ATOMIC
	SELECT r.step, r.stage, r.customers_before, r.customers, r.step_rate, r.best, r.best_customers, r.best_rate, r.target_rate, r.more_customers, r.more_converted
	FROM cjm.weakest_step(map => weakest_step_0_1_0.map, by => weakest_step_0_1_0.by, from_time => weakest_step_0_1_0.from_time, to_time => weakest_step_0_1_0.to_time,
		target => weakest_step_0_1_0.target) r;
END;
COMMENT ON FUNCTION cjm_internal.weakest_step_0_1_0(text, text, timestamptz, timestamptz, float8) IS 'weakest_step of 0.1.0, for what was made with it';

CREATE FUNCTION cjm_internal.what_if_0_1_0(map text, rates jsonb, from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity') RETURNS TABLE(step integer, stage text, customers bigint, step_rate float8, overall_rate float8, new_customers float8,
	new_step_rate float8, new_overall_rate float8, difference float8)
	LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 5
BEGIN ATOMIC
	SELECT r.step, r.stage, r.customers, r.step_rate, r.overall_rate, r.new_customers, r.new_step_rate, r.new_overall_rate, r.difference
	FROM cjm.what_if(map => what_if_0_1_0.map, rates => what_if_0_1_0.rates, from_time => what_if_0_1_0.from_time, to_time => what_if_0_1_0.to_time) r;
END;
COMMENT ON FUNCTION cjm_internal.what_if_0_1_0(text, jsonb, timestamptz, timestamptz) IS 'what_if of 0.1.0, for what was made with it';

CREATE FUNCTION cjm_internal.win_back_report_0_1_0(map text, from_time timestamptz DEFAULT '-infinity', to_time timestamptz DEFAULT 'infinity',
	away interval DEFAULT '30 days') RETURNS TABLE(step integer, stage text, customers bigint, came_back bigint, came_back_rate float8, went_on bigint,
	went_on_rate float8, converted bigint, median_away interval, median_away_seconds float8)
	LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 5
BEGIN ATOMIC
	SELECT r.step, r.stage, r.customers, r.came_back, r.came_back_rate, r.went_on, r.went_on_rate, r.converted, r.median_away, r.median_away_seconds
	FROM cjm.win_back_report(map => win_back_report_0_1_0.map, from_time => win_back_report_0_1_0.from_time, to_time => win_back_report_0_1_0.to_time,
		away => win_back_report_0_1_0.away) r;
END;
COMMENT ON FUNCTION cjm_internal.win_back_report_0_1_0(text, timestamptz, timestamptz, interval) IS 'win_back_report of 0.1.0, for what was made with it';

CREATE AGGREGATE cjm_internal.map_first_touch(at timestamptz, value text) (
	SFUNC = cjm_internal.touch_agg_first,
	STYPE = internal,
	SSPACE = 112,
	FINALFUNC = cjm_internal.touch_agg_final,
	FINALFUNC_EXTRA,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.touch_agg_first_combine,
	SERIALFUNC = cjm_internal.touch_agg_serialize,
	DESERIALFUNC = cjm_internal.touch_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm_internal.map_first_touch(timestamptz, text) IS 'as first_touch, of text: the segment of the journeys of a map';

CREATE AGGREGATE cjm_internal.map_last_touch(at timestamptz, value text) (
	SFUNC = cjm_internal.touch_agg_last,
	STYPE = internal,
	SSPACE = 112,
	FINALFUNC = cjm_internal.touch_agg_final,
	FINALFUNC_EXTRA,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.touch_agg_last_combine,
	SERIALFUNC = cjm_internal.touch_agg_serialize,
	DESERIALFUNC = cjm_internal.touch_agg_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm_internal.map_last_touch(timestamptz, text) IS 'as last_touch, of text: the segment of the journeys of a map';
