/*
 * funnel/figures.c: what the figures of a map ask of statistics beside their report:
 * funnel_figures(stats, step); and a funnel whose walks are followed for a shorter
 * time: funnel_limited(funnel, within).
 */
#include "funnel/argument.h"

#include "catalog/pg_type.h"
#include "funnel/stats_expanded.h"
#include "statistics/student.h"
#include "utils/array.h"

PG_FUNCTION_INFO_V1(funnel_figures);
PG_FUNCTION_INFO_V1(funnel_limited);

#define FIGURES 7

/* The ends of the 95 % interval of the median of count durations, in seconds; NULL of too few. */
static void
put_median_range(const Histogram *times, uint64 count, Datum *values, bool *nulls)
{
	uint64		low;
	uint64		high;

	nulls[0] = nulls[1] = count == 0 || !median_ranks(count, &low, &high);
	if (nulls[0])
		return;
	values[0] = Float8GetDatum((double) histogram_at_rank(times, low) / USECS_PER_SEC);
	values[1] = Float8GetDatum((double) histogram_at_rank(times, high) / USECS_PER_SEC);
}

/*
 * funnel_figures(stats, step): customers at the mandatory step before; those who
 * began at this step or before it; those who came to it from another; the 95 %
 * interval of their median time since the step before, and since the first, in
 * seconds.
 */
Datum
funnel_figures(PG_FUNCTION_ARGS)
{
	const FunnelStats *stats = funnel_stats_open_datum(PG_GETARG_DATUM(0));
	int			step = PG_GETARG_INT32(1) - 1;
	Datum		values[FIGURES] = {0};
	bool		nulls[FIGURES] = {false};
	int			dims[] = {FIGURES};
	int			bounds[] = {1};
	uint64		began = 0;
	uint64		came;

	if (step < 0 || step >= stats->nsteps)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("funnel has no step %d", step + 1),
				 errhint("Its steps are 1 to %d.", stats->nsteps)));
	for (int i = 0; i <= step; i++)
		began += funnel_stats_entered(stats, i);
	came = step == 0 ? 0 : funnel_stats_came(stats, step);
	nulls[0] = step == 0;
	if (!nulls[0])
		values[0] = Float8GetDatum((double) stats->steps[Max(funnel_stats_before(stats, step), 0)].customers);
	values[1] = Float8GetDatum((double) began);
	values[2] = Float8GetDatum((double) came);
	put_median_range(&stats->steps[step].time, came, values + 3, nulls + 3);
	if (came == 0)
		nulls[5] = nulls[6] = true;
	else
		put_median_range(funnel_stats_total(stats, step), came, values + 5, nulls + 5);
	PG_RETURN_ARRAYTYPE_P(construct_md_array(values, nulls, 1, dims, bounds,
											 FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* funnel_limited(funnel, within): the same funnel, but that a walk takes no longer than this. */
Datum
funnel_limited(PG_FUNCTION_ARGS)
{
	int64		within = interval_microseconds(PG_GETARG_INTERVAL_P(1), "age");
	FunnelDef	def;
	StringInfoData bytes;

	if (within <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("age must be more than 0")));
	funnel_open_datum(PG_GETARG_DATUM(0), &def);
	if (def.within == FUNNEL_NO_LIMIT || def.within > within)
		def.within = within;
	initStringInfo(&bytes);
	funnel_encode(&bytes, &def);
	PG_RETURN_POINTER(bytes_to_varlena(bytes.data, bytes.len));
}
