/*
 * attribution/path_stats.c: counting, merging and storing paths, see attribution/path_stats.h.
 *
 * The bytes of a state.  A varint is a count as base/bytes.h has it.
 *
 *   1 byte    format version: 2 for order 0, else 1
 *   1 byte    order, plus 16 if null paths count
 *   varint    channels
 *   for each, in byte order: varint size, bytes
 *   varint    sequences
 *   for each, in the order of their lengths, then of their channels:
 *     varint    length
 *     varints   channels, counted from 0; of order 0 the last one is a number of channels
 *     varint    conversions
 *     varint    null paths
 *     16 bytes  value, little-endian; of a chain only where a path ended
 *
 * They go from process to process and from server to server, never into a
 * table.  Equal contents are equal bytes.
 */
#include "attribution/path_stats.h"

#include "base/bytes.h"
#include "common/hashfn.h"

#define WITH_NULLS 16

#define FIRST_CHANNELS 8
#define FIRST_COUNTS 16

/* Entries are counted by uint32, and so are the slots of their index, which are up to four times as many. */
#define MAX_ENTRIES (UINT32_C(1) << 29)

void
path_stats_init(PathStats *stats, PathModel model)
{
	memset(stats, 0, sizeof(*stats));
	stats->model = model;
	stats->channel_capacity = FIRST_CHANNELS;
	stats->channels = palloc(FIRST_CHANNELS * sizeof(Label));
	stats->count_capacity = FIRST_COUNTS;
	stats->counts = palloc(FIRST_COUNTS * sizeof(PathCount));
	stats->key_capacity = FIRST_COUNTS;
	stats->keys = palloc(FIRST_COUNTS * sizeof(uint32));
	stats->channel_index.size = stats->count_index.size = 2 * FIRST_COUNTS;
	stats->channel_index.slots = palloc0(2 * FIRST_COUNTS * sizeof(uint32));
	stats->count_index.slots = palloc0(2 * FIRST_COUNTS * sizeof(uint32));
}

/* Are these counts for a model?  All rows of an aggregate must want the same. */
bool
path_stats_require(const PathStats *stats, PathModel model, CjmError *error)
{
	if (stats->model.order != model.order)
	{
		cjm_fail(error, CJM_ERROR_VALUE, "order must be the same in all rows: %d and %d", stats->model.order, model.order);
		cjm_fail_hint(error, "GROUP BY the order, or give a constant.");
		return false;
	}
	if (stats->model.with_nulls != model.with_nulls)
	{
		cjm_fail(error, CJM_ERROR_VALUE, "with_nulls must be the same in all rows");
		cjm_fail_hint(error, "GROUP BY with_nulls, or give a constant.");
		return false;
	}
	return true;
}

/* An array of count entries with room for some more; together they are below 2^31. */
static void *
grow(void *array, uint32 count, uint32 more, uint32 *capacity, size_t size)
{
	uint32		needed = count + more;

	if (needed <= *capacity)
		return array;
	*capacity = Max(needed, *capacity * 2);
	return repalloc_huge(array, (size_t) *capacity * size);
}

static void
index_add(PathIndex *index, uint32 hash, uint32 entry)
{
	uint32		slot = hash & (index->size - 1);

	while (index->slots[slot] != 0)
		slot = (slot + 1) & (index->size - 1);
	index->slots[slot] = entry + 1;
}

