/*
 * journey_builder.c: see journey_builder.h.
 *
 * A builder is one chunk of memory: a header and a log.  The log holds the
 * touchpoints in the order of their arrival, each as
 *
 *	varint		event id << 2 | has channel << 1 | has value
 *	varint		zigzag of the time since the touchpoint added before
 *	[definition	of the event, if its id is the number of events so far]
 *	[varint		channel id, [definition of the channel, if new]]
 *	[8 bytes	value]
 *
 * and a definition is the log offset of the definition before of its kind (4
 * bytes), a varint size and the bytes of the label.  So a builder takes little
 * more memory than the journey it will become, and it moves only to grow.
 *
 * A label is looked up along the chain of definitions while there are few, as
 * there nearly always are; beyond that in a hash table of log offsets.
 *
 * Memory: builder_create and the hash table allocate in the current context;
 * growing keeps the chunk in the context it was made in.  The caller must be
 * in the builder's context when it adds.
 */
#include "journey_builder.h"

#include "common/hashfn.h"

#define INITIAL_CHUNK 128
#define LINEAR_LABELS 16
#define DEFINITION_HEADER 4

/* The label of the definition at a log offset. */
static inline Label
definition_label(const uint8 *log, uint32 offset)
{
	uint64		size;
	const uint8 *p = varint_load(log + offset + DEFINITION_HEADER, &size);

	return (Label) {(const char *) p, (uint32) size};
}

static inline uint32
definition_previous(const uint8 *log, uint32 offset)
{
	uint32		previous;

	memcpy(&previous, log + offset, sizeof(previous));
	return previous;
}

static inline size_t
definition_size(Label label)
{
	return DEFINITION_HEADER + varint_size(label.size) + label.size;
}

/* Writes a definition at p and returns the byte after it. */
static inline uint8 *
definition_store(uint8 *p, uint32 previous, Label label)
{
	memcpy(p, &previous, sizeof(previous));
	p = varint_store(p + DEFINITION_HEADER, label.size);
	memcpy(p, label.bytes, label.size);
	return p + label.size;
}

/* The hash table knows labels by the log offset of their definition. */
typedef struct LabelEntry
{
	uint32		definition;
	uint32		id;
	char		status;
} LabelEntry;

static inline uint32
definition_hash(const uint8 *log, uint32 offset)
{
	Label		label = definition_label(log, offset);

	return hash_bytes((const unsigned char *) label.bytes, label.size);
}

#define SH_PREFIX labelhash
#define SH_ELEMENT_TYPE LabelEntry
#define SH_KEY_TYPE uint32
#define SH_KEY definition
#define SH_HASH_KEY(table, key) definition_hash((const uint8 *) (table)->private_data, key)
#define SH_EQUAL(table, a, b) \
	label_equal(definition_label((const uint8 *) (table)->private_data, a), \
				definition_label((const uint8 *) (table)->private_data, b))
#define SH_SCOPE static inline
#define SH_RAW_ALLOCATOR palloc0
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

JourneyBuilder *
builder_create(void)
{
	JourneyBuilder *builder = palloc(INITIAL_CHUNK);

	memset(builder, 0, offsetof(JourneyBuilder, log));
	builder->capacity = INITIAL_CHUNK - offsetof(JourneyBuilder, log);
	return builder;
}

void
builder_free(JourneyBuilder *builder)
{
	if (builder->events.hash)
		labelhash_destroy(builder->events.hash);
	if (builder->channels.hash)
		labelhash_destroy(builder->channels.hash);
	pfree(builder);
}

/* Makes room for more bytes of log; doubles, so that adding is linear. */
static bool
reserve(JourneyBuilder **builder, size_t more, CjmError *error)
{
	size_t		header = offsetof(JourneyBuilder, log);
	size_t		needed = (*builder)->size + more;
	size_t		capacity = header + (*builder)->capacity;

	if (needed <= (*builder)->capacity)
		return true;
	if (header + needed > MaxAllocSize)
	{
		cjm_fail(error, CJM_ERROR_LIMIT, "journey of %u touchpoints is too large", (*builder)->count);
		cjm_fail_detail(error, "Its touchpoints and labels take more than 1 GB.");
		return false;
	}
	while (capacity < header + needed)
		capacity *= 2;
	capacity = Min(capacity, MaxAllocSize);
	*builder = repalloc(*builder, capacity);
	(*builder)->capacity = capacity - header;
	return true;
}

