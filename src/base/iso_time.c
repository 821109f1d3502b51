/*
 * base/iso_time.c: prints times as ISO 8601 and reads them.
 *
 * PostgreSQL's own input and output of timestamptz depend on DateStyle and
 * TimeZone, and so cannot serve a type whose text has to be immutable.  Years
 * are those of the proleptic Gregorian calendar; beyond 0000 to 9999 they are
 * written with a sign, as ISO 8601 has it, and 0000 is 1 BC.
 *
 * The day arithmetic follows Howard Hinnant, "chrono-Compatible Low-Level Date
 * Algorithms" (days_from_civil, civil_from_days).
 */
#include "base/iso_time.h"

#define DAYS_1970_TO_2000 10957
#define DAYS_0000_03_01_TO_1970 719468
#define DAYS_IN_ERA 146097		/* 400 years */
#define MIN_DAY (MIN_TIMESTAMP / USECS_PER_DAY)
#define END_DAY (END_TIMESTAMP / USECS_PER_DAY)

static int64
days_from_civil(int64 year, int month, int day)
{
	int64		era;
	int64		year_of_era;
	int64		day_of_year;

	year -= month <= 2;
	era = (year >= 0 ? year : year - 399) / 400;
	year_of_era = year - era * 400;
	day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * DAYS_IN_ERA + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
		DAYS_0000_03_01_TO_1970 - DAYS_1970_TO_2000;
}

static void
civil_from_days(int64 days, int64 *year, int *month, int *day)
{
	int64		shifted = days + DAYS_1970_TO_2000 + DAYS_0000_03_01_TO_1970;
	int64		era = (shifted >= 0 ? shifted : shifted - (DAYS_IN_ERA - 1)) / DAYS_IN_ERA;
	int64		day_of_era = shifted - era * DAYS_IN_ERA;
	int64		year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64		day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int			shifted_month = (5 * day_of_year + 2) / 153;

	*day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
	*month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
	*year = year_of_era + era * 400 + (*month <= 2);
}

/* Appends 2026-01-31T09:30:00.25Z for a finite time in microseconds since 2000-01-01 UTC. */
void
iso_time_print(StringInfo out, int64 at)
{
	int64		days = at / USECS_PER_DAY;
	int64		rest = at % USECS_PER_DAY;
	int64		year;
	int			month;
	int			day;
	int			fraction;

	if (rest < 0)
	{
		rest += USECS_PER_DAY;
		days--;
	}
	civil_from_days(days, &year, &month, &day);
	if (year >= 0 && year <= 9999)
		appendStringInfo(out, "%04d", (int) year);
	else
		appendStringInfo(out, "%+05d", (int) year);
	appendStringInfo(out, "-%02d-%02dT%02d:%02d:%02d", month, day, (int) (rest / USECS_PER_HOUR),
					 (int) (rest / USECS_PER_MINUTE % 60), (int) (rest / USECS_PER_SEC % 60));
	fraction = rest % USECS_PER_SEC;
	if (fraction != 0)
	{
		appendStringInfo(out, ".%06d", fraction);
		while (out->data[out->len - 1] == '0')
			out->data[--out->len] = '\0';
	}
	appendStringInfoChar(out, 'Z');
}

/* Takes min to max digits; false if there are fewer, or more. */
static bool
scan_digits(LabelScanner *scanner, int min, int max, int64 *value)
{
	int			digits = 0;

	*value = 0;
	while (scanner->at < scanner->end && *scanner->at >= '0' && *scanner->at <= '9')
	{
		if (++digits > max)
			return false;
		*value = *value * 10 + (*scanner->at++ - '0');
	}
	return digits >= min;
}

static bool
scan_char(LabelScanner *scanner, char c)
{
	if (scanner->at >= scanner->end || *scanner->at != c)
		return false;
	scanner->at++;
	return true;
}

static bool
fail_here(const LabelScanner *scanner, const char *start, const char *why, CjmError *error)
{
	cjm_fail(error, CJM_ERROR_SYNTAX, "invalid time at character %d: %s",
			 label_position(scanner, start), label_found(scanner, start));
	cjm_fail_detail(error, "%s", why);
	return false;
}

