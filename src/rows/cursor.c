/*
 * rows/cursor.c: reading a run of a row log, see RowRun in rows/log.h.
 *
 * A run is in the order of its buckets, so that any number of runs can be read
 * side by side: the entries of a few buckets are taken from each, and with them
 * all that the log has of the customers there.  A run in memory is read where it
 * is, one in the file through a buffer of its own.
 *
 * Cost: a few shifts an entry.
 */
#include "rows/run.h"

static bool
corrupt(CjmError *error)
{
	return cjm_fail(error, CJM_ERROR_CORRUPT, "invalid aggregate state");
}

/*
 * Makes at least size bytes readable at the cursor's place, and the padding
 * behind; false if the run does not have them.
 */
static bool
cursor_need(RowCursor *cursor, uint64 size, CjmError *error)
{
	size_t		there = cursor->end - cursor->p;
	size_t		more;

	size += RUN_PADDING;
	if (there >= size)
		return true;
	if (cursor->run->bytes != NULL || size - there > cursor->run->size - cursor->read)
		return corrupt(error);
	if (size > cursor->capacity)
	{
		size_t		place = cursor->p - cursor->buffer;

		cursor->buffer = repalloc_huge(cursor->buffer, size);
		cursor->capacity = size;
		cursor->p = cursor->buffer + place;
	}
	memmove(cursor->buffer, cursor->p, there);
	more = Min(cursor->capacity - there, cursor->run->size - cursor->read);
	cursor->store->read(cursor->run->file, cursor->run->offset + cursor->read, cursor->buffer + there, more);
	cursor->read += more;
	cursor->p = cursor->buffer;
	cursor->end = cursor->buffer + there + more;
	return true;
}

/* Makes as many bytes readable as there are up to size; never fewer than the padding. */
static bool
cursor_offer(RowCursor *cursor, uint64 size, CjmError *error)
{
	uint64		left = (cursor->end - cursor->p) + (cursor->run->bytes != NULL ? 0 : cursor->run->size - cursor->read);

	if (left < RUN_PADDING)
		return corrupt(error);
	return cursor_need(cursor, Min(size, left - RUN_PADDING), error);
}

/* Opens a run for reading from the bucket first on; buffer is the bytes to read at a time from the file. */
bool
row_cursor_open(RowCursor *cursor, const RowRun *run, RowStore *store, bool named, size_t buffer, int first, CjmError *error)
{
	RowPart		part = {0, 0};
	RowBatch	skipped = {.entries = NULL};

	if (first >= ROW_PART_BUCKETS && run->parts != NULL)
		part = run->parts[first / ROW_PART_BUCKETS - 1];
	memset(cursor, 0, sizeof(*cursor));
	cursor->run = run;
	cursor->store = store;
	cursor->named = named;
	cursor->left = run->count - part.before;
	if (run->bytes != NULL)
	{
		cursor->p = run->bytes + part.offset;
		cursor->end = run->bytes + run->size;
	}
	else
	{
		cursor->capacity = Max(Min(buffer, run->size), 2 * VARINT_MAX + RUN_PADDING);
		cursor->buffer = palloc(cursor->capacity);
		cursor->p = cursor->end = cursor->buffer;
		cursor->read = part.offset;
	}
	if (!row_cursor_take(cursor, first, &skipped, error))
		return false;
	row_batch_free(&skipped);
	return true;
}

void
row_cursor_close(RowCursor *cursor)
{
	if (cursor->buffer != NULL)
		pfree(cursor->buffer);
}

