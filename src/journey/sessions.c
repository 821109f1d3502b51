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

#define SESSION_COLUMNS 11

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
	Datum	   *given;
	SessionCursor cursor;
	Session		session;

	start_rows(fcinfo);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return (Datum) 0;
	rule = rule_arguments(fcinfo);
	journey_open_datum(PG_GETARG_DATUM(0), &view);
	events = label_datums(&view.events);
	channels = label_datums(&view.channels);
	given = label_datums(&view.sessions);
	session_cursor_start(&cursor, &view, &rule);
	while (session_cursor_next(&cursor, &session))
	{
		Datum		values[SESSION_COLUMNS];
		bool		nulls[SESSION_COLUMNS] = {false};

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
		nulls[10] = session.given == 0;
		values[10] = nulls[10] ? (Datum) 0 : given[session.given - 1];
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

/* The sessions of a journey for some touchpoints of which they were given. */
static void
put_given_sessions(ReturnSetInfo *result, const JourneyView *view, const SessionRule *rule)
{
	Label	   *events = journey_labels(&view->events);
	Label	   *channels = journey_labels(&view->channels);
	Label	   *given = journey_labels(&view->sessions);
	SessionCursor cursor;
	Session		session;
	uint32		next = 0;

	session_cursor_start(&cursor, view, rule);
	while (session_cursor_next(&cursor, &session))
	{
		JourneyBuilder *builder = builder_create(NULL);
		bool		null = false;
		Datum		value;
		CjmError	error = {0};

		for (int64 i = 0; i < session.touches; i++)
		{
			const Touch *touch = &cursor.touches[next++];

			CHECK_FOR_INTERRUPTS();
			if (!builder_add(&builder, touch->at, events[touch->event], touch->channel ? channels[touch->channel - 1] : NO_LABEL,
							 touch->session ? given[touch->session - 1] : NO_LABEL, touch->has_value, touch->value, &error))
				cjm_report(&error);
		}
		value = journey_from_builder(builder, false);
		tuplestore_putvalues(result->setResult, result->setDesc, &value, &null);
		pfree(DatumGetPointer(value));
		builder_free(builder);
	}
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
	if (view.sessions.count > 0)
	{
		put_given_sessions(result, &view, &rule);
		return (Datum) 0;
	}
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

/* What session_stats adds up; times in microseconds. */
typedef struct Sums
{
	int64		sessions;
	int64		bounces;
	uint64		total;
	uint64		longest;
} Sums;

static inline void
add_session(Sums *sums, int64 started_at, int64 ended_at, bool bounced)
{
	uint64		length = (uint64) ended_at - (uint64) started_at;

	sums->sessions++;
	sums->bounces += bounced;
	sums->total += length;
	sums->longest = Max(sums->longest, length);
}

/* session_stats(journey, gap, rule, time_zone): all sessions of a journey in one row. */
Datum
journey_session_stats(PG_FUNCTION_ARGS)
{
	SessionRule rule;
	JourneyView view;
	Sums		sums = {0};
	Datum		values[7];
	bool		nulls[7] = {false};

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	rule = rule_arguments(fcinfo);
	journey_open_datum(PG_GETARG_DATUM(0), &view);
	if (view.sessions.count > 0)
	{
		SessionCursor cursor;
		Session		session;

		session_cursor_start(&cursor, &view, &rule);
		while (session_cursor_next(&cursor, &session))
			add_session(&sums, session.started_at, session.ended_at, session.touches == 1);
	}
	else
	{
		SessionGoing going = {.begun = false};
		int64		started_at = 0;
		int64		ended_at = PG_INT64_MIN;
		uint32		first = 0;

		/* Times are read, and channels if they end sessions. */
		for (uint32 i = 0; i < view.count; i++)
		{
			int64		at = journey_at_after(&view, i, ended_at);

			CHECK_FOR_INTERRUPTS();
			if (!session_takes_touch(&going, &rule, &view, i, at))
			{
				if (i > 0)
					add_session(&sums, started_at, ended_at, i == first + 1);
				started_at = at;
				first = i;
			}
			ended_at = at;
		}
		if (view.count > 0)
			add_session(&sums, started_at, ended_at, view.count == first + 1);
	}
	nulls[2] = nulls[5] = nulls[6] = sums.sessions == 0;
	values[0] = Int64GetDatum(sums.sessions);
	values[1] = Int64GetDatum(sums.bounces);
	values[2] = Float8GetDatum(sums.sessions > 0 ? (double) sums.bounces / sums.sessions : 0);
	values[3] = Int64GetDatum(view.count);
	values[4] = IntervalPGetDatum(interval_from_microseconds(sums.total));
	values[5] = IntervalPGetDatum(interval_from_microseconds(sums.sessions > 0 ? (sums.total + sums.sessions / 2) / sums.sessions : 0));
	values[6] = IntervalPGetDatum(interval_from_microseconds(sums.longest));
	if (call_site(fcinfo)->row == NULL)
		call_site(fcinfo)->row = result_row_looked_up(fcinfo);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(call_site(fcinfo)->row, values, nulls)));
}
