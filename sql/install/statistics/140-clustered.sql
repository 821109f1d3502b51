--
-- clustered_rate, clustered_total: what shares and totals say that customers add more than one to
--

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
