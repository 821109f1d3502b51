/*
 * map/definition.c: reads the definition of a map: map_definition(view).
 *
 * The definition is the view NAME.map: one row of constants.  It is taken from
 * the view's parse tree, never by running the view: a view that only looks like
 * a map can do no harm to who lists the maps, and a right to select is not
 * needed.  What is not of that form is no map, and has no row.
 *
 * map_nearest(name, names) is for messages: what somebody may have meant.
 */
#include "base/glue.h"

#include "access/relation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "nodes/parsenodes.h"
#include "nodes/primnodes.h"
#include "rewrite/rewriteHandler.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"
#include "utils/varlena.h"

PG_FUNCTION_INFO_V1(map_definition);
PG_FUNCTION_INFO_V1(map_nearest);

/* The columns that every map has; those after them came later, and where a map does not have them they are NULL. */
#define FIRST_COLUMNS 14

/* varstr_levenshtein takes no more. */
#define NEAREST_MAX_BYTES 255

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
	Relation	view;

	start_rows(fcinfo);
	view = try_relation_open(PG_GETARG_OID(0), AccessShareLock);
	if (view == NULL)
		return (Datum) 0;
	if (view->rd_rel->relkind == RELKIND_VIEW)
	{
		TupleDesc	columns = result->setDesc;
		Query	   *query = get_view_query(view);
		Datum	   *values = palloc(columns->natts * sizeof(Datum));
		bool	   *nulls = palloc(columns->natts * sizeof(bool));
		int			i = 0;

		while (i < columns->natts && find_constant(query, TupleDescAttr(columns, i), &values[i], &nulls[i]))
			i++;
		if (i == columns->natts && query->jointree->fromlist == NIL)
			tuplestore_putvalues(result->setResult, columns, values, nulls);
	}
	relation_close(view, AccessShareLock);
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
