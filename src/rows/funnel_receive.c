/*
 * rows/funnel_receive.c: states of the aggregates straight from rows that came
 * from elsewhere, as the bytes that rows/funnel_send.c describes.
 *
 * What comes in is only wrapped: the combine function that gets it next copies
 * what it needs.  Nothing is merged or decoded then, but for small runs: the
 * runs of all states stand side by side until the final function reads them.
 * Nobody has checked the bytes: whatever they are, an error is the worst.
 */
#include "rows/funnel.h"

#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(funnel_rows_combine);
PG_FUNCTION_INFO_V1(funnel_rows_deserialize);

/* A run of fewer entries is not worth keeping as one. */
#define SMALL_RUN 256

/* A state that came from elsewhere, only ever the second argument of combine. */
typedef struct SentState
{
	bytea	   *bytes;
} SentState;

/* Bytes that are read field by field. */
typedef struct Reader
{
	const uint8 *p;
	const uint8 *end;
} Reader;

pg_noreturn static void
corrupt(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("invalid aggregate state")));
}

static uint64
read_varint(Reader *reader)
{
	uint64		v;

	reader->p = varint_check(reader->p, reader->end, &v);
	if (reader->p == NULL)
		corrupt();
	return v;
}

/* A varint that is the size or the number of something that follows, a byte each at least. */
static size_t
read_count(Reader *reader)
{
	uint64		count = read_varint(reader);

	if (count > (size_t) (reader->end - reader->p))
		corrupt();
	return count;
}

static const uint8 *
read_bytes(Reader *reader, size_t size)
{
	const uint8 *bytes = reader->p;

	if (size > (size_t) (reader->end - reader->p))
		corrupt();
	reader->p += size;
	return bytes;
}

static int64
read_int64(Reader *reader)
{
	return (int64) bytes_load64(read_bytes(reader, 8));
}

/* Adds a row of a customer who is a number. */
static void
take_number(FunctionCallInfo fcinfo, RowState *state, int64 customer, int64 at, uint32 meaning)
{
	if (row_log_is_full(&state->log, 0))
		row_state_make_room(fcinfo, state, 0);
	row_log_add(&state->log, customer, at, meaning);
}

/* Adds customers of a block. */
static void
take_seen(FunctionCallInfo fcinfo, RowState *state, int64 number, const uint64 *bits)
{
	MemoryContext old;
	bool		taken;

	if (!state->log.charged)
		row_node_enter(fcinfo, state->node, &state->log);
	old = MemoryContextSwitchTo(state->node->context);
	taken = row_log_take_seen(&state->log, number, bits);
	MemoryContextSwitchTo(old);
	if (taken)
		return;
	for (int i = 0; i < SEEN_WORDS; i++)
		for (uint64 left = bits[i]; left != 0; left &= left - 1)
			take_number(fcinfo, state, row_seen_customer(number, i * 64 + pg_rightmost_one_pos64(left)), 0, 0);
}

/*
 * Adds a run whose bytes may be gone after this, entry by entry if it is small.
 * Returns whether it has been kept, with its meanings, as a run.
 */
static bool
take_run(FunctionCallInfo fcinfo, RowState *state, const RowRun *run)
{
	RowBatch	batch = {.entries = NULL};
	RowCursor	cursor;
	CjmError	error = {0};

	if (run->count > SMALL_RUN || run->bytes == NULL)
	{
		MemoryContext old;

		if (!state->log.charged)
			row_node_enter(fcinfo, state->node, &state->log);
		old = MemoryContextSwitchTo(state->node->context);
		if (!row_log_take_run(&state->log, run, &error))
			cjm_report(&error);
		MemoryContextSwitchTo(old);
		return true;
	}
	if (!row_cursor_open(&cursor, run, &state->node->store, state->log.named, 0, 0, &error) ||
		!row_cursor_take(&cursor, ROW_BUCKETS, &batch, &error))
		cjm_report(&error);
	for (uint32 i = 0; i < batch.count; i++)
	{
		const RowEntry *entry = &batch.entries[i];
		uint32		name_size;

		if (!state->log.named)
		{
			take_number(fcinfo, state, row_number_of_key(entry->key), entry->at, entry->meaning);
			continue;
		}
		name_size = row_name_size(batch.names, entry->name);
		if (row_log_is_full(&state->log, name_size))
			row_state_make_room(fcinfo, state, name_size);
		row_log_add_named(&state->log, row_name_bytes(batch.names, entry->name), name_size, entry->at, entry->meaning);
	}
	row_cursor_close(&cursor);
	row_batch_free(&batch);
	return false;
}

/* A size and so many bytes, as a text of the current context. */
static text *
read_text(Reader *reader)
{
	size_t		size = read_count(reader);

	return (text *) bytes_to_varlena(read_bytes(reader, size), size);
}

