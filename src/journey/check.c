/*
 * journey/check.c: the one validator of journeys that come from outside.
 */
#include "journey/internal.h"

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

/* Reads the two counts of a dictionary. */
static const uint8 *
dictionary_counts(const uint8 *p, const uint8 *end, JourneyLabels *labels, uint64 touches)
{
	uint64		count;
	uint64		size;

	p = varint_check(p, end, &count);
	if (p == NULL || count == 0 || count > touches)
		return NULL;
	p = varint_check(p, end, &size);
	if (p == NULL || size > MaxAllocSize || size < 2 * count)
		return NULL;
	labels->count = count;
	labels->size = size;
	return p;
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
	const uint8 *end = bytes + size;
	const uint8 *p;
	JourneyView view = {0};
	uint64		count;
	uint64		nvalues;
	uint64		expected;

	if (!journey_version_check(bytes, size, error))
		return false;
	if ((bytes[1] & 0x0f) > 8 || bytes[1] >> 6 != 0 || (bytes[2] & 3) == 3 || bytes[2] >> 6 != 0 ||
		(bytes[2] & (VALUES_BIT | BITMAP_BIT)) == BITMAP_BIT)
		return cjm_fail(error, CJM_ERROR_CORRUPT, "journey is damaged: header bytes %02x %02x are not valid",
						bytes[1], bytes[2]);
	p = varint_check(bytes + 3, end, &count);
	if (p == NULL)
		return cjm_fail(error, CJM_ERROR_CORRUPT, "journey is damaged: its number of touchpoints is cut off");
	if (count == 0)
	{
		if (p != end || bytes[1] != 0 || bytes[2] != 0)
			return cjm_fail(error, CJM_ERROR_CORRUPT, "journey is damaged: bytes follow an empty journey");
		return true;
	}
	if (count > JOURNEY_MAX_TOUCHES)
		return cjm_fail(error, CJM_ERROR_LIMIT, "journey of " UINT64_FORMAT " touchpoints is too long; the limit is %d",
						count, JOURNEY_MAX_TOUCHES);
	view.count = count;
	p = dictionary_counts(p, end, &view.events, count);
	if (p != NULL && (bytes[2] & 0x0c))
		p = dictionary_counts(p, end, &view.channels, count);
	if (p == NULL || end - p < 8)
		return cjm_fail(error, CJM_ERROR_CORRUPT, "journey is damaged: the size of a dictionary is not valid");
	view.first = (int64) bytes_load64(p);
	p += 8;

	/* Sizes first, so that no column is read beyond the end. */
	expected = (uint64) view.events.size + view.channels.size +
		(count - 1) * (bytes[1] & 0x0f) + count * (1 << (bytes[2] & 3)) +
		((bytes[2] & 0x0c) ? count << ((bytes[2] >> 2 & 3) - 1) : 0) +
		((bytes[2] & BITMAP_BIT) ? (count + 7) / 8 : 0);
	if (expected > (uint64) (end - p))
		return cjm_fail(error, CJM_ERROR_CORRUPT, "journey is damaged: it ends within its columns");
	p = journey_cut_columns(bytes, p, &view);
	nvalues = view.values ? count : 0;
	if (view.present)
	{
		nvalues = 0;
		for (uint32 i = 0; i < count; i++)
			nvalues += view.present[i / 8] >> (i % 8) & 1;
	}
	if ((uint64) (end - p) != nvalues * 8)
		return cjm_fail(error, CJM_ERROR_CORRUPT, "journey is damaged: its size does not fit its touchpoints");

	if (!dictionary_check(&view.events, max_label, "event", error) ||
		!dictionary_check(&view.channels, max_label, "channel", error))
		return false;
	if (!touch_time_check(view.first, error))
		return false;
	for (uint32 i = 0; i < count; i++)
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
		if (journey_label_at(&view.events, i) >= view.events.count ||
			journey_label_at(&view.channels, i) > view.channels.count)
			return cjm_fail(error, CJM_ERROR_CORRUPT, "journey is damaged: touchpoint %u has an unknown label", i + 1);
	}
	return true;
}
