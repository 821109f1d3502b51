/*
 * kept/write.c: the trigger function that writes down what comes to the source of a
 * map and what goes: kept_write().
 *
 * A statement's rows are in its transition tables, which all triggers of the statement
 * read, those of other maps too, each from a place of its own.  What the view "events" makes of
 * a row is worked out here, and appended to the table of changes as it is, with a
 * sign: no index, no key, nothing that is there is touched, so writers meet
 * nobody.  The changes have the transaction, and subtransaction, of the rows.  An
 * UPDATE compares old and new row by row: any pairs do, as only sums count, and
 * what was made of it before and after alike need not be written.
 *
 * Replication, and whoever plays it (session_replication_role), fires no
 * statement triggers; for it there is a trigger for each row.
 *
 * Production comes first.  Where an expression cannot be worked out, or the store
 * is not as it was made, a mark is set, and readers go to the rows: the statement
 * that fired the trigger goes on.  Expressions that can fail are worked out in a
 * subtransaction, which writes nothing, and so costs no transaction number.  All
 * is done as the owner of the map, whom the owner of the table has let.
 */
#include "kept/binding.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "base/row_time.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "kept/deciders.h"
#include "kept/moves.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(kept_write);

/* Rows that are worked out before they are written, and one. */
#define BATCH 1001

/* The work of one call. */
typedef struct Work
{
	const KeptBinding *binding;
	TriggerData *call;
	uint64		rows;			/* of the transition tables, that have been read */
	TupleTableSlot *before;		/* of the transition tables */
	TupleTableSlot *after;
	bool		done;
	ExprContext *context;		/* NULL if all columns are there in the row */
	ExprState  *columns[KEPT_COLUMNS];
	ExprState  *filter;
	int			last;			/* of the row's columns that are kept as they are */
	bool		dated;			/* a change says when they were written down */
	Relation	changes;
	MemoryContext batch;		/* of the tuples */
	HeapTuple	tuples[BATCH];
	int			count;
	TupleTableSlot *slots[BATCH];	/* made when they are needed */
	TupleDesc	description;	/* of the changes, a copy: that of the relation would be counted for each slot */
	TupleDesc	shorter[CHANGE_COLUMNS + 1];	/* of its first columns, made when they are needed */
	CjmError	error;
} Work;

/* What one row says. */
typedef struct Touchpoint
{
	bool		counts;
	Datum		values[KEPT_COLUMNS];
	bool		nulls[KEPT_COLUMNS];
} Touchpoint;

/*
 * What rows say
 */

static bool
check_dimensions(ArrayType *array, CjmError *error)
{
	Datum	   *values;
	bool	   *nulls;
	int			count;
	bool		good = true;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &count);
	for (int i = 0; good && i < count; i++)
		good = nulls[i] || decider_check(label_from_text(DatumGetTextPP(values[i])), error);
	pfree(values);
	pfree(nulls);
	return good;
}

/* Is it what a touchpoint can be?  A text that is to be a label may be too long for one. */
static bool
check_touchpoint(const Touchpoint *touch, CjmError *error)
{
	if (!row_time_check(DatumGetTimestampTz(touch->values[KEPT_AT]), error) ||
		!label_check(label_from_text(DatumGetTextPP(touch->values[KEPT_EVENT])), "event", error))
		return false;
	if (!touch->nulls[KEPT_CHANNEL] && !label_check(label_from_text(DatumGetTextPP(touch->values[KEPT_CHANNEL])), "channel", error))
		return false;
	if (!touch->nulls[KEPT_SESSION] && !label_check(label_from_text(DatumGetTextPP(touch->values[KEPT_SESSION])), "session", error))
		return false;
	if (!touch->nulls[KEPT_SEGMENT] && !decider_check(label_from_text(DatumGetTextPP(touch->values[KEPT_SEGMENT])), error))
		return false;
	return touch->nulls[KEPT_DIMENSIONS] || check_dimensions(DatumGetArrayTypeP(touch->values[KEPT_DIMENSIONS]), error);
}

