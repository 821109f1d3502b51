/*
 * funnel_step.c: what one journey did in a funnel: funnel_step, funnel_times,
 * conversions.
 */
#include "glue.h"

#include "catalog/pg_type.h"
#include "funnel_match.h"
#include "nodes/primnodes.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/rangetypes.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(journey_funnel_step);
PG_FUNCTION_INFO_V1(journey_funnel_times);
PG_FUNCTION_INFO_V1(journey_conversions);

/* A compiled funnel that stays with its call site. */
typedef struct CachedMatcher
{
	MemoryContext context;		/* of all that belongs to the funnel */
	struct varlena *funnel;		/* the definition it was made from */
	bool		constant;		/* the call site never sees another one; of an argument */
	FunnelMatcher *matcher;
	void	   *extra;			/* what else the function keeps */
} CachedMatcher;

/*
 * Is an argument of a call a constant, so that whoever has seen it once need not
 * look again?  A parameter of a function's call is none: PL/pgSQL uses a call
 * site again and again, with other values.  The arguments of an aggregate's
 * transition function begin with the state.
 */
static bool
argument_is_constant(FunctionCallInfo fcinfo, int argument)
{
	Node	   *call = fcinfo->flinfo->fn_expr;

	if (AggGetAggref(fcinfo) != NULL)
		return aggregate_argument_constant(fcinfo, argument);
	return call != NULL && IsA(call, FuncExpr) && argument < list_length(((FuncExpr *) call)->args) &&
		IsA(list_nth(((FuncExpr *) call)->args, argument), Const);
}

/*
 * The compiled form of a funnel, made when the call site first sees that funnel
 * and used again while it sees the same.  Works as well, only slower, where
 * fn_extra does not last from row to row.
 */
FunnelMatcher *
funnel_matcher_cached(FunctionCallInfo fcinfo, Datum funnel)
{
	CachedMatcher *cache = (CachedMatcher *) fcinfo->flinfo->fn_extra;
	struct varlena *bytes = PG_DETOAST_DATUM_PACKED(funnel);
	size_t		size = VARSIZE_ANY_EXHDR(bytes);
	FunnelDef	def;
	MemoryContext old;

	if (cache && cache->matcher && VARSIZE_ANY_EXHDR(cache->funnel) == size &&
		memcmp(VARDATA_ANY(cache->funnel), VARDATA_ANY(bytes), size) == 0)
		return cache->matcher;
	if (cache == NULL)
	{
		cache = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(CachedMatcher));
		cache->context = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt, "compiled funnel", ALLOCSET_SMALL_SIZES);
		fcinfo->flinfo->fn_extra = cache;
	}
	cache->matcher = NULL;
	MemoryContextReset(cache->context);
	old = MemoryContextSwitchTo(cache->context);
	cache->funnel = bytes_to_varlena(VARDATA_ANY(bytes), size);
	funnel_open_datum(PointerGetDatum(cache->funnel), &def);
	/* Set last: after an error on the way the call site may be used again. */
	cache->matcher = funnel_matcher(&def);
	MemoryContextSwitchTo(old);
	return cache->matcher;
}

/*
 * The compiled form of an argument that is a funnel and not NULL; a constant is
 * looked at once.  constant: the call site has used it before and can see no
 * other; may be NULL.
 */
FunnelMatcher *
funnel_matcher_argument(FunctionCallInfo fcinfo, int argument, bool *constant)
{
	CachedMatcher *cache = (CachedMatcher *) fcinfo->flinfo->fn_extra;
	bool		known = cache != NULL && cache->matcher != NULL && cache->constant;
	FunnelMatcher *matcher;

	if (constant != NULL)
		*constant = known;
	if (known)
		return cache->matcher;
	matcher = funnel_matcher_cached(fcinfo, PG_GETARG_DATUM(argument));
	cache = (CachedMatcher *) fcinfo->flinfo->fn_extra;
	cache->constant = argument_is_constant(fcinfo, argument);
	return matcher;
}

/* Where a function keeps what else it wants to last as long as its call site, which has a matcher already; NULL at first. */
void **
funnel_call_extra(FunctionCallInfo fcinfo)
{
	return &((CachedMatcher *) fcinfo->flinfo->fn_extra)->extra;
}

/* result_row for a call site that has a matcher already, and keeps nothing else. */
TupleDesc
funnel_result_row(FunctionCallInfo fcinfo)
{
	void	  **row = funnel_call_extra(fcinfo);

	if (*row == NULL)
		*row = result_row_looked_up(fcinfo);
	return (TupleDesc) *row;
}

/* The entry range that a tstzrange argument means: both ends included, in microseconds. */
FunnelEntry
funnel_entry(Datum range_datum)
{
	RangeType  *range = DatumGetRangeTypeP(range_datum);
	RangeBound	lower;
	RangeBound	upper;
	bool		empty;
	FunnelEntry entry = FUNNEL_ANY_ENTRY;

	range_deserialize(lookup_type_cache(RangeTypeGetOid(range), TYPECACHE_RANGE_INFO), range, &lower, &upper, &empty);
	if (empty)
		return (FunnelEntry) {PG_INT64_MAX, PG_INT64_MIN};
	if (!lower.infinite)
	{
		entry.from = DatumGetTimestampTz(lower.val);
		if (!lower.inclusive && entry.from < PG_INT64_MAX)
			entry.from++;
	}
	if (!upper.infinite)
	{
		entry.to = DatumGetTimestampTz(upper.val);
		if (!upper.inclusive && entry.to > PG_INT64_MIN)
			entry.to--;
	}
	return entry;
}

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
