/*
 * attribution_cursor.c: the conversions of a journey and the units of each, see
 * attribution.h.
 *
 * The units of a conversion are the touchpoints, or visits, of
 *	- without a lookback: later than the previous conversion;
 *	- with a lookback: at most so long before the conversion, be they before or
 *	  after another conversion;
 * and in both cases not later than the conversion.  Only times count, never the
 * order of touchpoints of one time: what lies at the time of a conversion is
 * before it, and conversions of one time have the same units and are no units
 * of each other.  An earlier conversion is a touchpoint like every other.
 *
 * A visit (session) is a unit if any of its touchpoints is; its time is that of
 * the first of those, its channel the first one in the whole visit up to the
 * conversion.
 *
 * Cost without a lookback: linear in the journey.  Memory: the units of the
 * conversion at hand and, for visits, eight bytes a touchpoint; all in the
 * context of whoever calls attribution_start and attribution_next.
 */
#include "attribution.h"

#include "session.h"

#define FIRST_UNITS 64

/* Numbers the visits and finds the channel of each. */
static void
find_visits(AttributionCursor *cursor)
{
	const JourneyView *view = cursor->view;
	uint32		visit = 0;
	int64		previous = view->first;

	cursor->visit = palloc_extended((size_t) view->count * sizeof(uint32), MCXT_ALLOC_HUGE);
	cursor->channel_touch = palloc_extended((size_t) view->count * sizeof(uint32), MCXT_ALLOC_HUGE);
	cursor->channel_touch[0] = view->count;
	for (uint32 i = 0; i < view->count; i++)
	{
		int64		at = journey_at(view, i);

		CHECK_FOR_INTERRUPTS();
		if (!session_goes_on(previous, at, cursor->scope->gap))
			cursor->channel_touch[++visit] = view->count;
		if (cursor->channel_touch[visit] == view->count && journey_label_at(&view->channels, i) != 0)
			cursor->channel_touch[visit] = i;
		cursor->visit[i] = visit;
		previous = at;
	}
}

/* Starts with the first conversion; there is at least one.  All that is given must stay. */
void
attribution_start(AttributionCursor *cursor, const JourneyView *view, const AttributionScope *scope,
				  const uint32 *conversions, size_t nconversions)
{
	memset(cursor, 0, sizeof(*cursor));
	cursor->view = view;
	cursor->scope = scope;
	cursor->conversions = conversions;
	cursor->nconversions = nconversions;
	cursor->capacity = FIRST_UNITS;
	cursor->units = palloc(FIRST_UNITS * sizeof(AttributionUnit));
	if (scope->visits)
		find_visits(cursor);
}

/* The channel of a visit as far as the conversion may know it. */
static uint32
visit_channel(const AttributionCursor *cursor, uint32 visit, uint32 end)
{
	uint32		touch = cursor->channel_touch[visit];

	return touch < end ? journey_label_at(&cursor->view->channels, touch) : 0;
}

/* Reads the conversions of the next time and their units; false at the end. */
bool
attribution_next(AttributionCursor *cursor, AttributionWindow *window)
{
	const JourneyView *view = cursor->view;
	const AttributionScope *scope = cursor->scope;
	const uint32 *conversion = cursor->conversions + cursor->next;
	const uint32 *last = cursor->conversions + cursor->nconversions;
	uint32		from = cursor->since;
	uint32		end;
	uint32		visit = 0;
	bool		in_visit = false;

	if (conversion == last)
		return false;
	window->at = journey_at(view, *conversion);
	window->conversions = conversion;
	end = *conversion + 1;
	while (end < view->count && journey_at(view, end) == window->at)
		end++;
	if (scope->looks_back)
		from = window->at < PG_INT64_MIN + scope->lookback ? 0 : journey_lower_bound(view, window->at - scope->lookback);

	if (end - from > cursor->capacity)
	{
		pfree(cursor->units);
		cursor->capacity = Max(cursor->capacity * 2, end - from);
		cursor->units = palloc_extended(cursor->capacity * sizeof(AttributionUnit), MCXT_ALLOC_HUGE);
	}
	window->units = cursor->units;
	window->count = 0;
	for (uint32 i = from; i < end; i++)
	{
		uint32		channel;

		CHECK_FOR_INTERRUPTS();
		if (conversion < last && i == *conversion)
		{
			conversion++;
			continue;
		}
		if (!scope->visits)
			channel = journey_label_at(&view->channels, i);
		else
		{
			if (in_visit && cursor->visit[i] == visit)
				continue;
			in_visit = true;
			visit = cursor->visit[i];
			channel = visit_channel(cursor, visit, end);
		}
		if (channel != 0 || !scope->only_channels)
			window->units[window->count++] =
				(AttributionUnit) {journey_at(view, i), i, channel, scope->direct[channel]};
	}
	window->nconversions = conversion - window->conversions;
	cursor->next += window->nconversions;
	cursor->since = end;
	return true;
}
