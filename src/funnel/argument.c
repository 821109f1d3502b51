/*
 * funnel/argument.c: funnels on their way into fmgr functions.
 *
 * A funnel is compiled once for a call site, not for a row: the matcher stays
 * in fn_extra, with whatever else the function keeps there.
 */
#include "funnel/argument.h"

#include "nodes/primnodes.h"
#include "utils/memutils.h"
#include "utils/rangetypes.h"
#include "utils/typcache.h"

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

/* The compiled form of a funnel, made in a cache, which is in a call site's memory and NULL at first, unless it is there. */
static FunnelMatcher *
cached_matcher(FunctionCallInfo fcinfo, CachedMatcher **place, Datum funnel)
{
	CachedMatcher *cache = *place;
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
		*place = cache;
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
 * The compiled form of a funnel, made when the call site first sees that funnel
 * and used again while it sees the same.  Works as well, only slower, where
 * fn_extra does not last from row to row.
 */
FunnelMatcher *
funnel_matcher_cached(FunctionCallInfo fcinfo, Datum funnel)
{
	return cached_matcher(fcinfo, (CachedMatcher **) &fcinfo->flinfo->fn_extra, funnel);
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

/* The same of a second funnel, for a call site that has a matcher already, and keeps nothing else. */
FunnelMatcher *
funnel_matcher_other(FunctionCallInfo fcinfo, Datum funnel)
{
	return cached_matcher(fcinfo, (CachedMatcher **) funnel_call_extra(fcinfo), funnel);
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

/*
 * Opens a funnel argument.  Labels point into the argument, or into its copy in
 * the current context if it had to be detoasted; event arrays are allocated
 * there.  Callers that see many rows keep the result in fn_extra.
 */
void
funnel_open_datum(Datum value, FunnelDef *def)
{
	struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);
	CjmError	error = {0};

	if (!funnel_decode((const uint8 *) VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), def, &error))
		cjm_report_stored(&error);
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
