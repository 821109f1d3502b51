-- rate_interval, rate_difference, odds_ratio, stratified_odds_ratio: what counted shares say.
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
-- Admissions to Berkeley in 1973, men and women by six departments (Bickel, Hammel and O'Connell 1975), as R's mantelhaen.test has it: 0.9046968, 0.7719074 to 1.0603298, p 0.2323.  Without departments men seem far better off: 1.84.
SELECT round(odds_ratio::numeric, 7) AS odds_ratio, round(odds_low::numeric, 7) AS low, round(odds_high::numeric, 7) AS high, round(p_value::numeric, 4) AS p
FROM stratified_odds_ratio('{512,353,120,138,53,22}', '{825,560,325,417,191,373}', '{89,17,202,131,94,24}', '{108,25,593,375,393,341}')
UNION ALL SELECT round(odds_ratio::numeric, 7), round(odds_low::numeric, 7), round(odds_high::numeric, 7), round(p_value::numeric, 4) FROM odds_ratio(1198, 2691, 557, 1835);
-- Of one stratum it is odds_ratio, with half a customer where that has it, and strata without anybody in one group say nothing; the test is another one.
SELECT abs(o.odds_ratio / s.odds_ratio - 1) < 1e-12 AND abs(o.odds_low / s.odds_low - 1) < 1e-12 AND abs(o.odds_high / s.odds_high - 1) < 1e-12 AS same, s.p_value
FROM (VALUES (40, 100, 20, 90), (0, 10, 10, 10), (12, 12, 0, 40)) v(a, b, c, d), odds_ratio(a, b, c, d) o, stratified_odds_ratio(ARRAY[a, 3, 0], ARRAY[b, 7, 0], ARRAY[c, 0, 2], ARRAY[d, 0, 9]) s;
-- Half a customer in all, spread as the first group is: 0.1 and 0.4 of them
SELECT round(odds_ratio::numeric, 9) = round((0.1 * 8.1 / 12.4 + 0.4 * 12.4 / 25.6) / (2.1 * 2.1 / 12.4 + 8.4 * 4.4 / 25.6), 9) AS as_said FROM stratified_odds_ratio('{0,0}', '{2,8}', '{2,4}', '{10,16}');
-- Five fewer and five more than expected have to be possible: of 10 and 10 with 10 hits they are, with 9 not.
SELECT hits, p_value IS NULL AS too_little FROM unnest('{4,5}'::bigint[]) hits, stratified_odds_ratio(ARRAY[hits], '{10}', '{5}', '{10}');
SELECT stratified_odds_ratio('{}', '{}', '{}', '{}'), stratified_odds_ratio('{1}', '{2}', '{0}', '{0}'), stratified_odds_ratio(NULL, '{2}', '{0}', '{0}');
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
SELECT stratified_odds_ratio('{1,2}', '{2,2}', '{1}', '{2}');
SELECT stratified_odds_ratio('{1,NULL}', '{2,2}', '{1,1}', '{2,2}');
SELECT stratified_odds_ratio('{{1}}', '{{2}}', '{{1}}', '{{2}}');
SELECT stratified_odds_ratio('{1,3}', '{2,2}', '{1,1}', '{2,2}');
