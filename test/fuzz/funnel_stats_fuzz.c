/*
 * funnel_stats_fuzz.c: a fuzz target for the bytes of funnel statistics.
 *
 * Bytes that decode are sound: they encode to themselves, with their funnel
 * and without it, every reader is safe on them, adding them to empty ones
 * gives them again, and adding them to themselves doubles every count or is
 * refused as too many customers.  Nothing shorter is whole.  A walk that is
 * added changes what it should.
 */
#include "fuzz.h"

#include "funnel/stats.h"

extern int	LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

static StringInfoData
bytes_of(const FunnelStats *stats)
{
	StringInfoData bytes;

	initStringInfo(&bytes);
	funnel_stats_encode(&bytes, stats);
	return bytes;
}

static uint64
counted(const Histogram *times)
{
	HistogramScan scan;
	int			bucket;
	uint64		count;
	uint64		sum = 0;

	histogram_scan(&scan, times);
	while (histogram_next(&scan, &bucket, &count))
	{
		REQUIRE(count > 0 && bucket >= 0 && bucket < HISTOGRAM_BUCKETS);
		sum += count;
	}
	return sum;
}

/* What a report asks of the times of a step. */
static void
read_times(const Histogram *times, uint64 customers)
{
	uint64		percentile = 0;

	REQUIRE(counted(times) == customers);
	if (customers == 0)
		return;
	for (int percent = 0; percent <= 100; percent += 10)
	{
		uint64		next = funnel_stats_percentile(times, customers, percent);

		REQUIRE(next >= percentile);
		percentile = next;
	}
	(void) funnel_stats_mean(times, customers);
}

static void
read_all(const FunnelStats *stats)
{
	FunnelDef	def;
	StringInfoData name;

	funnel_stats_definition(stats, &def);
	REQUIRE(def.nstages == stats->nsteps);
	for (int i = 0; i < stats->nsteps; i++)
	{
		initStringInfo(&name);
		funnel_stats_step_name(&name, &def, i);
		REQUIRE(stats->steps[i].customers <= stats->customers);
		REQUIRE(funnel_stats_before(stats, i) < i);
		REQUIRE(funnel_stats_after(stats, i) < 0 || funnel_stats_after(stats, i) > i);
		if (i == 0)
			continue;
		REQUIRE(stats->from_any || funnel_stats_entered(stats, i) == 0);
		read_times(&stats->steps[i].time, funnel_stats_came(stats, i));
		read_times(funnel_stats_total(stats, i), funnel_stats_came(stats, i));
	}
}

/* A walk through all stages, or those from the middle on, each a while after the one before. */
static void
add_walk(FunnelStats *stats, int first)
{
	FunnelWalk	walk = {.step = stats->nsteps};
	uint64		before = stats->customers;
	CjmError	error = {0};

	for (int i = first; i < stats->nsteps; i++)
	{
		walk.passed |= UINT64CONST(1) << i;
		walk.at[i] = (int64) i * i * 1000003;
	}
	if (!funnel_stats_add(stats, &walk, &error))
	{
		REQUIRE(before == FUNNEL_STATS_MAX_CUSTOMERS);
		return;
	}
	REQUIRE(stats->customers == before + 1);
	REQUIRE(funnel_stats_check(stats, &error));
	read_all(stats);
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	uint8	   *exact = exact_copy(data, size);
	FunnelStats stats;
	FunnelStats other;
	FunnelDef	def;
	CjmError	error = {0};
	StringInfoData bytes;
	StringInfoData again;

	if (!funnel_stats_decode(exact, size, &stats, &error))
	{
		REQUIRE(error.kind != CJM_ERROR_NONE && error.message[0] != '\0');
		return 0;
	}
	REQUIRE(funnel_stats_check(&stats, &error));
	bytes = bytes_of(&stats);
	REQUIRE((size_t) bytes.len == size && memcmp(bytes.data, data, size) == 0);
	read_all(&stats);

	/* The counts alone, as they travel. */
	funnel_stats_definition(&stats, &def);
	initStringInfo(&again);
	funnel_stats_encode_counts(&again, &stats);
	funnel_stats_init(&other, stats.funnel, stats.funnel_size, &def);
	REQUIRE(funnel_stats_decode_counts(exact_copy(again.data, again.len), again.len, &other, &error));
	again = bytes_of(&other);
	REQUIRE(same_bytes(&bytes, &again));

	funnel_stats_init(&other, stats.funnel, stats.funnel_size, &def);
	REQUIRE(funnel_stats_merge(&other, &stats, &error));
	again = bytes_of(&other);
	REQUIRE(same_bytes(&bytes, &again));

	funnel_stats_copy(&other, &stats);
	if (funnel_stats_merge(&other, &stats, &error))
	{
		REQUIRE(other.customers == 2 * stats.customers);
		REQUIRE(funnel_stats_check(&other, &error));
		read_all(&other);
		again = bytes_of(&other);
		REQUIRE(funnel_stats_decode((uint8 *) again.data, again.len, &other, &error));
	}
	else
		REQUIRE(stats.customers > FUNNEL_STATS_MAX_CUSTOMERS / 2);

	if (size < 128)
		for (size_t shorter = 0; shorter < size; shorter++)
		{
			error = (CjmError) {0};
			REQUIRE(!funnel_stats_decode(exact_copy(data, shorter), shorter, &other, &error));
		}
	add_walk(&stats, 0);
	if (stats.from_any)
		add_walk(&stats, stats.nsteps / 2);
	return 0;
}
