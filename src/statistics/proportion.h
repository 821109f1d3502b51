/*
 * statistics/proportion.h: what a share of a sample says about the whole.
 *
 * of > 0 everywhere, and 0 <= hits <= of.
 */
#ifndef CJM_PROPORTION_H
#define CJM_PROPORTION_H

#include "base/pure.h"

/* The 97.5 % quantile of the normal distribution: 95 % lie within +- this. */
#define Z95 1.959963984540054

typedef struct Proportion
{
	uint64		hits;
	uint64		of;
} Proportion;

typedef struct ProportionRange
{
	double		low;
	double		high;
} ProportionRange;

static inline double
proportion_rate(Proportion share)
{
	return (double) share.hits / (double) share.of;
}

/* How much likelier it is, as odds, in b than in a. */
typedef struct OddsRatio
{
	double		ratio;
	ProportionRange range;		/* 95 %; not limited to 1 */
	double		p_value;		/* NaN: there is too little of it for a test */
} OddsRatio;

/* Two groups that can be compared with each other, unless of is 0 in one of them. */
typedef struct Stratum
{
	Proportion	a;
	Proportion	b;
} Stratum;

extern double normal_quantile_95(uint64 comparisons);
extern ProportionRange proportion_range(Proportion share);
extern ProportionRange proportion_range_of(Proportion share, double z);
extern ProportionRange proportion_difference_range(Proportion a, Proportion b);
extern double proportion_p_value(Proportion a, Proportion b);
extern OddsRatio proportion_odds_ratio(Proportion a, Proportion b);
extern bool proportion_strata_odds_ratio(const Stratum *strata, size_t count, OddsRatio *odds);

#endif							/* CJM_PROPORTION_H */
