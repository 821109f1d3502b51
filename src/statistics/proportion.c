/*
 * statistics/proportion.c: intervals and a test for shares, see statistics/proportion.h.
 */
#include "statistics/proportion.h"

#include <math.h>

/*
 * proportion_range is the 95 % score interval of one share (E. B. Wilson,
 * "Probable inference, the law of succession, and statistical inference",
 * JASA 22, 1927): sound for small samples and at 0 and 1, and never outside.
 */
ProportionRange
proportion_range(Proportion share)
{
	double		hits = (double) share.hits;
	double		of = (double) share.of;
	double		spread = Z95 * sqrt(hits * ((double) (share.of - share.hits) / of) + Z95 * Z95 / 4);
	double		middle = hits + Z95 * Z95 / 2;
	double		scale = of + Z95 * Z95;
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
