/*
 * kept/progress.c: says how far a build of kept journeys has come:
 * kept_progress(what).
 */
#include "base/glue.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(kept_progress);

/* Rows between two looks at the clock. */
#define ROWS_A_LOOK 1024

#define MILLISECONDS_A_NOTICE 5000

typedef struct Progress
{
	uint64		rows;
	TimestampTz told;			/* when the last notice was given, or the first row came */
} Progress;

/* kept_progress(what): true for each row; every some seconds a NOTICE says how many there have been in this call site. */
Datum
kept_progress(PG_FUNCTION_ARGS)
{
	Progress   *progress = fcinfo->flinfo->fn_extra;

	if (progress == NULL)
	{
		progress = fcinfo->flinfo->fn_extra = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(Progress));
		progress->told = GetCurrentTimestamp();
	}
	if (++progress->rows % ROWS_A_LOOK == 0)
	{
		TimestampTz now = GetCurrentTimestamp();

		if (TimestampDifferenceExceeds(progress->told, now, MILLISECONDS_A_NOTICE))
		{
			progress->told = now;
			ereport(NOTICE,
					(errmsg("%s: " UINT64_FORMAT " rows have been read", text_to_cstring(PG_GETARG_TEXT_PP(0)), progress->rows)));
		}
	}
	PG_RETURN_BOOL(true);
}