static bool
is_empty(Datum value)
{
	return VARSIZE_ANY_EXHDR(DatumGetTextPP(value)) == 0;
}

/* What a row says, if it counts, which it does not yet; false if it cannot be kept.  The values are in the row or in the memory of the work's context. */
static bool
read_touchpoint(Work *work, TupleTableSlot *row, Touchpoint *touch)
{
	const KeptBinding *binding = work->binding;

	if (work->context != NULL)
		work->context->ecxt_scantuple = row;
	if (work->filter != NULL)
	{
		bool		isnull;
		Datum		passes = ExecEvalExprSwitchContext(work->filter, work->context, &isnull);

		if (isnull || !DatumGetBool(passes))
			return true;
	}
	/* All at once: one after the other each would be looked for from the one before. */
	slot_getsomeattrs(row, work->last);
	for (int i = 0; i < KEPT_COLUMNS; i++)
	{
		const KeptColumnSource *column = &binding->columns[i];

		touch->nulls[i] = true;
		touch->values[i] = (Datum) 0;
		if (column->number != 0)
			touch->values[i] = slot_getattr(row, column->number, &touch->nulls[i]);
		else if (work->columns[i] != NULL)
			touch->values[i] = ExecEvalExprSwitchContext(work->columns[i], work->context, &touch->nulls[i]);
	}
	if (touch->nulls[KEPT_CUSTOMER] || touch->nulls[KEPT_AT] || touch->nulls[KEPT_EVENT] || is_empty(touch->values[KEPT_EVENT]))
		return true;
	if (!touch->nulls[KEPT_CHANNEL] && is_empty(touch->values[KEPT_CHANNEL]))
		touch->nulls[KEPT_CHANNEL] = true;
	if (!touch->nulls[KEPT_SESSION] && is_empty(touch->values[KEPT_SESSION]))
		touch->nulls[KEPT_SESSION] = true;
	touch->counts = true;
	return check_touchpoint(touch, &work->error);
}

/* Do two rows say the same? */
static bool
same_touchpoint(const KeptBinding *binding, const Touchpoint *a, const Touchpoint *b)
{
	if (a->counts != b->counts)
		return false;
	for (int i = 0; a->counts && i < KEPT_COLUMNS; i++)
	{
		const KeptColumnSource *column = &binding->columns[i];

		if (a->nulls[i] != b->nulls[i] ||
			(!a->nulls[i] && !datum_image_eq(a->values[i], b->values[i], column->by_value, column->length)))
			return false;
	}
	return true;
}

/* The description of the first columns of the changes. */
static TupleDesc
first_columns(Work *work, int count)
{
	if (work->shorter[count] == NULL)
	{
		work->shorter[count] = CreateTemplateTupleDesc(count);
		for (int i = 1; i <= count; i++)
			TupleDescCopyEntry(work->shorter[count], i, work->description, i);
	}
	return work->shorter[count];
}

/* The first of a statement's changes says for all of them when they were written down. */
static void
keep_touchpoint(Work *work, const Touchpoint *touch, bool removed)
{
	Datum		values[CHANGE_COLUMNS];
	bool		nulls[CHANGE_COLUMNS];
	int			count = CHANGE_COLUMNS;
	TupleDesc	description;
	MemoryContext old;

	for (int i = 0; i < KEPT_COLUMNS; i++)
	{
		values[kept_change_columns[i]] = touch->values[i];
		nulls[kept_change_columns[i]] = touch->nulls[i];
	}
	values[CHANGE_REMOVED] = BoolGetDatum(removed);
	nulls[CHANGE_REMOVED] = false;
	values[CHANGE_WRITTEN] = TimestampTzGetDatum(GetCurrentStatementStartTimestamp());
	nulls[CHANGE_WRITTEN] = work->dated;
	work->dated = true;
	while (nulls[count - 1])
		count--;
	description = first_columns(work, count);
	old = MemoryContextSwitchTo(work->batch);
	work->tuples[work->count++] = heap_form_tuple(description, values, nulls);
	MemoryContextSwitchTo(old);
}

