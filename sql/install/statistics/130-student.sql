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
