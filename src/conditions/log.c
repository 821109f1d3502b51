/*
 * conditions/log.c: adds rows to a log, merges logs, checks those that were
 * sent, and sorts.
 *
 * A log is one chunk of memory: a header, and the rows in the order of their
 * arrival, each as
 *
 *	time		since the row before (the first: since 2000), see base/row_time.h
 *	conditions	up to 8: one byte; beyond that
 *				varint of the one that holds, from 1; or
 *				0 and then as many bytes as the conditions take, 8 to a byte,
 *				if none holds or several do
 *
 * So a row of a usual table takes 4 or 5 bytes.
 *
 * Memory: condition_log_create allocates in the current context and growing
 * keeps the chunk there, whatever context is current.
 */
#include "conditions/log.h"

#include "base/row_time.h"
#include "port/pg_bitutils.h"

#define INITIAL_CHUNK 64

/* Bytes of the conditions of a row that are written out. */
static inline size_t
mask_size(uint32 nconditions)
{
	return (nconditions + 7) / 8;
}

/* Writes the conditions of a row at p and returns the byte after them. */
static inline uint8 *
store_bits(uint8 *p, const uint64 *bits, uint32 nconditions)
{
	uint32		holds = 0;

	if (nconditions <= 8)
	{
		*p++ = (uint8) bits[0];
		return p;
	}
	for (uint32 w = 0; w < CONDITION_WORDS(nconditions); w++)
	{
		if (bits[w] == 0)
			continue;
		if (holds != 0 || (bits[w] & (bits[w] - 1)) != 0)
		{
			holds = 0;
			break;
		}
		holds = w * 64 + pg_rightmost_one_pos64(bits[w]) + 1;
	}
	p = varint_store(p, holds);
	if (holds == 0)
		for (size_t i = 0; i < mask_size(nconditions); i++)
			*p++ = (uint8) (bits[i / 8] >> (i % 8 * 8));
	return p;
}

/*
 * Reads conditions that store_bits wrote into bits, which is all 0; NULL if they
 * are not such: nobody has checked the bytes.
 */
static inline const uint8 *
load_bits(const uint8 *p, const uint8 *end, uint64 *bits, uint32 nconditions)
{
	uint64		holds;

	if (likely(nconditions <= 8))
	{
		if (unlikely(p == end || *p >> nconditions != 0))
			return NULL;
		bits[0] = *p;
		return p + 1;
	}
	p = varint_check(p, end, &holds);
	if (p == NULL || holds > nconditions)
		return NULL;
	if (holds != 0)
	{
		bits[(holds - 1) / 64] = UINT64CONST(1) << ((holds - 1) % 64);
		return p;
	}
	if ((size_t) (end - p) < mask_size(nconditions))
		return NULL;
	for (size_t i = 0; i < mask_size(nconditions); i++)
		bits[i / 8] |= (uint64) *p++ << (i % 8 * 8);
	return nconditions % 64 != 0 && bits[nconditions / 64] >> (nconditions % 64) != 0 ? NULL : p;
}

/*
 * A head for logs of nconditions conditions, at least 1 and at most
 * CONDITION_MAX_COUNT (which is for the caller to see to).  bytes are copied.
 */
ConditionHead *
condition_head_create(uint32 nconditions, const void *bytes, size_t size)
{
	ConditionHead *head = palloc(offsetof(ConditionHead, bytes) + size);

	head->nconditions = nconditions;
	head->size = size;
	if (size > 0)
		memcpy(head->bytes, bytes, size);
	return head;
}

/* An empty log with room for some bytes of rows, as a guess; the head is for the caller to keep. */
ConditionLog *
condition_log_create(const ConditionHead *head, size_t room)
{
	size_t		chunk = row_chunk_size(Max(INITIAL_CHUNK, offsetof(ConditionLog, bytes) + room));
	ConditionLog *log = palloc(chunk);

	log->head = head;
	log->last_at = 0;
	log->size = 0;
	log->capacity = chunk - offsetof(ConditionLog, bytes);
	log->count = 0;
	return log;
}

/* Fails because one row, or log, has a and another has b conditions. */
bool
condition_count_fail(uint32 a, uint32 b, CjmError *error)
{
	cjm_fail(error, CJM_ERROR_VALUE, "number of conditions must be the same in all rows: %u and then %u",
			 Min(a, b), Max(a, b));
	cjm_fail_hint(error, "Give every row of a group the same conditions; one that does not apply is false.");
	return false;
}

