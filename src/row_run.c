/*
 * row_run.c: entries of a row log as bytes, see RowRun in row_log.h.
 *
 * A run is written by bucket and read the same way, so that any number of runs
 * can be read side by side: the entries of a few buckets are taken from each, and
 * with them all that the log has of the customers there.  A run in memory is
 * read where it is, one in the file through a buffer of its own.
 *
 * Cost: dealing a batch out takes one pass to count and one to place; reading
 * costs a few shifts an entry.
 */
#include "row_log.h"

/* After an entry's bytes eight more can be written, or read. */
#define RUN_PADDING 8
/* Bytes of a varint. */
#define VARINT_MAX 10
/* Entries that are written, or read, without looking at anything else. */
#define BLOCK 1024
#define WRITE_BUFFER (64 * 1024)
/* In a run of fewer entries it is not kept where parts begin. */
#define PARTED_RUN 8192

/* Writes a run, into memory or into the file of a store. */
typedef struct RunWriter
{
	RowStore   *store;			/* NULL: into memory */
	uint8	   *buffer;
	size_t		size;
	size_t		capacity;
	uint64		written;		/* bytes before the buffer */
	uint64		count;			/* entries */
	RowPart		parts[ROW_PARTS - 1];	/* those parts that have begun, but for the first */
	int			nparts;
} RunWriter;

static inline int
bytes_needed(uint64 v)
{
	return v == 0 ? 0 : pg_leftmost_one_pos64(v) / 8 + 1;
}

static inline uint64
low_bytes(int width)
{
	return width == 0 ? 0 : ~UINT64CONST(0) >> (64 - 8 * width);
}

static bool
corrupt(CjmError *error)
{
	return cjm_fail(error, CJM_ERROR_CORRUPT, "invalid aggregate state");
}

/* Makes room for more entries; names are not touched. */
void
row_batch_room(RowBatch *batch, uint32 more)
{
	uint32		capacity;

	if (batch->capacity - batch->count >= more)
		return;
	capacity = Max(batch->count + more, batch->capacity + batch->capacity / 2);
	if (batch->entries == NULL)
		batch->entries = palloc_extended((size_t) capacity * sizeof(RowEntry), MCXT_ALLOC_HUGE);
	else
		batch->entries = repalloc_huge(batch->entries, (size_t) capacity * sizeof(RowEntry));
	batch->capacity = capacity;
}

void
row_batch_free(RowBatch *batch)
{
	if (batch->entries != NULL)
		pfree(batch->entries);
	if (batch->names != NULL)
		pfree(batch->names);
	memset(batch, 0, sizeof(*batch));
}

/* What a run takes in memory. */
size_t
row_run_memory(const RowRun *run)
{
	return sizeof(RowRun) + (run->bytes != NULL ? run->size : 0) +
		(run->parts != NULL ? (ROW_PARTS - 1) * sizeof(RowPart) : 0);
}

/* Frees what a run points to. */
void
row_run_free(RowRun *run)
{
	if (run->bytes != NULL)
		pfree(unconstify(uint8 *, run->bytes));
	if (run->parts != NULL)
		pfree(run->parts);
	run->bytes = NULL;
	run->parts = NULL;
}

/* Adds a name to a batch; offset says where it is. */
bool
row_batch_name(RowBatch *batch, const uint8 *name, uint32 size, uint32 *offset, CjmError *error)
{
	size_t		needed = (size_t) batch->names_size + sizeof(size) + size;

	if (needed > batch->names_capacity)
	{
		size_t		capacity = Max(needed, Min((size_t) batch->names_capacity * 2, PG_UINT32_MAX));

		if (needed >= PG_UINT32_MAX)
			return cjm_fail(error, CJM_ERROR_LIMIT, "customers' names are too long: more than 4 GB in a %d-th of them",
							ROW_BUCKETS);
		if (batch->names == NULL)
			batch->names = palloc_extended(capacity, MCXT_ALLOC_HUGE);
		else
			batch->names = repalloc_huge(batch->names, capacity);
		batch->names_capacity = capacity;
	}
	*offset = batch->names_size;
	memcpy(batch->names + batch->names_size, &size, sizeof(size));
	memcpy(batch->names + batch->names_size + sizeof(size), name, size);
	batch->names_size = needed;
	return true;
}

/* Room for size bytes and the padding at the end of what has been written. */
static inline uint8 *
writer_room(RunWriter *writer, size_t size)
{
	if (unlikely(writer->capacity - writer->size < size + RUN_PADDING))
	{
		if (writer->store != NULL && writer->size > 0)
		{
			writer->store->write(writer->store, writer->buffer, writer->size);
			writer->written += writer->size;
			writer->size = 0;
		}
		if (writer->capacity - writer->size < size + RUN_PADDING)
		{
			writer->capacity = Max(writer->size + size + RUN_PADDING, writer->capacity + writer->capacity / 2);
			writer->buffer = repalloc_huge(writer->buffer, writer->capacity);
		}
	}
	return writer->buffer + writer->size;
}

