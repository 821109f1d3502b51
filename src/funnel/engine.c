/*
 * funnel/engine.c: the rules of a funnel, and plain ordered funnels.
 *
 * Plain: stages in order, none optional, at most within for the whole walk.
 *
 * Forward, one group of equal times after the other, the engine keeps for
 * every stage the latest start of any walk that has passed it.  A later start
 * is never worse: whatever ends the one walk ends the other, and has more
 * time for it.  Nor does it rise from stage to stage: a walk that has passed a
 * stage has passed those before.  So a walk that goes on in a group had best
 * come from the earliest stage from which the group still leads as far.
 *
 * The deepest stage and the first time at which it was reached are thus known,
 * and the latest start of the walks that reach it then.  Among the walks from
 * that start to that end the winning one takes in every group as many stages
 * as it can: being further is never worse, and so every step is as early as
 * in any of them.
 *
 * Cost: a touchpoint alone at its time, one step for each stage that it
 * matches; a group of several, one test a touchpoint and at most four searches
 * a stage (funnel/engine_match.c).  No memory but the stack.
 */
#include "funnel/engine_internal.h"

/* Takes the rules out of a definition. */
void
funnel_rules(const FunnelDef *def, FunnelRules *rules)
{
	rules->nstages = def->nstages;
	rules->within = def->within;
	rules->strict = def->strict;
	rules->unordered = def->unordered;
	rules->excluding = def->nexcluded > 0;
	rules->every = def->strict || def->session != 0;
	rules->from_any = def->from_any;
	rules->session = def->session;
	rules->bound = 0;
	rules->optional = 0;
	rules->gapped = 0;
	for (int i = 0; i < def->nstages; i++)
	{
		rules->gap[i] = def->stages[i].gap;
		if (def->stages[i].gap != FUNNEL_NO_LIMIT)
			rules->gapped |= STAGE_BIT(i);
		if (def->stages[i].optional)
			rules->optional |= STAGE_BIT(i);
		if (def->stages[i].bound)
			rules->bound |= STAGE_BIT(i);
	}
	rules->apart = rules->from_any || rules->session != 0 || rules->bound != 0;
}

/* Lets the walks under way go on in a group of several touchpoints, group to end - 1. */
static pg_noinline void
plain_group(const FunnelRules *rules, FunnelEntry entry,
			const FunnelTouch *touches, size_t group, size_t end, FunnelSearch *state)
{
	int64		at = touches[group].at;
	size_t		count = end - group;
	int			deepest = rules->nstages;
	int			done = -1;
	uint64		renewed = 0;
	int			reach[FUNNEL_MAX_STAGES];
	size_t		start[FUNNEL_MAX_STAGES];
	GroupGraph	graph;

	if (count < (size_t) (deepest - state->depth))
		deepest = state->depth + (int) count;
	group_graph(&graph, deepest, touches + group, count);
	if (graph.stages == 0)
		return;
	group_reach(&graph, reach);

	/* The earliest stage to come from is the best: it has the latest start. */
	for (int first = 0; first <= state->depth && first < deepest; first++)
	{
		size_t		from = group;

		if (reach[first] <= done)
			continue;
		if (first == 0)
		{
			if (!entry_holds(entry, at))
				continue;
		}
		else
		{
			from = state->start[first - 1];
			if (!time_within(touches[from].at, at, rules->within))
				break;
		}
		for (int stage = Max(done + 1, first); stage <= reach[first]; stage++)
		{
			start[stage] = from;
			renewed |= STAGE_BIT(stage);
		}
		done = reach[first];
	}

	for (; renewed != 0; renewed &= renewed - 1)
	{
		int			stage = pg_rightmost_one_pos64(renewed);

		state->start[stage] = start[stage];
		state->depth = Max(state->depth, stage + 1);
	}
}

/*
 * The walk from the group that begins with touches[0] through step stages that
 * passes each of them as early as can be.  There is one.
 */
static void
plain_times(const FunnelTouch *touches, size_t count, int step, int64 *at)
{
	int			passed = 0;
	size_t		end;

	for (size_t i = 0; i < count && passed < step; i = end)
	{
		GroupMatching matching;
		GroupGraph	graph;

		CHECK_FOR_INTERRUPTS();
		end = group_end(touches, count, i);
		if (end == i + 1)
		{
			if (touches[i].stages & STAGE_BIT(passed))
				at[passed++] = touches[i].at;
			continue;
		}
		group_graph(&graph, step, touches + i, end - i);
		matching.used = 0;
		while (passed < step && matching_add(&matching, &graph, passed))
			at[passed++] = touches[i].at;
	}
}

