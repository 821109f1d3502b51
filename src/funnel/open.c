/*
 * funnel/open.c: funnel_open(journey, funnel, now [, entered]): could this
 * customer still come as far as the deepest walk, or further?
 *
 * The matcher leaves out touchpoints of stages that the journey cannot reach by
 * what it has so far.  That is right here as well: what is yet to come lies at
 * or after the last touchpoint, so a stage that nothing leads to yet can only be
 * taken by a touchpoint yet to come, and if that one may come, so may all that
 * are missing.  Whether a walk goes on depends on the first stage, on stages
 * already reached, on what is excluded and, for strict, on all touchpoints, and
 * those are kept.
 *
 * Only the time of the last touchpoint may be lost, and nothing comes before it.
 */
#include "funnel/argument.h"

PG_FUNCTION_INFO_V1(journey_funnel_open);

Datum
journey_funnel_open(PG_FUNCTION_ARGS)
{
	FunnelMatcher *matcher = funnel_matcher_argument(fcinfo, 1, NULL);
	TimestampTz now = PG_GETARG_TIMESTAMPTZ(2);
	FunnelEntry entry = PG_NARGS() > 3 ? funnel_entry(PG_GETARG_DATUM(3)) : FUNNEL_ANY_ENTRY;
	JourneyView view;
	const FunnelTouch *touches;
	size_t		count;

	journey_open_datum(PG_GETARG_DATUM(0), &view);
	count = funnel_match_touches(matcher, &view, &touches);
	if (count == 0)
		PG_RETURN_BOOL(false);
	now = Max(now, journey_at(&view, view.count - 1));
	PG_RETURN_BOOL(funnel_open(funnel_matcher_rules(matcher), entry, touches, count, now));
}
