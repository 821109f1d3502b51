/*
 * statistics/compared.h: whether some periods differ from others by more than periods do.
 */
#ifndef CJM_COMPARED_H
#define CJM_COMPARED_H

#include "base/pure.h"

typedef enum FigureKind
{
	FIGURE_RATE,				/* a share of n; its noise is known */
	FIGURE_COUNT,				/* how many there were: value is n */
	FIGURE_AMOUNT,				/* a sum, of n: its noise is what it was */
	FIGURE_POSITIVE,			/* a time or an amount of money, never negative, with an interval or without one */
	FIGURE_SCORE				/* anything, with an interval or without one */
} FigureKind;

/* A period of a figure; low and high are NaN where there is no interval. */
typedef struct FigurePeriod
{
	bool		is_now;			/* of those that are compared with the others */
	int64		n;
	double		value;
	double		low;
	double		high;
} FigurePeriod;

typedef struct FigureCompared
{
	double		value;			/* of the periods that are_now */
	double		usual;			/* of the others */
	int64		degrees;		/* of freedom; less than 2: all that follows is NaN */
	double		usual_low;		/* what lies between is as usual with 95 % */
	double		usual_high;
	double		difference;		/* value - usual, known as soon as both are */
	double		difference_low;
	double		difference_high;
	double		t;				/* NaN: there is too little of it for a test */
	double		scaled;			/* value on the scale on which they are compared */
	double		noise;			/* how far it is off by chance there: a standard deviation */
} FigureCompared;

extern FigureCompared figure_compared(FigureKind kind, const FigurePeriod *periods, int count);
extern double figure_scaled(FigureKind kind, bool logarithmic, double value);
extern bool figure_logarithmic(FigureKind kind, const FigurePeriod *periods, int count);

#endif							/* CJM_COMPARED_H */
