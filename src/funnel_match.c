/*
 * funnel_match.c: turns labels into the bits that the funnel engine reads.
 *
 * A definition becomes a list of conditions, one for each distinct pair of
 * event and channel it asks for, sorted by event.  For a journey the list and
 * the dictionary of events, which is sorted too, are merged once; then each
 * touchpoint costs one look-up by its event id.  A journey whose dictionary
 * does not have what the first stage needs is answered without reading a
 * single touchpoint.
 *
 * A matcher owns scratch memory that grows to the largest journey seen and is
 * used again for the next.
 */
#include "funnel_match.h"

#define INITIAL_CAPACITY 16

/* What touchpoints with a certain event, channel or both count as. */
typedef struct Condition
{
	FunnelEvent asks;			/* no bytes: any */
	uint64		stages;
	bool		excluded;
	/* For the journey at hand: */
	bool		possible;		/* its labels occur in the journey */
	uint32		event;			/* id, if it asks for an event */
	uint32		channel;		/* id + 1, if it asks for a channel */
} Condition;

/* What an event counts as whatever its channel. */
typedef struct EventMask
{
	uint64		stages;
	bool		excluded;
} EventMask;

struct FunnelMatcher
{
	FunnelRules rules;
	int			nconditions;
	int			nchanneled;		/* of them, those that ask for a channel; they come first */
	Condition  *conditions;
	EventMask	any;			/* of the condition * without a channel */
	uint32		mask_capacity;
	EventMask  *masks;			/* by event id */
	uint32		touch_capacity;
	FunnelTouch *touches;
};

static void
add_condition(FunnelMatcher *matcher, FunnelEvent asks, uint64 stages, bool excluded)
{
	Condition  *condition;

	for (int i = 0; i < matcher->nconditions; i++)
	{
		condition = &matcher->conditions[i];
		if (funnel_event_equal(&condition->asks, &asks))
		{
			condition->stages |= stages;
			condition->excluded |= excluded;
			return;
		}
	}
	condition = &matcher->conditions[matcher->nconditions++];
	memset(condition, 0, sizeof(*condition));
	condition->asks = asks;
	condition->stages = stages;
	condition->excluded = excluded;
}

/* Channel conditions first; within each half, those for any event first, then by event. */
static int
condition_order(const void *a, const void *b)
{
	const Condition *x = a;
	const Condition *y = b;

	if ((x->asks.channel.bytes != NULL) != (y->asks.channel.bytes != NULL))
		return x->asks.channel.bytes != NULL ? -1 : 1;
	if (x->asks.event.bytes == NULL || y->asks.event.bytes == NULL)
		return (x->asks.event.bytes != NULL) - (y->asks.event.bytes != NULL);
	return label_compare(x->asks.event, y->asks.event);
}

/*
 * funnel_matcher makes a definition ready, in the current context, where all
 * that it will ever own stays.  The labels of the definition are not copied.
 */
FunnelMatcher *
funnel_matcher(const FunnelDef *def)
{
	FunnelMatcher *matcher = palloc0(sizeof(FunnelMatcher));
	int			nevents = def->nexcluded;

	funnel_rules(def, &matcher->rules);
	for (int i = 0; i < def->nstages; i++)
		nevents += def->stages[i].nevents;
	matcher->conditions = palloc(nevents * sizeof(Condition));
	matcher->mask_capacity = matcher->touch_capacity = INITIAL_CAPACITY;
	matcher->masks = palloc(INITIAL_CAPACITY * sizeof(EventMask));
	matcher->touches = palloc(INITIAL_CAPACITY * sizeof(FunnelTouch));
	for (int i = 0; i < def->nstages; i++)
		for (int j = 0; j < def->stages[i].nevents; j++)
			add_condition(matcher, def->stages[i].events[j], UINT64CONST(1) << i, false);
	for (int i = 0; i < def->nexcluded; i++)
		add_condition(matcher, def->excluded[i], 0, true);
	qsort(matcher->conditions, matcher->nconditions, sizeof(Condition), condition_order);
	while (matcher->nchanneled < matcher->nconditions &&
		   matcher->conditions[matcher->nchanneled].asks.channel.bytes != NULL)
		matcher->nchanneled++;
	if (matcher->nchanneled < matcher->nconditions &&
		matcher->conditions[matcher->nchanneled].asks.event.bytes == NULL)
	{
		matcher->any.stages = matcher->conditions[matcher->nchanneled].stages;
		matcher->any.excluded = matcher->conditions[matcher->nchanneled].excluded;
	}
	return matcher;
}

