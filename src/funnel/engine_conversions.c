/*
 * funnel/engine_conversions.c: how often a funnel was completed, and whether
 * it still may be.
 *
 * Conversions: the funnel is cut off after its last mandatory stage.  Its
 * winning walk, if that is complete, is one conversion and ends as early as
 * any; then the same again with the touchpoints at or after its end that it
 * did not use.  The winning walk says how many touchpoints of its last time
 * it takes and for which stages.  Which ones, where it could take any, the
 * touchpoints' own content decides, never their order: those that match fewest
 * stages go first (among equally many those of the lower stages), so that the
 * more versatile are left.  Greedy choice in that order is the best there is.
 *
 * Cost: what the walks cost, and sorting the groups in which they end.  Many
 * conversions at one time are counted by kinds of touchpoints, not one by one.
 * Memory: a copy of what is left, once several touchpoints share a walk's end.
 */
#include "funnel/engine_internal.h"

/* Touchpoints of one time that match the same stages. */
typedef struct Kind
{
	uint64		stages;
	size_t		count;
	size_t		used;			/* by the walk at hand */
} Kind;

/* Takes note of conversions, if anybody wants to know of more than their number. */
static void
note_completion(FunnelCompletions *completions, int64 at, uint64 stages, uint32 value, int64 count)
{
	if (completions == NULL)
		return;
	if (completions->count == completions->capacity)
	{
		completions->capacity = Max(completions->capacity * 2, 4);
		if (completions->list == NULL)
			completions->list = palloc(completions->capacity * sizeof(FunnelCompletion));
		else
			completions->list = repalloc_huge(completions->list, completions->capacity * sizeof(FunnelCompletion));
	}
	completions->list[completions->count++] = (FunnelCompletion) {at, stages, value, 0, count};
}

/* Orders the touchpoints of one time by what they match, and then by value. */
static int
compare_touches(const FunnelTouch *a, const FunnelTouch *b)
{
	int			bits_a = pg_popcount64(a->stages);
	int			bits_b = pg_popcount64(b->stages);

	if (bits_a != bits_b)
		return bits_a - bits_b;
	if (a->stages != b->stages)
		return a->stages > b->stages ? 1 : -1;
	return (a->value > b->value) - (a->value < b->value);
}

#define ST_SORT sort_touches
#define ST_ELEMENT_TYPE FunnelTouch
#define ST_COMPARE(a, b) compare_touches(a, b)
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* Puts the touchpoints of one time in the order in which walks use them up. */
void
sort_group(FunnelTouch *touches, size_t count)
{
	sort_touches(touches, count);
}

/*
 * Finds the complete walk that stays within the time of some kinds of
 * touchpoints, as the order of preference has it: all mandatory stages, as
 * many others as there can be, and of those the first ones.  Sets what it uses
 * of the first nused kinds; it uses none of the others.  last is the kind that
 * takes the last stage.  False if there is no such walk.
 */
static bool
walk_in_group(const FunnelRules *rules, Kind *kinds, size_t nkinds, size_t *nused, size_t *last)
{
	uint64		taken = 0;
	TouchBasis	basis;
	GroupGraph	graph;
	GroupMatching matching;

	basis.taken = basis.closed = 0;
	for (size_t i = 0; i < nkinds && basis.taken != stages_below(rules->nstages); i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (size_t n = 0; n < kinds[i].count && basis_add(&basis, kinds[i].stages, i); n++)
			;
	}
	basis_graph(&graph, rules->nstages, &basis);

	matching.used = 0;
	for (int optional = 0; optional <= 1; optional++)
		for (int stage = 0; stage < rules->nstages; stage++)
		{
			if (((rules->optional & STAGE_BIT(stage)) != 0) != optional)
				continue;
			if (matching_add(&matching, &graph, stage))
				taken |= STAGE_BIT(stage);
			else if (!optional)
				return false;
		}

	basis.taken = basis.closed = 0;
	for (*nused = 0; basis.taken != taken; ++*nused)
	{
		Kind	   *kind = &kinds[*nused];

		kind->used = 0;
		while (kind->used < kind->count && basis_add(&basis, kind->stages & taken, *nused))
			kind->used++;
	}
	*last = basis.who[rules->nstages - 1];
	return true;
}

/*
 * Counts the conversions of count touchpoints of one time, sorted, and uses
 * them up.  Returns how many touchpoints are left over; those stand at the end
 * of touches.
 */
static size_t
convert_group(const FunnelRules *rules, FunnelTouch *touches, size_t count, int64 *conversions,
			  FunnelCompletions *completions)
{
	size_t		nkinds = 0;
	size_t		first = 0;		/* none is left of the kinds before */
	size_t		nused;
	size_t		last;
	size_t		place = count;
	Kind	   *kinds;

	for (size_t i = 0; i < count; i++)
		nkinds += i == 0 || touches[i].stages != touches[i - 1].stages;
	kinds = palloc_extended(sizeof(Kind) * Max(nkinds, 1), MCXT_ALLOC_HUGE);
	nkinds = 0;
	for (size_t i = 0; i < count; i++)
	{
		if (i == 0 || touches[i].stages != touches[i - 1].stages)
		{
			kinds[nkinds].stages = touches[i].stages;
			kinds[nkinds++].count = 0;
		}
		kinds[nkinds - 1].count++;
	}

	while (walk_in_group(rules, kinds + first, nkinds - first, &nused, &last))
	{
		/* The same walk can be had as often as all kinds in it last. */
		size_t		times = count;

		for (size_t i = first; i < first + nused; i++)
			if (kinds[i].used > 0)
				times = Min(times, kinds[i].count / kinds[i].used);
		for (size_t i = first; i < first + nused; i++)
			kinds[i].count -= kinds[i].used * times;
		note_completion(completions, touches[0].at, kinds[first + last].stages, 0, times);
		while (first < nkinds && kinds[first].count == 0)
			first++;
		*conversions += times;
	}

	for (size_t i = nkinds; i-- > 0;)
		for (; kinds[i].count > 0; kinds[i].count--)
			touches[--place].stages = kinds[i].stages;
	pfree(kinds);
	return count - place;
}

