/*
 * funnel/match_conversions.c: which touchpoints of a journey complete the funnel.
 *
 * The engine tells the times of the conversions and what their last touchpoints
 * match; here those touchpoints are found in the journey.
 */
#include "funnel/match_internal.h"

/* A touchpoint that may complete the funnel. */
typedef struct Candidate
{
	uint64		stages;
	uint32		value;
	uint32		session;
	uint32		touch;
} Candidate;

static inline int
candidate_order(const Candidate *a, const Candidate *b)
{
	if (a->stages != b->stages)
		return a->stages < b->stages ? -1 : 1;
	if (a->value != b->value)
		return a->value < b->value ? -1 : 1;
	if (a->session != b->session)
		return a->session < b->session ? -1 : 1;
	return (a->touch > b->touch) - (a->touch < b->touch);
}

#define ST_SORT sort_candidates
#define ST_ELEMENT_TYPE Candidate
#define ST_COMPARE(a, b) candidate_order(a, b)
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

static inline int
completion_order(const FunnelCompletion *a, const FunnelCompletion *b)
{
	if (a->stages != b->stages)
		return a->stages < b->stages ? -1 : 1;
	if (a->value != b->value)
		return a->value < b->value ? -1 : 1;
	return (a->session > b->session) - (a->session < b->session);
}

#define ST_SORT sort_completions
#define ST_ELEMENT_TYPE FunnelCompletion
#define ST_COMPARE(a, b) completion_order(a, b)
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

#define ST_SORT sort_numbers
#define ST_ELEMENT_TYPE uint32
#define ST_COMPARE(a, b) ((*(a) > *(b)) - (*(a) < *(b)))
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* A conversion is not found at its time: a binary search went wrong. */
static void
damaged_times(void)
{
	cjm_damaged("the times of a journey are not in order");
}

/*
 * The touchpoints that complete the conversions of one time, by their numbers.
 * Of those that match the same stages the first in the journey do.
 */
static size_t
completing_touches(const FunnelMatcher *matcher, const JourneyView *view, uint64 stages,
				   FunnelCompletion *completions, size_t count, uint32 *out)
{
	int64		at = completions[0].at;
	uint32		first = journey_lower_bound(view, at);
	uint32		end = journey_lower_bound(view, at + 1);
	size_t		ncandidates = 0;
	size_t		next = 0;
	size_t		nout = 0;
	Candidate  *candidates;

	if (end <= first)
		damaged_times();
	if (end - first == 1)
	{
		out[0] = first;
		return 1;
	}
	candidates = palloc_extended((size_t) (end - first) * sizeof(Candidate), MCXT_ALLOC_HUGE);
	for (uint32 i = first; i < end; i++)
	{
		EventMask	mask = matcher->event_masks[journey_label_at(&view->events, i)];

		CHECK_FOR_INTERRUPTS();
		if (matcher->channeled)
			mask = channel_mask(matcher, view, i, mask);
		if (mask.stages & stages)
			candidates[ncandidates++] = (Candidate) {
				mask.stages & stages,
				matcher->rules.bound != 0 ? journey_label_at(&view->channels, i) : 0,
				matcher->rules.session != 0 ? journey_label_at(&view->sessions, i) : 0,
				i
			};
	}
	sort_candidates(candidates, ncandidates);
	sort_completions(completions, count);
	for (size_t i = 0; i < count; i++)
	{
		while (next < ncandidates && (candidates[next].stages != completions[i].stages || candidates[next].value != completions[i].value ||
									  candidates[next].session != completions[i].session))
			next++;
		if (completions[i].count > (int64) (ncandidates - next))
			damaged_times();
		for (int64 n = 0; n < completions[i].count; n++)
			out[nout++] = candidates[next++].touch;
	}
	sort_numbers(out, nout);
	pfree(candidates);
	return nout;
}

/*
 * The touchpoints that complete the funnel, one for each conversion, by their
 * numbers in the journey, ascending; *conversions is palloc'd if there are any.
 */
size_t
funnel_match_conversions(FunnelMatcher *matcher, const JourneyView *view, uint32 **conversions)
{
	const FunnelTouch *touches;
	size_t		count = funnel_match_touches(matcher, view, &touches);
	FunnelCompletions completions = {0};
	size_t		nout = 0;
	int64		total;

	if (count == 0)
		return 0;
	total = funnel_conversions(&matcher->rules, FUNNEL_ANY_ENTRY, touches, count, &completions);
	if (total == 0)
		return 0;
	*conversions = palloc_extended(total * sizeof(uint32), MCXT_ALLOC_HUGE);
	for (size_t first = 0, end; first < completions.count; first = end)
	{
		for (end = first + 1; end < completions.count; end++)
			if (completions.list[end].at != completions.list[first].at)
				break;
		nout += completing_touches(matcher, view, completions.stages, completions.list + first, end - first,
								   *conversions + nout);
	}
	Assert(nout == (size_t) total);
	pfree(completions.list);
	return nout;
}
