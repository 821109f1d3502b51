/*
 * journey/combine.h: sums and differences of journeys.
 */
#ifndef CJM_JOURNEY_COMBINE_H
#define CJM_JOURNEY_COMBINE_H

#include "journey/format.h"

/* The dictionary of what two journeys have in a column, and where it has their labels. */
typedef struct MergedLabels
{
	uint32		count;
	uint32		size;
	const uint8 *dictionary;
	uint32		first;			/* place of the first label: an id is a place less that */
	const uint32 *places[2];	/* by the ids of each of both */
} MergedLabels;

extern uint8 *journey_append(const JourneyView *a, const JourneyView *b, const MergedLabels labels[3], size_t header, size_t *size);
extern uint8 *journey_combine(const JourneyView *a, const JourneyView *b, const JourneyView *taken, size_t header, size_t *size, CjmError *error);

#endif							/* CJM_JOURNEY_COMBINE_H */
