/*
 * rows/read.c: reading a row log, customer by customer.
 *
 * Its runs are read side by side, the entries of some buckets at a time, so many
 * that they stay in the cache; rows/sort.c brings those of a customer together.
 */
#include "rows/log.h"

/* By the first time, so that of a table in the order of time the entries come nearly in order. */
#define ST_SORT sort_cursors
#define ST_ELEMENT_TYPE RowCursor
#define ST_COMPARE(a, b) (((a)->run->first_at > (b)->run->first_at) - ((a)->run->first_at < (b)->run->first_at))
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/*
 * Reads the entries of the buckets from bucket to end - 1, customer by customer;
 * *met becomes how many of those customers have a bit as well.  The log is not
 * changed and can be read again after more rows.  Meanwhile it takes about 2 MB of
 * the current context, which need not be the store's, and a buffer for each run in
 * the file.
 */
bool
row_log_read(const RowLog *log, int bucket, int end, RowReader reader, void *arg, uint64 *met, CjmError *error)
{
	RowReading	reading = {.reader = reader, .arg = arg, .named = log->named, .seen = log->seen};
	uint32		nruns = log->nruns;
	RowCursor  *cursors;
	RowRun		last = {.bytes = NULL};
	RowBatch	batch = {.entries = NULL};
	int			step;

	*met = 0;
	if (nruns == 0 && log->batch.count <= ROW_TAKE_ENTRIES && bucket == 0 && end == ROW_BUCKETS)
	{
		if (!row_batch_read(&log->batch, bucket, end, &reading, error))
			return false;
		*met = reading.met;
		return true;
	}
	cursors = palloc_extended((nruns + 1) * sizeof(RowCursor), MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < log->nruns; i++)
		if (!row_cursor_open(&cursors[i], &log->runs[i], log->store, log->named, ROW_READ_BUFFER, bucket, error))
			return false;
	if (log->batch.count > 0)
	{
		last = row_log_last_run(log);
		if (!row_cursor_open(&cursors[nruns++], &last, log->store, log->named, 0, bucket, error))
			return false;
	}

	sort_cursors(cursors, nruns);

	step = row_bucket_step(log->total + log->batch.count);
	for (int next; bucket < end; bucket = next)
	{
		next = Min(bucket + step, end);
		batch.count = batch.names_size = 0;
		for (uint32 i = 0; i < nruns; i++)
			if (!row_cursor_take(&cursors[i], next, &batch, error))
				return false;
		if (!row_batch_read(&batch, bucket, next, &reading, error))
			return false;
	}
	for (uint32 i = 0; i < nruns; i++)
		row_cursor_close(&cursors[i]);
	row_run_free(&last);
	pfree(cursors);
	row_batch_free(&batch);
	row_batch_free(&reading.scratch);
	*met = reading.met;
	return true;
}

/*
 * How many customers a log has besides those that are read from it, of whom so
 * many have been met.
 */
uint64
row_log_others(const RowLog *log, uint64 met)
{
	return log->seen == NULL ? 0 : row_seen_count(log->seen) - met;
}
