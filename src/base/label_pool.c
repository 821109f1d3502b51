/*
 * base/label_pool.c: finds the number of a label, or gives it one.
 *
 * Of few labels, as there nearly always are in a journey, each is compared; of
 * more there is a hash table.
 *
 * Memory: label_pool_create allocates in the current context, and growing keeps
 * what there is in its context.  The hash table of a journey's own pool is made
 * in the current context once it is needed, which must be the pool's; a shared
 * pool, to which is added in the context of an aggregate that ends before it,
 * has its table from the beginning.
 */
#include "base/label_pool.h"

#include "common/hashfn.h"

#define FIRST_LABELS 3			/* one place more is needed, for the end */
#define FIRST_BYTES 32
#define LINEAR_LABELS 16

/* Makes an empty pool in the current context. */
LabelPool *
label_pool_create(bool shared)
{
	LabelPool  *pool = palloc0(sizeof(LabelPool));

	pool->capacity = FIRST_LABELS;
	pool->bytes_capacity = FIRST_BYTES;
	pool->bytes = palloc(FIRST_BYTES);
	pool->offsets = palloc((FIRST_LABELS + 1) * sizeof(uint32));
	pool->offsets[0] = 0;
	if (shared)
	{
		pool->shared = palloc(sizeof(SharedLabels));
		pool->shared->full = false;
		pool->shared->ranked = 0;
		memset(pool->shared->memo, 0xff, sizeof(pool->shared->memo));
		pool->table_size = 2 * SHARED_POOL_LABELS;
		pool->table = palloc0(pool->table_size * sizeof(uint32));
	}
	return pool;
}

/* Frees a pool that is not shared. */
void
label_pool_free(LabelPool *pool)
{
	Assert(pool->shared == NULL);
	pfree(pool->offsets);
	pfree(pool->bytes);
	if (pool->table)
		pfree(pool->table);
	pfree(pool);
}

/* Whether a label may be added.  A pool of one journey takes what fits in memory. */
bool
label_pool_takes(LabelPool *pool, Label label)
{
	if (pool->shared == NULL)
		return true;
	if (pool->count < SHARED_POOL_LABELS && pool->size + varint_size(label.size) + label.size <= SHARED_POOL_BYTES)
		return true;
	pool->shared->full = true;
	return false;
}

static inline uint32
table_start(const LabelPool *pool, Label label)
{
	return hash_bytes((const unsigned char *) label.bytes, label.size) & (pool->table_size - 1);
}

/* The search behind label_pool_find, which remembers what it finds. */
bool
label_pool_search(LabelPool *pool, Label label, uint32 *id)
{
	uint32		found = PG_UINT32_MAX;

	if (pool->table == NULL)
	{
		const uint8 *p = pool->bytes;

		/* One after the other as they lie, which spares a look at the offsets. */
		for (uint32 i = 0; i < pool->count && found == PG_UINT32_MAX; i++)
		{
			uint64		size;

			p = varint_load(p, &size);
			if (size == label.size && memcmp(p, label.bytes, size) == 0)
				found = i;
			p += size;
		}
	}
	else
	{
		for (uint32 i = table_start(pool, label); pool->table[i] != 0; i = (i + 1) & (pool->table_size - 1))
			if (label_equal(label_pool_label(pool, pool->table[i] - 1), label))
			{
				found = pool->table[i] - 1;
				break;
			}
	}
	if (found == PG_UINT32_MAX)
		return false;
	if (pool->shared != NULL)
	{
		LabelMemo	memo = {.size = label.size,.id = found};
		LabelMemo  *place = label_memo_place(pool->shared, label, &memo.head, &memo.tail);

		*place = memo;
	}
	*id = found;
	return true;
}

static void
table_insert(LabelPool *pool, uint32 id)
{
	uint32		i = table_start(pool, label_pool_label(pool, id));

	while (pool->table[i] != 0)
		i = (i + 1) & (pool->table_size - 1);
	pool->table[i] = id + 1;
}

/*
 * Adds a label that is not in the pool, which takes it, and sets its id.  Fails
 * if the labels get too large for one chunk of memory.
 */
bool
label_pool_add(LabelPool *pool, Label label, uint32 *id, CjmError *error)
{
	size_t		needed = (size_t) pool->size + varint_size(label.size) + label.size;
	uint8	   *p;

	if (needed > MaxAllocSize)
	{
		cjm_fail(error, CJM_ERROR_LIMIT, "journey of %u labels is too large", pool->count);
		cjm_fail_detail(error, "Its labels take more than 1 GB.");
		return false;
	}
	if (needed > pool->bytes_capacity)
	{
		size_t		capacity = pool->bytes_capacity;

		while (capacity < needed)
			capacity *= 2;
		pool->bytes_capacity = Min(capacity, MaxAllocSize);
		pool->bytes = repalloc(pool->bytes, pool->bytes_capacity);
	}
	if (pool->count == pool->capacity)
	{
		pool->capacity = pool->capacity * 2 + 1;
		pool->offsets = repalloc(pool->offsets, (pool->capacity + 1) * sizeof(uint32));
	}
	p = varint_store(pool->bytes + pool->size, label.size);
	memcpy(p, label.bytes, label.size);
	pool->size = needed;
	*id = pool->count++;
	pool->offsets[pool->count] = pool->size;

	if (pool->table != NULL && pool->count <= pool->table_size / 2)
		table_insert(pool, *id);
	else if (pool->count > LINEAR_LABELS)
	{
		Assert(pool->shared == NULL);
		if (pool->table)
			pfree(pool->table);
		pool->table_size = Max(pool->table_size * 2, LINEAR_LABELS * 4);
		pool->table = palloc0(pool->table_size * sizeof(uint32));
		for (uint32 i = 0; i < pool->count; i++)
			table_insert(pool, i);
	}
	return true;
}

#define ST_SORT sort_ids
#define ST_ELEMENT_TYPE uint32
#define ST_COMPARE_ARG_TYPE const LabelPool
#define ST_COMPARE(a, b, pool) label_compare(label_pool_label(pool, *(a)), label_pool_label(pool, *(b)))
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/*
 * The labels of a pool in order, for label_order_free.  Of a shared pool they
 * are sorted once, and again only after another label has been added.
 */
LabelOrder
label_pool_order(LabelPool *pool)
{
	SharedLabels *shared = pool->shared;
	LabelOrder	order = {.pool = pool};

	if (shared != NULL)
	{
		order.rank = shared->rank;
		order.sorted = shared->sorted;
		if (shared->ranked == pool->count)
			return order;
		/* Until they are in order, which a cancel may prevent, they are in none. */
		shared->ranked = 0;
	}
	else
	{
		order.rank = palloc(Max(pool->count, 1) * sizeof(uint32));
		order.sorted = palloc(Max(pool->count, 1) * sizeof(uint32));
	}
	for (uint32 i = 0; i < pool->count; i++)
		order.sorted[i] = i;
	sort_ids(order.sorted, pool->count, pool);
	for (uint32 i = 0; i < pool->count; i++)
		order.rank[order.sorted[i]] = i;
	if (shared != NULL)
		shared->ranked = pool->count;
	return order;
}

void
label_order_free(LabelOrder *order)
{
	if (order->pool->shared == NULL)
	{
		pfree(order->rank);
		pfree(order->sorted);
	}
}
