/*
 * funnel/open.c: funnel_open(journey, funnel, now [, entered]): could this
 * customer still come as far as the deepest walk, or further?  And the aggregate
 * that counts such customers by step.
 *
 * The matcher leaves out touchpoints of stages that the journey cannot reach by
 * what it has so far.  That is right here as well: what is yet to come lies at
 * or after the last touchpoint, so a stage that nothing leads to yet can only be
 * taken by a touchpoint yet to come, and if that one may come, so may all that
 * are missing.  Whether a walk goes on depends on the first stage, on stages
 * already reached, on what is excluded and, for strict, on all touchpoints, and
 * those are kept.
 *
 * Only the time of the last touchpoint may be lost, and nothing comes before it.
 */
#include "funnel/argument.h"

#include "catalog/pg_type.h"
#include "funnel/engine_internal.h"
#include "utils/array.h"

PG_FUNCTION_INFO_V1(journey_funnel_open);
PG_FUNCTION_INFO_V1(funnel_open_agg_step);
PG_FUNCTION_INFO_V1(funnel_open_agg_combine);

/*
 * The deepest step of the customer whose journey an argument is, if they are open, else 0.
 * Most were last seen longer ago than the funnel may take: of those no more is read
 * than when that was.
 */
static int
open_step(FunnelMatcher *matcher, Datum journey, int64 now, FunnelEntry entry)
{
	const FunnelRules *rules = funnel_matcher_rules(matcher);
	JourneyView view;
	const FunnelTouch *touches;
	size_t		count;
	int64		last;

	if (!funnel_is_limited(rules))
		return 0;
	journey_open_datum(journey, &view);
	if (view.count == 0)
		return 0;
	last = journey_at(&view, view.count - 1);
	if (last < now && ((rules->within != FUNNEL_NO_LIMIT && !time_within(last, now, rules->within)) ||
					   (rules->session != 0 && !time_within(last, now, rules->session))))
		return 0;
	count = funnel_match_touches(matcher, &view, &touches);
	if (count == 0)
		return 0;
	return funnel_open_step(rules, entry, touches, count, Max(now, last));
}

Datum
journey_funnel_open(PG_FUNCTION_ARGS)
{
	FunnelMatcher *matcher = funnel_matcher_argument(fcinfo, 1, NULL);
	FunnelEntry entry = PG_NARGS() > 3 ? funnel_entry(PG_GETARG_DATUM(3)) : FUNNEL_ANY_ENTRY;

	PG_RETURN_BOOL(open_step(matcher, PG_GETARG_DATUM(0), PG_GETARG_TIMESTAMPTZ(2), entry) > 0);
}

/* The counts in a state; an error if it is none, which only whoever calls these functions by hand can bring about. */
static int64 *
open_counts(ArrayType *state, int *nsteps)
{
	if (ARR_NDIM(state) != 1 || ARR_HASNULL(state) || ARR_ELEMTYPE(state) != INT8OID || ARR_DIMS(state)[0] > FUNNEL_MAX_STAGES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid counts of open customers")));
	*nsteps = ARR_DIMS(state)[0];
	return (int64 *) ARR_DATA_PTR(state);
}

/* A state to be changed: the aggregate's own, or a copy outside of one. */
static ArrayType *
own_counts(FunctionCallInfo fcinfo)
{
	return AggCheckCallContext(fcinfo, NULL) ? DatumGetArrayTypeP(PG_GETARG_DATUM(0)) : DatumGetArrayTypePCopy(PG_GETARG_DATUM(0));
}

/*
 * funnel_open_agg_step(counts, journey, funnel, now, entered)
 *
 * Counts a customer who is open at the mandatory step that they have come to: who
 * stands at an optional stage is open there.  NULL as long as nobody is.
 */
Datum
funnel_open_agg_step(PG_FUNCTION_ARGS)
{
	FunnelMatcher *matcher;
	const FunnelRules *rules;
	ArrayType  *state = NULL;
	int64	   *counts;
	int			nsteps;
	int			step = 0;

	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2) && !PG_ARGISNULL(3) && !PG_ARGISNULL(4))
	{
		matcher = funnel_matcher_argument(fcinfo, 2, NULL);
		rules = funnel_matcher_rules(matcher);
		step = open_step(matcher, PG_GETARG_DATUM(1), PG_GETARG_TIMESTAMPTZ(3), funnel_entry(PG_GETARG_DATUM(4)));
	}
	if (step == 0)
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}

	if (PG_ARGISNULL(0))
	{
		Datum		none[FUNNEL_MAX_STAGES] = {0};

		state = construct_array(none, rules->nstages, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
	}
	else
		state = own_counts(fcinfo);
	counts = open_counts(state, &nsteps);
	if (nsteps != rules->nstages)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("open customers of two funnels cannot be counted together")));
	while (rules->optional >> (step - 1) & 1)
		step--;
	counts[step - 1]++;
	PG_RETURN_ARRAYTYPE_P(state);
}

/* funnel_open_agg_combine(counts, counts): the sums. */
Datum
funnel_open_agg_combine(PG_FUNCTION_ARGS)
{
	ArrayType  *state;
	int64	   *counts;
	int64	   *more;
	int			nsteps;
	int			other;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	if (PG_ARGISNULL(0))
		PG_RETURN_DATUM(PG_GETARG_DATUM(1));
	state = own_counts(fcinfo);
	counts = open_counts(state, &nsteps);
	more = open_counts(PG_GETARG_ARRAYTYPE_P(1), &other);
	if (nsteps != other)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("open customers of two funnels cannot be counted together")));
	for (int i = 0; i < nsteps; i++)
		counts[i] = (int64) ((uint64) counts[i] + (uint64) more[i]);
	PG_RETURN_ARRAYTYPE_P(state);
}
