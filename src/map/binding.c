/*
 * map/binding.c: an expression made to mean the same under every reader's settings.
 *
 * Much of what PostgreSQL does with times, and every text of a time or of a
 * float, depends on TimeZone, DateStyle, IntervalStyle, extra_float_digits or
 * bytea_output of the session that asks.  In the expressions of a map each such
 * thing is replaced by one that does not: by PostgreSQL's own function for a local
 * time in the map's zone where there is one, by one of map/fixed.c elsewhere.
 * What has no such twin is refused: of PostgreSQL's functions that are not
 * immutable all that are not known here to ask no setting.
 *
 * To bind what is bound already changes nothing.  Functions that are not
 * PostgreSQL's are taken as they are, and so is what asks who reads, or a setting
 * by its name: whoever writes that means it.
 */
#include "map/binding_internal.h"

#include "access/transam.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "map/fixed.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parse_coerce.h"
#include "parser/parse_func.h"
#include "parser/parse_oper.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

/*
 * Calls
 */

static Node *
text_constant(const char *text)
{
	return (Node *) makeConst(TEXTOID, -1, DEFAULT_COLLATION_OID, -1, CStringGetTextDatum(text), false, false);
}

static Node *
call(Oid function, Oid type, List *arguments, CoercionForm form)
{
	return (Node *) makeFuncExpr(function, type, arguments, get_typcollation(type), DEFAULT_COLLATION_OID, form);
}

/* A call of one of map/fixed.c, the last argument of which that is written is the zone. */
static Node *
call_ours(const char *name, Oid type, List *arguments, int count, const Oid *declared)
{
	Oid			function = LookupFuncName(list_make2(makeString("cjm_internal"), makeString(pstrdup(name))), count, declared, false);

	return call(function, type, arguments, COERCE_EXPLICIT_CALL);
}

static Node *
fixed(Binding *binding, const char *name, Oid type, Node *value)
{
	static const Oid declared[] = {ANYELEMENTOID, TEXTOID};

	binding_refuse_strange(binding, exprType(value));
	return call_ours(name, type, list_make2(value, text_constant(binding->time_zone)), 2, declared);
}

static Node *
text_of(Binding *binding, Node *value)
{
	return fixed(binding, "map_text", TEXTOID, value);
}

/* timestamptz AT TIME ZONE the map's, a timestamp. */
static Node *
local_time(Binding *binding, Node *at)
{
	return call(F_TIMEZONE_TEXT_TIMESTAMPTZ, TIMESTAMPOID, list_make2(text_constant(binding->time_zone), at), COERCE_SQL_SYNTAX);
}

/* The other way round, of a timestamp or a date. */
static Node *
global_time(Binding *binding, Node *local)
{
	if (exprType(local) == DATEOID)
		local = call(F_TIMESTAMP_DATE, TIMESTAMPOID, list_make1(local), COERCE_EXPLICIT_CAST);
	return call(F_TIMEZONE_TEXT_TIMESTAMP, TIMESTAMPTZOID, list_make2(text_constant(binding->time_zone), local), COERCE_SQL_SYNTAX);
}

static Node *
local_now(Binding *binding)
{
	return local_time(binding, call(F_NOW, TIMESTAMPTZOID, NIL, COERCE_EXPLICIT_CALL));
}

static Node *
date_of(Node *local)
{
	return call(F_DATE_TIMESTAMP, DATEOID, list_make1(local), COERCE_EXPLICIT_CAST);
}

/* A time and an interval; one without months and days is the same everywhere. */
static Node *
shifted(Binding *binding, Node *at, Node *by, bool back)
{
	static const Oid declared[] = {TIMESTAMPTZOID, INTERVALOID, TEXTOID};
	Const	   *constant = (Const *) by;

	if (IsA(by, Const))
	{
		Interval   *span = constant->constisnull ? NULL : DatumGetIntervalP(constant->constvalue);

		if (span == NULL || (span->month == 0 && span->day == 0))
			return NULL;
	}
	if (back)
		by = call(F_INTERVAL_UM, INTERVALOID, list_make1(by), COERCE_EXPLICIT_CALL);
	return call_ours("map_shift", TIMESTAMPTZOID, list_make3(at, by, text_constant(binding->time_zone)), 3, declared);
}

