/*
 * funnel/engine_ruled.c: ordered funnels with strict, excluding, optional, [D].
 *
 * Forward: the deepest stage, its earliest end and the latest start.
 *
 * For every stage the engine keeps the last time at which a walk took it and
 * the latest start of such walks.  That is enough even with [D], where walks
 * that took the stage earlier, but began later, might seem to be worth
 * keeping: there are none.  Let one walk take stage j at t1, another at
 * t2 > t1.  If the second began before the first, it overtakes it: there is
 * a stage i where the first had got to it no sooner than the second, while
 * the second took its next stage later than the first took i.  The first up to
 * i, then the second, is a walk: the gap at the crossing is no longer than the
 * second's own, no touchpoint is used twice because the times differ, and a
 * touchpoint that strict or excluding forbids would forbid one of the two.  It
 * takes j at t2 and began when the first did.  So starts never fall with time,
 * and the last time wins on both counts.
 *
 * strict: only what took a stage in the group just before goes on.  excluding:
 * a walk that goes past a group has taken all of the group's excluded
 * touchpoints (or began there); nothing else goes on after such a group.
 * A group that ends a walk asks for nothing.
 *
 * Backward, from that end to that start: by group and stage the most optional
 * stages of a walk that leaves the group and takes the stage next.  Now counts
 * matter, and of two walks from later groups either may be worth more; but
 * counts are at most 63, and of each only the nearest time.  Then forward
 * again, stage by stage, the earliest time that still leaves the most.
 *
 * Cost of a touchpoint alone at its time: forward a step for each stage that
 * it matches and each optional stage just before that; backward, over the span
 * of the winning walk only, a step a stage.  A group of several: a test a
 * touchpoint, and for each stage that it may be entered with a search for each
 * stage that can then be reached; mostly the first to be tried serves all.
 * Memory: a byte for each stage and group in the span of the winning walk.
 */
#include "funnel/engine_internal.h"

#define NO_WAY 0xff				/* no walk; counts of optional stages are less */
#define SMALL_SPAN 2048			/* bytes of counts that the stack holds */

/* With which stage a walk may end its stay in a group. */
typedef struct GroupLasts
{
	uint64		lasts;
	uint64		passes;			/* also taking all excluded touchpoints */
	uint8		optional[FUNNEL_MAX_STAGES];	/* most optional stages on the way, by last */
} GroupLasts;

/* Reads the group that begins at touches[first]; stages from nstages on do not count. */
void
ruled_group(const FunnelRules *rules, int nstages,
			const FunnelTouch *touches, size_t count, size_t first, RuledGroup *group)
{
	int			known = 0;

	group->at = touches[first].at;
	group->end = group_end(touches, count, first);
	group->single = group->end == first + 1;
	group->nexcluded = 0;
	if (group->single)
	{
		group->stages = touches[first].stages & stages_below(nstages);
		group->nexcluded = rules->excluding && touches[first].excluded;
		return;
	}

	group_graph(&group->graph, nstages, touches + first, group->end - first);
	group->stages = group->graph.stages;
	if (!rules->excluding)
		return;
	group->excluded.nstages = nstages;
	memset(group->excluded.touches, 0, sizeof(uint64) * nstages);
	for (size_t i = first; i < group->end && group->nexcluded <= nstages; i++)
	{
		uint64		stages = touches[i].stages & stages_below(nstages);

		CHECK_FOR_INTERRUPTS();
		if (!touches[i].excluded)
			continue;
		if (++group->nexcluded > nstages || stages == 0)
		{
			group->nexcluded = nstages + 1;
			return;
		}
		for (; stages != 0; stages &= stages - 1)
			group->excluded.touches[pg_rightmost_one_pos64(stages)] |= STAGE_BIT(known);
		known++;
	}
}

/*
 * A walk takes all stages of the set base in a group, and may go on from the
 * last of them, taking every mandatory stage that it passes.  Where can it end?
 */
