/*
 * rows/log.h: event rows of many customers, kept until all are there.
 *
 * An aggregate over rows does not know which customer comes next.  Looking each
 * up in a table would miss the cache for nearly every row; instead a row is
 * appended to a log, and once the log is whole it is dealt out by a hash of the
 * customer into pieces that fit the cache, each of which is sorted and read
 * customer by customer.
 *
 * A customer is a number (RowEntry.key is a bijection of it, so equal keys are
 * equal customers) or a name of any bytes (key is a hash of it, and names of
 * equal hash are told apart by their bytes).
 *
 * What the owner wants to know of a row is a small number to the log, its
 * meaning; meaning 0 says nothing but that the customer was there.  Such a row
 * is left out where the customer is known to be in the log; where customers who
 * are numbers stand close together it becomes a bit (rows/seen.h).
 *
 * Memory: everything that grows is charged to a RowStore, one for all logs
 * that share a limit.  Beyond the limit the larger logs are written to the
 * store's file.  Whoever calls sees to it that the current memory context is
 * the store's, unless a function says otherwise.
 */
#ifndef CJM_ROW_LOG_H
#define CJM_ROW_LOG_H

#include "base/bytes.h"
#include "rows/seen.h"

/* Runs are dealt out by this many of the highest bits of the key. */
#define ROW_BUCKET_BITS 12
#define ROW_BUCKETS (1 << ROW_BUCKET_BITS)
#define ROW_BUCKET(key) ((int) ((key) >> (64 - ROW_BUCKET_BITS)))

typedef struct RowEntry
{
	uint64		key;
	int64		at;
	uint32		meaning;
	uint32		name;			/* offset in names, where customers have names */
} RowEntry;

/* Buckets are dealt out in as many parts to processes that read a log together. */
#define ROW_PARTS 8
#define ROW_PART_BUCKETS (ROW_BUCKETS / ROW_PARTS)

/* Entries in memory; names are a uint32 with their size and their bytes, one after the other. */
typedef struct RowBatch
{
	RowEntry   *entries;
	uint32		count;
	uint32		capacity;
	uint8	   *names;
	uint32		names_size;
	uint32		names_capacity;
} RowBatch;

/* Where one of the parts begins in a run. */
typedef struct RowPart
{
	uint64		offset;			/* in the run, of its first entry */
	uint64		before;			/* entries before it */
} RowPart;

/*
 * Entries as bytes, in memory or in the file: in the order of their buckets, and
 * eight bytes that are zero, so that the last entry can be read as the others.
 *
 *	entry of a number:
 *	  key_width		the number minus first_key
 *	  time_width	the time minus first_at
 *	  meaning_width	the meaning
 *
 *	entry of a name:
 *	  time_width, meaning_width		as above
 *	  varint	0: the name of the entry before it, in the same bucket; else its size + 1
 *	  bytes		the name
 *
 * Integers are little-endian and as wide as the largest in the run needs.
 */
typedef struct RowRun
{
	const uint8 *bytes;			/* NULL: in a file, from offset on */
	struct RowFile *file;
	uint64		offset;
	uint64		size;			/* in bytes */
	uint64		count;			/* entries */
	int64		first_key;		/* the smallest and the largest number; 0 where customers have names */
	int64		last_key;
	int64		first_at;
	int64		last_at;
	uint32		nmeanings;		/* meanings are below */
	const uint32 *meanings;		/* what the log calls the meanings of this run; NULL: the same */
	int			level;			/* how often its entries have been merged in the file */
	RowPart    *parts;			/* all parts but the first; NULL in a small run */
} RowRun;

/* What the logs that share a limit have in common. */
typedef struct RowStore
{
	size_t		limit;			/* of used, in bytes */
	size_t		used;
	size_t		seen;			/* of used, for customers who have a bit */
	size_t		batch_bytes;	/* a log's batch is made a run when it has become as large */
	struct RowLog *logs;		/* those that are charged */
	uint32		nlogs;
	struct RowFile *file;		/* that is written to; the owner knows what it is */
	uint64		end;			/* of it */
	/* Appends to the file, which is made if there is none, at end, and moves end; reads what has been written. */
	void		(*write) (struct RowStore *store, const uint8 *bytes, size_t size);
	void		(*read) (struct RowFile *file, uint64 offset, uint8 *bytes, size_t size);
} RowStore;

