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

#include "catalog/pg_type.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

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
	TypeCacheEntry *range_type = lookup_type_cache(TSTZRANGEOID, TYPECACHE_RANGE_INFO);
	const RowMeaning *list;
	MemoryContext work;
	MemoryContext old;
	BothCount  *counter;
	RowKey	   *used;
	uint32		nused;
	FunnelStats **stats;
	Datum	   *keys;
	bool	   *nulls;
	uint32		count = 0;
	Datum		result;
	uint64		others;
	CjmError	error = {0};

	if (state == NULL)
		PG_RETURN_NULL();
	work = AllocSetContextCreate(CurrentMemoryContext, "funnel_agg_by from rows", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(work);
	counter = (BothCount *) row_count(fcinfo, &by_both_methods, state, &others);
	list = state->funnel->meanings.list;
	nused = by_both_keys(&counter->base, &used);
	row_sort_keys(used, nused, list);
	stats = palloc_extended(Max(nused, 1) * sizeof(FunnelStats *), MCXT_ALLOC_HUGE);
	keys = palloc_extended(Max(nused, 1) * 2 * sizeof(Datum), MCXT_ALLOC_HUGE);
	nulls = palloc_extended(Max(nused, 1) * 2 * sizeof(bool), MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < nused; i++)
	{
		Label		property = list[used[i].meaning].property;
		RowPeriod  *period;

		CHECK_FOR_INTERRUPTS();
		if (i > 0 && row_compare_keys(&used[i - 1], &used[i], list) == 0)
		{
			if (!funnel_stats_merge(stats[count - 1], by_both_stats(&counter->base, used[i]), &error))
				cjm_report(&error);
			continue;
		}
		period = row_period(&counter->periods, used[i].period);
		nulls[2 * (size_t) count] = property.bytes == NULL;
		keys[2 * (size_t) count] = property.bytes == NULL ? (Datum) 0 : label_to_datum(property);
		nulls[2 * (size_t) count + 1] = false;
		keys[2 * (size_t) count + 1] = calendar_range(period->begin, period->end, range_type);
		stats[count++] = by_both_stats(&counter->base, used[i]);
	}
	result = row_groups(fcinfo, 2, keys, nulls, 1, stats, count);
	MemoryContextSwitchTo(old);
	result = PointerGetDatum(PG_DETOAST_DATUM_COPY(result));
	MemoryContextDelete(work);
	PG_RETURN_DATUM(result);
}
