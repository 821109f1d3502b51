/*
 * rows/seen.h: which customers were there, a bit each.
 *
 * Most customers who are numbers have been numbered one after the other.  Of a
 * row that says no more than that its customer was there a bit is enough: bits
 * are kept in blocks of neighbouring numbers, which are found by a hash of the
 * number.  Where numbers are scattered a block would have few bits; the log
 * (rows/log.h) bounds the memory of blocks and has an entry for everybody else.
 *
 * Memory is that of the context that is current when blocks are made.
 */
#ifndef CJM_ROW_SEEN_H
#define CJM_ROW_SEEN_H

#include "base/pure.h"
#include "port/pg_bitutils.h"

#define SEEN_BLOCK_BITS 11		/* of a number, for its place in a block */
#define SEEN_WORDS ((1 << SEEN_BLOCK_BITS) / 64)

typedef struct SeenBlock
{
	int64		number;			/* of its customers, without the lowest bits */
	uint64	   *bits;			/* SEEN_WORDS of them */
	char		status;			/* simplehash's */
} SeenBlock;

#define SH_PREFIX seen
#define SH_ELEMENT_TYPE SeenBlock
#define SH_KEY_TYPE int64
#define SH_KEY number
#define SH_HASH_KEY(table, key) ((uint32) ((uint64) (key) * UINT64CONST(0x9E3779B97F4A7C15) >> 32))
#define SH_EQUAL(table, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_RAW_ALLOCATOR palloc0
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

typedef seen_hash RowSeen;

extern RowSeen *row_seen_new(void);
extern void row_seen_free(RowSeen *seen);
extern size_t row_seen_size(const RowSeen *seen);
extern uint64 *row_seen_new_block(RowSeen *seen, int64 number, size_t limit);
extern uint64 row_seen_count(RowSeen *seen);

static inline int64
row_seen_number(int64 customer)
{
	return customer >> SEEN_BLOCK_BITS;
}

/*
 * The bits of a block, which is made if there is none; NULL if one more might
 * make the size more than limit.
 */
static inline uint64 *
row_seen_block(RowSeen *seen, int64 number, size_t limit)
{
	SeenBlock  *block = seen_lookup(seen, number);

	return block != NULL ? block->bits : row_seen_new_block(seen, number, limit);
}

/* The customer at a place in a block. */
static inline int64
row_seen_customer(int64 number, int place)
{
	return (int64) ((uint64) number << SEEN_BLOCK_BITS) + place;
}

static inline int
row_seen_place(int64 customer)
{
	return (int) (customer & ((1 << SEEN_BLOCK_BITS) - 1));
}

/* Says in a block that one of its customers was there. */
static inline void
row_seen_set(uint64 *bits, int64 customer)
{
	int			place = row_seen_place(customer);

	bits[place / 64] |= UINT64CONST(1) << (place % 64);
}

static inline bool
row_seen_has(RowSeen *seen, int64 customer)
{
	SeenBlock  *block = seen_lookup(seen, row_seen_number(customer));
	int			place = row_seen_place(customer);

	return block != NULL && (block->bits[place / 64] >> (place % 64) & 1) != 0;
}

#endif							/* CJM_ROW_SEEN_H */
