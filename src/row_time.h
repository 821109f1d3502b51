/*
 * row_time.h: the times of rows that aggregates keep, and what a time may be.
 *
 * A time is written as its distance from that of the row before:
 *
 *	varint		zigzag(seconds) << 1 | 1, if it is whole seconds;
 *				zigzag(microseconds) << 1, any other up to 2^61 microseconds;
 *				0 and then the time itself in 8 bytes, what is farther yet
 */
#ifndef CJM_ROW_TIME_H
#define CJM_ROW_TIME_H

#include "bytes.h"

#define ROW_TIME_MAX_BYTES 10
#define ROW_TIME_NEAR (INT64CONST(1) << 61)

extern bool row_time_fail(int64 at, CjmError *error);

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

/* Writes a time at p and returns the byte after it; at most ROW_TIME_MAX_BYTES. */
static inline uint8 *
row_time_store(uint8 *p, int64 at, int64 before)
{
	int64		distance = (int64) ((uint64) at - (uint64) before);
	int64		seconds = distance / USECS_PER_SEC;

	/* The distance wraps round only where it is far off anyway, but then it may look near. */
	if (unlikely((at < before) != (distance < 0) || distance >= ROW_TIME_NEAR || distance <= -ROW_TIME_NEAR))
	{
		*p++ = 0;
		bytes_store64(p, (uint64) at);
		return p + 8;
	}
	if (seconds * USECS_PER_SEC == distance)
		return varint_store(p, zigzag(seconds) << 1 | 1);
	return varint_store(p, zigzag(distance) << 1);
}

/* The bytes that row_time_store takes. */
static inline size_t
row_time_size(int64 at, int64 before)
{
	uint8		bytes[ROW_TIME_MAX_BYTES];

	return row_time_store(bytes, at, before) - bytes;
}

/* Reads a time that row_time_store wrote; *at is that of the row before, and then its own.  Returns the byte after it. */
static inline const uint8 *
row_time_load(const uint8 *p, int64 *at)
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

/*
 * Reads a time, as row_time_load, from bytes that nobody has checked; NULL if
 * they end before it does.
 */
static inline const uint8 *
row_time_check_bytes(const uint8 *p, const uint8 *end, int64 *at)
{
	uint64		v;

	p = varint_check(p, end, &v);
	if (p == NULL || (v == 0 && end - p < 8))
		return NULL;
	if (v == 0)
	{
		*at = (int64) bytes_load64(p);
		return p + 8;
	}
	*at = (int64) ((uint64) *at + (uint64) unzigzag(v >> 1) * ((v & 1) != 0 ? (uint64) USECS_PER_SEC : 1));
	return p;
}

#endif							/* CJM_ROW_TIME_H */
