/*
 * conditions/next_node.c: collects the rows that a chain may need, and finds the
 * event next to it.
 *
 * A row in the log is
 *
 *	time		since the row before (the first: since 2000), see base/row_time.h
 *	bytes		conditions, 8 to a byte
 *	varint		bytes of the event, and then the event
 *
 * The answer sorts the rows by time, then by event (as bytes), then those that
 * meet an earlier condition first, so that the order of arrival has no say.
 * From the base row the chain goes on row by row, forward or backward; nothing
 * may lie between.
 *
 * Whenever the log is full, the rows that cannot be of the chain any more are
 * left out (forget_rows), and so are those that come later: most, if customers
 * do much after the chain.
 *
 * Memory: next_node_create allocates in the current context and growing keeps
 * the chunk there.
 */
#include "conditions/next_node.h"

#include "base/row_time.h"
#include "conditions/log.h"

#define INITIAL_CHUNK 128

/* Rows that need no allocation. */
#define ROWS_ROOM 32

/* The base's condition and the chain's first. */
#define MATCH_MASK 3

/* A row, pointing into the log. */
typedef struct NextNodeRow
{
	int64		at;
	Label		event;
	const uint8 *conditions;
} NextNodeRow;

static inline size_t
condition_bytes(uint32 nconditions)
{
	return (nconditions + 7) / 8;
}

/* The conditions, of the first byte of a row, that the first row of the chain has to meet. */
static inline uint8
begin_mask(uint8 base)
{
	return base == NEXT_NODE_FIRST_MATCH || base == NEXT_NODE_LAST_MATCH ? MATCH_MASK : 1;
}

static inline bool
meets(const NextNodeRow *row, uint32 condition)
{
	return (row->conditions[condition / 8] >> (condition % 8) & 1) != 0;
}

static bool
is_word(Label label, const char *word)
{
	return label_equal(label, (Label) {word, strlen(word)});
}

/* Reads direction and base; the two that look away from all rows are refused. */
bool
next_node_words(Label direction, Label base, bool *backward, NextNodeBase *kind, CjmError *error)
{
	static const char *const bases[] = {"head", "tail", "first_match", "last_match"};

	*backward = is_word(direction, "backward");
	if (!*backward && !is_word(direction, "forward"))
	{
		cjm_fail(error, CJM_ERROR_VALUE, "sequence_next_node has no direction \"%.*s\"",
				 (int) direction.size, direction.bytes);
		cjm_fail_hint(error, "Directions are forward and backward.");
		return false;
	}
	for (size_t i = 0;; i++)
	{
		if (i == lengthof(bases))
		{
			cjm_fail(error, CJM_ERROR_VALUE, "sequence_next_node has no base \"%.*s\"", (int) base.size, base.bytes);
			cjm_fail_hint(error, "Bases are head, tail, first_match and last_match.");
			return false;
		}
		if (is_word(base, bases[i]))
		{
			*kind = (NextNodeBase) i;
			break;
		}
	}
	if (*kind == (*backward ? NEXT_NODE_HEAD : NEXT_NODE_TAIL))
	{
		cjm_fail(error, CJM_ERROR_VALUE, "nothing lies %s from the %s",
				 *backward ? "backward" : "forward", bases[*kind]);
		cjm_fail_hint(error, "Use base \"%s\", \"first_match\" or \"last_match\" with direction \"%s\".",
					  *backward ? "tail" : "head", *backward ? "backward" : "forward");
		return false;
	}
	return true;
}

/* An empty log with room for some bytes of rows, as a guess. */
NextNodeLog *
next_node_create(bool backward, NextNodeBase base, uint32 nconditions, size_t room)
{
	size_t		chunk = row_chunk_size(Max(INITIAL_CHUNK, offsetof(NextNodeLog, bytes) + room));
	NextNodeLog *log = palloc(chunk);

	memset(log, 0, offsetof(NextNodeLog, bytes));
	log->from = PG_INT64_MIN;
	log->to = PG_INT64_MAX;
	log->capacity = chunk - offsetof(NextNodeLog, bytes);
	log->backward = backward;
	log->base = base;
	log->nconditions = nconditions;
	return log;
}

