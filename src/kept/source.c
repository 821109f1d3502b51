/*
 * kept/source.c: reads what kept journeys are made of from the rule of a map's view
 * "events", and says whether it can be kept: kept_check(view).
 *
 * What is kept of a row is worked out when the row is written, so it must not
 * depend on when, or by whom, the row is read: what expressions call has to be
 * immutable.  So are, beside what PostgreSQL says is, the functions that a map
 * puts in the place of those that ask a setting (map/fixed.c), and an enum as
 * text, whose labels the guard keeps an eye on (kept/guard.c).  A function that
 * somebody has written must be one of which the catalogs know what it calls.
 *
 * Columns are known by number, so they may be renamed.
 */
#include "kept/source.h"

#include "kept/family.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_language.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_ts_config.h"
#include "catalog/pg_ts_dict.h"
#include "catalog/pg_type.h"
#include "map/definition.h"
#include "nodes/nodeFuncs.h"
#include "nodes/readfuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/regproc.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(kept_check);
PG_FUNCTION_INFO_V1(kept_check_idle);

static const char *const column_names[] = {"customer", "at", "event", "channel", "value", "segment", "dimensions", "session"};

/* Any for the customer. */
static const Oid column_types[] = {InvalidOid, TIMESTAMPTZOID, TEXTOID, TEXTOID, FLOAT8OID, TEXTOID, TEXTARRAYOID, TEXTOID};

/* The functions of map/fixed.c, which ask no setting. */
static const char *const fixed_functions[] = {"map_text", "map_json", "map_jsonb", "map_read", "map_to_timestamp", "map_shift", "map_in_sequence"};

/* What an expression is made of. */
typedef struct Parts
{
	const char *mutable_part;	/* what stands in the way, or NULL */
	List	   *functions;		/* those that somebody could replace */
	List	   *enums;			/* types whose labels somebody could rename */
	bool		bodies;			/* what functions in SQL call is to be looked at, too */
	Snapshot	snapshot;		/* of what they depend on; NULL: now */
} Parts;

/*
 * Reads what a view selects from one relation, in the current memory context;
 * false if it is not of the form that the view "events" of a map has.  Takes no lock.
 */
bool
kept_read_source(Oid view, KeptSource *source)
{
	Query	   *query = read_view_query(view);
	RangeTblRef *from;
	ListCell   *cell;
	int			n = 0;

	if (query == NULL || query->commandType != CMD_SELECT || list_length(query->jointree->fromlist) != 1 ||
		!IsA(linitial(query->jointree->fromlist), RangeTblRef) || query->hasAggs || query->hasWindowFuncs || query->hasTargetSRFs ||
		query->cteList != NIL || query->groupClause != NIL || query->groupingSets != NIL || query->havingQual != NULL ||
		query->distinctClause != NIL || query->sortClause != NIL || query->limitCount != NULL || query->limitOffset != NULL ||
		query->rowMarks != NIL || query->setOperations != NULL)
		return false;
	from = linitial_node(RangeTblRef, query->jointree->fromlist);
	if (rt_fetch(from->rtindex, query->rtable)->rtekind != RTE_RELATION)
		return false;
	source->relation = rt_fetch(from->rtindex, query->rtable)->relid;
	foreach(cell, query->targetList)
	{
		TargetEntry *target = lfirst_node(TargetEntry, cell);

		if (target->resjunk || n == KEPT_COLUMNS || strcmp(target->resname, column_names[n]) != 0 ||
			(OidIsValid(column_types[n]) && exprType((Node *) target->expr) != column_types[n]))
			return false;
		source->columns[n] = (Node *) target->expr;
		ChangeVarNodes(source->columns[n++], from->rtindex, 1, 0);
	}
	source->filter = query->jointree->quals;
	if (source->filter != NULL)
		ChangeVarNodes(source->filter, from->rtindex, 1, 0);
	return n == KEPT_COLUMNS;
}

