/*
 * journey/session.c: cuts a journey into sessions, see journey/session.h.
 *
 * One pass, constant memory.
 */
#include "journey/session.h"

/* Reads the next touchpoint; whether it goes on with the session. */
static bool
read_ahead(SessionCursor *cursor)
{
	cursor->more = journey_cursor_next(&cursor->journey, &cursor->ahead);
	return cursor->more && session_takes(&cursor->state, cursor->rule, cursor->ahead.at, cursor->ahead.channel);
}

/* The view and the rule must stay. */
void
session_cursor_start(SessionCursor *cursor, const JourneyView *view, const SessionRule *rule)
{
	journey_cursor_start(&cursor->journey, view, 0);
	cursor->rule = rule;
	memset(&cursor->state, 0, sizeof(cursor->state));
	cursor->number = 0;
	read_ahead(cursor);
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
	} while (read_ahead(cursor));
	return true;
}
