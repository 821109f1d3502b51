/*
 * attribution/sums.c: adds up what channels have earned.
 *
 * Sums belong to the context in which they were made; who adds a channel must
 * be in it.  Channels are copied.
 */
#include "attribution/sums.h"

#include "common/hashfn.h"

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

/* Sums for a set of models, with nothing in them. */
AttributionSums *
attribution_sums(uint32 models)
{
	AttributionSums *sums = palloc0(sizeof(AttributionSums));

	sums->models = models;
	sums->count = 1;
	sums->capacity = FIRST_CAPACITY;
	sums->channels = palloc0(FIRST_CAPACITY * sizeof(ChannelSums));
	sums->table = palloc0(FIRST_CAPACITY * 2 * sizeof(uint32));
	return sums;
}

/* The index of a channel, which is added if it is not there; no bytes: none. */
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
		ChannelSums *into = &sums->channels[attribution_sums_place(sums, other->channels[i].channel)];

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
