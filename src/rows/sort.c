/*
 * rows/sort.c: a piece of a row log, customer by customer.
 *
 * A batch holds all entries of a few neighbouring buckets.  It is dealt out
 * once more, by the next bits of the key, into a half or a quarter as many places
 * as there are entries, and sorted by key and time: in a place there is a handful
 * of entries, mostly of one customer and nearly in order, since runs are read by
 * their first time.
 *
 * Names of equal hash stand together then.  Where a key's entries do not all
 * have the same name they are sorted again, by name and time.
 */
#include "rows/log.h"

/* Insertion sort gives up after so many moves an entry. */
#define MAX_MOVES 8
#define MAX_PLACE_BITS 14

/* Whether a comes after b; without branches, since which it is cannot be foretold. */
static inline bool
entry_after(const RowEntry *a, const RowEntry *b)
{
	return (a->key > b->key) | ((a->key == b->key) & (a->at > b->at));
}

static inline int
compare_entries(const RowEntry *a, const RowEntry *b)
{
	return entry_after(a, b) - entry_after(b, a);
}

static inline int
compare_names(const uint8 *names, uint32 a, uint32 b)
{
	uint32		size_a;
	uint32		size_b;
	int			order;

	if (a == b)
		return 0;
	size_a = row_name_size(names, a);
	size_b = row_name_size(names, b);
	order = memcmp(row_name_bytes(names, a), row_name_bytes(names, b), Min(size_a, size_b));
	return order != 0 ? order : (size_a > size_b) - (size_a < size_b);
}

static inline int
compare_named_entries(const RowEntry *a, const RowEntry *b, const uint8 *names)
{
	int			order = compare_names(names, a->name, b->name);

	return order != 0 ? order : (a->at > b->at) - (a->at < b->at);
}

#define ST_SORT sort_entries
#define ST_ELEMENT_TYPE RowEntry
#define ST_COMPARE(a, b) compare_entries(a, b)
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

#define ST_SORT sort_named_entries
#define ST_ELEMENT_TYPE RowEntry
#define ST_COMPARE(a, b, names) compare_named_entries(a, b, names)
#define ST_COMPARE_ARG_TYPE const uint8
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/*
 * Sorts entries by key and time that nearly are; false if they turn out not to
 * be, and then they are in another order than before.  None goes past one that is
 * in its place.
 */
static bool
sort_nearly(RowEntry *entries, uint32 count)
{
	int64		moves = MAX_MOVES * ((int64) count + 1);

	for (uint32 i = 1; i < count; i++)
	{
		RowEntry	entry;
		uint32		place = i;

		if (!entry_after(&entries[i - 1], &entries[i]))
			continue;
		entry = entries[i];
		do
		{
			entries[place] = entries[place - 1];
			place--;
		} while (place > 0 && entry_after(&entries[place - 1], &entry));
		entries[place] = entry;
		moves -= i - place;
		if (unlikely(moves < 0))
			return false;
	}
	return true;
}

/* Gives the entries of one key to the reader, one customer after the other. */
static bool
read_key(RowEntry *entries, uint32 count, const uint8 *names, const RowReading *reading, CjmError *error)
{
	uint32		same = 1;

	while (same < count && compare_names(names, entries[0].name, entries[same].name) == 0)
		same++;
	if (same == count)
		return reading->reader(reading->arg, entries, count, error);

	sort_named_entries(entries, count, names);
	for (uint32 i = 0, end; i < count; i = end)
	{
		for (end = i + 1; end < count && compare_names(names, entries[i].name, entries[end].name) == 0; end++)
			;
		if (!reading->reader(reading->arg, entries + i, end - i, error))
			return false;
	}
	return true;
}

/* Looks up all who have entries, at once: no search waits for the memory that another asks for. */
static void
meet(RowReading *reading, const RowEntry *entries, uint32 count)
{
	for (uint32 i = 0; i < count; i++)
		if (i == 0 || entries[i].key != entries[i - 1].key)
			reading->met += row_seen_has(reading->seen, row_number_of_key(entries[i].key));
}

/*
 * A batch's entries, which are of the buckets from bucket to end - 1 and at least
 * one, by key and time, in room of the reading's.
 */
static RowEntry *
sort_batch(const RowBatch *batch, int bucket, int end, RowReading *reading)
{
	uint32		count = batch->count;
	uint64		lowest = (uint64) bucket << (64 - ROW_BUCKET_BITS);
	uint64		span = ((uint64) (end - bucket) << (64 - ROW_BUCKET_BITS)) - 1;
	int			bits = Min(Max(pg_leftmost_one_pos32(count) - 1, 1), MAX_PLACE_BITS);
	int			shift = pg_leftmost_one_pos64(span) + 1 - bits;
	uint32		nplaces = 1U << bits;
	uint32	   *starts = palloc0(nplaces * sizeof(uint32));
	uint32		from = 0;
	RowEntry   *entries;

	reading->scratch.count = 0;
	row_batch_room(&reading->scratch, count);
	entries = reading->scratch.entries;
	for (uint32 i = 0; i < count; i++)
		starts[(batch->entries[i].key - lowest) >> shift]++;
	for (uint32 place = 0; place < nplaces; place++)
	{
		uint32		here = starts[place];

		starts[place] = from;
		from += here;
	}
	for (uint32 i = 0; i < count; i++)
		entries[starts[(batch->entries[i].key - lowest) >> shift]++] = batch->entries[i];

	/* All at once costs least; where rows came in any order, each place by itself. */
	if (!sort_nearly(entries, count))
		for (uint32 place = 0; place < nplaces; place++)
		{
			from = place == 0 ? 0 : starts[place - 1];
			if (!sort_nearly(entries + from, starts[place] - from))
				sort_entries(entries + from, starts[place] - from);
		}
	pfree(starts);
	return entries;
}

/*
 * Gives a batch's entries, all those that the log has of the buckets from
 * bucket to end - 1, to the reader, customer by customer.
 */
bool
row_batch_read(const RowBatch *batch, int bucket, int end, RowReading *reading, CjmError *error)
{
	uint32		count = batch->count;
	RowEntry   *entries;

	if (count == 0)
		return true;
	entries = sort_batch(batch, bucket, end, reading);
	if (reading->seen != NULL)
		meet(reading, entries, count);
	for (uint32 i = 0, next; i < count; i = next)
	{
		bool		ok;

		for (next = i + 1; next < count && entries[next].key == entries[i].key; next++)
			;
		if (reading->named)
			ok = read_key(entries + i, next - i, batch->names, reading, error);
		else
			ok = reading->reader(reading->arg, entries + i, next - i, error);
		if (!ok)
			return false;
	}
	CHECK_FOR_INTERRUPTS();
	return true;
}
