/*
 * statistics/proportion.c: intervals and a test for shares, see statistics/proportion.h.
 */
#include "statistics/proportion.h"

#include <math.h>

/* A normal deviate lies outside +- z with this probability. */
static double
outside(double z)
{
	return erfc(z / sqrt(2));
}

/*
 * normal_quantile_95 is the z for each of so many intervals (at least 1) with
 * which all of them hold what they should at 95 %: each is one at
 * 1 - 0.05 / comparisons (O. J. Dunn, "Multiple comparisons among means", JASA
 * 56, 1961, after C. E. Bonferroni), whatever the intervals have to do with
 * each other.
 *
 * By Newton's method on the logarithm of what lies outside, which is concave:
 * from any z it steps beyond the root once at most, and then falls to it.
 */
double
normal_quantile_95(uint64 comparisons)
{
	double		wanted = log(0.05 / (double) comparisons);
	double		z = Z95;
	double		move = comparisons > 1 ? 1 : 0;

	/* The number of right digits doubles: six rounds are enough for any 64 bits. */
	for (int round = 0; fabs(move) > 1e-9 && round < 20; round++)
	{
		/* how fast less of it lies outside */
		double		density = exp(-z * z / 2) * sqrt(2 / 3.14159265358979323846);

		move = (log(outside(z)) - wanted) * outside(z) / density;
		z += move;
	}
	return z;
}

/*
 * proportion_range is the 95 % score interval of one share (E. B. Wilson,
 * "Probable inference, the law of succession, and statistical inference",
 * JASA 22, 1927): sound for small samples and at 0 and 1, and never outside.
 */
ProportionRange
proportion_range(Proportion share)
{
	return proportion_range_of(share, Z95);
}

/* The same interval with another quantile of the normal distribution. */
ProportionRange
proportion_range_of(Proportion share, double z)
{
	double		hits = (double) share.hits;
	double		of = (double) share.of;
	double		spread = z * sqrt(hits * ((double) (share.of - share.hits) / of) + z * z / 4);
	double		middle = hits + z * z / 2;
	double		scale = of + z * z;
	ProportionRange range;

	/* exact where it is known, free of the last digit's rounding */
	range.low = share.hits == 0 ? 0 : Max(0, (middle - spread) / scale);
	range.high = share.hits == share.of ? 1 : Min(1, (middle + spread) / scale);
	return range;
}

static double
distance(double a, double b)
{
	return sqrt(a * a + b * b);
}

/*
 * proportion_difference_range is the 95 % interval of b - a: the hybrid score
 * interval, method 10 of R. G. Newcombe, "Interval estimation for the
 * difference between independent proportions", Statistics in Medicine 17, 1998.
 */
ProportionRange
proportion_difference_range(Proportion a, Proportion b)
{
	double		rate_a = proportion_rate(a);
	double		rate_b = proportion_rate(b);
	ProportionRange range_a = proportion_range(a);
	ProportionRange range_b = proportion_range(b);
	ProportionRange range;

	range.low = rate_b - rate_a - distance(rate_b - range_b.low, range_a.high - rate_a);
	range.high = rate_b - rate_a + distance(range_b.high - rate_b, rate_a - range_a.low);
	return range;
}

/*
 * proportion_p_value is the two-sided p-value of the pooled z-test: how likely
 * shares at least as far apart are where there is no difference.  Without any
 * spread (all or none of both) nothing speaks for a difference: 1.
 */
double
proportion_p_value(Proportion a, Proportion b)
{
	double		size_a = (double) a.of;
	double		size_b = (double) b.of;
	double		pooled = ((double) a.hits + (double) b.hits) / (size_a + size_b);
	double		deviation = sqrt(pooled * (1 - pooled) * (1 / size_a + 1 / size_b));

	if ((a.hits == 0 && b.hits == 0) || (a.hits == a.of && b.hits == b.of) || deviation == 0)
		return 1;
	return erfc(fabs(proportion_rate(b) - proportion_rate(a)) / deviation / sqrt(2));
}

/*
 * proportion_odds_ratio compares the odds hits : misses of b with those of a:
 * the 95 % interval of B. Woolf, "On estimating the relation between blood group
 * and disease", Annals of Human Genetics 19, 1955, and the two-sided p-value of
 * the same normal approximation of the logarithm, so that one is below 0.05
 * where the other leaves out 1.  Where one of the four counts is 0, one half is
 * added to each (J. B. S. Haldane 1956; F. J. Anscombe 1956).
 */
OddsRatio
proportion_odds_ratio(Proportion a, Proportion b)
{
	double		hits_a = (double) a.hits;
	double		hits_b = (double) b.hits;
	double		misses_a = (double) (a.of - a.hits);
	double		misses_b = (double) (b.of - b.hits);
	double		logarithm;
	double		deviation;
	OddsRatio	odds;

	if (hits_a == 0 || hits_b == 0 || misses_a == 0 || misses_b == 0)
	{
		hits_a += 0.5;
		hits_b += 0.5;
		misses_a += 0.5;
		misses_b += 0.5;
	}
	odds.ratio = hits_b * misses_a / (misses_b * hits_a);
	logarithm = log(odds.ratio);
	deviation = sqrt(1 / hits_a + 1 / hits_b + 1 / misses_a + 1 / misses_b);
	odds.range.low = exp(logarithm - Z95 * deviation);
	odds.range.high = exp(logarithm + Z95 * deviation);
	odds.p_value = erfc(fabs(logarithm) / deviation / sqrt(2));
	return odds;
}

