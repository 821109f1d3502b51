/*
 * journey/active_periods.c: active_periods(journey, period, time_zone): the days, weeks,
 * months, quarters or years in which a customer has touchpoints.
 *
 * Retention asks this of every customer, about the same few periods, and so the
 * call site knows them (base/calendar.c).  A journey costs two searches for each of
 * its periods.
 */
#include "journey/argument.h"

#include "base/calendar.h"
#include "catalog/pg_type.h"
#include "utils/array.h"

PG_FUNCTION_INFO_V1(journey_active_periods);

/* The first days of the periods, in order, without those in which there is nothing. */
Datum
journey_active_periods(PG_FUNCTION_ARGS)
{
	const CalendarUnit *unit = calendar_unit(PG_GETARG_TEXT_PP(1));
	KnownPeriods *known = known_periods((KnownPeriods **) &fcinfo->flinfo->fn_extra, fcinfo->flinfo->fn_mcxt, unit,
										PG_GETARG_TEXT_PP(2));
	JourneyView view;
	Datum	   *dates = NULL;
	int			count = 0;
	int			capacity = 0;

	if (unit->length.time != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("active periods of an hour are not known"),
				 errhint("Periods are day, week, month, quarter and year.")));
	journey_open_datum(PG_GETARG_DATUM(0), &view);
	for (uint32 i = 0; i < view.count;)
	{
		const CalendarPeriod *period = known_period(known, journey_at(&view, i));
		uint32		next;

		CHECK_FOR_INTERRUPTS();
		if (count == capacity)
		{
			capacity = Max(16, 2 * capacity);
			dates = dates == NULL ? palloc(capacity * sizeof(Datum)) : repalloc_huge(dates, capacity * sizeof(Datum));
		}
		dates[count++] = DateADTGetDatum(period->date);
		next = journey_at(&view, view.count - 1) < period->end ? view.count : journey_lower_bound(&view, period->end);
		if (next <= i)
			cjm_damaged("the times of a journey are not in order");
		i = next;
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(dates, count, DATEOID, sizeof(DateADT), true, TYPALIGN_INT));
}
