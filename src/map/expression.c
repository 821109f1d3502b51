/*
 * map/expression.c: the arguments of create_map that are expressions over a row
 * of the source: map_expression(source, expression, argument, time_zone); and the
 * condition of create_audience, which is one over a row of the view "customers".
 *
 * An expression is read by PostgreSQL's own parser, in the caller's search_path,
 * has to be one target of a SELECT without anything else, is checked and
 * converted to what the argument has to be, and is printed again from its parse
 * tree.  What is printed names everything with its schema, has its constants as
 * they are under settings that are always the same, asks no setting when it is
 * evaluated (map/binding.c), and so means the same whoever reads it.  Constants
 * are read in the map's time zone, and otherwise as the caller's session reads
 * them.  Text that somebody wrote never becomes part of a statement.
 *
 * map_expressions(view) prints what a view of a map reads now: the view follows
 * a column that is renamed, the text in the map's definition does not.
 *
 * Nothing is executed here.
 */
#include "base/glue.h"

#include "access/relation.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_type.h"
#include "map/binding.h"
#include "map/expression.h"
#include "map/fixed.h"
#include "map/lasting.h"
#include "map/printing.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "parser/parser.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "rewrite/rewriteManip.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(map_expression);
PG_FUNCTION_INFO_V1(map_expressions);

/* What an argument of create_map has to be. */
typedef enum ArgumentKind
{
	ARGUMENT_KEY,				/* anything that can be grouped by */
	ARGUMENT_TIME,
	ARGUMENT_LABEL,				/* text, or an enum */
	ARGUMENT_NUMBER,
	ARGUMENT_SEGMENT,			/* anything, as text */
	ARGUMENT_CONDITION,
	ARGUMENT_SEQUENCE,			/* a whole number */
	ARGUMENT_TEXT				/* anything, as text, without a subquery */
} ArgumentKind;

typedef struct Argument
{
	const char *name;
	ArgumentKind kind;
} Argument;

static const Argument arguments[] = {
	{"customer", ARGUMENT_KEY},
	{"at", ARGUMENT_TIME},
	{"event", ARGUMENT_LABEL},
	{"channel", ARGUMENT_LABEL},
	{"value", ARGUMENT_NUMBER},
	{"segment", ARGUMENT_SEGMENT},
	{"filter", ARGUMENT_CONDITION},
	{"sequence", ARGUMENT_SEQUENCE},
	{"session", ARGUMENT_TEXT},
	{"comment", ARGUMENT_TEXT}
};

/* The last one is no column of the view "events". */
#define EVENT_ARGUMENTS ((int) lengthof(arguments) - 1)

/* The argument of a dimension is "dimension " and its name. */
#define DIMENSION "dimension "

/* What is asked of the rows of the view "customers" and not of the source's. */
static const Argument audience_condition = {"condition", ARGUMENT_CONDITION};

/* An expression being read, for messages. */
typedef struct ExpressionText
{
	const Argument *argument;
	const char *text;
} ExpressionText;

/* What has been found under an expression's top. */
typedef struct SubqueryFinding
{
	int			count;
	bool		scalar;			/* all of them */
	bool		locks;			/* FOR UPDATE and the like, at any depth */
} SubqueryFinding;

static const Argument *
find_argument(text *name)
{
	char	   *wanted = text_to_cstring(name);

	for (int i = 0; i < (int) lengthof(arguments); i++)
		if (strcmp(arguments[i].name, wanted) == 0)
			return &arguments[i];
	if (strcmp(audience_condition.name, wanted) == 0)
		return &audience_condition;
	if (strncmp(wanted, DIMENSION, strlen(DIMENSION)) == 0)
	{
		Argument   *dimension = palloc(sizeof(Argument));

		dimension->name = psprintf("dimension \"%s\"", wanted + strlen(DIMENSION));
		dimension->kind = ARGUMENT_SEGMENT;
		return dimension;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("create_map has no expression called \"%s\"", wanted)));
}

/* A place in the expression is no place in the statement that it came with. */
static void
expression_context(void *arg)
{
	const ExpressionText *expression = arg;
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery(expression->text);
	}
	errcontext("argument %s of the map", expression->argument->name);
}

