/*
 * funnel/stats.c: counting, merging and storing what customers did in a
 * funnel, see funnel/stats.h.
 *
 * The bytes of a value, version 1, or 2 of a funnel with from any stage.  A varint is a count as base/bytes.h has it.
 *
 *   1 byte    format version
 *   varint    size of the funnel in bytes
 *   bytes     the funnel, as a value of type funnel stores it
 *   counts:
 *   varint    customers seen
 *   varint    customers at step 1, 2, ... n, one after the other
 *   [varint]  version 2: of them, those whose walk begins at step 2, ... n
 *   for each step from 2 on that has customers who did not begin there:
 *     times     since the touchpoint before in the walk
 *     times     since the first touchpoint; from step 3 on (at step 2 the
 *               two are the same)
 *
 *   times:
 *   16 bytes  the sum in microseconds, little-endian
 *   then the buckets that are not empty, in rising order, until their counts
 *   add up to those customers:
 *   varint    empty buckets since the bucket before, or since bucket 0
 *   varint    customers in the bucket
 *
 * Bucket b holds the durations from histogram_low(b) to histogram_high(b)
 * microseconds.  Nothing follows the last times.
 *
 * Invariants, checked by funnel_stats_check for whatever comes from outside:
 * nobody is at a step who was not seen; nobody at a mandatory step who was not
 * at the mandatory step before it or began there, nor at an optional one; every sum can be
 * the sum of durations in its buckets.  Customers seen are at most 2^63 - 1
 * and bound every other count, so only they have to be watched for overflow;
 * a sum is below 2^63 times 2^64 and fits 128 bits.
 */
#include "funnel/stats.h"

#include "base/bytes.h"

/*
 * funnel_stats_init makes empty statistics of a funnel, which the caller has
 * as bytes and opened.  The bytes are copied.
 */
void
funnel_stats_init(FunnelStats *stats, const uint8 *funnel, size_t size, const FunnelDef *def)
{
	uint8	   *copy = palloc(size);

	memcpy(copy, funnel, size);
	stats->funnel = copy;
	stats->funnel_size = (uint32) size;
	stats->nsteps = def->nstages;
	stats->from_any = def->from_any;
	stats->optional = 0;
	for (int i = 0; i < def->nstages; i++)
		if (def->stages[i].optional)
			stats->optional |= UINT64CONST(1) << i;
	stats->customers = 0;
	stats->steps = palloc0(def->nstages * sizeof(StepStats));
}

static bool
too_many_customers(CjmError *error)
{
	cjm_fail(error, CJM_ERROR_LIMIT, "funnel_stats of more than " UINT64_FORMAT " customers",
			 FUNNEL_STATS_MAX_CUSTOMERS);
	return false;
}

/* Counts customers who were seen and no more.  On failure nothing has changed. */
bool
funnel_stats_add_seen(FunnelStats *stats, uint64 customers, CjmError *error)
{
	if (customers > FUNNEL_STATS_MAX_CUSTOMERS - stats->customers)
		return too_many_customers(error);
	stats->customers += customers;
	return true;
}

/*
 * funnel_stats_add counts one customer by their winning walk; step 0 counts as
 * seen.  On failure nothing has changed.
 */
bool
funnel_stats_add(FunnelStats *stats, const FunnelWalk *walk, CjmError *error)
{
	uint64		left = walk->passed;
	int			begin;
	int64		first;
	int64		before;

	if (stats->customers >= FUNNEL_STATS_MAX_CUSTOMERS)
		return too_many_customers(error);
	stats->customers++;
	if (left == 0)
		return true;

	begin = 0;
	if (unlikely(!(left & 1)))
	{
		begin = pg_rightmost_one_pos64(left);
		stats->steps[begin].entered++;
	}
	stats->steps[begin].customers++;
	first = before = walk->at[begin];
	while ((left &= left - 1) != 0)
	{
		int			i = pg_rightmost_one_pos64(left);
		StepStats  *step = &stats->steps[i];

		Assert(i < stats->nsteps && walk->at[i] >= before);
		step->customers++;
		histogram_add(&step->time, (uint64) walk->at[i] - (uint64) before);
		if (i > 1)
			histogram_add(&step->total, (uint64) walk->at[i] - (uint64) first);
		before = walk->at[i];
	}
	return true;
}

/*
 * funnel_stats_merge adds the customers of from, which stays as it is.  On
 * failure nothing has changed.
 */
