/*
 * funnel/feed.h: the ordered funnel engine, fed one time after the other.
 *
 * For who sees the touchpoints of a customer in time order, keeps none of them
 * and wants to know of each how far it brought the customer.
 */
#ifndef CJM_FUNNEL_FEED_H
#define CJM_FUNNEL_FEED_H

#include "funnel/engine_internal.h"

/* All that is remembered of a customer. */
typedef struct FunnelFeed
{
	const FunnelRules *rules;
	RuledState	state;
} FunnelFeed;

/* The deepest walk that ends with a touchpoint, and of those the latest start. */
typedef struct FunnelEnd
{
	int			step;			/* 0: no walk ends with it */
	int64		start;			/* set if there is one */
} FunnelEnd;

extern bool funnel_feed_supported(const FunnelRules *rules, CjmError *error);
extern void funnel_feed_start(FunnelFeed *feed, const FunnelRules *rules);
extern void funnel_feed_group(FunnelFeed *feed, const FunnelTouch *touches, size_t count, FunnelEnd *ends);

#endif							/* CJM_FUNNEL_FEED_H */
