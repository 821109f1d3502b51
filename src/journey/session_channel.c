/*
 * journey/session_channel.c: session_channel(journey, gap, at): the channel of
 * the session that a moment lies in.
 */
#include "journey/argument.h"

#include "journey/session.h"

PG_FUNCTION_INFO_V1(journey_session_channel);

Datum
journey_session_channel(PG_FUNCTION_ARGS)
{
	int64		timeout = interval_microseconds(PG_GETARG_INTERVAL_P(1), "session gap");
	TimestampTz at = PG_GETARG_TIMESTAMPTZ(2);
	JourneyView view;
	SessionCursor cursor;
	Session		session;

	journey_open_datum(PG_GETARG_DATUM(0), &view);
	if (view.channels.count == 0)
		PG_RETURN_NULL();
	session_cursor_start(&cursor, &view, timeout);
	while (session_cursor_next(&cursor, &session) && session.started_at <= at)
	{
		if (at <= session.ended_at && session.channel != 0)
			PG_RETURN_DATUM(label_to_datum(journey_label(&view.channels, session.channel - 1)));
	}
	PG_RETURN_NULL();
}
