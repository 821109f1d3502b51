/*
 * funnel/engine_going.c: could walks that have begun take a touchpoint yet to come?
 *
 * Touchpoints come by and by, so that the question can be put after each time of
 * a customer.  Most funnels are followed (funnel/engine_follow.c); what lies apart
 * (funnel/engine_apart.c) is followed anew at each question, from its last session on.
 */
#include "funnel/engine_going.h"

/* Begins; rules and touches must outlive it. */
void
funnel_going_start(FunnelGoing *going, const FunnelRules *rules, FunnelEntry entry, const FunnelTouch *touches)
{
	follow_start(going, rules, entry, touches);
}

/* Takes the touchpoints up to count, where a time ends. */
void
funnel_going_until(FunnelGoing *going, size_t count)
{
	if (going->rules->apart)
		going->next = count;
	else
		follow_until(going, count);
}

/* Could a walk take a touchpoint at now, or later?  now is not before the last touchpoint.  Without a limit none could. */
bool
funnel_going_at(const FunnelGoing *going, int64 now)
{
	const FunnelRules *rules = going->rules;

	if (!rules->apart)
		return follow_at(going, now);
	return funnel_is_limited(rules) && going->next > 0 &&
		apart_goes_on(rules, going->entry, going->touches, going->next, now);
}

/* Could a walk that begins in entry, with one of the touchpoints, take another at now or later?  now is not before the last of them. */
bool
funnel_goes_on(const FunnelRules *rules, FunnelEntry entry, const FunnelTouch *touches, size_t count, int64 now)
{
	FunnelGoing going;

	if (count == 0 || !funnel_is_limited(rules) || entry.from > entry.to)
		return false;
	funnel_going_start(&going, rules, entry, touches);
	funnel_going_until(&going, count);
	return funnel_going_at(&going, now);
}

/* The beginning of a walk that holds a stage at least. */
int64
funnel_walk_began(const FunnelWalk *walk)
{
	int64		began = PG_INT64_MAX;

	for (int i = 0; i < FUNNEL_MAX_STAGES; i++)
		if (walk->passed >> i & 1)
			began = Min(began, walk->at[i]);
	return began;
}

/*
 * The deepest step of a customer who is open, 0 of any other.  Open is who has
 * begun a walk, has not completed the funnel, and some walk could still become at
 * least as deep as the winning one with touchpoints yet to come.  Those come at or
 * after now (or the last touchpoint, if that is later) and may be anything, so one
 * of them is enough: with it come all that are missing, and the walk is complete.
 * It must be one that has begun, that is no longer than within at now, that the
 * next stage's [D] still lets go on, and, for strict and excluding, that nothing
 * has broken since.  Without a limit, within or of a session, nobody is open.
 */
int
funnel_open_step(const FunnelRules *rules, FunnelEntry entry,
				 const FunnelTouch *touches, size_t count, int64 now)
{
	FunnelWalk	walk;
	UnorderedSpan span;

	if (count == 0 || !funnel_goes_on(rules, entry, touches, count, Max(now, touches[count - 1].at)))
		return 0;
	if (rules->unordered && !rules->apart)
	{
		unordered_find(rules, entry, rules->nstages, touches, count, &span);
		return span.step < rules->nstages ? span.step : 0;
	}
	funnel_walk(rules, entry, touches, count, &walk);
	return walk.step <= last_mandatory(rules) ? walk.step : 0;
}
