/*
 * statistics/histogram.c: how often which duration occurred, see statistics/histogram.h.
 *
 * Memory follows content: an octave that nothing falls into has no page, and
 * a page begins with one byte a counter and doubles when one of them is full.
 * Counting is O(1) whatever the histogram holds.
 */
#include "statistics/histogram.h"

static inline uint64
counter_load(const HistogramPage *page, int i)
{
	switch (page->width)
	{
		case 1:
			return ((const uint8 *) page->counters)[i];
		case 2:
			return ((const uint16 *) page->counters)[i];
		case 4:
			return ((const uint32 *) page->counters)[i];
		default:
			return ((const uint64 *) page->counters)[i];
	}
}

static inline void
counter_store(HistogramPage *page, int i, uint64 count)
{
	switch (page->width)
	{
		case 1:
			((uint8 *) page->counters)[i] = (uint8) count;
			break;
		case 2:
			((uint16 *) page->counters)[i] = (uint16) count;
			break;
		case 4:
			((uint32 *) page->counters)[i] = (uint32) count;
			break;
		default:
			((uint64 *) page->counters)[i] = count;
			break;
	}
}

static int
counter_width(uint64 count)
{
	return count <= PG_UINT8_MAX ? 1 : count <= PG_UINT16_MAX ? 2 : count <= PG_UINT32_MAX ? 4 : 8;
}

/* Gives a page wider counters.  Chunks of 128 << n bytes: none is lost to rounding. */
static void
page_widen(HistogramPage *page, int width)
{
	HistogramPage wide = {palloc((Size) HISTOGRAM_PAGE_BUCKETS * width), width};

	for (int i = 0; i < HISTOGRAM_PAGE_BUCKETS; i++)
		counter_store(&wide, i, counter_load(page, i));
	pfree(page->counters);
	*page = wide;
}

/* Makes page number page, which is not there. */
static void
page_insert(Histogram *histogram, int page)
{
	int			npages = pg_popcount64(histogram->present);
	int			index = histogram->place[page];
	void	   *counters;

	if (npages == histogram->capacity)
	{
		int			capacity = Max(2, 2 * histogram->capacity);

		if (histogram->pages == NULL)
			histogram->pages = palloc(capacity * sizeof(HistogramPage));
		else
			histogram->pages = repalloc(histogram->pages, capacity * sizeof(HistogramPage));
		histogram->capacity = capacity;
	}
	counters = palloc0(HISTOGRAM_PAGE_BUCKETS);
	memmove(&histogram->pages[index + 1], &histogram->pages[index],
			(npages - index) * sizeof(HistogramPage));
	histogram->pages[index] = (HistogramPage) {counters, 1};
	histogram->present |= UINT64CONST(1) << page;
	for (int later = page + 1; later < HISTOGRAM_PAGES; later++)
		histogram->place[later]++;
}

/*
 * histogram_count adds to the counter of a bucket, not to the sum.  count is
 * not 0, and the caller sees to it that all counts together stay below 2^63.
 */
void
histogram_count(Histogram *histogram, int bucket, uint64 count)
{
	int			number = bucket / HISTOGRAM_PAGE_BUCKETS;
	int			i = bucket % HISTOGRAM_PAGE_BUCKETS;
	HistogramPage *page;

	Assert(bucket >= 0 && bucket < HISTOGRAM_BUCKETS);
	if (unlikely(!(histogram->present >> number & 1)))
		page_insert(histogram, number);
	page = &histogram->pages[histogram->place[number]];
	count += counter_load(page, i);
	if (counter_width(count) > page->width)
		page_widen(page, counter_width(count));
	counter_store(page, i, count);
}

/* Adds all of from; the same bound as for histogram_count. */
void
histogram_merge(Histogram *to, const Histogram *from)
{
	HistogramScan scan;
	int			bucket;
	uint64		count;

	to->sum = wide_add(to->sum, from->sum);
	histogram_scan(&scan, from);
	while (histogram_next(&scan, &bucket, &count))
		histogram_count(to, bucket, count);
}

void
histogram_scan(HistogramScan *scan, const Histogram *histogram)
{
	scan->histogram = histogram;
	scan->left = histogram->present;
	scan->page = 0;
	scan->next = 0;
}

/* The next bucket that is not empty; false when there is none left. */
bool
histogram_next(HistogramScan *scan, int *bucket, uint64 *count)
{
	while (scan->left != 0)
	{
		const HistogramPage *page = &scan->histogram->pages[scan->page];

		while (scan->next < HISTOGRAM_PAGE_BUCKETS)
		{
			int			i = scan->next++;

			*count = counter_load(page, i);
			if (*count != 0)
			{
				*bucket = pg_rightmost_one_pos64(scan->left) * HISTOGRAM_PAGE_BUCKETS + i;
				return true;
			}
		}
		scan->left &= scan->left - 1;
		scan->page++;
		scan->next = 0;
	}
	return false;
}

/* What people round durations to. */
static const uint64 round_units[] = {
	10000 * USECS_PER_DAY, 1000 * USECS_PER_DAY, 100 * USECS_PER_DAY, 10 * USECS_PER_DAY, USECS_PER_DAY,
	USECS_PER_HOUR, 10 * USECS_PER_MINUTE, USECS_PER_MINUTE, 10 * USECS_PER_SEC, USECS_PER_SEC,
	100000, 10000, 1000, 100, 10
};

/*
 * The roundest number of a bucket: the multiple of the largest unit, of those
 * the nearest to the middle.  More digits than the bucket is good for would
 * only look exact.
 */
static uint64
bucket_number(int bucket)
{
	uint64		low = histogram_low(bucket);
	uint64		high = histogram_high(bucket);
	uint64		middle = low + (high - low) / 2;

	for (int i = 0; i < (int) lengthof(round_units); i++)
	{
		uint64		unit = round_units[i];
		uint64		below = middle / unit * unit;
		bool		is_below = below >= low;
		bool		is_above = unit - (middle - below) <= high - middle;

		if (is_below && (!is_above || middle - below <= unit / 2))
			return below;
		if (is_above)
			return below + unit;
	}
	return middle;
}

/*
 * histogram_at_rank is a number of the bucket that has the rank-th shortest
 * duration, rank from 1 to the number of durations.
 */
uint64
histogram_at_rank(const Histogram *histogram, uint64 rank)
{
	HistogramScan scan;
	int			bucket;
	uint64		count;

	histogram_scan(&scan, histogram);
	while (histogram_next(&scan, &bucket, &count))
	{
		if (rank <= count)
			return bucket_number(bucket);
		rank -= count;
	}
	Assert(false);
	return 0;
}
