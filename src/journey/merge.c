/*
 * journey/merge.c: journey || journey, rollup(journey), and journey - journey.
 *
 * One function serves the first two.  Called by the aggregate it keeps its state, once
 * that has grown beyond SMALL_STATE, as an expanded object around a builder,
 * so that a rollup of many journeys appends and sorts once instead of writing
 * the whole state anew for each.  The state type is journey itself, so that
 * partial states may travel between servers.
 *
 * The expanded objects of an aggregate share a memory context below its own
 * (aggregate_objects).  An object is a builder and, once asked for, the flat
 * value, until the next change.
 */
#include "journey/argument.h"

#include "access/detoast.h"
#include "journey/combine.h"
#include "utils/expandeddatum.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(journey_merge);
PG_FUNCTION_INFO_V1(journey_minus);
PG_FUNCTION_INFO_V1(journey_changed);
PG_FUNCTION_INFO_V1(journey_distinct_touchpoints);

/* Flat bytes up to which merging flat values is cheaper than a memory context. */
#define SMALL_STATE 1024

#define EXPANDED_MAGIC 0x636a6d4a

typedef struct ExpandedJourney
{
	ExpandedObjectHeader header;
	int			magic;
	JourneyBuilder *builder;
	struct varlena *flat;		/* NULL: not made since the last change */
} ExpandedJourney;

static Size
expanded_flat_size(ExpandedObjectHeader *header)
{
	ExpandedJourney *state = (ExpandedJourney *) header;

	if (state->flat == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(header->eoh_context);

		state->flat = (struct varlena *) DatumGetPointer(journey_from_builder(state->builder, false));
		MemoryContextSwitchTo(old);
	}
	return VARSIZE(state->flat);
}

static void
expanded_flatten(ExpandedObjectHeader *header, void *result, Size size)
{
	ExpandedJourney *state = (ExpandedJourney *) header;

	Assert(size == expanded_flat_size(header));
	memcpy(result, state->flat, size);
}

static const ExpandedObjectMethods expanded_methods = {expanded_flat_size, expanded_flatten};

/* Adds a journey, flat or expanded, to a builder. */
static void
add_datum(JourneyBuilder **builder, Datum value)
{
	JourneyView view;
	CjmError	error = {0};

	journey_open_datum(value, &view);
	if (!builder_add_view(builder, &view, 0, view.count, &error))
		cjm_report(&error);
}

/* A new state of an aggregate that holds one journey. */
static ExpandedJourney *
expanded_create(Datum value, MemoryContext aggregate)
{
	MemoryContext context = aggregate_objects(aggregate);
	MemoryContext old = MemoryContextSwitchTo(context);
	ExpandedJourney *state = palloc0(sizeof(ExpandedJourney));

	EOH_init_header(&state->header, &expanded_methods, context);
	state->magic = EXPANDED_MAGIC;
	state->builder = builder_create(NULL);
	add_datum(&state->builder, value);
	MemoryContextSwitchTo(old);
	return state;
}

/* The touchpoints of a and b without those of taken, any of which may be NULL. */
static Datum
combine(const JourneyView *a, const JourneyView *b, const JourneyView *taken)
{
	CjmError	error = {0};
	size_t		size;
	uint8	   *value = journey_combine(a, b, taken, VARHDRSZ, &size, &error);

	if (value == NULL)
		cjm_report(&error);
	SET_VARSIZE(value, size);
	return PointerGetDatum(value);
}

/*
 * journey_merge(journey, journey): all touchpoints of both, equal ones kept.
 */
Datum
journey_merge(PG_FUNCTION_ARGS)
{
	MemoryContext aggregate;
	JourneyView views[2];
	Datum		a = PG_GETARG_DATUM(0);
	Datum		b = PG_GETARG_DATUM(1);

	if (AggCheckCallContext(fcinfo, &aggregate) &&
		(VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(a)) ||
		 toast_raw_datum_size(a) + toast_raw_datum_size(b) > SMALL_STATE))
	{
		ExpandedJourney *state;
		MemoryContext old;

		/* Detoasted here, since the object's context lives too long for it. */
		b = PointerGetDatum(PG_DETOAST_DATUM_PACKED(b));
		if (VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(a)))
			state = (ExpandedJourney *) DatumGetEOHP(a);
		else
			state = expanded_create(PointerGetDatum(PG_DETOAST_DATUM_PACKED(a)), aggregate);
		Assert(state->magic == EXPANDED_MAGIC);
		if (state->flat)
		{
			pfree(state->flat);
			state->flat = NULL;
		}
		old = MemoryContextSwitchTo(state->header.eoh_context);
		add_datum(&state->builder, b);
		MemoryContextSwitchTo(old);
		PG_RETURN_DATUM(EOHPGetRWDatum(&state->header));
	}
	journey_open_datum(a, &views[0]);
	journey_open_datum(b, &views[1]);
	PG_RETURN_DATUM(combine(&views[0], &views[1], NULL));
}

/* journey_minus(journey, journey): the first without the touchpoints of the second, all of which it must hold. */
Datum
journey_minus(PG_FUNCTION_ARGS)
{
	struct varlena *bytes = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0));
	JourneyView view;
	JourneyView taken;

	journey_open_datum(PointerGetDatum(bytes), &view);
	journey_open_datum(PG_GETARG_DATUM(1), &taken);
	if (taken.count == 0)
		PG_RETURN_POINTER(bytes);
	PG_RETURN_DATUM(combine(&view, NULL, &taken));
}

/*
 * journey_changed(journey, added, removed): a stored journey after what came and what
 * went, each of which may be NULL; NULL if nothing is left.  That it does not hold
 * what went means that it was not stored with all that came.
 */
Datum
journey_changed(PG_FUNCTION_ARGS)
{
	JourneyView views[3];
	JourneyView *parts[3];
	CjmError	error = {0};
	size_t		size;
	uint8	   *value;

	if (PG_ARGISNULL(1) && PG_ARGISNULL(2))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	for (int i = 0; i < 3; i++)
	{
		parts[i] = PG_ARGISNULL(i) ? NULL : &views[i];
		if (parts[i] != NULL)
			journey_open_datum(PG_GETARG_DATUM(i), parts[i]);
	}
	value = journey_combine(parts[0], parts[1], parts[2], VARHDRSZ, &size, &error);
	if (value == NULL && error.kind == CJM_ERROR_VALUE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("kept journeys do not hold a touchpoint that went"),
				 error.detail ? errdetail("%s", error.detail) : 0,
				 errhint("cjm.refresh_journeys builds them anew.")));
	if (value == NULL)
		cjm_report(&error);
	if (parts[2] != NULL && views[2].count == (parts[0] ? views[0].count : 0) + (parts[1] ? views[1].count : 0))
		PG_RETURN_NULL();
	SET_VARSIZE(value, size);
	PG_RETURN_POINTER(value);
}

/* distinct_touchpoints(journey): the journey with each of equal touchpoints once. */
Datum
journey_distinct_touchpoints(PG_FUNCTION_ARGS)
{
	JourneyBuilder *builder = builder_create(NULL);

	add_datum(&builder, PG_GETARG_DATUM(0));
	PG_RETURN_DATUM(journey_from_builder(builder, true));
}
