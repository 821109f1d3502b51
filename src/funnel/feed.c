/*
 * funnel/feed.c: follows a funnel from time to time, and remembers no
 * touchpoint.
 *
 * The engine says of a group of touchpoints of one time which stages a walk may
 * end with in it (funnel/engine_ruled.c).  Which touchpoint that walk ends with
 * is the same question, put to the group with that stage left to that touchpoint
 * alone, and that touchpoint left nothing else.
 *
 * Touchpoints of a group that match the same stages have the same answer.  For
 * another one's question it does not matter how many they are beyond the number
 * of stages.
 *
 * Cost: for a touchpoint alone at its time what the engine takes.  For a group
 * sorting it, and then for each different set of stages in it at most as many
 * runs of the engine as the set has stages, over at most as many touchpoints as
 * there are different sets times stages.
 */
#include "funnel/feed.h"

/* Touchpoints of a group that match the same stages. */
typedef struct TouchKind
{
	uint64		stages;
	size_t		count;
	FunnelEnd	end;
} TouchKind;

/* Can the deepest step at each touchpoint be told without looking back?  Not of unordered funnels. */
bool
funnel_feed_supported(const FunnelRules *rules, CjmError *error)
{
	if (!rules->unordered)
		return true;
	cjm_fail(error, CJM_ERROR_UNSUPPORTED, "unordered funnels have no deepest step at a touchpoint in one pass");
	cjm_fail_hint(error, "Use funnel_step(journey_agg(at, event), funnel) for the deepest step of each customer.");
	return false;
}

/* Begins with the next customer.  The rules must outlive the feed. */
void
funnel_feed_start(FunnelFeed *feed, const FunnelRules *rules)
{
	feed->rules = rules;
	feed->state.alive = 0;
}

#define ST_SORT sort_stages
#define ST_ELEMENT_TYPE uint64
#define ST_COMPARE(a, b) ((*(a) > *(b)) - (*(a) < *(b)))
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* The different sets of stages in a group, in order; in the current context. */
static TouchKind *
find_kinds(const FunnelTouch *touches, size_t count, size_t *nkinds)
{
	uint64	   *stages = palloc_extended(count * sizeof(uint64), MCXT_ALLOC_HUGE);
	TouchKind  *kinds;
	size_t		n = 0;

	for (size_t i = 0; i < count; i++)
		stages[i] = touches[i].stages;
	sort_stages(stages, count);
	for (size_t i = 0; i < count; i++)
		n += i == 0 || stages[i] != stages[i - 1];
	kinds = palloc_extended(n * sizeof(TouchKind), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	*nkinds = n;
	n = 0;
	for (size_t i = 0; i < count; i++)
	{
		if (i > 0 && stages[i] != stages[i - 1])
			n++;
		kinds[n].stages = stages[i];
		kinds[n].count++;
	}
	pfree(stages);
	return kinds;
}

static TouchKind *
find_kind(TouchKind *kinds, size_t nkinds, uint64 stages)
{
	size_t		low = 0;

	while (kinds[low].stages != stages)
	{
		size_t		middle = (low + nkinds) / 2;

		if (kinds[middle].stages <= stages)
			low = middle;
		else
			nkinds = middle;
	}
	return &kinds[low];
}

/*
 * The deepest of the possible stages that a walk ends with at a touchpoint of
 * the kind mine.  scratch has room for a touchpoint and for nstages of each kind.
 */
static FunnelEnd
end_of_kind(const FunnelFeed *feed, int64 at, const TouchKind *kinds, size_t nkinds, size_t mine,
			uint64 possible, FunnelTouch *scratch)
{
	const FunnelRules *rules = feed->rules;

	for (uint64 rest = kinds[mine].stages & possible; rest != 0;)
	{
		int			stage = pg_leftmost_one_pos64(rest);
		size_t		count = 1;
		int64		ended[FUNNEL_MAX_STAGES];
		RuledState	state = feed->state;
		RuledGroup	group;

		CHECK_FOR_INTERRUPTS();
		rest &= ~STAGE_BIT(stage);
		scratch[0] = (FunnelTouch) {at, STAGE_BIT(stage), false, 0, 0};
		for (size_t k = 0; k < nkinds; k++)
		{
			uint64		stages = kinds[k].stages & stages_below(stage);
			size_t		copies = Min(kinds[k].count - (k == mine), (size_t) rules->nstages);

			if (stages != 0)
				for (size_t i = 0; i < copies; i++)
					scratch[count++] = (FunnelTouch) {at, stages, false, 0, 0};
		}
		ruled_group(rules, rules->nstages, scratch, count, 0, &group);
		if ((ruled_advance(rules, FUNNEL_ANY_ENTRY, &group, &state, ended) & STAGE_BIT(stage)) != 0)
			return (FunnelEnd) {stage + 1, ended[stage]};
	}
	return (FunnelEnd) {0, 0};
}

/*
 * Takes all touchpoints of a time, which is later than those before; ends[i] is
 * then about touches[i].  Scratch memory is of the current context and freed.
 */
void
funnel_feed_group(FunnelFeed *feed, const FunnelTouch *touches, size_t count, FunnelEnd *ends)
{
	const FunnelRules *rules = feed->rules;
	RuledState	before;
	RuledGroup	group;
	int64		ended[FUNNEL_MAX_STAGES];
	uint64		possible;
	TouchKind  *kinds;
	size_t		nkinds;
	FunnelTouch *scratch;
	FunnelFeed	back;

	if (count == 1)
	{
		ends[0].step = 0;
		/* Nothing follows from it, unless nothing may lie between. */
		if (touches[0].stages == 0 && !touches[0].excluded && !rules->strict)
			return;
		ruled_group(rules, rules->nstages, touches, count, 0, &group);
		possible = ruled_advance(rules, FUNNEL_ANY_ENTRY, &group, &feed->state, ended);
		if (possible != 0)
		{
			ends[0].step = pg_leftmost_one_pos64(possible) + 1;
			ends[0].start = ended[ends[0].step - 1];
		}
		return;
	}

	before = feed->state;
	ruled_group(rules, rules->nstages, touches, count, 0, &group);
	possible = ruled_advance(rules, FUNNEL_ANY_ENTRY, &group, &feed->state, ended);
	if (possible == 0)
	{
		for (size_t i = 0; i < count; i++)
			ends[i].step = 0;
		return;
	}

	back.rules = rules;
	back.state = before;
	kinds = find_kinds(touches, count, &nkinds);
	scratch = palloc_extended((1 + nkinds * rules->nstages) * sizeof(FunnelTouch), MCXT_ALLOC_HUGE);
	for (size_t k = 0; k < nkinds; k++)
		kinds[k].end = end_of_kind(&back, touches[0].at, kinds, nkinds, k, possible, scratch);
	for (size_t i = 0; i < count; i++)
		ends[i] = find_kind(kinds, nkinds, touches[i].stages)->end;
	pfree(scratch);
	pfree(kinds);
}