bool
funnel_stats_merge(FunnelStats *to, const FunnelStats *from, CjmError *error)
{
	if (!funnel_stats_is_of(to, from->funnel, from->funnel_size))
		return funnel_stats_differ(to, from->funnel, from->funnel_size, error);
	if (from->customers > FUNNEL_STATS_MAX_CUSTOMERS - to->customers)
		return too_many_customers(error);

	to->customers += from->customers;
	for (int i = 0; i < to->nsteps; i++)
	{
		to->steps[i].customers += from->steps[i].customers;
		to->steps[i].entered += from->steps[i].entered;
		histogram_merge(&to->steps[i].time, &from->steps[i].time);
		histogram_merge(&to->steps[i].total, &from->steps[i].total);
	}
	return true;
}

/* Makes to, which need not be initialized, equal to from; nothing is shared. */
void
funnel_stats_copy(FunnelStats *to, const FunnelStats *from)
{
	uint8	   *funnel = palloc(from->funnel_size);
	CjmError	error = {0};

	memcpy(funnel, from->funnel, from->funnel_size);
	*to = *from;
	to->funnel = funnel;
	to->customers = 0;
	to->steps = palloc0(from->nsteps * sizeof(StepStats));
	if (!funnel_stats_merge(to, from, &error))
		Assert(false);
}

/* Opens the definition; its labels point into the stats. */
void
funnel_stats_definition(const FunnelStats *stats, FunnelDef *def)
{
	CjmError	error = {0};

	if (!funnel_decode(stats->funnel, stats->funnel_size, def, &error))
		Assert(false);			/* it was opened when the stats were made */
}

/*
 * funnel_stats_differ is the error of bringing together what is not of one
 * funnel: it shows both definitions.  Always false.
 */
bool
funnel_stats_differ(const FunnelStats *stats, const uint8 *funnel, size_t size, CjmError *error)
{
	FunnelDef	def;
	StringInfoData one;
	StringInfoData other;

	initStringInfo(&one);
	initStringInfo(&other);
	funnel_stats_definition(stats, &def);
	funnel_print(&one, &def);
	if (!funnel_decode(funnel, size, &def, error))
		return false;
	funnel_print(&other, &def);
	cjm_fail(error, CJM_ERROR_VALUE, "statistics of different funnels do not go together");
	cjm_fail_detail(error, "One is of '%s', the other of '%s'.", one.data, other.data);
	cjm_fail_hint(error, "GROUP BY the funnel, or compute both with the same one.");
	return false;
}

/* The mandatory step before a step, which its rate is taken from; -1 for the first. */
int
funnel_stats_before(const FunnelStats *stats, int step)
{
	do
		step--;
	while (step >= 0 && (stats->optional >> step & 1));
	return step;
}

/* The mandatory step after a step; -1 if there is none. */
int
funnel_stats_after(const FunnelStats *stats, int step)
{
	while (++step < stats->nsteps)
		if (!(stats->optional >> step & 1))
			return step;
	return -1;
}

/* The times since the first touchpoint, of a step from index 1. */
const Histogram *
funnel_stats_total(const FunnelStats *stats, int step)
{
	return step == 1 ? &stats->steps[1].time : &stats->steps[step].total;
}

/*
 * How a step is called: like its stage.  The steps of an unordered funnel are
 * no stages but how many of them a customer has done: "2 of 3".
 */
void
funnel_stats_step_name(StringInfo out, const FunnelDef *def, int step)
{
	if (def->unordered)
		appendStringInfo(out, "%d of %d", step + 1, def->nstages);
	else
		appendBinaryStringInfo(out, def->stages[step].name.bytes, def->stages[step].name.size);
}

/*
 * The duration that percent of count durations do not exceed, count > 0: by
 * nearest rank, the middle of its bucket.
 */
uint64
funnel_stats_percentile(const Histogram *histogram, uint64 count, int percent)
{
	uint64		above = 100 - percent;

	/* ceil(count * percent / 100), without overflow */
	return histogram_at_rank(histogram, count - (count / 100 * above + count % 100 * above / 100));
}

/* The mean of count durations, count > 0, to the nearest microsecond; a half is rounded up. */
uint64
funnel_stats_mean(const Histogram *histogram, uint64 count)
{
	uint64		rest;
	uint64		mean = wide_divide(histogram->sum, count, &rest).low;

	return mean + (rest >= count - rest);
}

/* ---------------------------------------------------------------- stored */

