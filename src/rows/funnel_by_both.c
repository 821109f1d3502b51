/*
 * rows/funnel_by_both.c: funnel_agg_by(customer, at, event [, channel], property,
 * position, funnel, bucket, time_zone): statistics of a funnel, one for each value
 * of a property and each calendar period in which walks begin.
 *
 * A customer counts in every period in which a walk of theirs begins, as for
 * funnel_agg_by_entry, with the property that the deepest walk begun there has at
 * the position, as for funnel_agg_by.  So over all properties the statistics of a
 * period add up to those of funnel_agg_by_entry.
 *
 * The answer is an array of (property, entered, stats) in the order of property,
 * as bytes and NULL last, and time.
 */
#include "rows/funnel.h"

#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(funnel_rows_by_both_final);

extern PGDLLEXPORT void funnel_rows_by_both_worker(dsm_segment *segment, shm_toc *toc);

typedef struct BothCount
{
	RowCount	base;
	RowPeriods	periods;
	RowTable   *stats;
} BothCount;

static void
by_both_begin(RowCount *count)
{
	BothCount  *counter = (BothCount *) count;

	row_periods_init(&counter->periods, &count->state->question);
	counter->stats = row_table_new();
}

static FunnelStats *
by_both_stats(RowCount *count, RowKey key)
{
	return row_table_stats(((BothCount *) count)->stats, count->state, key);
}

static uint32
by_both_keys(RowCount *count, RowKey **keys)
{
	return row_table_keys(((BothCount *) count)->stats, keys);
}

/* Counts a customer in each period in which a walk can begin. */
static bool
by_both_customer(void *arg, const RowEntry *entries, uint32 count, CjmError *error)
{
	BothCount  *counter = (BothCount *) arg;
	RowWalker  *walker = &counter->base.walker;
	uint64		first = funnel_begins(walker->rules);
	uint32		ntouches = row_touches(walker, entries, count);
	TimestampTz end = DT_NOBEGIN;

	for (uint32 i = 0; i < ntouches; i++)
	{
		RowPeriod  *period;
		FunnelEntry entry;
		FunnelWalk	walk;
		RowKey		key = {.part = 0};

		if (walker->touches[i].at < end || (walker->touches[i].stages & first) == 0)
			continue;
		CHECK_FOR_INTERRUPTS();
		period = row_period(&counter->periods, walker->touches[i].at);
		end = period->end;
		entry = (FunnelEntry) {period->begin, period->end - 1};
		funnel_walk(walker->rules, entry, walker->touches, ntouches, &walk);
		key.period = period->begin;
		key.meaning = row_property(walker, entry, counter->base.state->question.position, entries, count, &walk);
		if (!funnel_stats_add(by_both_stats(&counter->base, key), &walk, error))
			return false;
	}
	return true;
}

static const RowCountMethods by_both_methods = {
	"funnel_rows_by_both_worker", sizeof(BothCount), by_both_begin, by_both_customer, by_both_stats, by_both_keys
};

/* The main function of a process that helps. */
void
funnel_rows_by_both_worker(dsm_segment *segment, shm_toc *toc)
{
	row_worker(segment, toc, &by_both_methods);
}

/* The groups of a state as an array of (property, entered, stats). */
Datum
funnel_rows_by_both_final(PG_FUNCTION_ARGS)
{
	RowState   *state = PG_ARGISNULL(0) ? NULL : (RowState *) PG_GETARG_POINTER(0);
	MemoryContext work;
	MemoryContext old;
	BothCount  *counter;
	Datum		result;
	uint64		others;

	if (state == NULL)
		PG_RETURN_NULL();
	work = AllocSetContextCreate(CurrentMemoryContext, "funnel_agg_by from rows", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(work);
	counter = (BothCount *) row_count(fcinfo, &by_both_methods, state, &others);
	result = row_keyed_groups(fcinfo, &counter->base, &counter->periods, true, 1);
	MemoryContextSwitchTo(old);
	result = PointerGetDatum(PG_DETOAST_DATUM_COPY(result));
	MemoryContextDelete(work);
	PG_RETURN_DATUM(result);
}
