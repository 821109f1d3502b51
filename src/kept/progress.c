/*
 * kept/progress.c: says how far a build of kept journeys has come:
 * kept_progress(what).
 *
 * Each partition that a statement reads has a call of its own, and all of them count
 * together: they are known by the memory that their statement lives in.
 */
#include "base/glue.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(kept_progress);

/* Rows between two looks at the clock. */
#define ROWS_A_LOOK 1024

#define MILLISECONDS_A_NOTICE 5000

/* How far a statement is. */
typedef struct Progress
{
	MemoryContext statement;
	uint64		rows;
	TimestampTz told;			/* when the last notice was given, or the first row came */
	MemoryContextCallback over;
} Progress;

static Progress *latest;

static void
forget_progress(void *argument)
{
	if (latest == argument)
		latest = NULL;
}

static Progress *
find_progress(MemoryContext statement)
{
	Progress   *progress = latest;

	if (progress != NULL && progress->statement == statement)
		return progress;
	progress = MemoryContextAllocZero(statement, sizeof(Progress));
	progress->statement = statement;
	progress->told = GetCurrentTimestamp();
	progress->over = (MemoryContextCallback) {.func = forget_progress, .arg = progress};
	MemoryContextRegisterResetCallback(statement, &progress->over);
	return latest = progress;
}

/* kept_progress(what): true for each row; every some seconds a NOTICE says how many there have been in the statement. */
Datum
kept_progress(PG_FUNCTION_ARGS)
{
	Progress   *progress = fcinfo->flinfo->fn_extra;

	if (progress == NULL)
		progress = fcinfo->flinfo->fn_extra = find_progress(fcinfo->flinfo->fn_mcxt);
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