/* Fails unless another row, or log, asks the same. */
bool
next_node_check(const NextNodeLog *log, bool backward, NextNodeBase base, uint32 nconditions, CjmError *error)
{
	if (log->backward != backward || log->base != base)
	{
		cjm_fail(error, CJM_ERROR_VALUE,
				 "direction and base of sequence_next_node must be the same in all rows of a group");
		cjm_fail_hint(error, "Make them constants, or columns that the rows are grouped by.");
		return false;
	}
	return condition_count_check(log->nconditions - 1, nconditions - 1, error);
}

static int
compare_rows(const NextNodeRow *a, const NextNodeRow *b, const NextNodeLog *log)
{
	int			order;

	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	/* An event may be empty here. */
	order = memcmp(a->event.bytes, b->event.bytes, Min(a->event.size, b->event.size));
	if (order != 0)
		return order;
	if (a->event.size != b->event.size)
		return a->event.size < b->event.size ? -1 : 1;
	for (size_t i = 0; i < condition_bytes(log->nconditions); i++)
	{
		uint8		differ = a->conditions[i] ^ b->conditions[i];

		if (differ != 0)
			return (a->conditions[i] & differ & -differ) != 0 ? -1 : 1;
	}
	return 0;
}

#define ST_SORT sort_rows
#define ST_ELEMENT_TYPE NextNodeRow
#define ST_COMPARE(a, b, log) compare_rows(a, b, log)
#define ST_COMPARE_ARG_TYPE const NextNodeLog
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* The base row, or -1. */
static int64
find_base(const NextNodeLog *log, const NextNodeRow *rows)
{
	int64		last = (int64) log->count - 1;

	switch ((NextNodeBase) log->base)
	{
		case NEXT_NODE_HEAD:
			return meets(&rows[0], 0) ? 0 : -1;
		case NEXT_NODE_TAIL:
			return meets(&rows[last], 0) ? last : -1;
		case NEXT_NODE_FIRST_MATCH:
			for (int64 i = 0; i <= last; i++)
				if (meets(&rows[i], 0) && meets(&rows[i], 1))
					return i;
			return -1;
		case NEXT_NODE_LAST_MATCH:
			for (int64 i = last; i >= 0; i--)
				if (meets(&rows[i], 0) && meets(&rows[i], 1))
					return i;
			return -1;
	}
	return -1;
}

/*
 * Reads the row at p, pointing into it; *at is the time of the row before, and
 * then its own.  Returns the byte after it, or NULL if there is no whole row:
 * nobody has checked the bytes.
 */
static inline const uint8 *
load_row(const uint8 *p, const uint8 *end, uint32 nconditions, int64 *at, NextNodeRow *row)
{
	uint64		size;

	p = row_time_load(p, end, at);
	if (p == NULL || condition_bytes(nconditions) > (size_t) (end - p))
		return NULL;
	row->at = *at;
	row->conditions = p;
	p = varint_check(p + condition_bytes(nconditions), end, &size);
	if (p == NULL || size > (size_t) (end - p))
		return NULL;
	row->event = (Label) {(const char *) p, (uint32) size};
	return p + size;
}

/*
 * The rows of a log in canonical order, pointing into it, in room if they are
 * at most ROWS_ROOM, else palloc'd.  Fails and returns NULL if a log from another
 * process turns out to be none.
 */
