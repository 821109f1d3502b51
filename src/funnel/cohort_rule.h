/*
 * funnel/cohort_rule.h: what a report of retention asks of each customer.
 */
#ifndef CJM_COHORT_RULE_H
#define CJM_COHORT_RULE_H

#include "funnel/cohort_state.h"

/* The arguments of a question, from the first of them on; all but the funnels are those of cohort_cells, too. */
enum
{
	RULE_PERIOD,
	RULE_TIME_ZONE,
	RULE_WEEK_STARTS,
	RULE_BRACKETS,
	RULE_KIND,
	RULE_STARTS,
	RULE_EVERY_START,
	RULE_RETURNS,
	RULE_AT_LEAST,
	RULE_PURCHASE,
	RULE_REFUNDS,
	RULE_ARGUMENTS
};

typedef struct CohortRule
{
	CohortPeriods periods;
	text	   *time_zone;
	int			nbrackets;		/* 0: each period is one */
	int32	   *brackets;		/* the number of the period that each begins with, ascending; the last one has no end */
	bool		or_after;		/* who is seen later is retained, too */
	bool		every_start;	/* cohorts of all periods in which a customer started, not of the first alone */
	int64		at_least;		/* returns */
	FunnelMatcher *starts;		/* NULL: any touchpoint */
	FunnelMatcher *returns;
	FunnelMatcher *purchase;	/* NULL: no money */
	FunnelMatcher *refunds;
} CohortRule;

extern void cohort_rule_read(FunctionCallInfo fcinfo, int from, int arguments, CohortRule *rule);
extern int	cohort_rule_cell(const CohortRule *rule, uint64 number);

#endif							/* CJM_COHORT_RULE_H */
