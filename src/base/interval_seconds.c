/*
 * base/interval_seconds.c: interval_seconds(length).
 *
 * extract(epoch FROM interval)::float8 to the last bit, without the detour by
 * numeric and by text that costs a row of a view half a microsecond.
 */
#include "base/glue.h"

#include "common/int.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

PG_FUNCTION_INFO_V1(interval_seconds);

/* Whole numbers up to this are exact as float8, and so one division rounds once. */
#define EXACT_FLOAT8 (INT64CONST(1) << 53)

Datum
interval_seconds(PG_FUNCTION_ARGS)
{
	const Interval *interval = PG_GETARG_INTERVAL_P(0);
	int64		microseconds;

	if (interval->month == 0 &&
		!pg_mul_s64_overflow(interval->day, USECS_PER_DAY, &microseconds) &&
		!pg_add_s64_overflow(microseconds, interval->time, &microseconds) &&
		microseconds >= -EXACT_FLOAT8 && microseconds <= EXACT_FLOAT8)
		PG_RETURN_FLOAT8((double) microseconds / USECS_PER_SEC);
	return DirectFunctionCall1(numeric_float8, DirectFunctionCall2(extract_interval, CStringGetTextDatum("epoch"),
																   IntervalPGetDatum(interval)));
}
