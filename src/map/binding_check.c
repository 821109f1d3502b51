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

/* The same of a format, without the texts in it that stand in double quotes. */
char *
binding_known_format(Node *node)
{
	char	   *format = binding_known_word(node);
	char	   *out = format;
	bool		quoted = false;

	if (format == NULL)
		return NULL;
	for (char *p = format; *p != '\0'; p++)
	{
		if (*p == '\\' && p[1] != '\0')
			p++;
		else if (*p == '"')
			quoted = !quoted;
		else if (!quoted)
			*out++ = *p;
	}
	*out = '\0';
	return format;
}

/* Does the format of a number ask a locale: D, G, L or S, but for those of SG and PL? */
static bool
number_format_depends(const char *format)
{
	for (const char *p = format; *p != '\0'; p++)
	{
		if (strncmp(p, "sg", 2) == 0 || strncmp(p, "pl", 2) == 0)
			p++;
		else if (strchr("dgls", *p) != NULL)
			return true;
	}
	return false;
}

/* An error for the format of a time, a second argument, that asks a locale or is not known. */
void
binding_check_format(Binding *binding, List *arguments)
{
	char	   *format = binding_known_format(lsecond(arguments));

	if (format == NULL || strstr(format, "tm") != NULL)
		binding_refuse(binding, "the name of a day or a month in the reader's language, or a form of times that is not written there");
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
	char	   *format;
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
		case F_TO_DATE:
			binding_check_format(binding, arguments);
			return;
		case F_TO_CHAR_NUMERIC_TEXT:
		case F_TO_CHAR_INT4_TEXT:
		case F_TO_CHAR_INT8_TEXT:
		case F_TO_CHAR_FLOAT4_TEXT:
		case F_TO_CHAR_FLOAT8_TEXT:
		case F_TO_NUMBER:
			format = binding_known_format(lsecond(arguments));
			if (format == NULL || number_format_depends(format))
				binding_refuse(binding, "a number in the reader's locale (D, G, L or S), or in a form that is not written there");
			return;
	}
	name = get_func_name(function);
	/* Who reads is asked on purpose. */
	if (takes_any(function) || strncmp(name, "has_", 4) == 0 || strcmp(name, "pg_has_role") == 0)
		return;
	binding_refuse(binding, name);
}

/* The same for an operator. */
static void
check_operator(Binding *binding, Oid operator, List *arguments)
{
	Oid			left;
	Oid			right;

	op_input_types(operator, &left, &right);
	if ((left == TIMESTAMPTZOID && (right == TIMESTAMPOID || right == DATEOID)) ||
		(right == TIMESTAMPTZOID && (left == TIMESTAMPOID || left == DATEOID)))
		binding_refuse(binding, "a comparison of times with and without a time zone");
	check_function(binding, get_opcode(operator), arguments);
}

/* The same for what makes JSON or a text of its arguments, expressions or entries of a list, whatever type they are of. */
static void
check_texts(Binding *binding, List *arguments, const char *name)
{
	ListCell   *cell;

	foreach(cell, arguments)
	{
		Node	   *argument = lfirst(cell);
		Oid			type = exprType(IsA(argument, TargetEntry) ? (Node *) ((TargetEntry *) argument)->expr : argument);

		binding_refuse_strange(binding, type);
		if (binding_type_depends(type, false))
			binding_refuse(binding, psprintf("%s of a value whose text depends on them", name));
	}
}

/* The same for an aggregate, which may be called as a window function. */
static void
check_aggregate(Binding *binding, Oid aggregate, List *arguments)
{
	HeapTuple	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(aggregate));
	Oid			transition;

	if (!HeapTupleIsValid(tuple))
		return;
	transition = ((Form_pg_aggregate) GETSTRUCT(tuple))->aggtransfn;
	ReleaseSysCache(tuple);
	if (transition < FirstUnpinnedObjectId && func_volatile(transition) == PROVOLATILE_STABLE)
		check_texts(binding, arguments, get_func_name(aggregate));
}

/* The same for a window whose frame is a distance of time. */
static void
check_window(Binding *binding, WindowClause *window)
{
	if (OidIsValid(window->startInRangeFunc))
		check_function(binding, window->startInRangeFunc, NIL);
	if (OidIsValid(window->endInRangeFunc))
		check_function(binding, window->endInRangeFunc, NIL);
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
			check_operator(binding, ((OpExpr *) node)->opno, ((OpExpr *) node)->args);
			break;
		case T_ScalarArrayOpExpr:
			check_operator(binding, ((ScalarArrayOpExpr *) node)->opno, ((ScalarArrayOpExpr *) node)->args);
			break;
		case T_RowCompareExpr:
			foreach(cell, ((RowCompareExpr *) node)->opnos)
				check_operator(binding, lfirst_oid(cell), NIL);
			break;
		case T_Aggref:
			check_aggregate(binding, ((Aggref *) node)->aggfnoid, ((Aggref *) node)->args);
			break;
		case T_WindowFunc:
			check_aggregate(binding, ((WindowFunc *) node)->winfnoid, ((WindowFunc *) node)->args);
			break;
		case T_XmlExpr:
			binding_refuse(binding, "XML");
		case T_TableFunc:
			binding_refuse(binding, "XMLTABLE or JSON_TABLE");
		case T_Query:
			foreach(cell, ((Query *) node)->windowClause)
				check_window(binding, lfirst_node(WindowClause, cell));
			if (((Query *) node)->setOperations != NULL)
				check_set_operation(binding, (Query *) node, ((Query *) node)->setOperations, NIL);
			return query_tree_walker((Query *) node, binding_check, binding, 0);
		default:
			if (cjm_is_json_query(node))
				binding_refuse(binding, "an SQL/JSON query");
			check_texts(binding, cjm_json_arguments(node), "JSON");
			break;
	}
	return expression_tree_walker(node, binding_check, binding);
}
