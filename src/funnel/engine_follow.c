/*
 * funnel/engine_follow.c: walks under way, followed; could they take a touchpoint yet
 * to come?  Of funnels that lie no further apart, for funnel/engine_going.c.
 *
 * An ordered funnel is followed as it is elsewhere, and an answer costs a step a
 * stage, whatever lies behind.  An unordered one is looked at from its end at each
 * question, mostly no further than its last touchpoint.
 */
#include "funnel/engine_going.h"

/* Begins; rules and touches must outlive it. */
void
follow_start(FunnelGoing *going, const FunnelRules *rules, FunnelEntry entry, const FunnelTouch *touches)
{
	going->rules = rules;
	going->entry = entry;
	going->touches = touches;
	going->next = 0;
	going->begun = false;
	going->state.alive = 0;
}

/* Of a plain funnel the latest touchpoint that could begin a walk decides. */
static void
find_start(FunnelGoing *going, size_t count)
{
	const FunnelTouch *touches = going->touches;

	for (size_t i = count; i-- > going->next;)
	{
		CHECK_FOR_INTERRUPTS();
		if ((touches[i].stages & 1) != 0 && entry_holds(going->entry, touches[i].at))
		{
			going->begun = true;
			going->start = touches[i].at;
			return;
		}
	}
}

/* Takes the touchpoints up to count, where a time ends. */
void
follow_until(FunnelGoing *going, size_t count)
{
	const FunnelRules *rules = going->rules;
	RuledGroup	group;

	if (is_plain(rules))
		find_start(going, count);
	else if (!rules->unordered)
		for (size_t i = going->next; i < count; i = group.end)
		{
			int64		ended[FUNNEL_MAX_STAGES];
			uint64		stages;

			CHECK_FOR_INTERRUPTS();
			ruled_group(rules, rules->nstages, going->touches, count, i, &group);
			if (group.end == count)
				going->before = going->state;
			stages = ruled_advance(rules, going->entry, &group, &going->state, ended);
			going->ended = (stages & stages_below(rules->nstages - 1)) != 0;
		}
	going->next = count;
}

/* Could a walk take a touchpoint at now, or later?  now is not before the last touchpoint.  Without a limit none could. */
bool
follow_at(const FunnelGoing *going, int64 now)
{
	const FunnelRules *rules = going->rules;

	if (rules->within == FUNNEL_NO_LIMIT || going->next == 0)
		return false;
	if (rules->unordered)
		return unordered_goes_on(rules, going->entry, going->touches, going->next, now);
	if (is_plain(rules))
		return going->begun && time_within(going->start, now, rules->within);
	/* What comes at the last time comes among its touchpoints, which bound nothing there. */
	if (going->touches[going->next - 1].at == now)
		return going->ended || ruled_goes_on(rules, &going->before, now);
	return ruled_goes_on(rules, &going->state, now);
}

