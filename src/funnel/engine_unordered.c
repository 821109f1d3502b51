/*
 * funnel/engine_unordered.c: unordered funnels.
 *
 * A walk is any set of touchpoints that can be given to distinct stages; its
 * step is their number.  For a window, the time from a start to an end, the
 * greatest number of stages is a greatest matching of its touchpoints, and any
 * touchpoint, or any set that can be matched at all, is in one of those.
 *
 * Going forward by end, the engine keeps a basis of the latest touchpoints: a
 * new one goes in, and if there is no free stage for it the earliest one of
 * those that could make room goes out (funnel/engine_match.c).  How many of
 * them lie at or after a start is the greatest number of that window, for
 * every start at once; touchpoints that fall out of the window just leave.
 *
 * excluding: a walk must hold all excluded touchpoints strictly inside its
 * window, and one at its start.  If those can be matched together they are in
 * a greatest matching of the window.  That one then also has a touchpoint at
 * the end if it is deeper than any walk that ends before, for it would be one
 * of those otherwise.  As a set that can be matched has at most 64
 * touchpoints, the starts fall into at most 65 segments that see the same
 * excluded touchpoints, and per segment only the stages count that a first
 * touchpoint must match one of.  Without excluding there is one segment.
 *
 * Which window wins: the deepest; among those the earliest end; among those
 * the latest start.  Its times are those of the walk's touchpoints, rising,
 * each as early as possible; without excluding that are the moments at which
 * the number of stages that the window's touchpoints can be matched to grows.
 *
 * Cost of a touchpoint: a search over the stages, at most 64 small steps.
 * Only where an end may be deeper than what is known: a search for a start,
 * which moves on from where the last one stopped.  Memory: the stack.
 */
#include "funnel/engine_internal.h"

/* Starts that have the same excluded touchpoints between them and the end. */
typedef struct Segment
{
	size_t		begin;			/* index; a group with excluded touchpoints but for the first segment */
	uint64		open;			/* stages of which a first touchpoint must match one */
	size_t		next[FUNNEL_MAX_STAGES];	/* none before here matches the stage */
} Segment;

typedef struct UnorderedState
{
	const FunnelRules *rules;
	FunnelEntry entry;
	const FunnelTouch *touches;
	uint64		stages;			/* of the funnel */
	size_t		low;			/* index of the first touchpoint a walk may hold */
	TouchBasis	latest;
	int			nsegments;
	Segment		segments[FUNNEL_MAX_STAGES + 2];
} UnorderedState;

/* Nothing before touches[low] may be in a walk any more. */
static void
leave_behind(UnorderedState *state, size_t low)
{
	state->low = low;
	for (uint64 rest = state->latest.taken; rest != 0; rest &= rest - 1)
	{
		int			stage = pg_rightmost_one_pos64(rest);

		if (state->latest.who[stage] < low)
			state->latest.taken &= ~STAGE_BIT(stage);
	}
}

/* Adds the excluded touchpoints of the group at touches[first]; false if they cannot all be taken. */
static bool
add_excluded(const UnorderedState *state, TouchBasis *basis, size_t first, size_t end)
{
	for (size_t i = first; i < end && state->touches[i].at == state->touches[first].at; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (state->touches[i].excluded && !basis_add(basis, state->touches[i].stages & state->stages, i))
			return false;
	}
	return true;
}

/* Begins a segment with the group from first to end - 1; drops the segments that it closes. */
static void
begin_segment(UnorderedState *state, size_t first, size_t end)
{
	Segment    *segment = &state->segments[state->nsegments++];
	TouchBasis	inside;
	int			keep;

	segment->begin = first;
	for (int i = 0; i < state->rules->nstages; i++)
		segment->next[i] = first;

	inside.taken = inside.closed = 0;
	for (keep = state->nsegments - 1;; keep--)
	{
		state->segments[keep].open = basis_open_stages(&inside, state->stages);
		if (keep == 0 || !add_excluded(state, &inside, state->segments[keep].begin, end))
			break;
	}
	if (keep > 0)
	{
		state->nsegments -= keep;
		memmove(state->segments, state->segments + keep, sizeof(Segment) * state->nsegments);
		if (state->segments[0].begin > state->low)
			leave_behind(state, state->segments[0].begin);
	}
}

/*
 * The earliest start of walks that end in the group from first to end - 1,
 * which is that of the deepest; first itself if only the group alone will do,
 * end if nothing does.
 */
static size_t
earliest_start(UnorderedState *state, size_t first, size_t end)
{
	const FunnelTouch *touches = state->touches;

	for (int i = 0; i < state->nsegments; i++)
	{
		Segment    *segment = &state->segments[i];
		size_t		segment_end = i + 1 < state->nsegments ? state->segments[i + 1].begin : first;
		size_t		start = segment_end;

		for (uint64 rest = segment->open; rest != 0; rest &= rest - 1)
		{
			int			stage = pg_rightmost_one_pos64(rest);
			size_t		next = Max(segment->next[stage], state->low);

			while (next < segment_end && (touches[next].stages & STAGE_BIT(stage)) == 0)
			{
				CHECK_FOR_INTERRUPTS();
				next++;
			}
			segment->next[stage] = next;
			start = Min(start, next);
		}
		if (start < segment_end && entry_holds(state->entry, touches[start].at))
			return start;
	}
	return entry_holds(state->entry, touches[first].at) ? first : end;
}

