/*
 * kept/deciders.c: what decides the dimensions of a customer whose journey is kept:
 * kept_deciders_agg(at, values), kept_values(deciders, journey, by_channel, last),
 * kept_brief(deciders, journey), kept_whole(deciders, journey, values).
 *
 * A first value is not invertible: when its row goes, another one is the first.  So
 * all values of all rows are kept, as a journey, which takes rows out as well as in.
 * An event of it is the place of the dimension, from 1, a colon, and the value, as in
 * "2:mobile".
 *
 * Whoever reads the store reads past them, so what the store says anyway is not in
 * them.  A dimension that is the channel of the map is told by the channels of the
 * journey, but for empty values, which are no channels; and one of which all
 * touchpoints have the same value is told by that value, and left out of what is
 * stored (kept_brief) until something changes (kept_whole).
 */
#include "journey/argument.h"

#include "catalog/pg_type.h"
#include "kept/deciders.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(kept_deciders_step);
PG_FUNCTION_INFO_V1(kept_values);
PG_FUNCTION_INFO_V1(kept_brief);
PG_FUNCTION_INFO_V1(kept_whole);
PG_FUNCTION_INFO_V1(kept_stored_step);

/* The event of a value, in a buffer of LABEL_MAX_BYTES + DECIDER_PREFIX_MAX; the place counts from 0. */
static Label
make_event(int place, Label value, char *buffer)
{
	CjmError	error = {0};
	int			prefix;

	if (!decider_check(value, &error))
		cjm_report(&error);
	prefix = snprintf(buffer, DECIDER_PREFIX_MAX + 1, "%d:", place + 1);
	memcpy(buffer + prefix, value.bytes, value.size);
	return (Label) {buffer, prefix + value.size};
}

static void
check_count(int count)
{
	if (count > DECIDERS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there cannot be %d dimensions", count)));
}

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
	check_count(count);
	for (int i = 0; i < count; i++)
	{
		Label		said;

		if (nulls[i])
			continue;
		said = make_event(i, label_from_text(DatumGetTextPP(values[i])), event);
		if (builder == NULL)
			builder = builder_create(pool);
		if (!builder_add(&builder, at, said, NO_LABEL, NO_LABEL, false, 0, &error))
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

/* What decides a dimension, of all that has been offered. */
typedef struct Choice
{
	bool		made;
	int64		at;
	Label		value;
} Choice;

/* Takes what is earlier, or later if the last counts; of one time the smallest value, as map_first_touches and map_last_touches do. */
static void
choose(Choice *choice, bool last, int64 at, Label value)
{
	if (choice->made && at != choice->at && (at < choice->at) == last)
		return;
	if (choice->made && at == choice->at && (choice->value.size == 0 || (value.size > 0 && label_compare(value, choice->value) >= 0)))
		return;
	*choice = (Choice) {true, at, value};
}

/* Offers what the deciders say of each dimension. */
static void
choose_deciders(Choice *choices, int count, bool last, Datum deciders)
{
	int64		at = PG_INT64_MIN;
	int			found = 0;
	JourneyView view;
	Label	   *labels;

	journey_open_datum(deciders, &view);
	labels = journey_labels(&view.events);
	for (uint32 i = 0; i < view.count && (last || found < count); i++)
	{
		Label		value;
		int			place = split_event(labels[journey_label_at(&view.events, i)], count, &value);

		at = journey_at_after(&view, i, at);
		if (place < 0)
			continue;
		found += !choices[place].made;
		choose(&choices[place], last, at, value);
	}
}

/* Offers the channels of a journey to the dimensions that are the channel. */
static void
choose_channels(Choice *choices, const bool *by_channel, int count, bool last, Datum journey)
{
	Choice		channel = {false};
	int64		at = PG_INT64_MIN;
	JourneyView view;
	Label	   *labels;

	journey_open_datum(journey, &view);
	if (view.channels.width == 0)
		return;
	labels = journey_labels(&view.channels);
	for (uint32 i = 0; i < view.count; i++)
	{
		uint32		entry = journey_label_at(&view.channels, i);

		at = journey_at_after(&view, i, at);
		if (!last && channel.made && at > channel.at)
			break;
		if (entry > 0)
			choose(&channel, last, at, labels[entry - 1]);
	}
	for (int i = 0; i < count; i++)
		if (by_channel[i] && channel.made)
			choose(&choices[i], last, channel.at, channel.value);
}

/*
 * kept_values(deciders, journey, by_channel, last): of each dimension the first or the
 * last value, NULL where there is none.  by_channel says of each whether it is the
 * channel; the deciders are all there are, see kept_whole.
 */
Datum
kept_values(PG_FUNCTION_ARGS)
{
	int			lower = 1;
	bool		any = false;
	bool		last;
	bool	   *by_channel;
	int			count;
	Choice	   *choices;
	Datum	   *values;
	bool	   *nulls;

	if (PG_ARGISNULL(2) || PG_ARGISNULL(3))
		PG_RETURN_NULL();
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), BOOLOID, 1, true, TYPALIGN_CHAR, &values, &nulls, &count);
	check_count(count);
	last = PG_GETARG_BOOL(3);
	by_channel = palloc(Max(count, 1) * sizeof(bool));
	choices = palloc0(Max(count, 1) * sizeof(Choice));
	for (int i = 0; i < count; i++)
		any |= by_channel[i] = !nulls[i] && DatumGetBool(values[i]);
	if (!PG_ARGISNULL(0))
		choose_deciders(choices, count, last, PG_GETARG_DATUM(0));
	if (any && !PG_ARGISNULL(1))
		choose_channels(choices, by_channel, count, last, PG_GETARG_DATUM(1));
	for (int i = 0; i < count; i++)
	{
		nulls[i] = !choices[i].made;
		values[i] = choices[i].made ? label_to_datum(choices[i].value) : (Datum) 0;
	}
	PG_RETURN_ARRAYTYPE_P(construct_md_array(values, nulls, 1, &count, &lower, TEXTOID, -1, false, TYPALIGN_INT));
}