/* The one expression that a text is. */
static Node *
read_expression(const ExpressionText *expression)
{
	List	   *parsed = raw_parser(expression->text, RAW_PARSE_PLPGSQL_EXPR);
	SelectStmt *select = NULL;
	ResTarget  *target = NULL;

	if (list_length(parsed) == 1 && IsA(linitial_node(RawStmt, parsed)->stmt, SelectStmt))
		select = (SelectStmt *) linitial_node(RawStmt, parsed)->stmt;
	if (select != NULL && select->op == SETOP_NONE && list_length(select->targetList) == 1)
		target = linitial_node(ResTarget, select->targetList);
	if (target == NULL || target->name != NULL || target->indirection != NIL ||
		select->distinctClause != NIL || select->intoClause != NULL || select->fromClause != NIL ||
		select->whereClause != NULL || select->groupClause != NIL || select->havingClause != NULL ||
		select->windowClause != NIL || select->valuesLists != NIL || select->sortClause != NIL ||
		select->limitOffset != NULL || select->limitCount != NULL || select->lockingClause != NIL ||
		select->withClause != NULL ||
		(IsA(target->val, ColumnRef) && IsA(llast(((ColumnRef *) target->val)->fields), A_Star)) ||
		(IsA(target->val, A_Indirection) && IsA(llast(((A_Indirection *) target->val)->indirection), A_Star)))
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("%s is not one expression: %s", expression->argument->name, expression->text),
				 errhint("Give a column or an expression over the columns of a row, without FROM, WHERE or a name.")));
	return target->val;
}

static bool
find_subqueries(Node *node, SubqueryFinding *found)
{
	if (node == NULL)
		return false;
	if (IsA(node, SubLink))
	{
		found->count++;
		found->scalar &= ((SubLink *) node)->subLinkType == EXPR_SUBLINK;
	}
	/* What is in a subquery is its own affair, except for locks. */
	if (IsA(node, Query))
	{
		SubqueryFinding inside = {0, true, false};

		found->locks |= ((Query *) node)->rowMarks != NIL;
		query_tree_walker((Query *) node, find_subqueries, &inside, 0);
		found->locks |= inside.locks;
		return false;
	}
	return expression_tree_walker(node, find_subqueries, found);
}

/* Refuses what would not stay as long as the map does. */
static void
check_lasting(const ExpressionText *expression, Node *node)
{
	char	   *part = temporary_part(node);

	if (part != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s must not use what is temporary: %s", expression->argument->name, expression->text),
				 errdetail("It uses %s.", part),
				 errhint("A map stays, so what it reads has to.")));
}

/* Refuses what would not be a value of a row by itself. */
static void
check_expression(const ExpressionText *expression, ParseState *pstate, Node *node)
{
	const char *name = expression->argument->name;
	SubqueryFinding found = {0, true, false};
	const char *what = NULL;

	if (pstate->p_hasAggs)
		what = "an aggregate";
	else if (pstate->p_hasWindowFuncs)
		what = "a window function";
	else if (pstate->p_hasTargetSRFs)
		what = "a function that returns a set";
	if (what != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s must not contain %s: %s", name, what, expression->text),
				 expression->argument == &audience_condition ? errhint("It is asked of each customer by itself.") :
				 errhint("It is asked of each row of the source by itself.")));
	if (contain_volatile_functions(node))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s must not contain a volatile function: %s", name, expression->text),
				 expression->argument == &audience_condition ? errhint("The same customer has to meet it, or not, each time it is asked.") :
				 errhint("The same row has to be the same touchpoint each time it is read.")));
	find_subqueries(node, &found);
	if (found.count > 0 && expression->argument->kind != ARGUMENT_SEGMENT)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s must not contain a subquery: %s", name, expression->text),
				 expression->argument == &audience_condition ? errhint("Make what it looks up a dimension of the map.") :
				 errhint("Make a view that joins what belongs together, and a map over the view.")));
	if (found.count > 1 || !found.scalar || found.locks)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s may contain one scalar subquery that locks nothing: %s", name, expression->text)));
}

