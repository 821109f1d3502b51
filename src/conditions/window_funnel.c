/*
 * conditions/window_funnel.c: how many conditions were met one after the other
 * in a window of time.
 *
 * The level is the highest step that a chain ends with: a row for step 1, one
 * for step 2 and so on, at times that never fall, the last at most the window
 * after the first.  By default one row may stand for several steps.  The modes
 * change that:
 *
 *	strict_once			a row stands for one step
 *	strict_increase		times rise from step to step (so that a row stands for one)
 *	strict_deduplication	the search ends with a row for a step from 2 on that was reached before
 *	strict_order		once step 1 was reached, the search ends with a row for no step at all, and
 *						with one for a step whose predecessor was not reached
 *	allow_reentry		... but not with the latter
 *
 * Rows of one time are a group.  In a group rows for no step come first, then
 * those for step 1, then those for step 2; what else distinguishes rows of one
 * time, their order in the table above all, changes nothing.  Two rows for a
 * step that is reached in their group are a repetition.
 *
 * For every step the latest start of the chains that have reached it is all
 * there is to know: a later start is never worse, and it does not rise from
 * step to step.  A group is gone through from step 1 up if a row may stand for
 * several steps, and from the top down if every step has to come from before
 * the group.  With strict_once a group whose rows match several steps each is
 * a matching problem, which the funnel engine solves.
 *
 * Two answers of ClickHouse depend on more than that.  It keeps one chain for
 * a step in strict_increase and loses it when the step is taken anew (its issue
 * 52844); here no chain is lost, as it is there with strict_once added.  And in
 * strict_once with strict_deduplication the arrival of rows of one time decides
 * which of them repeats a step.
 *
 * Cost: a step for each condition that a row meets, and for strict_once at
 * most four searches a step for a group of several rows.
 */
#include "conditions/window_funnel.h"

#include "funnel/engine_internal.h"

StaticAssertDecl(WINDOW_FUNNEL_MAX_ONCE == FUNNEL_MAX_STAGES, "strict_once is the funnel engine's");

/* The conditions of a group, as bits. */
typedef struct ConditionGroup
{
	int64		at;
	uint32		first;			/* index of its first row */
	uint32		end;			/* after its last row */
	bool		unmatched;		/* some row meets no condition */
	bool		overlapping;	/* some row meets several */
	uint64	   *present;		/* met by some row */
	uint64	   *repeated;		/* met by several */
} ConditionGroup;

/* Latest start by step, for the steps below depth. */
typedef struct LevelState
{
	int			depth;
	int64	   *start;
	FunnelTouch *touches;		/* room for a group's */
	uint32		room;
} LevelState;

/* The mode that a word is, as a member of the rules, or NULL. */
static uint8 *
find_mode(WindowFunnelRules *rules, const char *word, size_t size)
{
	struct
	{
		const char *name;
		uint8	   *member;
	}			modes[] = {
		{"strict_deduplication", &rules->deduplication},
		{"strict_order", &rules->order},
		{"strict_increase", &rules->increase},
		{"strict_once", &rules->once},
		{"allow_reentry", &rules->reentry},
	};

	for (size_t i = 0; i < lengthof(modes); i++)
		if (strlen(modes[i].name) == size && memcmp(modes[i].name, word, size) == 0)
			return modes[i].member;
	return NULL;
}