/* An empty index twice as large; true if the old one is half full with count entries. */
static bool
index_grows(PathIndex *index, uint32 count)
{
	if (count < index->size / 2)
		return false;
	pfree(index->slots);
	index->size *= 2;
	index->slots = palloc_extended((size_t) index->size * sizeof(uint32), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	return true;
}

static inline uint32
label_hash(Label label)
{
	return hash_bytes((const unsigned char *) label.bytes, (int) label.size);
}

/* The number of a channel, which is new if it was not there; the label is copied. */
bool
path_stats_channel(PathStats *stats, Label label, uint32 *channel, CjmError *error)
{
	uint32		hash = label_hash(label);
	uint32		slot = hash & (stats->channel_index.size - 1);
	uint32		entry;
	char	   *copy;

	while ((entry = stats->channel_index.slots[slot]) != 0)
	{
		if (label_equal(stats->channels[entry - 1], label))
		{
			*channel = entry - 1;
			return true;
		}
		slot = (slot + 1) & (stats->channel_index.size - 1);
	}
	if (!label_check(label, "channel", error))
		return false;
	if (stats->nchannels >= MAX_ENTRIES)
		return path_stats_too_many(error);
	if (index_grows(&stats->channel_index, stats->nchannels))
		for (uint32 i = 0; i < stats->nchannels; i++)
			index_add(&stats->channel_index, label_hash(stats->channels[i]), i);
	stats->channels = grow(stats->channels, stats->nchannels, 1, &stats->channel_capacity, sizeof(Label));
	copy = palloc(label.size);
	memcpy(copy, label.bytes, label.size);
	stats->channels[stats->nchannels] = (Label) {copy, label.size};
	index_add(&stats->channel_index, hash, stats->nchannels);
	*channel = stats->nchannels++;
	return true;
}

/* The count of a sequence of channels, which is new if it was not there. */
static PathCount *
find_count(PathStats *stats, const uint32 *key, uint32 length)
{
	uint32		hash = hash_bytes((const unsigned char *) key, (int) (length * sizeof(uint32)));
	uint32		slot = hash & (stats->count_index.size - 1);
	uint32		entry;
	PathCount  *count;

	while ((entry = stats->count_index.slots[slot]) != 0)
	{
		count = &stats->counts[entry - 1];
		if (count->hash == hash && count->length == length &&
			memcmp(stats->keys + count->first, key, length * sizeof(uint32)) == 0)
			return count;
		slot = (slot + 1) & (stats->count_index.size - 1);
	}
	if (index_grows(&stats->count_index, stats->ncounts))
		for (uint32 i = 0; i < stats->ncounts; i++)
			index_add(&stats->count_index, stats->counts[i].hash, i);
	stats->counts = grow(stats->counts, stats->ncounts, 1, &stats->count_capacity, sizeof(PathCount));
	stats->keys = grow(stats->keys, stats->nkeys, length, &stats->key_capacity, sizeof(uint32));
	memcpy(stats->keys + stats->nkeys, key, length * sizeof(uint32));
	index_add(&stats->count_index, hash, stats->ncounts);
	count = &stats->counts[stats->ncounts++];
	*count = (PathCount) {.first = stats->nkeys,.length = length,.hash = hash};
	stats->nkeys += length;
	return count;
}

/* The error of counts that do not fit; always false. */
bool
path_stats_too_many(CjmError *error)
{
	cjm_fail(error, CJM_ERROR_LIMIT, "too many paths");
	cjm_fail_detail(error, "Conversions and null paths may each be up to " UINT64_FORMAT " in total, and values up to 1e29.",
					PATH_MAX_COUNT);
	return false;
}

/* A value as what is added up; false if that cannot be done. */
bool
path_value(double value, Amount *amount, CjmError *error)
{
	if (amount_from_float8(value, amount))
		return true;
	cjm_fail(error, CJM_ERROR_NUMBER, "value cannot be credited: %g", value);
	cjm_fail_detail(error, "Values of conversions must be finite, and below %g.", AMOUNT_LIMIT);
	return false;
}

/* Counts a sequence. */
static bool
count_key(PathStats *stats, const uint32 *key, uint32 length,
		  uint64 conversions, uint64 nulls, Amount value, CjmError *error)
{
	PathCount  *count;

	if (stats->ncounts >= MAX_ENTRIES || stats->nkeys > PG_INT32_MAX - length)
		return path_stats_too_many(error);
	count = find_count(stats, key, length);
	if (conversions > PATH_MAX_COUNT - count->conversions || nulls > PATH_MAX_COUNT - count->nulls ||
		!amount_add(&count->value, value))
		return path_stats_too_many(error);
	count->conversions += conversions;
	count->nulls += nulls;
	return true;
}

#define ST_SORT sort_channels
#define ST_ELEMENT_TYPE uint32
#define ST_COMPARE(a, b) ((*(a) > *(b)) - (*(a) < *(b)))
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/*
 * path_stats_add counts a path that was gone so often: with a conversion, and
 * without.  The value is that of all its conversions.  The path, of numbers by
 * path_stats_channel, may be changed.
 */
bool
path_stats_add(PathStats *stats, uint32 *path, uint32 length,
			   uint64 conversions, uint64 nulls, Amount value, CjmError *error)
{
	static const Amount nothing = {0, 0};
	uint32		order = stats->model.order;
	uint32		width = Min(order, length);

	if (!stats->model.with_nulls)
		nulls = 0;
	if (conversions == 0 && nulls == 0)
		return true;
	if (order == 0)
	{
		uint32		key[2];

		/* Each channel once. */
		sort_channels(path, length);
		for (uint32 i = 0; i < length; i++)
			if (i == 0 || path[i] != path[i - 1])
				path[width++] = path[i];
		if (!count_key(stats, &width, width > 0 ? 1 : 0, conversions, nulls, value, error))
			return false;
		key[1] = width;
		for (uint32 i = 0; i < width; i++)
		{
			CHECK_FOR_INTERRUPTS();
			key[0] = path[i];
			if (!count_key(stats, key, 2, conversions, nulls, value, error))
				return false;
		}
		return true;
	}
	/* A state is width channels.  It equals the one before if all of both together are the same. */
	for (uint32 i = 0; i + width < length; i++)
	{
		bool		moves = false;

		CHECK_FOR_INTERRUPTS();
		for (uint32 k = 1; k <= width; k++)
			moves |= path[i + k] != path[i];
		if (moves && !count_key(stats, path + i, width + 1, conversions, nulls, nothing, error))
			return false;
	}
	return count_key(stats, path + length - width, width, conversions, nulls, value, error);
}

/* Is place k of a sequence of so many a number of channels, and no channel? */
static inline bool
is_number(PathModel model, uint64 length, uint64 k)
{
	return model.order == 0 && k + 1 == length;
}

/* path_stats_merge adds the counts of from, of the same model, which stays as it is. */
bool
path_stats_merge(PathStats *to, const PathStats *from, CjmError *error)
{
	uint32	   *numbers = palloc_extended(Max(from->nchannels, 1) * sizeof(uint32), MCXT_ALLOC_HUGE);
	uint32		key[PATH_MAX_ORDER + 1];
	bool		good = path_stats_require(to, from->model, error);

	for (uint32 i = 0; good && i < from->nchannels; i++)
		good = path_stats_channel(to, from->channels[i], &numbers[i], error);
	for (uint32 i = 0; good && i < from->ncounts; i++)
	{
		const PathCount *count = &from->counts[i];

		CHECK_FOR_INTERRUPTS();
		for (uint32 k = 0; k < count->length; k++)
			key[k] = is_number(from->model, count->length, k) ? from->keys[count->first + k] : numbers[from->keys[count->first + k]];
		good = count_key(to, key, count->length, count->conversions, count->nulls, count->value, error);
	}
	pfree(numbers);
	return good;
}

/* ---------------------------------------------------------------- sorted */

#define ST_SORT sort_labels
#define ST_ELEMENT_TYPE Label
#define ST_COMPARE(a, b) label_compare(*(a), *(b))
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

static int
compare_counts(const PathCount *a, const PathCount *b, const uint32 *keys)
{
	if (a->length != b->length)
		return a->length < b->length ? -1 : 1;
	for (uint32 i = 0; i < a->length; i++)
		if (keys[a->first + i] != keys[b->first + i])
			return keys[a->first + i] < keys[b->first + i] ? -1 : 1;
	return 0;
}

#define ST_SORT sort_counts
#define ST_ELEMENT_TYPE PathCount
#define ST_COMPARE(a, b, arg) compare_counts(a, b, arg)
#define ST_COMPARE_ARG_TYPE const uint32
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/*
 * path_stats_sorted makes to, which need not be initialized, a copy in which
 * channels and counts are in order, whatever order they came in.  For reading:
 * nothing can be added to it.
 */
void
path_stats_sorted(PathStats *to, const PathStats *from)
{
	CjmError	error = {0};
	PathStats	labels;

	path_stats_init(to, from->model);
	path_stats_init(&labels, from->model);
	labels.channels = grow(labels.channels, 0, from->nchannels, &labels.channel_capacity, sizeof(Label));
	memcpy(labels.channels, from->channels, from->nchannels * sizeof(Label));
	sort_labels(labels.channels, from->nchannels);
	for (uint32 i = 0, channel; i < from->nchannels; i++)
		if (!path_stats_channel(to, labels.channels[i], &channel, &error))
			Assert(false);
	if (!path_stats_merge(to, from, &error))
		Assert(false);
	sort_counts(to->counts, to->ncounts, to->keys);
}

/* ---------------------------------------------------------------- stored */

static inline uint8
format_version(PathModel model)
{
	return model.order == 0 ? 2 : 1;
}

/* Did a path end with a sequence of so many channels? */
static bool
is_end(PathModel model, uint64 length)
{
	return model.order == 0 || length <= (uint64) model.order;
}

void
path_stats_encode(StringInfo out, const PathStats *stats)
{
	PathStats	sorted;

	path_stats_sorted(&sorted, stats);
	appendStringInfoChar(out, (char) format_version(stats->model));
	appendStringInfoChar(out, (char) (stats->model.order + (stats->model.with_nulls ? WITH_NULLS : 0)));
	append_varint(out, sorted.nchannels);
	for (uint32 i = 0; i < sorted.nchannels; i++)
	{
		append_varint(out, sorted.channels[i].size);
		appendBinaryStringInfo(out, sorted.channels[i].bytes, sorted.channels[i].size);
	}
	append_varint(out, sorted.ncounts);
	for (uint32 i = 0; i < sorted.ncounts; i++)
	{
		const PathCount *count = &sorted.counts[i];

		CHECK_FOR_INTERRUPTS();
		append_varint(out, count->length);
		for (uint32 k = 0; k < count->length; k++)
			append_varint(out, sorted.keys[count->first + k]);
		append_varint(out, count->conversions);
		append_varint(out, count->nulls);
		if (is_end(sorted.model, count->length))
		{
			enlargeStringInfo(out, 16);
			bytes_store64((uint8 *) out->data + out->len, count->value.low);
			bytes_store64((uint8 *) out->data + out->len + 8, count->value.high);
			out->len += 16;
		}
	}
}

#define CORRUPT(error, what) cjm_fail(error, CJM_ERROR_CORRUPT, "invalid attribution state: " what)

/* Reads the counts; returns the byte after them, or NULL. */
static const uint8 *
decode_counts(const uint8 *p, const uint8 *end, PathStats *stats, CjmError *error)
{
	uint64		ncounts;
	uint32		key[PATH_MAX_ORDER + 1];

	if ((p = varint_check(p, end, &ncounts)) == NULL)
		return NULL;
	for (; ncounts > 0; ncounts--)
	{
		uint64		length;
		uint64		conversions;
		uint64		nulls;
		Amount		value = {0, 0};

		CHECK_FOR_INTERRUPTS();
		if ((p = varint_check(p, end, &length)) == NULL ||
			length > (stats->model.order == 0 ? 2 : (uint32) stats->model.order + 1))
			return NULL;
		for (uint64 k = 0; k < length; k++)
		{
			uint64		channel;

			if ((p = varint_check(p, end, &channel)) == NULL ||
				(is_number(stats->model, length, k) ? channel == 0 || channel > stats->nchannels : channel >= stats->nchannels))
				return NULL;
			key[k] = (uint32) channel;
		}
		if ((p = varint_check(p, end, &conversions)) == NULL || (p = varint_check(p, end, &nulls)) == NULL)
			return NULL;
		if (is_end(stats->model, length))
		{
			if (end - p < 16)
				return NULL;
			value = (Amount) {bytes_load64(p), bytes_load64(p + 8)};
			p += 16;
		}
		if (!count_key(stats, key, (uint32) length, conversions, nulls, value, error))
			return NULL;
	}
	return p;
}

/*
 * path_stats_decode makes stats, which need not be initialized, of a state
 * whose bytes may be anything.  Nothing is shared with the bytes.  A chain in
 * which some state has no way out is for its reader to find.
 */
bool
path_stats_decode(const uint8 *bytes, size_t size, PathStats *stats, CjmError *error)
{
	const uint8 *p = bytes;
	const uint8 *end = bytes + size;
	PathModel	model;
	uint64		nchannels;

	if (size < 2)
		return CORRUPT(error, "it is cut off");
	model.order = p[1] & ~WITH_NULLS;
	model.with_nulls = (p[1] & WITH_NULLS) != 0;
	if (p[0] != format_version(model))
		return cjm_fail(error, CJM_ERROR_VERSION, "attribution state of format version %d", p[0]);
	if (model.order > PATH_MAX_ORDER)
		return CORRUPT(error, "it has an order that does not exist");
	path_stats_init(stats, model);
	if ((p = varint_check(p + 2, end, &nchannels)) == NULL)
		return CORRUPT(error, "it is cut off");
	for (uint64 i = 0; i < nchannels; i++)
	{
		uint64		label_size;
		uint32		channel;

		if ((p = varint_check(p, end, &label_size)) == NULL || label_size > (uint64) (end - p))
			return CORRUPT(error, "it is cut off in its channels");
		if (label_size > LABEL_MAX_BYTES)
			return CORRUPT(error, "it has a channel that is too long");
		if (!path_stats_channel(stats, (Label) {(const char *) p, (uint32) label_size}, &channel, error))
			return false;
		if (channel != i)
			return CORRUPT(error, "it has a channel twice");
		p += label_size;
	}
	if ((p = decode_counts(p, end, stats, error)) == NULL)
		return error->kind == CJM_ERROR_NONE ? CORRUPT(error, "it is cut off or wrong in its counts") : false;
	if (p != end)
		return CORRUPT(error, "there are bytes after its end");
	return true;
}
