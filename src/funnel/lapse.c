/*
 * funnel/lapse.c: funnel_lapse(journey, funnel, away): how far a customer had
 * come in a funnel when first staying away for longer than away.
 *
 * The deepest walk of the touchpoints up to some time is looked for among those
 * that the matcher gives for the whole journey: stages that the whole does not
 * reach no part of it does.
 */
#include "funnel/argument.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "journey/session.h"

PG_FUNCTION_INFO_V1(journey_funnel_lapse);

#define LAPSE_COLUMNS 4

/* The journey is cut like one of sessions with that gap; the last of them ends with a lapse, too. */
Datum
journey_funnel_lapse(PG_FUNCTION_ARGS)
{
	FunnelMatcher *matcher = funnel_matcher_argument(fcinfo, 1, NULL);
	TupleDesc	row = funnel_result_row(fcinfo);
	const FunnelRules *rules = funnel_matcher_rules(matcher);
	int64		away = interval_microseconds(PG_GETARG_INTERVAL_P(2), "away");
	JourneyView view;
	const FunnelTouch *touches;
	size_t		count;
	size_t		before = 0;		/* touchpoints up to the end of the session */
	bool		begun = false;	/* one of them may begin a walk */
	FunnelWalk	walk = {0};
	Datum		values[LAPSE_COLUMNS];
	bool		nulls[LAPSE_COLUMNS] = {false};

	journey_open_datum(PG_GETARG_DATUM(0), &view);
	count = funnel_match_touches(matcher, &view, &touches);
	if (count == 0)
		PG_RETURN_NULL();
	for (uint32 i = 0; i < view.count; i++)
	{
		int64		at = journey_at(&view, i);
		int64		next = i + 1 == view.count ? at : journey_at_after(&view, i + 1, at);
		bool		last = i + 1 == view.count;

		CHECK_FOR_INTERRUPTS();
		if (!last && session_goes_on(at, next, away))
			continue;
		for (; before < count && touches[before].at <= at; before++)
			begun |= (touches[before].stages & funnel_begins(rules)) != 0;
		if (!begun)
			continue;
		funnel_walk(rules, FUNNEL_ANY_ENTRY, touches, before, &walk);
		if (walk.step == 0)
			continue;
		values[0] = Int32GetDatum(walk.step);
		values[1] = TimestampTzGetDatum(at);
		nulls[2] = last;
		values[2] = last ? (Datum) 0 : TimestampTzGetDatum(next);
		if (before < count)
			funnel_walk(rules, FUNNEL_ANY_ENTRY, touches, count, &walk);
		values[3] = Int32GetDatum(walk.step);
		PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(row, values, nulls)));
	}
	PG_RETURN_NULL();
}
