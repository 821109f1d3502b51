/*
 * journey/difference.c: finds the touchpoints of one journey in another, see
 * journey/difference.h.
 *
 * Both are in the order of times and of labels' bytes, so ids of one become ids
 * of the other in one pass over both dictionaries, and then touchpoints are
 * compared by numbers in one pass over both journeys.
 */
#include "journey/difference.h"

#include "journey/builder.h"
#include "journey/internal.h"
#include "journey/text.h"

#define NOT_THERE PG_UINT32_MAX

/* Ids in another dictionary of all labels of one, palloc'd. */
static uint32 *
find_ids(const JourneyLabels *labels, const JourneyLabels *other)
{
	uint32	   *ids = palloc_extended(Max(labels->count, 1) * sizeof(uint32), MCXT_ALLOC_HUGE);
	const uint8 *p = labels->dictionary;
	const uint8 *q = other->dictionary;
	Label		there = {NULL, 0};
	uint32		next = 0;		/* of other, the label after there */

	for (uint32 i = 0; i < labels->count; i++)
	{
		Label		label = journey_next_label(labels, &p);
		int			order = next == 0 ? 1 : label_compare(label, there);

		CHECK_FOR_INTERRUPTS();
		while (order > 0 && next < other->count)
		{
			there = journey_next_label(other, &q);
			next++;
			order = label_compare(label, there);
		}
		ids[i] = order == 0 ? next - 1 : NOT_THERE;
	}
	return ids;
}

/* Fails with touchpoint i of a journey, which is to be taken and is not there. */
static bool
fail_missing(const JourneyView *taken, uint32 i, CjmError *error)
{
	JourneyBuilder *one = builder_create(NULL);
	JourneyView view;
	StringInfoData text;
	uint8	   *bytes;
	size_t		size;

	if (!builder_add_view(&one, taken, i, i + 1, error) ||
		(bytes = builder_encode(one, false, 0, &size, error)) == NULL ||
		!journey_open(bytes, size, &view, error))
		return false;
	initStringInfo(&text);
	journey_print(&text, &view);
	cjm_fail(error, CJM_ERROR_VALUE, "journey does not hold a touchpoint that is to be taken from it");
	cjm_fail_detail(error, "The touchpoint is %s.", text.data);
	return false;
}

/*
 * Sets gone[i], false before, for the touchpoints of view that taken holds: of
 * equal ones as many as are taken.  Fails if taken holds one that view does not.
 */
bool
journey_take(const JourneyView *view, const JourneyView *taken, bool *gone, CjmError *error)
{
	uint32	   *events = find_ids(&taken->events, &view->events);
	uint32	   *channels = find_ids(&taken->channels, &view->channels);
	JourneyCursor cursor;
	JourneyCursor taking;
	Touch		touch;
	Touch		wanted;
	uint32		found = 0;

	journey_cursor_start(&cursor, view, 0);
	journey_cursor_start(&taking, taken, 0);
	while (journey_cursor_next(&taking, &wanted))
	{
		int			order = -1;

		CHECK_FOR_INTERRUPTS();
		wanted.event = events[wanted.event];
		if (wanted.channel != 0)
			wanted.channel = channels[wanted.channel - 1] == NOT_THERE ? NOT_THERE : channels[wanted.channel - 1] + 1;
		if (wanted.event == NOT_THERE || wanted.channel == NOT_THERE)
			break;
		while (order < 0 && journey_cursor_next(&cursor, &touch))
		{
			CHECK_FOR_INTERRUPTS();
			order = touch_compare(&touch, &wanted);
		}
		if (order != 0)
			break;
		gone[cursor.next - 1] = true;
		found++;
	}
	pfree(events);
	pfree(channels);
	return found == taken->count || fail_missing(taken, found, error);
}