static void
group_lasts(const FunnelRules *rules, int nstages, const RuledGroup *group, uint64 base, GroupLasts *out)
{
	int			last = pg_leftmost_one_pos64(base);
	bool		counting = (rules->optional & stages_below(nstages)) != 0;
	int			count = 0;
	int			ncovered = 0;
	GroupMatching forced;
	GroupMatching most;
	GroupMatching cover;

	out->lasts = 0;
	out->passes = 0;
	if ((base & ~group->stages) != 0)
		return;
	if (group->single)
	{
		if (base == STAGE_BIT(last))
		{
			out->lasts = out->passes = base;
			out->optional[last] = (rules->optional & base) != 0;
		}
		return;
	}

	forced.used = 0;
	cover.used = 0;
	for (uint64 rest = base; rest != 0; rest &= rest - 1)
	{
		int			stage = pg_rightmost_one_pos64(rest);

		if (!matching_add(&forced, &group->graph, stage))
			return;
		if (group->nexcluded > 0 && group->nexcluded <= nstages)
			ncovered += matching_add(&cover, &group->excluded, stage);
		count += (rules->optional & STAGE_BIT(stage)) != 0;
	}
	if (counting)
		most = forced;

	for (;;)
	{
		bool		ends = (group->stages & STAGE_BIT(last)) != 0;
		bool		optional = (rules->optional & STAGE_BIT(last)) != 0;

		if ((base & STAGE_BIT(last)) == 0)
		{
			if (optional && ends)
			{
				GroupMatching attempt = forced;

				ends = matching_add(&attempt, &group->graph, last);
			}
			else if (!optional)
			{
				if (!ends || !matching_add(&forced, &group->graph, last))
					return;
			}
			/* The optional stages are what a greatest matching has beyond the mandatory ones. */
			if (counting && (group->stages & STAGE_BIT(last)) != 0)
				count += matching_add(&most, &group->graph, last);
			if (!optional)
				count--;
			if (group->nexcluded > 0 && group->nexcluded <= nstages)
				ncovered += matching_add(&cover, &group->excluded, last);
		}
		if (ends)
		{
			out->lasts |= STAGE_BIT(last);
			if (ncovered == group->nexcluded)
				out->passes |= STAGE_BIT(last);
			out->optional[last] = (uint8) Max(count, 0);
		}
		if (++last == nstages)
			return;
	}
}

/* The latest start of the walks that can take a stage, not the first, at a time. */
static bool
best_start(const FunnelRules *rules, const RuledState *state, int stage, int64 at, int64 *start)
{
	bool		found = false;

	for (int from = stage - 1;; from--)
	{
		if ((state->alive & STAGE_BIT(from)) != 0 &&
			time_within(state->last[from], at, rules->gap[stage]) &&
			time_within(state->start[from], at, rules->within) &&
			(!found || state->start[from] > *start))
		{
			*start = state->start[from];
			found = true;
		}
		if ((rules->optional & STAGE_BIT(from)) == 0)
			return found;
	}
}

/*
 * Lets walks begin and go on in a group.  Returns the stages that some walk
 * ends with in it, ended[] the latest starts of those.
 */
uint64
ruled_advance(const FunnelRules *rules, FunnelEntry entry, const RuledGroup *group,
			  RuledState *state, int64 *ended)
{
	uint64		ends = 0;
	uint64		passes = 0;
	uint64		coming = 0;
	int64		start[FUNNEL_MAX_STAGES];
	int64		passed[FUNNEL_MAX_STAGES];

	for (uint64 rest = group->stages; rest != 0; rest &= rest - 1)
	{
		int			stage = pg_rightmost_one_pos64(rest);

		start[stage] = group->at;
		if (stage == 0 ? entry_holds(entry, group->at) :
			best_start(rules, state, stage, group->at, &start[stage]))
			coming |= STAGE_BIT(stage);
	}

	if (group->single)
	{
		ends = passes = coming;
		for (; coming != 0; coming &= coming - 1)
		{
			int			stage = pg_rightmost_one_pos64(coming);

			ended[stage] = passed[stage] = start[stage];
		}
	}
	for (; coming != 0; coming &= coming - 1)
	{
		int			first = pg_rightmost_one_pos64(coming);
		bool		can_pass = first == 0 || group->nexcluded <= rules->nstages;
		uint64		better = 0;
		GroupLasts	way;

		CHECK_FOR_INTERRUPTS();
		/* Often an earlier stage to come from has served all. */
		for (uint64 rest = group->stages & ~stages_below(first); rest != 0; rest &= rest - 1)
		{
			int			stage = pg_rightmost_one_pos64(rest);

			if ((ends & STAGE_BIT(stage)) == 0 || ended[stage] < start[first] ||
				(can_pass && ((passes & STAGE_BIT(stage)) == 0 || passed[stage] < start[first])))
				better |= STAGE_BIT(stage);
		}
		if (better == 0)
			continue;

		group_lasts(rules, rules->nstages, group, STAGE_BIT(first), &way);
		if (first == 0)
			way.passes = way.lasts;
		for (uint64 rest = way.lasts & better; rest != 0; rest &= rest - 1)
		{
			int			stage = pg_rightmost_one_pos64(rest);

			if ((ends & STAGE_BIT(stage)) == 0 || ended[stage] < start[first])
				ended[stage] = start[first];
			ends |= STAGE_BIT(stage);
			if ((way.passes & STAGE_BIT(stage)) == 0)
				continue;
			if ((passes & STAGE_BIT(stage)) == 0 || passed[stage] < start[first])
				passed[stage] = start[first];
			passes |= STAGE_BIT(stage);
		}
	}

	if (rules->strict || group->nexcluded > 0)
		state->alive = 0;
	state->alive |= passes;
	for (; passes != 0; passes &= passes - 1)
	{
		int			stage = pg_rightmost_one_pos64(passes);

		state->start[stage] = passed[stage];
		state->last[stage] = group->at;
	}
	return ends;
}

