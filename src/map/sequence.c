/*
 * map/sequence.c: map_in_sequence(at, sequence): the time of an event of a map that
 * orders the events of one time.
 *
 * The sequence is added to the time as microseconds.  It is worked out of whatever
 * rows there are, by whoever writes them too, so nothing is an error: a time that
 * would be none is left as it is.
 */
#include "base/glue.h"

#include "common/int.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(map_in_sequence);

Datum
map_in_sequence(PG_FUNCTION_ARGS)
{
	TimestampTz at;
	int64		moved;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	at = PG_GETARG_TIMESTAMPTZ(0);
	if (PG_ARGISNULL(1) || TIMESTAMP_NOT_FINITE(at) ||
		pg_add_s64_overflow(at, PG_GETARG_INT64(1), &moved) || !IS_VALID_TIMESTAMP(moved))
		PG_RETURN_TIMESTAMPTZ(at);
	PG_RETURN_TIMESTAMPTZ(moved);
}
