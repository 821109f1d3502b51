/*
 * journey_encode.c: writes the bytes of a journey; the layout stands at the top
 * of journey_format.c.
 */
#include "journey_internal.h"

/* The code of the smallest width, 1, 2 or 4 bytes, that holds max. */
static inline int
id_width_code(uint32 max)
{
	return max <= 0xff ? 0 : max <= 0xffff ? 1 : 2;
}

/* Whether a time may be in a journey: finite and within timestamptz. */
bool
touch_time_check(int64 at, CjmError *error)
{
	if (TIMESTAMP_NOT_FINITE(at))
		return cjm_fail(error, CJM_ERROR_RANGE, "touchpoint time must not be %s",
						TIMESTAMP_IS_NOBEGIN(at) ? "-infinity" : "infinity");
	if (!IS_VALID_TIMESTAMP(at))
		return cjm_fail(error, CJM_ERROR_RANGE, "touchpoint time is out of range");
	return true;
}

/* Equal values have equal bits: -0 becomes 0, every NaN the same NaN. */
double
touch_value_normal(double value)
{
	if (isnan(value))
		return (double) NAN;
	return value + 0.0;
}

/* The canonical order, for ids that rise with the bytes of their labels. */
static inline int
touch_compare(const Touch *a, const Touch *b)
{
	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	if (a->event != b->event)
		return a->event < b->event ? -1 : 1;
	if (a->channel != b->channel)
		return a->channel < b->channel ? -1 : 1;
	return value_compare(a->has_value, a->value, b->has_value, b->value);
}

#define ST_SORT sort_touches
#define ST_ELEMENT_TYPE Touch
#define ST_COMPARE(a, b) touch_compare(a, b)
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* A label and its place in the array it came from, for sorting. */
typedef struct RankedLabel
{
	Label		label;
	uint32		id;
} RankedLabel;

#define ST_SORT sort_labels
#define ST_ELEMENT_TYPE RankedLabel
#define ST_COMPARE(a, b) label_compare((a)->label, (b)->label)
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* One dictionary on its way into a value. */
typedef struct DictionaryPlan
{
	RankedLabel *sorted;		/* the labels in use, in byte order */
	uint32	   *rank;			/* by the caller's id, of the labels in use */
	uint32		count;
	uint64		size;			/* bytes of the dictionary */
} DictionaryPlan;

/*
 * Ranks the labels that are in use.  used has a flag for each label; the
 * labels are distinct.
 */
static void
dictionary_plan(const Label *labels, uint32 nlabels, const bool *used, DictionaryPlan *plan)
{
	plan->sorted = palloc_extended(Max(nlabels, 1) * sizeof(RankedLabel), MCXT_ALLOC_HUGE);
	plan->rank = palloc_extended(Max(nlabels, 1) * sizeof(uint32), MCXT_ALLOC_HUGE);
	plan->count = 0;
	plan->size = 0;
	for (uint32 i = 0; i < nlabels; i++)
	{
		if (!used[i])
			continue;
		plan->sorted[plan->count].label = labels[i];
		plan->sorted[plan->count++].id = i;
		plan->size += varint_size(labels[i].size) + labels[i].size;
	}
	sort_labels(plan->sorted, plan->count);
	for (uint32 i = 0; i < plan->count; i++)
		plan->rank[plan->sorted[i].id] = i;
}

static uint8 *
dictionary_store(uint8 *p, const DictionaryPlan *plan)
{
	for (uint32 i = 0; i < plan->count; i++)
	{
		Label		label = plan->sorted[i].label;

		p = varint_store(p, label.size);
		memcpy(p, label.bytes, label.size);
		p += label.size;
	}
	return p;
}

static void
dictionary_free(DictionaryPlan *plan)
{
	pfree(plan->sorted);
	pfree(plan->rank);
}