static NextNodeRow *
open_rows(const NextNodeLog *log, NextNodeRow *room, CjmError *error)
{
	NextNodeRow *rows = room;
	const uint8 *p = log->bytes;
	const uint8 *end = log->bytes + log->size;
	int64		at = 0;
	bool		in_order = true;

	if (log->count > ROWS_ROOM)
		rows = palloc_extended(log->count * sizeof(NextNodeRow), MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < log->count; i++)
	{
		p = load_row(p, end, log->nconditions, &at, &rows[i]);
		if (p == NULL)
			break;
		if (i > 0 && in_order && compare_rows(&rows[i - 1], &rows[i], log) > 0)
			in_order = false;
		if ((i & 0xffff) == 0)
			CHECK_FOR_INTERRUPTS();
	}
	if (p != end)
	{
		if (rows != room)
			pfree(rows);
		row_state_corrupt(error);
		return NULL;
	}
	if (!in_order)
		sort_rows(rows, log->count, log);
	return rows;
}

/*
 * Narrows from and to, which is sound whatever rows are yet to come.  If the
 * chain is to begin as early as it can, in its own direction, it can only begin
 * earlier as rows come; so the row as far from where it begins now as the chain
 * is long is as far as it can reach.  If it is to begin as late as it can, it
 * never begins before where it does now.
 */
static void
narrow(NextNodeLog *log, const NextNodeRow *rows)
{
	int64		last = (int64) log->count - 1;
	int64		length = (int64) log->nconditions - 1;
	bool		early = log->base != (log->backward ? NEXT_NODE_FIRST_MATCH : NEXT_NODE_LAST_MATCH);
	int64		bound;

	/* Where head and tail are does not depend on what they meet. */
	if (log->base == NEXT_NODE_HEAD)
		bound = 0;
	else if (log->base == NEXT_NODE_TAIL)
		bound = last;
	else
		bound = find_base(log, rows);
	if (bound < 0)
		return;
	if (early)
		bound += log->backward ? -length : length;
	if (bound < 0 || bound > last)
		return;
	if (early == log->backward)
		log->from = rows[bound].at;
	else
		log->to = rows[bound].at;
}

/* Leaves out the rows that do not matter, if it is known of any; the others are then in canonical order. */
static bool
forget_rows(NextNodeLog *log, CjmError *error)
{
	NextNodeRow room[ROWS_ROOM];
	NextNodeRow *rows;
	uint32		kept = 0;
	size_t		most = 0;
	int64		before = 0;
	uint8	   *bytes;
	uint8	   *p;

	if (log->count == 0 || (!log->begins && begin_mask(log->base) == MATCH_MASK))
		return true;
	rows = open_rows(log, room, error);
	if (rows == NULL)
		return false;
	narrow(log, rows);
	for (uint32 i = 0; i < log->count; i++)
		if (rows[i].at >= log->from && rows[i].at <= log->to)
		{
			most += ROW_TIME_MAX_BYTES + ((const uint8 *) rows[i].event.bytes + rows[i].event.size - rows[i].conditions);
			rows[kept++] = rows[i];
		}
	if (kept < log->count)
	{
		p = bytes = palloc_extended(most, MCXT_ALLOC_HUGE);
		for (uint32 i = 0; i < kept; i++)
		{
			size_t		rest = (const uint8 *) rows[i].event.bytes + rows[i].event.size - rows[i].conditions;

			p = row_time_store(p, rows[i].at, before);
			before = rows[i].at;
			memcpy(p, rows[i].conditions, rest);
			p += rest;
		}
		/* They are fewer, but what order does to the size of times is nobody's promise. */
		if (p - bytes <= log->capacity)
		{
			memcpy(log->bytes, bytes, p - bytes);
			log->size = p - bytes;
			log->count = kept;
			log->last_at = before;
		}
		pfree(bytes);
	}
	if (rows != room)
		pfree(rows);
	return true;
}

/*
 * Makes room for more bytes than there are.  Rows that do not matter go first;
 * if that does not free half of the chunk, it doubles, so that adding is linear
 * but for the sorting.
 */
