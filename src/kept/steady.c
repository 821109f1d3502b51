/*
 * kept/steady.c: may what was asked of kept journeys be remembered until a journey
 * changes?  view_is(view, query): does a view of a map say what cjm would have it
 * say now; condition_is_steady(query, columns): is a condition over the view
 * "customers" the same for as long as the customer's journey is.
 *
 * Queries are read, as whoever makes a view of them would have them read, and never
 * run.
 */
#include "kept/source.h"

#include "catalog/pg_type.h"
#include "map/definition.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/analyze.h"
#include "parser/parser.h"
#include "parser/parsetree.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"

PG_FUNCTION_INFO_V1(view_is);
PG_FUNCTION_INFO_V1(condition_is_steady);

/* What a text says, if that is one SELECT; else NULL. */
static Query *
read_query(text *query)
{
	char	   *written = text_to_cstring(query);
	List	   *statements = raw_parser(written, RAW_PARSE_DEFAULT);
	Query	   *read;

	if (list_length(statements) != 1)
		return NULL;
	read = parse_analyze_fixedparams(linitial_node(RawStmt, statements), written, NULL, 0, NULL);
	return read->commandType == CMD_SELECT ? read : NULL;
}

/* Columns are printed with what they are of where a query reads from more than one thing; what is stored has more before 16. */
static char *
print_query(Query *query)
{
	RangeTblEntry *nothing = makeNode(RangeTblEntry);

	nothing->rtekind = RTE_RESULT;
	nothing->eref = makeAlias("nothing", NIL);
	query->rtable = lappend(query->rtable, nothing);
	return pg_get_querydef(query, false);
}

/* view_is(view, query): both are printed, since in what is stored places and numbers differ. */
Datum
view_is(PG_FUNCTION_ARGS)
{
	Query	   *view = read_view_query(PG_GETARG_OID(0));
	Query	   *query = read_query(PG_GETARG_TEXT_PP(1));

	PG_RETURN_BOOL(view != NULL && query != NULL && strcmp(print_query(view), print_query(query)) == 0);
}

typedef struct ColumnCheck
{
	Oid			relation;
	ArrayType  *columns;		/* those that may be asked for */
} ColumnCheck;

static bool
is_among(const char *name, ArrayType *columns)
{
	Datum	   *names;
	int			count;

	deconstruct_array(columns, TEXTOID, -1, false, TYPALIGN_INT, &names, NULL, &count);
	for (int i = 0; i < count; i++)
		if (strcmp(TextDatumGetCString(names[i]), name) == 0)
			return true;
	return false;
}

/* True at a column that may not be asked for. */
static bool
find_other_column(Node *node, ColumnCheck *check)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
		return ((Var *) node)->varattno <= 0 || !is_among(get_attname(check->relation, ((Var *) node)->varattno, false), check->columns);
	return expression_tree_walker(node, find_other_column, check);
}

/* condition_is_steady(query, columns): query selects from one view where the condition holds. */
Datum
condition_is_steady(PG_FUNCTION_ARGS)
{
	Query	   *query = read_query(PG_GETARG_TEXT_PP(0));
	ColumnCheck check = {.columns = PG_GETARG_ARRAYTYPE_P(1)};

	if (query == NULL || list_length(query->rtable) != 1 || rt_fetch(1, query->rtable)->rtekind != RTE_RELATION || query->jointree->quals == NULL)
		PG_RETURN_BOOL(false);
	check.relation = rt_fetch(1, query->rtable)->relid;
	PG_RETURN_BOOL(kept_is_steady(query->jointree->quals) && !find_other_column(query->jointree->quals, &check));
}
