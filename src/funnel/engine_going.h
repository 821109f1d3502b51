/*
 * funnel/engine_going.h: whether walks that have begun may still go on, asked at one
 * time after the other.
 */
#ifndef CJM_FUNNEL_ENGINE_GOING_H
#define CJM_FUNNEL_ENGINE_GOING_H

#include "funnel/engine_internal.h"

/* What the touchpoints before next, which are whole times, have come to. */
typedef struct FunnelGoing
{
	const FunnelRules *rules;
	FunnelEntry entry;
	const FunnelTouch *touches;
	size_t		next;
	bool		begun;			/* of plain funnels: can a walk begin with one of them? */
	int64		start;			/* when the last that does is */
	RuledState	state;			/* of others that are ordered: walks under way */
	RuledState	before;			/* those before the last time */
	bool		ended;			/* did some come to a stage, not the last, at that time? */
} FunnelGoing;

/* funnel/engine_follow.c */
extern void follow_start(FunnelGoing *going, const FunnelRules *rules, FunnelEntry entry, const FunnelTouch *touches);
extern void follow_until(FunnelGoing *going, size_t count);
extern bool follow_at(const FunnelGoing *going, int64 now);

/* funnel/engine_going.c */
extern void funnel_going_start(FunnelGoing *going, const FunnelRules *rules, FunnelEntry entry, const FunnelTouch *touches);
extern void funnel_going_until(FunnelGoing *going, size_t count);
extern bool funnel_going_at(const FunnelGoing *going, int64 now);
extern bool funnel_goes_on(const FunnelRules *rules, FunnelEntry entry, const FunnelTouch *touches, size_t count, int64 now);
extern int64 funnel_walk_began(const FunnelWalk *walk);

#endif							/* CJM_FUNNEL_ENGINE_GOING_H */
