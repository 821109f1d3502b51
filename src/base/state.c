/*
 * base/state.c: states of aggregates that travel, and the type aggregate_state.
 *
 * To SQL such a state is a value of a real type, unlike internal, so that whoever
 * splits an aggregate between servers may send it.  Its text is short
 * (base/state_text.c), and its binary form is the bytes.  What they mean only the
 * aggregate knows: it believes none of them, since anybody can write a value of a type.
 *
 * While rows are added up a state is an expanded object (see utils/expandeddatum.h),
 * which is changed in place and becomes bytes only when it leaves the process.
 *
 * Memory: the states of an aggregate share a context, which goes when the aggregate
 * is done; any other object has one of its own.
 */
#include "base/state.h"

#include "base/state_text.h"
#include "libpq/pqformat.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(aggregate_state_in);
PG_FUNCTION_INFO_V1(aggregate_state_out);
PG_FUNCTION_INFO_V1(aggregate_state_recv);
PG_FUNCTION_INFO_V1(aggregate_state_send);

struct AggregateState
{
	ExpandedObjectHeader header;
	const StateKind *kind;
	void	   *contents;
	StringInfoData flat;		/* made when its size is asked for; no data: none, or out of date */
};

static void
forget_flat(AggregateState *state)
{
	if (state->flat.data != NULL)
	{
		pfree(state->flat.data);
		state->flat.data = NULL;
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
	AggregateState *state = (AggregateState *) header;

	if (state->flat.data == NULL)
	{
		MemoryContext own = AllocSetContextCreate(header->eoh_context, "aggregate state as bytes", ALLOCSET_START_SMALL_SIZES);
		MemoryContext old = MemoryContextSwitchTo(own);
		StringInfoData bytes;

		initStringInfo(&bytes);
		state->kind->encode(&bytes, state->contents);
		MemoryContextSwitchTo(header->eoh_context);
		initStringInfo(&state->flat);
		appendBinaryStringInfo(&state->flat, bytes.data, bytes.len);
		MemoryContextSwitchTo(old);
		MemoryContextDelete(own);
	}
	return VARHDRSZ + state->flat.len;
}

static void
flatten_into(ExpandedObjectHeader *header, void *result, Size allocated_size)
{
	AggregateState *state = (AggregateState *) header;

	Assert(state->flat.data != NULL && allocated_size == (Size) VARHDRSZ + state->flat.len);
	SET_VARSIZE(result, allocated_size);
	memcpy(VARDATA(result), state->flat.data, state->flat.len);
	forget_flat(state);
}

static const ExpandedObjectMethods methods = {get_flat_size, flatten_into};

/* A new state, its contents zeros; aggregate is the context of the aggregate that it is to be of, or NULL. */
AggregateState *
state_new(MemoryContext aggregate, const StateKind *kind)
{
	MemoryContext context = aggregate != NULL ? aggregate_objects(aggregate) :
		AllocSetContextCreate(CurrentMemoryContext, "aggregate state", ALLOCSET_START_SMALL_SIZES);
	AggregateState *state = MemoryContextAllocZero(context, sizeof(AggregateState));

	EOH_init_header(&state->header, &methods, context);
	state->kind = kind;
	state->contents = MemoryContextAllocZero(context, kind->size);
	return state;
}

static AggregateState *
object_of(Datum value, const StateKind *kind)
{
	AggregateState *state = (AggregateState *) DatumGetEOHP(value);

	if (state->header.eoh_methods != &methods || state->kind != kind)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the state of one aggregate is none of another")));
	return state;
}

/* The state that the aggregate with this context may change; NULL if the value is not its own. */
AggregateState *
state_of_aggregate(Datum value, MemoryContext aggregate, const StateKind *kind)
{
	AggregateState *state;

	if (aggregate == NULL || !VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(value)))
		return NULL;
	state = object_of(value, kind);
	return MemoryContextGetParent(state->header.eoh_context) == aggregate ? state : NULL;
}

/* The read-write pointer: always the same address, so that nobody copies the state it stands for. */
Datum
state_datum(AggregateState *state)
{
	return EOHPGetRWDatum(&state->header);
}

void *
state_change(AggregateState *state, MemoryContext *old)
{
	forget_flat(state);
	*old = MemoryContextSwitchTo(state->header.eoh_context);
	return state->contents;
}

void *
state_contents(Datum value, const StateKind *kind)
{
	if (!VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(value)))
		return NULL;
	return object_of(value, kind)->contents;
}

MemoryContext
calling_aggregate(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	return AggCheckCallContext(fcinfo, &context) ? context : NULL;
}

/* ---------------------------------------------------------------- the type */

Datum
aggregate_state_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	StringInfoData bytes;
	CjmError	error = {0};

	initStringInfo(&bytes);
	if (!state_text_decode(text, strlen(text), &bytes, &error))
	{
		cjm_report_soft(&error, fcinfo->context);
		PG_RETURN_NULL();
	}
	PG_RETURN_POINTER(bytes_to_varlena(bytes.data, bytes.len));
}

Datum
aggregate_state_out(PG_FUNCTION_ARGS)
{
	struct varlena *value = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0));
	StringInfoData text;

	initStringInfo(&text);
	state_text_encode(&text, (const uint8 *) VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
	PG_RETURN_CSTRING(text.data);
}

Datum
aggregate_state_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	int			size = message->len - message->cursor;

	PG_RETURN_POINTER(bytes_to_varlena(pq_getmsgbytes(message, size), size));
}

Datum
aggregate_state_send(PG_FUNCTION_ARGS)
{
	struct varlena *value = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0));

	PG_RETURN_POINTER(bytes_to_varlena(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)));
}
