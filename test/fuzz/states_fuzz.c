/*
 * states_fuzz.c: a fuzz target for states of aggregates on their way between servers.
 *
 * Every input is used six times.
 * - As a text: what it stands for has a text that stands for the same; what stands
 *   for nothing has an error with a message.
 * - As bytes: their text stands for them, and no longer for them once it is cut off.
 * - As the state of rule_attribution, and as counted values: what decodes encodes to
 *   bytes that decode to the same, and may be merged with itself.
 * - As channels: their sums travel, and merged into none they are the same.
 * - As numbers: counted in one state, or in two of which one travels, they give the
 *   same bytes, and each rank is that of the sorted numbers.
 */
#include "fuzz.h"

#include "attribution/sums.h"
#include "base/state_text.h"
#include "statistics/value_counts.h"

extern int	LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

#define MAX_NUMBERS 64

static void
try_text(const uint8 *data, size_t size)
{
	StringInfoData bytes;
	StringInfoData text;
	StringInfoData again;
	CjmError	error = {0};

	initStringInfo(&bytes);
	if (!state_text_decode((const char *) exact_copy(data, size), size, &bytes, &error))
	{
		REQUIRE(error.kind == CJM_ERROR_CORRUPT && error.message[0] != '\0');
		return;
	}
	initStringInfo(&text);
	initStringInfo(&again);
	state_text_encode(&text, (const uint8 *) bytes.data, bytes.len);
	REQUIRE(state_text_decode(text.data, text.len, &again, &error));
	REQUIRE(same_bytes(&bytes, &again));
}

static void
try_bytes(const uint8 *data, size_t size)
{
	StringInfoData text;
	StringInfoData bytes;
	CjmError	error = {0};

	initStringInfo(&text);
	initStringInfo(&bytes);
	state_text_encode(&text, data, size);
	REQUIRE(state_text_decode((const char *) exact_copy(text.data, text.len), text.len, &bytes, &error));
	REQUIRE(bytes.len == (int) size && memcmp(bytes.data, data, size) == 0);
	resetStringInfo(&bytes);
	REQUIRE(text.len < 5 || !state_text_decode(text.data, text.len - 4, &bytes, &error) ||
			bytes.len != (int) size || memcmp(bytes.data, data, size) != 0);
}

static void
try_sums(const uint8 *data, size_t size)
{
	AttributionSums sums = {0};
	AttributionSums other = {0};
	StringInfoData bytes;
	StringInfoData again;
	CjmError	error = {0};

	if (!attribution_sums_decode(exact_copy(data, size), size, &sums, &error))
	{
		REQUIRE(error.kind == CJM_ERROR_CORRUPT && error.message[0] != '\0');
		return;
	}
	initStringInfo(&bytes);
	initStringInfo(&again);
	attribution_sums_encode(&bytes, &sums);
	REQUIRE(attribution_sums_decode(exact_copy(bytes.data, bytes.len), bytes.len, &other, &error));
	attribution_sums_encode(&again, &other);
	REQUIRE(same_bytes(&bytes, &again));
	attribution_sums_merge(&sums, &other);
	REQUIRE(sums.count == other.count && sums.models == other.models);
}

static void
try_counts(const uint8 *data, size_t size)
{
	ValueCounts counts;
	ValueCounts other;
	StringInfoData bytes;
	StringInfoData again;
	CjmError	error = {0};

	if (!value_counts_decode(exact_copy(data, size), size, &counts, &error))
	{
		REQUIRE(error.kind != CJM_ERROR_NONE && error.message[0] != '\0');
		return;
	}
	initStringInfo(&bytes);
	initStringInfo(&again);
	value_counts_encode(&bytes, &counts);
	REQUIRE(value_counts_decode(exact_copy(bytes.data, bytes.len), bytes.len, &other, &error));
	value_counts_encode(&again, &other);
	REQUIRE(same_bytes(&bytes, &again));
	REQUIRE(counts.total == other.total && value_counts_at(&counts, 0) <= value_counts_at(&other, counts.total - 1));
	if (!value_counts_merge(&counts, &other, &error))
		REQUIRE(error.kind == CJM_ERROR_LIMIT);
}