/* The latest start, at or before a time, of a walk that ends in the group at touches[first]. */
static size_t
latest_start(UnorderedState *state, size_t first, int64 at)
{
	const FunnelTouch *touches = state->touches;
	size_t		segment_end = first;

	if (touches[first].at <= at)
		return first;
	for (int i = state->nsegments - 1; i >= 0; i--)
	{
		size_t		start = segment_end;

		segment_end = state->segments[i].begin;
		while (start-- > Max(segment_end, state->low))
		{
			CHECK_FOR_INTERRUPTS();
			if (touches[start].at <= at && (touches[start].stages & state->segments[i].open) != 0)
				return start;
		}
	}
	return first;
}

/* Finds the winning walk's step, start and end; no walk comes further than deepest, which may be nstages. */
void
unordered_find(const FunnelRules *rules, FunnelEntry entry, int deepest,
			   const FunnelTouch *touches, size_t count, UnorderedSpan *span)
{
	UnorderedState state;
	size_t		first = 0;
	size_t		end;

	span->step = 0;
	while (first < count && touches[first].at < entry.from)
		first++;
	state.rules = rules;
	state.entry = entry;
	state.touches = touches;
	state.stages = stages_below(rules->nstages);
	state.low = first;
	state.latest.taken = 0;
	state.latest.closed = 0;
	state.nsegments = 1;
	state.segments[0].begin = first;
	state.segments[0].open = state.stages;
	for (int i = 0; i < rules->nstages; i++)
		state.segments[0].next[i] = first;

	for (; first < count && span->step < deepest; first = end)
	{
		int64		at = touches[first].at;
		bool		excluded = false;
		size_t		low = state.low;

		end = group_end(touches, count, first);
		while (!time_within(touches[low].at, at, rules->within))
			low++;
		if (low > state.low)
			leave_behind(&state, low);
		for (size_t i = first; i < end; i++)
		{
			CHECK_FOR_INTERRUPTS();
			basis_add_latest(&state.latest, touches[i].stages & state.stages, i);
			excluded |= rules->excluding && touches[i].excluded;
		}

		if (pg_popcount64(state.latest.taken) > span->step)
		{
			size_t		start = earliest_start(&state, first, end);
			if (start < end)
			{
				int64		latest = at;
				int			step = 0;

				for (uint64 rest = state.latest.taken; rest != 0; rest &= rest - 1)
				{
					int64		time = touches[state.latest.who[pg_rightmost_one_pos64(rest)]].at;

					if (time < touches[start].at)
						continue;
					step++;
					latest = Min(latest, time);
				}
				if (step > span->step)
				{
					span->step = step;
					start = latest_start(&state, first, Min(latest, entry.to));
					span->first = find_time(touches, end, touches[start].at);
					span->last = first;
					span->end = end;
				}
			}
		}
		if (excluded)
			begin_segment(&state, first, end);
	}
}

/*
 * The times of the walk that unordered_find has found, span->step of them.
 * used, if given, says which touchpoints of the last group it takes: those
 * that come first in the group, as far as there is a choice.
 */
void
unordered_times(const FunnelRules *rules, const FunnelTouch *touches,
				const UnorderedSpan *span, int64 *at, bool *used)
{
	uint64		stages = stages_below(rules->nstages);
	int64		first_at = touches[span->first].at;
	int			count = 0;
	TouchBasis	basis;

	basis.taken = basis.closed = 0;
	if (rules->excluding)
		for (size_t i = span->first; i < span->last; i++)
		{
			CHECK_FOR_INTERRUPTS();
			if (touches[i].excluded && touches[i].at > first_at)
				basis_add(&basis, touches[i].stages & stages, i);
		}
	for (size_t i = span->first; i < span->end; i++)
	{
		bool		added;

		CHECK_FOR_INTERRUPTS();
		if (i < span->last && rules->excluding && touches[i].excluded && touches[i].at > first_at)
			continue;
		added = basis_add(&basis, touches[i].stages & stages, i);
		if (used != NULL && i >= span->last)
			used[i - span->last] = added;
	}

	for (uint64 rest = basis.taken; rest != 0; rest &= rest - 1)
	{
		int64		time = touches[basis.who[pg_rightmost_one_pos64(rest)]].at;
		int			place = count++;

		for (; place > 0 && at[place - 1] > time; place--)
			at[place] = at[place - 1];
		at[place] = time;
	}
}

/*
 * Could a walk that has begun take a touchpoint yet to come, at now, which is
 * not before the last touchpoint?
 */
bool
unordered_goes_on(const FunnelRules *rules, FunnelEntry entry,
				  const FunnelTouch *touches, size_t count, int64 now)
{
	uint64		stages = stages_below(rules->nstages);
	TouchBasis	inside;

	inside.taken = inside.closed = 0;
	for (size_t end = count; end > 0;)
	{
		size_t		first = end - 1;
		int64		at = touches[first].at;
		uint64		open;

		if (at < entry.from || !time_within(at, now, rules->within))
			return false;
		while (first > 0 && touches[first - 1].at == at)
			first--;
		open = entry_holds(entry, at) ? basis_open_stages(&inside, stages) : 0;
		for (size_t i = first; i < end; i++)
		{
			CHECK_FOR_INTERRUPTS();
			if ((touches[i].stages & open) != 0)
				return true;
		}
		for (size_t i = first; rules->excluding && at < now && i < end; i++)
			if (touches[i].excluded && !basis_add(&inside, touches[i].stages & stages, i))
				return false;
		end = first;
	}
	return false;
}
