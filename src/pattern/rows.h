/*
 * pattern/rows.h: a journey as the rows that a named pattern reads.
 */
#ifndef CJM_PATTERN_JOURNEY_H
#define CJM_PATTERN_JOURNEY_H

#include "journey/format.h"
#include "pattern/pattern.h"

extern bool pattern_journey_rows(const Pattern *pattern, const PatternProgram *program,
								 const JourneyView *view, ConditionRows *rows);

#endif							/* CJM_PATTERN_JOURNEY_H */
