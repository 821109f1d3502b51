/*
 * rows/seen.c: which customers were there, see rows/seen.h.
 */
#include "rows/seen.h"

#define FIRST_BLOCKS 16

RowSeen *
row_seen_new(void)
{
	return seen_create(FIRST_BLOCKS, NULL);
}

void
row_seen_free(RowSeen *seen)
{
	seen_iterator iterator;
	SeenBlock  *block;

	seen_start_iterate(seen, &iterator);
	while ((block = seen_iterate(seen, &iterator)) != NULL)
		pfree(block->bits);
	seen_destroy(seen);
}

/* In bytes, as far as it grows. */
size_t
row_seen_size(const RowSeen *seen)
{
	return seen->size * sizeof(SeenBlock) + seen->members * SEEN_WORDS * sizeof(uint64);
}

/* A block that there is not yet, for row_seen_block. */
uint64 *
row_seen_new_block(RowSeen *seen, int64 number, size_t limit)
{
	SeenBlock  *block;
	bool		found;

	/* The table may double. */
	if (row_seen_size(seen) + seen->size * sizeof(SeenBlock) + SEEN_WORDS * sizeof(uint64) > limit)
		return NULL;
	block = seen_insert(seen, number, &found);
	block->bits = palloc0(SEEN_WORDS * sizeof(uint64));
	return block->bits;
}

/* How many customers were there. */
uint64
row_seen_count(RowSeen *seen)
{
	seen_iterator iterator;
	SeenBlock  *block;
	uint64		count = 0;

	seen_start_iterate(seen, &iterator);
	while ((block = seen_iterate(seen, &iterator)) != NULL)
		for (int i = 0; i < SEEN_WORDS; i++)
			count += pg_popcount64(block->bits[i]);
	return count;
}