const FunnelRules *
funnel_matcher_rules(const FunnelMatcher *matcher)
{
	return &matcher->rules;
}

/* Does any stage or exclusion ask for a channel? */
bool
funnel_matcher_asks_channel(const FunnelMatcher *matcher)
{
	return matcher->nchanneled > 0;
}

/*
 * Merges conditions from .. to - 1, which are sorted by event, with the events
 * of a journey: sets possible and event of each.
 */
static void
find_events(Condition *from, Condition *to, const JourneyView *view)
{
	const uint8 *p = view->events.dictionary;
	Condition  *condition = from;

	for (uint32 id = 0; id < view->events.count && condition < to; id++)
	{
		uint64		size;
		Label		label;

		p = varint_load(p, &size);
		label = (Label) {(const char *) p, (uint32) size};
		p += size;
		while (condition < to)
		{
			int			order = condition->asks.event.bytes == NULL ? -1 :
				label_compare(condition->asks.event, label);

			if (order > 0)
				break;
			condition->possible = order == 0 || condition->asks.event.bytes == NULL;
			condition->event = id;
			condition++;
		}
	}
	for (; condition < to; condition++)
		condition->possible = condition->asks.event.bytes == NULL;
}

/* Prepares the tables for a journey; returns the stages that any touchpoint of it can match. */
static uint64
prepare(FunnelMatcher *matcher, const JourneyView *view)
{
	Condition  *plain = matcher->conditions + matcher->nchanneled;
	Condition  *end = matcher->conditions + matcher->nconditions;
	uint64		seen = matcher->any.stages;

	if (view->events.count > matcher->mask_capacity)
	{
		matcher->mask_capacity = view->events.count + view->events.count / 2;
		matcher->masks = repalloc_huge(matcher->masks, (size_t) matcher->mask_capacity * sizeof(EventMask));
	}
	for (uint32 id = 0; id < view->events.count; id++)
		matcher->masks[id] = matcher->any;
	find_events(plain, end, view);
	for (Condition *c = plain; c < end; c++)
		if (c->possible && c->asks.event.bytes != NULL)
		{
			matcher->masks[c->event].stages |= c->stages;
			matcher->masks[c->event].excluded |= c->excluded;
			seen |= c->stages;
		}
	if (matcher->nchanneled > 0)
	{
		find_events(matcher->conditions, plain, view);
		for (Condition *c = matcher->conditions; c < plain; c++)
		{
			int64		id = c->possible ? journey_find_label(&view->channels, c->asks.channel) : -1;

			CHECK_FOR_INTERRUPTS();
			c->possible = id >= 0;
			c->channel = id + 1;
			if (c->possible)
				seen |= c->stages;
		}
	}
	return seen;
}

/* The stages that a walk can reach if touchpoints match only the stages seen. */
static uint64
reachable_stages(const FunnelRules *rules, uint64 seen)
{
	uint64		passable = seen | rules->optional;

	if (rules->unordered)
		return seen;
	if (!(seen & 1))
		return 0;
	/* All below the lowest one that is neither seen nor optional. */
	return passable & ~(passable + 1);
}

/* What the channel conditions add to what touchpoint i counts as. */
static EventMask
channel_mask(const FunnelMatcher *matcher, const JourneyView *view, uint32 i, EventMask mask)
{
	uint32		event = journey_label_at(&view->events, i);
	uint32		channel = journey_label_at(&view->channels, i);

	for (int c = 0; c < matcher->nchanneled; c++)
	{
		const Condition *condition = &matcher->conditions[c];

		if (condition->possible && condition->channel == channel &&
			(condition->asks.event.bytes == NULL || condition->event == event))
		{
			mask.stages |= condition->stages;
			mask.excluded |= condition->excluded;
		}
	}
	return mask;
}