/*
 * Sets the id of a label, or the number of labels if it is new.  In a hash
 * table the key of the look-up is a definition written behind the log, for
 * which the builder may move; it fails if that gets too large.
 */
static bool
find_label(JourneyBuilder **builder, bool channel, Label label, uint32 *id, CjmError *error)
{
	BuilderLabels *labels = channel ? &(*builder)->channels : &(*builder)->events;
	uint32		offset = labels->last;
	LabelEntry *entry;

	*id = labels->count;
	if (labels->hash == NULL)
	{
		for (uint32 next = labels->count; next > 0; next--)
		{
			if (label_equal(definition_label((*builder)->log, offset), label))
			{
				*id = next - 1;
				break;
			}
			offset = definition_previous((*builder)->log, offset);
		}
		return true;
	}
	if (!reserve(builder, definition_size(label), error))
		return false;
	labels = channel ? &(*builder)->channels : &(*builder)->events;
	definition_store((*builder)->log + (*builder)->size, 0, label);
	labels->hash->private_data = (*builder)->log;
	entry = labelhash_lookup(labels->hash, (*builder)->size);
	if (entry)
		*id = entry->id;
	return true;
}

static void
hash_insert(JourneyBuilder *builder, BuilderLabels *labels, uint32 definition, uint32 id)
{
	bool		found;

	labels->hash->private_data = builder->log;
	labelhash_insert(labels->hash, definition, &found)->id = id;
	Assert(!found);
}

/* Appends the definition of a new label at p, which is in the log. */
static uint8 *
define_label(JourneyBuilder *builder, BuilderLabels *labels, uint8 *p, Label label)
{
	uint32		offset = p - builder->log;

	p = definition_store(p, labels->last, label);
	labels->last = offset;
	labels->count++;
	if (labels->hash)
		hash_insert(builder, labels, offset, labels->count - 1);
	else if (labels->count > LINEAR_LABELS)
	{
		labels->hash = labelhash_create(4 * LINEAR_LABELS, builder->log);
		for (uint32 id = labels->count; id > 0; id--)
		{
			hash_insert(builder, labels, offset, id - 1);
			offset = definition_previous(builder->log, offset);
		}
	}
	return p;
}

/*
 * Appends a touchpoint whose labels have been looked up.  An id equal to the
 * number of labels defines the given label.  The log grows by no more than is
 * needed: most journeys are short, and there are many.
 */
static bool
append_touch(JourneyBuilder **builder_pointer, const Touch *touch, Label event, Label channel, CjmError *error)
{
	JourneyBuilder *builder = *builder_pointer;
	/* Unsigned, since the distance of two times may not fit in int64. */
	uint64		delta = (uint64) touch->at - (uint64) builder->last_at;
	uint64		zigzag = delta << 1 ^ (uint64) ((int64) delta >> 63);
	uint64		head = (uint64) touch->event << 2 | (touch->channel != 0) << 1 | touch->has_value;
	bool		new_event = touch->event == builder->events.count;
	bool		new_channel = touch->channel == builder->channels.count + 1;
	size_t		size = varint_size(head) + varint_size(zigzag) + (touch->has_value ? 8 : 0);
	uint8	   *p;

	if (new_event)
		size += definition_size(event);
	if (touch->channel != 0)
		size += varint_size(touch->channel - 1);
	if (new_channel)
		size += definition_size(channel);
	if (!reserve(builder_pointer, size, error))
		return false;
	builder = *builder_pointer;

	p = varint_store(builder->log + builder->size, head);
	p = varint_store(p, zigzag);
	if (new_event)
		p = define_label(builder, &builder->events, p, event);
	if (touch->channel != 0)
		p = varint_store(p, touch->channel - 1);
	if (new_channel)
		p = define_label(builder, &builder->channels, p, channel);
	if (touch->has_value)
	{
		memcpy(p, &touch->value, 8);
		p += 8;
	}
	Assert(p == builder->log + builder->size + size);
	builder->size += size;
	builder->last_at = touch->at;
	builder->count++;
	return true;
}

