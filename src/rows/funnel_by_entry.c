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

#include "base/calendar.h"
#include "catalog/pg_type.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(funnel_rows_by_entry_final);

extern PGDLLEXPORT void funnel_rows_by_entry_worker(dsm_segment *segment, shm_toc *toc);

typedef struct Period
{
	TimestampTz begin;
	TimestampTz end;			/* is outside */
	FunnelStats *stats;
} Period;

/* Who counts customers by period; the key of statistics is the period's begin. */
typedef struct EntryCount
{
	RowCount	base;
	const CalendarUnit *unit;
	Period	   *periods;		/* those that have been met, sorted; periods never overlap */
	uint32		nperiods;
	uint32		capacity;
} EntryCount;

/* The period that holds a moment; a new one takes some function calls, so they are kept. */
static Period *
find_period(EntryCount *counter, TimestampTz at)
{
	uint32		low = 0;
	uint32		high = counter->nperiods;
	Period	   *period;

	while (low < high)
	{
		uint32		middle = (low + high) / 2;

		if (counter->periods[middle].end <= at)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < counter->nperiods && counter->periods[low].begin <= at)
		return &counter->periods[low];

	if (counter->nperiods == counter->capacity)
	{
		counter->capacity *= 2;
		counter->periods = repalloc_huge(counter->periods, counter->capacity * sizeof(Period));
	}
	period = &counter->periods[low];
	memmove(period + 1, period, (counter->nperiods - low) * sizeof(Period));
	counter->nperiods++;
	calendar_period(counter->unit, at, PointerGetDatum(counter->base.state->question.zone), &period->begin, &period->end);
	period->stats = palloc(sizeof(FunnelStats));
	row_state_stats(counter->base.state, period->stats);
	return period;
}

static void
by_entry_begin(RowCount *count)
{
	EntryCount *counter = (EntryCount *) count;

	counter->unit = calendar_unit(count->state->question.bucket);
	counter->capacity = 64;
	counter->periods = palloc(counter->capacity * sizeof(Period));
}

static FunnelStats *
by_entry_stats(RowCount *count, int64 key)
{
	return find_period((EntryCount *) count, key)->stats;
}

static uint32
by_entry_keys(RowCount *count, int64 **keys)
{
	EntryCount *counter = (EntryCount *) count;

	*keys = palloc_extended(Max(counter->nperiods, 1) * sizeof(int64), MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < counter->nperiods; i++)
		(*keys)[i] = counter->periods[i].begin;
	return counter->nperiods;
}

/* Counts a customer in each period in which a walk can begin. */
static bool
by_entry_customer(void *arg, const RowEntry *entries, uint32 count, CjmError *error)
{
	EntryCount *counter = (EntryCount *) arg;
	const RowWalker *walker = &counter->base.walker;
	uint64		first = walker->rules->unordered ? ~UINT64CONST(0) : 1;
	uint32		ntouches = row_touches(&counter->base.walker, entries, count);
	TimestampTz end = DT_NOBEGIN;

	for (uint32 i = 0; i < ntouches; i++)
	{
		Period	   *period;
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
	stats = palloc_extended(Max(counter->nperiods, 1) * sizeof(FunnelStats *), MCXT_ALLOC_HUGE);
	keys = palloc_extended(Max(counter->nperiods, 1) * sizeof(Datum), MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < counter->nperiods; i++)
	{
		keys[i] = calendar_range(counter->periods[i].begin, counter->periods[i].end, range_type);
		stats[i] = counter->periods[i].stats;
	}
	result = row_pairs(fcinfo, keys, NULL, stats, counter->nperiods);
	MemoryContextSwitchTo(old);
	result = PointerGetDatum(PG_DETOAST_DATUM_COPY(result));
	MemoryContextDelete(work);
	PG_RETURN_DATUM(result);
}