/*
 * Functions and operators whose arguments are bound already: what stands for
 * them, or NULL where they may stay.
 */

/* date_part and extract. */
static Node *
bound_part(Binding *binding, FuncExpr *node, Oid local_function)
{
	char	   *word = binding_known_word(linitial(node->args));

	if (word == NULL)
		binding_refuse(binding, "a part of a timestamptz whose name is not written there");
	if (strcmp(word, "epoch") == 0)
		return NULL;
	if (strncmp(word, "timezone", strlen("timezone")) == 0)
		binding_refuse(binding, "the offset of a timestamptz");
	return call(local_function, node->funcresulttype, list_make2(linitial(node->args), local_time(binding, lsecond(node->args))),
				node->funcformat);
}

static Node *
bound_format(Binding *binding, FuncExpr *node)
{
	char	   *word = binding_known_format(lsecond(node->args));

	if (word != NULL && (strstr(word, "tz") != NULL || strstr(word, "of") != NULL))
		binding_refuse(binding, "to_char with the offset or the name of a time zone");
	return call(F_TO_CHAR_TIMESTAMP_TEXT, TEXTOID, list_make2(local_time(binding, linitial(node->args)), lsecond(node->args)),
				COERCE_EXPLICIT_CALL);
}

/* What takes values of any type, to make a text or JSON of them. */
static Node *
bound_of_any(Binding *binding, FuncExpr *node)
{
	Oid		   *declared;
	int			count;
	bool		any = false;
	bool		depends = false;
	int			i = 0;
	ListCell   *cell;

	if (node->funcid >= FirstGenbkiObjectId || func_volatile(node->funcid) != PROVOLATILE_STABLE)
		return NULL;
	get_func_signature(node->funcid, &declared, &count);
	foreach(cell, node->args)
	{
		Oid			type = declared[Min(i, count - 1)];

		if (type == ANYOID || type == RECORDOID || IsPolymorphicType(type))
		{
			any = true;
			binding_refuse_strange(binding, exprType(lfirst(cell)));
			depends |= binding_type_depends(exprType(lfirst(cell)), false);
		}
		i++;
	}
	if (!any || !depends)
		return NULL;
	switch (node->funcid)
	{
		case F_TO_JSON:
		case F_ROW_TO_JSON_RECORD:
		case F_ARRAY_TO_JSON_ANYARRAY:
			return fixed(binding, "map_json", JSONOID, linitial(node->args));
		case F_TO_JSONB:
			return fixed(binding, "map_jsonb", JSONBOID, linitial(node->args));
		case F_CONCAT:
		case F_CONCAT_WS:
		case F_FORMAT_TEXT_ANY:
		case F_QUOTE_LITERAL_ANYELEMENT:
		case F_QUOTE_NULLABLE_ANYELEMENT:
		case F_TEXTANYCAT:
		case F_ANYTEXTCAT:
			if (node->funcvariadic)
				break;
			node = copyObject(node);
			foreach(cell, node->args)
			{
				if (binding_type_depends(exprType(lfirst(cell)), false))
					lfirst(cell) = text_of(binding, lfirst(cell));
			}
			if (node->funcid == F_TEXTANYCAT || node->funcid == F_ANYTEXTCAT)
				node->funcid = F_TEXTCAT;
			else if (node->funcid == F_QUOTE_LITERAL_ANYELEMENT)
				node->funcid = F_QUOTE_LITERAL_TEXT;
			else if (node->funcid == F_QUOTE_NULLABLE_ANYELEMENT)
				node->funcid = F_QUOTE_NULLABLE_TEXT;
			node->funcformat = COERCE_EXPLICIT_CALL;
			return (Node *) node;
	}
	binding_refuse(binding, psprintf("%s of a value whose text depends on them", get_func_name(node->funcid)));
}

