/*
 * funnel/match.c: turns labels into the bits that the funnel engine reads.
 *
 * A definition becomes a list of conditions, one for each distinct pair of
 * event and channel it asks for, sorted by event.  For a journey the list and
 * the dictionary of events, which is sorted too, are merged once; then each
 * touchpoint costs one look-up by its event id.  A journey whose dictionary
 * does not have what the first stage needs is answered without reading a
 * single touchpoint.
 *
 * Journeys of one table have few different dictionaries, and so what the
 * events of one count as is remembered: a journey whose dictionary was seen
 * lately costs a comparison of its bytes.
 *
 * A matcher owns scratch memory that grows to the largest journey seen and is
 * used again for the next.
 */
#include "funnel/match_internal.h"

#define INITIAL_CAPACITY 16

/* After so many journeys it is seen whether remembering pays. */
#define MEMO_TRIAL 1000

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
condition_order(const Condition *x, const Condition *y)
{
	if ((x->asks.channel.bytes != NULL) != (y->asks.channel.bytes != NULL))
		return x->asks.channel.bytes != NULL ? -1 : 1;
	if (x->asks.event.bytes == NULL || y->asks.event.bytes == NULL)
		return (x->asks.event.bytes != NULL) - (y->asks.event.bytes != NULL);
	return label_compare(x->asks.event, y->asks.event);
}

#define ST_SORT sort_conditions
#define ST_ELEMENT_TYPE Condition
#define ST_COMPARE(a, b) condition_order(a, b)
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

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
	sort_conditions(matcher->conditions, matcher->nconditions);
	while (matcher->nchanneled < matcher->nconditions &&
		   matcher->conditions[matcher->nchanneled].asks.channel.bytes != NULL)
		matcher->nchanneled++;
	if (matcher->nchanneled < matcher->nconditions &&
		matcher->conditions[matcher->nchanneled].asks.event.bytes == NULL)
	{
		matcher->any.stages = matcher->conditions[matcher->nchanneled].stages;
		matcher->any.excluded = matcher->conditions[matcher->nchanneled].excluded;
	}
	matcher->channeled = matcher->nchanneled > 0 || matcher->rules.bound != 0;
	matcher->table = palloc(1);
	return matcher;
}

const FunnelRules *
funnel_matcher_rules(const FunnelMatcher *matcher)
{
	return &matcher->rules;
}

/* Does any stage or exclusion ask for a channel, or for the same one? */
bool
funnel_matcher_asks_channel(const FunnelMatcher *matcher)
{
	return matcher->channeled;
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
		Label		label = journey_next_label(&view->events, &p);

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

/* Prepares the masks for a journey; returns the stages that any touchpoint of it can match. */
static uint64
prepare_masks(FunnelMatcher *matcher, const JourneyView *view)
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

/* The place of a dictionary.  At least eight bytes come before it in the journey. */
static inline uint32
memo_slot(const JourneyLabels *events)
{
	const uint8 *p = events->dictionary;
	const uint8 *end = p + events->size;
	uint64		factor = UINT64CONST(0x9E3779B97F4A7C15);
	uint64		hash = events->size;

	for (; end - p > 8; p += 8)
		hash = (hash ^ bytes_load64(p)) * factor;
	return (hash ^ bytes_load64(end - 8)) * factor >> (64 - MEMO_BITS);
}

/*
 * Sets event_masks to what the events of a journey count as, which holds until
 * the next journey; returns the stages that a walk can reach in it.
 */
uint64
funnel_match_prepare(FunnelMatcher *matcher, const JourneyView *view)
{
	const JourneyLabels *events = &view->events;
	Memo	   *memo = NULL;
	uint64		reachable;

	if (matcher->nchanneled == 0 && events->size <= MEMO_MAX_BYTES && events->count <= MEMO_MAX_EVENTS &&
		(matcher->asked < MEMO_TRIAL || matcher->known > matcher->asked / 2))
	{
		uint32		slot = memo_slot(events);

		if (matcher->asked++ == 0)
		{
			matcher->table = repalloc(matcher->table, sizeof(MemoTable));
			memset(matcher->table->filled, 0, sizeof(matcher->table->filled));
		}
		memo = &matcher->table->memos[slot];
		if (matcher->table->filled[slot] && memo->size == events->size && memo->count == events->count &&
			memcmp(memo->dictionary, events->dictionary, events->size) == 0)
		{
			matcher->known++;
			matcher->event_masks = memo->masks;
			return memo->reachable;
		}
		/* Nothing is remembered in it before that is whole: an error may come first. */
		matcher->table->filled[slot] = false;
	}

	reachable = funnel_reachable(&matcher->rules, prepare_masks(matcher, view));
	matcher->event_masks = matcher->masks;
	if (memo != NULL)
	{
		memo->reachable = reachable;
		memo->count = events->count;
		memo->size = events->size;
		memcpy(memo->dictionary, events->dictionary, events->size);
		memcpy(memo->masks, matcher->masks, events->count * sizeof(EventMask));
		matcher->table->filled[memo - matcher->table->memos] = true;
	}
	return reachable;
}

/*
 * What a single touchpoint counts as; channel may be no label.  Costs a binary
 * search by event, and one test for each condition that asks for a channel.  Its
 * value is the caller's to set, where the rules have bound stages.
 */
FunnelTouch
funnel_match_row(const FunnelMatcher *matcher, int64 at, Label event, Label channel)
{
	FunnelTouch touch = {at, matcher->any.stages, matcher->any.excluded, 0, 0};
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
	else
		touch.stages &= ~matcher->rules.bound;
	return touch;
}