/*
 * Writes the touchpoints that matter into the matcher's array, with their
 * number in the journey for a time, and returns how many.  Whether one matters
 * is as good as random, so that a branch on it would cost more than the rest:
 * each is written, and counted if it does.  Inlined with constants, since this
 * loop is where most of the time goes.
 */
static pg_attribute_always_inline size_t
collect(const FunnelMatcher *matcher, const JourneyView *view, uint64 reachable, bool channeled, int width)
{
	JourneyLabels events = view->events;
	const EventMask *masks = matcher->masks;
	FunnelTouch *out = matcher->touches;
	bool		strict = matcher->rules.strict;
	size_t		count = 0;

	events.width = width;
	for (uint32 i = 0; i < view->count; i++)
	{
		EventMask	mask = masks[journey_label_at(&events, i)];

		if (channeled)
		{
			/* A thousand conditions a touchpoint may take a while. */
			CHECK_FOR_INTERRUPTS();
			mask = channel_mask(matcher, view, i, mask);
		}
		mask.stages &= reachable;
		out[count].at = i;
		out[count].stages = mask.stages;
		out[count].excluded = mask.excluded;
		count += (mask.stages != 0) | mask.excluded | strict;
	}
	return count;
}

/*
 * funnel_match_touches gives the touchpoints of a journey that the rules need
 * to see, as the engine wants them.  The array is the matcher's and holds until
 * the next call.
 */
size_t
funnel_match_touches(FunnelMatcher *matcher, const JourneyView *view, const FunnelTouch **touches)
{
	FunnelTouch *out;
	uint64		reachable;
	size_t		count;

	if (view->count == 0)
		return 0;
	reachable = reachable_stages(&matcher->rules, prepare(matcher, view));
	if (reachable == 0)
		return 0;
	if (view->count > matcher->touch_capacity)
	{
		matcher->touch_capacity = view->count + view->count / 2;
		matcher->touches = repalloc_huge(matcher->touches, (size_t) matcher->touch_capacity * sizeof(FunnelTouch));
	}
	out = matcher->touches;
	*touches = out;

	if (matcher->nchanneled == 0 && view->events.width == 1)
		count = collect(matcher, view, reachable, false, 1);
	else
		count = collect(matcher, view, reachable, matcher->nchanneled > 0, view->events.width);
	/* Times are read last, and only of those that matter. */
	for (size_t i = 0; i < count; i++)
		out[i].at = journey_at(view, (uint32) out[i].at);
	return count;
}

/* The winning walk of a journey. */
void
funnel_match_journey(FunnelMatcher *matcher, const JourneyView *view, FunnelEntry entry, FunnelWalk *walk)
{
	const FunnelTouch *touches;
	size_t		count = funnel_match_touches(matcher, view, &touches);

	if (count == 0)
	{
		walk->step = 0;
		walk->passed = 0;
		return;
	}
	funnel_walk(&matcher->rules, entry, touches, count, walk);
}

/* A touchpoint that may complete the funnel. */
typedef struct Candidate
{
	uint64		stages;
	uint32		touch;
} Candidate;

static int
candidate_order(const void *a, const void *b)
{
	const Candidate *x = a;
	const Candidate *y = b;

	if (x->stages != y->stages)
		return x->stages < y->stages ? -1 : 1;
	return (x->touch > y->touch) - (x->touch < y->touch);
}

static int
completion_order(const void *a, const void *b)
{
	uint64		x = ((const FunnelCompletion *) a)->stages;
	uint64		y = ((const FunnelCompletion *) b)->stages;

	return (x > y) - (x < y);
}

static int
touch_order(const void *a, const void *b)
{
	uint32		x = *(const uint32 *) a;
	uint32		y = *(const uint32 *) b;

	return (x > y) - (x < y);
}

/*
 * The touchpoints that complete the conversions of one time, by their numbers.
 * Of those that match the same stages the first in the journey do.
 */