/* Notes what a row said before and what it says after; NULL for none.  False if it cannot be kept. */
static bool
keep_rows(Work *work, TupleTableSlot *before, TupleTableSlot *after)
{
	Touchpoint	old;
	Touchpoint	new;

	old.counts = new.counts = false;
	if (work->context != NULL)
		ResetExprContext(work->context);
	if ((before != NULL && !read_touchpoint(work, before, &old)) || (after != NULL && !read_touchpoint(work, after, &new)))
		return false;
	if (before != NULL && after != NULL && same_touchpoint(work->binding, &old, &new))
		return true;
	if (old.counts)
		keep_touchpoint(work, &old, true);
	if (new.counts)
		keep_touchpoint(work, &new, false);
	return true;
}

/* Reads the rows of a call until the batch is full; sets done at their end.  Returns why a row cannot be kept, or NULL. */
static char *
read_batch(void *argument)
{
	Work	   *work = argument;
	TriggerData *call = work->call;

	if (TRIGGER_FIRED_FOR_ROW(call->tg_event))
	{
		bool		inserted = TRIGGER_FIRED_BY_INSERT(call->tg_event);
		bool		updated = TRIGGER_FIRED_BY_UPDATE(call->tg_event);

		work->done = true;
		return !keep_rows(work, inserted ? NULL : call->tg_trigslot, inserted ? call->tg_trigslot : updated ? call->tg_newslot : NULL) ? work->error.message : NULL;
	}
	while (work->count < BATCH - 1)
	{
		bool		before = call->tg_oldtable != NULL && tuplestore_gettupleslot(call->tg_oldtable, true, false, work->before);
		bool		after = call->tg_newtable != NULL && tuplestore_gettupleslot(call->tg_newtable, true, false, work->after);

		CHECK_FOR_INTERRUPTS();
		work->rows += before || after;
		if (!before && !after)
		{
			work->done = true;
			return NULL;
		}
		if (!keep_rows(work, before ? work->before : NULL, after ? work->after : NULL))
			return work->error.message;
	}
	return NULL;
}

/* Begins with the first row of a transition table, if there is one, wherever other triggers have come to. */
static void
start_reading(Tuplestorestate *rows)
{
	if (rows == NULL)
		return;
	tuplestore_select_read_pointer(rows, tuplestore_alloc_read_pointer(rows, EXEC_FLAG_REWIND));
	tuplestore_rescan(rows);
}

/* Leaves the place of whoever has none of their own as it was found. */
static void
end_reading(Tuplestorestate *rows)
{
	if (rows != NULL)
		tuplestore_select_read_pointer(rows, 0);
}

/*
 * Writing them
 */

static void
append_tuples(Work *work)
{
	CommandId	command = GetCurrentCommandId(true);

	for (int i = 0; i < work->count; i++)
	{
		if (work->slots[i] == NULL)
			work->slots[i] = MakeSingleTupleTableSlot(work->description, &TTSOpsHeapTuple);
		ExecStoreHeapTuple(work->tuples[i], work->slots[i], false);
	}
	if (work->count == 1)
		table_tuple_insert(work->changes, work->slots[0], command, 0, NULL);
	else if (work->count > 1)
		table_multi_insert(work->changes, work->slots, work->count, command, 0, NULL);
	for (int i = 0; i < work->count; i++)
		ExecClearTuple(work->slots[i]);
	work->count = 0;
	MemoryContextReset(work->batch);
}

/*
 * Sends readers to the rows, until the store is built anew, or what the lines are about is taken in: whoever has put an index or the
 * like on the table of marks has it looked after.  That of 0.1.0 has no lines.
 */
