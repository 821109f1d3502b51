-- rate_interval, rate_difference, odds_ratio: what counted shares say.
SET search_path = cjm, public;
SET extra_float_digits = -5;

-- Newcombe (1998), table II, method 10: 56/70 - 48/80, 9/10 - 3/10, 6/7 - 2/7, 5/56 - 0/29, 0/10 - 0/20, 0/10 - 0/10, 10/10 - 0/20, 10/10 - 0/10
SELECT hits, customers, other_hits, other_customers, round(difference::numeric, 4) AS difference, round(difference_low::numeric, 4) AS low, round(difference_high::numeric, 4) AS high
FROM (VALUES (56, 70, 48, 80), (9, 10, 3, 10), (6, 7, 2, 7), (5, 56, 0, 29), (0, 10, 0, 20), (0, 10, 0, 10), (10, 10, 0, 20), (10, 10, 0, 10)) v(hits, customers, other_hits, other_customers),
	rate_difference(hits, customers, other_hits, other_customers);
-- Wilson, 81/263 as in Newcombe's paper on one share: 0.2553 to 0.3662; 0/20 to 0.1611, 1/29 0.0061 to 0.1718
SELECT round(rate::numeric, 4) AS rate, round(rate_low::numeric, 4) AS low, round(rate_high::numeric, 4) AS high FROM (VALUES (81, 263), (15, 148), (0, 20), (1, 29), (29, 29)) v(h, n), rate_interval(h, n);
-- So many intervals together: as wide as one of 95 %, of 97.5 % (z 2.241402727604947) and of 99.5 % (2.807033768343811), and for any number there is one.
SELECT comparisons, abs(rate_low - (81 + z ^ 2 / 2 - z * sqrt(81 * 182 / 263.0 + z ^ 2 / 4)) / (263 + z ^ 2)) < 1e-12 AS as_said
FROM (VALUES (1, 1.959963984540054), (2, 2.241402727604947), (10, 2.807033768343811)) v(comparisons, z), rate_interval(81, 263, comparisons);
SELECT m, round(rate_low::numeric, 4) AS low, round(rate_high::numeric, 4) AS high FROM unnest('{100, 10000, 9223372036854775807}'::bigint[]) m, rate_interval(81, 263, m) ORDER BY m;
-- Doll and Hill (1950): smokers among 649 men with lung cancer and 649 without, 647 and 622: odds ratio 14.04, of the logarithm 2.6418 +- 1.96 * sqrt(1/647 + 1/2 + 1/622 + 1/27)
SELECT round(odds_ratio::numeric, 2) AS odds_ratio, round(odds_low::numeric, 2) AS low, round(odds_high::numeric, 2) AS high,
	round(odds_low::numeric, 9) = round(exp(ln(647.0 * 27 / 622 / 2) - 1.959963984540054 * sqrt(1 / 647.0 + 1 / 2.0 + 1 / 622.0 + 1 / 27.0)), 9) AS as_said, p_value < 0.001 AS sure
FROM odds_ratio(647, 649, 622, 649);
-- A count of 0: one half more each, 0.5 * 10.5 / (10.5 * 0.5); the other way round it is the inverse.
SELECT * FROM odds_ratio(0, 10, 10, 10);
SELECT a.odds_ratio * b.odds_ratio AS one, a.odds_low * b.odds_high AS one, a.p_value = b.p_value AS same FROM odds_ratio(0, 10, 3, 10) a, odds_ratio(3, 10, 0, 10) b;
SELECT a.odds_ratio, a.p_value FROM odds_ratio(5, 10, 50, 100) a;
-- The interval leaves out 1 where p is below 0.05, and the interval of the difference is as in report and compare.
SELECT count(*), count(*) FILTER (WHERE (p_value < 0.05) <> (odds_low > 1 OR odds_high < 1)) AS wrong FROM generate_series(0, 30) x, generate_series(0, 40) y, odds_ratio(x, 30, y, 40);
SELECT r.difference, c.difference, r.difference_low = c.difference_low AS low, r.difference_high = c.difference_high AS high, r.p_value = c.p_value AS p_value
FROM rate_difference(1, 3, 2, 4) r, LATERAL (SELECT c.* FROM compare(
	(SELECT funnel_agg(j, 'a -> b') FROM unnest(ARRAY['{2026-01-01T10:00Z a, 2026-01-01T10:01Z b}', '{2026-01-01T10:00Z a, 2026-01-01T10:01Z b}', '{2026-01-01T10:00Z a}', '{2026-01-01T10:00Z a}']::journey[]) j),
	(SELECT funnel_agg(j, 'a -> b') FROM unnest(ARRAY['{2026-01-01T10:00Z a, 2026-01-01T10:01Z b}', '{2026-01-01T10:00Z a}', '{2026-01-01T10:00Z a}']::journey[]) j)) c WHERE c.step = 2) c;
-- Nobody, and what cannot be
SELECT rate_interval(0, 0), rate_difference(0, 0, 1, 2), odds_ratio(1, 2, 0, 0), rate_interval(NULL, 1);
SELECT * FROM rate_interval(9223372036854775807, 9223372036854775807);
SELECT rate_interval(3, 2);
SELECT rate_interval(1, 2, 0);
SELECT rate_difference(1, 2, -1, 2);
SELECT odds_ratio(1, 2, 5, 4);
