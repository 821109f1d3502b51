/*
 * journey/encode.c: writes the bytes of a journey; the layout stands at the top
 * of journey/format.c.
 */
#include "journey/internal.h"

#include "port/pg_bitutils.h"

/* Equal values have equal bits: -0 becomes 0, every NaN the same NaN. */
double
touch_value_normal(double value)
{
	if (isnan(value))
		return (double) NAN;
	return value + 0.0;
}

#define ST_SORT sort_touches
#define ST_ELEMENT_TYPE Touch
#define ST_COMPARE(a, b) touch_compare(a, b)
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* Whether two touchpoints with ids of one holder are equal. */
static inline bool
touch_equal(const Touch *a, const Touch *b)
{
	return a->at == b->at && a->event == b->event && a->channel == b->channel &&
		a->session == b->session && a->has_value == b->has_value && memcmp(&a->value, &b->value, 8) == 0;
}

/* Labels in order of which dictionaries on the stack know whether a journey uses them. */
#define FEW_LABELS 1024

/* One dictionary on its way into a value. */
typedef struct DictionaryPlan
{
	uint64	   *used;			/* a bit for each label in order */
	uint32	   *ids;			/* in the dictionary, of the labels in use */
	uint32		count;
	uint64		size;			/* bytes of the dictionary */
	uint64		few_used[FEW_LABELS / 64];
	uint32		few_ids[FEW_LABELS];
} DictionaryPlan;

static void
dictionary_start(DictionaryPlan *plan, uint32 nlabels)
{
	uint32		words = (nlabels + 63) / 64;

	plan->used = plan->few_used;
	plan->ids = plan->few_ids;
	if (nlabels > FEW_LABELS)
	{
		plan->used = palloc(words * sizeof(uint64));
		plan->ids = palloc(nlabels * sizeof(uint32));
	}
	memset(plan->used, 0, words * sizeof(uint64));
	plan->count = 0;
	plan->size = 0;
}

static inline void
dictionary_use(DictionaryPlan *plan, uint32 place)
{
	plan->used[place / 64] |= UINT64CONST(1) << (place % 64);
}

/* Numbers the labels in use. */
static void
dictionary_number(DictionaryPlan *plan, const LabelOrder *order)
{
	uint32		words = (order->pool->count + 63) / 64;

	for (uint32 word = 0; word < words; word++)
		for (uint64 bits = plan->used[word]; bits != 0; bits &= bits - 1)
		{
			uint32		place = word * 64 + pg_rightmost_one_pos64(bits);
			uint32		id = order->sorted[place];

			plan->ids[place] = plan->count++;
			plan->size += order->pool->offsets[id + 1] - order->pool->offsets[id];
		}
}

/* A pool keeps its labels as a dictionary does. */
static uint8 *
dictionary_store(uint8 *p, const DictionaryPlan *plan, const LabelOrder *order)
{
	const LabelPool *pool = order->pool;
	uint32		words = (pool->count + 63) / 64;

	for (uint32 word = 0; word < words; word++)
		for (uint64 bits = plan->used[word]; bits != 0; bits &= bits - 1)
		{
			uint32		id = order->sorted[word * 64 + pg_rightmost_one_pos64(bits)];
			uint32		size = pool->offsets[id + 1] - pool->offsets[id];

			memcpy(p, pool->bytes + pool->offsets[id], size);
			p += size;
		}
	return p;
}

static void
dictionary_free(DictionaryPlan *plan)
{
	if (plan->used == plan->few_used)
		return;
	pfree(plan->used);
	pfree(plan->ids);
}

static uint8 *
store_counts(uint8 *p, const LabelShape *labels)
{
	return labels->count == 0 ? p : varint_store(varint_store(p, labels->count), labels->size);
}

static int
counts_size(const LabelShape *labels)
{
	return labels->count == 0 ? 0 : varint_size(labels->count) + varint_size(labels->size);
}

/* The bytes of a journey of a shape. */
uint64
journey_size(const JourneyShape *shape)
{
	uint64		count = shape->count;

	return 3 + varint_size(count) + counts_size(&shape->events) + counts_size(&shape->channels) + counts_size(&shape->sessions) + 8 +
		shape->events.size + shape->channels.size + shape->sessions.size +
		(count - 1) * shape->time_width + count * (shape->events.width + shape->channels.width + shape->sessions.width) +
		(shape->nvalues > 0 && shape->nvalues < count ? (count + 7) / 8 : 0) + (uint64) shape->nvalues * 8;
}

