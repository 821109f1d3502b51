/*
 * journey/internal.h: what the reader, the writer and the validator of the
 * journey format share.
 */
#ifndef CJM_JOURNEY_INTERNAL_H
#define CJM_JOURNEY_INTERNAL_H

#include "journey/format.h"

#include <math.h>

/* Bits of header byte 2. */
#define VALUES_BIT 0x10
#define BITMAP_BIT 0x20

/* By the code of header byte 1. */
static const int64 unit_microseconds[] = {1, 1000, 1000000, 60000000};

/* NULL first, then numbers in order, then NaN, as float8 sorts. */
static inline int
value_compare(bool a_set, double a, bool b_set, double b)
{
	if (!a_set || !b_set)
		return (int) a_set - (int) b_set;
	if (isnan(a) || isnan(b))
		return (isnan(a) ? 1 : 0) - (isnan(b) ? 1 : 0);
	return (a > b) - (a < b);
}

/* The canonical order, for ids that rise with the bytes of their labels. */
static inline int
touch_compare(const Touch *a, const Touch *b)
{
	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	if (a->event != b->event)
		return a->event < b->event ? -1 : 1;
	if (a->channel != b->channel)
		return a->channel < b->channel ? -1 : 1;
	if (a->session != b->session)
	{
		int			order = value_compare(a->has_value, a->value, b->has_value, b->value);

		return order != 0 ? order : a->session < b->session ? -1 : 1;
	}
	return value_compare(a->has_value, a->value, b->has_value, b->value);
}

#endif							/* CJM_JOURNEY_INTERNAL_H */
