/*
 * journey/builder.c: collects touchpoints, and puts them in order when a journey
 * is made of them.
 *
 * A builder is one chunk of memory: a header and a log.  The log holds the
 * touchpoints in the order of their arrival, each as
 *
 *	1 byte		width of the time, 0 to 8; CHANNEL_BIT, VALUE_BIT, SESSION_BIT
 *	varint		event id
 *	[varint		channel id]
 *	[varint		session id]
 *	width		zigzag of the time since the touchpoint added before
 *	[8 bytes	value]
 *
 * So a builder takes little more memory than the journey it will become, and it
 * moves only to grow.  What the ids stand for is in its pool.  That is a shared
 * one, which whoever made the builder gave it, or its own.  A builder that meets
 * a label which a full shared pool does not take is given its own.
 *
 * A builder that has been given nothing but one canonical journey holds that
 * instead of a log, until it is given more: of a group that only one process has
 * seen, the leader of a parallel plan hands over what it was given.
 *
 * Memory: builder_create and a pool of its own allocate in the current context;
 * growing keeps the chunk in the context it was made in.  The caller must be
 * in the builder's context when it adds.
 */
#include "journey/builder.h"

#include "port/pg_bitutils.h"

/* With the header, 64 bytes: about five touchpoints, as half of all customers have at most. */
#define INITIAL_CHUNK 64
/* A touchpoint takes at most 1 + 5 + 5 + 5 + 8 + 8 bytes. */
#define MAX_RECORD 32

#define WIDTH_MASK 0x0f
#define CHANNEL_BIT 0x10
#define VALUE_BIT 0x20
#define SESSION_BIT 0x40

/* Touchpoints of a journey for which builder_encode needs no memory but the stack. */
#define FEW_TOUCHES 64

/* Makes an empty builder, of the labels of a shared pool if one is given that is not full. */
JourneyBuilder *
builder_create(LabelPool *shared)
{
	JourneyBuilder *builder = palloc(INITIAL_CHUNK);

	Assert(shared == NULL || shared->shared != NULL);
	memset(builder, 0, offsetof(JourneyBuilder, log));
	builder->capacity = INITIAL_CHUNK - offsetof(JourneyBuilder, log);
	if (shared != NULL && !shared->shared->full)
		builder->pool = shared;
	return builder;
}

/* Makes a builder of a canonical journey that is not empty. */
JourneyBuilder *
builder_of_journey(const uint8 *bytes, size_t size, uint32 count)
{
	JourneyBuilder *builder = palloc(offsetof(JourneyBuilder, log) + size);

	memset(builder, 0, offsetof(JourneyBuilder, log));
	builder->whole = true;
	builder->count = count;
	builder->size = builder->capacity = size;
	memcpy(builder->log, bytes, size);
	return builder;
}

