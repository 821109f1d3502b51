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

/* Is touchpoint i, or one after it at its time, a visit? */
static bool
visit_at_time(const FunnelMatcher *visit, const JourneyView *view, uint32 i, int64 at)
{
	for (; i < view->count && journey_at(view, i) == at; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (funnel_match_stages(visit, view, i) != 0)
			return true;
	}
	return false;
}

Datum
journey_only_visits(PG_FUNCTION_ARGS)
{
	FunnelMatcher *visit;
	SessionRule rule;
	SessionGoing state = {.begun = false};
	JourneyBuilder *builder;
	JourneyView view;
	JourneyCursor cursor;
	Touch		touch;
	Label	   *events;
	Label	   *channels;
	bool		going = false;	/* a visit has begun in this session */
	int64		asked = PG_INT64_MIN;	/* a time at which no visit begins */
	CjmError	error = {0};

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	visit = funnel_matcher_argument(fcinfo, 1, NULL);
	rule = session_rule_arguments(fcinfo, 2, 3, 4, funnel_call_extra(fcinfo));
	builder = builder_create(NULL);
	journey_open_datum(PG_GETARG_DATUM(0), &view);
	if (funnel_match_start(visit, &view) == 0)
		PG_RETURN_DATUM(journey_from_builder(builder, false));
	events = journey_labels(&view.events);
	channels = journey_labels(&view.channels);
	journey_cursor_start(&cursor, &view, 0);
	while (journey_cursor_next(&cursor, &touch))
	{
		uint32		i = cursor.next - 1;
		bool		is_visit = funnel_match_stages(visit, &view, i) != 0;

		CHECK_FOR_INTERRUPTS();
		if (!session_takes(&state, &rule, touch.at, is_visit ? touch.channel : 0))
			going = false;
		if (!going && !is_visit && (touch.at == asked || !visit_at_time(visit, &view, i + 1, touch.at)))
		{
			asked = touch.at;
			continue;
		}
		going = true;
		if (!builder_add(&builder, touch.at, events[touch.event], is_visit && touch.channel ? channels[touch.channel - 1] : NO_LABEL,
						 touch.has_value, touch.value, &error))
			cjm_report(&error);
	}
	PG_RETURN_DATUM(journey_from_builder(builder, false));
}