static void
wrong_type(const ExpressionText *expression, Oid type, const char *wanted, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("%s is of type %s, but has to be %s: %s",
					expression->argument->name, format_type_be(type), wanted, expression->text),
			 errhint("%s", hint)));
}

static Node *
cast_to(ParseState *pstate, Node *node, Oid type)
{
	Node	   *cast = coerce_to_target_type(pstate, node, exprType(node), type, -1,
											 COERCION_EXPLICIT, COERCE_EXPLICIT_CAST, -1);

	if (cast == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CANNOT_COERCE),
				 errmsg("cannot cast type %s to %s", format_type_be(exprType(node)), format_type_be(type))));
	return cast;
}

/*
 * Converts an expression to what its argument has to be.  Sets in_zone where it
 * is a local time, which the caller has to put into the map's time zone.
 */
static Node *
convert_expression(const ExpressionText *expression, ParseState *pstate, Node *node, bool *in_zone)
{
	Oid			type = exprType(node);
	Oid			base = getBaseType(type);
	TYPCATEGORY category = TypeCategory(type);

	switch (expression->argument->kind)
	{
		case ARGUMENT_KEY:
			if (type == UNKNOWNOID)
				return cast_to(pstate, node, TEXTOID);
			if (IsA(node, Var) && ((Var *) node)->varattno == InvalidAttrNumber)
				ereport(ERROR,
						(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						 errmsg("%s is a whole row: %s", expression->argument->name, expression->text),
						 errhint("Give the column that says whose event a row is.")));
			if (type == RECORDOID)
				ereport(ERROR,
						(errcode(ERRCODE_DATATYPE_MISMATCH),
						 errmsg("%s is a row of values, but has to be one value: %s", expression->argument->name, expression->text),
						 errhint("Make an array of them, such as ARRAY[shop::text, id::text], or a text, such as shop || ':' || id.")));
			if (!OidIsValid(lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr))
				wrong_type(expression, type, "of a type with an equality operator", "Cast it to text, or take a part of it.");
			return node;

		case ARGUMENT_TIME:
			if (base == TIMESTAMPTZOID)
				return type == base ? node : cast_to(pstate, node, TIMESTAMPTZOID);
			if (base == TIMESTAMPOID || base == DATEOID)
			{
				*in_zone = true;
				return type == TIMESTAMPOID ? node : cast_to(pstate, node, TIMESTAMPOID);
			}
			if (base == INT4OID || base == INT8OID || base == FLOAT8OID || base == NUMERICOID)
				wrong_type(expression, type, "a timestamp or a date",
						   "Seconds since 1970 are to_timestamp(n), milliseconds to_timestamp(n / 1000.0), microseconds to_timestamp(n / 1000000.0).");
			wrong_type(expression, type, "a timestamp or a date", "Cast it to timestamp, which is in the time zone of the map, or to timestamptz if it has an offset from UTC.");
			break;

		case ARGUMENT_LABEL:
			if (base == TEXTOID && type == base)
				return node;
			if (type != UNKNOWNOID && category != TYPCATEGORY_STRING && category != TYPCATEGORY_ENUM)
				wrong_type(expression, type, "text or an enum", "Cast it to text.");
			return cast_to(pstate, node, TEXTOID);

		case ARGUMENT_NUMBER:
			if (base == FLOAT8OID && type == base)
				return node;
			if (base != INT2OID && base != INT4OID && base != INT8OID && base != NUMERICOID && base != FLOAT4OID &&
				base != FLOAT8OID)
				wrong_type(expression, type, "a number", "Cast it to numeric or double precision.");
			return cast_to(pstate, node, FLOAT8OID);

		case ARGUMENT_SEGMENT:
		case ARGUMENT_TEXT:
			return base == TEXTOID && type == base ? node : cast_to(pstate, node, TEXTOID);

		case ARGUMENT_CONDITION:
			if (type != UNKNOWNOID && base != BOOLOID)
				wrong_type(expression, type, "boolean", "Write a condition that a row fulfils or not.");
			return type == BOOLOID ? node : cast_to(pstate, node, BOOLOID);

		case ARGUMENT_SEQUENCE:
			if (base != INT2OID && base != INT4OID && base != INT8OID)
				wrong_type(expression, type, "a whole number", "Cast it to bigint.");
			return type == INT8OID ? node : cast_to(pstate, node, INT8OID);
	}
	pg_unreachable();
}