/*
 * From what each stage is worth as the next one, a row of counts, what it is
 * worth to have taken each stage last.
 */
static const uint8 *
worth_after(const FunnelRules *rules, int nstages, const uint8 *row, uint8 *after)
{
	after[nstages - 1] = NO_WAY;
	for (int last = nstages - 2; last >= 0; last--)
	{
		after[last] = row[last + 1];
		if ((rules->optional & STAGE_BIT(last + 1)) != 0 && after[last + 1] != NO_WAY &&
			(after[last] == NO_WAY || after[last] < after[last + 1]))
			after[last] = after[last + 1];
	}
	return after;
}

/*
 * The most optional stages from a group on, for a walk of nstages stages that
 * takes base in the group: after says what it is worth to leave the group from
 * each stage; no after: the walk ends here.  NO_WAY if there is none.
 */
static uint8
most_optional(const FunnelRules *rules, int nstages, const RuledGroup *group, uint64 base, const uint8 *after)
{
	uint8		best = NO_WAY;
	GroupLasts	way;

	group_lasts(rules, nstages, group, base, &way);
	if (after == NULL)
		return (way.lasts & STAGE_BIT(nstages - 1)) != 0 ? way.optional[nstages - 1] : NO_WAY;

	/* A walk's first group may be left as it is. */
	for (uint64 rest = (base & 1) != 0 ? way.lasts : way.passes; rest != 0; rest &= rest - 1)
	{
		int			last = pg_rightmost_one_pos64(rest);

		if (after[last] != NO_WAY && (best == NO_WAY || way.optional[last] + after[last] > best))
			best = way.optional[last] + after[last];
	}
	return best;
}

/* Do the stages of a set, taken in a group, take all of its excluded touchpoints? */
static bool
covers(const RuledGroup *group, uint64 taken)
{
	int			ncovered = 0;
	GroupMatching cover;

	if (group->single || group->nexcluded == 0)
		return true;
	if (group->nexcluded > group->excluded.nstages)
		return false;
	cover.used = 0;
	for (; taken != 0; taken &= taken - 1)
		ncovered += matching_add(&cover, &group->excluded, pg_rightmost_one_pos64(taken));
	return ncovered == group->nexcluded;
}

/*
 * Fills in a row for each group from the last to the first: what every stage
 * is worth as the next one after the group.  touches are those of the span.
 */
static void
look_ahead(const FunnelRules *rules, int nstages, const FunnelTouch *touches, size_t count,
		   uint8 *rows, size_t ngroups)
{
	uint64		known[FUNNEL_MAX_STAGES] = {0}; /* bit n: n optional stages, when the stage comes next */
	int64		nearest[FUNNEL_MAX_STAGES][FUNNEL_MAX_STAGES];
	size_t		end = count;

	for (size_t number = ngroups; number-- > 0;)
	{
		uint8	   *row = rows + number * nstages;
		size_t		first = end - 1;
		uint8		worth[FUNNEL_MAX_STAGES];
		uint8		after[FUNNEL_MAX_STAGES];
		uint64		stages;
		RuledGroup	group;

		CHECK_FOR_INTERRUPTS();
		while (first > 0 && touches[first - 1].at == touches[end - 1].at)
			first--;
		for (int stage = 0; stage < nstages; stage++)
		{
			row[stage] = NO_WAY;
			for (uint64 counts = known[stage]; counts != 0;)
			{
				int			most = pg_leftmost_one_pos64(counts);

				if (time_within(touches[first].at, nearest[stage][most], rules->gap[stage]))
				{
					row[stage] = (uint8) most;
					break;
				}
				counts &= ~STAGE_BIT(most);
			}
		}
		if (number == 0)
			break;

		/* Only the span's first group has a first stage of interest. */
		ruled_group(rules, nstages, touches, end, first, &group);
		stages = group.stages & ~UINT64CONST(1);
		worth_after(rules, nstages, row, after);
		for (uint64 rest = stages; rest != 0; rest &= rest - 1)
		{
			int			stage = pg_rightmost_one_pos64(rest);

			worth[stage] = most_optional(rules, nstages, &group, STAGE_BIT(stage),
										 number == ngroups - 1 ? NULL : after);
		}
		if (rules->strict || group.nexcluded > 0)
			memset(known, 0, sizeof(uint64) * nstages);
		for (uint64 rest = stages; rest != 0; rest &= rest - 1)
		{
			int			stage = pg_rightmost_one_pos64(rest);

			if (worth[stage] == NO_WAY)
				continue;
			known[stage] |= STAGE_BIT(worth[stage]);
			nearest[stage][worth[stage]] = group.at;
		}
		end = first;
	}
}

