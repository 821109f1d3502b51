/*
 * attribution/sums.h: what channels have earned by each model, over many
 * customers.
 */
#ifndef CJM_ATTRIBUTION_SUMS_H
#define CJM_ATTRIBUTION_SUMS_H

#include "attribution/models.h"

/*
 * A sum and what rounding has taken from it: twice the digits, so that the
 * order in which is added does not show in the result.
 */
typedef struct LongSum
{
	double		high;
	double		low;
} LongSum;

typedef struct ModelSums
{
	LongSum		conversions;
	LongSum		value;
	bool		has_value;
} ModelSums;

typedef struct ChannelSums
{
	Label		channel;		/* no bytes: none */
	ModelSums	models[ATTRIBUTION_MODELS];
} ChannelSums;

#define ATTRIBUTION_ALL_MODELS ((1U << ATTRIBUTION_MODELS) - 1)

typedef struct AttributionSums
{
	uint32		models;			/* bit i: model i is asked for; the others have nothing */
	uint32		count;			/* channels; the first is none */
	uint32		capacity;		/* a power of two */
	ChannelSums *channels;
	uint32	   *table;			/* twice the capacity: place of a channel by its hash, or 0 */
} AttributionSums;

extern void attribution_sums_init(AttributionSums *sums, uint32 models);
extern uint32 attribution_sums_place(AttributionSums *sums, Label channel);
extern void attribution_sums_merge(AttributionSums *sums, const AttributionSums *other);
extern uint32 *attribution_sums_order(const AttributionSums *sums);
extern void attribution_sums_encode(StringInfo out, const AttributionSums *sums);
extern bool attribution_sums_decode(const uint8 *bytes, size_t size, AttributionSums *sums, CjmError *error);

static inline void
long_sum_add(LongSum *sum, double number)
{
	double		total = sum->high + number;
	double		part = total - sum->high;

	/* What is lost of either; Knuth's. */
	sum->low += (sum->high - (total - part)) + (number - part);
	sum->high = total;
}

/* Adds another sum; of an infinite one what it has lost is no number. */
static inline void
long_sum_merge(LongSum *sum, LongSum other)
{
	long_sum_add(sum, other.high);
	if (other.high - other.high == 0)
		long_sum_add(sum, other.low);
}

/* An infinite sum has lost nothing that could be told. */
static inline double
long_sum(LongSum sum)
{
	double		total = sum.high + sum.low;

	return sum.high - sum.high == 0 ? total : sum.high;
}

#endif							/* CJM_ATTRIBUTION_SUMS_H */
