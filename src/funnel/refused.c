/*
 * funnel/refused.c: funnel_refused(journey, funnel, refusal, now [, entered]): when
 * did this customer say no?
 *
 * A refusal is an exit, and no step: what counts is the first one since the winning
 * walk began, of a customer who has not completed the funnel.  Walks that began up
 * to the last refusal are over with it.  Who has begun another one since, which may
 * still go on, has come back, and is open.  What lies at the time of the beginning
 * comes after it, since the order within one time is not known.
 */
#include "funnel/argument.h"

#include "funnel/engine_going.h"
#include "funnel/periods.h"

PG_FUNCTION_INFO_V1(journey_funnel_refused);

/* The first and the last touchpoint from a time on that the funnel has a stage for; false if there is none. */
static bool
find_refusals(const FunnelMatcher *refusal, const JourneyView *view, int64 from, int64 *first, int64 *last)
{
	uint32		i = journey_lower_bound(view, from);
	uint32		end = view->count;

	while (i < end && funnel_match_stages(refusal, view, i) == 0)
	{
		CHECK_FOR_INTERRUPTS();
		i++;
	}
	if (i == end)
		return false;
	while (funnel_match_stages(refusal, view, end - 1) == 0)
	{
		CHECK_FOR_INTERRUPTS();
		end--;
	}
	*first = journey_at(view, i);
	*last = journey_at(view, end - 1);
	return true;
}

Datum
journey_funnel_refused(PG_FUNCTION_ARGS)
{
	FunnelMatcher *matcher = funnel_matcher_argument(fcinfo, 1, NULL);
	FunnelMatcher *refusal = funnel_matcher_other(fcinfo, PG_GETARG_DATUM(2));
	const FunnelRules *rules = funnel_matcher_rules(matcher);
	TimestampTz now = PG_GETARG_TIMESTAMPTZ(3);
	FunnelEntry entry = PG_NARGS() > 4 ? funnel_entry(PG_GETARG_DATUM(4)) : FUNNEL_ANY_ENTRY;
	JourneyView view;
	const FunnelTouch *touches;
	size_t		count;
	FunnelWalk	walk;
	int64		first;
	int64		last;

	journey_open_datum(PG_GETARG_DATUM(0), &view);
	/* Most have refused nothing, which the dictionary tells. */
	if (funnel_match_start(refusal, &view) == 0)
		PG_RETURN_NULL();
	count = funnel_match_touches(matcher, &view, &touches);
	if (count == 0)
		PG_RETURN_NULL();
	funnel_walk(rules, entry, touches, count, &walk);
	if (walk.step == 0 || walk.step > funnel_completed_stage(rules) ||
		!find_refusals(refusal, &view, funnel_walk_began(&walk), &first, &last))
		PG_RETURN_NULL();
	entry.from = Max(entry.from, last + 1);
	if (funnel_goes_on(rules, entry, touches, count, Max(now, journey_at(&view, view.count - 1))))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(first);
}
