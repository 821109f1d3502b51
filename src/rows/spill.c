/*
 * rows/spill.c: the memory limit and the temporary files of an executor node's
 * row logs.
 *
 * The limit is work_mem times hash_mem_multiplier, as for a hash join, for all
 * groups of all aggregates over rows in one Agg node together; a window
 * aggregate, which has one group at a time, has a limit of its own.
 *
 * What is too much goes to one temporary file, made by PostgreSQL's BufFile:
 * counted by temp_file_limit, reported by log_temp_files, placed by
 * temp_tablespaces.  The file belongs to the resource owner of the query, which
 * closes it when the query fails, and so deletes it; a file of a server that
 * crashed is deleted when it starts again.  When the query goes well the file is
 * closed with the last log of the node, and that is told by the callback that
 * PostgreSQL calls before it clears an aggregate's context (and never after an
 * error).
 *
 * The file of a partial aggregate is a named one (base/handover.h), which is
 * still there when it has been closed, but does not count for temp_file_limit
 * any more.  The final aggregate opens it when it is told of it.  Without groups
 * it deletes what it has received with its last log, so before it is run again.
 * With groups it does so at the end of the plan: a file has rows of many groups,
 * and what is below may hand over the same states again when it is rescanned.
 * Where the plan runs in parallel its own file is a named one as well, so that
 * others can help to read it.  When a query fails, named files go at the end of the
 * transaction.
 */
#include "rows/spill.h"

#include "base/glue.h"

#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "utils/memutils.h"

/* Those of all plans that run in this backend; there are few at a time. */
static RowNode *nodes = NULL;

/* Closes those files of a node that it has written, or those that it has received; deletes those that are to be. */
static void
close_files(RowNode *node, bool received)
{
	for (RowFile **link = &node->files; *link != NULL;)
	{
		RowFile    *file = *link;

		if (file->received != received)
		{
			link = &file->next;
			continue;
		}
		*link = file->next;
		BufFileClose(file->file);
		if (file->dies)
			row_handover_delete(&file->name);
		pfree(file);
	}
	if (!received)
		node->store.file = NULL;
}

/* At the end of a plan that did not fail. */
static void
end_plan(Datum arg)
{
	row_node_end((RowNode *) DatumGetPointer(arg));
}

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

/*
 * Adds a file to a node: one that it will write, or the one of this name that it
 * has been told of.
 */
static RowFile *
add_file(RowNode *node, const RowFileName *name)
{
	MemoryContext old = MemoryContextSwitchTo(node->query);
	RowFile    *file = palloc0(sizeof(RowFile));

	if (!node->ends && node->owner != NULL)
	{
		/* A context of our own, since those of the node are cleared now and then. */
		RegisterExprContextCallback(CreateExprContext(((PlanState *) node->owner)->state), end_plan, PointerGetDatum(node));
		node->ends = true;
	}
	if (name != NULL)
	{
		file->received = true;
		file->dies = node->combines;
		file->name = *name;
		file->file = row_handover_open(&file->name);
	}
	else if (node->hands_over || node->together)
	{
		file->dies = !node->hands_over;
		file->file = row_handover_create(&file->name);
	}
	else
		file->file = BufFileCreateTemp(false);
	file->next = node->files;
	node->files = file;
	MemoryContextSwitchTo(old);
	return file;
}

static void
write_file(RowStore *store, const uint8 *bytes, size_t size)
{
	if (store->file == NULL)
	{
		store->file = add_file((RowNode *) store, NULL);
		store->end = 0;
	}
	row_file_seek(store->file->file, store->end);
	BufFileWrite(store->file->file, unconstify(uint8 *, bytes), size);
	store->end += size;
}

static void
read_file(RowFile *file, uint64 offset, uint8 *bytes, size_t size)
{
	row_file_seek(file->file, offset);
	row_file_read(file->file, bytes, size);
}

/* Makes all that has been written readable to others; what is written from now on goes to another file. */
void
row_node_export(RowNode *node)
{
	if (node->store.file != NULL)
		BufFileExportFileSet(node->store.file->file);
	node->store.file = NULL;
}

/* A file that another node has exported. */
RowFile *
row_node_receive(RowNode *node, const RowFileName *name)
{
	for (RowFile *file = node->files; file != NULL; file = file->next)
		if (file->received && memcmp(&file->name, name, sizeof(*name)) == 0)
			return file;
	return add_file(node, name);
}

/* A node whose memory is below a context. */
static RowNode *
new_node(MemoryContext query)
{
	RowNode    *node = MemoryContextAllocZero(query, sizeof(RowNode));

	row_store_init(&node->store, get_hash_memory_limit());
	node->store.write = write_file;
	node->store.read = read_file;
	node->query = query;
	node->context = AllocSetContextCreate(query, "funnel_agg rows", ALLOCSET_DEFAULT_SIZES);
	return node;
}

/*
 * A node, in the current context, of a process that has no plan; row_node_end closes
 * what it has opened.  It has no limit: all that it keeps in memory is bits, which
 * have been allowed to another process.  Who has a bit there has to have one here, or
 * would be counted in both.
 */
RowNode *
row_node_alone(void)
{
	RowNode    *node = new_node(CurrentMemoryContext);

	node->store.limit = MaxAllocHugeSize;
	return node;
}

void
row_node_end(RowNode *node)
{
	close_files(node, false);
	close_files(node, true);
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

	(void) aggregate_context(fcinfo);
	window = IsA(owner, WindowAggState);
	if (!window)
		for (node = nodes; node != NULL; node = node->next)
			if (node->owner == owner)
				return node;

	query = ((PlanState *) owner)->state->es_query_cxt;
	node = new_node(query);
	node->owner = owner;
	node->window = window;
	if (!window)
	{
		int			split = ((AggState *) owner)->aggsplit;

		node->hands_over = DO_AGGSPLIT_SERIALIZE(split);
		node->combines = DO_AGGSPLIT_COMBINE(split);
		/* Partial aggregates of partitions need no workers, and a cursor may have none. */
		node->together = node->combines && ((PlanState *) owner)->state->es_use_parallel_mode;
		node->grouped = ((AggState *) owner)->aggstrategy != AGG_PLAIN;
		if (split != AGGSPLIT_SIMPLE)
			row_handover_expect();
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
	node->store.seen = 0;
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
		close_files(node, false);
		if (!node->grouped)
			close_files(node, true);
		MemoryContextReset(node->context);
	}
}

/* To be called when a log is about to take memory of the store's for the first time; no fcinfo, no plan. */
void
row_node_enter(FunctionCallInfo fcinfo, RowNode *node, RowLog *log)
{
	if (fcinfo != NULL && !node->window)
		AggRegisterCallback(fcinfo, release_log, PointerGetDatum(log));
}
