/*
 * statistics/values_apart.c: values_apart(value), times_apart(at): how often each value
 * came, as a state that travels between servers; values_counted(state): what such a
 * state has counted; late_median_apart(at): a median of times by such a state.
 *
 * Unlike those of median (statistics/median.c) these stay in memory, 16 bytes for each
 * value that there is.
 */
#include "base/state.h"

#include "funcapi.h"
#include "statistics/value_counts.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(values_apart_step);
PG_FUNCTION_INFO_V1(times_apart_step);
PG_FUNCTION_INFO_V1(values_apart_combine);
PG_FUNCTION_INFO_V1(times_apart_late_median);
PG_FUNCTION_INFO_V1(values_counted);

static void
encode_counts(StringInfo out, void *contents)
{
	value_counts_encode(out, contents);
}

static const StateKind counts_kind = {sizeof(ValueCounts), encode_counts};

/* A state to be read: an object as it is, bytes decoded, and by that checked, into the current context. */
static ValueCounts *
open_counts(Datum value)
{
	ValueCounts *counts = state_contents(value, &counts_kind);
	struct varlena *bytes;
	CjmError	error = {0};

	if (counts != NULL)
		return counts;
	bytes = PG_DETOAST_DATUM_PACKED(value);
	counts = palloc(sizeof(ValueCounts));
	if (!value_counts_decode((const uint8 *) VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), counts, &error))
		cjm_report(&error);
	return counts;
}

/* The state in the first argument, to be changed: the aggregate's own, or a new one with what there is. */
static AggregateState *
own_state(FunctionCallInfo fcinfo, ValueKind kind)
{
	MemoryContext aggregate = calling_aggregate(fcinfo);
	AggregateState *state = PG_ARGISNULL(0) ? NULL : state_of_aggregate(PG_GETARG_DATUM(0), aggregate, &counts_kind);

	if (state == NULL)
	{
		ValueCounts *before = PG_ARGISNULL(0) ? NULL : open_counts(PG_GETARG_DATUM(0));
		MemoryContext old;
		ValueCounts *counts;
		CjmError	error = {0};

		state = state_new(aggregate, &counts_kind);
		counts = state_change(state, &old);
		value_counts_init(counts, kind);
		if (before != NULL && !value_counts_merge(counts, before, &error))
			cjm_report(&error);
		MemoryContextSwitchTo(old);
	}
	return state;
}

/* The state as it is. */
static Datum
unchanged(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

static Datum
add_key(FunctionCallInfo fcinfo, ValueKind kind, uint64 key)
{
	AggregateState *state = own_state(fcinfo, kind);
	MemoryContext old;
	ValueCounts *counts = state_change(state, &old);
	CjmError	error = {0};

	if (counts->kind != kind)
		cjm_fail(&error, CJM_ERROR_VALUE, "numbers and times are not counted together");
	else
		value_counts_add(counts, key, 1, &error);
	if (error.kind != CJM_ERROR_NONE)
		cjm_report(&error);
	MemoryContextSwitchTo(old);
	PG_RETURN_DATUM(state_datum(state));
}

/* values_apart_step(state, float8): counts a number, NULL not. */
Datum
values_apart_step(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return unchanged(fcinfo);
	return add_key(fcinfo, VALUE_NUMBERS, value_key(PG_GETARG_FLOAT8(1)));
}

/* times_apart_step(state, timestamptz): counts a time, NULL not. */
Datum
times_apart_step(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		return unchanged(fcinfo);
	return add_key(fcinfo, VALUE_TIMES, time_key(PG_GETARG_TIMESTAMPTZ(1)));
}

/* The values of both; one NULL counts as none, two NULLs are NULL. */
Datum
values_apart_combine(PG_FUNCTION_ARGS)
{
	AggregateState *state;
	const ValueCounts *other;
	ValueCounts *counts;
	MemoryContext old;
	CjmError	error = {0};

	if (PG_ARGISNULL(1))
		return unchanged(fcinfo);
	other = open_counts(PG_GETARG_DATUM(1));
	state = own_state(fcinfo, other->kind);
	counts = state_change(state, &old);
	if (!value_counts_merge(counts, other, &error))
		cjm_report(&error);
	MemoryContextSwitchTo(old);
	PG_RETURN_DATUM(state_datum(state));
}

/* The values of a state, which are never none, and of the kind that is asked for. */
static ValueCounts *
counts_of_kind(FunctionCallInfo fcinfo, ValueKind kind)
{
	ValueCounts *counts = open_counts(PG_GETARG_DATUM(0));

	if (counts->kind != kind)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("this state of counted values is of %s", counts->kind == VALUE_TIMES ? "times" : "numbers")));
	return counts;
}

/* The later one of an even number: percentile_disc(0.5) WITHIN GROUP (ORDER BY at DESC). */
Datum
times_apart_late_median(PG_FUNCTION_ARGS)
{
	ValueCounts *counts = counts_of_kind(fcinfo, VALUE_TIMES);

	PG_RETURN_TIMESTAMPTZ(time_of_key(value_counts_at(counts, counts->total / 2)));
}

/* values_counted(state): each number and how often it came, in their order. */
Datum
values_counted(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ValueCounts *counts;

	start_rows(fcinfo);
	counts = counts_of_kind(fcinfo, VALUE_NUMBERS);
	/* Which puts them in order. */
	(void) value_counts_at(counts, 0);
	for (size_t i = 0; i < counts->nentries; i++)
	{
		Datum		row[2] = {Float8GetDatum(value_of_key(counts->entries[i].key)), Int64GetDatum((int64) counts->entries[i].count)};
		bool		nulls[2] = {false, false};

		CHECK_FOR_INTERRUPTS();
		tuplestore_putvalues(result->setResult, result->setDesc, row, nulls);
	}
	return (Datum) 0;
}