/*
 * journey_encode appends the canonical bytes of a multiset of touchpoints to
 * out.  Its ids index the arrays of distinct labels; labels that no touchpoint
 * uses are left out.  The touchpoints must have passed the checks above; they
 * are sorted and their ids replaced.  Fails with CJM_ERROR_LIMIT, and nothing
 * appended, if the journey has too many touchpoints or would not fit in a value.
 */
bool
journey_encode(Touch *touches, uint32 count,
			   const Label *events, uint32 nevents,
			   const Label *channels, uint32 nchannels,
			   StringInfo out, CjmError *error)
{
	DictionaryPlan event_plan;
	DictionaryPlan channel_plan;
	bool	   *used;
	bool		sorted = true;
	uint32		nvalues = 0;
	int64		first;
	uint64		span;
	int			unit;
	int			time_width = 0;
	int			event_code;
	int			channel_code;
	int			event_width;
	int			channel_width;
	bool		bitmap;
	uint64		size;
	uint8	   *p;

	if (count > JOURNEY_MAX_TOUCHES)
	{
		cjm_fail(error, CJM_ERROR_LIMIT, "journey of %u touchpoints is too long", count);
		cjm_fail_detail(error, "A journey holds at most %d touchpoints.", JOURNEY_MAX_TOUCHES);
		cjm_fail_hint(error, "Is one customer key shared by many customers, such as an empty or anonymous one?");
		return false;
	}
	if (count == 0)
	{
		appendBinaryStringInfo(out, "\001\0\0", 4);
		return true;
	}

	/* Ids become ranks, so that comparing ids compares labels. */
	used = palloc0(nevents + (size_t) nchannels);
	for (uint32 i = 0; i < count; i++)
	{
		used[touches[i].event] = true;
		if (touches[i].channel != 0)
			used[nevents + touches[i].channel - 1] = true;
		nvalues += touches[i].has_value;
	}
	dictionary_plan(events, nevents, used, &event_plan);
	dictionary_plan(channels, nchannels, used + nevents, &channel_plan);
	pfree(used);
	for (uint32 i = 0; i < count; i++)
	{
		touches[i].event = event_plan.rank[touches[i].event];
		if (touches[i].channel != 0)
			touches[i].channel = channel_plan.rank[touches[i].channel - 1] + 1;
		if (i > 0 && sorted && touch_compare(&touches[i - 1], &touches[i]) > 0)
			sorted = false;
	}
	if (!sorted)
		sort_touches(touches, count);

	/* The largest unit that divides all offsets, then the smallest width. */
	first = touches[0].at;
	span = (uint64) touches[count - 1].at - (uint64) first;
	unit = span == 0 ? 0 : lengthof(unit_microseconds) - 1;
	for (uint32 i = 1; unit > 0 && i < count; i++)
		while (((uint64) touches[i].at - (uint64) first) % unit_microseconds[unit] != 0)
			unit--;
	while (time_width < 8 && (span / unit_microseconds[unit]) >> (8 * time_width) != 0)
		time_width++;
	event_code = id_width_code(event_plan.count - 1);
	channel_code = channel_plan.count == 0 ? 0 : 1 + id_width_code(channel_plan.count);
	event_width = 1 << event_code;
	channel_width = channel_code == 0 ? 0 : 1 << (channel_code - 1);
	bitmap = nvalues > 0 && nvalues < count;

	size = 3 + varint_size(count) + varint_size(event_plan.count) + varint_size(event_plan.size) + 8 +
		event_plan.size + channel_plan.size +
		(uint64) (count - 1) * time_width + (uint64) count * (event_width + channel_width) +
		(bitmap ? (count + 7) / 8 : 0) + (uint64) nvalues * 8;
	if (channel_code != 0)
		size += varint_size(channel_plan.count) + varint_size(channel_plan.size);
	if (size > MaxAllocSize - out->len - 1)
	{
		cjm_fail(error, CJM_ERROR_LIMIT, "journey of %u touchpoints and " UINT64_FORMAT " bytes is too large",
				 count, size);
		cjm_fail_detail(error, "A value holds at most 1 GB.");
		return false;
	}
	enlargeStringInfo(out, size);
	p = (uint8 *) out->data + out->len;
	out->len += size;
	out->data[out->len] = '\0';

	*p++ = JOURNEY_FORMAT_VERSION;
	*p++ = time_width | unit << 4;
	*p++ = event_code | channel_code << 2 | (nvalues > 0 ? VALUES_BIT : 0) | (bitmap ? BITMAP_BIT : 0);
	p = varint_store(p, count);
	p = varint_store(p, event_plan.count);
	p = varint_store(p, event_plan.size);
	if (channel_code != 0)
	{
		p = varint_store(p, channel_plan.count);
		p = varint_store(p, channel_plan.size);
	}
	bytes_store64(p, (uint64) first);
	p += 8;
	p = dictionary_store(p, &event_plan);
	p = dictionary_store(p, &channel_plan);
	for (uint32 i = 1; i < count; i++, p += time_width)
		bytes_store(p, ((uint64) touches[i].at - (uint64) first) / unit_microseconds[unit], time_width);
	for (uint32 i = 0; i < count; i++, p += event_width)
		bytes_store(p, touches[i].event, event_width);
	if (channel_code != 0)
		for (uint32 i = 0; i < count; i++, p += channel_width)
			bytes_store(p, touches[i].channel, channel_width);
	if (bitmap)
	{
		memset(p, 0, (count + 7) / 8);
		for (uint32 i = 0; i < count; i++)
			if (touches[i].has_value)
				p[i / 8] |= 1 << (i % 8);
		p += (count + 7) / 8;
	}
	for (uint32 i = 0; nvalues > 0 && i < count; i++)
		if (touches[i].has_value)
		{
			uint64		bits;

			memcpy(&bits, &touches[i].value, 8);
			bytes_store64(p, bits);
			p += 8;
		}
	Assert(p == (uint8 *) out->data + out->len);

	dictionary_free(&event_plan);
	dictionary_free(&channel_plan);
	return true;
}

