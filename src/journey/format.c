/*
 * journey/format.c: opens and reads the bytes of a journey.
 *
 *	byte 0		format version, 1; 2 if there are sessions
 *	byte 1		bits 0-3 bytes of a time offset (0 to 8), bits 4-5 its unit
 *				(0 microsecond, 1 millisecond, 2 second, 3 minute)
 *	byte 2		bits 0-1 width of an event id (0: 1 byte, 1: 2, 2: 4),
 *				bits 2-3 width of a channel id (0: no channels, 1: 1 byte, 2: 2, 3: 4),
 *				bit 4 there are values, bit 5 some touchpoints have none,
 *				bits 6-7 width of a session id, as of a channel id
 *	varint		touchpoints; nothing follows a zero
 *	varint		event labels, varint bytes of their dictionary
 *	[varint		channel labels, varint bytes of their dictionary]
 *	[varint		session labels, varint bytes of their dictionary]
 *	8 bytes		time of the first touchpoint
 *	dictionary	of events: for each label a varint size and its bytes
 *	[dictionary	of channels]
 *	[dictionary	of sessions]
 *	offsets		count - 1 entries: time since the first, in units
 *	event ids	count entries
 *	[channel	count entries: 0 for none, else the id + 1]
 *	[session	count entries: 0 for none, else the id + 1]
 *	[bitmap		(count + 7) / 8 bytes: which touchpoints have a value]
 *	[values		8 bytes each, IEEE 754 little-endian, of those that have one]
 *
 * What journey_encode (journey/encode.c) writes is canonical: touchpoints in the order of
 * touch_compare, dictionaries sorted and without unused labels, every width the
 * smallest and the unit the largest that fits.  So equal contents are equal
 * bytes.  Offsets count from the first time and not from the touchpoint
 * before, and all have one width: that costs a byte or two against a variable
 * length delta and buys reading any time without reading those before it.
 */
#include "journey/internal.h"

/*
 * The bytes that follow the header are cut into columns here.  p is the first
 * byte after the header.  Returns the byte after the last column but values;
 * sizes are not checked.
 */
