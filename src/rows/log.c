/*
 * rows/log.c: collecting rows within a memory limit, see rows/log.h.
 *
 * A log's latest rows are a batch, appended to as they come.  A batch that has
 * become large is encoded as a run, which takes a third of the space.  When the
 * store's limit is reached, every log that is not much smaller than the average
 * writes what it has in memory to the file: large runs as they are, small ones
 * as one.  That frees at least half, so the work of finding them is spread over
 * many rows.
 *
 * In the file a log never has more than a few hundred runs of a level: they are
 * merged into one of the next.  So reading it needs few buffers, and every row is
 * rewritten a few times at most, however many there are.
 *
 * Customers of whom no more is known than that they were there leave the batch
 * for a bit each (rows/seen.h), as far as a share of the limit lasts.
 */
#include "rows/log.h"

/* Runs of a level that are merged into one: as many as there may be buffers for, within these. */
#define MIN_MERGE_RUNS 64
#define MAX_MERGE_RUNS 256
/* A run in memory of as many entries goes to the file as it is; smaller ones are merged first. */
#define LARGE_RUN 8192
/* The level of those in a file of another store, which stay as they are. */
#define FOREIGN_LEVEL PG_INT32_MAX

/* Rows that are appended before they are sifted. */
#define SIFT_ENTRIES 512

/* Entries that fill so many bytes, which are a power of two as small allocations are. */
#define ENTRIES(bytes) ((uint32) ((bytes) / sizeof(RowEntry)))
#define FIRST_BYTES 512			/* for entries, or names, of a new log */
#define OWN_BYTES 2048			/* up to which they are not the store's */
#define MIN_BATCH_BYTES (128 * 1024)	/* at which a batch is made a run, unless the limit is small */
#define RECENT_AFTER 256		/* entries after which it pays to know who was seen */
#define RECENT_MIN_BITS 8
#define RECENT_MAX_BITS 14
#define SEEN_SHARE 4			/* of the store's limit, for bits */
#define SEEN_MIN_BYTES (16 * 1024)	/* less is not worth beginning */

/*
 * Prepares a store; its functions are to be set by the caller.  A limit below
 * 256 kB is taken for that: there have to be buffers.
 */
void
row_store_init(RowStore *store, size_t limit)
{
	memset(store, 0, sizeof(*store));
	store->limit = Max(limit, 256 * 1024);
	store->batch_bytes = Min(store->limit / 8, 2 * 1024 * 1024);
}

/* Prepares a log.  Its first entries are in the current context, which need not be the store's. */
void
row_log_init(RowLog *log, RowStore *store, bool named, const uint32 *nmeanings)
{
	memset(log, 0, sizeof(*log));
	log->store = store;
	log->named = named;
	log->nmeanings = nmeanings;
}

/* Changes what a log is charged. */
static void
charge(RowLog *log, size_t more)
{
	log->used += more;
	log->store->used += more;
}

static void
discharge(RowLog *log, size_t less)
{
	log->used -= less;
	log->store->used -= less;
}

/* From here on the log's memory is the store's, or counts as if it were. */
static void
enter_store(RowLog *log)
{
	RowStore   *store = log->store;

	log->charged = true;
	log->before = NULL;
	log->after = store->logs;
	if (store->logs != NULL)
		store->logs->before = log;
	store->logs = log;
	store->nlogs++;
	charge(log, log->batch.capacity * sizeof(RowEntry) + log->batch.names_capacity);
}

/* Frees all that a log has in the store and leaves it empty.  Its latest rows are lost with it. */
void
row_log_release(RowLog *log)
{
	RowStore   *store = log->store;

	if (!log->charged)
		return;
	row_batch_free(&log->batch);
	log->sifted = log->stop = 0;
	if (log->recent != NULL)
		pfree(log->recent);
	if (log->recent_names != NULL)
		pfree(log->recent_names);
	log->recent = NULL;
	log->recent_names = NULL;
	if (log->seen != NULL)
	{
		store->seen -= row_seen_size(log->seen);
		row_seen_free(log->seen);
		log->seen = NULL;
	}
	for (uint32 i = 0; i < log->nruns; i++)
		row_run_free(&log->runs[i]);
	if (log->runs != NULL)
		pfree(log->runs);
	log->runs = NULL;
	log->nruns = log->runs_capacity = 0;
	discharge(log, log->used);

	if (log->before != NULL)
		log->before->after = log->after;
	else
		store->logs = log->after;
	if (log->after != NULL)
		log->after->before = log->before;
	log->charged = false;
	store->nlogs--;
}