/* Writes what stands before the dictionaries, and returns the byte after it. */
uint8 *
journey_store_header(uint8 *p, const JourneyShape *shape)
{
	/* Codes of widths of 1, 2 and 4 bytes are 0, 1 and 2 for events, and 1, 2 and 3 for what may be missing. */
	int			channels = shape->channels.width == 0 ? 0 : 1 + (shape->channels.width >> 1);
	int			sessions = shape->sessions.width == 0 ? 0 : 1 + (shape->sessions.width >> 1);

	*p++ = sessions == 0 ? JOURNEY_FORMAT_VERSION : JOURNEY_FORMAT_SESSIONS;
	*p++ = shape->time_width | shape->unit << 4;
	*p++ = shape->events.width >> 1 | channels << 2 | (shape->nvalues > 0 ? VALUES_BIT : 0) |
		(shape->nvalues > 0 && shape->nvalues < shape->count ? BITMAP_BIT : 0) | sessions << 6;
	p = varint_store(p, shape->count);
	p = store_counts(p, &shape->events);
	p = store_counts(p, &shape->channels);
	p = store_counts(p, &shape->sessions);
	bytes_store64(p, (uint64) shape->first);
	return p + 8;
}

typedef enum LabelColumn
{
	EVENTS,
	CHANNELS,
	SESSIONS
} LabelColumn;

static uint8 *
store_ids(uint8 *p, const Touch *touches, uint32 count, LabelColumn column, const DictionaryPlan *plan, int width)
{
	for (uint32 i = 0; i < count; i++, p += width)
	{
		uint32		entry = column == CHANNELS ? touches[i].channel : touches[i].session;
		uint32		id = column == EVENTS ? plan->ids[touches[i].event] : entry == 0 ? 0 : plan->ids[entry - 1] + 1;

		if (width == 1)
			*p = (uint8) id;
		else
			bytes_store64(p, id);
	}
	return p;
}

/*
 * journey_encode makes the canonical journey of a multiset of touchpoints whose
 * ids are places in an order of labels; labels that no touchpoint uses are left
 * out.  The touchpoints must have passed the checks above; they are sorted, and
 * distinct drops all but one of equal ones.  The result is palloc'd, behind
 * header bytes that are left to the caller; size is of both.  Returns NULL with
 * CJM_ERROR_LIMIT if the journey has too many touchpoints or would not fit in a
 * value.
 */
