/*
 * attribution/path_stats_expanded.c: a state of paths in memory, as an expanded object.
 *
 * The state of an attribution aggregate is a bytea to SQL: a real type, unlike
 * internal, so that partial states may travel between servers, and one that
 * nobody has to read.  While rows are counted it is an expanded object (see
 * utils/expandeddatum.h), which is changed in place and becomes bytes only when
 * it leaves the process.  Memory is as funnel/stats_expanded.c has it.
 */
#include "attribution/path_stats_expanded.h"

#include "mb/pg_wchar.h"
#include "utils/memutils.h"

struct ExpandedPaths
{
	ExpandedObjectHeader header;
	PathStats	stats;
	StringInfoData flat;		/* made when its size is asked for; no data: none, or out of date */
};

static void
forget_flat(ExpandedPaths *object)
{
	if (object->flat.data != NULL)
	{
		pfree(object->flat.data);
		object->flat.data = NULL;
	}
}

/*
 * Whoever copies a tuple with the object asks, in any context: that of a sort's
 * tuples can neither repalloc nor pfree (17).  And what encoding takes beside is
 * not to stay with the object.
 */
static Size
get_flat_size(ExpandedObjectHeader *header)
{
	ExpandedPaths *object = (ExpandedPaths *) header;

	if (object->flat.data == NULL)
	{
		MemoryContext own = AllocSetContextCreate(header->eoh_context, "attribution paths as bytes", ALLOCSET_START_SMALL_SIZES);
		MemoryContext old = MemoryContextSwitchTo(own);
		StringInfoData bytes;

		initStringInfo(&bytes);
		path_stats_encode(&bytes, &object->stats);
		MemoryContextSwitchTo(header->eoh_context);
		initStringInfo(&object->flat);
		appendBinaryStringInfo(&object->flat, bytes.data, bytes.len);
		MemoryContextSwitchTo(old);
		MemoryContextDelete(own);
	}
	return VARHDRSZ + object->flat.len;
}

static void
flatten_into(ExpandedObjectHeader *header, void *result, Size allocated_size)
{
	ExpandedPaths *object = (ExpandedPaths *) header;

	Assert(object->flat.data != NULL && allocated_size == (Size) VARHDRSZ + object->flat.len);
	SET_VARSIZE(result, allocated_size);
	memcpy(VARDATA(result), object->flat.data, object->flat.len);
	forget_flat(object);
}

static const ExpandedObjectMethods methods = {get_flat_size, flatten_into};

static ExpandedPaths *
make_object(MemoryContext aggregate)
{
	MemoryContext context = aggregate != NULL ? aggregate_objects(aggregate) :
		AllocSetContextCreate(CurrentMemoryContext, "attribution paths", ALLOCSET_START_SMALL_SIZES);
	ExpandedPaths *object = MemoryContextAllocZero(context, sizeof(ExpandedPaths));

	EOH_init_header(&object->header, &methods, context);
	return object;
}

/* A new object without a path.  aggregate is the context of the aggregate whose state it is to be, or NULL. */
ExpandedPaths *
expanded_paths_new(MemoryContext aggregate, PathModel model)
{
	ExpandedPaths *object = make_object(aggregate);
	MemoryContext old = MemoryContextSwitchTo(object->header.eoh_context);

	path_stats_init(&object->stats, model);
	MemoryContextSwitchTo(old);
	return object;
}

/* A new object with the paths of other stats; aggregate as above. */
ExpandedPaths *
expanded_paths_copy(MemoryContext aggregate, const PathStats *from)
{
	ExpandedPaths *object = expanded_paths_new(aggregate, from->model);
	MemoryContext old = MemoryContextSwitchTo(object->header.eoh_context);
	CjmError	error = {0};

	if (!path_stats_merge(&object->stats, from, &error))
		cjm_report(&error);
	MemoryContextSwitchTo(old);
	return object;
}

static ExpandedPaths *
object_of(Datum value)
{
	ExpandedPaths *object = (ExpandedPaths *) DatumGetEOHP(value);

	if (object->header.eoh_methods != &methods)
		elog(ERROR, "expanded object is not an attribution state");
	return object;
}

/*
 * expanded_paths_own is an object that the aggregate with this context may
 * change: the value itself if it is the aggregate's, else a copy.
 */
ExpandedPaths *
expanded_paths_own(Datum value, MemoryContext aggregate)
{
	if (aggregate != NULL && VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(value)))
	{
		ExpandedPaths *object = object_of(value);

		if (MemoryContextGetParent(object->header.eoh_context) == aggregate)
			return object;
	}
	return expanded_paths_copy(aggregate, path_stats_open_datum(value));
}

/* The read-write pointer: always the same address, so that nobody copies the state it stands for. */
Datum
expanded_paths_datum(ExpandedPaths *object)
{
	return EOHPGetRWDatum(&object->header);
}

/* The stats, to be changed: the object's context is current from here on, and old the one before. */
PathStats *
expanded_paths_change(ExpandedPaths *object, MemoryContext *old)
{
	forget_flat(object);
	*old = MemoryContextSwitchTo(object->header.eoh_context);
	return &object->stats;
}

/*
 * A state to be read: an expanded object as it is, bytes decoded, and by that
 * checked, into the current context.  Channels must be text of this database.
 */
const PathStats *
path_stats_open_datum(Datum value)
{
	struct varlena *bytes;
	PathStats  *stats;
	CjmError	error = {0};

	if (VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(value)))
		return &object_of(value)->stats;
	bytes = PG_DETOAST_DATUM_PACKED(value);
	stats = palloc(sizeof(PathStats));
	if (!path_stats_decode((const uint8 *) VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), stats, &error))
		cjm_report(&error);
	for (uint32 i = 0; i < stats->nchannels; i++)
		pg_verifymbstr(stats->channels[i].bytes, (int) stats->channels[i].size, false);
	return stats;
}
