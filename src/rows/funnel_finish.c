/*
 * rows/funnel_finish.c: the rows of a state read by several processes.
 *
 * When all rows of a group are there, nothing is left to do for the workers that
 * gathered them, and the final function runs in one process.  For a large state
 * that would be a third of the time with two processes, and most of it with many.
 * So it starts parallel workers of its own (PostgreSQL's, which count for
 * max_parallel_workers), no more than max_parallel_workers_per_gather, and reads
 * what has been gathered together with them: the state goes to each as the bytes
 * by which partial states travel (rows/funnel_send.c), its rows are in files that
 * all can read, and everybody takes one part of the customers after the other
 * until none is left.
 *
 * That is done only where the plan runs in parallel itself, so that all who decide
 * whether it may have been asked.  Where no worker can be had, one process does
 * all.  Statistics are sums of integers, so the answer is the same to the byte.
 */
#include "rows/funnel.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "catalog/pg_proc.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "optimizer/cost.h"
#include "pgstat.h"
#include "port/atomics.h"
#include "storage/proc.h"
#include "storage/shm_mq.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

/* Entries for each process, so that it is worth starting one, which takes some milliseconds. */
#define ENTRIES_EACH 500000

/* More bits would take longer to copy than the help is worth, and shared memory may be scarce. */
#define SEEN_MAX (16 * 1024 * 1024)

/* What is in the memory that the processes share, by these keys. */
#define KEY_SHARED 1
#define KEY_STATE 2
#define KEY_QUEUES 3
#define KEY_QUERY 4
#define KEY_BUFFERS 5
#define KEY_WAL 6
#define QUEUE_SIZE (64 * 1024)

/* Bytes of a key in a message; statistics follow, so no such message is as short as a number. */
#define KEY_SIZE 16

typedef struct Shared
{
	pg_atomic_uint32 next;		/* part that nobody has taken */
	Size		state_size;
} Shared;

/* Who counts the customers of a state, in the current context. */
static RowCount *
count_begin(const RowCountMethods *methods, const RowState *state)
{
	RowCount   *count = palloc0(methods->size);

	count->methods = methods;
	count->state = state;
	row_walker_init(&count->walker, state);
	methods->begin(count);
	return count;
}

/* Counts customers, one part after the other as long as there are any; returns how many of them have a bit. */
static uint64
count_parts(RowCount *count, Shared *shared)
{
	uint64		met = 0;
	uint32		part;
	CjmError	error = {0};

	while ((part = pg_atomic_fetch_add_u32(&shared->next, 1)) < ROW_PARTS)
	{
		uint64		here;

		if (!row_log_read(&count->state->log, part * ROW_PART_BUCKETS, (part + 1) * ROW_PART_BUCKETS,
						  count->methods->customer, count, &here, &error))
			cjm_report(&error);
		met += here;
	}
	return met;
}

/*
 * A worker's answer: for each key a message with the key and its statistics, and
 * at last one with the number of its customers who have a bit.  If nobody listens
 * the query has failed there.
 */
static void
send_answer(RowCount *count, uint64 met, shm_mq_handle *queue)
{
	StringInfoData message;
	RowKey	   *keys;
	uint32		nkeys = count->methods->keys(count, &keys);
	uint8		number[KEY_SIZE];

	initStringInfo(&message);
	for (uint32 i = 0; i < nkeys; i++)
	{
		CHECK_FOR_INTERRUPTS();
		resetStringInfo(&message);
		bytes_store64(number, (uint64) keys[i].period);
		bytes_store64(number + 8, keys[i].meaning | (uint64) keys[i].part << 32);
		appendBinaryStringInfo(&message, (char *) number, KEY_SIZE);
		funnel_stats_encode(&message, count->methods->stats(count, keys[i]));
		if (shm_mq_send(queue, message.len, message.data, false, false) != SHM_MQ_SUCCESS)
			return;
	}
	bytes_store64(number, met);
	(void) shm_mq_send(queue, sizeof(uint64), number, false, true);
}

