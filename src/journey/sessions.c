/*
 * journey/sessions.c: sessions(journey, gap), session_journeys(journey, gap) and
 * session_stats(journey, gap).
 */
#include "journey/argument.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "journey/builder.h"
#include "journey/session.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(journey_sessions);
PG_FUNCTION_INFO_V1(journey_session_journeys);
PG_FUNCTION_INFO_V1(journey_session_stats);

/* sessions(journey, gap): a row for each session, in time order. */
Datum
journey_sessions(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int64		timeout = interval_microseconds(PG_GETARG_INTERVAL_P(1), "session gap");
	JourneyView view;
	Datum	   *events;
	Datum	   *channels;
	SessionCursor cursor;
	Session		session;

	start_rows(fcinfo);
	journey_open_datum(PG_GETARG_DATUM(0), &view);
	events = label_datums(&view.events);
	channels = label_datums(&view.channels);
	session_cursor_start(&cursor, &view, timeout);
	while (session_cursor_next(&cursor, &session))
	{
		Datum		values[10];
		bool		nulls[10] = {false};

		values[0] = Int64GetDatum(session.number);
		values[1] = TimestampTzGetDatum(session.started_at);
		values[2] = TimestampTzGetDatum(session.ended_at);
		values[3] = Int64GetDatum(session.touches);
		values[4] = events[session.entry_event];
		values[5] = events[session.exit_event];
		nulls[6] = session.channel == 0;
		values[6] = nulls[6] ? (Datum) 0 : channels[session.channel - 1];
		nulls[7] = !session.has_value;
		values[7] = Float8GetDatum(session.value);
		values[8] = BoolGetDatum(session.touches == 1);
		nulls[9] = !session.has_gross;
		values[9] = Float8GetDatum(session.gross);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* The number of the first touchpoint after the session that touchpoint first begins. */
static uint32
session_after(const JourneyView *view, uint32 first, int64 timeout, int64 *ended_at)
{
	uint32		next;

	for (next = first + 1; next < view->count; next++)
	{
		int64		at = journey_at_after(view, next, *ended_at);

		CHECK_FOR_INTERRUPTS();
		if (!session_goes_on(*ended_at, at, timeout))
			break;
		*ended_at = at;
	}
	return next;
}

/* session_journeys(journey, gap): each session as a journey, in time order. */
Datum
journey_session_journeys(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int64		timeout = interval_microseconds(PG_GETARG_INTERVAL_P(1), "session gap");
	JourneyView view;
	int64		ended_at = PG_INT64_MIN;
	uint32		next;

	start_rows(fcinfo);
	journey_open_datum(PG_GETARG_DATUM(0), &view);
	for (uint32 first = 0; first < view.count; first = next)
	{
		JourneyBuilder *builder = builder_create(NULL);
		bool		null = false;
		Datum		session;
		CjmError	error = {0};

		ended_at = journey_at_after(&view, first, ended_at);
		next = session_after(&view, first, timeout, &ended_at);
		if (!builder_add_view(&builder, &view, first, next, &error))
			cjm_report(&error);
		session = journey_from_builder(builder, false);
		tuplestore_putvalues(result->setResult, result->setDesc, &session, &null);
		pfree(DatumGetPointer(session));
		builder_free(builder);
	}
	return (Datum) 0;
}

/* session_stats(journey, gap): all sessions of a journey in one row. */
Datum
journey_session_stats(PG_FUNCTION_ARGS)
{
	int64		timeout = interval_microseconds(PG_GETARG_INTERVAL_P(1), "session gap");
	JourneyView view;
	int64		sessions = 0;
	int64		bounces = 0;
	uint64		total = 0;
	uint64		longest = 0;
	int64		ended_at = PG_INT64_MIN;
	Datum		values[7];
	bool		nulls[7] = {false};
	uint32		next;

	journey_open_datum(PG_GETARG_DATUM(0), &view);
	/* Only times are read. */
	for (uint32 first = 0; first < view.count; first = next)
	{
		int64		started_at = journey_at_after(&view, first, ended_at);
		uint64		length;

		CHECK_FOR_INTERRUPTS();
		ended_at = started_at;
		next = session_after(&view, first, timeout, &ended_at);
		length = (uint64) ended_at - (uint64) started_at;
		sessions++;
		bounces += next == first + 1;
		total += length;
		longest = Max(longest, length);
	}
	nulls[2] = nulls[5] = nulls[6] = sessions == 0;
	values[0] = Int64GetDatum(sessions);
	values[1] = Int64GetDatum(bounces);
	values[2] = Float8GetDatum(sessions > 0 ? (double) bounces / sessions : 0);
	values[3] = Int64GetDatum(view.count);
	values[4] = IntervalPGetDatum(interval_from_microseconds(total));
	values[5] = IntervalPGetDatum(interval_from_microseconds(sessions > 0 ? (total + sessions / 2) / sessions : 0));
	values[6] = IntervalPGetDatum(interval_from_microseconds(longest));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(result_row(fcinfo), values, nulls)));
}
