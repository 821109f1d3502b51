/*
 * funnel/periods.h: from when to when a customer stood at each stage.
 */
#ifndef CJM_FUNNEL_PERIODS_H
#define CJM_FUNNEL_PERIODS_H

#include "funnel/engine.h"

#define FUNNEL_MAX_PERIODS (FUNNEL_MAX_STAGES + 1)

/* What a time means that does not come. */
#define FUNNEL_NEVER PG_INT64_MAX

/*
 * A customer stands at the deepest stage that any walk so far has ended with.
 * The periods of a customer follow each other without a gap: from the beginning
 * of time, before the first stage, to its end.
 */
typedef struct FunnelPeriod
{
	int			step;			/* 0: before the first stage */
	int64		from;			/* included */
	int64		to;				/* excluded; from: a deeper stage was reached at the same time */
	bool		goes_on;		/* is there a mandatory stage to go on to? */
	int64		went_on_at;		/* when it was reached, or FUNNEL_NEVER */
} FunnelPeriod;

extern int	funnel_periods(const FunnelRules *rules, FunnelEntry entry,
						   const FunnelTouch *touches, size_t count, FunnelPeriod *periods);
extern int	funnel_completed_stage(const FunnelRules *rules);

#endif							/* CJM_FUNNEL_PERIODS_H */