static pg_noinline bool
grow(NextNodeLog **log, size_t more, CjmError *error)
{
	size_t		header = offsetof(NextNodeLog, bytes);
	size_t		chunk = header + (*log)->capacity;
	size_t		needed;

	if (!forget_rows(*log, error))
		return false;
	needed = header + (*log)->size + more;
	if (needed <= chunk && ((*log)->size <= (*log)->capacity / 2 || chunk == MaxAllocSize))
		return true;
	if (needed > MaxAllocSize)
	{
		cjm_fail(error, CJM_ERROR_LIMIT, "too many rows in one group: %u", (*log)->count);
		cjm_fail_detail(error, "Their times, events and conditions take more than 1 GB.");
		cjm_fail_hint(error, "Group by customer.");
		return false;
	}
	do
		chunk *= 2;
	while (chunk < needed);
	chunk = Min(chunk, MaxAllocSize);
	*log = repalloc(*log, chunk);
	(*log)->capacity = chunk - header;
	return true;
}

/* Makes room for more bytes. */
static inline bool
reserve(NextNodeLog **log, size_t more, CjmError *error)
{
	return likely(more <= (*log)->capacity - (*log)->size) || grow(log, more, error);
}

/* Adds a row, if it matters; chain has words for nconditions - 1 bits, at least one.  The log may move. */
bool
next_node_add(NextNodeLog **log, int64 at, Label event, bool is_base, const uint64 *chain, CjmError *error)
{
	NextNodeLog *l;
	uint8	   *p;
	uint8		first = (uint8) (chain[0] << 1 | is_base);
	uint8		mask;
	size_t		rest;

	if (!row_time_check(at, error))
		return false;
	if (at < (*log)->from || at > (*log)->to)
		return true;
	l = *log;
	rest = condition_bytes(l->nconditions) + varint_size(event.size) + event.size;
	/* Most chunks are never full: it pays to look at the last bytes twice. */
	if (unlikely(ROW_TIME_MAX_BYTES + rest > l->capacity - l->size) &&
		row_time_size(at, l->last_at) + rest > l->capacity - l->size &&
		!grow(log, ROW_TIME_MAX_BYTES + rest, error))
		return false;
	l = *log;
	p = l->bytes + l->size;
	if (likely(ROW_TIME_MAX_BYTES + rest <= l->capacity - l->size))
		p = row_time_store(p, at, l->last_at);
	else
		p = row_time_store_tightly(p, at, l->last_at);
	mask = begin_mask(l->base);
	l->begins |= (first & mask) == mask;
	*p++ = first;
	for (size_t i = 1; i < condition_bytes(l->nconditions); i++)
	{
		/* The last byte may have nothing but the last bit of the byte before. */
		uint64		byte = i * 8 < l->nconditions - 1 ? chain[i / 8] >> (i % 8 * 8) & 0xff : 0;
		uint64		before = chain[(i - 1) / 8] >> ((i - 1) % 8 * 8) & 0xff;

		*p++ = (uint8) (byte << 1 | before >> 7);
	}
	p = varint_store(p, event.size);
	memcpy(p, event.bytes, event.size);
	l->size = p + event.size - l->bytes;
	l->last_at = at;
	l->count++;
	return true;
}

/* Adds the rows of another log that asks the same; that is not changed.  The log may move. */
bool
next_node_append(NextNodeLog **log, const NextNodeLog *other, CjmError *error)
{
	const uint8 *end = other->bytes + other->size;
	const uint8 *rest = other->bytes;
	NextNodeLog *l;
	uint8	   *p;
	bool		first = (*log)->count == 0;
	int64		at = 0;

	if (other->count == 0)
		return true;
	/* The rows are as they are here but for the time of their first, if that is not the first here, too. */
	if (!first && (rest = row_time_load(rest, end, &at)) == NULL)
		return row_state_corrupt(error);
	if (!reserve(log, (first ? 0 : ROW_TIME_MAX_BYTES) + (end - rest), error))
		return false;
	l = *log;
	p = l->bytes + l->size;
	if (!first)
		p = row_time_store(p, at, l->last_at);
	memcpy(p, rest, end - rest);
	l->size = p + (end - rest) - l->bytes;
	l->last_at = other->last_at;
	l->count += other->count;
	l->begins |= other->begins;
	l->from = Max(l->from, other->from);
	l->to = Min(l->to, other->to);
	return true;
}

