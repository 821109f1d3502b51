/*
 * journey/touchpoint.c: what is in a journey: touchpoints, touch_count, first_touch,
 * last_touch, first_channel, duration, slice, without_values, without_events, only_events,
 * has_event.
 */
#include "journey/argument.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "journey/listed.h"
#include "utils/fmgroids.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(journey_touchpoints);
PG_FUNCTION_INFO_V1(journey_touch_count);
PG_FUNCTION_INFO_V1(journey_first_touch);
PG_FUNCTION_INFO_V1(journey_last_touch);
PG_FUNCTION_INFO_V1(journey_first_at);
PG_FUNCTION_INFO_V1(journey_last_at);
PG_FUNCTION_INFO_V1(journey_first_channel);
PG_FUNCTION_INFO_V1(journey_duration);
PG_FUNCTION_INFO_V1(journey_slice);
PG_FUNCTION_INFO_V1(journey_without_values);
PG_FUNCTION_INFO_V1(journey_without_events);
PG_FUNCTION_INFO_V1(journey_only_events);
PG_FUNCTION_INFO_V1(journey_has_event);
PG_FUNCTION_INFO_V1(journey_has_event_enum);

#define TOUCHPOINT_COLUMNS 5

/* The columns of type touchpoint; no channel is no datum, nor is no session. */
static void
touchpoint_columns(const Touch *touch, Datum event, Datum channel, Datum session, Datum *values, bool *nulls)
{
	nulls[0] = nulls[1] = false;
	values[0] = TimestampTzGetDatum(touch->at);
	values[1] = event;
	nulls[2] = touch->channel == 0;
	values[2] = channel;
	nulls[3] = !touch->has_value;
	values[3] = Float8GetDatum(touch->value);
	nulls[4] = touch->session == 0;
	values[4] = session;
}

/* touchpoints(journey): a row for each, in canonical order. */
Datum
journey_touchpoints(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	JourneyView view;
	Datum	   *events;
	Datum	   *channels;
	Datum	   *sessions;
	JourneyCursor cursor;
	Touch		touch;

	start_rows(fcinfo);
	journey_open_datum(PG_GETARG_DATUM(0), &view);
	events = label_datums(&view.events);
	channels = label_datums(&view.channels);
	sessions = label_datums(&view.sessions);
	journey_cursor_start(&cursor, &view, 0);
	while (journey_cursor_next(&cursor, &touch))
	{
		Datum		values[TOUCHPOINT_COLUMNS];
		bool		nulls[TOUCHPOINT_COLUMNS];

		CHECK_FOR_INTERRUPTS();
		touchpoint_columns(&touch, events[touch.event], touch.channel ? channels[touch.channel - 1] : (Datum) 0,
						   touch.session ? sessions[touch.session - 1] : (Datum) 0, values, nulls);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

Datum
journey_touch_count(PG_FUNCTION_ARGS)
{
	JourneyView view;

	journey_open_head(PG_GETARG_DATUM(0), &view);
	PG_RETURN_INT64(view.count);
}

/* The touchpoint at a place of a journey as a row; NULL where the journey is empty. */
static Datum
touchpoint_at(FunctionCallInfo fcinfo, bool last)
{
	JourneyView view;
	JourneyCursor cursor;
	Touch		touch;
	Datum		values[TOUCHPOINT_COLUMNS];
	bool		nulls[TOUCHPOINT_COLUMNS];

	journey_open_datum(PG_GETARG_DATUM(0), &view);
	if (view.count == 0)
		PG_RETURN_NULL();
	journey_cursor_start(&cursor, &view, last ? view.count - 1 : 0);
	journey_cursor_next(&cursor, &touch);
	touchpoint_columns(&touch, label_to_datum(journey_label(&view.events, touch.event)),
					   touch.channel ? label_to_datum(journey_label(&view.channels, touch.channel - 1)) : (Datum) 0,
					   touch.session ? label_to_datum(journey_label(&view.sessions, touch.session - 1)) : (Datum) 0,
					   values, nulls);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(result_row(fcinfo), values, nulls)));
}

Datum
journey_first_touch(PG_FUNCTION_ARGS)
{
	return touchpoint_at(fcinfo, false);
}

Datum
journey_last_touch(PG_FUNCTION_ARGS)
{
	return touchpoint_at(fcinfo, true);
}

/* first_at(journey), last_at(journey): the times of these two alone, which most ask for; NULL where the journey is empty. */
Datum
journey_first_at(PG_FUNCTION_ARGS)
{
	JourneyView view;

	journey_open_head(PG_GETARG_DATUM(0), &view);
	if (view.count == 0)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(view.first);
}

Datum
journey_last_at(PG_FUNCTION_ARGS)
{
	JourneyView view;

	journey_open_datum(PG_GETARG_DATUM(0), &view);
	if (view.count == 0)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(journey_at_after(&view, view.count - 1, view.first));
}

