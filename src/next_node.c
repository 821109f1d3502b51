/*
 * next_node.c: see next_node.h.
 *
 * A row in the log is
 *
 *	time		since the row before (the first: since 2000), see row_time.h
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
#include "next_node.h"

#include "condition_log.h"
#include "row_time.h"

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
	size_t		chunk = Min(Max(INITIAL_CHUNK, offsetof(NextNodeLog, bytes) + room), MaxAllocSize);
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

/* The rows of a log in canonical order, pointing into it, in room if they are at most ROWS_ROOM, else palloc'd. */
static NextNodeRow *
open_rows(const NextNodeLog *log, NextNodeRow *room)
{
	NextNodeRow *rows = room;
	const uint8 *p = log->bytes;
	int64		at = 0;
	bool		in_order = true;

	if (log->count > ROWS_ROOM)
		rows = palloc_extended(log->count * sizeof(NextNodeRow), MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < log->count; i++)
	{
		uint64		size;

		p = row_time_load(p, &at);
		rows[i].at = at;
		rows[i].conditions = p;
		p = varint_load(p + condition_bytes(log->nconditions), &size);
		rows[i].event = (Label) {(const char *) p, (uint32) size};
		p += size;
		if (i > 0 && in_order && compare_rows(&rows[i - 1], &rows[i], log) > 0)
			in_order = false;
		if ((i & 0xffff) == 0)
			CHECK_FOR_INTERRUPTS();
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
static void
forget_rows(NextNodeLog *log)
{
	NextNodeRow room[ROWS_ROOM];
	NextNodeRow *rows;
	uint32		kept = 0;
	size_t		most = 0;
	int64		before = 0;
	uint8	   *bytes;
	uint8	   *p;

	if (log->count == 0 || (!log->begins && begin_mask(log->base) == MATCH_MASK))
		return;
	rows = open_rows(log, room);
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

	forget_rows(*log);
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
	/* Most chunks are never full: it pays to look at the last bytes twice. */
	l = *log;
	rest = condition_bytes(l->nconditions) + varint_size(event.size) + event.size;
	if (unlikely(ROW_TIME_MAX_BYTES + rest > l->capacity - l->size) &&
		row_time_size(at, l->last_at) + rest > l->capacity - l->size &&
		!grow(log, ROW_TIME_MAX_BYTES + rest, error))
		return false;
	l = *log;
	mask = begin_mask(l->base);
	l->begins |= (first & mask) == mask;
	p = row_time_store(l->bytes + l->size, at, l->last_at);
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
	const uint8 *rest;
	NextNodeLog *l;
	uint8	   *p;
	int64		at = 0;

	if (other->count == 0)
		return true;
	if (!reserve(log, ROW_TIME_MAX_BYTES + (size_t) other->size, error))
		return false;
	l = *log;
	/* Only the first row's time is relative to something else here. */
	rest = row_time_load(other->bytes, &at);
	p = row_time_store(l->bytes + l->size, at, l->last_at);
	memcpy(p, rest, other->bytes + other->size - rest);
	l->size = p + (other->bytes + other->size - rest) - l->bytes;
	l->last_at = other->last_at;
	l->count += other->count;
	l->begins |= other->begins;
	l->from = Max(l->from, other->from);
	l->to = Min(l->to, other->to);
	return true;
}

/*
 * The event next to the chain, pointing into the log, which is only read;
 * false if there is no such chain, or nothing next to it.  Next to no chain at
 * all is the base itself.
 */
bool
next_node_find(const NextNodeLog *log, Label *event)
{
	int64		length = (int64) log->nconditions - 1;
	int64		step = log->backward ? -1 : 1;
	NextNodeRow room[ROWS_ROOM];
	NextNodeRow *rows;
	int64		next;
	bool		found = false;

	if (log->count <= length || !log->begins)
		return false;
	rows = open_rows(log, room);
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
 *	byte		base << 1 | backward
 *	varint		conditions
 *	varint		rows
 *	rows		as in the log, to the end
 */
void
next_node_serialize(const NextNodeLog *log, StringInfo out)
{
	appendStringInfoCharMacro(out, (char) (log->base << 1 | log->backward));
	append_varint(out, log->nconditions);
	append_varint(out, log->count);
	appendBinaryStringInfo(out, (const char *) log->bytes, log->size);
}

/* Reads a log in the current context, or returns NULL. */
NextNodeLog *
next_node_deserialize(const uint8 *bytes, size_t size, CjmError *error)
{
	const uint8 *p = bytes;
	const uint8 *end = bytes + size;
	const uint8 *rows;
	NextNodeLog *log;
	uint64		nconditions;
	uint64		count;
	int64		at = 0;
	uint8		words;
	uint8		mask;
	bool		begins = false;

	if (p == end)
		goto corrupt;
	words = *p++;
	if (words >> 1 > NEXT_NODE_LAST_MATCH ||
		(p = varint_check(p, end, &nconditions)) == NULL || nconditions < 1 || nconditions > CONDITION_MAX_COUNT + 1 ||
		(p = varint_check(p, end, &count)) == NULL || count > (size_t) (end - p) ||
		(nconditions == 1 && words >> 1 >= NEXT_NODE_FIRST_MATCH))
		goto corrupt;
	rows = p;
	mask = begin_mask(words >> 1);
	for (uint64 i = 0; i < count; i++)
	{
		uint64		v;

		if ((p = row_time_check_bytes(p, end, &at)) == NULL || (size_t) (end - p) < condition_bytes(nconditions))
			goto corrupt;
		begins |= (*p & mask) == mask;
		if ((p = varint_check(p + condition_bytes(nconditions), end, &v)) == NULL || v > (size_t) (end - p))
			goto corrupt;
		p += v;
	}
	if (p != end)
		goto corrupt;

	log = next_node_create((words & 1) != 0, (NextNodeBase) (words >> 1), nconditions, end - rows);
	if (!reserve(&log, end - rows, error))
		return NULL;
	memcpy(log->bytes, rows, end - rows);
	log->size = end - rows;
	log->count = count;
	log->last_at = at;
	log->begins = begins;
	return log;

corrupt:
	cjm_fail(error, CJM_ERROR_CORRUPT, "invalid aggregate state");
	return NULL;
}
