/*
 * journey/session_channel.c: session_channel(journey, gap, at, rule, time_zone): the
 * channel of the session that a moment lies in.
 *
 * Sessions that were given may overlap: then a touchpoint at that moment tells which it is.
 */
#include "journey/argument.h"

#include "journey/session_rule.h"

PG_FUNCTION_INFO_V1(journey_session_channel);

/* The channel, as a touchpoint has it, of the first session with a touchpoint at a moment that has one, of those that were given too. */
static uint32
channel_at(const JourneyView *view, const SessionRule *rule, int64 at)
{
	uint32		count;
	uint32	   *numbers = session_numbers(view, rule, NULL, &count);
	uint32		first = journey_lower_bound(view, at);
	bool	   *asked = palloc_extended(Max(count, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	uint32	   *channels = palloc_extended((size_t) Max(count, 1) * sizeof(uint32), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	for (uint32 i = first; i < view->count && journey_at(view, i) == at; i++)
		asked[numbers[i]] = true;
	for (uint32 i = 0; i < view->count; i++)
		if (channels[numbers[i]] == 0)
			channels[numbers[i]] = journey_label_at(&view->channels, i);
	for (uint32 n = 0; n < count; n++)
		if (asked[n] && channels[n] != 0)
			return channels[n];
	return 0;
}

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
	if (view.sessions.count > 0)
	{
		uint32		first = journey_lower_bound(&view, at);
		uint32		channel;

		if (first < view.count && journey_at(&view, first) == at)
		{
			channel = channel_at(&view, &rule, at);
			if (channel == 0)
				PG_RETURN_NULL();
			PG_RETURN_DATUM(label_to_datum(journey_label(&view.channels, channel - 1)));
		}
	}
	session_cursor_start(&cursor, &view, &rule);
	while (session_cursor_next(&cursor, &session) && session.started_at <= at)
	{
		if (at <= session.ended_at && session.channel != 0)
			PG_RETURN_DATUM(label_to_datum(journey_label(&view.channels, session.channel - 1)));
	}
	PG_RETURN_NULL();
}