static void
encode_times(StringInfo out, const Histogram *times)
{
	HistogramScan scan;
	int			bucket;
	int			next = 0;
	uint64		count;

	enlargeStringInfo(out, 16);
	bytes_store64((uint8 *) out->data + out->len, times->sum.low);
	bytes_store64((uint8 *) out->data + out->len + 8, times->sum.high);
	out->len += 16;
	histogram_scan(&scan, times);
	while (histogram_next(&scan, &bucket, &count))
	{
		append_varint(out, bucket - next);
		append_varint(out, count);
		next = bucket + 1;
	}
}

/* Appends everything but the version and the funnel. */
void
funnel_stats_encode_counts(StringInfo out, const FunnelStats *stats)
{
	append_varint(out, stats->customers);
	for (int i = 0; i < stats->nsteps; i++)
		append_varint(out, stats->steps[i].customers);
	for (int i = 1; i < stats->nsteps && stats->from_any; i++)
		append_varint(out, stats->steps[i].entered);
	for (int i = 1; i < stats->nsteps; i++)
	{
		if (funnel_stats_came(stats, i) == 0)
			continue;
		encode_times(out, &stats->steps[i].time);
		if (i > 1)
			encode_times(out, &stats->steps[i].total);
	}
}

void
funnel_stats_encode(StringInfo out, const FunnelStats *stats)
{
	appendStringInfoChar(out, stats->from_any ? FUNNEL_STATS_FORMAT_VERSION : FUNNEL_STATS_FORMAT_FIRST);
	append_varint(out, stats->funnel_size);
	appendBinaryStringInfo(out, (const char *) stats->funnel, stats->funnel_size);
	funnel_stats_encode_counts(out, stats);
}

#define CORRUPT(error, ...) cjm_fail(error, CJM_ERROR_CORRUPT, "invalid funnel_stats: " __VA_ARGS__)

/* Reads the times of a step, numbered from 1, into an empty histogram; returns the byte after them. */
static const uint8 *
decode_times(const uint8 *p, const uint8 *end, int step, uint64 customers, Histogram *times, CjmError *error)
{
	int			next = 0;

	if (end - p < 16)
	{
		CORRUPT(error, "it is cut off in a sum of step %d", step);
		return NULL;
	}
	times->sum = (Wide) {bytes_load64(p), bytes_load64(p + 8)};
	p += 16;
	while (customers > 0)
	{
		uint64		gap;
		uint64		count;

		if ((p = varint_check(p, end, &gap)) == NULL ||
			(p = varint_check(p, end, &count)) == NULL)
		{
			CORRUPT(error, "it is cut off in the times of step %d", step);
			return NULL;
		}
		if (gap >= (uint64) (HISTOGRAM_BUCKETS - next))
		{
			CORRUPT(error, "step %d has a bucket that does not exist", step);
			return NULL;
		}
		if (count == 0 || count > customers)
		{
			CORRUPT(error, "step %d has not as many times as customers", step);
			return NULL;
		}
		histogram_count(times, next + (int) gap, count);
		next += (int) gap + 1;
		customers -= count;
	}
	return p;
}

/*
 * funnel_stats_decode_counts reads what funnel_stats_encode_counts wrote into
 * empty stats.  The bytes may be anything.
 */
bool
funnel_stats_decode_counts(const uint8 *bytes, size_t size, FunnelStats *stats, CjmError *error)
{
	const uint8 *p = bytes;
	const uint8 *end = bytes + size;

	if ((p = varint_check(p, end, &stats->customers)) == NULL)
		return CORRUPT(error, "it is cut off in the customers seen");
	if (stats->customers > FUNNEL_STATS_MAX_CUSTOMERS)
		return CORRUPT(error, "it has too many customers");
	for (int i = 0; i < stats->nsteps; i++)
	{
		if ((p = varint_check(p, end, &stats->steps[i].customers)) == NULL)
			return CORRUPT(error, "it is cut off in the customers of step %d", i + 1);
		if (stats->steps[i].customers > stats->customers)
			return CORRUPT(error, "more customers are at step %d than were seen", i + 1);
	}
	for (int i = 1; i < stats->nsteps && stats->from_any; i++)
	{
		if ((p = varint_check(p, end, &stats->steps[i].entered)) == NULL)
			return CORRUPT(error, "it is cut off in the customers who began at step %d", i + 1);
		if (stats->steps[i].entered > stats->steps[i].customers)
			return CORRUPT(error, "more customers began at step %d than are there", i + 1);
	}
	for (int i = 1; i < stats->nsteps; i++)
	{
		StepStats  *step = &stats->steps[i];

		uint64		came = funnel_stats_came(stats, i);

		if (came == 0)
			continue;
		if ((p = decode_times(p, end, i + 1, came, &step->time, error)) == NULL)
			return false;
		if (i > 1 && (p = decode_times(p, end, i + 1, came, &step->total, error)) == NULL)
			return false;
	}
	if (p != end)
		return CORRUPT(error, "there are bytes after its end");
	return funnel_stats_check(stats, error);
}

