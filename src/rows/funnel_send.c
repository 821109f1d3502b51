/*
 * rows/funnel_send.c: states of the aggregates straight from rows on their way
 * from a partial aggregate to the final one.
 *
 * A state travels as bytes, and what it has written to disk stays there: the
 * bytes name the file (base/handover.h).  Only states of a partial aggregate that
 * PostgreSQL's own planner has made hand files over, since they are read in the
 * same plan; all others are bytes and nothing else, up to 1 GB.  What comes of
 * them is in rows/funnel_receive.c.
 *
 *	1 byte		version, 2
 *	1 byte		whether customers have names
 *	varint		position; 8 bytes each: first and last time at which a walk may begin
 *	1 byte whether it is asked of a map, 8 bytes: when
 *	bucket, time zone, refusal, funnel: varint size and the bytes; no size for no bucket, and for no refusal
 *	varint		a number above those of all meanings
 *	varint		meanings that are told and, for each, varint its number minus that
 *				of the one before, varint stages, 1 byte of bits: excluded, refuses,
 *				later; varint 0 for no property, else its size + 1 and the property;
 *				where the funnel has a variable varint size and the value, 0 for none
 *	varint		files and, for each, a RowFileName
 *	varint		lists of meanings and, for each, varint how many and a varint each: of a
 *				run that came from elsewhere, the state's numbers of the run's
 *	varint		runs and, for each, varint entries, 8 bytes each: first and last
 *				number, first and last time, varint meanings it may use, varint its
 *				list from 1 or 0 for none, varint size, varint 0 and the bytes of
 *				rows/run.c, or the number of its file from 1 and varint the offset
 *				there, 1 byte whether it has parts and, for each, varint offset and
 *				varint entries before it
 *	varint		blocks of rows/seen.h and, for each, 8 bytes its number, the words of it
 */
#include "rows/funnel.h"

#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(funnel_rows_serialize);

/*
 * What a state has in memory goes to disk as well if it is more, where files are
 * handed over: it would be in memory three times over, sent, received and taken.
 */
#define LARGE_STATE (4 * 1024 * 1024)

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

static void
put_varlena(uint8 **p, const void *value)
{
	size_t		size = value == NULL ? 0 : VARSIZE_ANY_EXHDR(value);

	*p = varint_store(*p, size);
	if (size > 0)
		put(p, VARDATA_ANY(value), size);
}

static void
put_seen(uint8 **p, RowSeen *seen)
{
	seen_iterator iterator;
	SeenBlock  *block;

	*p = varint_store(*p, seen == NULL ? 0 : seen->members);
	if (seen == NULL)
		return;
	seen_start_iterate(seen, &iterator);
	while ((block = seen_iterate(seen, &iterator)) != NULL)
	{
		put_int64(p, block->number);
		put(p, block->bits, SEEN_WORDS * sizeof(uint64));
	}
}

static bool
has_variable(const RowState *state)
{
	return funnel_matcher_rules(state->funnel->matcher)->bound != 0;
}

/* What a meaning has of the funnel's variable; of size 0 for nothing. */
static Label
value_of(const RowMeaning *meaning, const RowState *state)
{
	return meaning->value == 0 ? (Label) {"", 0} : label_pool_label(state->funnel->meanings.values, meaning->value - 1);
}

static void
put_meaning(uint8 **p, const RowMeaning *meaning, const RowState *state)
{
	*p = varint_store(*p, meaning->stages);
	*(*p)++ = meaning->excluded | meaning->refuses << 1 | meaning->later << 2;
	if (meaning->property.bytes == NULL)
		*(*p)++ = 0;
	else
	{
		*p = varint_store(*p, (uint64) meaning->property.size + 1);
		put(p, meaning->property.bytes, meaning->property.size);
	}
	if (has_variable(state))
	{
		Label		value = value_of(meaning, state);

		*p = varint_store(*p, value.size);
		put(p, value.bytes, value.size);
	}
}