/* Is it one of ours that is the same at all times, for a value of a type of PostgreSQL's own or an enum? */
static bool
is_fixed(Oid function, Node *node)
{
	const char *name;
	Oid			type;

	if (!IsA(node, FuncExpr) || get_func_namespace(function) != get_namespace_oid("cjm_internal", true))
		return false;
	type = exprType(linitial(((FuncExpr *) node)->args));
	if (type >= FirstNormalObjectId && get_typtype(type) != TYPTYPE_ENUM)
		return false;
	name = get_func_name(function);
	for (int i = 0; name != NULL && i < (int) lengthof(fixed_functions); i++)
		if (strcmp(name, fixed_functions[i]) == 0)
			return true;
	return false;
}

typedef struct FunctionCheck
{
	Node	   *node;
	Parts	   *parts;
} FunctionCheck;

static bool note_function(Oid function, Parts *parts);

/* Does a function ask a setting, though PostgreSQL calls it immutable? */
static bool
asks_setting(Oid function)
{
	switch (function)
	{
		case F_FLOAT4OUT:
		case F_FLOAT8OUT:
		case F_BYTEAOUT:
		case F_POINT_OUT:
		case F_LSEG_OUT:
		case F_PATH_OUT:
		case F_POLY_OUT:
		case F_BOX_OUT:
		case F_LINE_OUT:
		case F_CIRCLE_OUT:
			return true;
		default:
			return false;
	}
}

/* What the body of an SQL function calls of PostgreSQL's own, whatever it says of itself: true at what can change. */
static bool
check_called(Oid function, void *context)
{
	Parts	   *parts = context;

	if (function >= FirstNormalObjectId || function == F_ENUM_OUT || (func_volatile(function) == PROVOLATILE_IMMUTABLE && !asks_setting(function)))
		return false;
	parts->mutable_part = format_procedure(function);
	return true;
}

static bool
find_called(Node *node, Parts *parts)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, find_called, parts, 0);
	if (IsA(node, SQLValueFunction))
	{
		parts->mutable_part = "the time or the user";
		return true;
	}
	return check_functions_in_node(node, check_called, parts) || expression_tree_walker(node, find_called, parts);
}

/* Notes what the body of an SQL function uses, which depends on it; true at what can change unseen. */
static bool
note_body(Oid function, Parts *parts)
{
	Relation	depend = table_open(DependRelationId, AccessShareLock);
	bool		found = false;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(ProcedureRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(function));
	scan = systable_beginscan(depend, DependDependerIndexId, true, parts->snapshot, 2, keys);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		if (form->refclassid == ProcedureRelationId)
			found = note_function(form->refobjid, parts);
		else if (form->refclassid == OperatorRelationId)
			found = note_function(get_opcode(form->refobjid), parts);
		else if (form->refclassid == RelationRelationId)
		{
			parts->mutable_part = psprintf("the function %s, which reads a table", format_procedure(function));
			found = true;
		}
		else if (form->refclassid == TSConfigRelationId || form->refclassid == TSDictionaryRelationId)
		{
			parts->mutable_part = psprintf("the function %s, and what a text search goes by, which could be altered unseen", format_procedure(function));
			found = true;
		}
		else if (form->refclassid == TypeRelationId && get_typtype(form->refobjid) == TYPTYPE_ENUM)
			parts->enums = list_append_unique_oid(parts->enums, form->refobjid);
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
	return found;
}

/*
 * Notes a function that somebody could replace, and what its body calls; true at one whose body nobody knows: that of a function
 * in C is not in the catalogs, but then nobody replaces it there.
 */
