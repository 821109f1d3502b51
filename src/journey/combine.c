/*
 * journey/combine.c: the touchpoints of two journeys, without those of a third.
 *
 * Journeys are in the order of times, and their dictionaries in that of bytes.  So
 * one pass over the dictionaries gives all their labels in order, and what each of
 * their ids is in that; and then one pass over the journeys compares touchpoints by
 * numbers, and finds them in the order in which they are written.
 */
#include "journey/combine.h"

#include "journey/builder.h"
#include "journey/internal.h"
#include "journey/text.h"

/* Those that add touchpoints, and the one that takes some. */
#define MOST 3
#define TAKEN 2

/* Labels and touchpoints, of all together, for which no memory is needed but the stack. */
#define FEW_LABELS 64
#define FEW_BYTES 1024
#define FEW_TOUCHES 64

/* One of the journeys. */
typedef struct Part
{
	const JourneyView *view;	/* NULL: none */
	uint32	   *events;			/* places in the order of all labels, by id */
	uint32	   *channels;
	uint32	   *sessions;
	JourneyCursor cursor;
	Touch		touch;			/* the next touchpoint, with such places, if there is one more */
	bool		more;
} Part;

/* The labels of all of them: first the events in order, then the channels, then the sessions. */
typedef struct AllLabels
{
	LabelPool	pool;
	uint32	   *places;			/* from 0: the place of a label is its id */
	uint32	   *ids;			/* for the parts */
	uint32		few_places[FEW_LABELS];
	uint32		few_ids[FEW_LABELS];
	uint32		few_offsets[FEW_LABELS + 1];
	uint8		few_bytes[FEW_BYTES];
} AllLabels;

/* Makes room for the labels of all parts, and their ids. */
static void
make_room(AllLabels *all, Part *parts)
{
	uint64		count = 0;
	uint64		size = 0;
	uint32	   *ids;

	for (int i = 0; i < MOST; i++)
		if (parts[i].view != NULL)
		{
			count += (uint64) parts[i].view->events.count + parts[i].view->channels.count + parts[i].view->sessions.count;
			size += (uint64) parts[i].view->events.size + parts[i].view->channels.size + parts[i].view->sessions.size;
		}
	memset(&all->pool, 0, sizeof(all->pool));
	if (count <= FEW_LABELS && size <= FEW_BYTES)
	{
		all->places = all->few_places;
		all->ids = all->few_ids;
		all->pool.offsets = all->few_offsets;
		all->pool.bytes = all->few_bytes;
	}
	else
	{
		all->places = palloc_extended(count * sizeof(uint32), MCXT_ALLOC_HUGE);
		all->ids = palloc_extended(count * sizeof(uint32), MCXT_ALLOC_HUGE);
		all->pool.offsets = palloc_extended((count + 1) * sizeof(uint32), MCXT_ALLOC_HUGE);
		all->pool.bytes = palloc_extended(size, MCXT_ALLOC_HUGE);
	}
	all->pool.offsets[0] = 0;
	ids = all->ids;
	for (int i = 0; i < MOST; i++)
		if (parts[i].view != NULL)
		{
			parts[i].events = ids;
			ids += parts[i].view->events.count;
			parts[i].channels = ids;
			ids += parts[i].view->channels.count;
			parts[i].sessions = ids;
			ids += parts[i].view->sessions.count;
		}
}

static void
free_room(AllLabels *all)
{
	if (all->places == all->few_places)
		return;
	pfree(all->places);
	pfree(all->ids);
	pfree(all->pool.offsets);
	pfree(all->pool.bytes);
}

/* A label of a dictionary that is being read. */
typedef struct Reading
{
	const JourneyLabels *labels;
	const uint8 *next;
	uint32		id;
	Label		label;			/* of that id, if there is one */
	uint32	   *places;
} Reading;

static inline void
read_label(Reading *reading)
{
	if (reading->id < reading->labels->count)
		reading->label = journey_next_label(reading->labels, &reading->next);
}

/* Appends a label, which gets the next place. */
static void
append_label(AllLabels *all, Label label)
{
	LabelPool  *pool = &all->pool;
	uint8	   *p = varint_store(pool->bytes + pool->size, label.size);

	memcpy(p, label.bytes, label.size);
	pool->size = p + label.size - pool->bytes;
	all->places[pool->count] = pool->count;
	pool->offsets[++pool->count] = pool->size;
}

/* Appends the labels of some dictionaries, equal ones once; their ids' places become known. */
static void
append_labels(AllLabels *all, Reading *readings, int count)
{
	for (int i = 0; i < count; i++)
		read_label(&readings[i]);
	for (;;)
	{
		const Reading *least = NULL;
		Label		label;

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < count; i++)
			if (readings[i].id < readings[i].labels->count && (least == NULL || label_compare(readings[i].label, least->label) < 0))
				least = &readings[i];
		if (least == NULL)
			return;
		label = least->label;
		for (int i = 0; i < count; i++)
			if (readings[i].id < readings[i].labels->count && label_equal(readings[i].label, label))
			{
				readings[i].places[readings[i].id++] = all->pool.count;
				read_label(&readings[i]);
			}
		append_label(all, label);
	}
}

