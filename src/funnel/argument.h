/*
 * funnel/argument.h: funnels on their way into fmgr functions.
 */
#ifndef CJM_FUNNEL_ARGUMENT_H
#define CJM_FUNNEL_ARGUMENT_H

#include "journey/argument.h"

#include "funnel/match.h"

/* It detoasts into the current memory context. */
extern void funnel_open_datum(Datum value, FunnelDef *def);
extern FunnelEntry funnel_entry(Datum range);

/* What stays with the call site; a function that uses these keeps nothing else in fn_extra. */
extern FunnelMatcher *funnel_matcher_cached(FunctionCallInfo fcinfo, Datum funnel);
extern FunnelMatcher *funnel_matcher_argument(FunctionCallInfo fcinfo, int argument, bool *constant);
extern FunnelMatcher *funnel_matcher_other(FunctionCallInfo fcinfo, Datum funnel);
extern void **funnel_call_extra(FunctionCallInfo fcinfo);
extern TupleDesc funnel_result_row(FunctionCallInfo fcinfo);

#endif							/* CJM_FUNNEL_ARGUMENT_H */
