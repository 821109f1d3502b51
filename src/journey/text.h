/*
 * journey/text.h: a journey as text.
 *
 *	{2026-01-31T09:30:00Z view@email, 2026-01-31T09:31:12.5Z "add to cart"@email=19.9}
 */
#ifndef CJM_JOURNEY_TEXT_H
#define CJM_JOURNEY_TEXT_H

#include "journey/builder.h"

extern bool journey_parse(const char *text, size_t size, int encoding, JourneyBuilder **builder, CjmError *error);
extern void journey_print(StringInfo out, const JourneyView *view);
extern void number_print(StringInfo out, double value);

#endif							/* CJM_JOURNEY_TEXT_H */
