/*
 * base/calendar.c: hours, days, weeks, months, quarters and years of a time zone.
 *
 * To find where a period begins and ends costs a microsecond, and journeys are
 * about the same few: a function that is asked of many keeps those it has found.
 */
#include "base/calendar.h"

#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/rangetypes.h"

/* So many are kept; when there are more, all are forgotten. */
#define MAX_KNOWN 4096

struct KnownPeriods
{
	const CalendarUnit *unit;
	text	   *zone;
	int			count;
	int			capacity;
	CalendarPeriod *periods;	/* in order */
};

static const CalendarUnit units[] = {
	{"hour", {.time = USECS_PER_HOUR}, 0},
	{"day", {.day = 1}, 0},
	{"week", {.day = 7}, 0},
	{"month", {.month = 1}, 0},
	{"quarter", {.month = 3}, 0},
	{"year", {.month = 12}, 0}
};

/* Weeks by the day on which they begin, and Monday, with which they do by the rules of ISO, first. */
static const struct
{
	const char *first_day;
	CalendarUnit unit;
}			weeks[] = {
	{"monday", {"week", {.day = 7}, 0}},
	{"tuesday", {"week", {.day = 7}, 1}},
	{"wednesday", {"week", {.day = 7}, 2}},
	{"thursday", {"week", {.day = 7}, 3}},
	{"friday", {"week", {.day = 7}, 4}},
	{"saturday", {"week", {.day = 7}, 5}},
	{"sunday", {"week", {.day = 7}, 6}}
};

/* 2000-01-03, a Monday, as a date. */
#define A_MONDAY 2
/* Months from the year 0 to 2000-01-01. */
#define MONTHS_OF_EPOCH (2000 * 12)

static bool
is_word(text *name, const char *word)
{
	return VARSIZE_ANY_EXHDR(name) == strlen(word) && pg_strncasecmp(VARDATA_ANY(name), word, strlen(word)) == 0;
}

/* The weeks that begin on a day, in any case; an error if there is no such day. */
const CalendarUnit *
calendar_week(text *first_day)
{
	for (int i = 0; i < (int) lengthof(weeks); i++)
		if (is_word(first_day, weeks[i].first_day))
			return &weeks[i].unit;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("weeks cannot start on \"%s\"", text_to_cstring(first_day)),
			 errhint("They start on monday, tuesday, wednesday, thursday, friday, saturday or sunday.")));
}

static int
floor_divide(int a, int b)
{
	return a / b - (a % b < 0);
}

/* The number of the period that begins on a date, of a unit from days on: that of the next one is one more. */
int
calendar_number(const CalendarUnit *unit, DateADT date)
{
	int			year,
				month,
				day;

	if (unit->length.month == 0)
		return floor_divide(date - (unit->length.day == 7 ? A_MONDAY + unit->shift : 0), unit->length.day);
	j2date(date + POSTGRES_EPOCH_JDATE, &year, &month, &day);
	return floor_divide(year * 12 + month - 1 - MONTHS_OF_EPOCH, unit->length.month);
}

/* The first day of a period by its number. */
DateADT
calendar_date(const CalendarUnit *unit, int number)
{
	int			months = number * unit->length.month + MONTHS_OF_EPOCH;

	if (unit->length.month == 0)
		return number * unit->length.day + (unit->length.day == 7 ? A_MONDAY + unit->shift : 0);
	return date2j(floor_divide(months, 12), months - floor_divide(months, 12) * 12 + 1, 1) - POSTGRES_EPOCH_JDATE;
}

/* The unit of a name that there is. */
const CalendarUnit *
calendar_unit_named(const char *name)
{
	int			i = 0;

	while (strcmp(units[i].name, name) != 0)
		i++;
	return &units[i];
}

