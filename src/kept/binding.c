/*
 * kept/binding.c: for whom a trigger of kept journeys works: kept_bind(relation, name,
 * changes, marks, view), and how that is found again.
 *
 * It does not depend on names: dependencies from the trigger to the tables and the
 * view are in pg_depend.  Dropping one of them drops the trigger.  A trigger without
 * them, as in a restored dump, does nothing, and as the guard knows the triggers by
 * number, nobody reads a store without its own.
 *
 * What a trigger works with stays in the process until something about it changes.
 */
#include "kept/binding.h"
#include "kept/family.h"

#include "access/attmap.h"
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/objectaddress.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteManip.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(kept_bind);

/* By which a dependency tells what it is: a column of the table, or none of the view. */
#define CHANGES_COLUMN CHANGE_COLUMNS
#define MARKS_COLUMN 2

/* The column of the changes in 0.1.0, which had no dimensions and no sessions. */
#define CHANGES_COLUMN_0_1_0 8

/* Where the table of changes has what a column of the view says. */
const KeptChangeColumn kept_change_columns[KEPT_COLUMNS] = {
	[KEPT_CUSTOMER] = CHANGE_CUSTOMER,
	[KEPT_AT] = CHANGE_AT,
	[KEPT_EVENT] = CHANGE_EVENT,
	[KEPT_CHANNEL] = CHANGE_CHANNEL,
	[KEPT_VALUE] = CHANGE_VALUE,
	[KEPT_SEGMENT] = CHANGE_SEGMENT,
	[KEPT_DIMENSIONS] = CHANGE_DIMENSIONS,
	[KEPT_SESSION] = CHANGE_SESSION,
};

static HTAB *bindings;

/*
 * Doing what may fail
 */

/* Is an error one that the row or the expression is to blame for, and not the server or whoever cancels? */
static bool
is_their_fault(int code)
{
	switch (ERRCODE_TO_CATEGORY(code))
	{
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_SYSTEM_ERROR:
		case ERRCODE_TRANSACTION_ROLLBACK:
			return false;
		default:
			return code != ERRCODE_DATA_CORRUPTED && code != ERRCODE_INDEX_CORRUPTED;
	}
}

/*
 * Does some work in a subtransaction, in which nothing is to be written.  Returns
 * what is wrong with the rows or with what is asked of them, palloc'd, or NULL; an
 * error of another kind is thrown on.
 */
char *
kept_do_safely(char *(*work) (void *), void *argument)
{
	MemoryContext memory = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	char	   *volatile reason = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(memory);
	PG_TRY();
	{
		reason = work(argument);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(memory);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(memory);
		error = CopyErrorData();
		FlushErrorState();
		/* In any case: who catches what is thrown on knows nothing of this subtransaction. */
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(memory);
		CurrentResourceOwner = owner;
		if (!is_their_fault(error->sqlerrcode))
			ReThrowError(error);
		reason = error->message;
	}
	PG_END_TRY();
	return reason;
}

/*
 * For whom a trigger works
 */

static void
forget_relation(Datum arg pg_attribute_unused(), Oid relation)
{
	HASH_SEQ_STATUS status;
	KeptBinding *binding;

	hash_seq_init(&status, bindings);
	while ((binding = hash_seq_search(&status)) != NULL)
		if (!OidIsValid(relation) || relation == binding->relation || relation == binding->source || relation == binding->view ||
			relation == binding->changes || relation == binding->marks || list_member_oid(binding->branches, relation))
			binding->valid = false;
}

static void
forget_all(Datum arg, int cache pg_attribute_unused(), uint32 hash pg_attribute_unused())
{
	forget_relation(arg, InvalidOid);
}

