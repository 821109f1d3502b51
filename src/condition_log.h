/*
 * condition_log.h: the state that aggregates over (at, conditions) rows share.
 *
 * A log collects the rows of one customer, in any order: a time, and which of
 * the aggregate's conditions hold.  In front of the rows it carries a few
 * bytes of its owner's, the head (a pattern, a window and its mode), that are
 * the same for all rows.  condition_log_rows gives the rows in their canonical
 * order, which depends on nothing but what they say.
 *
 * The conditions of a row are bits in uint64 words, condition i (from 0) being
 * bit i % 64 of word i / 64.  There may be any number of conditions.
 */
#ifndef CJM_CONDITION_LOG_H
#define CJM_CONDITION_LOG_H

#include "pure.h"

/* More than any call can hold other than by mistake; keeps sums of sizes small. */
#define CONDITION_MAX_COUNT 65536

#define CONDITION_WORDS(nconditions) (((nconditions) + 63) / 64)

typedef struct ConditionLog
{
	uint32		size;			/* bytes in use: head and rows */
	uint32		capacity;		/* bytes there are */
	uint32		count;			/* rows */
	uint32		nconditions;	/* of each row */
	uint32		head_size;
	int64		last_at;		/* time of the row added last */
	uint8		bytes[FLEXIBLE_ARRAY_MEMBER];
} ConditionLog;

/* A row, for whoever reads them all; condition_row_bits has its conditions. */
typedef struct ConditionRow
{
	int64		at;
	uint64		bits;			/* with up to 64 conditions; else the index of its first word */
} ConditionRow;

/* By time, then by first condition that holds (none: last), then by the next one that holds. */
typedef struct ConditionRows
{
	uint32		count;
	uint32		nconditions;
	uint32		nwords;			/* of each row */
	ConditionRow *rows;
	uint64	   *words;			/* of all rows, with more than 64 conditions; else NULL */
} ConditionRows;

extern ConditionLog *condition_log_create(uint32 nconditions, const void *head, size_t head_size);
extern bool condition_time_check(int64 at, CjmError *error);
extern bool condition_log_check(const ConditionLog *log, uint32 nconditions, CjmError *error);
extern bool condition_log_add(ConditionLog **log, int64 at, const uint64 *bits, CjmError *error);
extern bool condition_log_append(ConditionLog **log, const ConditionLog *other, CjmError *error);
extern void condition_log_rows(const ConditionLog *log, ConditionRows *rows);
extern void condition_rows_sort(ConditionRows *rows);
extern void condition_log_free_rows(ConditionRows *rows);
extern void condition_log_serialize(const ConditionLog *log, StringInfo out);
extern ConditionLog *condition_log_deserialize(const uint8 *bytes, size_t size, CjmError *error);

static inline const uint8 *
condition_log_head(const ConditionLog *log)
{
	return log->bytes;
}

/* Whether a log's head is these bytes. */
static inline bool
condition_log_head_is(const ConditionLog *log, const void *head, size_t size)
{
	return log->head_size == size && memcmp(log->bytes, head, size) == 0;
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
