/*
 * funnel/report.c: what a funnel_stats says, for people and charts.
 *
 * Rates are taken from the mandatory step before: an optional stage is
 * reported but does not stand in the way of the stage after it.
 */
#include "funnel/argument.h"

#include "funnel/stats_expanded.h"

#include "funcapi.h"
#include "statistics/proportion.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(funnel_stats_report);
PG_FUNCTION_INFO_V1(funnel_stats_time_histogram);
PG_FUNCTION_INFO_V1(funnel_stats_compare);

#define REPORT_MAX_COLUMNS 16

/* A row being put together, column by column. */
typedef struct Row
{
	int			columns;
	Datum		values[REPORT_MAX_COLUMNS];
	bool		nulls[REPORT_MAX_COLUMNS];
} Row;

static void
add_datum(Row *row, Datum value)
{
	Assert(row->columns < REPORT_MAX_COLUMNS);
	row->values[row->columns] = value;
	row->nulls[row->columns++] = false;
}

static void
add_null(Row *row)
{
	Assert(row->columns < REPORT_MAX_COLUMNS);
	row->values[row->columns] = (Datum) 0;
	row->nulls[row->columns++] = true;
}

/* A share, or NULL of nobody. */
static void
add_rate(Row *row, Proportion share)
{
	if (share.of == 0)
		add_null(row);
	else
		add_datum(row, Float8GetDatum(proportion_rate(share)));
}

static void
add_duration(Row *row, uint64 duration)
{
	add_datum(row, IntervalPGetDatum(interval_from_microseconds(duration)));
}

static void
add_step(Row *row, const FunnelDef *def, int step)
{
	StringInfoData name;

	initStringInfo(&name);
	funnel_stats_step_name(&name, def, step);
	add_datum(row, Int32GetDatum(step + 1));
	add_datum(row, PointerGetDatum(cstring_to_text_with_len(name.data, name.len)));
}

static void
put_row(FunctionCallInfo fcinfo, Row *row)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	/* A function that 0.1.0 made returns the first of the columns alone. */
	Assert(row->columns >= result->setDesc->natts);
	tuplestore_putvalues(result->setResult, result->setDesc, row->values, row->nulls);
}

/* The customers who came to a step as a share of those at the mandatory step before. */
static Proportion
step_share(const FunnelStats *stats, int step)
{
	int			before = funnel_stats_before(stats, step);

	return (Proportion) {step == 0 ? stats->steps[0].customers : funnel_stats_came(stats, step), stats->steps[Max(before, 0)].customers};
}

/* The customers of a step as a share of those who began there or before. */
static Proportion
overall_share(const FunnelStats *stats, int step)
{
	uint64		entered = 0;

	for (int i = 0; i <= step; i++)
		entered += funnel_stats_entered(stats, i);
	return (Proportion) {stats->steps[step].customers, entered};
}

/* dropped and drop_rate: who was at a mandatory step and did not go on to the next. */
static void
add_dropped(Row *row, const FunnelStats *stats, int step)
{
	int			after = funnel_stats_after(stats, step);
	uint64		customers = stats->steps[step].customers;

	if (after < 0 || (stats->optional >> step & 1))
	{
		add_null(row);
		add_null(row);
	}
	else
	{
		uint64		dropped = customers - funnel_stats_came(stats, after);

		add_datum(row, Int64GetDatum((int64) dropped));
		add_rate(row, (Proportion) {dropped, customers});
	}
}

/*
 * report(funnel_stats): a row for each step, see the comment of the function
 * in SQL for what its columns mean.
 */
