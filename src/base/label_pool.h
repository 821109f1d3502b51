/*
 * base/label_pool.h: labels by small numbers.
 *
 * A pool gives each label that is added to it an id, counting from 0.  A
 * JourneyBuilder stores ids and refers to its pool.  A pool of its own holds the
 * labels of one journey; a shared pool serves all states of an aggregate, so
 * that a row costs one look at a remembered label and no state holds labels of
 * its own.  A shared pool takes a limited number of labels: it lives as long as
 * the query, and nobody charges it.
 */
#ifndef CJM_LABEL_POOL_H
#define CJM_LABEL_POOL_H

#include "base/bytes.h"
#include "base/label.h"

/* What a shared pool takes. */
#define SHARED_POOL_LABELS 1024
#define SHARED_POOL_BYTES (64 * 1024)

#define LABEL_MEMO_BITS 8

/* A label looked up lately, by its size and its ends; of a label of up to 16 bytes that is all. */
typedef struct LabelMemo
{
	uint64		head;
	uint64		tail;
	uint32		size;			/* PG_UINT32_MAX: free */
	uint32		id;
} LabelMemo;

/* What only a shared pool has. */
typedef struct SharedLabels
{
	bool		full;			/* it has refused a label, so it does not pay for states to come */
	uint32		ranked;			/* labels when these two were made, which are as in a LabelOrder */
	uint32		rank[SHARED_POOL_LABELS];
	uint32		sorted[SHARED_POOL_LABELS];
	LabelMemo	memo[1 << LABEL_MEMO_BITS];
} SharedLabels;

typedef struct LabelPool
{
	uint32		count;			/* labels */
	uint32		capacity;
	uint32	   *offsets;		/* of entries in bytes, by id; offsets[count] is size */
	uint32		size;			/* bytes in use */
	uint32		bytes_capacity;
	uint8	   *bytes;			/* entries: a varint size and the label, as in a dictionary */
	uint32	   *table;			/* ids + 1 by the label's hash, once there are many; 0: free */
	uint32		table_size;
	SharedLabels *shared;		/* NULL: of one journey */
} LabelPool;

/* The labels of a pool in the order of their bytes. */
typedef struct LabelOrder
{
	const LabelPool *pool;
	uint32	   *rank;			/* the place of a label in that order, by id */
	uint32	   *sorted;			/* the id of a label, by its place */
} LabelOrder;

extern LabelPool *label_pool_create(bool shared);
extern void label_pool_free(LabelPool *pool);
extern bool label_pool_takes(LabelPool *pool, Label label);
extern bool label_pool_search(LabelPool *pool, Label label, uint32 *id);
extern bool label_pool_add(LabelPool *pool, Label label, uint32 *id, CjmError *error);
extern LabelOrder label_pool_order(LabelPool *pool);
extern void label_order_free(LabelOrder *order);

static inline Label
label_pool_label(const LabelPool *pool, uint32 id)
{
	uint64		size;
	const uint8 *p = varint_load(pool->bytes + pool->offsets[id], &size);

	return (Label) {(const char *) p, (uint32) size};
}

/* The place in the memo of a label that is in it, or would be. */
static inline LabelMemo *
label_memo_place(SharedLabels *shared, Label label, uint64 *head, uint64 *tail)
{
	uint64		hash;

	label_ends(label, head, tail);
	hash = (*head ^ (*tail << 31 | *tail >> 33) ^ label.size) * UINT64CONST(0x9E3779B97F4A7C15);
	return &shared->memo[hash >> (64 - LABEL_MEMO_BITS)];
}

/* Finds the id of a label.  Returns false if it is not in the pool. */
static inline bool
label_pool_find(LabelPool *pool, Label label, uint32 *id)
{
	if (pool->shared != NULL)
	{
		uint64		head;
		uint64		tail;
		LabelMemo  *place = label_memo_place(pool->shared, label, &head, &tail);

		if (likely(place->head == head && place->tail == tail && place->size == label.size) &&
			(label.size <= 16 || memcmp(label_pool_label(pool, place->id).bytes, label.bytes, label.size) == 0))
		{
			*id = place->id;
			return true;
		}
	}
	return label_pool_search(pool, label, id);
}

#endif							/* CJM_LABEL_POOL_H */