static void
set_mark(const KeptBinding *binding, const char *reason, ArrayType *lines)
{
	Relation	marks = table_open(binding->marks, RowExclusiveLock);
	EState	   *estate = CreateExecutorState();
	ResultRelInfo *result = makeNode(ResultRelInfo);
	TupleTableSlot *slot = table_slot_create(marks, NULL);

	if (RelationGetDescr(marks)->natts < 2 || RelationGetDescr(marks)->natts > 3 || TupleDescAttr(RelationGetDescr(marks), 0)->atttypid != TIMESTAMPTZOID ||
		TupleDescAttr(RelationGetDescr(marks), 1)->atttypid != TEXTOID ||
		(RelationGetDescr(marks)->natts == 2 ? lines != NULL : TupleDescAttr(RelationGetDescr(marks), 2)->atttypid != TEXTARRAYOID))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the tables of kept journeys of \"%s\" have been altered", get_rel_name(binding->source)),
				 errhint("cjm.unkeep_journeys takes them away, cjm.keep_journeys makes them anew.")));
	ExecClearTuple(slot);
	slot->tts_values[0] = TimestampTzGetDatum(GetCurrentTimestamp());
	slot->tts_values[1] = CStringGetTextDatum(reason);
	slot->tts_isnull[0] = slot->tts_isnull[1] = false;
	if (RelationGetDescr(marks)->natts > 2)
	{
		slot->tts_values[2] = PointerGetDatum(lines);
		slot->tts_isnull[2] = lines == NULL;
	}
	ExecStoreVirtualTuple(slot);
	InitResultRelInfo(result, marks, 1, NULL, 0);
	ExecOpenIndices(result, false);
	ExecSimpleRelationInsert(result, estate, slot);
	ExecCloseIndices(result);
	ExecDropSingleTupleTableSlot(slot);
	FreeExecutorState(estate);
	table_close(marks, NoLock);
}

/* Makes ready what evaluates the expressions. */
static void
start_expressions(Work *work)
{
	const KeptBinding *binding = work->binding;

	for (int i = 0; i < KEPT_COLUMNS; i++)
		if (binding->columns[i].expression != NULL)
			work->columns[i] = ExecInitExpr(binding->columns[i].expression, NULL);
	if (binding->filter != NULL)
		work->filter = ExecInitExpr(binding->filter, NULL);
}

/* Why the table of changes is not as it was made, or NULL. */
static const char *
check_changes(Relation changes)
{
	if (changes->rd_rel->relkind != RELKIND_RELATION || RelationGetDescr(changes)->natts != CHANGE_COLUMNS)
		return "the table of changes has been altered";
	if (changes->rd_rel->relhasindex || changes->trigdesc != NULL || RelationGetDescr(changes)->constr != NULL)
		return "the table of changes has an index, a trigger or a constraint";
	return NULL;
}

