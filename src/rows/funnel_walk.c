/*
 * rows/funnel_walk.c: the customers of a state, walked one by one.
 *
 * A customer's entries become touchpoints by what rows mean to the funnel, and
 * the funnel engine finds the winning walk, as it does for a journey.
 */
#include "rows/funnel.h"

#include "utils/memutils.h"

/* Prepares for walking the customers of a state, in the current context. */
void
row_walker_init(RowWalker *walker, const RowState *state)
{
	walker->rules = funnel_matcher_rules(state->funnel->matcher);
	walker->meanings = state->funnel->meanings.list;
	walker->ranks = NULL;
	if (walker->rules->bound != 0)
	{
		MemoryContext old = MemoryContextSwitchTo(state->node->query);

		walker->ranks = row_meanings_ranks(&state->funnel->meanings);
		MemoryContextSwitchTo(old);
	}
	walker->entry = state->question.entry;
	walker->capacity = 1024;
	walker->touches = palloc(walker->capacity * sizeof(FunnelTouch));
}

/* The value of a touchpoint, whatever the order in which rows came. */
uint32
row_value(const RowWalker *walker, const RowMeaning *meaning)
{
	return walker->ranks == NULL || meaning->value == 0 ? 0 : walker->ranks[meaning->value - 1] + 1;
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
		touches[ntouches].session = 0;
		touches[ntouches].value = row_value(walker, meaning);
		seen |= meaning->stages;
		ntouches += meaning->touches;
	}
	walker->reachable = funnel_reachable(walker->rules, seen);
	return walker->reachable != 0 ? ntouches : 0;
}

/* The winning walk of the touchpoints that were made last, among those that begin in entry. */
void
row_walk_touches(const RowWalker *walker, FunnelEntry entry, uint32 ntouches, FunnelWalk *walk)
{
	FunnelSearch search;

	if (ntouches == 0)
	{
		walk->step = 0;
		walk->passed = 0;
		return;
	}
	funnel_search_start(&search, walker->rules, walker->reachable);
	funnel_search_on(&search, walker->rules, entry, walker->touches, ntouches, true);
	funnel_search_end(&search, walker->rules, entry, walker->touches, ntouches, walk);
}

/* The winning walk of a customer. */
void
row_walk(RowWalker *walker, const RowEntry *entries, uint32 count, FunnelWalk *walk)
{
	row_walk_touches(walker, walker->entry, row_touches(walker, entries, count), walk);
}

/* Empty statistics of a state's funnel, in the current context. */
void
row_state_stats(const RowState *state, FunnelStats *stats)
{
	const RowFunnel *funnel = state->funnel;

	funnel_stats_init(stats, (const uint8 *) VARDATA(funnel->value), VARSIZE(funnel->value) - VARHDRSZ, &funnel->def);
}
