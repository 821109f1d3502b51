/*
 * condition_log.c: see condition_log.h.
 *
 * A log is one chunk of memory: a header, the owner's head, and the rows in the
 * order of their arrival, each as
 *
 *	varint		time since the row before (the first: since 2000), see below
 *	conditions	up to 8: one byte; beyond that
 *				varint of the one that holds, from 1; or
 *				0 and then as many bytes as the conditions take, 8 to a byte,
 *				if none holds or several do
 *
 * A distance of whole seconds is zigzag(seconds) << 1 | 1, any other up to
 * 2^61 microseconds is zigzag(microseconds) << 1, and what is farther yet is a
 * 0 and then the time itself in 8 bytes.  So a row of a usual table takes 4 or
 * 5 bytes.
 *
 * Memory: condition_log_create allocates in the current context and growing
 * keeps the chunk there, whatever context is current.
 */
#include "condition_log.h"

#include "bytes.h"
#include "port/pg_bitutils.h"

#define INITIAL_CHUNK 128
#define TIME_MAX_BYTES 10
#define NEAR_MAX (INT64CONST(1) << 61)

static inline uint64
zigzag(int64 v)
{
	return ((uint64) v << 1) ^ (uint64) (v >> 63);
}

static inline int64
unzigzag(uint64 v)
{
	return (int64) (v >> 1) ^ -(int64) (v & 1);
}

/* Bytes of the conditions of a row that are written out. */
static inline size_t
mask_size(uint32 nconditions)
{
	return (nconditions + 7) / 8;
}

/* Writes a time at p and returns the byte after it. */
static inline uint8 *
store_time(uint8 *p, int64 at, int64 before)
{
	int64		distance = (int64) ((uint64) at - (uint64) before);
	int64		seconds = distance / USECS_PER_SEC;

	/* The distance wraps round only where it is far off anyway, but then it may look near. */
	if ((at < before) != (distance < 0) || distance >= NEAR_MAX || distance <= -NEAR_MAX)
	{
		*p++ = 0;
		bytes_store64(p, (uint64) at);
		return p + 8;
	}
	if (seconds * USECS_PER_SEC == distance)
		return varint_store(p, zigzag(seconds) << 1 | 1);
	return varint_store(p, zigzag(distance) << 1);
}

