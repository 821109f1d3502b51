/*
 * statistics/clustered.c: what shares and totals say that customers add more than one to, see
 * statistics/clustered.h.
 *
 * How far they are off is known from the customers that there are, and so no better
 * than by as many of them as make up most of it: quantiles are those of Student's t
 * with Kish's effective number of customers, less one, for its degrees of freedom.
 */
#include "statistics/clustered.h"

#include <math.h>

#include "statistics/student.h"

/*
 * How many customers of one size would be as good as these, whose sizes have that sum and sum of squares: L. Kish,
 * Survey Sampling, 1965, 8.2.  It lies between 1 and how many there are.
 */
double
clustered_customers(double sum, double squares)
{
	return squares > 0 ? Max(1, sum * sum / squares) : 1;
}

static double
quantile(double customers)
{
	return student_95((int64) Max(1, rint(customers - 1)));
}

/*
 * clustered_share_range is the 95 % interval of a share: the score interval of as many independent ones as would be off
 * as far as it is (E. L. Korn and B. I. Graubard, Survey Methodology 24, 1998; C. Franco, R. J. A. Little, T. A. Louis and
 * E. V. Slud, Journal of Survey Statistics and Methodology 7, 2019).  How far it is off: a ratio of sums over customers,
 * linearized (W. G. Cochran, Sampling Techniques, 6.3).  Where nothing differs, all hits or none, what a customer does
 * may be the same all of the time.
 */
ProportionRange
clustered_share_range(const ClusteredShare *share)
{
	double		rate = share->hits / share->n;
	double		kish = clustered_customers(share->n, share->n_n);
	double		residuals = share->hits_hits - 2 * rate * share->hits_n + rate * rate * share->n_n;
	double		alike = kish;
	double		t;
	double		n;
	double		spread;
	ProportionRange range;

	if (share->hits > 0 && share->hits < share->n)
	{
		double		variance = share->customers / Max(1, share->customers - 1) * Max(0, residuals) / (share->n * share->n);

		alike = share->customers < 2 ? kish : rate * (1 - rate) / Max(variance, rate * (1 - rate) / share->n);
	}
	t = quantile(share->n) / quantile(kish);
	n = Min(share->n, alike * t * t);
	spread = Z95 * sqrt(rate * (1 - rate) / n + Z95 * Z95 / (4 * n * n));
	range.low = share->hits == 0 ? 0 : Max(0, (rate + Z95 * Z95 / (2 * n) - spread) / (1 + Z95 * Z95 / n));
	range.high = share->hits == share->n ? 1 : Min(1, (rate + Z95 * Z95 / (2 * n) + spread) / (1 + Z95 * Z95 / n));
	return range;
}

/*
 * clustered_total_range is the 95 % interval of what a total would be of other customers who came as these did, each by
 * themselves: how many come is Poisson's, so the total is compound, and its variance the sum of the squares of what they
 * add (W. Feller, An Introduction to Probability Theory and Its Applications I, XII.2).  In proportion to the total, which gives
 * the score interval of a Poisson mean (L. Barker, The American Statistician 56, 2002) times what one of them adds; where
 * some take away, that is negative, on both sides of the total alike.
 */
ProportionRange
clustered_total_range(double total, double squares, double customers, bool negative)
{
	double		t = quantile(customers);
	double		one;
	double		middle;
	double		reach;

	if (negative || total <= 0)
	{
		reach = t * sqrt(squares);
		return (ProportionRange) {total - reach, total + reach};
	}
	one = squares / total;
	middle = total + one * t * t / 2;
	reach = t * sqrt(squares + one * one * t * t / 4);
	/* The difference of two that are alike loses its digits, the product of the roots does not. */
	return (ProportionRange) {total * total / (middle + reach), middle + reach};
}
