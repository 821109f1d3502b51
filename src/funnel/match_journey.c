/*
 * funnel/match_journey.c: reads the touchpoints of a journey for the engine.
 *
 * Event ids first, and times only of touchpoints that matter; a journey that
 * the engine decides early is not read to its end.
 */
#include "funnel/match_internal.h"

/*
 * Makes a matcher ready to be asked of single touchpoints of a journey, until it is
 * asked of the next one; returns the stages that a walk can reach in it.
 */
uint64
funnel_match_start(FunnelMatcher *matcher, const JourneyView *view)
{
	return view->count > 0 ? funnel_match_prepare(matcher, view) : 0;
}

/* The stages that touchpoint i matches, whatever came before it. */
uint64
funnel_match_stages(const FunnelMatcher *matcher, const JourneyView *view, uint32 i)
{
	EventMask	mask = matcher->event_masks[journey_label_at(&view->events, i)];

	return !matcher->channeled ? mask.stages : channel_mask(matcher, view, i, mask).stages;
}

/* Touchpoints that are read at a time. */
#define BLOCK 64

/* A journey of which touchpoints are being read. */
typedef struct Reading
{
	const JourneyView *view;
	const EventMask *masks;		/* by event id */
	uint64		reachable;
	uint32		next;			/* touchpoint */
	size_t		count;			/* of those in the matcher's array */
	int64		at;				/* time of the last of them */
} Reading;

/*
 * Writes those touchpoints before end that matter into the matcher's array,
 * with their number in the journey for a time.  Whether one matters is as good
 * as random, so that a branch on it would cost more than the rest: each is
 * written, and counted if it does.  Inlined with constants, since this loop is
 * where most of the time goes.
 */
static pg_attribute_always_inline size_t
collect(const FunnelMatcher *matcher, const Reading *reading, uint32 end, bool channeled, bool named, int width)
{
	const JourneyView *view = reading->view;
	JourneyLabels events = view->events;
	FunnelTouch *out = matcher->touches;
	bool		every = matcher->rules.every;
	size_t		count = reading->count;

	events.width = width;
	for (uint32 i = reading->next; i < end; i++)
	{
		EventMask	mask = reading->masks[journey_label_at(&events, i)];

		if (channeled)
		{
			/* A thousand conditions a touchpoint may take a while. */
			CHECK_FOR_INTERRUPTS();
			mask = channel_mask(matcher, view, i, mask);
		}
		mask.stages &= reading->reachable;
		out[count].at = i;
		out[count].stages = mask.stages;
		out[count].excluded = mask.excluded;
		out[count].session = named ? journey_label_at(&view->sessions, i) : 0;
		out[count].value = channeled ? journey_label_at(&view->channels, i) : 0;
		count += (mask.stages != 0) | mask.excluded | every;
	}
	return count;
}

/*
 * The first touchpoint that a walk can begin with, or another one of its time
 * before it: what comes earlier matters to no ordered funnel.
 */
static pg_attribute_always_inline uint32
find_entry(const Reading *reading, int width)
{
	JourneyLabels events = reading->view->events;
	uint32		i = 0;

	events.width = width;
	while (i < reading->view->count && !(reading->masks[journey_label_at(&events, i)].stages & 1))
		i++;
	if (i < reading->view->count)
		while (i > 0 && journey_at(reading->view, i - 1) == journey_at(reading->view, i))
			i--;
	return i;
}

/* Begins to read a journey; false if no walk can be in it. */
static inline bool
reading_start(FunnelMatcher *matcher, const JourneyView *view, Reading *reading)
{
	bool		narrow = view->events.width == 1;

	if (view->count == 0)
		return false;
	reading->view = view;
	reading->reachable = funnel_match_prepare(matcher, view);
	reading->masks = matcher->event_masks;
	if (reading->reachable == 0)
		return false;
	reading->next = 0;
	reading->count = 0;
	reading->at = PG_INT64_MIN;
	if (!matcher->rules.unordered && !matcher->rules.from_any && !matcher->channeled)
		reading->next = narrow ? find_entry(reading, 1) : find_entry(reading, view->events.width);
	return true;
}

