--
-- rate_interval, rate_difference, odds_ratio, stratified_odds_ratio: what counted shares say
--

CREATE FUNCTION cjm.rate_interval(
	hits bigint,
	customers bigint,
	comparisons bigint DEFAULT 1,
	OUT rate float8,
	OUT rate_low float8,
	OUT rate_high float8)
	AS 'MODULE_PATHNAME', 'rate_interval'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm.rate_interval(bigint, bigint, bigint) IS
'hits / customers and its 95 % Wilson interval; NULL of nobody.
comparisons: of how many intervals this is one that are looked at together, as where the best of several is picked: each is wider then, so that all of them hold with 95 % (Bonferroni)';

CREATE FUNCTION cjm.rate_difference(
	hits bigint,
	customers bigint,
	other_hits bigint,
	other_customers bigint,
	OUT difference float8,
	OUT difference_low float8,
	OUT difference_high float8,
	OUT p_value float8)
	AS 'MODULE_PATHNAME', 'rate_difference'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm.rate_difference(bigint, bigint, bigint, bigint) IS
'hits / customers minus other_hits / other_customers, with the 95 % interval (Newcombe''s hybrid score) and the two-sided p-value of the pooled z-test;
NULL where there is nobody on one side';

CREATE FUNCTION cjm.odds_ratio(
	hits bigint,
	customers bigint,
	other_hits bigint,
	other_customers bigint,
	OUT odds_ratio float8,
	OUT odds_low float8,
	OUT odds_high float8,
	OUT p_value float8)
	AS 'MODULE_PATHNAME', 'rate_odds_ratio'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION cjm.odds_ratio(bigint, bigint, bigint, bigint) IS
'the odds hits : misses of the first group over those of the other, with the 95 % interval (Woolf) and the two-sided p-value of the same approximation;
one half is added to each of the four counts where one of them is 0 (Haldane and Anscombe); NULL where there is nobody on one side';

CREATE FUNCTION cjm.stratified_odds_ratio(
	hits bigint[],
	customers bigint[],
	other_hits bigint[],
	other_customers bigint[],
	OUT odds_ratio float8,
	OUT odds_low float8,
	OUT odds_high float8,
	OUT p_value float8)
	AS 'MODULE_PATHNAME', 'rate_stratified_odds_ratio'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION cjm.stratified_odds_ratio(bigint[], bigint[], bigint[], bigint[]) IS
'the odds of the first group over those of the other where only customers of the same stratum are compared with each other; each array has a count for each stratum.
The common odds ratio and the two-sided p-value with continuity correction (Mantel and Haenszel), and the 95 % interval (Robins, Breslow and Greenland);
one half in all is added to each of the four counts where the ratio would be 0 or infinite
p_value: NULL where the hits of the first group could not be 5 fewer and 5 more than expected (Mantel and Fleiss): that is too little for this test
NULL where no stratum has anybody in both groups';