static uint64
labels_size(const Label *labels, uint32 count)
{
	uint64		size = 0;

	for (uint32 i = 0; i < count; i++)
		size += varint_size(labels[i].size) + labels[i].size;
	return size;
}

static void
append_labels(StringInfo out, const Label *labels, uint32 count)
{
	for (uint32 i = 0; i < count; i++)
	{
		append_varint(out, labels[i].size);
		appendBinaryStringInfo(out, labels[i].bytes, labels[i].size);
	}
}

/*
 * journey_relabel appends a sound journey with other labels for the same ids,
 * as converting between encodings gives them.  The result has the form of a
 * journey, but its dictionaries need not be in order nor its labels allowed.
 */
void
journey_relabel(const uint8 *bytes, size_t size, const Label *events, const Label *channels, StringInfo out)
{
	JourneyView view;
	CjmError	error = {0};
	uint8		first[8];

	if (!journey_open(bytes, size, &view, &error) || view.count == 0)
	{
		appendBinaryStringInfo(out, (const char *) bytes, size);
		return;
	}
	appendBinaryStringInfo(out, (const char *) bytes, 3);
	append_varint(out, view.count);
	append_varint(out, view.events.count);
	append_varint(out, labels_size(events, view.events.count));
	if (view.channels.width != 0)
	{
		append_varint(out, view.channels.count);
		append_varint(out, labels_size(channels, view.channels.count));
	}
	bytes_store64(first, (uint64) view.first);
	appendBinaryStringInfo(out, (const char *) first, sizeof(first));
	append_labels(out, events, view.events.count);
	append_labels(out, channels, view.channels.count);
	appendBinaryStringInfo(out, (const char *) view.offsets, bytes + size - view.offsets);
}
