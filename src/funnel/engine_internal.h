/*
 * funnel/engine_internal.h: what the files of the funnel engine share.
 *
 * Inside the engine stages count from 0; a set of stages is a uint64.
 *
 * A group is all touchpoints of one time.  Within a group stages are given
 * distinct touchpoints in any order, so every question about a group is one
 * about bipartite matchings.  Two facts keep them small (both are the theorem
 * of Mendelsohn and Dulmage):
 *   - the touchpoints of any one maximum matching, at most as many as there
 *     are stages, allow the same sets of stages as the whole group;
 *   - if one matching covers a set of stages and another covers a set of
 *     touchpoints, then one matching covers both.
 */
#ifndef CJM_FUNNEL_ENGINE_INTERNAL_H
#define CJM_FUNNEL_ENGINE_INTERNAL_H

#include "funnel/engine.h"
#include "port/pg_bitutils.h"

#define STAGE_BIT(stage) (UINT64CONST(1) << (stage))

/* The stages 0 .. count - 1; count is 0 to 64. */
static inline uint64
stages_below(int count)
{
	return count >= 64 ? ~UINT64CONST(0) : STAGE_BIT(count) - 1;
}

/* The stages first .. last, both included. */
static inline uint64
stages_between(int first, int last)
{
	return stages_below(last + 1) & ~stages_below(first);
}

/*
 * Is later at most limit after earlier?  Times may lie further apart than an
 * int64 can say; limit is microseconds or FUNNEL_NO_LIMIT.
 */
static inline bool
time_within(int64 earlier, int64 later, int64 limit)
{
	return (uint64) later - (uint64) earlier <= (uint64) limit;
}

/* Are there no rules but order and within? */
static inline bool
is_plain(const FunnelRules *rules)
{
	return !rules->apart && !rules->strict && !rules->unordered && !rules->excluding &&
		(rules->optional | rules->gapped) == 0;
}

/* The last stage that a funnel must have reached to be completed. */
static inline int
last_mandatory(const FunnelRules *rules)
{
	return pg_leftmost_one_pos64(stages_below(rules->nstages) & ~rules->optional);
}

static inline bool
entry_holds(FunnelEntry entry, int64 at)
{
	return at >= entry.from && at <= entry.to;
}

/* The index after the last touchpoint that has the time of touches[first]. */
static inline size_t
group_end(const FunnelTouch *touches, size_t count, size_t first)
{
	size_t		end = first + 1;

	while (end < count && touches[end].at == touches[first].at)
		end++;
	return end;
}

/*
 * A set of touchpoints that can be given to distinct stages, and the stages
 * that they have for the time being.  Start with taken and closed zero.
 */
typedef struct TouchBasis
{
	uint64		taken;			/* stages that have a touchpoint */
	uint64		closed;			/* taken ones that no exchange can free */
	uint64		touch[FUNNEL_MAX_STAGES];	/* by taken stage: all stages of its touchpoint */
	size_t		who[FUNNEL_MAX_STAGES]; /* by taken stage: index of its touchpoint */
} TouchBasis;

/*
 * The touchpoints of a group that matter, at most 64, numbered.
 */
typedef struct GroupGraph
{
	int			nstages;
	uint64		stages;			/* all that some touchpoint matches */
	uint64		touches[FUNNEL_MAX_STAGES]; /* bit n of [s]: touchpoint n matches stage s */
} GroupGraph;

/* Stages with a touchpoint of a graph each. */
typedef struct GroupMatching
{
	uint64		used;			/* touchpoints */
	uint8		touch_of[FUNNEL_MAX_STAGES];	/* by stage */
	uint8		stage_of[FUNNEL_MAX_STAGES];	/* by touchpoint, where used */
} GroupMatching;

/* All touchpoints of a time. */
typedef struct RuledGroup
{
	int64		at;
	size_t		end;			/* index after its last touchpoint */
	uint64		stages;			/* all that some touchpoint matches */
	int			nexcluded;		/* more than nstages: too many to take */
	bool		single;			/* the graphs are not set */
	GroupGraph	graph;
	GroupGraph	excluded;
} RuledGroup;

/* Walks under way, by the stage taken last. */
typedef struct RuledState
{
	uint64		alive;
	int64		start[FUNNEL_MAX_STAGES];
	int64		last[FUNNEL_MAX_STAGES];
} RuledState;

/* What a touchpoint matches in a walk whose bound stages have a value. */
static inline uint64
stages_with_value(const FunnelRules *rules, const FunnelTouch *touch, uint32 value)
{
	return rules->bound == 0 || touch->value == value ? touch->stages : touch->stages & ~rules->bound;
}