/* column: 0 for events, 1 for channels, 2 for sessions */
static inline uint32 *
places_of(const Part *part, int column)
{
	return column == 0 ? part->events : column == 1 ? part->channels : part->sessions;
}

static void
order_labels(AllLabels *all, const Part *parts, int column)
{
	Reading		readings[MOST];
	int			count = 0;

	for (int i = 0; i < MOST; i++)
		if (parts[i].view != NULL)
		{
			const JourneyView *view = parts[i].view;
			const JourneyLabels *labels = column == 0 ? &view->events : column == 1 ? &view->channels : &view->sessions;

			if (labels->count > 0)
				readings[count++] = (Reading) {labels, labels->dictionary, 0, NO_LABEL, places_of(&parts[i], column)};
		}
	append_labels(all, readings, count);
}

/* Goes on to the next touchpoint of a part. */
static inline void
next_touch(Part *part)
{
	Touch	   *touch = &part->touch;

	part->more = journey_cursor_next(&part->cursor, touch);
	if (!part->more)
		return;
	touch->event = part->events[touch->event];
	if (touch->channel != 0)
		touch->channel = part->channels[touch->channel - 1] + 1;
	if (touch->session != 0)
		touch->session = part->sessions[touch->session - 1] + 1;
	touch->value = touch_value_normal(touch->value);
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

/* Puts what is added and not taken into touches, in order, and counts it; fails if something that is taken is not there. */
static bool
merge_touches(Part *parts, Touch *touches, uint32 *count, CjmError *error)
{
	Part	   *a = &parts[0];
	Part	   *b = &parts[1];
	Part	   *taken = &parts[TAKEN];

	*count = 0;
	while (a->more || b->more)
	{
		Part	   *next = !b->more || (a->more && touch_compare(&a->touch, &b->touch) <= 0) ? a : b;
		int			order = taken->more ? touch_compare(&taken->touch, &next->touch) : 1;

		CHECK_FOR_INTERRUPTS();
		if (order < 0)
			break;
		if (order == 0)
			next_touch(taken);
		else
			touches[(*count)++] = next->touch;
		next_touch(next);
	}
	return !taken->more || fail_missing(taken->view, taken->cursor.next - 1, error);
}

/* The later one of both behind the other, if all of it is later. */
static uint8 *
append(const JourneyView *a, const JourneyView *b, MergedLabels *labels, size_t header, size_t *size)
{
	if (a->first <= b->first)
		return journey_append(a, b, labels, header, size);
	for (int column = 0; column < 3; column++)
	{
		const uint32 *places = labels[column].places[0];

		labels[column].places[0] = labels[column].places[1];
		labels[column].places[1] = places;
	}
	return journey_append(b, a, labels, header, size);
}

/*
 * journey_combine makes the journey of all touchpoints of a and b without those of
 * taken, of equal ones as many as there are; each may be NULL.  Fails with NULL
 * if taken holds one that the others do not, or the journey would not fit in a
 * value.  The result is palloc'd, behind header bytes that are left to the
 * caller; size is of both.
 */
uint8 *
journey_combine(const JourneyView *a, const JourneyView *b, const JourneyView *taken, size_t header, size_t *size, CjmError *error)
{
	Part		parts[MOST] = {{.view = a}, {.view = b}, {.view = taken}};
	AllLabels	all;
	MergedLabels labels[3];
	LabelOrder	order;
	Touch		few[FEW_TOUCHES];
	Touch	   *touches = few;
	uint64		most = 0;
	uint32		count;
	uint8	   *bytes = NULL;

	make_room(&all, parts);
	for (int column = 0; column < 3; column++)
	{
		uint32		first = all.pool.count;
		uint32		size_before = all.pool.size;

		order_labels(&all, parts, column);
		labels[column] = (MergedLabels) {all.pool.count - first, all.pool.size - size_before, all.pool.bytes + size_before, first,
			{places_of(&parts[0], column), places_of(&parts[1], column)}};
	}
	if (taken == NULL && a != NULL && b != NULL && a->count > 0 && b->count > 0 &&
		(bytes = append(a, b, labels, header, size)) != NULL)
	{
		free_room(&all);
		return bytes;
	}
	for (int i = 0; i < TAKEN; i++)
		most += parts[i].view != NULL ? parts[i].view->count : 0;
	if (most > FEW_TOUCHES)
		touches = palloc_extended(most * sizeof(Touch), MCXT_ALLOC_HUGE);
	for (int i = 0; i < MOST; i++)
		if (parts[i].view != NULL)
		{
			journey_cursor_start(&parts[i].cursor, parts[i].view, 0);
			next_touch(&parts[i]);
		}
	order = (LabelOrder) {&all.pool, all.places, all.places};
	if (merge_touches(parts, touches, &count, error))
		bytes = journey_encode(touches, count, &order, false, header, size, error);
	free_room(&all);
	if (touches != few)
		pfree(touches);
	return bytes;
}