static size_t
completing_touches(const FunnelMatcher *matcher, const JourneyView *view, uint64 stages,
				   FunnelCompletion *completions, size_t count, uint32 *out)
{
	int64		at = completions[0].at;
	uint32		first = journey_lower_bound(view, at);
	uint32		end = journey_lower_bound(view, at + 1);
	size_t		ncandidates = 0;
	size_t		next = 0;
	size_t		nout = 0;
	Candidate  *candidates;

	if (end - first == 1)
	{
		out[0] = first;
		return 1;
	}
	candidates = palloc_extended((size_t) (end - first) * sizeof(Candidate), MCXT_ALLOC_HUGE);
	for (uint32 i = first; i < end; i++)
	{
		EventMask	mask = matcher->masks[journey_label_at(&view->events, i)];

		CHECK_FOR_INTERRUPTS();
		if (matcher->nchanneled > 0)
			mask = channel_mask(matcher, view, i, mask);
		if (mask.stages & stages)
			candidates[ncandidates++] = (Candidate) {mask.stages & stages, i};
	}
	qsort(candidates, ncandidates, sizeof(Candidate), candidate_order);
	qsort(completions, count, sizeof(FunnelCompletion), completion_order);
	for (size_t i = 0; i < count; i++)
	{
		while (candidates[next].stages != completions[i].stages)
			next++;
		for (int64 n = 0; n < completions[i].count; n++)
			out[nout++] = candidates[next++].touch;
	}
	qsort(out, nout, sizeof(uint32), touch_order);
	pfree(candidates);
	return nout;
}

/*
 * The touchpoints that complete the funnel, one for each conversion, by their
 * numbers in the journey, ascending; *conversions is palloc'd if there are any.
 */
size_t
funnel_match_conversions(FunnelMatcher *matcher, const JourneyView *view, uint32 **conversions)
{
	const FunnelTouch *touches;
	size_t		count = funnel_match_touches(matcher, view, &touches);
	FunnelCompletions completions = {0};
	size_t		nout = 0;
	int64		total;

	if (count == 0)
		return 0;
	total = funnel_conversions(&matcher->rules, FUNNEL_ANY_ENTRY, touches, count, &completions);
	if (total == 0)
		return 0;
	*conversions = palloc_extended(total * sizeof(uint32), MCXT_ALLOC_HUGE);
	for (size_t first = 0, end; first < completions.count; first = end)
	{
		for (end = first + 1; end < completions.count; end++)
			if (completions.list[end].at != completions.list[first].at)
				break;
		nout += completing_touches(matcher, view, completions.stages, completions.list + first, end - first,
								   *conversions + nout);
	}
	Assert(nout == (size_t) total);
	pfree(completions.list);
	return nout;
}

/*
 * What a single touchpoint counts as; channel may be no label.  Costs a binary
 * search by event, and one test for each condition that asks for a channel.
 */
FunnelTouch
funnel_match_row(const FunnelMatcher *matcher, int64 at, Label event, Label channel)
{
	FunnelTouch touch = {at, matcher->any.stages, matcher->any.excluded};
	int			low = matcher->nchanneled;
	int			high = matcher->nconditions;

	/* Of the conditions without a channel the one for any event, already counted, comes first. */
	while (low < high)
	{
		int			middle = (low + high) / 2;
		const Condition *condition = &matcher->conditions[middle];
		int			order = condition->asks.event.bytes == NULL ? -1 : label_compare(condition->asks.event, event);

		if (order == 0)
		{
			touch.stages |= condition->stages;
			touch.excluded |= condition->excluded;
			break;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (channel.bytes != NULL)
	{
		for (int c = 0; c < matcher->nchanneled; c++)
		{
			const Condition *condition = &matcher->conditions[c];

			if (label_equal(condition->asks.channel, channel) &&
				(condition->asks.event.bytes == NULL || label_equal(condition->asks.event, event)))
			{
				touch.stages |= condition->stages;
				touch.excluded |= condition->excluded;
			}
		}
	}
	return touch;
}
