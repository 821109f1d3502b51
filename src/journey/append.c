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

/* The dictionary of both, with the width that its ids take. */
static LabelShape
shape_of(const MergedLabels *labels, bool optional)
{
	LabelShape	shape = {labels->count, labels->size, 0};

	if (shape.count > 0)
		shape.width = journey_id_width(optional ? shape.count : shape.count - 1);
	return shape;
}

static uint8 *
copy(uint8 *p, const uint8 *bytes, size_t size)
{
	if (size > 0)
		memcpy(p, bytes, size);
	return p + size;
}

/* The columns of two, one behind the other, by the ids of the dictionary of both. */
static uint8 *
store_column(uint8 *p, const MergedLabels *merged, int width, const JourneyLabels *const parts[2], const uint32 *counts, bool optional)
{
	for (int part = 0; part < 2 && width != 0; part++)
	{
		const JourneyLabels *labels = parts[part];
		const uint32 *places = merged->places[part];

		/* If no label is new they have the ids that they had. */
		if (merged->count == labels->count && width == labels->width)
		{
			p = copy(p, labels->column, (size_t) counts[part] * width);
			continue;
		}
		for (uint32 i = 0; i < counts[part]; i++, p += width)
		{
			uint32		entry = journey_raw_entry(labels, i);

			if (!optional)
				entry = places[entry] - merged->first;
			else if (entry != 0)
				entry = places[entry - 1] - merged->first + 1;
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
 * at least, if all of b are later than those of a; labels are those of events, channels and
 * sessions.  Else NULL, as for what is damaged or too large.  The result has the bytes that
 * journey_encode would write, palloc'd behind header bytes that are left to the caller;
 * size is of both.
 */
uint8 *
journey_append(const JourneyView *a, const JourneyView *b, const MergedLabels labels[3], size_t header, size_t *size)
{
	const uint32 counts[2] = {a->count, b->count};
	JourneyShape shape = {.count = a->count + b->count, .nvalues = a->nvalues + b->nvalues, .first = a->first};
	uint64		span;
	uint64		whole;
	uint8	   *result;
	uint8	   *p;

	if (b->first <= journey_at(a, a->count - 1) || shape.count > JOURNEY_MAX_TOUCHES || !is_sound(a) || !is_sound(b))
		return NULL;
	shape.events = shape_of(&labels[0], false);
	shape.channels = shape_of(&labels[1], true);
	shape.sessions = shape_of(&labels[2], true);

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
	for (int column = 0; column < 3; column++)
		p = copy(p, labels[column].dictionary, labels[column].size);
	p = store_offsets(p, &shape, a, b);
	p = store_column(p, &labels[0], shape.events.width, (const JourneyLabels *[]) {&a->events, &b->events}, counts, false);
	p = store_column(p, &labels[1], shape.channels.width, (const JourneyLabels *[]) {&a->channels, &b->channels}, counts, true);
	p = store_column(p, &labels[2], shape.sessions.width, (const JourneyLabels *[]) {&a->sessions, &b->sessions}, counts, true);
	if (shape.nvalues > 0 && shape.nvalues < shape.count)
		p = store_present(p, a, b);
	p = copy(p, a->values, (size_t) a->nvalues * 8);
	p = copy(p, b->values, (size_t) b->nvalues * 8);
	Assert(p == result + *size);
	return result;
}
