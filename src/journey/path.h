/*
 * journey/path.h: a journey as a row of events or channels, one after the other.
 */
#ifndef CJM_PATH_H
#define CJM_PATH_H

#include "journey/session.h"

/* Reads the places of a path: ids of a dictionary of the journey. */
typedef struct PathCursor
{
	const JourneyView *view;
	bool		channels;		/* by channel: touchpoints without one are passed over */
	bool		repeats;		/* whether the same twice running is two places */
	const SessionRule *rule;	/* what ends a session and with it a path; NULL: nothing does */
	SessionGoing state;
	uint32	   *numbers;		/* where sessions were given: that of each touchpoint; else NULL */
	uint32	   *order;			/* and the touchpoints session by session */
	uint32		next;			/* touchpoint */
	int64		last;			/* id of the place before in the session, or -1 */
	int64		at;				/* of the place read last: of the first touchpoint that it stands for */
	int64		session;		/* of the place read last, from 1 */
} PathCursor;

extern void path_start(PathCursor *cursor, const JourneyView *view, bool channels, bool repeats, const SessionRule *rule);
extern bool path_next(PathCursor *cursor, uint32 *id);

/* How often each pair of ids has been met. */
typedef struct PairCount
{
	uint64		pair;
	uint32		count;			/* 0: the slot is free */
	uint32		number;			/* from 1, in the order in which pairs are first met */
} PairCount;

typedef struct PairCounts
{
	uint32		used;
	uint32		capacity;		/* a power of 2, at least twice as many as are used */
	PairCount  *slots;
} PairCounts;

extern void pair_counts_start(PairCounts *counts);
extern const PairCount *pair_counts_add(PairCounts *counts, uint32 a, uint32 b);

#endif							/* CJM_PATH_H */
