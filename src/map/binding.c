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
#include "map/binding.h"

#include "access/transam.h"
#include "access/tupdesc.h"
#include "catalog/pg_aggregate.h"
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
#include "parser/parsetree.h"
#include "parser/scansup.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

/* Where an expression is bound to, and what it is called in messages. */
typedef struct Binding
{
	const char *time_zone;
	const char *name;
	const char *expression;
} Binding;

pg_noreturn static void
refuse(const Binding *binding, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s depends on the settings of whoever reads the map: %s", binding->name, binding->expression),
			 errdetail("It contains %s.", what),
			 errhint("Say the time zone with AT TIME ZONE and the form of a text with to_char, keep money as numeric, and name what has a schema with it.")));
}

/*
 * Types
 */

static bool type_depends(Oid type, bool reading);

static bool
row_depends(Oid type, bool reading)
{
	TupleDesc	columns;
	bool		depends = false;

	if (type == RECORDOID)
		return true;
	columns = lookup_rowtype_tupdesc_domain(type, -1, false);
	for (int i = 0; i < columns->natts && !depends; i++)
		depends = !TupleDescAttr(columns, i)->attisdropped && type_depends(TupleDescAttr(columns, i)->atttypid, reading);
	ReleaseTupleDesc(columns);
	return depends;
}

/* Whether the text of a type's values, or with reading the value of a text, depends on settings. */
static bool
type_depends(Oid type, bool reading)
{
	Oid			base = getBaseType(type);
	Oid			element = get_element_type(base);

	switch (base)
	{
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case INTERVALOID:
			return true;
		case TIMETZOID:
			return reading;
		case FLOAT4OID:
		case FLOAT8OID:
		case BYTEAOID:
		case POINTOID:
		case LSEGOID:
		case PATHOID:
		case BOXOID:
		case POLYGONOID:
		case LINEOID:
		case CIRCLEOID:
			return !reading;
	}
	/* What NULL means in the text of an array is a setting, too. */
	if (OidIsValid(element))
		return reading || type_depends(element, false);
	if (type_is_multirange(base))
		return type_depends(get_range_subtype(get_multirange_range(base)), reading);
	if (type_is_range(base))
		return type_depends(get_range_subtype(base), reading);
	return type_is_rowtype(base) && row_depends(base, reading);
}

static bool type_is_strange(Oid type);

static bool
row_is_strange(Oid type)
{
	TupleDesc	columns;
	bool		strange = false;

	if (type == RECORDOID)
		return false;
	columns = lookup_rowtype_tupdesc_domain(type, -1, false);
	for (int i = 0; i < columns->natts && !strange; i++)
		strange = !TupleDescAttr(columns, i)->attisdropped && type_is_strange(TupleDescAttr(columns, i)->atttypid);
	ReleaseTupleDesc(columns);
	return strange;
}

/*
 * Whether the text of a type's values, or the value of a text, depends on something
 * that nothing here can fix: a locale, as money, the search_path, as regclass, or
 * what a type of PostgreSQL's says of itself.
 */
static bool
type_is_strange(Oid type)
{
	Oid			base = getBaseType(type);
	Oid			element = get_element_type(base);
	Oid			function;
	Oid			parameter;
	bool		is_varlena;

	if (OidIsValid(element))
		return type_is_strange(element);
	if (type_is_multirange(base))
		return type_is_strange(get_range_subtype(get_multirange_range(base)));
	if (type_is_range(base))
		return type_is_strange(get_range_subtype(base));
	if (type_is_rowtype(base))
		return row_is_strange(base);
	if (base >= FirstUnpinnedObjectId || type_depends(base, false) || type_depends(base, true) ||
		get_typtype(base) == TYPTYPE_PSEUDO)
		return false;
	getTypeOutputInfo(base, &function, &is_varlena);
	if (func_volatile(function) != PROVOLATILE_IMMUTABLE)
		return true;
	getTypeInputInfo(base, &function, &parameter);
	return func_volatile(function) != PROVOLATILE_IMMUTABLE;
}

/* An error for values of a type that have no text of their own. */
static void
refuse_strange(const Binding *binding, Oid type)
{
	if (type_is_strange(type))
		refuse(binding, psprintf("the text of a %s", format_type_be(type)));
}

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

	refuse_strange(binding, exprType(value));
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

/* The text that a node is, in small letters; NULL if it is not known now. */
static char *
known_word(Node *node)
{
	Const	   *constant = (Const *) node;
	char	   *word;

	if (!IsA(node, Const) || constant->constisnull || constant->consttype != TEXTOID)
		return NULL;
	word = TextDatumGetCString(constant->constvalue);
	return downcase_identifier(word, strlen(word), false, false);
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
	char	   *word = known_word(linitial(node->args));

	if (word == NULL)
		refuse(binding, "a part of a timestamptz whose name is not written there");
	if (strcmp(word, "epoch") == 0)
		return NULL;
	if (strncmp(word, "timezone", strlen("timezone")) == 0)
		refuse(binding, "the offset of a timestamptz");
	return call(local_function, node->funcresulttype, list_make2(linitial(node->args), local_time(binding, lsecond(node->args))),
				node->funcformat);
}