static void
push_run(RowLog *log, const RowRun *run)
{
	if (log->nruns == log->runs_capacity)
	{
		uint32		capacity = Max(log->runs_capacity * 2, 4);

		charge(log, (capacity - log->runs_capacity) * sizeof(RowRun));
		if (log->runs == NULL)
			log->runs = palloc(capacity * sizeof(RowRun));
		else
			log->runs = repalloc_huge(log->runs, capacity * sizeof(RowRun));
		log->runs_capacity = capacity;
	}
	log->runs[log->nruns++] = *run;
	log->total += run->count;
	charge(log, row_run_memory(run) - sizeof(RowRun));
}

/*
 * Sets where the batch is full, or is to be sifted: not that of a small log, whose
 * customers are not known, nor one of names, which is sifted as it grows.  At most
 * SIFT_ENTRIES come to those that have been sifted, or to those of a small log.
 */
static void
set_stop(RowLog *log)
{
	RowBatch   *batch = &log->batch;

	log->stop = batch->capacity;
	if (log->charged && !log->named)
		log->stop = Min(log->stop, batch->count + SIFT_ENTRIES);
}

/* Empties the batch, keeping its room. */
static void
clear_batch(RowLog *log)
{
	log->batch.count = 0;
	log->batch.names_size = 0;
	log->sifted = 0;
	set_stop(log);
	/* Who was seen is known by names in the batch. */
	if (log->recent_names != NULL)
		memset(log->recent_names, 0xff, sizeof(uint32) << (64 - log->recent_shift));
}

/* Makes the batch a run in memory. */
static void
batch_to_run(RowLog *log)
{
	RowRun		run;

	if (log->batch.count == 0)
		return;
	run = row_run_encode(&log->batch, log->named, *log->nmeanings);
	push_run(log, &run);
	clear_batch(log);
}

/* Writes the runs from .. to - 1 to the file as one, which takes their place. */
static bool
merge_runs(RowLog *log, uint32 from, uint32 to, int level, CjmError *error)
{
	RowRun		merged;

	if (to - from == 1 && log->runs[from].bytes != NULL)
	{
		merged = log->runs[from];
		merged.bytes = NULL;
		log->store->write(log->store, log->runs[from].bytes, log->runs[from].size);
		merged.file = log->store->file;
		merged.offset = log->store->end - merged.size;
		log->runs[from].parts = NULL;
	}
	else if (!row_runs_merge(log->store, log->runs + from, to - from, log->named, *log->nmeanings, &merged, error))
		return false;
	else
		charge(log, row_run_memory(&merged) - sizeof(RowRun));
	merged.level = level;
	for (uint32 i = from; i < to; i++)
	{
		discharge(log, row_run_memory(&log->runs[i]) - sizeof(RowRun));
		row_run_free(&log->runs[i]);
	}
	log->runs[from] = merged;
	memmove(log->runs + from + 1, log->runs + to, (log->nruns - to) * sizeof(RowRun));
	log->nruns -= to - from - 1;
	return true;
}

/*
 * Writes all that a log has in memory to the file.  Runs in files come first,
 * those of another store before all, the store's own by falling level, and runs
 * in memory after them.
 */
