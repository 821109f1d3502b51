/*
 * glue.h: what the fmgr files share.
 */
#ifndef CJM_GLUE_H
#define CJM_GLUE_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "fmgr.h"
#include "funnel_def.h"
#include "funnel_match.h"
#include "journey_builder.h"
#include "pure.h"
#include "utils/timestamp.h"

#include "compat.h"

extern void cjm_report(const CjmError *error) pg_attribute_noreturn();
extern bool cjm_report_soft(const CjmError *error, Node *escontext);

/* Opening arguments; they detoast into the current memory context. */
extern void journey_open_datum(Datum value, JourneyView *view);
extern void journey_open_head(Datum value, JourneyView *view);
extern void funnel_open_datum(Datum value, FunnelDef *def);
extern FunnelMatcher *funnel_matcher_cached(FunctionCallInfo fcinfo, Datum funnel);
extern FunnelMatcher *funnel_matcher_argument(FunctionCallInfo fcinfo, int argument, bool *constant);
extern void **funnel_call_extra(FunctionCallInfo fcinfo);
extern FunnelEntry funnel_entry(Datum range);
extern bool by_channel_argument(text *by);
extern int64 interval_microseconds(const Interval *interval, const char *name);

/* Making results in the current memory context. */
extern TupleDesc result_row(FunctionCallInfo fcinfo);
extern TupleDesc result_row_looked_up(FunctionCallInfo fcinfo);
extern TupleDesc funnel_result_row(FunctionCallInfo fcinfo);
extern Datum journey_from_builder(const JourneyBuilder *builder, bool distinct);
extern struct varlena *bytes_to_varlena(const void *bytes, size_t size);
extern Datum label_to_datum(Label label);
extern Datum *label_datums(const JourneyLabels *labels);
extern Interval *interval_from_microseconds(uint64 microseconds);

/* Where the states of an aggregate live, and those that are expanded objects. */
extern MemoryContext aggregate_context(FunctionCallInfo fcinfo);
extern MemoryContext aggregate_objects(MemoryContext aggregate);
extern bool aggregate_argument_constant(FunctionCallInfo fcinfo, int n);

/* The label that a text argument holds; points into it or its detoasted copy. */
static inline Label
label_from_text(const text *value)
{
	return (Label) {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};
}

#endif							/* CJM_GLUE_H */
