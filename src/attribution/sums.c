/*
 * attribution/sums.c: adds up what channels have earned.
 *
 * Sums belong to the context in which they were made; who adds a channel must
 * be in it.  Channels are copied.
 *
 * The bytes of a state.  A varint is a count as base/bytes.h has it.
 *
 *   1 byte    STATE_MARK, which no other state begins with
 *   1 byte    format version, 1
 *   1 byte    the set of models, a bit each
 *   varint    channels but for none
 *   for none, then for each channel in byte order:
 *     varint    size and bytes of the channel, but for none
 *     for each of the models:
 *       1 byte    1 if anything has a value, else 0
 *       16 bytes  conversions: the sum and what rounding has taken from it, float8, little-endian
 *       16 bytes  value likewise, if anything has one
 *
 * They go from process to process and from server to server, never into a table.
 */
#include "attribution/sums.h"

#include <math.h>

#include "base/bytes.h"
#include "common/hashfn.h"

#define STATE_MARK 0xa1
#define STATE_VERSION 1

#define FIRST_CAPACITY 8

/* The place in the table where a channel is or would be. */
static uint32
find_slot(const AttributionSums *sums, Label channel)
{
	uint32		mask = sums->capacity * 2 - 1;
	uint32		slot = hash_bytes((const unsigned char *) channel.bytes, channel.size) & mask;

	while (sums->table[slot] != 0 && !label_equal(sums->channels[sums->table[slot]].channel, channel))
		slot = (slot + 1) & mask;
	return slot;
}

/* Makes sums for a set of models, with nothing in them. */
void
attribution_sums_init(AttributionSums *sums, uint32 models)
{
	sums->models = models;
	sums->count = 1;
	sums->capacity = FIRST_CAPACITY;
	sums->channels = palloc0(FIRST_CAPACITY * sizeof(ChannelSums));
	sums->table = palloc0(FIRST_CAPACITY * 2 * sizeof(uint32));
}