/* Says that the next entry is of this bucket, before it is written. */
static inline void
writer_bucket(RunWriter *writer, int bucket)
{
	while (unlikely(bucket >= (writer->nparts + 1) * ROW_PART_BUCKETS && writer->nparts < ROW_PARTS - 1))
		writer->parts[writer->nparts++] = (RowPart) {writer->written + writer->size, writer->count};
}

/* Ends a run: the padding, and what is left for the file. */
static void
writer_end(RunWriter *writer, RowRun *run)
{
	writer_bucket(writer, ROW_BUCKETS);
	run->parts = NULL;
	if (run->count >= PARTED_RUN)
	{
		run->parts = palloc(sizeof(writer->parts));
		memcpy(run->parts, writer->parts, sizeof(writer->parts));
	}
	memset(writer_room(writer, RUN_PADDING), 0, RUN_PADDING);
	writer->size += RUN_PADDING;
	run->size = writer->written + writer->size;
	if (writer->store != NULL)
	{
		writer->store->write(writer->store, writer->buffer, writer->size);
		pfree(writer->buffer);
		run->bytes = NULL;
	}
	else
		run->bytes = writer->buffer;
}

/* How wide the columns of a run are. */
typedef struct RunWidths
{
	int			key;
	int			time;
	int			meaning;
} RunWidths;

static inline RunWidths
run_widths(const RowRun *run)
{
	return (RunWidths) {
		bytes_needed((uint64) run->last_key - (uint64) run->first_key),
		bytes_needed((uint64) run->last_at - (uint64) run->first_at),
		bytes_needed(run->nmeanings - 1)
	};
}

/* Writes entries of numbers, order[0] to order[count - 1] of the batch. */
static void
write_numbers(RunWriter *writer, const RowRun *run, RunWidths width,
			  const RowBatch *batch, const uint32 *order, uint32 count)
{
	uint8	   *p = writer_room(writer, (size_t) count * (width.key + width.time + width.meaning));

	for (uint32 i = 0; i < count; i++)
	{
		const RowEntry *entry = &batch->entries[order[i]];

		writer->size = p - writer->buffer;
		writer_bucket(writer, ROW_BUCKET(entry->key));
		bytes_store64(p, (uint64) row_number_of_key(entry->key) - (uint64) run->first_key);
		p += width.key;
		bytes_store64(p, (uint64) entry->at - (uint64) run->first_at);
		p += width.time;
		bytes_store64(p, entry->meaning);
		p += width.meaning;
		writer->count++;
	}
	writer->size = p - writer->buffer;
}

/* Writes an entry of a name, which is not repeated if it is that of the entry before. */
static void
write_name(RunWriter *writer, const RowRun *run, RunWidths width,
		   const RowBatch *batch, const RowEntry *entry, bool repeated)
{
	uint32		size = row_name_size(batch->names, entry->name);
	uint8	   *p = writer_room(writer, (size_t) width.time + width.meaning + VARINT_MAX + size);

	writer_bucket(writer, ROW_BUCKET(entry->key));
	bytes_store64(p, (uint64) entry->at - (uint64) run->first_at);
	p += width.time;
	bytes_store64(p, entry->meaning);
	p += width.meaning;
	if (repeated)
		*p++ = 0;
	else
	{
		p = varint_store(p, (uint64) size + 1);
		memcpy(p, row_name_bytes(batch->names, entry->name), size);
		p += size;
	}
	writer->size = p - writer->buffer;
	writer->count++;
}

/* Deals entries out by some bits of the number of their bucket from first on; in each place they stay in order. */
static void
deal(const RowBatch *batch, const uint32 *order, uint32 *dealt, int first, int shift, int bits)
{
	uint32		starts[ROW_BUCKETS];
	uint32		mask = (1U << bits) - 1;
	uint32		from = 0;

	memset(starts, 0, sizeof(uint32) << bits);

#define PLACE(i) ((uint32) (ROW_BUCKET(batch->entries[i].key) - first) >> shift & mask)
	for (uint32 i = 0; i < batch->count; i++)
		starts[PLACE(i)]++;
	for (uint32 place = 0; place <= mask; place++)
	{
		uint32		here = starts[place];

		starts[place] = from;
		from += here;
	}
	if (order == NULL)
		for (uint32 i = 0; i < batch->count; i++)
			dealt[starts[PLACE(i)]++] = i;
	else
		for (uint32 i = 0; i < batch->count; i++)
			dealt[starts[PLACE(order[i])]++] = order[i];
#undef PLACE
}

/*
 * Numbers the entries of a batch, which are of the buckets from bucket to end - 1,
 * by bucket; those of a bucket stay in the order in which they came.  palloc'd.
 */
static uint32 *
order_by_bucket(const RowBatch *batch, int bucket, int end)
{
	size_t		size = Max((size_t) batch->count, 1) * sizeof(uint32);
	uint32	   *order = palloc_extended(size, MCXT_ALLOC_HUGE);
	int			bits = pg_ceil_log2_32(end - bucket);

	if (batch->count >= (uint32) (end - bucket))
		deal(batch, NULL, order, bucket, 0, bits);
	else
	{
		/* To look through more places than there are entries would cost more than to deal twice. */
		uint32	   *low = palloc(size);

		deal(batch, NULL, low, bucket, 0, ROW_BUCKET_BITS / 2);
		deal(batch, low, order, bucket, ROW_BUCKET_BITS / 2, ROW_BUCKET_BITS / 2);
		pfree(low);
	}
	return order;
}

