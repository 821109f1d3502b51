/*
 * funnel/engine_sessions.c: the touchpoints of a customer, session by session.
 *
 * Touchpoints that name a session are in that one, whatever lies between them, and
 * those that name none are divided by gaps among themselves.  So named sessions may
 * overlap; of each its touchpoints are all there, and in time order.
 *
 * Cost: where some name their sessions a look at each touchpoint, and sorting them
 * and a copy unless they stand session by session already.
 */
#include "funnel/engine_internal.h"

/* Where a touchpoint stands. */
typedef struct Place
{
	uint32		session;
	size_t		touch;
} Place;

static inline int
compare_places(const Place *a, const Place *b)
{
	if (a->session != b->session)
		return a->session < b->session ? -1 : 1;
	return (a->touch > b->touch) - (a->touch < b->touch);
}

#define ST_SORT sort_places
#define ST_ELEMENT_TYPE Place
#define ST_COMPARE(a, b) compare_places(a, b)
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* Begins with all touchpoints, which must stay.  Rules without sessions have one. */
void
sessions_start(TouchSessions *sessions, const FunnelRules *rules, const FunnelTouch *touches, size_t count)
{
	bool		sorted = true;
	Place	   *places;

	*sessions = (TouchSessions) {.rules = rules, .touches = touches, .count = count};
	if (rules->session == 0)
		return;
	for (size_t i = 0; i < count; i++)
	{
		sessions->named |= touches[i].session != 0;
		sorted &= i == 0 || touches[i - 1].session <= touches[i].session;
	}
	if (sorted)
		return;
	places = palloc_extended(count * sizeof(Place), MCXT_ALLOC_HUGE);
	for (size_t i = 0; i < count; i++)
		places[i] = (Place) {touches[i].session, i};
	sort_places(places, count);
	sessions->own = palloc_extended(count * sizeof(FunnelTouch), MCXT_ALLOC_HUGE);
	for (size_t i = 0; i < count; i++)
		sessions->own[i] = touches[places[i].touch];
	sessions->touches = sessions->own;
	pfree(places);
}

/* Goes on to the next session; false after the last one. */
bool
sessions_next(TouchSessions *sessions)
{
	const FunnelRules *rules = sessions->rules;
	const FunnelTouch *touches = sessions->touches;
	size_t		end = sessions->end;

	if (end == sessions->count)
		return false;
	sessions->first = end++;
	if (rules->session == 0)
		end = sessions->count;
	while (end < sessions->count && touches[end].session == touches[end - 1].session &&
		   (touches[end].session != 0 || time_within(touches[end - 1].at, touches[end].at, rules->session)))
	{
		CHECK_FOR_INTERRUPTS();
		end++;
	}
	sessions->end = end;
	return true;
}

void
sessions_free(TouchSessions *sessions)
{
	if (sessions->own != NULL)
		pfree(sessions->own);
}

/* The rules within a session. */
FunnelRules
without_sessions(const FunnelRules *rules)
{
	FunnelRules inside = *rules;

	inside.session = 0;
	inside.apart = inside.from_any || inside.bound != 0;
	return inside;
}
