/*
 * funnel/cohort_state.c: states of the aggregates over cohorts on their way in and
 * out, and the support functions that do not care what the cells are about.
 *
 * The state is a bytea, so that PostgreSQL and whoever spreads a query over
 * machines can carry it: what travels grows with cohorts, not with customers.
 * Inside of an aggregate it is changed where it is.
 */
#include "funnel/cohort_state.h"

#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(cohort_agg_combine);
PG_FUNCTION_INFO_V1(cohort_agg_final);
PG_FUNCTION_INFO_V1(cohort_first);
PG_FUNCTION_INFO_V1(cohort_last);

/* Most tables stay below it. */
#define FIRST_CAPACITY 8

/* Periods by name; those that run from a customer's own start have a length, and the unit of their cohorts. */
static const struct
{
	const char *name;
	const char *unit;
	int64		length;
}			periods[] = {
	{"day", "day", 0},
	{"week", "week", 0},
	{"month", "month", 0},
	{"quarter", "quarter", 0},
	{"year", "year", 0},
	{"24 hours", "day", USECS_PER_DAY},
	{"7 days", "week", 7 * USECS_PER_DAY},
	{"28 days", "month", 28 * USECS_PER_DAY}
};

/*
 * The periods of a name, in any case; weeks start on Monday if week_starts is NULL.
 * rolling: whether they may run from a customer's own start.
 */
CohortPeriods
cohort_periods(text *period, text *week_starts, bool rolling)
{
	const CalendarUnit *week = week_starts == NULL ? NULL : calendar_week(week_starts);

	for (int i = 0; i < (int) lengthof(periods); i++)
		if ((rolling || periods[i].length == 0) && VARSIZE_ANY_EXHDR(period) == strlen(periods[i].name) &&
			pg_strncasecmp(VARDATA_ANY(period), periods[i].name, strlen(periods[i].name)) == 0)
		{
			CohortPeriods found = {calendar_unit_named(periods[i].unit), periods[i].length};

			if (week != NULL && found.unit->length.day == 7)
				found.unit = week;
			return found;
		}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown period \"%s\"", text_to_cstring(period)),
			 rolling ? errhint("Periods are day, week, month, quarter and year; those that run from each customer's own start are 24 hours, 7 days and 28 days.") :
			 errhint("Periods are day, week, month, quarter and year.")));
}

/* The table that an argument is, to be read; aligned, which no value of a tuple need be. */
CohortTable *
cohort_state(FunctionCallInfo fcinfo, int argument)
{
	struct varlena *value = PG_DETOAST_DATUM(PG_GETARG_DATUM(argument));
	CjmError	error = {0};

	if ((uintptr_t) value % MAXIMUM_ALIGNOF != 0)
		value = bytes_to_varlena(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
	if (!cohort_table_check((CohortTable *) value, VARSIZE(value), &error))
		cjm_report(&error);
	return (CohortTable *) value;
}

/* The state that an argument is, to be changed; a new one if it is NULL. */
CohortTable *
cohort_own_state(FunctionCallInfo fcinfo, int argument, bool has_money)
{
	aggregate_context(fcinfo);
	return PG_ARGISNULL(argument) ? cohort_table(FIRST_CAPACITY, has_money) : cohort_state(fcinfo, argument);
}

/* What a support function returns: the table, or an error if it is NULL. */
Datum
cohort_return(CohortTable *table, const CjmError *error)
{
	if (table == NULL)
		cjm_report(error);
	SET_VARSIZE(table, cohort_table_size(table->capacity, table->has_money != 0));
	return PointerGetDatum(table);
}

/* A customer is seen from the first to the last touchpoint of a journey, which has some. */
void
cohort_seen(CohortTable *table, const JourneyView *view)
{
	table->first = Min(table->first, journey_at(view, 0));
	table->last = Max(table->last, journey_at(view, view->count - 1));
}

/* Is there a period of that number? */
bool
cohort_number_possible(const CalendarUnit *unit, int number)
{
	return number >= calendar_number(unit, DATETIME_MIN_JULIAN - POSTGRES_EPOCH_JDATE) &&
		number <= calendar_number(unit, TIMESTAMP_END_JULIAN - POSTGRES_EPOCH_JDATE);
}

/* cohort_agg_combine(cohorts, cohorts): the sums. */
Datum
cohort_agg_combine(PG_FUNCTION_ARGS)
{
	CohortTable *table;
	CjmError	error = {0};

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	if (PG_ARGISNULL(0))
		PG_RETURN_DATUM(PG_GETARG_DATUM(1));
	table = cohort_own_state(fcinfo, 0, false);
	table = cohort_table_merge(table, cohort_state(fcinfo, 1), &error);
	return cohort_return(table, &error);
}

/* cohort_agg_final(cohorts): the same counts are the same bytes. */
Datum
cohort_agg_final(PG_FUNCTION_ARGS)
{
	return cohort_return(cohort_table_canonical(cohort_state(fcinfo, 0)), NULL);
}

/* When anybody was first seen; NULL if nobody was. */
Datum
cohort_first(PG_FUNCTION_ARGS)
{
	const CohortTable *table = cohort_state(fcinfo, 0);

	if (!IS_VALID_TIMESTAMP(table->first))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(table->first);
}

/* When anybody was last seen; NULL if nobody was. */
Datum
cohort_last(PG_FUNCTION_ARGS)
{
	const CohortTable *table = cohort_state(fcinfo, 0);

	if (!IS_VALID_TIMESTAMP(table->last))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(table->last);
}
