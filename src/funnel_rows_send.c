/*
 * funnel_rows_send.c: states of the aggregates straight from rows, between
 * processes and one with another.
 *
 * A state travels as bytes.  What comes in is only wrapped: the combine function
 * that gets it next copies what it needs.  Nothing is merged or decoded then,
 * but for small runs: the runs of both states stand side by side until the
 * final function reads them.
 *
 *	1 byte		version, 1
 *	1 byte		whether customers have names
 *	varint		what the answer is broken down by, a RowBy
 *	varint		size of the funnel, and the funnel
 *	varint		meanings and, for each but the first: varint stages,
 *				1 byte whether it is excluded, varint 0 for no property,
 *				else its size + 1 and the property
 *	varint		runs, and for each: varint entries, first and last number and
 *				first and last time in 8 bytes each, varint meanings it may use,
 *				varint how many of them have another number here and these,
 *				varint size, and the bytes of row_run.c
 */
#include "funnel_rows.h"

#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(funnel_rows_combine);
PG_FUNCTION_INFO_V1(funnel_rows_serialize);
PG_FUNCTION_INFO_V1(funnel_rows_deserialize);

#define STATE_VERSION 1

/* A run of fewer entries is not worth keeping as one. */
#define SMALL_RUN 256

/* Bytes that are read field by field. */
typedef struct Reader
{
	const uint8 *p;
	const uint8 *end;
} Reader;

static void pg_attribute_noreturn()
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

/* Adds a run whose bytes may be gone after this, entry by entry if it is small. */
static void
take_run(FunctionCallInfo fcinfo, RowState *state, const RowRun *run)
{
	RowBatch	batch = {.entries = NULL};
	RowCursor	cursor;
	CjmError	error = {0};

	if (run->count > SMALL_RUN)
	{
		MemoryContext old;

		if (!state->log.charged)
			row_node_enter(fcinfo, state->node, &state->log);
		old = MemoryContextSwitchTo(state->node->context);
		if (!row_log_take_run(&state->log, run, &error))
			cjm_report(&error);
		MemoryContextSwitchTo(old);
		return;
	}
	if (!row_cursor_open(&cursor, run, &state->node->store, state->log.named, 0, &error) ||
		!row_cursor_take(&cursor, ROW_BUCKETS, &batch, &error))
		cjm_report(&error);
	for (uint32 i = 0; i < batch.count; i++)
	{
		const RowEntry *entry = &batch.entries[i];
		uint32		name_size = state->log.named ? row_name_size(batch.names, entry->name) : 0;

		if (row_log_is_full(&state->log, name_size))
			row_state_make_room(fcinfo, state, name_size);
		if (state->log.named)
			row_log_add_named(&state->log, row_name_bytes(batch.names, entry->name), name_size, entry->at, entry->meaning);
		else
			row_log_add(&state->log, row_number_of_key(entry->key), entry->at, entry->meaning);
	}
	row_cursor_close(&cursor);
	row_batch_free(&batch);
}

/*
 * Reads the meanings of a state that was sent: what this process calls them,
 * in memory that lasts as long as the logs' own.  NULL if that is the same.
 */
static const uint32 *
read_meanings(Reader *reader, RowState *state, size_t *count)
{
	uint32	   *numbers;
	bool		same = true;
	MemoryContext old;

	*count = read_count(reader);
	if (*count == 0)
		corrupt();
	numbers = MemoryContextAllocHuge(state->node->context, *count * sizeof(uint32));
	numbers[0] = 0;
	old = MemoryContextSwitchTo(state->node->query);
	for (uint32 i = 1; i < *count; i++)
	{
		RowMeaning	meaning;
		size_t		size;

		meaning.stages = read_varint(reader);
		meaning.excluded = *read_bytes(reader, 1) != 0;
		meaning.property = NO_LABEL;
		size = read_count(reader);
		if (size > 0)
			meaning.property = (Label) {(const char *) read_bytes(reader, size - 1), size - 1};
		numbers[i] = row_meaning_number(&state->funnel->meanings, &meaning);
		same &= numbers[i] == i;
	}
	MemoryContextSwitchTo(old);
	if (!same)
		return numbers;
	pfree(numbers);
	return NULL;
}

