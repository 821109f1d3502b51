--
-- nps, csat, ces: what customers answered, and how sure that is
--

CREATE FUNCTION score_combine(state bigint[], other bigint[]) RETURNS bigint[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION score_combine(bigint[], bigint[]) IS 'combine function of nps, csat, ces and their intervals';

CREATE FUNCTION nps_step(state bigint[], score float8) RETURNS bigint[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION nps_step(bigint[], float8) IS 'transition function of nps and nps_interval';

CREATE FUNCTION nps_final(state bigint[]) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION nps_final(bigint[]) IS 'final function of nps';

CREATE FUNCTION nps_interval_final(state bigint[]) RETURNS float8[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION nps_interval_final(bigint[]) IS 'final function of nps_interval';

CREATE AGGREGATE nps(score float8) (
	SFUNC = nps_step,
	STYPE = bigint[],
	SSPACE = 64,
	FINALFUNC = nps_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = score_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE nps(float8) IS
	'the Net Promoter Score of scores from 0 to 10: percentage of promoters (9, 10) less that of detractors (0 to 6), -100 to 100';

CREATE AGGREGATE nps_interval(score float8) (
	SFUNC = nps_step,
	STYPE = bigint[],
	SSPACE = 64,
	FINALFUNC = nps_interval_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = score_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE nps_interval(float8) IS
	'the 95 % interval of nps, {low, high}: adjusted Wald';

CREATE FUNCTION csat_step(state bigint[], score float8) RETURNS bigint[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION csat_step(bigint[], float8) IS 'transition function of csat and csat_interval';

CREATE FUNCTION csat_final(state bigint[]) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION csat_final(bigint[]) IS 'final function of csat';

CREATE FUNCTION csat_interval_final(state bigint[]) RETURNS float8[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION csat_interval_final(bigint[]) IS 'final function of csat_interval';

CREATE AGGREGATE csat(score float8) (
	SFUNC = csat_step,
	STYPE = bigint[],
	SSPACE = 64,
	FINALFUNC = csat_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = score_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE csat(float8) IS
	'customer satisfaction of scores from 1 to 5: the share of 4 and 5, from 0 to 1';

CREATE AGGREGATE csat_interval(score float8) (
	SFUNC = csat_step,
	STYPE = bigint[],
	SSPACE = 64,
	FINALFUNC = csat_interval_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = score_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE csat_interval(float8) IS
	'the 95 % interval of csat, {low, high}: Wilson';

CREATE FUNCTION ces_step(state bigint[], score float8) RETURNS bigint[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION ces_step(bigint[], float8) IS 'transition function of ces and ces_interval';

CREATE FUNCTION ces_final(state bigint[]) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION ces_final(bigint[]) IS 'final function of ces';

CREATE FUNCTION ces_interval_final(state bigint[]) RETURNS float8[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION ces_interval_final(bigint[]) IS 'final function of ces_interval';

CREATE AGGREGATE ces(score float8) (
	SFUNC = ces_step,
	STYPE = bigint[],
	SSPACE = 64,
	FINALFUNC = ces_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = score_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE ces(float8) IS
	'the Customer Effort Score of scores from 1 to 7: their mean';

CREATE AGGREGATE ces_interval(score float8) (
	SFUNC = ces_step,
	STYPE = bigint[],
	SSPACE = 64,
	FINALFUNC = ces_interval_final,
	FINALFUNC_MODIFY = READ_ONLY,
	COMBINEFUNC = score_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE ces_interval(float8) IS
	'the 95 % interval of ces, {low, high}: Students t; NULL for fewer than two answers';