/*
 * Whether each meaning of the funnel occurs in a state.  Small ones, of which
 * there may be many, are looked through; in a large one all may occur.
 */
static bool *
meanings_told(const RowState *state)
{
	uint32		count = state->funnel->meanings.count;
	bool	   *told = palloc_extended(count, MCXT_ALLOC_HUGE);

	memset(told, state->log.nruns > 0, count);
	for (uint32 i = 0; i < state->log.batch.count; i++)
		told[state->log.batch.entries[i].meaning] = true;
	told[0] = false;
	return told;
}

/* A file's number in a list, to which it is added if it is not there; from 1. */
static uint32
file_number(RowFile **files, uint32 *nfiles, RowFile *file)
{
	uint32		n = 0;

	while (n < *nfiles && files[n] != file)
		n++;
	if (n == *nfiles)
		files[(*nfiles)++] = file;
	return n + 1;
}

/* A list's number among those of a state's runs, to which it is added if it is not there; from 1, 0 for none. */
static uint32
list_number(RowMeaningList *lists, uint32 *nlists, const RowRun *run)
{
	uint32		n = 0;

	if (run->meanings == NULL)
		return 0;
	while (n < *nlists && lists[n].numbers != run->meanings)
		n++;
	if (n == *nlists)
		lists[(*nlists)++] = (RowMeaningList) {run->meanings, 0};
	lists[n].count = Max(lists[n].count, run->nmeanings);
	return n + 1;
}

static void
put_parts(uint8 **p, const RowPart *parts)
{
	*(*p)++ = parts != NULL;
	if (parts == NULL)
		return;
	for (int i = 0; i < ROW_PARTS - 1; i++)
	{
		*p = varint_store(*p, parts[i].offset);
		*p = varint_store(*p, parts[i].before);
	}
}

/*
 * A state as bytes, in the current context; what it has on disk stays there if it
 * is for a process of the same query.  Its rows stay what they are, but may be
 * moved to disk.
 */