/* Takes entries of numbers of buckets below end, a block at most; *more says whether there may be more. */
static bool
take_numbers(RowCursor *cursor, int end, RowBatch *batch, bool *more, CjmError *error)
{
	const RowRun *run = cursor->run;
	RunWidths	width = run_widths(run);
	int			size = width.key + width.time + width.meaning;
	uint64		key_bits = low_bytes(width.key);
	uint64		time_bits = low_bytes(width.time);
	uint64		meaning_bits = low_bytes(width.meaning);
	uint32		nmeanings = run->nmeanings;
	int			bucket = cursor->bucket;
	uint32		count = (uint32) Min(cursor->left, RUN_BLOCK);
	uint32		wrong = 0;
	uint32		taken;
	RowEntry   *out;
	const uint8 *p;

	/* A file's buffer is filled up when not even one is left in it. */
	if (!cursor_need(cursor, size, error))
		return false;
	if (size > 0)
		count = Min(count, (size_t) (cursor->end - cursor->p - RUN_PADDING) / size);
	row_batch_room(batch, count);
	out = batch->entries + batch->count;
	p = cursor->p;
	for (taken = 0; taken < count; taken++, out++)
	{
		uint64		key = row_key_of_number((int64) ((uint64) run->first_key + (bytes_load64(p) & key_bits)));
		uint32		meaning;

		wrong |= ROW_BUCKET(key) < bucket;
		bucket = ROW_BUCKET(key);
		if (bucket >= end)
			break;
		out->key = key;
		p += width.key;
		out->at = (int64) ((uint64) run->first_at + (bytes_load64(p) & time_bits));
		p += width.time;
		meaning = (uint32) (bytes_load64(p) & meaning_bits);
		p += width.meaning;
		wrong |= meaning >= nmeanings;
		out->meaning = meaning;
		out->name = 0;
	}
	/* Where a run comes from another process, its order is checked as well. */
	if (wrong)
		return corrupt(error);
	if (run->meanings != NULL)
		for (uint32 i = batch->count; i < batch->count + taken; i++)
			batch->entries[i].meaning = run->meanings[batch->entries[i].meaning];
	cursor->p = p;
	cursor->bucket = bucket;
	cursor->left -= taken;
	batch->count += taken;
	*more = bucket < end;
	return true;
}

/* Takes an entry of a name, if it is of a bucket below end; *more says whether it was.  repeats: there is one before it. */
static bool
take_name(RowCursor *cursor, int end, bool repeats, RowBatch *batch, bool *more, CjmError *error)
{
	const RowRun *run = cursor->run;
	RunWidths	width = run_widths(run);
	int			head = width.time + width.meaning;
	RowEntry	entry;
	uint64		meaning;
	uint64		size;
	const uint8 *name;

	if (!cursor_need(cursor, head, error) || !cursor_offer(cursor, head + VARINT_MAX, error))
		return false;
	name = varint_check(cursor->p + head, cursor->end, &size);
	if (name == NULL || (size == 0 && !repeats) || size > MaxAllocSize)
		return corrupt(error);
	if (size == 0)
	{
		entry.key = batch->entries[batch->count - 1].key;
		entry.name = batch->entries[batch->count - 1].name;
	}
	else
	{
		size_t		place = name - cursor->p;

		if (!cursor_need(cursor, place + size - 1, error))
			return false;
		name = cursor->p + place;
		entry.key = row_key_of_name(name, (uint32) size - 1);
		if (ROW_BUCKET(entry.key) < cursor->bucket)
			return corrupt(error);
		cursor->bucket = ROW_BUCKET(entry.key);
		*more = cursor->bucket < end;
		if (!*more)
			return true;
		if (!row_batch_name(batch, name, (uint32) size - 1, &entry.name, error))
			return false;
		name += size - 1;
	}
	entry.at = (int64) ((uint64) run->first_at + (bytes_load64(cursor->p) & low_bytes(width.time)));
	meaning = bytes_load64(cursor->p + width.time) & low_bytes(width.meaning);
	if (meaning >= run->nmeanings)
		return corrupt(error);
	entry.meaning = run->meanings != NULL ? run->meanings[meaning] : (uint32) meaning;
	cursor->p = name;
	cursor->left--;
	row_batch_room(batch, 1);
	batch->entries[batch->count++] = entry;
	return true;
}

/* Adds all entries of the buckets below end that have not been taken yet to a batch. */
bool
row_cursor_take(RowCursor *cursor, int end, RowBatch *batch, CjmError *error)
{
	bool		more = cursor->bucket < end;

	for (bool repeats = false; more && cursor->left > 0; repeats = true)
	{
		CHECK_FOR_INTERRUPTS();
		if (batch->count > PG_UINT32_MAX - RUN_BLOCK)
			return cjm_fail(error, CJM_ERROR_LIMIT, "too many rows of customers that hash alike");
		if (cursor->named ? !take_name(cursor, end, repeats, batch, &more, error) :
			!take_numbers(cursor, end, batch, &more, error))
			return false;
	}
	if (cursor->left == 0 && cursor->bucket < ROW_BUCKETS)
	{
		cursor->bucket = ROW_BUCKETS;
		if ((uint64) (cursor->end - cursor->p) + (cursor->run->bytes != NULL ? 0 : cursor->run->size - cursor->read) != RUN_PADDING)
			return corrupt(error);
	}
	return true;
}
