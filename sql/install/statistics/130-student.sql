--
-- student_95, student_p_value: how far means of a few may lie from each other
--

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