/* Adds the rows of a state that was sent; the state is made if there is none yet. */
static RowState *
add_sent(FunctionCallInfo fcinfo, RowState *state, const bytea *sent)
{
	Reader		reader = {(const uint8 *) VARDATA_ANY(sent), (const uint8 *) VARDATA_ANY(sent) + VARSIZE_ANY_EXHDR(sent)};
	RowNode    *node = state != NULL ? state->node : row_node(fcinfo);
	const uint32 *numbers;
	const uint8 *funnel;
	size_t		size;
	size_t		nmeanings;
	size_t		nruns;
	uint64		by;
	bool		named;

	if (*read_bytes(&reader, 1) != STATE_VERSION)
		corrupt();
	named = *read_bytes(&reader, 1) != 0;
	by = read_varint(&reader);
	size = read_count(&reader);
	funnel = read_bytes(&reader, size);
	if (state == NULL)
		state = row_state_new(fcinfo, node, row_funnel(node, funnel, size), named, (RowBy) by);
	if (state->log.named != named || by > ROW_BY_LAST)
		corrupt();
	row_funnel_check(state->funnel, funnel, size);
	row_by_check(state->by, (RowBy) by);
	numbers = read_meanings(&reader, state, &nmeanings);

	nruns = read_count(&reader);
	for (size_t i = 0; i < nruns; i++)
	{
		RowRun		run = {.bytes = NULL};
		size_t		renumbered;

		run.count = read_varint(&reader);
		run.first_key = read_int64(&reader);
		run.last_key = read_int64(&reader);
		run.first_at = read_int64(&reader);
		run.last_at = read_int64(&reader);
		run.nmeanings = read_varint(&reader);
		renumbered = read_count(&reader);
		if (run.first_key > run.last_key || run.first_at > run.last_at || run.nmeanings == 0 ||
			(renumbered == 0 ? run.nmeanings > nmeanings : renumbered != run.nmeanings))
			corrupt();
		run.meanings = numbers;
		if (renumbered > 0)
		{
			uint32	   *own = MemoryContextAllocHuge(node->context, renumbered * sizeof(uint32));

			for (size_t n = 0; n < renumbered; n++)
			{
				uint64		number = read_varint(&reader);

				if (number >= nmeanings)
					corrupt();
				own[n] = numbers != NULL ? numbers[number] : (uint32) number;
			}
			run.meanings = own;
		}
		run.size = read_count(&reader);
		run.bytes = read_bytes(&reader, run.size);
		take_run(fcinfo, state, &run);
	}
	if (reader.p != reader.end)
		corrupt();
	return state;
}

static void
put(uint8 **p, const void *bytes, size_t size)
{
	memcpy(*p, bytes, size);
	*p += size;
}

static void
put_int64(uint8 **p, int64 v)
{
	bytes_store64(*p, (uint64) v);
	*p += 8;
}