#define ST_SORT sort_completions
#define ST_ELEMENT_TYPE FunnelCompletion
#define ST_COMPARE(a, b) (((a)->at > (b)->at) - ((a)->at < (b)->at))
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/*
 * How often a customer completed the funnel; see the top of the file.
 * completions may be NULL; else it is zeroed by the caller, and filled in.
 */
int64
funnel_conversions(const FunnelRules *rules, FunnelEntry entry, const FunnelTouch *touches, size_t count,
				   FunnelCompletions *completions)
{
	int64		conversions = 0;
	FunnelRules cut = *rules;
	FunnelTouch *own = NULL;

	cut.nstages = last_mandatory(rules) + 1;
	cut.optional &= stages_below(cut.nstages);
	cut.gapped &= stages_below(cut.nstages);
	cut.bound &= stages_below(cut.nstages);
	if (completions != NULL)
		completions->stages = stages_below(cut.nstages);
	if (rules->session != 0)
	{
		FunnelRules inside = without_sessions(rules);
		TouchSessions sessions;

		/* No walk goes from one session on to the next. */
		sessions_start(&sessions, rules, touches, count);
		while (sessions_next(&sessions))
		{
			const FunnelTouch *first = &sessions.touches[sessions.first];
			size_t		before = completions != NULL ? completions->count : 0;

			conversions += funnel_conversions(&inside, entry, first, sessions.end - sessions.first, completions);
			if (completions != NULL)
				for (size_t i = before; i < completions->count; i++)
					completions->list[i].session = first->session;
		}
		if (sessions.named && completions != NULL && completions->count > 0)
			sort_completions(completions->list, completions->count);
		sessions_free(&sessions);
		return conversions;
	}
	for (;;)
	{
		FunnelWalk	walk;
		UnorderedSpan span;
		FunnelTouch *group;
		bool	   *used;
		uint64		last = 0;		/* what the touchpoint matches that completes the funnel */
		uint32		value = 0;		/* and its value */
		size_t		size;
		size_t		left = 0;

		if (rules->unordered)
		{
			unordered_find(&cut, entry, cut.nstages, touches, count, &span);
			if (span.step < cut.nstages)
				break;
		}
		else
		{
			funnel_walk(&cut, entry, touches, count, &walk);
			if (walk.step < cut.nstages)
				break;
			span.last = find_time(touches, count, walk.at[cut.nstages - 1]);
			span.first = span.last;
			span.end = group_end(touches, count, span.last);
		}
		conversions++;
		size = span.end - span.last;
		if (size == 1)
		{
			note_completion(completions, touches[span.last].at, touches[span.last].stages & stages_below(cut.nstages),
							rules->bound != 0 ? touches[span.last].value : 0, 1);
			touches += span.end;
			count -= span.end;
			continue;
		}

		/* From here on in a copy, in which the last group is sorted. */
		touches += span.first;
		count -= span.first;
		span.last -= span.first;
		span.end -= span.first;
		span.first = 0;
		if (own == NULL)
		{
			own = palloc_extended(sizeof(FunnelTouch) * count, MCXT_ALLOC_HUGE);
			memcpy(own, touches, sizeof(FunnelTouch) * count);
			touches = own;
		}
		group = own + (touches - own) + span.last;
		for (size_t i = 0; i < size; i++)
			group[i].stages &= stages_below(cut.nstages);
		sort_touches(group, size);

		/* What the walk uses of it. */
		used = palloc_extended(size, MCXT_ALLOC_HUGE);
		if (rules->unordered)
		{
			unordered_times(&cut, touches, &span, walk.at, used);
			for (size_t i = 0; i < size; i++)
				if (used[i])
					last = Max(last, group[i].stages);
		}
		else
		{
			uint64		wanted = 0;
			TouchBasis	basis;

			for (int stage = 0; stage < cut.nstages; stage++)
				if ((walk.passed & STAGE_BIT(stage)) != 0 && walk.at[stage] == group[0].at)
					wanted |= STAGE_BIT(stage);
			basis.taken = basis.closed = 0;
			for (size_t i = 0; i < size; i++)
				used[i] = basis_add(&basis, stages_with_value(rules, &group[i], walk.value) & wanted, i);
			last = group[basis.who[cut.nstages - 1]].stages;
			if (rules->bound != 0)
				value = group[basis.who[cut.nstages - 1]].value;
		}
		note_completion(completions, group[0].at, last, value, 1);
		for (size_t i = size; i-- > 0;)
			if (!used[i])
				group[size - ++left] = group[i];
		pfree(used);

		/* Whoever begins at this time may end at it too. */
		if (entry_holds(entry, group[0].at) && !cut.apart)
			left = convert_group(&cut, group + size - left, left, &conversions, completions);
		touches += span.end - left;
		count -= span.end - left;
	}
	if (own != NULL)
		pfree(own);
	return conversions;
}
