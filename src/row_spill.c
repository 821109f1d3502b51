/*
 * row_spill.c: the memory limit and the temporary file of an executor node's
 * row logs.
 *
 * The limit is work_mem times hash_mem_multiplier, as for a hash join, for all
 * groups of all aggregates over rows in one Agg node together; a window
 * aggregate, which has one group at a time, has a limit of its own.
 *
 * What is too much goes to one temporary file, made by PostgreSQL's BufFile:
 * counted by temp_file_limit, reported by log_temp_files, placed by
 * temp_tablespaces.  The file belongs to the resource owner of the query, which
 * deletes it when the query fails; a file of a server that crashed is deleted
 * when it starts again.  When the query goes well the file is closed with the
 * last log of the node, and that is told by the callback that PostgreSQL calls
 * before it clears an aggregate's context (and never after an error).
 */
#include "row_spill.h"

#include "glue.h"

#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "utils/memutils.h"

/* Those of all plans that run in this backend; there are few at a time. */
static RowNode *nodes = NULL;

/* The node is going away with its memory. */
static void
forget_node(void *arg)
{
	for (RowNode **link = &nodes; *link != NULL; link = &(*link)->next)
		if (*link == arg)
		{
			*link = (*link)->next;
			break;
		}
}

static void
close_file(RowNode *node)
{
	if (node->file != NULL)
	{
		BufFile    *file = node->file;

		node->file = NULL;
		BufFileClose(file);
	}
	node->store.end = 0;
}

/* At the end of a plan with a window aggregate, or before it runs again. */
static void
close_window_file(Datum arg)
{
	close_file((RowNode *) DatumGetPointer(arg));
}

static void
seek_file(RowNode *node, uint64 offset)
{
	if (BufFileSeek(node->file, 0, (off_t) offset, SEEK_SET) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not seek in temporary file of funnel_agg")));
}

static void
write_file(RowStore *store, const uint8 *bytes, size_t size)
{
	RowNode    *node = (RowNode *) store;

	if (node->file == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(node->query);

		Assert(store->end == 0);
		node->file = BufFileCreateTemp(false);
		MemoryContextSwitchTo(old);
		if (node->window)
			RegisterExprContextCallback(((PlanState *) node->owner)->ps_ExprContext, close_window_file,
										PointerGetDatum(node));
	}
	seek_file(node, store->end);
	BufFileWrite(node->file, unconstify(uint8 *, bytes), size);
	store->end += size;
}

static void
read_file(RowStore *store, uint64 offset, uint8 *bytes, size_t size)
{
	RowNode    *node = (RowNode *) store;
	size_t		got;

	seek_file(node, offset);
	got = BufFileRead(node->file, bytes, size);
	if (got != size)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read from temporary file of funnel_agg: read only %zu of %zu bytes", got, size)));
}

/*
 * The node that an aggregate function is called in, made when it is first asked
 * for; elsewhere an error.
 */
RowNode *
row_node(FunctionCallInfo fcinfo)
{
	Node	   *owner = fcinfo->context;
	bool		window;
	RowNode    *node;
	MemoryContext query;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate's function called in non-aggregate context");
	window = IsA(owner, WindowAggState);
	if (!window)
		for (node = nodes; node != NULL; node = node->next)
			if (node->owner == owner)
				return node;

	query = ((PlanState *) owner)->state->es_query_cxt;
	node = MemoryContextAllocZero(query, sizeof(RowNode));
	row_store_init(&node->store, get_hash_memory_limit());
	node->store.write = write_file;
	node->store.read = read_file;
	node->owner = owner;
	node->window = window;
	node->query = query;
	node->context = AllocSetContextCreate(query, "funnel_agg rows", ALLOCSET_DEFAULT_SIZES);
	if (!window)
	{
		node->forget.func = forget_node;
		node->forget.arg = node;
		MemoryContextRegisterResetCallback(query, &node->forget);
		node->next = nodes;
		nodes = node;
	}
	return node;
}

/* Before the first row of a window aggregate's next group: nothing is left of the last one. */
void
row_node_restart(RowNode *node)
{
	MemoryContextReset(node->context);
	node->store.used = 0;
	node->store.logs = NULL;
	node->store.nlogs = 0;
	node->store.end = 0;
}

/* An aggregate's context is about to be cleared. */
static void
release_log(Datum arg)
{
	RowLog	   *log = (RowLog *) DatumGetPointer(arg);
	RowNode    *node = (RowNode *) log->store;

	row_log_release(log);
	if (node->store.nlogs == 0)
	{
		close_file(node);
		MemoryContextReset(node->context);
	}
}

/* To be called when a log is about to take memory of the store's for the first time. */
void
row_node_enter(FunctionCallInfo fcinfo, RowNode *node, RowLog *log)
{
	if (!node->window)
		AggRegisterCallback(fcinfo, release_log, PointerGetDatum(log));
}
