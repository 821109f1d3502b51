/*
 * base/row_time.c: writes and reads the times of rows, and says what a time may
 * not be.
 */
#include "base/row_time.h"

/* Fails because a time is infinite. */
bool
row_time_fail(int64 at, CjmError *error)
{
	return cjm_fail(error, CJM_ERROR_RANGE, "time must not be %s", TIMESTAMP_IS_NOBEGIN(at) ? "-infinity" : "infinity");
}

/* Fails because a state from another process is none. */
bool
row_state_corrupt(CjmError *error)
{
	return cjm_fail(error, CJM_ERROR_CORRUPT, "invalid aggregate state");
}
