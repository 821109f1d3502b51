/*
 * statistics/value_list.c: lists of 64-bit keys that aggregates keep, in memory as long
 * as there is room and then in a temporary file.
 *
 * The room is work_mem times hash_mem_multiplier, as for a hash join, for all
 * groups that an aggregate has at a time.  A list that finds no room to grow
 * writes what it has to the file that they share, as one more piece of its own,
 * and begins anew in the memory that it has.  Only lists of a few keys grow
 * beyond the room.
 *
 *   8 bytes   offset of the piece before plus one, 0 for none
 *   8 bytes   keys of this piece
 *   8 bytes   each key
 *
 * Files are BufFiles: counted by temp_file_limit, reported by log_temp_files,
 * and closed, so deleted, with the resource owner of a query that fails.  Else
 * they are closed when the lists go, which the callback of AggRegisterCallback
 * tells; it is not called after an error.  A window aggregate has no such
 * callback, and its lists stay in memory.
 *
 * A partial aggregate's file has a name (base/handover.h), by which the final
 * aggregate reads it.  That one deletes it when the plan ends, and not before:
 * it has keys of many groups, and the same states may come again when the plan
 * below is rescanned.
 */
#include "statistics/value_list.h"

#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "utils/memutils.h"

#define INITIAL_CAPACITY 8

/* The first byte of a list on its way to another node, which no other state begins with. */
#define SENT_MARK 0xa3

/* Keys that are too few for a piece. */
#define FEWEST_FILED 64

typedef struct PieceHead
{
	uint64		before;
	uint64		count;
} PieceHead;

/* Closes those files of a store that it has written, or those that it has received, and deletes the latter. */
static void
close_files(ValueStore *store, bool received)
{
	for (ValueFile **link = &store->files; *link != NULL;)
	{
		ValueFile  *file = *link;

		if (file->received != received)
		{
			link = &file->next;
			continue;
		}
		*link = file->next;
		BufFileClose(file->file);
		/* That of a node whose states stayed in the process was never exported. */
		if (received || (store->hands_over && !file->exported))
			row_handover_delete(&file->name);
		pfree(file);
	}
	if (!received)
		store->writes = NULL;
}

/* The lists of a store are about to go, without an error. */
static void
forget_lists(Datum arg)
{
	ValueStore *store = (ValueStore *) DatumGetPointer(arg);

	close_files(store, false);
	store->used = 0;
	store->told = false;
}

/* At the end of a plan that did not fail. */
static void
end_plan(Datum arg)
{
	close_files((ValueStore *) DatumGetPointer(arg), true);
}

/* The store of the lists in the context of the aggregate that calls, whose fn_extra is for nothing else; asked for once a list. */
ValueStore *
value_store(FunctionCallInfo fcinfo)
{
	MemoryContext context = aggregate_context(fcinfo);
	FmgrInfo   *call = fcinfo->flinfo;
	ValueStore *store;

	/* A node knows what it calls for; whoever else calls in its name keeps nothing from row to row. */
	bool		is_node = call->fn_expr != NULL;

	for (store = is_node ? call->fn_extra : NULL; store != NULL; store = store->next)
		if (store->context == context)
			return store;
	store = MemoryContextAllocZero(is_node ? call->fn_mcxt : context, sizeof(ValueStore));
	store->context = context;
	store->query = call->fn_mcxt;
	if (IsA(fcinfo->context, AggState))
	{
		AggState   *node = (AggState *) fcinfo->context;

		store->owner = fcinfo->context;
		store->limit = get_hash_memory_limit();
		if (is_node)
		{
			store->hands_over = DO_AGGSPLIT_SERIALIZE(node->aggsplit);
			store->receives = DO_AGGSPLIT_COMBINE(node->aggsplit);
			if (node->aggsplit != AGGSPLIT_SIMPLE)
				row_handover_expect();
		}
		else
			store->query = node->ss.ps.state->es_query_cxt;
	}
	if (is_node)
	{
		store->next = call->fn_extra;
		call->fn_extra = store;
	}
	return store;
}

/* Makes a list without keys of zeros. */
void
value_list_init(ValueList *list, ValueStore *store)
{
	list->store = store;
	list->capacity = INITIAL_CAPACITY;
	list->keys = MemoryContextAlloc(store->context, INITIAL_CAPACITY * sizeof(uint64));
}

