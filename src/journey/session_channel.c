/*
 * journey/session_channel.c: session_channel(journey, gap, at, rule, time_zone): the
 * channel of the session that a moment lies in.
 */
#include "journey/argument.h"

#include "journey/session_rule.h"

PG_FUNCTION_INFO_V1(journey_session_channel);

Datum
journey_session_channel(PG_FUNCTION_ARGS)
{
	TimestampTz at;
	SessionRule rule;
	JourneyView view;
	SessionCursor cursor;
	Session		session;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	at = PG_GETARG_TIMESTAMPTZ(2);
	rule = session_rule_arguments(fcinfo, 1, 3, 4, &fcinfo->flinfo->fn_extra);
	journey_open_datum(PG_GETARG_DATUM(0), &view);
	if (view.channels.count == 0)
		PG_RETURN_NULL();
	session_cursor_start(&cursor, &view, &rule);
	while (session_cursor_next(&cursor, &session) && session.started_at <= at)
	{
		if (at <= session.ended_at && session.channel != 0)
			PG_RETURN_DATUM(label_to_datum(journey_label(&view.channels, session.channel - 1)));
	}
	PG_RETURN_NULL();
}
