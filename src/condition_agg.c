/*
 * condition_agg.c: see condition_agg.h.
 *
 * The state is a ConditionLog, one chunk in the aggregate's context.  A row
 * costs no allocation but for the growth of the log: its boolean[] is read
 * where it stands.
 */
#include "condition_agg.h"

#include "catalog/pg_type.h"
#include "row_time.h"
#include "utils/array.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(condition_agg_serialize);
PG_FUNCTION_INFO_V1(condition_agg_deserialize);

/*
 * Reads argument n, the VARIADIC boolean[] of a row; NULL is false.  Returns
 * false if the argument itself is NULL: then nothing is known of the row.
 */
bool
conditions_argument(FunctionCallInfo fcinfo, int n, Conditions *conditions)
{
	ArrayType  *array;
	const bool *values;
	const bits8 *nulls;
	uint32		count;

	if (PG_ARGISNULL(n))
		return false;
	array = PG_GETARG_ARRAYTYPE_P(n);
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("conditions must be a one-dimensional array, not one of %d dimensions", ARR_NDIM(array))));
	count = ARR_NDIM(array) == 0 ? 0 : ARR_DIMS(array)[0];
	if (count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("at least one condition is needed, but the array is empty")));
	if (count > CONDITION_MAX_COUNT)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many conditions: %u", count),
				 errdetail("The limit is %d.", CONDITION_MAX_COUNT)));

	values = (const bool *) ARR_DATA_PTR(array);
	nulls = ARR_NULLBITMAP(array);
	conditions->count = count;
	conditions->bits = conditions->room;
	if (CONDITION_WORDS(count) > CONDITIONS_ROOM)
		conditions->bits = palloc(CONDITION_WORDS(count) * sizeof(uint64));
	for (uint32 w = 0, i = 0; i < count; w++)
	{
		uint64		bits = 0;

		for (uint64 bit = 1; bit != 0 && i < count; bit <<= 1, i++)
		{
			/* Elements that are NULL have no byte. */
			if (nulls != NULL && !(nulls[i / 8] & (1 << (i % 8))))
				continue;
			if (*values++)
				bits |= bit;
		}
		conditions->bits[w] = bits;
	}
	return true;
}

/* Whether any condition holds. */
bool
conditions_any(const Conditions *conditions)
{
	for (uint32 w = 0; w < CONDITION_WORDS(conditions->count); w++)
		if (conditions->bits[w] != 0)
			return true;
	return false;
}

/* Returns a state, or NULL for none yet. */
Datum
condition_agg_return(FunctionCallInfo fcinfo, ConditionLog *log)
{
	if (log == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(log);
}

/*
 * A new state.  *shared, NULL at first, is the head of the call site's first
 * state, and of those after it that have the same; another is kept with its
 * state, so that heads which change from row to row take no memory that lasts.
 * room is a guess at how many bytes the rows take.
 */
ConditionLog *
condition_agg_create(FunctionCallInfo fcinfo, const ConditionHead **shared, uint32 nconditions,
					 const void *bytes, size_t size, size_t room)
{
	MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	const ConditionHead *head;
	ConditionLog *log;

	if (*shared == NULL)
		*shared = condition_head_create(nconditions, bytes, size);
	head = *shared;
	MemoryContextSwitchTo(aggregate_context(fcinfo));
	if (head->nconditions != nconditions || !condition_head_is(head, bytes, size))
		head = condition_head_create(nconditions, bytes, size);
	log = condition_log_create(head, room);
	MemoryContextSwitchTo(old);
	return log;
}

/* Adds a row to the state and returns that. */
Datum
condition_agg_add(ConditionLog *log, int64 at, const Conditions *conditions)
{
	CjmError	error = {0};

	if (!condition_count_check(log->head->nconditions, conditions->count, &error) ||
		!condition_log_add(&log, at, conditions->bits, &error))
		cjm_report(&error);
	PG_RETURN_POINTER(log);
}

/*
 * Returns the state without the row, which must be as sound as one that is
 * added: an error must not depend on which conditions hold.
 */
Datum
condition_agg_pass_over(ConditionLog *log, int64 at, const Conditions *conditions)
{
	CjmError	error = {0};

	if (!condition_count_check(log->head->nconditions, conditions->count, &error) ||
		!row_time_check(at, &error))
		cjm_report(&error);
	PG_RETURN_POINTER(log);
}

/*
 * The whole of a combine function.  check sees to it that the heads agree.
 * The second state may live in shorter memory than the first, so it is copied.
 */
Datum
condition_agg_combine(FunctionCallInfo fcinfo, ConditionHeadCheck check)
{
	ConditionLog *log = aggregate_state(fcinfo, 0);
	ConditionLog *other = aggregate_state(fcinfo, 1);
	CjmError	error = {0};

	if (other == NULL)
		return condition_agg_return(fcinfo, log);
	if (log == NULL)
		log = condition_agg_create(fcinfo, (const ConditionHead **) &fcinfo->flinfo->fn_extra, other->head->nconditions,
								   other->head->bytes, other->head->size, 2 * (size_t) other->size);
	else
		check(log->head, other->head);
	if (!condition_log_append(&log, other, &error))
		cjm_report(&error);
	PG_RETURN_POINTER(log);
}

Datum
condition_agg_serialize(PG_FUNCTION_ARGS)
{
	ConditionLog *log = aggregate_state(fcinfo, 0);
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoSpaces(&out, VARHDRSZ);
	condition_log_serialize(log, &out);
	SET_VARSIZE(out.data, out.len);
	PG_RETURN_BYTEA_P(out.data);
}

Datum
condition_agg_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *value = PG_GETARG_BYTEA_PP(0);
	const ConditionHead *known = fcinfo->flinfo->fn_extra;
	ConditionLog *log;
	CjmError	error = {0};

	aggregate_context(fcinfo);
	log = condition_log_deserialize((const uint8 *) VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), known, &error);
	if (log == NULL)
		cjm_report(&error);
	if (known == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

		fcinfo->flinfo->fn_extra = condition_head_create(log->head->nconditions, log->head->bytes, log->head->size);
		MemoryContextSwitchTo(old);
	}
	PG_RETURN_POINTER(log);
}
