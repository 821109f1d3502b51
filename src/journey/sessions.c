/*
 * journey/sessions.c: sessions(journey, gap, rule, time_zone), session_journeys(...) and
 * session_stats(...).
 */
#include "journey/argument.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "journey/builder.h"
#include "journey/session_rule.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(journey_sessions);
PG_FUNCTION_INFO_V1(journey_session_journeys);
PG_FUNCTION_INFO_V1(journey_session_stats);

/* What a call site of these functions keeps. */
typedef struct CallSite
{
	TupleDesc	row;			/* of session_stats; NULL: not looked up yet */
	void	   *days;
} CallSite;

static CallSite *
call_site(FunctionCallInfo fcinfo)
{
	if (fcinfo->flinfo->fn_extra == NULL)
		fcinfo->flinfo->fn_extra = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(CallSite));
	return (CallSite *) fcinfo->flinfo->fn_extra;
}

/* What ends a session. */
static SessionRule
rule_arguments(FunctionCallInfo fcinfo)
{
	return session_rule_arguments(fcinfo, 1, 2, 3, &call_site(fcinfo)->days);
}

/* sessions(journey, gap, rule, time_zone): a row for each session, in time order. */
Datum
journey_sessions(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	SessionRule rule;
	JourneyView view;
	Datum	   *events;
	Datum	   *channels;
	SessionCursor cursor;
	Session		session;

	start_rows(fcinfo);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return (Datum) 0;
	rule = rule_arguments(fcinfo);
	journey_open_datum(PG_GETARG_DATUM(0), &view);
	events = label_datums(&view.events);
	channels = label_datums(&view.channels);
	session_cursor_start(&cursor, &view, &rule);
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

/*
 * The number of the first touchpoint after the session that touchpoint first begins;
 * ended_at is the time of the touchpoint before first, and becomes that of the session's last.
 * Nothing but times is read, and channels if they end sessions.
 */
static uint32
session_after(const JourneyView *view, uint32 first, const SessionRule *rule, int64 *ended_at)
{
	SessionGoing state = {.begun = false};
	uint32		next;

	for (next = first; next < view->count; next++)
	{
		int64		at = journey_at_after(view, next, *ended_at);

		CHECK_FOR_INTERRUPTS();
		if (!session_takes_touch(&state, rule, view, next, at) && next > first)
			break;
		*ended_at = at;
	}
	return next;
}

/* session_journeys(journey, gap, rule, time_zone): each session as a journey, in time order. */
Datum
journey_session_journeys(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	SessionRule rule;
	JourneyView view;
	int64		ended_at = PG_INT64_MIN;
	uint32		next;

	start_rows(fcinfo);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return (Datum) 0;
	rule = rule_arguments(fcinfo);
	journey_open_datum(PG_GETARG_DATUM(0), &view);
	for (uint32 first = 0; first < view.count; first = next)
	{
		JourneyBuilder *builder = builder_create(NULL);
		bool		null = false;
		Datum		session;
		CjmError	error = {0};

		next = session_after(&view, first, &rule, &ended_at);
		if (!builder_add_view(&builder, &view, first, next, &error))
			cjm_report(&error);
		session = journey_from_builder(builder, false);
		tuplestore_putvalues(result->setResult, result->setDesc, &session, &null);
		pfree(DatumGetPointer(session));
		builder_free(builder);
	}
	return (Datum) 0;
}

/* session_stats(journey, gap, rule, time_zone): all sessions of a journey in one row. */
Datum
journey_session_stats(PG_FUNCTION_ARGS)
{
	SessionRule rule;
	JourneyView view;
	int64		sessions = 0;
	int64		bounces = 0;
	uint64		total = 0;
	uint64		longest = 0;
	int64		ended_at = PG_INT64_MIN;
	Datum		values[7];
	bool		nulls[7] = {false};
	uint32		next;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	rule = rule_arguments(fcinfo);
	journey_open_datum(PG_GETARG_DATUM(0), &view);
	for (uint32 first = 0; first < view.count; first = next)
	{
		int64		started_at = journey_at_after(&view, first, ended_at);
		uint64		length;

		CHECK_FOR_INTERRUPTS();
		next = session_after(&view, first, &rule, &ended_at);
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
	if (call_site(fcinfo)->row == NULL)
		call_site(fcinfo)->row = result_row_looked_up(fcinfo);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(call_site(fcinfo)->row, values, nulls)));
}
