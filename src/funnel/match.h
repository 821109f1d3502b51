/*
 * funnel/match.h: a funnel definition made ready to be asked of journeys and rows.
 */
#ifndef CJM_FUNNEL_MATCH_H
#define CJM_FUNNEL_MATCH_H

#include "funnel/definition.h"
#include "funnel/engine.h"
#include "journey/format.h"

typedef struct FunnelMatcher FunnelMatcher;

extern FunnelMatcher *funnel_matcher(const FunnelDef *def);
extern const FunnelRules *funnel_matcher_rules(const FunnelMatcher *matcher);
extern bool funnel_matcher_asks_channel(const FunnelMatcher *matcher);
extern uint64 funnel_match_start(FunnelMatcher *matcher, const JourneyView *view);
extern uint64 funnel_match_stages(const FunnelMatcher *matcher, const JourneyView *view, uint32 i);
extern size_t funnel_match_touches(FunnelMatcher *matcher, const JourneyView *view, const FunnelTouch **touches);
extern size_t funnel_match_numbered(FunnelMatcher *matcher, const JourneyView *view, const FunnelTouch **touches,
									uint32 **numbers);
extern void funnel_match_journey(FunnelMatcher *matcher, const JourneyView *view, FunnelEntry entry,
								 FunnelWalk *walk);
extern size_t funnel_match_conversions(FunnelMatcher *matcher, const JourneyView *view, uint32 **conversions);
extern FunnelTouch funnel_match_row(const FunnelMatcher *matcher, int64 at, Label event, Label channel);

#endif							/* CJM_FUNNEL_MATCH_H */