bool
row_log_spill(RowLog *log, CjmError *error)
{
	RowStore   *store = log->store;
	uint32		merged_at = Max(Min(store->limit / 4 / ROW_READ_BUFFER, MAX_MERGE_RUNS), MIN_MERGE_RUNS);
	uint32		from = log->nruns;
	size_t		room;

	batch_to_run(log);
	while (from > 0 && log->runs[from - 1].bytes != NULL)
		from--;
	while (from < log->nruns)
	{
		uint32		to = from + 1;

		if (log->runs[from].count < LARGE_RUN)
			while (to < log->nruns && log->runs[to].count < LARGE_RUN)
				to++;
		if (!merge_runs(log, from, to, 0, error))
			return false;
		from++;
	}
	for (int level = 0;; level++)
	{
		for (from = log->nruns; from > 0 && log->runs[from - 1].level == level; from--)
			;
		if (log->nruns - from < merged_at)
			break;
		if (!merge_runs(log, from, log->nruns, level + 1, error))
			return false;
	}

	/* The room of the batch is kept if there would be as much for everybody. */
	room = log->batch.capacity * sizeof(RowEntry) + log->batch.names_capacity;
	if (room > store->limit / 4 / store->nlogs)
	{
		discharge(log, room);
		row_batch_free(&log->batch);
		set_stop(log);
	}
	return true;
}

/* Makes the store's memory less, if with so much more it would be above its limit. */
static bool
store_room(RowStore *store, size_t more, CjmError *error)
{
	size_t		threshold;

	if (store->used + more <= store->limit || store->nlogs == 0)
		return true;
	threshold = store->used / store->nlogs / 2;
	for (RowLog *log = store->logs; log != NULL; log = log->after)
		if (log->used >= threshold && !row_log_spill(log, error))
			return false;
	return true;
}

/*
 * From some hundred rows on it pays to know which customers a log has: most
 * rows that say nothing are of somebody seen a moment ago.
 */
static void
widen_recent(RowLog *log)
{
	RowStore   *store = log->store;
	uint64		count = log->total + log->batch.count;
	int			place = log->named ? sizeof(uint64) + sizeof(uint32) : sizeof(uint64);
	int			bits = log->recent == NULL ? RECENT_MIN_BITS : 64 - log->recent_shift + 2;
	size_t		before = log->recent == NULL ? 0 : (size_t) place << (64 - log->recent_shift);
	size_t		size = (size_t) place << bits;

	if (count < RECENT_AFTER || bits > RECENT_MAX_BITS || count < UINT64CONST(1) << bits ||
		size > store->limit / 16 / store->nlogs)
		return;
	if (log->recent != NULL)
		pfree(log->recent);
	if (log->recent_names != NULL)
		pfree(log->recent_names);
	log->recent_shift = 64 - bits;
	log->recent = palloc0(sizeof(uint64) << bits);
	/* No key is in a place that is not its own. */
	log->recent[0] = PG_UINT64_MAX;
	if (log->named)
	{
		log->recent_names = palloc(sizeof(uint32) << bits);
		memset(log->recent_names, 0xff, sizeof(uint32) << bits);
	}
	charge(log, size - before);
}

/* What all blocks of a log's bits may take. */
static size_t
seen_limit(const RowLog *log)
{
	const RowStore *store = log->store;
	size_t		own = log->seen == NULL ? 0 : row_seen_size(log->seen);

	return Min(store->limit / SEEN_SHARE / store->nlogs, store->limit / SEEN_SHARE - store->seen + own);
}

/* Charges a log for what its bits have grown from a size. */
static void
charge_seen(RowLog *log, size_t before)
{
	size_t		more = row_seen_size(log->seen) - before;

	charge(log, more);
	log->store->seen += more;
}

/*
 * Takes the rows that say nothing out of what has been appended since the last
 * time, as far as their customers have a bit or may get one, or are known to be
 * in the log.
 */
