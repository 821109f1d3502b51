/*
 * funnel/engine_going.c: could walks that have begun take a touchpoint yet to come?
 *
 * Touchpoints come by and by, so that the question can be put after each time of
 * a customer.  An ordered funnel is followed as it is elsewhere, and an answer
 * costs a step a stage, whatever lies behind.  An unordered one is looked at from
 * its end at each question, mostly no further than its last touchpoint.
 */
#include "funnel/engine_going.h"

/* Begins; rules and touches must outlive it. */
void
funnel_going_start(FunnelGoing *going, const FunnelRules *rules, FunnelEntry entry, const FunnelTouch *touches)
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
funnel_going_until(FunnelGoing *going, size_t count)
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
funnel_going_at(const FunnelGoing *going, int64 now)
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

/*
 * The deepest step of a customer who is open, 0 of any other.  Open is who has
 * begun a walk, has not completed the funnel, and some walk could still become at
 * least as deep as the winning one with touchpoints yet to come.  Those come at or
 * after now (or the last touchpoint, if that is later) and may be anything, so one
 * of them is enough: with it come all that are missing, and the walk is complete.
 * It must be one that has begun, that is no longer than within at now, that the
 * next stage's [D] still lets go on, and, for strict and excluding, that nothing
 * has broken since.  Without within nobody is open.
 */
int
funnel_open_step(const FunnelRules *rules, FunnelEntry entry,
				 const FunnelTouch *touches, size_t count, int64 now)
{
	FunnelGoing going;
	FunnelWalk	walk;
	UnorderedSpan span;

	if (count == 0 || rules->within == FUNNEL_NO_LIMIT)
		return 0;
	funnel_going_start(&going, rules, entry, touches);
	funnel_going_until(&going, count);
	if (!funnel_going_at(&going, Max(now, touches[count - 1].at)))
		return 0;
	if (rules->unordered)
	{
		unordered_find(rules, entry, touches, count, &span);
		return span.step < rules->nstages ? span.step : 0;
	}
	funnel_walk(rules, entry, touches, count, &walk);
	return walk.step <= last_mandatory(rules) ? walk.step : 0;
}