/* The trigger that one of a partition was made from, at the top, and its table. */
static Oid
original_trigger(Oid trigger, Oid *relation)
{
	Relation	triggers = table_open(TriggerRelationId, AccessShareLock);
	Oid			parent = trigger;

	while (OidIsValid(parent))
	{
		ScanKeyData key;
		SysScanDesc scan;
		HeapTuple	tuple;

		trigger = parent;
		parent = InvalidOid;
		ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(trigger));
		scan = systable_beginscan(triggers, TriggerOidIndexId, true, NULL, 1, &key);
		if (HeapTupleIsValid(tuple = systable_getnext(scan)))
		{
			parent = ((Form_pg_trigger) GETSTRUCT(tuple))->tgparentid;
			*relation = ((Form_pg_trigger) GETSTRUCT(tuple))->tgrelid;
		}
		systable_endscan(scan);
	}
	table_close(triggers, AccessShareLock);
	return trigger;
}

/* Finds what a trigger depends on by kept_bind, beside its own table. */
static void
find_dependencies(KeptBinding *binding)
{
	Relation	depend = table_open(DependRelationId, AccessShareLock);
	Oid			table = binding->relation;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(TriggerRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(original_trigger(binding->trigger, &table)));
	scan = systable_beginscan(depend, DependDependerIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);
		Oid			object = form->refobjid;

		if (form->refclassid != RelationRelationId || form->deptype != DEPENDENCY_AUTO || object == table)
			continue;
		if (form->refobjsubid == CHANGES_COLUMN || form->refobjsubid == CHANGES_COLUMN_0_1_0)
			binding->changes = object;
		if (form->refobjsubid == CHANGES_COLUMN_0_1_0)
			binding->broken = "the journeys are kept as by an older version of cjm";
		else if (form->refobjsubid == MARKS_COLUMN)
			binding->marks = object;
		else if (form->refobjsubid == 0)
			binding->view = object;
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
}

/* Is a relation the source, or a partition of it that is not on its way out? */
static bool
belongs_to(Oid relation, Oid source)
{
	return relation == source || (get_rel_relispartition(relation) && list_member_oid(get_partition_ancestors(relation), source));
}

static Oid
relation_owner(Oid relation)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Oid			owner = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
		ReleaseSysCache(tuple);
	}
	return owner;
}

/* An expression as rows of the binding's relation have it, planned, in the binding's memory. */
static Expr *
prepare_expression(KeptBinding *binding, Node *node, AttrMap *map)
{
	MemoryContext old;
	Expr	   *planned;
	bool		whole_row;

	if (map != NULL)
		node = map_variable_attnos(node, 1, 0, map, InvalidOid, &whole_row);
	planned = expression_planner((Expr *) node);
	old = MemoryContextSwitchTo(binding->context);
	planned = copyObject(planned);
	MemoryContextSwitchTo(old);
	return planned;
}

static void
prepare_column(KeptBinding *binding, KeptColumnSource *column, Node *node, AttrMap *map)
{
	Expr	   *planned = prepare_expression(binding, node, map);
	Node	   *plain = (Node *) planned;

	get_typlenbyval(exprType(node), &column->length, &column->by_value);
	while (IsA(plain, RelabelType))
		plain = (Node *) ((RelabelType *) plain)->arg;
	if (IsA(plain, Var))
		column->number = ((Var *) plain)->varattno;
	else if (!IsA(plain, Const) || !((Const *) plain)->constisnull)
	{
		column->expression = planned;
		binding->evaluates = true;
		binding->can_fail |= !IsA(plain, Const);
	}
}

/* Plans the expressions of a binding; NULL. */
static char *
prepare_columns(void *argument)
{
	KeptBinding *binding = argument;
	KeptSource	source;
	AttrMap    *map = NULL;

	kept_read_source(binding->view, &source);
	if (binding->relation != source.relation)
	{
		/* Not the relation itself, whose lock is not ours to wait for. */
		TupleDesc	from = lookup_rowtype_tupdesc(get_rel_type_id(source.relation), -1);
		TupleDesc	to = lookup_rowtype_tupdesc(get_rel_type_id(binding->relation), -1);

		map = cjm_build_attrmap(to, from);
		ReleaseTupleDesc(from);
		ReleaseTupleDesc(to);
	}
	for (int i = 0; i < KEPT_COLUMNS; i++)
		prepare_column(binding, &binding->columns[i], source.columns[i], map);
	if (source.filter != NULL)
	{
		binding->filter = prepare_expression(binding, source.filter, map);
		binding->evaluates = true;
		binding->can_fail = true;
	}
	return NULL;
}