/* Reads so many more touchpoints, or all that are left, but with their numbers in the journey for times. */
static inline void
reading_numbers(FunnelMatcher *matcher, Reading *reading, uint32 touches)
{
	const JourneyView *view = reading->view;
	uint32		end = view->count - reading->next > touches ? reading->next + touches : view->count;
	size_t		room = reading->count + (end - reading->next);
	bool		named = matcher->rules.session != 0 && view->sessions.count > 0;

	if (room > matcher->touch_capacity)
	{
		matcher->touch_capacity = room + room / 2;
		matcher->touches = repalloc_huge(matcher->touches, matcher->touch_capacity * sizeof(FunnelTouch));
	}
	if (!matcher->channeled && !named && view->events.width == 1)
		reading->count = collect(matcher, reading, end, false, false, 1);
	else
		reading->count = collect(matcher, reading, end, matcher->channeled, named, view->events.width);
	reading->next = end;
}

/* Puts times in the place of the numbers of touchpoints from count on. */
static inline void
reading_times(FunnelMatcher *matcher, Reading *reading, size_t count)
{
	/* Times are read last, and only of those that matter.  The engine relies on their order. */
	for (; count < reading->count; count++)
		matcher->touches[count].at = reading->at =
			journey_at_after(reading->view, (uint32) matcher->touches[count].at, reading->at);
}

/* Reads so many more touchpoints, or all that are left. */
static inline void
reading_on(FunnelMatcher *matcher, Reading *reading, uint32 touches)
{
	size_t		count = reading->count;

	reading_numbers(matcher, reading, touches);
	reading_times(matcher, reading, count);
}

/*
 * funnel_match_touches gives the touchpoints of a journey that the rules need
 * to see, as the engine wants them.  The array is the matcher's and holds until
 * the next call.
 */
size_t
funnel_match_touches(FunnelMatcher *matcher, const JourneyView *view, const FunnelTouch **touches)
{
	Reading		reading;

	if (!reading_start(matcher, view, &reading))
		return 0;
	reading_on(matcher, &reading, view->count);
	*touches = matcher->touches;
	return reading.count;
}

/* The same, with the number in the journey of each; the array of numbers is of the current memory context. */
size_t
funnel_match_numbered(FunnelMatcher *matcher, const JourneyView *view, const FunnelTouch **touches, uint32 **numbers)
{
	Reading		reading;

	if (!reading_start(matcher, view, &reading))
		return 0;
	reading_numbers(matcher, &reading, view->count);
	*numbers = palloc_extended(Max(reading.count, 1) * sizeof(uint32), MCXT_ALLOC_HUGE);
	for (size_t i = 0; i < reading.count; i++)
		(*numbers)[i] = (uint32) matcher->touches[i].at;
	reading_times(matcher, &reading, 0);
	*touches = matcher->touches;
	return reading.count;
}

/* The winning walk of a journey. */
void
funnel_match_journey(FunnelMatcher *matcher, const JourneyView *view, FunnelEntry entry, FunnelWalk *walk)
{
	const FunnelRules *rules = &matcher->rules;
	Reading		reading;
	FunnelSearch search;
	bool		known = false;

	if (!reading_start(matcher, view, &reading))
	{
		walk->step = 0;
		walk->passed = 0;
		return;
	}
	funnel_search_start(&search, rules, reading.reachable);
	/* Who can do no more than begin did so first where reading begins. */
	if (search.early && search.deepest == 1 && !matcher->channeled &&
		entry.from == PG_INT64_MIN && entry.to == PG_INT64_MAX)
	{
		walk->step = 1;
		walk->passed = 1;
		walk->at[0] = journey_at_after(view, reading.next, PG_INT64_MIN);
		return;
	}
	while (!known && reading.next < view->count)
	{
		reading_on(matcher, &reading, BLOCK);
		known = funnel_search_on(&search, rules, entry, matcher->touches, reading.count, reading.next == view->count);
	}
	funnel_search_end(&search, rules, entry, matcher->touches, reading.count, walk);
}