static bool
note_function(Oid function, Parts *parts)
{
	HeapTuple	tuple;
	Oid			language;
	bool		known;
	char	   *body = NULL;

	if (function < FirstNormalObjectId || list_member_oid(parts->functions, function))
		return false;
	parts->functions = lappend_oid(parts->functions, function);
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		return false;
	language = ((Form_pg_proc) GETSTRUCT(tuple))->prolang;
	known = !heap_attisnull(tuple, Anum_pg_proc_prosqlbody, NULL);
	if (known && parts->bodies)
		body = TextDatumGetCString(SysCacheGetAttrNotNull(PROCOID, tuple, Anum_pg_proc_prosqlbody));
	ReleaseSysCache(tuple);
	if (language == INTERNALlanguageId || language == ClanguageId)
		return false;
	if (language == SQLlanguageId && known && body != NULL && find_called(stringToNode(body), parts))
	{
		parts->mutable_part = psprintf("the function %s, and that uses %s", format_procedure(function), parts->mutable_part);
		return true;
	}
	if (language == SQLlanguageId && known)
		return note_body(function, parts);
	parts->mutable_part = psprintf("the function %s, and what that calls could be replaced unseen", format_procedure(function));
	return true;
}

/* What an expression calls: true at what can change. */
static bool
check_function(Oid function, void *context)
{
	FunctionCheck *check = context;

	if ((func_volatile(function) != PROVOLATILE_IMMUTABLE || asks_setting(function)) && function != F_ENUM_OUT && !is_fixed(function, check->node))
	{
		check->parts->mutable_part = psprintf("the function %s", format_procedure(function));
		return true;
	}
	return note_function(function, check->parts);
}

/* Is a node of an expression a value? */
static bool
has_type(Node *node)
{
	switch (nodeTag(node))
	{
		case T_Var:
		case T_Const:
		case T_SubscriptingRef:
		case T_FuncExpr:
		case T_OpExpr:
		case T_NullIfExpr:
		case T_FieldSelect:
		case T_FieldStore:
		case T_RelabelType:
		case T_CoerceViaIO:
		case T_ArrayCoerceExpr:
		case T_ConvertRowtypeExpr:
		case T_CaseExpr:
		case T_CaseTestExpr:
		case T_ArrayExpr:
		case T_RowExpr:
		case T_CoalesceExpr:
		case T_MinMaxExpr:
		case T_CoerceToDomain:
			return true;
		default:
			return false;
	}
}

/* Notes what an expression is made of; true, which ends the walk, at what can change. */
static bool
find_parts(Node *node, Parts *parts)
{
	FunctionCheck check = {node, parts};

	if (node == NULL)
		return false;
	if (IsA(node, SubLink))
		parts->mutable_part = "a subquery";
	else if (IsA(node, SQLValueFunction))
		parts->mutable_part = "the time or the user";
	else if (IsA(node, XmlExpr) || IsA(node, NextValueExpr) || cjm_json_arguments(node) != NIL || cjm_is_json_query(node))
		parts->mutable_part = "what is made of several values by rules of its own";
	else if (IsA(node, Var) && ((Var *) node)->varattno <= 0)
		parts->mutable_part = ((Var *) node)->varattno < 0 ? "a column of the system" : "the row as a whole";
	if (parts->mutable_part != NULL)
		return true;
	if (has_type(node))
	{
		Oid			type = getBaseType(exprType(node));

		if (type == REGCONFIGOID || type == REGDICTIONARYOID)
		{
			parts->mutable_part = "what a text search goes by, which could be altered unseen";
			return true;
		}
		if (get_typtype(type) == TYPTYPE_ENUM)
			parts->enums = list_append_unique_oid(parts->enums, type);
	}
	return check_functions_in_node(node, check_function, &check) || expression_tree_walker(node, find_parts, parts);
}

/*
 * The functions behind the expressions that somebody could replace, and the enums whose labels somebody could rename, as a snapshot sees
 * what they depend on; NULL: now.  A function may be replaced at any time, and all processes of a query have to find the same.
 */
void
kept_read_parts(const KeptSource *source, Snapshot snapshot, List **functions, List **enums)
{
	Parts		parts = {.snapshot = snapshot};

	for (int i = 0; i < KEPT_COLUMNS; i++)
		find_parts(source->columns[i], &parts);
	find_parts(source->filter, &parts);
	*functions = parts.functions;
	*enums = parts.enums;
}

