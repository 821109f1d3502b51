/*
 * funnel/lifecycle.c: lifecycle_agg and lifecycle_periods: what became of customers
 * from period to period.
 *
 * A customer is new in the first period in which they are active, returning in one
 * that follows another, resurrected in one that does not, and dormant in the one
 * after the last of several.  Cells of the table are, by the number of the period,
 * one for each of these.
 */
#include "funnel/cohort_state.h"

#include "funcapi.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(lifecycle_agg_step);
PG_FUNCTION_INFO_V1(lifecycle_periods);

/* What cells count. */
enum
{
	MOVE_NEW,
	MOVE_RETURNING,
	MOVE_RESURRECTED,
	MOVE_DORMANT,
	MOVES
};

#define COLUMNS 7

static void
count_move(CohortTable **table, int period, int move)
{
	CjmError	error = {0};

	*table = cohort_table_add(*table, period, move, 1, NULL, &error);
	if (*table == NULL)
		cjm_report(&error);
}

/* The first touchpoint from i on that matches, or the count. */
static uint32
next_match(FunnelMatcher *matcher, const JourneyView *view, uint32 i)
{
	while (i < view->count && funnel_match_stages(matcher, view, i) == 0)
	{
		i++;
		if ((i & 0xfff) == 0)
			CHECK_FOR_INTERRUPTS();
	}
	return i;
}

/*
 * lifecycle_agg_step(moves, journey, period, time_zone, week_starts, active): counts
 * what a customer did.  active: the events that count.
 *
 * The table says from when on anybody was active, and until when anybody was seen.
 */
Datum
lifecycle_agg_step(PG_FUNCTION_ARGS)
{
	CohortTable *table;
	CohortPeriods periods;
	KnownPeriods *known;
	FunnelMatcher *matcher;
	JourneyView view;
	int			previous = 0;
	bool		first = true;

	aggregate_context(fcinfo);
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3) || PG_ARGISNULL(5))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	matcher = funnel_matcher_argument(fcinfo, 5, NULL);
	periods = cohort_periods(PG_GETARG_TEXT_PP(2), PG_ARGISNULL(4) ? NULL : PG_GETARG_TEXT_PP(4), false);
	known = known_periods((KnownPeriods **) funnel_call_extra(fcinfo), fcinfo->flinfo->fn_mcxt, periods.unit, PG_GETARG_TEXT_PP(3));
	table = cohort_own_state(fcinfo, 0, false);
	journey_open_datum(PG_GETARG_DATUM(1), &view);
	if (view.count == 0)
		return cohort_return(table, NULL);
	table->last = Max(table->last, journey_at(&view, view.count - 1));
	if (funnel_match_start(matcher, &view) == 0)
		return cohort_return(table, NULL);
	for (uint32 i = next_match(matcher, &view, 0), end; i < view.count; i = next_match(matcher, &view, end))
	{
		int64		at = journey_at(&view, i);
		const CalendarPeriod *period = known_period(known, at);

		CHECK_FOR_INTERRUPTS();
		if (first)
			table->first = Min(table->first, at);
		else if (period->number > previous + 1)
			count_move(&table, previous + 1, MOVE_DORMANT);
		count_move(&table, period->number, first ? MOVE_NEW : period->number == previous + 1 ? MOVE_RETURNING : MOVE_RESURRECTED);
		first = false;
		previous = period->number;
		end = journey_at(&view, view.count - 1) < period->end ? view.count : journey_lower_bound(&view, period->end);
		if (end <= i)
			cjm_damaged("the times of a journey are not in order");
	}
	if (!first)
		count_move(&table, previous + 1, MOVE_DORMANT);
	return cohort_return(table, NULL);
}

/*
 * lifecycle_periods(moves, first, last, now, period, time_zone, week_starts): a row for
 * each period from the first in which anybody was active to the last in which anybody was
 * seen, of all tables that are shown together, and not beyond the present one.  Who has
 * no table has the arguments checked.
 */
Datum
lifecycle_periods(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	KnownPeriods *known = NULL;
	CohortPeriods periods;
	CohortCell *cells;
	CohortMoney *money;
	uint32		count;
	uint32		next = 0;
	TimestampTz first;
	TimestampTz last;
	TimestampTz now;
	int			number;
	int			latest;
	int			present;

	start_rows(fcinfo);
	if (PG_ARGISNULL(4) || PG_ARGISNULL(5))
		return (Datum) 0;
	periods = cohort_periods(PG_GETARG_TEXT_PP(4), PG_ARGISNULL(6) ? NULL : PG_GETARG_TEXT_PP(6), false);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		return (Datum) 0;
	first = PG_GETARG_TIMESTAMPTZ(1);
	now = PG_GETARG_TIMESTAMPTZ(3);
	last = Min(PG_GETARG_TIMESTAMPTZ(2), now);
	if (TIMESTAMP_NOT_FINITE(first) || TIMESTAMP_NOT_FINITE(last) || TIMESTAMP_NOT_FINITE(now))
		return (Datum) 0;
	known_periods(&known, CurrentMemoryContext, periods.unit, PG_GETARG_TEXT_PP(5));
	number = known_period(known, first)->number;
	latest = known_period(known, last)->number;
	present = known_period(known, now)->number;
	cells = cohort_table_sorted(cohort_state(fcinfo, 0), &count, &money);
	for (; number <= latest; number++)
	{
		int64		moves[MOVES] = {0};
		Datum		values[COLUMNS];
		bool		nulls[COLUMNS] = {false};

		CHECK_FOR_INTERRUPTS();
		for (; next < count && cells[next].cohort <= number; next++)
			if (cells[next].cohort == number && cells[next].number >= 0 && cells[next].number < MOVES)
				moves[cells[next].number] = cells[next].customers;
		values[0] = DateADTGetDatum(calendar_date(periods.unit, number));
		for (int move = 0; move < MOVES; move++)
			values[1 + move] = Int64GetDatum(moves[move]);
		values[5] = Int64GetDatum((int64) ((uint64) moves[MOVE_NEW] + (uint64) moves[MOVE_RETURNING] + (uint64) moves[MOVE_RESURRECTED]));
		values[6] = BoolGetDatum(number < present);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
