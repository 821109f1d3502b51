/*
 * funnel/duration.c: durations in the text of funnels, read and printed.
 *
 *	duration := (number unit)+
 *
 * The pairs are added up.  Arithmetic is exact: decimal fractions are never
 * floating-point numbers, and what is not a whole number of microseconds is
 * refused.  No setting of the server has a say, which an interval's would.
 * Printed is one pair, of the largest unit from days down that divides.
 */
#include "funnel/text.h"

#include "common/int.h"
#include "mb/pg_wchar.h"

#define UNIT_HINT \
	"Units are weeks, days, hours, minutes, seconds, milliseconds and microseconds."

/* Longest piece of the text that a message repeats, in bytes. */
#define SHOWN_MAX_BYTES 40

/* A unit of durations; one without a length is refused, and hint says why. */
typedef struct Unit
{
	const char *name;
	int64		length;			/* microseconds */
	const char *hint;
} Unit;

static const char month_hint[] = "Months differ in length. Write days, for example \"30 days\".";
static const char quarter_hint[] = "Quarters differ in length. Write days, for example \"90 days\".";
static const char year_hint[] = "Years differ in length. Write days, for example \"365 days\".";
static const char m_hint[] = "Write \"min\" for minutes, and days instead of months.";

static const Unit units[] = {
	{"w", USECS_PER_DAY * 7, NULL},
	{"week", USECS_PER_DAY * 7, NULL},
	{"weeks", USECS_PER_DAY * 7, NULL},
	{"d", USECS_PER_DAY, NULL},
	{"day", USECS_PER_DAY, NULL},
	{"days", USECS_PER_DAY, NULL},
	{"h", USECS_PER_HOUR, NULL},
	{"hr", USECS_PER_HOUR, NULL},
	{"hrs", USECS_PER_HOUR, NULL},
	{"hour", USECS_PER_HOUR, NULL},
	{"hours", USECS_PER_HOUR, NULL},
	{"min", USECS_PER_MINUTE, NULL},
	{"mins", USECS_PER_MINUTE, NULL},
	{"minute", USECS_PER_MINUTE, NULL},
	{"minutes", USECS_PER_MINUTE, NULL},
	{"s", USECS_PER_SEC, NULL},
	{"sec", USECS_PER_SEC, NULL},
	{"secs", USECS_PER_SEC, NULL},
	{"second", USECS_PER_SEC, NULL},
	{"seconds", USECS_PER_SEC, NULL},
	{"ms", 1000, NULL},
	{"msec", 1000, NULL},
	{"msecs", 1000, NULL},
	{"millisecond", 1000, NULL},
	{"milliseconds", 1000, NULL},
	{"us", 1, NULL},
	{"usec", 1, NULL},
	{"usecs", 1, NULL},
	{"microsecond", 1, NULL},
	{"microseconds", 1, NULL},
	{"m", 0, m_hint},
	{"mon", 0, month_hint},
	{"mons", 0, month_hint},
	{"month", 0, month_hint},
	{"months", 0, month_hint},
	{"quarter", 0, quarter_hint},
	{"quarters", 0, quarter_hint},
	{"y", 0, year_hint},
	{"yr", 0, year_hint},
	{"yrs", 0, year_hint},
	{"year", 0, year_hint},
	{"years", 0, year_hint}
};

/* Units of printed durations; each divides the one before it. */
static const struct
{
	const char *name;
	int64		length;
}			printed[] =
{
	{"day", USECS_PER_DAY},
	{"hour", USECS_PER_HOUR},
	{"minute", USECS_PER_MINUTE},
	{"second", USECS_PER_SEC},
	{"millisecond", 1000},
	{"microsecond", 1}
};

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || IS_HIGHBIT_SET(c);
}

/* A piece of the text for a message, cut at a whole character if it is long; palloc'd. */
char *
funnel_shown(const LabelScanner *scanner, const char *from, const char *to)
{
	const char *stop = from;

	if (to - from <= SHOWN_MAX_BYTES)
		return psprintf("%.*s", (int) (to - from), from);
	for (;;)
	{
		int			width = pg_encoding_mblen(scanner->encoding, stop);

		if (stop + width - from > SHOWN_MAX_BYTES)
			break;
		stop += width;
	}
	return psprintf("%.*s...", (int) (stop - from), from);
}

