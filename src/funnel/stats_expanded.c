/*
 * funnel/stats_expanded.c: a funnel_stats in memory, as an expanded object.
 *
 * An aggregate adds to its state for every customer.  Were the state a flat
 * value, each addition would read and write all of it; an expanded object (see
 * utils/expandeddatum.h) is changed in place and becomes bytes only when
 * somebody stores it or sends it.  The type stays a real one, unlike internal,
 * so that partial states may travel between servers.
 *
 * Memory: the states of an aggregate share a context, which goes when the
 * aggregate is done; any other object has one of its own.  Whoever has a
 * read-write pointer may change the object, everybody else only reads.
 */
#include "funnel/stats_expanded.h"

#include "utils/memutils.h"

struct ExpandedStats
{
	ExpandedObjectHeader header;
	FunnelStats stats;

	/*
	 * The flattened value, made when its size is asked for and kept until it
	 * is fetched or the stats change; data is NULL when there is none.
	 */
	StringInfoData flat;
};

static Size
get_flat_size(ExpandedObjectHeader *header)
{
	ExpandedStats *object = (ExpandedStats *) header;

	if (object->flat.data == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(header->eoh_context);

		initStringInfo(&object->flat);
		funnel_stats_encode(&object->flat, &object->stats);
		MemoryContextSwitchTo(old);
	}
	return VARHDRSZ + object->flat.len;
}

static void
forget_flat(ExpandedStats *object)
{
	if (object->flat.data != NULL)
	{
		pfree(object->flat.data);
		object->flat.data = NULL;
	}
}

static void
flatten_into(ExpandedObjectHeader *header, void *result, Size allocated_size)
{
	ExpandedStats *object = (ExpandedStats *) header;

	Assert(object->flat.data != NULL && allocated_size == (Size) VARHDRSZ + object->flat.len);
	SET_VARSIZE(result, allocated_size);
	memcpy(VARDATA(result), object->flat.data, object->flat.len);
	forget_flat(object);
}

static const ExpandedObjectMethods methods = {get_flat_size, flatten_into};

/* Where a new object is to live: with the other states of the aggregate, or without one on its own. */
static MemoryContext
object_context(MemoryContext aggregate)
{
	if (aggregate != NULL)
		return aggregate_objects(aggregate);
	return AllocSetContextCreate(CurrentMemoryContext, "funnel_stats", ALLOCSET_START_SMALL_SIZES);
}

static ExpandedStats *
make_object(MemoryContext aggregate)
{
	MemoryContext context = object_context(aggregate);
	ExpandedStats *object = MemoryContextAllocZero(context, sizeof(ExpandedStats));

	EOH_init_header(&object->header, &methods, context);
	return object;
}

/*
 * A new object, empty; the definition as bytes and opened.  aggregate is the
 * context of the aggregate whose state it is to be, or NULL.
 */
ExpandedStats *
expanded_stats_new(MemoryContext aggregate, const uint8 *funnel, size_t size, const FunnelDef *def)
{
	ExpandedStats *object = make_object(aggregate);
	MemoryContext old = MemoryContextSwitchTo(object->header.eoh_context);

	funnel_stats_init(&object->stats, funnel, size, def);
	MemoryContextSwitchTo(old);
	return object;
}

/* A new object with the contents of other stats; aggregate as above. */
ExpandedStats *
expanded_stats_copy(MemoryContext aggregate, const FunnelStats *from)
{
	ExpandedStats *object = make_object(aggregate);
	MemoryContext old = MemoryContextSwitchTo(object->header.eoh_context);

	funnel_stats_copy(&object->stats, from);
	MemoryContextSwitchTo(old);
	return object;
}

static inline ExpandedStats *
object_of(Datum value)
{
	ExpandedStats *object = (ExpandedStats *) DatumGetEOHP(value);

	if (object->header.eoh_methods != &methods)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the state of one aggregate is none of another")));
	return object;
}

/*
 * expanded_stats_own is an object that the aggregate with this context may
 * change: the value itself if it is the aggregate's, else a copy, so that
 * nobody else's value ever changes.
 */
ExpandedStats *
expanded_stats_own(Datum value, MemoryContext aggregate)
{
	if (VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(value)))
	{
		ExpandedStats *object = object_of(value);

		if (MemoryContextGetParent(object->header.eoh_context) == aggregate)
			return object;
	}
	return expanded_stats_copy(aggregate, funnel_stats_open_datum(value));
}

/* The read-write pointer: always the same address, so that nobody copies the state it stands for. */
Datum
expanded_stats_datum(ExpandedStats *object)
{
	return EOHPGetRWDatum(&object->header);
}

const FunnelStats *
expanded_stats_read(const ExpandedStats *object)
{
	return &object->stats;
}

/* Counts a customer. */
void
expanded_stats_add(ExpandedStats *object, const FunnelWalk *walk)
{
	MemoryContext old = MemoryContextSwitchTo(object->header.eoh_context);
	CjmError	error = {0};

	forget_flat(object);
	if (!funnel_stats_add(&object->stats, walk, &error))
		cjm_report(&error);
	MemoryContextSwitchTo(old);
}

/* Adds the customers of other stats. */
void
expanded_stats_merge(ExpandedStats *object, const FunnelStats *from)
{
	MemoryContext old = MemoryContextSwitchTo(object->header.eoh_context);
	CjmError	error = {0};

	forget_flat(object);
	if (!funnel_stats_merge(&object->stats, from, &error))
		cjm_report(&error);
	MemoryContextSwitchTo(old);
}

/*
 * funnel_stats_open_datum opens an argument for reading: an expanded object as
 * it is, a flat value decoded, and by that checked, into the current context.
 */
const FunnelStats *
funnel_stats_open_datum(Datum value)
{
	struct varlena *bytes;
	FunnelStats *stats;
	CjmError	error = {0};

	if (VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(value)))
		return &object_of(value)->stats;
	bytes = PG_DETOAST_DATUM_PACKED(value);
	stats = palloc(sizeof(FunnelStats));
	if (!funnel_stats_decode((const uint8 *) VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), stats, &error))
		cjm_report_stored(&error);
	return stats;
}

/* Throws an error that shows both definitions if the stats are not of the funnel with these bytes. */
void
funnel_stats_require(const FunnelStats *stats, const uint8 *funnel, size_t size)
{
	CjmError	error = {0};

	if (funnel_stats_is_of(stats, funnel, size))
		return;
	funnel_stats_differ(stats, funnel, size, &error);
	cjm_report(&error);
}

/* The stored value, in the current context. */
struct varlena *
funnel_stats_flat(const FunnelStats *stats)
{
	StringInfoData out;

	initStringInfo(&out);
	funnel_stats_encode(&out, stats);
	return bytes_to_varlena(out.data, out.len);
}
