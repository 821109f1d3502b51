/*
 * funnel/engine_reached.c: when a customer first came as deep as each stage.
 *
 * The winning walk ends as early as any walk of its depth, so its end is when
 * that depth was reached; what lies before that time has a winning walk of its
 * own, which is less deep, and so on down to the first stage.  The engine is run
 * once for each depth at most, on ever fewer touchpoints.
 */
#include "funnel/engine_internal.h"

/*
 * funnel_reached tells when each stage was first the deepest one, in at, and
 * returns which stages ever were: at is not set for the others.  Several may
 * have been reached at one time.
 */
uint64
funnel_reached(const FunnelRules *rules, FunnelEntry entry, const FunnelTouch *touches, size_t count, int64 *at)
{
	uint64		stages = 0;
	FunnelWalk	walk;

	if (count == 0)
		return 0;
	funnel_walk(rules, entry, touches, count, &walk);
	while (walk.step > 0)
	{
		int64		end = walk.at[walk.step - 1];
		uint64		passed = walk.passed;
		int			step = walk.step;

		count = find_time(touches, count, end);
		walk.step = 0;
		if (count > 0)
			funnel_walk(rules, entry, touches, count, &walk);
		/* What it passed earlier was as deep as it could be then already. */
		for (int stage = walk.step; stage < step; stage++)
			if (passed & STAGE_BIT(stage))
			{
				at[stage] = end;
				stages |= STAGE_BIT(stage);
			}
	}
	return stages;
}