/* The index of a channel, which is added if it is not there; no bytes: none.  The channels may be elsewhere then. */
uint32
attribution_sums_place(AttributionSums *sums, Label channel)
{
	uint32		slot;
	char	   *bytes;

	if (channel.bytes == NULL)
		return 0;
	slot = find_slot(sums, channel);
	if (sums->table[slot] != 0)
		return sums->table[slot];

	if (sums->count == sums->capacity)
	{
		sums->capacity *= 2;
		sums->channels = repalloc_huge(sums->channels, sums->capacity * sizeof(ChannelSums));
		pfree(sums->table);
		sums->table = palloc_extended(sums->capacity * 2 * sizeof(uint32), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
		for (uint32 i = 1; i < sums->count; i++)
			sums->table[find_slot(sums, sums->channels[i].channel)] = i;
		slot = find_slot(sums, channel);
	}
	bytes = palloc(channel.size);
	memcpy(bytes, channel.bytes, channel.size);
	memset(&sums->channels[sums->count], 0, sizeof(ChannelSums));
	sums->channels[sums->count].channel = (Label) {bytes, channel.size};
	sums->table[slot] = sums->count;
	return sums->count++;
}

/* Adds other sums. */
void
attribution_sums_merge(AttributionSums *sums, const AttributionSums *other)
{
	sums->models |= other->models;
	for (uint32 i = 0; i < other->count; i++)
	{
		uint32		place = attribution_sums_place(sums, other->channels[i].channel);
		ChannelSums *into = &sums->channels[place];

		for (int model = 0; model < ATTRIBUTION_MODELS; model++)
		{
			const ModelSums *from = &other->channels[i].models[model];

			long_sum_merge(&into->models[model].conversions, from->conversions);
			long_sum_merge(&into->models[model].value, from->value);
			into->models[model].has_value |= from->has_value;
		}
	}
}

#define ST_SORT sort_channels
#define ST_ELEMENT_TYPE uint32
#define ST_COMPARE(a, b, arg) label_compare(arg[*(a)].channel, arg[*(b)].channel)
#define ST_COMPARE_ARG_TYPE const ChannelSums
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* The channels in order, none first; palloc'd. */
uint32 *
attribution_sums_order(const AttributionSums *sums)
{
	uint32	   *order = palloc_extended(sums->count * sizeof(uint32), MCXT_ALLOC_HUGE);

	for (uint32 i = 0; i < sums->count; i++)
		order[i] = i;
	sort_channels(order + 1, sums->count - 1, sums->channels);
	return order;
}

static void
append_float8(StringInfo out, double number)
{
	uint64		bits;

	memcpy(&bits, &number, 8);
	enlargeStringInfo(out, 8);
	bytes_store64((uint8 *) out->data + out->len, bits);
	out->len += 8;
}

static void
append_sum(StringInfo out, LongSum sum)
{
	append_float8(out, sum.high);
	append_float8(out, sum.low);
}

/* Appends the bytes of a state. */
void
attribution_sums_encode(StringInfo out, const AttributionSums *sums)
{
	uint32	   *order = attribution_sums_order(sums);

	appendStringInfoChar(out, (char) STATE_MARK);
	appendStringInfoChar(out, STATE_VERSION);
	appendStringInfoChar(out, (char) sums->models);
	append_varint(out, sums->count - 1);
	for (uint32 i = 0; i < sums->count; i++)
	{
		const ChannelSums *channel = &sums->channels[order[i]];

		CHECK_FOR_INTERRUPTS();
		if (i > 0)
		{
			append_varint(out, channel->channel.size);
			appendBinaryStringInfo(out, channel->channel.bytes, channel->channel.size);
		}
		for (int model = 0; model < ATTRIBUTION_MODELS; model++)
		{
			const ModelSums *credit = &channel->models[model];

			if (!(sums->models >> model & 1))
				continue;
			appendStringInfoChar(out, credit->has_value);
			append_sum(out, credit->conversions);
			if (credit->has_value)
				append_sum(out, credit->value);
		}
	}
	pfree(order);
}

/* Reads a sum of 16 bytes; NULL if they are not there. */
static const uint8 *
load_sum(const uint8 *p, const uint8 *end, LongSum *sum)
{
	uint64		bits;

	if (p == NULL || end - p < 16)
		return NULL;
	bits = bytes_load64(p);
	memcpy(&sum->high, &bits, 8);
	bits = bytes_load64(p + 8);
	memcpy(&sum->low, &bits, 8);
	return p + 16;
}

/*
 * attribution_sums_decode makes sums, which need not be initialized, of the bytes of
 * a state, of which nothing is believed: false, with an error, of bytes that are none.
 * Whether channels are text of the encoding is the caller's to see.
 */
bool
attribution_sums_decode(const uint8 *bytes, size_t size, AttributionSums *sums, CjmError *error)
{
	const uint8 *p = bytes + 3;
	const uint8 *end = bytes + size;
	uint64		count = 0;
	Label		before = {NULL, 0};

	if (size < 4 || bytes[0] != STATE_MARK || bytes[1] != STATE_VERSION || (bytes[2] & ~ATTRIBUTION_ALL_MODELS) != 0 ||
		(p = varint_check(p, end, &count)) == NULL)
		return cjm_fail(error, CJM_ERROR_CORRUPT, "these bytes are no state of rule_attribution");
	attribution_sums_init(sums, bytes[2]);
	for (uint64 i = 0; i <= count && p != NULL; i++)
	{
		ChannelSums *channel = &sums->channels[0];

		CHECK_FOR_INTERRUPTS();
		if (i > 0)
		{
			Label		label;
			uint64		length;
			uint32		place;

			p = varint_check(p, end, &length);
			if (p == NULL || length > (uint64) (end - p))
				break;
			label = (Label) {(const char *) p, (uint32) length};
			if (length == 0 || length > LABEL_MAX_BYTES || (before.bytes != NULL && label_compare(before, label) >= 0))
				p = NULL;
			if (p == NULL)
				break;
			p += length;
			before = label;
			place = attribution_sums_place(sums, label);
			channel = &sums->channels[place];
		}
		for (int model = 0; model < ATTRIBUTION_MODELS && p != NULL; model++)
		{
			ModelSums  *credit = &channel->models[model];

			if (!(sums->models >> model & 1))
				continue;
			if (p == end || *p > 1)
				p = NULL;
			else
				credit->has_value = *p++;
			p = load_sum(p, end, &credit->conversions);
			if (credit->has_value)
				p = load_sum(p, end, &credit->value);
			/* Conversions are counted; what they are worth may be anything, as it may in journeys. */
			if (!isfinite(credit->conversions.high) || !isfinite(credit->conversions.low) || credit->conversions.high < 0)
				p = NULL;
		}
	}
	if (p == NULL || p != end || sums->count != count + 1)
		return cjm_fail(error, CJM_ERROR_CORRUPT, "this state of rule_attribution is damaged");
	return true;
}
