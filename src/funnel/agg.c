/*
 * funnel/agg.c: the aggregates whose state is a funnel_stats.
 *
 * The state is an expanded object in the aggregate's memory and changes in
 * place.  To SQL it is an aggregate_state (base/state.c), since the text of that is short, with the bytes of
 * a funnel_stats; the aggregates of 0.1.0 have a funnel_stats there.  What comes in from outside, a stored value or the state of another
 * aggregate, is read and never changed.  Outside of an aggregate the same
 * functions work on copies.
 *
 * Neither needs an order of its rows, and the combine function is a plain
 * merge, so that any plan gives the same bytes: serial, parallel,
 * partition-wise, as a window aggregate, split between servers.
 */
#include "funnel/stats_expanded.h"

#include "mb/pg_wchar.h"

PG_FUNCTION_INFO_V1(funnel_agg_step);
PG_FUNCTION_INFO_V1(funnel_walks_agg_step);
PG_FUNCTION_INFO_V1(funnel_stats_combine);
PG_FUNCTION_INFO_V1(funnel_state_combine);
PG_FUNCTION_INFO_V1(funnel_state_rollup);
PG_FUNCTION_INFO_V1(funnel_state_final);

/* The context of the aggregate that calls; NULL if none does. */
static MemoryContext
calling_aggregate(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	return AggCheckCallContext(fcinfo, &context) ? context : NULL;
}

static void
verify_label(Label label)
{
	if (label.bytes != NULL)
		pg_verifymbstr(label.bytes, (int) label.size, false);
}

static void
verify_events(const FunnelEvent *events, int count)
{
	for (int i = 0; i < count; i++)
	{
		verify_label(events[i].event);
		verify_label(events[i].channel);
	}
}

/*
 * A state to be read: an object as it is, bytes decoded, and by that checked, into
 * the current context.  They may be anybody's, unlike those of a funnel_stats: damage is
 * the caller's, and labels must be text of this database.
 */
static const FunnelStats *
open_state(Datum value)
{
	struct varlena *bytes;
	FunnelStats *stats;
	FunnelDef	def;
	CjmError	error = {0};

	if (VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(value)))
		return funnel_stats_open_datum(value);
	bytes = PG_DETOAST_DATUM_PACKED(value);
	stats = palloc(sizeof(FunnelStats));
	if (!funnel_stats_decode((const uint8 *) VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), stats, &error))
		cjm_report(&error);
	funnel_stats_definition(stats, &def);
	for (int i = 0; i < def.nstages; i++)
	{
		verify_label(def.stages[i].name);
		verify_events(def.stages[i].events, def.stages[i].nevents);
	}
	verify_events(def.excluded, def.nexcluded);
	verify_label(def.variable);
	return stats;
}

/* How an argument is read: open_state, or funnel_stats_open_datum of a stored value. */
typedef const FunnelStats *(*Opening) (Datum value);

/* The state in the first argument, to be changed: the aggregate's own or a copy. */
static ExpandedStats *
own_state(FunctionCallInfo fcinfo, Opening opening)
{
	Datum		value = PG_GETARG_DATUM(0);
	MemoryContext aggregate = calling_aggregate(fcinfo);

	if (VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(value)) && aggregate != NULL)
		return expanded_stats_own(value, aggregate);
	return expanded_stats_copy(aggregate, opening(value));
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
		state = own_state(fcinfo, open_state);
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

/* The customers of both; one NULL counts as nobody, two NULLs are NULL. */
static Datum
combine(FunctionCallInfo fcinfo, Opening opening, Opening opening_other)
{
	ExpandedStats *state;
	const FunnelStats *other;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	other = opening_other(PG_GETARG_DATUM(1));
	if (PG_ARGISNULL(0))
		state = expanded_stats_copy(calling_aggregate(fcinfo), other);
	else
	{
		state = own_state(fcinfo, opening);
		expanded_stats_merge(state, other);
	}
	PG_RETURN_DATUM(expanded_stats_datum(state));
}

/* funnel_stats_combine(funnel_stats, funnel_stats); in 0.1.0 it combines the states of aggregates, too. */
Datum
funnel_stats_combine(PG_FUNCTION_ARGS)
{
	return combine(fcinfo, funnel_stats_open_datum, funnel_stats_open_datum);
}

/* funnel_state_combine(aggregate_state, aggregate_state): combines the states of funnel_agg and of rollup. */
Datum
funnel_state_combine(PG_FUNCTION_ARGS)
{
	return combine(fcinfo, open_state, open_state);
}

/* funnel_state_rollup(aggregate_state, funnel_stats): the transition function of rollup. */
Datum
funnel_state_rollup(PG_FUNCTION_ARGS)
{
	return combine(fcinfo, open_state, funnel_stats_open_datum);
}

/*
 * funnel_state_final(aggregate_state)
 *
 * The statistics that a state is: the object as it is, and bytes, which anybody
 * may have written, once they are known to be statistics.
 */
Datum
funnel_state_final(PG_FUNCTION_ARGS)
{
	Datum		state = PG_GETARG_DATUM(0);
	const FunnelStats *stats = open_state(state);

	if (VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(state)))
		PG_RETURN_DATUM(state);
	PG_RETURN_POINTER(funnel_stats_flat(stats));
}