static bytea *
state_to_bytes(RowState *state, bool by_file)
{
	RowLog	   *log = &state->log;
	RowNode    *node = state->node;
	const RowMeanings *meanings = &state->funnel->meanings;
	size_t		funnel_size = VARSIZE(state->funnel->value) - VARHDRSZ;
	bool	   *told = meanings_told(state);
	uint32		ntold = 0;
	RowFile   **files;
	uint32		nfiles = 0;
	RowMeaningList *lists;
	uint32		nlists = 0;
	uint32		nruns;
	RowRun		last = {.bytes = NULL};
	size_t		size;
	uint32		before = 0;
	bytea	   *result;
	uint8	   *p;
	CjmError	error = {0};

	if (by_file)
	{
		if (log->charged && log->used > LARGE_STATE)
		{
			MemoryContext old = MemoryContextSwitchTo(node->context);

			if (!row_log_spill(log, &error))
				cjm_report(&error);
			MemoryContextSwitchTo(old);
		}
		row_node_export(node);
	}

	nruns = log->nruns;
	files = palloc(Max(nruns, 1) * sizeof(RowFile *));
	lists = palloc(Max(nruns, 1) * sizeof(RowMeaningList));
	if (log->batch.count > 0)
	{
		last = row_log_last_run(log);
		nruns++;
	}
	size = VARHDRSZ + 2 + 10 + 16 + 1 + 8 + 10 + 10 + 10 + 10 + funnel_size + 10 + 10 + 10 + 10 + 10;
	if (state->question.bucket != NULL)
		size += VARSIZE_ANY_EXHDR(state->question.bucket) + VARSIZE_ANY_EXHDR(state->question.zone);
	if (state->question.refusal != NULL)
		size += VARSIZE_ANY_EXHDR(state->question.refusal);
	for (uint32 i = 0; i < meanings->count; i++)
		if (told[i])
		{
			ntold++;
			size += 10 + 10 + 1 + 10 + meanings->list[i].property.size + 10 + value_of(&meanings->list[i], state).size;
		}
	for (uint32 i = 0; i < nruns; i++)
	{
		const RowRun *run = i < log->nruns ? &log->runs[i] : &last;

		CHECK_FOR_INTERRUPTS();
		size += 4 * 8 + 6 * 10 + 1 + (run->parts == NULL ? 0 : (ROW_PARTS - 1) * 2 * 10);
		(void) list_number(lists, &nlists, run);
		if (by_file && run->bytes == NULL)
			(void) file_number(files, &nfiles, run->file);
		else
			size += run->size;
	}
	size += nfiles * sizeof(RowFileName);
	for (uint32 i = 0; i < nlists; i++)
		size += 10 + (size_t) lists[i].count * 5;
	size += 10 + (log->seen == NULL ? 0 : log->seen->members * (sizeof(int64) + SEEN_WORDS * sizeof(uint64)));
	if (size > MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("funnel_agg of more rows than can be handed from one process to another"),
				 errdetail("The rows of this group take more than 1 GB."),
				 errhint("Aggregate stored journeys instead, or hand over smaller groups.")));

	result = palloc(size);
	p = (uint8 *) VARDATA(result);
	*p++ = ROW_STATE_VERSION;
	*p++ = log->named;
	p = varint_store(p, state->question.position);
	put_int64(&p, state->question.entry.from);
	put_int64(&p, state->question.entry.to);
	*p++ = state->question.map;
	put_int64(&p, state->question.now);
	put_varlena(&p, state->question.bucket);
	put_varlena(&p, state->question.zone);
	put_varlena(&p, state->question.refusal);
	put_varlena(&p, state->funnel->value);
	p = varint_store(p, meanings->count);
	p = varint_store(p, ntold);
	for (uint32 i = 0; i < meanings->count; i++)
		if (told[i])
		{
			p = varint_store(p, i - before);
			put_meaning(&p, &meanings->list[i], state);
			before = i;
		}
	p = varint_store(p, nfiles);
	for (uint32 i = 0; i < nfiles; i++)
		put(&p, &files[i]->name, sizeof(RowFileName));
	p = varint_store(p, nlists);
	for (uint32 i = 0; i < nlists; i++)
	{
		p = varint_store(p, lists[i].count);
		for (uint32 k = 0; k < lists[i].count; k++)
			p = varint_store(p, lists[i].numbers[k]);
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
		p = varint_store(p, list_number(lists, &nlists, run));
		p = varint_store(p, run->size);
		if (run->bytes == NULL && by_file)
		{
			p = varint_store(p, file_number(files, &nfiles, run->file));
			p = varint_store(p, run->offset);
		}
		else
		{
			*p++ = 0;
			if (run->bytes != NULL)
				memcpy(p, run->bytes, run->size);
			else
				log->store->read(run->file, run->offset, p, run->size);
			p += run->size;
		}
		put_parts(&p, run->parts);
	}
	put_seen(&p, log->seen);
	row_run_free(&last);
	pfree(files);
	pfree(lists);
	pfree(told);
	SET_VARSIZE(result, p - (uint8 *) result);
	return result;
}

Datum
funnel_rows_serialize(PG_FUNCTION_ARGS)
{
	RowState   *state = (RowState *) PG_GETARG_POINTER(0);

	(void) aggregate_context(fcinfo);
	PG_RETURN_BYTEA_P(state_to_bytes(state, state->node->hands_over));
}

/* A state, of a node that combines, as bytes for workers that help to read it; all its rows are on disk then. */
bytea *
row_state_share(RowState *state)
{
	MemoryContext old = MemoryContextSwitchTo(state->node->context);
	CjmError	error = {0};

	if (!row_log_spill(&state->log, &error))
		cjm_report(&error);
	MemoryContextSwitchTo(old);
	return state_to_bytes(state, true);
}