/* Reads a time that was written by store_time. */
static inline const uint8 *
load_time(const uint8 *p, int64 *at)
{
	uint64		v;

	p = varint_load(p, &v);
	if (v & 1)
		*at += unzigzag(v >> 1) * USECS_PER_SEC;
	else if (v != 0)
		*at += unzigzag(v >> 1);
	else
	{
		*at = (int64) bytes_load64(p);
		p += 8;
	}
	return p;
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

/* Reads conditions that were written by store_bits into bits, which is all 0. */
static inline const uint8 *
load_bits(const uint8 *p, uint64 *bits, uint32 nconditions)
{
	uint64		holds;

	if (nconditions <= 8)
	{
		bits[0] = *p++;
		return p;
	}
	p = varint_load(p, &holds);
	if (holds != 0)
		bits[(holds - 1) / 64] = UINT64CONST(1) << ((holds - 1) % 64);
	else
		for (size_t i = 0; i < mask_size(nconditions); i++)
			bits[i / 8] |= (uint64) *p++ << (i % 8 * 8);
	return p;
}

/*
 * An empty log for rows of nconditions conditions, at least 1 and at most
 * CONDITION_MAX_COUNT (which is for the caller to see to).  head is copied.
 */
ConditionLog *
condition_log_create(uint32 nconditions, const void *head, size_t head_size)
{
	size_t		header = offsetof(ConditionLog, bytes);
	size_t		chunk = INITIAL_CHUNK;
	ConditionLog *log;

	while (chunk < header + head_size + TIME_MAX_BYTES)
		chunk *= 2;
	log = palloc(chunk);
	memset(log, 0, header);
	log->capacity = chunk - header;
	log->nconditions = nconditions;
	log->head_size = log->size = head_size;
	if (head_size > 0)
		memcpy(log->bytes, head, head_size);
	return log;
}

/* Fails unless a time is one that a row may have. */
bool
condition_time_check(int64 at, CjmError *error)
{
	if (likely(!TIMESTAMP_NOT_FINITE(at)))
		return true;
	return cjm_fail(error, CJM_ERROR_RANGE, "time must not be %s", TIMESTAMP_IS_NOBEGIN(at) ? "-infinity" : "infinity");
}

/* Fails unless another row, or log, has as many conditions. */
bool
condition_log_check(const ConditionLog *log, uint32 nconditions, CjmError *error)
{
	if (log->nconditions == nconditions)
		return true;
	cjm_fail(error, CJM_ERROR_VALUE, "number of conditions must be the same in all rows: %u and then %u",
			 Min(log->nconditions, nconditions), Max(log->nconditions, nconditions));
	cjm_fail_hint(error, "Give every row of a group the same conditions; one that does not apply is false.");
	return false;
}

/* Makes room for more bytes; doubles, so that adding is linear. */
static bool
reserve(ConditionLog **log, size_t more, CjmError *error)
{
	size_t		header = offsetof(ConditionLog, bytes);
	size_t		needed = (*log)->size + more;
	size_t		chunk = header + (*log)->capacity;

	if (needed <= (*log)->capacity)
		return true;
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

/*
 * Adds a row.  bits has the words for the log's number of conditions, and no
 * bit beyond it.  The log may move.
 */
bool
condition_log_add(ConditionLog **log, int64 at, const uint64 *bits, CjmError *error)
{
	ConditionLog *l;
	uint8	   *p;

	if (!condition_time_check(at, error))
		return false;
	if (!reserve(log, TIME_MAX_BYTES + 3 + mask_size((*log)->nconditions), error))
		return false;
	l = *log;
	if (l->count == 0)
		l->last_at = 0;
	p = store_time(l->bytes + l->size, at, l->last_at);
	p = store_bits(p, bits, l->nconditions);
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
	const uint8 *p = other->bytes + other->head_size;
	const uint8 *end = other->bytes + other->size;
	const uint8 *rest;
	ConditionLog *l;
	uint8	   *to;
	int64		at = 0;

	if (!condition_log_check(*log, other->nconditions, error))
		return false;
	if (other->count == 0)
		return true;
	if (!reserve(log, TIME_MAX_BYTES + (end - p), error))
		return false;
	l = *log;
	/* Only the first row's time is relative to something else here. */
	rest = load_time(p, &at);
	to = store_time(l->bytes + l->size, at, l->count > 0 ? l->last_at : 0);
	memcpy(to, rest, end - rest);
	l->size = to + (end - rest) - l->bytes;
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

/* Puts rows into canonical order; costs little if they are. */
void
condition_rows_sort(ConditionRows *rows)
{
	for (uint32 i = 1; i < rows->count; i++)
		if (compare_rows(&rows->rows[i - 1], &rows->rows[i], rows) > 0)
		{
			sort_rows(rows->rows, rows->count, rows);
			return;
		}
}

/*
 * The rows of a log in canonical order, allocated in the current context.  The
 * log is only read, so this can be done again after more rows.
 */
void
condition_log_rows(const ConditionLog *log, ConditionRows *rows)
{
	const uint8 *p = log->bytes + log->head_size;
	int64		at = 0;

	rows->count = log->count;
	rows->nconditions = log->nconditions;
	rows->nwords = CONDITION_WORDS(log->nconditions);
	rows->rows = palloc_extended(Max((size_t) log->count, 1) * sizeof(ConditionRow), MCXT_ALLOC_HUGE);
	rows->words = NULL;
	if (rows->nwords > 1)
		rows->words = palloc_extended(Max((size_t) log->count, 1) * rows->nwords * sizeof(uint64),
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint32 i = 0; i < log->count; i++)
	{
		ConditionRow *row = &rows->rows[i];

		p = load_time(p, &at);
		row->at = at;
		row->bits = rows->words ? (uint64) i * rows->nwords : 0;
		p = load_bits(p, rows->words ? rows->words + row->bits : &row->bits, log->nconditions);
		if ((i & 0xffff) == 0)
			CHECK_FOR_INTERRUPTS();
	}
	Assert(p == log->bytes + log->size);
	condition_rows_sort(rows);
}

void
condition_log_free_rows(ConditionRows *rows)
{
	pfree(rows->rows);
	if (rows->words)
		pfree(rows->words);
}

/*
 * A log on its way to another process of the same build:
 *
 *	varint		conditions
 *	varint		bytes of the head, and then the head
 *	varint		rows
 *	rows		as in the log, to the end
 */
void
condition_log_serialize(const ConditionLog *log, StringInfo out)
{
	append_varint(out, log->nconditions);
	append_varint(out, log->head_size);
	appendBinaryStringInfo(out, (const char *) log->bytes, log->head_size);
	append_varint(out, log->count);
	appendBinaryStringInfo(out, (const char *) log->bytes + log->head_size, log->size - log->head_size);
}

/* Reads a time from bytes that nobody has checked; NULL if it is not what store_time writes. */
static const uint8 *
check_time(const uint8 *p, const uint8 *end, int64 *at)
{
	int64		before = *at;
	uint8		again[TIME_MAX_BYTES];
	const uint8 *start = p;
	uint64		v;

	p = varint_check(p, end, &v);
	if (p == NULL || (v == 0 && end - p < 8))
		return NULL;
	if (v & 1)
		*at = (int64) ((uint64) before + (uint64) unzigzag(v >> 1) * (uint64) USECS_PER_SEC);
	else if (v != 0)
		*at = (int64) ((uint64) before + (uint64) unzigzag(v >> 1));
	else
	{
		*at = (int64) bytes_load64(p);
		p += 8;
	}
	if (TIMESTAMP_NOT_FINITE(*at))
		return NULL;
	return store_time(again, *at, before) - again == p - start && memcmp(again, start, p - start) == 0 ? p : NULL;
}

/* Reads conditions from bytes that nobody has checked; NULL if they are not what store_bits writes. */
static const uint8 *
check_bits(const uint8 *p, const uint8 *end, uint32 nconditions)
{
	uint32		unused = mask_size(nconditions) * 8 - nconditions;
	uint64		holds = 0;
	int			bits = 0;

	if (nconditions > 8)
	{
		p = varint_check(p, end, &holds);
		if (p == NULL || holds > nconditions)
			return NULL;
		if (holds != 0)
			return p;
	}
	if ((size_t) (end - p) < mask_size(nconditions))
		return NULL;
	if (nconditions > 8)
	{
		for (size_t i = 0; i < mask_size(nconditions); i++)
			bits += pg_number_of_ones[p[i]];
		if (bits == 1)
			return NULL;
	}
	p += mask_size(nconditions);
	return unused > 0 && p[-1] >> (8 - unused) != 0 ? NULL : p;
}

/*
 * Reads a log in the current context, or returns NULL.  The meaning of the
 * head is for the caller to check.
 */
ConditionLog *
condition_log_deserialize(const uint8 *bytes, size_t size, CjmError *error)
{
	const uint8 *p = bytes;
	const uint8 *end = bytes + size;
	const uint8 *head;
	const uint8 *rows;
	ConditionLog *log;
	uint64		nconditions;
	uint64		head_size;
	uint64		count;
	int64		at = 0;

	if ((p = varint_check(p, end, &nconditions)) == NULL || nconditions < 1 || nconditions > CONDITION_MAX_COUNT ||
		(p = varint_check(p, end, &head_size)) == NULL || head_size > (size_t) (end - p))
		goto corrupt;
	head = p;
	p += head_size;
	if ((p = varint_check(p, end, &count)) == NULL || count > (size_t) (end - p))
		goto corrupt;
	rows = p;
	for (uint64 i = 0; i < count; i++)
	{
		if ((p = check_time(p, end, &at)) == NULL ||
			(p = check_bits(p, end, nconditions)) == NULL)
			goto corrupt;
	}
	if (p != end)
		goto corrupt;

	log = condition_log_create(nconditions, head, head_size);
	if (!reserve(&log, end - rows, error))
		return NULL;
	memcpy(log->bytes + log->size, rows, end - rows);
	log->size += end - rows;
	log->count = count;
	log->last_at = at;
	return log;

corrupt:
	cjm_fail(error, CJM_ERROR_CORRUPT, "invalid aggregate state");
	return NULL;
}