/* An analyzed expression; a constant time without its zone is one of the map's. */
static Node *
analyze_expression(const ExpressionText *expression, ParseState *pstate, const char *time_zone)
{
	int			nest = NewGUCNestLevel();
	Node	   *node;

	set_for_now("TimeZone", time_zone);
	node = transformExpr(pstate, read_expression(expression), EXPR_KIND_SELECT_TARGET);
	AtEOXact_GUC(true, nest);
	return node;
}

/* What a printed expression over the rows of a relation is, as it is read under the settings that it was printed under. */
Node *
read_row_expression(Relation source, const char *text)
{
	static const Argument printed = {"expression", ARGUMENT_SEGMENT};
	ExpressionText expression = {&printed, text};
	ParseState *pstate = make_parsestate(NULL);
	Node	   *node;

	pstate->p_sourcetext = text;
	addNSItemToQuery(pstate, addRangeTableEntryForRelation(pstate, source, AccessShareLock, NULL, false, true),
					 true, true, true);
	node = transformExpr(pstate, read_expression(&expression), EXPR_KIND_SELECT_TARGET);
	assign_expr_collations(pstate, node);
	free_parsestate(pstate);
	return node;
}

/* Has the user a right to read any column of a relation?  It is not opened for that. */
bool
is_readable(Oid relation)
{
	return pg_class_aclcheck(relation, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
		pg_attribute_aclcheck_all(relation, GetUserId(), ACL_SELECT, ACLMASK_ANY) == ACLCHECK_OK;
}

/*
 * Is there such a relation?  An error for who may read no column of it: who has no right to it neither waits for a lock on it nor
 * holds one.
 */
static bool
may_be_read(Oid relation)
{
	char	   *name = get_rel_name(relation);

	if (name == NULL)
		return false;
	if (!is_readable(relation))
		aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(get_rel_relkind(relation)), name);
	return true;
}

/* map_expression(source, expression, argument, time_zone): the expression, checked, converted and printed. */
Datum
map_expression(PG_FUNCTION_ARGS)
{
	Oid			relation = PG_GETARG_OID(0);
	ExpressionText expression = {find_argument(PG_GETARG_TEXT_PP(2)), text_to_cstring(PG_GETARG_TEXT_PP(1))};
	ErrorContextCallback context = {error_context_stack, expression_context, &expression};
	ParseState *pstate = make_parsestate(NULL);
	char	   *time_zone = text_to_cstring(PG_GETARG_TEXT_PP(3));
	Relation	source;
	Node	   *node;
	char	   *printed;
	bool		in_zone = false;

	check_zone_name(time_zone);
	source = may_be_read(relation) ? try_relation_open(relation, AccessShareLock) : NULL;
	if (source == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("there is no relation with the OID %u", relation)));
	if (strchr("rpfvm", source->rd_rel->relkind) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is no table or view", RelationGetRelationName(source)),
				 errhint("The source of a map is a table, a partitioned or foreign table, a view or a materialized view.")));

	error_context_stack = &context;
	pstate->p_sourcetext = expression.text;
	addNSItemToQuery(pstate, addRangeTableEntryForRelation(pstate, source, AccessShareLock, NULL, false, true),
					 true, true, true);
	node = analyze_expression(&expression, pstate, time_zone);
	check_expression(&expression, pstate, node);
	node = convert_expression(&expression, pstate, node, &in_zone);
	check_lasting(&expression, node);
	node = bind_to_zone(node, time_zone, expression.argument->name, expression.text);
	assign_expr_collations(pstate, node);
	printed = print_expression(RelationGetRelationName(source), relation, node, false);
	if (in_zone)
		printed = psprintf("(%s) AT TIME ZONE %s", printed, quote_literal_cstr(time_zone));
	error_context_stack = context.previous;

	relation_close(source, NoLock);
	free_parsestate(pstate);
	PG_RETURN_TEXT_P(cstring_to_text(printed));
}

