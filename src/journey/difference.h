/*
 * journey/difference.h: one journey without another.
 */
#ifndef CJM_JOURNEY_DIFFERENCE_H
#define CJM_JOURNEY_DIFFERENCE_H

#include "journey/format.h"

extern bool journey_take(const JourneyView *view, const JourneyView *taken, bool *gone, CjmError *error);

#endif							/* CJM_JOURNEY_DIFFERENCE_H */