static Node *
bound_call(Binding *binding, FuncExpr *node)
{
	static const Oid two_texts[] = {TEXTOID, TEXTOID, TEXTOID};
	Node	   *first = node->args == NIL ? NULL : linitial(node->args);
	Node	   *second = list_length(node->args) < 2 ? NULL : lsecond(node->args);
	Node	   *zone = text_constant(binding->time_zone);

	switch (node->funcid)
	{
		case F_TIMESTAMP_TIMESTAMPTZ:
			return local_time(binding, first);
		case F_DATE_TIMESTAMPTZ:
			return date_of(local_time(binding, first));
		case F_TIME_TIMESTAMPTZ:
			return call(F_TIME_TIMESTAMP, TIMEOID, list_make1(local_time(binding, first)), COERCE_EXPLICIT_CAST);
		case F_TIMESTAMPTZ_TIMESTAMP:
		case F_TIMESTAMPTZ_DATE:
			return global_time(binding, first);
		case F_TIMESTAMPTZ_DATE_TIME:
			return global_time(binding, call(F_TIMESTAMP_DATE_TIME, TIMESTAMPOID, node->args, COERCE_EXPLICIT_CALL));
		case F_DATE_TRUNC_TEXT_TIMESTAMPTZ:
			return call(F_DATE_TRUNC_TEXT_TIMESTAMPTZ_TEXT, TIMESTAMPTZOID, list_make3(first, second, zone), COERCE_EXPLICIT_CALL);
		case F_DATE_PART_TEXT_TIMESTAMPTZ:
			return bound_part(binding, node, F_DATE_PART_TEXT_TIMESTAMP);
		case F_EXTRACT_TEXT_TIMESTAMPTZ:
			return bound_part(binding, node, F_EXTRACT_TEXT_TIMESTAMP);
		case F_TO_CHAR_TIMESTAMPTZ_TEXT:
			return bound_format(binding, node);
		case F_AGE_TIMESTAMPTZ_TIMESTAMPTZ:
			return call(F_AGE_TIMESTAMP_TIMESTAMP, INTERVALOID, list_make2(local_time(binding, first), local_time(binding, second)),
						COERCE_EXPLICIT_CALL);
		case F_AGE_TIMESTAMPTZ:
		case F_AGE_TIMESTAMP:
			if (node->funcid == F_AGE_TIMESTAMPTZ)
				first = local_time(binding, first);
			return call(F_AGE_TIMESTAMP_TIMESTAMP, INTERVALOID,
						list_make2(call(F_TIMESTAMP_DATE, TIMESTAMPOID, list_make1(date_of(local_now(binding))), COERCE_EXPLICIT_CAST), first),
						COERCE_EXPLICIT_CALL);
		case F_MAKE_TIMESTAMPTZ_INT4_INT4_INT4_INT4_INT4_FLOAT8:
			return call(F_MAKE_TIMESTAMPTZ_INT4_INT4_INT4_INT4_INT4_FLOAT8_TEXT, TIMESTAMPTZOID, lappend(list_copy(node->args), zone),
						COERCE_EXPLICIT_CALL);
		case F_TO_TIMESTAMP_TEXT_TEXT:
			binding_check_format(binding, node->args);
			return call_ours("map_to_timestamp", TIMESTAMPTZOID, list_make3(first, second, zone), 3, two_texts);
		case F_TIMESTAMPTZ_PL_INTERVAL:
			return shifted(binding, first, second, false);
		case F_INTERVAL_PL_TIMESTAMPTZ:
			return shifted(binding, second, first, false);
		case F_TIMESTAMPTZ_MI_INTERVAL:
			return shifted(binding, first, second, true);
			/* What has come since 15 is there where its number is. */
#ifdef F_DATE_ADD_TIMESTAMPTZ_INTERVAL
		case F_DATE_ADD_TIMESTAMPTZ_INTERVAL:
			return shifted(binding, first, second, false);
		case F_DATE_SUBTRACT_TIMESTAMPTZ_INTERVAL:
			return shifted(binding, first, second, true);
#endif
#ifdef F_TIMEZONE_TIMESTAMPTZ
		case F_TIMEZONE_TIMESTAMPTZ:
			return local_time(binding, first);
		case F_TIMEZONE_TIMESTAMP:
			return global_time(binding, first);
#endif
		case F_TIMETZ_TIMESTAMPTZ:
		case F_TIMETZ_TIME:
			binding_refuse(binding, "a cast to time with time zone");
	}
	return bound_of_any(binding, node);
}

