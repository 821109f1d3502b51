/*
 * funnel/stage_since.c: stage_since(journey, funnel, step, from_time, quiet_since
 * [, not_after]): since when a customer stands where an audience looks for them.
 *
 * A customer comes to a stage whenever a walk ends with it, not the winning one
 * alone: who put something into the cart again came to it again.  The latest time
 * counts.  Of an unordered funnel each touchpoint of a stage is such a walk, and so is each of the first stage.
 *
 * Most customers are in no audience, so what the ends of a journey and its
 * dictionary tell is asked first, and the engine last.
 */
#include "funnel/argument.h"

#include "funnel/feed.h"

PG_FUNCTION_INFO_V1(journey_stage_since);

#define NOT_REACHED PG_INT64_MIN

/* The same where rules lie apart: up to the stage alone, since feeds tell of the deepest walk. */
static int64
latest_end_apart(const FunnelRules *rules, const FunnelTouch *touches, size_t count, int step)
{
	FunnelRules part = *rules;
	FunnelTouch *group = palloc_extended(count * sizeof(FunnelTouch), MCXT_ALLOC_HUGE);
	FunnelEnd  *ends = palloc_extended(count * sizeof(FunnelEnd), MCXT_ALLOC_HUGE);
	uint64		stages = stages_below(step);
	int64		latest = NOT_REACHED;
	TouchSessions sessions;
	ApartFeed  *feed;

	part.nstages = step;
	part.optional &= stages;
	part.gapped &= stages;
	part.bound &= stages;
	feed = apart_feed_start(&part);
	sessions_start(&sessions, rules, touches, count);
	while (sessions_next(&sessions))
		for (size_t first = sessions.first, end; first < sessions.end; first = end)
		{
			CHECK_FOR_INTERRUPTS();
			end = group_end(sessions.touches, sessions.end, first);
			for (size_t i = first; i < end; i++)
			{
				group[i - first] = sessions.touches[i];
				group[i - first].stages &= stages;
			}
			apart_feed_group(feed, group, end - first, ends);
			for (size_t i = 0; i < end - first; i++)
				if (ends[i].step == step)
					latest = Max(latest, group[i].at);
		}
	sessions_free(&sessions);
	pfree(ends);
	pfree(group);
	return latest;
}

/* The latest time at which a walk ends with the step, or NOT_REACHED. */
static int64
latest_end(const FunnelRules *rules, const FunnelTouch *touches, size_t count, int step)
{
	int64		latest = NOT_REACHED;
	RuledState	state;
	RuledGroup	group;

	/* Whoever does what the first stage asks for comes to it, whatever was before. */
	if (rules->unordered || (step == 1 && !rules->apart))
	{
		while (count > 0 && (touches[count - 1].stages & STAGE_BIT(step - 1)) == 0)
			count--;
		return count > 0 ? touches[count - 1].at : NOT_REACHED;
	}
	if (rules->apart)
		return latest_end_apart(rules, touches, count, step);
	state.alive = 0;
	for (size_t i = 0; i < count; i = group.end)
	{
		int64		ended[FUNNEL_MAX_STAGES];

		CHECK_FOR_INTERRUPTS();
		ruled_group(rules, rules->nstages, touches, count, i, &group);
		if ((ruled_advance(rules, FUNNEL_ANY_ENTRY, &group, &state, ended) & STAGE_BIT(step - 1)) != 0)
			latest = group.at;
	}
	return latest;
}

/*
 * Did the customer do something that other lists at or after a time?  What has that
 * time may have come after it, but for the touchpoints of the stage that was reached.
 */
static bool
did_since(const FunnelMatcher *other, const FunnelMatcher *matcher, const JourneyView *view, int64 since, int step)
{
	for (uint32 i = journey_lower_bound(view, since); i < view->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (funnel_match_stages(other, view, i) != 0 &&
			(journey_at(view, i) > since || (funnel_match_stages(matcher, view, i) & STAGE_BIT(step - 1)) == 0))
			return true;
	}
	return false;
}

/*
 * stage_since: the time; NULL of who did not come to the stage from from_time on, was seen after
 * quiet_since, or did since what not_after lists.
 */
Datum
journey_stage_since(PG_FUNCTION_ARGS)
{
	FunnelMatcher *matcher = funnel_matcher_argument(fcinfo, 1, NULL);
	FunnelMatcher *other = PG_NARGS() > 5 ? funnel_matcher_other(fcinfo, PG_GETARG_DATUM(5)) : NULL;
	const FunnelRules *rules = funnel_matcher_rules(matcher);
	int			step = PG_GETARG_INT32(2);
	TimestampTz from = PG_GETARG_TIMESTAMPTZ(3);
	JourneyView view;
	const FunnelTouch *touches = NULL;
	size_t		count;
	int64		last;
	int64		since;

	if (step < 1 || step > rules->nstages)
		PG_RETURN_NULL();
	journey_open_datum(PG_GETARG_DATUM(0), &view);
	if (view.count == 0)
		PG_RETURN_NULL();
	last = journey_at(&view, view.count - 1);
	if (last < from || last > PG_GETARG_TIMESTAMPTZ(4))
		PG_RETURN_NULL();
	count = funnel_match_touches(matcher, &view, &touches);
	if (count == 0)
		PG_RETURN_NULL();
	since = latest_end(rules, touches, count, step);
	if (since == NOT_REACHED || since < from)
		PG_RETURN_NULL();
	/* Most have done nothing of it, which the dictionary tells. */
	if (other != NULL && funnel_match_start(other, &view) != 0 && did_since(other, matcher, &view, since, step))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(since);
}