/* Plain ordered funnels; see the top of the file.  Takes the groups that are known to be whole. */
static void
plain_search(const FunnelRules *rules, FunnelEntry entry,
			 const FunnelTouch *touches, size_t count, bool all, FunnelSearch *state)
{
	size_t		i = state->next;
	size_t		end;

	for (; i < count && state->step < state->deepest; i = end)
	{
		int64		at = touches[i].at;

		CHECK_FOR_INTERRUPTS();
		/* There may be more of the last group. */
		if (!all && touches[count - 1].at == at)
			break;
		end = i + 1;
		if (end < count && touches[end].at == at)
		{
			end = group_end(touches, count, i);
			plain_group(rules, entry, touches, i, end, state);
		}
		else
		{
			uint64		stages = touches[i].stages & stages_below(state->depth + 1);

			/* From the deepest stage, so that no walk takes the touchpoint twice. */
			while (stages > 1)
			{
				int			stage = pg_leftmost_one_pos64(stages);

				stages &= ~STAGE_BIT(stage);
				if (time_within(touches[state->start[stage - 1]].at, at, rules->within))
				{
					state->start[stage] = state->start[stage - 1];
					if (stage == state->depth)
						state->depth++;
				}
			}
			if (stages != 0 && entry_holds(entry, at))
			{
				state->start[0] = i;
				state->depth = Max(state->depth, 1);
			}
		}
		if (state->depth > state->step)
		{
			state->step = state->depth;
			state->begin = state->start[state->step - 1];
		}
	}
	state->next = i;
}

/* The stages that a walk can reach if touchpoints match only the stages seen. */
uint64
funnel_reachable(const FunnelRules *rules, uint64 seen)
{
	uint64		passable = seen | rules->optional;

	if (rules->unordered || rules->from_any)
		return seen;
	if (!(seen & 1))
		return 0;
	/* All below the lowest one that is neither seen nor optional. */
	return passable & ~(passable + 1);
}

/*
 * Begins to look for the winning walk of one customer, whose touchpoints match
 * only the stages of reachable, those that a walk can come to.
 */
void
funnel_search_start(FunnelSearch *search, const FunnelRules *rules, uint64 reachable)
{
	search->early = is_plain(rules);
	/* A plain funnel's are the first so many. */
	search->deepest = search->early && reachable != 0 ? pg_leftmost_one_pos64(reachable) + 1 : rules->nstages;
	search->step = 0;
	search->depth = 0;
	search->next = 0;
}

/*
 * Goes on with touchpoints 0 to count - 1, of which those before the last call's
 * count are the same as then; all: no more will come.  Returns whether more
 * would change nothing.
 */
bool
funnel_search_on(FunnelSearch *search, const FunnelRules *rules, FunnelEntry entry,
				 const FunnelTouch *touches, size_t count, bool all)
{
	if (!search->early)
		return false;
	plain_search(rules, entry, touches, count, all, search);
	return search->step == search->deepest;
}

/* The winning walk of a funnel that lies no further apart, when all touchpoints have come or more would change nothing. */
void
single_search_end(const FunnelSearch *search, const FunnelRules *rules, FunnelEntry entry,
				  const FunnelTouch *touches, size_t count, FunnelWalk *walk)
{
	if (rules->unordered)
	{
		UnorderedSpan span;

		unordered_find(rules, entry, rules->nstages, touches, count, &span);
		walk->step = span.step;
		walk->passed = stages_below(span.step);
		if (span.step > 0)
			unordered_times(rules, touches, &span, walk->at, NULL);
	}
	else if (search->early)
	{
		walk->step = search->step;
		walk->passed = stages_below(search->step);
		if (search->step > 0)
			plain_times(touches + search->begin, count - search->begin, search->step, walk->at);
	}
	else
		ruled_walk(rules, entry, touches, count, walk);
}

/* funnel_walk of such a funnel, with all touchpoints at hand. */
void
single_walk(const FunnelRules *rules, FunnelEntry entry,
			const FunnelTouch *touches, size_t count, FunnelWalk *walk)
{
	FunnelSearch search;

	funnel_search_start(&search, rules, stages_below(rules->nstages));
	funnel_search_on(&search, rules, entry, touches, count, true);
	single_search_end(&search, rules, entry, touches, count, walk);
}
