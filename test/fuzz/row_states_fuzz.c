/*
 * row_states_fuzz.c: a fuzz target for the states of aggregates over rows,
 * ConditionLog and NextNodeLog.
 *
 * Every input is used twice.
 * - As a few rows, at times near and far: added in any order to several logs, of
 *   which all but one travel, they are read as they were, and in order; the next
 *   event is that of one log with all rows.
 * - As the bytes of a state that nobody has sent: read, combined with one that is
 *   sound, and asked for an answer, each is safe or has an error with a message.
 */
#include "fuzz.h"

#include "base/row_time.h"
#include "conditions/log.h"
#include "conditions/next_node.h"

extern int	LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

#define MAX_ROWS 80
#define NLOGS 3
#define NEXT_NODE_CHAIN 2

typedef struct Row
{
	int64		at;
	uint64		bits[2];
} Row;

/* Times close to each other, to 2000, to what a distance in few bytes can be, and to the first and the last there are. */
static int64
take_time(Input *input)
{
	static const int64 bases[] = {
		0, INT64CONST(800000000000000), USECS_PER_SEC << 30, ROW_TIME_NEAR - 3, -ROW_TIME_NEAR - 3,
		PG_INT64_MIN + 1, PG_INT64_MAX - 8, USECS_PER_SEC * 63,
	};
	uint8		kind = take(input, 256);
	int64		base = bases[kind % lengthof(bases)];
	int64		more = kind & 0x80 ? take(input, 256) : kind >> 4 & 7;

	if (kind & 8 && base < INT64CONST(1) << 60)
		more *= USECS_PER_SEC;
	return base > 0 && more > PG_INT64_MAX - 1 - base ? base : base + more;
}

static int
compare(const void *a, const void *b)
{
	const Row  *x = a;
	const Row  *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	for (int i = 0; i < 128; i++)
		if (condition_bit(x->bits, i) != condition_bit(y->bits, i))
			return condition_bit(x->bits, i) ? -1 : 1;
	return 0;
}

static void
check_condition_log(Input input)
{
	static const uint32 counts[] = {1, 3, 8, 9, 64, 70, 128};
	uint32		nconditions = counts[take(&input, 256) % lengthof(counts)];
	ConditionHead *head = condition_head_create(nconditions, "head", take(&input, 256) % 5);
	ConditionLog *logs[NLOGS];
	ConditionLog *sent = NULL;
	ConditionRows read;
	CjmError	error = {0};
	Row			rows[MAX_ROWS];
	int			nrows = 0;

	for (int i = 0; i < NLOGS; i++)
		logs[i] = condition_log_create(head, take(&input, 256) % 64);
	for (; input.at < input.end && nrows < MAX_ROWS; nrows++)
	{
		Row		   *row = &rows[nrows];
		uint8		where = take(&input, 256);

		memset(row, 0, sizeof(Row));
		row->at = take_time(&input);
		for (int i = where >> 4 & 3; i > 0; i--)
		{
			uint32		condition = take(&input, 256) % nconditions;

			row->bits[condition / 64] |= UINT64CONST(1) << (condition % 64);
		}
		REQUIRE(condition_log_add(&logs[where % NLOGS], row->at, row->bits, &error));
	}
	for (int i = 1; i < NLOGS; i++)
	{
		size_t		size;
		uint8	   *bytes = condition_log_serialize(logs[i], 4, &size);

		sent = condition_log_deserialize(sent, exact_copy(bytes + 4, size - 4), size - 4, &error);
		REQUIRE(sent != NULL && condition_head_is(sent->head, head->bytes, head->size));
		REQUIRE(condition_log_append(&logs[0], sent, &error));
	}
	qsort(rows, nrows, sizeof(Row), compare);
	REQUIRE(condition_log_rows(logs[0], &read, &error) && read.count == (uint32) nrows);
	for (int i = 0; i < nrows; i++)
		REQUIRE(read.rows[i].at == rows[i].at &&
				memcmp(condition_row_bits(&read, &read.rows[i]), rows[i].bits, read.nwords * sizeof(uint64)) == 0);
	condition_rows_close(&read);
}

static bool
same_event(bool found, Label event, bool expected, Label expected_event)
{
	return found == expected && (!found || label_equal(event, expected_event));
}

