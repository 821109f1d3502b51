/*
 * journey/append.c: a journey with later touchpoints behind its own.
 *
 * What comes to a journey that is kept is nearly always later than all of it.  Then each
 * column is that of the one and that of the other behind it, with ids and offsets as the
 * two have them together, and no touchpoint has to be read, compared and written as a
 * whole (journey/combine.c), which takes several times as long.
 */
#include "journey/combine.h"

#include "journey/internal.h"

#include "port/pg_bitutils.h"

/* Labels of a dictionary that are known by their places here; those of more are not. */
#define FEW_LABELS 64

/* A dictionary of the labels of two. */
typedef struct Merged
{
	const JourneyLabels *parts[2];
	uint32		ids[2][FEW_LABELS]; /* in it, of the labels of each */
	LabelShape	shape;
} Merged;

/* Merges two dictionaries: numbers their labels if out is NULL, writes them at out if not; returns the byte after them. */
static uint8 *
merge_labels(Merged *merged, uint8 *out)
{
	const JourneyLabels *a = merged->parts[0];
	const JourneyLabels *b = merged->parts[1];
	const uint8 *next_a = a->dictionary;
	const uint8 *next_b = b->dictionary;
	Label		label_a = a->count > 0 ? journey_next_label(a, &next_a) : (Label) {0};
	Label		label_b = b->count > 0 ? journey_next_label(b, &next_b) : (Label) {0};
	uint32		i = 0;
	uint32		j = 0;

	while (i < a->count || j < b->count)
	{
		int			order = i == a->count ? 1 : j == b->count ? -1 : label_compare(label_a, label_b);
		Label		label = order <= 0 ? label_a : label_b;

		if (out != NULL)
		{
			out = varint_store(out, label.size);
			memcpy(out, label.bytes, label.size);
			out += label.size;
		}
		else
		{
			if (order <= 0)
				merged->ids[0][i] = merged->shape.count;
			if (order >= 0)
				merged->ids[1][j] = merged->shape.count;
			merged->shape.count++;
			merged->shape.size += varint_size(label.size) + label.size;
		}
		if (order <= 0 && ++i < a->count)
			label_a = journey_next_label(a, &next_a);
		if (order >= 0 && ++j < b->count)
			label_b = journey_next_label(b, &next_b);
	}
	return out;
}

/* Plans the dictionary of two; false if there are too many labels. */
static bool
merged_start(Merged *merged, const JourneyLabels *a, const JourneyLabels *b, bool optional)
{
	if (a->count > FEW_LABELS || b->count > FEW_LABELS)
		return false;
	merged->parts[0] = a;
	merged->parts[1] = b;
	merged->shape = (LabelShape) {0};
	merge_labels(merged, NULL);
	merged->shape.width = merged->shape.count == 0 ? 0 : journey_id_width(optional ? merged->shape.count : merged->shape.count - 1);
	return true;
}

/* Whether all entries of a column have a label. */
static bool
labels_are_sound(const JourneyLabels *labels, uint32 count)
{
	bool		sound = true;

	if (labels->width == 1)
		for (uint32 i = 0; i < count; i++)
			sound &= labels->column[i] < labels->limit;
	else
		for (uint32 i = 0; sound && i < count; i++)
			sound = journey_has_entry(labels, i);
	return sound;
}

/* Whether a journey is what it has to be where columns are copied; the writer of whole touchpoints tells what is wrong if it is not. */
static bool
is_sound(const JourneyView *view)
{
	int64		before = view->first;
	bool		sound = true;

	for (uint32 i = 1; i < view->count; i++)
	{
		int64		at = journey_at(view, i);

		sound &= at >= before;
		before = at;
	}
	return sound && IS_VALID_TIMESTAMP(before) &&
		(view->present == NULL || pg_popcount((const char *) view->present, (view->count + 7) / 8) == view->nvalues) &&
		labels_are_sound(&view->events, view->count) && labels_are_sound(&view->channels, view->count) &&
		labels_are_sound(&view->sessions, view->count);
}

static uint8 *
copy(uint8 *p, const uint8 *bytes, size_t size)
{
	if (size > 0)
		memcpy(p, bytes, size);
	return p + size;
}

/* The dictionary of two: that of the first if it has all labels. */
static uint8 *
store_dictionary(uint8 *p, Merged *merged)
{
	if (merged->shape.count == merged->parts[0]->count)
		return copy(p, merged->parts[0]->dictionary, merged->parts[0]->size);
	return merge_labels(merged, p);
}

/* The columns of two, one behind the other, by the ids of the dictionary of both. */
static uint8 *
store_column(uint8 *p, const Merged *merged, const uint32 *counts, bool optional)
{
	int			width = merged->shape.width;

	for (int part = 0; part < 2 && width != 0; part++)
	{
		const JourneyLabels *labels = merged->parts[part];
		const uint32 *ids = merged->ids[part];

		if (part == 0 && merged->shape.count == labels->count && width == labels->width)
		{
			p = copy(p, labels->column, (size_t) counts[part] * width);
			continue;
		}
		for (uint32 i = 0; i < counts[part]; i++, p += width)
		{
			uint32		entry = journey_raw_entry(labels, i);

			if (!optional)
				entry = ids[entry];
			else if (entry != 0)
				entry = ids[entry - 1] + 1;
			bytes_store64(p, entry);
		}
	}
	return p;
}

