/*
 * statistics/student.c: Student's t distribution, and what lies around a median,
 * see statistics/student.h.
 */
#include "statistics/student.h"

#include <math.h>

#include "statistics/proportion.h"

/* From this many degrees of freedom on the expansion is exact to 12 digits. */
#define MANY_DEGREES 200

/*
 * The share of Student's t distribution that lies within +- t, for a whole
 * number of degrees of freedom: Abramowitz and Stegun, Handbook of
 * Mathematical Functions, 26.7.3 and 26.7.4.
 */
double
student_within(double t, int degrees)
{
	double		angle = atan(t / sqrt(degrees));
	double		cosine = cos(angle);
	double		term = degrees % 2 ? cosine : 1;
	double		sum = 0;

	for (int k = degrees % 2; k <= degrees - 2; k += 2)
	{
		sum += term;
		term *= cosine * cosine * (k + 1) / (k + 2);
	}
	return degrees % 2 ? M_2_PI * (angle + sin(angle) * sum) : sin(angle) * sum;
}

/* What 95 % of Student's t distribution lie within, +- this: by bisection, or by the expansion 26.7.5. */
double
student_95(int64 degrees)
{
	double		low = Z95;
	double		high = 12.8;	/* a little more than at one degree */

	if (degrees >= MANY_DEGREES)
	{
		double		z = Z95;
		double		v = (double) degrees;
		double		square = z * z;
		double		g1 = z * (square + 1) / 4;
		double		g2 = z * ((5 * square + 16) * square + 3) / 96;
		double		g3 = z * (((3 * square + 19) * square + 17) * square - 15) / 384;
		double		g4 = z * ((((79 * square + 776) * square + 1482) * square - 1920) * square - 945) / 92160;

		return z + (g1 + (g2 + (g3 + g4 / v) / v) / v) / v;
	}
	for (;;)
	{
		double		middle = (low + high) / 2;

		if (middle <= low || middle >= high)
			return middle;
		if (student_within(middle, (int) degrees) < 0.95)
			low = middle;
		else
			high = middle;
	}
}

/* How likely +- t or more is by chance, two-sided. */
double
student_p_value(double t, int64 degrees)
{
	t = fabs(t);
	if (isinf(t))
		return 0;
	if (degrees >= MANY_DEGREES * 50)
		return erfc(t / M_SQRT2);
	return Max(0, 1 - student_within(t, (int) degrees));
}

/* From this many durations on the normal distribution says which ranks, to one of them. */
#define MANY_RANKS 1000

/*
 * The ranks of the order statistics between which the median lies with 95 % at
 * least, whatever the distribution: the largest low with P(Binomial(count, 1/2) <
 * low) <= 2.5 %, and as far from the other end (W. J. Conover, Practical
 * Nonparametric Statistics, 3.2).  False of fewer than six, of which even all say less.
 */
bool
median_ranks(uint64 count, uint64 *low, uint64 *high)
{
	double		below = 0;
	uint64		rank = 0;

	if (count > MANY_RANKS)
		rank = (uint64) floor(((double) count - Z95 * sqrt((double) count)) / 2);
	else
	{
		/* below: P(Binomial <= rank), of the numbers that are too few */
		for (;;)
		{
			below += exp(lgamma((double) count + 1) - lgamma((double) rank + 1) - lgamma((double) (count - rank) + 1) -
						 (double) count * M_LN2);
			if (below > 0.025)
				break;
			rank++;
		}
	}
	if (rank == 0)
		return false;
	*low = rank;
	*high = count + 1 - rank;
	return true;
}
