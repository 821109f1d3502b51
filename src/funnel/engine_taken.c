/*
 * funnel/engine_taken.c: which touchpoints a walk takes.
 *
 * Of a walk the engine knows its times.  Where several touchpoints of one time match
 * a stage, the choice is this: stage by stage, from the first on, the first touchpoint
 * of the array that leaves a walk of these times possible, which is one whose stages
 * have distinct touchpoints, of the walk's session, of its value where they are bound, among them
 * all that are excluded strictly between the walk's ends.  Of an unordered funnel it
 * is each touchpoint that adds one to the stages which can be matched, in the order
 * of the array, after those that are excluded.
 *
 * Of the stages of a time each takes one of the first touchpoints that match it, of as
 * many as there are stages: if it took a later one, one of those would be free.  So
 * no more of them are looked at, and of what is left a maximum matching tells whether it
 * is possible.  Cost: a look at each touchpoint of the times of the walk, and where a
 * time has several stages as many matchings as they have touchpoints to choose from.
 */
#include "funnel/engine_internal.h"

/* A touchpoint of a time that may be taken. */
typedef struct Choice
{
	size_t		who;			/* its index */
	uint64		stages;			/* of the walk's at this time, those that it matches; 0: it is taken */
	bool		must;			/* it must be taken */
} Choice;

/* Can these stages have distinct touchpoints of the choices, with all those that must be taken among them? */
static bool
is_possible(const Choice *choices, size_t count, uint64 stages)
{
	TouchBasis	basis;

	basis.taken = basis.closed = 0;
	for (int must = 1; must >= 0; must--)
		for (size_t i = 0; i < count && basis.taken != stages; i++)
		{
			CHECK_FOR_INTERRUPTS();
			if (choices[i].stages != 0 && choices[i].must == must &&
				!basis_add(&basis, choices[i].stages & stages, i) && must)
				return false;
		}
	return basis.taken == stages;
}

/* Those of the choices that must be taken are at most as many as stages are left. */
static bool
has_room(const Choice *choices, size_t count, uint64 stages)
{
	int			left = pg_popcount64(stages);

	for (size_t i = 0; i < count; i++)
		left -= choices[i].stages != 0 && choices[i].must;
	return left >= 0;
}

/* Takes a touchpoint of one time for each of these stages; inside: the time lies strictly between the walk's ends. */
static void
take_group(const FunnelRules *rules, const FunnelWalk *walk, uint64 stages, bool inside,
		   const FunnelTouch *touches, size_t first, size_t end, const bool *barred, size_t *taken)
{
	size_t		size = 0;
	size_t		capacity = Min(end - first, (size_t) FUNNEL_MAX_STAGES * (FUNNEL_MAX_STAGES + 1));
	int			wanted = pg_popcount64(stages);
	int			matching[FUNNEL_MAX_STAGES] = {0};	/* choices by stage */
	Choice	   *choices;

	inside = inside && rules->excluding;
	if (wanted == 1 && !inside)
	{
		for (size_t i = first; i < end; i++)
		{
			CHECK_FOR_INTERRUPTS();
			if ((barred == NULL || !barred[i]) && (stages_in_walk(rules, &touches[i], walk) & stages) != 0)
			{
				taken[pg_rightmost_one_pos64(stages)] = i;
				return;
			}
		}
		return;
	}

	choices = palloc_extended(capacity * sizeof(Choice), MCXT_ALLOC_HUGE);
	for (size_t i = first; i < end && size < capacity; i++)
	{
		uint64		matched = stages_in_walk(rules, &touches[i], walk) & stages;
		bool		must = inside && touches[i].excluded;
		bool		matters = must;

		CHECK_FOR_INTERRUPTS();
		if (matched == 0 || (barred != NULL && barred[i]))
			continue;
		for (uint64 rest = matched; rest != 0; rest &= rest - 1)
			matters |= matching[pg_rightmost_one_pos64(rest)]++ < wanted;
		if (matters)
			choices[size++] = (Choice) {i, matched, must};
	}
	for (uint64 left = stages; left != 0;)
	{
		int			stage = pg_rightmost_one_pos64(left);

		left &= left - 1;
		for (size_t i = 0; i < size; i++)
		{
			uint64		matched = choices[i].stages;

			if ((matched & STAGE_BIT(stage)) == 0)
				continue;
			choices[i].stages = 0;
			if (has_room(choices, size, left) && is_possible(choices, size, left))
			{
				taken[stage] = choices[i].who;
				break;
			}
			choices[i].stages = matched;
		}
	}
	pfree(choices);
}

