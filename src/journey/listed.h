/*
 * journey/listed.h: which labels of a journey are in a list.
 */
#ifndef CJM_JOURNEY_LISTED_H
#define CJM_JOURNEY_LISTED_H

#include "journey/format.h"

extern bool journey_listed(const JourneyLabels *labels, const Label *list, uint32 count, bool *listed, CjmError *error);

#endif							/* CJM_JOURNEY_LISTED_H */