static void
check_next_node_log(Input input)
{
	static const char events[] = "abcdefghijklmnopqrstuvwxyz";
	uint8		kind = take(&input, 256);
	NextNodeBase base = (NextNodeBase) (kind >> 1 & 3);
	bool		backward = base == NEXT_NODE_TAIL || (base != NEXT_NODE_HEAD && (kind & 1) != 0);
	uint32		nconditions = 1 + NEXT_NODE_CHAIN;
	NextNodeLog *whole = next_node_create(backward, base, nconditions, 0);
	NextNodeLog *logs[NLOGS];
	NextNodeLog *sent = NULL;
	CjmError	error = {0};
	Label		event = {0};
	Label		expected = {0};
	bool		found;

	for (int i = 0; i < NLOGS; i++)
		logs[i] = next_node_create(backward, base, nconditions, take(&input, 256));
	for (int i = 0; input.at < input.end && i < MAX_ROWS; i++)
	{
		uint8		where = take(&input, 256);
		int64		at = take_time(&input);
		uint64		chain = where >> 5 & 3;
		Label		label = {events + (where & 3), take(&input, 256) % 20};

		REQUIRE(next_node_add(&whole, at, label, (where & 16) != 0, &chain, &error));
		REQUIRE(next_node_add(&logs[where % NLOGS], at, label, (where & 16) != 0, &chain, &error));
	}
	for (int i = 1; i < NLOGS; i++)
	{
		size_t		size;
		uint8	   *bytes = next_node_serialize(logs[i], 4, &size);

		sent = next_node_deserialize(sent, exact_copy(bytes + 4, size - 4), size - 4, &error);
		REQUIRE(sent != NULL && next_node_check(logs[0], sent->backward, sent->base, sent->nconditions, &error));
		REQUIRE(next_node_append(&logs[0], sent, &error));
	}
	found = next_node_find(logs[0], &event, &error);
	REQUIRE(same_event(found, event, next_node_find(whole, &expected, &error), expected));
	REQUIRE(error.kind == CJM_ERROR_NONE);
}

static void
try_condition_state(const uint8 *data, size_t size)
{
	CjmError	error = {0};
	ConditionLog *sent = condition_log_deserialize(NULL, data, size, &error);
	ConditionLog *log;
	ConditionRows rows;
	uint64	   *bits;

	if (sent != NULL)
	{
		bits = palloc0(CONDITION_WORDS(sent->head->nconditions) * sizeof(uint64));
		log = condition_log_create(sent->head, 0);
		if (condition_log_add(&log, 77, bits, &error) && condition_log_append(&log, sent, &error) &&
			condition_log_add(&log, 78, bits, &error) && condition_log_rows(log, &rows, &error))
		{
			for (uint32 i = 0; i < rows.count; i++)
				for (uint32 c = rows.nconditions; c < rows.nwords * 64; c++)
					REQUIRE(!condition_bit(condition_row_bits(&rows, &rows.rows[i]), c));
			condition_rows_close(&rows);
			return;
		}
	}
	REQUIRE(error.kind != CJM_ERROR_NONE && error.message[0] != '\0');
}

static void
try_next_node_state(const uint8 *data, size_t size)
{
	CjmError	error = {0};
	NextNodeLog *sent = next_node_deserialize(NULL, data, size, &error);
	NextNodeLog *log;
	Label		event;
	uint64		chain[CONDITION_WORDS(CONDITION_MAX_COUNT)] = {1};

	if (sent == NULL)
	{
		REQUIRE(error.kind != CJM_ERROR_NONE && error.message[0] != '\0');
		return;
	}
	log = next_node_create(sent->backward, sent->base, sent->nconditions, 0);
	if (next_node_add(&log, 77, (Label) {"x", 1}, true, chain, &error) && next_node_append(&log, sent, &error))
		for (int i = 0; i < 20 && next_node_add(&log, 78 + i, (Label) {"event", 5}, true, chain, &error);)
			i++;
	if (error.kind == CJM_ERROR_NONE && next_node_find(log, &event, &error))
		(void) exact_copy(event.bytes, event.size);
	REQUIRE(error.kind == CJM_ERROR_NONE || error.message[0] != '\0');
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	check_condition_log((Input) {data, data + size});
	check_next_node_log((Input) {data, data + size});
	try_condition_state(exact_copy(data, size), size);
	try_next_node_state(exact_copy(data, size), size);
	return 0;
}