/*
 * iso_time_scan reads a time at the scanner and leaves the scanner behind it:
 * date, "T" or a space, hours and minutes, perhaps seconds with up to six
 * decimals, and then, always, Z or an offset from UTC such as +02:00 (or, as
 * PostgreSQL prints the times of long ago, +01:36:34).
 */
bool
iso_time_scan(LabelScanner *scanner, int64 *at, CjmError *error)
{
	static const int month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	const char *start = scanner->at;
	bool		expanded;
	bool		negative;
	int64		year;
	int64		month;
	int64		day;
	int64		hour;
	int64		minute;
	int64		second = 0;
	int64		fraction = 0;
	int64		offset = 0;
	int64		days;

	negative = scanner->at < scanner->end && *scanner->at == '-';
	expanded = scan_char(scanner, '-') || scan_char(scanner, '+');
	if (!scan_digits(scanner, 4, expanded ? 6 : 4, &year) || !scan_char(scanner, '-') ||
		!scan_digits(scanner, 2, 2, &month) || !scan_char(scanner, '-') || !scan_digits(scanner, 2, 2, &day))
		return fail_here(scanner, start, "A time begins with a date such as 2026-01-31.", error);
	if (negative)
		year = -year;
	if (!scan_char(scanner, 'T') && !scan_char(scanner, 't') && !scan_char(scanner, ' '))
		return fail_here(scanner, start, "\"T\" or a space is expected after the date.", error);
	if (!scan_digits(scanner, 2, 2, &hour) || !scan_char(scanner, ':') || !scan_digits(scanner, 2, 2, &minute))
		return fail_here(scanner, start, "Hours and minutes such as 09:30 are expected after the date.", error);
	if (scan_char(scanner, ':') && !scan_digits(scanner, 2, 2, &second))
		return fail_here(scanner, start, "Seconds are two digits.", error);
	if (scan_char(scanner, '.'))
	{
		const char *digits = scanner->at;

		if (!scan_digits(scanner, 1, 6, &fraction))
			return fail_here(scanner, start, "A fraction of a second has one to six digits.", error);
		for (int n = scanner->at - digits; n < 6; n++)
			fraction *= 10;
	}
	if (!scan_char(scanner, 'Z') && !scan_char(scanner, 'z'))
	{
		bool		west = scanner->at < scanner->end && *scanner->at == '-';
		int64		hours;
		int64		minutes = 0;
		int64		seconds = 0;

		if (!(scan_char(scanner, '-') || scan_char(scanner, '+')) || !scan_digits(scanner, 2, 2, &hours) ||
			(scan_char(scanner, ':') &&
			 (!scan_digits(scanner, 2, 2, &minutes) ||
			  (scan_char(scanner, ':') && !scan_digits(scanner, 2, 2, &seconds)))) ||
			hours > 15 || minutes > 59 || seconds > 59)
			return fail_here(scanner, start, "A time ends with Z or with its offset from UTC, such as +02:00.", error);
		offset = (hours * 60 + minutes) * USECS_PER_MINUTE + seconds * USECS_PER_SEC;
		if (west)
			offset = -offset;
	}

	if (month < 1 || month > 12 || day < 1 || day > month_days[month - 1] ||
		(month == 2 && day == 29 && (year % 4 != 0 || (year % 100 == 0 && year % 400 != 0))))
		return fail_here(scanner, start, "There is no such day.", error);
	if (hour > 23 || minute > 59 || second > 59)
		return fail_here(scanner, start, "There is no such time of day.", error);

	days = days_from_civil(year, month, day);
	/* A day more than timestamptz holds, for the offset, still fits in int64; the exact check follows. */
	if (days >= MIN_DAY - 1 && days <= END_DAY)
	{
		*at = days * USECS_PER_DAY + (hour * 60 + minute) * USECS_PER_MINUTE + second * USECS_PER_SEC +
			fraction - offset;
		if (IS_VALID_TIMESTAMP(*at))
			return true;
	}
	return cjm_fail(error, CJM_ERROR_RANGE, "time at character %d is out of range: %s",
					label_position(scanner, start), label_found(scanner, start));
}
