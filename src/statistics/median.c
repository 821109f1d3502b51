/*
 * statistics/median.c: median(value), an aggregate that is exact, runs in parallel and
 * needs no order.
 *
 * The state is all values as keys: unsigned integers in the order that float8
 * has, so that a median is found byte by byte, by counting.  That takes eight
 * readings of the values however they are distributed, and moves none.
 */
#include "base/glue.h"

#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(median_step);
PG_FUNCTION_INFO_V1(median_combine);
PG_FUNCTION_INFO_V1(median_serialize);
PG_FUNCTION_INFO_V1(median_deserialize);
PG_FUNCTION_INFO_V1(median_final);

#define SIGN_BIT (UINT64CONST(1) << 63)
#define INITIAL_CAPACITY 8

typedef struct MedianState
{
	uint64		count;
	uint64		capacity;
	uint64	   *keys;			/* in the context of the state */
} MedianState;

/* -0 is 0, and NaN is greater than all numbers. */
static uint64
key_of(double value)
{
	uint64		bits;

	value = value == 0 ? 0 : value;
	if (value != value)
		return ~UINT64CONST(0);
	memcpy(&bits, &value, 8);
	return bits & SIGN_BIT ? ~bits : bits | SIGN_BIT;
}

static double
value_of(uint64 key)
{
	uint64		bits = key & SIGN_BIT ? key & ~SIGN_BIT : ~key;
	double		value;

	memcpy(&value, &bits, 8);
	return value;
}

/* Sees to it that so many more keys fit. */
static void
reserve(MedianState *state, uint64 more)
{
	if (state->count + more <= state->capacity)
		return;
	state->capacity = Max(state->count + more, state->capacity + state->capacity / 2);
	state->keys = repalloc_huge(state->keys, state->capacity * sizeof(uint64));
}

static MedianState *
new_state(MemoryContext context, uint64 capacity)
{
	MedianState *state = MemoryContextAlloc(context, sizeof(MedianState));

	state->count = 0;
	state->capacity = capacity;
	state->keys = MemoryContextAllocHuge(context, capacity * sizeof(uint64));
	return state;
}

static Datum
return_state(FunctionCallInfo fcinfo, MedianState *state)
{
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state);
}

Datum
median_step(PG_FUNCTION_ARGS)
{
	MedianState *state = aggregate_state(fcinfo, 0);

	if (PG_ARGISNULL(1))
		return return_state(fcinfo, state);
	if (state == NULL)
		state = new_state(aggregate_context(fcinfo), INITIAL_CAPACITY);
	reserve(state, 1);
	state->keys[state->count++] = key_of(PG_GETARG_FLOAT8(1));
	PG_RETURN_POINTER(state);
}

/* The second state may live in shorter memory than the first, so it is always copied. */
Datum
median_combine(PG_FUNCTION_ARGS)
{
	MedianState *state = aggregate_state(fcinfo, 0);
	MedianState *other = aggregate_state(fcinfo, 1);

	if (other == NULL)
		return return_state(fcinfo, state);
	if (state == NULL)
		state = new_state(aggregate_context(fcinfo), other->count);
	reserve(state, other->count);
	memcpy(state->keys + state->count, other->keys, other->count * sizeof(uint64));
	state->count += other->count;
	PG_RETURN_POINTER(state);
}

/* The keys as they are, for another process of the same build. */
Datum
median_serialize(PG_FUNCTION_ARGS)
{
	MedianState *state = aggregate_state(fcinfo, 0);

	if (state->count > (MaxAllocSize - VARHDRSZ) / sizeof(uint64))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many values for a parallel median: " UINT64_FORMAT, state->count),
				 errhint("Set max_parallel_workers_per_gather to 0, or aggregate fewer at a time.")));
	PG_RETURN_DATUM(PointerGetDatum(bytes_to_varlena(state->keys, state->count * sizeof(uint64))));
}

Datum
median_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *value = PG_GETARG_BYTEA_PP(0);
	size_t		size = VARSIZE_ANY_EXHDR(value);
	MedianState *state;

	aggregate_context(fcinfo);
	if (size == 0 || size % sizeof(uint64) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid aggregate state")));
	state = new_state(CurrentMemoryContext, size / sizeof(uint64));
	state->count = state->capacity;
	memcpy(state->keys, VARDATA_ANY(value), size);
	PG_RETURN_POINTER(state);
}

/* The key that comes at a place in their order, from 0. */
static uint64
key_at_rank(const MedianState *state, uint64 rank)
{
	uint64		found = 0;

	for (int shift = 56; shift >= 0; shift -= 8)
	{
		uint64		known = shift == 56 ? 0 : ~UINT64CONST(0) << (shift + 8);
		uint64		counts[256] = {0};
		int			byte = 0;

		CHECK_FOR_INTERRUPTS();
		for (uint64 i = 0; i < state->count; i++)
			counts[state->keys[i] >> shift & 255] += (state->keys[i] & known) == found;
		while (rank >= counts[byte])
			rank -= counts[byte++];
		found |= (uint64) byte << shift;
	}
	return found;
}

Datum
median_final(PG_FUNCTION_ARGS)
{
	MedianState *state = aggregate_state(fcinfo, 0);

	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(value_of(key_at_rank(state, (state->count - 1) / 2)));
}
