/*
 * journey/argument.h: journeys on their way into fmgr functions and out of them.
 */
#ifndef CJM_JOURNEY_ARGUMENT_H
#define CJM_JOURNEY_ARGUMENT_H

#include "base/glue.h"

#include "journey/builder.h"
#include "utils/array.h"

/* Opening arguments; they detoast into the current memory context. */
extern void journey_open_datum(Datum value, JourneyView *view);
extern void journey_open_head(Datum value, JourneyView *view);
extern bool by_channel_argument(text *by);
extern Label *label_list(ArrayType *array, uint32 *count);

/* Making results in the current memory context. */
extern Datum journey_from_builder(const JourneyBuilder *builder, bool distinct);
extern Datum *label_datums(const JourneyLabels *labels);

#endif							/* CJM_JOURNEY_ARGUMENT_H */
