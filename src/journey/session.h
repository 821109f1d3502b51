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

/* What ends a session: a gap, and where that is asked for another channel or another day. */
typedef struct SessionRule
{
	int64		timeout;		/* microseconds */
	bool		by_channel;
	int64		(*day_end) (void *days, int64 at);	/* when the day of a moment is over; NULL: days end none */
	void	   *days;
} SessionRule;

/* What has to be known of a session to say whether it goes on; all zero before the first one. */
typedef struct SessionGoing
{
	bool		begun;
	int64		at;				/* of its last touchpoint */
	int64		day_end;		/* of the day on which it began, if days end sessions */
	uint32		channel;		/* the last one that is known, as a touchpoint has it; 0: none is */
} SessionGoing;

/*
 * Takes the next touchpoint of a journey.  Returns whether the session goes on
 * with it; else it begins the next one.  A touchpoint without a channel (0) goes
 * on with whatever channel there was.  Channels may be 0 if the rule does not ask
 * for them.
 */
static inline bool
session_takes(SessionGoing *session, const SessionRule *rule, int64 at, uint32 channel)
{
	bool		goes_on = session->begun && session_goes_on(session->at, at, rule->timeout);

	if (rule->day_end != NULL)
		goes_on = goes_on && at < session->day_end;
	if (rule->by_channel)
	{
		goes_on = goes_on && (channel == 0 || session->channel == 0 || channel == session->channel);
		if (channel != 0 || !goes_on)
			session->channel = channel;
	}
	if (!goes_on && rule->day_end != NULL)
		session->day_end = rule->day_end(rule->days, at);
	session->begun = true;
	session->at = at;
	return goes_on;
}

/* session_takes of touchpoint i of a view, the time of which the caller has read. */
static inline bool
session_takes_touch(SessionGoing *session, const SessionRule *rule, const JourneyView *view, uint32 i, int64 at)
{
	return session_takes(session, rule, at, rule->by_channel ? journey_label_at(&view->channels, i) : 0);
}

typedef struct Session
{
	int64		number;			/* from 1, in the order of first touchpoints */
	int64		started_at;
	int64		ended_at;
	int64		touches;
	uint32		entry_event;	/* ids of the journey */
	uint32		exit_event;
	uint32		channel;		/* of the first touchpoint that has one; 0: none, else id + 1 */
	uint32		given;			/* the session that was given; 0: none, else id + 1 */
	bool		has_value;
	double		value;			/* sum over the touchpoints that have one */
	bool		has_gross;
	double		gross;			/* the same without negative ones */
} Session;

/*
 * Touchpoints for which a session was given are in that one, whatever lies between
 * them, and the rule holds for the others among themselves.  Such sessions may
 * overlap; so they are numbered in the order of their first touchpoints, and whoever
 * reads a journey session by session takes its touchpoints in another order.
 */
extern uint32 *session_numbers(const JourneyView *view, const SessionRule *rule, const bool *known, uint32 *count);
extern uint32 *session_order(const uint32 *numbers, uint32 touches, uint32 count);

/* Walks a journey session by session. */
typedef struct SessionCursor
{
	JourneyCursor journey;
	const SessionRule *rule;
	SessionGoing state;
	Touch		ahead;			/* the touchpoint that begins the next session */
	Touch	   *touches;		/* where sessions were given: all, in the order of sessions; else NULL */
	uint32	   *numbers;		/* the session of each */
	uint32		next;			/* of them */
	bool		more;
	int64		number;
} SessionCursor;

extern void session_cursor_start(SessionCursor *cursor, const JourneyView *view, const SessionRule *rule);
extern bool session_cursor_next(SessionCursor *cursor, Session *session);

/* The event of the touchpoint in a place, counted session by session. */
static inline uint32
session_cursor_event(const SessionCursor *cursor, uint32 place)
{
	return cursor->touches != NULL ? cursor->touches[place].event : journey_label_at(&cursor->journey.view->events, place);
}

#endif							/* CJM_SESSION_H */
