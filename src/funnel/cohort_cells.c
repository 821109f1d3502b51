/*
 * funnel/cohort_cells.c: cohort_cells: what a table of cohorts says of each cohort
 * and period, those in which nobody came back among them.
 *
 * Cells go up to the last period in which anybody was seen, and not beyond the
 * present one: no series ends with a time that is only a stand-in for "never".  A
 * cohort of the future has the cell of its own period.
 */
#include "funnel/cohort_rule.h"

#include "base/amount_numeric.h"
#include "funcapi.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(cohort_cells);

/* Arguments: the table, when anybody was last seen, now, and the rule but for its funnels. */
#define RULE_FROM 3
#define COLUMNS 11

/* The cells of a cohort in the order of their numbers. */
typedef struct Cells
{
	const CohortRule *rule;
	int			cohort;
	int64		size;
	uint32		count;
	CohortCell *cells;
	CohortMoney *money;			/* or NULL */
	uint32		next;			/* the first that is not before the row */
} Cells;

/* Whoever came later was there "later" in every period before. */
static void
add_up_later(Cells *cells)
{
	for (uint32 i = cells->count; i-- > 1;)
	{
		cells->cells[i - 1].customers = (int64) ((uint64) cells->cells[i - 1].customers + (uint64) cells->cells[i].customers);
		if (cells->money != NULL && !cohort_money_merge(&cells->money[i - 1], &cells->money[i]))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("the values of a cohort are too large to be added up")));
	}
}

/* One row: of the cell that is a period, or a bracket of those from low to high; high is -1 where it has no end. */
static void
put_row(ReturnSetInfo *result, Cells *cells, int cell, int low, int high, int present, TimestampTz cohort_end, TimestampTz now)
{
	const CohortRule *rule = cells->rule;
	const CalendarUnit *unit = rule->periods.unit;
	int64		length = rule->periods.length;
	int			days = (int) (length / USECS_PER_DAY);
	DateADT		date = calendar_date(unit, cells->cohort);
	const CohortMoney *money = NULL;
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS] = {false};
	int64		retained = 0;

	while (cells->next < cells->count && cells->cells[cells->next].number < cell)
		cells->next++;
	if (cells->next < cells->count && (rule->or_after || cells->cells[cells->next].number == cell))
	{
		retained = cells->cells[cells->next].customers;
		money = cells->money == NULL ? NULL : &cells->money[cells->next];
	}
	values[0] = DateADTGetDatum(date);
	values[1] = Int32GetDatum(low);
	values[2] = DateADTGetDatum(length > 0 ? date + low * days : calendar_date(unit, cells->cohort + low));
	nulls[3] = high < 0;
	values[3] = (Datum) 0;
	if (high >= 0)
		values[3] = DateADTGetDatum(length > 0 ? date + high * days : calendar_date(unit, cells->cohort + high));
	nulls[4] = high < 0 || rule->or_after;
	values[4] = BoolGetDatum(length > 0 ? cohort_end <= now && ((uint64) now - (uint64) cohort_end) / (uint64) length >= (uint64) high :
							 cells->cohort + high <= present);
	values[5] = Int64GetDatum(cells->size);
	values[6] = Int64GetDatum(retained);
	nulls[7] = money == NULL || money->valued == 0;
	values[7] = nulls[7] ? (Datum) 0 : amount_numeric(money->net);
	nulls[8] = money == NULL || money->valued <= money->refunds;
	values[8] = nulls[8] ? (Datum) 0 : amount_numeric(money->gross);
	nulls[9] = nulls[10] = cells->money == NULL;
	values[9] = Int64GetDatum(money == NULL ? 0 : money->purchases);
	values[10] = Int64GetDatum(money == NULL ? 0 : money->refunds);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* How many periods of a cohort there are before the last one that is shown, the number of which that is. */
static int
last_number(const CohortRule *rule, int cohort, int latest, TimestampTz cohort_begin, TimestampTz latest_time)
{
	if (rule->periods.length > 0)
		return latest_time < cohort_begin ? 0 : (int) (((uint64) latest_time - (uint64) cohort_begin) / (uint64) rule->periods.length);
	return Max(latest - cohort, 0);
}

/*
 * cohort_cells(cohorts, last, now, the rule): a row for each cell.  last: when
 * anybody was seen, of all tables that are shown together.  Who has no table has
 * the arguments checked.
 */
Datum
cohort_cells(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	CohortRule	rule;
	KnownPeriods *known = NULL;
	CohortCell *cells;
	CohortMoney *money;
	uint32		count;
	TimestampTz now;
	TimestampTz latest_time;
	int			present;
	int			latest;

	start_rows(fcinfo);
	if (PG_ARGISNULL(RULE_FROM + RULE_PERIOD) || PG_ARGISNULL(RULE_FROM + RULE_TIME_ZONE) || PG_ARGISNULL(RULE_FROM + RULE_KIND))
		return (Datum) 0;
	cohort_rule_read(fcinfo, RULE_FROM, RULE_KIND + 1, &rule);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return (Datum) 0;
	now = PG_GETARG_TIMESTAMPTZ(2);
	latest_time = Min(PG_GETARG_TIMESTAMPTZ(1), now);
	if (TIMESTAMP_NOT_FINITE(now) || TIMESTAMP_NOT_FINITE(latest_time))
		return (Datum) 0;
	cells = cohort_table_sorted(cohort_state(fcinfo, 0), &count, &money);
	known_periods(&known, CurrentMemoryContext, rule.periods.unit, rule.time_zone);
	present = known_period(known, now)->number;
	latest = known_period(known, latest_time)->number;

	for (uint32 i = 0, next; i < count; i = next)
	{
		Cells		cohort = {.rule = &rule, .cohort = cells[i].cohort, .size = cells[i].customers};
		TimestampTz begin = 0;
		TimestampTz end = 0;
		int			last;

		for (next = i + 1; next < count && cells[next].cohort == cohort.cohort; next++)
			;
		if (cells[i].number != COHORT_SIZE || cohort.size <= 0 || !cohort_number_possible(rule.periods.unit, cohort.cohort))
			continue;
		cohort.count = next - i - 1;
		cohort.cells = cells + i + 1;
		cohort.money = money == NULL ? NULL : money + i + 1;
		if (rule.or_after)
			add_up_later(&cohort);
		if (rule.periods.length > 0)
		{
			begin = calendar_begin(calendar_date(rule.periods.unit, cohort.cohort), rule.time_zone);
			end = calendar_begin(calendar_date(rule.periods.unit, cohort.cohort + 1), rule.time_zone);
		}
		last = last_number(&rule, cohort.cohort, latest, begin, latest_time);
		for (int cell = 0; rule.nbrackets == 0 ? cell <= last : cell < rule.nbrackets && rule.brackets[cell] <= last; cell++)
		{
			CHECK_FOR_INTERRUPTS();
			if (rule.nbrackets == 0)
				put_row(result, &cohort, cell, cell, cell + 1, present, end, now);
			else
				put_row(result, &cohort, cell, rule.brackets[cell], cell + 1 < rule.nbrackets ? rule.brackets[cell + 1] : -1, present, end, now);
		}
	}
	return (Datum) 0;
}