/*
 * Reads the meanings of a state that was sent: what this process calls them, in
 * memory that lasts as long as the logs' own.  NULL if that is the same.
 */
static uint32 *
read_meanings(Reader *reader, RowState *state, uint64 *nmeanings)
{
	size_t		count;
	uint64		number = 0;
	uint32	   *numbers;
	bool		same = true;
	uint64		bound = funnel_matcher_rules(state->funnel->matcher)->bound;
	MemoryContext old;

	*nmeanings = read_varint(reader);
	count = read_count(reader);
	if (*nmeanings == 0 || *nmeanings > PG_UINT32_MAX || count >= *nmeanings)
		corrupt();
	numbers = MemoryContextAllocExtended(state->node->context, *nmeanings * sizeof(uint32), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	old = MemoryContextSwitchTo(state->node->query);
	for (size_t i = 0; i < count; i++)
	{
		RowMeaning	meaning = {.later = false};
		uint64		step = read_varint(reader);
		uint8		bits;
		size_t		size;

		if (step == 0 || step >= *nmeanings - number)
			corrupt();
		number += step;
		meaning.stages = read_varint(reader);
		if (state->funnel->def.nstages < FUNNEL_MAX_STAGES && meaning.stages >> state->funnel->def.nstages != 0)
			corrupt();
		bits = *read_bytes(reader, 1);
		meaning.excluded = (bits & 1) != 0;
		meaning.refuses = (bits & 2) != 0;
		meaning.later = (bits & 4) != 0;
		meaning.property = NO_LABEL;
		size = read_count(reader);
		if (size > 0)
			meaning.property = (Label) {(const char *) read_bytes(reader, size - 1), size - 1};
		meaning.value = 0;
		if (bound != 0)
		{
			size = read_count(reader);
			if ((size > 0) != ((meaning.stages & bound) != 0))
				corrupt();
			if (size > 0)
			{
				Label		value = {(const char *) read_bytes(reader, size), size};
				CjmError	error = {0};

				if (!row_meanings_value(&state->funnel->meanings, value, &meaning.value, &error))
					cjm_report(&error);
			}
		}
		numbers[number] = row_meaning_number(&state->funnel->meanings, &meaning);
		same &= numbers[number] == number;
	}
	MemoryContextSwitchTo(old);
	if (!same)
		return numbers;
	pfree(numbers);
	return NULL;
}

/* Reads the names of files and receives the files. */
static RowFile **
read_files(Reader *reader, RowNode *node, size_t *nfiles)
{
	RowFile   **files;

	*nfiles = read_count(reader);
	files = palloc(Max(*nfiles, 1) * sizeof(RowFile *));
	for (size_t i = 0; i < *nfiles; i++)
	{
		RowFileName name;

		memcpy(&name, read_bytes(reader, sizeof(name)), sizeof(name));
		if (!row_handover_is_mine(&name))
			corrupt();
		files[i] = row_node_receive(node, &name);
	}
	return files;
}

/*
 * Reads what runs call meanings that are not the state's own names: for each such
 * list what this process calls them.  numbers are those of the state, NULL if they
 * are the same.
 */
static RowMeaningList *
read_lists(Reader *reader, RowState *state, const uint32 *numbers, uint64 nmeanings, size_t *nlists)
{
	RowMeaningList *lists;

	*nlists = read_count(reader);
	lists = palloc(Max(*nlists, 1) * sizeof(RowMeaningList));
	for (size_t i = 0; i < *nlists; i++)
	{
		size_t		count = read_count(reader);
		uint32	   *list = MemoryContextAllocHuge(state->node->context, Max(count, 1) * sizeof(uint32));

		for (size_t k = 0; k < count; k++)
		{
			uint64		number = read_varint(reader);

			if (number >= nmeanings)
				corrupt();
			list[k] = numbers == NULL ? (uint32) number : numbers[number];
		}
		lists[i] = (RowMeaningList) {list, (uint32) count};
	}
	return lists;
}

/* Where parts of a run begin, in the current context; NULL if that has not been kept. */
static RowPart *
read_parts(Reader *reader, const RowRun *run)
{
	RowPart    *parts;

	if (*read_bytes(reader, 1) == 0)
		return NULL;
	parts = palloc((ROW_PARTS - 1) * sizeof(RowPart));
	for (int i = 0; i < ROW_PARTS - 1; i++)
	{
		parts[i].offset = read_varint(reader);
		parts[i].before = read_varint(reader);
		if (parts[i].offset > run->size || parts[i].before > run->count)
			corrupt();
	}
	return parts;
}

/*
 * Adds the rows of a state that was sent; the state is made if there is none yet,
 * in a node without a plan if there is no fcinfo.
 */
static RowState *
add_sent(FunctionCallInfo fcinfo, RowNode *node, RowState *state, const uint8 *bytes, size_t bytes_size)
{
	Reader		reader = {bytes, bytes + bytes_size};
	RowQuestion question = {.position = ROW_NOWHERE};
	uint32	   *numbers;
	const uint8 *funnel;
	size_t		size;
	uint64		nmeanings;
	RowFile   **files;
	size_t		nfiles;
	RowMeaningList *lists;
	size_t		nlists;
	size_t		nruns;
	uint64		position;
	bool		named;
	bool		kept = false;

	if (*read_bytes(&reader, 1) != ROW_STATE_VERSION)
		corrupt();
	named = *read_bytes(&reader, 1) != 0;
	position = read_varint(&reader);
	if (position > ROW_LAST_KNOWN)
		corrupt();
	question.position = (RowPosition) position;
	question.entry.from = read_int64(&reader);
	question.entry.to = read_int64(&reader);
	question.map = *read_bytes(&reader, 1) != 0;
	question.now = read_int64(&reader);
	question.bucket = read_text(&reader);
	question.zone = read_text(&reader);
	if (VARSIZE_ANY_EXHDR(question.bucket) == 0)
		question.bucket = question.zone = NULL;
	question.refusal = read_text(&reader);
	if (VARSIZE_ANY_EXHDR(question.refusal) == 0)
		question.refusal = NULL;
	size = read_count(&reader);
	funnel = read_bytes(&reader, size);
	if (state == NULL)
		state = row_state_new(fcinfo, node, row_funnel(node, funnel, size, &question), named, &question);
	if (state->log.named != named)
		corrupt();
	row_funnel_check(state->funnel, funnel, size);
	row_question_check(&state->question, &question);
	numbers = read_meanings(&reader, state, &nmeanings);
	files = read_files(&reader, node, &nfiles);
	lists = read_lists(&reader, state, numbers, nmeanings, &nlists);

	nruns = read_count(&reader);
	for (size_t i = 0; i < nruns; i++)
	{
		RowRun		run = {.meanings = numbers};
		uint64		n;
		uint64		list;

		run.count = read_varint(&reader);
		run.first_key = read_int64(&reader);
		run.last_key = read_int64(&reader);
		run.first_at = read_int64(&reader);
		run.last_at = read_int64(&reader);
		n = read_varint(&reader);
		list = read_varint(&reader);
		if (run.first_key > run.last_key || run.first_at > run.last_at || n == 0 || list > nlists ||
			n > (list == 0 ? nmeanings : lists[list - 1].count))
			corrupt();
		if (list > 0)
			run.meanings = lists[list - 1].numbers;
		run.nmeanings = (uint32) n;
		run.size = read_varint(&reader);
		n = read_varint(&reader);
		if (n > nfiles)
			corrupt();
		if (n > 0)
		{
			run.file = files[n - 1];
			run.offset = read_varint(&reader);
		}
		else
			run.bytes = read_bytes(&reader, run.size);
		run.parts = read_parts(&reader, &run);
		kept |= take_run(fcinfo, state, &run);
		if (run.parts != NULL)
			pfree(run.parts);
	}
	for (uint64 left = read_varint(&reader); left > 0; left--)
	{
		int64		number = read_int64(&reader);
		uint64		bits[SEEN_WORDS];

		if (named || number != row_seen_number(row_seen_customer(number, 0)))
			corrupt();
		memcpy(bits, read_bytes(&reader, sizeof(bits)), sizeof(bits));
		take_seen(fcinfo, state, number, bits);
	}
	if (reader.p != reader.end)
		corrupt();
	/* Statistics of helpers are known by numbers of meanings. */
	if (numbers != NULL && fcinfo == NULL)
		corrupt();
	if (numbers != NULL && !kept)
		pfree(numbers);
	return state;
}

/* The rows of the state and of another one, which was sent; the state is made if there is none yet. */
Datum
funnel_rows_combine(PG_FUNCTION_ARGS)
{
	RowState   *state = PG_ARGISNULL(0) ? NULL : (RowState *) PG_GETARG_POINTER(0);

	if (!PG_ARGISNULL(1))
	{
		const bytea *sent = ((SentState *) PG_GETARG_POINTER(1))->bytes;

		state = add_sent(fcinfo, state != NULL ? state->node : row_node(fcinfo), state,
						 (const uint8 *) VARDATA_ANY(sent), VARSIZE_ANY_EXHDR(sent));
	}
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state);
}

/* What a helper makes of the bytes of row_state_share, which have to stay, in a node without a plan. */
RowState *
row_state_receive(RowNode *node, const uint8 *bytes, Size size)
{
	return add_sent(NULL, node, NULL, bytes, size);
}

/* The bytes are read by who combines the state, which is before they are gone. */
Datum
funnel_rows_deserialize(PG_FUNCTION_ARGS)
{
	SentState  *state = palloc(sizeof(SentState));

	(void) aggregate_context(fcinfo);
	state->bytes = PG_GETARG_BYTEA_PP(0);
	PG_RETURN_POINTER(state);
}