/* Sums over strata of what the odds ratio and its variance are made of. */
typedef struct StrataSums
{
	double		for_b;			/* hits of b times misses of a, per size of the stratum */
	double		for_a;			/* and the other way round */
	double		spread_b;
	double		spread;
	double		spread_a;
} StrataSums;

/* more: what is added to each of the four counts, shared out among strata as the size_b customers of b are. */
static StrataSums
strata_sums(const Stratum *strata, size_t count, double more, double size_b)
{
	StrataSums	sums = {0};

	for (size_t i = 0; i < count; i++)
	{
		const Stratum *stratum = &strata[i];
		double		extra = more * (double) stratum->b.of / size_b;
		double		hits_a = (double) stratum->a.hits + extra;
		double		hits_b = (double) stratum->b.hits + extra;
		double		misses_a = (double) (stratum->a.of - stratum->a.hits) + extra;
		double		misses_b = (double) (stratum->b.of - stratum->b.hits) + extra;
		double		size = hits_a + hits_b + misses_a + misses_b;
		double		for_b;
		double		for_a;
		double		same;
		double		other;

		if (stratum->a.of == 0 || stratum->b.of == 0)
			continue;
		for_b = hits_b * misses_a / size;
		for_a = misses_b * hits_a / size;
		same = (hits_b + misses_a) / size;
		other = (misses_b + hits_a) / size;
		sums.for_b += for_b;
		sums.for_a += for_a;
		sums.spread_b += same * for_b;
		sums.spread += same * for_a + other * for_b;
		sums.spread_a += other * for_a;
	}
	return sums;
}

/*
 * proportion_strata_odds_ratio compares the odds of b with those of a where that
 * is fair, within strata, and puts what they say together; false if no stratum
 * has anybody in both.
 *
 * The common odds ratio and the test are those of N. Mantel and W. Haenszel,
 * "Statistical aspects of the analysis of data from retrospective studies of
 * disease", JNCI 22, 1959: one degree of freedom, corrected for continuity.  The
 * 95 % interval is of J. Robins, N. Breslow and S. Greenland, "Estimators of the
 * Mantel-Haenszel variance consistent in both sparse data and large-strata
 * limiting models", Biometrics 42, 1986.  Of one stratum it is Woolf's.  Where a
 * sum would be 0, one half is added to each of the four counts, shared out among
 * the strata.
 *
 * There is a p-value where the hits of b could be 5 fewer and 5 more than are
 * expected (N. Mantel and J. L. Fleiss, "Minimum expected cell size requirements
 * for the Mantel-Haenszel one-degree-of-freedom chi-square test and a related
 * rapid procedure", American Journal of Epidemiology 112, 1980), and else NaN.
 *
 * Strata may be the same people at different times, as long as who is in b is
 * decided anew in each: what is more or less than expected adds up all the same
 * (N. Mantel and D. P. Byar, "Evaluation of response-time data involving
 * transient states: an illustration using heart-transplant data", JASA 69, 1974).
 */
bool
proportion_strata_odds_ratio(const Stratum *strata, size_t count, OddsRatio *odds)
{
	double		hits = 0;
	double		expected = 0;
	double		least = 0;
	double		most = 0;
	double		variance = 0;
	double		size_b = 0;
	double		logarithm;
	double		deviation;
	StrataSums	sums;

	for (size_t i = 0; i < count; i++)
	{
		const Stratum *stratum = &strata[i];
		double		of_b = (double) stratum->b.of;
		double		of_a = (double) stratum->a.of;
		double		size = of_a + of_b;
		double		all_hits = (double) stratum->a.hits + (double) stratum->b.hits;

		if (stratum->a.of == 0 || stratum->b.of == 0)
			continue;
		size_b += of_b;
		hits += (double) stratum->b.hits;
		expected += of_b * all_hits / size;
		least += Max(0, all_hits - of_a);
		most += Min(of_b, all_hits);
		variance += of_b / size * of_a / size * all_hits / (size - 1) * (size - all_hits);
	}
	if (size_b == 0)
		return false;
	sums = strata_sums(strata, count, 0, size_b);
	if (sums.for_a == 0 || sums.for_b == 0)
		sums = strata_sums(strata, count, 0.5, size_b);
	odds->ratio = sums.for_b / sums.for_a;
	logarithm = log(odds->ratio);
	deviation = sqrt(sums.spread_b / (2 * sums.for_b * sums.for_b) + sums.spread / (2 * sums.for_b * sums.for_a) +
					 sums.spread_a / (2 * sums.for_a * sums.for_a));
	odds->range.low = exp(logarithm - Z95 * deviation);
	odds->range.high = exp(logarithm + Z95 * deviation);
	if (expected - least < 5 || most - expected < 5)
		odds->p_value = NAN;
	else
		odds->p_value = outside(Max(0, fabs(hits - expected) - 0.5) / sqrt(variance));
	return true;
}
