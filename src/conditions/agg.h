/*
 * conditions/agg.h: what aggregates over conditions share, and those whose state
 * is a ConditionLog above all.
 *
 * Conditions are VARIADIC "any": each is an argument of its own, and PostgreSQL
 * makes no boolean[] of them, which took a fifth of a query's time.  What types
 * they have is looked up once for a call site (ConditionSite).
 *
 * A transition function reads its conditions by conditions_argument, sees to
 * it that the head of the log is that of the rows before (logs of a call site
 * share their head as long as it is the same), and hands the row to
 * condition_agg_add, or to condition_agg_pass_over if its answer can do without
 * the row; the rest is in conditions/agg.c, and in SQL
 * condition_agg_serialize and condition_agg_deserialize serve all of them.
 *
 * With many groups no state is in the processor's cache, and most of a row's
 * time is waiting for it.  So where nothing can differ from row to row, which
 * is usual, a row that the answer can do without leaves the state alone, and a
 * group gets a state with the first row that matters.
 */
#ifndef CJM_CONDITION_AGG_H
#define CJM_CONDITION_AGG_H

#include "base/glue.h"

#include "conditions/log.h"

/* More conditions than these words hold are palloc'd. */
#define CONDITIONS_ROOM 8

/* The conditions of one row; it must not be copied, bits may point into it. */
typedef struct Conditions
{
	uint32		count;
	uint64	   *bits;			/* CONDITION_WORDS(count) of them */
	uint64		room[CONDITIONS_ROOM];
} Conditions;

/* How the conditions of a call come. */
typedef enum ConditionForm
{
	CONDITIONS_NOT_SEEN,		/* all 0: conditions_argument looks */
	CONDITIONS_BOOLEAN,			/* as booleans, at most 64 */
	CONDITIONS_MIXED,			/* as booleans and literals without a type */
	CONDITIONS_ARRAY			/* as one array of booleans */
} ConditionForm;

/* What is known of the conditions of a call site; for its owner to keep, all 0 at first. */
typedef struct ConditionSite
{
	ConditionForm form;
	uint32		count;			/* of arguments */
	Oid		   *types;			/* of CONDITIONS_MIXED: BOOLOID, or what a literal comes as */
	int			head;			/* arguments 1 to this one make the head of the state; for the owner to set */
	bool		fixed;			/* neither these arguments nor the number of conditions can change */
} ConditionSite;

/* Fails, by ereport, if the heads of two logs of one group differ. */
typedef void (*ConditionHeadCheck) (const ConditionHead *a, const ConditionHead *b);

extern bool conditions_read(FunctionCallInfo fcinfo, int n, ConditionSite *site, Conditions *conditions);
extern Datum condition_agg_return(FunctionCallInfo fcinfo, ConditionLog *log);
extern ConditionLog *condition_agg_create(FunctionCallInfo fcinfo, const ConditionHead **shared, uint32 nconditions,
										  const void *bytes, size_t size, size_t room);
extern Datum condition_agg_leave(FunctionCallInfo fcinfo, ConditionLog *log, int64 at);
extern Datum condition_agg_add(ConditionLog *log, int64 at, const Conditions *conditions);
extern Datum condition_agg_pass_over(ConditionLog *log, int64 at, const Conditions *conditions);
extern Datum condition_agg_combine(FunctionCallInfo fcinfo, ConditionHeadCheck check);

/*
 * Reads the conditions of a row, argument n and those after it; NULL is false.
 * Returns false if they are an array that is NULL: then nothing is known of the row.
 */
static inline bool
conditions_argument(FunctionCallInfo fcinfo, int n, ConditionSite *site, Conditions *conditions)
{
	const NullableDatum *argument = &fcinfo->args[n];
	uint64		bits = 0;

	if (unlikely(site->form != CONDITIONS_BOOLEAN))
		return conditions_read(fcinfo, n, site, conditions);
	for (uint32 i = 0; i < site->count; i++)
		bits |= (uint64) (DatumGetBool(argument[i].value) & !argument[i].isnull) << i;
	conditions->count = site->count;
	conditions->bits = conditions->room;
	conditions->room[0] = bits;
	return true;
}

/* Whether any condition holds. */
static inline bool
conditions_any(const Conditions *conditions)
{
	for (uint32 w = 0; w < CONDITION_WORDS(conditions->count); w++)
		if (conditions->bits[w] != 0)
			return true;
	return false;
}

/* aggregate_state, if the state is wanted for sure: it is asked for here, and the lines of its first 128 bytes come all at once. */
static inline void *
aggregate_state_wanted(FunctionCallInfo fcinfo, int n)
{
	char	   *state = aggregate_state(fcinfo, n);

	if (likely(state != NULL))
	{
		cjm_prefetch(state);
		cjm_prefetch(state + 64);
		cjm_prefetch(state + 127);
	}
	return state;
}

#endif							/* CJM_CONDITION_AGG_H */
