/*
 * calendar.c: hours, days, weeks, months, quarters and years of a time zone.
 */
#include "calendar.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/rangetypes.h"

static const CalendarUnit units[] = {
	{"hour", {.time = USECS_PER_HOUR}},
	{"day", {.day = 1}},
	{"week", {.day = 7}},
	{"month", {.month = 1}},
	{"quarter", {.month = 3}},
	{"year", {.month = 12}}
};

/* The unit of a name, in any case; an error if there is none. */
const CalendarUnit *
calendar_unit(text *name)
{
	for (int i = 0; i < (int) lengthof(units); i++)
		if (VARSIZE_ANY_EXHDR(name) == strlen(units[i].name) &&
			pg_strncasecmp(VARDATA_ANY(name), units[i].name, strlen(units[i].name)) == 0)
			return &units[i];
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown bucket \"%s\"", text_to_cstring(name)),
			 errhint("Buckets are hour, day, week, month, quarter and year.")));
}

/* The moment at which a clock of the zone shows a local time; the later one of two. */
static TimestampTz
clock_shows(Datum local, Datum zone)
{
	return DatumGetTimestampTz(DirectFunctionCall2(timestamp_zone, zone, local));
}

/* The full hour that clocks have shown last, as date_trunc has it. */
static TimestampTz
trunc_hour(Datum name, TimestampTz at, Datum zone)
{
	return DatumGetTimestampTz(DirectFunctionCall3(timestamptz_trunc_zone, name, TimestampTzGetDatum(at), zone));
}

/* When the hour that holds a moment begins: where clocks are put back by half an hour, with the change. */
static TimestampTz
hour_begin(Datum name, TimestampTz at, Datum zone)
{
	TimestampTz begin = trunc_hour(name, at, zone);
	TimestampTz before = trunc_hour(name, begin, zone);

	return before < begin ? before + USECS_PER_HOUR : begin;
}

/*
 * The period that holds a moment: from begin, before end.  Periods never
 * overlap and leave nothing out, wherever clocks are changed; one that does not
 * begin and end within the times of timestamptz is an error.
 *
 * Hours have one length; but one in which clocks are changed by half of it
 * ends, or begins, with the change.  From days on begin and end are local
 * times, so that a day may have 23 or 25 hours; one that begins at a time that
 * clocks show twice begins at the second.
 */
void
calendar_period(const CalendarUnit *unit, TimestampTz at, Datum zone, TimestampTz *begin, TimestampTz *end)
{
	Datum		name = CStringGetTextDatum(unit->name);
	Datum		length = IntervalPGetDatum(unconstify(Interval *, &unit->length));
	Datum		local;

	if (unit->length.time != 0)
	{
		TimestampTz next;

		*begin = hour_begin(name, at, zone);
		*end = trunc_hour(name, at, zone) + unit->length.time;
		next = hour_begin(name, *end - 1, zone);
		if (next > at)
			*end = next;
		return;
	}
	local = DirectFunctionCall2(timestamptz_zone, zone, TimestampTzGetDatum(at));
	local = DirectFunctionCall2(timestamp_trunc, name, local);
	*begin = clock_shows(local, zone);
	if (*begin > at)
	{
		*end = *begin;
		*begin = clock_shows(DirectFunctionCall2(timestamp_mi_interval, local, length), zone);
	}
	else
		*end = clock_shows(DirectFunctionCall2(timestamp_pl_interval, local, length), zone);
}

/* A period as a tstzrange. */
Datum
calendar_range(TimestampTz begin, TimestampTz end, TypeCacheEntry *range_type)
{
	RangeBound	lower = {.val = TimestampTzGetDatum(begin), .inclusive = true, .lower = true};
	RangeBound	upper = {.val = TimestampTzGetDatum(end), .inclusive = false, .lower = false};

	return RangeTypePGetDatum(make_range(range_type, &lower, &upper, false));
}