/* Comparing a timestamptz with a timestamp or a date: the local one becomes a timestamptz. */
static Node *
bound_comparison(Binding *binding, OpExpr *node)
{
	bool		changed = false;
	OpExpr	   *comparison = makeNode(OpExpr);
	ListCell   *cell;

	/* DistinctExpr and NullIfExpr have the same form. */
	memcpy(comparison, node, sizeof(OpExpr));
	comparison->args = list_copy(node->args);
	foreach(cell, comparison->args)
	{
		Oid			type = getBaseType(exprType(lfirst(cell)));

		if (type == TIMESTAMPTZOID)
			continue;
		if (type != TIMESTAMPOID && type != DATEOID)
			return NULL;
		lfirst(cell) = global_time(binding, lfirst(cell));
		changed = true;
	}
	if (!changed)
		return NULL;
	comparison->opno = OpernameGetOprid(list_make2(makeString("pg_catalog"), makeString(get_opname(node->opno))),
										TIMESTAMPTZOID, TIMESTAMPTZOID);
	if (!OidIsValid(comparison->opno) || IsA(node, NullIfExpr))
		binding_refuse(binding, "a comparison of times with and without a time zone");
	comparison->opfuncid = get_opcode(comparison->opno);
	return (Node *) comparison;
}

static Node *
bound_operator(Binding *binding, OpExpr *node)
{
	FuncExpr   *as_call;
	Node	   *bound;

	if (get_opcode(node->opno) >= FirstGenbkiObjectId || func_volatile(get_opcode(node->opno)) != PROVOLATILE_STABLE)
		return NULL;
	if (node->opresulttype == BOOLOID || IsA(node, NullIfExpr))
		return bound_comparison(binding, node);
	as_call = (FuncExpr *) call(get_opcode(node->opno), node->opresulttype, node->args, COERCE_EXPLICIT_CALL);
	bound = bound_call(binding, as_call);
	return bound;
}

/* A value of another type of text as one of type text. */
static Node *
text_again(Node *value)
{
	CoerceViaIO *cast;

	if (IsBinaryCoercible(getBaseType(exprType(value)), TEXTOID))
		return (Node *) makeRelabelType((Expr *) value, TEXTOID, -1, DEFAULT_COLLATION_OID, COERCE_EXPLICIT_CAST);
	cast = makeNode(CoerceViaIO);
	cast->arg = (Expr *) value;
	cast->resulttype = TEXTOID;
	cast->resultcollid = DEFAULT_COLLATION_OID;
	cast->coerceformat = COERCE_EXPLICIT_CAST;
	cast->location = -1;
	return (Node *) cast;
}

/* A cast by way of the text of a value. */
static Node *
bound_text_cast(Binding *binding, CoerceViaIO *node)
{
	static const Oid declared[] = {TEXTOID, TEXTOID, TEXTOID, ANYELEMENTOID};
	Node	   *value = (Node *) node->arg;
	Oid			type = exprType(value);
	bool		texts = TypeCategory(getBaseType(type)) == TYPCATEGORY_STRING;

	binding_refuse_strange(binding, type);
	binding_refuse_strange(binding, node->resulttype);
	if (!texts && binding_type_depends(type, false))
	{
		value = text_of(binding, value);
		if (node->resulttype == TEXTOID)
			return value;
		node = copyObject(node);
		node->arg = (Expr *) value;
		return (Node *) node;
	}
	if (texts && binding_type_depends(node->resulttype, true))
	{
		if (type != TEXTOID)
			value = text_again(value);
		return call_ours("map_read", node->resulttype,
						 list_make4(value, text_constant(binding->time_zone), text_constant(map_date_order()),
									makeNullConst(node->resulttype, -1, node->resultcollid)), 4, declared);
	}
	return NULL;
}

