/*
 * attribution/cursor.c: the conversions of a journey and the units of each, see
 * attribution/models.h.
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
 * conversion at hand and, for visits, some twelve bytes a touchpoint; all in the
 * context of whoever calls attribution_start and attribution_next.
 */
#include "attribution/models.h"

#define FIRST_UNITS 64

/* Numbers the visits and finds the channel of each. */
static void
find_visits(AttributionCursor *cursor)
{
	const JourneyView *view = cursor->view;
	uint32		count;

	cursor->visit = session_numbers(view, &cursor->scope->rule, NULL, &count);
	cursor->channel_touch = palloc_extended((size_t) count * sizeof(uint32), MCXT_ALLOC_HUGE);
	cursor->asked = palloc_extended((size_t) count * sizeof(uint32), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint32 i = 0; i < count; i++)
		cursor->channel_touch[i] = view->count;
	for (uint32 i = view->count; i-- > 0;)
		if (journey_label_at(&view->channels, i) != 0)
			cursor->channel_touch[cursor->visit[i]] = i;
}

/* Takes the touchpoints of the conversions and their values, which are reached in one pass. */
static void
find_conversions(AttributionCursor *cursor, const uint32 *touches)
{
	const JourneyView *view = cursor->view;
	uint32		seen = 0;
	size_t		values = 0;		/* of the touchpoints seen */

	cursor->conversions = palloc_extended(cursor->nconversions * sizeof(AttributionConversion), MCXT_ALLOC_HUGE);
	for (size_t i = 0; i < cursor->nconversions; i++)
	{
		AttributionConversion *conversion = &cursor->conversions[i];

		*conversion = (AttributionConversion) {touches[i], view->values != NULL, 0};
		if (view->values == NULL)
			continue;
		if (view->present == NULL)
			values = touches[i];
		else
		{
			CHECK_FOR_INTERRUPTS();
			if (seen > touches[i])
				cjm_damaged("the times of a journey are not in order");
			for (; seen < touches[i]; seen++)
				values += view->present[seen / 8] >> (seen % 8) & 1;
			conversion->has_value = view->present[seen / 8] >> (seen % 8) & 1;
		}
		if (conversion->has_value)
		{
			uint64		bits;

			if (values >= view->nvalues)
				cjm_damaged("touchpoints of a journey have more values than there are");
			bits = bytes_load64(view->values + values * 8);

			memcpy(&conversion->value, &bits, 8);
		}
	}
}

/* Starts with the first of the conversions, by their touchpoints; there is one.  The view and the scope must stay. */
void
attribution_start(AttributionCursor *cursor, const JourneyView *view, const AttributionScope *scope,
				  const uint32 *touches, size_t nconversions)
{
	memset(cursor, 0, sizeof(*cursor));
	cursor->view = view;
	cursor->scope = scope;
	cursor->nconversions = nconversions;
	find_conversions(cursor, touches);
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
	const AttributionConversion *conversion = cursor->conversions + cursor->next;
	const AttributionConversion *last = cursor->conversions + cursor->nconversions;
	uint32		from = cursor->since;
	uint32		end;
	int64		at = PG_INT64_MIN;

	if (conversion == last)
		return false;
	cursor->windows++;
	window->at = journey_at(view, conversion->touch);
	window->conversions = conversion;
	end = conversion->touch + 1;
	while (end < view->count && journey_at(view, end) == window->at)
		end++;
	if (scope->looks_back)
		from = window->at < PG_INT64_MIN + scope->lookback ? 0 : journey_lower_bound(view, window->at - scope->lookback);

	if (from > conversion->touch)
		cjm_damaged("the times of a journey are not in order");
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
		if (conversion < last && i == conversion->touch)
		{
			conversion++;
			continue;
		}
		at = journey_at_after(view, i, at);
		if (!scope->visits)
			channel = journey_label_at(&view->channels, i);
		else
		{
			uint32		visit = cursor->visit[i];

			if (cursor->asked[visit] == cursor->windows)
				continue;
			cursor->asked[visit] = cursor->windows;
			channel = visit_channel(cursor, visit, end);
		}
		if (channel != 0 || !scope->only_channels)
			window->units[window->count++] =
				(AttributionUnit) {at, i, channel, scope->direct[channel]};
	}
	window->nconversions = conversion - window->conversions;
	cursor->next += window->nconversions;
	cursor->since = end;
	return true;
}
