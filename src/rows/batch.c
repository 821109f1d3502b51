/*
 * rows/batch.c: entries of a row log in memory, with the names of customers that
 * are no numbers.
 *
 * A batch grows by a half; what it points to is in the context that was current
 * when it was first given room.
 */
#include "rows/log.h"

/* Makes room for more entries; names are not touched. */
void
row_batch_room(RowBatch *batch, uint32 more)
{
	uint32		capacity;

	if (batch->capacity - batch->count >= more)
		return;
	capacity = Max(batch->count + more, batch->capacity + batch->capacity / 2);
	if (batch->entries == NULL)
		batch->entries = palloc_extended((size_t) capacity * sizeof(RowEntry), MCXT_ALLOC_HUGE);
	else
		batch->entries = repalloc_huge(batch->entries, (size_t) capacity * sizeof(RowEntry));
	batch->capacity = capacity;
}

void
row_batch_free(RowBatch *batch)
{
	if (batch->entries != NULL)
		pfree(batch->entries);
	if (batch->names != NULL)
		pfree(batch->names);
	memset(batch, 0, sizeof(*batch));
}

/* Adds a name to a batch; offset says where it is. */
bool
row_batch_name(RowBatch *batch, const uint8 *name, uint32 size, uint32 *offset, CjmError *error)
{
	size_t		needed = (size_t) batch->names_size + sizeof(size) + size;

	if (needed > batch->names_capacity)
	{
		size_t		capacity = Max(needed, Min((size_t) batch->names_capacity * 2, PG_UINT32_MAX));

		if (needed >= PG_UINT32_MAX)
			return cjm_fail(error, CJM_ERROR_LIMIT, "customers' names are too long: more than 4 GB in a %d-th of them",
							ROW_BUCKETS);
		if (batch->names == NULL)
			batch->names = palloc_extended(capacity, MCXT_ALLOC_HUGE);
		else
			batch->names = repalloc_huge(batch->names, capacity);
		batch->names_capacity = capacity;
	}
	*offset = batch->names_size;
	memcpy(batch->names + batch->names_size, &size, sizeof(size));
	memcpy(batch->names + batch->names_size + sizeof(size), name, size);
	batch->names_size = needed;
	return true;
}