/*
 * The event next to the chain, pointing into the log, which is only read;
 * false if there is no such chain, nothing next to it, or an error.  Next to no
 * chain at all is the base itself.
 */
bool
next_node_find(const NextNodeLog *log, Label *event, CjmError *error)
{
	int64		length = (int64) log->nconditions - 1;
	int64		step = log->backward ? -1 : 1;
	NextNodeRow room[ROWS_ROOM];
	NextNodeRow *rows;
	int64		next;
	bool		found = false;

	if (log->count <= length || !log->begins)
		return false;
	rows = open_rows(log, room, error);
	if (rows == NULL)
		return false;
	next = find_base(log, rows);
	if (next >= 0)
	{
		int64		place = 1;

		while (place <= length && next >= 0 && next < log->count && meets(&rows[next], place))
		{
			place++;
			next += step;
		}
		found = place > length && next >= 0 && next < log->count;
		if (found)
			*event = rows[next].event;
	}
	if (rows != room)
		pfree(rows);
	return found;
}

/*
 * A log on its way to another process of the same build:
 *
 *	8 bytes		time of the row added last
 *	byte		base << 2 | backward << 1 | begins
 *	varint		rows
 *	varint		conditions
 *	rows		as in the log, to the end
 *
 * It is written to a palloc'd chunk behind header bytes that are left to the
 * caller, and the size of both is set.
 */
uint8 *
next_node_serialize(const NextNodeLog *log, size_t header, size_t *size)
{
	uint8	   *bytes = palloc(header + 8 + 1 + 2 * 5 + log->size);
	uint8	   *p = bytes + header;

	bytes_store64(p, (uint64) log->last_at);
	p[8] = (uint8) (log->base << 2 | log->backward << 1 | log->begins);
	p = varint_store(p + 9, log->count);
	p = varint_store(p, log->nconditions);
	memcpy(p, log->bytes, log->size);
	*size = p + log->size - bytes;
	return bytes;
}

/*
 * Reads a log into the last one that was read, which may be NULL, and returns
 * it, or fails and returns NULL; see condition_log_deserialize.
 */
NextNodeLog *
next_node_deserialize(NextNodeLog *last, const uint8 *bytes, size_t size, CjmError *error)
{
	const uint8 *p = bytes;
	const uint8 *end = bytes + size;
	NextNodeLog *log = last;
	uint64		nconditions;
	uint64		count;
	uint8		words;

	if (size < 9 || (words = bytes[8]) >> 2 > NEXT_NODE_LAST_MATCH ||
		(p = varint_check(p + 9, end, &count)) == NULL ||
		(p = varint_check(p, end, &nconditions)) == NULL || nconditions < 1 || nconditions > CONDITION_MAX_COUNT + 1 ||
		count > (size_t) (end - p) || (nconditions == 1 && words >> 2 >= NEXT_NODE_FIRST_MATCH))
	{
		row_state_corrupt(error);
		return NULL;
	}
	if (log != NULL && (log->capacity < (size_t) (end - p) || log->capacity > ROW_CHUNK_SMALL))
	{
		pfree(log);
		log = NULL;
	}
	if (log == NULL)
		log = next_node_create(false, NEXT_NODE_HEAD, nconditions, end - p);
	log->size = log->count = 0;
	if (!reserve(&log, end - p, error))
		return NULL;
	log->base = words >> 2;
	log->backward = (words >> 1 & 1) != 0;
	log->begins = (words & 1) != 0;
	log->nconditions = nconditions;
	memcpy(log->bytes, p, end - p);
	log->size = end - p;
	log->count = count;
	log->last_at = (int64) bytes_load64(bytes);
	return log;
}