/*
 * The winning walk among those from the time of the first of touches to that
 * of the last, of which there are some.  walk->step is set.
 */
static void
find_times(const FunnelRules *rules, const FunnelTouch *touches, size_t count, FunnelWalk *walk)
{
	int			nstages = walk->step;
	size_t		ngroups = 0;
	size_t		number = 0;
	uint64		taken = 1;		/* in the group at hand */
	uint8		small[SMALL_SPAN];
	uint8	   *rows = small;
	uint8		room[FUNNEL_MAX_STAGES];
	const uint8 *after;
	uint8		most;			/* optional stages from the group at hand on */
	RuledGroup	group;

	walk->passed = 1;
	walk->at[0] = touches[0].at;
	if (nstages == 1)
		return;
	for (size_t i = 0; i < count; i = group_end(touches, count, i))
	{
		CHECK_FOR_INTERRUPTS();
		ngroups++;
	}
	if (ngroups > (size_t) (SMALL_SPAN / nstages))
		rows = palloc_extended(ngroups * nstages, MCXT_ALLOC_HUGE);
	look_ahead(rules, nstages, touches, count, rows, ngroups);

	ruled_group(rules, nstages, touches, count, 0, &group);
	after = ngroups == 1 ? NULL : worth_after(rules, nstages, rows, room);
	most = most_optional(rules, nstages, &group, taken, after);
	Assert(most != NO_WAY);
	for (int stage = 1; stage < nstages; stage++)
	{
		uint8		next = rows[number * nstages + stage];

		if (most_optional(rules, nstages, &group, taken | STAGE_BIT(stage), after) == most)
			taken |= STAGE_BIT(stage);
		else if (next != NO_WAY && pg_popcount64(taken & rules->optional) + next == most &&
				 (number == 0 || covers(&group, taken)))
		{
			most = next;
			taken = STAGE_BIT(stage);
			do
			{
				CHECK_FOR_INTERRUPTS();
				number++;
				ruled_group(rules, nstages, touches, count, group.end, &group);
				after = number == ngroups - 1 ? NULL :
					worth_after(rules, nstages, rows + number * nstages, room);
			} while (most_optional(rules, nstages, &group, taken, after) != most);
		}
		else
			continue;
		walk->passed |= STAGE_BIT(stage);
		walk->at[stage] = group.at;
	}
	if (rows != small)
		pfree(rows);
}

/* Ordered funnels with any rules; see the top of the file. */
void
ruled_walk(const FunnelRules *rules, FunnelEntry entry,
		   const FunnelTouch *touches, size_t count, FunnelWalk *walk)
{
	int64		begin = 0;
	size_t		end = 0;		/* of the winning walk's span */
	size_t		first;
	RuledState	state;
	RuledGroup	group;

	walk->step = 0;
	walk->passed = 0;
	state.alive = 0;
	for (size_t i = 0; i < count && walk->step < rules->nstages; i = group.end)
	{
		int64		ended[FUNNEL_MAX_STAGES];
		uint64		ends;

		CHECK_FOR_INTERRUPTS();
		ruled_group(rules, rules->nstages, touches, count, i, &group);
		ends = ruled_advance(rules, entry, &group, &state, ended) & ~stages_below(walk->step);
		if (ends != 0)
		{
			walk->step = pg_leftmost_one_pos64(ends) + 1;
			begin = ended[walk->step - 1];
			end = group.end;
		}
	}
	if (walk->step == 0)
		return;
	first = find_time(touches, end, begin);
	find_times(rules, touches + first, end - first, walk);
}

/* Could a walk under way take a touchpoint yet to come, at now, which is later than all so far? */
bool
ruled_goes_on(const FunnelRules *rules, const RuledState *state, int64 now)
{
	int64		start;

	for (int stage = 1; stage < rules->nstages; stage++)
		if (best_start(rules, state, stage, now, &start))
			return true;
	return false;
}
