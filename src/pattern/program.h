/*
 * pattern/program.h: the automaton of a pattern, as pattern/nfa.c makes it and
 * pattern/run.c runs it.
 */
#ifndef CJM_PATTERN_PROGRAM_H
#define CJM_PATTERN_PROGRAM_H

#include "pattern/pattern.h"

#define PATTERN_NO_QUEUE PG_UINT32_MAX
#define PATTERN_ENTRIES_ROOM 16
#define PATTERN_NO_CONDITION PG_UINT32_MAX

/* How the next row of a match may lie to the one before. */
typedef enum PatternStep
{
	STEP_NEXT,					/* it is the next row */
	STEP_LATER,					/* it is any later row */
	STEP_GATED					/* it is a later row at a distance from low to high */
} PatternStep;

/* Whether a match may end with a row. */
typedef enum PatternEnd
{
	ENDS_NOT,
	ENDS_LAST,					/* if it is the very last row */
	ENDS_LATER,					/* with all rows after it */
	ENDS_HERE
} PatternEnd;

/* A way to match no row at all: anywhere, before the first row, after the last one, where there is none. */
#define PATTERN_EMPTY(first, last) (1 << ((first) + 2 * (last)))
#define PATTERN_EMPTY_ANYWHERE PATTERN_EMPTY(0, 0)
#define PATTERN_EMPTY_FIRST PATTERN_EMPTY(1, 0)
#define PATTERN_EMPTY_LAST PATTERN_EMPTY(0, 1)
#define PATTERN_EMPTY_ALONE PATTERN_EMPTY(1, 1)

/* A position that a match may begin with. */
typedef struct PatternStart
{
	uint32		position;
	bool		first;			/* with the very first row only */
} PatternStart;

typedef struct PatternEdge
{
	uint32		to;				/* position */
	PatternStep step;
	bool		first;			/* from the start: only to the very first row */
	uint64		low;			/* microseconds, both included */
	uint64		high;
	uint32		queue;			/* STEP_GATED: of these to, low and high */
} PatternEdge;

/*
 * A position takes one row.  One that peeks only looks at a row, which is then
 * the first one not taken yet: "later" includes the row itself.
 */
typedef struct PatternPosition
{
	uint32		condition;		/* that the row meets; PATTERN_NO_CONDITION: any row does */
	uint32		nbarred;		/* conditions of which it meets none */
	const uint32 *barred;		/* the pattern's */
	uint64		barred_bits;	/* the first 64 conditions of them */
	PatternEnd	ends;
	bool		peeks;
	bool		wanted_later;	/* an edge of kind STEP_LATER leads here */
	uint32		first_edge;
	uint32		nedges;
	uint32		first_queue;	/* of the queues that lead here */
	uint32		nqueues;
} PatternPosition;

/* Rows and what a match that goes on from there is worth. */
typedef struct PatternEntry
{
	uint32		row;
	uint32		worth;
} PatternEntry;

/* A list of entries that grows at one end and shrinks at both. */
typedef struct PatternEntries
{
	PatternEntry *entries;
	size_t		first;
	size_t		end;
	size_t		room;			/* more than 0 */
} PatternEntries;

/* The best of what a gate lets through, see pattern/run.c. */
typedef struct PatternQueue
{
	uint32		to;
	uint64		low;
	uint64		high;
	PatternEntries waiting;		/* not yet at distance low */
	PatternEntries open;		/* at distances from low to high, each better than the ones before it */
} PatternQueue;

struct PatternProgram
{
	uint32		nconditions;
	int64		within;
	uint8		empty;			/* PATTERN_EMPTY_... */
	uint32		npositions;		/* those that peek are the last, in the order of evaluation */
	uint32		npeeking;
	PatternPosition *positions;
	PatternEdge *edges;
	uint32		nstarts;		/* positions that a match may begin with, in order of preference */
	PatternStart *starts;
	uint32		nqueues;
	PatternQueue *queues;

	/* Scratch, by position: */
	uint32	   *here;			/* worth of a match that goes on from this row */
	uint32	   *next;			/* from the row after it */
	uint32	   *later;			/* the best from any row after it */
	uint32	   *traced;
};

#endif							/* CJM_PATTERN_PROGRAM_H */