typedef struct RowLog
{
	RowBatch	batch;			/* the latest entries, as they came */
	uint64	   *recent;			/* keys that are known to be in the log, by their highest bits */
	uint32	   *recent_names;	/* and, where customers have names, where those are in the batch */
	int			recent_shift;	/* of a key, for its place in recent */
	RowSeen    *seen;			/* customers who have a bit, whether or not they are in entries as well; NULL: nobody */
	uint32		sifted;			/* entries of the batch that are known to be wanted */
	uint32		stop;			/* entries at which the batch is full, or is to be sifted; never below its count */
	bool		named;
	bool		charged;		/* its memory is the store's, and it is one of its logs */
	const uint32 *nmeanings;	/* the owner's: meanings are below it */
	uint32		nruns;
	uint32		runs_capacity;
	RowRun	   *runs;
	uint64		total;			/* entries in runs */
	size_t		used;			/* what the store has been charged */
	RowStore   *store;
	struct RowLog *before;		/* in the store's logs */
	struct RowLog *after;
} RowLog;

/* One customer's entries, by time, to whoever wants them. */
typedef bool (*RowReader) (void *arg, const RowEntry *entries, uint32 count, CjmError *error);

extern void row_store_init(RowStore *store, size_t limit);

extern void row_log_init(RowLog *log, RowStore *store, bool named, const uint32 *nmeanings);
extern bool row_log_make_room(RowLog *log, uint32 name_size, CjmError *error);
extern bool row_log_spill(RowLog *log, CjmError *error);
extern bool row_log_take_run(RowLog *log, const RowRun *run, CjmError *error);
extern bool row_log_take_seen(RowLog *log, int64 number, const uint64 *bits);
extern bool row_log_enters(const RowLog *log);
extern RowRun row_log_last_run(const RowLog *log);
extern void row_log_release(RowLog *log);

/* Entries to be sorted at a time, and bytes to be read at a time from the file. */
#define ROW_TAKE_ENTRIES 16384
#define ROW_READ_BUFFER (16 * 1024)

/* rows/run.c */
extern void row_batch_room(RowBatch *batch, uint32 more);
extern void row_batch_free(RowBatch *batch);
extern bool row_batch_name(RowBatch *batch, const uint8 *name, uint32 size, uint32 *offset, CjmError *error);
extern int	row_bucket_step(uint64 count);
extern void row_run_free(RowRun *run);
extern size_t row_run_memory(const RowRun *run);
extern RowRun row_run_encode(const RowBatch *batch, bool named, uint32 nmeanings);
extern bool row_runs_merge(RowStore *store, const RowRun *runs, uint32 nruns, bool named,
						   uint32 nmeanings, RowRun *merged, CjmError *error);

/* rows/cursor.c */

/* Reads a run from one bucket on. */
typedef struct RowCursor
{
	const RowRun *run;
	RowStore   *store;
	bool		named;
	const uint8 *p;				/* what is still to be decoded, as far as it has been read */
	const uint8 *end;
	uint64		read;			/* bytes of the run that have been read */
	uint8	   *buffer;			/* of a run in the file */
	size_t		capacity;
	uint64		left;			/* entries that have not been taken */
	int			bucket;			/* none of them is of one before; ROW_BUCKETS at the end */
} RowCursor;

extern bool row_cursor_open(RowCursor *cursor, const RowRun *run, RowStore *store, bool named,
							size_t buffer, int first, CjmError *error);
extern void row_cursor_close(RowCursor *cursor);
extern bool row_cursor_take(RowCursor *cursor, int end, RowBatch *batch, CjmError *error);

/* Who reads a log. */
typedef struct RowReading
{
	RowReader	reader;
	void	   *arg;
	bool		named;
	RowSeen    *seen;			/* NULL, or where all who have entries are looked up */
	uint64		met;			/* of them, those who were found */
	RowBatch	scratch;		/* room that is kept from batch to batch */
} RowReading;

