/*
 * funnel/stats.h: what customers did in one funnel.
 *
 * A FunnelStats knows its funnel and adds up winning walks.  Sums and counts
 * are integers, so that any order of adding and merging gives the same stats
 * and the same bytes.
 */
#ifndef CJM_FUNNEL_STATS_H
#define CJM_FUNNEL_STATS_H

#include "funnel/definition.h"
#include "funnel/engine.h"
#include "statistics/histogram.h"

#define FUNNEL_STATS_FORMAT_VERSION 2
#define FUNNEL_STATS_FORMAT_FIRST 1	/* of funnels whose walks all begin at the first step */

/* Customers that all counts together may be. */
#define FUNNEL_STATS_MAX_CUSTOMERS ((uint64) PG_INT64_MAX)

/*
 * What is known of one step, indexed from 0.  The first step has no times.
 * The total of the second is its time, so it is not kept twice.
 */
typedef struct StepStats
{
	uint64		customers;		/* whose winning walk holds the stage */
	uint64		entered;		/* of them, those whose walk begins there; see funnel_stats_entered */
	Histogram	time;			/* since the touchpoint before in the walk */
	Histogram	total;			/* since the first of the walk; from index 2 */
} StepStats;

typedef struct FunnelStats
{
	const uint8 *funnel;		/* the definition, as funnel_encode writes it */
	uint32		funnel_size;
	int			nsteps;
	bool		from_any;		/* a walk may begin at any step */
	uint64		optional;		/* bit i: step i + 1 is an optional stage */
	uint64		customers;		/* all that were seen, also those at step 0 */
	StepStats  *steps;
} FunnelStats;

/*
 * Memory: everything is palloc'd in the context that is current when it is
 * needed; who keeps a FunnelStats switches to its context before changing it.
 */
extern void funnel_stats_init(FunnelStats *stats, const uint8 *funnel, size_t size, const FunnelDef *def);
extern bool funnel_stats_add_seen(FunnelStats *stats, uint64 customers, CjmError *error);
extern bool funnel_stats_add(FunnelStats *stats, const FunnelWalk *walk, CjmError *error);
extern bool funnel_stats_merge(FunnelStats *to, const FunnelStats *from, CjmError *error);
extern void funnel_stats_copy(FunnelStats *to, const FunnelStats *from);
extern bool funnel_stats_check(const FunnelStats *stats, CjmError *error);

extern void funnel_stats_encode(StringInfo out, const FunnelStats *stats);
extern void funnel_stats_encode_counts(StringInfo out, const FunnelStats *stats);
extern bool funnel_stats_decode(const uint8 *bytes, size_t size, FunnelStats *stats, CjmError *error);
extern bool funnel_stats_decode_counts(const uint8 *bytes, size_t size, FunnelStats *stats, CjmError *error);

/* Reading. */
extern void funnel_stats_definition(const FunnelStats *stats, FunnelDef *def);
extern bool funnel_stats_differ(const FunnelStats *stats, const uint8 *funnel, size_t size, CjmError *error);
extern int	funnel_stats_before(const FunnelStats *stats, int step);
extern int	funnel_stats_after(const FunnelStats *stats, int step);
extern const Histogram *funnel_stats_total(const FunnelStats *stats, int step);
extern void funnel_stats_step_name(StringInfo out, const FunnelDef *def, int step);
extern uint64 funnel_stats_percentile(const Histogram *histogram, uint64 count, int percent);
extern uint64 funnel_stats_mean(const Histogram *histogram, uint64 count);

/* The customers whose walk begins at a step: only where it may be any they are counted, and not those of the first. */
static inline uint64
funnel_stats_entered(const FunnelStats *stats, int step)
{
	return step == 0 ? stats->steps[0].customers : stats->steps[step].entered;
}

/* The customers who came to a step, from index 1, from one before. */
static inline uint64
funnel_stats_came(const FunnelStats *stats, int step)
{
	return stats->steps[step].customers - stats->steps[step].entered;
}

/* Whether these stats are of the funnel with these bytes; cheap, for every row. */
static inline bool
funnel_stats_is_of(const FunnelStats *stats, const uint8 *funnel, size_t size)
{
	return stats->funnel_size == size && memcmp(stats->funnel, funnel, size) == 0;
}

#endif							/* CJM_FUNNEL_STATS_H */
