/*
 * funnel/stage.c: stages as enums.
 *
 * A stage enum is any enum type: the order of its labels is the order of the
 * stages.  The functions here turn a label into its number and go to its
 * neighbours.
 *
 * Reading pg_enum for every row would cost more than everything around it, so
 * a call site keeps the list of its type in fn_extra.  The list is dropped when
 * any pg_enum entry changes, which a syscache callback counts; so it is never
 * older than a plain catalog scan of the same statement could be.
 */
#include "base/glue.h"
#include "funnel/stage.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(stage_number);
PG_FUNCTION_INFO_V1(next_stage);
PG_FUNCTION_INFO_V1(previous_stage);

/* What a call site keeps; it lives as long as its FmgrInfo. */
typedef struct StageCache
{
	Oid			type;			/* InvalidOid: nothing yet */
	uint64		changes;		/* enum_changes when the list was read */
	int			count;
	StageLabel *labels;
} StageCache;

static uint64 enum_changes = 0;
static bool watching = false;

static void
enum_changed(Datum arg pg_attribute_unused(), int cacheid pg_attribute_unused(),
			 uint32 hashvalue pg_attribute_unused())
{
	enum_changes++;
}

/*
 * stage_labels reads the labels of an enum type in their order, into the
 * current context.  Returns how many there are; none for another type.
 */
int
stage_labels(Oid type, StageLabel **labels)
{
	Relation	table = table_open(EnumRelationId, AccessShareLock);
	Relation	index = index_open(EnumTypIdSortOrderIndexId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	int			count = 0;
	int			room = 16;

	*labels = palloc(room * sizeof(StageLabel));
	ScanKeyInit(&key, Anum_pg_enum_enumtypid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(type));
	scan = systable_beginscan_ordered(table, index, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext_ordered(scan, ForwardScanDirection)))
	{
		Form_pg_enum entry = (Form_pg_enum) GETSTRUCT(tuple);

		if (count == room)
		{
			room *= 2;
			*labels = repalloc(*labels, room * sizeof(StageLabel));
		}
		(*labels)[count].oid = entry->oid;
		(*labels)[count].label = entry->enumlabel;
		count++;
	}
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(table, AccessShareLock);
	return count;
}

/* The list of the type that a call's argument has, from fn_extra if it is fresh. */
static const StageCache *
call_labels(FunctionCallInfo fcinfo)
{
	StageCache *cache = fcinfo->flinfo->fn_extra;
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	MemoryContext old;

	if (cache != NULL && cache->type == type && cache->changes == enum_changes)
		return cache;
	if (!OidIsValid(type))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("could not determine the enum type of the argument"),
				 errhint("Cast the argument to its type.")));
	if (!watching)
	{
		CacheRegisterSyscacheCallback(ENUMOID, enum_changed, (Datum) 0);
		watching = true;
	}

	old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	if (cache == NULL)
		fcinfo->flinfo->fn_extra = cache = palloc0(sizeof(StageCache));
	if (cache->labels != NULL)
		pfree(cache->labels);
	cache->type = InvalidOid;
	cache->labels = NULL;

	/* The scan may take in changes; then the list is read once more next time. */
	cache->changes = enum_changes;
	cache->count = stage_labels(type, &cache->labels);
	cache->type = type;
	MemoryContextSwitchTo(old);
	return cache;
}

/* The place, from 0, of a value in its type. */
static int
find_stage(const StageCache *cache, Oid value)
{
	for (int i = 0; i < cache->count; i++)
	{
		if (cache->labels[i].oid == value)
			return i;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("invalid internal value for enum: %u", value)));
	return -1;
}

/*
 * Returns the value at a place of its type.  As in PostgreSQL's own enum
 * functions, a label that ALTER TYPE added in this transaction must not get
 * out: an index could keep it after a rollback.
 */
static Datum
stage_at(FunctionCallInfo fcinfo, const StageCache *cache, int i)
{
	if (i < 0 || i >= cache->count)
		PG_RETURN_NULL();
	if (EnumUncommitted(cache->labels[i].oid))
		ereport(ERROR,
				(errcode(ERRCODE_UNSAFE_NEW_ENUM_VALUE_USAGE),
				 errmsg("unsafe use of new value \"%s\" of enum type %s",
						NameStr(cache->labels[i].label), format_type_be(cache->type)),
				 errhint("New enum values must be committed before they can be used.")));
	PG_RETURN_OID(cache->labels[i].oid);
}

Datum
stage_number(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(find_stage(call_labels(fcinfo), PG_GETARG_OID(0)) + 1);
}

Datum
next_stage(PG_FUNCTION_ARGS)
{
	const StageCache *cache = call_labels(fcinfo);

	return stage_at(fcinfo, cache, find_stage(cache, PG_GETARG_OID(0)) + 1);
}

Datum
previous_stage(PG_FUNCTION_ARGS)
{
	const StageCache *cache = call_labels(fcinfo);

	return stage_at(fcinfo, cache, find_stage(cache, PG_GETARG_OID(0)) - 1);
}