/* Makes room for more bytes than there are; doubles, so that adding is linear. */
static pg_noinline bool
grow(ConditionLog **log, size_t more, CjmError *error)
{
	size_t		header = offsetof(ConditionLog, bytes);
	size_t		needed = (*log)->size + more;
	size_t		chunk = header + (*log)->capacity;

	if (header + needed > MaxAllocSize)
	{
		cjm_fail(error, CJM_ERROR_LIMIT, "too many rows in one group: %u", (*log)->count);
		cjm_fail_detail(error, "Their times and conditions take more than 1 GB.");
		cjm_fail_hint(error, "Group by customer; rows that no condition holds for can be left out by WHERE.");
		return false;
	}
	while (chunk < header + needed)
		chunk *= 2;
	chunk = Min(chunk, MaxAllocSize);
	*log = repalloc(*log, chunk);
	(*log)->capacity = chunk - header;
	return true;
}

/* Makes room for more bytes. */
static inline bool
reserve(ConditionLog **log, size_t more, CjmError *error)
{
	return likely(more <= (*log)->capacity - (*log)->size) || grow(log, more, error);
}

/*
 * Adds a row.  bits has the words for the log's number of conditions, and no
 * bit beyond it.  The log may move.
 */
bool
condition_log_add(ConditionLog **log, int64 at, const uint64 *bits, CjmError *error)
{
	ConditionLog *l = *log;
	uint32		nconditions = l->head->nconditions;
	size_t		rest = nconditions <= 8 ? 1 : 3 + mask_size(nconditions);
	uint8	   *p;

	if (!row_time_check(at, error))
		return false;
	/* Most chunks are never full: it pays to look at the last bytes twice. */
	if (likely(ROW_TIME_MAX_BYTES + rest <= l->capacity - l->size))
		p = row_time_store(l->bytes + l->size, at, l->last_at);
	else
	{
		if (!reserve(log, row_time_size(at, l->last_at) + rest, error))
			return false;
		l = *log;
		p = row_time_store_tightly(l->bytes + l->size, at, l->last_at);
	}
	p = store_bits(p, bits, nconditions);
	l->size = p - l->bytes;
	l->last_at = at;
	l->count++;
	return true;
}

/*
 * Adds the rows of another log, which is not changed and may be in other
 * memory.  The log may move.  That the heads agree is for the caller to see to.
 */
bool
condition_log_append(ConditionLog **log, const ConditionLog *other, CjmError *error)
{
	const uint8 *end = other->bytes + other->size;
	const uint8 *rest = other->bytes;
	ConditionLog *l;
	uint8	   *p;
	bool		first = (*log)->count == 0;
	int64		at = 0;

	if (!condition_count_check((*log)->head->nconditions, other->head->nconditions, error))
		return false;
	if (other->count == 0)
		return true;
	/* The rows are as they are here but for the time of their first, if that is not the first here, too. */
	if (!first && (rest = row_time_load(rest, end, &at)) == NULL)
		return row_state_corrupt(error);
	if (!reserve(log, (first ? 0 : ROW_TIME_MAX_BYTES) + (end - rest), error))
		return false;
	l = *log;
	p = l->bytes + l->size;
	if (!first)
		p = row_time_store(p, at, l->last_at);
	memcpy(p, rest, end - rest);
	l->size = p + (end - rest) - l->bytes;
	l->last_at = other->last_at;
	l->count += other->count;
	return true;
}

/*
 * Which of two different sets of conditions comes first: the one with the first
 * condition that only one of them has.
 */
static inline int
compare_word(uint64 a, uint64 b)
{
	uint64		differ = a ^ b;

	return (a & differ & -differ) != 0 ? -1 : 1;
}

static inline int
compare_rows(const ConditionRow *a, const ConditionRow *b, const ConditionRows *all)
{
	const uint64 *x;
	const uint64 *y;

	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	x = condition_row_bits(all, a);
	y = condition_row_bits(all, b);
	for (uint32 w = 0; w < all->nwords; w++)
		if (x[w] != y[w])
			return compare_word(x[w], y[w]);
	return 0;
}

#define ST_SORT sort_rows
#define ST_ELEMENT_TYPE ConditionRow
#define ST_COMPARE(a, b, all) compare_rows(a, b, all)
#define ST_COMPARE_ARG_TYPE const ConditionRows
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* Puts rows into canonical order: a few by insertion, and many cost little if they are. */
void
condition_rows_sort(ConditionRows *rows)
{
	for (uint32 i = 1; i < rows->count; i++)
	{
		ConditionRow row = rows->rows[i];
		uint32		to = i;

		if (compare_rows(&rows->rows[i - 1], &row, rows) <= 0)
			continue;
		if (rows->count > CONDITION_ROWS_ROOM)
		{
			sort_rows(rows->rows, rows->count, rows);
			return;
		}
		do
			rows->rows[to] = rows->rows[to - 1];
		while (--to > 0 && compare_rows(&rows->rows[to - 1], &row, rows) > 0);
		rows->rows[to] = row;
	}
}

/*
 * Makes room for count rows in the current context, for condition_rows_close to
 * free; which condition holds is all 0 with more than 64, else for the caller to set.
 */
