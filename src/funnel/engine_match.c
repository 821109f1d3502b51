/*
 * funnel/engine_match.c: stages and touchpoints of one time, matched.
 *
 * Augmenting paths over sets that are machine words.  Adding a touchpoint to
 * a basis or a stage to a matching looks at every stage at most once; the
 * closed stages of a basis keep what cannot be added from being looked at
 * again, so a basis of any number of touchpoints costs one test a touchpoint
 * and at most 2 * 64 searches.
 */
#include "funnel/engine_internal.h"

/*
 * The stages that a touchpoint of the given stages could have if others changed
 * theirs; via says from which stage each is reached.  Stops at a free stage.
 */
static inline uint64
basis_reach(const TouchBasis *basis, uint64 stages, uint8 *via)
{
	uint64		reached = stages;
	uint64		searched = basis->closed;	/* no way out leads through those */

	while ((reached & ~basis->taken) == 0)
	{
		uint64		todo = reached & ~searched;
		uint64		fresh;
		int			stage;

		if (todo == 0)
			break;
		stage = pg_rightmost_one_pos64(todo);
		searched |= STAGE_BIT(stage);
		fresh = basis->touch[stage] & ~reached;
		reached |= fresh;
		for (; fresh != 0; fresh &= fresh - 1)
			via[pg_rightmost_one_pos64(fresh)] = (uint8) stage;
	}
	return reached;
}

/* Ends a search at a stage: everybody on the way there moves on by one. */
static inline void
basis_put(TouchBasis *basis, uint64 stages, size_t who, const uint8 *via, int stage)
{
	basis->taken |= STAGE_BIT(stage);
	while ((stages & STAGE_BIT(stage)) == 0)
	{
		basis->touch[stage] = basis->touch[via[stage]];
		basis->who[stage] = basis->who[via[stage]];
		stage = via[stage];
	}
	basis->touch[stage] = stages;
	basis->who[stage] = who;
}

/*
 * Adds a touchpoint that matches the given stages, if it can have a stage to
 * itself, perhaps after others have changed theirs.
 */
bool
basis_add(TouchBasis *basis, uint64 stages, size_t who)
{
	uint8		via[FUNNEL_MAX_STAGES];
	uint64		reached;

	if ((stages & ~basis->closed) == 0)
		return false;
	reached = basis_reach(basis, stages, via);
	if ((reached & ~basis->taken) == 0)
	{
		/* All that can be reached is held by touchpoints that match nothing else. */
		basis->closed |= reached;
		return false;
	}
	basis_put(basis, stages, who, via, pg_rightmost_one_pos64(reached & ~basis->taken));
	return true;
}

/*
 * Adds a touchpoint that is later than all others, if need be in the place of
 * the earliest that can make room.  So the touchpoints in the basis from any
 * time on are a greatest set of those from that time on.  For bases that are
 * built by this function alone; touchpoints may be taken out of them.
 */
bool
basis_add_latest(TouchBasis *basis, uint64 stages, size_t who)
{
	uint8		via[FUNNEL_MAX_STAGES];
	uint64		reached;
	int			place;

	if (stages == 0)
		return false;
	reached = basis_reach(basis, stages, via);
	if ((reached & ~basis->taken) != 0)
		place = pg_rightmost_one_pos64(reached & ~basis->taken);
	else
	{
		place = pg_rightmost_one_pos64(reached);
		for (uint64 rest = reached & (reached - 1); rest != 0; rest &= rest - 1)
			if (basis->who[pg_rightmost_one_pos64(rest)] < basis->who[place])
				place = pg_rightmost_one_pos64(rest);
	}
	basis_put(basis, stages, who, via, place);
	return true;
}

