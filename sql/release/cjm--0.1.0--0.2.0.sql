\echo Use "ALTER EXTENSION cjm UPDATE TO '0.2.0'" to load this file. \quit

-- From 0.1.0 to 0.2.0: derived by test/upgrade/derive from both install scripts and the catalogs that they make.

SET LOCAL search_path = pg_catalog, pg_temp;

ALTER FUNCTION cjm.attribute(cjm.journey,cjm.funnel,text,interval,text,interval,interval,double precision[],text[],boolean) RENAME TO attribute_0_1_0;
ALTER FUNCTION cjm.attribute_0_1_0(cjm.journey,cjm.funnel,text,interval,text,interval,interval,double precision[],text[],boolean) SET SCHEMA cjm_internal;
ALTER FUNCTION cjm.attribution_report(text,text,timestamp with time zone,timestamp with time zone,text[],text,interval,interval,double precision[],text[],boolean) RENAME TO attribution_report_0_1_0;
ALTER FUNCTION cjm.attribution_report_0_1_0(text,text,timestamp with time zone,timestamp with time zone,text[],text,interval,interval,double precision[],text[],boolean) SET SCHEMA cjm_internal;
ALTER FUNCTION cjm.channels_report(text,text,timestamp with time zone,timestamp with time zone,text,text,text,boolean) RENAME TO channels_report_0_1_0;
ALTER FUNCTION cjm.channels_report_0_1_0(text,text,timestamp with time zone,timestamp with time zone,text,text,text,boolean) SET SCHEMA cjm_internal;
ALTER FUNCTION cjm.drop_off_report(text,text,timestamp with time zone,timestamp with time zone) RENAME TO drop_off_report_0_1_0;
ALTER FUNCTION cjm.drop_off_report_0_1_0(text,text,timestamp with time zone,timestamp with time zone) SET SCHEMA cjm_internal;
ALTER FUNCTION cjm.funnel_chart(text,integer) RENAME TO funnel_chart_0_1_0;
ALTER FUNCTION cjm.funnel_chart_0_1_0(text,integer) SET SCHEMA cjm_internal;
ALTER FUNCTION cjm.funnel_drivers(text,timestamp with time zone,timestamp with time zone) RENAME TO funnel_drivers_0_1_0;
ALTER FUNCTION cjm.funnel_drivers_0_1_0(text,timestamp with time zone,timestamp with time zone) SET SCHEMA cjm_internal;
ALTER FUNCTION cjm.funnel_report(text,text,text,timestamp with time zone,timestamp with time zone) RENAME TO funnel_report_0_1_0;
ALTER FUNCTION cjm.funnel_report_0_1_0(text,text,text,timestamp with time zone,timestamp with time zone) SET SCHEMA cjm_internal;
ALTER FUNCTION cjm.funnel_svg(text) RENAME TO funnel_svg_0_1_0;
ALTER FUNCTION cjm.funnel_svg_0_1_0(text) SET SCHEMA cjm_internal;
ALTER FUNCTION cjm.lifecycle_report(text,text,timestamp with time zone,timestamp with time zone) RENAME TO lifecycle_report_0_1_0;
ALTER FUNCTION cjm.lifecycle_report_0_1_0(text,text,timestamp with time zone,timestamp with time zone) SET SCHEMA cjm_internal;
ALTER FUNCTION cjm.map_svg(text,integer) RENAME TO map_svg_0_1_0;
ALTER FUNCTION cjm.map_svg_0_1_0(text,integer) SET SCHEMA cjm_internal;
ALTER FUNCTION cjm.only_visits(cjm.journey,cjm.funnel,interval) RENAME TO only_visits_0_1_0;
ALTER FUNCTION cjm.only_visits_0_1_0(cjm.journey,cjm.funnel,interval) SET SCHEMA cjm_internal;
ALTER FUNCTION cjm.path_report(text,text,timestamp with time zone,timestamp with time zone,integer,boolean) RENAME TO path_report_0_1_0;
ALTER FUNCTION cjm.path_report_0_1_0(text,text,timestamp with time zone,timestamp with time zone,integer,boolean) SET SCHEMA cjm_internal;
ALTER FUNCTION cjm.purchase_report(text,text,timestamp with time zone,timestamp with time zone) RENAME TO purchase_report_0_1_0;
ALTER FUNCTION cjm.purchase_report_0_1_0(text,text,timestamp with time zone,timestamp with time zone) SET SCHEMA cjm_internal;
ALTER FUNCTION cjm.report(cjm.funnel_stats) RENAME TO report_0_1_0;
ALTER FUNCTION cjm.report_0_1_0(cjm.funnel_stats) SET SCHEMA cjm_internal;
ALTER FUNCTION cjm.retention_report(text,text,timestamp with time zone,timestamp with time zone,text) RENAME TO retention_report_0_1_0;
ALTER FUNCTION cjm.retention_report_0_1_0(text,text,timestamp with time zone,timestamp with time zone,text) SET SCHEMA cjm_internal;
ALTER FUNCTION cjm.retention_svg(text) RENAME TO retention_svg_0_1_0;
ALTER FUNCTION cjm.retention_svg_0_1_0(text) SET SCHEMA cjm_internal;
ALTER FUNCTION cjm.session_channel(cjm.journey,interval,timestamp with time zone) RENAME TO session_channel_0_1_0;
ALTER FUNCTION cjm.session_channel_0_1_0(cjm.journey,interval,timestamp with time zone) SET SCHEMA cjm_internal;
ALTER FUNCTION cjm.session_events(cjm.journey,interval) RENAME TO session_events_0_1_0;
ALTER FUNCTION cjm.session_events_0_1_0(cjm.journey,interval) SET SCHEMA cjm_internal;
ALTER FUNCTION cjm.session_groups(cjm.journey,interval,text,text,text,timestamp with time zone,timestamp with time zone) RENAME TO session_groups_0_1_0;
ALTER FUNCTION cjm.session_groups_0_1_0(cjm.journey,interval,text,text,text,timestamp with time zone,timestamp with time zone) SET SCHEMA cjm_internal;
ALTER FUNCTION cjm.session_report(text,text,text,timestamp with time zone,timestamp with time zone) RENAME TO session_report_0_1_0;
ALTER FUNCTION cjm.session_report_0_1_0(text,text,text,timestamp with time zone,timestamp with time zone) SET SCHEMA cjm_internal;
ALTER FUNCTION cjm.session_stats(cjm.journey,interval) RENAME TO session_stats_0_1_0;
ALTER FUNCTION cjm.session_stats_0_1_0(cjm.journey,interval) SET SCHEMA cjm_internal;
ALTER FUNCTION cjm.sessions(cjm.journey,interval) RENAME TO sessions_0_1_0;
ALTER FUNCTION cjm.sessions_0_1_0(cjm.journey,interval) SET SCHEMA cjm_internal;
ALTER FUNCTION cjm.stage_report(text,text,timestamp with time zone,timestamp with time zone) RENAME TO stage_report_0_1_0;
ALTER FUNCTION cjm.stage_report_0_1_0(text,text,timestamp with time zone,timestamp with time zone) SET SCHEMA cjm_internal;
ALTER FUNCTION cjm.touchpoint_report(text,text,timestamp with time zone,timestamp with time zone) RENAME TO touchpoint_report_0_1_0;
ALTER FUNCTION cjm.touchpoint_report_0_1_0(text,text,timestamp with time zone,timestamp with time zone) SET SCHEMA cjm_internal;
ALTER FUNCTION cjm.transition_report(text,text,timestamp with time zone,timestamp with time zone,integer,boolean) RENAME TO transition_report_0_1_0;
ALTER FUNCTION cjm.transition_report_0_1_0(text,text,timestamp with time zone,timestamp with time zone,integer,boolean) SET SCHEMA cjm_internal;
ALTER FUNCTION cjm.transitions(cjm.journey,text,integer,boolean) RENAME TO transitions_0_1_0;
ALTER FUNCTION cjm.transitions_0_1_0(cjm.journey,text,integer,boolean) SET SCHEMA cjm_internal;
ALTER FUNCTION cjm.weakest_step(text,text,timestamp with time zone,timestamp with time zone,double precision) RENAME TO weakest_step_0_1_0;
ALTER FUNCTION cjm.weakest_step_0_1_0(text,text,timestamp with time zone,timestamp with time zone,double precision) SET SCHEMA cjm_internal;
ALTER FUNCTION cjm.what_if(text,jsonb,timestamp with time zone,timestamp with time zone) RENAME TO what_if_0_1_0;
ALTER FUNCTION cjm.what_if_0_1_0(text,jsonb,timestamp with time zone,timestamp with time zone) SET SCHEMA cjm_internal;
ALTER FUNCTION cjm.win_back_report(text,timestamp with time zone,timestamp with time zone,interval) RENAME TO win_back_report_0_1_0;
ALTER FUNCTION cjm.win_back_report_0_1_0(text,timestamp with time zone,timestamp with time zone,interval) SET SCHEMA cjm_internal;
ALTER FUNCTION cjm.create_map(text,regclass,text,text,text,cjm.funnel,text,text,text,text,text,interval,text,text,regclass,text,text,text,text,boolean,boolean,cjm.funnel,cjm.funnel,cjm.funnel,text,text,boolean) RENAME TO create_map_0_1_0;
ALTER FUNCTION cjm_internal.chart_label(text,integer,boolean) RENAME TO chart_label_0_1_0;
ALTER FUNCTION cjm_internal.draw_count(bigint) RENAME TO draw_count_0_1_0;
ALTER FUNCTION cjm_internal.draw_points(double precision) RENAME TO draw_points_0_1_0;
ALTER FUNCTION cjm_internal.draw_rate(double precision) RENAME TO draw_rate_0_1_0;
ALTER FUNCTION cjm_internal.draw_short(bigint) RENAME TO draw_short_0_1_0;
ALTER FUNCTION cjm_internal.draw_time(double precision) RENAME TO draw_time_0_1_0;
ALTER FUNCTION cjm_internal.funnel_agg_step(cjm.funnel_stats,cjm.journey,cjm.funnel) RENAME TO funnel_agg_step_0_1_0;
ALTER FUNCTION cjm_internal.funnel_agg_step(cjm.funnel_stats,cjm.journey,cjm.funnel,tstzrange) RENAME TO funnel_agg_step_0_1_0;
ALTER FUNCTION cjm_internal.funnel_description(cjm_internal.funnel_drawn_step[]) RENAME TO funnel_description_0_1_0;
ALTER FUNCTION cjm_internal.funnel_drawn_steps(cjm_internal.map) RENAME TO funnel_drawn_steps_0_1_0;
ALTER FUNCTION cjm_internal.funnel_summary(cjm_internal.funnel_drawn_step[]) RENAME TO funnel_summary_0_1_0;
ALTER FUNCTION cjm_internal.funnel_svg_drawn(cjm_internal.funnel_drawn_step[],text) RENAME TO funnel_svg_drawn_0_1_0;
ALTER FUNCTION cjm_internal.heat_cell(double precision,double precision,double precision,double precision,double precision,double precision,bigint,boolean,text) RENAME TO heat_cell_0_1_0;
ALTER FUNCTION cjm_internal.kept_grouped_sql(cjm_internal.map,text) RENAME TO kept_grouped_sql_0_1_0;
ALTER FUNCTION cjm_internal.map_bounce_sql(cjm_internal.map) RENAME TO map_bounce_sql_0_1_0;
ALTER FUNCTION cjm_internal.map_build(text,regclass,text,text,text,cjm.funnel,text,text,text,text,text,interval,text,text,regclass,text,text,text,text,boolean,boolean,cjm.funnel,cjm.funnel,cjm.funnel,text,text,boolean) RENAME TO map_build_0_1_0;
ALTER FUNCTION cjm_internal.map_channels_sql(cjm_internal.map,text,text,text,text,text,boolean,boolean) RENAME TO map_channels_sql_0_1_0;
ALTER FUNCTION cjm_internal.map_feedback_sql(cjm_internal.map) RENAME TO map_feedback_sql_0_1_0;
ALTER FUNCTION cjm_internal.map_first_seen_sql(boolean) RENAME TO map_first_seen_sql_0_1_0;
ALTER FUNCTION cjm_internal.map_funnel_sql(cjm_internal.map,text,text,text,boolean) RENAME TO map_funnel_sql_0_1_0;
ALTER FUNCTION cjm_internal.map_of(text) RENAME TO map_of_0_1_0;
ALTER FUNCTION cjm_internal.map_paths_sql(cjm_internal.map,text,integer,boolean,boolean) RENAME TO map_paths_sql_0_1_0;
ALTER FUNCTION cjm_internal.map_retention_sql(cjm_internal.map,text,text,boolean) RENAME TO map_retention_sql_0_1_0;
ALTER FUNCTION cjm_internal.map_split(text,text[]) RENAME TO map_split_0_1_0;
ALTER FUNCTION cjm_internal.map_step_of(cjm_internal.map,text) RENAME TO map_step_of_0_1_0;
ALTER FUNCTION cjm_internal.map_svg_drawn(cjm_internal.funnel_drawn_step[],cjm_internal.map_drawn_touch[],integer,text) RENAME TO map_svg_drawn_0_1_0;
ALTER FUNCTION cjm_internal.map_touchpoints_sql(cjm_internal.map,text,text,boolean) RENAME TO map_touchpoints_sql_0_1_0;
ALTER FUNCTION cjm_internal.map_transitions_sql(cjm_internal.map,text,text,integer,boolean,boolean) RENAME TO map_transitions_sql_0_1_0;
ALTER FUNCTION cjm_internal.median_combine(internal,internal) RENAME TO median_combine_0_1_0;
ALTER FUNCTION cjm_internal.median_final(internal) RENAME TO median_final_0_1_0;
ALTER FUNCTION cjm_internal.median_step(internal,double precision) RENAME TO median_step_0_1_0;
ALTER FUNCTION cjm_internal.retention_svg_drawn(cjm_internal.retention_drawn_cell[],text) RENAME TO retention_svg_drawn_0_1_0;
ALTER FUNCTION cjm_internal.rule_attribution_combine(internal,internal) RENAME TO rule_attribution_combine_0_1_0;
ALTER FUNCTION cjm_internal.rule_attribution_final(internal) RENAME TO rule_attribution_final_0_1_0;
ALTER FUNCTION cjm_internal.rule_attribution_step(internal,cjm.journey,cjm.funnel) RENAME TO rule_attribution_step_0_1_0;
ALTER FUNCTION cjm_internal.rule_attribution_step(internal,cjm.journey,cjm.funnel,text[],interval,text,interval,interval,double precision[],text[],boolean,timestamp with time zone,timestamp with time zone) RENAME TO rule_attribution_step_0_1_0;
ALTER FUNCTION cjm_internal.svg_heading(double precision,double precision,text,text) RENAME TO svg_heading_0_1_0;
ALTER FUNCTION cjm_internal.svg_lines(text,double precision,integer) RENAME TO svg_lines_0_1_0;
ALTER FUNCTION cjm_internal.svg_page(text,double precision,double precision,text,text,text) RENAME TO svg_page_0_1_0;
ALTER FUNCTION cjm_internal.svg_rate(double precision) RENAME TO svg_rate_0_1_0;
ALTER FUNCTION cjm_internal.svg_style() RENAME TO svg_style_0_1_0;

ALTER TYPE cjm.session ADD ATTRIBUTE session text CASCADE;

ALTER TYPE cjm.touchpoint ADD ATTRIBUTE session text CASCADE;

ALTER TYPE cjm_internal.map ADD ATTRIBUTE dimensions jsonb CASCADE, ADD ATTRIBUTE session_rule text CASCADE, ADD ATTRIBUTE session text CASCADE, ADD ATTRIBUTE comment text CASCADE, ADD ATTRIBUTE where_is jsonb CASCADE, ADD ATTRIBUTE groups text[] CASCADE;

CREATE TYPE cjm_internal.aggregate_state;

CREATE FUNCTION cjm_internal.aggregate_state_in(input cstring) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;

COMMENT ON FUNCTION cjm_internal.aggregate_state_in(cstring) IS 'input of type aggregate_state';

CREATE FUNCTION cjm_internal.aggregate_state_out(value cjm_internal.aggregate_state) RETURNS cstring
	AS 'MODULE_PATHNAME'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;

COMMENT ON FUNCTION cjm_internal.aggregate_state_out(cjm_internal.aggregate_state) IS 'output of type aggregate_state: its bytes, coded to be short';

CREATE FUNCTION cjm_internal.aggregate_state_recv(input internal) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;

COMMENT ON FUNCTION cjm_internal.aggregate_state_recv(internal) IS 'binary input of type aggregate_state';

CREATE FUNCTION cjm_internal.aggregate_state_send(value cjm_internal.aggregate_state) RETURNS bytea
	AS 'MODULE_PATHNAME'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;

COMMENT ON FUNCTION cjm_internal.aggregate_state_send(cjm_internal.aggregate_state) IS 'binary output of type aggregate_state';

CREATE TYPE cjm_internal.aggregate_state (
	INPUT = cjm_internal.aggregate_state_in,
	OUTPUT = cjm_internal.aggregate_state_out,
	RECEIVE = cjm_internal.aggregate_state_recv,
	SEND = cjm_internal.aggregate_state_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = extended
);

COMMENT ON TYPE cjm_internal.aggregate_state IS 'the state of an aggregate on its way to where it is combined with others; each aggregate reads its own alone';

CREATE FUNCTION cjm_internal.median_step(state cjm_internal.aggregate_state, value float8) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;

COMMENT ON FUNCTION cjm_internal.median_step(cjm_internal.aggregate_state, float8) IS 'state with one more value; transition function of median';

CREATE FUNCTION cjm_internal.median_combine(a cjm_internal.aggregate_state, b cjm_internal.aggregate_state) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;

COMMENT ON FUNCTION cjm_internal.median_combine(cjm_internal.aggregate_state, cjm_internal.aggregate_state) IS 'the values of two states; combine function of median';

CREATE FUNCTION cjm_internal.median_final(state cjm_internal.aggregate_state) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;

COMMENT ON FUNCTION cjm_internal.median_final(cjm_internal.aggregate_state) IS 'the median of the values of a state; final function of median';

CREATE OR REPLACE AGGREGATE cjm.median(value float8) (
	SFUNC = cjm_internal.median_step,
	STYPE = cjm_internal.aggregate_state,
	SSPACE = 1024,
	FINALFUNC = cjm_internal.median_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.median_combine,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE cjm.median(float8) IS
	'the value that half of the values do not exceed, the lower one of an even number: percentile_disc(0.5), in parallel; eight bytes a value, within work_mem x hash_mem_multiplier and then on disk; between servers counts by value; NULL for no values';

CREATE FUNCTION cjm_internal.values_apart_step(state cjm_internal.aggregate_state, value float8) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;

COMMENT ON FUNCTION cjm_internal.values_apart_step(cjm_internal.aggregate_state, float8) IS 'state with one more number; transition function of values_apart';

CREATE FUNCTION cjm_internal.times_apart_step(state cjm_internal.aggregate_state, at timestamptz) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;

COMMENT ON FUNCTION cjm_internal.times_apart_step(cjm_internal.aggregate_state, timestamptz) IS 'state with one more time; transition function of late_median_apart';

CREATE FUNCTION cjm_internal.values_apart_combine(a cjm_internal.aggregate_state, b cjm_internal.aggregate_state) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;

COMMENT ON FUNCTION cjm_internal.values_apart_combine(cjm_internal.aggregate_state, cjm_internal.aggregate_state) IS 'the values of two states of values_apart, or of times';

CREATE FUNCTION cjm_internal.times_apart_late_median(state cjm_internal.aggregate_state) RETURNS timestamptz
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;

COMMENT ON FUNCTION cjm_internal.times_apart_late_median(cjm_internal.aggregate_state) IS 'the median of the times of a state, the later one of an even number; final function of late_median_apart';

CREATE AGGREGATE cjm_internal.late_median_apart(at timestamptz) (
	SFUNC = cjm_internal.times_apart_step,
	STYPE = cjm_internal.aggregate_state,
	SSPACE = 1024,
	FINALFUNC = cjm_internal.times_apart_late_median,
	COMBINEFUNC = cjm_internal.values_apart_combine,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE cjm_internal.late_median_apart(timestamptz) IS 'percentile_disc(0.5) of times from the last one on, by counts of values in memory';

CREATE AGGREGATE cjm_internal.times_apart(at timestamptz) (
	SFUNC = cjm_internal.times_apart_step,
	STYPE = cjm_internal.aggregate_state,
	SSPACE = 1024,
	COMBINEFUNC = cjm_internal.values_apart_combine,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE cjm_internal.times_apart(timestamptz) IS 'how often each time came, for late_median_of';

CREATE AGGREGATE cjm_internal.late_median_of(times cjm_internal.aggregate_state) (
	SFUNC = cjm_internal.values_apart_combine,
	STYPE = cjm_internal.aggregate_state,
	SSPACE = 1024,
	FINALFUNC = cjm_internal.times_apart_late_median,
	COMBINEFUNC = cjm_internal.values_apart_combine,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE cjm_internal.late_median_of(cjm_internal.aggregate_state) IS 'late_median_apart of the times that several states of times_apart have counted';

CREATE AGGREGATE cjm_internal.values_apart(value float8) (
	SFUNC = cjm_internal.values_apart_step,
	STYPE = cjm_internal.aggregate_state,
	SSPACE = 1024,
	COMBINEFUNC = cjm_internal.values_apart_combine,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE cjm_internal.values_apart(float8) IS 'how often each number came; values_counted reads them';

CREATE FUNCTION cjm_internal.values_counted(state cjm_internal.aggregate_state) RETURNS TABLE (value float8, count bigint)
	AS 'MODULE_PATHNAME'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 100;

COMMENT ON FUNCTION cjm_internal.values_counted(cjm_internal.aggregate_state) IS 'each number of a state of values_apart and how often it came, in order';

CREATE FUNCTION cjm_internal.student_95(degrees bigint) RETURNS float8
	AS 'MODULE_PATHNAME', 'spread_student_95'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;

COMMENT ON FUNCTION cjm_internal.student_95(bigint) IS '95 % of Student''s t distribution lie within +- this';

CREATE FUNCTION cjm_internal.student_p_value(t float8, degrees bigint) RETURNS float8
	AS 'MODULE_PATHNAME', 'spread_student_p_value'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;

COMMENT ON FUNCTION cjm_internal.student_p_value(float8, bigint) IS 'how likely +- t or more is in Student''s t distribution, two-sided; NULL of NaN';

CREATE FUNCTION cjm_internal.periods_compared(
	kind text,
	is_now boolean[],
	n bigint[],
	"values" float8[],
	lows float8[],
	highs float8[],
	target float8,
	OUT value float8,
	OUT usual float8,
	OUT usual_low float8,
	OUT usual_high float8,
	OUT difference float8,
	OUT difference_low float8,
	OUT difference_high float8,
	OUT p_value float8,
	OUT p_below float8,
	OUT p_above float8)
	AS 'MODULE_PATHNAME', 'spread_periods_compared'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20;

COMMENT ON FUNCTION cjm_internal.periods_compared(text, boolean[], bigint[], float8[], float8[], float8[], float8) IS
'whether a figure of some periods (is_now) differs from that of others by more than periods do.
kind: rate, count, amount, time, money or score; n, values, lows, highs: of each period, as metric_report has them
value, usual: of these, and of the others; usual_low, usual_high: where the value lies with 95 % if nothing but chance makes it differ; difference and its 95 % interval
p_value: two-sided, Student''s t, by the spread of the periods, and never less than that of their counts; p_below, p_above: one-sided, that the value is below or above target by chance
NULL, but for value, usual and difference, of fewer than three periods to tell the spread by, and of too few customers';

CREATE FUNCTION cjm_internal.clustered_rate(customers bigint, hits bigint, n bigint, hits_hits float8, hits_n float8, n_n float8, OUT low float8, OUT high float8)
	AS 'MODULE_PATHNAME', 'clustered_rate'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;

COMMENT ON FUNCTION cjm_internal.clustered_rate(bigint, bigint, bigint, float8, float8, float8) IS
'the 95 % interval of hits / n, where each customer has hits and n of their own: Wilson''s of as many independent ones as are off as far as the ratio of their sums; hits_hits, hits_n, n_n: sums of products over customers; NULL of nobody';

CREATE FUNCTION cjm_internal.clustered_total(total float8, squares float8, size float8, size_squares float8, negative boolean, OUT low float8, OUT high float8)
	AS 'MODULE_PATHNAME', 'clustered_total'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;

COMMENT ON FUNCTION cjm_internal.clustered_total(float8, float8, float8, float8, boolean) IS
'the 95 % interval of a sum over customers who come independently of each other: compound Poisson; squares: the sum of the squares of what they add; size, size_squares: the same of what is as large without being negative; negative: whether some add what is below 0. NULL where there is nothing';

CREATE FUNCTION cjm_internal.journey_state_add(state cjm_internal.aggregate_state, journey cjm.journey) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;

COMMENT ON FUNCTION cjm_internal.journey_state_add(cjm_internal.aggregate_state, cjm.journey) IS
	'state with the touchpoints of one more journey; transition function of rollup';

CREATE FUNCTION cjm_internal.journey_state_combine(a cjm_internal.aggregate_state, b cjm_internal.aggregate_state) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;

COMMENT ON FUNCTION cjm_internal.journey_state_combine(cjm_internal.aggregate_state, cjm_internal.aggregate_state) IS
	'the touchpoints of two states; combine function of rollup';

CREATE FUNCTION cjm_internal.journey_state_final(state cjm_internal.aggregate_state) RETURNS cjm.journey
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;

COMMENT ON FUNCTION cjm_internal.journey_state_final(cjm_internal.aggregate_state) IS 'the journey that a state is; final function of rollup';

CREATE OR REPLACE AGGREGATE cjm.rollup(cjm.journey) (
	SFUNC = cjm_internal.journey_state_add,
	STYPE = cjm_internal.aggregate_state,
	COMBINEFUNC = cjm_internal.journey_state_combine,
	FINALFUNC = cjm_internal.journey_state_final,
	SSPACE = 512,
	PARALLEL = SAFE
);

COMMENT ON FUNCTION cjm.journey_to_jsonb(cjm.journey) IS
	'array of {"at", "event", "channel", "value", "session"}, one element a touchpoint; the function behind the cast';

COMMENT ON FUNCTION cjm.journey_from_jsonb(jsonb) IS
	'journey from an array of {"at", "event", "channel", "value", "session"}; the function behind the cast';

COMMENT ON CAST (cjm.journey AS jsonb) IS 'array of {"at", "event", "channel", "value", "session"}';

COMMENT ON CAST (jsonb AS cjm.journey) IS 'journey from an array of {"at", "event", "channel", "value", "session"}';

CREATE FUNCTION cjm_internal.journey_agg_step(internal, at timestamptz, event text, channel text, value float8, session text) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;

COMMENT ON FUNCTION cjm_internal.journey_agg_step(internal, timestamptz, text, text, float8, text) IS 'transition function of journey_agg with channels, values and sessions';

CREATE AGGREGATE cjm.journey_agg(at timestamptz, event text, channel text, value float8, session text) (
	SFUNC = cjm_internal.journey_agg_step,
	STYPE = internal,
	SSPACE = 200,
	FINALFUNC = cjm_internal.journey_agg_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.journey_agg_combine,
	SERIALFUNC = cjm_internal.journey_agg_serialize,
	DESERIALFUNC = cjm_internal.journey_agg_deserialize,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE cjm.journey_agg(timestamptz, text, text, float8, text) IS
	'the journey of the rows with channels, values and sessions that were given, a text for all touchpoints of one, NULL for those that gaps divide; rows without a time or an event are ignored; NULL for no rows';

CREATE FUNCTION cjm_internal.journey_agg_step(internal, at timestamptz, event anyenum, channel text, value float8, session text) RETURNS internal
	AS 'MODULE_PATHNAME', 'journey_agg_step_enum' LANGUAGE C STABLE PARALLEL SAFE COST 10;

COMMENT ON FUNCTION cjm_internal.journey_agg_step(internal, timestamptz, anyenum, text, float8, text) IS 'transition function of journey_agg of an enum''s stages with channels, values and sessions';

CREATE AGGREGATE cjm.journey_agg(at timestamptz, event anyenum, channel text, value float8, session text) (
	SFUNC = cjm_internal.journey_agg_step,
	STYPE = internal,
	SSPACE = 200,
	FINALFUNC = cjm_internal.journey_agg_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.journey_agg_combine,
	SERIALFUNC = cjm_internal.journey_agg_serialize,
	DESERIALFUNC = cjm_internal.journey_agg_deserialize,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE cjm.journey_agg(timestamptz, anyenum, text, float8, text) IS
	'the journey of the rows of an enum''s stages with channels, values and sessions that were given, a text for all touchpoints of one, NULL for those that gaps divide; rows without a time or an event are ignored; NULL for no rows';

COMMENT ON TYPE cjm.touchpoint IS
	'one event of one customer at one time, perhaps through a channel, perhaps with a value, perhaps in a session of its own';

COMMENT ON COLUMN cjm.touchpoint.session IS 'the session that it names, or NULL';

CREATE FUNCTION cjm_internal.first_at(journey cjm.journey) RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'journey_first_at'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2;

COMMENT ON FUNCTION cjm_internal.first_at(cjm.journey) IS 'the time of the first touchpoint, NULL if the journey is empty';

CREATE FUNCTION cjm_internal.last_at(journey cjm.journey) RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'journey_last_at'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4;

COMMENT ON FUNCTION cjm_internal.last_at(cjm.journey) IS 'the time of the last touchpoint, NULL if the journey is empty';

CREATE FUNCTION cjm.only_events(journey cjm.journey, events text[]) RETURNS cjm.journey
	AS 'MODULE_PATHNAME', 'journey_only_events'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;

COMMENT ON FUNCTION cjm.only_events(cjm.journey, text[]) IS
	'the touchpoints of these events and no others';

COMMENT ON TYPE cjm.session IS 'touchpoints of one customer with no gap longer than the timeout, and where that is asked for of one channel or of one day';

COMMENT ON COLUMN cjm.session.session IS 'the session as its touchpoints have it, NULL where a gap or a rule made it one';

CREATE FUNCTION cjm.sessions(journey cjm.journey, gap interval DEFAULT '30 minutes', rule text DEFAULT NULL, time_zone text DEFAULT NULL) RETURNS SETOF cjm.session
	AS 'MODULE_PATHNAME', 'journey_sessions'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 ROWS 5;

COMMENT ON FUNCTION cjm.sessions(cjm.journey, interval, text, text) IS
'the sessions of a journey: a gap longer than the given one begins the next session, exactly the given one does not.
rule: NULL for gaps alone; channel: a touchpoint through another channel than the last known one of the session begins the next session, too; day: the first one of a day does; channel | day: both
Touchpoints with a session of their own (journey_agg) are in that one, whatever lies between them, and gap and rule are about the others; sessions are numbered as they begin
time_zone: where days begin';

CREATE FUNCTION cjm.session_journeys(journey cjm.journey, gap interval DEFAULT '30 minutes', rule text DEFAULT NULL, time_zone text DEFAULT NULL) RETURNS SETOF cjm.journey
	AS 'MODULE_PATHNAME', 'journey_session_journeys'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 ROWS 5;

COMMENT ON FUNCTION cjm.session_journeys(cjm.journey, interval, text, text) IS
	'the sessions of a journey as journeys, in time order: all touchpoints of each, while slice(journey, started_at, ended_at) leaves out the last; arguments as of sessions';

CREATE FUNCTION cjm.session_stats(
	journey cjm.journey,
	gap interval DEFAULT '30 minutes',
	rule text DEFAULT NULL,
	time_zone text DEFAULT NULL,
	OUT session_count bigint,
	OUT bounce_count bigint,
	OUT bounce_rate float8,
	OUT touch_count bigint,
	OUT total_time interval,
	OUT mean_time interval,
	OUT longest_time interval)
	AS 'MODULE_PATHNAME', 'journey_session_stats'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;

COMMENT ON FUNCTION cjm.session_stats(cjm.journey, interval, text, text) IS
	'sessions of a journey in one row: how many, how many of one touchpoint only, time in them; arguments as of sessions';

CREATE FUNCTION cjm.session_events(journey cjm.journey, gap interval DEFAULT '30 minutes', rule text DEFAULT NULL, time_zone text DEFAULT NULL)
	RETURNS TABLE (
		session_number bigint,
		event text,
		channel text,
		is_entry boolean,
		is_exit boolean,
		started_at timestamptz,
		ended_at timestamptz,
		touch_count bigint,
		seconds float8,
		bounced boolean)
	AS 'MODULE_PATHNAME', 'journey_session_events'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 ROWS 10;

COMMENT ON FUNCTION cjm.session_events(cjm.journey, interval, text, text) IS
	'a row for each event of each session, whether the session began and ended with it, and what the session was: channel, times, number of touchpoints, length in seconds, bounce; arguments as of sessions';

CREATE FUNCTION cjm.session_groups(
	journey cjm.journey,
	gap interval DEFAULT '30 minutes',
	by text DEFAULT NULL,
	bucket text DEFAULT NULL,
	time_zone text DEFAULT current_setting('TimeZone'),
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	rule text DEFAULT NULL)
	RETURNS TABLE (
		label text,
		bucket_start timestamptz,
		is_first boolean,
		session_number bigint,
		touch_count bigint,
		seconds float8,
		value float8,
		bounced boolean,
		gross_value float8)
	AS 'MODULE_PATHNAME', 'journey_session_groups'
	LANGUAGE C STABLE PARALLEL SAFE COST 100 ROWS 5;

COMMENT ON FUNCTION cjm.session_groups(cjm.journey, interval, text, text, text, timestamptz, timestamptz, text) IS
'a row for each session that began from from_time, included, to to_time, excluded, with what a report counts of it.
label: its channel, entry_event, exit_event or visitor (new in the first session, then returning), as by says; bucket_start: the hour, day, week, month, quarter or year that it began in
is_first: whether it is the first with that label in that bucket, so that customers are counted without asking who they are
session_number, touch_count, seconds, value, bounced, gross_value, and rule: as of sessions; time_zone: where days and longer periods begin';

CREATE FUNCTION cjm.session_channel(journey cjm.journey, gap interval, at timestamptz, rule text DEFAULT NULL, time_zone text DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME', 'journey_session_channel'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 30;

COMMENT ON FUNCTION cjm.session_channel(cjm.journey, interval, timestamptz, text, text) IS
	'the channel of the session that a moment lies in: that of its first touchpoint that has one, or NULL, as where the moment lies in none; of two that meet in it the first, of given ones the first that has a touchpoint at it; rule and time_zone as of sessions';

CREATE FUNCTION cjm.transitions(
	journey cjm.journey,
	by text DEFAULT 'event',
	depth integer DEFAULT 16777216,
	repeats boolean DEFAULT true,
	gap interval DEFAULT NULL,
	rule text DEFAULT NULL,
	time_zone text DEFAULT NULL)
	RETURNS TABLE ("position" integer, source text, target text, occurrence bigint, seconds float8)
	AS 'MODULE_PATHNAME', 'journey_transitions'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 ROWS 10;

COMMENT ON FUNCTION cjm.transitions(cjm.journey, text, integer, boolean, interval, text, text) IS
'a row for each event (by: event) or channel (by: channel) on the path of a journey, and what came next.
position: from 1, less than depth; source, target: the event and the one after it, NULL where the journey ends
occurrence: how often this pair has been met in the journey so far, this time included; seconds: from source to target
repeats: false for the same several times running to count as one, from the first of them on
gap: what is longer ends a session, and each session is a path of its own; rule, time_zone: what else ends one, as of sessions; gap and rule NULL for one path of the whole journey';

CREATE FUNCTION cjm.paths(
	journey cjm.journey,
	by text DEFAULT 'event',
	depth integer DEFAULT 16777216,
	repeats boolean DEFAULT true,
	gap interval DEFAULT NULL,
	length integer DEFAULT NULL,
	after text DEFAULT NULL,
	before text DEFAULT NULL,
	rule text DEFAULT NULL,
	time_zone text DEFAULT NULL)
	RETURNS TABLE (nodes text[], occurrence bigint, seconds float8)
	AS 'MODULE_PATHNAME', 'journey_paths'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 ROWS 3;

COMMENT ON FUNCTION cjm.paths(cjm.journey, text, integer, boolean, interval, integer, text, text, text, text) IS
'the paths of a journey by event or channel: one, or one of each session.
depth: how many places at most; repeats: false for the same several times running to be there once; gap: what is longer ends a session, and each is a path of its own; rule, time_zone: what else ends one, as of sessions
after: the path begins where this event (or channel) is first met, and there is none without it; before: it ends there, so that its last places are those before it
length: all sequences of so many places, wherever they stand (in what after and before leave), instead of one path
occurrence: how often this path has been met in the journey so far, this time included; seconds: from its first place to its last';

CREATE TYPE cjm.walk AS (
	walk_number bigint,
	step integer,
	started_at timestamptz,
	ended_at timestamptz,
	times timestamptz[],
	converted boolean,
	touchpoints cjm.touchpoint[]
);

COMMENT ON TYPE cjm.walk IS 'one of the walks of a customer in a funnel, which share no touchpoint';

COMMENT ON COLUMN cjm.walk.walk_number IS 'number of the walk in its journey, from 1, in time order';

COMMENT ON COLUMN cjm.walk.step IS 'how far it came';

COMMENT ON COLUMN cjm.walk.started_at IS 'time of its first touchpoint';

COMMENT ON COLUMN cjm.walk.ended_at IS 'time of its last touchpoint';

COMMENT ON COLUMN cjm.walk.times IS 'its time at each stage, NULL where it did not pass';

COMMENT ON COLUMN cjm.walk.converted IS 'whether it reached the last mandatory stage';

COMMENT ON COLUMN cjm.walk.touchpoints IS 'the touchpoint that it took at each stage, NULL where it did not pass';

CREATE FUNCTION cjm.walks(journey cjm.journey, funnel cjm.funnel, entered tstzrange DEFAULT '(,)'::tstzrange) RETURNS SETOF cjm.walk
	AS 'MODULE_PATHNAME', 'journey_walks'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 3;

COMMENT ON FUNCTION cjm.walks(cjm.journey, cjm.funnel, tstzrange) IS
'the tries of a customer, in time order: the winning walk, and then the same again among the touchpoints before its first time and among those at or after its last that it did not take.
entered: where walks may begin';

CREATE FUNCTION cjm.funnel_touchpoints(journey cjm.journey, funnel cjm.funnel, entered tstzrange DEFAULT '(,)'::tstzrange) RETURNS cjm.touchpoint[]
	AS 'MODULE_PATHNAME', 'journey_funnel_touchpoints'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;

COMMENT ON FUNCTION cjm.funnel_touchpoints(cjm.journey, cjm.funnel, tstzrange) IS
'the touchpoint that the winning walk took at each stage, NULL for a stage that it did not pass; their times are funnel_times.
Where several of one time match, stage by stage the first one, by event, channel and value, that leaves a walk of these times possible; of an unordered funnel at each step the first one that adds a stage.
entered: where walks may begin';

CREATE FUNCTION cjm_internal.latest_walk(journey cjm.journey, funnel cjm.funnel, OUT step integer, OUT ended_at timestamptz)
	AS 'MODULE_PATHNAME', 'journey_latest_walk'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;

COMMENT ON FUNCTION cjm_internal.latest_walk(cjm.journey, cjm.funnel) IS 'the last of walks(journey, funnel): how far it came, and when; NULL if there is none';

CREATE FUNCTION cjm_internal.step_values_agg_step(state bytea, journey cjm.journey, funnel cjm.funnel, entered tstzrange, every_walk boolean) RETURNS bytea
	AS 'MODULE_PATHNAME'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;

COMMENT ON FUNCTION cjm_internal.step_values_agg_step(bytea, cjm.journey, cjm.funnel, tstzrange, boolean) IS 'values with those of one more customer; transition function of step_values_agg';

CREATE FUNCTION cjm_internal.step_values_agg_combine(state bytea, other bytea) RETURNS bytea
	AS 'MODULE_PATHNAME'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;

COMMENT ON FUNCTION cjm_internal.step_values_agg_combine(bytea, bytea) IS 'the values of both; combine function of step_values_agg';

CREATE AGGREGATE cjm_internal.step_values_agg(cjm.journey, cjm.funnel, entered tstzrange, every_walk boolean) (
	SFUNC = cjm_internal.step_values_agg_step,
	STYPE = bytea,
	SSPACE = 512,
	COMBINEFUNC = cjm_internal.step_values_agg_combine,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE cjm_internal.step_values_agg(cjm.journey, cjm.funnel, tstzrange, boolean) IS
	'the values of the touchpoints that the winning walks of customers took at each step (funnel_touchpoints), or all of their walks (walks); step_values reads them';

CREATE FUNCTION cjm_internal.step_values(sums bytea) RETURNS TABLE (step integer, value numeric, valued bigint)
	AS 'MODULE_PATHNAME'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 5;

COMMENT ON FUNCTION cjm_internal.step_values(bytea) IS 'of each step at which something has a value: the sum, and of how many touchpoints; what is not finite, or 1e18 and more, is no value';

CREATE AGGREGATE cjm_internal.funnel_open_rollup(bigint[]) (
	SFUNC = cjm_internal.funnel_open_agg_combine,
	STYPE = bigint[],
	SSPACE = 128,
	COMBINEFUNC = cjm_internal.funnel_open_agg_combine,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE cjm_internal.funnel_open_rollup(bigint[]) IS 'counts of open customers of several groups, added up; NULL where nobody is';

CREATE FUNCTION cjm_internal.stage_since(journey cjm.journey, funnel cjm.funnel, step integer, from_time timestamptz, quiet_since timestamptz) RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'journey_stage_since'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 15;

COMMENT ON FUNCTION cjm_internal.stage_since(cjm.journey, cjm.funnel, integer, timestamptz, timestamptz) IS
'the latest time at which a walk ended with the step; NULL if it is before from_time, if there is none, and if anything was done after quiet_since';

CREATE FUNCTION cjm_internal.stage_since(journey cjm.journey, funnel cjm.funnel, step integer, from_time timestamptz, quiet_since timestamptz, not_after cjm.funnel) RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'journey_stage_since'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 15;

COMMENT ON FUNCTION cjm_internal.stage_since(cjm.journey, cjm.funnel, integer, timestamptz, timestamptz, cjm.funnel) IS
'the same; NULL, too, if something was done since that a funnel of one stage lists: at the same time, too, but for touchpoints of the step itself';

CREATE FUNCTION cjm_internal.funnel_asks_channel(funnel cjm.funnel) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;

COMMENT ON FUNCTION cjm_internal.funnel_asks_channel(cjm.funnel) IS 'whether a funnel asks for channels, by name or by a variable';

CREATE FUNCTION cjm.only_visits(journey cjm.journey, visit cjm.funnel, gap interval DEFAULT '30 minutes', rule text DEFAULT NULL, time_zone text DEFAULT NULL) RETURNS cjm.journey
	AS 'MODULE_PATHNAME', 'journey_only_visits'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;

COMMENT ON FUNCTION cjm.only_visits(cjm.journey, cjm.funnel, interval, text, text) IS
'the journey without what is no part of a visit: its sessions are the visits.
visit: the events that are a visit, a funnel of one stage, such as ''visit | view''; gap: what is longer ends a session; rule, time_zone: what else ends one, as of sessions, by the channels of visits alone
Each session begins with its first touchpoint of these, or at its time; what comes before that is left out, what comes after it stays, without its channel unless it is one of them';

CREATE FUNCTION cjm_internal.cohort_agg_step(cohorts cjm_internal.aggregate_state, journey cjm.journey, from_time timestamptz, to_time timestamptz,
	period text, time_zone text, week_starts text, brackets integer[], kind text, starts cjm.funnel, every_start boolean,
	returns cjm.funnel, at_least integer, purchase cjm.funnel, refunds cjm.funnel) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME'
	LANGUAGE C STABLE PARALLEL SAFE COST 20;

COMMENT ON FUNCTION cjm_internal.cohort_agg_step(cjm_internal.aggregate_state, cjm.journey, timestamptz, timestamptz, text, text, text, integer[], text, cjm.funnel, boolean, cjm.funnel, integer, cjm.funnel, cjm.funnel) IS
	'counts of cohorts with one more customer; transition function of cohort_agg';

CREATE FUNCTION cjm_internal.cohort_agg_combine(cohorts cjm_internal.aggregate_state, more cjm_internal.aggregate_state) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20;

COMMENT ON FUNCTION cjm_internal.cohort_agg_combine(cjm_internal.aggregate_state, cjm_internal.aggregate_state) IS
	'counts of cohorts, added up; combine function of cohort_agg and lifecycle_agg';

CREATE FUNCTION cjm_internal.cohort_agg_final(cohorts cjm_internal.aggregate_state) RETURNS bytea
	AS 'MODULE_PATHNAME'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;

COMMENT ON FUNCTION cjm_internal.cohort_agg_final(cjm_internal.aggregate_state) IS
	'counts of cohorts in the one form that equal counts have; final function of cohort_agg and lifecycle_agg';

CREATE AGGREGATE cjm_internal.cohort_agg(journey cjm.journey, from_time timestamptz, to_time timestamptz,
	period text, time_zone text, week_starts text, brackets integer[], kind text, starts cjm.funnel, every_start boolean,
	returns cjm.funnel, at_least integer, purchase cjm.funnel, refunds cjm.funnel) (
	SFUNC = cjm_internal.cohort_agg_step,
	STYPE = cjm_internal.aggregate_state,
	SSPACE = 256,
	FINALFUNC = cjm_internal.cohort_agg_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.cohort_agg_combine,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE cjm_internal.cohort_agg(cjm.journey, timestamptz, timestamptz, text, text, text, integer[], text, cjm.funnel, boolean, cjm.funnel, integer, cjm.funnel, cjm.funnel) IS
'customers by the period in which they started, from from_time to to_time, and how many of them came back in which period after, for cohort_cells.
starts, returns: funnels whose completions are starts and returns, NULL for any touchpoint; every_start: cohorts of all periods in which a customer started; at_least: returns; purchase, refunds: what money is, NULL for none';

CREATE FUNCTION cjm_internal.cohort_first(cohorts bytea) RETURNS timestamptz
	AS 'MODULE_PATHNAME'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION cjm_internal.cohort_first(bytea) IS 'when anybody was first seen, or first active';

CREATE FUNCTION cjm_internal.cohort_last(cohorts bytea) RETURNS timestamptz
	AS 'MODULE_PATHNAME'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION cjm_internal.cohort_last(bytea) IS 'when anybody was last seen';

CREATE FUNCTION cjm_internal.cohort_cells(cohorts bytea, last timestamptz, now timestamptz,
	period text, time_zone text, week_starts text, brackets integer[], kind text)
	RETURNS TABLE (cohort date, number integer, period_start date, period_end date, period_over boolean, cohort_size bigint, retained bigint,
		value numeric, gross_value numeric, purchases bigint, refunds bigint)
	AS 'MODULE_PATHNAME', 'cohort_cells'
	LANGUAGE C STABLE PARALLEL SAFE COST 100 ROWS 100;

COMMENT ON FUNCTION cjm_internal.cohort_cells(bytea, timestamptz, timestamptz, text, text, text, integer[], text) IS
'the cells of cohort_agg, which was asked with the same arguments, up to the period in which anybody was last seen and not beyond the present one; without cohorts the arguments are checked
period_over: whether the cell is as it will stay, NULL where it has no end';

CREATE FUNCTION cjm_internal.lifecycle_agg_step(moves cjm_internal.aggregate_state, journey cjm.journey, period text, time_zone text, week_starts text, active cjm.funnel) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME'
	LANGUAGE C STABLE PARALLEL SAFE COST 20;

COMMENT ON FUNCTION cjm_internal.lifecycle_agg_step(cjm_internal.aggregate_state, cjm.journey, text, text, text, cjm.funnel) IS
	'counts of who came and went, with one more customer; transition function of lifecycle_agg';

CREATE AGGREGATE cjm_internal.lifecycle_agg(journey cjm.journey, period text, time_zone text, week_starts text, active cjm.funnel) (
	SFUNC = cjm_internal.lifecycle_agg_step,
	STYPE = cjm_internal.aggregate_state,
	SSPACE = 256,
	FINALFUNC = cjm_internal.cohort_agg_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.cohort_agg_combine,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE cjm_internal.lifecycle_agg(cjm.journey, text, text, text, cjm.funnel) IS
	'how many customers were new, returning, resurrected and dormant in each period, for lifecycle_periods; active: a funnel of one stage, the events that count';

CREATE FUNCTION cjm_internal.lifecycle_periods(moves bytea, first timestamptz, last timestamptz, now timestamptz, period text, time_zone text, week_starts text)
	RETURNS TABLE (period_start date, new_customers bigint, returning_customers bigint, resurrected_customers bigint, dormant_customers bigint,
		active_customers bigint, period_over boolean)
	AS 'MODULE_PATHNAME', 'lifecycle_periods'
	LANGUAGE C STABLE PARALLEL SAFE COST 100 ROWS 30;

COMMENT ON FUNCTION cjm_internal.lifecycle_periods(bytea, timestamptz, timestamptz, timestamptz, text, text, text) IS
	'a row for each period of lifecycle_agg, which was asked with the same arguments, from the first in which anybody was active to the last in which anybody was seen; without moves the arguments are checked';

CREATE FUNCTION cjm_internal.session_sums_agg_step(sums cjm_internal.aggregate_state, journey cjm.journey, from_time timestamptz, to_time timestamptz, period text, time_zone text, gap interval, rule text) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME'
	LANGUAGE C STABLE PARALLEL SAFE COST 20;

COMMENT ON FUNCTION cjm_internal.session_sums_agg_step(cjm_internal.aggregate_state, cjm.journey, timestamptz, timestamptz, text, text, interval, text) IS 'sums over customers with one more; transition function of session_sums_agg';

CREATE AGGREGATE cjm_internal.session_sums_agg(journey cjm.journey, from_time timestamptz, to_time timestamptz, period text, time_zone text, gap interval, rule text) (
	SFUNC = cjm_internal.session_sums_agg_step,
	STYPE = cjm_internal.aggregate_state,
	SSPACE = 256,
	FINALFUNC = cjm_internal.cohort_agg_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.cohort_agg_combine,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE cjm_internal.session_sums_agg(cjm.journey, timestamptz, timestamptz, text, text, interval, text) IS
'of the sessions that began from from_time to to_time, by the period in which they did, for period_sums:
1 customers, 2 sessions, 3 that are not the first one, 4 of one touchpoint; sums over customers of 5 sessions * sessions, 6 returning * returning, 7 returning * sessions, 8 bounces * bounces, 9 bounces * sessions';

CREATE FUNCTION cjm_internal.purchase_sums_agg_step(sums cjm_internal.aggregate_state, journey cjm.journey, from_time timestamptz, to_time timestamptz, period text, time_zone text, purchase cjm.funnel, refunds cjm.funnel) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME'
	LANGUAGE C STABLE PARALLEL SAFE COST 10;

COMMENT ON FUNCTION cjm_internal.purchase_sums_agg_step(cjm_internal.aggregate_state, cjm.journey, timestamptz, timestamptz, text, text, cjm.funnel, cjm.funnel) IS 'sums over customers with one more; transition function of purchase_sums_agg';

CREATE AGGREGATE cjm_internal.purchase_sums_agg(journey cjm.journey, from_time timestamptz, to_time timestamptz, period text, time_zone text, purchase cjm.funnel, refunds cjm.funnel) (
	SFUNC = cjm_internal.purchase_sums_agg_step,
	STYPE = cjm_internal.aggregate_state,
	SSPACE = 256,
	FINALFUNC = cjm_internal.cohort_agg_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.cohort_agg_combine,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE cjm_internal.purchase_sums_agg(cjm.journey, timestamptz, timestamptz, text, text, cjm.funnel, cjm.funnel) IS
'of purchases and refunds from from_time to to_time, by their period, for period_sums; amounts are in billionths:
1 customers who bought, 2 who did so again, 3 purchases, 4 that have a value, 5 customers with such, 6 values, those of refunds among them, 7 less refunds, 8 without taking them off;
sums over customers of 9 net * net, 10 gross * gross, 11 gross * valued, 12 valued * valued; 13 customers who had something paid back';

CREATE FUNCTION cjm_internal.conversion_sums_agg_step(sums cjm_internal.aggregate_state, journey cjm.journey, from_time timestamptz, to_time timestamptz, period text, time_zone text, funnel cjm.funnel) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME'
	LANGUAGE C STABLE PARALLEL SAFE COST 15;

COMMENT ON FUNCTION cjm_internal.conversion_sums_agg_step(cjm_internal.aggregate_state, cjm.journey, timestamptz, timestamptz, text, text, cjm.funnel) IS 'sums over customers with one more; transition function of conversion_sums_agg';

CREATE AGGREGATE cjm_internal.conversion_sums_agg(journey cjm.journey, from_time timestamptz, to_time timestamptz, period text, time_zone text, funnel cjm.funnel) (
	SFUNC = cjm_internal.conversion_sums_agg_step,
	STYPE = cjm_internal.aggregate_state,
	SSPACE = 256,
	FINALFUNC = cjm_internal.cohort_agg_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.cohort_agg_combine,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE cjm_internal.conversion_sums_agg(cjm.journey, timestamptz, timestamptz, text, text, cjm.funnel) IS
'of the conversions from from_time to to_time, by the period of the touchpoint that completes them, for period_sums: 1 customers who converted, 2 conversions, 3 over customers conversions * conversions';

CREATE FUNCTION cjm_internal.period_sums(sums bytea, period text, time_zone text, count integer) RETURNS TABLE (bucket_start timestamptz, sums numeric[])
	AS 'MODULE_PATHNAME'
	LANGUAGE C STABLE PARALLEL SAFE COST 100 ROWS 50;

COMMENT ON FUNCTION cjm_internal.period_sums(bytea, text, text, integer) IS 'the first sums of such an aggregate, which was asked with the same period and time zone: a row for each period with something in it';

CREATE FUNCTION cjm_internal.funnel_agg_step(state cjm_internal.aggregate_state, journey cjm.journey, funnel cjm.funnel)
RETURNS cjm_internal.aggregate_state
AS 'MODULE_PATHNAME', 'funnel_agg_step'
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20;

COMMENT ON FUNCTION cjm_internal.funnel_agg_step(cjm_internal.aggregate_state, cjm.journey, cjm.funnel) IS
	'statistics with one more customer; transition function of funnel_agg(journey, funnel)';

CREATE FUNCTION cjm_internal.funnel_agg_step(state cjm_internal.aggregate_state, journey cjm.journey, funnel cjm.funnel, entered tstzrange)
RETURNS cjm_internal.aggregate_state
AS 'MODULE_PATHNAME', 'funnel_agg_step'
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 25;

COMMENT ON FUNCTION cjm_internal.funnel_agg_step(cjm_internal.aggregate_state, cjm.journey, cjm.funnel, tstzrange) IS
	'statistics with one more customer; transition function of funnel_agg(journey, funnel, tstzrange)';

CREATE FUNCTION cjm_internal.funnel_state_combine(a cjm_internal.aggregate_state, b cjm_internal.aggregate_state)
RETURNS cjm_internal.aggregate_state
AS 'MODULE_PATHNAME', 'funnel_state_combine'
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;

COMMENT ON FUNCTION cjm_internal.funnel_state_combine(cjm_internal.aggregate_state, cjm_internal.aggregate_state) IS
	'the customers of two states; combine function of funnel_agg';

CREATE FUNCTION cjm_internal.funnel_state_rollup(state cjm_internal.aggregate_state, stats cjm.funnel_stats)
RETURNS cjm_internal.aggregate_state
AS 'MODULE_PATHNAME', 'funnel_state_rollup'
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;

COMMENT ON FUNCTION cjm_internal.funnel_state_rollup(cjm_internal.aggregate_state, cjm.funnel_stats) IS
	'state with the customers of statistics, too; transition function of rollup';

CREATE FUNCTION cjm_internal.funnel_state_final(state cjm_internal.aggregate_state)
RETURNS cjm.funnel_stats
AS 'MODULE_PATHNAME', 'funnel_state_final'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;

COMMENT ON FUNCTION cjm_internal.funnel_state_final(cjm_internal.aggregate_state) IS
	'the statistics that a state is; final function of funnel_agg';

CREATE OR REPLACE AGGREGATE cjm.funnel_agg(cjm.journey, cjm.funnel) (
	SFUNC = cjm_internal.funnel_agg_step,
	STYPE = cjm_internal.aggregate_state,
	SSPACE = 2048,
	COMBINEFUNC = cjm_internal.funnel_state_combine,
	FINALFUNC = cjm_internal.funnel_state_final,
	PARALLEL = SAFE
);

CREATE OR REPLACE AGGREGATE cjm.funnel_agg(cjm.journey, cjm.funnel, tstzrange) (
	SFUNC = cjm_internal.funnel_agg_step,
	STYPE = cjm_internal.aggregate_state,
	SSPACE = 2048,
	COMBINEFUNC = cjm_internal.funnel_state_combine,
	FINALFUNC = cjm_internal.funnel_state_final,
	PARALLEL = SAFE
);

CREATE FUNCTION cjm_internal.funnel_walks_agg_step(state cjm_internal.aggregate_state, journey cjm.journey, funnel cjm.funnel, entered tstzrange)
RETURNS cjm_internal.aggregate_state
AS 'MODULE_PATHNAME', 'funnel_walks_agg_step'
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;

COMMENT ON FUNCTION cjm_internal.funnel_walks_agg_step(cjm_internal.aggregate_state, cjm.journey, cjm.funnel, tstzrange) IS
	'statistics with the walks of one more customer; transition function of funnel_walks_agg';

CREATE AGGREGATE cjm_internal.funnel_walks_agg(cjm.journey, cjm.funnel, tstzrange) (
	SFUNC = cjm_internal.funnel_walks_agg_step,
	STYPE = cjm_internal.aggregate_state,
	SSPACE = 2048,
	COMBINEFUNC = cjm_internal.funnel_state_combine,
	FINALFUNC = cjm_internal.funnel_state_final,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE cjm_internal.funnel_walks_agg(cjm.journey, cjm.funnel, tstzrange) IS
	'statistics of a funnel that count walks(journey, funnel, entered) instead of customers';

CREATE OR REPLACE AGGREGATE cjm.rollup(cjm.funnel_stats) (
	SFUNC = cjm_internal.funnel_state_rollup,
	STYPE = cjm_internal.aggregate_state,
	SSPACE = 2048,
	COMBINEFUNC = cjm_internal.funnel_state_combine,
	FINALFUNC = cjm_internal.funnel_state_final,
	PARALLEL = SAFE
);

CREATE FUNCTION cjm.report(stats cjm.funnel_stats)
RETURNS TABLE (
	step integer,
	stage text,
	customers bigint,
	step_rate float8,
	overall_rate float8,
	dropped bigint,
	drop_rate float8,
	rate_low float8,
	rate_high float8,
	median_time interval,
	mean_time interval,
	p90_time interval,
	median_total interval,
	p90_total interval,
	entered bigint
)
AS 'MODULE_PATHNAME', 'funnel_stats_report'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 5;

COMMENT ON FUNCTION cjm.report(cjm.funnel_stats) IS
'a row for each step of a funnel.
step, stage: number from 1 and name; of an unordered funnel "2 of 3": customers who did at least two of the three stages
customers: those whose walk holds the stage
step_rate: share of the customers at the mandatory step before who came on from there, from 0 to 1; 1 at step 1, NULL of nobody
overall_rate: customers as a share of those whose walk began at this step or before it: at step 1, unless walks may begin at any stage
dropped, drop_rate: customers of this step who did not go on to the next mandatory one, and their share; NULL at the last and at an optional one.
Statistics know no time: who may yet go on or has refused has dropped here. The views and reports of maps count them apart, as open_customers and refused
rate_low, rate_high: 95 % Wilson interval of step_rate; NULL at step 1, where the rate is 1 by definition and no estimate
median_time, mean_time, p90_time: since the step before in the customer''s walk; NULL at step 1
median_total, p90_total: since the first step of the walk; NULL at step 1
entered: customers whose walk began at the step: with "from any stage" there may be some at every step, else only at step 1
Means are exact to the microsecond, medians (the lower one of an even number) and 90th percentiles to 1 %.';

CREATE FUNCTION cjm_internal.funnel_figures(stats cjm.funnel_stats, step integer) RETURNS float8[]
	AS 'MODULE_PATHNAME', 'funnel_figures'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;

COMMENT ON FUNCTION cjm_internal.funnel_figures(cjm.funnel_stats, integer) IS
'customers at the mandatory step before; who began at this step or before it; who came to it from another;
low and high of the median of their times since the step before, in seconds, and low and high of that since the first: the 95 % interval by order statistics, NULL of fewer than six';

CREATE FUNCTION cjm_internal.funnel_limited(funnel cjm.funnel, within interval) RETURNS cjm.funnel
	AS 'MODULE_PATHNAME', 'funnel_limited'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;

COMMENT ON FUNCTION cjm_internal.funnel_limited(cjm.funnel, interval) IS 'the same funnel, but that a walk takes no longer than this';

CREATE TYPE cjm_internal.map_funnel_group AS (label text, entered tstzrange, stats cjm.funnel_stats, open cjm.funnel_stats, refused cjm.funnel_stats);

COMMENT ON TYPE cjm_internal.map_funnel_group IS 'the funnel of some customers of a map; what map_funnel_agg returns an array of';

COMMENT ON COLUMN cjm_internal.map_funnel_group.label IS 'their segment, NULL for those without one, or where none is asked for';

COMMENT ON COLUMN cjm_internal.map_funnel_group.entered IS 'the period in which their walks begin, NULL where none is asked for';

COMMENT ON COLUMN cjm_internal.map_funnel_group.stats IS 'statistics of all of them';

COMMENT ON COLUMN cjm_internal.map_funnel_group.open IS 'of those who are open, NULL if nobody is';

COMMENT ON COLUMN cjm_internal.map_funnel_group.refused IS 'of those who have refused, NULL if nobody has';

CREATE FUNCTION cjm_internal.map_funnel_step(internal, customer anyelement, at timestamptz, event text, channel text, segment text, funnel cjm.funnel, refusal cjm.funnel,
	now timestamptz, segment_at text, bucket text, time_zone text, entered tstzrange) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;

COMMENT ON FUNCTION cjm_internal.map_funnel_step(internal, anyelement, timestamptz, text, text, text, cjm.funnel, cjm.funnel, timestamptz, text, text, text, tstzrange) IS
	'transition function of map_funnel_agg';

CREATE FUNCTION cjm_internal.map_funnel_final(internal) RETURNS cjm_internal.map_funnel_group[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;

COMMENT ON FUNCTION cjm_internal.map_funnel_final(internal) IS 'final function of map_funnel_agg';

CREATE AGGREGATE cjm_internal.map_funnel_agg(customer anyelement, at timestamptz, event text, channel text, segment text, funnel cjm.funnel, refusal cjm.funnel,
	now timestamptz, segment_at text, bucket text, time_zone text, entered tstzrange) (
	SFUNC = cjm_internal.map_funnel_step, STYPE = internal, SSPACE = 1024,
	FINALFUNC = cjm_internal.map_funnel_final, FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.funnel_rows_combine, SERIALFUNC = cjm_internal.funnel_rows_serialize, DESERIALFUNC = cjm_internal.funnel_rows_deserialize,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE cjm_internal.map_funnel_agg(anyelement, timestamptz, text, text, text, cjm.funnel, cjm.funnel, timestamptz, text, text, text, tstzrange) IS
	'the funnel of a map straight from its rows; one without a customer, a time or an event is ignored. Customers whose keys have the same bytes are one; channel and segment: NULL where neither the funnel nor the refusal asks for the one, and no segment is asked for; refusal: events that say no, or NULL; segment_at: first, last or NULL for none; bucket: a period or NULL; what follows the segment is the same in all rows';

CREATE FUNCTION cjm.attribute(
	journey cjm.journey,
	conversion cjm.funnel,
	model text DEFAULT 'last_touch',
	lookback interval DEFAULT NULL,
	per text DEFAULT 'touchpoint',
	session_gap interval DEFAULT '30 minutes',
	half_life interval DEFAULT '7 days',
	weights float8[] DEFAULT '{0.4,0.2,0.4}',
	direct text[] DEFAULT '{direct}',
	only_channels boolean DEFAULT false,
	session_rule text DEFAULT NULL,
	time_zone text DEFAULT NULL) RETURNS SETOF cjm.credited_touchpoint
	AS 'MODULE_PATHNAME', 'journey_attribute'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 ROWS 3;

COMMENT ON FUNCTION cjm.attribute(cjm.journey, cjm.funnel, text, interval, text, interval, interval, float8[], text[], boolean, text, text) IS
'which touchpoints earned each conversion of a journey, by an attribution model.
conversion: a funnel; each time that it is completed is a conversion, worth the value of the touchpoint that completes it
model: first_touch, last_touch, last_non_direct, linear, time_decay or position
lookback: NULL for the touchpoints since the previous conversion, else all in so long a time before the conversion
per: touchpoint, or session for one share to each visit; session_gap: what is longer ends a visit; session_rule, time_zone: what else ends one, as of sessions
half_life: of time_decay; weights: of position, for the first, all between together and the last
direct: channels that are direct, as no channel is; only_channels: whether touchpoints without a channel earn nothing';

CREATE FUNCTION cjm_internal.rule_attribution_step(state cjm_internal.aggregate_state, journey cjm.journey, conversion cjm.funnel) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME', 'rule_attribution_step'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;

COMMENT ON FUNCTION cjm_internal.rule_attribution_step(cjm_internal.aggregate_state, cjm.journey, cjm.funnel) IS
	'state with the conversions of one more journey; transition function of rule_attribution';

CREATE FUNCTION cjm_internal.rule_attribution_step(
	state cjm_internal.aggregate_state,
	journey cjm.journey,
	conversion cjm.funnel,
	models text[],
	lookback interval,
	per text,
	session_gap interval,
	half_life interval,
	weights float8[],
	direct text[],
	only_channels boolean,
	from_time timestamptz,
	to_time timestamptz) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME', 'rule_attribution_step'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 60;

COMMENT ON FUNCTION cjm_internal.rule_attribution_step(cjm_internal.aggregate_state, cjm.journey, cjm.funnel, text[], interval, text, interval, interval, float8[], text[], boolean, timestamptz, timestamptz) IS
	'state with the conversions of one more journey; transition function of rule_attribution';

CREATE FUNCTION cjm_internal.rule_attribution_step(
	state cjm_internal.aggregate_state,
	journey cjm.journey,
	conversion cjm.funnel,
	models text[],
	lookback interval,
	per text,
	session_gap interval,
	half_life interval,
	weights float8[],
	direct text[],
	only_channels boolean,
	from_time timestamptz,
	to_time timestamptz,
	session_rule text,
	time_zone text) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME', 'rule_attribution_step'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 60;

COMMENT ON FUNCTION cjm_internal.rule_attribution_step(cjm_internal.aggregate_state, cjm.journey, cjm.funnel, text[], interval, text, interval, interval, float8[], text[], boolean, timestamptz, timestamptz, text, text) IS
	'state with the conversions of one more journey; transition function of rule_attribution';

CREATE FUNCTION cjm_internal.rule_attribution_combine(a cjm_internal.aggregate_state, b cjm_internal.aggregate_state) RETURNS cjm_internal.aggregate_state
	AS 'MODULE_PATHNAME', 'rule_attribution_combine'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;

COMMENT ON FUNCTION cjm_internal.rule_attribution_combine(cjm_internal.aggregate_state, cjm_internal.aggregate_state) IS 'the sums of two states of rule_attribution';

CREATE FUNCTION cjm_internal.rule_attribution_final(state cjm_internal.aggregate_state) RETURNS cjm.model_credit[]
	AS 'MODULE_PATHNAME', 'rule_attribution_final'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 200;

COMMENT ON FUNCTION cjm_internal.rule_attribution_final(cjm_internal.aggregate_state) IS 'what channels earned, by model and channel; final function of rule_attribution';

CREATE OR REPLACE AGGREGATE cjm.rule_attribution(cjm.journey, cjm.funnel) (
	SFUNC = cjm_internal.rule_attribution_step,
	STYPE = cjm_internal.aggregate_state,
	SSPACE = 4096,
	COMBINEFUNC = cjm_internal.rule_attribution_combine,
	FINALFUNC = cjm_internal.rule_attribution_final,
	PARALLEL = SAFE
);

CREATE OR REPLACE AGGREGATE cjm.rule_attribution(cjm.journey, cjm.funnel, text[], interval, text, interval, interval, float8[], text[], boolean, timestamptz, timestamptz) (
	SFUNC = cjm_internal.rule_attribution_step,
	STYPE = cjm_internal.aggregate_state,
	SSPACE = 4096,
	COMBINEFUNC = cjm_internal.rule_attribution_combine,
	FINALFUNC = cjm_internal.rule_attribution_final,
	PARALLEL = SAFE
);

CREATE AGGREGATE cjm.rule_attribution(cjm.journey, cjm.funnel, text[], interval, text, interval, interval, float8[], text[], boolean, timestamptz, timestamptz, text, text) (
	SFUNC = cjm_internal.rule_attribution_step,
	STYPE = cjm_internal.aggregate_state,
	SSPACE = 4096,
	COMBINEFUNC = cjm_internal.rule_attribution_combine,
	FINALFUNC = cjm_internal.rule_attribution_final,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE cjm.rule_attribution(cjm.journey, cjm.funnel, text[], interval, text, interval, interval, float8[], text[], boolean, timestamptz, timestamptz, text, text) IS
'the same, of visits that end by a rule, too: the last arguments are session_rule and time_zone of attribute';

COMMENT ON COLUMN cjm_internal.map.segment_at IS 'which segment, or other dimension, a customer with several has, the first or the last';

COMMENT ON COLUMN cjm_internal.map.dimensions IS 'expressions: other properties of the customer, by their names, or NULL';

COMMENT ON COLUMN cjm_internal.map.session_rule IS 'what else ends a session: channel, day, or channel | day; NULL for the gap alone';

COMMENT ON COLUMN cjm_internal.map.session IS 'expression: the session of an event, or NULL';

COMMENT ON COLUMN cjm_internal.map.comment IS 'expression: what a customer wrote, or NULL';

COMMENT ON COLUMN cjm_internal.map.where_is IS 'no part of a definition: which customers a report is asked of, NULL for all; see 905-map_where.sql';

COMMENT ON COLUMN cjm_internal.map.groups IS 'no part of a definition: what is shown by itself of that which a drawing is by, all else being one; NULL for all';

COMMENT ON FUNCTION cjm_internal.map_expressions(oid) IS
	'what the view events of a map reads as customer, at, event, channel, value, segment, its filter, its sequence, its session and its dimensions, as they would be written now; NULL if it is another view';

CREATE FUNCTION cjm_internal.map_within_session(stages cjm.funnel) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 50
	SET search_path = pg_catalog, pg_temp
RETURN regexp_replace(stages::text, '"(?:[^"]|"")*"', '', 'g') ~ '\mwithin session\M';

COMMENT ON FUNCTION cjm_internal.map_within_session(cjm.funnel) IS 'whether the walks of a funnel lie within a session';

CREATE OR REPLACE FUNCTION cjm_internal.map_view_names() RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '{map,events,journeys,customers,funnel,funnel_by_segment,funnel_by_week,funnel_by_dimension,drop_off,sessions,bounce,retention,lifecycle,touchpoints,stages,transitions,paths,attribution,spend,channels,feedback,metrics}'::text[];

CREATE OR REPLACE FUNCTION cjm_internal.kept_names() RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '{kept_rows,kept,kept_journeys,kept_deciders,kept_changes,kept_marks,kept_pieces,kept_state}'::text[];

CREATE FUNCTION cjm_internal.steering_names() RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '{kpis,comments,customer_journeys,alerts_told,targets,stage_notes,notes,audience_changes,audience_consumers,audience_members,audience_touched,audience_state,audiences}'::text[];

COMMENT ON FUNCTION cjm_internal.steering_names() IS 'what a map that is steered has beside its views: tables of what it remembers, and views of these';

CREATE FUNCTION cjm_internal.map_names() RETURNS name[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (cjm_internal.map_view_names() || cjm_internal.kept_names() || cjm_internal.steering_names())::name[];

COMMENT ON FUNCTION cjm_internal.map_names() IS 'all that a map can have in its schema';

CREATE OR REPLACE VIEW cjm.maps AS
SELECT d.map, pg_catalog.pg_get_userbyid(c.relowner) AS owner, d.source, d.stages, d.customer, d.at, d.event, d.channel,
	d.value, d.segment, d.segment_at, d.filter, d.session_gap, d.time_zone, d.access, d.spend, d.attribution, d.nps, d.csat, d.ces,
	d.refusal, d.purchase, d.visit, d.attribution_per, d.only_channels, d.sequence, d.dimensions, d.session_rule, d.session, d.comment,
	d.stages::pg_catalog.text AS stages_text, d.refusal::pg_catalog.text AS refusal_text, d.purchase::pg_catalog.text AS purchase_text, d.visit::pg_catalog.text AS visit_text
FROM pg_catalog.pg_class c
	JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	CROSS JOIN LATERAL cjm_internal.map_definition(
		CASE WHEN pg_catalog.has_schema_privilege(c.relnamespace, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT') THEN c.oid END) d
WHERE c.relname = 'map' AND c.relkind = 'v' AND c.relowner = n.nspowner AND d.map = n.oid;

COMMENT ON COLUMN cjm.maps.segment_at IS 'which segment, or other dimension, a customer with several has, the first or the last';

COMMENT ON COLUMN cjm.maps.dimensions IS 'expressions: other properties of the customer, by their names, or NULL';

COMMENT ON COLUMN cjm.maps.session_rule IS 'what else ends a session: channel, day, or channel | day; NULL for the gap alone';

COMMENT ON COLUMN cjm.maps.session IS 'expression: the session of an event, or NULL';

COMMENT ON COLUMN cjm.maps.comment IS 'expression: what a customer wrote with an answer, or NULL';

COMMENT ON COLUMN cjm.maps.stages_text IS 'stages as text';

COMMENT ON COLUMN cjm.maps.refusal_text IS 'refusal as text';

COMMENT ON COLUMN cjm.maps.purchase_text IS 'purchase as text';

COMMENT ON COLUMN cjm.maps.visit_text IS 'visit as text';

CREATE OR REPLACE FUNCTION cjm_internal.map_check_owner(map regnamespace) RETURNS void
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 100
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	other record;
BEGIN
	SELECT c.relname, c.oid::regclass AS view, c.relowner::regrole AS owner, n.nspname, n.nspowner::regrole AS holder INTO other
	FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid AND c.relowner <> n.nspowner
	WHERE n.oid = map_check_owner.map AND c.relname = ANY (cjm_internal.map_names())
	ORDER BY c.relname <> 'map', c.relname LIMIT 1;
	IF FOUND THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('the view "%s" of the map "%s" belongs to %s, and its schema to %s', other.relname, other.nspname, other.owner, other.holder),
			DETAIL = 'Whoever reads a view runs what its owner wrote, so all of a map has one owner.',
			HINT = format('If what the view says can be trusted: ALTER VIEW %s OWNER TO %s.', other.view, other.holder);
	END IF;
END
$$;

CREATE FUNCTION cjm_internal.map_is_older(map regnamespace) RETURNS boolean
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = map AND c.relname = 'events' AND c.relkind = 'v'
	AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'session'));

COMMENT ON FUNCTION cjm_internal.map_is_older(regnamespace) IS 'whether a map has the views that an older version of cjm has made';

CREATE FUNCTION cjm_internal.map_of(name text, where_is jsonb DEFAULT NULL, of_any_version boolean DEFAULT false) RETURNS cjm_internal.map
	LANGUAGE plpgsql STABLE PARALLEL SAFE COST 200
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map;
	wanted text[] := ARRAY[name];
	home oid;
BEGIN
	IF name IS NULL THEN
		RAISE null_value_not_allowed USING
			MESSAGE = 'the name of the map is NULL',
			HINT = 'All maps that you may read are in cjm.maps.';
	END IF;
	IF name ~ '^"(?:[^"]|"")+"$' THEN
		wanted := wanted || replace(substr(name, 2, length(name) - 2), '""', '"');
	END IF;
	FOR home IN SELECT n.oid FROM pg_namespace n WHERE n.nspname = ANY (wanted) ORDER BY array_position(wanted, n.nspname::text)
	LOOP
		SELECT d.* INTO def
		FROM pg_class c CROSS JOIN LATERAL cjm_internal.map_definition(c.oid) d
		WHERE c.relnamespace = home AND c.relname = 'map' AND c.relkind = 'v' AND d.map = home;
		EXIT WHEN FOUND;
	END LOOP;
	IF def.map IS NULL THEN
		RAISE undefined_object USING
			MESSAGE = format('there is no map "%s"', name),
			HINT = coalesce(
				(SELECT format('Did you mean "%s"? ', near) FROM cjm_internal.map_nearest(name, (SELECT array_agg(n.nspname::text)
					FROM cjm.maps m JOIN pg_namespace n ON n.oid = m.map)) near WHERE near IS NOT NULL), '') ||
				'All maps that you may read are in cjm.maps.';
	ELSIF NOT has_schema_privilege(def.map, 'USAGE') THEN
		RAISE insufficient_privilege USING MESSAGE = format('permission denied for schema %s', cjm_internal.map_schema(def));
	END IF;
	PERFORM cjm_internal.map_check_owner(def.map);
	IF NOT of_any_version AND cjm_internal.map_is_older(def.map) THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('the map "%s" was made by an older version of cjm', name),
			DETAIL = 'Its views say what they said; reports, drawings and kept journeys need the views that maps have now.',
			HINT = format('SELECT cjm.upgrade_map(%L) makes them anew.', name);
	END IF;
	PERFORM cjm_internal.map_check_where(where_is);
	def.where_is := where_is;
	def.groups := NULL;
	RETURN def;
END
$$;

COMMENT ON FUNCTION cjm_internal.map_of(text, jsonb, boolean) IS
	'the definition of a map by its name, and which customers are asked for; an error if there is none, if it is not to be trusted, or, unless maps of any version will do, if an older version has made it';

CREATE FUNCTION cjm_internal.map_touches_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION cjm_internal.map_touches_serialize(internal) IS 'serialization function of map_first_touches and map_last_touches';

CREATE FUNCTION cjm_internal.map_touches_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION cjm_internal.map_touches_deserialize(bytea, internal) IS 'deserialization function of map_first_touches and map_last_touches';

CREATE FUNCTION cjm_internal.map_touches_final(internal) RETURNS text[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;

COMMENT ON FUNCTION cjm_internal.map_touches_final(internal) IS 'final function of map_first_touches and map_last_touches';

CREATE FUNCTION cjm_internal.map_touches_first(internal, at timestamptz, VARIADIC "any") RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;

COMMENT ON FUNCTION cjm_internal.map_touches_first(internal, timestamptz, "any") IS 'transition function of map_first_touches';

CREATE FUNCTION cjm_internal.map_touches_first_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;

COMMENT ON FUNCTION cjm_internal.map_touches_first_combine(internal, internal) IS 'combine function of map_first_touches';

CREATE AGGREGATE cjm_internal.map_first_touches(at timestamptz, VARIADIC "any") (
	SFUNC = cjm_internal.map_touches_first,
	STYPE = internal,
	SSPACE = 192,
	FINALFUNC = cjm_internal.map_touches_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.map_touches_first_combine,
	SERIALFUNC = cjm_internal.map_touches_serialize,
	DESERIALFUNC = cjm_internal.map_touches_deserialize,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE cjm_internal.map_first_touches(timestamptz, "any") IS
	'of each of several texts the first that is not NULL, of several at one time the one whose bytes are smallest: the dimensions of the journeys of a map';

CREATE FUNCTION cjm_internal.map_touches_last(internal, at timestamptz, VARIADIC "any") RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;

COMMENT ON FUNCTION cjm_internal.map_touches_last(internal, timestamptz, "any") IS 'transition function of map_last_touches';

CREATE FUNCTION cjm_internal.map_touches_last_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;

COMMENT ON FUNCTION cjm_internal.map_touches_last_combine(internal, internal) IS 'combine function of map_last_touches';

CREATE AGGREGATE cjm_internal.map_last_touches(at timestamptz, VARIADIC "any") (
	SFUNC = cjm_internal.map_touches_last,
	STYPE = internal,
	SSPACE = 192,
	FINALFUNC = cjm_internal.map_touches_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.map_touches_last_combine,
	SERIALFUNC = cjm_internal.map_touches_serialize,
	DESERIALFUNC = cjm_internal.map_touches_deserialize,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE cjm_internal.map_last_touches(timestamptz, "any") IS
	'of each of several texts the last that is not NULL, of several at one time the one whose bytes are smallest: the dimensions of the journeys of a map';

CREATE FUNCTION cjm_internal.map_part_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION cjm_internal.map_part_support(internal) IS 'planner support of map_part: takes the part of an array that is being made';

CREATE FUNCTION cjm_internal.map_part("values" text[], place integer) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 SUPPORT cjm_internal.map_part_support;

COMMENT ON FUNCTION cjm_internal.map_part(text[], integer) IS 'a value by its place, as a subscript, but that no array is made for it alone';

CREATE FUNCTION cjm_internal.map_dimensions(names text[], "values" text[]) RETURNS jsonb
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;

COMMENT ON FUNCTION cjm_internal.map_dimensions(text[], text[]) IS 'an object of values by their names, null for those that are not there; NULL without names';

CREATE FUNCTION cjm_internal.map_dimensions_same(object jsonb, other jsonb) RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION cjm_internal.map_dimensions_same(jsonb, jsonb) IS 'whether objects of dimensions are the same, as = says, which takes ten times as long';

CREATE FUNCTION cjm_internal.map_of_customer(source regclass, customer text, expression text) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 200;

COMMENT ON FUNCTION cjm_internal.map_of_customer(regclass, text, text) IS
	'SQL: an expression with a subquery that asks for nothing of a row but its customer, over a row e that has the customer; NULL if it is no such expression';

CREATE FUNCTION cjm_internal.map_taken_names() RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '{channel,entry_channel,first_channel,session_channel,event,entry_event,exit_event,last_event,next_event,visitor,none,driver,step,stage,customer}'::text[];

COMMENT ON FUNCTION cjm_internal.map_taken_names() IS 'names that mean something else in reports, and that no dimension can have';

CREATE FUNCTION cjm_internal.map_check_dimensions(dimensions jsonb) RETURNS boolean
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found record;
	most CONSTANT integer := 64;
BEGIN
	IF jsonb_typeof(dimensions) <> 'object' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('dimensions must be an object of names and expressions, not %s', left(dimensions::text, 40)),
			HINT = 'Such as {"country": "country", "device": "payload ->> ''device''"}.';
	END IF;
	FOR found IN SELECT d.key AS name, d.value FROM jsonb_each(dimensions) d
	LOOP
		IF found.name = '' OR octet_length(found.name) > 63 OR found.name ~ '[[:cntrl:]]' THEN
			RAISE invalid_name USING
				MESSAGE = format('a dimension cannot be called "%s"', left(found.name, 64)),
				HINT = 'The name of a dimension has 1 to 63 bytes, and no control characters.';
		ELSIF found.name = ANY (cjm_internal.map_taken_names()) THEN
			RAISE reserved_name USING
				MESSAGE = format('a dimension cannot be called "%s"', found.name),
				HINT = format('Reports know %s as something else.', array_to_string(cjm_internal.map_taken_names(), ', '));
		ELSIF jsonb_typeof(found.value) <> 'string' THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('dimension "%s" must be an expression in a string, not %s', found.name, left(found.value::text, 40)),
				HINT = 'Such as {"country": "country", "device": "payload ->> ''device''"}.';
		END IF;
	END LOOP;
	IF (SELECT count(*) FROM jsonb_object_keys(dimensions)) > most THEN
		RAISE program_limit_exceeded USING
			MESSAGE = format('a map cannot have more than %s dimensions', most),
			HINT = 'What is seldom asked for can be joined to the view journeys by its customer.';
	END IF;
	RETURN true;
END
$$;

COMMENT ON FUNCTION cjm_internal.map_check_dimensions(jsonb) IS 'true; an error if an argument of create_map is no object of names and expressions of dimensions';

CREATE FUNCTION cjm_internal.map_read_dimensions(source regclass, dimensions jsonb, time_zone text) RETURNS jsonb
	LANGUAGE sql STABLE PARALLEL SAFE
RETURN (SELECT pg_catalog.jsonb_object_agg(d.key, cjm_internal.map_expression(source, d.value, 'dimension ' OPERATOR(pg_catalog.||) d.key, time_zone))
	FROM pg_catalog.jsonb_each_text(CASE WHEN cjm_internal.map_check_dimensions(dimensions) THEN dimensions END) d);

COMMENT ON FUNCTION cjm_internal.map_read_dimensions(regclass, jsonb, text) IS 'dimensions of a map, each expression as map_expression has it; NULL for none';

CREATE TYPE cjm_internal.map_dimension AS (place integer, name text, by_customer text);

COMMENT ON TYPE cjm_internal.map_dimension IS 'a dimension of a map';

COMMENT ON COLUMN cjm_internal.map_dimension.place IS 'its place in the array that a row of the view events has; 0: it is the segment';

COMMENT ON COLUMN cjm_internal.map_dimension.name IS 'its name';

COMMENT ON COLUMN cjm_internal.map_dimension.by_customer IS 'SQL of it over a row e that has the customer, NULL if that is not all it asks for';

CREATE FUNCTION cjm_internal.map_dimension_list(map cjm_internal.map) RETURNS SETOF cjm_internal.map_dimension
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE ROWS 5
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY SELECT d.place::integer, d.name,
			CASE WHEN d.expression ~* 'select' THEN cjm_internal.map_of_customer((map).source, (map).customer, d.expression) END
		FROM (SELECT 0 AS place, 'segment' AS name, (map).segment AS expression WHERE (map).segment IS NOT NULL
			UNION ALL SELECT e.place, e.name, e.expression FROM jsonb_each_text((map).dimensions) WITH ORDINALITY e(name, expression, place)) d
		ORDER BY d.place;
END
$$;

COMMENT ON FUNCTION cjm_internal.map_dimension_list(cjm_internal.map) IS 'the dimensions of a map, segment first if it has one';

CREATE FUNCTION cjm_internal.map_dimension_names(map cjm_internal.map) RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN (map).segment IS NOT NULL THEN '{segment}'::text[] ELSE '{}'::text[] END
	|| ARRAY(SELECT d.name FROM jsonb_object_keys((map).dimensions) WITH ORDINALITY d(name, place) ORDER BY d.place);

COMMENT ON FUNCTION cjm_internal.map_dimension_names(cjm_internal.map) IS 'the names of the dimensions of a map, segment first if it has one';

CREATE FUNCTION cjm_internal.map_dimensions_of_row_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN coalesce((SELECT 'ARRAY[' || string_agg(d.expression, ', ' ORDER BY d.place) || ']::text[]'
	FROM jsonb_each_text((map).dimensions) WITH ORDINALITY d(name, expression, place)), 'NULL::text[]');

COMMENT ON FUNCTION cjm_internal.map_dimensions_of_row_sql(cjm_internal.map) IS 'SQL: an array of what a row of the source says of the dimensions of a map, without the segment';

CREATE FUNCTION cjm_internal.map_part_sql(place integer) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE place WHEN 0 THEN 'e.segment' ELSE format('cjm_internal.map_part(e.dimensions, %s)', place) END;

COMMENT ON FUNCTION cjm_internal.map_part_sql(integer) IS 'SQL: what a row e of the view events says of the dimension in a place';

CREATE FUNCTION cjm_internal.map_object_sql(names text[], "values" text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN names = '{}' THEN '''{}''::jsonb' ELSE format('cjm_internal.map_dimensions(%L::text[], %s)', names, "values") END;

COMMENT ON FUNCTION cjm_internal.map_object_sql(text[], text) IS 'SQL: an object of values, an array of which SQL is given, by their names';

CREATE FUNCTION cjm_internal.map_grouped_sql(map cjm_internal.map, OUT segment text, OUT dimensions text)
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	by_row cjm_internal.map_dimension[] := ARRAY(SELECT d FROM cjm_internal.map_dimension_list(map) d WHERE d.by_customer IS NULL ORDER BY d.place);
	by_customer cjm_internal.map_dimension[] := ARRAY(SELECT d FROM cjm_internal.map_dimension_list(map) d WHERE d.by_customer IS NOT NULL ORDER BY d.place);
	touched text;
BEGIN
	SELECT format('cjm_internal.map_%s_touches(e.at, %s)', (map).segment_at, string_agg(
			cjm_internal.map_part_sql(d.place), ', ' ORDER BY d.place))
		INTO touched FROM unnest(by_row) d HAVING count(*) > 0;
	segment := CASE WHEN (map).segment IS NULL THEN 'NULL::text' ELSE coalesce((SELECT d.by_customer FROM unnest(by_customer) d WHERE d.place = 0), format('(%s)[1]', touched)) END;
	dimensions := cjm_internal.map_object_sql(ARRAY(SELECT d.name FROM unnest(by_customer || by_row) WITH ORDINALITY d(place, name, by_customer, n) ORDER BY d.n),
		concat_ws(' || ', (SELECT format('ARRAY[%s]::text[]', string_agg(d.by_customer, ', ' ORDER BY d.place)) FROM unnest(by_customer) d HAVING count(*) > 0), touched));
END
$$;

COMMENT ON FUNCTION cjm_internal.map_grouped_sql(cjm_internal.map) IS 'SQL: the segment and all dimensions of a customer, over rows e of the view events that are grouped by customer';

CREATE OR REPLACE FUNCTION cjm_internal.map_sequence_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 200
	SET search_path = pg_catalog, pg_temp
RETURN format('SELECT p.* FROM (
		SELECT t.*, lead(t.at) OVER w AS next_at, lead(t.least) OVER w AS next_least
		FROM (SELECT s.customer, s.at, min(s.place) AS least, max(s.place) AS most, count(*) AS touches
			FROM (SELECT %1$s AS customer, %2$s AS at, %3$s AS event, coalesce(%4$s, 0) AS place FROM %5$s%6$s) s
			WHERE s.customer IS NOT NULL AND isfinite(s.at) AND s.event <> '''' GROUP BY s.customer, s.at) t
		WINDOW w AS (PARTITION BY t.customer ORDER BY t.at)) p
	WHERE cjm_internal.map_in_sequence(p.at, p.most) >= cjm_internal.map_in_sequence(p.next_at, p.next_least) OR p.most >= 1000000 OR p.least <= -1000000',
	(map).customer, (map).at, (map).event, (map).sequence, (map).source, ' WHERE ' || (map).filter);

CREATE OR REPLACE FUNCTION cjm_internal.map_listed_events(map cjm_internal.map) RETURNS TABLE (argument text, event text, channel text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 3
	SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT l.argument, s.event, s.channel
	FROM (VALUES ('refusal', (map).refusal), ('purchase', (map).purchase), ('visit', (map).visit)) l(argument, list) CROSS JOIN LATERAL cjm.funnel_stages(l.list) s;
END;

CREATE OR REPLACE FUNCTION cjm_internal.map_asks_channel(map cjm_internal.map) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN cjm_internal.funnel_asks_channel((map).stages) OR EXISTS (SELECT FROM cjm_internal.map_listed_events(map) l WHERE l.channel IS NOT NULL);

CREATE FUNCTION cjm_internal.map_began_sql(map cjm_internal.map, times text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format(CASE WHEN regexp_replace((map).stages::text, '"(?:[^"]|"")*"', '', 'g') ~ '\mfrom any stage\M' THEN '(array_remove(%s, NULL::timestamptz))[1]' ELSE '(%s)[1]' END, times);

COMMENT ON FUNCTION cjm_internal.map_began_sql(cjm_internal.map, text) IS 'SQL: when a walk began whose times are given';

CREATE OR REPLACE FUNCTION cjm_internal.map_purchase(map cjm_internal.map) RETURNS cjm.funnel
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN coalesce((map).purchase, (SELECT string_agg(coalesce('"' || replace(s.event, '"', '""') || '"', '*') || coalesce('@"' || replace(s.channel, '"', '""') || '"', ''), ' | ')::cjm.funnel
	FROM cjm.funnel_stages((map).stages) s WHERE s.step = (SELECT max(l.step) FROM cjm.funnel_stages((map).stages) l WHERE NOT l.optional)));

CREATE FUNCTION cjm_internal.map_session_rule_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('%L::text, %L::text', (map).session_rule, CASE WHEN (map).session_rule IS NOT NULL THEN (map).time_zone END);

COMMENT ON FUNCTION cjm_internal.map_session_rule_sql(cjm_internal.map) IS 'SQL: what ends a session of a map beside a gap: arguments rule and time_zone';

CREATE FUNCTION cjm_internal.map_session_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('%L::interval, %s', (map).session_gap, cjm_internal.map_session_rule_sql(map));

COMMENT ON FUNCTION cjm_internal.map_session_sql(cjm_internal.map) IS 'SQL: what ends a session of a map: arguments gap, rule and time_zone';

CREATE OR REPLACE FUNCTION cjm_internal.map_visits_sql(map cjm_internal.map, journey text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN (map).visit IS NULL THEN journey ELSE format('cjm.only_visits(%s, %L::cjm.funnel, %s)', journey, (map).visit, cjm_internal.map_session_sql(map)) END;

CREATE OR REPLACE FUNCTION cjm_internal.map_session_channel_sql(map cjm_internal.map, at text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('cjm.session_channel(%s, %L::interval, %s, %s)', cjm_internal.map_visits_sql(map, 'j.journey'), (map).session_gap, at, cjm_internal.map_session_rule_sql(map));

CREATE OR REPLACE FUNCTION cjm_internal.map_refused_sql(map cjm_internal.map, entered text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN (map).refusal IS NULL THEN 'NULL::timestamptz'
	ELSE format('cjm.funnel_refused(j.journey, %L::cjm.funnel, %L::cjm.funnel, now()%s)', (map).stages, (map).refusal, ', ' || entered) END;

CREATE OR REPLACE FUNCTION cjm_internal.map_open_sql(map cjm_internal.map, entered text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN (map).refusal IS NULL THEN format('cjm.funnel_open(j.journey, %L::cjm.funnel, now()%s)', (map).stages, ', ' || entered)
	ELSE format('(cjm.funnel_open(j.journey, %L::cjm.funnel, now()%s) AND %s IS NULL)', (map).stages, ', ' || entered, cjm_internal.map_refused_sql(map, entered)) END;

CREATE FUNCTION cjm_internal.map_check_where(where_is jsonb) RETURNS void
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	given record;
BEGIN
	IF jsonb_typeof(where_is) <> 'object' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('where_is must be an object, not %s', left(where_is::text, 40)),
			HINT = 'Give a value, or a list of them, for each name: {"segment": ["LV", "EE"], "first_channel": null}.';
	END IF;
	SELECT w.key, w.value INTO given
	FROM jsonb_each(where_is) w
	WHERE jsonb_typeof(w.value) = 'object' OR jsonb_typeof(w.value) = 'array' AND EXISTS (
		SELECT FROM jsonb_array_elements(CASE jsonb_typeof(w.value) WHEN 'array' THEN w.value ELSE '[]' END) e WHERE jsonb_typeof(e) = ANY ('{object,array}'::text[]))
	ORDER BY w.key COLLATE "C" LIMIT 1;
	IF FOUND THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('"%s" of where_is must be a value or a list of values, not %s', left(given.key, 100), left(given.value::text, 40)),
			HINT = 'It is what the customers have there, or all that they may have: "LV", ["LV", "EE", null].';
	END IF;
END
$$;

COMMENT ON FUNCTION cjm_internal.map_check_where(jsonb) IS 'an error if a where_is is nothing that customers can be asked for';

CREATE FUNCTION cjm_internal.map_dimensions_sql(map cjm_internal.map) RETURNS jsonb
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT jsonb_object_agg(d.name, CASE d.name WHEN 'segment' THEN 'j.segment' ELSE format('(j.dimensions ->> %L::text)', d.name) END)
	FROM unnest('{segment}'::text[] || cjm_internal.map_dimension_names(map)) d(name));

COMMENT ON FUNCTION cjm_internal.map_dimensions_sql(cjm_internal.map) IS 'SQL of each dimension of a customer, by its name, over a row j of the view journeys';

CREATE FUNCTION cjm_internal.map_values_sql(map cjm_internal.map, dimensions text[], OUT names text, OUT value text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT ROW(coalesce('VALUES ' || string_agg(format('(%s, %L::text)', w.place, w.name), ', ' ORDER BY w.place), 'SELECT NULL::integer, NULL::text WHERE false'),
		coalesce('CASE d.place ' || string_agg(format('WHEN %s THEN %s', w.place, w.expression), ' ' ORDER BY w.place) || ' END', 'NULL::text'))
	FROM (SELECT row_number() OVER (ORDER BY e.name COLLATE "C") AS place, e.name, e.expression
		FROM jsonb_each_text(cjm_internal.map_dimensions_sql(map)) e(name, expression) WHERE e.name = ANY (dimensions)) w);

COMMENT ON FUNCTION cjm_internal.map_values_sql(cjm_internal.map, text[]) IS 'SQL: the places and names of these dimensions, as d, and the value that a journey j has of each';

CREATE FUNCTION cjm_internal.map_words(map cjm_internal.map) RETURNS jsonb
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN cjm_internal.map_dimensions_sql(map) || '{"first_channel": "cjm.first_channel(j.journey)"}'::jsonb;

COMMENT ON FUNCTION cjm_internal.map_words(cjm_internal.map) IS 'SQL of what is known of every customer, by names: dimensions, and first_channel';

CREATE FUNCTION cjm_internal.map_walk_words(map cjm_internal.map, entered text) RETURNS jsonb
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT cjm_internal.map_words(map) || jsonb_build_object('channel', format('cjm.entry_channel(%s)', w.arguments), 'entry_channel', format('cjm.entry_channel(%s)', w.arguments),
		'session_channel', cjm_internal.map_session_channel_sql(map, cjm_internal.map_began_sql(map, format('cjm.funnel_times(%s)', w.arguments))))
	FROM (SELECT format('j.journey, %L::cjm.funnel', (map).stages) || coalesce(', ' || entered, '') AS arguments) w);

COMMENT ON FUNCTION cjm_internal.map_walk_words(cjm_internal.map, text) IS
	'SQL of what a report about walks knows, by names: map_words, entry_channel or channel, and session_channel (of the session in which the walk began)';

CREATE FUNCTION cjm_internal.map_words_hint(words text[], name text, lead text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN concat('Did you mean "' || cjm_internal.map_nearest(name, words) || '"? ', lead, (SELECT string_agg(w, ', ' ORDER BY w COLLATE "C") FROM unnest(words) w), '.');

COMMENT ON FUNCTION cjm_internal.map_words_hint(text[], text, text) IS 'what to do where a name is none of those that a report knows';

CREATE FUNCTION cjm_internal.map_split(words jsonb, by text, groups text[] DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	split text := coalesce(words ->> by, 'NULL::text');
	shown text[] := array_remove(groups, NULL) || NULL::text;
BEGIN
	IF by IS NOT NULL AND NOT words ? by THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('this report cannot be split by "%s"', left(by, 100)),
			HINT = cjm_internal.map_words_hint(ARRAY(SELECT jsonb_object_keys(words)), by, 'It can by ');
	END IF;
	-- Looked up among those that are shown, NULL being one of them, so that it is worked out once.
	RETURN CASE WHEN by IS NULL OR groups IS NULL THEN split
		ELSE format('(%L::text[])[coalesce(array_position(%L::text[], (%s) COLLATE "C"), %s)]', shown || 'others'::text, shown, split, cardinality(shown) + 1) END;
END
$$;

COMMENT ON FUNCTION cjm_internal.map_split(jsonb, text, text[]) IS 'SQL: what the rows of a report are split by, all that are not among the groups, if these are given, being others; an error if this report knows no such word';

CREATE FUNCTION cjm_internal.map_if_split(query text, split boolean) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN regexp_replace(query, '\{([^{}]*)\}', CASE WHEN split THEN '\1' ELSE '' END, 'g');

COMMENT ON FUNCTION cjm_internal.map_if_split(text, boolean) IS 'SQL with or without what stands in braces';

CREATE FUNCTION cjm_internal.map_where(map cjm_internal.map, lead text, words jsonb, elsewhere text[] DEFAULT '{}') RETURNS text
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	given record;
	conditions text[] := '{}';
BEGIN
	FOR given IN
		SELECT w.key AS name, w.value IS NULL OR w.value = 'null' OR w.value @> '[null]' AS missing, words ->> w.key AS expression,
			ARRAY(SELECT v FROM jsonb_array_elements_text(CASE jsonb_typeof(w.value) WHEN 'array' THEN w.value ELSE jsonb_build_array(w.value) END) v WHERE v IS NOT NULL) AS texts
		FROM jsonb_each((map).where_is) w ORDER BY w.key COLLATE "C"
	LOOP
		CONTINUE WHEN given.name = ANY (elsewhere);
		IF given.expression IS NULL THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('this report cannot ask for "%s"', left(given.name, 100)),
				HINT = cjm_internal.map_words_hint(elsewhere || ARRAY(SELECT jsonb_object_keys(words)), given.name, 'where_is may have ');
		END IF;
		conditions := conditions || concat('(', CASE WHEN given.missing THEN format('(%s) IS NULL OR ', given.expression) END,
			format('(%s) COLLATE "C" = ANY (%L::text[])', given.expression, given.texts), ')');
	END LOOP;
	RETURN CASE WHEN conditions = '{}' THEN '' ELSE concat(' ', lead, ' ', array_to_string(conditions, ' AND ')) END;
END
$$;

COMMENT ON FUNCTION cjm_internal.map_where(cjm_internal.map, text, jsonb, text[]) IS
	'SQL: the condition of where_is on what the words stand for, after WHERE or AND; empty without one, and an error if a name is no word';

CREATE FUNCTION cjm_internal.map_journeys_by(map cjm_internal.map, split text, condition text) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN format(CASE WHEN cjm_internal.map_distributed((map).source) THEN '(SELECT j.customer, j.journey, %s AS label FROM %s.journeys j%s) j'
		ELSE '(SELECT j.journey, %s AS label FROM %s.journeys j%s OFFSET ''0'') j' END, split, cjm_internal.map_schema(map), condition);
END
$$;

COMMENT ON FUNCTION cjm_internal.map_journeys_by(cjm_internal.map, text, text) IS 'SQL: the journeys j of a map that meet a condition, each with the group that its customer is in, of which SQL is given, as label';

CREATE FUNCTION cjm_internal.map_with_groups(map cjm_internal.map, words jsonb, by text, condition text, from_time timestamptz, to_time timestamptz) RETURNS cjm_internal.map
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	most CONSTANT integer := 6;
BEGIN
	EXECUTE format('SELECT coalesce(array_agg(g.label ORDER BY g.customers DESC, g.label COLLATE "C"), ''{}'')
		FROM (SELECT l.label, l.customers, row_number() OVER (PARTITION BY l.label IS NULL ORDER BY l.customers DESC, l.label COLLATE "C") AS place
			FROM (SELECT %s AS label, count(*) AS customers FROM %s.journeys j WHERE %s%s GROUP BY 1) l) g WHERE g.place <= %s',
		cjm_internal.map_split(words, by), cjm_internal.map_schema(map), condition, cjm_internal.map_where(map, 'AND', words), most)
		INTO map.groups USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
	RETURN map;
END
$$;

COMMENT ON FUNCTION cjm_internal.map_with_groups(cjm_internal.map, jsonb, text, text, timestamptz, timestamptz) IS
	'a map of which the groups that most customers are in, of those who meet a condition, are shown by themselves, the largest first, NULL beside them';

CREATE OR REPLACE FUNCTION cjm_internal.map_completed_step(map cjm_internal.map) RETURNS integer
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 100
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT max(s.step) FROM cjm.funnel_stages((map).stages) s WHERE NOT s.optional);

CREATE OR REPLACE FUNCTION cjm_internal.map_stage_names(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 200
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT format('(%L::text[])', array_agg(r.stage ORDER BY r.step)) FROM cjm.report(cjm.funnel_stats((map).stages)) r);

CREATE OR REPLACE FUNCTION cjm_internal.map_schema(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT quote_ident(n.nspname) FROM pg_namespace n WHERE n.oid = (map).map);

CREATE OR REPLACE FUNCTION cjm_internal.map_answer_events(map cjm_internal.map) RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN array_remove(ARRAY[(map).nps, (map).csat, (map).ces], NULL);

CREATE OR REPLACE FUNCTION cjm_internal.map_valued_journey(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN cjm_internal.map_answer_events(map) = '{}' THEN 'j.journey' ELSE format('cjm.without_values(j.journey, %L::text[])', cjm_internal.map_answer_events(map)) END;

CREATE OR REPLACE FUNCTION cjm_internal.map_earning_journey(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT CASE WHEN a.events = '{}' THEN cjm_internal.map_valued_journey(map)
		ELSE format('cjm.without_events(%s, %L::text[])', cjm_internal.map_valued_journey(map), a.events) END
	FROM (SELECT ARRAY(SELECT e FROM unnest(cjm_internal.map_answer_events(map)) e
		WHERE NOT EXISTS (SELECT FROM cjm.funnel_stages((map).stages) s WHERE s.event = e OR s.event IS NULL) ORDER BY e) AS events) a);

CREATE FUNCTION cjm_internal.map_most_groups() RETURNS integer
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN 50;

COMMENT ON FUNCTION cjm_internal.map_most_groups() IS 'how many values of a dimension are shown by themselves, if nothing is said';

CREATE OR REPLACE FUNCTION cjm_internal.map_events_sql(map cjm_internal.map, sample text DEFAULT '') RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN format('SELECT %s AS customer, %s AS at, %s AS event, %s AS channel, %s AS value, %s AS segment, %s AS dimensions, %s AS session FROM %s%s%s',
		(map).customer, CASE WHEN (map).sequence IS NULL THEN (map).at ELSE format('cjm_internal.map_in_sequence(%s, %s)', (map).at, (map).sequence) END,
		(map).event, coalesce((map).channel, 'NULL::text'), coalesce((map).value, 'NULL::float8'),
		coalesce((map).segment, 'NULL::text'), cjm_internal.map_dimensions_of_row_sql(map), coalesce((map).session, 'NULL::text'), (map).source, sample, ' WHERE ' || (map).filter);
END
$$;

CREATE OR REPLACE FUNCTION cjm_internal.map_touch_sql(map cjm_internal.map, row_name text) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	not_empty CONSTANT text := CASE WHEN cjm_internal.map_foreign((map).source) THEN 'CASE WHEN %1$s.%2$s <> '''' THEN %1$s.%2$s ELSE NULL::text END' ELSE 'nullif(%1$s.%2$s COLLATE "C", '''')' END;
	channel CONSTANT text := format(not_empty, row_name, 'channel');
BEGIN
	RETURN format('%1$s.at, %1$s.event', row_name) || CASE WHEN (map).session IS NOT NULL THEN format(', %s, %s.value, %s', channel, row_name, format(not_empty, row_name, 'session'))
		WHEN (map).value IS NOT NULL THEN format(', %s, %s.value', channel, row_name)
		WHEN (map).channel IS NOT NULL THEN ', ' || channel ELSE '' END;
END
$$;

CREATE OR REPLACE FUNCTION cjm_internal.map_journeys_from_sql(map cjm_internal.map, rows text) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT format('SELECT e.customer, %s AS segment, cjm.journey_agg(%s) AS journey, %s AS dimensions
			FROM %s.%I e WHERE e.customer IS NOT NULL AND e.at IS NOT NULL AND %s GROUP BY e.customer',
			g.segment, cjm_internal.map_touch_sql(map, 'e'), g.dimensions, cjm_internal.map_schema(map), rows,
			CASE WHEN cjm_internal.map_foreign((map).source) THEN 'octet_length(e.event) <> 0' ELSE 'e.event COLLATE "C" <> ''''' END)
		FROM cjm_internal.map_grouped_sql(map) g);
END
$$;

CREATE OR REPLACE FUNCTION cjm_internal.map_customers_sql(map cjm_internal.map) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN format('SELECT j.customer, j.segment, f.step, %2$s[f.step] AS stage, %15$s AS entered_at, f.times[f.step] AS reached_at,
			f.times AS step_times, f.step >= %3$s AS converted, %12$s AS open, f.refused_at,
			(cjm.session_stats(%14$s, %4$s)).session_count AS sessions,
			cjm.conversions(j.journey, %1$L::cjm.funnel) AS conversions,
			cjm.touch_count(j.journey) AS touches, cjm_internal.map_money(cjm.total_value(%11$s)) AS value, cjm_internal.map_money(cjm.gross_value(%11$s)) AS gross_value,
			cjm_internal.first_at(j.journey) AS first_seen, cjm_internal.last_at(j.journey) AS last_seen,
			(cjm.last_touch(j.journey)).event AS last_event,
			(f.bought).last_at AS last_purchase_at, now() - (f.bought).last_at AS recency,
			extract(epoch FROM now() - (f.bought).last_at)::float8 / 86400 AS recency_days,
			(f.bought).purchase_count AS frequency, cjm_internal.map_money((f.bought).total_value) AS monetary, cjm_internal.map_money((f.bought).gross_value) AS gross_monetary,
			%6$s AS recency_score, %7$s AS frequency_score, %8$s AS monetary_score,
			(f.latest).step AS current_step, %2$s[(f.latest).step] AS current_stage, (f.latest).ended_at AS current_at,
			j.dimensions
		FROM %5$s.journeys j
			LEFT JOIN LATERAL (SELECT cjm.funnel_step(j.journey, %1$L::cjm.funnel) AS step,
				cjm.funnel_times(j.journey, %1$L::cjm.funnel) AS times, %9$s AS bought, %13$s AS refused_at,
				cjm_internal.latest_walk(j.journey, %1$L::cjm.funnel) AS latest FROM (VALUES (1)) one) f ON true
			LEFT JOIN (%10$s) q ON true',
		(map).stages, cjm_internal.map_stage_names(map), cjm_internal.map_completed_step(map), cjm_internal.map_session_sql(map), cjm_internal.map_schema(map),
		cjm_internal.map_score_sql('last_at'), cjm_internal.map_score_sql('purchase_count'), cjm_internal.map_score_sql('total_value'), cjm_internal.map_purchases_sql(map),
		cjm_internal.map_quintiles_sql(map), cjm_internal.map_valued_journey(map),
		cjm_internal.map_open_sql(map, NULL::text), cjm_internal.map_refused_sql(map, NULL::text), cjm_internal.map_visits_sql(map, 'j.journey'),
		cjm_internal.map_began_sql(map, 'f.times'));
END
$$;

CREATE FUNCTION cjm_internal.map_funnel_groups_sql(groups text, refused boolean, max_groups integer) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN max_groups IS NULL THEN groups ELSE format('SELECT r.dimension, r.label, r.entered, cjm.rollup(r.stats) AS stats, cjm_internal.funnel_open_rollup(r.open) AS open%2$s
	FROM (SELECT n.dimension, n.entered, n.stats, n.open, n.refused, CASE WHEN dense_rank() OVER (PARTITION BY n.dimension, n.label IS NULL ORDER BY n.customers DESC, n.label COLLATE "C") > %3$s
				THEN ''others'' ELSE n.label END AS label
		FROM (SELECT g.dimension, g.label, g.entered, g.stats, g.open, %4$s AS refused, sum(g.customers) OVER (PARTITION BY g.dimension, g.label) AS customers FROM (%1$s) g) n) r
	GROUP BY r.dimension, r.label, r.entered', groups, CASE WHEN refused THEN ', cjm.rollup(r.refused) AS refused' END, max_groups, CASE WHEN refused THEN 'g.refused' ELSE 'NULL::cjm.funnel_stats' END) END;

COMMENT ON FUNCTION cjm_internal.map_funnel_groups_sql(text, boolean, integer) IS 'SQL: groups of a funnel, of which SQL is given, no more of them than so many for each dimension, and others';

CREATE FUNCTION cjm_internal.map_funnel_sql(map cjm_internal.map, lead text, by text, bucket text, ranged boolean, dimensions text[] DEFAULT NULL, max_groups integer DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	entered text := CASE WHEN bucket IS NULL AND ranged THEN 'tstzrange($1, $2)'
		WHEN ranged THEN 'b.entered * tstzrange($1, $2)'
		WHEN bucket IS NOT NULL THEN 'b.entered' END;
	refused text := CASE WHEN (map).refusal IS NOT NULL THEN cjm_internal.map_refused_sql(map, entered) END;
	words jsonb := cjm_internal.map_walk_words(map, entered);
	valued record;
	grouped text;
BEGIN
	SELECT v.names, v.value INTO valued FROM cjm_internal.map_values_sql(map, dimensions) v;
	grouped := format('SELECT %1$s AS dimension, %2$s AS label, %3$s AS entered, cjm.funnel_agg(j.journey, %4$L::cjm.funnel%5$s) AS stats,
				cjm_internal.funnel_open_agg(j.journey, %4$L::cjm.funnel, now(), %6$s)%7$s AS open%8$s, count(*) AS customers
			FROM %9$s.journeys j%10$s%11$s',
		CASE WHEN dimensions IS NULL THEN 'NULL::text' ELSE 'd.name' END,
		CASE WHEN dimensions IS NULL THEN cjm_internal.map_split(words, by, (map).groups) ELSE valued.value END,
		CASE WHEN bucket IS NULL THEN 'NULL::tstzrange' ELSE 'b.entered' END,
		(map).stages, ', ' || entered, coalesce(entered, '''(,)''::tstzrange'),
		CASE WHEN refused IS NOT NULL THEN ' FILTER (WHERE x.at IS NULL)' END,
		CASE WHEN refused IS NOT NULL THEN format(', cjm.funnel_agg(j.journey, %L::cjm.funnel%s) FILTER (WHERE x.at IS NOT NULL) AS refused', (map).stages, ', ' || entered) END,
		cjm_internal.map_schema(map),
		-- Who refused is asked once, and not where it is used, which is twice.
		concat(CASE WHEN bucket IS NOT NULL THEN format(' CROSS JOIN LATERAL cjm.entry_buckets(j.journey, %L::cjm.funnel, %L::text, %L::text) b(entered)',
				(map).stages, bucket, (map).time_zone) END,
			' CROSS JOIN LATERAL (SELECT ' || refused || ' AS at FROM (VALUES (1)) one OFFSET 0) x',
			' CROSS JOIN (' || valued.names || ') d(place, name)',
			CASE WHEN bucket IS NOT NULL AND ranged THEN ' WHERE b.entered && tstzrange($1, $2)' || cjm_internal.map_where(map, 'AND', words) ELSE cjm_internal.map_where(map, 'WHERE', words) END),
		' GROUP BY ' || nullif(concat_ws(', ', CASE WHEN dimensions IS NOT NULL THEN '1' END, CASE WHEN by IS NOT NULL OR dimensions IS NOT NULL THEN '2' END, CASE WHEN bucket IS NOT NULL THEN '3' END), ''));
	IF dimensions IS NULL AND max_groups IS NULL THEN
		grouped := cjm_internal.map_funnel_rows_sql(map, by, bucket, ranged, grouped);
	END IF;
	RETURN format('SELECT %1$s r.step, r.stage, r.customers, r.step_rate, r.overall_rate, o.dropped, o.dropped::float8 / nullif(r.customers, 0)::float8 AS drop_rate,
			o.open_customers, r.rate_low, r.rate_high,
			r.median_time, r.mean_time, r.p90_time, r.median_total, r.p90_total,
			extract(epoch FROM r.median_time)::float8 AS median_time_seconds,
			extract(epoch FROM r.mean_time)::float8 AS mean_time_seconds,
			extract(epoch FROM r.p90_time)::float8 AS p90_time_seconds,
			extract(epoch FROM r.median_total)::float8 AS median_total_seconds,
			extract(epoch FROM r.p90_total)::float8 AS p90_total_seconds, o.refused
		FROM (%2$s) s
		CROSS JOIN LATERAL cjm.report(coalesce(s.stats, cjm.funnel_stats(%3$L::cjm.funnel))) r%4$s
		CROSS JOIN LATERAL (SELECT r.dropped - c.open - c.refused AS dropped, c.open AS open_customers, c.refused
			FROM (SELECT CASE WHEN r.dropped IS NOT NULL THEN coalesce(s.open[r.step], 0) END AS open, %5$s AS refused) c) o
		ORDER BY %6$s r.step',
		lead, cjm_internal.map_funnel_groups_sql(grouped, refused IS NOT NULL, max_groups), (map).stages,
		CASE WHEN refused IS NOT NULL THEN format(' JOIN LATERAL cjm.report(coalesce(s.refused, cjm.funnel_stats(%L::cjm.funnel))) n ON n.step = r.step', (map).stages) END,
		CASE WHEN refused IS NULL THEN 'CASE WHEN r.dropped IS NOT NULL THEN 0::bigint END' ELSE 'n.dropped' END,
		concat(CASE WHEN dimensions IS NOT NULL THEN 's.dimension COLLATE "C", ' END, CASE WHEN bucket IS NOT NULL THEN 's.entered, ' END,
			CASE WHEN by IS NOT NULL OR dimensions IS NOT NULL THEN 's.label COLLATE "C", ' END));
END
$$;

COMMENT ON FUNCTION cjm_internal.map_funnel_sql(cjm_internal.map, text, text, text, boolean, text[], integer) IS 'SQL of the views funnel, funnel_by_segment, funnel_by_week and funnel_by_dimension, and of their reports';

CREATE FUNCTION cjm_internal.map_walks_sql(map cjm_internal.map, lead text, by text, bucket text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	entered text := CASE WHEN bucket IS NULL AND ranged THEN 'tstzrange($1, $2)'
		WHEN ranged THEN 'b.entered * tstzrange($1, $2)'
		WHEN bucket IS NOT NULL THEN 'b.entered' END;
	words jsonb := cjm_internal.map_walk_words(map, entered);
BEGIN
	RETURN format('SELECT %1$s r.step, r.stage, r.customers, r.step_rate, r.overall_rate, r.dropped, r.drop_rate, NULL::bigint AS open_customers, r.rate_low, r.rate_high,
			r.median_time, r.mean_time, r.p90_time, r.median_total, r.p90_total,
			extract(epoch FROM r.median_time)::float8, extract(epoch FROM r.mean_time)::float8, extract(epoch FROM r.p90_time)::float8,
			extract(epoch FROM r.median_total)::float8, extract(epoch FROM r.p90_total)::float8, NULL::bigint AS refused
		FROM (SELECT %2$s AS label, %3$s AS entered, cjm_internal.funnel_walks_agg(j.journey, %4$L::cjm.funnel, %5$s) AS stats
			FROM %6$s.journeys j%7$s%8$s) s
		CROSS JOIN LATERAL cjm.report(coalesce(s.stats, cjm.funnel_stats(%4$L::cjm.funnel))) r
		ORDER BY %9$s r.step',
		lead, cjm_internal.map_split(words, by), CASE WHEN bucket IS NULL THEN 'NULL::tstzrange' ELSE 'b.entered' END,
		(map).stages, coalesce(entered, '''(,)''::tstzrange'), cjm_internal.map_schema(map),
		concat(CASE WHEN bucket IS NOT NULL THEN format(' CROSS JOIN LATERAL cjm.entry_buckets(j.journey, %L::cjm.funnel, %L::text, %L::text) b(entered)',
				(map).stages, bucket, (map).time_zone) END,
			CASE WHEN bucket IS NOT NULL AND ranged THEN ' WHERE b.entered && tstzrange($1, $2)' || cjm_internal.map_where(map, 'AND', words) ELSE cjm_internal.map_where(map, 'WHERE', words) END),
		' GROUP BY ' || nullif(concat_ws(', ', CASE WHEN by IS NOT NULL THEN '1' END, CASE WHEN bucket IS NOT NULL THEN '2' END), ''),
		concat(CASE WHEN bucket IS NOT NULL THEN 's.entered, ' END, CASE WHEN by IS NOT NULL THEN 's.label COLLATE "C", ' END));
END
$$;

COMMENT ON FUNCTION cjm_internal.map_walks_sql(cjm_internal.map, text, text, text, boolean) IS 'SQL of funnel_report by tries';

CREATE FUNCTION cjm_internal.map_step_values_sql(map cjm_internal.map, by text, bucket text, ranged boolean, walks boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	entered text := CASE WHEN bucket IS NULL AND ranged THEN 'tstzrange($1, $2)'
		WHEN ranged THEN 'b.entered * tstzrange($1, $2)'
		WHEN bucket IS NOT NULL THEN 'b.entered' END;
	words jsonb := cjm_internal.map_walk_words(map, entered);
BEGIN
	RETURN format('SELECT s.label, s.entered, v.step, v.value, v.valued
		FROM (SELECT %1$s AS label, %2$s AS entered, cjm_internal.step_values_agg(%3$s, %4$L::cjm.funnel, %5$s, %6$L::boolean) AS sums
			FROM %7$s.journeys j%8$s%9$s) s
			CROSS JOIN LATERAL cjm_internal.step_values(s.sums) v',
		cjm_internal.map_split(words, by), CASE WHEN bucket IS NULL THEN 'NULL::timestamptz' ELSE 'lower(b.entered)' END,
		cjm_internal.map_valued_journey(map), (map).stages, coalesce(entered, '''(,)''::tstzrange'), walks, cjm_internal.map_schema(map),
		concat(CASE WHEN bucket IS NOT NULL THEN format(' CROSS JOIN LATERAL cjm.entry_buckets(j.journey, %L::cjm.funnel, %L::text, %L::text) b(entered)',
				(map).stages, bucket, (map).time_zone) END,
			CASE WHEN bucket IS NOT NULL AND ranged THEN ' WHERE b.entered && tstzrange($1, $2)' || cjm_internal.map_where(map, 'AND', words) ELSE cjm_internal.map_where(map, 'WHERE', words) END),
		' GROUP BY ' || nullif(concat_ws(', ', CASE WHEN by IS NOT NULL THEN '1' END, CASE WHEN bucket IS NOT NULL THEN '2' END), ''));
END
$$;

COMMENT ON FUNCTION cjm_internal.map_step_values_sql(cjm_internal.map, text, text, boolean, boolean) IS 'SQL: what the touchpoints of a funnel''s steps were worth, and how many of them have a value, by label, bucket and step';

CREATE OR REPLACE FUNCTION cjm_internal.map_bucket_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('coalesce(upper(s.entered) + %L::interval <= now(), false)', coalesce(cjm.funnel_within((map).stages), interval '0'));

CREATE OR REPLACE FUNCTION cjm_internal.map_drop_off_sql(map cjm_internal.map, label text, by text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	words jsonb := cjm_internal.map_walk_words(map, CASE WHEN ranged THEN 'tstzrange($1, $2)' END) || '{"last_event": "(cjm.last_touch(j.journey)).event"}';
	-- Of those who began alone, since it takes the times of their walk.
	next_event jsonb := '{"next_event": "(cjm.first_touch(cjm.slice(j.journey, j.times[j.step] + interval ''1 microsecond'', ''infinity''::timestamptz))).event"}';
	split text := cjm_internal.map_split(words || next_event, by);
	dimension text := cjm_internal.map_dimensions_sql(map) ->> by;
	walk text := format('cjm.funnel_step(j.journey, %1$L::cjm.funnel%2$s) AS step, cjm.funnel_times(j.journey, %1$L::cjm.funnel%2$s) AS times', (map).stages, CASE WHEN ranged THEN ', tstzrange($1, $2)' END);
	-- Where the rows are on several servers each groups its own.
	apart boolean := cjm_internal.map_distributed((map).source);
	counted text := CASE WHEN apart THEN 'coalesce(sum(customers) FILTER (WHERE state = %L), 0)::bigint' ELSE 'count(*) FILTER (WHERE state = %L)' END;
	stopped text;
BEGIN
	stopped := format('SELECT j.step, %s AS label, CASE WHEN %s IS NOT NULL THEN ''refused'' WHEN cjm.funnel_open(j.journey, %L::cjm.funnel, now()%s) THEN ''open'' ELSE ''dropped'' END AS state, %s AS next_event,
				cjm_internal.last_at(j.journey) AS last_seen
			FROM (SELECT j.journey, %s AS dimension, %s) j
			WHERE j.step > 0 AND j.step < %s%s',
		-- What is in no journey is asked for where the view is.
		CASE split WHEN dimension THEN 'j.dimension' ELSE split END, cjm_internal.map_refused_sql(map, CASE WHEN ranged THEN 'tstzrange($1, $2)' END),
		(map).stages, CASE WHEN ranged THEN ', tstzrange($1, $2)' END, next_event ->> 'next_event', coalesce(dimension, 'NULL::text'),
		-- Walks are asked for once.
		format(CASE WHEN apart THEN 'w.step, w.times FROM %2$s.journeys j CROSS JOIN LATERAL (SELECT %1$s FROM (VALUES (1)) one OFFSET 0) w%3$s' ELSE '%s FROM %s.journeys j%s OFFSET ''0''' END,
			walk, cjm_internal.map_schema(map), cjm_internal.map_where(map, 'WHERE', words, '{next_event}')),
		cjm_internal.map_completed_step(map), cjm_internal.map_where(map, 'AND', next_event, ARRAY(SELECT jsonb_object_keys(words))));
	RETURN format('WITH stopped AS (
			%1$s
		), nexts AS (
			SELECT DISTINCT ON (step, label) step, label, next_event, %2$s AS customers
			FROM stopped WHERE state = ''dropped'' AND next_event IS NOT NULL
			GROUP BY step, label, next_event
			ORDER BY step, label, %2$s DESC, next_event COLLATE "C"
		)
		SELECT s.step, %7$s[s.step] AS stage, s.label AS %8$I, s.customers,
			s.customers::float8 / nullif(sum(s.customers) OVER (), 0)::float8 AS share,
			s.open_customers, (extract(epoch FROM now() - s.median_last_seen) / 86400)::float8 AS median_days_since,
			n.next_event, coalesce(n.customers, 0) AS next_customers, s.refused
		FROM (SELECT step, label, %3$s AS customers, %4$s AS open_customers, %5$s AS refused, %6$s FILTER (WHERE state = ''dropped'') AS median_last_seen
			FROM stopped GROUP BY step, label) s
			LEFT JOIN nexts n ON n.step = s.step AND n.label IS NOT DISTINCT FROM s.label
		ORDER BY s.step, s.customers DESC, s.label COLLATE "C"',
		CASE WHEN apart THEN format('SELECT r.step, r.label, r.state, r.next_event, count(*) AS customers, cjm_internal.times_apart(r.last_seen) FILTER (WHERE r.state = ''dropped'') AS last_seen
			FROM (%s) r GROUP BY r.step, r.label, r.state, r.next_event', stopped) ELSE stopped END,
		CASE WHEN apart THEN 'sum(customers)::bigint' ELSE 'count(*)' END, format(counted, 'dropped'), format(counted, 'open'), format(counted, 'refused'),
		CASE WHEN apart THEN 'cjm_internal.late_median_of(last_seen)' ELSE 'percentile_disc(0.5) WITHIN GROUP (ORDER BY last_seen DESC)' END, cjm_internal.map_stage_names(map), label);
END
$$;

CREATE OR REPLACE FUNCTION cjm_internal.map_sessions_sql(map cjm_internal.map) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN format('SELECT j.customer, j.segment, s.session_number,
			CASE WHEN s.session_number = 1 THEN ''new'' ELSE ''returning'' END AS visitor,
			(s.started_at AT TIME ZONE %L)::date AS day, s.started_at, s.ended_at, s.ended_at - s.started_at AS duration,
			cjm.interval_seconds(s.ended_at - s.started_at) AS duration_seconds,
			s.touch_count AS touches, s.entry_event, s.exit_event, s.channel, cjm_internal.map_money(s.value) AS value, s.bounced, cjm_internal.map_money(s.gross_value) AS gross_value, s.session
		FROM %s.journeys j CROSS JOIN LATERAL cjm.sessions(%s, %s) s',
		(map).time_zone, cjm_internal.map_schema(map), cjm_internal.map_visits_sql(map, cjm_internal.map_valued_journey(map)), cjm_internal.map_session_sql(map));
END
$$;

CREATE FUNCTION cjm_internal.map_bounce_sql(map cjm_internal.map, lead text, by text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	split text := cjm_internal.map_split(cjm_internal.map_words(map), by);
	range CONSTANT text := 'e.started_at >= $1 AND e.started_at < $2';
	who text := cjm_internal.map_where(map, 'WHERE', cjm_internal.map_words(map));
BEGIN
	RETURN format('SELECT %s s.event, s.channel, s.sessions, s.bounces, s.bounces::float8 / nullif(s.sessions, 0)::float8 AS bounce_rate,
			s.containing, s.exits, s.exits::float8 / s.containing::float8 AS exit_rate,
			s.touches::float8 / nullif(s.sessions, 0)::float8 AS touches_per_session,
			justify_hours(make_interval(secs => s.mean_seconds)) AS mean_time, justify_hours(make_interval(secs => s.median_seconds)) AS median_time,
			s.mean_seconds AS mean_time_seconds, s.median_seconds AS median_time_seconds,
			s.new_sessions, s.returning_sessions
		FROM (SELECT %s e.event, e.channel,
				count(*) FILTER (WHERE e.is_entry) AS sessions,
				count(*) FILTER (WHERE e.is_entry AND e.bounced) AS bounces,
				count(*) AS containing,
				count(*) FILTER (WHERE e.is_exit) AS exits,
				sum(e.touch_count) FILTER (WHERE e.is_entry) AS touches,
				(avg((e.seconds * 1e6)::bigint) FILTER (WHERE e.is_entry) / 1e6)::float8 AS mean_seconds,
				cjm.median(e.seconds) FILTER (WHERE e.is_entry) AS median_seconds,
				count(*) FILTER (WHERE e.is_entry AND e.session_number = 1) AS new_sessions,
				count(*) FILTER (WHERE e.is_entry AND e.session_number > 1) AS returning_sessions
			FROM %s CROSS JOIN LATERAL cjm.session_events(%s, %s) e%s
			GROUP BY %s e.event, e.channel) s
		ORDER BY %s s.sessions DESC, s.containing DESC, s.event COLLATE "C", s.channel COLLATE "C"',
		lead, CASE WHEN by IS NOT NULL THEN 'j.label,' END,
		CASE WHEN by IS NOT NULL THEN cjm_internal.map_journeys_by(map, split, who) ELSE cjm_internal.map_schema(map) || '.journeys j' END, cjm_internal.map_visits_sql(map, 'j.journey'), cjm_internal.map_session_sql(map),
		CASE WHEN by IS NULL THEN who || CASE WHEN ranged THEN CASE who WHEN '' THEN ' WHERE ' ELSE ' AND ' END || range ELSE '' END WHEN ranged THEN ' WHERE ' || range END,
		CASE WHEN by IS NOT NULL THEN 'j.label,' END, CASE WHEN by IS NOT NULL THEN 's.label COLLATE "C",' END);
END
$$;

COMMENT ON FUNCTION cjm_internal.map_bounce_sql(cjm_internal.map, text, text, boolean) IS 'SQL of the view bounce and of bounce_report';

CREATE OR REPLACE FUNCTION cjm_internal.map_session_report_sql(map cjm_internal.map, by text, bucket text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	words jsonb := cjm_internal.map_words(map);
	of_session jsonb := '{"channel": "s.channel", "session_channel": "s.channel", "entry_event": "s.entry_event", "exit_event": "s.exit_event",
		"visitor": "CASE WHEN s.session_number = 1 THEN ''new'' ELSE ''returning'' END"}';
	split text := cjm_internal.map_split(words || of_session, by);
	which text := cjm_internal.map_where(map, 'AND', of_session, ARRAY(SELECT jsonb_object_keys(words - ARRAY(SELECT jsonb_object_keys(of_session)))));
	who text := cjm_internal.map_where(map, 'WHERE', words, ARRAY(SELECT jsonb_object_keys(of_session)));
	of_customer boolean := by IS NOT NULL AND NOT of_session ? by;
BEGIN
	RETURN format('SELECT s.label, s.bucket_start, s.sessions, s.customers, s.new_sessions, s.returning_sessions,
			s.bounces, s.bounces::float8 / nullif(s.sessions, 0)::float8, s.touches::float8 / nullif(s.sessions, 0)::float8,
			t.mean_time, t.median_time, extract(epoch FROM t.mean_time)::float8, extract(epoch FROM t.median_time)::float8,
			s.value, trim_scale(s.value / nullif(s.sessions, 0)::numeric), s.gross_value
		FROM (SELECT %s AS label, %s AS bucket_start, count(*) AS sessions, count(*) FILTER (WHERE s.is_first) AS customers,
				count(*) FILTER (WHERE s.session_number = 1) AS new_sessions,
				count(*) FILTER (WHERE s.session_number > 1) AS returning_sessions,
				count(*) FILTER (WHERE s.bounced) AS bounces, sum(s.touch_count) AS touches,
				(avg((s.seconds * 1e6)::bigint) / 1e6)::float8 AS mean_seconds, cjm.median(s.seconds) AS median_seconds, sum(cjm_internal.map_money(s.value)) AS value, sum(cjm_internal.map_money(s.gross_value)) AS gross_value
			FROM %s CROSS JOIN LATERAL %s s%s%s) s
			CROSS JOIN LATERAL (SELECT justify_hours(make_interval(secs => s.mean_seconds)) AS mean_time,
				justify_hours(make_interval(secs => s.median_seconds)) AS median_time) t
		ORDER BY s.bucket_start, s.label COLLATE "C"',
		CASE WHEN of_session ? by THEN 's.label' WHEN by IS NOT NULL THEN 'j.label' ELSE 'NULL::text' END, CASE WHEN bucket IS NULL THEN 'NULL::timestamptz' ELSE 's.bucket_start' END,
		CASE WHEN of_customer THEN cjm_internal.map_journeys_by(map, split, who) ELSE cjm_internal.map_schema(map) || '.journeys j' END,
		format(CASE which WHEN '' THEN 'cjm.session_groups(%1$s, %2$L::interval, %3$L::text, %4$L::text, %5$L::text, %6$s, %10$L::text)'
			ELSE '(SELECT w.*, row_number() OVER (PARTITION BY w.label, w.bucket_start ORDER BY w.session_number) = 1 AS is_first
				FROM (SELECT %7$s AS label, date_trunc(%4$L::text, s.started_at, %5$L::text) AS bucket_start, s.session_number, s.touch_count,
						cjm.interval_seconds(s.ended_at - s.started_at) AS seconds, s.bounced, s.value, s.gross_value
					FROM cjm.sessions(%1$s, %2$L::interval, %11$s) s WHERE %8$s%9$s) w)' END,
			cjm_internal.map_visits_sql(map, cjm_internal.map_valued_journey(map)), (map).session_gap, CASE WHEN of_session ? by THEN CASE by WHEN 'session_channel' THEN 'channel' ELSE by END END,
			lower(bucket), (map).time_zone, CASE WHEN ranged THEN '$1, $2' ELSE '''-infinity''::timestamptz, ''infinity''::timestamptz' END,
			coalesce(of_session ->> by, 'NULL::text'), CASE WHEN ranged THEN 's.started_at >= $1 AND s.started_at < $2' ELSE 'true' END, which, (map).session_rule, cjm_internal.map_session_rule_sql(map)),
		CASE WHEN of_customer THEN '' ELSE who END,
		CASE WHEN by IS NOT NULL AND bucket IS NOT NULL THEN ' GROUP BY 1, 2'
			WHEN by IS NOT NULL THEN ' GROUP BY 1'
			WHEN bucket IS NOT NULL THEN ' GROUP BY 2' END);
END
$$;

CREATE FUNCTION cjm_internal.map_customer_words(map cjm_internal.map) RETURNS jsonb
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN cjm_internal.map_walk_words(map, NULL::text) || jsonb_build_object('channel', cjm_internal.map_words(map) -> 'first_channel',
	'session_channel', cjm_internal.map_session_channel_sql(map, 'cjm_internal.first_at(j.journey)'));

COMMENT ON FUNCTION cjm_internal.map_customer_words(cjm_internal.map) IS
	'SQL of what a report about customers knows, by names: map_words, channel (first_channel), session_channel (of their first session), entry_channel (of the winning walk)';

CREATE FUNCTION cjm_internal.map_counts_sql(map cjm_internal.map, by text, counts text) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('(SELECT t.label, t.counts, %4$s(cjm_internal.cohort_first(t.counts))%5$s AS first, %6$s(cjm_internal.cohort_last(t.counts))%5$s AS last
			FROM (SELECT %1$s AS label, %2$s AS counts FROM %3$s.journeys j%8$s%7$s) t)',
	cjm_internal.map_split(cjm_internal.map_customer_words(map), by, (map).groups), counts, cjm_internal.map_schema(map),
	CASE WHEN by IS NOT NULL THEN 'min' END, CASE WHEN by IS NOT NULL THEN ' OVER ()' END, CASE WHEN by IS NOT NULL THEN 'max' END,
	CASE WHEN by IS NOT NULL THEN ' GROUP BY 1' END, cjm_internal.map_where(map, 'WHERE', cjm_internal.map_customer_words(map)));

COMMENT ON FUNCTION cjm_internal.map_counts_sql(cjm_internal.map, text, text) IS
	'SQL: a table of counts for each label, by an aggregate of which SQL is given, and when anybody asked for was first and last seen';

CREATE FUNCTION cjm_internal.map_retention_sql(map cjm_internal.map, period text, kind text, by text, starts cjm.funnel, every_start boolean,
	returns cjm.funnel, at_least integer, brackets integer[], week_starts text, value boolean, ranged boolean, reported boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	rule text := format('%L::text, %L::text, %L::text, %L::integer[], %L::text', lower(period), (map).time_zone, lower(week_starts), brackets, kind);
BEGIN
	-- Of no cohorts it says what is wrong.
	PERFORM cjm_internal.cohort_cells(NULL::bytea, NULL::timestamptz, NULL::timestamptz, period, (map).time_zone, week_starts, brackets, kind);
	IF at_least < 1 THEN
		RAISE invalid_parameter_value USING MESSAGE = format('at_least must be at least 1, not %s', at_least);
	END IF;
	RETURN format('SELECT c.cohort, c.number, c.period_start AS period, c.cohort_size, c.retained, c.retained::float8 / c.cohort_size::float8 AS rate,
			CASE WHEN c.period_over THEN 1 - c.retained::float8 / c.cohort_size::float8 END AS churn, c.period_over%1$s
		FROM %2$s s CROSS JOIN LATERAL cjm_internal.cohort_cells(s.counts, s.last, now(), %3$s) c
		ORDER BY c.cohort, %4$sc.number',
		CASE WHEN NOT reported THEN ''
			WHEN value AND (map).value IS NOT NULL THEN ', s.label, c.period_end, coalesce(c.value, 0), coalesce(c.gross_value, 0),
			(coalesce(c.value, 0) / nullif(first_value(CASE WHEN c.number = 0 THEN c.value END) OVER (PARTITION BY s.label, c.cohort ORDER BY c.number), 0))::float8, c.purchases, c.refunds'
			ELSE format(', s.label, c.period_end, NULL::numeric, NULL::numeric, NULL::float8, %s', CASE WHEN value THEN 'c.purchases, c.refunds' ELSE 'NULL::bigint, NULL::bigint' END) END,
		cjm_internal.map_counts_sql(map, by, format('cjm_internal.cohort_agg(%s, %s, %s, %L::cjm.funnel, %L::boolean, %L::cjm.funnel, %L::integer, %L::cjm.funnel, %L::cjm.funnel)',
			CASE WHEN value THEN cjm_internal.map_valued_journey(map) ELSE 'j.journey' END,
			CASE WHEN ranged THEN '$1, $2' ELSE '''-infinity''::timestamptz, ''infinity''::timestamptz' END,
			rule, starts, every_start, returns, at_least, CASE WHEN value THEN cjm_internal.map_purchase(map) END, CASE WHEN value THEN (map).refusal END)),
		rule, CASE WHEN by IS NOT NULL THEN 's.label COLLATE "C", ' ELSE '' END);
END
$$;

COMMENT ON FUNCTION cjm_internal.map_retention_sql(cjm_internal.map, text, text, text, cjm.funnel, boolean, cjm.funnel, integer, integer[], text, boolean, boolean, boolean) IS
	'SQL of the view retention and of retention_report';

CREATE FUNCTION cjm_internal.map_lifecycle_sql(map cjm_internal.map, period text, by text, active cjm.funnel, week_starts text, ranged boolean, reported boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	rule text := format('%L::text, %L::text, %L::text', lower(period), (map).time_zone, lower(week_starts));
BEGIN
	PERFORM cjm_internal.lifecycle_periods(NULL::bytea, NULL::timestamptz, NULL::timestamptz, NULL::timestamptz, period, (map).time_zone, week_starts);
	PERFORM cjm_internal.map_check_list('active', active, (map).channel);
	RETURN format('SELECT c.period_start AS period, c.new_customers, c.returning_customers, c.resurrected_customers, c.dormant_customers, c.active_customers, c.period_over%1$s
		FROM %2$s s CROSS JOIN LATERAL cjm_internal.lifecycle_periods(s.counts, s.first, s.last, now(), %3$s) c%4$s
		ORDER BY c.period_start%5$s',
		CASE WHEN reported THEN ', s.label' ELSE '' END,
		cjm_internal.map_counts_sql(map, by, format('cjm_internal.lifecycle_agg(j.journey, %s, %L::cjm.funnel)', rule, coalesce(active, '*'))),
		rule,
		CASE WHEN ranged THEN format(' WHERE c.period_start::timestamp AT TIME ZONE %1$L >= $1 AND c.period_start::timestamp AT TIME ZONE %1$L < $2', (map).time_zone) ELSE '' END,
		CASE WHEN by IS NOT NULL THEN ', s.label COLLATE "C"' ELSE '' END);
END
$$;

COMMENT ON FUNCTION cjm_internal.map_lifecycle_sql(cjm_internal.map, text, text, cjm.funnel, text, boolean, boolean) IS
	'SQL of the view lifecycle and of lifecycle_report';

CREATE FUNCTION cjm_internal.map_makes_journeys(map regnamespace) RETURNS boolean
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 100
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	-- A name before a column is one where no word goes on; what else may differ are single characters, and a cast.
	prefix CONSTANT text := '\me\.';
	noise CONSTANT text := E' \n\t\r();';
	def cjm_internal.map;
	customer record;
BEGIN
	-- The planner asks this of every query of a funnel, more than once.
	IF cjm_internal.kept_state(map) IS NOT NULL THEN
		RETURN false;
	END IF;
	def := cjm_internal.map_in(map);
	-- Citus answers a query of both with nothing at all.
	IF cjm_internal.map_distributed((def).source) THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('%s was distributed after the map %s was made', (def).source, map),
			HINT = 'create_map with replace => true makes the views of the map for that.';
	END IF;
	SELECT c.oid AS view, a.atttypid AS type, a.attcollation AS collation INTO customer
	FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'customer'
	WHERE c.relnamespace = map AND c.relname = 'journeys' AND c.relkind = 'v';
	-- The aggregate of rows is not told what sessions they name.
	IF (def).session IS NOT NULL AND cjm_internal.map_within_session((def).stages) THEN
		RETURN false;
	END IF;
	-- Where something is looked up, its expression would have to be read again, for which a reader may have no right.
	RETURN concat((def).segment, (def).dimensions) !~* 'select' AND def.map IS NOT NULL AND cjm_internal.map_by_bytes(customer.type, customer.collation)
		AND lower(replace(translate(regexp_replace(pg_get_viewdef(customer.view), prefix, '', 'g'), noise, ''), '::text', '')) =
			lower(replace(translate(regexp_replace(cjm_internal.map_journeys_from_sql(def, 'events'), prefix, '', 'g'), noise, ''), '::text', ''));
END
$$;

COMMENT ON FUNCTION cjm_internal.map_makes_journeys(regnamespace) IS 'whether the view journeys of a map is as it was made, over rows, of customers who are equal if their bytes are';

CREATE FUNCTION cjm_internal.map_reads_rows(map regnamespace) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN cjm_internal.map_makes_journeys(map);

COMMENT ON FUNCTION cjm_internal.map_reads_rows(regnamespace) IS
	'the same, immutable for the sake of the planner, which plans one way alone: in a query that reads the view journeys, so that its plan is made anew when the view is replaced';

CREATE FUNCTION cjm_internal.map_by_bytes(type oid, collation oid) RETURNS boolean
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (WITH RECURSIVE base(type) AS (
			SELECT map_by_bytes.type
			UNION ALL
			SELECT t.typbasetype FROM base b JOIN pg_type t ON t.oid = b.type WHERE t.typtype = 'd')
		SELECT coalesce(bool_or(p.amproc IN ('btequalimage(oid)'::regprocedure, 'btvarstrequalimage(oid)'::regprocedure)), false)
			AND NOT EXISTS (SELECT FROM pg_collation c WHERE c.oid = map_by_bytes.collation AND NOT c.collisdeterministic)
		FROM base b
			JOIN pg_type t ON t.oid = b.type AND t.typtype <> 'd'
			JOIN pg_opclass o ON o.opcintype = CASE t.typtype WHEN 'e' THEN 'anyenum'::regtype ELSE CASE b.type WHEN 'varchar'::regtype THEN 'text'::regtype ELSE b.type END END
				AND o.opcdefault AND o.opcmethod = (SELECT m.oid FROM pg_am m WHERE m.amname = 'btree')
			JOIN pg_amproc p ON p.amprocfamily = o.opcfamily AND p.amproclefttype = o.opcintype AND p.amprocrighttype = o.opcintype AND p.amprocnum = 4);
END
$$;

COMMENT ON FUNCTION cjm_internal.map_by_bytes(oid, oid) IS 'whether values of a type and a collation are equal just if their bytes are';

CREATE FUNCTION cjm_internal.map_dimension_of_row_sql(map cjm_internal.map, name text) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT cjm_internal.map_part_sql(d.place)
	FROM (SELECT 0 AS place, 'segment'::text AS name, (map).segment AS expression
		UNION ALL SELECT e.place::integer, e.name, e.expression FROM jsonb_each_text((map).dimensions) WITH ORDINALITY e(name, expression, place)) d
	WHERE d.name = map_dimension_of_row_sql.name AND d.expression !~* 'select' ORDER BY d.place LIMIT 1);

COMMENT ON FUNCTION cjm_internal.map_dimension_of_row_sql(cjm_internal.map, text) IS 'SQL: what a row e of the view events tells of a dimension of a map; NULL if there is none of that name, or rows do not tell it';

CREATE FUNCTION cjm_internal.map_funnel_rows_sql(map cjm_internal.map, by text, bucket text, ranged boolean, journeys text) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	told text := cjm_internal.map_dimension_of_row_sql(map, by);
BEGIN
	IF (by IS NOT NULL AND told IS NULL) OR (map).where_is IS NOT NULL OR (map).groups IS NOT NULL OR cjm_internal.map_distributed((map).source) OR cjm_internal.map_foreign((map).source)
		OR NOT coalesce(has_table_privilege(to_regclass(cjm_internal.map_schema(map) || '.events'), 'SELECT'), to_regclass(cjm_internal.map_schema(map) || '.journeys') IS NULL) THEN
		RETURN journeys;
	END IF;
	RETURN format('SELECT NULL::text AS dimension, g.label, g.entered, g.stats, (SELECT array_agg(coalesce(o.dropped, 0) ORDER BY o.step) FROM cjm.report(g.open) o) AS open%12$s, NULL::bigint AS customers
		FROM (SELECT cjm_internal.map_funnel_agg(e.customer, e.at, e.event, %1$s, %2$s, %3$L::cjm.funnel, %4$L::cjm.funnel, (SELECT now()), %5$L::text, %6$L::text, %7$L::text, %8$s) AS groups
			FROM %9$s.events e) a
			%10$s JOIN LATERAL unnest(a.groups) g ON true
		WHERE cjm_internal.map_reads_rows(%11$L::regnamespace)
		UNION ALL
		SELECT j.* FROM (%13$s) j WHERE NOT cjm_internal.map_reads_rows(%11$L::regnamespace)',
		CASE WHEN cjm_internal.map_asks_channel(map) THEN 'nullif(e.channel, '''')' ELSE 'NULL::text' END,
		coalesce(told, 'NULL::text'),
		(map).stages, (map).refusal, CASE WHEN by IS NOT NULL THEN (map).segment_at END, bucket, (map).time_zone,
		CASE WHEN ranged THEN 'tstzrange($1, $2)' ELSE '''(,)''::tstzrange' END, cjm_internal.map_schema(map),
		-- Of no rows there is a funnel all the same, and no group.
		CASE WHEN by IS NULL AND bucket IS NULL THEN 'LEFT' ELSE 'INNER' END, (map).map,
		CASE WHEN (map).refusal IS NOT NULL THEN ', g.refused' END, journeys);
END
$$;

COMMENT ON FUNCTION cjm_internal.map_funnel_rows_sql(cjm_internal.map, text, text, boolean, text) IS 'SQL of the groups of a funnel of a map: from its rows where they tell, else from its journeys, by a query that is given';

CREATE FUNCTION cjm_internal.map_relations_read(source regclass) RETURNS oid[]
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 100
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (WITH RECURSIVE reads(oid) AS (
			SELECT source::oid
			UNION
			SELECT d.refobjid
			FROM reads r JOIN pg_class v ON v.oid = r.oid AND v.relkind = 'v'
				JOIN pg_rewrite w ON w.ev_class = v.oid
				JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass)
		SELECT array_agg(r.oid) FROM reads r);
END
$$;

COMMENT ON FUNCTION cjm_internal.map_relations_read(regclass) IS 'a table or view, and all that it reads if it is a view';

CREATE FUNCTION cjm_internal.map_distributed(source regclass) RETURNS boolean
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 100
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF to_regclass('pg_catalog.pg_dist_partition') IS NULL THEN
		RETURN false;
	END IF;
	RETURN EXISTS (SELECT FROM pg_catalog.pg_dist_partition p
		WHERE p.logicalrelid = ANY (cjm_internal.map_relations_read(source)) AND p.partmethod <> 'n');
END
$$;

COMMENT ON FUNCTION cjm_internal.map_distributed(regclass) IS 'whether Citus has distributed a table, or one that a view reads';

CREATE FUNCTION cjm_internal.map_foreign(source regclass) RETURNS boolean
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 100
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_foreign_table) OR EXISTS (SELECT FROM pg_class c WHERE c.oid = source AND c.relkind IN ('r', 'm')) THEN
		RETURN false;
	END IF;
	RETURN EXISTS (SELECT FROM unnest(cjm_internal.map_relations_read(source)) r(oid) JOIN pg_class c ON c.oid = r.oid
			CROSS JOIN LATERAL (SELECT c.oid WHERE c.relkind = 'f' UNION ALL SELECT t.relid FROM pg_partition_tree(c.oid) t WHERE c.relkind = 'p') t(oid)
			JOIN pg_foreign_table f ON f.ftrelid = t.oid JOIN pg_foreign_server s ON s.oid = f.ftserver JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
			CROSS JOIN LATERAL pg_options_to_table(s.srvoptions) o
		WHERE w.fdwname = 'postgres_fdw' AND o.option_name = 'extensions' AND o.option_value ~ '(^|,)\s*"?cjm"?\s*(,|$)');
END
$$;

COMMENT ON FUNCTION cjm_internal.map_foreign(regclass) IS
	'whether a table, a partition of it, or one that a view reads, lies on another server that postgres_fdw lets work out what cjm can';

CREATE FUNCTION cjm_internal.map_arms_sql(map cjm_internal.map, arms text[], columns text[]) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF cardinality(arms) = 1 OR NOT cjm_internal.map_distributed((map).source) THEN
		RETURN array_to_string(arms, ' UNION ALL ');
	END IF;
	RETURN (SELECT format('SELECT %s FROM (VALUES %s) k(arm) %s WHERE coalesce(%s)',
			(SELECT string_agg(format('CASE k.arm %s END AS %I', (SELECT string_agg(format('WHEN %s THEN a%1$s.%I', n, c.name), ' ' ORDER BY n) FROM generate_series(1, cardinality(arms)) n), c.name), ', ' ORDER BY c.place)
				FROM unnest(columns) WITH ORDINALITY c(name, place)),
			string_agg(format('(%s)', a.place), ', ' ORDER BY a.place),
			string_agg(format('LEFT JOIN LATERAL (SELECT true AS there, a.* FROM (%s) a WHERE k.arm = %s) a%2$s ON true', a.arm, a.place), ' ' ORDER BY a.place),
			string_agg(format('a%s.there', a.place), ', ' ORDER BY a.place))
		FROM unnest(arms) WITH ORDINALITY a(arm, place));
END
$$;

COMMENT ON FUNCTION cjm_internal.map_arms_sql(cjm_internal.map, text[], text[]) IS 'SQL: the rows that a journey j makes by several queries over it, of which SQL is given';

CREATE FUNCTION cjm_internal.map_late_median_sql(map cjm_internal.map, at text) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format(CASE WHEN cjm_internal.map_distributed((map).source) THEN 'cjm_internal.late_median_apart(%s)' ELSE 'percentile_disc(0.5) WITHIN GROUP (ORDER BY %s DESC)' END, at);

COMMENT ON FUNCTION cjm_internal.map_late_median_sql(cjm_internal.map, text) IS 'SQL: the median of a time, the later one of an even number';

CREATE FUNCTION cjm_internal.map_moments_sql(map cjm_internal.map, columns text[], counted text, moment text, sums text[], rest text) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	keys text := (SELECT string_agg(c.place::text, ', ' ORDER BY c.place) FROM unnest(columns) WITH ORDINALITY c(name, place));
	of_group text := (SELECT string_agg(format('g.%I', c.name), ', ' ORDER BY c.place) FROM unnest(columns) WITH ORDINALITY c(name, place));
BEGIN
	IF NOT cjm_internal.map_distributed((map).source) THEN
		RETURN format('SELECT %s, %s AS moment, count(*)::float8 AS customers%s %s GROUP BY %s, %s', counted, moment,
			(SELECT string_agg(format(', %s AS %s', v.sum, v.name), '' ORDER BY v.place) FROM (SELECT s.place, split_part(s.sum, '=', 1) AS name, split_part(s.sum, '=', 2) AS sum FROM unnest(sums) WITH ORDINALITY s(sum, place)) v),
			rest, keys, cardinality(columns) + 1);
	END IF;
	-- A sum is in the first row of its group alone.
	RETURN format('SELECT %s, nullif(c.value, -2)::integer AS moment, c.count::float8 AS customers%s
			FROM (SELECT %s, cjm_internal.values_apart(coalesce(%s, -2)::float8) AS moments%s %s GROUP BY %s) g
				CROSS JOIN LATERAL cjm_internal.values_counted(g.moments) WITH ORDINALITY c(value, count, place)',
		of_group, (SELECT string_agg(format(', CASE c.place WHEN 1 THEN g.%1$s END AS %1$s', split_part(s.sum, '=', 1)), '' ORDER BY s.place) FROM unnest(sums) WITH ORDINALITY s(sum, place)),
		counted, moment, (SELECT string_agg(format(', %s AS %s', split_part(s.sum, '=', 2), split_part(s.sum, '=', 1)), '' ORDER BY s.place) FROM unnest(sums) WITH ORDINALITY s(sum, place)),
		rest, keys);
END
$$;

COMMENT ON FUNCTION cjm_internal.map_moments_sql(cjm_internal.map, text[], text, text, text[], text) IS
	'SQL: customers by columns, of which names and SQL are given, and moment, counted over the rest of a query; with more aggregates, name=SQL each';

CREATE FUNCTION cjm_internal.map_entry_buckets(journey cjm.journey, funnel cjm.funnel, bucket text, time_zone text) RETURNS SETOF tstzrange
	AS 'MODULE_PATHNAME', 'journey_entry_buckets'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 ROWS 3;

COMMENT ON FUNCTION cjm_internal.map_entry_buckets(cjm.journey, cjm.funnel, text, text) IS
	'entry_buckets in a time zone of a map, which is no abbreviation: as immutable as AT TIME ZONE, so that Citus takes it inside of a subquery';

CREATE FUNCTION cjm_internal.map_distributed_findings(map cjm_internal.map) RETURNS TABLE (finding text, meaning text)
	LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	plan jsonb;
BEGIN
	IF cjm_internal.map_foreign((map).source) THEN
		EXECUTE format('EXPLAIN (VERBOSE, FORMAT JSON) SELECT j.customer, j.journey FROM %s.journeys j', cjm_internal.map_schema(map)) INTO plan;
		IF EXISTS (SELECT FROM pg_class v WHERE v.relnamespace = (map).map AND v.relname = 'journeys' AND v.relkind = 'v' AND pg_get_viewdef(v.oid) ~ 'event COLLATE') THEN
			RETURN QUERY SELECT 'distributed since', 'the source came to lie on other servers after the map was made: create_map with replace => true makes its views for that';
		ELSIF plan @? '$.** ? (@."Node Type" == "Foreign Scan" && !(@."Relations" starts with "Aggregate on "))' THEN
			RETURN QUERY SELECT 'rows are fetched', 'other servers send rows, and the journeys are made here: they are made there with enable_partitionwise_aggregate = on, after ANALYZE of the foreign tables, if customer is the bare column that partitions go by, and there is no filter';
		END IF;
	END IF;
	IF NOT cjm_internal.map_distributed((map).source) THEN
		RETURN;
	END IF;
	IF EXISTS (SELECT FROM pg_class v WHERE v.relnamespace = (map).map AND v.relname = 'funnel' AND v.relkind = 'v' AND pg_get_viewdef(v.oid) ~ 'map_reads_rows') THEN
		RETURN QUERY SELECT 'distributed since', 'the source was distributed after the map was made: create_map with replace => true makes its views for that';
	END IF;
	EXECUTE format('EXPLAIN (FORMAT JSON) SELECT j.customer, j.journey FROM %s.journeys j', cjm_internal.map_schema(map)) INTO plan;
	IF plan::text ~ '"Group Key": \["remote_scan' THEN
		RETURN QUERY SELECT 'rows are fetched', format('customer is %s, which is not the column that the source is distributed by: every row is fetched and grouped here', (map).customer);
	END IF;
	IF (map).access = 'owner' THEN
		RETURN QUERY SELECT 'readers need the source', 'Citus asks for the rows as whoever reads the views: grant SELECT on the source as well, or let them call a SECURITY DEFINER function in PL/pgSQL';
	END IF;
END
$$;

COMMENT ON FUNCTION cjm_internal.map_distributed_findings(cjm_internal.map) IS 'what the maker of a map should know if its source lies on several machines';

CREATE FUNCTION cjm_internal.map_path_split(map cjm_internal.map, by text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN cjm_internal.map_split(cjm_internal.map_words(map) || '{"event": null, "channel": null}'::jsonb, by);

COMMENT ON FUNCTION cjm_internal.map_path_split(cjm_internal.map, text) IS 'SQL: what paths are split by, NULL::text if by is event or channel, which is what they lead through';

CREATE FUNCTION cjm_internal.map_touchpoints_sql(map cjm_internal.map, label text, by text, ranged boolean, reported boolean) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	words jsonb := cjm_internal.map_walk_words(map, CASE WHEN ranged THEN 'tstzrange($1, $2)' END);
	split text := cjm_internal.map_split(words || '{"event": null, "channel": null}'::jsonb, by, (map).groups);
	is_split boolean := by <> ALL ('{event,channel}'::text[]);
	-- channel is what was met.
	who text := cjm_internal.map_where(map, CASE WHEN is_split THEN 'WHERE' ELSE 'AND' END, words - 'channel');
	columns CONSTANT text[] := '{step,label,met,went_on,stayed,took,age}';
BEGIN
	RETURN format(cjm_internal.map_if_split('WITH met AS (
			%2$s
		), fair AS (
			SELECT w.step{, w.part}, min(w.seconds) AS seconds, cjm_internal.map_moment(min(w.seconds)) AS until, cjm_internal.map_window(min(w.seconds)) AS age
			FROM (SELECT m.step{, m.part}, u.seconds, sum(m.customers) FILTER (WHERE m.took < cjm_internal.map_window(u.seconds)) AS by_then, sum(m.customers) AS ever
				FROM (SELECT m.step{, m.part}, m.took, sum(m.customers) AS customers FROM met m WHERE m.label IS NULL AND m.went_on GROUP BY m.step{, m.part}, m.took) m
					CROSS JOIN unnest(cjm_internal.map_windows()) u(seconds)
				GROUP BY m.step{, m.part}, u.seconds) w
			WHERE 10 * w.by_then >= 9 * w.ever GROUP BY w.step{, w.part}
		), points AS (
			SELECT p.*, sum(p.met - p.gone) OVER earlier - (p.met - p.gone) AS had_met,
				sum(p.met_and_went - p.gone_and_went) OVER earlier - (p.met_and_went - p.gone_and_went) AS had_met_and_went,
				sum(p.gone) FILTER (WHERE p.label IS NULL) OVER later AS there, sum(p.gone_and_went) FILTER (WHERE p.label IS NULL) OVER later AS there_and_went
			FROM (SELECT m.step{, m.part}, m.label, m.moment, coalesce(sum(m.customers) FILTER (WHERE m.met), 0) AS met,
					coalesce(sum(m.customers) FILTER (WHERE m.met AND m.went_on), 0) AS met_and_went, coalesce(sum(m.customers) FILTER (WHERE NOT m.met), 0) AS gone,
					coalesce(sum(m.customers) FILTER (WHERE NOT m.met AND m.went_on), 0) AS gone_and_went
				FROM met m JOIN fair f ON f.step = m.step{ AND f.part = m.part} AND m.age >= f.age AND (m.label IS NULL OR m.moment < f.until)
				WHERE m.stayed GROUP BY m.step{, m.part}, m.label, m.moment) p
			WINDOW earlier AS (PARTITION BY p.step{, p.part}, p.label ORDER BY p.moment), later AS (PARTITION BY p.step{, p.part} ORDER BY p.moment DESC)
		), risk AS (
			SELECT p.step{, p.part}, p.label, p.moment, p.met, p.met_and_went, p.there - p.had_met - p.met AS there, p.there_and_went - p.had_met_and_went - p.met_and_went AS went_on
			FROM points p WHERE p.met > 0
		), compared AS (
			SELECT greatest(count(*), 1) AS comparisons
			FROM (SELECT FROM risk r WHERE r.there > 0 GROUP BY r.step{, r.part}, r.label HAVING sum(r.met) >= %4$s AND max(r.there) >= %4$s) r
		), rates AS (
			SELECT r.step{, r.part}, r.label, sum(r.met)::bigint AS met, sum(r.met_and_went)::bigint AS met_and_went,
				sum(r.met) FILTER (WHERE r.there > 0)::bigint AS some_met, sum(r.met_and_went) FILTER (WHERE r.there > 0)::bigint AS some_met_and_went,
				max(r.there)::bigint AS there, sum(r.met * i.rate ORDER BY r.moment) AS rate, sum(r.met * i.rate_low ORDER BY r.moment) AS low,
				sum(r.met * i.rate_high ORDER BY r.moment) AS high
			FROM risk r CROSS JOIN compared c CROSS JOIN LATERAL cjm.rate_interval(r.went_on::bigint, r.there::bigint, c.comparisons) i GROUP BY r.step{, r.part}, r.label
		)
		SELECT t.step, %1$s[t.step] AS stage, %5$s AS %3$I, t.customers, t.customers::float8 / t.all_customers::float8 AS share,
			t.touches, t.first_seen, t.last_seen, justify_hours(make_interval(secs => f.seconds)) AS compared_within,
			CASE WHEN f.step IS NOT NULL THEN coalesce(c.some_met, c.met, 0) END AS with_customers,
			CASE WHEN f.step IS NOT NULL THEN coalesce(c.some_met_and_went, c.met_and_went, 0) END AS with_went_on, v.rate AS with_rate,
			nullif(c.there, 0) AS without_customers, u.rate AS without_rate, d.difference, d.low AS difference_low, d.high AS difference_high,
			CASE WHEN d.difference IS NOT NULL THEN (d.low > 0 OR d.high < 0) AND c.some_met >= %4$s AND c.there >= %4$s END AS sure%6$s
		FROM (SELECT m.step{, m.part}, m.label, (sum(m.customers) FILTER (WHERE m.met OR m.label IS NULL))::bigint AS customers, (sum(m.touches) FILTER (WHERE m.met OR m.label IS NULL))::bigint AS touches,
				min(m.first_seen) AS first_seen, max(m.last_seen) AS last_seen,
				max(sum(m.customers)) FILTER (WHERE m.label IS NULL) OVER (PARTITION BY m.step{, m.part}) AS all_customers
			FROM met m GROUP BY m.step{, m.part}, m.label) t
			CROSS JOIN compared n
			LEFT JOIN fair f ON f.step = t.step{ AND f.part = t.part}
			LEFT JOIN rates c ON c.step = t.step AND c.label = t.label{ AND c.part = t.part}
			CROSS JOIN LATERAL (SELECT c.rate / c.some_met::float8 AS rate, c.low / c.some_met::float8 AS low, c.high / c.some_met::float8 AS high) u
			CROSS JOIN LATERAL cjm.rate_interval(coalesce(c.some_met_and_went, c.met_and_went), coalesce(c.some_met, c.met), n.comparisons) v
			CROSS JOIN LATERAL (SELECT v.rate - u.rate AS difference, v.rate - u.rate - sqrt((v.rate - v.rate_low) ^ 2 + (u.high - u.rate) ^ 2) AS low,
				v.rate - u.rate + sqrt((v.rate_high - v.rate) ^ 2 + (u.rate - u.low) ^ 2) AS high) d
		WHERE t.label IS NOT NULL
		ORDER BY {%5$s COLLATE "C", }t.step, t.customers DESC, t.label COLLATE "C"', is_split),
		cjm_internal.map_stage_names(map),
		cjm_internal.map_moments_sql(map, CASE WHEN is_split THEN columns || 'part'::text ELSE columns END,
			'e.step, e.label COLLATE "C" AS label, p.met, coalesce(e.went_on, false) AS went_on, coalesce(e.stayed <> 0, true) AS stayed,
				CASE WHEN e.label IS NULL THEN cjm_internal.map_window(e.went_on_after) END AS took, cjm_internal.map_window(date_part(''epoch'', now() - e.reached_at)) AS age'
				|| CASE WHEN is_split THEN ', j.label COLLATE "C" AS part' ELSE '' END,
			'cjm_internal.map_moment(CASE WHEN p.met THEN e.met_after ELSE e.stayed END)',
			'{touches=sum(e.touches::float8),first_seen=min(e.first_seen),last_seen=max(e.last_seen)}',
			format('FROM %s CROSS JOIN LATERAL cjm.stage_touches(j.journey, %L::cjm.funnel, %L::text, %s) e CROSS JOIN (VALUES (true), (false)) p(met)
			WHERE CASE WHEN p.met THEN e.label IS NOT NULL ELSE e.label IS NULL OR e.stayed IS NOT NULL END%s%s',
				CASE WHEN is_split THEN cjm_internal.map_journeys_by(map, format('coalesce(''='' || (%s), '''')', split), who) ELSE cjm_internal.map_schema(map) || '.journeys j' END,
				(map).stages, CASE WHEN by = 'channel' THEN by ELSE 'event' END, CASE WHEN ranged THEN 'tstzrange($1, $2)' ELSE '''(,)''::tstzrange' END,
				CASE WHEN ranged THEN ' AND e.step > 0' END, CASE WHEN NOT is_split THEN who END)),
		label, cjm_internal.map_few(),
		CASE WHEN is_split THEN 'CASE WHEN t.part <> '''' THEN substr(t.part, 2) END' ELSE 't.label COLLATE "default"' END,
		CASE WHEN reported THEN ', t.label COLLATE "default" AS touchpoint' END);
END
$$;

COMMENT ON FUNCTION cjm_internal.map_touchpoints_sql(cjm_internal.map, text, text, boolean, boolean) IS 'SQL of the view touchpoints and of touchpoint_report';

CREATE OR REPLACE FUNCTION cjm_internal.map_stages_sql(map cjm_internal.map, lead text, by text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	words jsonb := cjm_internal.map_walk_words(map, CASE WHEN ranged THEN 'tstzrange($1, $2)' END);
BEGIN
	RETURN format('WITH counted AS (
			SELECT f.step, %5$s AS label, count(*) FILTER (WHERE NOT f.open AND NOT f.refused) AS customers, count(*) FILTER (WHERE f.open) AS open_customers,
				count(*) FILTER (WHERE f.refused) AS refused,
				%14$s FILTER (WHERE NOT f.open AND NOT f.refused) AS median_last_seen, %14$s FILTER (WHERE f.open) AS open_median_last_seen
			FROM %4$s.journeys j CROSS JOIN LATERAL (
				SELECT cjm.funnel_step(j.journey, %1$L::cjm.funnel%6$s) AS step, %11$s AS open, %12$s IS NOT NULL AS refused,
					cjm_internal.last_at(j.journey) AS last_seen FROM (VALUES (1)) one OFFSET 0) f%13$s
			GROUP BY 1, 2
		)
		SELECT %7$s s.step, %2$s[s.step] AS stage, s.step >= %3$s AS converted, coalesce(c.customers, 0) AS customers,
			coalesce(c.customers, 0)::float8 / nullif(sum(c.customers) OVER (PARTITION BY l.label), 0)::float8 AS share,
			coalesce(c.open_customers, 0) AS open_customers, (extract(epoch FROM now() - c.median_last_seen) / 86400)::float8 AS median_days_since,
			(extract(epoch FROM now() - c.open_median_last_seen) / 86400)::float8 AS open_median_days_since,
			coalesce(c.refused, 0) AS refused
		FROM %8$s l(label) CROSS JOIN generate_series(%9$s, %10$s) s(step)
			LEFT JOIN counted c ON c.step = s.step AND c.label IS NOT DISTINCT FROM l.label
		ORDER BY l.label COLLATE "C", s.step',
		(map).stages, cjm_internal.map_stage_names(map), cjm_internal.map_completed_step(map), cjm_internal.map_schema(map), cjm_internal.map_split(words, by),
		CASE WHEN ranged THEN ', tstzrange($1, $2)' END, lead,
		CASE WHEN by IS NULL THEN '(VALUES (NULL::text))' ELSE '(SELECT DISTINCT label FROM counted)' END,
		CASE WHEN ranged THEN 1 ELSE 0 END, (SELECT max(s.step) FROM cjm.funnel_stages((map).stages) s),
		cjm_internal.map_open_sql(map, CASE WHEN ranged THEN 'tstzrange($1, $2)' END), cjm_internal.map_refused_sql(map, CASE WHEN ranged THEN 'tstzrange($1, $2)' END),
		cjm_internal.map_where(map, 'WHERE', words), cjm_internal.map_late_median_sql(map, 'f.last_seen'));
END
$$;

CREATE FUNCTION cjm_internal.map_first_seen_sql(map cjm_internal.map, ranged boolean) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN ranged THEN ' WHERE cjm_internal.first_at(j.journey) >= $1 AND cjm_internal.first_at(j.journey) < $2' ELSE '' END ||
	cjm_internal.map_where(map, CASE WHEN ranged THEN 'AND' ELSE 'WHERE' END, cjm_internal.map_words(map));

COMMENT ON FUNCTION cjm_internal.map_first_seen_sql(cjm_internal.map, boolean) IS 'SQL: the condition on journeys j that are asked for and begin in a range';

CREATE FUNCTION cjm_internal.map_per_session(per text) RETURNS boolean
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF per NOT IN ('customer', 'session') THEN
		RAISE invalid_parameter_value USING MESSAGE = format('per cannot be "%s"', per), HINT = 'It is customer or session.';
	END IF;
	RETURN coalesce(per = 'session', false);
END
$$;

COMMENT ON FUNCTION cjm_internal.map_per_session(text) IS 'whether a report is asked for per session; NULL is per customer';

CREATE FUNCTION cjm_internal.map_transitions_sql(map cjm_internal.map, lead text, by text, depth integer, repeats boolean, ranged boolean, timed boolean, per text) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	per_session boolean := cjm_internal.map_per_session(per);
	split text := cjm_internal.map_path_split(map, by);
	by_position text := CASE WHEN depth IS NOT NULL THEN 'x.position, ' END;
	grouped text := CASE WHEN split <> 'NULL::text' THEN 'j.label, ' END;
	who text := cjm_internal.map_first_seen_sql(map, ranged);
BEGIN
	IF depth < 2 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('depth must be at least 2, not %s', depth),
			HINT = 'It is the number of positions; NULL is for pairs wherever they stand.';
	ELSIF repeats IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'repeats must not be NULL';
	END IF;
	RETURN format('SELECT %1$s t.source, t.target, t.value, t.customers, t.value::float8 / t.leaving::float8 AS share%13$s
		FROM (SELECT %2$s AS source, %3$s AS target, count(*) AS value, %8$s AS customers,
				sum(count(*)) OVER (PARTITION BY %9$sx.source) AS leaving%10$s%14$s
			FROM %4$s CROSS JOIN LATERAL %15$scjm.transitions(%12$s, %5$L::text, %6$s)%16$s x
			%7$s GROUP BY %9$sx.source, x.target) t
		WHERE t.target IS NOT NULL
		ORDER BY %11$st.value DESC, t.source COLLATE "C", t.target COLLATE "C"',
		lead,
		CASE WHEN depth IS NULL THEN 'x.source' ELSE 'x.position || ''. '' || x.source' END,
		CASE WHEN depth IS NULL THEN 'x.target' ELSE '(x.position + 1) || ''. '' || x.target' END,
		CASE WHEN grouped IS NULL THEN cjm_internal.map_schema(map) || '.journeys j' ELSE cjm_internal.map_journeys_by(map, split, who) END, CASE by WHEN 'channel' THEN by ELSE 'event' END,
		format('%L::integer, %L::boolean, %s', coalesce(depth, 16777216), repeats, CASE WHEN per_session THEN cjm_internal.map_session_sql(map) ELSE 'NULL::interval, NULL::text, NULL::text' END),
		CASE WHEN grouped IS NULL THEN who ELSE '' END,
		-- At one position a customer has one pair, or one of each session.
		CASE WHEN depth IS NULL THEN 'count(*) FILTER (WHERE x.occurrence = 1)' WHEN per_session THEN 'count(*) FILTER (WHERE x.nth = 1)' ELSE 'count(*)' END,
		concat(grouped, by_position),
		concat(CASE WHEN depth IS NOT NULL THEN ', x.position' END, CASE WHEN grouped IS NOT NULL THEN ', j.label' END),
		concat(CASE WHEN grouped IS NOT NULL THEN 't.label COLLATE "C", ' END, CASE WHEN depth IS NOT NULL THEN 't.position, ' END),
		CASE WHEN per_session THEN cjm_internal.map_visits_sql(map, 'j.journey') ELSE 'j.journey' END,
		CASE WHEN timed THEN ', t.median_seconds' ELSE '' END,
		CASE WHEN timed THEN ', cjm.median(x.seconds) AS median_seconds' ELSE '' END,
		CASE WHEN depth IS NOT NULL AND per_session THEN '(SELECT x.*, row_number() OVER (PARTITION BY x.position, x.source, x.target) AS nth FROM ' ELSE '' END,
		CASE WHEN depth IS NOT NULL AND per_session THEN ' x)' ELSE '' END);
END
$$;

COMMENT ON FUNCTION cjm_internal.map_transitions_sql(cjm_internal.map, text, text, integer, boolean, boolean, boolean, text) IS 'SQL of the view transitions and of transition_report';

CREATE FUNCTION cjm_internal.map_completed_at_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format(CASE WHEN cjm_internal.map_completed_step(map) = (SELECT max(s.step) FROM cjm.funnel_stages((map).stages) s)
		THEN '(cjm.funnel_times(j.journey, %1$L::cjm.funnel))[%2$s]'
		ELSE '(SELECT min(e.reached_at) FROM cjm.stage_touches(j.journey, %1$L::cjm.funnel, ''event''::text, ''(,)''::tstzrange) e WHERE e.label IS NULL AND e.step >= %2$s)' END,
	(map).stages, cjm_internal.map_completed_step(map));

COMMENT ON FUNCTION cjm_internal.map_completed_at_sql(cjm_internal.map) IS 'SQL: when the customer of a journey j first completed the funnel; NULL if never';

CREATE FUNCTION cjm_internal.map_until_completed_sql() RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN 'CASE WHEN f.completed_at IS NULL THEN j.journey ELSE cjm.slice(j.journey, ''-infinity''::timestamptz, f.completed_at + interval ''1 microsecond'') END';

COMMENT ON FUNCTION cjm_internal.map_until_completed_sql() IS 'SQL: a journey j up to its completion f.completed_at';

CREATE FUNCTION cjm_internal.map_paths_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('SELECT array_to_string(p.nodes, '' > '') AS path, p.nodes, p.customers,
			p.customers::float8 / (sum(p.customers) OVER ())::float8 AS share, p.converted, p.converted::float8 / p.customers::float8 AS rate
		FROM (SELECT cjm.event_path(%s, 10, false) AS nodes, count(*) AS customers, count(f.completed_at) AS converted
			FROM %s.journeys j CROSS JOIN LATERAL (SELECT %s AS completed_at FROM (VALUES (1)) one OFFSET 0) f GROUP BY 1) p
		ORDER BY p.customers DESC, p.nodes COLLATE "C"',
	cjm_internal.map_until_completed_sql(), cjm_internal.map_schema(map), cjm_internal.map_completed_at_sql(map));

COMMENT ON FUNCTION cjm_internal.map_paths_sql(cjm_internal.map) IS 'SQL of the view paths';

CREATE FUNCTION cjm_internal.map_path_report_sql(map cjm_internal.map, by text, depth integer, repeats boolean, per text, length integer, after text, before text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	per_session boolean := cjm_internal.map_per_session(per);
	split text := cjm_internal.map_path_split(map, by);
	grouped boolean := split <> 'NULL::text';
	parts boolean := per_session OR length IS NOT NULL OR after IS NOT NULL OR before IS NOT NULL;
BEGIN
	IF depth < 1 THEN
		RAISE invalid_parameter_value USING MESSAGE = format('depth must be at least 1, not %s', depth);
	ELSIF length NOT BETWEEN 1 AND 100 THEN
		RAISE invalid_parameter_value USING MESSAGE = format('length must be from 1 to 100, not %s', length);
	END IF;
	RETURN format('SELECT p.label, array_to_string(p.nodes, '' > '') AS path, p.nodes, p.customers, p.times::float8 / (sum(p.times) OVER (%s))::float8 AS share,
			p.converted, p.converted::float8 / p.customers::float8 AS rate, p.times, p.median_seconds
		FROM (SELECT %s AS label, coalesce(x.nodes, ''{}''::text[]) AS nodes, count(*) FILTER (WHERE coalesce(x.occurrence, 1) = 1) AS customers,
				count(f.completed_at) FILTER (WHERE coalesce(x.occurrence, 1) = 1) AS converted, count(*) AS times, cjm.median(x.seconds) AS median_seconds
			FROM %s.journeys j CROSS JOIN LATERAL (SELECT %s AS completed_at FROM (VALUES (1)) one OFFSET 0) f
				%s cjm.paths(%s, %L::text, %L::integer, %L::boolean, %L::interval, %L::integer, %L::text, %L::text, %s) x ON true
			%s GROUP BY 1, 2) p
		ORDER BY %sp.times DESC, p.nodes COLLATE "C"',
		CASE WHEN grouped THEN 'PARTITION BY p.label' END, split, cjm_internal.map_schema(map), cjm_internal.map_completed_at_sql(map), CASE WHEN parts THEN 'JOIN LATERAL' ELSE 'LEFT JOIN LATERAL' END,
		CASE WHEN per_session THEN cjm_internal.map_visits_sql(map, 'j.journey') WHEN parts THEN 'j.journey' ELSE cjm_internal.map_until_completed_sql() END,
		CASE by WHEN 'channel' THEN by ELSE 'event' END, depth, repeats, CASE WHEN per_session THEN (map).session_gap END, length, after, before, CASE WHEN per_session THEN cjm_internal.map_session_rule_sql(map) ELSE 'NULL::text, NULL::text' END,
		cjm_internal.map_first_seen_sql(map, ranged), CASE WHEN grouped THEN 'p.label COLLATE "C", ' END);
END
$$;

COMMENT ON FUNCTION cjm_internal.map_path_report_sql(cjm_internal.map, text, integer, boolean, text, integer, text, text, boolean) IS 'SQL of path_report';

CREATE OR REPLACE FUNCTION cjm_internal.map_attribution_sql(map cjm_internal.map, lead text, by text, models text[], arguments text, data_driven boolean) RETURNS text
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

CREATE OR REPLACE FUNCTION cjm_internal.map_attribution_per(map cjm_internal.map) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN coalesce((map).attribution_per, 'touchpoint');

CREATE OR REPLACE FUNCTION cjm_internal.map_only_channels(map cjm_internal.map) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN coalesce((map).only_channels, false);

CREATE OR REPLACE FUNCTION cjm_internal.map_attribution_arguments(map cjm_internal.map, models text[]) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format(', %L::text[], NULL::interval, %L::text, %L::interval, interval ''7 days'', ''{0.4,0.2,0.4}''::float8[], ''{direct}''::text[], %L::boolean, ''-infinity''::timestamptz, ''infinity''::timestamptz, %s',
	models, cjm_internal.map_attribution_per(map), (map).session_gap, cjm_internal.map_only_channels(map), cjm_internal.map_session_rule_sql(map));

CREATE OR REPLACE FUNCTION cjm_internal.map_attribution_view_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN cjm_internal.map_attribution_sql(map, '', NULL, cjm_internal.map_attribution_models() || '{markov,shapley}'::text[],
	CASE WHEN cjm_internal.map_attribution_per(map) <> 'touchpoint' OR cjm_internal.map_only_channels(map) THEN cjm_internal.map_attribution_arguments(map, cjm_internal.map_attribution_models()) ELSE '' END, true);

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

CREATE OR REPLACE FUNCTION cjm_internal.map_money(value float8) RETURNS numeric
	AS 'MODULE_PATHNAME', 'map_money'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE OR REPLACE FUNCTION cjm_internal.map_has_purchase(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 200
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT CASE WHEN count(s.event) = count(*) THEN '(' || string_agg(format('cjm.has_event(j.journey, %L::text)', s.event), ' OR ') || ')' END
	FROM (SELECT p.event FROM cjm.funnel_stages(cjm_internal.map_purchase(map)) p UNION ALL SELECT r.event FROM cjm.funnel_stages((map).refusal) r) s);

CREATE OR REPLACE FUNCTION cjm_internal.map_purchases_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 400
	SET search_path = pg_catalog, pg_temp
RETURN format('cjm.purchase_stats(%s, %L::cjm.funnel%s)', cjm_internal.map_valued_journey(map), cjm_internal.map_purchase(map), ', ' || quote_literal((map).refusal) || '::cjm.funnel');

CREATE OR REPLACE FUNCTION cjm_internal.map_quintiles_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 400
	SET search_path = pg_catalog, pg_temp
RETURN format('SELECT percentile_disc(''{0.2,0.4,0.6,0.8}''::float8[]) WITHIN GROUP (ORDER BY p.last_at) AS last_at,
			percentile_disc(''{0.2,0.4,0.6,0.8}''::float8[]) WITHIN GROUP (ORDER BY p.purchase_count) AS purchase_count,
			percentile_disc(''{0.2,0.4,0.6,0.8}''::float8[]) WITHIN GROUP (ORDER BY p.total_value) AS total_value
		FROM %s.journeys j CROSS JOIN LATERAL %s p WHERE p.purchase_count > 0%s',
	cjm_internal.map_schema(map), cjm_internal.map_purchases_sql(map), ' AND ' || cjm_internal.map_has_purchase(map));

CREATE OR REPLACE FUNCTION cjm_internal.map_spend_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN (map).spend IS NOT NULL THEN format('SELECT s.day::date AS day, nullif(s.channel::text, '''') AS channel, s.impressions::numeric AS impressions,
		s.clicks::numeric AS clicks, s.cost::numeric AS cost FROM %s s', (map).spend)
	ELSE 'SELECT NULL::date AS day, NULL::text AS channel, NULL::numeric AS impressions, NULL::numeric AS clicks, NULL::numeric AS cost WHERE false' END;

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

CREATE OR REPLACE FUNCTION cjm_internal.map_is_score(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('coalesce(t.value = trunc(t.value) AND CASE t.event WHEN %L THEN t.value BETWEEN 0 AND 10 WHEN %L THEN t.value BETWEEN 1 AND 5
	WHEN %L THEN t.value BETWEEN 1 AND 7 END, false)', (map).nps, (map).csat, (map).ces);

CREATE FUNCTION cjm_internal.map_feedback_sql(map cjm_internal.map, lead text, by text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	answers text[] := cjm_internal.map_answer_events(map);
	split text := cjm_internal.map_split(cjm_internal.map_words(map), by, (map).groups);
BEGIN
	RETURN format('SELECT %11$s s.step, %2$s[s.step] AS stage, s.event, s.answers,
			s.nps_answers, s.nps, s.nps_interval[1] AS nps_low, s.nps_interval[2] AS nps_high,
			s.csat_answers, s.csat, s.csat_interval[1] AS csat_low, s.csat_interval[2] AS csat_high,
			s.ces_answers, s.ces, s.ces_interval[1] AS ces_low, s.ces_interval[2] AS ces_high,
			s.decided, s.dropped, s.dropped::float8 / nullif(s.decided, 0)::float8 AS drop_rate,
			s.unhappy, s.unhappy_dropped::float8 / nullif(s.unhappy, 0)::float8 AS unhappy_drop_rate,
			s.happy, s.happy_dropped::float8 / nullif(s.happy, 0)::float8 AS happy_drop_rate, s.nps_mean, s.csat_mean
		FROM (SELECT %12$sr.step, r.event, count(*) AS answers,
				count(*) FILTER (WHERE r.survey = ''nps'') AS nps_answers, cjm.nps(r.score) FILTER (WHERE r.survey = ''nps'') AS nps,
				cjm.nps_interval(r.score) FILTER (WHERE r.survey = ''nps'') AS nps_interval,
				avg(r.score) FILTER (WHERE r.survey = ''nps'') AS nps_mean, avg(r.score) FILTER (WHERE r.survey = ''csat'') AS csat_mean,
				count(*) FILTER (WHERE r.survey = ''csat'') AS csat_answers, cjm.csat(r.score) FILTER (WHERE r.survey = ''csat'') AS csat,
				cjm.csat_interval(r.score) FILTER (WHERE r.survey = ''csat'') AS csat_interval,
				count(*) FILTER (WHERE r.survey = ''ces'') AS ces_answers, cjm.ces(r.score) FILTER (WHERE r.survey = ''ces'') AS ces,
				cjm.ces_interval(r.score) FILTER (WHERE r.survey = ''ces'') AS ces_interval,
				count(r.dropped) AS decided, count(*) FILTER (WHERE r.dropped) AS dropped,
				count(r.dropped) FILTER (WHERE r.unhappy) AS unhappy, count(*) FILTER (WHERE r.dropped AND r.unhappy) AS unhappy_dropped,
				count(r.dropped) FILTER (WHERE r.happy) AS happy, count(*) FILTER (WHERE r.dropped AND r.happy) AS happy_dropped
			FROM (SELECT CASE t.event WHEN %6$L THEN ''nps'' WHEN %7$L THEN ''csat'' ELSE ''ces'' END AS survey, t.value AS score,
					t.step, t.last_event AS event,
					CASE t.event WHEN %6$L THEN t.value >= 9 WHEN %7$L THEN t.value >= 4 ELSE t.value >= 5 END AS happy,
					CASE t.event WHEN %6$L THEN t.value <= 6 WHEN %7$L THEN t.value <= 2 ELSE t.value <= 3 END AS unhappy,
					CASE WHEN t.step < %3$s AND NOT f.open AND NOT t.open AND (t.step > 0 OR coalesce(t.at + %4$L::interval < now(), true))
						THEN f.step = t.step END AS dropped%13$s
				FROM %5$s.journeys j
					CROSS JOIN LATERAL (SELECT cjm.funnel_step(j.journey, %1$L::cjm.funnel) AS step,
						cjm.funnel_open(j.journey, %1$L::cjm.funnel, now()) AS open FROM (VALUES (1)) one OFFSET 0) f
					CROSS JOIN LATERAL unnest(cjm_internal.map_answers(j.journey, %1$L::cjm.funnel, %10$L::text[], now())) t
				WHERE (%8$s) AND %9$s%14$s) r
			GROUP BY %12$sr.step, r.event) s
		ORDER BY %15$ss.step, s.answers DESC, s.event COLLATE "C"',
		(map).stages, cjm_internal.map_stage_names(map), cjm_internal.map_completed_step(map), cjm.funnel_within((map).stages), cjm_internal.map_schema(map), (map).nps, (map).csat,
		(SELECT coalesce(string_agg(format('cjm.has_event(j.journey, %L::text)', a.event), ' OR '), 'false') FROM unnest(answers) a(event)),
		cjm_internal.map_is_score(map), answers, lead, CASE WHEN by IS NOT NULL THEN 'r.label, ' END, CASE WHEN by IS NOT NULL THEN format(', %s AS label', split) END,
		concat(CASE WHEN ranged THEN ' AND t.at >= $1 AND t.at < $2' END, cjm_internal.map_where(map, 'AND', cjm_internal.map_words(map))), CASE WHEN by IS NOT NULL THEN 's.label COLLATE "C", ' END);
END
$$;

COMMENT ON FUNCTION cjm_internal.map_feedback_sql(cjm_internal.map, text, text, boolean) IS 'SQL of the view feedback and of feedback_report';

CREATE FUNCTION cjm.feedback_report(
	map text,
	by text DEFAULT NULL,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL)
	RETURNS TABLE (by_value text, step integer, stage text, event text, answers bigint, nps_answers bigint, nps float8, nps_low float8, nps_high float8,
		csat_answers bigint, csat float8, csat_low float8, csat_high float8, ces_answers bigint, ces float8, ces_low float8, ces_high float8,
		decided bigint, dropped bigint, drop_rate float8, unhappy bigint, unhappy_drop_rate float8, happy bigint, happy_drop_rate float8, nps_mean float8, csat_mean float8)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 50
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE cjm_internal.map_feedback_sql(cjm_internal.map_of(map, where_is), CASE WHEN by IS NULL THEN 'NULL::text,' ELSE 's.label,' END, by, cjm_internal.map_ranged(from_time, to_time))
		USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;

COMMENT ON FUNCTION cjm.feedback_report(text, text, timestamptz, timestamptz, jsonb) IS
'what customers answered in a time range, and whether they went on.
by: NULL, a dimension of the map (segment), or first_channel
where_is: which customers, a value or a list of values by name: {"segment": ["LV", "EE"], "first_channel": null}; the names are dimensions of the map and first_channel
Columns as in the view feedback.';

CREATE OR REPLACE FUNCTION cjm_internal.map_feedback_comments() RETURNS TABLE (view_name text, column_name text, comment text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 30
BEGIN ATOMIC
	SELECT v.view_name, v.column_name, v.comment
	FROM (VALUES
		('map', 'nps', 'the event whose value is an answer from 0 to 10, or NULL'),
		('map', 'csat', 'the event whose value is an answer from 1 to 5, or NULL'),
		('map', 'ces', 'the event whose value is an answer from 1 to 7, or NULL'),

		('feedback', NULL, 'one row per stage and touchpoint: what customers answered there, and whether they went on'),
		('feedback', 'step', 'the step that the customer stood at when answering; 0 is before the first'),
		('feedback', 'stage', 'its name'),
		('feedback', 'event', 'the last event before the answer that is no answer itself; NULL if there is none'),
		('feedback', 'answers', 'answers with a score, of all surveys'),
		('feedback', 'nps_answers', 'answers from 0 to 10'),
		('feedback', 'nps', 'their Net Promoter Score, -100 to 100'),
		('feedback', 'nps_low', 'lower end of its 95 % interval'),
		('feedback', 'nps_high', 'upper end of it'),
		('feedback', 'csat_answers', 'answers from 1 to 5'),
		('feedback', 'csat', 'the share of 4 and 5 among them'),
		('feedback', 'csat_low', 'lower end of its 95 % interval'),
		('feedback', 'csat_high', 'upper end of it'),
		('feedback', 'ces_answers', 'answers from 1 to 7'),
		('feedback', 'ces', 'their mean, the Customer Effort Score'),
		('feedback', 'ces_low', 'lower end of its 95 % interval; NULL for one answer'),
		('feedback', 'ces_high', 'upper end of it'),
		('feedback', 'decided', 'answers of customers who had not completed the funnel, whose time to do so is over and who are not open; the rates are of these'),
		('feedback', 'dropped', 'those of them whose customer came no further'),
		('feedback', 'drop_rate', 'their share'),
		('feedback', 'unhappy', 'the decided answers that are 0 to 6 of NPS, 1 or 2 of CSAT, 1 to 3 of CES'),
		('feedback', 'unhappy_drop_rate', 'drop_rate of these'),
		('feedback', 'happy', 'the decided answers that are 9 or 10 of NPS, 4 or 5 of CSAT, 5 to 7 of CES'),
		('feedback', 'happy_drop_rate', 'drop_rate of these'),
		('feedback', 'nps_mean', 'mean of the answers from 0 to 10'),
		('feedback', 'csat_mean', 'mean of the answers from 1 to 5')) v(view_name, column_name, comment);
END;

CREATE FUNCTION cjm_internal.map_metrics() RETURNS TABLE (place integer, metric text, family text, kind text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 17
BEGIN ATOMIC
	SELECT m.place, m.metric, m.family, m.kind
	FROM (VALUES
		(1, 'step_rate', 'funnel', 'rate'),
		(2, 'conversion', 'funnel', 'rate'),
		(3, 'refusal_rate', 'funnel', 'rate'),
		(4, 'median_time', 'funnel', 'time'),
		(5, 'median_total', 'funnel', 'time'),
		(6, 'visits', 'sessions', 'count'),
		(7, 'bounce_rate', 'sessions', 'rate'),
		(8, 'returning_share', 'sessions', 'rate'),
		(9, 'retention', 'retention', 'rate'),
		(10, 'repeat_rate', 'purchases', 'rate'),
		(11, 'order_value', 'purchases', 'money'),
		(12, 'revenue', 'purchases', 'amount'),
		(13, 'cpa', 'channels', 'money'),
		(14, 'roas', 'channels', 'money'),
		(15, 'nps', 'feedback', 'score'),
		(16, 'csat', 'feedback', 'rate'),
		(17, 'ces', 'feedback', 'score')) m(place, metric, family, kind);
END;

COMMENT ON FUNCTION cjm_internal.map_metrics() IS 'the figures that maps have over time, the report that each is taken from, and what kind of figure it is';

CREATE FUNCTION cjm_internal.map_has_metric(map cjm_internal.map, metric text) RETURNS boolean
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE metric WHEN 'refusal_rate' THEN (map).refusal IS NOT NULL WHEN 'order_value' THEN (map).value IS NOT NULL WHEN 'revenue' THEN (map).value IS NOT NULL
	WHEN 'cpa' THEN (map).spend IS NOT NULL WHEN 'roas' THEN (map).spend IS NOT NULL AND (map).value IS NOT NULL
	WHEN 'nps' THEN (map).nps IS NOT NULL WHEN 'csat' THEN (map).csat IS NOT NULL WHEN 'ces' THEN (map).ces IS NOT NULL ELSE true END;

COMMENT ON FUNCTION cjm_internal.map_has_metric(cjm_internal.map, text) IS 'whether a map has what a figure is made of';

CREATE FUNCTION cjm_internal.map_metric_words(map cjm_internal.map, family text, splits boolean) RETURNS text[]
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE family
	WHEN 'funnel' THEN ARRAY(SELECT jsonb_object_keys(cjm_internal.map_walk_words(map, NULL::text)))
	WHEN 'sessions' THEN ARRAY(SELECT jsonb_object_keys(cjm_internal.map_words(map))) || '{channel,session_channel,entry_event,exit_event,visitor}'::text[]
	WHEN 'retention' THEN ARRAY(SELECT jsonb_object_keys(cjm_internal.map_customer_words(map)))
	WHEN 'purchases' THEN ARRAY(SELECT jsonb_object_keys(cjm_internal.map_walk_words(map, NULL::text) - 'session_channel'))
	WHEN 'channels' THEN '{channel}'::text[]
	WHEN 'feedback' THEN ARRAY(SELECT jsonb_object_keys(cjm_internal.map_words(map))) END;

COMMENT ON FUNCTION cjm_internal.map_metric_words(cjm_internal.map, text, boolean) IS 'what figures of a report can be split by, or else asked for by where_is';

CREATE FUNCTION cjm_internal.map_metrics_of(map cjm_internal.map, metric text, by text) RETURNS text[]
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	known text[] := ARRAY(SELECT m.metric FROM cjm_internal.map_metrics() m ORDER BY m.place);
	wanted text[];
	family text := (SELECT m.family FROM cjm_internal.map_metrics() m WHERE m.metric = map_metrics_of.metric);
	asked text[] := ARRAY(SELECT jsonb_object_keys(map.where_is));
	unknown text;
BEGIN
	IF metric IS NULL THEN
		wanted := ARRAY(SELECT m.metric FROM cjm_internal.map_metrics() m
			WHERE cjm_internal.map_has_metric(map, m.metric) AND (by IS NULL OR by = ANY (cjm_internal.map_metric_words(map, m.family, true)))
				AND asked <@ cjm_internal.map_metric_words(map, m.family, false) ORDER BY m.place);
		IF wanted <> '{}' THEN
			RETURN wanted;
		ELSIF by IS NOT NULL THEN
			-- The funnel knows most words.
			PERFORM cjm_internal.map_split(cjm_internal.map_walk_words(map, NULL::text), by);
		END IF;
		PERFORM cjm_internal.map_where(map, 'WHERE', cjm_internal.map_walk_words(map, NULL::text));
		RAISE invalid_parameter_value USING
			MESSAGE = format('no figure can be split by "%s" for these customers', left(by, 100)),
			HINT = 'Leave out by, or where_is.';
	ELSIF family IS NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('there is no metric "%s"', left(metric, 100)),
			HINT = concat('Did you mean "' || cjm_internal.map_nearest(metric, known) || '"? ', 'Metrics are ', array_to_string(known, ', '), '.');
	ELSIF NOT cjm_internal.map_has_metric(map, metric) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('the map has no %s', metric),
			HINT = format('It takes %s; cjm.create_map can say so, with replace => true.', CASE family WHEN 'funnel' THEN 'refusal' WHEN 'purchases' THEN 'value'
				WHEN 'channels' THEN CASE metric WHEN 'roas' THEN 'spend and value' ELSE 'spend' END ELSE metric END);
	END IF;
	IF by <> ALL (cjm_internal.map_metric_words(map, family, true)) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('%s cannot be split by "%s"', metric, left(by, 100)),
			HINT = CASE family WHEN 'channels' THEN 'It can by channel: of what was spent nothing else is known.' ELSE cjm_internal.map_words_hint(cjm_internal.map_metric_words(map, family, true), by, 'It can by ') END;
	END IF;
	SELECT a INTO unknown FROM unnest(asked) a WHERE a <> ALL (cjm_internal.map_metric_words(map, family, false)) ORDER BY a LIMIT 1;
	IF FOUND THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('%s cannot be asked for "%s"', metric, left(unknown, 100)),
			HINT = CASE family WHEN 'channels' THEN 'where_is may have channel: of what was spent nothing else is known.' ELSE cjm_internal.map_words_hint(cjm_internal.map_metric_words(map, family, false), unknown, 'where_is may have ') END;
	END IF;
	RETURN ARRAY[metric];
END
$$;

COMMENT ON FUNCTION cjm_internal.map_metrics_of(cjm_internal.map, text, text) IS 'the figures that a map has for a word to split by and its where_is; an error if there is none, or not the one that is asked for';

CREATE FUNCTION cjm_internal.map_over_sql(map cjm_internal.map, period text, start text, later interval) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('coalesce(CASE WHEN %1$s < timestamptz ''200000-01-01 00:00+00'' THEN (((%1$s AT TIME ZONE %2$L) + %3$L::interval) AT TIME ZONE %2$L) + %4$L::interval <= now() END, false)',
	start, (map).time_zone, cjm_internal.map_period(period), later);

COMMENT ON FUNCTION cjm_internal.map_over_sql(cjm_internal.map, text, text, interval) IS 'SQL: whether a period that begins at a time, of which SQL is given, is over, and so much time after it';

CREATE FUNCTION cjm_internal.map_asks_sessions(map cjm_internal.map, by text) RETURNS boolean
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN coalesce(by = ANY ('{channel,session_channel,entry_event,exit_event,visitor}'::text[]), false) OR coalesce((map).where_is ?| '{channel,session_channel,entry_event,exit_event,visitor}'::text[], false);

COMMENT ON FUNCTION cjm_internal.map_asks_sessions(cjm_internal.map, text) IS 'whether sessions are split by, or asked for by, what a session has and not its customer';

CREATE FUNCTION cjm_internal.map_session_metrics_sql(map cjm_internal.map, period text, by text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	words jsonb := cjm_internal.map_words(map);
	of_session jsonb := '{"channel": "s.channel", "session_channel": "s.channel", "entry_event": "s.entry_event", "exit_event": "s.exit_event",
		"visitor": "CASE WHEN s.session_number = 1 THEN ''new'' ELSE ''returning'' END"}';
BEGIN
	RETURN format('SELECT w.label, w.bucket_start, ARRAY[count(*)::numeric, sum(w.sessions), sum(w.returning), sum(w.bounces), sum(w.sessions * w.sessions), sum(w.returning * w.returning), sum(w.returning * w.sessions),
				sum(w.bounces * w.bounces), sum(w.bounces * w.sessions)] AS sums
			FROM %1$s CROSS JOIN LATERAL (
				SELECT %2$s AS label, date_trunc(%3$L::text, s.started_at, %4$L::text) AS bucket_start, count(*) AS sessions, count(*) FILTER (WHERE s.session_number > 1) AS returning,
					count(*) FILTER (WHERE s.touch_count = 1) AS bounces
				FROM cjm.sessions(%5$s, %6$L::interval, %7$s) s WHERE %8$s%9$s GROUP BY 1, 2) w
			GROUP BY 1, 2',
		cjm_internal.map_journeys_by(map, cjm_internal.map_split(words || of_session, CASE WHEN NOT of_session ? by THEN by END), cjm_internal.map_where(map, 'WHERE', words, ARRAY(SELECT jsonb_object_keys(of_session)))),
		coalesce(of_session ->> by, 'j.label'), lower(period), (map).time_zone, cjm_internal.map_visits_sql(map, 'j.journey'), (map).session_gap, cjm_internal.map_session_rule_sql(map),
		CASE WHEN ranged THEN 's.started_at >= $1 AND s.started_at < $2' ELSE 'true' END,
		cjm_internal.map_where(map, 'AND', of_session, ARRAY(SELECT jsonb_object_keys(words - ARRAY(SELECT jsonb_object_keys(of_session))))));
END
$$;

COMMENT ON FUNCTION cjm_internal.map_session_metrics_sql(cjm_internal.map, text, text, boolean) IS 'SQL: sums of sessions by what they have themselves, in the order of session_sums_agg, for each part and period';

CREATE FUNCTION cjm_internal.map_paid_sql(map cjm_internal.map, period text, by text, ranged boolean) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('SELECT %1$s AS label, date_trunc(%2$L::text, s.day::timestamp) AT TIME ZONE %3$L AS bucket_start, sum(CASE WHEN %4$s THEN s.cost END) AS cost
		FROM %5$s.spend s WHERE s.day IS NOT NULL%6$s%7$s GROUP BY 1, 2',
	CASE WHEN by IS NULL THEN 'NULL::text' ELSE 's.channel' END, lower(period), (map).time_zone, cjm_internal.map_is_amount('s.cost'), cjm_internal.map_schema(map),
	CASE WHEN ranged THEN format(' AND s.day::timestamp AT TIME ZONE %1$L >= $1 AND s.day::timestamp AT TIME ZONE %1$L < $2', (map).time_zone) END,
	cjm_internal.map_where(map, 'AND', '{"channel": "s.channel"}'));

COMMENT ON FUNCTION cjm_internal.map_paid_sql(cjm_internal.map, text, text, boolean) IS 'SQL: what was paid in each period, for all channels that are asked for together, or for each';

CREATE FUNCTION cjm_internal.map_channel_metrics_sql(map cjm_internal.map, period text, by text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	credits text[] := ARRAY(SELECT format('SELECT a.conversion_at AS at, a.channel, %s AS credit, %s AS revenue FROM %s a%s',
			CASE l.place WHEN 0 THEN 'a.credit' ELSE 'NULL::float8' END, CASE l.place WHEN 0 THEN 'NULL::float8' ELSE 'a.value' END,
			cjm_internal.map_attribute_sql(map, l.list, coalesce((map).attribution, 'last_touch'), cjm_internal.map_attribution_per(map), cjm_internal.map_only_channels(map)), l.condition)
		FROM cjm_internal.map_credited(map) l ORDER BY l.place);
	sums text;
BEGIN
	sums := format('%s AS label, date_trunc(%L::text, x.at, %L::text) AS bucket_start, sum(x.credit) AS credit, sum(x.revenue) AS revenue, sum(x.revenue) FILTER (WHERE x.revenue > 0) AS gross, bool_or(x.revenue < 0) AS negative',
		CASE WHEN by IS NULL THEN 'NULL::text' ELSE 'x.channel' END, lower(period), (map).time_zone);
	RETURN format('SELECT u.label, u.bucket_start, nullif(sum(u.cost), 0) AS paid, coalesce(sum(u.credit), 0) AS conversions, sum(cjm_internal.map_money(u.credit) ^ 2)::float8 AS squares,
			cjm_internal.map_money(coalesce(sum(u.revenue), 0)) AS value, sum(cjm_internal.map_money(u.revenue) ^ 2)::float8 AS value_squares,
			sum(cjm_internal.map_money(u.gross))::float8 AS gross, sum(cjm_internal.map_money(u.gross) ^ 2)::float8 AS gross_squares, coalesce(bool_or(u.negative), false) AS negative
		FROM (SELECT s.label, s.bucket_start, s.cost, NULL::float8 AS credit, NULL::float8 AS revenue, NULL::float8 AS gross, NULL::boolean AS negative FROM (%1$s) s
			UNION ALL
			SELECT w.label, w.bucket_start, NULL::numeric, w.credit, w.revenue, w.gross, w.negative
			FROM %2$s w) u
		GROUP BY 1, 2',
		cjm_internal.map_paid_sql(map, period, by, ranged),
		-- Of each customer, by the journey where nobody needs a right to the key then; Citus takes the key.
		format(CASE WHEN cjm_internal.map_distributed((map).source) THEN '(SELECT %3$s FROM %1$s.journeys j CROSS JOIN LATERAL (%2$s) x WHERE %4$s GROUP BY j.customer, 1, 2)'
				ELSE '%1$s.journeys j CROSS JOIN LATERAL (SELECT %3$s FROM (%2$s) x WHERE %4$s GROUP BY 1, 2)' END,
			cjm_internal.map_schema(map), cjm_internal.map_arms_sql(map, credits, '{at,channel,credit,revenue}'), sums,
			concat(CASE WHEN ranged THEN 'x.at >= $1 AND x.at < $2' ELSE 'true' END, cjm_internal.map_where(map, 'AND', '{"channel": "x.channel"}'))));
END
$$;

COMMENT ON FUNCTION cjm_internal.map_channel_metrics_sql(cjm_internal.map, text, text, boolean) IS 'SQL: what was paid for channels in each period, what they were credited with, and how unlike customers are in that';

CREATE FUNCTION cjm_internal.map_metrics_pass_sql(map cjm_internal.map, asked text[], period text, by text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	range text := CASE WHEN ranged THEN '$1, $2' ELSE '''-infinity''::timestamptz, ''infinity''::timestamptz' END;
	periods text := format('%L::text, %L::text', lower(period), (map).time_zone);
	entered text := CASE WHEN ranged THEN 'b.entered * tstzrange($1, $2)' ELSE 'b.entered' END;
	walk_words jsonb := cjm_internal.map_walk_words(map, entered);
	bought_words jsonb := cjm_internal.map_walk_words(map, NULL::text) - 'session_channel';
	events text[] := cjm_internal.map_answer_events(map);
	none CONSTANT text := 'NULL::tstzrange AS entered, NULL::timestamptz AS bucket_start, NULL::timestamptz AS refused, NULL::text AS event, NULL::float8 AS score';
	wanted record;
	split text;
	which text;
	number integer;
	labels text[] := '{}';
	arms text[] := '{}';
	kinds integer[] := '{}';
	conditions text[] := '{}';
	columns text := '';
BEGIN
	bought_words := bought_words || jsonb_build_object('channel', bought_words -> 'first_channel');
	FOR wanted IN
		SELECT w.name, w.words, w.aggregate FROM (VALUES
			(1, 'sessions', cjm_internal.map_words(map), format('cjm_internal.session_sums_agg(%s, %s, %s, %L::interval, %L::text)', cjm_internal.map_visits_sql(map, 'j.journey'), range, periods, (map).session_gap, (map).session_rule)),
			(2, 'cohorts', cjm_internal.map_customer_words(map), format('cjm_internal.cohort_agg(j.journey, %s, %s, NULL::text, NULL::integer[], ''in''::text, NULL::cjm.funnel, false, NULL::cjm.funnel, 1, NULL::cjm.funnel, NULL::cjm.funnel)', range, periods)),
			(3, 'purchases', bought_words, format('cjm_internal.purchase_sums_agg(%s, %s, %s, %L::cjm.funnel, %L::cjm.funnel)', cjm_internal.map_valued_journey(map), range, periods, cjm_internal.map_purchase(map), (map).refusal)),
			(4, 'conversions', cjm_internal.map_words(map), format('cjm_internal.conversion_sums_agg(%s, %s, %s, %L::cjm.funnel)', cjm_internal.map_earning_journey(map), range, periods, (map).stages))) w(place, name, words, aggregate)
		WHERE w.name = ANY (asked) ORDER BY w.place
	LOOP
		split := cjm_internal.map_split(wanted.words, by);
		which := cjm_internal.map_where(map, 'AND', wanted.words);
		number := (SELECT min(a.place) - 1 FROM unnest(labels, conditions) WITH ORDINALITY a(label, condition, place) WHERE a.label = split AND a.condition = which);
		IF number IS NULL THEN
			number := cardinality(labels);
			labels := labels || split;
			kinds := kinds || number;
			conditions := conditions || which;
			arms := arms || format('SELECT %s AS kind, %s AS label, %s FROM (VALUES (1)) one', number, split, none);
		END IF;
		columns := columns || format(', %s FILTER (WHERE x.kind = %s) AS %I', wanted.aggregate, number, wanted.name);
	END LOOP;
	IF 'stats' = ANY (asked) THEN
		-- Who refused is asked once, and not where it is used.
		arms := arms || format('SELECT -1 AS kind, %s AS label, b.entered, NULL::timestamptz AS bucket_start, %s AS refused, NULL::text AS event, NULL::float8 AS score FROM cjm_internal.map_entry_buckets(j.journey, %L::cjm.funnel, %s) b(entered)',
			cjm_internal.map_split(walk_words, by), CASE WHEN 'refused' = ANY (asked) THEN cjm_internal.map_refused_sql(map, entered) ELSE 'NULL::timestamptz' END, (map).stages, periods);
		kinds := kinds || -1;
		conditions := conditions || cjm_internal.map_where(map, 'AND', cjm_internal.map_walk_words(map, replace(entered, 'b.', 'x.')));
		columns := columns || format(', cjm.funnel_agg(j.journey, %L::cjm.funnel, %s) FILTER (WHERE x.kind = -1) AS stats', (map).stages, replace(entered, 'b.', 'x.'));
		IF 'refused' = ANY (asked) THEN
			columns := columns || format(', cjm.funnel_agg(j.journey, %L::cjm.funnel, %s) FILTER (WHERE x.refused IS NOT NULL) AS refused', (map).stages, replace(entered, 'b.', 'x.'));
		END IF;
	END IF;
	IF 'answers' = ANY (asked) THEN
		-- Journeys without answers are not opened; what is no score is no answer.
		arms := arms || format('SELECT -2 AS kind, %s AS label, NULL::tstzrange AS entered, date_trunc(%L::text, t.at, %L::text) AS bucket_start, NULL::timestamptz AS refused, CASE WHEN %s%s THEN t.event END AS event, t.value AS score
			FROM (VALUES (now())) n(now) CROSS JOIN LATERAL unnest(CASE WHEN %s THEN cjm_internal.map_answers(j.journey, %L::cjm.funnel, %L::text[], n.now) END) t',
			cjm_internal.map_split(cjm_internal.map_words(map), by), lower(period), (map).time_zone, cjm_internal.map_is_score(map), CASE WHEN ranged THEN ' AND t.at >= $1 AND t.at < $2' END,
			(SELECT string_agg(format('cjm.has_event(j.journey, %L::text)', a.event), ' OR ') FROM unnest(events) a(event)), (map).stages, events);
		kinds := kinds || -2;
		conditions := conditions || cjm_internal.map_where(map, 'AND', cjm_internal.map_words(map));
		columns := concat(columns, (SELECT string_agg(format(', count(*) FILTER (WHERE x.event = %1$L) AS %2$s_answers, cjm.%2$s(x.score) FILTER (WHERE x.event = %1$L) AS %2$s, cjm.%2$s_interval(x.score) FILTER (WHERE x.event = %1$L) AS %2$s_interval', s.event, s.name), '')
			FROM (VALUES ('nps', (map).nps), ('csat', (map).csat), ('ces', (map).ces)) s(name, event) WHERE s.name = ANY (asked)));
	END IF;
	which := CASE WHEN conditions[1] = ALL (conditions) THEN conditions[1]
		ELSE (SELECT format(' AND CASE x.kind %s END', string_agg(format('WHEN %s THEN true%s', c.kind, c.condition), ' ' ORDER BY c.place)) FROM unnest(kinds, conditions) WITH ORDINALITY c(kind, condition, place)) END;
	IF ranged AND 'stats' = ANY (asked) THEN
		which := which || ' AND (x.entered IS NULL OR x.entered && tstzrange($1, $2))';
	END IF;
	-- Conditions stand outside of the union, for which there would be no workers otherwise.
	RETURN format('SELECT x.kind, x.label%1$s%2$s%3$s FROM %4$s.journeys j CROSS JOIN LATERAL (%5$s) x%6$s GROUP BY x.kind, x.label%1$s%2$s',
		CASE WHEN 'stats' = ANY (asked) THEN ', x.entered' END, CASE WHEN 'answers' = ANY (asked) THEN ', x.bucket_start' END, columns, cjm_internal.map_schema(map),
		cjm_internal.map_arms_sql(map, arms, '{kind,label,entered,bucket_start,refused,event,score}'),
		' WHERE ' || substr(nullif(which, ''), 6));
END
$$;

COMMENT ON FUNCTION cjm_internal.map_metrics_pass_sql(cjm_internal.map, text[], text, text, boolean) IS 'SQL: one pass over the journeys that adds up what figures are made of, those that are asked for';

CREATE FUNCTION cjm_internal.map_metrics_sql(map cjm_internal.map, metrics text[], period text, by text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	families text[] := ARRAY(SELECT DISTINCT m.family FROM cjm_internal.map_metrics() m WHERE m.metric = ANY (metrics));
	completed integer := cjm_internal.map_completed_step(map);
	periods text := format('%L::text, %L::text', lower(period), (map).time_zone);
	-- What sessions and channels have of their own takes a pass of its own.
	of_sessions boolean := cjm_internal.map_asks_sessions(map, by);
	of_channels boolean := by IS NOT NULL OR (map).where_is IS NOT NULL;
	asked text[];
	queries text[] := '{}';
	arms text;
BEGIN
	IF cjm_internal.map_period(period) < interval '1 day' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('figures cannot be of each %s', lower(period)),
			HINT = 'Periods are day, week, month, quarter and year.';
	END IF;
	asked := ARRAY(SELECT a.name FROM (VALUES
			('sessions', 'sessions' = ANY (families) AND NOT of_sessions), ('cohorts', 'retention' = ANY (families)), ('purchases', 'purchases' = ANY (families) OR ('roas' = ANY (metrics) AND NOT of_channels)),
			('conversions', 'channels' = ANY (families) AND NOT of_channels), ('stats', 'funnel' = ANY (families)), ('refused', 'refusal_rate' = ANY (metrics)), ('answers', 'feedback' = ANY (families)),
			('nps', 'nps' = ANY (metrics)), ('csat', 'csat' = ANY (metrics)), ('ces', 'ces' = ANY (metrics))) a(name, is_asked) WHERE a.is_asked);
	IF families = '{funnel}' THEN
		-- Which the rows tell without journeys, where the map has none that are kept.
		queries := queries || format('g AS (SELECT -1 AS kind, w.label, w.entered, w.stats%1$s FROM (%2$s) w)', CASE WHEN 'refused' = ANY (asked) THEN ', w.refused' END,
			cjm_internal.map_funnel_rows_sql(map, by, period, ranged, format('SELECT NULL::text AS dimension, q.label, q.entered, q.stats, NULL::bigint[] AS open%s, NULL::bigint AS customers FROM (%s) q',
				CASE WHEN (map).refusal IS NULL THEN '' WHEN 'refused' = ANY (asked) THEN ', q.refused' ELSE ', NULL::cjm.funnel_stats AS refused' END, cjm_internal.map_metrics_pass_sql(map, asked, period, by, ranged))));
	ELSIF asked <> '{}' THEN
		queries := queries || format('g AS (%s)', cjm_internal.map_metrics_pass_sql(map, asked, period, by, ranged));
	END IF;
	IF 'stats' = ANY (asked) THEN
		queries := queries || format('f AS (SELECT s.label AS by_value, lower(s.entered) AS bucket_start, %1$s AS closed, r.step, r.stage, r.customers, r.step_rate, r.overall_rate, r.rate_low, r.rate_high,
				extract(epoch FROM r.median_time)::float8 AS median_time_seconds, extract(epoch FROM r.median_total)::float8 AS median_total_seconds, cjm_internal.funnel_figures(s.stats, r.step) AS figures%2$s
			FROM (SELECT g.* FROM g WHERE g.kind = -1) s CROSS JOIN LATERAL cjm.report(s.stats) r%3$s)',
			cjm_internal.map_bucket_sql(map), CASE WHEN 'refused' = ANY (asked) THEN ', n.dropped AS refused' END,
			CASE WHEN 'refused' = ANY (asked) THEN format(' JOIN LATERAL cjm.report(coalesce(s.refused, cjm.funnel_stats(%L::cjm.funnel))) n ON n.step = r.step', (map).stages) END);
	END IF;
	IF 'sessions' = ANY (families) THEN
		queries := queries || format('s AS (SELECT q.label AS by_value, q.bucket_start, %s AS closed, q.sums[1]::bigint AS customers, q.sums[2]::bigint AS sessions, q.sums[3]::bigint AS returning_sessions, q.sums[4]::bigint AS bounces, q.sums::float8[] AS sums
			FROM (%s) q)', cjm_internal.map_over_sql(map, period, 'q.bucket_start', (map).session_gap),
			CASE WHEN of_sessions THEN cjm_internal.map_session_metrics_sql(map, period, by, ranged)
				ELSE format('SELECT g.label, b.bucket_start, b.sums FROM g CROSS JOIN LATERAL cjm_internal.period_sums(g.sessions, %s, 9) b', periods) END);
	END IF;
	IF 'retention' = ANY (families) THEN
		queries := queries || format('r AS (SELECT c.label AS by_value, c.cohort::timestamp AT TIME ZONE %L AS bucket_start, c.period_over AS closed, c.cohort_size, c.retained
			FROM (SELECT t.label, k.cohort, k.number, k.period_over, k.cohort_size, k.retained
				FROM (SELECT g.label, g.cohorts, max(cjm_internal.cohort_last(g.cohorts)) OVER () AS last FROM g WHERE g.cohorts IS NOT NULL) t
					CROSS JOIN LATERAL cjm_internal.cohort_cells(t.cohorts, t.last, now(), %s, NULL::text, NULL::integer[], ''in''::text) k) c WHERE c.number = 1)',
			(map).time_zone, periods);
	END IF;
	IF 'purchases' = ANY (asked) THEN
		-- Amounts are in billionths, and products of two in billionths of them.
		queries := queries || format('p AS (SELECT v.*, v.gross / nullif(v.valued, 0)::numeric AS mean,
				CASE WHEN v.payers > 1 THEN cjm_internal.student_95(v.payers - 1) * sqrt(greatest(0, v.payers::numeric / (v.payers - 1)::numeric * (v.gross_gross
					- 2 * (v.gross / v.valued::numeric) * v.gross_valued + (v.gross / v.valued::numeric) ^ 2 * v.valued_valued))::float8) / v.valued::float8 END AS reach
			FROM (SELECT g.label AS by_value, b.bucket_start, %s AS closed, b.sums[1]::bigint AS customers, b.sums[2]::bigint AS repeats, b.sums[3]::bigint AS purchases, b.sums[4]::bigint AS valued, b.sums[5]::bigint AS payers,
					CASE WHEN b.sums[6] > 0 THEN trim_scale(b.sums[7] * 1e-9) END AS value, trim_scale(b.sums[8] * 1e-9) AS gross, b.sums[9] * 1e-18 AS value_value, b.sums[10] * 1e-18 AS gross_gross,
					b.sums[11] * 1e-9 AS gross_valued, b.sums[12] AS valued_valued, b.sums[13] > 0 AS negative
				FROM g CROSS JOIN LATERAL cjm_internal.period_sums(g.purchases, %s, 13) b) v)',
			cjm_internal.map_over_sql(map, period, 'b.bucket_start', interval '0'), periods);
	END IF;
	IF 'channels' = ANY (families) THEN
		queries := queries || format('m AS (SELECT q.label AS by_value, q.bucket_start, %s AS closed, q.paid, q.conversions, i.low AS conversions_low, i.high AS conversions_high, q.value, v.low AS value_low, v.high AS value_high
			FROM (%s) q CROSS JOIN LATERAL cjm_internal.clustered_total(q.conversions, q.squares, q.conversions, q.squares, false) i
				CROSS JOIN LATERAL cjm_internal.clustered_total(q.value::float8, q.value_squares, q.gross, q.gross_squares, q.negative) v)',
			cjm_internal.map_over_sql(map, period, 'q.bucket_start', interval '0'),
			CASE WHEN of_channels THEN cjm_internal.map_channel_metrics_sql(map, period, by, ranged)
				ELSE format('SELECT NULL::text AS label, s.bucket_start, nullif(s.cost, 0) AS paid, coalesce(c.sums[2], 0)::float8 AS conversions, c.sums[3]::float8 AS squares, %s
				FROM (%s) s LEFT JOIN (SELECT b.bucket_start, b.sums FROM g CROSS JOIN LATERAL cjm_internal.period_sums(g.conversions, %s, 3) b) c ON c.bucket_start = s.bucket_start%s',
				CASE WHEN 'roas' = ANY (metrics) THEN 'coalesce(p.value, 0) AS value, p.value_value::float8 AS value_squares, p.gross::float8 AS gross, p.gross_gross::float8 AS gross_squares, p.negative'
					ELSE 'NULL::numeric AS value, NULL::float8 AS value_squares, NULL::float8 AS gross, NULL::float8 AS gross_squares, NULL::boolean AS negative' END,
				cjm_internal.map_paid_sql(map, period, by, ranged), periods, CASE WHEN 'roas' = ANY (metrics) THEN ' LEFT JOIN p ON p.bucket_start = s.bucket_start' END) END);
	END IF;
	IF 'feedback' = ANY (families) THEN
		queries := queries || format('a AS (SELECT q.label AS by_value, q.*, %s AS closed FROM g q WHERE q.kind = -2)', cjm_internal.map_over_sql(map, period, 'q.bucket_start', interval '0'));
	END IF;
	SELECT string_agg(format('SELECT %L::text AS metric, %s', m.metric, CASE m.metric
			WHEN 'step_rate' THEN 'f.step, f.stage, f.by_value, f.bucket_start, f.closed, f.figures[1]::bigint AS n, f.step_rate AS value, f.rate_low AS low, f.rate_high AS high FROM f WHERE f.step > 1'
			WHEN 'conversion' THEN format('f.step, f.stage, f.by_value, f.bucket_start, f.closed, f.figures[2]::bigint, f.overall_rate, i.rate_low, i.rate_high
				FROM f CROSS JOIN LATERAL cjm.rate_interval(f.customers, f.figures[2]::bigint, 1::bigint) i WHERE f.step = %s', completed)
			WHEN 'refusal_rate' THEN 'NULL::integer, NULL::text, g.by_value, g.bucket_start, g.closed, g.began, i.rate, i.rate_low, i.rate_high
				FROM (SELECT f.by_value, f.bucket_start, f.closed, max(f.figures[2])::bigint AS began, coalesce(sum(f.refused), 0)::bigint AS refused FROM f GROUP BY 1, 2, 3) g
					CROSS JOIN LATERAL cjm.rate_interval(g.refused, g.began, 1::bigint) i'
			WHEN 'median_time' THEN 'f.step, f.stage, f.by_value, f.bucket_start, f.closed, f.figures[3]::bigint, f.median_time_seconds, f.figures[4], f.figures[5] FROM f WHERE f.step > 1'
			WHEN 'median_total' THEN format('f.step, f.stage, f.by_value, f.bucket_start, f.closed, f.figures[3]::bigint, f.median_total_seconds, f.figures[6], f.figures[7] FROM f WHERE f.step = %s', completed)
			WHEN 'visits' THEN 'NULL::integer, NULL::text, s.by_value, s.bucket_start, s.closed, s.sessions, s.sessions::float8, i.low, i.high
				FROM s CROSS JOIN LATERAL cjm_internal.clustered_total(s.sums[2], s.sums[5], s.sums[2], s.sums[5], false) i'
			WHEN 'bounce_rate' THEN 'NULL::integer, NULL::text, s.by_value, s.bucket_start, s.closed, s.sessions, s.bounces::float8 / s.sessions::float8, i.low, i.high
				FROM s CROSS JOIN LATERAL cjm_internal.clustered_rate(s.customers, s.bounces, s.sessions, s.sums[8], s.sums[9], s.sums[5]) i'
			WHEN 'returning_share' THEN 'NULL::integer, NULL::text, s.by_value, s.bucket_start, s.closed, s.sessions, s.returning_sessions::float8 / s.sessions::float8, i.low, i.high
				FROM s CROSS JOIN LATERAL cjm_internal.clustered_rate(s.customers, s.returning_sessions, s.sessions, s.sums[6], s.sums[7], s.sums[5]) i'
			WHEN 'retention' THEN 'NULL::integer, NULL::text, r.by_value, r.bucket_start, r.closed, r.cohort_size, i.rate, i.rate_low, i.rate_high FROM r CROSS JOIN LATERAL cjm.rate_interval(r.retained, r.cohort_size, 1::bigint) i'
			WHEN 'repeat_rate' THEN 'NULL::integer, NULL::text, p.by_value, p.bucket_start, p.closed, p.customers, i.rate, i.rate_low, i.rate_high FROM p CROSS JOIN LATERAL cjm.rate_interval(p.repeats, p.customers, 1::bigint) i'
			WHEN 'order_value' THEN 'NULL::integer, NULL::text, p.by_value, p.bucket_start, p.closed, p.valued, p.mean::float8, CASE WHEN p.reach IS NOT NULL THEN greatest(0, p.mean::float8 - p.reach) END, p.mean::float8 + p.reach FROM p'
			WHEN 'revenue' THEN 'NULL::integer, NULL::text, p.by_value, p.bucket_start, p.closed, p.purchases, p.value::float8, i.low, i.high
				FROM p CROSS JOIN LATERAL cjm_internal.clustered_total(p.value::float8, p.value_value::float8, p.gross::float8, p.gross_gross::float8, p.negative) i'
			WHEN 'cpa' THEN 'NULL::integer, NULL::text, m.by_value, m.bucket_start, m.closed, round(m.conversions)::bigint, cjm_internal.map_money(m.paid::float8 / nullif(m.conversions, 0))::float8,
				least(m.paid::float8 / m.conversions_high, m.paid::float8 / m.conversions_low), greatest(m.paid::float8 / m.conversions_high, m.paid::float8 / m.conversions_low) FROM m'
			WHEN 'roas' THEN 'NULL::integer, NULL::text, m.by_value, m.bucket_start, m.closed, round(m.conversions)::bigint, (m.value / m.paid)::float8,
				least(m.value_low / m.paid::float8, m.value_high / m.paid::float8), greatest(m.value_low / m.paid::float8, m.value_high / m.paid::float8) FROM m'
			ELSE format('NULL::integer, NULL::text, a.by_value, a.bucket_start, a.closed, a.%1$s_answers, a.%1$s, a.%1$s_interval[1], a.%1$s_interval[2] FROM a', m.metric) END), '
		UNION ALL ' ORDER BY m.place) INTO arms
	FROM cjm_internal.map_metrics() m WHERE m.metric = ANY (metrics);
	RETURN format('WITH %s SELECT u.metric, u.step, u.stage, u.by_value, u.bucket_start, u.closed, u.n, u.value, u.low, u.high
		FROM (%s) u(metric, step, stage, by_value, bucket_start, closed, n, value, low, high) WHERE u.value IS NOT NULL
		ORDER BY array_position(%L::text[], u.metric), u.step, u.by_value COLLATE "C", u.bucket_start', array_to_string(queries, ', '), arms, metrics);
END
$$;

COMMENT ON FUNCTION cjm_internal.map_metrics_sql(cjm_internal.map, text[], text, text, boolean) IS 'SQL of the view metrics and of metric_report';

CREATE FUNCTION cjm_internal.map_metrics_view_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('SELECT v.metric, v.step, v.stage, (v.bucket_start AT TIME ZONE %L)::date AS week, v.closed, v.n, v.value, v.low, v.high FROM (%s) v', (map).time_zone,
	cjm_internal.map_metrics_sql(map, cjm_internal.map_metrics_of(map, NULL::text, NULL::text), 'week', NULL::text, false));

COMMENT ON FUNCTION cjm_internal.map_metrics_view_sql(cjm_internal.map) IS 'SQL of the view metrics';

CREATE FUNCTION cjm_internal.map_metric_report(map text, wanted text, period text, from_time timestamptz, to_time timestamptz, by text, where_is jsonb)
	RETURNS TABLE (metric text, step integer, stage text, by_value text, bucket_start timestamptz, closed boolean, n bigint, value float8, low float8, high float8)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 1000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
BEGIN
	RETURN QUERY EXECUTE cjm_internal.map_metrics_sql(def, cjm_internal.map_metrics_of(def, wanted, by), coalesce(period, 'week'), by, cjm_internal.map_ranged(from_time, to_time))
		USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;

COMMENT ON FUNCTION cjm_internal.map_metric_report(text, text, text, timestamptz, timestamptz, text, jsonb) IS 'metric_report';

CREATE FUNCTION cjm.metric_report(
	map text,
	metric text DEFAULT NULL,
	period text DEFAULT 'week',
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	by text DEFAULT NULL,
	where_is jsonb DEFAULT NULL)
	RETURNS TABLE (metric text, step integer, stage text, by_value text, bucket_start timestamptz, closed boolean, n bigint, value float8, low float8, high float8)
	LANGUAGE sql STABLE PARALLEL RESTRICTED COST 10000 ROWS 1000
BEGIN ATOMIC
	SELECT r.metric, r.step, r.stage, r.by_value, r.bucket_start, r.closed, r.n, r.value, r.low, r.high
	FROM cjm_internal.map_metric_report($1, $2, $3, $4, $5, $6, $7) r;
END;

COMMENT ON FUNCTION cjm.metric_report(text, text, text, timestamptz, timestamptz, text, jsonb) IS
'figures of a map over time, a row for each figure and period, as the reports that they are taken from have them.
metric: NULL for all that the map has, or one:
step_rate, conversion, refusal_rate (who said no, as a share of those who began), median_time (since the step before), median_total (since the first; in seconds) of walks that begin in the period, as in funnel_report;
visits, bounce_rate, returning_share of sessions that begin in it, as in session_report; retention: who of those first seen in it came back in the next, as in retention_report;
repeat_rate, order_value, revenue (less refunds) of purchases in it, as in purchase_report; cpa, roas of conversions, purchases and days of it, of all channels together or by => ''channel'' each, as in channels_report;
nps, csat, ces of answers in it, as in feedback_report
period: day, week, month, quarter or year
by: NULL, or what those reports can be split by: a dimension of the map (segment), first_channel, channel; of all figures those are left out whose report knows no such word, as for where_is
closed: whether the period is over, and the time that its walks, sessions and cohorts have, so that nothing but late rows changes it
n: what the figure is a share or a mean of, or how many are counted: customers, sessions, purchases, conversions, answers; there is no row where there is nothing to say
low, high: the 95 % interval: Wilson for shares of customers, and of sessions of as many independent ones as the ratio of sums over customers is as sure as; order statistics for medians; compound Poisson for visits and revenue, and so for cpa and roas; linearized over customers with Student''s t for order_value; as nps_interval and ces_interval. NULL of too few';

CREATE FUNCTION cjm_internal.map_metrics_comments() RETURNS TABLE (view_name text, column_name text, comment text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 10
BEGIN ATOMIC
	SELECT v.view_name, v.column_name, v.comment
	FROM (VALUES
		('metrics', NULL, 'one row per figure and week: step rates, conversion, times, visits, retention, orders, money and scores over time'),
		('metrics', 'metric', 'the figure, as metric_report has it'),
		('metrics', 'step', 'the step of the funnel that it is of, NULL if of none'),
		('metrics', 'stage', 'its name'),
		('metrics', 'week', 'the Monday of the ISO week, in the map''s time zone: of entry, of the session, of the cohort, of the purchase or of the answer'),
		('metrics', 'closed', 'whether the week is over, and the time that its walks, sessions and cohorts have, so that nothing but late rows changes it'),
		('metrics', 'n', 'what the figure is a share or a mean of, or how many are counted'),
		('metrics', 'value', 'the figure; times are in seconds'),
		('metrics', 'low', 'lower end of its 95 % interval; NULL of too few'),
		('metrics', 'high', 'upper end of it')) v(view_name, column_name, comment);
END;

COMMENT ON FUNCTION cjm_internal.map_metrics_comments() IS 'the comments of the view metrics';

CREATE FUNCTION cjm_internal.map_make_comments(map cjm_internal.map) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(map);
	there boolean := cjm_internal.steering_has(map, 'comments');
	detail text;
	made record;
BEGIN
	IF (map).comment IS NULL THEN
		IF there THEN
			EXECUTE format('DROP VIEW %s.comments', schema);
		END IF;
		RETURN;
	END IF;
	BEGIN
		EXECUTE format('CREATE OR REPLACE VIEW %1$s.comments%2$s AS SELECT %3$s AS customer, %4$s AS at, %5$s AS event, %6$s AS value, %7$s AS comment FROM %8$s WHERE %9$s(%7$s) <> '''' COLLATE "C"',
			schema, CASE WHEN (map).access = 'reader' THEN ' WITH (security_invoker = true)' WHEN (map).filter IS NOT NULL THEN ' WITH (security_barrier = true)' END,
			(map).customer, CASE WHEN (map).sequence IS NULL THEN (map).at ELSE format('cjm_internal.map_in_sequence(%s, %s)', (map).at, (map).sequence) END, (map).event, coalesce((map).value, 'NULL::float8'), (map).comment,
			(map).source, '(' || (map).filter || ') AND ');
	EXCEPTION WHEN invalid_table_definition THEN
		GET STACKED DIAGNOSTICS detail = MESSAGE_TEXT;
		RAISE invalid_table_definition USING
			MESSAGE = format('the view "comments" of the map cannot be replaced: %s', detail),
			HINT = 'Views that read it hold its columns as they are: keep the type, or use cjm.drop_map and make the map again.';
	END;
	FOR made IN SELECT c.column_name, c.comment FROM cjm_internal.steering_comments() c WHERE c.relation_name = 'comments'
	LOOP
		IF made.column_name IS NULL THEN
			EXECUTE format('COMMENT ON VIEW %s.comments IS %L', schema, made.comment);
		ELSE
			EXECUTE format('COMMENT ON COLUMN %s.comments.%I IS %L', schema, made.column_name, made.comment);
		END IF;
	END LOOP;
END
$$;

COMMENT ON FUNCTION cjm_internal.map_make_comments(cjm_internal.map) IS 'makes the view comments of a map that says where comments are, or makes it anew; of another one it takes it away';

CREATE FUNCTION cjm_internal.map_words_sql(map cjm_internal.map, by text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	answers text[] := cjm_internal.map_answer_events(map);
BEGIN
	RETURN format('WITH said AS MATERIALIZED (
			SELECT %5$s AS label, t.step, t.at, t.event, t.value, c.comment, CASE t.event WHEN %9$L THEN t.value / 10 WHEN %10$L THEN (t.value - 1) / 4 ELSE (t.value - 1) / 6 END AS level
			FROM %3$s.journeys j CROSS JOIN LATERAL unnest(cjm_internal.map_answers(j.journey, %1$L::cjm.funnel, %2$L::text[], now())) t
				JOIN %3$s.comments c ON c.customer = j.customer AND c.at = t.at AND c.event::text COLLATE "C" = t.event AND c.value::float8 = t.value
			WHERE (%4$s) AND %6$s%7$s
		)
		SELECT s.label, s.step, %8$s[s.step] AS stage, k.kind, s.at, s.event, s.value, s.comment
		FROM (VALUES (1, ''latest''), (2, ''best''), (3, ''worst'')) k(place, kind) CROSS JOIN LATERAL (
			SELECT DISTINCT ON (w.label, w.step) w.* FROM said w
			ORDER BY w.label, w.step, CASE k.kind WHEN ''best'' THEN w.level WHEN ''worst'' THEN 1 - w.level END DESC, w.at DESC, w.level DESC, w.comment COLLATE "C", w.event COLLATE "C") s
		ORDER BY s.label COLLATE "C", s.step, k.place',
		(map).stages, answers, cjm_internal.map_schema(map),
		(SELECT coalesce(string_agg(format('cjm.has_event(j.journey, %L::text)', a.event), ' OR '), 'false') FROM unnest(answers) a(event)),
		cjm_internal.map_split(cjm_internal.map_words(map), by, (map).groups), cjm_internal.map_is_score(map),
		concat(CASE WHEN ranged THEN ' AND t.at >= $1 AND t.at < $2' END, cjm_internal.map_where(map, 'AND', cjm_internal.map_words(map))),
		cjm_internal.map_stage_names(map), (map).nps, (map).csat);
END
$$;

COMMENT ON FUNCTION cjm_internal.map_words_sql(cjm_internal.map, text, boolean) IS 'SQL of feedback_words';

CREATE FUNCTION cjm.feedback_words(
	map text,
	by text DEFAULT NULL,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL)
	RETURNS TABLE (by_value text, step integer, stage text, kind text, at timestamptz, event text, score float8, comment text)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 30
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
BEGIN
	IF def.comment IS NULL OR cjm_internal.map_answer_events(def) = '{}' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('the map "%s" has no %s', map, CASE WHEN def.comment IS NULL THEN 'comments' ELSE 'answers that comments belong to' END),
			HINT = CASE WHEN def.comment IS NULL THEN 'Say where customers'' words are: cjm.create_map(..., comment => ''...'', replace => true).' ELSE 'Say which event is one: cjm.create_map(..., nps => ''...'', replace => true), or csat, or ces.' END;
	END IF;
	RETURN QUERY EXECUTE cjm_internal.map_words_sql(def, by, cjm_internal.map_ranged(from_time, to_time)) USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;

COMMENT ON FUNCTION cjm.feedback_words(text, text, timestamptz, timestamptz, jsonb) IS
'what customers wrote with their answers, of a map with a comment: of each stage the latest comment, and that of the best and of the worst score, the latest of several.
by: NULL, a dimension of the map (segment), or first_channel
where_is: which customers, as in feedback_report
step, stage: where the customer stood; 0 is before the first. kind: latest, best or worst; event, score: the answer that it came with';

CREATE FUNCTION cjm_internal.map_definition_comments() RETURNS TABLE (view_name text, column_name text, comment text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 30
BEGIN ATOMIC
	SELECT v.view_name, v.column_name, v.comment
	FROM (VALUES
		('map', NULL, 'the definition of this journey map: one row of constants'),
		('map', 'map', 'the schema of the map'),
		('map', 'source', 'the table or view that the events are in'),
		('map', 'customer', 'expression: whose event a row is'),
		('map', 'at', 'expression: when it happened'),
		('map', 'event', 'expression: what happened'),
		('map', 'channel', 'expression: where it came from, or NULL'),
		('map', 'value', 'expression: what it was worth, or NULL'),
		('map', 'segment', 'expression: the segment of the customer, or NULL'),
		('map', 'segment_at', 'which segment, or other dimension, a customer with several has, the first or the last'),
		('map', 'filter', 'condition: which rows count, or NULL for all'),
		('map', 'stages', 'the funnel'),
		('map', 'session_gap', 'what is longer ends a session'),
		('map', 'session_rule', 'what else ends a session: channel, day, or channel | day; NULL for the gap alone'),
		('map', 'session', 'expression: the session of an event, or NULL'),
		('map', 'comment', 'expression: what a customer wrote with an answer, or NULL'),
		('map', 'time_zone', 'where days, weeks and months begin'),
		('map', 'refusal', 'the events that say no, or NULL'),
		('map', 'purchase', 'the events that are a purchase, or NULL: the last stage that is not optional'),
		('map', 'visit', 'the events that are a visit, or NULL: all'),
		('map', 'sequence', 'expression: the order of events of one time, or NULL'),
		('map', 'attribution_per', 'what has a share of a conversion in the views attribution and channels: touchpoint or session'),
		('map', 'only_channels', 'whether touchpoints without a channel earn nothing in these views'),
		('map', 'source_name', 'what the source was called when the map was made'),
		('map', 'dimensions', 'expressions: other properties of the customer, by their names, or NULL'),
		('map', 'access', 'owner: the views read the source with the rights of the map''s owner; reader: with those of whoever asks'),
		-- Programs that reflect know text, and no type of ours.
		('map', 'stages_text', 'stages as text'),
		('map', 'refusal_text', 'refusal as text'),
		('map', 'purchase_text', 'purchase as text'),
		('map', 'visit_text', 'visit as text')) v(view_name, column_name, comment);
END;

COMMENT ON FUNCTION cjm_internal.map_definition_comments() IS 'the comments of the view map and of most of its columns';

CREATE OR REPLACE FUNCTION cjm_internal.map_comments() RETURNS TABLE (view_name text, column_name text, comment text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 250
BEGIN ATOMIC
	SELECT v.view_name, v.column_name, v.comment
	FROM (VALUES
		('events', NULL, 'the rows of the source as this map reads them; those without a customer, a time or an event are in no journey'),
		('events', 'customer', 'whose event it is'),
		('events', 'at', 'when it happened'),
		('events', 'event', 'what happened'),
		('events', 'channel', 'where it came from, or NULL'),
		('events', 'value', 'what it was worth, or NULL'),
		('events', 'segment', 'the segment of the customer by this row, or NULL'),
		('events', 'dimensions', 'the other dimensions of the customer by this row, in the order in which the map has their names, or NULL'),

		('events', 'session', 'the session of the event, or NULL'),

		('journeys', NULL, 'one row per customer: all touchpoints in one value; all other views but map, events and spend read this one'),
		('journeys', 'customer', 'the key of the customer'),
		('journeys', 'segment', 'the first or last segment of the customer that is not NULL, as the map says'),
		('journeys', 'journey', 'all touchpoints of the customer in time order'),
		('journeys', 'dimensions', 'all dimensions of the customer by their names, segment among them, as segment has them; null where nothing is known'),

		('customers', NULL, 'one row per customer: how far they came in the funnel, and what else they did'),
		('customers', 'customer', 'the key of the customer'),
		('customers', 'segment', 'the segment of the customer'),
		('customers', 'step', 'the deepest step of the funnel, 0 for none'),
		('customers', 'stage', 'the name of that step, NULL for none'),
		('customers', 'entered_at', 'when the winning walk began'),
		('customers', 'reached_at', 'when it came to its deepest step'),
		('customers', 'step_times', 'when it passed each stage, NULL where it did not'),
		('customers', 'converted', 'whether the funnel was completed'),
		('customers', 'open', 'whether a walk that has begun could still become as deep or deeper; never without "within"'),
		('customers', 'refused_at', 'when somebody who is neither converted nor open said no: the first refusal since the winning walk began; NULL of all others'),
		('customers', 'current_step', 'how far the latest walk came, whatever others did before; NULL for none'),
		('customers', 'current_stage', 'the name of that step'),
		('customers', 'current_at', 'when it came there'),
		('customers', 'dimensions', 'all dimensions of the customer by their names, as the view journeys has them'),
		('customers', 'sessions', 'number of sessions'),
		('customers', 'conversions', 'how often the funnel was completed'),
		('customers', 'touches', 'number of touchpoints'),
		('customers', 'value', 'sum of the values, NULL where there is none; negative ones, refunds, are taken off'),
		('customers', 'gross_value', 'sum of the values that are not negative'),
		('customers', 'first_seen', 'time of the first touchpoint'),
		('customers', 'last_seen', 'time of the last touchpoint'),
		('customers', 'last_event', 'event of the last touchpoint'),

		('funnel', NULL, 'one row per step of the funnel: customers, rates, times'),
		('funnel_by_segment', NULL, 'one row per segment and step of the funnel'),
		('funnel_by_segment', 'segment', 'the segment of the customers, NULL for those without one'),
		('funnel_by_week', NULL, 'one row per entry week and step: walks that began in the week, whenever they went on; a customer is in every week in which a walk of theirs began'),
		('funnel_by_week', 'week', 'the Monday of the ISO week in which the walks began, in the map''s time zone'),
		('funnel_by_week', 'closed', 'whether the week and the time limit of its walks are over, so that nothing but late rows can change it; without "within" whether the week is over, and walks of it may still go on'),
		('funnel_by_dimension', NULL, 'one row per dimension, value of it and step of the funnel; of each dimension the 50 values of most customers, and others'),
		('funnel_by_dimension', 'dimension', 'the name of the dimension'),
		('funnel_by_dimension', 'value', 'what the customers have there, NULL for those of whom it is not known; others: all that are not among the 50 that most customers have'),

		('drop_off', NULL, 'one row per deepest step and last event: customers who began and did not complete the funnel'),
		('drop_off', 'step', 'the deepest step that they reached'),
		('drop_off', 'stage', 'its name'),
		('drop_off', 'last_event', 'the last event of the customer'),
		('drop_off', 'customers', 'how many stopped there, without those who are open or refused'),
		('drop_off', 'share', 'their share of all who stopped, over all steps'),
		('drop_off', 'open_customers', 'how many are there and may yet go on'),
		('drop_off', 'median_days_since', 'days of 24 hours since the last touchpoint of those who stopped, median'),
		('drop_off', 'next_event', 'what most of those who stopped did next after they had reached the step; NULL if nobody did anything'),
		('drop_off', 'next_customers', 'how many of them did that next'),
		('drop_off', 'refused', 'how many are there and have said no'),

		('sessions', NULL, 'one row per session; where the map says what a visit is, each begins with one'),
		('sessions', 'customer', 'the key of the customer'),
		('sessions', 'segment', 'the segment of the customer'),
		('sessions', 'session_number', 'number of the session of this customer, from 1'),
		('sessions', 'visitor', 'new in the first session of a customer, then returning'),
		('sessions', 'day', 'the day on which it began, in the map''s time zone'),
		('sessions', 'started_at', 'time of its first touchpoint'),
		('sessions', 'ended_at', 'time of its last touchpoint'),
		('sessions', 'duration', 'from its first touchpoint to its last'),
		('sessions', 'duration_seconds', 'the same in seconds'),
		('sessions', 'touches', 'number of its touchpoints'),
		('sessions', 'entry_event', 'event of its first touchpoint'),
		('sessions', 'exit_event', 'event of its last touchpoint'),
		('sessions', 'channel', 'channel of the first touchpoint that has one and, where the map says what a visit is, is one; or NULL'),
		('sessions', 'value', 'sum of the values, NULL where there is none; negative ones, refunds, are taken off'),
		('sessions', 'bounced', 'whether it has exactly one touchpoint'),
		('sessions', 'gross_value', 'sum of the values that are not negative, NULL where there is none'),

		('sessions', 'session', 'the session as the rows have it, NULL where they do not'),

		('bounce', NULL, 'one row per event and channel of the session: how sessions begin and end with it'),
		('bounce', 'event', 'the event; sessions may begin or end with it or only contain it'),
		('bounce', 'channel', 'channel of the session, or NULL'),
		('bounce', 'sessions', 'sessions that began with the event'),
		('bounce', 'bounces', 'those of them that have exactly one touchpoint'),
		('bounce', 'bounce_rate', 'bounces / sessions; NULL where no session began with the event'),
		('bounce', 'containing', 'sessions that contain the event'),
		('bounce', 'exits', 'sessions that ended with the event'),
		('bounce', 'exit_rate', 'exits / containing'),
		('bounce', 'touches_per_session', 'touchpoints of the sessions that began with the event, mean'),
		('bounce', 'mean_time', 'from the first touchpoint of such a session to its last, mean'),
		('bounce', 'median_time', 'the same, median (the lower one of an even number)'),
		('bounce', 'mean_time_seconds', 'mean_time in seconds'),
		('bounce', 'median_time_seconds', 'median_time in seconds'),
		('bounce', 'new_sessions', 'those of the sessions that are the first of their customer'),
		('bounce', 'returning_sessions', 'those that are not'),

		('retention', NULL, 'one row per cohort month and month number: who came back in that month'),
		('retention', 'cohort', 'first day of the month of the customers'' first touchpoint, in the map''s time zone'),
		('retention', 'number', 'months since then; 0 is the cohort''s own'),
		('retention', 'period', 'first day of the month that the row is about'),
		('retention', 'cohort_size', 'customers of the cohort'),
		('retention', 'retained', 'those of them with a touchpoint in that month'),
		('retention', 'rate', 'retained / cohort_size'),
		('retention', 'churn', '1 - rate; NULL before the month is over, since nobody is lost yet'),
		('retention', 'period_over', 'whether the month is over; before that the numbers are still growing'),

		('lifecycle', NULL, 'one row per month: what became of customers'),
		('lifecycle', 'period', 'first day of the month, in the map''s time zone'),
		('lifecycle', 'new_customers', 'customers who were first seen in it'),
		('lifecycle', 'returning_customers', 'those who were seen in it and in the month before'),
		('lifecycle', 'resurrected_customers', 'those who were seen in it and before, but not in the month before'),
		('lifecycle', 'dormant_customers', 'those who were seen in the month before and not in it'),
		('lifecycle', 'active_customers', 'those who were seen in it: new, returning and resurrected'),
		('lifecycle', 'period_over', 'whether the month is over; before that the numbers are still growing, and dormant_customers falling')) v(view_name, column_name, comment)
	UNION ALL
	SELECT f.view_name, c.column_name, c.comment
	FROM (VALUES ('funnel'), ('funnel_by_segment'), ('funnel_by_week'), ('funnel_by_dimension')) f(view_name) CROSS JOIN (VALUES
		('step', 'number of the step, from 1'),
		('stage', 'its name'),
		('customers', 'customers whose winning walk holds the stage'),
		('step_rate', 'their share of those at the mandatory step before; 1 at step 1'),
		('overall_rate', 'their share of those at step 1'),
		('dropped', 'customers of this step who were not at the next mandatory one, have not refused, and for whom it is over; NULL at the last and at an optional one'),
		('drop_rate', 'dropped / customers'),
		('open_customers', 'customers of this step who were not at the next mandatory one and may yet be: a walk of theirs that has begun, and that no refusal has ended, could still become as deep or deeper; NULL where dropped is'),
		('rate_low', 'lower end of the 95 % Wilson interval of step_rate'),
		('rate_high', 'upper end of it'),
		('median_time', 'time since the step before, median'),
		('mean_time', 'the same, mean'),
		('p90_time', 'the same, 90th percentile'),
		('median_total', 'time since step 1, median'),
		('p90_total', 'the same, 90th percentile'),
		('median_time_seconds', 'median_time in seconds'),
		('mean_time_seconds', 'mean_time in seconds'),
		('p90_time_seconds', 'p90_time in seconds'),
		('median_total_seconds', 'median_total in seconds'),
		('p90_total_seconds', 'p90_total in seconds'),
		('refused', 'customers of this step who were not at the next mandatory one and have said no; NULL where dropped is')) c(column_name, comment)
	UNION ALL
	SELECT j.view_name, j.column_name, j.comment FROM cjm_internal.map_journey_comments() j
	UNION ALL
	SELECT a.view_name, a.column_name, a.comment FROM cjm_internal.map_attribution_comments() a
	UNION ALL
	SELECT e.view_name, e.column_name, e.comment FROM cjm_internal.map_economics_comments() e
	UNION ALL
	SELECT f.view_name, f.column_name, f.comment FROM cjm_internal.map_feedback_comments() f
	UNION ALL
	SELECT m.view_name, m.column_name, m.comment FROM cjm_internal.map_metrics_comments() m
	UNION ALL
	SELECT d.view_name, d.column_name, d.comment FROM cjm_internal.map_definition_comments() d;
END;

CREATE OR REPLACE FUNCTION cjm_internal.map_views(map cjm_internal.map) RETURNS TABLE (place bigint, view_name text, query text)
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 5000 ROWS 22
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY SELECT v.place, v.view_name, v.query
	FROM unnest(
		cjm_internal.map_view_names(),
		ARRAY[
			format('SELECT %L::regnamespace AS map, %L::regclass AS source, %L::text AS customer, %L::text AS at, %L::text AS event,
					%L::text AS channel, %L::text AS value, %L::text AS segment, %L::text AS segment_at, %L::text AS filter,
					%L::cjm.funnel AS stages, %L::interval AS session_gap, %L::text AS time_zone, %L::text AS access,
					%L::regclass AS spend, %L::text AS attribution, %L::text AS nps, %L::text AS csat, %L::text AS ces,
					%L::cjm.funnel AS refusal, %L::cjm.funnel AS purchase, %L::cjm.funnel AS visit, %L::text AS sequence, %L::text AS attribution_per,
					%L::boolean AS only_channels, %L::text AS source_name, %L::jsonb AS dimensions, %L::text AS session_rule, %L::text AS session, %L::text AS comment,
					%L::text AS stages_text, %L::text AS refusal_text, %L::text AS purchase_text, %L::text AS visit_text',
				(map).map, (map).source, (map).customer, (map).at, (map).event, (map).channel, (map).value, (map).segment,
				(map).segment_at, (map).filter, (map).stages, (map).session_gap, (map).time_zone, (map).access,
				(map).spend, (map).attribution, (map).nps, (map).csat, (map).ces, (map).refusal, (map).purchase, (map).visit, (map).sequence,
				(map).attribution_per, (map).only_channels, (map).source_name, (map).dimensions, (map).session_rule, (map).session, (map).comment,
				(map).stages, (map).refusal, (map).purchase, (map).visit),
			cjm_internal.map_events_sql(map),
			cjm_internal.map_journeys_sql(map),
			cjm_internal.map_customers_sql(map),
			cjm_internal.map_funnel_sql(map, '', NULL, NULL, false),
			cjm_internal.map_funnel_sql(map, 's.label AS segment,', 'segment', NULL, false),
			cjm_internal.map_funnel_sql(map, format('(lower(s.entered) AT TIME ZONE %L)::date AS week, %s AS closed,', (map).time_zone, cjm_internal.map_bucket_sql(map)),
				NULL, 'week', false),
			cjm_internal.map_funnel_sql(map, 's.dimension, s.label AS value,', NULL, NULL, false, cjm_internal.map_dimension_names(map), cjm_internal.map_most_groups()),
			cjm_internal.map_drop_off_sql(map, 'last_event', 'last_event', false),
			cjm_internal.map_sessions_sql(map),
			cjm_internal.map_bounce_sql(map, '', NULL, false),
			cjm_internal.map_retention_sql(map, 'month', 'in', NULL, NULL, false, NULL, 1, NULL, NULL, false, false, false),
			cjm_internal.map_lifecycle_sql(map, 'month', NULL, NULL, NULL, false, false),
			cjm_internal.map_touchpoints_sql(map, 'event', 'event', false, false),
			cjm_internal.map_stages_sql(map, '', NULL, false),
			cjm_internal.map_transitions_sql(map, '', 'event', NULL, false, false, false, NULL),
			cjm_internal.map_paths_sql(map),
			cjm_internal.map_attribution_view_sql(map),
			cjm_internal.map_spend_sql(map),
			cjm_internal.map_channels_sql(map, format('(c.bucket AT TIME ZONE %L)::date AS week,', (map).time_zone), NULL, 'week', 'conversion', NULL, false),
			cjm_internal.map_feedback_sql(map, '', NULL, false),
			cjm_internal.map_metrics_view_sql(map)]) WITH ORDINALITY v(view_name, query, place);
END
$$;

CREATE OR REPLACE FUNCTION cjm_internal.map_notice_years(map cjm_internal.map) RETURNS void
	LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	units CONSTANT text := 'Seconds since 1970 are to_timestamp(n), milliseconds to_timestamp(n / 1000.0), microseconds to_timestamp(n / 1000000.0).';
	years record;
	problem text;
BEGIN
	BEGIN
		EXECUTE format('SELECT min(y.year) AS first, max(y.year) AS last
			FROM (SELECT extract(year FROM greatest(least(e.at, ''200000-01-01Z''), ''4700-01-01Z BC'') AT TIME ZONE $1)::integer AS year FROM (%s LIMIT 1000) e WHERE isfinite(e.at)) y', cjm_internal.map_events_sql(map))
			INTO years USING (map).time_zone;
	EXCEPTION WHEN datetime_field_overflow THEN
		GET STACKED DIAGNOSTICS problem = MESSAGE_TEXT;
		RAISE datetime_field_overflow USING
			MESSAGE = format('at gives no time of some row of %s: %s', (map).source, problem),
			HINT = units;
	END;
	-- A number of another unit is so in all rows; some that stand for "never" are no matter.
	IF years.last < 1990 OR years.first > extract(year FROM now()) + 1 THEN
		RAISE NOTICE 'the first rows of % are of %', (map).source,
			CASE WHEN years.first = years.last THEN format('the year %s', years.first) ELSE format('the years %s to %s', years.first, years.last) END
			USING HINT = CASE WHEN (map).at ~ 'to_timestamp' THEN units ELSE 'Is that right?' END;
	END IF;
END
$$;

CREATE OR REPLACE FUNCTION cjm_internal.map_is_remnant(schema oid) RETURNS boolean
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT obj_description(schema, 'pg_namespace') IS NOT DISTINCT FROM 'customer journey map'
		AND coalesce(bool_and(c.relname = ANY (cjm_internal.map_names())), false)
	FROM pg_depend d LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
	WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = schema AND d.deptype = 'n');

CREATE OR REPLACE FUNCTION cjm_internal.map_lock(map regnamespace, dropping text) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	from_top CONSTANT text[] := cjm_internal.audience_view_names(map) || '{kpis,comments,customer_journeys}' || ARRAY(SELECT v.name FROM unnest(cjm_internal.map_view_names()) WITH ORDINALITY v(name, place) ORDER BY v.place DESC);
	began CONSTANT timestamptz := clock_timestamp();
	lock_timeout CONSTANT text := current_setting('lock_timeout');
	most CONSTANT interval := nullif(lock_timeout, '0')::interval;
	soon CONSTANT float8 := extract(epoch FROM current_setting('deadlock_timeout')::interval) / 3;
	patience float8 := CASE WHEN dropping IS NULL THEN 0.5 ELSE least(0.5, soon) END;
	pause float8;
BEGIN
	LOOP
		BEGIN
			PERFORM cjm_internal.map_lock_views(map, from_top, patience);
			IF dropping IS NOT NULL THEN
				PERFORM set_config('lock_timeout', greatest(1, (soon * 1000)::integer)::text, true);
				EXECUTE dropping;
				PERFORM set_config('lock_timeout', lock_timeout, true);
			END IF;
			RETURN;
		EXCEPTION
			WHEN lock_not_available THEN
				pause := least(patience, 5);
				IF dropping IS NULL THEN
					patience := 2 * patience;
				END IF;
			WHEN deadlock_detected THEN
				pause := 0.05 + 0.2 * random();
		END;
		IF clock_timestamp() - began >= most THEN
			RAISE lock_not_available USING
				MESSAGE = format('the views of the map "%s" are being read', (SELECT n.nspname FROM pg_namespace n WHERE n.oid = map_lock.map)),
				DETAIL = format('They could not all be had within lock_timeout (%s).', lock_timeout),
				HINT = 'Try again when the transactions that read them are over: pg_locks and pg_stat_activity tell which they are.';
		END IF;
		PERFORM pg_sleep(pause);
	END LOOP;
END
$$;

CREATE FUNCTION cjm_internal.map_build(name text, source regclass, customer text, at text, event text, stages cjm.funnel, channel text, value text,
	segment text, segment_at text, filter text, session_gap interval, time_zone text, access text, spend regclass, attribution text,
	nps text, csat text, ces text, replace boolean, keep boolean,
	refusal cjm.funnel DEFAULT NULL, purchase cjm.funnel DEFAULT NULL, visit cjm.funnel DEFAULT NULL, sequence text DEFAULT NULL, attribution_per text DEFAULT 'touchpoint', only_channels boolean DEFAULT false, dimensions jsonb DEFAULT NULL, session_rule text DEFAULT NULL, session text DEFAULT NULL, comment text DEFAULT NULL) RETURNS regnamespace
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	SET TimeZone = 'UTC' SET DateStyle = 'ISO, MDY' SET IntervalStyle = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex'
	SET lc_monetary = 'C' SET quote_all_identifiers = off SET xmloption = content SET array_nulls = on SET transform_null_equals = off
	SET standard_conforming_strings = on
AS $$
DECLARE
	new cjm_internal.map;
	old cjm_internal.map;
	existing oid;
	kept regclass;
	parts text[];
	missing text;
	relation pg_class;
	readers boolean;
	made record;
	detail text;
BEGIN
	SELECT a.name INTO missing
	FROM (VALUES ('name', name), ('source', source::text), ('customer', customer), ('at', at), ('event', event), ('stages', stages::text)) a(name, value)
	WHERE a.value IS NULL LIMIT 1;
	IF missing IS NOT NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = format('%s of a map must not be NULL', missing);
	ELSIF name = '' OR octet_length(name) > 63 THEN
		RAISE invalid_name USING
			MESSAGE = format('a map cannot be called "%s"', name),
			HINT = 'The name of a schema has 1 to 63 bytes.';
	ELSIF name LIKE 'pg\_%' OR name = ANY (ARRAY['public', 'information_schema', 'cjm']) THEN
		RAISE reserved_name USING
			MESSAGE = format('a map cannot be called "%s"', name),
			HINT = 'A map has a schema of its own, and this one is PostgreSQL''s, everybody''s or cjm''s.';
	ELSIF segment_at <> ALL (ARRAY['first', 'last']) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('segment_at cannot be "%s"', segment_at), HINT = 'It is first or last.';
	ELSIF segment IS NOT NULL AND dimensions ? 'segment' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'segment is said twice', HINT = 'It is the dimension of that name: leave one of the two out.';
	ELSIF access <> ALL (ARRAY['owner', 'reader']) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('access cannot be "%s"', access),
			HINT = 'It is owner, for views that read the source with your rights, or reader, with the rights of whoever asks.';
	END IF;
	PERFORM timezone(time_zone, now());
	PERFORM cjm.sessions('{}'::cjm.journey, session_gap, session_rule, time_zone);
	PERFORM cjm.attribute('{}'::cjm.journey, '*'::cjm.funnel, attribution, NULL::interval, attribution_per, interval '30 minutes',
		interval '7 days', '{0.4,0.2,0.4}'::float8[], '{direct}'::text[], false, NULL::text, NULL::text);
	PERFORM cjm_internal.map_check_answers(value, nps, csat, ces);
	PERFORM cjm_internal.map_check_spend(spend);
	PERFORM cjm_internal.map_check_list('refusal', refusal, channel);
	PERFORM cjm_internal.map_check_list('purchase', purchase, channel);
	PERFORM cjm_internal.map_check_list('visit', visit, channel);
	PERFORM cjm_internal.map_check_refusal('stages', stages, refusal);
	PERFORM cjm_internal.map_check_refusal('purchase', purchase, refusal);

	SELECT c.* INTO relation FROM pg_class c WHERE c.oid = source;
	IF relation.relpersistence = 't' THEN
		RAISE wrong_object_type USING
			MESSAGE = format('%s is a temporary table', source),
			HINT = 'A map stays, so its source has to.';
	END IF;
	IF cjm_internal.funnel_asks_channel(stages) AND channel IS NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'stages ask for a channel, but the map has none',
			HINT = 'Say where the channel is: channel => ''...''.';
	ELSIF session_rule IS NOT NULL AND cjm_internal.map_within_session(stages) THEN
		RAISE feature_not_supported USING
			MESSAGE = 'stages within session are not for a map with a session_rule',
			DETAIL = 'A funnel is within a session that the rows name, or where no gap is too long; where another channel or another day begins it goes on.',
			HINT = 'Say a time, as in "within 30 minutes", or leave out session_rule.';
	ELSIF session_rule ~ 'channel' AND channel IS NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'session_rule asks for a channel, but the map has none',
			HINT = 'Say where the channel is: channel => ''...''.';
	ELSIF spend IS NOT NULL AND channel IS NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'spend is by channel, but the map has none',
			HINT = 'Say where the channel is: channel => ''...''.';
	END IF;

	new.source := source;
	new.customer := cjm_internal.map_expression(source, customer, 'customer', time_zone);
	new.at := cjm_internal.map_expression(source, at, 'at', time_zone);
	new.event := cjm_internal.map_expression(source, event, 'event', time_zone);
	new.channel := cjm_internal.map_expression(source, channel, 'channel', time_zone);
	new.value := cjm_internal.map_expression(source, value, 'value', time_zone);
	new.segment := cjm_internal.map_expression(source, coalesce(segment, dimensions ->> 'segment'), 'segment', time_zone);
	new.segment_at := segment_at;
	new.filter := cjm_internal.map_expression(source, filter, 'filter', time_zone);
	new.stages := stages;
	new.session_gap := session_gap;
	new.session_rule := session_rule;
	new.session := cjm_internal.map_expression(source, session, 'session', time_zone);
	new.comment := cjm_internal.map_expression(source, comment, 'comment', time_zone);
	new.time_zone := time_zone;
	new.spend := spend;
	new.attribution := attribution;
	new.nps := nps;
	new.csat := csat;
	new.ces := ces;
	new.refusal := refusal;
	new.purchase := purchase;
	new.visit := visit;
	new.attribution_per := attribution_per;
	new.only_channels := only_channels;
	SELECT format('%I.%I', n.nspname, c.relname) INTO new.source_name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = source;
	new.dimensions := cjm_internal.map_read_dimensions(source, nullif(dimensions - 'segment', '{}'), time_zone);
	new.sequence := cjm_internal.map_expression(source, sequence, 'sequence', time_zone);
	-- Row security is there for the reader's sake, unless the maker says otherwise.
	SELECT bool_or(c.relrowsecurity OR EXISTS (
		SELECT FROM pg_options_to_table(c.reloptions) o WHERE o.option_name = 'security_invoker' AND o.option_value::boolean)) INTO readers
	FROM pg_class c WHERE c.oid IN (source, spend);
	new.access := coalesce(access, CASE WHEN readers THEN 'reader' ELSE 'owner' END);

	-- What the views read is locked now: whoever holds it must not be waited for with the views in hand.
	EXECUTE 'EXPLAIN ' || cjm_internal.map_events_sql(new);
	IF spend IS NOT NULL THEN
		EXECUTE format('EXPLAIN SELECT FROM %s', spend);
	END IF;

	existing := cjm_internal.map_claim(name, replace);
	new.map := existing;
	SELECT c.oid::regclass::text INTO detail FROM pg_class c
	WHERE c.oid IN (source, spend) AND c.relnamespace = existing AND c.relname = ANY (cjm_internal.map_names());
	IF FOUND THEN
		RAISE invalid_parameter_value USING MESSAGE = format('%s is a part of the map itself', detail);
	END IF;
	old := cjm_internal.map_in(existing);
	IF old.map IS NULL THEN
		-- What is left of a map may have stored journeys without the type that they were of.
		EXECUTE cjm_internal.kept_drop_sql(new, 'CASCADE');
	END IF;
	kept := cjm_internal.kept_state(existing);
	IF kept IS NOT NULL AND cjm_internal.map_is_older(existing) THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('the map "%s" keeps journeys as an older version of cjm did', name),
			HINT = format('SELECT cjm.upgrade_map(%L) first.', name);
	ELSIF kept IS NOT NULL THEN
		old := cjm_internal.kept_definition(old);
	END IF;
	IF kept IS NOT NULL AND new.access = 'reader' THEN
		RAISE feature_not_supported USING
			MESSAGE = format('journeys of the map "%s" cannot be kept: each reader sees the rows that they may read', name),
			HINT = format('SELECT cjm.unkeep_journeys(%L) first.', name);
	END IF;

	PERFORM cjm_internal.map_notice_years(new);
	PERFORM cjm_internal.map_check_sequence(new);
	PERFORM cjm_internal.map_notice_events(new);
	-- In the order of a refresh, which has the state when it comes to read a view.
	IF kept IS NOT NULL THEN
		EXECUTE format('SELECT FROM %s FOR UPDATE', kept);
	END IF;
	-- From here on nobody reads the map: what takes long is done before.
	PERFORM cjm_internal.map_lock(existing, NULL::text);
	parts := cjm_internal.kept_parts(kept);
	FOR made IN SELECT v.view_name, v.query FROM cjm_internal.map_views(new) v ORDER BY v.place
	LOOP
		BEGIN
			IF made.view_name = 'journeys' AND kept IS NOT NULL THEN
				PERFORM cjm_internal.kept_check(format('%I.events', name));
				PERFORM cjm_internal.kept_make_views(new);
			END IF;
			EXECUTE format('CREATE OR REPLACE VIEW %I.%I%s AS %s', name, made.view_name,
				CASE WHEN new.access = 'reader' THEN ' WITH (security_invoker = true)'
					WHEN new.filter IS NOT NULL AND made.view_name = 'events' THEN ' WITH (security_barrier = true)' END,
				made.query);
		EXCEPTION WHEN invalid_table_definition THEN
			GET STACKED DIAGNOSTICS detail = MESSAGE_TEXT;
			RAISE invalid_table_definition USING
				MESSAGE = format('the view "%s" of the map cannot be replaced: %s', made.view_name, detail),
				HINT = 'Views that read it hold its columns as they are: keep the type, or use cjm.drop_map and make the map again.';
		END;
	END LOOP;

	PERFORM cjm_internal.map_make_comments(new);
	EXECUTE format('COMMENT ON SCHEMA %I IS %L', name, 'customer journey map');
	FOR made IN SELECT c.view_name, c.column_name, c.comment FROM cjm_internal.map_comments() c
	LOOP
		IF made.column_name IS NULL THEN
			EXECUTE format('COMMENT ON VIEW %I.%I IS %L', name, made.view_name, made.comment);
		ELSE
			EXECUTE format('COMMENT ON COLUMN %I.%I.%I IS %L', name, made.view_name, made.column_name, made.comment);
		END IF;
	END LOOP;
	-- All of them are the owner's of the schema: reports trust no other.
	FOR made IN SELECT c.oid::regclass AS view, n.nspowner::regrole AS holder
		FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid AND c.relowner <> n.nspowner
		WHERE n.oid = existing AND c.relname = ANY (cjm_internal.map_view_names()::name[] || 'comments'::name)
	LOOP
		EXECUTE format('ALTER VIEW %s OWNER TO %s', made.view, made.holder);
	END LOOP;
	-- Audiences read with the rights that the map reads with.
	FOR made IN SELECT v.name FROM unnest(cjm_internal.audience_view_names(existing)) v(name)
	LOOP
		EXECUTE format('ALTER VIEW %I.%I SET (security_invoker = %s)', name, made.name, new.access = 'reader');
	END LOOP;
	-- A table that a dimension is looked up in may have row security of its own.
	SELECT c.oid::regclass::text INTO detail
	FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class JOIN pg_class c ON c.oid = d.refobjid
	WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND v.relnamespace = existing AND v.relname = 'events' AND c.relrowsecurity
	ORDER BY c.oid LIMIT 1;
	IF FOUND AND map_build.access IS NULL AND new.access = 'owner' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('a dimension is looked up in %s, which has row security', detail),
			HINT = 'Say whose rights count: access => ''reader'' for those of whoever asks, access => ''owner'' for yours.';
	END IF;
	IF kept IS NOT NULL AND cjm_internal.map_events_sql(old) = cjm_internal.map_events_sql(new)
		AND cjm_internal.map_dimension_names(old) = cjm_internal.map_dimension_names(new) AND old.segment_at = new.segment_at THEN
		PERFORM cjm_internal.kept_follow(new, parts);
	END IF;
	-- Its owner's tables are read as its owner.
	PERFORM cjm_internal.map_call_as(t.task, (SELECT n.nspowner FROM pg_namespace n WHERE n.oid = existing), jsonb_build_object('map', existing::bigint))
	FROM unnest('{cjm_internal.steering_kpis,cjm_internal.audience_customers_follow}'::regproc[]) t(task);
	-- A view can be made without a right to read; it would be of no use.
	EXECUTE format('SELECT FROM %1$I.events CROSS JOIN %1$I.spend LIMIT 0', name);
	IF keep AND kept IS NULL THEN
		PERFORM cjm.keep_journeys(name);
	END IF;
	FOR detail IN SELECT f.meaning FROM cjm_internal.map_distributed_findings(new) f WHERE f.finding = 'rows are fetched'
	LOOP
		RAISE NOTICE '%', detail USING HINT = 'A cast or a function hides the column: give it bare, or distribute the source by what you give.';
	END LOOP;
	RETURN existing;
END
$$;

COMMENT ON FUNCTION cjm_internal.map_build(text, regclass, text, text, text, cjm.funnel, text, text, text, text, text, interval, text, text, regclass, text, text, text, text, boolean, boolean, cjm.funnel, cjm.funnel, cjm.funnel, text, text, boolean, jsonb, text, text, text) IS
	'makes the views of a map; create_map is the function to call';

CREATE FUNCTION cjm.create_map(
	name text,
	source regclass,
	customer text,
	at text,
	event text,
	stages cjm.funnel,
	channel text DEFAULT NULL,
	value text DEFAULT NULL,
	segment text DEFAULT NULL,
	segment_at text DEFAULT 'first',
	filter text DEFAULT NULL,
	session_gap interval DEFAULT '30 minutes',
	time_zone text DEFAULT current_setting('TimeZone'),
	access text DEFAULT NULL,
	spend regclass DEFAULT NULL,
	attribution text DEFAULT 'last_touch',
	nps text DEFAULT NULL,
	csat text DEFAULT NULL,
	ces text DEFAULT NULL,
	replace boolean DEFAULT false,
	keep boolean DEFAULT false,
	refusal cjm.funnel DEFAULT NULL,
	purchase cjm.funnel DEFAULT NULL,
	visit cjm.funnel DEFAULT NULL,
	sequence text DEFAULT NULL,
	attribution_per text DEFAULT 'touchpoint',
	only_channels boolean DEFAULT false,
	dimensions jsonb DEFAULT NULL,
	session_rule text DEFAULT NULL,
	session text DEFAULT NULL,
	comment text DEFAULT NULL) RETURNS regnamespace
	LANGUAGE sql VOLATILE
RETURN cjm_internal.map_build(name, source,
	cjm_internal.map_expression(source, customer, 'customer', coalesce(time_zone, current_setting('TimeZone'))),
	cjm_internal.map_expression(source, at, 'at', coalesce(time_zone, current_setting('TimeZone'))),
	cjm_internal.map_expression(source, event, 'event', coalesce(time_zone, current_setting('TimeZone'))),
	stages,
	cjm_internal.map_expression(source, channel, 'channel', coalesce(time_zone, current_setting('TimeZone'))),
	cjm_internal.map_expression(source, value, 'value', coalesce(time_zone, current_setting('TimeZone'))),
	cjm_internal.map_expression(source, segment, 'segment', coalesce(time_zone, current_setting('TimeZone'))),
	coalesce(segment_at, 'first'),
	cjm_internal.map_expression(source, filter, 'filter', coalesce(time_zone, current_setting('TimeZone'))),
	coalesce(session_gap, '30 minutes'), coalesce(time_zone, current_setting('TimeZone')), access, spend, coalesce(attribution, 'last_touch'), nps, csat, ces,
	coalesce(replace, false), coalesce(keep, false), refusal, purchase, visit,
	cjm_internal.map_expression(source, sequence, 'sequence', coalesce(time_zone, current_setting('TimeZone'))),
	coalesce(attribution_per, 'touchpoint'), coalesce(only_channels, false),
	cjm_internal.map_read_dimensions(source, dimensions, coalesce(time_zone, current_setting('TimeZone'))), session_rule,
	cjm_internal.map_expression(source, session, 'session', coalesce(time_zone, current_setting('TimeZone'))),
	cjm_internal.map_expression(source, comment, 'comment', coalesce(time_zone, current_setting('TimeZone'))));

COMMENT ON FUNCTION cjm.create_map(text, regclass, text, text, text, cjm.funnel, text, text, text, text, text, interval, text, text, regclass, text, text, text, text, boolean, boolean, cjm.funnel, cjm.funnel, cjm.funnel, text, text, boolean, jsonb, text, text, text) IS
'makes a customer journey map: a schema of views over an event table.
name: of the schema; source: a table or view with a row for each event
customer, at, event, channel, value, segment: a column or an expression over a row of the source; filter: a condition
stages: the funnel; dimensions: other properties of customers, as {"country": "country"}, names and expressions; segment_at: whether the first or last segment of a customer counts, and the first or last of each of these
session_gap: what is longer ends a session; session_rule: what else does: channel, for another channel than the last known one of the session, day, for the next day, or channel | day
session: a column or an expression that names the session of a row, such as ''ga_session_id'': rows of a customer that name the same are one session, whatever lies between them; gap and rule divide those that name none
time_zone: where days, weeks and months begin
access: owner, the default, or reader, the default where the source has row security
spend: a table or view of what the channels cost, with day, channel, impressions, clicks and cost; attribution: the model that the view channels credits by
nps, csat, ces: the events whose value is an answer from 0 to 10, from 1 to 5 and from 1 to 7
replace: whether a map of that name is made anew; views over its views stay, and what keep_journeys has made of it
keep: whether its journeys are kept, as by keep_journeys
refusal: the events that say no, such as ''refusal | cancel'': an exit from any stage
purchase: the events that are a purchase, such as ''order | renewal''; NULL for those of the last stage that is not optional
visit: the events that are a visit, such as ''visit | view'', for sessions, bounces and channels; NULL for all
sequence: a column or an expression, a whole number that orders the events of one time; it is added to the time as microseconds
comment: a column or an expression, what a customer wrote with an answer, for feedback_words and map_svg
attribution_per: touchpoint, or session for one share of a conversion to each visit; only_channels: whether touchpoints without a channel earn nothing; of the views attribution and channels';

CREATE OR REPLACE FUNCTION cjm.drop_map(name text, cascade boolean DEFAULT false) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	old cjm_internal.map := cjm_internal.map_of(name, NULL, true);
	schema text;
	views text;
BEGIN
	PERFORM cjm_internal.map_lock_schema((old).map);
	-- Another session may have dropped or renamed it in the meantime; then there is none.
	old := cjm_internal.map_of(name, NULL, true);
	schema := cjm_internal.map_schema(old);
	SELECT string_agg(format('%s.%I', schema, c.relname), ', ' ORDER BY c.oid) INTO views
	FROM pg_class c
	WHERE c.relnamespace = old.map AND c.relkind = 'v' AND c.relname = ANY (cjm_internal.map_view_names()::name[]);
	PERFORM cjm_internal.map_lock((old).map, format('%5$sDROP VIEW %2$s %3$s; %4$sDROP SCHEMA %1$s %3$s', schema, views, CASE WHEN cascade THEN 'CASCADE' ELSE 'RESTRICT' END,
		cjm_internal.kept_drop_sql(old, CASE WHEN cascade THEN 'CASCADE' ELSE 'RESTRICT' END),
		cjm_internal.steering_drop_sql(old, CASE WHEN cascade THEN 'CASCADE' ELSE 'RESTRICT' END)));
END
$$;

CREATE FUNCTION cjm.funnel_report(
	map text,
	by text DEFAULT NULL,
	bucket text DEFAULT NULL,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL,
	count text DEFAULT 'customers',
	value boolean DEFAULT false)
	RETURNS TABLE (by_value text, bucket_start timestamptz, closed boolean,
		step integer, stage text, customers bigint, step_rate float8, overall_rate float8, dropped bigint, drop_rate float8, open_customers bigint,
		rate_low float8, rate_high float8,
		median_time interval, mean_time interval, p90_time interval, median_total interval, p90_total interval,
		median_time_seconds float8, mean_time_seconds float8, p90_time_seconds float8, median_total_seconds float8, p90_total_seconds float8,
		refused bigint, value_sum numeric, value_mean numeric, valued_customers bigint)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	ranged boolean := cjm_internal.map_ranged(from_time, to_time);
	lead text;
	funnel text;
BEGIN
	IF bucket IS NOT NULL THEN
		PERFORM cjm_internal.map_period(bucket);
	END IF;
	IF count NOT IN ('customers', 'walks') THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('count must be customers or walks, not "%s"', count);
	END IF;
	lead := format('s.label, lower(s.entered) AS bucket_start, %s AS closed,', CASE WHEN bucket IS NULL THEN 'NULL::boolean' ELSE cjm_internal.map_bucket_sql(def) END);
	funnel := CASE WHEN count = 'walks' THEN cjm_internal.map_walks_sql(def, lead, by, bucket, ranged) ELSE cjm_internal.map_funnel_sql(def, lead, by, bucket, ranged) END;
	-- Values take a second look at the journeys.  Arrays are equal where both hold NULL, and can be hashed.
	RETURN QUERY EXECUTE CASE WHEN value AND (def).value IS NOT NULL
			THEN format('SELECT f.*, coalesce(v.value, 0), trim_scale(v.value / v.valued::numeric), coalesce(v.valued, 0) FROM (%s) f
				LEFT JOIN (%s) v ON v.step = f.step AND ARRAY[v.label] = ARRAY[f.label] AND ARRAY[v.entered] = ARRAY[f.bucket_start]
				ORDER BY f.bucket_start, f.label COLLATE "C", f.step', funnel, cjm_internal.map_step_values_sql(def, by, bucket, ranged, coalesce(count = 'walks', false)))
			ELSE format('SELECT f.*, NULL::numeric, NULL::numeric, NULL::bigint FROM (%s) f', funnel) END
		USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;

COMMENT ON FUNCTION cjm.funnel_report(text, text, text, timestamptz, timestamptz, jsonb, text, boolean) IS
'the funnel of a map, of walks that begin in a time range.
by: NULL, a dimension of the map (segment), channel or entry_channel (of the first touchpoint of the winning walk), first_channel (of the customer), session_channel (of the session in which the walk began); bucket: NULL, hour, day, week, month, quarter or year of the walk''s beginning
where_is: which customers, a value or a list of values by name: {"segment": ["LV", "EE"], "first_channel": null}; the names are dimensions of the map, first_channel, entry_channel or channel, and session_channel
count: customers, or walks, which counts tries (walks(journey, funnel)) in the column customers; of a try it is not told whether it may go on or was refused, and both have dropped
value: whether to say what the touchpoints were worth that the walks took at each step (funnel_touchpoints): value_sum, value_mean and valued_customers, those whose touchpoint there has a value; NULL without it, or where the map has no value
Columns as in the views funnel, funnel_by_segment and funnel_by_week.';

CREATE FUNCTION cjm.funnel_by_dimension_report(
	map text,
	dimensions text[] DEFAULT NULL,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL,
	max_groups integer DEFAULT NULL)
	RETURNS TABLE (dimension text, value text,
		step integer, stage text, customers bigint, step_rate float8, overall_rate float8, dropped bigint, drop_rate float8, open_customers bigint,
		rate_low float8, rate_high float8,
		median_time interval, mean_time interval, p90_time interval, median_total interval, p90_total interval,
		median_time_seconds float8, mean_time_seconds float8, p90_time_seconds float8, median_total_seconds float8, p90_total_seconds float8,
		refused bigint)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 500
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	known text[] := cjm_internal.map_dimension_names(def);
	unknown text := (SELECT d FROM unnest(dimensions) d WHERE coalesce(d <> ALL (known), true) LIMIT 1);
BEGIN
	max_groups := coalesce(max_groups, cjm_internal.map_most_groups());
	IF EXISTS (SELECT FROM unnest(dimensions) d WHERE coalesce(d <> ALL (known), true)) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('the map "%s" has no dimension %s', map, coalesce('"' || left(unknown, 100) || '"', 'NULL')),
			HINT = CASE WHEN known = '{}' THEN 'It has none: cjm.create_map gives it some, dimensions => ''{"country": "country"}'', with replace => true.'
				ELSE cjm_internal.map_words_hint(known, coalesce(unknown, ''), 'It has ') END;
	ELSIF max_groups < 1 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('max_groups must be at least 1, not %s', max_groups),
			HINT = 'It is how many values of each dimension are shown by themselves; all others become one.';
	END IF;
	RETURN QUERY EXECUTE cjm_internal.map_funnel_sql(def, 's.dimension, s.label,', NULL, NULL, cjm_internal.map_ranged(from_time, to_time), coalesce(dimensions, known), max_groups)
		USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;

COMMENT ON FUNCTION cjm.funnel_by_dimension_report(text, text[], timestamptz, timestamptz, jsonb, integer) IS
'the funnel of a map by each of its dimensions, of walks that begin in a time range, in one pass over the journeys.
dimensions: their names, NULL for all of the map
where_is: as of funnel_report
max_groups: how many values of a dimension are shown by themselves, those that most customers have; all others but NULL are shown together as others. NULL: 50
Columns as in the view funnel_by_dimension.';

CREATE FUNCTION cjm.drop_off_report(
	map text,
	by text DEFAULT 'last_event',
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL)
	RETURNS TABLE (step integer, stage text, by_value text, customers bigint, share float8, open_customers bigint,
		median_days_since float8, next_event text, next_customers bigint, refused bigint)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE cjm_internal.map_drop_off_sql(cjm_internal.map_of(map, where_is), 'by_value', nullif(coalesce(by, 'last_event'), 'none'), cjm_internal.map_ranged(from_time, to_time)) USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;

COMMENT ON FUNCTION cjm.drop_off_report(text, text, timestamptz, timestamptz, jsonb) IS
'who began the funnel in a time range and did not complete it, by the deepest step.
by: last_event, next_event (what came next after the step was reached), none, a dimension of the map (segment), channel or entry_channel (of the first touchpoint of the winning walk), first_channel (of the customer), session_channel (of the session in which the walk began)
where_is: which customers, a value or a list of values by name: {"segment": ["LV", "EE"], "first_channel": null}; the names are dimensions of the map, first_channel, entry_channel or channel, and session_channel, last_event and next_event
Columns as in the view drop_off.';

CREATE FUNCTION cjm.session_report(
	map text,
	by text DEFAULT NULL,
	bucket text DEFAULT NULL,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL)
	RETURNS TABLE (by_value text, bucket_start timestamptz, sessions bigint, customers bigint, new_sessions bigint, returning_sessions bigint,
		bounces bigint, bounce_rate float8, touches_per_session float8, mean_time interval, median_time interval,
		mean_time_seconds float8, median_time_seconds float8, value numeric, value_per_session numeric, gross_value numeric)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF bucket IS NOT NULL THEN
		PERFORM cjm_internal.map_period(bucket);
	END IF;
	RETURN QUERY EXECUTE cjm_internal.map_session_report_sql(cjm_internal.map_of(map, where_is), by, bucket, cjm_internal.map_ranged(from_time, to_time)) USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;

COMMENT ON FUNCTION cjm.session_report(text, text, text, timestamptz, timestamptz, jsonb) IS
'sessions that began in a time range.
by: NULL, a dimension of the map (segment), channel or session_channel (of the session), first_channel (of the customer), entry_event, exit_event, or visitor (new in the first session of a customer, then returning)
bucket: NULL, hour, day, week, month, quarter or year of the session''s beginning
where_is: which customers, a value or a list of values by name: {"segment": ["LV", "EE"], "first_channel": null}; the names are dimensions of the map and first_channel, and of sessions those of by
value: less refunds, which are negative values; gross_value: without taking them off; value_per_session: of all sessions, those without a value too';

CREATE FUNCTION cjm.bounce_report(
	map text,
	by text DEFAULT NULL,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL)
	RETURNS TABLE (by_value text, event text, channel text, sessions bigint, bounces bigint, bounce_rate float8, containing bigint, exits bigint, exit_rate float8, touches_per_session float8,
		mean_time interval, median_time interval, mean_time_seconds float8, median_time_seconds float8, new_sessions bigint, returning_sessions bigint)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE cjm_internal.map_bounce_sql(cjm_internal.map_of(map, where_is), CASE WHEN by IS NULL THEN 'NULL::text,' ELSE 's.label,' END, by, cjm_internal.map_ranged(from_time, to_time))
		USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;

COMMENT ON FUNCTION cjm.bounce_report(text, text, timestamptz, timestamptz, jsonb) IS
'how sessions begin and end with an event, of sessions that began in a time range.
by: NULL, a dimension of the map (segment), or first_channel (of the customer)
where_is: which customers, a value or a list of values by name: {"segment": ["LV", "EE"], "first_channel": null}; the names are dimensions of the map and first_channel
Columns as in the view bounce.';

CREATE FUNCTION cjm.purchase_report(
	map text,
	by text DEFAULT NULL,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL)
	RETURNS TABLE (by_value text, customers bigint, purchases bigint, repeat_customers bigint, repeat_rate float8, purchases_per_customer float8,
		value numeric, average_order_value numeric, mean_time_between interval, median_time_between interval,
		mean_time_between_seconds float8, median_time_between_seconds float8, gross_value numeric)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 10
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	words jsonb := cjm_internal.map_walk_words(def, NULL);
	purchased text := cjm_internal.map_has_purchase(def);
	split text;
	who text;
	of_customer boolean := by <> 'session_channel';
BEGIN
	words := words || jsonb_build_object('channel', words -> 'first_channel', 'session_channel', cjm_internal.map_session_channel_sql(def, 'p.at'));
	split := cjm_internal.map_split(words, by);
	-- Of whom, and not of which purchases: these are counted together.
	who := concat(' WHERE ' || purchased, cjm_internal.map_where(def, CASE WHEN purchased IS NULL THEN 'WHERE' ELSE 'AND' END, words - 'session_channel'));
	RETURN QUERY EXECUTE format('SELECT s.label, s.customers, s.purchases, s.repeats, s.repeats::float8 / nullif(s.customers, 0)::float8,
			s.purchases::float8 / nullif(s.customers, 0)::float8, s.value, trim_scale(s.gross_value / nullif(s.valued, 0)::numeric),
			s.mean, s.median, extract(epoch FROM s.mean)::float8, extract(epoch FROM s.median)::float8, s.gross_value
		FROM (SELECT %s AS label, count(*) FILTER (WHERE p.number = 1) AS customers, count(p.number) AS purchases,
				count(*) FILTER (WHERE p.number = 2) AS repeats, sum(cjm_internal.map_money(p.value)) AS value,
				sum(cjm_internal.map_money(p.value)) FILTER (WHERE p.number IS NOT NULL) AS gross_value, count(p.value) FILTER (WHERE p.number IS NOT NULL) AS valued,
				justify_hours(avg(p.since)) AS mean,
				justify_hours(make_interval(secs => cjm.median(date_part(''epoch'', p.since)))) AS median
			FROM %s CROSS JOIN LATERAL cjm.purchases(%s, %L::cjm.funnel, %s%s) p%s%s) s
		ORDER BY s.label COLLATE "C"',
		CASE WHEN of_customer THEN 'j.label' ELSE split END, CASE WHEN of_customer THEN cjm_internal.map_journeys_by(def, split, who) ELSE cjm_internal.map_schema(def) || '.journeys j' END, cjm_internal.map_valued_journey(def), cjm_internal.map_purchase(def),
		CASE WHEN cjm_internal.map_ranged(from_time, to_time) THEN '$1, $2' ELSE '''-infinity''::timestamptz, ''infinity''::timestamptz' END, ', ' || quote_literal((def).refusal) || '::cjm.funnel',
		CASE WHEN of_customer THEN '' ELSE who END,
		CASE WHEN by IS NOT NULL THEN ' GROUP BY 1' END) USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;

COMMENT ON FUNCTION cjm.purchase_report(text, text, timestamptz, timestamptz, jsonb) IS
'purchases in a time range; a purchase is a touchpoint of the map''s purchase events or, where it names none, of its last stage that is not optional.
by: NULL, a dimension of the map (segment), channel or first_channel (of the customer), entry_channel (of the first touchpoint of the winning walk), session_channel (of the session of the purchase)
where_is: which customers, a value or a list of values by name: {"segment": ["LV", "EE"], "first_channel": null}; the names are dimensions of the map, first_channel or channel, and entry_channel
customers: who bought; repeat_customers: who did so at least twice; repeat_rate: their share
value: less refunds, which are negative values of purchases or refusals; gross_value: without taking them off; average_order_value: gross_value / purchases that have a value; time between: from each purchase of a customer to the next, median the lower one';

CREATE FUNCTION cjm.win_back_report(
	map text,
	by text DEFAULT NULL,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL,
	away interval DEFAULT '30 days')
	RETURNS TABLE (by_value text, step integer, stage text, customers bigint, came_back bigint, came_back_rate float8, went_on bigint, went_on_rate float8,
		converted bigint, median_away interval, median_away_seconds float8)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 5
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	distributed CONSTANT boolean := cjm_internal.map_distributed(def.source);
BEGIN
	away := coalesce(away, '30 days');
	-- Fixed units only, as for a session gap, whose errors would name that.
	IF extract(year FROM away) <> 0 OR extract(month FROM away) <> 0 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('away must not have months or years: %s', away),
			HINT = 'They have no fixed length; say it in days: 30 days.';
	ELSIF away < interval '0' THEN
		RAISE invalid_parameter_value USING MESSAGE = format('away must not be negative: %s', away);
	END IF;
	RETURN QUERY EXECUTE format('SELECT s.label, s.step, %1$s[s.step], s.customers, s.came_back, s.came_back::float8 / s.customers::float8,
			s.went_on, s.went_on::float8 / nullif(s.came_back, 0)::float8, s.converted, s.median_away, extract(epoch FROM s.median_away)::float8
		FROM (SELECT l.label, (l.lapse).step, count(*) AS customers, count((l.lapse).back_at) AS came_back,
				count(*) FILTER (WHERE (l.lapse).final_step > (l.lapse).step) AS went_on,
				count(*) FILTER (WHERE (l.lapse).final_step >= %2$s) AS converted,
				justify_hours(make_interval(secs => cjm.median(date_part(''epoch'', (l.lapse).back_at - (l.lapse).left_at)))) AS median_away
			FROM (SELECT %9$s cjm.funnel_lapse(j.journey, %4$L::cjm.funnel, %5$L::interval) AS lapse, %8$s AS label FROM %3$s.journeys j%7$s%10$s) l
			WHERE (l.lapse).step < %2$s AND ((l.lapse).back_at IS NOT NULL OR (l.lapse).left_at + %5$L::interval < now())%6$s
			GROUP BY 1, 2) s
		ORDER BY s.label COLLATE "C", s.step',
		cjm_internal.map_stage_names(def), cjm_internal.map_completed_step(def), cjm_internal.map_schema(def), (def).stages, away,
		CASE WHEN cjm_internal.map_ranged(from_time, to_time) THEN ' AND (l.lapse).left_at >= $1 AND (l.lapse).left_at < $2' END,
		cjm_internal.map_where(def, 'WHERE', cjm_internal.map_words(def)), cjm_internal.map_split(cjm_internal.map_words(def), by),
		-- The fields of a row are asked for once; Citus would fetch the rows for it.
		CASE WHEN distributed THEN 'j.customer,' END, CASE WHEN NOT distributed THEN ' OFFSET ''0''' END) USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;

COMMENT ON FUNCTION cjm.win_back_report(text, text, timestamptz, timestamptz, jsonb, interval) IS
'customers who began the funnel, stayed away for longer than the time given before they had completed it, and who came back; of those last seen before in a time range.
where_is: which customers, a value or a list of values by name: {"segment": ["LV", "EE"], "first_channel": null}; the names are dimensions of the map and first_channel
by: NULL, a dimension of the map (segment), or first_channel
step, stage: where they stood; customers: who stayed away (the first time that they did, if several); came_back: who has a touchpoint after it;
went_on: who came further than they were; converted: who completed the funnel
came_back_rate: came_back / customers; went_on_rate: went_on / came_back, NULL where nobody did';

CREATE FUNCTION cjm.retention_report(
	map text,
	period text DEFAULT 'month',
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	kind text DEFAULT 'in',
	by text DEFAULT NULL,
	where_is jsonb DEFAULT NULL,
	starts cjm.funnel DEFAULT NULL,
	returns cjm.funnel DEFAULT NULL,
	at_least integer DEFAULT 1,
	brackets integer[] DEFAULT NULL,
	week_starts text DEFAULT 'monday',
	value boolean DEFAULT false,
	every_start boolean DEFAULT false)
	RETURNS TABLE (cohort date, number integer, period_start date, cohort_size bigint, retained bigint, rate float8, churn float8,
		period_over boolean, by_value text, period_end date, net_value numeric, gross_value numeric, value_rate float8, purchases bigint, refunds bigint)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE cjm_internal.map_retention_sql(cjm_internal.map_of(map, where_is), coalesce(period, 'month'), coalesce(kind, 'in'), by, starts, coalesce(every_start, false),
		returns, coalesce(at_least, 1), brackets, week_starts, coalesce(value, false), cjm_internal.map_ranged(from_time, to_time), true)
		USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;

COMMENT ON FUNCTION cjm.retention_report(text, text, timestamptz, timestamptz, text, text, jsonb, cjm.funnel, cjm.funnel, integer, integer[], text, boolean, boolean) IS
'customers by the period in which they started, and how many of them came back; of starts in a time range.
period: day, week, month, quarter or year of the calendar; or 24 hours, 7 days or 28 days that run from each customer''s own start, whose cohorts are those of a day, week or month
kind: in, for those who came back in the period, or on_or_after, for those who did so in it or later
by: NULL, a dimension of the map (segment), first_channel or channel (of the customer), session_channel (of their first session), entry_channel (of the first touchpoint of the winning walk)
where_is: which customers, a value or a list of values by name: {"segment": ["LV", "EE"], "first_channel": null}; the names are those of by
starts: events, or a funnel that is completed; NULL: the first touchpoint. every_start: in the cohort of every period in which a customer started, and not of the first alone
returns: the same of what coming back is, at or after the start; NULL: any touchpoint. at_least: so many times within the period or bracket
brackets: numbers of periods that each begin a bracket, which ends before the next; the last one has no end. number is where it begins
week_starts: a day of the week. value: whether to count money, of purchases from the start on
Periods go up to the last one in which anybody was seen, and not beyond the present one; a cohort of the future has its own alone.
period_over: before that the numbers are still growing, as those of on_or_after and of a bracket without an end always are: there it is NULL; churn: 1 - rate where it is over, since nobody is lost before that
net_value: less refunds, gross_value: without taking them off; value_rate: net_value / that of number 0';

CREATE FUNCTION cjm.lifecycle_report(
	map text,
	period text DEFAULT 'month',
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	by text DEFAULT NULL,
	where_is jsonb DEFAULT NULL,
	active cjm.funnel DEFAULT NULL,
	week_starts text DEFAULT 'monday')
	RETURNS TABLE (period_start date, new_customers bigint, returning_customers bigint, resurrected_customers bigint, dormant_customers bigint,
		active_customers bigint, period_over boolean, by_value text)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 20
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE cjm_internal.map_lifecycle_sql(cjm_internal.map_of(map, where_is), coalesce(period, 'month'), by, active, week_starts,
		cjm_internal.map_ranged(from_time, to_time), true)
		USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;

COMMENT ON FUNCTION cjm.lifecycle_report(text, text, timestamptz, timestamptz, text, jsonb, cjm.funnel, text) IS
'what became of customers from period to period, up to the last one in which anybody was seen and not beyond the present one; of periods that begin in a time range.
period: day, week, month, quarter or year; by, where_is: as for retention_report; active: the events that count as being there, NULL for all; week_starts: a day of the week
new: first active in it; returning: active in it and in the one before; resurrected: active in it and before, but not in the one before;
dormant: active in the one before and not in it; active: new, returning and resurrected';

CREATE FUNCTION cjm.touchpoint_report(
	map text,
	by text DEFAULT 'event',
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL)
	RETURNS TABLE (step integer, stage text, by_value text, customers bigint, share float8, touches bigint,
		first_seen timestamptz, last_seen timestamptz, compared_within interval,
		with_customers bigint, with_went_on bigint, with_rate float8, without_customers bigint, without_rate float8,
		difference float8, difference_low float8, difference_high float8, sure boolean, touchpoint text)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE cjm_internal.map_touchpoints_sql(cjm_internal.map_of(map, where_is), 'by_value', coalesce(by, 'event'), cjm_internal.map_ranged(from_time, to_time), true) USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;

COMMENT ON FUNCTION cjm.touchpoint_report(text, text, timestamptz, timestamptz, jsonb) IS
'what customers met at each stage, of walks that begin in a time range (then from step 1 on).
by: event; or channel, for touchpoints that have one; or a dimension of the map (segment), first_channel (of the customer), entry_channel or session_channel (of the walk): then by_value is what customers have there, who are compared with others who have the same
touchpoint: the event or the channel that was met
where_is: which customers, a value or a list of values by name: {"segment": ["LV", "EE"], "first_channel": null}; the names are dimensions of the map, first_channel, entry_channel and session_channel
Columns as in the view touchpoints.';

CREATE FUNCTION cjm.stage_report(
	map text,
	by text DEFAULT NULL,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL)
	RETURNS TABLE (by_value text, step integer, stage text, converted boolean, customers bigint, share float8, open_customers bigint,
		median_days_since float8, open_median_days_since float8, refused bigint)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 20
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE cjm_internal.map_stages_sql(cjm_internal.map_of(map, where_is), 'l.label,', by, cjm_internal.map_ranged(from_time, to_time)) USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;

COMMENT ON FUNCTION cjm.stage_report(text, text, timestamptz, timestamptz, jsonb) IS
'where customers stand now, of walks that begin in a time range (then from step 1 on).
by: NULL, a dimension of the map (segment), channel or entry_channel (of the first touchpoint of the winning walk), first_channel (of the customer), session_channel (of the session in which the walk began); share: of the customers with that value
where_is: which customers, a value or a list of values by name: {"segment": ["LV", "EE"], "first_channel": null}; the names are dimensions of the map, first_channel, entry_channel or channel, and session_channel
Columns as in the view stages.';

CREATE FUNCTION cjm.transition_report(
	map text,
	by text DEFAULT 'event',
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL,
	depth integer DEFAULT NULL,
	repeats boolean DEFAULT false,
	per text DEFAULT 'customer')
	RETURNS TABLE (by_value text, "position" integer, source text, target text, value bigint, customers bigint, share float8, median_seconds float8)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
BEGIN
	RETURN QUERY EXECUTE cjm_internal.map_transitions_sql(def, concat(CASE cjm_internal.map_path_split(def, by) WHEN 'NULL::text' THEN 'NULL::text, ' ELSE 't.label, ' END, CASE WHEN depth IS NULL THEN 'NULL::integer,' ELSE 't.position,' END),
		coalesce(by, 'event'), depth, coalesce(repeats, false), cjm_internal.map_ranged(from_time, to_time), true, per) USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;

COMMENT ON FUNCTION cjm.transition_report(text, text, timestamptz, timestamptz, jsonb, integer, boolean, text) IS
'what followed what, of customers first seen in a time range.
by: event; or channel, of touchpoints that have one; or a dimension of the map (segment) or first_channel, whose customers'' events are followed apart: shares are of the same by_value
where_is: which customers, a value or a list of values by name: {"segment": ["LV", "EE"], "first_channel": null}; the names are dimensions of the map and first_channel
depth: NULL for pairs wherever they stand, or a number of positions from the beginning of journeys: then source and target begin with their position ("1. view"), so that a Sankey chart has no circles
repeats: whether the same several times running counts each time; it does not by default
per: customer, for the whole journeys of customers, or session: then nothing follows the end of a session (of a visit, if the map says what that is), and positions are those in the session
value: how often; share: of the times that the source was there at all; median_seconds: half of the times no more lies between the two, of several running from the first';

CREATE FUNCTION cjm.path_report(
	map text,
	by text DEFAULT 'event',
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL,
	depth integer DEFAULT 10,
	repeats boolean DEFAULT false,
	per text DEFAULT 'customer',
	length integer DEFAULT NULL,
	after text DEFAULT NULL,
	before text DEFAULT NULL)
	RETURNS TABLE (by_value text, path text, nodes text[], customers bigint, share float8, converted bigint, rate float8, times bigint, median_seconds float8)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 1000
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE cjm_internal.map_path_report_sql(cjm_internal.map_of(map, where_is), coalesce(by, 'event'), coalesce(depth, 10), coalesce(repeats, false), per, length, after, before,
		cjm_internal.map_ranged(from_time, to_time)) USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;

COMMENT ON FUNCTION cjm.path_report(text, text, timestamptz, timestamptz, jsonb, integer, boolean, text, integer, text, text) IS
'paths of customers first seen in a time range: up to the completion of the funnel, or, where per, length, after or before say so, of sessions, of parts, or all short sequences.
by: event; or channel, of touchpoints that have one; or a dimension of the map (segment) or first_channel, whose customers'' events are followed apart: shares are of the same by_value
depth: how many places at most
where_is: which customers, a value or a list of values by name: {"segment": ["LV", "EE"], "first_channel": null}; the names are dimensions of the map and first_channel
repeats: whether the same several times running is there each time; it is not by default
per: customer, or session for a path of each session (of each visit, if the map says what that is)
length: all sequences of so many places, wherever they stand, instead of one path from the beginning
after: the path begins where this event (or channel) is first met; before: it ends there, and its last places are kept; what does not have them has no path
Columns as in the view paths, and times: how often there is this path; share: of all times; converted: of the customers, whether in this path or not; median_seconds: half of the times it takes no more from its first place to its last';

CREATE OR REPLACE FUNCTION cjm_internal.map_parts(map cjm_internal.map, by text, entered text) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	split text := cjm_internal.map_split(cjm_internal.map_walk_words(map, entered), by);
BEGIN
	IF (by = 'segment' AND (map).segment IS NULL) OR (by LIKE '%channel' AND (map).channel IS NULL) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('the map "%s" has no %s to compare with', (map).map::text, by),
			HINT = 'Say which rate to reach: target => 0.5, or what to compare: by => ''segment'' or by => ''entry_channel''.';
	END IF;
	RETURN split;
END
$$;

CREATE FUNCTION cjm.weakest_step(
	map text,
	by text DEFAULT 'segment',
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL,
	target float8 DEFAULT NULL)
	RETURNS TABLE (step integer, stage text, customers_before bigint, customers bigint, step_rate float8, best text, best_customers bigint,
		best_rate float8, target_rate float8, more_customers float8, more_converted float8)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 5
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	entered text := CASE WHEN cjm_internal.map_ranged(from_time, to_time) THEN 'tstzrange($1, $2)' END;
	split text := CASE WHEN target IS NULL THEN cjm_internal.map_parts(def, coalesce(by, 'segment'), entered) ELSE 'NULL::text' END;
BEGIN
	IF NOT (target >= 0 AND target <= 1) THEN
		RAISE invalid_parameter_value USING MESSAGE = format('target must be a rate from 0 to 1, not %s', target);
	END IF;
	RETURN QUERY EXECUTE format('WITH parts AS MATERIALIZED (
			SELECT %2$s AS label, cjm.funnel_agg(j.journey, %1$L::cjm.funnel%4$s) AS stats FROM %3$s.journeys j%8$s GROUP BY 1
		), steps AS (
			SELECT r.step, r.stage, r.customers, r.step_rate, lag(r.customers) OVER (ORDER BY r.step) AS before,
				last_value(r.customers) OVER (ORDER BY r.step ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS converted
			FROM (SELECT cjm.rollup(p.stats) AS stats FROM parts p) whole
				CROSS JOIN LATERAL cjm.report(coalesce(whole.stats, cjm.funnel_stats(%1$L::cjm.funnel))) r
			WHERE r.step = ANY (%5$L::integer[])
		), rates AS (
			SELECT r.step, p.label, r.customers - CASE WHEN r.step > 1 THEN r.entered ELSE 0 END AS customers, lag(r.customers) OVER (PARTITION BY p.label ORDER BY r.step) AS before
			FROM parts p CROSS JOIN LATERAL cjm.report(p.stats) r
			WHERE p.label IS NOT NULL AND r.step = ANY (%5$L::integer[])
		), compared AS (
			SELECT r.step, r.label, r.before, i.rate, i.rate_low
			FROM (SELECT q.*, count(*) OVER () AS comparisons FROM rates q WHERE q.before >= %7$s) r
				CROSS JOIN LATERAL cjm.rate_interval(r.customers, r.before, r.comparisons) i
		), bests AS (
			SELECT DISTINCT ON (c.step) c.* FROM compared c ORDER BY c.step, c.rate_low DESC, c.label COLLATE "C"
		)
		SELECT g.step, g.stage, g.before, g.customers, g.step_rate, g.label, g.label_before, g.label_rate, g.target, g.more, g.more * g.rest
		FROM (SELECT s.*, b.label, b.before AS label_before, b.rate AS label_rate, t.target,
				s.before::float8 * CASE WHEN t.target > s.step_rate THEN t.target - s.step_rate WHEN t.target <= s.step_rate THEN 0 END AS more,
				CASE WHEN s.step = %6$s THEN 1 ELSE s.converted::float8 / nullif(s.customers, 0)::float8 END AS rest
			FROM steps s LEFT JOIN bests b ON b.step = s.step CROSS JOIN LATERAL (SELECT coalesce($3, b.rate_low) AS target) t
			WHERE s.step > 1) g
		ORDER BY 11 DESC NULLS LAST, g.step',
		(def).stages, split, cjm_internal.map_schema(def), ', ' || entered,
		(SELECT array_agg(DISTINCT s.step) FROM cjm.funnel_stages((def).stages) s WHERE NOT s.optional), cjm_internal.map_completed_step(def), cjm_internal.map_few(),
		cjm_internal.map_where(def, 'WHERE', cjm_internal.map_walk_words(def, entered)))
		USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity'), target;
END
$$;

COMMENT ON FUNCTION cjm.weakest_step(text, text, timestamptz, timestamptz, jsonb, float8) IS
'the steps of a map by how many more customers would convert if that step alone were better, of walks that begin in a time range; the best improvement first.
by: the parts of the customers whose best one is the target: a dimension of the map (segment), channel or entry_channel (of the first touchpoint of the winning walk), first_channel (of the customer), session_channel (of the session in which the walk began); target: the rate to reach instead of that, if not NULL
where_is: which customers, a value or a list of values by name: {"segment": ["LV", "EE"], "first_channel": null}; the names are dimensions of the map, first_channel, entry_channel or channel, and session_channel
customers_before, customers, step_rate: at the mandatory step before, at this one, and the share
best: the part that surely reaches most: of those with at least 30 customers at the step before, the one with the highest lower end of the Wilson interval of its rate, all these intervals holding together with 95 % (Bonferroni)
best_customers, best_rate: how many customers it has at the step before, and its rate as counted, which luck may have a part in; target_rate: that lower end, or target
more_customers: who would be at this step beyond those who are; 0 where the best part may be no better than all
more_converted: who of them would complete the funnel, all later rates being what they are; NULL where nobody is at the step, so that no later rate is known
NULL where no part has enough customers. Optional stages, which nobody has to pass, are left out.';

CREATE FUNCTION cjm_internal.map_step_of(map cjm_internal.map, key text, lowest integer DEFAULT 2) RETURNS integer
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	steps integer[];
	names text[];
BEGIN
	SELECT coalesce(array_agg(r.step) FILTER (WHERE r.step::text = key), array_agg(r.step ORDER BY r.step) FILTER (WHERE r.stage = key)),
		array_agg(r.stage ORDER BY r.step)
	INTO steps, names FROM cjm.report(cjm.funnel_stats((map).stages)) r;
	IF steps IS NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('the funnel has no step "%s"', key),
			HINT = coalesce('Did you mean "' || cjm_internal.map_nearest(key, names) || '"? ', '') ||
				format('Steps are %s to %s, or the names of stages.', lowest, cardinality(names));
	ELSIF cardinality(steps) > 1 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('"%s" is more than one step: %s', key, array_to_string(steps, ', ')),
			HINT = 'Say which by its number, or name the stages apart.';
	ELSIF steps[1] < lowest THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('step "%s" is the first one and has no rate', key),
			HINT = format('Steps with a rate are 2 to %s.', cardinality(names));
	END IF;
	RETURN steps[1];
END
$$;

COMMENT ON FUNCTION cjm_internal.map_step_of(cjm_internal.map, text, integer) IS 'the step that a number, or else the name of a stage, means; an error if there is none or several, or if it is the first where lowest is 2';

CREATE FUNCTION cjm.what_if(
	map text,
	rates jsonb,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL,
	by text DEFAULT NULL)
	RETURNS TABLE (step integer, stage text, customers bigint, step_rate float8, overall_rate float8,
		new_customers float8, new_step_rate float8, new_overall_rate float8, difference float8, by_value text)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 5
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	mandatory integer[];
	new_rates float8[] := '{}';
	given record;
	wanted integer;
	first bigint;
	before float8;
	before_now bigint;
BEGIN
	IF rates IS NULL OR jsonb_typeof(rates) <> 'object' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('rates must be an object, not %s', coalesce(left(rates::text, 40), 'NULL')),
			HINT = 'Give a rate for each step to change: {"3": 0.5}, or {"checkout": 0.5}.';
	END IF;
	FOR given IN SELECT r.key, r.value FROM jsonb_each(rates) r ORDER BY r.key COLLATE "C"
	LOOP
		wanted := cjm_internal.map_step_of(def, given.key);
		IF jsonb_typeof(given.value) <> 'number' OR given.value::numeric NOT BETWEEN 0 AND 1 THEN
			RAISE invalid_parameter_value USING MESSAGE = format('the rate of step "%s" must be a number from 0 to 1, not %s', given.key, left(given.value::text, 40));
		ELSIF new_rates[wanted] IS NOT NULL THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('rates has step %s twice, as "%s" too', wanted, given.key),
				HINT = 'Name each step once, by its number or by its stage.';
		END IF;
		new_rates[wanted] := given.value::numeric::float8;
	END LOOP;
	SELECT array_agg(DISTINCT s.step) INTO mandatory FROM cjm.funnel_stages((def).stages) s WHERE NOT s.optional;

	FOR by_value, step, stage, customers, step_rate, overall_rate IN
		SELECT f.by_value, f.step, f.stage, f.customers, f.step_rate, f.overall_rate
		FROM cjm.funnel_report(what_if.map, what_if.by, NULL::text, from_time, to_time, where_is, 'customers'::text, false) f ORDER BY f.by_value COLLATE "C", f.step
	LOOP
		IF step = 1 THEN
			first := customers;
		END IF;
		new_step_rate := coalesce(new_rates[step], step_rate);
		-- What nothing has changed stays to the last digit.  Nobody before is nobody here, whatever the rate would be.
		new_customers := CASE WHEN step = 1 OR (before = before_now AND new_step_rate IS NOT DISTINCT FROM step_rate) THEN customers
			WHEN before = 0 THEN 0 ELSE before * new_step_rate END;
		new_overall_rate := new_customers / nullif(first, 0)::float8;
		difference := new_customers - customers;
		IF step = ANY (mandatory) THEN
			before := new_customers;
			before_now := customers;
		END IF;
		RETURN NEXT;
	END LOOP;
END
$$;

COMMENT ON FUNCTION cjm.what_if(text, jsonb, timestamptz, timestamptz, jsonb, text) IS
'the funnel of a map if some steps had other rates and all others kept theirs, of walks that begin in a time range.
by: as of funnel_report: then each group has the new rates, and keeps its own others
rates: an object of new step rates from 0 to 1, each by the number of the step or, where that is no number of a step, the name of its stage: {"3": 0.5, "purchase": 0.9}
where_is: which customers, a value or a list of values by name: {"segment": ["LV", "EE"], "first_channel": null}; the names are dimensions of the map, first_channel, entry_channel or channel, and session_channel
customers, step_rate, overall_rate: as they are; new_customers, new_step_rate, new_overall_rate: as they would be; difference: new_customers - customers
As in the funnel, a rate is of the mandatory step before; to change that of an optional stage changes no other step. NULL where a rate is not known, since nobody was at the step before';

CREATE FUNCTION cjm.funnel_drivers(
	map text,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL,
	by text DEFAULT NULL)
	RETURNS TABLE (kind text, driver text, with_customers bigint, with_converted bigint, with_rate float8,
		without_customers bigint, without_rate float8,
		odds_ratio float8, odds_low float8, odds_high float8, p_value float8, adjusted_p_value float8, compared_within interval, by_value text)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 50
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	words jsonb := cjm_internal.map_walk_words(def, CASE WHEN cjm_internal.map_ranged(from_time, to_time) THEN 'tstzrange($1, $2)' END);
	split text := cjm_internal.map_split(words, by);
	distributed CONSTANT boolean := cjm_internal.map_distributed(def.source);
	columns CONSTANT text[] := '{kind,step,label,converted,took,age,met}';
BEGIN
	RETURN QUERY EXECUTE format(cjm_internal.map_if_split('WITH met AS MATERIALIZED (
			%1$s
		), fair AS (
			SELECT min(w.seconds) AS seconds, cjm_internal.map_window(min(w.seconds)) AS age, cjm_internal.map_moment(min(w.seconds)) AS until{, w.part}
			FROM (SELECT u.seconds{, m.part}, sum(m.customers) FILTER (WHERE m.took < cjm_internal.map_window(u.seconds)) AS by_then, sum(m.customers) AS ever
				FROM (SELECT m.took{, m.part}, sum(m.customers) AS customers FROM met m WHERE m.step IS NULL AND m.converted GROUP BY m.took{, m.part}) m
					CROSS JOIN unnest(cjm_internal.map_windows()) u(seconds)
				GROUP BY u.seconds{, m.part}) w
			WHERE 10 * w.by_then >= 9 * w.ever{ GROUP BY w.part}
		), counted AS (
			SELECT m.kind, m.step, m.label, m.met, m.moment, sum(m.customers) AS customers, coalesce(sum(m.customers) FILTER (WHERE m.converted), 0) AS converted{, m.part}
			FROM met m JOIN fair f ON m.age >= f.age{ AND f.part = m.part} AND (m.kind IS NULL OR m.moment < f.until) GROUP BY 1, 2, 3, 4, 5{, m.part}
		), points AS (
			SELECT p.*, sum(p.met - p.gone) OVER earlier - (p.met - p.gone) AS had_met,
				sum(p.met_converted - p.gone_converted) OVER earlier - (p.met_converted - p.gone_converted) AS had_met_converted,
				sum(p.gone) FILTER (WHERE p.kind IS NULL) OVER later AS there, sum(p.gone_converted) FILTER (WHERE p.kind IS NULL) OVER later AS there_converted
			FROM (SELECT c.kind, c.label, c.step, c.moment{, c.part}, coalesce(sum(c.customers) FILTER (WHERE c.met), 0) AS met, coalesce(sum(c.converted) FILTER (WHERE c.met), 0) AS met_converted,
					coalesce(sum(c.customers) FILTER (WHERE NOT c.met), 0) AS gone, coalesce(sum(c.converted) FILTER (WHERE NOT c.met), 0) AS gone_converted
				FROM counted c WHERE c.step IS NOT NULL GROUP BY 1, 2, 3, 4{, c.part}) p
			WINDOW earlier AS (PARTITION BY {p.part, }p.kind, p.label, p.step ORDER BY p.moment), later AS (PARTITION BY {p.part, }p.step ORDER BY p.moment DESC)
		), whole AS (
			SELECT sum(c.customers) AS customers, sum(c.converted) AS converted{, c.part} FROM counted c WHERE c.step IS NULL{ GROUP BY c.part}
		), risk AS (
			SELECT p.kind, p.label, p.step, p.moment, p.met, p.met_converted, p.there - p.had_met - p.met AS others,
				p.there_converted - p.had_met_converted - p.met_converted AS others_converted{, p.part}
			FROM points p WHERE p.met > 0 AND p.moment >= 0
			UNION ALL
			SELECT ''segment'', c.label, 0, 0, c.customers, c.converted, w.customers - c.customers, w.converted - c.converted{, c.part}
			FROM counted c JOIN whole w ON true{ AND w.part = c.part} WHERE c.step IS NULL AND c.label IS NOT NULL
		), tested AS (
			SELECT s.kind, s.label{, s.part}, s.customers, s.converted, s.others, s.others_rate, o.odds_ratio, o.odds_low, o.odds_high, CASE WHEN s.customers >= %2$s AND s.others >= %2$s THEN o.p_value END AS p_value
			FROM (SELECT r.kind, r.label{, r.part}, sum(r.met)::bigint AS customers, sum(r.met_converted)::bigint AS converted, max(r.others)::bigint AS others,
					sum(r.met * r.others_converted / r.others ORDER BY r.step, r.moment) / sum(r.met) AS others_rate,
					array_agg(r.met_converted::bigint ORDER BY r.step, r.moment) AS hits, array_agg(r.met::bigint ORDER BY r.step, r.moment) AS trials,
					array_agg(r.others_converted::bigint ORDER BY r.step, r.moment) AS other_hits, array_agg(r.others::bigint ORDER BY r.step, r.moment) AS other_trials
				FROM risk r WHERE r.others > 0 GROUP BY 1, 2{, 3}) s
				CROSS JOIN LATERAL cjm.stratified_odds_ratio(s.hits, s.trials, s.other_hits, s.other_trials) o
		), ranked AS (
			SELECT t.*, t.p_value * count(t.p_value) OVER () / count(*) OVER (ORDER BY t.p_value) AS scaled FROM tested t
		)
		SELECT r.kind, r.label, r.customers, r.converted, r.converted::float8 / r.customers::float8, r.others, r.others_rate,
			r.odds_ratio, r.odds_low, r.odds_high, r.p_value,
			CASE WHEN r.p_value IS NOT NULL THEN least(1, min(r.scaled) OVER (ORDER BY r.p_value DESC NULLS LAST)) END,
			justify_hours(make_interval(secs => f.seconds)), %3$s
		FROM ranked r JOIN fair f ON true{ AND f.part = r.part}
		ORDER BY {%3$s COLLATE "C", }r.p_value IS NULL, greatest(ln(r.odds_low), -ln(r.odds_high)) DESC, r.kind COLLATE "C", r.label COLLATE "C"', by IS NOT NULL),
		cjm_internal.map_moments_sql(def, CASE WHEN by IS NULL THEN columns ELSE columns || 'part'::text END,
			'x.kind, x.step, (CASE WHEN x.step IS NULL THEN j.segment ELSE x.label END) COLLATE "C" AS label, x.converted,
				CASE WHEN x.step IS NULL THEN cjm_internal.map_window(x.seconds) END AS took, cjm_internal.map_window(date_part(''epoch'', now() - x.began_at)) AS age, p.met'
				|| CASE WHEN by IS NULL THEN '' ELSE ', j.part COLLATE "C" AS part' END,
			'CASE WHEN p.met THEN coalesce(cjm_internal.map_moment(x.met_after), -1) ELSE cjm_internal.map_moment(least(x.stayed, date_part(''epoch'', now() - x.reached_at))) END',
			'{}',
			format('FROM %s CROSS JOIN LATERAL cjm.funnel_exposures(j.journey, %L::cjm.funnel, %s) x CROSS JOIN (VALUES (true), (false)) p(met)
			WHERE (x.kind IS NOT NULL OR NOT p.met) AND (date_part(''epoch'', now() - x.reached_at) >= coalesce(x.met_after, 0)) IS NOT FALSE%s',
				-- A part is text that is never NULL, so that it can be joined by.  Citus takes no OFFSET, and fetches no key for it.
				CASE WHEN by IS NULL THEN cjm_internal.map_schema(def) || '.journeys j'
					ELSE format('(SELECT %s, coalesce(''='' || (%s), '''') AS part FROM %s.journeys j%s%s) j', CASE WHEN distributed THEN 'j.customer, j.journey, j.segment' ELSE 'j.journey, j.segment' END, split,
						cjm_internal.map_schema(def), cjm_internal.map_where(def, 'WHERE', words), CASE WHEN NOT distributed THEN ' OFFSET ''0''' END) END,
				(def).stages, CASE WHEN cjm_internal.map_ranged(from_time, to_time) THEN 'tstzrange($1, $2)' ELSE '''(,)''::tstzrange' END,
				CASE WHEN by IS NULL THEN cjm_internal.map_where(def, 'AND', words) END)),
		cjm_internal.map_few(), CASE WHEN by IS NULL THEN 'NULL::text' ELSE 'CASE WHEN r.part <> '''' THEN substr(r.part, 2) END' END)
		USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
END
$$;

COMMENT ON FUNCTION cjm.funnel_drivers(text, timestamptz, timestamptz, jsonb, text) IS
'what goes with converting: each event and channel that customers met before they converted, and each segment, of walks that begin in a time range; the strongest first.
where_is: which customers, a value or a list of values by name: {"segment": ["LV", "EE"], "first_channel": null}; the names are dimensions of the map, first_channel, entry_channel or channel, and session_channel
by: NULL, a dimension of the map (segment), first_channel (of the customer), channel or entry_channel (of the first touchpoint of the winning walk), session_channel (of the session in which the walk began): customers are compared with others who have the same by_value, and p-values are adjusted for all that is shown
kind, driver: event, channel or segment, and which; touchpoints that match a stage after the first, or what the funnel excludes, are no drivers
Each customer who met it is compared, at the time they met it first, with those who were at the same stage, had been there as long, and had not met it: whoever comes far has more occasions to meet anything
with_customers, with_converted, with_rate: customers who began the funnel and met it, where there is anybody to compare them with, who of them converted, and the share
without_customers: the others, where there are most of them; without_rate: the share of them that converted, mean over with_customers; of a segment these are all others
compared_within: the time, rounded up, in which nine of ten of those who converted had done so since they began; only what was met within it of reaching a stage is compared, of customers who began so long ago
odds_ratio, odds_low, odds_high: odds of converting with it over those without it, of all these comparisons (Mantel and Haenszel), and the 95 % interval (Robins, Breslow and Greenland)
p_value: two-sided (Mantel and Haenszel); NULL where fewer than 30 customers met it or did not, or too few conversions are expected for the test (Mantel and Fleiss)
adjusted_p_value: for as many tests as there are p-values (Benjamini and Hochberg): of all rows with at most 0.05 one in twenty is expected to be chance
strongest: by the end of the interval that is nearer to 1; what has no p-value comes last. What goes with converting need not be what makes customers convert.';

CREATE OR REPLACE FUNCTION cjm_internal.map_lines_sql(map cjm_internal.map) RETURNS text
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

CREATE OR REPLACE FUNCTION cjm_internal.map_disorder_sql(map cjm_internal.map) RETURNS text
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

CREATE OR REPLACE FUNCTION cjm_internal.map_valued_sql(map cjm_internal.map) RETURNS text
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

CREATE OR REPLACE FUNCTION cjm_internal.map_money_sql(map cjm_internal.map) RETURNS text
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

CREATE OR REPLACE FUNCTION cjm_internal.map_landing_sql(map cjm_internal.map) RETURNS text
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

CREATE FUNCTION cjm_internal.map_unknown_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 200
	SET search_path = pg_catalog, pg_temp
RETURN format('SELECT u.finding, u.subject, sum(cjm.touch_count(j.journey))::bigint, sum(cjm.touch_count(j.journey))::float8 / $1::float8, ''touchpoints of customers of whom it is not known''
	FROM %s.journeys j CROSS JOIN LATERAL (%s) u(place, finding, subject, value) WHERE u.value IS NULL GROUP BY u.place, u.finding, u.subject ORDER BY u.place', cjm_internal.map_schema(map),
	coalesce((SELECT 'VALUES ' || string_agg(format('(%s, %L, %L::text, j.dimensions ->> %L::text)', d.place, CASE d.place WHEN 0 THEN 'no segment' ELSE 'no dimension' END, CASE WHEN d.place > 0 THEN d.name END, d.name), ', ' ORDER BY d.place)
		FROM cjm_internal.map_dimension_list(map) d WHERE d.by_customer IS NOT NULL), 'SELECT 0, NULL::text, NULL::text, NULL::text WHERE false'));

COMMENT ON FUNCTION cjm_internal.map_unknown_sql(cjm_internal.map) IS 'SQL: touchpoints of customers of whom a dimension is not known that is looked up by the customer';

CREATE OR REPLACE FUNCTION cjm.check_map(name text)
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

CREATE FUNCTION cjm.upgrade_map(map text) RETURNS boolean
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, NULL, true);
	schema text;
	keeps boolean;
BEGIN
	-- Rows are read for it, and by that what its owner wrote is run: not by a superuser who goes through all maps.
	IF NOT EXISTS (SELECT FROM pg_namespace n JOIN pg_roles o ON o.oid = n.nspowner JOIN pg_roles u ON u.rolname = current_user
		WHERE n.oid = def.map AND pg_has_role(o.oid, 'USAGE') AND o.rolsuper >= u.rolsuper) THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('the map "%s" belongs to %s', map, (SELECT n.nspowner::regrole FROM pg_namespace n WHERE n.oid = def.map)),
			HINT = format('What its owner wrote is run for it: SET ROLE %s first.', (SELECT n.nspowner::regrole FROM pg_namespace n WHERE n.oid = def.map));
	END IF;
	PERFORM cjm_internal.map_lock_schema(def.map);
	-- Another session may have dropped, renamed or upgraded it in the meantime.
	def := cjm_internal.map_of(map, NULL, true);
	IF NOT cjm_internal.map_is_older(def.map) THEN
		RETURN false;
	END IF;
	schema := cjm_internal.map_schema(def);
	keeps := cjm_internal.kept_state(def.map) IS NOT NULL;
	IF keeps THEN
		-- What the older version has stored goes; until all views are made anew, which nobody can see, journeys have their columns and no more.
		PERFORM cjm_internal.map_lock(def.map, format('CREATE OR REPLACE VIEW %1$s.journeys AS
			SELECT e.customer, NULL::text AS segment, cjm.journey_agg(e.at, e.event) AS journey FROM %1$s.events e GROUP BY e.customer; %2$s',
			schema, cjm_internal.kept_drop_sql(def, 'RESTRICT')));
	END IF;
	PERFORM cjm_internal.map_build((SELECT n.nspname::text FROM pg_namespace n WHERE n.oid = def.map), def.source, def.customer, def.at, def.event, def.stages,
		def.channel, def.value, def.segment, def.segment_at, def.filter, def.session_gap, def.time_zone, def.access, def.spend, def.attribution,
		def.nps, def.csat, def.ces, true, keeps, def.refusal, def.purchase, def.visit, def.sequence,
		coalesce(def.attribution_per, 'touchpoint'), coalesce(def.only_channels, false), def.dimensions, def.session_rule, def.session, def.comment);
	RETURN true;
END
$$;

COMMENT ON FUNCTION cjm.upgrade_map(text) IS
'makes the views of a map anew where an older version of cjm has made them, after ALTER EXTENSION cjm UPDATE; false where there is nothing to do.
Views over its views, rights and comments stay. Journeys that it keeps are kept anew: refresh_journeys builds them, and until then the rows are read';

CREATE FUNCTION cjm_internal.svg_lines(label text, room float8, max_lines integer DEFAULT 1, mark text DEFAULT '') RETURNS text[]
	AS 'MODULE_PATHNAME', 'svg_lines'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;

COMMENT ON FUNCTION cjm_internal.svg_lines(text, float8, integer, text) IS
	'the same in lines that are at most so wide, in sizes of the font, whatever the font; what does not fit is cut in its middle, where an ellipsis stands and the mark, never inside a character';

CREATE FUNCTION cjm_internal.chart_label(label text, cells integer, plain boolean, mark text DEFAULT '') RETURNS text
	AS 'MODULE_PATHNAME', 'chart_label'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;

COMMENT ON FUNCTION cjm_internal.chart_label(text, integer, boolean, text) IS
	'a text in exactly so many cells of a terminal, filled up, or cut in its middle, where an ellipsis stands and the mark; plain: without characters that an encoding may lack';

CREATE FUNCTION cjm_internal.draw_words(language text) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'draw_words'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;

COMMENT ON FUNCTION cjm_internal.draw_words(text) IS 'the words of drawings in a language, en, ru or lv, by their keys; NULL for another one';

CREATE FUNCTION cjm_internal.draw_say(w jsonb, key text, VARIADIC said text[] DEFAULT '{}') RETURNS text
	AS 'MODULE_PATHNAME', 'draw_say'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;

COMMENT ON FUNCTION cjm_internal.draw_say(jsonb, text, text[]) IS 'a word of drawings with what belongs into it; NULL if that is NULL';

CREATE FUNCTION cjm_internal.draw_count(count bigint, w jsonb DEFAULT cjm_internal.draw_words('en')) RETURNS text
	AS 'MODULE_PATHNAME', 'draw_count'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;

COMMENT ON FUNCTION cjm_internal.draw_count(bigint, jsonb) IS 'a number in groups of three digits';

CREATE FUNCTION cjm_internal.draw_plural(w jsonb, key text, count bigint, VARIADIC said text[] DEFAULT '{}') RETURNS text
	AS 'MODULE_PATHNAME', 'draw_plural'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;

COMMENT ON FUNCTION cjm_internal.draw_plural(jsonb, text, bigint, text[]) IS 'a word of drawings in the form that belongs to a number';

CREATE FUNCTION cjm_internal.draw_short(count bigint, w jsonb DEFAULT cjm_internal.draw_words('en'), beside bigint DEFAULT 0) RETURNS text
	AS 'MODULE_PATHNAME', 'draw_short'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;

COMMENT ON FUNCTION cjm_internal.draw_short(bigint, jsonb, bigint) IS 'a number in three digits, or in the unit and as precise as the larger one beside it';

CREATE FUNCTION cjm_internal.draw_rate(rate float8, w jsonb DEFAULT cjm_internal.draw_words('en')) RETURNS text
	AS 'MODULE_PATHNAME', 'draw_rate'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;

COMMENT ON FUNCTION cjm_internal.draw_rate(float8, jsonb) IS 'a share in percent';

CREATE FUNCTION cjm_internal.draw_time(seconds float8, w jsonb DEFAULT cjm_internal.draw_words('en')) RETURNS text
	AS 'MODULE_PATHNAME', 'draw_time'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;

COMMENT ON FUNCTION cjm_internal.draw_time(float8, jsonb) IS 'a length of time';

CREATE FUNCTION cjm_internal.svg_rate(rate float8, w jsonb DEFAULT cjm_internal.draw_words('en')) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN cjm_internal.svg_escape(cjm_internal.draw_rate(rate, w));

COMMENT ON FUNCTION cjm_internal.svg_rate(float8, jsonb) IS 'a share in percent, as character data of XML';

CREATE FUNCTION cjm_internal.draw_points(difference float8, w jsonb DEFAULT cjm_internal.draw_words('en')) RETURNS text
	AS 'MODULE_PATHNAME', 'draw_points'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;

COMMENT ON FUNCTION cjm_internal.draw_points(float8, jsonb) IS 'a difference of shares in percentage points, with its sign';

CREATE OR REPLACE FUNCTION cjm_internal.svg_number(x float8) RETURNS text
	AS 'MODULE_PATHNAME', 'svg_number'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;

CREATE FUNCTION cjm_internal.svg_distinct_lines(labels text[], room float8, max_lines integer) RETURNS TABLE (place bigint, label text, lines text[])
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 500 ROWS 10
BEGIN ATOMIC
	SELECT l.place, l.label, CASE WHEN l.same = 1 THEN l.lines ELSE cjm_internal.svg_lines(l.label, room, max_lines, l.same::text || ' ') END
	FROM (SELECT u.place, u.label, c.lines, dense_rank() OVER (PARTITION BY c.lines ORDER BY u.label COLLATE "C") AS same
		FROM unnest(labels) WITH ORDINALITY u(label, place) CROSS JOIN LATERAL (SELECT cjm_internal.svg_lines(u.label, room, max_lines) AS lines) c) l;
END;

COMMENT ON FUNCTION cjm_internal.svg_distinct_lines(text[], float8, integer) IS 'labels in lines, as svg_lines has them; where two are cut to the same, all but the first have a number behind the ellipsis';

CREATE FUNCTION cjm_internal.svg_luminance(colour text) RETURNS float8
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (SELECT sum(c.weight * CASE WHEN c.value <= 0.04045 THEN c.value / 12.92 ELSE ((c.value + 0.055) / 1.055) ^ 2.4 END)
	FROM (SELECT v.weight, get_byte(decode(substr(colour, 2), 'hex'), v.place) / 255.0::float8 AS value FROM (VALUES (0, 0.2126), (1, 0.7152), (2, 0.0722)) v(place, weight)) c);

COMMENT ON FUNCTION cjm_internal.svg_luminance(text) IS 'relative luminance of a colour #rrggbb, as in WCAG 2';

CREATE FUNCTION cjm_internal.draw_colour_names() RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '{customers,gone_on,open,refused,dropped,channels,mood,better,worse}'::text[];

COMMENT ON FUNCTION cjm_internal.draw_colour_names() IS 'what may have a colour that the caller chooses';

CREATE FUNCTION cjm_internal.draw_colours(colours jsonb) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	one record;
	chosen jsonb := '{}';
	ratio float8;
BEGIN
	IF colours IS NULL OR colours = 'null' THEN
		RETURN '{}';
	ELSIF jsonb_typeof(colours) <> 'object' THEN
		RAISE invalid_parameter_value USING MESSAGE = format('colours are no object: %s', left(colours::text, 100)), HINT = 'Such as {"open": "#6541a5", "dropped": {"light": "#b35806", "dark": "#f0a676"}}.';
	END IF;
	FOR one IN SELECT c.key, s.scheme, s.paper, CASE WHEN jsonb_typeof(c.value) = 'object' THEN c.value ->> s.scheme ELSE c.value #>> '{}' END AS colour
		FROM jsonb_each(colours) c CROSS JOIN (VALUES ('light', '#ffffff'), ('dark', '#14181d')) s(scheme, paper) ORDER BY c.key COLLATE "C", s.scheme DESC
	LOOP
		IF one.key <> ALL (cjm_internal.draw_colour_names()) THEN
			RAISE invalid_parameter_value USING MESSAGE = format('nothing in a drawing is called "%s"', left(one.key, 100)), HINT = 'Colours are of ' || array_to_string(cjm_internal.draw_colour_names(), ', ') || '.';
		ELSIF one.colour IS NULL OR one.colour !~ '^#[0-9A-Fa-f]{6}$' THEN
			RAISE invalid_parameter_value USING MESSAGE = format('the %s colour of %s is not #rrggbb: %s', one.scheme, one.key, coalesce(left(one.colour, 100), 'NULL')), HINT = 'Such as "#6541a5", or {"light": "#6541a5", "dark": "#c3aef2"}.';
		END IF;
		SELECT (greatest(l.a, l.b) + 0.05) / (least(l.a, l.b) + 0.05) INTO ratio FROM (SELECT cjm_internal.svg_luminance(one.colour) AS a, cjm_internal.svg_luminance(one.paper) AS b) l;
		IF ratio < 3 AND one.key <> 'gone_on' THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('%s could hardly be seen in %s on %s: their contrast is %s', one.key, one.colour, CASE one.scheme WHEN 'dark' THEN 'dark paper' ELSE 'white' END, round(ratio::numeric, 2)),
				HINT = 'Shapes need 3. Choose another one, or one for each of light and dark: {"light": "#6541a5", "dark": "#c3aef2"}.';
		END IF;
		chosen := jsonb_set(chosen, ARRAY[one.key], coalesce(chosen -> one.key, '{}') || jsonb_build_object(one.scheme, one.colour));
	END LOOP;
	RETURN chosen;
END
$$;

COMMENT ON FUNCTION cjm_internal.draw_colours(jsonb) IS 'the colours that were chosen, of each one for light and one for dark; an error if one cannot be';

CREATE FUNCTION cjm_internal.draw_language(language text, words jsonb) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ours jsonb := cjm_internal.draw_words(coalesce(language, 'en'));
	one record;
BEGIN
	IF ours IS NULL AND words IS NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('drawings have no words in the language "%s"', left(language, 100)),
			HINT = 'They have en, ru and lv; give the words of another one: words => ''{"customers": "Kunden", ...}'', by the keys of cjm_internal.draw_words(''en'').';
	ELSIF language !~ '^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,3}$' THEN
		RAISE invalid_parameter_value USING MESSAGE = format('"%s" is no language', left(language, 100)), HINT = 'A language is such as en, ru, lv or de-AT.';
	ELSIF jsonb_typeof(words) <> 'object' THEN
		RAISE invalid_parameter_value USING MESSAGE = format('words are no object: %s', left(words::text, 100)), HINT = 'Such as {"customers": "Kunden", "dropped": "verloren"}.';
	END IF;
	ours := coalesce(ours, cjm_internal.draw_words('en'));
	FOR one IN SELECT w.key, w.value, w.value #>> '{}' AS word, ours ->> w.key AS our FROM jsonb_each(words) w ORDER BY w.key COLLATE "C"
	LOOP
		IF one.our IS NULL THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('drawings have no word "%s"', left(one.key, 100)),
				HINT = coalesce(format('Nearest is "%s".', cjm_internal.map_nearest(one.key, ARRAY(SELECT jsonb_object_keys(ours)))), 'All are keys of cjm_internal.draw_words(''en'').');
		ELSIF jsonb_typeof(one.value) <> 'string' OR length(one.word) > 1000 THEN
			RAISE invalid_parameter_value USING MESSAGE = format('the word "%s" is no text of at most 1000 characters: %s', one.key, left(one.value::text, 100));
		ELSIF one.key = 'plural' AND one.word NOT IN ('en', 'ru', 'lv') THEN
			RAISE invalid_parameter_value USING MESSAGE = format('plural cannot be "%s"', left(one.word, 100)), HINT = 'It is en, ru or lv: whose rule says which form of a word belongs to a number.';
		ELSIF one.key !~ 'date$' AND (regexp_replace(one.word, '%([12345]\$s|%)', '', 'g') ~ '%' OR
			EXISTS (SELECT FROM regexp_matches(one.word, '%[12345]\$s', 'g') m WHERE position(m[1] IN one.our) = 0) OR
			EXISTS (SELECT FROM string_to_table(one.word, '|') f(form) CROSS JOIN regexp_matches(one.our, '%[12345]\$s', 'g') m WHERE position(m[1] IN f.form) = 0)) THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('the word "%s" has not the places that it has to have: %s', one.key, left(one.word, 100)),
				HINT = format('In English it is "%s"; %% alone is %%%%.', one.our);
		END IF;
	END LOOP;
	RETURN ours || coalesce(words, '{}');
END
$$;

COMMENT ON FUNCTION cjm_internal.draw_language(text, jsonb) IS 'the words of a drawing: of a language, and the caller''s in their place; an error if they cannot be';

CREATE FUNCTION cjm_internal.draw_look(title text, subtitle text, language text, words jsonb, scale_to float8, width integer, colours jsonb) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF scale_to <= 0 OR scale_to IN ('NaN', 'Infinity') THEN
		RAISE invalid_parameter_value USING MESSAGE = format('scale_to cannot be %s', scale_to), HINT = 'It is what the largest of what is drawn stands for: more than 0.';
	ELSIF width NOT BETWEEN 320 AND 20000 THEN
		RAISE invalid_parameter_value USING MESSAGE = format('a drawing cannot be %s wide', width), HINT = 'Choose 320 to 20000; what needs more room than that takes it.';
	END IF;
	RETURN jsonb_build_object('w', cjm_internal.draw_language(language, words), 'language', coalesce(language, 'en'), 'title', nullif(title, ''), 'subtitle', nullif(subtitle, ''),
		'scale', scale_to::numeric, 'width', width, 'colours', cjm_internal.draw_colours(colours));
END
$$;

COMMENT ON FUNCTION cjm_internal.draw_look(text, text, text, jsonb, float8, integer, jsonb) IS 'how a drawing is to look: its words w, language, title, subtitle, scale, width and colours; an error if that cannot be';

CREATE FUNCTION cjm_internal.draw_look() RETURNS jsonb
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN cjm_internal.draw_look(NULL, NULL, 'en', NULL, NULL, NULL, NULL);

COMMENT ON FUNCTION cjm_internal.draw_look() IS 'how a drawing looks of which nothing is said';

CREATE FUNCTION cjm_internal.svg_style(chosen jsonb DEFAULT '{}') RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 500
RETURN (
	WITH colours(place, selector, property, name, light, dark) AS (VALUES
		(1, '.paper', 'fill', NULL, '#ffffff', '#14181d'),
		(2, 'text', 'fill', NULL, '#1f2328', '#e6e8eb'),
		(3, '.soft', 'fill', NULL, '#57606a', '#a3abb5'),
		(4, '.lost', 'fill', NULL, '#9a4410', '#f0a676'),
		(5, '.rule', 'stroke', NULL, '#d0d7de', '#343b44'),
		(6, '.bar', 'fill', 'customers', '#2f6fb5', '#5b9bdf'),
		(7, '.part', 'fill', NULL, '#d5e4f4', '#24405e'),
		(8, '.part', 'stroke', 'customers', '#2f6fb5', '#5b9bdf'),
		(9, '.flow', 'fill', 'gone_on', '#d5e4f4', '#24405e'),
		(11, '.drop', 'fill', 'dropped', '#b35806', '#f0a676'),
		(12, '.wait', 'fill', 'open', '#8a6fc4', '#9d83d6'),
		(13, '.waits', 'fill', NULL, '#6541a5', '#c3aef2'),
		(14, '.no', 'fill', 'refused', '#6e7781', '#8b949e'),
		(15, '.hatch', 'stroke', NULL, '#ffffff', '#14181d'),
		(16, '.chevron', 'fill', NULL, '#e8eef7', '#222b36'),
		(17, '.channel', 'fill', 'channels', '#5f86b3', '#7fa6d3'),
		(18, '.mood', 'fill', 'mood', '#7a5c00', '#d9b44a'),
		(19, '.curve', 'stroke', 'mood', '#7a5c00', '#d9b44a'),
		(20, '.heat0', 'fill', NULL, '#eef4fb', '#1b2631'),
		(21, '.heat1', 'fill', NULL, '#d6e4f3', '#1c3a57'),
		(22, '.heat2', 'fill', NULL, '#b3cfea', '#1f4c77'),
		(23, '.heat3', 'fill', NULL, '#86b3dc', '#245f98'),
		(24, '.heat4', 'fill', NULL, '#5a94cb', '#4a8bcf'),
		(25, '.heat5', 'fill', NULL, '#2b6cae', '#79b0ea'),
		(26, '.heat6', 'fill', NULL, '#17548d', '#b3d6fa'),
		(27, '.growing', 'stroke', NULL, '#1f2328', '#e6e8eb'),
		(28, '.grow4', 'stroke', NULL, '#1f2328', '#0d1117'),
		(29, '.grow5', 'stroke', NULL, '#ffffff', '#0d1117'),
		(30, '.grow6', 'stroke', NULL, '#ffffff', '#0d1117'),
		(31, '.on4', 'fill', NULL, '#1f2328', '#0d1117'),
		(32, '.on5', 'fill', NULL, '#ffffff', '#0d1117'),
		(33, '.on6', 'fill', NULL, '#ffffff', '#0d1117'),
		(34, '.heatfew', 'fill', NULL, '#ffffff', '#14181d'),
		(35, '.onfew', 'fill', NULL, '#57606a', '#a3abb5'),
		(36, '.heatfew', 'stroke', NULL, '#d0d7de', '#343b44'),
		(40, '.worse2', 'fill', 'worse', '#b35806', '#f79a4b'),
		(41, '.worse1', 'fill', 'worse', '#d97b2b', '#b86a2c'),
		(42, '.even', 'fill', NULL, '#eceff2', '#2a3038'),
		(43, '.even', 'stroke', NULL, '#7a828b', '#8b949e'),
		(44, '.better1', 'fill', 'better', '#4d8fc4', '#3f7fc0'),
		(45, '.better2', 'fill', 'better', '#17548d', '#8cc4ff'),
		(46, '.plain', 'fill', NULL, '#7a828b', '#8b949e'),
		(47, '.good', 'fill', NULL, '#1a6b41', '#6fcf97'),
		(48, '.bad', 'fill', NULL, '#a32d17', '#ff9a85'))
	SELECT '<style>' || E'\n.cjm{max-width:100%;height:auto}\n' ||
		'.cjm text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}' ||
		E'\n.cjm .title{font-size:20px;font-weight:600}.cjm .strong{font-weight:600}.cjm .large{font-size:15px}.cjm .small{font-size:11px}.cjm .said{font-style:italic}' ||
		E'\n.cjm .mid{text-anchor:middle}.cjm .end{text-anchor:end}.cjm .rule,.cjm .growing,.cjm .hatch,.cjm .curve{fill:none}.cjm .part,.cjm .even,.cjm .hatch{stroke-width:1.5}.cjm .curve{stroke-width:2.5}.cjm .part,.cjm .growing{stroke-dasharray:4 3}' ||
		E'\n.cjm g:focus{outline:2px solid #2f6fb5}\n' ||
		string_agg(format('.cjm %s{%s:%s}', selector, property, coalesce(chosen -> name ->> 'light', light)), '' ORDER BY place) ||
		E'\n@media screen and (prefers-color-scheme:dark){\n' ||
		string_agg(format('.cjm %s{%s:%s}', selector, property, coalesce(chosen -> name ->> 'dark', dark)), '' ORDER BY place) ||
		E'\n}\n@media print{.cjm{width:100%;max-height:100vh}.cjm *{print-color-adjust:exact;-webkit-print-color-adjust:exact}}\n</style>'
	FROM colours);

COMMENT ON FUNCTION cjm_internal.svg_style(jsonb) IS 'the fonts and colours of all drawings, light, dark and printed; chosen: what draw_colours gives';

CREATE TYPE cjm_internal.svg_drawing AS (
	kind text,
	width float8,
	height float8,
	title text,
	description text,
	body text
);

COMMENT ON TYPE cjm_internal.svg_drawing IS 'a drawing';

COMMENT ON COLUMN cjm_internal.svg_drawing.kind IS 'of what it is';

COMMENT ON COLUMN cjm_internal.svg_drawing.width IS 'its width';

COMMENT ON COLUMN cjm_internal.svg_drawing.height IS 'its height';

COMMENT ON COLUMN cjm_internal.svg_drawing.title IS 'its title, a text';

COMMENT ON COLUMN cjm_internal.svg_drawing.description IS 'a text for those who do not see it';

COMMENT ON COLUMN cjm_internal.svg_drawing.body IS 'SVG of what is drawn';

CREATE FUNCTION cjm_internal.svg_frame(attributes text, drawing cjm_internal.svg_drawing, look jsonb, before text, place text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000
RETURN format('<svg %7$s viewBox="0 0 %1$s %2$s" width="%1$s" height="%2$s" role="%10$s" lang="%9$s" aria-labelledby="%3$s-title %3$s-desc">
<title id="%3$s-title">%4$s</title>
<desc id="%3$s-desc">%5$s</desc>
%8$s%6$s
</svg>', cjm_internal.svg_number((drawing).width), cjm_internal.svg_number((drawing).height),
	'cjm-' || left(md5(cjm_internal.svg_escape(concat_ws(' ', (drawing).kind, (drawing).title, (drawing).description, nullif(place, '')))), 8),
	cjm_internal.svg_escape((drawing).title), cjm_internal.svg_escape((drawing).description), (drawing).body, attributes, before, look ->> 'language',
	CASE WHEN strpos((drawing).body, ' role="') > 0 THEN 'group' ELSE 'img' END);

COMMENT ON FUNCTION cjm_internal.svg_frame(text, cjm_internal.svg_drawing, jsonb, text, text) IS 'an SVG element of a drawing, with attributes and what stands before its body; place tells it from others in a page';

CREATE FUNCTION cjm_internal.svg_page(drawing cjm_internal.svg_drawing, look jsonb DEFAULT cjm_internal.draw_look(), style text DEFAULT '') RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000
RETURN cjm_internal.svg_frame('xmlns="http://www.w3.org/2000/svg" class="cjm' || CASE (drawing).kind WHEN 'maps' THEN ' many' ELSE '' END || '"', drawing, look,
	format(E'%s\n%s<rect class="paper" width="%s" height="%s"/>\n', cjm_internal.svg_style(look -> 'colours'), CASE style WHEN '' THEN '' ELSE format(E'<style>%s</style>\n', style) END,
		cjm_internal.svg_number((drawing).width), cjm_internal.svg_number((drawing).height)), '');

COMMENT ON FUNCTION cjm_internal.svg_page(cjm_internal.svg_drawing, jsonb, text) IS
	'a whole SVG: what is drawn, on paper of that size, with a title and a description for those who do not see it; style: more of it, in CSS';

CREATE FUNCTION cjm_internal.svg_landscape(width float8, height float8) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN format('@page{size:%s}', CASE WHEN greatest(width, height * 1.414) > 1400 THEN 'A3 landscape;margin:8mm' ELSE 'A4 landscape;margin:8mm 9mm' END);

COMMENT ON FUNCTION cjm_internal.svg_landscape(float8, float8) IS 'CSS: the paper that a drawing of a size is printed on';

CREATE FUNCTION cjm_internal.svg_sheet() RETURNS float8
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN 1.4378;

COMMENT ON FUNCTION cjm_internal.svg_sheet() IS 'how much broader than high a sheet is, within its margins';

CREATE OR REPLACE FUNCTION cjm_internal.svg_text(x float8, y float8, class text, content text) RETURNS text
	AS 'MODULE_PATHNAME', 'svg_text'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;

CREATE FUNCTION cjm_internal.svg_heading(margin float8, width float8, title text, VARIADIC summary text[]) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN cjm_internal.svg_text(margin, margin + 16, 'title', coalesce((cjm_internal.svg_lines(title, (width - 2 * margin) / 22))[1], '')) ||
	coalesce((SELECT string_agg(cjm_internal.svg_text(margin, margin + 20 + 18 * l.place, 'soft', (cjm_internal.svg_lines(l.line, (width - 2 * margin) / 12))[1]), '' ORDER BY l.place)
		FROM (SELECT u.line, row_number() OVER (ORDER BY u.place) AS place FROM unnest(summary) WITH ORDINALITY u(line, place) WHERE u.line <> '') l), '');

COMMENT ON FUNCTION cjm_internal.svg_heading(float8, float8, text, text[]) IS 'what stands above a drawing: its title, and lines';

CREATE FUNCTION cjm_internal.svg_pages(kind text, title text, summary text, look jsonb, drawings cjm_internal.svg_drawing[]) RETURNS text
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 5000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	margin CONSTANT float8 := 28;
	width float8;
	beside integer;								-- how many stand side by side
	left_end float8;
	top float8 := margin + CASE WHEN look ->> 'subtitle' IS NULL THEN 56 ELSE 74 END;
	sheet float8;								-- how high one is
	deep float8;								-- the highest drawing
	one cjm_internal.svg_drawing;
	place integer := 0;
	body text := '';
	shown text := coalesce(look ->> 'title', title);
BEGIN
	-- Two of them at least, unless one alone is as wide as a page; and as wide as a sheet on which as many lines are whole as nearly are, and something is to spare.
	SELECT greatest(max(d.width) * CASE WHEN count(*) > 1 AND max(d.width) <= 1300 THEN 2 ELSE 1 END, 1120), coalesce(max(d.height), 0), max(d.width) INTO width, deep, left_end FROM unnest(drawings) d;
	width := greatest(width, (top + deep * least(greatest(floor(width / cjm_internal.svg_sheet() / nullif(deep, 0) + 0.25), 1), ceil(cardinality(drawings) / greatest(floor(width / left_end), 1))) + 8) * cjm_internal.svg_sheet());
	beside := greatest(floor(width / left_end), 1);
	sheet := width / cjm_internal.svg_sheet();
	FOREACH one IN ARRAY drawings
	LOOP
		left_end := place % beside * width / beside;
		IF left_end = 0 THEN
			IF place > 0 THEN
				top := top + deep;
			END IF;
			IF floor((top + deep) / sheet) > floor(top / sheet) THEN
				top := ceil(top / sheet) * sheet + 3;
			END IF;
			body := body || format(E'<path d="M%s %sH%s" class="rule"/>\n', cjm_internal.svg_number(margin), cjm_internal.svg_number(top), cjm_internal.svg_number(width - margin));
		END IF;
		body := body || cjm_internal.svg_frame(format('x="%s" y="%s"', cjm_internal.svg_number(left_end), cjm_internal.svg_number(top)), one, look, '', concat_ws(' ', cjm_internal.svg_number(left_end), cjm_internal.svg_number(top))) || E'\n';
		place := place + 1;
	END LOOP;
	one := (kind, width, top + greatest(deep, 28), shown, summary, cjm_internal.svg_heading(margin, width, shown, look ->> 'subtitle', summary) || body);
	RETURN cjm_internal.svg_page(one, look, cjm_internal.svg_landscape(width, 0) || '.cjm svg .title{font-size:16px}@media print{.cjm{max-height:none}}');
END
$$;

COMMENT ON FUNCTION cjm_internal.svg_pages(text, text, text, jsonb, cjm_internal.svg_drawing[]) IS 'a whole SVG of several drawings';

CREATE FUNCTION cjm_internal.draw_group(w jsonb, label text, groups text[]) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN coalesce(label, '') = '' THEN w ->> 'not_known' WHEN label = 'others' AND array_position(groups, label) IS NULL THEN w ->> 'others' ELSE label END;

COMMENT ON FUNCTION cjm_internal.draw_group(jsonb, text, text[]) IS 'what a group is called in a drawing; groups: those that have a name of their own';

CREATE FUNCTION cjm_internal.draw_group_title(w jsonb, label text, groups text[], room float8) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
	SELECT CASE WHEN t.same = 1 THEN t.title ELSE t.same::text || '. ' || t.title END
	FROM (SELECT g.label, g.title, dense_rank() OVER (PARTITION BY (cjm_internal.svg_lines(g.title, room))[1] ORDER BY g.title COLLATE "C") AS same
		FROM (SELECT u.label, cjm_internal.draw_group(w, u.label, groups) AS title FROM unnest(groups || draw_group_title.label) u(label)) g) t
	WHERE t.label IS NOT DISTINCT FROM draw_group_title.label LIMIT 1);

COMMENT ON FUNCTION cjm_internal.draw_group_title(jsonb, text, text[], float8) IS 'the title of the drawing of a group, so that none two look the same; groups: as of draw_group; room: in sizes of the font';

CREATE FUNCTION cjm_internal.draw_groups(w jsonb, by text, labels text[], groups text[]) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN labels = '{}' THEN w ->> 'nobody'
	WHEN array_position(groups, labels[cardinality(labels)]) IS NOT NULL THEN cjm_internal.draw_plural(w, 'groups', cardinality(labels), by)
	ELSE cjm_internal.draw_say(w, 'largest_groups', (cardinality(labels) - 1)::text, by) END;

COMMENT ON FUNCTION cjm_internal.draw_groups(jsonb, text, text[], text[]) IS 'which groups are drawn, in a line';

CREATE FUNCTION cjm_internal.draw_period(w jsonb, from_time timestamptz, to_time timestamptz, time_zone text) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT CASE WHEN d.first IS NOT NULL AND d.last IS NOT NULL THEN cjm_internal.draw_say(w, 'period', d.first, d.last)
		ELSE coalesce(cjm_internal.draw_say(w, 'since', d.first), cjm_internal.draw_say(w, 'until', d.last)) END
	FROM (SELECT to_char(CASE WHEN isfinite(from_time) THEN from_time AT TIME ZONE time_zone END, coalesce(w ->> 'date', 'YYYY-MM-DD')) AS first,
		to_char(CASE WHEN isfinite(to_time) THEN (to_time - interval '1 microsecond') AT TIME ZONE time_zone END, coalesce(w ->> 'date', 'YYYY-MM-DD')) AS last) d);

COMMENT ON FUNCTION cjm_internal.draw_period(jsonb, timestamptz, timestamptz, text) IS 'a time range in days; NULL if it is everything';

CREATE FUNCTION cjm_internal.draw_asked(w jsonb, def cjm_internal.map, from_time timestamptz, to_time timestamptz) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN nullif(concat_ws(', ', cjm_internal.draw_period(w, from_time, to_time, (def).time_zone) || ' (' || (def).time_zone || ')', (SELECT string_agg(format('%s: %s', e.key,
		CASE jsonb_typeof(e.value) WHEN 'array' THEN (SELECT string_agg(coalesce(v.value, w ->> 'not_known'), ' | ') FROM jsonb_array_elements_text(e.value) v(value)) ELSE coalesce(e.value #>> '{}', w ->> 'not_known') END),
		', ' ORDER BY e.key COLLATE "C") FROM jsonb_each((def).where_is) e)), '');

COMMENT ON FUNCTION cjm_internal.draw_asked(jsonb, cjm_internal.map, timestamptz, timestamptz) IS 'what a drawing is asked of, in a line; NULL if it is everything';

CREATE OR REPLACE FUNCTION cjm_internal.svg_rect(x float8, y float8, width float8, height float8, class text, rounded float8 DEFAULT 2) RETURNS text
	AS 'MODULE_PATHNAME', 'svg_rect'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;

CREATE OR REPLACE FUNCTION cjm_internal.svg_path(shape text, class text, VARIADIC numbers float8[]) RETURNS text
	AS 'MODULE_PATHNAME', 'svg_path'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;

CREATE OR REPLACE FUNCTION cjm_internal.map_title(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN (SELECT n.nspname::text FROM pg_namespace n WHERE n.oid = (map).map);

CREATE FUNCTION cjm_internal.svg_hatch(x float8, y float8, width float8, height float8, kind text) RETURNS text
	AS 'MODULE_PATHNAME', 'svg_hatch'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;

COMMENT ON FUNCTION cjm_internal.svg_hatch(float8, float8, float8, float8, text) IS 'the pattern of a rectangle of class wait, drop or no; NULL if there is no room for a line';

CREATE FUNCTION cjm_internal.svg_hatched(x float8, y float8, width float8, height float8, class text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN cjm_internal.svg_rect(x, y, width, height, class, 0) || coalesce(cjm_internal.svg_hatch(x, y, width, height, class), '');

COMMENT ON FUNCTION cjm_internal.svg_hatched(float8, float8, float8, float8, text) IS 'a rectangle with its pattern';

CREATE TYPE cjm_internal.funnel_drawn_group AS (
	label text,
	steps cjm_internal.funnel_drawn_step[]
);

COMMENT ON TYPE cjm_internal.funnel_drawn_group IS 'what a drawing says of the funnel of a group';

COMMENT ON COLUMN cjm_internal.funnel_drawn_group.label IS 'the group: a value of what the drawing is by, others for all that are not shown by themselves';

COMMENT ON COLUMN cjm_internal.funnel_drawn_group.steps IS 'its funnel';

CREATE OR REPLACE FUNCTION cjm_internal.funnel_drawn_steps(stats cjm.funnel_stats) RETURNS cjm_internal.funnel_drawn_step[]
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
RETURN (
	SELECT array_agg((r.step, r.stage, coalesce(s.optional, false), r.customers, r.step_rate, r.overall_rate, r.dropped, r.drop_rate, NULL::bigint, NULL::bigint, r.rate_low, r.rate_high,
		extract(epoch FROM r.median_time)::float8, extract(epoch FROM r.median_total)::float8)::cjm_internal.funnel_drawn_step ORDER BY r.step)
	FROM cjm.report(stats) r
		LEFT JOIN (SELECT DISTINCT f.step, f.optional FROM cjm.funnel_stages((stats::jsonb ->> 'funnel')::cjm.funnel) f) s USING (step));

CREATE FUNCTION cjm_internal.funnel_drawn_steps(map cjm_internal.map, from_time timestamptz DEFAULT '-infinity', to_time timestamptz DEFAULT 'infinity') RETURNS cjm_internal.funnel_drawn_step[]
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ranged boolean := cjm_internal.map_ranged(from_time, to_time);
	steps cjm_internal.funnel_drawn_step[];
BEGIN
	EXECUTE format('SELECT array_agg((r.step, r.stage, coalesce(s.optional, false), r.customers, r.step_rate, r.overall_rate, r.dropped, r.drop_rate, r.open_customers, r.refused,
			r.rate_low, r.rate_high, r.median_time_seconds, r.median_total_seconds)::cjm_internal.funnel_drawn_step ORDER BY r.step)
		FROM %s r LEFT JOIN (SELECT DISTINCT f.step, f.optional FROM cjm.funnel_stages($3) f) s USING (step)',
		CASE WHEN ranged OR (map).where_is IS NOT NULL THEN format('(%s)', cjm_internal.map_funnel_sql(map, '', NULL, NULL, ranged)) ELSE cjm_internal.map_schema(map) || '.funnel' END)
		INTO steps USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity'), (map).stages;
	RETURN steps;
END
$$;

COMMENT ON FUNCTION cjm_internal.funnel_drawn_steps(cjm_internal.map, timestamptz, timestamptz) IS 'the same of a map, from its view funnel, or of walks that begin in a range and of the customers that are asked for';

CREATE FUNCTION cjm_internal.map_began_groups(map cjm_internal.map, by text, from_time timestamptz, to_time timestamptz) RETURNS cjm_internal.map
	LANGUAGE sql STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT cjm_internal.map_with_groups(map, cjm_internal.map_walk_words(map, r.entered), by, format('cjm.funnel_step(j.journey, %L::cjm.funnel%s) > 0', (map).stages, ', ' || r.entered), from_time, to_time)
	FROM (SELECT CASE WHEN cjm_internal.map_ranged(from_time, to_time) THEN 'tstzrange($1, $2)' END AS entered) r);

COMMENT ON FUNCTION cjm_internal.map_began_groups(cjm_internal.map, text, timestamptz, timestamptz) IS 'a map whose groups are those in which most customers began the funnel';

CREATE FUNCTION cjm_internal.funnel_drawn_groups(map cjm_internal.map, by text, from_time timestamptz, to_time timestamptz) RETURNS TABLE (label text, steps cjm_internal.funnel_drawn_step[])
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 20000 ROWS 7
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT r.label, array_agg((r.step, r.stage, coalesce(s.optional, false), r.customers, r.step_rate, r.overall_rate, r.dropped, r.drop_rate, r.open_customers, r.refused,
			r.rate_low, r.rate_high, r.median_time_seconds, r.median_total_seconds)::cjm_internal.funnel_drawn_step ORDER BY r.step)
		FROM (%s) r LEFT JOIN (SELECT DISTINCT f.step, f.optional FROM cjm.funnel_stages($3) f) s USING (step)
		GROUP BY r.label HAVING max(r.customers) > 0 ORDER BY array_position($4, r.label), r.label COLLATE "C"',
		cjm_internal.map_funnel_sql(map, 's.label,', by, NULL, cjm_internal.map_ranged(from_time, to_time)))
		USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity'), (map).stages, (map).groups;
END
$$;

COMMENT ON FUNCTION cjm_internal.funnel_drawn_groups(cjm_internal.map, text, timestamptz, timestamptz) IS 'what a drawing of a funnel says of its steps, by groups, in the order in which they are drawn';

CREATE OR REPLACE FUNCTION cjm_internal.funnel_chart_lines(steps cjm_internal.funnel_drawn_step[], width integer) RETURNS SETOF text
	LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED COST 1000 ROWS 6
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	-- Block characters are for who can be shown them.
	plain boolean := current_setting('server_encoding') <> 'UTF8' OR pg_client_encoding() <> 'UTF8';
	label_cells integer;
	count_cells integer;
	open_cells integer;						-- 0 where nobody is open, or nobody knows
	refused_cells integer;					-- the same of who refused
BEGIN
	IF width NOT BETWEEN 1 AND 1000 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('a bar cannot be %s characters wide', width), HINT = 'Choose 1 to 1000.';
	END IF;
	SELECT least(greatest(max(cjm_internal.chart_cells(s.stage || CASE WHEN s.optional THEN ' (optional)' ELSE '' END)), 5), 40), greatest(max(length(cjm_internal.draw_count(s.customers))), 9),
			CASE WHEN max(s.open_customers) > 0 THEN greatest(max(length(cjm_internal.draw_count(s.open_customers))), 4) + 2 ELSE 0 END,
			CASE WHEN max(s.refused) > 0 THEN greatest(max(length(cjm_internal.draw_count(s.refused))), 7) + 2 ELSE 0 END
		INTO label_cells, count_cells, open_cells, refused_cells FROM unnest(steps) s;
	RETURN NEXT rpad('stage', label_cells + width + 2) || lpad('customers', count_cells + 2) || '  of all  went on' ||
		lpad('dropped', count_cells + 1) || lpad(CASE WHEN open_cells > 0 THEN 'open' ELSE '' END, open_cells) ||
		lpad(CASE WHEN refused_cells > 0 THEN 'refused' ELSE '' END, refused_cells) || '  median time';
	RETURN QUERY
	SELECT rtrim(CASE WHEN s.same = 1 THEN s.shown ELSE cjm_internal.chart_label(s.name, label_cells, plain, s.same::text || ' ') END || '  ' ||
		cjm_internal.chart_bar(s.customers / s.most, coalesce(s.before / s.most, 0), width, plain, coalesce(s.open_before / s.most, 0)) ||
		lpad(cjm_internal.draw_count(s.customers), count_cells + 2) || lpad(coalesce(cjm_internal.draw_rate(s.overall_rate), ''), 8) ||
		lpad(CASE WHEN s.step > 1 THEN coalesce(cjm_internal.draw_rate(s.step_rate), '') ELSE '' END, 9) ||
		lpad(coalesce(cjm_internal.draw_count(s.dropped), ''), count_cells + 1) ||
		lpad(CASE WHEN open_cells > 0 THEN coalesce(cjm_internal.draw_count(s.open_customers), '') ELSE '' END, open_cells) ||
		lpad(CASE WHEN refused_cells > 0 THEN coalesce(cjm_internal.draw_count(s.refused), '') ELSE '' END, refused_cells) || lpad(coalesce(cjm_internal.draw_time(s.median_seconds), ''), 13))
	FROM (SELECT u.*, greatest(max(u.customers) OVER (), 1)::float8 AS most, b.customers AS before, CASE WHEN NOT u.optional THEN b.open_customers END AS open_before,
			n.name, c.shown, dense_rank() OVER (PARTITION BY c.shown ORDER BY n.name COLLATE "C") AS same
		FROM unnest(steps) u CROSS JOIN LATERAL (SELECT u.stage || CASE WHEN u.optional THEN ' (optional)' ELSE '' END AS name) n
			CROSS JOIN LATERAL (SELECT cjm_internal.chart_label(n.name, label_cells, plain) AS shown) c
			LEFT JOIN LATERAL (SELECT p.customers, p.open_customers FROM unnest(steps) p WHERE p.step < u.step AND NOT p.optional ORDER BY p.step DESC LIMIT 1) b ON true) s
	ORDER BY s.step;
END
$$;

CREATE FUNCTION cjm_internal.chart_name(label text, mark text DEFAULT '') RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED
RETURN rtrim(cjm_internal.chart_label(label, least(greatest(cjm_internal.chart_cells(label), 1), 80), current_setting('server_encoding') <> 'UTF8' OR pg_client_encoding() <> 'UTF8', mark));

COMMENT ON FUNCTION cjm_internal.chart_name(text, text) IS 'a text as it can be shown in a terminal; mark: as of chart_label';

CREATE FUNCTION cjm.funnel_chart(
	map text,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL,
	width integer DEFAULT 40,
	by text DEFAULT NULL)
	RETURNS SETOF text
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 6
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	one record;
BEGIN
	width := coalesce(width, 40);
	IF by IS NULL THEN
		RETURN QUERY SELECT cjm_internal.funnel_chart_lines(cjm_internal.funnel_drawn_steps(def, from_time, to_time), width);
		RETURN;
	END IF;
	def := cjm_internal.map_began_groups(def, by, from_time, to_time);
	FOR one IN
		SELECT g.n, g.name, g.steps, dense_rank() OVER (PARTITION BY cjm_internal.chart_name(g.name) ORDER BY g.name COLLATE "C") AS same
		FROM (SELECT d.n, d.steps, cjm_internal.draw_group(cjm_internal.draw_words('en'), d.label, def.groups) AS name FROM cjm_internal.funnel_drawn_groups(def, by, from_time, to_time) WITH ORDINALITY d(label, steps, n)) g ORDER BY g.n
	LOOP
		IF one.n > 1 THEN
			RETURN NEXT '';
		END IF;
		RETURN NEXT cjm_internal.chart_name(one.name, CASE WHEN one.same > 1 THEN one.same::text || ' ' ELSE '' END);
		RETURN QUERY SELECT cjm_internal.funnel_chart_lines(one.steps, width);
	END LOOP;
END
$$;

COMMENT ON FUNCTION cjm.funnel_chart(text, timestamptz, timestamptz, jsonb, integer, text) IS
'a funnel in the terminal, a line for each step: of a map, from its view funnel or, where a range or customers are asked for, as funnel_report has it.
where_is: which customers, as in funnel_report; width: of the bar of all customers, in characters
by: NULL, or as in funnel_report, for one chart beneath another: of the six groups in which most customers began, of those of whom it is not known, and of all others together
The lighter part of a bar is lost since the step before, of those who refused as of those who dropped, and the less light one of customers who were there and may yet go on (open); of all: share of step 1; went on: of the step before; median time: since it
Without characters for bars, in another encoding than UTF-8, a bar is of #, who is open of + and what is lost of dots.';

CREATE FUNCTION cjm_internal.funnel_sentences(steps cjm_internal.funnel_drawn_step[], w jsonb) RETURNS text[]
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
RETURN (
	SELECT array_agg(format('%s. %s%s: %s.', s.step, s.stage, CASE WHEN s.optional THEN format(' (%s)', w ->> 'optional') ELSE '' END,
		concat_ws(', ', cjm_internal.draw_plural(w, 'n_customers', s.customers),
			CASE WHEN s.step > 1 THEN cjm_internal.draw_say(w, 'n_of_all', cjm_internal.draw_rate(s.overall_rate, w)) END,
			CASE WHEN s.step > 1 THEN cjm_internal.draw_say(w, 'n_of_before', cjm_internal.draw_rate(s.step_rate, w)) ||
				coalesce(cjm_internal.draw_say(w, 'interval', cjm_internal.draw_rate(s.rate_low, w), cjm_internal.draw_rate(s.rate_high, w)), '') END,
			cjm_internal.draw_say(w, 'median_time', cjm_internal.draw_time(s.median_seconds, w)),
			cjm_internal.draw_say(w, 'n_dropped_after', cjm_internal.draw_count(s.dropped, w)), cjm_internal.draw_say(w, 'n_may_go_on', cjm_internal.draw_count(nullif(s.open_customers, 0), w)),
			cjm_internal.draw_say(w, 'n_refused', cjm_internal.draw_count(nullif(s.refused, 0), w)))) ORDER BY s.step)
	FROM unnest(steps) s);

COMMENT ON FUNCTION cjm_internal.funnel_sentences(cjm_internal.funnel_drawn_step[], jsonb) IS 'a funnel in sentences, one of each step';

CREATE FUNCTION cjm_internal.funnel_description(steps cjm_internal.funnel_drawn_step[], w jsonb DEFAULT cjm_internal.draw_words('en')) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
RETURN array_to_string(cjm_internal.funnel_sentences(steps, w), ' ');

COMMENT ON FUNCTION cjm_internal.funnel_description(cjm_internal.funnel_drawn_step[], jsonb) IS 'a funnel in sentences';

CREATE FUNCTION cjm_internal.funnel_summary(steps cjm_internal.funnel_drawn_step[], w jsonb DEFAULT cjm_internal.draw_words('en')) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
RETURN (
	SELECT concat(cjm_internal.draw_say(w, 'began', cjm_internal.draw_count(steps[1].customers, w)), CASE WHEN last.step > 1 THEN
		concat(', ', cjm_internal.draw_say(w, 'came_to_end', cjm_internal.draw_count(last.customers, w)), ' (' || cjm_internal.draw_rate(last.overall_rate, w) || ')',
			', ' || cjm_internal.draw_say(w, 'median_time', cjm_internal.draw_time(last.total_seconds, w))) END)
	FROM unnest(steps) last WHERE NOT last.optional ORDER BY last.step DESC LIMIT 1);

COMMENT ON FUNCTION cjm_internal.funnel_summary(cjm_internal.funnel_drawn_step[], jsonb) IS 'the beginning and the end of a funnel in one line';

CREATE FUNCTION cjm_internal.funnel_svg_drawn(steps cjm_internal.funnel_drawn_step[], title text, look jsonb, summary text DEFAULT '') RETURNS cjm_internal.svg_drawing
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 5000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	w CONSTANT jsonb := look -> 'w';
	width CONSTANT float8 := coalesce((look ->> 'width')::float8, 960);
	margin CONSTANT float8 := 28;
	heading CONSTANT text := CASE WHEN title = '' THEN w ->> 'funnel' ELSE title END;
	many boolean := cardinality(steps) > 8;
	bar float8 := CASE WHEN many THEN 24 ELSE 34 END;
	narrow boolean := width < 800;				-- what went on and what dropped have no room in one line
	tiny CONSTANT boolean := width < 520;				-- nor have bars beside names: these stand above them
	gap float8 := CASE WHEN tiny THEN 90 WHEN narrow THEN 44 WHEN many THEN 30 ELSE 42 END;
	rise CONSTANT float8 := CASE WHEN width < 520 THEN 40 ELSE 0 END;		-- how much names are above the middle of bars
	top CONSTANT float8 := CASE summary WHEN '' THEN 100 ELSE 118 END + rise;		-- of the first bar
	size CONSTANT float8 := 15;					-- of the names of stages
	labels float8;								-- their width
	left_end float8;							-- where bars begin
	right_end float8;							-- and end at most
	most float8;
	names jsonb[];								-- of stages, in lines
	sentences CONSTANT text[] := cjm_internal.funnel_sentences(steps, w);
	one cjm_internal.funnel_drawn_step;
	before cjm_internal.funnel_drawn_step;
	next cjm_internal.funnel_drawn_step;
	y float8 := top;
	y_before float8;
	length float8;
	length_before float8;
	flows text := '';
	bars text := '';
	went text;
	took text;
BEGIN
	SELECT least(greatest(max(cjm_internal.svg_width(s.stage)) * size, 70), greatest(width * 0.26, 70)), greatest(max(s.customers), 1, coalesce((look ->> 'scale')::float8, 0)),
			width - margin - 68 - greatest(max(cjm_internal.svg_width(cjm_internal.draw_count(s.customers, w))) * 17, 106) - 16
		INTO labels, most, right_end FROM unnest(steps) s;
	SELECT array_agg(l.lines ORDER BY l.place) INTO names FROM (SELECT d.place, to_jsonb(d.lines) AS lines FROM cjm_internal.svg_distinct_lines(ARRAY(SELECT s.stage FROM unnest(steps) s ORDER BY s.step), labels / size, 2) d) l;
	left_end := margin + 26 + labels + 18;
	IF tiny THEN
		left_end := margin;
		right_end := width - margin;
	END IF;
	FOREACH one IN ARRAY steps
	LOOP
		length := one.customers / most * (right_end - left_end);
		SELECT s.* INTO next FROM unnest(steps) s WHERE s.step > one.step AND NOT s.optional ORDER BY s.step LIMIT 1;
		IF before.step IS NOT NULL AND NOT one.optional THEN
			flows := flows || cjm_internal.svg_path('M%s %sH%sL%s %sH%sZ', 'flow', left_end, y_before + bar, left_end + length_before, left_end + length, y, left_end);
		END IF;
		bars := bars || format(E'<g><title>%s</title>\n', cjm_internal.svg_escape(sentences[one.step])) ||
			cjm_internal.svg_text(margin + 16, y + bar / 2 + 5 - rise, 'soft end', one.step::text) ||
			coalesce((SELECT string_agg(cjm_internal.svg_text(margin + 26, y + bar / 2 + 5 - rise + (n - 0.5 - jsonb_array_length(names[one.step]) / 2.0) * 16, 'large', line), '' ORDER BY n)
				FROM jsonb_array_elements_text(names[one.step]) WITH ORDINALITY l(line, n)), '') ||
			cjm_internal.svg_rect(left_end, y, greatest(length, CASE WHEN one.customers > 0 THEN 1.5 ELSE 0 END), bar, CASE WHEN one.optional THEN 'part' ELSE 'bar' END) ||
			CASE WHEN one.open_customers > 0 THEN cjm_internal.svg_hatched(left_end + next.customers / most * (right_end - left_end), y, greatest(one.open_customers / most * (right_end - left_end), 1.5), bar, 'wait')
				ELSE '' END ||
			CASE WHEN one.refused > 0 THEN cjm_internal.svg_hatched(left_end + (next.customers + one.open_customers) / most * (right_end - left_end), y, greatest(one.refused / most * (right_end - left_end), 1.5), bar, 'no')
				ELSE '' END ||
			cjm_internal.svg_text(width - margin - 68, y + bar / 2 + 5 - rise, 'large strong end', cjm_internal.svg_escape(cjm_internal.draw_count(one.customers, w))) ||
			cjm_internal.svg_text(width - margin, y + bar / 2 + 5 - rise, 'large end', coalesce(cjm_internal.svg_rate(one.overall_rate, w), '&#8211;')) || E'</g>\n';
		IF one.step > 1 THEN
			went := '<tspan class="strong">' || cjm_internal.svg_rate(one.step_rate, w) || '</tspan> ' || cjm_internal.svg_escape(w ->> CASE WHEN one.optional THEN 'passed_optional' ELSE 'went_on' END);
			took := cjm_internal.svg_escape(cjm_internal.draw_say(w, 'median', cjm_internal.draw_time(one.median_seconds, w)));
			bars := bars || cjm_internal.svg_text(left_end + 10, y - CASE WHEN tiny THEN 63 WHEN narrow THEN 28 ELSE gap / 2 - 4 END, 'small', CASE WHEN tiny THEN coalesce(went, '') ELSE concat_ws(' &#183; ', went, took) END) ||
				CASE WHEN tiny AND took IS NOT NULL THEN cjm_internal.svg_text(left_end + 10, y - 49, 'small', took) ELSE '' END;
		END IF;
		IF one.dropped IS NOT NULL THEN
			bars := bars || cjm_internal.svg_text(width - margin, y + bar + CASE WHEN tiny THEN 13 WHEN narrow THEN 31 ELSE gap / 2 + 4 END, 'small lost end',
				cjm_internal.svg_escape(cjm_internal.draw_say(w, 'n_dropped', cjm_internal.draw_count(one.dropped, w))) || coalesce(', ' || cjm_internal.svg_rate(one.drop_rate, w), '') ||
				coalesce('<tspan class="waits"> &#183; ' || cjm_internal.svg_escape(cjm_internal.draw_say(w, 'n_open', cjm_internal.draw_count(nullif(one.open_customers, 0), w))) || '</tspan>', '') ||
				coalesce('<tspan class="soft"> &#183; ' || cjm_internal.svg_escape(cjm_internal.draw_say(w, 'n_refused', cjm_internal.draw_count(nullif(one.refused, 0), w))) || '</tspan>', ''));
		END IF;
		IF NOT one.optional THEN
			before := one;
			y_before := y;
			length_before := length;
		END IF;
		y := y + bar + gap;
	END LOOP;
	RETURN ('funnel'::text, width, y - gap + margin, heading, array_to_string(sentences, ' '),
		cjm_internal.svg_heading(margin, width, heading, nullif(summary, ''), cjm_internal.funnel_summary(steps, w)) ||
		cjm_internal.svg_text(width - margin - 68, top - 12 - rise, 'small soft end', cjm_internal.svg_escape(w ->> 'customers')) || cjm_internal.svg_text(width - margin, top - 12 - rise, 'small soft end', cjm_internal.svg_escape(w ->> 'of_all')) ||
		flows || cjm_internal.svg_path('M%s %sV%s', 'rule', left_end, top - 6, y - gap + 6) || bars);
END
$$;

COMMENT ON FUNCTION cjm_internal.funnel_svg_drawn(cjm_internal.funnel_drawn_step[], text, jsonb, text) IS 'the drawing of funnel_svg';

CREATE OR REPLACE FUNCTION cjm.funnel_svg(stats cjm.funnel_stats, title text DEFAULT NULL) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE COST 5000
RETURN cjm_internal.svg_page(cjm_internal.funnel_svg_drawn(cjm_internal.funnel_drawn_steps(stats), coalesce(title, ''), cjm_internal.draw_look()));

CREATE FUNCTION cjm.funnel_svg(
	map text,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL,
	by text DEFAULT NULL,
	title text DEFAULT NULL,
	subtitle text DEFAULT NULL,
	language text DEFAULT 'en',
	words jsonb DEFAULT NULL,
	scale_to float8 DEFAULT NULL,
	width integer DEFAULT NULL,
	colours jsonb DEFAULT NULL)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 20000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	look jsonb := cjm_internal.draw_look(title, subtitle, language, words, scale_to, width, colours);
	w jsonb := look -> 'w';
	heading text := coalesce(nullif(title, ''), cjm_internal.draw_say(w, 'funnel_of', cjm_internal.map_title(def)));
	drawings cjm_internal.svg_drawing[];
	labels text[];
	large float8;
	summary text := coalesce(nullif(subtitle, ''), cjm_internal.draw_asked(w, def, from_time, to_time), '');
BEGIN
	IF by IS NULL THEN
		RETURN cjm_internal.svg_page(cjm_internal.funnel_svg_drawn(cjm_internal.funnel_drawn_steps(def, from_time, to_time), heading, look, summary), look);
	END IF;
	def := cjm_internal.map_began_groups(def, by, from_time, to_time);
	SELECT coalesce(array_agg(d.label ORDER BY d.n), '{}'), coalesce(array_agg(cjm_internal.funnel_svg_drawn(d.steps, cjm_internal.draw_group_title(w, d.label, def.groups, (coalesce(width, 560) - 56) / 22.0), look || jsonb_build_object('scale', greatest(d.most, scale_to)::numeric, 'width', coalesce(width, 560))) ORDER BY d.n), '{}')
		INTO labels, drawings
	FROM (SELECT g.n, g.label, g.steps, max((SELECT max(s.customers) FROM unnest(g.steps) s)) OVER () AS most
		FROM cjm_internal.funnel_drawn_groups(def, by, from_time, to_time) WITH ORDINALITY g(label, steps, n)) d;
	RETURN cjm_internal.svg_pages('funnels', CASE WHEN look ->> 'title' IS NULL THEN cjm_internal.draw_say(w, 'title_by', heading, by) ELSE heading END,
		cjm_internal.draw_groups(w, by, labels, def.groups), look || jsonb_build_object('subtitle', nullif(summary, '')), drawings);
END
$$;

COMMENT ON FUNCTION cjm.funnel_svg(cjm.funnel_stats, text) IS
'a funnel as one SVG that needs nothing else: bars of customers, what went on and what dropped, median times since the step before.
In English; the drawing of a map takes a language, and how it is to look.
Statistics know no time: who may yet go on is among those who dropped.';

COMMENT ON FUNCTION cjm.funnel_svg(text, timestamptz, timestamptz, jsonb, text, text, text, text, jsonb, float8, integer, jsonb) IS
'the funnel of a map as one SVG that needs nothing else, from its view funnel or, where a range or customers are asked for, as funnel_report has it: psql -At -c "SELECT cjm.funnel_svg(''shop'')" > funnel.svg
where_is: which customers, as in funnel_report
by: NULL, or as in funnel_report, for small drawings side by side, on one scale: of the six groups in which most customers began, of those of whom it is not known, and of all others together
scale_to: how many customers the full length of a bar stands for, if that is more than there are; width: of each drawing
title, subtitle, language, words, colours: as of map_svg';

CREATE FUNCTION cjm_internal.heat_cell(x float8, y float8, width float8, height float8, rate float8, full_rate float8, customers bigint, period_over boolean, tip text, w jsonb) RETURNS text
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	class text := CASE WHEN customers < cjm_internal.map_few() THEN 'few' ELSE least(floor(rate / full_rate * 7), 6)::text END;
BEGIN
	RETURN '<g><title>' || cjm_internal.svg_escape(tip) || '</title>' || cjm_internal.svg_rect(x + 1, y + 1, width - 2, height - 2, 'heat' || class) ||
		CASE WHEN period_over THEN '' ELSE cjm_internal.svg_rect(x + 2.5, y + 2.5, width - 5, height - 5, 'growing grow' || class) END ||
		cjm_internal.svg_text(x + width / 2, y + height / 2 + 4, 'mid small on' || class, cjm_internal.svg_escape(cjm_internal.draw_rate(rate, w))) || '</g>';
END
$$;

COMMENT ON FUNCTION cjm_internal.heat_cell(float8, float8, float8, float8, float8, float8, bigint, boolean, text, jsonb) IS
	'a cell of a heat map, in one of seven colours, or in none if it rests on few customers; a broken line in it if its number is still growing';

CREATE FUNCTION cjm_internal.retention_cohort_name(cohort date, period text, w jsonb) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN to_char(cohort, CASE WHEN period IN ('month', '28 days') THEN w ->> 'month_date' WHEN period = 'quarter' THEN w ->> 'quarter_date' WHEN period = 'year' THEN 'YYYY' ELSE w ->> 'date' END);

COMMENT ON FUNCTION cjm_internal.retention_cohort_name(date, text, jsonb) IS 'what a cohort is called in a drawing';

CREATE FUNCTION cjm_internal.retention_svg_drawn(cells cjm_internal.retention_drawn_cell[], title text, period text DEFAULT 'month', brackets integer[] DEFAULT '{}',
	everybody boolean DEFAULT true, started boolean DEFAULT false, back boolean DEFAULT false, most_rate float8 DEFAULT 0, look jsonb DEFAULT cjm_internal.draw_look(), subtitle text DEFAULT '') RETURNS cjm_internal.svg_drawing
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 10000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	w CONSTANT jsonb := look -> 'w';
	margin CONSTANT float8 := 28;
	top CONSTANT float8 := CASE subtitle WHEN '' THEN 118 ELSE 136 END;		-- of the first cohort
	left_end float8;							-- of the first month
	cell_width float8 := 52;
	cell_height CONSTANT float8 := 28;
	most CONSTANT integer := 24;				-- cohorts and months that are drawn
	unit_key CONSTANT text := CASE period WHEN '24 hours' THEN 'day' WHEN '7 days' THEN 'week' WHEN '28 days' THEN 'part' ELSE period END;
	unit CONSTANT text := w ->> unit_key;
	-- The columns after the customers, by the number that each begins with.
	numbers integer[];
	names text[];
	cohorts integer;
	months integer;
	customers bigint;
	growing boolean;
	few boolean;
	full_rate float8;							-- of the darkest colour
	width float8;
	bottom float8;
	y float8;
	heads text := '';
	body text := '';
	legend text;
	line text;
	x float8;
	place_x float8;
	summary text;
	means text;
	one record;
BEGIN
	SELECT count(*), sum(c.cohort_size) INTO cohorts, customers FROM (SELECT DISTINCT u.cohort, u.cohort_size FROM unnest(cells) u) c;
	left_end := margin + 78 + greatest(72, cjm_internal.svg_width(cjm_internal.draw_count(coalesce(customers, 0), w)) * 13.5);
	-- The latest cohorts and their first months; what has no end is never over.
	cells := ARRAY(SELECT (c.cohort, c.number, c.cohort_size, c.retained, c.rate, coalesce(c.period_over, false))::cjm_internal.retention_drawn_cell
		FROM (SELECT u.*, dense_rank() OVER (ORDER BY u.cohort DESC) AS age, dense_rank() OVER (ORDER BY u.number) AS place FROM unnest(cells) u) c
		WHERE c.age <= most AND c.place <= most + 1 ORDER BY c.cohort, c.number);
	SELECT coalesce(array_agg(n.number ORDER BY n.number), '{}'), coalesce(array_agg(CASE WHEN b.starts IS NULL OR b.ends = b.starts + 1 THEN n.number::text
			WHEN b.ends IS NULL THEN b.starts || '+' ELSE b.starts || '-' || b.ends - 1 END ORDER BY n.number), '{}') INTO numbers, names
	FROM (SELECT DISTINCT c.number FROM unnest(cells) c WHERE c.number > 0 OR NOT everybody) n
		LEFT JOIN (SELECT starts, lead(starts) OVER (ORDER BY starts) AS ends FROM unnest(brackets) starts) b ON b.starts = n.number;
	months := cardinality(numbers);
	SELECT coalesce(bool_or(NOT c.period_over), false), coalesce(bool_or(c.cohort_size < cjm_internal.map_few()), false),
		(SELECT min(nice) FROM unnest('{0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1}'::float8[]) nice
			WHERE nice >= least(greatest(max(c.rate) FILTER (WHERE c.cohort_size >= cjm_internal.map_few()), most_rate, (look ->> 'scale')::float8), 1))
		INTO growing, few, full_rate FROM unnest(cells) c WHERE c.number = ANY (numbers);
	cell_width := greatest(cell_width, CASE WHEN look ->> 'width' IS NOT NULL THEN least(((look ->> 'width')::float8 - left_end - margin) / nullif(months, 0), 120) END);
	width := greatest(left_end + months * cell_width + margin, 640, (look ->> 'width')::float8);

	FOR number IN 1 .. months
	LOOP
		heads := heads || cjm_internal.svg_text(left_end + (number - 0.5) * cell_width, top - 10, 'soft mid', names[number]);
	END LOOP;
	FOR one IN
		SELECT c.*, dense_rank() OVER (ORDER BY c.cohort) AS place, row_number() OVER (PARTITION BY c.cohort ORDER BY c.number) = 1 AS is_first, array_position(numbers, c.number) AS column
		FROM unnest(cells) c ORDER BY c.cohort, c.number
	LOOP
		y := top + (one.place - 1) * cell_height;
		IF one.is_first THEN
			body := body || cjm_internal.svg_text(margin, y + 18, 'soft', cjm_internal.svg_escape(cjm_internal.retention_cohort_name(one.cohort, period, w))) ||
				cjm_internal.svg_text(left_end - 18, y + 18, 'end', cjm_internal.svg_escape(cjm_internal.draw_count(one.cohort_size, w)));
		END IF;
		IF one.column IS NOT NULL THEN
			body := body || cjm_internal.heat_cell(left_end + (one.column - 1) * cell_width, y, cell_width, cell_height, one.rate, full_rate, one.cohort_size, one.period_over,
				cjm_internal.draw_say(w, 'cell', cjm_internal.retention_cohort_name(one.cohort, period, w), unit || ' ' || names[one.column],
					cjm_internal.draw_plural(w, 'n_of_customers', one.cohort_size, cjm_internal.draw_count(one.retained, w)), cjm_internal.draw_rate(one.rate, w)) ||
					CASE WHEN one.period_over THEN '' ELSE w ->> 'not_over' END, w);
		END IF;
	END LOOP;

	-- All cohorts together, in months that are over.
	bottom := top + least(cohorts, most) * cell_height + 8;
	means := '';
	FOR one IN
		SELECT c.number, sum(c.retained)::bigint AS retained, sum(c.cohort_size)::bigint AS cohort_size, sum(c.retained)::float8 / sum(c.cohort_size)::float8 AS rate
		FROM unnest(cells) c WHERE c.number = ANY (numbers) AND c.period_over GROUP BY c.number ORDER BY c.number
	LOOP
		body := body || cjm_internal.heat_cell(left_end + (array_position(numbers, one.number) - 1) * cell_width, bottom, cell_width, cell_height, one.rate, full_rate, one.cohort_size, true,
			cjm_internal.draw_say(w, 'cell', w ->> 'all', unit || ' ' || names[array_position(numbers, one.number)],
				cjm_internal.draw_plural(w, 'n_of_customers', one.cohort_size, cjm_internal.draw_count(one.retained, w)), cjm_internal.draw_rate(one.rate, w)), w);
		means := concat_ws(', ', nullif(means, ''), format('%s: %s', names[array_position(numbers, one.number)], cjm_internal.draw_rate(one.rate, w)));
	END LOOP;
	IF months > 0 AND means <> '' THEN
		body := body || cjm_internal.svg_text(margin, bottom + 18, 'strong', cjm_internal.svg_escape(w ->> CASE WHEN cohorts > most THEN 'all_shown' ELSE 'all' END)) ||
			cjm_internal.svg_text(left_end - 18, bottom + 18, 'strong end', cjm_internal.svg_escape(cjm_internal.draw_count((SELECT sum(c.cohort_size)::bigint FROM (SELECT DISTINCT u.cohort, u.cohort_size FROM unnest(cells) u) c), w)));
		bottom := bottom + cell_height + 8;
	END IF;

	line := cjm_internal.draw_say(w, 'share_of_cohort', w ->> CASE WHEN back THEN 'came_back' ELSE 'was_seen_again' END);
	x := margin + greatest(cjm_internal.svg_width(line) * 11, 216) + 54;
	legend := cjm_internal.svg_text(margin, bottom + 24, 'small soft', cjm_internal.svg_escape(line)) || cjm_internal.svg_text(x, bottom + 24, 'small soft end', cjm_internal.svg_rate(0, w));
	FOR class IN 0 .. 6
	LOOP
		legend := legend || cjm_internal.svg_rect(x + 6 + class * 22, bottom + 14, 22, 12, 'heat' || class, 0);
	END LOOP;
	legend := legend || cjm_internal.svg_text(x + 166, bottom + 24, 'small soft', cjm_internal.svg_rate(full_rate, w));
	IF growing THEN
		-- Beneath, where the words of a language leave no room beside it.
		IF x + 250 + cjm_internal.svg_width(w ->> 'not_over_yet') * 11 > width - margin THEN
			bottom := bottom + 20;
			place_x := x + 6;
		ELSE
			place_x := x + 220;
		END IF;
		legend := legend || cjm_internal.svg_rect(place_x, bottom + 14, 22, 12, 'growing', 0) || cjm_internal.svg_text(place_x + 28, bottom + 24, 'small soft', cjm_internal.svg_escape(w ->> 'not_over_yet'));
	END IF;
	IF few THEN
		bottom := bottom + 20;
		legend := legend || cjm_internal.svg_rect(x + 6, bottom + 14, 22, 12, 'heatfew', 0) ||
			cjm_internal.svg_text(x + 34, bottom + 24, 'small soft', cjm_internal.svg_escape(cjm_internal.draw_plural(w, 'fewer_than', cjm_internal.map_few())));
	END IF;

	summary := cjm_internal.draw_say(w, 'in_cohorts', cjm_internal.draw_plural(w, 'n_customers', coalesce(customers, 0)), cjm_internal.draw_plural(w, 'cohorts', cohorts)) ||
		CASE WHEN cohorts > most THEN cjm_internal.draw_say(w, 'latest_shown', most::text) ELSE '' END;
	RETURN ('retention'::text, width, bottom + CASE WHEN months > 0 THEN 24 ELSE 0 END + margin, title,
		summary || '.' || coalesce(' ' || cjm_internal.draw_say(w, CASE WHEN back THEN 'came_back_by' ELSE 'seen_again_by' END, unit) || nullif(means, '') || '.', ''),
		cjm_internal.svg_heading(margin, width, title, nullif(subtitle, ''), summary) ||
		CASE WHEN cohorts > 0 THEN
			cjm_internal.svg_text(margin, top - 10, 'small soft', cjm_internal.svg_escape(w ->> CASE WHEN started THEN 'started' ELSE 'first_seen' END)) ||
			cjm_internal.svg_text(left_end - 18, top - 10, 'small soft end', cjm_internal.svg_escape(w ->> 'customers')) ||
			CASE WHEN months > 0 THEN cjm_internal.svg_text(left_end, top - 28, 'small soft', cjm_internal.svg_escape(w ->> (unit_key || '_later'))) || heads || legend ELSE '' END || body
		ELSE '' END);
END
$$;

COMMENT ON FUNCTION cjm_internal.retention_svg_drawn(cjm_internal.retention_drawn_cell[], text, text, integer[], boolean, boolean, boolean, float8, jsonb, text) IS 'the drawing of retention_svg';

CREATE FUNCTION cjm.retention_svg(
	map text,
	period text DEFAULT 'month',
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	kind text DEFAULT 'in',
	where_is jsonb DEFAULT NULL,
	starts cjm.funnel DEFAULT NULL,
	returns cjm.funnel DEFAULT NULL,
	at_least integer DEFAULT 1,
	brackets integer[] DEFAULT NULL,
	week_starts text DEFAULT 'monday',
	every_start boolean DEFAULT false,
	by text DEFAULT NULL,
	title text DEFAULT NULL,
	subtitle text DEFAULT NULL,
	language text DEFAULT 'en',
	words jsonb DEFAULT NULL,
	scale_to float8 DEFAULT NULL,
	width integer DEFAULT NULL,
	colours jsonb DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 20000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	ranged boolean := cjm_internal.map_ranged(from_time, to_time);
	look jsonb := cjm_internal.draw_look(title, subtitle, language, words, scale_to, width, colours);
	w jsonb := look -> 'w';
	heading text := coalesce(nullif(title, ''), cjm_internal.draw_say(w, 'retention_of', cjm_internal.map_title(def)));
	summary text := coalesce(nullif(subtitle, ''), cjm_internal.draw_asked(w, def, from_time, to_time), '');
	cells cjm_internal.retention_drawn_cell[];
	by_month boolean;
	labels text[];
	drawings cjm_internal.svg_drawing[];
BEGIN
	period := lower(coalesce(period, 'month'));
	at_least := coalesce(at_least, 1);
	by_month := period = 'month' AND NOT ranged AND coalesce(kind, 'in') = 'in' AND where_is IS NULL AND starts IS NULL AND returns IS NULL AND at_least = 1 AND brackets IS NULL
		AND NOT coalesce(every_start, false) AND by IS NULL;
	IF by IS NULL THEN
		EXECUTE format('SELECT array_agg((r.cohort, r.number, r.cohort_size, r.retained, r.rate, r.period_over)::cjm_internal.retention_drawn_cell ORDER BY r.cohort, r.number)
			FROM %s r', CASE WHEN by_month THEN cjm_internal.map_schema(def) || '.retention'
				ELSE format('(%s)', cjm_internal.map_retention_sql(def, period, coalesce(kind, 'in'), NULL, starts, coalesce(every_start, false), returns, at_least, brackets, week_starts, false, ranged, false)) END)
			INTO cells USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
		RETURN cjm_internal.svg_page(cjm_internal.retention_svg_drawn(coalesce(cells, '{}'), heading, period, coalesce(brackets, '{}'), returns IS NULL AND at_least = 1, starts IS NOT NULL, returns IS NOT NULL, 0, look, summary), look);
	END IF;
	def := cjm_internal.map_with_groups(def, cjm_internal.map_customer_words(def), by, CASE WHEN NOT ranged THEN 'true' WHEN starts IS NULL THEN 'cjm_internal.first_at(j.journey) >= $1 AND cjm_internal.first_at(j.journey) < $2'
		ELSE 'cjm_internal.last_at(j.journey) >= $1 AND cjm_internal.first_at(j.journey) < $2' END, from_time, to_time);
	EXECUTE format('WITH r AS MATERIALIZED (%s)
		SELECT coalesce(array_agg(g.label ORDER BY g.other, c.customers DESC, g.label COLLATE "C"), ''{}''), coalesce(array_agg(cjm_internal.retention_svg_drawn(g.cells, cjm_internal.draw_group_title($9 -> ''w'', g.label, $3, 26), $4, $5, $6, $7, $8, g.most_rate, $9, '''') ORDER BY g.other, c.customers DESC, g.label COLLATE "C"), ''{}'')
		FROM (SELECT r.label, array_position($3, r.label) IS NULL AS other, array_agg((r.cohort, r.number, r.cohort_size, r.retained, r.rate, r.period_over)::cjm_internal.retention_drawn_cell ORDER BY r.cohort, r.number) AS cells,
				coalesce(max(max(r.rate) FILTER (WHERE r.cohort_size >= %s AND (r.number > 0 OR NOT $6))) OVER (), 0) AS most_rate
			FROM r GROUP BY r.label) g
			CROSS JOIN LATERAL (SELECT sum(d.cohort_size) AS customers FROM (SELECT DISTINCT u.cohort, u.cohort_size FROM unnest(g.cells) u) d) c',
		cjm_internal.map_retention_sql(def, period, coalesce(kind, 'in'), by, starts, coalesce(every_start, false), returns, at_least, brackets, week_starts, false, ranged, true), cjm_internal.map_few())
		INTO labels, drawings USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity'), def.groups, period, coalesce(brackets, '{}'), returns IS NULL AND at_least = 1, starts IS NOT NULL, returns IS NOT NULL, look || jsonb_build_object('subtitle', NULL);
	RETURN cjm_internal.svg_pages('retentions', CASE WHEN look ->> 'title' IS NULL THEN cjm_internal.draw_say(w, 'title_by', heading, by) ELSE heading END,
		cjm_internal.draw_groups(w, by, labels, def.groups), look || jsonb_build_object('subtitle', nullif(summary, '')), drawings);
END
$$;

COMMENT ON FUNCTION cjm.retention_svg(text, text, timestamptz, timestamptz, text, jsonb, cjm.funnel, cjm.funnel, integer, integer[], text, boolean, text, text, text, text, jsonb, float8, integer, jsonb) IS
'the retention of a map as one SVG that needs nothing else: a heat map of cohorts and the periods after their first; as the view retention has it or, with more arguments, as retention_report.
At most the latest 24 cohorts and their first 24 periods are drawn. all: over the periods that are over. Cohorts of fewer than 30 customers have no colour, and where everybody is back by definition there is no column
by: NULL, or as in retention_report, for drawings side by side, on one scale of colours: of the six groups with most customers, of those of whom it is not known, and of all others together
scale_to: the share that the darkest colour stands for, if that is more than there is; width: of each drawing, at least
title, subtitle, language, words, colours: as of map_svg';

CREATE FUNCTION cjm_internal.map_row_names() RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '{customers,kpi,channels,touchpoints,mood,voice,leaks,actions}'::text[];

COMMENT ON FUNCTION cjm_internal.map_row_names() IS 'the rows that a map can be drawn with, in the order in which they stand if nothing is said';

CREATE FUNCTION cjm_internal.map_may_read(def cjm_internal.map, VARIADIC names text[]) RETURNS boolean
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT bool_and(coalesce(has_table_privilege(c.oid, 'SELECT'), false)) FROM unnest(names) n(name) LEFT JOIN pg_class c ON c.relnamespace = (def).map AND c.relname = n.name);

COMMENT ON FUNCTION cjm_internal.map_may_read(cjm_internal.map, text[]) IS 'whether a map has these views and tables and the caller may read all of them';

CREATE FUNCTION cjm_internal.map_surveyed(def cjm_internal.map, by text) RETURNS boolean
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT cjm_internal.map_answer_events(def) <> '{}' AND ((def).where_is IS NULL OR w.words ?& ARRAY(SELECT jsonb_object_keys((def).where_is))) AND (by IS NULL OR w.words ? by)
	FROM (SELECT cjm_internal.map_words(def) AS words) w);

COMMENT ON FUNCTION cjm_internal.map_surveyed(cjm_internal.map, text) IS 'whether a map has answers, and they can be told by customers and groups that are asked for';

CREATE FUNCTION cjm_internal.map_drawn_rows(def cjm_internal.map, rows text[], by text) RETURNS text[]
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	wrong text;
BEGIN
	SELECT r.name INTO wrong FROM unnest(rows) WITH ORDINALITY r(name, place) WHERE r.name IS NULL OR r.name <> ALL (cjm_internal.map_row_names()) ORDER BY r.place LIMIT 1;
	IF FOUND THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('a map has no row "%s"', coalesce(left(wrong, 100), 'NULL')), HINT = format('Its rows are %s.', array_to_string(cjm_internal.map_row_names(), ', '));
	ELSIF rows IS NOT NULL THEN
		RETURN ARRAY(SELECT r.name FROM unnest(rows) WITH ORDINALITY r(name, place) GROUP BY r.name ORDER BY min(r.place));
	END IF;
	RETURN ARRAY(SELECT r.name FROM unnest(cjm_internal.map_row_names()) WITH ORDINALITY r(name, place)
		WHERE CASE r.name WHEN 'channels' THEN def.channel IS NOT NULL AND coalesce(has_column_privilege(to_regclass(cjm_internal.map_schema(def) || '.journeys'), 'journey', 'SELECT'), false)
			WHEN 'mood' THEN cjm_internal.map_surveyed(def, by) AND cjm_internal.map_may_read(def, 'feedback')
			WHEN 'leaks' THEN cjm_internal.map_may_read(def, 'drop_off')
			ELSE true END
		ORDER BY r.place);
END
$$;

COMMENT ON FUNCTION cjm_internal.map_drawn_rows(cjm_internal.map, text[], text) IS 'the rows that are drawn of a map; an error if one of those that were chosen is none';

CREATE FUNCTION cjm_internal.map_own_event_sql(stages cjm.funnel) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT coalesce(string_agg(DISTINCT format('(t.step = %s AND t.touchpoint = %L)', s.step, s.event), ' OR '), 'false') FROM cjm.funnel_stages(stages) s WHERE s.step IS NOT NULL AND s.event IS NOT NULL AND s.channel IS NULL);

COMMENT ON FUNCTION cjm_internal.map_own_event_sql(cjm.funnel) IS 'SQL: whether a touchpoint t is what brings its customers to the stage that it was met at';

CREATE FUNCTION cjm_internal.map_touches_drawn(def cjm_internal.map, from_time timestamptz, to_time timestamptz) RETURNS cjm_internal.map_drawn_touch[]
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ranged boolean := cjm_internal.map_ranged(from_time, to_time);
	touches cjm_internal.map_drawn_touch[];
BEGIN
	EXECUTE format('SELECT array_agg((t.step, t.touchpoint, t.customers, t.with_rate, t.without_rate, t.difference, t.difference_low, t.difference_high, t.sure)::cjm_internal.map_drawn_touch
		ORDER BY t.step, t.touchpoint COLLATE "C") FROM (SELECT v.*, v.event AS touchpoint FROM %s v) t WHERE NOT (%s)',
		CASE WHEN ranged OR def.where_is IS NOT NULL THEN format('(%s)', cjm_internal.map_touchpoints_sql(def, 'event', 'event', ranged, false)) ELSE cjm_internal.map_schema(def) || '.touchpoints' END,
		cjm_internal.map_own_event_sql(def.stages))
		INTO touches USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
	RETURN coalesce(touches, '{}');
END
$$;

COMMENT ON FUNCTION cjm_internal.map_touches_drawn(cjm_internal.map, timestamptz, timestamptz) IS 'what a drawing says of the touchpoints of a map, without the events of the stages themselves';

CREATE FUNCTION cjm_internal.map_targets_drawn(def cjm_internal.map, by text, part text) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	of_part jsonb := coalesce(def.where_is, CASE WHEN part IS NOT NULL THEN jsonb_build_object(by, part) END);
	targets jsonb;
BEGIN
	IF cjm_internal.map_may_read(def, 'targets') THEN
		EXECUTE format('SELECT jsonb_agg(to_jsonb(t)) FROM (SELECT DISTINCT ON (t.metric, t.step) t.metric, t.step, t.direction, t.value::numeric AS value FROM %s.targets t
			WHERE t.metric IN (''step_rate'', ''median_time'') AND (t.by IS NULL OR $2 IN (jsonb_build_object(t.by, t.by_value), jsonb_build_object(t.by, jsonb_build_array(t.by_value)))) AND t.from_day <= (now() AT TIME ZONE $1)::date AND t.stage IS NOT DISTINCT FROM (%s)[t.step]
			ORDER BY t.metric, t.step, t.by IS NULL, t.from_day DESC) t', cjm_internal.map_schema(def), cjm_internal.map_stage_names(def)) INTO targets USING def.time_zone, of_part;
	END IF;
	RETURN coalesce(targets, '[]');
END
$$;

COMMENT ON FUNCTION cjm_internal.map_targets_drawn(cjm_internal.map, text, text) IS 'the targets of the stages of a map that are in force, an array of objects';

CREATE FUNCTION cjm_internal.map_channels_drawn(def cjm_internal.map, by text, from_time timestamptz, to_time timestamptz) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ranged boolean := cjm_internal.map_ranged(from_time, to_time);
	words jsonb := cjm_internal.map_walk_words(def, CASE WHEN ranged THEN 'tstzrange($1, $2)' END);
	channels jsonb;
BEGIN
	EXECUTE format('SELECT jsonb_agg(jsonb_build_object(''part'', t.part, ''step'', t.step, ''channel'', t.channel, ''customers'', t.customers, ''share'', (t.customers::float8 / t.all_customers::float8)::numeric)
			ORDER BY t.part, t.step, t.customers DESC, t.channel)
		FROM (SELECT g.*, max(g.customers) FILTER (WHERE g.channel IS NULL) OVER (PARTITION BY g.part, g.step) AS all_customers
			FROM (SELECT j.label AS part, e.step, e.label COLLATE "C" AS channel, count(*) AS customers
				FROM %s CROSS JOIN LATERAL cjm.stage_touches(j.journey, %L::cjm.funnel, ''channel'', %s) e WHERE e.step > 0 GROUP BY 1, 2, 3) g) t
		WHERE t.channel IS NOT NULL',
		cjm_internal.map_journeys_by(def, cjm_internal.map_split(words, by, def.groups), cjm_internal.map_where(def, 'WHERE', words - 'channel')), def.stages, CASE WHEN ranged THEN 'tstzrange($1, $2)' ELSE 'tstzrange(NULL, NULL)' END)
		INTO channels USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
	RETURN coalesce(channels, '[]');
END
$$;

COMMENT ON FUNCTION cjm_internal.map_channels_drawn(cjm_internal.map, text, timestamptz, timestamptz) IS 'the channels that customers met at each stage of a map, by groups';

CREATE FUNCTION cjm_internal.map_moods_of(rows jsonb) RETURNS jsonb
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH f AS (
		SELECT r.* FROM jsonb_to_recordset(rows) r(part text, step integer, nps_answers bigint, nps_mean float8, csat_answers bigint, csat_mean float8, ces_answers bigint, ces float8,
			unhappy bigint, unhappy_drop_rate float8, happy bigint, happy_drop_rate float8) WHERE r.step > 0
	), surveys AS (
		SELECT u.*, dense_rank() OVER (ORDER BY u.answers DESC, u.place) AS rank
		FROM (SELECT f.part, f.step, s.place, s.low, s.high, sum(s.n)::bigint AS n, sum(s.mean * s.n::float8) / sum(s.n)::float8 AS mean, sum(sum(s.n)) OVER (PARTITION BY s.place) AS answers
			FROM f CROSS JOIN LATERAL (VALUES (1, 0, 10, f.nps_answers, f.nps_mean), (2, 1, 5, f.csat_answers, f.csat_mean), (3, 1, 7, f.ces_answers, f.ces)) s(place, low, high, n, mean)
			WHERE s.n > 0 GROUP BY 1, 2, 3, 4, 5) u
	)
	SELECT jsonb_build_object(
		'mood', coalesce((SELECT jsonb_agg(jsonb_build_object('part', m.part, 'step', m.step, 'n', m.n, 'mean', m.mean::numeric, 'low', m.low, 'high', m.high) ORDER BY m.part, m.step) FROM surveys m WHERE m.rank = 1), '[]'),
		'happiness', coalesce((SELECT jsonb_agg(to_jsonb(h) ORDER BY h.part, h.step) FROM (
			SELECT f.part, f.step, sum(f.unhappy)::bigint AS unhappy, (sum(f.unhappy_drop_rate * f.unhappy::float8) / nullif(sum(f.unhappy), 0)::float8)::numeric AS unhappy_rate,
				sum(f.happy)::bigint AS happy, (sum(f.happy_drop_rate * f.happy::float8) / nullif(sum(f.happy), 0)::float8)::numeric AS happy_rate
			FROM f GROUP BY f.part, f.step) h), '[]'));
END;

COMMENT ON FUNCTION cjm_internal.map_moods_of(jsonb) IS 'what a drawing says of answers at each stage, of rows of the view feedback, with their part: mood, the mean, and happiness, who of the unhappy and of the happy dropped';

CREATE FUNCTION cjm_internal.map_feedback_drawn(def cjm_internal.map, by text, from_time timestamptz, to_time timestamptz) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ranged boolean := cjm_internal.map_ranged(from_time, to_time);
	rows jsonb;
BEGIN
	EXECUTE format('SELECT jsonb_agg(jsonb_build_object(''part'', f.part, ''step'', f.step, ''nps_answers'', f.nps_answers, ''nps_mean'', f.nps_mean::numeric, ''csat_answers'', f.csat_answers, ''csat_mean'', f.csat_mean::numeric,
			''ces_answers'', f.ces_answers, ''ces'', f.ces::numeric, ''unhappy'', f.unhappy, ''unhappy_drop_rate'', f.unhappy_drop_rate::numeric, ''happy'', f.happy, ''happy_drop_rate'', f.happy_drop_rate::numeric)) FROM %s f',
		CASE WHEN by IS NOT NULL THEN format('(%s)', cjm_internal.map_feedback_sql(def, 's.label AS part,', by, ranged))
			WHEN ranged OR def.where_is IS NOT NULL THEN format('(%s)', cjm_internal.map_feedback_sql(def, 'NULL::text AS part,', NULL, ranged))
			ELSE format('(SELECT NULL::text AS part, v.* FROM %s.feedback v)', cjm_internal.map_schema(def)) END)
		INTO rows USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
	RETURN cjm_internal.map_moods_of(coalesce(rows, '[]'));
END
$$;

COMMENT ON FUNCTION cjm_internal.map_feedback_drawn(cjm_internal.map, text, timestamptz, timestamptz) IS 'what a drawing says of answers at each stage of a map, by groups, as map_moods_of has it';

CREATE FUNCTION cjm_internal.map_stopped_sql(map cjm_internal.map, by text, ranged boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	entered text := CASE WHEN ranged THEN 'tstzrange($1, $2)' END;
	words jsonb := cjm_internal.map_walk_words(map, entered);
BEGIN
	RETURN format('SELECT s.part, s.step, s.last_event, count(*) FILTER (WHERE s.refused_at IS NULL AND NOT s.open) AS customers, count(*) FILTER (WHERE s.refused_at IS NULL AND s.open) AS open_customers, count(s.refused_at) AS refused
		FROM (SELECT j.label AS part, j.step, (cjm.last_touch(j.journey)).event AS last_event, %s AS refused_at, cjm.funnel_open(j.journey, %L::cjm.funnel, now()%s) AS open
			FROM (SELECT j.journey, j.label, cjm.funnel_step(j.journey, %2$L::cjm.funnel%3$s) AS step FROM %s OFFSET 0) j
			WHERE j.step > 0 AND j.step < %s) s
		GROUP BY 1, 2, 3',
		cjm_internal.map_refused_sql(map, entered), (map).stages, ', ' || entered,
		cjm_internal.map_journeys_by(map, cjm_internal.map_split(words, by, (map).groups), cjm_internal.map_where(map, 'WHERE', words || '{"last_event": "(cjm.last_touch(j.journey)).event"}')), cjm_internal.map_completed_step(map));
END
$$;

COMMENT ON FUNCTION cjm_internal.map_stopped_sql(cjm_internal.map, text, boolean) IS 'SQL: how many stopped at each stage, by groups (part) and by what they did last';

CREATE FUNCTION cjm_internal.map_leaks_of(rows jsonb) RETURNS jsonb
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT coalesce(jsonb_agg(to_jsonb(l) ORDER BY l.part, l.step), '[]')
	FROM (SELECT DISTINCT ON (d.part, d.step) d.part, d.step, d.last_event AS event, d.customers, sum(d.customers) OVER (PARTITION BY d.part, d.step)::bigint AS "of"
		FROM jsonb_to_recordset(rows) d(part text, step integer, last_event text, customers bigint) WHERE d.customers > 0 ORDER BY d.part, d.step, d.customers DESC, d.last_event COLLATE "C") l);

COMMENT ON FUNCTION cjm_internal.map_leaks_of(jsonb) IS 'what most of those who dropped at each stage did last, of rows of the view drop_off, with their part';

CREATE FUNCTION cjm_internal.map_leaks_drawn(def cjm_internal.map, by text, from_time timestamptz, to_time timestamptz) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ranged boolean := cjm_internal.map_ranged(from_time, to_time);
	rows jsonb;
BEGIN
	EXECUTE format('SELECT jsonb_agg(jsonb_build_object(''part'', d.part, ''step'', d.step, ''last_event'', d.last_event, ''customers'', d.customers)) FROM %s d WHERE d.customers > 0',
		CASE WHEN by IS NOT NULL OR ranged OR def.where_is IS NOT NULL THEN format('(%s)', cjm_internal.map_stopped_sql(def, by, ranged))
			ELSE format('(SELECT NULL::text AS part, v.* FROM %s.drop_off v)', cjm_internal.map_schema(def)) END)
		INTO rows USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
	RETURN cjm_internal.map_leaks_of(coalesce(rows, '[]'));
END
$$;

COMMENT ON FUNCTION cjm_internal.map_leaks_drawn(cjm_internal.map, text, timestamptz, timestamptz) IS 'what most of those who dropped at each stage of a map did last, by groups, as map_leaks_of has it';

CREATE FUNCTION cjm_internal.map_notes_drawn(def cjm_internal.map) RETURNS jsonb
	LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	notes jsonb;
BEGIN
	IF cjm_internal.map_may_read(def, 'stage_notes') THEN
		EXECUTE format('SELECT jsonb_agg(to_jsonb(n)) FROM (SELECT n.stage, n.persona, n.quote, n.pain, n.action, n.owner FROM %s.stage_notes n) n', cjm_internal.map_schema(def)) INTO notes;
	END IF;
	RETURN coalesce(notes, '[]');
END
$$;

COMMENT ON FUNCTION cjm_internal.map_notes_drawn(cjm_internal.map) IS 'the table stage_notes of a map, an array of objects; empty if there is none, or none that the caller may read';

CREATE FUNCTION cjm_internal.map_notes_of(notes jsonb, personas text[]) RETURNS jsonb
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (
	SELECT coalesce(jsonb_agg(jsonb_build_object('stage', s.stage, 'quote', s.quotes[1], 'persona', s.quoted[1], 'pain', s.pains[1], 'action', s.actions[1], 'owner', s.owners[1]) ORDER BY s.stage COLLATE "C"), '[]')
	FROM (SELECT n.stage, array_agg(n.quote ORDER BY n.place, n.persona COLLATE "C") FILTER (WHERE n.quote IS NOT NULL) AS quotes, array_agg(n.persona ORDER BY n.place, n.persona COLLATE "C") FILTER (WHERE n.quote IS NOT NULL) AS quoted,
			array_agg(n.pain ORDER BY n.place, n.persona COLLATE "C") FILTER (WHERE n.pain IS NOT NULL) AS pains, array_agg(n.action ORDER BY n.place, n.persona COLLATE "C") FILTER (WHERE coalesce(n.action, n.owner) IS NOT NULL) AS actions,
			array_agg(n.owner ORDER BY n.place, n.persona COLLATE "C") FILTER (WHERE coalesce(n.action, n.owner) IS NOT NULL) AS owners
		FROM (SELECT r.*, CASE WHEN r.persona = ANY (personas) THEN 1 WHEN r.persona IS NULL THEN 2 ELSE 3 END AS place
			FROM jsonb_to_recordset(notes) r(stage text, persona text, quote text, pain text, action text, owner text)) n
		WHERE n.place < 3 OR personas = '{}' GROUP BY n.stage) s);

COMMENT ON FUNCTION cjm_internal.map_notes_of(jsonb, text[]) IS 'what is shown of the notes of a map where these personas are drawn, a row of each stage; {} for everybody';

CREATE FUNCTION cjm_internal.map_personas(where_is jsonb) RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN ARRAY(SELECT v.value #>> '{}' FROM jsonb_each(where_is) e CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(e.value) WHEN 'array' THEN e.value ELSE jsonb_build_array(e.value) END) v(value) WHERE jsonb_typeof(v.value) = 'string');

COMMENT ON FUNCTION cjm_internal.map_personas(jsonb) IS 'the values that customers are asked for by';

CREATE FUNCTION cjm_internal.map_voice_drawn(def cjm_internal.map, by text, from_time timestamptz, to_time timestamptz) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	words jsonb;
BEGIN
	EXECUTE format('SELECT jsonb_agg(jsonb_build_object(''part'', w.label, ''step'', w.step, ''comment'', left(w.comment, 1000)) ORDER BY w.label, w.step) FROM (%s) w WHERE w.kind = ''latest'' AND w.step > 0', cjm_internal.map_words_sql(def, by, cjm_internal.map_ranged(from_time, to_time)))
		INTO words USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
	RETURN coalesce(words, '[]');
END
$$;

COMMENT ON FUNCTION cjm_internal.map_voice_drawn(cjm_internal.map, text, timestamptz, timestamptz) IS 'the latest comment at each stage of a map, by groups, as feedback_words has it';

CREATE FUNCTION cjm_internal.map_facts_drawn(def cjm_internal.map, rows text[], by text, from_time timestamptz, to_time timestamptz, known jsonb DEFAULT '{}') RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 20000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	facts jsonb := known;
	surveyed boolean := cjm_internal.map_surveyed(def, by);
BEGIN
	IF 'kpi' = ANY (rows) AND by IS NULL THEN
		facts := facts || jsonb_build_object('targets', cjm_internal.map_targets_drawn(def, NULL, NULL));
	END IF;
	IF 'channels' = ANY (rows) THEN
		facts := facts || jsonb_build_object('channels', cjm_internal.map_channels_drawn(def, by, from_time, to_time));
	END IF;
	IF NOT facts ? 'mood' AND ('mood' = ANY (rows) OR 'leaks' = ANY (rows) AND surveyed AND cjm_internal.map_may_read(def, 'feedback')) THEN
		facts := facts || cjm_internal.map_feedback_drawn(def, by, from_time, to_time);
	END IF;
	IF NOT facts ? 'leaks' AND 'leaks' = ANY (rows) THEN
		facts := facts || jsonb_build_object('leaks', cjm_internal.map_leaks_drawn(def, by, from_time, to_time));
	END IF;
	IF rows && '{voice,leaks,actions}'::text[] THEN
		facts := facts || jsonb_build_object('notes', cjm_internal.map_notes_drawn(def));
	END IF;
	IF 'voice' = ANY (rows) AND surveyed AND def.comment IS NOT NULL AND cjm_internal.map_may_read(def, 'journeys', 'comments') THEN
		facts := facts || jsonb_build_object('words', cjm_internal.map_voice_drawn(def, by, from_time, to_time));
	END IF;
	RETURN '{"targets": [], "channels": [], "mood": [], "happiness": [], "leaks": [], "notes": [], "words": []}'::jsonb || facts;
END
$$;

COMMENT ON FUNCTION cjm_internal.map_facts_drawn(cjm_internal.map, text[], text, timestamptz, timestamptz, jsonb) IS 'the facts that rows of a map are drawn of, an object';

CREATE FUNCTION cjm_internal.map_facts_of(def cjm_internal.map, facts jsonb, rows text[], by text, part text) RETURNS jsonb
	LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000
	SET search_path = pg_catalog, pg_temp
RETURN facts || (SELECT jsonb_object_agg(f.key, (SELECT coalesce(jsonb_agg(e.value ORDER BY e.place), '[]') FROM jsonb_array_elements(f.value) WITH ORDINALITY e(value, place) WHERE e.value ->> 'part' IS NOT DISTINCT FROM part))
		FROM jsonb_each(facts) f WHERE f.key = ANY ('{channels,mood,happiness,leaks,words}'::text[])) ||
	jsonb_build_object('notes', cjm_internal.map_notes_of(facts -> 'notes', ARRAY[coalesce(part, '')]),
		'targets', CASE WHEN 'kpi' = ANY (rows) THEN cjm_internal.map_targets_drawn(def, by, part) ELSE '[]' END);

COMMENT ON FUNCTION cjm_internal.map_facts_of(cjm_internal.map, jsonb, text[], text, text) IS 'the facts that a group of a map is drawn of; part: its value of by';

CREATE TYPE cjm_internal.map_place AS (
	margin float8,
	labels float8,
	left_end float8,
	column_width float8,
	width float8
);

COMMENT ON TYPE cjm_internal.map_place IS 'where things stand in a drawing of a map';

COMMENT ON COLUMN cjm_internal.map_place.margin IS 'left and right of all';

COMMENT ON COLUMN cjm_internal.map_place.labels IS 'the width of the names on the left';

COMMENT ON COLUMN cjm_internal.map_place.left_end IS 'where the first stage begins';

COMMENT ON COLUMN cjm_internal.map_place.column_width IS 'the width of a stage';

COMMENT ON COLUMN cjm_internal.map_place.width IS 'the width of the page';

CREATE TYPE cjm_internal.map_row AS (
	height float8,
	front text,
	cells text[],
	says text[]
);

COMMENT ON TYPE cjm_internal.map_row IS 'a row of a drawing of a map';

COMMENT ON COLUMN cjm_internal.map_row.height IS 'how high it is';

COMMENT ON COLUMN cjm_internal.map_row.front IS 'SVG of what stands at its left end or across all stages';

COMMENT ON COLUMN cjm_internal.map_row.cells IS 'SVG of each stage';

COMMENT ON COLUMN cjm_internal.map_row.says IS 'a sentence of each stage, NULL where there is nothing';

CREATE FUNCTION cjm_internal.map_place_x(at cjm_internal.map_place, step integer) RETURNS float8
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (at).left_end + (step - 1) * (at).column_width;

COMMENT ON FUNCTION cjm_internal.map_place_x(cjm_internal.map_place, integer) IS 'where a stage begins';

CREATE FUNCTION cjm_internal.svg_lines_at(x float8, y float8, class text, lines text[], step float8 DEFAULT 15) RETURNS text
	AS 'MODULE_PATHNAME', 'svg_lines_at'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;

COMMENT ON FUNCTION cjm_internal.svg_lines_at(float8, float8, text, text[], float8) IS 'lines of text, one beneath another';

CREATE FUNCTION cjm_internal.map_front_height(at cjm_internal.map_place, name text, note text) RETURNS float8
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN 18 + 15 * cardinality(cjm_internal.svg_lines(name, (at).labels / 13.5, 2)) + 14 * cardinality(cjm_internal.svg_lines(note, (at).labels / 11, 4));

COMMENT ON FUNCTION cjm_internal.map_front_height(cjm_internal.map_place, text, text) IS 'the height of the left end of a row';

CREATE FUNCTION cjm_internal.map_row_front(at cjm_internal.map_place, y float8, name text, note text DEFAULT '') RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 100
RETURN (SELECT cjm_internal.svg_lines_at((at).margin, y + 18, 'strong soft', n.lines) ||
		cjm_internal.svg_lines_at((at).margin, y + 18 + 15 * cardinality(n.lines), 'small soft', cjm_internal.svg_lines(note, (at).labels / 11, 4), 14)
	FROM (SELECT cjm_internal.svg_lines(name, (at).labels / 13.5, 2) AS lines) n);

COMMENT ON FUNCTION cjm_internal.map_row_front(cjm_internal.map_place, float8, text, text) IS 'the left end of a row';

CREATE FUNCTION cjm_internal.map_row_text(at cjm_internal.map_place, y float8, name text, note text, paragraphs jsonb[], says text[]) RETURNS cjm_internal.map_row
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 500
BEGIN ATOMIC
	WITH wrapped AS (
		SELECT p.n, o.k, o.one ->> 0 AS class, o.one ->> 1 AS content, (o.one ->> 2)::integer AS most, coalesce(o.one ->> 3, '') AS mark, r.room, cjm_internal.svg_lines(o.one ->> 1, r.room, (o.one ->> 2)::integer) AS lines
		FROM unnest(paragraphs) WITH ORDINALITY p(paragraphs, n) CROSS JOIN LATERAL jsonb_array_elements(p.paragraphs) WITH ORDINALITY o(one, k)
			CROSS JOIN LATERAL (SELECT ((at).column_width - CASE WHEN o.one ->> 3 IS NULL THEN 14 ELSE 28 END) / CASE WHEN o.one ->> 0 ~ '\mstrong\M' THEN 13.5 WHEN o.one ->> 0 ~ '\msmall\M' THEN 11 ELSE 12 END AS room) r
	), distinct_lines AS (
		SELECT w.n, w.k, w.class, w.mark, CASE WHEN w.same = 1 THEN w.lines ELSE cjm_internal.svg_lines(w.content, w.room, w.most, w.same::text || ' ') END AS lines
		FROM (SELECT v.*, dense_rank() OVER (PARTITION BY v.class, v.lines ORDER BY v.content COLLATE "C") AS same FROM wrapped v) w
	), placed AS (
		SELECT d.n, d.k, d.class, ARRAY[d.mark || d.lines[1]] || d.lines[2:] AS lines, y + 18 + 15 * (sum(cardinality(d.lines)) OVER (PARTITION BY d.n ORDER BY d.k) - cardinality(d.lines)) AS top, 18 + 15 * sum(cardinality(d.lines)) OVER (PARTITION BY d.n) AS height
		FROM distinct_lines d
	), cells AS (
		SELECT p.n, string_agg(cjm_internal.svg_lines_at(cjm_internal.map_place_x(at, p.n::integer) + 8, p.top, p.class, p.lines), '' ORDER BY p.k) AS cell, max(p.height) AS height FROM placed p GROUP BY p.n
	)
	SELECT (greatest(max(c.height), cjm_internal.map_front_height(at, name, note)), cjm_internal.map_row_front(at, y, name, note), array_agg(coalesce(c.cell, '') ORDER BY u.n), says)::cjm_internal.map_row
	FROM generate_series(1, cardinality(paragraphs)) u(n) LEFT JOIN cells c ON c.n = u.n HAVING count(c.n) > 0;
END;

COMMENT ON FUNCTION cjm_internal.map_row_text(cjm_internal.map_place, float8, text, text, jsonb[], text[]) IS 'a row of text; NULL where all cells are empty';

CREATE FUNCTION cjm_internal.map_row_customers(steps cjm_internal.funnel_drawn_step[], at cjm_internal.map_place, y float8, look jsonb) RETURNS cjm_internal.map_row
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 5000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	w CONSTANT jsonb := look -> 'w';
	height CONSTANT float8 := 110;
	bar CONSTANT float8 := 9;
	top CONSTANT float8 := y + 34;
	most float8;
	flows text := '';
	cells text[] := '{}';
	says text[] := '{}';
	cell text;
	front text;
	one cjm_internal.funnel_drawn_step;
	next cjm_internal.funnel_drawn_step;
	gone bigint;
	x float8;
	down float8;
	deep float8;
	part record;
	has record;
	line_y float8;
BEGIN
	SELECT greatest(max(s.customers), 1, (look ->> 'scale')::float8) INTO most FROM unnest(steps) s;
	SELECT bool_or(s.open_customers > 0) AS open, bool_or(s.refused > 0) AS refused, bool_or(s.dropped > 0) AS dropped INTO has FROM unnest(steps) s;
	FOREACH one IN ARRAY steps
	LOOP
		x := cjm_internal.map_place_x(at, one.step);
		SELECT s.* INTO next FROM unnest(steps) s WHERE s.step > one.step AND NOT s.optional ORDER BY s.step LIMIT 1;
		gone := CASE WHEN NOT one.optional AND next.step IS NOT NULL THEN greatest(one.customers - coalesce(one.dropped, 0) - coalesce(one.open_customers, 0) - coalesce(one.refused, 0), 0) END;
		cell := cjm_internal.svg_text(x + 8, y + 20, 'large strong', cjm_internal.svg_escape(cjm_internal.draw_count(one.customers, w))) ||
			cjm_internal.svg_rect(x, top, bar, greatest(one.customers / most * height, CASE WHEN one.customers > 0 THEN 1.5 ELSE 0 END), CASE WHEN one.optional THEN 'part' ELSE 'bar' END, 1);
		down := top;
		line_y := top + height + 20;
		FOR part IN SELECT * FROM (VALUES ('flow', gone, true, NULL::text, ''), ('wait', one.open_customers, coalesce(has.open, false), NULL, ' waits'), ('no', one.refused, coalesce(has.refused, false), NULL, ' soft'),
			('drop', one.dropped, coalesce(has.dropped, false), cjm_internal.draw_rate(one.drop_rate, w), ' lost')) p(class, customers, shown, rate, colour)
		LOOP
			CONTINUE WHEN NOT part.shown;
			IF part.customers > 0 AND NOT one.optional THEN
				deep := greatest(part.customers / most * height, 2);
				IF part.class = 'flow' THEN
					flows := flows || cjm_internal.svg_rect(x + bar, down, (next.step - one.step) * at.column_width - bar, deep, 'flow', 0);
				ELSE
					cell := cell || cjm_internal.svg_hatched(x + bar, down, least(at.column_width * 0.45, 90), deep, part.class);
				END IF;
				down := down + deep;
			END IF;
			IF part.customers > 0 OR part.class IN ('flow', 'drop') AND part.customers = 0 THEN
				cell := cell || cjm_internal.svg_text(x + 8, line_y, 'strong' || part.colour, cjm_internal.svg_escape(cjm_internal.draw_count(part.customers, w)) ||
					coalesce('<tspan class="small' || part.colour || '" dx="6">' || cjm_internal.svg_escape(part.rate) || '</tspan>', ''));
			END IF;
			line_y := line_y + 16;
		END LOOP;
		cells := cells || cell;
		-- The rest is in the sentence of the funnel.
		says := says || nullif(concat_ws(', ', (w ->> 'gone_on') || ': ' || cjm_internal.draw_count(gone, w), (w ->> 'dropped') || ': ' || CASE WHEN has.dropped THEN cjm_internal.draw_rate(one.drop_rate, w) END), '');
	END LOOP;
	front := cjm_internal.map_row_front(at, y, w ->> 'customers') ||
		cjm_internal.svg_lines_at(at.margin, top + 26, 'small soft', cjm_internal.svg_lines(cjm_internal.draw_plural(w, 'bar_is', ceil(most)::bigint), at.labels / 11, 3), 14);
	line_y := top + height + 20;
	FOR part IN SELECT * FROM (VALUES ('flow', 'gone_on', true, ''), ('wait', 'still_open', coalesce(has.open, false), ' waits'), ('no', 'refused', coalesce(has.refused, false), ' soft'), ('drop', 'dropped', coalesce(has.dropped, false), ' lost')) p(class, word, shown, colour)
	LOOP
		CONTINUE WHEN NOT part.shown;
		front := front || CASE part.class WHEN 'flow' THEN cjm_internal.svg_rect(at.margin, line_y - 10, 16, 11, 'flow', 0) ELSE cjm_internal.svg_hatched(at.margin, line_y - 10, 16, 11, part.class) END ||
			cjm_internal.svg_text(at.margin + 22, line_y, 'small' || part.colour, (cjm_internal.svg_lines(w ->> part.word, (at.labels - 22) / 11))[1]);
		line_y := line_y + 16;
	END LOOP;
	RETURN (line_y - y, flows || front, cells, says);
END
$$;

COMMENT ON FUNCTION cjm_internal.map_row_customers(cjm_internal.funnel_drawn_step[], cjm_internal.map_place, float8, jsonb) IS 'the row customers';

CREATE FUNCTION cjm_internal.map_target_said(targets jsonb, metric text, step integer, actual float8, w jsonb, OUT colour text, OUT line text, OUT mark text)
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT CASE WHEN m.met THEN ' good' ELSE ' bad' END, concat_ws(', ', t.said, w ->> CASE WHEN m.met THEN 'met' WHEN actual < g.value THEN 'below' ELSE 'above' END), CASE WHEN m.met THEN '&#10003; ' ELSE '&#9660; ' END
	FROM jsonb_to_recordset(targets) g(metric text, step integer, direction text, value float8)
		CROSS JOIN LATERAL (SELECT cjm_internal.draw_say(w, 'target', CASE WHEN g.metric = 'step_rate' THEN cjm_internal.draw_rate(g.value, w) ELSE cjm_internal.draw_time(g.value, w) END) AS said) t
		CROSS JOIN LATERAL (SELECT CASE g.direction WHEN 'at least' THEN actual >= g.value ELSE actual <= g.value END AS met) m
	WHERE g.metric = map_target_said.metric AND g.step = map_target_said.step
	LIMIT 1;
END;

COMMENT ON FUNCTION cjm_internal.map_target_said(jsonb, text, integer, float8, jsonb) IS 'how a figure of a stage stands to its target, no row if it has none';

CREATE FUNCTION cjm_internal.map_row_kpi(steps cjm_internal.funnel_drawn_step[], facts jsonb, at cjm_internal.map_place, y float8, look jsonb) RETURNS cjm_internal.map_row
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 5000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	w CONSTANT jsonb := look -> 'w';
	paragraphs jsonb[];
	says text[];
BEGIN
	SELECT array_agg(CASE WHEN s.step > 1 THEN jsonb_build_array(jsonb_build_array('large strong' || coalesce(r.colour, ''), coalesce(cjm_internal.draw_rate(s.step_rate, w), '-'), 1)) ||
			CASE WHEN r.line IS NULL THEN '[]' ELSE jsonb_build_array(jsonb_build_array('small' || r.colour, r.line, 3, r.mark)) END ||
			CASE WHEN s.median_seconds IS NULL THEN '[]' ELSE jsonb_build_array(jsonb_build_array('small', cjm_internal.draw_say(w, 'median', cjm_internal.draw_time(s.median_seconds, w)), 2)) END ||
			CASE WHEN m.line IS NULL THEN '[]' ELSE jsonb_build_array(jsonb_build_array('small' || m.colour, m.line, 3, m.mark)) END END ORDER BY s.step),
		array_agg(nullif(concat_ws('; ', cjm_internal.draw_rate(s.step_rate, w) || ': ' || r.line, cjm_internal.draw_time(s.median_seconds, w) || ': ' || m.line), '') ORDER BY s.step)
		INTO paragraphs, says
	FROM unnest(steps) s
		LEFT JOIN LATERAL cjm_internal.map_target_said(facts -> 'targets', 'step_rate', s.step, s.step_rate, w) r ON true
		LEFT JOIN LATERAL cjm_internal.map_target_said(facts -> 'targets', 'median_time', s.step, s.median_seconds, w) m ON true;
	RETURN cjm_internal.map_row_text(at, y, w ->> 'kpi', concat(w ->> 'rate_row', '; ', w ->> 'time_row'), paragraphs, says);
END
$$;

COMMENT ON FUNCTION cjm_internal.map_row_kpi(cjm_internal.funnel_drawn_step[], jsonb, cjm_internal.map_place, float8, jsonb) IS 'the row kpi';

CREATE FUNCTION cjm_internal.map_row_channels(steps cjm_internal.funnel_drawn_step[], facts jsonb, at cjm_internal.map_place, y float8, look jsonb) RETURNS cjm_internal.map_row
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 5000
	SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH shown AS (
		SELECT c.*, row_number() OVER (PARTITION BY c.step ORDER BY c.place) AS n, cjm_internal.map_place_x(at, c.step) + 8 AS x
		FROM ROWS FROM (jsonb_to_recordset(facts -> 'channels') AS (step integer, channel text, customers bigint, share float8)) WITH ORDINALITY c(step, channel, customers, share, place)
	), named AS (
		SELECT l.label AS channel, min(l.lines[1]) AS line
		FROM cjm_internal.svg_distinct_lines(ARRAY(SELECT DISTINCT s.channel FROM shown s WHERE s.n <= 3 ORDER BY 1), ((at).column_width - 16) / 11, 1) l GROUP BY l.label
	), cells AS (
		SELECT u.step, coalesce(string_agg(format(E'<g><title>%s</title>%s%s%s</g>\n',
				cjm_internal.svg_escape(format('%s: %s, %s', c.channel, cjm_internal.draw_rate(c.share, look -> 'w'), cjm_internal.draw_plural(look -> 'w', 'n_customers', c.customers))),
				cjm_internal.svg_text(c.x, y + 16 + (c.n - 1) * 29, 'small', d.line),
				cjm_internal.svg_text(c.x + (at).column_width - 16, y + 28 + (c.n - 1) * 29, 'small soft end', cjm_internal.svg_rate(c.share, look -> 'w')),
				cjm_internal.svg_rect(c.x, y + 21 + (c.n - 1) * 29, greatest(c.share * ((at).column_width - 16 - 52), 1.5), 6, 'channel', 1)), '' ORDER BY c.n) FILTER (WHERE c.n <= 3), '') ||
				coalesce(cjm_internal.svg_text(min(c.x), y + 16 + 87, 'small soft', cjm_internal.svg_escape(cjm_internal.draw_say(look -> 'w', 'n_more', nullif(greatest(count(c.n) - 3, 0), 0)::text))), '') AS cell,
			string_agg(format('%s %s', c.channel, cjm_internal.draw_rate(c.share, look -> 'w')), ', ' ORDER BY c.n) AS says, coalesce(max(c.n), 0) AS n
		FROM unnest(steps) u LEFT JOIN shown c ON c.step = u.step LEFT JOIN named d ON d.channel = c.channel GROUP BY u.step
	)
	SELECT (greatest(least(max(c.n), 3) * 29 + CASE WHEN max(c.n) > 3 THEN 18 ELSE 0 END + 6, cjm_internal.map_front_height(at, look -> 'w' ->> 'channels', look -> 'w' ->> 'channels_note')), cjm_internal.map_row_front(at, y, look -> 'w' ->> 'channels', look -> 'w' ->> 'channels_note'),
		array_agg(c.cell ORDER BY c.step), array_agg(CASE WHEN c.says IS NOT NULL THEN (look -> 'w' ->> 'channels') || ': ' || c.says END ORDER BY c.step))::cjm_internal.map_row
	FROM cells c HAVING max(c.n) > 0;
END;

COMMENT ON FUNCTION cjm_internal.map_row_channels(cjm_internal.funnel_drawn_step[], jsonb, cjm_internal.map_place, float8, jsonb) IS 'the row channels';

CREATE FUNCTION cjm_internal.map_row_mood(steps cjm_internal.funnel_drawn_step[], facts jsonb, at cjm_internal.map_place, y float8, look jsonb) RETURNS cjm_internal.map_row
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 5000
	SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH moods AS (
		SELECT u.step, m.n, m.low, m.high, cjm_internal.map_place_x(at, u.step) + (at).column_width / 2 AS x, y + 20 + (m.high - m.mean) / (m.high - m.low) * 56 AS y, (m.mean - m.low) / (m.high - m.low) AS level,
			cjm_internal.draw_say(look -> 'w', 'mood_is', replace(round(m.mean::numeric, 1)::text, '.', look -> 'w' ->> 'decimal'), m.high::text) AS mean, cjm_internal.draw_plural(look -> 'w', 'answers', m.n) AS answers
		FROM unnest(steps) u LEFT JOIN jsonb_to_recordset(facts -> 'mood') m(step integer, n bigint, mean float8, low integer, high integer) ON m.step = u.step AND m.n >= cjm_internal.map_few()
	)
	SELECT (118, cjm_internal.map_row_front(at, map_row_mood.y, look -> 'w' ->> 'mood', cjm_internal.draw_say(look -> 'w', 'mood_of', min(m.low)::text, max(m.high)::text)) ||
			cjm_internal.svg_path('M%s %sH%s', 'rule', (at).left_end, map_row_mood.y + 48, (at).width - (at).margin) ||
			coalesce(string_agg(cjm_internal.svg_path('M%s %sC%s %s %s %s %s %s', 'curve', m.x, m.y, (m.x + m.next_x) / 2, m.y, (m.x + m.next_x) / 2, m.next_y, m.next_x, m.next_y), '' ORDER BY m.step) FILTER (WHERE m.y IS NOT NULL AND m.next_y IS NOT NULL), ''),
		array_agg(coalesce(format(E'<circle cx="%s" cy="%s" r="11" class="mood"/>', cjm_internal.svg_number(m.x), cjm_internal.svg_number(m.y)) ||
			cjm_internal.svg_path('M%s %sv2M%s %sv2M%s %sq5 %s 10 0', 'hatch', m.x - 4, m.y - 4, m.x + 4, m.y - 4, m.x - 5, m.y + 5 - 3 * (2 * m.level - 1), 8 * (2 * m.level - 1)) ||
			cjm_internal.svg_text(m.x, map_row_mood.y + 100, 'mid strong', cjm_internal.svg_escape(m.mean)) || cjm_internal.svg_text(m.x, map_row_mood.y + 114, 'mid small soft', cjm_internal.svg_escape(m.answers)), '') ORDER BY m.step),
		array_agg((look -> 'w' ->> 'mood') || ': ' || m.mean || ', ' || m.answers ORDER BY m.step))::cjm_internal.map_row
	FROM (SELECT m.*, lead(m.x) OVER s AS next_x, lead(m.y) OVER s AS next_y FROM moods m WINDOW s AS (ORDER BY m.step)) m
	HAVING count(m.n) > 0;
END;

COMMENT ON FUNCTION cjm_internal.map_row_mood(cjm_internal.funnel_drawn_step[], jsonb, cjm_internal.map_place, float8, jsonb) IS 'the row mood';

CREATE FUNCTION cjm_internal.map_row_voice(steps cjm_internal.funnel_drawn_step[], facts jsonb, at cjm_internal.map_place, y float8, look jsonb) RETURNS cjm_internal.map_row
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 5000
	SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT cjm_internal.map_row_text(at, y, look -> 'w' ->> 'voice', '', array_agg(CASE WHEN v.said IS NOT NULL THEN jsonb_build_array(jsonb_build_array('said', v.said, 4)) ||
			CASE WHEN v.persona IS NULL THEN '[]' ELSE jsonb_build_array(jsonb_build_array('small soft', v.persona, 2)) END END ORDER BY v.step),
		array_agg((look -> 'w' ->> 'voice') || ': ' || v.said || coalesce(', ' || v.persona, '') ORDER BY v.step))
	FROM (SELECT u.step, cjm_internal.draw_say(look -> 'w', 'quote', coalesce(n.quote, c.comment)) AS said, CASE WHEN n.quote IS NOT NULL THEN n.persona END AS persona
		FROM unnest(steps) u LEFT JOIN jsonb_to_recordset(facts -> 'notes') n(stage text, persona text, quote text) ON n.stage = u.stage
			LEFT JOIN jsonb_to_recordset(facts -> 'words') c(step integer, comment text) ON c.step = u.step) v;
END;

COMMENT ON FUNCTION cjm_internal.map_row_voice(cjm_internal.funnel_drawn_step[], jsonb, cjm_internal.map_place, float8, jsonb) IS 'the row voice';

CREATE FUNCTION cjm_internal.map_row_leaks(steps cjm_internal.funnel_drawn_step[], facts jsonb, at cjm_internal.map_place, y float8, look jsonb) RETURNS cjm_internal.map_row
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 5000
	SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH leaks AS (
		SELECT u.step, CASE WHEN u.dropped > 0 AND u.dropped = max(u.dropped) OVER () THEN look -> 'w' ->> 'largest' END AS largest,
			cjm_internal.draw_say(look -> 'w', 'last_event', l.event) AS last,
			cjm_internal.draw_say(look -> 'w', 'part_of', cjm_internal.draw_count(l.customers, look -> 'w'), cjm_internal.draw_count(l."of", look -> 'w')) AS part,
			CASE WHEN h.unhappy >= cjm_internal.map_few() AND h.happy >= cjm_internal.map_few() THEN cjm_internal.draw_say(look -> 'w', 'unhappy', cjm_internal.draw_rate(h.unhappy_rate, look -> 'w')) || ', ' ||
				cjm_internal.draw_say(look -> 'w', 'happy', cjm_internal.draw_rate(h.happy_rate, look -> 'w')) END AS moods, n.pain
		FROM unnest(steps) u LEFT JOIN jsonb_to_recordset(facts -> 'leaks') l(step integer, event text, customers bigint, "of" bigint) ON l.step = u.step
			LEFT JOIN jsonb_to_recordset(facts -> 'happiness') h(step integer, unhappy bigint, unhappy_rate float8, happy bigint, happy_rate float8) ON h.step = u.step
			LEFT JOIN jsonb_to_recordset(facts -> 'notes') n(stage text, pain text) ON n.stage = u.stage
	)
	SELECT cjm_internal.map_row_text(at, y, look -> 'w' ->> 'leaks', '', array_agg(nullif(
			CASE WHEN l.largest IS NULL THEN '[]' ELSE jsonb_build_array(jsonb_build_array('small strong lost', l.largest, 3, '&#9660; ')) END ||
			CASE WHEN l.last IS NULL THEN '[]' ELSE jsonb_build_array(jsonb_build_array('small', l.last, 3), jsonb_build_array('small lost', l.part, 1)) END ||
			CASE WHEN l.moods IS NULL THEN '[]' ELSE jsonb_build_array(jsonb_build_array('small', l.moods, 4)) END ||
			CASE WHEN l.pain IS NULL THEN '[]' ELSE jsonb_build_array(jsonb_build_array('', l.pain, 4)) END, '[]') ORDER BY l.step),
		array_agg(nullif(concat_ws('; ', l.largest, l.last || ' (' || l.part || ')', l.moods, l.pain), '') ORDER BY l.step))
	FROM leaks l;
END;

COMMENT ON FUNCTION cjm_internal.map_row_leaks(cjm_internal.funnel_drawn_step[], jsonb, cjm_internal.map_place, float8, jsonb) IS 'the row leaks';

CREATE FUNCTION cjm_internal.map_row_actions(steps cjm_internal.funnel_drawn_step[], facts jsonb, at cjm_internal.map_place, y float8, look jsonb) RETURNS cjm_internal.map_row
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 5000
	SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT cjm_internal.map_row_text(at, y, look -> 'w' ->> 'actions', '', array_agg(nullif(
			CASE WHEN n.owner IS NULL THEN '[]' ELSE jsonb_build_array(jsonb_build_array('strong', n.owner, 2)) END ||
			CASE WHEN n.action IS NULL THEN '[]' ELSE jsonb_build_array(jsonb_build_array('', n.action, 4)) END, '[]') ORDER BY u.step),
		array_agg(nullif(concat_ws(': ', n.owner, n.action), '') ORDER BY u.step))
	FROM unnest(steps) u LEFT JOIN jsonb_to_recordset(facts -> 'notes') n(stage text, action text, owner text) ON n.stage = u.stage;
END;

COMMENT ON FUNCTION cjm_internal.map_row_actions(cjm_internal.funnel_drawn_step[], jsonb, cjm_internal.map_place, float8, jsonb) IS 'the row actions';

CREATE FUNCTION cjm_internal.touch_said(touch cjm_internal.map_drawn_touch, w jsonb, brief boolean) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 500
RETURN CASE WHEN brief THEN concat_ws(', ', cjm_internal.draw_plural(w, 'n_customers', (touch).customers), CASE WHEN (touch).sure THEN cjm_internal.draw_say(w, 'difference', cjm_internal.draw_points((touch).difference, w)) END)
	ELSE concat_ws(', ', cjm_internal.draw_plural(w, 'n_customers', (touch).customers), cjm_internal.draw_say(w, 'went_on_with', cjm_internal.draw_rate((touch).with_rate, w)),
	cjm_internal.draw_say(w, 'went_on_without', cjm_internal.draw_rate((touch).without_rate, w)), cjm_internal.draw_say(w, 'difference', cjm_internal.draw_points((touch).difference, w)) ||
		coalesce(cjm_internal.draw_say(w, 'difference_interval', cjm_internal.draw_points((touch).difference_low, w), cjm_internal.draw_points((touch).difference_high, w)), '')) END;

COMMENT ON FUNCTION cjm_internal.touch_said(cjm_internal.map_drawn_touch, jsonb, boolean) IS 'what is known of a touchpoint at a stage, in words; brief: what its dot shows';

CREATE FUNCTION cjm_internal.touches_chosen(touches cjm_internal.map_drawn_touch[], most integer) RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 500
RETURN (SELECT coalesce(array_agg(e.event ORDER BY e.n), '{}')
	FROM (SELECT t.event, row_number() OVER (ORDER BY max(abs(t.difference)) FILTER (WHERE t.sure) DESC NULLS LAST, sum(t.customers) DESC, t.event COLLATE "C") AS n FROM unnest(touches) t GROUP BY t.event) e
	WHERE e.n <= most);

COMMENT ON FUNCTION cjm_internal.touches_chosen(cjm_internal.map_drawn_touch[], integer) IS 'the touchpoints that are drawn, in the order in which they stand';

CREATE FUNCTION cjm_internal.map_row_touches(steps cjm_internal.funnel_drawn_step[], touches cjm_internal.map_drawn_touch[], most integer, at cjm_internal.map_place, y float8, look jsonb) RETURNS cjm_internal.map_row
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 10000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	w CONSTANT jsonb := look -> 'w';
	row_height CONSTANT float8 := 28;
	radius CONSTANT float8 := 11;				-- of the largest dot
	roomy boolean;							-- whether a difference has room beside a number
	events text[] := cjm_internal.touches_chosen(touches, most);
	others integer;
	most_met float8;
	front text := cjm_internal.map_row_front(at, y, w ->> 'touchpoints', w ->> 'touchpoints_note');
	cells text[] := array_fill(''::text, ARRAY[cardinality(steps) + 1]);	-- of each stage, and before the first
	says text[] := array_fill(NULL::text, ARRAY[cardinality(steps) + 1]);
	place integer;
	x float8;
	bottom float8 := y + greatest(cjm_internal.map_front_height(at, w ->> 'touchpoints', w ->> 'touchpoints_note'), 40);
	class text;
	word text;
	one record;
	line text;
BEGIN
	IF touches = '{}' THEN
		RETURN NULL;
	END IF;
	SELECT count(DISTINCT t.event) - cardinality(events), greatest(max(t.customers), 1, (look ->> 'dots')::float8) INTO others, most_met FROM unnest(touches) t;
	roomy := at.column_width >= 80 + cjm_internal.svg_width(cjm_internal.draw_count(ceil(most_met)::bigint, w)) * 11;
	FOR one IN SELECT l.label, l.lines, l.place FROM cjm_internal.svg_distinct_lines(events, at.labels / 12, 2) l ORDER BY l.place
	LOOP
		front := front || cjm_internal.svg_path('M%s %sH%s', 'rule', at.margin, bottom + (one.place - 1) * row_height, at.width - at.margin) || format(E'<g><title>%s</title>%s</g>\n', cjm_internal.svg_escape(one.label),
			cjm_internal.svg_lines_at(at.margin, bottom + (one.place - 0.5) * row_height + 4 - (cardinality(one.lines) - 1) * 6.5, '', one.lines, 13));
	END LOOP;
	FOR one IN
		SELECT t.*, e.n, coalesce(cjm_internal.difference_class(t.difference, t.sure), 'plain') AS class, cjm_internal.touch_said(t, w, look ? 'dots') AS said
		FROM unnest(events) WITH ORDINALITY e(event, n) JOIN unnest(touches) t ON t.event = e.event ORDER BY t.step, e.n
	LOOP
		place := CASE one.step WHEN 0 THEN cardinality(steps) + 1 ELSE one.step END;
		x := cjm_internal.map_place_x(at, one.step) + 8;
		says[place] := coalesce(says[place] || '; ', (w ->> 'touchpoints') || ': ') || one.event || ': ' || one.said;
		cells[place] := cells[place] || format(E'<g>%s<circle cx="%s" cy="%s" r="%s" class="%s"/>%s</g>\n',
			CASE WHEN look ? 'dots' THEN '' ELSE '<title>' || cjm_internal.svg_escape(concat(one.event, ', ', coalesce(steps[one.step].stage, w ->> 'before'), ': ', one.said)) || '</title>' END,
			cjm_internal.svg_number(x + radius), cjm_internal.svg_number(bottom + (one.n - 0.5) * row_height), cjm_internal.svg_number(greatest(sqrt(one.customers / most_met) * radius, 2.5)), one.class,
			cjm_internal.svg_text(x + 2 * radius + 6, bottom + (one.n - 0.5) * row_height + 4, 'small',
				cjm_internal.svg_escape(cjm_internal.draw_count(one.customers, w)) ||
				CASE WHEN one.class IN ('plain', 'even') THEN '' WHEN roomy THEN format('<tspan class="soft" dx="6">%s</tspan>', replace(cjm_internal.draw_points(one.difference, w), '-', '&#8722;'))
					WHEN one.difference > 0 THEN ' +' ELSE ' &#8722;' END));
	END LOOP;
	bottom := bottom + cardinality(events) * row_height;
	IF others > 0 THEN
		front := front || cjm_internal.svg_text(at.margin, bottom + 14, 'small soft', cjm_internal.svg_escape(cjm_internal.draw_say(w, 'n_more', others::text)));
		bottom := bottom + 18;
	END IF;
	IF events <> '{}' THEN
		front := front || cjm_internal.svg_path('M%s %sH%s', 'rule', at.margin, bottom, at.width - at.margin) ||
			cjm_internal.svg_lines_at(at.margin, bottom + 16, 'small soft', cjm_internal.svg_lines(w ->> 'dots_are', (at.width - 2 * at.margin) / 11, 6), 14);
		bottom := bottom + 22 + 14 * cardinality(cjm_internal.svg_lines(w ->> 'dots_are', (at.width - 2 * at.margin) / 11, 6));
		x := at.margin;
		FOR class, word, line IN SELECT * FROM (SELECT 'plain', cjm_internal.svg_number(r.r), cjm_internal.draw_plural(w, 'n_customers', greatest(round(most_met * r.share), 1)::bigint) FROM (VALUES (radius, 1.0), (radius / 2, 0.25)) r(r, share)
			WHERE r.share = 1 OR most_met >= 4 ORDER BY r.share) s(class, word, line)
			UNION ALL SELECT k.class, '6', w ->> k.class FROM (VALUES ('worse2'), ('worse1'), ('even'), ('better1'), ('better2'), ('plain')) k(class)
		LOOP
			IF x > at.margin AND x + 24 + cjm_internal.svg_width(line) * 11 > at.width - at.margin THEN
				x := at.margin;
				bottom := bottom + 22;
			END IF;
			front := front || format('<circle cx="%s" cy="%s" r="%s" class="%s"/>', cjm_internal.svg_number(x + radius), cjm_internal.svg_number(bottom + 4), word, class) || cjm_internal.svg_text(x + 2 * radius + 6, bottom + 8, 'small soft', (cjm_internal.svg_lines(line, (at.width - 2 * at.margin - 30) / 11))[1]);
			x := x + 2 * radius + 24 + cjm_internal.svg_width(line) * 11;
		END LOOP;
		bottom := bottom + 20;
	END IF;
	RETURN (bottom - y, front, cells, says);
END
$$;

COMMENT ON FUNCTION cjm_internal.map_row_touches(cjm_internal.funnel_drawn_step[], cjm_internal.map_drawn_touch[], integer, cjm_internal.map_place, float8, jsonb) IS 'the row touchpoints; its last cell is of those before the first stage';

CREATE FUNCTION cjm_internal.map_placed(steps cjm_internal.funnel_drawn_step[], has_before boolean, several boolean, look jsonb) RETURNS cjm_internal.map_place
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	w CONSTANT jsonb := look -> 'w';
	columns CONSTANT integer := cardinality(steps) + has_before::integer;
	small CONSTANT boolean := several AND columns <= 8;
	page CONSTANT float8 := coalesce((look ->> 'width')::float8, CASE WHEN several THEN 0 ELSE 1120 END);
	at cjm_internal.map_place;
BEGIN
	at.margin := 28;
	at.labels := CASE WHEN small THEN 112 ELSE 150 END;
	at.left_end := at.margin + at.labels + 16;
	SELECT greatest((page - at.left_end - at.margin) / columns, CASE WHEN small THEN 96 ELSE 128 END,
			least(max(cjm_internal.svg_width(p.word)) * 13.5 + 31, CASE WHEN small THEN 160 ELSE 220 END),
			max(cjm_internal.svg_width(cjm_internal.draw_count(s.customers, w))) * 17 + 16, max(cjm_internal.svg_width(cjm_internal.draw_count(s.customers, w))) * 11 + CASE WHEN small THEN 52 ELSE 80 END, max(cjm_internal.svg_width(cjm_internal.draw_count(s.dropped, w)) * 13.5 + cjm_internal.svg_width(cjm_internal.draw_rate(s.drop_rate, w)) * 11 + 22)) INTO at.column_width
	FROM unnest(steps) s CROSS JOIN LATERAL regexp_split_to_table(s.stage, '[ -]') p(word);
	at.width := at.left_end + columns * at.column_width + at.margin;
	IF has_before THEN
		at.left_end := at.left_end + at.column_width;
	END IF;
	RETURN at;
END
$$;

COMMENT ON FUNCTION cjm_internal.map_placed(cjm_internal.funnel_drawn_step[], boolean, boolean, jsonb) IS 'where things stand in the drawing of a map';

CREATE FUNCTION cjm_internal.map_row_stages(steps cjm_internal.funnel_drawn_step[], has_before boolean, at cjm_internal.map_place, y float8, look jsonb) RETURNS cjm_internal.map_row
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 5000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	w CONSTANT jsonb := look -> 'w';
	sentences CONSTANT text[] := cjm_internal.funnel_sentences(steps, w);
	names jsonb[];
	deep float8;
	x float8;
	one cjm_internal.funnel_drawn_step;
	cells text[];
	says text[];
BEGIN
	SELECT array_agg(l.lines ORDER BY l.place), max(jsonb_array_length(l.lines)) * 16 + 20 INTO names, deep
	FROM (SELECT d.place, to_jsonb(d.lines) AS lines FROM cjm_internal.svg_distinct_lines(ARRAY(SELECT s.stage FROM unnest(steps) s ORDER BY s.step), (at.column_width - 30) / 13.5, 4) d) l;
	deep := deep + CASE WHEN EXISTS (SELECT FROM unnest(steps) s WHERE s.optional) THEN 14 ELSE 0 END;
	FOREACH one IN ARRAY steps
	LOOP
		x := cjm_internal.map_place_x(at, one.step);
		says[one.step] := left(sentences[one.step], -1);
		cells[one.step] := cjm_internal.svg_path('M%s %sH%sL%s %sL%s %sH%sL%s %sZ', 'chevron', x, y, x + at.column_width - 12, x + at.column_width, y + deep / 2, x + at.column_width - 12, y + deep, x, x + 12, y + deep / 2) ||
			cjm_internal.svg_lines_at(x + 16, y + deep / 2 + 5 - (jsonb_array_length(names[one.step]) - 1) * 8 - CASE WHEN one.optional THEN 7 ELSE 0 END, 'strong', ARRAY(SELECT jsonb_array_elements_text(names[one.step])), 16) ||
			CASE WHEN one.optional THEN cjm_internal.svg_text(x + 16, y + deep / 2 + 6 + jsonb_array_length(names[one.step]) * 8, 'small soft', (cjm_internal.svg_lines(w ->> 'optional', (at.column_width - 30) / 11))[1]) ELSE '' END;
	END LOOP;
	IF has_before THEN
		cells := cells || cjm_internal.svg_text(at.left_end - at.column_width + 8, y + deep / 2 + 5, 'strong soft', (cjm_internal.svg_lines(w ->> 'before', (at.column_width - 16) / 13.5))[1]);
	END IF;
	RETURN (deep + 8, cjm_internal.svg_text(at.margin, y + deep / 2 + 5, 'strong soft', cjm_internal.svg_escape(w ->> 'stage')), cells, says);
END
$$;

COMMENT ON FUNCTION cjm_internal.map_row_stages(cjm_internal.funnel_drawn_step[], boolean, cjm_internal.map_place, float8, jsonb) IS 'the row of stages; its last cell is what stands above those before the first stage, if there are any';

CREATE FUNCTION cjm_internal.map_svg_drawn(steps cjm_internal.funnel_drawn_step[], touches cjm_internal.map_drawn_touch[], facts jsonb, rows text[], most integer, title text, subtitle text, small boolean, look jsonb) RETURNS cjm_internal.svg_drawing
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 20000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	w CONSTANT jsonb := look -> 'w';
	stages CONSTANT integer := cardinality(steps);
	has_before CONSTANT boolean := 'touchpoints' = ANY (rows) AND EXISTS (SELECT FROM unnest(touches) t WHERE t.step = 0 AND t.event = ANY (cjm_internal.touches_chosen(touches, most)));
	at CONSTANT cjm_internal.map_place := cjm_internal.map_placed(steps, has_before, small, look);
	top CONSTANT float8 := CASE subtitle WHEN '' THEN 84 ELSE 102 END;
	row cjm_internal.map_row := cjm_internal.map_row_stages(steps, has_before, at, top, look);
	first CONSTANT float8 := top + row.height;		-- where the rows begin
	y float8 := first;
	kind text;
	grid text := '';
	front text := row.front;
	cells text[] := row.cells[:stages];
	says text[] := row.says;
	before text := coalesce(row.cells[stages + 1], '');
	before_says text;
	open bigint := (SELECT sum(s.open_customers) FROM unnest(steps) s WHERE NOT s.optional);
BEGIN
	FOREACH kind IN ARRAY rows
	LOOP
		row := CASE kind WHEN 'customers' THEN cjm_internal.map_row_customers(steps, at, y, look)
			WHEN 'kpi' THEN cjm_internal.map_row_kpi(steps, facts, at, y, look)
			WHEN 'channels' THEN cjm_internal.map_row_channels(steps, facts, at, y, look)
			WHEN 'touchpoints' THEN cjm_internal.map_row_touches(steps, touches, most, at, y, look)
			WHEN 'mood' THEN cjm_internal.map_row_mood(steps, facts, at, y, look)
			WHEN 'voice' THEN cjm_internal.map_row_voice(steps, facts, at, y, look)
			WHEN 'leaks' THEN cjm_internal.map_row_leaks(steps, facts, at, y, look)
			ELSE cjm_internal.map_row_actions(steps, facts, at, y, look) END;
		CONTINUE WHEN row.height IS NULL;
		IF y > first THEN
			grid := grid || cjm_internal.svg_path('M%s %sH%s', 'rule', at.margin, y, at.width - at.margin);
		END IF;
		front := front || row.front;
		FOR place IN 1 .. stages
		LOOP
			cells[place] := cells[place] || row.cells[place];
			says[place] := concat_ws('. ', says[place], row.says[place]);
		END LOOP;
		IF kind = 'touchpoints' THEN
			before := before || row.cells[stages + 1];
			before_says := row.says[stages + 1];
		END IF;
		y := y + row.height + 6;
	END LOOP;

	RETURN ('map'::text, at.width, y + at.margin - 6, title, concat_ws(' ', (w ->> 'before') || '. ' || before_says || '.', (SELECT string_agg(s || '.', ' ' ORDER BY n) FROM unnest(says) WITH ORDINALITY u(s, n))),
		cjm_internal.svg_heading(at.margin, at.width, title, nullif(subtitle, ''), concat_ws(', ', cjm_internal.funnel_summary(steps, w), cjm_internal.draw_say(w, 'n_may_go_on', cjm_internal.draw_count(nullif(open, 0), w)))) || grid || front || before ||
		(SELECT string_agg(format(E'<g role="img" tabindex="0"><title>%s.</title>\n%s</g>\n', cjm_internal.svg_escape(s), c), '' ORDER BY n) FROM unnest(says, cells) WITH ORDINALITY u(s, c, n)));
END
$$;

COMMENT ON FUNCTION cjm_internal.map_svg_drawn(cjm_internal.funnel_drawn_step[], cjm_internal.map_drawn_touch[], jsonb, text[], integer, text, text, boolean, jsonb) IS 'the drawing of map_svg';

CREATE FUNCTION cjm_internal.map_drawing(def cjm_internal.map, steps cjm_internal.funnel_drawn_step[], rows text[], facts jsonb, most integer, heading text, subtitle text, look jsonb, from_time timestamptz, to_time timestamptz)
	RETURNS cjm_internal.svg_drawing
	LANGUAGE sql STABLE PARALLEL RESTRICTED COST 20000
	SET search_path = pg_catalog, pg_temp
RETURN cjm_internal.map_svg_drawn(steps, CASE WHEN 'touchpoints' = ANY (rows) THEN cjm_internal.map_touches_drawn(def, from_time, to_time) ELSE '{}' END,
	facts || jsonb_build_object('notes', cjm_internal.map_notes_of(facts -> 'notes', cjm_internal.map_personas(coalesce((def).where_is, '{}')))), rows, most, heading, subtitle, false, look);

COMMENT ON FUNCTION cjm_internal.map_drawing(cjm_internal.map, cjm_internal.funnel_drawn_step[], text[], jsonb, integer, text, text, jsonb, timestamptz, timestamptz) IS 'the drawing of a map, whose touchpoints are read';

CREATE FUNCTION cjm_internal.map_group_drawings(def cjm_internal.map, by text, funnels cjm_internal.funnel_drawn_group[], rows text[], facts jsonb, most integer, look jsonb, from_time timestamptz, to_time timestamptz)
	RETURNS TABLE (label text, drawing cjm_internal.svg_drawing)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 40000 ROWS 8
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT d.label, cjm_internal.map_svg_drawn(d.steps, d.touches, cjm_internal.map_facts_of($4, $9, $8, $5, d.label), $8, $3, cjm_internal.draw_group_title($7 -> ''w'', d.label, ($4).groups, ((cjm_internal.map_placed(d.steps, false, true, $7)).width - 56) / 22), '''', true,
				$7 || jsonb_build_object(''scale'', d.most::numeric, ''dots'', d.dots))
		FROM (SELECT g.n, g.label, g.steps, coalesce(m.touches, ''{}'') AS touches, greatest(max((SELECT max(s.customers) FROM unnest(g.steps) s)) OVER (), $6) AS most, max((SELECT max(t.customers) FROM unnest(m.touches) t)) OVER () AS dots
			FROM unnest($10) WITH ORDINALITY g(label, steps, n)
				LEFT JOIN (SELECT t.part, array_agg((t.step, t.touchpoint, t.customers, t.with_rate, t.without_rate, t.difference, t.difference_low, t.difference_high, t.sure)::cjm_internal.map_drawn_touch
					ORDER BY t.step, t.touchpoint COLLATE "C") AS touches FROM (%s) t WHERE NOT (%s) GROUP BY t.part) m ON m.part IS NOT DISTINCT FROM g.label) d ORDER BY d.n',
		CASE WHEN 'touchpoints' = ANY (rows) THEN cjm_internal.map_touchpoints_sql(def, 'part', by, cjm_internal.map_ranged(from_time, to_time), true)
			ELSE 'SELECT NULL::text AS part, v.*, v.event AS touchpoint FROM unnest(''{}''::cjm_internal.map_drawn_touch[]) v' END, cjm_internal.map_own_event_sql(def.stages))
		USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity'), most, def, by, (look ->> 'scale')::float8, look, rows, facts, funnels;
END
$$;

COMMENT ON FUNCTION cjm_internal.map_group_drawings(cjm_internal.map, text, cjm_internal.funnel_drawn_group[], text[], jsonb, integer, jsonb, timestamptz, timestamptz) IS 'small drawings of the groups of a map, whose touchpoints are read';

CREATE FUNCTION cjm.map_svg(
	map text,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL,
	touchpoints integer DEFAULT 15,
	by text DEFAULT NULL,
	rows text[] DEFAULT NULL,
	title text DEFAULT NULL,
	subtitle text DEFAULT NULL,
	language text DEFAULT 'en',
	words jsonb DEFAULT NULL,
	scale_to float8 DEFAULT NULL,
	width integer DEFAULT NULL,
	colours jsonb DEFAULT NULL)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 40000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	look jsonb := cjm_internal.draw_look(title, subtitle, language, words, scale_to, width, colours);
	w jsonb := look -> 'w';
	heading text := coalesce(nullif(title, ''), cjm_internal.draw_say(w, 'map_of', cjm_internal.map_title(def)));
	summary text := coalesce(nullif(subtitle, ''), cjm_internal.draw_asked(w, def, from_time, to_time), '');
	shown text[] := cjm_internal.map_drawn_rows(def, rows, by);
	drawing cjm_internal.svg_drawing;
	labels text[];
	drawings cjm_internal.svg_drawing[];
BEGIN
	touchpoints := coalesce(touchpoints, 15);
	IF touchpoints NOT BETWEEN 0 AND 100 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('a map of %s touchpoints cannot be drawn', touchpoints), HINT = 'Choose 0 to 100.';
	END IF;
	IF by IS NULL THEN
		drawing := cjm_internal.map_drawing(def, cjm_internal.funnel_drawn_steps(def, from_time, to_time), shown, cjm_internal.map_facts_drawn(def, shown, NULL, from_time, to_time), touchpoints, heading, summary, look, from_time, to_time);
		RETURN cjm_internal.svg_page(drawing, look, cjm_internal.svg_landscape(drawing.width, drawing.height));
	END IF;
	def := cjm_internal.map_began_groups(def, by, from_time, to_time);
	SELECT coalesce(array_agg(d.label ORDER BY d.n), '{}'), coalesce(array_agg(d.drawing ORDER BY d.n), '{}') INTO labels, drawings
	FROM cjm_internal.map_group_drawings(def, by, ARRAY(SELECT (g.label, g.steps)::cjm_internal.funnel_drawn_group FROM cjm_internal.funnel_drawn_groups(def, by, from_time, to_time) WITH ORDINALITY g(label, steps, n) ORDER BY g.n), shown, cjm_internal.map_facts_drawn(def, shown, by, from_time, to_time), touchpoints, look, from_time, to_time) WITH ORDINALITY d(label, drawing, n);
	RETURN cjm_internal.svg_pages('maps', CASE WHEN look ->> 'title' IS NULL THEN cjm_internal.draw_say(w, 'title_by', heading, by) ELSE heading END,
		cjm_internal.draw_groups(w, by, labels, def.groups), look || jsonb_build_object('subtitle', nullif(summary, '')), drawings);
END
$$;

COMMENT ON FUNCTION cjm.map_svg(text, timestamptz, timestamptz, jsonb, integer, text, text[], text, text, text, jsonb, float8, integer, jsonb) IS
'a journey map as one SVG that needs nothing else, from its views or, where a range or customers are asked for, as its reports have them: psql -At -c "SELECT cjm.map_svg(''shop'')" > map.svg
where_is: which customers, as in touchpoint_report; touchpoints: how many of them at most, those that differ for sure first, and then those that most customers met
by: NULL, or a dimension of the map (segment), first_channel, entry_channel or session_channel, for small maps side by side, on one scale: of the six groups in which most customers began, of those of whom it is not known, and of all others together
rows: which, and in which order: customers, kpi, channels, touchpoints, mood, voice, leaks, actions; NULL for all that the map has and the caller may read; by entry_channel and session_channel, which answers do not know, without mood
title, subtitle: what stands above; NULL for the map, and for the range and the customers that are asked for
language: en, ru or lv, or another one whose words are given; words: an object, of any of the keys of cjm_internal.draw_words(''en'')
scale_to: how many customers the full height stands for, if that is more than there are, so that drawings compare; width: of the page, at least; of each map where there are several
colours: such as {"open": "#6541a5"}, of customers, gone_on, open, refused, dropped, channels, mood, better and worse; or {"open": {"light": "#6541a5", "dark": "#c3aef2"}}';

CREATE FUNCTION cjm_internal.kept_check_idle(source regclass) RETURNS void
	AS 'MODULE_PATHNAME', 'kept_check_idle'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;

COMMENT ON FUNCTION cjm_internal.kept_check_idle(regclass) IS
	'an error if a statement of this session is in the middle of reading or writing a table, or of a trigger: its rows may be there before their changes';

CREATE FUNCTION cjm_internal.kept_refresh_as(map text, owner oid) RETURNS text
	AS 'MODULE_PATHNAME', 'kept_refresh_as'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;

COMMENT ON FUNCTION cjm_internal.kept_refresh_as(text, oid) IS 'calls kept_refresh as a role whose rights one has';

CREATE OR REPLACE FUNCTION cjm_internal.kept_comments() RETURNS TABLE (relation_name text, column_name text, comment text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 40
BEGIN ATOMIC
	SELECT v.relation_name, v.column_name, v.comment
	FROM (VALUES
		('kept_journeys', NULL, 'kept journeys: those of this map without the changes that wait'),
		('kept_journeys', 'customer', 'the key of the customer'),
		('kept_journeys', 'segment', 'the segment, which is the dimension of that name'),
		('kept_journeys', 'journey', 'all touchpoints of the customer'),
		('kept_journeys', 'dimensions', 'the dimensions of the customer'),
		('kept_deciders', NULL, 'what decides the dimensions of kept journeys, where their touchpoints differ in them'),
		('kept_deciders', 'customer', 'the key of the customer'),
		('kept_deciders', 'deciders', 'numbers and values of dimensions, as events of a journey, but for dimensions of which all touchpoints have the same value, and for channels'),
		('kept_changes', NULL, 'what came to the source since the last refresh, and what went'),
		('kept_changes', 'customer', 'whose event it is'),
		('kept_changes', 'at', 'when it happened'),
		('kept_changes', 'event', 'what happened'),
		('kept_changes', 'channel', 'where it came from, or NULL'),
		('kept_changes', 'value', 'what it was worth, or NULL'),
		('kept_changes', 'segment', 'the segment of the customer that the row tells, or NULL'),
		('kept_changes', 'dimensions', 'the other dimensions of the customer that the row tells, or NULL'),
		('kept_changes', 'session', 'the session of the event, or NULL'),
		('kept_changes', 'removed', 'whether it went'),
		('kept_changes', 'written_at', 'when that was written down, said by the first of a statement''s changes'),
		('kept_marks', NULL, 'what makes the store of no use until it is built anew'),
		('kept_marks', 'at', 'when it happened'),
		('kept_marks', 'reason', 'what it was'),
		('kept_marks', 'parts', 'the partitions it was about, NULL if a refresh cannot take them in'),
		('kept_state', NULL, 'what the kept journeys were made under: one row'),
		('kept_state', 'fingerprint', 'hash of what the store stands on'),
		('kept_state', 'built_at', 'when it was built, NULL before'),
		('kept_state', 'view', 'number of the view "events"'),
		('kept_state', 'changes', 'number of the table of changes'),
		('kept_state', 'marks', 'number of the table of marks'),
		('kept_state', 'refreshed_at', 'when the last refresh was over'),
		('kept_state', 'took', 'how long it took'),
		('kept_state', 'folded', 'how many changes have been moved into the store in all'),
		('kept_state', 'parts', 'what the store stands on, a line each'),
		('kept_state', 'pieces', 'into how many pieces a build is divided, NULL: by the size of the source'),
		('kept_pieces', NULL, 'the pieces of the store that are being built, or were, a part of the customers each'),
		('kept_pieces', 'piece', 'its number, from 1'),
		('kept_pieces', 'began_at', 'when a refresh began with it'),
		('kept_pieces', 'built_at', 'when it was built, NULL before'),
		('kept_pieces', 'journeys', 'how many there were in it'),
		('kept_rows', NULL, 'the rows as the view "events" reads them, where kept journeys do not tell; else none'),
		('kept_rows', 'customer', 'whose event it is'),
		('kept_rows', 'at', 'when it happened'),
		('kept_rows', 'event', 'what happened'),
		('kept_rows', 'channel', 'where it came from, or NULL'),
		('kept_rows', 'value', 'what it was worth, or NULL'),
		('kept_rows', 'segment', 'the segment of the customer that the row tells, or NULL'),
		('kept_rows', 'dimensions', 'the other dimensions of the customer that the row tells, or NULL'),
		('kept_rows', 'session', 'the session of the event, or NULL'),
		('kept', NULL, 'how the kept journeys of this map stand: one row'),
		('kept', 'state', 'folded: the views read the store; changed: the store and the changes beside it; rows: the rows of the source'),
		('kept', 'reason', 'why they read the rows, NULL if they do not'),
		('kept', 'customers', 'journeys in the store'),
		('kept', 'touchpoints', 'touchpoints in them'),
		('kept', 'changes', 'touchpoints that came or went since the last refresh'),
		('kept', 'oldest_change', 'when the oldest of them was written, NULL if there is none'),
		('kept', 'bytes', 'size of the store and the changes, with indexes'),
		('kept', 'built_at', 'when the store was built'),
		('kept', 'refreshed_at', 'when the last refresh was over'),
		('kept', 'took', 'how long the last refresh took'),
		('kept', 'folded', 'changes that have been moved into the store in all')) v(relation_name, column_name, comment);
END;

CREATE OR REPLACE FUNCTION cjm_internal.kept_equals(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (WITH RECURSIVE base(type) AS (
		SELECT a.atttypid FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
		WHERE c.relnamespace = (map).map AND c.relname = 'journeys' AND a.attname = 'customer'
		UNION ALL
		SELECT t.typbasetype FROM base b JOIN pg_type t ON t.oid = b.type WHERE t.typtype = 'd')
	SELECT coalesce((SELECT format('%s(%I.%s)', 'OPERATOR', n.nspname, o.oprname)
		FROM base b
			JOIN pg_type t ON t.oid = b.type AND t.typtype <> 'd'
			JOIN pg_opclass c ON c.opcintype = b.type AND c.opcdefault AND c.opcmethod = (SELECT m.oid FROM pg_am m WHERE m.amname = 'btree')
			JOIN pg_amop a ON a.amopfamily = c.opcfamily AND a.amopstrategy = 3 AND a.amoplefttype = c.opcintype AND a.amoprighttype = c.opcintype
			JOIN pg_operator o ON o.oid = a.amopopr
			JOIN pg_namespace n ON n.oid = o.oprnamespace), 'OPERATOR(pg_catalog.=)'));

CREATE OR REPLACE FUNCTION cjm_internal.kept_rows_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN cjm_internal.map_events_sql(map,
	format(' TABLESAMPLE cjm_internal.kept_scan(cjm_internal.kept_is(%L::regclass, 2, ''''::text), false)', cjm_internal.kept_state((map).map)));

CREATE FUNCTION cjm_internal.kept_deciders_step(internal, at timestamptz, "values" text[]) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;

COMMENT ON FUNCTION cjm_internal.kept_deciders_step(internal, timestamptz, text[]) IS 'transition function of kept_deciders_agg';

CREATE AGGREGATE cjm_internal.kept_deciders_agg(at timestamptz, "values" text[]) (
	SFUNC = cjm_internal.kept_deciders_step,
	STYPE = internal,
	SSPACE = 200,
	FINALFUNC = cjm_internal.journey_agg_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.journey_agg_combine,
	SERIALFUNC = cjm_internal.journey_agg_serialize,
	DESERIALFUNC = cjm_internal.journey_agg_deserialize,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE cjm_internal.kept_deciders_agg(timestamptz, text[]) IS
	'a journey of all values that rows have: an event is the place of a value, a colon, and the value';

CREATE FUNCTION cjm_internal.kept_values(deciders cjm.journey, journey cjm.journey, by_channel boolean[], last boolean) RETURNS text[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;

COMMENT ON FUNCTION cjm_internal.kept_values(cjm.journey, cjm.journey, boolean[], boolean) IS
	'what map_first_touches or map_last_touches would say of the rows that both journeys were made of, where by_channel says of which dimensions the channels tell; nothing but NULL of none';

CREATE FUNCTION cjm_internal.kept_brief(deciders cjm.journey, journey cjm.journey) RETURNS cjm.journey
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;

COMMENT ON FUNCTION cjm_internal.kept_brief(cjm.journey, cjm.journey) IS
	'what decides the dimensions of a customer, as it is stored: without those of which all touchpoints have the same value; NULL if nothing is left';

CREATE FUNCTION cjm_internal.kept_whole(deciders cjm.journey, journey cjm.journey, "values" text[]) RETURNS cjm.journey
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;

COMMENT ON FUNCTION cjm_internal.kept_whole(cjm.journey, cjm.journey, text[]) IS
	'what kept_brief made its result of, from the journey and the values of the dimensions, NULL of those that the channels tell';

CREATE FUNCTION cjm_internal.kept_by_channel(map cjm_internal.map) RETURNS boolean[]
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN ARRAY(SELECT d.expression IS NOT DISTINCT FROM (map).channel
	FROM (SELECT 0 AS place, (map).segment AS expression WHERE (map).segment IS NOT NULL
		UNION ALL SELECT e.place, e.expression FROM jsonb_each_text((map).dimensions) WITH ORDINALITY e(name, expression, place)) d ORDER BY d.place);

COMMENT ON FUNCTION cjm_internal.kept_by_channel(cjm_internal.map) IS 'of each dimension of a map, segment first if it has one, whether it is the channel';

CREATE FUNCTION cjm_internal.kept_deciders_sql(map cjm_internal.map, row_name text) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT format('cjm_internal.kept_deciders_agg(%s.at, %s)', row_name,
		CASE WHEN NOT bool_or(d.by_channel) AND (map).segment IS NULL THEN row_name || '.dimensions'
			ELSE format('ARRAY[%s]', string_agg(CASE WHEN d.by_channel THEN format('CASE WHEN octet_length(%1$s) = 0 THEN %1$s END', d.value) ELSE d.value END, ', ' ORDER BY d.n)) END)
	FROM (SELECT b.n, b.by_channel, CASE WHEN (map).segment IS NOT NULL AND b.n = 1 THEN row_name || '.segment'
				ELSE format('%s.dimensions[%s]', row_name, b.n - ((map).segment IS NOT NULL)::integer) END AS value
		FROM unnest(cjm_internal.kept_by_channel(map)) WITH ORDINALITY b(by_channel, n)) d);

COMMENT ON FUNCTION cjm_internal.kept_deciders_sql(cjm_internal.map, text) IS 'SQL: what decides the dimensions of a customer, from rows of that name';

CREATE FUNCTION cjm_internal.kept_values_sql(map cjm_internal.map, deciders text, journey text) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('cjm_internal.kept_values(%s, %s, %L::boolean[], %L::boolean)', deciders,
	CASE WHEN true = ANY (cjm_internal.kept_by_channel(map)) THEN journey ELSE 'NULL::cjm.journey' END, cjm_internal.kept_by_channel(map), (map).segment_at = 'last');

COMMENT ON FUNCTION cjm_internal.kept_values_sql(cjm_internal.map, text, text) IS 'SQL: the values of a customer''s dimensions, from what decides them and the journey';

CREATE FUNCTION cjm_internal.kept_deciders_now_sql(map cjm_internal.map, deciders text) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN cjm_internal.map_dimension_names(map) = '{}' THEN 'NULL::cjm.journey' ELSE format('cjm_internal.journey_changed(cjm_internal.kept_whole(%s, k.journey, ARRAY[%s]), k.added_deciders, k.removed_deciders)', deciders,
		(SELECT string_agg(format(CASE WHEN d.by_channel THEN 'CASE WHEN octet_length(k.dimensions ->> %1$L) = 0 THEN k.dimensions ->> %1$L END' ELSE 'k.dimensions ->> %1$L' END, d.name), ', ' ORDER BY d.n)
		FROM unnest(cjm_internal.kept_by_channel(map), cjm_internal.map_dimension_names(map)) WITH ORDINALITY d(by_channel, name, n))) END;

COMMENT ON FUNCTION cjm_internal.kept_deciders_now_sql(cjm_internal.map, text) IS 'SQL: what decides the dimensions of a customer with changes';

CREATE FUNCTION cjm_internal.kept_places_add(state internal, customer "any", store regclass) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE COST 1;

COMMENT ON FUNCTION cjm_internal.kept_places_add(internal, "any", regclass) IS 'transition function of kept_places_agg';

CREATE FUNCTION cjm_internal.kept_places_final(state internal) RETURNS bytea
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;

COMMENT ON FUNCTION cjm_internal.kept_places_final(internal) IS 'final function of kept_places_agg';

CREATE AGGREGATE cjm_internal.kept_places_agg(customer "any", store regclass) (
	SFUNC = cjm_internal.kept_places_add,
	STYPE = internal,
	SSPACE = 262144,
	FINALFUNC = cjm_internal.kept_places_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE cjm_internal.kept_places_agg("any", regclass) IS
	'by a hash of keys the places where customers are that have changes, for kept_goes; and where they are few beside the pages of the store, their keys';

CREATE FUNCTION cjm_internal.kept_goes_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION cjm_internal.kept_goes_support(internal) IS 'planner support of kept_goes: what is the same for all customers is asked once';

CREATE FUNCTION cjm_internal.kept_goes(places bytea, way integer, customer "any") RETURNS boolean
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 0.1 SUPPORT cjm_internal.kept_goes_support;

COMMENT ON FUNCTION cjm_internal.kept_goes(bytea, integer, "any") IS
	'whether a customer is of a part of the view journeys of a map: of those of the store without changes (1); of those with changes, if the store is asked for their keys (2); or of those who may have some, if it is read for them, most of them (3) and the rest (4)';

CREATE FUNCTION cjm_internal.kept_stored_step(stored anyelement, more anyelement) RETURNS anyelement
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;

COMMENT ON FUNCTION cjm_internal.kept_stored_step(anyelement, anyelement) IS 'transition function of kept_stored_agg';

CREATE AGGREGATE cjm_internal.kept_stored_agg(stored anyelement) (
	SFUNC = cjm_internal.kept_stored_step,
	STYPE = anyelement,
	SSPACE = 512,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE cjm_internal.kept_stored_agg(anyelement) IS 'what the store has of a customer, among rows of changes, which have NULL there';

CREATE FUNCTION cjm_internal.kept_grouped_sql(map cjm_internal.map, relation text, more text DEFAULT '') RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('SELECT g.customer, cjm.journey_agg(%1$s) FILTER (WHERE NOT g.removed) AS added, cjm.journey_agg(%1$s) FILTER (WHERE g.removed) AS removed, %2$s%4$s FROM %3$s GROUP BY g.customer',
	cjm_internal.map_touch_sql(map, 'g'),
	CASE WHEN cjm_internal.map_dimension_names(map) = '{}' THEN 'NULL::cjm.journey AS added_deciders, NULL::cjm.journey AS removed_deciders'
		ELSE format('%1$s FILTER (WHERE NOT g.removed) AS added_deciders, %1$s FILTER (WHERE g.removed) AS removed_deciders', cjm_internal.kept_deciders_sql(map, 'g')) END,
	relation, more);

COMMENT ON FUNCTION cjm_internal.kept_grouped_sql(cjm_internal.map, text, text) IS 'SQL: the changes of each customer, from a relation g of them, and more that is worked out of it';

CREATE OR REPLACE FUNCTION cjm_internal.kept_journeys_sql(map cjm_internal.map) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(map);
	state text := quote_literal(cjm_internal.kept_state((map).map)::text) || '::regclass';
	waiting text := schema || '.kept_changes g';
	now_journey text := 'cjm_internal.journey_changed(k.journey, k.added, k.removed)';
	-- Looked up, and not joined, which would be done where nobody asks for it, too.
	now_values text := cjm_internal.kept_values_sql(map, cjm_internal.kept_deciders_now_sql(map,
		format('(SELECT d.deciders FROM %s.kept_deciders d WHERE d.customer %s k.customer)', schema, cjm_internal.kept_equals(map))), now_journey);
	-- Around the SQL of those rows: names that are in it may have a percent sign.
	changed text := format('k.customer, %s AS segment, %s AS journey, %s AS dimensions FROM (',
		CASE WHEN (map).segment IS NULL THEN 'NULL::text' ELSE format('(%s)[1]', now_values) END, now_journey,
		cjm_internal.map_object_sql(cjm_internal.map_dimension_names(map), now_values));
	left_over text := format(') k WHERE k.removed IS NULL OR %s IS NOT NULL', now_journey);
BEGIN
	RETURN format('SELECT j.customer, j.segment, j.journey, j.dimensions
		FROM (SELECT 0 AS arm, 0 AS way, k.customer, k.segment, k.journey, k.dimensions
			FROM %1$s.kept_journeys k
			UNION ALL
			SELECT 1, 1, k.customer, k.segment, k.journey, k.dimensions
			FROM %1$s.kept_journeys k
			UNION ALL
			SELECT 1, 2, %3$s
			UNION ALL
			SELECT 1, 3, %4$s
			UNION ALL
			SELECT 1, 4, %4$s
			UNION ALL
			SELECT 2, 0, r.customer, r.segment, r.journey, r.dimensions FROM (%5$s) r) j
		WHERE cjm_internal.kept_is(%2$s, j.arm, ''''::text)
			AND cjm_internal.kept_goes((SELECT cjm_internal.kept_places_agg(g.customer, %6$L::regclass) FROM %7$s), j.way, j.customer)', schema, state,
		changed || format('SELECT c.*, k.journey, k.dimensions FROM (%s) c LEFT JOIN %s.kept_journeys k ON k.customer %s c.customer',
			cjm_internal.kept_grouped_sql(map, waiting), schema, cjm_internal.kept_equals(map)) || left_over,
		changed || cjm_internal.kept_grouped_sql(map,
			format('(SELECT g.customer, g.at, g.event, g.channel, g.value, g.segment, g.dimensions, g.session, g.removed, NULL::cjm.journey AS journey, NULL::jsonb AS known
				FROM %s
				UNION ALL
				SELECT k.customer, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, k.journey, k.dimensions FROM %s.kept_journeys k) g', waiting, schema),
			', cjm_internal.kept_stored_agg(g.journey) AS journey, cjm_internal.kept_stored_agg(g.known) AS dimensions') || left_over,
		cjm_internal.map_journeys_from_sql(map, 'kept_rows'), schema || '.kept_journeys', waiting);
END
$$;

CREATE OR REPLACE FUNCTION cjm_internal.kept_reason(built_at timestamptz, was text[], is_now text[], mark text, building text) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	line text[];
	object text;
BEGIN
	IF was IS DISTINCT FROM is_now AND coalesce(built_at::text, building) IS NOT NULL THEN
		SELECT string_to_array(l, ' ') INTO line FROM (
			(SELECT unnest(is_now) EXCEPT SELECT unnest(was)) UNION ALL (SELECT unnest(was) EXCEPT SELECT unnest(is_now))) d(l)
		ORDER BY array_position('{version,store,view,part,above,table,trigger,function,labels}'::text[], split_part(l, ' ', 1)), l LIMIT 1;
		object := CASE line[1] WHEN 'function' THEN line[2]::oid::regprocedure::text WHEN 'labels' THEN line[2]::oid::regtype::text
			WHEN 'version' THEN '' ELSE line[2]::oid::regclass::text END;
		RETURN CASE coalesce(line[1], 'view')
			WHEN 'version' THEN 'they were built by another version of cjm'
			WHEN 'store' THEN format('the table %s of the store was altered', object)
			WHEN 'view' THEN 'the map was made anew since they were built'
			WHEN 'part' THEN format('the partition %s was attached or detached', object)
			WHEN 'above' THEN format('%s became a part of another table, or is none any more', object)
			WHEN 'table' THEN format('the table %s was emptied, written anew or altered', object)
			WHEN 'trigger' THEN format('a trigger of kept journeys on %s was switched, dropped or altered', object)
			WHEN 'function' THEN format('the function %s was replaced', object)
			WHEN 'labels' THEN format('the labels of %s were altered', object)
		END;
	END IF;
	RETURN coalesce(mark, CASE WHEN built_at IS NULL THEN coalesce(building, 'they are not built yet') END);
END
$$;

CREATE OR REPLACE FUNCTION cjm_internal.kept_view_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('SELECT CASE WHEN cjm_internal.kept_is(%2$L::regclass, 0, ''''::text) THEN ''folded'' WHEN cjm_internal.kept_is(%2$L::regclass, 1, ''''::text) THEN ''changed'' ELSE ''rows'' END AS state,
		CASE WHEN cjm_internal.kept_is(%2$L::regclass, 2, ''''::text) THEN cjm_internal.kept_reason(s.built_at, s.parts, cjm_internal.kept_parts(%2$L::regclass),
			(SELECT m.reason FROM %1$s.kept_marks m ORDER BY m.at LIMIT 1),
			(SELECT format(''they are being built: %%s of %%s pieces are'', count(p.built_at), count(*)) FROM %1$s.kept_pieces p HAVING count(*) > 1)) END AS reason,
		j.customers, j.touchpoints, c.changes, c.oldest_change,
		pg_total_relation_size(%3$L::regclass) + pg_total_relation_size(%4$L::regclass) + pg_total_relation_size(%5$L::regclass) AS bytes,
		s.built_at, s.refreshed_at, s.took, s.folded
	FROM %1$s.kept_state s CROSS JOIN (SELECT count(*) AS customers, coalesce(sum(cjm.touch_count(k.journey)), 0)::bigint AS touchpoints FROM %1$s.kept_journeys k) j
		CROSS JOIN (SELECT count(*) AS changes, min(g.written_at) AS oldest_change FROM %1$s.kept_changes g) c',
	cjm_internal.map_schema(map), cjm_internal.kept_state((map).map), cjm_internal.map_schema(map) || '.kept_journeys', cjm_internal.map_schema(map) || '.kept_deciders', cjm_internal.map_schema(map) || '.kept_changes');

CREATE OR REPLACE FUNCTION cjm_internal.kept_definition(def cjm_internal.map) RETURNS cjm_internal.map
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	reads text[] := cjm_internal.map_expressions(format('%s.events', cjm_internal.map_schema(def))::regclass);
BEGIN
	def.customer := reads[1];
	def.at := reads[2];
	def.event := reads[3];
	def.channel := CASE WHEN def.channel IS NOT NULL THEN reads[4] END;
	def.value := CASE WHEN def.value IS NOT NULL THEN reads[5] END;
	def.segment := CASE WHEN def.segment IS NOT NULL THEN reads[6] END;
	def.filter := reads[7];
	def.sequence := reads[8];
	def.session := CASE WHEN def.session IS NOT NULL THEN reads[9] END;
	def.dimensions := (SELECT jsonb_object_agg(k.name, reads[9 + k.place]) FROM jsonb_object_keys(def.dimensions) WITH ORDINALITY k(name, place));
	RETURN def;
END
$$;

CREATE OR REPLACE FUNCTION cjm_internal.kept_make_triggers(def cjm_internal.map, relation regclass) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(def);
	changes regclass := format('%s.kept_changes', schema);
	made record;
BEGIN
	-- One that was renamed, or is none of ours any more but is bound as ours are, goes: it would write what ours write.
	FOR made IN
		SELECT w.name, w.definition, w.enabled, t.name AS other
		FROM (SELECT format(' kept_%s_%s', changes::oid, v.kind) AS name, v.shape || '  true' AS shape, v.definition, v.enabled
			FROM (VALUES
				('insert', '4  new_rows', 'AFTER INSERT ON %s REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT', 'O'),
				('update', '16 old_rows new_rows', 'AFTER UPDATE ON %s REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT', 'O'),
				('delete', '8 old_rows ', 'AFTER DELETE ON %s REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT', 'O'),
				('truncate', '32  ', 'AFTER TRUNCATE ON %s FOR EACH STATEMENT', 'A'),
				('merge', '18  ', 'BEFORE UPDATE ON %s FOR EACH STATEMENT', 'O'),
				('row', '29  ', 'AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW', 'R')) v(kind, shape, definition, enabled)
			WHERE (v.kind <> 'row' OR relation = (def).source) AND (v.kind <> 'merge' OR (SELECT c.relkind FROM pg_class c WHERE c.oid = relation) = 'p')) w
			FULL JOIN (SELECT t.tgname::text AS name, format('%s %s %s %s %s', t.tgtype, t.tgoldtable, t.tgnewtable, t.tgattr, (t.tgqual IS NULL)::text) AS shape, t.tgenabled AS enabled
				FROM pg_trigger t JOIN pg_depend d ON d.classid = 'pg_trigger'::regclass AND d.objid = t.oid
				WHERE t.tgrelid = relation AND d.refclassid = 'pg_class'::regclass AND d.refobjid = changes) t ON t.name = w.name AND t.shape = w.shape
		WHERE w.enabled IS DISTINCT FROM t.enabled::text
		ORDER BY w.name IS NOT NULL
	LOOP
		IF made.name IS NULL THEN
			EXECUTE format('DROP TRIGGER %I ON %s', made.other, relation);
			CONTINUE;
		END IF;
		EXECUTE format('CREATE OR REPLACE TRIGGER %I %s EXECUTE FUNCTION cjm_internal.kept_write()', made.name, format(made.definition, relation));
		IF made.enabled <> 'O' THEN
			EXECUTE format('ALTER TABLE %s ENABLE %s TRIGGER %I', relation, CASE made.enabled WHEN 'A' THEN 'ALWAYS' ELSE 'REPLICA' END, made.name);
		END IF;
		EXECUTE format('COMMENT ON TRIGGER %I ON %s IS %L', made.name, relation,
			format('writes down for the map %s what comes and what goes; cjm.unkeep_journeys takes it away', schema));
		PERFORM cjm_internal.kept_bind(relation, made.name, changes, format('%s.kept_marks', schema), format('%s.events', schema));
	END LOOP;
	-- Copies for partitions are switched with the one that they were made from, and by hand.
	FOR made IN
		SELECT t.tgname AS name, t.tgrelid::regclass AS part FROM pg_trigger t
		WHERE t.tgrelid IN (SELECT k.relation FROM cjm_internal.kept_tables(kept_make_triggers.relation) k)
			AND t.tgname = format(' kept_%s_row', changes::oid)::name AND t.tgenabled <> 'R'
	LOOP
		EXECUTE format('ALTER TABLE %s ENABLE REPLICA TRIGGER %I', made.part, made.name);
	END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION cjm.keep_journeys(map text, pieces integer DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.kept_map(map, false);
	schema text := cjm_internal.map_schema(def);
	source pg_class;
	holder regrole := (SELECT n.nspowner FROM pg_namespace n WHERE n.oid = def.map);
BEGIN
	IF NOT coalesce(pieces, 1) BETWEEN 1 AND 1024 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('pieces must be 1 to 1024, not %s', pieces),
			HINT = 'It is into how many parts a build is divided; NULL goes by the size of the source.';
	ELSIF cjm_internal.kept_state(def.map) IS NOT NULL THEN
		RAISE duplicate_object USING
			MESSAGE = format('the map "%s" keeps its journeys already', map),
			HINT = format('SELECT cjm.refresh_journeys(%L) brings them up to date.', map);
	ELSIF current_setting('transaction_isolation') <> 'read committed' THEN
		RAISE active_sql_transaction USING
			MESSAGE = format('journeys cannot be kept from a transaction of the isolation level %s on', current_setting('transaction_isolation')),
			HINT = 'Use READ COMMITTED.';
	ELSIF def.access = 'reader' THEN
		RAISE feature_not_supported USING
			MESSAGE = format('journeys of the map "%s" cannot be kept: each reader sees the rows that they may read', map),
			HINT = 'A map with access => ''owner'' can keep them.';
	ELSIF cjm_internal.map_distributed(def.source) THEN
		RAISE feature_not_supported USING
			MESSAGE = format('journeys of the map "%s" cannot be kept: %s is distributed, and Citus takes no triggers on it', map, def.source),
			HINT = 'A table of journeys that a scheduler fills, distributed by customer with it, is as fast, and as old as its last filling: see doc/scale.md.';
	END IF;
	PERFORM cjm_internal.kept_check(format('%s.events', schema));
	SELECT c.* INTO source FROM pg_class c WHERE c.oid = def.source;
	IF NOT pg_has_role(holder, source.relowner, 'USAGE') OR NOT pg_has_role(source.relowner, 'USAGE') THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('%s belongs to %s, and the map "%s" to %s', def.source, source.relowner::regrole, map, holder),
			HINT = 'Keeping journeys takes triggers on the source: its owner, or a role that is a member of that one, has to own the map.';
	END IF;
	IF NOT cjm_internal.map_lock_schema(def.map) OR cjm_internal.kept_state(def.map) IS NOT NULL THEN
		RAISE object_in_use USING MESSAGE = format('another session has changed the map "%s" at the same time', map), HINT = 'Try again.';
	END IF;

	EXECUTE format('CREATE TABLE %1$s.kept_journeys AS SELECT j.customer, j.dimensions, j.journey FROM %1$s.journeys j WITH NO DATA', schema);
	EXECUTE format('CREATE TABLE %1$s.kept_deciders AS SELECT j.customer, j.journey AS deciders FROM %1$s.journeys j WITH NO DATA', schema);
	BEGIN
		EXECUTE format('ALTER TABLE %1$s.kept_journeys ADD PRIMARY KEY (customer); ALTER TABLE %1$s.kept_deciders ADD PRIMARY KEY (customer)', schema);
	EXCEPTION WHEN undefined_object THEN
		RAISE feature_not_supported USING
			MESSAGE = format('journeys of the map "%s" cannot be kept: its customers cannot be ordered', map), DETAIL = SQLERRM,
			HINT = 'Make the map with a key that can, the text of it if need be.';
	END;
	-- Journeys stay in their rows as long as they fit a page: whoever reads them reads them all.
	EXECUTE format('ALTER TABLE %s.kept_journeys ADD segment text GENERATED ALWAYS AS (dimensions ->> ''segment'') STORED, ALTER journey SET NOT NULL, ALTER journey SET STORAGE MAIN,
		SET (fillfactor = 90, toast_tuple_target = 8160, autovacuum_vacuum_scale_factor = 0.05)', schema);
	EXECUTE format('ALTER TABLE %s.kept_deciders ALTER deciders SET NOT NULL, SET (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05)', schema);
	EXECUTE format('CREATE TABLE %1$s.kept_changes AS SELECT e.customer, e.at, false AS removed, e.event, e.channel, e.value, e.segment, e.session, e.dimensions, now() AS written_at FROM %1$s.events e WITH NO DATA', schema);
	-- The planner is not to take what it saw of a short list for what a long one is like; and no workers are to read the changes for one part of
	-- the view "journeys", since a part that has its own leaves all others without.
	EXECUTE format('ALTER TABLE %s.kept_changes ALTER customer SET (n_distinct = -0.2),
		SET (parallel_workers = 0, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_insert_threshold = -1)', schema);
	EXECUTE format('CREATE TABLE %s.kept_marks (at timestamptz, reason text, parts text[])', schema);
	EXECUTE format('CREATE TABLE %s.kept_pieces (piece integer, began_at timestamptz, built_at timestamptz, journeys bigint)', schema);
	EXECUTE format('CREATE TABLE %s.kept_state (fingerprint text, built_at timestamptz, view oid, changes oid, marks oid,
		refreshed_at timestamptz, took interval, folded bigint NOT NULL DEFAULT 0, parts text[], pieces integer)', schema);
	EXECUTE format('INSERT INTO %s.kept_state (pieces) VALUES ($1)', schema) USING pieces;
	PERFORM cjm_internal.map_lock(def.map, format('SELECT cjm_internal.kept_install(%L::regnamespace)', schema));
	RAISE NOTICE 'the journeys of "%" are kept from the next refresh on; until then its views read the rows', map
		USING HINT = format('SELECT cjm.refresh_journeys(%L) in a transaction of its own, and then from time to time.', map);
END
$$;

CREATE OR REPLACE FUNCTION cjm.unkeep_journeys(map text) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.kept_map(map, false);
BEGIN
	PERFORM cjm_internal.map_lock_schema(def.map);
	def := cjm_internal.kept_map(map, false);
	IF cjm_internal.kept_state(def.map) IS NULL THEN
		RAISE object_not_in_prerequisite_state USING MESSAGE = format('the map "%s" keeps no journeys', map);
	END IF;
	PERFORM cjm_internal.map_lock(def.map, format('CREATE OR REPLACE VIEW %1$s.journeys AS %2$s; %3$s%4$s',
		cjm_internal.map_schema(def), cjm_internal.map_journeys_from_sql(def, 'events'), cjm_internal.kept_drop_sql(def, 'RESTRICT'), cjm_internal.audience_unkeep_sql(def)));
END
$$;

CREATE OR REPLACE FUNCTION cjm_internal.kept_drop_sql(def cjm_internal.map, behavior text) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN coalesce((SELECT string_agg(format('DROP %s IF EXISTS %s.%I %s; ', CASE WHEN c.relkind = 'v' THEN 'VIEW' ELSE 'TABLE' END,
		cjm_internal.map_schema(def), c.relname, behavior), '' ORDER BY array_position(cjm_internal.kept_names(), c.relname::text))
	FROM pg_class c WHERE c.relnamespace = (def).map AND c.relname = ANY (cjm_internal.kept_names()::name[])), '');

CREATE OR REPLACE FUNCTION cjm_internal.kept_pieces_for(def cjm_internal.map) RETURNS integer
	LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	pieces integer;
BEGIN
	EXECUTE format('SELECT coalesce(s.pieces, least(64, greatest(1, ceil(sqrt((
			SELECT sum(pg_table_size(t.relation)) FROM cjm_internal.kept_tables(%L::regclass) t) / 2::numeric ^ 30))))) FROM %s.kept_state s',
		def.source, cjm_internal.map_schema(def)) INTO pieces;
	EXECUTE format('SELECT hash_record_extended(ROW((SELECT k.customer FROM %s.kept_journeys k WHERE false)), 0)', cjm_internal.map_schema(def));
	RETURN pieces;
EXCEPTION WHEN undefined_function THEN
	RETURN 1;
END
$$;

CREATE OR REPLACE FUNCTION cjm_internal.kept_divide(def cjm_internal.map) RETURNS integer
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(def);
	pieces integer := cjm_internal.kept_pieces_for(def);
BEGIN
	EXECUTE format('UPDATE %s.kept_state SET built_at = NULL', schema);
	EXECUTE format('DELETE FROM %s.kept_marks', schema);
	EXECUTE format('DELETE FROM %s.kept_journeys', schema);
	EXECUTE format('DELETE FROM %s.kept_deciders', schema);
	EXECUTE format('DELETE FROM %s.kept_pieces', schema);
	EXECUTE format('INSERT INTO %s.kept_pieces (piece) SELECT generate_series(1, $1)', schema) USING pieces;
	RETURN pieces;
END
$$;

CREATE OR REPLACE FUNCTION cjm_internal.kept_limit(def cjm_internal.map, message text, detail text, hint text) RETURNS void
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF message !~ '^(journey|event|channel|session|a value|the dimensions) of ' THEN
		RAISE program_limit_exceeded USING
			MESSAGE = format('the journeys of "%s" cannot be kept: a customer has a key that is too long for an index', cjm_internal.map_schema(def)),
			DETAIL = message,
			HINT = 'Make the map with a shorter key: an expression that cuts it, or hashes it. Until then its views read the rows.';
	END IF;
	RAISE program_limit_exceeded USING MESSAGE = message, DETAIL = detail, HINT = hint;
END
$$;

CREATE OR REPLACE FUNCTION cjm_internal.kept_build(def cjm_internal.map, piece integer) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(def);
	began CONSTANT timestamptz := clock_timestamp();
	pieces integer;
	of_piece text := 'true';
	what text := format('journeys of %s', schema);
	names CONSTANT text[] := cjm_internal.map_dimension_names(def);
	journey CONSTANT text := format('cjm.journey_agg(%s)', cjm_internal.map_touch_sql(def, 'e'));
	deciders CONSTANT text := cjm_internal.kept_deciders_sql(def, 'e');
	made text;
	journeys bigint;
	message text;
	detail text;
	hint text;
BEGIN
	PERFORM cjm_internal.kept_check_idle(t.relation) FROM cjm_internal.kept_tables(def.source) t;
	EXECUTE format('SELECT count(*) FROM %s.kept_pieces', schema) INTO pieces;
	IF pieces > 1 THEN
		of_piece := format('(hash_record_extended(ROW(e.customer), 0) & 2147483647) %% %s = %s', pieces, piece - 1);
		what := format('%s, piece %s of %s', what, piece, pieces);
	END IF;
	-- Journeys go from the rows into the store on their way, and with what decides dimensions wait until it is written, too.
	made := format('SELECT e.customer, %2$s AS dimensions, %3$s AS journey%4$s FROM %1$s.events e
		WHERE cjm_internal.kept_progress(%5$L::text) AND e.customer IS NOT NULL AND e.at IS NOT NULL AND e.event COLLATE "C" <> '''' AND %6$s GROUP BY e.customer', schema,
		cjm_internal.map_object_sql(names, cjm_internal.kept_values_sql(def, deciders, journey)), journey,
		CASE WHEN names <> '{}' THEN format(', cjm_internal.kept_brief(%s, %s) AS deciders', deciders, journey) END, what, of_piece);
	EXECUTE format('WITH gone AS (DELETE FROM %1$s.kept_changes e WHERE %2$s), mended AS (DELETE FROM %1$s.kept_marks WHERE %3$s)%4$s
		INSERT INTO %1$s.kept_journeys (customer, dimensions, journey) SELECT m.customer, m.dimensions, m.journey FROM %5$s m', schema, of_piece, (pieces = 1)::text,
		CASE WHEN names <> '{}' THEN format(', made AS MATERIALIZED (%1$s), apart AS (INSERT INTO %2$s.kept_deciders (customer, deciders) SELECT m.customer, m.deciders FROM made m WHERE m.deciders IS NOT NULL)', made, schema) END,
		CASE WHEN names <> '{}' THEN 'made' ELSE format('(%s)', made) END);
	GET DIAGNOSTICS journeys = ROW_COUNT;
	EXECUTE format('UPDATE %s.kept_pieces SET began_at = $1, built_at = clock_timestamp(), journeys = $2 WHERE piece = $3', schema) USING began, journeys, piece;
EXCEPTION WHEN program_limit_exceeded THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	PERFORM cjm_internal.kept_limit(def, message, detail, hint);
END
$$;

CREATE OR REPLACE FUNCTION cjm_internal.kept_fold(def cjm_internal.map) RETURNS bigint
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(def);
	names CONSTANT text[] := cjm_internal.map_dimension_names(def);
	changes bigint;
BEGIN
	EXECUTE format('WITH gone AS MATERIALIZED (DELETE FROM %1$s.kept_changes RETURNING *),
		c AS (%2$s),
		k AS (SELECT c.*, k.customer IS NOT NULL AS known, k.journey, k.dimensions, %8$s
			FROM c LEFT JOIN %1$s.kept_journeys k ON k.customer %3$s c.customer LEFT JOIN %1$s.kept_deciders d ON d.customer %3$s c.customer),
		n AS %9$s (SELECT k.customer, k.known, k.apart, %4$s AS deciders, cjm_internal.journey_changed(k.journey, k.added, k.removed) AS journey FROM k),
		new AS MATERIALIZED (SELECT n.customer, n.known, n.apart, n.journey, %5$s AS dimensions, cjm_internal.kept_brief(n.deciders, n.journey) AS deciders FROM n),
		vanished AS (DELETE FROM %1$s.kept_journeys k USING new n WHERE k.customer %3$s n.customer AND n.journey IS NULL),
		changed AS (UPDATE %1$s.kept_journeys k SET dimensions = n.dimensions, journey = n.journey FROM new n
			WHERE k.customer %3$s n.customer AND n.journey IS NOT NULL AND n.known),
		fresh AS (INSERT INTO %1$s.kept_journeys (customer, dimensions, journey)
			SELECT n.customer, n.dimensions, n.journey FROM new n WHERE NOT n.known AND n.journey IS NOT NULL)%6$s%7$s
		SELECT count(*) FROM gone', schema, cjm_internal.kept_grouped_sql(def, 'gone g'), cjm_internal.kept_equals(def),
		cjm_internal.kept_deciders_now_sql(def, 'k.deciders'), cjm_internal.map_object_sql(names, cjm_internal.kept_values_sql(def, 'n.deciders', 'n.journey')),
		CASE WHEN names <> '{}' THEN format(',
			agreed AS (DELETE FROM %1$s.kept_deciders d USING new n WHERE d.customer %2$s n.customer AND n.apart AND n.deciders IS NULL),
			decided AS (UPDATE %1$s.kept_deciders d SET deciders = n.deciders FROM new n WHERE d.customer %2$s n.customer AND n.apart AND d.deciders OPERATOR(cjm.<>) n.deciders),
			differing AS (INSERT INTO %1$s.kept_deciders (customer, deciders) SELECT n.customer, n.deciders FROM new n WHERE NOT n.apart AND n.deciders IS NOT NULL)',
			schema, cjm_internal.kept_equals(def)) END,
		cjm_internal.audience_touched_sql(def),
		CASE WHEN names = '{}' THEN 'false AS apart' ELSE 'd.customer IS NOT NULL AS apart, d.deciders' END, CASE WHEN names <> '{}' THEN 'MATERIALIZED' END) INTO changes;
	RETURN changes;
END
$$;

CREATE FUNCTION cjm_internal.kept_refresh(map text) RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.kept_map(map, true);
	schema text := cjm_internal.map_schema(def);
	began CONSTANT timestamptz := clock_timestamp();
	waits CONSTANT text := current_setting('lock_timeout');
	building boolean;
	state record;
	marked boolean;
	counted bigint;
	answer text;
	message text;
	detail text;
	hint text;
BEGIN
	EXECUTE format('SELECT s.built_at IS NULL AND s.parts IS NOT DISTINCT FROM cjm_internal.kept_parts(%2$L::regclass) AND NOT EXISTS (SELECT FROM %1$s.kept_marks)
			AND EXISTS (SELECT FROM %1$s.kept_pieces p WHERE p.built_at IS NULL) FROM %1$s.kept_state s', schema, cjm_internal.kept_state(def.map)) INTO building;
	EXECUTE format('SELECT s.* FROM %1$s.kept_state s FOR %2$s SKIP LOCKED', schema, CASE WHEN building THEN 'SHARE' ELSE 'UPDATE' END) INTO state;
	IF state.folded IS NULL THEN
		-- A dump without rows has left none of it.
		EXECUTE format('INSERT INTO %1$s.kept_state (folded) SELECT 0 WHERE NOT EXISTS (SELECT FROM %1$s.kept_state) RETURNING *', schema) INTO state;
	END IF;
	IF state.folded IS NULL THEN
		RETURN 'another refresh is at it';
	ELSIF building THEN
		RETURN cjm_internal.kept_build_next(def);
	END IF;
	-- A restored dump may bring another row, and a store that is none of these rows'.
	EXECUTE format('DELETE FROM %1$s.kept_state s WHERE s.ctid <> (SELECT min(f.ctid) FROM %1$s.kept_state f)', schema);
	GET DIAGNOSTICS counted = ROW_COUNT;
	IF counted > 0 THEN
		state.parts := NULL;
	END IF;
	IF state.parts IS DISTINCT FROM cjm_internal.kept_parts(cjm_internal.kept_state(def.map)) THEN
		PERFORM cjm_internal.kept_check_idle(t.relation) FROM cjm_internal.kept_tables(def.source) t;
		-- A lock that has to wait holds up who writes, so it waits for moments only.
		FOR attempt IN 1 .. 10
		LOOP
			BEGIN
				PERFORM set_config('lock_timeout', '300ms', true);
				IF cjm_internal.kept_adopt(def, state.parts, cjm_internal.kept_parts(cjm_internal.kept_state(def.map))) THEN
					answer := format('new partitions are taken in; the next refresh %s', CASE WHEN state.built_at IS NULL THEN 'goes on building' ELSE 'folds' END);
				ELSE
					PERFORM cjm_internal.kept_arm(def);
					answer := 'triggers are made anew; the next refresh builds the journeys';
				END IF;
				PERFORM set_config('lock_timeout', waits, true);
				EXIT;
			EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
				IF attempt = 10 THEN
					RETURN 'the source is written to without a pause, and could not be locked for a moment; its rows are read until that works';
				END IF;
				PERFORM pg_sleep(0.2 + 0.3 * random());
			WHEN feature_not_supported THEN
				-- What stands in the way may go again, and leave no trace of what was written meanwhile.
				GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
				EXECUTE format('INSERT INTO %1$s.kept_marks (at, reason) SELECT now(), $1 WHERE NOT EXISTS (SELECT FROM %1$s.kept_marks WHERE reason = $1)', schema) USING message;
				RAISE WARNING USING MESSAGE = message, DETAIL = detail, HINT = hint;
				RETURN 'the rows are read for as long as that is so';
			END;
		END LOOP;
		-- The locks are let go before anything that takes long.
		RETURN answer;
	END IF;
	-- What came to a partition before it was taken in is in the changes.
	EXECUTE format('DELETE FROM %s.kept_marks m WHERE m.parts <@ $1', schema) USING state.parts;
	EXECUTE format('SELECT EXISTS (SELECT FROM %s.kept_marks)', schema) INTO marked;
	IF state.built_at IS NOT NULL AND NOT marked THEN
		BEGIN
			PERFORM cjm_internal.kept_look_at_changes(def);
			counted := cjm_internal.kept_fold(def);
			EXECUTE format('UPDATE %s.kept_state SET folded = folded + $1, refreshed_at = clock_timestamp(), took = clock_timestamp() - $2', schema) USING counted, began;
			RETURN format('%s changes folded', counted);
		EXCEPTION WHEN data_corrupted OR data_exception OR unique_violation THEN
			RAISE WARNING 'the kept journeys of "%" are built anew: %', map, SQLERRM;
		WHEN program_limit_exceeded THEN
			GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
			PERFORM cjm_internal.kept_limit(def, message, detail, hint);
		END;
	END IF;
	EXECUTE format('SELECT count(*) FILTER (WHERE p.built_at IS NULL) FROM %1$s.kept_pieces p WHERE $1 HAVING count(*) > 0', schema)
		INTO counted USING state.built_at IS NULL AND NOT marked;
	IF counted > 0 THEN
		RETURN cjm_internal.kept_build_next(def);
	ELSIF counted IS NULL THEN
		counted := cjm_internal.kept_divide(def);
		IF counted > 1 THEN
			RETURN format('the journeys are built in %s pieces: each refresh builds one, and several may at a time', counted);
		END IF;
		PERFORM cjm_internal.kept_build(def, 1);
	END IF;
	RETURN cjm_internal.kept_finish(def);
END
$$;

COMMENT ON FUNCTION cjm_internal.kept_refresh(text) IS 'refresh_journeys, called as the owner of the map';

CREATE OR REPLACE FUNCTION cjm.refresh_journeys(map text) RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.kept_map(map, true);
BEGIN
	RETURN cjm_internal.kept_refresh_as(map, (SELECT n.nspowner FROM pg_namespace n WHERE n.oid = def.map));
END
$$;

CREATE OR REPLACE FUNCTION cjm.check_journeys(map text, share float8 DEFAULT 1) RETURNS TABLE (customer text, kept cjm.journey, counted cjm.journey)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 10
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map);
	schema text := cjm_internal.map_schema(def);
BEGIN
	share := coalesce(share, 1);
	IF NOT (share > 0 AND share <= 1) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('share must be more than 0 and at most 1, not %s', share),
			HINT = 'It is the part of the customers that are compared.';
	END IF;
	-- The text of a key may differ where keys are equal, so it is asked of the keys which customers are compared.
	RETURN QUERY EXECUTE format('SELECT coalesce(k.customer, r.customer)::text, k.journey, r.journey
		FROM (SELECT j.customer, j.segment, j.journey, j.dimensions FROM %1$s.journeys j WHERE %3$s) k
			FULL JOIN (SELECT j.customer, j.segment, j.journey, j.dimensions FROM (%2$s) j WHERE %3$s) r ON r.customer %4$s k.customer
		WHERE NOT coalesce(k.journey OPERATOR(cjm.=) r.journey, false) OR k.segment IS DISTINCT FROM r.segment OR k.dimensions IS DISTINCT FROM r.dimensions
		ORDER BY coalesce(k.customer, r.customer)::text COLLATE "C"', schema, cjm_internal.map_journeys_from_sql(cjm_internal.kept_definition(def), 'events'),
		CASE WHEN share = 1 THEN 'true'
			ELSE format('(hash_record_extended(ROW(j.customer), 0) & 1048575) < %s::float8 * 1048576', share) END,
		cjm_internal.kept_equals(def));
END
$$;

CREATE FUNCTION cjm_internal.audience_comments() RETURNS TABLE (relation_name text, column_name text, comment text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 50
BEGIN ATOMIC
	SELECT v.relation_name, v.column_name, v.comment
	FROM (VALUES
		('audiences', NULL, 'the audiences of this map, as create_audience was asked for them'),
		('audiences', 'name', 'its name; the views audience_name and meets_name are what it is'),
		('audiences', 'at_stage', 'the stage that its members have come to, or NULL'),
		('audiences', 'condition', 'expression over the columns of the view customers, or NULL'),
		('audiences', 'not_after', 'a stage, or events, that they have not done since, or NULL'),
		('audiences', 'after_stage', 'whether not_after is a stage; NULL without one'),
		('audiences', 'quiet_for', 'how long they have done nothing, at least, or NULL'),
		('audiences', 'since', 'how long ago they came to the stage, or were seen, at most, or NULL'),
		('audiences', 'where_is', 'which customers are asked for, NULL for all'),
		('audiences', 'include_open', 'whether those belong to it who may yet go on by themselves'),
		('audiences', 'holdout', 'the share of the customers that is never handed out'),
		('audiences', 'salt', 'what decides who they are'),
		('audiences', 'made_at', 'when it was made'),
		('audiences', 'refreshed_at', 'when it was last refreshed, NULL before'),
		('audiences', 'took', 'how long that took'),
		('audiences', 'members', 'how many members it had then, held out or not'),
		('audiences', 'asked', 'how many customers were asked then, beside for whom the clock changes the condition; NULL: all of them'),
		('audiences', 'asked_at', 'the time that it was asked for'),
		('audiences', 'asked_folded', 'how many changes had been folded into the kept journeys before'),
		('audiences', 'asked_under', 'a hash of what the answers stand on beside the journeys, and whether the clock or other customers change the condition; NULL where all are asked each time'),
		('audience_touched', NULL, 'whose kept journeys were folded since the audiences of this map were refreshed'),
		('audience_touched', 'folded', 'how many changes had been folded in all, these among them'),
		('audience_touched', 'changes', 'how many these were'),
		('audience_touched', 'customers', 'the keys of the customers'),
		('audience_members', NULL, 'who is in the audiences of this map, and who was, as refreshes saw it'),
		('audience_members', 'audience', 'the audience'),
		('audience_members', 'customer', 'the key of the customer'),
		('audience_members', 'entered_at', 'when a refresh saw them in it first'),
		('audience_members', 'left_at', 'when a refresh saw that they were not any more; NULL: they are'),
		('audience_members', 'since', 'when they came to meet its condition, as the last refresh that saw them in it had it'),
		('audience_members', 'stage', 'how far they had come in the funnel then'),
		('audience_members', 'dimensions', 'their dimensions then'),
		('audience_members', 'held_out', 'whether they are held out, and so never handed out'),
		('audience_changes', NULL, 'who came into the audiences of this map and who left, without those who are held out, in the order in which it was committed'),
		('audience_changes', 'number', 'rises with every change; numbers may be missing'),
		('audience_changes', 'audience', 'the audience'),
		('audience_changes', 'customer', 'the key of the customer'),
		('audience_changes', 'change', 'entered or left'),
		('audience_changes', 'at', 'when a refresh saw it'),
		('audience_changes', 'since', 'when they came to meet the condition of the audience'),
		('audience_changes', 'stage', 'how far they had come in the funnel'),
		('audience_changes', 'dimensions', 'their dimensions'),
		('audience_consumers', NULL, 'who takes the changes of the audiences of this map, and how far they have come'),
		('audience_consumers', 'consumer', 'the name that take_changes is called with'),
		('audience_consumers', 'taken', 'the number of the last change that was taken'),
		('audience_consumers', 'taken_at', 'when that was'),
		('audience_state', NULL, 'one row, which refreshes lock, so that one after the other tells what changed'),
		('audience_state', 'one', 'there is no other'),
		('audience_state', 'last_change', 'the number of the last change that was told')) v(relation_name, column_name, comment);
END;

COMMENT ON FUNCTION cjm_internal.audience_comments() IS 'the comments of the tables of a map that has audiences';

CREATE FUNCTION cjm_internal.audience_view_names(map regnamespace) RETURNS text[]
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN ARRAY(SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspowner = c.relowner
	WHERE c.relnamespace = map AND c.relkind = 'v' AND c.relname ~ '^(audience|meets)_' AND obj_description(c.oid, 'pg_class') LIKE 'audience of this map: %' ORDER BY c.relname COLLATE "C");

COMMENT ON FUNCTION cjm_internal.audience_view_names(regnamespace) IS 'the views of a map that are its audiences, those that read others first';

CREATE FUNCTION cjm_internal.map_call_as(task regproc, owner oid, arguments jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'map_call_as'
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;

COMMENT ON FUNCTION cjm_internal.map_call_as(regproc, oid, jsonb) IS 'calls a task of cjm_internal as a role whose rights one has; nobody lends rights to what a role has put on its tables';

CREATE FUNCTION cjm_internal.steering_map(map text) RETURNS cjm_internal.map
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map);
	holder regrole := (SELECT n.nspowner FROM pg_namespace n WHERE n.oid = def.map);
BEGIN
	IF NOT pg_has_role(holder, 'USAGE') THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('the map "%s" belongs to %s', map, holder),
			HINT = 'Its owner steers it.';
	END IF;
	RETURN def;
END
$$;

COMMENT ON FUNCTION cjm_internal.steering_map(text) IS 'the definition of a map of one''s own; an error if there is none';

CREATE FUNCTION cjm_internal.steering_call(map text, task regproc, arguments jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.steering_map(map);
BEGIN
	RETURN cjm_internal.map_call_as(task, (SELECT n.nspowner FROM pg_namespace n WHERE n.oid = def.map),
		arguments || jsonb_build_object('map', def.map::oid::bigint));
END
$$;

COMMENT ON FUNCTION cjm_internal.steering_call(text, regproc, jsonb) IS 'calls a task as the owner of a map, who one has to be or have the rights of; map of its arguments is the number of the schema';

CREATE FUNCTION cjm_internal.steering_has(def cjm_internal.map, name text) RETURNS boolean
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found pg_class;
BEGIN
	SELECT c.* INTO found FROM pg_class c WHERE c.relnamespace = def.map AND c.relname = name;
	IF found.oid IS NOT NULL AND (obj_description(found.oid, 'pg_class') IS DISTINCT FROM
			(SELECT c.comment FROM cjm_internal.steering_comments() c WHERE c.relation_name = name AND c.column_name IS NULL)) THEN
		RAISE duplicate_table USING
			MESSAGE = format('%s.%I is there, but is not what the map has under that name', cjm_internal.map_schema(def), name),
			HINT = 'Rename it or put it into another schema: it was not made by cjm, or its comment was changed.';
	END IF;
	RETURN found.oid IS NOT NULL;
END
$$;

COMMENT ON FUNCTION cjm_internal.steering_has(cjm_internal.map, text) IS 'whether a map has a table or view of those that are made when they are needed; an error if it is another of that name';

CREATE FUNCTION cjm_internal.steering_make(def cjm_internal.map, name text, definition text) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(def);
	is_view boolean := definition ~* '^\s*(SELECT|WITH)\M';
	made record;
BEGIN
	IF cjm_internal.steering_has(def, name) THEN
		RETURN;
	ELSIF NOT cjm_internal.map_lock_schema(def.map) THEN
		RAISE object_in_use USING MESSAGE = 'another session has dropped the map at the same time';
	ELSIF cjm_internal.steering_has(def, name) THEN
		RETURN;
	END IF;
	EXECUTE format(CASE WHEN is_view THEN 'CREATE VIEW %s.%I%s AS %s' ELSE 'CREATE TABLE %s.%I%s (%s)' END, schema, name,
		CASE WHEN is_view AND def.access = 'reader' THEN ' WITH (security_invoker = true)' END, definition);
	FOR made IN SELECT c.column_name, c.comment FROM cjm_internal.steering_comments() c WHERE c.relation_name = name
	LOOP
		IF made.column_name IS NOT NULL THEN
			EXECUTE format('COMMENT ON COLUMN %s.%I.%I IS %L', schema, name, made.column_name, made.comment);
		ELSE
			EXECUTE format('COMMENT ON %s %s.%I IS %L', CASE WHEN is_view THEN 'VIEW' ELSE 'TABLE' END, schema, name, made.comment);
		END IF;
	END LOOP;
END
$$;

COMMENT ON FUNCTION cjm_internal.steering_make(cjm_internal.map, text, text) IS 'makes a table or a view of a map with its comments, where it is not there yet';

CREATE FUNCTION cjm_internal.steering_drop_sql(def cjm_internal.map, behavior text) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN coalesce((SELECT string_agg(format('DROP %s IF EXISTS %s.%I %s; ', CASE WHEN c.relkind = 'v' THEN 'VIEW' ELSE 'TABLE' END,
		cjm_internal.map_schema(def), c.relname, behavior), '' ORDER BY c.relkind <> 'v', array_position(cjm_internal.steering_names(), c.relname::text) NULLS FIRST, c.relname)
	FROM pg_class c WHERE c.relnamespace = (def).map AND c.relname = ANY (cjm_internal.steering_names()::name[] || cjm_internal.audience_view_names((def).map)::name[])), '');

COMMENT ON FUNCTION cjm_internal.steering_drop_sql(cjm_internal.map, text) IS 'SQL that drops what a map remembers, views first; empty if there is nothing';

CREATE FUNCTION cjm_internal.steering_comments() RETURNS TABLE (relation_name text, column_name text, comment text)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 75
BEGIN ATOMIC
	SELECT v.relation_name, v.column_name, v.comment
	FROM (VALUES
		('notes', NULL, 'moments of this map that charts show: what happened'),
		('notes', 'at', 'when it happened'),
		('notes', 'text', 'what it was'),
		('notes', 'written_at', 'when that was written down'),

		('stage_notes', NULL, 'what people say of the stages of this map'),
		('stage_notes', 'stage', 'the stage'),
		('stage_notes', 'persona', 'of whom it is said, NULL for everybody'),
		('stage_notes', 'quote', 'what a customer says'),
		('stage_notes', 'pain', 'what hurts'),
		('stage_notes', 'action', 'what is done about it'),
		('stage_notes', 'owner', 'by whom'),
		('stage_notes', 'described_at', 'when that was written down'),

		('comments', NULL, 'what customers wrote, as this map reads it from the rows of the source'),
		('comments', 'customer', 'who wrote it'),
		('comments', 'at', 'when'),
		('comments', 'event', 'with which event'),
		('comments', 'value', 'and with which value'),
		('comments', 'comment', 'what it was'),

		('targets', NULL, 'what the figures of this map are to reach'),
		('targets', 'metric', 'the figure, as metric_report has it'),
		('targets', 'step', 'the step of the funnel that it is of, NULL if of none'),
		('targets', 'stage', 'its name'),
		('targets', 'by', 'what the figure is split by, NULL for all customers'),
		('targets', 'by_value', 'and which part of it'),
		('targets', 'direction', 'at least, or at most'),
		('targets', 'value', 'what it is to reach, or not to exceed'),
		('targets', 'from_day', 'it is in force for weeks that begin on this day or later, until another of the same begins'),
		('targets', 'set_at', 'when that was said'),

		('kpis', NULL, 'one row per figure with a target: the last week that is over, and whether the target is met'),
		('kpis', 'metric', 'the figure, as metric_report has it'),
		('kpis', 'step', 'the step of the funnel that it is of, NULL if of none'),
		('kpis', 'stage', 'its name'),
		('kpis', 'by', 'what the figure is split by, NULL for all customers'),
		('kpis', 'by_value', 'and which part of it'),
		('kpis', 'week', 'the Monday of the last week that is over and has the figure, NULL if none has'),
		('kpis', 'n', 'what the figure is a share or a mean of, or how many are counted'),
		('kpis', 'actual', 'the figure of that week; times are in seconds'),
		('kpis', 'low', 'lower end of its 95 % interval, NULL of too few'),
		('kpis', 'high', 'upper end of it'),
		('kpis', 'target', 'what it is to reach, of those in force for that week the latest; NULL if none was yet'),
		('kpis', 'direction', 'at least, or at most'),
		('kpis', 'from_day', 'since when that is the target'),
		('kpis', 'gap', 'actual - target'),
		('kpis', 'met', 'whether the actual figure is at the target or on the right side of it'),
		('kpis', 'trend', 'by how much the figure rises a week: the slope of a line through the last eight weeks that are over'),
		('kpis', 'since', 'the Monday of the first week since which all weeks met the target, or all missed it, as this one does'),

		('customer_journeys', NULL, 'customers as in the view of that name, with their journeys: for audiences that ask for a stage and a condition'),

		('alerts_told', NULL, 'alerts of this map that have been told'),
		('alerts_told', 'kind', 'unusual, or target'),
		('alerts_told', 'metric', 'the figure, as metric_report has it'),
		('alerts_told', 'step', 'the step of the funnel that it is of, NULL if of none'),
		('alerts_told', 'by', 'what the figure is split by, NULL for all customers'),
		('alerts_told', 'by_value', 'and which part of it'),
		('alerts_told', 'week', 'the Monday of the week that it is about'),
		('alerts_told', 'sentence', 'what was told'),
		('alerts_told', 'told_at', 'when')) v(relation_name, column_name, comment)
	UNION ALL
	SELECT a.relation_name, a.column_name, a.comment FROM cjm_internal.audience_comments() a;
END;

COMMENT ON FUNCTION cjm_internal.steering_comments() IS 'the comments of what a map that is steered has beside its views';

CREATE FUNCTION cjm_internal.steering_note(arguments jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_in((arguments ->> 'map')::oid);
BEGIN
	PERFORM cjm_internal.steering_make(def, 'notes', 'at timestamptz NOT NULL, text text NOT NULL, written_at timestamptz NOT NULL DEFAULT now()');
	EXECUTE format('INSERT INTO %s.notes (at, text) VALUES ($1, $2)', cjm_internal.map_schema(def)) USING (arguments ->> 'at')::timestamptz, arguments ->> 'text';
	RETURN '{}';
END
$$;

COMMENT ON FUNCTION cjm_internal.steering_note(jsonb) IS 'task of note';

CREATE FUNCTION cjm.note(map text, at timestamptz, text text) RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF at IS NULL OR NOT isfinite(at) THEN
		RAISE invalid_parameter_value USING MESSAGE = format('a note has to be of a moment, not %s', coalesce(at::text, 'NULL'));
	ELSIF coalesce(text, '') = '' THEN
		RAISE invalid_parameter_value USING MESSAGE = 'a note has to say something', HINT = 'Such as cjm.note(''shop'', ''2026-03-02 09:00'', ''new checkout'').';
	END IF;
	PERFORM cjm_internal.steering_call(map, 'cjm_internal.steering_note'::regproc, jsonb_build_object('at', at, 'text', text));
	RETURN format('noted of %s: %s', at, text);
END
$$;

COMMENT ON FUNCTION cjm.note(text, timestamptz, text) IS
'writes down what happened and when, such as a relaunch or a campaign, in the table "notes" of a map of one''s own, which is made by the first, and says so: charts show it beside the figures, and change_report compares before and after';

CREATE FUNCTION cjm_internal.steering_aged(def cjm_internal.map, period text, age interval) RETURNS cjm_internal.map
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF age IS NULL AND cjm.funnel_within(def.stages) IS NULL THEN
		age := CASE lower(period) WHEN 'day' THEN interval '1 day' WHEN 'week' THEN interval '7 days' WHEN 'month' THEN interval '31 days'
			WHEN 'quarter' THEN interval '92 days' ELSE interval '366 days' END;
	END IF;
	IF age IS NOT NULL THEN
		def.stages := cjm_internal.funnel_limited(def.stages, age);
	END IF;
	RETURN def;
END
$$;

COMMENT ON FUNCTION cjm_internal.steering_aged(cjm_internal.map, text, interval) IS 'a map whose walks take no longer than an age, or where there is none and no time limit, than a period';

CREATE FUNCTION cjm_internal.steering_series_sql(def cjm_internal.map, figures text, period text, periods integer, from_time timestamptz, to_time timestamptz) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	length interval := cjm_internal.map_period(period);
	ends text := least(now(), to_time)::text;
BEGIN
	RETURN format('WITH f AS (
			SELECT m.metric, m.step, m.stage, m.by_value, m.bucket_start AT TIME ZONE %2$L AS day, m.n, m.value, m.low, m.high
			FROM (%1$s) m
			WHERE m.closed AND m.bucket_start >= %3$L::timestamptz AND m.bucket_start < timestamptz ''200000-01-01 00:00+00'' AND ((m.bucket_start AT TIME ZONE %2$L) + %4$L::interval) AT TIME ZONE %2$L <= %5$L::timestamptz
		), present AS (
			SELECT date_trunc(%7$L::text, (%5$L::timestamptz - %8$L::interval) AT TIME ZONE %2$L) - %4$L::interval AS day
		), lasts AS (
			SELECT l.metric, CASE WHEN l.metric = ''visits'' AND p.day > l.day AND p.day <= l.day + %6$s * %4$L::interval THEN p.day ELSE l.day END AS day
			FROM (SELECT f.metric, max(f.day) AS day FROM f GROUP BY f.metric) l CROSS JOIN present p
		), filled AS (
			SELECT f.metric, f.step, f.stage, f.by_value, f.day, l.day AS last, f.n, f.value, f.low, f.high FROM f JOIN lasts l ON l.metric = f.metric
			UNION ALL
			SELECT b.metric, NULL::integer, NULL::text, b.by_value, g.day, l.day, 0::bigint, 0::float8, NULL::float8, NULL::float8
			FROM (SELECT f.metric, f.by_value, min(f.day) AS first, array_agg(f.day) AS days FROM f WHERE f.metric = ANY (''{visits,revenue}''::text[]) GROUP BY f.metric, f.by_value) b
				JOIN lasts l ON l.metric = b.metric
				CROSS JOIN LATERAL generate_series(greatest(b.first, l.day - %6$s * %4$L::interval), l.day, %4$L::interval) g(day)
			WHERE g.day <> ALL (b.days)
		)
		SELECT s.metric, k.kind, k.place, s.step, s.stage, s.by_value, s.day, s.last, s.n, s.value, s.low, s.high
		FROM filled s JOIN cjm_internal.map_metrics() k ON k.metric = s.metric WHERE s.day > s.last - (%6$s + 1) * %4$L::interval',
		figures, (def).time_zone, from_time, length, ends, periods, lower(period), (def).session_gap);
END
$$;

COMMENT ON FUNCTION cjm_internal.steering_series_sql(cjm_internal.map, text, text, integer, timestamptz, timestamptz) IS 'SQL: the last periods of each figure that are over, at equal age';

CREATE FUNCTION cjm_internal.steering_holm_sql(p_value text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('CASE WHEN %1$s IS NOT NULL THEN max(least(1, %1$s * (c.tests + 1 - c.rank)::float8)) OVER (ORDER BY %1$s) END', p_value);

COMMENT ON FUNCTION cjm_internal.steering_holm_sql(text) IS 'SQL: a p-value of a row c, corrected for as many tests as there are, of which it has the rank-th smallest';

CREATE FUNCTION cjm_internal.steering_compare_sql(def cjm_internal.map, figures text, period text, against integer, from_time timestamptz, to_time timestamptz) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('SELECT c.metric, c.step, c.stage, c.by_value, c.bucket_start, c.n, c.value, c.usual, c.usual_low, c.usual_high, c.difference, c.difference_low, c.difference_high, c.p_value, %3$s AS adjusted_p_value, c.periods
		FROM (SELECT g.*, count(g.p_value) OVER () AS tests, row_number() OVER (ORDER BY g.p_value, g.place, g.step, g.by_value COLLATE "C") AS rank
			FROM (SELECT s.metric, s.place, s.step, s.stage, s.by_value, s.last AT TIME ZONE %2$L AS bucket_start, max(s.n) FILTER (WHERE s.day = s.last) AS n, count(*) - 1 AS periods,
					(cjm_internal.periods_compared(s.kind, array_agg(s.day = s.last ORDER BY s.day), array_agg(s.n ORDER BY s.day), array_agg(s.value ORDER BY s.day),
						array_agg(s.low ORDER BY s.day), array_agg(s.high ORDER BY s.day), NULL::float8)).*
				FROM (%1$s) s GROUP BY s.metric, s.kind, s.place, s.step, s.stage, s.by_value, s.last HAVING bool_or(s.day = s.last)) g) c
		ORDER BY c.place, c.step, c.by_value COLLATE "C"',
	cjm_internal.steering_series_sql(def, figures, period, against, from_time, to_time), (def).time_zone, cjm_internal.steering_holm_sql('c.p_value'));

COMMENT ON FUNCTION cjm_internal.steering_compare_sql(cjm_internal.map, text, text, integer, timestamptz, timestamptz) IS 'SQL of compare_report, of SQL of what metric_report has of a map that steering_aged has seen';

CREATE FUNCTION cjm_internal.steering_compare(map text, wanted text, period text, from_time timestamptz, to_time timestamptz, by text, where_is jsonb, against integer, age interval)
	RETURNS TABLE (metric text, step integer, stage text, by_value text, bucket_start timestamptz, n bigint, value float8, usual float8, usual_low float8, usual_high float8,
		difference float8, difference_low float8, difference_high float8, p_value float8, adjusted_p_value float8, periods bigint)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 30
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
BEGIN
	period := coalesce(period, 'week');
	against := coalesce(against, 8);
	IF NOT against BETWEEN 3 AND 1000 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('against must be 3 to 1000, not %s', against),
			HINT = 'It is how many periods before the last one are compared with it; of fewer than three nobody knows how much they differ.';
	END IF;
	PERFORM cjm_internal.map_ranged(from_time, to_time);
	def := cjm_internal.steering_aged(def, period, age);
	RETURN QUERY EXECUTE cjm_internal.steering_compare_sql(def, cjm_internal.map_metrics_sql(def, cjm_internal.map_metrics_of(def, wanted, by), period, by, false), period, against, coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity'));
END
$$;

COMMENT ON FUNCTION cjm_internal.steering_compare(text, text, text, timestamptz, timestamptz, text, jsonb, integer, interval) IS 'compare_report';

CREATE FUNCTION cjm.compare_report(
	map text,
	metric text DEFAULT NULL,
	period text DEFAULT 'week',
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	by text DEFAULT NULL,
	where_is jsonb DEFAULT NULL,
	against integer DEFAULT 8,
	age interval DEFAULT NULL)
	RETURNS TABLE (metric text, step integer, stage text, by_value text, bucket_start timestamptz, n bigint, value float8, usual float8, usual_low float8, usual_high float8,
		difference float8, difference_low float8, difference_high float8, p_value float8, adjusted_p_value float8, periods bigint)
	LANGUAGE sql STABLE PARALLEL RESTRICTED COST 10000 ROWS 30
BEGIN ATOMIC
	SELECT r.metric, r.step, r.stage, r.by_value, r.bucket_start, r.n, r.value, r.usual, r.usual_low, r.usual_high, r.difference, r.difference_low, r.difference_high, r.p_value, r.adjusted_p_value, r.periods
	FROM cjm_internal.steering_compare($1, $2, $3, $4, $5, $6, $7, $8, $9) r;
END;

COMMENT ON FUNCTION cjm.compare_report(text, text, text, timestamptz, timestamptz, text, jsonb, integer, interval) IS
'the last period that is over against those before it, figure by figure.
metric, period, by, where_is: as of metric_report; from_time, to_time: only periods that lie between
against: how many periods before it; age: only what walks had reached within so much time, so that the last period is over sooner; NULL: the time limit of the funnel, or where it has none as long as a period
n, value: of the last period that is over, which begins at bucket_start; periods: how many there are before it
usual: of those before; usual_low, usual_high: where the value lies in 95 of 100 periods in which nothing has changed, by how much periods differ from each other, which is more than chance makes customers differ
difference: value - usual, and its 95 % interval; p_value: two-sided, Student''s t; adjusted_p_value: for as many tests as there are rows (Holm): if nothing has changed, not one of all rows is at most 0.05 in 95 of 100 reports
NULL of fewer than three periods before, and of too few: 30 customers, sessions or purchases, and of a share 5 of each sort';

CREATE FUNCTION cjm_internal.steering_change(map text, at timestamptz, "window" interval, wanted text, by text, where_is jsonb, age interval)
	RETURNS TABLE (metric text, step integer, stage text, by_value text, weeks bigint, before_n bigint, before_value float8, after_n bigint, after_value float8,
		difference float8, difference_low float8, difference_high float8, p_value float8, adjusted_p_value float8)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 30
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	weeks integer;
BEGIN
	"window" := coalesce("window", '28 days');
	IF at IS NULL OR NOT isfinite(at) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('a change has to be at a moment, not %s', coalesce(at::text, 'NULL')),
			HINT = 'Moments that were noted are in the table "notes" of the map.';
	ELSIF extract(year FROM "window") <> 0 OR extract(month FROM "window") <> 0 OR mod(extract(epoch FROM "window"), 604800) <> 0 OR "window" < '7 days' OR "window" > '7000 days' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('the window must be whole weeks, not %s', "window"),
			HINT = 'Before and after then have the same days of the week: 28 days.';
	END IF;
	weeks := extract(epoch FROM "window") / 604800;
	-- day: the Monday; place in weeks after the first one that begins at the moment or later, or before that which it lies in.
	RETURN QUERY EXECUTE format('WITH f AS (
			SELECT m.metric, k.kind, k.place, m.step, m.stage, m.by_value, m.bucket_start AT TIME ZONE %2$L AS day, m.n, m.value, m.low, m.high
			FROM (%1$s) m JOIN cjm_internal.map_metrics() k ON k.metric = m.metric WHERE m.closed AND m.bucket_start < timestamptz ''200000-01-01 00:00+00''
		), moment AS (
			SELECT t.week AS before, CASE WHEN t.week = t.at THEN t.week ELSE t.week + interval ''7 days'' END AS after
			FROM (SELECT $1 AT TIME ZONE %2$L AS at, date_trunc(''week'', $1 AT TIME ZONE %2$L) AS week) t
		), spans AS (
			SELECT f.metric, least(%3$s, extract(day FROM max(f.day) - m.after)::integer / 7 + 1) AS weeks FROM f CROSS JOIN moment m WHERE f.day >= m.after GROUP BY f.metric, m.after
		), compared AS (
			SELECT f.metric, f.place, f.step, f.stage, f.by_value, s.weeks::bigint AS weeks, sum(f.n) FILTER (WHERE f.day < m.before)::bigint AS before_n, sum(f.n) FILTER (WHERE f.day >= m.after)::bigint AS after_n,
				(cjm_internal.periods_compared(f.kind, array_agg(f.day >= m.after ORDER BY f.day), array_agg(f.n ORDER BY f.day), array_agg(f.value ORDER BY f.day),
					array_agg(f.low ORDER BY f.day), array_agg(f.high ORDER BY f.day), NULL::float8)).*
			FROM f JOIN spans s ON s.metric = f.metric CROSS JOIN moment m
			WHERE f.day >= m.before - s.weeks * interval ''7 days'' AND f.day < m.before OR f.day >= m.after AND f.day < m.after + s.weeks * interval ''7 days''
			GROUP BY f.metric, f.kind, f.place, f.step, f.stage, f.by_value, s.weeks
		)
		SELECT c.metric, c.step, c.stage, c.by_value, c.weeks, c.before_n, c.usual, c.after_n, c.value, c.difference, c.difference_low, c.difference_high, c.p_value, %4$s
		FROM (SELECT g.*, count(g.p_value) OVER () AS tests, row_number() OVER (ORDER BY g.p_value, g.place, g.step, g.by_value COLLATE "C") AS rank FROM compared g) c
		ORDER BY c.place, c.step, c.by_value COLLATE "C"',
		cjm_internal.map_metrics_sql(cjm_internal.steering_aged(def, 'week', age), cjm_internal.map_metrics_of(def, wanted, by), 'week', by, false), def.time_zone, weeks, cjm_internal.steering_holm_sql('c.p_value')) USING at;
END
$$;

COMMENT ON FUNCTION cjm_internal.steering_change(text, timestamptz, interval, text, text, jsonb, interval) IS 'change_report';

CREATE FUNCTION cjm.change_report(
	map text,
	at timestamptz,
	"window" interval DEFAULT '28 days',
	metric text DEFAULT NULL,
	by text DEFAULT NULL,
	where_is jsonb DEFAULT NULL,
	age interval DEFAULT NULL)
	RETURNS TABLE (metric text, step integer, stage text, by_value text, weeks bigint, before_n bigint, before_value float8, after_n bigint, after_value float8,
		difference float8, difference_low float8, difference_high float8, p_value float8, adjusted_p_value float8)
	LANGUAGE sql STABLE PARALLEL RESTRICTED COST 10000 ROWS 30
BEGIN ATOMIC
	SELECT r.metric, r.step, r.stage, r.by_value, r.weeks, r.before_n, r.before_value, r.after_n, r.after_value, r.difference, r.difference_low, r.difference_high, r.p_value, r.adjusted_p_value
	FROM cjm_internal.steering_change($1, $2, $3, $4, $5, $6, $7) r;
END;

COMMENT ON FUNCTION cjm.change_report(text, timestamptz, interval, text, text, jsonb, interval) IS
'figures of the weeks before a moment and of as many after it, such as that of a relaunch: whether they differ by more than weeks do.
at: the moment; the week that it lies in is in neither, unless it is its beginning. window: whole weeks on each side, so that both have the same days of the week; fewer where not so many are over
metric, by, where_is: as of metric_report; age: as of compare_report
weeks: how many on each side; before_n, after_n: what the figures are shares or means of, in all; before_value, after_value: shares of all of them, else the mean week (of amounts and times that of their logarithms)
difference: after less before, and its 95 % interval; p_value: two-sided, Student''s t, by how much the weeks of one side differ; adjusted_p_value: for as many tests as there are rows (Holm)
NULL where there is one week on each side, and of too few. What else happened at the same time, a season perhaps, is in the difference, too.';

CREATE FUNCTION cjm_internal.steering_direction(metric text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN metric IN ('refusal_rate', 'median_time', 'median_total', 'bounce_rate', 'cpa') THEN 'at most' ELSE 'at least' END;

COMMENT ON FUNCTION cjm_internal.steering_direction(text) IS 'on which side of its target a figure is good, if nothing is said';

CREATE FUNCTION cjm_internal.steering_has_table(def cjm_internal.map, name text) RETURNS boolean
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relnamespace = (def).map AND c.relname = name AND c.relkind = 'r' AND c.relowner = n.nspowner);

COMMENT ON FUNCTION cjm_internal.steering_has_table(cjm_internal.map, text) IS 'whether a map has a table of that name that is its owner''s';

CREATE FUNCTION cjm_internal.steering_kpis_sql(def cjm_internal.map, what jsonb) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	figures text;
BEGIN
	SELECT string_agg(format('SELECT %L::text AS by, m.metric, m.step, m.stage, m.by_value, (m.bucket_start AT TIME ZONE %L)::date AS week, m.n, m.value, m.low, m.high FROM (%s) m WHERE m.closed',
			w ->> 'by', def.time_zone, cjm_internal.map_metrics_sql(def, ARRAY(SELECT jsonb_array_elements_text(w -> 'metrics')), 'week', w ->> 'by', false)), ' UNION ALL ') INTO figures
	FROM jsonb_array_elements(what) w;
	figures := coalesce(figures, 'SELECT NULL::text AS by, NULL::text AS metric, NULL::integer AS step, NULL::text AS stage, NULL::text AS by_value, NULL::date AS week, NULL::bigint AS n,
		NULL::float8 AS value, NULL::float8 AS low, NULL::float8 AS high WHERE false');
	RETURN format('WITH lines AS (
			SELECT DISTINCT t.metric, t.step, t.stage, t.by, t.by_value FROM %1$s.targets t
		), weeks AS (
			SELECT l.metric, l.step, l.stage, l.by, l.by_value, f.week, f.n, f.value, f.low, f.high, k.value AS target, k.direction, k.from_day,
				CASE k.direction WHEN ''at least'' THEN f.value >= k.value ELSE f.value <= k.value END AS met,
				row_number() OVER (PARTITION BY l.metric, l.step, l.stage, l.by, l.by_value ORDER BY f.week DESC) AS back
			FROM lines l LEFT JOIN (%2$s) f ON f.metric = l.metric AND f.step IS NOT DISTINCT FROM l.step AND f.stage IS NOT DISTINCT FROM l.stage
					AND f.by IS NOT DISTINCT FROM l.by AND f.by_value IS NOT DISTINCT FROM l.by_value
				LEFT JOIN LATERAL (SELECT t.value, t.direction, t.from_day FROM %1$s.targets t
					WHERE t.metric = l.metric AND t.step IS NOT DISTINCT FROM l.step AND t.stage IS NOT DISTINCT FROM l.stage AND t.by IS NOT DISTINCT FROM l.by AND t.by_value IS NOT DISTINCT FROM l.by_value
						AND t.from_day <= coalesce(f.week, ''infinity''::date) ORDER BY t.from_day DESC LIMIT 1) k ON true
		)
		SELECT w.metric, w.step, w.stage, w.by, w.by_value, w.week, w.n, w.value AS actual, w.low, w.high, w.target, w.direction, w.from_day, w.value - w.target AS gap, w.met,
			p.trend, CASE WHEN w.met IS NOT NULL THEN p.since END AS since
		FROM weeks w CROSS JOIN LATERAL (SELECT regr_slope(v.value, -v.back::float8 ORDER BY v.week) FILTER (WHERE v.back <= 8) AS trend,
				min(v.week) FILTER (WHERE v.back < coalesce((SELECT min(u.back) FROM weeks u WHERE u.metric = w.metric AND u.step IS NOT DISTINCT FROM w.step AND u.stage IS NOT DISTINCT FROM w.stage
					AND u.by IS NOT DISTINCT FROM w.by AND u.by_value IS NOT DISTINCT FROM w.by_value AND u.met IS DISTINCT FROM w.met), 9223372036854775807)) AS since
			FROM weeks v WHERE v.metric = w.metric AND v.step IS NOT DISTINCT FROM w.step AND v.stage IS NOT DISTINCT FROM w.stage
				AND v.by IS NOT DISTINCT FROM w.by AND v.by_value IS NOT DISTINCT FROM w.by_value) p
		WHERE w.back = 1
		ORDER BY (SELECT k.place FROM cjm_internal.map_metrics() k WHERE k.metric = w.metric), w.step, w.by COLLATE "C", w.by_value COLLATE "C"', cjm_internal.map_schema(def), figures);
END
$$;

COMMENT ON FUNCTION cjm_internal.steering_kpis_sql(cjm_internal.map, jsonb) IS 'SQL of the view kpis';

CREATE FUNCTION cjm_internal.steering_targeted(def cjm_internal.map) RETURNS jsonb
	LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	what jsonb;
BEGIN
	EXECUTE format('SELECT jsonb_agg(jsonb_build_object(''by'', g.by, ''metrics'', g.metrics) ORDER BY g.by COLLATE "C")
		FROM (SELECT t.by, jsonb_agg(DISTINCT t.metric) AS metrics FROM %s.targets t JOIN cjm_internal.map_metrics() k ON k.metric = t.metric
			WHERE cjm_internal.map_has_metric($1, t.metric) AND (t.by IS NULL OR t.by = ANY (cjm_internal.map_metric_words($1, k.family, true))) GROUP BY t.by) g', cjm_internal.map_schema(def)) INTO what USING def;
	RETURN what;
END
$$;

COMMENT ON FUNCTION cjm_internal.steering_targeted(cjm_internal.map) IS 'which figures of a map have targets: an array of objects, by and metrics; NULL if none has';

CREATE FUNCTION cjm_internal.steering_kpis(arguments jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_in((arguments ->> 'map')::oid);
	what jsonb;
BEGIN
	IF NOT cjm_internal.steering_has_table(def, 'targets') THEN
		RETURN '{}';
	END IF;
	-- What the map has no more is NULL in the view, which must not go on by what it had.
	what := coalesce(cjm_internal.steering_targeted(def), '[]');
	IF cjm_internal.steering_has(def, 'kpis') THEN
		EXECUTE format('CREATE OR REPLACE VIEW %s.kpis%s AS %s', cjm_internal.map_schema(def), CASE WHEN def.access = 'reader' THEN ' WITH (security_invoker = true)' END,
			cjm_internal.steering_kpis_sql(def, what));
	ELSE
		PERFORM cjm_internal.steering_make(def, 'kpis', cjm_internal.steering_kpis_sql(def, what));
	END IF;
	RETURN '{}';
END
$$;

COMMENT ON FUNCTION cjm_internal.steering_kpis(jsonb) IS 'task: makes the view kpis of a map that has targets, or makes it anew';

CREATE FUNCTION cjm_internal.steering_line(def cjm_internal.map, metric text, stage text, by text, by_value text) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	place integer;
	split text := coalesce(by, CASE WHEN by_value IS NOT NULL THEN 'segment' END);
BEGIN
	IF metric IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'metric of a target must not be NULL', HINT = 'Such as ''conversion'': metric_report has all of them.';
	END IF;
	PERFORM cjm_internal.map_metrics_of(def, metric, split);
	IF metric IN ('step_rate', 'median_time') THEN
		IF stage IS NULL THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('%s is of a stage: which one?', metric),
				HINT = 'Give its name, or the number of the step: stage => ''2''.';
		END IF;
		place := cjm_internal.map_step_of(def, stage);
	ELSIF stage IS NOT NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('%s is of no stage, and cannot be of "%s"', metric, left(stage, 100)),
			HINT = 'Of the stages are step_rate and median_time.';
	ELSIF metric IN ('conversion', 'median_total') THEN
		place := cjm_internal.map_completed_step(def);
	END IF;
	RETURN jsonb_build_object('metric', metric, 'step', place, 'stage', (SELECT r.stage FROM cjm.report(cjm.funnel_stats(def.stages)) r WHERE r.step = place), 'by', split, 'by_value', by_value);
END
$$;

COMMENT ON FUNCTION cjm_internal.steering_line(cjm_internal.map, text, text, text, text) IS 'the line that a target is of; an error if there is no such';

CREATE FUNCTION cjm_internal.steering_set_target(arguments jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_in((arguments ->> 'map')::oid);
	changed bigint;
BEGIN
	-- Two at a time would make the view at a time.
	PERFORM cjm_internal.map_lock_schema(def.map);
	PERFORM cjm_internal.steering_make(def, 'targets', 'metric text NOT NULL, step integer, stage text, by text, by_value text, direction text NOT NULL CHECK (direction IN (''at least'', ''at most'')),
		value float8 NOT NULL, from_day date NOT NULL DEFAULT ''-infinity'', set_at timestamptz NOT NULL DEFAULT now(), UNIQUE NULLS NOT DISTINCT (metric, step, stage, by, by_value, from_day)');
	IF arguments ? 'value' THEN
		EXECUTE format('INSERT INTO %s.targets AS t (metric, step, stage, by, by_value, direction, value, from_day)
			SELECT $1 ->> ''metric'', ($1 ->> ''step'')::integer, $1 ->> ''stage'', $1 ->> ''by'', $1 ->> ''by_value'', $1 ->> ''direction'', ($1 ->> ''value'')::float8, ($1 ->> ''from_day'')::date
			ON CONFLICT (metric, step, stage, by, by_value, from_day) DO UPDATE SET direction = excluded.direction, value = excluded.value, set_at = excluded.set_at', cjm_internal.map_schema(def)) USING arguments;
		changed := 1;
	ELSE
		EXECUTE format('DELETE FROM %s.targets t WHERE t.metric = $1 ->> ''metric'' AND t.step IS NOT DISTINCT FROM ($1 ->> ''step'')::integer AND t.stage IS NOT DISTINCT FROM $1 ->> ''stage''
			AND t.by IS NOT DISTINCT FROM $1 ->> ''by'' AND t.by_value IS NOT DISTINCT FROM $1 ->> ''by_value''', cjm_internal.map_schema(def)) USING arguments;
		GET DIAGNOSTICS changed = ROW_COUNT;
	END IF;
	PERFORM cjm_internal.steering_kpis(arguments);
	RETURN jsonb_build_object('changed', changed);
END
$$;

COMMENT ON FUNCTION cjm_internal.steering_set_target(jsonb) IS 'task of set_target and, without a value, of drop_target';

CREATE FUNCTION cjm.set_target(map text, metric text, value float8, stage text DEFAULT NULL, by_value text DEFAULT NULL, direction text DEFAULT NULL, from_day date DEFAULT NULL, by text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.steering_map(map);
	line jsonb := cjm_internal.steering_line(def, metric, stage, by, by_value);
	kind text := (SELECT m.kind FROM cjm_internal.map_metrics() m WHERE m.metric = set_target.metric);
	lowest float8 := CASE metric WHEN 'nps' THEN -100 WHEN 'ces' THEN 1 WHEN 'revenue' THEN '-Infinity'::float8 ELSE 0 END;
	highest float8 := CASE WHEN kind = 'rate' THEN 1 WHEN metric = 'nps' THEN 100 WHEN metric = 'ces' THEN 7 ELSE 'Infinity'::float8 END;
BEGIN
	direction := coalesce(direction, cjm_internal.steering_direction(metric));
	IF value IS NULL OR value = 'NaN' OR NOT value BETWEEN lowest AND highest OR value IN ('Infinity', '-Infinity') THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('a target of %s cannot be %s', metric, coalesce(value::text, 'NULL')),
			HINT = CASE WHEN kind = 'rate' THEN 'It is a share from 0 to 1.' WHEN kind = 'time' THEN 'It is a number of seconds.' WHEN metric = 'nps' THEN 'It is from -100 to 100.'
				WHEN metric = 'ces' THEN 'It is from 1 to 7.' ELSE 'It is a number, as metric_report has it.' END;
	ELSIF direction NOT IN ('at least', 'at most') THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('direction cannot be "%s"', left(direction, 100)),
			HINT = 'It is at least, where more is better, or at most.';
	END IF;
	PERFORM cjm_internal.steering_call(map, 'cjm_internal.steering_set_target'::regproc, line || jsonb_build_object('value', value, 'direction', direction, 'from_day', coalesce(from_day, '-infinity')));
	RETURN format('%s%s%s: %s %s%s', metric, ' at ' || (line ->> 'stage'), ', ' || (line ->> 'by') || ' ' || coalesce(line ->> 'by_value', 'unknown'), direction, value, ' from ' || from_day || ' on');
END
$$;

COMMENT ON FUNCTION cjm.set_target(text, text, float8, text, text, text, date, text) IS
'says what a figure of a map of one''s own is to reach, in its table "targets"; the view "kpis", which the first target makes, says whether it does. Says what it set.
metric, value: a figure as metric_report has it; times are in seconds. stage: of step_rate and median_time, the name of the stage or the number of its step
by, by_value: for a part, such as by => ''country'', by_value => ''LV''; of a by_value alone by is segment
direction: at least, or at most; NULL: at most of refusal_rate, median_time, median_total, bounce_rate and cpa, and at least of all others
from_day: of weeks that begin on it or later, until the day of another target of the same; NULL: of all. What was said of the same and the same day before is no more';

CREATE FUNCTION cjm.drop_target(map text, metric text, stage text DEFAULT NULL, by_value text DEFAULT NULL, by text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.steering_map(map);
	line jsonb := cjm_internal.steering_line(def, metric, stage, by, by_value);
	dropped bigint := 0;
BEGIN
	IF cjm_internal.steering_has_table(def, 'targets') THEN
		dropped := (cjm_internal.steering_call(map, 'cjm_internal.steering_set_target'::regproc, line) ->> 'changed')::bigint;
	END IF;
	IF dropped = 0 THEN
		RAISE undefined_object USING
			MESSAGE = format('%s has no target%s', metric, CASE WHEN line ->> 'by' IS NOT NULL THEN format(' for %s %s', line ->> 'by', coalesce(format('"%s"', left(by_value, 100)), 'unknown')) END),
			HINT = 'All targets are in the table "targets" of the map.';
	END IF;
	RETURN format('%s%s%s: %s dropped', metric, ' at ' || (line ->> 'stage'), ', ' || (line ->> 'by') || ' ' || coalesce(line ->> 'by_value', 'unknown'), CASE dropped WHEN 1 THEN 'one target' ELSE dropped || ' targets' END);
END
$$;

COMMENT ON FUNCTION cjm.drop_target(text, text, text, text, text) IS 'takes all targets of a figure away, or of a part of it, that set_target has set with the same arguments; says how many';

CREATE FUNCTION cjm_internal.steering_figure(kind text, value float8) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN CASE kind WHEN 'rate' THEN round((100 * value)::numeric, 1) || ' %'
	WHEN 'time' THEN CASE WHEN value < 120 THEN round(value::numeric, 1) || ' s' WHEN value < 7200 THEN round((value / 60)::numeric, 1) || ' min' WHEN value < 172800 THEN round((value / 3600)::numeric, 1) || ' h'
		ELSE round((value / 86400)::numeric, 1) || ' days' END
	WHEN 'score' THEN round(value::numeric, 1)::text WHEN 'count' THEN round(value)::text ELSE trim_scale(round(value::numeric, 2))::text END;

COMMENT ON FUNCTION cjm_internal.steering_figure(text, float8) IS 'a figure of a kind, as a sentence has it';

CREATE FUNCTION cjm_internal.steering_title(metric text, stage text, by text, by_value text) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN concat(replace(CASE WHEN metric IN ('cpa', 'roas', 'nps', 'csat', 'ces') THEN upper(metric) ELSE metric END, '_', ' '),
	CASE WHEN metric IN ('step_rate', 'median_time') THEN format(' to "%s"', left(stage, 100)) END, CASE WHEN by IS NOT NULL THEN format(' of %s %s', by, coalesce(format('"%s"', left(by_value, 100)), 'unknown')) END);

COMMENT ON FUNCTION cjm_internal.steering_title(text, text, text, text) IS 'what a sentence calls a line';

CREATE FUNCTION cjm_internal.steering_alerts(map text, wanted_to_time timestamptz, against integer, age interval)
	RETURNS TABLE (kind text, metric text, step integer, stage text, by text, by_value text, week date, n bigint, value float8, target float8, usual_low float8, usual_high float8, p_value float8, adjusted_p_value float8, sentence text)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000 ROWS 10
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.steering_aged(cjm_internal.map_of(map), 'week', age);
	targets text := 'SELECT NULL::text AS metric, NULL::integer AS step, NULL::text AS stage, NULL::text AS by, NULL::text AS by_value, NULL::text AS direction, NULL::float8 AS value, NULL::date AS from_day WHERE false';
	what jsonb;
	series text;
BEGIN
	against := coalesce(against, 8);
	IF NOT against BETWEEN 3 AND 1000 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('against must be 3 to 1000, not %s', against),
			HINT = 'It is how many weeks before the last one are compared with it; of fewer than three nobody knows how much they differ.';
	END IF;
	IF cjm_internal.steering_has_table(def, 'targets') THEN
		targets := format('SELECT t.metric, t.step, t.stage, t.by, t.by_value, t.direction, t.value, t.from_day FROM %s.targets t', cjm_internal.map_schema(def));
		what := cjm_internal.steering_targeted(def);
	END IF;
	SELECT string_agg(format('SELECT %L::text AS by, s.* FROM (%s) s', w.by, cjm_internal.steering_series_sql(def, cjm_internal.map_metrics_sql(def, w.metrics, 'week', w.by, false), 'week', against, '-infinity', coalesce(wanted_to_time, 'infinity'))), ' UNION ALL ') INTO series
	FROM (SELECT NULL::text AS by, cjm_internal.map_metrics_of(def, NULL::text, NULL::text) AS metrics
		UNION ALL SELECT j ->> 'by', ARRAY(SELECT jsonb_array_elements_text(j -> 'metrics')) FROM jsonb_array_elements(what) j WHERE j ->> 'by' IS NOT NULL) w;
	RETURN QUERY EXECUTE format('WITH targets AS (%2$s), series AS (%1$s), lines AS (
			SELECT s.by, s.metric, s.kind, s.place, s.step, s.stage, s.by_value, s.last, max(s.n) FILTER (WHERE s.day = s.last) AS n, k.target, k.direction,
				(cjm_internal.periods_compared(s.kind, array_agg(s.day = s.last ORDER BY s.day), array_agg(s.n ORDER BY s.day), array_agg(s.value ORDER BY s.day), array_agg(s.low ORDER BY s.day), array_agg(s.high ORDER BY s.day), k.target)).*
			FROM series s LEFT JOIN LATERAL (SELECT t.value AS target, t.direction FROM targets t
				WHERE t.metric = s.metric AND t.step IS NOT DISTINCT FROM s.step AND t.stage IS NOT DISTINCT FROM s.stage AND t.by IS NOT DISTINCT FROM s.by AND t.by_value IS NOT DISTINCT FROM s.by_value AND t.from_day <= s.last
				ORDER BY t.from_day DESC LIMIT 1) k ON true
			WHERE s.by IS NULL OR k.target IS NOT NULL
			GROUP BY s.by, s.metric, s.kind, s.place, s.step, s.stage, s.by_value, s.last, k.target, k.direction HAVING bool_or(s.day = s.last)
		), tested AS (
			SELECT ''unusual'' AS alert, l.*, l.p_value AS p FROM lines l WHERE l.by IS NULL AND l.p_value IS NOT NULL
			UNION ALL
			SELECT ''target'', l.*, CASE l.direction WHEN ''at least'' THEN l.p_below ELSE l.p_above END FROM lines l WHERE l.target IS NOT NULL AND l.p_below IS NOT NULL
		)
		SELECT a.alert, a.metric, a.step, a.stage, a.by, a.by_value, a.last::date, a.n, a.value, a.target, a.usual_low, a.usual_high, a.p, a.adjusted,
			format(''%%s: %%s in the week of %%s, %%s'', cjm_internal.steering_title(a.metric, a.stage, a.by, a.by_value), cjm_internal.steering_figure(a.kind, a.value), to_char(a.last, ''YYYY-MM-DD''),
				CASE a.alert WHEN ''target'' THEN format(''%%s the target of %%s'', CASE a.direction WHEN ''at least'' THEN ''below'' ELSE ''above'' END, cjm_internal.steering_figure(a.kind, a.target))
					ELSE format(''%%s its usual range of %%s to %%s'', CASE WHEN a.value < a.usual THEN ''below'' ELSE ''above'' END, cjm_internal.steering_figure(a.kind, a.usual_low), cjm_internal.steering_figure(a.kind, a.usual_high)) END)
		FROM (SELECT c.*, %3$s AS adjusted FROM (SELECT t.*, count(*) OVER () AS tests, row_number() OVER (ORDER BY t.p, t.alert, t.place, t.step, t.by COLLATE "C", t.by_value COLLATE "C") AS rank FROM tested t) c) a
		WHERE a.adjusted <= 0.05 ORDER BY a.rank', series, targets, cjm_internal.steering_holm_sql('c.p'));
END
$$;

COMMENT ON FUNCTION cjm_internal.steering_alerts(text, timestamptz, integer, interval) IS 'alerts';

CREATE FUNCTION cjm.alerts(map text, to_time timestamptz DEFAULT 'infinity', against integer DEFAULT 8, age interval DEFAULT NULL)
	RETURNS TABLE (kind text, metric text, step integer, stage text, by text, by_value text, week date, n bigint, value float8, target float8, usual_low float8, usual_high float8, p_value float8, adjusted_p_value float8, sentence text)
	LANGUAGE sql STABLE PARALLEL RESTRICTED COST 10000 ROWS 10
BEGIN ATOMIC
	SELECT a.kind, a.metric, a.step, a.stage, a.by, a.by_value, a.week, a.n, a.value, a.target, a.usual_low, a.usual_high, a.p_value, a.adjusted_p_value, a.sentence FROM cjm_internal.steering_alerts($1, $2, $3, $4) a;
END;

COMMENT ON FUNCTION cjm.alerts(text, timestamptz, integer, interval) IS
'what of the figures of a map is below target or outside its usual range in the last week that is over, with enough evidence, one sentence each, the surest first.
to_time, against, age: as of compare_report
kind: unusual, for a figure that differs from the weeks before by more than weeks do, or target, for one that misses its target by more than weeks are off by themselves
p_value: of that, two-sided for unusual, one-sided for target; adjusted_p_value: for as many tests as there are (Holm), at most 0.05: where nothing is wrong 19 of 20 lists are empty
For a target that is missed by less there is the view kpis.';

CREATE FUNCTION cjm_internal.steering_tell(arguments jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_in((arguments ->> 'map')::oid);
	name text := (SELECT n.nspname FROM pg_namespace n WHERE n.oid = def.map);
	alert record;
	is_new boolean;
	told jsonb := '[]';
BEGIN
	PERFORM cjm_internal.steering_make(def, 'alerts_told', 'kind text NOT NULL, metric text NOT NULL, step integer, by text, by_value text, week date NOT NULL, sentence text NOT NULL, told_at timestamptz NOT NULL DEFAULT now(),
		UNIQUE NULLS NOT DISTINCT (kind, metric, step, by, by_value, week)');
	FOR alert IN SELECT a.kind, a.metric, a.step, a.stage, a.by AS split, a.by_value AS part, a.week, a.value, a.target, a.sentence FROM cjm.alerts(name, 'infinity'::timestamptz, (arguments ->> 'against')::integer, (arguments ->> 'age')::interval) a
	LOOP
		-- Who tells the same at the same time is waited for, and then it is told.
		EXECUTE format('INSERT INTO %s.alerts_told AS t (kind, metric, step, by, by_value, week, sentence) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING true', cjm_internal.map_schema(def))
			INTO is_new USING alert.kind, alert.metric, alert.step, alert.split, left(alert.part, 500), alert.week, alert.sentence;
		CONTINUE WHEN is_new IS NULL;
		PERFORM pg_notify('cjm_alert', json_build_object('map', name, 'kind', alert.kind, 'metric', alert.metric, 'step', alert.step, 'stage', left(alert.stage, 100), 'by', alert.split, 'by_value', left(alert.part, 100),
			'week', alert.week, 'value', alert.value, 'target', alert.target, 'sentence', alert.sentence)::text);
		told := told || to_jsonb(alert.sentence);
	END LOOP;
	RETURN told;
END
$$;

COMMENT ON FUNCTION cjm_internal.steering_tell(jsonb) IS 'task of check_alerts';

CREATE FUNCTION cjm.check_alerts(map text, against integer DEFAULT 8, age interval DEFAULT NULL) RETURNS SETOF text
	LANGUAGE plpgsql VOLATILE ROWS 5
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY SELECT t FROM jsonb_array_elements_text(cjm_internal.steering_call(map, 'cjm_internal.steering_tell'::regproc, jsonb_build_object('against', against, 'age', age::text))) t;
END
$$;

COMMENT ON FUNCTION cjm.check_alerts(text, integer, interval) IS
'tells the alerts of a map of one''s own that have not been told yet: each is sent as NOTIFY cjm_alert, with its fields as JSON, noted in the table "alerts_told", which the first call makes, and its sentence returned. Of a week each is told once. For a scheduler';

CREATE FUNCTION cjm_internal.steering_describe(arguments jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_in((arguments ->> 'map')::oid);
	said text;
BEGIN
	PERFORM cjm_internal.steering_make(def, 'stage_notes', 'stage text NOT NULL, persona text, quote text, pain text, action text, owner text, described_at timestamptz NOT NULL DEFAULT now(),
		UNIQUE NULLS NOT DISTINCT (stage, persona)');
	-- What is not given stays as it is, and what is empty goes.
	EXECUTE format('INSERT INTO %s.stage_notes AS n (stage, persona, quote, pain, action, owner)
		SELECT $1 ->> ''stage'', $1 ->> ''persona'', nullif($1 ->> ''quote'', ''''), nullif($1 ->> ''pain'', ''''), nullif($1 ->> ''action'', ''''), nullif($1 ->> ''owner'', '''')
		ON CONFLICT (stage, persona) DO UPDATE SET described_at = excluded.described_at,
			quote = CASE WHEN $1 ->> ''quote'' IS NULL THEN n.quote ELSE excluded.quote END, pain = CASE WHEN $1 ->> ''pain'' IS NULL THEN n.pain ELSE excluded.pain END,
			action = CASE WHEN $1 ->> ''action'' IS NULL THEN n.action ELSE excluded.action END, owner = CASE WHEN $1 ->> ''owner'' IS NULL THEN n.owner ELSE excluded.owner END',
		cjm_internal.map_schema(def)) USING arguments;
	EXECUTE format('DELETE FROM %s.stage_notes n WHERE n.stage = $1 ->> ''stage'' AND n.persona IS NOT DISTINCT FROM $1 ->> ''persona'' AND coalesce(n.quote, n.pain, n.action, n.owner) IS NULL',
		cjm_internal.map_schema(def)) USING arguments;
	EXECUTE format('SELECT concat_ws('', '', CASE WHEN n.quote IS NOT NULL THEN ''quote'' END, CASE WHEN n.pain IS NOT NULL THEN ''pain'' END, CASE WHEN n.action IS NOT NULL THEN ''action'' END, CASE WHEN n.owner IS NOT NULL THEN ''owner'' END)
		FROM %s.stage_notes n WHERE n.stage = $1 ->> ''stage'' AND n.persona IS NOT DISTINCT FROM $1 ->> ''persona''', cjm_internal.map_schema(def)) INTO said USING arguments;
	RETURN to_jsonb(format('%s%s: %s', arguments ->> 'stage', ', ' || (arguments ->> 'persona'), coalesce(said, 'nothing is said of it any more')));
END
$$;

COMMENT ON FUNCTION cjm_internal.steering_describe(jsonb) IS 'task of describe_stage; says what is written now';

CREATE FUNCTION cjm.describe_stage(map text, stage text, persona text DEFAULT NULL, quote text DEFAULT NULL, pain text DEFAULT NULL, action text DEFAULT NULL, owner text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.steering_map(map);
	place integer;
	long record;
BEGIN
	IF stage IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'stage must not be NULL', HINT = 'Give its name, or the number of the step: stage => ''2''.';
	ELSIF coalesce(quote, pain, action, owner) IS NULL THEN
		RAISE invalid_parameter_value USING MESSAGE = 'nothing is said of the stage', HINT = 'Such as cjm.describe_stage(''shop'', ''cart'', quote => ''Where is the price of delivery?'', owner => ''Logistics''). An empty text takes away what was said.';
	END IF;
	SELECT w.name, length(w.said) AS letters INTO long FROM (VALUES ('persona', persona), ('quote', quote), ('pain', pain), ('action', action), ('owner', owner)) w(name, said) WHERE length(w.said) > 1000 LIMIT 1;
	IF FOUND THEN
		RAISE invalid_parameter_value USING MESSAGE = format('%s has %s characters', long.name, long.letters), HINT = 'A stage of a drawing has room for a sentence or two: 1000 at most.';
	END IF;
	place := cjm_internal.map_step_of(def, stage, 1);
	RETURN cjm_internal.steering_call(map, 'cjm_internal.steering_describe'::regproc, jsonb_build_object('stage', (SELECT r.stage FROM cjm.report(cjm.funnel_stats(def.stages)) r WHERE r.step = place),
		'persona', nullif(persona, ''), 'quote', quote, 'pain', pain, 'action', action, 'owner', owner)) #>> '{}';
END
$$;

COMMENT ON FUNCTION cjm.describe_stage(text, text, text, text, text, text, text) IS
'writes down what is known of a stage of a map of one''s own, in its table "stage_notes", which is made by the first, and says what is written of it now: map_svg shows it.
stage: its name, or the number of its step; persona: of whom it is said, such as a value of a dimension; NULL for everybody
quote: what a customer says; pain: what hurts; action, owner: what is done about it, and by whom. What is NULL stays as it was, an empty text takes it away';

CREATE FUNCTION cjm_internal.audience_stage_names(stages cjm.funnel) RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 100
	SET search_path = pg_catalog, pg_temp
RETURN ARRAY(SELECT min(s.stage) FROM cjm.funnel_stages(stages) s WHERE s.step IS NOT NULL GROUP BY s.step ORDER BY s.step);

COMMENT ON FUNCTION cjm_internal.audience_stage_names(cjm.funnel) IS 'the names of the stages of a funnel, by their numbers';

CREATE FUNCTION cjm_internal.audience_step(stages cjm.funnel, stage text) RETURNS integer
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 100
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT coalesce(min(s.step) FILTER (WHERE s.stage = audience_step.stage), min(s.step) FILTER (WHERE s.step::text = audience_step.stage)) FROM cjm.funnel_stages(stages) s);

COMMENT ON FUNCTION cjm_internal.audience_step(cjm.funnel, text) IS 'the number of a stage by its name, or by itself; NULL if there is none';

CREATE FUNCTION cjm_internal.audience_stage_events(stages cjm.funnel, stage text) RETURNS cjm.funnel
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 100
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT string_agg(coalesce('"' || replace(s.event, '"', '""') || '"', '*') || coalesce('@"' || replace(s.channel, '"', '""') || '"', ''), ' | ')::cjm.funnel
	FROM cjm.funnel_stages(stages) s WHERE s.step = (SELECT min(n.step) FROM cjm.funnel_stages(stages) n WHERE n.stage = audience_stage_events.stage));

COMMENT ON FUNCTION cjm_internal.audience_stage_events(cjm.funnel, text) IS 'the events of a stage by its name, as a funnel of one stage; NULL if there is none';

CREATE FUNCTION cjm_internal.audience_customers(map text) RETURNS regclass
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN format('%s.customers', cjm_internal.map_schema(cjm_internal.map_of(map)))::regclass;
END
$$;

COMMENT ON FUNCTION cjm_internal.audience_customers(text) IS 'the view customers of a map, the columns of which conditions of audiences are over';

CREATE FUNCTION cjm_internal.audience_check_name(name text) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF name IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'the name of the audience is NULL';
	ELSIF name = '' OR octet_length(name) > 54 OR name ~ '[[:cntrl:]]' OR name = ANY ('{members,changes,consumers,state}'::text[]) THEN
		RAISE invalid_name USING
			MESSAGE = format('an audience cannot be called "%s"', left(name, 64)),
			HINT = 'Its name has 1 to 54 bytes, since its view is called audience_ and that, no control characters, and is not members, changes, consumers or state, which are tables.';
	END IF;
END
$$;

COMMENT ON FUNCTION cjm_internal.audience_check_name(text) IS 'an error if an audience cannot have a name';

CREATE FUNCTION cjm_internal.audience_view(def cjm_internal.map, name text, kind text) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	names text[] := cjm_internal.audience_view_names(def.map);
	known text[] := ARRAY(SELECT substr(v, 10) FROM unnest(names) v WHERE v LIKE 'audience\_%');
BEGIN
	PERFORM cjm_internal.audience_check_name(name);
	IF kind || '_' || name <> ALL (names) THEN
		RAISE undefined_object USING
			MESSAGE = format('the map %s has no audience "%s"', cjm_internal.map_schema(def), name),
			HINT = CASE WHEN known = '{}' THEN 'It has none; cjm.create_audience makes one.'
				ELSE cjm_internal.map_words_hint(known, name, 'It has ') END;
	END IF;
	RETURN format('%s.%I', cjm_internal.map_schema(def), kind || '_' || name);
END
$$;

COMMENT ON FUNCTION cjm_internal.audience_view(cjm_internal.map, text, text) IS 'SQL: the view of an audience that is called audience_ or meets_ and its name; an error if there is none';

CREATE FUNCTION cjm_internal.audience_held_out_sql(map cjm_internal.map, holdout float8, salt bigint) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	hash text := format('hash_record_extended(ROW(j.customer), %L::bigint)', salt);
BEGIN
	IF holdout = 0 THEN
		RETURN 'false';
	END IF;
	BEGIN
		EXECUTE format('SELECT hash_record_extended(ROW((SELECT j.customer FROM %s.journeys j WHERE false)), 0)', cjm_internal.map_schema(map));
	EXCEPTION WHEN undefined_function THEN
		hash := format('hashtextextended(j.customer::text COLLATE "C", %L::bigint)', salt);
	END;
	RETURN format('((%s & 1073741823)::float8 < %L::float8 * 1073741824::float8)', hash, holdout);
END
$$;

COMMENT ON FUNCTION cjm_internal.audience_held_out_sql(cjm_internal.map, float8, bigint) IS 'SQL: whether the customer of a row j is held out';

CREATE FUNCTION cjm_internal.audience_customers_sql(map cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN regexp_replace(cjm_internal.map_customers_sql(map), '^SELECT ', 'SELECT j.journey, ');

COMMENT ON FUNCTION cjm_internal.audience_customers_sql(cjm_internal.map) IS 'SQL of the view customer_journeys';

CREATE FUNCTION cjm_internal.audience_customers_make(def cjm_internal.map) RETURNS boolean
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(def);
BEGIN
	IF def.access = 'reader' THEN
		RETURN false;
	END IF;
	PERFORM cjm_internal.steering_make(def, 'customer_journeys', cjm_internal.audience_customers_sql(def));
	RETURN ARRAY(SELECT a.attname FROM pg_attribute a WHERE a.attrelid = format('%s.customers', schema)::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum)
		= ARRAY(SELECT a.attname FROM pg_attribute a WHERE a.attrelid = format('%s.customer_journeys', schema)::regclass AND a.attnum > 1 AND NOT a.attisdropped ORDER BY a.attnum);
END
$$;

COMMENT ON FUNCTION cjm_internal.audience_customers_make(cjm_internal.map) IS 'makes the view customer_journeys of a map, where it is not there yet; whether it has the columns of customers';

CREATE FUNCTION cjm_internal.audience_customers_follow(arguments jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_in((arguments ->> 'map')::oid);
BEGIN
	IF cjm_internal.steering_has(def, 'customer_journeys') THEN
		EXECUTE format('CREATE OR REPLACE VIEW %s.customer_journeys WITH (security_invoker = %s) AS %s', cjm_internal.map_schema(def), def.access = 'reader', cjm_internal.audience_customers_sql(def));
	END IF;
	RETURN '{}';
END
$$;

COMMENT ON FUNCTION cjm_internal.audience_customers_follow(jsonb) IS 'task: makes the view customer_journeys of a map anew, if there is one';

CREATE FUNCTION cjm_internal.audience_sql(map cjm_internal.map, at_stage text, condition text, not_after text, after_stage boolean, quiet_for interval, since interval, include_open boolean, held_out text, at_once boolean)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(map);
	-- What the view customers does not have is asked of journeys.
	of_journey boolean := at_stage IS NOT NULL OR coalesce((map).where_is ? 'first_channel', false);
	-- Worked out once, and not for each customer.
	earliest text := CASE WHEN since IS NOT NULL THEN format('(SELECT cjm_internal.map_shift(now(), %L::interval, m.time_zone))', -since) END;
	latest text := CASE WHEN quiet_for IS NOT NULL THEN format('(SELECT cjm_internal.map_shift(now(), %L::interval, m.time_zone))', -quiet_for) END;
	came text := CASE WHEN at_stage IS NOT NULL THEN format('cjm_internal.stage_since(j.journey, m.stages, cjm_internal.audience_step(m.stages, %L::text), %s, %s%s)', at_stage,
			coalesce(earliest, '''-infinity''::timestamptz'), coalesce(latest, '''infinity''::timestamptz'),
			CASE WHEN not_after IS NOT NULL THEN format(CASE WHEN after_stage THEN ', cjm_internal.audience_stage_events(m.stages, %L::text)' ELSE ', %L::cjm.funnel' END, not_after) END)
		WHEN of_journey THEN 'cjm_internal.last_at(j.journey)' ELSE 'j.last_seen' END;
	-- NULL is not later: the planner takes more rows for what is not NULL than for what is later.
	conditions text[] := CASE WHEN at_stage IS NOT NULL THEN ARRAY[came || ' > ''-infinity''::timestamptz'] ELSE array_remove(ARRAY[came || ' >= ' || earliest, came || ' <= ' || latest], NULL) END;
	source text := CASE WHEN NOT of_journey THEN format('(SELECT customers.customer, customers.segment, customers.dimensions, customers.stage, customers.last_seen, customers.open FROM %s.customers WHERE %s) j', schema, condition)
		WHEN condition IS NULL THEN format('%s.journeys j', schema)
		WHEN at_once THEN format('(SELECT customers.customer, customers.segment, customers.dimensions, customers.journey FROM %s.customer_journeys customers WHERE %s) j', schema, condition)
		ELSE format('%1$s.journeys j JOIN (SELECT customers.customer FROM %1$s.customers WHERE %2$s) c ON c.customer %3$s j.customer', schema, condition, cjm_internal.kept_equals(map)) END;
	which text := cjm_internal.map_where(map, 'AND', cjm_internal.map_words(map));
BEGIN
	IF at_stage IS NOT NULL AND condition IS NULL THEN
		-- Without the offset the time would be worked out where it is asked for and where it is shown.
		source := format('%s CROSS JOIN LATERAL (SELECT %s AS since FROM (VALUES (1)) one OFFSET ''0'') s', source, came);
		came := 's.since';
		conditions := ARRAY['s.since > ''-infinity''::timestamptz'];
	END IF;
	IF NOT include_open THEN
		conditions := conditions || CASE WHEN of_journey THEN 'NOT (cjm.funnel_open(j.journey, m.stages, now()) AND CASE WHEN m.refusal IS NULL THEN true
				ELSE cjm.funnel_refused(j.journey, m.stages, m.refusal, now()) IS NULL END)'
			ELSE 'NOT j.open' END;
	END IF;
	RETURN format('SELECT j.customer, %s AS since, %s AS stage, j.dimensions, %s AS held_out FROM %s.map m CROSS JOIN %s WHERE %s%s',
		came,
		CASE WHEN of_journey THEN '(cjm_internal.audience_stage_names(m.stages))[cjm.funnel_step(j.journey, m.stages)]' ELSE 'j.stage' END,
		held_out, schema, source, coalesce(nullif(array_to_string(conditions, ' AND '), ''), 'true'), which);
END
$$;

COMMENT ON FUNCTION cjm_internal.audience_sql(cjm_internal.map, text, text, text, boolean, interval, interval, boolean, text, boolean) IS 'SQL: who meets the condition of an audience';

CREATE FUNCTION cjm_internal.audience_lock(def cjm_internal.map, name text, command text) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	waits CONSTANT text := current_setting('lock_timeout');
BEGIN
	FOR attempt IN 1 .. 20
	LOOP
		BEGIN
			PERFORM cjm_internal.map_lock_views(def.map, ARRAY['audience_' || name, 'meets_' || name], 0.3);
			PERFORM set_config('lock_timeout', '300ms', true);
			EXECUTE command;
			PERFORM set_config('lock_timeout', waits, true);
			RETURN;
		EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
			IF attempt = 20 THEN
				RAISE lock_not_available USING
					MESSAGE = format('the views of the audience "%s" are being read', name),
					HINT = 'Try again when the transactions that read them are over: pg_locks and pg_stat_activity tell which they are.';
			END IF;
			PERFORM pg_sleep(0.1 + 0.2 * random());
		END;
	END LOOP;
END
$$;

COMMENT ON FUNCTION cjm_internal.audience_lock(cjm_internal.map, text, text) IS 'does what changes the views of an audience when nobody reads them, without a deadlock with readers';

CREATE FUNCTION cjm_internal.audience_tables(def cjm_internal.map) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(def);
	key text := cjm_internal.audience_key(def, '');
BEGIN
	PERFORM cjm_internal.steering_make(def, 'audiences', 'name text PRIMARY KEY, at_stage text, condition text, not_after text, after_stage boolean, quiet_for interval, since interval, where_is jsonb,
		include_open boolean NOT NULL, holdout float8 NOT NULL, salt bigint NOT NULL, made_at timestamptz NOT NULL, refreshed_at timestamptz, took interval, members bigint,
		asked bigint, asked_at timestamptz, asked_folded bigint, asked_under text');
	PERFORM cjm_internal.steering_make(def, 'audience_members', format('audience text NOT NULL, customer %s NOT NULL, entered_at timestamptz NOT NULL, left_at timestamptz, since timestamptz,
		stage text, dimensions jsonb, held_out boolean NOT NULL', key));
	PERFORM cjm_internal.steering_make(def, 'audience_changes', format('number bigint PRIMARY KEY, audience text NOT NULL, customer %s NOT NULL, change text NOT NULL, at timestamptz NOT NULL,
		since timestamptz, stage text, dimensions jsonb', key));
	PERFORM cjm_internal.steering_make(def, 'audience_consumers', 'consumer text PRIMARY KEY, taken bigint NOT NULL, taken_at timestamptz');
	PERFORM cjm_internal.steering_make(def, 'audience_state', 'one boolean PRIMARY KEY DEFAULT true CHECK (one), last_change bigint NOT NULL DEFAULT 0');
	-- There are no arrays of arrays: of such keys all are asked (9981-audience_asked.sql).
	IF key !~ '\]' THEN
		PERFORM cjm_internal.steering_make(def, 'audience_touched', format('folded bigint NOT NULL, changes bigint NOT NULL, customers %s NOT NULL', cjm_internal.audience_key(def, '[]')));
	END IF;
	-- A row that a refresh has updated is waited for by ON CONFLICT, so it is looked for first.
	EXECUTE format('INSERT INTO %1$s.audience_state SELECT true, 0 WHERE NOT EXISTS (SELECT FROM %1$s.audience_state) ON CONFLICT DO NOTHING', schema);
END
$$;

COMMENT ON FUNCTION cjm_internal.audience_tables(cjm_internal.map) IS 'makes the tables of a map that has audiences, where they are not there yet';

CREATE FUNCTION cjm_internal.audience_map(arguments jsonb) RETURNS cjm_internal.map
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_in((arguments ->> 'map')::oid);
BEGIN
	IF def.map IS NULL THEN
		RAISE undefined_object USING MESSAGE = 'another session has dropped the map at the same time';
	END IF;
	PERFORM cjm_internal.map_check_owner(def.map);
	RETURN def;
END
$$;

COMMENT ON FUNCTION cjm_internal.audience_map(jsonb) IS 'the definition of the map that a task is about';

CREATE FUNCTION cjm_internal.audience_make(arguments jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
	SET TimeZone = 'UTC' SET DateStyle = 'ISO, MDY' SET IntervalStyle = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex'
	SET lc_monetary = 'C' SET quote_all_identifiers = off SET xmloption = content SET array_nulls = on SET transform_null_equals = off
	SET standard_conforming_strings = on
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.audience_map(arguments);
	schema text := cjm_internal.map_schema(def);
	given record;
	old record;
	condition text;
	views text[];
	made record;
	names text[];
	after_stage boolean;
	at_once boolean := false;
BEGIN
	SELECT a.* INTO given FROM jsonb_to_record(arguments) a(name text, at_stage text, condition text, not_after text, quiet_for interval, since interval, where_is jsonb, include_open boolean, holdout float8, replace boolean);
	IF NOT cjm_internal.map_lock_schema(def.map) THEN
		RAISE undefined_object USING MESSAGE = 'another session has dropped the map at the same time';
	END IF;
	def := cjm_internal.audience_map(arguments);
	def.where_is := nullif(given.where_is, 'null');
	after_stage := cjm_internal.audience_stage_events(def.stages, given.not_after) IS NOT NULL;
	-- Read again here, so that no other text becomes part of a view whoever calls this.
	condition := cjm_internal.map_expression(format('%s.customers', schema)::regclass, given.condition, 'condition', def.time_zone);
	PERFORM cjm_internal.audience_tables(def);
	views := ARRAY['audience_' || given.name, 'meets_' || given.name];
	EXECUTE format('SELECT a.* FROM %s.audiences a WHERE a.name = $1', schema) INTO old USING given.name;
	names := cjm_internal.audience_view_names(def.map);
	IF NOT given.replace AND (old.name IS NOT NULL OR views && names) THEN
		RAISE duplicate_object USING
			MESSAGE = format('the map %s has an audience "%s" already', schema, given.name),
			HINT = 'With replace => true it is made anew and its members stay; cjm.drop_audience takes it away.';
	ELSIF EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = def.map AND c.relname = ANY (views::name[]) AND c.relname <> ALL (names::name[])) THEN
		RAISE duplicate_table USING
			MESSAGE = format('there is something else called %s or %s in the map %s', views[1], views[2], schema),
			HINT = 'Choose another name for the audience.';
	ELSIF old.holdout <> given.holdout THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('the holdout of the audience "%s" is %s and stays it, not %s', given.name, old.holdout, given.holdout),
			HINT = 'Whoever was addressed cannot be held out any more. Make another audience.';
	END IF;
	IF condition IS NOT NULL AND (given.at_stage IS NOT NULL OR coalesce(def.where_is ? 'first_channel', false)) THEN
		at_once := cjm_internal.audience_customers_make(def);
	END IF;
	-- Names of audiences, not of maps, decide who is held out, so that a map can be renamed and restored.
	given.holdout := coalesce(given.holdout, old.holdout, 0);
	old.salt := coalesce(old.salt, hashtextextended(given.name COLLATE "C", 23));
	PERFORM cjm_internal.audience_lock(def, given.name, format('CREATE OR REPLACE VIEW %1$s.%2$I WITH (security_invoker = %6$s) AS %4$s; CREATE OR REPLACE VIEW %1$s.%3$I WITH (security_barrier = true, security_invoker = %6$s) AS %5$s', schema, views[2], views[1],
		cjm_internal.audience_sql(def, given.at_stage, condition, given.not_after, after_stage, given.quiet_for, given.since, given.include_open, cjm_internal.audience_held_out_sql(def, given.holdout, old.salt), at_once),
		format('SELECT v.customer, v.since, v.stage, v.dimensions FROM %s.%I v WHERE NOT v.held_out', schema, views[2]), def.access = 'reader'));
	FOR made IN SELECT v.view, c.name, c.comment FROM unnest(views) v(view) CROSS JOIN (VALUES
			(NULL, NULL), ('customer', 'the key of the customer'), ('since', 'when they came to meet the condition, as far as the data tells: came to the stage, or were seen last'),
			('stage', 'how far they have come in the funnel'), ('dimensions', 'their dimensions by their names'), ('held_out', 'whether they are held out, and so not to be addressed')) c(name, comment)
		WHERE c.name IS DISTINCT FROM 'held_out' OR v.view = views[2]
	LOOP
		IF made.name IS NULL THEN
			EXECUTE format('COMMENT ON VIEW %s.%I IS %L', schema, made.view, 'audience of this map: ' || CASE made.view WHEN views[1] THEN 'whom to address, without those who are held out' ELSE 'who meets its condition, held out or not' END);
		ELSE
			EXECUTE format('COMMENT ON COLUMN %s.%I.%I IS %L', schema, made.view, made.name, made.comment);
		END IF;
	END LOOP;
	EXECUTE format('INSERT INTO %s.audiences AS a (name, at_stage, condition, not_after, after_stage, quiet_for, since, where_is, include_open, holdout, salt, made_at)
		VALUES ($1, $2, $3, $4, $11, $5, $6, $7, $8, $9, $10, clock_timestamp())
		ON CONFLICT (name) DO UPDATE SET at_stage = excluded.at_stage, condition = excluded.condition, not_after = excluded.not_after, after_stage = excluded.after_stage, quiet_for = excluded.quiet_for, since = excluded.since,
			where_is = excluded.where_is, include_open = excluded.include_open, made_at = excluded.made_at', schema)
		USING given.name, given.at_stage, condition, given.not_after, given.quiet_for, given.since, def.where_is, given.include_open, given.holdout, old.salt, CASE WHEN given.not_after IS NOT NULL THEN after_stage END;
	RETURN to_jsonb(format('%s.%I', schema, views[1]));
END
$$;

COMMENT ON FUNCTION cjm_internal.audience_make(jsonb) IS 'a task: makes an audience, or makes it anew';

CREATE FUNCTION cjm_internal.audience_create(map text, name text, at_stage text, condition text, not_after text, quiet_for interval, since interval, where_is jsonb, include_open boolean, holdout float8, replace boolean)
	RETURNS regclass
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	SET IntervalStyle = 'postgres' SET extra_float_digits = 1
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	wrong text;
	step integer;
BEGIN
	PERFORM cjm_internal.audience_check_name(name);
	IF at_stage IS NULL AND condition IS NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('the audience "%s" has neither a stage nor a condition', name),
			HINT = format('Say whom it is: at_stage => %L, or condition => ''converted''.', (cjm_internal.audience_stage_names(def.stages))[1]);
	ELSIF at_stage IS NULL AND not_after IS NOT NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'not_after is about what was done since the customer came to a stage, but there is no at_stage',
			HINT = 'Say the stage, or ask for it in the condition, as with "NOT converted".';
	END IF;
	SELECT i.name INTO wrong FROM (VALUES ('quiet_for', quiet_for), ('since', since)) i(name, value) WHERE i.value < interval '0' OR (i.name = 'since' AND i.value = interval '0') LIMIT 1;
	IF FOUND THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('%s must be a time span that is not negative, not %s', wrong, CASE wrong WHEN 'since' THEN since ELSE quiet_for END),
			HINT = 'Such as since => ''7 days'', for those of the last seven days, and quiet_for => ''1 hour''.';
	ELSIF NOT coalesce(holdout, 0) BETWEEN 0 AND 0.9 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('holdout must be from 0 to 0.9, not %s', holdout),
			HINT = 'It is the share of the customers that is not addressed, so that the others can be compared with them: 0.1 is one of ten.';
	END IF;
	step := cjm_internal.audience_step(def.stages, at_stage);
	IF at_stage IS NOT NULL AND step IS NULL THEN
		RAISE undefined_object USING
			MESSAGE = format('the map "%s" has no stage "%s"', map, at_stage),
			HINT = cjm_internal.map_words_hint(cjm_internal.audience_stage_names(def.stages), at_stage, 'Its stages are ');
	END IF;
	PERFORM cjm_internal.map_check_list('not_after', coalesce(cjm_internal.audience_stage_events(def.stages, not_after), not_after::cjm.funnel), def.channel);
	PERFORM cjm_internal.map_where(def, 'AND', cjm_internal.map_words(def));
	RETURN (cjm_internal.steering_call(map, 'cjm_internal.audience_make'::regproc, jsonb_build_object('name', name, 'at_stage', at_stage, 'condition', condition, 'not_after', not_after,
		'quiet_for', quiet_for::text, 'since', since::text, 'where_is', where_is, 'include_open', coalesce(include_open, true), 'holdout', holdout::text, 'replace', coalesce(replace, false))) #>> '{}')::regclass;
END
$$;

COMMENT ON FUNCTION cjm_internal.audience_create(text, text, text, text, text, interval, interval, jsonb, boolean, float8, boolean) IS 'checks what create_audience is asked for, and makes it';

CREATE FUNCTION cjm.create_audience(
	map text,
	name text,
	at_stage text DEFAULT NULL,
	condition text DEFAULT NULL,
	not_after text DEFAULT NULL,
	quiet_for interval DEFAULT NULL,
	since interval DEFAULT NULL,
	where_is jsonb DEFAULT NULL,
	include_open boolean DEFAULT true,
	holdout float8 DEFAULT NULL,
	replace boolean DEFAULT false) RETURNS regclass
	LANGUAGE sql VOLATILE
RETURN cjm_internal.audience_create(map, name, at_stage,
	cjm_internal.map_expression(cjm_internal.audience_customers(map), condition, 'condition', (cjm_internal.map_of(map, NULL::jsonb)).time_zone),
	not_after, quiet_for, since, where_is, include_open, holdout, replace);

COMMENT ON FUNCTION cjm.create_audience(text, text, text, text, text, interval, interval, jsonb, boolean, float8, boolean) IS
'makes an audience of a map: its view is audience_ and the name, and is returned
at_stage: a stage that its members have come to, by name or number, the last time that a walk ended with it
condition: an expression over the columns of the view customers
not_after: a stage, or events such as ''order | cancel'', that they have not done since they came to at_stage
quiet_for: how long they have done nothing, at least; since: how long ago they came to at_stage, or without one were seen, at most
where_is: which customers, by dimensions and first_channel; include_open: whether those belong to it who may yet go on by themselves
holdout: a share of the customers that is marked and never handed out, to compare the others with; NULL is none, or what it was
replace: whether an audience of that name is made anew; its members stay until a refresh sees that they are none';

CREATE FUNCTION cjm.audience(map text, name text) RETURNS TABLE (customer text, since timestamptz, stage text, dimensions jsonb)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 1000
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT v.customer::text, v.since, v.stage, v.dimensions FROM %s v', cjm_internal.audience_view(cjm_internal.map_of(map), name, 'audience'));
END
$$;

COMMENT ON FUNCTION cjm.audience(text, text) IS
	'the customers of an audience now, without those who are held out: their key as text, when they came to meet its condition, how far they have come, and their dimensions';

CREATE FUNCTION cjm_internal.audience_drop(arguments jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.audience_map(arguments);
	schema text := cjm_internal.map_schema(def);
	name text := arguments ->> 'name';
	found boolean;
	members bigint;
	changes bigint;
BEGIN
	PERFORM cjm_internal.map_lock_schema(def.map);
	def := cjm_internal.audience_map(arguments);
	PERFORM cjm_internal.audience_view(def, name, 'audience');
	PERFORM cjm_internal.audience_tables(def);
	EXECUTE format('SELECT true FROM %s.audience_state FOR UPDATE SKIP LOCKED', schema) INTO found;
	IF found IS NULL THEN
		RAISE object_in_use USING MESSAGE = format('the audiences of the map %s are being refreshed', schema), HINT = 'Try again when that is over.';
	END IF;
	PERFORM cjm_internal.audience_lock(def, name, format('DROP VIEW %1$s.%2$I; DROP VIEW IF EXISTS %1$s.%3$I', schema, 'audience_' || name, 'meets_' || name));
	EXECUTE format('WITH gone AS (DELETE FROM %s.audience_members m WHERE m.audience = $1 RETURNING m.left_at) SELECT count(*) FROM gone g WHERE g.left_at IS NULL', schema) INTO members USING name;
	EXECUTE format('DELETE FROM %s.audience_changes c WHERE c.audience = $1', schema) USING name;
	GET DIAGNOSTICS changes = ROW_COUNT;
	EXECUTE format('DELETE FROM %s.audiences a WHERE a.name = $1', schema) USING name;
	PERFORM cjm_internal.audience_unseen(def);
	RETURN to_jsonb(format('%s: dropped, with %s members and %s changes', name, members, changes));
END
$$;

COMMENT ON FUNCTION cjm_internal.audience_drop(jsonb) IS 'a task: takes an audience away';

CREATE FUNCTION cjm.drop_audience(map text, name text) RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM cjm_internal.audience_check_name(name);
	RETURN cjm_internal.steering_call(map, 'cjm_internal.audience_drop'::regproc, jsonb_build_object('name', name)) #>> '{}';
END
$$;

COMMENT ON FUNCTION cjm.drop_audience(text, text) IS 'takes an audience away: its views, its members and all its changes, taken or not; says how many';

CREATE FUNCTION cjm_internal.view_is(map_view regclass, query text) RETURNS boolean
	AS 'MODULE_PATHNAME', 'view_is'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000;

COMMENT ON FUNCTION cjm_internal.view_is(regclass, text) IS 'whether a view selects what a query does, which is read and not run';

CREATE FUNCTION cjm_internal.condition_is_steady(query text, columns text[]) RETURNS boolean
	AS 'MODULE_PATHNAME', 'condition_is_steady'
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000;

COMMENT ON FUNCTION cjm_internal.condition_is_steady(text, text[]) IS 'whether the condition of a query over one view is the same at all times for a row of it, asks for these columns alone, and calls nothing that somebody could replace';

CREATE FUNCTION cjm_internal.differing_add(state bytea, customer "any", written boolean, seed bigint) RETURNS bytea
	AS 'MODULE_PATHNAME', 'differing_add'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;

COMMENT ON FUNCTION cjm_internal.differing_add(bytea, "any", boolean, bigint) IS 'transition function of differing_agg';

CREATE FUNCTION cjm_internal.differing_combine(state bytea, other bytea) RETURNS bytea
	AS 'MODULE_PATHNAME', 'differing_combine'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;

COMMENT ON FUNCTION cjm_internal.differing_combine(bytea, bytea) IS 'combine function of differing_agg';

CREATE FUNCTION cjm_internal.differing_final(state bytea) RETURNS bytea
	AS 'MODULE_PATHNAME', 'differing_final'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;

COMMENT ON FUNCTION cjm_internal.differing_final(bytea) IS 'final function of differing_agg';

CREATE AGGREGATE cjm_internal.differing_agg(customer "any", written boolean, seed bigint) (
	SFUNC = cjm_internal.differing_add,
	STYPE = bytea,
	SSPACE = 524304,
	COMBINEFUNC = cjm_internal.differing_combine,
	FINALFUNC = cjm_internal.differing_final,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE cjm_internal.differing_agg("any", boolean, bigint) IS
	'customers who are either written down or not: their keys, for differing_keys, where these are numbers, uuids or short texts, and of others the places, by a hash of keys with a seed, for may_differ; NULL if there are none. Each customer is once among each';

CREATE FUNCTION cjm_internal.differing_add(state bytea, customer "any", written boolean, seed bigint, "row" bigint) RETURNS bytea
	AS 'MODULE_PATHNAME', 'differing_add'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;

COMMENT ON FUNCTION cjm_internal.differing_add(bytea, "any", boolean, bigint, bigint) IS 'transition function of differing_agg';

CREATE AGGREGATE cjm_internal.differing_agg(customer "any", written boolean, seed bigint, "row" bigint) (
	SFUNC = cjm_internal.differing_add,
	STYPE = bytea,
	SSPACE = 786448,
	COMBINEFUNC = cjm_internal.differing_combine,
	FINALFUNC = cjm_internal.differing_final,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE cjm_internal.differing_agg("any", boolean, bigint, bigint) IS
	'the same of customers and of all else that is known of them, of which a hash is given: who is written down with another has a key that is read twice, and nobody whose is not read is found by may_differ';

CREATE FUNCTION cjm_internal.differing_keys(places bytea, example anyarray) RETURNS anyarray
	AS 'MODULE_PATHNAME', 'differing_keys'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;

COMMENT ON FUNCTION cjm_internal.differing_keys(bytea, anyarray) IS 'the customers whose keys differing_agg has read; the example decides the type';

CREATE FUNCTION cjm_internal.differing_left(places bytea) RETURNS boolean
	AS 'MODULE_PATHNAME', 'differing_left'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;

COMMENT ON FUNCTION cjm_internal.differing_left(bytea) IS 'whether differing_agg has found customers whose keys it has not read, for whom may_differ asks';

CREATE FUNCTION cjm_internal.may_differ(places bytea, customer "any") RETURNS boolean
	AS 'MODULE_PATHNAME', 'may_differ'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 0.1;

COMMENT ON FUNCTION cjm_internal.may_differ(bytea, "any") IS 'whether a customer may be one of those that differing_agg has found and not read: most that it is true of are';

CREATE FUNCTION cjm_internal.audience_key(def cjm_internal.map, suffix text) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT format_type(a.atttypid, a.atttypmod) || suffix || coalesce((SELECT format(' COLLATE %I.%I', n.nspname, l.collname) FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace
		WHERE l.oid = a.attcollation AND l.collname <> 'default'), '')
	FROM pg_attribute a WHERE a.attrelid = format('%s.journeys', cjm_internal.map_schema(def))::regclass AND a.attname = 'customer');

COMMENT ON FUNCTION cjm_internal.audience_key(cjm_internal.map, text) IS 'SQL: the type of the keys of a map''s customers, with a suffix such as [] and its collation';

CREATE FUNCTION cjm_internal.audience_touched(def cjm_internal.map) RETURNS regclass
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspowner = c.relowner
	WHERE c.relnamespace = (def).map AND c.relname = 'audience_touched' AND c.relkind = 'r' AND obj_description(c.oid, 'pg_class') =
		(SELECT s.comment FROM cjm_internal.audience_comments() s WHERE s.relation_name = 'audience_touched' AND s.column_name IS NULL)
	AND (SELECT a.atttypid FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'customers') =
		(SELECT t.typarray FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = format('%s.journeys', cjm_internal.map_schema(def))::regclass AND a.attname = 'customer'));

COMMENT ON FUNCTION cjm_internal.audience_touched(cjm_internal.map) IS 'the table of those whose journeys were folded since audiences were refreshed; NULL if there is none';

CREATE FUNCTION cjm_internal.audience_touched_sql(def cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN coalesce((SELECT format(',
		touched AS (INSERT INTO %1$s (folded, changes, customers)
			SELECT s.folded + g.changes, g.changes, ARRAY(SELECT n.customer FROM new n)
			FROM %2$s.kept_state s CROSS JOIN (SELECT count(*) AS changes FROM gone) g
			WHERE g.changes BETWEEN 1 AND 100000 AND (SELECT coalesce(sum(t.changes), 0) FROM %1$s t) < 1000000)', t.relation, cjm_internal.map_schema(def))
	FROM (SELECT cjm_internal.audience_touched(def) AS relation) t WHERE t.relation IS NOT NULL), '');

COMMENT ON FUNCTION cjm_internal.audience_touched_sql(cjm_internal.map) IS 'SQL: what lets a fold write down for the audiences of a map whose journeys it changes; empty if none asks';

CREATE FUNCTION cjm_internal.audience_index_make(def cjm_internal.map, asks boolean, by_seen boolean, by_since boolean) RETURNS boolean
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
	SET lock_timeout = '300ms'
AS $$
DECLARE
	schema text := cjm_internal.map_schema(def);
	made record;
BEGIN
	FOR made IN SELECT i.name, i.what FROM (VALUES (true, 'audience_members_audience_idx', 'audience_members (audience) WHERE left_at IS NULL'),
			(asks, 'audience_members_customer', 'audience_members (customer) WHERE left_at IS NULL'),
			(by_since, 'audience_members_since', 'audience_members (audience, since) WHERE left_at IS NULL'),
			(by_seen, 'audience_seen', 'kept_journeys ((cjm_internal.last_at(journey)))')) i(needed, name, what)
		WHERE i.needed AND to_regclass(format('%s.%I', schema, i.name)) IS NULL
	LOOP
		EXECUTE format('CREATE INDEX %I ON %s.%s', made.name, schema, made.what);
	END LOOP;
	RETURN true;
EXCEPTION WHEN lock_not_available OR deadlock_detected OR object_in_use OR program_limit_exceeded THEN
	RETURN false;
END
$$;

COMMENT ON FUNCTION cjm_internal.audience_index_make(cjm_internal.map, boolean, boolean, boolean) IS
	'makes the index on the members of audiences, and if asked for those that a refresh needs to ask some, by when customers were seen and members came; false if that is not possible now';

CREATE FUNCTION cjm_internal.audience_indexes(def cjm_internal.map) RETURNS text[]
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	audience record;
	without text[] := '{}';
BEGIN
	PERFORM cjm_internal.audience_index_make(def, false, false, false);
	FOR audience IN EXECUTE format('SELECT a.name, a.asked_under NOT LIKE ''%%, by the clock'' AS by_time, a.quiet_for IS NOT NULL OR NOT a.include_open OR a.since IS NOT NULL AND a.at_stage IS NULL AS by_seen,
			a.since IS NOT NULL AND a.at_stage IS NOT NULL AS by_since
		FROM %s.audiences a WHERE a.asked_under IS NOT NULL AND a.asked IS NULL ORDER BY a.name COLLATE "C"', cjm_internal.map_schema(def))
	LOOP
		IF NOT cjm_internal.audience_index_make(def, true, audience.by_time AND audience.by_seen, audience.by_time AND audience.by_since) THEN
			without := without || audience.name::text;
		END IF;
	END LOOP;
	RETURN without;
END
$$;

COMMENT ON FUNCTION cjm_internal.audience_indexes(cjm_internal.map) IS 'makes the indexes that the audiences of a map need which were asked of all; says of which some cannot be asked, since there was no making one';

CREATE FUNCTION cjm_internal.audience_index_drop_sql(def cjm_internal.map, index text, relation text) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT format('DROP INDEX %s', c.oid::regclass) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace AND n.nspowner = t.relowner
	WHERE c.relname = audience_index_drop_sql.index AND c.relnamespace = (def).map AND t.relname = audience_index_drop_sql.relation);

COMMENT ON FUNCTION cjm_internal.audience_index_drop_sql(cjm_internal.map, text, text) IS 'SQL: drops an index of a relation of a map, where there is one';

CREATE FUNCTION cjm_internal.audience_unkeep_sql(def cjm_internal.map) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN cjm_internal.audience_index_drop_sql(def, 'audience_members_customer', 'audience_members');

COMMENT ON FUNCTION cjm_internal.audience_unkeep_sql(cjm_internal.map) IS 'SQL: drops the index on the keys of the members of audiences, where there is one, of a map whose journeys are kept no more';

CREATE FUNCTION cjm_internal.audience_unseen(def cjm_internal.map) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
	SET lock_timeout = '300ms'
AS $$
DECLARE
	command text := cjm_internal.audience_index_drop_sql(def, 'audience_seen', 'kept_journeys');
	asks boolean;
BEGIN
	EXECUTE format('SELECT EXISTS (SELECT FROM %s.audiences a WHERE a.quiet_for IS NOT NULL OR NOT a.include_open OR (a.since IS NOT NULL AND a.at_stage IS NULL))', cjm_internal.map_schema(def)) INTO asks;
	IF NOT asks AND command IS NOT NULL THEN
		EXECUTE command;
	END IF;
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
	NULL;
END
$$;

COMMENT ON FUNCTION cjm_internal.audience_unseen(cjm_internal.map) IS 'drops the index on when customers were seen if no audience of a map asks by it, where nobody reads';

CREATE FUNCTION cjm_internal.audience_under(def cjm_internal.map, name text) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	SET TimeZone = 'UTC' SET DateStyle = 'ISO, MDY' SET IntervalStyle = 'postgres' SET extra_float_digits = 1
AS $$
DECLARE
	schema text := cjm_internal.map_schema(def);
	under text;
BEGIN
	EXECUTE format('SELECT md5(ROW(pg_postmaster_start_time(), s.built_at, s.fingerprint, a.at_stage, a.condition, a.not_after, a.after_stage, a.quiet_for, a.since, a.where_is, a.include_open, a.holdout, a.salt,
			(SELECT array_agg(ROW(r.ev_class, r.oid, r.xmin)::text ORDER BY r.oid) FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
				WHERE c.relnamespace = $2 AND c.relname = ANY (ARRAY[''map'', ''events'', ''journeys'', ''customers'', ''customer_journeys'', ''meets_'' || a.name]::name[])),
			(SELECT array_agg(ROW(c.oid, c.relfilenode)::text ORDER BY c.oid) FROM pg_class c
				WHERE c.relnamespace = $2 AND c.relname = ANY (''{kept_journeys,kept_deciders,kept_changes,kept_state,audience_touched,audience_members}''::name[])))::text)
		FROM %1$s.audiences a CROSS JOIN %1$s.kept_state s WHERE a.name = $1', schema) INTO under USING name, def.map::oid;
	RETURN under;
END
$$;

COMMENT ON FUNCTION cjm_internal.audience_under(cjm_internal.map, text) IS 'a hash of what the answers of an audience stand on beside the journeys, of a map that keeps them';

CREATE FUNCTION cjm_internal.audience_goes_by(def cjm_internal.map, audience jsonb) RETURNS text
	LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	SET TimeZone = 'UTC' SET DateStyle = 'ISO, MDY' SET IntervalStyle = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex'
	SET lc_monetary = 'C' SET quote_all_identifiers = off SET xmloption = content SET array_nulls = on SET transform_null_equals = off
	SET standard_conforming_strings = on
AS $$
DECLARE
	schema text := cjm_internal.map_schema(def);
	at_once boolean := cjm_internal.steering_has(def, 'customer_journeys');
	a record;
	steady boolean;
BEGIN
	SELECT r.* INTO a FROM jsonb_to_record(audience) r(name text, at_stage text, condition text, not_after text, after_stage boolean, quiet_for interval, since interval, where_is jsonb, include_open boolean, holdout float8, salt bigint);
	IF NOT cjm_internal.view_is(format('%s.journeys', schema)::regclass, cjm_internal.map_journeys_sql(cjm_internal.kept_definition(def))) OR a.condition IS NOT NULL AND NOT (
			cjm_internal.view_is(format('%s.customers', schema)::regclass, cjm_internal.map_customers_sql(def))
			AND (NOT at_once OR cjm_internal.view_is(format('%s.customer_journeys', schema)::regclass, cjm_internal.audience_customers_sql(def)))) THEN
		RETURN NULL;
	END IF;
	steady := (a.include_open OR cjm.funnel_within(def.stages) IS NOT NULL) AND (a.condition IS NULL OR cjm_internal.condition_is_steady(format('SELECT FROM %s.customers WHERE %s', schema, a.condition),
			'{customer,segment,step,stage,entered_at,reached_at,step_times,converted,sessions,conversions,touches,value,gross_value,first_seen,last_seen,last_event,last_purchase_at,frequency,monetary,gross_monetary,current_step,current_stage,current_at,dimensions}'));
	def.where_is := nullif(a.where_is, 'null');
	RETURN CASE WHEN cjm_internal.view_is(format('%s.%I', schema, 'meets_' || a.name)::regclass, cjm_internal.audience_sql(def, a.at_stage, a.condition, a.not_after, coalesce(a.after_stage, false), a.quiet_for, a.since, a.include_open,
		cjm_internal.audience_held_out_sql(def, a.holdout, a.salt), at_once)) THEN CASE WHEN steady THEN 'seen' ELSE 'clock' END END;
EXCEPTION WHEN OTHERS THEN
	RETURN NULL;
END
$$;

COMMENT ON FUNCTION cjm_internal.audience_goes_by(cjm_internal.map, jsonb) IS
	'what beside journeys changes who is in an audience, a row of audiences: "seen" if it is time, by when they were seen and came alone, "clock" if it may be anything; NULL if nobody knows what its views say';

CREATE FUNCTION cjm_internal.audience_asked(map oid, name text, example anyarray) RETURNS anyarray
	LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_in(map);
	schema text := cjm_internal.map_schema(def);
	view text := format('%s.%I', schema, 'meets_' || name);
	seen CONSTANT text := ' UNION ALL SELECT k.customer FROM %1$s.kept_journeys k WHERE cjm_internal.last_at(k.journey) ';
	asked text := 'SELECT unnest(t.customers) AS customer FROM %1$s.audience_touched t WHERE t.folded > $3 UNION ALL SELECT g.customer FROM %1$s.kept_changes g';
	a record;
	by_clock boolean;
	quiet tstzrange;
	came tstzrange;
	complete boolean;
	places bytea;
	found example%TYPE := '{}';
	customers example%TYPE;
BEGIN
	EXECUTE format('SELECT a.* FROM %s.audiences a WHERE a.name = $1', schema) INTO a USING name;
	by_clock := a.asked_under LIKE '%, by the clock';
	IF split_part(a.asked_under, ',', 1) IS DISTINCT FROM cjm_internal.audience_under(def, name) OR to_regclass(format('%s.audience_members_customer', schema)) IS NULL OR now() < a.asked_at OR cjm_internal.kept_is(cjm_internal.kept_state(def.map), 2, '') THEN
		RETURN NULL;
	END IF;
	EXECUTE format('SELECT s.folded - $1 = (SELECT coalesce(sum(t.changes), 0) FROM %1$s.audience_touched t WHERE t.folded > $1) FROM %1$s.kept_state s', schema) INTO complete USING a.asked_folded;
	IF NOT complete THEN
		RETURN NULL;
	END IF;
	-- Days and months are the calendar's, by which an hour later may be further back.
	came := cjm_internal.audience_between(a.asked_at, now(), a.since, def.time_zone);
	quiet := cjm_internal.audience_between(a.asked_at, now(), a.quiet_for, def.time_zone);
	IF by_clock THEN
		EXECUTE format('SELECT cjm_internal.differing_agg(u.customer, u.written, %3$s) FROM (SELECT v.customer, false AS written FROM %2$s v UNION ALL SELECT m.customer, true FROM %1$s.audience_members m WHERE m.audience = $1 AND m.left_at IS NULL) u',
			schema, view, hashtextextended(gen_random_uuid()::text, 0)) INTO places USING name;
		IF places IS NOT NULL THEN
			found := cjm_internal.differing_keys(places, example);
			asked := asked || ' UNION ALL SELECT unnest($8)';
		END IF;
		IF cjm_internal.differing_left(places) THEN
			asked := asked || ' UNION ALL SELECT d.customer FROM (SELECT v.customer FROM %2$s v WHERE cjm_internal.may_differ($7, v.customer)
				UNION ALL SELECT m.customer FROM %1$s.audience_members m WHERE m.audience = $1 AND m.left_at IS NULL AND cjm_internal.may_differ($7, m.customer)) d GROUP BY d.customer HAVING count(*) = 1';
		END IF;
	ELSIF isempty(came) OR isempty(quiet) THEN
		RETURN NULL;
	ELSE
		IF quiet IS NOT NULL THEN
			asked := asked || seen || 'BETWEEN lower($4) AND upper($4)';
		END IF;
		IF came IS NOT NULL AND a.at_stage IS NULL THEN
			asked := asked || seen || 'BETWEEN lower($5) AND upper($5)';
		ELSIF came IS NOT NULL THEN
			asked := asked || ' UNION ALL SELECT m.customer FROM %1$s.audience_members m WHERE m.audience = $1 AND m.left_at IS NULL AND m.since BETWEEN lower($5) AND upper($5)';
		END IF;
		IF NOT a.include_open THEN
			asked := asked || seen || '>= $6';
		END IF;
	END IF;
	EXECUTE format('SELECT array_agg(u.customer) FROM (SELECT DISTINCT w.customer FROM (' || asked || ') w LIMIT (SELECT 1000 + c.reltuples / 16 FROM pg_class c WHERE c.oid = $2)) u', schema, view)
		INTO customers USING name, format('%s.kept_journeys', schema)::regclass, a.asked_folded, quiet, came, a.asked_at - make_interval(secs => 1 + extract(epoch FROM cjm.funnel_within(def.stages))::float8), places, found;
	RETURN CASE WHEN cardinality(customers) < 1000 + (SELECT c.reltuples / 16 FROM pg_class c WHERE c.oid = format('%s.kept_journeys', schema)::regclass) THEN customers WHEN customers IS NULL THEN '{}' END;
END
$$;

COMMENT ON FUNCTION cjm_internal.audience_asked(oid, text, anyarray) IS 'the customers who may have come into an audience or left it since it was refreshed; NULL if all have to be asked. The example is an array that decides the type';

CREATE FUNCTION cjm_internal.audience_between(before timestamptz, after timestamptz, span interval, time_zone text) RETURNS tstzrange
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN (SELECT CASE WHEN s.first <= s.last THEN tstzrange(s.first, s.last, '[]') ELSE 'empty' END
	FROM (SELECT cjm_internal.map_shift(before, -span, time_zone) AS first, cjm_internal.map_shift(after, -span, time_zone) AS last) s);

COMMENT ON FUNCTION cjm_internal.audience_between(timestamptz, timestamptz, interval, text) IS 'from what was so long ago before to what was so long ago after; empty if that goes backwards';

CREATE FUNCTION cjm_internal.audience_differ_sql(def cjm_internal.map, view text, asked boolean) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('SELECT w.place, n.customer IS NOT NULL AS is_member, n.customer, n.since, n.stage, n.dimensions, n.held_out
		FROM (SELECT v.customer, v.since, v.stage, v.dimensions, v.held_out FROM %2$s v%4$s OFFSET ''0'') n
			FULL JOIN (SELECT m.ctid AS place, m.customer, m.since, m.stage, m.dimensions FROM %1$s.audience_members m WHERE m.audience = $1 AND m.left_at IS NULL%5$s) w ON n.customer %3$s w.customer
		WHERE w.place IS NULL OR n.customer IS NULL OR n.since IS DISTINCT FROM w.since OR n.stage IS DISTINCT FROM w.stage OR NOT coalesce(cjm_internal.map_dimensions_same(n.dimensions, w.dimensions), n.dimensions IS NOT DISTINCT FROM w.dimensions)',
	cjm_internal.map_schema(def), view, cjm_internal.kept_equals(def), CASE WHEN asked THEN format(' WHERE v.customer %s ANY ($2)', cjm_internal.kept_equals(def)) END,
	CASE WHEN asked THEN format(' AND m.customer %s ANY ($2)', cjm_internal.kept_equals(def)) END);

COMMENT ON FUNCTION cjm_internal.audience_differ_sql(cjm_internal.map, text, boolean) IS 'SQL: who meets the condition of an audience $1 and is no member, or a member with other columns, or is a member and does not; of all customers, or of some, $2';

CREATE FUNCTION cjm_internal.audience_differ(map oid, name text, asked anyarray)
	RETURNS TABLE (place tid, is_member boolean, customer anyelement, since timestamptz, stage text, dimensions jsonb, held_out boolean)
	LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED ROWS 100
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF cardinality(asked) = 0 THEN
		RETURN;
	END IF;
	RETURN QUERY EXECUTE cjm_internal.audience_differ_sql(cjm_internal.map_in(map), format('%s.%I', cjm_internal.map_schema(cjm_internal.map_in(map)), 'meets_' || name), true) USING name, asked;
END
$$;

COMMENT ON FUNCTION cjm_internal.audience_differ(oid, text, anyarray) IS 'how some customers differ from the members of an audience that are written down';

CREATE FUNCTION cjm_internal.audience_rows_asked(map oid, name text, example anyarray) RETURNS anyarray
	LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(cjm_internal.map_in(map));
	members text := format('%s.audience_members m WHERE m.audience = $1 AND m.left_at IS NULL', schema);
	seed bigint := hashtextextended(gen_random_uuid()::text, 0);
	unread boolean;
	places bytea;
BEGIN
	EXECUTE format('SELECT cjm_internal.differing_left(cjm_internal.differing_agg(m.customer, true, $2)) FROM (SELECT m.customer FROM %s LIMIT 1) m', members) INTO unread USING name, seed;
	IF unread THEN
		RETURN NULL;
	END IF;
	EXECUTE format('SELECT cjm_internal.differing_agg(u.customer, u.written, %3$s, u.hash)
		FROM (SELECT v.customer, false AS written, hash_record_extended(ROW(v.since, v.stage, v.dimensions), %3$s) AS hash FROM %1$s v
			UNION ALL SELECT m.customer, true, hash_record_extended(ROW(m.since, m.stage, m.dimensions), %3$s) FROM %2$s) u', format('%s.%I', schema, 'meets_' || name), members, seed) INTO places USING name;
	RETURN CASE WHEN places IS NULL THEN '{}' WHEN NOT cjm_internal.differing_left(places) THEN cjm_internal.differing_keys(places, example) END;
END
$$;

COMMENT ON FUNCTION cjm_internal.audience_rows_asked(oid, text, anyarray) IS 'the customers who are members of an audience and do not meet its condition, or the other way round, or with other columns; NULL if these are many, or nobody knows. The example is an array that decides the type';

CREATE FUNCTION cjm_internal.audience_broken(def cjm_internal.map, at_stage text, after_stage text, where_is jsonb) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	missing text;
BEGIN
	IF at_stage IS NOT NULL AND cjm_internal.audience_step(def.stages, at_stage) IS NULL THEN
		RETURN format('the map has no stage "%s" any more', at_stage);
	ELSIF after_stage IS NOT NULL AND cjm_internal.audience_stage_events(def.stages, after_stage) IS NULL THEN
		RETURN format('the map has no stage "%s" any more', after_stage);
	END IF;
	SELECT min(w.key) INTO missing FROM jsonb_each(where_is) w WHERE NOT cjm_internal.map_words(def) ? w.key;
	IF missing IS NOT NULL THEN
		RETURN format('the map has no dimension "%s" any more', missing);
	END IF;
	RETURN NULL;
END
$$;

COMMENT ON FUNCTION cjm_internal.audience_broken(cjm_internal.map, text, text, jsonb) IS 'what an audience asks for that its map has no more; NULL if there is nothing';

CREATE FUNCTION cjm_internal.audience_refresh_sql(def cjm_internal.map, view text, asks text) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
RETURN format('WITH asked AS MATERIALIZED (%2$s),
	changes AS MATERIALIZED (%3$s),
	still AS (UPDATE %1$s.audience_members m SET since = c.since, stage = c.stage, dimensions = c.dimensions
		FROM unnest(ARRAY(SELECT s.place FROM changes s WHERE s.is_member AND s.place IS NOT NULL)) p(place) JOIN changes c ON c.place = p.place WHERE m.ctid = p.place),
	gone AS (UPDATE %1$s.audience_members m SET left_at = $2 FROM unnest(ARRAY(SELECT s.place FROM changes s WHERE NOT s.is_member)) p(place) WHERE m.ctid = p.place
		RETURNING m.customer, m.since, m.stage, m.dimensions, m.held_out),
	came AS (INSERT INTO %1$s.audience_members (audience, customer, entered_at, since, stage, dimensions, held_out)
		SELECT $1, c.customer, $2, c.since, c.stage, c.dimensions, c.held_out FROM changes c WHERE c.place IS NULL%4$s
		RETURNING customer, since, stage, dimensions, held_out),
	told AS (INSERT INTO %1$s.audience_changes (number, audience, customer, change, at, since, stage, dimensions)
		SELECT $3 + row_number() OVER (ORDER BY c.change DESC, c.since), $1, c.customer, c.change, $2, c.since, c.stage, c.dimensions
		FROM (SELECT ''left'' AS change, g.* FROM gone g UNION ALL SELECT ''entered'', e.* FROM came e) c WHERE NOT c.held_out
		RETURNING change)
	SELECT (SELECT cardinality(a.customers) FROM asked a) AS asked, (SELECT count(*) FROM came) AS entered, (SELECT count(*) FROM gone) AS went,
		(SELECT count(*) FROM told t WHERE t.change = ''entered'') AS told_entered, (SELECT count(*) FROM told t WHERE t.change = ''left'') AS told_left',
	cjm_internal.map_schema(def),
	CASE WHEN asks <> '' THEN format('SELECT cjm_internal.%s(%s, $1, ''{}''::%s) AS customers', asks, (def).map::oid, cjm_internal.audience_key(def, '[]')) ELSE 'SELECT NULL::text[] AS customers' END,
	CASE WHEN asks <> '' THEN format('SELECT d.* FROM asked a CROSS JOIN LATERAL cjm_internal.audience_differ(%s, $1, a.customers) d', (def).map::oid) ELSE cjm_internal.audience_differ_sql(def, view, false) END,
	-- An index whose keys come in their order costs a tenth.
	CASE WHEN cjm_internal.kept_state((def).map) IS NOT NULL THEN ' ORDER BY c.customer' END);

COMMENT ON FUNCTION cjm_internal.audience_refresh_sql(cjm_internal.map, text, text) IS
	'SQL: compares the members of an audience $1 with a view, for all customers or for those whom a function says, and writes down at the time $2 who came and who left, with numbers after $3; says how many were asked, which is NULL for all, and if all have to be; how many came, left, and how many of each are told';

CREATE FUNCTION cjm_internal.audience_fill_sql(def cjm_internal.map, view text) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
RETURN format('WITH came AS (INSERT INTO %1$s.audience_members (audience, customer, entered_at, since, stage, dimensions, held_out)
		SELECT $1, v.customer, $2, v.since, v.stage, v.dimensions, v.held_out FROM %2$s v%3$s
		RETURNING customer, since, stage, dimensions, held_out),
	told AS (INSERT INTO %1$s.audience_changes (number, audience, customer, change, at, since, stage, dimensions)
		SELECT $3 + row_number() OVER (ORDER BY c.since), $1, c.customer, ''entered'', $2, c.since, c.stage, c.dimensions FROM came c WHERE NOT c.held_out)
	SELECT NULL::bigint AS asked, count(*) AS entered, 0::bigint AS went, count(*) FILTER (WHERE NOT c.held_out) AS told_entered, 0::bigint AS told_left FROM came c',
	cjm_internal.map_schema(def), view,
	CASE WHEN to_regclass(format('%s.audience_members_customer', cjm_internal.map_schema(def))) IS NOT NULL THEN ' ORDER BY v.customer' END);

COMMENT ON FUNCTION cjm_internal.audience_fill_sql(cjm_internal.map, text) IS
	'SQL: writes down at the time $2 all whom a view shows as members of an audience $1 that has none, with numbers of changes after $3; says what audience_refresh_sql does';

CREATE FUNCTION cjm_internal.audience_ask(def cjm_internal.map, audience jsonb, began timestamptz, last bigint, OUT asked bigint, OUT entered bigint, OUT went bigint, OUT told_entered bigint, OUT told_left bigint, OUT members bigint)
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	schema text := cjm_internal.map_schema(def);
	name text := audience ->> 'name';
	view text := format('%s.%I', schema, 'meets_' || name);
	under text := audience ->> 'asked_under';
	goes_by text;
	folded bigint;
	nobody boolean := false;
BEGIN
	IF cjm_internal.kept_state(def.map) IS NOT NULL THEN
		EXECUTE format('SELECT s.folded FROM %1$s.kept_state s WHERE NOT cjm_internal.kept_is(%2$L::regclass, 2, '''')', schema, cjm_internal.kept_state(def.map)) INTO folded;
	END IF;
	IF folded IS NOT NULL AND under IS NOT NULL THEN
		EXECUTE cjm_internal.audience_refresh_sql(def, view, 'audience_asked') INTO asked, entered, went, told_entered, told_left USING name, began, last;
	END IF;
	IF asked IS NULL THEN
		under := NULL;
		goes_by := CASE WHEN folded IS NOT NULL THEN cjm_internal.audience_goes_by(def, audience) END;
		IF goes_by IS NOT NULL AND cjm_internal.audience_touched(def) IS NOT NULL THEN
			under := cjm_internal.audience_under(def, name) || CASE goes_by WHEN 'clock' THEN ', by the clock' ELSE '' END;
		END IF;
		EXECUTE format('SELECT NOT EXISTS (SELECT FROM %s.audience_members m WHERE m.audience = $1 AND m.left_at IS NULL)', schema) INTO nobody USING name;
		IF under IS NOT NULL AND NOT nobody AND (audience ->> 'made_at')::timestamptz < (audience ->> 'refreshed_at')::timestamptz AND folded - coalesce((audience ->> 'asked_folded')::bigint, folded) < 5000 THEN
			EXECUTE cjm_internal.audience_refresh_sql(def, view, 'audience_rows_asked') INTO asked, entered, went, told_entered, told_left USING name, began, last;
		END IF;
		IF asked IS NULL THEN
			EXECUTE CASE WHEN nobody THEN cjm_internal.audience_fill_sql(def, view) ELSE cjm_internal.audience_refresh_sql(def, view, '') END
				INTO asked, entered, went, told_entered, told_left USING name, began, last;
		END IF;
		asked := NULL;
	END IF;
	EXECUTE format('UPDATE %1$s.audiences a SET refreshed_at = $2, took = clock_timestamp() - $2, asked = $3, asked_at = now(), asked_folded = $4, asked_under = $5,
			members = CASE WHEN $3 IS NOT NULL THEN a.members + $6 WHEN $7 THEN $6 ELSE (SELECT count(m.entered_at) FROM %1$s.audience_members m WHERE m.audience = $1 AND m.left_at IS NULL) END WHERE a.name = $1
		RETURNING a.members', schema) INTO members USING name, began, asked, CASE WHEN under IS NOT NULL THEN folded END, under, entered - went, nobody;
END
$$;

COMMENT ON FUNCTION cjm_internal.audience_ask(cjm_internal.map, jsonb, timestamptz, bigint) IS 'refreshes an audience, a row of audiences, that began at a time, with numbers of changes after last; says how many were asked, NULL for all, came, left, how many of each are told, and how many members it has';

CREATE FUNCTION cjm_internal.audience_refresh(arguments jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
	SET jit = off
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.audience_map(arguments);
	schema text := cjm_internal.map_schema(def);
	views text[] := cjm_internal.audience_view_names(def.map);
	began timestamptz;
	audience record;
	last bigint;
	counted record;
	broken text;
	said text[] := '{}';
	failed text[] := '{}';
BEGIN
	IF current_setting('transaction_isolation') <> 'read committed' THEN
		RAISE active_sql_transaction USING
			MESSAGE = format('audiences cannot be refreshed at the isolation level %s', current_setting('transaction_isolation')),
			HINT = 'Each refresh has to see what the one before has written: use READ COMMITTED.';
	ELSIF NOT cjm_internal.steering_has(def, 'audience_state') THEN
		RETURN to_jsonb('there are no audiences'::text);
	END IF;
	EXECUTE format('INSERT INTO %1$s.audience_state SELECT true, 0 WHERE NOT EXISTS (SELECT FROM %1$s.audience_state) ON CONFLICT DO NOTHING', schema);
	EXECUTE format('SELECT s.last_change FROM %s.audience_state s FOR UPDATE SKIP LOCKED', schema) INTO last;
	IF last IS NULL THEN
		RETURN to_jsonb('another refresh is at it'::text);
	END IF;
	-- What a restored dump has brought may have numbers of its own.
	EXECUTE format('SELECT greatest($1, (SELECT max(c.number) FROM %1$s.audience_changes c), (SELECT max(t.taken) FROM %1$s.audience_consumers t))', schema) INTO last USING last;
	FOR audience IN EXECUTE format('SELECT a.name, a.at_stage, CASE WHEN a.after_stage THEN a.not_after END AS after_stage, a.where_is, to_jsonb(a) AS written FROM %s.audiences a ORDER BY a.name COLLATE "C"', schema)
	LOOP
		broken := CASE WHEN 'meets_' || audience.name <> ALL (views) THEN 'its view is gone' ELSE cjm_internal.audience_broken(def, audience.at_stage, audience.after_stage, audience.where_is) END;
		IF broken IS NOT NULL THEN
			RAISE WARNING 'the audience "%" stays as it was: %', audience.name, broken USING HINT = 'Make it anew: cjm.create_audience with replace => true.';
			said := said || format('%s: not refreshed, %s', audience.name, broken);
			failed := failed || audience.name::text;
			CONTINUE;
		END IF;
		began := clock_timestamp();
		-- A condition that fails for some customer holds up no other audience.
		BEGIN
			counted := cjm_internal.audience_ask(def, audience.written, began, last);
		EXCEPTION WHEN data_exception THEN
			RAISE WARNING 'the audience "%" stays as it was: %', audience.name, SQLERRM USING HINT = 'Its condition fails for some customer: make it anew, cjm.create_audience with replace => true.';
			said := said || format('%s: not refreshed, %s', audience.name, SQLERRM);
			failed := failed || audience.name::text;
			CONTINUE;
		END;
		last := last + counted.told_entered + counted.told_left;
		IF counted.told_entered + counted.told_left > 0 THEN
			PERFORM pg_notify('cjm_audience', jsonb_build_object('map', (SELECT n.nspname FROM pg_namespace n WHERE n.oid = def.map), 'audience', audience.name, 'entered', counted.told_entered, 'left', counted.told_left)::text);
		END IF;
		said := said || format('%s: %s members, %s entered, %s left', audience.name, counted.members, counted.entered, counted.went);
	END LOOP;
	failed := failed || cjm_internal.audience_indexes(def);
	EXECUTE format('UPDATE %s.audience_state SET last_change = $1 WHERE last_change <> $1', schema) USING last;
	EXECUTE format('UPDATE %s.audiences SET asked_folded = NULL, asked_under = NULL WHERE name = ANY ($1) AND asked_under IS NOT NULL', schema) USING failed;
	IF cjm_internal.audience_touched(def) IS NOT NULL THEN
		EXECUTE format('DELETE FROM %1$s.audience_touched t WHERE t.folded <= coalesce((SELECT min(a.asked_folded) FROM %1$s.audiences a), t.folded)', schema);
	END IF;
	RETURN to_jsonb(CASE said WHEN '{}' THEN 'there are no audiences' ELSE array_to_string(said, '; ') END);
END
$$;

COMMENT ON FUNCTION cjm_internal.audience_refresh(jsonb) IS 'a task: refreshes the audiences of a map';

CREATE FUNCTION cjm.refresh_audiences(map text) RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN cjm_internal.steering_call(map, 'cjm_internal.audience_refresh'::regproc, '{}') #>> '{}';
END
$$;

COMMENT ON FUNCTION cjm.refresh_audiences(text) IS
	'brings the members of the audiences of a map up to date, writes down who came and who left for take_changes, and notifies cjm_audience of it; says what it did. Over kept journeys it asks those customers alone who may have come or gone since the last refresh, if that can be known; else all. Skips if another refresh is at it, and waits for no writer. For a scheduler, each few minutes, in a transaction of its own';

CREATE FUNCTION cjm_internal.audience_take(arguments jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.audience_map(arguments);
	schema text := cjm_internal.map_schema(def);
	consumer text := arguments ->> 'consumer';
	known boolean;
	taken bigint;
	last bigint;
BEGIN
	EXECUTE format('SELECT EXISTS (SELECT FROM %s.audience_consumers c WHERE c.consumer = $1)', schema) INTO known USING consumer;
	IF NOT known THEN
		EXECUTE format('INSERT INTO %s.audience_consumers (consumer, taken) VALUES ($1, 0) ON CONFLICT DO NOTHING', schema) USING consumer;
	END IF;
	EXECUTE format('SELECT c.taken FROM %s.audience_consumers c WHERE c.consumer = $1 FOR UPDATE SKIP LOCKED', schema) INTO taken USING consumer;
	IF taken IS NULL THEN
		RAISE NOTICE 'another session is taking changes as "%"', consumer;
		RETURN jsonb_build_object('after', 0, 'to', 0);
	END IF;
	EXECUTE format('SELECT max(n.number) FROM (SELECT c.number FROM %s.audience_changes c WHERE c.number > $1 ORDER BY c.number LIMIT $2) n', schema)
		INTO last USING taken, (arguments ->> 'at_most')::bigint;
	IF last IS NOT NULL THEN
		EXECUTE format('UPDATE %s.audience_consumers c SET taken = $2, taken_at = clock_timestamp() WHERE c.consumer = $1', schema) USING consumer, last;
	END IF;
	RETURN jsonb_build_object('after', taken, 'to', coalesce(last, taken));
END
$$;

COMMENT ON FUNCTION cjm_internal.audience_take(jsonb) IS 'a task: takes the next changes for a consumer; says after which number and up to which';

CREATE FUNCTION cjm.take_changes(map text, consumer text, at_most bigint DEFAULT 1000)
	RETURNS TABLE (number bigint, audience text, customer text, change text, at timestamptz, since timestamptz, stage text, dimensions jsonb)
	LANGUAGE plpgsql VOLATILE ROWS 1000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map);
	holder oid := (SELECT n.nspowner FROM pg_namespace n WHERE n.oid = def.map);
	arguments jsonb := jsonb_build_object('map', def.map::oid::bigint, 'consumer', consumer, 'at_most', at_most);
	taken jsonb;
BEGIN
	IF coalesce(consumer, '') = '' THEN
		RAISE null_value_not_allowed USING
			MESSAGE = 'the consumer has no name',
			HINT = 'Whoever takes changes has one, such as ''mailer'': each consumer is handed each change once.';
	ELSIF coalesce(at_most, 0) < 1 THEN
		RAISE invalid_parameter_value USING MESSAGE = format('at_most must be at least 1, not %s', coalesce(at_most::text, 'NULL')), HINT = 'It is how many changes are taken at a time.';
	ELSIF NOT cjm_internal.steering_has(def, 'audience_changes') THEN
		RAISE undefined_object USING MESSAGE = format('the map "%s" has no audiences', map), HINT = 'cjm.create_audience makes one.';
	END IF;
	taken := CASE WHEN pg_has_role(holder, 'USAGE') THEN cjm_internal.map_call_as('cjm_internal.audience_take'::regproc, holder, arguments) ELSE cjm_internal.audience_take(arguments) END;
	RETURN QUERY EXECUTE format('SELECT c.number, c.audience, c.customer::text, c.change, c.at, c.since, c.stage, c.dimensions
		FROM %s.audience_changes c WHERE c.number > $1 AND c.number <= $2 ORDER BY c.number', cjm_internal.map_schema(def)) USING (taken ->> 'after')::bigint, (taken ->> 'to')::bigint;
END
$$;

COMMENT ON FUNCTION cjm.take_changes(text, text, bigint) IS
'who came into the audiences of a map and who left, in order: the next ones that the consumer has not taken yet, and no more than at_most. They are taken when the transaction is committed; if it is not, the next call gives them again
change: entered or left; customer: the key as text; nobody who is held out. No row, and a notice, if another session is taking as the same consumer';

CREATE FUNCTION cjm.audience_report(map text, name text, from_time timestamptz DEFAULT NULL, to_time timestamptz DEFAULT NULL, within interval DEFAULT NULL)
	RETURNS TABLE (handed_out bigint, converted bigint, rate float8, rate_low float8, rate_high float8, held_out bigint, held_out_converted bigint, held_out_rate float8, held_out_rate_low float8, held_out_rate_high float8,
		difference float8, difference_low float8, difference_high float8, p_value float8)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 1
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map);
	schema text := cjm_internal.map_schema(def);
	upto text := 'cjm_internal.map_shift(m.entered_at, $4, $5)';
BEGIN
	PERFORM cjm_internal.map_ranged(from_time, to_time);
	PERFORM cjm_internal.audience_view(def, name, 'audience');
	IF within <= interval '0' THEN
		RAISE invalid_parameter_value USING MESSAGE = format('within must be a time span, not %s', within), HINT = 'It is how long after they came into the audience a conversion counts: within => ''7 days''.';
	END IF;
	RETURN QUERY EXECUTE format('SELECT g.customers, g.converted, r.rate, r.rate_low, r.rate_high, g.held, g.held_converted, h.rate, h.rate_low, h.rate_high, d.difference, d.difference_low, d.difference_high, d.p_value
		FROM (SELECT count(*) FILTER (WHERE NOT m.held_out) AS customers, count(*) FILTER (WHERE NOT m.held_out AND c.converted) AS converted,
				count(*) FILTER (WHERE m.held_out) AS held, count(*) FILTER (WHERE m.held_out AND c.converted) AS held_converted
			FROM (SELECT f.customer, min(f.entered_at) AS entered_at, bool_or(f.held_out) AS held_out FROM %1$s.audience_members f WHERE f.audience = $1 GROUP BY f.customer) m
				LEFT JOIN %1$s.journeys j ON j.customer %2$s m.customer
				LEFT JOIN LATERAL (SELECT EXISTS (SELECT FROM cjm.purchases(j.journey, %3$L::cjm.funnel, m.entered_at, %4$s) p WHERE p.number IS NOT NULL) AS converted OFFSET ''0'') c ON true
			WHERE ($2 IS NULL OR m.entered_at >= $2) AND ($3 IS NULL OR m.entered_at < $3)%5$s) g
			LEFT JOIN LATERAL cjm.rate_interval(g.converted, g.customers, 1::bigint) r ON true
			LEFT JOIN LATERAL cjm.rate_interval(g.held_converted, g.held, 1::bigint) h ON true
			LEFT JOIN LATERAL cjm.rate_difference(g.converted, g.customers, g.held_converted, g.held) d ON true',
		schema, cjm_internal.kept_equals(def), cjm_internal.map_purchase(def), CASE WHEN within IS NULL THEN '''infinity''::timestamptz' ELSE upto END,
		CASE WHEN within IS NOT NULL THEN format(' AND %s <= now()', upto) END)
		USING name, from_time, to_time, within, def.time_zone;
END
$$;

COMMENT ON FUNCTION cjm.audience_report(text, text, timestamptz, timestamptz, interval) IS
'whether it worked to address an audience: how many of its members, handed out and held out, purchased after a refresh saw them in it first, the rates with their 95 % intervals, and their difference (rate_difference)
from_time, to_time: when they came into it; within: how long after that a purchase counts; then those alone are counted for whom that time is over';

CREATE FUNCTION cjm_internal.page_style() RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1
RETURN $page$
/*
 * page.css: how the page of map_html looks, light, dark, narrow, wide and on paper.
 *
 * Text has at least 4.5 times the contrast of what it stands on and shapes have 3
 * times, in both schemes.  Nothing is wider than the window: what needs more room
 * (.wide) scrolls by itself.  Nothing here loads anything.
 */
:root {
	color-scheme: light dark;
	--paper: #ffffff; --card: #f6f8fa; --ink: #1f2328; --soft: #57606a; --rule: #d0d7de;
	--bar: #2f6fb5; --band: #d5e4f4; --wait: #8a6fc4; --plain: #7a828b; --drop: #b35806; --link: #0a58b0;
	--heat0: #eef4fb; --heat1: #d6e4f3; --heat2: #b3cfea; --heat3: #86b3dc; --heat4: #5a94cb; --heat5: #2b6cae; --heat6: #17548d;
	--on4: #0d1117; --on5: #ffffff; --on6: #ffffff;
}
@media screen and (prefers-color-scheme: dark) {
	:root {
		--paper: #14181d; --card: #1c2229; --ink: #e6e8eb; --soft: #a3abb5; --rule: #343b44;
		--bar: #5b9bdf; --band: #24405e; --wait: #9d83d6; --plain: #8b949e; --drop: #f0a676; --link: #7ab7ff;
		--heat0: #1b2631; --heat1: #1c3a57; --heat2: #1f4c77; --heat3: #245f98; --heat4: #4a8bcf; --heat5: #79b0ea; --heat6: #b3d6fa;
		--on4: #0d1117; --on5: #0d1117; --on6: #0d1117;
	}
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
body {
	margin: 0 auto; padding: 1rem clamp(.75rem, 3vw, 2rem) 3rem; max-width: 96rem; background: var(--paper); color: var(--ink);
	font: 1rem/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, sans-serif;
	font-variant-numeric: tabular-nums; overflow-wrap: break-word;
}
h1 { margin: .5rem 0 0; font-size: 1.75rem; line-height: 1.2; }
h2 { margin: 2.5rem 0 .5rem; padding-top: .75rem; border-top: 1px solid var(--rule); font-size: 1.3rem; }
h3 { margin: 0 0 .25rem; font-size: 1rem; }
p { margin: .25rem 0 .75rem; }
.soft, figcaption, .about { color: var(--soft); }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -99rem; }
.skip:focus { position: static; }
[hidden] { display: none !important; }

nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: .75rem 0; padding: 0; list-style: none; }
nav a { display: inline-block; padding: .25rem 0; }
fieldset.switch { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: .75rem 0; border: 1px solid var(--rule); border-radius: .4rem; min-width: 0; }
.switch label { display: inline-flex; gap: .4rem; align-items: baseline; padding: .25rem 0; }
.facts { margin: .5rem 0; padding-left: 1.2rem; font-size: 1.1rem; }
.facts li { margin: .35rem 0; }
.facts .leak::marker, .facts .missed::marker { color: var(--drop); }

.wide { overflow-x: auto; max-width: 100%; }
.wide > svg.cjm { display: block; max-width: none; }
.walls { display: flex; flex-wrap: wrap; gap: 1rem; margin-top: 1rem; }
.walls .title { font-size: 16px; }
table { border-collapse: collapse; font-size: .94rem; }
caption { text-align: left; color: var(--soft); padding-bottom: .25rem; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--rule); text-align: right; vertical-align: baseline; white-space: nowrap; }
thead th { vertical-align: bottom; white-space: normal; font-weight: 600; min-width: 4rem; }
tbody th, th:first-child, th.l, td.l, th.fixed { text-align: left; }
tbody th, td.l { min-width: 6rem; max-width: 20rem; white-space: normal; font-weight: 400; }
td small { display: block; color: var(--soft); font-size: .82rem; }
td.bar { min-width: 9rem; padding-right: 1rem; vertical-align: middle; }
td.bar svg { display: block; width: 100%; height: 1rem; }
thead button { all: unset; cursor: pointer; box-sizing: border-box; }
thead button:focus-visible { outline: 3px solid var(--link); }
thead button::after { content: "\00a0\2195"; color: var(--soft); }
th[aria-sort=ascending] button::after { content: "\00a0\2191"; color: inherit; }
th[aria-sort=descending] button::after { content: "\00a0\2193"; color: inherit; }
details { margin: .25rem 0; }
summary { cursor: pointer; color: var(--link); padding: .2rem 0; }

.tiles { margin: .75rem 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); gap: 1rem; }
.tiles.broad { grid-template-columns: repeat(auto-fill, minmax(min(100%, 34rem), 1fr)); }
.card { margin: 0; padding: .75rem; background: var(--card); border: 1px solid var(--rule); border-radius: .5rem; min-width: 0; }
.card caption { position: absolute; clip-path: inset(50%); }
.card table { font-size: .85rem; }
.card th, .card td { padding: .2rem .4rem; }
.card thead th { min-width: 0; }
.card td.bar { min-width: 5rem; }
.chart { display: block; width: 100%; height: auto; touch-action: pan-y; }
.chart text, .flows text { font-size: 11px; fill: var(--soft); }
.chart .band { fill: var(--band); }
.chart .line { fill: none; stroke: var(--bar); stroke-width: 1.5; }
.chart circle { fill: var(--bar); stroke: var(--bar); }
.chart circle.o { fill: var(--card); }
.chart circle.at { fill: var(--drop); stroke: var(--drop); }
.chart .axis { stroke: var(--rule); }
.chart .note { stroke: var(--soft); stroke-dasharray: 3 3; }
.readout { min-height: 1.4em; margin: 0; font-size: .85rem; color: var(--soft); }
.now { font-size: 1.35rem; font-weight: 600; }

:is(.bar, .key) .gone { fill: var(--bar); } :is(.bar, .key) .open { fill: var(--wait); } :is(.bar, .key) .refused { fill: var(--plain); } :is(.bar, .key) .dropped { fill: var(--drop); }
.key { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: .5rem 0; padding: 0; list-style: none; font-size: .9rem; color: var(--soft); }
.key svg { width: .9rem; height: .9rem; vertical-align: -.1rem; margin-right: .35rem; }

.heat thead th { min-width: 0; }
.heat td, .heat thead th + th { text-align: center; }
.heat td { border: 2px solid var(--paper); padding: .25rem .35rem; }
.heat .h0 { background: var(--heat0); } .heat .h1 { background: var(--heat1); } .heat .h2 { background: var(--heat2); } .heat .h3 { background: var(--heat3); }
.heat .h4 { background: var(--heat4); color: var(--on4); } .heat .h5 { background: var(--heat5); color: var(--on5); } .heat .h6 { background: var(--heat6); color: var(--on6); }
.heat .grows { font-style: italic; text-decoration: underline dotted; text-underline-offset: .2em; }
.card .heat td { border-color: var(--card); }

.flows { display: block; min-width: 56rem; width: 100%; height: auto; }
.card .flows { min-width: 42rem; max-width: 60rem; }
#paths .tiles.broad { grid-template-columns: repeat(auto-fill, minmax(min(100%, 45rem), 1fr)); }
.card .flows text { font-size: 12px; }
.flows path { fill: none; stroke: var(--bar); stroke-opacity: .35; }
.flows path:hover { stroke-opacity: .7; }
.flows rect { fill: var(--bar); }
.flows rect.rest { fill: var(--plain); }
.flows path.rest { stroke: var(--plain); }
/* Names stand over flows: the paper around their letters keeps them readable. */
.flows text { fill: var(--ink); paint-order: stroke; stroke: var(--paper); stroke-width: 2px; stroke-linejoin: round; }
.card .flows text { stroke: var(--card); }
.flows text .soft { fill: var(--soft); }
footer { margin-top: 3rem; padding-top: .75rem; border-top: 1px solid var(--rule); color: var(--soft); font-size: .9rem; }

@media print {
	@page { size: A4 landscape; margin: 11mm; }
	@page large { size: A3 landscape; margin: 10mm; }
	body { max-width: none; padding: 0; font-size: 10pt; }
	nav, fieldset.switch, .skip, details, .readout { display: none; }
	h2 { margin: 6mm 0 2mm; padding-top: 3mm; }
	section, footer { margin-top: 0; }
	/* What comes first fills a page by itself, to be read from further away. */
	h1 { font-size: 24pt; }
	#headline { font-size: 12pt; }
	.facts { font-size: 14pt; }
	.facts li { margin: 3mm 0; }
	/* A map is as large as a sheet lets it be, and narrow or flat ones share one; of many stages or rows they have larger paper. */
	#wall { break-before: page; }
	.wall.large, .walls:has(.large) { page: large; }
	.walls { display: block; margin: 0; }
	.wall.half { display: inline-block; width: 49.8%; }
	.wide > svg.cjm { width: 100%; height: auto; max-height: 182mm; }
	.wall.large > svg.cjm { max-height: 274mm; }
	#wall > h2 { display: none; }
	/* What belongs together is not parted: heads of columns stand above each part of a table, and no part of one has fewer than three lines. */
	h2, h3, caption, .key, section > p, section > ol { break-after: avoid; }
	.series, .wall, .flows, .facts li, tr, thead, .card:not(:has(> .wide tr:nth-child(20))), [data-g="0"]:has(> .wide):not(:has(> .wide tr:nth-child(20))) { break-inside: avoid; }
	tbody { break-before: avoid; }
	thead tr, tbody tr:nth-child(-n+2) { break-after: avoid; }
	tbody tr:nth-last-child(-n+2) { break-before: avoid; }
	footer { break-before: avoid; margin-top: 4mm; padding-top: 2mm; }
	.wide { overflow: visible; }
	table { font-size: 8pt; }
	th, td { padding: .12rem .5rem; }
	td small { display: inline; margin-left: .6em; font-size: .9em; }
	.key { font-size: 9pt; }
	[data-g="0"] > .wide > table { width: 100%; font-size: 8.5pt; }
	tbody th, td.l { min-width: 7em; max-width: 45mm; overflow-wrap: anywhere; }
	td.bar { min-width: 5rem; }
	td.bar svg { height: .7rem; }
	thead th { min-width: 0; }
	/* A browser repeats no head that has a button in it. */
	thead button { display: contents; }
	thead button::after { content: "" !important; }
	/* Groups stand in columns, one after another: a long one goes on in the next. */
	.tiles { grid-template-columns: repeat(4, 1fr); gap: 3mm; }
	.tiles.broad { display: block; columns: 2; column-gap: 5mm; }
	.card:has(> .wide tr:nth-child(20))::before { content: ""; display: block; height: 24mm; margin-bottom: -24mm; break-inside: avoid; }
	.card { padding: 2mm; }
	.tiles.broad .card { margin-bottom: 3mm; box-decoration-break: clone; }
	.card table { font-size: 7.5pt; }
	.card th, .card td { padding: .1rem .35rem; }
	.card tbody th, .card td.l { min-width: 6em; }
	.card td.bar { min-width: 3rem; }
	.series h3 { font-size: 8.5pt; }
	.now { font-size: 12pt; }
	.series p { margin: 0; }
	.flows, .card .flows { min-width: 0; max-height: 95mm; }
	.wide > .heat { width: auto !important; font-size: 7.5pt !important; }
	.heat td, .heat th { padding: .1rem .25rem; }
	.card .heat { font-size: 6pt !important; }
	.card .heat td, .card .heat th { padding: 0 .15rem; }
	* { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
$page$;

COMMENT ON FUNCTION cjm_internal.page_style() IS 'page.css: how the page of map_html looks';

CREATE FUNCTION cjm_internal.page_script() RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1
RETURN $page$
/*
 * page.js: what the page of map_html does besides being read: tables are sorted,
 * one value of a dimension is looked at, numbers are told in full.
 *
 * All that it shows stands in the page.  It builds no markup from text, loads
 * nothing and keeps nothing; without it the page says the same.
 */
(function () {
	'use strict';

	function all(selector, within) {
		return Array.prototype.slice.call((within || document).querySelectorAll(selector));
	}

	/* What a cell is sorted by: its exact number, or its text; cells without a number come last. */
	function key(row, column) {
		var cell = row.cells[column], exact = cell.getAttribute('data-v');

		return exact !== null ? Number(exact) : cell.classList.contains('n') ? null : cell.textContent;
	}

	function compare(a, b) {
		if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
		if (typeof a === 'number' && typeof b === 'number') return a - b;
		return String(a).localeCompare(String(b), document.documentElement.lang, { numeric: true });
	}

	function sort(table, column, falling) {
		var body = table.tBodies[0];

		Array.prototype.slice.call(body.rows).map(function (row, place) {
			return { row: row, key: key(row, column), place: place };
		}).sort(function (a, b) {
			var order = compare(a.key, b.key);

			if (a.key !== null && b.key !== null && falling) order = -order;
			return order || a.place - b.place;
		}).forEach(function (one) { body.appendChild(one.row); });
	}

	all('table.sort').forEach(function (table) {
		all('thead th', table).forEach(function (head, column) {
			var button = document.createElement('button');

			if (head.classList.contains('fixed')) return;
			button.type = 'button';
			while (head.firstChild) button.appendChild(head.firstChild);
			head.appendChild(button);
			button.addEventListener('click', function () {
				var was = head.getAttribute('aria-sort');
				var falling = was ? was === 'ascending' : !head.classList.contains('l');

				all('th[aria-sort]', table).forEach(function (other) { other.removeAttribute('aria-sort'); });
				head.setAttribute('aria-sort', falling ? 'descending' : 'ascending');
				sort(table, column, falling);
			});
		});
	});

	/* Exact numbers under the pointer. */
	document.addEventListener('pointerover', function (event) {
		var cell = event.target.closest ? event.target.closest('[data-v]') : null;

		if (cell && !cell.title) cell.title = cell.getAttribute('data-v');
	});

	/* A chart tells the week under the pointer, or that chosen by the arrow keys, by its table. */
	all('figure.series').forEach(function (figure) {
		var chart = figure.querySelector('svg'), line = figure.querySelector('.readout');
		var dots = all('circle', chart), rows = all('tbody tr', figure), at = -1;

		function tell(place) {
			if (at >= 0) dots[at].classList.remove('at');
			at = place;
			if (at < 0) { line.textContent = ''; return; }
			dots[at].classList.add('at');
			line.textContent = all('th,td', rows[at]).map(function (cell) { return cell.textContent; }).join(' \u00b7 ');
		}
		if (!dots.length) return;
		chart.setAttribute('tabindex', '0');
		chart.addEventListener('pointermove', function (event) {
			var box = chart.getBoundingClientRect();
			var x = (event.clientX - box.left) / box.width * chart.viewBox.baseVal.width, best = 0;

			dots.forEach(function (dot, place) {
				if (Math.abs(dot.cx.baseVal.value - x) < Math.abs(dots[best].cx.baseVal.value - x)) best = place;
			});
			tell(best);
		});
		chart.addEventListener('pointerleave', function () { tell(-1); });
		chart.addEventListener('blur', function () { tell(-1); });
		chart.addEventListener('keydown', function (event) {
			var step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;

			if (!step) return;
			event.preventDefault();
			tell(Math.min(Math.max(at < 0 ? dots.length - 1 : at + step, 0), dots.length - 1));
		});
	});

	/* The switch: all together and every value, or one value alone where there are numbers of it. */
	all('fieldset.switch').forEach(function (choice) {
		choice.hidden = false;
		choice.addEventListener('change', function () {
			var chosen = choice.querySelector('input:checked').value;

			all('[data-g]').forEach(function (part) {
				part.hidden = chosen !== '' && part.getAttribute('data-g') !== chosen;
			});
		});
	});
}());
$page$;

COMMENT ON FUNCTION cjm_internal.page_script() IS 'page.js: what the page of map_html does';

CREATE FUNCTION cjm_internal.page_word(words jsonb, key text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN cjm_internal.svg_escape(words ->> key);

COMMENT ON FUNCTION cjm_internal.page_word(jsonb, text) IS 'a word of the page''s language, as character data';

CREATE FUNCTION cjm_internal.page_say(words jsonb, key text, VARIADIC arguments text[] DEFAULT '{}') RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN format(cjm_internal.page_word(words, key), VARIADIC arguments);

COMMENT ON FUNCTION cjm_internal.page_say(jsonb, text, text[]) IS 'a sentence of the page''s language about these';

CREATE FUNCTION cjm_internal.page_label(words jsonb, label text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN format('<bdi>%s</bdi>', coalesce(cjm_internal.svg_escape(label), cjm_internal.page_word(words, 'not_known')));

COMMENT ON FUNCTION cjm_internal.page_label(jsonb, text) IS 'a label; NULL is not known';

CREATE FUNCTION cjm_internal.page_decimal(words jsonb, value float8, digits integer) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN CASE WHEN abs(value) < 1e15 THEN (
		SELECT replace(replace(replace(to_char(round(value::numeric, digits), concat('FM999,999,999,999,990', '.' || nullif(repeat('0', digits), ''))), ',', E'\x01'), '.', words ->> 'decimal'), E'\x01', words ->> 'group'))
	ELSE value::text END;

COMMENT ON FUNCTION cjm_internal.page_decimal(jsonb, float8, integer) IS 'a number with so many digits after its point';

CREATE FUNCTION cjm_internal.page_figure(words jsonb, kind text, value float8) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN CASE kind WHEN 'rate' THEN cjm_internal.draw_rate(value, words)
	WHEN 'time' THEN cjm_internal.draw_time(value, words)
	WHEN 'count' THEN cjm_internal.page_decimal(words, value, 0)
	WHEN 'score' THEN cjm_internal.page_decimal(words, value, 1)
	WHEN 'amount' THEN cjm_internal.page_decimal(words, value, 0)
	ELSE cjm_internal.page_decimal(words, value, 2) END;

COMMENT ON FUNCTION cjm_internal.page_figure(jsonb, text, float8) IS 'a figure of a kind that map_metrics() has, as people read it';

CREATE FUNCTION cjm_internal.page_shown(words jsonb, kind text, value float8) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN replace(cjm_internal.svg_escape(cjm_internal.page_figure(words, kind, value)), ' ', '&#160;');

COMMENT ON FUNCTION cjm_internal.page_shown(jsonb, text, float8) IS 'the same as character data, in one piece';

CREATE FUNCTION cjm_internal.page_day(words jsonb, day date) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN cjm_internal.svg_escape(to_char(day, words ->> 'date'));

COMMENT ON FUNCTION cjm_internal.page_day(jsonb, date) IS 'a day, as character data';

CREATE FUNCTION cjm_internal.page_metric(words jsonb, metric text, stage text, by text, by_value text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
	SELECT CASE WHEN by IS NULL THEN m.name ELSE cjm_internal.page_say(words, 'page_metric_value', m.name, cjm_internal.page_label(words, by), cjm_internal.page_label(words, by_value)) END
	FROM (SELECT CASE WHEN metric IN ('step_rate', 'median_time') AND stage IS NOT NULL THEN cjm_internal.page_say(words, 'page_metric_stage', cjm_internal.page_word(words, 'metric_' || metric), cjm_internal.page_label(words, stage))
		ELSE cjm_internal.page_word(words, 'metric_' || metric) END AS name) m);

COMMENT ON FUNCTION cjm_internal.page_metric(jsonb, text, text, text, text) IS 'what a figure is called';

CREATE FUNCTION cjm_internal.page_cell(exact text, shown text, more text DEFAULT NULL) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN exact IS NULL THEN '<td class="n">&#8211;</td>'
	ELSE concat('<td data-v="', exact, '">', cjm_internal.svg_escape(shown), '<small>' || more || '</small>', '</td>') END;

COMMENT ON FUNCTION cjm_internal.page_cell(text, text, text) IS 'a cell with a number: in full, as people read it, and what stands beneath it, character data, if anything';

CREATE FUNCTION cjm_internal.page_between(low text, high text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN cjm_internal.svg_escape(low) || ' &#8211; ' || cjm_internal.svg_escape(high);

COMMENT ON FUNCTION cjm_internal.page_between(text, text) IS 'an interval, as character data';

CREATE FUNCTION cjm_internal.page_count(words jsonb, count bigint) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
RETURN cjm_internal.page_cell(count::text, cjm_internal.draw_count(count, words));

COMMENT ON FUNCTION cjm_internal.page_count(jsonb, bigint) IS 'a cell with a number of customers or the like';

CREATE FUNCTION cjm_internal.page_rate(words jsonb, rate float8, low float8 DEFAULT NULL, high float8 DEFAULT NULL) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
RETURN cjm_internal.page_cell(rate::text, cjm_internal.draw_rate(rate, words), cjm_internal.page_between(cjm_internal.draw_rate(low, words), cjm_internal.draw_rate(high, words)));

COMMENT ON FUNCTION cjm_internal.page_rate(jsonb, float8, float8, float8) IS 'a cell with a share, and its interval, if it has one';

CREATE FUNCTION cjm_internal.page_number(words jsonb, kind text, value float8, low float8 DEFAULT NULL, high float8 DEFAULT NULL) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
RETURN cjm_internal.page_cell(value::text, cjm_internal.page_figure(words, kind, value), cjm_internal.page_between(cjm_internal.page_figure(words, kind, low), cjm_internal.page_figure(words, kind, high)));

COMMENT ON FUNCTION cjm_internal.page_number(jsonb, text, float8, float8, float8) IS 'a cell with a figure of a kind, and its interval, if it has one';

CREATE FUNCTION cjm_internal.page_table(words jsonb, class text, caption text, heads text[], rows text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN format(E'<div class="wide" tabindex="0" role="group" aria-label="%s"><table class="%s"><caption>%s</caption><thead><tr>%s</tr></thead>\n<tbody>%s</tbody></table></div>\n',
	regexp_replace(caption, '<[^>]*>', '', 'g'), class, caption,
	(SELECT string_agg(format('<th scope="col"%s>%s</th>', CASE left(h.key, 1) WHEN '=' THEN ' class="fixed"' WHEN '<' THEN ' class="l"' END, cjm_internal.page_word(words, ltrim(h.key, '=<'))), '' ORDER BY h.place) FROM unnest(heads) WITH ORDINALITY h(key, place)), rows);

COMMENT ON FUNCTION cjm_internal.page_table(jsonb, text, text, text[], text) IS 'a table: its caption, character data; the words above its columns; its rows';

CREATE FUNCTION cjm_internal.page_bar(classes text[], lengths float8[]) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
	SELECT concat('<td class="bar"><svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">', string_agg(format('<rect x="%s" width="%s" height="10" class="%s"/>',
		trim_scale(round((b.ends - b.length)::numeric, 2)), trim_scale(round(b.length::numeric, 2)), b.class), '' ORDER BY b.place) FILTER (WHERE b.length > 0), '</svg></td>')
	FROM (SELECT u.class, u.place, 100 * u.length AS length, 100 * sum(u.length) OVER (ORDER BY u.place) AS ends FROM unnest(classes, lengths) WITH ORDINALITY u(class, length, place)) b);

COMMENT ON FUNCTION cjm_internal.page_bar(text[], float8[]) IS 'a cell with a bar of parts';

CREATE FUNCTION cjm_internal.page_key(words jsonb, classes text[], keys text[]) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
	SELECT format(E'<ul class="key">%s</ul>\n', string_agg(format('<li><svg viewBox="0 0 10 10" aria-hidden="true"><rect width="10" height="10" class="%s"/></svg>%s</li>', k.class, cjm_internal.page_word(words, k.key)), '' ORDER BY k.place))
	FROM unnest(classes, keys) WITH ORDINALITY k(class, key, place));

COMMENT ON FUNCTION cjm_internal.page_key(jsonb, text[], text[]) IS 'what colours mean';

CREATE FUNCTION cjm_internal.page_section(words jsonb, id text, content text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN format(E'<section id="%s" aria-labelledby="%1$s-title">\n<h2 id="%1$s-title">%s</h2>\n%s</section>\n', id, cjm_internal.page_word(words, 'page_' || id), content);

COMMENT ON FUNCTION cjm_internal.page_section(jsonb, text, text) IS 'a section of the page; NULL where there is nothing in it';

CREATE FUNCTION cjm_internal.page_group(words jsonb, place integer, class text, label text, content text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN format(E'<div class="card %s" data-g="%s"><h3>%s</h3>\n%s</div>\n', class, place, label, content);

COMMENT ON FUNCTION cjm_internal.page_group(jsonb, integer, text, text, text) IS 'a card of a group; the switch shows it by its place, 0 being all customers';

CREATE TYPE cjm_internal.page_week AS (
	week date,
	n bigint,
	value float8,
	low float8,
	high float8,
	closed boolean
);

COMMENT ON TYPE cjm_internal.page_week IS 'a figure of a week';

COMMENT ON COLUMN cjm_internal.page_week.week IS 'the week''s Monday';

COMMENT ON COLUMN cjm_internal.page_week.n IS 'what it is a share or a mean of, as in metric_report, like all that follow';

COMMENT ON COLUMN cjm_internal.page_week.value IS 'the figure';

COMMENT ON COLUMN cjm_internal.page_week.low IS 'lower end of its interval';

COMMENT ON COLUMN cjm_internal.page_week.high IS 'upper end of it';

COMMENT ON COLUMN cjm_internal.page_week.closed IS 'whether the week is over, with all that belongs to it';

CREATE FUNCTION cjm_internal.page_tick(words jsonb, kind text, value float8, other float8) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN cjm_internal.svg_escape(CASE WHEN value = 0 AND kind <> 'rate' THEN '0' WHEN kind IN ('count', 'amount', 'money') AND greatest(abs(value), abs(other)) BETWEEN 10000 AND 1e18 THEN concat(CASE WHEN value < 0 THEN '-' END, cjm_internal.draw_short(abs(value)::bigint, words, abs(other)::bigint))
	ELSE cjm_internal.page_figure(words, kind, value) END);

COMMENT ON FUNCTION cjm_internal.page_tick(jsonb, text, float8, float8) IS 'the end of an axis, as character data; other: its other end';

CREATE FUNCTION cjm_internal.page_series(words jsonb, kind text, name text, weeks cjm_internal.page_week[], first date, last date, bottom float8, top float8, notes jsonb) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE COST 1000
BEGIN ATOMIC
	WITH points AS (
		SELECT w.*, 64 + 248 * coalesce((w.week - first)::float8 / nullif(last - first, 0), 0.5) AS x,
			104 - 88 * coalesce((w.value - bottom) / nullif(top - bottom, 0), 0.5) AS y,
			104 - 88 * coalesce((least(greatest(w.low, bottom), top) - bottom) / nullif(top - bottom, 0), 0.5) AS y_low,
			104 - 88 * coalesce((least(greatest(w.high, bottom), top) - bottom) / nullif(top - bottom, 0), 0.5) AS y_high,
			coalesce(w.week - lag(w.week) OVER (ORDER BY w.week) = 7, false) AS goes_on
		FROM unnest(weeks) w
	), pieces AS (
		SELECT p.*, count(*) FILTER (WHERE NOT p.goes_on) OVER (ORDER BY p.week) AS piece FROM points p
	), bands AS (
		SELECT string_agg(b.shape, '') AS shapes
		FROM (SELECT format('<path class="band" d="M%sL%sZ"/>', string_agg(concat(cjm_internal.svg_number(p.x), ' ', cjm_internal.svg_number(p.y_high)), 'L' ORDER BY p.week),
				string_agg(concat(cjm_internal.svg_number(p.x), ' ', cjm_internal.svg_number(p.y_low)), 'L' ORDER BY p.week DESC)) AS shape
			FROM pieces p WHERE p.low IS NOT NULL GROUP BY p.piece HAVING count(*) > 1) b
	), newest AS (
		SELECT p.* FROM points p ORDER BY p.closed DESC, p.week DESC LIMIT 1
	)
	SELECT format(E'<figure class="card series"><h3>%1$s</h3>\n<p><span class="now">%2$s</span> <span class="soft">%3$s</span></p>\n<svg class="chart" viewBox="0 0 320 128" role="img" aria-label="%4$s">%5$s%6$s%7$s%8$s%9$s</svg>\n<p class="readout"></p>\n<details class="weeks"><summary>%10$s</summary>%11$s</details></figure>\n',
		name, cjm_internal.svg_escape(cjm_internal.page_figure(words, kind, (SELECT value FROM newest))), cjm_internal.page_day(words, (SELECT week FROM newest)),
		regexp_replace(concat_ws(', ', name, cjm_internal.page_day(words, min(p.week)) || ' - ' || cjm_internal.page_day(words, max(p.week)),
			cjm_internal.svg_escape(cjm_internal.page_figure(words, kind, (SELECT value FROM newest)))), '<[^>]*>', '', 'g'),
		(SELECT shapes FROM bands),
		concat('<path class="axis" d="M64 104H312"/>', (SELECT string_agg(format('<path class="note" d="M%1$s 14V104"/><text x="%1$s" y="11" text-anchor="middle">%2$s</text>', cjm_internal.svg_number(greatest(64, least(312, 64 + 248 * coalesce(((m.mark ->> 'day')::date - first)::float8 / nullif(last - first, 0), 0.5)))), m.mark ->> 'number'), '')
			FROM jsonb_array_elements(notes) m(mark))),
		format('<path class="line" d="%s"/>', string_agg(concat(CASE WHEN p.goes_on THEN 'L' ELSE 'M' END, cjm_internal.svg_number(p.x), ' ', cjm_internal.svg_number(p.y)), '' ORDER BY p.week)),
		string_agg(format('<circle cx="%s" cy="%s" r="%s"%s/>', cjm_internal.svg_number(p.x), cjm_internal.svg_number(p.y), CASE WHEN first = last THEN 4 ELSE 2.5 END, CASE WHEN p.closed THEN '' ELSE ' class="o"' END), '' ORDER BY p.week),
		format('<text x="58" y="20" text-anchor="end">%s</text><text x="58" y="107" text-anchor="end">%s</text><text x="64" y="122">%s</text><text x="312" y="122" text-anchor="end">%s</text>',
			cjm_internal.page_tick(words, kind, top, bottom), cjm_internal.page_tick(words, kind, nullif(bottom, top), top), cjm_internal.page_day(words, first), cjm_internal.page_day(words, nullif(last, first))),
		cjm_internal.page_word(words, 'page_numbers'),
		cjm_internal.page_table(words, 'weeks', name, CASE WHEN bool_or(p.low IS NOT NULL) THEN '{<page_week,page_value,page_low,page_high,page_n}'::text[] ELSE '{<page_week,page_value,page_n}'::text[] END,
			string_agg(concat('<tr><th scope="row">', cjm_internal.page_day(words, p.week), '</th>', cjm_internal.page_number(words, kind, p.value),
				CASE WHEN has.intervals THEN concat(cjm_internal.page_number(words, kind, p.low), cjm_internal.page_number(words, kind, p.high)) END, cjm_internal.page_count(words, p.n), '</tr>'), '' ORDER BY p.week)))
	FROM points p CROSS JOIN (SELECT bool_or(w.low IS NOT NULL) AS intervals FROM unnest(weeks) w) has;
END;

COMMENT ON FUNCTION cjm_internal.page_series(jsonb, text, text, cjm_internal.page_week[], date, date, float8, float8, jsonb) IS
	'a chart of a figure over weeks with its intervals, the notes of the time, and its table; bottom and top are the ends of its axis';

CREATE FUNCTION cjm_internal.page_flows(words jsonb, links jsonb, caption text, most integer) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 5000
BEGIN ATOMIC
	WITH raw AS (
		SELECT l."position", regexp_replace(l.source, '^\d+\. ', '') AS source, regexp_replace(l.target, '^\d+\. ', '') AS target, l.value
		FROM jsonb_to_recordset(links) l("position" integer, source text, target text, value bigint)
	), passed AS (
		SELECT e.place, e.label, greatest(sum(e.goes), sum(e.comes)) AS value
		FROM raw r CROSS JOIN LATERAL (VALUES (r."position", r.source, r.value, 0), (r."position" + 1, r.target, 0, r.value)) e(place, label, goes, comes)
		GROUP BY e.place, e.label
	), named AS (
		SELECT p.place, p.label, row_number() OVER (PARTITION BY p.place ORDER BY p.value DESC, p.label COLLATE "C") <= most AS own FROM passed p
	), flows AS (
		SELECT r."position" AS place, CASE WHEN s.own THEN s.label END AS source, CASE WHEN t.own THEN t.label END AS target, sum(r.value)::float8 AS value
		FROM raw r JOIN named s ON s.place = r."position" AND s.label = r.source JOIN named t ON t.place = r."position" + 1 AND t.label = r.target
		GROUP BY 1, 2, 3
	), sized AS (
		SELECT e.place, e.label, greatest(sum(e.goes), sum(e.comes)) AS value
		FROM flows f CROSS JOIN LATERAL (VALUES (f.place, f.source, f.value, 0), (f.place + 1, f.target, 0, f.value)) e(place, label, goes, comes)
		GROUP BY e.place, e.label
	), scale AS (
		SELECT 300 / max(c.value) AS one FROM (SELECT sum(s.value) AS value FROM sized s GROUP BY s.place) c
	), nodes AS (
		SELECT s.place, s.label, s.value, s.value * k.one AS height, 10 + (s.place - 1) * 170 AS x,
			8 + coalesce(sum(greatest(s.value * k.one, 16) + 6) OVER (PARTITION BY s.place ORDER BY s.label IS NULL, s.value DESC, s.label COLLATE "C" ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS y
		FROM sized s CROSS JOIN scale k
	), named_nodes AS (
		SELECT c.*, CASE WHEN c.same = 1 THEN c.line ELSE (cjm_internal.svg_lines(c.shown, c.room, 1, c.same::text || ' '))[1] END AS name
		FROM (SELECT l.*, dense_rank() OVER (PARTITION BY l.place, l.line ORDER BY l.shown COLLATE "C") AS same
			FROM (SELECT n.*, r.shown, r.room, (cjm_internal.svg_lines(r.shown, r.room))[1] AS line
				FROM nodes n CROSS JOIN LATERAL (SELECT coalesce(n.label, words ->> 'others') AS shown, 12.5 - cjm_internal.svg_width(cjm_internal.draw_count(n.value::bigint, words)) AS room) r) l) c
	), drawn AS (
		SELECT f.*, f.value * k.one AS thick, s.x + 10 AS x1, t.x AS x2, s.label IS NULL OR t.label IS NULL AS rest,
			s.y + sum(f.value * k.one) OVER (PARTITION BY f.place, f.source ORDER BY t.y) - f.value * k.one / 2 AS y1,
			t.y + sum(f.value * k.one) OVER (PARTITION BY f.place, f.target ORDER BY s.y) - f.value * k.one / 2 AS y2
		FROM flows f CROSS JOIN scale k
			JOIN nodes s ON s.place = f.place AND s.label IS NOT DISTINCT FROM f.source JOIN nodes t ON t.place = f.place + 1 AND t.label IS NOT DISTINCT FROM f.target
	), said AS (
		SELECT d.*, coalesce(cjm_internal.svg_escape(d.source), cjm_internal.page_word(words, 'others')) AS from_label, coalesce(cjm_internal.svg_escape(d.target), cjm_internal.page_word(words, 'others')) AS to_label FROM drawn d
	)
	SELECT concat(format(E'<div class="wide" tabindex="0" role="group" aria-label="%s"><svg class="flows" viewBox="0 0 %s %s" role="img" aria-label="%1$s">\n', regexp_replace(caption, '<[^>]*>', '', 'g'),
			(SELECT 20 + max(n.place) * 170 FROM nodes n), (SELECT cjm_internal.svg_number(max(n.y + greatest(n.height, 16)) + 8) FROM nodes n)),
		(SELECT string_agg(format(E'<path%s d="M%s %sC%s %s %s %s %s %s" stroke-width="%s"><title>%s &#8594; %s: %s</title></path>\n', CASE WHEN s.rest THEN ' class="rest"' END, cjm_internal.svg_number(s.x1), cjm_internal.svg_number(s.y1),
				cjm_internal.svg_number((s.x1 + s.x2) / 2), cjm_internal.svg_number(s.y1), cjm_internal.svg_number((s.x1 + s.x2) / 2), cjm_internal.svg_number(s.y2), cjm_internal.svg_number(s.x2), cjm_internal.svg_number(s.y2),
				cjm_internal.svg_number(greatest(s.thick, 0.5)), s.from_label, s.to_label, cjm_internal.svg_escape(cjm_internal.draw_count(s.value::bigint, words))), '' ORDER BY s.place, s.y1) FROM said s),
		(SELECT string_agg(format(E'<g><title>%s: %s</title><rect x="%s" y="%s" width="10" height="%s"%s/><text x="%s" y="%s">%s</text></g>\n', coalesce(cjm_internal.svg_escape(n.label), cjm_internal.page_word(words, 'others')), cjm_internal.svg_escape(cjm_internal.draw_count(n.value::bigint, words)),
				n.x, cjm_internal.svg_number(n.y), cjm_internal.svg_number(greatest(n.height, 1)), CASE WHEN n.label IS NULL THEN ' class="rest"' END, n.x + 14, cjm_internal.svg_number(n.y + greatest(n.height, 16) / 2 + 4),
				concat(coalesce(n.name, ''), ' <tspan class="soft">', cjm_internal.svg_escape(cjm_internal.draw_count(n.value::bigint, words)), '</tspan>')), '' ORDER BY n.place, n.y) FROM named_nodes n),
		E'</svg></div>\n',
		format('<details><summary>%s</summary>', cjm_internal.page_word(words, 'page_numbers')),
		cjm_internal.page_table(words, 'sort', caption, '{page_place,<page_source,<page_target,page_times}',
			(SELECT string_agg(format('<tr>%s<td class="l"><bdi>%s</bdi></td><td class="l"><bdi>%s</bdi></td>%s</tr>', cjm_internal.page_cell(s.place::text, s.place::text), s.from_label, s.to_label, cjm_internal.page_count(words, s.value::bigint)), E'\n' ORDER BY s.place, s.value DESC, s.source COLLATE "C", s.target COLLATE "C") FROM said s)),
		'</details>')
	WHERE jsonb_array_length(links) > 0;
END;

COMMENT ON FUNCTION cjm_internal.page_flows(jsonb, jsonb, text, integer) IS 'a Sankey chart of rows of transition_report by places, and its table; NULL of none';

CREATE FUNCTION cjm_internal.page_drawing(place bigint, label text, drawing text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (SELECT format(E'<div class="wide wall%s%s" data-g="%s" tabindex="0" role="group" aria-label="%s">\n%s</div>\n', CASE WHEN greatest(d.width, d.height * 1.414) > 1400 THEN ' large' END, CASE WHEN place > 0 AND d.width < d.height * 0.8 THEN ' half' END, place, label, drawing)
	FROM (SELECT substring(drawing FROM ' width="([\d.]+)"')::float8 AS width, substring(drawing FROM ' height="([\d.]+)"')::float8 AS height) d);

COMMENT ON FUNCTION cjm_internal.page_drawing(bigint, text, text) IS 'a drawing of a map in the page; label: character data';

CREATE FUNCTION cjm_internal.page_wall(words jsonb, data jsonb, wall text, walls text[]) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
RETURN cjm_internal.page_section(words, 'wall', cjm_internal.page_drawing(0, cjm_internal.page_word(words, 'page_wall'), wall) ||
	coalesce((SELECT format(E'<div class="walls">\n%s</div>\n', string_agg(cjm_internal.page_drawing(g.place,
			concat(cjm_internal.page_word(words, 'page_wall'), ', ', coalesce(cjm_internal.svg_escape(g.label), cjm_internal.page_word(words, 'not_known'))), walls[g.place]), '' ORDER BY g.place))
		FROM jsonb_array_elements_text(data -> 'groups') WITH ORDINALITY g(label, place) WHERE walls[g.place] IS NOT NULL), ''));

COMMENT ON FUNCTION cjm_internal.page_wall(jsonb, jsonb, text, text[]) IS 'the section of the map drawn';

CREATE FUNCTION cjm_internal.page_funnel_table(words jsonb, rows jsonb, caption text, brief boolean) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
BEGIN ATOMIC
	WITH steps AS (
		SELECT s.*, s.customers - coalesce(s.dropped, 0) - coalesce(s.open_customers, 0) - coalesce(s.refused, 0) AS gone_on, greatest(max(s.customers) OVER (), 1)::float8 AS most
		FROM jsonb_to_recordset(rows) s(step integer, stage text, optional boolean, customers bigint, step_rate float8, overall_rate float8, rate_low float8, rate_high float8,
			dropped bigint, open_customers bigint, refused bigint, median_time_seconds float8, median_total_seconds float8)
	)
	SELECT cjm_internal.page_table(words, 'sort funnel', caption, CASE WHEN brief THEN '{<stage,customers,=page_bar,metric_step_rate,page_overall_rate,dropped}'::text[]
			ELSE '{page_step,<stage,customers,=page_bar,metric_step_rate,page_overall_rate,dropped,still_open,refused,metric_median_time,metric_median_total}'::text[] END,
		string_agg(concat('<tr>', CASE WHEN NOT brief THEN cjm_internal.page_cell(s.step::text, s.step::text) END,
			format('<th scope="row"><bdi>%s</bdi>%s</th>', cjm_internal.svg_escape(s.stage), CASE WHEN s.optional THEN ' <small>' || cjm_internal.page_word(words, 'optional') || '</small>' END),
			cjm_internal.page_count(words, s.customers),
			cjm_internal.page_bar('{gone,open,refused,dropped}'::text[], ARRAY[s.gone_on / s.most, s.open_customers / s.most, s.refused / s.most, s.dropped / s.most]),
			cjm_internal.page_rate(words, s.step_rate, s.rate_low, s.rate_high), cjm_internal.page_rate(words, s.overall_rate), cjm_internal.page_count(words, s.dropped),
			CASE WHEN NOT brief THEN concat(cjm_internal.page_count(words, s.open_customers), cjm_internal.page_count(words, s.refused),
				cjm_internal.page_number(words, 'time', s.median_time_seconds), cjm_internal.page_number(words, 'time', s.median_total_seconds)) END, '</tr>'), E'\n' ORDER BY s.step))
	FROM steps s;
END;

COMMENT ON FUNCTION cjm_internal.page_funnel_table(jsonb, jsonb, text, boolean) IS 'a funnel of rows of funnel_report; brief: for one beside others';

CREATE FUNCTION cjm_internal.page_funnel(words jsonb, data jsonb) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
RETURN cjm_internal.page_section(words, 'funnel', concat(
	cjm_internal.page_key(words, '{gone,open,refused,dropped}'::text[], '{gone_on,still_open,refused,dropped}'::text[]),
	format('<div data-g="0">%s</div>', cjm_internal.page_funnel_table(words, data -> 'funnel', cjm_internal.page_word(words, 'page_all'), false)),
	(SELECT format('<div class="tiles broad">%s</div>', string_agg(cjm_internal.page_group(words, g.place::integer, '', cjm_internal.page_label(words, g.label),
			cjm_internal.page_funnel_table(words, (SELECT jsonb_agg(r) FROM jsonb_array_elements(data -> 'funnel_by') r WHERE r ->> 'by_value' IS NOT DISTINCT FROM g.label), cjm_internal.page_label(words, g.label), true)), '' ORDER BY g.place))
		FROM jsonb_array_elements_text(data -> 'groups') WITH ORDINALITY g(label, place))));

COMMENT ON FUNCTION cjm_internal.page_funnel(jsonb, jsonb) IS 'the section of the funnel';

CREATE FUNCTION cjm_internal.page_weeks(words jsonb, data jsonb) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 5000
BEGIN ATOMIC
	WITH rows AS (
		SELECT 0 AS place, NULL::text AS by_value, w.*
		FROM jsonb_to_recordset(data -> 'weeks') w(metric text, step integer, stage text, week date, n bigint, value float8, low float8, high float8, closed boolean)
		UNION ALL
		SELECT g.place, g.label, w.metric, w.step, w.stage, w.week, w.n, w.value, w.low, w.high, w.closed
		FROM jsonb_array_elements_text(data -> 'groups') WITH ORDINALITY g(label, place)
			JOIN jsonb_to_recordset(data -> 'weeks_by') w(metric text, step integer, stage text, week date, n bigint, value float8, low float8, high float8, closed boolean, by_value text) ON w.by_value IS NOT DISTINCT FROM g.label
	), time AS (
		SELECT min(r.week) AS first, max(r.week) AS last FROM rows r
	), notes AS (
		SELECT coalesce(jsonb_agg(jsonb_build_object('number', n.number, 'day', n.day) ORDER BY n.number), '[]') AS marks,
			string_agg(format('<li>%s: <bdi>%s</bdi></li>', cjm_internal.page_day(words, n.day), cjm_internal.svg_escape(n.text)), '' ORDER BY n.number) AS list
		FROM (SELECT j.*, row_number() OVER (ORDER BY j.at, j.text COLLATE "C") AS number FROM jsonb_to_recordset(data -> 'notes') j(at timestamptz, day date, text text) CROSS JOIN time t WHERE j.day BETWEEN t.first AND t.last + 6) n
	), series AS (
		SELECT r.place, r.by_value, r.metric, r.step, r.stage, k.place AS metric_place, k.kind, array_agg((r.week, r.n, r.value, r.low, r.high, r.closed)::cjm_internal.page_week ORDER BY r.week) AS weeks,
			CASE WHEN k.kind = 'score' THEN min(least(r.value, r.low)) WHEN k.kind = 'rate' THEN min(least(r.value, r.low)) ELSE least(0, min(r.value)) END AS bottom,
			greatest(max(r.value), CASE WHEN k.kind IN ('rate', 'score') THEN max(r.high) WHEN max(r.high) IS NOT NULL THEN least(max(r.high), 1.5 * max(r.value)) END) AS top
		FROM rows r JOIN cjm_internal.map_metrics() k ON k.metric = r.metric
		GROUP BY r.place, r.by_value, r.metric, r.step, r.stage, k.place, k.kind
	), scaled AS (
		SELECT s.place, s.by_value, s.metric, s.step, s.stage, s.metric_place, s.kind, s.weeks, CASE WHEN s.place = 0 THEN s.bottom ELSE min(s.bottom) OVER (PARTITION BY s.place > 0, s.metric, s.step) END AS bottom,
			CASE WHEN s.place = 0 THEN s.top ELSE max(s.top) OVER (PARTITION BY s.place > 0, s.metric, s.step) END AS top
		FROM series s
	), charts AS (
		SELECT s.place, s.metric_place, s.step, cjm_internal.page_series(words, s.kind, cjm_internal.page_metric(words, s.metric, s.stage, CASE WHEN s.place > 0 THEN data ->> 'by' END, s.by_value), s.weeks, t.first, t.last, s.bottom, s.top, n.marks) AS chart
		FROM scaled s CROSS JOIN time t CROSS JOIN notes n
	)
	SELECT cjm_internal.page_section(words, 'weeks', concat('<p class="soft">', cjm_internal.page_say(words, 'page_weeks_are'), E'</p>\n',
		(SELECT format(E'<ol class="notes">%s</ol>\n', n.list) FROM notes n WHERE n.list IS NOT NULL),
		format(E'<div class="tiles" data-g="0">\n%s</div>\n', string_agg(c.chart, '' ORDER BY c.metric_place, c.step) FILTER (WHERE c.place = 0)),
		format(E'<div class="tiles">\n%s</div>\n', string_agg(format(E'<div data-g="%s">%s</div>\n', c.place, c.chart), '' ORDER BY c.place, c.metric_place, c.step) FILTER (WHERE c.place > 0))))
	FROM charts c HAVING count(*) > 0;
END;

COMMENT ON FUNCTION cjm_internal.page_weeks(jsonb, jsonb) IS 'the section of the figures of weeks';

CREATE FUNCTION cjm_internal.page_retention_table(words jsonb, rows jsonb, caption text, full_rate float8) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE COST 1000
BEGIN ATOMIC
	WITH cells AS (
		SELECT c.* FROM jsonb_to_recordset(rows) c(cohort date, number integer, cohort_size bigint, retained bigint, rate float8, period_over boolean)
	), lines AS (
		SELECT c.cohort, max(c.cohort_size) AS size, string_agg(cell.html, '' ORDER BY n.number) AS html
		FROM (SELECT d.cohort, max(d.cohort_size) AS cohort_size FROM cells d GROUP BY d.cohort) c
			CROSS JOIN LATERAL generate_series(1, (SELECT max(d.number) FROM cells d)) n(number)
			LEFT JOIN cells v ON v.cohort = c.cohort AND v.number = n.number
			CROSS JOIN LATERAL (SELECT CASE WHEN v.cohort IS NULL THEN '<td></td>' ELSE format('<td class="%s%s" data-v="%s" title="%s / %s">%s</td>',
				CASE WHEN v.cohort_size < cjm_internal.map_few() THEN 'few' ELSE concat('h', least(floor(v.rate / nullif(full_rate, 0) * 7), 6)) END, CASE WHEN NOT v.period_over THEN ' grows' END,
				v.rate, v.retained, v.cohort_size, cjm_internal.svg_rate(v.rate, words)) END AS html) cell
		GROUP BY c.cohort
	)
	SELECT format(E'<div class="wide" tabindex="0" role="group" aria-label="%s"><table class="heat"><caption>%s</caption><thead><tr><th scope="col">%s</th><th scope="col">%s</th>%s</tr></thead>\n<tbody>%s</tbody></table></div>\n',
		regexp_replace(caption, '<[^>]*>', '', 'g'), caption, cjm_internal.page_word(words, 'page_cohort'), cjm_internal.page_word(words, 'customers'),
		(SELECT string_agg(format('<th scope="col">%s</th>', n.number), '' ORDER BY n.number) FROM generate_series(1, (SELECT max(c.number) FROM cells c)) n(number)),
		string_agg(concat('<tr><th scope="row">', cjm_internal.svg_escape(to_char(l.cohort, words ->> 'month_date')), '</th>', cjm_internal.page_count(words, l.size), l.html, '</tr>'), E'\n' ORDER BY l.cohort))
	FROM lines l HAVING count(*) > 0;
END;

COMMENT ON FUNCTION cjm_internal.page_retention_table(jsonb, jsonb, text, float8) IS 'a heat map of rows of retention_report';

CREATE FUNCTION cjm_internal.page_retention(words jsonb, data jsonb) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
BEGIN ATOMIC
	WITH full_rate AS (
		SELECT max(c.rate) AS rate FROM jsonb_to_recordset((data -> 'retention') || coalesce(data -> 'retention_by', '[]')) c(number integer, cohort_size bigint, rate float8) WHERE c.number > 0 AND c.cohort_size >= cjm_internal.map_few()
	)
	SELECT cjm_internal.page_section(words, 'retention', format(E'<p class="soft">%s</p>\n<div data-g="0">%s</div>\n', cjm_internal.page_say(words, 'page_retention_is', cjm_internal.map_few()::text), cjm_internal.page_retention_table(words, data -> 'retention', cjm_internal.page_word(words, 'page_all'), f.rate)) ||
		coalesce((SELECT format('<div class="tiles broad">%s</div>', string_agg(cjm_internal.page_group(words, g.place::integer, '', cjm_internal.page_label(words, g.label), t.html), '' ORDER BY g.place))
			FROM jsonb_array_elements_text(data -> 'groups') WITH ORDINALITY g(label, place)
				CROSS JOIN LATERAL (SELECT cjm_internal.page_retention_table(words, (SELECT jsonb_agg(r) FROM jsonb_array_elements(data -> 'retention_by') r WHERE r ->> 'by_value' IS NOT DISTINCT FROM g.label), cjm_internal.page_label(words, g.label), f.rate) AS html) t
			WHERE t.html IS NOT NULL), ''))
	FROM full_rate f WHERE EXISTS (SELECT FROM jsonb_to_recordset(data -> 'retention') c(number integer) WHERE c.number > 0);
END;

COMMENT ON FUNCTION cjm_internal.page_retention(jsonb, jsonb) IS 'the section of retention';

CREATE FUNCTION cjm_internal.page_channels_table(words jsonb, rows jsonb, caption text, spend boolean, money boolean, brief boolean) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
BEGIN ATOMIC
	SELECT cjm_internal.page_table(words, 'sort', caption,
		'{<page_channel,metric_visits,page_conversions}'::text[] || CASE WHEN brief THEN '{}'::text[] ELSE '{=page_bar}'::text[] END || CASE WHEN money THEN '{metric_revenue}'::text[] ELSE '{}'::text[] END ||
			CASE WHEN spend THEN CASE WHEN money THEN '{page_cost,metric_cpa,metric_roas}'::text[] ELSE '{page_cost,metric_cpa}'::text[] END ELSE '{}'::text[] END || CASE WHEN spend AND NOT brief THEN '{page_impressions,page_clicks,page_ctr}'::text[] ELSE '{}'::text[] END,
		string_agg(concat('<tr><th scope="row">', cjm_internal.page_label(words, c.channel), '</th>', cjm_internal.page_count(words, c.visits), cjm_internal.page_cell(c.conversions::text, cjm_internal.page_decimal(words, c.conversions, CASE WHEN c.whole THEN 0 ELSE 1 END)),
			CASE WHEN NOT brief THEN cjm_internal.page_bar('{gone}'::text[], ARRAY[greatest(c.conversions, 0) / nullif(c.most, 0)]) END,
			CASE WHEN money THEN cjm_internal.page_cell(c.revenue::text, cjm_internal.page_figure(words, 'money', c.revenue::float8)) END,
			CASE WHEN spend THEN concat(cjm_internal.page_cell(c.cost::text, cjm_internal.page_figure(words, 'money', c.cost::float8)), cjm_internal.page_cell(c.cpa::text, cjm_internal.page_figure(words, 'money', c.cpa::float8)),
				CASE WHEN money THEN cjm_internal.page_number(words, 'money', c.roas) END, CASE WHEN NOT brief THEN concat(cjm_internal.page_count(words, c.impressions), cjm_internal.page_count(words, c.clicks), cjm_internal.page_rate(words, c.ctr)) END) END, '</tr>'),
			E'\n' ORDER BY c.conversions DESC, c.visits DESC, c.channel COLLATE "C"))
	FROM (SELECT r.*, max(r.conversions) OVER () AS most, bool_and(r.conversions = floor(r.conversions)) OVER () AS whole FROM jsonb_to_recordset(rows) r(channel text, visits bigint, conversions float8, revenue numeric, cost numeric, cpa numeric, roas float8, impressions bigint, clicks bigint, ctr float8)) c
	HAVING count(*) > 0;
END;

COMMENT ON FUNCTION cjm_internal.page_channels_table(jsonb, jsonb, text, boolean, boolean, boolean) IS 'rows of channels_report; brief: for one beside others';

CREATE FUNCTION cjm_internal.page_channels(words jsonb, data jsonb) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
RETURN cjm_internal.page_section(words, 'channels', format(E'<p class="soft">%s</p>\n', cjm_internal.page_say(words, 'page_channels_are', cjm_internal.svg_escape(data ->> 'attribution'))) ||
	'<div data-g="0">' || cjm_internal.page_channels_table(words, data -> 'channels', cjm_internal.page_word(words, 'page_all'), (data ->> 'spend')::boolean, (data ->> 'money')::boolean, false) || E'</div>\n' ||
	coalesce((SELECT format('<div class="tiles broad">%s</div>', string_agg(cjm_internal.page_group(words, g.place::integer, '', cjm_internal.page_label(words, g.label), t.html), '' ORDER BY g.place))
		FROM jsonb_array_elements_text(data -> 'groups') WITH ORDINALITY g(label, place)
			CROSS JOIN LATERAL (SELECT cjm_internal.page_channels_table(words, (SELECT jsonb_agg(r) FROM jsonb_array_elements(data -> 'channels_by') r WHERE r ->> 'by_value' IS NOT DISTINCT FROM g.label), cjm_internal.page_label(words, g.label),
				(data ->> 'spend')::boolean, (data ->> 'money')::boolean, true) AS html) t WHERE t.html IS NOT NULL), ''));

COMMENT ON FUNCTION cjm_internal.page_channels(jsonb, jsonb) IS 'the section of channels; NULL where there is none';

CREATE FUNCTION cjm_internal.page_drop_off_table(words jsonb, rows jsonb, caption text, brief boolean) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
BEGIN ATOMIC
	SELECT cjm_internal.page_table(words, 'sort', caption, CASE WHEN brief THEN '{<stage,<page_last_event,page_stopped,page_share,still_open,refused}'::text[]
			ELSE '{page_step,<stage,<page_last_event,page_stopped,page_share,still_open,refused,page_days_since,<page_next_event,page_next_customers}'::text[] END,
		string_agg(concat('<tr>', CASE WHEN NOT brief THEN cjm_internal.page_cell(d.step::text, d.step::text) END, '<th scope="row" class="l">', cjm_internal.page_label(words, d.stage), '</th><td class="l">', cjm_internal.page_label(words, d.last_event), '</td>',
			cjm_internal.page_count(words, d.customers), cjm_internal.page_rate(words, d.share), cjm_internal.page_count(words, d.open_customers), cjm_internal.page_count(words, d.refused),
			CASE WHEN NOT brief THEN concat(cjm_internal.page_number(words, 'score', d.median_days_since),
				'<td class="l">', CASE WHEN d.next_event IS NOT NULL THEN cjm_internal.page_label(words, d.next_event) ELSE '&#8211;' END, '</td>', cjm_internal.page_count(words, d.next_customers)) END, '</tr>'), E'\n' ORDER BY d.step, d.customers DESC, d.last_event COLLATE "C"))
	FROM (SELECT r.*, CASE WHEN brief THEN r.event ELSE r.by_value END AS last_event
		FROM ROWS FROM (jsonb_to_recordset(rows) AS (step integer, stage text, by_value text, customers bigint, share float8, open_customers bigint, refused bigint, median_days_since float8, next_event text, next_customers bigint, last_event text))
			r(step, stage, by_value, customers, share, open_customers, refused, median_days_since, next_event, next_customers, event)) d
	HAVING count(*) > 0;
END;

COMMENT ON FUNCTION cjm_internal.page_drop_off_table(jsonb, jsonb, text, boolean) IS 'rows of drop_off_report by last event; brief: for one beside others, where by_value is the group';

CREATE FUNCTION cjm_internal.page_drop_off(words jsonb, data jsonb) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
RETURN cjm_internal.page_section(words, 'drop_off', format(E'<p class="soft">%s</p>\n', cjm_internal.page_word(words, 'page_drop_off_is')) || '<div data-g="0">' || cjm_internal.page_drop_off_table(words, data -> 'drop_off', cjm_internal.page_word(words, 'page_all'), false) || E'</div>\n' ||
	coalesce((SELECT format('<div class="tiles broad">%s</div>', string_agg(cjm_internal.page_group(words, g.place::integer, '', cjm_internal.page_label(words, g.label), t.html), '' ORDER BY g.place))
		FROM jsonb_array_elements_text(data -> 'groups') WITH ORDINALITY g(label, place)
			CROSS JOIN LATERAL (SELECT cjm_internal.page_drop_off_table(words, (SELECT jsonb_agg(r) FROM jsonb_array_elements(data -> 'drop_off_by') r WHERE r ->> 'by_value' IS NOT DISTINCT FROM g.label), cjm_internal.page_label(words, g.label), true) AS html) t
		WHERE t.html IS NOT NULL), ''));

COMMENT ON FUNCTION cjm_internal.page_drop_off(jsonb, jsonb) IS 'the section of where customers stop';

CREATE FUNCTION cjm_internal.page_paths(words jsonb, data jsonb) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
RETURN cjm_internal.page_section(words, 'paths', format(E'<p class="soft">%s</p>\n', cjm_internal.page_word(words, 'page_paths_are')) || '<div data-g="0">' || cjm_internal.page_flows(words, data -> 'paths', cjm_internal.page_word(words, 'page_all'), 6) || E'</div>\n' ||
	coalesce((SELECT format('<div class="tiles broad">%s</div>', string_agg(cjm_internal.page_group(words, g.place::integer, '', cjm_internal.page_label(words, g.label), t.html), '' ORDER BY g.place))
		FROM jsonb_array_elements_text(data -> 'groups') WITH ORDINALITY g(label, place)
			CROSS JOIN LATERAL (SELECT cjm_internal.page_flows(words, (SELECT jsonb_agg(r) FROM jsonb_array_elements(data -> 'paths_by') r WHERE r ->> 'by_value' IS NOT DISTINCT FROM g.label), cjm_internal.page_label(words, g.label), CASE WHEN jsonb_array_length(data -> 'groups') > 4 THEN 3 ELSE 4 END) AS html) t
		WHERE t.html IS NOT NULL), ''));

COMMENT ON FUNCTION cjm_internal.page_paths(jsonb, jsonb) IS 'the section of paths';

CREATE FUNCTION cjm_internal.page_feedback_table(words jsonb, rows jsonb, caption text, asked text[]) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
BEGIN ATOMIC
	SELECT cjm_internal.page_table(words, 'sort', caption, '{<stage,<page_event,page_answers}'::text[] || ARRAY(SELECT 'metric_' || a FROM unnest(asked) WITH ORDINALITY u(a, place) ORDER BY place) || '{page_unhappy_drop,page_happy_drop}'::text[],
		string_agg(concat('<tr><th scope="row">', CASE WHEN f.stage IS NULL THEN cjm_internal.page_word(words, 'before') ELSE cjm_internal.page_label(words, f.stage) END, '</th><td class="l">', cjm_internal.page_label(words, f.event), '</td>', cjm_internal.page_count(words, f.answers),
			CASE WHEN 'nps' = ANY (asked) THEN cjm_internal.page_number(words, 'score', f.nps, f.nps_low, f.nps_high) END, CASE WHEN 'csat' = ANY (asked) THEN cjm_internal.page_rate(words, f.csat, f.csat_low, f.csat_high) END,
			CASE WHEN 'ces' = ANY (asked) THEN cjm_internal.page_number(words, 'score', f.ces, f.ces_low, f.ces_high) END,
			cjm_internal.page_rate(words, f.unhappy_drop_rate), cjm_internal.page_rate(words, f.happy_drop_rate), '</tr>'), E'\n' ORDER BY f.step, f.answers DESC, f.event COLLATE "C"))
	FROM jsonb_to_recordset(rows) f(step integer, stage text, event text, answers bigint, nps float8, nps_low float8, nps_high float8, csat float8, csat_low float8, csat_high float8, ces float8, ces_low float8, ces_high float8,
		unhappy_drop_rate float8, happy_drop_rate float8)
	HAVING count(*) > 0;
END;

COMMENT ON FUNCTION cjm_internal.page_feedback_table(jsonb, jsonb, text, text[]) IS 'rows of feedback_report; asked: which of nps, csat and ces the map has';

CREATE FUNCTION cjm_internal.page_feedback(words jsonb, data jsonb) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
BEGIN ATOMIC
	WITH asked AS (
		SELECT ARRAY(SELECT jsonb_array_elements_text(data -> 'asked')) AS scores
	)
	SELECT cjm_internal.page_section(words, 'feedback', format('<div data-g="0">%s</div>', cjm_internal.page_feedback_table(words, data -> 'feedback', cjm_internal.page_word(words, 'page_all'), a.scores)) ||
		coalesce((SELECT format('<div class="tiles broad">%s</div>', string_agg(cjm_internal.page_group(words, g.place::integer, '', cjm_internal.page_label(words, g.label), t.html), '' ORDER BY g.place))
			FROM jsonb_array_elements_text(data -> 'groups') WITH ORDINALITY g(label, place)
				CROSS JOIN LATERAL (SELECT cjm_internal.page_feedback_table(words, (SELECT jsonb_agg(r) FROM jsonb_array_elements(data -> 'feedback_by') r WHERE r ->> 'by_value' IS NOT DISTINCT FROM g.label), cjm_internal.page_label(words, g.label), a.scores) AS html) t
			WHERE t.html IS NOT NULL), ''))
	FROM asked a WHERE jsonb_array_length(data -> 'feedback') > 0;
END;

COMMENT ON FUNCTION cjm_internal.page_feedback(jsonb, jsonb) IS 'the section of answers; NULL where there are none';

CREATE FUNCTION cjm_internal.page_groups(rows jsonb) RETURNS jsonb
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
	SELECT coalesce(jsonb_agg(g.by_value ORDER BY g.customers DESC, g.by_value COLLATE "C"), '[]')
	FROM (SELECT r.by_value, max(r.customers) AS customers, row_number() OVER (PARTITION BY r.by_value IS NULL ORDER BY max(r.customers) DESC, r.by_value COLLATE "C") AS place
		FROM jsonb_to_recordset(rows) r(by_value text, customers bigint) GROUP BY r.by_value HAVING max(r.customers) > 0) g
	WHERE g.place <= 6);

COMMENT ON FUNCTION cjm_internal.page_groups(jsonb) IS 'which groups of rows of funnel_report are shown, the largest first';

CREATE FUNCTION cjm_internal.page_of_groups(rows jsonb, groups jsonb) RETURNS jsonb
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (SELECT coalesce(jsonb_agg(r.one ORDER BY r.place), '[]') FROM jsonb_array_elements(rows) WITH ORDINALITY r(one, place)
	WHERE EXISTS (SELECT FROM jsonb_array_elements_text(groups) g(label) WHERE g.label IS NOT DISTINCT FROM r.one ->> 'by_value'));

COMMENT ON FUNCTION cjm_internal.page_of_groups(jsonb, jsonb) IS 'of rows with by_value those of these groups';

CREATE FUNCTION cjm_internal.page_data_funnel(def cjm_internal.map, map text, by text, from_time timestamptz, to_time timestamptz, where_is jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	data jsonb;
	rows jsonb;
	groups jsonb;
BEGIN
	SELECT jsonb_build_object('funnel', coalesce(jsonb_agg(to_jsonb(r) ORDER BY r.step), '[]')) INTO data
	FROM (SELECT f.step, f.stage, coalesce(s.optional, false) AS optional, f.customers, f.step_rate, f.overall_rate, f.rate_low, f.rate_high, f.dropped, f.drop_rate, f.open_customers, f.refused, f.median_time_seconds, f.median_total_seconds
		FROM cjm.funnel_report(map, NULL::text, NULL::text, from_time, to_time, where_is, 'customers'::text, false) f LEFT JOIN (SELECT DISTINCT d.step, d.optional FROM cjm.funnel_stages(def.stages) d) s USING (step)) r;
	IF by IS NULL THEN
		RETURN data || '{"groups": []}';
	END IF;
	SELECT coalesce(jsonb_agg(to_jsonb(r) ORDER BY r.step), '[]') INTO rows
	FROM (SELECT f.by_value, f.step, f.stage, coalesce(s.optional, false) AS optional, f.customers, f.step_rate, f.overall_rate, f.rate_low, f.rate_high, f.dropped, f.drop_rate, f.open_customers, f.refused, f.median_time_seconds, f.median_total_seconds
		FROM cjm.funnel_report(map, by, NULL::text, from_time, to_time, where_is, 'customers'::text, false) f LEFT JOIN (SELECT DISTINCT d.step, d.optional FROM cjm.funnel_stages(def.stages) d) s USING (step)) r;
	groups := cjm_internal.page_groups(rows);
	RETURN data || jsonb_build_object('groups', groups, 'funnel_by', cjm_internal.page_of_groups(rows, groups),
		'more_groups', (SELECT count(DISTINCT r.by_value) > 6 FROM jsonb_to_recordset(rows) r(by_value text, customers bigint) WHERE r.customers > 0));
END
$$;

COMMENT ON FUNCTION cjm_internal.page_data_funnel(cjm_internal.map, text, text, timestamptz, timestamptz, jsonb) IS 'what the page of a map says of its funnel, and which groups it shows';

CREATE FUNCTION cjm_internal.page_data_weeks(def cjm_internal.map, from_time timestamptz, to_time timestamptz) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ranged boolean := cjm_internal.map_ranged(from_time, to_time);
	aged cjm_internal.map := cjm_internal.steering_aged(def, 'week', NULL);
	metrics text[] := cjm_internal.map_metrics_of(def, NULL, NULL);
	data jsonb;
BEGIN
	EXECUTE format('WITH m AS MATERIALIZED (%s), weeks AS (
			SELECT m.metric, m.step, m.stage, (m.bucket_start AT TIME ZONE $3)::date AS week, m.n, m.value, m.low, m.high, m.closed, max(m.bucket_start) OVER () - m.bucket_start AS ago FROM m
		), compared AS (
			SELECT c.metric, c.step, c.stage, (c.bucket_start AT TIME ZONE $3)::date AS week, c.value, c.usual, c.usual_low, c.usual_high, c.adjusted_p_value FROM (%s) c WHERE c.p_value IS NOT NULL
		)
		SELECT jsonb_build_object(''weeks'', coalesce((SELECT jsonb_agg(to_jsonb(w) ORDER BY w.week) FROM weeks w WHERE w.ago < ''25.5 weeks''), ''[]''),
			''compared'', coalesce((SELECT jsonb_agg(to_jsonb(c) ORDER BY c.adjusted_p_value, c.metric, c.step) FROM compared c), ''[]''))',
		cjm_internal.map_metrics_sql(def, metrics, 'week', NULL, ranged),
		cjm_internal.steering_compare_sql(aged, CASE WHEN ranged OR aged.stages::text <> def.stages::text THEN cjm_internal.map_metrics_sql(aged, metrics, 'week', NULL, false) ELSE 'SELECT m.* FROM m' END, 'week', 8, coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity')))
		INTO data USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity'), def.time_zone;
	RETURN data;
END
$$;

COMMENT ON FUNCTION cjm_internal.page_data_weeks(cjm_internal.map, timestamptz, timestamptz) IS 'what the page of a map says of its weeks, as metric_report and compare_report have it';

CREATE FUNCTION cjm_internal.page_data_weeks_by(def cjm_internal.map, map text, by text, groups jsonb, from_time timestamptz, to_time timestamptz, where_is jsonb) RETURNS jsonb
	LANGUAGE sql STABLE PARALLEL RESTRICTED COST 10000
RETURN (
	SELECT jsonb_build_object('weeks_by', cjm_internal.page_of_groups(coalesce(jsonb_agg(to_jsonb(r) ORDER BY r.week), '[]'), groups))
	FROM (SELECT m.by_value, m.metric, m.step, m.stage, (m.bucket_start AT TIME ZONE (def).time_zone)::date AS week, m.n, m.value, m.low, m.high, m.closed, max(m.bucket_start) OVER () - m.bucket_start AS ago
		FROM cjm.metric_report(map, 'conversion'::text, 'week'::text, from_time, to_time, by, where_is) m) r WHERE r.ago < '25.5 weeks');

COMMENT ON FUNCTION cjm_internal.page_data_weeks_by(cjm_internal.map, text, text, jsonb, timestamptz, timestamptz, jsonb) IS 'the conversion of groups week by week';

CREATE FUNCTION cjm_internal.page_data_steering(def cjm_internal.map, to_time timestamptz) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	data jsonb := '{}';
	rows jsonb;
BEGIN
	IF cjm_internal.map_may_read(def, 'notes') THEN
		EXECUTE format('SELECT jsonb_agg(jsonb_build_object(''at'', n.at, ''day'', (n.at AT TIME ZONE $1)::date, ''text'', n.text) ORDER BY n.at) FROM %s.notes n', cjm_internal.map_schema(def)) INTO rows USING def.time_zone;
		data := data || jsonb_build_object('notes', coalesce(rows, '[]'));
	END IF;
	IF def.where_is IS NULL AND coalesce(to_time, 'infinity') = 'infinity' AND cjm_internal.map_may_read(def, 'kpis') THEN
		EXECUTE format('SELECT jsonb_agg(to_jsonb(k) ORDER BY k.metric, k.step, k.by COLLATE "C", k.by_value COLLATE "C")
			FROM (SELECT k.metric, k.step, k.stage, k.by, k.by_value, k.week, k.actual, k.direction, k.target, k.met FROM %s.kpis k) k', cjm_internal.map_schema(def)) INTO rows;
		data := data || jsonb_build_object('kpis', coalesce(rows, '[]'));
	END IF;
	RETURN data;
END
$$;

COMMENT ON FUNCTION cjm_internal.page_data_steering(cjm_internal.map, timestamptz) IS 'the notes and the targets of a map, as far as the caller may read them';

CREATE FUNCTION cjm_internal.page_data_retention(def cjm_internal.map, map text, by text, groups jsonb, from_time timestamptz, to_time timestamptz, where_is jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	data jsonb;
	rows jsonb;
BEGIN
	SELECT jsonb_build_object('retention', coalesce(jsonb_agg(to_jsonb(r) ORDER BY r.cohort, r.number), '[]')) INTO data
	FROM (SELECT c.cohort, c.number, c.cohort_size, c.retained, c.rate, c.period_over, dense_rank() OVER (ORDER BY c.cohort DESC) AS place
		FROM cjm.retention_report(map, 'month'::text, from_time, to_time, 'in'::text, NULL::text, where_is, NULL::cjm.funnel, NULL::cjm.funnel, 1, NULL::integer[], 'monday'::text, false, false) c) r WHERE r.place <= 24 AND r.number <= 24;
	IF by IS NOT NULL AND cjm_internal.map_customer_words(def) ? by THEN
		SELECT jsonb_agg(to_jsonb(r) ORDER BY r.cohort, r.number) INTO rows
		FROM (SELECT c.by_value, c.cohort, c.number, c.cohort_size, c.retained, c.rate, c.period_over, dense_rank() OVER (ORDER BY c.cohort DESC) AS place
			FROM cjm.retention_report(map, 'month'::text, from_time, to_time, 'in'::text, by, where_is, NULL::cjm.funnel, NULL::cjm.funnel, 1, NULL::integer[], 'monday'::text, false, false) c) r WHERE r.place <= 12 AND r.number <= 12;
		data := data || jsonb_build_object('retention_by', cjm_internal.page_of_groups(coalesce(rows, '[]'), groups));
	END IF;
	RETURN data;
END
$$;

COMMENT ON FUNCTION cjm_internal.page_data_retention(cjm_internal.map, text, text, jsonb, timestamptz, timestamptz, jsonb) IS 'what the page of a map says of retention';

CREATE FUNCTION cjm_internal.page_data_channels(def cjm_internal.map, map text, by text, groups jsonb, from_time timestamptz, to_time timestamptz, where_is jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	data jsonb;
	rows jsonb;
BEGIN
	SELECT jsonb_build_object('channels', coalesce(jsonb_agg(to_jsonb(r)), '[]')) INTO data
	FROM (SELECT c.channel, c.visits, c.conversions, c.revenue, c.cost, c.cpa, c.roas, c.impressions, c.clicks, c.ctr
		FROM cjm.channels_report(map, NULL::text, from_time, to_time, where_is, NULL::text, 'conversion'::text, NULL::text, NULL::boolean, NULL::text) c ORDER BY c.conversions DESC, c.visits DESC LIMIT 30) r;
	IF cjm_internal.map_words(def) ? by THEN
		SELECT jsonb_agg(to_jsonb(r)) INTO rows
		FROM (SELECT c.by_value, c.channel, c.visits, c.conversions, c.revenue, c.cost, c.cpa, c.roas, row_number() OVER (PARTITION BY c.by_value ORDER BY c.conversions DESC, c.visits DESC) AS place
			FROM cjm.channels_report(map, NULL::text, from_time, to_time, where_is, NULL::text, 'conversion'::text, NULL::text, NULL::boolean, by) c) r WHERE r.place <= 12;
		data := data || jsonb_build_object('channels_by', cjm_internal.page_of_groups(coalesce(rows, '[]'), groups));
	END IF;
	RETURN data;
END
$$;

COMMENT ON FUNCTION cjm_internal.page_data_channels(cjm_internal.map, text, text, jsonb, timestamptz, timestamptz, jsonb) IS 'what the page of a map says of channels';

CREATE FUNCTION cjm_internal.page_data_stopped(def cjm_internal.map, map text, by text, groups jsonb, from_time timestamptz, to_time timestamptz, where_is jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	data jsonb;
	rows jsonb;
	facts jsonb;
BEGIN
	WITH d AS MATERIALIZED (
		SELECT d.step, d.stage, d.by_value, d.customers, d.share, d.open_customers, d.refused, d.median_days_since, d.next_event, d.next_customers,
			row_number() OVER (PARTITION BY d.step ORDER BY d.customers + d.open_customers + coalesce(d.refused, 0) DESC, d.by_value COLLATE "C") AS place
		FROM cjm.drop_off_report(map, 'last_event'::text, from_time, to_time, where_is) d)
	SELECT jsonb_build_object('drop_off', coalesce(jsonb_agg(to_jsonb(d)) FILTER (WHERE d.place <= 5), '[]'),
		'facts', jsonb_build_object('leaks', cjm_internal.map_leaks_of(coalesce(jsonb_agg(jsonb_build_object('step', d.step, 'last_event', d.by_value, 'customers', d.customers)), '[]')))) INTO data FROM d;
	IF groups = '[]' THEN
		RETURN data;
	END IF;
	def.groups := ARRAY(SELECT g.label FROM jsonb_array_elements_text(groups) WITH ORDINALITY g(label, place) ORDER BY g.place);
	EXECUTE format('WITH d AS MATERIALIZED (
			SELECT s.part AS by_value, s.step, (%s)[s.step] AS stage, s.last_event, s.customers, s.customers::float8 / nullif(sum(s.customers) OVER (PARTITION BY s.part), 0)::float8 AS share, s.open_customers, s.refused,
				row_number() OVER (PARTITION BY s.part, s.step ORDER BY s.customers + s.open_customers + s.refused DESC, s.last_event COLLATE "C") AS place
			FROM (%s) s)
		SELECT jsonb_agg(to_jsonb(d)) FILTER (WHERE d.place <= 3), jsonb_build_object(''leaks'', cjm_internal.map_leaks_of(coalesce(jsonb_agg(jsonb_build_object(''part'', d.by_value, ''step'', d.step, ''last_event'', d.last_event, ''customers'', d.customers)), ''[]''))) FROM d',
		cjm_internal.map_stage_names(def), cjm_internal.map_stopped_sql(def, by, cjm_internal.map_ranged(from_time, to_time))) INTO rows, facts USING coalesce(from_time, '-infinity'), coalesce(to_time, 'infinity');
	RETURN data || jsonb_build_object('drop_off_by', cjm_internal.page_of_groups(coalesce(rows, '[]'), groups), 'facts_by', facts);
END
$$;

COMMENT ON FUNCTION cjm_internal.page_data_stopped(cjm_internal.map, text, text, jsonb, timestamptz, timestamptz, jsonb) IS 'what the page of a map says of where customers stop';

CREATE FUNCTION cjm_internal.page_data_paths(def cjm_internal.map, map text, by text, groups jsonb, from_time timestamptz, to_time timestamptz, where_is jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	data jsonb;
	rows jsonb;
BEGIN
	SELECT jsonb_build_object('paths', coalesce(jsonb_agg(to_jsonb(r)), '[]')) INTO data
	FROM (SELECT t."position", t.source, t.target, t.value FROM cjm.transition_report(map, 'event'::text, from_time, to_time, where_is, 5, false, 'customer'::text) t) r;
	IF groups <> '[]' AND cjm_internal.map_words(def) ? by THEN
		SELECT jsonb_agg(to_jsonb(r)) INTO rows
		FROM (SELECT t.by_value, t."position", t.source, t.target, t.value FROM cjm.transition_report(map, by, from_time, to_time, where_is, 5, false, 'customer'::text) t) r;
		data := data || jsonb_build_object('paths_by', cjm_internal.page_of_groups(coalesce(rows, '[]'), groups));
	END IF;
	RETURN data;
END
$$;

COMMENT ON FUNCTION cjm_internal.page_data_paths(cjm_internal.map, text, text, jsonb, timestamptz, timestamptz, jsonb) IS 'what the page of a map says of paths';

CREATE FUNCTION cjm_internal.page_data_feedback(def cjm_internal.map, map text, by text, groups jsonb, from_time timestamptz, to_time timestamptz, where_is jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	data jsonb;
	rows jsonb;
	facts jsonb;
BEGIN
	WITH f AS MATERIALIZED (SELECT f.*, row_number() OVER (ORDER BY f.answers DESC, f.step, f.event COLLATE "C") AS place FROM cjm.feedback_report(map, NULL::text, from_time, to_time, where_is) f)
	SELECT jsonb_build_object('feedback', coalesce(jsonb_agg(to_jsonb(f) ORDER BY f.place) FILTER (WHERE f.place <= 40), '[]'), 'facts', cjm_internal.map_moods_of(coalesce(jsonb_agg(to_jsonb(f)), '[]'))) INTO data FROM f;
	IF groups <> '[]' AND cjm_internal.map_words(def) ? by THEN
		WITH f AS MATERIALIZED (SELECT f.by_value AS part, f.*, row_number() OVER (PARTITION BY f.by_value ORDER BY f.answers DESC, f.step, f.event COLLATE "C") AS place FROM cjm.feedback_report(map, by, from_time, to_time, where_is) f)
		SELECT jsonb_agg(to_jsonb(f)) FILTER (WHERE f.place <= 12), cjm_internal.map_moods_of(coalesce(jsonb_agg(to_jsonb(f)), '[]')) INTO rows, facts FROM f;
		data := data || jsonb_build_object('feedback_by', cjm_internal.page_of_groups(coalesce(rows, '[]'), groups), 'facts_by', facts);
	END IF;
	RETURN data;
END
$$;

COMMENT ON FUNCTION cjm_internal.page_data_feedback(cjm_internal.map, text, text, jsonb, timestamptz, timestamptz, jsonb) IS 'what the page of a map says of answers';

CREATE FUNCTION cjm_internal.page_data(map text, by text, from_time timestamptz, to_time timestamptz, where_is jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	data jsonb := jsonb_build_object('map', cjm_internal.map_title(def), 'by', by, 'time_zone', def.time_zone, 'attribution', def.attribution, 'spend', def.spend IS NOT NULL, 'money', def.value IS NOT NULL,
		'asked', array_remove(ARRAY[CASE WHEN def.nps IS NOT NULL THEN 'nps' END, CASE WHEN def.csat IS NOT NULL THEN 'csat' END, CASE WHEN def.ces IS NOT NULL THEN 'ces' END], NULL));
	groups jsonb;
	answers jsonb := '{}';
BEGIN
	data := data || cjm_internal.page_data_funnel(def, map, by, from_time, to_time, where_is);
	groups := data -> 'groups';
	data := data || cjm_internal.page_data_weeks(def, from_time, to_time) || cjm_internal.page_data_steering(def, to_time);
	IF by IS NOT NULL THEN
		data := data || cjm_internal.page_data_weeks_by(def, map, by, groups, from_time, to_time, where_is);
	END IF;
	data := data || cjm_internal.page_data_retention(def, map, by, groups, from_time, to_time, where_is);
	IF def.channel IS NOT NULL THEN
		data := data || cjm_internal.page_data_channels(def, map, by, groups, from_time, to_time, where_is);
	END IF;
	data := data || cjm_internal.page_data_stopped(def, map, by, groups, from_time, to_time, where_is) || cjm_internal.page_data_paths(def, map, by, groups, from_time, to_time, where_is);
	IF jsonb_array_length(data -> 'asked') > 0 THEN
		answers := cjm_internal.page_data_feedback(def, map, by, groups, from_time, to_time, where_is);
	END IF;
	RETURN data || answers || jsonb_build_object('facts', coalesce(data -> 'facts', '{}') || coalesce(answers -> 'facts', '{}'), 'facts_by', coalesce(data -> 'facts_by', '{}') || coalesce(answers -> 'facts_by', '{}'));
END
$$;

COMMENT ON FUNCTION cjm_internal.page_data(text, text, timestamptz, timestamptz, jsonb) IS 'all that the page of a map says, by sections: rows of the reports';

CREATE FUNCTION cjm_internal.page_leak(words jsonb, data jsonb) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
BEGIN ATOMIC
	WITH steps AS (
		SELECT s.* FROM jsonb_to_recordset(data -> 'funnel') s(step integer, stage text, optional boolean, customers bigint, overall_rate float8, dropped bigint, drop_rate float8)
	), worst AS (
		SELECT s.* FROM steps s WHERE s.dropped > 0 ORDER BY s.dropped DESC, s.step LIMIT 1
	), last_event AS (
		SELECT d.by_value, d.customers FROM jsonb_to_recordset(data -> 'drop_off') d(step integer, by_value text, customers bigint) JOIN worst w USING (step) WHERE d.customers > 0 ORDER BY d.customers DESC, d.by_value COLLATE "C" LIMIT 1
	)
	SELECT CASE WHEN coalesce(began.customers, 0) = 0 THEN format('<li>%s</li>', cjm_internal.page_word(words, 'page_nobody'))
		ELSE concat((SELECT format(E'<li>%s</li>\n', cjm_internal.page_say(words, 'page_reached', cjm_internal.svg_escape(cjm_internal.draw_count(e.customers, words)), cjm_internal.svg_escape(cjm_internal.draw_count(began.customers, words)), cjm_internal.page_label(words, e.stage), cjm_internal.svg_rate(e.overall_rate, words)))
				FROM steps e WHERE NOT e.optional AND e.step > 1 ORDER BY e.step DESC LIMIT 1),
			coalesce((SELECT format(E'<li class="leak">%s%s</li>\n', cjm_internal.page_say(words, 'page_leak', cjm_internal.page_label(words, w.stage), cjm_internal.svg_escape(cjm_internal.draw_count(w.dropped, words)), cjm_internal.svg_escape(cjm_internal.draw_count(w.customers, words)), cjm_internal.svg_rate(w.drop_rate, words)),
					(SELECT cjm_internal.page_say(words, 'page_leak_last', cjm_internal.svg_escape(cjm_internal.draw_count(l.customers, words)), cjm_internal.page_label(words, l.by_value)) FROM last_event l)) FROM worst w),
				format('<li>%s</li>', cjm_internal.page_word(words, 'page_no_leak')))) END
	FROM (SELECT max(s.customers) AS customers FROM steps s WHERE s.step = 1) began;
END;

COMMENT ON FUNCTION cjm_internal.page_leak(jsonb, jsonb) IS 'how many come to the end, and where most are lost, in sentences';

CREATE FUNCTION cjm_internal.page_changed(words jsonb, data jsonb) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
BEGIN ATOMIC
	SELECT CASE WHEN count(*) = 0 THEN format('<li>%s</li>', cjm_internal.page_word(words, 'page_too_few'))
		ELSE coalesce(string_agg(format(E'<li class="changed">%s</li>\n', cjm_internal.page_say(words, CASE WHEN c.value < c.usual THEN 'page_below' ELSE 'page_above' END, cjm_internal.page_metric(words, c.metric, c.stage, NULL, NULL),
				cjm_internal.page_shown(words, k.kind, c.value), cjm_internal.page_day(words, c.week), cjm_internal.page_shown(words, k.kind, c.usual_low), cjm_internal.page_shown(words, k.kind, c.usual_high))), ''
				ORDER BY c.adjusted_p_value, k.place, c.step) FILTER (WHERE c.adjusted_p_value <= 0.05), format('<li>%s</li>', cjm_internal.page_word(words, 'page_as_usual'))) END
	FROM jsonb_to_recordset(data -> 'compared') c(metric text, step integer, stage text, week date, value float8, usual float8, usual_low float8, usual_high float8, adjusted_p_value float8) JOIN cjm_internal.map_metrics() k ON k.metric = c.metric;
END;

COMMENT ON FUNCTION cjm_internal.page_changed(jsonb, jsonb) IS 'what has changed in the last week that is over, in sentences';

CREATE FUNCTION cjm_internal.page_missed(words jsonb, data jsonb) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000
BEGIN ATOMIC
	SELECT coalesce(string_agg(format(E'<li class="missed">%s</li>\n', cjm_internal.page_say(words, CASE c.direction WHEN 'at least' THEN 'page_missed_least' ELSE 'page_missed_most' END, cjm_internal.page_metric(words, c.metric, c.stage, c.by, c.by_value),
			cjm_internal.page_shown(words, k.kind, c.actual), cjm_internal.page_day(words, c.week), cjm_internal.page_shown(words, k.kind, c.target))), ''
			ORDER BY k.place, c.step, c.by COLLATE "C" NULLS FIRST, c.by_value COLLATE "C") FILTER (WHERE NOT c.met),
		format('<li>%s</li>', cjm_internal.page_say(words, 'page_targets_met', count(*)::text)))
	FROM jsonb_to_recordset(data -> 'kpis') c(metric text, step integer, stage text, by text, by_value text, week date, actual float8, direction text, target float8, met boolean) JOIN cjm_internal.map_metrics() k ON k.metric = c.metric
	HAVING count(*) > 0;
END;

COMMENT ON FUNCTION cjm_internal.page_missed(jsonb, jsonb) IS 'which targets are missed, in sentences; NULL where there are none';

CREATE FUNCTION cjm_internal.page_policy(page text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
	SELECT concat('default-src ''none''; base-uri ''none''; form-action ''none''', string_agg(format('; %s-src%s', d.element, d.digests), '' ORDER BY d.element))
	FROM (SELECT e.element, string_agg(DISTINCT format(' ''sha256-%s''', encode(sha256(convert_to(m.inside[1], 'UTF8')), 'base64')), '') AS digests
		FROM (VALUES ('style'), ('script')) e(element) CROSS JOIN LATERAL regexp_matches(page, format('<%1$s>(.*?)</%1$s>', e.element), 'g') m(inside) GROUP BY e.element) d);

COMMENT ON FUNCTION cjm_internal.page_policy(text) IS 'a content security policy for a page';

CREATE FUNCTION cjm_internal.page_about(words jsonb, time_zone text, from_time timestamptz, to_time timestamptz, where_is jsonb, subtitle text) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
	SELECT concat_ws(' &#183; ',
		coalesce(cjm_internal.svg_escape(nullif(subtitle, '')), nullif(concat_ws(' &#183; ', cjm_internal.svg_escape(cjm_internal.draw_period(words, from_time, to_time, time_zone)),
			(SELECT string_agg(format('%s: %s', cjm_internal.page_label(words, w.key),
					(SELECT string_agg(cjm_internal.page_label(words, v.value #>> '{}'), ', ' ORDER BY v.place) FROM jsonb_array_elements(CASE jsonb_typeof(w.value) WHEN 'array' THEN w.value ELSE jsonb_build_array(w.value) END) WITH ORDINALITY v(value, place))), ' &#183; ' ORDER BY w.key COLLATE "C")
				FROM jsonb_each(where_is) w)), '')),
		cjm_internal.page_say(words, 'page_as_of', cjm_internal.svg_escape(to_char(now() AT TIME ZONE time_zone, coalesce(words ->> 'date', 'YYYY-MM-DD') || ' HH24:MI')), cjm_internal.svg_escape(time_zone))));

COMMENT ON FUNCTION cjm_internal.page_about(jsonb, text, timestamptz, timestamptz, jsonb, text) IS 'the time and the customers of a page, or what the caller says instead, and when it was made';

CREATE FUNCTION cjm_internal.page_switch(words jsonb, data jsonb, all_only text) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN (
	SELECT format(E'<fieldset class="switch" hidden><legend>%s: %s</legend>\n<label><input type="radio" name="group" value="" checked>%s</label>\n<label><input type="radio" name="group" value="0">%s</label>\n%s</fieldset>\n<p class="soft">%s%s</p>\n',
		cjm_internal.page_word(words, 'page_show'), cjm_internal.page_label(words, data ->> 'by'), cjm_internal.page_word(words, 'page_everything'), cjm_internal.page_word(words, 'page_all'),
		string_agg(format(E'<label><input type="radio" name="group" value="%s">%s</label>\n', g.place, cjm_internal.page_label(words, g.label)), '' ORDER BY g.place),
		CASE WHEN (data ->> 'more_groups')::boolean THEN cjm_internal.page_say(words, 'page_largest', cjm_internal.page_label(words, data ->> 'by'), '6') || ' ' END,
		cjm_internal.page_say(words, 'page_all_only', all_only))
	FROM jsonb_array_elements_text(data -> 'groups') WITH ORDINALITY g(label, place) HAVING count(*) > 0);

COMMENT ON FUNCTION cjm_internal.page_switch(jsonb, jsonb, text) IS 'the switch for the groups of a page, which its script shows, and what it does not change; NULL where there are none';

CREATE FUNCTION cjm_internal.page_sections(words jsonb, wall text, walls text[], data jsonb) RETURNS TABLE (place integer, id text, html text)
	LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 20000 ROWS 9
BEGIN ATOMIC
	SELECT s.place, s.id, s.html
	FROM (VALUES (1, 'headline', cjm_internal.page_section(words, 'headline', format(E'<ul class="facts">\n%s%s%s</ul>\n', cjm_internal.page_leak(words, data), cjm_internal.page_changed(words, data), cjm_internal.page_missed(words, data)))),
			(2, 'wall', cjm_internal.page_wall(words, data, wall, walls)),
			(3, 'funnel', cjm_internal.page_funnel(words, data)),
			(4, 'weeks', cjm_internal.page_weeks(words, data)),
			(5, 'retention', cjm_internal.page_retention(words, data)),
			(6, 'channels', cjm_internal.page_channels(words, data)),
			(7, 'drop_off', cjm_internal.page_drop_off(words, data)),
			(8, 'paths', cjm_internal.page_paths(words, data)),
			(9, 'feedback', cjm_internal.page_feedback(words, data))) s(place, id, html)
	WHERE s.html IS NOT NULL;
END;

COMMENT ON FUNCTION cjm_internal.page_sections(jsonb, text, text[], jsonb) IS 'the sections of a page';

CREATE FUNCTION cjm_internal.page_html(words jsonb, language text, title text, about text, wall text, data jsonb, walls text[] DEFAULT '{}') RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE COST 20000
	SET search_path = pg_catalog, pg_temp
	SET extra_float_digits = 1
AS $$
DECLARE
	named CONSTANT text := cjm_internal.svg_escape(coalesce(nullif(title, ''), format(words ->> 'page_of', data ->> 'map')));
	body text;
	page text;
BEGIN
	SELECT format(E'<a class="skip" href="#main">%s</a>\n<header>\n<h1>%s</h1>\n<p class="about">%s</p>\n<nav aria-label="%s"><ul>%s</ul></nav>\n%s</header>\n<main id="main">\n%s</main>\n<footer>%s</footer>\n',
			cjm_internal.page_word(words, 'page_skip'), named, about, cjm_internal.page_word(words, 'page_sections'),
			string_agg(format('<li><a href="#%s">%s</a></li>', s.id, cjm_internal.page_word(words, 'page_' || s.id)), '' ORDER BY s.place),
			cjm_internal.page_switch(words, data, string_agg(cjm_internal.page_word(words, 'page_' || s.id), ', ' ORDER BY s.place) FILTER (WHERE s.html !~ ' data-g="[1-9]')), string_agg(s.html, '' ORDER BY s.place),
			cjm_internal.page_say(words, 'page_footer', cjm_internal.svg_escape(data ->> 'time_zone')))
		INTO body
	FROM cjm_internal.page_sections(words, wall, walls, data) s;
	page := format(E'<style>%s</style>\n</head>\n<body>\n%s<script>%s</script>\n</body>\n</html>', cjm_internal.page_style(), body, cjm_internal.page_script());
	RETURN format(E'<!DOCTYPE html>\n<html lang="%s">\n<head>\n<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="%s">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="color-scheme" content="light dark">\n<title>%s</title>\n',
		cjm_internal.svg_escape(language), cjm_internal.page_policy(page), named) || page;
END
$$;

COMMENT ON FUNCTION cjm_internal.page_html(jsonb, text, text, text, text, jsonb, text[]) IS 'a page of data that page_data has read, and of the drawings of the map and of its groups';

CREATE FUNCTION cjm_internal.page_steps(rows jsonb) RETURNS cjm_internal.funnel_drawn_step[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (SELECT array_agg((r.step, r.stage, r.optional, r.customers, r.step_rate, r.overall_rate, r.dropped, r.drop_rate, r.open_customers, r.refused, r.rate_low, r.rate_high, r.median_time_seconds, r.median_total_seconds)::cjm_internal.funnel_drawn_step ORDER BY r.step)
	FROM jsonb_to_recordset(rows) r(step integer, stage text, optional boolean, customers bigint, step_rate float8, overall_rate float8, dropped bigint, drop_rate float8, open_customers bigint, refused bigint, rate_low float8, rate_high float8, median_time_seconds float8, median_total_seconds float8));

COMMENT ON FUNCTION cjm_internal.page_steps(jsonb) IS 'the steps of a funnel that page_data has read';

CREATE FUNCTION cjm_internal.page_map(def cjm_internal.map, data jsonb, look jsonb, from_time timestamptz, to_time timestamptz) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 40000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	w CONSTANT jsonb := look -> 'w';
	rows text[] := cjm_internal.map_drawn_rows(def, NULL, NULL);
BEGIN
	RETURN cjm_internal.svg_page(cjm_internal.map_drawing(def, cjm_internal.page_steps(data -> 'funnel'), rows, cjm_internal.map_facts_drawn(def, rows, NULL, from_time, to_time, data -> 'facts'), 15,
		cjm_internal.draw_say(w, 'map_of', cjm_internal.map_title(def)), coalesce(look ->> 'subtitle', cjm_internal.draw_asked(w, def, from_time, to_time), ''), look, from_time, to_time), look);
END
$$;

COMMENT ON FUNCTION cjm_internal.page_map(cjm_internal.map, jsonb, jsonb, timestamptz, timestamptz) IS 'the drawing of a map for its page';

CREATE FUNCTION cjm_internal.page_maps(def cjm_internal.map, data jsonb, look jsonb, from_time timestamptz, to_time timestamptz) RETURNS text[]
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 80000
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	split_by CONSTANT text := data ->> 'by';
	groups CONSTANT text[] := ARRAY(SELECT g.label FROM jsonb_array_elements_text(data -> 'groups') WITH ORDINALITY g(label, place) ORDER BY g.place);
	funnels CONSTANT cjm_internal.funnel_drawn_group[] := ARRAY(SELECT (g.label, cjm_internal.page_steps((SELECT jsonb_agg(r) FROM jsonb_array_elements(data -> 'funnel_by') r WHERE r ->> 'by_value' IS NOT DISTINCT FROM g.label)))::cjm_internal.funnel_drawn_group
		FROM unnest(groups) WITH ORDINALITY g(label, place) ORDER BY g.place);
	rows text[];
BEGIN
	IF groups = '{}' THEN
		RETURN '{}';
	END IF;
	def.groups := groups;
	rows := cjm_internal.map_drawn_rows(def, NULL, split_by);
	RETURN ARRAY(SELECT cjm_internal.svg_frame('class="cjm"', ((d.drawing).kind, (d.drawing).width, (d.drawing).height, (d.drawing).title, cjm_internal.funnel_summary(funnels[d.place].steps, look -> 'w'), (d.drawing).body)::cjm_internal.svg_drawing, look, format(E'<rect class="paper" width="%s" height="%s"/>\n', cjm_internal.svg_number((d.drawing).width), cjm_internal.svg_number((d.drawing).height)), d.place::text) || E'\n'
		FROM cjm_internal.map_group_drawings(def, split_by, funnels, rows, cjm_internal.map_facts_drawn(def, rows, split_by, from_time, to_time, data -> 'facts_by'), least(greatest(300 / (cardinality(groups) * cardinality(funnels[1].steps)), 3), 8), look, from_time, to_time) WITH ORDINALITY d(label, drawing, place) ORDER BY d.place);
END
$$;

COMMENT ON FUNCTION cjm_internal.page_maps(cjm_internal.map, jsonb, jsonb, timestamptz, timestamptz) IS 'the drawings of the groups of a map for its page, in their order';

CREATE FUNCTION cjm.map_html(
	map text,
	title text DEFAULT NULL,
	by text DEFAULT NULL,
	from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity',
	where_is jsonb DEFAULT NULL,
	language text DEFAULT 'en',
	words jsonb DEFAULT NULL,
	subtitle text DEFAULT NULL)
	RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 200000
	SET search_path = pg_catalog, pg_temp
	SET extra_float_digits = 1
AS $$
DECLARE
	look jsonb := cjm_internal.draw_look(NULL, subtitle, language, words, NULL, NULL, NULL);
	w jsonb := look -> 'w';
	def cjm_internal.map := cjm_internal.map_of(map, where_is);
	data jsonb := cjm_internal.page_data(map, by, from_time, to_time, where_is);
BEGIN
	RETURN cjm_internal.page_html(w, look ->> 'language', title, cjm_internal.page_about(w, data ->> 'time_zone', from_time, to_time, where_is, subtitle),
		cjm_internal.page_map(def, data, look, from_time, to_time), data, cjm_internal.page_maps(def, data, look, from_time, to_time));
END
$$;

COMMENT ON FUNCTION cjm.map_html(text, text, text, timestamptz, timestamptz, jsonb, text, jsonb, text) IS
'a map as one page that needs nothing else, for a browser, a mail or paper: psql -At -c "SELECT cjm.map_html(''shop'')" > shop.html
title, subtitle: above it; NULL for the map, and for the range and the customers that are asked for; by: a dimension of the map, or first_channel, whose six largest values are shown beside all customers, and by themselves by a switch
from_time, to_time, where_is: of when and of whom, as in funnel_report
language: en, ru, lv, or another one with its words; words: what to say instead, by the keys of cjm_internal.draw_words(''en'')
It says what the reports say: funnel_report, metric_report of the last 26 weeks, compare_report, retention_report, channels_report, drop_off_report, transition_report and feedback_report, and what the tables notes and targets remember, where the map has them and the reader may read them.';

CREATE OR REPLACE FUNCTION cjm_internal.attribute_0_1_0(journey cjm.journey, conversion cjm.funnel, model text DEFAULT 'last_touch', lookback interval DEFAULT NULL,
	per text DEFAULT 'touchpoint', session_gap interval DEFAULT '30 minutes', half_life interval DEFAULT '7 days', weights float8[] DEFAULT '{0.4,0.2,0.4}',
	direct text[] DEFAULT '{direct}', only_channels boolean DEFAULT false) RETURNS SETOF cjm.credited_touchpoint
	AS 'MODULE_PATHNAME', 'journey_attribute'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 ROWS 3;

COMMENT ON FUNCTION cjm_internal.attribute_0_1_0(cjm.journey, cjm.funnel, text, interval, text, interval, interval, float8[], text[], boolean) IS 'attribute of 0.1.0, for what was made with it';

CREATE OR REPLACE FUNCTION cjm_internal.attribution_report_0_1_0(map text, by text DEFAULT NULL, from_time timestamptz DEFAULT '-infinity',
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

CREATE OR REPLACE FUNCTION cjm_internal.channels_report_0_1_0(map text, bucket text DEFAULT NULL, from_time timestamptz DEFAULT '-infinity',
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

CREATE OR REPLACE FUNCTION cjm_internal.drop_off_report_0_1_0(map text, by text DEFAULT 'last_event', from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity') RETURNS TABLE(step integer, stage text, by_value text, customers bigint, share float8, open_customers bigint,
	median_days_since float8, next_event text, next_customers bigint, refused bigint)
	LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 100
BEGIN ATOMIC
	SELECT r.step, r.stage, r.by_value, r.customers, r.share, r.open_customers, r.median_days_since, r.next_event, r.next_customers, r.refused
	FROM cjm.drop_off_report(map => drop_off_report_0_1_0.map, by => drop_off_report_0_1_0.by, from_time => drop_off_report_0_1_0.from_time,
		to_time => drop_off_report_0_1_0.to_time) r;
END;

COMMENT ON FUNCTION cjm_internal.drop_off_report_0_1_0(text, text, timestamptz, timestamptz) IS 'drop_off_report of 0.1.0, for what was made with it';

CREATE OR REPLACE FUNCTION cjm_internal.funnel_chart_0_1_0(map text, width integer DEFAULT 40) RETURNS SETOF text
	LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 6
BEGIN ATOMIC
	SELECT r FROM cjm.funnel_chart(map => funnel_chart_0_1_0.map, width => funnel_chart_0_1_0.width) r;
END;

COMMENT ON FUNCTION cjm_internal.funnel_chart_0_1_0(text, integer) IS 'funnel_chart of 0.1.0, for what was made with it';

CREATE OR REPLACE FUNCTION cjm_internal.funnel_drivers_0_1_0(map text, from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity') RETURNS TABLE(kind text, driver text, with_customers bigint, with_converted bigint, with_rate float8,
	without_customers bigint, without_rate float8, odds_ratio float8, odds_low float8, odds_high float8, p_value float8, adjusted_p_value float8, compared_within interval)
	LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 50
BEGIN ATOMIC
	SELECT r.kind, r.driver, r.with_customers, r.with_converted, r.with_rate, r.without_customers, r.without_rate, r.odds_ratio, r.odds_low, r.odds_high, r.p_value,
		r.adjusted_p_value, r.compared_within
	FROM cjm.funnel_drivers(map => funnel_drivers_0_1_0.map, from_time => funnel_drivers_0_1_0.from_time, to_time => funnel_drivers_0_1_0.to_time) r;
END;

COMMENT ON FUNCTION cjm_internal.funnel_drivers_0_1_0(text, timestamptz, timestamptz) IS 'funnel_drivers of 0.1.0, for what was made with it';

CREATE OR REPLACE FUNCTION cjm_internal.funnel_report_0_1_0(map text, by text DEFAULT NULL, bucket text DEFAULT NULL, from_time timestamptz DEFAULT '-infinity',
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

CREATE OR REPLACE FUNCTION cjm_internal.funnel_svg_0_1_0(map text) RETURNS text
	LANGUAGE sql STABLE PARALLEL RESTRICTED
RETURN cjm.funnel_svg(map => funnel_svg_0_1_0.map);

COMMENT ON FUNCTION cjm_internal.funnel_svg_0_1_0(text) IS 'funnel_svg of 0.1.0, for what was made with it';

CREATE OR REPLACE FUNCTION cjm_internal.lifecycle_report_0_1_0(map text, period text DEFAULT 'month', from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity') RETURNS TABLE(period_start date, new_customers bigint, returning_customers bigint, resurrected_customers bigint,
	dormant_customers bigint, active_customers bigint, period_over boolean)
	LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 20
BEGIN ATOMIC
	SELECT r.period_start, r.new_customers, r.returning_customers, r.resurrected_customers, r.dormant_customers, r.active_customers, r.period_over
	FROM cjm.lifecycle_report(map => lifecycle_report_0_1_0.map, period => lifecycle_report_0_1_0.period, from_time => lifecycle_report_0_1_0.from_time,
		to_time => lifecycle_report_0_1_0.to_time) r;
END;

COMMENT ON FUNCTION cjm_internal.lifecycle_report_0_1_0(text, text, timestamptz, timestamptz) IS 'lifecycle_report of 0.1.0, for what was made with it';

CREATE OR REPLACE FUNCTION cjm_internal.map_svg_0_1_0(map text, touchpoints integer DEFAULT 15) RETURNS text
	LANGUAGE sql STABLE PARALLEL RESTRICTED
RETURN cjm.map_svg(map => map_svg_0_1_0.map, touchpoints => map_svg_0_1_0.touchpoints);

COMMENT ON FUNCTION cjm_internal.map_svg_0_1_0(text, integer) IS 'map_svg of 0.1.0, for what was made with it';

CREATE OR REPLACE FUNCTION cjm_internal.only_visits_0_1_0(journey cjm.journey, visit cjm.funnel, gap interval DEFAULT '30 minutes') RETURNS cjm.journey
	AS 'MODULE_PATHNAME', 'journey_only_visits'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;

COMMENT ON FUNCTION cjm_internal.only_visits_0_1_0(cjm.journey, cjm.funnel, interval) IS 'only_visits of 0.1.0, for what was made with it';

CREATE OR REPLACE FUNCTION cjm_internal.path_report_0_1_0(map text, by text DEFAULT 'event', from_time timestamptz DEFAULT '-infinity', to_time timestamptz DEFAULT 'infinity',
	depth integer DEFAULT 10, repeats boolean DEFAULT false) RETURNS TABLE(path text, nodes text[], customers bigint, share float8, converted bigint, rate float8)
	LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 1000
BEGIN ATOMIC
	SELECT r.path, r.nodes, r.customers, r.share, r.converted, r.rate
	FROM cjm.path_report(map => path_report_0_1_0.map, by => path_report_0_1_0.by, from_time => path_report_0_1_0.from_time, to_time => path_report_0_1_0.to_time,
		depth => path_report_0_1_0.depth, repeats => path_report_0_1_0.repeats) r;
END;

COMMENT ON FUNCTION cjm_internal.path_report_0_1_0(text, text, timestamptz, timestamptz, integer, boolean) IS 'path_report of 0.1.0, for what was made with it';

CREATE OR REPLACE FUNCTION cjm_internal.purchase_report_0_1_0(map text, by text DEFAULT NULL, from_time timestamptz DEFAULT '-infinity',
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

CREATE OR REPLACE FUNCTION cjm_internal.report_0_1_0(stats cjm.funnel_stats) RETURNS TABLE(step integer, stage text, customers bigint, step_rate float8, overall_rate float8,
	dropped bigint, drop_rate float8, rate_low float8, rate_high float8, median_time interval, mean_time interval, p90_time interval, median_total interval,
	p90_total interval)
	AS 'MODULE_PATHNAME', 'funnel_stats_report'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 5;

COMMENT ON FUNCTION cjm_internal.report_0_1_0(cjm.funnel_stats) IS 'report of 0.1.0, for what was made with it';

CREATE OR REPLACE FUNCTION cjm_internal.retention_report_0_1_0(map text, period text DEFAULT 'month', from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity', kind text DEFAULT 'in') RETURNS TABLE(cohort date, number integer, period_start date, cohort_size bigint, retained bigint,
	rate float8, churn float8, period_over boolean)
	LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 100
BEGIN ATOMIC
	SELECT r.cohort, r.number, r.period_start, r.cohort_size, r.retained, r.rate, r.churn, r.period_over
	FROM cjm.retention_report(map => retention_report_0_1_0.map, period => retention_report_0_1_0.period, from_time => retention_report_0_1_0.from_time,
		to_time => retention_report_0_1_0.to_time, kind => retention_report_0_1_0.kind) r;
END;

COMMENT ON FUNCTION cjm_internal.retention_report_0_1_0(text, text, timestamptz, timestamptz, text) IS 'retention_report of 0.1.0, for what was made with it';

CREATE OR REPLACE FUNCTION cjm_internal.retention_svg_0_1_0(map text) RETURNS text
	LANGUAGE sql STABLE PARALLEL RESTRICTED
RETURN cjm.retention_svg(map => retention_svg_0_1_0.map);

COMMENT ON FUNCTION cjm_internal.retention_svg_0_1_0(text) IS 'retention_svg of 0.1.0, for what was made with it';

CREATE OR REPLACE FUNCTION cjm_internal.session_channel_0_1_0(journey cjm.journey, gap interval, at timestamptz) RETURNS text
	AS 'MODULE_PATHNAME', 'journey_session_channel'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 30;

COMMENT ON FUNCTION cjm_internal.session_channel_0_1_0(cjm.journey, interval, timestamptz) IS 'session_channel of 0.1.0, for what was made with it';

CREATE OR REPLACE FUNCTION cjm_internal.session_events_0_1_0(journey cjm.journey, gap interval DEFAULT '30 minutes') RETURNS TABLE(session_number bigint, event text,
	channel text, is_entry boolean, is_exit boolean, started_at timestamptz, ended_at timestamptz, touch_count bigint, seconds float8, bounced boolean)
	AS 'MODULE_PATHNAME', 'journey_session_events'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 10;

COMMENT ON FUNCTION cjm_internal.session_events_0_1_0(cjm.journey, interval) IS 'session_events of 0.1.0, for what was made with it';

CREATE OR REPLACE FUNCTION cjm_internal.session_groups_0_1_0(journey cjm.journey, gap interval DEFAULT '30 minutes', by text DEFAULT NULL, bucket text DEFAULT NULL,
	time_zone text DEFAULT current_setting('TimeZone'), from_time timestamptz DEFAULT '-infinity', to_time timestamptz DEFAULT 'infinity') RETURNS TABLE(label text,
	bucket_start timestamptz, is_first boolean, session_number bigint, touch_count bigint, seconds float8, value float8, bounced boolean, gross_value float8)
	AS 'MODULE_PATHNAME', 'journey_session_groups'
	LANGUAGE C STABLE PARALLEL SAFE COST 100 ROWS 5;

COMMENT ON FUNCTION cjm_internal.session_groups_0_1_0(cjm.journey, interval, text, text, text, timestamptz, timestamptz) IS 'session_groups of 0.1.0, for what was made with it';

CREATE OR REPLACE FUNCTION cjm_internal.session_report_0_1_0(map text, by text DEFAULT NULL, bucket text DEFAULT NULL, from_time timestamptz DEFAULT '-infinity',
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

CREATE OR REPLACE FUNCTION cjm_internal.session_stats_0_1_0(journey cjm.journey, gap interval DEFAULT '30 minutes', OUT session_count bigint, OUT bounce_count bigint,
	OUT bounce_rate float8, OUT touch_count bigint, OUT total_time interval, OUT mean_time interval, OUT longest_time interval)
	AS 'MODULE_PATHNAME', 'journey_session_stats'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;

COMMENT ON FUNCTION cjm_internal.session_stats_0_1_0(cjm.journey, interval) IS 'session_stats of 0.1.0, for what was made with it';

CREATE OR REPLACE FUNCTION cjm_internal.sessions_0_1_0(journey cjm.journey, gap interval DEFAULT '30 minutes') RETURNS SETOF cjm.session
	AS 'MODULE_PATHNAME', 'journey_sessions'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 5;

COMMENT ON FUNCTION cjm_internal.sessions_0_1_0(cjm.journey, interval) IS 'sessions of 0.1.0, for what was made with it';

CREATE OR REPLACE FUNCTION cjm_internal.stage_report_0_1_0(map text, by text DEFAULT NULL, from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity') RETURNS TABLE(by_value text, step integer, stage text, converted boolean, customers bigint, share float8,
	open_customers bigint, median_days_since float8, open_median_days_since float8, refused bigint)
	LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 20
BEGIN ATOMIC
	SELECT r.by_value, r.step, r.stage, r.converted, r.customers, r.share, r.open_customers, r.median_days_since, r.open_median_days_since, r.refused
	FROM cjm.stage_report(map => stage_report_0_1_0.map, by => stage_report_0_1_0.by, from_time => stage_report_0_1_0.from_time, to_time => stage_report_0_1_0.to_time) r;
END;

COMMENT ON FUNCTION cjm_internal.stage_report_0_1_0(text, text, timestamptz, timestamptz) IS 'stage_report of 0.1.0, for what was made with it';

CREATE OR REPLACE FUNCTION cjm_internal.touchpoint_report_0_1_0(map text, by text DEFAULT 'event', from_time timestamptz DEFAULT '-infinity',
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

CREATE OR REPLACE FUNCTION cjm_internal.transition_report_0_1_0(map text, by text DEFAULT 'event', from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity', depth integer DEFAULT NULL, repeats boolean DEFAULT false) RETURNS TABLE("position" integer, source text, target text,
	value bigint, customers bigint, share float8)
	LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 100
BEGIN ATOMIC
	SELECT r."position", r.source, r.target, r.value, r.customers, r.share
	FROM cjm.transition_report(map => transition_report_0_1_0.map, by => transition_report_0_1_0.by, from_time => transition_report_0_1_0.from_time,
		to_time => transition_report_0_1_0.to_time, depth => transition_report_0_1_0.depth, repeats => transition_report_0_1_0.repeats) r;
END;

COMMENT ON FUNCTION cjm_internal.transition_report_0_1_0(text, text, timestamptz, timestamptz, integer, boolean) IS 'transition_report of 0.1.0, for what was made with it';

CREATE OR REPLACE FUNCTION cjm_internal.transitions_0_1_0(journey cjm.journey, by text DEFAULT 'event', depth integer DEFAULT 16777216,
	repeats boolean DEFAULT true) RETURNS TABLE("position" integer, source text, target text, occurrence bigint)
	AS 'MODULE_PATHNAME', 'journey_transitions'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 10;

COMMENT ON FUNCTION cjm_internal.transitions_0_1_0(cjm.journey, text, integer, boolean) IS 'transitions of 0.1.0, for what was made with it';

CREATE OR REPLACE FUNCTION cjm_internal.weakest_step_0_1_0(map text, by text DEFAULT 'segment', from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity', target float8 DEFAULT NULL) RETURNS TABLE(step integer, stage text, customers_before bigint, customers bigint,
	step_rate float8, best text, best_customers bigint, best_rate float8, target_rate float8, more_customers float8, more_converted float8)
	LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 5
BEGIN ATOMIC
	SELECT r.step, r.stage, r.customers_before, r.customers, r.step_rate, r.best, r.best_customers, r.best_rate, r.target_rate, r.more_customers, r.more_converted
	FROM cjm.weakest_step(map => weakest_step_0_1_0.map, by => weakest_step_0_1_0.by, from_time => weakest_step_0_1_0.from_time, to_time => weakest_step_0_1_0.to_time,
		target => weakest_step_0_1_0.target) r;
END;

COMMENT ON FUNCTION cjm_internal.weakest_step_0_1_0(text, text, timestamptz, timestamptz, float8) IS 'weakest_step of 0.1.0, for what was made with it';

CREATE OR REPLACE FUNCTION cjm_internal.what_if_0_1_0(map text, rates jsonb, from_time timestamptz DEFAULT '-infinity',
	to_time timestamptz DEFAULT 'infinity') RETURNS TABLE(step integer, stage text, customers bigint, step_rate float8, overall_rate float8, new_customers float8,
	new_step_rate float8, new_overall_rate float8, difference float8)
	LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 5
BEGIN ATOMIC
	SELECT r.step, r.stage, r.customers, r.step_rate, r.overall_rate, r.new_customers, r.new_step_rate, r.new_overall_rate, r.difference
	FROM cjm.what_if(map => what_if_0_1_0.map, rates => what_if_0_1_0.rates, from_time => what_if_0_1_0.from_time, to_time => what_if_0_1_0.to_time) r;
END;

COMMENT ON FUNCTION cjm_internal.what_if_0_1_0(text, jsonb, timestamptz, timestamptz) IS 'what_if of 0.1.0, for what was made with it';

CREATE OR REPLACE FUNCTION cjm_internal.win_back_report_0_1_0(map text, from_time timestamptz DEFAULT '-infinity', to_time timestamptz DEFAULT 'infinity',
	away interval DEFAULT '30 days') RETURNS TABLE(step integer, stage text, customers bigint, came_back bigint, came_back_rate float8, went_on bigint,
	went_on_rate float8, converted bigint, median_away interval, median_away_seconds float8)
	LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 5
BEGIN ATOMIC
	SELECT r.step, r.stage, r.customers, r.came_back, r.came_back_rate, r.went_on, r.went_on_rate, r.converted, r.median_away, r.median_away_seconds
	FROM cjm.win_back_report(map => win_back_report_0_1_0.map, from_time => win_back_report_0_1_0.from_time, to_time => win_back_report_0_1_0.to_time,
		away => win_back_report_0_1_0.away) r;
END;

COMMENT ON FUNCTION cjm_internal.win_back_report_0_1_0(text, timestamptz, timestamptz, interval) IS 'win_back_report of 0.1.0, for what was made with it';

DROP FUNCTION cjm_internal.kept_grouped_sql_0_1_0(cjm_internal.map,text);
DROP FUNCTION cjm_internal.kept_segment_sql(cjm_internal.map,text);
DROP FUNCTION cjm_internal.map_svg_drawn_0_1_0(cjm_internal.funnel_drawn_step[],cjm_internal.map_drawn_touch[],integer,text);
DROP FUNCTION cjm_internal.map_svg_river(cjm_internal.funnel_drawn_step[],double precision,double precision,double precision,double precision);
DROP FUNCTION cjm_internal.draw_points_0_1_0(double precision);
DROP FUNCTION cjm_internal.retention_svg_drawn_0_1_0(cjm_internal.retention_drawn_cell[],text);
DROP FUNCTION cjm_internal.heat_cell_0_1_0(double precision,double precision,double precision,double precision,double precision,double precision,bigint,boolean,text);
DROP FUNCTION cjm_internal.funnel_svg_drawn_0_1_0(cjm_internal.funnel_drawn_step[],text);
DROP FUNCTION cjm_internal.funnel_summary_0_1_0(cjm_internal.funnel_drawn_step[]);
DROP FUNCTION cjm_internal.funnel_description_0_1_0(cjm_internal.funnel_drawn_step[]);
DROP FUNCTION cjm_internal.funnel_drawn_steps_0_1_0(cjm_internal.map);
DROP FUNCTION cjm_internal.svg_heading_0_1_0(double precision,double precision,text,text);
DROP FUNCTION cjm_internal.svg_page_0_1_0(text,double precision,double precision,text,text,text);
DROP FUNCTION cjm_internal.svg_style_0_1_0();
DROP FUNCTION cjm_internal.svg_rate_0_1_0(double precision);
DROP FUNCTION cjm_internal.draw_time_0_1_0(double precision);
DROP FUNCTION cjm_internal.draw_rate_0_1_0(double precision);
DROP FUNCTION cjm_internal.draw_fitting(bigint,double precision);
DROP FUNCTION cjm_internal.draw_short_0_1_0(bigint);
DROP FUNCTION cjm_internal.draw_count_0_1_0(bigint);
DROP FUNCTION cjm_internal.chart_label_0_1_0(text,integer,boolean);
DROP FUNCTION cjm_internal.svg_lines_0_1_0(text,double precision,integer);
DROP FUNCTION cjm_internal.map_step_of_0_1_0(cjm_internal.map,text);
DROP FUNCTION cjm.create_map_0_1_0(text,regclass,text,text,text,cjm.funnel,text,text,text,text,text,interval,text,text,regclass,text,text,text,text,boolean,boolean,cjm.funnel,cjm.funnel,cjm.funnel,text,text,boolean);
DROP FUNCTION cjm_internal.map_build_0_1_0(text,regclass,text,text,text,cjm.funnel,text,text,text,text,text,interval,text,text,regclass,text,text,text,text,boolean,boolean,cjm.funnel,cjm.funnel,cjm.funnel,text,text,boolean);
DROP FUNCTION cjm_internal.map_feedback_sql_0_1_0(cjm_internal.map);
DROP FUNCTION cjm_internal.map_channels_sql_0_1_0(cjm_internal.map,text,text,text,text,text,boolean,boolean);
DROP FUNCTION cjm_internal.map_paths_sql_0_1_0(cjm_internal.map,text,integer,boolean,boolean);
DROP FUNCTION cjm_internal.map_transitions_sql_0_1_0(cjm_internal.map,text,text,integer,boolean,boolean);
DROP FUNCTION cjm_internal.map_first_seen_sql_0_1_0(boolean);
DROP FUNCTION cjm_internal.map_touchpoints_sql_0_1_0(cjm_internal.map,text,text,boolean);
DROP FUNCTION cjm_internal.map_touch_by(text);
DROP FUNCTION cjm_internal.map_retention_sql_0_1_0(cjm_internal.map,text,text,boolean);
DROP FUNCTION cjm_internal.map_present_sql(cjm_internal.map,text);
DROP FUNCTION cjm_internal.map_bounce_sql_0_1_0(cjm_internal.map);
DROP FUNCTION cjm_internal.map_funnel_sql_0_1_0(cjm_internal.map,text,text,text,boolean);
DROP FUNCTION cjm_internal.map_session_split(text);
DROP FUNCTION cjm_internal.map_walk_split(cjm_internal.map,text,text,text[]);
DROP FUNCTION cjm_internal.map_split_0_1_0(text,text[]);
DROP FUNCTION cjm_internal.map_of_0_1_0(text);
DROP FUNCTION cjm_internal.rule_attribution_final_0_1_0(internal);
DROP FUNCTION cjm_internal.rule_attribution_deserialize(bytea,internal);
DROP FUNCTION cjm_internal.rule_attribution_serialize(internal);
DROP FUNCTION cjm_internal.rule_attribution_combine_0_1_0(internal,internal);
DROP FUNCTION cjm_internal.rule_attribution_step_0_1_0(internal,cjm.journey,cjm.funnel,text[],interval,text,interval,interval,double precision[],text[],boolean,timestamp with time zone,timestamp with time zone);
DROP FUNCTION cjm_internal.rule_attribution_step_0_1_0(internal,cjm.journey,cjm.funnel);
DROP FUNCTION cjm_internal.funnel_agg_step_0_1_0(cjm.funnel_stats,cjm.journey,cjm.funnel,tstzrange);
DROP FUNCTION cjm_internal.funnel_agg_step_0_1_0(cjm.funnel_stats,cjm.journey,cjm.funnel);
DROP FUNCTION cjm_internal.median_final_0_1_0(internal);
DROP FUNCTION cjm_internal.median_deserialize(bytea,internal);
DROP FUNCTION cjm_internal.median_serialize(internal);
DROP FUNCTION cjm_internal.median_combine_0_1_0(internal,internal);
DROP FUNCTION cjm_internal.median_step_0_1_0(internal,double precision);

DO $$
BEGIN
	IF EXISTS (SELECT FROM cjm.maps) THEN
		RAISE WARNING USING
			MESSAGE = 'the views of journey maps go on as they were made; reports and drawings need them made anew',
			HINT = 'Their owners do that: SELECT map, cjm.upgrade_map(map::text) FROM cjm.maps.';
	END IF;
END
$$;