/* first_channel(journey): that of the first touchpoint that has one. */
Datum
journey_first_channel(PG_FUNCTION_ARGS)
{
	JourneyView view;

	journey_open_datum(PG_GETARG_DATUM(0), &view);
	if (view.channels.count == 0)
		PG_RETURN_NULL();
	for (uint32 i = 0; i < view.count; i++)
	{
		uint32		channel = journey_label_at(&view.channels, i);

		CHECK_FOR_INTERRUPTS();
		if (channel != 0)
			PG_RETURN_DATUM(label_to_datum(journey_label(&view.channels, channel - 1)));
	}
	PG_RETURN_NULL();
}

/* duration(journey): time from the first touchpoint to the last. */
Datum
journey_duration(PG_FUNCTION_ARGS)
{
	JourneyView view;

	journey_open_datum(PG_GETARG_DATUM(0), &view);
	if (view.count == 0)
		PG_RETURN_NULL();
	PG_RETURN_INTERVAL_P(interval_from_microseconds((uint64) journey_at(&view, view.count - 1) -
													(uint64) view.first));
}

/* slice(journey, from, to): the touchpoints at from <= time < to; infinite ends are open. */
Datum
journey_slice(PG_FUNCTION_ARGS)
{
	JourneyView view;
	JourneyBuilder *builder = builder_create(NULL);
	CjmError	error = {0};

	journey_open_datum(PG_GETARG_DATUM(0), &view);
	if (!builder_add_view(&builder, &view,
						  journey_lower_bound(&view, PG_GETARG_TIMESTAMPTZ(1)),
						  journey_lower_bound(&view, PG_GETARG_TIMESTAMPTZ(2)), &error))
		cjm_report(&error);
	PG_RETURN_DATUM(journey_from_builder(builder, false));
}

/* What is left of a journey, by a list of events. */
typedef enum Leaving
{
	LEAVING_VALUES,				/* all but the values at them */
	LEAVING_OTHERS,				/* all but them */
	LEAVING_LISTED				/* none but them */
} Leaving;

/* The journey of the first argument, of which the events of the second leave so much; the same bytes if that is all. */
static Datum
by_events(FunctionCallInfo fcinfo, Leaving leaving)
{
	struct varlena *bytes = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0));
	JourneyBuilder *builder;
	JourneyView view;
	JourneyCursor cursor;
	Touch		touch;
	Label	   *events;
	Label	   *channels;
	Label	   *sessions;
	bool	   *listed;			/* by event */
	Label	   *list;
	uint32		count;
	CjmError	error = {0};

	journey_open_datum(PointerGetDatum(bytes), &view);
	if (view.count == 0 || (leaving == LEAVING_VALUES && view.values == NULL))
		PG_RETURN_POINTER(bytes);
	list = label_list(PG_GETARG_ARRAYTYPE_P(1), &count);
	listed = palloc_extended(view.events.count, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	if (!journey_listed(&view.events, list, count, listed, &error))
		cjm_report(&error);
	if (memchr(listed, leaving != LEAVING_LISTED, view.events.count) == NULL)
		PG_RETURN_POINTER(bytes);

	builder = builder_create(NULL);
	events = journey_labels(&view.events);
	channels = journey_labels(&view.channels);
	sessions = journey_labels(&view.sessions);
	journey_cursor_start(&cursor, &view, 0);
	while (journey_cursor_next(&cursor, &touch))
	{
		bool		is_listed = listed[touch.event];

		CHECK_FOR_INTERRUPTS();
		if (leaving != LEAVING_VALUES && is_listed != (leaving == LEAVING_LISTED))
			continue;
		if (!builder_add(&builder, touch.at, events[touch.event], touch.channel ? channels[touch.channel - 1] : NO_LABEL,
						 touch.session ? sessions[touch.session - 1] : NO_LABEL, touch.has_value && (leaving != LEAVING_VALUES || !is_listed), touch.value, &error))
			cjm_report(&error);
	}
	PG_RETURN_DATUM(journey_from_builder(builder, false));
}

Datum
journey_without_values(PG_FUNCTION_ARGS)
{
	return by_events(fcinfo, LEAVING_VALUES);
}

Datum
journey_without_events(PG_FUNCTION_ARGS)
{
	return by_events(fcinfo, LEAVING_OTHERS);
}

Datum
journey_only_events(PG_FUNCTION_ARGS)
{
	return by_events(fcinfo, LEAVING_LISTED);
}

/* has_event(journey, event): the dictionary alone answers. */
Datum
journey_has_event(PG_FUNCTION_ARGS)
{
	JourneyView view;

	journey_open_head(PG_GETARG_DATUM(0), &view);
	PG_RETURN_BOOL(journey_find_label(&view.events, label_from_text(PG_GETARG_TEXT_PP(1))) >= 0);
}

Datum
journey_has_event_enum(PG_FUNCTION_ARGS)
{
	char	   *name = OidOutputFunctionCall(F_ENUM_OUT, PG_GETARG_DATUM(1));
	JourneyView view;

	journey_open_head(PG_GETARG_DATUM(0), &view);
	PG_RETURN_BOOL(journey_find_label(&view.events, (Label) {name, strlen(name)}) >= 0);
}
