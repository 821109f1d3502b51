/*
 * row_time.c: see row_time.h.
 */
#include "row_time.h"

/* Fails because a time is infinite. */
bool
row_time_fail(int64 at, CjmError *error)
{
	return cjm_fail(error, CJM_ERROR_RANGE, "time must not be %s", TIMESTAMP_IS_NOBEGIN(at) ? "-infinity" : "infinity");
}

/*
 * Reads a time, as row_time_load, from bytes that nobody has checked; NULL if
 * they are not what row_time_store writes of a time that a row may have.
 */
const uint8 *
row_time_check_bytes(const uint8 *p, const uint8 *end, int64 *at)
{
	int64		before = *at;
	uint8		again[ROW_TIME_MAX_BYTES];
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
	return row_time_store(again, *at, before) - again == p - start && memcmp(again, start, p - start) == 0 ? p : NULL;
}