/* What stands in the way of keeping what the columns say, palloc'd, or NULL. */
const char *
kept_mutable_part(const KeptSource *source)
{
	Parts		parts = {.bodies = true};

	for (int i = 0; i < KEPT_COLUMNS; i++)
		if (find_parts(source->columns[i], &parts))
			return parts.mutable_part;
	return find_parts(source->filter, &parts) ? parts.mutable_part : NULL;
}

/* Is an expression the same at all times, as long as what it is over is, whatever somebody replaces or renames but cjm itself? */
bool
kept_is_steady(Node *node)
{
	Parts		parts = {.bodies = true};
	ListCell   *cell;

	if (find_parts(node, &parts) || parts.enums != NIL)
		return false;
	foreach(cell, parts.functions)
	{
		Oid			schema = get_func_namespace(lfirst_oid(cell));

		if (schema != get_namespace_oid("cjm", false) && schema != get_namespace_oid("cjm_internal", false))
			return false;
	}
	return true;
}

static void
check_immutable(const KeptSource *source, const char *name, Node *node)
{
	Parts		parts = {.bodies = true};
	char	   *printed;

	if (!find_parts(node, &parts))
		return;
	printed = deparse_expression(node, deparse_context_for(get_rel_name(source->relation), source->relation), false, false);
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("journeys cannot be kept: %s is not the same at all times: %s", name, printed),
			 errdetail("It uses %s.", parts.mutable_part),
			 errhint("What is kept of a row is worked out when it is written, so it has to be immutable: a column, a generated column, or a function in SQL with BEGIN ATOMIC or RETURN.")));
}

/* Columns that are worked out when they are read have no value in the rows that a trigger sees. */
static bool
find_virtual(Node *node, Oid *relation)
{
	bool		found = false;

	if (node == NULL)
		return false;
	if (IsA(node, Var) && ((Var *) node)->varattno > 0)
	{
		HeapTuple	column = SearchSysCache2(ATTNUM, ObjectIdGetDatum(*relation), Int16GetDatum(((Var *) node)->varattno));

		if (HeapTupleIsValid(column))
		{
			found = ((Form_pg_attribute) GETSTRUCT(column))->attgenerated == 'v';
			ReleaseSysCache(column);
		}
	}
	return found || expression_tree_walker(node, find_virtual, relation);
}

/* Refuses a relation whose rows change without a trigger of ours that could tell. */
static void
check_relation(Oid relation, Oid source)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Form_pg_class form;
	const char *problem = NULL;
	const char *hint = NULL;

	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_class) GETSTRUCT(tuple);
	if (form->relkind != RELKIND_RELATION && form->relkind != RELKIND_PARTITIONED_TABLE)
	{
		problem = "is no table";
		hint = "Nothing tells when rows of a view or of a foreign table change: store journeys by hand, as doc/cookbook.md shows.";
	}
	else if (form->relrowsecurity)
	{
		problem = "has row security";
		hint = "What each reader sees would have to be kept for each of them.";
	}
	else if (form->relpersistence != RELPERSISTENCE_PERMANENT)
	{
		problem = "is not logged";
		hint = "After a crash it would be empty, and the journeys not: ALTER TABLE ... SET LOGGED.";
	}
	else if (form->relkind == RELKIND_RELATION && form->relam != HEAP_TABLE_AM_OID)
	{
		problem = "is stored by another access method than heap";
		hint = "Keep journeys of tables of PostgreSQL's own kind.";
	}
	else if (relation == source && kept_places("above", relation, NULL) != NIL)
	{
		problem = form->relispartition ? "is a partition itself" : "inherits from another table";
		hint = "Who writes by way of the table above it fires none of its triggers: make the map of that one, with a filter.";
	}
	else if (form->relkind == RELKIND_RELATION && has_subclass(relation) &&
			 find_inheritance_children(relation, NoLock) != NIL)
	{
		problem = "has tables that inherit from it";
		hint = "Make it a partitioned table.";
	}
	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("journeys cannot be kept: \"%s\" %s", NameStr(form->relname), problem),
				 relation == source ? 0 : errdetail("It is a partition of the source."),
				 errhint("%s", hint)));
	ReleaseSysCache(tuple);
}