static bool
count_check(const JourneyBuilder *builder, uint64 more, CjmError *error)
{
	if (builder->count + more <= JOURNEY_MAX_TOUCHES)
		return true;
	cjm_fail(error, CJM_ERROR_LIMIT, "journey of more than %d touchpoints is too long", JOURNEY_MAX_TOUCHES);
	cjm_fail_hint(error, "Perhaps one customer key, such as an empty or anonymous one, stands for many customers.");
	return false;
}

/*
 * builder_add adds one touchpoint, with NO_LABEL for no channel.  It may move
 * the builder.  Fails, leaving the builder as it was, if the time, a label or
 * the size is not allowed.
 */
bool
builder_add(JourneyBuilder **builder, int64 at, Label event, Label channel,
			bool has_value, double value, CjmError *error)
{
	Touch		touch;

	if (!touch_time_check(at, error) || !label_check(event, "event", error) ||
		(channel.bytes != NULL && !label_check(channel, "channel", error)) ||
		!count_check(*builder, 1, error))
		return false;
	touch.at = at;
	touch.channel = 0;
	touch.has_value = has_value;
	touch.value = has_value ? touch_value_normal(value) : 0;
	if (!find_label(builder, false, event, &touch.event, error))
		return false;
	if (channel.bytes != NULL)
	{
		if (!find_label(builder, true, channel, &touch.channel, error))
			return false;
		touch.channel++;
	}
	return append_touch(builder, &touch, event, channel, error);
}

/* The ids that labels of another holder have here, found when they are met. */
typedef struct LabelMap
{
	const Label *labels;
	uint32	   *ids;			/* PG_UINT32_MAX: not yet met */
} LabelMap;

static LabelMap
label_map(const Label *labels, uint32 count)
{
	LabelMap	map = {labels, palloc_extended(Max(count, 1) * sizeof(uint32), MCXT_ALLOC_HUGE)};

	memset(map.ids, 0xff, count * sizeof(uint32));
	return map;
}

static inline bool
map_label(JourneyBuilder **builder, bool channel, LabelMap *map, uint32 *id, CjmError *error)
{
	uint32	   *mapped = &map->ids[*id];

	if (*mapped == PG_UINT32_MAX && !find_label(builder, channel, map->labels[*id], mapped, error))
		return false;
	*id = *mapped;
	return true;
}

/* Adds a checked touchpoint whose ids are of another holder. */
static bool
add_mapped(JourneyBuilder **builder, Touch touch, LabelMap *events, LabelMap *channels, CjmError *error)
{
	Label		event = events->labels[touch.event];
	Label		channel = NO_LABEL;

	if (!map_label(builder, false, events, &touch.event, error))
		return false;
	if (touch.channel != 0)
	{
		channel = channels->labels[touch.channel - 1];
		touch.channel--;
		if (!map_label(builder, true, channels, &touch.channel, error))
			return false;
		touch.channel++;
	}
	return append_touch(builder, &touch, event, channel, error);
}

/*
 * builder_add_view adds touchpoints from .. to - 1 of a journey, which is
 * sound.  On failure some of them may have been added.
 */
bool
builder_add_view(JourneyBuilder **builder, const JourneyView *view, uint32 from, uint32 to, CjmError *error)
{
	Label	   *labels[2];
	LabelMap	events;
	LabelMap	channels;
	JourneyCursor cursor;
	Touch		touch;
	bool		ok = true;

	if (from >= to)
		return true;
	if (!count_check(*builder, to - from, error))
		return false;
	events = label_map(labels[0] = journey_labels(&view->events), view->events.count);
	channels = label_map(labels[1] = journey_labels(&view->channels), view->channels.count);
	journey_cursor_start(&cursor, view, from);
	while (ok && cursor.next < to && journey_cursor_next(&cursor, &touch))
	{
		CHECK_FOR_INTERRUPTS();
		touch.value = touch_value_normal(touch.value);
		ok = add_mapped(builder, touch, &events, &channels, error);
	}
	pfree(labels[0]);
	pfree(labels[1]);
	pfree(events.ids);
	pfree(channels.ids);
	return ok;
}