/* Sees to it that the store hears of the end of its lists; fcinfo NULL: it has done so. */
static void
be_told(FunctionCallInfo fcinfo, ValueStore *store)
{
	if (store->told || store->owner == NULL)
		return;
	Assert(fcinfo != NULL);
	AggRegisterCallback(fcinfo, forget_lists, PointerGetDatum(store));
	store->told = true;
}

/* A new file of the store. */
static ValueFile *
add_file(ValueStore *store, const RowFileName *name)
{
	MemoryContext old = MemoryContextSwitchTo(store->query);
	ValueFile  *file = palloc0(sizeof(ValueFile));

	if (name != NULL)
	{
		if (!store->ends)
		{
			/* A context of our own, since those of the node are cleared now and then. */
			RegisterExprContextCallback(CreateExprContext(((PlanState *) store->owner)->state), end_plan, PointerGetDatum(store));
			store->ends = true;
		}
		file->received = true;
		file->name = *name;
		file->file = row_handover_open(&file->name);
	}
	else if (store->hands_over)
		file->file = row_handover_create(&file->name);
	else
		file->file = BufFileCreateTemp(false);
	file->next = store->files;
	store->files = file;
	MemoryContextSwitchTo(old);
	return file;
}

/* Moves the keys that are in memory to the file. */
static void
write_keys(FunctionCallInfo fcinfo, ValueList *list)
{
	ValueStore *store = list->store;
	PieceHead	head = {list->filed > 0 ? list->last + 1 : 0, list->count};

	if (list->count == 0)
		return;
	be_told(fcinfo, store);
	if (store->writes == NULL)
	{
		store->writes = add_file(store, NULL);
		store->end = 0;
	}
	/* A file is exported when the states are complete. */
	if (list->file != NULL && list->file != store->writes)
		elog(ERROR, "keys of an aggregate come after its state was handed over");
	list->file = store->writes;
	row_file_seek(list->file->file, store->end);
	BufFileWrite(list->file->file, &head, sizeof(head));
	BufFileWrite(list->file->file, list->keys, list->count * sizeof(uint64));
	list->last = store->end;
	list->filed += list->count;
	list->count = 0;
	store->end += sizeof(head) + head.count * sizeof(uint64);
}

/* Sees to it that at least one more key fits into memory. */
void
value_list_make_room(FunctionCallInfo fcinfo, ValueList *list)
{
	ValueStore *store = list->store;
	uint64		more = list->capacity / 2;
	size_t		bytes = more * sizeof(uint64);

	be_told(fcinfo, store);
	if (store->owner != NULL && list->capacity >= FEWEST_FILED && store->used + bytes > store->limit)
	{
		write_keys(fcinfo, list);
		return;
	}
	list->keys = repalloc_huge(list->keys, (list->capacity + more) * sizeof(uint64));
	list->capacity += more;
	store->used += bytes;
}

/* Adds the keys of another list, which may have been received. */
void
value_list_append(FunctionCallInfo fcinfo, ValueList *list, ValueList *other)
{
	ValueScan	scan;
	const uint64 *keys;
	size_t		count;

	if (other->filed > 0 && other->file->file == NULL)
	{
		ValueFile  *file = list->store->files;

		while (file != NULL && (!file->received || memcmp(&file->name, &other->file->name, sizeof(RowFileName)) != 0))
			file = file->next;
		other->file = file != NULL ? file : add_file(list->store, &other->file->name);
	}
	value_scan_start(&scan, other);
	while ((count = value_scan_next(&scan, &keys)) > 0)
	{
		CHECK_FOR_INTERRUPTS();
		while (count > 0)
		{
			size_t		some;

			if (list->count == list->capacity)
				value_list_make_room(fcinfo, list);
			some = Min(count, list->capacity - list->count);
			memcpy(list->keys + list->count, keys, some * sizeof(uint64));
			list->count += some;
			keys += some;
			count -= some;
		}
	}
}

/* Begins to read all keys of a list, in no order that says anything. */
void
value_scan_start(ValueScan *scan, const ValueList *list)
{
	scan->list = list;
	scan->in_file = false;
	scan->place = 0;
	scan->before = list->filed > 0 ? list->last + 1 : 0;
	scan->left = 0;
	scan->unread = list->filed;
}

