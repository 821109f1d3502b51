/*
 * journey/text.c: reads and writes journeys as text, see journey/text.h.
 *
 *	journey		:= '{' [touchpoint (',' touchpoint)*] '}'
 *	touchpoint	:= time event ['@' channel] ['~' session] ['=' value]
 *
 * Times as base/iso_time.h has them, labels as base/label.h; a value is a decimal
 * number, Infinity, -Infinity or NaN, written in the fewest digits that read
 * back to the same float8.  White space may stand between any two parts.  The
 * touchpoints may come in any order.
 */
#include "journey/text.h"

#include <errno.h>
#include <math.h>

#include "base/iso_time.h"
#include "common/shortest_dec.h"

static bool
fail_expected(const LabelScanner *scanner, const char *expected, CjmError *error)
{
	return cjm_fail(error, CJM_ERROR_SYNTAX, "invalid journey: expected %s at character %d, found %s",
					expected, label_position(scanner, scanner->at), label_found(scanner, scanner->at));
}

static bool
scan_char(LabelScanner *scanner, char c)
{
	label_skip_space(scanner);
	if (scanner->at >= scanner->end || *scanner->at != c)
		return false;
	scanner->at++;
	return true;
}

static bool
scan_label(LabelScanner *scanner, const char *expected, Label *label, CjmError *error)
{
	label_skip_space(scanner);
	if (scanner->at < scanner->end && *scanner->at == '"')
		return label_scan_quoted(scanner, label, error);
	if (label_scan_bare(scanner, label))
		return true;
	return fail_expected(scanner, expected, error);
}

static inline bool
is_number_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		c == '+' || c == '-' || c == '.';
}

/* Reads a value; the grammar of strtod less its hexadecimal numbers and locale. */
static bool
scan_number(LabelScanner *scanner, double *value, CjmError *error)
{
	char		digits[512];
	const char *start;
	char	   *stop;
	size_t		size = 0;

	label_skip_space(scanner);
	start = scanner->at;
	while (start + size < scanner->end && is_number_char(start[size]))
		size++;
	if (size == 0 || size >= sizeof(digits))
		return fail_expected(scanner, "a number", error);
	memcpy(digits, start, size);
	digits[size] = '\0';
	if (strcmp(digits, "NaN") == 0)
		*value = (double) NAN;
	else if (strcmp(digits, "Infinity") == 0)
		*value = (double) INFINITY;
	else if (strcmp(digits, "-Infinity") == 0)
		*value = -(double) INFINITY;
	else
	{
		if (strspn(digits, "+-.0123456789eE") != size)
			return fail_expected(scanner, "a number", error);
		errno = 0;
		*value = strtod(digits, &stop);
		if (*stop != '\0' || stop == digits)
			return fail_expected(scanner, "a number", error);
		if (errno == ERANGE && (*value == 0 || isinf(*value)))
			return cjm_fail(error, CJM_ERROR_NUMBER, "value at character %d is out of range: %s",
							label_position(scanner, start), digits);
	}
	scanner->at += size;
	return true;
}

/* Appends a value in the fewest digits that are exact. */
void
number_print(StringInfo out, double value)
{
	char		digits[DOUBLE_SHORTEST_DECIMAL_LEN];

	if (isnan(value))
		appendStringInfoString(out, "NaN");
	else if (isinf(value))
		appendStringInfoString(out, value < 0 ? "-Infinity" : "Infinity");
	else
	{
		double_to_shortest_decimal_buf(value, digits);
		appendStringInfoString(out, digits);
	}
}

/*
 * journey_parse adds the touchpoints of a text to a builder, which may move.
 * On failure some may have been added.
 */
bool
journey_parse(const char *text, size_t size, int encoding, JourneyBuilder **builder, CjmError *error)
{
	LabelScanner scanner = {text, text, text + size, encoding};

	if (!scan_char(&scanner, '{'))
		return fail_expected(&scanner, "\"{\"", error);
	if (!scan_char(&scanner, '}'))
	{
		do
		{
			int64		at;
			Label		event;
			Label		channel = NO_LABEL;
			Label		session = NO_LABEL;
			double		value = 0;
			bool		has_value;

			CHECK_FOR_INTERRUPTS();
			label_skip_space(&scanner);
			if (!iso_time_scan(&scanner, &at, error) ||
				!scan_label(&scanner, "an event", &event, error))
				return false;
			if (scan_char(&scanner, '@') && !scan_label(&scanner, "a channel", &channel, error))
				return false;
			if (scan_char(&scanner, '~') && !scan_label(&scanner, "a session", &session, error))
				return false;
			has_value = scan_char(&scanner, '=');
			if (has_value && !scan_number(&scanner, &value, error))
				return false;
			if (!builder_add(builder, at, event, channel, session, has_value, value, error))
				return false;
		} while (scan_char(&scanner, ','));
		if (!scan_char(&scanner, '}'))
			return fail_expected(&scanner, "\",\" or \"}\"", error);
	}
	label_skip_space(&scanner);
	if (scanner.at < scanner.end)
		return fail_expected(&scanner, "the end", error);
	return true;
}

/* Appends the text of a journey, which journey_parse reads back. */
void
journey_print(StringInfo out, const JourneyView *view)
{
	Label	   *events = journey_labels(&view->events);
	Label	   *channels = journey_labels(&view->channels);
	Label	   *sessions = journey_labels(&view->sessions);
	JourneyCursor cursor;
	Touch		touch;

	appendStringInfoChar(out, '{');
	journey_cursor_start(&cursor, view, 0);
	while (journey_cursor_next(&cursor, &touch))
	{
		CHECK_FOR_INTERRUPTS();
		if (cursor.next > 1)
			appendStringInfoString(out, ", ");
		iso_time_print(out, touch.at);
		appendStringInfoChar(out, ' ');
		label_print(out, events[touch.event], false);
		if (touch.channel != 0)
		{
			appendStringInfoChar(out, '@');
			label_print(out, channels[touch.channel - 1], false);
		}
		if (touch.session != 0)
		{
			appendStringInfoChar(out, '~');
			label_print(out, sessions[touch.session - 1], false);
		}
		if (touch.has_value)
		{
			appendStringInfoChar(out, '=');
			number_print(out, touch.value);
		}
	}
	appendStringInfoChar(out, '}');
	pfree(events);
	pfree(channels);
	pfree(sessions);
}
