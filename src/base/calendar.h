/*
 * base/calendar.h: periods of the calendar in a time zone.
 */
#ifndef CJM_CALENDAR_H
#define CJM_CALENDAR_H

#include "base/glue.h"

#include "utils/date.h"
#include "utils/typcache.h"

/* A kind of period, and how long it is. */
typedef struct CalendarUnit
{
	const char *name;
	Interval	length;
	int			shift;			/* of weeks: by how many days they begin after Monday */
} CalendarUnit;

/* A period from days on. */
typedef struct CalendarPeriod
{
	TimestampTz begin;
	TimestampTz end;			/* not in it */
	DateADT		date;			/* on which it begins in the time zone */
	int			number;			/* of all periods of its unit, one after the other */
	TimestampTz shown;			/* before it clocks show no date of the next one */
} CalendarPeriod;

/* The periods that a call site has met, all of one unit and time zone. */
typedef struct KnownPeriods KnownPeriods;

extern const CalendarUnit *calendar_unit(text *name);
extern const CalendarUnit *calendar_unit_named(const char *name);
extern const CalendarUnit *calendar_week(text *first_day);
extern int	calendar_number(const CalendarUnit *unit, DateADT date);
extern DateADT calendar_date(const CalendarUnit *unit, int number);
extern TimestampTz calendar_begin(DateADT date, text *zone);
extern void calendar_period(const CalendarUnit *unit, TimestampTz at, Datum zone, TimestampTz *begin, TimestampTz *end);
extern KnownPeriods *known_periods(KnownPeriods **place, MemoryContext context, const CalendarUnit *unit, text *zone);
extern const CalendarPeriod *known_period(KnownPeriods *known, TimestampTz at);
extern int	calendar_shown(KnownPeriods *known, TimestampTz at);
extern Datum calendar_range(TimestampTz begin, TimestampTz end, TypeCacheEntry *range_type);

#endif							/* CJM_CALENDAR_H */
