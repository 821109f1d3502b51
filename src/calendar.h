/*
 * calendar.h: periods of the calendar in a time zone.
 */
#ifndef CJM_CALENDAR_H
#define CJM_CALENDAR_H

#include "glue.h"

#include "utils/typcache.h"

/* A kind of period, and how long it is. */
typedef struct CalendarUnit
{
	const char *name;
	Interval	length;
} CalendarUnit;

extern const CalendarUnit *calendar_unit(text *name);
extern void calendar_period(const CalendarUnit *unit, TimestampTz at, Datum zone, TimestampTz *begin, TimestampTz *end);
extern Datum calendar_range(TimestampTz begin, TimestampTz end, TypeCacheEntry *range_type);

#endif							/* CJM_CALENDAR_H */