Datum
funnel_stats_report(PG_FUNCTION_ARGS)
{
	const FunnelStats *stats = funnel_stats_open_datum(PG_GETARG_DATUM(0));
	FunnelDef	def;

	start_rows(fcinfo);
	funnel_stats_definition(stats, &def);
	for (int i = 0; i < stats->nsteps; i++)
	{
		uint64		customers = stats->steps[i].customers;
		uint64		came = i == 0 ? 0 : funnel_stats_came(stats, i);
		Proportion	share = step_share(stats, i);
		Row			row = {0};

		add_step(&row, &def, i);
		add_datum(&row, Int64GetDatum((int64) customers));
		add_rate(&row, share);
		add_rate(&row, overall_share(stats, i));
		add_dropped(&row, stats, i);
		if (i == 0 || share.of == 0)
		{
			add_null(&row);
			add_null(&row);
		}
		else
		{
			ProportionRange range = proportion_range(share);

			add_datum(&row, Float8GetDatum(range.low));
			add_datum(&row, Float8GetDatum(range.high));
		}
		if (came == 0)
		{
			for (int column = 0; column < 5; column++)
				add_null(&row);
		}
		else
		{
			const Histogram *time = &stats->steps[i].time;
			const Histogram *total = funnel_stats_total(stats, i);

			add_duration(&row, funnel_stats_percentile(time, came, 50));
			add_duration(&row, funnel_stats_mean(time, came));
			add_duration(&row, funnel_stats_percentile(time, came, 90));
			add_duration(&row, funnel_stats_percentile(total, came, 50));
			add_duration(&row, funnel_stats_percentile(total, came, 90));
		}
		add_datum(&row, Int64GetDatum((int64) funnel_stats_entered(stats, i)));
		put_row(fcinfo, &row);
	}
	return (Datum) 0;
}

/*
 * Where the rows of time_histogram begin: durations that people think in.
 * Zero, which is the same moment, is a row of its own.
 */
static const uint64 row_bounds[] = {
	0,
	1,
	USECS_PER_SEC / 1000,
	USECS_PER_SEC / 100,
	USECS_PER_SEC / 10,
	USECS_PER_SEC,
	2 * USECS_PER_SEC,
	5 * USECS_PER_SEC,
	10 * USECS_PER_SEC,
	20 * USECS_PER_SEC,
	30 * USECS_PER_SEC,
	USECS_PER_MINUTE,
	2 * USECS_PER_MINUTE,
	5 * USECS_PER_MINUTE,
	10 * USECS_PER_MINUTE,
	20 * USECS_PER_MINUTE,
	30 * USECS_PER_MINUTE,
	USECS_PER_HOUR,
	2 * USECS_PER_HOUR,
	4 * USECS_PER_HOUR,
	8 * USECS_PER_HOUR,
	16 * USECS_PER_HOUR,
	USECS_PER_DAY,
	2 * USECS_PER_DAY,
	3 * USECS_PER_DAY,
	5 * USECS_PER_DAY,
	7 * USECS_PER_DAY,
	14 * USECS_PER_DAY,
	30 * USECS_PER_DAY,
	60 * USECS_PER_DAY,
	90 * USECS_PER_DAY,
	180 * USECS_PER_DAY,
	365 * USECS_PER_DAY,
	2 * 365 * USECS_PER_DAY,
	5 * 365 * USECS_PER_DAY,
	10 * 365 * USECS_PER_DAY,
	100 * 365 * USECS_PER_DAY,
	1000 * 365 * USECS_PER_DAY,
	10000 * 365 * USECS_PER_DAY,
	100000 * 365 * USECS_PER_DAY
};

/*
 * time_histogram(funnel_stats, step): the times since the step before, in rows
 * of readable length without a gap between the shortest and the longest.
 *
 * A bucket of the stats counts for the row that its longest duration lies in.
 * So round durations, which are many where the source has no finer time, are
 * on the right side of a bound, and a bound is sharp to 1/128 of its length.
 */