/* Writes down what a statement did, or a row. */
static void
write_changes(const KeptBinding *binding, TriggerData *call)
{
	Work		work = {.binding = binding, .call = call};
	const char *reason = binding->broken;

	work.changes = table_open(binding->changes, RowExclusiveLock);
	if (reason == NULL)
		reason = check_changes(work.changes);
	work.batch = AllocSetContextCreate(CurrentMemoryContext, "cjm changes", ALLOCSET_DEFAULT_SIZES);
	work.description = CreateTupleDescCopy(RelationGetDescr(work.changes));
	for (int i = 0; i < KEPT_COLUMNS; i++)
		work.last = Max(work.last, binding->columns[i].number);
	if (!TRIGGER_FIRED_FOR_ROW(call->tg_event))
	{
		work.before = MakeSingleTupleTableSlot(RelationGetDescr(call->tg_relation), &TTSOpsMinimalTuple);
		work.after = MakeSingleTupleTableSlot(RelationGetDescr(call->tg_relation), &TTSOpsMinimalTuple);
	}
	if (reason == NULL && binding->evaluates)
	{
		work.context = CreateStandaloneExprContext();
		start_expressions(&work);
	}
	start_reading(call->tg_oldtable);
	start_reading(call->tg_newtable);
	while (reason == NULL && !work.done)
	{
		reason = binding->can_fail ? kept_do_safely(read_batch, &work) : read_batch(&work);
		if (reason == NULL)
			append_tuples(&work);
	}
	end_reading(call->tg_oldtable);
	end_reading(call->tg_newtable);
	if (reason != NULL)
		set_mark(binding, reason, NULL);
	else if (!TRIGGER_FIRED_FOR_ROW(call->tg_event))
		kept_note_rows(call->tg_relation, call->tg_trigger->tgoid, binding->changes, work.rows);
	if (work.context != NULL)
		FreeExprContext(work.context, true);
	if (work.before != NULL)
	{
		ExecDropSingleTupleTableSlot(work.before);
		ExecDropSingleTupleTableSlot(work.after);
	}
	for (int i = 0; i < BATCH && work.slots[i] != NULL; i++)
		ExecDropSingleTupleTableSlot(work.slots[i]);
	for (int i = 0; i <= CHANGE_COLUMNS; i++)
		if (work.shorter[i] != NULL)
			FreeTupleDesc(work.shorter[i]);
	FreeTupleDesc(work.description);
	MemoryContextDelete(work.batch);
	table_close(work.changes, NoLock);
}

/* Notes once in a subtransaction that rows may have come into tables that the guard does not know, or gone from them. */
static void
note_strangers(KeptBinding *binding)
{
	if (binding->strangers == NULL ||
		(binding->noted == cjm_local_transaction() && binding->noted_in == GetCurrentSubTransactionId()))
		return;
	binding->noted = cjm_local_transaction();
	binding->noted_in = GetCurrentSubTransactionId();
	set_mark(binding, "rows were written while there was a partition that has not been taken in", binding->strangers);
}

/* Does something for the map that a trigger works for, as its owner and in a search_path that is nobody's. */
static void
work_for_map(Oid trigger, Oid relation, TriggerData *call, const char *mark)
{
	KeptBinding *binding = kept_find_binding(trigger, relation);
	KeptBinding mine;
	Oid			user;
	int			security;
	int			nest;

	if (!binding->bound)
		return;
	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(binding->owner, security | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	nest = NewGUCNestLevel();
	if (!binding->prepared || binding->can_fail)
		(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	note_strangers(binding);
	kept_prepare_binding(binding);
	/* What an expression does may make the process look for it again. */
	mine = *binding;
	if (mark != NULL)
		set_mark(&mine, mark, NULL);
	else
		write_changes(&mine, call);
	AtEOXact_GUC(false, nest);
	SetUserIdAndSecContext(user, security);
}

/* Sets a mark for the map that a trigger works for, if it does for one. */
static void
set_mark_for(Oid trigger, Oid relation, const char *reason)
{
	work_for_map(trigger, relation, NULL, reason);
}

/* kept_write(): the trigger function.  It works for whom kept_bind says, and does nothing if that is nobody. */
Datum
kept_write(PG_FUNCTION_ARGS)
{
	TriggerData *call = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		(!TRIGGER_FIRED_AFTER(call->tg_event) && !(TRIGGER_FIRED_BEFORE(call->tg_event) && TRIGGER_FIRED_FOR_STATEMENT(call->tg_event))))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("kept_write is called by triggers after a row, or before or after a statement")));
	if (TRIGGER_FIRED_BEFORE(call->tg_event))
		kept_watch_moves(set_mark_for);
	else
		work_for_map(call->tg_trigger->tgoid, RelationGetRelid(call->tg_relation), call,
					 TRIGGER_FIRED_BY_TRUNCATE(call->tg_event) ? "the source was emptied" : NULL);
	return PointerGetDatum(NULL);
}