/* What deciders say of a dimension: how often, and how many different values. */
typedef struct Said
{
	uint32		entries;
	uint32		values;
} Said;

/* Counts what deciders say of each place; places has the place of each label, -1 where it is of none. */
static void
count_said(const JourneyView *deciders, const Label *labels, int *places, Said *said)
{
	Label		value;

	for (uint32 i = 0; i < deciders->events.count; i++)
	{
		places[i] = split_event(labels[i], DECIDERS_MAX, &value);
		if (places[i] >= 0)
			said[places[i]].values++;
	}
	for (uint32 i = 0; i < deciders->count; i++)
	{
		int			place = places[journey_label_at(&deciders->events, i)];

		if (place >= 0)
			said[place].entries++;
	}
}

/*
 * kept_brief(deciders, journey): the deciders without those dimensions of which each
 * touchpoint of the journey has the same value; NULL if that is all of them.
 */
Datum
kept_brief(PG_FUNCTION_ARGS)
{
	Said		said[DECIDERS_MAX] = {{0}};
	bool		left_out[DECIDERS_MAX];
	bool		any = false;
	JourneyBuilder *builder;
	JourneyView deciders;
	JourneyView journey;
	CjmError	error = {0};
	Label	   *labels;
	int		   *places;

	journey_open_datum(PG_GETARG_DATUM(0), &deciders);
	journey_open_head(PG_GETARG_DATUM(1), &journey);
	labels = journey_labels(&deciders.events);
	places = palloc(Max(deciders.events.count, 1) * sizeof(int));
	count_said(&deciders, labels, places, said);
	for (int i = 0; i < DECIDERS_MAX; i++)
	{
		left_out[i] = said[i].values == 1 && said[i].entries == journey.count;
		any |= left_out[i];
	}
	if (!any)
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	builder = builder_create(NULL);
	for (uint32 i = 0; i < deciders.count; i++)
	{
		uint32		label = journey_label_at(&deciders.events, i);

		if (places[label] >= 0 && left_out[places[label]])
			continue;
		if (!builder_add(&builder, journey_at(&deciders, i), labels[label], NO_LABEL, NO_LABEL, false, 0, &error))
			cjm_report(&error);
	}
	if (builder->count == 0)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(journey_from_builder(builder, false));
}

/* Lets a builder have a value of a place at each touchpoint of a journey. */
static JourneyBuilder *
add_alike(JourneyBuilder *builder, const JourneyView *journey, int place, Label value)
{
	char		event[LABEL_MAX_BYTES + DECIDER_PREFIX_MAX];
	Label		said = make_event(place, value, event);
	int64		at = PG_INT64_MIN;
	CjmError	error = {0};

	for (uint32 i = 0; i < journey->count; i++)
	{
		at = journey_at_after(journey, i, at);
		if (!builder_add(&builder, at, said, NO_LABEL, NO_LABEL, false, 0, &error))
			cjm_report(&error);
	}
	return builder;
}

/*
 * kept_whole(deciders, journey, values): what kept_brief made its result of.  The values
 * are those of the dimensions, NULL where there is none and where the channel tells.
 */
Datum
kept_whole(PG_FUNCTION_ARGS)
{
	Said		said[DECIDERS_MAX] = {{0}};
	JourneyBuilder *builder = NULL;
	JourneyView deciders;
	JourneyView journey;
	CjmError	error = {0};
	Datum	   *values;
	bool	   *nulls;
	int			count;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	if (!PG_ARGISNULL(0))
	{
		journey_open_datum(PG_GETARG_DATUM(0), &deciders);
		count_said(&deciders, journey_labels(&deciders.events), palloc(Max(deciders.events.count, 1) * sizeof(int)), said);
	}
	journey_open_datum(PG_GETARG_DATUM(1), &journey);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &count);
	check_count(count);
	for (int i = 0; i < count; i++)
	{
		if (nulls[i] || said[i].entries > 0)
			continue;
		if (builder == NULL)
			builder = builder_create(NULL);
		builder = add_alike(builder, &journey, i, label_from_text(DatumGetTextPP(values[i])));
	}
	if (builder == NULL && PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (builder == NULL)
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	if (!PG_ARGISNULL(0) && !builder_add_view(&builder, &deciders, 0, deciders.count, &error))
		cjm_report(&error);
	PG_RETURN_DATUM(journey_from_builder(builder, false));
}

/*
 * The transition function of kept_stored_agg.  A strict one is called from the second
 * value on that is not NULL, and the store has one of a customer.
 */
Datum
kept_stored_step(PG_FUNCTION_ARGS)
{
	ereport(ERROR,
			(errcode(ERRCODE_CARDINALITY_VIOLATION),
			 errmsg("a customer is more than once in a store of kept journeys"),
			 errhint("The index of the store is damaged: cjm.unkeep_journeys and cjm.keep_journeys make it anew.")));
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}