/* A state as bytes, in the current context. */
static bytea *
state_to_bytes(const RowState *state)
{
	const RowLog *log = &state->log;
	const RowMeanings *meanings = &state->funnel->meanings;
	uint32		nruns = log->nruns;
	RowRun		last = {.bytes = NULL};
	size_t		funnel_size = VARSIZE(state->funnel->value) - VARHDRSZ;
	size_t		size = VARHDRSZ + 2 + 10 + 10 + funnel_size + 10 + (size_t) meanings->count * 21 + 10;
	bytea	   *result;
	uint8	   *p;

	if (log->batch.count > 0)
	{
		last = row_log_last_run(log);
		nruns++;
	}
	for (uint32 i = 1; i < meanings->count; i++)
		size += meanings->list[i].property.size;
	for (uint32 i = 0; i < nruns; i++)
	{
		const RowRun *run = i < log->nruns ? &log->runs[i] : &last;

		size += 4 * 8 + 4 * 10 + (run->meanings != NULL ? (size_t) run->nmeanings * 5 : 0) + run->size;
	}
	if (size > MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("funnel_agg of more rows than can be handed from one process to another"),
				 errdetail("The rows of this group take more than 1 GB."),
				 errhint("SET max_parallel_workers_per_gather = 0, and enable_partitionwise_aggregate = off if that is on; "
						 "or aggregate stored journeys.")));

	result = palloc(size);
	p = (uint8 *) VARDATA(result);
	*p++ = STATE_VERSION;
	*p++ = log->named;
	p = varint_store(p, state->by);
	p = varint_store(p, funnel_size);
	put(&p, VARDATA(state->funnel->value), funnel_size);
	p = varint_store(p, meanings->count);
	for (uint32 i = 1; i < meanings->count; i++)
	{
		p = varint_store(p, meanings->list[i].stages);
		*p++ = meanings->list[i].excluded;
		if (meanings->list[i].property.bytes == NULL)
			*p++ = 0;
		else
		{
			p = varint_store(p, (uint64) meanings->list[i].property.size + 1);
			put(&p, meanings->list[i].property.bytes, meanings->list[i].property.size);
		}
	}
	p = varint_store(p, nruns);
	for (uint32 i = 0; i < nruns; i++)
	{
		const RowRun *run = i < log->nruns ? &log->runs[i] : &last;

		CHECK_FOR_INTERRUPTS();
		p = varint_store(p, run->count);
		put_int64(&p, run->first_key);
		put_int64(&p, run->last_key);
		put_int64(&p, run->first_at);
		put_int64(&p, run->last_at);
		p = varint_store(p, run->nmeanings);
		p = varint_store(p, run->meanings != NULL ? run->nmeanings : 0);
		if (run->meanings != NULL)
			for (uint32 n = 0; n < run->nmeanings; n++)
				p = varint_store(p, run->meanings[n]);
		p = varint_store(p, run->size);
		if (run->bytes != NULL)
			put(&p, run->bytes, run->size);
		else
		{
			log->store->read(log->store, run->offset, p, run->size);
			p += run->size;
		}
	}
	if (last.bytes != NULL)
		pfree(unconstify(uint8 *, last.bytes));
	SET_VARSIZE(result, p - (uint8 *) result);
	return result;
}

/*
 * The rows of both states.  The second is only read: it may be in memory that
 * is short of life, or somebody else's.
 */
Datum
funnel_rows_combine(PG_FUNCTION_ARGS)
{
	RowState   *state = PG_ARGISNULL(0) ? NULL : (RowState *) PG_GETARG_POINTER(0);
	RowState   *other = PG_ARGISNULL(1) ? NULL : (RowState *) PG_GETARG_POINTER(1);

	if (other != NULL)
	{
		if (state != NULL && state->sent != NULL)
			state = add_sent(fcinfo, NULL, state->sent);
		state = add_sent(fcinfo, state, other->sent != NULL ? other->sent : state_to_bytes(other));
	}
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state);
}

Datum
funnel_rows_serialize(PG_FUNCTION_ARGS)
{
	RowState   *state = (RowState *) PG_GETARG_POINTER(0);

	PG_RETURN_BYTEA_P(state->sent != NULL ? state->sent : state_to_bytes(state));
}

/* The bytes are read by who combines the state, which is before they are gone. */
Datum
funnel_rows_deserialize(PG_FUNCTION_ARGS)
{
	RowState   *state;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate's function called in non-aggregate context");
	state = palloc0(sizeof(RowState));
	state->sent = PG_GETARG_BYTEA_PP(0);
	PG_RETURN_POINTER(state);
}

/*
 * A state to be read: one that was sent is read in, here as good as anywhere.
 * NULL if there is none.
 */
RowState *
row_state_to_read(FunctionCallInfo fcinfo)
{
	RowState   *state;

	if (PG_ARGISNULL(0))
		return NULL;
	state = (RowState *) PG_GETARG_POINTER(0);
	return state->sent != NULL ? add_sent(fcinfo, NULL, state->sent) : state;
}