/* What a builder holds, read back: palloc'd arrays, labels that point into its log. */
typedef struct Unpacked
{
	Touch	   *touches;
	Label	   *events;
	Label	   *channels;
} Unpacked;

static Unpacked
unpack(const JourneyBuilder *builder)
{
	Unpacked	all;
	const uint8 *p = builder->log;
	uint32		nevents = 0;
	uint32		nchannels = 0;
	int64		at = 0;

	all.touches = palloc_extended(Max(builder->count, 1) * sizeof(Touch), MCXT_ALLOC_HUGE);
	all.events = palloc_extended(Max(builder->events.count, 1) * sizeof(Label), MCXT_ALLOC_HUGE);
	all.channels = palloc_extended(Max(builder->channels.count, 1) * sizeof(Label), MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < builder->count; i++)
	{
		Touch	   *touch = &all.touches[i];
		uint64		head;
		uint64		zigzag;

		CHECK_FOR_INTERRUPTS();
		p = varint_load(p, &head);
		p = varint_load(p, &zigzag);
		at = (int64) ((uint64) at + (zigzag >> 1 ^ (0 - (zigzag & 1))));
		touch->at = at;
		touch->event = head >> 2;
		touch->channel = 0;
		touch->has_value = head & 1;
		touch->value = 0;
		if (touch->event == nevents)
		{
			Label		label = definition_label(builder->log, p - builder->log);

			all.events[nevents++] = label;
			p = (const uint8 *) label.bytes + label.size;
		}
		if (head & 2)
		{
			uint64		channel;

			p = varint_load(p, &channel);
			touch->channel = channel + 1;
			if (channel == nchannels)
			{
				Label		label = definition_label(builder->log, p - builder->log);

				all.channels[nchannels++] = label;
				p = (const uint8 *) label.bytes + label.size;
			}
		}
		if (touch->has_value)
		{
			memcpy(&touch->value, p, 8);
			p += 8;
		}
	}
	Assert(p == builder->log + builder->size);
	Assert(nevents == builder->events.count && nchannels == builder->channels.count);
	return all;
}

static void
unpacked_free(Unpacked *all)
{
	pfree(all->touches);
	pfree(all->events);
	pfree(all->channels);
}

/* Adds all that another builder holds; on failure some may have been added. */
bool
builder_add_builder(JourneyBuilder **builder, const JourneyBuilder *other, CjmError *error)
{
	Unpacked	all;
	LabelMap	events;
	LabelMap	channels;
	bool		ok = true;

	if (!count_check(*builder, other->count, error))
		return false;
	all = unpack(other);
	events = label_map(all.events, other->events.count);
	channels = label_map(all.channels, other->channels.count);
	for (uint32 i = 0; ok && i < other->count; i++)
		ok = add_mapped(builder, all.touches[i], &events, &channels, error);
	pfree(events.ids);
	pfree(channels.ids);
	unpacked_free(&all);
	return ok;
}

/* Whether two touchpoints with ids of one holder are equal. */
static bool
touch_equal(const Touch *a, const Touch *b)
{
	return a->at == b->at && a->event == b->event && a->channel == b->channel &&
		a->has_value == b->has_value && memcmp(&a->value, &b->value, 8) == 0;
}

/*
 * builder_encode appends the canonical journey of all that was added; the
 * builder stays as it is.  distinct drops all but one of equal touchpoints.
 */
bool
builder_encode(const JourneyBuilder *builder, bool distinct, StringInfo out, CjmError *error)
{
	Unpacked	all = unpack(builder);
	uint32		count = builder->count;
	bool		ok;

	if (distinct && count > 1)
	{
		/* Equal ones are neighbours in a sorted journey, from which a distinct one is made. */
		uint32		kept = 1;

		for (uint32 i = 1; i < count; i++)
			if (!touch_equal(&all.touches[kept - 1], &all.touches[i]))
				all.touches[kept++] = all.touches[i];
		count = kept;
	}
	ok = journey_encode(all.touches, count, all.events, builder->events.count,
						all.channels, builder->channels.count, out, error);
	unpacked_free(&all);
	return ok;
}
