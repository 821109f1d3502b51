/*
 * engine_oracle.h: the funnel rules by brute force, for small journeys.
 */
#ifndef CJM_ENGINE_ORACLE_H
#define CJM_ENGINE_ORACLE_H

#include "funnel/engine.h"

#define ORACLE_MAX_TOUCHES 12
#define ORACLE_MAX_SESSION 2

extern void oracle_walk(const FunnelRules *rules, FunnelEntry entry,
						const FunnelTouch *touches, int count, FunnelWalk *walk);
extern int64 oracle_conversions(const FunnelRules *rules, FunnelEntry entry,
								const FunnelTouch *touches, int count);
extern int	oracle_walks(const FunnelRules *rules, FunnelEntry entry, const FunnelTouch *touches, int count, FunnelWalk *walks);
extern void oracle_taken(const FunnelRules *rules, FunnelEntry entry,
						 const FunnelTouch *touches, int count, const FunnelWalk *walk, size_t *taken);
extern bool oracle_takes(const FunnelRules *rules, FunnelEntry entry,
						 const FunnelTouch *touches, int count, const FunnelWalk *walk, const size_t *taken);
extern bool oracle_open(const FunnelRules *rules, FunnelEntry entry,
						const FunnelTouch *touches, int count, int64 now);

#endif							/* CJM_ENGINE_ORACLE_H */
