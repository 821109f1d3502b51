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

/*
 * Columns are written from the front by stores of eight bytes, of which the
 * next one overwrites what is too much; so many bytes follow a value's end.
 */
#define JOURNEY_STORE_SLACK 8

typedef struct LabelShape
{
	uint32		count;
	uint64		size;			/* bytes of the dictionary */
	int			width;			/* bytes of an entry of the column; 0 if there are no labels */
} LabelShape;

/* All that decides how long the columns of a journey are; count is not 0. */
typedef struct JourneyShape
{
	uint32		count;			/* touchpoints */
	uint32		nvalues;		/* of which have a value */
	int64		first;			/* time, in microseconds */
	int			unit;			/* by its code */
	int			time_width;		/* bytes of an offset */
	LabelShape	events;
	LabelShape	channels;
	LabelShape	sessions;
} JourneyShape;

/* The smallest width, 1, 2 or 4 bytes, that holds max. */
static inline int
journey_id_width(uint32 max)
{
	return max <= 0xff ? 1 : max <= 0xffff ? 2 : 4;
}

extern uint64 journey_size(const JourneyShape *shape);
extern uint8 *journey_store_header(uint8 *p, const JourneyShape *shape);

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
