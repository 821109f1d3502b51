/*
 * map/binding_type.c: types whose texts depend on the settings of who reads or
 * writes them, see map/binding.c.
 */
#include "map/binding_internal.h"

#include "access/transam.h"
#include "access/tupdesc.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/* An error for what depends on settings. */
void
binding_refuse(const Binding *binding, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s depends on the settings of whoever reads the map: %s", binding->name, binding->expression),
			 errdetail("It contains %s.", what),
			 errhint("Say the time zone with AT TIME ZONE and the form of a text with to_char, keep money as numeric, and name what has a schema with it.")));
}

/* Whether a column of a row type has a property. */
static bool
any_column(Oid type, bool (*has) (Oid type, bool reading), bool reading)
{
	TupleDesc	columns = lookup_rowtype_tupdesc_domain(type, -1, false);
	bool		any = false;

	for (int i = 0; i < columns->natts && !any; i++)
		any = !TupleDescAttr(columns, i)->attisdropped && has(TupleDescAttr(columns, i)->atttypid, reading);
	ReleaseTupleDesc(columns);
	return any;
}

/* Whether the text of a type's values, or with reading the value of a text, depends on settings. */
bool
binding_type_depends(Oid type, bool reading)
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
		return reading || binding_type_depends(element, false);
	if (type_is_multirange(base))
		return binding_type_depends(get_range_subtype(get_multirange_range(base)), reading);
	if (type_is_range(base))
		return binding_type_depends(get_range_subtype(base), reading);
	return type_is_rowtype(base) && (base == RECORDOID || any_column(base, binding_type_depends, reading));
}

/*
 * Whether the text of a type's values, or the value of a text, depends on something
 * that nothing here can fix: a locale, as money, the search_path, as regclass, or
 * what else makes reading or writing a type of PostgreSQL's not immutable.
 */
static bool
type_is_strange(Oid type, bool reading)
{
	Oid			base = getBaseType(type);
	Oid			element = get_element_type(base);
	Oid			function;
	Oid			parameter;
	bool		is_varlena;

	if (OidIsValid(element))
		return type_is_strange(element, reading);
	if (type_is_multirange(base))
		return type_is_strange(get_range_subtype(get_multirange_range(base)), reading);
	if (type_is_range(base))
		return type_is_strange(get_range_subtype(base), reading);
	if (type_is_rowtype(base))
		return base != RECORDOID && any_column(base, type_is_strange, reading);
	if (base >= FirstUnpinnedObjectId || binding_type_depends(base, false) || binding_type_depends(base, true) ||
		get_typtype(base) == TYPTYPE_PSEUDO)
		return false;
	if (reading)
		getTypeInputInfo(base, &function, &parameter);
	else
		getTypeOutputInfo(base, &function, &is_varlena);
	return func_volatile(function) != PROVOLATILE_IMMUTABLE;
}

/* An error for values of a type that have no text of their own. */
void
binding_refuse_strange(const Binding *binding, Oid type)
{
	if (type_is_strange(type, false) || type_is_strange(type, true))
		binding_refuse(binding, psprintf("the text of a %s", format_type_be(type)));
}
