/*
 * map/binding_check.c: what may stay in an expression that is bound, see
 * map/binding.c; all else is refused.
 */
#include "map/binding_internal.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parsetree.h"
#include "parser/scansup.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* The text that a node is, in small letters; NULL if it is not known now. */
char *
binding_known_word(Node *node)
{
	Const	   *constant = (Const *) node;
	char	   *word;

	if (!IsA(node, Const) || constant->constisnull || constant->consttype != TEXTOID)
		return NULL;
	word = TextDatumGetCString(constant->constvalue);
	return downcase_identifier(word, strlen(word), false, false);
}

/* The format of a to_char or to_number that asks a locale, or is not known. */
static bool
format_depends(List *arguments, bool number)
{
	char	   *word = binding_known_word(lsecond(arguments));

	if (word == NULL)
		return true;
	return number ? strpbrk(word, "dgl") != NULL : strstr(word, "tm") != NULL;
}

/* Does a function take values of any type, whose texts are looked at where it is bound? */
static bool
takes_any(Oid function)
{
	Oid		   *declared;
	int			count;

	get_func_signature(function, &declared, &count);
	for (int i = 0; i < count; i++)
		if (declared[i] == ANYOID || declared[i] == RECORDOID || IsPolymorphicType(declared[i]))
			return true;
	return false;
}

/* An error for a function of PostgreSQL's that is not known to say the same to all, of bound arguments. */
static void
check_function(Binding *binding, Oid function, List *arguments)
{
	char	   *name;

	if (function >= FirstUnpinnedObjectId || func_volatile(function) != PROVOLATILE_STABLE)
		return;
	switch (function)
	{
		case F_NOW:
		case F_TRANSACTION_TIMESTAMP:
		case F_STATEMENT_TIMESTAMP:
		case F_CURRENT_DATABASE:
		case F_CURRENT_SETTING_TEXT:
		case F_CURRENT_SETTING_TEXT_BOOL:
		case F_TO_DATE:
			/* Of these what depends on a zone has been replaced. */
		case F_DATE_TRUNC_TEXT_TIMESTAMPTZ_TEXT:
		case F_DATE_PART_TEXT_TIMESTAMPTZ:
		case F_EXTRACT_TEXT_TIMESTAMPTZ:
		case F_TIMESTAMPTZ_PL_INTERVAL:
		case F_TIMESTAMPTZ_MI_INTERVAL:
		case F_INTERVAL_PL_TIMESTAMPTZ:
			return;
		case F_TO_CHAR_TIMESTAMP_TEXT:
		case F_TO_CHAR_INTERVAL_TEXT:
			if (!format_depends(arguments, false))
				return;
			binding_refuse(binding, "to_char with the name of a day or a month in the reader's language, or with a form that is not written there");
		case F_TO_CHAR_NUMERIC_TEXT:
		case F_TO_CHAR_INT4_TEXT:
		case F_TO_CHAR_INT8_TEXT:
		case F_TO_CHAR_FLOAT4_TEXT:
		case F_TO_CHAR_FLOAT8_TEXT:
		case F_TO_NUMBER:
			if (!format_depends(arguments, true))
				return;
			binding_refuse(binding, "a number in the reader's locale (D, G or L), or in a form that is not written there");
	}
	name = get_func_name(function);
	/* Who reads is asked on purpose. */
	if (takes_any(function) || strncmp(name, "has_", 4) == 0 || strcmp(name, "pg_has_role") == 0)
		return;
	binding_refuse(binding, psprintf("%s", name));
}

static void
check_aggregate(Binding *binding, Aggref *node)
{
	HeapTuple	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(node->aggfnoid));
	Oid			transition = InvalidOid;
	ListCell   *cell;

	if (HeapTupleIsValid(tuple))
	{
		transition = ((Form_pg_aggregate) GETSTRUCT(tuple))->aggtransfn;
		ReleaseSysCache(tuple);
	}
	if (!OidIsValid(transition) || transition >= FirstUnpinnedObjectId || func_volatile(transition) != PROVOLATILE_STABLE)
		return;
	foreach(cell, node->args)
	{
		Oid			type = exprType((Node *) lfirst_node(TargetEntry, cell)->expr);

		binding_refuse_strange(binding, type);
		if (binding_type_depends(type, false))
			binding_refuse(binding, psprintf("%s of a value whose text depends on them", get_func_name(node->aggfnoid)));
	}
}

/* UNION and the like: columns of another type than the result's are cast where no tree shows it. */
static void
check_set_operation(Binding *binding, Query *query, Node *node, List *types)
{
	SetOperationStmt *operation = (SetOperationStmt *) node;
	ListCell   *entry;
	ListCell   *type;

	if (IsA(node, SetOperationStmt))
	{
		check_set_operation(binding, query, operation->larg, types ? types : operation->colTypes);
		check_set_operation(binding, query, operation->rarg, types ? types : operation->colTypes);
		return;
	}
	type = list_head(types);
	foreach(entry, rt_fetch(castNode(RangeTblRef, node)->rtindex, query->rtable)->subquery->targetList)
	{
		TargetEntry *column = lfirst_node(TargetEntry, entry);

		if (column->resjunk || type == NULL)
			continue;
		if (exprType((Node *) column->expr) != lfirst_oid(type) && binding_type_depends(lfirst_oid(type), true))
			binding_refuse(binding, "UNION, INTERSECT or EXCEPT of columns of different types");
		type = lnext(types, type);
	}
}

/* An error for anything left in a bound tree that may say something else under other settings. */
bool
binding_check(Node *node, Binding *binding)
{
	ListCell   *cell;

	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_FuncExpr:
			check_function(binding, ((FuncExpr *) node)->funcid, ((FuncExpr *) node)->args);
			break;
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
			check_function(binding, get_opcode(((OpExpr *) node)->opno), ((OpExpr *) node)->args);
			break;
		case T_ScalarArrayOpExpr:
			check_function(binding, get_opcode(((ScalarArrayOpExpr *) node)->opno), ((ScalarArrayOpExpr *) node)->args);
			break;
		case T_RowCompareExpr:
			foreach(cell, ((RowCompareExpr *) node)->opnos)
				check_function(binding, get_opcode(lfirst_oid(cell)), NIL);
			break;
		case T_Aggref:
			check_aggregate(binding, (Aggref *) node);
			break;
		case T_XmlExpr:
			binding_refuse(binding, "XML");
		case T_Query:
			if (((Query *) node)->setOperations != NULL)
				check_set_operation(binding, (Query *) node, ((Query *) node)->setOperations, NIL);
			return query_tree_walker((Query *) node, binding_check, binding, 0);
		default:
			if (cjm_is_sql_json(node))
				binding_refuse(binding, "an SQL/JSON query");
			break;
	}
	return expression_tree_walker(node, binding_check, binding);
}
