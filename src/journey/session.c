/*
 * journey/session.c: cuts a journey into sessions, see journey/session.h.
 *
 * One pass, constant memory; where sessions were given, so much as the touchpoints
 * take, in the current memory context.
 */
#include "journey/session.h"

/*
 * The session of each touchpoint, from 0, palloc'd; sets how many there are.  Where known
 * is not NULL, only the channels of touchpoints that it is true of end sessions.
 */
uint32 *
session_numbers(const JourneyView *view, const SessionRule *rule, const bool *known, uint32 *count)
{
	uint32	   *numbers = palloc_extended(Max((size_t) view->count, 1) * sizeof(uint32), MCXT_ALLOC_HUGE);
	uint32	   *given = palloc_extended(((size_t) view->sessions.count + 1) * sizeof(uint32), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	SessionGoing going = {.begun = false};
	uint32		by_rule = 0;
	int64		at = PG_INT64_MIN;

	*count = 0;
	for (uint32 i = 0; i < view->count; i++)
	{
		uint32		session = journey_label_at(&view->sessions, i);

		CHECK_FOR_INTERRUPTS();
		at = journey_at_after(view, i, at);
		if (session == 0)
		{
			uint32		channel = rule->by_channel && (known == NULL || known[i]) ? journey_label_at(&view->channels, i) : 0;

			if (!session_takes(&going, rule, at, channel))
				by_rule = (*count)++;
			numbers[i] = by_rule;
			continue;
		}
		if (given[session] == 0)
			given[session] = ++*count;
		numbers[i] = given[session] - 1;
	}
	pfree(given);
	return numbers;
}

/* The touchpoints in the order of their sessions, of which there are count, palloc'd; those of one session as they are in the journey. */
uint32 *
session_order(const uint32 *numbers, uint32 touches, uint32 count)
{
	uint32	   *order = palloc_extended(Max((size_t) touches, 1) * sizeof(uint32), MCXT_ALLOC_HUGE);
	uint32	   *places = palloc_extended(((size_t) count + 1) * sizeof(uint32), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	for (uint32 i = 0; i < touches; i++)
		places[numbers[i] + 1]++;
	for (uint32 i = 1; i < count; i++)
		places[i] += places[i - 1];
	for (uint32 i = 0; i < touches; i++)
		order[places[numbers[i]]++] = i;
	pfree(places);
	return order;
}

/* Puts the touchpoints into the order of their sessions. */
static void
sort_touches(SessionCursor *cursor, const JourneyView *view)
{
	uint32		count;
	uint32	   *numbers = session_numbers(view, cursor->rule, NULL, &count);
	uint32	   *order = session_order(numbers, view->count, count);
	Touch	   *read = palloc_extended((size_t) view->count * sizeof(Touch), MCXT_ALLOC_HUGE);

	for (uint32 i = 0; i < view->count; i++)
		(void) journey_cursor_next(&cursor->journey, &read[i]);
	cursor->touches = palloc_extended((size_t) view->count * sizeof(Touch), MCXT_ALLOC_HUGE);
	cursor->numbers = palloc_extended((size_t) view->count * sizeof(uint32), MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < view->count; i++)
	{
		cursor->touches[i] = read[order[i]];
		cursor->numbers[i] = numbers[order[i]];
	}
	pfree(read);
	pfree(order);
	pfree(numbers);
}

/* Reads the next touchpoint; whether it goes on with the session. */
static bool
read_ahead(SessionCursor *cursor)
{
	if (cursor->touches != NULL)
	{
		uint32		i = cursor->next++;

		cursor->more = i < cursor->journey.view->count;
		if (cursor->more)
			cursor->ahead = cursor->touches[i];
		return cursor->more && i > 0 && cursor->numbers[i] == cursor->numbers[i - 1];
	}
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
	cursor->touches = NULL;
	cursor->next = 0;
	if (view->sessions.count > 0)
		sort_touches(cursor, view);
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
	session->given = cursor->ahead.session;
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
