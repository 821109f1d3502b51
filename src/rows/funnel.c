/*
 * rows/funnel.c: funnel_agg(customer, at, event [, channel], funnel [, entered]),
 * straight from the rows of many customers.
 *
 * The answer is that of funnel_agg over the journey_agg of each customer, to
 * the byte.  The rows of a group are in a log (rows/log.h), in memory that all
 * groups of the plan node share (rows/spill.h), with what they mean to the
 * funnel (rows/meaning.h).  The final function reads them customer by customer
 * into the funnel engine, with others where there are many (rows/funnel_finish.c);
 * they stay what they are, so it may be called again after more rows.
 */
#include "rows/funnel.h"

#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(funnel_rows_final);

extern PGDLLEXPORT void funnel_rows_worker(dsm_segment *segment, shm_toc *toc);

/* All customers have the same statistics, whose key is of nothing. */
typedef struct PlainCount
{
	RowCount	base;
	FunnelStats stats;
} PlainCount;

static void
plain_begin(RowCount *count)
{
	row_state_stats(count->state, &((PlainCount *) count)->stats);
}

static bool
plain_customer(void *arg, const RowEntry *entries, uint32 count, CjmError *error)
{
	PlainCount *plain = (PlainCount *) arg;
	FunnelWalk	walk;

	row_walk(&plain->base.walker, entries, count, &walk);
	return funnel_stats_add(&plain->stats, &walk, error);
}

static FunnelStats *
plain_stats(RowCount *count, RowKey key)
{
	(void) key;
	return &((PlainCount *) count)->stats;
}

static uint32
plain_keys(RowCount *count, RowKey **keys)
{
	(void) count;
	*keys = palloc0(sizeof(RowKey));
	return 1;
}

static const RowCountMethods plain_methods = {
	"funnel_rows_worker", sizeof(PlainCount), plain_begin, plain_customer, plain_stats, plain_keys
};

/* The main function of a process that helps. */
void
funnel_rows_worker(dsm_segment *segment, shm_toc *toc)
{
	row_worker(segment, toc, &plain_methods);
}

/* The statistics of a group. */
Datum
funnel_rows_final(PG_FUNCTION_ARGS)
{
	RowState   *state = PG_ARGISNULL(0) ? NULL : (RowState *) PG_GETARG_POINTER(0);
	MemoryContext work;
	MemoryContext old;
	FunnelStats *stats;
	struct varlena *result;
	uint64		others;
	CjmError	error = {0};

	if (state == NULL)
		PG_RETURN_NULL();
	work = AllocSetContextCreate(CurrentMemoryContext, "funnel_agg from rows", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(work);
	stats = &((PlainCount *) row_count(fcinfo, &plain_methods, state, &others))->stats;
	if (!funnel_stats_add_seen(stats, others, &error))
		cjm_report(&error);
	MemoryContextSwitchTo(old);
	result = funnel_stats_flat(stats);
	MemoryContextDelete(work);
	PG_RETURN_POINTER(result);
}