/* What a touchpoint matches in a walk: one of another session nothing. */
static inline uint64
stages_in_walk(const FunnelRules *rules, const FunnelTouch *touch, const FunnelWalk *walk)
{
	if (rules->session != 0 && touch->session != walk->session)
		return 0;
	return rules->bound != 0 ? stages_with_value(rules, touch, walk->value) : touch->stages;
}

/* The index of the first touchpoint at a time, which some touchpoint has. */
static inline size_t
find_time(const FunnelTouch *touches, size_t count, int64 at)
{
	size_t		low = 0;
	size_t		high = count;

	while (low < high)
	{
		size_t		middle = low + (high - low) / 2;

		if (touches[middle].at < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * The winning walk of an unordered funnel without its times: touches[first] is
 * the first touchpoint at its first time, touches[last] that at its last time,
 * end the index after those.
 */
typedef struct UnorderedSpan
{
	int			step;			/* 0: no walk, the rest is not set */
	size_t		first;
	size_t		last;
	size_t		end;
} UnorderedSpan;

/*
 * The touchpoints of a customer, one session after the other: in the order of time,
 * or where some name their sessions in that of their numbers, those of none first.
 */
typedef struct TouchSessions
{
	const FunnelRules *rules;
	const FunnelTouch *touches;
	size_t		count;
	bool		named;			/* some name their sessions, which may overlap */
	FunnelTouch *own;			/* a copy in another order, or NULL */
	size_t		first;			/* the session at hand is from here */
	size_t		end;			/* to before here */
} TouchSessions;

/* funnel/engine_sessions.c */
extern void sessions_start(TouchSessions *sessions, const FunnelRules *rules, const FunnelTouch *touches, size_t count);
extern bool sessions_next(TouchSessions *sessions);
extern void sessions_free(TouchSessions *sessions);
extern FunnelRules without_sessions(const FunnelRules *rules);

/* funnel/engine.c */
extern void single_search_end(const FunnelSearch *search, const FunnelRules *rules, FunnelEntry entry,
							  const FunnelTouch *touches, size_t count, FunnelWalk *walk);
extern void single_walk(const FunnelRules *rules, FunnelEntry entry,
						const FunnelTouch *touches, size_t count, FunnelWalk *walk);

/* funnel/engine_match.c */
extern bool basis_add(TouchBasis *basis, uint64 stages, size_t who);
extern bool basis_add_latest(TouchBasis *basis, uint64 stages, size_t who);
extern uint64 basis_open_stages(const TouchBasis *basis, uint64 among);
extern void basis_graph(GroupGraph *graph, int nstages, const TouchBasis *basis);
extern void group_graph(GroupGraph *graph, int nstages, const FunnelTouch *touches, size_t count);
extern bool matching_add(GroupMatching *matching, const GroupGraph *graph, int stage);
extern void matching_drop(GroupMatching *matching, int stage);
extern void group_reach(const GroupGraph *graph, int *reach);

/* funnel/engine_ruled.c */
extern void ruled_group(const FunnelRules *rules, int nstages,
						const FunnelTouch *touches, size_t count, size_t first, RuledGroup *group);
extern uint64 ruled_advance(const FunnelRules *rules, FunnelEntry entry, const RuledGroup *group,
							RuledState *state, int64 *ended);
extern void ruled_walk(const FunnelRules *rules, FunnelEntry entry,
					   const FunnelTouch *touches, size_t count, FunnelWalk *walk);
extern bool ruled_goes_on(const FunnelRules *rules, const RuledState *state, int64 now);

/* funnel/engine_conversions.c */
extern void sort_group(FunnelTouch *touches, size_t count);

/* funnel/engine_apart.c */
extern bool apart_goes_on(const FunnelRules *rules, FunnelEntry entry,
						  const FunnelTouch *touches, size_t count, int64 now);

/* funnel/engine_unordered.c */
extern void unordered_find(const FunnelRules *rules, FunnelEntry entry, int deepest,
						   const FunnelTouch *touches, size_t count, UnorderedSpan *span);
extern void unordered_times(const FunnelRules *rules, const FunnelTouch *touches,
							const UnorderedSpan *span, int64 *at, bool *used);
extern bool unordered_goes_on(const FunnelRules *rules, FunnelEntry entry,
							  const FunnelTouch *touches, size_t count, int64 now);

#endif							/* CJM_FUNNEL_ENGINE_INTERNAL_H */
