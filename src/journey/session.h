/*
 * journey/session.h: the one rule of what a session is.
 */
#ifndef CJM_SESSION_H
#define CJM_SESSION_H

#include "journey/format.h"

/*
 * A touchpoint goes on with the session of the one before it unless more than
 * the timeout lies between them.  Times in microseconds, previous <= at.
 */
static inline bool
session_goes_on(int64 previous, int64 at, int64 timeout)
{
	return (uint64) at - (uint64) previous <= (uint64) timeout;
}

typedef struct Session
{
	int64		number;			/* from 1 */
	int64		started_at;
	int64		ended_at;
	int64		touches;
	uint32		entry_event;	/* ids of the journey */
	uint32		exit_event;
	uint32		channel;		/* of the first touchpoint that has one; 0: none, else id + 1 */
	bool		has_value;
	double		value;			/* sum over the touchpoints that have one */
	bool		has_gross;
	double		gross;			/* the same without negative ones */
} Session;

/* Walks a journey session by session. */
typedef struct SessionCursor
{
	JourneyCursor journey;
	int64		timeout;
	Touch		ahead;			/* the touchpoint that begins the next session */
	bool		more;
	int64		number;
} SessionCursor;

extern void session_cursor_start(SessionCursor *cursor, const JourneyView *view, int64 timeout);
extern bool session_cursor_next(SessionCursor *cursor, Session *session);

#endif							/* CJM_SESSION_H */
