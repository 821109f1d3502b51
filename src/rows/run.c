/*
 * rows/run.c: writing entries of a row log as bytes, see RowRun in rows/log.h.
 *
 * Cost: dealing a batch out takes one pass to count and one to place.
 */
#include "rows/run.h"

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
		uint32		count = Min(batch->count - i, RUN_BLOCK);

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