/* Fails with what was expected where the scanner stands, in a text that is called noun. */
bool
funnel_fail_expected_in(LabelScanner *scanner, const char *noun, const char *what, CjmError *error)
{
	label_skip_space(scanner);
	return cjm_fail(error, CJM_ERROR_SYNTAX, "invalid %s: expected %s at character %d, found %s", noun,
					what, label_position(scanner, scanner->at), label_found(scanner, scanner->at));
}

bool
funnel_fail_expected(LabelScanner *scanner, const char *what, CjmError *error)
{
	return funnel_fail_expected_in(scanner, "funnel", what, error);
}

static inline bool
at_arrow(const LabelScanner *scanner)
{
	return scanner->end - scanner->at >= 2 && scanner->at[0] == '-' && scanner->at[1] == '>';
}

/*
 * Finds the digits of a number before its point and after it; what they are
 * worth depends on the unit that follows.  One of the two may be missing.
 */
static bool
scan_number(LabelScanner *scanner, Label *whole, Label *fraction)
{
	whole->bytes = scanner->at;
	while (scanner->at < scanner->end && is_digit(*scanner->at))
		scanner->at++;
	whole->size = scanner->at - whole->bytes;
	fraction->bytes = scanner->at;
	fraction->size = 0;
	if (scanner->end - scanner->at >= 2 && scanner->at[0] == '.' && is_digit(scanner->at[1]))
	{
		fraction->bytes = ++scanner->at;
		while (scanner->at < scanner->end && is_digit(*scanner->at))
			scanner->at++;
		fraction->size = scanner->at - fraction->bytes;
	}
	return whole->size > 0 || fraction->size > 0;
}

/* whole times unit; false if it is beyond int64. */
static bool
multiply_whole(Label whole, int64 unit, int64 *product)
{
	int64		value = 0;

	for (uint32 i = 0; i < whole.size; i++)
	{
		if (pg_mul_s64_overflow(value, 10, &value) ||
			pg_add_s64_overflow(value, whole.bytes[i] - '0', &value))
			return false;
	}
	return !pg_mul_s64_overflow(value, unit, product);
}

/*
 * 0.fraction times unit; false if that is no whole number.
 *
 * The fraction is reduced to n / d.  Then unit / d must be whole, and n times
 * it is less than unit.  No unit has more than 13 factors of 2 or 8 of 5, so
 * a fraction of more than 18 digits that count is never whole.
 */
static bool
multiply_fraction(Label fraction, int64 unit, int64 *product)
{
	int64		n = 0;
	int64		d = 1;
	int64		a;
	int64		b;

	while (fraction.size > 0 && fraction.bytes[fraction.size - 1] == '0')
		fraction.size--;
	if (fraction.size > 18)
		return false;
	for (uint32 i = 0; i < fraction.size; i++)
	{
		n = n * 10 + (fraction.bytes[i] - '0');
		d *= 10;
	}

	/* Euclid's greatest common divisor comes out in a. */
	a = d;
	b = n;
	while (b != 0)
	{
		int64		rest = a % b;

		a = b;
		b = rest;
	}
	n /= a;
	d /= a;
	if (unit % d != 0)
		return false;
	*product = n * (unit / d);
	return true;
}

