/*
 * rows/meaning.c: numbering what rows mean, see rows/meaning.h.
 */
#include "rows/meaning.h"

#include "journey/builder.h"

#define FIRST_CAPACITY 16

static const char *const nouns[] = {"event", "channel", "property"};

/* Prepares the meanings of a funnel's rows, in the current context. */
void
row_meanings_init(RowMeanings *meanings, const FunnelMatcher *matcher, const FunnelMatcher *refusal, bool known)
{
	memset(meanings, 0, sizeof(*meanings));
	meanings->matcher = matcher;
	meanings->refusal = refusal;
	meanings->known = known;
	meanings->every = funnel_matcher_rules(matcher)->every;
	meanings->capacity = FIRST_CAPACITY;
	meanings->list = palloc0(FIRST_CAPACITY * sizeof(RowMeaning));
	meanings->count = 1;
	meanings->table_size = FIRST_CAPACITY * 2;
	meanings->table = palloc0(meanings->table_size * sizeof(uint32));
	meanings->values = label_pool_create(false);
	meanings->slots = palloc0((ROW_SLOTS + ROW_SLOT_TRIES) * sizeof(RowSlot));
}

static bool
same_meaning(const RowMeaning *a, const RowMeaning *b)
{
	if (a->stages != b->stages || a->excluded != b->excluded || a->refuses != b->refuses || a->later != b->later ||
		a->value != b->value)
		return false;
	if (a->property.bytes == NULL || b->property.bytes == NULL)
		return a->property.bytes == b->property.bytes;
	return label_equal(a->property, b->property);
}

static uint32
meaning_hash(const RowMeaning *meaning)
{
	uint64		h = (meaning->stages + ((uint64) meaning->value << 32)) * UINT64CONST(0x9E3779B97F4A7C15) +
		(meaning->excluded | meaning->refuses << 1 | meaning->later << 2);

	if (meaning->property.bytes != NULL)
		for (uint32 i = 0; i <= meaning->property.size; i++)
			h = (h ^ (i < meaning->property.size ? (uint8) meaning->property.bytes[i] : 0xff)) * UINT64CONST(0x100000001B3);
	return (uint32) (h ^ h >> 32);
}

/* The place of a meaning in the table, or the free one where it would be. */
static uint32
find_place(const RowMeanings *meanings, const RowMeaning *meaning)
{
	uint32		place = meaning_hash(meaning) & (meanings->table_size - 1);

	while (meanings->table[place] != 0 && !same_meaning(&meanings->list[meanings->table[place]], meaning))
		place = (place + 1) & (meanings->table_size - 1);
	return place;
}

/* The number of a value, a new one if it has none. */
bool
row_meanings_value(RowMeanings *meanings, Label label, uint32 *value, CjmError *error)
{
	if (!label_pool_find(meanings->values, label, value) && !label_pool_add(meanings->values, label, value, error))
		return false;
	++*value;
	return true;
}

/* The places of all values in the order of their bytes, from 0, by number minus 1.  Until there are more. */
const uint32 *
row_meanings_ranks(RowMeanings *meanings)
{
	if (meanings->nranked != meanings->values->count)
	{
		if (meanings->nranked > 0)
			label_order_free(&meanings->order);
		meanings->order = label_pool_order(meanings->values);
		meanings->nranked = meanings->values->count;
	}
	return meanings->order.rank;
}

/*
 * The number of a meaning, a new one if it has none; its property is copied, and
 * whether it is a touchpoint is found out here.  What matters to nothing has number
 * 0.  A property that is not asked for has been left out by the caller.
 */
uint32
row_meaning_number(RowMeanings *meanings, const RowMeaning *meaning)
{
	bool		touches = meaning->stages != 0 || meaning->excluded || (meanings->every && !meaning->later);
	uint32		place;

	if (!touches && !meaning->refuses && !meaning->later && meaning->property.bytes == NULL)
		return 0;
	place = find_place(meanings, meaning);
	if (meanings->table[place] != 0)
		return meanings->table[place];

	if (meanings->count == meanings->capacity)
	{
		meanings->capacity *= 2;
		meanings->list = repalloc_huge(meanings->list, meanings->capacity * sizeof(RowMeaning));
		pfree(meanings->table);
		meanings->table_size = meanings->capacity * 2;
		meanings->table = palloc_extended(meanings->table_size * sizeof(uint32), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
		for (uint32 i = 1; i < meanings->count; i++)
			meanings->table[find_place(meanings, &meanings->list[i])] = i;
		place = find_place(meanings, meaning);
	}
	meanings->list[meanings->count] = *meaning;
	meanings->list[meanings->count].touches = touches;
	if (meaning->property.bytes != NULL)
	{
		char	   *copy = palloc(Max(meaning->property.size, 1));

		memcpy(copy, meaning->property.bytes, meaning->property.size);
		meanings->list[meanings->count].property.bytes = copy;
	}
	meanings->table[place] = meanings->count;
	return meanings->count++;
}

/*
 * Finds out what labels mean that are in no slot, and remembers it in this one.
 * The labels are checked like those of a journey.
 */
bool
row_meaning_find(RowMeanings *meanings, const Label *labels, RowSlot *slot, uint32 *meaning, CjmError *error)
{
	RowMeaning	found = {.later = false};
	FunnelTouch touch;
	size_t		size = 0;
	bool		any_long = false;

	for (int i = 0; i < ROW_LABELS; i++)
	{
		if (labels[i].bytes == NULL)
			continue;
		if (i != ROW_PROPERTY && !label_check(labels[i], nouns[i], error))
			return false;
		size += labels[i].size;
		any_long |= labels[i].size > 16;
	}
	touch = funnel_match_row(meanings->matcher, 0, labels[ROW_EVENT], labels[ROW_CHANNEL]);
	found.stages = touch.stages;
	found.excluded = touch.excluded;
	if ((touch.stages & funnel_matcher_rules(meanings->matcher)->bound) != 0 &&
		!row_meanings_value(meanings, labels[ROW_CHANNEL], &found.value, error))
		return false;
	found.refuses = meanings->refusal != NULL &&
		funnel_match_row(meanings->refusal, 0, labels[ROW_EVENT], labels[ROW_CHANNEL]).stages != 0;
	/* Mostly only a touchpoint that can be a step is asked for its property. */
	found.property = meanings->known || touch.stages != 0 ? labels[ROW_PROPERTY] : NO_LABEL;
	*meaning = row_meaning_number(meanings, &found);

	if (slot->copy != NULL)
		pfree(slot->copy);
	memset(slot, 0, sizeof(*slot));
	for (int i = 0; i < ROW_LABELS; i++)
	{
		if (labels[i].bytes == NULL)
			slot->size[i] = ROW_NO_LABEL;
		else
		{
			label_ends(labels[i], &slot->head[i], &slot->tail[i]);
			slot->size[i] = labels[i].size;
		}
	}
	if (any_long)
	{
		char	   *p = slot->copy = palloc(size);

		for (int i = 0; i < ROW_LABELS; i++)
			if (labels[i].bytes != NULL)
			{
				memcpy(p, labels[i].bytes, labels[i].size);
				p += labels[i].size;
			}
	}
	slot->meaning = *meaning;
	slot->used = true;
	return true;
}
