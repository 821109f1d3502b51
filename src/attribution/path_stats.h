/*
 * attribution/path_stats.h: what is counted of customers' paths through channels, for the
 * data-driven attribution models.
 *
 * A path is the channels of the touchpoints before a conversion, or of those
 * that led to none (a null path).  The paths themselves are not kept.  Kept is
 * how often which short sequence of channels occurred, which is all that a
 * model reads, and as many as there are channels, not customers:
 *
 *	order 0 (Shapley)	n: a path had n different channels
 *						a n: and a was one of them
 *	order 1 (Markov)	a b: the path went on from a to b
 *						a: the path ended with a
 *	order 2 (Markov)	a b c: it went on from the pair a b to the pair b c
 *						a b, or a alone if it has nothing else: it ended so
 *
 * and for a path without a channel the empty sequence.  n is a number and no
 * channel.  Of several equal states in a row of a chain only one counts.
 *
 * All are integers, so that any order of adding and merging counts the same.
 */
#ifndef CJM_PATH_STATS_H
#define CJM_PATH_STATS_H

#include "base/amount.h"
#include "journey/format.h"

/* The largest order of a chain; the longest sequence is one longer. */
#define PATH_MAX_ORDER 2

/* Conversions, and null paths, that all rows together may have. */
#define PATH_MAX_COUNT ((uint64) PG_INT64_MAX)

typedef struct PathModel
{
	int			order;			/* of the Markov chain; 0: Shapley */
	bool		with_nulls;		/* null paths count */
} PathModel;

typedef struct PathCount
{
	uint32		first;			/* of its channels in keys */
	uint32		length;			/* channels */
	uint32		hash;
	uint64		conversions;
	uint64		nulls;
	Amount		value;			/* of the conversions; of a chain only where a path ended */
} PathCount;

/* An index from hashes to entries of an array: entry + 1, or 0. */
typedef struct PathIndex
{
	uint32		size;			/* power of 2 */
	uint32	   *slots;
} PathIndex;

/*
 * Memory: everything is palloc'd in the context that is current when it is
 * needed; who keeps a PathStats switches to its context before changing it.
 */
typedef struct PathStats
{
	PathModel	model;
	uint32		nchannels;
	uint32		channel_capacity;
	Label	   *channels;
	PathIndex	channel_index;
	uint32		ncounts;
	uint32		count_capacity;
	PathCount  *counts;
	PathIndex	count_index;
	uint32		nkeys;
	uint32		key_capacity;
	uint32	   *keys;			/* channels of all sequences */
} PathStats;

extern void path_stats_init(PathStats *stats, PathModel model);
extern bool path_stats_require(const PathStats *stats, PathModel model, CjmError *error);
extern bool path_stats_too_many(CjmError *error);
extern bool path_value(double value, Amount *amount, CjmError *error);
extern bool path_stats_channel(PathStats *stats, Label label, uint32 *channel, CjmError *error);
extern bool path_stats_add(PathStats *stats, uint32 *path, uint32 length,
						   uint64 conversions, uint64 nulls, Amount value, CjmError *error);
extern bool path_stats_add_journey(PathStats *stats, const JourneyView *view,
								   const uint32 *conversions, size_t nconversions, bool lenient, CjmError *error);
extern bool path_stats_merge(PathStats *to, const PathStats *from, CjmError *error);
extern void path_stats_sorted(PathStats *to, const PathStats *from);
extern void path_stats_encode(StringInfo out, const PathStats *stats);
extern bool path_stats_decode(const uint8 *bytes, size_t size, PathStats *stats, CjmError *error);

#endif							/* CJM_PATH_STATS_H */
