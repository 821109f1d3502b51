/*
 * funnel/engine_apart.c: funnels whose walks are those of several funnels apart.
 *
 * within session: a walk lies in one session, so each session is asked by itself
 * (funnel/engine_sessions.c), and of others sees nothing.  A variable: walks of
 * one value see, at the stages that are bound, only the touchpoints of that value,
 * so each value is asked by itself, and the walks that hold no such stage before
 * all.  from any stage: a walk that begins with a stage is one of the funnel that
 * is cut off before that stage, so each stage is asked by itself.  What is left in
 * the middle are funnels that the rest of the engine knows, and of their winning
 * walks the best one wins.
 *
 * Cost: the sum of what each of them costs; so many different values times the
 * touchpoints, at most.  Memory: a copy of the touchpoints of a session for values
 * and one for stages.
 */
#include "funnel/engine_going.h"

/* Who is asked of touchpoints that are the same funnel's but for value and first stage. */
typedef struct ApartWalks
{
	const FunnelRules *rules;	/* what is left of sessions */
	FunnelEntry entry;
	FunnelTouch *own;			/* room for the touchpoints that have a value, or NULL */
	FunnelTouch *cut;			/* and for those from a stage on */
	uint32		session;		/* that the touchpoints name */
	/* Either the best walk is looked for, or whether one can go on at a time. */
	FunnelWalk *walk;
	int64		now;
	bool		goes_on;
} ApartWalks;

#define ST_SORT sort_values
#define ST_ELEMENT_TYPE uint32
#define ST_COMPARE(a, b) ((*(a) > *(b)) - (*(a) < *(b)))
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* Is a better than b by the order of preference? */
static bool
walk_is_better(const FunnelRules *rules, const FunnelWalk *a, const FunnelWalk *b)
{
	int			more;
	int64		start_a;
	int64		start_b;

	if (a->step != b->step || a->step == 0)
		return a->step > b->step;
	if (a->at[a->step - 1] != b->at[b->step - 1])
		return a->at[a->step - 1] < b->at[b->step - 1];
	if (rules->from_any)
	{
		more = pg_popcount64(a->passed) - pg_popcount64(b->passed);
		if (more != 0)
			return more > 0;
	}
	start_a = a->at[pg_rightmost_one_pos64(a->passed)];
	start_b = b->at[pg_rightmost_one_pos64(b->passed)];
	if (start_a != start_b)
		return start_a > start_b;
	more = pg_popcount64(a->passed & rules->optional) - pg_popcount64(b->passed & rules->optional);
	if (more != 0)
		return more > 0;
	for (int stage = 0; stage < a->step; stage++)
	{
		if (((a->passed ^ b->passed) & STAGE_BIT(stage)) != 0)
			return (a->passed & STAGE_BIT(stage)) != 0;
		if ((a->passed & STAGE_BIT(stage)) != 0 && a->at[stage] != b->at[stage])
			return a->at[stage] < b->at[stage];
	}
	return false;
}

/* Asks a funnel that lies no further apart; its first stage is so many of the whole one's stages further on. */
static void
ask_one(ApartWalks *walks, const FunnelRules *rules, const FunnelTouch *touches, size_t count, int first, uint32 value)
{
	FunnelWalk	found;
	FunnelGoing going;

	if (walks->walk == NULL)
	{
		follow_start(&going, rules, walks->entry, touches);
		follow_until(&going, count);
		walks->goes_on |= follow_at(&going, walks->now);
		return;
	}
	single_walk(rules, walks->entry, touches, count, &found);
	if (found.step == 0)
		return;
	if (first > 0)
	{
		memmove(found.at + first, found.at, found.step * sizeof(int64));
		found.step += first;
		found.passed <<= first;
	}
	found.value = (found.passed & walks->rules->bound) != 0 ? value : 0;
	found.session = walks->session;
	if (walk_is_better(walks->rules, &found, walks->walk))
		*walks->walk = found;
}

/* Asks for walks from each stage on, or only from the first one. */
static void
ask_stages(ApartWalks *walks, const FunnelTouch *touches, size_t count, uint32 value)
{
	FunnelRules rules = *walks->rules;
	uint64		seen = 0;

	if (count == 0)
		return;
	rules.session = 0;
	rules.bound = 0;
	rules.from_any = false;
	rules.apart = false;
	if (!walks->rules->from_any)
	{
		ask_one(walks, &rules, touches, count, 0, value);
		return;
	}
	for (size_t i = 0; i < count; i++)
		seen |= touches[i].stages;
	seen &= stages_below(rules.nstages);
	/* From the last stage no walk goes on. */
	if (walks->walk == NULL)
		seen &= ~STAGE_BIT(rules.nstages - 1);
	/* From the last ones on, so that a walk that goes as far as can be shows how far to look. */
	while (seen != 0)
	{
		int			first = pg_leftmost_one_pos64(seen);

		seen &= ~STAGE_BIT(first);
		if (walks->walk != NULL && walks->walk->step == walks->rules->nstages)
			count = Min(count, find_time(touches, count, walks->walk->at[walks->walk->step - 1] + 1));
		if (count == 0)
			break;

		rules.nstages = walks->rules->nstages - first;
		rules.gapped = walks->rules->gapped >> first & ~UINT64CONST(1);
		memcpy(rules.gap, walks->rules->gap + first, rules.nstages * sizeof(int64));
		rules.gap[0] = FUNNEL_NO_LIMIT;
		for (size_t i = 0; i < count; i++)
		{
			walks->cut[i] = touches[i];
			walks->cut[i].stages >>= first;
		}
		ask_one(walks, &rules, walks->cut, count, first, value);
	}
}

