--
-- Window functions over (PARTITION BY customer ORDER BY at)
--

CREATE FUNCTION cjm.session_number(at timestamptz, gap interval DEFAULT '30 minutes') RETURNS bigint
	AS 'MODULE_PATHNAME', 'window_session_number'
	LANGUAGE C IMMUTABLE WINDOW PARALLEL SAFE COST 1;
COMMENT ON FUNCTION cjm.session_number(timestamptz, interval) IS
	'the number of the row''s session in its partition, from 1: a gap longer than the given one begins the next session';

CREATE FUNCTION cjm.session_start(at timestamptz, gap interval DEFAULT '30 minutes') RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'window_session_start'
	LANGUAGE C IMMUTABLE WINDOW PARALLEL SAFE COST 1;
COMMENT ON FUNCTION cjm.session_start(timestamptz, interval) IS
	'the time at which the row''s session began';

CREATE FUNCTION cjm.funnel_step(at timestamptz, event text, funnel cjm.funnel) RETURNS integer
	AS 'MODULE_PATHNAME', 'window_funnel_step_at'
	LANGUAGE C IMMUTABLE WINDOW PARALLEL SAFE COST 3;
COMMENT ON FUNCTION cjm.funnel_step(timestamptz, text, cjm.funnel) IS
	'the deepest step of a walk that ends with the row, NULL for none; the maximum over a partition is that of its journey';

CREATE FUNCTION cjm.funnel_step(at timestamptz, event text, channel text, funnel cjm.funnel) RETURNS integer
	AS 'MODULE_PATHNAME', 'window_funnel_step_at'
	LANGUAGE C IMMUTABLE WINDOW PARALLEL SAFE COST 3;
COMMENT ON FUNCTION cjm.funnel_step(timestamptz, text, text, cjm.funnel) IS
	'the deepest step of a walk that ends with the row, NULL for none; the maximum over a partition is that of its journey';

CREATE FUNCTION cjm.funnel_start(at timestamptz, event text, funnel cjm.funnel) RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'window_funnel_start_at'
	LANGUAGE C IMMUTABLE WINDOW PARALLEL SAFE COST 3;
COMMENT ON FUNCTION cjm.funnel_start(timestamptz, text, cjm.funnel) IS
	'the latest start of the walks that end with the row at the step that funnel_step gives, NULL for none';

CREATE FUNCTION cjm.funnel_start(at timestamptz, event text, channel text, funnel cjm.funnel) RETURNS timestamptz
	AS 'MODULE_PATHNAME', 'window_funnel_start_at'
	LANGUAGE C IMMUTABLE WINDOW PARALLEL SAFE COST 3;
COMMENT ON FUNCTION cjm.funnel_start(timestamptz, text, text, cjm.funnel) IS
	'the latest start of the walks that end with the row at the step that funnel_step gives, NULL for none';

CREATE FUNCTION cjm.attribution_credit(
	at timestamptz,
	is_conversion boolean,
	model text DEFAULT 'last_touch',
	lookback interval DEFAULT NULL,
	is_direct boolean DEFAULT NULL,
	half_life interval DEFAULT '7 days',
	weights float8[] DEFAULT '{0.4,0.2,0.4}') RETURNS float8
	AS 'MODULE_PATHNAME', 'window_attribution_credit'
	LANGUAGE C IMMUTABLE WINDOW PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm.attribution_credit(timestamptz, boolean, text, interval, boolean, interval, float8[]) IS
'what the row earns of the next conversion by an attribution model, NULL where none follows and for a conversion that earns nothing.
model, lookback, half_life, weights: as those of attribute; is_direct: whether the row is direct, which last_non_direct has to know
Rows of one time earn the same; of several conversions of one time a row earns its share of each.';