void
builder_free(JourneyBuilder *builder)
{
	if (builder->pool != NULL && builder->pool->shared == NULL)
		label_pool_free(builder->pool);
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

/* Writes a touchpoint at p, where MAX_RECORD bytes may be written, and returns the byte after it. */
static inline uint8 *
record_store(uint8 *p, int64 last_at, const Touch *touch)
{
	/* Unsigned, since the distance of two times may not fit in int64. */
	uint64		delta = (uint64) touch->at - (uint64) last_at;
	uint64		zigzag = delta << 1 ^ (uint64) ((int64) delta >> 63);
	int			width = zigzag == 0 ? 0 : pg_leftmost_one_pos64(zigzag) / 8 + 1;

	*p++ = width | (touch->channel != 0 ? CHANNEL_BIT : 0) | (touch->has_value ? VALUE_BIT : 0) | (touch->session != 0 ? SESSION_BIT : 0);
	p = varint_store(p, touch->event);
	if (touch->channel != 0)
		p = varint_store(p, touch->channel - 1);
	if (touch->session != 0)
		p = varint_store(p, touch->session - 1);
	bytes_store64(p, zigzag);
	p += width;
	if (touch->has_value)
	{
		memcpy(p, &touch->value, 8);
		p += 8;
	}
	return p;
}

/*
 * Reads the touchpoint at p, whose predecessor's time is in touch, and returns
 * the byte after it.  A header stands before the log, so the eight bytes that
 * end with the time are there.
 */
static inline const uint8 *
record_load(const uint8 *p, Touch *touch)
{
	uint8		head = *p++;
	int			width = head & WIDTH_MASK;
	uint64		id;

	p = varint_load(p, &id);
	touch->event = id;
	touch->channel = 0;
	if (head & CHANNEL_BIT)
	{
		p = varint_load(p, &id);
		touch->channel = id + 1;
	}
	touch->session = 0;
	if (head & SESSION_BIT)
	{
		p = varint_load(p, &id);
		touch->session = id + 1;
	}
	p += width;
	if (width > 0)
	{
		uint64		zigzag = bytes_load64(p - 8) >> (64 - 8 * width);

		touch->at = (int64) ((uint64) touch->at + (zigzag >> 1 ^ (0 - (zigzag & 1))));
	}
	touch->has_value = (head & VALUE_BIT) != 0;
	touch->value = 0;
	if (touch->has_value)
	{
		memcpy(&touch->value, p, 8);
		p += 8;
	}
	return p;
}

/*
 * Appends a touchpoint whose labels are in the pool.  The log grows by no more
 * than is needed: most journeys are short, and there are many.
 */
static inline bool
append_touch(JourneyBuilder **builder_pointer, const Touch *touch, CjmError *error)
{
	JourneyBuilder *builder = *builder_pointer;

	if (builder->capacity - builder->size >= MAX_RECORD)
		builder->size = record_store(builder->log + builder->size, builder->last_at, touch) - builder->log;
	else
	{
		uint8		record[MAX_RECORD];
		size_t		size = record_store(record, builder->last_at, touch) - record;

		if (!reserve(builder_pointer, size, error))
			return false;
		builder = *builder_pointer;
		memcpy(builder->log + builder->size, record, size);
		builder->size += size;
	}
	builder->last_at = touch->at;
	builder->count++;
	return true;
}

/*
 * Gives a builder of a shared pool one of its own, with the labels that it
 * uses; its log is written anew, since its ids change.
 */
static bool
leave_shared_pool(JourneyBuilder **builder, CjmError *error)
{
	JourneyBuilder *own = builder_create(NULL);

	if (!builder_add_builder(&own, *builder, error))
		return false;
	builder_free(*builder);
	*builder = own;
	return true;
}

/* Adds a label that is not in the builder's pool and sets its id. */
static bool
add_label(JourneyBuilder **builder, Label label, uint32 *id, CjmError *error)
{
	if ((*builder)->pool != NULL && !label_pool_takes((*builder)->pool, label) && !leave_shared_pool(builder, error))
		return false;
	if ((*builder)->pool == NULL)
		(*builder)->pool = label_pool_create(false);
	return label_pool_add((*builder)->pool, label, id, error);
}

/* Sets the id of a checked label, which is added if it is not there. */
static bool
label_id(JourneyBuilder **builder, Label label, uint32 *id, CjmError *error)
{
	if ((*builder)->pool != NULL && label_pool_find((*builder)->pool, label, id))
		return true;
	return add_label(builder, label, id, error);
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

/* Adds the one journey that another builder holds. */
static bool
add_whole(JourneyBuilder **builder, const JourneyBuilder *other, CjmError *error)
{
	JourneyView view;

	return journey_open(other->log, other->size, &view, error) &&
		builder_add_view(builder, &view, 0, view.count, error);
}

/* Makes the one journey that a builder holds a log, to which can be added. */
static bool
make_log(JourneyBuilder **builder, CjmError *error)
{
	JourneyBuilder *log = builder_create((*builder)->pool);

	if (!add_whole(&log, *builder, error))
		return false;
	pfree(*builder);
	*builder = log;
	return true;
}

/*
 * builder_add adds one touchpoint, with NO_LABEL for no channel and no session.  It may move
 * the builder.  Fails, leaving the builder's touchpoints as they were, if the
 * time, a label or the size is not allowed.
 */
bool
builder_add(JourneyBuilder **builder, int64 at, Label event, Label channel, Label session,
			bool has_value, double value, CjmError *error)
{
	LabelPool  *pool;
	Touch		touch;

	if (!touch_time_check(at, error) || !count_check(*builder, 1, error))
		return false;
	if (unlikely((*builder)->whole) && !make_log(builder, error))
		return false;
	pool = (*builder)->pool;
	touch.at = at;
	touch.channel = 0;
	touch.session = 0;
	touch.has_value = has_value;
	touch.value = has_value ? touch_value_normal(value) : 0;

	/* What is in a pool has been checked.  The rest is for labels that are new. */
	if (likely(pool != NULL && session.bytes == NULL && label_pool_find(pool, event, &touch.event)))
	{
		if (channel.bytes == NULL)
			return append_touch(builder, &touch, error);
		if (likely(label_pool_find(pool, channel, &touch.channel)))
		{
			touch.channel++;
			return append_touch(builder, &touch, error);
		}
	}
	if (!label_check(event, "event", error) ||
		(channel.bytes != NULL && !label_check(channel, "channel", error)) ||
		(session.bytes != NULL && !label_check(session, "session", error)))
		return false;
	/* If a label made the builder leave its pool, those before it have other ids, or none; its own one it does not leave. */
	do
	{
		if (!label_id(builder, event, &touch.event, error))
			return false;
		pool = (*builder)->pool;
		if (channel.bytes != NULL)
		{
			if (!label_id(builder, channel, &touch.channel, error))
				return false;
			touch.channel++;
		}
		if (session.bytes != NULL)
		{
			if (!label_id(builder, session, &touch.session, error))
				return false;
			touch.session++;
		}
	} while (unlikely((*builder)->pool != pool));
	return append_touch(builder, &touch, error);
}

/* The ids that labels of another holder have here, found when they are met. */
typedef struct LabelMap
{
	uint32	   *ids;			/* PG_UINT32_MAX: not yet met */
	uint32		count;
} LabelMap;

static void
label_map_clear(LabelMap *map)
{
	memset(map->ids, 0xff, map->count * sizeof(uint32));
}

static LabelMap
label_map(uint32 count)
{
	LabelMap	map = {palloc_extended(Max(count, 1) * sizeof(uint32), MCXT_ALLOC_HUGE), count};

	label_map_clear(&map);
	return map;
}

static inline bool
map_label(JourneyBuilder **builder, LabelMap *map, uint32 *id, Label label, CjmError *error)
{
	uint32	   *mapped = &map->ids[*id];

	if (*mapped == PG_UINT32_MAX && !label_id(builder, label, mapped, error))
		return false;
	*id = *mapped;
	return true;
}

/* Where touchpoints are added from: ids here of their ids there, and the labels there. */
typedef struct Mapping
{
	LabelMap	events;
	LabelMap	channels;
	LabelMap	sessions;
	const Label *event_labels;	/* by id; NULL: all are in the pool */
	const Label *channel_labels;
	const Label *session_labels;
	const LabelPool *pool;
} Mapping;

/* Adds a checked touchpoint whose ids are of another holder. */
static inline bool
add_mapped(JourneyBuilder **builder, const Touch *other, Mapping *mapping, CjmError *error)
{
	for (;;)
	{
		const LabelPool *pool = (*builder)->pool;
		Touch		touch = *other;
		Label		event = mapping->pool ? label_pool_label(mapping->pool, touch.event) : mapping->event_labels[touch.event];

		if (!map_label(builder, &mapping->events, &touch.event, event, error))
			return false;
		if (touch.channel != 0)
		{
			Label		channel;

			touch.channel--;
			channel = mapping->pool ? label_pool_label(mapping->pool, touch.channel) : mapping->channel_labels[touch.channel];
			if (!map_label(builder, &mapping->channels, &touch.channel, channel, error))
				return false;
			touch.channel++;
		}
		if (touch.session != 0)
		{
			Label		session;

			touch.session--;
			session = mapping->pool ? label_pool_label(mapping->pool, touch.session) : mapping->session_labels[touch.session];
			if (!map_label(builder, &mapping->sessions, &touch.session, session, error))
				return false;
			touch.session++;
		}
		if (likely((*builder)->pool == pool))
			return append_touch(builder, &touch, error);
		/* A pool that is new has other ids; it will stay. */
		label_map_clear(&mapping->events);
		label_map_clear(&mapping->channels);
		label_map_clear(&mapping->sessions);
	}
}

/*
 * builder_add_view adds touchpoints from .. to - 1 of a journey, in whatever
 * order they are.  On failure some of them may have been added.
 */
bool
builder_add_view(JourneyBuilder **builder, const JourneyView *view, uint32 from, uint32 to, CjmError *error)
{
	Label	   *labels[3];
	Mapping		mapping = {.pool = NULL};
	JourneyCursor cursor;
	Touch		touch;
	bool		ok = true;

	if (from >= to)
		return true;
	if (!count_check(*builder, to - from, error))
		return false;
	if ((*builder)->whole && !make_log(builder, error))
		return false;
	mapping.events = label_map(view->events.count);
	mapping.channels = label_map(view->channels.count);
	mapping.sessions = label_map(view->sessions.count);
	mapping.event_labels = labels[0] = journey_labels(&view->events);
	mapping.channel_labels = labels[1] = journey_labels(&view->channels);
	mapping.session_labels = labels[2] = journey_labels(&view->sessions);
	journey_cursor_start(&cursor, view, from);
	cursor.any_order = true;
	while (ok && cursor.next < to && journey_cursor_next(&cursor, &touch))
	{
		CHECK_FOR_INTERRUPTS();
		touch.value = touch_value_normal(touch.value);
		ok = add_mapped(builder, &touch, &mapping, error);
	}
	pfree(labels[0]);
	pfree(labels[1]);
	pfree(labels[2]);
	pfree(mapping.events.ids);
	pfree(mapping.channels.ids);
	pfree(mapping.sessions.ids);
	return ok;
}

/* Adds all that another builder holds; on failure some may have been added. */
bool
builder_add_builder(JourneyBuilder **builder, const JourneyBuilder *other, CjmError *error)
{
	Mapping		mapping = {.pool = other->pool};
	const uint8 *p = other->log;
	Touch		touch = {.at = 0};
	bool		ok = true;

	if (other->count == 0)
		return true;
	if (!count_check(*builder, other->count, error))
		return false;
	if (other->whole)
	{
		LabelPool  *pool = (*builder)->pool;

		if ((*builder)->count > 0)
			return add_whole(builder, other, error);
		pfree(*builder);
		*builder = builder_of_journey(other->log, other->size, other->count);
		(*builder)->pool = pool;
		return true;
	}
	if ((*builder)->whole && !make_log(builder, error))
		return false;
	/* Labels of a pool have one numbering, but all three maps, as those of a journey. */
	mapping.events = label_map(other->pool->count);
	mapping.channels = label_map(other->pool->count);
	mapping.sessions = label_map(other->pool->count);
	for (uint32 i = 0; ok && i < other->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		p = record_load(p, &touch);
		ok = add_mapped(builder, &touch, &mapping, error);
	}
	pfree(mapping.events.ids);
	pfree(mapping.channels.ids);
	pfree(mapping.sessions.ids);
	return ok;
}

/*
 * builder_encode makes the canonical journey of all that was added, in a
 * palloc'd chunk behind header bytes that are left to the caller, and sets the
 * size of both.  The builder stays as it is.  distinct drops all but one of equal
 * touchpoints.  Returns NULL if the journey would not fit in a value.
 */
uint8 *
builder_encode(const JourneyBuilder *builder, bool distinct, size_t header, size_t *size, CjmError *error)
{
	Touch		few[FEW_TOUCHES];
	Touch	   *touches = few;
	const uint8 *p = builder->log;
	Touch		touch = {.at = 0};
	LabelOrder	order;
	uint8	   *bytes;

	if (builder->whole && !distinct)
	{
		*size = header + builder->size;
		bytes = palloc(*size);
		memcpy(bytes + header, builder->log, builder->size);
		return bytes;
	}
	if (builder->whole)
	{
		JourneyBuilder *log = builder_create(NULL);

		bytes = add_whole(&log, builder, error) ? builder_encode(log, distinct, header, size, error) : NULL;
		builder_free(log);
		return bytes;
	}
	if (builder->count == 0)
		return journey_encode(NULL, 0, NULL, distinct, header, size, error);
	order = label_pool_order(builder->pool);
	if (builder->count > FEW_TOUCHES)
		touches = palloc_extended(builder->count * sizeof(Touch), MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < builder->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		p = record_load(p, &touch);
		touches[i] = touch;
		/* Ids become places in the order of labels, so that comparing them compares labels. */
		touches[i].event = order.rank[touch.event];
		if (touch.channel != 0)
			touches[i].channel = order.rank[touch.channel - 1] + 1;
		if (touch.session != 0)
			touches[i].session = order.rank[touch.session - 1] + 1;
	}
	Assert(p == builder->log + builder->size);
	bytes = journey_encode(touches, builder->count, &order, distinct, header, size, error);
	if (touches != few)
		pfree(touches);
	label_order_free(&order);
	return bytes;
}
