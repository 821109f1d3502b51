/*
 * kept/deciders.c: what decides the dimensions of a customer whose journey is kept:
 * kept_deciders_agg(at, values), kept_values(deciders, count, last).
 *
 * A first value is not invertible: when its row goes, another one is the first.  So
 * all values of all rows are kept, as a journey, which takes rows out as well as in.
 * An event of it is the place of the dimension, from 1, a colon, and the value, as in
 * "2:mobile".  Events of one time are in the order of their bytes, so the smallest
 * value of a time comes first, as map_first_touches and map_last_touches want it.
 */
#include "journey/argument.h"

#include "catalog/pg_type.h"
#include "kept/deciders.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(kept_deciders_step);
PG_FUNCTION_INFO_V1(kept_values);

/* Adds the values of a row that are not NULL to a builder, which the aggregate's memory context holds. */
static JourneyBuilder *
add_values(JourneyBuilder *builder, LabelPool *pool, int64 at, ArrayType *array)
{
	char		event[LABEL_MAX_BYTES + DECIDER_PREFIX_MAX];
	Datum	   *values;
	bool	   *nulls;
	int			count;
	CjmError	error = {0};

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		Label		value;
		int			prefix;

		if (nulls[i])
			continue;
		value = label_from_text(DatumGetTextPP(values[i]));
		if (!decider_check(value, &error))
			cjm_report(&error);
		prefix = snprintf(event, DECIDER_PREFIX_MAX + 1, "%d:", i + 1);
		memcpy(event + prefix, value.bytes, value.size);
		if (builder == NULL)
			builder = builder_create(pool);
		if (!builder_add(&builder, at, (Label) {event, prefix + value.size}, NO_LABEL, NO_LABEL, false, 0, &error))
			cjm_report(&error);
	}
	pfree(values);
	pfree(nulls);
	return builder;
}

/* The transition function of kept_deciders_agg, whose state is that of journey_agg. */
Datum
kept_deciders_step(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	JourneyBuilder *builder = PG_ARGISNULL(0) ? NULL : (JourneyBuilder *) PG_GETARG_POINTER(0);
	FmgrInfo   *call = fcinfo->flinfo;
	ArrayType  *array;
	MemoryContext old;

	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
	{
		array = PG_GETARG_ARRAYTYPE_P(2);
		if (call->fn_extra == NULL)
		{
			old = MemoryContextSwitchTo(call->fn_mcxt);
			call->fn_extra = label_pool_create(true);
			MemoryContextSwitchTo(old);
		}
		old = MemoryContextSwitchTo(context);
		builder = add_values(builder, call->fn_extra, PG_GETARG_TIMESTAMPTZ(1), array);
		MemoryContextSwitchTo(old);
	}
	if (builder == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(builder);
}

/* Splits an event into the place, from 0, and the value; -1 if it is none of ours. */
static int
split_event(Label event, int count, Label *value)
{
	int			place = 0;
	uint32		i = 0;

	while (i < event.size && i < DECIDER_PREFIX_MAX && event.bytes[i] >= '0' && event.bytes[i] <= '9')
		place = 10 * place + (event.bytes[i++] - '0');
	if (i == 0 || i == event.size || event.bytes[i] != ':' || place < 1 || place > count)
		return -1;
	*value = (Label) {event.bytes + i + 1, event.size - i - 1};
	return place - 1;
}

/*
 * kept_values(deciders, count, last): of each of so many dimensions the first or the
 * last value, NULL where there is none.
 */
Datum
kept_values(PG_FUNCTION_ARGS)
{
	int			count = PG_GETARG_INT32(1);
	bool		last = PG_GETARG_BOOL(2);
	int			found = 0;
	int			lower = 1;
	JourneyView view;
	Label	   *labels;
	Datum	   *values;
	bool	   *nulls;
	int64	   *times;

	if (count < 0 || count > DECIDERS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there cannot be %d dimensions", count)));
	values = palloc(Max(count, 1) * sizeof(Datum));
	nulls = palloc(Max(count, 1) * sizeof(bool));
	times = palloc(Max(count, 1) * sizeof(int64));
	memset(nulls, true, Max(count, 1) * sizeof(bool));
	if (!PG_ARGISNULL(0))
	{
		int64		at = PG_INT64_MIN;

		journey_open_datum(PG_GETARG_DATUM(0), &view);
		labels = journey_labels(&view.events);
		for (uint32 i = 0; i < view.count && (last || found < count); i++)
		{
			Label		value;
			int			place = split_event(labels[journey_label_at(&view.events, i)], count, &value);

			at = journey_at_after(&view, i, at);
			if (place < 0 || (!nulls[place] && (!last || times[place] == at)))
				continue;
			found += nulls[place];
			nulls[place] = false;
			times[place] = at;
			values[place] = label_to_datum(value);
		}
	}
	PG_RETURN_ARRAYTYPE_P(construct_md_array(values, nulls, 1, &count, &lower, TEXTOID, -1, false, TYPALIGN_INT));
}