/* The offsets of all but the first touchpoint. */
static uint8 *
store_offsets(uint8 *p, const JourneyShape *shape, const JourneyView *a, const JourneyView *b)
{
	uint64		unit = unit_microseconds[shape->unit];
	uint64		factor = a->unit / unit;

	if (shape->time_width == a->time_width && factor == 1)
		p = copy(p, a->offsets, (size_t) (a->count - 1) * a->time_width);
	else
		for (uint32 i = 1; i < a->count; i++, p += shape->time_width)
			bytes_store64(p, a->time_width == 0 ? 0 :
						  (bytes_load64(a->offsets + (size_t) i * a->time_width - 8) >> a->time_shift) * factor);
	for (uint32 i = 0; i < b->count; i++, p += shape->time_width)
		bytes_store64(p, ((uint64) journey_at(b, i) - (uint64) shape->first) / unit);
	return p;
}

/* Which touchpoints have a value, where some have none. */
static uint8 *
store_present(uint8 *p, const JourneyView *a, const JourneyView *b)
{
	size_t		size = ((size_t) a->count + b->count + 7) / 8;

	memset(p, 0, size);
	if (a->present != NULL)
		memcpy(p, a->present, (a->count + 7) / 8);
	else if (a->values != NULL)
	{
		memset(p, 0xff, a->count / 8);
		if (a->count % 8 != 0)
			p[a->count / 8] = (1 << (a->count % 8)) - 1;
	}
	for (uint32 i = 0, bit = a->count; b->values != NULL && i < b->count; i++, bit++)
		if (b->present == NULL || (b->present[i / 8] >> (i % 8) & 1))
			p[bit / 8] |= 1 << (bit % 8);
	return p + size;
}

/*
 * journey_append makes the journey of all touchpoints of a and b, each of which has one
 * at least, if all of b are later than those of a, and they have few labels.  Else NULL, as
 * for what is damaged or too large.  The result has the bytes that journey_encode
 * would write, palloc'd behind header bytes that are left to the caller; size is of both.
 */
uint8 *
journey_append(const JourneyView *a, const JourneyView *b, size_t header, size_t *size)
{
	Merged		events;
	Merged		channels;
	Merged		sessions;
	const uint32 counts[2] = {a->count, b->count};
	JourneyShape shape = {.count = a->count + b->count, .nvalues = a->nvalues + b->nvalues, .first = a->first};
	uint64		span;
	uint64		whole;
	uint8	   *result;
	uint8	   *p;

	if (b->first <= journey_at(a, a->count - 1) || shape.count > JOURNEY_MAX_TOUCHES ||
		!merged_start(&events, &a->events, &b->events, false) ||
		!merged_start(&channels, &a->channels, &b->channels, true) ||
		!merged_start(&sessions, &a->sessions, &b->sessions, true) ||
		!is_sound(a) || !is_sound(b))
		return NULL;
	shape.events = events.shape;
	shape.channels = channels.shape;
	shape.sessions = sessions.shape;

	/* Each unit divides the next one, so that what divides the offsets of a is a multiple of what divides all. */
	shape.unit = lengthof(unit_microseconds) - 1;
	while (a->unit % unit_microseconds[shape.unit] != 0)
		shape.unit--;
	for (uint32 i = 0; shape.unit > 0 && i < b->count; i++)
		while (((uint64) journey_at(b, i) - (uint64) shape.first) % unit_microseconds[shape.unit] != 0)
			shape.unit--;
	span = ((uint64) journey_at(b, b->count - 1) - (uint64) shape.first) / unit_microseconds[shape.unit];
	while (shape.time_width < 8 && span >> (8 * shape.time_width) != 0)
		shape.time_width++;

	whole = journey_size(&shape);
	if (whole > MaxAllocSize - header - JOURNEY_STORE_SLACK)
		return NULL;
	*size = header + whole;
	result = palloc(*size + JOURNEY_STORE_SLACK);
	p = journey_store_header(result + header, &shape);
	p = store_dictionary(p, &events);
	p = store_dictionary(p, &channels);
	p = store_dictionary(p, &sessions);
	p = store_offsets(p, &shape, a, b);
	p = store_column(p, &events, counts, false);
	p = store_column(p, &channels, counts, true);
	p = store_column(p, &sessions, counts, true);
	if (shape.nvalues > 0 && shape.nvalues < shape.count)
		p = store_present(p, a, b);
	p = copy(p, a->values, (size_t) a->nvalues * 8);
	p = copy(p, b->values, (size_t) b->nvalues * 8);
	Assert(p == result + *size);
	return result;
}
