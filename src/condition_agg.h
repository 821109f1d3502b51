/*
 * condition_agg.h: what aggregates whose state is a ConditionLog share.
 *
 * A transition function reads its conditions by conditions_argument, sees to
 * it that the head of the log is that of the rows before (logs of a call site
 * share their head as long as it is the same), and hands the row to
 * condition_agg_add, or to condition_agg_pass_over if its answer can do without
 * the row; the rest is in condition_agg.c, and in SQL
 * condition_agg_serialize and condition_agg_deserialize serve all of them.
 */
#ifndef CJM_CONDITION_AGG_H
#define CJM_CONDITION_AGG_H

#include "glue.h"

#include "condition_log.h"

/* More conditions than these words hold are palloc'd. */
#define CONDITIONS_ROOM 8

/* The conditions of one row; it must not be copied, bits may point into it. */
typedef struct Conditions
{
	uint32		count;
	uint64	   *bits;			/* CONDITION_WORDS(count) of them */
	uint64		room[CONDITIONS_ROOM];
} Conditions;

/* Fails, by ereport, if the heads of two logs of one group differ. */
typedef void (*ConditionHeadCheck) (const ConditionHead *a, const ConditionHead *b);

extern bool conditions_argument(FunctionCallInfo fcinfo, int n, Conditions *conditions);
extern bool conditions_any(const Conditions *conditions);
extern Datum condition_agg_return(FunctionCallInfo fcinfo, ConditionLog *log);
extern ConditionLog *condition_agg_create(FunctionCallInfo fcinfo, const ConditionHead **shared, uint32 nconditions,
										  const void *bytes, size_t size, size_t room);
extern Datum condition_agg_add(ConditionLog *log, int64 at, const Conditions *conditions);
extern Datum condition_agg_pass_over(ConditionLog *log, int64 at, const Conditions *conditions);
extern Datum condition_agg_combine(FunctionCallInfo fcinfo, ConditionHeadCheck check);

/*
 * The state that argument n is; NULL for none yet.  With many groups no state is
 * in the processor's cache, and most of a row's time is waiting for it: so it is
 * asked for here, with the line after it, and comes while the row is read.
 * Nobody but an aggregate has a state to call with.
 */
static inline void *
aggregate_state(FunctionCallInfo fcinfo, int n)
{
	char	   *state = PG_ARGISNULL(n) ? NULL : (char *) PG_GETARG_POINTER(n);

	if (unlikely(state == NULL))
	{
		aggregate_context(fcinfo);
		return NULL;
	}
	cjm_prefetch(state);
	cjm_prefetch(state + 64);
	return state;
}

#endif							/* CJM_CONDITION_AGG_H */
