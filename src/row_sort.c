/*
 * row_sort.c: a piece of a row log, customer by customer.
 *
 * A batch holds all entries of a few neighbouring buckets.  It is dealt out
 * once more, by the next bits of the key, into a half or a quarter as many places
 * as there are entries, and each place is sorted by key and time: a handful of
 * entries, mostly of one customer and nearly in order, since runs are read by
 * their first time.
 *
 * Names of equal hash stand together then.  Where a key's entries do not all
 * have the same name they are sorted again, by name and time.
 */
#include "row_log.h"

/* Insertion sort gives up after so many moves an entry. */
#define MAX_MOVES 8
#define MAX_PLACE_BITS 14

static inline int
compare_entries(const RowEntry *a, const RowEntry *b)
{
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return (a->at > b->at) - (a->at < b->at);
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

/* Sorts a place by key and time; costs little where it nearly is. */
static inline void
sort_place(RowEntry *entries, uint32 count)
{
	int64		moves = MAX_MOVES * ((int64) count + 1);

	for (uint32 i = 1; i < count; i++)
	{
		RowEntry	entry;
		uint32		place = i;

		if (compare_entries(&entries[i - 1], &entries[i]) <= 0)
			continue;
		entry = entries[i];
		do
		{
			entries[place] = entries[place - 1];
			place--;
		} while (place > 0 && compare_entries(&entries[place - 1], &entry) > 0);
		entries[place] = entry;
		moves -= i - place;
		if (unlikely(moves < 0))
		{
			sort_entries(entries, count);
			return;
		}
	}
}

/* Gives the entries of one key to the reader, one customer after the other. */
static bool
read_key(RowEntry *entries, uint32 count, const uint8 *names, RowReader reader, void *arg, CjmError *error)
{
	uint32		same = 1;

	while (same < count && compare_names(names, entries[0].name, entries[same].name) == 0)
		same++;
	if (same == count)
		return reader(arg, entries, count, error);

	sort_named_entries(entries, count, names);
	for (uint32 i = 0, end; i < count; i = end)
	{
		for (end = i + 1; end < count && compare_names(names, entries[i].name, entries[end].name) == 0; end++)
			;
		if (!reader(arg, entries + i, end - i, error))
			return false;
	}
	return true;
}

/*
 * Gives a batch's entries, all those that the log has of the buckets from
 * bucket to end - 1, to the reader, customer by customer.  scratch is room that is
 * kept from call to call.
 */
bool
row_batch_read(const RowBatch *batch, RowBatch *scratch, int bucket, int end, bool named,
			   RowReader reader, void *arg, CjmError *error)
{
	uint32		count = batch->count;
	uint64		lowest = (uint64) bucket << (64 - ROW_BUCKET_BITS);
	uint64		span = ((uint64) (end - bucket) << (64 - ROW_BUCKET_BITS)) - 1;
	int			bits = count < 2 ? 0 : Min(Max(pg_leftmost_one_pos32(count) - 1, 1), MAX_PLACE_BITS);
	int			shift = pg_leftmost_one_pos64(span) + 1 - bits;
	uint32		nplaces = 1U << bits;
	uint32	   *starts;
	RowEntry   *entries;

	if (count == 0)
		return true;
	scratch->count = 0;
	row_batch_room(scratch, count);
	entries = scratch->entries;

	if (bits == 0)
	{
		memcpy(entries, batch->entries, count * sizeof(RowEntry));
		sort_place(entries, count);
	}
	else
	{
		uint32		from = 0;

		starts = palloc0(nplaces * sizeof(uint32));
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
		from = 0;
		for (uint32 place = 0; place < nplaces; place++)
		{
			sort_place(entries + from, starts[place] - from);
			from = starts[place];
		}
		pfree(starts);
	}

	for (uint32 i = 0, next; i < count; i = next)
	{
		uint64		key = entries[i].key;
		bool		ok;

		for (next = i + 1; next < count && entries[next].key == key; next++)
			;
		if (named)
			ok = read_key(entries + i, next - i, batch->names, reader, arg, error);
		else
			ok = reader(arg, entries + i, next - i, error);
		if (!ok)
			return false;
	}
	CHECK_FOR_INTERRUPTS();
	return true;
}
