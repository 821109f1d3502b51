/*
 * journey/session.c: cuts a journey into sessions, see journey/session.h.
 *
 * One pass, constant memory.
 */
#include "journey/session.h"

void
session_cursor_start(SessionCursor *cursor, const JourneyView *view, int64 timeout)
{
	journey_cursor_start(&cursor->journey, view, 0);
	cursor->timeout = timeout;
	cursor->number = 0;
	cursor->more = journey_cursor_next(&cursor->journey, &cursor->ahead);
}

/* Reads the next session; false at the end. */
bool
session_cursor_next(SessionCursor *cursor, Session *session)
{
	if (!cursor->more)
		return false;
	memset(session, 0, sizeof(*session));
	session->number = ++cursor->number;
	session->started_at = cursor->ahead.at;
	session->entry_event = cursor->ahead.event;
	do
	{
		const Touch *touch = &cursor->ahead;

		CHECK_FOR_INTERRUPTS();
		session->ended_at = touch->at;
		session->exit_event = touch->event;
		session->touches++;
		if (session->channel == 0)
			session->channel = touch->channel;
		if (touch->has_value)
		{
			session->has_value = true;
			session->value += touch->value;
			if (!(touch->value < 0))
			{
				session->has_gross = true;
				session->gross += touch->value;
			}
		}
		cursor->more = journey_cursor_next(&cursor->journey, &cursor->ahead);
	} while (cursor->more && session_goes_on(session->ended_at, cursor->ahead.at, cursor->timeout));
	return true;
}