/* The touchpoints of an unordered walk, one for each step, in time order. */
static void
take_unordered(const FunnelRules *rules, const FunnelWalk *walk, const FunnelTouch *touches, size_t count,
			   const bool *barred, size_t *taken)
{
	int64		first_at = walk->at[0];
	int64		last_at = walk->at[walk->step - 1];
	size_t		first = find_time(touches, count, first_at);
	int			step = 0;
	TouchBasis	basis;

	basis.taken = basis.closed = 0;
	for (int must = rules->excluding; must >= 0; must--)
		for (size_t i = first; i < count && touches[i].at <= last_at && step < walk->step; i++)
		{
			bool		inside = rules->excluding && touches[i].excluded && touches[i].at > first_at && touches[i].at < last_at;
			int			place;

			CHECK_FOR_INTERRUPTS();
			if (inside != must || (barred != NULL && barred[i]) ||
				!basis_add(&basis, stages_in_walk(rules, &touches[i], walk) & stages_below(rules->nstages), i))
				continue;
			for (place = step++; place > 0 && taken[place - 1] > i; place--)
				taken[place] = taken[place - 1];
			taken[place] = i;
		}
}

/*
 * Sets taken[i] to the index of the touchpoint that a walk takes for stage i + 1, or at
 * step i + 1 of an unordered funnel; FUNNEL_NONE where it takes none.  barred, which may
 * be NULL: touchpoints that it does not take.
 */
void
funnel_taken(const FunnelRules *rules, const FunnelWalk *walk, const FunnelTouch *touches, size_t count,
			 const bool *barred, size_t *taken)
{
	int64		first_at;
	int64		last_at;

	for (int stage = 0; stage < rules->nstages; stage++)
		taken[stage] = FUNNEL_NONE;
	if (walk->step == 0)
		return;
	if (rules->unordered)
	{
		take_unordered(rules, walk, touches, count, barred, taken);
		return;
	}
	first_at = walk->at[pg_rightmost_one_pos64(walk->passed)];
	last_at = walk->at[walk->step - 1];
	for (uint64 left = walk->passed; left != 0;)
	{
		int64		at = walk->at[pg_rightmost_one_pos64(left)];
		uint64		stages = 0;
		size_t		first = find_time(touches, count, at);

		for (uint64 rest = left; rest != 0 && walk->at[pg_rightmost_one_pos64(rest)] == at; rest &= rest - 1)
			stages |= rest & -rest;
		left &= ~stages;
		take_group(rules, walk, stages, at > first_at && at < last_at,
				   touches, first, group_end(touches, count, first), barred, taken);
	}
}

/*
 * The same of the walks that funnel_walks gives one after the other; spent, zeroed at
 * first, has the touchpoints that they have taken.
 * Of touchpoints that are alike for it a walk takes the first ones.
 */
void
funnel_taken_next(const FunnelRules *rules, const FunnelTry *one, const FunnelTouch *touches, size_t count,
				  bool *spent, size_t *taken)
{
	const FunnelWalk *walk = &one->walk;
	uint64		stages = stages_below(rules->unordered ? rules->nstages : walk->step);
	size_t		first = find_time(touches, count, walk->at[walk->step - 1]);
	size_t		end = group_end(touches, count, first);
	bool		had[FUNNEL_MAX_STAGES] = {false};
	size_t		nothers = 0;
	size_t	   *others = palloc_extended((end - first) * sizeof(size_t), MCXT_ALLOC_HUGE);

	for (size_t i = first; i < end; i++)
	{
		int			n = 0;

		CHECK_FOR_INTERRUPTS();
		if (spent[i])
			continue;
		while (n < one->nlast && (had[n] || (touches[i].stages & stages) != one->last[n].stages ||
								  (rules->bound != 0 && touches[i].value != one->last[n].value) ||
								  (rules->session != 0 && touches[i].session != walk->session)))
			n++;
		if (n < one->nlast)
			had[n] = true;
		else
		{
			spent[i] = true;
			others[nothers++] = i;
		}
	}
	funnel_taken(rules, walk, touches, count, spent, taken);
	while (nothers > 0)
		spent[others[--nothers]] = false;
	for (int stage = 0; stage < rules->nstages; stage++)
		if (taken[stage] != FUNNEL_NONE)
			spent[taken[stage]] = true;
	pfree(others);
}
