/*
 * conditions/touch_agg.c: first_touch(at, value) and last_touch(at, value) of rows.
 *
 * The state is the best row so far: its time and its value.  Of rows with the
 * same time the one with the smallest value is taken: values compare by what
 * they are in memory, as records do by *<, so that neither collation nor the
 * order of the rows has a say; NULL comes after every other value.
 *
 * Memory: the state and, for a value that is not passed by value, a buffer
 * that grows, in the aggregate's context.  A row that does not win costs no
 * allocation, unless it ties with a value that is compressed or out of line.
 */
#include "base/glue.h"

#include "base/row_time.h"
#include "libpq/pqformat.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(touch_agg_first);
PG_FUNCTION_INFO_V1(touch_agg_last);
PG_FUNCTION_INFO_V1(touch_agg_first_combine);
PG_FUNCTION_INFO_V1(touch_agg_last_combine);
PG_FUNCTION_INFO_V1(touch_agg_serialize);
PG_FUNCTION_INFO_V1(touch_agg_deserialize);
PG_FUNCTION_INFO_V1(touch_agg_final);

/* What is to be known of the values' type. */
typedef struct ValueType
{
	int16		length;
	bool		byval;
} ValueType;

typedef struct TouchState
{
	int64		at;
	ValueType	type;
	bool		isnull;
	Datum		value;			/* if passed by value, else in the buffer */
	size_t		size;			/* bytes of the value in the buffer */
	size_t		capacity;
	char	   *buffer;
} TouchState;

static Datum
state_value(const TouchState *state)
{
	return state->type.byval ? state->value : PointerGetDatum(state->buffer);
}

/* The bytes that a value passed by reference compares by. */
static const char *
value_bytes(Datum value, int16 length, size_t *size)
{
	if (length == -1)
	{
		*size = VARSIZE_ANY_EXHDR(DatumGetPointer(value));
		return VARDATA_ANY(DatumGetPointer(value));
	}
	*size = length == -2 ? strlen(DatumGetCString(value)) : (size_t) length;
	return DatumGetPointer(value);
}

/* Does a value come before the state's?  Neither is compressed or out of line. */
static bool
comes_before(const TouchState *state, Datum value, bool isnull)
{
	const char *a;
	const char *b;
	size_t		a_size;
	size_t		b_size;
	int			order;

	if (isnull || state->isnull)
		return !isnull;
	if (state->type.byval)
		return value < state->value;
	a = value_bytes(value, state->type.length, &a_size);
	b = value_bytes(state_value(state), state->type.length, &b_size);
	order = memcmp(a, b, Min(a_size, b_size));
	return order != 0 ? order < 0 : a_size < b_size;
}

/* Makes a row the state's.  The value is copied, and is not compressed or out of line. */
static void
take_touch(TouchState *state, MemoryContext context, int64 at, Datum value, bool isnull)
{
	state->at = at;
	state->isnull = isnull;
	if (isnull)
		return;
	if (state->type.byval)
	{
		state->value = value;
		return;
	}
	state->size = datumGetSize(value, false, state->type.length);
	if (state->size > state->capacity)
	{
		if (state->buffer)
			pfree(state->buffer);
		state->buffer = NULL;
		state->capacity = Max(state->size, 32);
		state->buffer = MemoryContextAlloc(context, state->capacity);
	}
	memcpy(state->buffer, DatumGetPointer(value), state->size);
}

static TouchState *
new_state(MemoryContext context, ValueType type)
{
	TouchState *state = MemoryContextAllocZero(context, sizeof(TouchState));

	state->type = type;
	return state;
}

/* The type of the value argument, looked up once for a call site. */
static ValueType
value_type(FunctionCallInfo fcinfo)
{
	ValueType  *type = fcinfo->flinfo->fn_extra;

	if (type == NULL)
	{
		Oid			oid = get_fn_expr_argtype(fcinfo->flinfo, 2);

		if (!OidIsValid(oid))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("could not determine the type of the value"),
					 errhint("Call the aggregate instead of its support functions.")));
		type = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(ValueType));
		get_typlenbyval(oid, &type->length, &type->byval);
		fcinfo->flinfo->fn_extra = type;
	}
	return *type;
}

/* Takes a row into account: a time, and a value that may be NULL. */
static Datum
add_touch(FunctionCallInfo fcinfo, bool last)
{
	MemoryContext context = aggregate_context(fcinfo);
	TouchState *state = PG_ARGISNULL(0) ? NULL : (TouchState *) PG_GETARG_POINTER(0);
	bool		isnull = PG_ARGISNULL(2);
	Datum		value;
	int64		at;
	CjmError	error = {0};

	if (PG_ARGISNULL(1))
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	at = PG_GETARG_TIMESTAMPTZ(1);
	if (!row_time_check(at, &error))
		cjm_report(&error);
	if (state && at != state->at && (at > state->at) != last)
		PG_RETURN_POINTER(state);

	value = isnull ? (Datum) 0 : PG_GETARG_DATUM(2);
	if (!isnull && value_type(fcinfo).length == -1)
		value = PointerGetDatum(PG_DETOAST_DATUM_PACKED(value));
	if (state == NULL)
		state = new_state(context, value_type(fcinfo));
	else if (at == state->at && !comes_before(state, value, isnull))
		PG_RETURN_POINTER(state);
	take_touch(state, context, at, value, isnull);
	PG_RETURN_POINTER(state);
}

