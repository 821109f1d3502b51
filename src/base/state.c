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
		MemoryContext old = MemoryContextSwitchTo(header->eoh_context);
		StringInfoData bytes;

		/* It grows in the context where it began. */
		initStringInfo(&bytes);
		MemoryContextSwitchTo(own);
		state->kind->encode(&bytes, state->contents);
		state->flat = bytes;
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
	(void) state_contents_changed(state);
}

const ExpandedObjectMethods state_methods = {get_flat_size, flatten_into};

/* A new state, its contents zeros; aggregate is the context of the aggregate that it is to be of, or NULL. */
AggregateState *
state_new(MemoryContext aggregate, const StateKind *kind)
{
	MemoryContext context = aggregate != NULL ? aggregate_objects(aggregate) :
		AllocSetContextCreate(CurrentMemoryContext, "aggregate state", ALLOCSET_START_SMALL_SIZES);
	AggregateState *state = MemoryContextAllocZero(context, sizeof(AggregateState));

	EOH_init_header(&state->header, &state_methods, context);
	state->kind = kind;
	state->contents = MemoryContextAllocZero(context, kind->size);
	return state;
}

void
state_of_another(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the state of one aggregate is none of another")));
}

/* The read-write pointer: always the same address, so that nobody copies the state it stands for. */
Datum
state_datum(AggregateState *state)
{
	return EOHPGetRWDatum(&state->header);
}

void *
state_contents(Datum value, const StateKind *kind)
{
	if (!VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(value)))
		return NULL;
	return state_object(value, kind)->contents;
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
