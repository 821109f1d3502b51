/*
 * statistics/compared.c: whether some periods differ from others by more than periods do,
 * see statistics/compared.h.
 *
 * Weeks differ more than coins do: there are campaigns, holidays, and customers who
 * come in groups.  So how much the periods of one side differ from each other
 * says by how much a period may be off, and never less than its own counts say.
 * Of two models the one that allows for more is taken:
 *
 *   - the noise of a period is that of its counts, times a factor that is the
 *     same for all (quasi-likelihood: R. W. M. Wedderburn, Biometrika 61, 1974; P. McCullagh and
 *     J. A. Nelder, Generalized Linear Models, 4.5.2), the mean square of the
 *     standardized residuals, but at least 1;
 *   - all periods differ by as much whatever their counts are, as in a t-test,
 *     and one of smaller counts than usual by its noise more.
 *
 * The difference over its standard deviation has Student's t with the degrees of
 * freedom that the spread of the periods is known with.  Shares are pooled and compared
 * as they are, amounts and counts by their logarithms, as long as they have some.
 */
#include "statistics/compared.h"

#include <math.h>

#include "statistics/proportion.h"
#include "statistics/student.h"

#define FEW 30					/* fewer say nothing worth a headline, as map_few() in SQL */
/* Of a share, hits and misses that are expected at least: W. G. Cochran, Biometrics 10, 1954. */
#define FEW_HITS 5

/* One side of the comparison. */
typedef struct Side
{
	int			count;
	double		n;				/* sum */
	double		mean;			/* of the scaled values, all alike */
	double		centre;			/* weighted */
	double		squares;		/* sum of the squares of the weights */
	double		noise;			/* sum of these times the noise of the periods */
	double		mean_noise;		/* of a period */
	double		mean_value;
} Side;

bool
figure_logarithmic(FigureKind kind, const FigurePeriod *periods, int count)
{
	if (kind == FIGURE_COUNT)
		return true;
	if (kind != FIGURE_AMOUNT && kind != FIGURE_POSITIVE)
		return false;
	for (int i = 0; i < count; i++)
		if (!(periods[i].value > 0))
			return false;
	return true;
}

/* A half is what a count of nothing has, so that it has a logarithm. */
static double
shift_of(FigureKind kind)
{
	return kind == FIGURE_COUNT ? 0.5 : 0;
}

double
figure_scaled(FigureKind kind, bool logarithmic, double value)
{
	return logarithmic ? log(value + shift_of(kind)) : value;
}

static double
unscaled(FigureKind kind, bool logarithmic, double scaled)
{
	if (logarithmic)
		return Max(0, exp(scaled) - shift_of(kind));
	return kind == FIGURE_RATE ? Min(1, Max(0, scaled)) : scaled;
}

/* The variance that the counts of a period give it on the scale; NaN where they say nothing. */
static double
noise_of(FigureKind kind, bool logarithmic, const FigurePeriod *period, double pooled)
{
	double		reach;

	switch (kind)
	{
		case FIGURE_RATE:
			return pooled * (1 - pooled) / (double) Max(1, period->n);
		case FIGURE_COUNT:
			return 1 / Max(0.5, pooled);
		case FIGURE_AMOUNT:
			return NAN;
		case FIGURE_POSITIVE:
		case FIGURE_SCORE:
			reach = (period->high - period->low) / (2 * Z95);
			if (logarithmic)
				reach /= period->value;
			return reach * reach;
	}
	pg_unreachable();
}