Datum
touch_agg_first(PG_FUNCTION_ARGS)
{
	return add_touch(fcinfo, false);
}

Datum
touch_agg_last(PG_FUNCTION_ARGS)
{
	return add_touch(fcinfo, true);
}

static Datum
combine_touches(FunctionCallInfo fcinfo, bool last)
{
	MemoryContext context = aggregate_context(fcinfo);
	TouchState *state = PG_ARGISNULL(0) ? NULL : (TouchState *) PG_GETARG_POINTER(0);
	TouchState *other = PG_ARGISNULL(1) ? NULL : (TouchState *) PG_GETARG_POINTER(1);

	if (other == NULL)
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	if (state == NULL)
		state = new_state(context, other->type);
	else if (other->at == state->at ? !comes_before(state, state_value(other), other->isnull) :
			 (other->at > state->at) != last)
		PG_RETURN_POINTER(state);
	take_touch(state, context, other->at, state_value(other), other->isnull);
	PG_RETURN_POINTER(state);
}

Datum
touch_agg_first_combine(PG_FUNCTION_ARGS)
{
	return combine_touches(fcinfo, false);
}

Datum
touch_agg_last_combine(PG_FUNCTION_ARGS)
{
	return combine_touches(fcinfo, true);
}

/*
 * A state on its way to another process of the same build: time, length and
 * way of passing of the type, whether NULL, the value as it is in memory.
 */
Datum
touch_agg_serialize(PG_FUNCTION_ARGS)
{
	const TouchState *state = (TouchState *) PG_GETARG_POINTER(0);
	StringInfoData out;

	aggregate_context(fcinfo);
	pq_begintypsend(&out);
	pq_sendint64(&out, state->at);
	pq_sendint16(&out, (uint16) state->type.length);
	pq_sendbyte(&out, state->type.byval);
	pq_sendbyte(&out, state->isnull);
	if (!state->isnull)
	{
		if (state->type.byval)
			pq_sendbytes(&out, (const char *) &state->value, sizeof(Datum));
		else
			pq_sendbytes(&out, state->buffer, state->size);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* Is this the size of one value of the type, as it is in memory? */
static bool
right_size(ValueType type, const char *bytes, size_t size)
{
	if (type.byval)
		return size == sizeof(Datum);
	if (type.length == -1)
		return size > 0 && (VARATT_IS_1B(bytes) || size >= VARHDRSZ) && !VARATT_IS_EXTERNAL(bytes) &&
			!VARATT_IS_COMPRESSED(bytes) && VARSIZE_ANY(bytes) == size;
	if (type.length == -2)
		return size > 0 && memchr(bytes, 0, size) == bytes + size - 1;
	return type.length > 0 && size == (size_t) type.length;
}

Datum
touch_agg_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *value = PG_GETARG_BYTEA_P(0);
	StringInfoData in = {.data = VARDATA(value),.len = VARSIZE(value) - VARHDRSZ};
	TouchState *state = new_state(CurrentMemoryContext, (ValueType) {0, false});

	aggregate_context(fcinfo);
	state->at = pq_getmsgint64(&in);
	state->type.length = (int16) pq_getmsgint(&in, 2);
	state->type.byval = pq_getmsgbyte(&in) != 0;
	state->isnull = pq_getmsgbyte(&in) != 0;
	if (!state->isnull)
	{
		state->size = state->capacity = in.len - in.cursor;
		/* Aligned as a value must be. */
		state->buffer = palloc(Max(state->size, 1));
		memcpy(state->buffer, pq_getmsgbytes(&in, state->size), state->size);
		if (!right_size(state->type, state->buffer, state->size))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
					 errmsg("invalid aggregate state")));
		if (state->type.byval)
			memcpy(&state->value, state->buffer, sizeof(Datum));
	}
	pq_getmsgend(&in);
	PG_RETURN_POINTER(state);
}

/* The value of the best row; reads the state without changing it. */
Datum
touch_agg_final(PG_FUNCTION_ARGS)
{
	const TouchState *state = PG_ARGISNULL(0) ? NULL : (TouchState *) PG_GETARG_POINTER(0);

	aggregate_context(fcinfo);
	if (state == NULL || state->isnull)
		PG_RETURN_NULL();
	return datumCopy(state_value(state), state->type.byval, state->type.length);
}
