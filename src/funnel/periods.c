/*
 * funnel/periods.c: cuts the time of a customer by stages, see funnel/periods.h.
 */
#include "funnel/periods.h"

/* The first mandatory stage from one on, or -1. */
static int
mandatory_from(const FunnelRules *rules, int stage)
{
	while (stage < rules->nstages && (rules->optional >> stage & 1))
		stage++;
	return stage < rules->nstages ? stage : -1;
}

/* The stage at which the funnel is completed, from 0. */
int
funnel_completed_stage(const FunnelRules *rules)
{
	int			stage = rules->nstages - 1;

	while (rules->optional >> stage & 1)
		stage--;
	return stage;
}

/* Writes the periods by step, FUNNEL_MAX_PERIODS at most; returns how many. */
int
funnel_periods(const FunnelRules *rules, FunnelEntry entry,
			   const FunnelTouch *touches, size_t count, FunnelPeriod *periods)
{
	int64		at[FUNNEL_MAX_STAGES];
	uint64		stages = funnel_reached(rules, entry, touches, count, at);
	int			nperiods = 0;

	for (int stage = -1; stage < rules->nstages; stage++)
	{
		FunnelPeriod *period = &periods[nperiods];
		int			next = mandatory_from(rules, stage + 1);

		if (stage >= 0 && !(stages >> stage & 1))
			continue;
		period->step = stage + 1;
		period->from = stage < 0 ? PG_INT64_MIN : at[stage];
		period->to = FUNNEL_NEVER;
		period->goes_on = next >= 0;
		period->went_on_at = next >= 0 && (stages >> next & 1) ? at[next] : FUNNEL_NEVER;
		if (nperiods++ > 0)
			period[-1].to = period->from;
	}
	return nperiods;
}
