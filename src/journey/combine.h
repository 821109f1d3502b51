/*
 * journey/combine.h: sums and differences of journeys.
 */
#ifndef CJM_JOURNEY_COMBINE_H
#define CJM_JOURNEY_COMBINE_H

#include "journey/format.h"

extern uint8 *journey_append(const JourneyView *a, const JourneyView *b, size_t header, size_t *size);
extern uint8 *journey_combine(const JourneyView *a, const JourneyView *b, const JourneyView *taken, size_t header, size_t *size, CjmError *error);

#endif							/* CJM_JOURNEY_COMBINE_H */
