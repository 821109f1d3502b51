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

static bool
same_label(Label a, Label b)
{
	if (a.bytes == NULL || b.bytes == NULL)
		return a.bytes == b.bytes;
	return label_equal(a, b);
}

static void
add_condition(FunnelMatcher *matcher, FunnelEvent asks, uint64 stages, bool excluded)
{
	Condition  *condition;

	for (int i = 0; i < matcher->nconditions; i++)
	{
		condition = &matcher->conditions[i];
		if (same_label(condition->asks.event, asks.event) &&
			same_label(condition->asks.channel, asks.channel))
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

			c->possible = id >= 0;
			c->channel = id + 1;
			if (c->possible)
				seen |= c->stages;
		}
	}
	return seen;
}

/*
 * funnel_match_touches gives the touchpoints of a journey that the rules need
 * to see, as the engine wants them.  The array is the matcher's and holds until
 * the next call.
 */
size_t
funnel_match_touches(FunnelMatcher *matcher, const JourneyView *view, const FunnelTouch **touches)
{
	uint64		seen;
	size_t		count = 0;

	if (view->count == 0)
		return 0;
	seen = prepare(matcher, view);
	if (matcher->rules.unordered ? seen == 0 : !(seen & 1))
		return 0;
	if (view->count > matcher->touch_capacity)
	{
		matcher->touch_capacity = view->count + view->count / 2;
		matcher->touches = repalloc_huge(matcher->touches, (size_t) matcher->touch_capacity * sizeof(FunnelTouch));
	}
	for (uint32 i = 0; i < view->count; i++)
	{
		uint32		event = journey_label_at(&view->events, i);
		EventMask	mask = matcher->masks[event];

		if (matcher->nchanneled > 0)
		{
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
		}
		if (mask.stages != 0 || mask.excluded || matcher->rules.strict)
			matcher->touches[count++] = (FunnelTouch) {journey_at(view, i), mask.stages, mask.excluded};
	}
	*touches = matcher->touches;
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