/* Finds which tables the guard does not know that rows may come into, or go from. */
static void
find_strangers(KeptBinding *binding)
{
	MemoryContext old;
	List	   *branches = NIL;
	List	   *lines = kept_strangers(binding->relation, binding->source, binding->changes, &branches);
	ArrayBuildState *strangers = NULL;
	ListCell   *cell;

	foreach(cell, lines)
		strangers = accumArrayResult(strangers, CStringGetTextDatum(lfirst(cell)), false, TEXTOID, CurrentMemoryContext);
	old = MemoryContextSwitchTo(binding->context);
	binding->branches = list_copy(branches);
	if (strangers != NULL)
		binding->strangers = DatumGetArrayTypePCopy(makeArrayResult(strangers, binding->context));
	MemoryContextSwitchTo(old);
}

/* May the map's owner read what the map reads of the source?  If not any more, nothing of it is theirs to be written down. */
static bool
may_read(const KeptBinding *binding, const KeptSource *source)
{
	Bitmapset  *columns = NULL;
	int			column = -1;

	if (pg_class_aclcheck(source->relation, binding->owner, ACL_SELECT) == ACLCHECK_OK)
		return true;
	for (int i = 0; i < KEPT_COLUMNS; i++)
		pull_varattnos(source->columns[i], 1, &columns);
	pull_varattnos(source->filter, 1, &columns);
	while ((column = bms_next_member(columns, column)) >= 0)
		if (pg_attribute_aclcheck(source->relation, column + FirstLowInvalidHeapAttributeNumber, binding->owner, ACL_SELECT) != ACLCHECK_OK)
			return false;
	return columns != NULL;
}

/* Finds all about a binding whose keys are set, but for the expressions. */
static void
fill_binding(KeptBinding *binding)
{
	KeptSource	source;
	const char *mutable_part;

	find_dependencies(binding);
	/* Who has dropped one of them has dropped the trigger. */
	if (!OidIsValid(binding->changes) || !OidIsValid(binding->marks) || !OidIsValid(binding->view))
		return;
	binding->bound = true;
	binding->owner = relation_owner(binding->changes);
	/* Processes that have loaded the library of then may still read the store: a mark tells them, too. */
	if (binding->broken != NULL)
		return;
	if (!kept_read_source(binding->view, &source))
	{
		binding->broken = "the view \"events\" of the map is another one";
		return;
	}
	binding->source = source.relation;
	if (!belongs_to(binding->relation, source.relation))
	{
		binding->bound = false;
		return;
	}
	find_strangers(binding);
	for (int i = 0; i < KEPT_COLUMNS; i++)
		if (get_atttype(binding->changes, kept_change_columns[i] + 1) != exprType(source.columns[i]))
			binding->broken = "the table of changes has been altered";
	if (get_atttype(binding->changes, CHANGE_REMOVED + 1) != BOOLOID || get_atttype(binding->changes, CHANGE_WRITTEN + 1) != TIMESTAMPTZOID)
		binding->broken = "the table of changes has been altered";
	if (!may_read(binding, &source))
		binding->broken = "the owner of the map may not read the source";
	if ((mutable_part = kept_mutable_part(&source)) != NULL)
		binding->broken = MemoryContextStrdup(binding->context, psprintf("the view \"events\" of the map uses %s", mutable_part));
}