Datum
funnel_stats_time_histogram(PG_FUNCTION_ARGS)
{
	const FunnelStats *stats = funnel_stats_open_datum(PG_GETARG_DATUM(0));
	int32		step = PG_GETARG_INT32(1);
	uint64		customers[lengthof(row_bounds)] = {0};
	int			first = lengthof(row_bounds);
	int			last = -1;
	int			at = 0;
	HistogramScan scan;
	int			bucket;
	uint64		count;

	if (step < 1 || step > stats->nsteps)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("funnel has no step %d", step),
				 errhint("Its steps are 1 to %d.", stats->nsteps)));

	start_rows(fcinfo);
	histogram_scan(&scan, &stats->steps[step - 1].time);
	while (histogram_next(&scan, &bucket, &count))
	{
		while (at + 1 < (int) lengthof(row_bounds) && row_bounds[at + 1] <= histogram_high(bucket))
			at++;
		customers[at] += count;
		if (at > 0)
			first = Min(first, at);
		last = at;
	}
	for (int i = 0; i <= last; i++)
	{
		Row			row = {0};

		if (i < first && customers[i] == 0)
			continue;
		add_duration(&row, row_bounds[i]);
		if (i + 1 < (int) lengthof(row_bounds))
			add_duration(&row, row_bounds[i + 1]);
		else
			add_null(&row);
		add_datum(&row, Int64GetDatum((int64) customers[i]));
		put_row(fcinfo, &row);
	}
	return (Datum) 0;
}

/* Two shares, their difference with its interval, and the p-value. */
static void
add_comparison(Row *row, int step, Proportion a, Proportion b)
{
	add_rate(row, a);
	add_rate(row, b);
	if (step == 0 || a.of == 0 || b.of == 0)
	{
		for (int column = 0; column < 4; column++)
			add_null(row);
	}
	else
	{
		ProportionRange range = proportion_difference_range(a, b);

		add_datum(row, Float8GetDatum(proportion_rate(b) - proportion_rate(a)));
		add_datum(row, Float8GetDatum(range.low));
		add_datum(row, Float8GetDatum(range.high));
		add_datum(row, Float8GetDatum(proportion_p_value(a, b)));
	}
}

/* The length of a range; negative if it has no end. */
static int64
range_length(Datum range)
{
	FunnelEntry entry = funnel_entry(range);

	if (entry.from > entry.to)
		return 0;
	if (entry.from == PG_INT64_MIN || entry.to == PG_INT64_MAX)
		return -1;
	/* Both ends are included, so the usual range is a microsecond short of its length. */
	return (int64) Min((uint64) entry.to - (uint64) entry.from, (uint64) PG_INT64_MAX - 1) + 1;
}

static char *
range_length_text(int64 length)
{
	if (length < 0)
		return pstrdup("no end");
	return DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(interval_from_microseconds((uint64) length))));
}

/*
 * Tells that entry ranges differ in length by more than one in twenty: months do not always, and
 * days and weeks in which the clocks change do not.
 */
static void
notice_lengths(Datum range_a, Datum range_b)
{
	int64		a = range_length(range_a);
	int64		b = range_length(range_b);
	uint64		longer = Max(a, b);
	uint64		shorter = Min(a, b);

	if (a < 0 || b < 0 ? (a < 0) != (b < 0) : longer - shorter > longer / 20)
		ereport(NOTICE,
				(errmsg("the entry ranges differ in length: %s and %s", range_length_text(a), range_length_text(b)),
				 errdetail("A customer counts once in a range, with the best of all tries in it, so a longer range converts better."),
				 errhint("Compare ranges of equal length and age.")));
}

/*
 * compare(funnel_stats, funnel_stats [, entry range of the one, of the other]): a
 * row for each step of the one funnel of both.
 */
Datum
funnel_stats_compare(PG_FUNCTION_ARGS)
{
	const FunnelStats *a = funnel_stats_open_datum(PG_GETARG_DATUM(0));
	const FunnelStats *b = funnel_stats_open_datum(PG_GETARG_DATUM(1));
	FunnelDef	def;

	funnel_stats_require(a, b->funnel, b->funnel_size);
	if (PG_NARGS() > 2)
		notice_lengths(PG_GETARG_DATUM(2), PG_GETARG_DATUM(3));
	start_rows(fcinfo);
	funnel_stats_definition(a, &def);
	for (int i = 0; i < a->nsteps; i++)
	{
		Row			row = {0};

		add_step(&row, &def, i);
		add_comparison(&row, i, step_share(a, i), step_share(b, i));
		add_comparison(&row, i, overall_share(a, i), overall_share(b, i));
		put_row(fcinfo, &row);
	}
	return (Datum) 0;
}