/* kept_check(view): an error that says why, if journeys of the view "events" of a map cannot be kept. */
Datum
kept_check(PG_FUNCTION_ARGS)
{
	KeptSource	source;
	ListCell   *cell;

	if (!kept_read_source(PG_GETARG_OID(0), &source))
	{
		/* With the SQL of 0.1.0, whose maps had no dimensions and no sessions. */
		if (AttributeNumberIsValid(get_attnum(PG_GETARG_OID(0), "segment")) && !AttributeNumberIsValid(get_attnum(PG_GETARG_OID(0), "session")))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("the map was made by an older version of cjm, whose journeys this one does not keep"),
					 errhint("ALTER EXTENSION cjm UPDATE, if that was not done, and then cjm.upgrade_map.")));
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not the view \"events\" of a map",
						get_rel_name(PG_GETARG_OID(0)) ? get_rel_name(PG_GETARG_OID(0)) : "???")));
	}
	foreach(cell, find_all_inheritors(source.relation, NoLock, NULL))
		check_relation(lfirst_oid(cell), source.relation);
	/* A row is NULL, and is not NULL, by rules of its own. */
	if (get_typtype(exprType(source.columns[KEPT_CUSTOMER])) == TYPTYPE_DOMAIN && get_typtype(getBaseType(exprType(source.columns[KEPT_CUSTOMER]))) == TYPTYPE_ENUM)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("journeys cannot be kept: customer is of %s, a domain over an enum, which PostgreSQL does not compare", format_type_be(exprType(source.columns[KEPT_CUSTOMER]))),
				 errhint("Make the map with customer::%s.", format_type_be(getBaseType(exprType(source.columns[KEPT_CUSTOMER]))))));
	if (get_typtype(getBaseType(exprType(source.columns[KEPT_CUSTOMER]))) == TYPTYPE_COMPOSITE)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("journeys cannot be kept: customer is of the composite type %s", format_type_be(exprType(source.columns[KEPT_CUSTOMER]))),
				 errhint("Make the map with the text of it, or an array of its fields.")));
	for (int i = 0; i < KEPT_COLUMNS; i++)
	{
		check_immutable(&source, column_names[i], source.columns[i]);
		if (find_virtual(source.columns[i], &source.relation))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("journeys cannot be kept: %s is made of a virtual generated column", column_names[i]),
					 errhint("Make the column a stored one.")));
	}
	check_immutable(&source, "filter", source.filter);
	if (find_virtual(source.filter, &source.relation))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("journeys cannot be kept: the filter uses a virtual generated column"),
				 errhint("Make the column a stored one.")));
	PG_RETURN_VOID();
}

/*
 * kept_check_idle(source): an error if a statement of this session is at a table, or
 * calls a trigger.  The rows of a statement are there before their changes are; who
 * built a store of them would count them twice.
 */
Datum
kept_check_idle(PG_FUNCTION_ARGS)
{
	Relation	source = RelationIdGetRelation(PG_GETARG_OID(0));
	bool		idle = !RelationIsValid(source) || source->rd_refcnt == 1;

	if (RelationIsValid(source))
		RelationClose(source);
	if (!idle || DatumGetInt32(DirectFunctionCall1(pg_trigger_depth, (Datum) 0)) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("journeys cannot be built in the middle of a statement or a cursor that reads or writes their source, or in a trigger"),
				 errhint("Call cjm.refresh_journeys in a statement of its own.")));
	PG_RETURN_VOID();
}
