/*
 * journey/builder.h: the one growable buffer of touchpoints.
 *
 * Every journey is made here, whether from rows, from text, from JSON, from
 * other journeys or from bytes off the wire: touchpoints are added in any
 * order, then written by builder_encode.
 */
#ifndef CJM_JOURNEY_BUILDER_H
#define CJM_JOURNEY_BUILDER_H

#include "journey/format.h"

typedef struct JourneyBuilder
{
	uint32		size;			/* bytes of log in use */
	uint32		capacity;		/* bytes of log */
	uint32		count;			/* touchpoints */
	bool		whole;			/* the log is the bytes of one journey, as they are */
	LabelPool  *pool;			/* of its events, channels and sessions; NULL: none yet */
	int64		last_at;		/* time of the touchpoint added last */
	uint8		log[FLEXIBLE_ARRAY_MEMBER];
} JourneyBuilder;

#define NO_LABEL ((Label) {NULL, 0})

extern JourneyBuilder *builder_create(LabelPool *shared);
extern JourneyBuilder *builder_of_journey(const uint8 *bytes, size_t size, uint32 count);
extern void builder_free(JourneyBuilder *builder);
extern bool builder_add(JourneyBuilder **builder, int64 at, Label event, Label channel, Label session,
						bool has_value, double value, CjmError *error);
extern bool builder_add_view(JourneyBuilder **builder, const JourneyView *view,
							 uint32 from, uint32 to, CjmError *error);
extern bool builder_add_builder(JourneyBuilder **builder, const JourneyBuilder *other, CjmError *error);
extern uint8 *builder_encode(const JourneyBuilder *builder, bool distinct, size_t header, size_t *size, CjmError *error);

#endif							/* CJM_JOURNEY_BUILDER_H */
