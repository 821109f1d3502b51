/*
 * map/definition.c: reads the definition of a map: map_definition(view).
 *
 * The definition is the view NAME.map: one row of constants.  It is taken from
 * the view's parse tree, never by running the view: a view that only looks like
 * a map can do no harm to who lists the maps, and a right to select is not
 * needed.  What is not of that form is no map, and has no row.
 *
 * The parse tree is that of the catalog, read without opening the view: nobody
 * waits for a lock on a view that may be somebody else's, and a view that is
 * being replaced is what it was before.
 *
 * map_nearest(name, names) is for messages: what somebody may have meant.
 */
#include "map/definition.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "nodes/primnodes.h"
#include "rewrite/rewriteSupport.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"
#include "utils/varlena.h"

PG_FUNCTION_INFO_V1(map_definition);
PG_FUNCTION_INFO_V1(map_nearest);

/* The columns that every map has; those after them came later, and where a map does not have them they are NULL. */
#define FIRST_COLUMNS 14

/* varstr_levenshtein takes no more. */
#define NEAREST_MAX_BYTES 255

/* What a view selects, palloc'd; NULL if it is no view, or is gone by now.  Takes no lock. */
Query *
read_view_query(Oid view)
{
	HeapTuple	rule;
	List	   *actions;

	if (get_rel_relkind(view) != RELKIND_VIEW)
		return NULL;
	rule = SearchSysCache2(RULERELNAME, ObjectIdGetDatum(view), PointerGetDatum(ViewSelectRuleName));
	if (!HeapTupleIsValid(rule))
		return NULL;
	actions = (List *) stringToNode(TextDatumGetCString(SysCacheGetAttrNotNull(RULERELNAME, rule, Anum_pg_rewrite_ev_action)));
	ReleaseSysCache(rule);
	return linitial_node(Query, actions);
}

/* The value of a column in a query of constants; false if it has none of the right type. */
static bool
find_constant(Query *query, Form_pg_attribute column, Datum *value, bool *isnull)
{
	ListCell   *cell;

	foreach(cell, query->targetList)
	{
		TargetEntry *target = lfirst_node(TargetEntry, cell);
		Const	   *constant = (Const *) target->expr;

		if (target->resjunk || target->resname == NULL || strcmp(target->resname, NameStr(column->attname)) != 0)
			continue;
		if (!IsA(constant, Const) || constant->consttype != column->atttypid)
			return false;
		*value = constant->constvalue;
		*isnull = constant->constisnull;
		return true;
	}
	*value = (Datum) 0;
	*isnull = true;
	return column->attnum > FIRST_COLUMNS;
}

/* map_definition(view): the row that a map's view of constants holds; no row if it is none. */
Datum
map_definition(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Query	   *query = read_view_query(PG_GETARG_OID(0));

	start_rows(fcinfo);
	if (query != NULL && query->jointree->fromlist == NIL)
	{
		TupleDesc	columns = result->setDesc;
		Datum	   *values = palloc(columns->natts * sizeof(Datum));
		bool	   *nulls = palloc(columns->natts * sizeof(bool));
		int			i = 0;

		while (i < columns->natts && find_constant(query, TupleDescAttr(columns, i), &values[i], &nulls[i]))
			i++;
		if (i == columns->natts)
			tuplestore_putvalues(result->setResult, columns, values, nulls);
	}
	return (Datum) 0;
}

/*
 * map_nearest(name, names): the name that takes the fewest changes of characters
 * to become the one asked for, if they are few; else NULL.
 */
Datum
map_nearest(PG_FUNCTION_ARGS)
{
	text	   *wanted = PG_GETARG_TEXT_PP(0);
	Datum	   *names;
	bool	   *nulls;
	int			count;
	text	   *nearest = NULL;
	int			best;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &names, &nulls, &count);
	if (VARSIZE_ANY_EXHDR(wanted) > NEAREST_MAX_BYTES)
		PG_RETURN_NULL();
	/* A third of it may be wrong, and in a short name two characters. */
	best = Max(2, (int) VARSIZE_ANY_EXHDR(wanted) / 3) + 1;
	for (int i = 0; i < count; i++)
	{
		text	   *name;
		int			distance;

		CHECK_FOR_INTERRUPTS();
		if (nulls[i])
			continue;
		name = DatumGetTextPP(names[i]);
		if (VARSIZE_ANY_EXHDR(name) > NEAREST_MAX_BYTES)
			continue;
		distance = varstr_levenshtein_less_equal(VARDATA_ANY(wanted), VARSIZE_ANY_EXHDR(wanted),
												 VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name), 1, 1, 1, best, true);
		if (distance < best)
		{
			best = distance;
			nearest = name;
		}
	}
	if (nearest == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(nearest);
}
