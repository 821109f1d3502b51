/*
 * map/of_customer.c: a property that is looked up by the key of the customer:
 * map_of_customer(source, customer, expression).
 *
 * A map's dimension may have a subquery, as (SELECT c.country FROM customers c WHERE
 * c.id = user_id).  The rows of a customer all have the same answer where nothing of
 * the row is asked for but its customer, and then it is asked for once a customer,
 * after the rows are grouped, and not for each row.
 *
 * What the map has as its customer is looked for in the expression, at any depth of
 * it, and gives way to the column "customer" of the grouped rows.  If a column of
 * the source is left, the answer depends on the row.  So it does where equal keys may
 * differ, as 1.0 and 1.00 do, since a group has one of them.
 */
#include "base/glue.h"

#include "access/nbtree.h"
#include "access/relation.h"
#include "catalog/namespace.h"
#include "map/expression.h"
#include "map/printing.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(map_of_customer);

/* By which the view "journeys" calls the rows that it groups. */
#define ROWS "e"

typedef struct Search
{
	Node	   *customer;		/* over the source, number 1 */
	AttrNumber	column;			/* that stands for it */
	int			depth;			/* subqueries above */
	bool		subquery;		/* there is one */
	bool		row;			/* something else of the row is asked for */
} Search;

static Node *
replace_customer(Node *node, Search *search)
{
	Node	   *customer;

	if (node == NULL)
		return NULL;
	if (IsA(node, Query))
	{
		search->depth++;
		node = (Node *) query_tree_mutator((Query *) node, replace_customer, search, 0);
		search->depth--;
		return node;
	}
	search->subquery |= IsA(node, SubLink);
	customer = copyObject(search->customer);
	IncrementVarSublevelsUp(customer, search->depth, 0);
	if (equal(node, customer))
		return (Node *) makeVar(1, search->column, exprType(customer), exprTypmod(customer), exprCollation(customer), search->depth);
	search->row |= IsA(node, Var) && ((Var *) node)->varlevelsup == (Index) search->depth;
	return expression_tree_mutator(node, replace_customer, search);
}

/* Are equal values of an expression the same in all that can be asked of them?  What indexes go by when they keep one of several. */
static bool
equal_is_same(Node *node)
{
	TypeCacheEntry *type = lookup_type_cache(exprType(node), TYPECACHE_BTREE_OPFAMILY);
	Oid			function = OidIsValid(type->btree_opf) ? get_opfamily_proc(type->btree_opf, type->btree_opintype, type->btree_opintype, BTEQUALIMAGE_PROC) : InvalidOid;

	return OidIsValid(function) && DatumGetBool(OidFunctionCall1Coll(function, exprCollation(node), ObjectIdGetDatum(type->btree_opintype)));
}

/*
 * map_of_customer(source, customer, expression): the expression over a row "e" that
 * has the customer as its column; NULL if it has no subquery, if something else of a
 * row of the source is asked for, or for who may not read the source.  All texts are
 * as map_expression prints them.
 */
Datum
map_of_customer(PG_FUNCTION_ARGS)
{
	Oid			columns = get_relname_relid("map", get_namespace_oid("cjm_internal", false));
	Search		search = {.column = get_attnum(columns, "customer")};
	int			nest;
	Relation	source;
	Node	   *node;

	source = get_rel_name(PG_GETARG_OID(0)) != NULL && is_readable(PG_GETARG_OID(0)) ? try_relation_open(PG_GETARG_OID(0), AccessShareLock) : NULL;
	if (source == NULL)
		PG_RETURN_NULL();
	nest = NewGUCNestLevel();
	set_for_printing();
	search.customer = read_row_expression(source, text_to_cstring(PG_GETARG_TEXT_PP(1)));
	node = read_row_expression(source, text_to_cstring(PG_GETARG_TEXT_PP(2)));
	AtEOXact_GUC(true, nest);
	relation_close(source, NoLock);
	node = replace_customer(node, &search);
	if (!search.subquery || search.row || !equal_is_same(search.customer))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(print_expression(ROWS, columns, node, true)));
}
