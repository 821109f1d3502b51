/*
 * funnel/visits.c: only_visits(journey, visit, gap, rule, time_zone): the
 * touchpoints of visits.
 *
 * What is seen elsewhere, an advertisement or a mail in the inbox, is a touchpoint
 * and no visit.  A journey is cut like one of sessions with that gap, and each
 * session begins with its first touchpoint that is a visit; those before it, and
 * sessions without any, are left out.  What comes after it in the session, a cart or
 * a purchase, belongs to it.  What lies at the time of that touchpoint does so too,
 * whatever its place in the order of labels.  Only what is a visit says through which
 * channel it came, so that the others lose theirs, and end no session by it.  So what
 * is left has the sessions that it had.
 */
#include "funnel/argument.h"

#include "journey/session_rule.h"

PG_FUNCTION_INFO_V1(journey_only_visits);

Datum
journey_only_visits(PG_FUNCTION_ARGS)
{
	FunnelMatcher *visit;
	SessionRule rule;
	JourneyBuilder *builder;
	JourneyView view;
	JourneyCursor cursor;
	Touch		touch;
	Label	   *events;
	Label	   *channels;
	Label	   *given;
	bool	   *is_visit;		/* by touchpoint */
	uint32	   *numbers;
	int64	   *began;			/* by session: when its first visit was */
	uint32		sessions;
	CjmError	error = {0};

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	visit = funnel_matcher_argument(fcinfo, 1, NULL);
	rule = session_rule_arguments(fcinfo, 2, 3, 4, funnel_call_extra(fcinfo));
	builder = builder_create(NULL);
	journey_open_datum(PG_GETARG_DATUM(0), &view);
	if (funnel_match_start(visit, &view) == 0)
		PG_RETURN_DATUM(journey_from_builder(builder, false));
	is_visit = palloc_extended(Max(view.count, 1), MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < view.count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		is_visit[i] = funnel_match_stages(visit, &view, i) != 0;
	}
	numbers = session_numbers(&view, &rule, is_visit, &sessions);
	began = palloc_extended(Max((size_t) sessions, 1) * sizeof(int64), MCXT_ALLOC_HUGE);
	for (uint32 n = 0; n < sessions; n++)
		began[n] = PG_INT64_MAX;
	for (uint32 i = view.count; i-- > 0;)
		if (is_visit[i])
			began[numbers[i]] = journey_at(&view, i);
	events = journey_labels(&view.events);
	channels = journey_labels(&view.channels);
	given = journey_labels(&view.sessions);
	journey_cursor_start(&cursor, &view, 0);
	while (journey_cursor_next(&cursor, &touch))
	{
		uint32		i = cursor.next - 1;

		CHECK_FOR_INTERRUPTS();
		if (touch.at < began[numbers[i]])
			continue;
		if (!builder_add(&builder, touch.at, events[touch.event], is_visit[i] && touch.channel ? channels[touch.channel - 1] : NO_LABEL,
						 touch.session ? given[touch.session - 1] : NO_LABEL, touch.has_value, touch.value, &error))
			cjm_report(&error);
	}
	PG_RETURN_DATUM(journey_from_builder(builder, false));
}
