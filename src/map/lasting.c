/*
 * map/lasting.c: whether an expression is made of what stays.
 *
 * A view over something temporary is gone, or is made temporary, when the session
 * ends; a map would lose its views then.
 */
#include "map/lasting.h"

#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* Notes an object that is in the schema of temporary ones; true, which ends the walk, if it is. */
static bool
is_temporary(ObjectAddress *found, Oid class, Oid object)
{
	ObjectAddress address = {class, object, 0};
	Oid			schema;

	/* What a constant names may not exist. */
	if (!OidIsValid(object))
		return false;
	if (class == RelationRelationId)
		schema = get_rel_namespace(object);
	else if (class == ProcedureRelationId)
		schema = get_func_namespace(object);
	else if (class == TypeRelationId && !SearchSysCacheExists1(TYPEOID, ObjectIdGetDatum(object)))
		return false;
	else
		schema = get_object_namespace(&address);
	if (!OidIsValid(schema) || !isAnyTempNamespace(schema))
		return false;
	*found = address;
	return true;
}

static bool
function_is_temporary(Oid function, void *found)
{
	return is_temporary(found, ProcedureRelationId, function);
}

static bool
find_temporary(Node *node, ObjectAddress *found)
{
	Oid			operator = InvalidOid;

	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, find_temporary, found, QTW_EXAMINE_RTES_BEFORE);
	if (IsA(node, RangeTblEntry))
	{
		RangeTblEntry *entry = (RangeTblEntry *) node;

		return entry->rtekind == RTE_RELATION && is_temporary(found, RelationRelationId, entry->relid);
	}
	if (IsA(node, OpExpr) || IsA(node, DistinctExpr) || IsA(node, NullIfExpr))
		operator = ((OpExpr *) node)->opno;
	else if (IsA(node, ScalarArrayOpExpr))
		operator = ((ScalarArrayOpExpr *) node)->opno;
	if (is_temporary(found, OperatorRelationId, operator) ||
		check_functions_in_node(node, function_is_temporary, found))
		return true;
	if (IsA(node, CollateExpr) && is_temporary(found, CollationRelationId, ((CollateExpr *) node)->collOid))
		return true;
	if (IsA(node, Const) && !((Const *) node)->constisnull)
	{
		Const	   *constant = (Const *) node;

		if (constant->consttype == REGCLASSOID &&
			is_temporary(found, RelationRelationId, DatumGetObjectId(constant->constvalue)))
			return true;
		if (constant->consttype == REGTYPEOID && is_temporary(found, TypeRelationId, DatumGetObjectId(constant->constvalue)))
			return true;
		if ((constant->consttype == REGPROCOID || constant->consttype == REGPROCEDUREOID) &&
			is_temporary(found, ProcedureRelationId, DatumGetObjectId(constant->constvalue)))
			return true;
	}
	switch (nodeTag(node))
	{
		case T_Var:
		case T_Const:
		case T_FuncExpr:
		case T_RelabelType:
		case T_CoerceViaIO:
		case T_ArrayCoerceExpr:
		case T_ConvertRowtypeExpr:
		case T_CoerceToDomain:
		case T_RowExpr:
		case T_ArrayExpr:
			if (is_temporary(found, TypeRelationId, exprType(node)))
				return true;
			break;
		default:
			break;
	}
	return expression_tree_walker(node, find_temporary, found);
}

/* What an analyzed expression uses that is temporary, as PostgreSQL describes it; NULL if nothing. */
char *
temporary_part(Node *node)
{
	ObjectAddress found = {InvalidOid, InvalidOid, 0};

	if (!find_temporary(node, &found))
		return NULL;
	return getObjectDescription(&found, false);
}
