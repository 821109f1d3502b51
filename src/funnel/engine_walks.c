/*
 * funnel/engine_walks.c: all walks of a customer, one after the other.
 *
 * The winning walk, and then the same again among the touchpoints before its first
 * time, and among those at or after its last that it did not take: in time order, no
 * touchpoint twice.  So those that complete an ordered funnel which ends with a
 * mandatory stage are its conversions, and the others are those that stopped on the
 * way.  Which touchpoints of its last time a walk takes is the same as there.
 *
 * Within sessions each is walked through by itself.  Those that are named may
 * overlap, so their walks are kept until all are known, and given in the order in
 * which they end; of equal ends in that of their beginnings, and then of sessions.
 *
 * Before a walk nothing comes as far as it does, since it ends as early as any that
 * does; after it nothing comes further.  So a funnel is cut off after the stage that
 * was reached last, and a search ends where that is reached again.  Cost: a search
 * over all touchpoints for each stage, at most, what the walks themselves cost, and
 * sorting the times at which they end.  Memory: a copy of the touchpoints, and the
 * walks that are kept; the stack is no deeper than there are stages.
 */
#include "funnel/engine_internal.h"

/* Who walks. */
typedef struct WalkSearch
{
	FunnelEntry entry;
	uint32		session;		/* that the touchpoints name */
	FunnelWalkReader reader;
	void	   *arg;
} WalkSearch;

/* A walk that is kept: what there is of a FunnelTry. */
typedef struct KeptTry
{
	int64		end;
	int64		start;
	uint32		session;
	uint32		value;
	size_t		number;			/* in the order in which they were found */
	uint64		passed;
	int			step;
	int			nlast;
	int64	   *at;				/* step times, palloc'd */
	FunnelTouch *last;			/* nlast touchpoints, palloc'd */
} KeptTry;

typedef struct KeptTries
{
	size_t		count;
	size_t		capacity;
	KeptTry    *list;
} KeptTries;

static inline int
compare_tries(const KeptTry *a, const KeptTry *b)
{
	if (a->end != b->end)
		return a->end < b->end ? -1 : 1;
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return (a->number > b->number) - (a->number < b->number);
}

#define ST_SORT sort_tries
#define ST_ELEMENT_TYPE KeptTry
#define ST_COMPARE(a, b) compare_tries(a, b)
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* A reader that keeps them.  Sessions come in the order of their numbers. */
static void
keep_try(void *arg, const FunnelTry *one)
{
	KeptTries  *tries = (KeptTries *) arg;
	const FunnelWalk *walk = &one->walk;
	KeptTry    *kept;

	if (tries->count == tries->capacity)
	{
		tries->capacity = Max(tries->capacity * 2, 4);
		if (tries->list == NULL)
			tries->list = palloc(tries->capacity * sizeof(KeptTry));
		else
			tries->list = repalloc_huge(tries->list, tries->capacity * sizeof(KeptTry));
	}
	kept = &tries->list[tries->count];
	*kept = (KeptTry) {
		.end = walk->at[walk->step - 1], .start = walk->at[pg_rightmost_one_pos64(walk->passed)], .session = walk->session,
		.value = walk->value, .number = tries->count++, .passed = walk->passed, .step = walk->step, .nlast = one->nlast
	};
	kept->at = palloc(kept->step * sizeof(int64));
	memcpy(kept->at, walk->at, kept->step * sizeof(int64));
	kept->last = palloc(Max(kept->nlast, 1) * sizeof(FunnelTouch));
	memcpy(kept->last, one->last, kept->nlast * sizeof(FunnelTouch));
}

/* Gives what was kept to a reader, in order. */
static void
give_tries(KeptTries *tries, FunnelWalkReader reader, void *arg)
{
	if (tries->count > 1)
		sort_tries(tries->list, tries->count);
	for (size_t i = 0; i < tries->count; i++)
	{
		const KeptTry *kept = &tries->list[i];
		FunnelTry	one;

		CHECK_FOR_INTERRUPTS();
		one.walk.step = kept->step;
		one.walk.passed = kept->passed;
		one.walk.value = kept->value;
		one.walk.session = kept->session;
		memcpy(one.walk.at, kept->at, kept->step * sizeof(int64));
		one.nlast = kept->nlast;
		memcpy(one.last, kept->last, kept->nlast * sizeof(FunnelTouch));
		pfree(kept->at);
		pfree(kept->last);
		reader(arg, &one);
	}
	if (tries->list != NULL)
		pfree(tries->list);
}

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
		walk->session = search->session;
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
	WalkSearch	search = {entry, 0, reader, arg};
	FunnelRules inside = without_sessions(rules);
	TouchSessions sessions;
	KeptTries	tries = {0};
	FunnelTouch *own;

	if (count == 0)
		return;
	sessions_start(&sessions, rules, touches, count);
	if (sessions.named)
	{
		search.reader = keep_try;
		search.arg = &tries;
	}
	own = palloc_extended(count * sizeof(FunnelTouch), MCXT_ALLOC_HUGE);
	memcpy(own, sessions.touches, count * sizeof(FunnelTouch));
	/* No walk goes from one session on to the next. */
	while (sessions_next(&sessions))
	{
		search.session = own[sessions.first].session;
		walk_on(&search, &inside, rules->nstages, own + sessions.first, sessions.end - sessions.first);
	}
	sessions_free(&sessions);
	pfree(own);
	give_tries(&tries, reader, arg);
}
