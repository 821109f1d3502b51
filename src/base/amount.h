/*
 * base/amount.h: sums of values that do not depend on the order of the values.
 *
 * An amount is a signed 128-bit number of billionths.  A float8 becomes an
 * amount once, and from then on all is integer arithmetic, so that any order and
 * any split of the rows adds up to the same bits.  Decimal amounts of money, which float8 cannot hold exactly, even add
 * up exactly.
 */
#ifndef CJM_AMOUNT_H
#define CJM_AMOUNT_H

#include "base/wide.h"

#include <math.h>

#define AMOUNT_UNIT 1e9
/* A float8 must be smaller: then 2^36 of the largest can be added. */
#define AMOUNT_LIMIT 1e18

/* Two's complement. */
typedef Wide Amount;

static inline bool
amount_is_negative(Amount a)
{
	return a.high >> 63;
}

static inline bool
amount_is_zero(Amount a)
{
	return a.low == 0 && a.high == 0;
}

static inline Amount
amount_negate(Amount a)
{
	return wide_add((Amount) {~a.low, ~a.high}, (Amount) {1, 0});
}

/* Adds b to *a; false, and nothing changed, if the sum does not fit. */
static inline bool
amount_add(Amount *a, Amount b)
{
	Amount		sum = wide_add(*a, b);

	if (amount_is_negative(*a) == amount_is_negative(b) && amount_is_negative(sum) != amount_is_negative(b))
		return false;
	*a = sum;
	return true;
}

/*
 * The amount of a value, as float8 is shown: what 15 digits say, or all of the whole
 * number where it has more, to the billionth.  Digits after those are noise of the float8.
 * False if the value is not finite or too large.
 */
static inline bool
amount_from_float8(double value, Amount *a)
{
	double		size = fabs(value);
	double		scale = AMOUNT_UNIT;
	uint64		rest = 1;

	if (!(size < AMOUNT_LIMIT))
		return false;
	for (; size * scale >= 1e15 && scale > 1; scale /= 10)
		rest *= 10;
	*a = wide_multiply((uint64) rint(size * scale), rest);
	if (value < 0)
		*a = amount_negate(*a);
	return true;
}

/* The float8 nearest to an amount, but for an error in the last bit of large ones. */
static inline double
amount_to_float8(Amount a)
{
	bool		negative = amount_is_negative(a);
	Amount		size = negative ? amount_negate(a) : a;
	double		value = ((double) size.high * 18446744073709551616.0 + (double) size.low) / AMOUNT_UNIT;

	return negative ? -value : value;
}

#endif							/* CJM_AMOUNT_H */
