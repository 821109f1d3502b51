/*
 * journey/listed.c: which labels of a journey are in a list, see journey/listed.h.
 *
 * Of few labels and a short list each is compared with each, which is the common
 * case and needs no memory.  Else the list becomes a pool, whose hash table tells of
 * each label at once whether it is there: the cost is that of reading both.
 */
#include "journey/listed.h"

#define FEW_COMPARISONS 64

/*
 * Sets listed of the ids of all labels in the list, and leaves the others as they
 * are.  Labels of the list may be any text, also none that a journey may have; a
 * list of more than 1 GB is an error.  Scratch memory is of the current context and
 * freed.
 */
bool
journey_listed(const JourneyLabels *labels, const Label *list, uint32 count, bool *listed, CjmError *error)
{
	const uint8 *p = labels->dictionary;
	LabelPool  *pool;
	bool		good = true;
	uint32		id;

	if ((uint64) labels->count * count <= FEW_COMPARISONS)
	{
		for (uint32 i = 0; i < labels->count; i++)
		{
			Label		label = journey_next_label(labels, &p);

			for (uint32 n = 0; n < count; n++)
				if (label_equal(label, list[n]))
				{
					listed[i] = true;
					break;
				}
		}
		return true;
	}
	pool = label_pool_create(false);
	for (uint32 n = 0; good && n < count; n++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!label_pool_find(pool, list[n], &id))
			good = label_pool_add(pool, list[n], &id, error);
	}
	for (uint32 i = 0; good && i < labels->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (label_pool_find(pool, journey_next_label(labels, &p), &id))
			listed[i] = true;
	}
	label_pool_free(pool);
	return good;
}
