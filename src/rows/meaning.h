/*
 * rows/meaning.h: what the labels of a row mean to a funnel, as a small number.
 *
 * Meanings are numbered as they are met, so rows of equal meaning have equal
 * numbers.  0 is a row that matters to no rule.  The labels that were looked up
 * last are remembered, so that a row costs no search as long as an event table
 * has some dozens of different labels.
 */
#ifndef CJM_ROW_MEANING_H
#define CJM_ROW_MEANING_H

#include "base/label_pool.h"
#include "funnel/match.h"

typedef struct RowMeaning
{
	uint64		stages;			/* as in a FunnelTouch */
	bool		excluded;
	bool		touches;		/* it matters to the funnel, so that it is a touchpoint for it */
	bool		refuses;		/* it is a refusal, where there are such */
	bool		later;			/* it was not over yet when the question was put, and nothing else is known of it */
	uint32		value;			/* its number, where the funnel has a variable and a bound stage asks for it; else 0 */
	Label		property;		/* that the answer is broken down by; no bytes: NULL, or none is asked for */
} RowMeaning;

/* The labels that a row is known by. */
enum
{
	ROW_EVENT,
	ROW_CHANNEL,
	ROW_PROPERTY,
	ROW_LABELS
};

#define ROW_NO_LABEL PG_UINT32_MAX	/* as a size */
#define ROW_SLOTS 256
#define ROW_SLOT_TRIES 4

/*
 * Labels and their meaning.  A label of up to 16 bytes is known by its size and
 * its first and last eight bytes; of a longer one there is a copy as well.
 */
typedef struct RowSlot
{
	uint64		head[ROW_LABELS];
	uint64		tail[ROW_LABELS];
	uint32		size[ROW_LABELS];
	uint32		meaning;
	char	   *copy;			/* of all labels, one after the other, if one is longer than 16 bytes */
	bool		used;
} RowSlot;

/* All its memory is of one context, the current one wherever something is added. */
typedef struct RowMeanings
{
	const FunnelMatcher *matcher;
	const FunnelMatcher *refusal;	/* who says no; NULL: nobody is asked */
	bool		every;			/* every row matters */
	bool		known;			/* a property is wanted of any row, and not only of those that can be a step */
	uint32		count;
	uint32		capacity;
	RowMeaning *list;
	uint32	   *table;			/* of numbers, by hash; 0: free */
	uint32		table_size;
	RowSlot    *slots;
	LabelPool  *values;			/* of the funnel's variable; the number of a value is one more than its id here */
	LabelOrder	order;			/* of the first nranked of them */
	uint32		nranked;
} RowMeanings;

extern void row_meanings_init(RowMeanings *meanings, const FunnelMatcher *matcher, const FunnelMatcher *refusal, bool known);
extern bool row_meanings_value(RowMeanings *meanings, Label label, uint32 *value, CjmError *error);
extern const uint32 *row_meanings_ranks(RowMeanings *meanings);
extern uint32 row_meaning_number(RowMeanings *meanings, const RowMeaning *meaning);
extern bool row_meaning_find(RowMeanings *meanings, const Label *labels, RowSlot *slot, uint32 *meaning, CjmError *error);

/* Whether a slot's copy is of those labels that are wanted, whose sizes are the slot's. */
static inline bool
row_slot_copy_is(const RowSlot *slot, const Label *labels, int wanted)
{
	const char *p = slot->copy;

	for (int i = 0; i < ROW_LABELS; i++)
	{
		if (slot->size[i] == ROW_NO_LABEL)
			continue;
		if ((wanted >> i & 1) != 0 && memcmp(p, labels[i].bytes, labels[i].size) != 0)
			return false;
		p += slot->size[i];
	}
	return true;
}

/*
 * The number of what those labels mean that are wanted, a bit each, if they were
 * looked up lately; else false, and free_slot is for row_meaning_find.  The others
 * are none, and may not matter: whoever shares the meanings may have them.  Inlined
 * with a constant.
 */
static pg_attribute_always_inline bool
row_meaning_seen(const RowMeanings *meanings, const Label *labels, int wanted, RowSlot **free_slot, uint32 *meaning)
{
	uint64		head[ROW_LABELS];
	uint64		tail[ROW_LABELS];
	uint32		size[ROW_LABELS];
	uint64		hash = 0;
	RowSlot    *slot;

	for (int i = 0; i < ROW_LABELS; i++)
	{
		if ((wanted >> i & 1) == 0)
			continue;
		if (i != ROW_EVENT && labels[i].bytes == NULL)
		{
			head[i] = tail[i] = 0;
			size[i] = ROW_NO_LABEL;
		}
		else
		{
			label_ends(labels[i], &head[i], &tail[i]);
			size[i] = labels[i].size;
		}
		hash = (hash ^ head[i] ^ (tail[i] << 31 | tail[i] >> 33) ^ size[i]) * UINT64CONST(0x9E3779B97F4A7C15);
	}
	slot = &meanings->slots[hash >> 56];
	for (int try = 0; try < ROW_SLOT_TRIES; try++)
	{
		RowSlot    *place = slot + try;
		bool		same = place->used;

		for (int i = 0; i < ROW_LABELS; i++)
			if ((wanted >> i & 1) != 0)
				same &= place->head[i] == head[i] && place->tail[i] == tail[i] && place->size[i] == size[i];
		if (likely(same) && (place->copy == NULL || row_slot_copy_is(place, labels, wanted)))
		{
			*meaning = place->meaning;
			return true;
		}
		if (!place->used)
		{
			slot = place;
			break;
		}
	}
	*free_slot = slot;
	return false;
}

#endif							/* CJM_ROW_MEANING_H */