/* rows/read.c */
extern bool row_log_read(const RowLog *log, int bucket, int end, RowReader reader, void *arg, uint64 *met, CjmError *error);
extern uint64 row_log_others(const RowLog *log, uint64 met);

/* rows/sort.c */
extern bool row_batch_read(const RowBatch *batch, int bucket, int end, RowReading *reading, CjmError *error);

static inline uint32
row_name_size(const uint8 *names, uint32 name)
{
	uint32		size;

	memcpy(&size, names + name, sizeof(size));
	return size;
}

static inline const uint8 *
row_name_bytes(const uint8 *names, uint32 name)
{
	return names + name + sizeof(uint32);
}

#define ROW_MIX UINT64CONST(0x9E3779B97F4A7C15)
#define ROW_UNMIX UINT64CONST(0xF1DE83E19937733D)	/* ROW_MIX times this is 1 */

/* A bijection that spreads numbers over all bits, above all the highest. */
static inline uint64
row_key_of_number(int64 number)
{
	uint64		v = (uint64) number;

	return (v ^ v >> 32) * ROW_MIX;
}

static inline int64
row_number_of_key(uint64 key)
{
	uint64		v = key * ROW_UNMIX;

	return (int64) (v ^ v >> 32);
}

/* A hash of a name; a bijection of every eight bytes while the others stay. */
static inline uint64
row_key_of_name(const uint8 *name, uint32 size)
{
	uint64		h = size * ROW_UNMIX;
	uint64		word;

	for (; size >= 8; size -= 8, name += 8)
	{
		memcpy(&word, name, 8);
		h = (h ^ word) * ROW_MIX;
		h ^= h >> 32;
	}
	if (size > 0)
	{
		word = 0;
		memcpy(&word, name, size);
		h = (h ^ word) * ROW_MIX;
		h ^= h >> 32;
	}
	return h * ROW_MIX;
}

/*
 * Has the log no room for another row?  Then row_log_make_room is to be called
 * before it is added.  name_size is of the customer's name, if it has one.
 */
static inline bool
row_log_is_full(const RowLog *log, uint32 name_size)
{
	return log->batch.count == log->stop ||
		(log->named && log->batch.names_capacity - log->batch.names_size < name_size + sizeof(uint32));
}

/*
 * Adds a row of a customer who is a number.  Whether it is wanted is found out
 * for many rows together: to branch on what a row means would cost more than all
 * the rest, since it cannot be foretold.
 */
static inline void
row_log_add(RowLog *log, int64 customer, int64 at, uint32 meaning)
{
	RowEntry   *entry = &log->batch.entries[log->batch.count++];

	entry->key = row_key_of_number(customer);
	entry->at = at;
	entry->meaning = meaning;
	entry->name = 0;
}

/* Adds a row of a customer who is a name. */
static inline void
row_log_add_named(RowLog *log, const uint8 *name, uint32 size, int64 at, uint32 meaning)
{
	uint64		key = row_key_of_name(name, size);
	uint32		offset = PG_UINT32_MAX;
	RowEntry   *entry;

	if (log->recent != NULL)
	{
		uint64		place = key >> log->recent_shift;
		uint32		seen = log->recent_names[place];

		if (seen != PG_UINT32_MAX && log->recent[place] == key &&
			row_name_size(log->batch.names, seen) == size &&
			memcmp(row_name_bytes(log->batch.names, seen), name, size) == 0)
		{
			if (meaning == 0)
				return;
			offset = seen;
		}
		else
		{
			log->recent[place] = key;
			log->recent_names[place] = log->batch.names_size;
		}
	}
	if (offset == PG_UINT32_MAX)
	{
		offset = log->batch.names_size;
		memcpy(log->batch.names + offset, &size, sizeof(size));
		memcpy(log->batch.names + offset + sizeof(size), name, size);
		log->batch.names_size += sizeof(size) + size;
	}
	entry = &log->batch.entries[log->batch.count++];
	entry->key = key;
	entry->at = at;
	entry->meaning = meaning;
	entry->name = offset;
}

#endif							/* CJM_ROW_LOG_H */