/* count of both sides together > 0; values are finite. */
FigureCompared
figure_compared(FigureKind kind, const FigurePeriod *periods, int count)
{
	bool		logarithmic = figure_logarithmic(kind, periods, count);
	Side		sides[2] = {0};
	Side	   *then = &sides[0];
	Side	   *now = &sides[1];
	double		pooled = 0;
	double		all = 0;
	bool		known = true;
	double		spread = 0;
	double		factor = 0;
	double		own;
	double		alike;
	double		deviation;
	double		reach;
	bool		enough;
	FigureCompared result = {.value = NAN, .usual = NAN, .usual_low = NAN, .usual_high = NAN, .difference = NAN,
	.difference_low = NAN, .difference_high = NAN, .t = NAN, .scaled = NAN, .noise = NAN};

	for (int i = 0; i < count; i++)
	{
		Side	   *side = &sides[periods[i].is_now];

		side->count++;
		side->n += (double) periods[i].n;
		side->mean_value += periods[i].value;
		all += (double) periods[i].n;
		pooled += (double) periods[i].n * periods[i].value;
	}
	then->mean_value /= Max(1, then->count);
	pooled = kind == FIGURE_COUNT ? then->mean_value : pooled / Max(1, all);
	for (int i = 0; i < count; i++)
	{
		Side	   *side = &sides[periods[i].is_now];
		double		weight = kind == FIGURE_RATE && side->n > 0 ? (double) periods[i].n / side->n : 1.0 / side->count;
		double		noise = noise_of(kind, logarithmic, &periods[i], pooled);
		double		scaled = figure_scaled(kind, logarithmic, periods[i].value);

		known = known && !isnan(noise);
		side->mean += scaled / side->count;
		side->centre += weight * scaled;
		side->squares += weight * weight;
		side->noise += weight * weight * noise;
		side->mean_noise += noise / side->count;
	}
	if (now->count > 0)
	{
		result.scaled = now->centre;
		result.value = now->count == 1 ? NAN : unscaled(kind, logarithmic, now->centre);
		for (int i = 0; i < count && now->count == 1; i++)
			if (periods[i].is_now)
				result.value = periods[i].value;
	}
	if (then->count > 0)
		result.usual = unscaled(kind, logarithmic, then->centre);
	result.difference = result.value - result.usual;
	result.degrees = Max(0, then->count - 1) + Max(0, now->count - 1);
	if (now->count == 0 || then->count == 0 || result.degrees < 2)
		return result;

	for (int i = 0; i < count; i++)
	{
		const Side *side = &sides[periods[i].is_now];
		double		scaled = figure_scaled(kind, logarithmic, periods[i].value);
		double		noise = noise_of(kind, logarithmic, &periods[i], pooled);

		spread += (scaled - side->mean) * (scaled - side->mean);
		if (known && noise > 0)
			factor += (scaled - side->centre) * (scaled - side->centre) / noise;
	}
	spread /= (double) result.degrees;
	factor = known ? Max(1, factor / (double) result.degrees) : 0;
	own = known ? factor * now->noise : 0;
	alike = spread * now->squares + (known ? Max(0, now->noise - now->squares * then->mean_noise) : 0);
	deviation = sqrt(Max(alike + spread * then->squares, known ? own + factor * then->noise : 0));
	enough = kind == FIGURE_RATE ? now->n >= FEW && now->n * pooled >= FEW_HITS && now->n * (1 - pooled) >= FEW_HITS :
		kind == FIGURE_COUNT ? then->mean_value >= FEW :
		then->n / then->count >= FEW && (kind == FIGURE_AMOUNT || now->n >= FEW);
	/* What is the same in all periods differs by its last digits alone. */
	if (!enough || !(deviation > 1e-9 * Max(1, fabs(then->centre))) || isinf(deviation))
		return result;
	result.noise = sqrt(Max(own, alike));
	result.t = (now->centre - then->centre) / deviation;
	reach = student_95(result.degrees) * deviation;
	result.usual_low = unscaled(kind, logarithmic, then->centre - reach);
	result.usual_high = unscaled(kind, logarithmic, then->centre + reach);
	if (logarithmic)
	{
		result.difference_low = exp(then->centre) * expm1(now->centre - then->centre - reach);
		result.difference_high = exp(then->centre) * expm1(now->centre - then->centre + reach);
	}
	else
	{
		result.difference_low = now->centre - then->centre - reach;
		result.difference_high = now->centre - then->centre + reach;
	}
	return result;
}
