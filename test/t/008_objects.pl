# What every object of the extension has to be, asked of the catalogs.
# (Comments and PARALLEL SAFE are checked where the tests are run from.)

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use CjmTest;
use Test::More;

my $node = start_server('objects');

run_sql($node, q{
	CREATE VIEW public.members AS
	SELECT classid, objid FROM pg_depend
	WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'cjm');
	CREATE VIEW public.functions AS
	SELECT p.*, p.oid::regprocedure AS signature FROM pg_proc p JOIN members ON classid = 'pg_proc'::regclass AND objid = p.oid;
	CREATE VIEW public.operators AS
	SELECT o.* FROM pg_operator o JOIN members ON classid = 'pg_operator'::regclass AND objid = o.oid;
});

# Each query lists what is wrong.
my %checks = (
	'the extension has objects of every kind' => q{
		SELECT kind FROM unnest(ARRAY['pg_proc', 'pg_type', 'pg_operator', 'pg_opclass', 'pg_opfamily', 'pg_cast']) kind
		WHERE NOT EXISTS (SELECT FROM members WHERE classid = kind::regclass)},
	'all of it is in schema cjm or cjm_internal' => q{
		SELECT signature::text FROM functions WHERE pronamespace NOT IN ('cjm'::regnamespace, 'cjm_internal'::regnamespace)
		UNION ALL SELECT typname FROM pg_type t JOIN members ON classid = 'pg_type'::regclass AND objid = t.oid
			WHERE typnamespace NOT IN ('cjm'::regnamespace, 'cjm_internal'::regnamespace)
		UNION ALL SELECT oprname FROM operators WHERE oprnamespace <> 'cjm'::regnamespace},
	# But for the two that merge values, which people call, too.
	'what types, aggregates and indexes consist of is in cjm_internal' => q{
		SELECT signature FROM functions
		WHERE pronamespace = 'cjm'::regnamespace AND proname NOT IN ('journey_merge', 'funnel_stats_combine') AND (
			oid IN (SELECT unnest(ARRAY[typinput, typoutput, typreceive, typsend, typanalyze]::oid[]) FROM pg_type)
			OR oid IN (SELECT unnest(ARRAY[aggtransfn, aggfinalfn, aggcombinefn, aggserialfn, aggdeserialfn]::oid[]) FROM pg_aggregate)
			OR oid IN (SELECT amproc FROM pg_amproc))},
	'no function runs with the rights of its owner' => q{SELECT signature FROM functions WHERE prosecdef},
	'everybody may use every function and type' => q{
		SELECT signature::text FROM functions WHERE NOT has_function_privilege('pg_signal_backend', oid, 'EXECUTE')
		UNION ALL SELECT typname FROM pg_type t JOIN members ON classid = 'pg_type'::regclass AND objid = t.oid
			WHERE NOT has_type_privilege('pg_signal_backend', t.oid, 'USAGE')
		UNION ALL SELECT 'schema ' || s FROM unnest(ARRAY['cjm', 'cjm_internal']) s WHERE NOT has_schema_privilege('pg_signal_backend', s, 'USAGE')},
	'no function is volatile but those that make and drop maps and keep journeys' => q{
		SELECT signature FROM functions WHERE provolatile = 'v' AND prokind = 'f' AND proname NOT IN ('create_map', 'map_build', 'map_claim', 'map_lock', 'map_lock_schema',
			'map_lock_views', 'drop_map', 'upgrade_map', 'keep_journeys', 'refresh_journeys', 'unkeep_journeys', 'kept_write', 'kept_bind', 'kept_check_idle', 'kept_refresh', 'kept_refresh_as', 'kept_scan', 'kept_is_untouched', 'kept_make_triggers',
			'kept_note_parts', 'kept_drop_strays', 'kept_follow', 'kept_arm', 'kept_install', 'kept_make_views', 'kept_build', 'kept_divide', 'kept_finish', 'kept_build_next', 'kept_look_at_changes', 'kept_progress', 'kept_fold', 'kept_adopt',
			'map_call_as', 'map_distributed_findings', 'steering_call', 'steering_make', 'steering_note', 'note', 'steering_describe', 'describe_stage', 'map_make_comments', 'steering_kpis', 'steering_set_target', 'set_target', 'drop_target', 'steering_tell', 'check_alerts', 'create_audience', 'audience_create', 'audience_make', 'audience_customers_make', 'audience_customers_follow', 'audience_tables', 'audience_lock', 'drop_audience', 'audience_drop', 'refresh_audiences', 'audience_refresh', 'audience_ask', 'audience_index_make', 'audience_indexes', 'audience_unseen', 'take_changes', 'audience_take')},
	'functions in SQL and PL/pgSQL are read in a search_path of their own, or parsed once' => q{
		SELECT signature FROM functions f JOIN pg_language l ON l.oid = prolang
		WHERE lanname IN ('sql', 'plpgsql') AND prosqlbody IS NULL AND ('search_path=pg_catalog, pg_temp' = ANY (proconfig)) IS NOT TRUE},
	'every operator has a named twin of the extension' => q{
		SELECT o.oid::regoperator FROM operators o WHERE oprcode NOT IN (SELECT oid FROM functions)},
	'operators know their commutators, negators and selectivity' => q{
		SELECT o.oid::regoperator FROM operators o
		WHERE (oprcom = 0 AND oprname <> '-') OR (oprresult = 'boolean'::regtype AND (oprnegate = 0 OR oprrest = 0 OR oprjoin = 0))},
	'every column of a row type has a comment' => q{
		SELECT t.typname || '.' || attname FROM pg_type t JOIN members ON classid = 'pg_type'::regclass AND objid = t.oid
			JOIN pg_attribute a ON attrelid = t.typrelid
		WHERE attnum > 0 AND NOT attisdropped AND col_description(attrelid, attnum) IS NULL},
	# Not those that nobody calls by name: input and output of types, support of operators, aggregates and operator classes.
	'every function has named arguments' => q{
		SELECT signature FROM functions
		WHERE pronargs > 0 AND prokind = 'f' AND NOT 'internal'::regtype = ANY (proargtypes) AND prorettype <> 'internal'::regtype
			AND (proargnames IS NULL OR '' = ANY (proargnames[1:pronargs]))
			AND oid NOT IN (SELECT unnest(ARRAY[typinput, typoutput, typreceive, typsend]::oid[]) FROM pg_type)
			AND oid NOT IN (SELECT amproc FROM pg_amproc)},
	'every function that is not for aggregates alone is IMMUTABLE or STABLE and strict where it can be' => q{
		SELECT signature FROM functions f
		WHERE prokind = 'f' AND NOT proisstrict AND NOT EXISTS (SELECT FROM pg_aggregate WHERE f.oid IN (aggtransfn, aggfinalfn, aggcombinefn))
			AND proname <> 'funnel_from_stages' AND proname !~ '_\d+_\d+_\d+$'
			-- These take what may be absent, or have to complain of it: all that take the name of a map, to begin with.
			AND NOT (pronargs > 0 AND proargtypes[0] = 'text'::regtype AND proargnames[1] IN ('map', 'name'))
			AND proname NOT IN ('funnel_stats_combine', 'map_build', 'map_dimensions', 'map_read_dimensions', 'kept_values', 'kept_whole', 'map_split', 'map_walk_words', 'map_ranged', 'map_funnel_sql', 'map_funnel_rows_sql', 'map_walks_sql', 'map_step_values_sql', 'map_funnel_groups_sql', 'map_drop_off_sql', 'map_session_report_sql', 'session_groups',
				'attribute', 'steering_line', 'steering_title',  'steering_aged', 'steering_series_sql', 'steering_compare_sql', 'periods_compared',  'map_attribution_sql', 'attribution_credits', 'map_channels_sql', 'map_check_answers', 'map_check_list', 'map_in_sequence', 'map_refused_sql', 'map_open_sql', 'map_with_groups', 'map_began_groups', 'draw_group', 'draw_group_title', 'funnel_drawn_groups', 'map_read', 'map_stages_sql',
				'map_transitions_sql', 'map_path_report_sql', 'map_per_session', 'transitions', 'paths', 'sessions', 'session_journeys', 'session_stats', 'session_events', 'session_channel', 'only_visits', 'map_path_split', 'map_metrics_of', 'map_metrics_sql', 'map_asks_sessions', 'map_session_metrics_sql', 'map_paid_sql', 'map_channel_metrics_sql', 'map_metrics_pass_sql', 'session_sums_agg_step', 'purchase_sums_agg_step', 'conversion_sums_agg_step', 'period_sums', 'map_bounce_sql', 'map_feedback_sql', 'map_counts_sql', 'map_retention_sql', 'map_lifecycle_sql', 'cohort_cells', 'lifecycle_periods', 'map_parts', 'map_lock', 'funnel_drawn_steps', 'funnel_chart', 'funnel_svg', 'journey_changed', 'kept_goes', 'kept_reason', 'kept_write',
				'draw_colours', 'draw_language', 'draw_look', 'draw_period', 'draw_asked', 'map_drawn_rows', 'map_touches_drawn', 'map_channels_drawn', 'map_feedback_drawn', 'map_leaks_drawn', 'map_facts_drawn', 'map_facts_of', 'map_surveyed', 'map_targets_drawn', 'map_stopped_sql', 'map_drawing', 'map_group_drawings', 'map_voice_drawn', 'map_words_sql',
				'page_label', 'page_metric', 'page_cell', 'page_count', 'page_rate', 'page_number', 'page_series', 'page_retention_table', 'page_about', 'page_html', 'page_map', 'page_maps', 'page_data_funnel', 'page_data_weeks', 'page_data_weeks_by', 'page_data_steering', 'page_data_retention', 'page_data_channels', 'page_data_stopped', 'page_data_paths', 'page_data_feedback',
				'audience_view', 'audience_sql', 'audience_broken')},
	# What the view journeys does with changes is to be done by one process, or it would have no others.
	'aggregates can run in parts' => q{
		SELECT signature FROM functions f JOIN pg_aggregate a ON a.aggfnoid = f.oid
		WHERE (aggcombinefn = 0) <> (proname IN ('kept_places_agg', 'kept_stored_agg')) OR (aggcombinefn <> 0 AND aggtranstype = 'internal'::regtype AND (aggserialfn = 0 OR aggdeserialfn = 0)) OR aggtransspace = 0
			OR aggfinalmodify <> 'r'},
	# A split over servers needs a state that can travel.
	'rollups, funnel_agg of journeys, medians, scores and attribution have a real type as their state' => q{
		SELECT signature FROM functions f JOIN pg_aggregate a ON a.aggfnoid = f.oid
		WHERE (proname IN ('rollup', 'rule_attribution', 'markov_attribution', 'shapley_attribution', 'median') OR proname IN ('nps', 'csat', 'ces', 'nps_interval', 'csat_interval', 'ces_interval') OR (proname = 'funnel_agg' AND proargtypes[0] = 'journey'::regtype)) AND aggtranstype = 'internal'::regtype},
	'types travel in binary' => q{
		SELECT typname FROM pg_type t JOIN members ON classid = 'pg_type'::regclass AND objid = t.oid WHERE typtype = 'b' AND (typsend = 0 OR typreceive = 0)});

is(run_sql($node, $checks{$_}), '', $_) foreach sort keys %checks;

server_is_well($node);
done_testing();
