/*
 * base/wide.h: unsigned 128-bit integers.
 *
 * Sums of microseconds over any number of customers, exact.  Two 64-bit words
 * instead of a compiler's own type, so that every platform has them.
 */
#ifndef CJM_WIDE_H
#define CJM_WIDE_H

#include "base/pure.h"

typedef struct Wide
{
	uint64		low;
	uint64		high;
} Wide;

/* Decimal digits of the greatest Wide, and the terminating zero. */
#define WIDE_TEXT_SIZE 40

static inline int
wide_compare(Wide a, Wide b)
{
	if (a.high != b.high)
		return a.high < b.high ? -1 : 1;
	return (a.low > b.low) - (a.low < b.low);
}

/* a + b; the caller knows that it fits. */
static inline Wide
wide_add(Wide a, Wide b)
{
	Wide		sum = {a.low + b.low, a.high + b.high};

	sum.high += sum.low < a.low;
	return sum;
}

static inline Wide
wide_multiply(uint64 a, uint64 b)
{
	uint64		a0 = (uint32) a,
				a1 = a >> 32,
				b0 = (uint32) b,
				b1 = b >> 32;
	uint64		middle = a1 * b0 + (a0 * b0 >> 32);
	uint64		cross = a0 * b1 + (uint32) middle;

	return (Wide) {cross << 32 | (uint32) (a0 * b0), a1 * b1 + (middle >> 32) + (cross >> 32)};
}

/* a / b rounded down; b is not 0.  Bit by bit: for reports, not for rows. */
static inline Wide
wide_divide(Wide a, uint64 b, uint64 *remainder)
{
	Wide		quotient = {0, 0};
	uint64		rest = 0;

	for (int i = 127; i >= 0; i--)
	{
		uint64		bit = (i >= 64 ? a.high >> (i - 64) : a.low >> i) & 1;
		bool		carry = rest >> 63;

		rest = rest << 1 | bit;
		quotient.high = quotient.high << 1 | quotient.low >> 63;
		quotient.low <<= 1;
		if (carry || rest >= b)
		{
			rest -= b;
			quotient.low |= 1;
		}
	}
	*remainder = rest;
	return quotient;
}

/* Writes a in decimal into the end of buffer; returns where it begins. */
static inline char *
wide_print(Wide a, char buffer[WIDE_TEXT_SIZE])
{
	char	   *p = buffer + WIDE_TEXT_SIZE - 1;

	*p = '\0';
	do
	{
		uint64		digit;

		a = wide_divide(a, 10, &digit);
		*--p = (char) ('0' + digit);
	} while (a.low != 0 || a.high != 0);
	return p;
}

/* Reads decimal digits and nothing else; false if there is more or it does not fit. */
static inline bool
wide_parse(const char *text, Wide *a)
{
	Wide		value = {0, 0};

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++)
	{
		Wide		high = wide_multiply(value.high, 10);

		if (*text < '0' || *text > '9' || high.high != 0)
			return false;
		value = wide_multiply(value.low, 10);
		if (value.high + high.low < high.low)
			return false;
		value.high += high.low;
		high = wide_add(value, (Wide) {(uint64) (*text - '0'), 0});
		if (wide_compare(high, value) < 0)
			return false;
		value = high;
	}
	*a = value;
	return true;
}

#endif							/* CJM_WIDE_H */
