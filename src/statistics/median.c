/*
 * statistics/median.c: median(value), an aggregate that is exact, runs in parallel and
 * needs no order.
 *
 * The state is all values as keys: unsigned integers in the order that float8
 * has, so that a median is found digit by digit, by counting.  That takes a few
 * readings of the values however they are distributed, and moves none.
 */
#include "statistics/value_list.h"

#include "statistics/value_counts.h"

PG_FUNCTION_INFO_V1(median_step);
PG_FUNCTION_INFO_V1(median_combine);
PG_FUNCTION_INFO_V1(median_serialize);
PG_FUNCTION_INFO_V1(median_deserialize);
PG_FUNCTION_INFO_V1(median_final);

static Datum
return_state(FunctionCallInfo fcinfo, ValueList *state)
{
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state);
}

Datum
median_step(PG_FUNCTION_ARGS)
{
	ValueList  *state = aggregate_state(fcinfo, 0);

	if (PG_ARGISNULL(1))
		return return_state(fcinfo, state);
	if (state == NULL)
		state = value_list(value_store(fcinfo));
	value_list_add(fcinfo, state, value_key(PG_GETARG_FLOAT8(1)));
	PG_RETURN_POINTER(state);
}

/* The second state may live in shorter memory than the first, so it is always copied. */
Datum
median_combine(PG_FUNCTION_ARGS)
{
	ValueList  *state = aggregate_state(fcinfo, 0);
	ValueList  *other = aggregate_state(fcinfo, 1);

	if (other == NULL)
		return return_state(fcinfo, state);
	if (state == NULL)
		state = value_list(value_store(fcinfo));
	value_list_append(fcinfo, state, other);
	PG_RETURN_POINTER(state);
}

/* The keys as they are, for another process of the same build. */
Datum
median_serialize(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(value_list_send(aggregate_state(fcinfo, 0)));
}

Datum
median_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *value = PG_GETARG_BYTEA_PP(0);

	aggregate_context(fcinfo);
	PG_RETURN_POINTER(value_list_receive(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)));
}

/*
 * The key that comes at a place in their order, from 0.  A file is read in four
 * passes, which takes 512 kB for the counts; memory is quicker read in eight.
 */
static uint64
key_at_rank(const ValueList *list, uint64 rank)
{
	int			bits = list->filed > 0 ? 16 : 8;
	uint64		ndigits = UINT64CONST(1) << bits;
	uint64	   *counts = palloc(ndigits * sizeof(uint64));
	uint64		found = 0;

	for (int shift = 64 - bits; shift >= 0; shift -= bits)
	{
		uint64		known = shift == 64 - bits ? 0 : ~UINT64CONST(0) << (shift + bits);
		uint64		digit = 0;
		ValueScan	scan;
		const uint64 *keys;
		size_t		count;

		memset(counts, 0, ndigits * sizeof(uint64));
		value_scan_start(&scan, list);
		while ((count = value_scan_next(&scan, &keys)) > 0)
		{
			CHECK_FOR_INTERRUPTS();
			for (size_t i = 0; i < count; i++)
				counts[keys[i] >> shift & (ndigits - 1)] += (keys[i] & known) == found;
		}
		while (rank >= counts[digit])
			rank -= counts[digit++];
		found |= digit << shift;
	}
	pfree(counts);
	return found;
}

Datum
median_final(PG_FUNCTION_ARGS)
{
	ValueList  *state = aggregate_state(fcinfo, 0);

	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(value_of_key(key_at_rank(state, (state->filed + state->count - 1) / 2)));
}
