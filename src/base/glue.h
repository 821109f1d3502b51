/*
 * base/glue.h: what all fmgr files share and what knows no type of ours.
 */
#ifndef CJM_GLUE_H
#define CJM_GLUE_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "base/label.h"
#include "fmgr.h"
#include "utils/timestamp.h"

#include "base/compat.h"

pg_noreturn extern void cjm_report(const CjmError *error);
pg_noreturn extern void cjm_report_stored(const CjmError *error);
extern bool cjm_report_soft(const CjmError *error, Node *escontext);

extern int64 interval_microseconds(const Interval *interval, const char *name);

/* Making results in the current memory context. */
extern TupleDesc result_row(FunctionCallInfo fcinfo);
extern TupleDesc result_row_looked_up(FunctionCallInfo fcinfo);
extern void start_rows(FunctionCallInfo fcinfo);
extern struct varlena *bytes_to_varlena(const void *bytes, size_t size);
extern Datum label_to_datum(Label label);
extern Interval *interval_from_microseconds(uint64 microseconds);

/* Where the states of an aggregate live, and those that are expanded objects. */
extern MemoryContext aggregate_context(FunctionCallInfo fcinfo);
extern MemoryContext aggregate_objects(MemoryContext aggregate);
extern bool aggregate_argument_constant(FunctionCallInfo fcinfo, int n);

/* The state that argument n is; NULL for none yet.  Nobody but an aggregate has a state to call with. */
static inline void *
aggregate_state(FunctionCallInfo fcinfo, int n)
{
	void	   *state = PG_ARGISNULL(n) ? NULL : PG_GETARG_POINTER(n);

	if (unlikely(state == NULL))
		aggregate_context(fcinfo);
	return state;
}

/* The label that a text argument holds; points into it or its detoasted copy. */
static inline Label
label_from_text(const text *value)
{
	return (Label) {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};
}

#endif							/* CJM_GLUE_H */
