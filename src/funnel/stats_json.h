/*
 * funnel/stats_json.h: a funnel_stats as JSON.
 */
#ifndef CJM_FUNNEL_STATS_JSON_H
#define CJM_FUNNEL_STATS_JSON_H

#include "base/glue.h"

#include "funnel/stats.h"
#include "utils/jsonb.h"

extern void funnel_stats_print_json(StringInfo out, const FunnelStats *stats);
extern bool funnel_stats_read_json(Jsonb *json, FunnelStats *stats, CjmError *error);

#endif							/* CJM_FUNNEL_STATS_JSON_H */