/*
 * funnel_stats_decode makes stats of a stored value, whose bytes may be
 * anything.  Nothing is shared with the bytes.
 */
bool
funnel_stats_decode(const uint8 *bytes, size_t size, FunnelStats *stats, CjmError *error)
{
	const uint8 *p = bytes;
	const uint8 *end = bytes + size;
	uint64		funnel_size;
	uint8		version;
	FunnelDef	def;

	if (size == 0)
		return CORRUPT(error, "it is empty");
	version = *p;
	if (version != FUNNEL_STATS_FORMAT_FIRST && version != FUNNEL_STATS_FORMAT_VERSION)
	{
		cjm_fail(error, CJM_ERROR_VERSION, "funnel_stats of format version %d", *p);
		cjm_fail_detail(error, "This release of cjm reads versions %d to %d.", FUNNEL_STATS_FORMAT_FIRST, FUNNEL_STATS_FORMAT_VERSION);
		return false;
	}
	if ((p = varint_check(p + 1, end, &funnel_size)) == NULL || funnel_size > (uint64) (end - p))
		return CORRUPT(error, "it is cut off in its funnel");
	if (!funnel_decode(p, funnel_size, &def, error))
		return false;
	if (def.from_any != (version == FUNNEL_STATS_FORMAT_VERSION))
		return CORRUPT(error, "its version is not that of its funnel");
	funnel_stats_init(stats, p, funnel_size, &def);
	p += funnel_size;
	return funnel_stats_decode_counts(p, end - p, stats, error);
}

/* Whether a step's buckets hold a time of each customer, and times that may have the sum. */
static bool
check_times(const Histogram *times, int step, uint64 customers, CjmError *error)
{
	HistogramScan scan;
	int			bucket;
	uint64		count;
	Wide		low = {0, 0};
	Wide		high = {0, 0};

	histogram_scan(&scan, times);
	while (histogram_next(&scan, &bucket, &count))
	{
		if (count > customers)
			return CORRUPT(error, "step %d has not as many times as customers", step);
		customers -= count;
		low = wide_add(low, wide_multiply(histogram_low(bucket), count));
		high = wide_add(high, wide_multiply(histogram_high(bucket), count));
	}
	if (customers != 0)
		return CORRUPT(error, "step %d has not as many times as customers", step);
	if (wide_compare(times->sum, low) < 0 || wide_compare(times->sum, high) > 0)
		return CORRUPT(error, "step %d has a sum that the times in its buckets cannot have", step);
	return true;
}

/*
 * funnel_stats_check: the invariants of the banner, for stats that were put
 * together from a value, a message or JSON.
 */
bool
funnel_stats_check(const FunnelStats *stats, CjmError *error)
{
	uint64		entered = 0;

	if (stats->customers > FUNNEL_STATS_MAX_CUSTOMERS)
		return CORRUPT(error, "it has too many customers");
	for (int i = 0; i < stats->nsteps; i++)
	{
		const StepStats *step = &stats->steps[i];
		int			before = funnel_stats_before(stats, i);

		if (before < 0 && step->customers > stats->customers)
			return CORRUPT(error, "more customers are at step %d than were seen", i + 1);
		if (step->entered > step->customers || (i > 0 ? step->entered : step->customers) > stats->customers - entered)
			return CORRUPT(error, "more customers began at step %d than are there, or were seen", i + 1);
		entered += i > 0 ? step->entered : step->customers;
		if (before >= 0 && funnel_stats_came(stats, i) > stats->steps[before].customers)
			return CORRUPT(error, "more customers are at step %d than at step %d", i + 1, before + 1);
		if (i > 0 && !check_times(&step->time, i + 1, funnel_stats_came(stats, i), error))
			return false;
		if (i > 1 && !check_times(&step->total, i + 1, funnel_stats_came(stats, i), error))
			return false;
	}
	return true;
}