static void
sift(RowLog *log)
{
	size_t		limit = seen_limit(log);
	RowEntry   *entries = log->batch.entries;
	uint32		count = log->batch.count;
	uint32		kept = log->sifted;
	uint64		silent[SIFT_ENTRIES];
	uint32		nsilent = 0;
	int64		at = kept < count ? entries[kept].at : 0;
	size_t		before = log->seen == NULL ? 0 : row_seen_size(log->seen);

	/* Both are written and one of them counts. */
	Assert(count - kept <= SIFT_ENTRIES);
	for (uint32 i = kept; i < count; i++)
	{
		RowEntry	entry = entries[i];

		silent[nsilent] = entry.key;
		nsilent += entry.meaning == 0;
		entries[kept] = entry;
		kept += entry.meaning != 0;
	}
	if (log->seen == NULL && limit >= SEEN_MIN_BYTES)
		log->seen = row_seen_new();
	for (uint32 i = 0; i < nsilent; i++)
	{
		int64		customer = row_number_of_key(silent[i]);
		uint64	   *bits = log->seen == NULL ? NULL : row_seen_block(log->seen, row_seen_number(customer), limit);

		if (bits != NULL)
		{
			row_seen_set(bits, customer);
			continue;
		}
		if (log->recent != NULL)
		{
			uint64	   *place = &log->recent[silent[i] >> log->recent_shift];

			if (*place == silent[i])
				continue;
			*place = silent[i];
		}
		/* Its time says nothing. */
		entries[kept++] = (RowEntry) {.key = silent[i], .at = at};
	}
	log->batch.count = log->sifted = kept;
	if (log->seen != NULL)
		charge_seen(log, before);
}

/* Sets the room of the batch, which is not the store's memory before the log has entered it. */
static void
resize_batch(RowLog *log, uint32 capacity, uint32 names_capacity)
{
	RowBatch	old = log->batch;
	RowBatch	batch = {.count = old.count, .capacity = capacity};

	batch.entries = palloc_extended((size_t) capacity * sizeof(RowEntry), MCXT_ALLOC_HUGE);
	if (old.count > 0)
		memcpy(batch.entries, old.entries, old.count * sizeof(RowEntry));
	if (names_capacity > 0)
	{
		batch.names_capacity = names_capacity;
		batch.names = palloc_extended(names_capacity, MCXT_ALLOC_HUGE);
		batch.names_size = old.names_size;
		if (old.names_size > 0)
			memcpy(batch.names, old.names, old.names_size);
	}
	row_batch_free(&old);
	log->batch = batch;
	set_stop(log);
}

/*
 * The room at which a log's batch is made a run: where there are more logs than
 * a few as much as each may keep when it is spilled, so that the room need not be
 * taken anew, but not so little that runs get small.
 */
static size_t
batch_limit(const RowStore *store)
{
	return Min(Max(store->limit / 4 / store->nlogs, MIN_BATCH_BYTES), store->batch_bytes);
}

/*
 * The size to go on to from a size in bytes, or from a bit less.  In steps of
 * four to begin with, so that small pieces of memory are few; a log that has
 * been spilled begins with its share of the store.
 */
static size_t
next_size(const RowLog *log, size_t size)
{
	size_t		next = FIRST_BYTES;

	if (size == 0 && log->charged)
	{
		size_t		share = Min(log->store->limit / 4 / log->store->nlogs, log->store->batch_bytes);

		while (next * 2 <= share)
			next *= 2;
		return next;
	}
	while (next <= size + sizeof(RowEntry))
		next *= 2;
	return size > 0 && next < 4 * OWN_BYTES ? next * 2 : next;
}

/*
 * Makes room for at least one more entry, and a name of name_size bytes where
 * customers have names.  A small log takes its room in the current context; to
 * a larger one, and so after row_log_enters, that has to be the store's.
 */