/* The unit of a name, in any case; an error if there is none. */
const CalendarUnit *
calendar_unit(text *name)
{
	for (int i = 0; i < (int) lengthof(units); i++)
		if (is_word(name, units[i].name))
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
 * What a clock of the zone shows at a moment.  In the last hours of all time an
 * eastern one would show what no timestamp can hold: they go with the last day.
 */
static Datum
clock_at(TimestampTz at, Datum zone)
{
	Timestamp	day_before;

	if (at < END_TIMESTAMP - USECS_PER_DAY)
		return DirectFunctionCall2(timestamptz_zone, zone, TimestampTzGetDatum(at));
	day_before = DatumGetTimestamp(DirectFunctionCall2(timestamptz_zone, zone, TimestampTzGetDatum(at - USECS_PER_DAY)));
	return TimestampGetDatum(Min(day_before + USECS_PER_DAY, END_TIMESTAMP - 1));
}

/* Whether what follows the period that begins at a local time lies beyond all time; no period is longer than that. */
static bool
is_last(const CalendarUnit *unit, Datum local)
{
	int			days = unit->length.month == 12 ? 366 : unit->length.month == 3 ? 92 : unit->length.month == 1 ? 31 : unit->length.day;

	return DatumGetTimestamp(local) >= END_TIMESTAMP - days * USECS_PER_DAY;
}

/* The local time at which the period that holds a local time begins. */
static Datum
trunc_local(const CalendarUnit *unit, Datum name, Datum local)
{
	Interval	shift = {.day = unit->shift};

	if (unit->shift == 0)
		return DirectFunctionCall2(timestamp_trunc, name, local);
	local = DirectFunctionCall2(timestamp_mi_interval, local, IntervalPGetDatum(&shift));
	local = DirectFunctionCall2(timestamp_trunc, name, local);
	return DirectFunctionCall2(timestamp_pl_interval, local, IntervalPGetDatum(&shift));
}

/* When a local day begins. */
TimestampTz
calendar_begin(DateADT date, text *zone)
{
	return clock_shows(DirectFunctionCall1(date_timestamp, DateADTGetDatum(date)), PointerGetDatum(zone));
}

/*
 * The period that holds a moment: from begin, before end.  Periods never
 * overlap and leave nothing out, wherever clocks are changed; the last one ends
 * with infinity, and one that begins before the times of timestamptz is an
 * error.
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
		if (*end >= END_TIMESTAMP)
			*end = DT_NOEND;
		return;
	}
	local = clock_at(at, zone);
	local = trunc_local(unit, name, local);
	*begin = clock_shows(local, zone);
	if (*begin > at)
	{
		*end = *begin;
		*begin = clock_shows(DirectFunctionCall2(timestamp_mi_interval, local, length), zone);
	}
	else if (is_last(unit, local))
		*end = DT_NOEND;
	else
		*end = clock_shows(DirectFunctionCall2(timestamp_pl_interval, local, length), zone);
}

/*
 * What is known of the periods of a unit in a time zone, kept at *place, which is
 * NULL before the first call, and in a context that lasts as long.
 */
KnownPeriods *
known_periods(KnownPeriods **place, MemoryContext context, const CalendarUnit *unit, text *zone)
{
	KnownPeriods *known = *place;

	if (known == NULL)
	{
		known = MemoryContextAllocZero(context, sizeof(KnownPeriods));
		known->capacity = 16;
		known->periods = MemoryContextAlloc(context, known->capacity * sizeof(CalendarPeriod));
		*place = known;
	}
	if (known->unit != unit || VARSIZE_ANY_EXHDR(known->zone) != VARSIZE_ANY_EXHDR(zone) ||
		memcmp(VARDATA_ANY(known->zone), VARDATA_ANY(zone), VARSIZE_ANY_EXHDR(zone)) != 0)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

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

/* How far clocks of a zone are ahead of UTC at a moment. */
static int64
clock_offset(TimestampTz at, Datum zone)
{
	return DatumGetTimestamp(clock_at(at, zone)) - at;
}

/*
 * Until when clocks surely show no date of the period that follows one.  They do only where they are put back past
 * midnight, which nobody does by more than a day.
 */
static TimestampTz
shown_until(TimestampTz end, Datum zone)
{
	TimestampTz before;

	if (TIMESTAMP_IS_NOEND(end) || end < MIN_TIMESTAMP + 3 * USECS_PER_DAY || end >= END_TIMESTAMP - 3 * USECS_PER_DAY)
		return end;
	before = end - 25 * USECS_PER_HOUR;
	return clock_offset(before, zone) <= clock_offset(end, zone) ? end : before;
}

/* The period that holds a time, of days or longer ones; a pointer that holds until the next call. */
const CalendarPeriod *
known_period(KnownPeriods *known, TimestampTz at)
{
	int			low = 0;
	int			high = known->count;
	CalendarPeriod found;
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
	found.number = calendar_number(known->unit, found.date);
	found.shown = shown_until(found.end, zone);
	if (known->count == MAX_KNOWN)
		low = known->count = 0;
	if (known->count == known->capacity)
	{
		known->periods = repalloc(known->periods, 2 * known->capacity * sizeof(CalendarPeriod));
		known->capacity *= 2;
	}
	memmove(&known->periods[low + 1], &known->periods[low], (known->count - low) * sizeof(CalendarPeriod));
	known->periods[low] = found;
	known->count++;
	return &known->periods[low];
}

/*
 * The number of the period whose dates clocks show at a time, as date_trunc has it: that which holds the time, but
 * for a midnight that comes twice, before the second of which it is the next one.
 */
int
calendar_shown(KnownPeriods *known, TimestampTz at)
{
	const CalendarPeriod *period = known_period(known, at);

	if (at < period->shown)
		return period->number;
	return calendar_number(known->unit,
						   DatumGetDateADT(DirectFunctionCall1(timestamp_date, clock_at(at, PointerGetDatum(known->zone)))));
}

/* A period as a tstzrange. */
Datum
calendar_range(TimestampTz begin, TimestampTz end, TypeCacheEntry *range_type)
{
	RangeBound	lower = {.val = TimestampTzGetDatum(begin), .inclusive = true, .lower = true};
	RangeBound	upper = {.val = TimestampTzGetDatum(end), .inclusive = false, .lower = false};

	return RangeTypePGetDatum(cjm_make_range(range_type, &lower, &upper));
}
