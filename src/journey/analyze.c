/*
 * journey/analyze.c: what ANALYZE learns of a column of journeys.
 *
 * How many are NULL and how long they are, and nothing about how many differ.
 * Hardly two customers have the same journey; but told so, the planner expects
 * as many groups as customers of whatever a function makes of one, a step, a
 * channel, a month, of which there are few, and sorts all rows in one process
 * instead of counting them in parallel.  Not told it expects the 200 groups of
 * an expression that it knows nothing about.  Nor are journeys compared, which
 * makes ANALYZE fast.
 */
#include "base/glue.h"

#include "commands/vacuum.h"

/* Rows to look at for each point of the statistics target, as ANALYZE does for other types. */
#define ROWS_PER_TARGET 300

PG_FUNCTION_INFO_V1(journey_typanalyze);

static void
compute_stats(VacAttrStats *stats, AnalyzeAttrFetchFunc fetch, int samplerows,
			  double totalrows pg_attribute_unused())
{
	int			nulls = 0;
	double		width = 0;

	for (int i = 0; i < samplerows; i++)
	{
		bool		isnull;
		Datum		value = fetch(stats, i, &isnull);

		cjm_analyze_delay_point();
		if (isnull)
			nulls++;
		else
			width += VARSIZE_ANY(DatumGetPointer(value));
	}
	if (samplerows == 0)
		return;
	stats->stats_valid = true;
	stats->stanullfrac = (double) nulls / samplerows;
	stats->stawidth = nulls < samplerows ? width / (samplerows - nulls) : 0;
	stats->stadistinct = 0;		/* unknown */
}

/* The typanalyze function of type journey, see CREATE TYPE. */
Datum
journey_typanalyze(PG_FUNCTION_ARGS)
{
	VacAttrStats *stats = (VacAttrStats *) PG_GETARG_POINTER(0);

	if (CJM_STATISTICS_TARGET(stats) < 0)
		CJM_STATISTICS_TARGET(stats) = default_statistics_target;
	stats->compute_stats = compute_stats;
	stats->minrows = ROWS_PER_TARGET * CJM_STATISTICS_TARGET(stats);
	PG_RETURN_BOOL(true);
}
