/*
 * journey/session_events.c: session_events(journey, gap, rule, time_zone), total_value(journey) and
 * gross_value(journey).
 *
 * The events of each session, each once, beside what bounce and exit rates ask
 * of the session.  One pass over the journey and one over the events of each
 * session; an event of a session is known by the number of the session that
 * last had it, so nothing is sorted or searched.
 */
#include "journey/argument.h"

#include "funcapi.h"
#include "journey/session_rule.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(journey_session_events);
PG_FUNCTION_INFO_V1(journey_total_value);
PG_FUNCTION_INFO_V1(journey_gross_value);

#define EVENT_COLUMNS 10

/* A row for each event of each session. */
Datum
journey_session_events(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	SessionRule rule;
	JourneyView view;
	Datum	   *events;
	Datum	   *channels;
	int64	   *seen;			/* by event: the last session that had it */
	SessionCursor cursor;
	Session		session;
	uint32		next = 0;		/* touchpoint */

	start_rows(fcinfo);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return (Datum) 0;
	rule = session_rule_arguments(fcinfo, 1, 2, 3, &fcinfo->flinfo->fn_extra);
	journey_open_datum(PG_GETARG_DATUM(0), &view);
	events = label_datums(&view.events);
	channels = label_datums(&view.channels);
	seen = palloc_extended((size_t) view.events.count * sizeof(int64), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	session_cursor_start(&cursor, &view, &rule);
	while (session_cursor_next(&cursor, &session))
	{
		Datum		values[EVENT_COLUMNS];
		bool		nulls[EVENT_COLUMNS] = {false};

		values[0] = Int64GetDatum(session.number);
		values[2] = (Datum) 0;
		nulls[2] = session.channel == 0;
		if (!nulls[2])
			values[2] = channels[session.channel - 1];
		values[5] = TimestampTzGetDatum(session.started_at);
		values[6] = TimestampTzGetDatum(session.ended_at);
		values[7] = Int64GetDatum(session.touches);
		values[8] = Float8GetDatum((double) ((uint64) session.ended_at - (uint64) session.started_at) / USECS_PER_SEC);
		values[9] = BoolGetDatum(session.touches == 1);
		for (int64 i = 0; i < session.touches; i++)
		{
			uint32		event = session_cursor_event(&cursor, next++);

			CHECK_FOR_INTERRUPTS();
			if (seen[event] == session.number)
				continue;
			seen[event] = session.number;
			values[1] = events[event];
			values[3] = BoolGetDatum(event == session.entry_event);
			values[4] = BoolGetDatum(event == session.exit_event);
			tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		}
	}
	return (Datum) 0;
}

/* The sum of the values of a journey, in time order, or of those that are not negative; NULL where no touchpoint has one. */
static Datum
sum_values(FunctionCallInfo fcinfo, bool gross)
{
	JourneyView view;
	JourneyCursor cursor;
	Touch		touch;
	bool		has_value = false;
	double		total = 0;

	journey_open_datum(PG_GETARG_DATUM(0), &view);
	if (view.values == NULL)
		PG_RETURN_NULL();
	journey_cursor_start(&cursor, &view, 0);
	while (journey_cursor_next(&cursor, &touch))
	{
		CHECK_FOR_INTERRUPTS();
		if (touch.has_value && !(gross && touch.value < 0))
		{
			has_value = true;
			total += touch.value;
		}
	}
	if (!has_value)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(total);
}

Datum
journey_total_value(PG_FUNCTION_ARGS)
{
	return sum_values(fcinfo, false);
}

Datum
journey_gross_value(PG_FUNCTION_ARGS)
{
	return sum_values(fcinfo, true);
}