static Node *
bound_present(Binding *binding, SQLValueFunction *node)
{
	Node	   *local;

	switch (node->op)
	{
		case SVFOP_CURRENT_DATE:
			return date_of(local_now(binding));
		case SVFOP_CURRENT_TIME:
		case SVFOP_CURRENT_TIME_N:
			binding_refuse(binding, "the present time of day");
		case SVFOP_LOCALTIMESTAMP:
		case SVFOP_LOCALTIMESTAMP_N:
			local = local_now(binding);
			if (node->typmod >= 0)
				local = call(F_TIMESTAMP_TIMESTAMP_INT4, TIMESTAMPOID,
							 list_make2(local, makeConst(INT4OID, -1, InvalidOid, sizeof(int32), Int32GetDatum(node->typmod), false, true)),
							 COERCE_EXPLICIT_CALL);
			return local;
		case SVFOP_LOCALTIME:
		case SVFOP_LOCALTIME_N:
			local = call(F_TIME_TIMESTAMP, TIMEOID, list_make1(local_now(binding)), COERCE_EXPLICIT_CAST);
			if (node->typmod >= 0)
				local = call(F_TIME_TIME_INT4, TIMEOID,
							 list_make2(local, makeConst(INT4OID, -1, InvalidOid, sizeof(int32), Int32GetDatum(node->typmod), false, true)),
							 COERCE_EXPLICIT_CALL);
			return local;
		case SVFOP_CURRENT_SCHEMA:
			binding_refuse(binding, "the schema that comes first");
		default:
			return NULL;
	}
}

/*
 * Whether binding has changed what is not printed with a node, so that it would be
 * lost: the comparison that IN and USING make, the cast of an array's elements, the
 * value that a CASE looks at.
 */
static bool
hidden_changed(Node *node, Node *bound)
{
	ListCell   *before;
	ListCell   *after;

	switch (nodeTag(node))
	{
		case T_SubLink:
			return !equal(((SubLink *) node)->testexpr, ((SubLink *) bound)->testexpr);
		case T_JoinExpr:
			return ((JoinExpr *) node)->usingClause != NIL && !equal(((JoinExpr *) node)->quals, ((JoinExpr *) bound)->quals);
		case T_ArrayCoerceExpr:
			return !equal(((ArrayCoerceExpr *) node)->elemexpr, ((ArrayCoerceExpr *) bound)->elemexpr);
		case T_CaseExpr:
			if (((CaseExpr *) node)->arg == NULL)
				return false;
			forboth(before, ((CaseExpr *) node)->args, after, ((CaseExpr *) bound)->args)
			{
				OpExpr	   *when = (OpExpr *) lfirst_node(CaseWhen, before)->expr;
				OpExpr	   *bound_when = (OpExpr *) lfirst_node(CaseWhen, after)->expr;

				if (IsA(when, OpExpr) && (!IsA(bound_when, OpExpr) || !equal(linitial(when->args), linitial(bound_when->args))))
					return true;
			}
			return false;
		default:
			return false;
	}
}

/* The copy of a tree with everything in it bound, from the leaves up. */
static Node *
bind_node(Node *node, Binding *binding)
{
	Node	   *before;
	Node	   *bound = NULL;

	if (node == NULL)
		return NULL;
	if (IsA(node, Query))
		return (Node *) query_tree_mutator((Query *) node, bind_node, binding, 0);
	before = node;
	node = expression_tree_mutator(node, bind_node, binding);
	if (hidden_changed(before, node))
		binding_refuse(binding, "a comparison or a cast of times with and without a time zone, or of their texts, that is not written there");
	switch (nodeTag(node))
	{
		case T_FuncExpr:
			bound = bound_call(binding, (FuncExpr *) node);
			break;
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
			bound = bound_operator(binding, (OpExpr *) node);
			break;
		case T_CoerceViaIO:
			bound = bound_text_cast(binding, (CoerceViaIO *) node);
			break;
		case T_SQLValueFunction:
			bound = bound_present(binding, (SQLValueFunction *) node);
			break;
		default:
			break;
	}
	return bound != NULL ? bound : node;
}

/*
 * The copy of an analyzed expression that asks no setting.  name and expression
 * are for messages; time_zone is the name of a zone.
 */
Node *
bind_to_zone(Node *node, const char *time_zone, const char *name, const char *expression)
{
	Binding		binding = {time_zone, name, expression};

	node = bind_node(node, &binding);
	binding_check(node, &binding);
	return node;
}
