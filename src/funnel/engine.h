/*
 * funnel/engine.h: the one funnel engine.
 *
 * Plain arrays in, plain struct out.  Who calls it has already turned events
 * and channels into bits, so that the engine knows no label, no journey and
 * no row.
 */
#ifndef CJM_FUNNEL_ENGINE_H
#define CJM_FUNNEL_ENGINE_H

#include "base/pure.h"
#include "funnel/definition.h"

/*
 * One touchpoint.  An array of them is sorted by time; the order within one
 * time does not matter.  Touchpoints that match no stage and no exclusion may
 * be left out unless the rules need every one.
 */
typedef struct FunnelTouch
{
	int64		at;				/* microseconds */
	uint64		stages;			/* bit i: it matches stage i + 1 */
	uint32		excluded:1;		/* it matches an excluding event */
	uint32		session:31;		/* the session that it names; 0: none.  Set always, and read if the rules have sessions */
	uint32		value;			/* of a variable: of two touchpoints the same if that has the same value; 0: none.  Set always */
} FunnelTouch;

/* The rules of a funnel without its labels. */
typedef struct FunnelRules
{
	int			nstages;
	int64		within;			/* microseconds, or FUNNEL_NO_LIMIT */
	bool		strict;
	bool		unordered;
	bool		excluding;
	bool		every;			/* they need to see every touchpoint */
	bool		apart;			/* one of the next three is set; see funnel/engine_apart.c */
	bool		from_any;		/* a walk may begin at any stage */
	int64		session;		/* a walk lies in one session: what names one, or has no longer gap than so many microseconds; 0: it need not */
	uint64		bound;			/* bit i: the touchpoint of stage i + 1 has the walk's value; only with one does it match */
	uint64		optional;		/* bit i: stage i + 1 may be left out */
	uint64		gapped;			/* bit i: stage i + 1 has a [D] */
	int64		gap[FUNNEL_MAX_STAGES]; /* FUNNEL_NO_LIMIT where there is none */
} FunnelRules;

/* Where the first touchpoint of a walk may lie, both ends included. */
typedef struct FunnelEntry
{
	int64		from;
	int64		to;
} FunnelEntry;

#define FUNNEL_ANY_ENTRY ((FunnelEntry) {PG_INT64_MIN, PG_INT64_MAX})

/* The stages that a walk may begin with. */
static inline uint64
funnel_begins(const FunnelRules *rules)
{
	return rules->unordered || rules->from_any ? ~UINT64CONST(0) : 1;
}

/* Is there any limit of time within which a walk must go on? */
static inline bool
funnel_is_limited(const FunnelRules *rules)
{
	return rules->within != FUNNEL_NO_LIMIT || rules->session != 0;
}

/*
 * The winning walk.  at[i] is set where bit i of passed is.
 *
 * Two walks that leave out different optional stages, but equally many, are
 * compared stage by stage from the first: passed earlier is better than passed
 * later, and passed at all is better than left out.
 *
 * Of an unordered funnel at[n - 1] is the moment at which n stages were
 * reached: the window is the deepest, of those the one that ends earliest, of
 * those the one that starts latest, and in it the number of stages that
 * distinct touchpoints from its start on can be matched to first grows to n
 * then.  (With excluding the walk must hold what is excluded in it, and the
 * moments are those of its own touchpoints, each as early as possible.)
 */
typedef struct FunnelWalk
{
	int			step;			/* 0: no walk */
	uint64		passed;			/* bit i: the walk holds stage i + 1 */
	uint32		value;			/* of the touchpoints at bound stages, if it holds one; set if the rules have such */
	uint32		session;		/* that its touchpoints name, 0: none; set if the rules have sessions */
	int64		at[FUNNEL_MAX_STAGES];
} FunnelWalk;

/* No touchpoint. */
#define FUNNEL_NONE SIZE_MAX

/*
 * Conversions of one time, by the touchpoints that complete them: those of an
 * ordered funnel take its last mandatory stage; of an unordered one, of what the
 * walk takes at its end, they match the highest stage.  Touchpoints of one time
 * that match the same stages are interchangeable, so those are named.
 */
typedef struct FunnelCompletion
{
	int64		at;
	uint64		stages;			/* all that such a touchpoint matches, up to the last mandatory one */
	uint32		value;			/* and its value */
	uint32		session;		/* and the session that it names */
	int64		count;			/* conversions */
} FunnelCompletion;

typedef struct FunnelCompletions
{
	uint64		stages;			/* the stages up to the last mandatory one */
	size_t		count;
	size_t		capacity;
	FunnelCompletion *list;		/* palloc'd, by time; a time may be there several times */
} FunnelCompletions;

/*
 * A search for the winning walk whose touchpoints come by and by, so that who
 * has them to read may stop early.  Of the walks under way it has, for the
 * stages below depth, the latest start, as the index of the first touchpoint at
 * that time; step stages have been passed at some time, from begin on.
 */
typedef struct FunnelSearch
{
	bool		early;			/* it can be over before all touchpoints have come */
	int			deepest;		/* no more stages can be passed */
	int			step;
	size_t		begin;
	size_t		next;			/* first touchpoint not looked at */
	int			depth;
	size_t		start[FUNNEL_MAX_STAGES];
} FunnelSearch;

extern void funnel_rules(const FunnelDef *def, FunnelRules *rules);
extern uint64 funnel_reachable(const FunnelRules *rules, uint64 seen);
extern void funnel_walk(const FunnelRules *rules, FunnelEntry entry,
						const FunnelTouch *touches, size_t count, FunnelWalk *walk);
extern uint64 funnel_reached(const FunnelRules *rules, FunnelEntry entry,
							 const FunnelTouch *touches, size_t count, int64 *at);
extern void funnel_search_start(FunnelSearch *search, const FunnelRules *rules, uint64 reachable);
extern bool funnel_search_on(FunnelSearch *search, const FunnelRules *rules, FunnelEntry entry,
							 const FunnelTouch *touches, size_t count, bool all);
extern void funnel_search_end(const FunnelSearch *search, const FunnelRules *rules, FunnelEntry entry,
							  const FunnelTouch *touches, size_t count, FunnelWalk *walk);
extern int64 funnel_conversions(const FunnelRules *rules, FunnelEntry entry,
								const FunnelTouch *touches, size_t count, FunnelCompletions *completions);
/*
 * One of several walks, and the touchpoints that it takes at its last time: they match no more here than the stages
 * up to its own, or those of an unordered funnel.
 */
typedef struct FunnelTry
{
	FunnelWalk	walk;			/* of an unordered funnel its times are the first ones of at */
	int			nlast;
	FunnelTouch last[FUNNEL_MAX_STAGES];
} FunnelTry;

/* One after the other, to whoever wants them. */
typedef void (*FunnelWalkReader) (void *arg, const FunnelTry *one);

extern void funnel_walks(const FunnelRules *rules, FunnelEntry entry, const FunnelTouch *touches, size_t count,
						 FunnelWalkReader reader, void *arg);
extern void funnel_taken(const FunnelRules *rules, const FunnelWalk *walk, const FunnelTouch *touches, size_t count,
						 const bool *barred, size_t *taken);
extern void funnel_taken_next(const FunnelRules *rules, const FunnelTry *one, const FunnelTouch *touches, size_t count,
							  bool *spent, size_t *taken);
extern int	funnel_open_step(const FunnelRules *rules, FunnelEntry entry,
							 const FunnelTouch *touches, size_t count, int64 now);

#endif							/* CJM_FUNNEL_ENGINE_H */
