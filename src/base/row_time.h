/*
 * base/row_time.h: the times of rows that aggregates keep, what a time may be, and
 * the chunks of memory that such states are.
 *
 * A time is written as its distance d from that of the row before:
 *
 *	1 to 8 bytes	little-endian; as many 0 bits as there are further bytes, a 1, and
 *					zigzag(d in seconds) << 1 | 1, if it is whole seconds, else
 *					zigzag(d in microseconds) << 1
 *	9 bytes			0 and the time itself, if it is farther than 2^54 microseconds (570 years)
 *
 * The first byte tells the size, so that no branch depends on how long a time
 * is: most states are not in the processor's cache, and a branch that waits
 * for one, guessed wrong, would stop it from going on with the next row.
 */
#ifndef CJM_ROW_TIME_H
#define CJM_ROW_TIME_H

#include "base/bytes.h"
#include "port/pg_bitutils.h"

#define ROW_TIME_MAX_BYTES 9
#define ROW_TIME_NEAR (INT64CONST(1) << 54)

/* A chunk that is larger is given back once nobody needs it. */
#define ROW_CHUNK_SMALL 8192

extern bool row_time_fail(int64 at, CjmError *error);
extern bool row_state_corrupt(CjmError *error);

/* What to allocate for a size: a power of two if it is small, which PostgreSQL would make of it anyway. */
static inline size_t
row_chunk_size(size_t size)
{
	return size <= ROW_CHUNK_SMALL ? pg_nextpower2_64(size) : Min(size, MaxAllocSize);
}

/* Fails unless a time is one that a row may have: not infinite. */
static inline bool
row_time_check(int64 at, CjmError *error)
{
	return likely(!TIMESTAMP_NOT_FINITE(at)) || row_time_fail(at, error);
}

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

/* Writes a time at p, where there is room for ROW_TIME_MAX_BYTES, and returns the byte after it. */
static inline uint8 *
row_time_store(uint8 *p, int64 at, int64 before)
{
	int64		distance = (int64) ((uint64) at - (uint64) before);
	int64		seconds = distance / USECS_PER_SEC;
	bool		whole = seconds * USECS_PER_SEC == distance;
	uint64		v;
	int			size;

	/* The distance wraps round only where it is far off anyway, but then it may look near. */
	if (unlikely((at < before) != (distance < 0) || distance >= ROW_TIME_NEAR || distance <= -ROW_TIME_NEAR))
	{
		*p++ = 0;
		bytes_store64(p, (uint64) at);
		return p + 8;
	}
	v = zigzag(whole ? seconds : distance) << 1 | whole;
	size = pg_leftmost_one_pos64(v | 1) / 7 + 1;
	bytes_store64(p, (v << 1 | 1) << (size - 1));
	return p + size;
}

/* The same where there is room for this time, but perhaps not for more. */
static inline uint8 *
row_time_store_tightly(uint8 *p, int64 at, int64 before)
{
	uint8		bytes[ROW_TIME_MAX_BYTES];
	size_t		size = row_time_store(bytes, at, before) - bytes;

	memcpy(p, bytes, size);
	return p + size;
}

/* The bytes that a time takes. */
static inline size_t
row_time_size(int64 at, int64 before)
{
	uint8		bytes[ROW_TIME_MAX_BYTES];

	return row_time_store(bytes, at, before) - bytes;
}

/*
 * Reads a time that row_time_store wrote; *at is that of the row before, and
 * then its own.  Returns the byte after it, or NULL if it does not end before
 * end: nobody has checked the bytes.  The 7 bytes before p must be readable.
 */
static inline const uint8 *
row_time_load(const uint8 *p, const uint8 *end, int64 *at)
{
	uint64		v;
	int			size;

	if (unlikely(p >= end))
		return NULL;
	if (unlikely(*p == 0))
	{
		if (end - p < ROW_TIME_MAX_BYTES)
			return NULL;
		*at = (int64) bytes_load64(p + 1);
		return p + ROW_TIME_MAX_BYTES;
	}
	size = pg_rightmost_one_pos32(*p) + 1;
	if (unlikely(size > end - p))
		return NULL;
	v = bytes_load(p, size) >> size;
	*at = (int64) ((uint64) *at + (uint64) unzigzag(v >> 1) * ((v & 1) != 0 ? (uint64) USECS_PER_SEC : 1));
	return p + size;
}

#endif							/* CJM_ROW_TIME_H */
