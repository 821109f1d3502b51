/*
 * conditions/log.h: the state that aggregates over (at, conditions) rows share.
 *
 * A log collects the rows of one customer, in any order: a time, and which of
 * the aggregate's conditions hold.  What is the same for all rows, the number
 * of conditions and a few bytes of the owner's (a pattern, a window and its
 * mode), is the log's head.  condition_log_rows gives the rows in their canonical
 * order, which depends on nothing but what they say.
 *
 * The conditions of a row are bits in uint64 words, condition i (from 0) being
 * bit i % 64 of word i / 64.  There may be any number of conditions.
 */
#ifndef CJM_CONDITION_LOG_H
#define CJM_CONDITION_LOG_H

#include "base/pure.h"

/* More than any call can hold other than by mistake; keeps sums of sizes small. */
#define CONDITION_MAX_COUNT 65536

#define CONDITION_WORDS(nconditions) (((nconditions) + 63) / 64)

/* What all rows of a log have in common; many logs may share one. */
typedef struct ConditionHead
{
	uint32		nconditions;	/* of each row */
	uint32		size;			/* of the owner's bytes */
	uint8		bytes[FLEXIBLE_ARRAY_MEMBER];
} ConditionHead;

/* With many groups the wait for a log's first cache line is most of a row's time: so it is small, rows and all. */
typedef struct ConditionLog
{
	const ConditionHead *head;	/* outlives the log */
	int64		last_at;		/* time of the row added last */
	uint32		size;			/* bytes in use */
	uint32		capacity;		/* bytes there are */
	uint32		count;			/* rows */
	uint8		bytes[FLEXIBLE_ARRAY_MEMBER];
} ConditionLog;

/* A row, for whoever reads them all; condition_row_bits has its conditions. */
typedef struct ConditionRow
{
	int64		at;
	uint64		bits;			/* with up to 64 conditions; else the index of its first word */
} ConditionRow;

/* Rows that need no allocation. */
#define CONDITION_ROWS_ROOM 32

/*
 * By time, then by first condition that holds (none: last), then by the next
 * one that holds.  It must not be copied, rows may point into it.
 */
typedef struct ConditionRows
{
	uint32		count;
	uint32		nconditions;
	uint32		nwords;			/* of each row */
	ConditionRow *rows;
	uint64	   *words;			/* of all rows, with more than 64 conditions; else NULL */
	ConditionRow room[CONDITION_ROWS_ROOM];
} ConditionRows;

extern ConditionHead *condition_head_create(uint32 nconditions, const void *bytes, size_t size);
extern ConditionLog *condition_log_create(const ConditionHead *head, size_t room);
extern bool condition_count_fail(uint32 a, uint32 b, CjmError *error);
extern bool condition_log_add(ConditionLog **log, int64 at, const uint64 *bits, CjmError *error);
extern bool condition_log_append(ConditionLog **log, const ConditionLog *other, CjmError *error);
extern void condition_rows_open(ConditionRows *rows, uint32 count, uint32 nconditions);
extern bool condition_log_rows(const ConditionLog *log, ConditionRows *rows, CjmError *error);
extern void condition_rows_sort(ConditionRows *rows);
extern void condition_rows_close(ConditionRows *rows);
extern uint8 *condition_log_serialize(const ConditionLog *log, size_t header, size_t *size);
extern ConditionLog *condition_log_deserialize(ConditionLog *last, const uint8 *bytes, size_t size, CjmError *error);

/* Whether a head is these bytes. */
static inline bool
condition_head_is(const ConditionHead *head, const void *bytes, size_t size)
{
	return head->size == size && memcmp(head->bytes, bytes, size) == 0;
}

/* Fails unless two rows, or logs, have as many conditions. */
static inline bool
condition_count_check(uint32 a, uint32 b, CjmError *error)
{
	return likely(a == b) || condition_count_fail(a, b, error);
}

static inline const uint64 *
condition_row_bits(const ConditionRows *rows, const ConditionRow *row)
{
	return rows->nwords <= 1 ? &row->bits : rows->words + row->bits;
}

static inline bool
condition_bit(const uint64 *bits, uint32 condition)
{
	return (bits[condition / 64] >> (condition % 64) & 1) != 0;
}

#endif							/* CJM_CONDITION_LOG_H */
