/*
 * funnel/engine_walks.c: all walks of a customer, one after the other.
 *
 * The winning walk, and then the same again among the touchpoints before its first
 * time, and among those at or after its last that it did not take: in time order, no
 * touchpoint twice.  So those that complete an ordered funnel which ends with a
 * mandatory stage are its conversions, and the others are those that stopped on the
 * way.  Which touchpoints of its last time a walk takes is the same as there.
 *
 * Before a walk nothing comes as far as it does, since it ends as early as any that
 * does; after it nothing comes further.  So a funnel is cut off after the stage that
 * was reached last, and a search ends where that is reached again.  Cost: a search
 * over all touchpoints for each stage, at most, what the walks themselves cost, and
 * sorting the times at which they end.  Memory: a copy of the touchpoints; the stack
 * is no deeper than there are stages.
 */
#include "funnel/engine_internal.h"

/* Who walks. */
typedef struct WalkSearch
{
	FunnelEntry entry;
	FunnelWalkReader reader;
	void	   *arg;
} WalkSearch;

/* The rules of a funnel that is cut off after some stages; an unordered one has no first ones. */
static FunnelRules
cut_rules(const FunnelRules *rules, int deepest)
{
	FunnelRules cut = *rules;

	if (rules->unordered)
		return cut;
	cut.nstages = deepest;
	cut.optional &= stages_below(deepest);
	cut.gapped &= stages_below(deepest);
	cut.bound &= stages_below(deepest);
	return cut;
}

/*
 * Moves what a walk did not take of the touchpoints of its last time, from first to
 * end - 1, to their end; returns how many those are.  What it took is noted.
 */
static size_t
leave_rest(const FunnelRules *rules, FunnelTry *one, const UnorderedSpan *span, FunnelTouch *touches)
{
	const FunnelWalk *walk = &one->walk;
	FunnelTouch *group = touches + span->last;
	size_t		size = span->end - span->last;
	size_t		left = 0;
	bool	   *used;

	for (size_t i = 0; i < size; i++)
		group[i].stages &= stages_below(rules->nstages);
	one->nlast = 0;
	if (size == 1)
	{
		one->last[one->nlast++] = group[0];
		return 0;
	}
	used = palloc_extended(size, MCXT_ALLOC_HUGE);
	sort_group(group, size);
	if (rules->unordered)
	{
		int64		at[FUNNEL_MAX_STAGES];

		unordered_times(rules, touches, span, at, used);
	}
	else
	{
		uint64		wanted = 0;
		TouchBasis	basis;

		for (int stage = 0; stage < rules->nstages; stage++)
			if ((walk->passed & STAGE_BIT(stage)) != 0 && walk->at[stage] == group[0].at)
				wanted |= STAGE_BIT(stage);
		basis.taken = basis.closed = 0;
		for (size_t i = 0; i < size; i++)
			used[i] = basis_add(&basis, stages_with_value(rules, &group[i], walk->value) & wanted, i);
	}
	for (size_t i = size; i-- > 0;)
		if (used[i])
			one->last[one->nlast++] = group[i];
		else
			group[size - ++left] = group[i];
	pfree(used);
	return left;
}

/* Walks through touchpoints, which are changed, by walks that come no further than deepest. */
static void
walk_on(const WalkSearch *search, const FunnelRules *rules, int deepest, FunnelTouch *touches, size_t count)
{
	while (count > 0 && deepest > 0)
	{
		FunnelRules cut = cut_rules(rules, deepest);
		FunnelTry	one;
		FunnelWalk *walk = &one.walk;
		UnorderedSpan span;
		size_t		begun;
		size_t		left;

		CHECK_FOR_INTERRUPTS();
		if (rules->unordered)
		{
			unordered_find(&cut, search->entry, deepest, touches, count, &span);
			walk->step = span.step;
			walk->passed = stages_below(span.step);
			if (span.step > 0)
				unordered_times(&cut, touches, &span, walk->at, NULL);
		}
		else
			funnel_walk(&cut, search->entry, touches, count, walk);
		if (walk->step == 0)
			return;
		deepest = walk->step;
		cut = cut_rules(rules, deepest);
		begun = find_time(touches, count, walk->at[pg_rightmost_one_pos64(walk->passed)]);
		if (!rules->unordered)
		{
			span.first = begun;
			span.last = find_time(touches, count, walk->at[walk->step - 1]);
			span.end = group_end(touches, count, span.last);
		}
		walk_on(search, rules, deepest - 1, touches, begun);
		left = leave_rest(&cut, &one, &span, touches);
		search->reader(search->arg, &one);
		touches += span.end - left;
		count -= span.end - left;
	}
}

/*
 * Gives the walks of a customer that begin in entry to a reader, in time order.  No
 * touchpoint is in two of them.
 */
void
funnel_walks(const FunnelRules *rules, FunnelEntry entry, const FunnelTouch *touches, size_t count,
			 FunnelWalkReader reader, void *arg)
{
	WalkSearch	search = {entry, reader, arg};
	FunnelRules inside = without_sessions(rules);
	FunnelTouch *own;

	if (count == 0)
		return;
	own = palloc_extended(count * sizeof(FunnelTouch), MCXT_ALLOC_HUGE);
	memcpy(own, touches, count * sizeof(FunnelTouch));
	/* No walk goes from one session on to the next. */
	for (size_t first = 0, end; first < count; first = end)
	{
		end = rules->session != 0 ? session_end(rules, touches, count, first) : count;
		walk_on(&search, &inside, rules->nstages, own + first, end - first);
	}
	pfree(own);
}