void
condition_rows_open(ConditionRows *rows, uint32 count, uint32 nconditions)
{
	rows->count = count;
	rows->nconditions = nconditions;
	rows->nwords = CONDITION_WORDS(nconditions);
	rows->rows = rows->room;
	rows->words = NULL;
	if (count > CONDITION_ROWS_ROOM)
		rows->rows = palloc_extended(count * sizeof(ConditionRow), MCXT_ALLOC_HUGE);
	if (rows->nwords <= 1)
		return;
	rows->words = palloc_extended(Max((size_t) count, 1) * rows->nwords * sizeof(uint64),
								  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint32 i = 0; i < count; i++)
		rows->rows[i].bits = (uint64) i * rows->nwords;
}

void
condition_rows_close(ConditionRows *rows)
{
	if (rows->rows != rows->room)
		pfree(rows->rows);
	if (rows->words)
		pfree(rows->words);
}

/*
 * Opens the rows of a log, in canonical order.  The log is only read, so this
 * can be done again after more rows.  Fails, with nothing to close, if a log
 * from another process turns out to be none.
 */
bool
condition_log_rows(const ConditionLog *log, ConditionRows *rows, CjmError *error)
{
	const uint8 *p = log->bytes;
	const uint8 *end = log->bytes + log->size;
	uint32		nconditions = log->head->nconditions;
	int64		at = 0;

	condition_rows_open(rows, log->count, nconditions);
	for (uint32 i = 0; i < log->count; i++)
	{
		ConditionRow *row = &rows->rows[i];
		uint64	   *bits = &row->bits;

		if (rows->words)
			bits = rows->words + row->bits;
		else
			*bits = 0;
		if ((p = row_time_load(p, end, &at)) == NULL || (p = load_bits(p, end, bits, nconditions)) == NULL)
			break;
		row->at = at;
		if ((i & 0xffff) == 0)
			CHECK_FOR_INTERRUPTS();
	}
	if (p != end)
	{
		condition_rows_close(rows);
		return row_state_corrupt(error);
	}
	condition_rows_sort(rows);
	return true;
}

/*
 * A log on its way to another process of the same build:
 *
 *	8 bytes		time of the row added last
 *	varint		rows
 *	varint		conditions
 *	varint		bytes of the head, and then the head
 *	rows		as in the log, to the end
 *
 * It is written to a palloc'd chunk behind header bytes that are left to the
 * caller, and the size of both is set.
 */
uint8 *
condition_log_serialize(const ConditionLog *log, size_t header, size_t *size)
{
	const ConditionHead *head = log->head;
	uint8	   *bytes = palloc(header + 8 + 3 * 5 + head->size + log->size);
	uint8	   *p = bytes + header;

	bytes_store64(p, (uint64) log->last_at);
	p = varint_store(p + 8, log->count);
	p = varint_store(p, head->nconditions);
	p = varint_store(p, head->size);
	memcpy(p, head->bytes, head->size);
	p += head->size;
	memcpy(p, log->bytes, log->size);
	*size = p + log->size - bytes;
	return bytes;
}

/*
 * Reads a log into the last one that was read, which may be NULL, and returns
 * it, or fails and returns NULL: a log from another process is of use only until
 * it is combined, so that one chunk, in the current context, does for all of
 * them.  A large one is not kept.  Rows are checked when they are read, and what
 * the head means is for the caller to check.
 */
ConditionLog *
condition_log_deserialize(ConditionLog *last, const uint8 *bytes, size_t size, CjmError *error)
{
	const uint8 *p = bytes;
	const uint8 *end = bytes + size;
	const ConditionHead *head = last ? last->head : NULL;
	ConditionLog *log = last;
	uint64		nconditions;
	uint64		head_size;
	uint64		count;

	if (size < 8 ||
		(p = varint_check(p + 8, end, &count)) == NULL ||
		(p = varint_check(p, end, &nconditions)) == NULL || nconditions < 1 || nconditions > CONDITION_MAX_COUNT ||
		(p = varint_check(p, end, &head_size)) == NULL || head_size > (size_t) (end - p) ||
		count > (size_t) (end - p) - head_size)
	{
		row_state_corrupt(error);
		return NULL;
	}
	if (head == NULL || head->nconditions != nconditions || !condition_head_is(head, p, head_size))
	{
		if (head != NULL)
			pfree(unconstify(ConditionHead *, head));
		head = condition_head_create(nconditions, p, head_size);
	}
	p += head_size;
	if (log != NULL && (log->capacity < (size_t) (end - p) || log->capacity > ROW_CHUNK_SMALL))
	{
		pfree(log);
		log = NULL;
	}
	if (log == NULL)
		log = condition_log_create(head, end - p);
	log->head = head;
	log->size = 0;
	if (!reserve(&log, end - p, error))
		return NULL;
	memcpy(log->bytes, p, end - p);
	log->size = end - p;
	log->count = count;
	log->last_at = (int64) bytes_load64(bytes);
	return log;
}