/* The other end: adds a worker's statistics to those of this process; false if the worker is gone without an answer. */
static bool
add_answer(RowCount *count, shm_mq_handle *queue, uint64 *met)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "funnel_agg answer", ALLOCSET_DEFAULT_SIZES);
	Size		size;
	void	   *data;
	const uint8 *message;
	CjmError	error = {0};

	for (;;)
	{
		FunnelStats stats;
		MemoryContext old;
		bool		decoded;
		RowKey		key;

		CHECK_FOR_INTERRUPTS();
		if (shm_mq_receive(queue, &size, &data, false) != SHM_MQ_SUCCESS)
			return false;
		message = data;
		if (size == sizeof(uint64))
			break;
		old = MemoryContextSwitchTo(scratch);
		decoded = funnel_stats_decode(message + KEY_SIZE, size - KEY_SIZE, &stats, &error);
		MemoryContextSwitchTo(old);
		key = (RowKey) {(int64) bytes_load64(message), (uint32) bytes_load64(message + 8), (uint32) (bytes_load64(message + 8) >> 32)};
		if (!decoded || !funnel_stats_merge(count->methods->stats(count, key), &stats, &error))
			cjm_report(&error);
		MemoryContextReset(scratch);
	}
	*met += bytes_load64(message);
	MemoryContextDelete(scratch);
	return true;
}

/* What a worker does, whose main function knows the methods. */
void
row_worker(dsm_segment *segment, shm_toc *toc, const RowCountMethods *methods)
{
	Shared	   *shared = shm_toc_lookup(toc, KEY_SHARED, false);
	char	   *queues = shm_toc_lookup(toc, KEY_QUEUES, false);
	shm_mq	   *queue = (shm_mq *) (queues + (Size) ParallelWorkerNumber * QUEUE_SIZE);
	BufferUsage *buffers = shm_toc_lookup(toc, KEY_BUFFERS, false);
	WalUsage   *wal = shm_toc_lookup(toc, KEY_WAL, false);
	shm_mq_handle *handle;
	RowNode    *node;
	RowCount   *count;

	debug_query_string = shm_toc_lookup(toc, KEY_QUERY, false);
	pgstat_report_activity(STATE_RUNNING, debug_query_string);
	shm_mq_set_sender(queue, MyProc);
	handle = shm_mq_attach(queue, segment, NULL);
	InstrStartParallelQuery();
	node = row_node_alone();
	count = count_begin(methods, row_state_receive(node, shm_toc_lookup(toc, KEY_STATE, false), shared->state_size));
	send_answer(count, count_parts(count, shared), handle);
	row_node_end(node);
	InstrEndParallelQuery(&buffers[ParallelWorkerNumber], &wal[ParallelWorkerNumber]);
	shm_mq_detach(handle);
}

/* The library that this is, as the function being called names it. */
static char *
own_library(FunctionCallInfo fcinfo)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(fcinfo->flinfo->fn_oid));
	bool		null;
	Datum		path;
	char	   *library;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", fcinfo->flinfo->fn_oid);
	path = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_probin, &null);
	library = null ? NULL : TextDatumGetCString(path);
	ReleaseSysCache(tuple);
	return library;
}

/* How many workers it is worth asking for. */
static int
workers_wanted(const RowState *state)
{
	uint64		shares = state->log.total / ENTRIES_EACH;

	if (!state->node->together || IsParallelWorker() || max_parallel_workers == 0 || shares < 2 ||
		(state->log.seen != NULL && row_seen_size(state->log.seen) > SEEN_MAX))
		return 0;
	return Min(Min(shares, ROW_PARTS) - 1, (uint64) max_parallel_workers_per_gather);
}

/* Room in the memory that the processes share, to be found by a key. */
static void *
share(ParallelContext *context, uint64 key, Size size)
{
	void	   *room = shm_toc_allocate(context->toc, size);

	shm_toc_insert(context->toc, key, room);
	return room;
}