/* For whom a trigger on a relation works.  The answer lives until the process looks for it again. */
KeptBinding *
kept_find_binding(Oid trigger, Oid relation)
{
	KeptBinding *binding;
	bool		found;

	if (bindings == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(Oid), .entrysize = sizeof(KeptBinding), .hcxt = CacheMemoryContext};

		bindings = hash_create("cjm triggers of kept journeys", 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
		CacheRegisterRelcacheCallback(forget_relation, (Datum) 0);
		CacheRegisterSyscacheCallback(PROCOID, forget_all, (Datum) 0);
		CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, forget_all, (Datum) 0);
		CacheRegisterSyscacheCallback(AUTHOID, forget_all, (Datum) 0);
	}
	binding = hash_search(bindings, &trigger, HASH_ENTER, &found);
	if (found && binding->made && binding->valid)
		return binding;
	/* A call further out may be at work with it. */
	if (found && binding->context != NULL)
		MemoryContextSetParent(binding->context, TopTransactionContext);
	memset(binding, 0, sizeof(KeptBinding));
	binding->trigger = trigger;
	binding->relation = relation;
	binding->context = AllocSetContextCreate(CacheMemoryContext, "cjm trigger of kept journeys", ALLOCSET_SMALL_SIZES);
	/* What changes while it is filled in makes it invalid again, and an error leaves it unmade. */
	binding->valid = true;
	fill_binding(binding);
	binding->made = true;
	return binding;
}

/* Plans the expressions of a binding, if that is not done: as the owner of the map, since planning may call what they call. */
void
kept_prepare_binding(KeptBinding *binding)
{
	char	   *reason;

	if (binding->prepared || binding->broken != NULL)
		return;
	/* An error leaves half of them. */
	memset(binding->columns, 0, sizeof(binding->columns));
	binding->filter = NULL;
	binding->evaluates = false;
	binding->can_fail = false;
	if ((reason = kept_do_safely(prepare_columns, binding)) != NULL)
		binding->broken = MemoryContextStrdup(binding->context, reason);
	binding->prepared = true;
}

/*
 * kept_bind(relation, name, changes, marks, view): lets a trigger of ours on a
 * relation work for these tables and this view.  An error for who does not own them all.
 */
Datum
kept_bind(PG_FUNCTION_ARGS)
{
	Oid			relation = PG_GETARG_OID(0);
	Oid			trigger = get_trigger_oid(relation, NameStr(*PG_GETARG_NAME(1)), false);
	ObjectAddress from = {TriggerRelationId, trigger, 0};
	ObjectAddress changes = {RelationRelationId, PG_GETARG_OID(2), CHANGES_COLUMN};
	ObjectAddress marks = {RelationRelationId, PG_GETARG_OID(3), MARKS_COLUMN};
	ObjectAddress view = {RelationRelationId, PG_GETARG_OID(4), 0};

	for (int i = 0; i < 5; i++)
	{
		Oid			object = i == 1 ? relation : PG_GETARG_OID(i);

		if (get_rel_name(object) == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_TABLE),
					 errmsg("there is no relation with the OID %u", object)));
		if (!cjm_owns_relation(object))
			aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(get_rel_relkind(object)), get_rel_name(object));
	}
	if (get_attname(changes.objectId, CHANGES_COLUMN, true) == NULL || get_attname(marks.objectId, MARKS_COLUMN, true) == NULL ||
		get_rel_relkind(view.objectId) != RELKIND_VIEW)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\", \"%s\" and \"%s\" are not the changes, the marks and the events of a map",
						get_rel_name(changes.objectId), get_rel_name(marks.objectId), get_rel_name(view.objectId))));
	recordDependencyOn(&from, &changes, DEPENDENCY_AUTO);
	recordDependencyOn(&from, &marks, DEPENDENCY_AUTO);
	recordDependencyOn(&from, &view, DEPENDENCY_AUTO);
	PG_RETURN_VOID();
}