static pg_attribute_always_inline const uint8 *
cut_columns(const uint8 *bytes, const uint8 *p, JourneyView *view)
{
	view->time_width = bytes[1] & 0x0f;
	view->time_shift = view->time_width == 0 ? 0 : 64 - 8 * view->time_width;
	view->unit = view->time_width == 0 ? 0 : unit_microseconds[bytes[1] >> 4 & 3];
	view->events.width = 1 << (bytes[2] & 3);
	view->channels.width = (bytes[2] >> 2 & 3) == 0 ? 0 : 1 << ((bytes[2] >> 2 & 3) - 1);
	view->sessions.width = bytes[2] >> 6 == 0 ? 0 : 1 << ((bytes[2] >> 6) - 1);
	view->events.dictionary = p;
	p += view->events.size;
	view->channels.dictionary = p;
	p += view->channels.size;
	view->sessions.dictionary = p;
	p += view->sessions.size;
	view->offsets = p;
	p += (size_t) (view->count - 1) * view->time_width;
	view->events.column = p;
	p += (size_t) view->count * view->events.width;
	view->channels.column = p;
	p += (size_t) view->count * view->channels.width;
	view->sessions.column = p;
	p += (size_t) view->count * view->sessions.width;
	view->present = NULL;
	if (bytes[2] & BITMAP_BIT)
	{
		view->present = p;
		p += (view->count + 7) / 8;
	}
	view->values = bytes[2] & VALUES_BIT ? p : NULL;
	view->events.limit = view->events.count;
	view->channels.limit = view->channels.count + 1;
	view->sessions.limit = view->sessions.count + 1;
	return p;
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

/* Refuses another format version, and bytes too short for a header. */
static bool
version_check(const uint8 *bytes, size_t size, CjmError *error)
{
	if (size >= 1 && bytes[0] != JOURNEY_FORMAT_VERSION && bytes[0] != JOURNEY_FORMAT_SESSIONS)
	{
		cjm_fail(error, CJM_ERROR_VERSION, "journey format version %u is not supported", bytes[0]);
		cjm_fail_detail(error, "This release of cjm reads versions %d and %d.", JOURNEY_FORMAT_VERSION, JOURNEY_FORMAT_SESSIONS);
		return false;
	}
	if (size < 4)
		return cjm_fail(error, CJM_ERROR_CORRUPT, "journey of %zu bytes is too short", size);
	return true;
}

/* Reads the two counts of a dictionary; NULL if there cannot be such a one. */
static pg_attribute_always_inline const uint8 *
read_counts(const uint8 *p, const uint8 *end, JourneyLabels *labels, uint64 touches)
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
 * journey_open_part opens a value of whole bytes of which the first size are
 * there: all, or enough for the header.  The view points into bytes, which must
 * stay; of a part only the dictionary of events may be read, once it is there.
 *
 * This is the header's one reader.  After it, all columns lie within the value,
 * and nothing is said of what is in them.
 */
bool
journey_open_part(const uint8 *bytes, size_t size, size_t whole, JourneyView *view, CjmError *error)
{
	const uint8 *p = bytes + 3;
	const uint8 *end = bytes + size;
	const uint8 *columns;
	uint64		count;
	size_t		values;

	if (!version_check(bytes, size, error))
		return false;
	if ((bytes[1] & 0x0f) > 8 || bytes[1] >> 6 != 0 || (bytes[2] & 3) == 3 || (bytes[2] >> 6 != 0) != (bytes[0] == JOURNEY_FORMAT_SESSIONS) ||
		(bytes[2] & (VALUES_BIT | BITMAP_BIT)) == BITMAP_BIT)
		return cjm_fail(error, CJM_ERROR_CORRUPT, "journey is damaged: header bytes %02x %02x are not valid",
						bytes[1], bytes[2]);
	p = varint_check(p, end, &count);
	if (p == NULL)
		return cjm_fail(error, CJM_ERROR_CORRUPT, "journey is damaged: its number of touchpoints is cut off");
	if (count == 0)
	{
		if (p != bytes + whole || bytes[1] != 0 || bytes[2] != 0)
			return cjm_fail(error, CJM_ERROR_CORRUPT, "journey is damaged: bytes follow an empty journey");
		memset(view, 0, sizeof(*view));
		return true;
	}
	if (count > JOURNEY_MAX_TOUCHES)
		return cjm_fail(error, CJM_ERROR_LIMIT, "journey of " UINT64_FORMAT " touchpoints is too long; the limit is %d",
						count, JOURNEY_MAX_TOUCHES);
	view->count = count;
	view->channels.count = view->sessions.count = 0;
	view->channels.size = view->sessions.size = 0;
	p = read_counts(p, end, &view->events, count);
	if (p != NULL && (bytes[2] & 0x0c))
		p = read_counts(p, end, &view->channels, count);
	if (p != NULL && bytes[2] >> 6 != 0)
		p = read_counts(p, end, &view->sessions, count);
	if (p == NULL || end - p < 8)
		return cjm_fail(error, CJM_ERROR_CORRUPT, "journey is damaged: the size of a dictionary is not valid");
	view->first = (int64) bytes_load64(p);
	if (!touch_time_check(view->first, error))
		return false;
	p += 8;

	/* Sizes first, so that no column is read beyond the end. */
	columns = cut_columns(bytes, p, view);
	if ((uint64) (columns - bytes) > whole)
		return cjm_fail(error, CJM_ERROR_CORRUPT, "journey is damaged: it ends within its columns");
	values = whole - (columns - bytes);
	view->nvalues = values / 8;
	/* Where all touchpoints have a value, or none, their number is known. */
	if (values % 8 != 0 || values / 8 > count ||
		(view->present == NULL && view->nvalues != (view->values != NULL ? count : 0)))
		return cjm_fail(error, CJM_ERROR_CORRUPT, "journey is damaged: its size does not fit its touchpoints");
	return true;
}

/* journey_open opens a value; costs a few nanoseconds. */
bool
journey_open(const uint8 *bytes, size_t size, JourneyView *view, CjmError *error)
{
	return journey_open_part(bytes, size, size, view, error);
}

/* The label at p of a dictionary; p moves on to the next one. */
Label
journey_next_label(const JourneyLabels *labels, const uint8 **p)
{
	const uint8 *end = labels->dictionary + labels->size;
	const uint8 *bytes;
	uint64		size;

	bytes = varint_check(*p, end, &size);
	if (unlikely(bytes == NULL || size == 0 || size > (uint64) (end - bytes)))
		cjm_damaged("a label of a journey runs over its dictionary");
	*p = bytes + size;
	return (Label) {(const char *) bytes, (uint32) size};
}

/* The labels of a dictionary by id, palloc'd; they point into the value. */
Label *
journey_labels(const JourneyLabels *labels)
{
	Label	   *out = palloc_extended(Max(labels->count, 1) * sizeof(Label), MCXT_ALLOC_HUGE);
	const uint8 *p = labels->dictionary;

	for (uint32 i = 0; i < labels->count; i++)
		out[i] = journey_next_label(labels, &p);
	return out;
}

/* The label of an id; linear in the id, for who needs one and not all. */
Label
journey_label(const JourneyLabels *labels, uint32 id)
{
	const uint8 *p = labels->dictionary;
	Label		label;

	do
		label = journey_next_label(labels, &p);
	while (id-- > 0);
	return label;
}

/* The id of a label, or -1 if the dictionary does not have it. */
int64
journey_find_label(const JourneyLabels *labels, Label label)
{
	const uint8 *p = labels->dictionary;

	for (uint32 i = 0; i < labels->count; i++)
		if (label_equal(journey_next_label(labels, &p), label))
			return i;
	return -1;
}

/* The number of touchpoints before a time. */
uint32
journey_lower_bound(const JourneyView *view, int64 at)
{
	uint32		low = 0;
	uint32		high = view->count;

	while (low < high)
	{
		uint32		middle = low + (high - low) / 2;

		if (journey_at(view, middle) < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Starts a cursor at touchpoint from; linear in from where some values are NULL. */
void
journey_cursor_start(JourneyCursor *cursor, const JourneyView *view, uint32 from)
{
	size_t		before = from;

	if (view->present)
	{
		before = 0;
		for (uint32 i = 0; i < from; i++)
			before += view->present[i / 8] >> (i % 8) & 1;
	}
	cursor->view = view;
	cursor->next = from;
	if (view->values && before > view->nvalues)
		cjm_damaged("touchpoints of a journey have more values than there are");
	cursor->next_value = view->values ? view->values + before * 8 : NULL;
	cursor->values_left = view->values ? view->nvalues - before : 0;
	cursor->any_order = false;
	cursor->previous = PG_INT64_MIN;
}

/* Reads the next touchpoint with ids of the view; false at the end. */
bool
journey_cursor_next(JourneyCursor *cursor, Touch *touch)
{
	const JourneyView *view = cursor->view;
	uint32		i = cursor->next;

	if (i >= view->count)
		return false;
	cursor->next++;
	touch->at = journey_at_after(view, i, cursor->previous);
	if (!cursor->any_order)
		cursor->previous = touch->at;
	touch->event = journey_label_at(&view->events, i);
	touch->channel = journey_label_at(&view->channels, i);
	touch->session = journey_label_at(&view->sessions, i);
	touch->has_value = view->values && (!view->present || (view->present[i / 8] >> (i % 8) & 1));
	touch->value = 0;
	if (touch->has_value)
	{
		uint64		bits;

		if (unlikely(cursor->values_left-- == 0))
			cjm_damaged("touchpoints of a journey have more values than there are");
		bits = bytes_load64(cursor->next_value);

		memcpy(&touch->value, &bits, 8);
		cursor->next_value += 8;
	}
	return true;
}

/* The order of two labels, by entries of columns: none before all others. */
static int
compare_optional(const Label *a, uint32 a_entry, const Label *b, uint32 b_entry)
{
	if (a_entry == 0 || b_entry == 0)
		return (a_entry != 0) - (b_entry != 0);
	return label_compare(a[a_entry - 1], b[b_entry - 1]);
}

/*
 * The order of journeys: touchpoint by touchpoint in their canonical order, a
 * journey before every longer one that begins with it.  It is an order of the
 * contents, not of the bytes, so that a later format keeps it.
 */
int
journey_compare(const JourneyView *a, const JourneyView *b)
{
	Label	   *events[2] = {journey_labels(&a->events), journey_labels(&b->events)};
	Label	   *channels[2] = {journey_labels(&a->channels), journey_labels(&b->channels)};
	Label	   *sessions[2] = {journey_labels(&a->sessions), journey_labels(&b->sessions)};
	JourneyCursor cursor[2];
	Touch		touch[2];
	int			order = 0;

	journey_cursor_start(&cursor[0], a, 0);
	journey_cursor_start(&cursor[1], b, 0);
	while (order == 0)
	{
		bool		more[2];

		CHECK_FOR_INTERRUPTS();
		more[0] = journey_cursor_next(&cursor[0], &touch[0]);
		more[1] = journey_cursor_next(&cursor[1], &touch[1]);
		if (!more[0] || !more[1])
		{
			order = (int) more[0] - (int) more[1];
			break;
		}
		if (touch[0].at != touch[1].at)
			order = touch[0].at < touch[1].at ? -1 : 1;
		if (order == 0)
			order = label_compare(events[0][touch[0].event], events[1][touch[1].event]);
		if (order == 0)
			order = compare_optional(channels[0], touch[0].channel, channels[1], touch[1].channel);
		if (order == 0)
			order = value_compare(touch[0].has_value, touch[0].value, touch[1].has_value, touch[1].value);
		if (order == 0)
			order = compare_optional(sessions[0], touch[0].session, sessions[1], touch[1].session);
	}
	for (int i = 0; i < 2; i++)
	{
		pfree(events[i]);
		pfree(channels[i]);
		pfree(sessions[i]);
	}
	return order;
}
