/*
 * funnel_rows.c: funnel_agg(customer, at, event [, channel], funnel [, entered]),
 * straight from the rows of many customers.
 *
 * The answer is that of funnel_agg over the journey_agg of each customer, to
 * the byte.  The rows of a group are in a log (row_log.h), in memory that all
 * groups of the plan node share (row_spill.h), with what they mean to the
 * funnel (row_meaning.h).  The final function reads them customer by customer
 * into the funnel engine, with others where there are many (funnel_rows_finish.c);
 * they stay what they are, so it may be called again after more rows.
 */
#include "funnel_rows.h"

#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(funnel_rows_final);

ROW_STEP(funnel_rows_step_number, CUSTOMER_NUMBER, false, ROWS_PLAIN)
ROW_STEP(funnel_rows_step_number_channel, CUSTOMER_NUMBER, true, ROWS_PLAIN)
ROW_STEP(funnel_rows_step_number_entered, CUSTOMER_NUMBER, false, ROWS_ENTERED)
ROW_STEP(funnel_rows_step_number_channel_entered, CUSTOMER_NUMBER, true, ROWS_ENTERED)
ROW_STEP(funnel_rows_step_text, CUSTOMER_TEXT, false, ROWS_PLAIN)
ROW_STEP(funnel_rows_step_text_channel, CUSTOMER_TEXT, true, ROWS_PLAIN)
ROW_STEP(funnel_rows_step_text_entered, CUSTOMER_TEXT, false, ROWS_ENTERED)
ROW_STEP(funnel_rows_step_text_channel_entered, CUSTOMER_TEXT, true, ROWS_ENTERED)
ROW_STEP(funnel_rows_step_uuid, CUSTOMER_UUID, false, ROWS_PLAIN)
ROW_STEP(funnel_rows_step_uuid_channel, CUSTOMER_UUID, true, ROWS_PLAIN)
ROW_STEP(funnel_rows_step_uuid_entered, CUSTOMER_UUID, false, ROWS_ENTERED)
ROW_STEP(funnel_rows_step_uuid_channel_entered, CUSTOMER_UUID, true, ROWS_ENTERED)

/* Prepares for walking the customers of a state, in the current context. */
void
row_walker_init(RowWalker *walker, const RowState *state)
{
	walker->rules = funnel_matcher_rules(state->funnel->matcher);
	walker->meanings = state->funnel->meanings.list;
	walker->entry = state->question.entry;
	walker->capacity = 1024;
	walker->touches = palloc(walker->capacity * sizeof(FunnelTouch));
}

/*
 * Makes touchpoints of a customer's entries; returns their number, 0 if no walk
 * can begin with any.
 */
uint32
row_touches(RowWalker *walker, const RowEntry *entries, uint32 count)
{
	FunnelTouch *touches;
	uint32		ntouches = 0;
	uint64		seen = 0;

	if (count > walker->capacity)
	{
		pfree(walker->touches);
		walker->capacity = count + count / 2;
		walker->touches = palloc_extended((size_t) walker->capacity * sizeof(FunnelTouch), MCXT_ALLOC_HUGE);
	}
	touches = walker->touches;
	for (uint32 i = 0; i < count; i++)
	{
		const RowMeaning *meaning = &walker->meanings[entries[i].meaning];

		touches[ntouches].at = entries[i].at;
		touches[ntouches].stages = meaning->stages;
		touches[ntouches].excluded = meaning->excluded;
		seen |= meaning->stages;
		ntouches += entries[i].meaning != 0;
	}
	walker->reachable = funnel_reachable(walker->rules, seen);
	return walker->reachable != 0 ? ntouches : 0;
}

/* The winning walk of a customer. */
void
row_walk(RowWalker *walker, const RowEntry *entries, uint32 count, FunnelWalk *walk)
{
	uint32		ntouches = row_touches(walker, entries, count);
	FunnelSearch search;

	if (ntouches == 0)
	{
		walk->step = 0;
		walk->passed = 0;
		return;
	}
	funnel_search_start(&search, walker->rules, walker->reachable);
	funnel_search_on(&search, walker->rules, walker->entry, walker->touches, ntouches, true);
	funnel_search_end(&search, walker->rules, walker->entry, walker->touches, ntouches, walk);
}

/* Empty statistics of a state's funnel, in the current context. */
void
row_state_stats(const RowState *state, FunnelStats *stats)
{
	const RowFunnel *funnel = state->funnel;

	funnel_stats_init(stats, (const uint8 *) VARDATA(funnel->value), VARSIZE(funnel->value) - VARHDRSZ, &funnel->def);
}

/* All customers have the same statistics, whose key is 0. */
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
plain_stats(RowCount *count, int64 key)
{
	(void) key;
	return &((PlainCount *) count)->stats;
}

static uint32
plain_keys(RowCount *count, int64 **keys)
{
	(void) count;
	*keys = palloc0(sizeof(int64));
	return 1;
}

const RowCountMethods row_plain_methods = {
	sizeof(PlainCount), plain_begin, plain_customer, plain_stats, plain_keys
};

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
	stats = &((PlainCount *) row_count(fcinfo, state, &others))->stats;
	if (!funnel_stats_add_seen(stats, others, &error))
		cjm_report(&error);
	MemoryContextSwitchTo(old);
	result = funnel_stats_flat(stats);
	MemoryContextDelete(work);
	PG_RETURN_POINTER(result);
}