/* Has a state counted by several processes; returns how many of the customers have a bit. */
static uint64
count_together(FunctionCallInfo fcinfo, RowState *state, RowCount *count, int nworkers)
{
	bytea	   *sent = row_state_share(state);
	Size		size = VARSIZE(sent) - VARHDRSZ;
	const char *query = debug_query_string == NULL ? "" : debug_query_string;
	Size		query_size = strlen(query) + 1;
	ParallelContext *context;
	Shared	   *shared;
	char	   *queues;
	BufferUsage *buffers;
	WalUsage   *wal;
	shm_mq_handle **handles;
	uint64		met;

	EnterParallelMode();
	context = CreateParallelContext(own_library(fcinfo), count->methods->worker, nworkers);
	shm_toc_estimate_chunk(&context->estimator, sizeof(Shared));
	shm_toc_estimate_chunk(&context->estimator, size);
	shm_toc_estimate_chunk(&context->estimator, mul_size(QUEUE_SIZE, nworkers));
	shm_toc_estimate_chunk(&context->estimator, query_size);
	shm_toc_estimate_chunk(&context->estimator, mul_size(sizeof(BufferUsage), nworkers));
	shm_toc_estimate_chunk(&context->estimator, mul_size(sizeof(WalUsage), nworkers));
	shm_toc_estimate_keys(&context->estimator, 6);
	InitializeParallelDSM(context);

	shared = share(context, KEY_SHARED, sizeof(Shared));
	pg_atomic_init_u32(&shared->next, 0);
	shared->state_size = size;
	memcpy(share(context, KEY_STATE, size), VARDATA(sent), size);
	memcpy(share(context, KEY_QUERY, query_size), query, query_size);
	queues = share(context, KEY_QUEUES, mul_size(QUEUE_SIZE, nworkers));
	buffers = share(context, KEY_BUFFERS, mul_size(sizeof(BufferUsage), nworkers));
	wal = share(context, KEY_WAL, mul_size(sizeof(WalUsage), nworkers));
	handles = palloc(nworkers * sizeof(shm_mq_handle *));
	for (int i = 0; i < context->nworkers; i++)
		shm_mq_set_receiver(shm_mq_create(queues + (Size) i * QUEUE_SIZE, QUEUE_SIZE), MyProc);
	LaunchParallelWorkers(context);
	for (int i = 0; i < context->nworkers_launched; i++)
		handles[i] = shm_mq_attach((shm_mq *) (queues + (Size) i * QUEUE_SIZE), context->seg, context->worker[i].bgwhandle);

	met = count_parts(count, shared);
	for (int i = 0; i < context->nworkers_launched; i++)
	{
		if (!add_answer(count, handles[i], &met))
		{
			/* This tells why, if the worker could. */
			WaitForParallelWorkersToFinish(context);
			elog(ERROR, "a parallel worker of funnel_agg ended without an answer");
		}
		shm_mq_detach(handles[i]);
	}
	WaitForParallelWorkersToFinish(context);
	for (int i = 0; i < context->nworkers_launched; i++)
		InstrAccumParallelQuery(&buffers[i], &wal[i]);
	DestroyParallelContext(context);
	ExitParallelMode();
	return met;
}

/*
 * Counts all customers of a state, in the current context, which needs memory
 * for that; *others is then how many more there are, of whom nothing is known.  The
 * state's rows stay what they are, but may be moved to disk.
 */
RowCount *
row_count(FunctionCallInfo fcinfo, const RowCountMethods *methods, RowState *state, uint64 *others)
{
	RowCount   *count = count_begin(methods, state);
	int			nworkers = workers_wanted(state);
	uint64		met;
	CjmError	error = {0};

	if (nworkers > 0)
		met = count_together(fcinfo, state, count, nworkers);
	else if (!row_log_read(&state->log, 0, ROW_BUCKETS, count->methods->customer, count, &met, &error))
		cjm_report(&error);
	*others = row_log_others(&state->log, met);
	return count;
}