bool
row_log_make_room(RowLog *log, uint32 name_size, CjmError *error)
{
	RowStore   *store = log->store;
	size_t		name = log->named ? name_size + sizeof(uint32) : 0;
	size_t		capacity;
	size_t		names_capacity;
	size_t		now;
	size_t		then;

	if (name_size > MaxAllocSize / 4)
		return cjm_fail(error, CJM_ERROR_LIMIT, "customer of %u bytes is too long", name_size);
	if (row_log_enters(log))
		enter_store(log);
	if (log->charged)
	{
		widen_recent(log);
		if (!log->named)
			sift(log);
		set_stop(log);
		/* It is full when a quarter at most, and not even what is sifted at a time, is free. */
		if (!log->named && (log->batch.count < log->batch.capacity - log->batch.capacity / 4 ||
							log->batch.count + SIFT_ENTRIES <= log->batch.capacity))
			return true;
	}

	now = log->batch.capacity * sizeof(RowEntry) + log->batch.names_capacity;
	if (log->charged && now >= batch_limit(store) && log->batch.count > 0)
	{
		batch_to_run(log);
		if (!store_room(store, 0, error))
			return false;
		now = log->batch.capacity * sizeof(RowEntry) + log->batch.names_capacity;
	}

	for (int try = 0; try < 2; try++)
	{
		capacity = log->batch.capacity;
		if (log->batch.count >= capacity - (log->charged && !log->named ? capacity / 4 : 0))
			capacity = ENTRIES(next_size(log, capacity * sizeof(RowEntry)));
		names_capacity = log->batch.names_capacity;
		if (names_capacity - log->batch.names_size < name)
			names_capacity = Max(next_size(log, names_capacity), log->batch.names_size + name);
		then = capacity * sizeof(RowEntry) + names_capacity;
		if (then == now)
			return true;
		/* Making room may empty this very log. */
		if (!log->charged || store->used + (then - now) <= store->limit || try > 0)
			break;
		if (!store_room(store, then - now, error))
			return false;
		now = log->batch.capacity * sizeof(RowEntry) + log->batch.names_capacity;
	}
	resize_batch(log, capacity, names_capacity);
	if (log->charged)
		charge(log, then - now);
	return true;
}

/*
 * Whether making room for another entry takes memory of the store's, for the
 * first time.
 */
bool
row_log_enters(const RowLog *log)
{
	return !log->charged && (log->batch.capacity >= ENTRIES(OWN_BYTES) || log->batch.names_capacity >= OWN_BYTES);
}

/* Enters the store, if the log has not, before its batch is large enough to be the store's. */
static void
enter_early(RowLog *log)
{
	if (log->charged)
		return;
	if (log->batch.capacity > 0)
		resize_batch(log, log->batch.capacity, log->batch.names_capacity);
	enter_store(log);
}

/*
 * Adds a run from elsewhere, whose bytes and parts are copied; one in a file stays
 * where it is.  The log enters the store if it has not.
 */
bool
row_log_take_run(RowLog *log, const RowRun *run, CjmError *error)
{
	RowStore   *store = log->store;
	RowRun		own = *run;

	enter_early(log);
	if (run->parts != NULL)
	{
		own.parts = palloc((ROW_PARTS - 1) * sizeof(RowPart));
		memcpy(own.parts, run->parts, (ROW_PARTS - 1) * sizeof(RowPart));
	}
	if (run->bytes == NULL)
	{
		own.level = FOREIGN_LEVEL;
		push_run(log, &own);
		memmove(log->runs + 1, log->runs, (log->nruns - 1) * sizeof(RowRun));
		log->runs[0] = own;
		return true;
	}
	if (!store_room(store, run->size, error))
		return false;
	own.level = 0;
	own.bytes = palloc_extended(run->size, MCXT_ALLOC_HUGE);
	memcpy(unconstify(uint8 *, own.bytes), run->bytes, run->size);
	push_run(log, &own);
	return store_room(store, 0, error);
}

/*
 * Adds a block of bits from elsewhere; false if it may not have the memory.  The log enters
 * the store if it has not.
 */
bool
row_log_take_seen(RowLog *log, int64 number, const uint64 *bits)
{
	size_t		limit;
	size_t		before;
	uint64	   *block;

	enter_early(log);
	limit = seen_limit(log);
	if (log->seen == NULL && limit < SEEN_MIN_BYTES)
		return false;
	before = log->seen == NULL ? 0 : row_seen_size(log->seen);
	if (log->seen == NULL)
		log->seen = row_seen_new();
	block = row_seen_block(log->seen, number, limit);
	if (block != NULL)
		for (int i = 0; i < SEEN_WORDS; i++)
			block[i] |= bits[i];
	charge_seen(log, before);
	return block != NULL;
}

/* The batch as a run in memory of the current context, for who sends the log elsewhere; not if it is empty. */
RowRun
row_log_last_run(const RowLog *log)
{
	return row_run_encode(&log->batch, log->named, *log->nmeanings);
}
