/*
 * rows/funnel_by.c: funnel_agg_by(customer, at, event [, channel], property,
 * position, funnel): statistics of a funnel, one for each value that a property
 * has at one touchpoint of the winning walk.
 *
 * Grouping rows by the property would cut a customer's journey into pieces; so
 * the property is part of what a row means to the funnel (rows/meaning.h), and
 * the walk decides which row's counts (rows/funnel_group.c).
 *
 * The answer is an array of (property, stats), in the order of the property as
 * bytes and NULL last; NULL also stands for customers without such a touchpoint.
 * The statistics add up to those of funnel_agg.
 *
 * Meanings are those of all groups of the plan node, and the final function looks
 * through them once for each group: its work is groups times different values of
 * the property, besides that of the rows.
 */
#include "rows/funnel.h"

#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(funnel_rows_by_final);

extern PGDLLEXPORT void funnel_rows_by_worker(dsm_segment *segment, shm_toc *toc);

/* Who counts customers by a property; the key of statistics is the meaning of the touchpoint, 0 for none. */
typedef struct ByCount
{
	RowCount	base;
	FunnelStats **stats;		/* by meaning, NULL where there is nobody */
} ByCount;

static void
by_begin(RowCount *count)
{
	((ByCount *) count)->stats = palloc_extended(count->state->funnel->meanings.count * sizeof(FunnelStats *),
												 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

/* The statistics of those who count with a meaning. */
static FunnelStats *
by_stats(RowCount *count, RowKey key)
{
	FunnelStats **stats = &((ByCount *) count)->stats[key.meaning];

	if (*stats == NULL)
	{
		*stats = palloc(sizeof(FunnelStats));
		row_state_stats(count->state, *stats);
	}
	return *stats;
}

static uint32
by_keys(RowCount *count, RowKey **keys)
{
	uint32		nmeanings = count->state->funnel->meanings.count;
	uint32		n = 0;

	*keys = palloc_extended(nmeanings * sizeof(RowKey), MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < nmeanings; i++)
		if (((ByCount *) count)->stats[i] != NULL)
			(*keys)[n++] = (RowKey) {.meaning = i};
	return n;
}

/* Counts a customer with the meaning of the touchpoint that their walk has at the step in question. */
static bool
by_customer(void *arg, const RowEntry *entries, uint32 count, CjmError *error)
{
	RowCount   *counter = (RowCount *) arg;
	FunnelWalk	walk;
	uint32		meaning;

	row_walk(&counter->walker, entries, count, &walk);
	meaning = row_property(&counter->walker, FUNNEL_ANY_ENTRY, counter->state->question.position, entries, count, &walk);
	return funnel_stats_add(by_stats(counter, (RowKey) {.meaning = meaning}), &walk, error);
}

static const RowCountMethods by_methods = {
	"funnel_rows_by_worker", sizeof(ByCount), by_begin, by_customer, by_stats, by_keys
};

/* The main function of a process that helps. */
void
funnel_rows_by_worker(dsm_segment *segment, shm_toc *toc)
{
	row_worker(segment, toc, &by_methods);
}

/* The groups of a state as an array of (property, stats). */
Datum
funnel_rows_by_final(PG_FUNCTION_ARGS)
{
	RowState   *state = PG_ARGISNULL(0) ? NULL : (RowState *) PG_GETARG_POINTER(0);
	MemoryContext work;
	MemoryContext old;
	RowCount   *counter;
	Datum		result;
	uint64		others;
	CjmError	error = {0};

	if (state == NULL)
		PG_RETURN_NULL();
	work = AllocSetContextCreate(CurrentMemoryContext, "funnel_agg_by from rows", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(work);
	counter = row_count(fcinfo, &by_methods, state, &others);
	if (others > 0 && !funnel_stats_add_seen(by_stats(counter, (RowKey) {0}), others, &error))
		cjm_report(&error);
	result = row_keyed_groups(fcinfo, counter, NULL, false, 1);
	MemoryContextSwitchTo(old);
	result = PointerGetDatum(PG_DETOAST_DATUM_COPY(result));
	MemoryContextDelete(work);
	PG_RETURN_DATUM(result);
}