/* The next keys and how many they are, 0 at the end; they stay until the next call. */
size_t
value_scan_next(ValueScan *scan, const uint64 **keys)
{
	const ValueList *list = scan->list;
	uint64		count;

	if (!scan->in_file)
	{
		count = Min(list->count - scan->place, VALUE_BATCH);
		*keys = list->keys + scan->place;
		scan->place += count;
		if (count > 0)
			return count;
		scan->in_file = true;
	}
	if (scan->unread == 0)
		return 0;
	if (scan->left == 0)
	{
		PieceHead	head;

		row_file_seek(list->file->file, scan->before - 1);
		row_file_read(list->file->file, &head, sizeof(head));
		/* No piece comes before one that was written earlier, and none is empty. */
		if (head.before >= scan->before || head.count == 0 || head.count > scan->unread)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("temporary file of an aggregate is damaged")));
		scan->place = scan->before - 1 + sizeof(head);
		scan->before = head.before;
		scan->left = head.count;
	}
	else
		row_file_seek(list->file->file, scan->place);
	count = Min(scan->left, VALUE_BATCH);
	row_file_read(list->file->file, scan->batch, count * sizeof(uint64));
	scan->place += count * sizeof(uint64);
	scan->left -= count;
	scan->unread -= count;
	*keys = scan->batch;
	return count;
}

/* Whether bytes are those of value_list_send, by their first one. */
bool
value_list_is_sent(const uint8 *bytes, size_t size)
{
	return size > 0 && bytes[0] == SENT_MARK;
}

/*
 * Appends the bytes of a list, for another process of the same query: a mark; how
 * many keys are in a file, and if any are the offset of the last piece and the file's
 * name; then the keys that are in memory.
 */
void
value_list_send(StringInfo out, ValueList *list)
{
	const uint64 most = (MaxAllocSize / 2 - 64 - sizeof(RowFileName)) / sizeof(uint64);

	/* The rest of what is in a file goes there too, since whoever receives it would need as much memory again. */
	if (list->file != NULL ? !list->file->exported : list->count > most)
		write_keys(NULL, list);
	if (list->count > most)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many values for a parallel aggregate: " UINT64_FORMAT, list->filed + list->count),
				 errhint("Lower work_mem, or set max_parallel_workers_per_gather to 0.")));
	if (list->filed > 0 && !list->file->exported)
	{
		BufFileExportFileSet(list->file->file);
		list->file->exported = true;
		if (list->store->writes == list->file)
			list->store->writes = NULL;
	}
	enlargeStringInfo(out, (int) (1 + 2 * sizeof(uint64) + sizeof(RowFileName) + list->count * sizeof(uint64)));
	appendStringInfoChar(out, (char) SENT_MARK);
	appendBinaryStringInfo(out, (const char *) &list->filed, sizeof(uint64));
	if (list->filed > 0)
	{
		appendBinaryStringInfo(out, (const char *) &list->last, sizeof(uint64));
		appendBinaryStringInfo(out, (const char *) &list->file->name, sizeof(RowFileName));
	}
	appendBinaryStringInfo(out, (const char *) list->keys, (int) (list->count * sizeof(uint64)));
}

/* Makes a list, of zeros, of the bytes that value_list_send made, to be read only, in the current context. */
void
value_list_receive(const uint8 *bytes, size_t size, ValueList *list)
{
	size_t		head = 1 + sizeof(uint64);
	bool		valid = value_list_is_sent(bytes, size) && size >= head;

	if (valid)
		memcpy(&list->filed, bytes + 1, sizeof(uint64));
	if (valid && list->filed > 0)
	{
		valid = size >= head + sizeof(uint64) + sizeof(RowFileName) && list->filed <= PG_INT64_MAX;
		if (valid)
		{
			memcpy(&list->last, bytes + head, sizeof(uint64));
			list->file = palloc0(sizeof(ValueFile));
			memcpy(&list->file->name, bytes + head + sizeof(uint64), sizeof(RowFileName));
			valid = row_handover_is_mine(&list->file->name);
		}
		head += sizeof(uint64) + sizeof(RowFileName);
	}
	if (!valid || (size - head) % sizeof(uint64) != 0 || (list->filed == 0 && size == head))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid aggregate state")));
	list->count = list->capacity = (size - head) / sizeof(uint64);
	list->keys = palloc(Max(size - head, 1));
	memcpy(list->keys, bytes + head, size - head);
}
