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

/*
 * The same of a funnel whose rules say apart: so many feeds by value and first
 * stage.  Values are the caller's numbers, small ones since there is a place for
 * each; the feeds of those that have not been met since the session began are as
 * the one of no value.
 */
typedef struct ApartFeed
{
	const FunnelRules *rules;
	int			nparts;			/* first stages */
	FunnelRules *parts;			/* the rules from each on, which lie no further apart */
	bool		begun;
	int64		last;			/* the time of the last touchpoints, if there were some */
	uint32		session;		/* and the session that they name */
	uint32		capacity;
	uint32		nvalues;		/* those that have feeds */
	uint32	   *values;			/* which they are; the first is none */
	FunnelFeed **feeds;			/* by value, for each part; NULL: not met */
} ApartFeed;

extern ApartFeed *apart_feed_start(const FunnelRules *rules);
extern void apart_feed_group(ApartFeed *feed, const FunnelTouch *touches, size_t count, FunnelEnd *ends);

extern bool funnel_feed_supported(const FunnelRules *rules, CjmError *error);
extern void funnel_feed_start(FunnelFeed *feed, const FunnelRules *rules);
extern void funnel_feed_group(FunnelFeed *feed, const FunnelTouch *touches, size_t count, FunnelEnd *ends);

#endif							/* CJM_FUNNEL_FEED_H */
