/*
 * funnel/cohort_state.h: what the aggregates over cohorts share: their states, and
 * the periods that people ask for.
 */
#ifndef CJM_COHORT_STATE_H
#define CJM_COHORT_STATE_H

#include "funnel/argument.h"

#include "base/calendar.h"
#include "funnel/cohort_table.h"

/* The periods of a question. */
typedef struct CohortPeriods
{
	const CalendarUnit *unit;	/* of cohorts */
	int64		length;			/* of a period that runs from a customer's own start, in microseconds; 0: as the calendar has it */
} CohortPeriods;

extern CohortPeriods cohort_periods(text *period, text *week_starts, bool rolling);
extern CohortTable *cohort_state(FunctionCallInfo fcinfo, int argument);
extern CohortTable *cohort_own_state(FunctionCallInfo fcinfo, int argument, bool has_money);
extern Datum cohort_return(CohortTable *table, const CjmError *error);
extern void cohort_seen(CohortTable *table, const JourneyView *view);
extern bool cohort_number_possible(const CalendarUnit *unit, int number);

#endif							/* CJM_COHORT_STATE_H */
