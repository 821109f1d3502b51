/*
 * journey/agg.c: journey_agg(at, event [, channel [, value [, session]]]).
 *
 * The state is a JourneyBuilder, one chunk in the aggregate's context, whose
 * labels are in a pool that all states of a call site share.  A partial state
 * travels between processes as the bytes of a journey.
 */
#include "journey/argument.h"

#include "access/htup_details.h"
#include "catalog/pg_enum.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(journey_agg_step);
PG_FUNCTION_INFO_V1(journey_agg_step_enum);
PG_FUNCTION_INFO_V1(journey_agg_combine);
PG_FUNCTION_INFO_V1(journey_agg_serialize);
PG_FUNCTION_INFO_V1(journey_agg_deserialize);
PG_FUNCTION_INFO_V1(journey_agg_final);

static inline JourneyBuilder *
state_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : (JourneyBuilder *) PG_GETARG_POINTER(n);
}

/*
 * The labels of all states that a call site makes.  They live as long as it
 * does, which is longer than the states; the function may use fn_extra for
 * nothing else.
 */
static inline LabelPool *
shared_labels(FunctionCallInfo fcinfo)
{
	FmgrInfo   *call = fcinfo->flinfo;

	if (unlikely(call->fn_extra == NULL))
	{
		MemoryContext old = MemoryContextSwitchTo(call->fn_mcxt);

		call->fn_extra = label_pool_create(true);
		MemoryContextSwitchTo(old);
	}
	return (LabelPool *) call->fn_extra;
}

static Datum
return_state(FunctionCallInfo fcinfo, JourneyBuilder *builder)
{
	if (builder == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(builder);
}

/* Adds the row in the arguments after the event, which the caller has read. */
static Datum
add_row(FunctionCallInfo fcinfo, Label event)
{
	MemoryContext context = aggregate_context(fcinfo);
	JourneyBuilder *builder = state_argument(fcinfo, 0);
	Label		channel = NO_LABEL;
	Label		session = NO_LABEL;
	bool		has_value = PG_NARGS() > 4 && !PG_ARGISNULL(4);
	double		value = has_value ? PG_GETARG_FLOAT8(4) : 0;
	CjmError	error = {0};
	MemoryContext old;
	bool		ok;

	if (PG_NARGS() > 3 && !PG_ARGISNULL(3))
		channel = label_from_text(PG_GETARG_TEXT_PP(3));
	if (PG_NARGS() > 5 && !PG_ARGISNULL(5))
		session = label_from_text(PG_GETARG_TEXT_PP(5));
	old = MemoryContextSwitchTo(context);
	if (builder == NULL)
		builder = builder_create(shared_labels(fcinfo));
	ok = builder_add(&builder, PG_GETARG_TIMESTAMPTZ(1), event, channel, session, has_value, value, &error);
	MemoryContextSwitchTo(old);
	if (!ok)
	{
		if (event.size == 0)
			cjm_fail_hint(&error, "Make it NULL, as nullif(event, '') does: rows without an event are ignored.");
		else if (channel.bytes != NULL && channel.size == 0)
			cjm_fail_hint(&error, "Make it NULL, as nullif(channel, '') does: NULL is no channel.");
		else if (session.bytes != NULL && session.size == 0)
			cjm_fail_hint(&error, "Make it NULL, as nullif(session, '') does: NULL is no session.");
		cjm_report(&error);
	}
	PG_RETURN_POINTER(builder);
}

/* Rows without a time or an event are no touchpoints. */
Datum
journey_agg_step(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return return_state(fcinfo, state_argument(fcinfo, 0));
	return add_row(fcinfo, label_from_text(PG_GETARG_TEXT_PP(2)));
}

Datum
journey_agg_step_enum(PG_FUNCTION_ARGS)
{
	HeapTuple	tuple;
	char	   *name;
	Datum		state;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return return_state(fcinfo, state_argument(fcinfo, 0));
	tuple = SearchSysCache1(ENUMOID, PG_GETARG_DATUM(2));
	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid internal value for enum: %u", PG_GETARG_OID(2))));
	name = NameStr(((Form_pg_enum) GETSTRUCT(tuple))->enumlabel);
	state = add_row(fcinfo, (Label) {name, strlen(name)});
	ReleaseSysCache(tuple);
	return state;
}

/* The second state may live in shorter memory than the first, so it is always copied. */
Datum
journey_agg_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	JourneyBuilder *builder = state_argument(fcinfo, 0);
	JourneyBuilder *other = state_argument(fcinfo, 1);
	CjmError	error = {0};
	MemoryContext old;

	if (other == NULL)
		return return_state(fcinfo, builder);
	old = MemoryContextSwitchTo(context);
	if (builder == NULL)
		builder = builder_create(shared_labels(fcinfo));
	if (!builder_add_builder(&builder, other, &error))
		cjm_report(&error);
	MemoryContextSwitchTo(old);
	PG_RETURN_POINTER(builder);
}

Datum
journey_agg_serialize(PG_FUNCTION_ARGS)
{
	aggregate_context(fcinfo);
	PG_RETURN_DATUM(journey_from_builder((JourneyBuilder *) PG_GETARG_POINTER(0), false));
}

Datum
journey_agg_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *value = PG_GETARG_BYTEA_PP(0);
	const uint8 *bytes = (const uint8 *) VARDATA_ANY(value);
	size_t		size = VARSIZE_ANY_EXHDR(value);
	JourneyView view;
	CjmError	error = {0};

	aggregate_context(fcinfo);
	if (!journey_check(bytes, size, LABEL_MAX_BYTES, &error) || !journey_open(bytes, size, &view, &error))
		cjm_report(&error);
	if (view.count == 0)
		PG_RETURN_POINTER(builder_create(NULL));
	PG_RETURN_POINTER(builder_of_journey(bytes, size, view.count));
}

/* Reads the state without changing it: as a window aggregate it goes on. */
Datum
journey_agg_final(PG_FUNCTION_ARGS)
{
	aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(journey_from_builder((JourneyBuilder *) PG_GETARG_POINTER(0), false));
}