/* Reads modes separated by commas; none, or only spaces, is the default mode. */
bool
window_funnel_modes(const char *text, size_t size, WindowFunnelRules *rules, CjmError *error)
{
	const char *p = text;
	const char *end = text + size;
	bool		more;

	while (p < end && *p == ' ')
		p++;
	for (more = p < end; more; p++)
	{
		const char *word;
		size_t		length;
		uint8	   *mode;

		while (p < end && *p == ' ')
			p++;
		word = p;
		while (p < end && *p != ',')
			p++;
		more = p < end;
		length = p - word;
		while (length > 0 && word[length - 1] == ' ')
			length--;

		mode = find_mode(rules, word, length);
		if (mode == NULL)
		{
			cjm_fail(error, CJM_ERROR_VALUE, "window_funnel has no mode \"%.*s\"", (int) length, word);
			if (length == 6 && memcmp(word, "strict", 6) == 0)
				cjm_fail_hint(error, "What used to be \"strict\" is \"strict_deduplication\".");
			else
				cjm_fail_hint(error, "Modes are strict_deduplication, strict_order, strict_increase, strict_once "
							  "and allow_reentry, several separated by commas.");
			return false;
		}
		*mode = 1;
	}
	if (rules->reentry && !rules->order)
	{
		cjm_fail(error, CJM_ERROR_VALUE, "mode \"allow_reentry\" needs mode \"strict_order\"");
		cjm_fail_hint(error, "Write 'strict_order, allow_reentry'.");
		return false;
	}
	return true;
}

/* Can as many conditions be answered by these rules? */
bool
window_funnel_check(const WindowFunnelRules *rules, uint32 nconditions, CjmError *error)
{
	if (!rules->once || rules->increase || nconditions <= WINDOW_FUNNEL_MAX_ONCE)
		return true;
	cjm_fail(error, CJM_ERROR_LIMIT, "too many steps for mode \"strict_once\": %u", nconditions);
	cjm_fail_detail(error, "It knows up to %d; the other modes have no such limit.", WINDOW_FUNNEL_MAX_ONCE);
	cjm_fail_hint(error, "With \"strict_increase\" a row stands for one step anyway, and there may be more.");
	return false;
}

/* The first bit from .. to - 1 that is set, or -1. */
static int
first_between(const uint64 *words, int from, int to)
{
	for (int w = from / 64; w * 64 < to; w++)
	{
		uint64		bits = words[w];

		if (w == from / 64)
			bits &= ~stages_below(from % 64);
		if (bits != 0)
		{
			int			bit = w * 64 + pg_rightmost_one_pos64(bits);

			return bit < to ? bit : -1;
		}
	}
	return -1;
}

/* Reads the group that begins at row first. */
static void
read_group(const ConditionRows *rows, uint32 first, ConditionGroup *group)
{
	uint32		nwords = rows->nwords;
	uint32		i = first;

	group->first = first;
	group->at = rows->rows[first].at;
	group->unmatched = false;
	group->overlapping = false;
	memset(group->present, 0, nwords * sizeof(uint64));
	memset(group->repeated, 0, nwords * sizeof(uint64));
	do
	{
		const uint64 *bits = condition_row_bits(rows, &rows->rows[i]);
		uint64		met = 0;

		for (uint32 w = 0; w < nwords; w++)
		{
			group->overlapping |= (bits[w] & (bits[w] - 1)) != 0 || (bits[w] != 0 && met != 0);
			met |= bits[w];
			group->repeated[w] |= group->present[w] & bits[w];
			group->present[w] |= bits[w];
		}
		group->unmatched |= met == 0;
		i++;
	} while (i < rows->count && rows->rows[i].at == group->at);
	group->end = i;
}

/* A row for a step at a time; nothing if no chain has got to the step before, in time. */
static inline void
take_step(const WindowFunnelRules *rules, LevelState *state, int step, int64 at)
{
	if (step > state->depth)
		return;
	if (step == 0)
		state->start[0] = at;
	else if (time_within(state->start[step - 1], at, rules->within))
		state->start[step] = state->start[step - 1];
	else
		return;
	if (step == state->depth)
		state->depth++;
}

/* Every row may stand for all its steps. */
static void
advance_up(const WindowFunnelRules *rules, const ConditionGroup *group, uint32 nwords, LevelState *state)
{
	for (uint32 w = 0; w < nwords && (int) w * 64 <= state->depth; w++)
		for (uint64 bits = group->present[w]; bits != 0; bits &= bits - 1)
			take_step(rules, state, w * 64 + pg_rightmost_one_pos64(bits), group->at);
}

