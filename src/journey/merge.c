/*
 * journey/merge.c: journey || journey, rollup(journey), and journey - journey.
 *
 * A rollup's state is a journey, with others' touchpoints put in.  To SQL it is an
 * aggregate_state (base/state.h), since the text of that is a sixth of a journey's, and
 * whoever splits the aggregate between servers sends it; the aggregate of 0.1.0 has a
 * journey there.  Once it has grown beyond SMALL_STATE it is an expanded object around a
 * builder, so that a rollup of many journeys appends and sorts once instead of writing
 * the whole state anew for each.
 */
#include "journey/argument.h"

#include "access/detoast.h"
#include "base/state.h"
#include "catalog/dependency.h"
#include "catalog/pg_proc.h"
#include "commands/extension.h"
#include "journey/combine.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(journey_merge);
PG_FUNCTION_INFO_V1(journey_state_add);
PG_FUNCTION_INFO_V1(journey_state_combine);
PG_FUNCTION_INFO_V1(journey_state_final);
PG_FUNCTION_INFO_V1(journey_minus);
PG_FUNCTION_INFO_V1(journey_changed);
PG_FUNCTION_INFO_V1(journey_distinct_touchpoints);

/* Flat bytes up to which merging flat values is cheaper than an object. */
#define SMALL_STATE 1024

typedef struct JourneyState
{
	JourneyBuilder *builder;
} JourneyState;

static void
encode_journey(StringInfo out, void *contents)
{
	CjmError	error = {0};
	size_t		size;
	uint8	   *bytes = builder_encode(((JourneyState *) contents)->builder, false, 0, &size, &error);

	if (bytes == NULL)
		cjm_report(&error);
	appendBinaryStringInfo(out, (const char *) bytes, (int) size);
}

static const StateKind journey_kind = {sizeof(JourneyState), encode_journey};

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

/* All touchpoints of both, equal ones kept; a may be the state of the aggregate that calls, which it changes. */
static Datum
merge(FunctionCallInfo fcinfo, Datum a, Datum b)
{
	MemoryContext aggregate = calling_aggregate(fcinfo);
	JourneyView views[2];

	if (aggregate != NULL &&
		(VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(a)) ||
		 toast_raw_datum_size(a) + toast_raw_datum_size(b) > SMALL_STATE))
	{
		AggregateState *state = state_of_aggregate(a, aggregate, &journey_kind);
		JourneyState *contents;
		MemoryContext old;

		/* Detoasted here, since the object's context lives too long for it. */
		b = PointerGetDatum(PG_DETOAST_DATUM_PACKED(b));
		if (state == NULL)
		{
			a = PointerGetDatum(PG_DETOAST_DATUM_PACKED(a));
			state = state_new(aggregate, &journey_kind);
			contents = state_change(state, &old);
			contents->builder = builder_create(NULL);
			add_datum(&contents->builder, a);
			MemoryContextSwitchTo(old);
		}
		contents = state_change(state, &old);
		add_datum(&contents->builder, b);
		MemoryContextSwitchTo(old);
		PG_RETURN_DATUM(state_datum(state));
	}
	journey_open_datum(a, &views[0]);
	journey_open_datum(b, &views[1]);
	PG_RETURN_DATUM(combine(&views[0], &views[1], NULL));
}

/* journey_merge(journey, journey): all touchpoints of both, equal ones kept; in 0.1.0 for rollup, too. */
Datum
journey_merge(PG_FUNCTION_ARGS)
{
	return merge(fcinfo, PG_GETARG_DATUM(0), PG_GETARG_DATUM(1));
}

/* Whether the aggregate that calls is of our extension, so that its states are what it has made. */
static bool
aggregate_is_ours(FunctionCallInfo fcinfo)
{
	static const bool answers[] = {false, true};
	FmgrInfo   *call = fcinfo->flinfo;

	if (call->fn_extra == NULL)
	{
		/* Whoever calls in the name of a node, as an engine over several servers, has no expression. */
		Aggref	   *aggref = call->fn_expr != NULL ? AggGetAggref(fcinfo) : NULL;
		Oid			ours;

		if (aggref == NULL)
			return false;
		ours = getExtensionOfObject(ProcedureRelationId, call->fn_oid);
		call->fn_extra = unconstify(bool *, &answers[OidIsValid(ours) && getExtensionOfObject(ProcedureRelationId, aggref->aggfnoid) == ours]);
	}
	return *(const bool *) call->fn_extra;
}

static void
verify_labels(const JourneyLabels *labels)
{
	Label	   *all = journey_labels(labels);

	for (uint32 i = 0; i < labels->count; i++)
		pg_verifymbstr(all[i].bytes, (int) all[i].size, false);
	pfree(all);
}

/*
 * The journey that a state is, flat or an object.  Flat ones of other aggregates than ours
 * may be anybody's bytes: they are checked, and written anew.
 */
static Datum
journey_of_state(FunctionCallInfo fcinfo, Datum value)
{
	JourneyBuilder *builder;
	JourneyView view;
	struct varlena *flat;
	CjmError	error = {0};

	if (state_contents(value, &journey_kind) != NULL || aggregate_is_ours(fcinfo))
		return value;
	flat = PG_DETOAST_DATUM_PACKED(value);
	if (!journey_check((const uint8 *) VARDATA_ANY(flat), VARSIZE_ANY_EXHDR(flat), LABEL_MAX_BYTES, &error) ||
		!journey_open((const uint8 *) VARDATA_ANY(flat), VARSIZE_ANY_EXHDR(flat), &view, &error))
		cjm_report(&error);
	verify_labels(&view.events);
	verify_labels(&view.channels);
	verify_labels(&view.sessions);
	builder = builder_create(NULL);
	if (!builder_add_view(&builder, &view, 0, view.count, &error))
		cjm_report(&error);
	return journey_from_builder(builder, false);
}

/* journey_state_add(state, journey): with one more journey, NULL none; the transition function of rollup. */
Datum
journey_state_add(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	if (PG_ARGISNULL(0))
		PG_RETURN_DATUM(PG_GETARG_DATUM(1));
	return merge(fcinfo, journey_of_state(fcinfo, PG_GETARG_DATUM(0)), PG_GETARG_DATUM(1));
}

/* journey_state_combine(state, state): the touchpoints of both; one NULL counts as none, two NULLs are NULL. */
Datum
journey_state_combine(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	if (PG_ARGISNULL(0))
		PG_RETURN_DATUM(journey_of_state(fcinfo, PG_GETARG_DATUM(1)));
	return merge(fcinfo, journey_of_state(fcinfo, PG_GETARG_DATUM(0)), journey_of_state(fcinfo, PG_GETARG_DATUM(1)));
}

/* journey_state_final(state): the journey of it. */
Datum
journey_state_final(PG_FUNCTION_ARGS)
{
	JourneyState *state = state_contents(PG_GETARG_DATUM(0), &journey_kind);

	if (state != NULL)
		PG_RETURN_DATUM(journey_from_builder(state->builder, false));
	PG_RETURN_DATUM(journey_of_state(fcinfo, PG_GETARG_DATUM(0)));
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

	/* Of a customer who is new, or to whom nothing happened, there is nothing to put together. */
	if (PG_ARGISNULL(2) && (PG_ARGISNULL(0) || PG_ARGISNULL(1)))
	{
		if (PG_ARGISNULL(0) && PG_ARGISNULL(1))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(PG_ARGISNULL(0) ? 1 : 0));
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
