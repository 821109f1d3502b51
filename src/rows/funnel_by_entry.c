/*
 * rows/funnel_by_entry.c: funnel_agg_by_entry(customer, at, event [, channel],
 * funnel, bucket, time_zone): statistics of a funnel, one for each calendar
 * period in which walks begin.
 *
 * A customer counts in every period in which a walk of theirs begins, with the
 * deepest walk begun there, as funnel_agg(journey, funnel, entered) over the
 * entry_buckets of each journey says; here in one pass over the rows.
 *
 * The answer is an array of (entered, stats) in the order of time.
 */
#include "rows/funnel.h"

#include "catalog/pg_type.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(funnel_rows_by_entry_final);

extern PGDLLEXPORT void funnel_rows_by_entry_worker(dsm_segment *segment, shm_toc *toc);

/* Who counts customers by period. */
typedef struct EntryCount
{
	RowCount	base;
	RowPeriods	periods;
} EntryCount;

/* The period that holds a moment, with statistics. */
static RowPeriod *
find_period(EntryCount *counter, TimestampTz at)
{
	RowPeriod  *period = row_period(&counter->periods, at);

	if (period->stats == NULL)
	{
		period->stats = palloc(sizeof(FunnelStats));
		row_state_stats(counter->base.state, period->stats);
	}
	return period;
}

static void
by_entry_begin(RowCount *count)
{
	row_periods_init(&((EntryCount *) count)->periods, &count->state->question);
}

static FunnelStats *
by_entry_stats(RowCount *count, RowKey key)
{
	return find_period((EntryCount *) count, key.period)->stats;
}

static uint32
by_entry_keys(RowCount *count, RowKey **keys)
{
	const RowPeriods *periods = &((EntryCount *) count)->periods;

	*keys = palloc_extended(Max(periods->count, 1) * sizeof(RowKey), MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < periods->count; i++)
		(*keys)[i] = (RowKey) {.period = periods->list[i].begin};
	return periods->count;
}

/* Counts a customer in each period in which a walk can begin. */
static bool
by_entry_customer(void *arg, const RowEntry *entries, uint32 count, CjmError *error)
{
	EntryCount *counter = (EntryCount *) arg;
	const RowWalker *walker = &counter->base.walker;
	uint64		first = funnel_begins(walker->rules);
	uint32		ntouches = row_touches(&counter->base.walker, entries, count);
	TimestampTz end = DT_NOBEGIN;

	for (uint32 i = 0; i < ntouches; i++)
	{
		RowPeriod  *period;
		FunnelWalk	walk;

		if (walker->touches[i].at < end || (walker->touches[i].stages & first) == 0)
			continue;
		CHECK_FOR_INTERRUPTS();
		period = find_period(counter, walker->touches[i].at);
		end = period->end;
		funnel_walk(walker->rules, (FunnelEntry) {period->begin, period->end - 1}, walker->touches, ntouches, &walk);
		if (!funnel_stats_add(period->stats, &walk, error))
			return false;
	}
	return true;
}

static const RowCountMethods by_entry_methods = {
	"funnel_rows_by_entry_worker", sizeof(EntryCount), by_entry_begin, by_entry_customer, by_entry_stats, by_entry_keys
};

/* The main function of a process that helps. */
void
funnel_rows_by_entry_worker(dsm_segment *segment, shm_toc *toc)
{
	row_worker(segment, toc, &by_entry_methods);
}

/* The periods of a state as an array of (entered, stats). */
Datum
funnel_rows_by_entry_final(PG_FUNCTION_ARGS)
{
	RowState   *state = PG_ARGISNULL(0) ? NULL : (RowState *) PG_GETARG_POINTER(0);
	TypeCacheEntry *range_type = lookup_type_cache(TSTZRANGEOID, TYPECACHE_RANGE_INFO);
	MemoryContext work;
	MemoryContext old;
	EntryCount *counter;
	FunnelStats **stats;
	Datum	   *keys;
	Datum		result;
	uint64		others;

	if (state == NULL)
		PG_RETURN_NULL();
	work = AllocSetContextCreate(CurrentMemoryContext, "funnel_agg_by_entry from rows", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(work);
	counter = (EntryCount *) row_count(fcinfo, &by_entry_methods, state, &others);
	stats = palloc_extended(Max(counter->periods.count, 1) * sizeof(FunnelStats *), MCXT_ALLOC_HUGE);
	keys = palloc_extended(Max(counter->periods.count, 1) * sizeof(Datum), MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < counter->periods.count; i++)
	{
		keys[i] = calendar_range(counter->periods.list[i].begin, counter->periods.list[i].end, range_type);
		stats[i] = counter->periods.list[i].stats;
	}
	result = row_groups(fcinfo, 1, keys, NULL, 1, stats, counter->periods.count);
	MemoryContextSwitchTo(old);
	result = PointerGetDatum(PG_DETOAST_DATUM_COPY(result));
	MemoryContextDelete(work);
	PG_RETURN_DATUM(result);
}
