/*
 * journey/path.c: reads a journey as a path, and counts pairs on it, see journey/path.h.
 *
 * One column of ids is read, and times only of places and where sessions are asked
 * for; no labels.
 */
#include "journey/path.h"

#define INITIAL_SLOTS 16

void
path_start(PathCursor *cursor, const JourneyView *view, bool channels, bool repeats, const SessionRule *rule)
{
	cursor->view = view;
	cursor->channels = channels;
	cursor->repeats = repeats;
	cursor->rule = rule;
	memset(&cursor->state, 0, sizeof(cursor->state));
	cursor->numbers = cursor->order = NULL;
	if (rule != NULL && view->sessions.count > 0)
	{
		uint32		count;

		cursor->numbers = session_numbers(view, rule, NULL, &count);
		cursor->order = session_order(cursor->numbers, view->count, count);
	}
	cursor->next = 0;
	cursor->last = -1;
	cursor->at = 0;
	cursor->session = 1;
}

/* Does a touchpoint begin a session, which stands in a place session by session? */
static inline bool
begins_session(PathCursor *cursor, uint32 place, uint32 touch)
{
	if (cursor->order != NULL)
		return place == 0 || cursor->numbers[touch] != cursor->numbers[cursor->order[place - 1]];
	return cursor->rule != NULL && !session_takes_touch(&cursor->state, cursor->rule, cursor->view, touch, journey_at(cursor->view, touch));
}

/* Reads the id at the next place; false at the end. */
bool
path_next(PathCursor *cursor, uint32 *id)
{
	const JourneyView *view = cursor->view;

	while (cursor->next < view->count)
	{
		uint32		place = cursor->next++;
		uint32		i = cursor->order != NULL ? cursor->order[place] : place;
		int64		label = cursor->channels ? (int64) journey_label_at(&view->channels, i) - 1 :
			(int64) journey_label_at(&view->events, i);

		CHECK_FOR_INTERRUPTS();
		/* What has no channel is no place, but the session goes on with it. */
		if (begins_session(cursor, place, i) && place > 0)
		{
			cursor->session++;
			cursor->last = -1;
		}
		if (label < 0 || (label == cursor->last && !cursor->repeats))
			continue;
		cursor->last = label;
		cursor->at = journey_at(view, i);
		*id = (uint32) label;
		return true;
	}
	return false;
}

static PairCount *
make_slots(uint32 capacity)
{
	size_t		size = (size_t) capacity * sizeof(PairCount);
	PairCount  *slots = palloc_extended(size, MCXT_ALLOC_HUGE);

	memset(slots, 0, size);
	return slots;
}

/* The slot of a pair, or the free one where it belongs. */
static PairCount *
find_slot(PairCount *slots, uint32 capacity, uint64 pair)
{
	uint64		hash = pair;
	uint32		i;

	/* The finalizer of MurmurHash3: each bit of the pair moves each bit of the place. */
	hash = (hash ^ hash >> 33) * UINT64CONST(0xff51afd7ed558ccd);
	hash = (hash ^ hash >> 33) * UINT64CONST(0xc4ceb9fe1a85ec53);
	i = (uint32) (hash ^ hash >> 33) & (capacity - 1);
	while (slots[i].count > 0 && slots[i].pair != pair)
		i = (i + 1) & (capacity - 1);
	return &slots[i];
}

/* In the current memory context, which must not change while there are pairs to add. */
void
pair_counts_start(PairCounts *counts)
{
	counts->used = 0;
	counts->capacity = INITIAL_SLOTS;
	counts->slots = make_slots(INITIAL_SLOTS);
}

/* Counts a pair once more; returns it, counted, until the next one is added. */
const PairCount *
pair_counts_add(PairCounts *counts, uint32 a, uint32 b)
{
	uint64		pair = (uint64) a << 32 | b;
	PairCount  *slot = find_slot(counts->slots, counts->capacity, pair);

	if (slot->count == 0)
	{
		if (counts->used >= counts->capacity / 2)
		{
			PairCount  *old = counts->slots;
			uint32		old_capacity = counts->capacity;

			counts->capacity *= 2;
			counts->slots = make_slots(counts->capacity);
			for (uint32 i = 0; i < old_capacity; i++)
				if (old[i].count > 0)
					*find_slot(counts->slots, counts->capacity, old[i].pair) = old[i];
			pfree(old);
			slot = find_slot(counts->slots, counts->capacity, pair);
		}
		slot->pair = pair;
		slot->number = ++counts->used;
	}
	slot->count++;
	return slot;
}