/*
 * What is given to map_in_sequence, if an expression is a call of it: the time, and
 * sets sequence; else the expression as it is.
 */
static Node *
without_sequence(Node *at, Node **sequence)
{
	FuncExpr   *call = (FuncExpr *) at;

	*sequence = NULL;
	if (at == NULL || !IsA(at, FuncExpr) || list_length(call->args) != 2 ||
		get_func_namespace(call->funcid) != get_namespace_oid("cjm_internal", false) ||
		strcmp(get_func_name(call->funcid), "map_in_sequence") != 0)
		return at;
	*sequence = lsecond(call->args);
	return linitial(call->args);
}

/* What a view selects as a column of that name, or NULL. */
static Node *
find_target(Query *query, const char *name)
{
	ListCell   *cell;

	foreach(cell, query->targetList)
	{
		TargetEntry *target = lfirst_node(TargetEntry, cell);

		if (!target->resjunk && strcmp(target->resname, name) == 0)
			return (Node *) target->expr;
	}
	return NULL;
}

/* The expressions of the arguments above, and after them those of the dimensions; NULL in the list for what is not there. */
static List *
view_expressions(Query *query)
{
	List	   *found = NIL;
	Node	   *sequence = NULL;
	Node	   *dimensions = find_target(query, "dimensions");

	for (int i = 0; i < EVENT_ARGUMENTS; i++)
	{
		Node	   *node = find_target(query, arguments[i].name);

		if (arguments[i].kind == ARGUMENT_CONDITION)
			node = query->jointree->quals;
		else if (arguments[i].kind == ARGUMENT_TIME)
			node = without_sequence(node, &sequence);
		else if (arguments[i].kind == ARGUMENT_SEQUENCE)
			node = sequence;
		found = lappend(found, node);
	}
	if (dimensions != NULL && IsA(dimensions, ArrayExpr))
		found = list_concat(found, ((ArrayExpr *) dimensions)->elements);
	return found;
}

/*
 * map_expressions(view): the expressions of the view "events" of a map, in the
 * order of the arguments above and printed as map_expression does, NULL for what
 * is not there; and after them the dimensions.  NULL for a view of another form.
 */
Datum
map_expressions(PG_FUNCTION_ARGS)
{
	Relation	view;
	Relation	source;
	Query	   *query = NULL;
	RangeTblRef *from = NULL;
	List	   *found;
	ListCell   *cell;
	Datum	   *printed;
	bool	   *nulls;
	int			count = 0;
	int			lower = 1;

	view = may_be_read(PG_GETARG_OID(0)) ? try_relation_open(PG_GETARG_OID(0), AccessShareLock) : NULL;
	if (view == NULL)
		PG_RETURN_NULL();
	if (view->rd_rel->relkind == RELKIND_VIEW)
	{
		query = copyObject(get_view_query(view));
		if (list_length(query->jointree->fromlist) == 1 && IsA(linitial(query->jointree->fromlist), RangeTblRef))
			from = linitial_node(RangeTblRef, query->jointree->fromlist);
	}
	relation_close(view, AccessShareLock);
	if (from == NULL || rt_fetch(from->rtindex, query->rtable)->rtekind != RTE_RELATION)
		PG_RETURN_NULL();

	source = relation_open(rt_fetch(from->rtindex, query->rtable)->relid, AccessShareLock);
	found = view_expressions(query);
	printed = palloc(list_length(found) * sizeof(Datum));
	nulls = palloc(list_length(found) * sizeof(bool));
	foreach(cell, found)
	{
		Node	   *node = lfirst(cell);

		nulls[count] = node == NULL;
		if (node != NULL)
		{
			/* Printing knows one relation, the first; that of a view's query comes after others. */
			ChangeVarNodes(node, from->rtindex, 1, 0);
			printed[count] = CStringGetTextDatum(print_expression(RelationGetRelationName(source), RelationGetRelid(source), node, false));
		}
		count++;
	}
	relation_close(source, AccessShareLock);
	PG_RETURN_ARRAYTYPE_P(construct_md_array(printed, nulls, 1, &count, &lower, TEXTOID, -1, false, TYPALIGN_INT));
}
