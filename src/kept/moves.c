/*
 * kept/moves.c: notices that a MERGE has moved rows between partitions.
 *
 * The transition tables of an UPDATE have the rows that it moves from one partition
 * to another.  Those of a MERGE do not, or have them in those of DELETE and INSERT,
 * if it has such actions, or in all three: that differs from one minor release of
 * PostgreSQL to the next.  What every release knows is how many rows the statement
 * has processed.  If it is not as many as its transition tables have, rows were
 * moved, or something else was that cannot be told, and readers are sent to the
 * rows.
 *
 * That number is at hand when the statement ends, so this is where this looks.  A
 * trigger before the statement loads the library in time and asks for it.
 */
#include "kept/moves.h"

#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "nodes/execnodes.h"
#include "nodes/plannodes.h"

/* What the triggers of one map were given by a statement. */
typedef struct Given
{
	Oid			changes;		/* the map's */
	Oid			trigger;		/* one of them, and its table */
	Oid			relation;
	uint64		rows;
	bool		unsure;			/* rows may have been held back that count as processed */
} Given;

/* A statement at its end. */
typedef struct Ending
{
	bool		merges;
	List	   *given;
	MemoryContext context;
} Ending;

static ExecutorFinish_hook_type next_hook;
static KeptMark set_mark;
static Ending *ending;			/* the innermost */

/* Notes how many rows a trigger on a relation was given of a statement. */
void
kept_note_rows(Relation relation, Oid trigger, Oid changes, uint64 rows)
{
	const TriggerDesc *triggers = relation->trigdesc;
	Given	   *given = NULL;
	ListCell   *cell;

	if (ending == NULL || !ending->merges || relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return;
	foreach(cell, ending->given)
		if (((Given *) lfirst(cell))->changes == changes)
			given = lfirst(cell);
	if (given == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(ending->context);

		given = palloc0(sizeof(Given));
		ending->given = lappend(ending->given, given);
		MemoryContextSwitchTo(old);
	}
	given->changes = changes;
	given->trigger = trigger;
	given->relation = RelationGetRelid(relation);
	given->rows += rows;
	given->unsure = triggers->trig_insert_before_row || triggers->trig_update_before_row || triggers->trig_delete_before_row;
}

/* Is it a MERGE, or has it one in a WITH, whose rows it does not count? */
static bool
finds_merge(QueryDesc *query, bool *counts)
{
	ListCell   *cell;

	*counts = query->plannedstmt->commandType == CMD_MERGE && !query->plannedstmt->hasModifyingCTE;
	if (query->plannedstmt->commandType == CMD_MERGE)
		return true;
	foreach(cell, query->estate->es_auxmodifytables)
		if (((ModifyTable *) ((PlanState *) lfirst(cell))->plan)->operation == CMD_MERGE)
			return true;
	return false;
}

static void
finish_statement(QueryDesc *query)
{
	bool		counts;
	Ending		this = {.merges = finds_merge(query, &counts), .context = CurrentMemoryContext};
	Ending	   *outer = ending;

	ending = &this;
	PG_TRY();
	{
		ListCell   *cell;

		if (next_hook)
			next_hook(query);
		else
			standard_ExecutorFinish(query);
		foreach(cell, this.given)
		{
			Given	   *given = lfirst(cell);

			if (!counts || given->unsure || given->rows != query->estate->es_processed)
				set_mark(given->trigger, given->relation, "a MERGE has moved rows between partitions");
		}
	}
	PG_FINALLY();
	{
		ending = outer;
	}
	PG_END_TRY();
	list_free_deep(this.given);
}

/* Begins to look at the end of statements, once for all. */
void
kept_watch_moves(KeptMark mark)
{
	if (set_mark != NULL)
		return;
	set_mark = mark;
	next_hook = ExecutorFinish_hook;
	ExecutorFinish_hook = finish_statement;
}