/* The stages of which a touchpoint needs to match one to be added to the basis. */
uint64
basis_open_stages(const TouchBasis *basis, uint64 among)
{
	uint64		open = among & ~basis->taken;
	uint64		before;

	do
	{
		before = open;
		for (uint64 rest = basis->taken & ~open; rest != 0; rest &= rest - 1)
		{
			int			stage = pg_rightmost_one_pos64(rest);

			if ((basis->touch[stage] & open) != 0)
				open |= STAGE_BIT(stage);
		}
	} while (open != before);
	return open;
}

/* Builds the graph of the touchpoints of a basis and the first nstages stages. */
void
basis_graph(GroupGraph *graph, int nstages, const TouchBasis *basis)
{
	int			number = 0;

	graph->nstages = nstages;
	graph->stages = 0;
	memset(graph->touches, 0, sizeof(uint64) * nstages);
	for (uint64 taken = basis->taken; taken != 0; taken &= taken - 1)
	{
		uint64		stages = basis->touch[pg_rightmost_one_pos64(taken)];

		graph->stages |= stages;
		for (; stages != 0; stages &= stages - 1)
			graph->touches[pg_rightmost_one_pos64(stages)] |= STAGE_BIT(number);
		number++;
	}
}

/* Builds the graph of a group's touchpoints and the first nstages stages. */
void
group_graph(GroupGraph *graph, int nstages, const FunnelTouch *touches, size_t count)
{
	uint64		wanted = stages_below(nstages);
	TouchBasis	basis;

	basis.taken = basis.closed = 0;
	for (size_t i = 0; i < count && basis.taken != wanted; i++)
	{
		CHECK_FOR_INTERRUPTS();
		basis_add(&basis, touches[i].stages & wanted, i);
	}
	basis_graph(graph, nstages, &basis);
}

/*
 * Gives stage, which has none yet, a touchpoint, if need be by changing those
 * of other stages.  Stages that have one keep having one.  Start with used = 0.
 */
bool
matching_add(GroupMatching *matching, const GroupGraph *graph, int stage)
{
	uint8		via[FUNNEL_MAX_STAGES];
	uint64		reached = 0;
	uint64		searched = 0;
	int			from = stage;
	int			touch;

	for (;;)
	{
		uint64		fresh = graph->touches[from] & ~reached;
		uint64		todo;

		reached |= fresh;
		for (uint64 rest = fresh; rest != 0; rest &= rest - 1)
			via[pg_rightmost_one_pos64(rest)] = (uint8) from;
		if ((fresh & ~matching->used) != 0)
		{
			touch = pg_rightmost_one_pos64(fresh & ~matching->used);
			break;
		}
		todo = reached & ~searched;
		if (todo == 0)
			return false;
		touch = pg_rightmost_one_pos64(todo);
		searched |= STAGE_BIT(touch);
		from = matching->stage_of[touch];
	}

	matching->used |= STAGE_BIT(touch);
	for (;;)
	{
		int			previous;

		from = via[touch];
		previous = matching->touch_of[from];
		matching->touch_of[from] = (uint8) touch;
		matching->stage_of[touch] = (uint8) from;
		if (from == stage)
			return true;
		touch = previous;
	}
}

/* Takes the touchpoint from a stage that has one. */
void
matching_drop(GroupMatching *matching, int stage)
{
	matching->used &= ~STAGE_BIT(matching->touch_of[stage]);
}

/*
 * For every stage the last one such that all from the one to the other can
 * have distinct touchpoints; the stage before it if not even itself can.
 * A sweep: the last never falls, and dropping the first keeps the rest.
 */
void
group_reach(const GroupGraph *graph, int *reach)
{
	GroupMatching matching;
	int			last = -1;

	matching.used = 0;
	matching.touch_of[0] = 0;
	for (int first = 0; first < graph->nstages; first++)
	{
		if (last < first - 1)
			last = first - 1;
		while (last + 1 < graph->nstages && matching_add(&matching, graph, last + 1))
			last++;
		reach[first] = last;
		if (last >= first)
			matching_drop(&matching, first);
	}
}