/* As many channels as there are bytes, in the order of these. */
static void
try_channels(const uint8 *data, size_t size)
{
	AttributionSums sums = {0};
	AttributionSums other = {0};
	AttributionSums merged = {0};
	StringInfoData bytes;
	StringInfoData again;
	CjmError	error = {0};

	attribution_sums_init(&sums, 5);
	attribution_sums_init(&merged, 0);
	for (size_t i = 0; i < size; i++)
	{
		char		name[2] = {(char) (data[i] | 1), 'x'};
		uint32		place = attribution_sums_place(&sums, (Label) {name, 2});

		long_sum_add(&sums.channels[place].models[data[i] % 2 * 2].conversions, 0.1);
	}
	initStringInfo(&bytes);
	initStringInfo(&again);
	attribution_sums_encode(&bytes, &sums);
	REQUIRE(attribution_sums_decode(exact_copy(bytes.data, bytes.len), bytes.len, &other, &error));
	attribution_sums_encode(&again, &other);
	REQUIRE(same_bytes(&bytes, &again));
	attribution_sums_merge(&merged, &other);
	REQUIRE(merged.count == sums.count);
	for (uint32 i = 1; i < sums.count; i++)
	{
		uint32		place = attribution_sums_place(&merged, sums.channels[i].channel);

		for (int model = 0; model < ATTRIBUTION_MODELS; model++)
			REQUIRE(long_sum(merged.channels[place].models[model].conversions) == long_sum(sums.channels[i].models[model].conversions));
	}
	REQUIRE(merged.count == sums.count);
}

static int
compare_keys(const void *a, const void *b)
{
	uint64		x = *(const uint64 *) a;
	uint64		y = *(const uint64 *) b;

	return (x > y) - (x < y);
}

/* The first byte says what the numbers are: any float8, millionths, seconds, or times. */
static void
try_numbers(const uint8 *data, size_t size)
{
	uint64		keys[MAX_NUMBERS];
	int			kind = size > 0 ? data[0] % 4 : 0;
	int			n = 0;
	ValueCounts all;
	ValueCounts one;
	ValueCounts other;
	StringInfoData bytes;
	StringInfoData again;
	CjmError	error = {0};

	value_counts_init(&all, kind == 3 ? VALUE_TIMES : VALUE_NUMBERS);
	value_counts_init(&one, all.kind);
	value_counts_init(&other, all.kind);
	while (n < MAX_NUMBERS && size >= 1 + 8 * ((size_t) n + 1))
	{
		int64		integer;
		double		number;

		memcpy(&integer, data + 1 + 8 * n, 8);
		memcpy(&number, data + 1 + 8 * n, 8);
		if (kind == 3)
			keys[n] = time_key(IS_VALID_TIMESTAMP(integer) ? integer : PG_INT64_MAX);
		else
			keys[n] = value_key(kind == 0 ? number : kind == 1 ? (double) (integer / 1024) / 1e6 : (double) (integer % 1000));
		n++;
	}
	for (int i = 0; i < n; i++)
	{
		REQUIRE(value_counts_add(&all, keys[i], 1, &error));
		REQUIRE(value_counts_add(i % 3 == 0 ? &one : &other, keys[n - 1 - i], 1, &error));
	}
	if (n == 0)
		return;
	initStringInfo(&bytes);
	initStringInfo(&again);
	value_counts_encode(&bytes, &one);
	REQUIRE(value_counts_decode(exact_copy(bytes.data, bytes.len), bytes.len, &one, &error));
	REQUIRE(value_counts_merge(&other, &one, &error));
	resetStringInfo(&bytes);
	value_counts_encode(&bytes, &all);
	value_counts_encode(&again, &other);
	REQUIRE(same_bytes(&bytes, &again));
	qsort(keys, n, sizeof(uint64), compare_keys);
	for (int i = 0; i < n; i++)
		REQUIRE(value_counts_at(&other, i) == keys[i]);
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	try_text(data, size);
	try_bytes(data, size);
	try_sums(data, size);
	try_counts(data, size);
	try_channels(data, size);
	try_numbers(data, size);
	return 0;
}
