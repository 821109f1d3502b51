/*
 * statistics/histogram.h: how often which duration occurred.
 *
 * Log-linear buckets as in HdrHistogram (Gil Tene, hdrhistogram.org), with
 * 128 buckets an octave: a duration below 128 microseconds has a bucket of its
 * own (so zero has one), and from there every octave [2^k, 2^(k+1)) is divided
 * into 128 buckets of equal width.  A bucket is at most 1/128 as wide as its
 * durations are long, so any number in it is within 0.8 % of each.
 *
 * Everything is integer arithmetic: the same durations give the same counts
 * on every platform, in whatever order they come.
 */
#ifndef CJM_HISTOGRAM_H
#define CJM_HISTOGRAM_H

#include "base/wide.h"

#include "port/pg_bitutils.h"

#define HISTOGRAM_BITS 7
#define HISTOGRAM_PAGE_BUCKETS (1 << HISTOGRAM_BITS)	/* an octave; page 0 is the durations below that */
#define HISTOGRAM_PAGES (64 - HISTOGRAM_BITS + 1)
#define HISTOGRAM_BUCKETS (HISTOGRAM_PAGES * HISTOGRAM_PAGE_BUCKETS)

/* The counters of an octave, as narrow as their contents allow. */
typedef struct HistogramPage
{
	void	   *counters;
	int			width;			/* bytes of a counter: 1, 2, 4 or 8 */
} HistogramPage;

/*
 * All zeroes is an empty histogram.  Pages are palloc'd when first needed, in
 * the context that is then current, and belong to whoever holds the histogram.
 */
typedef struct Histogram
{
	Wide		sum;			/* of the durations, exact */
	uint64		present;		/* bit p: there is a page p */
	HistogramPage *pages;		/* those present, in order */
	int			capacity;		/* of pages */
	uint8		place[HISTOGRAM_PAGES]; /* of a page in pages: those present that come before it */
} Histogram;

/* Walks over the buckets that are not empty, in order. */
typedef struct HistogramScan
{
	const Histogram *histogram;
	uint64		left;			/* the pages that are still to come, and this one */
	int			page;			/* index into pages */
	int			next;			/* counter to look at next */
} HistogramScan;

extern void histogram_count(Histogram *histogram, int bucket, uint64 count);
extern void histogram_merge(Histogram *to, const Histogram *from);
extern void histogram_scan(HistogramScan *scan, const Histogram *histogram);
extern bool histogram_next(HistogramScan *scan, int *bucket, uint64 *count);
extern uint64 histogram_at_rank(const Histogram *histogram, uint64 rank);

static inline int
histogram_bucket(uint64 duration)
{
	int			octave;

	if (duration < HISTOGRAM_PAGE_BUCKETS)
		return (int) duration;
	octave = pg_leftmost_one_pos64(duration) - HISTOGRAM_BITS;
	return octave * HISTOGRAM_PAGE_BUCKETS + (int) (duration >> octave);
}

/* The shortest duration of a bucket. */
static inline uint64
histogram_low(int bucket)
{
	int			page = bucket / HISTOGRAM_PAGE_BUCKETS;
	uint64		within = bucket % HISTOGRAM_PAGE_BUCKETS;

	return page == 0 ? within : (HISTOGRAM_PAGE_BUCKETS + within) << (page - 1);
}

/* The longest duration of a bucket. */
static inline uint64
histogram_high(int bucket)
{
	int			page = bucket / HISTOGRAM_PAGE_BUCKETS;

	return histogram_low(bucket) + ((UINT64CONST(1) << Max(page - 1, 0)) - 1);
}

static inline void
histogram_add(Histogram *histogram, uint64 duration)
{
	histogram->sum = wide_add(histogram->sum, (Wide) {duration, 0});
	histogram_count(histogram, histogram_bucket(duration), 1);
}

#endif							/* CJM_HISTOGRAM_H */