uint8 *
journey_encode(Touch *touches, uint32 count, const LabelOrder *order, bool distinct,
			   size_t header, size_t *result_size, CjmError *error)
{
	DictionaryPlan event_plan;
	DictionaryPlan channel_plan;
	DictionaryPlan session_plan;
	bool		sorted = true;
	uint32		nvalues = 0;
	int64		first;
	uint64		span;
	int			unit;
	int			time_width = 0;
	bool		has_sessions = false;
	JourneyShape shape;
	uint64		size;
	uint8	   *result;
	uint8	   *p;

	if (count > JOURNEY_MAX_TOUCHES)
	{
		cjm_fail(error, CJM_ERROR_LIMIT, "journey of %u touchpoints is too long", count);
		cjm_fail_detail(error, "A journey holds at most %d touchpoints.", JOURNEY_MAX_TOUCHES);
		cjm_fail_hint(error, "Is one customer key shared by many customers, such as an empty or anonymous one?");
		return NULL;
	}
	if (count == 0)
	{
		*result_size = header + 4;
		result = palloc(*result_size);
		memcpy(result + header, "\001\0\0", 4);
		return result;
	}

	for (uint32 i = 1; sorted && i < count; i++)
		sorted = touch_compare(&touches[i - 1], &touches[i]) <= 0;
	if (!sorted)
		sort_touches(touches, count);
	if (distinct)
	{
		uint32		kept = 1;

		for (uint32 i = 1; i < count; i++)
			if (!touch_equal(&touches[kept - 1], &touches[i]))
				touches[kept++] = touches[i];
		count = kept;
	}

	dictionary_start(&event_plan, order->pool->count);
	dictionary_start(&channel_plan, order->pool->count);
	session_plan.count = 0;
	session_plan.size = 0;
	for (uint32 i = 0; !has_sessions && i < count; i++)
		has_sessions = touches[i].session != 0;
	if (has_sessions)
		dictionary_start(&session_plan, order->pool->count);
	for (uint32 i = 0; i < count; i++)
	{
		dictionary_use(&event_plan, touches[i].event);
		if (touches[i].channel != 0)
			dictionary_use(&channel_plan, touches[i].channel - 1);
		if (touches[i].session != 0)
			dictionary_use(&session_plan, touches[i].session - 1);
		nvalues += touches[i].has_value;
	}
	dictionary_number(&event_plan, order);
	dictionary_number(&channel_plan, order);
	if (has_sessions)
		dictionary_number(&session_plan, order);

	/* The largest unit that divides all offsets, then the smallest width. */
	first = touches[0].at;
	span = (uint64) touches[count - 1].at - (uint64) first;
	unit = span == 0 ? 0 : lengthof(unit_microseconds) - 1;
	for (uint32 i = 1; unit > 0 && i < count; i++)
		while (((uint64) touches[i].at - (uint64) first) % unit_microseconds[unit] != 0)
			unit--;
	while (time_width < 8 && (span / unit_microseconds[unit]) >> (8 * time_width) != 0)
		time_width++;
	shape = (JourneyShape) {
		.count = count, .first = first, .unit = unit, .time_width = time_width, .nvalues = nvalues,
		.events = {event_plan.count, event_plan.size, journey_id_width(event_plan.count - 1)},
		.channels = {channel_plan.count, channel_plan.size, channel_plan.count == 0 ? 0 : journey_id_width(channel_plan.count)},
		.sessions = {session_plan.count, session_plan.size, session_plan.count == 0 ? 0 : journey_id_width(session_plan.count)}
	};

	size = journey_size(&shape);
	if (size > MaxAllocSize - header - JOURNEY_STORE_SLACK)
	{
		cjm_fail(error, CJM_ERROR_LIMIT, "journey of %u touchpoints and " UINT64_FORMAT " bytes is too large",
				 count, size);
		cjm_fail_detail(error, "A value holds at most 1 GB.");
		return NULL;
	}
	*result_size = header + size;
	result = palloc(header + size + JOURNEY_STORE_SLACK);
	p = result + header;

	p = journey_store_header(p, &shape);
	p = dictionary_store(p, &event_plan, order);
	p = dictionary_store(p, &channel_plan, order);
	if (has_sessions)
		p = dictionary_store(p, &session_plan, order);
	if (unit == 0)
		for (uint32 i = 1; i < count; i++, p += time_width)
			bytes_store64(p, (uint64) touches[i].at - (uint64) first);
	else
		for (uint32 i = 1; i < count; i++, p += time_width)
			bytes_store64(p, ((uint64) touches[i].at - (uint64) first) / unit_microseconds[unit]);
	p = store_ids(p, touches, count, EVENTS, &event_plan, shape.events.width);
	if (shape.channels.width != 0)
		p = store_ids(p, touches, count, CHANNELS, &channel_plan, shape.channels.width);
	if (has_sessions)
		p = store_ids(p, touches, count, SESSIONS, &session_plan, shape.sessions.width);
	if (nvalues > 0 && nvalues < count)
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
	Assert(p == result + *result_size);

	dictionary_free(&event_plan);
	dictionary_free(&channel_plan);
	if (has_sessions)
		dictionary_free(&session_plan);
	return result;
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
journey_relabel(const uint8 *bytes, size_t size, const Label *events, const Label *channels, const Label *sessions, StringInfo out)
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
	if (view.sessions.width != 0)
	{
		append_varint(out, view.sessions.count);
		append_varint(out, labels_size(sessions, view.sessions.count));
	}
	bytes_store64(first, (uint64) view.first);
	appendBinaryStringInfo(out, (const char *) first, sizeof(first));
	append_labels(out, events, view.events.count);
	append_labels(out, channels, view.channels.count);
	append_labels(out, sessions, view.sessions.count);
	appendBinaryStringInfo(out, (const char *) view.offsets, bytes + size - view.offsets);
}
