-- What statistics of a funnel say.

CREATE FUNCTION cjm.report(stats cjm.funnel_stats)
RETURNS TABLE (
	step integer,
	stage text,
	customers bigint,
	step_rate float8,
	overall_rate float8,
	dropped bigint,
	drop_rate float8,
	rate_low float8,
	rate_high float8,
	median_time interval,
	mean_time interval,
	p90_time interval,
	median_total interval,
	p90_total interval,
	entered bigint
)
AS 'MODULE_PATHNAME', 'funnel_stats_report'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 5;

COMMENT ON FUNCTION cjm.report(cjm.funnel_stats) IS
'a row for each step of a funnel.
step, stage: number from 1 and name; of an unordered funnel "2 of 3": customers who did at least two of the three stages
customers: those whose walk holds the stage
step_rate: share of the customers at the mandatory step before who came on from there, from 0 to 1; 1 at step 1, NULL of nobody
overall_rate: customers as a share of those whose walk began at this step or before it: at step 1, unless walks may begin at any stage
dropped, drop_rate: customers of this step who did not go on to the next mandatory one, and their share; NULL at the last and at an optional one.
Statistics know no time: who may yet go on or has refused has dropped here. The views and reports of maps count them apart, as open_customers and refused
rate_low, rate_high: 95 % Wilson interval of step_rate; NULL at step 1, where the rate is 1 by definition and no estimate
median_time, mean_time, p90_time: since the step before in the customer''s walk; NULL at step 1
median_total, p90_total: since the first step of the walk; NULL at step 1
entered: customers whose walk began at the step: with "from any stage" there may be some at every step, else only at step 1
Means are exact to the microsecond, medians (the lower one of an even number) and 90th percentiles to 1 %.';

CREATE FUNCTION cjm.time_histogram(stats cjm.funnel_stats, step integer)
RETURNS TABLE (low interval, high interval, customers bigint)
AS 'MODULE_PATHNAME', 'funnel_stats_time_histogram'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 10;

COMMENT ON FUNCTION cjm.time_histogram(cjm.funnel_stats, integer) IS
'how long customers took from the step before to this one: at least low, less than high; nothing for step 1.
The same moment has a row of its own; all others follow without a gap from the shortest to the longest.
Bounds are round; times that are less than 1/128 short of a bound may count above it.';

CREATE FUNCTION cjm.compare(
	a cjm.funnel_stats,
	b cjm.funnel_stats
)
RETURNS TABLE (
	step integer,
	stage text,
	rate_a float8,
	rate_b float8,
	difference float8,
	difference_low float8,
	difference_high float8,
	p_value float8,
	overall_a float8,
	overall_b float8,
	overall_difference float8,
	overall_low float8,
	overall_high float8,
	overall_p_value float8
)
AS 'MODULE_PATHNAME', 'funnel_stats_compare'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 5;

COMMENT ON FUNCTION cjm.compare(cjm.funnel_stats, cjm.funnel_stats) IS
'two groups of customers in one funnel, step by step.
rate_a, rate_b: share of the mandatory step before, as step_rate in report; overall_a, overall_b: of step 1
difference, overall_difference: b minus a, with the 95 % interval from low to high (Newcombe''s hybrid score)
p_value, overall_p_value: two-sided, of the pooled z-test
What is compared has to be equal but for what makes the groups: entry ranges of the same length, since a customer counts once a range with the best of all tries in it; the same age, so that both have had the time limit of their walks; and no customer in both
NULL at step 1, where there is no rate to compare, and where a group has nobody.';

CREATE FUNCTION cjm.compare(
	a cjm.funnel_stats,
	b cjm.funnel_stats,
	entered_a tstzrange,
	entered_b tstzrange
)
RETURNS TABLE (
	step integer,
	stage text,
	rate_a float8,
	rate_b float8,
	difference float8,
	difference_low float8,
	difference_high float8,
	p_value float8,
	overall_a float8,
	overall_b float8,
	overall_difference float8,
	overall_low float8,
	overall_high float8,
	overall_p_value float8
)
AS 'MODULE_PATHNAME', 'funnel_stats_compare'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 5;

COMMENT ON FUNCTION cjm.compare(cjm.funnel_stats, cjm.funnel_stats, tstzrange, tstzrange) IS
'as compare(funnel_stats, funnel_stats), of walks that began in these ranges; a NOTICE tells if the one is longer than the other by more than a twentieth.
A customer counts once in a range, with the best of all tries in it, so a longer range converts better';
