/*
 * conditions/retention.c: retention(VARIADIC conditions).
 *
 * The state is which conditions have been met so far: 8 bytes and a bit for
 * each.  Order and time of the rows do not matter.
 */
#include "conditions/agg.h"

#include "catalog/pg_type.h"
#include "utils/array.h"

PG_FUNCTION_INFO_V1(retention_step);
PG_FUNCTION_INFO_V1(retention_combine);
PG_FUNCTION_INFO_V1(retention_serialize);
PG_FUNCTION_INFO_V1(retention_deserialize);
PG_FUNCTION_INFO_V1(retention_final);

typedef struct RetentionState
{
	uint32		nconditions;
	uint64		met[FLEXIBLE_ARRAY_MEMBER];
} RetentionState;

static size_t
state_size(uint32 nconditions)
{
	return offsetof(RetentionState, met) + CONDITION_WORDS(nconditions) * sizeof(uint64);
}

/* Adds the conditions that were met; state is NULL before the first. */
static Datum
add_met(FunctionCallInfo fcinfo, RetentionState *state, uint32 nconditions, const uint64 *met)
{
	CjmError	error = {0};

	if (state == NULL)
	{
		state = MemoryContextAllocZero(aggregate_context(fcinfo), state_size(nconditions));
		state->nconditions = nconditions;
	}
	else if (!condition_count_check(state->nconditions, nconditions, &error))
		cjm_report(&error);
	for (uint32 w = 0; w < CONDITION_WORDS(nconditions); w++)
		state->met[w] |= met[w];
	PG_RETURN_POINTER(state);
}

Datum
retention_step(PG_FUNCTION_ARGS)
{
	RetentionState *state = aggregate_state(fcinfo, 0);
	ConditionSite *site = fcinfo->flinfo->fn_extra;
	Conditions	conditions;

	if (unlikely(site == NULL))
		site = fcinfo->flinfo->fn_extra = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(ConditionSite));
	if (!conditions_argument(fcinfo, 1, site, &conditions) ||
		(state != NULL && site->fixed && !conditions_any(&conditions)))
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	return add_met(fcinfo, state, conditions.count, conditions.bits);
}

Datum
retention_combine(PG_FUNCTION_ARGS)
{
	RetentionState *state = aggregate_state(fcinfo, 0);
	RetentionState *other = aggregate_state(fcinfo, 1);

	if (other)
		return add_met(fcinfo, state, other->nconditions, other->met);
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state);
}

/* The state as it is, for another process of the same build. */
Datum
retention_serialize(PG_FUNCTION_ARGS)
{
	RetentionState *state = aggregate_state(fcinfo, 0);

	PG_RETURN_DATUM(PointerGetDatum(bytes_to_varlena(state, state_size(state->nconditions))));
}

Datum
retention_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *value = PG_GETARG_BYTEA_PP(0);
	size_t		size = VARSIZE_ANY_EXHDR(value);
	RetentionState *state = palloc0(Max(size, sizeof(RetentionState)));

	aggregate_context(fcinfo);
	memcpy(state, VARDATA_ANY(value), size);
	if (state->nconditions < 1 || state->nconditions > CONDITION_MAX_COUNT || size != state_size(state->nconditions))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid aggregate state")));
	PG_RETURN_POINTER(state);
}

/* Without a row the number of conditions is not known: NULL. */
Datum
retention_final(PG_FUNCTION_ARGS)
{
	RetentionState *state = aggregate_state(fcinfo, 0);
	Datum	   *retained;

	if (state == NULL)
		PG_RETURN_NULL();
	retained = palloc(state->nconditions * sizeof(Datum));
	for (uint32 i = 0; i < state->nconditions; i++)
		retained[i] = BoolGetDatum(condition_bit(state->met, 0) && condition_bit(state->met, i));
	PG_RETURN_ARRAYTYPE_P(construct_array(retained, state->nconditions, BOOLOID, 1, true, TYPALIGN_CHAR));
}
