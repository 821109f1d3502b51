/*
 * condition_agg.h: what aggregates whose state is a ConditionLog share.
 *
 * A transition function reads its conditions by conditions_argument, sees to
 * it that the head of the log is that of the rows before, and hands the row to
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
typedef void (*ConditionHeadCheck) (const ConditionLog *a, const ConditionLog *b);

extern bool conditions_argument(FunctionCallInfo fcinfo, int n, Conditions *conditions);
extern bool conditions_any(const Conditions *conditions);
extern ConditionLog *condition_agg_state(FunctionCallInfo fcinfo, int n);
extern Datum condition_agg_return(FunctionCallInfo fcinfo, ConditionLog *log);
extern ConditionLog *condition_agg_create(FunctionCallInfo fcinfo, const Conditions *conditions,
										  const void *head, size_t head_size);
extern Datum condition_agg_add(ConditionLog *log, int64 at, const Conditions *conditions);
extern Datum condition_agg_pass_over(ConditionLog *log, int64 at, const Conditions *conditions);
extern Datum condition_agg_combine(FunctionCallInfo fcinfo, ConditionHeadCheck check);

#endif							/* CJM_CONDITION_AGG_H */
