/*
 * funnel/agg.c: the aggregates whose state is a funnel_stats.
 *
 * The state is an expanded object in the aggregate's memory and changes in
 * place.  What comes in from outside, a stored value or the state of another
 * aggregate, is read and never changed.  Outside of an aggregate the same
 * functions work on copies.
 *
 * Neither needs an order of its rows, and the combine function is a plain
 * merge, so that any plan gives the same bytes: serial, parallel,
 * partition-wise, as a window aggregate, split between servers.
 */
#include "funnel/stats_expanded.h"

PG_FUNCTION_INFO_V1(funnel_agg_step);
PG_FUNCTION_INFO_V1(funnel_walks_agg_step);
PG_FUNCTION_INFO_V1(funnel_stats_combine);

/* The context of the aggregate that calls; NULL if none does. */
static MemoryContext
calling_aggregate(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	return AggCheckCallContext(fcinfo, &context) ? context : NULL;
}

/* The state in the first argument, to be changed: the aggregate's own or a copy. */
static ExpandedStats *
own_state(FunctionCallInfo fcinfo)
{
	Datum		value = PG_GETARG_DATUM(0);
	MemoryContext aggregate = calling_aggregate(fcinfo);

	if (aggregate != NULL)
		return expanded_stats_own(value, aggregate);
	return expanded_stats_copy(NULL, funnel_stats_open_datum(value));
}

/* Has a row of journey, funnel and, if it is there, entry range a NULL? */
static inline bool
row_is_null(FunctionCallInfo fcinfo)
{
	return PG_ARGISNULL(1) || PG_ARGISNULL(2) || (PG_NARGS() > 3 && PG_ARGISNULL(3));
}

/* The state of an aggregate over rows of journey, funnel and, if it is there, entry range; and the matcher of the funnel. */
static inline ExpandedStats *
state_of_funnel(FunctionCallInfo fcinfo, FunnelMatcher **matcher)
{
	ExpandedStats *state;
	bool		constant;

	*matcher = funnel_matcher_argument(fcinfo, 2, &constant);
	if (PG_ARGISNULL(0))
	{
		struct varlena *funnel = PG_GETARG_VARLENA_PP(2);
		FunnelDef	def;

		funnel_open_datum(PointerGetDatum(funnel), &def);
		state = expanded_stats_new(calling_aggregate(fcinfo), (const uint8 *) VARDATA_ANY(funnel),
								   VARSIZE_ANY_EXHDR(funnel), &def);
	}
	else
	{
		state = own_state(fcinfo);
		/* The state that this very call made before is of a constant funnel. */
		if (!constant || expanded_stats_datum(state) != PG_GETARG_DATUM(0))
		{
			struct varlena *funnel = PG_GETARG_VARLENA_PP(2);

			funnel_stats_require(expanded_stats_read(state), (const uint8 *) VARDATA_ANY(funnel),
								 VARSIZE_ANY_EXHDR(funnel));
		}
	}
	return state;
}

/*
 * funnel_agg_step(funnel_stats, journey, funnel [, entered])
 *
 * Counts a customer.  A row with a NULL among its arguments does not count.
 */
Datum
funnel_agg_step(PG_FUNCTION_ARGS)
{
	FunnelMatcher *matcher;
	FunnelEntry entry;
	ExpandedStats *state;
	JourneyView view;
	FunnelWalk	walk;

	if (row_is_null(fcinfo))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	state = state_of_funnel(fcinfo, &matcher);
	entry = PG_NARGS() > 3 ? funnel_entry(PG_GETARG_DATUM(3)) : FUNNEL_ANY_ENTRY;
	journey_open_datum(PG_GETARG_DATUM(1), &view);
	funnel_match_journey(matcher, &view, entry, &walk);
	expanded_stats_add(state, &walk);
	PG_RETURN_DATUM(expanded_stats_datum(state));
}

static void
count_walk(void *arg, const FunnelTry *one)
{
	expanded_stats_add((ExpandedStats *) arg, &one->walk);
}

/*
 * funnel_walks_agg_step(funnel_stats, journey, funnel, entered)
 *
 * Counts the walks of a customer, each like one of its own.
 */
Datum
funnel_walks_agg_step(PG_FUNCTION_ARGS)
{
	FunnelMatcher *matcher;
	ExpandedStats *state;
	JourneyView view;
	const FunnelTouch *touches;
	size_t		count;

	if (row_is_null(fcinfo))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	state = state_of_funnel(fcinfo, &matcher);
	journey_open_datum(PG_GETARG_DATUM(1), &view);
	count = funnel_match_touches(matcher, &view, &touches);
	if (count > 0)
		funnel_walks(funnel_matcher_rules(matcher), funnel_entry(PG_GETARG_DATUM(3)), touches, count, count_walk, state);
	PG_RETURN_DATUM(expanded_stats_datum(state));
}

/*
 * funnel_stats_combine(funnel_stats, funnel_stats)
 *
 * The customers of both; one NULL counts as nobody, two NULLs are NULL.
 * Combines the states of funnel_agg and is the whole of rollup.
 */
Datum
funnel_stats_combine(PG_FUNCTION_ARGS)
{
	ExpandedStats *state;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	if (PG_ARGISNULL(0))
		state = expanded_stats_copy(calling_aggregate(fcinfo), funnel_stats_open_datum(PG_GETARG_DATUM(1)));
	else
	{
		state = own_state(fcinfo);
		expanded_stats_merge(state, funnel_stats_open_datum(PG_GETARG_DATUM(1)));
	}
	PG_RETURN_DATUM(expanded_stats_datum(state));
}
