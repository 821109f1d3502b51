--
-- nps, csat, ces: what customers answered, and how sure that is
--

CREATE FUNCTION cjm_internal.score_combine(state bigint[], other bigint[]) RETURNS bigint[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.score_combine(bigint[], bigint[]) IS 'combine function of nps, csat, ces and their intervals';

CREATE FUNCTION cjm_internal.nps_step(state bigint[], score float8) RETURNS bigint[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.nps_step(bigint[], float8) IS 'transition function of nps and nps_interval';

CREATE FUNCTION cjm_internal.nps_final(state bigint[]) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.nps_final(bigint[]) IS 'final function of nps';

CREATE FUNCTION cjm_internal.nps_interval_final(state bigint[]) RETURNS float8[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.nps_interval_final(bigint[]) IS 'final function of nps_interval';

CREATE AGGREGATE cjm.nps(score float8) (
	SFUNC = cjm_internal.nps_step,
	STYPE = bigint[],
	SSPACE = 64,
	FINALFUNC = cjm_internal.nps_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.score_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.nps(float8) IS
	'the Net Promoter Score of scores from 0 to 10: percentage of promoters (9, 10) less that of detractors (0 to 6), -100 to 100';

CREATE AGGREGATE cjm.nps_interval(score float8) (
	SFUNC = cjm_internal.nps_step,
	STYPE = bigint[],
	SSPACE = 64,
	FINALFUNC = cjm_internal.nps_interval_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.score_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.nps_interval(float8) IS
	'the 95 % interval of nps, {low, high}: adjusted Wald';

CREATE FUNCTION cjm_internal.csat_step(state bigint[], score float8) RETURNS bigint[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.csat_step(bigint[], float8) IS 'transition function of csat and csat_interval';

CREATE FUNCTION cjm_internal.csat_final(state bigint[]) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.csat_final(bigint[]) IS 'final function of csat';

CREATE FUNCTION cjm_internal.csat_interval_final(state bigint[]) RETURNS float8[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.csat_interval_final(bigint[]) IS 'final function of csat_interval';

CREATE AGGREGATE cjm.csat(score float8) (
	SFUNC = cjm_internal.csat_step,
	STYPE = bigint[],
	SSPACE = 64,
	FINALFUNC = cjm_internal.csat_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.score_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.csat(float8) IS
	'customer satisfaction of scores from 1 to 5: the share of 4 and 5, from 0 to 1';

CREATE AGGREGATE cjm.csat_interval(score float8) (
	SFUNC = cjm_internal.csat_step,
	STYPE = bigint[],
	SSPACE = 64,
	FINALFUNC = cjm_internal.csat_interval_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.score_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.csat_interval(float8) IS
	'the 95 % interval of csat, {low, high}: Wilson';

CREATE FUNCTION cjm_internal.ces_step(state bigint[], score float8) RETURNS bigint[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.ces_step(bigint[], float8) IS 'transition function of ces and ces_interval';

CREATE FUNCTION cjm_internal.ces_final(state bigint[]) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cjm_internal.ces_final(bigint[]) IS 'final function of ces';

CREATE FUNCTION cjm_internal.ces_interval_final(state bigint[]) RETURNS float8[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm_internal.ces_interval_final(bigint[]) IS 'final function of ces_interval';

CREATE AGGREGATE cjm.ces(score float8) (
	SFUNC = cjm_internal.ces_step,
	STYPE = bigint[],
	SSPACE = 64,
	FINALFUNC = cjm_internal.ces_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.score_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.ces(float8) IS
	'the Customer Effort Score of scores from 1 to 7: their mean';

CREATE AGGREGATE cjm.ces_interval(score float8) (
	SFUNC = cjm_internal.ces_step,
	STYPE = bigint[],
	SSPACE = 64,
	FINALFUNC = cjm_internal.ces_interval_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = cjm_internal.score_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE cjm.ces_interval(float8) IS
	'the 95 % interval of ces, {low, high}: Students t; NULL for fewer than two answers';
