/*
 * funnel/step.c: what one journey did in a funnel: funnel_step, funnel_times,
 * conversions.
 */
#include "funnel/argument.h"

#include "catalog/pg_type.h"
#include "funnel/match.h"
#include "nodes/primnodes.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/rangetypes.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(journey_funnel_step);
PG_FUNCTION_INFO_V1(journey_funnel_times);
PG_FUNCTION_INFO_V1(journey_conversions);

/* The arguments journey, funnel and, if it is there, entry range. */
static FunnelMatcher *
open_arguments(FunctionCallInfo fcinfo, JourneyView *view, FunnelEntry *entry)
{
	journey_open_datum(PG_GETARG_DATUM(0), view);
	*entry = PG_NARGS() > 2 ? funnel_entry(PG_GETARG_DATUM(2)) : FUNNEL_ANY_ENTRY;
	return funnel_matcher_argument(fcinfo, 1, NULL);
}

/* The winning walk of the arguments; returns the number of stages. */
static int
winning_walk(FunctionCallInfo fcinfo, FunnelWalk *walk)
{
	JourneyView view;
	FunnelEntry entry;
	FunnelMatcher *matcher = open_arguments(fcinfo, &view, &entry);

	funnel_match_journey(matcher, &view, entry, walk);
	return funnel_matcher_rules(matcher)->nstages;
}

/* funnel_step(journey, funnel [, entered]): the highest stage that a walk ends with, 0 for none. */
Datum
journey_funnel_step(PG_FUNCTION_ARGS)
{
	FunnelWalk	walk;

	winning_walk(fcinfo, &walk);
	PG_RETURN_INT32(walk.step);
}

/* funnel_times(journey, funnel [, entered]): the winning walk's time at each stage. */
Datum
journey_funnel_times(PG_FUNCTION_ARGS)
{
	FunnelWalk	walk;
	int			nstages = winning_walk(fcinfo, &walk);
	Datum		times[FUNNEL_MAX_STAGES];
	bool		nulls[FUNNEL_MAX_STAGES];
	int			lower = 1;

	for (int i = 0; i < nstages; i++)
	{
		nulls[i] = !(walk.passed >> i & 1);
		times[i] = nulls[i] ? (Datum) 0 : TimestampTzGetDatum(walk.at[i]);
	}
	PG_RETURN_ARRAYTYPE_P(construct_md_array(times, nulls, 1, &nstages, &lower,
											 TIMESTAMPTZOID, sizeof(TimestampTz), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* conversions(journey, funnel [, entered]): how often the funnel was completed. */
Datum
journey_conversions(PG_FUNCTION_ARGS)
{
	JourneyView view;
	FunnelEntry entry;
	FunnelMatcher *matcher = open_arguments(fcinfo, &view, &entry);
	const FunnelTouch *touches;
	size_t		count = funnel_match_touches(matcher, &view, &touches);

	PG_RETURN_INT64(count == 0 ? 0 : funnel_conversions(funnel_matcher_rules(matcher), entry, touches, count, NULL));
}