/* No step may follow on one of the same group. */
static void
advance_down(const WindowFunnelRules *rules, const ConditionGroup *group, uint32 nwords, LevelState *state)
{
	for (int w = Min(nwords - 1, (uint32) state->depth / 64); w >= 0; w--)
	{
		uint64		bits = group->present[w];

		while (bits != 0)
		{
			int			bit = pg_leftmost_one_pos64(bits);

			bits &= ~STAGE_BIT(bit);
			take_step(rules, state, w * 64 + bit, group->at);
		}
	}
}

/* Every row may stand for one of its steps. */
static void
advance_once(const WindowFunnelRules *rules, const ConditionRows *rows, const ConditionGroup *group,
			 LevelState *state)
{
	uint32		count = group->end - group->first;
	FunnelRules funnel = {.nstages = rows->nconditions,.within = rules->within};
	int64		ended[FUNNEL_MAX_STAGES];
	RuledState	walks;
	RuledGroup	touches;

	if (count > state->room)
	{
		state->room = Max(count, 16);
		if (state->touches)
			pfree(state->touches);
		state->touches = palloc_extended(state->room * sizeof(FunnelTouch), MCXT_ALLOC_HUGE);
	}
	for (uint32 i = 0; i < count; i++)
		state->touches[i] = (FunnelTouch) {group->at, rows->rows[group->first + i].bits, false, 0, 0};
	for (int i = 0; i < funnel.nstages; i++)
		funnel.gap[i] = FUNNEL_NO_LIMIT;
	walks.alive = stages_below(state->depth);
	memcpy(walks.start, state->start, state->depth * sizeof(int64));
	memcpy(walks.last, state->start, state->depth * sizeof(int64));
	ruled_group(&funnel, funnel.nstages, state->touches, count, 0, &touches);
	ruled_advance(&funnel, FUNNEL_ANY_ENTRY, &touches, &walks, ended);
	state->depth = pg_popcount64(walks.alive);
	memcpy(state->start, walks.start, state->depth * sizeof(int64));
}

/*
 * The highest step that a chain ends with, 0 for none.  rows are in canonical
 * order; window_funnel_check has approved of the number of conditions.
 */
int
window_funnel_level(const WindowFunnelRules *rules, const ConditionRows *rows)
{
	int			nsteps = rows->nconditions;
	uint32		nwords = rows->nwords;
	uint64		words[2];
	int64		start[FUNNEL_MAX_STAGES];
	LevelState	state = {.start = start};
	ConditionGroup group = {.present = &words[0],.repeated = &words[1]};

	if (nsteps > FUNNEL_MAX_STAGES)
	{
		state.start = palloc(nsteps * sizeof(int64));
		group.present = palloc(nwords * sizeof(uint64));
		group.repeated = palloc(nwords * sizeof(uint64));
	}

	for (uint32 i = 0; i < rows->count && state.depth < nsteps; i = group.end)
	{
		int			before = state.depth;

		CHECK_FOR_INTERRUPTS();
		read_group(rows, i, &group);
		if (rules->order && group.unmatched && before > 0)
			break;
		if (rules->deduplication && first_between(group.present, 1, before) >= 0)
			break;

		if (rules->increase || (rules->once && group.end == i + 1))
			advance_down(rules, &group, nwords, &state);
		else if (rules->once && group.overlapping)
			advance_once(rules, rows, &group, &state);
		else
			advance_up(rules, &group, nwords, &state);

		if (rules->deduplication)
		{
			int			twice = first_between(group.repeated, Max(before, 1), state.depth);

			if (twice >= 0)
			{
				state.depth = twice + 1;
				break;
			}
		}
		if (rules->order && !rules->reentry && state.depth > 0 &&
			first_between(group.present, state.depth + 1, nsteps) >= 0)
			break;
	}

	if (nsteps > FUNNEL_MAX_STAGES)
	{
		pfree(state.start);
		pfree(group.present);
		pfree(group.repeated);
	}
	if (state.touches)
		pfree(state.touches);
	return state.depth;
}