/* Reads the unit of a duration. */
static bool
parse_unit(LabelScanner *scanner, const char *noun, int64 *length, CjmError *error)
{
	const char *begin;
	Label		word;

	label_skip_space(scanner);
	begin = scanner->at;
	while (scanner->at < scanner->end && is_letter(*scanner->at))
		scanner->at++;
	word.bytes = begin;
	word.size = scanner->at - begin;
	if (word.size == 0)
	{
		funnel_fail_expected_in(scanner, noun, "a unit of time", error);
		cjm_fail_hint(error, UNIT_HINT);
		return false;
	}

	for (size_t i = 0; i < lengthof(units); i++)
	{
		if (!label_is_word(word, units[i].name))
			continue;
		if (units[i].length == 0)
		{
			cjm_fail(error, CJM_ERROR_VALUE,
					 units[i].hint == m_hint ?
					 "invalid %s: \"%s\" at character %d could be minutes or months" :
					 "invalid %s: \"%s\" at character %d has no fixed length",
					 noun, funnel_shown(scanner, begin, scanner->at), label_position(scanner, begin));
			cjm_fail_hint(error, "%s", units[i].hint);
			return false;
		}
		*length = units[i].length;
		return true;
	}

	cjm_fail(error, CJM_ERROR_SYNTAX, "invalid %s: unknown unit of time \"%s\" at character %d",
			 noun, funnel_shown(scanner, begin, scanner->at), label_position(scanner, begin));
	cjm_fail_hint(error, UNIT_HINT);
	return false;
}

/* Fails with a duration that reads well but is not allowed. */
static bool
fail_duration(const LabelScanner *scanner, const char *noun, CjmErrorKind kind, const char *begin,
			  const char *why, CjmError *error)
{
	return cjm_fail(error, kind, "invalid %s: duration \"%s\" at character %d %s", noun,
					funnel_shown(scanner, begin, scanner->at), label_position(scanner, begin), why);
}

/*
 * Reads a duration at the scanner and leaves it right after; the result is
 * greater than zero.  noun is what messages call the text: "funnel".
 */
bool
funnel_parse_duration_in(LabelScanner *scanner, const char *noun, int64 *duration, CjmError *error)
{
	const char *begin = NULL;
	const char *stop;
	int64		sum = 0;

	for (;;)
	{
		const char *pair;
		Label		whole;
		Label		fraction;
		bool		negative;
		int64		unit;
		int64		part = 0;
		int64		rest = 0;

		CHECK_FOR_INTERRUPTS();
		label_skip_space(scanner);
		pair = scanner->at;
		if (begin == NULL)
			begin = pair;
		negative = scanner->at < scanner->end && *scanner->at == '-' && !at_arrow(scanner);
		if (negative)
		{
			scanner->at++;
			label_skip_space(scanner);
		}
		if (!scan_number(scanner, &whole, &fraction))
		{
			funnel_fail_expected_in(scanner, noun, "a duration", error);
			cjm_fail_hint(error, "A duration is written like \"7 days\", \"30min\" or \"1 day 12 hours\".");
			return false;
		}
		if (!parse_unit(scanner, noun, &unit, error))
			return false;
		if (negative)
			return fail_duration(scanner, noun, CJM_ERROR_VALUE, pair, "must be greater than zero", error);
		if (!multiply_fraction(fraction, unit, &rest))
			return fail_duration(scanner, noun, CJM_ERROR_VALUE, pair, "is not a whole number of microseconds", error);
		if (!multiply_whole(whole, unit, &part) ||
			pg_add_s64_overflow(part, rest, &part) ||
			pg_add_s64_overflow(sum, part, &sum))
			return fail_duration(scanner, noun, CJM_ERROR_RANGE, begin, "is too long", error);

		stop = scanner->at;
		label_skip_space(scanner);
		if (scanner->at >= scanner->end || at_arrow(scanner) ||
			!(is_digit(*scanner->at) || *scanner->at == '.' || *scanner->at == '-'))
			break;
	}

	scanner->at = stop;
	if (sum == 0)
		return fail_duration(scanner, noun, CJM_ERROR_VALUE, begin, "must be greater than zero", error);
	*duration = sum;
	return true;
}

bool
funnel_parse_duration(LabelScanner *scanner, int64 *duration, CjmError *error)
{
	return funnel_parse_duration_in(scanner, "funnel", duration, error);
}

/* Appends the canonical text of a duration, which must be greater than zero. */
void
funnel_print_duration(StringInfo out, int64 duration)
{
	int			i = 0;
	int64		count;

	while (duration % printed[i].length != 0)
		i++;
	count = duration / printed[i].length;
	appendStringInfo(out, INT64_FORMAT " %s%s", count, printed[i].name, count == 1 ? "" : "s");
}