static Node *
bound_format(Binding *binding, FuncExpr *node)
{
	char	   *word = known_word(lsecond(node->args));

	if (word != NULL && (strstr(word, "tz") != NULL || strstr(word, "of") != NULL))
		refuse(binding, "to_char with the offset or the name of a time zone");
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
			refuse_strange(binding, exprType(lfirst(cell)));
			depends |= type_depends(exprType(lfirst(cell)), false);
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
			if (node->funcvariadic)
				break;
			/* fall through */
		case F_QUOTE_LITERAL_ANYELEMENT:
		case F_QUOTE_NULLABLE_ANYELEMENT:
		case F_TEXTANYCAT:
		case F_ANYTEXTCAT:
			node = copyObject(node);
			foreach(cell, node->args)
			{
				if (type_depends(exprType(lfirst(cell)), false))
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
	refuse(binding, psprintf("%s of a value whose text depends on them", get_func_name(node->funcid)));
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
			refuse(binding, "a cast to time with time zone");
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
		refuse(binding, "a comparison of times with and without a time zone");
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

	refuse_strange(binding, type);
	refuse_strange(binding, node->resulttype);
	if (!texts && type_depends(type, false))
	{
		value = text_of(binding, value);
		if (node->resulttype == TEXTOID)
			return value;
		node = copyObject(node);
		node->arg = (Expr *) value;
		return (Node *) node;
	}
	if (texts && type_depends(node->resulttype, true))
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
			refuse(binding, "the present time of day");
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
		default:
			return NULL;
	}
}

/*
 * What may stay
 */

/* The format of a to_char or to_number that asks a locale, or is not known. */
static bool
format_depends(List *arguments, bool number)
{
	char	   *word = known_word(lsecond(arguments));

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
			refuse(binding, "to_char with the name of a day or a month in the reader's language, or with a form that is not written there");
		case F_TO_CHAR_NUMERIC_TEXT:
		case F_TO_CHAR_INT4_TEXT:
		case F_TO_CHAR_INT8_TEXT:
		case F_TO_CHAR_FLOAT4_TEXT:
		case F_TO_CHAR_FLOAT8_TEXT:
		case F_TO_NUMBER:
			if (!format_depends(arguments, true))
				return;
			refuse(binding, "a number in the reader's locale (D, G or L), or in a form that is not written there");
	}
	name = get_func_name(function);
	/* Who reads is asked on purpose. */
	if (takes_any(function) || strncmp(name, "has_", 4) == 0 || strcmp(name, "pg_has_role") == 0)
		return;
	refuse(binding, psprintf("%s", name));
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

		refuse_strange(binding, type);
		if (type_depends(type, false))
			refuse(binding, psprintf("%s of a value whose text depends on them", get_func_name(node->aggfnoid)));
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
		if (exprType((Node *) column->expr) != lfirst_oid(type) && type_depends(lfirst_oid(type), true))
			refuse(binding, "UNION, INTERSECT or EXCEPT of columns of different types");
		type = lnext(types, type);
	}
}

/* An error for anything left in a bound tree that may say something else under other settings. */
static bool
check_rest(Node *node, Binding *binding)
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
			refuse(binding, "XML");
		case T_Query:
			if (((Query *) node)->setOperations != NULL)
				check_set_operation(binding, (Query *) node, ((Query *) node)->setOperations, NIL);
			return query_tree_walker((Query *) node, check_rest, binding, 0);
		default:
			if (cjm_is_sql_json(node))
				refuse(binding, "an SQL/JSON query");
			break;
	}
	return expression_tree_walker(node, check_rest, binding);
}

/* Whether a tree compares times with and without a zone. */
static bool
compares_zones(Node *node, void *context)
{
	ListCell   *cell;

	if (node == NULL)
		return false;
	if (IsA(node, OpExpr) && get_opcode(((OpExpr *) node)->opno) < FirstUnpinnedObjectId &&
		func_volatile(get_opcode(((OpExpr *) node)->opno)) == PROVOLATILE_STABLE)
		return true;
	if (IsA(node, RowCompareExpr))
		foreach(cell, ((RowCompareExpr *) node)->opnos)
			if (func_volatile(get_opcode(lfirst_oid(cell))) == PROVOLATILE_STABLE)
				return true;
	return expression_tree_walker(node, compares_zones, context);
}

/* The copy of a tree with everything in it bound, from the leaves up. */
static Node *
bind_node(Node *node, Binding *binding)
{
	Node	   *bound = NULL;

	if (node == NULL)
		return NULL;
	if (IsA(node, Query))
		return (Node *) query_tree_mutator((Query *) node, bind_node, binding, 0);
	/* What these compare is printed without the casts that it would be bound by. */
	if ((IsA(node, SubLink) && compares_zones(((SubLink *) node)->testexpr, NULL)) ||
		(IsA(node, JoinExpr) && ((JoinExpr *) node)->usingClause != NIL && compares_zones(((JoinExpr *) node)->quals, NULL)))
		refuse(binding, "a comparison of times with and without a time zone");
	node = expression_tree_mutator(node, bind_node, binding);
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
		case T_ScalarArrayOpExpr:
			if (get_opcode(((ScalarArrayOpExpr *) node)->opno) < FirstGenbkiObjectId &&
				func_volatile(get_opcode(((ScalarArrayOpExpr *) node)->opno)) == PROVOLATILE_STABLE)
				refuse(binding, "a comparison of times with and without a time zone");
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
	check_rest(node, &binding);
	return node;
}