/* Writes the entries of a batch, which are of the buckets from bucket to end - 1. */
static void
write_batch(RunWriter *writer, const RowRun *run, const RowBatch *batch, int bucket, int end, bool named)
{
	RunWidths	width = run_widths(run);
	uint32	   *order = order_by_bucket(batch, bucket, end);
	uint32		before = PG_UINT32_MAX;

	for (uint32 i = 0; i < batch->count;)
	{
		uint32		count = Min(batch->count - i, BLOCK);

		CHECK_FOR_INTERRUPTS();
		if (!named)
			write_numbers(writer, run, width, batch, order + i, count);
		else
			for (uint32 k = i; k < i + count; k++)
			{
				const RowEntry *entry = &batch->entries[order[k]];

				write_name(writer, run, width, batch, entry, entry->name == before);
				before = entry->name;
			}
		i += count;
	}
	pfree(order);
}

/*
 * A run, in memory of the current context, of a batch that is not empty.  All
 * meanings in it are below nmeanings.
 */
RowRun
row_run_encode(const RowBatch *batch, bool named, uint32 nmeanings)
{
	RunWriter	writer = {.store = NULL};
	RowRun		run = {.bytes = NULL};
	RunWidths	width;

	run.count = batch->count;
	run.nmeanings = nmeanings;
	run.first_key = run.first_at = PG_INT64_MAX;
	run.last_key = run.last_at = PG_INT64_MIN;
	for (uint32 i = 0; i < batch->count; i++)
	{
		int64		number = row_number_of_key(batch->entries[i].key);
		int64		at = batch->entries[i].at;

		run.first_key = Min(run.first_key, number);
		run.last_key = Max(run.last_key, number);
		run.first_at = Min(run.first_at, at);
		run.last_at = Max(run.last_at, at);
	}
	if (named)
		run.first_key = run.last_key = 0;

	/* What it will take, but for a name that stands in a batch once and is written twice. */
	width = run_widths(&run);
	writer.capacity = (size_t) batch->count * (width.key + width.time + width.meaning + (named ? 2 : 0)) +
		batch->names_size + VARINT_MAX + 2 * RUN_PADDING;
	writer.buffer = palloc_extended(writer.capacity, MCXT_ALLOC_HUGE);
	write_batch(&writer, &run, batch, 0, ROW_BUCKETS, named);
	writer_end(&writer, &run);
	return run;
}

/* Writes the entries of several runs, which are not changed, to the file as one run. */
bool
row_runs_merge(RowStore *store, const RowRun *runs, uint32 nruns, bool named, uint32 nmeanings,
			   RowRun *merged, CjmError *error)
{
	RowCursor  *cursors = palloc(nruns * sizeof(RowCursor));
	RunWriter	writer = {.store = store};
	RowBatch	batch = {.entries = NULL};
	int			step;

	memset(merged, 0, sizeof(*merged));
	merged->nmeanings = nmeanings;
	merged->first_key = merged->first_at = PG_INT64_MAX;
	merged->last_key = merged->last_at = PG_INT64_MIN;
	for (uint32 i = 0; i < nruns; i++)
	{
		merged->count += runs[i].count;
		merged->first_key = Min(merged->first_key, runs[i].first_key);
		merged->last_key = Max(merged->last_key, runs[i].last_key);
		merged->first_at = Min(merged->first_at, runs[i].first_at);
		merged->last_at = Max(merged->last_at, runs[i].last_at);
		if (!row_cursor_open(&cursors[i], &runs[i], store, named, ROW_READ_BUFFER, 0, error))
			return false;
	}

	writer.capacity = WRITE_BUFFER;
	writer.buffer = palloc(writer.capacity);
	step = row_bucket_step(merged->count);
	for (int bucket = 0; bucket < ROW_BUCKETS; bucket += step)
	{
		int			end = Min(bucket + step, ROW_BUCKETS);

		batch.count = batch.names_size = 0;
		for (uint32 i = 0; i < nruns; i++)
			if (!row_cursor_take(&cursors[i], end, &batch, error))
				return false;
		write_batch(&writer, merged, &batch, bucket, end, named);
	}
	writer_end(&writer, merged);
	merged->file = store->file;
	merged->offset = store->end - merged->size;
	for (uint32 i = 0; i < nruns; i++)
		row_cursor_close(&cursors[i]);
	row_batch_free(&batch);
	pfree(cursors);
	return true;
}

/* How many buckets to take at a time so that their entries, of count in all, stay in the cache. */
int
row_bucket_step(uint64 count)
{
	uint64		step = (uint64) ROW_TAKE_ENTRIES * ROW_BUCKETS / Max(count, 1);

	return Max(Min(step, ROW_BUCKETS), 1);
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
	uint32		count = (uint32) Min(cursor->left, BLOCK);
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
		if (batch->count > PG_UINT32_MAX - BLOCK)
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
