/*
 * active_periods.c: active_periods(journey, period, time_zone): the days, weeks,
 * months, quarters or years in which a customer has touchpoints.
 *
 * Retention asks this of every customer, about the same few periods.  To find
 * where one begins and ends in a time zone costs a microsecond, so those that
 * were found stay with the call site.  From there on a journey costs two
 * searches for each of its periods.
 */
#include "calendar.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"

/* So many are kept; when there are more, all are forgotten. */
#define MAX_KNOWN 4096

PG_FUNCTION_INFO_V1(journey_active_periods);

typedef struct Period
{
	TimestampTz begin;
	TimestampTz end;			/* not in it */
	DateADT		date;			/* on which it begins in the time zone */
} Period;

/* The periods found by a call site, all of one unit and time zone. */
typedef struct KnownPeriods
{
	const CalendarUnit *unit;
	text	   *zone;
	int			count;
	int			capacity;
	Period	   *periods;		/* in order */
} KnownPeriods;

/* What the call site knows of the periods of a unit in a time zone. */
static KnownPeriods *
known_periods(FunctionCallInfo fcinfo, const CalendarUnit *unit, text *zone)
{
	FmgrInfo   *call = fcinfo->flinfo;
	KnownPeriods *known = (KnownPeriods *) call->fn_extra;

	if (known == NULL)
	{
		known = MemoryContextAllocZero(call->fn_mcxt, sizeof(KnownPeriods));
		known->capacity = 16;
		known->periods = MemoryContextAlloc(call->fn_mcxt, known->capacity * sizeof(Period));
		call->fn_extra = known;
	}
	if (known->unit != unit || VARSIZE_ANY_EXHDR(known->zone) != VARSIZE_ANY_EXHDR(zone) ||
		memcmp(VARDATA_ANY(known->zone), VARDATA_ANY(zone), VARSIZE_ANY_EXHDR(zone)) != 0)
	{
		MemoryContext old = MemoryContextSwitchTo(call->fn_mcxt);

		/* Nothing is known of it before it is whole. */
		known->unit = NULL;
		known->count = 0;
		if (known->zone != NULL)
			pfree(known->zone);
		known->zone = NULL;
		known->zone = (text *) bytes_to_varlena(VARDATA_ANY(zone), VARSIZE_ANY_EXHDR(zone));
		known->unit = unit;
		MemoryContextSwitchTo(old);
	}
	return known;
}

/* The period that holds a time; a pointer that holds until the next call. */
static const Period *
find_period(KnownPeriods *known, TimestampTz at)
{
	int			low = 0;
	int			high = known->count;
	Period		found;
	Datum		zone = PointerGetDatum(known->zone);
	Datum		local;

	/* The first one that ends later. */
	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (known->periods[middle].end <= at)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < known->count && known->periods[low].begin <= at)
		return &known->periods[low];

	calendar_period(known->unit, at, zone, &found.begin, &found.end);
	local = DirectFunctionCall2(timestamptz_zone, zone, TimestampTzGetDatum(found.begin));
	found.date = DatumGetDateADT(DirectFunctionCall1(timestamp_date, local));
	if (known->count == MAX_KNOWN)
		low = known->count = 0;
	if (known->count == known->capacity)
	{
		known->periods = repalloc(known->periods, 2 * known->capacity * sizeof(Period));
		known->capacity *= 2;
	}
	memmove(&known->periods[low + 1], &known->periods[low], (known->count - low) * sizeof(Period));
	known->periods[low] = found;
	known->count++;
	return &known->periods[low];
}

/* The first days of the periods, in order, without those in which there is nothing. */
Datum
journey_active_periods(PG_FUNCTION_ARGS)
{
	const CalendarUnit *unit = calendar_unit(PG_GETARG_TEXT_PP(1));
	KnownPeriods *known = known_periods(fcinfo, unit, PG_GETARG_TEXT_PP(2));
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
		const Period *period = find_period(known, journey_at(&view, i));

		CHECK_FOR_INTERRUPTS();
		if (count == capacity)
		{
			capacity = Max(16, 2 * capacity);
			dates = dates == NULL ? palloc(capacity * sizeof(Datum)) : repalloc_huge(dates, capacity * sizeof(Datum));
		}
		dates[count++] = DateADTGetDatum(period->date);
		i = journey_at(&view, view.count - 1) < period->end ? view.count : journey_lower_bound(&view, period->end);
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(dates, count, DATEOID, sizeof(DateADT), true, TYPALIGN_INT));
}