/* Asks for walks of each value, or of all touchpoints; those of a session. */
static void
ask_values(ApartWalks *walks, const FunnelTouch *touches, size_t count)
{
	const FunnelRules *rules = walks->rules;
	uint32	   *values;
	size_t		nvalues = 1;

	if (rules->bound == 0)
	{
		ask_stages(walks, touches, count, 0);
		return;
	}
	values = palloc_extended((count + 1) * sizeof(uint32), MCXT_ALLOC_HUGE);
	values[0] = 0;
	for (size_t i = 0; i < count; i++)
		if ((touches[i].stages & rules->bound) != 0 && touches[i].value != 0)
			values[nvalues++] = touches[i].value;
	sort_values(values, nvalues);
	for (size_t n = 0; n < nvalues; n++)
	{
		size_t		nown = 0;

		if (n > 0 && values[n] == values[n - 1])
			continue;
		for (size_t i = 0; i < count; i++)
		{
			FunnelTouch touch = touches[i];

			touch.stages = touch.value == 0 ? touch.stages & ~rules->bound : stages_with_value(rules, &touch, values[n]);
			walks->own[nown] = touch;
			nown += touch.stages != 0 || touch.excluded || rules->strict;
		}
		CHECK_FOR_INTERRUPTS();
		ask_stages(walks, walks->own, nown, values[n]);
	}
	pfree(values);
}

/* Room for as many touchpoints as a session has. */
static void
walks_room(ApartWalks *walks, size_t count)
{
	walks->own = walks->cut = NULL;
	if (walks->rules->bound != 0)
		walks->own = palloc_extended(count * sizeof(FunnelTouch), MCXT_ALLOC_HUGE);
	if (walks->rules->from_any)
		walks->cut = palloc_extended(count * sizeof(FunnelTouch), MCXT_ALLOC_HUGE);
}

static void
walks_free(ApartWalks *walks)
{
	if (walks->own != NULL)
		pfree(walks->own);
	if (walks->cut != NULL)
		pfree(walks->cut);
}

/* The winning walk of a funnel whose rules say apart. */
static void
apart_walk(const FunnelRules *rules, FunnelEntry entry, const FunnelTouch *touches, size_t count, FunnelWalk *walk)
{
	ApartWalks	walks = {.rules = rules, .entry = entry, .walk = walk};
	TouchSessions sessions;

	walk->step = 0;
	walk->passed = 0;
	walk->value = 0;
	walk->session = 0;
	if (count == 0)
		return;
	walks_room(&walks, count);
	sessions_start(&sessions, rules, touches, count);
	/* Of a later session only a deeper walk is better; of those that overlap none is later. */
	while ((sessions.named || walk->step < rules->nstages) && sessions_next(&sessions))
	{
		walks.session = sessions.touches[sessions.first].session;
		ask_values(&walks, sessions.touches + sessions.first, sessions.end - sessions.first);
	}
	sessions_free(&sessions);
	walks_free(&walks);
}

/*
 * Could a walk that has begun take a touchpoint yet to come, at now, which is
 * not before the last touchpoint?  There are touchpoints.  A session that is named
 * has no limit of its own; it counts as over where one by gaps is, when nothing
 * of it came for longer than the gap.
 */
bool
apart_goes_on(const FunnelRules *rules, FunnelEntry entry, const FunnelTouch *touches, size_t count, int64 now)
{
	ApartWalks	walks = {.entry = entry, .now = now};
	FunnelRules inside = *rules;
	size_t		first = count - 1;
	bool		named = false;
	TouchSessions sessions;

	walks.rules = &inside;
	if (rules->session == 0)
		first = 0;
	else
	{
		if (!time_within(touches[first].at, now, rules->session))
			return false;
		/* What comes before a longer gap than that is of no session that may go on, but if one is named. */
		named = touches[first].session != 0;
		for (; first > 0 && time_within(touches[first - 1].at, touches[first].at, rules->session); first--)
		{
			CHECK_FOR_INTERRUPTS();
			named |= touches[first - 1].session != 0;
		}
		/* It is a limit, and holds. */
		if (inside.within == FUNNEL_NO_LIMIT)
			inside.within = PG_INT64_MAX;
	}
	if (!named)
	{
		walks_room(&walks, count - first);
		ask_values(&walks, touches + first, count - first);
		walks_free(&walks);
		return walks.goes_on;
	}
	walks_room(&walks, count);
	sessions_start(&sessions, rules, touches, count);
	while (!walks.goes_on && sessions_next(&sessions))
		if (time_within(sessions.touches[sessions.end - 1].at, now, rules->session))
			ask_values(&walks, sessions.touches + sessions.first, sessions.end - sessions.first);
	sessions_free(&sessions);
	walks_free(&walks);
	return walks.goes_on;
}

/* funnel_search_end of any funnel; see funnel/engine.c. */
void
funnel_search_end(const FunnelSearch *search, const FunnelRules *rules, FunnelEntry entry,
				  const FunnelTouch *touches, size_t count, FunnelWalk *walk)
{
	if (rules->apart)
		apart_walk(rules, entry, touches, count, walk);
	else
		single_search_end(search, rules, entry, touches, count, walk);
}

/*
 * The winning walk of one customer: the deepest; of those the one that ends
 * earliest; of those that begin at any stage the one of most stages; then the one
 * that starts latest; then the one with most optional stages; then every step as
 * early as possible, first to last.
 */
void
funnel_walk(const FunnelRules *rules, FunnelEntry entry,
			const FunnelTouch *touches, size_t count, FunnelWalk *walk)
{
	if (rules->apart)
		apart_walk(rules, entry, touches, count, walk);
	else
		single_walk(rules, entry, touches, count, walk);
}
