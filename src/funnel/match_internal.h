/*
 * funnel/match_internal.h: what the files that match labels share.
 */
#ifndef CJM_FUNNEL_MATCH_INTERNAL_H
#define CJM_FUNNEL_MATCH_INTERNAL_H

#include "funnel/match.h"

/* How many dictionaries are remembered, a power of two, and how large they may be. */
#define MEMO_BITS 8
#define MEMO_SLOTS (1 << MEMO_BITS)
#define MEMO_MAX_BYTES 256
#define MEMO_MAX_EVENTS 24

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

/* What the events of a dictionary that was seen count as. */
typedef struct Memo
{
	uint64		reachable;
	uint32		count;			/* labels of the dictionary */
	uint32		size;			/* bytes of it */
	uint8		dictionary[MEMO_MAX_BYTES];
	EventMask	masks[MEMO_MAX_EVENTS];
} Memo;

/* Places for dictionaries by their hash. */
typedef struct MemoTable
{
	bool		filled[MEMO_SLOTS];
	Memo		memos[MEMO_SLOTS];
} MemoTable;

struct FunnelMatcher
{
	FunnelRules rules;
	int			nconditions;
	int			nchanneled;		/* of them, those that ask for a channel; they come first */
	bool		channeled;		/* there are such, or a variable */
	Condition  *conditions;
	EventMask	any;			/* of the condition * without a channel */
	uint32		mask_capacity;
	EventMask  *masks;
	const EventMask *event_masks;	/* of the journey at hand, by event id: masks, or remembered ones */
	size_t		touch_capacity;
	FunnelTouch *touches;
	MemoTable  *table;			/* of one byte until it is used, so that it then grows where the matcher is */
	uint64		asked;			/* journeys whose dictionary was looked for, and found, in it */
	uint64		known;
};

/* What the channel conditions add to what touchpoint i counts as. */
static inline EventMask
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
	/* Where a channel is asked for and there is none, nothing is the same. */
	if (channel == 0)
		mask.stages &= ~matcher->rules.bound;
	return mask;
}

/* funnel/match.c */
extern uint64 funnel_match_prepare(FunnelMatcher *matcher, const JourneyView *view);

#endif							/* CJM_FUNNEL_MATCH_INTERNAL_H */
