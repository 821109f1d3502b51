/*
 * journey/check.c: the one validator of journeys that come from outside.
 */
#include "journey/internal.h"

#include "port/pg_bitutils.h"

/* Checks a dictionary: sizes, label rules. */
static bool
dictionary_check(const JourneyLabels *labels, uint32 max_label, const char *what, CjmError *error)
{
	const uint8 *p = labels->dictionary;
	const uint8 *end = p + labels->size;

	for (uint32 i = 0; i < labels->count; i++)
	{
		uint64		size;

		p = varint_check(p, end, &size);
		if (p == NULL || size > (uint64) (end - p))
			return cjm_fail(error, CJM_ERROR_CORRUPT, "journey is damaged: %s label %u runs over its dictionary",
							what, i);
		if (size == 0 || size > max_label)
			return label_check((Label) {(const char *) p, (uint32) size}, what, error);
		p += size;
	}
	if (p != end)
		return cjm_fail(error, CJM_ERROR_CORRUPT, "journey is damaged: %s dictionary is longer than its labels",
						what);
	return true;
}

/* How many touchpoints have a value. */
static uint64
count_values(const JourneyView *view)
{
	uint64		count = 0;
	uint32		i = 0;

	if (view->present == NULL)
		return view->count;
	for (; view->count - i >= 64; i += 64)
		count += pg_popcount64(bytes_load64(view->present + i / 8));
	for (; i < view->count; i++)
		count += view->present[i / 8] >> (i % 8) & 1;
	return count;
}

/*
 * journey_check is the one validator: after it, every reader of this file is
 * safe on the bytes.  It does not ask for canonical order, since the labels of
 * a value that travelled through another encoding are out of order; whoever
 * takes in such bytes writes them anew with journey_encode.  max_label is the
 * longest label allowed: LABEL_MAX_BYTES, or more in another encoding.
 */
bool
journey_check(const uint8 *bytes, size_t size, uint32 max_label, CjmError *error)
{
	JourneyView view;

	if (!journey_open(bytes, size, &view, error))
		return false;
	if (view.count == 0)
		return true;
	if (view.values != NULL && count_values(&view) != view.nvalues)
		return cjm_fail(error, CJM_ERROR_CORRUPT, "journey is damaged: its size does not fit its touchpoints");
	if (!dictionary_check(&view.events, max_label, "event", error) ||
		!dictionary_check(&view.channels, max_label, "channel", error) ||
		!dictionary_check(&view.sessions, max_label, "session", error))
		return false;
	for (uint32 i = 0; i < view.count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i > 0 && view.time_width > 0)
		{
			uint64		offset = bytes_load(view.offsets + (size_t) (i - 1) * view.time_width, view.time_width);

			if (offset > ((uint64) END_TIMESTAMP - (uint64) view.first) / view.unit)
				return cjm_fail(error, CJM_ERROR_RANGE, "time of touchpoint %u is out of range", i + 1);
			if (!touch_time_check(journey_at(&view, i), error))
				return false;
		}
		if (!journey_has_entry(&view.events, i) || !journey_has_entry(&view.channels, i) || !journey_has_entry(&view.sessions, i))
			return cjm_fail(error, CJM_ERROR_CORRUPT, "journey is damaged: touchpoint %u has an unknown label", i + 1);
	}
	return true;
}
