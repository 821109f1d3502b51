/*
 * funnel/stats_expanded.h: a funnel_stats in memory, for the fmgr files.
 */
#ifndef CJM_FUNNEL_STATS_EXPANDED_H
#define CJM_FUNNEL_STATS_EXPANDED_H

#include "funnel/argument.h"

#include "funnel/stats.h"
#include "utils/expandeddatum.h"

typedef struct ExpandedStats ExpandedStats;

extern ExpandedStats *expanded_stats_new(MemoryContext aggregate, const uint8 *funnel, size_t size,
										 const FunnelDef *def);
extern ExpandedStats *expanded_stats_copy(MemoryContext aggregate, const FunnelStats *from);
extern ExpandedStats *expanded_stats_own(Datum value, MemoryContext aggregate);
extern Datum expanded_stats_datum(ExpandedStats *object);

/* The only ways to an object's stats: they keep its memory context and its flat form in step. */
extern const FunnelStats *expanded_stats_read(const ExpandedStats *object);
extern void expanded_stats_add(ExpandedStats *object, const FunnelWalk *walk);
extern void expanded_stats_merge(ExpandedStats *object, const FunnelStats *from);

/* Any funnel_stats argument, flat or expanded, for reading. */
extern const FunnelStats *funnel_stats_open_datum(Datum value);
extern void funnel_stats_require(const FunnelStats *stats, const uint8 *funnel, size_t size);
extern struct varlena *funnel_stats_flat(const FunnelStats *stats);

#endif							/* CJM_FUNNEL_STATS_EXPANDED_H */
